"""A user as hosts should have one at run time: it may read and change rows of our tables, and nothing else."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from typing import Any, Final

import attrs
from servers import Server

from crossloyalty.storage._sql.ddl import VERSION_TABLE, schema
from crossloyalty.storage._sql.mysql_dialect import MYSQL
from crossloyalty.storage._sql.postgresql_dialect import POSTGRESQL

__all__ = ["APPEND_ONLY", "runtime_user"]

# Rows of these are written once: what was posted, and what the rules were.
APPEND_ONLY: Final = ("entries", "programs")


@contextmanager
def runtime_user(database: Server, *, append_only: Collection[str] = ()) -> Iterator[Server]:
    """
    Make a user without DDL for a database in which our schema is installed; it is dropped afterwards.

    Args:
        append_only: Tables, by their record's name such as those in `APPEND_ONLY`, it may neither update nor delete in.

    Returns:
        How the same database is reached as that user.
    """
    name, password = f"crossloyalty_test_{secrets.token_hex(6)}", secrets.token_hex(8)
    dialect = POSTGRESQL if database.kind == "postgresql" else MYSQL
    tables = [made for made, sql in schema(dialect).items() if sql.startswith("CREATE TABLE")]
    # MySQL's users have a place they come from; "localhost" besides all, because a nameless account there would win.
    users = [name] if database.kind == "postgresql" else [f"'{name}'@'%'", f"'{name}'@'localhost'"]
    with closing(_connect(database)) as connection:
        _run(connection, _made(database, users, password))
        try:
            for table in tables:
                kept = [dialect.prefix + each for each in append_only]
                rights = "SELECT" if table == dialect.prefix + VERSION_TABLE else "SELECT, INSERT"
                rights += "" if table in kept or rights == "SELECT" else ", UPDATE, DELETE"
                _run(
                    connection, [f"GRANT {rights} ON {dialect.quote}{table}{dialect.quote} TO {user}" for user in users]
                )
            yield attrs.evolve(database, user=name, password=password)
        finally:
            _run(connection, _gone(database, users))


def _made(database: Server, users: list[str], password: str) -> list[str]:
    if database.kind == "mysql":
        return [f"CREATE USER {user} IDENTIFIED BY '{password}'" for user in users]
    return [
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",  # what PostgreSQL before 15 gives everybody
        *(f"CREATE ROLE {user} LOGIN PASSWORD '{password}'" for user in users),
    ]


def _gone(database: Server, users: list[str]) -> list[str]:
    if database.kind == "mysql":
        return [f"DROP USER {user}" for user in users]
    return [sql for user in users for sql in (f"DROP OWNED BY {user}", f"DROP ROLE {user}")]


def _connect(database: Server) -> Any:
    if database.kind == "postgresql":
        import psycopg

        return psycopg.connect(database.conninfo, autocommit=True)
    import pymysql

    return pymysql.connect(**database.pymysql, autocommit=True)


def _run(connection: Any, statements: list[str]) -> None:
    with contextlib.closing(connection.cursor()) as cursor:
        for sql in statements:
            cursor.execute(sql)
