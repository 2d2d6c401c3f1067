"""
Pushed messages: a probe of the address, encrypted or plain events as JSON or XML, and what the platform wants to hear.

A message only says what to fetch. Source: message push (mini-programs and shops), shop events: order callback and
after-sale callback.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from crossloyalty.adapters.wechat.crypto import decrypt
from crossloyalty.adapters.wechat.settings import WechatSettings
from crossloyalty.adapters.wechat.signing import is_signed
from crossloyalty.adapters.wechat.xmltext import read_xml
from crossloyalty.adapters.wire.reading import Node, Unreadable
from crossloyalty.adapters.wire.signing import sha256_hex
from crossloyalty.adapters.wire.strict_json import load_json
from crossloyalty.adapters.wire.values import Acknowledgement, Incoming, Pushed
from crossloyalty.errors import ForgedMessage, PlatformUnavailable

__all__ = ["acknowledge", "read_messages"]

_LARGEST_BYTES: Final = 1 << 20
_TIMESTAMP: Final = re.compile(r"[0-9]{1,11}", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9]{1,32}", re.ASCII)
_TEXT: Final = {"content-type": "text/plain; charset=utf-8"}
# Where each event keeps the ids: the object, the order's number, the after-sale case's number.
_BODIES: Final = (
    ("order_info", "order_id", None),
    ("finder_shop_aftersale_status_update", "order_id", "after_sale_order_id"),
    ("ProductOrderStatusUpdate", "order_id", None),
)


def read_messages(incoming: Incoming, settings: WechatSettings, now: datetime) -> tuple[Pushed, ...]:
    """
    Check a message on what was signed and say what it asks to fetch.

    Args:
        incoming: As it arrived; the signature stands in the address.
        settings: The shop; `push_mode` alone decides how a message has to be signed.
        now: Aware.

    Returns:
        One message; none for a probe of the address (a GET with `echostr`).

    Raises:
        ForgedMessage: Signature, time, receiver or form are wrong.

    Source: the signature in the safe mode is `msg_signature` over the cipher text; `signature` beside it covers less
    and is not looked at. There is no message id: event, ids and CreateTime together are one (order callback).
    """
    query = incoming.query
    timestamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
    _check_time(timestamp, settings, now)
    if not settings.push_tokens:
        raise ForgedMessage("this shop takes no messages: push_token is not set")
    if len(incoming.body) > _LARGEST_BYTES:
        raise ForgedMessage("the message is larger than any message is")
    if incoming.method == "GET":
        if not is_signed(query.get("signature"), settings.push_tokens, timestamp, nonce):
            raise ForgedMessage("the signature of the probe is wrong")
        return ()
    if settings.push_mode == "plain":
        if not is_signed(query.get("signature"), settings.push_tokens, timestamp, nonce):
            raise ForgedMessage("the signature of the message is wrong")
        plain = incoming.body
    else:
        encrypted = _parsed(incoming.body).get("Encrypt")
        if not isinstance(encrypted, str) or not encrypted:
            raise ForgedMessage("the message is not encrypted")
        if not is_signed(query.get("msg_signature"), settings.push_tokens, timestamp, nonce, encrypted):
            raise ForgedMessage("the signature of the message is wrong")
        plain = decrypt(settings.push_aes_keys, encrypted, settings.appid)
    return (_pushed(plain, settings),)


def acknowledge(incoming: Incoming, ok: bool) -> Acknowledgement:
    """
    Give what the platform wants to hear within 5 seconds.

    Args:
        incoming: What was verified, or was not.
        ok: It was taken in.

    Returns:
        `success` as plain text, for a probe its `echostr`; otherwise a status that makes the platform send again.
    """
    if not ok:
        return Acknowledgement(status=403, headers=_TEXT)
    body = incoming.query.get("echostr", "") if incoming.method == "GET" else "success"
    return Acknowledgement(headers=_TEXT, body=body.encode())


def _check_time(timestamp: str, settings: WechatSettings, now: datetime) -> None:
    if not _TIMESTAMP.fullmatch(timestamp):
        raise ForgedMessage("the message names no time it was signed at")
    if abs(int(timestamp) - int(now.astimezone(UTC).timestamp())) > settings.push_max_age_s:
        raise ForgedMessage("the message was signed too long ago, or in the future")


def _parsed(body: bytes) -> Mapping[str, Any]:
    if body.lstrip()[:1] == b"<" or body.startswith(b"\xef\xbb\xbf<"):
        return read_xml(body)
    try:
        value = load_json(body, "wechat")
    except PlatformUnavailable:
        raise ForgedMessage("the message is no JSON text as its page describes it") from None
    if not isinstance(value, Mapping):
        raise ForgedMessage("the message is no JSON object")
    return value


def _pushed(plain: bytes, settings: WechatSettings) -> Pushed:
    try:
        message = Node(_parsed(plain), "message")
        if settings.shop_username and message.text("ToUserName") != settings.shop_username:
            raise ForgedMessage("the message is for another shop")
        topic = message.text("Event") or message.text("MsgType") or ""
        created_s = message.whole("CreateTime")
        order_no = refund_id = ""
        for name, order, refund in _BODIES:
            body = message.node(name)
            if body is not None:
                order_no = _number(body, order)
                refund_id = _number(body, refund) if refund else ""
        if not order_no:
            message_id = sha256_hex(plain)
        else:
            message_id = sha256_hex(json.dumps([topic, order_no, refund_id, created_s]))
        return Pushed(
            message_id=message_id,
            topic=topic[:64],
            order_no=order_no,
            refund_id=refund_id,
            shop_id=settings.appid if settings.push_mode == "safe" else "",
            sent_at=None if created_s is None else created_s * 1_000_000,
        )
    except Unreadable as error:
        raise ForgedMessage(f"the message is not as its page describes it: {error}") from None


def _number(body: Node, name: str) -> str:
    value = body.text(name)
    if value is None:
        return ""
    if not _NUMBER.fullmatch(value):
        raise Unreadable(f"{body.path}.{name} is no number")
    return value
