"""Rows set aside, written back, corrected and imported again."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from export_files import DOUYIN_NUMBER, codes, douyin_file, douyin_row, orders, read, taobao_file, taobao_row
from hypothesis import given
from hypothesis import strategies as st
from platform_files import KINDS, text_file

from crossloyalty.adapters.exports import read_export
from crossloyalty.adapters.exports.cells import bare
from crossloyalty.adapters.exports.headers import matching
from crossloyalty.adapters.exports.mending import NOTE_COLUMNS, neutral
from crossloyalty.adapters.exports.reader import LAYOUTS
from crossloyalty.errors import InvalidInput

SUBS = ("6953489890610190251", "6953489890610190252", "6953489890610190253")


def _defects(content: bytes, form: Any = "csv") -> bytes:
    out = io.BytesIO()
    with read_export(io.BytesIO(content), shop_id="shop-1") as reader:
        reader.write_defects(out, form=form)
    return out.getvalue()


def _table(content: bytes, form: str) -> list[list[str]]:
    if form == "csv":
        return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    sheet = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
    return [["" if cell is None else str(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]


def _corrected(content: bytes, form: str, **cells: str) -> bytes:
    """Do what a person does: correct cells in every row that has a problem, and save in the same form."""
    header, *rows = _table(content, form)
    for row in rows:
        if row[header.index("问题说明")]:
            for name, cell in cells.items():
                row[header.index(name)] = cell
    if form == "csv":
        text = io.StringIO()
        csv.writer(text).writerows([header, *rows])
        return text.getvalue().encode("utf-8-sig")
    book = openpyxl.Workbook()
    for row in [header, *rows]:
        book.worksheets[0].append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_corrected_row_imports_through_the_same_reader(form: str) -> None:
    """The bad order alone is in the file, with what is wrong; corrected, it is the order it would have been."""
    good, bad = taobao_row("3816123456789015020"), taobao_row(订单付款时间="昨天")
    written = _defects(taobao_file(good, bad), form)
    header, row = _table(written, form)
    told = dict(zip(header, row, strict=True))
    assert told["订单编号"].strip("'") == "3816123456789015019"
    assert (told["原文件行号"], told["问题列"], told["问题值"]) == ("3", "订单付款时间", "昨*")
    assert "时间无法识别" in told["问题说明"]
    assert "this is not a time" in told["Problem"]
    again = read(written)[1]
    assert (again.orders, codes(again)) == (0, ["TIME_INVALID"])
    mended = _corrected(written, form, 订单付款时间="2026-10-01 10:00:47")
    assert orders(mended) == orders(taobao_file(taobao_row()))


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_all_rows_of_an_order_come_along(form: str) -> None:
    """One bad row of three sets the order aside; the file holds all three, so the corrected one gives it whole."""
    rows = [douyin_row(line=SUBS[0]), douyin_row(line=SUBS[1], 运费="很多"), douyin_row(line=SUBS[2])]
    written = _defects(douyin_file(*rows, douyin_row("6953489890610190299")), form)
    assert len(_table(written, form)) == 4
    (found,) = orders(_corrected(written, form, 运费="0.00"))
    assert [line.line_id for line in found.lines or ()] == list(SUBS)


def test_the_neighbours_of_a_row_without_a_number_come_along() -> None:
    """A lost number may be the order's above or below: corrected, that order is whole again."""
    rows = [
        douyin_row(line=SUBS[0]),
        douyin_row(line=SUBS[1], 主订单编号="6.95349E+18"),
        douyin_row("6953489890610190299"),
        douyin_row("6953489890610190300"),
    ]
    written = _defects(douyin_file(*rows))
    header, *written_rows = _table(written, "csv")
    numbers = [row[header.index("主订单编号")].strip("'") for row in written_rows]
    assert numbers == [DOUYIN_NUMBER, "?", "6953489890610190299"]
    found = {order.order_no: order for order in orders(_corrected(written, "csv", 主订单编号=DOUYIN_NUMBER))}
    assert [line.line_id for line in found[DOUYIN_NUMBER].lines or ()] == list(SUBS[:2])


@pytest.mark.parametrize("form", ["csv", "xlsx"])
@pytest.mark.parametrize("lost", ["3816123456789010000", "3.81612E+18"])
def test_a_lost_number_is_never_made_whole_by_our_own_apostrophe(form: str, lost: str) -> None:
    """Where digits are gone a question mark stands: imported as it is, the file gives the defect again and no order."""
    written = _defects(taobao_file(taobao_row(订单编号=lost)), form)
    values, report = read(written)
    assert (values, codes(report)) == ([], ["ID_INVALID"])
    assert len(orders(_corrected(written, form, 订单编号="3816123456789015019"))) == 1


