"""Worked checks D3, D4 and D46: lots, expiry, shortfalls, and the order of entries."""

import pytest
from builders import (
    Clock,
    assert_sound,
    claim_of,
    convert,
    day,
    event_kinds,
    net_entries,
    order,
    points_program,
    refund,
)

from crossloyalty import Loyalty, Order, RefundStatus, rules
from crossloyalty.application.ports import Storage

HALLOWEEN = day(31, 12, month=10)


def _three_lots(storage: Storage, clock: Clock) -> Loyalty:
    """Give 100 points that end on 2026-12-31, 100 that end on 2027-06-30 and 100 that never do."""
    clock.set(HALLOWEEN)
    program = points_program(
        rules.PointsPerYuan("1", expires_months=8, id="L2"),
        rules.PointsPerYuan("1", expires_months=2, id="L1"),
        rules.PointsPerYuan("1", id="L3"),
    )
    loyalty = Loyalty(program, storage, clock=clock)
    at = day(30, month=10)
    convert(loyalty, "m1", order(1, paid_fen=10_000, created_at=at, paid_at=at, finished_at=at, modified_at=at))
    assert loyalty.member("m1").points == 300
    return loyalty


def test_d3_soonest_expiring_first_and_expiry_takes_its_own_lot(storage: Storage, clock: Clock) -> None:
    """After spending 150 on 1 December, the expiry of L1 removes 0 and leaves 150 (the collapse formula says 50)."""
    loyalty = _three_lots(storage, clock)
    clock.set(day(1, month=12))
    assert loyalty.adjust("m1", asset="points", amount=-150, key="spend").balance == 150
    clock.set(day(1, 0, month=1, year=2027))
    assert loyalty.run_due().expired == 0
    assert loyalty.member("m1").points == 150
    clock.set(day(1, 0, month=7, year=2027))
    assert loyalty.run_due().expired == 1
    assert loyalty.member("m1").points == 100
    assert [e.amount for e in loyalty.entries("m1").items if e.kind == "expire"] == [-50]
    assert_sound(loyalty)


def test_d3_expired_points_are_not_spendable_before_the_sweep(storage: Storage, clock: Clock) -> None:
    """From the instant L1 has expired its points are gone from the balance and cannot be spent, swept or not."""
    loyalty = _three_lots(storage, clock)
    clock.set(day(31, 23, 59, month=12))
    assert loyalty.member("m1").points == 300
    clock.set(day(1, 0, month=1, year=2027))
    assert loyalty.member("m1").points == 200
    assert not loyalty.adjust("m1", asset="points", amount=-201, key="too-much").applied
    assert loyalty.adjust("m1", asset="points", amount=-200, key="all").applied
    loyalty.run_due()
    assert loyalty.member("m1").points == 0
    assert net_entries(loyalty, "m1") == {}
    assert_sound(loyalty)


def test_d3_expiry_happens_once(storage: Storage, clock: Clock) -> None:
    """A second sweep of the same moment changes nothing."""
    loyalty = _three_lots(storage, clock)
    clock.set(day(1, 0, month=1, year=2027))
    assert loyalty.run_due().expired == 1
    assert loyalty.run_due().expired == 0
    assert loyalty.member("m1").points == 200
    assert_sound(loyalty)


def test_d3_pending_points_are_never_spendable(storage: Storage, clock: Clock) -> None:
    """Points that wait for their issue are shown apart and cannot be taken."""
    loyalty = Loyalty(points_program(rules.PointsPerYuan("1", issue_after_days=15)), storage, clock=clock)
    bought = order(1, finished_at=clock.at, modified_at=clock.at)
    convert(loyalty, "m1", bought)
    member = loyalty.member("m1")
    assert (member.points, member.pending_points) == (0, 100)
    assert not loyalty.adjust("m1", asset="points", amount=-1, key="k").applied


def test_d3_claw_back_takes_its_own_lot_first(storage: Storage, clock: Clock) -> None:
    """A refund takes the points of its own order, though another lot expires sooner."""
    program = points_program(rules.PointsPerYuan("1", expires_months=12))
    loyalty = Loyalty(program, storage, clock=clock)
    first, second = order(1), order(2)
    convert(loyalty, "m1", first)
    clock.move(days=40)
    convert(loyalty, "m1", second)
    loyalty.ingest([refund(second, 10_000, modified_at=clock.at)])
    member = loyalty.member("m1").balances["points"]
    assert (member.available, member.expires_next) == (100, 100)
    taken = [e for e in loyalty.entries("m1").items if e.kind == "claw_back"]
    assert [(e.amount, e.order_no) for e in taken] == [(-100, second.order_no)]
    clock.set(day(21, 0, year=2027))
    assert loyalty.run_due().expired == 1
    assert loyalty.member("m1").points == 0
    assert_sound(loyalty)


