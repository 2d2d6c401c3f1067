"""Worked checks D2b and D42, and what multiplies what: thresholds, campaigns, groups, member days, tiers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from builders import CREATED, Clock, assert_sound, convert, day, order, points_program, refund

from crossloyalty import Line, Loyalty, Program, rules
from crossloyalty.application.ports import Storage
from crossloyalty.errors import ConfigError, InvalidInput

SILVER_FIRST = rules.SpendTiers([rules.Level("白银", 0, "1.5"), rules.Level("黄金", 900_000)])


def points_of(storage: Storage, clock: Clock, program: Program, **stated: Any) -> int:
    """Convert one order of ¥100 and give its points."""
    loyalty = Loyalty(program, storage, clock=clock)
    [result] = convert(loyalty, "m1", order(1, **stated))
    assert_sound(loyalty)
    return result.points


@pytest.mark.parametrize(("after_refund", "left"), [("rederive", 250), ("prorata", 500)])
def test_d2b_threshold_after_a_partial_refund(storage: Storage, clock: Clock, after_refund: Any, left: int) -> None:
    """¥500 at 满300双倍 earns 1000; a refund of ¥250 leaves 250 where it is looked at again, 500 where it is kept."""
    double = rules.Threshold(30_000, "2", after_refund=after_refund)
    loyalty = Loyalty(points_program(thresholds=[double]), storage, clock=clock)
    bought = order(1, paid_fen=50_000)
    [result] = convert(loyalty, "m1", bought)
    assert result.points == 1000
    loyalty.ingest([refund(bought, 25_000)])
    assert loyalty.member("m1").points == left
    assert_sound(loyalty)


@pytest.mark.parametrize(("paid_fen", "points"), [(29_999, 299), (30_000, 600), (99_999, 1999), (100_000, 3000)])
def test_the_highest_threshold_reached_counts(storage: Storage, clock: Clock, paid_fen: int, points: int) -> None:
    """From ¥300 on double, from ¥1,000 on threefold; thresholds do not multiply each other."""
    steps = [rules.Threshold(30_000, "2"), rules.Threshold(100_000, "3")]
    assert points_of(storage, clock, points_program(thresholds=steps), paid_fen=paid_fen) == points


@pytest.mark.parametrize(("paid_at", "points"), [(day(1, 0), 200), (day(2, 23, 59), 200), (day(3, 0), 100)])
def test_d42_a_window_is_half_open(storage: Storage, clock: Clock, paid_at: Any, points: int) -> None:
    """A campaign from the 1st to the 3rd takes what was paid at 00:00 of the 1st and nothing of 00:00 of the 3rd."""
    campaign = rules.Campaign("double", "2", from_at=day(1, 0), until_at=day(3, 0))
    assert points_of(storage, clock, points_program(campaigns=[campaign]), paid_at=paid_at) == points


@pytest.mark.parametrize(
    ("by", "within"),
    [("created", day(1, 10)), ("paid", day(2, 10)), ("finished", day(5, 12)), ("claimed", day(20, 12))],
)
def test_d42_the_time_it_goes_by_is_named(storage: Storage, clock: Clock, by: Any, within: Any) -> None:
    """Ordered on the 1st, paid on the 2nd, finished on the 5th, claimed on the 20th: each campaign sees its own."""
    for place, shift in enumerate((timedelta(), timedelta(hours=1), timedelta(hours=-1)), start=1):
        program = points_program(
            program_id=f"p{place}",
            campaigns=[
                rules.Campaign("c", "2", by=by, from_at=within + shift, until_at=within + shift + timedelta(minutes=1))
            ],
        )
        points = points_of(storage, clock, program, created_at=CREATED, paid_at=day(2, 10))
        assert points == (100 if shift else 200)


def test_an_unknown_time_is_in_no_campaign(storage: Storage, clock: Clock) -> None:
    """An order without a paid time is not in a campaign by paid time, open as its window may be."""
    program = points_program(campaigns=[rules.Campaign("always", "2")], ownership="order-no-only")
    loyalty = Loyalty(program, storage, clock=clock)
    loyalty.ingest([order(1, paid_at=None)])
    assert loyalty.claim("m1", platform="taobao", order_no=order(1).order_no).points == 100


@pytest.mark.parametrize(
    ("days", "points"),
    [
        (rules.Days(weekdays=[7]), 200),
        (rules.Days(weekdays=[1, 6]), 100),
        (rules.Days(month_days=[1, 31]), 200),
        (rules.Days(dates=["2026-11-01"]), 200),
        (rules.Days(weekdays=[3], month_days=[15], dates=["2026-11-02"]), 100),
    ],
)
def test_member_days(storage: Storage, clock: Clock, days: rules.Days, points: int) -> None:
    """1 November 2026 is a Sunday; any of weekday, day of the month and date makes it a member day."""
    campaign = rules.Campaign("day", "2", days=days)
    assert points_of(storage, clock, points_program(campaigns=[campaign])) == points


def test_a_member_day_is_a_local_day(storage: Storage, clock: Clock) -> None:
    """00:30 of the 1st in Shanghai is still the 31st in UTC, and counts as the 1st."""
    campaign = rules.Campaign("day", "2", days=rules.Days(month_days=[1]))
    assert points_of(storage, clock, points_program(campaigns=[campaign]), paid_at=day(1, 0, 30)) == 200


def test_the_best_of_a_group_and_groups_multiply(storage: Storage, clock: Clock) -> None:
    """Of 2 and 3 in one group 3 counts; with 1.5 of another group, tier 1.5 and threshold 2 it is 100 × 13.5."""
    program = points_program(
        campaigns=[
            rules.Campaign("a", "2"),
            rules.Campaign("b", "3"),
            rules.Campaign("c", "1.5", group="brand"),
        ],
        thresholds=[rules.Threshold(10_000, "2")],
        tiers=SILVER_FIRST,
    )
    loyalty = Loyalty(program, storage, clock=clock)
    [first] = convert(loyalty, "m1", order(1))
    assert first.points == 900  # before the first order nobody has a tier, so its multiplier is 1 (D17)
    [second] = convert(loyalty, "m1", order(2))
    assert second.points == 1350
    assert second.explain("zh").splitlines()[2] == (
        "积分：100.00元 × 1 × 3（b） × 1.5（c） × 3/2 × 2（满100.00元），向下取整，得1350。"
    )


def test_one_rounding_behind_all_multipliers(storage: Storage, clock: Clock) -> None:
    """¥0.99 at 1/3 with 1.1 and 5/3 is 0.605, rounded once: 0 down, 1 half-up."""
    for rounding, points in (("down", 0), ("half_up", 1)):
        program = points_program(
            rules.PointsPerYuan("1/3", rounding=rounding),
            program_id=rounding,
            campaigns=[rules.Campaign("a", "1.1"), rules.Campaign("b", "5/3", group="other")],
        )
        assert points_of(storage, clock, program, paid_fen=99) == points


def test_a_campaign_is_decided_once(storage: Storage, clock: Clock) -> None:
    """Whether an order was in a campaign is fixed: another payment time changes nothing, a refund is multiplied."""
    campaign = rules.Campaign("double", "2", from_at=day(1, 0), until_at=day(3, 0))
    loyalty = Loyalty(points_program(campaigns=[campaign]), storage, clock=clock)
    bought = order(1)
    convert(loyalty, "m1", bought)
    loyalty.ingest([order(1, paid_at=day(4), modified_at=day(6))])
    assert loyalty.member("m1").points == 200
    loyalty.ingest([refund(bought, 4_000)])
    assert loyalty.member("m1").points == 120
    assert_sound(loyalty)


def test_campaigns_for_some_lines(storage: Storage, clock: Clock) -> None:
    """Double for tea only: ¥60 of tea and ¥40 of cups earn 160; the tea sent back leaves 40."""
    lines = (
        Line(line_id="1", paid_fen=6_000, category="tea"),
        Line(line_id="2", paid_fen=4_000, category="cups"),
    )
    tea = rules.Campaign("tea", "2", scope=rules.Scope(categories=["tea"]))
    loyalty = Loyalty(points_program(campaigns=[tea]), storage, clock=clock)
    bought = order(1, lines=lines)
    [result] = convert(loyalty, "m1", bought)
    assert result.points == 160
    assert "积分：60.00元 × 1 × 2（tea） + 40.00元 × 1，向下取整，得160。" in result.explain("zh")
    loyalty.ingest([refund(bought, 6_000, line_id="1")])
    assert loyalty.member("m1").points == 40
    assert_sound(loyalty)


def test_a_campaign_names_the_rewards_it_multiplies(storage: Storage, clock: Clock) -> None:
    """Growth is multiplied only by who names it; fixed points too, rounded down."""
    program = points_program(
        rules.PointsPerYuan("1"),
        rules.PointsFixed(5),
        rules.GrowthPerYuan("1"),
        campaigns=[
            rules.Campaign("a", "2", rewards=["growth"]),
            rules.Campaign("b", "1.5", rewards=["points:fixed"]),
        ],
    )
    loyalty = Loyalty(program, storage, clock=clock)
    [result] = convert(loyalty, "m1", order(1))
    given = {granted.rule_id: granted.amount for granted in result.granted}
    assert given == {"points": 100, "points:fixed": 7, "growth": 200}


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"campaigns": [rules.Campaign("a", "2"), rules.Campaign("a", "3")]}, ConfigError, "share an id"),
        ({"thresholds": [rules.Threshold(1, "2"), rules.Threshold(1, "3")]}, ConfigError, "same amount"),
        ({"campaigns": [rules.Campaign("a", "2", rewards=["nothing"])]}, ConfigError, "no reward has this id"),
        ({"thresholds": [rules.Threshold(1, "2", rewards=["coupon:A"])]}, ConfigError, "all or nothing"),
        ({"thresholds": [rules.Threshold(1, "2", rewards=["gift"])]}, ConfigError, "all or nothing"),
        (
            {"campaigns": [rules.Campaign("a", "2", rewards=["each"], scope=rules.Scope(products=["x"]))]},
            ConfigError,
            "looks at whole orders",
        ),
    ],
)
def test_multipliers_that_contradict_are_refused(settings: Any, error: type[Exception], words: str) -> None:
    """A program says at once what cannot be meant."""
    rewards = [
        rules.Coupon("A", id="coupon:A"),
        rules.PointsFixed(5, id="gift", once_per="member"),
        rules.PointsFixed(5, id="each"),
    ]
    with pytest.raises(error, match=words):
        points_program(*rewards, **settings)


def test_windows_that_cannot_be_are_refused() -> None:
    """A campaign ends behind its beginning; a threshold has an amount; days name one; weekdays are 1 to 7."""
    with pytest.raises(InvalidInput, match="ends before it begins"):
        rules.Campaign("a", "2", from_at=day(2), until_at=day(2))
    with pytest.raises(InvalidInput, match="above 0"):
        rules.Threshold(0, "2")
    with pytest.raises(ConfigError, match="at least one"):
        rules.Days()
    with pytest.raises(InvalidInput, match="weekdays lie between 1 and 7"):
        rules.Days(weekdays=[0])
    with pytest.raises(InvalidInput, match="written like 2026-11-11"):
        rules.Days(dates=["11-11"])
    with pytest.raises(ConfigError, match="use a Threshold"):
        rules.Campaign("a", "2", scope=rules.Scope(minimum_fen=1))
