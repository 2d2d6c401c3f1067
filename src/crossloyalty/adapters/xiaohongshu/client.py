"""
Xiaohongshu as a source: its two lists page by page, single orders, and its messages.

A list states neither amounts nor buyers nor refunded money, so each row takes one more call. The pages of a window are
read from the last to the first: what changes meanwhile leaves the window, and the rows behind it move to pages that
are read later.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

import attrs

from crossloyalty.adapters.wire.authorising import keep_tokens
from crossloyalty.adapters.wire.dialect import Dialect, Refreshing, Sending, SendingOptions
from crossloyalty.adapters.wire.found import Found
from crossloyalty.adapters.wire.plain import Closing, PlainPushSource
from crossloyalty.adapters.wire.reading import Node
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.sending import async_sender, plain_sender
from crossloyalty.adapters.wire.token_stores import MemoryTokenStore, lift_tokens
from crossloyalty.adapters.wire.tokens import AsyncTokenStore, TokenStore
from crossloyalty.adapters.wire.values import Acknowledgement, Call, Facts, Incoming, Pushed
from crossloyalty.adapters.wire.whole import read_whole
from crossloyalty.adapters.xiaohongshu import calls
from crossloyalty.adapters.xiaohongshu.answers import data_of, fault_of, page_of, tokens_of
from crossloyalty.adapters.xiaohongshu.messages import ACCEPTED, REJECTED, read_messages
from crossloyalty.adapters.xiaohongshu.orders import has_after_sale, order_no_of, read_order
from crossloyalty.adapters.xiaohongshu.refunds import read_refund, refund_id_of
from crossloyalty.adapters.xiaohongshu.settings import PLATFORM, XiaohongshuSettings
from crossloyalty.application.driving import drive
from crossloyalty.application.ports import AsyncSleep, Clock, Sleep, SourceCapabilities
from crossloyalty.application.sources import SourceLimits
from crossloyalty.errors import InvalidInput, PlatformMissing, PlatformRefused, shown

__all__ = ["CAPABILITIES", "FEEDS", "AsyncXiaohongshuSource", "XiaohongshuSource"]

CAPABILITIES: Final = SourceCapabilities(
    auto_convert=True, buyer_id_scope="shop", push=True, pull=True, refund_detail=True
)
# Refunds first: an order then meets what is open against it.
FEEDS: Final = ("refunds", "orders")
_OVERLAP_S: Final = 300
_LAG_S: Final = 60
_OLDEST_DAYS: Final = 90
_MOST_PAGES: Final = 100
# With more than 30 minutes left a refresh gives the same pair again.
_EARLY_S: Final = 1_500.0
_ROWS: Final = {"orders": "orderList", "refunds": "afterSaleBasicInfos"}


class _Xiaohongshu(Closing):
    def __init__(self, settings: XiaohongshuSettings, sender: Sending, store: AsyncTokenStore) -> None:
        self._settings = settings
        self._sender = sender
        self._store = store
        self._limits = SourceLimits(
            longest_window_s=settings.window_s,
            overlap_s=min(_OVERLAP_S, settings.window_s // 2),
            lag_s=_LAG_S,
            oldest_days=_OLDEST_DAYS,
        )
        self._capabilities = attrs.evolve(CAPABILITIES, push=settings.callback is not None)

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
        """See `PushSource.verify`; the signature covers the path and query that are set up, and not the body."""
        return read_messages(incoming.headers, incoming.body, self._settings, now=now)

    def acknowledge(self, incoming: Incoming, ok: bool) -> Acknowledgement:
        """See `PushSource.acknowledge`."""
        return Acknowledgement(status=200, body=ACCEPTED) if ok else Acknowledgement(status=500, body=REJECTED)

    async def authorise(self, code: str) -> None:
        """
        Exchange the code of the merchant's consent, good for 10 minutes, for tokens and store them.

        Raises:
            PlatformRefused: The code is wrong or over, or another shop's.
        """
        sender = self._sender
        answer = await sender.send_without_token(lambda now: calls.create_token(self._settings, code=code, now=now))
        await keep_tokens(self._store, PLATFORM, self.shop_id, tokens_of(answer, self.shop_id, sender.now()))

    async def page(self, feed: str, since: datetime, until: datetime, page: str | None) -> Facts:
        """See `PullSource.page`; the first page that is read is the last one there is."""
        if feed not in _ROWS:
            raise InvalidInput(f"no feed of {PLATFORM}: {shown(feed)}")
        number = 1 if page is None else int(page)
        rows, last, total = await self._list(feed, since, until, number)
        if page is None and last > 1:
            if last > _MOST_PAGES:
                raise PlatformRefused(
                    f"a window has {total} rows and only {_MOST_PAGES} pages; set a shorter `window_s`",
                    platform=PLATFORM,
                )
            number = last
            rows, _, _ = await self._list(feed, since, until, number)
        found = _Found()
        for raw in rows:
            if feed == "orders":
                await self._take_order(order_no_of(raw), found, raw)
            else:
                await self._take_refund(refund_id_of(raw), found, raw)
        following = str(number - 1) if number > 1 else None
        return found.facts(seen=len(rows), next_page=following, total=total)

    async def fetch(self, order_no: str, refund_id: str = "") -> Facts:
        """See `PullSource.fetch`."""
        found = _Found()
        await self._take_order(order_no, found)
        if refund_id and refund_id not in found.refunds:
            await self._take_refund(refund_id, found)
        return found.facts(seen=1)

    async def _list(self, feed: str, since: datetime, until: datetime, number: int) -> tuple[list[Any], int, int]:
        build = calls.order_page if feed == "orders" else calls.after_sale_page
        answer = await self._sender.send(
            lambda now, token: build(self._settings, begin=since, end=until, page=number, token=token, now=now)
        )
        return page_of(data_of(answer), _ROWS[feed])

    async def _take_order(self, order_no: str, found: _Found, row: Any = None) -> None:
        """Read an order with its after-sale cases; a row without a number is held back as it stands."""
        if not order_no:
            found.take([read_order(row, self._settings)])
            return
        raw = await self._one(calls.order_detail, order_no=order_no)
        if raw is None:
            return
        found.take([read_order(raw, self._settings)])
        if has_after_sale(raw):
            for refund_id in await self._cases(order_no):
                await self._take_refund(refund_id, found)

    async def _take_refund(self, refund_id: str, found: _Found, row: Any = None) -> None:
        if not refund_id:
            found.take([read_refund(row)])
            return
        if refund_id in found.refunds:
            return
        found.refunds.add(refund_id)
        raw = await self._one(calls.after_sale_detail, refund_id=refund_id)
        if raw is not None:
            info = Node(raw, "data").raw("afterSaleInfo")
            found.take([read_refund(raw if info is None else info)])

    async def _cases(self, order_no: str) -> Sequence[str]:
        """Give the after-sale cases of an order."""
        return await read_whole(
            lambda number: self._page_of_cases(order_no, number + 1), platform=PLATFORM, most_pages=_MOST_PAGES
        )

    async def _page_of_cases(self, order_no: str, number: int) -> tuple[Sequence[str], bool]:
        answer = await self._sender.send(
            lambda now, token: calls.after_sales_of(
                self._settings, order_no=order_no, page=number, token=token, now=now
            )
        )
        rows, last, _ = page_of(data_of(answer), _ROWS["refunds"])
        return [each for each in map(refund_id_of, rows) if each], number < last

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


class AsyncXiaohongshuSource(_Xiaohongshu):
    """
    A Xiaohongshu shop for asynchronous hosts.

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
        settings: XiaohongshuSettings,
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


class XiaohongshuSource(PlainPushSource[_Xiaohongshu]):
    """A Xiaohongshu shop for plain hosts; see `AsyncXiaohongshuSource`, with an `httpx.Client`."""

    def __init__(
        self,
        settings: XiaohongshuSettings,
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
        super().__init__(_Xiaohongshu(settings, sender, lift_tokens(tokens)))

    def authorise(self, code: str) -> None:
        """See `AsyncXiaohongshuSource.authorise`."""
        drive(self._coroutines.authorise(code))


def _dialect(settings: XiaohongshuSettings) -> Dialect:
    def refresh(now: datetime, token: Secret | None) -> Call:
        if token is None:
            raise PlatformRefused("the merchant has to authorise first; see `authorise`", platform=PLATFORM)
        return calls.refresh_token(settings, token=token, now=now)

    return Dialect(
        platform=PLATFORM,
        shop_id=settings.shop_id,
        hosts=frozenset(settings.hosts),
        fault_of=fault_of,
        refreshing=Refreshing(
            build=refresh, read=lambda answer, now: tokens_of(answer, settings.shop_id, now), early_s=_EARLY_S
        ),
    )
