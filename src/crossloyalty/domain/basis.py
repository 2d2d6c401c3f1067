"""What each line of an order counts on another basis than the usual one."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import floor, lcm
from typing import NamedTuple

from crossloyalty.domain.effective import EffectiveOrder
from crossloyalty.domain.numbers import largest_remainder
from crossloyalty.domain.rules import Basis

__all__ = ["Amounts", "ignored_fen", "line_amounts", "whole_fen"]


class Amounts(NamedTuple):
    """
    What a line counts, in fen.

    Args:
        net_fen: Now, were it finished; exact.
        gross_fen: Had nothing gone back.
    """

    net_fen: Fraction
    gross_fen: int


def ignored_fen(order: EffectiveOrder, basis: Basis) -> list[int]:
    """Say how much of what went back takes nothing away, line by line."""
    ignored = [0] * len(order.lines)
    for kind in basis.refunds_ignored:
        for place, amount in enumerate(order.refunds_by_kind.get(kind, ())):
            ignored[place] += amount
    return [min(amount, line.refunded_fen) for amount, line in zip(ignored, order.lines, strict=True)]


def whole_fen(amounts: Sequence[Fraction], *, per_line: bool) -> list[int]:
    """
    Round what the lines of an order count down to whole fen.

    Args:
        amounts: Exact, ≥ 0.
        per_line: Each by itself, as the first arithmetic did; otherwise once for the order, the lines by largest
            remainder.
    """
    if per_line:
        return [floor(amount) for amount in amounts]
    scale = lcm(*(amount.denominator for amount in amounts))
    return largest_remainder(floor(sum(amounts)), [int(amount * scale) for amount in amounts])


def line_amounts(order: EffectiveOrder, basis: Basis) -> list[Amounts]:
    """
    Say what each line counts.

    Args:
        order: The order after all messages.
        basis: What of its money counts.
    """
    paid = [line.paid_fen for line in order.lines]
    nothing = [0] * len(paid)
    shipping = largest_remainder(order.shipping_fen, paid) if basis.shipping else nothing
    shipping_left = largest_remainder(order.shipping_left_fen, paid) if basis.shipping else nothing
    subsidised = order.platform in basis.subsidy_platforms
    subsidy = largest_remainder(order.subsidy_fen, paid) if subsidised else nothing
    amounts = []
    for place, (line, ignored) in enumerate(zip(order.lines, ignored_fen(order, basis), strict=True)):
        if line.is_gift:
            amounts.append(Amounts(Fraction(0), 0))
            continue
        gross = line.paid_fen if basis.own_value else line.paid_fen - line.own_fen
        left = line.paid_fen - line.refunded_fen + ignored
        net = Fraction(left * gross, line.paid_fen) if line.paid_fen else Fraction(0)
        helped = Fraction(subsidy[place] * left, line.paid_fen) if line.paid_fen else Fraction(subsidy[place])
        amounts.append(Amounts(net + helped + shipping_left[place], gross + subsidy[place] + shipping[place]))
    return amounts
