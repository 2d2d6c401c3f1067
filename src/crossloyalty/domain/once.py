"""What is given once to a person, when an identity of theirs goes to another member."""

from __future__ import annotations

from crossloyalty.domain.gifts import GIFT_ROW
from crossloyalty.domain.grants import ELSEWHERE
from crossloyalty.domain.member import Member

__all__ = ["carry_once"]


def carry_once(former: Member, member: Member) -> None:
    """
    Note at a member what was given once to whoever had the identity before; it is not given again (D39).

    Args:
        former: Whom the identity belonged to last; not changed.
        member: To whom it goes.
    """
    for name in former.grant_names():
        if name.startswith("#") and not name.startswith(GIFT_ROW):
            continue  # counts and marks of the member's own, no rewards
        row, given = former.gift_row(name)
        if row.grant != ELSEWHERE and not given.granted:
            continue
        mine, mine_given = member.gift_row(name)
        if mine.grant != ELSEWHERE and not mine_given.granted:
            member.put_gift(mine._replace(grant=ELSEWHERE))
