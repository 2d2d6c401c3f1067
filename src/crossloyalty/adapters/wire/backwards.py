"""
Turning numbered pages from the last to the first, so that nothing is lost while rows change.

An order that changes leaves the window it is being read in, and every row behind it moves one place up: going forwards,
one row would slip onto a page that was read already. Going backwards, a row is at most seen twice.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping
from typing import Any, Final, Generic, NamedTuple, TypeVar

from crossloyalty.adapters.wire.reading import Unreadable
from crossloyalty.errors import InvalidInput

__all__ = ["FirstPage", "Place", "following", "known_total", "place_of"]

_T = TypeVar("_T")
_TEXT: Final = re.compile(r"([0-9]{1,9})\.([0-9]{1,9})\.([0-9]{1,2})", re.ASCII)
_MOST_ROUNDS: Final = 3


class Place(NamedTuple):
    """
    Where a reader stands in a window.

    Args:
        page: The page to read, from 1.
        total: How many rows the window had when this round began.
        rounds: How often it was begun again, because rows had come in meanwhile.
    """

    page: int
    total: int
    rounds: int

    def __str__(self) -> str:
        return f"{self.page}.{self.total}.{self.rounds}"


def place_of(text: str | None) -> Place | None:
    """
    Read a stored place; None is the beginning of a window.

    Raises:
        InvalidInput: It is no place.
    """
    if text is None:
        return None
    found = _TEXT.fullmatch(text)
    if found is None or int(found[1]) < 1:
        raise InvalidInput("no place in a list")
    return Place(*map(int, found.groups()))


def known_total(stated: int | None, seen: int, page_size: int, place: Place | None) -> int | None:
    """
    Check the number of rows that a first page states.

    Args:
        stated: As the platform says; None: it does not.
        seen: Rows on the page.
        page_size: Rows a page.
        place: The page that was just read; the number matters on page 1 only.

    Returns:
        The number; for other pages, as stated.

    Raises:
        Unreadable: It is not stated, or is less than what was seen, though there may be more pages.
    """
    if place is not None and place.page > 1:
        return stated
    if seen >= page_size and (stated is None or stated < seen):
        raise Unreadable("the number of rows is missing")
    return max(stated or 0, seen)


def following(place: Place | None, total: int | None, page_size: int) -> str | None:
    """
    Say which page comes next.

    Args:
        place: The page that was just read; None: the first one, which tells how many rows there are.
        total: How many rows the window has now; needed on page 1 only.
        page_size: Rows a page.

    Returns:
        The next place as text; None: the window is read. Page 1 is read first and last: first for the number of rows,
        last because rows have moved onto it. Where rows have come in meanwhile the window is read again, three times
        at most; what comes in later still is in the overlap of the next window.
    """
    if place is not None and place.page > 1:
        return str(place._replace(page=place.page - 1))
    rows = total or 0
    last = -(-rows // page_size)
    if place is None:
        return str(Place(last, rows, 0)) if last > 1 else None
    grown = rows > place.total and place.rounds < _MOST_ROUNDS
    return str(Place(last, rows, place.rounds + 1)) if grown and last > 1 else None


class FirstPage(Generic[_T]):
    """
    What the rows of a window's first page were read as, so that they are not read anew when it comes again as the last.

    What is given again is the very same object, by which whoever stores it knows that it says nothing new. One page is
    kept, until its window has been read.

    Args:
        number: The field that tells rows apart.
    """

    def __init__(self, number: str) -> None:
        self._number = number
        # Set as one, because several threads may read from one source.
        self._kept: tuple[Hashable, Mapping[Hashable, tuple[object, _T]]] = (None, {})

    def known(self, window: Hashable, row: object) -> _T | None:
        """
        Give what a row was read as.

        Args:
            window: In which it stands now.
            row: As the platform gives it.

        Returns:
            None when no such row stood on the first page, or when any field of it has changed.
        """
        of, rows = self._kept
        if of != window or not rows:
            return None
        held = rows.get(self._number_of(row))
        return held[1] if held is not None and held[0] == row else None

    def keep(self, window: Hashable, place: Place | None, after: str | None, rows: Iterable[tuple[object, _T]]) -> None:
        """
        Keep the rows of a first page, and let go of them when its window has been read.

        Args:
            window: In which they stand.
            place: The page they are from.
            after: What follows it, see `following`.
            rows: Each with what it was read as.
        """
        if after is None:
            self._kept = None, {}
        elif place is None:
            self._kept = window, {self._number_of(row): (row, said) for row, said in rows}

    def _number_of(self, row: Any) -> Hashable:
        number = row.get(self._number) if type(row) is dict else None
        return number if isinstance(number, (str, int)) else None
