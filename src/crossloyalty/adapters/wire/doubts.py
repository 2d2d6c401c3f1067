"""What of a platform's answer is not believed: figures that do not agree, statuses nobody wrote down, broken fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar

from crossloyalty.adapters.wire.reading import Node, Unreadable, redacted
from crossloyalty.adapters.wire.values import Doubtful
from crossloyalty.domain.keys import clean_id
from crossloyalty.errors import InvalidInput

__all__ = ["Disagreement", "UnknownStatus", "each_row", "or_doubtful"]

_T = TypeVar("_T")


class Disagreement(ValueError):
    """The figures of an order do not agree; the message says which, in fen, for staff."""


class UnknownStatus(ValueError):
    """A status or type that stands in no table; the message names the field and the number."""


def or_doubtful(
    read: Callable[[], _T],
    raw: Mapping[str, Any],
    order_no: object,
    reviewed: frozenset[str],
    *,
    refund_id: object = None,
) -> _T | Doubtful:
    """
    Read an order or refund, or say why it is not believed.

    Args:
        read: Makes it; may raise `Disagreement`, `UnknownStatus`, `Unreadable` or `InvalidInput`.
        raw: The object as it came.
        order_no: Its order number as it came, whatever that is.
        reviewed: Fields that staff may see, all of them known not to be personal.
        refund_id: The refund's id as it came; None: it is the order itself.
    """
    code: Literal["AMOUNT_MISMATCH", "UNREADABLE", "UNKNOWN_STATUS"]
    try:
        return read()
    except Disagreement as error:
        code, detail = "AMOUNT_MISMATCH", str(error)
    except UnknownStatus as error:
        code, detail = "UNKNOWN_STATUS", str(error)
    except Unreadable as error:
        code, detail = "UNREADABLE", str(error)
    except InvalidInput:
        # Its message quotes the value, which may be anything.
        code, detail = "UNREADABLE", "a field holds what it cannot hold"
    return Doubtful(
        order_no=_name(order_no),
        code=code,
        detail=detail,
        refund_id=_name(refund_id),
        payload=redacted(raw, reviewed),
    )


def _name(raw: object) -> str:
    """Give a number as it came, as far as it is one; it names a row of the review list, which a database keeps."""
    if not isinstance(raw, (str, int)) or isinstance(raw, bool):
        return ""
    try:
        return clean_id(str(raw), "a number")
    except InvalidInput:
        return ""


def each_row(answer: Node, name: str, read: Callable[[Node], _T]) -> list[_T | Doubtful]:
    """
    Read the rows of a list one by one, so that one that is no object does not spoil the others.

    Args:
        answer: What holds the list.
        name: The list; absent means no rows.
        read: Makes something of one row.

    Raises:
        Unreadable: It is no list, so nothing of the answer can be believed.
    """
    rows = answer.raw(name)
    if rows is None:
        return []
    if not isinstance(rows, list):
        raise Unreadable(f"{answer.path}.{name} is not a list")
    read_rows: list[_T | Doubtful] = []
    for row in rows:
        if isinstance(row, dict):
            read_rows.append(read(Node(row, name)))
        else:
            read_rows.append(Doubtful(order_no="", code="UNREADABLE", detail=f"{name} holds what is no object"))
    return read_rows
