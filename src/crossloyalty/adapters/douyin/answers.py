"""
Douyin's answers: `code`, `sub_code` and `data` in one object, HTTP 200 around errors too.

Source: op.jinritemai.com, guide to error codes. What to do about each is our reading of its words.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from crossloyalty.adapters.wire.reading import Node, Unreadable
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.strict_json import answer_json
from crossloyalty.adapters.wire.tokens import Tokens, check_owner
from crossloyalty.adapters.wire.values import Action, Answer, Call, Fault
from crossloyalty.adapters.wire.words import platform_words, request_id
from crossloyalty.errors import ConfigError, PlatformUnavailable

__all__ = ["PLATFORM", "data_of", "fault_of", "tokens_of"]

PLATFORM: Final = "douyin"
_SUCCESS: Final = 10000
_NO_PERMISSION: Final = 30001
_INVALID: Final = (40003, 40004)
_BUSINESS: Final = (50001, 50002)
_ACTIONS: Final = {
    10001: Action.RETRY,  # success in part: no success of a read
    20000: Action.RETRY,
    20001: Action.RETRY,
    60000: Action.WAIT,  # too fast
    90000: Action.RETRY,
}
_TOKEN_IS_OVER: Final = ("isv.access-token-expired", "isv.access-token-no-existed", "isv.access-token-invalid")
_NOT_AUTHORISED: Final = ("dop.authorization-no-existed", "dop.authorization-closed")
_BUSY: Final = ("繁忙", "稍后", "busy")
_UNKNOWN_ORDER: Final = "不存在"
_LONGEST_LIFE_S: Final = 366 * 86_400


def fault_of(answer: Answer, call: Call) -> Fault | None:
    """
    Read an error from an answer.

    Args:
        answer: As it came, whatever its HTTP status.
        call: What was asked; the same code means other things for other calls.

    Returns:
        None for a good answer. A code that stands in no table is a no for good: somebody has to look.

    Raises:
        PlatformUnavailable: The answer cannot be read.
    """
    if answer.status == 429:
        return Fault(action=Action.WAIT, code="HTTP 429", retry_after_s=_advised(answer))
    if answer.status >= 500:
        return Fault(action=Action.RETRY, code=f"HTTP {answer.status}", retry_after_s=_advised(answer))
    try:
        body = Node(answer_json(answer, PLATFORM), "answer")
        code = body.whole("code")
        if code == _SUCCESS or (code is None and body.whole("err_no") == 0):
            return None if answer.status == 200 else Fault(action=Action.REFUSE, code=f"HTTP {answer.status}")
        return _told(body, code, call)
    except Unreadable as error:
        raise PlatformUnavailable(f"an answer that cannot be read: {error}", platform=PLATFORM) from error


def _told(body: Node, code: int | None, call: Call) -> Fault:
    if code is None:
        code = body.need_whole("err_no")
    sub_code = body.text("sub_code") or ""
    said = (body.text("sub_msg"), body.text("msg"), body.text("message"))
    return Fault(
        action=_action(code, sub_code, " ".join(each for each in said if each), call),
        code=platform_words(f"{code}/{sub_code}" if sub_code else str(code)),
        message=platform_words(*said),
        request_id=request_id(body.text("log_id")),
    )


def _action(code: int, sub_code: str, said: str, call: Call) -> Action:
    if code in _INVALID and sub_code.startswith(_TOKEN_IS_OVER):
        return Action.REFRESH
    if code == _NO_PERMISSION and sub_code.startswith(_NOT_AUTHORISED):
        return Action.REAUTHORISE
    if code in _BUSINESS:
        if call.name == "token.refresh":
            return Action.REAUTHORISE
        if any(word in said for word in _BUSY):
            return Action.RETRY
        if call.name in ("order.orderDetail", "afterSale.Detail") and _UNKNOWN_ORDER in said:
            return Action.MISSING
    return _ACTIONS.get(code, Action.REFUSE)


def _advised(answer: Answer) -> float | None:
    advised = answer.headers.get("retry-after", "")
    return float(advised) if advised.isascii() and advised.isdigit() and len(advised) < 6 else None


def data_of(answer: Answer) -> Node:
    """
    Take the envelope off a good answer.

    Raises:
        PlatformUnavailable: It has no `data` object.
    """
    body: Any = answer_json(answer, PLATFORM)
    try:
        return Node(body, "answer").need_node("data")
    except Unreadable as error:
        raise PlatformUnavailable("the answer is not what its page describes", platform=PLATFORM) from error


def tokens_of(answer: Answer, shop_id: str, now: datetime) -> Tokens:
    """
    Read the tokens of an authorisation or a refresh.

    Args:
        answer: A good one.
        shop_id: Whose they have to be.
        now: When the answer came, aware: it names seconds left, not a moment.

    Raises:
        PlatformRefused: They are another shop's.
        PlatformUnavailable: The answer cannot be read.
    """
    data = data_of(answer)
    try:
        owner, refresh, left_s = data.need_text("shop_id"), data.text("refresh_token"), data.need_whole("expires_in")
        tokens = Tokens(
            access=Secret(data.need_text("access_token")),
            refresh=None if refresh is None else Secret(refresh),
            expires_at=now + timedelta(seconds=max(0, min(left_s, _LONGEST_LIFE_S))),
        )
    except (Unreadable, ConfigError) as error:
        raise PlatformUnavailable("the tokens are not as their page describes them", platform=PLATFORM) from error
    check_owner(owner, shop_id, PLATFORM)
    return tokens
