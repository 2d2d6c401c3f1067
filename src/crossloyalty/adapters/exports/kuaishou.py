"""
Kuaishou (快手小店 → 订单导出): one row per order.

Whether a row could be one of several of an order is not known, so two different rows of one number are never added up.
The file has no amount for refunds and no moment of completion.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from crossloyalty.adapters.exports.defects import DefectCode
from crossloyalty.adapters.exports.headers import Built, Column, Layout
from crossloyalty.adapters.exports.orderlevel import (
    AfterSale,
    after_sale,
    doubtful_lines,
    line_names,
    nearest,
    state_of,
    total,
)
from crossloyalty.adapters.exports.rows import OrderRow
from crossloyalty.domain.orders import Line, Order, OrderKind, OrderStatus, SourceKind

__all__ = ["LAYOUTS", "build_order"]

# 交易成功, 已发货 and 已收货 were seen in a real shop; the others are the back end's own words and not verified.
_STATES: Final = {
    "待付款": OrderStatus.UNPAID,
    "待发货": OrderStatus.PAID,
    "已发货": OrderStatus.SHIPPED,
    "已收货": OrderStatus.SIGNED,
    "交易成功": OrderStatus.FINISHED,
    "交易关闭": OrderStatus.CLOSED,
}
_AFTER_SALE: Final = {
    "无": AfterSale.NONE,
    "无售后": AfterSale.NONE,
    "否": AfterSale.NONE,
    "售后中": AfterSale.OPEN,
    "售后处理中": AfterSale.OPEN,
    "退款中": AfterSale.OPEN,
    "售后关闭": AfterSale.OVER,
    "售后取消": AfterSale.OVER,
    "退款成功": AfterSale.SUCCESS,
    "售后成功": AfterSale.SUCCESS,
    "已退款": AfterSale.SUCCESS,
    "是": AfterSale.SUCCESS,  # 退货退款, the column of 2021
}
_DISCOUNTS: Final = ("by_shop", "by_platform", "by_host", "by_activity", "by_pay")

_COLUMNS: Final = (
    Column("order_no", ("订单号",), "id"),
    Column("created_at", ("订单创建时间",), "time"),
    Column("paid_at", ("订单支付时间",), "time"),
    Column("deposit_at", ("预售定金支付时间",), "time", wanted=False),
    Column("state", ("订单状态",)),
    Column("paid", ("实付款",)),
    Column("shipping", ("快递费",)),
    Column("by_shop", ("店铺优惠",)),
    Column("by_platform", ("平台补贴",)),
    Column("by_host", ("主播补贴",)),
    Column("by_activity", ("混资活动优惠",)),
    Column("by_pay", ("支付优惠",)),
    Column("quantity", ("成交数量",)),
    Column("after_sale", ("售后状态", "退货退款")),
    Column("product_id", ("商品ID",), "id"),
    Column("sku", ("SKU编码",)),
    Column("price", ("商品单价",)),
)


def build_order(rows: Sequence[OrderRow]) -> Built:
    """
    Make the order of its row.

    Args:
        rows: The distinct rows of one order number; more than one contradict each other.

    Returns:
        The order.

    Raises:
        BadRow: A cell cannot be read, a state is unknown, or two rows differ.

    Source: readers of real files; the platform's API page says that an order holds one sort of goods and that the buyer
    pays goods + freight − what the platform bears. Which discounts 实付款 leaves out is not verified: an amount between
    all of them and none of them passes, anything else is doubtful.
    """
    row = rows[0]
    if len(rows) > 1:
        raise rows[1].bad(DefectCode.ROWS_CONTRADICT, "order_no")
    status = state_of(row, "state", _STATES)
    case = after_sale(row, "after_sale", _AFTER_SALE)
    paid_at = row.time("paid_at")
    paid, raw_shipping = row.needed_fen("paid"), row.fen("shipping")
    unpaid = status is OrderStatus.UNPAID or (
        status is OrderStatus.CLOSED and case is not AfterSale.SUCCESS and paid_at is None
    )
    expected = None if unpaid else _expected(row, paid, raw_shipping or 0)
    paid = 0 if unpaid else paid
    shipping = None if raw_shipping is None else min(raw_shipping, paid)
    subsidy = total([row.fen("by_platform"), row.fen("by_pay")])
    refund_unknown = case is AfterSale.SUCCESS
    return Built(
        (
            Order(
                platform=row.context.platform,
                order_no=row.key,
                shop_id=row.context.shop_id,
                status=status,
                kind=None if row.time("deposit_at") is None else OrderKind.PRESALE,
                created_at=row.time("created_at"),
                paid_at=paid_at,
                modified_at=row.context.exported_at,
                paid_fen=paid,
                shipping_fen=shipping,
                subsidy_fen=0 if unpaid and subsidy is not None else subsidy,
                # A refund of unknown amount on a living order is not over for us: what it would earn has to wait.
                refund_open=None
                if case is None
                else case is AfterSale.OPEN or (refund_unknown and status is not OrderStatus.CLOSED),
                lines=_lines(row, paid - (shipping or 0)) if expected is None else doubtful_lines(shipping, expected),
                source=SourceKind.EXPORT,
            ),
        ),
        refund_unknown=refund_unknown,
        doubt=None if expected is None else (row, "paid"),
    )


def _expected(row: OrderRow, paid: int, shipping: int) -> int | None:
    """What the other columns allow when 实付款 lies outside; None when it does not or the price is not there."""
    price, count = row.fen("price"), row.pieces("quantity")
    if price is None or count is None:
        return nearest(paid, shipping, max(paid, shipping))
    full = price * count + shipping
    return nearest(paid, max(shipping, full - sum(row.fen(field) or 0 for field in _DISCOUNTS)), full)


def _lines(row: OrderRow, goods: int) -> tuple[Line, ...] | None:
    product = row.id("product_id")
    if product is None:
        return None
    (name,) = line_names([product])
    return (Line(line_id=name, paid_fen=goods, product_id=product, quantity=row.pieces("quantity")),)


LAYOUTS: Final = (
    Layout(
        name="kuaishou-orders",
        platforms=("kuaishou",),
        need=(("订单号", "实付款", "成交数量"),),
        columns=_COLUMNS,
        key="order_no",
        build=build_order,
    ),
)
