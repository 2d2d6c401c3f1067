"""Workbooks and archives: what is read of them, and what is refused with which words."""

from __future__ import annotations

import builtins
import contextlib
import io
import zipfile
from datetime import date, datetime, time
from typing import Any

import openpyxl
import pytest
from export_files import codes, douyin_file, douyin_row, read, taobao_file, taobao_row
from platform_files import KINDS, KUAISHOU_ROW, table, text_file, with_member, without, xlsx, zipped

from crossloyalty.adapters.exports import ExportProgress
from crossloyalty.domain.orders import Order
from crossloyalty.errors import ConfigError, UnreadableFile

KUAISHOU = "kuaishou-orders"


def _sheet(**cells: Any) -> list[list[Any]]:
    """One Kuaishou row with cells of any type."""
    names, row = table(KUAISHOU, {})
    return [names, [cells.get(name, cell) for name, cell in zip(names, row, strict=True)]]


def _refused(content: bytes) -> UnreadableFile:
    with pytest.raises(UnreadableFile) as caught:
        read(content)
    assert caught.value.sentence_zh
    return caught.value


@pytest.mark.parametrize("layout", sorted(KINDS))
def test_a_workbook_gives_what_the_text_gives(layout: str) -> None:
    """The same rows as text, in a workbook behind another sheet, and in a zip archive are the same orders."""
    values, report = read(text_file(layout, {}))
    assert values
    assert report.layout == layout
    book = xlsx(("说明", [["请勿修改"]]), ("订单信息", table(layout, {})))
    again, of_book = read(book)
    assert again == values
    assert (of_book.encoding, of_book.sheet, of_book.rows) == ("xlsx", "订单信息", 1)
    assert read(zipped(("导出/orders.xlsx", book)))[0] == values
    assert read(zipped(("__MACOSX/._orders.csv", b"x"), ("orders.csv", text_file(layout, {}))))[0] == values


@pytest.mark.parametrize("number", [2433100012345678, 2.433100012345678e15, 10**15, 1e300])
def test_a_number_of_more_than_fifteen_digits_is_a_defect(number: float) -> None:
    """A double keeps 15 digits, whatever the cell shows; the order is never guessed."""
    values, report = read(xlsx(("s", _sheet(订单号=number))))
    assert (values, codes(report)) == ([], ["ID_MANGLED"])
    assert "文件被表格软件另存过" in report.defects[0].sentence("zh")


@pytest.mark.parametrize(
    ("cell", "number"),
    [(243310001234567, "243310001234567"), (243310001234567.0, "243310001234567"), (10**15 - 1, "9" * 15)],
)
def test_a_number_of_fifteen_digits_is_an_id(cell: float, number: str) -> None:
    """Up to there a double is exact."""
    assert [value.order_no for value in read(xlsx(("s", _sheet(订单号=cell))))[0]] == [number]


@pytest.mark.parametrize(
    ("cell", "fen"), [(1194.5, 119_450), (1_194, 119_400), (1194.1 + 0.2 + 0.2, 119_450), ("¥1,194.50", 119_450)]
)
def test_money_in_number_cells_is_what_the_sheet_shows(cell: Any, fen: int) -> None:
    """The noise of a sum of doubles lies behind the 15 digits a spreadsheet shows."""
    (found,) = read(xlsx(("s", _sheet(实付款=cell))))[0]
    assert isinstance(found, Order)
    assert found.paid_fen == fen


@pytest.mark.parametrize("cell", [12.345, 1e-7, True, time(1, 2), 1e300])
def test_cells_that_are_no_money_are_defects(cell: Any) -> None:
    """A fraction of a fen, a truth value or a time is no amount."""
    assert codes(read(xlsx(("s", _sheet(实付款=cell))))[1]) == ["MONEY_INVALID"]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (datetime(2026, 10, 1, 10, 0, 40), "2026-10-01T02:00:40+00:00"),  # noqa: DTZ001 - as the sheet has it
        (datetime(2026, 10, 1, 10, 0, 39, 999_700), "2026-10-01T02:00:40+00:00"),  # noqa: DTZ001
        (date(2026, 10, 1), "2026-09-30T16:00:00+00:00"),
        ("2026/10/1 10:00", "2026-10-01T02:00:00+00:00"),
    ],
)
def test_dates_in_cells_are_beijing_time(cell: Any, text: str) -> None:
    """A date cell is wall-clock time to the second."""
    (found,) = read(xlsx(("s", _sheet(订单支付时间=cell))))[0]
    assert isinstance(found, Order)
    assert found.paid_at is not None
    assert found.paid_at.isoformat() == text


