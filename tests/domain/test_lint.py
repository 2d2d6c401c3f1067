"""What looks wrong in a program: each code once found, once not."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import attrs
import pytest
from any_program import programs
from builders import day, points_program
from hypothesis import given

from crossloyalty import LintCode, Program, rules
from crossloyalty.errors import InvalidInput, WrongType

HELD = rules.PointsPerYuan("1", issue_after_days=7)
TEA = rules.Rate("2", rules.Scope(categories=["tea"]))
SOUND = Program(program_id="p", rewards=[HELD])


def tiers(*multipliers: str, **settings: Any) -> rules.SpendTiers:
    levels = [rules.Level(f"t{n}", n * 1_000, each) for n, each in enumerate(multipliers)]
    return rules.SpendTiers(levels, **settings)


# Each with a program in which it is found, and where; the second program is as close as can be and sound.
CASES: dict[LintCode, tuple[Program, str, Program]] = {
    LintCode.ORDER_NO_ONLY: (attrs.evolve(SOUND, ownership="order-no-only"), "ownership", SOUND),
    LintCode.NOTHING_IS_CONVERTED: (
        attrs.evolve(SOUND, eligibility=rules.Finished(kinds=())),
        "eligibility.kinds",
        attrs.evolve(SOUND, eligibility=rules.Finished(kinds=("PRESALE",))),
    ),
    LintCode.UNKNOWN_PLATFORM: (
        attrs.evolve(SOUND, eligibility=rules.Finished(statuses={"taobo": ["FINISHED"]})),
        "eligibility.statuses.taobo",
        attrs.evolve(SOUND, eligibility=rules.Finished(statuses={"taobao": ["FINISHED"], "*": ["FINISHED"]})),
    ),
    LintCode.EARNS_BEFORE_FINISH: (
        attrs.evolve(
            SOUND, eligibility=rules.Finished(statuses={"jd": ["PAID", "FINISHED"]}), rewards=[rules.GrowthPerYuan("1")]
        ),
        "eligibility.statuses.jd",
        attrs.evolve(SOUND, eligibility=rules.Finished(statuses={"jd": ["PAID", "FINISHED"]})),
    ),
    LintCode.CLAIM_WINDOW_SHORT: (
        attrs.evolve(SOUND, eligibility=rules.Finished(within_days=6)),
        "eligibility.within_days",
        attrs.evolve(SOUND, eligibility=rules.Finished(within_days=7)),
    ),
    LintCode.HOLD_SHORTER_THAN_REFUND_WINDOW: (
        attrs.evolve(SOUND, rewards=[HELD, rules.StoredValuePercent("1", issue_after_days=6)]),
        "rewards[1].issue_after_days",
        attrs.evolve(SOUND, rewards=[HELD, rules.GrowthPerYuan("1")]),
    ),
    LintCode.GIVES_NOTHING: (
        attrs.evolve(SOUND, rewards=[rules.PerStep(10_001, 5, issue_after_days=7)]),
        "rewards[0].every_fen",
        attrs.evolve(SOUND, rewards=[rules.PerStep(10_000, 5, issue_after_days=7)]),
    ),
    LintCode.GIVES_MORE_THAN_PAID: (
        attrs.evolve(SOUND, rewards=[rules.StoredValuePercent("100", issue_after_days=7)]),
        "rewards[0].rate",
        attrs.evolve(SOUND, rewards=[rules.StoredValuePercent("99", issue_after_days=7)]),
    ),
    LintCode.TIERS_NOT_MONOTONIC: (
        attrs.evolve(SOUND, tiers=tiers("1", "1.5", "1.2")),
        "tiers.levels[2].points_multiplier",
        attrs.evolve(SOUND, tiers=tiers("1", "1.5", "1.5")),
    ),
    LintCode.MULTIPLIER_WITHOUT_POINTS: (
        attrs.evolve(SOUND, rewards=[rules.GrowthPerYuan("1")], tiers=tiers("1", "2")),
        "tiers.levels[1].points_multiplier",
        attrs.evolve(SOUND, tiers=tiers("1", "2")),
    ),
    LintCode.PERIOD_SHORTER_THAN_WINDOW: (
        attrs.evolve(SOUND, tiers=tiers("1", window_days=365, period_days=364)),
        "tiers.period_days",
        attrs.evolve(SOUND, tiers=tiers("1", window_days=365, period_days=365)),
    ),
    LintCode.UNKNOWN_TIER: (
        attrs.evolve(SOUND, rewards=[attrs.evolve(HELD, scope=rules.Scope(tiers=["t1"]))]),
        "rewards[0].scope.tiers[0]",
        attrs.evolve(SOUND, rewards=[attrs.evolve(HELD, scope=rules.Scope(tiers=["t1"]))], tiers=tiers("1", "1")),
    ),
    LintCode.NEVER_REACHED: (
        attrs.evolve(SOUND, rewards=[attrs.evolve(HELD, rates=[rules.Rate("2", rules.Scope()), TEA])]),
        "rewards[0].rates[1]",
        attrs.evolve(SOUND, rewards=[attrs.evolve(HELD, rates=[TEA, rules.Rate("2", rules.Scope())])]),
    ),
    LintCode.NEVER_RUNS: (
        attrs.evolve(SOUND, campaigns=[rules.Campaign("c", "2", until_at=day(1))], starts_at=day(1)),
        "campaigns[0]",
        attrs.evolve(SOUND, campaigns=[rules.Campaign("c", "2", until_at=day(2))], starts_at=day(1)),
    ),
    LintCode.EXPIRES_BEFORE_ISSUE: (
        attrs.evolve(SOUND, rewards=[rules.PointsFixed(1, issue_on="2026-12-02", expires_on="2026-12-01")]),
        "rewards[0].expires_on",
        attrs.evolve(SOUND, rewards=[rules.PointsFixed(1, issue_on="2026-12-01", expires_on="2026-12-01")]),
    ),
    LintCode.COUPON_ENDS_BEFORE_CAMPAIGN: (
        attrs.evolve(
            SOUND,
            rewards=[HELD, rules.Coupon("A", issue_on="2026-11-09", expires_on="2026-11-10")],
            campaigns=[rules.Campaign("11.11", "2", until_at=day(12, 0))],
        ),
        "rewards[1].expires_on",
        attrs.evolve(
            SOUND,
            rewards=[HELD, rules.Coupon("A", issue_on="2026-11-09", expires_on="2026-11-11")],
            campaigns=[rules.Campaign("11.11", "2", until_at=day(12, 0))],
        ),
    ),
    LintCode.CAP_CUTS_LATER_LINES: (
        attrs.evolve(SOUND, caps=[rules.Cap("daily", 300, per="day", asset="points")]),
        "caps[0]",
        attrs.evolve(
            SOUND,
            rewards=[attrs.evolve(HELD, settle="all")],
            caps=[rules.Cap("daily", 300, per="day", asset="points")],
        ),
    ),
    LintCode.MULTIPLIES_BY_LESS: (
        attrs.evolve(SOUND, thresholds=[rules.Threshold(1, "2"), rules.Threshold(2, "0.9")]),
        "thresholds[1].multiplier",
        attrs.evolve(SOUND, thresholds=[rules.Threshold(1, "1")]),
    ),
}


@pytest.mark.parametrize("code", LintCode, ids=lambda code: code.value)
def test_each_code_is_found_where_it_is_and_nowhere_else(code: LintCode) -> None:
    """The suspicious program has this finding alone, at its place; the sound one beside it has none at all."""
    wrong, path, sound = CASES[code]
    assert [(each.code, each.path) for each in wrong.lint()] == [(code, path)]
    assert sound.lint() == ()


def test_the_thresholds_are_the_callers() -> None:
    """What an ordinary order is, and how long goods come back, is the merchant's to say."""
    step = attrs.evolve(SOUND, rewards=[rules.PerStep(10_001, 5, issue_after_days=7)])
    assert step.lint(typical_order_fen=20_000) == ()
    assert [each.path for each in SOUND.lint(refund_window_days=15)] == ["rewards[0].issue_after_days"]
    assert points_program(rules.PointsPerYuan("1")).lint(refund_window_days=0, typical_order_fen=0) == ()


