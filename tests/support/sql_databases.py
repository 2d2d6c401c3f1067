"""One empty database each of the three kinds that carry our schema, spoken to in one way."""

from __future__ import annotations

import importlib
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from servers import Server

from crossloyalty.storage._sql.dialect import Dialect
from crossloyalty.storage._sql.mysql_dialect import MYSQL
from crossloyalty.storage._sql.postgresql_dialect import POSTGRESQL
from crossloyalty.storage._sql.sqlite_dialect import SQLITE

__all__ = ["SqlDatabase", "needs", "sql_database"]


def needs(package: str) -> None:
    """Skip the module that calls this where a package is not installed; where servers are required it fails instead."""
    if os.environ.get("CROSSLOYALTY_REQUIRE_SERVERS") != "1":
        pytest.importorskip(package, reason=f"NOT TESTED: {package} is not installed")
    importlib.import_module(package)


@frozen
class SqlDatabase:
    """
    A database on a server, or an SQLite file.

    Args:
        where: The database, or the file's path.
    """

    dialect: Dialect
    where: Server | Path

    def connect(self) -> Any:
        """Open a DB-API connection; SQLite's begins no transactions by itself."""
        if isinstance(self.where, Path):
            return sqlite3.connect(self.where, isolation_level=None)
        if self.where.kind == "postgresql":
            import psycopg

            return psycopg.connect(self.where.conninfo)
        import pymysql

        return pymysql.connect(**self.where.pymysql)

    @property
    def error(self) -> type[Exception]:
        """What the driver raises."""
        if isinstance(self.where, Path):
            return sqlite3.Error
        if self.where.kind == "postgresql":
            import psycopg

            return psycopg.Error
        import pymysql

        return pymysql.MySQLError

    def run(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements in one transaction, as far as the database has that, and give the last one's rows."""
        with closing(self.connect()) as connection, closing(connection.cursor()) as cursor:
            cursor.execute("BEGIN")
            for sql in statements:
                cursor.execute(sql)
            rows = list(cursor.fetchall()) if cursor.description else []
            connection.commit()
        return rows

    @property
    def url(self) -> str:
        """The URL for SQLAlchemy."""
        if isinstance(self.where, Path):
            return f"sqlite:///{self.where}"
        return self.where.url("psycopg" if self.where.kind == "postgresql" else "pymysql")

    @property
    def django(self) -> dict[str, Any]:
        """The entry for Django's `DATABASES`."""
        if isinstance(self.where, Path):
            return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(self.where)}
        server = self.where
        return {
            "ENGINE": f"django.db.backends.{server.kind}",
            "NAME": server.database,
            "HOST": server.host,
            "PORT": "" if server.is_socket and server.kind == "mysql" else str(server.port),
            "USER": server.user,
            "PASSWORD": server.password,
        }


@pytest.fixture(params=[SQLITE, POSTGRESQL, MYSQL], ids=lambda dialect: dialect.name)
def sql_database(request: pytest.FixtureRequest, tmp_path: Path) -> SqlDatabase:
    """Give an empty database of this test's own; what uses it runs once on every kind."""
    dialect: Dialect = request.param
    where = tmp_path / "sql.db" if dialect is SQLITE else request.getfixturevalue(f"{dialect.name}_database")
    return SqlDatabase(dialect, where)
