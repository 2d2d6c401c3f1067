"""Containers, encodings, delimiters, quotation marks."""

from __future__ import annotations

import io
import zipfile

import pytest
from export_files import (
    TAOBAO_NUMBER,
    codes,
    douyin_file,
    douyin_row,
    only_order,
    orders,
    read,
    taobao_file,
    taobao_row,
)

from crossloyalty.errors import UnreadableFile


def _zip() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("a.csv", "x")
    return content.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b" \r\n",
        _zip(),
        b"PK\x05\x06" + bytes(18),
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
        b"<html><table><tr><td>x</td></tr></table></html>",
        b"\xef\xbb\xbf  <TABLE>",
        b"%PDF-1.7",
        b"\x1f\x8b\x08rest",
    ],
)
def test_what_is_no_text_is_refused_with_a_sentence_in_both_languages(content: bytes) -> None:
    """The first bytes decide, never the extension, and the merchant is told what to do."""
    with pytest.raises(UnreadableFile) as caught:
        read(content, file_name="ExportOrderList202611200930.csv")
    assert str(caught.value).isascii()
    assert caught.value.sentence_zh


def test_gbk_utf8_bom_and_utf16_give_the_same_order() -> None:
    """One file in four encodings is one order."""
    text = taobao_file(taobao_row()).decode("gbk")
    found = {name: read(text.encode(name)) for name in ("gbk", "gb18030", "utf-8", "utf-8-sig", "utf-16")}
    assert len({str(values) for values, _ in found.values()}) == 1
    assert [report.encoding for _, report in found.values()] == [
        "gb18030",
        "gb18030",
        "utf-8-sig",
        "utf-8-sig",
        "utf-16",
    ]


def test_the_whole_file_decides_about_the_encoding() -> None:
    """A GBK file whose header happens to be valid UTF-8 for long is still read as GBK."""
    head = b"a," * 20_000
    rows = taobao_file(taobao_row(), columns=["x" * 9, *taobao_row()])
    values, report = read(head + b"\r\n" + rows)
    assert (len(values), report.encoding, report.header_row) == (1, "gb18030", 2)


def test_a_damaged_byte_is_named_by_its_offset() -> None:
    """A byte that fits no encoding refuses the whole file, and says where it stands."""
    content = taobao_file(*[taobao_row(f"38161234567890{n:05}") for n in range(1, 3000)])
    place = content.rindex(b"\r\n", 0, -2)
    with pytest.raises(UnreadableFile) as caught:
        read(content[:place] + b"\xff\xff" + content[place:])
    assert caught.value.byte_offset == place
    assert str(place) in caught.value.sentence_zh


def test_no_byte_is_ever_dropped() -> None:
    """A file cut inside a character is refused instead of losing it."""
    content = "订单编号,买家应付货款,买家实际支付金额,订单状态\r\n".encode("gbk") + b"1,1,1,\xbd"
    with pytest.raises(UnreadableFile) as caught:
        read(content)
    assert caught.value.byte_offset == len(content) - 1


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_each_delimiter_is_found(delimiter: str) -> None:
    """A `.csv` may be separated by tabs or semicolons."""
    columns = ["订单编号", "买家应付货款", "买家实际支付金额", "订单状态"]
    text = f"{delimiter.join(columns)}\n{delimiter.join([TAOBAO_NUMBER, '9.00', '9.00', '交易成功'])}\n"
    assert only_order(text.encode()).paid_fen == 900
    assert read(text.encode())[1].delimiter == delimiter


def test_an_endless_quotation_mark_costs_its_own_row_only() -> None:
    """The row with the open mark is a defect; the rows behind it are read."""
    good = [taobao_row(f"38161234567890150{n}") for n in range(10, 20)]
    lines = taobao_file(*good).split(b"\r\n")
    lines.insert(4, b'="3816123456789015099","never closed,1,2')
    values, report = read(b"\r\n".join(lines))
    assert len(values) == 10
    assert [(d.code.value, d.row) for d in report.defects] == [("QUOTE_UNCLOSED", 5)]


def test_an_endless_quotation_mark_in_a_long_file_costs_its_own_row_only() -> None:
    """The same holds when the swallowed text is longer than the csv module's limit."""
    good = [taobao_row(f"381612345678{n:07}") for n in range(1, 1500)]
    lines = taobao_file(*good).split(b"\r\n")
    lines.insert(3, b'"never closed')
    values, report = read(b"\r\n".join(lines))
    assert len(values) == len(good)
    assert codes(report) == ["QUOTE_UNCLOSED"]


def test_a_line_break_inside_a_cell_is_one_row() -> None:
    """A remark over two lines does not shift the rows behind it, and rows count as a spreadsheet shows them."""
    first = taobao_row("3816123456789015021", 买家留言="line one\nline two, with comma")
    bad = taobao_row("3816123456789015022", 订单状态="?")
    values, report = read(taobao_file(first, bad))
    assert len(values) == 1
    assert report.defects[0].row == 3


def test_a_line_without_end_is_refused() -> None:
    """A megabyte without a line break is no table, and is not held in memory."""
    with pytest.raises(UnreadableFile):
        read(b"x" * (3 << 20))


def test_a_truncated_last_row_is_a_defect() -> None:
    """A file cut inside its last row gives every row before it."""
    content = taobao_file(taobao_row("3816123456789015021"), taobao_row("3816123456789015022"))
    values, report = read(content[:-60])
    assert len(values) == 1
    assert codes(report) == ["ROW_SHIFTED"]


def test_an_extra_cell_is_a_defect_and_extra_blanks_are_not() -> None:
    """A comma too many may have shifted the columns; trailing empty cells shift nothing."""
    lines = taobao_file(taobao_row("3816123456789015021"), taobao_row("3816123456789015022")).split(b"\r\n")
    values, report = read(b"\r\n".join([lines[0], lines[1] + b",,\t", lines[2] + b",x", b""]))
    assert len(values) == 1
    assert codes(report) == ["ROW_SHIFTED"]


def test_nul_and_lone_surrogates_do_not_get_through() -> None:
    """A NUL in an id is a defect of its row."""
    values, report = read(
        douyin_file(douyin_row(), douyin_row("6953489890610190243", 子订单编号="6953489890610190\x0043"))
    )
    assert len(values) == 1
    assert codes(report) == ["ID_INVALID"]


def test_old_mac_line_ends_are_line_ends() -> None:
    """Rows may end in CR, LF or both."""
    content = taobao_file(taobao_row("3816123456789015021"), taobao_row("3816123456789015022"))
    assert orders(content) == orders(content.replace(b"\r\n", b"\n")) == orders(content.replace(b"\r\n", b"\r"))


def test_a_quotation_mark_open_at_the_end_of_the_file_is_a_defect() -> None:
    """The last cell of a cut file is not taken for whole, even when the number of cells is right."""
    columns = ["订单编号", "买家应付货款", "订单状态", "买家实际支付金额"]
    first = f"{TAOBAO_NUMBER},120.00,交易成功,120.00\n"
    values, report = read((",".join(columns) + "\n" + first + '3816123456789015020,120.00,交易成功,"12').encode("gbk"))
    assert (len(values), codes(report)) == (1, ["QUOTE_UNCLOSED"])
