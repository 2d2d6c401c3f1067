"""Pulls a source the way a sync does, window by window and page by page, for tests of sources alone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from crossloyalty.application.sources import Facts, PullSource
from crossloyalty.domain.orders import Order, Refund
from crossloyalty.errors import PlatformUnavailable, RateLimited

__all__ = ["Clock", "newest", "pull"]


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def pull(source: PullSource, feed: str, since: datetime, now: datetime, *, again: int = 3) -> list[Facts]:
    """
    Read a list from *since* up to now.

    Args:
        source: The platform.
        feed: The list.
        since, now: Aware; the last window ends the source's lag before now.
        again: How often one page may be asked for again after an outage.
    """
    target = now - timedelta(seconds=source.limits.lag_s)
    read = []
    while since < target:
        until = min(target, since + timedelta(seconds=source.limits.longest_window_s))
        page, left = None, again
        while True:
            try:
                facts = source.page(feed, since, until, page)
            except (PlatformUnavailable, RateLimited):
                left -= 1
                if not left:
                    raise
                continue
            read.append(facts)
            assert facts.next_page != page or page is None
            page, left = facts.next_page, again
            if page is None:
                break
        since = until
    return read


def newest(read: Iterable[Facts]) -> dict[str, Order | Refund]:
    """Give the newest version of each order and refund, by its number."""
    found: dict[str, Order | Refund] = {}
    for facts in read:
        assert facts.doubtful == ()
        for item in facts.items:
            assert isinstance(item, (Order, Refund))
            key = item.order_no if isinstance(item, Order) else f"refund {item.refund_id}"
            held = found.get(key)
            if held is None or _place(held) <= _place(item):
                found[key] = item
    return found


def _place(item: Order | Refund) -> tuple[float, int]:
    assert item.modified_at is not None
    rank = item.status.rank if isinstance(item, Order) and item.status is not None else 0
    return item.modified_at.timestamp(), rank
