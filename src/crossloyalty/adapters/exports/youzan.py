"""
Youzan (有赞, the private side): the order export, one row per order, and the item export, one row per goods.

Both describe the same orders, so import one of them: of two snapshots of one kind the newer replaces the older whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from crossloyalty.adapters.exports.defects import DefectCode
from crossloyalty.adapters.exports.headers import Built, Column, Layout
from crossloyalty.adapters.exports.orderlevel import (
    AfterSale,
    after_sale,
    agreed_fen,
    agreed_time,
    doubtful_lines,
    in_order,
    last,
    line_names,
    order_status,
    state_of,
    total,
)
from crossloyalty.adapters.exports.rows import OrderRow
from crossloyalty.domain.orders import Line, LineStatus, Order, OrderStatus, SourceKind

__all__ = ["LAYOUTS", "build_order", "build_order_of_items"]

_STATES: Final = {
    "待付款": OrderStatus.UNPAID,
    "待发货": OrderStatus.PAID,
    "已发货": OrderStatus.SHIPPED,
    "交易完成": OrderStatus.FINISHED,
    "交易关闭": OrderStatus.CLOSED,
}
_LINE_STATES: Final = {
    "待付款": LineStatus.UNPAID,
    "待发货": LineStatus.PAID,
    "已发货": LineStatus.SHIPPED,
    "交易完成": LineStatus.FINISHED,
    "交易关闭": LineStatus.CLOSED_REFUNDED,
}
# Not verified; anything else is set aside row by row.
_AFTER_SALE: Final = {
    "无": AfterSale.NONE,
    "无退款": AfterSale.NONE,
    "未退款": AfterSale.NONE,
    "退款中": AfterSale.OPEN,
    "部分退款": AfterSale.SUCCESS,
    "全额退款": AfterSale.SUCCESS,
    "已退款": AfterSale.SUCCESS,
    "退款成功": AfterSale.SUCCESS,
    "退款关闭": AfterSale.OVER,
}

_COLUMNS: Final = (
    Column("order_no", ("订单号",), "id"),
    Column("paid_at", ("买家付款时间",), "time"),
    Column("finished_at", ("交易成功时间",), "time"),
    Column("paid", ("订单实付金额",)),
    Column("shipping", ("运费",), wanted=False),
    Column("state", ("订单状态",)),
    Column("refunded", ("订单已退款金额",)),
)
_ITEM_COLUMNS: Final = (
    Column("order_no", ("订单号",), "id"),
    Column("state", ("订单商品状态",)),
    Column("paid_at", ("买家付款时间",), "time"),
    Column("finished_at", ("交易成功时间",), "time"),
    Column("sku", ("规格编码",)),
    Column("product", ("商品编码",)),
    Column("quantity", ("商品数量",)),
    Column("price", ("商品单价",)),
    Column("line_paid", ("商品实际成交金额",)),
    Column("after_sale", ("商品退款状态",)),
    Column("line_refunded", ("商品已退款金额",)),
    Column("paid", ("订单实付金额",), wanted=False),
)


def build_order(rows: Sequence[OrderRow]) -> Built:
    """
    Make the order of its row.

    Args:
        rows: The distinct rows of one order number; more than one contradict each other.

    Returns:
        The order, without lines.

    Raises:
        BadRow: A cell cannot be read, the state is unknown, or two rows differ.

    Source: readers of real files. Without a column 运费 what was paid may hold freight.
    """
    row = rows[0]
    if len(rows) > 1:
        raise rows[1].bad(DefectCode.ROWS_CONTRADICT, "order_no")
    status = state_of(row, "state", _STATES)
    paid_at, paid, raw_shipping = row.time("paid_at"), row.needed_fen("paid"), row.fen("shipping")
    refunded = (row.fen("refunded") or 0) if row.has("refunded") else None
    unpaid = status is OrderStatus.UNPAID or (status is OrderStatus.CLOSED and not refunded and paid_at is None)
    paid = 0 if unpaid else paid
    shipping = None if raw_shipping is None else min(raw_shipping, paid)
    # More refunded or more freight than was paid in all cannot be.
    expected = max(raw_shipping or 0, refunded or 0)
    doubtful = not unpaid and expected > paid
    return Built(
        (
            Order(
                platform=row.context.platform,
                order_no=row.key,
                shop_id=row.context.shop_id,
                status=status,
                paid_at=paid_at,
                finished_at=row.time("finished_at") if status is OrderStatus.FINISHED else None,
                modified_at=row.context.exported_at,
                paid_fen=paid,
                shipping_fen=shipping,
                refunded_fen=refunded,
                lines=doubtful_lines(shipping, expected) if doubtful else None,
                source=SourceKind.EXPORT,
            ),
        ),
        refund_unknown=refunded is None and status is OrderStatus.CLOSED and paid > 0,
        doubt=(row, "paid") if doubtful else None,
    )


def build_order_of_items(rows: Sequence[OrderRow]) -> Built:
    """
    Make one order of its items.

    Args:
        rows: The distinct rows of one order number.

    Returns:
        The order with a line per row. 商品实际成交金额 has discounts and freight shared out already.

    Raises:
        BadRow: A cell cannot be read, a state is unknown, or rows differ in what belongs to the order.

    Source: readers of real files; that items add up to what was paid, freight included, is how the platform's API page
    defines the same figure.
    """
    rows = in_order(rows)
    row = rows[0]
    names = line_names([each.word("sku") or each.word("product") for each in rows])
    lines = [_line(each, name) for each, name in zip(rows, names, strict=True)]
    cases = [after_sale(each, "after_sale", _AFTER_SALE) for each in rows]
    status = order_status([line.status for line in lines])
    sum_of_lines = sum(line.paid_fen or 0 for line in lines)
    stated = agreed_fen(rows, "paid")
    unpaid = all(line.status in (LineStatus.UNPAID, LineStatus.CLOSED_UNPAID) for line in lines)
    paid = sum_of_lines if unpaid or stated is None else stated
    doubtful = paid != sum_of_lines
    refund_unknown = not row.has("line_refunded") and AfterSale.SUCCESS in cases
    return Built(
        (
            Order(
                platform=row.context.platform,
                order_no=row.key,
                shop_id=row.context.shop_id,
                status=status,
                paid_at=agreed_time(rows, "paid_at"),
                finished_at=last([line.finished_at for line in lines]) if status is OrderStatus.FINISHED else None,
                modified_at=row.context.exported_at,
                paid_fen=paid,
                refunded_fen=total([line.refunded_fen for line in lines]),
                refund_open=AfterSale.OPEN in cases or refund_unknown if row.has("after_sale") else None,
                lines=doubtful_lines(None, sum_of_lines) if doubtful else tuple(lines),
                source=SourceKind.EXPORT,
            ),
        ),
        refund_unknown=refund_unknown,
        doubt=(row, "paid") if doubtful else None,
    )


def _line(row: OrderRow, name: str) -> Line:
    status = state_of(row, "state", _LINE_STATES)
    refunded = (row.fen("line_refunded") or 0) if row.has("line_refunded") else None
    if status is LineStatus.CLOSED_REFUNDED and not refunded and row.time("paid_at") is None:
        status = LineStatus.CLOSED_UNPAID
    paid = row.needed_fen("line_paid")
    return Line(
        line_id=name,
        paid_fen=0 if status in (LineStatus.UNPAID, LineStatus.CLOSED_UNPAID) else paid,
        refunded_fen=refunded,
        status=status,
        finished_at=row.time("finished_at") if status is LineStatus.FINISHED else None,
        is_free_gift=True if row.fen("price") == 0 else None,
        quantity=row.pieces("quantity"),
    )


LAYOUTS: Final = (
    Layout(
        name="youzan-orders",
        platforms=("youzan",),
        need=(("订单号", "订单实付金额", "订单状态"),),
        never=("订单商品状态",),
        columns=_COLUMNS,
        key="order_no",
        build=build_order,
        refund_amounts="refunded",
    ),
    Layout(
        name="youzan-items",
        platforms=("youzan",),
        need=(("订单号", "订单商品状态", "商品实际成交金额"),),
        columns=_ITEM_COLUMNS,
        key="order_no",
        several_rows=True,
        build=build_order_of_items,
        refund_amounts="line_refunded",
    ),
)
