"""
The book a double keeps: orders and refunds as they truly are, which every platform's double tells in its own words.

What a sync has stored is compared with it, so it is also the record that is right by definition.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

import attrs

from crossloyalty.domain.orders import Line, LineStatus, Order, OrderStatus, Refund, RefundStatus

__all__ = ["Book"]

# Of 20 orders: how many stand where.
_STATUSES: Final = (
    *(OrderStatus.FINISHED,) * 14,
    *(OrderStatus.SHIPPED,) * 2,
    OrderStatus.PAID,
    OrderStatus.UNPAID,
    OrderStatus.CLOSED,
    OrderStatus.FINISHED,
)
_NEXT: Final = {
    OrderStatus.UNPAID: OrderStatus.PAID,
    OrderStatus.PAID: OrderStatus.SHIPPED,
    OrderStatus.SHIPPED: OrderStatus.FINISHED,
}


class Book:
    """
    Orders and refunds of one shop, safe to read and write from any thread.

    Args:
        platform: Whose numbers and names stand in it.
        shop_id: The shop.
        number: Gives the number of the n-th order in the platform's form.
        seed: Of the made-up orders.
    """

    def __init__(
        self,
        platform: str,
        shop_id: str = "shop-1",
        *,
        number: Callable[[int], str] = lambda place: f"{3_816_000_000_000_000_000 + place}",
        seed: int = 1,
    ) -> None:
        self.platform = platform
        self.shop_id = shop_id
        self._number = number
        self._random = random.Random(seed)
        self._lock = threading.RLock()
        self._orders: dict[str, Order] = {}
        self._refunds: dict[str, Refund] = {}

    # -- writing -----------------------------------------------------------------------------------------------------

    def put(self, *facts: Order | Refund) -> None:
        """Write orders and refunds as they stand from now on."""
        with self._lock:
            for fact in facts:
                if isinstance(fact, Order):
                    self._orders[fact.order_no] = fact
                else:
                    self._refunds[fact.refund_id] = fact

    def fill(self, count: int, *, since: datetime, until: datetime, refunded: float = 0.1) -> None:
        """
        Make orders up, changed at moments spread evenly over [since, until); some of the finished ones were refunded.

        Args:
            count: How many.
            since, until: Aware; whole seconds are used, as platforms do.
            refunded: The part of the finished orders that has a refund, 0 to 1.
        """
        step = (until - since) / max(1, count)
        for place in range(count):
            changed_at = (since + step * place).replace(microsecond=0)
            order = self._made_up(len(self._orders) + 1, changed_at)
            self.put(order)
            if order.status is OrderStatus.FINISHED and self._random.random() < refunded:
                self.refund(order.order_no, at=changed_at)

    def move(self, order_no: str, *, at: datetime) -> Order:
        """Let an order go one step on its way (or only be touched, at its end), changed at a moment."""
        with self._lock:
            order = self._orders[order_no]
            status = _NEXT.get(order.status or OrderStatus.UNPAID, order.status)
            moved = attrs.evolve(_standing(order, status or OrderStatus.UNPAID, at), modified_at=at)
            self._orders[order_no] = moved
            return moved

    def drift(self, count: int, *, at: datetime) -> list[str]:
        """Let some orders change, as they do while somebody turns the pages; give their numbers."""
        with self._lock:
            chosen = self._random.sample(sorted(self._orders), min(count, len(self._orders)))
        for order_no in chosen:
            self.move(order_no, at=at)
        return chosen

    def refund(
        self, order_no: str, *, at: datetime, status: RefundStatus = RefundStatus.SUCCESS, amount_fen: int | None = None
    ) -> Refund:
        """Write a refund of an order's first line, of half its amount unless told otherwise; the order is touched."""
        with self._lock:
            order = self._orders[order_no]
            lines = order.lines or ()
            whole = (lines[0].paid_fen if lines else order.paid_fen) or 0
            goods = max(1, whole // 2) if amount_fen is None else amount_fen
            refund = Refund(
                platform=self.platform,
                order_no=order_no,
                refund_id=f"{910_000_000_000 + len(self._refunds) + 1}",
                status=status,
                amount_fen=goods,
                goods_fen=goods,
                line_id=lines[0].line_id if lines else None,
                modified_at=at,
            )
            self._refunds[refund.refund_id] = refund
            modified = max(order.modified_at or at, at)
            self._orders[order_no] = attrs.evolve(order, modified_at=modified)
            return refund

    # -- reading -----------------------------------------------------------------------------------------------------

    def order(self, order_no: str) -> Order | None:
        """Give an order as it stands."""
        return self._orders.get(order_no)

    def refund_of(self, refund_id: str) -> Refund | None:
        """Give a refund as it stands."""
        return self._refunds.get(refund_id)

    def orders(self) -> Sequence[Order]:
        """Give all orders, the earliest change first."""
        with self._lock:
            return sorted(self._orders.values(), key=_place)

    def refunds(self, order_no: str | None = None) -> Sequence[Refund]:
        """Give all refunds, or those of one order, the earliest change first."""
        with self._lock:
            found = [each for each in self._refunds.values() if order_no in (None, each.order_no)]
        return sorted(found, key=_place)

    def orders_changed(self, since: datetime, until: datetime) -> Sequence[Order]:
        """Give the orders changed in [since, until), the earliest change first."""
        return _between(self.orders(), since, until)

    def refunds_changed(self, since: datetime, until: datetime) -> Sequence[Refund]:
        """Give the refunds changed in [since, until), the earliest change first."""
        return _between(self.refunds(), since, until)

    # -- making up ---------------------------------------------------------------------------------------------------

    def _made_up(self, place: int, changed_at: datetime) -> Order:
        chance = self._random
        order_no = self._number(place)
        status = chance.choice(_STATUSES)
        lines = tuple(
            Line(
                line_id=f"{order_no}{part}" if part else order_no,
                paid_fen=chance.randrange(1, 30_000),
                product_id=f"sku-{chance.randrange(50)}",
                quantity=chance.randrange(1, 4),
            )
            for part in range(chance.choice((1, 1, 1, 2, 3)))
        )
        shipping = chance.choice((0, 0, 0, 600, 1000))
        created_at = changed_at - timedelta(days=10)
        order = Order(
            platform=self.platform,
            order_no=order_no,
            shop_id=self.shop_id,
            buyer_id=f"buyer-{place % 997}",
            created_at=created_at,
            modified_at=changed_at,
            paid_fen=shipping + sum(line.paid_fen or 0 for line in lines),
            shipping_fen=shipping,
            lines=lines,
        )
        return _standing(order, status, changed_at)


def _standing(order: Order, status: OrderStatus, at: datetime) -> Order:
    """Give an order that stands there, with the times that belong to it."""
    paid = status is not OrderStatus.UNPAID
    finished = status is OrderStatus.FINISHED
    line = LineStatus.CLOSED_REFUNDED if status is OrderStatus.CLOSED else LineStatus(status.value)
    finished_at = (order.finished_at or at) if finished else None
    return attrs.evolve(
        order,
        status=status,
        paid_at=(order.paid_at or (order.created_at or at) + timedelta(minutes=2)) if paid else None,
        finished_at=finished_at,
        lines=tuple(attrs.evolve(each, status=line, finished_at=finished_at) for each in order.lines or ()),
    )


def _place(fact: Order | Refund) -> tuple[float, str]:
    at = fact.modified_at
    name = fact.order_no if isinstance(fact, Order) else fact.refund_id
    return (0.0 if at is None else at.timestamp(), name)


def _between(facts: Iterable[Order | Refund], since: datetime, until: datetime) -> list:  # type: ignore[type-arg]
    return [each for each in facts if each.modified_at is not None and since <= each.modified_at < until]
