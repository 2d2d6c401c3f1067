"""Many at once over one store: one winner, everybody answered, and the same end in whatever order they came."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import count, permutations
from pathlib import Path
from typing import Any

import pytest
from builders import PROGRAM_ID, Clock, assert_sound, day, order, refund, right_proof
from harness import FIRST, LATER, at_once, errors_in, in_processes, open_door, program, reopen_door
from places import Place

from crossloyalty import ClaimResult, Engine, Loyalty, Program, Proof, Reason
from crossloyalty.errors import Conflict, IdempotencyConflict, ProgramDiffers, StorageBusy
from crossloyalty.storage.memory import MemoryStorage
from crossloyalty.storage.sqlite import SqliteStorage
from crossloyalty.testing import dump

PROCESSES, THREADS = 4, 8
NUMBER = FIRST.order_no
FULL_WIDTH = NUMBER.translate({ord("0") + n: 0xFF10 + n for n in range(10)})
SPELLINGS = (
    NUMBER,
    FULL_WIDTH,
    " ".join(NUMBER),
    "\u200b".join(NUMBER),
    f"\ufeff{NUMBER}\n",
    f'="{NUMBER}"',
    f"'{NUMBER}",
    f"\u3000{NUMBER[:7]}\u2060{NUMBER[7:]}\xa0",
)


@pytest.fixture
def filled(place: Place) -> Place:
    """Give a store which holds one finished order, closed again."""
    with place.open() as storage:
        open_door(storage).ingest([FIRST])
    return place


def winner_of(answers: list[Any]) -> ClaimResult:
    """Give the one answer that created the claim; nobody may have met an error, and only one may have won."""
    assert errors_in(answers) == []
    assert len(answers) == PROCESSES * THREADS
    (winner,) = (answer for answer in answers if answer.created)
    return winner


@pytest.fixture
def unguarded(place: Place) -> Place:
    """Give a store like `filled` whose rules lock nobody out, however many guess wrong at once."""
    with place.open() as storage:
        Loyalty(program(attempts=None), storage, clock=Clock(LATER)).ingest([FIRST])
    return place


@pytest.mark.parametrize("spellings", [(NUMBER,), SPELLINGS], ids=["one spelling", "many spellings"])
def test_one_of_many_claimants_wins_and_all_are_answered(unguarded: Place, spellings: tuple[str, ...]) -> None:
    """Of 4 processes with 8 threads each exactly one creates the claim; the others hear what their proof deserves."""

    def claim(door: Loyalty, process: int, thread: int) -> ClaimResult:
        proof = right_proof(FIRST) if thread % 2 else Proof.amount_and_day(paid_fen=1, paid_on=day(1).date())
        spelled = spellings[(process + thread) % len(spellings)]
        return door.claim(f"m{process}-{thread}", platform="taobao", order_no=spelled, proof=proof)

    answers = in_processes(unguarded, claim, processes=PROCESSES, threads=THREADS)
    winner = winner_of(answers)
    for place, answer in enumerate(answers):
        if answer is winner:
            continue
        proven = place % THREADS % 2 == 1
        assert answer.reason is (Reason.ALREADY_CLAIMED if proven else Reason.RECEIVED), answer
        assert answer.granted == ()
    with unguarded.open() as storage:
        tables = dump(storage)
        assert [claim.member_id for claim in tables["claims"]] == [winner.member_id]
        assert {entry.member_id for entry in tables["entries"]} == {winner.member_id}
        assert Counter(row.state for row in tables["tickets"]) <= Counter(REJECTED=PROCESSES * THREADS - 1)
        assert_sound(reopen_door(storage))


def test_many_who_guess_at_once_are_counted_one_by_one(filled: Place) -> None:
    """Of 32 wrong guesses at one order made at once exactly five are looked at; the rest hear TOO_MANY_ATTEMPTS."""

    def claim(door: Loyalty, process: int, thread: int) -> ClaimResult:
        proof = Proof.amount_and_day(paid_fen=1 + process, paid_on=day(1).date())
        return door.claim(f"m{process}-{thread}", platform="taobao", order_no=NUMBER, proof=proof)

    answers = in_processes(filled, claim, processes=PROCESSES, threads=THREADS)
    assert errors_in(answers) == []
    told = Counter(answer.reason for answer in answers)
    assert told == {Reason.RECEIVED: 5, Reason.TOO_MANY_ATTEMPTS: PROCESSES * THREADS - 5}
    with filled.open() as storage:
        assert dump(storage)["claims"] == []
        assert_sound(reopen_door(storage))


def test_one_member_on_many_devices_claims_once(filled: Place) -> None:
    """The same member asking 32 times at once gets one claim, and every answer shows the same grants."""

    def claim(door: Loyalty, process: int, thread: int) -> ClaimResult:
        spelled = SPELLINGS[(process + thread) % len(SPELLINGS)]
        return door.claim("m1", platform="tmall", order_no=spelled, proof=right_proof(FIRST))

    answers = in_processes(filled, claim, processes=PROCESSES, threads=THREADS)
    winner = winner_of(answers)
    assert {answer.granted for answer in answers} == {winner.granted}
    assert {answer.reason for answer in answers if answer is not winner} == {Reason.ALREADY_CLAIMED_BY_YOU}


def test_one_idempotency_key_at_once_has_one_effect(filled: Place) -> None:
    """Eight calls with one key at once have one effect and eight equal answers."""

    def adjust(door: Loyalty, process: int, thread: int) -> Any:
        return door.adjust("m1", asset="points", amount=70, key="k1")

    answers = in_processes(filled, adjust, processes=2, threads=4)
    assert errors_in(answers) == []
    assert len(set(answers)) == 1
    with filled.open() as storage:
        assert [entry.amount for entry in dump(storage)["entries"]] == [70]


def test_one_idempotency_key_for_two_requests_at_once_conflicts(filled: Place) -> None:
    """When one key is used for two requests at once, one of them has its effect and the other is a conflict."""

    def adjust(door: Loyalty, process: int, thread: int) -> Any:
        return door.adjust("m1", asset="points", amount=70 + process, key="k1")

    answers = in_processes(filled, adjust, processes=2, threads=2)
    refused = errors_in(answers)
    assert [type(error) for error in refused] == [IdempotencyConflict] * 2
    with filled.open() as storage:
        (entry,) = dump(storage)["entries"]
        assert {answer.balance for answer in answers if answer not in refused} == {entry.amount}


ROUNDS = 24
CHRISTMAS = day(24, month=12)
BOUGHT = [order(100 + n, platform="jd", buyer_id=f"b-{n}", paid_fen=20_000 + n) for n in range(ROUNDS)]


def test_claim_refund_and_due_at_once_end_at_the_net(place: Place) -> None:
    """Claims, their refunds and the due run at once end at f(net paid), as they would one after the other."""
    bought = [order(100 + n, paid_fen=20_000 + n) for n in range(ROUNDS)]
    with place.open() as storage:
        open_door(storage).ingest(bought)

    def act(door: Loyalty, process: int, thread: int) -> None:
        reopened = reopen_door(place.open(), CHRISTMAS)
        for n, each in enumerate(bought):
            if process == 0:
                proof = right_proof(each)
                assert door.claim(f"m{n % 3}", platform="taobao", order_no=each.order_no, proof=proof).created
            elif process == 1:
                door.ingest([refund(each, 5_000 + n)])
            else:
                reopened.run_due(batch=1)

    assert in_processes(place, act, processes=3) == [None] * 3
    with place.open() as storage:
        door = reopen_door(storage)
        for claim in dump(storage)["claims"]:
            place = int(claim.order_no[-3:]) - 100
            assert claim.net_fen == 15_000
            assert (claim.state, claim.member_id) == ("PARTIAL", f"m{place % 3}")
        for n in range(3):
            member = door.member(f"m{n}")
            points_a_claim = 150 + 5  # 1 per yuan, and 5 for the one full step of 100 yuan
            assert member.points + member.pending_points == ROUNDS // 3 * points_a_claim
        assert_sound(door)


def test_bind_and_ingest_at_once_always_convert(place: Place) -> None:
    """Whichever of bind and the buyer's order comes first, the order converts once, for the bound member."""
    with place.open() as storage:
        open_door(storage)

    def act(door: Loyalty, process: int, thread: int) -> int:
        made = 0
        for n, each in enumerate(BOUGHT):
            if process == 0:
                made += len(door.bind(f"m{n}", platform="jd", buyer_id=f"b-{n}").converted)
            else:
                made += door.ingest([each]).claims_created
        return made

    answers = in_processes(place, act, processes=2)
    assert errors_in(answers) == []
    assert sum(answers) == ROUNDS
    with place.open() as storage:
        claims = dump(storage)["claims"]
        assert [(claim.order_no, claim.member_id, claim.via) for claim in claims] == [
            (each.order_no, f"m{n}", "auto") for n, each in enumerate(BOUGHT)
        ]
        assert_sound(reopen_door(storage))


