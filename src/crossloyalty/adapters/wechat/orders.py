"""
One order of a Weixin shop as an `Order`, or as a doubt when its figures do not agree.

Source: order detail (order.order_detail), its price, product and payment structures.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from crossloyalty.adapters.wechat.answers import opened
from crossloyalty.adapters.wechat.settings import PLATFORM, WechatSettings
from crossloyalty.adapters.wire.reading import Node, Unreadable, redacted
from crossloyalty.adapters.wire.values import Answer, Doubtful, Facts
from crossloyalty.domain.orders import Line, LineStatus, Order, OrderKind, OrderStatus
from crossloyalty.errors import InvalidInput

__all__ = ["line_id", "read_order", "read_order_answer", "refund_ids"]

_STATUSES: Final = {
    10: OrderStatus.UNPAID,
    12: OrderStatus.PAID,  # a gift that waits to be accepted
    13: OrderStatus.PAID,  # a joint purchase that waits for others
    20: OrderStatus.PAID,
    21: OrderStatus.PAID,  # shipped in part: not all of it is on its way
    30: OrderStatus.SHIPPED,
    100: OrderStatus.FINISHED,
    190: OrderStatus.CLOSED,
    200: OrderStatus.CLOSED,
    250: OrderStatus.CLOSED,
}
_LOTTERY: Final = 3
_POINTS: Final = 4
# Paid by the state or the platform, not by shop, presenter or buyer; the labels are those of the price structure.
_SUBSIDIES: Final = ("national_subsidy_discounted_price", "cash_coupon_discounted_price")
_MERCHANT_PART: Final = "merchant_discounted_price"
_PART: Final = "_discounted_price"

_NOT_PERSONAL: Final = (
    "order_id status create_time update_time is_present order_detail product_infos price_info pay_info product_id "
    "sku_id sku_cnt sale_price real_price estimate_price change_price is_change_price is_free_gift deduction_price "
    "on_aftersale_sku_cnt finish_aftersale_sku_cnt product_price order_price freight discounted_price "
    "original_order_price change_down_price change_freight is_change_freight merchant_receieve_price "
    "merchant_discounted_price finder_discounted_price vip_discounted_price bulkbuy_discounted_price "
    "national_subsidy_discounted_price cash_coupon_discounted_price national_subsidy_merchant_discounted_price "
    "pay_time payment_method aftersale_detail on_aftersale_order_cnt"
)
_ALLOWED: Final = frozenset(_NOT_PERSONAL.split())


def read_order_answer(answer: Answer, settings: WechatSettings, order_no: str) -> Facts:
    """
    Read the answer to an order detail.

    Args:
        answer: A good answer.
        settings: The shop.
        order_no: The order that was asked for; another one in the answer is a doubt.
    """
    try:
        raw = opened(answer).need_node("order")
        if raw.text("order_id") != order_no:
            raise Unreadable("order.order_id is not the one asked for")
    except Unreadable as error:
        return Facts(doubtful=(Doubtful(order_no=order_no, code="UNREADABLE", detail=str(error)),), seen=1)
    read = read_order(raw, settings)
    return Facts(doubtful=(read,), seen=1) if isinstance(read, Doubtful) else Facts(items=(read,), seen=1)


def refund_ids(answer: Answer) -> tuple[str, ...]:
    """Give the after-sale cases an order detail names; none when it cannot be read."""
    try:
        cases = opened(answer).need_node("order").node("aftersale_detail")
        rows = () if cases is None else cases.nodes("aftersale_order_list")
        return tuple(dict.fromkeys(row.need_text("aftersale_order_id") for row in rows))
    except Unreadable:
        return ()


def read_order(raw: Node, settings: WechatSettings) -> Order | Doubtful:
    """
    Read one order.

    Args:
        raw: The `order` object of an order detail.
        settings: The shop.

    Returns:
        The order with what the buyer paid, or why it cannot be believed.
    """
    order_no = ""
    try:
        order_no = raw.need_text("order_id")
        status = _STATUSES.get(raw.need_whole("status"))
        if status is None:
            detail = f"order.status is {raw.need_whole('status')}"
            return Doubtful(order_no=order_no, code="UNKNOWN_STATUS", detail=detail, payload=_payload(raw))
        return _order(raw, order_no, status, settings)
    except _Disagree as error:
        return Doubtful(order_no=order_no, code="AMOUNT_MISMATCH", detail=str(error), payload=_payload(raw))
    except (Unreadable, InvalidInput) as error:
        # Our own check of a value names it behind the colon.
        detail = str(error).partition(": ")[0]
        return Doubtful(order_no=order_no[:64], code="UNREADABLE", detail=detail, payload=_payload(raw))


def line_id(product_id: str, sku_id: str) -> str:
    """
    Name a line: the platform has no sub-order numbers, and after-sale cases name product and SKU.

    The colon keeps it from ever being taken for an order number.
    """
    return f"{product_id}:{sku_id}"


class _Disagree(Exception):
    """The figures of an order do not agree; the message has both."""


class _Paid(NamedTuple):
    total_fen: int
    shipping_fen: int
    subsidy_fen: int
    line_fen: list[int]


def _order(raw: Node, order_no: str, status: OrderStatus, settings: WechatSettings) -> Order:
    detail = raw.need_node("order_detail")
    pay = detail.node("pay_info")
    paid_at = None if pay is None else pay.seconds("pay_time")
    method = None if pay is None else pay.whole("payment_method")
    rows = detail.nodes("product_infos")
    real, deducted, is_open = [], [], False
    for row in rows:
        real.append(row.need_fen("real_price"))
        deducted.append(row.fen("deduction_price") or 0)
        is_open = bool(row.whole("on_aftersale_sku_cnt")) or is_open
    price = detail.need_node("price_info")
    if paid_at is None and price.need_fen("order_price") > 0:
        # Nothing was paid so far. "Use first, pay later" may even be completed before the money comes.
        paid = _Paid(0, 0, 0, [0] * len(rows))
        status = OrderStatus.SIGNED if status is OrderStatus.FINISHED else status
    else:
        paid = _amounts(price, real, deducted)
    modified_at = raw.seconds("update_time")
    extra = detail.node("ext_info")
    finished_at = None
    if status is OrderStatus.FINISHED:
        # Where the time of confirmation is missing, the last change is the latest it can have been.
        finished_at = (None if extra is None else extra.seconds("confirm_receipt_time")) or modified_at
    is_gift = bool(raw.flag("is_present"))
    buyer, scope = _buyer(raw, settings, "present_giver_" if is_gift else "")
    receiver = None
    if is_gift:
        receiver, receiver_scope = _buyer(raw, settings, "")
        if receiver is not None and buyer is not None and receiver_scope != scope:
            # Ids of two kinds cannot stand side by side: the openids of one app can.
            (buyer, scope), (receiver, _) = _openid(raw, settings, "present_giver_"), _openid(raw, settings, "")
    cases = raw.node("aftersale_detail")
    if cases is not None and cases.whole("on_aftersale_order_cnt"):
        is_open = True
    return Order(
        platform=PLATFORM,
        order_no=order_no,
        shop_id=settings.shop_id,
        status=status,
        kind=OrderKind.GIFT if is_gift else OrderKind.LOTTERY if method == _LOTTERY else None,
        buyer_id=buyer,
        buyer_scope=scope,
        beneficiary_id=receiver,
        created_at=raw.seconds("create_time"),
        paid_at=paid_at,
        finished_at=finished_at,
        modified_at=modified_at,
        paid_fen=paid.total_fen,
        shipping_fen=paid.shipping_fen,
        subsidy_fen=paid.subsidy_fen,
        own_value_fen=paid.total_fen if method == _POINTS else None,
        refund_open=is_open,
        lines=_lines(rows, paid.line_fen, status, is_paid=paid_at is not None) or None,
        flags=_flags(None if extra is None else extra.raw("merchant_notes"), settings),
    )


def _flags(memo: Any, settings: WechatSettings) -> tuple[str, ...] | None:
    if not settings.memo_flags:
        return None
    return tuple(sorted({flag for word, flag in settings.memo_flags.items() if isinstance(memo, str) and word in memo}))


def _amounts(price: Node, real: list[int], deducted: list[int]) -> _Paid:
    """
    Say what the buyer paid, and check it from both ends.

    From the lines: order_price (用户实付金额) = real_price of every line (sku 实付总价) + shipping. The pages do not
    say whether points of the shop that were used are taken off real_price already, nor whether a freight that was
    changed replaces freight; the reading that agrees to the fen is taken.
    From the original price: original_order_price − order_price = the discounts. discounted_price is the merchant's
    part on some pages and all of them on others, so either may explain the difference; but with a subsidy of state or
    platform the difference has to contain it, because otherwise it came on top and the buyer paid less.
    """
    total = price.need_fen("order_price")
    freight, points = price.fen("freight") or 0, price.fen("deduction_price") or 0
    changed = price.fen("change_freight") if price.flag("is_change_freight") else None
    freights = (freight,) if changed is None else (changed, freight)
    readings = [real]
    if points and points == sum(deducted):
        readings.append([fen - part for fen, part in zip(real, deducted, strict=True)])
    line_fen, shipping = _from_lines(total, freights, readings)
    parts = {name: price.fen(name) or 0 for name in _parts_of(tuple(price.value))}
    subsidy = sum([parts.get(name, 0) for name in _SUBSIDIES])
    _check_discounts(price, total, freights, points, sum(parts.values()), subsidy)
    return _Paid(total, shipping, subsidy, line_fen)


@lru_cache(maxsize=32)  # the orders of a shop have the same fields
def _parts_of(fields: tuple[str, ...]) -> tuple[str, ...]:
    """Name the fields that are parts of the discount and not the merchant's."""
    return tuple([name for name in fields if name.endswith(_PART) and name != _MERCHANT_PART])


