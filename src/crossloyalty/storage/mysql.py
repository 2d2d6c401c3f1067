"""
MySQL 5.7, 8 and 9, MariaDB 10.6 and newer: through PyMySQL for plain callers, through asyncmy for tasks.

A claim takes three round trips on a pooled connection, because statements are sent together. The schema is made by
whoever may (`install_sql`); the runtime user needs SELECT, INSERT, UPDATE and DELETE on the tables and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossloyalty.errors import ConfigError
from crossloyalty.storage._sql.mysql_dialect import MYSQL
from crossloyalty.storage._sql.mysql_server import MysqlServer, Settings
from crossloyalty.storage._sql.server import AsyncServerStorage, ServerStorage
from crossloyalty.storage._sql.versions import install_sql, upgrade_sql

__all__ = ["AsyncMysqlStorage", "MysqlStorage"]


class _Schema:
    @staticmethod
    def install_sql() -> list[str]:
        """Give the statements that create the schema, to be run one by one; MySQL commits each by itself."""
        return install_sql(MYSQL)

    @staticmethod
    def upgrade_sql(from_version: int, to_version: int) -> list[str]:
        """
        Give the statements that change one version of the schema into another.

        Raises:
            ConfigError: This library knows no such way.
        """
        return upgrade_sql(MYSQL, from_version, to_version)


class MysqlStorage(_Schema, ServerStorage):
    """
    Keeps everything in a MySQL or MariaDB database; for plain callers, any number of threads.

    Args:
        url: mysql://user:password@host:port/database, with ?unix_socket= for a local server; special characters
            percent-encoded.
        connect_args: More for the driver's `connect`, such as `ssl`.
        pool_size: The most connections at once.
        pool_wait_s: How long a caller waits for one, in seconds, before `StorageBusy`.
        lock_timeout_s: How long a statement waits for another transaction's lock, in whole seconds.
        statement_timeout_s: How long one statement may take, in seconds.
        idle_timeout_s: After how long the server gives up a transaction whose client says nothing, in seconds.
        connect_timeout_s: How long opening a connection may take, in seconds.
        durable: Refuse a server whose innodb_flush_log_at_trx_commit loses acknowledged commits.

    Raises:
        ConfigError: A setting is none, or the driver is not installed. What the server itself has wrong (settings,
            schema, rights) shows with the first connection, which the first transaction opens.
    """

    def __init__(
        self,
        url: str,
        *,
        connect_args: Mapping[str, Any] | None = None,
        pool_size: int = 16,
        pool_wait_s: float = 5.0,
        lock_timeout_s: int = 4,
        statement_timeout_s: int = 30,
        idle_timeout_s: int = 10,
        connect_timeout_s: int = 5,
        durable: bool = True,
    ) -> None:
        try:
            import pymysql
        except ImportError as error:
            raise ConfigError("PyMySQL is not installed: pip install 'crossloyalty[mysql]'") from error
        settings = Settings(
            url,
            connect_args or {},
            lock_timeout_s,
            statement_timeout_s,
            idle_timeout_s,
            connect_timeout_s,
            durable,
        )
        server = MysqlServer(settings, pymysql.connect, lambda: None)
        super().__init__(server, pool_size=pool_size, pool_wait_s=pool_wait_s)


class AsyncMysqlStorage(_Schema, AsyncServerStorage):
    """`MysqlStorage` for tasks; every argument is the same."""

    def __init__(
        self,
        url: str,
        *,
        connect_args: Mapping[str, Any] | None = None,
        pool_size: int = 16,
        pool_wait_s: float = 5.0,
        lock_timeout_s: int = 4,
        statement_timeout_s: int = 30,
        idle_timeout_s: int = 10,
        connect_timeout_s: int = 5,
        durable: bool = True,
    ) -> None:
        try:
            import asyncio

            import asyncmy
        except ImportError as error:
            raise ConfigError("asyncmy is not installed: pip install 'crossloyalty[mysql]'") from error
        settings = Settings(
            url,
            connect_args or {},
            lock_timeout_s,
            statement_timeout_s,
            idle_timeout_s,
            connect_timeout_s,
            durable,
        )
        server = MysqlServer(settings, asyncmy.connect, asyncio.get_running_loop)
        super().__init__(server, pool_size=pool_size, pool_wait_s=pool_wait_s)
