"""One after-sale case of the SP-API as a refund."""

from __future__ import annotations

from typing import Final

from crossloyalty.adapters.jd.orders import doubtful, number_of, sku_line
from crossloyalty.adapters.jd.settings import JdSettings
from crossloyalty.adapters.wire.reading import Node, Unreadable
from crossloyalty.adapters.wire.values import Doubtful
from crossloyalty.domain.orders import Refund, RefundKind, RefundStatus
from crossloyalty.errors import InvalidInput

__all__ = ["read_service"]

# Integrators: refund status 20 is "refunded"; main status 100 is "closed", which proves no refund.
_REFUNDED: Final = 20
_OVER: Final = 100


def read_service(node: Node, settings: JdSettings) -> Refund | Doubtful:
    """
    Make a refund of an after-sale case.

    Args:
        node: As the detail call gives it.
        settings: The shop's.

    Returns:
        The refund: successful when the refund's own status says so, closed when the case is over without, open
        otherwise. It belongs to its item when the case is about one only.
    """
    named = "afs", node.value.get("afsOrderId")
    try:
        about = node.need_node("afsOrderStatusInfo")
        money = node.node("refundInfo") or Node({}, "data.refundInfo")
        if money.whole("refundStatus") == _REFUNDED:
            status = RefundStatus.SUCCESS
        else:
            status = RefundStatus.CLOSED if about.whole("mainStatus") == _OVER else RefundStatus.OPEN
        amount = money.yuan("actualRefundAmount")
        if amount is None:
            detail = money.node("actualRefundDetail")
            amount = None if detail is None else detail.yuan("actualRefundAmount")
        if amount is None and status is RefundStatus.SUCCESS:
            raise Unreadable(f"{node.path}.refundInfo.actualRefundAmount is missing")
        skus = {sku.need_text("skuId") for sku in node.nodes("skuInfoList")}
        base = node.node("afsOrderBaseInfo") or Node({}, "data.afsOrderBaseInfo")
        return Refund(
            platform="jd",
            order_no=number_of(node, "orderId"),
            refund_id=f"afs-{node.need_text('afsOrderId')}",
            status=status,
            amount_fen=amount or 0,
            line_id=sku_line(skus.pop()) if len(skus) == 1 else None,
            modified_at=base.milliseconds("modifiedTime"),
            kind=RefundKind.RETURN,
        )
    except Unreadable as error:
        return doubtful(node, "UNREADABLE", str(error), refund=named)
    except InvalidInput as error:
        return doubtful(node, "UNREADABLE", str(error).partition(":")[0], refund=named)
