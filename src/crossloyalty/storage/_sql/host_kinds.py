"""Which kinds of connections can be joined, told apart by the names of their classes: no driver is imported for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from crossloyalty.errors import ConfigError
from crossloyalty.storage._sql.host_dbapi import DbapiLink, PsycopgLink, SqliteLink, plain_cursor
from crossloyalty.storage._sql.host_django import DjangoLink
from crossloyalty.storage._sql.host_link import HostLink
from crossloyalty.storage._sql.host_sqlalchemy import SqlAlchemyLink

__all__ = ["host_link"]

_ACCEPTED: Final = (
    "a connection of sqlite3, psycopg, psycopg2, PyMySQL, mysqlclient, aiomysql or asyncmy; a Connection, Session,"
    " AsyncConnection or AsyncSession of SQLAlchemy; connections[alias] of Django"
)

# By the package and the name of the class, or of one it inherits from.
_KINDS: Final[dict[tuple[str, str], Callable[[Any], HostLink]]] = {
    ("sqlite3", "Connection"): SqliteLink,
    ("psycopg", "Connection"): lambda host: PsycopgLink(host, is_async=False),
    ("psycopg", "AsyncConnection"): lambda host: PsycopgLink(host, is_async=True),
    ("psycopg2", "connection"): lambda host: DbapiLink(host, "postgresql", plain_cursor("psycopg2.extensions")),
    ("pymysql", "Connection"): lambda host: DbapiLink(host, "mysql", plain_cursor("pymysql.cursors")),
    ("MySQLdb", "Connection"): lambda host: DbapiLink(host, "mysql", plain_cursor("MySQLdb.cursors")),
    ("aiomysql", "Connection"): lambda host: DbapiLink(host, "mysql", plain_cursor("aiomysql.cursors"), is_async=True),
    ("asyncmy", "Connection"): lambda host: DbapiLink(host, "mysql", plain_cursor("asyncmy.cursors"), is_async=True),
    ("sqlalchemy", "Connection"): lambda host: SqlAlchemyLink(host, is_session=False, is_async=False),
    ("sqlalchemy", "Session"): lambda host: SqlAlchemyLink(host, is_session=True, is_async=False),
    ("sqlalchemy", "AsyncConnection"): lambda host: SqlAlchemyLink(host, is_session=False, is_async=True),
    ("sqlalchemy", "AsyncSession"): lambda host: SqlAlchemyLink(host, is_session=True, is_async=True),
    # Those that stand for the thread's, or the task's, own.
    ("sqlalchemy", "scoped_session"): lambda host: host_link(host()),
    ("sqlalchemy", "async_scoped_session"): lambda host: host_link(host()),
    ("django", "BaseDatabaseWrapper"): DjangoLink,
    ("django", "ConnectionProxy"): lambda host: DjangoLink(host._connections[host._alias]),
}


def host_link(connection: object) -> HostLink:
    """
    Give what speaks to a connection.

    Raises:
        ConfigError: It is of no kind that can be joined.
    """
    for each in type(connection).__mro__:
        made = _KINDS.get((each.__module__.partition(".")[0], each.__name__))
        if made is not None:
            return made(connection)
    raise ConfigError(
        f"{type(connection).__module__}.{type(connection).__qualname__} cannot be joined: give {_ACCEPTED}"
    )
