"""
Rows that were set aside, written back as a file that people correct and import again.

The file holds the columns that are read and those by which the kind of file is known: names, phones, addresses and
remarks are never among them. Where one row spoils an order, all rows of the order are in it, so that the corrected file
gives whole orders.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, Final, Literal, NamedTuple

from crossloyalty.adapters.exports.cells import BadCell, bare, order_id
from crossloyalty.adapters.exports.defects import Defect, DefectCode
from crossloyalty.adapters.exports.headers import Header, normal_name
from crossloyalty.adapters.exports.rows import Context
from crossloyalty.adapters.exports.text import RawRow
from crossloyalty.errors import ConfigError, InvalidInput, shown

__all__ = ["NOTE_COLUMNS", "Mender", "kept_columns", "neutral", "write_table"]

NOTE_COLUMNS: Final = ("原文件行号", "问题列", "问题值", "问题说明", "Problem")
_PHONE: Final = re.compile(r"(?<![0-9])1[3-9][0-9]{9}(?![0-9])", re.ASCII)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_LOST: Final = "?"  # stands where digits were lost: no id, so that nobody imports it by mistake
_LONGEST_NUMBER: Final = 11  # spreadsheet programs show longer ones in scientific notation


def neutral(cell: str) -> str:
    """
    Make a cell one that a spreadsheet program neither runs nor rounds.

    Args:
        cell: Any text.

    Returns:
        The text, behind an apostrophe when it would start a formula or is a long number; readers take it off again.

    Source: CSV injection as described by OWASP; spreadsheet programs keep 15 digits of a number.
    """
    if cell.startswith(_FORMULA):
        return f"'{cell}"
    return f"'{cell}" if len(cell) > _LONGEST_NUMBER and cell.isascii() and cell.isdigit() else cell


def kept_columns(header: Header) -> list[int]:
    """Name the columns of a file that may be written back, by position: an allow-list, never a block-list."""
    needed = {normal_name(name) for need in header.layout.need for name in need}
    first: dict[str, int] = {}
    for place, cell in enumerate(header.cells):
        first.setdefault(normal_name(cell), place)
    return sorted({*header.index.values(), *(place for name, place in first.items() if name in needed)})


class _Row(NamedTuple):
    number: int
    key: str | None
    cells: list[str]


class Mender:
    """
    Picks the rows to be written back.

    Args:
        header: Of the file.
        context: What its rows share.
        defects: What was set aside.
    """

    def __init__(self, header: Header, context: Context, defects: Sequence[Defect]) -> None:
        self._header = header
        self._context = context
        self._ids = {header.index[c.field] for c in header.layout.columns if c.form == "id" and c.field in header.index}
        self._places = kept_columns(header)
        self._by_row: dict[int, Defect] = {}
        for defect in defects:
            self._by_row.setdefault(defect.row, defect)
        self._keys = {defect.key for defect in defects if defect.key is not None}
        self._strays = {defect.row for defect in defects if defect.key is None}

    @property
    def header(self) -> list[str]:
        """The names of the columns, our own behind the file's."""
        return [*(self._header.cells[place].strip() for place in self._places), *NOTE_COLUMNS]

    def note_neighbours(self, rows: Iterator[RawRow]) -> None:
        """
        Look at which orders stand beside rows whose own number is unreadable.

        Args:
            rows: All rows of the file. A corrected number may be that of a neighbour, whose rows have to come along.
        """
        if not self._strays or not self._header.layout.several_rows:
            return
        before: str | None = None
        waiting = False
        for row in self._data(rows):
            if row.number in self._strays:
                waiting = True
                if before is not None:
                    self._keys.add(before)
            elif row.key is not None:
                if waiting:
                    self._keys.add(row.key)
                before, waiting = row.key, False

    def rows(self, rows: Iterator[RawRow]) -> Iterator[list[str]]:
        """Give the rows to be written back, with what is wrong with them."""
        for row in self._data(rows):
            defect = self._by_row.get(row.number)
            if defect is None and (row.key is None or row.key not in self._keys):
                continue
            told = (
                ("", "", "", "")
                if defect is None
                else (defect.column, defect.value, defect.sentence("zh"), defect.sentence("en"))
            )
            yield [*(self._cell(row.cells, place) for place in self._places), str(row.number), *told]

    def _cell(self, cells: list[str], place: int) -> str:
        cell = cells[place] if place < len(cells) else ""
        layout = self._header.layout
        for column in layout.columns:
            if self._header.index.get(column.field) != place:
                continue
            if column.form == "note":
                return "" if layout.note is None else layout.note(cell)
            if column.form == "person" and _PHONE.search(cell):
                return ""
        return _LOST if place in self._ids and self._is_lost(cell) else bare(cell)

    def _is_lost(self, cell: str) -> bool:
        """Whether digits of an id were lost, which the apostrophe we write before long numbers must not hide."""
        guard = "\t" if cell[:1] in ("=", "'", "\t") or cell[-1:] == "\t" else ""
        for part in bare(cell).strip(";").split(";"):
            try:
                order_id(guard + part, degraded=self._context.degraded, trusted=self._context.trusted_ids)
            except BadCell as error:
                if error.code is DefectCode.ID_MANGLED:
                    return True
        return False

    def _data(self, rows: Iterator[RawRow]) -> Iterator[_Row]:
        place, width = self._header.index[self._header.layout.key], self._header.width
        for row in rows:
            if row.number > self._header.row:
                # A shifted row may hold a name or a phone in any column: of it only the place is told.
                shifted = row.broken or len(row.cells) < width or any(map(bare, row.cells[width:]))
                cells = [] if shifted else row.cells
                yield _Row(row.number, None if len(cells) <= place else _key(cells[place]), cells)


