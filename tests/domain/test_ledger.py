"""The ledger: entries, lots and balances that always agree."""

import json
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossloyalty.domain.invariants import MemberRows, check_member
from crossloyalty.domain.ledger import Ledger, lane_of, spending_order
from crossloyalty.domain.needs import MissingLot, MoreLots
from crossloyalty.domain.records import NEVER, LotRecord, MemberRecord

NOW = 1_000_000


def _ledger(root: MemberRecord | None = None) -> Ledger:
    return Ledger(root or MemberRecord("brand-a", "m1"), (), now=NOW)


def _open(ledger: Ledger, amount: int, **times: Any) -> LotRecord:
    times = {"issue_at": NOW, "expires_at": None, **times}
    return ledger.open_lot("points", amount, kind="adjust", **times)


def _rows(ledger: Ledger) -> MemberRows:
    events = ledger.event_rows()
    root = MemberRecord("brand-a", "m1")._replace(
        entry_seq=ledger.entry_seq,
        entry_hash=ledger.entry_hash,
        event_seq=ledger.event_seq,
        event_hash=ledger.event_hash,
        next_due_at=ledger.next_due_at,
    )
    return MemberRows(
        root,
        accounts=[row for _, row in ledger.account_rows()],
        entries=ledger.entries,
        lots=[ledger.lots[number] for number in sorted(ledger.lots)],
        deliveries=ledger.deliveries,
        events=events,
    )


@pytest.mark.parametrize(("count", "sizes"), [(1, [1]), (60, [60]), (61, [60, 1]), (130, [60, 60, 10])])
def test_events_of_one_moment_share_rows(count: int, sizes: list[int]) -> None:
    """What is emitted at once stands in rows of up to 60 events, numbered through and chained."""
    ledger = _ledger()
    for number in range(count):
        ledger.emit("points.issued", {"amount": number})
    rows = _rows(ledger)
    assert [row.size for row in rows.events] == sizes
    assert [body["amount"] for row in rows.events for _, body in json.loads(row.content)] == list(range(count))
    assert check_member(rows) == []


def test_lots_are_spent_soonest_expiring_first() -> None:
    """Soonest expiry, then the oldest, and never-expiring lots last."""
    ledger = _ledger()
    never = _open(ledger, 1)
    late = _open(ledger, 1, expires_at=NOW + 200)
    soon = _open(ledger, 1, expires_at=NOW + 100)
    soon_too = _open(ledger, 1, expires_at=NOW + 100)
    assert [lot.lot_no for lot in ledger.live_lots("points")] == [
        soon.lot_no,
        soon_too.lot_no,
        late.lot_no,
        never.lot_no,
    ]
    assert spending_order(never)[0] == NEVER


@pytest.mark.parametrize(("expires_at", "live"), [(NOW - 1, False), (NOW, False), (NOW + 1, True)])
def test_a_lot_lives_up_to_its_expiry(expires_at: int, live: bool) -> None:
    """At its very expiry a lot is not spendable any more, swept or not."""
    ledger = _ledger()
    _open(ledger, 5, expires_at=expires_at)
    assert bool(ledger.live_lots("points")) is live


@pytest.mark.parametrize(("issue_at", "state"), [(NOW, "ACTIVE"), (NOW + 1, "PENDING")])
def test_a_lot_is_pending_until_its_issue(issue_at: int, state: str) -> None:
    """An amount whose time has come goes to the balance, another to pending."""
    ledger = _ledger()
    lot = _open(ledger, 5, issue_at=issue_at)
    assert lot.state == state
    assert ledger.balance("points", "balance" if state == "ACTIVE" else "pending") == 5


def test_a_blocked_lot_is_pending_and_never_due() -> None:
    """An open refund keeps a lot pending whatever the time."""
    ledger = _ledger()
    lot = _open(ledger, 5, blocked=True)
    assert (lot.state, lot.due_at) == ("PENDING", NEVER)
    assert ledger.next_due_at is None


def test_expiry_takes_exactly_its_own_remainder() -> None:
    """What was spent of a lot does not expire, and other lots stay."""
    ledger = _ledger()
    lot = _open(ledger, 100, expires_at=NOW + 1)
    other = _open(ledger, 100)
    lot = ledger.take_from_lot(lot, 70, kind="adjust", end_state="SPENT")
    lot = ledger.expire_lot(lot)
    assert (lot.remaining, lot.expired, lot.state) == (0, 30, "EXPIRED")
    assert ledger.lots[other.lot_no].remaining == 100
    assert ledger.expire_lot(lot) is lot
    assert ledger.balance("points") == 100
    assert check_member(_rows(ledger)) == []


