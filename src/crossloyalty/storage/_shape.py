"""
What the record classes say about themselves, read once: columns, types, keys, index order.

Every storage works from these facts, so that a new record class needs no new code in any of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from operator import itemgetter
from typing import Any, Final, NamedTuple, get_args, get_type_hints

from crossloyalty.domain.records import RECORD_KINDS, ROOT_KINDS, Key, Record, RootKey
from crossloyalty.errors import ConfigError

__all__ = ["ROOT_RANK", "SHAPES", "Column", "Shape", "lock_order", "picker"]

# The place of each root kind in the global lock order.
ROOT_RANK: Final[Mapping[type[Record], int]] = {kind: rank for rank, kind in enumerate(ROOT_KINDS)}


class Column(NamedTuple):
    """One field of a record: its name, whether it is text (otherwise a 64-bit integer), whether it may be absent."""

    name: str
    is_text: bool
    nullable: bool


class Shape(NamedTuple):
    """
    One record class as a table.

    Args:
        key: The names of the primary key's fields.
        orders: For each index (None is the primary key) its fields and, behind them, the key fields it lacks;
            a row that is absent in one of them is not listed by that index.
        filled: For some indexes a text field of theirs; a row where it is empty is not listed either.
    """

    kind: type[Record]
    table: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    orders: Mapping[str | None, tuple[str, ...]]
    filled: Mapping[str, str]

    def position(self, name: str) -> int:
        """Give the place of a column, counted from 0."""
        return self.kind._fields.index(name)

    @property
    def is_root(self) -> bool:
        """Say whether rows of this kind are roots: locked, versioned, created by `lock`."""
        return self.kind in ROOT_RANK


def picker(positions: Collection[int]) -> Callable[[Any], tuple[Any, ...]]:
    """
    Give a function that picks these places out of a record, always as a tuple.

    Args:
        positions: Places counted from 0, in the order wanted.
    """
    chosen = tuple(positions)
    if len(chosen) > 1:
        return itemgetter(*chosen)
    if chosen:  # itemgetter of one place gives the bare value
        return lambda record: (record[chosen[0]],)
    return lambda _record: ()


def lock_order(root: RootKey) -> tuple[int, tuple[str | int, ...]]:
    """
    Give the place of a root in the global lock order: by kind, then by key.

    Raises:
        ConfigError: The key does not name a root.
    """
    rank = ROOT_RANK.get(root.kind)
    if rank is None:
        raise ConfigError(f"{_name(root)} is not a root and cannot be locked")
    return rank, root.values


def _name(key: Key) -> str:
    return getattr(key.kind, "__name__", "this")


def _shape(kind: type[Record]) -> Shape:
    about = RECORD_KINDS[kind]
    hints = get_type_hints(kind)
    columns = []
    for name in kind._fields:
        types = set(get_args(hints[name])) or {hints[name]}
        nullable = type(None) in types
        types.discard(type(None))
        if types not in ({str}, {int}):
            raise ConfigError(f"{kind.__name__}.{name} must be text or an integer")
        columns.append(Column(name, types == {str}, nullable))
    key = kind._fields[: about.key_length]
    orders: dict[str | None, tuple[str, ...]] = {None: key}
    for index, fields in about.indexes.items():
        orders[index] = fields + tuple(name for name in key if name not in fields)
    for index, name in about.filled.items():
        if Column(name, is_text=True, nullable=False) not in columns or name not in orders[index]:
            raise ConfigError(f"{kind.__name__}: {index} asks for {name}, which is no text of its own")
    return Shape(kind, about.table, tuple(columns), key, orders, about.filled)


SHAPES: Final[Mapping[type[Record], Shape]] = {kind: _shape(kind) for kind in RECORD_KINDS}