def _key(cell: str) -> str | None:
    try:
        return order_id("\t" + cell)
    except BadCell:
        return None


def write_table(
    target: str | os.PathLike[str] | BinaryIO,
    form: Literal["csv", "xlsx"],
    header: Sequence[str],
    rows: Iterator[list[str]],
) -> int:
    """
    Write rows that people open in a spreadsheet program.

    Args:
        target: A path, or an open binary file, which stays open.
        form: `csv` (UTF-8 with a byte order mark) or `xlsx`.
        header: The names of the columns.
        rows: Their cells, written neutralised.

    Returns:
        How many rows were written.

    Raises:
        InvalidInput: No such form.
        ConfigError: openpyxl is not installed.
    """
    if form not in ("csv", "xlsx"):
        raise InvalidInput(f"defects are written as csv or xlsx, not as {shown(form)}")
    if isinstance(target, (str, os.PathLike)):
        with open(target, "wb") as stream:
            return write_table(stream, form, header, rows)
    return _write_csv(target, header, rows) if form == "csv" else _write_xlsx(target, header, rows)


def _write_csv(stream: BinaryIO, header: Sequence[str], rows: Iterator[list[str]]) -> int:
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="backslashreplace", newline="")
    count = 0
    try:
        writer = csv.writer(text)
        writer.writerow([neutral(name) for name in header])
        for row in rows:
            writer.writerow([neutral(cell) for cell in row])
            count += 1
        text.flush()
    finally:
        text.detach()  # or the wrapper would close the caller's file
    return count


def _write_xlsx(stream: BinaryIO, header: Sequence[str], rows: Iterator[list[str]]) -> int:
    try:
        import openpyxl
        from openpyxl.cell import WriteOnlyCell
        from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
    except ImportError as error:
        raise ConfigError("openpyxl is not installed: pip install 'crossloyalty[excel]'") from error
    book: Any = openpyxl.Workbook(write_only=True)
    sheet: Any = book.create_sheet("defects")

    def cell(text: str) -> Any:
        one: Any = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub(" ", neutral(text))[:32_767])
        one.data_type = "s"  # text, whatever it looks like
        one.number_format = "@"
        return one

    sheet.append([cell(name) for name in header])
    count = 0
    for row in rows:
        sheet.append([cell(text) for text in row])
        count += 1
    book.save(stream)
    return count
