"""PostgreSQL and MySQL keep every promise of the contract, on real servers."""

from __future__ import annotations

from pathlib import Path

import pytest
from servers import Server
from stores import mysql_url

from crossloyalty.storage.mysql import MysqlStorage
from crossloyalty.storage.postgresql import PostgresqlStorage
from crossloyalty.testing import StorageContract


class TestPostgresqlStorage(StorageContract):
    """Every promise of the contract, on PostgreSQL."""

    @pytest.fixture(autouse=True)
    def _installed(self, postgresql_store: Server) -> None:
        self.conninfo = postgresql_store.conninfo

    def make_storage(self, tmp_path: Path) -> PostgresqlStorage:
        return PostgresqlStorage(self.conninfo)


class TestPostgresqlWithoutPreparedStatements(TestPostgresqlStorage):
    """Every promise of the contract, as behind a pooler that changes servers between transactions."""

    def make_storage(self, tmp_path: Path) -> PostgresqlStorage:
        return PostgresqlStorage(self.conninfo, prepare_statements=False)


class TestMysqlStorage(StorageContract):
    """Every promise of the contract, on MySQL or MariaDB."""

    @pytest.fixture(autouse=True)
    def _installed(self, mysql_store: Server) -> None:
        self.url = mysql_url(mysql_store)

    def make_storage(self, tmp_path: Path) -> MysqlStorage:
        return MysqlStorage(self.url)
