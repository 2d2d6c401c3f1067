"""
One shop order of Douyin as an `Order` with its sub-orders as lines. Receiver fields are never looked at.

Status 5 (已完成) is what the platform calls finished, but an order paid on delivery and refused ends there as well, so
it counts as finished only with evidence: a time of payment and of completion, and for 货到付款 a confirmed receipt.

Source: op.jinritemai.com, 15/1342 and 15/1343; comments of the official Go client for types without a page.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from crossloyalty.adapters.douyin.aftersale import MONEY_IS_BACK, state_of
from crossloyalty.adapters.douyin.amounts import Amounts, read_amounts
from crossloyalty.adapters.douyin.answers import PLATFORM
from crossloyalty.adapters.douyin.settings import DouyinSettings
from crossloyalty.adapters.wire.categories import lowest_category
from crossloyalty.adapters.wire.doubts import Disagreement, UnknownStatus, or_doubtful
from crossloyalty.adapters.wire.memo import flags_in
from crossloyalty.adapters.wire.reading import Node, Unreadable
from crossloyalty.adapters.wire.values import Doubtful
from crossloyalty.domain.keys import clean_id
from crossloyalty.domain.orders import Line, LineStatus, Order, OrderKind, OrderStatus, Refund, RefundStatus

__all__ = ["needs_refunds", "read_order"]

# 101 is shipped in part: the parent is as far as the part that is least far.
_STATES: Final = {
    1: OrderStatus.UNPAID,
    103: OrderStatus.UNPAID,
    105: OrderStatus.PAID,
    2: OrderStatus.PAID,
    101: OrderStatus.PAID,
    3: OrderStatus.SHIPPED,
    4: OrderStatus.CLOSED,
    21: OrderStatus.CLOSED,
    22: OrderStatus.CLOSED,
    39: OrderStatus.CLOSED,
    5: OrderStatus.FINISHED,
}
_LINE_STATES: Final = {
    OrderStatus.UNPAID: LineStatus.UNPAID,
    OrderStatus.PAID: LineStatus.PAID,
    OrderStatus.SHIPPED: LineStatus.SHIPPED,
    OrderStatus.FINISHED: LineStatus.FINISHED,
}
# Of `trade_type`, those with a kind of their own: group, deposit, earnest money, 0 yuan, samples, lottery, gift of a
# deposit order, collection of money.
_KINDS: Final = {
    1: OrderKind.GROUP,
    2: OrderKind.PRESALE,
    3: OrderKind.PRESALE,
    5: OrderKind.SAMPLE,
    10: OrderKind.SAMPLE,
    11: OrderKind.LOTTERY,
    12: OrderKind.SAMPLE,
    102: OrderKind.GIFT,
    103: OrderKind.PRICE_DIFF,
}
_FIRST: Final = (OrderKind.LOTTERY, OrderKind.SAMPLE, OrderKind.PRICE_DIFF, OrderKind.GIFT)
_ON_DELIVERY: Final = 0
_CATEGORIES: Final = ("fourth_cid", "third_cid", "second_cid", "first_cid")
_LONGEST_BUYER: Final = 128
# Everything in it is known to be no personal field.
_REVIEWED: Final = frozenset(
    {
        *("order_id", "parent_order_id", "shop_id", "order_status", "main_status", "order_type", "biz", "trade_type"),
        *("pay_type", "create_time", "pay_time", "ship_time", "finish_time", "update_time", "order_amount"),
        *("pay_amount", "post_amount", "post_origin_amount", "post_promotion_amount", "post_insurance_amount"),
        *("promotion_amount", "promotion_shop_amount", "promotion_platform_amount", "promotion_talent_amount"),
        *("promotion_pay_amount", "total_promotion_amount", "shop_cost_amount", "platform_cost_amount"),
        *("only_platform_cost_amount", "author_cost_amount", "modify_amount", "modify_post_amount", "tax_amount"),
        *("packing_amount", "sku_order_list", "product_id", "product_id_str", "sku_id", "item_num", "origin_amount"),
        *("sum_amount", "given_product_type", "after_sale_info", "after_sale_status", "after_sale_type"),
        *("refund_status", "confirm_receipt_time", "logistics_receipt_time", "order_phase_list"),
        *("phase_pay_amount", "pay_success", "current_phase"),
    }
)


def needs_refunds(order: Node) -> bool:
    """Say whether an order shows money that went back, so that its refunds have to be read before it is believed."""
    skus = order.raw("sku_order_list")
    cases = [each.get("after_sale_info") for each in skus if isinstance(each, dict)] if isinstance(skus, list) else []
    spelled = (*MONEY_IS_BACK, *map(str, MONEY_IS_BACK))
    return any(isinstance(case, dict) and case.get("refund_status") in spelled for case in cases)


def read_order(order: Node, settings: DouyinSettings, *, refunds: Sequence[Refund] | None = None) -> Order | Doubtful:
    """
    Make an order of what the platform said.

    Args:
        order: The shop order as it came, of the list or of the detail.
        settings: The shop.
        refunds: All refunds of this order; None: they were not read. A sub-order that shows money paid back and has no
            refund here holds the order back (REFUND_OPEN), since it does not say how much.

    Returns:
        The order; `Doubtful` when it cannot be read, its amounts do not agree, or a status or type is unknown.
    """
    return or_doubtful(
        lambda: _read(order, settings, refunds or ()), order.value, order.value.get("order_id"), _REVIEWED
    )


def _read(order: Node, settings: DouyinSettings, refunds: Sequence[Refund]) -> Order:
    shop_id = order.text("shop_id")
    if shop_id is not None and shop_id != settings.shop_id:
        raise Unreadable("an order of another shop")
    skus = order.nodes("sku_order_list")
    paid_at = order.seconds("pay_time")
    status = _status(order, skus, paid_at)
    due = status is OrderStatus.UNPAID or (status is OrderStatus.CLOSED and paid_at is None)
    amounts = _amounts(order, skus, status, due=due)
    on_delivery = order.whole("pay_type") == _ON_DELIVERY
    gifts = [each.text("given_product_type") == "FREE" for each in skus]
    finished = status is OrderStatus.FINISHED
    buyer_id = _whole_id(order.text("doudian_open_id"))
    return Order(
        platform=PLATFORM,
        order_no=clean_id(order.need_text("order_id"), "order_id"),
        shop_id=settings.shop_id,
        status=status,
        kind=_kind(order, skus, gifts, settings, on_delivery=on_delivery),
        buyer_id=buyer_id,
        buyer_scope=None if buyer_id is None else settings.buyer_scope,
        created_at=order.seconds("create_time"),
        paid_at=paid_at,
        finished_at=order.seconds("finish_time") if finished else None,
        modified_at=order.seconds("update_time"),
        paid_fen=None if amounts is None else amounts.paid_fen,
        shipping_fen=None if amounts is None else amounts.shipping_fen,
        subsidy_fen=None if amounts is None else amounts.subsidy_fen,
        refund_open=status is not OrderStatus.CLOSED and _case_is_open(skus, refunds),
        lines=_lines(skus, gifts, amounts, status, was_paid=paid_at is not None, on_delivery=on_delivery),
        flags=_flags(order, settings),
    )


def _whole_id(buyer_id: str | None) -> str | None:
    """Give a buyer id that names one person: a masked one names many, and one too long was cut or is none."""
    return buyer_id if buyer_id is not None and "*" not in buyer_id and len(buyer_id) <= _LONGEST_BUYER else None


def _stated(about: Node) -> OrderStatus:
    number = about.whole("order_status")
    if number is None:
        number = about.need_whole("main_status")
    status = _STATES.get(number)
    if status is None:
        raise UnknownStatus(f"order_status {number}")
    return status


def _status(order: Node, skus: Sequence[Node], paid_at: datetime | None) -> OrderStatus:
    status = _stated(order)
    if status is OrderStatus.CLOSED:
        return status
    # Deposit and tail: an order is paid when all its phases are.
    phases = order.nodes("order_phase_list")
    if phases and any(phase.flag("pay_success") is False for phase in phases):
        return OrderStatus.UNPAID
    if status is OrderStatus.FINISHED and not _is_proven(order, skus, paid_at):
        return OrderStatus.SHIPPED
    return status


def _is_proven(order: Node, skus: Sequence[Node], paid_at: datetime | None) -> bool:
    """Say whether an order of status 5 was paid and received; one for which nothing was due needs no payment."""
    if order.seconds("finish_time") is None:
        return False
    if paid_at is None:
        return order.need_fen("pay_amount") == 0
    if order.whole("pay_type") != _ON_DELIVERY:
        return True
    living = [each for each in skus if _stated(each) is not OrderStatus.CLOSED]
    return bool(living) and all(each.seconds("confirm_receipt_time") is not None for each in living)


def _amounts(order: Node, skus: Sequence[Node], status: OrderStatus, *, due: bool) -> Amounts | None:
    """Give the amounts; of a closed order, which earns nothing, figures that do not agree are left unsaid."""
    if due:
        return Amounts(0, 0, 0, (0,) * len(skus))  # what was never paid counts nothing: these are amounts due
    try:
        return read_amounts(order, skus)
    except (Disagreement, Unreadable):
        if status is not OrderStatus.CLOSED:
            raise
        return None


def _case_is_open(skus: Sequence[Node], refunds: Sequence[Refund]) -> bool:
    for sku in skus:
        case = sku.node("after_sale_info")
        if case is None:
            continue
        status, refund_status = case.whole("after_sale_status"), case.whole("refund_status")
        # Most sub-orders have none.
        if (status or refund_status) and _is_open(sku, case, status or 0, refund_status or 0, refunds):
            return True
    return False


def _is_open(sku: Node, case: Node, status: int, refund_status: int, refunds: Sequence[Refund]) -> bool:
    state = state_of(status, refund_status, case.whole("after_sale_type") or 0)
    if state is not RefundStatus.SUCCESS:
        return state is not RefundStatus.CLOSED
    if _stated(sku) is OrderStatus.CLOSED:
        return False
    mine = (None, sku.need_text("order_id"))
    return not any(each.status is RefundStatus.SUCCESS and each.line_id in mine for each in refunds)


def _kind(
    order: Node, skus: Sequence[Node], gifts: Sequence[bool], settings: DouyinSettings, *, on_delivery: bool
) -> OrderKind:
    kinds: set[OrderKind] = set()
    stated = None
    for each, is_gift in zip(skus, gifts, strict=True):
        number = None if is_gift else each.whole("trade_type")
        if number is not None:
            stated = number
            _add_kind(kinds, number, settings)
    if stated is None:
        # The shop order's own trade_type is deprecated in favour of the sub-orders'.
        _add_kind(kinds, order.whole("trade_type") or 0, settings)
    if kinds:
        for kind in _FIRST:
            if kind in kinds:
                return kind
    if on_delivery:
        return OrderKind.COD
    return OrderKind.PRESALE if OrderKind.PRESALE in kinds else next(iter(kinds), OrderKind.NORMAL)


def _add_kind(kinds: set[OrderKind], trade_type: int, settings: DouyinSettings) -> None:
    if trade_type in settings.normal_trade_types:
        return
    if trade_type not in _KINDS:
        raise UnknownStatus(f"trade_type {trade_type}")
    kinds.add(_KINDS[trade_type])


def _lines(
    skus: Sequence[Node],
    gifts: Sequence[bool],
    amounts: Amounts | None,
    status: OrderStatus,
    *,
    was_paid: bool,
    on_delivery: bool,
) -> tuple[Line, ...] | None:
    if amounts is None or not skus:
        return None
    return tuple(
        [
            _line(sku, paid, status, is_gift=is_gift, was_paid=was_paid, on_delivery=on_delivery)
            for sku, paid, is_gift in zip(skus, amounts.lines_fen, gifts, strict=True)
        ]
    )


def _line(sku: Node, paid_fen: int, parent: OrderStatus, *, is_gift: bool, was_paid: bool, on_delivery: bool) -> Line:
    status = _stated(sku)
    if status is OrderStatus.CLOSED:
        line_status = LineStatus.CLOSED_REFUNDED if was_paid else LineStatus.CLOSED_UNPAID
    else:
        line_status = _LINE_STATES[status if parent is not OrderStatus.UNPAID else parent]
    finished_at = sku.seconds("finish_time") if line_status is LineStatus.FINISHED else None
    if line_status is LineStatus.FINISHED and parent is not OrderStatus.FINISHED:
        # The parent may lag behind or lack the evidence, so a part needs its own.
        received = not on_delivery or sku.seconds("confirm_receipt_time") is not None
        if not (was_paid and received) or finished_at is None:
            line_status, finished_at = LineStatus.SHIPPED, None
    return Line(
        line_id=sku.need_text("order_id"),
        paid_fen=paid_fen,
        status=line_status,
        finished_at=finished_at,
        is_free_gift=is_gift,
        product_id=sku.text("product_id_str") or sku.text("product_id"),
        category=lowest_category(sku, _CATEGORIES),
        quantity=sku.whole("item_num"),
    )


def _flags(order: Node, settings: DouyinSettings) -> tuple[str, ...]:
    """Give what the merchant's memo says, in the words the settings name."""
    if not settings.memo_flags:
        return ()
    return tuple(sorted(flags_in(order.raw("seller_words"), settings.memo_flags)))
