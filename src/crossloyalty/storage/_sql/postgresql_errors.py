"""PostgreSQL's SQLSTATEs, sorted into our tree by what the caller does next."""

from __future__ import annotations

from typing import Final

import psycopg

from crossloyalty.errors import (
    ConfigError,
    Conflict,
    CrossloyaltyError,
    InvalidInput,
    LockTimedOut,
    StorageBusy,
    StorageCorrupt,
    StorageFull,
    StorageUnavailable,
    shown,
)

__all__ = ["by_sqlstate", "ends_transaction", "translated"]

# postgresql.org/docs/current/errcodes-appendix.html, read 2026-11.
_BY_STATE: Final[dict[str, type[CrossloyaltyError]]] = {
    "22012": Conflict,  # division_by_zero: how our guarded changes say that a row is missing
    "23505": Conflict,  # unique_violation
    "40001": Conflict,  # serialization_failure
    "40P01": Conflict,  # deadlock_detected
    "55P03": LockTimedOut,  # lock_not_available: lock_timeout
    "57014": StorageBusy,  # query_canceled: statement_timeout, or somebody's cancel
    "25P03": StorageUnavailable,  # idle_in_transaction_session_timeout
    "25P02": StorageBusy,  # in_failed_sql_transaction
    "25006": ConfigError,  # read_only_sql_transaction: a standby
    "53100": StorageFull,  # disk_full
    "53200": StorageBusy,  # out_of_memory
    "53300": StorageUnavailable,  # too_many_connections
    "57P01": StorageUnavailable,  # admin_shutdown
    "57P02": StorageUnavailable,  # crash_shutdown
    "57P03": StorageUnavailable,  # cannot_connect_now: starting up
    "57P05": StorageUnavailable,  # idle_session_timeout
    "58030": StorageCorrupt,  # io_error
    "54000": InvalidInput,  # program_limit_exceeded: a key too long for its index
}
_BY_CLASS: Final[dict[str, type[CrossloyaltyError]]] = {
    "08": StorageUnavailable,  # connection exception
    "21": InvalidInput,
    "22": InvalidInput,  # data exception
    "23": StorageCorrupt,  # another constraint than our unique keys: somebody changed the tables
    "25": ConfigError,  # invalid transaction state
    "28": ConfigError,  # invalid authorization
    "34": ConfigError,
    "3D": ConfigError,  # no such database
    "3F": ConfigError,
    "40": Conflict,  # transaction rollback
    "42": ConfigError,  # no such table or column, no permission
    "53": StorageBusy,  # insufficient resources
    "54": InvalidInput,  # a limit of the program
    "55": StorageBusy,
    "57": StorageUnavailable,  # operator intervention
    "58": StorageCorrupt,
    "XX": StorageCorrupt,  # internal error, corrupted data
}


def by_sqlstate(state: str) -> type[CrossloyaltyError]:
    """Give our class for an SQLSTATE."""
    return _BY_STATE.get(state) or _BY_CLASS.get(state[:2], ConfigError)


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
        if state:
            said = error.diag.message_primary or type(error).__name__
            return by_sqlstate(state)(f"PostgreSQL: {shown(said)} ({state} {type(error).__name__})")
        # No SQLSTATE: libpq could not reach the server, or lost it. Its text names hosts, so it is not repeated.
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
    return state[:2] in {"08", "40", "53", "57", "58", "XX"} or state in {"55P03", "25P02", "25P03"}
