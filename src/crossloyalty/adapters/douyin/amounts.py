"""
The money of one Douyin order, in fen, checked against the formulas of its field table and shared out to sub-orders.

What the buyer paid is `pay_amount` − `promotion_pay_amount` (the pay channel's discount, 支付优惠), shipping included:
op.jinritemai.com 89/2019 defines it so, and the merchant's export file has it so (订单应付金额 − 支付优惠). The
formulas are those of 15/1342. Whether sub-orders' amounts include their share of shipping is not written down; both
readings are told apart by which of them adds up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from crossloyalty.adapters.wire.doubts import Disagreement
from crossloyalty.adapters.wire.reading import Node
from crossloyalty.domain.numbers import largest_remainder

__all__ = ["Amounts", "read_amounts"]

_CHANNEL: Final = "promotion_pay_amount"
# A sum and its parts.
_SUMS: Final[Sequence[tuple[str, tuple[str, ...]]]] = (
    ("promotion_amount", ("promotion_shop_amount", "promotion_platform_amount", "promotion_talent_amount")),
    ("post_origin_amount", ("post_amount", "post_promotion_amount")),
    ("total_promotion_amount", ("promotion_amount", "post_promotion_amount")),
    ("platform_cost_amount", ("only_platform_cost_amount", "author_cost_amount")),
)


class Amounts(NamedTuple):
    """
    What an order is made of, in fen.

    Args:
        paid_fen: What the buyer paid in all.
        shipping_fen: Of that, shipping, and taxes and packing, which are no goods either.
        subsidy_fen: What the platform and the pay channel gave.
        lines_fen: What the buyer paid for each sub-order, without shipping.
    """

    paid_fen: int
    shipping_fen: int
    subsidy_fen: int
    lines_fen: tuple[int, ...]


def read_amounts(order: Node, skus: Sequence[Node]) -> Amounts:
    """
    Read what was paid, in all and for each sub-order.

    Args:
        order: The shop order as it came.
        skus: Its sub-orders.

    Raises:
        Disagreement: A formula does not hold, or the sub-orders do not add up to the order in either reading.
        Unreadable: An amount is none.
    """
    _check_sums(order)
    pay, channel = order.need_fen("pay_amount"), order.fen(_CHANNEL) or 0
    if channel > pay:
        raise Disagreement(f"the pay channel took off {channel} fen of {pay} fen")
    paid = pay - channel
    besides = _besides(order)
    sku_pay = [each.need_fen("pay_amount") for each in skus]
    net = _net(skus, sku_pay, channel)
    shipping = min(besides, paid)
    if sum(sku_pay) == pay:
        lines = tuple(_without_shipping(skus, net, shipping))
    elif sum(sku_pay) + besides == pay and sum(net) + shipping == paid:
        lines = tuple(net)
    else:
        raise Disagreement(
            f"sub-orders of {sum(sku_pay)} fen do not add up to {pay} fen with {besides} fen of shipping"
        )
    return Amounts(paid, shipping, channel + _platform_cost(order), lines)


def _check_sums(order: Node) -> None:
    for name, parts in _SUMS:
        whole = order.fen(name)
        if whole is None:
            continue
        added, all_stated = 0, True
        for part in parts:
            # Read also where another is absent: what is no amount makes the order unreadable.
            fen = order.fen(part)
            if fen is None:
                all_stated = False
            else:
                added += fen
        if all_stated and whole != added:
            raise Disagreement(f"{name} {whole} fen is not the sum of its parts {added} fen")


def _besides(about: Node) -> int:
    # Paid by the buyer and no goods: shipping, taxes of imports, packing.
    return (about.fen("post_amount") or 0) + (about.fen("tax_amount") or 0) + (about.fen("packing_amount") or 0)


def _net(skus: Sequence[Node], sku_pay: Sequence[int], channel: int) -> list[int]:
    """Take the pay channel's discount off each sub-order: its own figure, or its share where none is stated."""
    stated = [each.fen(_CHANNEL) for each in skus]
    if not channel and not any(stated):
        return list(sku_pay)  # as it nearly always is
    if all(part is None for part in stated):
        if channel > sum(sku_pay):
            raise Disagreement(f"the pay channel took off {channel} fen of {sum(sku_pay)} fen of sub-orders")
        parts = largest_remainder(channel, sku_pay)
    else:
        parts = [part or 0 for part in stated]
        if sum(parts) != channel:
            raise Disagreement(f"{_CHANNEL} {channel} fen is not the sum of the sub-orders' {sum(parts)} fen")
    net = [amount - part for amount, part in zip(sku_pay, parts, strict=True)]
    if any(amount < 0 for amount in net):
        raise Disagreement("the pay channel took more off a sub-order than it cost")
    return net


def _without_shipping(skus: Sequence[Node], net: Sequence[int], shipping: int) -> Sequence[int]:
    """Take shipping off each sub-order's amount: its own figure where all of them fit, else its share."""
    if not shipping:
        return net
    owed = [_besides(each) for each in skus]
    if sum(owed) != shipping or any(part > amount for part, amount in zip(owed, net, strict=True)):
        owed = largest_remainder(shipping, net)
    return [amount - part for amount, part in zip(net, owed, strict=True)]


def _platform_cost(order: Node) -> int:
    own = order.fen("only_platform_cost_amount")
    if own is not None:
        return own
    both, author = order.fen("platform_cost_amount"), order.fen("author_cost_amount")
    return max(0, both - author) if both is not None and author is not None else 0
