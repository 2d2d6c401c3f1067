"""Every kind of connection a host may hold keeps the promises of `joined`, on all three databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from host_fixtures import Find, database_of
from hosts import HOSTS, emptied, kind_of, open_host

from crossloyalty.testing import JOINED_CHECKS

__all__ = ["database_of"]


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
