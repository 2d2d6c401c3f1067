"""SQLite's error codes, sorted into our tree by what the caller does next."""

from __future__ import annotations

import sqlite3
from typing import Final

from crossloyalty.errors import (
    ConfigError,
    Conflict,
    CrossloyaltyError,
    InvalidInput,
    StorageBusy,
    StorageCorrupt,
    StorageFull,
    shown,
)

__all__ = ["ends_transaction", "translated"]

# Primary codes; the numbers are part of SQLite's interface (sqlite.org/rescode.html, read 2026-11).
_BY_CODE: Final[dict[int, type[CrossloyaltyError]]] = {
    1: ConfigError,  # ERROR: a table or column is not there
    3: ConfigError,  # PERM
    5: StorageBusy,
    6: StorageBusy,  # LOCKED
    7: StorageBusy,  # NOMEM
    8: ConfigError,  # READONLY
    9: StorageBusy,  # INTERRUPT
    10: StorageCorrupt,  # IOERR
    11: StorageCorrupt,
    13: StorageFull,
    14: ConfigError,  # CANTOPEN
    15: StorageBusy,  # PROTOCOL: a race in WAL locking
    17: StorageBusy,  # SCHEMA: it changed under a statement
    18: InvalidInput,  # TOOBIG
    19: InvalidInput,  # CONSTRAINT
    20: InvalidInput,  # MISMATCH
    23: ConfigError,  # AUTH
    26: StorageCorrupt,  # NOTADB
}

# Extended codes that mean something else than their primary one.
_BY_EXTENDED: Final[dict[int, type[CrossloyaltyError]]] = {
    1555: Conflict,  # CONSTRAINT_PRIMARYKEY
    2067: Conflict,  # CONSTRAINT_UNIQUE
    2579: Conflict,  # CONSTRAINT_ROWID
    # A quota or a file size limit answers a write with an error of its own, which SQLite does not call FULL.
    778: StorageFull,  # IOERR_WRITE
    1546: StorageFull,  # IOERR_TRUNCATE
    4874: StorageFull,  # IOERR_SHMSIZE
    # Locks and memory: over when the other side is done.
    2058: StorageBusy,  # IOERR_UNLOCK
    2314: StorageBusy,  # IOERR_RDLOCK
    3082: StorageBusy,  # IOERR_NOMEM
    3850: StorageBusy,  # IOERR_LOCK
    5130: StorageBusy,  # IOERR_SHMLOCK
}


def translated(error: BaseException) -> BaseException:
    """
    Give our error for one of the driver's; the caller raises it `from` the driver's.

    Args:
        error: Anything raised while talking to SQLite.

    Returns:
        One of the tree in `crossloyalty.errors`, or *error* itself where it is not the driver's.
    """
    if isinstance(error, sqlite3.Error):
        code: int = getattr(error, "sqlite_errorcode", None) or 0
        kind = _BY_EXTENDED.get(code) or _BY_CODE.get(code & 0xFF)
        if kind is None:  # raised by the Python module itself: a value or a handle it cannot use
            kind = InvalidInput if isinstance(error, sqlite3.DataError) else ConfigError
        name = getattr(error, "sqlite_errorname", None) or type(error).__name__
        return kind(f"SQLite: {shown(str(error))} ({name})")
    if isinstance(error, OverflowError):
        return InvalidInput("an integer has more than 64 bits")
    if isinstance(error, UnicodeEncodeError):
        return InvalidInput("text with a lone surrogate cannot be stored")
    return error


# BUSY, LOCKED, NOMEM, INTERRUPT, PROTOCOL, SCHEMA: the transaction may still be there, and cannot go on.
_ENDED: Final = frozenset({5, 6, 7, 9, 15, 17})


def ends_transaction(error: BaseException) -> bool:
    """Say whether only a new transaction can help: a lock that another holds, a snapshot that is too old."""
    return isinstance(error, sqlite3.Error) and (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF in _ENDED
