"""What differs between databases; one short value each."""

from __future__ import annotations

from collections.abc import Collection

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
        quote: Put around every table and column name.
        table_options: Behind the columns of a `CREATE TABLE`.
        clustered_options: The same, for the tables in *clustered*.
        clustered: Tables with short rows, kept in the tree of their key where a database has the choice.
        partial_indexes: Whether an index may leave out rows that are absent in it.
        lock_suffix: Behind a `SELECT` that locks what it finds.
    """

    name: str
    placeholder: str
    text_key: str
    text: str
    integer: str
    quote: str = '"'
    table_options: str = ""
    clustered_options: str = ""
    clustered: Collection[str] = ()
    partial_indexes: bool = True
    lock_suffix: str = ""

    def name_of(self, name: str) -> str:
        """Quote a table's or a column's name."""
        return f"{self.quote}{name}{self.quote}"
