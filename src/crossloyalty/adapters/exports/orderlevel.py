"""What several layouts do alike: facts repeated on each row of an order, lines, and amounts that do not fit."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeVar

from crossloyalty.adapters.exports.defects import DefectCode
from crossloyalty.adapters.exports.headers import normal_name
from crossloyalty.adapters.exports.rows import OrderRow
from crossloyalty.domain.orders import Line, LineStatus, OrderStatus

__all__ = [
    "AfterSale",
    "after_sale",
    "agreed_fen",
    "agreed_time",
    "agreed_word",
    "doubtful_lines",
    "first",
    "in_order",
    "last",
    "line_names",
    "nearest",
    "order_status",
    "plain_word",
    "state_of",
    "total",
]

_LONGEST_PRODUCT: Final = 100
_NAMES_OF_GOODS: Final = ("line_id", "product_id", "product", "sku")
_T = TypeVar("_T")
_S = TypeVar("_S")
_ORDER_STATUS: Final = {
    LineStatus.UNPAID: OrderStatus.UNPAID,
    LineStatus.PAID: OrderStatus.PAID,
    LineStatus.SHIPPED: OrderStatus.SHIPPED,
    LineStatus.SIGNED: OrderStatus.SIGNED,
    LineStatus.FINISHED: OrderStatus.FINISHED,
}


class AfterSale(enum.Enum):
    """What an after-sale state means for an order file, which seldom tells how much went back."""

    NONE = "NONE"
    OPEN = "OPEN"
    OVER = "OVER"
    SUCCESS = "SUCCESS"


def plain_word(text: str) -> str:
    """Bring a state into the form in which states are compared: no blanks, half-width brackets and commas."""
    return normal_name(text).replace("，", ",")


def state_of(row: OrderRow, field: str, states: Mapping[str, _T]) -> _T | None:
    """
    Read a state that every row has to name.

    Args:
        row: The row.
        field: The column.
        states: Plain words (see `plain_word`) and what they mean.

    Returns:
        The meaning, or None when the file has no such column.

    Raises:
        BadRow: The cell is empty, or the word is not known; it is never guessed.
    """
    if not row.has(field):
        return None
    word = row.word(field)
    if word is None:
        raise row.bad(DefectCode.STATE_MISSING, field)
    found = states.get(plain_word(word))
    if found is None:
        raise row.bad(DefectCode.STATE_UNKNOWN, field, is_word=True)
    return found


def after_sale(row: OrderRow, field: str, states: Mapping[str, AfterSale]) -> AfterSale | None:
    """
    Read an after-sale state.

    Returns:
        The meaning; NONE for an empty cell, None when the file has no such column.

    Raises:
        BadRow: The word is not known.
    """
    if row.has(field) and row.word(field) is None:
        return AfterSale.NONE
    return state_of(row, field, states)


def _agreed(rows: Sequence[OrderRow], field: str, read: Callable[[OrderRow], _S]) -> _S:
    value = read(rows[0])
    for row in rows[1:]:
        if read(row) != value:
            raise row.bad(DefectCode.ROWS_CONTRADICT, field)
    return value


def agreed_fen(rows: Sequence[OrderRow], field: str) -> int | None:
    """
    Read an amount of the order that each of its rows repeats.

    Raises:
        BadRow: Two rows differ.
    """
    return _agreed(rows, field, lambda row: row.fen(field))


def agreed_time(rows: Sequence[OrderRow], field: str) -> datetime | None:
    """
    Read a time of the order that each of its rows repeats.

    Raises:
        BadRow: Two rows differ.
    """
    return _agreed(rows, field, lambda row: row.time(field))


def agreed_word(rows: Sequence[OrderRow], field: str) -> str | None:
    """
    Read a word of the order that each of its rows repeats.

    Raises:
        BadRow: Two rows differ.
    """
    return _agreed(rows, field, lambda row: row.word(field))


def in_order(rows: Sequence[OrderRow]) -> list[OrderRow]:
    """Sort the rows of an order by what they say: how doubled goods are numbered must not depend on the file."""
    fields = sorted(rows[0].context.places, key=lambda field: (field not in _NAMES_OF_GOODS, field))
    return sorted(rows, key=lambda row: [row.raw(field) for field in fields])


def line_names(products: Sequence[str | None], prefix: str = "sku:") -> list[str]:
    """
    Name the lines of an order whose rows tell the goods and no sub-order number.

    Args:
        products: The id of the goods of each row; the same goods may stand twice, as bought and as a gift.
        prefix: Has a sign that is in no order number of the platform.

    Returns:
        Names with a sign that is in no order number: a number of goods must never be taken for that of an order.
    """
    seen: dict[str, int] = {}
    names = []
    for product in products:
        name = f"{prefix}{(product or '')[:_LONGEST_PRODUCT]}"
        count = seen[name] = seen.get(name, 0) + 1
        names.append(name if count == 1 else f"{name}#{count}")
    return names


def order_status(statuses: Sequence[LineStatus | None]) -> OrderStatus | None:
    """Give the status of the sub-order least far among those not closed; None when one has none."""
    if any(status is None for status in statuses):
        return None
    alive = [_ORDER_STATUS[status] for status in statuses if status in _ORDER_STATUS]
    return min(alive, key=lambda status: status.rank) if alive else OrderStatus.CLOSED


def nearest(amount: int, least: int, most: int) -> int | None:
    """
    Say what the other columns would allow instead of an amount.

    Args:
        amount: What the file states, in fen.
        least, most: The bounds that the other columns set, in fen.

    Returns:
        The nearer bound, or None when the amount lies between them.
    """
    if least <= amount <= most:
        return None
    return least if amount < least else most


def doubtful_lines(shipping: int | None, expected: int) -> tuple[Line, ...]:
    """
    Make the lines of an order whose amount paid does not fit its other amounts.

    Args:
        shipping: In fen; None when unknown.
        expected: What the other columns come to, in fen.

    Returns:
        One line that does not add up to the amount paid, so that a claim is held for review (AMOUNT_MISMATCH).
    """
    return (Line(line_id="sum:columns", paid_fen=max(0, expected - (shipping or 0))),)


def total(amounts: Sequence[int | None]) -> int | None:
    """Add what is stated; None when nothing is."""
    stated = [amount for amount in amounts if amount is not None]
    return sum(stated) if stated else None


def first(moments: Sequence[datetime | None]) -> datetime | None:
    """Give the earliest moment stated."""
    return min((moment for moment in moments if moment is not None), default=None)


def last(moments: Sequence[datetime | None]) -> datetime | None:
    """Give the latest moment stated."""
    return max((moment for moment in moments if moment is not None), default=None)
