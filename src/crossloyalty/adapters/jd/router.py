"""The documented gateway (routerjson) as the client uses it: its lists, single orders, an order's refunds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from crossloyalty.adapters.jd import calls
from crossloyalty.adapters.jd.answers import fault_of, inner, payload
from crossloyalty.adapters.jd.orders import read_order
from crossloyalty.adapters.jd.refunds import read_application, read_service
from crossloyalty.adapters.jd.settings import JdSettings
from crossloyalty.adapters.wire.reading import Node, Unreadable
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.values import Answer, Call, Doubtful, Fault
from crossloyalty.domain.orders import Order, Refund

__all__ = ["Router"]

_REFUNDS: Final = ("applications", "application_reviews", "services")
# Name of the list, and of the number of all rows beside it.
_LISTS: Final = {
    "orders": ("orderInfoList", "orderTotal"),
    "applications": ("result", "totalCount"),
    "application_reviews": ("result", "totalCount"),
    "services": ("data", "totalCount"),
}


class Router:
    """
    The calls of one shop.

    Args:
        settings: The shop's.
    """

    # Refunds first: an order then meets what is open against it.
    feeds: Final = (*_REFUNDS, "orders")

    def __init__(self, settings: JdSettings) -> None:
        self._settings = settings

    def fault_of(self, answer: Answer, call: Call) -> Fault | None:
        """See `answers.fault_of`."""
        return fault_of(answer, call)

    def page_size(self, feed: str) -> int:
        """Give the rows a page of a list has."""
        return self._settings.page_size if feed == "orders" else self._settings.refund_page_size

    def page(self, feed: str, since: datetime, until: datetime, page: int, now: datetime, session: Secret) -> Call:
        """Ask for one page of a list."""
        settings = self._settings
        if feed == "orders":
            return calls.orders_page(settings, since, until, page, now=now, session=session)
        if feed == "services":
            return calls.services_page(settings, since, until, page, now=now, session=session)
        reviewed = feed == "application_reviews"
        return calls.applications_page(settings, since, until, page, reviewed=reviewed, now=now, session=session)

    def rows(self, feed: str, answer: Answer, call: Call) -> tuple[Sequence[Any], int | None]:
        """
        Give the rows of a page, and the number of all rows.

        Raises:
            Unreadable: It is no page.
        """
        names = _LISTS[feed]
        node = inner(payload(answer, call), *names)
        if node is None:
            raise Unreadable("the answer holds no list")
        value = node.raw(names[0])
        if value is not None and not isinstance(value, list):
            raise Unreadable("the list is none")
        return value or (), node.whole(names[1])

    def read(self, feed: str, node: Node) -> Order | Refund | Doubtful:
        """Read one row."""
        if feed == "orders":
            return read_order(node, self._settings)
        return (read_service if feed == "services" else read_application)(node, self._settings)

    def detail_of(self, feed: str, node: Node) -> Callable[[datetime, Secret], Call] | None:
        """Give the call that completes a row; rows here are complete."""
        return None

    def order(self, order_no: str, now: datetime, session: Secret) -> Call:
        """Ask for one order."""
        return calls.order_detail(self._settings, order_no, now=now, session=session)

    def one(self, answer: Answer, call: Call) -> Node | None:
        """Give the order that was asked for; None when there is none."""
        node = inner(payload(answer, call), "orderInfo")
        return None if node is None else node.node("orderInfo")

    def refunds_of(self, order_no: str) -> Sequence[tuple[str, Callable[[datetime, Secret], Call]]]:
        """Give the calls that list an order's refunds, each with the list it reads like."""
        settings = self._settings
        return (
            ("applications", lambda now, session: calls.applications_of(settings, order_no, now=now, session=session)),
            ("services", lambda now, session: calls.services_of(settings, order_no, now=now, session=session)),
        )
