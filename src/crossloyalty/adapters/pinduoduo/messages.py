"""
Pinduoduo's message service: frames on a WebSocket which the host holds open, not calls to an address of the host.

A frame carries no signature; the channel's address is signed and its TLS carries the trust, so frames may only come
from a socket that the host itself opened there. A message does no more than name what to fetch.

Source: open.pinduoduo.com, message service, for delivery; the shape of frames is what three public clients agree on.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from crossloyalty.adapters.pinduoduo.answers import PLATFORM
from crossloyalty.adapters.pinduoduo.settings import PinduoduoSettings
from crossloyalty.adapters.pinduoduo.signing import channel_digest
from crossloyalty.adapters.wire.reading import Node, Unreadable
from crossloyalty.adapters.wire.signing import sha256_hex
from crossloyalty.adapters.wire.strict_json import load_json
from crossloyalty.adapters.wire.values import Pushed
from crossloyalty.domain.checks import clean_text
from crossloyalty.errors import InvalidInput

__all__ = ["TOPICS", "channel_address", "frame_answer", "frame_shop", "heartbeat", "read_frame"]

TOPICS: Final = (
    "pdd_trade_TradeConfirmed",
    "pdd_trade_TradeSellerShip",
    "pdd_trade_TradeSuccess",
    "pdd_trade_TradeRiskChanged",
    "pdd_refund_RefundCreated",
    "pdd_refund_RefundAgreeAgreement",
    "pdd_refund_RefundClosed",
    "pdd_refund_RefundBuyerReturnGoods",
)
_CHANNEL: Final = "wss://message-api.pinduoduo.com/message"
_LARGEST_FRAME: Final = 256 * 1024
# What refund messages call things is not documented; these names were seen or are those of the APIs.
_ORDER_NAMES: Final = ("tid", "order_sn")
_REFUND_NAMES: Final = ("refund_id", "after_sales_id")


def channel_address(settings: PinduoduoSettings, now: datetime) -> str:
    """Give the address to open the socket at; good for one connection, and a secret itself."""
    milliseconds = _milliseconds(now)
    digest = channel_digest(settings.client_id, milliseconds, settings.client_secret)
    return f"{_CHANNEL}/{quote(settings.client_id, safe='')}/{milliseconds}/{quote(digest, safe='')}"


def heartbeat(now: datetime) -> bytes:
    """Give the frame to send every 5 to 10 seconds."""
    return _text({"commandType": "HeartBeat", "time": _milliseconds(now)})


def read_frame(settings: PinduoduoSettings, frame: bytes) -> Pushed | None:
    """
    Read one frame.

    Args:
        settings: The shop; one channel carries the messages of every shop that authorised the app.
        frame: As it came from the socket.

    Returns:
        What it is about; None for a frame that is no message.

    Raises:
        Unreadable: It is larger than a message, no message of this form, or another shop's.
        PlatformUnavailable: It is no JSON.
    """
    if len(frame) > _LARGEST_FRAME:
        raise Unreadable("a frame is larger than any message")
    outer = Node(load_json(frame, PLATFORM), "frame")
    if outer.text("commandType") != "Common":
        return None
    message = outer.need_node("message")
    shop_id = message.need_text("mallID")
    if shop_id != settings.shop_id:
        raise Unreadable("a message of another shop")
    topic, content = message.need_text("type"), message.text("content") or "{}"
    inner = Node(load_json(content.encode("utf-8", "surrogatepass"), PLATFORM), "content")
    sent_at = outer.milliseconds("time")
    # Nobody says whether `id` stays the same when a message comes again, or whether it is unique at all: with all of
    # it in the key a repeat costs one more fetch at worst, and no message is taken for another.
    key = sha256_hex("\0".join((shop_id, topic, outer.text("id") or "", content)))
    return Pushed(
        message_id=key,
        topic=topic,
        order_no=_first(inner, _ORDER_NAMES),
        refund_id=_first(inner, _REFUND_NAMES),
        shop_id=shop_id,
        sent_at=None if sent_at is None else (sent_at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1),
    )


def frame_shop(frame: bytes) -> str:
    """Give the shop a frame is about, for a host with several shops on one channel; "" when it names none."""
    message = Node(load_json(frame, PLATFORM), "frame").node("message")
    return "" if message is None else message.text("mallID") or ""


def frame_answer(frame: bytes, now: datetime, *, taken: bool) -> bytes:
    """
    Give the frame to send back.

    Args:
        frame: A message, as it came.
        now: Aware.
        taken: It was stored; otherwise nothing is sent, and the platform sends it again after 10 minutes.

    Returns:
        The acknowledgement; empty: send nothing.
    """
    if not taken:
        return b""
    outer = Node(load_json(frame, PLATFORM), "frame")
    message = outer.node("message")
    if message is None:
        return b""
    return _text(
        {
            "commandType": "Ack",
            "time": _milliseconds(now),
            "id": outer.raw("id"),
            "sendTime": outer.raw("sendTime"),
            "type": message.raw("type"),
            "mallID": message.raw("mallID"),
        }
    )


def _first(content: Node, names: tuple[str, ...]) -> str:
    found = next((found for found in map(content.text, names) if found is not None), "")
    try:
        return clean_text(found, "an id")
    except InvalidInput:
        raise Unreadable("a message names what no order is called") from None


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _text(frame: dict[str, Any]) -> bytes:
    return json.dumps(frame, separators=(",", ":"), default=str).encode()
