"""
JD (京东商家后台): the order export, and the settlement file (对账), which alone shows refunded amounts.

The order export has one row per goods and repeats the order's money on each. An order that JD splits by warehouse stays
in the file as a deleted parent, and its children are orders of their own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from crossloyalty.adapters.exports.cells import bare
from crossloyalty.adapters.exports.defects import DefectCode
from crossloyalty.adapters.exports.headers import Built, Column, Layout, Split
from crossloyalty.adapters.exports.orderlevel import (
    agreed_fen,
    agreed_time,
    agreed_word,
    doubtful_lines,
    in_order,
    last,
    line_names,
    nearest,
    plain_word,
)
from crossloyalty.adapters.exports.rows import OrderRow
from crossloyalty.domain.orders import Line, Order, OrderKind, OrderStatus, Refund, RefundStatus, SourceKind

__all__ = ["LAYOUTS", "build_order", "build_refunds"]

_STATES: Final = {
    "等待付款": OrderStatus.UNPAID,
    "等待付款确认": OrderStatus.UNPAID,
    "未付款": OrderStatus.UNPAID,
    "等待出库": OrderStatus.PAID,
    "暂停": OrderStatus.PAID,
    "暂停订单": OrderStatus.PAID,
    "锁定": OrderStatus.PAID,
    "锁定订单": OrderStatus.PAID,
    "等待确认收货": OrderStatus.SHIPPED,
    "完成": OrderStatus.FINISHED,
    "已完成": OrderStatus.FINISHED,
    "已取消": OrderStatus.CLOSED,
}
_DELETED: Final = "(删除)"
_LOCKED: Final = "(锁定)"
_SPLIT: Final = re.compile(r"订单拆分为((?:[\s、,，;；]*[0-9]{9,20}){1,50})", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9]{9,20}", re.ASCII)

_COLUMNS: Final = (
    Column("order_no", ("订单号",), "id"),
    Column("product_id", ("商品ID",), "id"),
    Column("quantity", ("订购数量",)),
    Column("pay_way", ("支付方式",)),
    Column("created_at", ("下单时间",), "time"),
    Column("price", ("京东价",)),
    Column("goods", ("订单金额",)),
    Column("received", ("结算金额",)),
    Column("balance", ("余额支付",)),
    Column("payable", ("应付金额",)),
    Column("state", ("订单状态",)),
    Column("split", ("商家备注",), "note"),
    Column("shipping", ("运费金额",)),
    Column("service", ("服务费",), wanted=False),
    Column("paid_at", ("付款确认时间",), "time"),
    Column("finished_at", ("订单完成时间",), "time"),
)
_SETTLEMENT_COLUMNS: Final = (
    Column("order_no", ("订单编号",), "id"),
    Column("parent_no", ("父单号",), "id", wanted=False),
    Column("refund_id", ("售后服务单号",), "id"),
    Column("refunded_at", ("售后退款时间",), "time"),
    Column("product_id", ("商品编号",), "id"),
    Column("fee", ("费用名称",)),
    Column("amount", ("应结金额",)),
    Column("direction", ("收支方向",)),
    Column("billed_at", ("账单生成时间",), "time"),
)


def build_order(rows: Sequence[OrderRow]) -> Built:
    """
    Make one order of its rows.

    Args:
        rows: The distinct rows of one order number.

    Returns:
        The order, or nothing for a parent that was split: its number leads to its children, which are orders of their
        own. Amounts per line are stated only where one row alone can have them, since the file gives none.

    Raises:
        BadRow: A cell cannot be read, the state is unknown, or rows differ in what belongs to the order.

    Source: readers of real files. 应付金额 leaves out what was paid by 余额支付. `(删除)` before a state voids the
    order whatever follows, `(锁定)` is a cancellation asked for. 商家备注 of a split parent says
    订单拆分为 and the children.
    """
    row = rows[0]
    state = _state(rows)
    deleted, locked = state.startswith(_DELETED), state.startswith((_LOCKED, "锁定"))
    status = OrderStatus.CLOSED if deleted else _STATES.get(state.removeprefix(_LOCKED))
    if status is None:
        raise row.bad(DefectCode.STATE_UNKNOWN, "state", is_word=True)
    children = tuple(dict.fromkeys(number for each in rows for number in split_into(each.raw("split"))))
    created_at, paid_at = agreed_time(rows, "created_at"), agreed_time(rows, "paid_at")
    finished_at, received = agreed_time(rows, "finished_at"), agreed_fen(rows, "received")
    row.needed_fen("payable")
    paid = (agreed_fen(rows, "payable") or 0) + (agreed_fen(rows, "balance") or 0)
    shipping = agreed_fen(rows, "shipping")
    if children and deleted:
        return Built((), split=Split(row.key, children))  # the money went to the children, and so does its number
    unpaid = status is OrderStatus.UNPAID or (status is OrderStatus.CLOSED and paid_at is None)
    doubt = None if unpaid else _doubt(rows, paid, shipping)
    paid = 0 if unpaid else paid
    shipping = None if shipping is None else min(shipping, paid)
    lines = _lines(rows, paid - (shipping or 0)) if doubt is None else doubtful_lines(shipping, doubt)
    parent = row.context.parents.get(row.key)
    if parent is not None:
        lines = (*(lines or (Line(line_id="sum:goods", paid_fen=paid - (shipping or 0)),)), _parent_line(parent))
    return Built(
        (
            Order(
                platform=row.context.platform,
                order_no=row.key,
                shop_id=row.context.shop_id,
                status=status,
                kind=OrderKind.COD if "货到付款" in (agreed_word(rows, "pay_way") or "") else None,
                created_at=created_at,
                paid_at=paid_at,
                finished_at=finished_at if status is OrderStatus.FINISHED else None,
                modified_at=row.context.exported_at,
                paid_fen=paid,
                shipping_fen=shipping,
                refund_open=True if locked and not deleted else None,  # the file tells of no other case
                lines=lines,
                source=SourceKind.EXPORT,
            ),
        ),
        refund_unknown=status is OrderStatus.CLOSED and paid > 0,
        received_fen=received,
        doubt=None if doubt is None else (row, "payable"),
    )


def _parent_line(parent: str) -> Line:
    """
    Make the parent's number lead to this order, as the adapter of JD's API does.

    A line of that number that cost nothing makes it one of the order's own numbers; the first child the remark names
    has it, and its claim is the only one that the parent's number can lead to.
    """
    return Line(line_id=parent, paid_fen=0, is_free_gift=True)


def _state(rows: Sequence[OrderRow]) -> str:
    state = agreed_word(rows, "state")
    if state is None:
        raise rows[0].bad(DefectCode.STATE_MISSING, "state")
    return plain_word(state)


def _doubt(rows: Sequence[OrderRow], paid: int, shipping: int | None) -> int | None:
    """What the order can have cost at most, when more was paid than that; nobody pays above price, freight and fee."""
    goods = agreed_fen(rows, "goods")
    if goods is None:
        return None
    return nearest(paid, shipping or 0, goods + (shipping or 0) + (agreed_fen(rows, "service") or 0))


def _lines(rows: Sequence[OrderRow], goods: int) -> tuple[Line, ...] | None:
    rows = in_order(rows)
    products = [row.id("product_id") for row in rows]
    if any(product is None for product in products):
        return None
    gifts = [row.fen("price") == 0 for row in rows]
    alone = len(rows) - sum(gifts) == 1 or len(rows) == 1
    return tuple(
        Line(
            line_id=name,
            paid_fen=(0 if is_gift and len(rows) > 1 else goods) if alone else None,
            is_free_gift=True if is_gift else None,
            product_id=product,
            quantity=row.pieces("quantity"),
        )
        for row, name, product, is_gift in zip(rows, line_names(products, "sku-"), products, gifts, strict=True)
    )


def split_note(cell: str) -> str:
    """Give what of a remark is kept: the numbers an order was split into, and nothing a person wrote."""
    found = _SPLIT.search(cell)
    return "" if found is None else bare(found[0])


def split_into(note: str) -> tuple[str, ...]:
    """Give the numbers an order was split into, out of its remark."""
    found = _SPLIT.search(note)
    return () if found is None else tuple(dict.fromkeys(_NUMBER.findall(found[1])))


def build_refunds(rows: Sequence[OrderRow]) -> Built:
    """
    Make the refunds of one order out of its settlement rows.

    Args:
        rows: The distinct rows of one order number; income and fees among them are passed over.

    Returns:
        A refund per after-sale number; the amounts of several rows of one are added.

    Raises:
        BadRow: A cell cannot be read, or a refund names neither an after-sale number nor its time.

    Source: 费用名称 货款 with 收支方向 支出 is a refund (a reader of real files); a minus before it is not known.
    父单号 is the number the buyer saw before JD split the order.
    """
    context = rows[0].context
    found: dict[str, list[OrderRow]] = {}
    parents = {parent for parent in (row.id("parent_no") for row in rows) if parent not in (None, "0", rows[0].key)}
    for row in rows:
        if plain_word(bare(row.raw("fee"))) == "货款" and plain_word(bare(row.raw("direction"))) == "支出":
            found.setdefault(_refund_id(row), []).append(row)
    refunds = []
    for refund_id, of_one in found.items():
        amounts = [row.unsigned_fen("amount") for row in of_one]
        for row, amount in zip(of_one, amounts, strict=True):
            if amount is None:
                raise row.bad(DefectCode.MONEY_MISSING, "amount")
        stated = [row.time(field) for row in of_one for field in ("refunded_at", "billed_at")]
        refunds.append(
            Refund(
                platform=context.platform,
                order_no=rows[0].key,
                refund_id=refund_id,
                status=RefundStatus.SUCCESS,
                amount_fen=sum(amount or 0 for amount in amounts),
                line_id=_line_of(of_one),
                modified_at=context.exported_at or last(stated),
                source=SourceKind.EXPORT,
            )
        )
    parent = min(parents, default=None, key=str)
    return Built(tuple(refunds), split=None if parent is None else Split(parent, (rows[0].key,)))


def _refund_id(row: OrderRow) -> str:
    service = row.id("refund_id")
    if service is not None:
        return f"afs-{service}"  # as the SP-API names it, and routerjson with `services_named_by="service"`
    moment = row.time("refunded_at")
    if moment is None:
        raise row.bad(DefectCode.ID_MISSING, "refund_id")
    return f"settled-{row.key}-{moment:%Y%m%d%H%M%S}"


def _line_of(rows: Sequence[OrderRow]) -> str | None:
    products = {row.id("product_id") for row in rows}
    product = products.pop() if len(products) == 1 else None
    return None if product is None else f"sku-{product}"


LAYOUTS: Final = (
    Layout(
        name="jd-orders",
        platforms=("jd",),
        need=(("订单号", "下单账号", "应付金额"),),
        columns=_COLUMNS,
        key="order_no",
        several_rows=True,
        build=build_order,
        received="received",
        note=split_note,
        children=split_into,
    ),
    Layout(
        name="jd-settlement",
        platforms=("jd",),
        need=(("订单编号", "费用名称", "应结金额", "收支方向"),),
        columns=_SETTLEMENT_COLUMNS,
        key="order_no",
        several_rows=True,
        build=build_refunds,
        refund_amounts="amount",
    ),
)
