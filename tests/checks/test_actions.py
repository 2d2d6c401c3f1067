"""S3-11 and S3-18: rewards for what is no order; S3-14: growth value lost by inactivity."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from builders import NOW, Clock, assert_sound, convert, day, event_kinds, order, points_program, refund

from crossloyalty import Loyalty, Program, Reason, rules
from crossloyalty.application.ports import Storage
from crossloyalty.errors import ConfigError, IdempotencyConflict, WrongType

SHARE = rules.Action("share", "share", rules.PointsFixed(5), per_day=2, per_month=3)
REVIEW = rules.Action("review", "review", rules.GrowthFixed(40), per_member=1)
TIERS = rules.GrowthTiers({"普通": 0, "白银": 100, "黄金": 500}, period_days=365)


def test_an_action_gives_once_per_key_and_up_to_its_limits(storage: Storage, clock: Clock) -> None:
    """Two shares a day and three a month: 5, 5, nothing; tomorrow one more; in December again."""
    loyalty = Loyalty(points_program(actions=[SHARE]), storage, clock=clock)
    told = [loyalty.record_action("m1", action="share", key=f"s{n}") for n in (1, 1, 2, 3)]
    assert [(dict(each.given), each.reason) for each in told] == [
        ({"share": 5}, None),
        ({"share": 5}, None),
        ({"share": 5}, None),
        ({}, Reason.CAP_REACHED),
    ]
    assert loyalty.member("m1").points == 10
    clock.set(day(21))
    assert [bool(loyalty.record_action("m1", action="share", key=f"t{n}").given) for n in (1, 2)] == [True, False]
    clock.set(day(1, 0, month=12))
    assert loyalty.record_action("m1", action="share", key="u1").given
    assert loyalty.member("m1").points == 20
    assert_sound(loyalty)


def test_an_action_nobody_rewards_and_a_blocked_member_get_nothing(storage: Storage, clock: Clock) -> None:
    """Both are answers with a reason, and the key is taken by them."""
    loyalty = Loyalty(points_program(actions=[SHARE]), storage, clock=clock)
    assert loyalty.record_action("m1", action="dance", key="k1").reason is Reason.NOTHING_TO_GRANT
    with pytest.raises(IdempotencyConflict):
        loyalty.record_action("m1", action="share", key="k1")
    loyalty.block("m1", reason="fraud", key="b")
    assert loyalty.record_action("m1", action="share", key="k2").reason is Reason.MEMBER_BLOCKED
    assert loyalty.member("m1").points == 0


def test_growth_by_action_lifts_a_tier(storage: Storage, clock: Clock) -> None:
    """60 by an order and 40 by a review make 白银; the second review is one too many."""
    program = points_program(rules.GrowthPerYuan("1"), tiers=TIERS, actions=[REVIEW])
    loyalty = Loyalty(program, storage, clock=clock)
    convert(loyalty, "m1", order(1, paid_fen=6_000))
    assert loyalty.member("m1").tier == "普通"
    assert dict(loyalty.record_action("m1", action="review", key="r1").given) == {"review": 40}
    assert loyalty.member("m1").tier == "白银"
    assert loyalty.record_action("m1", action="review", key="r2").reason is Reason.CAP_REACHED
    assert loyalty.member("m1").balances["growth"].available == 100
    assert_sound(loyalty)


def test_one_action_may_feed_several_rules_and_wait_for_its_day(storage: Storage, clock: Clock) -> None:
    """A coupon at once and points on the 25th; run_due makes them spendable."""
    later = rules.PointsFixed(7, issue_on="2026-11-25", expires_months=1)
    waiting = rules.Action("late", "review", later)
    coupon = rules.Action("thanks", "review", rules.Coupon("THANKS"))
    loyalty = Loyalty(points_program(actions=[waiting, coupon]), storage, clock=clock)
    assert dict(loyalty.record_action("m1", action="review", key="k").given) == {"late": 7, "thanks": 1}
    assert (loyalty.member("m1").points, loyalty.member("m1").pending_points) == (0, 7)
    clock.set(day(25, 0))
    assert loyalty.run_due().issued == 1
    assert loyalty.member("m1").points == 7
    clock.set(day(26, 0, month=12))
    assert loyalty.run_due().expired == 1
    assert_sound(loyalty)


def quiet(**settings: Any) -> Program:
    rule = rules.Inactivity(idle_days=90, growth=30, **settings)
    return points_program(rules.GrowthPerYuan("1"), inactivity=rule)


def growth(loyalty: Loyalty) -> int:
    return loyalty.member("m1").balances["growth"].available


def test_who_buys_nothing_loses_growth_value_once(storage: Storage, clock: Clock) -> None:
    """Finished on 5 November, 90 days: 00:00 of 3 February takes 30, and no later day takes more."""
    loyalty = Loyalty(quiet(), storage, clock=clock)
    convert(loyalty, "m1", order(1, paid_fen=10_000))
    clock.set(day(2, 23, 59, month=2, year=2027))
    loyalty.run_due()
    assert growth(loyalty) == 100
    clock.set(day(3, 0, month=2, year=2027))
    loyalty.run_due()
    loyalty.run_due()
    assert growth(loyalty) == 70
    clock.set(day(3, 0, month=2, year=2028))
    loyalty.run_due()
    assert growth(loyalty) == 70
    assert event_kinds(loyalty, "growth.changed").count("growth.changed") == 2
    assert_sound(loyalty)


def test_an_order_ends_the_quiet_time(storage: Storage, clock: Clock) -> None:
    """Bought again in January: nothing in February, 30 at 90 days behind the second order."""
    loyalty = Loyalty(quiet(), storage, clock=clock)
    convert(loyalty, "m1", order(1, paid_fen=10_000))
    january = day(10, month=1, year=2027)
    clock.set(january)
    times = dict.fromkeys(("created_at", "paid_at", "finished_at", "modified_at"), january)
    convert(loyalty, "m1", order(2, paid_fen=10_000, **times))
    clock.set(day(9, month=4, year=2027))
    loyalty.run_due()
    assert growth(loyalty) == 200
    clock.set(day(10, month=4, year=2027))
    loyalty.run_due()
    assert growth(loyalty) == 170
    assert_sound(loyalty)


def test_later_deductions_stop_at_the_floor(storage: Storage, clock: Clock) -> None:
    """100, every 30 days 30, floor 25: 70, 40, 25 and no further; a day missed is not caught up twice."""
    loyalty = Loyalty(quiet(every_days=30, floor_growth=25), storage, clock=clock)
    convert(loyalty, "m1", order(1, paid_fen=10_000))
    left = []
    clock.set(day(3, 0, month=2, year=2027))
    for _ in range(4):
        loyalty.run_due()
        left.append(growth(loyalty))
        clock.move(days=30)
    assert left == [70, 40, 25, 25]
    assert_sound(loyalty)


def test_long_without_run_due_takes_one_deduction(storage: Storage, clock: Clock) -> None:
    """A year late it takes 30 once; the next comes 30 days behind that day."""
    loyalty = Loyalty(quiet(every_days=30), storage, clock=clock)
    convert(loyalty, "m1", order(1, paid_fen=10_000))
    clock.set(day(3, 0, month=2, year=2028))
    loyalty.run_due()
    loyalty.run_due()
    assert growth(loyalty) == 70
    clock.move(days=30)
    loyalty.run_due()
    assert growth(loyalty) == 40


def test_inactivity_takes_the_tier_at_once_and_leaves_its_gift(storage: Storage, clock: Clock) -> None:
    """120 made 白银 and its coupon; 30 less is 普通, the coupon stays, and a tiny refund later changes nothing more."""
    program = points_program(
        rules.GrowthPerYuan("1"),
        tiers=TIERS,
        tier_gifts=[rules.TierGift("g", "白银", rules.Coupon("SILVER"))],
        inactivity=rules.Inactivity(idle_days=90, growth=30),
    )
    loyalty = Loyalty(program, storage, clock=clock)
    bought = order(1, paid_fen=12_000)
    convert(loyalty, "m1", bought)
    assert loyalty.member("m1").tier == "白银"
    clock.set(NOW + timedelta(days=90))
    loyalty.run_due()
    assert (loyalty.member("m1").tier, len(loyalty.member("m1").coupons)) == ("普通", 1)
    loyalty.ingest([refund(bought, 100, modified_at=clock.at)])
    assert (growth(loyalty), loyalty.member("m1").tier) == (89, "普通")
    assert_sound(loyalty)


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda: rules.Action("a", "b", rules.PointsPerYuan("1")), WrongType, "fixed reward"),
        (lambda: rules.Action("a", "b", rules.PointsFixed(1), per_day=True), WrongType, "per_day"),
        (lambda: points_program(actions=[SHARE, SHARE]), ConfigError, "share an id"),
        (
            lambda: points_program(
                tiers=rules.GrowthTiers({"a": 0}, period_days=1, downgrade="keep"),
                inactivity=rules.Inactivity(idle_days=1, growth=1),
            ),
            ConfigError,
            "kept for ever",
        ),
    ],
)
def test_what_contradicts_itself_is_refused(make: Any, error: type[Exception], says: str) -> None:
    """Bad rules are refused where they are made, with a sentence."""
    with pytest.raises(error, match=says):
        make()


def test_rules_for_actions_and_inactivity_survive_the_document() -> None:
    """A program with them is read back equal."""
    program = points_program(actions=[SHARE, REVIEW], inactivity=rules.Inactivity(idle_days=90, growth=30))
    assert Program.from_json(program.to_json()) == program
