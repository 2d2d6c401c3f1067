"""
A JD shop as a source: its lists page by page, and single orders with their refunds.

Pages are turned from the last to the first (see `wire.backwards`). JD pushes nothing to an address of the merchant's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from crossloyalty.adapters.jd import calls
from crossloyalty.adapters.jd.answers import read_tokens
from crossloyalty.adapters.jd.router import Router
from crossloyalty.adapters.jd.settings import JdSettings
from crossloyalty.adapters.jd.sp import SpApi
from crossloyalty.adapters.wire.authorising import keep_tokens
from crossloyalty.adapters.wire.backwards import FirstPage, following, known_total, place_of
from crossloyalty.adapters.wire.dialect import Dialect, Refreshing, Sending, SendingOptions
from crossloyalty.adapters.wire.plain import Closing, PlainSource
from crossloyalty.adapters.wire.reading import Node, Unreadable
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.sending import async_sender, plain_sender
from crossloyalty.adapters.wire.token_stores import MemoryTokenStore, lift_tokens
from crossloyalty.adapters.wire.tokens import AsyncTokenStore, TokenStore
from crossloyalty.adapters.wire.values import Answer, Call, Doubtful, Facts, Item
from crossloyalty.application.driving import drive
from crossloyalty.application.ports import AsyncSleep, Clock, Sleep, SourceCapabilities
from crossloyalty.application.sources import SourceLimits
from crossloyalty.errors import InvalidInput, PlatformMissing, PlatformRefused, PlatformUnavailable, shown

__all__ = ["CAPABILITIES", "AsyncJdSource", "JdSource"]

_PLATFORM: Final = "jd"
# Orders carry an encrypted id of the buyer. A refund after completion changes no list by itself but that of the day it
# was applied for, so finished orders are looked at again.
CAPABILITIES: Final = SourceCapabilities(
    auto_convert=True, buyer_id_scope="app", pull=True, refund_detail=True, watch_refunds=True
)
_OVERLAP_S: Final = 600
_LAG_S: Final = 120
# By modification the lists reach back about three months.
_OLDEST_DAYS: Final = 89
# A token can be refreshed in its last 24 hours only, and not afterwards.
_EARLY_S: Final = 12 * 3600.0
_Build = Callable[[datetime, Secret], Call]


class _Shop(Closing):
    def __init__(self, settings: JdSettings, gateway: Router | SpApi, sender: Sending, store: AsyncTokenStore) -> None:
        self._settings = settings
        self._gateway = gateway
        self._sender = sender
        self._store = store
        self._first_page: FirstPage[Item | Doubtful] = FirstPage("orderId")
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
        return _PLATFORM

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
        return self._gateway.feeds

    async def authorise(self, code: str) -> None:
        """
        Exchange the code of the merchant's authorisation for tokens and store them.

        Raises:
            PlatformRefused: The code is wrong or over.
        """
        sender = self._sender
        answer = await sender.send_without_token(lambda _: calls.create_token(self._settings, code))
        await keep_tokens(self._store, _PLATFORM, self.shop_id, read_tokens(answer, sender.now()))

    async def page(self, feed: str, since: datetime, until: datetime, page: str | None) -> Facts:
        """See `PullSource.page`."""
        gateway = self._gateway
        if feed not in gateway.feeds:
            raise InvalidInput(f"no list of {_PLATFORM}: {shown(feed)}")
        place = place_of(page)
        number = 1 if place is None else place.page
        answer, call = await self._asked(lambda now, session: gateway.page(feed, since, until, number, now, session))
        found = _Found()
        try:
            rows, stated = gateway.rows(feed, answer, call)
            total = known_total(stated, len(rows), gateway.page_size(feed), place)
        except Unreadable as error:
            raise PlatformUnavailable("the page is not as its description says", platform=_PLATFORM) from error
        orders = feed == "orders"
        first, window = self._first_page, (since, until)
        for value in rows:
            known = first.known(window, value) if orders else None
            found.take(await self._row(feed, value) if known is None else known)
        after = following(place, total, gateway.page_size(feed))
        if orders:
            first.keep(window, place, after, zip(rows, found.all, strict=True))
        return found.facts(seen=len(rows), next_page=after, total=total)

    async def fetch(self, order_no: str, refund_id: str = "") -> Facts:
        """See `PullSource.fetch`; an order's refunds are one page, which is more than a buyer can ask for."""
        if not _is_number(order_no):
            return Facts()
        gateway = self._gateway
        found = _Found()
        try:
            answer, call = await self._asked(lambda now, session: gateway.order(order_no, now, session))
            node = gateway.one(answer, call)
        except PlatformMissing:
            return Facts()
        except Unreadable as error:
            raise PlatformUnavailable("the order is not as its page describes", platform=_PLATFORM) from error
        if node is None:
            return Facts()
        found.take(gateway.read("orders", node))
        for feed, build in gateway.refunds_of(order_no):
            try:
                answer, call = await self._asked(build)
                rows, stated = gateway.rows(feed, answer, call)
                total = known_total(stated, len(rows), gateway.page_size(feed), None) or 0
            except Unreadable as error:
                raise PlatformUnavailable("the refunds are not as their page describes", platform=_PLATFORM) from error
            if total > len(rows):
                raise PlatformUnavailable("more refunds than an order can have", platform=_PLATFORM)
            for value in rows:
                found.take(await self._row(feed, value))
        return found.facts(seen=1)

    async def _row(self, feed: str, value: Any) -> Item | Doubtful:
        if not isinstance(value, dict):
            return Doubtful(order_no="", code="UNREADABLE", detail=f"a row of {feed} is no object")
        gateway = self._gateway
        node = Node(value, feed)
        try:
            build = gateway.detail_of(feed, node)
            if build is not None:
                answer, call = await self._asked(build)
                node = gateway.one(answer, call) or node
        except (Unreadable, PlatformMissing):
            # The row itself says less, and is read for what it says.
            node = Node(value, feed)
        return gateway.read(feed, node)

    async def _asked(self, build: _Build) -> tuple[Answer, Call]:
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


