"""D14 inside a host's transaction: what was counted stays counted when the host rolls back."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest
from builders import Clock, assert_sound, order, points_program, right_proof
from places import Place, server_place

from crossloyalty import Loyalty, Proof, Reason, rules
from crossloyalty.storage.sqlite import SqliteStorage

__all__ = ["server_place"]

LOCKED, RECEIVED = Reason.TOO_MANY_ATTEMPTS, Reason.RECEIVED


def ask(door: Loyalty, n: int, member: str = "thief", proof: Proof | None = None, device: str = "") -> Reason | None:
    bought = order(n)
    given = proof or Proof.none()
    return door.claim(member, platform="taobao", order_no=bought.order_no, proof=given, device=device).reason


def rolled_back(loyalty: Loyalty, path: Path, n: int, **given: Any) -> Reason | None:
    """Ask inside a transaction of the host's that comes to nothing."""
    with sqlite3.connect(path, isolation_level=None) as connection:
        connection.execute("BEGIN IMMEDIATE")
        answer = ask(loyalty.joined(connection), n, **given)
        connection.execute("ROLLBACK")
    connection.close()
    return answer


@contextmanager
def opened(place: Place) -> Iterator[Any]:
    """Open a connection of the host's, in a transaction."""
    server = place.server
    connection: Any = (
        psycopg.connect(server.conninfo) if server.kind == "postgresql" else pymysql.connect(**server.pymysql)
    )
    with closing(connection), closing(connection.cursor()) as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED" if server.kind == "postgresql" else "BEGIN")
        yield connection


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "loyalty.db"


def test_a_rollback_frees_no_attempt(path: Path, clock: Clock) -> None:
    """Three guesses, rolled back each, are three; then the right proof is not looked at by any joined door."""
    with SqliteStorage(path) as storage:
        program = points_program(attempts=rules.Attempts(per_member=3))
        loyalty = Loyalty(program, storage, clock=clock)
        loyalty.ingest([order(n) for n in range(9)])
        assert [rolled_back(loyalty, path, n) for n in (1, 2, 50)] == [RECEIVED] * 3
        assert rolled_back(loyalty, path, 4) is LOCKED
        assert rolled_back(loyalty, path, 4, proof=right_proof(order(4))) is LOCKED
        assert rolled_back(loyalty, path, 4, proof=Proof.by_host("chat")) is None
        clock.move(minutes=10)
        assert rolled_back(loyalty, path, 4, proof=right_proof(order(4))) is None
        assert loyalty.tickets("thief").items == ()
        assert_sound(loyalty)


def test_right_proofs_are_given_back(path: Path, clock: Clock) -> None:
    """An honest member claims any number of orders, also with the last attempt of a window."""
    with SqliteStorage(path) as storage:
        loyalty = Loyalty(points_program(attempts=rules.Attempts(per_member=2)), storage, clock=clock)
        loyalty.ingest([order(n) for n in range(9)])
        assert rolled_back(loyalty, path, 8) is RECEIVED
        for n in range(6):
            assert rolled_back(loyalty, path, n, member="thief", proof=right_proof(order(n))) is None
        assert rolled_back(loyalty, path, 7) is RECEIVED
        assert rolled_back(loyalty, path, 6, proof=right_proof(order(6))) is LOCKED


def test_devices_and_orders_are_counted_apart_as_well(path: Path, clock: Clock) -> None:
    """Many members from one device, and many members for one order, are stopped like one member."""
    with SqliteStorage(path) as storage:
        limits = rules.Attempts(per_member=50, per_device=2, per_order=3)
        loyalty = Loyalty(points_program(attempts=limits), storage, clock=clock)
        asked = [rolled_back(loyalty, path, n, member=f"t{n}", device="d1") for n in range(3)]
        assert asked == [RECEIVED, RECEIVED, LOCKED]
        assert [rolled_back(loyalty, path, 9, member=f"o{n}") for n in range(4)] == [RECEIVED] * 3 + [LOCKED]


def test_on_a_server_the_count_is_in_the_store(server_place: Place, clock: Clock) -> None:
    """Another process, with a door of its own, knows of attempts whose transaction was rolled back."""
    with server_place.open() as storage, server_place.open() as elsewhere:
        program = points_program(attempts=rules.Attempts(per_member=2))
        loyalty = Loyalty(program, storage, clock=clock)
        other = Loyalty(program, elsewhere, clock=clock)
        loyalty.ingest([order(n) for n in range(5)])
        for n, door in ((1, loyalty), (2, other)):
            with opened(server_place) as connection:
                assert ask(door.joined(connection), n) is RECEIVED
                connection.rollback()
        for door in (loyalty, other):
            with opened(server_place) as connection:
                assert ask(door.joined(connection), 3, proof=right_proof(order(3))) is LOCKED
                connection.rollback()
        assert_sound(loyalty)
