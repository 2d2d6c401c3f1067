"""The servers tests run on: addresses are read as written, leftovers go, a killed server keeps what it acknowledged."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import attrs
import pytest
from servers import Kind, Server, create_database, drop_database, sweep

KINDS: tuple[Kind, ...] = ("postgresql", "mysql")


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("postgresql://u:p%40w@db.test:6543/shop", Server("postgresql", "db.test", 6543, "u", "p@w", "shop")),
        (
            "postgresql://u@/shop?host=%2Frun%2Fpg&port=5433",
            Server("postgresql", "/run/pg", 5433, "u", database="shop"),
        ),
        ("mysql://u:p%40w@127.0.0.1:3307/shop", Server("mysql", "127.0.0.1", 3307, "u", "p@w", "shop")),
        ("mysql://u@localhost/shop?unix_socket=%2Frun%2Fm.sock", Server("mysql", "/run/m.sock", 3306, "u", "", "shop")),
    ],
)
def test_a_url_is_read_and_written_alike(url: str, server: Server) -> None:
    """User, password, port, socket and database come from the URL, and the server's own URL is that URL."""
    assert Server.parse(server.kind, url) == server
    assert server.url() == url


def test_a_short_url_has_the_usual_ports_and_accounts() -> None:
    """What a URL leaves out is what a freshly installed server has."""
    assert Server.parse("postgresql", "postgresql://h") == Server("postgresql", "h", 5432, "postgres", "", "postgres")
    assert Server.parse("mysql", "mysql://h") == Server("mysql", "h", 3306, "root")


@pytest.mark.parametrize("kind", KINDS)
def test_a_sweep_takes_what_is_old_and_only_that(request: pytest.FixtureRequest, kind: Kind) -> None:
    """A killed run's database goes after an hour; one of a run that may still go on stays."""
    server: Server = request.getfixturevalue(f"{kind}_server")
    young = f"crossloyalty_test_{int(time.time()) - 3_000}_1_{os.getpid():x}"
    old = f"crossloyalty_test_1_1_{os.getpid():x}"
    kept = create_database(server)
    try:
        with closing(_connected(kept)) as connection:
            if kind == "postgresql":  # which makes no database inside a transaction
                connection.autocommit = True
            for name in (young, old):
                connection.cursor().execute(f"CREATE DATABASE {name}")
        sweep(server)
        with closing(_connected(attrs.evolve(kept, database=young))):
            pass
        with pytest.raises(Exception, match=old):
            _connected(attrs.evolve(kept, database=old))
    finally:
        for name in (young, old, kept.database):
            drop_database(attrs.evolve(kept, database=name))


@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_server_keeps_what_it_acknowledged(start_private_server: Callable[..., Any], kind: Kind) -> None:
    """After a kill and a restart the committed row is there, the open transaction's is not, the address is the same."""
    server = start_private_server(kind, {"max_connections": 17})
    database = server.new_database()
    with closing(_connected(database)) as connection:
        cursor = connection.cursor()
        cursor.execute("SHOW max_connections" if kind == "postgresql" else "SELECT @@max_connections")
        assert int(cursor.fetchone()[0]) == 17
        cursor.execute("CREATE TABLE effects (id INT PRIMARY KEY)")
        cursor.execute("INSERT INTO effects VALUES (1)")
        connection.commit()
        cursor.execute("INSERT INTO effects VALUES (2)")
        server.kill()
        with pytest.raises(Exception, match=r"(?i)lost|closed|terminat|gone away"):
            cursor.execute("INSERT INTO effects VALUES (3)")
    for _ in range(2):  # once after the kill, once in good order
        server.restart()
        with closing(_connected(database)) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT id FROM effects")
            assert list(cursor.fetchall()) == [(1,)]


def _connected(server: Server) -> Any:
    if server.kind == "postgresql":
        import psycopg

        return psycopg.connect(server.conninfo)
    import pymysql

    return pymysql.connect(**server.pymysql)
