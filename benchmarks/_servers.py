"""Databases of the benchmarks' own on the servers, with the servers' usual settings; what a server says of itself."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import Any, Final

import attrs
import psycopg
import pymysql
from psycopg import sql as words
from servers import Kind, Server, drop_database, open_server

from crossloyalty.storage._sql.ddl import schema
from crossloyalty.storage._sql.dialect import Dialect
from crossloyalty.storage._sql.mysql_dialect import MYSQL
from crossloyalty.storage._sql.postgresql_dialect import POSTGRESQL
from crossloyalty.storage._sql.versions import install_sql

_POSTGRESQL_SETTINGS: Final = (
    "server_version",
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "wal_sync_method",
    "commit_delay",
    "shared_buffers",
    "max_wal_size",
    "wal_level",
)
_MYSQL_SETTINGS: Final = (
    "version",
    "innodb_flush_log_at_trx_commit",
    "innodb_flush_method",
    "innodb_doublewrite",
    "innodb_buffer_pool_size",
    "log_bin",
    "sync_binlog",
)


class Servers:
    """
    The servers to measure on; each is looked for when the first figure wants it.

    Args:
        urls: Given ones; without one a server is looked for as the tests do it.
    """

    def __init__(self, urls: dict[Kind, str | None]) -> None:
        self._urls = urls
        self._found: dict[Kind, Server] = {}
        self._open = ExitStack()

    def __enter__(self) -> Servers:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def server(self, kind: Kind) -> Server:
        found = self._found.get(kind)
        if found is None:
            url = self._urls[kind]
            found = Server.parse(kind, url) if url else self._open.enter_context(open_server(kind))
            self._found[kind] = found
        return found

    def settings(self, kind: Kind) -> str:
        """Give what decides how durable and how fast a commit is, as the server says it."""
        server = self.server(kind)
        names = _POSTGRESQL_SETTINGS if kind == "postgresql" else _MYSQL_SETTINGS
        with connected(server) as connection, connection.cursor() as cursor:
            parts = []
            for name in names:
                cursor.execute(f"SHOW {name}" if kind == "postgresql" else f"SHOW GLOBAL VARIABLES LIKE '{name}'")
                parts.append(f"{name} {cursor.fetchone()[-1]}")
        return ", ".join(parts)

    @contextmanager
    def database(self, kind: Kind, *, template: Server | None = None) -> Iterator[Server]:
        """
        Give a new database as the server makes them by default; it is dropped afterwards.

        Args:
            template: On PostgreSQL, the database to copy; nobody may be connected to it.
        """
        server = self.server(kind)
        name = f"crossloyalty_test_{int(time.time())}_{os.getpid()}_{secrets.token_hex(4)}"
        with connected(server) as connection, connection.cursor() as cursor:
            like = f" TEMPLATE {template.database}" if template else ""
            cursor.execute(f"CREATE DATABASE {name}{like}")
        made = attrs.evolve(server, database=name)
        try:
            yield made
        finally:
            drop_database(made)


def connected(server: Server) -> closing[Any]:
    """Connect with the driver the package uses, in autocommit."""
    if server.kind == "postgresql":
        return closing(psycopg.connect(server.conninfo, autocommit=True))
    return closing(pymysql.connect(**server.pymysql, autocommit=True, charset="utf8mb4"))


def dialect_of(server: Server) -> Dialect:
    return POSTGRESQL if server.kind == "postgresql" else MYSQL


def install(server: Server) -> None:
    """Create the package's tables."""
    with connected(server) as connection, connection.cursor() as cursor:
        for statement in install_sql(dialect_of(server)):
            cursor.execute(statement)


def tables(dialect: Dialect) -> list[str]:
    """Name the package's tables that hold records."""
    names = [name for name, made in schema(dialect).items() if made.startswith("CREATE TABLE")]
    return [name for name in names if not name.endswith("schema_version")]


def put(server: Server, table: str, rows: Sequence[Sequence[Any]]) -> None:
    """Add rows to a table, all columns in their order; by the fastest way there is."""
    if not rows:
        return
    with connected(server) as connection, connection.cursor() as cursor:
        if server.kind == "postgresql":
            with cursor.copy(words.SQL("COPY {} FROM STDIN").format(words.Identifier(table))) as copy:
                for row in rows:
                    copy.write_row(row)
            cursor.execute(words.SQL("VACUUM ANALYZE {}").format(words.Identifier(table)))
        else:
            marks = ",".join(["%s"] * len(rows[0]))
            connection.begin()
            cursor.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
            connection.commit()


def rows_of(server: Server, table: str) -> list[tuple[Any, ...]]:
    """Read a table; MySQL keeps the texts of keys as bytes, they are given as texts."""
    with connected(server) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table}")
        found = cursor.fetchall()
    if server.kind == "postgresql":
        return list(found)
    return [tuple([value.decode() if type(value) is bytes else value for value in row]) for row in found]
