"""
One MySQL or MariaDB connection: any number of statements in one text, one round trip.

Values are spelled into the text here, because the protocol has parameters for one statement at a time only. The session
keeps backslash escapes on and speaks utf8mb4, in which no character hides a quote; both are asserted at open.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from crossloyalty.storage._sql.link import RESTS_S, Answer, Call
from crossloyalty.storage._sql.rows import made_of

__all__ = ["MysqlLink", "spelled"]

# A quarter of the smallest max_allowed_packet in use (MySQL 5.7: 4 MiB).
_BYTES_A_TEXT: Final = 1 << 20


class MysqlLink:
    """
    See `Link`.

    Args:
        connection: Opened by PyMySQL or asyncmy with autocommit, MULTI_STATEMENTS and FOUND_ROWS; nobody else's.
        loop: The event loop it belongs to; None for a plain one.
    """

    def __init__(self, connection: Any, *, loop: object = None) -> None:
        self.connection = connection
        self._loop = loop
        self._usable = True
        self.round_trips = 0
        self.rests_s = RESTS_S

    @property
    def is_open(self) -> bool:
        """See `Link.is_open`; a connection of asyncmy belongs to the event loop it was opened in."""
        return self._usable and (self._loop is None or self._loop is _running_loop())

    async def send(self, calls: Sequence[Call]) -> list[Answer]:
        """See `Link.send`."""
        self._usable = False  # until the last answer is in, nobody can go on with it
        answers: list[Answer] = []
        try:
            for text, part in _texts(calls):
                self.round_trips += 1
                cursor = self.connection.cursor()
                waiting = cursor.execute(text)
                for place, call in enumerate(part):
                    if place:
                        waiting = cursor.nextset()
                    if self._loop is not None:
                        await waiting
                    rows: Any = ()
                    if cursor.description is not None:
                        rows = cursor.fetchall() if self._loop is None else await cursor.fetchall()
                        if call.kind is not None:
                            rows = made_of(call.kind, rows)
                    answers.append(Answer(cursor.rowcount, rows))
        except Exception as error:
            # Refused by the server: it has answered, and runs nothing behind the statement it refused.
            self._usable = _from_server(error)
            raise
        self._usable = True
        return answers

    def close(self) -> None:
        """See `Link.close`."""
        self._usable = False
        closed = getattr(self.connection, "_force_close", None) or self.connection.close
        try:
            closed()
        except Exception:  # noqa: BLE001 - it is lost already
            return


def _from_server(error: BaseException) -> bool:
    number = error.args[0] if error.args else None
    return type(number) is int and 1_000 <= number < 2_000


def _running_loop() -> object:
    import asyncio

    return asyncio._get_running_loop()


def _texts(calls: Sequence[Call]) -> Iterator[tuple[str, Sequence[Call]]]:
    """Join statements into texts of bounded size."""
    texts: list[str] = []
    size = begun = 0
    for at, call in enumerate(calls):
        text = spelled(call.sql, call.row)
        if texts and size + len(text) > _BYTES_A_TEXT:
            yield ";".join(texts), calls[begun:at]
            texts, size, begun = [], 0, at
        texts.append(text)
        size += len(text)
    if texts:
        yield ";".join(texts), calls[begun:]


def spelled(sql: str, row: Sequence[Any]) -> str:
    """Put values in place of the marks of a statement."""
    if not row:
        return sql
    return sql % tuple([value if type(value) is int else _quoted(value) for value in row])


def _quoted(value: Any) -> str:
    if value is None:
        return "NULL"
    if not isinstance(value, str):
        return str(value)
    if "'" not in value and "\\" not in value:
        return f"'{value}'"
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
