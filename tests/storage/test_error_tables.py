"""Which codes of a server are worth another try: those that are named here, and no others, known or unknown."""

from __future__ import annotations

import asyncio
import random
from typing import Any, Final

import asyncmy.errors
import psycopg
import pymysql
import pytest
from pymysql.constants import ER

from crossloyalty.errors import (
    ConfigError,
    Conflict,
    CrossloyaltyError,
    InvalidInput,
    LockTimedOut,
    Retryable,
    StorageCorrupt,
    StorageFull,
    StorageUnavailable,
)
from crossloyalty.storage._sql import mysql_errors, postgresql_errors
from crossloyalty.storage._sql.mysql_errors import by_number
from crossloyalty.storage._sql.postgresql_states import by_sqlstate, state_ends_transaction

# Classes of SQLSTATEs that pass by themselves, and what passes outside them: links, races, resources, operators.
PASSING_CLASSES: Final = frozenset({"08", "40", "53", "55", "57"})
PASSING_STATES: Final = frozenset({"23505", "25P02", "25P03"})
FOR_A_HUMAN: Final = frozenset({"53100"})
RUN_AGAIN_NUMBERS: Final = {
    Conflict: {1020, 1062, 1213, 1586, 3101},
    LockTimedOut: {1205, 3572},
    StorageUnavailable: {
        *(0, 2000, 2001, 2002, 2003, 2005, 2006, 2012, 2013, 2014, 2027, 2055),
        *(1040, 1041, 1053, 1077, 1079, 1080, 1152, 1158, 1159, 1160, 1161, 1184, 1203, 1226, 1927),
        *(3032, 3168, 4031),
    },
}
RETRYABLE_NUMBERS: Final = {1037, 1038, 1206, 1317, 1637, 1969, 3024}.union(*RUN_AGAIN_NUMBERS.values())
KNOWN_STATES: Final = sorted(
    state for kind in vars(psycopg.errors).values() if isinstance(state := getattr(kind, "sqlstate", None), str)
)


def test_states_worth_another_try() -> None:
    """Of all SQLSTATEs that psycopg knows exactly those are retryable which pass by themselves."""
    assert len(KNOWN_STATES) > 200
    for state in KNOWN_STATES:
        passing = (state[:2] in PASSING_CLASSES or state in PASSING_STATES) and state not in FOR_A_HUMAN
        assert issubclass(by_sqlstate(state), Retryable) is passing, state


def test_unknown_states_are_for_good() -> None:
    """A class of SQLSTATEs that nobody knows is ConfigError and ends nothing that could go on."""
    letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    known = {state[:2] for state in KNOWN_STATES} | PASSING_CLASSES
    unknown = [head + tail for head in letters for tail in letters if head + tail not in known]
    assert len(unknown) > 1_000
    for each in unknown:
        assert by_sqlstate(f"{each}001") is ConfigError, each
        assert not state_ends_transaction(f"{each}001"), each


def test_a_commit_of_unknown_outcome_is_looked_into() -> None:
    """States that leave open whether it was done are StorageUnavailable, as a lost link, and never a plain Conflict."""
    for state in ("08006", "08007", "57P01"):
        assert by_sqlstate(state) is StorageUnavailable


def test_numbers_worth_another_try() -> None:
    """Of all error numbers below 20,000, the drivers' own among them, exactly the named ones are retryable."""
    for kind, numbers in RUN_AGAIN_NUMBERS.items():
        assert {number for number in range(20_000) if by_number(number, "") is kind} == numbers
    assert {number for number in range(20_000) if issubclass(by_number(number, ""), Retryable)} == RETRYABLE_NUMBERS


def test_numbers_of_the_driver_have_their_names() -> None:
    """What is retried bears the name one expects of it in PyMySQL's own list."""
    names = {number: name for name, number in vars(ER).items() if type(number) is int}
    assert {names[number] for number in (1062, 1205, 1213, 1040, 1317)} == {
        "DUP_ENTRY",
        "LOCK_WAIT_TIMEOUT",
        "LOCK_DEADLOCK",
        "CON_COUNT_ERROR",
        "QUERY_INTERRUPTED",
    }


