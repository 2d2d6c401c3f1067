"""
One Youzan order as an `Order`, or as a doubt when its figures do not agree.

Source: youzan.trades.sold.get 4.0.4, youzan.trade.get 4.0.2 (full_order_info), FAQ 29773 for the amounts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from crossloyalty.adapters.wire.reading import Node, Unreadable, redacted, yuan_to_fen
from crossloyalty.adapters.wire.values import Doubtful
from crossloyalty.adapters.youzan.settings import PLATFORM, YouzanSettings
from crossloyalty.domain.numbers import largest_remainder
from crossloyalty.domain.orders import Line, LineStatus, Order, OrderKind, OrderStatus
from crossloyalty.errors import InvalidInput

__all__ = ["read_order", "read_row", "refund_lines"]

_STATUSES: Final = {
    "WAIT_BUYER_PAY": OrderStatus.UNPAID,
    "TRADE_PAID": OrderStatus.PAID,
    "WAIT_CONFIRM": OrderStatus.PAID,
    "WAIT_SELLER_SEND_GOODS": OrderStatus.PAID,
    "WAIT_BUYER_CONFIRM_GOODS": OrderStatus.SHIPPED,
    "TRADE_SUCCESS": OrderStatus.FINISHED,
    "TRADE_CLOSED": OrderStatus.CLOSED,
}
# Types come as words or as numbers, depending on the interface. What is no sale of goods to a customer (a purchase by
# a distributor, a deposit, a gift card, which earns when it is spent, not when it is bought) counts as PRICE_DIFF.
_KINDS: Final[Mapping[str, OrderKind | None]] = {
    **dict.fromkeys(("0", "NORMAL", "2", "PEERPAY", "5", "WISH", "6", "QRCODE", "15", "REBATE", "35", "HOTEL")),
    **dict.fromkeys(("40", "TAKE_AWAY", "41", "CATERING_OFFLINE", "46", "CATERING_QRCODE", "51", "FX_QUANYUANDIAN")),
    **dict.fromkeys(("61", "QRCODE_3RD", "71", "BEAUTY_APPOINTMENT", "72", "BEAUTY_SERVICE", "75", "KNOWLEDGE_PAY")),
    **dict.fromkeys(("100", "PF")),
    **dict.fromkeys(("1", "GIFT"), OrderKind.GIFT),
    **dict.fromkeys(("4", "PRESENT", "8", "VERIFIED", "9", "PINJIAN"), OrderKind.SAMPLE),
    **dict.fromkeys(("10", "GROUP"), OrderKind.GROUP),
    **dict.fromkeys(("3", "FX_CAIGOUDAN", "7", "FX_MERGED", "52", "FX_DEPOSIT"), OrderKind.PRICE_DIFF),
    **dict.fromkeys(("81", "GIFT_CARD"), OrderKind.PRICE_DIFF),
}
_CASH_ON_DELIVERY: Final = ("9", "CODPAY")
_REFUND_STATES: Final = {0: False, 1: True, 2: False, 11: True, 12: False}
_ALL_REFUNDED: Final = 12

_NOT_PERSONAL: Final = (
    "full_order_info order_info tid status type created update_time pay_time success_time refund_state close_type "
    "pay_type pay_info total_fee post_fee payment real_payment deduction_pay deduction_real_pay deduct_value_card_pay "
    "deduct_gift_card_pay orders oid item_id sku_id num price discount_price is_present order_promotion "
    "item_discount_fee order_discount_fee adjust_fee refund_order refund_id refund_type refund_fee oids"
)
_ALLOWED: Final = frozenset(_NOT_PERSONAL.split())


def read_row(row: Any, settings: YouzanSettings, place: str = "data") -> Order | Doubtful:
    """
    Read one element of an order list, or the data of an order detail.

    Args:
        row: Parsed JSON; `full_order_info` with `order_promotion` beside it or inside it.
        settings: The shop.
        place: Where it stands, for the message of a doubt.
    """
    try:
        return read_order(Node(row, place), settings)
    except Unreadable as error:
        return Doubtful(order_no="", code="UNREADABLE", detail=str(error))


def read_order(row: Node, settings: YouzanSettings) -> Order | Doubtful:
    """
    Read one order.

    Args:
        row: The object that holds `full_order_info`.
        settings: The shop.

    Returns:
        The order with what the buyer paid, or why it cannot be believed.
    """
    order_no = ""
    try:
        full = row.need_node("full_order_info")
        info = full.need_node("order_info")
        order_no = info.need_text("tid")
        status = _STATUSES.get(info.need_text("status"))
        kind = info.text("type") or "0"
        state = info.whole("refund_state") or 0
        if status is None or kind not in _KINDS or state not in _REFUND_STATES:
            name = "status" if status is None else "type" if kind not in _KINDS else "refund_state"
            detail = f"order_info.{name} is not one of those known"
            return Doubtful(order_no=order_no, code="UNKNOWN_STATUS", detail=detail, payload=_payload(row))
        promotion = full.node("order_promotion") or row.node("order_promotion")
        return _order(full, info, promotion, order_no, status, settings)
    except _Disagree as error:
        return Doubtful(order_no=order_no, code="AMOUNT_MISMATCH", detail=str(error), payload=_payload(row))
    except (Unreadable, InvalidInput) as error:
        # Our own check of a value names it behind the colon.
        detail = str(error).partition(": ")[0]
        return Doubtful(order_no=order_no[:64], code="UNREADABLE", detail=detail, payload=_payload(row))


def refund_lines(row: Node) -> dict[str, tuple[str, ...]]:
    """
    Say to which sub-orders each after-sale case of an order belongs.

    Args:
        row: The object that holds `full_order_info`; `refund_order` stands beside it or inside it.

    Returns:
        By the id of the case. Empty where it cannot be read: then a refund belongs to the whole order.
    """
    try:
        full = row.need_node("full_order_info")
        rows = full.nodes("refund_order") or row.nodes("refund_order")
        return {each.need_text("refund_id"): _oids(each.raw("oids")) for each in rows}
    except Unreadable:
        return {}


def _oids(value: Any) -> tuple[str, ...]:
    rows = value if isinstance(value, list) else ()
    return tuple(str(each) for each in rows if type(each) in (str, int))


class _Disagree(Exception):
    """The figures of an order do not agree; the message has both."""


class _Paid(NamedTuple):
    total_fen: int
    shipping_fen: int
    own_fen: int
    line_fen: list[int]


def _order(
    full: Node, info: Node, promotion: Node | None, order_no: str, status: OrderStatus, settings: YouzanSettings
) -> Order:
    pay = full.need_node("pay_info")
    rows = full.nodes("orders")
    paid_at = info.beijing("pay_time")
    if paid_at is None and pay.need_yuan("payment") > 0:
        # Nothing was paid so far, or only a deposit; cash on delivery comes after the goods.
        paid = _Paid(0, 0, 0, [0] * len(rows))
        status = OrderStatus.SIGNED if status is OrderStatus.FINISHED else status
    else:
        paid = _amounts(pay, rows, promotion, settings)
    state = info.whole("refund_state") or 0
    modified_at = info.beijing("update_time")
    finished_at = None
    if status is OrderStatus.FINISHED:
        # Where the time of success is missing, the last change is the latest it can have been.
        finished_at = info.beijing("success_time") or modified_at
    remarks = full.node("remark_info")
    buyer = full.node("buyer_info")
    buyer_id = None if buyer is None else buyer.text("yz_open_id")
    return Order(
        platform=PLATFORM,
        order_no=order_no,
        shop_id=settings.shop_id,
        status=status,
        kind=_kind(info, pay),
        buyer_id=None if buyer_id is None or "*" in buyer_id else buyer_id,
        created_at=info.beijing("created"),
        paid_at=paid_at,
        finished_at=finished_at,
        modified_at=modified_at,
        paid_fen=paid.total_fen,
        shipping_fen=paid.shipping_fen,
        own_value_fen=paid.own_fen or None,
        refunded_fen=paid.total_fen if state == _ALL_REFUNDED else None,
        refund_open=_REFUND_STATES[state],
        lines=_lines(rows, paid.line_fen, status, is_paid=paid_at is not None) or None,
        flags=_flags(None if remarks is None else remarks.raw("trade_memo"), settings),
    )


def _flags(memo: Any, settings: YouzanSettings) -> tuple[str, ...] | None:
    if not settings.memo_flags:
        return None
    return tuple(sorted({flag for word, flag in settings.memo_flags.items() if isinstance(memo, str) and word in memo}))


def _kind(info: Node, pay: Node) -> OrderKind | None:
    kind = _KINDS[info.text("type") or "0"]
    if kind is not None:
        return kind
    if info.text("pay_type") in _CASH_ON_DELIVERY:
        return OrderKind.COD
    return OrderKind.PRESALE if pay.raw("phase_payments") else None


def _amounts(pay: Node, rows: list[Node] | Any, promotion: Node | None, settings: YouzanSettings) -> _Paid:
    """
    Say what the buyer paid, and check it from both ends.

    payment = total_fee − (order_discount_fee + item_discount_fee) + adjust_fee + post_fee, and the payments of the
    lines come to payment, with discounts and postage shared out already. The postage is taken out of the lines again
    in proportion, by largest remainder, because the page does not say which line bears how much of it.

    What cards paid: deduction_pay (礼品卡/储值卡具体抵扣的金额), deduction_real_pay is what was left to pay
    (礼品卡/储值卡抵扣之后的订单实付金额), both in fen; both are 0 where no card was used. Cards are the merchant's own
    value.
    """
    total, post = pay.need_yuan("payment"), pay.yuan("post_fee") or 0
    each = [row.need_yuan("payment") for row in rows]
    if sum(each) != total:
        raise _Disagree(f"the lines come to {sum(each)}, but payment is {total} (fen)")
    if post > total:
        raise _Disagree(f"post_fee {post} is more than payment {total} (fen)")
    goods = pay.yuan("total_fee")
    if promotion is not None and goods is not None:
        less = (promotion.yuan("order_discount_fee") or 0) + (promotion.yuan("item_discount_fee") or 0)
        expected = goods - less + _signed(promotion, "adjust_fee") + post
        if expected != total:
            raise _Disagree(
                f"total_fee {goods} less discounts {less} plus adjust_fee and post_fee {post} is {expected}, "
                f"but payment is {total} (fen)"
            )
    own = _by_cards(pay, total)
    real = pay.yuan("real_payment")
    if settings.real_payment == "check" and real not in (None, total, total - own):
        raise _Disagree(f"real_payment is {real}, but payment is {total} and cards paid {own} (fen)")
    if not post:
        return _Paid(total, 0, own, each)
    shares = largest_remainder(post, each)
    return _Paid(total, post, own, [fen - share for fen, share in zip(each, shares, strict=True)])


def _by_cards(pay: Node, total: int) -> int:
    cards, rest = pay.fen("deduction_pay") or 0, pay.fen("deduction_real_pay") or 0
    if (cards or rest) and cards + rest != total:
        raise _Disagree(f"deduction_pay {cards} and deduction_real_pay {rest} are not payment {total} (fen)")
    kinds = [pay.fen("deduct_value_card_pay"), pay.fen("deduct_gift_card_pay")]
    if None not in kinds and sum(kind or 0 for kind in kinds) != cards:
        raise _Disagree(f"the cards come to {sum(kind or 0 for kind in kinds)}, but deduction_pay is {cards} (fen)")
    return cards


def _signed(node: Node, name: str) -> int:
    value = node.raw(name)
    if value is None:
        return 0
    try:
        return yuan_to_fen(value)
    except Unreadable as error:
        raise Unreadable(f"{node.path}.{name} {error}") from None


def _lines(rows: list[Node] | Any, line_fen: list[int], status: OrderStatus, *, is_paid: bool) -> tuple[Line, ...]:
    state = None
    if status is OrderStatus.CLOSED:
        state = LineStatus.CLOSED_REFUNDED if is_paid else LineStatus.CLOSED_UNPAID
    return tuple(
        [
            Line(
                line_id=row.need_text("oid"),
                paid_fen=fen,
                status=state,
                is_free_gift=bool(row.flag("is_present")),
                product_id=row.text("item_id"),
                quantity=row.whole("num"),
            )
            for row, fen in zip(rows, line_fen, strict=True)
        ]
    )


def _payload(row: Node) -> str:
    return redacted(dict(row.value), _ALLOWED)
