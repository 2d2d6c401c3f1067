"""What the checks of the store read and what they find."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from crossloyalty.domain.links import Links, links_of
from crossloyalty.domain.records import (
    AccountRecord,
    ClaimRecord,
    DeliveryRecord,
    EntryRecord,
    EventRecord,
    LotRecord,
    MemberGrantRecord,
    MemberRecord,
    SpendDayRecord,
    TagRecord,
)

__all__ = ["MemberRows", "Violation"]


@attrs.frozen
class Violation:
    """
    Something that should be impossible.

    Args:
        invariant: Its number, such as "I-06".
        what: Which rows, and what is wrong with them.
    """

    invariant: str
    what: str


@attrs.define
class MemberRows:
    """Everything stored of one member, each list in key order."""

    root: MemberRecord
    accounts: Sequence[AccountRecord] = ()
    entries: Sequence[EntryRecord] = ()
    lots: Sequence[LotRecord] = ()
    days: Sequence[SpendDayRecord] = ()
    tags: Sequence[TagRecord] = ()
    grants: Sequence[MemberGrantRecord] = ()
    deliveries: Sequence[DeliveryRecord] = ()
    events: Sequence[EventRecord] = ()
    claims: Sequence[ClaimRecord] = ()

    @property
    def links(self) -> Links:
        """Whom the member was merged with."""
        return links_of(self.grants)
