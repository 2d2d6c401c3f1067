"""
Messages of the channel (TMC): hints which order or refund to fetch, in any order, more than once.

They are fetched by a signed call and carry no signature of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from crossloyalty.adapters.taobao.answers import payload, rows
from crossloyalty.adapters.wire.reading import Node, Unreadable
from crossloyalty.adapters.wire.strict_json import load_json
from crossloyalty.adapters.wire.values import Answer, Call, Pushed
from crossloyalty.domain.calendar import instant_of
from crossloyalty.errors import PlatformUnavailable

__all__ = ["read_messages"]

_CALL: Final = Call(name="taobao.tmc.messages.consume", method="POST", url="")
_TOPICS: Final = ("taobao_trade_", "taobao_refund_")


def read_messages(answer: Answer) -> Sequence[Pushed]:
    """
    Read what `taobao.tmc.messages.consume` gave.

    Args:
        answer: A good one.

    Returns:
        The messages. One of another topic, or whose content cannot be read, names no order: it is confirmed and
        ignored, and the next pull finds what it was about.

    Raises:
        PlatformUnavailable: The answer is no list of messages with ids; nothing can be confirmed then.
    """
    try:
        node = payload(answer, _CALL)
        return [_message(Node(value, "message")) for value in rows(node, "messages", "tmc_message")]
    except Unreadable as error:
        raise PlatformUnavailable("the answer is no list of messages", platform="taobao") from error


def _message(node: Node) -> Pushed:
    topic = node.text("topic") or ""
    content = _content(node) if topic.startswith(_TOPICS) else {}
    try:
        sent_at = node.beijing("pub_time")
    except Unreadable:
        sent_at = None
    return Pushed(
        message_id=node.need_text("id"),
        topic=topic,
        order_no=_digits(content.get("tid")),
        refund_id=_digits(content.get("refund_id")) if topic.startswith("taobao_refund_") else "",
        shop_id=_digits(node.raw("user_id")),
        sent_at=None if sent_at is None else instant_of(sent_at),
    )


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
