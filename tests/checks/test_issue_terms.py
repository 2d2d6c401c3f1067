"""When what an order gives becomes spendable and stops being so (S3-6), and D29: bonus money is owed."""

from __future__ import annotations

from typing import Any

import pytest
from builders import Clock, assert_sound, convert, day, event_kinds, order, points_program, refund

from crossloyalty import Loyalty, Milestone, RefundStatus, rules
from crossloyalty.application.ports import Storage
from crossloyalty.errors import ConfigError, InvalidInput, WrongType


def reviewed(of: Any, event: str = "reviewed") -> Milestone:
    return Milestone(platform=of.platform, order_no=of.order_no, event=event, at=day(21))


def test_issued_on_a_day(storage: Storage, clock: Clock) -> None:
    """Pending until 00:00 local of 1 December; what is claimed later is spendable at once."""
    loyalty = Loyalty(points_program(rules.PointsPerYuan("1", issue_on="2026-12-01")), storage, clock=clock)
    convert(loyalty, "m1", order(1))
    clock.set(day(30, 23, 59))
    loyalty.run_due()
    assert (loyalty.member("m1").points, loyalty.member("m1").pending_points) == (0, 100)
    clock.set(day(1, 0, month=12))
    loyalty.run_due()
    assert loyalty.member("m1").points == 100
    convert(loyalty, "m1", order(2))
    assert loyalty.member("m1").points == 200
    assert_sound(loyalty)


def test_issued_when_something_happened(storage: Storage, clock: Clock) -> None:
    """Pending until the order is reviewed, for ever if it never is; an event nobody waits for changes nothing."""
    rule = rules.PointsPerYuan("1", issue_event="reviewed", expires_months=1)
    loyalty = Loyalty(points_program(rule), storage, clock=clock)
    [result] = convert(loyalty, "m1", order(1))
    assert result.state == "PENDING_ISSUE"
    clock.set(day(25))
    loyalty.run_due()
    loyalty.ingest([reviewed(order(1), "installed")])
    assert loyalty.member("m1").points == 0
    report = loyalty.ingest([reviewed(order(1)), reviewed(order(1))])
    assert (report.changed, report.unchanged, report.claims_changed) == (1, 1, 1)
    member = loyalty.member("m1")
    assert member.points == 100
    assert member.balances["points"].expires_next_at == day(26, 0, month=12)
    assert event_kinds(loyalty, "points.pending", "points.issued") == ["points.pending", "points.issued"]
    assert_sound(loyalty)


def test_an_event_may_come_before_the_order(storage: Storage, clock: Clock) -> None:
    """It waits with the order's facts, and what is claimed then is spendable at once."""
    loyalty = Loyalty(points_program(rules.PointsPerYuan("1", issue_event="reviewed")), storage, clock=clock)
    loyalty.ingest([reviewed(order(1))])
    convert(loyalty, "m1", order(1))
    assert loyalty.member("m1").points == 100
    assert_sound(loyalty)


def test_an_event_and_an_open_refund_are_both_waited_for(storage: Storage, clock: Clock) -> None:
    """Whichever ends last makes the points spendable; a refund takes them while they wait."""
    loyalty = Loyalty(points_program(rules.PointsPerYuan("1", issue_event="reviewed")), storage, clock=clock)
    bought = order(1)
    convert(loyalty, "m1", bought)
    loyalty.ingest([refund(bought, 3_000, status=RefundStatus.OPEN), reviewed(bought)])
    assert loyalty.member("m1").points == 0
    loyalty.ingest([refund(bought, 3_000, modified_at=day(21))])
    assert loyalty.member("m1").points == 70
    assert_sound(loyalty)


def test_expires_on_a_day(storage: Storage, clock: Clock) -> None:
    """Spendable to the end of the day; an order first settled behind it earns nothing of it."""
    rule = rules.PointsPerYuan("1", expires_on="2026-11-21")
    loyalty = Loyalty(points_program(rule, rules.PointsFixed(5)), storage, clock=clock)
    convert(loyalty, "m1", order(1))
    clock.set(day(21, 23, 59))
    assert loyalty.member("m1").points == 105
    convert(loyalty, "m1", order(2))
    clock.set(day(22, 0))
    loyalty.run_due()
    assert loyalty.member("m1").points == 10
    [late] = convert(loyalty, "m1", order(3))
    assert late.points == 5
    assert "或已过有效期" in late.explain("zh")
    assert_sound(loyalty)


@pytest.mark.parametrize("shortfall", ["debt", "waive", "pending_only"])
def test_d29_bonus_money_is_owed(storage: Storage, clock: Clock, shortfall: Any) -> None:
    """Bonus money that was spent is a debt in money whatever the policy of points; no balance is negative."""
    program = points_program(
        rules.PointsPerYuan("1"),
        rules.StoredValuePercent("10"),
        on_refund=rules.ClawBack(shortfall=shortfall),
    )
    loyalty = Loyalty(program, storage, clock=clock)
    bought = order(1)
    convert(loyalty, "m1", bought)
    loyalty.adjust("m1", asset="stored_value", amount=-800, key="k1")
    loyalty.ingest([refund(bought, 10_000)])
    money = loyalty.member("m1").balances["stored_value"]
    assert (money.available, money.debt) == (0, 800)
    assert_sound(loyalty)


@pytest.mark.parametrize(("growth", "debt"), [(None, 60), ("waive", 0)])
def test_growth_value_has_a_policy_of_its_own(storage: Storage, clock: Clock, growth: Any, debt: int) -> None:
    """Growth value never falls below 0; what is missing is owed or written off, as the merchant says (S3-14)."""
    program = points_program(rules.GrowthPerYuan("1"), on_refund=rules.ClawBack(growth=growth))
    loyalty = Loyalty(program, storage, clock=clock)
    bought = order(1)
    convert(loyalty, "m1", bought)
    loyalty.adjust("m1", asset="growth", amount=-60, key="k1")
    loyalty.ingest([refund(bought, 10_000)])
    held = loyalty.member("m1").balances["growth"]
    assert (held.available, held.debt) == (0, debt)
    assert_sound(loyalty)


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"issue_on": "2026-12-01", "issue_after_days": 1}, ConfigError, "not both"),
        ({"expires_on": "2026-12-01", "expires_months": 1}, ConfigError, "not both"),
        ({"issue_on": "1 December"}, InvalidInput, "written like"),
        ({"issue_on": 20261201}, WrongType, "a date or a text"),
        ({"issue_event": "a b"}, InvalidInput, "issue_event"),
    ],
)
def test_terms_that_contradict_are_refused(settings: Any, error: type[Exception], words: str) -> None:
    """One way to say when, and days that can be."""
    with pytest.raises(error, match=words):
        rules.PointsPerYuan("1", **settings)
    with pytest.raises(ConfigError, match="belongs to one order"):
        rules.Coupon("A", once_per="member", issue_event="reviewed")
