"""
Taobao and Tmall: the item report (宝贝报表, ExportOrderDetailList), one row per sub-order.

Newer reports tell what was paid for each sub-order. The classic one of ten columns has list prices only; it is
recognised and refused with a sentence, since what was paid cannot be told from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, NoReturn

import attrs

from crossloyalty.adapters.exports.defects import DefectCode
from crossloyalty.adapters.exports.headers import Built, Column, Layout, normal_name
from crossloyalty.adapters.exports.orderlevel import first, last, order_status
from crossloyalty.adapters.exports.rows import OrderRow
from crossloyalty.domain.orders import Line, LineStatus, Order, OrderStatus, SourceKind

__all__ = ["LAYOUTS", "build_order"]

# Matched by prefix, as in the order list.
_STATES: Final = (
    ("等待买家付款", LineStatus.UNPAID),
    ("买家已付款", LineStatus.PAID),
    ("卖家已发货", LineStatus.SHIPPED),
    ("交易成功", LineStatus.FINISHED),
    ("交易关闭", LineStatus.CLOSED_REFUNDED),
)
# (prefix, whether the case is open, whether money went back). 没有申请退款 and 无退款申请 mean none.
_REFUNDS: Final = (
    ("没有申请退款", False, False),
    ("无退款", False, False),
    ("退款成功", False, True),
    ("退款关闭", False, False),
    ("买家已经申请退款", True, False),
    ("买家已申请退款", True, False),
    ("卖家已经同意退款", True, False),
    ("卖家拒绝退款", True, False),
    ("退款中", True, False),
)
_NET: Final = "买家实付金额"
_COLUMNS: Final = (
    Column("order_no", ("主订单编号",), "id"),
    Column("line_id", ("子订单编号",), "id"),
    Column("product_id", ("商品ID",), "id"),
    Column("price", ("价格", "商品价格")),
    Column("quantity", ("购买数量",)),
    Column("paid", ("买家实际支付金额", _NET)),
    Column("state", ("订单状态",)),
    Column("refund_state", ("退款状态",)),
    Column("refunded", ("退款金额",)),
    Column("created_at", ("订单创建时间",), "time"),
    Column("paid_at", ("订单付款时间",), "time"),
    Column("finished_at", ("确认收货时间",), "time"),
)


class _Item(NamedTuple):
    line: Line
    is_open: bool
    refund_unknown: bool
    most: int | None


def build_order(rows: Sequence[OrderRow]) -> Built:
    """
    Make one order of its sub-orders.

    Args:
        rows: The distinct rows of one order number.

    Returns:
        The order with a line per sub-order; what was paid is their sum. Freight is not in this report.

    Raises:
        BadRow: A cell cannot be read, a state is unknown, or two rows name one sub-order.

    Source: readers of real files. Order totals are absent from this report or repeated on each row, so an amount above
    价格 × 购买数量 on one of several rows is doubtful; a single row may hold the postage as well (the API page).
    """
    items = [_item(row) for row in rows]
    seen: set[str] = set()
    for row, item in zip(rows, items, strict=True):
        if item.line.line_id in seen:
            raise row.bad(DefectCode.ROWS_CONTRADICT, "line_id")
        seen.add(item.line.line_id)
    lines = [item.line for item in items]
    status = order_status([line.status for line in lines])
    paid = sum(line.paid_fen or 0 for line in lines)
    doubt: tuple[OrderRow, str] | None = None
    for place, (row, item) in enumerate(zip(rows, items, strict=True)):
        back, most = item.line.refunded_fen or 0, item.most
        above = most is not None and len(rows) > 1 and (item.line.paid_fen or 0) > most
        if above or back > (item.line.paid_fen or 0):
            doubt = doubt or (row, "paid")
            # Lines that do not add up to what was paid: a claim is held for review.
            lines[place] = attrs.evolve(item.line, paid_fen=back if most is None or not above else most)
    return Built(
        (
            Order(
                platform=rows[0].context.platform,
                order_no=rows[0].key,
                shop_id=rows[0].context.shop_id,
                status=status,
                created_at=first([row.time("created_at") for row in rows]),
                paid_at=first([row.time("paid_at") for row in rows]),
                finished_at=last([line.finished_at for line in lines]) if status is OrderStatus.FINISHED else None,
                modified_at=rows[0].context.exported_at,
                paid_fen=paid,
                refund_open=any(item.is_open for item in items) if rows[0].has("refund_state") else None,
                lines=tuple(lines),
                source=SourceKind.EXPORT,
            ),
        ),
        refund_unknown=any(item.refund_unknown for item in items),
        doubt=doubt,
    )


def _item(row: OrderRow) -> _Item:
    line_id = row.id("line_id")
    if line_id is None:
        raise row.bad(DefectCode.ID_MISSING, "line_id")
    refunded = (row.fen("refunded") or 0) if row.has("refunded") else None
    paid = row.needed_fen("paid")
    # A net amount shows when more went back than is left, as in the order list.
    if refunded and (refunded > paid if normal_name(row.context.spelled["paid"]) == _NET else paid == 0):
        paid += refunded
    is_open, went_back = _refund_state(row)
    paid_at, status = row.time("paid_at"), _status(row)
    if status is LineStatus.CLOSED_REFUNDED and not refunded and not went_back and paid_at is None:
        status = LineStatus.CLOSED_UNPAID
    if status in (LineStatus.UNPAID, LineStatus.CLOSED_UNPAID):
        paid = 0
    price, count = row.fen("price"), row.pieces("quantity")
    return _Item(
        Line(
            line_id=line_id,
            paid_fen=paid,
            refunded_fen=refunded,
            status=status,
            finished_at=row.time("finished_at") if status is LineStatus.FINISHED else None,
            product_id=row.id("product_id"),
            quantity=count,
        ),
        is_open,
        refund_unknown=went_back and refunded is None,
        most=None if price is None or count is None else price * count,
    )


def _status(row: OrderRow) -> LineStatus | None:
    if not row.has("state"):
        return None
    state = row.word("state")
    if state is None:
        raise row.bad(DefectCode.STATE_MISSING, "state")
    for prefix, status in _STATES:
        if state.startswith(prefix):
            return status
    raise row.bad(DefectCode.STATE_UNKNOWN, "state", is_word=True)


def _refund_state(row: OrderRow) -> tuple[bool, bool]:
    state = row.word("refund_state")
    if state is None:
        return False, False
    for prefix, is_open, went_back in _REFUNDS:
        if state.startswith(prefix):
            return is_open, went_back
    raise row.bad(DefectCode.STATE_UNKNOWN, "refund_state", is_word=True)


def _refused(_: Sequence[OrderRow]) -> NoReturn:
    raise AssertionError("a refused layout builds nothing")


_CLASSIC_EN: Final = (
    "this item report (ExportOrderDetailList) does not tell what was paid; upload the order report (ExportOrderList)"
)
_CLASSIC_ZH: Final = "这份宝贝报表没有实付金额，请上传订单报表（ExportOrderList）"

LAYOUTS: Final = (
    Layout(
        name="taobao-items",
        platforms=("taobao", "tmall"),
        need=(
            ("子订单编号", "主订单编号", "购买数量", "买家实际支付金额"),
            ("子订单编号", "主订单编号", "购买数量", _NET),
        ),
        never=("买家会员名",),
        columns=_COLUMNS,
        key="order_no",
        several_rows=True,
        build=build_order,
        refund_amounts="refunded",
    ),
    Layout(
        name="taobao-items-classic",
        platforms=("taobao", "tmall"),
        need=(("订单编号", "标题", "价格", "购买数量"), ("子订单编号", "主订单编号", "购买数量")),
        never=("买家会员名", "买家实际支付金额", _NET),
        columns=(),
        key="order_no",
        build=_refused,
        refused=(_CLASSIC_EN, _CLASSIC_ZH),
    ),
)
