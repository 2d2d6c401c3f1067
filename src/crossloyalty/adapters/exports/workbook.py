"""
Workbooks (.xlsx): the sheet that holds the orders, laid out once in a temporary file, so that both passes read text.

A cell that holds a number has at most 15 digits that mean anything: longer ones come out in scientific notation, which
no id is read from. What a file unpacks to is bounded before it is opened, its rows and columns while it is read.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import islice
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, Final, cast
from zipfile import ZipFile

from crossloyalty.adapters.exports.headers import SEARCHED_ROWS, Layout
from crossloyalty.adapters.exports.report import ExportProgress
from crossloyalty.adapters.exports.survey import header_in, unknown_header
from crossloyalty.adapters.exports.tables import SheetWriter
from crossloyalty.adapters.exports.text import RawRow
from crossloyalty.errors import ConfigError, CrossloyaltyError, UnreadableFile

__all__ = ["lay_out"]

_SPOOLED_BYTES: Final = 8 << 20
_MOST_UNPACKED_BYTES: Final = 2 << 30
_MOST_TEXTS_BYTES: Final = 192 << 20  # texts that cells share are held in memory whole
_MOST_OTHER_BYTES: Final = 16 << 20  # styles and the like, as well
_MOST_ROWS: Final = 1_048_576
_MOST_COLUMNS: Final = 1_000
_MOST_CELLS: Final = 60_000_000
_MOST_SHEETS: Final = 50
_KEPT_DIGITS: Final = 15
_EXACT: Final = 10**_KEPT_DIGITS
_PROLOG_BYTES: Final = 4_096
_PROGRESS_ROWS: Final = 1_000


def lay_out(
    stream: BinaryIO,
    archive: ZipFile,
    layouts: Sequence[Layout],
    progress: Callable[[ExportProgress], None] | None,
) -> tuple[BinaryIO, str]:
    """
    Lay the sheet with a known header out.

    Args:
        stream: The open file of the workbook.
        archive: The same, as an archive.
        layouts: The kinds of file that are acceptable.
        progress: Called about every 1,000 rows.

    Returns:
        A temporary file for `tables.SheetTable`, and the sheet's name.

    Raises:
        UnreadableFile: It is damaged, unpacks to too much, has no sheet with a known header or more than one.
        ConfigError: openpyxl is not installed.
    """
    _check_parts(archive)
    openpyxl = _openpyxl()
    spool = cast(BinaryIO, SpooledTemporaryFile(_SPOOLED_BYTES))  # noqa: SIM115 - it is given to the caller
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about decoration that is not read
            book = openpyxl.load_workbook(stream, read_only=True, data_only=True, keep_links=False)
            try:
                sheet = _orders_sheet(book, layouts)
                writer = SheetWriter(spool)
                for row in _rows(sheet, progress):
                    writer.write(row.number, row.cells)
                writer.finish()
                return spool, str(sheet.title) or "sheet"
            finally:
                book.close()
    except BaseException as error:
        spool.close()
        if isinstance(error, (CrossloyaltyError, MemoryError)) or not isinstance(error, Exception):
            raise
        # Whatever openpyxl and the parsers beneath it raise about a file: it cannot be read.
        raise damaged() from error


def damaged() -> UnreadableFile:
    """Make the refusal of a workbook that is broken inside."""
    return UnreadableFile(
        "the workbook is damaged; export it again and upload it as it is",
        sentence_zh="Excel 文件已损坏，请重新导出后直接上传",
    )


def _openpyxl() -> Any:
    try:
        import openpyxl
    except ImportError as error:
        raise ConfigError("openpyxl is not installed: pip install 'crossloyalty[excel]'") from error
    return openpyxl


def _check_parts(archive: ZipFile) -> None:
    """
    Refuse what would unpack to more than any export, and texts that declare entities.

    Raises:
        UnreadableFile: It does.
    """
    parts = archive.infolist()
    unpacked = 0
    for part in parts:
        name = part.filename.casefold()
        unpacked += part.file_size
        if "sharedstrings" in name:
            most = _MOST_TEXTS_BYTES
        else:
            most = _MOST_UNPACKED_BYTES if name.startswith("xl/worksheets/") else _MOST_OTHER_BYTES
        read_into_memory = name.endswith((".xml", ".rels"))
        if unpacked > _MOST_UNPACKED_BYTES or (read_into_memory and part.file_size > most) or len(parts) > 10_000:
            raise _too_large("unpacks to more than any export")
        if read_into_memory:
            with archive.open(part) as opened:
                prolog = opened.read(_PROLOG_BYTES).replace(b"\x00", b"").upper()
            if b"<!DOCTYPE" in prolog or b"<!ENTITY" in prolog:
                raise damaged()


def _too_large(why: str) -> UnreadableFile:
    return UnreadableFile(
        f"the workbook {why}; export a shorter period", sentence_zh="Excel 文件过大，请缩短时间范围后重新导出"
    )


def _orders_sheet(book: Any, layouts: Sequence[Layout]) -> Any:
    sheets = list(islice(book.worksheets, _MOST_SHEETS + 1))
    if len(sheets) > _MOST_SHEETS:
        raise _too_large("has too many sheets")
    found = [sheet for sheet in sheets if header_in(islice(_rows(sheet, None), SEARCHED_ROWS), layouts) is not None]
    if not found:
        raise unknown_header(layouts)
    if len(found) > 1:
        raise UnreadableFile(
            "more than one sheet has the columns of an export; keep one sheet in a file",
            sentence_zh="有多个工作表都像导出的订单，请每个文件只保留一个工作表",
        )
    return found[0]


def _rows(sheet: Any, progress: Callable[[ExportProgress], None] | None) -> Iterator[RawRow]:
    """Give the rows that hold anything; the size a sheet declares is never believed."""
    sheet.reset_dimensions()
    filled = 0
    for number, values in enumerate(sheet.iter_rows(values_only=True), start=1):
        if number > _MOST_ROWS:
            raise _too_large("has more rows than a sheet can have")
        if progress is not None and number % _PROGRESS_ROWS == 0:
            progress(ExportProgress(number, None))
        width = len(values)
        while width and values[width - 1] is None:
            width -= 1
        if not width:
            continue
        filled += width
        if width > _MOST_COLUMNS or filled > _MOST_CELLS:
            raise _too_large("has more columns or cells than any export")
        yield RawRow(number, [_string(value) if type(value) is str else _text(value) for value in values[:width]])


def _string(value: str) -> str:
    """Guard a long number that a cell holds as text: no spreadsheet program has rounded it."""
    return f"\t{value}" if len(value) > _KEPT_DIGITS and value.isdigit() else value


def _text(value: Any) -> str:
    """Write a cell the way an export in text would, without ever inventing a digit."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, (int, float)):
        return _number_text(value)
    if isinstance(value, datetime):
        # A day's fraction in a double is off by microseconds.
        return f"{value + timedelta(milliseconds=500):%Y-%m-%d %H:%M:%S}"
    if isinstance(value, date):
        return f"{value:%Y-%m-%d} 00:00:00"
    return str(value)


def _number_text(value: int | float) -> str:
    if abs(value) < _EXACT:
        whole = int(value)
        # A spreadsheet shows 15 digits: 0.1 + 0.2 is 0.3 there.
        return str(whole) if whole == value else f"{value:.15g}"
    try:
        return f"{value:.14E}"
    except OverflowError:
        return "9.99999999999999E+308"
