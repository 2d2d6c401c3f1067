"""What a source has read so far of one page or one order."""

from __future__ import annotations

from collections.abc import Iterable

from crossloyalty.adapters.wire.values import Doubtful, Facts, Item

__all__ = ["Found"]


class Found:
    """Collects facts and doubts in the order they come."""

    def __init__(self) -> None:
        self._items: list[Item] = []
        self._doubtful: list[Doubtful] = []

    def take(self, facts: Iterable[Item | Doubtful]) -> None:
        """Put facts to the others."""
        for one in facts:
            if isinstance(one, Doubtful):
                self._doubtful.append(one)
            else:
                self._items.append(one)

    def facts(self, *, seen: int, next_page: str | None = None, total: int | None = None) -> Facts:
        """Give all of it."""
        return Facts(
            items=tuple(self._items), doubtful=tuple(self._doubtful), seen=seen, next_page=next_page, total=total
        )
