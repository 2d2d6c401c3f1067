"""
By what a lost COMMIT is settled: one row that is in the store exactly when the transaction is.

The row is looked up on another connection under the lock of the roots that were written, so that a COMMIT which the
server is still busy with has ended by then. COMMIT itself is never sent again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, Self

import attrs

from crossloyalty.application.ports import Change, Insert
from crossloyalty.domain.records import (
    ClaimRecord,
    EntryRecord,
    EventRecord,
    ProgramRecord,
    Record,
    RequestRecord,
    RootKey,
)

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
        row: A row it inserted; None when it inserted none.
    """

    roots: tuple[RootKey, ...]
    row: Record | None = None

    @classmethod
    def of(cls, changes: Sequence[Change], roots: Collection[RootKey]) -> Self:
        """Choose among the changes of one `write`."""
        inserted = [change[0] for change in changes if isinstance(change, Insert)]
        return cls(tuple(roots), min(inserted, key=lambda row: _RANK.get(type(row), len(_RANK)), default=None))

    def confirmed(self, row: Record | None) -> bool:
        """
        Say whether the transaction was committed.

        Args:
            row: What is stored under the key of the telling row.

        Returns:
            True when it was. False when it was not, and when that cannot be known because it inserted nothing: such a
            transaction may run again, because it finds what it did and does nothing twice.
        """
        if self.row is None or row is None:
            return False
        names = _TELLING.get(type(self.row), self.row._fields)
        return all(getattr(row, name) == getattr(self.row, name) for name in names)
