"""The rules of the port that every storage applies in the same way: lock order, roots, additions."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import cache
from typing import Any

from crossloyalty.application.ports import Insert, Replace, Scan
from crossloyalty.domain.records import Key, Record, RootKey
from crossloyalty.errors import ConfigError, Conflict, InvalidInput, WrongType, shown
from crossloyalty.storage._checks import INT_MAX, INT_MIN
from crossloyalty.storage._shape import SHAPES, lock_order

__all__ = ["addable", "bumped", "fresh_root", "in_lock_order", "kind_of", "lists_any", "refuse_root", "version_of"]


def lists_any(scans: Iterable[Scan], missing: Iterable[RootKey]) -> bool:
    """Say whether a scan may list a root that `lock` found missing, so that it has to be created before."""
    return not {root.kind for root in missing}.isdisjoint(scan.kind for scan in scans)


def in_lock_order(roots: Collection[RootKey], locked: Collection[RootKey]) -> list[RootKey]:
    """
    Give the roots that are still to be locked, in the global order.

    Args:
        locked: Those this transaction holds already.

    Raises:
        Conflict: One of them sorts before a root that is held; the caller starts again with the larger set.
        ConfigError: A key does not name a root.
    """
    fresh = [root for root in roots if root not in locked] if locked else list(roots)
    if len(fresh) > 1:
        fresh = sorted(set(fresh), key=lock_order)
    if fresh and locked and lock_order(fresh[0]) < max(map(lock_order, locked)):
        raise Conflict(f"a root of {SHAPES[fresh[0].kind].table} has to be locked earlier; start again with it")
    if len(fresh) == 1:
        lock_order(fresh[0])  # refuses what is not a root
    return fresh


def kind_of(rows: Insert | Replace) -> type[Record]:
    """
    Give the record class of the rows of one change.

    Raises:
        InvalidInput: They are of several classes, or there are none.
    """
    kinds = {type(rows[0])} if len(rows) == 1 else set(map(type, rows))
    if len(kinds) != 1:
        raise InvalidInput("one change adds or replaces rows of one kind, at least one")
    return kinds.pop()


def refuse_root(key: Key, done: str) -> None:
    """
    Refuse to insert or delete a root: `lock` creates it, and it stays.

    Raises:
        ConfigError: The key names a root.
    """
    if SHAPES[key.kind].is_root:
        raise ConfigError(f"a root of {SHAPES[key.kind].table} is created by lock and never {done}")


def addable(kind: type[Record], field: str, delta: int, at_most: int | None) -> int:
    """
    Give the place of a field one may add to.

    Args:
        field: Its name; an integer that is neither a key, a version, nor absent sometimes.
        delta, at_most: In the field's unit, 64-bit integers.

    Raises:
        ConfigError: No such field.
        WrongType: The amounts are not 64-bit integers.
    """
    shape = SHAPES[kind]
    for amount in (delta,) if at_most is None else (delta, at_most):
        if type(amount) is not int or not INT_MIN <= amount <= INT_MAX:
            raise WrongType(f"{shape.table}.{shown(field)} takes 64-bit integers, not {shown(amount)}")
    at = shape.position(field) if field in kind._fields else -1
    if at < len(shape.key) or field == "version" or shape.columns[at].is_text or shape.columns[at].nullable:
        raise ConfigError(f"nothing can be added to {shape.table}.{shown(field)}")
    return at


def fresh_root(root: RootKey) -> Record:
    """Give a root as `lock` creates it: version 0, every other field behind the key at its default."""
    kind: Any = root.kind
    record: Record = kind(*root.values)
    return record


def version_of(record: Any) -> int:
    """Give the version of a root."""
    version: int = record.version
    return version


def bumped(record: Any, version: int) -> Record:
    """Give a root with this version."""
    kind: Any = type(record)
    at = _version_at(kind)
    # As `_replace` does, four times as fast.
    root: Record = tuple.__new__(kind, (*record[:at], version, *record[at + 1 :]))
    return root


@cache
def _version_at(kind: Any) -> int:
    at: int = kind._fields.index("version")
    return at
