"""Opening a PostgreSQL connection: settings made and read back, the schema recognised."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs
import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict

from crossloyalty.errors import ConfigError
from crossloyalty.storage._sql import postgresql_errors
from crossloyalty.storage._sql.link import ANSWER_SLACK_S, Call
from crossloyalty.storage._sql.many import Many
from crossloyalty.storage._sql.postgresql_dialect import POSTGRESQL
from crossloyalty.storage._sql.postgresql_link import PostgresqlLink, Wait
from crossloyalty.storage._sql.statements import Statements
from crossloyalty.storage._sql.versions import require_current, version_sql

__all__ = ["PostgresqlServer", "PostgresqlWords", "Settings"]

_NO_SUCH_TABLE: Final = "42P01"
_DURABLE: Final = frozenset({"on", "local", "remote_write", "remote_apply"})


@attrs.frozen
class Settings:
    """
    How connections to one server are opened.

    Args:
        conninfo: For libpq; may hold a password, so it is never shown.
        lock_timeout_ms: How long a statement waits for another transaction's lock.
        statement_timeout_ms: How long one statement may take.
        idle_timeout_ms: After how long the server gives up a transaction whose client says nothing, so that the locks
            of a client that is gone do not stay.
        connect_timeout_s: How long opening a connection may take.
        prepare_statements: Off behind a pooler that changes servers between transactions.
    """

    conninfo: str = attrs.field(repr=False)
    lock_timeout_ms: int = 4_000
    statement_timeout_ms: int = 30_000
    idle_timeout_ms: int = 10_000
    connect_timeout_s: int = 5
    prepare_statements: bool = True

    def __attrs_post_init__(self) -> None:
        for name in ("lock_timeout_ms", "statement_timeout_ms", "idle_timeout_ms", "connect_timeout_s"):
            value = getattr(self, name)
            if type(value) is not int or not 0 < value < 2**31:
                raise ConfigError(f"{name} is a whole number above 0")
        if self.lock_timeout_ms > self.statement_timeout_ms:
            raise ConfigError("lock_timeout_ms is at most statement_timeout_ms, otherwise it never ends a wait")
        if not _is_conninfo(self.conninfo):
            raise ConfigError("the connection string cannot be read; special characters of a URL are percent-encoded")


def _is_conninfo(text: str) -> bool:
    try:
        ports = conninfo_to_dict(text).get("port") or ""
    except psycopg.Error:
        return False
    return all(not port or (port.isdecimal() and port.isascii()) for port in str(ports).split(","))


class PostgresqlWords:
    """How transactions begin and end."""

    begin = ("BEGIN",)
    begin_readonly = ("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",)


class PostgresqlServer:
    """
    See `Server`.

    Args:
        connect: `psycopg.Connection.connect` or its asynchronous twin.
        wait: How to wait for a socket.
    """

    words = PostgresqlWords()
    faults: Any = postgresql_errors
    many = Many(Statements(POSTGRESQL))

    def __init__(self, settings: Settings, connect: Callable[..., Any], wait: Wait) -> None:
        if pq.version() < 140_000:
            raise ConfigError(f"libpq {pq.version() // 10_000} is too old: pipelines need version 14 or newer")
        self._settings = settings
        self._connect = connect
        self._wait = wait
        self._recognised = False

    async def open(self) -> PostgresqlLink:
        """See `Server.open`."""
        settings = self._settings
        try:
            opened = self._connect(
                settings.conninfo,
                autocommit=True,
                prepare_threshold=None,
                connect_timeout=settings.connect_timeout_s,
                client_encoding="UTF8",
                keepalives=1,
                keepalives_idle=30,
                keepalives_interval=10,
                keepalives_count=3,
            )
            connection = await opened if hasattr(opened, "__await__") else opened
        except psycopg.Error as error:
            error._pgconn = None  # it holds all options, the password too, and an error may be kept anywhere
            raise
        except BaseException as error:
            # A connection whose opening is cancelled would stay until the garbage collector comes by.
            traceback.clear_frames(error.__traceback__)
            raise
        answer_s = settings.statement_timeout_ms / 1_000 + ANSWER_SLACK_S
        link = PostgresqlLink(connection, self._wait, answer_s=answer_s, prepare=settings.prepare_statements)
        try:
            await self._assert_settings(link)
            if not self._recognised:
                await self._recognise(link)
        except BaseException:
            link.close()
            raise
        return link

    async def _assert_settings(self, link: PostgresqlLink) -> None:
        settings = self._settings
        wanted: Mapping[str, str] = {
            "lock_timeout": f"{settings.lock_timeout_ms}ms",
            "statement_timeout": f"{settings.statement_timeout_ms}ms",
            "idle_in_transaction_session_timeout": f"{settings.idle_timeout_ms}ms",
            "default_transaction_isolation": "read committed",
            "client_encoding": "UTF8",
            "standard_conforming_strings": "on",
            # We only ever look up keys and ranges of an index. A plan made once stays right as tables grow from
            # nothing, and planning each statement again would cost more than running it.
            "plan_cache_mode": "force_generic_plan",
            "enable_seqscan": "off",
            "enable_hashjoin": "off",
            "enable_mergejoin": "off",
            "jit": "off",
            "application_name": f"crossloyalty {os.getpid()}",
        }
        made = ", ".join(["set_config(%s, %s, false)"] * len(wanted))
        (_made, *rest) = await link.send(
            [
                Call(f"SELECT {made}", [text for pair in wanted.items() for text in pair]),
                Call("SELECT current_setting('synchronous_commit'), current_setting('server_encoding')"),
                Call(
                    "SELECT name, setting FROM pg_catalog.pg_settings WHERE name IN"
                    " ('lock_timeout', 'statement_timeout', 'idle_in_transaction_session_timeout')"
                ),
            ]
        )
        durability, encoding = rest[0].rows[0]
        if durability not in _DURABLE:
            raise ConfigError(f"PostgreSQL runs with synchronous_commit={durability}, which loses acknowledged commits")
        if encoding != "UTF8":
            raise ConfigError(f"the database has the encoding {encoding} and not UTF8")
        times = {
            "lock_timeout": settings.lock_timeout_ms,
            "statement_timeout": settings.statement_timeout_ms,
            "idle_in_transaction_session_timeout": settings.idle_timeout_ms,
        }
        for name, value in rest[1].rows:
            if int(value) != times[name]:
                raise ConfigError(f"PostgreSQL runs with {name}={value} and not {times[name]}")

    async def _recognise(self, link: PostgresqlLink) -> None:
        try:
            (answer,) = await link.send([Call(version_sql(POSTGRESQL))])
        except psycopg.Error as error:
            if error.sqlstate != _NO_SUCH_TABLE:
                raise
            require_current(POSTGRESQL, None)
            raise
        require_current(POSTGRESQL, answer.rows)
        self._recognised = True
