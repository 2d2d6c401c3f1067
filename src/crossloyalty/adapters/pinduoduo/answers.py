"""
Pinduoduo's answers: one object around the result, `error_response` around an error, HTTP 200 around both.

Source: the error tables of the APIs at open.pinduoduo.com; the key of the outer object cannot be derived from the name
of the call, so the single object is taken, as a public client does.
"""

from __future__ import annotations

from typing import Any, Final

from crossloyalty.adapters.wire.reading import Node, Unreadable
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.strict_json import answer_json
from crossloyalty.adapters.wire.tokens import Tokens, check_owner
from crossloyalty.adapters.wire.values import Action, Answer, Call, Fault
from crossloyalty.adapters.wire.words import platform_words, request_id
from crossloyalty.errors import ConfigError, PlatformUnavailable

__all__ = ["PLATFORM", "fault_of", "result_of", "tokens_of"]

PLATFORM: Final = "pinduoduo"
_ERROR: Final = "error_response"
_RESULT: Final = "_response"
_MAINTENANCE_S: Final = 600.0
_ACTIONS: Final = {
    10019: Action.REFRESH,  # the access token is over
    20032: Action.REAUTHORISE,  # access token or client id wrong
    50000: Action.RETRY,
    50001: Action.RETRY,
    50002: Action.RETRY,
    52001: Action.RETRY,
    52002: Action.RETRY,
    52101: Action.WAIT,  # too fast
    52102: Action.RETRY,  # degraded
    52103: Action.RETRY,  # unavailable for a time
    70031: Action.WAIT,  # too often
    70033: Action.WAIT,  # maintenance
}
# An order of another shop: for this shop there is no such order.
_NOT_OF_THIS_SHOP: Final = "600005"


def fault_of(answer: Answer, call: Call) -> Fault | None:
    """
    Read an error from an answer.

    Args:
        answer: As it came, whatever its HTTP status.
        call: What was asked.

    Returns:
        None for a good answer. A code that stands in no table is a no for good: somebody has to look.

    Raises:
        PlatformUnavailable: The answer cannot be read.
    """
    if answer.status == 429:
        return Fault(action=Action.WAIT, code="HTTP 429", retry_after_s=_advised(answer))
    if answer.status >= 500:
        return Fault(action=Action.RETRY, code=f"HTTP {answer.status}", retry_after_s=_advised(answer))
    if answer.status == 200:
        return _fault_in(answer)
    refused = Fault(action=Action.REFUSE, code=f"HTTP {answer.status}")
    try:
        return _fault_in(answer) or refused
    except PlatformUnavailable:
        return refused  # a gateway's own page: asking again would not make it another


def _fault_in(answer: Answer) -> Fault | None:
    body = answer_json(answer, PLATFORM)
    if not isinstance(body, dict):
        raise PlatformUnavailable("the answer is no object", platform=PLATFORM)
    if _ERROR not in body:
        return None
    try:
        return _told(Node(body[_ERROR], _ERROR))
    except Unreadable as error:
        raise PlatformUnavailable(f"an error that cannot be read: {error}", platform=PLATFORM) from error


def _told(error: Node) -> Fault:
    code, sub_code = error.need_whole("error_code"), error.text("sub_code") or ""
    action = _ACTIONS.get(code, Action.REFUSE)
    if code == 50001 and sub_code == _NOT_OF_THIS_SHOP:
        action = Action.MISSING
    return Fault(
        action=action,
        code=platform_words(f"{code}/{sub_code}" if sub_code else str(code)),
        message=platform_words(error.text("error_msg"), error.text("sub_msg")),
        request_id=request_id(error.text("request_id")),
        retry_after_s=_MAINTENANCE_S if code == 70033 else None,
    )


def _advised(answer: Answer) -> float | None:
    advised = answer.headers.get("retry-after", "")
    return float(advised) if advised.isascii() and advised.isdigit() and len(advised) < 6 else None


def result_of(answer: Answer) -> Node:
    """
    Take the envelope off a good answer.

    Returns:
        The one object inside, whatever is told beside it; of an answer without a wrapper, as the after-sale detail is
        documented, the answer itself.

    Raises:
        PlatformUnavailable: It is none.
    """
    body: Any = answer_json(answer, PLATFORM)
    try:
        outer = Node(body, "answer")
        inner = [name for name, value in outer.value.items() if isinstance(value, dict)]
        wrapped = len(inner) == 1 and (len(outer.value) == 1 or inner[0].endswith(_RESULT))
        return outer.need_node(inner[0]) if wrapped else outer
    except Unreadable as error:
        raise PlatformUnavailable("the answer is not what its page describes", platform=PLATFORM) from error


def tokens_of(answer: Answer, shop_id: str) -> Tokens:
    """
    Read the tokens of an authorisation or a refresh.

    Args:
        answer: A good one.
        shop_id: Whose they have to be.

    Raises:
        PlatformRefused: They are another shop's.
        PlatformUnavailable: The answer cannot be read.
    """
    result = result_of(answer)
    try:
        owner, refresh = result.need_text("owner_id"), result.text("refresh_token")
        tokens = Tokens(
            access=Secret(result.need_text("access_token")),
            refresh=None if refresh is None else Secret(refresh),
            # Lives differ by the kind of app, so only what the answer says counts.
            expires_at=result.seconds("expires_at"),
            refresh_expires_at=result.seconds("refresh_token_expires_at"),
        )
    except (Unreadable, ConfigError) as error:
        raise PlatformUnavailable("the tokens are not as their page describes them", platform=PLATFORM) from error
    check_owner(owner, shop_id, PLATFORM)
    return tokens
