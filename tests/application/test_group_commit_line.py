"""The line before shared transactions: who may lead, who is taken, and what is worth waiting for."""

from __future__ import annotations

from crossloyalty import GroupCommit
from crossloyalty.loyalty._line import Lead, Line

WAIT_S = 0.002


def a_line(waiting: int = 0, **settings: int) -> Line[Lead, int]:
    """Give a line with some that wait behind a leader's back."""
    line: Line[Lead, int] = Line(GroupCommit(**settings))
    line.waiting.extend(range(waiting))
    return line


def led(line: Line[Lead, int], *, come: int, meanwhile: int = 0, at: float = 0.0) -> tuple[float, int]:
    """
    Let a group run from its begin to its end, at one moment.

    Args:
        line: Before which it is.
        come: How many come while it waits.
        meanwhile: How many come while it is at work.
        at: In seconds.

    Returns:
        How long it would have waited, in seconds, and how many it took, its leader included.
    """
    lead, taken = Lead(), list[int]()
    assert line.enter(lead)
    seconds = line.gather(lead, 1, at)
    for n in range(come):
        line.join(n)
    line.take(lead, 1, taken)
    size = 1 + len(taken)
    line.waiting.extend(range(meanwhile))
    line.end(lead, size, at)
    return seconds, size


def test_as_many_lead_as_there_are_places() -> None:
    """A place is taken by entering, given back by ending, once."""
    line = a_line(groups=2)
    one, two, three = Lead(), Lead(), Lead()
    assert (line.enter(one), line.enter(two), line.enter(three)) == (True, True, False)
    assert (one.leads, two.leads, three.leads) == (True, True, False)
    for _ in range(2):
        line.end(one, 1, 0.0)
    assert line.enter(three)
    assert not line.enter(one)


def test_while_a_group_gathers_newcomers_join_it() -> None:
    """A free place is not taken while a group gathers; the one who completes it is told whom to wake, once."""
    line = a_line(groups=2)
    led(line, come=2)
    gatherer, newcomer = Lead(), Lead()
    assert line.enter(gatherer)
    assert line.gather(gatherer, 1, 0.0) == WAIT_S
    assert not line.enter(newcomer)
    assert [line.join(n) for n in range(3)] == [None, gatherer, None]
    assert line.enter(newcomer)


def test_a_leader_that_gives_up_stops_gathering() -> None:
    """When a gathering leader ends without having taken anybody, its place is free again."""
    line = a_line()
    led(line, come=2)
    gatherer = Lead()
    assert line.enter(gatherer)
    assert line.gather(gatherer, 1, 0.0)
    line.end(gatherer, 1, 0.0)
    assert line.enter(Lead())


def test_no_group_waits_longer_than_a_while_after_the_last_one() -> None:
    """The wait is counted from the end of the group before: later it is shorter, and past it there is none."""
    line = a_line()
    led(line, come=3, at=5.0)
    assert abs(line.worth_waiting(1, 5.0) - WAIT_S) < 1e-9
    assert abs(line.worth_waiting(1, 5.0 + WAIT_S / 2) - WAIT_S / 2) < 1e-9
    assert line.worth_waiting(1, 5.0 + WAIT_S) == 0


def test_nobody_waits_when_all_are_there() -> None:
    """A group waits for as many as were answered or waiting when the last one ended, and for none beyond."""
    line = a_line(waiting=5, max_requests=3)
    lead, taken = Lead(), list[int]()
    assert line.enter(lead)
    line.take(lead, 1, taken)
    assert (taken, list(line.waiting)) == ([0, 1], [2, 3, 4])
    line.end(lead, 3, 0.0)
    assert line.worth_waiting(1, 0.0) == 0  # six were there, but three fill a group

    line = a_line()
    led(line, come=3)
    line.waiting.extend(range(3))
    assert line.worth_waiting(0, 0.0) > 0
    assert line.worth_waiting(1, 0.0) == 0


def test_callers_that_keep_coming_back_are_waited_for() -> None:
    """As long as all come back, every group waits for all of them."""
    line = a_line()
    led(line, come=7)
    assert [led(line, come=7) for _ in range(50)] == [(WAIT_S, 8)] * 50


def test_a_wait_in_vain_is_repeated_ever_more_rarely() -> None:
    """Callers that never come back in time cost few groups a wait, however long it goes on."""
    line = a_line()
    waits = 0
    for _ in range(1_000):
        seconds, size = led(line, come=0, meanwhile=3)
        waits += seconds > 0
        assert size in (1, 4)
    assert 0 < waits < 30


def test_those_who_do_come_back_are_waited_for_without_the_rest() -> None:
    """When one of eight is always late, groups soon wait for seven and are complete with them."""
    line = a_line()
    led(line, come=7)
    complete = 0
    for _ in range(1_000):
        lead, taken = Lead(), list[int]()
        assert line.enter(lead)
        assert line.gather(lead, 1, 0.0)
        told = [line.join(n) for n in range(6)]
        complete += told[-1] is lead
        line.take(lead, 1, taken)
        line.waiting.append(7)  # the late one
        line.end(lead, 7, 0.0)
        line.waiting.clear()
    assert complete > 970
