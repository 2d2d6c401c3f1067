"""Douyin's after-sale file (抖店 → 售后单 → 导出): the amounts that its order file does not show."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from crossloyalty.adapters.exports.defects import DefectCode
from crossloyalty.adapters.exports.headers import Built, Column, Layout
from crossloyalty.adapters.exports.rows import OrderRow
from crossloyalty.domain.orders import Refund, RefundStatus, SourceKind

__all__ = ["LAYOUTS", "build_refund"]

# Seen in readers of real files: 同意退款,退款成功 · 退款成功 · 已全额退款 · 售后关闭 · 售后已拒绝 · 换货成功 · 售后中 ·
# 售后处理中 · 同意退款,退款中 · 同意退款,退款失败. The 待… steps are the back end's own names of the open steps
# (inferred); all they do is hold an issue. Anything else is refused row by row.
_STATES: Final = {
    "同意退款,退款成功": RefundStatus.SUCCESS,
    "退款成功": RefundStatus.SUCCESS,
    "已全额退款": RefundStatus.SUCCESS,
    "售后关闭": RefundStatus.CLOSED,
    "售后已拒绝": RefundStatus.CLOSED,
    "换货成功": RefundStatus.CLOSED,
    "售后中": RefundStatus.OPEN,
    "售后处理中": RefundStatus.OPEN,
    "退款中": RefundStatus.OPEN,
    "同意退款,退款中": RefundStatus.OPEN,
    "待商家处理": RefundStatus.OPEN,
    "待买家退货": RefundStatus.OPEN,
    "待商家收货": RefundStatus.OPEN,
    "同意退款,退款失败": RefundStatus.PAYOUT_FAILED,
}
_TIMES: Final = ("applied_at", "agreed_at", "refunded_at", "arrived_at", "closed_at", "over_at")

_COLUMNS: Final = (
    Column("refund_id", ("售后单号",), "id"),
    Column("order_no", ("订单号",), "id"),
    Column("line_id", ("商品单号",), "id"),
    Column("state", ("售后状态",)),
    Column("goods", ("退商品金额(元)",)),
    Column("shipping", ("退运费金额(元)",)),
    Column("pay_discount", ("退支付优惠(元)",)),
    Column("applied_at", ("售后申请时间",), "time"),
    Column("agreed_at", ("同意售后申请时间",), "time"),
    Column("refunded_at", ("商家退款时间",), "time"),
    Column("arrived_at", ("用户到账时间",), "time"),
    Column("closed_at", ("售后关闭时间",), "time"),
    Column("over_at", ("售后完结时间",), "time"),
)


def build_refund(rows: Sequence[OrderRow]) -> Built:
    """
    Make one refund of its row.

    Args:
        rows: The distinct rows of one after-sale number; more than one contradict each other.

    Returns:
        The refund. Its version is the export moment, or the latest time of the row when that is unknown.

    Raises:
        BadRow: A cell cannot be read, the state is unknown, amounts contradict, or two rows differ.

    Source: 退商品金额 includes 退支付优惠, the part the bank or Douyin Pay gets back and not the buyer; one reader of
    real files takes it off and strips a minus sign some files put before it. 换货成功 moves no money.
    """
    row = rows[0]
    if len(rows) > 1:
        raise rows[1].bad(DefectCode.ROWS_CONTRADICT, "refund_id")
    order_no = row.order_id("order_no")
    status = _status(row)
    goods, shipping = _needed(row, "goods", status), row.fen("shipping") or 0
    discount = row.unsigned_fen("pay_discount") or 0
    if discount > goods:
        raise row.bad(DefectCode.AMOUNTS_CONTRADICT, "pay_discount")
    stated = [moment for moment in (row.time(field) for field in _TIMES) if moment is not None]
    latest: datetime | None = max(stated, default=None)
    refund = Refund(
        platform=row.context.platform,
        order_no=order_no,
        refund_id=row.key,
        status=status,
        amount_fen=goods + shipping,
        line_id=row.id("line_id"),
        goods_fen=goods - discount,
        shipping_fen=shipping,
        subsidy_fen=discount,
        modified_at=row.context.exported_at or latest,
        source=SourceKind.EXPORT,
    )
    return Built((refund,))


def _status(row: OrderRow) -> RefundStatus:
    state = row.word("state")
    if state is None:
        raise row.bad(DefectCode.STATE_MISSING, "state")
    status = _STATES.get(state.replace("，", ",").replace(" ", ""))
    if status is None:
        raise row.bad(DefectCode.STATE_UNKNOWN, "state", is_word=True)
    return status


def _needed(row: OrderRow, field: str, status: RefundStatus) -> int:
    """An exchange or a closed case may leave the amount blank; one that moves or may move money states it."""
    return row.fen(field) or 0 if status is RefundStatus.CLOSED else row.needed_fen(field)


LAYOUTS: Final = (
    Layout(
        name="douyin-aftersale",
        platforms=("douyin",),
        need=(("售后单号", "订单号", "退商品金额(元)", "售后状态"),),
        columns=_COLUMNS,
        key="refund_id",
        build=build_refund,
        refund_amounts="goods",
    ),
)