def test_error_1030_is_told_by_what_it_says() -> None:
    """The engine's error 28 is the system's full disk; any other one is for a human too, but not for space."""
    assert by_number(1030, 'Got error 28 "No space left on device" from storage engine InnoDB') is StorageFull
    assert by_number(1030, 'Got error 168 "Unknown (generic) error from engine" from storage engine') is StorageCorrupt


POSTGRESQL: Final[list[tuple[BaseException, type[CrossloyaltyError]]]] = [
    (psycopg.OperationalError("server closed the connection unexpectedly"), StorageUnavailable),
    (psycopg.InterfaceError("the connection is closed"), StorageUnavailable),
    (psycopg.OperationalError("FATAL:  sorry, too many clients already"), StorageUnavailable),
    (psycopg.OperationalError("FATAL:  the database system is starting up"), StorageUnavailable),
    (psycopg.OperationalError('FATAL:  password authentication failed for user "x"'), ConfigError),
    (psycopg.OperationalError('FATAL:  no pg_hba.conf entry for host "x"'), ConfigError),
    (psycopg.OperationalError('FATAL:  role "x" does not exist'), ConfigError),
    (psycopg.OperationalError("fe_sendauth: no password supplied"), ConfigError),
    (psycopg.ProgrammingError("can't adapt type"), ConfigError),
    (psycopg.DataError("PostgreSQL text fields cannot contain NUL"), ConfigError),
    (psycopg.NotSupportedError("pipeline mode"), ConfigError),
    (TimeoutError(), StorageUnavailable),
    (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"), InvalidInput),
]
MYSQL: Final[list[tuple[BaseException, type[CrossloyaltyError]]]] = [
    (pymysql.err.InterfaceError(0, ""), StorageUnavailable),
    (pymysql.err.InternalError("Packet sequence number wrong - got 1 expected 2"), StorageUnavailable),
    (pymysql.err.OperationalError(), StorageUnavailable),
    (pymysql.err.OperationalError(2006, "MySQL server has gone away"), StorageUnavailable),
    (asyncmy.errors.OperationalError(2013, "Lost connection"), StorageUnavailable),
    (asyncmy.errors.OperationalError(2003, "Can't connect"), StorageUnavailable),
    (asyncmy.errors.IntegrityError(1062, "Duplicate entry"), Conflict),
    (asyncmy.errors.ProgrammingError(1146, "no such table"), ConfigError),
    (asyncio.IncompleteReadError(b"", 4), StorageUnavailable),
    (ConnectionResetError(), StorageUnavailable),
    (TimeoutError(), StorageUnavailable),
    (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"), InvalidInput),
]


@pytest.mark.parametrize(("faults", "cases"), [(postgresql_errors, POSTGRESQL), (mysql_errors, MYSQL)])
def test_what_a_driver_says_by_itself(faults: Any, cases: list[tuple[BaseException, type[CrossloyaltyError]]]) -> None:
    """Errors without a code of the server's are sorted too: lost links, refused log-ins, values that cannot be sent."""
    for said, kind in cases:
        assert type(faults.translated(said)) is kind, said


@pytest.mark.parametrize("faults", [postgresql_errors, mysql_errors])
def test_what_is_not_the_drivers_stays_what_it_is(faults: Any) -> None:
    """Cancellations, interrupts, our own errors and the host's are neither wrapped nor taken for the server's."""
    for error in (
        asyncio.CancelledError(),
        KeyboardInterrupt(),
        SystemExit(1),
        GeneratorExit(),
        MemoryError(),
        KeyError("1062"),
        RuntimeError(40001),
        Conflict("ours"),
        ConfigError("ours"),
    ):
        assert faults.translated(error) is error
        assert not faults.ends_transaction(error)


def test_the_sorting_is_the_same_for_all_drivers_of_mysql() -> None:
    """PyMySQL and asyncmy raise one number as different classes, and only the number counts."""
    some = random.Random(1)
    for number in [*RETRYABLE_NUMBERS, *some.sample(range(1_000, 5_000), 200)]:
        for kind in (pymysql.err.InternalError, asyncmy.errors.DatabaseError, pymysql.err.OperationalError):
            assert type(mysql_errors.translated(kind(number, "said"))) is by_number(number, "said")
