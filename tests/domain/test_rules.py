"""The merchant's rules: what they take, what they give."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossloyalty import rules
from crossloyalty.errors import InvalidInput, WrongType

REWARDS = [
    rules.PointsPerYuan("1"),
    rules.GrowthPerYuan("1"),
    rules.StoredValuePercent("1"),
    rules.PerStep(every_fen=100, points=1),
    rules.PointsFixed(points=1),
    rules.Coupon("X"),
]


@pytest.mark.parametrize(
    ("rate", "net_fen", "points"),
    [
        ("1", 99, 0),
        ("1", 100, 1),
        ("1", 12_345, 123),
        ("0.1", 999, 0),
        ("0.1", 1_000, 1),
        ("1/3", 300, 1),
        ("1.5", 200, 3),
    ],
)
def test_points_per_yuan(rate: str, net_fen: int, points: int) -> None:
    """Points are the net in yuan times the rate, rounded down once."""
    assert rules.PointsPerYuan(rate).amount(net_fen) == points


def test_multipliers_are_exact() -> None:
    """A multiplier is a fraction and rounded with the rest: 3.33 × 3 is 9.99, not 3 × 3."""
    assert rules.PointsPerYuan("1").amount(333, 3, 1) == 9
    assert rules.PointsPerYuan("1").amount(100_000, 3, 2) == 1_500
    assert rules.PerStep(every_fen=250, points=5).amount(300, 3, 2) == 7


@pytest.mark.parametrize(
    ("percent", "net_fen", "fen"), [("1", 99, 0), ("1", 100, 1), ("2.5", 10_000, 250), ("100", 1, 1)]
)
def test_stored_value_percent(percent: str, net_fen: int, fen: int) -> None:
    """Bonus money is a percentage of the net, in fen."""
    assert rules.StoredValuePercent(percent).amount(net_fen) == fen


@pytest.mark.parametrize(("net_fen", "coupons"), [(0, 0), (1, 0), (999, 0), (1_000, 1), (99_999, 1)])
def test_coupons_are_all_or_nothing(net_fen: int, coupons: int) -> None:
    """One coupon from its minimum on, never two."""
    assert rules.Coupon("X", minimum_fen=1_000).amount(net_fen) == coupons


def test_nothing_gives_nothing() -> None:
    """No reward gives anything for a net of 0."""
    assert [reward.amount(0) for reward in REWARDS] == [0] * len(REWARDS)


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_more_net_never_gives_less(a: int, b: int) -> None:
    """Every reward grows with the net, so a refund never earns anything."""
    low, high = sorted((a, b))
    assert all(reward.amount(low) <= reward.amount(high) for reward in REWARDS)


@pytest.mark.parametrize("rate", ["0", "-1", "1e3", "", "a", "1 %", 0, -1, Fraction(0), Decimal("NaN")])
def test_rates_are_more_than_nothing(rate: object) -> None:
    """A rate of 0 or less, or one that is no number, is refused."""
    with pytest.raises(InvalidInput):
        rules.PointsPerYuan(rate)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rate", "text"), [(2, "2"), (Fraction(1, 3), "1/3"), (Decimal("1.50"), "3/2"), ("1.50", "1.50")]
)
def test_rates_are_kept_as_text(rate: object, text: str) -> None:
    """A rate is stored as the exact text of its number."""
    assert rules.PointsPerYuan(rate).rate == text  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "settings",
    [
        {"issue_after_days": -1},
        {"issue_after_days": 3661},
        {"issue_after_days": 1.0},
        {"issue_after_days": True},
        {"expires_months": 0},
        {"expires_months": 1201},
        {"settle": "sometimes"},
        {"rounding": "bankers"},
        {"id": "a b"},
        {"id": "x" * 65},
        {"id": 7},
    ],
)
def test_settings_are_checked(settings: dict[str, object]) -> None:
    """Values out of range are refused when the rule is made; the error names the field."""
    with pytest.raises((InvalidInput, TypeError)) as caught:
        rules.PointsPerYuan("1", **settings)  # type: ignore[arg-type]
    assert next(iter(settings)) in str(caught.value)


@pytest.mark.parametrize("field", ["every_fen", "points"])
@pytest.mark.parametrize("value", [0, -1, 1.0, True])
def test_steps_are_checked(field: str, value: object) -> None:
    """A step of nothing, or worth nothing, is refused."""
    with pytest.raises(InvalidInput):
        rules.PerStep(**{"every_fen": 100, "points": 1, field: value})  # type: ignore[arg-type]


def test_default_ids() -> None:
    """Rules have ids of their own, coupons one per code; a given id is kept."""
    assert [reward.id for reward in REWARDS] == [
        "points",
        "growth",
        "stored_value",
        "points:step",
        "points:fixed",
        "coupon:X",
    ]
    assert rules.PointsPerYuan("1", id="base").id == "base"


@pytest.mark.parametrize("code", ["", "a b", "券", "x" * 65])
def test_coupon_codes_are_plain(code: str) -> None:
    """A code is a short ASCII word, because it is part of keys."""
    with pytest.raises(InvalidInput):
        rules.Coupon(code)


@pytest.mark.parametrize(
    "settings",
    [
        {"within_days": -1},
        {"within_days": 36_601},
        {"minimum_fen": -1},
        {"minimum_fen": 1.5},
        {"kinds": ("WHATEVER",)},
        {"kinds": "NORMAL"},
        {"shops": [1]},
        {"statuses": {"jd": ("CLOSED",)}},
        {"statuses": {"jd": ("UNPAID",)}},
        {"statuses": {"jd": ("DONE",)}},
        {"future_tolerance_minutes": 1441},
    ],
)
def test_eligibility_is_checked(settings: dict[str, object]) -> None:
    """Windows, minimum, kinds, shops and statuses out of range are refused."""
    with pytest.raises(InvalidInput):
        rules.Finished(**settings)  # type: ignore[arg-type]


def test_claimable_statuses() -> None:
    """A platform's own statuses, then those of the star, then finished."""
    eligibility = rules.Finished(statuses={"jd": ("SIGNED",), "*": ("PAID",)})
    assert [eligibility.claimable(name) for name in ("jd", "douyin")] == [("SIGNED",), ("PAID",)]
    assert rules.Finished().claimable("jd") == ("FINISHED",)


