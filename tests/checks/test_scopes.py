"""What a rule is limited to: platforms, shops, tiers, products and categories; rates of their own; once per member."""

from __future__ import annotations

from typing import Any

import pytest
from builders import Clock, assert_sound, convert, day, order, points_program, refund

from crossloyalty import Line, Loyalty, RefundStatus, rules
from crossloyalty.application.ports import Storage

LINES = (
    Line(line_id="1", paid_fen=6_000, category="tea", product_id="green"),
    Line(line_id="2", paid_fen=3_000, category="cups", product_id="cup"),
    Line(line_id="3", paid_fen=1_000),
)


def granted(storage: Storage, clock: Clock, rule: Any, **stated: Any) -> int:
    """Convert one order of ¥100 and give what the only rule grants."""
    loyalty = Loyalty(points_program(rule, ownership="order-no-only"), storage, clock=clock)
    [result] = convert(loyalty, "m1", order(1, **stated))
    assert_sound(loyalty)
    return sum(each.amount for each in result.granted)


@pytest.mark.parametrize(
    ("scope", "points"),
    [
        (rules.Scope(), 100),
        (rules.Scope(platforms=["jd"]), 0),
        (rules.Scope(platforms=["taobao", "jd"]), 100),
        (rules.Scope(shops=["s1"]), 100),
        (rules.Scope(shops=["s2"]), 0),
        (rules.Scope(categories=["tea"]), 60),
        (rules.Scope(products=["cup"]), 30),
        (rules.Scope(products=["cup"], categories=["tea"]), 90),
        (rules.Scope(exclude_categories=["tea"]), 40),
        (rules.Scope(categories=["tea", "cups"], exclude_products=["cup"]), 60),
        (rules.Scope(categories=["tea"], minimum_fen=6_000), 60),
        (rules.Scope(categories=["tea"], minimum_fen=6_001), 0),
        (rules.Scope(minimum_fen=10_000), 100),
        (rules.Scope(tiers=["普通"]), 0),
    ],
)
def test_a_scope_takes_orders_and_lines(storage: Storage, clock: Clock, scope: rules.Scope, points: int) -> None:
    """Of tea ¥60, a cup ¥30 and ¥10 without a name, the scope takes what it names."""
    rule = rules.PointsPerYuan("1", scope=scope)
    assert granted(storage, clock, rule, lines=LINES, shop_id="s1") == points


def test_an_order_without_lines_is_in_no_product(storage: Storage, clock: Clock) -> None:
    """Where a source says nothing of lines, rules for products give nothing; wrong is worse than missing."""
    rule = rules.PointsPerYuan("1", scope=rules.Scope(categories=["tea"]))
    assert granted(storage, clock, rule) == 0


@pytest.mark.parametrize(
    ("rule", "given"),
    [
        (rules.GrowthPerYuan("1", scope=rules.Scope(categories=["tea"], minimum_fen=5_000)), 60),
        (rules.GrowthPerStep(every_fen=2_500, growth=7, scope=rules.Scope(categories=["tea"])), 14),
        (rules.GrowthFixed(9, scope=rules.Scope(platforms=["taobao"], minimum_fen=10_001)), 0),
        (rules.PerStep(2_500, 7, scope=rules.Scope(categories=["tea"])), 14),
        (rules.PointsFixed(9, scope=rules.Scope(categories=["cups"])), 9),
        (rules.StoredValuePercent("10", scope=rules.Scope(categories=["tea"])), 600),
        (rules.StoredValuePerStep(every_fen=5_000, bonus_fen=150), 300),
        (rules.StoredValueFixed(88), 88),
        (rules.Coupon("A", minimum_fen=6_000, scope=rules.Scope(categories=["tea"])), 1),
        (rules.Coupon("A", minimum_fen=6_001, scope=rules.Scope(categories=["tea"])), 0),
    ],
)
def test_every_kind_of_reward_has_a_scope(storage: Storage, clock: Clock, rule: Any, given: int) -> None:
    """Growth has conditions of its own (S3-13), and so has every other reward; steps and leasts count what is taken."""
    assert granted(storage, clock, rule, lines=LINES) == given


