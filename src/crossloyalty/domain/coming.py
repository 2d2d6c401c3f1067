"""What an order on its way is going to count, so that a member hears what is still missing to the next tier."""

from __future__ import annotations

from typing import Final

from crossloyalty.domain.effective import EffectiveOrder, effective_order
from crossloyalty.domain.eligibility import Verdict, judge, net_amounts
from crossloyalty.domain.facts import load_facts
from crossloyalty.domain.program import Program

__all__ = ["coming_at", "coming_net"]

_ON_ITS_WAY: Final = ("PAID", "SHIPPED", "SIGNED")


def coming_at(order: EffectiveOrder) -> int | None:
    """
    Say since when an order is on its way: paid, and not finished yet.

    Args:
        order: As it stands now.

    Returns:
        When it counts, in microseconds; None for an order that is not on its way.
    """
    return order.effective_at if order.status in _ON_ITS_WAY else None


def coming_net(facts: str, program: Program, *, counted_fen: int, now: int) -> int:
    """
    Say what an order is going to add to the qualifying spend once it is finished and nothing more goes back.

    Args:
        facts: As the order's row keeps them.
        program: The rules in force.
        counted_fen: What its claim counts already, in fen; 0 without one.
        now: The present moment, in microseconds.

    Returns:
        Fen, ≥ 0; 0 for an order that is over, unpaid, refused by the rules or below the minimum.
    """
    order = effective_order(load_facts(facts))
    if order is None or order.status not in _ON_ITS_WAY:
        return 0
    if judge(order, program, requested_at=now, now=now).verdict not in (Verdict.WAIT, Verdict.CLAIM):
        return 0
    order.status = "FINISHED"
    for line in order.lines:
        if line.status in _ON_ITS_WAY:
            line.status = "FINISHED"
    nets = net_amounts(order, program)
    return 0 if nets.below_minimum else max(0, nets.total - counted_fen)
