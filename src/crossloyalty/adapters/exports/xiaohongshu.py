"""
Xiaohongshu (小红书商家后台 → 订单导出, sheet 订单信息): one row per goods of a package.

Order amounts seem to be repeated on each row, which nobody has verified. So an order with several rows that are no free
gifts is taken in and held for review.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from crossloyalty.adapters.exports.headers import Built, Column, Layout
from crossloyalty.adapters.exports.orderlevel import (
    AfterSale,
    after_sale,
    agreed_fen,
    agreed_time,
    agreed_word,
    doubtful_lines,
    in_order,
    line_names,
    nearest,
    state_of,
    total,
)
from crossloyalty.adapters.exports.rows import OrderRow
from crossloyalty.domain.orders import Line, Order, OrderStatus, SourceKind

__all__ = ["LAYOUTS", "build_order"]

# The states of the platform's API in the back end's words; the words themselves are not verified.
_STATES: Final = {
    "待付款": OrderStatus.UNPAID,
    "待支付": OrderStatus.UNPAID,
    "已付款": OrderStatus.PAID,
    "已支付": OrderStatus.PAID,
    "待发货": OrderStatus.PAID,
    "部分发货": OrderStatus.PAID,
    "待收货": OrderStatus.SHIPPED,
    "已发货": OrderStatus.SHIPPED,
    "已完成": OrderStatus.FINISHED,
    "已关闭": OrderStatus.CLOSED,
    "已取消": OrderStatus.CLOSED,
}
_AFTER_SALE: Final = {
    "无售后": AfterSale.NONE,
    "无": AfterSale.NONE,
    "售后中": AfterSale.OPEN,
    "售后处理中": AfterSale.OPEN,
    "平台介入中": AfterSale.OPEN,
    "售后拒绝": AfterSale.OVER,
    "售后关闭": AfterSale.OVER,
    "售后取消": AfterSale.OVER,
    "售后完成": AfterSale.SUCCESS,
    "退款成功": AfterSale.SUCCESS,
}

_COLUMNS: Final = (
    Column("order_no", ("订单号",), "id"),
    Column("state", ("订单状态",)),
    Column("after_sale", ("售后状态",)),
    Column("product_id", ("规格ID",), "id"),
    Column("quantity", ("SKU件数",)),
    Column("gift", ("是否为赠品",)),
    Column("goods", ("商品总价(元)",)),
    Column("paid", ("用户应付金额(元)",)),
    Column("by_platform", ("平台优惠(元)",)),
    Column("by_shop", ("店铺优惠(元)",)),
    Column("by_pay", ("支付渠道优惠(元)",)),
    Column("received", ("商家应收金额(元)(支付金额)",)),
    Column("paid_at", ("支付时间",), "time"),
    Column("created_at", ("订单创建时间",), "time"),
    Column("finished_at", ("订单完成时间",), "time"),
)


def build_order(rows: Sequence[OrderRow]) -> Built:
    """
    Make one order of its rows.

    Args:
        rows: The distinct rows of one order number.

    Returns:
        The order. The file has no freight; 用户应付金额 may hold it.

    Raises:
        BadRow: A cell cannot be read, a state is unknown, or rows differ in what belongs to the order.

    Source: readers of real files. Which discounts 用户应付金额 leaves out is not verified: an amount from 商品总价 to
    that less all discounts passes. Whether freight lies on top of it is not known either, so more is doubtful.
    """
    row = rows[0]
    agreed_word(rows, "state")
    status = state_of(row, "state", _STATES)
    cases = [after_sale(each, "after_sale", _AFTER_SALE) for each in rows]
    created_at, paid_at = agreed_time(rows, "created_at"), agreed_time(rows, "paid_at")
    finished_at = agreed_time(rows, "finished_at")
    bought = [each for each in rows if each.word("gift") != "是"] or list(rows)
    paid, received = agreed_fen(bought, "paid"), agreed_fen(bought, "received")
    success = AfterSale.SUCCESS in cases
    unpaid = status is OrderStatus.UNPAID or (status is OrderStatus.CLOSED and not success and paid_at is None)
    expected = None if unpaid or paid is None else _expected(bought, paid)
    paid = 0 if unpaid else paid
    subsidy = total([agreed_fen(bought, "by_platform"), agreed_fen(bought, "by_pay")])
    return Built(
        (
            Order(
                platform=row.context.platform,
                order_no=row.key,
                shop_id=row.context.shop_id,
                status=status,
                created_at=created_at,
                paid_at=paid_at,
                finished_at=finished_at if status is OrderStatus.FINISHED else None,
                modified_at=row.context.exported_at,
                paid_fen=paid,
                subsidy_fen=0 if unpaid and subsidy is not None else subsidy,
                # A refund of unknown amount on a living order is not over for us: what it would earn has to wait.
                refund_open=AfterSale.OPEN in cases or (success and status is not OrderStatus.CLOSED)
                if row.has("after_sale")
                else None,
                lines=_lines(rows, bought, paid) if expected is None else doubtful_lines(None, expected),
                source=SourceKind.EXPORT,
            ),
        ),
        refund_unknown=success,
        received_fen=received,
        doubt=None if expected is None else (row, "paid"),
    )


def _expected(bought: Sequence[OrderRow], paid: int) -> int | None:
    """What the other columns, or the other way to read several rows, come to; None when there is no doubt."""
    if len(bought) > 1 and paid:
        return paid * len(bought)
    row = bought[0]
    goods = row.fen("goods")
    if goods is None:
        return None
    discounts = sum(row.fen(field) or 0 for field in ("by_platform", "by_shop", "by_pay"))
    return nearest(paid, max(0, goods - discounts), goods)


def _lines(rows: Sequence[OrderRow], bought: Sequence[OrderRow], paid: int | None) -> tuple[Line, ...] | None:
    rows = in_order(rows)
    products = [row.id("product_id") for row in rows]
    if any(product is None for product in products):
        return None
    alone = len(bought) == 1
    return tuple(
        Line(
            line_id=name,
            paid_fen=(paid if row is bought[0] else 0) if alone else None,
            is_free_gift=True if row.word("gift") == "是" else None,
            product_id=product,
            quantity=row.pieces("quantity"),
        )
        for row, name, product in zip(rows, line_names(products), products, strict=True)
    )


LAYOUTS: Final = (
    Layout(
        name="xiaohongshu-orders",
        platforms=("xiaohongshu",),
        need=(("订单号", "商家应收金额(元)(支付金额)"),),
        columns=_COLUMNS,
        key="order_no",
        several_rows=True,
        build=build_order,
        received="received",
    ),
)