@pytest.mark.parametrize("bad", [-1, 1.0, "7", None, True])
def test_bad_thresholds_are_refused(bad: Any) -> None:
    """An amount or a number of days is a whole number of 0 or more."""
    for name in ("typical_order_fen", "refund_window_days"):
        with pytest.raises((InvalidInput, WrongType), match=name):
            SOUND.lint(**{name: bad})


@given(programs)
def test_any_program_is_looked_at(program: Program) -> None:
    """Whatever the constructor accepts: findings name places of the document and speak both languages."""
    document = json.loads(program.to_json())
    for finding in program.lint():
        assert re.search("[\u4e00-\u9fff]", finding.sentence("zh"))
        assert finding.sentence("en").replace("店铺", "").isascii() or program.tiers is not None
        place = document
        for step in re.findall(r"\w+|\*", re.sub(r"\.statuses\.(.*)$", r".statuses", finding.path)):
            place = place[int(step)] if step.isdigit() else place[step]


def test_the_page_lists_every_code() -> None:
    """docs/reference/lint.md names every code, in their order."""
    page = Path(__file__).resolve().parents[2] / "docs" / "reference" / "lint.md"
    named = re.findall(r"^\| `([A-Z_]+)` \|", page.read_text("utf-8"), re.M)
    assert named == [code.value for code in LintCode]


