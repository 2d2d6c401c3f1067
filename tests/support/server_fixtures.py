"""
The pytest plugin for tests on real servers: fixtures, and a loud word about what was not tested for want of a server.

With `CROSSLOYALTY_REQUIRE_SERVERS=1` a missing server fails the test instead of skipping it.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import NoReturn

import pytest
from kept_stores import KeptStore, kept_store
from pooler import pgbouncer
from private_server import PrivateServer, private_server
from quick_pymysql import share_contexts
from servers import URL_VARIABLES, Kind, MissingServerError, Server, fresh_database, open_server

__all__ = [
    "kept_mysql_store",
    "kept_postgresql_store",
    "mysql_database",
    "mysql_server",
    "mysql_store",
    "pooled_database",
    "postgresql_database",
    "postgresql_server",
    "postgresql_store",
    "start_private_server",
]

_NAMES: dict[Kind, str] = {"postgresql": "PostgreSQL", "mysql": "MySQL or MariaDB"}
_MARK = "NOT TESTED on "

share_contexts()

StartPrivateServer = Callable[..., PrivateServer]


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Server]:
    """Give a PostgreSQL server to make databases on; every xdist worker looks for itself."""
    with ExitStack() as stack:
        yield _opened("postgresql", stack)


@pytest.fixture(scope="session")
def mysql_server() -> Iterator[Server]:
    """Give a MySQL or MariaDB server to make databases on; every xdist worker looks for itself."""
    with ExitStack() as stack:
        yield _opened("mysql", stack)


@pytest.fixture
def postgresql_database(postgresql_server: Server) -> Iterator[Server]:
    """Give an empty PostgreSQL database of this test's own."""
    with fresh_database(postgresql_server) as database:
        yield database


@pytest.fixture
def mysql_database(mysql_server: Server) -> Iterator[Server]:
    """Give an empty MySQL or MariaDB database of this test's own."""
    with fresh_database(mysql_server) as database:
        yield database


@pytest.fixture(scope="session")
def kept_postgresql_store(postgresql_server: Server) -> Iterator[KeptStore]:
    """Give the store on PostgreSQL that serves test after test."""
    with kept_store(postgresql_server) as kept:
        yield kept


@pytest.fixture(scope="session")
def kept_mysql_store(mysql_server: Server) -> Iterator[KeptStore]:
    """Give the store on MySQL or MariaDB that serves test after test."""
    with kept_store(mysql_server) as kept:
        yield kept


@pytest.fixture
def postgresql_store(kept_postgresql_store: KeptStore) -> Server:
    """Give a PostgreSQL database with the schema and nothing in it; others had it before."""
    return kept_postgresql_store.empty()


@pytest.fixture
def mysql_store(kept_mysql_store: KeptStore) -> Server:
    """Give a MySQL or MariaDB database with the schema and nothing in it; others had it before."""
    return kept_mysql_store.empty()


@pytest.fixture
def start_private_server() -> Iterator[StartPrivateServer]:
    """Give a function `start(kind, settings=None)` that starts a server only this test sees; it ends with the test."""
    with ExitStack() as stack:

        def start(kind: Kind, settings: Mapping[str, str | int] | None = None) -> PrivateServer:
            try:
                return stack.enter_context(private_server(kind, settings))
            except MissingServerError as missing:
                _miss(kind, f"a private server is needed; {missing}")

        yield start


@pytest.fixture
def pooled_database(postgresql_database: Server) -> Iterator[Server]:
    """Give an empty PostgreSQL database of this test's own, by way of PgBouncer in transaction mode."""
    with ExitStack() as stack:
        try:
            yield stack.enter_context(pgbouncer(postgresql_database))
        except MissingServerError as missing:
            _miss("postgresql", f"through PgBouncer; {missing}")


def _opened(kind: Kind, stack: ExitStack) -> Server:
    try:
        return stack.enter_context(open_server(kind))
    except MissingServerError as missing:
        _miss(kind, f"{URL_VARIABLES[kind]} is not set, no server at the usual sockets; {missing}")


def _miss(kind: Kind, why: str) -> NoReturn:
    message = f"{_MARK}{_NAMES[kind]}: {why}"
    if os.environ.get("CROSSLOYALTY_REQUIRE_SERVERS") == "1":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was not tested for want of a server, however quiet the run is."""
    missed: Counter[str] = Counter()
    for report in terminalreporter.stats.get("skipped", []):
        # A skip's longrepr is (file, line, "Skipped: reason"), also when a worker sent it.
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
        if _MARK in reason:
            missed[reason.removeprefix("Skipped: ")] += 1
    if missed:
        terminalreporter.section("databases that were not tested", red=True, bold=True)
        for reason, tests in missed.items():
            terminalreporter.line(f"{reason} ({tests} skipped)", red=True)
