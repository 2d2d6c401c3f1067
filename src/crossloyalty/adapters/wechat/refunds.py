"""
One after-sale case of a Weixin shop as a `Refund`.

Source: after-sale detail and the list of after-sale states. Which states are over is the platform's own list (order
search: what does not count as 正在售后): USER_CANCELD, MERCHANT_FAIL, MERCHANT_REFUND_RETRY_FAIL and the two successes;
a case the merchant has rejected is not over, because the buyer may still answer.
"""

from __future__ import annotations

from typing import Final

from crossloyalty.adapters.wechat.answers import opened
from crossloyalty.adapters.wechat.orders import line_id
from crossloyalty.adapters.wechat.settings import PLATFORM
from crossloyalty.adapters.wire.doubts import UnknownStatus, or_doubtful
from crossloyalty.adapters.wire.reading import Node, Unreadable
from crossloyalty.adapters.wire.values import Answer, Doubtful, Facts
from crossloyalty.domain.orders import Refund, RefundKind, RefundStatus

__all__ = ["read_refund", "read_refund_answer"]

_OPEN: Final = (
    "MERCHANT_PROCESSING MERCHANT_REJECT_REFUND MERCHANT_REJECT_RETURN USER_WAIT_RETURN MERCHANT_WAIT_RECEIPT "
    "MERCHANT_OVERDUE_REFUND PLATFORM_REFUNDING PLATFORM_REFUND_FAIL USER_WAIT_CONFIRM USER_WAIT_CONFIRM_UPDATE "
    "USER_WAIT_HANDLE_MERCHANT_AFTER_SALE WAIT_PACKAGE_INTERCEPT MERCHANT_REJECT_EXCHANGE MERCHANT_REJECT_RESHIP "
    "USER_WAIT_RECEIPT"
)
_STATUSES: Final = {
    **dict.fromkeys(_OPEN.split(), RefundStatus.OPEN),
    "USER_CANCELD": RefundStatus.CLOSED,
    "USER_CANCELLED": RefundStatus.CLOSED,
    "RETURN_CLOSED": RefundStatus.CLOSED,
    "MERCHANT_FAIL": RefundStatus.CLOSED,
    # The merchant's money did not get through and customer service has closed the case.
    "MERCHANT_REFUND_RETRY_FAIL": RefundStatus.PAYOUT_FAILED,
    "MERCHANT_REFUND_SUCCESS": RefundStatus.SUCCESS,
    "MERCHANT_RETURN_SUCCESS": RefundStatus.SUCCESS,
    "MERCHANT_EXCHANGE_SUCCESS": RefundStatus.SUCCESS,
}
_EXCHANGED: Final = "MERCHANT_EXCHANGE_SUCCESS"
_KINDS: Final = {"REFUND": None, "RETURN": RefundKind.RETURN, "EXCHANGE": RefundKind.EXCHANGE}

_NOT_PERSONAL: Final = (
    "after_sale_order_id status order_id type create_time update_time product_info product_id sku_id count "
    "refund_info amount refund_reason"
)
_ALLOWED: Final = frozenset(_NOT_PERSONAL.split())


def read_refund_answer(answer: Answer, refund_id: str) -> Facts:
    """
    Read the answer to an after-sale detail.

    Args:
        answer: A good answer.
        refund_id: The case that was asked for; another one in the answer is a doubt.
    """
    try:
        raw = opened(answer).need_node("after_sale_order")
        if raw.text("after_sale_order_id") != refund_id:
            raise Unreadable("after_sale_order.after_sale_order_id is not the one asked for")
    except Unreadable as error:
        doubt = Doubtful(order_no="", refund_id=refund_id, code="UNREADABLE", detail=str(error))
        return Facts(doubtful=(doubt,), seen=1)
    read = read_refund(raw)
    return Facts(doubtful=(read,), seen=1) if isinstance(read, Doubtful) else Facts(items=(read,), seen=1)


def read_refund(raw: Node) -> Refund | Doubtful:
    """
    Read one after-sale case.

    Args:
        raw: The `after_sale_order` object.

    Returns:
        The refund; `Doubtful` when it cannot be read or its state is not known. A doubt of a refund holds an issue back
        and moves no money.
    """
    number, refund_id = raw.value.get("order_id"), raw.value.get("after_sale_order_id")
    return or_doubtful(lambda: _read(raw), raw.value, number, _ALLOWED, refund_id=refund_id)


def _read(raw: Node) -> Refund:
    word = raw.need_text("status")
    status = _STATUSES.get(word)
    if status is None:
        raise UnknownStatus("the state of an after-sale case is not known")
    money = raw.node("refund_info")
    amount = None if money is None else money.fen("amount")
    kind = _KINDS.get(raw.text("type") or "")
    if word == _EXCHANGED:
        # Goods against goods: no money goes back, whatever figure stands there.
        kind, amount = RefundKind.EXCHANGE, 0
    elif amount is None:
        if status is RefundStatus.SUCCESS:
            raise Unreadable(f"{raw.path}.refund_info.amount is missing")
        amount = 0
    elif status is RefundStatus.SUCCESS and kind is RefundKind.EXCHANGE:
        kind = RefundKind.RETURN  # an exchange that ended with money back
    product = raw.node("product_info")
    product_id = None if product is None else product.text("product_id")
    sku_id = None if product is None else product.text("sku_id")
    return Refund(
        platform=PLATFORM,
        order_no=raw.need_text("order_id"),
        refund_id=raw.need_text("after_sale_order_id"),
        status=status,
        amount_fen=amount,
        line_id=None if product_id is None or sku_id is None else line_id(product_id, sku_id),
        modified_at=raw.seconds("update_time"),
        kind=kind,
    )
