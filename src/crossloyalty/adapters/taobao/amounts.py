"""What the buyer paid for each sub-order, from figures that have to agree with the order's payment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from crossloyalty.adapters.taobao.settings import TaobaoSettings
from crossloyalty.adapters.wire.reading import Node
from crossloyalty.domain.numbers import largest_remainder
from crossloyalty.domain.orders import LineStatus

__all__ = ["Amounts", "Disagreement", "Share", "paid_amounts"]


class Disagreement(ValueError):
    """The platform's figures do not agree; the message gives them, in fen."""


class Share(NamedTuple):
    """
    What a sub-order says of its money.

    Args:
        node: The sub-order.
        status: Its status.
        closed: It was paid and then refunded as a whole.
        refunded: Its newest refund was successful.
        disputed: Its newest refund is not over.
    """

    node: Node
    status: LineStatus
    closed: bool
    refunded: bool
    disputed: bool


class Amounts(NamedTuple):
    """
    What agrees, in fen.

    Args:
        paid: Goods and shipping.
        shipping: Of that, postage.
        lines: Goods by sub-order; their sum and *shipping* are *paid*.
        refunded: By sub-order, what the order's own figures show to have gone back.
        refunded_loose: More that went back, where the sub-order cannot be told.
    """

    paid: int
    shipping: int
    lines: Sequence[int]
    refunded: Sequence[int]
    refunded_loose: int


def paid_amounts(trade: Node, shares: Sequence[Share], settings: TaobaoSettings) -> Amounts:
    """
    Work out what was paid for each sub-order.

    Args:
        trade: The order. Its `payment` is what the buyer paid for everything, `post_fee` of it for postage.
        shares: Its sub-orders.
        settings: The readings of what the pages leave open.

    Returns:
        Amounts whose sums agree.

    Raises:
        Disagreement: They do not.
        Unreadable: A figure is missing or is none.

    Source: model/tbtrade/Trade.go and Order.go of the generated API metadata, 2026-04. `divide_order_fee` is a
    sub-order's share of the payment without postage. A sub-order's own `payment` holds postage when it is the only one,
    and lacks the order's discounts (`part_mjz_discount`) when it is not. After a refund `payment` may be less than the
    shares: then the difference has gone back, as far as refunded sub-orders explain it (inferred).
    """
    payment = trade.need_yuan("payment")
    shipping = trade.yuan("post_fee") or 0
    tax = trade.yuan("order_tax_fee") or 0
    lines = [_share(share, shares, payment, shipping, tax) for share in shares]
    wanted = sum(lines) + shipping
    if tax and payment == wanted + tax:
        payment = wanted  # tax is neither goods nor shipping
    missing = wanted - payment
    if missing and abs(missing) <= settings.rounding_fen and payment >= shipping and sum(lines):
        lines = largest_remainder(payment - shipping, lines)
        missing = 0
    closed = reducible = 0
    refunded = [0] * len(shares)
    for place, share in enumerate(shares):
        if share.closed:
            closed += lines[place]
            refunded[place] = lines[place]
        if share.closed or share.refunded:
            reducible += lines[place]
    if missing and not closed <= missing <= reducible:
        raise Disagreement(
            f"payment {payment}, sub-orders {'+'.join(map(str, lines))}, postage {shipping}, tax {tax} fen"
        )
    loose = missing - closed if missing else 0
    if loose:
        open_ones = [place for place, share in enumerate(shares) if share.refunded and not share.closed]
        if len(open_ones) == 1:
            refunded[open_ones[0]] = loose
            loose = 0
    amounts = Amounts(sum(lines) + shipping, shipping, lines, refunded, loose)
    return _without_packets(amounts, trade) if settings.red_packets_off else amounts


def _share(share: Share, shares: Sequence[Share], payment: int, shipping: int, tax: int) -> int:
    if share.status is LineStatus.CLOSED_UNPAID:
        return 0
    divided = share.node.yuan("divide_order_fee")
    if len(shares) == 1:
        if divided is not None and divided != payment:
            return divided
        if payment < shipping + tax:
            raise Disagreement(f"payment {payment}, postage {shipping}, tax {tax} fen")
        return payment - shipping - tax
    if divided is not None:
        return divided
    own = share.node.need_yuan("payment") - (share.node.yuan("part_mjz_discount") or 0)
    if own < 0 or share.refunded or share.closed:
        # After a refund this figure is "what was paid minus what was refunded" and says no longer what was paid.
        raise Disagreement(f"sub-order without its share of the payment, {own} fen by its own figures")
    return own


def packets_fen(trade: Node) -> int:
    """Give what was paid by red packets, in fen; the unit is unverified."""
    return (trade.fen("coupon_fee") or 0) + (trade.fen("tmall_coupon_fee") or 0)


def _without_packets(amounts: Amounts, trade: Node) -> Amounts:
    goods = sum(amounts.lines)
    left = max(0, goods - packets_fen(trade))
    lines = largest_remainder(left, amounts.lines)
    refunded = [min(back, paid) for back, paid in zip(amounts.refunded, lines, strict=True)]
    return amounts._replace(paid=left + amounts.shipping, lines=lines, refunded=refunded)
