"""Gifts that no order gave: for enrolling, for a tier; each is given once and remembered at its member."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from crossloyalty.domain.grants import ELSEWHERE, IssueTerms, settle_given
from crossloyalty.domain.ledger import NO_REF
from crossloyalty.domain.rules import AnyLevel, Gift

if TYPE_CHECKING:
    from crossloyalty.domain.member import Member

__all__ = ["ENROLLED_ROW", "GIFT_ROW", "gift_of", "mark_given", "mark_tier_gifts", "settle_gift", "settle_tier_gifts"]

# Gifts stand beside once-per-member rewards; no reward can have such an id.
GIFT_ROW: Final = "#gift:"
# That a member has enrolled.
ENROLLED_ROW: Final = "#enrolled"


def gift_of(gifts: tuple[Gift, ...], rule_id: str) -> Gift | None:
    """Find the gift a lot or a row came from, None for another rule's."""
    name = rule_id.removeprefix(GIFT_ROW).partition("@")[0] if rule_id.startswith(GIFT_ROW) else ""
    return next((gift for gift in gifts if gift.id == name), None)


def _row_name(gift: Gift, period: str = "") -> str:
    return f"{GIFT_ROW}{gift.id}" + (f"@{period}" if period else "")


def settle_gift(member: Member, gift: Gift, *, given: bool, period: str = "") -> int:
    """
    Bring a gift to what it should be: there or not.

    Args:
        member: Whose; changed in place.
        gift: The gift.
        given: Whether it should be there.
        period: The local day the period it belongs to began on; "" for a gift of a life.

    Returns:
        The difference posted.
    """
    row, grant = member.gift_row(_row_name(gift, period))
    if row.grant == ELSEWHERE or (not given and not grant.total):
        return 0
    reward, ledger, calendar = gift.reward, member.ledger, member.program.calendar
    posted = settle_given(
        ledger,
        grant,
        reward,
        reward.each if given else 0,
        ref=NO_REF,
        issue=IssueTerms(ledger.at, calendar, False),
        shortfall=member.program.on_refund.of(reward.asset),
    )
    if posted:
        member.put_gift(row._replace(claims=int(given), grant=member.text_of(grant)))
    return posted


def mark_given(member: Member, name: str) -> bool:
    """
    Note that a gift, or a reward once per member, was given before; it is not given again and never taken.

    Args:
        member: Whose; changed in place.
        name: The id of the gift or of the reward.

    Returns:
        False when the rules have neither.
    """
    program = member.program
    gift = next((gift for gift in program.gifts if gift.id == name), None)
    if gift is not None:
        _mark_row(member, _row_name(gift))
        return True
    reward = program.rewards_by_id.get(name)
    if reward is None or not reward.once_per_member:
        return False
    _mark_row(member, name)
    return True


def _mark_row(member: Member, name: str) -> None:
    """Note what was given elsewhere, unless something was given here."""
    row, grant = member.gift_row(name)
    if not grant.granted:
        member.put_gift(row._replace(grant=ELSEWHERE))


def mark_tier_gifts(member: Member, tier: str, day: str) -> None:
    """Note that the gifts of a tier held since a local day, and of those below, were given before."""
    tiers = member.program.tiers
    for gift in member.program.tier_gifts:
        if tiers is not None and tiers.level(gift.tier).line <= tiers.level(tier).line:
            _mark_row(member, _row_name(gift, day if gift.per == "period" else ""))


def settle_tier_gifts(member: Member, before: AnyLevel, after: AnyLevel, was_on: str, day: str, *, taken: bool) -> None:
    """
    Give what a change of tier gives, take what a refund takes.

    Args:
        member: Whose tier changed or was renewed.
        before, after: The tiers; equal ones where the tier was renewed.
        was_on, day: Since which local day each is held.
        taken: A refund took the tier; otherwise a lower tier leaves gifts alone.
    """
    tiers = member.program.tiers
    if tiers is None:
        return
    for gift in member.program.tier_gifts:
        line = tiers.level(gift.tier).line
        each_period = gift.per == "period"
        renewed = each_period and line == before.line == after.line and day != was_on
        if before.line < line <= after.line or renewed:
            settle_gift(member, gift, given=True, period=day if each_period else "")
        elif taken and after.line < line <= before.line:
            settle_gift(member, gift, given=False, period=was_on if each_period else "")
