"""
Marketplace facts in one form: orders, their lines, their refunds.

A field that is `None` was not stated by the source and never overwrites what another message stated.
Amounts are integers in fen (分, 1/100 yuan). Times are aware datetimes.
"""

from __future__ import annotations

import enum
import re
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import attrs

from crossloyalty.domain.calendar import is_aware
from crossloyalty.domain.keys import clean_id
from crossloyalty.domain.privacy import masked_repr
from crossloyalty.errors import InvalidInput, WrongType, shown

__all__ = [
    "LARGEST_FEN",
    "Line",
    "LineStatus",
    "Milestone",
    "Order",
    "OrderKind",
    "OrderStatus",
    "Refund",
    "RefundKind",
    "RefundStatus",
    "SourceKind",
    "checked_fen",
    "checked_time",
]

# Amounts stay exact in JSON readers that use doubles, and their sums stay far inside 64 bits.
LARGEST_FEN: Final = 2**53 - 1
_EARLIEST_YEAR = 2000
_INDEX = re.compile(r"[1-9][0-9]{0,3}:[0-9a-f]{64}", re.ASCII)
_LATEST_YEAR = 9000


class _Named(enum.Enum):
    # Tables ask for it by the million, and the enum's own way is a call of Python. Members are one object each, also
    # those that were pickled.
    __hash__ = object.__hash__


class OrderStatus(_Named):
    """Where an order stands; `rank` breaks ties between messages of one moment."""

    UNPAID = "UNPAID"
    PAID = "PAID"
    SHIPPED = "SHIPPED"
    SIGNED = "SIGNED"
    FINISHED = "FINISHED"
    CLOSED = "CLOSED"

    @property
    def rank(self) -> int:
        """The place in UNPAID < PAID < SHIPPED < SIGNED < FINISHED < CLOSED."""
        return _RANKS[self._value_]


_RANKS: Final = {status.value: rank for rank, status in enumerate(OrderStatus)}


class LineStatus(_Named):
    """Where a sub-order (子订单) stands."""

    UNPAID = "UNPAID"
    PAID = "PAID"
    SHIPPED = "SHIPPED"
    SIGNED = "SIGNED"
    FINISHED = "FINISHED"
    CLOSED_UNPAID = "CLOSED_UNPAID"
    CLOSED_REFUNDED = "CLOSED_REFUNDED"


class RefundStatus(_Named):
    """Where a refund stands; only SUCCESS moves value, only OPEN blocks an issue."""

    OPEN = "OPEN"
    CLOSED = "CLOSED"
    SUCCESS = "SUCCESS"
    PAYOUT_FAILED = "PAYOUT_FAILED"


class RefundKind(_Named):
    """Why money went back; every kind reduces what counts unless the program's `Basis` ignores it (D31)."""

    RETURN = "RETURN"
    EXCHANGE = "EXCHANGE"
    PRICE_PROTECTION = "PRICE_PROTECTION"
    COMPENSATION = "COMPENSATION"
    CASHBACK = "CASHBACK"


class OrderKind(_Named):
    """What sort of order it is; kinds other than NORMAL earn nothing unless the program says so."""

    NORMAL = "NORMAL"
    PRESALE = "PRESALE"
    GIFT = "GIFT"
    LOTTERY = "LOTTERY"
    PRICE_DIFF = "PRICE_DIFF"
    SAMPLE = "SAMPLE"
    COD = "COD"
    GROUP = "GROUP"


class SourceKind(_Named):
    """How we came to know: the platform's API, an export file of the merchant back end, or a pushed message."""

    API = "API"
    EXPORT = "EXPORT"
    MESSAGE = "MESSAGE"


_E = TypeVar("_E", bound=enum.Enum)


def checked_fen(value: Any, what: str) -> int:
    """
    Check an amount of money.

    Args:
        value: A plain integer in fen, 0 to 2^53 − 1.
        what: The field, for the message.

    Raises:
        WrongType: It is a float, a bool or no integer at all.
        InvalidInput: It is negative or too large to be an order.
    """
    if type(value) is not int:
        raise WrongType(f"{what} is an integer in fen, not {type(value).__name__}: {shown(value)}")
    if not 0 <= value <= LARGEST_FEN:
        raise InvalidInput(f"{what} lies between 0 and {LARGEST_FEN} fen: {shown(value)}")
    return value


