"""Group commit for threads: many callers, few transactions, and everybody hears what a call alone would have heard."""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from typing import Any

import pytest
from builders import PROGRAM_ID, Clock, assert_sound, day, points_program, right_proof, section8_program
from crowd import (
    BOUGHT,
    NO_WAIT,
    Crowd,
    Hold,
    Scripted,
    assert_idle,
    claim,
    open_door,
    piled_up,
    raising,
    soon,
    waiting,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from crossloyalty import AsyncEngine, AsyncLoyalty, ClaimResult, Engine, GroupCommit, Loyalty, Proof, Reason
from crossloyalty.errors import (
    ConfigError,
    Conflict,
    InvalidInput,
    LimitReached,
    LockTimedOut,
    StorageBusy,
    StorageCorrupt,
    StorageFull,
    StorageUnavailable,
    WrongType,
)
from crossloyalty.storage.memory import MemoryStorage
from crossloyalty.storage.sqlite import SqliteStorage
from crossloyalty.testing import dump


@pytest.mark.parametrize(("most", "transactions"), [(256, 1), (64, 1), (63, 2), (10, 7), (1, 64)])
def test_callers_that_pile_up_share_a_transaction(storage: Any, most: int, transactions: int) -> None:
    """64 callers that come while a transaction is at work are taken by the next ones, as many as each may hold."""
    scripted = Scripted(storage)
    door = open_door(scripted, GroupCommit(wait_ms=0, max_requests=most))
    answers = piled_up(door, scripted, [lambda n=n: claim(door, n, f"m{n % 7}") for n in range(64)])
    assert all(answer.created for answer in answers)
    assert [answer.order_no for answer in answers] == [each.order_no for each in BOUGHT[:64]]
    assert scripted.count == 1 + transactions
    assert_sound(door)


@pytest.mark.parametrize("members", [1, 32])
def test_of_many_that_ask_for_one_order_one_creates_it(storage: Any, members: int) -> None:
    """32 threads asking for one order, decided together: one creates the claim, the rest hear whose it is."""
    scripted = Scripted(storage)
    door = open_door(scripted)
    answers = piled_up(door, scripted, [lambda n=n: claim(door, 0, f"m{n % members}") for n in range(32)])
    assert scripted.count == 2
    (winner,) = (answer for answer in answers if answer.created)
    loser = Reason.ALREADY_CLAIMED_BY_YOU if members == 1 else Reason.ALREADY_CLAIMED
    assert {answer.reason for answer in answers if answer is not winner} == {loser}
    assert len(dump(storage)["claims"]) == 2


def test_32_threads_at_once_create_one_claim(storage: Any) -> None:
    """32 threads asking for one order as they please create one claim, and all are answered."""
    door, crowd, start = open_door(storage, GroupCommit()), Crowd(), threading.Barrier(32)

    def ask() -> ClaimResult:
        start.wait(60)
        return claim(door, 0)

    for _ in range(32):
        crowd.ask(ask)
    assert Counter(answer.created for answer in crowd.answers()) == {True: 1, False: 31}
    assert_sound(door)


# -- equal to single calls -------------------------------------------------------------------------------------------

_SLOTS = 4
_MANGLED = "3.81613E+18"


def told(answer: ClaimResult) -> tuple[Any, ...]:
    """Give what an answer says."""
    return answer.member_id, answer.order_no, answer.created, answer.reasons, answer.state, answer.points


def held(door: Loyalty, storage: Any) -> tuple[Any, ...]:
    """Give what a store holds, apart from numbers and rows."""
    tables = dump(storage)
    claims = [(row.order_no, row.member_id, row.state, row.net_fen) for row in tables["claims"]]
    tickets = sorted((row.order_no, row.member_id, row.state) for row in tables["tickets"])
    members = [door.member(f"m{n}") for n in range(3)]
    coupons = [Counter((at.code, at.state) for at in each.coupons) for each in members]
    return claims, tickets, coupons, [(each.balances, each.window_spend_fen, each.tier, each.tags) for each in members]


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, _SLOTS), st.booleans()).map(
            # Whose an order is follows from its number, so that nobody wins by having come first.
            lambda drawn: (drawn[0] if drawn[2] else drawn[1] % 3, drawn[1], drawn[0] == drawn[1] % 3 or not drawn[2])
        ),
        min_size=1,
        max_size=10,
    ),
    st.booleans(),
)
def test_a_group_answers_and_leaves_what_single_calls_do(asked: list[tuple[int, int, bool]], mangled: bool) -> None:
    """Whatever is asked, callers grouped by threads hear what single calls hear, and the store holds the same."""
    ends = []
    for group_commit in (None, NO_WAIT):
        storage = Scripted(MemoryStorage())
        door = Loyalty(section8_program(), storage, clock=Clock(), group_commit=group_commit)
        door.ingest([*BOUGHT[:_SLOTS], BOUGHT[69]])  # one is asked for that nobody has told of
        door.member("m0")
        # Together, those who can show that an order is theirs come first.
        calls = [lambda each=each, door=door: _asked(door, *each) for each in sorted(asked, key=lambda at: not at[2])]
        if mangled:
            calls.append(lambda door=door: door.claim("m1", platform="taobao", order_no=_MANGLED))
        if group_commit is None:
            claim(door, 69, "first")
            answers = [call() for call in calls]
        else:
            answers = piled_up(door, storage, calls)
            assert storage.count == 2
        assert_sound(door)
        ends.append((Counter(map(told, answers)), held(door, storage.storage)))
    assert ends[0] == ends[1]


