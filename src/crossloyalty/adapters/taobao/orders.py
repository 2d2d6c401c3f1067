"""One trade of the open platform as an order; the same for lists, details and the rows of the order-data push."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

from crossloyalty.adapters.taobao.amounts import Amounts, Disagreement, Share, packets_fen, paid_amounts
from crossloyalty.adapters.taobao.answers import rows
from crossloyalty.adapters.taobao.settings import TaobaoSettings
from crossloyalty.adapters.wire.reading import Node, Unreadable, redacted
from crossloyalty.adapters.wire.values import Doubtful
from crossloyalty.domain.orders import Line, LineStatus, Order, OrderKind, OrderStatus
from crossloyalty.errors import InvalidInput

__all__ = ["number_of", "read_order", "refund_ids_of"]

# Trade.go of the generated API metadata, 2026-04; the same words stand at sub-orders.
_STATUSES: Final = {
    "TRADE_NO_CREATE_PAY": (OrderStatus.UNPAID, LineStatus.UNPAID),
    "WAIT_BUYER_PAY": (OrderStatus.UNPAID, LineStatus.UNPAID),
    "PAY_PENDING": (OrderStatus.UNPAID, LineStatus.UNPAID),
    "WAIT_PRE_AUTH_CONFIRM": (OrderStatus.UNPAID, LineStatus.UNPAID),
    "PAID_FORBID_CONSIGN": (OrderStatus.PAID, LineStatus.PAID),
    "WAIT_SELLER_SEND_GOODS": (OrderStatus.PAID, LineStatus.PAID),
    "SELLER_CONSIGNED_PART": (OrderStatus.PAID, LineStatus.PAID),
    "WAIT_BUYER_CONFIRM_GOODS": (OrderStatus.SHIPPED, LineStatus.SHIPPED),
    # Signed for, on cash on delivery only: not yet a successful trade.
    "TRADE_BUYER_SIGNED": (OrderStatus.SIGNED, LineStatus.SIGNED),
    "TRADE_FINISHED": (OrderStatus.FINISHED, LineStatus.FINISHED),
    "TRADE_CLOSED": (OrderStatus.CLOSED, LineStatus.CLOSED_REFUNDED),
    "TRADE_CLOSED_BY_TAOBAO": (OrderStatus.CLOSED, LineStatus.CLOSED_UNPAID),
}
# Whatever else stands there is a case that is not over. A sub-order without any refund may say so or say nothing.
_NO_OPEN_REFUND: Final = (None, "NO_REFUND", "CLOSED", "SUCCESS")
_COD_TYPES: Final = ("cod", "b2c_cod", "super_market_cod_trade")
_FORFEITED: Final = "FRONT_PAID_FRONT_FORFEITED"
_TEXT_FORMS: Final = {"tid": "tid_str", "oid": "oid_str"}
_KEPT_WORDS: Final = (
    "tid tid_str type status payment post_fee total_fee discount_fee adjust_fee order_tax_fee platform_subsidy_fee"
    " coupon_fee tmall_coupon_fee created pay_time end_time modified step_trade_status step_paid_fee receipt_type"
    " is_gift orders order oid oid_str num price divide_order_fee part_mjz_discount refund_status refund_id"
    " seller_type is_free_gift"
)
_KEPT: Final = frozenset(_KEPT_WORDS.split())


def read_order(trade: Node, settings: TaobaoSettings) -> Order | Doubtful:
    """
    Make an order of a trade.

    Args:
        trade: As the platform gives it.
        settings: The shop's.

    Returns:
        The order; what cannot be believed is `Doubtful` with the reason, and never raised.
    """
    try:
        word = trade.raw("status")
        if word is None:
            raise Unreadable("order.status is missing")
        known = _STATUSES.get(word) if isinstance(word, str) else None
        if known is None:
            return _doubtful(trade, "UNKNOWN_STATUS", f"status of the order: {_word(trade)}")
        status, line_status = known
        shares = []
        for place, value in enumerate(rows(trade, "orders", "order")):
            shares.append(_share(Node(value, (trade, "orders", place)), line_status))
        if not shares:
            raise Unreadable("order.orders is missing")
        return _order(trade, shares, status, settings)
    except _UnknownStatus as error:
        return _doubtful(trade, "UNKNOWN_STATUS", str(error))
    except Disagreement as error:
        return _doubtful(trade, "AMOUNT_MISMATCH", str(error))
    except Unreadable as error:
        return _doubtful(trade, "UNREADABLE", str(error))
    except InvalidInput as error:
        # Behind the colon stands the value.
        return _doubtful(trade, "UNREADABLE", str(error).partition(":")[0])


class _UnknownStatus(Exception):
    pass


def _share(node: Node, of_order: LineStatus) -> Share:
    status, refund = _line_status(node, of_order), node.text("refund_status")
    closed = status is LineStatus.CLOSED_REFUNDED
    return Share(node, status, closed, refund == "SUCCESS", refund not in _NO_OPEN_REFUND)


def _order(trade: Node, shares: list[Share], status: OrderStatus, settings: TaobaoSettings) -> Order:
    step = trade.text("step_trade_status")
    forfeited = step == _FORFEITED
    if forfeited:
        status = OrderStatus.CLOSED
    # A deposit that was kept is no price of goods.
    amounts = None if forfeited else _amounts(trade, shares, status, settings)
    packets = packets_fen(trade) if settings.red_packets_off else 0
    subsidy = (trade.yuan("platform_subsidy_fee") or 0) + packets
    by_open_uid = settings.buyer_id == "open_uid"
    buyer = _usable(trade.text("buyer_open_uid" if by_open_uid else "ouid"))
    return Order(
        platform=settings.platform or ("tmall" if shares[0].node.raw("seller_type") == "B" else "taobao"),
        order_no=number_of(trade, "tid"),
        shop_id=settings.shop_id,
        status=status,
        kind=_kind(trade, step=step),
        buyer_id=buyer,
        buyer_scope=None if buyer is None else settings.app_key if by_open_uid else settings.shop_id,
        beneficiary_id=_usable(trade.text("donee_open_uid")),
        created_at=trade.beijing("created"),
        paid_at=trade.beijing("pay_time"),
        finished_at=trade.beijing("end_time") if status is OrderStatus.FINISHED else None,
        modified_at=trade.beijing("modified"),
        paid_fen=(trade.yuan("step_paid_fee") or 0) if amounts is None else amounts.paid,
        shipping_fen=0 if amounts is None else amounts.shipping,
        subsidy_fen=subsidy or None,
        own_value_fen=_own_value(trade, shares),
        refunded_fen=None if amounts is None or not amounts.refunded_loose else _all_refunded(amounts),
        refund_open=True in [share.disputed for share in shares],
        lines=tuple(_lines(shares, amounts, status)),
        flags=_flags(trade, settings) if settings.seller_flags else None,
    )


def _amounts(trade: Node, shares: list[Share], status: OrderStatus, settings: TaobaoSettings) -> Amounts:
    nothing = [0] * len(shares)
    if status is OrderStatus.UNPAID or False not in [share.status is LineStatus.CLOSED_UNPAID for share in shares]:
        return Amounts(0, 0, nothing, nothing, 0)
    try:
        return paid_amounts(trade, shares, settings)
    except (Disagreement, Unreadable):
        if status is not OrderStatus.CLOSED:
            raise
        # A closed order earns nothing, whatever was paid; held back for review it would keep what it earned before.
        payment = trade.yuan("payment") or 0
        return Amounts(payment, 0, [payment, *nothing[1:]], [payment, *nothing[1:]], 0)


def _all_refunded(amounts: Amounts) -> int:
    return sum(amounts.refunded) + amounts.refunded_loose


def _lines(shares: list[Share], amounts: Amounts | None, status: OrderStatus) -> list[Line]:
    made = []
    for place, share in enumerate(shares):
        node = share.node
        back = 0 if amounts is None else amounts.refunded[place]
        made.append(
            Line(
                line_id=number_of(node, "oid"),
                paid_fen=None if amounts is None else amounts.lines[place],
                refunded_fen=back or None,
                status=share.status if amounts is not None else LineStatus.CLOSED_REFUNDED,
                finished_at=_line_end(node, share, status),
                is_free_gift=node.flag("is_free_gift"),
                product_id=node.text("num_iid"),
                category=node.text("cid"),
                quantity=node.whole("num"),
            )
        )
    return made


def _line_end(node: Node, share: Share, status: OrderStatus) -> datetime | None:
    # `end_time` is the time of success or of closing; only the former is a finish.
    finished = share.status is LineStatus.FINISHED and status is not OrderStatus.CLOSED
    return node.beijing("end_time") if finished else None


def _line_status(node: Node, of_order: LineStatus) -> LineStatus:
    word = node.raw("status")
    if word is None:
        return of_order
    known = _STATUSES.get(word) if isinstance(word, str) else None
    if known is None:
        raise _UnknownStatus(f"status of a sub-order: {_word(node)}")
    return known[1]


def _word(node: Node) -> str:
    word = node.raw("status")
    known = isinstance(word, str) and re.fullmatch(r"[A-Z_]{1,48}", word, re.ASCII)
    return str(word) if known else "no status word"


def _kind(trade: Node, *, step: str | None) -> OrderKind | None:
    trade_type = trade.raw("type")
    if trade.raw("receipt_type") is not None:
        return OrderKind.PRICE_DIFF  # 补差订单: ITEM, POSTAGE or OTHER
    stated = trade.value.get  # hardly any order says one of these
    if stated("is_gift") is not None and trade.flag("is_gift"):
        return OrderKind.GIFT
    presale = (stated("new_presell") is not None and trade.flag("new_presell")) or (
        stated("general_new_presell") is not None and trade.flag("general_new_presell")
    )
    if presale or trade_type == "step" or step is not None:
        return OrderKind.PRESALE
    return OrderKind.COD if trade_type in _COD_TYPES else None


def _own_value(trade: Node, shares: list[Share]) -> int | None:
    """Give what was paid with the merchant's shopping-gold card (购物金), principal and bonus: no new money (D26)."""
    used = _gold(trade, "expand_card_basic_price_used", "expand_card_expand_price_used")
    if used is None and "expandcard_info" in trade.value:
        info = trade.node("expandcard_info")
        used = None if info is None else _gold(info, "basic_price_used", "expand_price_used")
    if used is None:
        names = "expand_card_basic_price_used_suborder", "expand_card_expand_price_used_suborder"
        used = sum([_gold(share.node, *names) or 0 for share in shares])
    return used or None


