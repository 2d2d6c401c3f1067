"""
What the checks know of the record classes.

Read from the classes again, and not from the storages' own reading of them, so that a mistake there shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple, get_type_hints

from crossloyalty.domain.records import RECORD_KINDS, ROOT_KINDS, Record

__all__ = ["SHAPES", "Column", "Shape"]


class Column(NamedTuple):
    """One field: its name, whether it is text (otherwise an integer), whether it may be absent."""

    name: str
    is_text: bool
    nullable: bool


class Shape(NamedTuple):
    """
    One record class.

    `orders` gives for each index (None is the key) the fields its rows are ordered by, `filled` for some of them a
    text field that has to be filled for a row to be listed.
    """

    kind: type[Record]
    table: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    orders: Mapping[str | None, tuple[str, ...]]
    filled: Mapping[str, str]
    is_root: bool

    def position(self, name: str) -> int:
        """Give the place of a field, counted from 0."""
        return self.kind._fields.index(name)


def _shape(kind: type[Record]) -> Shape:
    about = RECORD_KINDS[kind]
    key = kind._fields[: about.key_length]
    orders: dict[str | None, tuple[str, ...]] = {None: key}
    for index, fields in about.indexes.items():
        orders[index] = fields + tuple(name for name in key if name not in fields)
    hints = get_type_hints(kind)
    columns = tuple(
        Column(name, hints[name] in (str, str | None), hints[name] in (int | None, str | None)) for name in kind._fields
    )
    return Shape(kind, about.table, columns, key, orders, about.filled, kind in ROOT_KINDS)


SHAPES: Final[Mapping[type[Record], Shape]] = {kind: _shape(kind) for kind in RECORD_KINDS}
