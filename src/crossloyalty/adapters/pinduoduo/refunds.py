"""
One after-sale case of Pinduoduo as a `Refund`.

Only the list is read: its amounts are yuan. The detail's very likely are fen and its types are numbered otherwise, and
neither is written down, so nothing is taken from there. Source: the table of `pdd.refund.list.increment.get`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from crossloyalty.adapters.pinduoduo.aftersale import kind_of, state_of
from crossloyalty.adapters.pinduoduo.answers import PLATFORM
from crossloyalty.adapters.wire.doubts import UnknownStatus, or_doubtful
from crossloyalty.adapters.wire.reading import Node
from crossloyalty.adapters.wire.values import Doubtful
from crossloyalty.domain.keys import clean_id
from crossloyalty.domain.orders import Refund, RefundStatus

__all__ = ["read_refund"]

_REVIEWED: Final = frozenset(
    {
        *("id", "order_sn", "after_sales_status", "after_sales_type", "refund_amount", "order_amount"),
        *("discount_amount", "goods_id", "sku_id", "goods_number", "goods_price", "created_time", "updated_time"),
        *("confirm_time", "speed_refund_flag", "speed_refund_status", "dispute_refund_status"),
    }
)


def read_refund(case: Node) -> Refund | Doubtful:
    """
    Make a refund of one row of the list.

    Args:
        case: The object as it came.

    Returns:
        The refund; `Doubtful` when it cannot be read or its status is unknown.
    """
    number, refund_id = case.value.get("order_sn"), case.value.get("id")
    return or_doubtful(lambda: _read(case), case.value, number, _REVIEWED, refund_id=refund_id)


def _read(case: Node) -> Refund:
    status = state_of(case.need_whole("after_sales_status"))
    if status is None:
        raise UnknownStatus(f"after_sales_status {case.whole('after_sales_status')}")
    moves_money = status is RefundStatus.SUCCESS
    return Refund(
        platform=PLATFORM,
        order_no=clean_id(case.need_text("order_sn"), "order_sn"),
        refund_id=case.need_text("id"),
        status=status,
        amount_fen=case.need_yuan("refund_amount") if moves_money else case.yuan("refund_amount") or 0,
        line_id=case.text("sku_id"),
        modified_at=_moment(case, "updated_time"),
        kind=kind_of(case.whole("after_sales_type")),
    )


def _moment(case: Node, name: str) -> datetime | None:
    """Read a time that the official example writes as seconds in a text and other tables as wall-clock time."""
    text = case.text(name)
    return case.seconds(name) if text is not None and text.isascii() and text.isdigit() else case.beijing(name)
