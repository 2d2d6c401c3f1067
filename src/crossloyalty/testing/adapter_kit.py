"""What an adapter is tried with: a stand of book, double, source and store around one clock, and how it is judged."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, cast

import attrs

from crossloyalty.adapters.wire.dialect import SendingOptions
from crossloyalty.adapters.wire.token_stores import MemoryTokenStore
from crossloyalty.adapters.wire.tokens import TokenStore
from crossloyalty.application.ports import Storage, Transaction
from crossloyalty.application.sources import AsyncPullSource, Facts, PullSource
from crossloyalty.domain.keys import Platform
from crossloyalty.domain.orders import Order, OrderStatus, Refund
from crossloyalty.domain.program import Program
from crossloyalty.domain.records import OrderRecord
from crossloyalty.domain.rules import Finished, PointsPerYuan
from crossloyalty.loyalty import Loyalty
from crossloyalty.storage.memory import MemoryStorage
from crossloyalty.testing.doubles import Book, Double, Faults
from crossloyalty.testing.dump import dump

__all__ = [
    "QUICK",
    "AdapterKit",
    "KitClock",
    "Stand",
    "check_complete",
    "complaints",
    "finished_orders",
    "program_for",
    "stored_orders",
]

# For sources that talk to a double.
QUICK: Final = SendingOptions(allow_loopback=True, try_s=2.0, deadline_s=10.0)

START: Final = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


class KitClock:
    """A clock that stands still until it is moved; double, source and library share it."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def __call__(self) -> datetime:
        """Give the present moment."""
        return self.at

    def move(self, **delta: float) -> None:
        """Go forward by a `timedelta` given as its arguments."""
        self.at += timedelta(**delta)


class AdapterKit:
    """
    What the checks have to know of a platform; override what differs.

    `make_double` and `make_source` have to be overridden, the others where the platform wants it.
    """

    platform: str = ""
    """The platform's name."""
    platforms: tuple[Platform, ...] = ()
    """Platforms that are not built in, for the program."""
    shop_id: str = "shop-1"
    orders: int = 2000
    """How many orders the long check pulls."""
    pushes: bool = False
    """The source takes pushed messages, and the double makes them."""
    queues: bool = False
    """Messages wait in a queue of the platform: the source is a `MessageChannel`, the double's `message` fills it."""
    awaits: bool = True
    """There is an asynchronous source as well."""
    days: float = 3.0
    """Over how many days their changes are spread."""
    signs: Literal["body", "part", "address"] = "body"
    """What a message's signature covers: its body to the last byte, a part of the body, or no body at all."""
    encrypts: bool = False
    """Its messages bear no signature: being encrypted with the shop's key is all that proves them."""

    def number(self, place: int) -> str:
        """Give the number of the n-th order in the platform's form."""
        return f"{3_816_000_000_000_000_000 + place}"

    def make_book(self) -> Book:
        """Make an empty book; override it where orders have to look special."""
        return Book(self.platform, self.shop_id, number=self.number)

    def make_double(self, book: Book, faults: Faults, clock: KitClock) -> Double:
        """Make the platform's double over a book."""
        raise NotImplementedError

    def make_source(self, double: Double, *, tokens: TokenStore, clock: KitClock) -> PullSource:
        """
        Make a plain source that talks to a double.

        Give it `sleep=lambda _: None` and `options=QUICK`.
        """
        raise NotImplementedError

    def make_async_source(self, double: Double, *, tokens: TokenStore, clock: KitClock) -> AsyncPullSource | None:
        """Make the asynchronous twin; None where there is none."""
        return None

    def parse(self, body: bytes) -> Facts | None:
        """Read one page of orders from its bytes as the source does, without any call: for the benchmark."""
        return None

    async def close(self, source: AsyncPullSource) -> None:
        """Close the connections of an asynchronous source before its event loop ends."""
        closing: Any = source
        await closing.close()

    def expected(self, order: Order) -> Mapping[str, Any] | None:
        """
        Say what a store has to hold of an order of the book; None: the platform does not tell of it.

        Of an order that is not paid yet platforms state what is to be paid, or nothing; its amounts are not compared.
        """
        if order.status is OrderStatus.UNPAID:
            return {"status": order.status.value}
        return {
            "status": None if order.status is None else order.status.value,
            "paid_fen": order.paid_fen,
            "shipping_fen": order.shipping_fen,
        }

    def expected_refund(self, refund: Refund) -> Mapping[str, Any] | None:
        """Say what a store has to hold of a refund of the book; None: the platform does not tell of it."""
        return {"status": refund.status.value, "amount_fen": refund.amount_fen}


