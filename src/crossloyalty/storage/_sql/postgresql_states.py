"""PostgreSQL's SQLSTATEs, sorted into our tree by what the caller does next; whichever driver reports them."""

from __future__ import annotations

from typing import Final

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
)

__all__ = ["by_sqlstate", "state_ends_transaction"]

# postgresql.org/docs/current/errcodes-appendix.html, read 2026-11.
_BY_STATE: Final[dict[str, type[CrossloyaltyError]]] = {
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


def state_ends_transaction(state: str) -> bool:
    """Say whether only a new transaction can help: a deadlock, a lost snapshot or link, a time-out."""
    return state[:2] in {"08", "40", "53", "57", "58", "XX"} or state in {"55P03", "25P02", "25P03"}
