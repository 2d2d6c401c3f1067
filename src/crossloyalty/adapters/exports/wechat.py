"""
WeChat shop (微信小店, 视频号): one row per item, the order's columns repeated on each.

The one order export with refunded amounts, per item.
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
    state_of,
    total,
)
from crossloyalty.adapters.exports.rows import OrderRow
from crossloyalty.domain.orders import Line, Order, OrderKind, OrderStatus, SourceKind

__all__ = ["LAYOUTS", "build_order"]

# The states of the platform's API in the back end's words; the words themselves are not verified.
_STATES: Final = {
    "待付款": OrderStatus.UNPAID,
    "待支付": OrderStatus.UNPAID,
    "待发货": OrderStatus.PAID,
    "部分发货": OrderStatus.PAID,
    "待收货": OrderStatus.SHIPPED,
    "已发货": OrderStatus.SHIPPED,
    "已完成": OrderStatus.FINISHED,
    "交易完成": OrderStatus.FINISHED,
    "已取消": OrderStatus.CLOSED,
    "已关闭": OrderStatus.CLOSED,
    "交易关闭": OrderStatus.CLOSED,
}
_AFTER_SALE: Final = {
    "无": AfterSale.NONE,
    "无售后": AfterSale.NONE,
    "售后中": AfterSale.OPEN,
    "售后处理中": AfterSale.OPEN,
    "退款中": AfterSale.OPEN,
    "售后关闭": AfterSale.OVER,
    "售后取消": AfterSale.OVER,
    "已取消": AfterSale.OVER,
    "售后完成": AfterSale.SUCCESS,
    "退款完成": AfterSale.SUCCESS,
    "退款成功": AfterSale.SUCCESS,
    "已退款": AfterSale.SUCCESS,
}

_COLUMNS: Final = (
    Column("order_no", ("订单号",), "id"),
    Column("created_at", ("订单下单时间",), "time"),
    Column("paid_at", ("支付时间",), "time"),
    Column("finished_at", ("订单确认收货时间",), "time"),
    Column("state", ("订单状态",)),
    Column("paid", ("订单实际支付金额",)),
    Column("received", ("订单实际收款金额",)),
    Column("shipping", ("订单运费",)),
    Column("across", ("跨店优惠",)),
    Column("points", ("积分抵扣",)),
    Column("gift_no", ("礼物单号",), wanted=False),
    Column("presale", ("是否预售",)),
    Column("product_id", ("商品编码(平台)",), "id"),
    Column("line_paid", ("商品实际价格(总共)",)),
    Column("quantity", ("商品数量",)),
    Column("after_sale", ("商品售后",)),
    Column("line_refunded", ("商品已退款金额",)),
)


def build_order(rows: Sequence[OrderRow]) -> Built:
    """
    Make one order of its rows.

    Args:
        rows: The distinct rows of one order number.

    Returns:
        The order. Its lines state amounts when these add up to what was paid; when they do so only without 跨店优惠 and
        积分抵扣, which belong to no line, the order states its own amounts alone.

    Raises:
        BadRow: A cell cannot be read, a state is unknown, or rows differ in what belongs to the order.

    Source: readers of real files. Rows without the goods columns give an order without lines.
    """
    row = rows[0]
    status = agreed_state(rows)
    cases = [after_sale(each, "after_sale", _AFTER_SALE) for each in rows]
    created_at, paid_at = agreed_time(rows, "created_at"), agreed_time(rows, "paid_at")
    finished_at, received = agreed_time(rows, "finished_at"), agreed_fen(rows, "received")
    row.needed_fen("paid")
    paid, shipping = agreed_fen(rows, "paid") or 0, agreed_fen(rows, "shipping")
    refunded = total([each.fen("line_refunded") for each in rows])
    if refunded is None and row.has("line_refunded"):
        refunded = 0
    unpaid = status is OrderStatus.UNPAID or (status is OrderStatus.CLOSED and not refunded and paid_at is None)
    expected, alone = (None, False) if unpaid else _balance(rows, paid, shipping or 0)
    paid = 0 if unpaid else paid
    shipping = None if shipping is None else min(shipping, paid)
    refund_unknown = refunded is None and AfterSale.SUCCESS in cases
    return Built(
        (
            Order(
                platform=row.context.platform,
                order_no=row.key,
                shop_id=row.context.shop_id,
                status=status,
                kind=_kind(rows),
                created_at=created_at,
                paid_at=paid_at,
                finished_at=finished_at if status is OrderStatus.FINISHED else None,
                modified_at=row.context.exported_at,
                paid_fen=paid,
                shipping_fen=shipping,
                refunded_fen=refunded,
                refund_open=AfterSale.OPEN in cases or refund_unknown if row.has("after_sale") else None,
                lines=_lines(rows, stated=alone and not unpaid)
                if expected is None
                else doubtful_lines(shipping, expected),
                source=SourceKind.EXPORT,
            ),
        ),
        refund_unknown=refund_unknown,
        received_fen=received,
        doubt=None if expected is None else (row, "paid"),
    )


def agreed_state(rows: Sequence[OrderRow]) -> OrderStatus | None:
    """
    Read the state that all rows of an order repeat.

    Raises:
        BadRow: Rows differ, or the state is unknown.
    """
    agreed_word(rows, "state")
    return state_of(rows[0], "state", _STATES)


def _balance(rows: Sequence[OrderRow], paid: int, shipping: int) -> tuple[int | None, bool]:
    """Give what the lines come to when that is not what was paid, and whether their own amounts add up to it."""
    amounts = [row.fen("line_paid") for row in rows]
    if any(amount is None for amount in amounts):
        return (shipping, False) if shipping > paid else (None, False)
    goods = sum(amount or 0 for amount in amounts)
    if goods + shipping == paid:
        return None, True
    outside = (agreed_fen(rows, "across") or 0, agreed_fen(rows, "points") or 0)
    if paid in {goods + shipping - each for each in (*outside, sum(outside))}:
        return None, False
    return goods + shipping, False


def _kind(rows: Sequence[OrderRow]) -> OrderKind | None:
    if agreed_word(rows, "gift_no") is not None:
        return OrderKind.GIFT
    return OrderKind.PRESALE if any(row.word("presale") == "是" for row in rows) else None


def _lines(rows: Sequence[OrderRow], *, stated: bool) -> tuple[Line, ...] | None:
    rows = in_order(rows)
    products = [row.id("product_id") for row in rows]
    if any(product is None for product in products):
        return None
    return tuple(
        Line(
            line_id=name,
            paid_fen=row.fen("line_paid") if stated else None,
            refunded_fen=row.fen("line_refunded") if stated else None,
            product_id=product,
            quantity=row.pieces("quantity"),
        )
        for row, name, product in zip(rows, line_names(products), products, strict=True)
    )


LAYOUTS: Final = (
    Layout(
        name="wechat-orders",
        platforms=("wechat",),
        need=(("订单号", "订单实际支付金额"),),
        columns=_COLUMNS,
        key="order_no",
        several_rows=True,
        build=build_order,
        refund_amounts="line_refunded",
        received="received",
    ),
)
