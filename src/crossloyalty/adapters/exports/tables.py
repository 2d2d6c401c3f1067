"""What rows are read from: delimited text, or the sheet of a workbook that has been laid out in a temporary file."""

from __future__ import annotations

import csv
import io
from collections.abc import Generator, Sequence
from typing import BinaryIO, Final, Protocol

import attrs

from crossloyalty.adapters.exports.text import RawRow, RowStream

__all__ = ["RowSource", "SheetTable", "SheetWriter", "Table", "TextTable"]

_LONGEST_CELL: Final = 32_767  # what a spreadsheet program allows, and far below what a csv reader takes


class RowSource(Protocol):
    """The rows of a table, from the start at each iteration."""

    width: int | None

    def __iter__(self) -> Generator[RawRow, None, None]:
        """Read from the start."""
        ...


class Table(Protocol):
    """How the rows of a file are read."""

    @property
    def encoding(self) -> str:
        """For the report: of the text, or `xlsx`."""
        ...

    @property
    def delimiter(self) -> str:
        """Between cells; empty for a workbook."""
        ...

    @property
    def sheet(self) -> str:
        """The sheet's name; empty for text."""
        ...

    def rows(self, stream: BinaryIO, start: int) -> RowSource:
        """Give the rows of an open file that begins at byte *start*."""
        ...


@attrs.frozen
class TextTable:
    """Delimited text in one encoding."""

    encoding: str
    delimiter: str
    sheet: str = ""

    def rows(self, stream: BinaryIO, start: int) -> RowSource:
        """Give the rows of an open file that begins at byte *start*."""
        return RowStream(stream, start, self.encoding, self.delimiter)


@attrs.frozen
class SheetTable:
    """A sheet of a workbook as `SheetWriter` has laid it out: a row number and the cells."""

    sheet: str
    encoding: str = "xlsx"
    delimiter: str = ""

    def rows(self, stream: BinaryIO, start: int) -> RowSource:
        """Give the rows of an open file that begins at byte *start*."""
        return _SheetRows(stream, start)


class _SheetRows:
    def __init__(self, stream: BinaryIO, start: int) -> None:
        self.width: int | None = None
        self._stream = stream
        self._start = start

    def __iter__(self) -> Generator[RawRow, None, None]:
        self._stream.seek(self._start)
        text = io.TextIOWrapper(self._stream, encoding="utf-8", newline="")
        try:
            for number, *cells in csv.reader(text):
                # A sheet ends a row with its last filled cell, which is no sign of shifted columns.
                missing = (self.width or 0) - len(cells)
                yield RawRow(int(number), cells if missing <= 0 else cells + [""] * missing)
        finally:
            text.detach()  # or the wrapper would close the file


class SheetWriter:
    """
    Lays rows of a sheet out in a file.

    Args:
        stream: An open binary file; it stays open.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._text = io.TextIOWrapper(stream, encoding="utf-8", errors="backslashreplace", newline="")
        self._writer = csv.writer(self._text)

    def write(self, number: int, cells: Sequence[str]) -> None:
        """Write one row; its number is the one a spreadsheet shows."""
        if any(len(cell) > _LONGEST_CELL for cell in cells):
            cells = [cell[:_LONGEST_CELL] for cell in cells]
        self._writer.writerow((number, *cells))

    def finish(self) -> None:
        """Write what is buffered, and let the file go."""
        self._text.detach()