def test_claim_refund_bind_and_dispute_at_once(place: Place) -> None:
    """One claims and is bound by it, one binds, one refunds, staff move the claim: one holder, one owner, one net."""
    with place.open() as storage:
        open_door(storage).ingest(BOUGHT)
    staff = {"evidence": "e", "operator": "ann"}

    def act(door: Loyalty, process: int, thread: int) -> None:
        for n, each in enumerate(BOUGHT):
            number = {"platform": each.platform, "order_no": each.order_no}
            if process == 0:
                door.claim(f"c{n}", **number, proof=Proof.by_host("chat"))
            elif process == 1:
                door.bind(f"m{n}", platform="jd", buyer_id=f"b-{n}")
            elif process == 2:
                door.ingest([refund(each, 2_000, refund_id=f"r{n}")])
            else:
                door.dispute(f"d{n}", **number, **staff, key=f"d{n}")

    assert in_processes(place, act, processes=4) == [None] * 4
    with place.open() as storage:
        rows = dump(storage)
        assert len(rows["claims"]) == ROUNDS
        for claim, each in zip(rows["claims"], BOUGHT, strict=True):
            assert claim.order_no == each.order_no
            assert claim.net_fen == each.paid_fen - 2_000
        owners = {buyer.buyer_id: buyer.member_id for buyer in rows["buyers"]}
        # The claimer or the binder, whoever was first, or whom staff named: never nobody, never two.
        for n in range(ROUNDS):
            assert owners[f"b-{n}"] in (f"c{n}", f"m{n}", f"d{n}")
        assert_sound(reopen_door(storage))


