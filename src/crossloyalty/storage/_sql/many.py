"""
Calls for many rows at once: look-ups of many keys, the same scan of many prefixes, many changed rows.

A server is asked once for what a batch needs of a table. Where it takes arrays, one statement text serves any number of
rows, so that it is prepared once; where it does not, rows are written out in pieces of bounded size.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from itertools import islice
from operator import itemgetter
from typing import Any, Final

from crossloyalty.application.ports import Scan
from crossloyalty.domain.records import Key, Record
from crossloyalty.storage._shape import SHAPES, Shape
from crossloyalty.storage._sql.ddl import listed_if
from crossloyalty.storage._sql.link import Call
from crossloyalty.storage._sql.statements import Form, Statements

__all__ = ["Many"]

_ROWS_A_CALL: Final = 200
_KEYS_A_CALL: Final = 500
# Two look-ups of one key are cheaper than one of an array.
_SINGLY_UP_TO: Final = 1
# A prepared INSERT of rows written out beats one of arrays until there are many of them, and updates one by one beat a
# join with arrays (PostgreSQL 15: three rows of 19 columns 75 against 103 µs, 32 rows 230 against 270 µs).
_ARRAYS_FROM: Final = 49
_CHANGED_SINGLY_UP_TO: Final = 8
_INSERTED_AT_ONCE: Final = 8
_LARGEST_PIECE: Final = 32


class Many:
    """
    Makes calls for many rows.

    Args:
        statements: Those of one dialect.
    """

    def __init__(self, statements: Statements) -> None:
        self.statements = statements
        self._dialect = statements.dialect
        self._texts: dict[tuple[Any, ...], str] = {}
        self._puts: dict[str, tuple[str, str]] = {}

    def selects(self, kind: type[Record], keys: Sequence[Key], suffix: str = "") -> Iterator[Call]:
        """
        Look rows up by their keys.

        Args:
            keys: All of this kind, each once.
            suffix: What a locking look-up ends with.

        Raises:
            InvalidInput, WrongType: A key cannot be one of this kind.
        """
        table = self.statements.table_of(kind, keys)
        many = self._dialect.many
        if len(keys) <= _SINGLY_UP_TO or many == "none":
            for key in keys:
                yield Call(table.select + suffix, key.values, kind)
        elif many == "arrays":
            sql = self._text(("select", kind, suffix), lambda: self._select_arrays(SHAPES[kind], suffix))
            yield Call(sql, tuple(map(list, zip(*(key.values for key in keys), strict=True))), kind)
        else:
            left = iter(keys)
            while part := list(islice(left, _KEYS_A_CALL)):
                yield self._select_rows(kind, part, suffix)

    def scans(self, scans: Sequence[Scan], suffix: str = "") -> list[tuple[Call, list[int]]]:
        """
        Ask for scans, those that differ in their prefix alone by one call.

        Args:
            suffix: What a locking scan ends with.

        Returns:
            Calls, each with the places of the scans it answers; `split` deals its rows out.

        Raises:
            InvalidInput, WrongType: A scan does not fit its record class.
        """
        calls: list[tuple[Call, list[int]]] = []
        alike: dict[tuple[Any, ...], list[int]] = {}
        asked: list[tuple[str, tuple[Any, ...]]] = []
        for place, scan in enumerate(scans):
            sql, row = self.statements.scan(scan)
            asked.append((sql, row))
            taken = len(scan.prefix)
            if self._dialect.many == "arrays" and taken and scan.limit is None and scan.after is None:
                alike.setdefault((sql, row[taken:]), []).append(place)
            else:
                calls.append((Call(sql + suffix, row, scan.kind), [place]))
        for (sql, behind), places in alike.items():
            first = scans[places[0]]
            if len(places) == 1:
                calls.append((Call(sql + suffix, asked[places[0]][1], first.kind), places))
                continue
            text = self._text(("scan", sql, suffix), partial(self._scan_arrays, first, suffix))
            prefixes = dict.fromkeys(scans[place].prefix for place in places)
            columns = tuple(map(list, zip(*prefixes, strict=True)))
            calls.append((Call(text, (*columns, *behind), first.kind), places))
        return calls

    def split(
        self, scans: Sequence[Scan], places: Sequence[int], rows: Sequence[Any]
    ) -> Iterator[tuple[int, list[Any]]]:
        """Deal the rows of one call out to the scans it answers."""
        if len(places) == 1:
            yield places[0], list(rows)
            return
        first = scans[places[0]]
        shape = SHAPES[first.kind]
        prefix_of = _tuple_getter([shape.position(name) for name in shape.orders[first.by][: len(first.prefix)]])
        dealt: dict[tuple[Any, ...], list[Any]] = {scans[place].prefix: [] for place in places}
        for row in rows:
            dealt[prefix_of(row)].append(row)
        for place in places:
            yield place, dealt[scans[place].prefix]

    def changes(self, sql: str, rows: Sequence[Any], *, known: bool = False) -> Iterator[Call]:
        """
        Change rows.

        Args:
            sql: One of the texts in `Statements`.
            rows: Their parameters, in the order of that text.
            known: Those to be changed are known to be there.
        """
        form, many = self.statements.forms[sql], self._dialect.many
        if form.op == "insert" and many != "none":
            if many == "arrays" and len(rows) >= _ARRAYS_FROM:
                yield self._changed_by_arrays(sql, form, rows)
            else:
                yield from self._inserted(sql, "", rows)
        elif known and form.op == "update" and not form.shape.is_root and 1 < len(rows) < _ARRAYS_FROM:
            head, tail = self._put(sql, form)
            for call in self._inserted(head, tail, rows):
                yield call._replace(expected=None)  # databases count a row that is set in ways of their own
        elif many == "arrays" and len(rows) > _CHANGED_SINGLY_UP_TO:
            yield self._changed_by_arrays(sql, form, rows)
        else:
            for row in rows:
                yield Call(sql, row, expected=1)

    def _inserted(self, sql: str, tail: str, rows: Sequence[Any]) -> Iterator[Call]:
        prepared = self._dialect.many == "arrays"
        left = iter(rows)
        for size in _pieces(len(rows), prepared=prepared):
            if size == 1:
                yield Call(sql + tail, next(left), expected=1)
                continue
            make = partial(_repeated, sql, size)
            text = self._text(("insert", sql, size), make) if prepared else make()
            yield Call(text + tail, [value for row in islice(left, size) for value in row], expected=size)

    def _put(self, sql: str, form: Form) -> tuple[str, str]:
        """Give the INSERT that sets rows which are there, in two parts, because many rows are set by one statement."""
        known = self._puts.get(sql)
        if known is None:
            q, dialect = self._dialect.name_of, self._dialect
            head = (
                f"INSERT INTO {dialect.table(form.shape.table)} ({', '.join(map(q, form.given))})"
                f" VALUES ({', '.join([dialect.placeholder] * len(form.given))})"
            )
            sets = ", ".join(f"{q(name)} = {dialect.given.format(q(name))}" for name in form.sets)
            tail = dialect.put.format(key=", ".join(map(q, form.shape.key)), sets=sets)
            known = self._puts[sql] = head, tail
        return known

    def _changed_by_arrays(self, sql: str, form: Form, rows: Sequence[Any]) -> Call:
        text = self._text(("many", sql), lambda: self._change_arrays(form))
        return Call(text, tuple(map(list, zip(*rows, strict=True))), expected=len(rows))

    def _text(self, name: tuple[Any, ...], make: Callable[[], str]) -> str:
        text = self._texts.get(name)
        if text is None:
            text = self._texts[name] = make()
        return text

    def _select_arrays(self, shape: Shape, suffix: str) -> str:
        # Rows are locked in the order they are asked for, which is the global one.
        return self._each(shape, shape.key, "", suffix)

    def _scan_arrays(self, scan: Scan, suffix: str) -> str:
        shape, q, mark = SHAPES[scan.kind], self._dialect.name_of, self._dialect.placeholder
        order = shape.orders[scan.by]
        taken, behind = order[: len(scan.prefix)], order[len(scan.prefix) :]
        rest = [
            f"x.{q(behind[0])} {sign} {mark}"
            for sign, bound in ((">=", scan.low), ("<=", scan.high))
            if bound is not None
        ]
        rest += listed_if(self._dialect, shape, scan.by, behind, "x.")
        tail = "".join(f" AND {condition}" for condition in rest)
        if behind:
            tail += f" ORDER BY {', '.join(f'x.{q(name)}' + (' DESC' if scan.descending else '') for name in behind)}"
        return self._each(shape, taken, tail, suffix)

    def _each(self, shape: Shape, names: tuple[str, ...], tail: str, suffix: str) -> str:
        """
        Look up by each element of arrays.

        A plain join would be planned once, perhaps while the table is still empty, and then read all of it for ever;
        behind OFFSET 0 the planner can only go from an element to its rows.
        """
        q = self._dialect.name_of
        matches = " AND ".join(f"x.{q(name)} = v.{q(name)}" for name in names)
        return (
            f"SELECT t.* FROM {self._arrays(shape, names)} AS v ({', '.join(map(q, names))})"
            f" CROSS JOIN LATERAL (SELECT {', '.join(f'x.{q(name)}' for name in shape.kind._fields)}"
            f" FROM {self._dialect.table(shape.table)} x WHERE {matches}{tail}{suffix} OFFSET 0) t"
        )

    def _change_arrays(self, form: Form) -> str:
        shape, q = form.shape, self._dialect.name_of
        table = self._dialect.table(shape.table)
        given = self._arrays(shape, form.given)
        if form.op == "insert":
            return f"INSERT INTO {table} ({', '.join(map(q, form.given))}) SELECT * FROM {given}"
        names = [f"v{at}" for at in range(len(form.given))]
        found_by = list(zip(form.given, names, strict=True))[len(form.sets) :]
        matches = " AND ".join(f"x.{q(name)} = v.{alias}" for name, alias in found_by)
        # As in `_each`; the rows are locked through their roots, so their places stay.
        rows = (
            f"(SELECT v.*, k.place FROM {given} AS v ({', '.join(names)}) CROSS JOIN LATERAL"
            f" (SELECT x.ctid AS place FROM {table} x WHERE {matches} OFFSET 0) k) s"
        )
        if form.op == "delete":
            changed = f"DELETE FROM {table} t USING {rows}"
        else:
            sets = [f"{q(name)} = s.{alias}" for name, alias in zip(form.sets, names, strict=False)]
            if shape.is_root:
                sets.append(f"{q('version')} = t.{q('version')} + 1")
            changed = f"UPDATE {table} t SET {', '.join(sets)} FROM {rows}"
        return f"{changed} WHERE t.ctid = s.place"

    def _arrays(self, shape: Shape, names: Collection[str]) -> str:
        mark = self._dialect.placeholder
        columns = [shape.columns[shape.position(name)] for name in names]
        return (
            f"unnest({', '.join(f'{mark}::text[]' if column.is_text else f'{mark}::bigint[]' for column in columns)})"
        )

    def _select_rows(self, kind: type[Record], keys: Sequence[Key], suffix: str) -> Call:
        shape, q, mark = SHAPES[kind], self._dialect.name_of, self._dialect.placeholder
        head = keys[0].values[:-1]
        sql = self.statements.of[kind].select
        sql = sql[: sql.index(" WHERE ")]
        if all(key.values[:-1] == head for key in keys):
            where = [f"{q(name)} = {mark}" for name in shape.key[:-1]]
            where.append(f"{q(shape.key[-1])} IN ({', '.join([mark] * len(keys))})")
            row: list[Any] = [*head, *(key.values[-1] for key in keys)]
        else:
            one = f"({' AND '.join(f'{q(name)} = {mark}' for name in shape.key)})"
            where = [" OR ".join([one] * len(keys))]
            row = [value for key in keys for value in key.values]
        order = f" ORDER BY {', '.join(map(q, shape.key))}" if suffix else ""
        return Call(f"{sql} WHERE {' AND '.join(where)}{order}{suffix}", row, kind)


def _repeated(sql: str, rows: int) -> str:
    """Write the values of an INSERT out for so many rows."""
    marks = sql[sql.rindex(" VALUES ") + 8 :]
    return sql + f", {marks}" * (rows - 1)


def _pieces(rows: int, *, prepared: bool) -> Iterator[int]:
    """Deal rows out to statements; those to be prepared come in few sizes."""
    while rows:
        if not prepared:
            piece = min(rows, _ROWS_A_CALL)
        elif rows <= _INSERTED_AT_ONCE:
            piece = rows
        else:
            piece = min(1 << (rows.bit_length() - 1), _LARGEST_PIECE)
        yield piece
        rows -= piece


def _tuple_getter(places: Sequence[int]) -> Any:
    if len(places) == 1:
        only = places[0]
        return lambda row: (row[only],)
    return itemgetter(*places)
