"""
A Youzan shop as a source: its two lists page by page, single orders, and its messages.

The list of orders states them whole; the list of after-sale cases does not tell exchanges from refunds nor to which
sub-orders a case belongs, so each case takes a call of its own, and the order it belongs to another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from crossloyalty.adapters.wire.authorising import keep_tokens
from crossloyalty.adapters.wire.backwards import known_total
from crossloyalty.adapters.wire.dialect import Dialect, Refreshing, Sending, SendingOptions
from crossloyalty.adapters.wire.found import Found
from crossloyalty.adapters.wire.plain import Closing, PlainPushSource
from crossloyalty.adapters.wire.reading import Node, Unreadable
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.sending import async_sender, plain_sender
from crossloyalty.adapters.wire.token_stores import MemoryTokenStore, lift_tokens
from crossloyalty.adapters.wire.tokens import AsyncTokenStore, TokenStore
from crossloyalty.adapters.wire.values import Acknowledgement, Answer, Doubtful, Facts, Incoming, Pushed
from crossloyalty.adapters.youzan import calls
from crossloyalty.adapters.youzan.answers import data_of, fault_of, read_tokens
from crossloyalty.adapters.youzan.messages import acknowledge, read_messages
from crossloyalty.adapters.youzan.orders import read_row, refund_lines
from crossloyalty.adapters.youzan.paging import Place
from crossloyalty.adapters.youzan.refunds import read_refund
from crossloyalty.adapters.youzan.settings import PLATFORM, YouzanSettings
from crossloyalty.application.driving import drive
from crossloyalty.application.ports import AsyncSleep, Clock, Sleep, SourceCapabilities
from crossloyalty.application.sources import SourceLimits
from crossloyalty.errors import InvalidInput, PlatformMissing, PlatformUnavailable, shown

__all__ = ["CAPABILITIES", "FEEDS", "AsyncYouzanSource", "YouzanSource"]

CAPABILITIES: Final = SourceCapabilities(
    auto_convert=True, buyer_id_scope="platform", push=True, pull=True, refund_detail=True
)
# Refunds first: an order then meets what is open against it.
FEEDS: Final = ("refunds", "orders")
_OVERLAP_S: Final = 600
# Changes show in the lists with a delay; 30 s are advised.
_LAG_S: Final = 60
_OLDEST_DAYS: Final = 90
# Room for the pauses that are advised when calls come too fast: 3, 6, 12 and 24 s fit into the usual deadline.
_PATIENCE: Final = SendingOptions(tries=6)
_ROWS: Final = {"orders": ("full_order_info_list", "total_results"), "refunds": ("refunds", "total")}


class _Youzan(Closing):
    def __init__(self, settings: YouzanSettings, sender: Sending, store: AsyncTokenStore) -> None:
        self._settings = settings
        self._sender = sender
        self._store = store
        self._limits = SourceLimits(
            longest_window_s=settings.window_s, overlap_s=_OVERLAP_S, lag_s=_LAG_S, oldest_days=_OLDEST_DAYS
        )

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
        return CAPABILITIES

    @property
    def limits(self) -> SourceLimits:
        """See `PullSource.limits`."""
        return self._limits

    @property
    def feeds(self) -> Sequence[str]:
        """See `PullSource.feeds`."""
        return FEEDS

    def verify(self, incoming: Incoming, now: datetime) -> Sequence[Pushed]:
        """See `PushSource.verify`; there is no time in the signature that could be checked."""
        return read_messages(incoming, self._settings)

    def acknowledge(self, incoming: Incoming, ok: bool) -> Acknowledgement:
        """See `PushSource.acknowledge`."""
        return acknowledge(ok)

    async def authorise(self, code: str) -> None:
        """
        Exchange the code of a merchant's authorisation of a tool application, good once and for 2 minutes, for tokens.

        Args:
            code: As the call-back address got it.

        Raises:
            PlatformRefused: The code is wrong or over, or another shop's.
        """
        settings, sender = self._settings, self._sender
        answer = await sender.send_without_token(lambda _: calls.exchange_code(settings, Secret(code)))
        await keep_tokens(self._store, PLATFORM, self.shop_id, read_tokens(answer, self.shop_id, sender.now()))

    async def page(self, feed: str, since: datetime, until: datetime, page: str | None) -> Facts:
        """See `PullSource.page`; the pages of a window are read from the last one to the first."""
        if feed not in _ROWS:
            raise InvalidInput(f"no feed of {PLATFORM}: {shown(feed)}")
        place = Place.begin(since, until) if page is None else Place.parse(page)
        size = self._settings.page_size if feed == "orders" else calls.REFUND_PAGE_SIZE
        rows, total = await self._rows(feed, place, size)
        deepest = size * calls.DEEPEST_ORDER_PAGES if feed == "orders" else calls.DEEPEST_REFUNDS
        following = place.after(total, size, deepest)
        next_page = None if following is None else following.text
        found = _Found()
        if place.page_no == 0 and following is not None and following.since == place.since:
            # This call only asked how deep the window is; its rows come with its first page.
            return found.facts(seen=0, next_page=next_page, total=total)
        for row in rows:
            if feed == "orders":
                await self._take_row(row, found)
            else:
                await self._take_case(row, found)
        return found.facts(seen=len(rows), next_page=next_page, total=total)

    async def fetch(self, order_no: str, refund_id: str = "") -> Facts:
        """See `PullSource.fetch`."""
        found = _Found()
        await self._take_order(order_no, found)
        if refund_id:
            await self._take_refund(refund_id, (), found)
        return found.facts(seen=len(found.orders))

    async def _rows(self, feed: str, place: Place, size: int) -> tuple[list[Any], int]:
        settings, number = self._settings, max(1, place.page_no)
        build = calls.list_orders if feed == "orders" else calls.list_refunds
        answer = await self._sender.send(lambda _, token: build(settings, token, place.since, place.until, number))
        rows_name, total_name = _ROWS[feed]
        try:
            data = data_of(answer)
            rows = data.raw(rows_name)
            total = data.need_whole(total_name)
            if rows is not None and not isinstance(rows, list):
                raise Unreadable(f"{data.path}.{rows_name} is no list")
            if total < 0 or (total > 0 and rows is None):
                raise Unreadable(f"{data.path} says {total_name} and holds no rows")
            total = known_total(total, len(rows or ()), size, None) or 0
        except Unreadable as error:
            raise PlatformUnavailable(f"the list cannot be read: {error}", platform=PLATFORM) from None
        return rows or [], total

    async def _take_row(self, row: Any, found: _Found) -> None:
        """Read an order as a list states it, and its after-sale cases."""
        order = read_row(row, self._settings)
        if order.order_no:
            found.orders.add(order.order_no)
        found.take((order,))
        if isinstance(row, dict):
            for refund_id, oids in refund_lines(Node(row, "data")).items():
                await self._take_refund(refund_id, oids, found)

    async def _take_case(self, row: Any, found: _Found) -> None:
        """Read what a row of the after-sale list names: the order with all its cases, and the case itself."""
        try:
            node = Node(row, "data.refunds")
            order_no, refund_id = node.need_text("tid"), node.need_text("refund_id")
        except Unreadable as error:
            found.take((Doubtful(order_no="", code="UNREADABLE", detail=str(error)),))
            return
        await self._take_order(order_no, found)
        await self._take_refund(refund_id, (), found)

    async def _take_order(self, order_no: str, found: _Found) -> None:
        """Read an order and its after-sale cases; nothing when the platform knows no such order."""
        if order_no in found.orders or not _is_id(order_no):
            return
        settings = self._settings
        answer = await self._one(lambda token: calls.get_order(settings, token, order_no))
        if answer is None:
            return
        try:
            data = data_of(answer)
        except Unreadable as error:
            found.take((Doubtful(order_no=order_no, code="UNREADABLE", detail=str(error)),))
            return
        order = read_row(data.value, settings)
        if order.order_no not in ("", order_no):
            found.take((Doubtful(order_no=order_no, code="UNREADABLE", detail="the order is not the one asked for"),))
            return
        await self._take_row(data.value, found)
        found.orders.add(order_no)

    async def _take_refund(self, refund_id: str, oids: Sequence[str], found: _Found) -> None:
        if refund_id in found.refunds or not _is_id(refund_id):
            return
        found.refunds.add(refund_id)
        settings = self._settings
        answer = await self._one(lambda token: calls.get_refund(settings, token, refund_id))
        if answer is None:
            return
        try:
            data = data_of(answer)
            if data.text("refund_id") != refund_id:
                raise Unreadable("data.refund_id is not the one asked for")
        except Unreadable as error:
            found.take((Doubtful(order_no="", refund_id=refund_id, code="UNREADABLE", detail=str(error)),))
            return
        found.take((read_refund(data, oids),))

    async def _one(self, build: Any) -> Answer | None:
        """Ask for one thing; None when the platform knows no such."""
        try:
            return await self._sender.send(lambda _, token: build(token))
        except PlatformMissing:
            return None


class _Found(Found):
    """What was read so far; one case may hang on two rows."""

    def __init__(self) -> None:
        super().__init__()
        self.orders: set[str] = set()
        self.refunds: set[str] = set()


class AsyncYouzanSource(_Youzan):
    """
    A Youzan shop for asynchronous hosts.

    Args:
        settings: The shop.
        tokens: Where its tokens live; memory unless given. A tool application needs a store that lasts: its refresh
            token works once.
        client: An `httpx.AsyncClient`; the library's own guarded one unless given.
        options: Patience and bounds of calls; six tries and the usual bounds unless given.
        clock: Gives the present moment as an aware datetime.
        sleep: Pauses, in seconds.
    """

    def __init__(
        self,
        settings: YouzanSettings,
        *,
        tokens: TokenStore | AsyncTokenStore | None = None,
        client: Any = None,
        options: SendingOptions | None = None,
        clock: Clock | None = None,
        sleep: AsyncSleep | None = None,
    ) -> None:
        store = lift_tokens(tokens or MemoryTokenStore())
        dialect = _dialect(settings)
        patience = options or _PATIENCE
        sender = async_sender(dialect, tokens=store, client=client, options=patience, clock=clock, sleep=sleep)
        super().__init__(settings, sender, store)


class YouzanSource(PlainPushSource[_Youzan]):
    """A Youzan shop for plain hosts; see `AsyncYouzanSource`, with an `httpx.Client`."""

    def __init__(
        self,
        settings: YouzanSettings,
        *,
        tokens: TokenStore | None = None,
        client: Any = None,
        options: SendingOptions | None = None,
        clock: Clock | None = None,
        sleep: Sleep | None = None,
    ) -> None:
        tokens = tokens or MemoryTokenStore()
        dialect = _dialect(settings)
        patience = options or _PATIENCE
        sender = plain_sender(dialect, tokens=tokens, client=client, options=patience, clock=clock, sleep=sleep)
        self._shop = _Youzan(settings, sender, lift_tokens(tokens))
        super().__init__(self._shop)

    def authorise(self, code: str) -> None:
        """See `AsyncYouzanSource.authorise`."""
        drive(self._shop.authorise(code))


def _dialect(settings: YouzanSettings) -> Dialect:
    # The token of a self-use application stays the same to its end, so asking earlier would only ask often.
    early_s = 0.0 if settings.app_kind == "self_use" else 86_400.0
    return Dialect(
        platform=PLATFORM,
        shop_id=settings.shop_id,
        hosts=settings.hosts,
        fault_of=fault_of,
        refreshing=Refreshing(
            build=lambda _, refresh: calls.get_token(settings, refresh),
            read=lambda answer, now: read_tokens(answer, settings.kdt_id, now),
            early_s=early_s,
        ),
    )


def _is_id(text: str) -> bool:
    return text.isascii() and text.isalnum() and len(text) <= 64
