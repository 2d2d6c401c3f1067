"""
One after-sale case of Douyin as a `Refund`.

The list states what was asked for, the detail what really went back. Both may contain what the pay channel gets back
(退支付优惠) and the buyer does not; that part is the refund's subsidy, as the merchant's after-sale export has it.

Source: op.jinritemai.com, 17/1295 and 17/1095; comments of the official Go client (refund_total_amount 含运费).
"""

from __future__ import annotations

from typing import Final

from crossloyalty.adapters.douyin.aftersale import kind_of, state_of
from crossloyalty.adapters.douyin.answers import PLATFORM
from crossloyalty.adapters.wire.doubts import Disagreement, or_doubtful
from crossloyalty.adapters.wire.reading import Node
from crossloyalty.adapters.wire.values import Doubtful
from crossloyalty.domain.keys import clean_id
from crossloyalty.domain.orders import Refund, RefundStatus

__all__ = ["needs_detail", "read_refund"]

_REVIEWED: Final = frozenset(
    {
        *("aftersale_info", "aftersale_id", "aftersale_type", "aftersale_status", "related_id", "apply_time"),
        *("update_time", "refund_amount", "refund_post_amount", "refund_tax_amount", "return_promotion_amount"),
        *("refund_status", "aftersale_num", "part_type", "order_info", "shop_order_id", "related_order_info"),
        *("sku_order_id", "pay_amount", "item_num"),
    }
)


def needs_detail(row: Node) -> bool:
    """Say whether money went back, so that the detail has to be read for how much it was."""
    case = row.raw("aftersale_info")
    return isinstance(case, dict) and case.get("refund_status") in (3, 5, "3", "5")


def read_refund(row: Node, detail: Node | None = None) -> Refund | Doubtful:
    """
    Make a refund of one row of the list.

    Args:
        row: An item of `afterSale.List`.
        detail: `data` of `afterSale.Detail` for the same case; None: not read, and what was asked for counts.

    Returns:
        The refund; `Doubtful` when it cannot be read, its figures do not agree, or a status or type is unknown.
    """
    about, case = row.raw("order_info"), row.raw("aftersale_info")
    number = about.get("shop_order_id") if isinstance(about, dict) else None
    refund_id = case.get("aftersale_id") if isinstance(case, dict) else None
    return or_doubtful(lambda: _read(row, detail), row.value, number, _REVIEWED, refund_id=refund_id)


def _read(row: Node, detail: Node | None) -> Refund:
    case, about = row.need_node("aftersale_info"), row.need_node("order_info")
    case_type = case.need_whole("aftersale_type")
    status = state_of(case.need_whole("aftersale_status"), case.whole("refund_status") or 0, case_type)
    shipping, tax = case.fen("refund_post_amount") or 0, case.fen("refund_tax_amount") or 0
    asked = case.need_fen("refund_amount") if status is RefundStatus.SUCCESS else case.fen("refund_amount") or 0
    channel = min(case.fen("return_promotion_amount") or 0, asked)
    back = asked - channel
    if detail is not None and status is RefundStatus.SUCCESS:
        back = _really_back(detail, case.need_text("aftersale_id"), asked, channel)
    shipping = min(shipping + tax, back)
    return Refund(
        platform=PLATFORM,
        order_no=clean_id(about.need_text("shop_order_id"), "shop_order_id"),
        refund_id=case.need_text("aftersale_id"),
        status=status,
        amount_fen=back + channel,
        line_id=_line_id(case, about),
        goods_fen=back - shipping,
        shipping_fen=shipping,
        subsidy_fen=channel,
        modified_at=case.seconds("update_time"),
        kind=kind_of(case_type),
    )


def _really_back(detail: Node, refund_id: str, asked: int, channel: int) -> int:
    """
    Give what the buyer got back.

    Whether `real_refund_amount` contains the pay channel's part is not written down: it does when it equals all that
    was asked for, and any other figure is taken as the buyer's own.
    """
    case = detail.need_node("process_info").need_node("after_sale_info")
    if case.text("after_sale_id") not in (None, refund_id):
        raise Disagreement("the detail is that of another case")
    real = case.fen("real_refund_amount")
    if real is None or real == asked:
        return asked - channel
    return real


def _line_id(case: Node, about: Node) -> str | None:
    """Give the sub-order a case is about; None when it is about the whole order or about several."""
    named = [each.need_text("sku_order_id") for each in about.nodes("related_order_info")]
    if len(named) == 1:
        return named[0]
    related = case.text("related_id")
    return related if not named and related != about.text("shop_order_id") else None
