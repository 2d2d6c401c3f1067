"""Worked checks D6, D7 and D42: local days, clock skew, and by which time a window is judged."""

from datetime import UTC, date, datetime, timedelta

import pytest
from builders import (
    FINISHED,
    NOW,
    Clock,
    assert_sound,
    claim_of,
    convert,
    day,
    order,
    points_program,
)

from crossloyalty import Loyalty, Order, OrderStatus, Proof, Reason, rules
from crossloyalty.application.ports import Storage
from crossloyalty.errors import WrongType
from crossloyalty.testing.dump import dump


def _at(moment: datetime, n: int = 1, paid_fen: int = 10_000) -> Order:
    return order(n, paid_fen=paid_fen, created_at=moment, paid_at=moment, finished_at=moment, modified_at=moment)


def test_d6_half_past_midnight_in_beijing_is_the_next_day(storage: Storage, clock: Clock) -> None:
    """2025-03-31T16:30Z is 1 April in Shanghai: the spend counts for April."""
    late = datetime(2025, 3, 31, 16, 30, tzinfo=UTC)
    clock.set(late + timedelta(hours=1))
    loyalty = Loyalty(points_program(tiers=rules.SpendTiers({"普通": 0}, window_days=1)), storage, clock=clock)
    convert(loyalty, "m1", _at(late))
    assert [(row.day, row.spend_fen) for row in dump(storage)["spend_days"]] == [("2025-04-01", 10_000)]
    assert loyalty.member("m1").window_spend_fen == 10_000


def test_d6_the_programs_own_time_zone_decides(storage: Storage, clock: Clock) -> None:
    """The same instant is 31 March for a program that lives in UTC."""
    late = datetime(2025, 3, 31, 16, 30, tzinfo=UTC)
    clock.set(late + timedelta(hours=1))
    loyalty = Loyalty(points_program(timezone="UTC"), storage, clock=clock)
    loyalty.ingest([_at(late)])
    proof = Proof.amount_and_day(paid_fen=10_000, paid_on=date(2025, 3, 31))
    assert claim_of(loyalty, "m1", _at(late), proof).created
    assert [row.day for row in dump(storage)["spend_days"]] == ["2025-03-31"]


def test_d6_a_second_before_and_after_midnight_are_two_days(storage: Storage, clock: Clock) -> None:
    """23:59:59 and 00:00:01 count for two local days."""
    midnight = day(11, 0)
    loyalty = Loyalty(points_program(), storage, clock=clock)
    convert(loyalty, "m1", _at(midnight - timedelta(seconds=1), 1), _at(midnight + timedelta(seconds=1), 2))
    assert [row.day for row in dump(storage)["spend_days"]] == ["2026-11-10", "2026-11-11"]


@pytest.mark.parametrize("field", ["created_at", "paid_at", "finished_at", "modified_at"])
def test_d6_naive_times_are_refused(field: str) -> None:
    """A time without a zone is a TypeError."""
    with pytest.raises(WrongType):
        order(1, **{field: datetime(2026, 11, 1)})  # noqa: DTZ001


def test_d6_issue_is_at_midnight_of_the_finish_date_plus_days(storage: Storage, clock: Clock) -> None:
    """issue_after_days=15 behind 5 November is 20 November 00:00 local, not a microsecond earlier."""
    clock.set(day(6))
    loyalty = Loyalty(points_program(rules.PointsPerYuan("1", issue_after_days=15)), storage, clock=clock)
    convert(loyalty, "m1", order(1))
    clock.set(day(20, 0) - timedelta(microseconds=1))
    assert loyalty.run_due().issued == 0
    clock.set(day(20, 0))
    assert loyalty.run_due().issued == 1
    assert loyalty.member("m1").points == 100


def test_d6_a_late_settlement_issues_at_once(storage: Storage, clock: Clock) -> None:
    """When the issue date is over at the first settlement, points are spendable with it."""
    clock.set(day(20, 0))
    loyalty = Loyalty(points_program(rules.PointsPerYuan("1", issue_after_days=15)), storage, clock=clock)
    [result] = convert(loyalty, "m1", order(1))
    assert result.state == "GRANTED"
    assert loyalty.member("m1").points == 100


@pytest.mark.parametrize(("year", "last"), [(2027, 28), (2028, 29)])
def test_d6_a_month_behind_31_january_ends_in_february(storage: Storage, clock: Clock, year: int, last: int) -> None:
    """+1 month clamps to the month's end: 31 January → 28 or 29 February, to the end of that local day."""
    clock.set(day(31, 13, month=1, year=year))
    loyalty = Loyalty(points_program(rules.PointsPerYuan("1", expires_months=1)), storage, clock=clock)
    convert(loyalty, "m1", _at(day(31, 12, month=1, year=year)))
    clock.set(day(last, 23, 59, month=2, year=year))
    assert loyalty.member("m1").points == 100
    clock.set(day(1, 0, month=3, year=year))
    assert loyalty.member("m1").points == 0


def test_d6_expiry_counts_from_activation(storage: Storage, clock: Clock) -> None:
    """Points issued on 20 November for twelve months are good to the end of 20 November a year later."""
    clock.set(day(6))
    program = points_program(rules.PointsPerYuan("1", issue_after_days=15, expires_months=12))
    loyalty = Loyalty(program, storage, clock=clock)
    convert(loyalty, "m1", order(1))
    clock.set(day(20))
    loyalty.run_due()
    assert loyalty.member("m1").balances["points"].expires_next_at == day(21, 0, year=2027)


