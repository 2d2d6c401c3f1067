"""What the SP-API answered: errors, the data, how many pages there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from crossloyalty.adapters.jd.answers import fault_of as router_fault_of
from crossloyalty.adapters.wire.reading import Node, Unreadable
from crossloyalty.adapters.wire.strict_json import answer_json
from crossloyalty.adapters.wire.values import Action, Answer, Call, Fault
from crossloyalty.errors import PlatformUnavailable

__all__ = ["fault_of", "one", "page_of"]

_SHOWN: Final = 64
_TRUE: Final = (True, "true", "True", 1, "1")


def fault_of(answer: Answer, call: Call) -> Fault | None:
    """
    Read an error: `success` is not true, or the gateway in front answered in routerjson's way.

    Args:
        answer: What came back.
        call: What was asked.

    Raises:
        PlatformUnavailable: The answer is no JSON object.

    Source: JD's generated SDK (`sp/order/v0`), 2026-03. Code 99904030005: calls have to come from JD's cloud.
    """
    if call.name.startswith("oauth2.") or answer.status >= 500 or answer.status == 429:
        return router_fault_of(answer, call)
    value = _opened(answer)
    if "success" not in value:
        fault = router_fault_of(answer, call)
        return fault or Fault(action=Action.REFUSE, code=f"http-{answer.status}", message="no result")
    if value["success"] in _TRUE:
        return None
    errors = value.get("errorList")
    error = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    return Fault(action=Action.REFUSE, code=_text(error, "code"), message=_text(error, "message"))


def _opened(answer: Answer) -> Mapping[str, Any]:
    value = answer_json(answer, "jd")
    if isinstance(value, dict) and isinstance(value.get("Response"), dict):
        value = value["Response"]
    if not isinstance(value, dict):
        raise PlatformUnavailable("the answer is no object", platform="jd")
    return value


def _text(about: Mapping[str, Any], name: str) -> str:
    value = about.get(name)
    return (value if isinstance(value, str) else str(value) if type(value) is int else "")[:_SHOWN]


def page_of(answer: Answer) -> tuple[Sequence[Any], int | None]:
    """
    Give the rows of a page, and the number of all rows; None where it is not stated.

    Raises:
        Unreadable: It is no page, or says that there are more pages and not how many rows.
    """
    node = Node(_opened(answer), "answer")
    data = node.raw("data")
    if data is not None and not isinstance(data, list):
        raise Unreadable("answer.data is no list")
    about = node.node("paginationData")
    if about is None:
        return data or (), None
    total = about.whole("totalItems")
    if total is None and (about.raw("hasNextPage") in _TRUE or (about.whole("totalPages") or 0) > 1):
        raise Unreadable("answer.paginationData.totalItems is missing")
    return data or (), total


def one(answer: Answer) -> Node | None:
    """Give the one object that was asked for; None when there is none."""
    data = _opened(answer).get("data")
    return Node(data, "data") if isinstance(data, dict) else None
