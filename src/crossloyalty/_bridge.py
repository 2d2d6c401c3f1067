"""One source for sync and async: the `lift…` classes spell plain ports async, `drive` runs a coroutine over them."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from types import TracebackType
from typing import cast

from crossloyalty.application.driving import drive
from crossloyalty.application.ports import (
    Ahead,
    AsyncSleep,
    AsyncTransaction,
    Attempt,
    Change,
    EnrolmentAnswer,
    EnrolmentGateway,
    Found,
    PhoneCheck,
    PhoneCipher,
    RateLimiter,
    Scan,
    Sleep,
    SourceCapabilities,
    Storage,
    Transaction,
)
from crossloyalty.application.sources import (
    Acknowledgement,
    AsyncPullSource,
    Facts,
    Incoming,
    MessageChannel,
    PullSource,
    Pushed,
    PushSource,
    SourceLimits,
)
from crossloyalty.domain.identities import Identity
from crossloyalty.domain.records import Key, RootKey
from crossloyalty.errors import ConfigError, WrongType, shown

__all__ = [
    "LiftedEnrolmentGateway",
    "LiftedPhoneCheck",
    "LiftedPhoneCipher",
    "LiftedRateLimiter",
    "LiftedStorage",
    "drive",
    "incoming_of",
    "lift_sleep",
    "lift_source",
    "own_source",
]


class _LiftedTransaction:
    __slots__ = ("_plain",)

    def __init__(self, plain: Transaction) -> None:
        self._plain = plain

    async def lock(self, roots: Collection[RootKey], *, ahead: Ahead | None = None) -> Mapping[RootKey, int]:
        return self._plain.lock(roots, ahead=ahead)

    async def read(self, keys: Collection[Key] = (), scans: Sequence[Scan] = ()) -> Found:
        return self._plain.read(keys, scans)

    async def write(self, changes: Sequence[Change], *, roots: Mapping[RootKey, int], final: bool = False) -> None:
        self._plain.write(changes, roots=roots, final=final)


class _LiftedContext:
    __slots__ = ("_plain",)

    def __init__(self, plain: AbstractContextManager[Transaction]) -> None:
        self._plain = plain

    async def __aenter__(self) -> AsyncTransaction:
        return _LiftedTransaction(self._plain.__enter__())

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return self._plain.__exit__(kind, error, trace)


class LiftedStorage:
    """A plain storage, spelled async for the use cases."""

    __slots__ = ("_plain",)

    def __init__(self, plain: Storage) -> None:
        self._plain = plain

    def transaction(self, *, readonly: bool = False) -> _LiftedContext:
        """See `Storage.transaction`."""
        return _LiftedContext(self._plain.transaction(readonly=readonly))


class LiftedRateLimiter:
    """A plain limiter, spelled async for the use cases."""

    __slots__ = ("_plain",)

    def __init__(self, plain: RateLimiter) -> None:
        self._plain = plain

    async def take(self, attempts: Sequence[Attempt]) -> Sequence[bool]:
        """See `RateLimiter.take`."""
        return self._plain.take(attempts)

    async def give_back(self, attempts: Sequence[Attempt]) -> None:
        """See `RateLimiter.give_back`."""
        self._plain.give_back(attempts)


class LiftedEnrolmentGateway:
    """A plain gateway of enrolments, spelled async for the use cases."""

    __slots__ = ("_plain",)

    def __init__(self, plain: EnrolmentGateway) -> None:
        self._plain = plain

    async def enrol(self, *, member_id: str, identities: Sequence[Identity], key: str) -> EnrolmentAnswer:
        """See `EnrolmentGateway.enrol`."""
        return self._plain.enrol(member_id=member_id, identities=identities, key=key)


class LiftedPhoneCheck:
    """A plain check of phones, spelled async for the use cases."""

    __slots__ = ("_plain",)

    def __init__(self, plain: PhoneCheck) -> None:
        self._plain = plain

    async def matches(self, *, platform: str, order_no: str, digits: str) -> bool:
        """See `PhoneCheck.matches`."""
        return self._plain.matches(platform=platform, order_no=order_no, digits=digits)


class LiftedPhoneCipher:
    """A plain cipher of phones, spelled async for the use cases."""

    __slots__ = ("_plain",)

    def __init__(self, plain: PhoneCipher) -> None:
        self._plain = plain

    async def encrypt(self, phone: str, *, program_id: str) -> str:
        """See `PhoneCipher.encrypt`."""
        return self._plain.encrypt(phone, program_id=program_id)

    async def decrypt(self, text: str, *, program_id: str) -> str:
        """See `PhoneCipher.decrypt`."""
        return self._plain.decrypt(text, program_id=program_id)


def lift_sleep(sleep: Sleep) -> AsyncSleep:
    """Spell a plain pause async."""

    async def lifted(seconds: float) -> None:
        sleep(seconds)

    return lifted


class _LiftedSource:
    """A plain source, spelled async for the use cases."""

    def __init__(self, plain: PullSource) -> None:
        self._plain = plain

    @property
    def platform(self) -> str:
        return self._plain.platform

    @property
    def shop_id(self) -> str:
        return self._plain.shop_id

    @property
    def capabilities(self) -> SourceCapabilities:
        return self._plain.capabilities

    @property
    def limits(self) -> SourceLimits:
        return self._plain.limits

    @property
    def feeds(self) -> Sequence[str]:
        return self._plain.feeds

    async def page(self, feed: str, since: datetime, until: datetime, page: str | None) -> Facts:
        return self._plain.page(feed, since, until, page)

    async def fetch(self, order_no: str, refund_id: str = "") -> Facts:
        return self._plain.fetch(order_no, refund_id)


class _LiftedPushSource(_LiftedSource):
    def __init__(self, plain: PullSource, push: PushSource) -> None:
        super().__init__(plain)
        self._push = push

    def verify(self, incoming: Incoming, now: datetime) -> Sequence[Pushed]:
        return self._push.verify(incoming, now)

    def acknowledge(self, incoming: Incoming, ok: bool) -> Acknowledgement:
        return self._push.acknowledge(incoming, ok)


class _LiftedChannel(_LiftedSource):
    def __init__(self, plain: PullSource, channel: MessageChannel) -> None:
        super().__init__(plain)
        self._channel = channel

    async def consume(self, limit: int) -> Sequence[Pushed]:
        return self._channel.consume(limit)

    async def confirm(self, message_ids: Sequence[str]) -> None:
        self._channel.confirm(message_ids)


class _LiftedBoth(_LiftedPushSource, _LiftedChannel):
    def __init__(self, plain: PullSource, push: PushSource, channel: MessageChannel) -> None:
        _LiftedSource.__init__(self, plain)
        self._push = push
        self._channel = channel


def _is_awaited(source: object) -> bool:
    return inspect.iscoroutinefunction(getattr(source, "page", None))


def lift_source(source: PullSource) -> AsyncPullSource:
    """
    Spell a plain source async, with its messages where it has them.

    Raises:
        ConfigError: It is an asynchronous one, or no source.
    """
    if not isinstance(source, PullSource):
        raise ConfigError(f"no source of orders: {shown(type(source).__name__)}")
    if _is_awaited(source):
        raise ConfigError("this source is asynchronous; use AsyncLoyalty with it, or the plain class of the platform")
    push = isinstance(source, PushSource)
    channel = isinstance(source, MessageChannel)
    if push and channel:
        return _LiftedBoth(source, cast(PushSource, source), cast(MessageChannel, source))
    if push:
        return _LiftedPushSource(source, cast(PushSource, source))
    return _LiftedChannel(source, cast(MessageChannel, source)) if channel else _LiftedSource(source)


def own_source(source: AsyncPullSource) -> AsyncPullSource:
    """
    Take an asynchronous source.

    Raises:
        ConfigError: It is a plain one, which would hold up the event loop, or no source.
    """
    if not isinstance(source, AsyncPullSource):
        raise ConfigError(f"no source of orders: {shown(type(source).__name__)}")
    if not _is_awaited(source):
        raise ConfigError("this source is a plain one; use Loyalty with it, or the Async… class of the platform")
    return source


def incoming_of(headers: Mapping[str, str], body: bytes, query: Mapping[str, str] | None, method: str) -> Incoming:
    """
    Take a request as hosts have it.

    Raises:
        WrongType: The body is no bytes: signatures are over bytes, and text was decoded by somebody already.
    """
    if not isinstance(body, bytes):
        raise WrongType(f"the body of a message is raw bytes, not {type(body).__name__}")
    lowered = {str(name).lower(): str(value) for name, value in headers.items()}
    return Incoming(headers=lowered, body=body, query=dict(query or {}), method=method)
