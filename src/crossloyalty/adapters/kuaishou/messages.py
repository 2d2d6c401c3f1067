"""
What Kuaishou pushes: AES cipher text in Base64, and the acknowledgement it waits 3 seconds for.

Source: open.kwaixiaodian.com, page on messages. There is no signature and no time in it: who holds the key could send
an old message again, so a message only says what to fetch.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import Final

from crossloyalty.adapters.kuaishou.settings import PLATFORM, KuaishouSettings
from crossloyalty.adapters.wire.aes import AES_BLOCK, aes_cbc_decrypt
from crossloyalty.adapters.wire.reading import Node, Unreadable
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.strict_json import load_json
from crossloyalty.adapters.wire.values import Pushed
from crossloyalty.errors import ConfigError, ForgedMessage, InvalidInput, PlatformUnavailable

__all__ = ["ACCEPTED", "LARGEST_BODY", "REJECTED", "read_message"]

ACCEPTED: Final = b'{"result":1}'
REJECTED: Final = b'{"result":0}'
LARGEST_BODY: Final = 65_536
_IV: Final = bytes(AES_BLOCK)
_WRONG: Final = "the message was not encrypted with our key"
_NUMBER: Final = re.compile(r"[0-9]{8,24}", re.ASCII)


def read_message(body: bytes, settings: KuaishouSettings) -> tuple[Pushed, ...]:
    """
    Open a pushed message.

    Args:
        body: The raw body of the request.
        settings: The shop; both keys are tried while the key is being changed.

    Returns:
        One message, or none: the platform's probe `{"test":true}` is only acknowledged. A message about something
        else than an order has no order number.

    Raises:
        ForgedMessage: It is not from the platform, with the same words whatever is wrong.
        ConfigError: No message key is set up.
    """
    keys = [key for key in (settings.message_key, settings.previous_message_key) if key is not None]
    if not keys:
        raise ConfigError("KuaishouSettings.message_key is needed to read messages")
    node = _opened(body, keys)
    try:
        return _read(node, settings)
    except Unreadable as error:
        raise ForgedMessage(_WRONG) from error


def _opened(body: bytes, keys: list[Secret]) -> Node:
    if 0 < len(body) <= LARGEST_BODY:
        for key in keys:
            try:
                raw = base64.b64decode(body, validate=True)
                text = aes_cbc_decrypt(raw, key=base64.b64decode(key.reveal()), iv=_IV)
                return Node(load_json(text, PLATFORM), "message")
            except (InvalidInput, PlatformUnavailable, Unreadable, binascii.Error):
                continue
    raise ForgedMessage(_WRONG)


def _read(node: Node, settings: KuaishouSettings) -> tuple[Pushed, ...]:
    topic = node.text("event")
    if topic is None:
        if node.flag("test"):
            return ()
        raise Unreadable("message.event is missing")
    info = _info(node)
    names = ("orderId", "oid") if "aftersales" in topic else ("oid", "orderId")
    order_no = next((number for name in names if (number := _number(info, name))), "")
    if not order_no and topic.startswith("kwaishop_order_"):
        order_no = _number(node, "bizId")
    sent = node.milliseconds("createTime")
    return (
        Pushed(
            message_id=node.text("eventId") or _digest(node),
            topic=topic,
            order_no=order_no,
            refund_id=_number(info, "refundId"),
            shop_id=_shop(node, settings),
            sent_at=None if sent is None else int(sent.timestamp() * 1_000_000),
        ),
    )


def _shop(node: Node, settings: KuaishouSettings) -> str:
    """Name the shop as orders do; a message may name the seller by number alone."""
    open_id, seller_id = node.text("openId"), node.text("userId")
    if open_id is not None or settings.seller_id is None or seller_id is None:
        return open_id or ""
    return settings.shop_id if seller_id == settings.seller_id else seller_id


def _info(node: Node) -> Node:
    """Read the JSON text inside the message; a message without one names what it is about in `bizId`."""
    text = node.raw("info")
    try:
        return Node({} if text is None else load_json(str(text).encode(), PLATFORM), "message.info")
    except (PlatformUnavailable, UnicodeEncodeError) as error:
        raise Unreadable("message.info is no JSON text") from error


def _number(node: Node, name: str) -> str:
    number = node.text(name) or ""
    return number if _NUMBER.fullmatch(number) else ""


def _digest(node: Node) -> str:
    parts = [node.text(name) or "" for name in ("msgId", "event", "bizId", "updateTime", "info")]
    return hashlib.sha256("\x00".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
