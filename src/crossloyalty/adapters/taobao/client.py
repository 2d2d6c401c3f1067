"""
A Taobao or Tmall shop as a source: its lists page by page, single orders, and the queue of its messages.

Pages are turned from the last to the first, as the platform's page demands (see `wire.backwards`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final, Self

from crossloyalty.adapters.taobao import calls
from crossloyalty.adapters.taobao.answers import fault_of, payload, read_tokens, rows
from crossloyalty.adapters.taobao.messages import read_messages
from crossloyalty.adapters.taobao.orders import read_order, refund_ids_of
from crossloyalty.adapters.taobao.refunds import read_refund
from crossloyalty.adapters.taobao.settings import TaobaoSettings
from crossloyalty.adapters.wire.authorising import keep_tokens
from crossloyalty.adapters.wire.backwards import FirstPage, Place, following, known_total, place_of
from crossloyalty.adapters.wire.dialect import Dialect, Refreshing, Sending, SendingOptions
from crossloyalty.adapters.wire.plain import Closing, PlainChannelSource
from crossloyalty.adapters.wire.reading import Node, Unreadable
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.sending import async_sender, plain_sender
from crossloyalty.adapters.wire.token_stores import MemoryTokenStore, lift_tokens
from crossloyalty.adapters.wire.tokens import AsyncTokenStore, Tokens, TokenStore
from crossloyalty.adapters.wire.values import Answer, Call, Doubtful, Facts, Item, Pushed
from crossloyalty.application.driving import drive
from crossloyalty.application.ports import AsyncSleep, Clock, Sleep, SourceCapabilities
from crossloyalty.application.sources import SourceLimits
from crossloyalty.domain.orders import Order, OrderStatus
from crossloyalty.errors import InvalidInput, PlatformMissing, PlatformRefused, PlatformUnavailable, shown

__all__ = ["CAPABILITIES", "FEEDS", "AsyncTaobaoSource", "TaobaoSource"]

# Orders carry a stable id of the buyer; the refund list shows refunds after completion; phones cannot be compared,
# since the receiver's is encrypted. Messages wait in a queue and are not sent to an address.
CAPABILITIES: Final = SourceCapabilities(
    auto_convert=True, buyer_id_scope="app", push=True, pull=True, refund_detail=True
)
CAPABILITIES_OF_SHOP: Final = SourceCapabilities(
    auto_convert=True, buyer_id_scope="shop", push=True, pull=True, refund_detail=True
)
# Refunds first: an order then meets what is open against it.
FEEDS: Final = ("refunds", "orders")
_OVERLAP_S: Final = 600
_LAG_S: Final = 120
# The lists reach back three months; orders older than that are in another list, which is not about changes.
_OLDEST_DAYS: Final = 89
_MOST_CONFIRMED: Final = 200


class _Shop(Closing):
    def __init__(self, settings: TaobaoSettings, sender: Sending, store: AsyncTokenStore) -> None:
        self._settings = settings
        self._sender = sender
        self._store = store
        self._first_page: FirstPage[Item | Doubtful] = FirstPage("tid")
        window_s = settings.window_minutes * 60
        self._limits = SourceLimits(
            longest_window_s=window_s,
            overlap_s=min(_OVERLAP_S, window_s // 2),
            lag_s=_LAG_S,
            oldest_days=_OLDEST_DAYS,
        )

    @property
    def platform(self) -> str:
        """See `PullSource.platform`."""
        return self._settings.name

    @property
    def shop_id(self) -> str:
        """See `PullSource.shop_id`."""
        return self._settings.shop_id

    @property
    def capabilities(self) -> SourceCapabilities:
        """See `PullSource.capabilities`."""
        return CAPABILITIES if self._settings.buyer_id == "open_uid" else CAPABILITIES_OF_SHOP

    @property
    def limits(self) -> SourceLimits:
        """See `PullSource.limits`."""
        return self._limits

    @property
    def feeds(self) -> Sequence[str]:
        """See `PullSource.feeds`."""
        return FEEDS

    async def authorise(self, code: str) -> None:
        """
        Exchange the code of the seller's authorisation for tokens and store them.

        Raises:
            PlatformRefused: The code is wrong or over, or another seller's.
        """
        sender = self._sender
        answer = await sender.send_without_token(lambda now: calls.create_token(self._settings, code, now=now))
        seller = self._settings.seller_id
        tokens = read_tokens(answer, "taobao.top.auth.token.create", sender.now(), seller_id=seller)
        await keep_tokens(self._store, self.platform, self.shop_id, tokens)

    async def page(self, feed: str, since: datetime, until: datetime, page: str | None) -> Facts:
        """See `PullSource.page`."""
        if feed not in FEEDS:
            raise InvalidInput(f"no list of {self.platform}: {shown(feed)}")
        place = place_of(page)
        number = 1 if place is None else place.page
        # Counting all rows makes the answer slow, so it is asked for where it decides something.
        total = number == 1
        build = calls.orders_page if feed == "orders" else calls.refunds_page

        def made(now: datetime, session: Secret) -> Call:
            return build(self._settings, since, until, number, total=total, now=now, session=session)

        answer, call = await self._asked(made)
        try:
            return await self._read_page(feed, payload(answer, call), place, (since, until))
        except Unreadable as error:
            raise PlatformUnavailable("the page is not as its description says", platform=self.platform) from error

    async def fetch(self, order_no: str, refund_id: str = "") -> Facts:
        """See `PullSource.fetch`; a sub-order names its newest refund only, the others come by the list of refunds."""
        found = _Found()
        ids = dict.fromkeys([refund_id] if _is_number(refund_id) else [])
        trade = await self._one(calls.order_detail, order_no, "trade") if _is_number(order_no) else None
        if trade is not None:
            found.take(read_order(trade, self._settings))
            ids.update(dict.fromkeys(refund_ids_of(trade)))
        for each in ids:
            refund = await self._one(calls.refund_detail, each, "refund")
            if refund is not None:
                found.take(read_refund(refund, self._settings))
        return found.facts(seen=0 if trade is None else 1)

    async def permit_messages(self) -> None:
        """Have this seller's messages put into the application's queue; once, after the seller's authorisation."""
        await self._sender.send(lambda now, session: calls.permit_messages(self._settings, now=now, session=session))

    async def consume(self, limit: int) -> Sequence[Pushed]:
        """
        See `MessageChannel.consume`; the platform gives at least 10, if there are as many, and at most 200.

        The queue is the application's, or its group's; what is about another seller says so in `shop_id`.
        """
        answer = await self._sender.send_without_token(
            lambda now: calls.consume_messages(self._settings, limit, now=now)
        )
        return read_messages(answer, self._settings)

    async def confirm(self, message_ids: Sequence[str]) -> None:
        """See `MessageChannel.confirm`."""
        for start in range(0, len(message_ids), _MOST_CONFIRMED):
            part = message_ids[start : start + _MOST_CONFIRMED]
            await self._sender.send_without_token(
                partial(lambda now, ids: calls.confirm_messages(self._settings, ids, now=now), ids=part)
            )

    async def _read_page(self, feed: str, node: Node, place: Place | None, window: tuple[datetime, datetime]) -> Facts:
        found = _Found()
        plural, singular = ("trades", "trade") if feed == "orders" else ("refunds", "refund")
        listed = rows(node, plural, singular)
        orders = feed == "orders"
        first = self._first_page
        for value in listed:
            known = first.known(window, value) if orders else None
            found.take(await self._row(feed, plural, value) if known is None else known)
        total = known_total(node.whole("total_results"), len(listed), self._settings.page_size, place)
        after = following(place, total, self._settings.page_size)
        if orders and self._settings.api == "simple":
            # What a row of the full list is read as depends on a call of its own, which is made again.
            first.keep(window, place, after, zip(listed, found.all, strict=True))
        return found.facts(seen=len(listed), next_page=after, total=total)

    async def _row(self, feed: str, plural: str, value: object) -> Item | Doubtful:
        if not isinstance(value, dict):
            return Doubtful(order_no="", code="UNREADABLE", detail=f"a row of the {plural} is no object")
        if feed == "orders":
            return await self._order(Node(value, "order"))
        return read_refund(Node(value, "refund"), self._settings)

    async def _order(self, trade: Node) -> Item | Doubtful:
        read = read_order(trade, self._settings)
        if self._settings.api == "sold" and isinstance(read, Order) and read.status is OrderStatus.FINISHED:
            # The full list lacks what was paid by shopping-gold card, which earns nothing.
            detail = await self._one(calls.order_detail, read.order_no, "trade")
            return read if detail is None else read_order(detail, self._settings)
        return read

    async def _one(self, build: Any, number: str, name: str) -> Node | None:
        """Ask for one order or refund; None when the platform knows no such."""
        try:
            answer, call = await self._asked(
                lambda now, session: build(self._settings, number, now=now, session=session)
            )
            return payload(answer, call).node(name)
        except PlatformMissing:
            return None
        except Unreadable as error:
            raise PlatformUnavailable("the answer is not as its page describes", platform=self.platform) from error

    async def _asked(self, build: Any) -> tuple[Answer, Call]:
        """Send a call, and keep what was asked: its name is the root of the answer."""
        made: list[Call] = []

        def remembered(now: datetime, session: Secret) -> Call:
            made[:] = [build(now, session)]
            return made[0]

        answer = await self._sender.send(remembered)
        return answer, made[0]


