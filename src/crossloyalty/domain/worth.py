"""What an order would earn a member, before anything is given: the stronger a proof it needs."""

from __future__ import annotations

from crossloyalty.domain.arithmetic import targets_of
from crossloyalty.domain.effective import EffectiveOrder
from crossloyalty.domain.eligibility import net_amounts
from crossloyalty.domain.member import Member
from crossloyalty.domain.program import Program
from crossloyalty.domain.snapshot import first_grants

__all__ = ["worth_of"]


def worth_of(member: Member, order: EffectiveOrder, program: Program) -> tuple[int, int]:
    """
    Say what an order is worth; caps of some time are left out, because what they leave does not make it safer.

    Args:
        member: Who would hold it; not changed.
        order: The order after all messages.
        program: The rules in force.

    Returns:
        Its eligible net in fen, and the points it would earn.
    """
    nets = net_amounts(order, program)
    net_fen = 0 if nets.below_minimum else nets.total
    day = program.calendar.day(order.effective_at) if order.effective_at else member.today
    grants = first_grants(member, order, program, net_fen=net_fen, day=day)
    earned = zip(program.rewards, targets_of(grants, nets, program), strict=True)
    return net_fen, sum(amount for rule, amount in earned if rule.asset == "points" and not rule.once_per_member)
