"""What members do that is no order: recorded once per key, rewarded by the rules that wait for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from crossloyalty.application.batch import Batch
from crossloyalty.application.operating import once
from crossloyalty.application.world import World
from crossloyalty.domain.actions import reward_action
from crossloyalty.domain.keys import clean_id
from crossloyalty.domain.reasons import Reason
from crossloyalty.domain.records import Key, MemberRecord

__all__ = ["ActionResult", "record_action"]


@attrs.frozen
class ActionResult:
    """
    What recording an action did.

    Args:
        given: What each rule gave, by the rule's id.
        reason: Why nothing was given: MEMBER_BLOCKED, CAP_REACHED, or NOTHING_TO_GRANT when no rule waits for the
            action; None otherwise.
    """

    given: Mapping[str, int]
    reason: Reason | None = None


async def record_action(world: World, program_id: str, member_id: str, *, action: str, key: str) -> ActionResult:
    """
    Take note of something a member did, and give what the rules give for it.

    Args:
        world: The ports.
        program_id: The program.
        member_id: Who.
        action: Its name, as the rules' `Action.action` has it.
        key: Idempotency key, such as the id of the review or of the share.

    Returns:
        What was given; limits count on the local day of this call.

    Raises:
        InvalidInput: An id cannot be one.
        IdempotencyConflict: The key was used for another request.
    """
    clean_id(member_id, "member_id")
    clean_id(action, "action")

    def decision(batch: Batch) -> dict[str, Any]:
        member = batch.member(member_id)
        if member.blocked():
            return {"given": {}, "reason": Reason.MEMBER_BLOCKED.value}
        waiting = [rule for rule in batch.program.actions if rule.action == action]
        given = {rule.id: amount for rule in waiting if (amount := reward_action(member, rule, key))}
        if any(rule.reward.asset == "growth" for rule in waiting if rule.id in given):
            member.growth_rose()
        nothing = Reason.CAP_REACHED if waiting else Reason.NOTHING_TO_GRANT
        return {"given": given, "reason": None if given else nothing.value}

    request = {"do": "record_action", "member_id": member_id, "action": action}
    outcome = await once(world, program_id, key, request, Key(MemberRecord, (program_id, member_id)), decision)
    reason = outcome["reason"]
    return ActionResult(outcome["given"], None if reason is None else Reason(reason))
