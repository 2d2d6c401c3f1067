"""A sync, messages and doubts end with the same records on every kind of storage (I-90)."""

from __future__ import annotations

from typing import Any

import attrs
from builders import Clock, day, number, order, points_program, refund
from list_source import CAPABILITIES, ListSource, at, message
from places import place

from crossloyalty import Loyalty
from crossloyalty.application.sources import Doubtful
from crossloyalty.storage.memory import MemoryStorage
from crossloyalty.testing import dump

__all__ = ["place"]


def _road(storage: Any) -> Any:
    """Go the whole road: two syncs, a watch, messages good and bad, a doubt that comes and one that goes."""
    clock = Clock(day(20))
    door = Loyalty(points_program(), storage, clock=clock)
    door.bind("m1", platform="taobao", buyer_id="b-1")
    watched = attrs.evolve(CAPABILITIES, watch_refunds=True)
    orders = [at(order(n, buyer_id=f"b-{n}"), day(18, n)) for n in range(1, 12)]
    source = ListSource(orders, feeds=("orders",), page_rows=4, capabilities=watched)
    mismatch = {"code": "AMOUNT_MISMATCH", "detail": "金额 \N{PILE OF POO}"}
    source.doubtful = [Doubtful(order_no=number(n), **mismatch) for n in (3, 30)]  # type: ignore[arg-type]
    source.doubtful.append(Doubtful(order_no="", code="UNREADABLE", detail="no number"))
    reports = [door.sync(source, since=day(18, 0))]
    source.refunds["r1"] = refund(order(1), 4_000)
    source.doubtful = []
    source.orders[number(3)] = at(order(3), day(20, 13))
    clock.move(days=1, hours=2)
    reports.append(door.sync(source))
    about = {"topic": "changed"}
    for _ in range(5):
        sent = [{"message_id": f"m-{n}", "order_no": number(n), **about} for n in (1, 2, 99)]
        door.receive(source, *message(*sent))
    door.receive(source, *message({"message_id": "late", "order_no": number(4), **about}), later=True)
    clock.move(days=31)
    door.handle_messages(source)
    lists = [door.doubtful(), door.parked_messages()]
    assert door.member("m1").points == 60
    return reports, lists


def test_every_storage_ends_with_the_same_records(place):
    """Reports, lists and records are equal to those of the storage in memory."""
    memory = MemoryStorage()
    expected = _road(memory)
    with place.open() as storage:
        assert _road(storage) == expected
        assert dump(storage) == dump(memory)
    tables = dump(memory)
    assert all(tables[name] for name in ("sources", "messages", "doubts"))
