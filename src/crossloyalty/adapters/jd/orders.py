"""One order of routerjson as an order; the same for lists, details and rows of the data push."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal

from crossloyalty.adapters.jd.amounts import Amounts, Disagreement, leading_number, paid_amounts
from crossloyalty.adapters.jd.settings import JdSettings
from crossloyalty.adapters.wire.reading import Node, Unreadable, redacted
from crossloyalty.adapters.wire.values import Doubtful
from crossloyalty.domain.orders import Line, LineStatus, Order, OrderKind, OrderStatus
from crossloyalty.errors import InvalidInput

__all__ = [
    "UnknownStatus",
    "doubtful",
    "line_status",
    "number_of",
    "parent_lines",
    "read_order",
    "sku_line",
    "sku_lines",
    "status_of",
    "usable_id",
]

_NUMBER: Final = re.compile(r"[0-9]{9,20}", re.ASCII)
_WORD: Final = re.compile(r"[A-Za-z_]{1,48}", re.ASCII)

# jingdong.pop.order.search, page text of 2026-08. Only FINISHED_L is complete. One integrator got pinyin words from the
# detail call.
_STATUSES: Final = {
    "NOT_PAY": OrderStatus.UNPAID,
    "WAIT_SELLER_STOCK_OUT": OrderStatus.PAID,
    "SEND_TO_DISTRIBUTION_CENER": OrderStatus.PAID,
    "DISTRIBUTION_CENTER_RECEIVED": OrderStatus.PAID,
    "WAIT_SELLER_DELIVERY": OrderStatus.PAID,
    "WAIT_SEND_CODE": OrderStatus.PAID,
    "PAUSE": OrderStatus.PAID,
    "POP_ORDER_PAUSE": OrderStatus.PAID,
    "LOCKED": OrderStatus.PAID,
    "WAIT_GOODS_RECEIVE_CONFIRM": OrderStatus.SHIPPED,
    "RECEIPTS_CONFIRM": OrderStatus.SHIPPED,
    "DELIVERY_RETURN": OrderStatus.SHIPPED,
    "FINISHED_L": OrderStatus.FINISHED,
    "TRADE_CANCELED": OrderStatus.CLOSED,
    "DengDaiChuKu": OrderStatus.PAID,
    "DengDaiFaHuo": OrderStatus.PAID,
    "ZanTing": OrderStatus.PAID,
    "DengDaiQueRenShouHuo": OrderStatus.SHIPPED,
    "PeiSongTuiHuo": OrderStatus.SHIPPED,
    "WanCheng": OrderStatus.FINISHED,
}
# A cancellation or a return is under way.
_HELD: Final = ("LOCKED", "DELIVERY_RETURN", "PeiSongTuiHuo")
_LINE_STATUSES: Final = {
    OrderStatus.UNPAID: LineStatus.UNPAID,
    OrderStatus.PAID: LineStatus.PAID,
    OrderStatus.SHIPPED: LineStatus.SHIPPED,
    OrderStatus.SIGNED: LineStatus.SIGNED,
    OrderStatus.FINISHED: LineStatus.FINISHED,
}
_COD: Final = 1
_KEPT_WORDS: Final = (
    "orderId orderType payType orderTotalPrice orderSellerPrice sellerDiscount orderPayment balanceUsed freightPrice"
    " orderState orderStartTime paymentConfirmTime orderEndTime modified itemInfoList skuId jdPrice itemTotal"
    " couponDetailList couponType couponPrice returnOrder parentOrderId directParentOrderId"
    " orderStatus createdTime modifiedTime finishedTime paymentInfo shouldPayAmount payDiscountAmount actualPayAmount"
    " freightFee paymentType paymentConfirmTime sellerTradePriceInfo totalOriginalPriceAmount totalSellerDiscountAmount"
    " totalSellerReceivableAmount skuItemInfoList num orderFlag returnOrder preSaleOrder rootOrderId"
)
_KEPT: Final = frozenset(_KEPT_WORDS.split())


class UnknownStatus(Exception):
    """A word for a state that nobody published."""


def read_order(node: Node, settings: JdSettings) -> Order | Doubtful:
    """
    Make an order of JD's.

    Args:
        node: As JD gives it.
        settings: The shop's.

    Returns:
        The order; what cannot be believed is `Doubtful` with the reason, and never raised.
    """
    try:
        return _order(node, settings)
    except UnknownStatus as error:
        return doubtful(node, "UNKNOWN_STATUS", str(error))
    except Disagreement as error:
        return doubtful(node, "AMOUNT_MISMATCH", str(error))
    except Unreadable as error:
        return doubtful(node, "UNREADABLE", str(error))
    except InvalidInput as error:
        # Behind the colon stands the value.
        return doubtful(node, "UNREADABLE", str(error).partition(":")[0])


def _order(node: Node, settings: JdSettings) -> Order:
    word = node.need_text("orderState")
    status = status_of(word, settings)
    order_no = number_of(node, "orderId")
    paid_at = node.beijing("paymentConfirmTime")
    items = node.nodes("itemInfoList")
    if not items:
        raise Unreadable(f"{node.path}.itemInfoList is missing")
    redelivery = (leading_number(node, "returnOrder") or 0) != 0
    amounts = _amounts(node, items, status, settings, paid=paid_at is not None, redelivery=redelivery)
    finished_at = node.beijing("orderEndTime") if status is OrderStatus.FINISHED else None
    of_lines = line_status(status, paid=paid_at is not None)
    buyer = usable_id(node.text("xid_buyer")) or usable_id(node.text("open_id_buyer"))
    lines = [
        Line(
            line_id=line_id,
            paid_fen=paid,
            status=of_lines,
            finished_at=finished_at,
            is_free_gift=True if item.yuan("jdPrice") == 0 else None,
            product_id=item.text("wareId"),
            quantity=item.whole("itemTotal"),
        )
        for item, paid, line_id in zip(items, amounts.lines, sku_lines(items), strict=True)
    ]
    parents = (node.text("parentOrderId"), node.text("directParentOrderId")) if settings.parent_numbers else ()
    return Order(
        platform="jd",
        order_no=order_no,
        shop_id=settings.shop_id,
        status=status,
        kind=_kind(node, redelivery=redelivery),
        buyer_id=buyer,
        buyer_scope=None if buyer is None else settings.app_key,
        created_at=node.beijing("orderStartTime"),
        paid_at=paid_at,
        finished_at=finished_at,
        modified_at=node.beijing("modified"),
        paid_fen=amounts.paid,
        shipping_fen=amounts.shipping,
        refund_open=True if word in _HELD else None,
        lines=(*lines, *parent_lines(order_no, parents, of_lines)),
    )


def _amounts(
    node: Node, items: Sequence[Node], status: OrderStatus, settings: JdSettings, *, paid: bool, redelivery: bool
) -> Amounts:
    nothing = [0] * len(items)
    # A second delivery bears the first one's figures, and nobody paid again.
    if redelivery or status is OrderStatus.UNPAID or (status is OrderStatus.CLOSED and not paid):
        return Amounts(0, 0, nothing)
    try:
        return paid_amounts(node, items, settings)
    except (Disagreement, Unreadable):
        if status is not OrderStatus.CLOSED:
            raise
        # A closed order earns nothing, whatever was paid; held back for review it would keep what it earned before.
        payment = (node.yuan("orderPayment") or 0) + (node.yuan("balanceUsed") or 0)
        return Amounts(payment, 0, [payment, *nothing[1:]])


def status_of(word: str, settings: JdSettings) -> OrderStatus:
    """
    Read the word for an order's state.

    Raises:
        UnknownStatus: Nobody published it, and the settings do not name it.
    """
    status = settings.status_words.get(word) or _STATUSES.get(word)
    if status is None:
        raise UnknownStatus(f"state of the order: {word if _WORD.fullmatch(word) else 'no word'}")
    return status


def line_status(status: OrderStatus, *, paid: bool) -> LineStatus:
    """Give the status of the items, which JD does not state apart from the order's."""
    if status is OrderStatus.CLOSED:
        return LineStatus.CLOSED_REFUNDED if paid else LineStatus.CLOSED_UNPAID
    return _LINE_STATUSES[status]


