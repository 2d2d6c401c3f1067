"""The SP-API as the client uses it: its lists, single orders, an order's after-sale cases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from crossloyalty.adapters.jd import sp_calls
from crossloyalty.adapters.jd.settings import JdSettings
from crossloyalty.adapters.jd.sp_answers import fault_of, one, page_of
from crossloyalty.adapters.jd.sp_orders import read_order
from crossloyalty.adapters.jd.sp_refunds import read_service
from crossloyalty.adapters.wire.reading import Node
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.values import Answer, Call, Doubtful, Fault
from crossloyalty.domain.orders import Order, Refund

__all__ = ["SpApi"]


class SpApi:
    """
    The calls of one shop.

    Args:
        settings: The shop's.
    """

    # Refunds first: an order then meets what is open against it.
    feeds: Final = ("services", "orders")

    def __init__(self, settings: JdSettings) -> None:
        self._settings = settings

    def fault_of(self, answer: Answer, call: Call) -> Fault | None:
        """See `sp_answers.fault_of`."""
        return fault_of(answer, call)

    def page_size(self, feed: str) -> int:
        """Give the rows a page of a list has."""
        return self._settings.refund_page_size

    def page(self, feed: str, since: datetime, until: datetime, page: int, now: datetime, session: Secret) -> Call:
        """Ask for one page of a list."""
        build = sp_calls.orders_page if feed == "orders" else sp_calls.services_page
        return build(self._settings, since, until, page, now=now, session=session)

    def rows(self, feed: str, answer: Answer, call: Call) -> tuple[Sequence[Any], int | None]:
        """
        Give the rows of a page, and the number of all rows.

        Raises:
            Unreadable: It is no page.
        """
        return page_of(answer)

    def read(self, feed: str, node: Node) -> Order | Refund | Doubtful:
        """Read one row."""
        return read_order(node, self._settings) if feed == "orders" else read_service(node, self._settings)

    def detail_of(self, feed: str, node: Node) -> Callable[[datetime, Secret], Call] | None:
        """Give the call that completes a row: a case that does not state its refund is fetched by its number."""
        if feed == "orders" or "refundInfo" in node:
            return None
        number = node.text("afsOrderId")
        if number is None or not number.isascii() or not number.isdigit():
            return None
        return lambda now, session: sp_calls.service_detail(self._settings, number, now=now, session=session)

    def order(self, order_no: str, now: datetime, session: Secret) -> Call:
        """Ask for one order."""
        return sp_calls.order_detail(self._settings, order_no, now=now, session=session)

    def one(self, answer: Answer, call: Call) -> Node | None:
        """Give the order or case that was asked for; None when there is none."""
        return one(answer)

    def refunds_of(self, order_no: str) -> Sequence[tuple[str, Callable[[datetime, Secret], Call]]]:
        """Give the calls that list an order's refunds, each with the list it reads like."""
        return (
            (
                "services",
                lambda now, session: sp_calls.services_of(self._settings, order_no, 1, now=now, session=session),
            ),
        )
