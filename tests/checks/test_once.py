"""Worked checks D18, D19, D20, D22, D23 and D58: keys that are never freed, one unit of work, one winner."""

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

import pytest
from builders import Clock, assert_sound, claim_of, convert, order, points_program, refund, section8_program

from crossloyalty import ClaimRequest, ClaimResult, Loyalty, Proof, Reason, rules
from crossloyalty.application.ports import Ahead, Change, Found, Scan, Storage, Transaction
from crossloyalty.domain.records import ClaimRecord, Key, RootKey
from crossloyalty.errors import Conflict, IdempotencyConflict, StorageBusy
from crossloyalty.storage.memory import MemoryStorage
from crossloyalty.testing.dump import dump


def test_d18_a_claim_key_is_not_freed_by_a_full_refund(storage: Storage, clock: Clock) -> None:
    """Wholly refunded and then finished anew, the order stays its first holder's."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    bought = order(1)
    convert(loyalty, "m1", bought)
    loyalty.ingest([refund(bought, 10_000)])
    for member_id in ("m2", "m3"):
        result = claim_of(loyalty, member_id, bought)
        assert (result.created, result.reason) == (False, Reason.ALREADY_CLAIMED)
    assert [row.member_id for row in dump(storage)["claims"]] == ["m1"]


def test_d18_an_operators_key_is_not_freed_by_failing(storage: Storage, clock: Clock) -> None:
    """A correction that could not be applied answers the same under its key for ever; a redo needs a key of its own."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    loyalty.adjust("m1", asset="points", amount=50, key="give")
    assert not loyalty.adjust("m1", asset="points", amount=-80, key="take").applied
    loyalty.adjust("m1", asset="points", amount=50, key="give-more")
    assert not loyalty.adjust("m1", asset="points", amount=-80, key="take").applied
    assert loyalty.member("m1").points == 100
    assert loyalty.adjust("m1", asset="points", amount=-80, key="take-again").balance == 20


@pytest.mark.parametrize(
    ("member_id", "asset", "amount"), [("m2", "points", 50), ("m1", "growth", 50), ("m1", "points", 51)]
)
def test_d19_another_request_under_a_key_is_a_conflict(
    storage: Storage, clock: Clock, member_id: str, asset: str, amount: int
) -> None:
    """Another member, asset or amount under a used key is IdempotencyConflict and changes nothing."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    first = loyalty.adjust("m1", asset="points", amount=50, key="k")
    with pytest.raises(IdempotencyConflict):
        loyalty.adjust(member_id, asset=asset, amount=amount, key="k")
    assert loyalty.adjust("m1", asset="points", amount=50, key="k") == first
    assert (loyalty.member("m1").points, loyalty.member("m2").points) == (50, 0)


def test_d19_a_key_used_for_an_adjustment_cannot_block(storage: Storage, clock: Clock) -> None:
    """One key is one request, whatever the call."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    loyalty.adjust("m1", asset="points", amount=50, key="k")
    with pytest.raises(IdempotencyConflict):
        loyalty.block("m1", reason="fraud", key="k")
    assert not loyalty.member("m1").blocked


def test_d20_the_key_is_looked_at_before_the_balance(storage: Storage, clock: Clock) -> None:
    """The replay of a success answers success, though the balance is short by now."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    loyalty.adjust("m1", asset="points", amount=100, key="give")
    first = loyalty.adjust("m1", asset="points", amount=-80, key="take")
    assert first.applied
    loyalty.adjust("m1", asset="points", amount=-20, key="rest")
    assert loyalty.adjust("m1", asset="points", amount=-80, key="take") == first
    assert loyalty.member("m1").points == 0
    assert_sound(loyalty)


class _Crash(Exception):
    pass


class _CrashingStorage:
    """Fails once, after a transaction's writes and before its commit, when told to."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.armed = False

    @contextmanager
    def transaction(self, *, readonly: bool = False) -> Iterator[Transaction]:
        with self._storage.transaction(readonly=readonly) as tx:
            yield tx
            if self.armed and not readonly:
                self.armed = False
                raise _Crash


def test_d22_claim_entries_and_deliveries_are_one_unit(storage: Storage, clock: Clock) -> None:
    """A crash before the commit leaves nothing of a claim and its rows; the same call again writes all of them."""
    crashing = _CrashingStorage(storage)
    loyalty = Loyalty(section8_program(), crashing, clock=clock)
    bought = order(1)
    loyalty.ingest([bought])
    before = dump(storage)
    crashing.armed = True
    with pytest.raises(_Crash):
        claim_of(loyalty, "m1", bought)
    assert dump(storage) == before
    assert claim_of(loyalty, "m1", bought).created
    after = dump(storage)
    written = {table for table, rows in after.items() if len(rows) > len(before[table])}
    assert {"claims", "entries", "lots", "events", "accounts", "members", "spend_days", "tags"} <= written
    assert_sound(loyalty)


