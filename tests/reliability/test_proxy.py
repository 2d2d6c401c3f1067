"""The proxy that makes links fail, on real servers: it fails at the very COMMIT, on the very side, or not at all."""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proxy import FaultyProxy, faulty_proxy
from servers import Server
from wire import Wire
from wire_mysql import MysqlWire
from wire_postgresql import PostgresqlWire

KINDS = ("postgresql", "mysql")
SIDES = ("before", "after")
_PATIENCE_S = 60


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest) -> Server:
    """Give a database with an empty table `effects`, on each kind of server in turn."""
    server: Server = request.getfixturevalue(f"{request.param}_database")
    with _connected(server) as connection:
        text = "LONGTEXT" if server.kind == "mysql" else "TEXT"
        _run(connection, f"CREATE TABLE effects (id INT PRIMARY KEY, note {text})")
        connection.commit()
    return server


@pytest.fixture
def proxy(database: Server) -> Iterator[FaultyProxy]:
    """Give a proxy to that database."""
    with faulty_proxy(database) as running:
        yield running


postgresql_only = pytest.mark.parametrize("database", ["postgresql"], indirect=True)


@contextmanager
def _connected(server: Server, **options: Any) -> Iterator[Any]:
    if server.kind == "postgresql":
        import psycopg

        opened: Any = psycopg.connect(server.conninfo, **options)
    else:
        import pymysql
        from pymysql.constants import CLIENT

        opened = pymysql.connect(**server.pymysql, client_flag=CLIENT.MULTI_STATEMENTS, **options)
    with closing(opened):
        yield opened


def _lost(server: Server) -> type[Exception] | tuple[type[Exception], ...]:
    """Give what the driver raises when its link is gone; by the class its connections raise, whoever imported it."""
    if server.kind == "postgresql":
        import psycopg

        return psycopg.OperationalError
    from pymysql import connections, err

    return err.OperationalError, connections.err.OperationalError


def _run(connection: Any, sql: str) -> list[tuple[Any, ...]]:
    with closing(connection.cursor()) as cursor:
        cursor.execute(sql)
        while cursor.nextset():
            pass
        return list(cursor.fetchall()) if cursor.description else []


def _stored(server: Server) -> list[int]:
    """Ask the server itself, past the proxy."""
    with _connected(server) as connection:
        return [number for (number,) in _run(connection, "SELECT id FROM effects ORDER BY id")]


def _wait_for_locks(connection: Any, server: Server, seconds: int) -> None:
    postgresql = server.kind == "postgresql"
    _run(connection, f"SET lock_timeout = '{seconds}s'" if postgresql else f"SET innodb_lock_wait_timeout = {seconds}")
    connection.commit()


def _vanish(connection: Any) -> None:
    """End a client's side of the link without a word to the server."""
    number = connection.fileno() if hasattr(connection, "fileno") else connection._sock.fileno()
    with socket.socket(fileno=os.dup(number)) as link:
        link.shutdown(socket.SHUT_RDWR)


def _effect(connection: Any, number: int) -> None:
    _run(connection, f"INSERT INTO effects (id) VALUES ({number})")
    connection.commit()


def test_everything_passes_while_nothing_is_armed(proxy: FaultyProxy, database: Server) -> None:
    """Long texts, many rows, errors and many transactions pass as they are."""
    long = "单" * 700_000
    with _connected(proxy.server) as connection:
        _run(connection, f"INSERT INTO effects VALUES (0, '{long}')")
        connection.commit()
        for number in range(1, 30):
            _effect(connection, number)
        with pytest.raises(Exception, match="nothing"):
            _run(connection, "SELECT nothing FROM effects")
        connection.rollback()
        assert _run(connection, "SELECT note FROM effects WHERE id = 0") == [(long,)]
        assert len(_run(connection, "SELECT a.id FROM effects a, effects b")) == 900
    assert _stored(database) == list(range(30))
    assert not proxy.fired.is_set()


@pytest.mark.parametrize("when", SIDES)
def test_a_cut_is_on_the_side_that_was_asked(proxy: FaultyProxy, database: Server, when: Any) -> None:
    """The client loses its link either way; stored is what it wrote only when the server had the COMMIT."""
    with _connected(proxy.server) as connection:
        proxy.at_commit("cut", when)
        with pytest.raises(_lost(database)):
            _effect(connection, 1)
    assert proxy.fired.is_set()
    assert _stored(database) == ([1] if when == "after" else [])


