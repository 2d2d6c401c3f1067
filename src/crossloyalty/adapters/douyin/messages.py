"""
Messages Douyin pushes to the host's address: an array of them under one signature over the raw body.

Source: op.jinritemai.com, message overview 215/1977 and tags 217/1979. MD5 is weak; a message does no more than name
what to fetch, and the answer to that fetch is what counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from crossloyalty.adapters.douyin.answers import PLATFORM
from crossloyalty.adapters.douyin.settings import DouyinSettings
from crossloyalty.adapters.douyin.signing import is_signed
from crossloyalty.adapters.wire.reading import Node, Unreadable
from crossloyalty.adapters.wire.signing import same, sha256_hex
from crossloyalty.adapters.wire.strict_json import load_json
from crossloyalty.adapters.wire.values import Pushed
from crossloyalty.domain.keys import clean_id
from crossloyalty.errors import InvalidInput

__all__ = ["NOT_TAKEN", "TAKEN", "is_genuine", "read_messages"]

TAKEN: Final = b'{"code":0,"msg":"success"}'
# Anything but the above counts as a failure, and the platform sends it again.
NOT_TAKEN: Final = b'{"code":1,"msg":"fail"}'
_LARGEST_BODY: Final = 1024 * 1024
_MOST_MESSAGES: Final = 1000
_PROBE: Final = "0"
_SENT: Final = ("success_time", "complete_time", "pay_time", "cancel_time", "apply_time")


def is_genuine(settings: DouyinSettings, headers: Mapping[str, str], body: bytes) -> bool:
    """
    Say whether a body was sent to this app by somebody who knows its secret.

    Args:
        settings: The shop; the previous secret counts as well while there is one.
        headers: By lower-case name.
        body: The raw bytes.
    """
    if len(body) > _LARGEST_BODY:
        return False
    previous = settings.previous_secret
    signed = is_signed(
        settings.app_key,
        (settings.app_secret,) if previous is None else (settings.app_secret, previous),
        body,
        headers.get("event-sign"),
        stripped=settings.accept_stripped_body,
    )
    return signed and same(headers.get("app-id"), settings.app_key)


def read_messages(settings: DouyinSettings, body: bytes) -> list[Pushed]:
    """
    Read the messages of a genuine body; the probe with which the console tries an address is none.

    Args:
        settings: The shop; messages of another shop of the same app are left out.
        body: The raw bytes.

    Raises:
        Unreadable: It has not the form of messages.
        PlatformUnavailable: It is no JSON.
    """
    rows = load_json(body, PLATFORM)
    if not isinstance(rows, list) or len(rows) > _MOST_MESSAGES:
        raise Unreadable("the body is no list of messages")
    read = [_message(Node(row, f"message[{place}]")) for place, row in enumerate(rows)]
    return [each for each in read if each is not None and each.shop_id in ("", settings.shop_id)]


def _message(message: Node) -> Pushed | None:
    tag = message.need_text("tag")
    if tag == _PROBE:
        return None
    data = message.raw("data")
    # The page says a text holding JSON; an object costs nothing to understand as well.
    inner = load_json(data.encode("utf-8", "surrogatepass"), PLATFORM) if isinstance(data, str) else data or {}
    about = Node(inner, "data")
    message_id = _number(message, "msg_id") or sha256_hex(f"{tag}\0{data!r}")
    return Pushed(
        message_id=message_id,
        topic=tag,
        order_no=_number(about, "p_id"),
        refund_id=_number(about, "aftersale_id"),
        shop_id=_number(about, "shop_id"),
        sent_at=_sent_at(about),
    )


def _number(about: Node, name: str) -> str:
    """Give an id, which is a number beyond 2^53 here and a text in the APIs; 0 names nothing."""
    found = about.text(name)
    try:
        return "" if found in (None, "0") else clean_id(found, name)
    except InvalidInput:
        raise Unreadable(f"{about.path}.{name} is not an id") from None


def _sent_at(about: Node) -> int | None:
    for name in _SENT:
        moment = about.seconds(name) if name in about else None
        if moment is not None:
            return int(moment.timestamp()) * 1_000_000
    return None
