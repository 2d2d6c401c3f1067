"""Rows of the order-data push (聚石塔 RDS): `jdp_response` holds the whole answer of a detail call as text."""

from __future__ import annotations

from typing import Any

from crossloyalty.adapters.taobao.orders import read_order
from crossloyalty.adapters.taobao.refunds import read_refund
from crossloyalty.adapters.taobao.settings import TaobaoSettings
from crossloyalty.adapters.wire.reading import Node, Unreadable
from crossloyalty.adapters.wire.strict_json import load_json
from crossloyalty.adapters.wire.values import Doubtful
from crossloyalty.domain.orders import Order, Refund
from crossloyalty.errors import PlatformUnavailable, WrongType

__all__ = ["read_order_row", "read_refund_row"]


def read_order_row(jdp_response: str | bytes, settings: TaobaoSettings) -> Order | Doubtful:
    """
    Read one row of `jdp_tb_trade`, for shops whose orders are pushed into a database of their own.

    Args:
        jdp_response: The column of that name.
        settings: The shop's.

    Returns:
        The order, for `crossloyalty.Loyalty.ingest()`; or why it cannot be believed.
    """
    node = _inner(jdp_response, "trade")
    return node if isinstance(node, Doubtful) else read_order(node, settings)


def read_refund_row(jdp_response: str | bytes, settings: TaobaoSettings) -> Refund | Doubtful:
    """Read one row of `jdp_tb_refund`; see `read_order_row`."""
    node = _inner(jdp_response, "refund")
    return node if isinstance(node, Doubtful) else read_refund(node, settings)


def _inner(text: str | bytes, name: str) -> Node | Doubtful:
    if not isinstance(text, (str, bytes)):
        raise WrongType(f"jdp_response is text or bytes, not {type(text).__name__}")
    try:
        value = load_json(text.encode("utf-8", "replace") if isinstance(text, str) else text, "taobao")
        return Node(_unwrapped(value, name), name)
    except (PlatformUnavailable, Unreadable):
        return Doubtful(order_no="", code="UNREADABLE", detail=f"jdp_response holds no {name}")


def _unwrapped(value: Any, name: str) -> Any:
    """Take off the envelope, whose root differs by the call the row was written from."""
    if isinstance(value, dict) and name not in value and len(value) == 1:
        (value,) = value.values()
    return value.get(name) if isinstance(value, dict) else value
