"""
The ports a host's world fills in: storage, sources of orders, clock, pause.

Every port exists twice, plain and `Async…`, with the same methods; use cases are written against the async spelling
and `crossloyalty._bridge` spells a plain port async.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from datetime import datetime
from typing import Literal, NamedTuple, Protocol, Self, TypeAlias, runtime_checkable

import attrs

from crossloyalty.domain.identities import Identity
from crossloyalty.domain.orders import Milestone, Order, Refund
from crossloyalty.domain.records import Key, Record, RootKey

__all__ = [
    "Add",
    "Ahead",
    "AsyncEnrolmentGateway",
    "AsyncPhoneCheck",
    "AsyncRateLimiter",
    "AsyncSleep",
    "AsyncStorage",
    "AsyncTransaction",
    "Attempt",
    "Change",
    "Clock",
    "Delete",
    "EnrolmentAnswer",
    "EnrolmentGateway",
    "Found",
    "Insert",
    "OrderSource",
    "PhoneCheck",
    "RateLimiter",
    "Replace",
    "Scan",
    "Sleep",
    "SourceCapabilities",
    "Storage",
    "Transaction",
]

Clock: TypeAlias = Callable[[], datetime]
Sleep: TypeAlias = Callable[[float], None]
AsyncSleep: TypeAlias = Callable[[float], Awaitable[None]]


class Scan(NamedTuple):
    """
    Rows of one kind, in the order of its primary key or of a named index.

    Args:
        kind: The record class.
        prefix: Values the first fields of the index equal.
        by: A name in the kind's `indexes`; None scans the primary key.
        low, high: Inclusive bounds on the field behind the prefix; a row that has NULL there never lies in a range.
        descending: Newest first.
        limit: The most rows to give.
        after: The index values (and, behind them, the key values the index lacks) of the last row already seen.
    """

    kind: type[Record]
    prefix: tuple[str | int, ...]
    by: str | None = None
    low: str | int | None = None
    high: str | int | None = None
    descending: bool = False
    limit: int | None = None
    after: tuple[str | int, ...] | None = None


class _Rows(tuple[Record, ...]):
    """Rows of one kind, at least one; many at once cost little more than one."""

    __slots__ = ()

    def __new__(cls, *records: Record) -> Self:
        return super().__new__(cls, records)

    @classmethod
    def of(cls, records: Sequence[Record]) -> Self:
        """Make one from a list."""
        return super().__new__(cls, records)


class Insert(_Rows):
    """Add rows of one kind; an existing key raises `Conflict`."""

    __slots__ = ()


class Replace(_Rows):
    """Put rows of one kind in place of those of the same keys; a missing one raises `Conflict`."""

    __slots__ = ()


class Delete(NamedTuple):
    """Remove a row; a missing one raises `Conflict`."""

    key: Key


class Add(NamedTuple):
    """Add *delta* to an integer field in place; past *at_most* it raises `LimitReached`, a missing row `Conflict`."""

    key: Key
    field: str
    delta: int
    at_most: int | None = None


Change: TypeAlias = Insert | Replace | Delete | Add


class Found(NamedTuple):
    """The answer of one read: the records that exist by key, and the rows of each scan in the order asked."""

    records: Mapping[Key, Record]
    rows: Sequence[Sequence[Record]]


class Ahead(NamedTuple):
    """What the next read will ask for, told with the lock so that a server gives it in the same round trip."""

    keys: Collection[Key] = ()
    scans: Sequence[Scan] = ()


class Transaction(Protocol):
    """What happens between opening and leaving a storage's transaction."""

    def lock(self, roots: Collection[RootKey], *, ahead: Ahead | None = None) -> Mapping[RootKey, int]:
        """
        Create the roots that are missing, lock all in the global order, give their versions.

        The first call of a writing transaction. A later call may add roots that sort behind all locked before
        (an order's holder is known only once the order is read); an earlier one raises `Conflict`.

        Args:
            ahead: A hint: what the next read will ask for. It is read after the locks are held.
        """
        ...

    def read(self, keys: Collection[Key] = (), scans: Sequence[Scan] = ()) -> Found:
        """
        Fetch records by key and by index, in one round trip where the database can.

        In a writing transaction this reads the current rows; in a readonly one, one consistent snapshot.
        """
        ...

    def write(self, changes: Sequence[Change], *, roots: Mapping[RootKey, int], final: bool = False) -> None:
        """
        Apply all changes or none; every root in *roots* is bumped once and must still have the version given.

        A replaced root's own `version` field is ignored: storage writes the bumped one.

        Args:
            final: Nothing more is asked of this transaction. A server is then told once, the changes together with the
                COMMIT, so what is wrong with them may be raised on leaving the block.

        Raises:
            Conflict: A key exists already, a row is missing, or a version has moved on.
            LimitReached: An `Add` would pass its bound.
        """
        ...


class Storage(Protocol):
    """Where a program lives; on a clean exit of a transaction everything written is durable and visible together."""

    def transaction(self, *, readonly: bool = False) -> AbstractContextManager[Transaction]:
        """Open a transaction; leaving it by an exception undoes everything."""
        ...


class AsyncTransaction(Protocol):
    """`Transaction`, awaited."""

    async def lock(self, roots: Collection[RootKey], *, ahead: Ahead | None = None) -> Mapping[RootKey, int]:
        """See `Transaction.lock`."""
        ...

    async def read(self, keys: Collection[Key] = (), scans: Sequence[Scan] = ()) -> Found:
        """See `Transaction.read`."""
        ...

    async def write(self, changes: Sequence[Change], *, roots: Mapping[RootKey, int], final: bool = False) -> None:
        """See `Transaction.write`."""
        ...


