"""What the first settlement of a claim fixes for ever, rule by rule."""

from __future__ import annotations

from crossloyalty.domain.grants import Grant
from crossloyalty.domain.member import Member
from crossloyalty.domain.program import Program

__all__ = ["first_grants"]


def first_grants(member: Member, program: Program) -> list[Grant]:
    """
    Take the snapshot: one grant per reward, with the multiplier of the tier held now (D17).

    Args:
        member: The holder.
        program: The rules in force.
    """
    num, den = member.multiplier()
    return [
        Grant(rule.id, num=num, den=den) if rule.takes_tier_multiplier else Grant(rule.id) for rule in program.rewards
    ]
