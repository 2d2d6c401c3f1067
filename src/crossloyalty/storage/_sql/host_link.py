"""What a joined transaction needs of a connection the host holds; one small class a kind of connection spells it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import count
from typing import Any, Final, Protocol

from crossloyalty.errors import ConfigError
from crossloyalty.storage._sql.link import Answer, Call
from crossloyalty.storage._sql.rows import made_of

__all__ = ["NO_TRANSACTION", "HostLink", "Recognised", "answered", "done", "restyled", "sqlite_begin"]

NO_TRANSACTION: Final = (
    "the host has no transaction open on this connection: it is in autocommit mode, so what was written could not be"
    " undone together with the host's own; begin a transaction first"
)


class HostLink(Protocol):
    """
    A connection of the host's; statements run in the transaction that is open on it.

    Attributes:
        dialect: The name of the dialect the connection speaks.
        is_async: Whether it is awaited.
        handle: What is used by one joined transaction at a time.
    """

    dialect: str
    is_async: bool
    handle: object

    async def begin(self, *, writing: bool) -> None:
        """
        See that the host has a transaction, as far as that is known without asking the server.

        Raises:
            ConfigError: It has none.
            HostTransactionLost: It has one that cannot commit any more.
        """
        ...

    async def send(self, calls: Sequence[Call]) -> list[Answer]:
        """
        Run statements in order; the first that fails raises, and those behind it do not run.

        Raises:
            Exception: The driver's own, or what wraps it; the caller translates it.
        """
        ...

    def is_inside(self) -> bool:
        """Say whether the transaction is still there; False only where the driver knows that it ended."""
        ...

    def mark_lost(self) -> None:
        """Tell the host's framework that its transaction has to be rolled back, where it wants to be told."""
        ...


class Recognised:
    """Remembers, for all that join through one storage, that the schema is ours."""

    def __init__(self) -> None:
        self.yes = False


async def done(value: Any) -> Any:
    """Await what an asynchronous driver gives, and take what a plain one gives as it is."""
    return await value if hasattr(value, "__await__") else value


@lru_cache(maxsize=4_096)
def restyled(sql: str, mark: str, style: str) -> str:
    """
    Put another mark of a parameter into a statement; our statements hold such signs nowhere else.

    Args:
        mark: The dialect's.
        style: PEP 249's `paramstyle` of the driver, or "numeric_dollar".

    Raises:
        ConfigError: It takes parameters by name only.
    """
    if style in {"format", "pyformat"}:
        return sql if mark == "%s" else sql.replace(mark, "%s")
    if style == "qmark":
        return sql if mark == "?" else sql.replace(mark, "?")
    if style == "numeric_dollar":
        head, *parts = sql.split(mark)
        number = count(1)
        return head + "".join(f"${next(number)}{part}" for part in parts)
    raise ConfigError(f"a driver with the paramstyle {style} cannot be used")


def sqlite_begin(connection: Any, *, writing: bool) -> str | None:
    """
    Give the statement with which the host's transaction begins, None where it is there.

    A host that leaves it to Python's `sqlite3` to begin transactions gets one at its first write, so it gets one at
    ours; the host commits it as any other. A savepoint alone would not do: releasing the outermost one commits.

    Args:
        connection: A connection of `sqlite3` or aiosqlite.

    Raises:
        ConfigError: Nobody begins transactions on it.
    """
    if connection.in_transaction:
        return None
    level = connection.isolation_level
    if level is None or getattr(connection, "autocommit", -1) is True:
        raise ConfigError(NO_TRANSACTION)
    if not writing:
        return None  # the savepoint is the snapshot, and nothing of the host's is in it
    return "BEGIN EXCLUSIVE" if level.upper() == "EXCLUSIVE" else "BEGIN IMMEDIATE"


async def answered(call: Call, cursor: Any, fetch: Callable[[], Any]) -> Answer:
    """Read the answer to a statement from a cursor."""
    if cursor.description is None:
        return Answer(cursor.rowcount, ())
    rows = await done(fetch())
    return Answer(cursor.rowcount, made_of(call.kind, rows))