def test_limits_that_never_apply_are_found_wherever_they_stand() -> None:
    """A platform, a shop or a tier nobody has is found in rewards, rates and campaigns; dates outside a window too."""
    nowhere = rules.Scope(platforms=["taobo"], shops=["s2"])
    found = Program(
        program_id="p",
        eligibility=rules.Finished(shops=["s1"]),
        rewards=[attrs.evolve(HELD, rates=[rules.Rate("2", nowhere)])],
        campaigns=[
            rules.Campaign("a", "2", scope=nowhere),
            rules.Campaign("b", "2", from_at=day(12), days=rules.Days(dates=["2026-11-11"])),
            rules.Campaign("c", "2", from_at=day(11, 23), days=rules.Days(dates=["2026-11-11"])),
        ],
    ).lint()
    assert [(finding.code.value, finding.path) for finding in found] == [
        ("UNKNOWN_PLATFORM", "rewards[0].rates[0].scope.platforms[0]"),
        ("NEVER_REACHED", "rewards[0].rates[0].scope.shops"),
        ("UNKNOWN_PLATFORM", "campaigns[0].scope.platforms[0]"),
        ("NEVER_REACHED", "campaigns[0].scope.shops"),
        ("NEVER_RUNS", "campaigns[1]"),
    ]


def test_books_and_losses_nothing_feeds_are_found() -> None:
    """An external book of points and a loss of growth value, where rules give only bonus money; a gift feeds either."""
    lonely = {
        "rewards": [rules.StoredValuePercent("1", issue_after_days=15)],
        "external_books": [rules.ExternalBook("points")],
        "inactivity": rules.Inactivity(idle_days=90, growth=1),
    }
    found = [each for each in Program(program_id="p", **lonely).lint() if each.code is LintCode.NEVER_REACHED]
    assert [each.path for each in found] == ["external_books[0]", "inactivity"]
    fed = {
        "enrol_gifts": [rules.EnrolGift("g", rules.PointsFixed(1))],
        "actions": [rules.Action("a", "a", rules.GrowthFixed(1))],
    }
    codes = {each.code for each in Program(program_id="p", **lonely, **fed).lint()}
    assert LintCode.NEVER_REACHED not in codes
