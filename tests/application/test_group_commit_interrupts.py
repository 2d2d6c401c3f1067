"""Group commit when a caller breaks off: whoever leads, follows or waits takes nobody along."""

from __future__ import annotations

import linecache
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from builders import assert_sound
from crowd import Crowd, Hold, Scripted, assert_idle, claim, open_door, piled_up, raising, soon, waiting

from crossloyalty import ClaimResult, GroupCommit
from crossloyalty.loyalty import _thread_groups
from crossloyalty.storage.memory import MemoryStorage
from crossloyalty.testing import dump


@pytest.mark.parametrize("where", ["within", "behind"])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit()], ids=["interrupt", "exit"])
def test_an_interrupted_leader_takes_nobody_along(storage: Any, where: str, error: BaseException) -> None:
    """Interrupted before or behind its commit, a leader leaves alone: the others get or find their claims."""
    scripted = Scripted(storage)
    door = open_door(scripted)
    if where == "behind":
        scripted.behind.append(lambda: None)  # the first caller's
    getattr(scripted, where).append(raising(error))
    leader, *others = piled_up(door, scripted, [lambda n=n: claim(door, n, f"m{n}") for n in range(6)])
    assert leader is error
    assert all(answer.member_id == f"m{n}" and answer.granted for n, answer in enumerate(others, start=1))
    assert [answer.created for answer in others] == [where == "within"] * 5
    assert claim(door, 0, "m0").created is (where == "within")
    assert len(dump(storage)["claims"]) == 7
    assert_sound(door)


_TRACED = (str(Path(_thread_groups.__file__)), str(Path(_thread_groups.__file__).with_name("_line.py")))


def interrupted_at(line: int, call: Callable[[], Any]) -> Any:
    """
    Run a call and raise KeyboardInterrupt before its n-th line in the modules that group.

    Not at a `with`: the interpreter passes that line again on the way out, where no signal can find it.
    """
    left = line

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal left
        if frame.f_code.co_filename not in _TRACED:
            return None
        if event == "line" and not linecache.getline(frame.f_code.co_filename, frame.f_lineno).lstrip().startswith(
            "with "
        ):
            left -= 1
            if left == 0:
                sys.settrace(None)
                raise KeyboardInterrupt
        return trace

    sys.settrace(trace)
    try:
        return call()
    finally:
        sys.settrace(None)


@pytest.mark.parametrize("gathers", [False, True], ids=["at once", "gathering"])
@pytest.mark.parametrize("place", [0, 1], ids=["leader", "follower"])
def test_an_interrupt_anywhere_leaves_nobody_waiting(place: int, gathers: bool) -> None:
    """Interrupted at whatever line of the grouping, a caller that leads or follows leaves a line that goes on."""
    for line in range(1, 1_000):
        storage = Scripted(MemoryStorage())
        door = open_door(storage, GroupCommit(wait_ms=2 * gathers))
        assert door._groups is not None
        door._groups.clock = lambda: 0.0
        door._groups.pause = lambda turn, _: turn.acquire(timeout=0.0001)
        hold, crowd = Hold(), Crowd()
        storage.within.append(hold)
        crowd.ask(lambda door=door: claim(door, 0, "first"))
        assert hold.reached.wait(60)
        calls = [lambda n=n, door=door: claim(door, n, f"m{n}") for n in (1, 2, 3)]
        calls[place] = lambda call=calls[place], line=line: interrupted_at(line, call)
        for n, call in enumerate(calls, start=1):
            crowd.ask(call)
            soon(lambda door=door, crowd=crowd, n=n: waiting(door) + crowd.ended == n)
        hold.released.set()
        answers = crowd.answers()
        interrupted = answers.pop(place + 1)
        assert [type(answer) for answer in answers] == [ClaimResult] * 3, f"line {line}"
        assert_idle(door)
        crowd.ask(lambda door=door: claim(door, 4))
        assert crowd.answers()[-1].created, f"line {line}"
        if not isinstance(interrupted, KeyboardInterrupt):
            assert interrupted.created
            assert line > 20
            return
    pytest.fail("the call never ended")


@pytest.fixture
def in_main_thread() -> None:
    """Say so when these tests run elsewhere, where no signal reaches them."""
    assert threading.current_thread() is threading.main_thread()


@pytest.mark.usefixtures("in_main_thread")
def test_the_main_thread_leads_nobody_but_itself(storage: Any) -> None:
    """Its turn to lead come, the main thread, which signals interrupt, takes its own request alone."""
    scripted = Scripted(storage)
    door = open_door(scripted)
    hold, crowd = Hold(), Crowd()
    scripted.within.append(hold)
    scripted.count = 0
    crowd.ask(lambda: claim(door, 69, "first"))
    assert hold.reached.wait(60)

    def follow() -> ClaimResult:
        soon(lambda: waiting(door) == 1)
        for n in range(1, 5):
            crowd.ask(lambda n=n: claim(door, n, f"m{n}"))
        soon(lambda: waiting(door) == 5)
        hold.released.set()
        return claim(door, 5, "m5")

    crowd.ask(follow)
    assert claim(door, 0, "m0").created
    assert all(answer.created for answer in crowd.answers())
    assert 3 <= scripted.count <= 5


class Signalled(BaseException):
    """What a signal handler of the host raises."""


@pytest.mark.usefixtures("in_main_thread")
def test_a_signal_while_waiting_takes_the_caller_out_of_the_line(storage: Any) -> None:
    """A caller whose wait a signal breaks off leaves, its request is not run, and those behind it are answered."""
    scripted = Scripted(storage)
    door = open_door(scripted)
    hold, crowd = Hold(), Crowd()
    scripted.within.append(hold)

    def told(*_: object) -> None:
        raise Signalled

    before = signal.signal(signal.SIGUSR1, told)
    try:
        crowd.ask(lambda: claim(door, 69, "first"))
        assert hold.reached.wait(60)
        main = threading.get_ident()

        def interrupt() -> None:
            soon(lambda: waiting(door) == 1)
            crowd.ask(lambda: claim(door, 1, "m1"))
            soon(lambda: waiting(door) == 2)
            signal.pthread_kill(main, signal.SIGUSR1)

        crowd.ask(interrupt)
        with pytest.raises(Signalled):
            claim(door, 0, "m0")
    finally:
        signal.signal(signal.SIGUSR1, before)
    soon(lambda: waiting(door) == 1)
    hold.released.set()
    first, _, behind = crowd.answers()
    assert first.created
    assert behind.created
    assert [row.member_id for row in dump(storage)["claims"]] == ["m1", "first"]
    assert_idle(door)