@pytest.mark.parametrize("when", SIDES)
def test_a_cut_happens_once_at_the_nth_commit_of_all(proxy: FaultyProxy, database: Server, when: Any) -> None:
    """Commits are counted over all connections from the arming on; the others and those after it go through."""
    with _connected(proxy.server) as one, _connected(proxy.server) as two:
        _effect(one, 1)
        proxy.at_commit("cut", when, nth=3)
        _effect(one, 2)
        _effect(two, 3)
        assert not proxy.fired.is_set()
        with pytest.raises(_lost(database)):
            _effect(one, 4)
        _effect(two, 5)
    with _connected(proxy.server) as three:
        _effect(three, 6)
    assert _stored(database) == [1, 2, 3, *([4] if when == "after" else []), 5, 6]


@pytest.mark.parametrize("when", SIDES)
def test_a_text_of_several_statements_may_end_with_the_commit(proxy: FaultyProxy, database: Server, when: Any) -> None:
    """A COMMIT sent in one text with the writes is met; the results before its own do not mislead."""
    text = "INSERT INTO effects (id) VALUES ({0}), ({1}); SELECT * FROM effects; UPDATE effects SET note = 'x'; COMMIT;"
    with _connected(proxy.server) as connection:
        _run(connection, "BEGIN")
        _run(connection, text.format(1, 2))
        _run(connection, "BEGIN")
        proxy.at_commit("cut", when)
        with pytest.raises(_lost(database)):
            _run(connection, text.format(3, 4))
    assert _stored(database) == [1, 2, *([3, 4] if when == "after" else [])]


@pytest.mark.parametrize("when", SIDES)
@pytest.mark.parametrize("prepared", [False, True])
@postgresql_only
def test_a_commit_in_a_pipeline_is_met(proxy: FaultyProxy, database: Server, when: Any, prepared: bool) -> None:
    """A COMMIT behind the writes of one pipeline is met, also one prepared long before and executed by its name."""

    def batch(connection: Any, number: int) -> None:
        with connection.pipeline():
            connection.execute("BEGIN", prepare=prepared)
            connection.execute("INSERT INTO effects (id) VALUES (%s)", [number], prepare=prepared)
            connection.execute("COMMIT", prepare=prepared)

    with _connected(proxy.server, autocommit=True) as connection:
        batch(connection, 1)
        proxy.at_commit("cut", when)
        with pytest.raises(_lost(database)):
            batch(connection, 2)
    assert _stored(database) == ([1, 2] if when == "after" else [1])


def test_a_commit_that_was_not_done_is_no_commit(proxy: FaultyProxy, database: Server) -> None:
    """A batch that fails before its COMMIT passes with its error, and the next COMMIT that is done is cut."""
    failing = "INSERT INTO effects (id) VALUES (1); INSERT INTO effects (id) VALUES (1); COMMIT"
    with _connected(proxy.server) as connection:
        proxy.at_commit("cut", "after")
        with pytest.raises(Exception, match=r"(?i)duplicate"):
            _run(connection, failing)
        connection.rollback()
        assert not proxy.fired.is_set()
        with pytest.raises(_lost(database)):
            _effect(connection, 2)
    assert _stored(database) == [2]


@postgresql_only
def test_a_commit_skipped_in_a_pipeline_is_no_commit(proxy: FaultyProxy, database: Server) -> None:
    """What the server skips after an error is not taken for an answer, nor mixed up with what is asked later."""
    import psycopg

    def in_one_go(*texts: str) -> None:
        with connection.pipeline():
            for text in texts:
                connection.execute(text)

    with _connected(proxy.server, autocommit=True) as connection:
        proxy.at_commit("cut", "after", nth=2)
        with pytest.raises(psycopg.errors.DivisionByZero):
            in_one_go("BEGIN READ ONLY", "SELECT 1 / 0", "COMMIT")
        connection.execute("ROLLBACK")
        connection.autocommit = False
        _effect(connection, 1)
        with pytest.raises(_lost(database)):
            _effect(connection, 2)
    assert _stored(database) == [1, 2]


@pytest.mark.parametrize("when", SIDES)
def test_reading_commits_do_not_count(proxy: FaultyProxy, database: Server, when: Any) -> None:
    """The COMMIT of a transaction begun READ ONLY passes; the next writing one is cut."""
    with _connected(proxy.server) as connection:
        proxy.at_commit("cut", when)
        _run(connection, "START TRANSACTION READ ONLY")
        assert _run(connection, "SELECT count(*) FROM effects") == [(0,)]
        connection.commit()
        assert not proxy.fired.is_set()
        with pytest.raises(_lost(database)):
            _effect(connection, 1)