class AsyncJdSource(_Shop):
    """
    A JD shop for asynchronous hosts.

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
        settings: JdSettings,
        *,
        tokens: TokenStore | AsyncTokenStore | None = None,
        client: Any = None,
        options: SendingOptions | None = None,
        clock: Clock | None = None,
        sleep: AsyncSleep | None = None,
    ) -> None:
        store = lift_tokens(tokens or MemoryTokenStore())
        gateway = _gateway(settings)
        dialect = _dialect(settings, gateway)
        self._own = async_sender(dialect, tokens=store, client=client, options=options, clock=clock, sleep=sleep)
        super().__init__(settings, gateway, self._own, store)


class JdSource(PlainSource[_Shop]):
    """A JD shop for plain hosts; see `AsyncJdSource`, with an `httpx.Client`."""

    def __init__(
        self,
        settings: JdSettings,
        *,
        tokens: TokenStore | None = None,
        client: Any = None,
        options: SendingOptions | None = None,
        clock: Clock | None = None,
        sleep: Sleep | None = None,
    ) -> None:
        tokens = tokens or MemoryTokenStore()
        gateway = _gateway(settings)
        dialect = _dialect(settings, gateway)
        self._own = plain_sender(dialect, tokens=tokens, client=client, options=options, clock=clock, sleep=sleep)
        self._shop = _Shop(settings, gateway, self._own, lift_tokens(tokens))
        super().__init__(self._shop)

    def authorise(self, code: str) -> None:
        """See `AsyncJdSource.authorise`."""
        drive(self._shop.authorise(code))


def _gateway(settings: JdSettings) -> Router | SpApi:
    return SpApi(settings) if settings.api == "sp" else Router(settings)


def _dialect(settings: JdSettings, gateway: Router | SpApi) -> Dialect:
    def refresh(now: datetime, token: Secret | None) -> Call:
        if token is None:
            raise PlatformRefused("the merchant has to authorise first; see `authorise`", platform=_PLATFORM)
        return calls.refresh_token(settings, token)

    return Dialect(
        platform=_PLATFORM,
        shop_id=settings.shop_id,
        hosts=settings.all_hosts,
        fault_of=gateway.fault_of,
        refreshing=Refreshing(build=refresh, read=read_tokens, early_s=_EARLY_S),
    )


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 20
