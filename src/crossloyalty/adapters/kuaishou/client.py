"""
Kuaishou shop as a source: its two lists page by page, single orders, and its messages.

A page of orders is read from the oldest change on and its cursor followed to "nomore" with the window unchanged. Each
paid order takes one more call for what the buyer paid, each refund of an order one for what it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

import attrs

from crossloyalty.adapters.kuaishou import calls
from crossloyalty.adapters.kuaishou.answers import data_of, fault_of, rows_of, tokens_of
from crossloyalty.adapters.kuaishou.messages import ACCEPTED, REJECTED, read_message
from crossloyalty.adapters.kuaishou.orders import order_no_of, read_order, refund_ids_of, wants_fee
from crossloyalty.adapters.kuaishou.refunds import is_over, read_refund, refund_id_of
from crossloyalty.adapters.kuaishou.settings import PLATFORM, KuaishouSettings
from crossloyalty.adapters.wire.authorising import keep_tokens
from crossloyalty.adapters.wire.dialect import Dialect, Refreshing, Sending, SendingOptions
from crossloyalty.adapters.wire.found import Found
from crossloyalty.adapters.wire.plain import Closing, PlainPushSource
from crossloyalty.adapters.wire.reading import Node
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.sending import async_sender, plain_sender
from crossloyalty.adapters.wire.token_stores import MemoryTokenStore, lift_tokens
from crossloyalty.adapters.wire.tokens import AsyncTokenStore, TokenStore
from crossloyalty.adapters.wire.values import Acknowledgement, Call, Doubtful, Facts, Incoming, Item, Pushed
from crossloyalty.application.driving import drive
from crossloyalty.application.ports import AsyncSleep, Clock, Sleep, SourceCapabilities
from crossloyalty.application.sources import SourceLimits
from crossloyalty.errors import InvalidInput, PlatformMissing, PlatformRefused, PlatformUnavailable, shown

__all__ = ["CAPABILITIES", "FEEDS", "AsyncKuaishouSource", "KuaishouSource"]

CAPABILITIES: Final = SourceCapabilities(
    auto_convert=True, buyer_id_scope="app", push=True, pull=True, refund_detail=True
)
# Refunds first: an order then meets what is open against it.
FEEDS: Final = ("refunds", "orders")
_OVERLAP_S: Final = 600
_LAG_S: Final = 60
# The platform refuses what is older than 90 days; clocks differ.
_OLDEST_DAYS: Final = calls.DEEPEST_DAYS - 1
_EARLY_S: Final = 3_600.0


class _Kuaishou(Closing):
    def __init__(self, settings: KuaishouSettings, sender: Sending, store: AsyncTokenStore) -> None:
        self._settings = settings
        self._sender = sender
        self._store = store
        self._limits = SourceLimits(
            longest_window_s=settings.window_s,
            overlap_s=min(_OVERLAP_S, settings.window_s // 2),
            lag_s=_LAG_S,
            oldest_days=_OLDEST_DAYS,
        )
        self._capabilities = attrs.evolve(CAPABILITIES, push=settings.message_key is not None)

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
        """See `PushSource.verify`; the messages carry no time that could be checked."""
        return read_message(incoming.body, self._settings)

    def acknowledge(self, incoming: Incoming, ok: bool) -> Acknowledgement:
        """See `PushSource.acknowledge`."""
        return Acknowledgement(status=200, body=ACCEPTED) if ok else Acknowledgement(status=500, body=REJECTED)

    async def authorise(self, code: str) -> None:
        """
        Exchange the code of the merchant's consent, good once and for 2 minutes, for tokens and store them.

        Raises:
            PlatformRefused: The code is wrong or over, or another shop's.
        """
        sender = self._sender
        answer = await sender.send_without_token(lambda _: calls.create_token(self._settings, code=code))
        await keep_tokens(self._store, PLATFORM, self.shop_id, tokens_of(answer, self.shop_id, sender.now()))

    async def page(self, feed: str, since: datetime, until: datetime, page: str | None) -> Facts:
        """See `PullSource.page`."""
        if feed == "orders":
            return await self._orders(since, until, page or "")
        if feed == "refunds":
            return await self._refunds(since, until, page)
        raise InvalidInput(f"no feed of {PLATFORM}: {shown(feed)}")

    async def fetch(self, order_no: str, refund_id: str = "") -> Facts:
        """See `PullSource.fetch`."""
        found = _Found()
        raw = await self._one(calls.order_detail, order_no=order_no) if _is_number(order_no) else None
        if raw is not None:
            await self._take_order(raw, found)
        if _is_number(refund_id) and refund_id not in found.refunds:
            found.take(await self._refund(refund_id))
        return found.facts(seen=0 if raw is None else 1)

    async def _orders(self, since: datetime, until: datetime, cursor: str) -> Facts:
        answer = await self._sender.send(
            lambda now, token: calls.order_page(
                self._settings, begin=since, end=until, cursor=cursor, token=token, now=now
            )
        )
        rows, following = rows_of(data_of(answer), "orderList", "cursor")
        found = _Found()
        for raw in rows:
            await self._take_order(raw, found)
        return found.facts(seen=len(rows), next_page=_next(following, cursor))

    async def _refunds(self, since: datetime, until: datetime, page: str | None) -> Facts:
        number, _, cursor = (page or "1:").partition(":")
        answer = await self._sender.send(
            lambda now, token: calls.refund_page(
                self._settings, begin=since, end=until, cursor=cursor, page=int(number), token=token, now=now
            )
        )
        rows, following = rows_of(data_of(answer), "refundOrderInfoList", "pcursor")
        found = _Found()
        for raw in rows:
            over = refund_id_of(raw) if is_over(raw) else ""
            found.take((await self._refund(over) if over else ()) or [read_refund(raw, None, self._settings)])
        following = _next(following, cursor) or ""
        return found.facts(seen=len(rows), next_page=f"{int(number) + 1}:{following}" if following else None)

    async def _take_order(self, raw: Any, found: _Found) -> None:
        """Read an order with its fees and its refunds."""
        fee = await self._fee(order_no_of(raw)) if wants_fee(raw) else None
        found.take([read_order(raw, fee, self._settings)])
        for refund_id in refund_ids_of(raw):
            found.refunds.add(refund_id)
            found.take(await self._refund(refund_id, fee))

    async def _refund(self, refund_id: str, fee: Any = None) -> list[Item | Doubtful]:
        """Read a refund from its detail; nothing when the platform knows none."""
        raw = await self._one(calls.refund_detail, refund_id=refund_id)
        if raw is None:
            return []
        order_no = Node(raw, "refund").raw("oid")
        if fee is None and is_over(raw) and _is_number(str(order_no)):
            fee = await self._fee(str(order_no))
        return [read_refund(raw, fee, self._settings)]

    async def _fee(self, order_no: str) -> Any:
        """Give an order's fee detail; for a paid order without one an empty object, which holds the order back."""
        if self._settings.amounts != "fee_detail":
            return None
        fee = await self._one(calls.fee_detail, order_no=order_no)
        return {} if fee is None else fee

    async def _one(self, build: Callable[..., Call], **about: str) -> Any:
        """Ask for one thing; None when the platform knows no such."""
        try:
            answer = await self._sender.send(lambda now, token: build(self._settings, **about, token=token, now=now))
        except PlatformMissing:
            return None
        data = data_of(answer)
        return None if data is None or not data.value else data.value


