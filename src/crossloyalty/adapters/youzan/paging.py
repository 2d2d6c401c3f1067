"""
How a window is read whose rows change meanwhile: from the last page to the first, split when it is too deep.

Rows are sorted by the time they changed, and a row that changes while we read leaves the window. Read forwards, every
row that leaves pulls one of the next page into a page that was read already, and it is lost; read backwards, it comes
twice. A row that becomes visible late pushes the other way; the total grows then, and the window is begun again, three
times at most: what comes later still is in the overlap of the next window.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import attrs

from crossloyalty.errors import InvalidInput

__all__ = ["Place"]

_MOST_ROUNDS: Final = 3


@attrs.frozen(kw_only=True)
class Place:
    """
    Where reading stands, as text that is stored between pages.

    Args:
        windows: What is still to be read, in seconds since 1970; the first is being read.
        page_no: The page to read now; 0 asks first how many there are.
        total: How many rows the window had at the last look.
        rounds: How often the window was begun again.
    """

    windows: tuple[tuple[int, int], ...]
    page_no: int = 0
    total: int = 0
    rounds: int = 0

    @classmethod
    def begin(cls, since: datetime, until: datetime) -> Place:
        """Begin with a window of whole seconds around [since, until)."""
        start, end = int(since.timestamp()), -int(-until.timestamp() // 1)
        return cls(windows=((start, max(start, end)),))

    @classmethod
    def parse(cls, text: str) -> Place:
        """
        Read what `text` gave.

        Raises:
            InvalidInput: It is something else.
        """
        try:
            value: Any = json.loads(text)
            windows, page_no, total, rounds = value
            numbers = [number for window in windows for number in window] + [page_no, total, rounds]
            if not windows or not all(type(each) is int and 0 <= each < 2**40 for each in numbers):
                raise ValueError("no place")
            pairs = tuple((start, end) for start, end in windows)
            return cls(windows=pairs, page_no=page_no, total=total, rounds=rounds)
        except (ValueError, TypeError):
            raise InvalidInput("no page of this source") from None

    @property
    def text(self) -> str:
        """The place as text."""
        return json.dumps([self.windows, self.page_no, self.total, self.rounds], separators=(",", ":"))

    @property
    def since(self) -> datetime:
        """Where the window being read begins."""
        return _moment(self.windows[0][0])

    @property
    def until(self) -> datetime:
        """Where the window being read ends."""
        return _moment(self.windows[0][1])

    def after(self, total: int, page_size: int, deepest: int) -> Place | None:
        """
        Say what to read next.

        Args:
            total: How many rows the answer says the window has.
            page_size: Rows a page.
            deepest: How many rows paging reaches; a window with more is halved.

        Returns:
            None when everything was read. A window of one second cannot be halved: its reachable rows are read.
        """
        start, end = self.windows[0]
        if total > deepest and end - start > 1:
            middle = (start + end) // 2
            return Place(windows=((start, middle), (middle, end), *self.windows[1:]))
        last = -(-min(total, deepest) // page_size)
        # The first answer was page 1: where there is no other, it was everything.
        if self.page_no == 0 and last > 1:
            return Place(windows=self.windows, page_no=last, total=total)
        if self.page_no > 0 and total > self.total and self.rounds < _MOST_ROUNDS:
            return Place(windows=self.windows, page_no=last, total=total, rounds=self.rounds + 1)
        if self.page_no > 1:
            return attrs.evolve(self, page_no=self.page_no - 1, total=total)
        return Place(windows=self.windows[1:]) if self.windows[1:] else None


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(seconds=seconds)