@attrs.define
class Stand:
    """Everything one check works with."""

    kit: AdapterKit
    clock: KitClock
    book: Book
    double: Double
    tokens: TokenStore
    source: PullSource
    storage: WatchedStorage
    loyalty: Loyalty

    @classmethod
    @contextmanager
    def open(cls, kit: AdapterKit, *, orders: int = 0, faults: Faults | None = None) -> Iterator[Stand]:
        """
        Set a double up with a filled book, and a source and an empty store beside it.

        Args:
            kit: The platform.
            orders: How many orders the book holds, changed over the last days, the youngest an hour ago.
            faults: What goes wrong at the double.
        """
        clock = KitClock()
        book = kit.make_book()
        if orders:
            book.fill(orders, since=clock() - timedelta(days=kit.days), until=clock() - timedelta(hours=1))
        with kit.make_double(book, faults or Faults(), clock) as double:
            tokens = MemoryTokenStore()
            source = kit.make_source(double, tokens=tokens, clock=clock)
            storage = WatchedStorage(MemoryStorage())
            yield cls(kit, clock, book, double, tokens, source, storage, loyalty_over(kit, storage, clock))

    def told(self) -> list[str]:
        """Give the numbers of the orders in the book that the platform tells of."""
        return [order.order_no for order in self.book.orders() if self.kit.expected(order) is not None]

    @property
    def since(self) -> datetime:
        """Where a first sync begins: behind everything in the book."""
        return START - timedelta(days=self.kit.days + 1)


class WatchedStorage:
    """A storage that knows how many of its transactions are open."""

    def __init__(self, inner: Storage) -> None:
        self.inner = inner
        self.open = 0

    @contextmanager
    def transaction(self, *, readonly: bool = False) -> Iterator[Transaction]:
        """See `Storage.transaction`."""
        inner: AbstractContextManager[Transaction] = self.inner.transaction(readonly=readonly)
        with inner as tx:
            self.open += 1
            try:
                yield tx
            finally:
                self.open -= 1


def program_for(kit: AdapterKit) -> Program:
    """Give a small program that knows the platform."""
    return Program(
        program_id="kit",
        platforms=kit.platforms,
        eligibility=Finished(within_days=90),
        rewards=[PointsPerYuan("1")],
    )


def loyalty_over(kit: AdapterKit, storage: Storage, clock: KitClock) -> Loyalty:
    """Open a door over a store of its own."""
    return Loyalty(program_for(kit), storage, clock=clock, sleep=lambda _: None)


def stored_orders(storage: Storage) -> dict[str, dict[str, Any]]:
    """Give, by order number, what the store holds from the platform's own interface: fields, refunds, doubts."""
    found: dict[str, dict[str, Any]] = {}
    for row in dump(storage)["orders"]:
        order = cast(OrderRecord, row)
        facts = json.loads(order.facts) if order.facts else {"snapshots": {}, "refunds": {}}
        snapshot = facts["snapshots"].get("API")
        found[order.order_no] = {
            "fields": None if snapshot is None else snapshot["fields"],
            "refunds": {name: each["fields"] for name, each in facts["refunds"].items()},
            "doubts": facts.get("doubts", {}),
        }
    return found


def complaints(stand: Stand) -> list[str]:
    """Name every order and refund of the book that the store lacks, holds otherwise, or holds without need (I-84)."""
    kit, found = stand.kit, stored_orders(stand.storage)
    said: list[str] = []
    known = set()
    for order in stand.book.orders():
        known.add(order.order_no.upper())
        expected = kit.expected(order)
        held = found.get(order.order_no.upper(), {"fields": None, "refunds": {}, "doubts": {}})
        if held["doubts"]:
            said.append(f"{order.order_no} is in doubt: {held['doubts']}")
        if expected is not None:
            said += _differences(order.order_no, expected, held["fields"])
        for refund in stand.book.refunds(order.order_no):
            wanted = None if expected is None else kit.expected_refund(refund)
            if wanted is not None:
                said += _differences(
                    f"{order.order_no} refund {refund.refund_id}", wanted, held["refunds"].get(refund.refund_id)
                )
    said += [f"{order_no} is in no book" for order_no in found if order_no not in known]
    return said


def check_complete(stand: Stand) -> None:
    """Raise an `AssertionError` that names what the store lacks or holds otherwise, up to ten of them."""
    said = complaints(stand)
    assert not said, f"{len(said)} complaints: " + "; ".join(said[:10])


def _differences(name: str, expected: Mapping[str, Any], held: Mapping[str, Any] | None) -> list[str]:
    if held is None:
        return [f"{name} is missing"]
    # A field that is 0 may be left unstated.
    return [
        f"{name}: {field} is {held.get(field)!r}, not {value!r}"
        for field, value in expected.items()
        if (held.get(field) or 0) != (value or 0)
    ]


def finished_orders(book: Book) -> list[Order]:
    """Give the finished orders of a book."""
    return [order for order in book.orders() if order.status is OrderStatus.FINISHED]