class _Found(Found):
    """With the refunds that were asked for: one may hang on two rows."""

    def __init__(self) -> None:
        super().__init__()
        self.refunds: set[str] = set()


class AsyncKuaishouSource(_Kuaishou):
    """
    A Kuaishou shop for asynchronous hosts.

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
        settings: KuaishouSettings,
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


class KuaishouSource(PlainPushSource[_Kuaishou]):
    """A Kuaishou shop for plain hosts; see `AsyncKuaishouSource`, with an `httpx.Client`."""

    def __init__(
        self,
        settings: KuaishouSettings,
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
        super().__init__(_Kuaishou(settings, sender, lift_tokens(tokens)))

    def authorise(self, code: str) -> None:
        """See `AsyncKuaishouSource.authorise`."""
        drive(self._coroutines.authorise(code))


def _dialect(settings: KuaishouSettings) -> Dialect:
    def refresh(now: datetime, token: Secret | None) -> Call:
        if token is None:
            raise PlatformRefused("the merchant has to authorise first; see `authorise`", platform=PLATFORM)
        return calls.refresh_token(settings, token=token)

    return Dialect(
        platform=PLATFORM,
        shop_id=settings.shop_id,
        hosts=frozenset(settings.hosts),
        fault_of=fault_of,
        refreshing=Refreshing(
            build=refresh, read=lambda answer, now: tokens_of(answer, settings.shop_id, now), early_s=_EARLY_S
        ),
    )


def _next(following: str, cursor: str) -> str | None:
    """
    Give the cursor to go on with.

    Raises:
        PlatformUnavailable: It stands still, so following it would never end.
    """
    if following == calls.LAST_CURSOR:
        return None
    if following == cursor:
        raise PlatformUnavailable("the cursor of the page stands still", platform=PLATFORM)
    return following


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and 8 <= len(text) <= 19
