"""
Every statement the port needs, generated from the record classes; texts are made once and found by plain look-ups.

Statements take their parameters in the order of the record's fields where they can, so that a record (a tuple)
is handed to the driver as it is; `Update.row` reorders the others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

from crossloyalty.application.ports import Scan
from crossloyalty.domain.records import Key, Record
from crossloyalty.errors import InvalidInput
from crossloyalty.storage._checks import INT_MAX, INT_MIN, check_key, check_scan, quick_check, quick_one
from crossloyalty.storage._rules import addable
from crossloyalty.storage._shape import SHAPES, Column, Shape, picker
from crossloyalty.storage._sql.ddl import listed_if
from crossloyalty.storage._sql.dialect import Dialect

__all__ = ["Form", "Statements", "TableStatements", "Update"]


Fits: TypeAlias = Callable[[Collection[tuple[Any, ...]]], bool]
FitsOne: TypeAlias = Callable[[tuple[Any, ...]], bool]


class Update(NamedTuple):
    """An `UPDATE`, and the function that puts a record into the order of its parameters."""

    sql: str
    row: Callable[[Any], tuple[Any, ...]]


class Form(NamedTuple):
    """
    What a changing statement does, for those who write it again for many rows.

    Args:
        sets: The fields it sets; the version of a root is bumped besides.
        given: The fields its parameters are for: those it sets, then those it finds its row by.
    """

    op: Literal["insert", "update", "delete"]
    shape: Shape
    sets: tuple[str, ...]
    given: tuple[str, ...]


class TableStatements(NamedTuple):
    """
    The statements of one record class.

    Args:
        insert: Takes a record.
        select: Takes a key's values; locks nothing.
        replace: Sets every field behind the key; roots are changed by `Statements.change`.
        delete: Takes a key's values.
        bump: For a root, takes the key's values and the expected version; otherwise empty.
        fits: Says whether records can be stored.
        fits_one, key_fits: Say so of one record, and of the values of one key.
        keys_fit: Says so of the values of many keys.
    """

    key_length: int
    is_root: bool
    insert: str
    select: str
    replace: Update
    delete: str
    bump: str
    fits: Fits
    fits_one: FitsOne
    key_fits: FitsOne
    keys_fit: Fits


class Statements:
    """All statements of one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.of: Mapping[type[Record], TableStatements] = {
            kind: _table_statements(dialect, shape) for kind, shape in SHAPES.items()
        }
        self.forms: dict[str, Form] = {}
        for kind, table in self.of.items():
            shape = SHAPES[kind]
            self.forms[table.insert] = Form("insert", shape, (), kind._fields)
            self.forms[table.delete] = Form("delete", shape, (), shape.key)
            rest = tuple(name for name in kind._fields if name not in shape.key)
            if shape.is_root:
                self.forms[table.bump] = Form("update", shape, (), (*shape.key, "version"))
            elif rest:
                self.forms[table.replace.sql] = Form("update", shape, rest, (*rest, *shape.key))
        self._adds: dict[tuple[type[Record], str], str] = {}
        self._scans: dict[tuple[type[Record], str | None, int, int], tuple[str, FitsOne]] = {}
        self._changes: dict[tuple[type[Record], tuple[int, ...]], Update] = {}

    def add(self, key: Key, field: str, delta: int, at_most: int | None) -> tuple[str, tuple[Any, ...]]:
        """
        Give the guarded addition: it touches no row when the sum would pass its bound or 64 bits.

        Raises:
            ConfigError: The field is not one to add to.
        """
        addable(key.kind, field, delta, at_most)
        sql = self._adds.get((key.kind, field))
        if sql is None:
            sql = self._adds[key.kind, field] = self._add(key.kind, field)
        # The bounds are on the field before the addition, because the sum itself may not fit.
        low = max(INT_MIN, INT_MIN - delta)
        high = min(INT_MAX, (INT_MAX if at_most is None else at_most) - delta)
        return sql, (delta, *key.values, *((low, high) if low <= high else (1, 0)))

    def table_of(self, kind: type[Record], keys: Sequence[Key]) -> TableStatements:
        """
        Give the statements of the table that keys of one kind name rows of.

        Raises:
            InvalidInput, WrongType: It is no kind of record, or one cannot be a key of it.
        """
        table = self.of.get(kind)
        if table is None:
            raise InvalidInput("not a key of a record class")
        fine = table.key_fits(keys[0].values) if len(keys) == 1 else table.keys_fit([key.values for key in keys])
        if not fine:
            for key in keys:
                check_key(key)
        return table

    def change(self, kind: type[Record], old: Record, new: Record) -> Update | None:
        """
        Give the update of a root that sets only the fields that differ, and its version.

        A field that is set costs a search and two changes in each of its indexes, and long texts are written again.

        Returns:
            The update, which takes the expected version as one more parameter; None when nothing differs.
        """
        positions = tuple([at for at, value in enumerate(new) if value != old[at]])
        known = self._changes.get((kind, positions))
        if known is None:
            names = [kind._fields[at] for at in positions if kind._fields[at] != "version"]
            if not names:
                return None
            shape = SHAPES[kind]
            known = self._changes[kind, positions] = _update(self.dialect, shape, names)
            self.forms[known.sql] = Form("update", shape, tuple(names), (*names, *shape.key, "version"))
        return known

    def scan(self, scan: Scan) -> tuple[str, tuple[Any, ...]]:
        """
        Give the query of a scan and its parameters.

        Raises:
            InvalidInput: The scan does not fit the record class.
        """
        kind, prefix, by, low, high, descending, limit, after = scan
        taken = len(prefix)
        parameters: tuple[Any, ...] = prefix
        parts = 1 if descending else 0
        if low is not None:
            parts |= 2
            parameters += (low,)
        if high is not None:
            parts |= 4
            parameters += (high,)
        if after is not None:
            parts |= 8
            parameters += after[taken:]
        if limit is not None:
            parts |= 16
            parameters += (limit,)
        known = self._scans.get((kind, by, taken, parts))
        if known is None:
            order = check_scan(scan)
            known = self._scans[kind, by, taken, parts] = self._scan(scan, order), _scan_fits(scan, order)
        sql, fits = known
        if not fits(parameters) or parts & 24:  # `after` and the limit have rules beyond their types
            check_scan(scan)
        return sql, parameters

    def _add(self, kind: type[Record], field: str) -> str:
        shape, mark, q = SHAPES[kind], self.dialect.placeholder, self.dialect.name_of
        return (
            f"UPDATE {self.dialect.table(shape.table)} SET {q(field)} = {q(field)} + {mark}"
            f" WHERE {_equal(self.dialect, shape.key)} AND {q(field)} BETWEEN {mark} AND {mark}"
        )

    def _scan(self, scan: Scan, order: tuple[str, ...]) -> str:
        shape, mark, q = SHAPES[scan.kind], self.dialect.placeholder, self.dialect.name_of
        taken, behind = order[: len(scan.prefix)], order[len(scan.prefix) :]
        where = [_equal(self.dialect, taken)] if taken else []
        if scan.low is not None:
            where.append(f"{q(behind[0])} >= {mark}")
        if scan.high is not None:
            where.append(f"{q(behind[0])} <= {mark}")
        # Saying which rows are not listed also lets the planner use a partial index.
        where += listed_if(self.dialect, shape, scan.by, behind)
        if scan.after is not None:
            sign = "<" if scan.descending else ">"
            if len(behind) > 1:
                where.append(f"({_list(self.dialect, behind)}) {sign} ({', '.join([mark] * len(behind))})")
            else:
                where.append(f"{q(behind[0])} {sign} {mark}" if behind else "1 = 0")
        sql = f"SELECT {_read_list(self.dialect, shape)} FROM {self.dialect.table(shape.table)}"
        if where:
            sql += f" WHERE {' AND '.join(where)}"
        if behind:
            sql += f" ORDER BY {', '.join(q(name) + (' DESC' if scan.descending else '') for name in behind)}"
        return sql if scan.limit is None else f"{sql} LIMIT {mark}"