def _from_lines(total: int, freights: tuple[int, ...], readings: list[list[int]]) -> tuple[list[int], int]:
    for line_fen in readings:
        for shipping in freights:
            if sum(line_fen) + shipping == total and min(line_fen, default=0) >= 0:
                return line_fen, shipping
    lines = sum(readings[0])
    raise _Disagree(f"the lines come to {lines} and freight to {freights[0]}, but order_price is {total} (fen)")


def _check_discounts(price: Node, total: int, freights: tuple[int, ...], points: int, parts: int, subsidy: int) -> None:
    freight = freights[-1]
    goods, original = price.fen("product_price"), price.fen("original_order_price")
    if goods is None and original is None:
        raise Unreadable(f"{price.path}.original_order_price is missing")
    if goods is not None and original is not None and goods + freight != original:
        raise _Disagree(f"product_price {goods} and freight {freight} are not original_order_price {original} (fen)")
    if original is None:
        original = (goods or 0) + freight
    discounted, merchant = price.fen("discounted_price") or 0, price.fen(_MERCHANT_PART)
    less = original - total - points - (price.fen("change_down_price") or 0)
    explained = [discounted + parts]
    if not subsidy or (merchant is not None and merchant + parts == discounted):
        explained.append(discounted)
    if less not in explained and less - (freight - freights[0]) not in explained:
        raise _Disagree(
            f"original_order_price {original} less order_price {total}, points and changes leaves {less}, "
            f"but discounted_price is {discounted} and its other parts are {parts} (fen)"
        )


