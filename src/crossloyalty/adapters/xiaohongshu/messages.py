"""
What Xiaohongshu pushes: a signed URL with an unsigned body, tried again only once, 5 minutes later.

Source: open.xiaohongshu.com, developer file 41. Since the body is not signed, a message is believed in nothing but what
to fetch.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from crossloyalty.adapters.wire.reading import Node, Unreadable
from crossloyalty.adapters.wire.signing import same
from crossloyalty.adapters.wire.strict_json import load_json
from crossloyalty.adapters.wire.values import Pushed
from crossloyalty.adapters.xiaohongshu.settings import PLATFORM, XiaohongshuSettings
from crossloyalty.adapters.xiaohongshu.signing import sign_message
from crossloyalty.errors import ConfigError, ForgedMessage, PlatformUnavailable

__all__ = ["ACCEPTED", "LARGEST_BODY", "REJECTED", "read_messages"]

ACCEPTED: Final = b'{"success":true,"error_code":0,"error_msg":""}'
REJECTED: Final = b'{"success":false,"error_code":1,"error_msg":"rejected"}'
LARGEST_BODY: Final = 262_144
_PROBE_BYTES: Final = 64
_SECONDS: Final = re.compile(r"[0-9]{10}", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{3,63}", re.ASCII)


def read_messages(
    headers: Mapping[str, str], body: bytes, settings: XiaohongshuSettings, *, now: datetime
) -> tuple[Pushed, ...]:
    """
    Verify a pushed request and read its messages.

    Args:
        headers: Of the request, by any spelling of case.
        body: Raw.
        settings: The shop; the signature covers the path and query in `callback`.
        now: For the age of the message.

    Returns:
        The messages; none for the probe `{"test":true}`, which comes without a signature when the URL is saved and has
        no effect.

    Raises:
        ForgedMessage: It is not from the platform, is too old, or is no list of messages.
        ConfigError: No callback is set up.
    """
    if settings.callback is None:
        raise ConfigError("XiaohongshuSettings.callback is needed to verify messages")
    if not _is_signed(headers):
        if len(body) <= _PROBE_BYTES and _is_probe(_loaded(body)):
            return ()
        raise ForgedMessage("the message bears no signature")
    _verify(headers, settings, now)
    if len(body) > LARGEST_BODY:
        raise ForgedMessage("the message is larger than any of the platform's")
    value = _loaded(body)
    if _is_probe(value):
        return ()
    if not isinstance(value, list):
        raise ForgedMessage("the body is no list of messages")
    try:
        return tuple(_read(Node(each, "message")) for each in value)
    except Unreadable as error:
        raise ForgedMessage("the body holds something that is no message") from error


def _is_probe(value: Any) -> bool:
    return isinstance(value, dict) and list(value) == ["test"] and value["test"] is True


def _is_signed(headers: Mapping[str, str]) -> bool:
    """Say whether a request bears a signature at all."""
    return any(name.lower() == "sign" for name in headers)


def _verify(headers: Mapping[str, str], settings: XiaohongshuSettings, now: datetime) -> None:
    given = _single(headers)
    app_key, timestamp = given.get("app-key", ""), given.get("timestamp", "")
    secrets = [each for each in (settings.app_secret, settings.previous_app_secret) if each is not None]
    right = [
        same(
            given.get("sign"),
            sign_message(settings.callback or "", app_key=app_key, timestamp=timestamp, secret=secret),
        )
        for secret in secrets
    ]
    if not any(right) or app_key != settings.app_id:
        raise ForgedMessage("the signature of the message is wrong")
    if not _SECONDS.fullmatch(timestamp) or abs(now.timestamp() - int(timestamp)) > settings.message_age_s:
        raise ForgedMessage("the message is too old or from the future")


def _single(headers: Mapping[str, str]) -> dict[str, str]:
    """Take the headers by lower-case name; one that stands twice counts as wrong."""
    given: dict[str, str] = {}
    for name, value in headers.items():
        given[name.lower()] = "" if name.lower() in given else value
    return given


def _loaded(body: bytes) -> Any:
    try:
        return load_json(body, PLATFORM)
    except PlatformUnavailable as error:
        raise ForgedMessage("the body is no JSON text") from error


def _read(node: Node) -> Pushed:
    topic, text = node.need_text("msgTag"), node.raw("data")
    if text is None:
        about = Node({}, "message.data")
    elif isinstance(text, str):
        try:
            about = Node(load_json(text.encode(), PLATFORM), "message.data")
        except (PlatformUnavailable, UnicodeEncodeError) as error:
            raise Unreadable("message.data is no JSON text") from error
    else:
        about = node.need_node("data")
    sent = about.milliseconds("updateTime")
    parts = [topic, node.text("sellerId") or "", text if isinstance(text, str) else repr(about.value)]
    return Pushed(
        message_id=hashlib.sha256("\x00".join(parts).encode("utf-8", "surrogatepass")).hexdigest(),
        topic=topic,
        order_no=_number(about, "orderId"),
        refund_id=_number(about, "returnsId"),
        shop_id=node.text("sellerId") or "",
        sent_at=None if sent is None else int(sent.timestamp() * 1_000_000),
    )


def _number(node: Node, name: str) -> str:
    number = node.text(name) or ""
    return number if _NUMBER.fullmatch(number) else ""
