"""Round trips to the server, counted: a claim is answered in a handful, whatever it finds, and so is a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from builders import Clock, day, order, refund, right_proof, section8_program
from host_fixtures import Find, database_of
from places import SERVER_KINDS, Place

from crossloyalty import ClaimRequest, Loyalty, OrderStatus, rules
from crossloyalty.storage._sql.mysql_link import MysqlLink
from crossloyalty.storage._sql.postgresql_link import PostgresqlLink

__all__ = ["database_of"]

# Locks with look-ups, changes with COMMIT, and one for a guess that fell short.
MOST: Final = 3
MANY: Final = 256


class Trips:
    """Counts what all links of this process send."""

    def __init__(self) -> None:
        self.count = 0


@pytest.fixture
def trips(monkeypatch: pytest.MonkeyPatch) -> Trips:
    """Watch every link opened from now on."""
    counted = Trips()
    for kind in (PostgresqlLink, MysqlLink):

        async def send(self: Any, calls: Any, plain: Any = kind.send) -> Any:
            before = self.round_trips
            try:
                return await plain(self, calls)
            finally:
                counted.count += self.round_trips - before

        monkeypatch.setattr(kind, "send", send)
    return counted


@pytest.fixture(params=SERVER_KINDS)
def server_place(request: pytest.FixtureRequest, database_of: Find) -> Iterator[Place]:
    """Give an empty store on each server."""
    place = Place(database_of(request.param))
    yield place
    place.empty()


@pytest.fixture
def door(server_place: Place) -> Iterator[Loyalty]:
    """Give a door whose connection is open and which knows the newest rules, as in a running host."""
    with server_place.open() as storage:
        opened = Loyalty(section8_program(), storage, clock=Clock(day(18)))
        opened.adjust("nobody", asset="points", amount=1, key="warm")
        yield opened


def bought(n: int, **stated: Any) -> Any:
    return order(n, paid_fen=stated.pop("paid_fen", 30_000), **stated)


def ask(each: Any, member: str = "m1") -> ClaimRequest:
    return ClaimRequest(member_id=member, platform=each.platform, order_no=each.order_no, proof=right_proof(each))


def known_member(door: Loyalty) -> Any:
    door.ingest([bought(1), bought(2)])
    assert door.claim_many([ask(bought(1))])[0].created
    return bought(2)


def new_member(door: Loyalty) -> Any:
    door.ingest([bought(1)])
    return bought(1)


def bound_buyer(door: Loyalty) -> Any:
    """The order names its buyer, so whether that one is bound has to be looked up."""
    door.publish(section8_program(binding=rules.Binding(on_claim="never")), expected_revision=1)
    return first_of_a_buyer(door)


def first_of_a_buyer(door: Loyalty) -> Any:
    """The claim binds the order's buyer, whose lock comes before those it has taken already; so it begins again."""
    each = bought(1, buyer_id="b-1")
    door.ingest([each])
    return each


def crossing_a_tier(door: Loyalty) -> Any:
    door.ingest([bought(1), bought(2, paid_fen=300_000)])
    assert door.claim_many([ask(bought(1))])[0].created
    return bought(2, paid_fen=300_000)


def refunded_in_part(door: Loyalty) -> Any:
    door.ingest([bought(1), refund(bought(1), 5_000)])
    return bought(1)


@pytest.mark.parametrize(
    ("prepare", "most"),
    [
        (known_member, MOST),
        (new_member, MOST),
        (bound_buyer, MOST),
        (first_of_a_buyer, 2 * MOST),
        (crossing_a_tier, MOST),
        (refunded_in_part, MOST),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_a_claim_takes_a_handful_of_round_trips(
    door: Loyalty, trips: Trips, prepare: Callable[[Loyalty], Any], most: int
) -> None:
    """
    Whoever asks for whatever order: lock, read, write and commit take two or three round trips.

    The one claim that binds a buyer, once in that buyer's life, takes twice as many.
    """
    each = prepare(door)
    trips.count = 0
    (result,) = door.claim_many([ask(each)])
    assert result.created
    assert 0 < trips.count <= most


def test_a_claim_that_is_refused_takes_one_more_at_most(door: Loyalty, trips: Trips) -> None:
    """Asking for an order that is somebody's or that nobody has heard of takes one look more: who else has asked."""
    door.claim_many([ask(known_member(door), "m2")])
    for each in (bought(1), bought(99)):
        trips.count = 0
        (result,) = door.claim_many([ask(each, "m3")])
        assert not result.created
        assert 0 < trips.count <= MOST + 1


def test_a_batch_takes_as_many_as_a_claim(server_place: Place, door: Loyalty, trips: Trips) -> None:
    """A group of 256 claims, as callers who share a transaction make one, takes what a single claim takes."""
    some = [bought(n) for n in range(MANY)]
    door.ingest(some)
    trips.count = 0
    results = door.claim_many([ask(each, f"m{n}") for n, each in enumerate(some)])
    assert all(result.created for result in results)
    # MySQL's text of all their rows is cut into pieces of a bounded size.
    assert 0 < trips.count <= MOST + (0 if server_place.server.kind == "postgresql" else 3)


def test_taking_in_orders_takes_a_handful_a_batch(server_place: Place, door: Loyalty, trips: Trips) -> None:
    """A thousand orders in batches of 500 take a few round trips a batch, not a few an order."""
    trips.count = 0
    assert door.ingest([bought(n) for n in range(1_000)], batch=500).orders_new == 1_000
    assert 0 < trips.count <= 2 * (MOST + 3)


def test_a_look_at_a_member_takes_three_and_one_more_for_what_is_on_its_way(door: Loyalty, trips: Trips) -> None:
    """What a member holds and what is coming is asked for at once; claims are looked up where something is coming."""
    door.bind("m1", platform="taobao", buyer_id="b-1")
    door.ingest([bought(n, buyer_id="b-1") for n in range(30)])
    trips.count = 0
    assert door.member("m1").orders == 30
    settled = trips.count
    door.ingest([bought(99, buyer_id="b-1", status=OrderStatus.SHIPPED, finished_at=None)])
    trips.count = 0
    assert door.member("m1").coming_spend_fen == 30_000
    assert (settled, trips.count) == (3, 4)
