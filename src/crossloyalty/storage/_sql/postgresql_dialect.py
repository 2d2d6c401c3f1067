"""PostgreSQL's words: text compared by bytes through the collation "C", many rows as one array a column."""

from __future__ import annotations

from typing import Final

from crossloyalty.storage._sql.dialect import Dialect

__all__ = ["POSTGRESQL"]

POSTGRESQL: Final = Dialect(
    name="postgresql",
    placeholder="%s",
    text_key='text COLLATE "C"',
    text="text",
    integer="bigint",
    many="arrays",
    lock_suffix=" FOR UPDATE",
)
