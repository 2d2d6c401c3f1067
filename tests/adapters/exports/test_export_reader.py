"""The public reader: recognition, reports, defects, sources, scattered rows."""

from __future__ import annotations

import io
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from export_files import (
    DOUYIN_NUMBER,
    TAOBAO_NUMBER,
    case_file,
    case_row,
    codes,
    douyin_file,
    douyin_row,
    maker,
    only_order,
    orders,
    read,
    taobao_file,
    taobao_row,
)
from platform_files import text_file

from crossloyalty.adapters.exports import DefectCode, ExportProgress, read_export
from crossloyalty.adapters.exports.headers import normal_name
from crossloyalty.domain.orders import Order
from crossloyalty.errors import InvalidInput, UnreadableFile, WrongType

NAMED = datetime(2026, 11, 20, 1, 30, tzinfo=UTC)
GIVEN = datetime(2026, 11, 21, tzinfo=UTC)


def test_names_are_compared_without_blanks_brackets_and_case() -> None:
    """Trailing and invisible blanks, full-width brackets, 帐 and 账, upper and lower case are one name."""
    assert normal_name("收货地址 ") == normal_name("\ufeff收货\u200b地址\u3000") == "收货地址"
    assert normal_name("应付金额（元）") == normal_name("应付金额(元） ")
    assert normal_name("下单帐号") == normal_name("下单账号")
    assert normal_name("商品ID") == normal_name("商品id")


def test_the_header_may_stand_below_a_title() -> None:
    """Rows above the header are skipped, and row numbers stay those of the file."""
    content = "店铺订单\r\n说明：仅供对账\r\n\r\n".encode("gbk") + taobao_file(taobao_row(), taobao_row("x"))
    values, report = read(content)
    assert (len(values), report.header_row, report.rows) == (1, 4, 2)
    assert report.defects[0].row == 6


def test_the_header_is_searched_in_twenty_rows_only() -> None:
    """A header in row 20 is found, one in row 21 is not."""
    content = taobao_file(taobao_row())
    assert read(b"x\r\n" * 19 + content)[1].header_row == 20
    with pytest.raises(UnreadableFile) as caught:
        read(b"x\r\n" * 20 + content)
    assert caught.value.byte_offset is None


def test_a_doubled_column_keeps_the_first_and_warns() -> None:
    """Of two columns of one name the first counts, and the report names it."""
    columns = [*maker.TAOBAO_COLUMNS, "买家实际支付金额 "]
    lines = taobao_file(taobao_row(), columns=columns).split(b"\r\n")
    lines[1] = lines[1].removesuffix(b"99.00") + b"1.00"
    values, report = read(b"\r\n".join(lines))
    assert isinstance(values[0], Order)
    assert (values[0].paid_fen, report.columns_doubled) == (9_900, ("买家实际支付金额",))


def test_the_report_lists_columns_used_ignored_and_missing() -> None:
    """Every column of the file is either used or ignored, and wanted ones that lack are named."""
    columns = [name for name in maker.DOUYIN_COLUMNS if name != "运费"]
    report = read(douyin_file(douyin_row(), columns=columns))[1]
    assert sorted(report.columns_used + report.columns_ignored) == sorted(columns)
    assert report.columns_missing == ("运费",)
    assert "收件人" in report.columns_ignored


def test_totals_remarks_and_blank_rows_are_dropped_and_counted() -> None:
    """A total never becomes an order and never a defect."""
    lines = taobao_file(
        taobao_row(),
        {"订单编号": "总计", "买家实际支付金额": "99.00"},
        {"买家会员名": "合计：", "买家实际支付金额": "99.00"},
        {"订单编号": "#导出时间：2026-11-20 09:30:00"},
        {"订单编号": "备注：仅供参考"},
        {"订单编号": "\t"},
    ).split(b"\r\n")
    lines[-1:] = [b"", b"\xd7\xdc\xbc\xc6,1", b""]  # a blank line, and a short total row
    values, report = read(b"\r\n".join(lines))
    assert (len(values), report.defects) == (1, [])
    assert (report.dropped_totals, report.dropped_blank, report.rows) == (5, 2, 8)
    assert report.paid_fen == 9_900


def test_a_total_with_a_figure_in_the_number_column_is_still_a_total() -> None:
    """The count of orders below the order numbers is no order number."""
    columns = ["买家会员名", *(name for name in maker.TAOBAO_COLUMNS if name != "买家会员名")]
    values, report = read(taobao_file(taobao_row(), {"买家会员名": "汇总", "订单编号": "260"}, columns=columns))
    assert (len(values), report.dropped_totals, report.defects) == (1, 1, [])


