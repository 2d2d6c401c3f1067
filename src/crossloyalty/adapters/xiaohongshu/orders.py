"""
One Xiaohongshu order, as the detail gives it, in our form.

Source: field table of `order.getOrderDetail`. Times are milliseconds, 0 or null where it has not happened.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from crossloyalty.adapters.wire.doubts import Disagreement
from crossloyalty.adapters.wire.reading import Node, Unreadable, redacted
from crossloyalty.adapters.wire.values import Doubtful
from crossloyalty.adapters.xiaohongshu.amounts import Amounts, amounts_of
from crossloyalty.adapters.xiaohongshu.settings import PLATFORM, XiaohongshuSettings
from crossloyalty.domain.orders import Line, Order, OrderKind, OrderStatus
from crossloyalty.errors import InvalidInput

__all__ = ["RESEND", "has_after_sale", "line_id_of", "order_no_of", "read_order"]

RESEND: Final = "exchange_resend"
_STATUSES: Final = {
    1: OrderStatus.UNPAID,
    2: OrderStatus.PAID,
    3: OrderStatus.PAID,
    4: OrderStatus.PAID,
    5: OrderStatus.PAID,
    6: OrderStatus.SHIPPED,
    7: OrderStatus.FINISHED,
    8: OrderStatus.CLOSED,
    9: OrderStatus.CLOSED,
    10: OrderStatus.SHIPPED,
}
_EXCHANGE_ASKED: Final = 10
_RESEND_TYPE: Final = 5
_KINDS: Final = {
    1: OrderKind.NORMAL,
    2: OrderKind.PRESALE,
    3: OrderKind.PRESALE,
    4: OrderKind.PRESALE,
    _RESEND_TYPE: OrderKind.NORMAL,
}
_NO_AFTER_SALE: Final = (None, 0, 1)
_GIFT: Final = 1
_NUMBER: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{3,63}", re.ASCII)
_NO_ID: Final = re.compile(r"[*#]")
_FIELDS: Final = (
    "orderId orderType orderStatus orderAfterSalesStatus cancelStatus createdTime paidTime updateTime deliveryTime"
    " cancelTime finishTime totalPayAmount totalShippingFree totalDepositAmount totalMerchantDiscount totalRedDiscount"
    " merchantActualReceiveAmount totalChangePriceAmount outPromotionAmount paymentType originalOrderId logisticsMode"
    " skuList skuId skuQuantity totalPaidAmount totalTaxAmount skuTag skuAfterSaleStatus skuDetailList quantity"
    " pricePerSku paidAmountPerSku depositAmountPerSku merchantDiscountPerSku redDiscountPerSku rawPricePerSku"
)
_SHOWN: Final = frozenset(_FIELDS.split())


def order_no_of(raw: Any) -> str:
    """Give an order's number, from the list or the detail, or "" where it cannot be read."""
    try:
        return _number(Node(raw, "order"))
    except Unreadable:
        return ""


def has_after_sale(raw: Any) -> bool:
    """Say whether an order has or had an after-sale case, so that asking for its cases makes sense."""
    try:
        return Node(raw, "order").whole("orderAfterSalesStatus") not in _NO_AFTER_SALE
    except Unreadable:
        return True


def line_id_of(sku_id: str) -> str:
    """
    Name the line of a product inside its order.

    The colon keeps it from looking like an order number: the same product stands in thousands of orders.
    """
    return f"sku:{sku_id}"


def read_order(raw: Any, settings: XiaohongshuSettings) -> Order | Doubtful:
    """
    Read one order.

    Args:
        raw: The `data` of its detail.
        settings: The shop.

    Returns:
        The order, or why it cannot be believed. A closed order is never held back: what matters of it is that it is
        closed. What is sent again for an exchange (`orderType` 5) is an order of amount 0 with the flag
        "exchange_resend".
    """
    try:
        return _read(Node(raw, "order"), settings)
    except Disagreement as error:
        return _doubtful(raw, "AMOUNT_MISMATCH", str(error))
    except Unreadable as error:
        return _doubtful(raw, "UNREADABLE", str(error))
    except InvalidInput:
        return _doubtful(raw, "UNREADABLE", "a field is longer or stranger than any order's")