def test_d3_claw_back_goes_on_with_other_lots(storage: Storage, clock: Clock) -> None:
    """What its own lot no longer has is taken from the others, soonest expiring first."""
    loyalty = _three_lots(storage, clock)
    later = order(2, paid_fen=5_000, created_at=HALLOWEEN, paid_at=HALLOWEEN, finished_at=HALLOWEEN)
    clock.move(minutes=1)
    convert(loyalty, "m1", later)
    assert loyalty.adjust("m1", asset="points", amount=-150, key="spend").applied
    loyalty.ingest([refund(later, 5_000, modified_at=clock.at)])
    member = loyalty.member("m1")
    assert member.points == 150
    assert member.balances["points"].debt == 0
    assert_sound(loyalty)


def test_d3_expired_points_are_not_clawed_back_again(storage: Storage, clock: Clock) -> None:
    """The points of an order that have expired are gone already, so its refund takes nothing and leaves no debt."""
    loyalty = Loyalty(points_program(rules.PointsPerYuan("1", expires_months=1)), storage, clock=clock)
    bought, other = order(1), order(2)
    convert(loyalty, "m1", bought)
    clock.set(day(1, month=1, year=2027))
    loyalty.run_due()
    convert(loyalty, "m1", other)
    loyalty.ingest([refund(bought, 10_000, modified_at=clock.at)])
    member = loyalty.member("m1")
    assert (member.points, member.balances["points"].debt) == (100, 0)
    assert_sound(loyalty)


def test_d3_expired_points_are_exempt_though_not_swept(storage: Storage, clock: Clock) -> None:
    """A refund behind the expiry but before the sweep treats the points as expired all the same."""
    loyalty = Loyalty(points_program(rules.PointsPerYuan("1", expires_months=1)), storage, clock=clock)
    bought = order(1)
    convert(loyalty, "m1", bought)
    clock.set(day(21, 0, month=12))
    loyalty.ingest([refund(bought, 10_000, modified_at=clock.at)])
    assert net_entries(loyalty, "m1") == {("points", "exempt"): 100}
    assert loyalty.run_due().expired == 0
    assert_sound(loyalty)


def _spent_then_refunded(storage: Storage, clock: Clock, shortfall: str) -> tuple[Loyalty, Order]:
    program = points_program(rules.PointsPerYuan("1"), on_refund=rules.ClawBack(shortfall=shortfall))
    loyalty = Loyalty(program, storage, clock=clock)
    bought = order(1, paid_fen=10_000)
    convert(loyalty, "m1", bought)
    assert loyalty.adjust("m1", asset="points", amount=-80, key="spend").balance == 20
    loyalty.ingest([refund(bought, 10_000)])
    return loyalty, bought


def test_d4_debt(storage: Storage, clock: Clock) -> None:
    """Earn 100, spend 80, refund all: 20 are taken and 80 owed; the next 100 leave 20 available."""
    loyalty, _ = _spent_then_refunded(storage, clock, "debt")
    balance = loyalty.member("m1").balances["points"]
    assert (balance.available, balance.debt) == (0, 80)
    assert net_entries(loyalty, "m1") == {("points", "debt"): 80}
    convert(loyalty, "m1", order(2, paid_fen=10_000))
    balance = loyalty.member("m1").balances["points"]
    assert (balance.available, balance.debt) == (20, 0)
    assert sorted((e.account, e.amount) for e in loyalty.entries("m1").items if e.kind == "repay") == [
        ("balance", -80),
        ("debt", -80),
    ]
    assert event_kinds(loyalty, "debt.opened", "debt.settled", "debt.waived") == ["debt.opened", "debt.settled"]
    assert_sound(loyalty)


def test_d4_waive(storage: Storage, clock: Clock) -> None:
    """With "waive", 20 are taken and 80 written off; the next 100 are all available."""
    loyalty, _ = _spent_then_refunded(storage, clock, "waive")
    assert net_entries(loyalty, "m1") == {("points", "waived"): 80}
    assert [e.amount for e in loyalty.entries("m1").items if e.kind == "claw_back"] == [-20]
    convert(loyalty, "m1", order(2, paid_fen=10_000))
    assert loyalty.member("m1").points == 100
    assert event_kinds(loyalty, "debt.opened", "debt.waived") == ["debt.waived"]
    assert_sound(loyalty)


def test_d4_pending_only(storage: Storage, clock: Clock) -> None:
    """With "pending_only" nothing that is active is taken: 0 taken, 100 written off, 20 stay."""
    loyalty, _ = _spent_then_refunded(storage, clock, "pending_only")
    assert net_entries(loyalty, "m1") == {("points", "waived"): 100, ("points", "balance"): 20}
    assert [e.kind for e in loyalty.entries("m1").items if e.kind == "claw_back"] == []
    assert loyalty.member("m1").points == 20
    assert_sound(loyalty)


