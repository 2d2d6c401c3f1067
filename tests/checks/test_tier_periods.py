"""D35, D57 and tiers through time: calendar years, grace, falling by one level or never, warnings, by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from builders import NOW, Clock, assert_sound, convert, day, event_kinds, order, points_program, refund

from crossloyalty import Loyalty, Order, Program, RefundStatus, rules
from crossloyalty.application.ports import Storage
from crossloyalty.errors import ConfigError, IdempotencyConflict, InvalidInput

LEVELS = [rules.Level("普通", 0), rules.Level("白银", 200_000, "1.5"), rules.Level("黄金", 500_000, "2")]


def program(**settings: Any) -> Program:
    return points_program(tiers=rules.SpendTiers(LEVELS, **{"window_days": 365, **settings}))


def bought_at(n: int, paid_fen: int, at: datetime) -> Order:
    return order(n, paid_fen=paid_fen, created_at=at, paid_at=at, finished_at=at, modified_at=at)


def gold(storage: Storage, clock: Clock, **settings: Any) -> Loyalty:
    """Give a member who reached 黄金 today, with one order."""
    loyalty = Loyalty(program(**settings), storage, clock=clock)
    convert(loyalty, "m1", bought_at(1, 500_000, NOW))
    assert loyalty.member("m1").tier == "黄金"
    return loyalty


def tier_at(loyalty: Loyalty, clock: Clock, at: datetime) -> tuple[str, str]:
    clock.set(at)
    loyalty.run_due()
    assert_sound(loyalty)
    member = loyalty.member("m1")
    return member.tier, member.tier_on


def test_a_calendar_year_ends_on_31_december(storage: Storage, clock: Clock) -> None:
    """Reached in November: looked at on 1 January, renewed while the window holds it, lost a year later."""
    loyalty = gold(storage, clock, period="calendar_year")
    assert tier_at(loyalty, clock, day(31, 23, 59, month=12)) == ("黄金", "2026-11-20")
    assert tier_at(loyalty, clock, day(1, 0, month=1, year=2027)) == ("黄金", "2027-01-01")
    assert tier_at(loyalty, clock, day(31, 23, 59, month=12, year=2027)) == ("黄金", "2027-01-01")
    assert tier_at(loyalty, clock, day(1, 0, month=1, year=2028)) == ("普通", "")


def test_the_grace_is_time_to_catch_up(storage: Storage, clock: Clock) -> None:
    """The period ends on 20 November 2027; a purchase within 30 days of grace renews the tier from the review on."""
    loyalty = gold(storage, clock, grace_days=30)
    assert tier_at(loyalty, clock, day(19, 23, 59, month=12, year=2027)) == ("黄金", "2026-11-20")
    convert(loyalty, "m1", bought_at(2, 500_000, day(1, month=12, year=2027)))
    assert tier_at(loyalty, clock, day(20, 0, month=12, year=2027)) == ("黄金", "2027-12-20")


@pytest.mark.parametrize(
    ("downgrade", "years"),
    [("recompute", ["普通"] * 3), ("one_level", ["白银", "普通", "普通"]), ("keep", ["黄金"] * 3)],
)
def test_how_a_tier_falls(storage: Storage, clock: Clock, downgrade: str, years: list[str]) -> None:
    """Without any spend: at once to what was spent, one tier a period, or never."""
    loyalty = gold(storage, clock, downgrade=downgrade)
    assert [tier_at(loyalty, clock, day(20, 0, year=2027 + n))[0] for n in range(3)] == years


@pytest.mark.parametrize("downgrade", ["recompute", "one_level", "keep"])
def test_a_refund_takes_a_tier_at_once_under_every_policy(storage: Storage, clock: Clock, downgrade: str) -> None:
    """Policies are about decay; money that went back never made a tier, and a failed payout gives it back."""
    loyalty = gold(storage, clock, downgrade=downgrade)
    loyalty.ingest([refund(order(1), 400_000)])
    assert loyalty.member("m1").tier == "普通"
    loyalty.ingest([refund(order(1), 400_000, status=RefundStatus.PAYOUT_FAILED, modified_at=day(21))])
    assert loyalty.member("m1").tier == "黄金"
    assert_sound(loyalty)


def test_what_one_level_left_is_not_lost_to_an_old_refund(storage: Storage, clock: Clock) -> None:
    """白银 by policy does not rest on any spend, so a refund of the old order leaves it to the period's end."""
    loyalty = gold(storage, clock, downgrade="one_level")
    assert tier_at(loyalty, clock, day(20, 0, year=2027)) == ("白银", "2027-11-20")
    loyalty.ingest([refund(order(1), 500_000, modified_at=clock.at)])
    assert loyalty.member("m1").tier == "白银"
    assert_sound(loyalty)


