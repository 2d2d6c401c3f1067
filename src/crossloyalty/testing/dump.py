"""A store as plain values: what two stores are compared by, and what invariants are checked on."""

from __future__ import annotations

from crossloyalty.application.ports import Scan, Storage
from crossloyalty.domain.records import RECORD_KINDS, Record, key_of

__all__ = ["dump"]

_PAGE_ROWS = 1_000


def dump(storage: Storage, program_id: str | None = None) -> dict[str, list[Record]]:
    """
    Read a whole program, or every one, in one snapshot.

    Args:
        program_id: Whose rows; None takes those of all programs.

    Returns:
        For each table, empty ones too, its records in the order of their keys.
    """
    prefix = () if program_id is None else (program_id,)
    tables: dict[str, list[Record]] = {}
    with storage.transaction(readonly=True) as tx:
        for kind, about in RECORD_KINDS.items():
            records: list[Record] = []
            after = None
            while True:
                page = tx.read(scans=[Scan(kind, prefix, limit=_PAGE_ROWS, after=after)]).rows[0]
                records += page
                if len(page) < _PAGE_ROWS:
                    break
                after = key_of(page[-1]).values
            tables[about.table] = records
    return tables
