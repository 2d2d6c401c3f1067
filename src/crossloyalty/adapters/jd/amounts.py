"""What the buyer paid for each item, from figures that have to agree; JD states no shares, so they are worked out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from crossloyalty.adapters.jd.settings import JdSettings
from crossloyalty.adapters.wire.reading import Node, Unreadable
from crossloyalty.domain.numbers import largest_remainder

__all__ = ["Amounts", "Disagreement", "leading_number", "paid_amounts", "shared"]

_LEADING: Final = re.compile(r"([0-9]{1,6})(?![0-9])", re.ASCII)
_SINGLE_ITEM: Final = 30
_GIFT_CARD: Final = 52


class Disagreement(ValueError):
    """JD's figures do not agree; the message gives them, in fen."""


class Amounts(NamedTuple):
    """
    What agrees, in fen.

    Args:
        paid: Goods and freight.
        shipping: Of that, freight.
        lines: Goods by item; their sum and *shipping* are *paid*.
    """

    paid: int
    shipping: int
    lines: Sequence[int]


class _Coupon(NamedTuple):
    kind: int
    fen: int
    sku: str | None


def leading_number(node: Node, name: str) -> int | None:
    """Give the number in front of "4-在线支付", or the bare number; None when the field is absent."""
    text = node.text(name)
    if text is None:
        return None
    if len(text) <= 6 and text.isdigit() and text.isascii():
        return int(text)
    found = _LEADING.match(text)
    if found is None:
        raise Unreadable(f"{node.path}.{name} begins with no number")
    return int(found[1])


def paid_amounts(order: Node, items: Sequence[Node], settings: JdSettings) -> Amounts:
    """
    Work out what was paid for each item.

    Args:
        order: The order. `orderPayment` is what was payable after all discounts and after the account balance, freight
            included; `balanceUsed` is the buyer's money too.
        items: Its items.
        settings: The readings of what the pages leave open.

    Returns:
        Amounts whose sums agree.

    Raises:
        Disagreement: They do not; tax and service fees, which no listed field states, are among the reasons.
        Unreadable: A figure is missing or is none.

    Source: jingdong.pop.order.search, open.jd.com, page text of 2026-08; the sum of the figures and the shares by price
    are inferred.
    """
    total = order.need_yuan("orderTotalPrice")
    freight = order.yuan("freightPrice") or 0
    balance = order.yuan("balanceUsed") or 0
    payment = order.need_yuan("orderPayment")
    seller_discount = order.yuan("sellerDiscount") or 0
    seller_price = order.yuan("orderSellerPrice")
    coupons = [
        _Coupon(leading_number(each, "couponType") or 0, each.need_yuan("couponPrice"), each.text("skuId"))
        for each in order.nodes("couponDetailList")
    ]
    discounts = sum([coupon.fen for coupon in coupons])
    paid = payment + balance
    figures = (total, seller_discount, discounts, balance, freight, payment)
    if settings.discounts_listed:
        agrees = total - discounts + freight == paid
    else:
        agrees = paid <= total - seller_discount + freight
    if not agrees or paid < freight or (seller_price is not None and seller_price != total - seller_discount):
        raise Disagreement(_told(*figures))
    prices = [each.need_yuan("jdPrice") * each.need_whole("itemTotal") for each in items]
    if sum(prices) != total:
        raise Disagreement(f"{_told(*figures)}, items {'+'.join(map(str, prices))}")
    goods = paid - freight
    if settings.gift_cards == "counted":
        goods += sum(coupon.fen for coupon in coupons if coupon.kind == _GIFT_CARD)
    weights = _weights(items, prices, coupons)
    if goods and not sum(weights):
        raise Disagreement(f"{_told(*figures)}, and no item costs anything")
    return Amounts(goods + freight, freight, largest_remainder(goods, weights))


def _told(total: int, seller_discount: int, discounts: int, balance: int, freight: int, payment: int) -> str:
    return (
        f"goods {total}, seller's discount {seller_discount}, discounts {discounts}, balance {balance},"
        f" freight {freight}, payment {payment} fen"
    )


def _weights(items: Sequence[Node], prices: Sequence[int], coupons: Sequence[_Coupon]) -> Sequence[int]:
    """Take discounts of one item off that item; all others are shared by price."""
    off: dict[str | None, int] = {}
    for coupon in coupons:
        if coupon.kind == _SINGLE_ITEM and coupon.sku is not None:
            off[coupon.sku] = off.get(coupon.sku, 0) + coupon.fen
    if not off:
        return prices
    left = []
    for item, price in zip(items, prices, strict=True):
        sku = item.text("skuId")
        taken = min(price, off.get(sku, 0))
        off[sku] = off.get(sku, 0) - taken
        left.append(price - taken)
    return left


def shared(paid: int, freight: int, prices: Sequence[int], figures: str) -> Amounts:
    """
    Share what was paid out over items by price.

    Args:
        paid, freight: In fen.
        prices: By item, in fen.
        figures: For the error.

    Raises:
        Disagreement: Freight is more than what was paid, or nothing can carry the rest.
    """
    if paid < freight or (paid > freight and not sum(prices)):
        raise Disagreement(figures)
    return Amounts(paid, freight, largest_remainder(paid - freight, prices))
