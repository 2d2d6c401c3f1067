"""
Pushed messages of Youzan, and what it wants to hear.

A message only says what to fetch. Source: message push (doc 7634): header Event-Sign, body fields, redelivery.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote, unquote_plus

from crossloyalty.adapters.wire.reading import Node, Unreadable
from crossloyalty.adapters.wire.signing import same, sha256_hex
from crossloyalty.adapters.wire.strict_json import load_json
from crossloyalty.adapters.wire.values import Acknowledgement, Incoming, Pushed
from crossloyalty.adapters.youzan.settings import YouzanSettings
from crossloyalty.adapters.youzan.signing import is_signed
from crossloyalty.errors import ForgedMessage, PlatformUnavailable

__all__ = ["acknowledge", "read_messages"]

_LARGEST_BYTES: Final = 1 << 20
_ORDER_NO: Final = re.compile(r"[A-Za-z0-9]{4,64}", re.ASCII)
_MESSAGE_ID: Final = re.compile(r"[!-~]{1,120}", re.ASCII)
_TRADES: Final = ("trade_", "youzan_trade_")


def read_messages(incoming: Incoming, settings: YouzanSettings) -> tuple[Pushed, ...]:
    """
    Check a message on its raw bytes and say what it asks to fetch.

    Args:
        incoming: As it arrived; the `sign` inside the body is not looked at, its rule differs from page to page.
        settings: The shop.

    Returns:
        One message; none for a test message, which names an order that is not there. Messages of other topics than
        trades come without an order and are acknowledged only.

    Raises:
        ForgedMessage: Signature, application, shop or form are wrong. There is no time in the signature, so the age of
            a message is not judged; its id makes it count once.
    """
    if len(incoming.body) > _LARGEST_BYTES:
        raise ForgedMessage("the message is larger than any message is")
    if not is_signed(incoming.headers.get("event-sign"), settings.client_id, incoming.body, settings.client_secrets):
        raise ForgedMessage("the signature of the message is wrong")
    try:
        message = Node(load_json(incoming.body, "youzan"), "message")
        client_id = message.text("client_id") or incoming.headers.get("client-id")
        if client_id is not None and not same(client_id, settings.client_id):
            raise ForgedMessage("the message is for another application")
        shops = (message.text("kdt_id"), message.text("root_kdt_id"))
        if any(shops) and settings.kdt_id not in shops:
            raise ForgedMessage("the message is for another shop")
        if message.flag("test"):
            return ()
        return (_pushed(message, incoming, settings),)
    except PlatformUnavailable:
        raise ForgedMessage("the message is no JSON text as its page describes it") from None
    except Unreadable as error:
        raise ForgedMessage(f"the message is not as its page describes it: {error}") from None


def acknowledge(ok: bool) -> Acknowledgement:
    """
    Give what Youzan wants to hear within 5 seconds.

    Args:
        ok: It was taken in; otherwise the answer has not the word success in it, and the message comes again.
    """
    return Acknowledgement(body=b'{"code":0,"msg":"success"}' if ok else b'{"code":0,"msg":"failed"}')


def _pushed(message: Node, incoming: Incoming, settings: YouzanSettings) -> Pushed:
    topic = message.need_text("type")
    order_no = refund_id = ""
    if topic.startswith(_TRADES):
        inner = _inner(message.value.get("msg"))
        order_no = _number(inner, "tid") or _number(message, "id")
        refund_id = _number(inner, "refund_id")
    message_id = message.text("msg_id")
    if message_id is None or not _MESSAGE_ID.fullmatch(message_id):
        message_id = sha256_hex(incoming.body)
    return Pushed(
        message_id=message_id,
        topic=topic[:64],
        order_no=order_no,
        refund_id=refund_id,
        shop_id=settings.kdt_id if message.text("kdt_id") or message.text("root_kdt_id") else "",
    )


def _inner(value: Any) -> Node:
    """Read `msg`: an object in some topics, a URL-encoded JSON text in others; blanks are written both ways."""
    if isinstance(value, str):
        for decoded in (unquote(value), unquote_plus(value)):
            try:
                value = load_json(decoded.encode("utf-8", "surrogatepass"), "youzan")
                break
            except PlatformUnavailable:
                continue
    return Node(value if isinstance(value, Mapping) else {}, "message.msg")


def _number(node: Node, name: str) -> str:
    value = node.text(name)
    if value is None:
        return ""
    if not _ORDER_NO.fullmatch(value):
        raise Unreadable(f"{node.path}.{name} is no number")
    return value