def _asked(door: Loyalty, member: int, slot: int, proven: bool) -> ClaimResult:
    of = BOUGHT[slot]
    proof = right_proof(of) if proven else Proof.amount_and_day(paid_fen=1, paid_on=day(1).date())
    return door.claim(f"m{member}", platform=of.platform, order_no=of.order_no, proof=proof)


# -- what one caller has wrong ---------------------------------------------------------------------------------------


def test_an_invalid_request_is_told_to_its_caller_alone(storage: Any) -> None:
    """Requests that cannot mean anything never enter a group: each caller hears of its own, the others share on."""
    scripted = Scripted(storage)
    door = open_door(scripted)
    hold, crowd = Hold(), Crowd()
    scripted.within.append(hold)
    crowd.ask(lambda: claim(door, 69, "first"))
    assert hold.reached.wait(60)
    scripted.count = 0
    bad: list[tuple[Any, ...]] = [
        (" m1", "taobao", "1", Proof.by_host("x")),
        ("m1", "nowhere", "1", Proof.by_host("x")),
    ]
    bad += [
        ("m1", "taobao", 1.5, Proof.by_host("x")),
        ("m1", ["taobao"], "1", Proof.by_host("x")),
        ("m1", "jd", "1", 7),
    ]
    for n, (member_id, platform, order_no, proof) in enumerate(bad):
        crowd.ask(lambda n=n: claim(door, n))
        with pytest.raises(InvalidInput):
            door.claim(member_id, platform=platform, order_no=order_no, proof=proof)
    soon(lambda: waiting(door) == len(bad))
    hold.released.set()
    assert all(answer.created for answer in crowd.answers())
    assert scripted.count == 1


class Poisoned(Scripted):
    """A storage on which whatever touches one member fails."""

    def __init__(self, storage: Any, error: Exception) -> None:
        super().__init__(storage)
        self.error = error

    def transaction(self, *, readonly: bool = False) -> Any:
        """See `Storage.transaction`."""
        return _PoisonedTransaction(super().transaction(readonly=readonly), self.error)


