"""
One PostgreSQL connection, spoken to through libpq's pipeline: any number of statements, one round trip.

psycopg opens the connection and turns results into rows; statements are sent by its documented libpq wrapper, because a
cursor a statement costs four times the processor time (measured: 1.19 ms against 0.25 ms for the twelve statements that
write a claim). Statements are prepared as they are met; their number is bounded by the record classes and by which
fields of a root change together.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Sequence
from itertools import count
from typing import Any, Final, Protocol

import psycopg
from psycopg import pq
from psycopg.adapt import Transformer
from psycopg.pq.abc import PGresult

from crossloyalty.domain.records import Record
from crossloyalty.storage._sql.link import RESTS_S, Answer, Call
from crossloyalty.storage._sql.rows import RECORD_OF

__all__ = ["PostgresqlLink", "Wait"]

_MOST_PREPARED: Final = 400
_FLUSHED_EVERY: Final = 4
# Plans are forgotten after so many rows asked for or changed, then after twice as many, and every minute.
_FIRST_REPLAN: Final = 500
_LAST_REPLAN: Final = 1_000_000
_REPLAN_S: Final = 60.0
_SUCCESS: Final = frozenset({pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK})
_TUPLES_OK: Final = pq.ExecStatus.TUPLES_OK
_SYNC: Final = pq.ExecStatus.PIPELINE_SYNC
_ABORTED: Final = pq.ExecStatus.PIPELINE_ABORTED
_FATAL: Final = pq.ExecStatus.FATAL_ERROR


class Wait(Protocol):
    """Waits for a socket; spelled async, and never really waiting for a plain caller."""

    async def __call__(self, fd: int, *, write: bool, timeout_s: float) -> None:
        """
        Return when the socket can be read, or also when it can be written if *write*.

        Raises:
            TimeoutError: It could not in time.
        """
        ...


_EMPTY: Final = Answer(0, ())


class PostgresqlLink:
    """
    See `Link`.

    Args:
        connection: Opened by psycopg in autocommit mode, in use by nobody else.
        wait: How to wait for its socket.
        answer_s: How long the server may stay silent, in seconds, before the link counts as lost.
        prepare: Whether statements are prepared by name; off behind a pooler that changes servers between transactions.
    """

    def __init__(
        self,
        connection: psycopg.Connection[Any] | psycopg.AsyncConnection[Any],
        wait: Wait,
        *,
        answer_s: float,
        prepare: bool = True,
    ) -> None:
        self.connection = connection
        self._pg = connection.pgconn
        self._wait = wait
        self._answer_s = answer_s
        self._names: OrderedDict[str, bytes] | None = OrderedDict() if prepare else None
        self._number = count()
        self._rows = Transformer(connection)
        self._pg.nonblocking = 1
        self._pg.enter_pipeline_mode()
        self._upkeep: list[bytes] = []  # commands to send before anything else
        self._syncs = 0  # ends of batches that are still to come
        self._work = 0
        self._replan_at = _FIRST_REPLAN
        self._replanned = time.monotonic()
        self.is_open = True
        self.round_trips = 0
        self.rests_s = RESTS_S

    async def send(self, calls: Sequence[Call]) -> list[Answer]:
        """See `Link.send`."""
        if not self.is_open:
            raise psycopg.OperationalError("the connection is closed")
        self.is_open = False  # until the last answer is in, nobody can go on with it
        self.round_trips += 1
        # For each command sent: the call it belongs to, the name it prepares, or None.
        heads: list[int | tuple[str, bytes] | None] = self._keep_up() if self._names is not None else []
        self._queue(calls, heads)
        self._pg.pipeline_sync()
        self._syncs += 1
        answers, error = await self._collect(heads, calls)
        self.is_open = self._pg.status == pq.ConnStatus.OK
        if error is not None:
            raise error
        return answers

    def close(self) -> None:
        """See `Link.close`."""
        self.is_open = False
        self._pg.finish()

    def _keep_up(self) -> list[int | tuple[str, bytes] | None]:
        """
        Forget plans from time to time.

        A plan is made once and kept. One made while a table was empty may walk an index that is no use once the table
        has grown, and nothing else would tell the server to think again.
        """
        if self._work >= self._replan_at or time.monotonic() - self._replanned > _REPLAN_S:
            self._upkeep.append(b"DISCARD PLANS")
            self._replan_at = min(2 * self._replan_at, _LAST_REPLAN)
            self._work = 0
            self._replanned = time.monotonic()
        if not self._upkeep:
            return []
        for command in self._upkeep:
            self._pg.send_query_params(command, None)
        # Apart from what follows: a transaction with an isolation level of its own has to begin before any command.
        self._pg.pipeline_sync()
        self._syncs += 1
        heads: list[int | tuple[str, bytes] | None] = [None] * len(self._upkeep)
        self._upkeep.clear()
        return heads

    def _queue(self, calls: Sequence[Call], heads: list[int | tuple[str, bytes] | None]) -> None:
        pg, names = self._pg, self._names
        send = pg.send_query_prepared
        fresh: dict[str, bytes] = {}
        for at, (sql, values, _kind, _expected) in enumerate(calls):
            row: list[Any] = [
                value.encode() if type(value) is str else b"%d" % value if type(value) is int else _encoded(value)
                for value in values
            ]
            if names is None:
                pg.send_query_params(_numbered(sql), row)
            else:
                name = names.get(sql)
                if name is not None:
                    names.move_to_end(sql)
                elif (name := fresh.get(sql)) is None:
                    name = fresh[sql] = b"crossloyalty_%d" % next(self._number)
                    pg.send_prepare(name, _numbered(sql))
                    heads.append((sql, name))
                send(name, row)
                self._work += len(values[0]) if values and type(values[0]) is list else 1
            heads.append(at)
            if at % _FLUSHED_EVERY == _FLUSHED_EVERY - 1:
                pg.flush()  # the server works on these while the rest is spelled out

    async def _collect(
        self, heads: list[int | tuple[str, bytes] | None], calls: Sequence[Call]
    ) -> tuple[list[Answer], BaseException | None]:
        pg = self._pg
        answers: list[Answer] = []
        error: BaseException | None = None
        place = 0
        unsent = pg.flush()
        while True:
            while pg.is_busy():
                await self._wait(pg.socket, write=bool(unsent), timeout_s=self._answer_s)
                pg.consume_input()
                if unsent:
                    unsent = pg.flush()
            result = pg.get_result()
            if result is None:
                continue
            status = result.status
            if status == _SYNC:
                self._syncs -= 1
                if self._syncs == 0:
                    return answers, error
                continue
            if place == len(heads):
                # The server's last word to a session that it ends, behind the answers: no further sync will come.
                return answers, psycopg.errors.error_from_result(result)
            head = heads[place]
            place += 1
            if status in _SUCCESS:
                if type(head) is int:
                    answers.append(self._answer(calls[head], result, status))
                elif isinstance(head, tuple):
                    self._remember(*head)
            elif error is None and status != _ABORTED:
                error = psycopg.errors.error_from_result(result)
                if pg.status != pq.ConnStatus.OK:
                    return answers, error

    def _answer(self, call: Call, result: PGresult, status: int) -> Answer:
        if status == _TUPLES_OK:
            many = result.ntuples
            if not many:
                return _EMPTY
            rows = self._rows
            rows.set_pgresult(result)
            return Answer(many, rows.load_rows(0, many, _made(call.kind)))
        if call.sql == "COMMIT" and result.command_status != b"COMMIT":
            raise psycopg.errors.InFailedSqlTransaction("COMMIT was answered by a rollback")
        return Answer(result.command_tuples or 0, ())

    def _remember(self, sql: str, name: bytes) -> None:
        names = self._names
        assert names is not None
        names[sql] = name
        if len(names) > _MOST_PREPARED:
            _sql, oldest = names.popitem(last=False)
            self._upkeep.append(b"DEALLOCATE " + oldest)


def _made(kind: type[Record] | None) -> Any:
    return tuple if kind is None else RECORD_OF[kind]


_MARK: Final = re.compile("%s")
_NUMBERED: Final[dict[str, bytes]] = {}


def _numbered(sql: str) -> bytes:
    known = _NUMBERED.get(sql)
    if known is None:
        number = count(1)
        known = _MARK.sub(lambda _: f"${next(number)}", sql).encode()
        if len(_NUMBERED) < 10 * _MOST_PREPARED:
            _NUMBERED[sql] = known
    return known


def _encoded(value: Any) -> bytes | None:
    kind = type(value)
    if kind is str:
        encoded: bytes = value.encode()
        return encoded
    if kind is int:
        return b"%d" % value
    if value is None:
        return None
    if kind is list:
        return _array(value)
    return str(value).encode()  # a subclass of text


def _array(values: list[Any]) -> bytes:
    """Spell an array; a text never holds NUL, so NUL may stand between texts while they are escaped."""
    if not values:
        return b"{}"
    if isinstance(values[0], str):
        text = "\0".join(values).replace("\\", "\\\\").replace('"', '\\"').replace("\0", '","')
        return f'{{"{text}"}}'.encode()
    return f"{{{','.join(map(str, values)).replace('None', 'NULL')}}}".encode()
