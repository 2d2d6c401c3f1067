"""
The money of one Pinduoduo order, in fen, checked against the formulas of its field table.

Source: the table of `pdd.order.information.get`: pay_amount = goods_amount − discount_amount + postage + service fees;
discount_amount = platform_discount + seller_discount + capital_free_discount. Amounts are yuan with decimals.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from crossloyalty.adapters.pinduoduo.settings import PinduoduoSettings
from crossloyalty.adapters.wire.doubts import Disagreement
from crossloyalty.adapters.wire.reading import Node
from crossloyalty.domain.numbers import largest_remainder

__all__ = ["Amounts", "line_shares", "read_amounts"]

_PAID_BY_CHANNEL: Final = 1


class Amounts(NamedTuple):
    """
    What an order is made of, in fen.

    Args:
        paid_fen: What the buyer paid in all.
        shipping_fen: Of that, postage and services such as installing, which are no goods either.
        subsidy_fen: What the platform and the pay channel gave.
    """

    paid_fen: int
    shipping_fen: int
    subsidy_fen: int


def read_amounts(order: Node, settings: PinduoduoSettings) -> Amounts:
    """
    Read what was paid.

    Args:
        order: The order as it came.
        settings: Whether `pay_amount` still contains what the pay channel took off.

    Raises:
        Disagreement: A formula of the field table does not hold.
        Unreadable: An amount is none.
    """
    paid, goods = order.need_yuan("pay_amount"), order.need_yuan("goods_amount")
    discount, postage = order.yuan("discount_amount") or 0, order.yuan("postage") or 0
    platform, seller = order.yuan("platform_discount"), order.yuan("seller_discount")
    free = order.yuan("capital_free_discount")
    parts = (platform or 0) + (seller or 0) + (free or 0)
    if parts != discount and not (platform is None and seller is None and free is None):
        raise Disagreement(f"discount_amount {discount} fen is not the sum of its parts {parts} fen")
    services = _services(order)
    if paid != goods - discount + postage + services:
        raise Disagreement(
            f"pay_amount {paid} fen is not goods {goods} − discount {discount} + postage {postage} + services"
            f" {services} fen"
        )
    channel = _channel(order)
    if settings.channel_discounts_inside:
        if channel > paid:
            raise Disagreement(f"the pay channel took off {channel} fen of {paid} fen")
        paid -= channel
    return Amounts(paid, min(postage + services, paid), (platform or 0) + channel)


def _services(order: Node) -> int:
    detail = order.nodes("service_fee_detail")
    if detail:
        return sum([each.yuan("service_fee") or 0 for each in detail])
    home, delivery = order.yuan("home_install_value") or 0, order.yuan("delivery_home_value") or 0
    return home + delivery + (order.yuan("delivery_install_value") or 0)


def _channel(order: Node) -> int:
    state = order.yuan("trade_in_national_subsidy_amount") or 0
    by_channel = order.whole("trade_in_national_subsidy_type") == _PAID_BY_CHANNEL
    return (order.yuan("duo_duo_pay_reduction") or 0) + (state if by_channel else 0)


def line_shares(goods_fen: int, items: Sequence[Node]) -> list[int]:
    """
    Say what was paid for each item.

    Args:
        goods_fen: What was paid for all of them.
        items: `item_list`; normally one, and then it is exact. The platform gives no amount per item, so several share
            by list price times pieces, by largest remainder.
    """
    if len(items) == 1:
        return [goods_fen]
    return largest_remainder(goods_fen, [(each.yuan("goods_price") or 0) * _pieces(each) for each in items])


def _pieces(item: Node) -> int:
    return max(0, item.whole("goods_count") or 0)
