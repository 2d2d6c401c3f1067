"""
The first of two passes over an export: everything that has to be known about the whole file before a row is read.

It proves the encoding on the whole file, finds the header, sees whether a spreadsheet program has saved the file
(which makes ids suspect in rows far above the first slashed date), and which orders do not stand together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from itertools import islice
from typing import BinaryIO

import attrs

from crossloyalty.adapters.exports.cells import BadCell, is_slash_time, looks_cut, order_id
from crossloyalty.adapters.exports.grouping import Scattered
from crossloyalty.adapters.exports.headers import SEARCHED_ROWS, Header, Layout, matching
from crossloyalty.adapters.exports.tables import SheetTable, Table, TextTable
from crossloyalty.adapters.exports.text import DELIMITERS, RawRow, RowStream, encodings_to_try, refuse_container
from crossloyalty.errors import UnreadableFile

__all__ = ["Survey", "header_in", "survey", "unknown_header"]

_HEAD_BYTES = 4096
_MOST_CHILDREN = 100_000


@attrs.frozen
class Survey:
    """
    What the whole file tells.

    Args:
        table: How its rows are read.
        header: The header, matched with its layout.
        rows: Rows of the file, the header and those above it included.
        degraded: A spreadsheet program has saved the file.
        scattered: The keys whose rows do not stand together.
        parents: The number an order was split off, by the number of the first order it became.
    """

    table: Table
    header: Header
    rows: int
    degraded: bool
    scattered: Scattered
    parents: dict[str, str]


def survey(stream: BinaryIO, start: int, layouts: Sequence[Layout], sheet: str | None = None) -> Survey:
    """
    Go through a whole file once.

    Args:
        stream: A seekable binary file; it stays open.
        start: Where the file begins in it, in bytes.
        layouts: The kinds of file that are acceptable.
        sheet: The file holds the rows of this sheet of a workbook (see `workbook`); None: it is delimited text.

    Returns:
        What it tells; its `scattered` is to be closed.

    Raises:
        UnreadableFile: It is no delimited text, no encoding fits all of it, or no known header stands in its first
            20 rows.
    """
    if sheet is not None:
        table = SheetTable(sheet)
        header = _header(stream, start, table, layouts)
        if header is None:
            raise unknown_header(layouts)
        return _scan(stream, start, table, header)
    stream.seek(start)
    head = stream.read(_HEAD_BYTES)
    refuse_container(head)
    failure: UnreadableFile | None = None
    for encoding in encodings_to_try(head):
        try:
            for delimiter in DELIMITERS:
                text = TextTable(encoding, delimiter)
                header = _header(stream, start, text, layouts)
                if header is not None:
                    return _scan(stream, start, text, header)
        except UnreadableFile as error:
            if error.byte_offset is None:
                raise
            failure = error
    if failure is not None and failure.byte_offset is not None and not _decodes(stream, start, head):
        raise failure
    raise unknown_header(layouts)


def unknown_header(layouts: Sequence[Layout]) -> UnreadableFile:
    """Make the refusal of a file in which no header of these kinds stands."""
    if len(layouts) == 1:
        names = " + ".join(layouts[0].need[0])
        return UnreadableFile(
            f"no row with the columns {names} in the first {SEARCHED_ROWS} rows",
            sentence_zh=f"前 {SEARCHED_ROWS} 行内没有找到含有以下列的表头：{names}",
        )
    return UnreadableFile(
        f"no known header in the first {SEARCHED_ROWS} rows; upload an order export of a supported platform",
        sentence_zh=f"前 {SEARCHED_ROWS} 行内没有找到可识别的表头，请上传平台后台导出的订单文件",
    )


def header_in(rows: Iterable[RawRow], layouts: Sequence[Layout]) -> Header | None:
    """
    Look for a known header in the first 20 rows.

    Raises:
        UnreadableFile: Two kinds of file fit, or the kind cannot be read.
    """
    for row in islice(rows, SEARCHED_ROWS):
        layout = matching(layouts, row.cells)
        if layout is not None:
            if layout.refused is not None:
                raise UnreadableFile(layout.refused[0], sentence_zh=layout.refused[1])
            return Header.of(layout, row.number, row.cells)
    return None


def _decodes(stream: BinaryIO, start: int, head: bytes) -> bool:
    """Whether an encoding to try fits the whole file, so that the header and not a byte is the trouble."""
    for encoding in encodings_to_try(head):
        try:
            for _ in RowStream(stream, start, encoding, ","):
                pass
        except UnreadableFile:
            continue
        return True
    return False


def _header(stream: BinaryIO, start: int, table: Table, layouts: Sequence[Layout]) -> Header | None:
    # Closing at once gives the stream back before the next reader takes it.
    with closing(iter(table.rows(stream, start))) as rows:
        return header_in(rows, layouts)


def _scan(stream: BinaryIO, start: int, table: Table, header: Header) -> Survey:
    rows = table.rows(stream, start)
    key_place = header.index[header.layout.key]
    times = [header.index[c.field] for c in header.layout.columns if c.form == "time" and c.field in header.index]
    scattered, degraded, count = Scattered(), False, 0
    cut = whole = 0
    parents: dict[str, str] = {}
    notes = [header.index[c.field] for c in header.layout.columns if c.form == "note" and c.field in header.index]
    try:
        for row in rows:
            count = row.number
            if count == header.row:
                rows.width = header.width
            if count <= header.row:
                continue
            cells = row.cells
            if len(cells) > key_place:
                scattered.note(_key_of(cells[key_place]), count)
                ends_in_zeros = looks_cut(cells[key_place])
                cut += ends_in_zeros is True
                whole += ends_in_zeros is False
                if notes and header.layout.children is not None and len(parents) < _MOST_CHILDREN:
                    texts = [cells[place] for place in notes if place < len(cells)]
                    parent = _key_of(cells[key_place])
                    # A number leads to one order: to the first child that the note names.
                    for child in header.layout.children(" ".join(texts))[:1]:
                        if parent is not None and child != parent:
                            parents.setdefault(child, parent)
            if not degraded and len(cells) >= header.width:
                degraded = any(_may_be_slashed(cells[place]) for place in times)
        scattered.finish()
    except BaseException:
        scattered.close()
        raise
    return Survey(table, header, count, degraded or _were_cut(cut, whole), scattered, parents)


def _were_cut(cut: int, whole: int) -> bool:
    """
    Say whether so many numbers of 16 or 17 digits end in zeros that a spreadsheet program must have cut them.

    One in ten ends in a zero by chance: three of three, or four of five, do so in less than one honest file of 1,000.
    """
    return cut >= 3 and cut >= 4 * whole


def _may_be_slashed(cell: str) -> bool:
    # A native time has 19 characters and no slash; everything else is looked at.
    return ("/" in cell or len(cell) != 19) and is_slash_time(cell)


def _key_of(cell: str) -> str | None:
    """The key as grouping needs it, without judging lost digits; None when it is no id."""
    try:
        return order_id("\t" + cell)
    except BadCell:
        return None
