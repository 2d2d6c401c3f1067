"""One database a kind for all the hosts of a test module: making one for each test takes longer than the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from hosts import host_database
from servers import fresh_database

__all__ = ["Find", "database_of"]

Find = Callable[[str], Any]


@pytest.fixture(scope="module")
def database_of(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Find]:
    """Give a function that gives the database of a kind, with our schema and the host's own table in it."""
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
