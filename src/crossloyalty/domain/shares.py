"""
Whose it is what a member that stands for others has in no lot: debt, what was written off, what lives outside.

A ledger holds one balance for all who are one. Whose part of it each entry was is told by the claim behind it; what
came or went by a merge names its owner. So a ledger's own entries, taken in their order, say what is whose at its end.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias

from crossloyalty.domain.ledger import AccountName
from crossloyalty.domain.records import EntryRecord

__all__ = ["IN_NO_LOT", "Shares", "shares_of"]

IN_NO_LOT: Final[tuple[AccountName, ...]] = ("external", "debt", "waived", "exempt")

# By asset and account: how much of it is whose.
Shares: TypeAlias = Mapping[tuple[str, str], Mapping[str, int]]


def shares_of(
    member_id: str, entries: Iterable[EntryRecord], owner_of: Callable[[EntryRecord], str], moved: Iterable[str]
) -> Shares:
    """
    Say whose each part of a member's accounts is.

    Args:
        member_id: Whose ledger it is.
        entries: Its entries; those of others are left out.
        owner_of: Says to whom an entry belongs that moved nothing between members.
        moved: Kinds of entries by which something came from another member or went there.

    Returns:
        Parts above zero; together they are the balance.
    """
    moved = frozenset(moved)
    shares: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    own = [entry for entry in entries if entry.member_id == member_id and entry.account in IN_NO_LOT]
    for entry in sorted(own, key=lambda entry: entry.seq):
        parts = shares[entry.asset, entry.account]
        owner = (entry.rule_id or member_id) if entry.kind in moved else owner_of(entry)
        parts[owner] += entry.amount
        # What is repaid, or taken back, beyond one's own part is the member's own first, then the others' by their ids.
        for other in (member_id, *sorted(parts)):
            if parts[owner] >= 0:
                break
            part = min(parts[other], -parts[owner]) if other != owner else 0
            if part > 0:
                parts[other] -= part
                parts[owner] += part
    return {place: +parts for place, parts in shares.items()}
