"""Whether the tables and indexes of an SQLite file are those this library works with."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from crossloyalty.storage._sql.ddl import schema
from crossloyalty.storage._sql.sqlite_dialect import SQLITE

__all__ = ["differences"]


def differences(handle: sqlite3.Connection) -> list[str]:
    """Name every table and index of ours that is missing or of another shape in this file."""
    wanted = schema(SQLITE)
    found = _texts(handle)
    other = sorted(name for name, sql in wanted.items() if found.get(name) != sql)
    if not other:
        return []
    # An upgraded file has other texts for the same tables, so shapes are compared with those of a new store.
    with closing(sqlite3.connect(":memory:")) as new:
        for sql in wanted.values():
            new.execute(sql)
        return [name for name in other if name not in found or _shape(handle, name) != _shape(new, name)]


def _texts(handle: sqlite3.Connection) -> Mapping[str, str]:
    return dict(handle.execute("SELECT name, sql FROM sqlite_master"))


def _shape(handle: sqlite3.Connection, name: str) -> tuple[Any, ...]:
    columns = handle.execute('SELECT name, type, "notnull", pk, hidden FROM pragma_table_xinfo(?)', (name,)).fetchall()
    flags = handle.execute("SELECT type, wr, strict FROM pragma_table_list(?)", (name,)).fetchall()
    indexes = handle.execute('SELECT name, "unique", origin FROM pragma_index_list(?)', (name,)).fetchall()
    # Of a table: how the key and every index of it compares text; of an index: its own columns.
    inside = [
        (index, handle.execute('SELECT name, coll, "desc" FROM pragma_index_xinfo(?) WHERE key', (index,)).fetchall())
        for index in sorted({name, *(index for index, _unique, _origin in indexes)})
    ]
    predicate = _texts(handle)[name].partition(" WHERE ")[2]
    return sorted(columns), flags, sorted(indexes), inside, predicate
