"""
The line before a program's shared transactions: who waits, how many groups are at work, what is worth waiting for.

It has no lock and no clock of its own; threads and tasks each bring theirs. Where two things have to change together
they do so in one statement, so that an interrupt cannot fall between.
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import Final, Generic, TypeVar

from crossloyalty.application.grouping import GroupCommit

__all__ = ["Lead", "Line"]

_MOST_MISSES: Final = 6


class Lead:
    """A right to run a group; `leads` while it is held."""

    __slots__ = ("leads",)

    def __init__(self) -> None:
        self.leads = False


_L = TypeVar("_L", bound=Lead)
_S = TypeVar("_S")


class Line(Generic[_L, _S]):
    """
    Seats in the order they came, and the groups at work.

    While a place is free and no group gathers, nobody waits: whoever comes then leads.

    Args:
        settings: How many at once, and how long to wait.
    """

    __slots__ = (
        "_at_work",
        "_calm",
        "_cap",
        "_expected",
        "_gatherer",
        "_misses",
        "_settings",
        "_until",
        "_wanted",
        "waiting",
    )

    def __init__(self, settings: GroupCommit) -> None:
        self.waiting: deque[_S] = deque()
        self._settings = settings
        self._at_work = 0
        self._gatherer: _L | None = None
        self._wanted = 0
        self._expected = 1
        self._until = 0.0
        self._cap = settings.max_requests
        self._misses = 0
        self._calm = 0

    def enter(self, lead: _L) -> bool:
        """Let somebody lead a group, if there is a place; a gathering group is joined instead."""
        if self._at_work >= self._settings.groups or self._gatherer is not None:
            return False
        self._at_work, lead.leads = self._at_work + 1, True
        return True

    def join(self, seat: _S) -> _L | None:
        """Wait for the next group; gives whoever gathers it and has to be told that it is complete now."""
        self.waiting.append(seat)
        gatherer = self._gatherer
        if gatherer is None or len(self.waiting) < self._wanted:
            return None
        self._gatherer = None
        if self._cap == self._settings.max_requests:
            self._misses = 0
        return gatherer

    def worth_waiting(self, here: int, now: float) -> float:
        """
        Say how long a group had better wait for more, in seconds; 0: not at all.

        Those who were there when a group ended come back soon or not for long. So the next one waits for as many, and
        only for a while after that end. When they did not come, it expects fewer.

        Args:
            here: How many its leader brings along, besides those that wait.
            now: In seconds, on a clock that never goes back.
        """
        wanted = min(self._expected, self._cap) - here
        if len(self.waiting) >= wanted or now >= self._until or self._gatherer is not None:
            return 0.0
        return self._until - now

    def gather(self, lead: _L, here: int, now: float) -> float:
        """Let a leader wait for others as long as that is worth it, and say how long that is."""
        seconds = self.worth_waiting(here, now)
        if seconds:
            self._gatherer, self._wanted = lead, min(self._expected, self._cap) - here
        return seconds

    def take(self, lead: _L, here: int, into: list[_S]) -> None:
        """
        Give a leader those who wait, as many as fit.

        Args:
            lead: Whoever leads.
            here: As for `worth_waiting`.
            into: Where to; a seat is put there before it leaves the line, so that none is ever in neither.
        """
        if self._gatherer is lead:
            self._gatherer = None
            self._misses = min(self._misses + 1, _MOST_MISSES)
            self._cap, self._calm = max(here + len(self.waiting), 1), 1 << self._misses
        elif self._cap < self._settings.max_requests:
            self._calm -= 1
            if self._calm <= 0:
                self._cap = self._settings.max_requests  # perhaps they come by now
        into.extend(islice(self.waiting, self._settings.max_requests - here))
        for _ in into:
            self.waiting.popleft()

    def end(self, lead: _L, size: int, now: float) -> None:
        """Take note that a group of so many is done, or came to nothing."""
        if self._gatherer is lead:
            self._gatherer = None
        self._expected = size + len(self.waiting)
        self._until = now + self._settings.wait_ms / 1000
        if lead.leads:
            self._at_work, lead.leads = self._at_work - 1, False
