"""
Pinduoduo (拼多多商家后台 → 订单查询 → 批量导出): one row per order, and one sort of goods per order.

The file has a state and no amount for refunds, and no moment at which an order is over for good.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from crossloyalty.adapters.exports.cells import BadCell, time_utc
from crossloyalty.adapters.exports.defects import DefectCode
from crossloyalty.adapters.exports.headers import Built, Column, Layout
from crossloyalty.adapters.exports.orderlevel import AfterSale, after_sale, doubtful_lines, line_names, state_of, total
from crossloyalty.adapters.exports.rows import OrderRow
from crossloyalty.domain.orders import Line, Order, OrderKind, OrderStatus, SourceKind

__all__ = ["LAYOUTS", "build_order"]

_STATES: Final = {
    "待支付": OrderStatus.UNPAID,
    "待付款": OrderStatus.UNPAID,
    "待发货": OrderStatus.PAID,
    "已发货,待签收": OrderStatus.SHIPPED,
    "已发货,待收货": OrderStatus.SHIPPED,
    "已签收": OrderStatus.SIGNED,
    "已收货": OrderStatus.SIGNED,
    "已取消": OrderStatus.CLOSED,
    "已取消,退款成功": OrderStatus.CLOSED,
    "未发货,退款成功": OrderStatus.CLOSED,
    "已发货,退款成功": OrderStatus.CLOSED,
    "已收货,退款成功": OrderStatus.CLOSED,
    "已签收,退款成功": OrderStatus.CLOSED,
    "未成交,退款成功": OrderStatus.CLOSED,
    "退款成功": OrderStatus.CLOSED,
}
_AFTER_SALE: Final = {
    "无售后或售后取消": AfterSale.NONE,
    "无售后": AfterSale.NONE,
    "售后处理中": AfterSale.OPEN,
    "退款中": AfterSale.OPEN,
    "退款成功": AfterSale.SUCCESS,
}
# 7 days to return without a reason and a buffer for the goods to travel; then a signed order counts as finished.
_FINISHED_AFTER: Final = timedelta(days=15)
# Titles merchants give to what is no purchase: a difference in price or postage paid afterwards.
_PRICE_DIFF: Final = re.compile("补收?差价|补运费|补邮费|邮费补拍|差价链接")

_COLUMNS: Final = (
    Column("order_no", ("订单号",), "id"),
    Column("title", ("商品",)),
    Column("state", ("订单状态",)),
    Column("after_sale", ("售后状态",)),
    Column("product_id", ("商品id",), "id"),
    Column("quantity", ("商品数量(件)",)),
    Column("goods", ("商品总价(元)",)),
    Column("shipping", ("邮费(元)",)),
    Column("by_shop", ("店铺优惠折扣(元)",)),
    Column("by_platform", ("平台优惠折扣(元)",)),
    Column("by_pay", ("多多支付立减金额(元)",)),
    Column("install", ("上门安装费(元)",), wanted=False),
    Column("carry", ("送货入户费(元)",), wanted=False),
    Column("carry_install", ("送货入户并安装费(元)",), wanted=False),
    Column("paid", ("用户实付金额(元)",)),
    Column("received", ("商家实收金额(元)",)),
    Column("lottery", ("是否抽奖或0元试用",)),
    Column("created_at", ("订单成交时间", "拼单成功时间"), "time"),
    Column("paid_at", ("支付时间",), "time"),
    Column("signed_at", ("确认收货时间",), "time"),
)


def build_order(rows: Sequence[OrderRow]) -> Built:
    """
    Make the order of its row.

    Args:
        rows: The distinct rows of one order number; more than one contradict each other.

    Returns:
        The order. Signed orders become FINISHED 15 days after 确认收货时间 by the export moment, as long as no case is
        told; Pinduoduo itself has no such state (D25).

    Raises:
        BadRow: A cell cannot be read, a state is unknown, or two rows differ.

    Source: readers of real files; the platform's API page for paid = goods − discounts + postage + services. Whether
    多多支付立减 is taken off already is not stated, so both are accepted. 商家实收 stays what it was after a refund.
    """
    row = rows[0]
    if len(rows) > 1:
        raise rows[1].bad(DefectCode.ROWS_CONTRADICT, "order_no")
    status = state_of(row, "state", _STATES)
    case = after_sale(row, "after_sale", _AFTER_SALE)
    paid_at, signed_at = row.time("paid_at"), row.time("signed_at")
    created_at, from_number = _placed(row, paid_at)
    paid, shipping = row.fen("paid"), row.fen("shipping")
    shipping = None if shipping is None or paid is None else min(shipping, paid)
    status = _settled(row, status, case, signed_at)
    unpaid = status is OrderStatus.UNPAID or (
        status is OrderStatus.CLOSED and case is not AfterSale.SUCCESS and paid_at is None
    )
    expected = None if unpaid or paid is None else _expected(row, paid)
    if unpaid:
        paid, shipping = 0, None if shipping is None else 0
    elif expected is None:
        expected = _expected_of_shipping(row, paid)
    subsidy = total([row.fen("by_platform"), row.fen("by_pay")])
    refund_unknown = case is AfterSale.SUCCESS
    return Built(
        (
            Order(
                platform=row.context.platform,
                order_no=row.key,
                shop_id=row.context.shop_id,
                status=status,
                kind=_kind(row),
                created_at=created_at,
                paid_at=paid_at,
                finished_at=signed_at if status is OrderStatus.FINISHED else None,
                modified_at=row.context.exported_at,
                paid_fen=paid,
                shipping_fen=shipping,
                subsidy_fen=0 if unpaid and subsidy is not None else subsidy,
                # A refund of unknown amount on a living order is not over for us: what it would earn has to wait.
                refund_open=None
                if case is None
                else case is AfterSale.OPEN or (refund_unknown and status is not OrderStatus.CLOSED),
                lines=_lines(row, paid, shipping) if expected is None else doubtful_lines(shipping, expected),
                source=SourceKind.EXPORT,
            ),
        ),
        refund_unknown=refund_unknown,
        received_fen=row.fen("received"),
        doubt=None if expected is None else (row, "paid"),
        day_from_number=from_number,
    )


def _settled(
    row: OrderRow, status: OrderStatus | None, case: AfterSale | None, signed_at: datetime | None
) -> OrderStatus | None:
    """Make a signed order finished when buyers can no longer ask for their money as a matter of course."""
    exported_at = row.context.exported_at
    if status is not OrderStatus.SIGNED or case is not AfterSale.NONE or signed_at is None or exported_at is None:
        return status
    return OrderStatus.FINISHED if exported_at - signed_at >= _FINISHED_AFTER else status


def _placed(row: OrderRow, paid_at: datetime | None) -> tuple[datetime | None, bool]:
    """When it was placed; the first six digits of the number tell the day when nothing better does."""
    created_at = row.time("created_at") or paid_at
    if created_at is not None:
        return created_at, False
    digits = row.key[:6]
    try:
        return time_utc(f"20{digits[:2]}-{digits[2:4]}-{digits[4:]} 00:00:00"), True
    except BadCell:  # six digits that are no day
        return None, False


def _expected(row: OrderRow, paid: int) -> int | None:
    """What the other columns come to when that is not what was paid; None when it is, or one of them is missing."""
    parts = [row.fen(field) for field in ("goods", "shipping", "by_shop", "by_platform")]
    if any(part is None for part in parts):
        return None
    goods, shipping, by_shop, by_platform = (part or 0 for part in parts)
    services = sum(row.fen(field) or 0 for field in ("install", "carry", "carry_install"))
    expected = goods + shipping + services - by_shop - by_platform
    return None if paid in (expected, expected - (row.fen("by_pay") or 0)) else max(0, expected)


def _expected_of_shipping(row: OrderRow, paid: int | None) -> int | None:
    """A postage above what was paid in all cannot be."""
    shipping = row.fen("shipping") or 0
    return shipping if paid is not None and shipping > paid else None


def _kind(row: OrderRow) -> OrderKind | None:
    if row.word("lottery") == "是":
        return OrderKind.LOTTERY
    return OrderKind.PRICE_DIFF if _PRICE_DIFF.search(row.raw("title")) else None


def _lines(row: OrderRow, paid: int | None, shipping: int | None) -> tuple[Line, ...] | None:
    product = row.id("product_id")
    if product is None or paid is None:
        return None
    (name,) = line_names([product])
    return (
        Line(
            line_id=name,
            paid_fen=paid - (shipping or 0),
            product_id=product,
            quantity=row.pieces("quantity"),
        ),
    )


LAYOUTS: Final = (
    Layout(
        name="pinduoduo-orders",
        platforms=("pinduoduo",),
        need=(("订单号", "商家实收金额(元)", "售后状态"),),
        columns=_COLUMNS,
        key="order_no",
        build=build_order,
        received="received",
    ),
)