def test_two_due_runs_at_once_do_nothing_twice(place: Place) -> None:
    """Two processes running what is due at once share the work, and the store ends as after one."""
    alone = MemoryStorage()
    with place.open() as shared:
        for storage in (shared, alone):
            door = open_door(storage)
            door.ingest(BOUGHT)
            for n in range(ROUNDS):
                door.bind(f"m{n}", platform="jd", buyer_id=f"b-{n}")
    expected = reopen_door(alone, CHRISTMAS).run_due()

    def due(process: int) -> Callable[[int], Any]:
        door = reopen_door(place.open(), CHRISTMAS)
        return lambda _: door.run_due(batch=2)

    answers = at_once([lambda: due(0), lambda: due(1)])
    assert errors_in(answers) == []
    assert sum(answer.issued for answer in answers) == expected.issued > 0
    with place.open() as storage:
        assert dump(storage) == dump(alone)
        assert_sound(reopen_door(storage))


@pytest.mark.parametrize("same", [False, True], ids=["two contents", "one content"])
def test_of_two_publishers_one_wins(filled: Place, same: bool) -> None:
    """Of revisions published at once over the same one, the first wins; the same content twice is one revision."""

    def publish(door: Loyalty, process: int, thread: int) -> int:
        return door.publish(program(ticket_days=5 if same else 5 + process), expected_revision=1)

    answers = in_processes(filled, publish, processes=3, threads=2)
    refused = errors_in(answers)
    assert {type(error) for error in refused} == (set() if same else {ProgramDiffers})
    assert len(refused) == (0 if same else 4)  # the winner's content comes from two threads
    assert {answer for answer in answers if answer not in refused} == {2}
    with filled.open() as storage:
        assert [row.revision for row in dump(storage)["programs"]] == [1, 2]