def test_a_serial_number_is_no_time() -> None:
    """A date that has lost its format is a defect."""
    assert codes(read(xlsx(("s", _sheet(订单支付时间=46296.4172))))[1]) == ["TIME_INVALID"]


def test_rows_that_end_early_are_not_shifted() -> None:
    """A sheet has no cells behind the last filled one; text in front of the header and blank rows do no harm."""
    names = [*KINDS[KUAISHOU].columns, "尾列"]
    rows = [["标题"], [], names, [KUAISHOU_ROW.get(name) for name in names], [], [], ["总计", None, 1]]
    values, report = read(xlsx(("s", rows)))
    assert (len(values), report.header_row, report.defects) == (1, 3, [])
    assert (report.rows, report.dropped_totals) == (2, 1)


def test_row_numbers_are_those_of_the_sheet() -> None:
    """Blank rows are counted where a person would count them."""
    names, row = table(KUAISHOU, {})
    bad = ["?" if name == "实付款" else cell for name, cell in zip(names, row, strict=True)]
    report = read(xlsx(("s", [names, [], [], bad])))[1]
    assert [(d.row, d.column) for d in report.defects] == [(4, "实付款")]


def test_two_sheets_of_orders_are_never_guessed() -> None:
    """The merchant is asked to keep one."""
    assert "多个工作表" in _refused(xlsx(("a", table(KUAISHOU, {})), ("b", table(KUAISHOU, {})))).sentence_zh


def test_a_workbook_without_a_header_is_refused() -> None:
    """No sheet has the columns of an export."""
    assert "表头" in _refused(xlsx(("a", [["姓名", "电话"]]), ("b", []))).sentence_zh


def test_the_size_a_sheet_declares_is_never_believed() -> None:
    """Neither a sheet that says it is one cell, nor one that says it is full, is read so."""
    values = read(text_file(KUAISHOU, {}))[0]
    book = xlsx(("s", table(KUAISHOU, {})))
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml")
    size = sheet[sheet.index(b"<dimension") : sheet.index(b"/>", sheet.index(b"<dimension")) + 2]
    for ref in (b"A1", b"A1:XFD1048576"):
        lying = sheet.replace(size, b'<dimension ref="' + ref + b'"/>')
        assert read(with_member(book, "xl/worksheets/sheet1.xml", lying))[0] == values


def test_one_far_cell_costs_nothing_and_hides_nothing() -> None:
    """A sheet whose only cell is XFD1048576, alone or behind an order, is too wide to be true."""

    def far(book: Any) -> None:
        book.worksheets[0]["XFD1048576"] = "x"

    assert "过大" in _refused(xlsx(("s", []), change=far)).sentence_zh
    assert "过大" in _refused(xlsx(("s", table(KUAISHOU, {})), change=far)).sentence_zh


def test_a_row_number_beyond_the_end_of_a_sheet_is_refused() -> None:
    """A forged row number does not make the reader count for years."""
    book = xlsx(("s", table(KUAISHOU, {})))
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").replace(b'<row r="2"', b'<row r="99999999999"')
    _refused(with_member(book, "xl/worksheets/sheet1.xml", sheet))


