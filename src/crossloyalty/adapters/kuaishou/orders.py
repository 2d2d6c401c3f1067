"""
One Kuaishou order, as the list and the detail give it, in our form.

Source: field table of `open.order.detail`. Amounts are fen, times milliseconds, 0 where it has not happened. An order
holds one product; gifts hang on it as sub-orders with numbers of their own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

from crossloyalty.adapters.kuaishou.amounts import (
    Amounts,
    amounts_of,
    approximate_amounts,
    extra_discounts_of,
)
from crossloyalty.adapters.kuaishou.settings import PLATFORM, KuaishouSettings
from crossloyalty.adapters.wire.doubts import Disagreement
from crossloyalty.adapters.wire.reading import Node, Unreadable, redacted
from crossloyalty.adapters.wire.values import Doubtful
from crossloyalty.domain.orders import Line, LineStatus, Order, OrderKind, OrderStatus
from crossloyalty.errors import InvalidInput

__all__ = ["APPROXIMATE", "order_no_of", "read_order", "refund_ids_of", "wants_fee"]

APPROXIMATE: Final = "amount_approximate"
_STATUSES: Final = {
    10: OrderStatus.UNPAID,
    30: OrderStatus.PAID,
    40: OrderStatus.SHIPPED,
    50: OrderStatus.SIGNED,
    70: OrderStatus.FINISHED,
    80: OrderStatus.CLOSED,
}
_LOTTERIES: Final = frozenset({2, 5})
_DEPOSIT_PRESALE: Final = 6
_GIFT: Final = 2
_DEEPEST_NOTE: Final = 4
_STEP_PAID: Final = 30
_NUMBER: Final = re.compile(r"[0-9]{8,24}", re.ASCII)
# Cipher texts and masked texts of the platform: never somebody's id.
_NO_ID: Final = re.compile(r"[*#$~]")
_FIELDS: Final = (
    "order fee orderBaseInfo oid status createTime payTime sendTime recvTime refundTime updateTime totalFee discountFee"
    " expressFee payType cpsType allActivityType preSale payChannelDiscount governmentDiscount allowanceExpressFee"
    " tradeInPayAfterPromoAmount orderItemInfo itemId skuId num originalPrice price orderRefundList refundId"
    " refundStatus orderStepInfo paymentFee subOrderInfo subOrderType platformBearAmount merchantBearAmount"
    " platformAllowance sellerRecv buyerPay marketingInfoOuters type subType bearInfoList bearer bearAmount"
)
_SHOWN: Final = frozenset(_FIELDS.split())


def order_no_of(raw: Any) -> str:
    """Give an order's number, or "" where even that cannot be read."""
    try:
        return _number(Node(raw, "order").need_node("orderBaseInfo"), "oid")
    except Unreadable:
        return ""


def wants_fee(raw: Any) -> bool:
    """Say whether an order was paid, so that asking for its fee detail makes sense."""
    try:
        base = Node(raw, "order").need_node("orderBaseInfo")
        return base.whole("status") in _STATUSES and base.milliseconds("payTime") is not None
    except Unreadable:
        return False


def refund_ids_of(raw: Any) -> tuple[str, ...]:
    """Give the refunds an order names, newest first; none where they cannot be read."""
    try:
        each = Node(raw, "order").nodes("orderRefundList")
        return tuple(_number(refund, "refundId") for refund in each)
    except Unreadable:
        return ()


def read_order(raw: Any, fee: Any, settings: KuaishouSettings) -> Order | Doubtful:
    """
    Read one order.

    Args:
        raw: An element of `orderList`, or the `data` of the detail.
        fee: The `data` of its fee detail; None when it was not asked for.
        settings: The shop.

    Returns:
        The order, or why it cannot be believed. A closed order is never held back: what matters of it is that it is
        closed.
    """
    try:
        return _read(Node(raw, "order"), None if fee is None else Node(fee, "fee"), settings)
    except Disagreement as error:
        return _doubtful(raw, fee, "AMOUNT_MISMATCH", str(error))
    except Unreadable as error:
        return _doubtful(raw, fee, "UNREADABLE", str(error))
    except InvalidInput:
        return _doubtful(raw, fee, "UNREADABLE", "a field is longer or stranger than any order's")


def _read(node: Node, fee: Node | None, settings: KuaishouSettings) -> Order | Doubtful:
    base, item = node.need_node("orderBaseInfo"), node.need_node("orderItemInfo")
    number, code = _number(base, "oid"), base.need_whole("status")
    status = _STATUSES.get(code)
    if status is None:
        return _doubtful(node.value, None, "UNKNOWN_STATUS", f"order status {code}")
    seller = base.text("sellerOpenId")
    if settings.check_seller and seller is not None and seller != settings.shop_id:
        raise Unreadable("order.orderBaseInfo.sellerOpenId is another shop than the one authorised")
    paid_at, changed_at = base.milliseconds("payTime"), base.milliseconds("updateTime")
    kind = _kind(base, node)
    amounts = _amounts(node, base, item, fee, status, settings)
    finished = status is OrderStatus.FINISHED
    finished_at = (base.milliseconds("recvTime") or changed_at) if finished else None
    return Order(
        platform=PLATFORM,
        order_no=number,
        shop_id=settings.shop_id,
        status=status,
        kind=kind,
        buyer_id=_buyer(base),
        buyer_scope=settings.buyer_scope,
        created_at=base.milliseconds("createTime"),
        paid_at=paid_at,
        finished_at=finished_at,
        modified_at=changed_at,
        paid_fen=None if amounts is None else amounts.paid_fen,
        shipping_fen=None if amounts is None else amounts.shipping_fen,
        subsidy_fen=None if amounts is None else amounts.subsidy_fen,
        lines=_lines(node, item, number, amounts, _line_status(status, was_paid=paid_at is not None)),
        flags=_flags(node, settings, is_approximate=amounts is not None and fee is None),
    )


