"""What the open platform answered: errors by code and sub-code, the envelope, tokens."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from crossloyalty.adapters.wire.reading import Node, Unreadable
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.strict_json import answer_json, load_json
from crossloyalty.adapters.wire.tokens import Tokens, check_owner
from crossloyalty.adapters.wire.values import Action, Answer, Call, Fault
from crossloyalty.errors import ConfigError, PlatformUnavailable

__all__ = ["fault_of", "payload", "read_tokens", "rows"]

_PLATFORM: Final = "taobao"
_SHOWN: Final = 64
_QUOTA_PAUSE_S: Final = 3600.0
_NUMBER: Final = re.compile(r"[0-9]{1,6}", re.ASCII)

# Codes that are not a no for good (developer.alibaba.com, document 102707, read 2026-11).
_CODES: Final = {
    3: Action.RETRY,
    7: Action.WAIT,
    10: Action.RETRY,
    26: Action.REAUTHORISE,
    27: Action.REFRESH,
}
_SUB_CODES: Final = {
    "isp.call-limited": Action.WAIT,
    "isp.null-pointer-exception": Action.REFUSE,
    "isp.top-parse-error": Action.REFUSE,
    "isp.top-mapping-parse-error": Action.REFUSE,
    "isv.trade-not-exist": Action.MISSING,
    "isv.refund-not-exist": Action.MISSING,
    "isv.invalid-sessionkey": Action.REFRESH,
    "invalid-sessionkey": Action.REFRESH,
}
# Quotas of a day: no pause of seconds helps.
_QUOTAS: Final = ("accesscontrol.limited-by-app-access-count", "accesscontrol.limited-by-app-api-access-count")


def fault_of(answer: Answer, call: Call, *, refreshable: bool = True) -> Fault | None:
    """
    Read an error; the platform answers with HTTP 200 to most.

    Args:
        answer: What came back.
        call: What was asked.
        refreshable: Whether a dead session can be renewed without the merchant.

    Returns:
        The fault, or None for a good answer.

    Raises:
        PlatformUnavailable: The answer is no JSON (XML and HTML pages of proxies among them).
    """
    if answer.status >= 500:
        return Fault(action=Action.RETRY, code=f"http-{answer.status}")
    if answer.status == 429:
        return Fault(action=Action.WAIT, code="http-429", retry_after_s=_seconds(answer.headers.get("retry-after")))
    # Cut off, it would not end so; then the whole is read, and refused, so that it is asked for again.
    body = answer.body
    if answer.status == 200 and body[:1] == b"{" and body[-1:] == b"}" and b'"error_response"' not in body:
        return None
    value = answer_json(answer, _PLATFORM)
    if not isinstance(value, dict):
        raise PlatformUnavailable("the answer is no object", platform=_PLATFORM)
    error = _error(value)
    if error is None:
        return None if answer.status == 200 else Fault(action=Action.REFUSE, code=f"http-{answer.status}")
    return _read_fault(error, refreshable=refreshable)


def _error(value: dict[str, Any]) -> Node | None:
    error = value.get("error_response")
    return Node(error, "error_response") if isinstance(error, dict) else None


def _read_fault(error: Node, *, refreshable: bool) -> Fault:
    code, sub = _text(error, "code"), _text(error, "sub_code")
    words = " ".join(filter(None, (_text(error, "msg"), _text(error, "sub_msg"))))
    action = _action(code, sub)
    if action is Action.REFRESH and not refreshable:
        action = Action.REAUTHORISE
    pause = None
    if action is Action.WAIT:
        pause = _QUOTA_PAUSE_S if sub in _QUOTAS else _banned_s(_text(error, "sub_msg"))
    return Fault(
        action=action,
        code=f"{code}/{sub}"[:_SHOWN] if sub else code[:_SHOWN],
        message=words[:_SHOWN],
        request_id=_text(error, "request_id")[:_SHOWN] or None,
        retry_after_s=pause,
    )


def _action(code: str, sub: str) -> Action:
    if sub in _SUB_CODES:
        return _SUB_CODES[sub]
    if sub.startswith("isp."):
        return Action.RETRY
    return _CODES.get(int(code), Action.REFUSE) if _NUMBER.fullmatch(code) else Action.REFUSE


def _banned_s(words: str) -> float | None:
    """Read "This ban will last for 12 more seconds"; a second more than that is safe."""
    found = _NUMBER.search(words)
    return None if found is None else int(found[0]) + 1.0


def _seconds(text: str | None) -> float | None:
    return float(text) if text is not None and _NUMBER.fullmatch(text) else None


def _text(node: Node, name: str) -> str:
    value = node.value.get(name)
    return value if isinstance(value, str) else str(value) if type(value) is int else ""


def payload(answer: Answer, call: Call) -> Node:
    """
    Take the envelope off a good answer.

    Args:
        answer: One that `fault_of` has no complaint about.
        call: What was asked; its method names the root, with or without which the answer is understood.

    Raises:
        PlatformUnavailable: It is no JSON object.
    """
    value = answer_json(answer, _PLATFORM)
    if not isinstance(value, dict):
        raise PlatformUnavailable("the answer is no object", platform=_PLATFORM)
    root = call.name.removeprefix("taobao.").replace(".", "_") + "_response"
    inner = value.get(root)
    return Node(inner if isinstance(inner, dict) else value, root)


def rows(node: Node, plural: str, singular: str) -> Sequence[object]:
    """
    Give a list in any of its shapes: {"trades": {"trade": […]}}, {"trades": […]}, or absent when it is empty.

    Args:
        node: The object that holds it.
        plural, singular: The names of the list and of one element.

    Raises:
        Unreadable: It has another shape.
    """
    value = node.raw(plural)
    if isinstance(value, dict):
        value = value.get(singular)
    if value is None:
        return ()
    if not isinstance(value, list):
        raise Unreadable(f"{node.path}.{plural} is no list")
    return value


def read_tokens(answer: Answer, call_name: str, now: datetime, *, seller_id: str | None = None) -> Tokens:
    """
    Read the tokens of `top.auth.token.create` or `.refresh`: their result is a JSON text inside the JSON.

    Args:
        answer: A good one.
        call_name: The method that was called.
        now: When the answer came, aware.
        seller_id: The `taobao_user_id` they have to be of, where the answer names one; None: not compared.

    Raises:
        PlatformRefused: They are another seller's.
        PlatformUnavailable: There is no access token in it.
    """
    try:
        result = payload(answer, Call(name=call_name, method="POST", url="")).need_text("token_result")
        node = Node(load_json(result.encode("utf-8", "replace"), _PLATFORM), "token_result")
        refresh, owner = node.text("refresh_token"), node.text("taobao_user_id")
        tokens = Tokens(
            access=Secret(node.need_text("access_token")),
            refresh=None if refresh is None else Secret(refresh),
            expires_at=_after(now, node.whole("expires_in")),
            refresh_expires_at=_after(now, node.whole("re_expires_in")),
        )
    except (ValueError, ConfigError) as error:
        raise PlatformUnavailable("the answer holds no tokens as its page describes", platform=_PLATFORM) from error
    if seller_id is not None:
        check_owner(owner, seller_id, _PLATFORM)
    return tokens


def _after(now: datetime, seconds: int | None) -> datetime | None:
    # Nothing and 0 are both written where a token has no end of its own; more than 20 years is no figure.
    return now + timedelta(seconds=seconds) if seconds and 0 < seconds < 20 * 366 * 86_400 else None
