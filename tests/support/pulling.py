"""Reads a source the way a sync does, window by window and page by page, into one dictionary."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import attrs

from crossloyalty.application.sources import Doubtful, PullSource
from crossloyalty.domain.orders import Order, Refund

__all__ = ["Pulled", "pull"]


@attrs.define
class Pulled:
    """
    What came of it.

    Args:
        orders, refunds: The latest of each, by number.
        doubtful: What was doubted.
        pages: How many pages were read.
    """

    orders: dict[str, Order] = attrs.field(factory=dict)
    refunds: dict[str, Refund] = attrs.field(factory=dict)
    doubtful: list[Doubtful] = attrs.field(factory=list)
    pages: int = 0


def pull(
    source: PullSource,
    since: datetime,
    until: datetime,
    feeds: Sequence[str] | None = None,
    *,
    into: Pulled | None = None,
) -> Pulled:
    """
    Read lists of a source.

    Args:
        source: Whom to ask.
        since, until: What changed in [since, until).
        feeds: Which lists; None: all.
        into: What was read before.
    """
    pulled = into or Pulled()
    step = timedelta(seconds=source.limits.longest_window_s)
    for feed in feeds or source.feeds:
        start = since
        while start < until:
            end = min(start + step, until)
            page: str | None = None
            while True:
                facts = source.page(feed, start, end, page)
                pulled.pages += 1
                pulled.doubtful += facts.doubtful
                for item in facts.items:
                    if isinstance(item, Order):
                        pulled.orders[item.order_no] = item
                    elif isinstance(item, Refund):
                        pulled.refunds[item.refund_id] = item
                page = facts.next_page
                if page is None:
                    break
            start = end
    return pulled