def test_d35_a_member_is_warned_once_and_told_when_saved(storage: Storage, clock: Clock) -> None:
    """30 days before the review; a purchase that keeps the tier takes the warning back, a refund warns again."""
    loyalty = gold(storage, clock, warn_days=30)

    def said() -> list[tuple[str, Any]]:
        events = loyalty.pending_events(limit=1000)
        return [
            (event.kind, event.body["missing_fen"])
            for event in events
            if event.kind in ("tier.will_downgrade", "tier.retained")
        ]

    tier_at(loyalty, clock, day(20, 23, month=10, year=2027))
    assert said() == []
    tier_at(loyalty, clock, day(21, 0, month=10, year=2027))
    tier_at(loyalty, clock, day(22, month=10, year=2027))
    warned = [("tier.will_downgrade", 500_000)]
    assert said() == warned
    convert(loyalty, "m1", bought_at(2, 100_000, clock.at))
    assert said() == warned
    convert(loyalty, "m1", bought_at(3, 400_000, clock.at))
    assert said() == [*warned, ("tier.retained", 0)]
    loyalty.ingest([refund(order(3), 100_000, modified_at=clock.at)])
    assert said() == [*warned, ("tier.retained", 0), ("tier.will_downgrade", 100_000)]
    assert tier_at(loyalty, clock, day(20, 0, year=2027))[0] == "白银"


def test_d17_a_multiplier_may_include_the_order_itself(storage: Storage, clock: Clock) -> None:
    """With include_current the order that reaches 白银 earns at 1.5; without it the next one does."""
    for place, (include, points) in enumerate(((True, 3000), (False, 2000))):
        changed = program(include_current=include)
        loyalty = Loyalty(
            Program(program_id=f"p{place}", rewards=changed.rewards, tiers=changed.tiers), storage, clock=clock
        )
        [result] = convert(loyalty, "m1", order(1, paid_fen=200_000))
        assert (result.points, result.tier) == (points, "白银")
        assert_sound(loyalty)


def test_benefits_are_handed_out(storage: Storage, clock: Clock) -> None:
    """What the host offers a tier stands in the rules and comes with the member (S0-16)."""
    offered = {"折扣": "9.5折", "生日礼": "双倍积分"}
    levels = [LEVELS[0], rules.Level("白银", 200_000, benefits=offered)]
    loyalty = Loyalty(points_program(tiers=rules.SpendTiers(levels)), storage, clock=clock)
    assert loyalty.member("m1").benefits == {}
    convert(loyalty, "m1", order(1, paid_fen=200_000))
    assert loyalty.member("m1").benefits == offered


def test_a_tier_given_by_hand_lasts_its_period(storage: Storage, clock: Clock) -> None:
    """Given once per key, multiplies from the next order on, outlives refunds, falls at the review."""
    loyalty = Loyalty(program(), storage, clock=clock)
    convert(loyalty, "m1", order(1, paid_fen=10_000))
    result = loyalty.set_tier("m1", tier="黄金", key="k1", note="invited")
    assert (result.tier, result.tier_on) == ("黄金", "2026-11-20")
    assert loyalty.set_tier("m1", tier="黄金", key="k1") == result
    with pytest.raises(IdempotencyConflict):
        loyalty.set_tier("m1", tier="白银", key="k1")
    [second] = convert(loyalty, "m1", order(2, paid_fen=10_000))
    assert second.points == 200
    loyalty.ingest([refund(order(1), 10_000)])
    assert loyalty.member("m1").tier == "黄金"
    assert tier_at(loyalty, clock, day(20, 0, year=2027)) == ("普通", "")
    assert event_kinds(loyalty, "tier.granted", "tier.upgraded") == ["tier.granted", "tier.upgraded"]


def test_a_tier_given_by_hand_can_be_taken_back(storage: Storage, clock: Clock) -> None:
    """What was earned stays."""
    loyalty = Loyalty(program(), storage, clock=clock)
    convert(loyalty, "m1", order(1, paid_fen=200_000))
    loyalty.set_tier("m1", tier="黄金", key="k1")
    assert loyalty.set_tier("m1", tier="", key="k2").tier == "白银"
    assert_sound(loyalty)


@pytest.mark.parametrize("tier", ["普通", "钻石"])
def test_only_tiers_above_the_lowest_are_given(storage: Storage, clock: Clock, tier: str) -> None:
    """The lowest is everybody's."""
    with pytest.raises(InvalidInput, match="above the lowest"):
        Loyalty(program(), storage, clock=clock).set_tier("m1", tier=tier, key="k1")


def test_calendar_years_have_a_window_and_no_other_period() -> None:
    """A lifetime has no years to end, and a period has one length."""
    for settings in ({"window_days": None}, {"period_days": 30}):
        with pytest.raises(ConfigError, match="calendar year"):
            program(period="calendar_year", **settings)