def test_what_is_held_does_not_expire() -> None:
    """An amount on hold keeps its lot through the expiry."""
    ledger = _ledger()
    lot = _open(ledger, 100, expires_at=NOW + 1)._replace(held=40)
    ledger.put_lot(lot)
    lot = ledger.expire_lot(lot)
    assert (lot.remaining, lot.held, lot.expired) == (40, 40, 60)


def test_debt_is_repaid_as_far_as_the_lot_reaches() -> None:
    """A new lot repays what is owed, both sides visible as entries of their own."""
    ledger = _ledger()
    ledger.post("points", "debt", 80, "shortfall", -1)
    first = ledger.repay(_open(ledger, 50))
    assert (first.remaining, ledger.balance("points", "debt")) == (0, 30)
    second = ledger.repay(_open(ledger, 50))
    assert (second.remaining, ledger.balance("points", "debt"), ledger.balance("points")) == (20, 0, 20)
    assert [entry.amount for entry in ledger.entries if entry.kind == "repay"] == [-50, -50, -30, -30]


def test_recorded_times_never_fall() -> None:
    """A ledger whose last entry is of the future goes on from there."""
    ledger = Ledger(MemberRecord("brand-a", "m1", last_at=NOW + 500), (), now=NOW)
    _open(ledger, 1)
    assert ledger.entries[0].at == NOW + 500


def test_what_was_not_read_is_asked_for() -> None:
    """A member with entries whose lots were not read says so instead of deciding on half of them."""
    ledger = _ledger(MemberRecord("brand-a", "m1", entry_seq=3))
    with pytest.raises(MoreLots):
        ledger.live_lots("points")
    with pytest.raises(MissingLot):
        ledger.lot(1)
    ledger.take_in([], all_live=True)
    assert ledger.live_lots("points") == []


@pytest.mark.parametrize("member_id", ["m1", "会员", "x" * 128])
def test_lanes_are_the_same_on_every_machine(member_id: str) -> None:
    """A member's lane is a plain checksum, 0 to 63, not Python's hash."""
    assert lane_of(member_id) == zlib.crc32(member_id.encode()) % 64
    assert 0 <= lane_of(member_id) < 64


steps = st.lists(
    st.tuples(
        st.sampled_from(["open", "pending", "add", "take", "expire", "owe", "repay"]),
        st.integers(1, 1_000),
        st.integers(0, 7),
        st.one_of(st.none(), st.integers(NOW - 5, NOW + 5)),
    ),
    max_size=25,
)


@given(steps)
def test_lots_are_the_balances(plan: list[tuple[str, int, int, int | None]]) -> None:
    """Whatever happens, lots sum up to the balances, entries to the accounts, and the chain verifies."""
    ledger = _ledger()
    for what, amount, place, expires_at in plan:
        lots = list(ledger.lots.values())
        lot = lots[place % len(lots)] if lots else None
        if what == "open":
            _open(ledger, amount, expires_at=expires_at)
        elif what == "pending":
            _open(ledger, amount, issue_at=NOW + 1 + place, expires_at=NOW + 100)
        elif what == "owe":
            # Debt never passes what was taken back (I-05).
            ledger.post("points", "debt", amount, "shortfall", -1)
        elif lot is None:
            continue
        elif what == "add":
            ledger.add_to_lot(lot, amount, kind="grant")
        elif what == "take" and lot.remaining:
            ledger.take_from_lot(lot, min(amount, lot.remaining), kind="claw_back", end_state="CLAWED_BACK")
        elif what == "expire" and lot.state == "ACTIVE":
            ledger.expire_lot(lot)
        elif what == "repay" and lot.state == "ACTIVE":
            ledger.repay(lot)
    problems = [each for each in check_member(_rows(ledger)) if each.invariant != "I-72"]
    assert problems == []
    for account in ("pending", "balance"):
        states = ("PENDING",) if account == "pending" else ("ACTIVE", "SPENT", "EXPIRED", "CLAWED_BACK")
        assert ledger.balance("points", account) == sum(
            lot.remaining for lot in ledger.lots.values() if lot.state in states
        )