def test_a_suspect_number_of_a_resaved_file_stays_suspect() -> None:
    """In a file a spreadsheet has saved, a number a double holds exactly is lost, also behind our apostrophe."""
    content = taobao_file(taobao_row(订单编号="5119111586217093120", 订单付款时间="2026/10/1 10:00"))
    assert codes(read(content)[1]) == ["ID_MANGLED"]
    assert codes(read(_defects(content))[1]) == ["ID_INVALID"]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_persons_are_never_in_it(form: str) -> None:
    """Names, phones, addresses and remarks stay in the merchant's own file, of good rows and bad."""
    secret = {
        "买家会员名": "canary-nick",
        "收货人姓名": "canary-name",
        "收货地址": "canary-street",
        "联系手机": "'13800001111",
        "买家留言": "canary-note",
        "订单备注": "canary-memo",
    }
    written = _defects(taobao_file(taobao_row(订单状态="?", **secret)), form)
    text = f"{_table(written, form)}"
    assert "3816123456789015019" in text
    assert "canary" not in text
    assert "13800001111" not in text


def test_a_shifted_row_tells_its_place_and_nothing_else() -> None:
    """When columns have slipped, a phone may stand anywhere."""
    filled = {"含应开票给个人的个人红包": "0.00"}
    lines = taobao_file(taobao_row(**filled), taobao_row("3816123456789015020")).split(b"\r\n")
    lines[1] = b"13800001111," + lines[1]
    header, row = _table(_defects(b"\r\n".join(lines)), "csv")
    assert row[: -len(NOTE_COLUMNS)] == [""] * (len(header) - len(NOTE_COLUMNS))
    assert row[-5] == "2"
    assert "13800001111" not in f"{row}"


def test_a_remark_keeps_only_what_is_read_of_it() -> None:
    """JD's remark names the children of a split order and, as here, a person."""
    note = "李小姐13800001111 订单拆分为 100234567891 100234567892 请速发"
    written = _defects(text_file("jd-orders", {"应付金额": "?", "订单状态": "(删除)完成", "商家备注": note}))
    assert "13800001111" not in written.decode()
    assert "李小姐" not in written.decode()


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+86", "'+86"),
        ("-", "'-"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("12345678901", "12345678901"),
        ("123456789012", "'123456789012"),
        ("168.99", "168.99"),
        ("", ""),
        ("待发货", "待发货"),
    ],
)
def test_cells_are_neutral(cell: str, written: str) -> None:
    """Nothing starts a formula, and a number of 12 digits or more is text."""
    assert neutral(cell) == written


@given(st.text(max_size=30))
def test_readers_take_the_apostrophe_off_again(text: str) -> None:
    """What stands in a neutral cell is read as what stood in the cell before."""
    assert bare(neutral(bare(text))) in (bare(text), bare(bare(text)))


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_formulas_in_cells_are_text(form: str) -> None:
    """A state that is a formula comes out behind an apostrophe, and no cell of the workbook is a formula."""
    written = _defects(taobao_file(taobao_row(订单状态="+cmd|' /C calc'!A0")), form)
    header, row = _table(written, form)
    assert row[header.index("订单状态")].startswith("'+cmd")
    assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for cell in row)
    if form == "xlsx":
        sheet = openpyxl.load_workbook(io.BytesIO(written)).worksheets[0]
        assert {(cell.data_type, cell.number_format) for cell in sheet[2] if cell.value} == {("s", "@")}


@pytest.mark.parametrize("layout", sorted(KINDS))
def test_the_file_written_back_is_known_as_what_it_was(layout: str) -> None:
    """Without the columns that are left out it is still that kind of file and no other."""
    key = {"jd-settlement": "订单编号", "taobao-items": "主订单编号"}.get(layout, "订单号")
    written = _defects(text_file(layout, {}, {key: "??"}))
    header, *rows = _table(written, "csv")
    found = matching(LAYOUTS, header)
    assert found is not None
    assert found.name == layout
    assert [row[-5] for row in rows][-1] == "3"
    assert "13800001111" not in f"{rows}"


def test_its_name_still_tells_the_moment(tmp_path: Path) -> None:
    """Corrected rows are as old as the export they come from."""
    path = tmp_path / "ExportOrderList202611200930.csv"
    path.write_bytes(taobao_file(taobao_row(订单状态="?")))
    with read_export(path, shop_id="s") as reader:
        exported_at = reader.report.exported_at
        name = reader.defects_name("xlsx")
        assert name == "ExportOrderList202611200930-defects.xlsx"
        assert reader.write_defects(tmp_path / name, form="xlsx") == 1
    with read_export(tmp_path / name, shop_id="s") as reader:
        assert reader.report.exported_at == exported_at
        assert list(reader) == []


def test_a_file_without_defects_gives_a_header() -> None:
    """Nothing to correct is nothing to show, and a form nobody knows is a wrong call."""
    assert len(_table(_defects(taobao_file(taobao_row())), "csv")) == 1
    with pytest.raises(InvalidInput):
        _defects(taobao_file(taobao_row()), "pdf")
