"""Worked checks D1 and D1b: one rounding per order and rule; steps are not ratios."""

from decimal import Decimal

import pytest
from builders import Clock, convert, order, points_program

from crossloyalty import Line, Loyalty, Program, rules
from crossloyalty.application.ports import Storage
from crossloyalty.domain.eligibility import Nets
from crossloyalty.domain.grants import Grant
from crossloyalty.domain.rule_sentences import line_shares
from crossloyalty.errors import WrongType


def _lines(*amounts: int) -> tuple[Line, ...]:
    return tuple(Line(line_id=f"L{place}", paid_fen=amount) for place, amount in enumerate(amounts, start=1))


def test_d1_rounds_once_per_order_not_per_line(storage: Storage, clock: Clock) -> None:
    """Three lines of ¥9.90 at 1 point per ¥10 earn 2 points for the order, where a floor per line would give 0."""
    loyalty = Loyalty(points_program(rules.PointsPerYuan("0.1")), storage, clock=clock)
    [result] = convert(loyalty, "m1", order(1, paid_fen=2970, lines=_lines(990, 990, 990)))
    assert result.points == 2


def test_d1_line_shares_add_up_to_the_order() -> None:
    """The 2 points of three equal lines are shown as 1, 1 and 0: largest remainder, ties by line order."""
    nets = Nets([990, 990, 990], 2970, 2970, complete=True, below_minimum=False)
    rule = rules.PointsPerYuan("0.1")
    assert line_shares(rule, Grant(rule.id), nets, Program(program_id="p", rewards=[rule])) == [1, 1, 0]


@pytest.mark.parametrize(("rounding", "points"), [("down", 2), ("half_up", 3), ("up", 3)])
def test_d1_rounding_is_named(storage: Storage, clock: Clock, rounding: str, points: int) -> None:
    """2.5 points are 2 rounded down, and 3 rounded half-up (never banker's) or up."""
    loyalty = Loyalty(points_program(rules.PointsPerYuan("0.1", rounding=rounding)), storage, clock=clock)
    [result] = convert(loyalty, "m1", order(1, paid_fen=2500))
    assert result.points == points


def test_d1_326_against_308_88(storage: Storage, clock: Clock) -> None:
    """An order of ¥308.88 earns 308 points at 1 per yuan, whatever its lines cost."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    [result] = convert(loyalty, "m1", order(1, paid_fen=30_888, lines=_lines(10_296, 10_296, 10_296)))
    assert result.points == 308


@pytest.mark.parametrize("rate", [1.5, float("nan"), True, None])
def test_d1_floats_are_refused_as_rates(rate: object) -> None:
    """A rate that is no exact number is a TypeError."""
    with pytest.raises(WrongType):
        rules.PointsPerYuan(rate)  # type: ignore[arg-type]


@pytest.mark.parametrize("amount", [99.0, Decimal("99.00"), True, "99"])
def test_d1_floats_are_refused_as_money(amount: object) -> None:
    """An amount that is no plain integer in fen is a TypeError."""
    with pytest.raises(WrongType):
        order(1, paid_fen=amount)  # type: ignore[arg-type]


def test_d1b_steps_and_ratios_are_two_rules(storage: Storage, clock: Clock) -> None:
    """At ¥3.00, 5 points per full ¥2.50 earn 5 while the ratio of 5 to ¥2.50 earns 6."""
    program = points_program(rules.PerStep(every_fen=250, points=5, id="step"), rules.PointsPerYuan("2", id="ratio"))
    loyalty = Loyalty(program, storage, clock=clock)
    [result] = convert(loyalty, "m1", order(1, paid_fen=300))
    assert {granted.rule_id: granted.amount for granted in result.granted} == {"step": 5, "ratio": 6}


@pytest.mark.parametrize(("paid_fen", "points"), [(249, 0), (250, 5), (499, 5), (500, 10)])
def test_d1b_only_full_steps_count(paid_fen: int, points: int) -> None:
    """A step counts from its last fen on."""
    assert rules.PerStep(every_fen=250, points=5).amount(paid_fen) == points