def test_a_row_without_a_number_is_a_defect() -> None:
    """Data without an order number is reported and never dropped in silence."""
    assert codes(read(taobao_file(taobao_row(订单编号="")))[1]) == ["ID_MISSING"]
    assert codes(read(taobao_file(taobao_row(订单编号="abc")))[1]) == ["ID_INVALID"]


@pytest.mark.parametrize("cell", ["3.81612E+18", "3.8E+18", "3816123456789010000", "3.81612345678902E+18"])
def test_mangled_numbers_are_rejected_with_the_cure(cell: str) -> None:
    """The merchant reads in both languages that a spreadsheet saved the file and what to upload instead."""
    values, report = read(taobao_file(taobao_row(订单编号=cell), taobao_row("3816123456789015020")))
    assert len(values) == 1
    (defect,) = report.defects
    assert (defect.code, defect.row, defect.column) == (DefectCode.ID_MANGLED, 2, "订单编号")
    assert "文件被表格软件另存过，订单号末位已丢失，请重新导出后直接上传" in defect.sentence("zh")
    assert "export it again" in defect.sentence("en")


def test_one_slashed_time_makes_every_unguarded_number_suspect() -> None:
    """A re-saved file is flagged as a whole: also rows above the first slashed time lose their benefit of the doubt."""
    lost = "5119111586217093120"
    rows = [taobao_row(订单编号=lost), taobao_row("3816123456789015020")]
    assert len(orders(taobao_file(*rows))) == 2
    slashed = taobao_row("3816123456789015021", 订单付款时间="2026/10/1 10:00")
    values, report = read(taobao_file(*rows, slashed))
    assert report.degraded
    assert [(d.code.value, d.row) for d in report.defects] == [("ID_MANGLED", 2)]
    assert isinstance(values[-1], Order)
    assert values[-1].paid_at == datetime(2026, 10, 1, 2, 0, tzinfo=UTC)


def test_short_numbers_are_judged_by_the_whole_file() -> None:
    """One number of 16 digits in ten ends in a zero: only a file in which most do has lost their last digit."""
    numbers = [f"24331000123456{n:02}" for n in range(10, 31)]
    assert len(orders(text_file("kuaishou-orders", *({"订单号": number} for number in numbers)))) == 21
    cut = [{"订单号": f"24331000123456{n}0"} for n in range(4)]
    whole = {"订单号": "2433100012345699"}
    values, report = read(text_file("kuaishou-orders", *cut, whole))
    assert (values, report.degraded) == ([], True)
    assert set(codes(report)) == {"ID_MANGLED"}
    for few in ([*cut[:3], whole], cut[:2]):  # too few to tell
        assert not read(text_file("kuaishou-orders", *few))[1].degraded


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ({"买家实际支付金额": "NaN%"}, "MONEY_INVALID"),
        ({"买家实际支付金额": "1e5"}, "MONEY_INVALID"),
        ({"退款金额": "12.345"}, "MONEY_INVALID"),
        ({"订单付款时间": "46180.57"}, "TIME_INVALID"),
    ],
)
def test_each_bad_cell_has_its_code(cells: dict[str, str], code: str) -> None:
    """A row with one unreadable cell is set aside under the code of that cell."""
    values, report = read(taobao_file(taobao_row(**cells), taobao_row("3816123456789015020")))
    assert len(values) == 1
    assert [(d.code.value, d.column) for d in report.defects] == [(code, next(iter(cells)))]


def test_every_code_has_both_sentences() -> None:
    """No defect leaves the merchant without words in either language."""
    report = read(taobao_file(taobao_row(订单状态="?")))[1]
    for code in DefectCode:
        defect = report.defects[0]._replace(code=code)
        assert defect.sentence("zh").startswith("第 2 行")
        assert defect.sentence("en").startswith("Row 2")


def test_scattered_rows_of_an_order_come_together() -> None:
    """Rows of one order that do not stand together give the order they would have given side by side."""
    first = [douyin_row(f"69534898906101{n:05}", line=f"69534898906102{n:05}") for n in range(1, 60)]
    second = [douyin_row(f"69534898906101{n:05}", line=f"69534898906103{n:05}") for n in range(1, 60, 2)]
    together = douyin_file(*sorted([*first, *second], key=lambda row: (row["主订单编号"], row["子订单编号"])))
    apart = orders(douyin_file(*first, *second))
    assert sorted(apart, key=lambda order: order.order_no) == orders(together)
    assert len(apart) == 59


