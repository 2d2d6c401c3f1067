"""What a server says becomes one of our errors, by its code, with the driver's error as the cause."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import attrs
import psycopg
import pytest
from places import Place
from servers import Server
from stores import installed, is_mysql_proper

from crossloyalty.application.driving import drive
from crossloyalty.errors import (
    ConfigError,
    Conflict,
    CrossloyaltyError,
    InvalidInput,
    LockTimedOut,
    Retryable,
    StorageBusy,
    StorageCorrupt,
    StorageFull,
    StorageUnavailable,
)
from crossloyalty.storage._sql import mysql_errors
from crossloyalty.storage._sql.link import Call

Kind = type[CrossloyaltyError]
BY_STATE: Final[dict[str, Kind]] = {
    "08006": StorageUnavailable,
    "21000": InvalidInput,
    "22001": InvalidInput,
    "22003": InvalidInput,
    "22021": InvalidInput,
    "23502": StorageCorrupt,
    "23503": StorageCorrupt,
    "23505": Conflict,
    "25006": ConfigError,
    "28000": ConfigError,
    "3D000": ConfigError,
    "40001": Conflict,
    "40P01": Conflict,
    "42501": ConfigError,
    "42P01": ConfigError,
    "53100": StorageFull,
    "53200": StorageBusy,
    "53300": StorageUnavailable,
    "54000": InvalidInput,
    "55P03": LockTimedOut,
    "57014": StorageBusy,
    "57P01": StorageUnavailable,
    "57P03": StorageUnavailable,
    "58030": StorageCorrupt,
    "XX001": StorageCorrupt,
    "ZZ999": ConfigError,  # nobody knows it, so nobody may try again
}
BY_NUMBER: Final[dict[int, Kind]] = {
    1020: Conflict,
    1021: StorageFull,
    1034: StorageCorrupt,
    1037: StorageBusy,
    1040: StorageUnavailable,
    1044: ConfigError,
    1045: ConfigError,
    1048: StorageCorrupt,
    1049: ConfigError,
    1053: StorageUnavailable,
    1062: Conflict,
    1071: InvalidInput,
    1114: StorageFull,
    1142: ConfigError,
    1146: ConfigError,
    1205: LockTimedOut,
    1206: StorageBusy,
    1213: Conflict,
    1264: InvalidInput,
    1290: ConfigError,
    1317: StorageBusy,
    1366: InvalidInput,
    1406: InvalidInput,
    1452: StorageCorrupt,
    1927: StorageUnavailable,
    1637: StorageBusy,
    1969: StorageBusy,
    3024: StorageBusy,
    3032: StorageUnavailable,
    3101: Conflict,
    3168: StorageUnavailable,
    3819: StorageCorrupt,
    4031: StorageUnavailable,
    9999: ConfigError,  # nobody knows it, so nobody may try again
}


def raised_by(storage: Any, statements: list[str]) -> CrossloyaltyError:
    """Give what statements raise inside a transaction of a plain storage."""
    with pytest.raises(CrossloyaltyError) as caught, storage.transaction() as tx:
        drive(tx._tx._ground.send([Call(sql) for sql in statements]))
    return caught.value


async def raised_by_async(storage: Any, statements: list[str]) -> CrossloyaltyError:
    """Give what statements raise inside a transaction of an asynchronous storage."""
    try:
        async with storage.transaction() as tx:
            await tx._ground.send([Call(sql) for sql in statements])
    except CrossloyaltyError as error:
        return error
    finally:
        storage.close()
    raise AssertionError("nothing was raised")


def in_both(place: Place, statements: list[str], **settings: Any) -> list[CrossloyaltyError]:
    """Run statements on the plain and on the asynchronous storage."""
    with place.open(**settings) as storage:
        plain = raised_by(storage, statements)
    return [plain, asyncio.run(raised_by_async(place.open_async(**settings), statements))]


def test_sqlstates(postgresql_database: Server) -> None:
    """Each SQLSTATE, raised by PostgreSQL itself, is sorted as the table says, plainly and for tasks."""
    place = Place(installed(postgresql_database))
    for state, kind in BY_STATE.items():
        sql = f"DO $$ BEGIN RAISE EXCEPTION 'planted' USING ERRCODE = '{state}'; END $$"
        for error in in_both(place, [sql]):
            assert type(error) is kind, state
            assert isinstance(error.__cause__, psycopg.Error)
            assert error.__cause__.sqlstate == state
            assert state in str(error)


def test_numbers(mysql_database: Server) -> None:
    """Each error number, raised by the server itself, is sorted as the table says, plainly and for tasks."""
    place = Place(installed(mysql_database))
    for number, kind in BY_NUMBER.items():
        sql = f"SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = {number}, MESSAGE_TEXT = 'planted'"
        for error in in_both(place, [sql]):
            assert type(error) is kind, number
            assert error.__cause__ is not None
            assert mysql_errors.number_of(error.__cause__) == number
            assert str(number) in str(error)


OWN_KILL: Final = ["KILL CONNECTION_ID()"]
REAL: Final[dict[str, list[tuple[list[str], Kind]]]] = {
    "postgresql": [
        (["SELECT * FROM nowhere"], ConfigError),
        (["SELECT 1 / 0"], InvalidInput),
        (["SELECT pg_sleep(9)"], StorageBusy),
        (["SELECT pg_terminate_backend(pg_backend_pid())"], StorageUnavailable),
        (["SET TRANSACTION READ ONLY", "DELETE FROM crossloyalty_tags"], ConfigError),
        (["INSERT INTO crossloyalty_tags VALUES ('p', 'm', 't', NULL, 0, 0, 0)"], StorageCorrupt),
        (["INSERT INTO crossloyalty_tags VALUES ('p', 'm', 't', 1, 0, 0, 0)"] * 2, Conflict),
    ],
    "mysql": [
        (["SELECT * FROM nowhere"], ConfigError),
        ([f"SELECT count(*) FROM {', '.join(f'information_schema.collations t{n}' for n in range(5))}"], StorageBusy),
        (OWN_KILL, StorageUnavailable),
        (["INSERT INTO crossloyalty_tags VALUES ('p', 'm', 't', NULL, 0, 0, 0)"], StorageCorrupt),
        (["INSERT INTO crossloyalty_tags VALUES ('p', 'm', 't', 'x', 0, 0, 0)"], InvalidInput),
        (["INSERT INTO crossloyalty_tags VALUES ('p', 'm', REPEAT('t', 600), 1, 0, 0, 0)"], InvalidInput),
        (["INSERT INTO crossloyalty_tags VALUES ('p', 'm', 't', 1, 0, 0, 0)"] * 2, Conflict),
    ],
}
BRIEF: Final[dict[str, dict[str, int]]] = {
    "postgresql": {"statement_timeout_ms": 500, "lock_timeout_ms": 400},
    "mysql": {"statement_timeout_s": 1, "lock_timeout_s": 1},
}


def test_what_really_goes_wrong(server_place: Place) -> None:
    """Statements that fail for real: missing tables, time-outs, killed sessions, broken constraints, doubled keys."""
    kind = server_place.server.kind
    proper = is_mysql_proper(server_place.server)
    for statements, usual in REAL[kind]:
        # MySQL says 1317 to who kills itself, and 2013 to whom others kill.
        expected = StorageBusy if proper and statements == OWN_KILL else usual
        for error in in_both(server_place, statements, **BRIEF[kind]):
            assert type(error) is expected, statements
            assert type(error.__cause__).__module__.partition(".")[0] in ("psycopg", "pymysql", "asyncmy")
            assert isinstance(error, Retryable) is issubclass(expected, Retryable)


@pytest.mark.parametrize("change", [{"user": "nobody-here"}, {"database": "nowhere"}], ids=["user", "database"])
def test_who_cannot_come_in_is_told_so_for_good(server_place: Place, change: dict[str, str]) -> None:
    """An unknown user or database is a ConfigError, which no retry hides."""
    other = Place(attrs.evolve(server_place.server, **change))
    with other.open() as storage, pytest.raises(ConfigError), storage.transaction(readonly=True):
        raise AssertionError("let in")