def _read(node: Node, settings: XiaohongshuSettings) -> Order | Doubtful:
    number, code, order_type = _number(node), node.need_whole("orderStatus"), node.whole("orderType")
    kind = _KINDS.get(1 if order_type is None else order_type)
    if code not in _STATUSES:
        return _doubtful(node.value, "UNKNOWN_STATUS", f"order status {code}")
    if kind is None:
        return _doubtful(node.value, "UNKNOWN_STATUS", f"order type {order_type}")
    changed_at, finish_at = node.milliseconds("updateTime"), node.milliseconds("finishTime")
    status = _status(node, code, was_finished=finish_at is not None)
    tags = node.raw("orderTagList")
    is_resend = order_type == _RESEND_TYPE
    paid_at, rows = node.milliseconds("paidTime"), node.nodes("skuList")
    amounts = None
    if is_resend:
        amounts = Amounts(0, 0, 0, [0] * len(rows))
    elif status is not OrderStatus.UNPAID and (status is not OrderStatus.CLOSED or paid_at is not None):
        amounts = _amounts(node, rows, status, settings)
    return Order(
        platform=PLATFORM,
        order_no=number,
        shop_id=settings.shop_id,
        status=status,
        kind=OrderKind.SAMPLE if isinstance(tags, list) and "SAMPLE" in tags else kind,
        buyer_id=_buyer(node, settings),
        buyer_scope=settings.shop_id,
        created_at=node.milliseconds("createdTime"),
        paid_at=paid_at,
        finished_at=(finish_at or changed_at) if status is OrderStatus.FINISHED else None,
        modified_at=changed_at,
        paid_fen=None if amounts is None else amounts.paid_fen,
        shipping_fen=None if amounts is None else amounts.shipping_fen,
        subsidy_fen=None if amounts is None else amounts.subsidy_fen,
        lines=_lines(rows, amounts, is_resend=is_resend),
        flags=_flags(node, settings, is_resend=is_resend),
    )


def _status(node: Node, code: int, *, was_finished: bool) -> OrderStatus:
    if code == _EXCHANGE_ASKED and was_finished:
        # Asking for an exchange does not undo the completion; the case itself says whether anything is open.
        return OrderStatus.FINISHED
    if _STATUSES[code] is OrderStatus.FINISHED and node.whole("cancelStatus"):
        return OrderStatus.SIGNED
    return _STATUSES[code]


def _amounts(node: Node, rows: Sequence[Node], status: OrderStatus, settings: XiaohongshuSettings) -> Amounts | None:
    """Give what was paid; None where an order is closed and its figures do not agree."""
    try:
        return amounts_of(node, rows, subtract_pay_discount=settings.subtract_pay_discount)
    except (Disagreement, Unreadable):
        if status is OrderStatus.CLOSED:
            return None
        raise


def _flags(node: Node, settings: XiaohongshuSettings, *, is_resend: bool) -> tuple[str, ...] | None:
    """Give what the merchant's remark says, in the words the settings name."""
    if not is_resend and not settings.memo_flags:
        return None
    flags = {RESEND} if is_resend else set()
    remark = node.raw("sellerRemark")
    if isinstance(remark, str):
        flags |= {flag for word, flag in settings.memo_flags.items() if word in remark}
    return tuple(sorted(flags)) or None


def _lines(rows: Sequence[Node], amounts: Amounts | None, *, is_resend: bool) -> tuple[Line, ...]:
    """
    Make one line of each product.

    A product whose amount does not divide evenly by its pieces stands in several rows of one `skuId`; refunds name
    products by `skuId` alone, so these rows are one line here. Gifts stand apart.
    """
    lines: dict[str, Line] = {}
    for place, row in enumerate(rows):
        sku_id = row.need_text("skuId")
        is_gift = is_resend or row.whole("skuTag") == _GIFT
        line_id = line_id_of(sku_id) + (":gift" if is_gift else "")
        paid, pieces = None if amounts is None else amounts.rows_fen[place], row.whole("skuQuantity")
        held = lines.get(line_id)
        if held is not None:
            paid = None if paid is None or held.paid_fen is None else held.paid_fen + paid
            pieces = None if pieces is None or held.quantity is None else held.quantity + pieces
        lines[line_id] = Line(
            line_id=line_id,
            paid_fen=paid,
            is_free_gift=is_gift,
            product_id=row.text("itemId") or sku_id,
            quantity=pieces,
        )
    return tuple(lines.values())


def _buyer(node: Node, settings: XiaohongshuSettings) -> str | None:
    buyer = node.text(settings.buyer_id)
    return None if buyer is None or _NO_ID.search(buyer) else buyer


def _number(node: Node) -> str:
    number = node.need_text("orderId")
    if not _NUMBER.fullmatch(number):
        raise Unreadable(f"{node.path}.orderId is no order number")
    return number


def _doubtful(raw: Any, code: Literal["AMOUNT_MISMATCH", "UNREADABLE", "UNKNOWN_STATUS"], detail: str) -> Doubtful:
    shown = redacted(raw, _SHOWN) if isinstance(raw, Mapping) else ""
    return Doubtful(order_no=order_no_of(raw), code=code, detail=detail, payload=shown)
