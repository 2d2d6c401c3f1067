"""Connections of drivers, held by the host: one cursor, one statement after the other, or psycopg's pipeline."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, Final

from crossloyalty.storage._sql.host_link import answered, done, sqlite_begin
from crossloyalty.storage._sql.link import Answer, Call

__all__ = ["DbapiLink", "PsycopgLink", "SqliteLink", "plain_cursor"]


def plain_cursor(module: str) -> Callable[[Any], Any]:
    """
    Give a function that opens a cursor whose rows are tuples, whatever class of cursor the host prefers.

    Args:
        module: Where the driver keeps its own; loaded, since there is a connection.
    """
    if module == "psycopg2.extensions":
        return lambda connection: connection.cursor(cursor_factory=sys.modules[module].cursor)
    return lambda connection: connection.cursor(sys.modules[module].Cursor)


class DbapiLink:
    """
    See `HostLink`.

    Args:
        connection: Any of PEP 249, or one whose calls are awaited.
        cursor: Opens a cursor on it.
    """

    def __init__(self, connection: Any, dialect: str, cursor: Callable[[Any], Any], *, is_async: bool = False) -> None:
        self.dialect = dialect
        self.is_async = is_async
        self.handle: Any = connection
        self._cursor = cursor

    async def begin(self, *, writing: bool) -> None:
        """See `HostLink.begin`; the server says it with the first statement."""

    async def send(self, calls: Sequence[Call]) -> list[Answer]:
        """See `HostLink.send`."""
        cursor = await done(self._cursor(self.handle))
        answers = []
        try:
            for call in calls:
                await done(cursor.execute(call.sql, call.row) if call.row else cursor.execute(call.sql))
                answers.append(await answered(call, cursor, cursor.fetchall))
        finally:
            await done(cursor.close())
        return answers

    def is_inside(self) -> bool:
        """See `HostLink.is_inside`."""
        return True

    def mark_lost(self) -> None:
        """See `HostLink.mark_lost`: a driver has nothing to be told."""


def _sqlite_cursor(connection: Any) -> Any:
    cursor = connection.cursor()
    cursor.row_factory = None
    return cursor


class SqliteLink(DbapiLink):
    """A connection of `sqlite3`."""

    def __init__(self, connection: Any) -> None:
        super().__init__(connection, "sqlite", _sqlite_cursor)

    async def begin(self, *, writing: bool) -> None:
        """See `HostLink.begin`."""
        begin = sqlite_begin(self.handle, writing=writing)
        if begin is not None:
            await self.send([Call(begin)])

    def is_inside(self) -> bool:
        """See `HostLink.is_inside`: SQLite rolls back by itself after some errors."""
        return bool(self.handle.in_transaction)


class _Entered:
    """A context manager of psycopg's, plain or asynchronous, spelled async."""

    def __init__(self, manager: Any, *, is_async: bool) -> None:
        self._manager = manager
        self._is_async = is_async

    async def __aenter__(self) -> None:
        if self._is_async:
            await self._manager.__aenter__()
        else:
            self._manager.__enter__()

    async def __aexit__(self, *error: Any) -> None:
        if self._is_async:
            await self._manager.__aexit__(*error)
        else:
            self._manager.__exit__(*error)


_TUPLE_ROWS: Final = "psycopg.rows"


class PsycopgLink:
    """
    See `HostLink`; statements that are sent together take one round trip.

    Args:
        connection: A `Connection` or an `AsyncConnection` of psycopg 3.
    """

    dialect = "postgresql"

    def __init__(self, connection: Any, *, is_async: bool) -> None:
        self.is_async = is_async
        self.handle: Any = connection
        psycopg: Any = sys.modules["psycopg"]
        # Of the class itself: the host's cursors may bind on the client's side, or number their parameters.
        self._cursor = psycopg.AsyncCursor if is_async else psycopg.Cursor
        self._tuples = sys.modules[_TUPLE_ROWS].tuple_row
        self._has_pipeline: bool = psycopg.Pipeline.is_supported()

    async def begin(self, *, writing: bool) -> None:
        """See `HostLink.begin`; the server says it with the first statement."""

    async def send(self, calls: Sequence[Call]) -> list[Answer]:
        """See `HostLink.send`."""
        cursors: list[Any] = []
        if len(calls) > 1 and self._has_pipeline:
            async with _Entered(self.handle.pipeline(), is_async=self.is_async):
                await self._execute(calls, cursors)
        else:
            await self._execute(calls, cursors)
        return [await answered(call, cursor, cursor.fetchall) for call, cursor in zip(calls, cursors, strict=True)]

    async def _execute(self, calls: Sequence[Call], cursors: list[Any]) -> None:
        for call in calls:
            cursor = self._cursor(self.handle, row_factory=self._tuples)
            cursors.append(cursor)
            await done(cursor.execute(call.sql, call.row or None))

    def is_inside(self) -> bool:
        """See `HostLink.is_inside`."""
        return True

    def mark_lost(self) -> None:
        """See `HostLink.mark_lost`: psycopg has nothing to be told."""
