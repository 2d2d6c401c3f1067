"""What goes over the wire and what comes back, as values: a signed call, an answer, the facts read from it."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

import attrs

from crossloyalty.application.sources import Acknowledgement, Doubtful, Facts, Incoming, Item, Pushed

__all__ = ["Acknowledgement", "Action", "Answer", "Call", "Doubtful", "Facts", "Fault", "Incoming", "Item", "Pushed"]


@attrs.frozen(kw_only=True)
class Call:
    """
    One request to a platform, built and signed, not yet sent.

    Args:
        name: The method, for errors and logs, such as "taobao.trades.sold.increment.get".
        method: The HTTP verb.
        url: Absolute; may carry secrets in its query, so it is never shown.
        headers: As sent; may carry secrets too.
        body: As sent.
        safe: Sending it twice does no harm: a read, or a write under a key.
    """

    name: str
    method: Literal["GET", "POST"]
    url: str = attrs.field(repr=False)
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    body: bytes = attrs.field(default=b"", repr=False)
    safe: bool = True

    @property
    def place(self) -> str:
        """Method, host and path: what may be shown."""
        parts = urlsplit(self.url)
        return f"{self.method} {parts.hostname or ''}{parts.path}"


@attrs.frozen(kw_only=True)
class Answer:
    """
    What a platform answered.

    Args:
        status: The HTTP status.
        headers: By lower-case name.
        body: Decoded from transfer encodings, at most as large as the sender's cap.

    `read` holds what `answer_json` has made of the body, once it has.
    """

    status: int
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    body: bytes = attrs.field(default=b"", repr=False)
    read: list[Any] = attrs.field(factory=list, init=False, repr=False, eq=False)


class Action(enum.Enum):
    """What to do about a platform's error."""

    RETRY = "RETRY"
    """A hiccup on their side: the same call again, after a growing pause."""
    WAIT = "WAIT"
    """We are too fast: the same call again after the pause they advise."""
    REFRESH = "REFRESH"
    """The access token is over: refresh it, then the same call again."""
    REAUTHORISE = "REAUTHORISE"
    """The merchant has to authorise again; no refresh helps."""
    REFUSE = "REFUSE"
    """A no for good: somebody has to look."""
    MISSING = "MISSING"
    """There is no such order or refund."""


@attrs.frozen(kw_only=True)
class Fault:
    """
    An error a platform answered with, whatever the HTTP status.

    Args:
        action: What to do about it.
        code: The platform's own code, sub-code included, such as "7/accesscontrol.limited-by-api-access-count".
        message: Its words, shortened; no secret stands in it.
        request_id: What the platform's support will ask for.
        retry_after_s: The pause it advises, in seconds; None: it named none.
        then_s: Further pauses it advises for one time after another, in seconds; behind the last it is time to give up.
            Empty: `retry_after_s` is for each time.
    """

    action: Action
    code: str
    message: str = ""
    request_id: str | None = None
    retry_after_s: float | None = None
    then_s: tuple[float, ...] = ()