class AsyncStorage(Protocol):
    """`Storage`, awaited."""

    def transaction(self, *, readonly: bool = False) -> AbstractAsyncContextManager[AsyncTransaction]:
        """See `Storage.transaction`."""
        ...


@attrs.frozen(kw_only=True)
class SourceCapabilities:
    """
    What a source of orders can do; the library falls back to what is left by these, never by a platform's name.

    Args:
        auto_convert: Its orders carry a buyer identity that can be bound, so a bound buyer's orders convert by
            themselves. Without it orders are taken in without buyers, and members claim by hand.
        buyer_id_scope: Where that identity is unique: "none", "platform", "app" or "shop".
        push: It can tell us of changes by messages.
        pull: It can be asked for what changed since a moment.
        refund_detail: It states refunded amounts.
        phone_check: It can compare the last digits of the receiver's phone.
        after_sale_days: For how long buyers may ask for a refund, in days; None: unknown.
        watch_refunds: A refund after finishing shows in no feed, so orders with claims are fetched again until the
            after-sale window closes.
    """

    auto_convert: bool = False
    buyer_id_scope: Literal["none", "platform", "app", "shop"] = "none"
    push: bool = False
    pull: bool = False
    refund_detail: bool = False
    phone_check: bool = False
    after_sale_days: int | None = None
    watch_refunds: bool = False


class Attempt(NamedTuple):
    """
    A request that may turn out to be a guess.

    Args:
        program_id, member_id: Whose.
        family, order_no: The number that was asked for.
        device: The host's key of the device or address it came from, "" for none.
        action: What was asked: "claim".
    """

    program_id: str
    member_id: str
    family: str
    order_no: str
    device: str
    action: str = "claim"


class RateLimiter(Protocol):
    """
    Counts attempts before anything is looked up, outside of every transaction of the host's.

    What is counted stays counted when the host rolls back.
    """

    def take(self, attempts: Sequence[Attempt]) -> Sequence[bool]:
        """Count each, and say of each whether it may be looked up."""
        ...

    def give_back(self, attempts: Sequence[Attempt]) -> None:
        """Take counts back of what was no guess, such as a proof that was right."""
        ...


class AsyncRateLimiter(Protocol):
    """A `RateLimiter` of an asynchronous host."""

    async def take(self, attempts: Sequence[Attempt]) -> Sequence[bool]:
        """See `RateLimiter.take`."""
        ...

    async def give_back(self, attempts: Sequence[Attempt]) -> None:
        """See `RateLimiter.give_back`."""
        ...


class PhoneCheck(Protocol):
    """Asks a platform to compare, where it does not tell the phone; called while no transaction of ours is open."""

    def matches(self, *, platform: str, order_no: str, digits: str) -> bool:
        """
        Say whether a phone, or its last four digits, are those of an order's receiver.

        Args:
            platform: As the member named it.
            order_no: In normal form; the platform may not know it.
            digits: The phone, or its last four digits.
        """
        ...


class AsyncPhoneCheck(Protocol):
    """A `PhoneCheck` of an asynchronous host."""

    async def matches(self, *, platform: str, order_no: str, digits: str) -> bool:
        """See `PhoneCheck.matches`."""
        ...


class PhoneCipher(Protocol):
    """
    Hides phones and shows them again, by keys that only the host has; called while no transaction of ours is open.

    The text it makes is stored as it is. Let it begin with the version of its key, so that old texts can be read while
    the key is changed, and let it bind the program in (as associated data), so that no text is good for two merchants.
    """

    def encrypt(self, phone: str, *, program_id: str) -> str:
        """
        Hide a phone.

        Args:
            phone: Digits alone, without China's country code.
            program_id: Whose.

        Returns:
            1 to 1,000 printable ASCII characters, such as base64; the phone does not stand in them.
        """
        ...

    def decrypt(self, text: str, *, program_id: str) -> str:
        """Show a phone again; may raise what it likes where the text is not its own."""
        ...


class AsyncPhoneCipher(Protocol):
    """A `PhoneCipher` of an asynchronous host, such as one that asks a key server."""

    async def encrypt(self, phone: str, *, program_id: str) -> str:
        """See `PhoneCipher.encrypt`."""
        ...

    async def decrypt(self, text: str, *, program_id: str) -> str:
        """See `PhoneCipher.decrypt`."""
        ...


@attrs.frozen(kw_only=True)
class EnrolmentAnswer:
    """
    What became of an enrolment on another side.

    Args:
        identity: What the member is called there, None when it does not say.
        refused: Why it will not have them, "" for a member who is enrolled now, or was before.
    """

    identity: Identity | None = None
    refused: str = ""


class EnrolmentGateway(Protocol):
    """The other side of a dual enrolment; called while no transaction of ours is open."""

    def enrol(self, *, member_id: str, identities: Sequence[Identity], key: str) -> EnrolmentAnswer:
        """
        Enrol a member there; once under a key, however often it is called.

        Args:
            member_id: Who they are here.
            identities: What is known of them.
            key: Idempotency key, the same for each try.
        """
        ...


class AsyncEnrolmentGateway(Protocol):
    """An `EnrolmentGateway` of an asynchronous host."""

    async def enrol(self, *, member_id: str, identities: Sequence[Identity], key: str) -> EnrolmentAnswer:
        """See `EnrolmentGateway.enrol`."""
        ...


@runtime_checkable
class OrderSource(Protocol):
    """A marketplace adapter or a reader of export files: something that gives orders and refunds."""

    @property
    def capabilities(self) -> SourceCapabilities:
        """What the source can do."""
        ...

    def __iter__(self) -> Iterator[Order | Refund | Milestone]:
        """Give the facts, in any order."""
        ...