@pytest.mark.parametrize(
    "levels",
    [
        {},
        {"普通": 1},
        {"普通": 0, "白银": 0},
        {"普通": 0, "": 1},
        {"普通": 0, " 白银": 1},
        {"普通": 0, "白" * 41: 1},
        [rules.Level("a", 0), rules.Level("a", 1)],
        {"普通": 0, "白银": 1.0},
        {"普通": 0, "白银": -1},
    ],
)
def test_levels_are_checked(levels: object) -> None:
    """The lowest tier begins at 0, lines and names are unique, names are readable."""
    with pytest.raises(InvalidInput):
        rules.SpendTiers(levels)  # type: ignore[arg-type]


def test_levels_are_sorted_and_reached_on_their_line() -> None:
    """Levels may come in any order; one fen short of a line is short of it."""
    tiers = rules.SpendTiers({"黄金": 500_000, "普通": 0, "白银": 200_000})
    assert [level.name for level in tiers.levels] == ["普通", "白银", "黄金"]
    reached = [tiers.reached(spend).name for spend in (0, 199_999, 200_000, 499_999, 500_000, 10**12)]
    assert reached == ["普通", "普通", "白银", "白银", "黄金", "黄金"]
    assert tiers.level("gone").name == "普通"


@pytest.mark.parametrize(
    ("window_days", "period_days", "lasts"), [(None, None, None), (365, None, 365), (60, 365, 365), (None, 30, None)]
)
def test_how_long_a_tier_lasts(window_days: int | None, period_days: int | None, lasts: int | None) -> None:
    """A period is the window unless it is set; lifetime tiers last for ever."""
    tiers = rules.SpendTiers({"普通": 0}, window_days=window_days, period_days=period_days)
    assert tiers.lasts_days == lasts


def test_multiplier_of_a_level() -> None:
    """A level's multiplier is an exact fraction."""
    assert rules.Level("x", 0, "1.5").multiplier == (3, 2)
    assert rules.Level("x", 0).multiplier == (1, 1)
    with pytest.raises(WrongType):
        rules.Level("x", 0, 1.5)  # type: ignore[arg-type]


def test_shortfall_policies_are_named() -> None:
    """debt, waive and pending_only, nothing else."""
    with pytest.raises(InvalidInput):
        rules.ClawBack(shortfall="forget")  # type: ignore[arg-type]
