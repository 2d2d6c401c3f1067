"""Django's connections, spoken to through its own cursors, so that its bookkeeping stays right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crossloyalty.errors import ConfigError, HostTransactionLost
from crossloyalty.storage._sql.host_link import answered, restyled
from crossloyalty.storage._sql.link import Answer, Call

__all__ = ["DjangoLink"]

_MARKS = {"sqlite": "?"}


class DjangoLink:
    """
    See `HostLink`.

    Args:
        connection: `django.db.connections[alias]`.
    """

    is_async = False

    def __init__(self, connection: Any) -> None:
        self.handle: Any = connection
        self.dialect: str = connection.vendor
        self._mark = _MARKS.get(self.dialect, "%s")

    async def begin(self, *, writing: bool) -> None:
        """See `HostLink.begin`."""
        connection = self.handle
        if connection.needs_rollback:
            raise HostTransactionLost("the atomic() block around has failed and can only be rolled back")
        if not connection.in_atomic_block and connection.get_autocommit():
            raise ConfigError("the host has no transaction open on this connection: call this inside atomic()")

    async def send(self, calls: Sequence[Call]) -> list[Answer]:
        """See `HostLink.send`."""
        answers = []
        with self.handle.cursor() as cursor:
            for call in calls:
                # Django's cursors mark parameters in one way on every database.
                sql = restyled(call.sql, self._mark, "format")
                cursor.execute(sql, call.row or None)
                answers.append(await answered(call, cursor, cursor.fetchall))
        return answers

    def is_inside(self) -> bool:
        """See `HostLink.is_inside`."""
        driver = self.handle.connection
        return self.dialect != "sqlite" or driver is None or bool(driver.in_transaction)

    def mark_lost(self) -> None:
        """See `HostLink.mark_lost`: the block then rolls back, even if somebody swallows the error."""
        if self.handle.in_atomic_block:
            self.handle.needs_rollback = True