def _scan_fits(scan: Scan, order: tuple[str, ...]) -> FitsOne:
    shape = SHAPES[scan.kind]
    columns = [shape.columns[shape.position(name)]._replace(nullable=False) for name in order]
    taken = len(scan.prefix)
    given = columns[:taken] + [columns[taken] for bound in (scan.low, scan.high) if bound is not None]
    if scan.after is not None:
        given += columns[taken:]
    if scan.limit is not None:
        given.append(Column("limit", is_text=False, nullable=False))
    return quick_one(tuple(given))


def _table_statements(dialect: Dialect, shape: Shape) -> TableStatements:
    q, mark = dialect.name_of, dialect.placeholder
    table, names, key = dialect.table(shape.table), shape.kind._fields, shape.key
    bump = ""
    if shape.is_root:
        bump = (
            f"UPDATE {table} SET {q('version')} = {q('version')} + 1"
            f" WHERE {_equal(dialect, key)} AND {q('version')} = {mark}"
        )
    return TableStatements(
        key_length=len(key),
        is_root=shape.is_root,
        insert=f"INSERT INTO {table} ({_list(dialect, names)}) VALUES ({', '.join([mark] * len(names))})",
        select=f"SELECT {_read_list(dialect, shape)} FROM {table} WHERE {_equal(dialect, key)}",
        replace=_update(dialect, shape, [name for name in names if name not in key]),
        delete=f"DELETE FROM {table} WHERE {_equal(dialect, key)}",
        bump=bump,
        fits=quick_check(shape.columns),
        fits_one=quick_one(shape.columns),
        key_fits=quick_one(shape.columns[: len(key)]),
        keys_fit=quick_check(shape.columns[: len(key)]),
    )


def _update(dialect: Dialect, shape: Shape, names: list[str]) -> Update:
    q, mark = dialect.name_of, dialect.placeholder
    sets = [f"{q(name)} = {mark}" for name in names if not (shape.is_root and name == "version")]
    where = _equal(dialect, shape.key)
    if shape.is_root:
        sets.insert(0, f"{q('version')} = {q('version')} + 1")
        where += f" AND {q('version')} = {mark}"
    given = [name for name in names if not (shape.is_root and name == "version")] + list(shape.key)
    sql = f"UPDATE {dialect.table(shape.table)} SET {', '.join(sets)} WHERE {where}" if sets else ""
    return Update(sql, picker([shape.position(name) for name in given]))


def _equal(dialect: Dialect, names: tuple[str, ...]) -> str:
    return " AND ".join(f"{dialect.name_of(name)} = {dialect.placeholder}" for name in names)


def _list(dialect: Dialect, names: tuple[str, ...]) -> str:
    return ", ".join(map(dialect.name_of, names))


def _read_list(dialect: Dialect, shape: Shape) -> str:
    indexed = {name for order in shape.orders.values() for name in order}
    return dialect.read_row.format(
        ", ".join(
            (dialect.read_key if column.is_text and column.name in indexed else "{}").format(
                dialect.name_of(column.name)
            )
            for column in shape.columns
        )
    )
