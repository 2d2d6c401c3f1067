"""S3-10 and D34: tiers by growth value."""

from __future__ import annotations

from typing import Any

import pytest
from builders import Clock, assert_sound, convert, day, event_kinds, order, points_program, refund

from crossloyalty import Loyalty, Program, RefundStatus, rules
from crossloyalty.application.ports import Storage
from crossloyalty.errors import ConfigError, InvalidInput

LEVELS = [rules.GrowthLevel("普通", 0), rules.GrowthLevel("白银", 1_000, "1.5"), rules.GrowthLevel("黄金", 3_000, "2")]


def program(**settings: Any) -> Program:
    growth = settings.pop("growth", rules.GrowthPerYuan("1"))
    return points_program(rules.PointsPerYuan("1"), growth, tiers=rules.GrowthTiers(LEVELS, **settings))


def test_growth_value_lifts_and_refunds_take_at_once(storage: Storage, clock: Clock) -> None:
    """1,000 makes 白银 and multiplies the next order; a refund below it takes the tier, a failed payout returns it."""
    loyalty = Loyalty(program(), storage, clock=clock)
    a, b = convert(loyalty, "m1", order(1, paid_fen=100_000), order(2, paid_fen=10_000))
    assert [(each.points, each.tier) for each in (a, b)] == [(1000, "白银"), (150, "白银")]
    loyalty.ingest([refund(order(1), 10_000)])
    assert loyalty.member("m1").tier == "白银"
    loyalty.ingest([refund(order(1), 100, refund_id="r2")])
    assert loyalty.member("m1").tier == "普通"
    loyalty.ingest([refund(order(1), 100, refund_id="r2", status=RefundStatus.PAYOUT_FAILED, modified_at=day(21))])
    assert (loyalty.member("m1").tier, loyalty.member("m1").tier_on) == ("白银", "2026-11-20")
    assert_sound(loyalty)


def test_pending_growth_lifts_when_it_comes_and_counts_for_the_gap(storage: Storage, clock: Clock) -> None:
    """2,500 pending: no tier yet, and 500 missing to the one behind it; issued, it lifts."""
    loyalty = Loyalty(program(growth=rules.GrowthPerYuan("1", issue_after_days=30)), storage, clock=clock)
    convert(loyalty, "m1", order(1, paid_fen=250_000))
    member = loyalty.member("m1")
    assert (member.tier, member.next_tier, member.next_tier_gap_growth) == ("普通", "白银", 0)
    clock.set(day(5, month=12))
    assert loyalty.run_due().tiers_changed == 1
    member = loyalty.member("m1")
    assert (member.tier, member.next_tier, member.next_tier_gap_growth) == ("白银", "黄金", 500)
    assert_sound(loyalty)


def test_corrections_by_hand_move_the_tier(storage: Storage, clock: Clock) -> None:
    """An operator gives growth value and takes it (S3-14)."""
    loyalty = Loyalty(program(), storage, clock=clock)
    loyalty.adjust("m1", asset="growth", amount=3_000, key="k1")
    assert loyalty.member("m1").tier == "黄金"
    loyalty.adjust("m1", asset="growth", amount=-1, key="k2")
    assert loyalty.member("m1").tier == "白银"
    assert event_kinds(loyalty, "tier.upgraded", "tier.downgraded") == ["tier.upgraded", "tier.downgraded"]
    assert_sound(loyalty)


def test_d34_spending_points_never_lowers_the_tier(storage: Storage, clock: Clock) -> None:
    """Points and growth value are books apart."""
    loyalty = Loyalty(program(), storage, clock=clock)
    convert(loyalty, "m1", order(1, paid_fen=100_000))
    loyalty.adjust("m1", asset="points", amount=-1000, key="k1")
    assert loyalty.member("m1").tier == "白银"


def test_a_period_renews_by_what_there_is(storage: Storage, clock: Clock) -> None:
    """Growth value that is still there renews the tier from the end of its period on."""
    loyalty = Loyalty(program(period_days=365), storage, clock=clock)
    convert(loyalty, "m1", order(1, paid_fen=100_000))
    clock.set(day(20, 0, year=2027))
    loyalty.run_due()
    assert (loyalty.member("m1").tier, loyalty.member("m1").tier_on) == ("白银", "2027-11-20")
    assert_sound(loyalty)


