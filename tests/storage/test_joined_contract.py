"""The whole contract of a storage holds where each transaction is a joined one that the host commits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hosts import host_database, kind_of, open_host

from crossloyalty.application.ports import Transaction
from crossloyalty.testing import CHECKS

_HOSTS = (
    "sqlite-sqlite3",
    "sqlite-session",
    "postgresql-psycopg",
    "postgresql-psycopg2",
    "postgresql-async_session-asyncpg",
    "mysql-pymysql",
    "mysql-mysqlclient",
    "mysql-async_connection-aiomysql",
)
# A host's transaction sees what its isolation lets it see; a transaction of its own begins before ours does.
_ITS_OWN = {"check_readers_keep_their_snapshot"}


class Hosted:
    """Opens a host for each transaction, joins it, and commits or rolls back as a host does."""

    def __init__(self, name: str, where: Any) -> None:
        self._name = name
        self._where = where

    @contextmanager
    def transaction(self, *, readonly: bool = False) -> Iterator[Transaction]:
        """See `Storage.transaction`."""
        host = open_host(self._name, self._where)
        try:
            host.begin()
            try:
                with host.joined().transaction(readonly=readonly) as tx:
                    yield tx
            except BaseException:
                host.rollback()
                raise
            host.commit()
        finally:
            host.close()


@pytest.fixture(params=_HOSTS)
def hosted(request: pytest.FixtureRequest, tmp_path: Path) -> Hosted:
    """Give a storage over an empty database."""
    kind = kind_of(request.param)
    where = tmp_path / "host.db" if kind == "sqlite" else request.getfixturevalue(f"{kind}_database")
    return Hosted(request.param, host_database(where))


@pytest.mark.parametrize(
    "check",
    [check for check in CHECKS if check.__name__ not in _ITS_OWN],
    ids=lambda check: check.__name__.removeprefix("check_"),
)
def test_a_joined_transaction_keeps_the_promise(check: Callable[[Any], None], hosted: Hosted) -> None:
    """Each check of the kit passes in a host's transaction."""
    check(hosted)
