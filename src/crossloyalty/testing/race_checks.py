"""What holds between callers at the same time: threads, processes, and a store that is opened again."""

from __future__ import annotations

import os
from collections.abc import Callable
from threading import Event

from crossloyalty.application.ports import Add, Delete, Insert, Replace, Storage
from crossloyalty.domain.records import Key, LimitRecord, MemberRecord, SpendDayRecord, key_of
from crossloyalty.errors import Conflict, LimitReached, Retryable
from crossloyalty.testing._kit import HERE, at_once, fetch, member_root, retried, store
from crossloyalty.testing.dump import dump

__all__ = [
    "check_added_up_by_threads",
    "check_one_insert_wins",
    "check_processes_race",
    "check_readers_keep_their_snapshot",
    "check_survives_reopening",
    "check_versions_lose_no_update",
]

_THREADS = 6
_ROUNDS = 5
_PATIENCE_S = 60.0
_DAY = SpendDayRecord(HERE, "m", "2026-11-01", 1)
_LIMIT = Key(LimitRecord, (HERE, "budget"))


def check_one_insert_wins(storage: Storage) -> None:
    """Of threads that insert one key at once exactly one succeeds and the others get a Conflict."""
    for day in range(_ROUNDS):
        record = _DAY._replace(day=f"2026-11-{day + 1:02}")

        def insert(winner: int, record: SpendDayRecord = record) -> int:
            while True:
                try:
                    store(storage, [Insert(record._replace(spend_fen=winner))])
                    return winner
                except Conflict:
                    return -1
                except Retryable:
                    continue

        results = at_once(*(lambda winner=winner: insert(winner) for winner in range(_THREADS)))
        won = [result for result in results if result != -1]
        assert len(won) == 1, results
        assert fetch(storage, key_of(record))[0].spend_fen == won[0]


def check_added_up_by_threads(storage: Storage) -> None:
    """Guarded additions of threads at once reach the bound exactly and never pass it."""
    store(storage, [], roots=[_LIMIT])
    bound = _THREADS * _ROUNDS - 7

    def spend() -> int:
        taken = 0
        for _ in range(_ROUNDS):
            try:
                retried_add()
                taken += 1
            except LimitReached:
                pass
        return taken

    def retried_add() -> None:
        while True:
            try:
                return store(storage, [Add(_LIMIT, "used", 1, bound)])
            except LimitReached:
                raise
            except Retryable:
                continue

    results = at_once(*[spend] * _THREADS)
    assert sum(result for result in results if isinstance(result, int)) == bound, results
    assert fetch(storage, _LIMIT)[0].used == bound


def check_versions_lose_no_update(storage: Storage) -> None:
    """Threads that lock, read and replace one root, creating it first, lose no update."""

    def step() -> None:
        with storage.transaction() as tx:
            versions = tx.lock([member_root()])
            record = tx.read([member_root()]).records[member_root()]
            assert isinstance(record, MemberRecord)
            assert record.version == versions[member_root()]
            tx.write([Replace(record._replace(entry_seq=record.entry_seq + 1))], roots=versions)

    def steps() -> int:
        for _ in range(_ROUNDS):
            retried(step)
        return 0

    assert at_once(*[steps] * _THREADS) == [0] * _THREADS
    found = fetch(storage, member_root())[0]
    assert (found.version, found.entry_seq) == (_THREADS * _ROUNDS, _THREADS * _ROUNDS)


def check_readers_keep_their_snapshot(storage: Storage) -> None:
    """A readonly transaction goes on seeing what it saw first, and never what is not committed."""
    store(storage, [Insert(_DAY)])
    written, looked = Event(), Event()
    other = _DAY._replace(day="2026-11-02")

    def read() -> int:
        with storage.transaction(readonly=True) as tx:
            first = tx.read([key_of(_DAY), key_of(other)]).records
            looked.set()
            assert written.wait(_PATIENCE_S)
            again = tx.read([key_of(_DAY), key_of(other)]).records
        assert first == again == {key_of(_DAY): _DAY}
        assert len(fetch_both()) == 1
        return 0

    def fetch_both() -> list[object]:
        return [record for record in fetch(storage, key_of(_DAY), key_of(other)) if record is not None]

    def write() -> int:
        assert looked.wait(_PATIENCE_S)
        with storage.transaction() as tx:
            tx.write([Insert(other)], roots=tx.lock([member_root()]))
            seen = at_once(lambda: len(fetch_both()))  # from another thread, while this one is open
        assert seen == [1], seen
        with storage.transaction() as tx:
            tx.lock([])
            tx.write([Replace(_DAY._replace(spend_fen=9))], roots={})
        store(storage, [Replace(_DAY), Replace(MemberRecord(HERE, "m"))])
        with storage.transaction() as tx:
            tx.lock([])
            tx.write([Delete(key_of(_DAY))], roots={})
        written.set()
        return 0

    assert at_once(read, write) == [0, 0]


def check_survives_reopening(make: Callable[[], Storage]) -> None:
    """What one storage object has committed another one over the same store reads back whole."""
    first = make()
    store(first, [Insert(_DAY), Add(_LIMIT, "used", 5)], roots=[member_root(), _LIMIT])
    before = dump(first)
    assert dump(make()) == before
    assert before["spend_days"] == [_DAY]


def check_processes_race(make: Callable[[], Storage]) -> None:
    """Processes that insert one key and count at once: one insert wins, no addition is lost."""
    storage = make()
    store(storage, [], roots=[_LIMIT])
    children = []
    for _ in range(3):
        pid = os.fork()
        if pid == 0:
            _run_child(storage)  # the parent's object: a storage has to notice the fork
        children.append(pid)
    codes = sorted(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children)
    assert codes == [0, 1, 1], codes
    assert fetch(storage, _LIMIT)[0].used == 3 * _ROUNDS


def _run_child(storage: Storage) -> None:
    code = 99
    try:
        for _ in range(_ROUNDS):
            retried(lambda: store(storage, [Add(_LIMIT, "used", 1)]))
        code = 0
        while True:
            try:
                store(storage, [Insert(_DAY)])
                break
            except Conflict:
                code = 1
                break
            except Retryable:
                continue
    finally:
        os._exit(code)
