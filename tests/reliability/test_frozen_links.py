"""
Half-open links: one side has gone silent and the other does not know.

No test here measures time: a call that would wait for ever is ended by the test's patience, and that fails it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import pytest
from builders import PROGRAM_ID, assert_sound, right_proof
from doors import DOORS
from harness import FIRST, LATER, SECOND, open_door, reopen_door
from places import Place
from proxy import FaultyProxy, faulty_proxy

from crossloyalty.domain.records import Key, MemberRecord, OrderRecord
from crossloyalty.errors import LockTimedOut, StorageBusy, StorageUnavailable
from crossloyalty.testing import dump

PATIENCE_S: Final = 60
FIRST_ROOT: Final = Key(OrderRecord, (PROGRAM_ID, "taobao", FIRST.order_no))
MEMBER_ROOT: Final = Key(MemberRecord, (PROGRAM_ID, "m1"))
# A second for everything, where the defaults are many.
BRIEF: Final[dict[str, dict[str, int]]] = {
    "postgresql": {
        "lock_timeout_ms": 1_000,
        "statement_timeout_ms": 1_000,
        "idle_timeout_ms": 1_000,
        "connect_timeout_s": 1,
    },
    "mysql": {"lock_timeout_s": 1, "statement_timeout_s": 1, "idle_timeout_s": 1, "connect_timeout_s": 1},
}
# The statement's time-out and the lock's are the same here, so either may come first.
TIMED_OUT: Final = (LockTimedOut, StorageBusy)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("postgresql", "mysql"):
        monkeypatch.setattr(f"crossloyalty.storage._sql.{kind}_server.ANSWER_SLACK_S", 0)
    monkeypatch.setattr("crossloyalty.storage._sql.own._SETTLING_S", 1)
    monkeypatch.setattr("crossloyalty.application.world._PATIENCE_S", 0.5)


@pytest.fixture
def proxy(server_place: Place) -> Iterator[FaultyProxy]:
    """Give a proxy to a store which holds two finished orders."""
    with server_place.open() as storage:
        open_door(storage).ingest([FIRST, SECOND])
    with faulty_proxy(server_place.server) as running:
        yield running


def claim(door: Any, of: Any = FIRST, member: str = "m1") -> Any:
    return door.claim(member, platform=of.platform, order_no=of.order_no, proof=right_proof(of))


def ended(call: Callable[[], Any]) -> Any:
    """Give what a call answers or raises; fail when it does neither."""
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(call)
        error = running.exception(PATIENCE_S)
        return running.result() if error is None else error


@pytest.mark.parametrize("door", DOORS)
def test_a_server_that_went_silent_is_given_up(proxy: FaultyProxy, server_place: Place, door: str) -> None:
    """With every link frozen, new ones too, a claim ends as StorageUnavailable, and succeeds once they move again."""
    kind = server_place.server.kind
    with DOORS[door](Place(proxy.server), LATER, **BRIEF[kind]) as opened:
        assert opened.member("m1").points == 0
        proxy.freeze(also_new=True)
        assert type(ended(lambda: claim(opened))) is StorageUnavailable
        proxy.thaw()
        assert ended(lambda: claim(opened)).created


@pytest.mark.parametrize("door", DOORS)
def test_a_server_that_never_greets_is_given_up_soon(proxy: FaultyProxy, server_place: Place, door: str) -> None:
    """A connection that is accepted and hears nothing ends by its own time-out, however long statements may take."""
    kind = server_place.server.kind
    slow = {"statement_timeout_ms": 600_000} if kind == "postgresql" else {"statement_timeout_s": 600}
    proxy.freeze(also_new=True)

    def opened() -> None:
        with DOORS[door](Place(proxy.server), LATER, **BRIEF[kind] | slow) as door_to_nobody:
            door_to_nobody.member("m1")

    assert type(ended(opened)) is StorageUnavailable


@pytest.mark.parametrize("door", DOORS)
def test_a_link_that_went_silent_is_replaced(proxy: FaultyProxy, server_place: Place, door: str) -> None:
    """When only the links there are have died, a call notices, takes a new one and succeeds."""
    with DOORS[door](Place(proxy.server), LATER, **BRIEF[server_place.server.kind]) as opened:
        assert opened.member("m1").points == 0
        proxy.freeze()
        assert ended(lambda: claim(opened)).created


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("door", DOORS)
def test_a_commit_that_hangs_is_looked_into(proxy: FaultyProxy, server_place: Place, door: str, when: Any) -> None:
    """A link that freezes at its COMMIT is given up, and the outcome found over another one: one effect, success."""
    kind = server_place.server.kind
    with DOORS[door](Place(proxy.server), LATER, **BRIEF[kind]) as opened:
        proxy.at_commit("freeze", when)
        answer = ended(lambda: claim(opened))
        assert proxy.fired.is_set()
        if (kind, when) == ("postgresql", "before"):
            # In the middle of a pipeline a session is not idle: PostgreSQL holds its locks until it hears that the
            # client is gone, so nobody can look yet.
            assert type(answer) is StorageBusy
            proxy.cut()
            answer = ended(lambda: claim(opened))
        assert answer.created
    with server_place.open() as storage:
        assert len(dump(storage)["claims"]) == 1
        assert_sound(reopen_door(storage))


@pytest.mark.parametrize("door", DOORS)
def test_a_commit_that_nobody_can_look_into_is_told_as_such(proxy: FaultyProxy, server_place: Place, door: str) -> None:
    """When the server goes silent at a COMMIT and stays so, the call ends retryable; the same call finds its claim."""
    with DOORS[door](Place(proxy.server), LATER, **BRIEF[server_place.server.kind]) as opened:
        proxy.at_commit("freeze", "after")
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(claim, opened)
            assert proxy.fired.wait(PATIENCE_S)
            proxy.freeze(also_new=True)
            assert type(running.exception(PATIENCE_S)) is StorageBusy
        proxy.thaw()
        again = ended(lambda: claim(opened))
        assert (again.created, again.reason.name) == (False, "ALREADY_CLAIMED_BY_YOU")


def test_what_a_frozen_client_had_locked_is_freed(proxy: FaultyProxy, server_place: Place) -> None:
    """The order that a silent client holds is claimable once the server's idle time-out has passed."""
    brief = BRIEF[server_place.server.kind]
    with Place(proxy.server).open(**brief) as storage, server_place.open(**brief) as other:
        beside = reopen_door(other)
        silent = storage.transaction()
        tx = silent.__enter__()
        versions = tx.lock([FIRST_ROOT, MEMBER_ROOT])
        proxy.freeze()
        answer = None
        while answer is None or type(answer) in TIMED_OUT:
            answer = ended(lambda: claim(beside, member="m2"))
        assert answer.created
        proxy.thaw()
        with pytest.raises(StorageUnavailable):
            tx.write([], roots=versions)
        with pytest.raises(StorageUnavailable):
            silent.__exit__(None, None, None)
        assert [row.member_id for row in dump(other)["claims"]] == ["m2"]
        assert_sound(beside)


