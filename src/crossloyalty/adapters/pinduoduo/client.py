"""
A Pinduoduo shop as a source: three lists page by page, single orders, and the frames of its message channel.

The platform has no finished status, so an order that nobody touches any more would never be seen finishing. The list
"finishing" therefore reads the same changes a second time, `finish_days` later: what was last changed that long ago and
is signed has had its time for after-sale cases.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import attrs

from crossloyalty.adapters.pinduoduo import calls
from crossloyalty.adapters.pinduoduo.answers import PLATFORM, fault_of, result_of, tokens_of
from crossloyalty.adapters.pinduoduo.messages import TOPICS, channel_address, frame_answer, heartbeat, read_frame
from crossloyalty.adapters.pinduoduo.orders import needs_refunds, read_order
from crossloyalty.adapters.pinduoduo.refunds import read_refund
from crossloyalty.adapters.pinduoduo.settings import PinduoduoSettings
from crossloyalty.adapters.wire.authorising import keep_tokens
from crossloyalty.adapters.wire.backwards import known_total
from crossloyalty.adapters.wire.dialect import Dialect, Refreshing, Sending, SendingOptions
from crossloyalty.adapters.wire.doubts import each_row
from crossloyalty.adapters.wire.found import Found
from crossloyalty.adapters.wire.plain import Closing, PlainPushSource
from crossloyalty.adapters.wire.reading import Node, Unreadable
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.sending import async_sender, plain_sender
from crossloyalty.adapters.wire.token_stores import MemoryTokenStore, lift_tokens
from crossloyalty.adapters.wire.tokens import AsyncTokenStore, TokenStore
from crossloyalty.adapters.wire.values import Acknowledgement, Call, Doubtful, Facts, Incoming, Pushed
from crossloyalty.adapters.wire.whole import read_whole
from crossloyalty.application.driving import drive
from crossloyalty.application.ports import AsyncSleep, Clock, Sleep, SourceCapabilities
from crossloyalty.application.sources import SourceLimits
from crossloyalty.domain.orders import Order, Refund
from crossloyalty.errors import (
    ForgedMessage,
    InvalidInput,
    PlatformMissing,
    PlatformRefused,
    PlatformUnavailable,
    shown,
)

__all__ = ["CAPABILITIES", "FEEDS", "LIMITS", "AsyncPinduoduoSource", "PinduoduoSource"]

# `push` where the settings say that the host holds the message channel.
CAPABILITIES: Final = SourceCapabilities(pull=True, refund_detail=True)
# Refunds first: an order then meets what is open against it.
FEEDS: Final = ("refunds", "orders", "finishing")
# A window holds at most 30 minutes and ends at least 3 behind now, as the field table asks for.
LIMITS: Final = SourceLimits(longest_window_s=1_800, overlap_s=300, lag_s=180, oldest_days=90)
_ORDER_NO: Final = re.compile(r"[0-9]{6}-[0-9]{12,18}", re.ASCII)
_MOST_PAGES_OF_CASES: Final = 10


class _Pinduoduo(Closing):
    def __init__(self, settings: PinduoduoSettings, sender: Sending, store: AsyncTokenStore) -> None:
        self._settings = settings
        self._sender = sender
        self._store = store

    @property
    def platform(self) -> str:
        """See `PullSource.platform`."""
        return PLATFORM

    @property
    def shop_id(self) -> str:
        """See `PullSource.shop_id`."""
        return self._settings.shop_id

    @property
    def capabilities(self) -> SourceCapabilities:
        """See `PullSource.capabilities`."""
        return attrs.evolve(CAPABILITIES, push=self._settings.message_channel)

    @property
    def limits(self) -> SourceLimits:
        """See `PullSource.limits`."""
        return LIMITS

    @property
    def feeds(self) -> Sequence[str]:
        """See `PullSource.feeds`."""
        return FEEDS

    def verify(self, incoming: Incoming, now: datetime) -> Sequence[Pushed]:
        """See `PushSource.verify`; frames are unsigned, so they are taken from the host's own socket alone."""
        if not self._settings.message_channel:
            raise ForgedMessage("frames are taken only where the settings say that the host holds the message channel")
        try:
            pushed = read_frame(self._settings, incoming.body)
        except (Unreadable, PlatformUnavailable) as error:
            raise ForgedMessage("not a frame of this shop's message channel") from error
        return () if pushed is None else (pushed,)

    def acknowledge(self, incoming: Incoming, ok: bool) -> Acknowledgement:
        """See `PushSource.acknowledge`; the body is the frame to send back, and an empty one is not sent."""
        try:
            return Acknowledgement(body=frame_answer(incoming.body, self._sender.now(), taken=ok))
        except (Unreadable, PlatformUnavailable):
            return Acknowledgement(status=400)

    def channel(self) -> str:
        """Give the address to open the message channel at, good for one connection; it is a secret itself."""
        return channel_address(self._settings, self._sender.now())

    def heartbeat(self) -> bytes:
        """Give the frame to send on the channel every 5 to 10 seconds."""
        return heartbeat(self._sender.now())

    async def authorise(self, code: str) -> None:
        """
        Exchange the code of the merchant's consent, good once and for 10 minutes, for tokens and store them.

        Raises:
            PlatformRefused: The code is wrong or over, or another shop's.
        """
        answer = await self._sender.send_without_token(lambda now: calls.create_token(self._settings, code, now=now))
        await keep_tokens(self._store, PLATFORM, self.shop_id, tokens_of(answer, self.shop_id))

    async def permit_messages(self, topics: Sequence[str] = TOPICS) -> None:
        """Ask for this shop's messages on the app's channel; once for each shop."""
        await self._sender.send(lambda now, token: calls.permit_messages(self._settings, topics, now=now, token=token))

    async def page(self, feed: str, since: datetime, until: datetime, page: str | None) -> Facts:
        """See `PullSource.page`."""
        if feed == "refunds":
            return await self._refunds(since, until, page)
        if feed == "orders":
            return await self._orders(since, until, page)
        if feed != "finishing":
            raise InvalidInput(f"no feed of {PLATFORM}: {shown(feed)}")
        held = timedelta(days=self._settings.finish_days)
        # Three months behind their placing orders are shown no more, so nothing older need be asked for.
        if until - held < self._sender.now() - timedelta(days=LIMITS.oldest_days):
            return Facts()
        return await self._orders(since - held, until - held, page, only_signed=True)

    async def fetch(self, order_no: str, refund_id: str = "") -> Facts:
        """See `PullSource.fetch`; refunds are found by their order alone."""
        if not _ORDER_NO.fullmatch(order_no):
            return Facts()
        try:
            answer = await self._sender.send(
                lambda now, token: calls.order_detail(self._settings, order_no, now=now, token=token)
            )
        except PlatformMissing:
            return Facts()
        order = _readable(lambda: result_of(answer).node("order_info"))
        if order is None or not order.value:
            return Facts()
        found = Found()
        await self._take_order(order, found, refunds=await self._cases(order_no))
        return found.facts(seen=1)

    async def _orders(self, since: datetime, until: datetime, page: str | None, *, only_signed: bool = False) -> Facts:
        number = int(page or 1)
        answer = await self._sender.send(
            lambda now, token: calls.changed_orders(
                self._settings, since, until, number, now=now, token=token, only_signed=only_signed
            )
        )
        result = result_of(answer)
        found = Found()
        rows = _readable(lambda: each_row(result, "order_sn_list", lambda row: row))
        for row in rows:
            if isinstance(row, Doubtful):
                found.take([row])
            else:
                await self._take_order(row, found)
        total = _total(result, len(rows))
        return found.facts(seen=len(rows), next_page=_page_before(page, total), total=total)

    async def _refunds(self, since: datetime, until: datetime, page: str | None) -> Facts:
        number = int(page or 1)
        answer = await self._sender.send(
            lambda now, token: calls.changed_refunds(self._settings, since, until, number, now=now, token=token)
        )
        result = result_of(answer)
        found = Found()
        rows = _readable(lambda: each_row(result, "refund_list", read_refund))
        found.take(rows)
        total = _total(result, len(rows))
        return found.facts(seen=len(rows), next_page=_page_before(page, total), total=total)

    async def _take_order(self, order: Node, found: Found, refunds: Sequence[Refund | Doubtful] | None = None) -> None:
        """Read an order, with the cases of one that shows money paid back."""
        order_no = order.value.get("order_sn")
        if refunds is None and needs_refunds(order) and isinstance(order_no, str) and _ORDER_NO.fullmatch(order_no):
            refunds = await self._cases(order_no)
        believed = None if refunds is None else [each for each in refunds if isinstance(each, Refund)]
        if refunds is not None:
            found.take(refunds)
        read: Order | Doubtful = read_order(order, self._settings, now=self._sender.now(), refunds=believed)
        found.take([read])

    async def _cases(self, order_no: str) -> Sequence[Refund | Doubtful]:
        """Read all after-sale cases of an order."""
        cases = await read_whole(
            lambda number: self._page_of_cases(order_no, number + 1),
            platform=PLATFORM,
            most_pages=_MOST_PAGES_OF_CASES,
        )
        # The filter is the platform's; what is not of this order is not believed to be.
        return [each for each in cases if each.order_no in (order_no, "")]

    async def _page_of_cases(self, order_no: str, number: int) -> tuple[Sequence[Refund | Doubtful], bool]:
        answer = await self._sender.send(
            lambda now, token: calls.refunds_of_order(self._settings, order_no, number, now=now, token=token)
        )
        result = result_of(answer)
        _readable(lambda: result.need_whole("total_count"))
        rows: Sequence[Refund | Doubtful] = _readable(lambda: each_row(result, "refund_list", read_refund))
        return rows, len(rows) >= calls.PAGE_SIZE


