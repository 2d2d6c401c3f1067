"""
How a window is read whose rows change meanwhile: on from the last time seen, and within one second from its last page.

Lists are sorted by the time of the last change, and a row that changes while we read leaves the window. A page that
goes on from the last time seen loses nothing by that. Where a whole page changed within one second, pages have to be
counted, and every row that leaves would pull one of the next page onto a page that was read already. So that second is
read by itself: up to its first page that is not full, then down to page 0, by which a row comes twice at most. `total`
says how far up to look and whether rows came in meanwhile, and is not relied on: the platform does not promise that it
is of this moment.

Source: order.searchList (15/1342) and afterSale.List (17/1295): pages from 0; the latter up to page × size = 50,000.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from crossloyalty.adapters.douyin.answers import PLATFORM
from crossloyalty.adapters.douyin.calls import PAGE_SIZE
from crossloyalty.errors import InvalidInput, PlatformUnavailable

__all__ = ["Place"]

_TEXT: Final = re.compile(r"([0-9]{1,13})\.[0-9]{1,9}", re.ASCII)
_COUNTED: Final = re.compile(r"([0-9]{1,13})-([0-9]{1,13})\.([0-9]{1,3})\.([0-9]{1,12})\.([0-9])", re.ASCII)
_MOST_PAGES: Final = 50_000 // PAGE_SIZE
_MOST_ROUNDS: Final = 3


class Place(NamedTuple):
    """
    Where reading stands, as text that is stored between pages.

    Args:
        start: From where it reads, in seconds since 1970.
        stop: Up to where pages are counted; 0: they are not, and the window ends where it ends.
        number: The page to read, from 0.
        rows: How many rows were counted, while pages are read downwards; 0: they are read upwards.
        rounds: How often counting began again, because rows had come in meanwhile.
    """

    start: int
    stop: int = 0
    number: int = 0
    rows: int = 0
    rounds: int = 0

    @classmethod
    def of(cls, text: str | None, since: datetime) -> Place:
        """
        Read what `str` gave; None is the beginning of a window.

        Raises:
            InvalidInput: It is something else.
        """
        if text is None:
            return cls(int(since.timestamp()))
        found = _TEXT.fullmatch(text) or _COUNTED.fullmatch(text)
        place = cls(0) if found is None else cls(*map(int, found.groups()))
        if found is None or (place.stop and place.stop <= place.start):
            raise InvalidInput("no place in a list")
        return place

    def __str__(self) -> str:
        if not self.stop:
            return f"{self.start}.0"
        return f"{self.start}-{self.stop}.{self.number}.{self.rows}.{self.rounds}"

    def after(self, seen: int, times: Sequence[int | None], total: int | None, end: int) -> Place | None:
        """
        Say where to go on behind a page.

        Args:
            seen: Its rows.
            times: When each of them changed last, in seconds since 1970, as far as it is stated.
            total: How many rows there are, as far as it is stated.
            end: Where the window ends.

        Returns:
            None when the window is read. Where rows have come in meanwhile a second is read again, three times at
            most; what comes in later still is in the overlap of the next window.

        Raises:
            PlatformUnavailable: There are more rows than can be counted through.
        """
        full = seen >= PAGE_SIZE
        if not self.stop:
            return self._following(times, end) if full else None
        if not self.rows:
            return self._up(total or 0) if full else self._down(self.number * PAGE_SIZE + seen, total or 0)
        if self.number:
            return self._replace(number=self.number - 1)
        if full and (total or 0) > self.rows and self.rounds < _MOST_ROUNDS:
            return Place(self.start, self.stop, 1, rounds=self.rounds + 1)
        return Place(self.stop) if self.stop < end else None

    @property
    def is_counting(self) -> bool:
        """Whether this page is looked at for being full; a full one is read on the way down."""
        return bool(self.stop) and not self.rows

    def _following(self, times: Sequence[int | None], end: int) -> Place:
        # A time behind the end is of a row that has changed since the list was made, and says nothing about the list.
        stated = [each for each in times if each is not None and each < end]
        if not stated or stated != sorted(stated) or stated[-1] < self.start:
            # Not sorted as it was asked to be: all that is left has to be counted.
            return Place(self.start, max(end, self.start + 1), 1)
        return Place(stated[-1]) if stated[-1] > self.start else Place(self.start, self.start + 1, 1)

    def _up(self, total: int) -> Place:
        if self.number >= _MOST_PAGES - 1:
            raise PlatformUnavailable(
                f"more than {_MOST_PAGES * PAGE_SIZE} rows that can only be read by their page's number",
                platform=PLATFORM,
            )
        last = min(-(-total // PAGE_SIZE), _MOST_PAGES) - 1
        return self._replace(number=max(self.number + 1, last))

    def _down(self, rows: int, total: int) -> Place:
        return self._replace(number=self.number - 1, rows=max(rows, min(total, 10**12 - 1)))
