"""
What Kuaishou's answers mean: the envelope, and what to do about each error.

Source: open.kwaixiaodian.com, pages on authorisation, limits and return codes, and the support articles on failed
authentication; codes 15 to 17, 22, 25, 27, 28 and 80…… are those public SDKs know. Success is `result` 1 and nothing
else.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from crossloyalty.adapters.kuaishou.calls import CREATE_TOKEN, REFRESH_TOKEN
from crossloyalty.adapters.kuaishou.settings import PLATFORM
from crossloyalty.adapters.wire.reading import Node, Unreadable
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.strict_json import answer_json
from crossloyalty.adapters.wire.tokens import Tokens, check_owner
from crossloyalty.adapters.wire.values import Action, Answer, Call, Fault
from crossloyalty.adapters.wire.words import platform_words, request_id
from crossloyalty.errors import ConfigError, PlatformUnavailable

__all__ = ["data_of", "envelope_of", "fault_of", "rows_of", "tokens_of"]

_SUCCESS: Final = "1"
# The day's quota comes back at midnight; asking again each hour does no harm.
_QUOTA_PAUSE_S: Final = 3600.0
_LONGEST_LIFE_S: Final = 10 * 366 * 86_400

_ACTIONS: Final = {
    "15": Action.WAIT,
    "16": Action.WAIT,
    "17": Action.WAIT,
    "1016": Action.WAIT,
    "1017": Action.WAIT,
    "802000": Action.WAIT,
    "802006": Action.WAIT,
    # The platform does not publish which code says that a token is over; a refresh finds out, once.
    "22": Action.REFRESH,
    "25": Action.REFRESH,
    "24": Action.REAUTHORISE,
    "26": Action.REAUTHORISE,
    "21": Action.REFUSE,
    "27": Action.REFUSE,
    "28": Action.REFUSE,
    "807000": Action.REFUSE,
    "300003": Action.REFUSE,
    "300004": Action.REFUSE,
    "300005": Action.REFUSE,
    "300019": Action.REFUSE,
    "300011": Action.MISSING,
    "100200102": Action.REAUTHORISE,
    "100200105": Action.REAUTHORISE,
    "100200500": Action.RETRY,
}
_QUOTA_CODE: Final = "802006"
_BY_WORDS: Final = (
    ("exceed quota limit", Action.WAIT),
    ("exceed qps limit", Action.WAIT),
    ("authorization_revoked", Action.REAUTHORISE),
    ("revokedauthorization", Action.REAUTHORISE),
    ("token.discarded", Action.REAUTHORISE),
    ("scope", Action.REAUTHORISE),
    ("订单不存在", Action.MISSING),
    ("退款单不存在", Action.MISSING),
    ("售后单不存在", Action.MISSING),
    ("token过期", Action.REFRESH),
    ("鉴权失败", Action.REFRESH),
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
        None when the call succeeded.

    Raises:
        PlatformUnavailable: The answer is no JSON object as the platform's pages describe it.
    """
    if answer.status == 429 or (answer.status == 503 and "retry-after" in answer.headers):
        return Fault(action=Action.WAIT, code=f"HTTP {answer.status}")
    if answer.status >= 500:
        return Fault(action=Action.RETRY, code=f"HTTP {answer.status}")
    node = envelope_of(answer)
    codes = [_word(node, name) for name in ("result", "code", "sub_code")]
    if codes[0] == _SUCCESS and answer.status == 200:
        return None
    words = next((said for said in map(_words, map(node.raw, ("sub_msg", "error_msg", "msg"))) if said), "")
    action = _action(codes, words)
    if action is Action.REFRESH and call.name in (CREATE_TOKEN, REFRESH_TOKEN):
        action = Action.REAUTHORISE
    told = [code for code in codes if code and code != _SUCCESS]
    quota = _QUOTA_CODE in told or "exceed quota limit" in words.lower()
    return Fault(
        action=action,
        code="/".join(dict.fromkeys(told)) or f"HTTP {answer.status}",
        message=words,
        request_id=request_id(_text(node, "requestId")),
        retry_after_s=_QUOTA_PAUSE_S if action is Action.WAIT and quota else None,
    )


def envelope_of(answer: Answer) -> Node:
    """
    Read the object around every answer.

    Raises:
        PlatformUnavailable: It is no JSON object.
    """
    try:
        return Node(answer_json(answer, PLATFORM), "answer")
    except Unreadable as error:
        raise PlatformUnavailable("the answer is no object as its page describes it", platform=PLATFORM) from error


def data_of(answer: Answer) -> Node | None:
    """
    Give what a successful answer is about; None where it is about nothing.

    Raises:
        PlatformUnavailable: Its `data` is no object.
    """
    try:
        return envelope_of(answer).node("data")
    except Unreadable as error:
        raise PlatformUnavailable("the data of the answer is no object", platform=PLATFORM) from error


def rows_of(data: Node | None, rows: str, cursor: str) -> tuple[list[Any], str]:
    """
    Give the rows of a page, each as it stands, and the cursor to what follows.

    Args:
        data: Of the answer.
        rows, cursor: Their names there; rows that are absent are none.

    Raises:
        PlatformUnavailable: It is no page as the platform describes it.
    """
    try:
        if data is None:
            raise Unreadable("answer.data is missing")
        found = data.raw(rows)
        if not isinstance(found, list) and found is not None:
            raise Unreadable(f"answer.data.{rows} is no list")
        return found or [], data.need_text(cursor)
    except Unreadable as error:
        raise PlatformUnavailable(f"no page as it is described: {error}", platform=PLATFORM) from error


def tokens_of(answer: Answer, shop_id: str, now: datetime) -> Tokens:
    """
    Read the tokens an authorisation or a refresh gives.

    Args:
        answer: Of a token call.
        shop_id: The `open_id` they have to be of, where the answer names one.
        now: When it came; the lives it states are counted from here.

    Raises:
        PlatformRefused: They are another shop's.
        PlatformUnavailable: It holds no tokens.
    """
    node = envelope_of(answer)
    try:
        owner = node.text("open_id")
        tokens = Tokens(
            access=Secret(node.need_text("access_token")),
            refresh=Secret(node.need_text("refresh_token")),
            expires_at=_after(now, node.need_whole("expires_in")),
            refresh_expires_at=_after(now, node.whole("refresh_token_expires_in")),
        )
    except (Unreadable, ConfigError) as error:
        raise PlatformUnavailable("the answer holds no tokens", platform=PLATFORM) from error
    check_owner(owner, shop_id, PLATFORM)
    return tokens


def _after(now: datetime, seconds: int | None) -> datetime | None:
    if seconds is not None and not 0 <= seconds <= _LONGEST_LIFE_S:
        raise Unreadable("answer states a life that no token has")
    return None if seconds is None else now + timedelta(seconds=seconds)


def _action(codes: list[str], words: str) -> Action:
    known = [_ACTIONS[code] for code in codes if code in _ACTIONS]
    # 21 and 807000 say no more than "rejected"; their words say why.
    if known and known[0] is not Action.REFUSE:
        return known[0]
    lowered = words.lower()
    for part, action in _BY_WORDS:
        if part in lowered:
            return action
    return known[-1] if known else Action.REFUSE


def _word(node: Node, name: str) -> str:
    value = node.raw(name)
    if type(value) is int:
        return str(value)[:32]
    return "".join(each for each in value[:32] if each.isprintable()) if type(value) is str else ""


def _text(node: Node, name: str) -> str | None:
    value = node.raw(name)
    return value if type(value) is str else None


def _words(value: Any) -> str:
    return platform_words(value) if type(value) is str and value.upper() != "SUCCESS" else ""
