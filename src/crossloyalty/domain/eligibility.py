"""Which orders may be converted, and how much of each counts now."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from crossloyalty.domain.basis import line_amounts, whole_fen
from crossloyalty.domain.calendar import instant_of
from crossloyalty.domain.effective import EffectiveLine, EffectiveOrder
from crossloyalty.domain.program import CALC, Program
from crossloyalty.domain.reasons import Reason, by_precedence
from crossloyalty.domain.rules import Basis

__all__ = ["Judgement", "Nets", "Verdict", "judge", "net_amounts"]

_USUAL = Basis()
_MINUTE_US = 60_000_000


class Verdict(enum.Enum):
    """What to do with a request whose ownership is accepted."""

    CLAIM = "CLAIM"
    WAIT = "WAIT"
    REVIEW = "REVIEW"
    REJECT = "REJECT"


class Judgement(NamedTuple):
    """
    The answer to "may this order be converted now".

    Args:
        verdict: What to do.
        reasons: All that apply, the one to name first in front.
        claimable_from: When time alone cures it, in microseconds; None: time will not.
    """

    verdict: Verdict
    reasons: tuple[Reason, ...]
    claimable_from: int | None = None


class Nets(NamedTuple):
    """
    What of an order counts now, in fen.

    Args:
        per_line: Net per line, in the order of the lines; excluded, closed and unfinished lines are 0.
        total: Their sum.
        gross: What would count if nothing had gone back and every line were finished.
        complete: Whether the whole order is claimable, so rules that wait for all of it may count it.
        below_minimum: The total is above 0 and below the program's minimum, so nothing counts.
        lines: The lines that *per_line* is of.
    """

    per_line: tuple[int, ...]
    total: int
    gross: int
    complete: bool
    below_minimum: bool
    lines: Sequence[EffectiveLine] = ()


def net_amounts(order: EffectiveOrder, program: Program, calc: int = CALC) -> Nets:
    """
    Say how much of an order counts now.

    Args:
        order: The order after all messages.
        program: The revision the claim is settled under; its exclusions and its minimum apply to the net (D48, D49).
        calc: The version of the arithmetic the claim is settled under.
    """
    rules = program.eligibility
    claimable = rules.claimable(order.platform)
    products, categories = rules.exclude_products, rules.exclude_categories
    complete = order.status in claimable or order.lines_are_over(claimable)
    per_line: list[int] = []
    gross = 0
    if program.basis != _USUAL or (calc > 1 and any(line.own_fen for line in order.lines)):
        return _on_basis(order, program, claimable, complete=complete, per_line=calc == 1)
    for line in order.lines:
        if (products and line.product_id in products) or (categories and line.category in categories):
            per_line.append(0)
            continue
        gross += line.gross_fen
        per_line.append(line.net_fen if order.counts(line, claimable) else 0)
    total = sum(per_line)
    return Nets(tuple(per_line), total, gross, complete, 0 < total < rules.minimum_fen, order.lines)


def _on_basis(
    order: EffectiveOrder, program: Program, claimable: Sequence[str], *, complete: bool, per_line: bool
) -> Nets:
    rules = program.eligibility
    exact: list[Fraction] = []
    gross = 0
    for line, amounts in zip(order.lines, line_amounts(order, program.basis), strict=True):
        taken = line.product_id in rules.exclude_products or line.category in rules.exclude_categories
        gross += 0 if taken else amounts.gross_fen
        exact.append(amounts.net_fen if not taken and order.counts(line, claimable) else Fraction(0))
    nets = whole_fen(exact, per_line=per_line)
    total = sum(nets)
    return Nets(tuple(nets), total, gross, complete, 0 < total < rules.minimum_fen, order.lines)


def judge(order: EffectiveOrder, program: Program, *, requested_at: int, now: int) -> Judgement:
    """
    Say whether an order may be converted and, if not, every reason why not.

    Args:
        order: The order after all messages.
        program: The rules in force.
        requested_at: When the member asked, or the ingest or bind that made a conversion possible, in microseconds;
            the claim window is judged at that time.
        now: The moment of the decision, in microseconds.

    Returns:
        The verdict with all reasons. An order closed after payment and one below the minimum are converted with
        nothing to grant, so that their number is taken.

    Source: the claim rules of the programme (可转换订单状态, 可兑换期限), as `Finished` states them.
    """
    rules = program.eligibility
    refused: list[Reason] = []
    review: list[Reason] = []
    waiting: list[Reason] = []
    noted: list[Reason] = []
    claimable_from: int | None = None
    claimable = rules.claimable(order.platform)
    ready = order.status in claimable or any(
        line.status is not None and line.status in claimable for line in order.lines
    )

    if rules.shops and order.shop_id not in rules.shops:
        refused.append(Reason.SHOP_NOT_COVERED)
    if order.kind not in rules.kinds or (rules.exclude_flags and not set(rules.exclude_flags).isdisjoint(order.flags)):
        refused.append(Reason.KIND_EXCLUDED)
    if program.starts_at is not None:
        placed = order.created_at or order.paid_at
        if placed is not None and placed < instant_of(program.starts_at):
            refused.append(Reason.BEFORE_PROGRAM)
    if order.currency != rules.currency:
        review.append(Reason.CURRENCY)
    if not order.balanced:
        review.append(Reason.AMOUNT_MISMATCH)
    if order.in_doubt:
        review.append(Reason.IN_REVIEW)

    if order.status == "CLOSED":
        (noted if order.paid_at is not None and order.paid_fen > 0 else refused).append(Reason.CLOSED)
    elif not ready:
        waiting.append(Reason.NOT_FINISHED)
    else:
        finished_at = order.finished_at or order.paid_at
        if finished_at is not None:
            if finished_at > now + rules.future_tolerance_minutes * _MINUTE_US:
                waiting.append(Reason.IN_FUTURE)
                claimable_from = finished_at
            if (
                rules.within_days is not None
                and requested_at >= finished_at
                and requested_at >= program.calendar.end_after_days(finished_at, rules.within_days)
            ):
                refused.append(Reason.TOO_OLD)
    if order.refund_open:
        (waiting if waiting else noted).append(Reason.REFUND_OPEN)

    if refused:
        verdict = Verdict.REJECT
    elif review:
        verdict = Verdict.REVIEW
    elif waiting:
        verdict = Verdict.WAIT
    else:
        verdict = Verdict.CLAIM
    if not (refused or review or waiting or noted):
        return Judgement(verdict, ())
    return Judgement(verdict, by_precedence([*refused, *review, *waiting, *noted]), claimable_from)
