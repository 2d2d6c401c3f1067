"""
The container of an export: what sort of file it is, which encoding, which delimiter, where its rows begin and end.

A file is decoded whole and strictly or not at all: one dropped byte changes a name or joins two columns. Everything
streams; the longest thing in memory is one row.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Generator
from typing import BinaryIO, Final, NamedTuple, NoReturn

from crossloyalty.errors import UnreadableFile

__all__ = ["DELIMITERS", "RawRow", "RowStream", "encodings_to_try", "refuse_container"]

DELIMITERS: Final = (",", "\t", ";")
_BLOCK_BYTES = 1 << 16
# A Taobao row is about 500 characters; a longer line is no table.
_LONGEST_LINE = 1 << 20

_EXPORT_TEXT_ZH = "请在商家后台导出时选择 CSV 或 xlsx 格式后直接上传；不要用表格软件另存，否则订单号末位会丢失"
_EXPORT_TEXT_EN = (
    "choose CSV or xlsx when exporting and upload it as it is; a spreadsheet program would destroy order numbers"
)
_CONTAINERS: Final = (
    (b"PK\x03\x04", "an archive inside an archive", "压缩包中的压缩包"),
    (b"PK\x05\x06", "an empty zip archive", "空压缩包"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old .xls workbook, or one with a password", "旧版或加密的 Excel 工作簿"),
    (b"%PDF", "a PDF", "PDF"),
    (b"\x1f\x8b", "a gzip archive", "压缩包"),
    (b"Rar!", "a RAR archive", "压缩包"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "压缩包"),
    (b"\x89PNG", "a picture", "图片"),
    (b"\xff\xd8\xff", "a picture", "图片"),
)
_MARKUP: Final = (b"<html", b"<table", b"<!doctype", b"<?xml", b"<meta", b"<head")


class RawRow(NamedTuple):
    """
    One row as it stands in the file.

    Args:
        number: Counted from 1 the way a spreadsheet shows it: a cell with line breaks is still one row.
        cells: The cells, uncleaned.
        broken: A quotation mark in it never ends, so its cells mean nothing.
    """

    number: int
    cells: list[str]
    broken: bool = False


def refuse_container(head: bytes) -> None:
    """
    Refuse what is not delimited text, by its first bytes: the extension lies too often.

    Args:
        head: The first 1,024 bytes or more.

    Raises:
        UnreadableFile: It is empty, a workbook, an archive, an HTML table or something else that is no text.
    """
    if not head.strip():
        raise UnreadableFile("the file is empty", sentence_zh="文件是空的，请重新导出")
    for magic, name, name_zh in _CONTAINERS:
        if head.startswith(magic):
            _refuse(name, name_zh)
    start = head.removeprefix(codecs.BOM_UTF8).lstrip().lower()
    if start.startswith(_MARKUP):
        _refuse("an HTML or XML table", "网页表格")


def encodings_to_try(head: bytes) -> tuple[str, ...]:
    """
    Name the encodings an export may be in, in the order to try them on the whole file.

    Args:
        head: The first bytes of the file.

    Source: Douyin and Pinduoduo ship UTF-8, Taobao and JD GBK, of which gb18030 is a superset. No statistical
    detector: short GBK words can be valid UTF-8, so only the whole file decides.
    """
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return ("utf-16",)
    return ("utf-8-sig", "gb18030")


class RowStream:
    """
    The rows of a text, one at a time.

    Args:
        stream: A seekable binary file; it stays open.
        start: Where the text begins, in bytes.
        encoding: One of `encodings_to_try`.
        delimiter: One of `DELIMITERS`.

    Attributes:
        width: How many cells a row has; the consumer sets it at the header. From then on a row over several lines
            with another number of cells is one whose quotation mark never ends: only its first line is lost.
    """

    def __init__(self, stream: BinaryIO, start: int, encoding: str, delimiter: str) -> None:
        self.width: int | None = None
        self._stream = stream
        self._start = start
        self._encoding = encoding
        self._delimiter = delimiter

    def __iter__(self) -> Generator[RawRow, None, None]:
        """
        Read from the start.

        Raises:
            UnreadableFile: A byte does not belong to the encoding, or a line is too long to be a row.
        """
        self._stream.seek(self._start)
        text = io.TextIOWrapper(self._stream, encoding=self._encoding, errors="strict", newline="")
        failure: UnicodeError | None = None
        try:
            yield from self._records(_Lines(text))
        except UnicodeError as error:
            failure = error
        finally:
            text.detach()  # or the wrapper would close the caller's file
        if failure is not None:
            offset = _bad_offset(self._stream, self._start, self._encoding)
            raise UnreadableFile(
                f"byte {offset} does not belong to {self._encoding} text; export the file again",
                byte_offset=offset,
                sentence_zh=f"第 {offset} 字节处文字编码损坏，请重新导出后直接上传",
            ) from failure

    def _records(self, lines: _Lines) -> Generator[RawRow, None, None]:
        # Strict: an open quotation mark ends at the next row's first one, and what follows there gives it away.
        reader = csv.reader(lines, delimiter=self._delimiter, strict=True)
        number = 0
        while True:
            lines.record.clear()
            damaged = False
            cells: list[str] = []
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                damaged = True
            number += 1
            if not damaged and (len(lines.record) == 1 or self._fits(cells)):
                yield RawRow(number, cells)
                continue
            first, *rest = lines.record
            reader = csv.reader(lines, delimiter=self._delimiter, strict=True)
            lines.again.extend(reversed(rest))
            if rest or len(first) >= csv.field_size_limit():
                yield RawRow(number, first.rstrip("\r\n").split(self._delimiter), broken=True)
            else:  # a text such as `"50ml"面霜` inside one line harms nobody
                yield self._tolerant(number, first)

    def _tolerant(self, number: int, line: str) -> RawRow:
        reader = csv.reader([line, ""], delimiter=self._delimiter)
        cells = next(reader)
        # A mark that is still open at the end of the file takes in the line we have put behind it.
        return RawRow(number, cells, broken=reader.line_num > 1 or not self._fits(cells))

    def _fits(self, cells: list[str]) -> bool:
        return self.width is None or (len(cells) >= self.width and not any(cells[self.width :]))


class _Lines:
    """Lines of a text; remembers those of the present record so that they can be read again one by one."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self.record: list[str] = []
        self.again: list[str] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self.again.pop() if self.again else self._text.readline(_LONGEST_LINE)
        if not line:
            raise StopIteration
        if len(line) >= _LONGEST_LINE:
            raise UnreadableFile(
                f"a line has more than {_LONGEST_LINE} characters; this is no table",
                sentence_zh="文件不是表格：有一行过长，请重新导出",
            )
        self.record.append(line)
        return line


def _bad_offset(stream: BinaryIO, start: int, encoding: str) -> int:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    stream.seek(start)
    position = 0
    while True:
        block = stream.read(_BLOCK_BYTES)
        pending = len(decoder.getstate()[0])
        try:
            decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            return position - pending + error.start
        except UnicodeError:
            return position
        if not block:
            return position
        position += len(block)


def _refuse(name: str, name_zh: str) -> NoReturn:
    raise UnreadableFile(
        f"this is {name}, which is not read: {_EXPORT_TEXT_EN}",
        sentence_zh=f"这是{name_zh}，不能读取；{_EXPORT_TEXT_ZH}",
    )
