"""The whole contract of a storage holds where each transaction is a joined one that the host commits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from host_fixtures import Find, database_of
from hosts import emptied, kind_of, open_host

from crossloyalty.application.ports import Transaction
from crossloyalty.testing import CHECKS

__all__ = ["database_of"]

_HOSTS = (
    "sqlite-session",
    "postgresql-psycopg",
    "postgresql-async_session-asyncpg",
    "mysql-pymysql",
    "mysql-async_connection-aiomysql",
)
# What a host's transaction sees while others write is for its isolation to say.
_NOT_OURS = {"check_readers_keep_their_snapshot"}


class Hosted:
    """Opens a host for each transaction, joins it, and commits or rolls back as a host does."""

    def __init__(self, name: str, where: Any) -> None:
        self._name = name
        self._where = where
        self._open = threading.local()

    @contextmanager
    def transaction(self, *, readonly: bool = False) -> Iterator[Transaction]:
        """See `Storage.transaction`; inside one the same host is joined once more."""
        around = getattr(self._open, "host", None)
        if around is not None:
            with around.joined().transaction(readonly=readonly) as tx:
                yield tx
            return
        self._open.host = host = open_host(self._name, self._where)
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
            self._open.host = None
            host.close()


@pytest.fixture(params=_HOSTS)
def hosted(request: pytest.FixtureRequest, database_of: Find) -> Iterator[Hosted]:
    """Give a storage over an empty database."""
    where = database_of(kind_of(request.param))
    yield Hosted(request.param, where)
    emptied(where)


@pytest.mark.parametrize(
    "check",
    [check for check in CHECKS if check.__name__ not in _NOT_OURS],
    ids=lambda check: check.__name__.removeprefix("check_"),
)
def test_a_joined_transaction_keeps_the_promise(check: Callable[[Any], None], hosted: Hosted) -> None:
    """Each check of the kit passes in a host's transaction."""
    check(hosted)
