"""Where a store is kept, said once for all kinds: opened again and again, emptied, handed to other processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import frozen
from servers import Server
from stores import async_storage_of, run_sql, session, storage_of

from crossloyalty.storage._shape import SHAPES
from crossloyalty.storage._sql.postgresql_dialect import POSTGRESQL
from crossloyalty.storage.sqlite import SqliteStorage

__all__ = ["KINDS", "SERVER_KINDS", "Place", "place", "server_place"]

SERVER_KINDS: Final = ("postgresql", "mysql")
KINDS: Final = ("sqlite", *SERVER_KINDS)
# Far quicker than TRUNCATE where a table holds a handful of rows.
_EMPTYING: Final = [f"DELETE FROM {POSTGRESQL.prefix}{shape.table}" for shape in SHAPES.values()]


@frozen
class Place:
    """
    A store that several storages, threads and processes may open.

    Args:
        where: A database in which the schema is installed, or the path of an SQLite file.
    """

    where: Server | Path

    @property
    def server(self) -> Server:
        """The database, where there is one."""
        assert isinstance(self.where, Server)
        return self.where

    def open(self, **settings: Any) -> Any:
        """Open a plain storage; the caller closes it."""
        if isinstance(self.where, Path):
            return SqliteStorage(self.where, **settings)
        return storage_of(self.where, **settings)

    def open_async(self, **settings: Any) -> Any:
        """Open an asynchronous storage; the caller closes it."""
        return async_storage_of(self.server, **settings)

    def empty(self) -> None:
        """Take everything out of it, the schema stays; nobody may be at work in it."""
        if isinstance(self.where, Path):
            for leftover in self.where.parent.glob(f"{self.where.name}*"):
                leftover.unlink()
            return
        run_sql(self.where, _EMPTYING)

    @contextmanager
    def emptying(self) -> Iterator[Callable[[], None]]:
        """
        Give what empties a database again and again, as `empty` does, over one connection.

        Every new connection has to look up all tables first, which takes PostgreSQL ten times as long as the rest.
        """
        with session(self.server) as run:

            def empty() -> None:
                for sql in ("BEGIN", *_EMPTYING, "COMMIT"):
                    run(sql)

            yield empty


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Give an empty store of this test's own; what uses it runs once on every storage that processes share."""
    if request.param == "sqlite":
        return Place(tmp_path / "loyalty.db")
    return Place(request.getfixturevalue(f"{request.param}_store"))


@pytest.fixture(params=SERVER_KINDS)
def server_place(request: pytest.FixtureRequest) -> Place:
    """Give an empty store of this test's own on each server."""
    return Place(request.getfixturevalue(f"{request.param}_store"))