def parent_lines(order_no: str, parents: Sequence[str | None], status: LineStatus) -> Sequence[Line]:
    """
    Make the parent's number lead to this order.

    JD splits a purchase by warehouse or seller: the parent, whose number the buyer may know, disappears, and the
    children carry the money. A line of that number that cost nothing makes it one of the order's own numbers; the
    child that is read first has it.
    """
    numbers = [number for number in parents if number and number != order_no and _NUMBER.fullmatch(number)]
    return [Line(line_id=number, paid_fen=0, status=status, is_free_gift=True) for number in dict.fromkeys(numbers)]


def _kind(node: Node, *, redelivery: bool) -> OrderKind | None:
    if redelivery:
        return OrderKind.PRICE_DIFF
    return OrderKind.COD if leading_number(node, "payType") == _COD else None


def sku_lines(items: Sequence[Node]) -> Sequence[str]:
    """Name the lines after their goods; a customer's order number never looks like that."""
    seen: dict[str, int] = {}
    names = []
    for item in items:
        sku = item.need_text("skuId")
        seen[sku] = seen.get(sku, 0) + 1
        names.append(sku_line(sku) if seen[sku] == 1 else f"{sku_line(sku)}#{seen[sku]}")
    return names


def sku_line(sku: str) -> str:
    """Give the id of the line of a SKU: JD has no sub-orders, and a bare SKU number could be an order's."""
    return f"sku-{sku}"


def usable_id(text: str | None) -> str | None:
    """Give a buyer's id; a masked one is none."""
    return None if text is None or "*" in text else text


def number_of(node: Node, name: str) -> str:
    """
    Give an order's number as text.

    Raises:
        Unreadable: It is missing or no such number.
    """
    number = node.need_text(name)
    if not _NUMBER.fullmatch(number):
        raise Unreadable(f"{node.path}.{name} is no number of an order")
    return number


def doubtful(
    node: Node,
    code: Literal["AMOUNT_MISMATCH", "UNREADABLE", "UNKNOWN_STATUS"],
    detail: str,
    *,
    order_no: str = "",
    refund: tuple[str, object] | None = None,
) -> Doubtful:
    """
    Set an order or refund aside, with the figures and nothing personal.

    Args:
        node: The order or refund.
        code, detail: See `Doubtful`.
        order_no: Where it does not stand in the node itself.
        refund: The prefix and the number of a refund's id, so that the sound refund takes the doubt away.
    """
    number = order_no or _digits(node.value.get("orderId"))
    refund_no = "" if refund is None else _digits(refund[1])
    return Doubtful(
        order_no=number if _NUMBER.fullmatch(number) else "",
        refund_id=f"{refund[0]}-{refund_no}" if refund is not None and refund_no else "",
        code=code,
        detail=detail,
        payload=redacted(node.value, _KEPT),
    )


def _digits(value: object) -> str:
    text = str(value) if isinstance(value, (str, int)) else ""
    return text if text.isascii() and text.isdigit() and len(text) <= 32 else ""