class _StaleTransaction:
    """Answers like a reader that came before the winner: it does not see one claim, so only the unique key can tell."""

    def __init__(self, tx: Transaction, hidden: Key) -> None:
        self._tx = tx
        self._hidden = hidden

    def lock(self, roots: Collection[RootKey], *, ahead: Ahead | None = None) -> Mapping[RootKey, int]:
        return self._tx.lock(roots)

    def read(self, keys: Collection[Key] = (), scans: Sequence[Scan] = ()) -> Found:
        found = self._tx.read(keys, scans)
        return Found({key: row for key, row in found.records.items() if key != self._hidden}, found.rows)

    def write(self, changes: Sequence[Change], *, roots: Mapping[RootKey, int], final: bool = False) -> None:
        self._tx.write(changes, roots=roots)


class _StaleStorage:
    """Gives a number of transactions that do not see a claim which is there."""

    def __init__(self, storage: Storage, hidden: Key, times: int) -> None:
        self._storage = storage
        self._hidden = hidden
        self.left = times

    @contextmanager
    def transaction(self, *, readonly: bool = False) -> Iterator[Transaction]:
        with self._storage.transaction(readonly=readonly) as tx:
            if self.left and not readonly:
                self.left -= 1
                yield _StaleTransaction(tx, self._hidden)
            else:
                yield tx


def test_d23_the_unique_key_decides_not_a_look_before(storage: Storage, clock: Clock) -> None:
    """A claim that did not see the winner meets its key, runs again and hears ALREADY_CLAIMED."""
    bought = order(1)
    convert(Loyalty(points_program(), storage, clock=clock), "m1", bought)
    stale = _StaleStorage(storage, Key(ClaimRecord, ("brand-a", "taobao", bought.order_no)), times=0)
    loyalty = Loyalty(points_program(), stale, clock=clock)
    stale.left = 1
    result = claim_of(loyalty, "m2", bought)
    assert stale.left == 0
    assert (result.created, result.reason) == (False, Reason.ALREADY_CLAIMED)
    assert loyalty.member("m2").points == 0
    assert_sound(loyalty)


def test_d23_endless_conflicts_end_as_storage_busy(storage: Storage, clock: Clock) -> None:
    """A call that loses every try gives up with a retryable error and has changed nothing."""
    bought = order(1)
    convert(Loyalty(points_program(), storage, clock=clock), "m1", bought)
    before = dump(storage)
    stale = _StaleStorage(storage, Key(ClaimRecord, ("brand-a", "taobao", bought.order_no)), times=0)
    pauses: list[float] = []
    loyalty = Loyalty(points_program(), stale, clock=clock, sleep=pauses.append, random=lambda: 1.0)
    stale.left = 1000

    with pytest.raises(StorageBusy) as caught:
        claim_of(loyalty, "m2", bought)
    assert not isinstance(caught.value, Conflict)
    assert pauses
    assert dump(storage) == before


def test_d23_two_members_at_once_one_gets_it(storage: Storage, clock: Clock) -> None:
    """Of eight threads that claim one order for two members exactly one creates it; all others are answered."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    bought = order(1)
    loyalty.ingest([bought])
    start = threading.Barrier(8)
    results: list[ClaimResult] = []

    def ask(member_id: str) -> None:
        start.wait(timeout=30)
        results.append(claim_of(loyalty, member_id, bought))

    threads = [threading.Thread(target=ask, args=(f"m{n % 2}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(results) == 8
    [winner] = [result for result in results if result.created]
    for result in results:
        if result is not winner:
            same = result.member_id == winner.member_id
            assert result.reason is (Reason.ALREADY_CLAIMED_BY_YOU if same else Reason.ALREADY_CLAIMED)
    assert loyalty.member(winner.member_id).points == 100
    assert_sound(loyalty)


def test_d23_auto_conversion_and_manual_claim_are_one(storage: Storage, clock: Clock) -> None:
    """The holder who types an order that converted by itself hears AUTO_CONVERTED and gets nothing twice."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    loyalty.bind("m1", platform="taobao", buyer_id="b1")
    bought = order(1, buyer_id="b1")
    assert loyalty.ingest([bought]).claims_created == 1
    result = claim_of(loyalty, "m1", bought)
    assert (result.created, result.reason, result.points) == (False, Reason.AUTO_CONVERTED, 100)
    assert loyalty.member("m1").points == 100


