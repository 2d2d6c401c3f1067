"""
Real database servers for tests: where they are, and an empty database of its own for each test.

A server is looked for in this order: the URL in `CROSSLOYALTY_TEST_POSTGRESQL` or `CROSSLOYALTY_TEST_MYSQL`, the local
default sockets, a private server started from installed programs. `MissingServerError` says that there is none.
`CROSSLOYALTY_TEST_MYSQLD` names the `mysqld` of a MySQL to start instead of what is there.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, cast
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

import attrs
from attrs import field, frozen

if TYPE_CHECKING:
    import psycopg

__all__ = [
    "MYSQLD_VARIABLE",
    "URL_VARIABLES",
    "Kind",
    "MissingServerError",
    "Server",
    "create_database",
    "drop_database",
    "fresh_database",
    "open_server",
    "sweep",
]

Kind = Literal["postgresql", "mysql"]

URL_VARIABLES: Final[dict[Kind, str]] = {
    "postgresql": "CROSSLOYALTY_TEST_POSTGRESQL",
    "mysql": "CROSSLOYALTY_TEST_MYSQL",
}
MYSQLD_VARIABLE: Final = "CROSSLOYALTY_TEST_MYSQLD"
_DEFAULT_PORTS: Final[dict[Kind, int]] = {"postgresql": 5432, "mysql": 3306}
_PATIENCE_S: Final = 10
_LEFTOVER_S: Final = 3_600
_OURS: Final = re.compile(r"crossloyalty_test_(?P<made_at>[0-9]+)_[0-9]+_[0-9a-f]+")


class MissingServerError(Exception):
    """There is no server of this kind to test on; the text says what was looked for."""


@frozen
class Server:
    """
    Says how one server, or one database on it, is reached.

    Args:
        kind: PostgreSQL, or MySQL and MariaDB, which are one.
        host: A name or address; a path is the folder of PostgreSQL's socket, or MySQL's socket itself.
        port: For PostgreSQL also part of its socket's name.
        user: The account.
        password: Empty when there is none.
        database: The database; empty on MySQL before there is one.
    """

    kind: Kind
    host: str
    port: int
    user: str
    password: str = field(default="", repr=False)
    database: str = ""

    @classmethod
    def parse(cls, kind: Kind, url: str) -> Server:
        """Read `postgresql://user:pw@host:port/db?host=/folder` or `mysql://user:pw@host:port/db?unix_socket=/path`."""
        parts = urlsplit(url)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        host = query.get("host" if kind == "postgresql" else "unix_socket") or unquote(parts.hostname or "127.0.0.1")
        return cls(
            kind=kind,
            host=host,
            port=int(query.get("port") or parts.port or _DEFAULT_PORTS[kind]),
            user=unquote(parts.username or ("postgres" if kind == "postgresql" else "root")),
            password=unquote(parts.password or ""),
            database=unquote(parts.path.lstrip("/")) or ("postgres" if kind == "postgresql" else ""),
        )

    @property
    def is_socket(self) -> bool:
        """Whether it is reached through a Unix socket."""
        return self.host.startswith("/")

    @property
    def address(self) -> str | tuple[str, int]:
        """What `socket.connect` takes: the path of the Unix socket, or host and port."""
        if not self.is_socket:
            return (self.host, self.port)
        return f"{self.host}/.s.PGSQL.{self.port}" if self.kind == "postgresql" else self.host

    def at(self, host: str, port: int) -> Server:
        """Give the same database behind another address, such as a proxy's."""
        return attrs.evolve(self, host=host, port=port)

    @property
    def conninfo(self) -> str:
        """What `psycopg.connect` takes."""
        from psycopg.conninfo import make_conninfo

        password = {"password": self.password} if self.password else {}
        return make_conninfo(host=self.host, port=self.port, user=self.user, dbname=self.database, **password)

    @property
    def pymysql(self) -> dict[str, Any]:
        """What `pymysql.connect` takes; asyncmy and mysqlclient take the same names."""
        where = {"unix_socket": self.host} if self.is_socket else {"host": self.host, "port": self.port}
        return {**where, "user": self.user, "password": self.password, "database": self.database or None}

    def url(self, driver: str = "") -> str:
        """
        Give the URL of it.

        Args:
            driver: For SQLAlchemy, after the plus sign: `psycopg`, `asyncpg`, `pymysql`, `asyncmy`, `aiomysql`.
        """
        scheme = f"{self.kind}+{driver}" if driver else self.kind
        account = quote(self.user, safe="") + (f":{quote(self.password, safe='')}" if self.password else "")
        if not self.is_socket:
            return f"{scheme}://{account}@{self.host}:{self.port}/{self.database}"
        if self.kind == "postgresql":
            return f"{scheme}://{account}@/{self.database}?{urlencode({'host': self.host, 'port': self.port})}"
        return f"{scheme}://{account}@localhost/{self.database}?{urlencode({'unix_socket': self.host})}"


# ---------------------------------------------------------------------------------------------------------------------
# Finding a server
# ---------------------------------------------------------------------------------------------------------------------


@contextmanager
def open_server(kind: Kind) -> Iterator[Server]:
    """
    Find a server, or run a private one for the length of the block.

    Raises:
        MissingServerError: None is there and none can be started. A URL that was given and does not work raises the
            driver's own error: whoever gave it wants to hear.
    """
    _require_driver(kind)
    if url := os.environ.get(URL_VARIABLES[kind]):
        server = Server.parse(kind, url)
        sweep(server)
        yield server
        return
    for candidate in _local(kind):
        if _is_usable(candidate):
            sweep(candidate)
            yield candidate
            return
    from private_server import private_server

    with private_server(kind) as private:
        yield private.server


