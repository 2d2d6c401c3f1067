"""Orders that name an identity and that nobody holds: found when it is bound, counted when a claim has bound it."""

from __future__ import annotations

from typing import Final, cast

from crossloyalty.application.batch import Batch
from crossloyalty.application.identifying import orders_of
from crossloyalty.application.loading import Loaded
from crossloyalty.application.ports import AsyncTransaction, Scan
from crossloyalty.domain.keys import OrderKey
from crossloyalty.domain.records import BuyerRecord, OrderRecord

__all__ = ["count_past_orders", "past_orders_scan"]

_MOST: Final = 1_000


def past_orders_scan(loaded: Loaded, buyer: BuyerRecord, limit: int | None = None) -> Scan | None:
    """
    Ask for the orders of an identity that are inside the claim window, the latest first.

    Args:
        loaded: The program and the moment.
        buyer: The identity.
        limit: How many at most.

    Returns:
        None where no order makes the identity's member its buyer.
    """
    return orders_of(buyer, by_phone=loaded.program.binding.by_phone, low=_window_start(loaded), limit=limit)


async def count_past_orders(tx: AsyncTransaction, batch: Batch, buyer: BuyerRecord) -> int:
    """Count the orders of an identity that nobody holds when the batch is written; 1,000 at most are looked at."""
    scan = past_orders_scan(batch.loaded, buyer, _MOST)
    if scan is None:
        return 0
    found = [cast(OrderRecord, row) for row in (await tx.read(scans=[scan])).rows[0]]
    decided = {state.key for state in batch.orders() if state.claim is not None}
    return sum(not row.owner_id and OrderKey(*row[:3]) not in decided for row in found)


def _window_start(loaded: Loaded) -> int | None:
    days = loaded.program.eligibility.within_days
    if days is None:
        return None
    # One day more than the window: the effective time of an order may be its payment. A request of the member's own
    # that waits was made in time even where the window has closed since.
    return loaded.program.calendar.after_days(loaded.now, -days - 1 - loaded.program.ticket_days)
