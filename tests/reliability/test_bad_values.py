"""Input that bends, lies or explodes in values: orders, refunds, proofs, rules, programs and platforms."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from bad_values import BAD_TEXTS, NOT_A_FEN, NOT_A_TIME, WRONG_TYPES, Unrepresentable, each, refusals, without
from builders import NOW, order, refund
from harness import FIRST, LATER, program

from crossloyalty import (
    Line,
    Milestone,
    OpeningBalance,
    OpeningGift,
    OpeningSpend,
    OpeningTier,
    Order,
    Platform,
    Program,
    Proof,
    rules,
)
from crossloyalty.errors import CrossloyaltyError, InvalidInput, WrongType

Call = Callable[[Any], object]


# -- money and time --------------------------------------------------------------------------------------------------

FEN_CALLS: dict[str, Call] = {
    **{
        f"Order {name}": lambda bad, name=name: order(1, **{name: bad})
        for name in ("shipping_fen", "subsidy_fen", "own_value_fen", "refunded_fen")
    },
    "Order paid_fen": lambda bad: order(1, paid_fen=bad),
    "Line paid_fen": lambda bad: Line(line_id="l", paid_fen=bad),
    "Line refunded_fen": lambda bad: Line(line_id="l", refunded_fen=bad),
    "Refund amount_fen": lambda bad: refund(FIRST, bad),
    "Refund goods_fen": lambda bad: refund(FIRST, 1, goods_fen=bad),
    "Refund shipping_fen": lambda bad: refund(FIRST, 1, shipping_fen=bad),
    "Refund subsidy_fen": lambda bad: refund(FIRST, 1, subsidy_fen=bad),
    "Proof.amount_and_day paid_fen": lambda bad: Proof.amount_and_day(paid_fen=bad, paid_on=date(2026, 11, 1)),
    "Proof paid_fen": lambda bad: Proof("amount_and_day", bad, date(2026, 11, 1)),
    "Finished minimum_fen": lambda bad: rules.Finished(minimum_fen=bad),
    "Coupon minimum_fen": lambda bad: rules.Coupon("C", minimum_fen=bad),
    "Level from_fen": lambda bad: rules.Level("gold", bad),
    "PerStep every_fen": lambda bad: rules.PerStep(bad, 1),
    "SpendTiers line": lambda bad: rules.SpendTiers({"low": 0, "high": bad}),
}


@each(FEN_CALLS)
def test_money_is_a_plain_integer(case: Call) -> None:
    """Every amount is a plain integer of fen in range; nothing is rounded, parsed or cut to fit."""
    refusals(case, NOT_A_FEN, InvalidInput)


TIME_CALLS: dict[str, Call] = {
    **{
        f"Order {name}": lambda bad, name=name: order(1, **{name: bad})
        for name in ("created_at", "paid_at", "finished_at", "modified_at")
    },
    "Line finished_at": lambda bad: Line(line_id="l", finished_at=bad),
    "Refund modified_at": lambda bad: refund(FIRST, 1, modified_at=bad),
    "Program starts_at": lambda bad: program(starts_at=bad),
}


@each(TIME_CALLS)
def test_a_time_is_aware_and_of_this_age(case: Call) -> None:
    """Every time is an aware datetime of a year in which somebody could have ordered something."""
    refusals(case, NOT_A_TIME, InvalidInput)


def test_the_day_of_a_proof_is_a_date() -> None:
    """The day of payment in a proof is a date, not a moment of one."""
    moments = without(NOT_A_TIME, "date") | {"None": None, "a moment": LATER}
    refusals(lambda bad: Proof.amount_and_day(paid_fen=1, paid_on=bad), moments, WrongType)


PROOFS: dict[str, Any] = {
    "unknown kind": lambda: Proof("trust-me"),
    "kind of a wrong type": lambda: Proof(7),
    "evidence of a wrong type": lambda: Proof("by_host", evidence=7),
    "evidence that no database keeps": lambda: Proof("by_host", evidence="\ud800"),
    "empty evidence": lambda: Proof.by_host(""),
    "unrepresentable evidence": lambda: Proof.by_host(Unrepresentable()),
}


def test_a_proof_is_of_a_known_kind() -> None:
    """A proof made by hand is checked like one from the named constructors."""
    refusals(lambda make: make(), PROOFS, InvalidInput)


# -- facts -----------------------------------------------------------------------------------------------------------

ORDER_TEXTS = ("platform", "shop_id", "buyer_id", "buyer_scope", "beneficiary_id", "currency")
FACT_CALLS: dict[str, Call] = {
    **{
        f"Order {name}": lambda bad, name=name: Order(**{"platform": "jd", "order_no": "1", name: bad})
        for name in ORDER_TEXTS
    },
    **{
        f"Line {name}": lambda bad, name=name: Line(**{"line_id": "l", name: bad})
        for name in ("line_id", "product_id", "category")
    },
    **{f"Refund {name}": lambda bad, name=name: refund(FIRST, 1, **{name: bad}) for name in ("refund_id", "line_id")},
}


@each(FACT_CALLS)
def test_a_text_of_an_order_is_clean(case: Call) -> None:
    """Every text of an order, a line or a refund refuses other types and texts no database keeps."""
    refusals(case, without(WRONG_TYPES, "None") | BAD_TEXTS, InvalidInput)


ENUM_CALLS: dict[str, Call] = {
    "Order status": lambda bad: order(1, status=bad),
    "Order kind": lambda bad: order(1, kind=bad),
    "Order source": lambda bad: order(1, source=bad),
    "Order lines": lambda bad: order(1, lines=bad),
    "Order refund_open": lambda bad: order(1, refund_open=bad),
    "Line status": lambda bad: Line(line_id="l", status=bad),
    "Line is_free_gift": lambda bad: Line(line_id="l", is_free_gift=bad),
    "Line quantity": lambda bad: Line(line_id="l", quantity=bad),
    "Refund status": lambda bad: refund(FIRST, 1, status=bad),
    "Refund source": lambda bad: refund(FIRST, 1, source=bad),
}


@each(ENUM_CALLS)
def test_a_choice_is_one_of_its_enum(case: Call) -> None:
    """Statuses, kinds, flags, lines and quantities take their own type only, not something that looks like it."""
    refusals(case, without(WRONG_TYPES, "None", "True", "int") | {"its name": "FINISHED", "-1": -1}, InvalidInput)


def test_an_order_and_a_refund_contradict_themselves_not() -> None:
    """Two lines of one id are one line with twice the money; parts above a refund's amount say two things at once."""
    twice = (Line(line_id="l", paid_fen=1), Line(line_id="l", paid_fen=1))
    refusals(lambda bad: order(1, lines=bad), {"two lines of one id": twice}, InvalidInput)
    refusals(lambda bad: refund(FIRST, 100, goods_fen=60, shipping_fen=bad), {"one fen more": 41}, InvalidInput)