def checked_time(value: Any, what: str) -> datetime:
    """
    Check an instant.

    Args:
        value: An aware datetime from 2000 to 9000.
        what: The field, for the message.

    Raises:
        WrongType: It is naive, or no datetime at all.
        InvalidInput: No order was ever placed then.
    """
    if type(value) is datetime and value.tzinfo is UTC and _EARLIEST_YEAR <= value.year <= _LATEST_YEAR:
        return value
    if not isinstance(value, datetime):
        raise WrongType(f"{what} is an aware datetime, not {type(value).__name__}: {shown(value)}")
    if not is_aware(value):
        raise WrongType(f"{what} needs a time zone: {shown(value)}")
    if not _EARLIEST_YEAR <= value.year <= _LATEST_YEAR:
        raise InvalidInput(f"{what} is outside the years {_EARLIEST_YEAR} to {_LATEST_YEAR}: {shown(value)}")
    return value


def _optional_fen(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    # Nearly every value is sound, and is passed without another call; so with times.
    if value is not None and not (type(value) is int and 0 <= value <= LARGEST_FEN):
        checked_fen(value, attribute.name)


def _optional_time(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if value is not None:
        checked_time(value, attribute.name)


def _optional_text(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if value is not None:
        clean_id(value, attribute.name)


def _text(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    clean_id(value, attribute.name)


def _fen(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    checked_fen(value, attribute.name)


def _is_a(kind: type[_E], *, optional: bool) -> Any:
    def check(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if not (isinstance(value, kind) or (optional and value is None)):
            raise WrongType(f"{attribute.name} is a {kind.__name__}, not {shown(value)}")

    return check


def _time(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    checked_time(value, attribute.name)


_MOST_PIECES: Final = 1_000_000


def _not_a(name: str, value: Any, kind: type[enum.Enum]) -> WrongType:
    return WrongType(f"{name} is a {kind.__name__}, not {shown(value)}")


def _no_flag(name: str, value: Any) -> WrongType:
    return WrongType(f"{name} is True, False or None, not {shown(value)}")


def _check_names(name: str, value: Any) -> None:
    if not isinstance(value, tuple):
        raise WrongType(f"{name} is a tuple of names, not {shown(value)}")
    for each in value:
        clean_id(each, name)


def _check_index(name: str, value: Any) -> None:
    if value is not None and not (isinstance(value, str) and _INDEX.fullmatch(value)):
        # What was given may be a phone, so it is not shown.
        raise InvalidInput(f"{name} is a blind index, as PhoneIndex gives it")


def _check_lines(value: Any) -> None:
    if value is None:
        return
    if not isinstance(value, tuple):
        raise WrongType("lines is a tuple of Line")
    for line in value:
        if not isinstance(line, Line):
            raise WrongType("lines is a tuple of Line")
    if len(value) > 1 and len({line.line_id for line in value}) != len(value):
        raise InvalidInput("two lines of one order bear the same line_id")


# They have no slots: frozen ones with slots take twice as long to make.


@attrs.frozen(kw_only=True, slots=False)
class Line:
    """
    One sub-order (子订单).

    Args:
        line_id: Its number on the platform; unique inside the order. Customers may type it for the order number.
        paid_fen: What the buyer paid for it, without shipping.
        refunded_fen: Of that, what the source says was paid back so far.
        status: Its own status; unstated follows the order.
        finished_at: When it was completed; unstated follows the order.
        is_free_gift: A gift line earns nothing and stays for completeness (D10).
        product_id, category: For exclusions.
        quantity: In pieces.
    """

    line_id: str
    paid_fen: int | None = None
    refunded_fen: int | None = None
    status: LineStatus | None = None
    finished_at: datetime | None = None
    is_free_gift: bool | None = None
    product_id: str | None = None
    category: str | None = None
    quantity: int | None = None

    def __attrs_post_init__(self) -> None:
        clean_id(self.line_id, "line_id")
        if self.product_id is not None:
            clean_id(self.product_id, "product_id")
        if self.category is not None:
            clean_id(self.category, "category")
        if self.paid_fen is not None:
            checked_fen(self.paid_fen, "paid_fen")
        if self.refunded_fen is not None:
            checked_fen(self.refunded_fen, "refunded_fen")
        if self.status is not None and type(self.status) is not LineStatus:
            raise _not_a("status", self.status, LineStatus)
        if self.finished_at is not None:
            checked_time(self.finished_at, "finished_at")
        if self.is_free_gift is not None and type(self.is_free_gift) is not bool:
            raise _no_flag("is_free_gift", self.is_free_gift)
        if self.quantity is not None and (type(self.quantity) is not int or not 0 <= self.quantity <= _MOST_PIECES):
            raise WrongType(f"quantity is a whole number of pieces: {shown(self.quantity)}")


@attrs.frozen(kw_only=True, slots=False)
class Order:
    """
    One order as one source stated it at one moment.

    Args:
        platform: A registered platform's name, such as `tmall`.
        order_no: The parent order's number, in any spelling.
        shop_id: The shop's id on the platform.
        status: The parent's status.
        kind: NORMAL unless stated.
        buyer_id: The platform's id of the buyer, never a masked value.
        buyer_scope: Where that id is unique: empty for the platform, an app or shop id where ids differ by it.
        beneficiary_id: The receiver of a gift order (赠礼), as a buyer id.
        currency: ISO code; CNY unless stated.
        created_at, paid_at, finished_at: Platform times.
        modified_at: The platform's modification time, or the moment an export was made: the snapshot's version.
        paid_fen: What the buyer paid in all: goods and shipping, without platform subsidies.
        shipping_fen: Of that, shipping.
        subsidy_fen: What the platform paid on top; no part of `paid_fen`.
        own_value_fen: Of `paid_fen`, what was paid with our own points, stored value or gift cards (D26).
        refunded_fen: What the source says was paid back so far, in all.
        refund_open: The source shows an after-sale case that is not over.
        lines: The sub-orders; None when the source does not know them.
        source: The kind of source; the newest snapshot of each kind is kept.
        receiver_phone_index: The blind index of the receiver's phone, as `PhoneIndex.phone` gives it; never the phone.
        receiver_tail_index: That of its last four digits, as `PhoneIndex.tail` gives it.
        flags: What the host or the seller's memo says of it, such as "staff" or "brushing" (刷单); see `Finished`.
    """

    platform: str
    order_no: str
    shop_id: str | None = None
    status: OrderStatus | None = None
    kind: OrderKind | None = None
    buyer_id: str | None = attrs.field(default=None, repr=masked_repr)
    buyer_scope: str | None = None
    beneficiary_id: str | None = attrs.field(default=None, repr=masked_repr)
    currency: str | None = None
    created_at: datetime | None = None
    paid_at: datetime | None = None
    finished_at: datetime | None = None
    modified_at: datetime | None = None
    paid_fen: int | None = None
    shipping_fen: int | None = None
    subsidy_fen: int | None = None
    own_value_fen: int | None = None
    refunded_fen: int | None = None
    refund_open: bool | None = None
    lines: tuple[Line, ...] | None = None
    source: SourceKind = SourceKind.API
    flags: tuple[str, ...] | None = None
    receiver_phone_index: str | None = attrs.field(default=None, repr=masked_repr)
    receiver_tail_index: str | None = attrs.field(default=None, repr=masked_repr)

    def __attrs_post_init__(self) -> None:
        # One by one: these are made by the million, and every loop over some of them takes longer.
        clean_id(self.platform, "platform")
        if self.shop_id is not None:
            clean_id(self.shop_id, "shop_id")
        if self.buyer_id is not None:
            clean_id(self.buyer_id, "buyer_id")
        if self.buyer_scope is not None:
            clean_id(self.buyer_scope, "buyer_scope")
        if self.beneficiary_id is not None:
            clean_id(self.beneficiary_id, "beneficiary_id")
        if self.currency is not None:
            clean_id(self.currency, "currency")
        if self.status is not None and type(self.status) is not OrderStatus:
            raise _not_a("status", self.status, OrderStatus)
        if self.kind is not None and type(self.kind) is not OrderKind:
            raise _not_a("kind", self.kind, OrderKind)
        if self.created_at is not None:
            checked_time(self.created_at, "created_at")
        if self.paid_at is not None:
            checked_time(self.paid_at, "paid_at")
        if self.finished_at is not None:
            checked_time(self.finished_at, "finished_at")
        if self.modified_at is not None:
            checked_time(self.modified_at, "modified_at")
        if self.paid_fen is not None:
            checked_fen(self.paid_fen, "paid_fen")
        if self.shipping_fen is not None:
            checked_fen(self.shipping_fen, "shipping_fen")
        if self.subsidy_fen is not None:
            checked_fen(self.subsidy_fen, "subsidy_fen")
        if self.own_value_fen is not None:
            checked_fen(self.own_value_fen, "own_value_fen")
        if self.refunded_fen is not None:
            checked_fen(self.refunded_fen, "refunded_fen")
        if self.refund_open is not None and type(self.refund_open) is not bool:
            raise _no_flag("refund_open", self.refund_open)
        _check_lines(self.lines)
        if not isinstance(self.source, SourceKind):
            raise WrongType(f"source is a SourceKind, not {shown(self.source)}")
        if self.flags is not None:
            _check_names("flags", self.flags)
        if self.receiver_phone_index is not None or self.receiver_tail_index is not None:
            _check_index("receiver_phone_index", self.receiver_phone_index)
            _check_index("receiver_tail_index", self.receiver_tail_index)


@attrs.frozen(kw_only=True)
class Milestone:
    """
    Something that happened to an order and that a reward waits for: reviewed (已评价), installed, handed over.

    Args:
        platform: A registered platform's name.
        order_no: The parent order's number, in any spelling.
        event: What rewards name in `issue_event`.
        at: When; of several the earliest is kept.
    """

    platform: str = attrs.field(validator=_text)
    order_no: str
    event: str = attrs.field(validator=_text)
    at: datetime = attrs.field(validator=_time)


@attrs.frozen(kw_only=True)
class Refund:
    """
    One refund of an order, known by its own id (D9).

    Args:
        platform: A registered platform's name.
        order_no: The parent order's number, in any spelling.
        refund_id: The platform's id of this refund; a new application has a new id.
        status: Only SUCCESS moves value; OPEN blocks the issue; PAYOUT_FAILED (退票) gives it back.
        amount_fen: What goes back in all, the platform's part `subsidy_fen` included.
        line_id: The sub-order it belongs to; None for the whole order.
        goods_fen, shipping_fen, subsidy_fen: Its parts; unstated means goods first and the rest shipping.
        modified_at: The platform's modification time: the version of this fact.
        source: The kind of source.
        kind: Why it went back; unstated is like a return (D31).
    """

    platform: str = attrs.field(validator=_text)
    order_no: str
    refund_id: str = attrs.field(validator=_text)
    status: RefundStatus = attrs.field(validator=_is_a(RefundStatus, optional=False))
    amount_fen: int = attrs.field(validator=_fen)
    line_id: str | None = attrs.field(default=None, validator=_optional_text)
    goods_fen: int | None = attrs.field(default=None, validator=_optional_fen)
    shipping_fen: int | None = attrs.field(default=None, validator=_optional_fen)
    subsidy_fen: int | None = attrs.field(default=None, validator=_optional_fen)
    modified_at: datetime | None = attrs.field(default=None, validator=_optional_time)
    source: SourceKind = attrs.field(default=SourceKind.API, validator=_is_a(SourceKind, optional=False))
    kind: RefundKind | None = attrs.field(default=None, validator=_is_a(RefundKind, optional=True))

    def __attrs_post_init__(self) -> None:
        stated = (self.goods_fen or 0) + (self.shipping_fen or 0) + (self.subsidy_fen or 0)
        if stated > self.amount_fen:
            raise InvalidInput("the parts of a refund are more than its amount")
