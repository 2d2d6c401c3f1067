"""What psycopg's errors mean, by their SQLSTATEs."""

from __future__ import annotations

import re
from typing import Final

import psycopg

from crossloyalty.errors import ConfigError, InvalidInput, StorageUnavailable, shown
from crossloyalty.storage._sql.postgresql_states import by_sqlstate, state_ends_transaction

__all__ = ["by_sqlstate", "ends_transaction", "translated"]

# libpq keeps the SQLSTATE of a refused connection to itself, so these are known by their text. A server that speaks
# another language refuses like one that cannot be reached: later, but as surely.
_REFUSED: Final = re.compile(
    "FATAL: .*(?:authentication failed|does not exist|pg_hba.conf|not permitted to log in|permission denied)"
    "|no password supplied"
)
# A name that is taken already, or that nobody has prepared: the session is not the one it was prepared in.
_OTHERS_STATEMENTS: Final = ("42P05", "26000")


def translated(error: BaseException) -> BaseException:
    """
    Give our error for one of psycopg's; the caller raises it `from` that one.

    Args:
        error: Anything raised while talking to PostgreSQL.

    Returns:
        One of the tree in `crossloyalty.errors`, or *error* itself where it is not the driver's.
    """
    if isinstance(error, psycopg.Error):
        state = error.sqlstate
        if state in _OTHERS_STATEMENTS:
            return ConfigError(
                "PostgreSQL: a prepared statement is another session's; behind a pooler that changes servers between"
                f" transactions pass prepare_statements=False ({state})"
            )
        if state:
            said = error.diag.message_primary or type(error).__name__
            return by_sqlstate(state)(f"PostgreSQL: {shown(said)} ({state} {type(error).__name__})")
        # No SQLSTATE: libpq could not reach the server, or lost it. Its text names hosts, so it is not repeated.
        if isinstance(error, psycopg.OperationalError) and _REFUSED.search(str(error)):
            return ConfigError("PostgreSQL refuses the connection: look at role, password, database and pg_hba.conf")
        if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
            return StorageUnavailable(f"PostgreSQL cannot be reached or was lost ({type(error).__name__})")
        return ConfigError(f"PostgreSQL: the driver refused ({type(error).__name__})")
    if isinstance(error, TimeoutError):
        return StorageUnavailable("PostgreSQL did not answer in time")
    if isinstance(error, UnicodeEncodeError):
        return InvalidInput("text with a lone surrogate cannot be stored")
    return error


def ends_transaction(error: BaseException) -> bool:
    """Say whether only a new transaction can help: a deadlock, a lost snapshot or link, a time-out."""
    state = getattr(error, "sqlstate", None)
    if state is None:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError | TimeoutError)
    return state_ends_transaction(state)
