"""
Messages of the channel (TMC): hints which order or refund to fetch, in any order, more than once.

They are fetched by a signed call and carry no signature of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from crossloyalty.adapters.taobao.answers import payload, rows
from crossloyalty.adapters.taobao.settings import TaobaoSettings
from crossloyalty.adapters.wire.reading import Node, Unreadable
from crossloyalty.adapters.wire.strict_json import load_json
from crossloyalty.adapters.wire.values import Answer, Call, Pushed
from crossloyalty.domain.calendar import instant_of
from crossloyalty.errors import PlatformUnavailable

__all__ = ["read_messages"]

_CALL: Final = Call(name="taobao.tmc.messages.consume", method="POST", url="")
_TOPICS: Final = ("taobao_trade_", "taobao_refund_")


def read_messages(answer: Answer, settings: TaobaoSettings) -> Sequence[Pushed]:
    """
    Read what `taobao.tmc.messages.consume` gave.

    Args:
        answer: A good one.
        settings: The shop's; its `seller_id` says whose messages are its own.

    Returns:
        The messages. One of another topic, or whose content cannot be read, names no order: it is confirmed and
        ignored, and the next pull finds what it was about. One without an id can never be confirmed; it is left out,
        so that it does not hold up the others.

    Raises:
        PlatformUnavailable: The answer is no list of messages, or none of them has an id.
    """
    try:
        listed = rows(payload(answer, _CALL), "messages", "tmc_message")
    except Unreadable as error:
        raise PlatformUnavailable("the answer is no list of messages", platform=settings.name) from error
    known = [(_digits(value.get("id")), Node(value, "message")) for value in listed if isinstance(value, dict)]
    read = [_message(message_id, node, settings) for message_id, node in known if message_id]
    if listed and not read:
        raise PlatformUnavailable("the answer holds messages without ids", platform=settings.name)
    return read


def _message(message_id: str, node: Node, settings: TaobaoSettings) -> Pushed:
    said = node.raw("topic")
    topic = said if isinstance(said, str) else ""
    content = _content(node) if topic.startswith(_TOPICS) else {}
    try:
        sent_at = node.beijing("pub_time")
    except Unreadable:
        sent_at = None
    return Pushed(
        message_id=message_id,
        topic=topic,
        order_no=_digits(content.get("tid")),
        refund_id=_digits(content.get("refund_id")) if topic.startswith("taobao_refund_") else "",
        shop_id=_shop(node, settings),
        sent_at=None if sent_at is None else instant_of(sent_at),
    )


def _shop(node: Node, settings: TaobaoSettings) -> str:
    """Name the shop as orders do; a message names the seller by number, which says nothing unless ours is known."""
    seller_id = _digits(node.raw("user_id"))
    if settings.seller_id is None or not seller_id:
        return ""
    return settings.shop_id if seller_id == settings.seller_id else seller_id


def _content(node: Node) -> dict[str, Any]:
    # A JSON text inside the JSON.
    text = node.raw("content")
    if not isinstance(text, str):
        return {}
    try:
        content = load_json(text.encode("utf-8", "replace"), "taobao")
    except PlatformUnavailable:
        return {}
    return content if isinstance(content, dict) else {}


def _digits(value: Any) -> str:
    """Give an id that came as number or as text; anything else is none."""
    text = str(value) if type(value) is int else value
    return text if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) <= 32 else ""
