"""
Refunds of routerjson: applications before shipment (in fen) and after-sale refunds (in yuan).

The two number their rows independently, so their ids carry a prefix.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from crossloyalty.adapters.jd.orders import doubtful, number_of, sku_line
from crossloyalty.adapters.jd.settings import JdSettings
from crossloyalty.adapters.wire.reading import Node, Unreadable
from crossloyalty.adapters.wire.values import Doubtful
from crossloyalty.domain.orders import Refund, RefundKind, RefundStatus
from crossloyalty.errors import InvalidInput

__all__ = ["read_application", "read_service"]

# States of an application that are on its way (jingdong.pop.afs.soa.refundapply.queryPageList): not reviewed, approved
# by the seller, approved by hand, intercepted on the road, interception failed, waiting for logistics.
_UNDER_WAY: Final = frozenset({0, 1, 5, 7, 8, 10, 11})


def read_application(node: Node, settings: JdSettings) -> Refund | Doubtful:
    """
    Make a refund of a refund application.

    Args:
        node: As JD gives it; its sum is in fen, unlike every other amount.
        settings: The shop's, with the states that mean the money is back.

    Returns:
        The refund of the whole order; a state nobody published is `Doubtful`.
    """
    named = "apply", node.value.get("id")
    try:
        state = node.need_whole("status")
        if state in settings.refunded_states:
            status = RefundStatus.SUCCESS
        elif state in settings.refused_states:
            status = RefundStatus.CLOSED
        elif state in _UNDER_WAY:
            status = RefundStatus.OPEN
        else:
            return doubtful(node, "UNKNOWN_STATUS", f"state of a refund application: {state}", refund=named)
        return Refund(
            platform="jd",
            order_no=number_of(node, "orderId"),
            refund_id=f"apply-{node.need_text('id')}",
            status=status,
            amount_fen=node.need_fen("applyRefundSum"),
            modified_at=_moment(node, "checkTime") or _moment(node, "applyTime"),
            kind=RefundKind.RETURN,
        )
    except Unreadable as error:
        return doubtful(node, "UNREADABLE", str(error), refund=named)
    except InvalidInput as error:
        return doubtful(node, "UNREADABLE", str(error).partition(":")[0], refund=named)


def read_service(node: Node, settings: JdSettings) -> Refund | Doubtful:
    """
    Make a refund of an after-sale refund.

    Args:
        node: As JD gives it; `refoundAmount` (spelled so) is in yuan.
        settings: The shop's, with the states that mean the money is back.

    Returns:
        The refund, of its item; a completed one in a state nobody published is `Doubtful`.
    """
    order_no, named = "", ("afs", node.value.get("afsRefundId"))
    try:
        bill = node.need_node("sameOrderServiceBill")
        if settings.services_named_by == "service":
            named = "afs", bill.value.get("serviceId")
        order_no = number_of(bill, "orderId")
        state = node.need_whole("status")
        completed_at = _moment(node, "completeTime")
        if state in settings.serviced_states:
            status = RefundStatus.SUCCESS
        elif state in settings.closed_service_states:
            status = RefundStatus.CLOSED
        elif completed_at is None:
            status = RefundStatus.OPEN
        else:
            detail = f"state of a completed after-sale refund: {state}"
            return doubtful(node, "UNKNOWN_STATUS", detail, order_no=order_no, refund=named)
        ware = bill.text("wareId")
        amount = node.yuan("refoundAmount")
        if amount is None and status is RefundStatus.SUCCESS:
            raise Unreadable(f"{node.path}.refoundAmount is missing")
        return Refund(
            platform="jd",
            order_no=order_no,
            refund_id=f"afs-{_service_number(node, bill, settings)}",
            status=status,
            amount_fen=amount or 0,
            line_id=None if ware is None else sku_line(ware),
            modified_at=completed_at,
            kind=RefundKind.RETURN,
        )
    except Unreadable as error:
        return doubtful(node, "UNREADABLE", str(error), order_no=order_no, refund=named)
    except InvalidInput as error:
        return doubtful(node, "UNREADABLE", str(error).partition(":")[0], order_no=order_no, refund=named)


def _service_number(node: Node, bill: Node, settings: JdSettings) -> str:
    return bill.need_text("serviceId") if settings.services_named_by == "service" else node.need_text("afsRefundId")


def _moment(node: Node, name: str) -> datetime | None:
    """Read a time as Beijing text or as milliseconds: which of the two comes is not said."""
    text = node.text(name)
    return node.milliseconds(name) if text is not None and text.isascii() and text.isdigit() else node.beijing(name)
