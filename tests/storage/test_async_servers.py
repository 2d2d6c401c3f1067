"""The asynchronous storages keep every promise of the contract, on real servers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lowered import LoweredStorage
from servers import Server
from stores import async_storage_of

from crossloyalty.testing import Capabilities, StorageContract


class AsyncContract(StorageContract):
    """What is the same on every server; a thread's event loop does not survive a fork, so nothing is forked here."""

    capabilities = Capabilities(multi_process=False)
    database: Server
    made: list[LoweredStorage]

    def make_storage(self, tmp_path: Path) -> Any:
        self.made.append(LoweredStorage(async_storage_of(self.database)))
        return self.made[-1]

    def serve(self, database: Server) -> Iterator[None]:
        """Let one test use a database."""
        self.database, self.made = database, []
        yield
        for storage in self.made:
            storage.close()


class TestAsyncPostgresqlStorage(AsyncContract):
    """Every promise of the contract, on PostgreSQL, for tasks."""

    @pytest.fixture(autouse=True)
    def _served(self, postgresql_store: Server) -> Iterator[None]:
        yield from self.serve(postgresql_store)


class TestAsyncMysqlStorage(AsyncContract):
    """Every promise of the contract, on MySQL or MariaDB, for tasks."""

    @pytest.fixture(autouse=True)
    def _served(self, mysql_store: Server) -> Iterator[None]:
        yield from self.serve(mysql_store)


del AsyncContract, StorageContract  # collected by their subclasses alone
