"""A short list is read whole though its rows change places, and one that never rests is an outage."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest

from crossloyalty.adapters.wire.whole import read_whole
from crossloyalty.errors import PlatformUnavailable

SIZE = 2


class _Pages:
    """A list of rows, two a page, to which something happens behind a page."""

    def __init__(self, rows: Sequence[str], behind: Callable[[list[str], int], None] = lambda rows, read: None) -> None:
        self.rows = list(rows)
        self.read = 0
        self._behind = behind

    async def page(self, number: int) -> tuple[Sequence[str], bool]:
        """Give a page, and say that it is full."""
        found = self.rows[number * SIZE : (number + 1) * SIZE]
        self.read += 1
        self._behind(self.rows, self.read)
        return found, len(found) == SIZE

    def whole(self, most_pages: int = 5) -> Sequence[str]:
        """Read them all."""
        return asyncio.run(read_whole(self.page, platform="shop", most_pages=most_pages))


def test_one_page_is_read_once() -> None:
    """As nearly all such lists are."""
    pages = _Pages("a")
    assert (pages.whole(), pages.read) == (["a"], 1)


def test_several_pages_are_read_twice() -> None:
    """Twice two pages, which agree."""
    pages = _Pages("abc")
    assert (pages.whole(), pages.read) == (["a", "b", "c"], 4)


def test_a_row_that_moves_onto_a_page_that_was_read_is_found() -> None:
    """Behind the first page "a" changes and becomes the last: "c" is on page 0 then, which is read again."""

    def change(rows: list[str], read: int) -> None:
        if read == 1:
            rows.append(rows.pop(0).upper())

    pages = _Pages("abcd", change)
    assert sorted(pages.whole()) == ["A", "b", "c", "d"]


def test_a_list_that_does_not_come_to_rest_is_an_outage() -> None:
    """With every page a row changes: four readings, and then an error."""
    pages = _Pages("abc", lambda rows, read: rows.append(rows.pop(0) + "'"))
    with pytest.raises(PlatformUnavailable, match="change"):
        pages.whole()
    assert pages.read == 8


def test_a_list_with_more_pages_than_it_can_have_is_an_outage() -> None:
    """Four rows fill both pages that are allowed, and there may be a third one."""
    with pytest.raises(PlatformUnavailable, match="more"):
        _Pages("abcd").whole(most_pages=2)