class _PoisonedTransaction:
    def __init__(self, inner: Any, error: Exception) -> None:
        self.inner, self.error = inner, error
        self.tx: Any = None

    def __enter__(self) -> Any:
        self.tx = self.inner.__enter__()
        return self

    def __exit__(self, *error: Any) -> Any:
        return self.inner.__exit__(*error)

    def lock(self, roots: Any, **more: Any) -> Any:
        if any("poison" in root.values for root in roots):
            raise self.error
        return self.tx.lock(roots, **more)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.tx, name)


@pytest.mark.parametrize(
    ("error", "heard"),
    [
        (StorageCorrupt("contradicts itself"), StorageCorrupt),
        (ZeroDivisionError(), ZeroDivisionError),
        (Conflict("always"), StorageBusy),
        (LockTimedOut("always"), StorageBusy),
        (StorageBusy("always"), StorageBusy),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_an_error_in_deciding_one_request_is_its_callers_alone(error: Exception, heard: type[Exception]) -> None:
    """When one request cannot be decided, its caller hears why and all others get their claims."""
    storage = Poisoned(MemoryStorage(), error)
    door = open_door(storage)
    members = ["m1", "m2", "poison", "m3", "m4"]
    answers = piled_up(door, storage, [lambda n=n, name=name: claim(door, n, name) for n, name in enumerate(members)])
    assert isinstance(answers.pop(2), heard)
    assert all(answer.created for answer in answers)
    assert len(dump(storage.storage)["claims"]) == len(members)


# -- contention ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [Conflict("lost"), LimitReached("full")], ids=["conflict", "limit"])
@pytest.mark.parametrize(("times", "transactions"), [(1, 2), (2, 2 + 6), (5, 5 + 6)])
def test_a_lost_race_is_tried_again_together_once_and_then_singly(
    storage: Any, error: Conflict, times: int, transactions: int
) -> None:
    """A group that loses is decided once more; when it loses again each caller goes on by itself, and all succeed."""
    scripted = Scripted(storage)
    door = open_door(scripted)
    scripted.within.extend([raising(error)] * times)
    answers = piled_up(door, scripted, [lambda n=n: claim(door, n, f"m{n}") for n in range(6)])
    assert all(answer.created for answer in answers)
    assert scripted.count == 1 + transactions
    assert_sound(door)


def test_a_race_that_is_always_lost_ends_for_everybody(storage: Any) -> None:
    """When every try is lost all callers hear StorageBusy, nothing has changed, and the door works on."""
    scripted = Scripted(storage)
    door = open_door(scripted)
    scripted.within.extend([raising(Conflict("lost"))] * 1_000)
    answers = piled_up(door, scripted, [lambda n=n: claim(door, n, f"m{n}") for n in range(6)])
    assert [type(answer) for answer in answers] == [StorageBusy] * 6
    assert len(dump(storage)["claims"]) == 1
    scripted.within.clear()
    assert claim(door, 0).created


@pytest.mark.parametrize("error", [StorageFull("full"), StorageBusy("busy")], ids=["full", "busy"])
def test_a_lone_caller_hears_a_failure_after_one_try(storage: Any, error: Exception) -> None:
    """What a call alone does not try again is not tried again by a caller who happens to be alone either."""
    scripted = Scripted(storage)
    door = open_door(scripted)
    scripted.within.append(raising(error))
    scripted.count = 0
    with pytest.raises(type(error)):
        claim(door, 0)
    assert scripted.count == 1
    assert claim(door, 0).created


@pytest.mark.parametrize("error", [Conflict("lost"), StorageUnavailable("gone")], ids=["conflict", "unavailable"])
def test_a_lone_caller_goes_on_outside_the_line(storage: Any, error: Exception) -> None:
    """A caller who has to pause between its tries keeps nobody else waiting meanwhile."""
    scripted = Scripted(storage)
    hold, crowd = Hold(), Crowd()
    door = Loyalty(points_program(), scripted, clock=Clock(), sleep=lambda _: hold(), group_commit=NO_WAIT)
    door.ingest(BOUGHT)
    scripted.within.extend([raising(error)] * 3)
    crowd.ask(lambda: claim(door, 0))
    assert hold.reached.wait(60)
    assert claim(door, 1, "m2").created
    hold.released.set()
    assert [answer.created for answer in crowd.answers()] == [True]


# -- waiting for others ----------------------------------------------------------------------------------------------


def test_a_lone_caller_never_waits(storage: Any) -> None:
    """Claims one after the other, of whatever thread, are each a transaction of their own and wait for nobody."""
    scripted = Scripted(storage)
    door = open_door(scripted, GroupCommit())
    pauses: list[float] = []
    assert door._groups is not None
    door._groups.pause = lambda _, seconds: pauses.append(seconds)
    scripted.count = 0
    for n in range(10):
        crowd = Crowd()
        crowd.ask(lambda n=n: claim(door, n))
        assert crowd.answers()[0].created
    assert (pauses, scripted.count) == ([], 10)


def test_a_group_waits_for_those_who_were_there_before(storage: Any) -> None:
    """A leader waits until as many are there as when the last group ended, and these share a transaction."""
    scripted = Scripted(storage)
    door = open_door(scripted, GroupCommit())
    hold, crowd, pausing = Hold(), Crowd(), threading.Event()

    def pause(turn: Any, _: float) -> None:
        pausing.set()
        assert turn.acquire(timeout=60)

    assert door._groups is not None
    door._groups.clock, door._groups.pause = lambda: 0.0, pause
    scripted.within.append(hold)
    scripted.count = 0
    crowd.ask(lambda: claim(door, 0))
    assert hold.reached.wait(60)
    for n in (1, 2, 3):
        crowd.ask(lambda n=n: claim(door, n))
        soon(lambda n=n: waiting(door) == n)
    hold.released.set()
    assert pausing.wait(60)
    assert scripted.count == 1
    crowd.ask(lambda: claim(door, 4))
    assert all(answer.created for answer in crowd.answers())
    assert scripted.count == 2
    assert_idle(door)


def test_a_group_goes_without_those_who_do_not_come(storage: Any) -> None:
    """When the wait is over a leader goes with those who are there; who stays alone waits once more at most."""
    scripted = Scripted(storage)
    door = open_door(scripted, GroupCommit(wait_ms=1.5))
    pauses: list[float] = []
    assert door._groups is not None
    door._groups.clock = lambda: 0.0
    door._groups.pause = lambda _, seconds: pauses.append(seconds)
    answers = piled_up(door, scripted, [lambda n=n: claim(door, n, f"m{n}") for n in range(3)])
    assert all(answer.created for answer in answers)
    assert (pauses, scripted.count) == ([0.0015], 2)
    for n in range(3, 10):
        crowd = Crowd()
        crowd.ask(lambda n=n: claim(door, n))
        assert crowd.answers()[0].created
    assert (pauses, scripted.count) == ([0.0015] * 2, 9)


# -- doors -----------------------------------------------------------------------------------------------------------


def held_before(scripted: Scripted, crowd: Crowd, door: Loyalty) -> Hold:
    """Let a first caller lead, and stop it before its transaction begins."""
    hold = Hold()
    scripted.before.append(hold)
    crowd.ask(lambda: claim(door, 69, "first"))
    assert hold.reached.wait(60)
    return hold


def test_several_groups_run_at_once_when_asked_for(storage: Any) -> None:
    """With two groups a second caller does not wait for the first one's transaction; a third one does."""
    scripted, crowd = Scripted(storage), Crowd()
    door = open_door(scripted, GroupCommit(groups=2, wait_ms=0))
    first = held_before(scripted, crowd, door)
    assert claim(door, 0).created
    second = held_before(scripted, crowd, door)
    scripted.count = 0
    for n in (1, 2, 3):
        crowd.ask(lambda n=n: claim(door, n))
        soon(lambda n=n: waiting(door) == n)
    first.released.set()
    soon(lambda: crowd.ended == 4)
    second.released.set()
    created = Counter(answer.created for answer in crowd.answers())
    assert created == {True: 4, False: 1}  # both that were held asked for one order
    assert scripted.count == 1
    assert_idle(door)


def test_doors_of_an_engine_share_the_line_of_their_program(storage: Any) -> None:
    """Two doors to one program share transactions; another program's callers do not wait for them."""
    scripted, crowd = Scripted(storage), Crowd()
    open_door(scripted)
    Loyalty(points_program(program_id="b"), storage, clock=Clock())
    engine = Engine(scripted, clock=Clock(), group_commit=NO_WAIT)
    one, other, elsewhere = engine.program(PROGRAM_ID), engine.program(PROGRAM_ID), engine.program("b")
    for door in (one, elsewhere):
        door.member("m1")
    hold = held_before(scripted, crowd, one)
    scripted.count = 0
    for n, door in enumerate((other, one, other)):
        crowd.ask(lambda n=n, door=door: claim(door, n))
    soon(lambda: waiting(one) == waiting(other) == 3)
    assert not claim(elsewhere, 0).created
    assert scripted.count == 1
    hold.released.set()
    assert all(answer.created for answer in crowd.answers())
    assert scripted.count == 2


def test_a_forked_child_begins_with_an_empty_line(tmp_path: Any) -> None:
    """A process forked while a group is at work and others wait does not wait for its parent's threads."""
    with SqliteStorage(tmp_path / "store.db") as storage:
        scripted, crowd = Scripted(storage), Crowd()
        door = open_door(scripted)
        hold = held_before(scripted, crowd, door)
        crowd.ask(lambda: claim(door, 1))
        soon(lambda: waiting(door) == 1)
        if (pid := os.fork()) == 0:
            signal.alarm(60)
            try:
                os._exit(0 if claim(door, 10).created else 1)
            finally:
                os._exit(70)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        hold.released.set()
        assert all(answer.created for answer in crowd.answers())
        assert_sound(door)


@pytest.mark.parametrize(
    "settings",
    [
        {"max_requests": 0},
        {"max_requests": 257},
        {"wait_ms": -1},
        {"wait_ms": 2.1},
        {"wait_ms": float("nan")},
        {"groups": 0},
        {"groups": 17},
    ],
    ids=str,
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any]) -> None:
    """A figure outside its range is refused where it is written."""
    with pytest.raises(InvalidInput, match=next(iter(settings))):
        GroupCommit(**settings)


@pytest.mark.parametrize(
    "settings", [{"max_requests": 2.0}, {"groups": True}, {"wait_ms": "2"}, {"wait_ms": True}], ids=str
)
def test_settings_of_another_type_are_refused(settings: dict[str, Any]) -> None:
    """What is no number of the right kind is refused where it is written."""
    with pytest.raises(WrongType, match=next(iter(settings))):
        GroupCommit(**settings)


class Joining(MemoryStorage):
    """A storage inside a host's transaction."""

    joins = True


@pytest.mark.parametrize("make", [Engine, AsyncEngine])
def test_group_commit_is_refused_where_it_cannot_be(make: Any) -> None:
    """A host's own transaction is never shared, and another value than settings is no group commit."""
    with pytest.raises(ConfigError, match="group_commit"):
        make(Joining(), group_commit=GroupCommit())
    with pytest.raises(WrongType, match="GroupCommit"):
        make(MemoryStorage(), group_commit=256)


@pytest.mark.parametrize("make", [Loyalty, AsyncLoyalty])
def test_group_commit_is_off_unless_given(make: Any) -> None:
    """A door shares nothing by default, and may stand over a storage that joins."""
    assert make(points_program(), Joining(), clock=Clock())._groups is None
    assert make(points_program(), MemoryStorage(), clock=Clock(), group_commit=GroupCommit())._groups is not None
