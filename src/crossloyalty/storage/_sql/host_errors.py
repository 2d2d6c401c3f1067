"""What errors on a connection of the host's mean: the driver's own, dug out of what frameworks wrap around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import attrs

from crossloyalty.errors import (
    ConfigError,
    CrossloyaltyError,
    HostTransactionLost,
    InvalidInput,
    Retryable,
    StorageUnavailable,
    shown,
)
from crossloyalty.storage._sql import mysql_errors, sqlite_errors
from crossloyalty.storage._sql.host_link import NO_TRANSACTION
from crossloyalty.storage._sql.postgresql_states import by_sqlstate, state_ends_transaction

__all__ = ["MYSQL_FAULTS", "POSTGRESQL_FAULTS", "SQLITE_FAULTS", "HostFaults"]

_LOST: Final = "the host's transaction can no longer commit: roll it back and start again"
# What frameworks say themselves when the transaction is beyond use: no statement has reached the server.
_GIVEN_UP: Final = frozenset({"PendingRollbackError", "TransactionManagementError"})
_FRAMEWORKS: Final = frozenset({"sqlalchemy", "django"})


def _package(error: BaseException) -> str:
    return type(error).__module__.partition(".")[0]


def _layers(error: BaseException) -> Iterator[BaseException]:
    """Give what wraps a driver's error, and the error, outermost first."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        inner = getattr(seen, "orig", None)  # SQLAlchemy's
        seen = inner if isinstance(inner, BaseException) else seen.__cause__ if _package(seen) in _FRAMEWORKS else None


@attrs.frozen
class HostFaults:
    """
    What the errors of one kind of database mean.

    Args:
        code: Gives the database's own code for an error of a driver's; None where it has none.
        translated: Gives our error for one of a driver's, or the very one where it is not a driver's.
        ends_transaction: Says whether only a new transaction can help.
        duplicate: The codes of a key that exists.
        no_transaction: The codes of a savepoint outside a transaction.
        no_table: Says whether a table is missing.
    """

    code: Callable[[BaseException], str | int | None]
    translated: Callable[[BaseException], BaseException]
    ends_transaction: Callable[[BaseException], bool]
    duplicate: frozenset[str | int]
    no_transaction: frozenset[str | int]
    no_table: Callable[[BaseException], bool]

    def driver_error(self, error: BaseException) -> BaseException:
        """Give the error of the driver's that some other wraps; the innermost when none has a code."""
        *outer, inmost = _layers(error)
        return next((each for each in (*outer, inmost) if self.code(each) is not None), inmost)

    def meaning(self, error: BaseException) -> BaseException:
        """
        Give our error for one raised on a connection of the host's, as if the transaction were our own.

        Returns:
            One of the tree in `crossloyalty.errors`; *error* itself where it is nobody's.
        """
        if isinstance(error, CrossloyaltyError):
            return error
        if not _GIVEN_UP.isdisjoint(_names(error)):
            return HostTransactionLost(f"{_LOST} ({type(error).__name__})")
        driver = self.driver_error(error)
        if _package(driver) in _FRAMEWORKS and self.code(driver) is None:
            return self._of_framework(driver)
        return self.translated(driver)

    def loses(self, error: BaseException) -> HostTransactionLost | None:
        """Give what the host is told when an error has cost it its transaction; None when it has not."""
        ours = self.meaning(error)
        if isinstance(ours, HostTransactionLost):
            return ours
        # What no new transaction cures either keeps its own name; the savepoint is rolled back as for any other.
        if isinstance(ours, Retryable) and (
            isinstance(ours, StorageUnavailable) or self.ends_transaction(self.driver_error(error))
        ):
            return HostTransactionLost(f"{_LOST}; {ours}")
        return None

    def lacks_transaction(self, error: BaseException) -> ConfigError | None:
        """Give the refusal when a savepoint failed because the host has no transaction."""
        return ConfigError(NO_TRANSACTION) if self.code(self.driver_error(error)) in self.no_transaction else None

    def is_duplicate(self, error: BaseException) -> bool:
        """Say whether a key exists already."""
        return self.code(self.driver_error(error)) in self.duplicate

    def lacks_table(self, error: BaseException) -> bool:
        """Say whether a table is missing."""
        return self.no_table(self.driver_error(error))

    def _of_framework(self, error: BaseException) -> BaseException:
        names = _names(error)
        if "InterfaceError" in names or "OperationalError" in names or "ProgrammingError" in names:
            return StorageUnavailable(f"the host's connection is closed or was lost ({type(error).__name__})")
        return ConfigError(f"{_package(error)} refused: {shown(str(error))} ({type(error).__name__})")


