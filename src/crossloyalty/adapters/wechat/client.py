"""
A Weixin shop as a source: its two lists page by page, single orders, and its messages.

A list gives numbers only, so each order and each after-sale case takes one more call. The cursor of a list is followed
to its end with everything else unchanged.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import attrs

from crossloyalty.adapters.wechat import calls
from crossloyalty.adapters.wechat.answers import fault_of, read_order_ids, read_refund_ids, read_tokens
from crossloyalty.adapters.wechat.messages import acknowledge, read_messages
from crossloyalty.adapters.wechat.orders import read_order_answer, refund_ids
from crossloyalty.adapters.wechat.refunds import read_refund_answer
from crossloyalty.adapters.wechat.settings import PLATFORM, WechatSettings
from crossloyalty.adapters.wire.dialect import Dialect, Refreshing, Sending, SendingOptions
from crossloyalty.adapters.wire.found import Found
from crossloyalty.adapters.wire.plain import Closing, PlainPushSource
from crossloyalty.adapters.wire.sending import async_sender, plain_sender
from crossloyalty.adapters.wire.tokens import AsyncTokenStore, TokenStore
from crossloyalty.adapters.wire.values import Acknowledgement, Facts, Incoming, Pushed
from crossloyalty.application.ports import AsyncSleep, Clock, Sleep, SourceCapabilities
from crossloyalty.application.sources import SourceLimits
from crossloyalty.errors import InvalidInput, PlatformMissing, PlatformUnavailable, shown

__all__ = ["CAPABILITIES", "FEEDS", "AsyncWechatSource", "WechatSource"]

CAPABILITIES: Final = SourceCapabilities(
    auto_convert=True, buyer_id_scope="app", push=True, pull=True, refund_detail=True
)
# Refunds first: an order then meets what is open against it.
FEEDS: Final = ("refunds", "orders")
_OVERLAP_S: Final = 600
_LAG_S: Final = 60
# How far back the lists reach is not stated.
_OLDEST_DAYS: Final = 90
# The platform gives a new token in the last five minutes of the old one, and the same one before.
_EARLY_S: Final = 240.0


class _Wechat(Closing):
    def __init__(self, settings: WechatSettings, sender: Sending) -> None:
        self._settings = settings
        self._sender = sender
        self._limits = SourceLimits(
            longest_window_s=settings.window_s, overlap_s=_OVERLAP_S, lag_s=_LAG_S, oldest_days=_OLDEST_DAYS
        )
        self._capabilities = attrs.evolve(CAPABILITIES, push=settings.push_token is not None)

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
        return self._capabilities

    @property
    def limits(self) -> SourceLimits:
        """See `PullSource.limits`."""
        return self._limits

    @property
    def feeds(self) -> Sequence[str]:
        """See `PullSource.feeds`."""
        return FEEDS

    def verify(self, incoming: Incoming, now: datetime) -> Sequence[Pushed]:
        """See `PushSource.verify`; the signature stands in the query of the address."""
        return read_messages(incoming, self._settings, now)

    def acknowledge(self, incoming: Incoming, ok: bool) -> Acknowledgement:
        """See `PushSource.acknowledge`."""
        return acknowledge(incoming, ok)

    async def page(self, feed: str, since: datetime, until: datetime, page: str | None) -> Facts:
        """See `PullSource.page`."""
        if feed not in FEEDS:
            raise InvalidInput(f"no feed of {PLATFORM}: {shown(feed)}")
        settings, found = self._settings, _Found()
        list_ids = calls.list_orders if feed == "orders" else calls.list_refunds
        answer = await self._sender.send(lambda _, token: list_ids(settings, token, since, until, page))
        listed = read_order_ids(answer) if feed == "orders" else read_refund_ids(answer)
        if listed.next_key is not None and listed.next_key == page:
            raise PlatformUnavailable("the cursor of the list stands still", platform=PLATFORM)
        for number in listed.ids:
            if feed == "orders":
                await self._take_order(number, found)
            else:
                await self._take_refund(number, found)
        return found.facts(seen=len(listed.ids), next_page=listed.next_key)

    async def fetch(self, order_no: str, refund_id: str = "") -> Facts:
        """See `PullSource.fetch`."""
        found = _Found()
        await self._take_order(order_no, found)
        if refund_id:
            await self._take_refund(refund_id, found)
        return found.facts(seen=found.orders)

    async def _take_order(self, order_no: str, found: _Found) -> None:
        """Read an order with its after-sale cases; nothing when the platform knows no such order."""
        if not _is_number(order_no):
            return
        settings = self._settings
        try:
            answer = await self._sender.send(lambda _, token: calls.get_order(settings, token, order_no))
        except PlatformMissing:
            return
        found.orders += 1
        facts = read_order_answer(answer, settings, order_no)
        found.take((*facts.items, *facts.doubtful))
        for refund_id in refund_ids(answer):
            await self._take_refund(refund_id, found)

    async def _take_refund(self, refund_id: str, found: _Found) -> None:
        if not _is_number(refund_id) or refund_id in found.refunds:
            return
        found.refunds.add(refund_id)
        settings = self._settings
        try:
            answer = await self._sender.send(lambda _, token: calls.get_refund(settings, token, refund_id))
        except PlatformMissing:
            return
        facts = read_refund_answer(answer, refund_id)
        found.take((*facts.items, *facts.doubtful))


class _Found(Found):
    """What was read so far; one case may hang on two orders of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.orders = 0
        self.refunds: set[str] = set()


class AsyncWechatSource(_Wechat):
    """
    A Weixin shop for asynchronous hosts.

    Args:
        settings: The shop.
        tokens: Where its token lives; memory unless given. The platform gives the same token to every worker, so
            memory will do.
        client: An `httpx.AsyncClient`; the library's own guarded one unless given.
        options: Patience and bounds of calls.
        clock: Gives the present moment as an aware datetime.
        sleep: Pauses, in seconds.
    """

    def __init__(
        self,
        settings: WechatSettings,
        *,
        tokens: TokenStore | AsyncTokenStore | None = None,
        client: Any = None,
        options: SendingOptions | None = None,
        clock: Clock | None = None,
        sleep: AsyncSleep | None = None,
    ) -> None:
        dialect = _dialect(settings)
        super().__init__(
            settings,
            async_sender(dialect, tokens=tokens, client=client, options=options, clock=clock, sleep=sleep),
        )


class WechatSource(PlainPushSource[_Wechat]):
    """A Weixin shop for plain hosts; see `AsyncWechatSource`, with an `httpx.Client`."""

    def __init__(
        self,
        settings: WechatSettings,
        *,
        tokens: TokenStore | None = None,
        client: Any = None,
        options: SendingOptions | None = None,
        clock: Clock | None = None,
        sleep: Sleep | None = None,
    ) -> None:
        dialect = _dialect(settings)
        sender = plain_sender(dialect, tokens=tokens, client=client, options=options, clock=clock, sleep=sleep)
        super().__init__(_Wechat(settings, sender))


def _dialect(settings: WechatSettings) -> Dialect:
    return Dialect(
        platform=PLATFORM,
        shop_id=settings.shop_id,
        hosts=settings.hosts,
        fault_of=fault_of,
        refreshing=Refreshing(build=lambda _, __: calls.get_token(settings), read=read_tokens, early_s=_EARLY_S),
    )


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 32
