"""
One order of Pinduoduo as an `Order`.

The platform has no finished status and no buyer id. Finished is derived: signed, concluded, not under review, no open
after-sale case, and `finish_days` behind the confirmed receipt, which is its date. Receiver fields are never looked at.

Source: the tables of `pdd.order.information.get` and `pdd.order.number.list.increment.get` at open.pinduoduo.com.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from crossloyalty.adapters.pinduoduo.aftersale import NO_CASE, state_of
from crossloyalty.adapters.pinduoduo.amounts import Amounts, line_shares, read_amounts
from crossloyalty.adapters.pinduoduo.answers import PLATFORM
from crossloyalty.adapters.pinduoduo.settings import PinduoduoSettings
from crossloyalty.adapters.wire.categories import lowest_category
from crossloyalty.adapters.wire.doubts import Disagreement, UnknownStatus, or_doubtful
from crossloyalty.adapters.wire.memo import flags_in
from crossloyalty.adapters.wire.reading import Node, Unreadable
from crossloyalty.adapters.wire.values import Doubtful
from crossloyalty.domain.keys import clean_id
from crossloyalty.domain.orders import Line, Order, OrderKind, OrderStatus, Refund, RefundStatus

__all__ = ["needs_refunds", "read_order"]

_CONCLUDED: Final = 1
_CANCELLED: Final = 2
_SHIPPING: Final = {1: OrderStatus.PAID, 2: OrderStatus.SHIPPED, 3: OrderStatus.SIGNED}
_NONE_OR_CLOSED: Final = 1
_IN_PROGRESS: Final = (2, 3)
_REFUNDED: Final = 4
_CONFIRMS: Final = (0, _CONCLUDED, _CANCELLED)
_REFUNDS: Final = (_NONE_OR_CLOSED, *_IN_PROGRESS, _REFUNDED)
# As a number or as text: which answers carry which is not written down.
_REFUNDED_SPELLED: Final = (4, "4")
_SUCCESS_SPELLED: Final = (10, "10")
_LOTTERY: Final = 2
_DEPOSIT: Final = 1
_ALL_PAID: Final = 2
_GIFT_RELATION: Final = 4
_CATEGORIES: Final = ("cat_id_4", "cat_id_3", "cat_id_2", "cat_id_1")
# Everything in it is known to be no personal field.
_REVIEWED: Final = frozenset(
    {
        *("order_sn", "order_status", "refund_status", "confirm_status", "group_status", "after_sales_status"),
        *("risk_control_status", "trade_type", "is_lucky_flag", "pay_amount", "goods_amount", "discount_amount"),
        *("platform_discount", "seller_discount", "capital_free_discount", "order_change_amount", "postage"),
        *("duo_duo_pay_reduction", "trade_in_national_subsidy_amount", "trade_in_national_subsidy_type"),
        *("service_fee_detail", "service_fee", "home_install_value", "delivery_home_value", "delivery_install_value"),
        *("created_time", "pay_time", "confirm_time", "shipping_time", "receive_time", "updated_at", "item_list"),
        *("goods_id", "goods_count", "goods_price", "sku_id", "step_order_info", "advanced_paid_fee"),
        *("step_paid_fee", "step_discount_amount", "step_trade_status"),
    }
)


class _Standing(NamedTuple):
    status: OrderStatus
    refund_open: bool
    finished_at: datetime | None = None


def needs_refunds(order: Node) -> bool:
    """Say whether an order shows money that went back, so that its refunds have to be read before it is believed."""
    return (
        order.value.get("refund_status") in _REFUNDED_SPELLED
        or order.value.get("after_sales_status") in _SUCCESS_SPELLED
    )


def read_order(
    order: Node, settings: PinduoduoSettings, *, now: datetime, refunds: Sequence[Refund] | None = None
) -> Order | Doubtful:
    """
    Make an order of what the platform said.

    Args:
        order: The object as it came, of a list or of the detail: they are the same.
        settings: The shop, and how long an order is held before it counts as finished.
        now: Aware.
        refunds: All refunds of this order; None: they were not read. Without them an order that shows a refund is held
            back (REFUND_OPEN), since it does not say how much went back.

    Returns:
        The order; `Doubtful` when it cannot be read, its amounts do not agree, or a status is unknown.
    """

    def read() -> Order:
        return _read(order, settings, now, refunds)

    return or_doubtful(read, order.value, order.value.get("order_sn"), _REVIEWED)


def _read(order: Node, settings: PinduoduoSettings, now: datetime, refunds: Sequence[Refund] | None) -> Order:
    paid_at = order.beijing("pay_time")
    standing = _standing(order, settings, now, refunds, paid_at)
    due = standing.status is OrderStatus.UNPAID or (standing.status is OrderStatus.CLOSED and paid_at is None)
    amounts = _amounts(order, settings, standing.status, due=due)
    if refunds and amounts is not None and needs_refunds(order):
        standing = _whole_refund(standing, amounts.paid_fen, refunds)
    return Order(
        platform=PLATFORM,
        order_no=clean_id(order.need_text("order_sn"), "order_sn"),
        shop_id=settings.shop_id,
        status=standing.status,
        kind=_kind(order, settings),
        created_at=order.beijing("created_time"),
        paid_at=paid_at,
        finished_at=standing.finished_at if standing.status is OrderStatus.FINISHED else None,
        modified_at=order.beijing("updated_at"),
        paid_fen=None if amounts is None else amounts.paid_fen,
        shipping_fen=None if amounts is None else amounts.shipping_fen,
        subsidy_fen=None if amounts is None else amounts.subsidy_fen,
        refund_open=standing.refund_open,
        lines=_lines(order, amounts),
        flags=_flags(order, settings),
    )


def _amounts(order: Node, settings: PinduoduoSettings, status: OrderStatus, *, due: bool) -> Amounts | None:
    """Give the amounts; of a closed order, which earns nothing, figures that do not agree are left unsaid."""
    if due:
        return Amounts(0, 0, 0)  # what was never paid counts nothing: the figures are amounts due
    try:
        return read_amounts(order, settings)
    except (Disagreement, Unreadable):
        if status is not OrderStatus.CLOSED:
            raise
        return None


def _standing(
    order: Node,
    settings: PinduoduoSettings,
    now: datetime,
    refunds: Sequence[Refund] | None,
    paid_at: datetime | None,
) -> _Standing:
    confirm, refund = order.need_whole("confirm_status"), order.need_whole("refund_status")
    case = order.whole("after_sales_status") or NO_CASE
    if confirm not in _CONFIRMS or refund not in _REFUNDS:
        raise UnknownStatus(f"confirm_status {confirm}, refund_status {refund}")
    state = state_of(case)
    if state is None:
        raise UnknownStatus(f"after_sales_status {case}")
    known = [each.status for each in refunds] if refunds else ()
    is_open = refund in _IN_PROGRESS or state is RefundStatus.OPEN or RefundStatus.OPEN in known
    if (refund == _REFUNDED or state is RefundStatus.SUCCESS) and RefundStatus.SUCCESS not in known:
        is_open = True  # how much went back is not known yet
    if confirm == _CANCELLED:
        return _Standing(OrderStatus.CLOSED, False)
    if confirm != _CONCLUDED:
        # Paid, and waiting for the group (拼单) to be complete.
        return _Standing(OrderStatus.UNPAID if paid_at is None else OrderStatus.PAID, is_open)
    if not _deposit_is_over(order):
        return _Standing(OrderStatus.UNPAID, is_open)
    shipping = order.need_whole("order_status")
    if shipping not in _SHIPPING:
        raise UnknownStatus(f"order_status {shipping}")
    status = _SHIPPING[shipping]
    finished_at = None
    received_at = order.beijing("receive_time")
    if status is OrderStatus.SIGNED and received_at is not None and paid_at is not None:
        # The receipt is when the trade was complete, as the export reader has it; the hold only decides when we know.
        finished_at = received_at
        is_over = now >= received_at + timedelta(days=settings.finish_days)
        if is_over and not is_open and not order.whole("risk_control_status"):
            status = OrderStatus.FINISHED
    return _Standing(status, is_open, finished_at)


def _deposit_is_over(order: Node) -> bool:
    """Say whether deposit (定金) and tail (尾款) are both paid; an order of the usual kind has neither."""
    trade_type = order.whole("trade_type") or 0
    if trade_type not in (0, _DEPOSIT):
        raise UnknownStatus(f"trade_type {trade_type}")
    if trade_type == 0:
        return True
    steps = order.node("step_order_info")
    return steps is not None and steps.whole("step_trade_status") == _ALL_PAID


def _whole_refund(standing: _Standing, paid_fen: int, refunds: Sequence[Refund]) -> _Standing:
    """Close an order whose money has all gone back; after a part it stands as before."""
    back = sum(each.amount_fen for each in refunds if each.status is RefundStatus.SUCCESS)
    return _Standing(OrderStatus.CLOSED, False) if 0 < paid_fen <= back else standing


def _kind(order: Node, settings: PinduoduoSettings) -> OrderKind:
    if order.whole("is_lucky_flag") == _LOTTERY:
        return OrderKind.LOTTERY
    related = order.nodes("related_order_list")
    if related:
        relations = {each.whole("relation_type") for each in related}
        if relations & settings.price_difference_relations:
            return OrderKind.PRICE_DIFF
        # The order that brings the gift names it as well, so only the one that cost nothing is the gift.
        if _GIFT_RELATION in relations and not order.yuan("pay_amount"):
            return OrderKind.GIFT
    return OrderKind.PRESALE if order.whole("trade_type") == _DEPOSIT else OrderKind.NORMAL


def _lines(order: Node, amounts: Amounts | None) -> tuple[Line, ...] | None:
    items = order.nodes("item_list")
    if not items or amounts is None:
        return None
    shares = line_shares(amounts.paid_fen - amounts.shipping_fen, items)
    category = lowest_category(order, _CATEGORIES)
    ids: set[str] = set()
    lines: list[Line] = []
    for item, share in zip(items, shares, strict=True):
        product_id = item.text("goods_id")
        line_id = item.text("sku_id") or product_id or item.need_text("goods_id")
        if line_id in ids:
            line_id = f"{line_id}#{len(lines) + 1}"
        ids.add(line_id)
        lines.append(
            Line(
                line_id=line_id,
                paid_fen=share,
                product_id=product_id,
                category=category,
                quantity=item.whole("goods_count"),
            )
        )
    return tuple(lines)


def _flags(order: Node, settings: PinduoduoSettings) -> tuple[str, ...]:
    """Give what the memo says in the merchant's own words, and that an order was placed to be sold on (分销)."""
    flags = flags_in(order.raw("remark"), settings.memo_flags) if settings.memo_flags else set()
    for tag in order.nodes("order_tag_list"):
        if tag.text("name") == "distributional_sale" and tag.whole("value") == 1:
            flags.add("resale")
    return tuple(sorted(flags)) if flags else ()
