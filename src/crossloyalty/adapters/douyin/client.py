"""
A Douyin shop as a source: its two lists page by page, single orders, and the messages it pushes.

Lists are sorted by the time of the last change and page numbers shift while orders change, so a page goes on from the
last time that was seen; where that does not lead on, pages are counted from the last to the first (see `paging`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from crossloyalty.adapters.douyin import calls
from crossloyalty.adapters.douyin.answers import PLATFORM, data_of, fault_of, tokens_of
from crossloyalty.adapters.douyin.messages import NOT_TAKEN, TAKEN, is_genuine, read_messages
from crossloyalty.adapters.douyin.orders import needs_refunds, read_order
from crossloyalty.adapters.douyin.paging import Place
from crossloyalty.adapters.douyin.refunds import needs_detail, read_refund
from crossloyalty.adapters.douyin.settings import DouyinSettings
from crossloyalty.adapters.wire.authorising import keep_tokens
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
from crossloyalty.domain.orders import Refund
from crossloyalty.errors import (
    ForgedMessage,
    InvalidInput,
    PlatformMissing,
    PlatformRefused,
    PlatformUnavailable,
    shown,
)

__all__ = ["CAPABILITIES", "FEEDS", "LIMITS", "AsyncDouyinSource", "DouyinSource"]

CAPABILITIES: Final = SourceCapabilities(
    auto_convert=True, buyer_id_scope="shop", push=True, pull=True, refund_detail=True
)
# Refunds first: an order then meets what is open against it.
FEEDS: Final = ("refunds", "orders")
# The list shows orders placed within 90 days; no longest window is documented, and a day keeps pages few.
LIMITS: Final = SourceLimits(longest_window_s=86_400, overlap_s=300, lag_s=30, oldest_days=90)
_MOST_PAGES_OF_CASES: Final = 10
_EARLY_S: Final = 3_600.0


class _Douyin(Closing):
    def __init__(self, settings: DouyinSettings, sender: Sending, store: AsyncTokenStore) -> None:
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
        return CAPABILITIES

    @property
    def limits(self) -> SourceLimits:
        """See `PullSource.limits`."""
        return LIMITS

    @property
    def feeds(self) -> Sequence[str]:
        """See `PullSource.feeds`."""
        return FEEDS

    def verify(self, incoming: Incoming, now: datetime) -> Sequence[Pushed]:
        """See `PushSource.verify`; the messages carry no signed time that could be checked."""
        if not is_genuine(self._settings, incoming.headers, incoming.body):
            raise ForgedMessage("the signature of the message is missing or wrong")
        try:
            return read_messages(self._settings, incoming.body)
        except (Unreadable, PlatformUnavailable) as error:
            raise ForgedMessage("a signed body that holds no messages") from error

    def acknowledge(self, incoming: Incoming, ok: bool) -> Acknowledgement:
        """See `PushSource.acknowledge`."""
        return Acknowledgement(body=TAKEN) if ok else Acknowledgement(status=500, body=NOT_TAKEN)

    async def authorise(self, code: str = "") -> None:
        """
        Get the first tokens and store them.

        Args:
            code: What the merchant's consent gave, good for 10 minutes; an app for its own use needs none, and none of
                this either: its tokens are got when they are first wanted.

        Raises:
            PlatformRefused: The code is wrong or over, or another shop's.
        """
        sender = self._sender
        answer = await sender.send_without_token(lambda now: calls.create_token(self._settings, code, now=now))
        await keep_tokens(self._store, PLATFORM, self.shop_id, tokens_of(answer, self.shop_id, sender.now()))

    async def page(self, feed: str, since: datetime, until: datetime, page: str | None) -> Facts:
        """See `PullSource.page`."""
        if feed not in FEEDS:
            raise InvalidInput(f"no feed of {PLATFORM}: {shown(feed)}")
        asked, name, when = (
            (calls.changed_orders, "shop_order_list", _order_time)
            if feed == "orders"
            else (calls.changed_refunds, "items", _case_time)
        )
        end = -int(-until.timestamp() // 1)
        place = Place.of(page, since)
        answer = await self._sender.send(
            lambda now, token: asked(self._settings, place.start, place.stop or end, place.number, now=now, token=token)
        )
        data = data_of(answer)
        rows = _rows(data, name)
        total = _readable(lambda: data.whole("total"))
        times = [when(row) for row in rows if not isinstance(row, Doubtful)]
        after = place.after(len(rows), times, total, end)
        found = Found()
        if place.is_counting and len(rows) >= calls.PAGE_SIZE:
            # Only looked at: its rows are read on the way down.
            return found.facts(seen=0, next_page=str(after), total=total)
        for row in rows:
            if isinstance(row, Doubtful):
                found.take([row])
            elif feed == "orders":
                await self._take_order(row, found)
            else:
                found.take([await self._case(row)])
        return found.facts(seen=len(rows), next_page=None if after is None else str(after), total=total)

    async def fetch(self, order_no: str, refund_id: str = "") -> Facts:
        """See `PullSource.fetch`; refunds are found by their order alone."""
        if not _is_number(order_no):
            return Facts()
        try:
            answer = await self._sender.send(
                lambda now, token: calls.order_detail(self._settings, order_no, now=now, token=token)
            )
        except PlatformMissing:
            return Facts()
        order = _readable(lambda: data_of(answer).node("shop_order_detail"))
        if order is None or not order.value:
            return Facts()
        found = Found()
        await self._take_order(order, found, refunds=await self._cases(order_no))
        return found.facts(seen=1)

    async def _take_order(self, order: Node, found: Found, refunds: Sequence[Refund | Doubtful] | None = None) -> None:
        """Read an order, with the cases of one that shows money paid back."""
        order_no = order.value.get("order_id")
        if refunds is None and needs_refunds(order) and isinstance(order_no, str) and _is_number(order_no):
            refunds = await self._cases(order_no)
        if refunds is not None:
            found.take(refunds)
        believed = None if refunds is None else [each for each in refunds if isinstance(each, Refund)]
        found.take([read_order(order, self._settings, refunds=believed)])

    async def _cases(self, order_no: str) -> Sequence[Refund | Doubtful]:
        """Read all after-sale cases of an order."""
        cases: list[Refund | Doubtful] = []
        rows = await read_whole(
            lambda number: self._page_of_cases(order_no, number),
            platform=PLATFORM,
            most_pages=_MOST_PAGES_OF_CASES,
            what=lambda row: row.value if isinstance(row, Node) else row,
        )
        for row in rows:
            case = row if isinstance(row, Doubtful) else await self._case(row)
            # The filter is the platform's; what is not of this order is not believed to be.
            if case.order_no in (order_no, ""):
                cases.append(case)
        return cases

    async def _page_of_cases(self, order_no: str, number: int) -> tuple[Sequence[Node | Doubtful], bool]:
        answer = await self._sender.send(
            lambda now, token: calls.refunds_of_order(self._settings, order_no, number, now=now, token=token)
        )
        rows = _rows(data_of(answer), "items")
        return rows, len(rows) >= calls.PAGE_SIZE

    async def _case(self, row: Node) -> Refund | Doubtful:
        """Read a case, with its detail when money went back."""
        detail = None
        info = row.value.get("aftersale_info")
        refund_id = str(info.get("aftersale_id")) if isinstance(info, dict) else ""
        if needs_detail(row) and _is_number(refund_id):
            try:
                answer = await self._sender.send(
                    lambda now, token: calls.refund_detail(self._settings, refund_id, now=now, token=token)
                )
                detail = data_of(answer)
            except PlatformMissing:
                detail = None
        return read_refund(row, detail)


def _order_time(row: Node) -> int | None:
    return _whole(row.value, "update_time")


def _case_time(row: Node) -> int | None:
    info = row.value.get("aftersale_info")
    return _whole(info, "update_time") if isinstance(info, dict) else None


def _whole(about: Mapping[str, Any], name: str) -> int | None:
    value = about.get(name)
    return value if type(value) is int and 0 < value < 2**40 else None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and 8 <= len(text) <= 21


def _rows(data: Node, name: str) -> Sequence[Node | Doubtful]:
    rows: Sequence[Node | Doubtful] = _readable(lambda: each_row(data, name, lambda row: row))
    return rows


def _readable(read: Callable[[], Any]) -> Any:
    """Read a part without which nothing of the answer can be believed."""
    try:
        return read()
    except Unreadable as error:
        raise PlatformUnavailable(f"an answer that cannot be read: {error}", platform=PLATFORM) from error


class AsyncDouyinSource(_Douyin):
    """
    A Douyin shop for asynchronous hosts.

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
        settings: DouyinSettings,
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


class DouyinSource(PlainPushSource[_Douyin]):
    """A Douyin shop for plain hosts; see `AsyncDouyinSource`, with an `httpx.Client`."""

    def __init__(
        self,
        settings: DouyinSettings,
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
        self._shop = _Douyin(settings, sender, lift_tokens(tokens))
        super().__init__(self._shop)

    def authorise(self, code: str = "") -> None:
        """See `AsyncDouyinSource.authorise`."""
        drive(self._shop.authorise(code))


def _dialect(settings: DouyinSettings) -> Dialect:
    def refresh(now: datetime, token: Secret | None) -> Call:
        if settings.self_use:
            return calls.create_token(settings, "", now=now)
        if token is None:
            raise PlatformRefused("the merchant has to authorise first; see `authorise`", platform=PLATFORM)
        return calls.refresh_token(settings, token, now=now)

    return Dialect(
        platform=PLATFORM,
        shop_id=settings.shop_id,
        hosts=settings.called_hosts,
        fault_of=fault_of,
        refreshing=Refreshing(
            build=refresh, read=lambda answer, now: tokens_of(answer, settings.shop_id, now), early_s=_EARLY_S
        ),
    )