def _amounts(
    node: Node, base: Node, item: Node, fee: Node | None, status: OrderStatus, settings: KuaishouSettings
) -> Amounts | None:
    """Give what was paid; None where nothing was paid yet or nobody asked."""
    if base.milliseconds("payTime") is None:
        if status.rank > OrderStatus.UNPAID.rank and status is not OrderStatus.CLOSED:
            raise Unreadable("order.orderBaseInfo.payTime is missing")
        return None
    try:
        if fee is None:
            return approximate_amounts(base, item) if settings.amounts == "approximate" else None
        if _number(fee, "oid") != _number(base, "oid"):
            raise Disagreement("the fee detail is that of another order")
        amounts = amounts_of(fee)
        extra = extra_discounts_of(base)
        if extra and settings.extra_discounts == "review":
            raise Disagreement(f"discounts that buyerPay may not have left out: {', '.join(extra)}")
        _check_steps(node, amounts)
    except (Disagreement, Unreadable):
        if status is OrderStatus.CLOSED:
            return None
        raise
    return amounts


def _check_steps(node: Node, amounts: Amounts) -> None:
    """Compare the two payments of a deposit presale, where they can be read, with what was paid in all (D30)."""
    steps = node.raw("orderStepInfo")
    if isinstance(steps, Mapping):
        steps = next((each for each in steps.values() if isinstance(each, list)), [steps])
    if not isinstance(steps, list):
        return
    paid = [Node(each, "order.orderStepInfo") for each in steps if isinstance(each, Mapping)]
    paid = [each for each in paid if each.whole("status") == _STEP_PAID]
    total = sum(each.fen("paymentFee") or 0 for each in paid)
    if paid and total != amounts.paid_fen:
        raise Disagreement(f"buyerPay {amounts.paid_fen} is not the {total} of deposit and rest together")


def _kind(base: Node, node: Node) -> OrderKind:
    activities = base.raw("allActivityType")
    kinds = {each for each in activities if type(each) is int} if isinstance(activities, list) else set()
    if kinds & _LOTTERIES:
        return OrderKind.LOTTERY
    if _DEPOSIT_PRESALE in kinds or base.raw("preSale") in (True, 1, "1", "true") or node.raw("orderStepInfo"):
        return OrderKind.PRESALE
    return OrderKind.NORMAL


def _flags(node: Node, settings: KuaishouSettings, *, is_approximate: bool) -> tuple[str, ...] | None:
    """Give what the merchant's note says, in the words the settings name; its form is not described, so all of it."""
    flags = {APPROXIMATE} if is_approximate else set()
    if settings.memo_flags:
        note = "\n".join(_texts(node.raw("orderNote"), _DEEPEST_NOTE))
        flags |= {flag for word, flag in settings.memo_flags.items() if word in note}
    return tuple(sorted(flags)) or None


def _texts(value: Any, depth: int) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return [text for each in inner for text in _texts(each, depth - 1)] if depth else []


def _lines(node: Node, item: Node, number: str, amounts: Amounts | None, status: LineStatus) -> tuple[Line, ...]:
    pieces = item.whole("num")
    lines = [
        Line(
            line_id=number,
            paid_fen=None if amounts is None else amounts.goods_fen,
            status=status,
            product_id=item.text("itemId"),
            quantity=pieces,
        )
    ]
    for gift in node.nodes("subOrderInfo"):
        if gift.whole("subOrderType") == _GIFT and gift.text("oid") not in (None, number):
            # Without amounts on the order a line with one would say that all of it was free.
            free = None if amounts is None else 0
            lines.append(Line(line_id=_number(gift, "oid"), paid_fen=free, status=status, is_free_gift=True))
    return tuple(lines)


def _line_status(status: OrderStatus, *, was_paid: bool) -> LineStatus:
    if status is OrderStatus.CLOSED:
        return LineStatus.CLOSED_REFUNDED if was_paid else LineStatus.CLOSED_UNPAID
    return LineStatus[status.value]


def _buyer(base: Node) -> str | None:
    buyer = base.text("buyerOpenId")
    return None if buyer is None or _NO_ID.search(buyer) else buyer


def _number(node: Node, name: str) -> str:
    number = node.need_text(name)
    if not _NUMBER.fullmatch(number):
        raise Unreadable(f"{node.path}.{name} is not a number of 8 to 24 digits")
    return number


def _doubtful(
    raw: Any, fee: Any, code: Literal["AMOUNT_MISMATCH", "UNREADABLE", "UNKNOWN_STATUS"], detail: str
) -> Doubtful:
    told = {name: each for name, each in (("order", raw), ("fee", fee)) if isinstance(each, Mapping)}
    shown = redacted(told, _SHOWN)
    return Doubtful(order_no=order_no_of(raw), code=code, detail=detail, payload=shown)
