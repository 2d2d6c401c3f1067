"""Reads a source to its end the way a sync does: every feed, every window, every page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from crossloyalty.application.sources import Doubtful, Facts, PullSource
from crossloyalty.domain.orders import Milestone, Order, Refund


class Pulled:
    """What was read: the newest version of each order and refund, and how often each came."""

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.refunds: dict[str, Refund] = {}
        self.doubtful: list[Doubtful] = []
        self.rows = 0

    def take(self, facts: Facts) -> None:
        self.doubtful += facts.doubtful
        self.rows += facts.seen
        for item in facts.items:
            assert not isinstance(item, Milestone)
            held: dict[str, Any] = self.orders if isinstance(item, Order) else self.refunds
            name = item.order_no if isinstance(item, Order) else item.refund_id
            if name not in held or held[name].modified_at <= item.modified_at:
                held[name] = item


def pull(
    source: PullSource,
    since: datetime,
    until: datetime,
    *,
    between: Callable[[], None] = lambda: None,
    feeds: Sequence[str] | None = None,
    into: Pulled | None = None,
) -> Pulled:
    """Read all that changed in [since, until), of all feeds or of some, into what was read before if that is given."""
    pulled = into or Pulled()
    longest = timedelta(seconds=source.limits.longest_window_s)
    for feed in feeds or source.feeds:
        begin = since
        while begin < until:
            end = min(begin + longest, until)
            page: str | None = None
            while True:
                facts = source.page(feed, begin, end, page)
                pulled.take(facts)
                between()
                page = facts.next_page
                if page is None:
                    break
            begin = end
    return pulled