def test_gifts_and_hands_work_alike(storage: Storage, clock: Clock) -> None:
    """A tier gift comes with the tier; a tier given by hand falls at the end of its period."""
    full = Program(
        program_id="g",
        rewards=[rules.GrowthPerYuan("1")],
        tiers=rules.GrowthTiers(LEVELS, period="calendar_year"),
        tier_gifts=[rules.TierGift("silver", "白银", rules.PointsFixed(50))],
    )
    loyalty = Loyalty(full, storage, clock=clock)
    assert loyalty.set_tier("m1", tier="白银", key="k1").tier == "白银"
    assert loyalty.member("m1").points == 50
    clock.set(day(1, 0, month=1, year=2027))
    loyalty.run_due()
    assert loyalty.member("m1").tier == "普通"
    assert_sound(loyalty)


def test_growth_tiers_are_part_of_the_document() -> None:
    """They bear the name of their rule, those by spend none; another name is refused."""
    full = program(period_days=365)
    assert Program.from_json(full.to_json()) == full
    assert '"rule":"GrowthTiers"' in full.to_json()
    with pytest.raises(InvalidInput, match="for tiers"):
        Program.from_json(full.to_json().replace("GrowthTiers", "PointsTiers"))


def test_growth_that_expires_cannot_carry_tiers() -> None:
    """A tiny refund behind the expiry would take a tier that decay has to leave (D57)."""
    for terms in ({"expires_months": 12}, {"expires_on": "2027-01-01"}):
        with pytest.raises(ConfigError, match="need a period"):
            program(growth=rules.GrowthPerYuan("1", **terms))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="calendar year"):
        rules.GrowthTiers(LEVELS, period="calendar_year", period_days=1)


def test_growth_value_is_deducted_at_the_end_of_each_period(storage: Storage, clock: Clock) -> None:
    """3,500 makes 黄金; 1,000 a year leave 2,500, 1,500 and 500: 白银 twice, then none, and nothing more is taken."""
    loyalty = Loyalty(program(period_days=365, deduct_growth=1_000), storage, clock=clock)
    convert(loyalty, "m1", order(1, paid_fen=350_000))
    seen = []
    for year in (2027, 2028, 2029, 2030):
        clock.set(day(20, year=year))
        loyalty.run_due()
        member = loyalty.member("m1")
        seen.append((member.tier, member.balances["growth"].available))
        assert_sound(loyalty)
    assert seen == [("白银", 2_500), ("白银", 1_500), ("普通", 500), ("普通", 500)]


def test_periods_that_ended_unseen_are_deducted_one_by_one(storage: Storage, clock: Clock) -> None:
    """run_due that comes three years late takes what three calls in time would have taken."""
    loyalty = Loyalty(program(period_days=365, deduct_growth=1_000), storage, clock=clock)
    convert(loyalty, "m1", order(1, paid_fen=350_000))
    clock.set(day(20, year=2030))
    loyalty.run_due()
    member = loyalty.member("m1")
    assert (member.tier, member.balances["growth"].available) == ("普通", 500)
    assert_sound(loyalty)


def test_a_refund_behind_a_deduction_never_goes_below_nothing(storage: Storage, clock: Clock) -> None:
    """What was deducted cannot be taken again: it is owed or written off, as the merchant says (S3-14)."""
    full = Program(
        program_id="d",
        rewards=[rules.GrowthPerYuan("1")],
        tiers=rules.GrowthTiers(LEVELS, period_days=365, deduct_growth=1_000),
        on_refund=rules.ClawBack(growth="waive"),
    )
    loyalty = Loyalty(full, storage, clock=clock)
    convert(loyalty, "m1", order(1, paid_fen=150_000))
    clock.set(day(20, year=2027))
    loyalty.run_due()
    loyalty.ingest([refund(order(1), 150_000, modified_at=clock.at)])
    growth = loyalty.member("m1").balances["growth"]
    assert (growth.available, growth.debt) == (0, 0)
    assert_sound(loyalty)


def test_a_deduction_needs_a_period() -> None:
    """Tiers for ever, and those that are kept, have no end to deduct at."""
    for settings in ({}, {"period_days": 365, "downgrade": "keep"}):
        with pytest.raises(ConfigError, match="have none"):
            program(deduct_growth=1, **settings)
