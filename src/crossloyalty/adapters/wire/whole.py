"""Reading a short list whole, such as the after-sale cases of one order, though its rows change places meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from crossloyalty.errors import PlatformUnavailable

__all__ = ["read_whole"]

_T = TypeVar("_T")
_MOST_READINGS: Final = 4


async def read_whole(
    read: Callable[[int], Awaitable[tuple[Sequence[_T], bool]]],
    *,
    platform: str,
    most_pages: int,
    what: Callable[[_T], object] = lambda row: row,
) -> Sequence[_T]:
    """
    Read all pages of a list; one of several pages until two readings in a row give the same.

    A row that changes moves to another page, and one that moves onto a page that was read already would be missed.

    Args:
        read: Gives the rows of the n-th page, counted from 0, and whether there is another one.
        platform: Whose list it is.
        most_pages: How many pages such a list can have.
        what: Gives what of a row says that it is the same.

    Raises:
        PlatformUnavailable: It has more, or does not come to rest.
    """
    before: list[object] | None = None
    for _ in range(_MOST_READINGS):
        rows, pages = await _reading(read, platform, most_pages)
        now = [what(row) for row in rows]
        if pages == 1 or now == before:
            return rows
        before = now
    raise PlatformUnavailable("the cases of an order change as fast as they are read", platform=platform)


async def _reading(
    read: Callable[[int], Awaitable[tuple[Sequence[_T], bool]]], platform: str, most_pages: int
) -> tuple[Sequence[_T], int]:
    rows: list[_T] = []
    for number in range(most_pages):
        page, more = await read(number)
        rows += page
        if not more:
            return rows, number + 1
    raise PlatformUnavailable("more after-sale cases than an order can have", platform=platform)