def _gold(node: Node, principal: str, bonus: str) -> int | None:
    if principal not in node.value and bonus not in node.value:
        return None
    parts = node.yuan(principal), node.yuan(bonus)
    return None if parts == (None, None) else (parts[0] or 0) + (parts[1] or 0)


def _flags(trade: Node, settings: TaobaoSettings) -> tuple[str, ...]:
    name = settings.seller_flags.get(trade.whole("seller_flag") or 0)
    return () if name is None else (name,)


def _usable(text: str | None) -> str | None:
    return None if text is None or "*" in text else text


def number_of(node: Node, name: str) -> str:
    """
    Give an order's or sub-order's number as text.

    Args:
        node: The object.
        name: "tid" or "oid"; the text form beside it, `tid_str`, is the same number.

    Raises:
        Unreadable: It is missing, no such number, or the two forms differ.
    """
    plain, text = node.text(name), node.text(_TEXT_FORMS[name])
    number = text or plain
    if number is None:
        raise Unreadable(f"{node.path}.{name} is missing")
    fits = 10 <= len(number) <= 21 and number.isdigit() and number.isascii()
    if not fits or (plain is not None and plain != number):
        raise Unreadable(f"{node.path}.{name} is no number of an order")
    return number


def refund_ids_of(trade: Node) -> Sequence[str]:
    """Give the refunds that the sub-orders name, each its newest one; nothing that cannot be read."""
    try:
        found = [Node(value, "order").text("refund_id") for value in rows(trade, "orders", "order")]
    except Unreadable:
        return ()
    return [each for each in found if each is not None and each.isascii() and each.isdigit()]


def _doubtful(trade: Node, code: Literal["AMOUNT_MISMATCH", "UNREADABLE", "UNKNOWN_STATUS"], detail: str) -> Doubtful:
    try:
        order_no = number_of(trade, "tid")
    except Unreadable:
        order_no = ""
    return Doubtful(order_no=order_no, code=code, detail=detail, payload=redacted(trade.value, _KEPT))