def test_rates_per_platform_shop_and_category(storage: Storage, clock: Clock) -> None:
    """The first rate that takes a line decides (S3-5): 60 × 3 for tea, the rest at 1, and on JD 5 for everything."""
    rule = rules.PointsPerYuan(
        "1",
        rates=[
            rules.Rate("5", rules.Scope(platforms=["jd"])),
            rules.Rate("3", rules.Scope(categories=["tea"])),
            rules.Rate("2", rules.Scope(shops=["s9"])),
        ],
    )
    loyalty = Loyalty(points_program(rule), storage, clock=clock)
    plain, jd, shop = (
        order(1, lines=LINES),
        order(2, platform="jd", lines=LINES),
        order(3, shop_id="s9", lines=LINES),
    )
    results = convert(loyalty, "m1", plain, jd, shop)
    assert [result.points for result in results] == [220, 500, 260]
    assert "60.00元 × 3 + 40.00元 × 1，向下取整，得220" in results[0].explain("zh")
    loyalty.ingest([refund(plain, 6_000, line_id="1")])
    assert [claim.grants["points"] for claim in loyalty.claims("m1").items if claim.platform == "taobao"].count(40) == 1
    assert_sound(loyalty)


def test_rates_per_tier_are_those_of_the_tier_before(storage: Storage, clock: Clock) -> None:
    """The first order makes the member 白银 and still earns at 1; the second earns at 1.2 (D17)."""
    tiers = rules.SpendTiers({"普通": 0, "白银": 10_000}, window_days=365)
    rule = rules.PointsPerYuan("1", rates=[rules.Rate("1.2", rules.Scope(tiers=["白银"]))])
    loyalty = Loyalty(points_program(rule, tiers=tiers), storage, clock=clock)
    assert [result.points for result in convert(loyalty, "m1", order(1), order(2))] == [100, 120]


def test_shares_of_lines_follow_their_rates(storage: Storage, clock: Clock) -> None:
    """¥0.50 + ¥0.50 at 1 and 2 is 1.5, rounded to 1: one rounding for the order."""
    rule = rules.PointsPerYuan("1", rates=[rules.Rate("2", rules.Scope(categories=["tea"]))])
    lines = (Line(line_id="1", paid_fen=50, category="tea"), Line(line_id="2", paid_fen=50))
    assert granted(storage, clock, rule, paid_fen=100, lines=lines) == 1


@pytest.mark.parametrize(
    ("rule", "asset", "given"),
    [
        (rules.PointsFixed(200, once_per="member"), "points", 200),
        (rules.GrowthFixed(30, once_per="member"), "growth", 30),
        (rules.StoredValueFixed(500, once_per="member"), "stored_value", 500),
    ],
)
def test_d55_once_per_member(storage: Storage, clock: Clock, rule: Any, asset: str, given: int) -> None:
    """A newcomer gift is given once; it stays while any order earns it and goes with the last (D55)."""
    loyalty = Loyalty(points_program(rule), storage, clock=clock)
    first, second = order(1), order(2)
    a, b = convert(loyalty, "m1", first, second)
    assert [(each.rule_id, each.amount) for each in a.granted] == [(rule.id, given)]
    assert not b.granted
    assert "本单符合条件" in b.explain("zh")

    def held() -> int:
        return loyalty.member("m1").balances[asset].available

    assert held() == given
    loyalty.ingest([refund(first, 10_000)])
    assert held() == given
    loyalty.ingest([refund(second, 10_000)])
    assert held() == 0
    loyalty.ingest([refund(second, 10_000, status=RefundStatus.PAYOUT_FAILED, modified_at=day(21))])
    assert held() == given
    assert_sound(loyalty)
