"""A table in memory: a dictionary of rows, and a sorted list for each index."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TypeAlias

from crossloyalty.application.ports import Scan
from crossloyalty.domain.records import Record
from crossloyalty.storage._shape import Shape, picker

__all__ = ["Table", "Values"]

Values: TypeAlias = tuple[str | int, ...]


class Table:
    """Rows by key, and for each index (None is the key) a sorted list of positions."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.rows: dict[Values, Record] = {}
        self.positions: dict[str | None, list[Values]] = {name: [] for name in shape.orders}
        self._pick = {name: picker([shape.position(field) for field in order]) for name, order in shape.orders.items()}
        self._filled: dict[str | None, int] = {name: shape.position(field) for name, field in shape.filled.items()}
        self._key_in = {
            name: picker([order.index(field) for field in shape.key]) for name, order in shape.orders.items()
        }

    def copy(self) -> Table:
        """Give a table of the same rows that changes by itself."""
        twin = Table(self.shape)
        twin.rows = dict(self.rows)
        twin.positions = {name: list(positions) for name, positions in self.positions.items()}
        return twin

    def put(self, values: Values, record: Record | None) -> None:
        """Set or (None) remove a row; doing it twice, or again after an interrupted try, is the same as once."""
        old = self.rows.get(values)
        for name, positions in self.positions.items():
            filled = self._filled.get(name)
            for row, wanted in ((old, False), (record, True)):
                if row is None or None in (position := self._pick[name](row)):
                    continue
                if filled is not None and not row[filled]:
                    continue
                at = bisect_left(positions, position)
                if (positions[at : at + 1] == [position]) != wanted:
                    positions[at : at + (not wanted)] = [position] if wanted else []
        if record is None:
            self.rows.pop(values, None)
        else:
            self.rows[values] = record

    def select(self, scan: Scan) -> list[tuple[Values, Values]]:
        """Give (position, key) of the rows of a scan, ascending, without its limit."""
        positions = self.positions[scan.by]
        low = scan.prefix if scan.low is None else (*scan.prefix, scan.low)
        high = scan.prefix if scan.high is None else (*scan.prefix, scan.high)
        start = bisect_left(positions, low, key=lambda position: position[: len(low)])
        end = bisect_right(positions, high, key=lambda position: position[: len(high)])
        if scan.after is not None and scan.descending:
            end = min(end, bisect_left(positions, scan.after))
        elif scan.after is not None:
            start = max(start, bisect_right(positions, scan.after))
        key_in = self._key_in[scan.by]
        return [(position, key_in(position)) for position in positions[start:end]]
