"""
All identities of a member, whatever kind of row they are: list them, move them to another member, blank them.

A kind joins by a line in `_KINDS`; every such row is a root that lies before members in the lock order and names its
member in `member_id`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeAlias, cast

from crossloyalty.application.ports import AsyncTransaction, Scan
from crossloyalty.domain.records import BuyerRecord, Key, key_of

__all__ = ["IdentityRecord", "blanked", "identities_of", "identity_key", "identity_name", "moved"]

IdentityRecord: TypeAlias = BuyerRecord
# By the word a kind is remembered under: the record class, and the fields a person gave or wrote.
_KINDS: Final[dict[str, tuple[type[IdentityRecord], dict[str, Any]]]] = {
    "buyer": (BuyerRecord, {"evidence": "", "blocked_reason": ""}),
}
_WORDS: Final = {kind: word for word, (kind, _) in _KINDS.items()}


def _scans(program_id: str, members: Iterable[str]) -> list[Scan]:
    return [Scan(kind, (program_id, each), by="by_member") for each in members for kind, _ in _KINDS.values()]


async def identities_of(tx: AsyncTransaction, program_id: str, members: Iterable[str]) -> list[IdentityRecord]:
    """List the identities of some members; one round trip."""
    found = await tx.read(scans=_scans(program_id, members))
    return [cast(IdentityRecord, row) for rows in found.rows for row in rows]


def moved(rows: Iterable[IdentityRecord], member_id: str) -> list[IdentityRecord]:
    """Give identities as they stand at another member; everything else of them stays."""
    return [row._replace(member_id=member_id) for row in rows]


def blanked(rows: Iterable[IdentityRecord]) -> list[IdentityRecord]:
    """Give identities without a member and without what a person gave or wrote; they stay known to nobody."""
    return [row._replace(member_id="", bound_at=None, **_KINDS[_WORDS[type(row)]][1]) for row in rows]


def identity_name(row: IdentityRecord) -> tuple[str, ...]:
    """Name an identity in a row's text: its kind, and its key without the program."""
    return (_WORDS[type(row)], *map(str, key_of(row).values[1:]))


def identity_key(program_id: str, name: Sequence[str]) -> Key:
    """Give the key of an identity that `identity_name` has named."""
    kind, *values = name
    return Key(_KINDS[kind][0], (program_id, *values))