@pytest.mark.parametrize(
    ("asked_at", "reason"),
    [(day(3, 23, 59, month=2, year=2027), None), (day(4, 0, month=2, year=2027), Reason.TOO_OLD)],
)
def test_d6_claim_window_ends_with_its_last_local_day(
    storage: Storage, clock: Clock, asked_at: datetime, reason: Reason | None
) -> None:
    """within_days=90 behind 5 November is open to the end of 3 February."""
    loyalty = Loyalty(points_program(eligibility=rules.Finished(within_days=90)), storage, clock=clock)
    loyalty.ingest([order(1)])
    clock.set(asked_at)
    result = claim_of(loyalty, "m1", order(1))
    assert (result.created, result.reason) == (reason is None, reason)


def test_d6_claim_window_is_judged_when_it_was_asked(storage: Storage, clock: Clock) -> None:
    """A request inside the window counts though the order reaches us months later."""
    program = points_program(eligibility=rules.Finished(within_days=20), ticket_days=100)
    loyalty = Loyalty(program, storage, clock=clock)
    assert claim_of(loyalty, "m1", order(1)).reason is Reason.RECEIVED
    clock.move(days=60)
    assert loyalty.ingest([order(1)]).claims_created == 1


def test_d7_two_hours_ahead_is_held(storage: Storage, clock: Clock) -> None:
    """An order finished two hours from now is parked, and converts when that time has come."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    ahead = order(1, finished_at=NOW + timedelta(hours=2), modified_at=NOW)
    loyalty.ingest([ahead])
    result = claim_of(loyalty, "m1", ahead)
    assert (result.created, result.reason, result.state) == (False, Reason.IN_FUTURE, "PENDING_FINISH")
    assert result.claimable_from == NOW + timedelta(hours=2)
    assert loyalty.member("m1").points == 0
    clock.move(hours=2, microseconds=-1)
    assert loyalty.run_due().claims_created == 0
    clock.move(microseconds=1)
    assert loyalty.run_due().claims_created == 1
    assert loyalty.member("m1").points == 100
    assert loyalty.tickets("m1").items == ()
    assert_sound(loyalty)


def test_d7_a_bound_buyers_future_order_converts_by_itself(storage: Storage, clock: Clock) -> None:
    """A parked order of a bound buyer needs no ticket: run_due converts it when its time has come."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    loyalty.bind("m1", platform="taobao", buyer_id="b1")
    loyalty.ingest([order(1, buyer_id="b1", finished_at=NOW + timedelta(hours=2))])
    assert loyalty.member("m1").points == 0
    clock.move(hours=2)
    assert loyalty.run_due().claims_created == 1
    assert loyalty.member("m1").points == 100
    assert_sound(loyalty)


@pytest.mark.parametrize(
    ("ahead", "created"), [(timedelta(minutes=10), True), (timedelta(minutes=10, microseconds=1), False)]
)
def test_d7_ten_minutes_of_skew_are_tolerated(storage: Storage, clock: Clock, ahead: timedelta, created: bool) -> None:
    """The tolerance is ten minutes, those included."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    skewed = order(1, finished_at=NOW + ahead)
    loyalty.ingest([skewed])
    assert claim_of(loyalty, "m1", skewed).created is created


def test_d7_an_older_message_behind_a_newer_one_is_ignored(storage: Storage, clock: Clock) -> None:
    """The platform's modification time decides which of two messages of a source is the newer, not their arrival."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    convert(loyalty, "m1", order(1, modified_at=day(6)))
    report = loyalty.ingest([order(1, status=OrderStatus.SHIPPED, finished_at=None, paid_fen=1, modified_at=day(4))])
    assert (report.unchanged, report.claims_changed) == (1, 0)
    assert loyalty.member("m1").points == 100


def test_d7_of_one_moment_the_further_status_wins(storage: Storage, clock: Clock) -> None:
    """Two messages of one modification time are ranked by status, whichever comes first."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    convert(loyalty, "m1", order(1))
    assert loyalty.ingest([order(1, status=OrderStatus.SIGNED)]).unchanged == 1
    assert loyalty.ingest([order(1, status=OrderStatus.CLOSED)]).changed == 1
    assert loyalty.claims("m1").items[0].state == "REVERSED"


@pytest.mark.parametrize(
    ("placed", "reason"),
    [(timedelta(microseconds=-1), Reason.BEFORE_PROGRAM), (timedelta(0), None)],
)
def test_d42_the_programs_start_is_judged_by_when_the_order_was_placed(
    storage: Storage, clock: Clock, placed: timedelta, reason: Reason | None
) -> None:
    """An order placed at the very start takes part, one placed before it does not, whenever it was finished."""
    starts_at = day(1)
    loyalty = Loyalty(points_program(starts_at=starts_at), storage, clock=clock)
    bought = order(1, created_at=starts_at + placed, paid_at=day(2))
    loyalty.ingest([bought])
    result = claim_of(loyalty, "m1", bought)
    assert (result.created, result.reason) == (reason is None, reason)


def test_d42_without_a_creation_time_payment_decides(storage: Storage, clock: Clock) -> None:
    """An order whose creation nobody stated is judged by its payment."""
    loyalty = Loyalty(points_program(starts_at=day(2)), storage, clock=clock)
    bought = order(1, created_at=None, paid_at=day(1), finished_at=FINISHED)
    loyalty.ingest([bought])
    assert claim_of(loyalty, "m1", bought).reason is Reason.BEFORE_PROGRAM
