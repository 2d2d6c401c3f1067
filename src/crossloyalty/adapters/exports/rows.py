"""Rows of a recognised file: cells by field name, and what decides whether a row is data at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final, NamedTuple, TypeVar

from crossloyalty.adapters.exports import cells
from crossloyalty.adapters.exports.cells import BadCell
from crossloyalty.adapters.exports.defects import Defect, DefectCode, masked

__all__ = ["BadRow", "Context", "OrderRow", "is_remark"]

_T = TypeVar("_T")
_TOTALS: Final = frozenset({"总计", "合计", "汇总", "小计"})
_REMARKS: Final = ("总计", "合计", "汇总", "小计", "#", "备注", "说明", "导出时间", "以上")


class BadRow(Exception):
    """A row, and with it its order, that has to be set aside; carries the defect and never leaves this package."""

    def __init__(self, defect: Defect) -> None:
        super().__init__(defect.code.value)
        self.defect = defect


class Context(NamedTuple):
    """
    What every row of one file shares.

    Args:
        platform: The platform's name.
        shop_id: The shop the file is said to be from.
        exported_at: When the file was made; None when nobody knows.
        degraded: A spreadsheet program has saved the file.
        places: Where each field stands in `OrderRow.values`.
        spelled: The file's own name of each field.
        has_shape: Says whether an upper-case text is shaped like an order number of the platform.
        trusted_ids: Long numbers of the file may end in zeros.
        money: Reads a cell of money, in fen.
        moment: Reads a cell of time.
        parents: The number an order was split off, by the number of the first order it became.
    """

    platform: str
    shop_id: str
    exported_at: datetime | None
    degraded: bool
    places: dict[str, int]
    spelled: dict[str, str]
    has_shape: Callable[[str], bool]
    trusted_ids: bool = False
    money: Callable[[str], int | None] = cells.to_fen
    moment: Callable[[str], datetime | None] = cells.time_utc
    parents: Mapping[str, str] = MappingProxyType({})


class OrderRow(NamedTuple):
    """
    One data row.

    Args:
        number: The row number, from 1, as a spreadsheet shows it.
        key: The order or refund it belongs to.
        values: The cells of the columns that are read, uncleaned.
        context: What it shares with the other rows.
        flaw: Why the row as a whole cannot be used; then `values` holds at most the key's cell.
    """

    number: int
    key: str
    values: tuple[str, ...]
    context: Context
    flaw: DefectCode | None = None

    def has(self, field: str) -> bool:
        """Say whether the file has this column."""
        return field in self.context.places

    def raw(self, field: str) -> str:
        """Give the uncleaned cell; empty when the file has no such column."""
        place = self.context.places.get(field)
        return "" if place is None else self.values[place]

    def bad(self, code: DefectCode, field: str, value: str | None = None, *, is_word: bool = False) -> BadRow:
        """Make the exception that sets this row's order aside."""
        shown = masked(self.raw(field) if value is None else value, is_word=is_word)
        return BadRow(Defect(self.number, self.context.spelled.get(field, ""), shown, code, self.key))

    def _clean(self, field: str, cell: str, clean: Callable[[str], _T | None]) -> _T | None:
        if not cell:
            return None  # many cells, quickly; every reader takes an empty cell for an absent one
        try:
            return clean(cell)
        except BadCell as error:
            raise self.bad(error.code, field, error.value) from None

    def fen(self, field: str) -> int | None:
        """Read money in fen; None when the column is missing or the cell absent."""
        return self._clean(field, self.raw(field), self.context.money)

    def part_fen(self, field: str, part: str) -> int | None:
        """Read money in fen out of a part of the cell."""
        return self._clean(field, part, self.context.money)

    def unsigned_fen(self, field: str) -> int | None:
        """Read money in fen whose minus sign is only a way of writing; None when the column or the cell is absent."""
        return self.part_fen(field, cells.unsigned(self.raw(field)))

    def needed_fen(self, field: str) -> int:
        """Read money that every data row has to state."""
        value = self.fen(field)
        if value is None:
            raise self.bad(DefectCode.MONEY_MISSING, field)
        return value

    def time(self, field: str) -> datetime | None:
        """Read a time; None when the column is missing or the cell absent."""
        return self._clean(field, self.raw(field), self.context.moment)

    def pieces(self, field: str) -> int | None:
        """Read a quantity; None when the column is missing or the cell absent."""
        return self._clean(field, self.raw(field), cells.pieces)

    def word(self, field: str) -> str | None:
        """Read a word; None when the column is missing or the cell absent."""
        return cells.word(self.raw(field))

    def id(self, field: str) -> str | None:
        """Read an id; None when the column is missing or the cell absent."""
        return self.part_id(field, self.raw(field))

    def part_id(self, field: str, part: str) -> str | None:
        """Read an id out of a part of the cell."""
        degraded, trusted = self.context.degraded, self.context.trusted_ids
        return self._clean(field, part, lambda cell: cells.order_id(cell, degraded=degraded, trusted=trusted))

    def order_id(self, field: str) -> str:
        """Read an order number, which every data row has to state in the platform's own shape."""
        order_no = self.id(field)
        if order_no is None:
            raise self.bad(DefectCode.ID_MISSING, field)
        if not self.context.has_shape(order_no.upper()):
            raise self.bad(DefectCode.ID_INVALID, field)
        return order_no


def is_remark(values: list[str], key_cell: str) -> bool:
    """
    Say whether a row without a readable number is a total or a remark instead of data.

    Args:
        values: All cells of the row; at least one is not blank.
        key_cell: The cell where the order number should stand.

    Source: total rows (总计, 合计, 汇总) and remarks stand below the data of real files, and one doubled a sum.
    """
    key = cells.bare(key_cell)
    first = next(text for text in map(cells.bare, values) if text)
    if first.rstrip(":：") in _TOTALS:
        return True
    if any(c.isdigit() for c in key) and not key.startswith(_REMARKS):
        return False
    return first.startswith(_REMARKS) or not key.isascii()
