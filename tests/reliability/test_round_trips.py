"""How often a claim asks the server, counted by its connection."""

from __future__ import annotations

from typing import Any

from builders import order, right_proof
from harness import open_door
from places import Place

from crossloyalty import ClaimRequest, Loyalty

# Tables a claim with points, growth, coupon, stored value, tier and source writes: orders, claims, members, entries,
# accounts, lots, events, spend days, tags and once-per-member rewards.
TOUCHED = 10
MOST = {"postgresql": 4, "mysql": 3 + TOUCHED}


def spent(storage: Any) -> int:
    """Give how often the pooled connection has asked so far; these tests use one at a time."""
    ((_since, link),) = storage._pool._idle
    trips: int = link.round_trips
    return trips


def trips_of(storage: Any, call: Any) -> int:
    before = spent(storage)
    call()
    return spent(storage) - before


def claim(door: Loyalty, member: str, n: int) -> None:
    item = order(n)
    assert door.claim(member, platform="taobao", order_no=item.order_no, proof=right_proof(item)).created


def test_a_claim_asks_few_times(server_place: Place) -> None:
    """A claim of a new member and one of a known member stay within the bound of their server."""
    with server_place.open() as storage:
        door = open_door(storage)
        door.ingest([order(n) for n in range(10)])
        claim(door, "m1", 0)
        most = MOST[server_place.server.kind]
        for n, member in enumerate(["m1", "m1", "new"], start=1):
            assert trips_of(storage, lambda n=n, member=member: claim(door, member, n)) <= most  # type: ignore[misc]


def test_a_bound_buyers_order_asks_few_times(server_place: Place) -> None:
    """A claim that has to look at the buyer's binding stays within the bound too."""
    with server_place.open() as storage:
        door = open_door(storage)
        items = [order(n, platform="jd", buyer_id=f"b-{n}") for n in range(3)]
        door.ingest(items)

        def ask(n: int) -> None:
            proof = right_proof(items[n])
            assert door.claim("m1", platform="jd", order_no=items[n].order_no, proof=proof).created

        ask(0)
        assert trips_of(storage, lambda: ask(1)) <= MOST[server_place.server.kind]


def test_a_batch_asks_no_more_often_than_one(server_place: Place) -> None:
    """Two hundred claims in one call ask a few times more than one claim, not two hundred times as often."""
    with server_place.open() as storage:
        door = open_door(storage)
        items = [order(n) for n in range(201)]
        door.ingest(items)
        claim(door, "m1", 200)
        requests = [
            ClaimRequest(member_id=f"m{n % 50}", platform="taobao", order_no=each.order_no, proof=right_proof(each))
            for n, each in enumerate(items[:200])
        ]
        trips = trips_of(storage, lambda: door.claim_many(requests))
        assert trips <= MOST[server_place.server.kind]
