"""What caps leave of a claim: decided once, when it first earns something, and counted at its member (D50)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from crossloyalty.domain.arithmetic import capped
from crossloyalty.domain.grants import Grant
from crossloyalty.domain.member import Member
from crossloyalty.domain.program import Program

__all__ = ["CAP_ROW", "allow"]

# What a cap has let through is counted in a row of the member's own; no reward can have such an id.
CAP_ROW: Final = "#cap:"


def allow(member: Member, grants: Sequence[Grant], earned: Sequence[int], program: Program) -> bool:
    """
    Give an allowance to every grant that earns for the first time and is limited by a cap of some time.

    Args:
        member: The holder; what is allowed is counted there.
        grants: The claim's grants; changed in place.
        earned: What each earns before anything caps it.
        program: The revision the claim was first settled under.

    Returns:
        Whether something was cut.
    """
    cut = False
    for grant, target in zip(grants, capped(earned, grants, program), strict=True):
        caps = program.period_caps_of.get(grant.rule_id, ())
        if not caps or grant.allowance is not None or not target:
            continue
        periods = [(cap, cap.period(member.today)) for cap in caps]
        room = min(max(0, cap.amount - member.counted(CAP_ROW + cap.id, period)) for cap, period in periods)
        grant.allowance = min(target, room)
        grant.caps = [f"{cap.id}@{period}" for cap, period in periods]
        for cap, period in periods:
            member.count(CAP_ROW + cap.id, period, grant.allowance)
        cut = cut or grant.allowance < target
    return cut
