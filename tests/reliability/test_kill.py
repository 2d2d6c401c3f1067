"""Kill −9 before every statement of every public write: all or nothing, and repeated it ends as if untouched."""

from __future__ import annotations

from pathlib import Path

import pytest
from builders import order
from harness import OPERATIONS, SOME_IN_CI, Watched, copied, killed_before, open_door, reopen_door

from crossloyalty.storage.sqlite import SqliteStorage
from crossloyalty.testing import dump

_MORE_THAN_ANY_CALL_HAS = 1_000


@pytest.mark.parametrize("name", SOME_IN_CI)
def test_a_killed_write_is_all_or_nothing_and_can_be_repeated(name: str, tmp_path: Path) -> None:
    """A write killed before any of its statements leaves nothing half, and repeated it ends as one that was let be."""
    operation = OPERATIONS[name]
    template, path = tmp_path / "template.db", tmp_path / "killed.db"
    with SqliteStorage(template) as storage:
        operation.prepare(open_door(storage))
    with SqliteStorage(copied(template, path)) as storage:
        watched = Watched(storage)
        door = reopen_door(watched, operation.at)
        first, repeated = operation.call(door), operation.call(door)
        before, after = watched.states[0], watched.states[-1]
        assert len(watched.states) > 1, "the operation changes nothing, so killing it shows nothing"

    reached = set()
    for k in range(1, _MORE_THAN_ANY_CALL_HAS):
        copied(template, path)
        answered = killed_before(k, operation.call, lambda: reopen_door(SqliteStorage(path), operation.at))
        with SqliteStorage(path) as storage:
            stored = dump(storage)
            assert stored in watched.states, f"killed before statement {k}: half of it is stored"
            reached.add(watched.states.index(stored))
            if answered:
                assert stored == after, "acknowledged, and not there"
                break
            door = reopen_door(storage, operation.at)
            answer = operation.call(door)
            assert stored != before or answer == first
            assert stored != after or answer == repeated
            assert dump(storage) == after, f"killed before statement {k}: the repeat ends elsewhere"
            assert door.verify().violations == []
    else:
        pytest.fail("the operation never ended")
    assert reached == set(range(len(watched.states))), "no kill fell between two of its transactions"


def test_a_store_whose_making_was_killed_is_made_by_the_next_opener(tmp_path: Path) -> None:
    """Killed while a new file gets its schema and its first revision, the next opener finds or makes both and works."""
    path = tmp_path / "new.db"
    bought = order(1)
    programs_seen = set()
    for k in range(1, _MORE_THAN_ANY_CALL_HAS):
        for leftover in tmp_path.glob("new.db*"):
            leftover.unlink()
        answered = killed_before(k, lambda _: open_door(SqliteStorage(path)), lambda: None)
        with SqliteStorage(path) as storage:
            programs_seen.add(len(dump(storage)["programs"]))
            assert not answered or dump(storage)["programs"], "acknowledged, and not there"
            door = open_door(storage)
            assert len(dump(storage)["programs"]) == 1
            assert door.ingest([bought]).orders_new == 1
        if answered:
            break
    else:
        pytest.fail("the operation never ended")
    assert programs_seen == {0, 1}
