"""
What a buyer paid for a Kuaishou order, and whether the platform's own figures agree (D8).

Source: field table of `open.seller.order.fee.detail`: `totalFee` = goods without freight, after what the merchant
bears; `sellerRecv` = goods + freight; `buyerPay` = goods + freight − what the platform bears.
"""

from __future__ import annotations

from typing import Final

import attrs

from crossloyalty.adapters.wire.doubts import Disagreement
from crossloyalty.adapters.wire.reading import Node

__all__ = ["Amounts", "amounts_of", "approximate_amounts", "extra_discounts_of"]

_PLATFORM: Final = 2
_MERCHANT: Final = 1
_EXTRA_DISCOUNTS: Final = ("payChannelDiscount", "governmentDiscount", "tradeInPayAfterPromoAmount")


@attrs.frozen
class Amounts:
    """What was paid for an order, in fen: by the buyer in all, of that freight, and what others paid on top."""

    paid_fen: int
    shipping_fen: int
    subsidy_fen: int

    @property
    def goods_fen(self) -> int:
        """What the buyer paid without freight."""
        return self.paid_fen - self.shipping_fen


def amounts_of(fee: Node) -> Amounts:
    """
    Read the fee detail of an order.

    Args:
        fee: The `data` of `open.seller.order.fee.detail`.

    Raises:
        Unreadable: A figure is missing or none.
        Disagreement: They do not add up.
    """
    goods, freight = fee.need_fen("totalFee"), fee.fen("expressFee") or 0
    platform, paid = fee.fen("platformBearAmount") or 0, fee.need_fen("buyerPay")
    received = fee.fen("sellerRecv")
    subsidy = goods + freight - paid
    if received is not None and received != goods + freight:
        raise Disagreement(f"sellerRecv {received} is not totalFee {goods} + expressFee {freight}")
    # A red packet of the anchor lowers what the buyer pays like the platform's part does, if it is counted at all.
    if subsidy != platform and subsidy != platform + _others_bear(fee):
        raise Disagreement(
            f"buyerPay {paid} is not totalFee {goods} + expressFee {freight} − platformBearAmount {platform}"
        )
    if freight > paid:
        raise Disagreement(f"expressFee {freight} is more than buyerPay {paid}")
    return Amounts(paid, freight, subsidy)


def approximate_amounts(base: Node, item: Node) -> Amounts:
    """
    Reckon what was paid from the order alone: price × pieces − discounts + freight.

    Args:
        base: `orderBaseInfo`.
        item: `orderItemInfo`.

    Raises:
        Unreadable: A figure is missing or none.
        Disagreement: The discounts are more than the goods.
    """
    price, pieces = item.need_fen("price"), item.need_whole("num")
    discount, freight = item.fen("discountFee") or 0, base.fen("expressFee") or 0
    if pieces < 1 or discount > price * pieces:
        raise Disagreement(f"price {price} × {pieces} is less than discountFee {discount}")
    return Amounts(price * pieces - discount + freight, freight, 0)


def extra_discounts_of(base: Node) -> list[str]:
    """
    Name the discounts an order states beside the documented ones.

    Args:
        base: `orderBaseInfo`.
    """
    return [f"{name} {base.fen(name)}" for name in _EXTRA_DISCOUNTS if base.fen(name)]


def _others_bear(fee: Node) -> int:
    """Add up what neither merchant nor platform bears: anchors, and whoever comes next."""
    return sum(
        each.fen("bearAmount") or 0
        for detail in fee.nodes("marketingInfoOuters")
        for each in detail.nodes("bearInfoList")
        if each.whole("bearer") not in (_MERCHANT, _PLATFORM)
    )