def test_a_new_file_is_opened_by_many_at_once(tmp_path: Path) -> None:
    """Processes that open a file nobody has made yet all end in one store with one revision, and can work."""
    files = [tmp_path / f"new-{n}.db" for n in range(5)]

    def open_all(process: int) -> Callable[[int], Any]:
        def opened(thread: int) -> int:
            for file in files:
                with SqliteStorage(file) as storage:
                    door = open_door(storage)
                    assert door.adjust(f"m{process}", asset="points", amount=1, key=f"k{process}").applied
            return len(files)

        return opened

    answers = at_once([lambda process=process: open_all(process) for process in range(3)])
    assert answers == [len(files)] * 3
    for file in files:
        with SqliteStorage(file) as storage:
            tables = dump(storage)
            assert [row.revision for row in tables["programs"]] == [1]
            assert [entry.member_id for entry in tables["entries"]] == ["m0", "m1", "m2"]


def test_threads_share_a_door_while_revisions_change(filled: Place) -> None:
    """Threads that share one door keep being answered while another publishes revision after revision."""
    doors = 3

    def act(door: Loyalty, process: int, thread: int) -> int:
        for n in range(ROUNDS):
            if (process, thread) == (0, 0):
                door.publish(program(ticket_days=7 + n), expected_revision=1 + n)
            elif process == 0:
                door.claim(f"m{thread}", platform="jd", order_no=f"29{n:010}", proof=Proof.by_host("seen"))
            else:
                door.member("m1")
        return ROUNDS

    answers = in_processes(filled, act, processes=2, threads=doors)
    assert answers == [ROUNDS] * 2 * doors


