"""
What a decision can find missing: it says so, the use case reads it and decides again from the start.

So the common road reads little, and the rare ones (a claw-back from other lots, a source's first order falling away)
stay pure functions.
"""

from __future__ import annotations

__all__ = ["MissingLot", "MoreClaims", "MoreDays", "MoreLots", "Need"]


class Need(Exception):
    """Something of one member has to be read before this can be decided; never leaves the library."""

    def __init__(self, member_id: str) -> None:
        super().__init__(member_id)
        self.member_id = member_id


class MissingLot(Need):
    """One lot, by its number."""

    def __init__(self, member_id: str, lot_no: int) -> None:
        super().__init__(member_id)
        self.lot_no = lot_no


class MoreLots(Need):
    """All live lots of the member."""


class MoreDays(Need):
    """The spend days from an earlier local day on."""

    def __init__(self, member_id: str, from_day: str) -> None:
        super().__init__(member_id)
        self.from_day = from_day


class MoreClaims(Need):
    """All claims of the member: a source's first or last order has fallen away."""