def test_d4_pending_only_takes_what_is_pending(storage: Storage, clock: Clock) -> None:
    """With "pending_only" points that still wait are taken in full and nothing is written off."""
    program = points_program(
        rules.PointsPerYuan("1", issue_after_days=30), on_refund=rules.ClawBack(shortfall="pending_only")
    )
    loyalty = Loyalty(program, storage, clock=clock)
    bought = order(1)
    convert(loyalty, "m1", bought)
    loyalty.ingest([refund(bought, 4_000)])
    assert net_entries(loyalty, "m1") == {("points", "pending"): 60}
    assert_sound(loyalty)


@pytest.mark.parametrize(
    ("shortfall", "standing"),
    [
        ("debt", {("points", "balance"): 20}),
        ("waive", {("points", "balance"): 20}),
        ("pending_only", {("points", "balance"): 20}),
    ],
)
def test_d4_failed_payout_cancels_the_shortfall_first(
    storage: Storage, clock: Clock, shortfall: str, standing: dict[tuple[str, str], int]
) -> None:
    """When the payout fails, waived and owed parts are cancelled before points are issued: 100 less 80 spent."""
    loyalty, bought = _spent_then_refunded(storage, clock, shortfall)
    clock.move(hours=1)
    loyalty.ingest([refund(bought, 10_000, status=RefundStatus.PAYOUT_FAILED, modified_at=clock.at)])
    assert net_entries(loyalty, "m1") == standing
    assert_sound(loyalty)


def test_d4_failed_payout_after_the_debt_was_repaid_issues_points(storage: Storage, clock: Clock) -> None:
    """Debt that later points have repaid is not cancelled; its amount comes back as points."""
    loyalty, bought = _spent_then_refunded(storage, clock, "debt")
    convert(loyalty, "m1", order(2, paid_fen=10_000))
    clock.move(hours=1)
    loyalty.ingest([refund(bought, 10_000, status=RefundStatus.PAYOUT_FAILED, modified_at=clock.at)])
    assert loyalty.member("m1").points == 120
    assert_sound(loyalty)


def test_d4_positive_adjustment_repays_debt(storage: Storage, clock: Clock) -> None:
    """Points given by hand repay what is owed first."""
    loyalty, _ = _spent_then_refunded(storage, clock, "debt")
    given = loyalty.adjust("m1", asset="points", amount=50, key="gift")
    assert (given.balance, given.debt) == (0, 30)
    given = loyalty.adjust("m1", asset="points", amount=50, key="gift2")
    assert (given.balance, given.debt) == (20, 0)
    assert_sound(loyalty)


def test_d4_pending_points_repay_when_they_become_spendable(storage: Storage, clock: Clock) -> None:
    """Debt is repaid by points when they are issued, not while they wait."""
    program = points_program(rules.PointsPerYuan("1", issue_after_days=30))
    loyalty = Loyalty(program, storage, clock=clock)
    bought = order(1)
    convert(loyalty, "m1", bought)
    clock.set(day(5, month=12))
    loyalty.run_due()
    loyalty.adjust("m1", asset="points", amount=-80, key="spend")
    loyalty.ingest([refund(bought, 10_000, modified_at=clock.at)])
    late = order(2, created_at=clock.at, paid_at=clock.at, finished_at=clock.at, modified_at=clock.at)
    convert(loyalty, "m1", late)
    balance = loyalty.member("m1").balances["points"]
    assert (balance.available, balance.pending, balance.debt) == (0, 100, 80)
    clock.set(day(4, 0, month=1, year=2027))
    loyalty.run_due()
    balance = loyalty.member("m1").balances["points"]
    assert (balance.available, balance.pending, balance.debt) == (20, 0, 0)
    assert_sound(loyalty)


def test_d46_entries_of_one_instant_have_their_own_numbers(storage: Storage, clock: Clock) -> None:
    """Ten entries of one microsecond are told apart and ordered by a gapless sequence."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    for n in range(10):
        loyalty.adjust("m1", asset="points", amount=n + 1, key=f"k{n}")
    entries = loyalty.entries("m1").items
    assert [e.seq for e in entries] == list(range(10, 0, -1))
    assert [e.amount for e in entries] == list(range(10, 0, -1))
    assert len({e.at for e in entries}) == 1
    assert_sound(loyalty)


def test_d46_recorded_times_never_fall(storage: Storage, clock: Clock) -> None:
    """When the wall clock goes back an hour, the recorded times of later entries do not."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    loyalty.adjust("m1", asset="points", amount=1, key="k1")
    clock.move(hours=-1)
    loyalty.adjust("m1", asset="points", amount=1, key="k2")
    late, early = loyalty.entries("m1").items
    assert late.at >= early.at
    assert_sound(loyalty)


def test_d4_second_claim_is_the_stored_result_after_the_refund(storage: Storage, clock: Clock) -> None:
    """Asking again after the whole refund shows a claim that stands at nothing and gives nothing."""
    loyalty, bought = _spent_then_refunded(storage, clock, "debt")
    again = claim_of(loyalty, "m1", bought)
    assert (again.created, again.state, again.points) == (False, "REVERSED", 0)
    assert loyalty.member("m1").balances["points"].debt == 80
