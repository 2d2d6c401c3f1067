"""A marketplace as a plain list in memory, for the tests of syncing and receiving."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import attrs

from crossloyalty import Order, Refund
from crossloyalty.application.ports import SourceCapabilities
from crossloyalty.application.sources import Acknowledgement, Doubtful, Facts, Incoming, Pushed, SourceLimits
from crossloyalty.errors import ForgedMessage

LIMITS = SourceLimits(longest_window_s=86_400, overlap_s=600, lag_s=0, oldest_days=30)
CAPABILITIES = SourceCapabilities(
    auto_convert=True, buyer_id_scope="platform", push=True, pull=True, refund_detail=True, after_sale_days=15
)


class ListSource:
    """
    Gives what stands in its lists, page by page behind the last (time, number).

    Args:
        orders, refunds: What the platform holds.
        page_rows: Rows a page.
    """

    def __init__(
        self,
        orders: Sequence[Order] = (),
        refunds: Sequence[Refund] = (),
        *,
        page_rows: int = 2,
        limits: SourceLimits = LIMITS,
        capabilities: SourceCapabilities = CAPABILITIES,
        feeds: Sequence[str] = ("orders", "refunds"),
        platform: str = "taobao",
        shop_id: str = "s1",
    ) -> None:
        self.orders = {each.order_no: each for each in orders}
        self.refunds = {each.refund_id: each for each in refunds}
        self.doubtful: list[Doubtful] = []
        self.page_rows = page_rows
        self.limits = limits
        self.capabilities = capabilities
        self.feeds = feeds
        self.platform = platform
        self.shop_id = shop_id
        self.asked: list[tuple[str, datetime, datetime, str | None]] = []
        self.fetched: list[str] = []
        self.before: Callable[[], None] = lambda: None
        self.error: BaseException | None = None

    def page(self, feed: str, since: datetime, until: datetime, page: str | None) -> Facts:
        self.asked.append((feed, since, until, page))
        self.before()
        if self.error is not None:
            raise self.error
        held: dict[str, Any] = self.orders if feed == "orders" else self.refunds
        rows = sorted(
            (each.modified_at.timestamp(), name, each)
            for name, each in held.items()
            if since <= each.modified_at < until
        )
        behind = tuple(json.loads(page)) if page else (0, "")
        rows = [row for row in rows if row[:2] > behind]
        chosen, more = rows[: self.page_rows], len(rows) > self.page_rows
        return Facts(
            items=tuple(row[2] for row in chosen),
            doubtful=tuple(self.doubtful) if feed == "orders" and page is None else (),
            seen=len(chosen),
            next_page=json.dumps(chosen[-1][:2]) if more else None,
        )

    def fetch(self, order_no: str, refund_id: str = "") -> Facts:
        self.fetched.append(order_no)
        self.before()
        if self.error is not None:
            raise self.error
        order = self.orders.get(order_no)
        doubtful = tuple(each for each in self.doubtful if each.order_no == order_no)
        if order is None:
            return Facts(doubtful=doubtful)
        refunds = [each for each in self.refunds.values() if each.order_no == order_no]
        return Facts(items=(order, *refunds), doubtful=doubtful, seen=1)

    def verify(self, incoming: Incoming, now: datetime) -> Sequence[Pushed]:
        if incoming.headers.get("sign") != "right":
            raise ForgedMessage("a wrong signature")
        return [Pushed(**each) for each in json.loads(incoming.body)]

    def acknowledge(self, incoming: Incoming, ok: bool) -> Acknowledgement:
        return Acknowledgement(status=200 if ok else 500, body=b"taken" if ok else b"again")


class AsyncListSource(ListSource):
    """The same, awaited."""

    async def page(self, feed: str, since: datetime, until: datetime, page: str | None) -> Facts:  # type: ignore[override]
        return super().page(feed, since, until, page)

    async def fetch(self, order_no: str, refund_id: str = "") -> Facts:  # type: ignore[override]
        return super().fetch(order_no, refund_id)


class QueueSource(ListSource):
    """One whose messages wait in a queue."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.queue: list[Pushed] = []
        self.confirmed: list[str] = []

    def consume(self, limit: int) -> Sequence[Pushed]:
        return self.queue[:limit]

    def confirm(self, message_ids: Sequence[str]) -> None:
        self.confirmed += message_ids
        self.queue = [each for each in self.queue if each.message_id not in message_ids]


def message(*about: dict[str, Any], sign: str = "right") -> tuple[dict[str, str], bytes]:
    """Give headers and body of one delivery with some messages."""
    return {"Sign": sign}, json.dumps(about).encode()


def at(order: Any, when: datetime) -> Any:
    """Give a fact as changed at a moment."""
    return attrs.evolve(order, modified_at=when)
