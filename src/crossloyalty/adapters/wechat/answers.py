"""What a Weixin shop answered: its errors by code, its tokens, its lists of ids."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from crossloyalty.adapters.wire.reading import Node, Unreadable
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.strict_json import answer_json
from crossloyalty.adapters.wire.tokens import Tokens
from crossloyalty.adapters.wire.values import Action, Answer, Call, Fault
from crossloyalty.errors import PlatformUnavailable, shown

__all__ = ["IdPage", "fault_of", "opened", "read_order_ids", "read_refund_ids", "read_tokens"]

_RID: Final = re.compile(r"\brid:\s*([0-9a-zA-Z-]{4,64})")
_RETRY_AFTER: Final = re.compile(r"[0-9]{1,5}", re.ASCII)
_MINUTE_S: Final = 60.0
_HOUR_S: Final = 3600.0

# Source: the common codes and those on the pages of each interface; what to do about them is our reading.
_ACTIONS: Final = {
    -1: Action.RETRY,
    40001: Action.REFRESH,
    40014: Action.REFRESH,
    42001: Action.REFRESH,
    45009: Action.WAIT,
    45011: Action.WAIT,
    61007: Action.REAUTHORISE,
    100002: Action.MISSING,
}
# The daily quota comes back at a time the pages do not name; the quota of a minute with the next minute.
_PAUSES_S: Final = {45009: _HOUR_S, 45011: _MINUTE_S}


def fault_of(answer: Answer, call: Call) -> Fault | None:
    """
    Say what is wrong with an answer.

    Args:
        answer: HTTP 200 with an `errcode` is the usual form of an error.
        call: What was asked; whatever secret stands in its address is kept out of the message.

    Returns:
        None for a good answer. An `errcode` that is absent is 0. Unknown codes are refusals: a person looks.

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
        root = opened(answer)
        code = root.whole("errcode") or 0
        if code == 0:
            return None
        words = root.value.get("errmsg")
    except Unreadable as error:
        raise PlatformUnavailable(f"the answer is not as its page describes it: {error}", platform="wechat") from None
    text = words if isinstance(words, str) else ""
    rid = _RID.search(text)
    return Fault(
        action=_ACTIONS.get(code, Action.REFUSE),
        code=str(code),
        message=shown(_without_secrets(text, call)),
        request_id=rid[1] if rid else None,
        retry_after_s=_PAUSES_S.get(code),
    )


def opened(answer: Answer) -> Node:
    """Give the answer's object; `Unreadable` when it is none."""
    return Node(answer_json(answer, "wechat"), "answer")


class IdPage(NamedTuple):
    """One page of a list: the ids, and the key of the next page (None: this was the last)."""

    ids: tuple[str, ...]
    next_key: str | None


def read_order_ids(answer: Answer) -> IdPage:
    """Read a page of the order list; `PlatformUnavailable` when it cannot be read."""
    return _ids(answer, "order_id_list")


def read_refund_ids(answer: Answer) -> IdPage:
    """Read a page of the after-sale list; `PlatformUnavailable` when it cannot be read."""
    return _ids(answer, "after_sale_order_id_list")


def read_tokens(answer: Answer, now: datetime) -> Tokens:
    """
    Read the access token.

    Args:
        answer: A good answer of `stable_token`.
        now: When it came, aware.

    Raises:
        PlatformUnavailable: It holds no token.
    """
    try:
        root = opened(answer)
        lasts_s = root.need_whole("expires_in")
        if not 0 < lasts_s <= 86_400:
            raise Unreadable("answer.expires_in is no lifetime")
        return Tokens(access=Secret(root.need_text("access_token")), expires_at=now + timedelta(seconds=lasts_s))
    except Unreadable as error:
        raise PlatformUnavailable(f"the answer holds no token: {error}", platform="wechat") from None


def _ids(answer: Answer, name: str) -> IdPage:
    try:
        root = opened(answer)
        rows: Any = root.raw(name)
        if rows is None:
            rows = []
        if not isinstance(rows, list) or not all(type(each) in (str, int) for each in rows):
            raise Unreadable(f"answer.{name} is no list of ids")
        next_key, more = root.text("next_key"), root.flag("has_more")
        if more is False:
            next_key = None
        elif more and next_key is None:
            raise Unreadable("answer.next_key is missing although there is more")
        return IdPage(tuple(str(each) for each in rows), next_key)
    except Unreadable as error:
        raise PlatformUnavailable(f"the list cannot be read: {error}", platform="wechat") from None


def _without_secrets(text: str, call: Call) -> str:
    for _, value in parse_qsl(urlsplit(call.url).query):
        text = text.replace(value, "<secret>")
    return text


def _retry_after_s(answer: Answer) -> float | None:
    value = answer.headers.get("retry-after", "")
    return float(value) if _RETRY_AFTER.fullmatch(value) else None