def _total(result: Node, seen: int) -> int:
    """Read how many rows there are; an answer of another shape states none, and is no page without rows."""
    return _readable(lambda: known_total(result.need_whole("total_count"), seen, calls.PAGE_SIZE, None)) or 0


def _page_before(page: str | None, total: int) -> str | None:
    """
    Give the page to go on with: the first call tells how many there are, and they are read from the last to the first.

    A row that changes meanwhile leaves the window, and those behind it move towards pages that are still to be read.
    """
    if page is None:
        return None if total <= calls.PAGE_SIZE else str(-(-total // calls.PAGE_SIZE))
    return None if int(page) <= 1 else str(int(page) - 1)


def _readable(read: Callable[[], Any]) -> Any:
    """Read a part without which nothing of the answer can be believed."""
    try:
        return read()
    except Unreadable as error:
        raise PlatformUnavailable(f"an answer that cannot be read: {error}", platform=PLATFORM) from error


class AsyncPinduoduoSource(_Pinduoduo):
    """
    A Pinduoduo shop for asynchronous hosts.

    Args:
        settings: The shop.
        tokens: Where its tokens live; memory unless given.
        client: An `httpx.AsyncClient`; the library's own guarded one unless given.
        options: Patience and bounds of calls.
        clock: Gives the present moment as an aware datetime.
        sleep: Pauses, in seconds.
    """

    def __init__(
        self,
        settings: PinduoduoSettings,
        *,
        tokens: TokenStore | AsyncTokenStore | None = None,
        client: Any = None,
        options: SendingOptions | None = None,
        clock: Clock | None = None,
        sleep: AsyncSleep | None = None,
    ) -> None:
        store = lift_tokens(tokens or MemoryTokenStore())
        dialect = _dialect(settings)
        sender = async_sender(dialect, tokens=store, client=client, options=options, clock=clock, sleep=sleep)
        super().__init__(settings, sender, store)


class PinduoduoSource(PlainPushSource[_Pinduoduo]):
    """A Pinduoduo shop for plain hosts; see `AsyncPinduoduoSource`, with an `httpx.Client`."""

    def __init__(
        self,
        settings: PinduoduoSettings,
        *,
        tokens: TokenStore | None = None,
        client: Any = None,
        options: SendingOptions | None = None,
        clock: Clock | None = None,
        sleep: Sleep | None = None,
    ) -> None:
        tokens = tokens or MemoryTokenStore()
        dialect = _dialect(settings)
        sender = plain_sender(dialect, tokens=tokens, client=client, options=options, clock=clock, sleep=sleep)
        self._shop = _Pinduoduo(settings, sender, lift_tokens(tokens))
        super().__init__(self._shop)

    def authorise(self, code: str) -> None:
        """See `AsyncPinduoduoSource.authorise`."""
        drive(self._shop.authorise(code))

    def permit_messages(self, topics: Sequence[str] = TOPICS) -> None:
        """See `AsyncPinduoduoSource.permit_messages`."""
        drive(self._shop.permit_messages(topics))

    def channel(self) -> str:
        """See `AsyncPinduoduoSource.channel`."""
        return self._shop.channel()

    def heartbeat(self) -> bytes:
        """See `AsyncPinduoduoSource.heartbeat`."""
        return self._shop.heartbeat()


def _dialect(settings: PinduoduoSettings) -> Dialect:
    def refresh(now: datetime, token: Secret | None) -> Call:
        if token is None:
            raise PlatformRefused("the merchant has to authorise first; see `authorise`", platform=PLATFORM)
        return calls.refresh_token(settings, token, now=now)

    return Dialect(
        platform=PLATFORM,
        shop_id=settings.shop_id,
        hosts=settings.called_hosts,
        fault_of=fault_of,
        refreshing=Refreshing(build=refresh, read=lambda answer, now: tokens_of(answer, settings.shop_id)),
    )
