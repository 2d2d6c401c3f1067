"""What JD answered: errors in three layers, the envelope with its historic spelling, tokens."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from crossloyalty.adapters.wire.reading import Node
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.strict_json import answer_json
from crossloyalty.adapters.wire.tokens import Tokens
from crossloyalty.adapters.wire.values import Action, Answer, Call, Fault
from crossloyalty.errors import ConfigError, PlatformUnavailable

__all__ = ["fault_of", "inner", "payload", "read_tokens"]

_PLATFORM: Final = "jd"
_SHOWN: Final = 64
_FALSE: Final = (False, "false", "False", 0, "0")
# Whatever may be an error is looked at closely; everything else is read once only.
_SUSPICIOUS: Final = re.compile(
    rb'"(?:error_response|errorMessage|errorList)"|"success"\s*:\s*(?:"?[fF0])|"code"\s*:\s*(?!"0"|0[\s,}])'
)

# Codes that are not a no for good: meanings as copied from the official table, actions ours. 73 and the IP codes are a
# matter of where the program runs.
_CODES: Final = {
    "2": Action.WAIT,
    "18": Action.REAUTHORISE,
    "19": Action.REFRESH,
    "43": Action.RETRY,
    "65": Action.RETRY,
    "66": Action.RETRY,
    "67": Action.RETRY,
    "69": Action.RETRY,
    "78": Action.RETRY,
}


def fault_of(answer: Answer, call: Call) -> Fault | None:
    """
    Read an error of any of the three layers: gateway, its new form, and the business result inside.

    Args:
        answer: What came back.
        call: What was asked; an order that JD does not know is `Action.MISSING` only where one was asked for.

    Returns:
        The fault, or None for a good answer.

    Raises:
        PlatformUnavailable: The answer is no JSON object.
    """
    if answer.status >= 500:
        return Fault(action=Action.RETRY, code=f"http-{answer.status}")
    if answer.status == 429:
        return Fault(action=Action.WAIT, code="http-429")
    tokens = call.name.startswith("oauth2.")
    # Cut off, it would not end so; then the whole is read, and refused, so that it is asked for again.
    if answer.status == 200 and not tokens and _is_whole(answer.body) and not _SUSPICIOUS.search(answer.body):
        return None
    value = answer_json(answer, _PLATFORM)
    if not isinstance(value, dict):
        raise PlatformUnavailable("the answer is no object", platform=_PLATFORM)
    if tokens:
        return None if value.get("access_token") else _token_fault(value)
    fault = _gateway_fault(value) or _business_fault(value, call)
    if fault is None and answer.status != 200:
        return Fault(action=Action.REFUSE, code=f"http-{answer.status}")
    return fault


def _is_whole(body: bytes) -> bool:
    return body[:1] == b"{" and body[-1:] == b"}"


def _gateway_fault(value: Mapping[str, Any]) -> Fault | None:
    error = value.get("error_response")
    if isinstance(error, dict):
        return _fault(_text(error, "code"), _text(error, "zh_desc") or _text(error, "en_desc"), error)
    if "errorMessage" in value:
        return _fault(_text(value, "code"), _text(value, "errorMessage"), value)
    return None


def _business_fault(value: Mapping[str, Any], call: Call) -> Fault | None:
    body = _root(value, call)
    code = _text(body, "code")
    if code not in ("", "0"):
        return _fault(code, _text(body, "zh_desc") or _text(body, "msg"), body)
    for each in body.values():
        if not isinstance(each, dict):
            continue
        found = each.get("apiResult")
        result = found if isinstance(found, dict) else each
        if "success" in result and result["success"] in _FALSE:
            return _refused(result, call)
    return None


def _refused(result: Mapping[str, Any], call: Call) -> Fault:
    words = _text(result, "chineseErrCode") or _text(result, "englishErrCode") or _text(result, "errorMsg")
    # No code for it is public; the words are those of an order that is not there.
    missing = call.name == "jingdong.pop.order.get" and "不存在" in words
    return Fault(
        action=Action.MISSING if missing else Action.REFUSE,
        code=f"result/{_text(result, 'numberCode')}"[:_SHOWN],
        message=words[:_SHOWN],
    )


def _token_fault(value: Mapping[str, Any]) -> Fault:
    error = value.get("error_response")
    about = error if isinstance(error, dict) else value
    code = _text(about, "code")
    action = _CODES.get(code, Action.REAUTHORISE)
    return Fault(
        action=action if action in (Action.RETRY, Action.WAIT) else Action.REAUTHORISE,
        code=f"oauth/{code}"[:_SHOWN],
        message=(_text(about, "zh_desc") or _text(about, "msg"))[:_SHOWN],
    )


def _fault(code: str, words: str, about: Mapping[str, Any]) -> Fault:
    return Fault(
        action=_CODES.get(code, Action.REFUSE),
        code=code[:_SHOWN],
        message=words[:_SHOWN],
        request_id=(_text(about, "request_id") or _text(about, "requestId"))[:_SHOWN] or None,
    )


def _text(about: Mapping[str, Any], name: str) -> str:
    value = about.get(name)
    return value if isinstance(value, str) else str(value) if type(value) is int else ""


def _root(value: Mapping[str, Any], call: Call) -> Mapping[str, Any]:
    name = call.name.replace(".", "_")
    for ending in ("_responce", "_response"):  # the first is how JD has spelled it from the beginning
        found = value.get(name + ending)
        if isinstance(found, dict):
            return found
    return value


def payload(answer: Answer, call: Call) -> Node:
    """
    Take the envelope off a good answer.

    Args:
        answer: One that `fault_of` has no complaint about.
        call: What was asked.

    Raises:
        PlatformUnavailable: It is no JSON object.
    """
    value = answer_json(answer, _PLATFORM)
    if not isinstance(value, dict):
        raise PlatformUnavailable("the answer is no object", platform=_PLATFORM)
    return Node(_root(value, call), "answer")


def inner(node: Node, *names: str) -> Node | None:
    """
    Give the first object directly inside that has one of these fields: pages and integrators name it differently.

    Args:
        node: The payload.
        names: Such as "orderInfoList".
    """
    for each in (node.value, *node.value.values()):
        if isinstance(each, dict) and any(name in each for name in names):
            return Node(each, node.path)
    return None


def read_tokens(answer: Answer, now: datetime) -> Tokens:
    """
    Read a pair of tokens; both are new each time, so both are stored.

    Args:
        answer: A good one.
        now: When the answer came, aware.

    Raises:
        PlatformUnavailable: There is no access token in it.
    """
    try:
        node = Node(answer_json(answer, _PLATFORM), "tokens")
        refresh = node.text("refresh_token")
        lasts_s = node.whole("expires_in")
        issued = node.milliseconds("time") or now
        return Tokens(
            access=Secret(node.need_text("access_token")),
            refresh=None if refresh is None else Secret(refresh),
            expires_at=issued + timedelta(seconds=lasts_s) if lasts_s and 0 < lasts_s < 20 * 366 * 86_400 else None,
        )
    except (ValueError, ConfigError, OverflowError) as error:
        raise PlatformUnavailable("the answer holds no tokens as its page describes", platform=_PLATFORM) from error
