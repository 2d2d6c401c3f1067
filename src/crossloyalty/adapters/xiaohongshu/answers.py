"""
What Xiaohongshu's answers mean: the envelope, the second envelope inside some, and what to do about each error.

Source: open.xiaohongshu.com, developer file 40 (success is `success` true and `error_code` 0). There is no public table
of errors: three codes are those met in practice, the rest is told by words.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from crossloyalty.adapters.wire.backwards import known_total
from crossloyalty.adapters.wire.reading import Node, Unreadable
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.strict_json import answer_json
from crossloyalty.adapters.wire.tokens import Tokens, check_owner
from crossloyalty.adapters.wire.values import Action, Answer, Call, Fault
from crossloyalty.adapters.wire.words import platform_words
from crossloyalty.adapters.xiaohongshu.calls import CREATE_TOKEN, PAGE_SIZE, REFRESH_TOKEN
from crossloyalty.adapters.xiaohongshu.settings import PLATFORM
from crossloyalty.errors import ConfigError, PlatformUnavailable

__all__ = ["data_of", "fault_of", "page_of", "tokens_of"]

_ACTIONS: Final = {
    "-2000400": Action.REFUSE,
    "-2000101": Action.MISSING,
    "-2000500": Action.RETRY,
}
_BY_WORDS: Final = (
    ("限流", Action.WAIT),
    ("频率", Action.WAIT),
    ("频繁", Action.WAIT),
    ("订单不存在", Action.MISSING),
    ("售后单不存在", Action.MISSING),
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
    if answer.status == 429 or (answer.status == 503 and "retry-after" in answer.headers):
        return Fault(action=Action.WAIT, code=f"HTTP {answer.status}")
    if answer.status >= 500:
        return Fault(action=Action.RETRY, code=f"HTTP {answer.status}")
    node = _envelope(answer)
    if answer.status != 200 or not _succeeded(node, "error_code"):
        return _fault(node, "error_code", "error_msg", answer, call)
    inner = _inner(node)
    if inner is not None and not _succeeded(inner, "code"):
        return _fault(inner, "code", "msg", answer, call)
    return None


def data_of(answer: Answer) -> Node | None:
    """
    Give what a successful answer is about, out of both envelopes; None where it is about nothing.

    Raises:
        PlatformUnavailable: Its `data` is no object.
    """
    node = _envelope(answer)
    try:
        return (_inner(node) or node).node("data")
    except Unreadable as error:
        raise PlatformUnavailable("the data of the answer is no object", platform=PLATFORM) from error


def page_of(data: Node | None, rows: str) -> tuple[list[Any], int, int]:
    """
    Give the rows of a page, each as it stands, the number of the last page, and how many rows all pages have.

    Args:
        data: Of the answer.
        rows: Their name there; rows that are absent are none.

    Raises:
        PlatformUnavailable: It is no page as the platform describes it.
    """
    try:
        if data is None:
            raise Unreadable("answer.data is missing")
        found = data.raw(rows)
        if not isinstance(found, list) and found is not None:
            raise Unreadable(f"answer.data.{rows} is no list")
        total = data.whole("total")
        total = data.need_whole("totalCount") if total is None else total
        rows_here = found or []
        total = known_total(total, len(rows_here), PAGE_SIZE, None) or 0
        # Of two statements the one with more pages counts: a page too many is empty, one too few is lost.
        return rows_here, max(-(-total // PAGE_SIZE), data.whole("maxPageNo") or 0, 1), total
    except Unreadable as error:
        raise PlatformUnavailable(f"no page as it is described: {error}", platform=PLATFORM) from error


def tokens_of(answer: Answer, shop_id: str, now: datetime) -> Tokens:
    """
    Read the tokens an authorisation or a refresh gives; it states moments, not lives.

    Args:
        answer: Of a token call.
        shop_id: Whose they have to be, where the answer says whose they are.
        now: When it came.

    Raises:
        PlatformRefused: They are another shop's.
        PlatformUnavailable: It holds no tokens.
    """
    data = data_of(answer)
    try:
        if data is None:
            raise Unreadable("answer.data is missing")
        owner = data.text("sellerId")
        tokens = Tokens(
            access=Secret(data.need_text("accessToken")),
            refresh=Secret(data.need_text("refreshToken")),
            expires_at=data.milliseconds("accessTokenExpiresAt") or now,
            refresh_expires_at=data.milliseconds("refreshTokenExpiresAt"),
        )
    except (Unreadable, ConfigError) as error:
        raise PlatformUnavailable("the answer holds no tokens", platform=PLATFORM) from error
    check_owner(owner, shop_id, PLATFORM)
    return tokens


def _envelope(answer: Answer) -> Node:
    try:
        return Node(answer_json(answer, PLATFORM), "answer")
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
    return platform_words(value) if type(value) is str else ""