def _require_driver(kind: Kind) -> None:
    try:
        if kind == "postgresql":
            import psycopg  # noqa: F401
        else:
            import pymysql  # noqa: F401
    except ImportError as missing:
        raise MissingServerError(f"the driver is not installed: {missing}") from missing


def _local(kind: Kind) -> Iterator[Server]:
    """Give the servers that may listen at the usual sockets."""
    port = _DEFAULT_PORTS[kind]
    if kind == "mysql":
        if os.environ.get(MYSQLD_VARIABLE):
            return
        for path in ("/run/mysqld/mysqld.sock", "/var/run/mysqld/mysqld.sock", "/tmp/mysql.sock"):
            if Path(path).is_socket():
                yield Server(kind, path, port, "root")
        return
    for folder in ("/var/run/postgresql", "/tmp"):
        if Path(folder, f".s.PGSQL.{port}").is_socket():
            for user in dict.fromkeys(["postgres", getpass.getuser()]):
                yield Server(kind, folder, port, user, database="postgres")


def _is_usable(server: Server) -> bool:
    """Whether it lets us in and gives us a database, which is the only honest way to ask."""
    try:
        with fresh_database(server):
            return True
    except _driver_error(server.kind):
        return False


def _driver_error(kind: Kind) -> type[Exception]:
    if kind == "postgresql":
        from psycopg import Error

        return Error
    from pymysql import MySQLError

    return cast("type[Exception]", MySQLError)


# ---------------------------------------------------------------------------------------------------------------------
# Databases
# ---------------------------------------------------------------------------------------------------------------------


@contextmanager
def fresh_database(server: Server) -> Iterator[Server]:
    """Give a new, empty database of a name nobody else has; it is dropped afterwards, whoever is still connected."""
    made = create_database(server)
    try:
        yield made
    finally:
        drop_database(made)


def create_database(server: Server) -> Server:
    """Make an empty database whose defaults are as unhelpful as a host's may be: texts sort as in a dictionary."""
    name = f"crossloyalty_test_{int(time.time())}_{os.getpid()}_{secrets.token_hex(4)}"
    with _administration(server) as execute:
        if server.kind == "mysql":
            # Upper and lower case are equal here: a key column that does not name its own collation is found out.
            execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
        else:
            execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' {_dictionary_order(execute)}")
    return attrs.evolve(server, database=name)


def _dictionary_order(execute: _Execute) -> str:
    """Give the clause for ICU's order of texts, from PostgreSQL 15 on where it was built with ICU."""
    [[able]] = execute(
        "SELECT current_setting('server_version_num')::int >= 150000"
        " AND EXISTS (SELECT FROM pg_collation WHERE collprovider = 'i')"
    )
    return "LOCALE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'und'" if able else ""


def drop_database(made: Server) -> None:
    """Drop a database, closing what is still connected to it."""
    with _administration(made) as execute:
        _drop(made.kind, made.database, execute)


def sweep(server: Server) -> None:
    """Drop the databases which runs that were killed left more than an hour ago."""
    listing = "SELECT datname FROM pg_database" if server.kind == "postgresql" else "SHOW DATABASES"
    with _administration(server) as execute:
        for (name,) in execute(listing):
            ours = _OURS.fullmatch(name)
            if ours and int(ours["made_at"]) < time.time() - _LEFTOVER_S:
                # Another run may be sweeping too, and one of us comes second.
                with contextlib.suppress(_driver_error(server.kind)):
                    _drop(server.kind, name, execute)


_Execute = Callable[[str], Sequence[Sequence[Any]]]


def _drop(kind: Kind, name: str, execute: _Execute) -> None:
    if kind == "postgresql":
        execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        return
    # A transaction left open would hold the DROP back for as long as `lock_wait_timeout` allows.
    for (connection_id,) in execute(f"SELECT id FROM information_schema.processlist WHERE db = '{name}'"):
        with contextlib.suppress(_driver_error(kind)):  # it may have gone by itself
            execute(f"KILL {connection_id}")
    execute(f"DROP DATABASE IF EXISTS {name}")


@contextmanager
def _administration(server: Server) -> Iterator[_Execute]:
    """Connect outside any test's database; give a function that runs one statement and returns its rows."""
    if server.kind == "postgresql":
        import psycopg

        # The URL's own database may be somebody's; `postgres` is there on every server for this very purpose.
        conninfo = attrs.evolve(server, database="postgres").conninfo
        with contextlib.closing(psycopg.connect(conninfo, autocommit=True, connect_timeout=_PATIENCE_S)) as connected:
            yield lambda sql: _rows(connected.execute(sql.encode()))
        return
    import pymysql

    arguments = attrs.evolve(server, database="").pymysql
    with contextlib.closing(pymysql.connect(**arguments, autocommit=True, connect_timeout=_PATIENCE_S)) as connection:

        def execute(sql: str) -> Sequence[Sequence[Any]]:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return tuple(cursor.fetchall())

        execute(f"SET SESSION lock_wait_timeout = {3 * _PATIENCE_S}")
        yield execute


def _rows(cursor: psycopg.Cursor[Any]) -> Sequence[Sequence[Any]]:
    return cursor.fetchall() if cursor.description else ()
