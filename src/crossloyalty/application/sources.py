"""
The port of a marketplace: what is pulled from it page by page, what it pushes, and the values that pass through.

A source knows its platform's words, pages, windows and signatures; the use cases know none of them. They go by
`capabilities`, `limits` and `feeds`, never by a platform's name. Every protocol exists twice, plain and `Async…`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, Protocol, TypeAlias, runtime_checkable

import attrs

from crossloyalty.application.ports import SourceCapabilities
from crossloyalty.domain.orders import Milestone, Order, Refund

__all__ = [
    "Acknowledgement",
    "AsyncMessageChannel",
    "AsyncPullSource",
    "AsyncPushSource",
    "Doubtful",
    "Facts",
    "Incoming",
    "Item",
    "MessageChannel",
    "PullSource",
    "PushSource",
    "Pushed",
    "SourceLimits",
]

Item: TypeAlias = Order | Refund | Milestone


@attrs.frozen(kw_only=True)
class Doubtful:
    """
    An order or refund that cannot be believed as it stands: it goes to review and never to a grant.

    Args:
        order_no: As the platform names it; "" when even that is unreadable.
        code: "AMOUNT_MISMATCH", "UNREADABLE" or "UNKNOWN_STATUS".
        detail: What does not agree, with figures, for staff; no personal data.
        refund_id: The refund that is in doubt; "" when it is the order itself.
        payload: The platform's own text with everything personal taken out (`reading.redacted`).
    """

    order_no: str
    code: Literal["AMOUNT_MISMATCH", "UNREADABLE", "UNKNOWN_STATUS"]
    detail: str
    refund_id: str = ""
    payload: str = attrs.field(default="", repr=False)


@attrs.frozen(kw_only=True)
class Facts:
    """
    What was read from one answer.

    Args:
        items: Orders, refunds and milestones.
        doubtful: What goes to review. An order or refund in doubt that stands in `items` as well is not taken in.
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


@attrs.frozen(kw_only=True)
class Incoming:
    """
    What a platform sent to the host's address, untouched.

    Args:
        headers: By lower-case name.
        body: The raw bytes; signatures are over these and nothing parsed.
        query: The parameters of the address, decoded; some platforms sign there.
        method: The HTTP verb; some platforms check an address with a GET.
    """

    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    body: bytes = attrs.field(default=b"", repr=False)
    query: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    method: str = "POST"


@attrs.frozen(kw_only=True)
class Acknowledgement:
    """
    What the host answers a platform.

    Args:
        status: The HTTP status.
        headers: Such as the content type.
        body: As the platform wants it.
    """

    status: int = 200
    headers: Mapping[str, str] = attrs.field(factory=lambda: {"content-type": "application/json"})
    body: bytes = b""


@attrs.frozen(kw_only=True)
class SourceLimits:
    """
    How a platform wants to be asked.

    Args:
        longest_window_s: The longest window of one query, in seconds.
        overlap_s: How far a sync reads back behind what it has read, in seconds: changes become visible late.
        lag_s: How long after a change the platform may still be silent about it, in seconds; a window ends this long
            before now.
        oldest_days: How far back changes can be asked for, in days; a sync that begins earlier starts there.
    """

    longest_window_s: int
    overlap_s: int = 600
    lag_s: int = 0
    oldest_days: int = 90


@runtime_checkable
class PullSource(Protocol):
    """A platform that is asked what changed. All calls raise the platform errors of `crossloyalty.errors` only."""

    @property
    def platform(self) -> str:
        """The platform's name, such as "taobao"."""
        ...

    @property
    def shop_id(self) -> str:
        """The shop whose orders these are."""
        ...

    @property
    def capabilities(self) -> SourceCapabilities:
        """What the source can do."""
        ...

    @property
    def limits(self) -> SourceLimits:
        """How it wants to be asked."""
        ...

    @property
    def feeds(self) -> Sequence[str]:
        """The lists it can be asked for, such as ("orders", "refunds"); each is read from its own watermark."""
        ...

    def page(self, feed: str, since: datetime, until: datetime, page: str | None) -> Facts:
        """
        Give one page of what changed in [since, until).

        The source chooses an order of pages in which rows that change while reading are not lost (such as from the
        last page to the first); a row may come twice.

        Args:
            feed: One of `feeds`.
            since, until: Aware; at most `limits.longest_window_s` apart.
            page: `next_page` of the page before, opaque text that is stored with the effects; None: the first.
        """
        ...

    def fetch(self, order_no: str, refund_id: str = "") -> Facts:
        """
        Give one order with its refunds as they stand now; nothing when the platform knows no such order.

        Args:
            order_no: As the platform names it.
            refund_id: The refund a message named; "" for all that can be found.
        """
        ...


@runtime_checkable
class PushSource(Protocol):
    """A platform that sends messages to the host's address; it is a `PullSource` as well, to fetch what they name."""

    def verify(self, incoming: Incoming, now: datetime) -> Sequence[Pushed]:
        """
        Check signature and time on the raw bytes and give the messages; pure, so both kinds of host call it alike.

        Args:
            incoming: As it arrived.
            now: Aware; a signed time further away than 300 s on either side is refused.

        Returns:
            The messages; none for a probe of the address.

        Raises:
            ForgedMessage: Signature, time or form are wrong.
        """
        ...

    def acknowledge(self, incoming: Incoming, ok: bool) -> Acknowledgement:
        """Give what the platform wants to hear: taken (a probe, too), or not taken, so that it sends again."""
        ...


@runtime_checkable
class MessageChannel(Protocol):
    """A platform whose messages wait in a queue of its own; it is a `PullSource` as well, to fetch what they name."""

    def consume(self, limit: int) -> Sequence[Pushed]:
        """
        Give about *limit* waiting messages; an unconfirmed one comes again.

        A message about another shop than the source's names it in `Pushed.shop_id`, and is not confirmed.
        """
        ...

    def confirm(self, message_ids: Sequence[str]) -> None:
        """Tell the platform that these were taken: it forgets them, so each is stored before."""
        ...


@runtime_checkable
class AsyncPullSource(Protocol):
    """`PullSource`, awaited."""

    @property
    def platform(self) -> str:
        """See `PullSource.platform`."""
        ...

    @property
    def shop_id(self) -> str:
        """See `PullSource.shop_id`."""
        ...

    @property
    def capabilities(self) -> SourceCapabilities:
        """See `PullSource.capabilities`."""
        ...

    @property
    def limits(self) -> SourceLimits:
        """See `PullSource.limits`."""
        ...

    @property
    def feeds(self) -> Sequence[str]:
        """See `PullSource.feeds`."""
        ...

    async def page(self, feed: str, since: datetime, until: datetime, page: str | None) -> Facts:
        """See `PullSource.page`."""
        ...

    async def fetch(self, order_no: str, refund_id: str = "") -> Facts:
        """See `PullSource.fetch`."""
        ...


# Verifying and acknowledging wait for nothing.
AsyncPushSource = PushSource


@runtime_checkable
class AsyncMessageChannel(Protocol):
    """`MessageChannel`, awaited."""

    async def consume(self, limit: int) -> Sequence[Pushed]:
        """See `MessageChannel.consume`."""
        ...

    async def confirm(self, message_ids: Sequence[str]) -> None:
        """See `MessageChannel.confirm`."""
        ...
