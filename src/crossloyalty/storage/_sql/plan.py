"""
What one `write` sends to the database: the changes, grouped by statement.

A group is sent in one call. Grouping changes nothing, because a key appears once in a write (additions excepted,
which keep their order): the caller promises that, `MemoryStorage` checks it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final, NamedTuple, TypeAlias

from crossloyalty.application.ports import Add, Change, Delete, Insert, Replace
from crossloyalty.domain.records import Key, Record, RootKey
from crossloyalty.errors import ConfigError, Conflict, InvalidInput
from crossloyalty.storage._checks import check_key, check_record
from crossloyalty.storage._rules import bumped, kind_of, refuse_root, version_of
from crossloyalty.storage._shape import SHAPES
from crossloyalty.storage._sql.statements import Statements, TableStatements

__all__ = ["Plan", "plan"]

# Fewer rows are not worth sorting.
_SORTED_FROM: Final = 64
Rows: TypeAlias = list[Any]


class Plan(NamedTuple):
    """
    Statements in the order to send them.

    Args:
        groups: Each statement with its rows; every row must touch exactly one row of the store, else `Conflict`.
        adds: Additions, each with its statement and row; one that touches nothing is `LimitReached`, or `Conflict`
            when there is no such row.
    """

    groups: Mapping[str, Rows]
    adds: Sequence[tuple[Add, str, tuple[Any, ...]]]


def plan(
    statements: Statements,
    changes: Sequence[Change],
    roots: Mapping[RootKey, int],
    *,
    locked: Mapping[RootKey, Record],
    missing: Collection[RootKey] = (),
) -> Plan:
    """
    Turn changes into statements.

    Args:
        roots: The roots to bump, with the versions they must still have.
        locked: The roots this transaction holds, as they are stored.
        missing: Those of *locked* which the store does not hold yet; they are inserted here.

    Raises:
        Conflict: A root's version is not the one given.
        InvalidInput, WrongType: A value cannot be stored.
        ConfigError: The port's rules are broken: a root inserted, deleted, or written without being locked.
    """
    inserted: defaultdict[type[Record], Rows] = defaultdict(list)
    replaced: defaultdict[type[Record], Rows] = defaultdict(list)
    deleted: defaultdict[type[Record], Rows] = defaultdict(list)
    adds: list[tuple[Add, str, tuple[Any, ...]]] = []
    for change in changes:
        if isinstance(change, Insert):
            inserted[kind_of(change)] += change
        elif isinstance(change, Replace):
            replaced[kind_of(change)] += change
        elif isinstance(change, Delete):
            check_key(change.key)
            refuse_root(change.key, "deleted")
            deleted[change.key.kind].append(change.key.values)
        elif isinstance(change, Add):
            check_key(change.key)
            adds.append((change, *statements.add(*change)))
        else:
            raise InvalidInput(f"not a change: {type(change).__name__}")
    groups: dict[str, Rows] = {}
    new_roots: dict[RootKey, Any] = {}
    for kind, rows in inserted.items():
        table = _checked(statements, kind, rows)
        if table.is_root:
            raise ConfigError(f"a root of {SHAPES[kind].table} is created by lock and never inserted")
        if len(rows) > _SORTED_FROM:
            rows.sort(key=itemgetter(slice(table.key_length)))  # neighbours in an index are written together
        groups[table.insert] = rows
    for kind, rows in replaced.items():
        table = _checked(statements, kind, rows)
        if table.is_root:
            length = table.key_length
            new_roots.update((Key(kind, record[:length]), record) for record in rows)
        else:
            groups[table.replace.sql] = list(map(table.replace.row, rows))
    for kind, rows in deleted.items():
        groups[statements.of[kind].delete] = rows
    return Plan(_roots(statements, roots, new_roots, locked, missing) | groups, adds)


def _checked(statements: Statements, kind: type[Record], rows: Rows) -> TableStatements:
    table = statements.of.get(kind)
    if table is None:
        raise InvalidInput(f"not a record: {kind.__name__}")
    if not (table.fits_one(rows[0]) if len(rows) == 1 else table.fits(rows)):
        for record in rows:
            check_record(record)
    return table


def _roots(
    statements: Statements,
    roots: Mapping[RootKey, int],
    replaced: Mapping[RootKey, Record],
    locked: Mapping[RootKey, Record],
    missing: Collection[RootKey],
) -> dict[str, Rows]:
    groups: dict[str, Rows] = {}
    for key, version in roots.items():
        kind, values = key
        old = locked.get(key)
        if old is None:
            raise ConfigError(f"a root of {SHAPES[kind].table} was written without being locked")
        # Told now: a server that gets the changes together with COMMIT would find out behind it.
        if version != version_of(old):
            raise Conflict(f"a version of {SHAPES[kind].table} has moved on")
        table = statements.of[kind]
        record = replaced.get(key)
        row: tuple[Any, ...]
        if key in missing:
            sql, row = table.insert, bumped(old if record is None else record, 1)
        elif record is None:
            sql, row = table.bump, (*values, version)
        else:
            update = statements.change(kind, old, record)
            sql, row = (
                (table.bump, (*values, version)) if update is None else (update.sql, (*update.row(record), version))
            )
        rows = groups.get(sql)
        if rows is None:
            groups[sql] = [row]
        else:
            rows.append(row)
    if not replaced.keys() <= roots.keys():
        raise ConfigError("a root is replaced but not among the roots to bump")
    for key in missing:
        if key not in roots:
            groups.setdefault(statements.of[key.kind].insert, []).append(locked[key])
    return groups
