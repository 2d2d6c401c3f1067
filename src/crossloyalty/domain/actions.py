"""Rewards for what a member did that is no order: given each time within their limits, counted at the member."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from crossloyalty.domain.grants import IssueTerms, issue_lot
from crossloyalty.domain.ledger import NO_REF
from crossloyalty.domain.rules import Action

if TYPE_CHECKING:
    from crossloyalty.domain.member import Member

__all__ = ["ACTION_RULE", "DONE_ROW", "action_of", "reward_action"]

# The rule id of what an action gave; no reward can have such an id.
ACTION_RULE: Final = "#action:"
# How often an action was rewarded in a period, counted at the member: "#done:ID/day".
DONE_ROW: Final = "#done:"


def action_of(actions: tuple[Action, ...], rule_id: str) -> Action | None:
    """Find the action a lot came from, None for another rule's."""
    name = rule_id.removeprefix(ACTION_RULE) if rule_id.startswith(ACTION_RULE) else ""
    return next((action for action in actions if action.id == name), None)


def reward_action(member: Member, action: Action, key: str) -> int:
    """
    Reward an action once, unless one of its limits is reached.

    Args:
        member: Who did it; changed in place.
        action: The rule.
        key: The idempotency key of the record, kept with the entry.

    Returns:
        How much was given; 0 when a limit of today's local day, of its month or of the member is reached.
    """
    limits = action.limits(member.today)
    rows = [(f"{DONE_ROW}{action.id}/{name}", period, most) for name, period, most in limits]
    if any(member.counted(row, period) >= most for row, period, most in rows):
        return 0
    for row, period, _ in rows:
        member.count(row, period, 1)
    ledger, reward = member.ledger, action.reward
    issue_lot(
        ledger,
        reward,
        reward.each,
        ref=NO_REF,
        issue=IssueTerms(ledger.at, member.program.calendar, False),
        rule_id=ACTION_RULE + action.id,
        request_key=key,
    )
    return reward.each
