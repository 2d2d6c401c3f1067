"""Growth value lost by members who buy nothing for long (S3-14)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from crossloyalty.domain.calendar import shift_day
from crossloyalty.domain.records import MemberGrantRecord
from crossloyalty.domain.rules import Inactivity

if TYPE_CHECKING:
    from crossloyalty.domain.member import Member

__all__ = ["LAPSED_ROW", "lapse", "look_ahead"]

# How much was lost so, and the local day it was looked at last; no reward can have such an id.
LAPSED_ROW: Final = "#lapsed"


def _next_on(member: Member, rule: Inactivity) -> str | None:
    """Give the local day of the next deduction; None: nothing was bought yet, or this quiet time has had its one."""
    bought = [tag.last_at for tag in member.tags.values() if tag.claims]
    if not bought:
        return None
    first = shift_day(member.program.calendar.day(max(bought)), rule.idle_days)
    row = member.grant_row(LAPSED_ROW)
    done_on = "" if row is None else row.grant
    if done_on < first:
        return first
    return None if rule.every_days is None else shift_day(done_on, rule.every_days)


def lapse(member: Member, rule: Inactivity) -> int:
    """
    Take what is due for not buying; once however late it is looked at, and the next time counts from today.

    Args:
        member: Whose; changed in place.
        rule: The rule in force.

    Returns:
        The growth value taken.
    """
    day = _next_on(member, rule)
    if day is None or day > member.today:
        return 0
    above = max(0, member.ledger.balance("growth") - rule.floor_growth)
    taken = member.lose_growth(min(rule.growth, above), "lapse", day)
    row = member.grant_row(LAPSED_ROW)
    before = 0 if row is None else row.claims
    root = member.root
    member.put_gift(MemberGrantRecord(root.program_id, root.member_id, LAPSED_ROW, before + taken, member.today))
    if taken:
        member.growth_lapsed()
    return taken


def look_ahead(member: Member, rule: Inactivity) -> None:
    """Come back to the member on the day the next deduction is due."""
    day = _next_on(member, rule)
    if day is not None:
        member.ledger.due(member.program.calendar.start(day))
