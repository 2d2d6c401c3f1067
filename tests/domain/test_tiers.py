"""Qualifications, each with its own day: crossing, losing, giving back, reviewing."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossloyalty import rules
from crossloyalty.domain.calendar import shift_day
from crossloyalty.domain.tiers import (
    Qualification,
    dump_qualifications,
    load_qualifications,
    next_due_day,
    retier,
    review,
)

TIERS = rules.SpendTiers({"普通": 0, "白银": 200, "黄金": 500}, window_days=60, period_days=365)
LIFETIME = rules.SpendTiers({"普通": 0, "白银": 200})


def _window(days: dict[str, int], length: int | None = 60) -> Callable[[str], int]:
    def spend(last: str) -> int:
        first = "" if length is None else shift_day(last, 1 - length)
        return sum(amount for day, amount in days.items() if first <= day <= last)

    return spend


def test_crossing_two_lines_keeps_both() -> None:
    """An order that crosses two lines qualifies for both on its day."""
    kept: list[Qualification] = []
    assert retier(TIERS, kept, today="2026-01-10", window_spend=_window({"2026-01-10": 600}), fell=False) == (
        "黄金",
        "2026-01-10",
    )
    assert kept == [["白银", "2026-01-10", True], ["黄金", "2026-01-10", True]]


def test_a_held_tier_is_not_qualified_for_again() -> None:
    """More spend at the same level moves neither tier nor day."""
    days = {"2026-01-10": 250}
    kept: list[Qualification] = []
    retier(TIERS, kept, today="2026-01-10", window_spend=_window(days), fell=False)
    days["2026-02-01"] = 100
    assert retier(TIERS, kept, today="2026-02-01", window_spend=_window(days), fell=False) == ("白银", "2026-01-10")


def test_decay_alone_takes_nothing() -> None:
    """When the window has moved on, a settlement that lowers nothing leaves the tier."""
    days = {"2026-01-10": 250, "2026-06-01": 1}
    kept: list[Qualification] = [["白银", "2026-01-10", True]]
    assert retier(TIERS, kept, today="2026-06-01", window_spend=_window(days), fell=False) == ("白银", "2026-01-10")


@pytest.mark.parametrize(("left", "tier"), [(200, "白银"), (199, "普通")])
def test_a_fall_is_judged_as_of_the_qualifying_day(left: int, tier: str) -> None:
    """After a refund the window as of the qualifying day decides, to the fen."""
    kept: list[Qualification] = [["白银", "2026-01-10", True]]
    name, _ = retier(TIERS, kept, today="2026-06-01", window_spend=_window({"2026-01-10": left}), fell=True)
    assert name == tier


def test_a_lost_tier_comes_back_with_its_own_day() -> None:
    """When the spend of the qualifying day rises again, the old qualification holds again."""
    kept: list[Qualification] = [["白银", "2026-01-10", True]]
    retier(TIERS, kept, today="2026-02-01", window_spend=_window({"2026-01-10": 100}), fell=True)
    assert kept == [["白银", "2026-01-10", False]]
    assert retier(TIERS, kept, today="2026-02-02", window_spend=_window({"2026-01-10": 250}), fell=False) == (
        "白银",
        "2026-01-10",
    )


def test_todays_window_may_hold_what_the_old_day_lost() -> None:
    """A refund of the old order leaves the tier to whoever has enough in today's window, from today."""
    kept: list[Qualification] = [["白银", "2026-01-10", True]]
    assert retier(TIERS, kept, today="2026-03-20", window_spend=_window({"2026-03-01": 200}), fell=True) == (
        "白银",
        "2026-03-20",
    )


def test_losing_the_upper_line_leaves_the_lower() -> None:
    """Each line has its own qualification."""
    kept: list[Qualification] = [["白银", "2026-01-10", True], ["黄金", "2026-01-10", True]]
    assert retier(TIERS, kept, today="2026-01-11", window_spend=_window({"2026-01-10": 499}), fell=True) == (
        "白银",
        "2026-01-10",
    )


@pytest.mark.parametrize(
    ("today", "days", "after"),
    [
        ("2027-01-09", {}, ("白银", "2026-01-10")),
        ("2027-01-10", {}, ("普通", "")),
        ("2027-01-10", {"2026-11-12": 200}, ("白银", "2027-01-10")),
        ("2027-01-10", {"2026-11-11": 200}, ("普通", "")),
        ("2027-01-10", {"2026-12-01": 500}, ("白银", "2027-01-10")),
        ("2028-01-10", {"2026-12-01": 200}, ("普通", "")),
    ],
)
def test_reviews(today: str, days: dict[str, int], after: tuple[str, str]) -> None:
    """A period ends 365 days behind its day; the window of 60 days as of then renews it or lets it fall."""
    kept: list[Qualification] = [["白银", "2026-01-10", True]]
    assert review(TIERS, kept, today=today, window_spend=_window({"2026-01-10": 200, **days})) == after


def test_a_fall_by_review_may_end_one_level_lower() -> None:
    """A review that does not renew keeps what the window as of that day reaches."""
    kept: list[Qualification] = [["黄金", "2026-01-10", True]]
    assert review(TIERS, kept, today="2027-01-10", window_spend=_window({"2027-01-01": 300})) == ("白银", "2027-01-10")


def test_lifetime_tiers_are_never_reviewed() -> None:
    """Without a window nothing ends."""
    kept: list[Qualification] = [["白银", "2026-01-10", True]]
    assert review(LIFETIME, kept, today="2099-01-01", window_spend=_window({"2026-01-10": 200}, None)) == (
        "白银",
        "2026-01-10",
    )
    assert next_due_day(LIFETIME, kept, today="2026-01-10") is None


def test_the_next_review_is_that_of_the_earliest_day() -> None:
    """The first period to end is looked at first."""
    kept: list[Qualification] = [["黄金", "2026-03-01", True], ["白银", "2026-01-10", True]]
    assert next_due_day(TIERS, kept, today="2026-01-10") == "2027-01-10"
    assert next_due_day(TIERS, [], today="2026-01-10") is None


spends = st.dictionaries(st.integers(0, 120).map(lambda n: shift_day("2026-01-01", n)), st.integers(0, 400), max_size=8)


@given(spends)
def test_tiers_follow_the_spend_as_it_comes(days: dict[str, int]) -> None:
    """Settled day by day, the tier is the highest line any day's window has reached, for no period has ended yet."""
    kept: list[Qualification] = []
    seen: dict[str, int] = {}
    best = 0
    name = "普通"
    for day in sorted(days):
        seen[day] = days[day]
        name, _ = retier(TIERS, kept, today=day, window_spend=_window(seen), fell=False)
        best = max(best, TIERS.reached(_window(seen)(day)).from_fen)
    assert TIERS.level(name).from_fen == best


@given(spends, st.data())
def test_taking_all_back_leaves_the_lowest_tier(days: dict[str, int], data: st.DataObject) -> None:
    """After every order was refunded nothing is held; kept qualifications survive being stored."""
    kept: list[Qualification] = []
    for day in sorted(days):
        retier(TIERS, kept, today=day, window_spend=_window(days), fell=False)
    kept = load_qualifications(dump_qualifications(kept))
    today = data.draw(st.sampled_from(sorted(days))) if days else "2026-01-01"
    assert retier(TIERS, kept, today=today, window_spend=lambda _: 0, fell=True) == ("普通", "")