@pytest.mark.parametrize("when", SIDES)
def test_a_frozen_commit_goes_on_after_the_thaw(proxy: FaultyProxy, database: Server, when: Any) -> None:
    """The caller hears nothing while it is frozen, other connections work, and the thaw brings the answer."""
    with _connected(proxy.server) as connection, _connected(proxy.server) as other:
        _run(connection, "INSERT INTO effects (id) VALUES (1)")
        proxy.at_commit("freeze", when)
        caller = threading.Thread(target=connection.commit)
        caller.start()
        assert proxy.fired.wait(_PATIENCE_S)
        _effect(other, 2)
        assert _stored(database) == ([1, 2] if when == "after" else [2])
        assert caller.is_alive()
        proxy.thaw()
        caller.join(_PATIENCE_S)
        assert not caller.is_alive()
        _effect(connection, 3)
    assert _stored(database) == [1, 2, 3]


def test_the_server_does_not_hear_of_a_client_that_left_a_frozen_link(proxy: FaultyProxy, database: Server) -> None:
    """A client's locks stay when it goes away behind a half-open link, until the thaw."""
    touching = "UPDATE effects SET note = 'mine' WHERE id = 1"
    with _connected(database) as direct:
        _effect(direct, 1)
        with _connected(proxy.server) as connection:
            _run(connection, touching)
            proxy.freeze()
            _vanish(connection)
        assert proxy.connections == 1
        _wait_for_locks(direct, database, 1)
        with pytest.raises(Exception, match=r"(?i)lock"):
            _run(direct, touching)
        direct.rollback()
        proxy.thaw()
        _wait_for_locks(direct, database, _PATIENCE_S)
        _run(direct, touching)
        direct.commit()


def test_new_connections_can_be_frozen_too(proxy: FaultyProxy) -> None:
    """They are accepted and hear nothing until the thaw."""
    greeted_by_us = proxy.server.kind == "postgresql"
    proxy.freeze(also_new=True)
    with socket.create_connection((proxy.server.host, proxy.server.port)) as connection:
        connection.settimeout(0.2)
        if greeted_by_us:
            account = f"user\0{proxy.server.user}\0database\0{proxy.server.database}\0\0".encode()
            connection.sendall(struct.pack("!II", 8 + len(account), 196608) + account)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        proxy.thaw()
        connection.settimeout(_PATIENCE_S)
        assert connection.recv(1)


def test_a_delay_holds_both_directions(proxy: FaultyProxy) -> None:
    """A round trip takes at least twice the delay, and the delay ends when told."""
    with _connected(proxy.server) as connection:
        proxy.delay(0.05)
        began = time.monotonic()
        assert _run(connection, "SELECT 1") == [(1,)]
        assert time.monotonic() - began >= 0.1
        proxy.delay(0)
        assert _run(connection, "SELECT 2") == [(2,)]


def test_every_connection_can_be_cut(proxy: FaultyProxy, database: Server) -> None:
    """A cut takes away all connections there are and none that come."""
    with _connected(proxy.server) as one, _connected(proxy.server) as two:
        proxy.cut()
        for connection in (one, two):
            with pytest.raises(_lost(database)):
                _run(connection, "SELECT 1")
    with _connected(proxy.server) as three:
        assert _run(three, "SELECT 3") == [(3,)]


def test_it_outlives_its_server(start_private_server: Callable[..., Any]) -> None:
    """While the server is down a client is turned away; when it is back, so is the way to it."""
    import psycopg

    server = start_private_server("postgresql")
    with faulty_proxy(server.new_database()) as proxy:
        server.kill()
        with pytest.raises(psycopg.OperationalError), _connected(proxy.server):
            pass
        server.restart()
        with _connected(proxy.server) as connection:
            assert _run(connection, "SELECT 1") == [(1,)]


# ---------------------------------------------------------------------------------------------------------------------
# Streams that arrive in any portions
# ---------------------------------------------------------------------------------------------------------------------


def _pg(letter: bytes, body: bytes) -> bytes:
    return letter + struct.pack("!I", 4 + len(body)) + body


def _my(number: int, body: bytes) -> bytes:
    return len(body).to_bytes(3, "little") + bytes([number]) + body


