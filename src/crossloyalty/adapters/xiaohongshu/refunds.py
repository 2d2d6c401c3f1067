"""
One Xiaohongshu after-sale case in our form.

Source: field tables of `afterSale.listAfterSaleInfos` and `afterSale.getAfterSaleInfo`. Amounts here are yuan, not fen
as in orders. What was really paid back, and whether it was, stands in the detail alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal

from crossloyalty.adapters.wire.reading import Node, Unreadable, redacted
from crossloyalty.adapters.wire.values import Doubtful
from crossloyalty.adapters.xiaohongshu.orders import line_id_of
from crossloyalty.adapters.xiaohongshu.settings import PLATFORM
from crossloyalty.domain.orders import Refund, RefundKind, RefundStatus
from crossloyalty.errors import InvalidInput

__all__ = ["read_refund", "refund_id_of"]

_REFUNDED: Final = 2
_REFUND_FAILED: Final = 3
_REFUND_OVER: Final = frozenset({302, 401, 402})
_REFUND_STATUSES: Final = frozenset({0, 1, 2, 3, 101, 108, 201, 301, 302, 401, 402})
_FINISHED: Final = 4
_CLOSED: Final = frozenset({5, 6, 9, 9001})
_CASES: Final = frozenset({1, 2, 3, 4, 5, 6, 9, 12, 13, 14, 9001})
_KINDS: Final = {
    1: RefundKind.RETURN,
    2: RefundKind.EXCHANGE,
    4: RefundKind.RETURN,
    5: RefundKind.RETURN,
    6: RefundKind.PRICE_PROTECTION,
}
_NUMBER: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{3,63}", re.ASCII)
_FIELDS: Final = (
    "returnsId orderId returnType status refundStatus applyTime updatedAt refundTime skus skuId appliedCount"
    " boughtCount appliedTotalAmountYuan appliedShipFeeAmountYuan appliedSkusAmountYuan expectedRefundAmountYuan"
    " refundAmountYuan"
)
_SHOWN: Final = frozenset(_FIELDS.split())


def refund_id_of(raw: Any) -> str:
    """Give a case's number, from the list or the detail, or "" where it cannot be read."""
    try:
        return _number(Node(raw, "refund"), "returnsId")
    except Unreadable:
        return ""


def read_refund(raw: Any) -> Refund | Doubtful:
    """
    Read one after-sale case.

    Args:
        raw: `afterSaleInfo` of its detail.

    Returns:
        The refund, or why it cannot be believed. An exchange (换货) is one of amount 0: it holds an order back while
        it is open and takes nothing back when it is over (D31).
    """
    try:
        return _read(Node(raw, "refund"))
    except Unreadable as error:
        return _doubtful(raw, "UNREADABLE", str(error))
    except InvalidInput:
        return _doubtful(raw, "UNREADABLE", "a field is longer or stranger than any refund's")


def _read(node: Node) -> Refund | Doubtful:
    refund_id, order_no = _number(node, "returnsId"), _number(node, "orderId")
    case, money, return_type = node.need_whole("status"), node.whole("refundStatus"), node.need_whole("returnType")
    kind = _KINDS.get(return_type)
    if kind is None:
        return _doubtful(node.value, "UNKNOWN_STATUS", f"after-sale type {return_type}")
    if case not in _CASES or (money or 0) not in _REFUND_STATUSES:
        return _doubtful(node.value, "UNKNOWN_STATUS", f"after-sale status {case}, refund status {money}")
    is_exchange = kind is RefundKind.EXCHANGE
    status = _exchange_status(case) if is_exchange else _status(case, money)
    amount, goods, shipping = (0, None, None) if is_exchange else _amounts(node, status)
    return Refund(
        platform=PLATFORM,
        order_no=order_no,
        refund_id=refund_id,
        status=status,
        amount_fen=amount,
        line_id=_line(node),
        goods_fen=goods,
        shipping_fen=shipping,
        modified_at=node.milliseconds("updatedAt") or _either(node, "refundTime"),
        kind=kind,
    )


def _status(case: int, money: int | None) -> RefundStatus:
    """
    Say where a case about money stands.

    Only `refundStatus` says that money went back. A case that is finished while the money has not moved yet is open;
    one whose payment failed is open too, because somebody has to pay it another way.
    """
    if money == _REFUNDED:
        return RefundStatus.SUCCESS
    if case in _CLOSED or money in _REFUND_OVER:
        return RefundStatus.CLOSED
    if case == _FINISHED and money is None:
        raise Unreadable("refund.refundStatus is missing")
    return RefundStatus.OPEN


def _exchange_status(case: int) -> RefundStatus:
    if case == _FINISHED:
        return RefundStatus.SUCCESS
    return RefundStatus.CLOSED if case in _CLOSED else RefundStatus.OPEN


def _amounts(node: Node, status: RefundStatus) -> tuple[int, int | None, int | None]:
    """Give the amount in fen and, of it, goods and freight as they were asked for; goods come first."""
    if status is RefundStatus.SUCCESS:
        amount = node.need_yuan("refundAmountYuan")
    else:
        amount = node.yuan("refundAmountYuan") or node.yuan("expectedRefundAmountYuan") or 0
    goods, shipping = node.yuan("appliedSkusAmountYuan"), node.yuan("appliedShipFeeAmountYuan")
    if goods is None or shipping is None:
        return amount, None, None
    goods = min(goods, amount)
    return amount, goods, min(shipping, amount - goods)


def _line(node: Node) -> str | None:
    """Name the line of a case about one product; a case about several belongs to the whole order."""
    products = {row.need_text("skuId") for row in node.nodes("skus")}
    return line_id_of(products.pop()) if len(products) == 1 else None


def _either(node: Node, name: str) -> datetime | None:
    """Read a moment whose unit is not documented: what is too large for seconds is milliseconds."""
    value = node.whole(name)
    return node.milliseconds(name) if value is not None and value > 99_999_999_999 else node.seconds(name)


def _number(node: Node, name: str) -> str:
    number = node.need_text(name)
    if not _NUMBER.fullmatch(number):
        raise Unreadable(f"{node.path}.{name} is no number of the platform's")
    return number


def _doubtful(raw: Any, code: Literal["UNREADABLE", "UNKNOWN_STATUS"], detail: str) -> Doubtful:
    try:
        order_no = _number(Node(raw, "refund"), "orderId")
    except Unreadable:
        order_no = ""
    shown = redacted(raw, _SHOWN) if isinstance(raw, Mapping) else ""
    return Doubtful(order_no=order_no, refund_id=refund_id_of(raw), code=code, detail=detail, payload=shown)
