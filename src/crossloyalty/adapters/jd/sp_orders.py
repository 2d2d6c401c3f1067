"""One order of the SP-API as an order: amounts are numbers in yuan, times milliseconds."""

from __future__ import annotations

from collections.abc import Sequence

from crossloyalty.adapters.jd.amounts import Amounts, Disagreement, shared
from crossloyalty.adapters.jd.orders import (
    UnknownStatus,
    doubtful,
    line_status,
    number_of,
    parent_lines,
    sku_lines,
    status_of,
    usable_id,
)
from crossloyalty.adapters.jd.settings import JdSettings
from crossloyalty.adapters.wire.reading import Node, Unreadable
from crossloyalty.adapters.wire.values import Doubtful
from crossloyalty.domain.orders import Line, Order, OrderKind, OrderStatus
from crossloyalty.errors import InvalidInput

__all__ = ["read_order"]

_COD = 1


def read_order(node: Node, settings: JdSettings) -> Order | Doubtful:
    """
    Make an order of the SP-API's.

    Args:
        node: As JD gives it.
        settings: The shop's; its `status_words` name the states that are not public. A complete order has to state
            when it was completed as well.

    Returns:
        The order; what cannot be believed is `Doubtful` with the reason, and never raised.

    Source: `sp/order/v0/model` of JD's generated SDK, 2026-03. Inferred: `actualPayAmount` is what the buyer paid.
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
        return doubtful(node, "UNREADABLE", str(error).partition(":")[0])


def _order(node: Node, settings: JdSettings) -> Order:
    status = status_of(node.need_text("orderStatus"), settings)
    finished_at = node.milliseconds("finishedTime") if status is OrderStatus.FINISHED else None
    if status is OrderStatus.FINISHED and finished_at is None:
        raise UnknownStatus("complete without a time of completion")
    payment = node.need_node("paymentInfo")
    paid_at = payment.milliseconds("paymentConfirmTime")
    flags = node.node("orderFlag") or Node({}, "order.orderFlag")
    redelivery = flags.flag("returnOrder") is True
    items = node.nodes("skuItemInfoList")
    if not items:
        raise Unreadable(f"{node.path}.skuItemInfoList is missing")
    amounts = _amounts(node, payment, items, status, paid=paid_at is not None, redelivery=redelivery)
    of_lines = line_status(status, paid=paid_at is not None)
    order_no = number_of(node, "orderId")
    buyer = usable_id(node.text("xidBuyer"))
    lines = [
        Line(
            line_id=line_id,
            paid_fen=paid,
            status=of_lines,
            finished_at=finished_at,
            is_free_gift=True if item.raw("giftRefUuid") is not None or item.yuan("jdPrice") == 0 else None,
            product_id=item.text("productId"),
            quantity=item.whole("num"),
        )
        for item, paid, line_id in zip(items, amounts.lines, sku_lines(items), strict=True)
    ]
    parents = (node.text("rootOrderId"), node.text("parentOrderId")) if settings.parent_numbers else ()
    return Order(
        platform="jd",
        order_no=order_no,
        shop_id=settings.shop_id,
        status=status,
        kind=_kind(payment, flags, redelivery=redelivery),
        buyer_id=buyer,
        buyer_scope=None if buyer is None else settings.app_key,
        created_at=node.milliseconds("createdTime"),
        paid_at=paid_at,
        finished_at=finished_at,
        modified_at=node.milliseconds("modifiedTime"),
        paid_fen=amounts.paid,
        shipping_fen=amounts.shipping,
        lines=(*lines, *parent_lines(order_no, parents, of_lines)),
    )


def _amounts(
    node: Node, payment: Node, items: Sequence[Node], status: OrderStatus, *, paid: bool, redelivery: bool
) -> Amounts:
    nothing = [0] * len(items)
    if redelivery or status is OrderStatus.UNPAID or (status is OrderStatus.CLOSED and not paid):
        return Amounts(0, 0, nothing)
    actual = payment.need_yuan("actualPayAmount")
    try:
        return _agreeing(node, payment, items, actual)
    except (Disagreement, Unreadable):
        if status is not OrderStatus.CLOSED:
            raise
        return Amounts(actual, 0, [actual, *nothing[1:]])


def _agreeing(node: Node, payment: Node, items: Sequence[Node], actual: int) -> Amounts:
    """
    Share the payment by price, once it is no more than the goods less the seller's discount, and freight.

    What the kinds of `paymentDetailList` mean is not public, so its shares are not used.
    """
    freight = payment.yuan("freightFee") or 0
    trade = node.need_node("sellerTradePriceInfo")
    total = trade.need_yuan("totalOriginalPriceAmount")
    discount = trade.yuan("totalSellerDiscountAmount") or 0
    # A gift row bears the price of what is given away.
    prices = [
        0 if item.raw("giftRefUuid") is not None else item.need_yuan("jdPrice") * item.need_whole("num")
        for item in items
    ]
    figures = f"goods {total}, items {'+'.join(map(str, prices))}, seller's discount {discount}, freight {freight},"
    figures += f" payment {actual} fen"
    if sum(prices) != total or actual > total - discount + freight:
        raise Disagreement(figures)
    return shared(actual, freight, prices, figures)


def _kind(payment: Node, flags: Node, *, redelivery: bool) -> OrderKind | None:
    if redelivery:
        return OrderKind.PRICE_DIFF
    if flags.flag("preSaleOrder"):
        return OrderKind.PRESALE
    return OrderKind.COD if payment.whole("paymentType") == _COD else None