def _lines(rows: Sequence[Node], line_fen: list[int], status: OrderStatus, *, is_paid: bool) -> tuple[Line, ...]:
    """Give one line for each SKU; a free gift of a SKU that was bought as well stays apart."""
    state = None
    if status is OrderStatus.CLOSED:
        state = LineStatus.CLOSED_REFUNDED if is_paid else LineStatus.CLOSED_UNPAID
    lines: dict[str, Line] = {}
    for row, fen in zip(rows, line_fen, strict=True):
        product_id, is_gift = row.need_text("product_id"), bool(row.flag("is_free_gift"))
        name = line_id(product_id, row.need_text("sku_id"))
        if is_gift:
            name += ":gift"
        paid, pieces = fen, row.need_whole("sku_cnt")
        held = lines.get(name)
        if held is not None:
            paid, pieces = fen + (held.paid_fen or 0), pieces + (held.quantity or 0)
        lines[name] = Line(
            line_id=name,
            paid_fen=paid,
            status=state,
            is_free_gift=is_gift,
            product_id=product_id,
            quantity=pieces,
        )
    return tuple(lines.values())


def _buyer(raw: Node, settings: WechatSettings, prefix: str) -> tuple[str | None, str | None]:
    """
    Give the id of a person and where it is unique, both None where none is usable.

    Openids are unique inside an appid, unionids inside an open-platform account.
    """
    if settings.buyer_key == "unionid":
        unionid = raw.text(f"{prefix}unionid")
        if unionid is not None and "*" not in unionid:
            return unionid, settings.unionid_scope or None
    return _openid(raw, settings, prefix)


def _openid(raw: Node, settings: WechatSettings, prefix: str) -> tuple[str | None, str | None]:
    openid = raw.text(f"{prefix}openid")
    return (None, None) if openid is None or "*" in openid else (openid, settings.appid)


def _payload(raw: Node) -> str:
    return redacted(dict(raw.value), _ALLOWED)
