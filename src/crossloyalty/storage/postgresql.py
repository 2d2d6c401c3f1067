"""
PostgreSQL 12 and newer, through psycopg 3: one storage for plain callers and its asynchronous twin.

A claim takes two or three round trips on a pooled connection, because statements go in libpq's pipeline. The schema is
made by whoever may (`install_sql`); the runtime user needs SELECT, INSERT, UPDATE and DELETE on the tables.
"""

from __future__ import annotations

from crossloyalty.errors import ConfigError

try:
    import psycopg
except ImportError as error:
    raise ConfigError("psycopg 3 is not installed: pip install 'crossloyalty[postgresql]'") from error

from crossloyalty.storage._sql.postgresql_dialect import POSTGRESQL
from crossloyalty.storage._sql.postgresql_server import PostgresqlServer, Settings
from crossloyalty.storage._sql.server import AsyncServerStorage, ServerStorage
from crossloyalty.storage._sql.versions import install_sql, upgrade_sql
from crossloyalty.storage._sql.waiting import task_wait, thread_wait

__all__ = ["AsyncPostgresqlStorage", "PostgresqlStorage"]


class _Schema:
    @staticmethod
    def install_sql() -> list[str]:
        """Give the statements that create the schema, to be run one by one in one transaction."""
        return install_sql(POSTGRESQL)

    @staticmethod
    def upgrade_sql(from_version: int, to_version: int) -> list[str]:
        """
        Give the statements that change one version of the schema into another.

        Raises:
            ConfigError: This library knows no such way.
        """
        return upgrade_sql(POSTGRESQL, from_version, to_version)


class PostgresqlStorage(_Schema, ServerStorage):
    """
    Keeps everything in a PostgreSQL database; for plain callers, any number of threads.

    Args:
        conninfo: A libpq connection string or URL; what it leaves out comes from the usual PG… variables.
        pool_size: The most connections at once.
        pool_wait_s: How long a caller waits for one, in seconds, before `StorageBusy`.
        lock_timeout_ms: How long a statement waits for another transaction's lock, in milliseconds.
        statement_timeout_ms: How long one statement may take, in milliseconds.
        idle_timeout_ms: After how long the server gives up a transaction whose client says nothing, in milliseconds.
        connect_timeout_s: How long opening a connection may take, in seconds.
        prepare_statements: Off behind a pooler that changes servers between transactions.

    Raises:
        ConfigError: A setting is none, or libpq is older than 14. What the server itself has wrong (settings, schema,
            rights) shows with the first connection, which the first transaction opens.
    """

    def __init__(
        self,
        conninfo: str = "",
        *,
        pool_size: int = 16,
        pool_wait_s: float = 5.0,
        lock_timeout_ms: int = 4_000,
        statement_timeout_ms: int = 30_000,
        idle_timeout_ms: int = 10_000,
        connect_timeout_s: int = 5,
        prepare_statements: bool = True,
    ) -> None:
        settings = Settings(
            conninfo, lock_timeout_ms, statement_timeout_ms, idle_timeout_ms, connect_timeout_s, prepare_statements
        )
        server = PostgresqlServer(settings, psycopg.Connection.connect, thread_wait)
        super().__init__(server, pool_size=pool_size, pool_wait_s=pool_wait_s)


class AsyncPostgresqlStorage(_Schema, AsyncServerStorage):
    """`PostgresqlStorage` for tasks; every argument is the same."""

    def __init__(
        self,
        conninfo: str = "",
        *,
        pool_size: int = 16,
        pool_wait_s: float = 5.0,
        lock_timeout_ms: int = 4_000,
        statement_timeout_ms: int = 30_000,
        idle_timeout_ms: int = 10_000,
        connect_timeout_s: int = 5,
        prepare_statements: bool = True,
    ) -> None:
        settings = Settings(
            conninfo, lock_timeout_ms, statement_timeout_ms, idle_timeout_ms, connect_timeout_s, prepare_statements
        )
        server = PostgresqlServer(settings, psycopg.AsyncConnection.connect, task_wait)
        super().__init__(server, pool_size=pool_size, pool_wait_s=pool_wait_s)