def test_a_thread_may_ask_while_another_reads_the_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that asks a door while another one is still parsing the newest revision is answered as well."""
    storage = MemoryStorage()
    open_door(storage)
    door = reopen_door(storage)
    parse = Program.from_json
    answers: list[Any] = []

    def parsed(text: str) -> Program:
        if not answers:
            answers.append(None)
            asking = threading.Thread(target=lambda: answers.append(door.member("m1").points))
            asking.start()
            asking.join(60)
        return parse(text)

    monkeypatch.setattr(Program, "from_json", parsed)
    assert not door.claim("m1", platform="taobao", order_no=NUMBER, proof=right_proof(FIRST)).created
    assert answers == [None, 0]


def test_a_due_batch_of_many_members_is_done_at_once() -> None:
    """More members than a decision has rounds are due in one batch, each with rows to be read, and all are done."""
    storage, members = MemoryStorage(), 70
    door = open_door(storage)
    bought = [order(500 + n, platform="jd", buyer_id=f"b-{n}") for n in range(members)]
    for n in range(members):
        door.bind(f"m{n}", platform="jd", buyer_id=f"b-{n}")
    door.ingest(bought)
    report = reopen_door(storage, CHRISTMAS).run_due()
    assert (report.members, report.issued) == (members, members)
    assert_sound(door)


# -- chosen interleavings --------------------------------------------------------------------------------------------


class Gate:
    """
    A storage that does something else before its n-th transaction begins.

    Args:
        storage: Where the transactions run.
        before: Counted from 0.
        first: What to do.
    """

    def __init__(self, storage: Any, before: int, first: Callable[[], object]) -> None:
        self.storage, self.left, self.first = storage, before, first

    def transaction(self, *, readonly: bool = False) -> Any:
        """See `Storage.transaction`."""
        if self.left == 0:
            self.left = -1
            self.first()
        elif self.left > 0:
            self.left -= 1
        return self.storage.transaction(readonly=readonly)


def _due(door: Loyalty, clock: Clock) -> None:
    clock.set(CHRISTMAS)
    door.run_due()
    clock.set(LATER)


MESSAGES: dict[str, Callable[[Loyalty, Clock], object]] = {
    "claim": lambda door, _: door.claim("m1", platform="taobao", order_no=NUMBER, proof=right_proof(FIRST)),
    "order": lambda door, _: door.ingest([FIRST]),
    "refund": lambda door, _: door.ingest([refund(FIRST, 50_000)]),
    "bind": lambda door, _: door.bind("m1", platform="taobao", buyer_id="b-1"),
    "due": _due,
}


def ended(storage: Any) -> tuple[Any, ...]:
    """Give what must not depend on the order of messages: the claim, its net, points, spend and sources."""
    door = reopen_door(storage, CHRISTMAS)
    door.run_due()
    assert_sound(door)
    claims = [(claim.order_no, claim.member_id, claim.state, claim.net_fen) for claim in dump(storage)["claims"]]
    member = door.member("m1")
    balances = {asset: (held.available, held.pending, held.debt) for asset, held in member.balances.items()}
    return claims, balances, member.window_spend_fen, member.tags, member.tier


@pytest.mark.parametrize(("outer", "inner"), list(permutations(MESSAGES, 2)))
def test_one_operation_between_the_transactions_of_another(outer: str, inner: str) -> None:
    """Wherever one operation falls between the transactions of another, the end is f(net paid), claimed once."""
    others = [MESSAGES[name] for name in MESSAGES if name not in (outer, inner, "due")]
    endings = []
    for before in count():
        storage, clock = MemoryStorage(), Clock(LATER)
        plain = Loyalty(program(), storage, clock=clock)
        gate = Gate(storage, before, partial(MESSAGES[inner], plain, clock))
        MESSAGES[outer](Engine(gate, clock=clock).program(plain.program_id), clock)
        fell_between = gate.left < 0
        if not fell_between:  # the outer operation has no more transactions: one after the other
            MESSAGES[inner](plain, clock)
        for other in others:
            other(plain, clock)
        endings.append(ended(storage))
        if not fell_between:
            break
    assert len(endings) > 1, "nothing fell between"
    assert endings[0][0] == [(NUMBER, "m1", "PARTIAL", 150_000)]
    assert endings == [endings[0]] * len(endings)


class Losing:
    """
    A storage whose first writing transactions lose against another writer when they commit.

    Args:
        storage: Where the others run.
        times: How many lose.
    """

    def __init__(self, storage: Any, times: int) -> None:
        self.storage, self.left = storage, times

    def transaction(self, *, readonly: bool = False) -> Any:
        """See `Storage.transaction`."""
        inner = self.storage.transaction(readonly=readonly)
        if readonly or self.left == 0:
            return inner
        self.left -= 1
        return _Lost(inner)


class _Lost:
    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __enter__(self) -> Any:
        return self.inner.__enter__()

    def __exit__(self, *error: Any) -> Any:
        lost = Conflict("somebody else was first")
        self.inner.__exit__(type(lost), lost, None)
        raise lost


@pytest.mark.parametrize("times", [1, 5, 12])
def test_a_lost_race_is_run_again_from_its_first_read(times: int) -> None:
    """A use case that loses at its commit runs again after a bounded pause, and has its effect once."""
    storage = MemoryStorage()
    open_door(storage).ingest([FIRST])
    pauses: list[float] = []
    door = Engine(Losing(storage, times), clock=Clock(LATER), sleep=pauses.append, random=lambda: 1.0).program(
        "brand-a"
    )
    answer = door.claim("m1", platform="taobao", order_no=NUMBER, proof=right_proof(FIRST))
    assert answer.created
    assert len(dump(storage)["claims"]) == 1
    assert len(pauses) == times - 1
    assert all(0 < pause <= 0.5 for pause in pauses)


def test_a_race_that_is_always_lost_ends_and_changes_nothing() -> None:
    """A use case that loses every time gives up with StorageBusy, the last loss behind it, and the store as it was."""
    storage = MemoryStorage()
    open_door(storage).ingest([FIRST])
    before = dump(storage)
    door = Engine(Losing(storage, 1_000), clock=Clock(LATER), sleep=lambda _: None).program(PROGRAM_ID)
    with pytest.raises(StorageBusy) as caught:
        door.claim("m1", platform="taobao", order_no=NUMBER, proof=right_proof(FIRST))
    assert isinstance(caught.value.__cause__, Conflict)
    assert dump(storage) == before
