"""
Rows of one order that do not stand together, found and brought together in bounded memory.

The survey pass writes the key of every run of neighbouring rows into SQLite's private temporary database, which
lives in a small page cache and spills to a temporary file by itself. Keys with more than one run are *scattered*;
only their rows are held back, in a second such database, and come out behind all others. Files in which every
order stands together, which is nearly all of them, hold nothing back.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from crossloyalty.adapters.exports.defects import DefectCode
from crossloyalty.adapters.exports.rows import Context, OrderRow
from crossloyalty.errors import StorageFull

__all__ = ["Scattered", "Spill"]

_BUFFERED = 4096


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StorageFull("the temporary file for scattered rows of an export could not be written") from error


def _temporary() -> sqlite3.Connection:
    # An empty name is a private database on disk that SQLite deletes itself. A reader may be made in one thread and
    # consumed in another, never in two at once.
    connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = OFF")
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("BEGIN")
    return connection


class Scattered:
    """The keys whose rows do not all stand together in one file."""

    def __init__(self) -> None:
        self._buffer: list[tuple[str, int]] = []
        self._last: str | None = None
        self._database: sqlite3.Connection | None = None
        self.count = 0

    def note(self, key: str | None, row: int) -> None:
        """Tell the key of the next row, None when it is unreadable; rows come in their order."""
        if key is None or key == self._last:
            return
        self._last = key
        self._buffer.append((key, row))
        if len(self._buffer) >= _BUFFERED:
            self._flush()

    def finish(self) -> None:
        """Tell that the file is over; without scattered keys the database is dropped."""
        self._flush()
        if self._database is None:
            return
        with _translated():
            self._database.execute(
                "CREATE TABLE scattered AS SELECT key, min(row) AS row FROM runs GROUP BY key HAVING count(*) > 1"
            )
            self._database.execute("DROP TABLE runs")
            self._database.execute("CREATE UNIQUE INDEX scattered_key ON scattered (key)")
            self.count = self._database.execute("SELECT count(*) FROM scattered").fetchone()[0]
        if not self.count:
            self.close()

    def first_row(self, key: str) -> int | None:
        """Give the first row of a scattered key; None when its rows stand together."""
        if self._database is None:
            return None
        with _translated():
            found = self._database.execute("SELECT row FROM scattered WHERE key = ?", (key,)).fetchone()
        return None if found is None else int(found[0])

    def close(self) -> None:
        """Give the temporary file back."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _flush(self) -> None:
        with _translated():
            if self._database is None:
                self._database = _temporary()
                self._database.execute("CREATE TABLE runs (key TEXT, row INTEGER)")
            self._database.executemany("INSERT INTO runs VALUES (?, ?)", self._buffer)
        self._buffer.clear()


class Spill:
    """The rows of scattered keys, held back until the file is over."""

    def __init__(self) -> None:
        self._database: sqlite3.Connection | None = None

    def keep(self, first_row: int, key: str, row: OrderRow) -> None:
        """Hold one row back; *key* is its group's, since a row inside a group may have none that is readable."""
        with _translated():
            if self._database is None:
                self._database = _temporary()
                self._database.execute(
                    "CREATE TABLE spilled (first INTEGER, row INTEGER, key TEXT, cells TEXT, flaw TEXT,"
                    " PRIMARY KEY (first, row)) WITHOUT ROWID"
                )
            flaw = None if row.flaw is None else row.flaw.value
            self._database.execute(
                "INSERT INTO spilled VALUES (?, ?, ?, ?, ?)",
                (first_row, row.number, key, json.dumps(row.values), flaw),
            )

    def rows(self, context: Context) -> Iterator[OrderRow]:
        """Give the rows back, those of one key together, keys in the order of their first rows."""
        if self._database is None:
            return
        found = self._database.execute("SELECT row, key, cells, flaw FROM spilled ORDER BY first, row")
        while True:
            with _translated():
                one = found.fetchone()
            if one is None:
                return
            number, key, cells, flaw = one
            yield OrderRow(number, key, tuple(json.loads(cells)), context, None if flaw is None else DefectCode(flaw))

    def close(self) -> None:
        """Give the temporary file back."""
        if self._database is not None:
            self._database.close()
            self._database = None
