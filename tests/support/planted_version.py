"""A version 0 of the schema that never was, so that the way up to version 1 can be tried on real databases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pytest

from crossloyalty.storage._sql import versions
from crossloyalty.storage._sql.ddl import VERSION_TABLE, schema
from crossloyalty.storage._sql.dialect import Dialect

__all__ = ["COLUMN", "INDEX", "OLD_CHECKSUM", "old_schema", "plant"]

# What version 0 lacks.
COLUMN: Final = ("members", "tier_on")
INDEX: Final = "lots_by_due"
OLD_CHECKSUM: Final = "0" * 64


def old_schema(dialect: Dialect) -> list[str]:
    """Give the statements that install version 0 with one member in it."""
    made = dict(schema(dialect))
    del made[dialect.prefix + INDEX]
    table = COLUMN[0]
    members = made[dialect.prefix + table]
    made[dialect.prefix + table] = members.replace(_column(dialect), "")
    assert made[dialect.prefix + table] != members
    names = ["program_id", "member_id", "version", "last_at", "entry_seq", "entry_hash", "event_seq", "event_hash"]
    names += ["tier", "qualifications", "blocked_reason", "attempts"]
    return [
        *made.values(),
        f"INSERT INTO {dialect.table(VERSION_TABLE)} VALUES (0, '{OLD_CHECKSUM}', 1)",
        f"INSERT INTO {dialect.table(table)} ({', '.join(map(dialect.name_of, names))})"
        " VALUES ('p', 'm', 1, 5, 0, '', 0, '', 'gold', '', '', '')",
    ]


def plant(monkeypatch: pytest.MonkeyPatch, *more: str) -> None:
    """
    Let the library know version 0 and the step from it to version 1, for the length of a test.

    Args:
        more: Statements at the end of the step.
    """
    checksums = dict.fromkeys(("sqlite", "postgresql", "mysql"), OLD_CHECKSUM)
    monkeypatch.setitem(versions.STEPS, 1, versions.Step(checksums, lambda dialect: [*_changes(dialect), *more]))


def _changes(dialect: Dialect) -> Sequence[str]:
    # MySQL gives a text that has to be there the empty text by itself, and 5.7 knows no default for it.
    default = "" if dialect.name == "mysql" else " DEFAULT ''"
    column = _column(dialect).strip().rstrip(",") + default
    return [f"ALTER TABLE {dialect.table(COLUMN[0])} ADD COLUMN {column}", schema(dialect)[dialect.prefix + INDEX]]


def _column(dialect: Dialect) -> str:
    return f"  {dialect.name_of(COLUMN[1])} {dialect.text} NOT NULL,\n"
