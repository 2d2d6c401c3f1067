"""D36 and S4-11: gifts for tiers, once per member and tier or period; gifts for enrolling."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from builders import NOW, Clock, assert_sound, convert, day, event_kinds, order, points_program, refund

from crossloyalty import Loyalty, Order, Program, RefundStatus, rules
from crossloyalty.application.ports import Storage
from crossloyalty.errors import ConfigError, WrongType

TIERS = rules.SpendTiers({"普通": 0, "白银": 200_000, "黄金": 500_000}, window_days=365)
SILVER = rules.TierGift("silver", "白银", rules.PointsFixed(50))
GOLD = rules.TierGift("gold", "黄金", rules.Coupon("GOLD"))


def program(*gifts: rules.TierGift, **settings: Any) -> Program:
    return points_program(rules.GrowthPerYuan("1"), tiers=TIERS, tier_gifts=gifts, **settings)


def bought_at(n: int, paid_fen: int, at: datetime) -> Order:
    return order(n, paid_fen=paid_fen, created_at=at, paid_at=at, finished_at=at, modified_at=at)


def coupons(loyalty: Loyalty) -> list[str]:
    return [piece.code for piece in loyalty.member("m1").coupons]


def test_reaching_a_tier_gives_its_gift_and_those_jumped_over(storage: Storage, clock: Clock) -> None:
    """From 普通 to 黄金 in one order gives both gifts, and the next order none."""
    loyalty = Loyalty(program(SILVER, GOLD), storage, clock=clock)
    convert(loyalty, "m1", order(1, paid_fen=600_000))
    assert (loyalty.member("m1").points, coupons(loyalty)) == (50, ["GOLD"])
    convert(loyalty, "m1", order(2, paid_fen=600_000))
    assert (loyalty.member("m1").points, coupons(loyalty)) == (50, ["GOLD"])
    assert event_kinds(loyalty, "coupon.issued") == ["coupon.issued"]
    assert_sound(loyalty)


def test_d36_a_gift_of_a_life_is_not_given_again(storage: Storage, clock: Clock) -> None:
    """Down by decay the gift stays; up again there is no second one."""
    loyalty = Loyalty(program(SILVER), storage, clock=clock)
    convert(loyalty, "m1", bought_at(1, 200_000, NOW))
    clock.set(day(20, 0, year=2027))
    loyalty.run_due()
    assert (loyalty.member("m1").tier, loyalty.member("m1").points) == ("普通", 50)
    convert(loyalty, "m1", bought_at(2, 200_000, clock.at))
    assert (loyalty.member("m1").tier, loyalty.member("m1").points) == ("白银", 50)
    assert_sound(loyalty)


def test_d36_a_gift_of_a_period_comes_with_each(storage: Storage, clock: Clock) -> None:
    """Reached, renewed, lost and reached again: three gifts, each for a period of its own."""
    loyalty = Loyalty(program(rules.TierGift("y", "白银", rules.PointsFixed(50), per="period")), storage, clock=clock)
    convert(loyalty, "m1", bought_at(1, 200_000, NOW))
    spring = day(1, month=3, year=2027)
    clock.set(spring)
    convert(loyalty, "m1", bought_at(2, 200_000, spring))
    assert loyalty.member("m1").points == 50
    clock.set(day(20, 0, year=2027))
    loyalty.run_due()
    assert loyalty.member("m1").points == 100
    clock.set(day(20, 0, year=2028))
    loyalty.run_due()
    assert (loyalty.member("m1").tier, loyalty.member("m1").points) == ("普通", 100)
    convert(loyalty, "m1", bought_at(3, 200_000, clock.at))
    assert loyalty.member("m1").points == 150
    assert_sound(loyalty)


@pytest.mark.parametrize("per", ["life", "period"])
def test_d2_a_refund_that_takes_the_tier_takes_the_gift(storage: Storage, clock: Clock, per: Any) -> None:
    """Unused it is revoked; the payout fails and tier and gift are back, once."""
    gift = rules.TierGift("gold", "黄金", rules.Coupon("GOLD"), per=per)
    loyalty = Loyalty(program(gift), storage, clock=clock)
    bought = order(1, paid_fen=500_000)
    convert(loyalty, "m1", bought)
    loyalty.ingest([refund(bought, 100_000)])
    assert (loyalty.member("m1").tier, coupons(loyalty)) == ("白银", [])
    loyalty.ingest([refund(bought, 100_000, status=RefundStatus.PAYOUT_FAILED, modified_at=day(21))])
    assert (loyalty.member("m1").tier, coupons(loyalty)) == ("黄金", ["GOLD"])
    assert_sound(loyalty)


@pytest.mark.parametrize(("shortfall", "debt"), [("debt", 30), ("waive", 0)])
def test_d2_a_used_gift_follows_the_shortfall_policy(storage: Storage, clock: Clock, shortfall: Any, debt: int) -> None:
    """30 of 50 points are spent when the tier goes: 20 are taken, 30 owed or written off."""
    loyalty = Loyalty(program(SILVER, on_refund=rules.ClawBack(shortfall=shortfall)), storage, clock=clock)
    convert(loyalty, "m1", order(1, paid_fen=200_000))
    loyalty.adjust("m1", asset="points", amount=-30, key="k1")
    loyalty.ingest([refund(order(1), 1)])
    points = loyalty.member("m1").balances["points"]
    assert (points.available, points.debt) == (0, debt)
    assert_sound(loyalty)


def test_a_tier_given_by_hand_gives_its_gift(storage: Storage, clock: Clock) -> None:
    """And taking it back takes the gift."""
    loyalty = Loyalty(program(SILVER, GOLD), storage, clock=clock)
    loyalty.set_tier("m1", tier="黄金", key="k1")
    assert (loyalty.member("m1").points, coupons(loyalty)) == (50, ["GOLD"])
    loyalty.set_tier("m1", tier="", key="k2")
    assert (loyalty.member("m1").points, coupons(loyalty)) == (0, [])
    assert_sound(loyalty)


def test_a_gift_waits_for_its_day_and_expires(storage: Storage, clock: Clock) -> None:
    """A gift of points is a lot like any other."""
    gift = rules.TierGift("g", "白银", rules.PointsFixed(50, issue_on="2026-12-01", expires_months=1))
    loyalty = Loyalty(program(gift), storage, clock=clock)
    convert(loyalty, "m1", order(1, paid_fen=200_000))
    assert (loyalty.member("m1").points, loyalty.member("m1").pending_points) == (0, 50)
    clock.set(day(1, month=12))
    loyalty.run_due()
    assert loyalty.member("m1").points == 50
    clock.set(day(2, month=1, year=2027))
    loyalty.run_due()
    assert loyalty.member("m1").points == 0
    assert_sound(loyalty)


def test_enrolling_gives_once(storage: Storage, clock: Clock) -> None:
    """A gift for enrolling is given by the first call; the second says that nothing was done."""
    gifts = [rules.EnrolGift("w", rules.Coupon("WELCOME")), rules.EnrolGift("p", rules.PointsFixed(20))]
    loyalty = Loyalty(points_program(enrol_gifts=gifts), storage, clock=clock)
    assert [loyalty.enrol("m1").created, loyalty.enrol("m1").created] == [True, False]
    assert (loyalty.member("m1").points, coupons(loyalty)) == (20, ["WELCOME"])
    assert event_kinds(loyalty) == ["member.enrolled", "coupon.issued", "points.issued"]
    assert_sound(loyalty)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: program(SILVER, SILVER), ConfigError, "share an id"),
        (lambda: program(rules.TierGift("a", "钻石", rules.PointsFixed(1))), ConfigError, "no tier above"),
        (lambda: program(rules.TierGift("a", "普通", rules.PointsFixed(1))), ConfigError, "no tier above"),
        (lambda: rules.TierGift("a", "白银", rules.PointsPerYuan("1")), WrongType, "a coupon or a fixed"),
        (lambda: rules.EnrolGift("a", rules.Coupon("A", minimum_fen=1)), ConfigError, "no order"),
        (lambda: rules.EnrolGift("a", rules.PointsFixed(1, issue_after_days=1)), ConfigError, "no order"),
    ],
)
def test_gifts_that_cannot_be_are_refused(make: Any, error: type[Exception], words: str) -> None:
    """A gift has an id of its own, a tier somebody can reach, and needs no order."""
    with pytest.raises(error, match=words):
        make()


def test_gifts_are_part_of_the_document() -> None:
    """They come back equal from JSON, rewards inside told apart by their rule."""
    full = program(SILVER, GOLD, enrol_gifts=[rules.EnrolGift("w", rules.Coupon("W"))])
    assert Program.from_json(full.to_json()) == full
    assert '"rule":"Coupon"' in full.to_json()
