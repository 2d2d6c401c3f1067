"""What differs between databases; one short value each."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

import attrs

__all__ = ["Dialect"]


@attrs.frozen
class Dialect:
    """
    The words one database wants.

    Args:
        name: Appears in the checksum of the schema.
        placeholder: How its driver marks a parameter.
        text_key: Type of text in a key or an index; has to compare by bytes.
        text: Type of other text.
        integer: Type of a 64-bit integer.
        many: How one statement takes many rows: one array a column, or a list of rows written out; "none" where the
            driver sends a row at a time anyway.
        quote: Put around every table and column name.
        prefix: In front of every table's name, because the tables may stand among a host's own.
        table_options: Behind the columns of a `CREATE TABLE`.
        clustered_options: The same, for the tables in *clustered*.
        clustered: Tables with short rows, kept in the tree of their key where a database has the choice.
        partial_indexes: Whether an index may leave out rows that are absent in it.
        lock_suffix: Behind a `SELECT` that locks what it finds against everybody.
        share_suffix: Behind a `SELECT` that reads the newest committed rows inside an older snapshot.
        read_key: How a text of a key is selected so that the driver gives text; `{}` is the column.
        read_row: How the columns of a record are selected; as one JSON array where a driver is slow to read columns.
        put: Behind an `INSERT` whose rows may be there already, so that they are set instead; `{key}` and `{sets}`.
        given: How `{sets}` names a value that was to be inserted; `{}` is the column.
        transactional_ddl: Whether `CREATE TABLE` is undone by a rollback.
    """

    name: str
    placeholder: str
    text_key: str
    text: str
    integer: str
    many: Literal["none", "arrays", "rows"] = "none"
    quote: str = '"'
    prefix: str = "crossloyalty_"
    table_options: str = ""
    clustered_options: str = ""
    clustered: Collection[str] = ()
    partial_indexes: bool = True
    lock_suffix: str = ""
    share_suffix: str = ""
    read_key: str = "{}"
    read_row: str = "{}"
    put: str = " ON CONFLICT ({key}) DO UPDATE SET {sets}"
    given: str = "excluded.{}"
    transactional_ddl: bool = True

    def name_of(self, name: str) -> str:
        """Quote a column's name."""
        return f"{self.quote}{name}{self.quote}"

    def table(self, name: str) -> str:
        """Quote the name a table or an index has in the database."""
        return f"{self.quote}{self.prefix}{name}{self.quote}"
