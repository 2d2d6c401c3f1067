"""
One Kuaishou after-sale case in our form.

Source: field tables of `open.seller.order.refund.pcursor.list` and `….refund.detail`. `refundFee` is what the merchant
side gives back with the platform's subsidy in it, so it can be more than the buyer paid.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from crossloyalty.adapters.kuaishou.amounts import amounts_of
from crossloyalty.adapters.kuaishou.settings import PLATFORM, KuaishouSettings
from crossloyalty.adapters.wire.doubts import Disagreement
from crossloyalty.adapters.wire.reading import Node, Unreadable, redacted
from crossloyalty.adapters.wire.values import Doubtful
from crossloyalty.domain.orders import Refund, RefundKind, RefundStatus
from crossloyalty.errors import InvalidInput

__all__ = ["is_over", "read_refund", "refund_id_of"]

_OPEN: Final = frozenset({10, 11, 20, 21, 22, 30, 40, 45, 50})
_SUCCESS: Final = 60
_CLOSED: Final = 70
_GOODS_ONLY: Final = frozenset({3, 4, 5})
_PRICE_PROTECTION: Final = 1
_NUMBER: Final = re.compile(r"[0-9]{8,24}", re.ASCII)
_FIELDS: Final = (
    "refundId oid skuId itemId handlingWay status negotiateStatus refundFee refundType specialRefundType createTime"
    " submitTime updateTime endTime productNum"
)
_SHOWN: Final = frozenset(_FIELDS.split())


def refund_id_of(raw: Any) -> str:
    """Give a refund's number, or "" where it cannot be read."""
    try:
        return _number(Node(raw, "refund"), "refundId")
    except Unreadable:
        return ""


def is_over(raw: Any) -> bool:
    """Say whether money went back, so that its detail (price protection or not) is worth asking for."""
    try:
        return Node(raw, "refund").whole("status") == _SUCCESS
    except Unreadable:
        return False


def read_refund(raw: Any, fee: Any, settings: KuaishouSettings) -> Refund | Doubtful:
    """
    Read one after-sale case.

    Args:
        raw: An element of `refundOrderInfoList`, or the `data` of the detail.
        fee: The `data` of its order's fee detail, to take the subsidy's share out of the refund; None: unknown.
        settings: The shop.

    Returns:
        The refund, or why it cannot be believed. What only moves goods (exchange 换货, resend 补寄, repair 维修) is
        one of amount 0: it holds an order back while it is open and takes nothing back when it is over (D31).
    """
    try:
        return _read(Node(raw, "refund"), fee, settings)
    except Unreadable as error:
        return _doubtful(raw, "UNREADABLE", str(error))
    except InvalidInput:
        return _doubtful(raw, "UNREADABLE", "a field is longer or stranger than any refund's")


def _read(node: Node, fee: Any, settings: KuaishouSettings) -> Refund | Doubtful:
    refund_id, order_no = _number(node, "refundId"), _number(node, "oid")
    seller = node.text("sellerId")
    if settings.seller_id is not None and seller is not None and seller != settings.seller_id:
        raise Unreadable("refund.sellerId is another shop than the one authorised")
    code, way = node.need_whole("status"), node.whole("handlingWay")
    if code in _OPEN:
        status = RefundStatus.OPEN
    elif code == _SUCCESS:
        status = RefundStatus.SUCCESS
    elif code == _CLOSED:
        # The opposite of an order's 70.
        status = RefundStatus.CLOSED
    else:
        return _doubtful(node.value, "UNKNOWN_STATUS", f"refund status {code}")
    goods_only = way in _GOODS_ONLY
    amount = 0 if goods_only else node.need_fen("refundFee")
    return Refund(
        platform=PLATFORM,
        order_no=order_no,
        refund_id=refund_id,
        status=status,
        amount_fen=amount,
        # Only what went back is split: an open case reads the same from the list and from its detail.
        subsidy_fen=_subsidy(amount, fee, order_no, settings) if status is RefundStatus.SUCCESS else None,
        modified_at=node.milliseconds("updateTime"),
        kind=_kind(node, goods_only=goods_only),
    )


def _kind(node: Node, *, goods_only: bool) -> RefundKind:
    if goods_only:
        return RefundKind.EXCHANGE
    special = node.whole("specialRefundType") == _PRICE_PROTECTION
    return RefundKind.PRICE_PROTECTION if special else RefundKind.RETURN


def _subsidy(amount: int, fee: Any, order_no: str, settings: KuaishouSettings) -> int | None:
    """
    Give the platform's part of a refund, rounded down so that what is left to the buyer's side is never too little.

    A refund of all the merchant received holds exactly the order's subsidy.
    """
    if fee is None or settings.refund_subsidy != "proportional":
        return None
    try:
        node = Node(fee, "fee")
        amounts = amounts_of(node)
        same_order = node.need_text("oid") == order_no
    except (Unreadable, Disagreement):
        return None
    received = amounts.paid_fen + amounts.subsidy_fen
    if not same_order or received == 0:
        return None
    return min(amounts.subsidy_fen, amount * amounts.subsidy_fen // received)


def _number(node: Node, name: str) -> str:
    number = node.need_text(name)
    if not _NUMBER.fullmatch(number):
        raise Unreadable(f"{node.path}.{name} is not a number of 8 to 24 digits")
    return number


def _doubtful(raw: Any, code: Any, detail: str) -> Doubtful:
    try:
        order_no = _number(Node(raw, "refund"), "oid")
    except Unreadable:
        order_no = ""
    shown = redacted(raw, _SHOWN) if isinstance(raw, Mapping) else ""
    return Doubtful(order_no=order_no, refund_id=refund_id_of(raw), code=code, detail=detail, payload=shown)
