"""Rows of the data push in JD's cloud (云鼎): a column holds one order as the API gives it."""

from __future__ import annotations

from typing import Any, Final

from crossloyalty.adapters.jd.orders import read_order
from crossloyalty.adapters.jd.settings import JdSettings
from crossloyalty.adapters.wire.reading import Node, Unreadable
from crossloyalty.adapters.wire.strict_json import load_json
from crossloyalty.adapters.wire.values import Doubtful
from crossloyalty.domain.orders import Order
from crossloyalty.errors import PlatformUnavailable, WrongType

__all__ = ["read_order_row"]

_DEEPEST: Final = 4


def read_order_row(text: str | bytes, settings: JdSettings) -> Order | Doubtful:
    """
    Read one stored order, for merchants whose orders are pushed into a database of their own.

    Args:
        text: The JSON column of `yd_pop_order`, with or without the envelope of the call it was written from.
        settings: The shop's.

    Returns:
        The order, for `crossloyalty.Loyalty.ingest()`; or why it cannot be believed.
    """
    if not isinstance(text, (str, bytes)):
        raise WrongType(f"a stored order is text or bytes, not {type(text).__name__}")
    try:
        value = load_json(text.encode("utf-8", "replace") if isinstance(text, str) else text, "jd")
        return read_order(Node(_found(value, _DEEPEST), "order"), settings)
    except (PlatformUnavailable, Unreadable):
        return Doubtful(order_no="", code="UNREADABLE", detail="the text holds no order")


def _found(value: Any, deep: int) -> Any:
    """Look for the order through envelopes."""
    if isinstance(value, dict) and "orderState" not in value and deep:
        for each in value.values():
            found = _found(each, deep - 1)
            if isinstance(found, dict) and "orderState" in found:
                return found
    return value
