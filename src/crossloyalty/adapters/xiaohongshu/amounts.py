"""
What a buyer paid for a Xiaohongshu order, and whether the platform's own figures agree (D8).

Source: field table of `order.getOrderDetail`: `totalPayAmount` = what the buyer paid, freight and deposit included;
`merchantActualReceiveAmount` = that and what the platform bears. Amounts are fen, per line in `skuList`, per piece in
`skuDetailList`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from crossloyalty.adapters.wire.doubts import Disagreement
from crossloyalty.adapters.wire.reading import Node
from crossloyalty.domain.numbers import largest_remainder

__all__ = ["Amounts", "amounts_of"]


class Amounts(NamedTuple):
    """What was paid for an order, in fen; `rows_fen` is for each element of `skuList` what was paid without freight."""

    paid_fen: int
    shipping_fen: int
    subsidy_fen: int
    rows_fen: Sequence[int]


def amounts_of(order: Node, rows: Sequence[Node], *, subtract_pay_discount: bool) -> Amounts:
    """
    Read what was paid.

    Args:
        order: The detail of an order.
        rows: Its `skuList`.
        subtract_pay_discount: Take `outPromotionAmount` off what the buyer paid, and off the rows in proportion.

    Raises:
        Unreadable: A figure is missing or none.
        Disagreement: They do not add up.
    """
    paid = order.need_fen("totalPayAmount")
    freight, deposit = order.fen("totalShippingFree") or 0, order.fen("totalDepositAmount") or 0
    platform = order.fen("totalRedDiscount") or 0
    received = order.fen("merchantActualReceiveAmount")
    if received is not None and received != paid + platform:
        raise Disagreement(
            f"merchantActualReceiveAmount {received} is not totalPayAmount {paid} + totalRedDiscount {platform}"
        )
    goods = [row.need_fen("totalPaidAmount") for row in rows]
    if sum(goods) + freight != paid and deposit:
        # Whether a row holds its share of the deposit is not stated; either way all of it has to be accounted for.
        goods = [amount + _deposit_of(row) for amount, row in zip(goods, rows, strict=True)]
    if sum(goods) + freight != paid:
        raise Disagreement(f"totalPayAmount {paid} is not the {sum(goods)} of the lines + totalShippingFree {freight}")
    discount = (order.fen("outPromotionAmount") or 0) if subtract_pay_discount else 0
    if discount > sum(goods):
        raise Disagreement(f"outPromotionAmount {discount} is more than the {sum(goods)} of the lines")
    if discount:
        goods = [amount - part for amount, part in zip(goods, largest_remainder(discount, goods), strict=True)]
    return Amounts(paid - discount, freight, platform + discount, goods)


def _deposit_of(row: Node) -> int:
    return sum(
        (each.fen("depositAmountPerSku") or 0) * (each.whole("quantity") or 0) for each in row.nodes("skuDetailList")
    )
