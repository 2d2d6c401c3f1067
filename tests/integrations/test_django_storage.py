"""Django's own connections carry the whole contract: alone, and inside the host's atomic()."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sql_databases import needs

needs("django")

from django.db import connections  # noqa: E402
from hosts import DjangoHost, host_database  # noqa: E402
from hosts_django import connected, forget  # noqa: E402

from crossloyalty.application.ports import Storage, Transaction  # noqa: E402
from crossloyalty.integrations.django.storage import DjangoStorage  # noqa: E402
from crossloyalty.testing import Capabilities, StorageContract  # noqa: E402


class _Tidy:
    """Closes the connections of threads that end, as Django's own servers do."""

    def __init__(self, storage: DjangoStorage, alias: str) -> None:
        self._storage = storage
        self._alias = alias

    @contextmanager
    def transaction(self, *, readonly: bool = False) -> Iterator[Transaction]:
        try:
            with self._storage.transaction(readonly=readonly) as tx:
                yield tx
        finally:
            if threading.current_thread() is not threading.main_thread():
                connections[self._alias].close()


class _DjangoContract(StorageContract):
    # A connection of Django's does not go through a fork.
    capabilities = Capabilities(multi_process=False, joins_host_transaction=True)
    where: Any
    alias: str

    def make_storage(self, tmp_path: Path) -> Storage:
        return _Tidy(DjangoStorage(self.alias), self.alias)

    def open_host(self, tmp_path: Path) -> DjangoHost:
        return _DjangoHost(self.where)

    @contextmanager
    def _over(self, where: Any) -> Iterator[None]:
        self.where = host_database(where)
        connection = connected(where)
        self.alias = connection.alias
        yield
        forget(connection)


class _DjangoHost(DjangoHost):
    """Inside atomic() nothing has to be joined by hand."""

    def joined(self) -> Storage:
        return DjangoStorage(self.connection.alias)


class TestDjangoOnPostgresql(_DjangoContract):
    """Every promise of the contract, over Django on PostgreSQL."""

    @pytest.fixture(autouse=True)
    def _installed(self, postgresql_database: Any) -> Iterator[None]:
        with self._over(postgresql_database):
            yield


class TestDjangoOnMysql(_DjangoContract):
    """Every promise of the contract, over Django on MySQL or MariaDB."""

    @pytest.fixture(autouse=True)
    def _installed(self, mysql_database: Any) -> Iterator[None]:
        with self._over(mysql_database):
            yield


class TestDjangoOnSqlite(_DjangoContract):
    """Every promise of the contract, over Django on SQLite."""

    @pytest.fixture(autouse=True)
    def _installed(self, tmp_path: Path) -> Iterator[None]:
        with self._over(tmp_path / "django.db"):
            yield
