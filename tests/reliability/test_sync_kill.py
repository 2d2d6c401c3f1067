"""Kill −9 before every statement of a sync and of a receive: gone on with, both end as if untouched (F-28, F-30)."""

from __future__ import annotations

from pathlib import Path

import pytest
from builders import Clock, day, number, order, points_program, refund
from harness import copied, killed_before
from list_source import ListSource, at, message

from crossloyalty import Loyalty
from crossloyalty.storage.sqlite import SqliteStorage
from crossloyalty.testing import dump

_MORE_THAN_ANY_CALL_HAS = 1_000


def _door(storage, at_=None) -> Loyalty:
    return Loyalty(points_program(), storage, clock=Clock(at_ or day(20)))


def _source() -> ListSource:
    orders = [at(order(n, buyer_id=f"b-{n}"), day(19, 12 + n)) for n in range(1, 5)]
    return ListSource(orders, [at(refund(order(2), 4_000), day(19, 20))], page_rows=3)


def _sync(door: Loyalty) -> None:
    door.sync(_source(), since=day(19, 13))


def _receive(door: Loyalty) -> None:
    body = message({"message_id": "a", "topic": "changed", "order_no": number(2)})
    assert door.receive(_source(), *body).acknowledgement.status == 200


def _compared(storage):
    """Leave out how often a place was leased: the killed run leased it once more; times of arrival differ, too."""
    tables = dump(storage)
    tables["sources"] = [row._replace(version=0) for row in tables["sources"]]
    return tables


def _every(step: int, *marks):
    """Kill before each *step*-th statement of either call."""
    calls = ((_sync, "sync"), (_receive, "receive"))
    return [pytest.param(call, step, marks=marks, id=f"{name}-{step}") for call, name in calls]


@pytest.mark.parametrize(("call", "step"), [*_every(7), *_every(1, pytest.mark.release)])
def test_a_killed_call_is_gone_on_with(call, step: int, tmp_path: Path):
    """Wherever it dies, no page is half stored, and the next call ends with the same records as one that was let be."""
    template, path, calm = tmp_path / "template.db", tmp_path / "killed.db", tmp_path / "calm.db"
    with SqliteStorage(template) as storage:
        door = _door(storage)
        for n in (1, 2):
            door.bind(f"m{n}", platform="taobao", buyer_id=f"b-{n}")
    with SqliteStorage(copied(template, calm)) as storage:
        call(_door(storage))
        expected = _compared(storage)
    held = set()
    for k in range(1, _MORE_THAN_ANY_CALL_HAS, step):
        copied(template, path)
        answered = killed_before(k, call, lambda: _door(SqliteStorage(path)))
        with SqliteStorage(path) as storage:
            door = _door(storage)
            held.add(len(dump(storage)["orders"]))
            if call is _sync:
                # The dead process's lease ends by time; its clock stood at the same moment, so it is cut short here.
                _end_leases(storage)
            call(door)
            assert _compared(storage) == expected, f"killed before statement {k}"
            assert door.verify().ok
        if answered:
            break
    else:
        pytest.fail("the call never ended")
    assert call is _receive or len(held) > 1, "no kill fell between two of its transactions"


def _end_leases(storage: SqliteStorage) -> None:
    from crossloyalty.application.ports import Replace
    from crossloyalty.domain.records import key_of

    leased = [row for row in dump(storage)["sources"] if row.lease_id]
    with storage.transaction() as tx:
        versions = tx.lock([key_of(row) for row in leased])
        for row in leased:
            freed = row._replace(lease_id="", lease_ends_at=0)
            tx.write([Replace(freed)], roots={key_of(row): versions[key_of(row)]})
