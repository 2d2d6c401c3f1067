"""
By what a lost COMMIT is settled: rows that are in the store exactly when the transaction is.

One row will do where it inserted one that stays for ever; otherwise all that it wrote has to be there. They are looked
up on another connection under the locks of the roots that were written, so that a COMMIT which the server is still busy
with has ended by then. COMMIT itself is never sent again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

import attrs

from crossloyalty.application.ports import Change, Insert, Replace
from crossloyalty.domain.records import (
    ClaimRecord,
    EntryRecord,
    EventRecord,
    Key,
    ProgramRecord,
    Record,
    RequestRecord,
    RootKey,
    key_of,
)
from crossloyalty.storage._rules import bumped

__all__ = ["Witness"]

# The best first: rows that stay for ever, with the fields that nobody changes and that tell ours from another's. Of
# other kinds the whole row has to be there.
_TELLING: Final[Mapping[type[Any], tuple[str, ...]]] = {
    EntryRecord: ("hash",),
    EventRecord: ("hash",),
    RequestRecord: ("digest", "outcome", "at"),
    ProgramRecord: ("digest", "published_at"),
    ClaimRecord: ("member_id", "holder_no", "claimed_at"),
}
_RANK: Final = {kind: rank for rank, kind in enumerate(_TELLING)}


@attrs.frozen
class Witness:
    """
    What one transaction wrote, as far as it is needed to find out whether it was committed.

    Args:
        roots: The roots it bumped; whoever holds their locks knows that it has ended.
        rows: One row it inserted that tells ours from anybody's, else all that it inserted or replaced.
        tells: Which of the two.
    """

    roots: tuple[RootKey, ...]
    rows: tuple[Record, ...] = ()
    tells: bool = False

    @classmethod
    def of(cls, changes: Sequence[Change], roots: Mapping[RootKey, int]) -> Self:
        """
        Choose among the changes of one `write`.

        Args:
            roots: The roots it bumps, with the versions they have before.
        """
        inserted = [change[0] for change in changes if isinstance(change, Insert) and type(change[0]) in _RANK]
        if inserted:
            return cls(tuple(roots), (min(inserted, key=lambda row: _RANK[type(row)]),), True)
        rows: list[Record] = []
        for change in changes:
            if isinstance(change, Insert | Replace):
                for row in change:
                    version = roots.get(key_of(row))
                    rows.append(row if version is None else bumped(row, version + 1))
        return cls(tuple(roots), tuple(rows))

    def joined(self, later: Self) -> Self:
        """Take in a later write of the same transaction."""
        if self.tells:
            return self
        return attrs.evolve(later, roots=tuple(dict.fromkeys(self.roots + later.roots)))

    @property
    def keys(self) -> list[Key]:
        """What to look up."""
        return [key_of(row) for row in self.rows]

    def confirmed(self, found: Mapping[Key, Record]) -> bool:
        """
        Say whether the transaction was committed.

        Args:
            found: What is stored under `keys`.

        Returns:
            True when everything it was to leave is there. False otherwise, also where others have changed it since:
            such a transaction inserted nothing that tells, so it may run again and does nothing twice.
        """
        return bool(self.rows) and all(self._same(row, found.get(key_of(row))) for row in self.rows)

    def _same(self, ours: Record, stored: Record | None) -> bool:
        names = _TELLING[type(ours)] if self.tells else ours._fields
        return stored is not None and all(getattr(stored, name) == getattr(ours, name) for name in names)