@pytest.mark.parametrize("part", ["xl/sharedStrings.xml", "xl/styles.xml", "xl/worksheets/sheet1.xml"])
def test_a_bomb_is_refused_before_it_is_unpacked(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a part unpacks to is looked at first: 3 MB of blanks weigh 3 kB."""
    for bound in ("_MOST_TEXTS_BYTES", "_MOST_OTHER_BYTES", "_MOST_UNPACKED_BYTES"):
        monkeypatch.setattr(f"crossloyalty.adapters.exports.workbook.{bound}", 1 << 20)
    book = with_member(xlsx(("s", table(KUAISHOU, {}))), part, b" " * (3 << 20))
    assert len(book) < 20_000
    assert "过大" in _refused(book).sentence_zh


def test_entities_are_refused() -> None:
    """A document type is in no workbook a platform writes; in any of its encodings."""
    book = xlsx(("s", table(KUAISHOU, {})))
    laughs = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>'
    for text in (laughs.encode(), laughs.encode("utf-16")):
        assert "损坏" in _refused(with_member(book, "xl/worksheets/sheet1.xml", text)).sentence_zh


@pytest.mark.parametrize(
    "name", ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml", "xl/_rels/workbook.xml.rels"]
)
def test_a_workbook_with_a_part_missing_or_broken_is_damaged(name: str) -> None:
    """Whatever the parsers beneath say becomes one sentence, or the part was not needed."""
    book = xlsx(("s", table(KUAISHOU, {})))
    for broken in (without(book, name), with_member(book, name, b"<broken")):
        with contextlib.suppress(UnreadableFile):
            assert len(read(broken)[0]) <= 1


def test_cut_off_archives_are_damaged() -> None:
    """A download that broke off says so."""
    for content in (xlsx(("s", table(KUAISHOU, {}))), zipped(("a.csv", text_file(KUAISHOU, {})))):
        for end in (10, len(content) // 2, len(content) - 10):
            assert "损坏" in _refused(content[:end]).sentence_zh


def test_a_flipped_byte_in_an_archive_is_found() -> None:
    """The checksum of what was packed is looked at."""
    content = bytearray(zipped(("a.csv", text_file(KUAISHOU, *[{"订单号": f"24331000{n:08}"} for n in range(50)]))))
    content[len(content) // 2] ^= 0xFF
    assert "损坏" in _refused(bytes(content)).sentence_zh


def test_an_archive_with_a_password_says_so() -> None:
    """Bit 0 of the flags marks a member that is encrypted."""
    content = bytearray(zipped(("a.csv", text_file(KUAISHOU, {}))))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    assert "密码" in _refused(bytes(content)).sentence_zh


@pytest.mark.parametrize(
    ("members", "word"),
    [
        ([], "压缩包"),
        ([("读我.md", b"x")], "没有表格文件"),
        ([("a.csv", b"x"), ("b.csv", b"y")], "多个表格文件"),
        ([("a.xlsx", zipped(("b.csv", b"x")))], "压缩包"),
        ([("a.csv", b"")], "空"),
    ],
)
def test_archives_without_one_table_are_refused(members: list[tuple[str, bytes]], word: str) -> None:
    """Which of several files is meant is never guessed, and archives are not opened inside archives."""
    assert word in _refused(zipped(*members)).sentence_zh


def test_an_archive_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A zip bomb is told by its directory."""
    monkeypatch.setattr("crossloyalty.adapters.exports.archive._MOST_BYTES", 1 << 20)
    content = zipped(("a.csv", b" " * (2 << 20)))
    assert len(content) < 5_000
    assert "过大" in _refused(content).sentence_zh


def test_the_name_inside_an_archive_tells_the_moment() -> None:
    """The file's own name counts before that of the archive."""
    inside = zipped(("ExportOrderList202611200930.csv", taobao_file(taobao_row())))
    assert str(read(inside, file_name="ExportOrderList202601010000.zip")[1].exported_at) == "2026-11-20 01:30:00+00:00"
    outside = zipped(("orders.csv", douyin_file(douyin_row())))
    assert str(read(outside, file_name="1795138200_a.zip")[1].exported_at) == "2026-11-20 01:30:00+00:00"


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"<html><body><table><tr><td>a</td></tr></table></body></html>", "网页表格"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "加密"),
    ],
)
def test_what_only_calls_itself_a_workbook_is_refused(content: bytes, word: str) -> None:
    """An HTML table named .xls, an old workbook and one with a password are told apart from damaged files."""
    assert word in _refused(content).sentence_zh


def test_without_openpyxl_the_set_up_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra to install is named."""
    really = builtins.__import__

    def no_openpyxl(name: str, *others: Any) -> Any:
        if name.startswith("openpyxl"):
            raise ImportError(name)
        return really(name, *others)

    book = xlsx(("s", table(KUAISHOU, {})))
    monkeypatch.setattr(builtins, "__import__", no_openpyxl)
    with pytest.raises(ConfigError, match="excel"):
        read(book)


def test_a_workbook_in_the_middle_of_a_file_is_read() -> None:
    """An open file is read from where it stands, and stays open."""
    from crossloyalty.adapters.exports import read_export

    stream = io.BytesIO(b"prefix" + xlsx(("s", table(KUAISHOU, {}))))
    stream.seek(6)
    with read_export(stream, shop_id="s") as reader:
        assert len(list(reader)) == len(list(reader)) == 1
    assert not stream.closed


def test_progress_is_told_while_a_workbook_is_opened() -> None:
    """Rows of a sheet are counted before anybody knows how many there are."""
    rows = table(KUAISHOU, *[{"订单号": f"24331000{n:08}"} for n in range(1, 1500)])
    told: list[ExportProgress] = []
    assert len(read(xlsx(("s", rows)), progress=told.append)[0]) == 1499
    assert told[0] == ExportProgress(1000, None)
    assert told[-1] == ExportProgress(1500, 1500)


def test_decoration_that_openpyxl_warns_about_is_passed_over() -> None:
    """A style sheet without a default style is no reason to complain; warnings are errors in these tests."""
    book = xlsx(("s", table(KUAISHOU, {})))
    bare = b'<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"/>'
    assert len(read(with_member(book, "xl/styles.xml", bare))[0]) == 1
    assert openpyxl.__version__
