"""Opening a MySQL or MariaDB connection: settings made and read back, the schema recognised."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

import attrs

from crossloyalty.errors import ConfigError
from crossloyalty.storage._shape import SHAPES
from crossloyalty.storage._sql import mysql_errors
from crossloyalty.storage._sql.link import ANSWER_SLACK_S, RESTS_S, Call
from crossloyalty.storage._sql.many import Many
from crossloyalty.storage._sql.mysql_dialect import MYSQL
from crossloyalty.storage._sql.mysql_link import MysqlLink
from crossloyalty.storage._sql.statements import Statements
from crossloyalty.storage._sql.versions import require_current, version_sql

__all__ = ["MysqlServer", "Settings"]

_NO_SUCH_TABLE: Final = 1146
# How much of the time after which the server closes it a connection may rest: the server began to count before us.
_RESTS_SHARE: Final = 0.8
_NEEDS_CRYPTOGRAPHY: Final = "cryptography"  # in the RuntimeError that PyMySQL and asyncmy raise without it
# Of the client's flags (dev.mysql.com/doc/dev/mysql-server, "Capabilities Flags").
_FOUND_ROWS: Final = 1 << 1  # an update that changes nothing counts the row it found
_MULTI_STATEMENTS: Final = 1 << 16
_SQL_MODE: Final = "STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
_IN_URL: Final = frozenset({"unix_socket", "ssl_ca", "ssl_cert", "ssl_key"})
# What statements and rows are spelled by, under all names the drivers have for it.
_OURS: Final = frozenset(
    {"autocommit", "charset", "client_flag", "conv", "cursor_cls", "cursorclass", "sql_mode", "use_unicode"}
)
_TABLES: Final = ", ".join(f"'{MYSQL.prefix}{shape.table}'" for shape in SHAPES.values())
_OTHER_ENGINES: Final = (
    "SELECT table_name, engine FROM information_schema.tables"
    f" WHERE table_schema = DATABASE() AND table_name IN ({_TABLES}) AND engine <> 'InnoDB' ORDER BY table_name"
)


@attrs.frozen
class Settings:
    """
    How connections to one server are opened.

    Args:
        url: mysql://user:password@host:port/database, with ?unix_socket= for a local one; never shown.
        connect_args: More for the driver, such as `ssl`.
        lock_timeout_s: How long a statement waits for another transaction's lock; whole seconds, all InnoDB knows.
        statement_timeout_s: How long one statement may take before the link counts as lost.
        idle_timeout_s: After how long the server gives up a connection that says nothing inside a transaction.
        connect_timeout_s: How long opening a connection may take.
        durable: Refuse a server that may lose acknowledged commits when the machine fails.
    """

    url: str = attrs.field(repr=False)
    connect_args: Mapping[str, Any] = attrs.field(repr=False, factory=dict)
    lock_timeout_s: int = 4
    statement_timeout_s: int = 30
    idle_timeout_s: int = 10
    connect_timeout_s: int = 5
    durable: bool = True

    def __attrs_post_init__(self) -> None:
        for name in ("lock_timeout_s", "statement_timeout_s", "idle_timeout_s", "connect_timeout_s"):
            value = getattr(self, name)
            if type(value) is not int or not 0 < value < 2**25:
                raise ConfigError(f"{name} is a whole number of seconds above 0")
        if self.lock_timeout_s > self.statement_timeout_s:
            raise ConfigError("lock_timeout_s is at most statement_timeout_s, otherwise it never ends a wait")
        if clash := _OURS & self.connect_args.keys():
            raise ConfigError(f"connect_args may not hold {', '.join(sorted(clash))}: rows could be read wrongly")
        self.arguments()

    def arguments(self) -> dict[str, Any]:
        """
        Give what the driver's `connect` takes.

        Raises:
            ConfigError: The URL cannot be one.
        """
        with contextlib.suppress(ValueError):  # its text may be a piece of the password
            return self._read()
        raise ConfigError("the URL of a MySQL server cannot be read; special characters are percent-encoded")

    def _read(self) -> dict[str, Any]:
        parts = urlsplit(self.url)
        port = parts.port
        database = unquote(parts.path.lstrip("/"))
        if parts.scheme.partition("+")[0] not in {"mysql", "mariadb"} or not database:
            raise ConfigError("a MySQL server is named as mysql://user:password@host:port/database")
        query = dict(parse_qsl(parts.query))
        if not query.keys() <= _IN_URL:
            raise ConfigError(f"the URL of a MySQL server may hold {', '.join(sorted(_IN_URL))}")
        ssl = {name[4:]: query.pop(name) for name in list(query) if name.startswith("ssl_")}
        return {
            "host": parts.hostname or "localhost",
            "port": port or 3306,
            "user": unquote(parts.username or ""),
            "password": unquote(parts.password or ""),
            "database": database,
            **query,
            **({"ssl": ssl} if ssl else {}),
            "charset": "utf8mb4",
            "autocommit": True,
            "client_flag": _FOUND_ROWS | _MULTI_STATEMENTS,
            "connect_timeout": self.connect_timeout_s,
            "read_timeout": self.statement_timeout_s + ANSWER_SLACK_S,
            **self.connect_args,
        }


class MysqlWords:
    """How transactions begin and end."""

    begin = ("BEGIN",)
    begin_readonly = (
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
    )


class MysqlServer:
    """
    See `Server`.

    Args:
        connect: `pymysql.connect` or `asyncmy.connect`.
        loop: Gives the running event loop for the asynchronous one.
    """

    words = MysqlWords()
    faults: Any = mysql_errors
    many = Many(Statements(MYSQL))

    def __init__(self, settings: Settings, connect: Callable[..., Any], loop: Callable[[], object]) -> None:
        self._settings = settings
        self._connect = connect
        self._loop = loop
        self._recognised = False

    async def open(self) -> MysqlLink:
        """See `Server.open`."""
        arguments = self._settings.arguments()
        answer_s = arguments["read_timeout"]
        # Both drivers count the greeting and what follows it as reading, not as connecting.
        arguments["read_timeout"] = min(answer_s, self._settings.connect_timeout_s)
        try:
            opened = self._connect(**arguments)
            connection = await opened if hasattr(opened, "__await__") else opened
        except RuntimeError as error:
            if _NEEDS_CRYPTOGRAPHY not in str(error):
                raise
            raise ConfigError(
                "MySQL's caching_sha2_password wants an encrypted connection (connect_args={'ssl': ...}) or a package"
                " to encrypt the password with: pip install 'crossloyalty[mysql,crypto]'"
            ) from error
        link = MysqlLink(connection, loop=self._loop())
        try:
            await self._assert_settings(link)
            if not self._recognised:
                await self._recognise(link)
            connection._read_timeout = answer_s
        except BaseException:
            link.close()
            raise
        return link

    async def _assert_settings(self, link: MysqlLink) -> None:
        settings = self._settings
        named = Call(
            "SHOW VARIABLES WHERE Variable_name IN ('version', 'innodb_flush_log_at_trx_commit',"
            " 'idle_transaction_timeout', 'max_statement_time', 'max_execution_time')"
        )
        (answer,) = await link.send([named])
        has = dict(answer.rows)
        if settings.durable and has.get("innodb_flush_log_at_trx_commit") not in {"1", "3"}:
            raise ConfigError(
                "the server runs with innodb_flush_log_at_trx_commit="
                f"{has.get('innodb_flush_log_at_trx_commit')}, which loses acknowledged commits"
            )
        wanted = {"sql_mode": _SQL_MODE, "innodb_lock_wait_timeout": settings.lock_timeout_s}
        if "idle_transaction_timeout" in has:  # MariaDB
            wanted["idle_transaction_timeout"] = settings.idle_timeout_s
        else:
            wanted["wait_timeout"] = settings.idle_timeout_s
            link.rests_s = min(RESTS_S, _RESTS_SHARE * settings.idle_timeout_s)
        if "max_statement_time" in has:  # MariaDB, in seconds
            wanted["max_statement_time"] = settings.statement_timeout_s
        elif "max_execution_time" in has:  # MySQL, in milliseconds, of SELECT alone
            wanted["max_execution_time"] = settings.statement_timeout_s * 1_000
        made = ", ".join(f"SESSION {name} = %s" for name in wanted)
        *_, read = await link.send(
            [
                Call("SET NAMES utf8mb4 COLLATE utf8mb4_bin"),
                Call("SET SESSION autocommit = 1"),  # the drivers ask for it only where the greeting says otherwise
                Call("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"),
                Call(f"SET {made}", list(wanted.values())),
                Call(f"SELECT {', '.join(f'@@SESSION.{name}' for name in wanted)}, @@character_set_connection"),
            ]
        )
        *found, charset = read.rows[0]
        for (name, value), now in zip(wanted.items(), found, strict=True):
            if not (_has_modes(now) if name == "sql_mode" else now == value):
                raise ConfigError(f"the server runs with {name}={now} and not {value}")
        if charset != "utf8mb4":
            raise ConfigError(f"the connection speaks {charset} and not utf8mb4")

    async def _recognise(self, link: MysqlLink) -> None:
        try:
            (answer,) = await link.send([Call(version_sql(MYSQL))])
        except Exception as error:
            if mysql_errors.number_of(error) != _NO_SUCH_TABLE:
                raise
            require_current(MYSQL, None)
            raise
        require_current(MYSQL, answer.rows)
        (answer,) = await link.send([Call(_OTHER_ENGINES)])
        if answer.rows:
            table, engine = answer.rows[0]
            raise ConfigError(f"the table {table} is kept by {engine} and not by InnoDB, which alone can undo a claim")
        self._recognised = True


def _has_modes(now: object) -> bool:
    modes = set(str(now).split(","))
    return modes.issuperset(_SQL_MODE.split(",")) and "NO_BACKSLASH_ESCAPES" not in modes  # see `mysql_link.spelled`
