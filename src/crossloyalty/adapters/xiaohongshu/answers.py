"""
What Xiaohongshu's answers mean: the envelope, the second envelope inside some, and what to do about each error.

Source: open.xiaohongshu.com, developer file 40 (success is `success` true and `error_code` 0). There is no public table
of errors: three codes are those met in practice, the rest is told by words.
"""

from __future__ import annotations

from typing import Any, Final

from crossloyalty.adapters.wire.reading import Node, Unreadable, load_json
from crossloyalty.adapters.wire.values import Action, Answer, Call, Fault
from crossloyalty.adapters.xiaohongshu.calls import CREATE_TOKEN, REFRESH_TOKEN
from crossloyalty.adapters.xiaohongshu.settings import PLATFORM
from crossloyalty.errors import PlatformUnavailable

__all__ = ["data_of", "fault_of"]

_MESSAGE_CHARACTERS: Final = 64
_ACTIONS: Final = {
    "-2000400": Action.REFUSE,
    "-2000101": Action.MISSING,
    "-2000500": Action.RETRY,
}
_BY_WORDS: Final = (
    ("限流", Action.WAIT),
    ("频率", Action.WAIT),
    ("频繁", Action.WAIT),
    ("token", Action.REFRESH),
    ("授权", Action.REFRESH),
    ("系统繁忙", Action.RETRY),
    ("稍后", Action.RETRY),
)


def fault_of(answer: Answer, call: Call) -> Fault | None:
    """
    Say what is wrong with an answer.

    Args:
        answer: As it came.
        call: What was asked: a token call that fails never asks for another refresh.

    Returns:
        None when the call succeeded, by the outer envelope and by the inner one where there is one.

    Raises:
        PlatformUnavailable: The answer is no JSON object as the platform's pages describe it.
    """
    if answer.status == 429:
        return Fault(action=Action.WAIT, code="HTTP 429")
    if answer.status >= 500:
        return Fault(action=Action.RETRY, code=f"HTTP {answer.status}")
    node = _envelope(answer)
    if answer.status != 200 or not _succeeded(node, "error_code"):
        return _fault(node, "error_code", "error_msg", answer, call)
    inner = _inner(node)
    if inner is not None and not _succeeded(inner, "code"):
        return _fault(inner, "code", "msg", answer, call)
    return None


def data_of(answer: Answer) -> Node:
    """
    Give what a successful answer is about, out of both envelopes.

    Raises:
        PlatformUnavailable: It holds no `data` object.
    """
    node = _envelope(answer)
    try:
        return (_inner(node) or node).need_node("data")
    except Unreadable as error:
        raise PlatformUnavailable("the answer holds no data object", platform=PLATFORM) from error


def _envelope(answer: Answer) -> Node:
    try:
        return Node(load_json(answer.body, PLATFORM), "answer")
    except Unreadable as error:
        raise PlatformUnavailable("the answer is no object as its page describes it", platform=PLATFORM) from error


def _inner(node: Node) -> Node | None:
    """Give the envelope inside `data`, which the newer family of interfaces has."""
    try:
        data = node.node("data")
    except Unreadable:
        return None
    return data if data is not None and "success" in data and ("data" in data or "code" in data) else None


def _succeeded(node: Node, code: str) -> bool:
    return node.raw("success") is True and _code(node, code) in ("", "0")


def _fault(node: Node, code_name: str, words_name: str, answer: Answer, call: Call) -> Fault:
    code, words = _code(node, code_name), _words(node.raw(words_name))
    action = _ACTIONS.get(code)
    if action is None:
        lowered = words.lower()
        action = next((action for part, action in _BY_WORDS if part in lowered), Action.REFUSE)
    if action is Action.REFRESH and call.name in (CREATE_TOKEN, REFRESH_TOKEN):
        action = Action.REAUTHORISE
    return Fault(action=action, code=code or f"HTTP {answer.status}", message=words)


def _code(node: Node, name: str) -> str:
    value = node.raw(name)
    if type(value) is int:
        return str(value)[:32]
    return "".join(each for each in value[:32] if each.isprintable()) if type(value) is str else ""


def _words(value: Any) -> str:
    if type(value) is not str:
        return ""
    return "".join(each for each in value[:_MESSAGE_CHARACTERS] if each.isprintable())