def test_d23_a_batch_gives_an_order_once(storage: Storage, clock: Clock) -> None:
    """Inside one call the same order goes to one member, whichever way round the requests stand."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    orders = [order(1), order(2)]
    loyalty.ingest(orders)

    def ask(member_id: str, n: int) -> ClaimRequest:
        return ClaimRequest(
            member_id=member_id, platform="taobao", order_no=orders[n].order_no, proof=Proof.by_host("chat")
        )

    [b, a] = loyalty.claim_many([ask("m2", 0), ask("m1", 0)])
    [c, d] = loyalty.claim_many([ask("m1", 1), ask("m2", 1)])
    assert [a.created, b.created, c.created, d.created] == [True, False, True, False]
    assert (b.reason, d.reason) == (Reason.ALREADY_CLAIMED, Reason.ALREADY_CLAIMED)
    assert_sound(loyalty)


def test_d58_the_holder_who_asks_again_gets_the_stored_result(storage: Storage, clock: Clock) -> None:
    """created=False, ALREADY_CLAIMED_BY_YOU, and the grants as they stand; with or without a proof."""
    loyalty = Loyalty(section8_program(), storage, clock=clock)
    bought = order(1)
    [first] = convert(loyalty, "m1", bought)
    for proof in (None, Proof.none()):
        again = claim_of(loyalty, "m1", bought, proof)
        assert (again.created, again.reason) == (False, Reason.ALREADY_CLAIMED_BY_YOU)
        assert (again.granted, again.state, again.tier) == (first.granted, first.state, first.tier)
    assert_sound(loyalty)


def test_d58_a_stranger_hears_received_and_staff_see_why(storage: Storage, clock: Clock) -> None:
    """Another member without proof gets RECEIVED; ALREADY_CLAIMED is in the detail and in the ticket."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    bought = order(1)
    convert(loyalty, "m1", bought)
    result = claim_of(loyalty, "m2", bought, Proof.none())
    assert (result.created, result.public.reason, result.reason) == (False, Reason.RECEIVED, Reason.RECEIVED)
    assert result.detail.reasons == (Reason.RECEIVED, Reason.ALREADY_CLAIMED)
    assert result.detail.holder_id == "m1"
    assert [ticket.reason for ticket in loyalty.tickets("m2").items] == [Reason.ALREADY_CLAIMED]
    assert result.granted == ()


def test_d58_twice_in_one_batch_is_created_once(storage: Storage, clock: Clock) -> None:
    """The same request twice in one call is created once and repeated once."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    bought = order(1)
    loyalty.ingest([bought])
    request = ClaimRequest(member_id="m1", platform="taobao", order_no=bought.order_no, proof=Proof.by_host("chat"))
    first, again = loyalty.claim_many([request, request])
    assert (first.created, again.created) == (True, False)
    assert again.reason is Reason.ALREADY_CLAIMED_BY_YOU
    assert first.granted == again.granted


@pytest.mark.parametrize("weak_first", [True, False])
def test_d58_the_better_proof_of_a_batch_counts(storage: Storage, clock: Clock, weak_first: bool) -> None:
    """One member's two requests for an order in one call, without and with proof: the order of them does not matter."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    bought = order(1)
    loyalty.ingest([bought])
    proofs = [Proof.none(), Proof.by_host("chat")]
    requests = [
        ClaimRequest(member_id="m1", platform="taobao", order_no=bought.order_no, proof=proof) for proof in proofs
    ]
    results = loyalty.claim_many(requests if weak_first else requests[::-1])
    assert sum(result.created for result in results) == 1
    assert loyalty.member("m1").points == 100


def test_d23_a_shuffled_batch_of_claims_ends_alike(clock: Clock, storage: Storage) -> None:
    """First settlements go by effective time, so the tier multiplier hits the same orders in any order of requests."""

    tiers = rules.SpendTiers(
        [rules.Level("普通", 0), rules.Level("白银", 20_000, points_multiplier="2")], window_days=365
    )
    program = points_program(rules.PointsPerYuan("1"), tiers=tiers)
    orders = [order(n, finished_at=order(1).finished_at.replace(hour=n)) for n in range(1, 5)]
    requests = [
        ClaimRequest(member_id="m1", platform="taobao", order_no=each.order_no, proof=Proof.by_host("x"))
        for each in orders
    ]
    ends = []
    for store, asked in ((storage, requests), (MemoryStorage(), requests[::-1])):
        loyalty = Loyalty(program, store, clock=clock)
        loyalty.ingest(orders)
        loyalty.claim_many(asked)
        ends.append([(claim.order_no, claim.grants["points"]) for claim in loyalty.claims("m1").items])
    assert ends[0] == ends[1]
    assert sorted(points for _, points in ends[0]) == [100, 100, 200, 200]