_PG_ASKED = (
    struct.pack("!II", 8, 80877103)
    + struct.pack("!II", 8 + 7, 196608) + b"user\0x\0"
    + _pg(b"P", b"done\0COMMIT\0\0\0")
    + _pg(b"P", b"\0INSERT\0\0\0") + _pg(b"B", b"\0\0" + bytes(6)) + _pg(b"E", b"\0" + bytes(4))
    + _pg(b"B", b"\0done\0" + bytes(6)) + _pg(b"E", b"\0" + bytes(4)) + _pg(b"S", b"")
    + _pg(b"Q", b"BEGIN READ ONLY; COMMIT\0") + _pg(b"Q", b"SELECT 'COMMIT'\0") + _pg(b"Q", b"insert; commit ;\0")
)  # fmt: skip
_PG_ANSWERED = (
    _pg(b"Z", b"I")
    + _pg(b"C", b"INSERT 0 1\0") + _pg(b"C", b"COMMIT\0") + _pg(b"Z", b"I")
    + _pg(b"C", b"BEGIN\0") + _pg(b"C", b"COMMIT\0") + _pg(b"Z", b"I")
    + _pg(b"D", b"\0\1COMMIT\0") + _pg(b"Z", b"I")
    + _pg(b"E", b"no\0") + _pg(b"Z", b"I")
)  # fmt: skip
_OK, _OK_AND_MORE = b"\0\1\0\2\0\0\0", b"\0\1\0\x0a\0\0\0"
_END, _END_AND_MORE = b"\xfe\0\0\2\0", b"\xfe\0\0\x0a\0"
_MY_ASKED = _my(1, b"handshake; COMMIT") + _my(0, b"\3INSERT; SELECT; COMMIT")
_MY_ANSWERED = (
    _my(0, b"\n8.0\0" + bytes(8 + 4 + 1) + b"\xff\xff" + bytes(3) + b"\xff\xff" + bytes(30))
    + _my(1, _OK_AND_MORE)
    + _my(2, b"\1") + _my(3, b"\3def") + _my(4, _END) + _my(5, b"\0") + _my(6, _END_AND_MORE)
    + _my(7, _OK)
)  # fmt: skip


def _marks(wire: Wire, asked: list[bytes], answered: list[bytes]) -> list[tuple[str | None, int]]:
    """Give the marks and where in the stream their pieces stand."""
    found: list[tuple[str | None, int]] = []
    for read, portions in ((wire.from_client, asked), (wire.from_server, answered)):
        place = 0
        for portion in portions:
            for piece in read(portion):
                if piece.mark is not None:
                    found.append((piece.mark, place))
                place += len(piece.data)
    return found


def _portions(stream: bytes) -> st.SearchStrategy[list[bytes]]:
    cuts = st.lists(st.integers(0, len(stream)), max_size=12).map(sorted)
    return cuts.map(lambda at: [stream[a:b] for a, b in zip([0, *at], [*at, len(stream)], strict=True)])


@given(_portions(_PG_ASKED), _portions(_PG_ANSWERED))
def test_postgresql_is_read_in_any_portions(asked: list[bytes], answered: list[bytes]) -> None:
    """The marks stand at the Execute of COMMIT and at its answer, however the network cuts the stream."""
    at_execute = _PG_ASKED.index(_pg(b"S", b"")) - len(_pg(b"E", b"\0" + bytes(4))) - 8  # the SSL wish is not sent on
    at_query = _PG_ASKED.index(_pg(b"Q", b"insert; commit ;\0")) - 8
    at_answer = _PG_ANSWERED.index(_pg(b"C", b"COMMIT\0"))
    expected = [("commit", at_execute), ("commit", at_query), ("committed", at_answer)]
    assert _marks(PostgresqlWire(), asked, answered) == expected


@given(_portions(_MY_ASKED), _portions(_MY_ANSWERED))
def test_mysql_is_read_in_any_portions(asked: list[bytes], answered: list[bytes]) -> None:
    """The marks stand at the text that ends with COMMIT and at its last OK, however the network cuts the stream."""
    at_text = _MY_ASKED.index(b"\3INSERT") - 4
    at_answer = len(_MY_ANSWERED) - len(_my(7, _OK))
    assert _marks(MysqlWire(), asked, answered) == [("commit", at_text), ("committed", at_answer)]


def test_mysql_greets_without_what_the_proxy_cannot_read() -> None:
    """Encryption, compression and newer framings are struck from the greeting, the rest of it stays."""
    [piece] = MysqlWire().from_server(_MY_ANSWERED[: 4 + _MY_ANSWERED[0]])
    changed = {
        at: (old, new) for at, (old, new) in enumerate(zip(_MY_ANSWERED, piece.data, strict=False)) if old != new
    }
    low = 4 + 5 + 13
    assert changed == {low: (0xFF, 0xDF), low + 1: (0xFF, 0xF7), low + 6: (0xFF, 0xF0)}