def test_what_a_client_holds_that_froze_at_its_commit_is_refused(proxy: FaultyProxy, server_place: Place) -> None:
    """Others that ask for an order whose claim hangs in mid-air are told so in time, and it goes to one of them all."""
    brief = BRIEF[server_place.server.kind]
    with Place(proxy.server).open(**brief) as storage, server_place.open(**brief) as other:
        door, beside = reopen_door(storage), reopen_door(other)
        proxy.at_commit("freeze", "before")
        with ThreadPoolExecutor(1) as pool:
            hanging = pool.submit(claim, door)
            assert proxy.fired.wait(PATIENCE_S)
            answer = ended(lambda: claim(beside, member="m2"))
            proxy.cut()
            first = ended(lambda: hanging.result(PATIENCE_S))
        if isinstance(first, StorageBusy):  # nobody could look into its COMMIT for too long
            first = ended(lambda: claim(door))
        if isinstance(answer, BaseException):
            # The lock's time-out, the statement's or, on a busy machine, ours for an answer: busy all the same.
            assert isinstance(answer, StorageBusy)
            answer = ended(lambda: claim(beside, member="m2"))
        assert first.created != answer.created
        assert len(dump(other)["claims"]) == 1
        assert_sound(beside)


def test_a_transaction_that_its_process_forgot_ends(server_place: Place) -> None:
    """What a thread holds that stopped in the middle goes to others, and it finds its transaction gone."""
    with server_place.open(**BRIEF[server_place.server.kind]) as storage, server_place.open() as other:
        open_door(other).ingest([FIRST])
        forgotten = storage.transaction()
        tx = forgotten.__enter__()
        tx.lock([FIRST_ROOT])
        assert claim(reopen_door(other)).created
        with pytest.raises(StorageUnavailable):
            tx.read([MEMBER_ROOT])
        with pytest.raises(StorageUnavailable):
            forgotten.__exit__(None, None, None)
        assert_sound(reopen_door(storage))