def _names(error: BaseException) -> set[str]:
    return {each.__name__ for each in type(error).__mro__}


# ---------------------------------------------------------------------------------------------------------------------
# PostgreSQL: psycopg, psycopg2, asyncpg, and what SQLAlchemy makes of the last
# ---------------------------------------------------------------------------------------------------------------------


def _state(error: BaseException) -> str | None:
    state: Any = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    return state if isinstance(state, str) else None


def _of_postgresql(error: BaseException) -> BaseException:
    name, state = type(error).__name__, _state(error)
    if state is not None:
        said = str(error).partition("\n")[0].rpartition(">: ")[2]  # details may hold what was stored
        return by_sqlstate(state)(f"PostgreSQL: {shown(said)} ({state} {name})")
    if isinstance(error, UnicodeEncodeError):
        return InvalidInput("text with a lone surrogate cannot be stored")
    names = _names(error)
    if "DataError" in names or isinstance(error, OverflowError):
        return InvalidInput(f"PostgreSQL's driver cannot send a value ({name})")
    # No SQLSTATE: the driver could not reach the server. Its text names hosts, so it is not repeated.
    if isinstance(error, OSError | EOFError) or "OperationalError" in names or "InterfaceError" in names:
        return StorageUnavailable(f"PostgreSQL cannot be reached or was lost ({name})")
    if "Error" in names or "DatabaseError" in names:
        return ConfigError(f"PostgreSQL: the driver refused ({name})")
    return error


def _ends_in_postgresql(error: BaseException) -> bool:
    state = _state(error)
    return state is not None and state_ends_transaction(state)


POSTGRESQL_FAULTS: Final = HostFaults(
    code=_state,
    translated=_of_postgresql,
    ends_transaction=_ends_in_postgresql,
    duplicate=frozenset({"23505"}),
    no_transaction=frozenset({"25P01"}),
    no_table=lambda error: _state(error) == "42P01",
)

# ---------------------------------------------------------------------------------------------------------------------
# MySQL and MariaDB
# ---------------------------------------------------------------------------------------------------------------------

_NO_SUCH_SAVEPOINT: Final = 1305
_NO_SUCH_TABLE: Final = 1146


def _of_mysql(error: BaseException) -> BaseException:
    if isinstance(error, OverflowError):
        return InvalidInput("an integer has more than 64 bits")
    return mysql_errors.translated(error)


MYSQL_FAULTS: Final = HostFaults(
    code=mysql_errors.number_of,
    translated=_of_mysql,
    ends_transaction=mysql_errors.ends_transaction,
    duplicate=frozenset({1062, 1586}),
    no_transaction=frozenset({_NO_SUCH_SAVEPOINT}),
    no_table=lambda error: mysql_errors.number_of(error) == _NO_SUCH_TABLE,
)

# ---------------------------------------------------------------------------------------------------------------------
# SQLite
# ---------------------------------------------------------------------------------------------------------------------


def _sqlite_code(error: BaseException) -> int | None:
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return code


SQLITE_FAULTS: Final = HostFaults(
    code=_sqlite_code,
    translated=sqlite_errors.translated,
    ends_transaction=sqlite_errors.ends_transaction,
    duplicate=frozenset({1555, 2067, 2579}),
    no_transaction=frozenset(),
    no_table=lambda error: _sqlite_code(error) == 1 and "no such table" in str(error),
)
