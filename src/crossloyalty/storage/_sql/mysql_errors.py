"""MySQL's and MariaDB's error numbers, sorted into our tree by what the caller does next."""

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
    shown,
)

__all__ = ["by_number", "ends_transaction", "number_of", "translated"]

# dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html and mariadb.com/kb/en/mariadb-error-codes, read
# 2026-11.
_BY_NUMBER: Final[dict[int, type[CrossloyaltyError]]] = {
    1020: Conflict,  # CHECKREAD: MariaDB 11.6 and newer, the row has moved on since the snapshot
    1062: Conflict,  # DUP_ENTRY
    1213: Conflict,  # LOCK_DEADLOCK
    1586: Conflict,  # DUP_ENTRY_WITH_KEY_NAME
    3101: Conflict,  # TRANSACTION_ROLLBACK_DURING_COMMIT: group replication found that another server was faster
    1205: LockTimedOut,
    3572: LockTimedOut,  # LOCK_NOWAIT
    1317: StorageBusy,  # QUERY_INTERRUPTED
    1969: StorageBusy,  # STATEMENT_TIMEOUT of MariaDB
    3024: StorageBusy,  # QUERY_TIMEOUT of MySQL
    1037: StorageBusy,  # OUTOFMEMORY
    1038: StorageBusy,
    1206: StorageBusy,  # LOCK_TABLE_FULL
    1637: StorageBusy,  # TOO_MANY_CONCURRENT_TRXS
    1040: StorageUnavailable,  # CON_COUNT_ERROR
    1041: StorageUnavailable,  # OUT_OF_RESOURCES
    1053: StorageUnavailable,  # SERVER_SHUTDOWN
    1077: StorageUnavailable,
    1079: StorageUnavailable,
    1080: StorageUnavailable,  # FORCING_CLOSE
    1152: StorageUnavailable,  # ABORTING_CONNECTION
    1158: StorageUnavailable,  # NET_READ_ERROR and its neighbours
    1159: StorageUnavailable,
    1160: StorageUnavailable,
    1161: StorageUnavailable,
    1184: StorageUnavailable,
    1203: StorageUnavailable,  # TOO_MANY_USER_CONNECTIONS
    1226: StorageUnavailable,  # USER_LIMIT_REACHED
    1927: StorageUnavailable,  # CONNECTION_KILLED of MariaDB; MySQL's client sees 2013
    3032: StorageUnavailable,  # SERVER_OFFLINE_MODE
    3168: StorageUnavailable,  # SERVER_ISNT_AVAILABLE
    4031: StorageUnavailable,  # CLIENT_INTERACTION_TIMEOUT
    1021: StorageFull,  # DISK_FULL
    1114: StorageFull,  # RECORD_FILE_FULL
    1034: StorageCorrupt,
    1035: StorageCorrupt,
    1194: StorageCorrupt,
    1195: StorageCorrupt,
    1712: StorageCorrupt,
    1071: InvalidInput,  # TOO_LONG_KEY
    1264: InvalidInput,  # WARN_DATA_OUT_OF_RANGE
    1292: InvalidInput,  # TRUNCATED_WRONG_VALUE
    1300: InvalidInput,  # INVALID_CHARACTER_STRING
    1366: InvalidInput,  # TRUNCATED_WRONG_VALUE_FOR_FIELD
    1406: InvalidInput,  # DATA_TOO_LONG
    1690: InvalidInput,  # DATA_OUT_OF_RANGE
    1048: StorageCorrupt,  # a constraint that is none of ours: somebody changed the tables
    1451: StorageCorrupt,
    1452: StorageCorrupt,
    3819: StorageCorrupt,  # CHECK_CONSTRAINT_VIOLATED of MySQL
    4025: StorageCorrupt,  # CONSTRAINT_FAILED of MariaDB
}
_LOST: Final = frozenset({0, 2000, 2001, 2002, 2003, 2005, 2006, 2012, 2013, 2014, 2027, 2055})  # the client library's
_ENDED: Final = frozenset({1020, 1205, 1206, 1213, 1317, 1637, 1969, 3024, 3101, 3572})
# Errors that a driver raises by itself carry no number; of these classes they are about what it was told to do
# (peps.python.org/pep-0249), and would be so again.
_MISUSED: Final = frozenset({"ProgrammingError", "DataError", "IntegrityError", "NotSupportedError"})
_DUPLICATES: Final = frozenset({1062, 1586})
_DRIVERS: Final = frozenset({"pymysql", "asyncmy", "aiomysql", "MySQLdb"})
_NO_NUMBER: Final = -1
_DISK_FULL_OF_THE_SYSTEM: Final = "28"


def number_of(error: BaseException) -> int | None:
    """Give the number of a driver's error; None when it is not one."""
    if type(error).__module__.partition(".")[0] not in _DRIVERS:
        return None
    number = error.args[0] if error.args else 0
    if type(number) is int and number:
        return number
    return _NO_NUMBER if type(error).__name__ in _MISUSED else 0


def by_number(number: int, said: str) -> type[CrossloyaltyError]:
    """Give our class for an error number; *said* tells apart what error 1030 stands for."""
    if number == 1030:  # GET_ERRNO: "Got error 28 from storage engine"
        return StorageFull if f" {_DISK_FULL_OF_THE_SYSTEM} " in said else StorageCorrupt
    if number in _LOST:
        return StorageUnavailable
    return _BY_NUMBER.get(number, ConfigError)


def translated(error: BaseException) -> BaseException:
    """
    Give our error for one of a MySQL driver's; the caller raises it `from` that one.

    Args:
        error: Anything raised while talking to MySQL or MariaDB.

    Returns:
        One of the tree in `crossloyalty.errors`, or *error* itself where it is not the driver's.
    """
    number = number_of(error)
    if number is not None:
        said = str(error.args[1]) if len(error.args) > 1 else type(error).__name__
        if number == _NO_NUMBER:
            return ConfigError(f"MySQL: the driver refused ({type(error).__name__})")
        kind = by_number(number, said)
        if kind is StorageUnavailable and number in _LOST:
            # The driver's text names hosts and users, so it is not repeated.
            return kind(f"MySQL cannot be reached or was lost ({number} {type(error).__name__})")
        if number in _DUPLICATES:  # it repeats the row's key, which may be a buyer's
            said = "duplicate entry" + said[said.rfind(" for key ") :] if " for key " in said else "duplicate entry"
        return kind(f"MySQL: {shown(said)} ({number} {type(error).__name__})")
    if isinstance(error, UnicodeEncodeError):
        return InvalidInput("text with a lone surrogate cannot be stored")
    if isinstance(error, OSError | EOFError):  # also time-outs; of the socket below the driver
        return StorageUnavailable(f"MySQL cannot be reached or was lost ({type(error).__name__})")
    return error


def ends_transaction(error: BaseException) -> bool:
    """Say whether only a new transaction can help: a deadlock, a time-out, a lost link."""
    number = number_of(error)
    if number is None:
        return isinstance(error, OSError | EOFError)
    return number in _ENDED or by_number(number, "") is StorageUnavailable
