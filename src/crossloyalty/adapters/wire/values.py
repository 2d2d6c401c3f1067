"""What goes over the wire and what comes back, as values: a signed call, an answer, the facts read from it."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

import attrs

from crossloyalty.domain.orders import Milestone, Order, Refund

__all__ = ["Action", "Answer", "Call", "Doubtful", "Facts", "Fault", "Pushed"]


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
    """

    status: int
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    body: bytes = attrs.field(default=b"", repr=False)


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
    """

    action: Action
    code: str
    message: str = ""
    request_id: str | None = None
    retry_after_s: float | None = None


@attrs.frozen(kw_only=True)
class Doubtful:
    """
    An order or refund that cannot be believed as it stands: it goes to review and never to a grant.

    Args:
        order_no: As the platform names it; "" when even that is unreadable.
        code: "AMOUNT_MISMATCH", "UNREADABLE" or "UNKNOWN_STATUS".
        detail: What does not agree, with figures, for staff; no personal data.
        payload: The platform's own text with everything personal taken out (`reading.redacted`).
    """

    order_no: str
    code: Literal["AMOUNT_MISMATCH", "UNREADABLE", "UNKNOWN_STATUS"]
    detail: str
    payload: str = attrs.field(default="", repr=False)


Item: TypeAlias = Order | Refund | Milestone


@attrs.frozen(kw_only=True)
class Facts:
    """
    What was read from one answer.

    Args:
        items: Orders, refunds and milestones.
        doubtful: What goes to review; an order in doubt may also stand in `items` when its facts are useful, with the
            amounts that do not agree, so that the domain holds it (AMOUNT_MISMATCH).
        seen: How many rows the answer had.
        next_page: The platform's own cursor or page for what follows; None: this was the last.
        total: How many rows the whole window has, where the platform says so.
    """

    items: tuple[Item, ...] = ()
    doubtful: tuple[Doubtful, ...] = ()
    seen: int = 0
    next_page: str | None = None
    total: int | None = None


@attrs.frozen(kw_only=True)
class Pushed:
    """
    One verified message: it only says what to fetch.

    Args:
        message_id: The platform's id, or a hash of the raw body where it has none; unique per platform and shop.
        topic: The platform's word for what happened.
        order_no: The order to fetch; "" when the message is about no order (it is acknowledged and ignored).
        refund_id: The refund to fetch, where it names one.
        shop_id: The shop as the message names it; "" when it names none.
        sent_at: The platform's time in microseconds since 1970; None: it names none.
    """

    message_id: str
    topic: str
    order_no: str = ""
    refund_id: str = ""
    shop_id: str = ""
    sent_at: int | None = None
