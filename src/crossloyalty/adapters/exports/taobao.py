"""
Taobao and Tmall: the order list of 已卖出的宝贝 → 批量导出 (订单报表), classic and Qianniu names.

One row is one order; its items are summed, so orders come without lines. The item report (宝贝报表) has a module of its
own (`taobao_items.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from crossloyalty.adapters.exports.defects import DefectCode
from crossloyalty.adapters.exports.headers import Built, Column, Layout, normal_name
from crossloyalty.adapters.exports.orderlevel import doubtful_lines, nearest
from crossloyalty.adapters.exports.rows import OrderRow
from crossloyalty.domain.orders import Order, OrderKind, OrderStatus, SourceKind

__all__ = ["LAYOUTS", "build_order"]

# Matched by prefix: the comma is full-width in some exports and what follows it is missing in others.
_STATES: Final = (
    ("等待买家付款", OrderStatus.UNPAID),
    ("买家已付款", OrderStatus.PAID),
    ("卖家已发货", OrderStatus.SHIPPED),
    ("交易成功", OrderStatus.FINISHED),
    ("交易关闭", OrderStatus.CLOSED),
)

_NET: Final = "买家实付金额"
_COLUMNS: Final = (
    Column("order_no", ("订单编号",), "id"),
    Column("state", ("订单状态",)),
    Column("paid", ("买家实际支付金额", _NET)),
    Column("goods", ("买家应付货款",)),
    Column("shipping", ("买家应付邮费",)),
    Column("received", ("打款商家金额", "确认收货打款金额"), wanted=False),
    Column("refunded", ("退款金额",)),
    Column("created_at", ("订单创建时间", "买家下单时间"), "time"),
    Column("paid_at", ("订单付款时间", "买家付款时间"), "time"),
    Column("finished_at", ("确认收货时间",), "time"),
    Column("phases", ("分阶段订单信息",)),
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

    Source: 买家实际支付金额 is what the buyer paid, 买家应付邮费 included. 退款金额 may be the word 无退款申请. Newer
    exports give 买家实付金额 already net for a refunded order (0 for a fully refunded one),
    which shows when 退款金额 is larger. 交易关闭 with a refund was paid before, without one it was cancelled unpaid.
    Nobody pays more than 买家应付货款 and 买家应付邮费 together: an amount above that is doubtful. Less is usual, since
    the platform's own coupons and coins pay a part.
    """
    row = rows[0]
    if len(rows) > 1:
        raise rows[1].bad(DefectCode.ROWS_CONTRADICT, "order_no")
    status = _status(row)
    paid, refunded = _amounts(row)
    shipping = row.fen("shipping")
    paid_at = row.time("paid_at")
    kind = None if row.word("phases") is None else OrderKind.PRESALE
    if status is OrderStatus.CLOSED and not refunded and paid_at is None:
        paid = 0
    expected = None if kind is not None else _expected(row, paid, refunded)
    shipping = None if shipping is None else min(shipping, paid)
    return Built(
        (
            Order(
                platform=row.context.platform,
                order_no=row.key,
                shop_id=row.context.shop_id,
                status=status,
                kind=kind,
                created_at=row.time("created_at"),
                paid_at=paid_at,
                finished_at=row.time("finished_at") if status is OrderStatus.FINISHED else None,
                modified_at=row.context.exported_at,
                paid_fen=paid,
                shipping_fen=shipping,
                refunded_fen=refunded,
                lines=None if expected is None else doubtful_lines(shipping, expected),
                source=SourceKind.EXPORT,
            ),
        ),
        refund_unknown=refunded is None and status is OrderStatus.CLOSED and paid > 0,
        received_fen=row.fen("received"),
        doubt=None if expected is None else (row, "paid"),
    )


def _status(row: OrderRow) -> OrderStatus | None:
    if not row.has("state"):
        return None  # the Qianniu subset of 2026 has no such column
    state = row.word("state")
    if state is None:
        raise row.bad(DefectCode.STATE_MISSING, "state")
    for prefix, status in _STATES:
        if state.startswith(prefix):
            return status
    raise row.bad(DefectCode.STATE_UNKNOWN, "state", is_word=True)


def _amounts(row: OrderRow) -> tuple[int, int | None]:
    """What the buyer paid in all and what went back, in fen; the latter None when the file has no such column."""
    refunded = (row.fen("refunded") or 0) if row.has("refunded") else None
    paid = row.needed_fen("paid")
    if not refunded:
        return paid, refunded
    # A classic amount is never net, but 0 against a refund can only be a net one.
    is_net = refunded > paid if normal_name(row.context.spelled["paid"]) == _NET else paid == 0
    return paid + refunded if is_net else paid, refunded


def _expected(row: OrderRow, paid: int, refunded: int | None) -> int | None:
    """What was due, when more than that was paid, or what went back when it is more; None when there is no doubt."""
    goods, back = row.fen("goods"), refunded or 0
    due = max(paid, back) if goods is None else goods + (row.fen("shipping") or 0)
    return nearest(paid, min(back, due), due)


LAYOUTS: Final = (
    Layout(
        name="taobao-orders",
        platforms=("taobao", "tmall"),
        need=(
            ("订单编号", "买家应付货款", "买家实际支付金额", "订单状态"),
            ("订单编号", "买家实付金额"),
        ),
        never=("子订单编号",),
        columns=_COLUMNS,
        key="order_no",
        build=build_order,
        refund_amounts="refunded",
        received="received",
    ),
)
