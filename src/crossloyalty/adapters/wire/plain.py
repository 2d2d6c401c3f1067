"""The plain face of a source whose coroutines run over plain ports: `drive()` runs them in the calling thread."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

from crossloyalty.adapters.wire.dialect import Sending
from crossloyalty.application.driving import drive
from crossloyalty.application.ports import SourceCapabilities
from crossloyalty.application.sources import (
    Acknowledgement,
    AsyncMessageChannel,
    AsyncPullSource,
    Facts,
    Incoming,
    Pushed,
    PushSource,
    SourceLimits,
)

__all__ = ["Closing", "PlainChannelSource", "PlainPushSource", "PlainSource"]

_Pull = TypeVar("_Pull", bound=AsyncPullSource)


class _PullAndPush(AsyncPullSource, PushSource, Protocol):
    pass


_Push = TypeVar("_Push", bound=_PullAndPush)


class _PullAndQueue(AsyncPullSource, AsyncMessageChannel, Protocol):
    pass


_Queued = TypeVar("_Queued", bound=_PullAndQueue)


class Closing:
    """What a source written as coroutines inherits to be closed: its sender stands in `_sender`."""

    _sender: Sending

    async def close(self) -> None:
        """Close the connections that are kept open; a client of the host's stays open."""
        await self._sender.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


class PlainSource(Generic[_Pull]):
    """
    A `PullSource` over its own coroutines.

    Args:
        coroutines: The same source, written as coroutines; its sender has to be one over a plain client.
    """

    def __init__(self, coroutines: _Pull) -> None:
        self._coroutines = coroutines

    def close(self) -> None:
        """Close the connections that are kept open, where the coroutines can (see `Closing`)."""
        if isinstance(self._coroutines, Closing):
            drive(self._coroutines.close())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def platform(self) -> str:
        """See `PullSource.platform`."""
        return self._coroutines.platform

    @property
    def shop_id(self) -> str:
        """See `PullSource.shop_id`."""
        return self._coroutines.shop_id

    @property
    def capabilities(self) -> SourceCapabilities:
        """See `PullSource.capabilities`."""
        return self._coroutines.capabilities

    @property
    def limits(self) -> SourceLimits:
        """See `PullSource.limits`."""
        return self._coroutines.limits

    @property
    def feeds(self) -> Sequence[str]:
        """See `PullSource.feeds`."""
        return self._coroutines.feeds

    def page(self, feed: str, since: datetime, until: datetime, page: str | None) -> Facts:
        """See `PullSource.page`."""
        return drive(self._coroutines.page(feed, since, until, page))

    def fetch(self, order_no: str, refund_id: str = "") -> Facts:
        """See `PullSource.fetch`."""
        return drive(self._coroutines.fetch(order_no, refund_id))


class PlainPushSource(PlainSource[_Push]):
    """A `PullSource` and `PushSource` over its own coroutines; see `PlainSource`."""

    def verify(self, incoming: Incoming, now: datetime) -> Sequence[Pushed]:
        """See `PushSource.verify`."""
        return self._coroutines.verify(incoming, now)

    def acknowledge(self, incoming: Incoming, ok: bool) -> Acknowledgement:
        """See `PushSource.acknowledge`."""
        return self._coroutines.acknowledge(incoming, ok)


class PlainChannelSource(PlainSource[_Queued]):
    """A `PullSource` and `MessageChannel` over its own coroutines; see `PlainSource`."""

    def consume(self, limit: int) -> Sequence[Pushed]:
        """See `MessageChannel.consume`."""
        return drive(self._coroutines.consume(limit))

    def confirm(self, message_ids: Sequence[str]) -> None:
        """See `MessageChannel.confirm`."""
        drive(self._coroutines.confirm(message_ids))