def test_a_bad_row_far_away_still_sets_its_order_aside() -> None:
    """The last row of the file can spoil an order that began in the first."""
    rows = [douyin_row(f"69534898906101{n:05}") for n in range(1, 20)]
    bad = douyin_row("6953489890610100001", line="6953489890610200001", 运费="?")
    short = douyin_row("6953489890610100003", line="6953489890610200003")
    content = douyin_file(*rows, bad, short)
    values, report = read(content[: content.rindex(b",")] + b"\r\n")
    assert len(values) == 17
    assert [(d.code.value, d.key) for d in report.defects] == [
        ("MONEY_INVALID", "6953489890610100001"),
        ("ROW_SHIFTED", "6953489890610100003"),
    ]


def test_a_repeat_far_away_is_dropped() -> None:
    """An exact repeat at the end of the file counts once."""
    rows = [taobao_row(f"38161234567890{n:05}") for n in range(1, 20)]
    values, report = read(taobao_file(*rows, rows[3]))
    assert (len(values), report.dropped_doubled, report.orders) == (19, 1, 19)


def test_an_order_with_thousands_of_rows_is_a_defect() -> None:
    """Memory holds one order, so an order has at most 5,000 rows."""
    base = douyin_file(douyin_row(line="6953489890610200000")).split(b"\r\n")
    rows = [base[1].replace(b"6953489890610200000", b"69534898906102%05d" % n) for n in range(5_001)]
    assert len(orders(b"\r\n".join([base[0], *rows[1:]]))) == 1
    values, report = read(b"\r\n".join([base[0], *rows]))
    assert (values, codes(report)) == ([], ["TOO_MANY_LINES"])


def test_a_sum_no_order_can_have_is_a_defect() -> None:
    """Lines that add up past 2^53 fen set their order aside instead of raising."""
    huge = "90000000000000.00"
    rows = [douyin_row(line=f"695348989061020000{n}", 订单应付金额=huge) for n in range(2)]
    assert codes(read(douyin_file(*rows))[1]) == ["AMOUNTS_CONTRADICT"]


@pytest.mark.parametrize(
    ("name", "content", "moment"),
    [
        ("ExportOrderList202611200930.csv", taobao_file(taobao_row()), NAMED),
        ("ExportOrderList20261120093000 (1).csv", taobao_file(taobao_row()), NAMED),
        ("ExportOrderList209913450930.csv", taobao_file(taobao_row()), GIVEN),
        ("1795138200_douyin.csv", taobao_file(taobao_row()), GIVEN),
        ("1795138200_douyin_orders.csv", douyin_file(douyin_row()), NAMED),
        ("1795138200123.csv", douyin_file(douyin_row()), NAMED),
        ("orders.csv", douyin_file(douyin_row()), GIVEN),
    ],
)
def test_the_export_moment_is_taken_from_the_name_first(name: str, content: bytes, moment: datetime) -> None:
    """Each platform's names tell the moment in their own way; otherwise the caller's word counts."""
    found = only_order(content, file_name=name, exported_at=GIVEN)
    assert found.modified_at == moment


def test_without_any_moment_orders_have_no_version() -> None:
    """A moment nobody knows is not invented."""
    assert only_order(taobao_file(taobao_row())).modified_at is None


def test_a_path_tells_its_own_name(tmp_path: Path) -> None:
    """A file opened by its path, or an open file with a name, needs no `file_name`."""
    path = tmp_path / "ExportOrderList202611200930.csv"
    path.write_bytes(taobao_file(taobao_row()))
    with read_export(path, shop_id="s") as reader:
        assert reader.report.exported_at == NAMED
    with path.open("rb") as stream, read_export(stream, shop_id="s") as reader:
        assert reader.report.exported_at == NAMED
    with read_export(str(path), shop_id="s", file_name="x.csv") as reader:
        assert reader.report.exported_at is None


def test_an_open_file_is_read_from_where_it_stands_and_stays_open() -> None:
    """Bytes in front of the export are left alone, and the caller closes his own file."""
    stream = io.BytesIO(b"prefix" + taobao_file(taobao_row()))
    stream.seek(6)
    with read_export(stream, shop_id="s") as reader:
        assert len(list(reader)) == len(list(reader)) == 1
    assert not stream.closed


def test_a_pipe_is_read_too() -> None:
    """A stream that cannot be rewound is kept in a temporary file."""
    inlet, outlet = os.pipe()
    with open(outlet, "wb") as writer:
        writer.write(taobao_file(taobao_row()))
    with open(inlet, "rb") as stream, read_export(stream, shop_id="s") as reader:
        assert len(list(reader)) == 1


