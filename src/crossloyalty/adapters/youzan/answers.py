"""
What Youzan answered: one of five envelopes, its errors by code, its tokens.

Source: errors and limits (the envelopes of token, gateway, business and older interfaces; codes by field).
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from crossloyalty.adapters.wire.reading import Node, Unreadable
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.strict_json import answer_json
from crossloyalty.adapters.wire.tokens import Tokens, check_owner
from crossloyalty.adapters.wire.values import Action, Answer, Call, Fault
from crossloyalty.errors import PlatformUnavailable, shown

__all__ = ["data_of", "fault_of", "read_tokens"]

_RETRY_AFTER: Final = re.compile(r"[0-9]{1,5}", re.ASCII)
_REFRESH_TOKEN_DAYS: Final = 28
_ACTIONS: Final = {
    "4201": Action.REFRESH,
    "4202": Action.REFRESH,
    "4203": Action.REFRESH,
    "1004": Action.REAUTHORISE,
    "1005": Action.REAUTHORISE,
    "4101": Action.WAIT,
    "500100004": Action.WAIT,
    "123000042": Action.WAIT,
    "141500203": Action.WAIT,
    "-100": Action.RETRY,
    "5002": Action.RETRY,
    "106000001": Action.RETRY,
    "106000003": Action.RETRY,
    "106100118": Action.RETRY,
    "106000004": Action.MISSING,
    "106100110": Action.MISSING,
    "103010052": Action.MISSING,
    "103011024": Action.MISSING,
}
# The official advice for codes of the rate (errors and limits): these pauses, then give up.
_PAUSES_S: Final = (3.0, 6.0, 12.0, 24.0, 48.0)
_TRADE_NOT_FOUND: Final = ("5000", "trade not found")


def fault_of(answer: Answer, call: Call) -> Fault | None:
    """
    Say what is wrong with an answer.

    Args:
        answer: HTTP 200 is the usual status of an error. The order in which the envelopes are looked at matters: an
            error may come with `data` that looks like an empty list.
        call: What was asked; whatever secret stands in its address is kept out of the message.

    Returns:
        None for a good answer. Unknown codes are refusals: a person looks.

    Raises:
        PlatformUnavailable: It is no JSON object.
    """
    if answer.status == 429:
        return Fault(action=Action.WAIT, code="HTTP 429", retry_after_s=_retry_after_s(answer))
    if answer.status >= 500:
        return Fault(action=Action.RETRY, code=f"HTTP {answer.status}", retry_after_s=_retry_after_s(answer))
    if answer.status != 200:
        return Fault(action=Action.REFUSE, code=f"HTTP {answer.status}")
    try:
        root = Node(answer_json(answer, "youzan"), "answer")
        trace = root.text("trace_id")
        gateway = root.node("gw_err_resp")
        if gateway is not None:
            return _fault(gateway.text("err_code"), gateway.raw("err_msg"), gateway.text("trace_id") or trace, call)
        older = root.node("error_response")
        if older is not None:
            return _fault(older.text("code"), older.raw("msg"), trace, call)
        code = root.text("code")
        if root.flag("success") is False or code not in ("200", None):
            return _fault(code, root.raw("message"), trace, call)
        data = root.raw("data")
        if isinstance(data, dict) and Node(data, "data").flag("is_success") is False:
            return _fault("is_success=false", root.raw("message"), trace, call)
        return None
    except Unreadable as error:
        raise PlatformUnavailable(f"the answer is not as its page describes it: {error}", platform="youzan") from None


def data_of(answer: Answer) -> Node:
    """
    Give the `data` of a good answer.

    Raises:
        Unreadable: There is none.
    """
    root = Node(answer_json(answer, "youzan"), "answer")
    return (root.node("response") or root.need_node("data")) if "data" not in root else root.need_node("data")


def read_tokens(answer: Answer, kdt_id: str, now: datetime) -> Tokens:
    """
    Read the tokens.

    Args:
        answer: A good answer of auth/token.
        kdt_id: Whose they have to be, where the answer says whose they are.
        now: When it came, aware.

    Returns:
        `expires` is an instant in milliseconds, unlike everywhere else. A refresh token lasts 28 days.

    Raises:
        PlatformRefused: They are another shop's.
        PlatformUnavailable: It holds no token.
    """
    try:
        data = data_of(answer)
        refresh = data.text("refresh_token")
        expires_at = data.milliseconds("expires")
        if expires_at is None:
            raise Unreadable("data.expires is missing")
        owner = data.text("authority_id")
        tokens = Tokens(
            access=Secret(data.need_text("access_token")),
            refresh=None if refresh is None else Secret(refresh),
            expires_at=expires_at,
            refresh_expires_at=None if refresh is None else now + timedelta(days=_REFRESH_TOKEN_DAYS),
        )
    except Unreadable as error:
        raise PlatformUnavailable(f"the answer holds no token: {error}", platform="youzan") from None
    check_owner(owner, kdt_id, "youzan")
    return tokens


def _fault(code: str | None, words: Any, trace: str | None, call: Call) -> Fault:
    text = words if isinstance(words, str) else ""
    action = _ACTIONS.get(code or "", Action.REFUSE)
    if code == _TRADE_NOT_FOUND[0] and _TRADE_NOT_FOUND[1] in text.lower():
        action = Action.MISSING
    waits = action is Action.WAIT
    return Fault(
        action=action,
        code=code or "",
        message=shown(_without_secrets(text, call)),
        request_id=trace,
        retry_after_s=_PAUSES_S[0] if waits else None,
        then_s=_PAUSES_S[1:] if waits else (),
    )


def _without_secrets(text: str, call: Call) -> str:
    for _, value in parse_qsl(urlsplit(call.url).query):
        text = text.replace(value, "<secret>")
    return text


def _retry_after_s(answer: Answer) -> float | None:
    value = answer.headers.get("retry-after", "")
    return float(value) if _RETRY_AFTER.fullmatch(value) else None
