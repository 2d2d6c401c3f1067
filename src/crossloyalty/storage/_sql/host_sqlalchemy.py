"""Connections and sessions of SQLAlchemy, plain and asynchronous, over any driver; statements go as they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from crossloyalty.errors import ConfigError
from crossloyalty.storage._sql.host_link import restyled, sqlite_begin
from crossloyalty.storage._sql.link import Answer, Call
from crossloyalty.storage._sql.rows import made_of

__all__ = ["SqlAlchemyLink"]

_T = TypeVar("_T")
_MARKS = {"sqlite": "?"}


class SqlAlchemyLink:
    """
    See `HostLink`.

    Args:
        host: A `Connection`, `Session`, `AsyncConnection` or `AsyncSession`.
        is_session: Whether it is one of the sessions, which take a connection when they need it.

    Raises:
        ConfigError: A session is bound to several databases, or to none.
    """

    def __init__(self, host: Any, *, is_session: bool, is_async: bool) -> None:
        self.is_async = is_async
        self.handle: Any = host
        self._is_session = is_session
        try:
            dialect = host.get_bind().dialect if is_session else host.dialect
        except Exception as error:
            raise ConfigError(
                "this session does not say by itself which database it is bound to: give the connection of ours"
            ) from error
        self.dialect: str = "mysql" if dialect.name == "mariadb" else dialect.name
        self._style: str = dialect.paramstyle
        self._mark = _MARKS.get(self.dialect, "%s")
        self._driver: Any = None

    async def begin(self, *, writing: bool) -> None:
        """See `HostLink.begin`; SQLAlchemy begins a transaction by itself at the first statement."""
        if self.dialect == "sqlite":
            await self._run(lambda connection: self._begin(connection, writing=writing))

    async def send(self, calls: Sequence[Call]) -> list[Answer]:
        """See `HostLink.send`."""
        return await self._run(lambda connection: [self._answer(connection, call) for call in calls])

    def is_inside(self) -> bool:
        """See `HostLink.is_inside`."""
        return self._driver is None or bool(self._driver.in_transaction)

    def mark_lost(self) -> None:
        """See `HostLink.mark_lost`: SQLAlchemy has nothing to be told."""

    def _begin(self, connection: Any, *, writing: bool) -> None:
        if not connection.in_transaction():
            # As its first statement would; the recipe that makes savepoints work on SQLite listens to it.
            connection.begin()
        self._driver = connection.connection.driver_connection
        begin = sqlite_begin(self._driver, writing=writing)
        if begin is not None:
            connection.exec_driver_sql(begin)

    def _answer(self, connection: Any, call: Call) -> Answer:
        sql = restyled(call.sql, self._mark, self._style)
        result = connection.exec_driver_sql(sql, tuple(call.row)) if call.row else connection.exec_driver_sql(sql)
        if not result.returns_rows:
            return Answer(result.rowcount, ())
        return Answer(result.rowcount, made_of(call.kind, result.all()))

    async def _run(self, work: Callable[[Any], _T]) -> _T:
        if not self.is_async:
            return work(self._connection(self.handle))
        made: _T = await self.handle.run_sync(lambda host: work(self._connection(host)))
        return made

    def _connection(self, host: Any) -> Any:
        return host.connection() if self._is_session else host