def test_a_reader_left_half_way_can_be_read_again() -> None:
    """Stopping after the first order harms neither the file nor the next pass."""
    content = taobao_file(*[taobao_row(f"38161234567890{n:05}") for n in range(1, 50)])
    with read_export(io.BytesIO(content), shop_id="s") as reader:
        for _ in reader:
            break
        assert not reader.report.complete
        assert len(list(reader)) == 49
        assert reader.report.complete


def test_a_file_that_changes_between_passes_is_refused(tmp_path: Path) -> None:
    """What the survey found has to hold for the rows."""
    path = tmp_path / "a.csv"
    path.write_bytes(taobao_file(taobao_row()))
    with read_export(path, shop_id="s") as reader:
        path.write_bytes(taobao_file(taobao_row(), taobao_row("3816123456789015020")))
        with pytest.raises(UnreadableFile):
            list(reader)
        path.write_bytes(douyin_file(douyin_row()))
        with pytest.raises(UnreadableFile):
            list(reader)


def test_a_dry_run_tells_what_reading_would_give() -> None:
    """The dry run's report is the one of the pass that follows."""
    content = taobao_file(taobao_row(), taobao_row("3816123456789015020", 订单状态="?"), {"订单编号": "总计"})
    with read_export(io.BytesIO(content), shop_id="s") as reader:
        planned = reader.dry_run()
        values = list(reader)
        assert reader.report == planned
    assert (planned.rows, planned.orders, planned.paid_fen) == (3, len(values), 9_900)
    assert planned.earliest == planned.latest == datetime(2026, 10, 1, 2, 0, tzinfo=UTC)


def test_the_report_adds_up_orders_and_refunds() -> None:
    """Sums cover what was given out: paid over orders, and refunded over successful cases."""
    report = read(taobao_file(taobao_row(refunded=1_000), taobao_row("3816123456789015020")))[1]
    assert (report.orders, report.paid_fen, report.refunded_fen) == (2, 19_800, 1_000)
    rows = (case_row(), case_row(售后单号="141800000000001009", 售后状态="售后中"))
    report = read(case_file(*rows))[1]
    assert (report.orders, report.refunds, report.refunded_fen) == (0, 2, 3_500)


def test_progress_is_told_by_rows() -> None:
    """Rows done never go back, and the last call tells the end."""
    content = taobao_file(*[taobao_row(f"38161234567{n:08}") for n in range(1, 2500)])
    told: list[ExportProgress] = []
    assert len(orders(content, progress=told.append)) == 2499
    assert told == [ExportProgress(1000, 2500), ExportProgress(2000, 2500), ExportProgress(2500, 2500)]


def test_defects_are_all_counted_and_only_some_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file full of bad rows cannot fill the memory."""
    monkeypatch.setattr("crossloyalty.adapters.exports.report.MOST_DEFECTS_KEPT", 5)
    report = read(taobao_file(*[taobao_row(订单编号="3.8E+18")] * 9))[1]
    assert (len(report.defects), report.defect_counts[DefectCode.ID_MANGLED]) == (5, 9)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"platform": "pinduoduo"}, InvalidInput),
        ({"platform": "Taobao"}, InvalidInput),
        ({"platform": "douyin"}, UnreadableFile),
        ({"exported_at": datetime(2026, 1, 1)}, WrongType),  # noqa: DTZ001 - that is the point
    ],
)
def test_a_wrong_call_is_told(options: dict[str, Any], error: type[Exception]) -> None:
    """An unknown platform, another platform's file and a naive time are refused at once."""
    with pytest.raises(error):
        read(taobao_file(taobao_row()), **options)


@pytest.mark.parametrize("file", [io.StringIO("订单编号"), 42, None])
def test_what_is_no_binary_file_is_a_wrong_type(file: Any) -> None:
    """A text file has lost its bytes, and a number is no file."""
    with pytest.raises(WrongType):
        read_export(file, shop_id="s")


def test_a_missing_file_is_unreadable(tmp_path: Path) -> None:
    """A path that is not there, or a folder, is an error of our tree."""
    for path in (tmp_path / "no.csv", tmp_path):
        with pytest.raises(UnreadableFile):
            read_export(path, shop_id="s")


def test_a_shop_is_needed() -> None:
    """The shop is never guessed from the content."""
    with pytest.raises(InvalidInput):
        read_export(io.BytesIO(taobao_file(taobao_row())), shop_id="")


def test_numbers_stay_text() -> None:
    """Order numbers and line ids come out as the digits of the file."""
    assert only_order(taobao_file(taobao_row())).order_no == TAOBAO_NUMBER
    assert only_order(douyin_file(douyin_row())).order_no == DOUYIN_NUMBER