# -- rules -----------------------------------------------------------------------------------------------------------

RATES: dict[str, Any] = {name: bad for name, bad in WRONG_TYPES.items() if name not in ("int", "Decimal")} | {
    "0": "0",
    "minus": "-1",
    "full-width": "１",
    "Arabic": "٣",
    "underscore": "1_000",
    "exponent": "1e3",
    "blank at the end": "1 ",
    "newline at the end": "1\n",
    "NaN text": "NaN",
    "over zero": "1/0",
    "5,000 digits": "9" * 5_000,
    "too fine": Fraction(1, 10**16),
    "too large": 10**16,
    "tiny Decimal": Decimal("1E-1000000"),
}
RATE_CALLS: dict[str, Call] = {
    "points": rules.PointsPerYuan,
    "growth": rules.GrowthPerYuan,
    "stored value": rules.StoredValuePercent,
    "multiplier": lambda bad: rules.Level("gold", 0, bad),
}


@each(RATE_CALLS)
def test_a_rate_is_exact(case: Call) -> None:
    """A rate is text like "1.5" or "1/3" or an exact number above 0; what int() or float() would take is not enough."""
    refusals(case, RATES, InvalidInput)


RULE_CALLS: dict[str, Call] = {
    "Program timezone": lambda bad: program(timezone=bad),
    "Program eligibility": lambda bad: program(eligibility=bad),
    "Program ownership": lambda bad: program(ownership=bad),
    "Program rewards": lambda bad: program(rewards=bad),
    "Program reward": lambda bad: program(rewards=[bad]),
    "Program tiers": lambda bad: program(tiers=bad),
    "Program source_tags": lambda bad: program(source_tags=bad),
    "Program on_refund": lambda bad: program(on_refund=bad),
    "Program ticket_days": lambda bad: program(ticket_days=bad),
    "Program backfill_orders": lambda bad: program(backfill_orders=bad),
    "Program platforms": lambda bad: program(platforms=bad),
    "Program platform": lambda bad: program(platforms=[bad]),
    "Finished within_days": lambda bad: rules.Finished(within_days=bad),
    "Finished statuses": lambda bad: rules.Finished(statuses=bad),
    "Finished status names": lambda bad: rules.Finished(statuses={"jd": bad}),
    "Finished status name": lambda bad: rules.Finished(statuses={"jd": [bad]}),
    "Finished status platform": lambda bad: rules.Finished(statuses=[(bad, ["PAID"])]),
    "Finished kinds": lambda bad: rules.Finished(kinds=bad),
    "Finished kind": lambda bad: rules.Finished(kinds=[bad]),
    "Finished shops": lambda bad: rules.Finished(shops=bad),
    "Finished shop": lambda bad: rules.Finished(shops=[bad]),
    "Finished exclude_products": lambda bad: rules.Finished(exclude_products=[bad]),
    "Finished exclude_categories": lambda bad: rules.Finished(exclude_categories=[bad]),
    "Finished currency": lambda bad: rules.Finished(currency=bad),
    "Finished future_tolerance_minutes": lambda bad: rules.Finished(future_tolerance_minutes=bad),
    "reward issue_on": lambda bad: rules.PointsPerYuan("1", issue_on=bad),
    "reward issue_event": lambda bad: rules.PointsPerYuan("1", issue_event=bad),
    "reward expires_on": lambda bad: rules.PointsPerYuan("1", expires_on=bad),
    "reward scope": lambda bad: rules.PointsPerYuan("1", scope=bad),
    "reward rates": lambda bad: rules.PointsPerYuan("1", rates=bad),
    "reward rate": lambda bad: rules.PointsPerYuan("1", rates=[bad]),
    "PointsFixed once_per": lambda bad: rules.PointsFixed(1, once_per=bad),
    "GrowthFixed growth": rules.GrowthFixed,
    "GrowthPerStep growth": lambda bad: rules.GrowthPerStep(100, bad),
    "StoredValueFixed bonus_fen": rules.StoredValueFixed,
    "StoredValuePerStep bonus_fen": lambda bad: rules.StoredValuePerStep(100, bad),
    "Scope platforms": lambda bad: rules.Scope(platforms=bad),
    "Scope category": lambda bad: rules.Scope(categories=[bad]),
    "Scope minimum_fen": lambda bad: rules.Scope(minimum_fen=bad),
    "Rate scope": lambda bad: rules.Rate("1", bad),
    "Campaign id": lambda bad: rules.Campaign(bad, "2"),
    "Campaign from_at": lambda bad: rules.Campaign("c", "2", from_at=bad),
    "Campaign by": lambda bad: rules.Campaign("c", "2", by=bad),
    "Campaign days": lambda bad: rules.Campaign("c", "2", days=bad),
    "Campaign scope": lambda bad: rules.Campaign("c", "2", scope=bad),
    "Campaign group": lambda bad: rules.Campaign("c", "2", group=bad),
    "Campaign reward": lambda bad: rules.Campaign("c", "2", rewards=[bad]),
    "Days weekdays": lambda bad: rules.Days(weekdays=bad),
    "Days weekday": lambda bad: rules.Days(weekdays=[bad]),
    "Days month_day": lambda bad: rules.Days(month_days=[bad]),
    "Days date": lambda bad: rules.Days(dates=[bad]),
    "Threshold from_fen": lambda bad: rules.Threshold(bad, "2"),
    "Threshold after_refund": lambda bad: rules.Threshold(1, "2", after_refund=bad),
    "Cap id": lambda bad: rules.Cap(bad, 1, reward="points"),
    "Cap amount": lambda bad: rules.Cap("c", bad, reward="points"),
    "Cap per": lambda bad: rules.Cap("c", 1, per=bad, reward="points"),
    "Cap asset": lambda bad: rules.Cap("c", 1, asset=bad),
    "TierGift tier": lambda bad: rules.TierGift("g", bad, rules.PointsFixed(1)),
    "TierGift reward": lambda bad: rules.TierGift("g", "gold", bad),
    "TierGift per": lambda bad: rules.TierGift("g", "gold", rules.PointsFixed(1), per=bad),
    "EnrolGift reward": lambda bad: rules.EnrolGift("g", bad),
    "Action reward": lambda bad: rules.Action("a", "b", bad),
    "Action per_day": lambda bad: rules.Action("a", "b", rules.PointsFixed(1), per_day=bad),
    "Inactivity growth": lambda bad: rules.Inactivity(idle_days=1, growth=bad),
    "Attempts per_member": lambda bad: rules.Attempts(per_member=bad),
    "Attempts lock_minutes": lambda bad: rules.Attempts(lock_minutes=bad),
    "ExternalBook asset": rules.ExternalBook,
    "ExternalBook gateway": lambda bad: rules.ExternalBook("points", gateway=bad),
    "Program external_books": lambda bad: Program(program_id="p", external_books=[bad]),
    "Level benefits": lambda bad: rules.Level("gold", 0, benefits=bad),
    "Level benefit": lambda bad: rules.Level("gold", 0, benefits={"a": bad}),
    "SpendTiers period": lambda bad: rules.SpendTiers({"low": 0}, window_days=1, period=bad),
    "SpendTiers grace_days": lambda bad: rules.SpendTiers({"low": 0}, grace_days=bad),
    "SpendTiers downgrade": lambda bad: rules.SpendTiers({"low": 0}, downgrade=bad),
    "SpendTiers warn_days": lambda bad: rules.SpendTiers({"low": 0}, warn_days=bad),
    "SpendTiers include_current": lambda bad: rules.SpendTiers({"low": 0}, include_current=bad),
    "GrowthTiers levels": rules.GrowthTiers,
    "GrowthTiers line": lambda bad: rules.GrowthTiers({"low": 0, "high": bad}),
    "Basis shipping": lambda bad: rules.Basis(shipping=bad),
    "Basis subsidy_platforms": lambda bad: rules.Basis(subsidy_platforms=bad),
    "Basis refunds_ignored": lambda bad: rules.Basis(refunds_ignored=[bad]),
    "ClawBack growth": lambda bad: rules.ClawBack(growth=bad),
    "ClawBack stored_value": lambda bad: rules.ClawBack(stored_value=bad),
    "Program campaigns": lambda bad: Program(program_id="p", campaigns=[bad]),
    "Program caps": lambda bad: Program(program_id="p", caps=bad),
    "Program gift": lambda bad: Program(program_id="p", enrol_gifts=[bad]),
    "Program basis": lambda bad: Program(program_id="p", basis=bad),
    "Milestone event": lambda bad: Milestone(platform="jd", order_no="1", event=bad, at=NOW),
    "Milestone at": lambda bad: Milestone(platform="jd", order_no="1", event="e", at=bad),
    "Order flag": lambda bad: order(1, flags=(bad,)),
    "OpeningBalance amount": lambda bad: OpeningBalance(member_id="m", asset="points", amount=bad),
    "OpeningBalance asset": lambda bad: OpeningBalance(member_id="m", asset=bad, amount=1),
    "OpeningSpend day": lambda bad: OpeningSpend(member_id="m", day=bad, spend_fen=1),
    "OpeningTier tier": lambda bad: OpeningTier(member_id="m", tier=bad, qualified_on="2026-01-01"),
    "OpeningGift gift": lambda bad: OpeningGift(member_id="m", gift=bad),
    "Coupon code": rules.Coupon,
    "Coupon once_per": lambda bad: rules.Coupon("C", once_per=bad),
    "Coupon gateway": lambda bad: rules.Coupon("C", gateway=bad),
    "reward id": lambda bad: rules.PointsPerYuan("1", id=bad),
    "reward rounding": lambda bad: rules.PointsPerYuan("1", rounding=bad),
    "reward settle": lambda bad: rules.PointsPerYuan("1", settle=bad),
    "reward issue_after_days": lambda bad: rules.PointsPerYuan("1", issue_after_days=bad),
    "reward expires_months": lambda bad: rules.PointsPerYuan("1", expires_months=bad),
    "PerStep points": lambda bad: rules.PerStep(100, bad),
    "PointsFixed points": rules.PointsFixed,
    "SpendTiers levels": rules.SpendTiers,
    "SpendTiers level": lambda bad: rules.SpendTiers([bad]),
    "SpendTiers name": lambda bad: rules.SpendTiers([rules.Level(bad, 0)]),
    "SpendTiers window_days": lambda bad: rules.SpendTiers({"low": 0}, window_days=bad),
    "SpendTiers period_days": lambda bad: rules.SpendTiers({"low": 0}, window_days=1, period_days=bad),
    "SourceTags prefix": rules.SourceTags,
    "ClawBack shortfall": lambda bad: rules.ClawBack(shortfall=bad),
    "Platform name": lambda bad: Platform(bad, "shop"),
    "Platform family": lambda bad: Platform("shop", bad),
    "Platform pattern": lambda bad: Platform("shop", "shop", pattern=bad),
    "Platform distinctive": lambda bad: Platform("shop", "shop", distinctive=bad),
    "Platform zh": lambda bad: Platform("shop", "shop", zh=bad),
}
# What these arguments rightly take, by the name of the bad value.
FINE = {
    "None": {
        "Program tiers",
        "Program source_tags",
        "Finished within_days",
        "reward expires_months",
        "SpendTiers window_days",
        "SpendTiers period_days",
        "Platform distinctive",
        "reward issue_on",
        "reward expires_on",
        "reward scope",
        "Campaign from_at",
        "Campaign days",
        "Campaign scope",
        "SpendTiers warn_days",
        "ClawBack growth",
        "Action per_day",
    },
    "True": {"SpendTiers include_current", "Basis shipping"},
    "int": {
        name
        for name in RULE_CALLS
        if name.endswith(("_days", "_months", "_minutes", "_orders", "_fen", " points", " growth", " amount"))
        and name != "ClawBack growth"
    }
    | {"Action per_day", "Attempts per_member", "Days weekday", "Days month_day", "GrowthTiers line"},
    "list": {"Finished shops", "Scope platforms", "Basis subsidy_platforms"},
    "set": {"Days weekdays"},
    "dict": {"Finished shops", "Scope platforms", "Basis subsidy_platforms"},
}
UNSTORABLE = {"NUL": "a\0", "lone surrogate": "\ud800", "ten million": "m" * 10_000_000}


@each({name: (name, call) for name, call in RULE_CALLS.items()})
def test_a_rule_takes_only_what_it_means(case: tuple[str, Call]) -> None:
    """Every setting of a rule, a program or a platform refuses other types and texts that could not be stored."""
    name, call = case
    fine = [kind for kind, names in FINE.items() if name in names]
    refusals(call, without(WRONG_TYPES | UNSTORABLE, *fine), CrossloyaltyError)


def test_a_platform_has_a_regular_expression() -> None:
    """A pattern that is no regular expression is refused with the platform, not at its first order."""
    patterns = {"unbalanced": "(", "bad repeat": "*", "bad set": "[z-a]"}
    refusals(lambda bad: Platform("shop", "shop", pattern=bad), patterns, CrossloyaltyError)
    refusals(lambda bad: Platform("shop", "shop", distinctive=bad), patterns, CrossloyaltyError)
