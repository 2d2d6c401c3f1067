"""Every kind of connection a host may hold keeps the promises of `joined`, on all three databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest
from hosts import HOSTS, emptied, host_database, kind_of, open_host
from servers import fresh_database

from crossloyalty.testing import JOINED_CHECKS

Find = Callable[[str], Any]


@pytest.fixture(scope="module")
def database_of(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Find]:
    """Give a function that gives one database a kind, which all tests of this module share."""
    made: dict[str, Any] = {}
    with ExitStack() as stack:

        def find(kind: str) -> Any:
            if kind not in made:
                if kind == "sqlite":
                    where: Any = tmp_path_factory.mktemp("host") / "host.db"
                else:
                    where = stack.enter_context(fresh_database(request.getfixturevalue(f"{kind}_server")))
                made[kind] = host_database(where)
            return made[kind]

        yield find


@pytest.fixture(params=HOSTS)
def opener(request: pytest.FixtureRequest, database_of: Find) -> Iterator[Callable[[], Any]]:
    """Give a function that opens one more connection to an empty store."""
    where = database_of(kind_of(request.param))
    yield partial(open_host, request.param, where)
    emptied(where)


@pytest.mark.parametrize("check", JOINED_CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
def test_a_host_keeps_the_promise(check: Callable[[Any], None], opener: Callable[[], Any]) -> None:
    """Each check of the kit passes over each kind of connection."""
    check(opener)