class _Found:
    """What was read so far."""

    def __init__(self) -> None:
        self._items: list[Item] = []
        self._doubtful: list[Doubtful] = []
        self.all: list[Item | Doubtful] = []

    def take(self, one: Item | Doubtful) -> None:
        """Put one fact to the others."""
        self.all.append(one)
        if isinstance(one, Doubtful):
            self._doubtful.append(one)
        else:
            self._items.append(one)

    def facts(self, *, seen: int, next_page: str | None = None, total: int | None = None) -> Facts:
        """Give all of it."""
        return Facts(
            items=tuple(self._items), doubtful=tuple(self._doubtful), seen=seen, next_page=next_page, total=total
        )


class AsyncTaobaoSource(_Shop):
    """
    A Taobao or Tmall shop for asynchronous hosts.

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
        settings: TaobaoSettings,
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

    @property
    def messages(self) -> Self:
        """The queue of messages, an `AsyncMessageChannel`: the source itself."""
        return self


class TaobaoSource(PlainChannelSource[_Shop]):
    """A Taobao or Tmall shop for plain hosts; see `AsyncTaobaoSource`, with an `httpx.Client`."""

    def __init__(
        self,
        settings: TaobaoSettings,
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
        self._shop = _Shop(settings, sender, lift_tokens(tokens))
        super().__init__(self._shop)

    @property
    def messages(self) -> Self:
        """The queue of messages, a `MessageChannel`: the source itself."""
        return self

    def authorise(self, code: str) -> None:
        """See `AsyncTaobaoSource.authorise`."""
        drive(self._shop.authorise(code))

    def permit_messages(self) -> None:
        """See `AsyncTaobaoSource.permit_messages`."""
        drive(self._shop.permit_messages())


def _dialect(settings: TaobaoSettings) -> Dialect:
    def refresh(now: datetime, token: Secret | None) -> Call:
        if token is None or not settings.refreshable:
            raise PlatformRefused("the seller has to authorise (again); see `authorise`", platform=settings.name)
        return calls.refresh_token(settings, token, now=now)

    def read(answer: Answer, now: datetime) -> Tokens:
        return read_tokens(answer, "taobao.top.auth.token.refresh", now, seller_id=settings.seller_id)

    return Dialect(
        platform=settings.name,
        shop_id=settings.shop_id,
        hosts=settings.all_hosts,
        fault_of=partial(fault_of, refreshable=settings.refreshable),
        refreshing=Refreshing(build=refresh, read=read),
    )


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 21
