"""
Douyin (抖店 → 订单管理 → 导出): one row per sub-order (item dimension) or per order with `;` lists (order dimension).

The merchant picks the columns at export time, so everything beyond the two numbers and the amount may be missing. The
file shows that a refund succeeded but not how much it was: amounts come with the after-sale file (`aftersale.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from crossloyalty.adapters.exports.cells import bare
from crossloyalty.adapters.exports.defects import DefectCode
from crossloyalty.adapters.exports.headers import Built, Column, Layout
from crossloyalty.adapters.exports.orderlevel import first as earliest
from crossloyalty.adapters.exports.orderlevel import last, order_status, total
from crossloyalty.adapters.exports.rows import OrderRow
from crossloyalty.domain.orders import Line, LineStatus, Order, OrderStatus, SourceKind

__all__ = ["LAYOUTS", "build_order"]

_STATES: Final = {
    "待支付": LineStatus.UNPAID,
    "备货中": LineStatus.PAID,
    "待发货": LineStatus.PAID,
    "已发货": LineStatus.SHIPPED,
    "已完成": LineStatus.FINISHED,
    "已关闭": LineStatus.CLOSED_REFUNDED,
}
_CLOSED: Final = (LineStatus.CLOSED_UNPAID, LineStatus.CLOSED_REFUNDED)
# Pairs stand with either comma; they are compared with the half-width one.
_AFTER_SALE_OVER: Final = frozenset({"售后关闭", "售后已拒绝", "换货成功"})
_AFTER_SALE_SUCCESS: Final = frozenset({"退款成功", "同意退款,退款成功", "已全额退款"})
# A pay-out that failed is not over: somebody has to send the money another way.
_AFTER_SALE_OPEN: Final = frozenset({"售后中", "售后处理中", "退款中", "同意退款,退款中", "同意退款,退款失败"})

_BORNE: Final = ("subsidy", "by_shop", "by_talent")
_UNKNOWN_PARTS: Final = ("changed", "tax", "education")

_COLUMNS: Final = (
    Column("order_no", ("主订单编号",), "id"),
    Column("line_id", ("子订单编号",), "id"),
    Column("product_id", ("商品ID",), "id"),
    Column("quantity", ("商品数量",)),
    Column("price", ("商品单价",)),
    Column("payable", ("订单应付金额",)),
    Column("pay_discount", ("支付优惠",)),
    Column("shipping", ("运费",)),
    Column("subsidy", ("平台实际承担优惠金额",)),
    Column("by_shop", ("商家实际承担优惠金额",)),
    Column("by_talent", ("达人实际承担优惠金额",)),
    Column("changed", ("商家改价",), wanted=False),
    Column("tax", ("税费",), wanted=False),
    Column("education", ("教育优惠",), wanted=False),
    Column("received", ("商家收入金额",), wanted=False),
    Column("state", ("订单状态",)),
    Column("after_sale", ("售后状态",)),
    Column("created_at", ("订单提交时间",), "time"),
    Column("paid_at", ("支付完成时间",), "time"),
    Column("finished_at", ("订单完成时间",), "time"),
)


class _Row(NamedTuple):
    """What one row comes to, in fen where it is money."""

    lines: list[Line]
    paid: int
    shipping: int | None
    subsidy: int | None
    received: int | None
    is_open: bool
    is_doubtful: bool
    refund_unknown: bool
    created_at: datetime | None
    paid_at: datetime | None
    finished_at: datetime | None


def build_order(rows: Sequence[OrderRow]) -> Built:
    """
    Make one order of its rows.

    Args:
        rows: The distinct rows of one order number.

    Returns:
        The order with a line per sub-order. Its status is that of the sub-order least far among those not closed.

    Raises:
        BadRow: A cell cannot be read, a state is unknown, lists differ in length, or two rows name one sub-order.

    Source: 订单应付金额, 运费 and 平台实际承担优惠金额 stand per row, and 订单应付金额 = goods + 运费 − borne discounts
    held on every one of 2,435 rows of a real file; 支付优惠 (a bank's or Douyin Pay's discount) is not taken off yet,
    while the platform's API page defines what the buyer paid as pay_amount − promotion_pay_amount. `-` means none.
    Where all those columns are there and do not balance, the amount is doubtful.
    """
    read = [_read(row) for row in rows]
    lines = [line for one in read for line in one.lines]
    seen: set[str] = set()
    for row, one in zip(rows, read, strict=True):
        for line in one.lines:
            if line.line_id in seen:
                raise row.bad(DefectCode.ROWS_CONTRADICT, "line_id", line.line_id)
            seen.add(line.line_id)
    first = rows[0]
    status = order_status([line.status for line in lines])
    return Built(
        (
            Order(
                platform=first.context.platform,
                order_no=first.key,
                shop_id=first.context.shop_id,
                status=status,
                created_at=earliest([one.created_at for one in read]),
                paid_at=earliest([one.paid_at for one in read]),
                finished_at=last([one.finished_at for one in read]) if status is OrderStatus.FINISHED else None,
                modified_at=first.context.exported_at,
                paid_fen=sum(one.paid for one in read),
                shipping_fen=total([one.shipping for one in read]),
                subsidy_fen=total([one.subsidy for one in read]),
                refund_open=any(one.is_open for one in read) if first.has("after_sale") else None,
                lines=tuple(lines),
                source=SourceKind.EXPORT,
            ),
        ),
        refund_unknown=any(one.refund_unknown for one in read),
        received_fen=total([one.received for one in read]),
        doubt=next(((row, "payable") for row, one in zip(rows, read, strict=True) if one.is_doubtful), None),
    )


def _read(row: OrderRow) -> _Row:
    after_sale = _after_sale(row)
    paid_at = row.time("paid_at")
    finished_at = row.time("finished_at")
    status = _line_status(row, was_paid=paid_at is not None or after_sale in _AFTER_SALE_SUCCESS)
    payable, discount = row.needed_fen("payable"), row.fen("pay_discount") or 0
    if discount > payable:
        raise row.bad(DefectCode.AMOUNTS_CONTRADICT, "pay_discount")
    # What was never paid counts nothing: 订单应付金额 is an amount due until then.
    unpaid = status in (LineStatus.UNPAID, LineStatus.CLOSED_UNPAID)
    unpaid = unpaid or (status is None and row.has("paid_at") and paid_at is None)
    paid = 0 if unpaid else payable - discount
    shipping = row.fen("shipping")
    shipping = None if shipping is None else min(shipping, paid)
    subsidy = row.fen("subsidy")
    if row.has("pay_discount"):
        subsidy = (subsidy or 0) + discount
    line_ids, products = _lists(row)
    quantity = row.pieces("quantity")
    finished = status is LineStatus.FINISHED
    alone = len(line_ids) == 1
    expected = _expected(row, quantity) if alone and not unpaid else None
    is_doubtful = expected is not None and expected != payable
    goods = paid - (shipping or 0)
    if is_doubtful and expected is not None:
        # A line that does not add up to what was paid: a claim is held for review.
        goods = max(0, goods + expected - payable)
    lines = [
        Line(
            line_id=line_id,
            paid_fen=goods if alone else None,
            status=status,
            finished_at=finished_at if finished else None,
            product_id=product,
            quantity=quantity if alone else None,  # the order dimension gives the sum
        )
        for line_id, product in zip(line_ids, products, strict=True)
    ]
    return _Row(
        lines=lines,
        paid=paid,
        shipping=shipping,
        subsidy=0 if unpaid and subsidy is not None else subsidy,
        received=row.fen("received"),
        is_open=after_sale in _AFTER_SALE_OPEN,
        is_doubtful=is_doubtful,
        refund_unknown=after_sale in _AFTER_SALE_SUCCESS and status not in _CLOSED,
        created_at=row.time("created_at"),
        paid_at=paid_at,
        finished_at=finished_at if finished else None,
    )


def _expected(row: OrderRow, quantity: int | None) -> int | None:
    """What the other columns come to; None when they are not all there, or one whose part nobody knows is filled."""
    if not all(row.has(field) for field in ("price", "shipping", *_BORNE)):
        return None
    price = row.fen("price")
    if price is None or quantity is None or any(row.unsigned_fen(field) for field in _UNKNOWN_PARTS):
        return None
    due = price * quantity + (row.fen("shipping") or 0) - sum(row.fen(field) or 0 for field in _BORNE)
    return max(0, due)


def _after_sale(row: OrderRow) -> str | None:
    state = row.word("after_sale")
    if state is None:
        return None
    state = state.replace("，", ",").replace(" ", "")
    if state in _AFTER_SALE_SUCCESS or state in _AFTER_SALE_OPEN or state in _AFTER_SALE_OVER:
        return state
    raise row.bad(DefectCode.STATE_UNKNOWN, "after_sale", is_word=True)


def _line_status(row: OrderRow, *, was_paid: bool) -> LineStatus | None:
    if not row.has("state"):
        return None
    state = row.word("state")
    if state is None:
        raise row.bad(DefectCode.STATE_MISSING, "state")
    status = _STATES.get(state)
    if status is None:
        raise row.bad(DefectCode.STATE_UNKNOWN, "state", is_word=True)
    # A paid sub-order closes only when all its money has gone back.
    return LineStatus.CLOSED_UNPAID if status is LineStatus.CLOSED_REFUNDED and not was_paid else status


def _lists(row: OrderRow) -> tuple[list[str], list[str | None]]:
    """Split the `;` lists of the order dimension, only when they agree in length."""
    if ";" not in row.raw("line_id"):
        line_id = row.id("line_id")
        if line_id is None:
            raise row.bad(DefectCode.ID_MISSING, "line_id")
        return [line_id], [row.id("product_id")]
    ids = _split(row, "line_id")
    if any(one is None for one in ids):
        raise row.bad(DefectCode.ID_MISSING, "line_id")
    products: list[str | None] = [None] * len(ids)
    if row.has("product_id") and row.word("product_id") is not None:
        products = _split(row, "product_id")
        if len(products) != len(ids):
            raise row.bad(DefectCode.LISTS_UNEQUAL, "product_id")
    return [one for one in ids if one is not None], products


def _split(row: OrderRow, field: str) -> list[str | None]:
    raw = row.raw(field)
    guard = "\t" if raw[:1] in ("=", "'", "\t") or raw[-1:] == "\t" else ""
    return [row.part_id(field, guard + part) for part in bare(raw).strip(";").split(";")]


LAYOUTS: Final = (
    Layout(
        name="douyin-orders",
        platforms=("douyin",),
        need=(("主订单编号", "子订单编号", "订单应付金额"),),
        columns=_COLUMNS,
        key="order_no",
        several_rows=True,
        build=build_order,
        received="received",
    ),
)
