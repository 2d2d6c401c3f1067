"""Tables of a host's own, read by a column mapping."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from export_files import codes
from hypothesis import given
from hypothesis import strategies as st
from platform_files import xlsx

from crossloyalty import Loyalty, Program, rules
from crossloyalty.adapters.exports import ColumnMapping, ExportReport, read_mapped
from crossloyalty.adapters.exports.mapping import FIELDS
from crossloyalty.domain.orders import Line, Order, OrderKind, OrderStatus, SourceKind
from crossloyalty.errors import InvalidInput, UnreadableFile, WrongType
from crossloyalty.storage.memory import MemoryStorage

POS = {"platform": "pos", "columns": {"order_no": "小票号", "paid": ["实收", "实付"]}, "status": "FINISHED"}
LINES = {
    "platform": "pos",
    "columns": {
        "order_no": "单号",
        "product_id": "货号",
        "category": "类别",
        "quantity": "数量",
        "gift": "赠品",
        "line_paid": "金额",
        "paid": "合计",
        "shipping": "运费",
        "status": "状态",
        "kind": "类型",
        "paid_at": "时间",
        "shop_id": "门店",
        "buyer_id": "卡号",
    },
    "unit": "fen",
    "date_formats": ["%d.%m.%Y %H:%M"],
    "statuses": {"完成": "FINISHED", "挂单": "UNPAID", "作废": "CLOSED"},
    "kinds": {"销售": "NORMAL", "团购": "GROUP"},
}
HEADER = "单号,货号,类别,数量,赠品,金额,合计,运费,状态,类型,时间,门店,卡号\n"


def _read(document: dict[str, Any], text: str | bytes, **options: Any) -> tuple[list[Order], ExportReport]:
    content = text.encode() if isinstance(text, str) else text
    options = {"shop_id": "store-1"} | options
    with read_mapped(io.BytesIO(content), ColumnMapping.from_document(document), **options) as reader:
        values = list(reader)
        assert all(isinstance(value, Order) for value in values)
        return [value for value in values if isinstance(value, Order)], reader.report


def test_a_tills_sale_is_a_finished_order() -> None:
    """The order number and the amount are enough; every row of a till is finished."""
    values, report = _read(POS, "小票号,实付,店员\nA0001,¥12.50,李小姐\n")
    assert values == [
        Order(
            platform="pos",
            order_no="A0001",
            shop_id="store-1",
            status=OrderStatus.FINISHED,
            paid_fen=1_250,
            source=SourceKind.EXPORT,
        )
    ]
    assert (report.layout, report.columns_ignored) == ("mapped", ("店员",))


def test_rows_become_lines_with_everything_said_of_them() -> None:
    """Amounts in fen, dates in the till's own form, the store and the card of the buyer from their columns."""
    text = (
        HEADER + "A0001,100,杯子,1,否,1000,1500,200,完成,销售,01.10.2026 10:00,s-7,card-1\n"
        "A0001,101,贺卡,2,,300,1500,200,完成,销售,01.10.2026 10:00,s-7,card-1\n"
        "A0001,102,袋子,1,是,0,1500,200,完成,销售,01.10.2026 10:00,s-7,card-1\n"
    )
    (order,), report = _read(LINES, text, shop_id=None, exported_at=datetime(2026, 10, 2, tzinfo=UTC))
    assert report.defects == []
    assert order == Order(
        platform="pos",
        order_no="A0001",
        shop_id="s-7",
        status=OrderStatus.FINISHED,
        kind=OrderKind.NORMAL,
        buyer_id="card-1",
        paid_at=datetime(2026, 10, 1, 2, 0, tzinfo=UTC),
        modified_at=datetime(2026, 10, 2, tzinfo=UTC),
        paid_fen=1_500,
        shipping_fen=200,
        lines=(
            Line(line_id="sku:100", paid_fen=1_000, product_id="100", category="杯子", quantity=1, is_free_gift=False),
            Line(line_id="sku:101", paid_fen=300, product_id="101", category="贺卡", quantity=2),
            Line(line_id="sku:102", paid_fen=0, product_id="102", category="袋子", quantity=1, is_free_gift=True),
        ),
        source=SourceKind.EXPORT,
    )


def test_lines_that_do_not_add_up_are_doubtful() -> None:
    """10.00 of goods and 2.00 of freight against 15.00: taken in, and a claim is held for review."""
    text = HEADER + "A0001,100,杯子,1,否,1000,1500,200,完成,销售,01.10.2026 10:00,s-7,card-1\n"
    (order,), report = _read(LINES, text)
    assert (report.doubtful_count, report.doubtful[0].column) == (1, "合计")
    assert (order.shipping_fen or 0) + sum(line.paid_fen or 0 for line in order.lines or ()) != order.paid_fen


@pytest.mark.parametrize(
    ("cells", "code", "column"),
    [
        ({"金额": "-5"}, "MONEY_INVALID", "金额"),
        ({"金额": "1.5"}, "MONEY_INVALID", "金额"),
        ({"金额": ""}, "MONEY_MISSING", "金额"),
        ({"状态": "飞走了"}, "STATE_UNKNOWN", "状态"),
        ({"状态": ""}, "STATE_MISSING", "状态"),
        ({"类型": "?"}, "STATE_UNKNOWN", "类型"),
        ({"赠品": "也许"}, "STATE_UNKNOWN", "赠品"),
        ({"时间": "10/01/2026"}, "TIME_INVALID", "时间"),
        ({"时间": "01.10.1926 10:00"}, "TIME_INVALID", "时间"),
        ({"单号": "A1"}, "ID_INVALID", "单号"),
        ({"单号": "1.2E+18"}, "ID_MANGLED", "单号"),
        ({"单号": "202610010000001000"}, "ID_MANGLED", "单号"),
        ({"门店": ""}, "ID_MISSING", "门店"),
        ({"门店": "x" * 200}, "ID_INVALID", "门店"),
        ({"数量": "1.5"}, "QUANTITY_INVALID", "数量"),
    ],
)
def test_each_bad_cell_is_a_defect(cells: dict[str, str], code: str, column: str) -> None:
    """What cannot be read sets its order aside, under the table's own column name."""
    names = HEADER.strip().split(",")
    good = ["A0001", "100", "杯子", "1", "否", "1000", "1200", "200", "完成", "销售", "01.10.2026 10:00", "s-7", "c1"]
    row = dict(zip(names, good, strict=True)) | cells
    values, report = _read(LINES, HEADER + ",".join(row.values()) + "\n", shop_id=None)
    assert (values, [(d.code.value, d.column) for d in report.defects]) == ([], [(code, column)])


def test_rows_that_differ_in_what_belongs_to_the_order_contradict() -> None:
    """The total is the same on each row; without any column of lines there is one row per order."""
    rows = "A0001,100,,1,,1000,1500,0,完成,销售,,s,\nA0001,101,,1,,500,1501,0,完成,销售,,s,\n"
    assert codes(_read(LINES, HEADER + rows)[1]) == ["ROWS_CONTRADICT"]
    assert codes(_read(POS, "小票号,实收\nA0001,1\nA0001,2\n")[1]) == ["ROWS_CONTRADICT"]


def test_what_is_due_is_not_what_was_paid() -> None:
    """A sale put on hold counts nothing."""
    (order,), _ = _read(LINES, HEADER + "A0001,100,,1,,1000,1000,0,挂单,销售,,s,\n")
    assert (order.status, order.paid_fen, order.lines) == (OrderStatus.UNPAID, 0, None)


def test_long_numbers_are_trusted_when_the_host_says_so() -> None:
    """A till that counts to 18 digits with zeros at the end loses nothing in a text file."""
    text = "小票号,实收\n202610010000001000,1\n"
    assert codes(_read(POS, text)[1]) == ["ID_MANGLED"]
    assert _read(POS | {"trust_long_ids": True}, text)[0][0].order_no == "202610010000001000"


def test_a_masked_card_is_nobodys() -> None:
    """A value with stars names no buyer."""
    (order,), _ = _read(LINES, HEADER + "A0001,100,,1,,1000,1000,0,完成,销售,,s,62**88\n")
    assert order.buyer_id is None


def test_a_phone_that_serves_as_a_card_is_not_written_back() -> None:
    """Cards come along in the file of defects, telephone numbers do not; corrected, the order has no buyer."""
    text = HEADER + "A0001,100,,1,,x,1000,0,完成,销售,,s,13800001111\nA0002,100,,1,,x,1000,0,完成,销售,,s,card-1\n"
    out = io.BytesIO()
    with read_mapped(io.BytesIO(text.encode()), ColumnMapping.from_document(LINES), shop_id="s") as reader:
        assert reader.write_defects(out) == 2
    written = out.getvalue().decode("utf-8-sig")
    assert "13800001111" not in written
    assert "card-1" in written
    found, report = _read(LINES, written.replace(",x,", ",1000,").encode())
    assert report.defects == []
    assert [(order.order_no, order.buyer_id) for order in found] == [("A0001", None), ("A0002", "card-1")]


@pytest.mark.parametrize(
    ("zone", "formats", "cell", "instant"),
    [
        ("Asia/Shanghai", [], "2026-10-01 10:00:00", "2026-10-01T02:00:00+00:00"),
        ("UTC", [], "2026-10-01 10:00:00", "2026-10-01T10:00:00+00:00"),
        ("Europe/Berlin", ["%d.%m.%Y %H:%M"], "01.07.2026 10:00", "2026-07-01T08:00:00+00:00"),
        ("Europe/Berlin", [], "2026/7/1 10:00", "2026-07-01T08:00:00+00:00"),
        ("Asia/Shanghai", ["%Y%m%d"], "20261001", "2026-09-30T16:00:00+00:00"),
        ("UTC", ["unix"], "1795138200", "2026-11-20T01:30:00+00:00"),
        ("UTC", ["unix_ms"], "1795138200123", "2026-11-20T01:30:00.123000+00:00"),
        ("UTC", ["%Y-%m-%dT%H:%M:%S%z"], "2026-10-01T10:00:00+0800", "2026-10-01T02:00:00+00:00"),
        ("Asia/Shanghai", ["%d.%m.%Y %H:%M"], "2026-10-01 10:00:00", "2026-10-01T02:00:00+00:00"),
    ],
)
def test_times_are_read_in_the_tables_zone_and_forms(zone: str, formats: list[str], cell: str, instant: str) -> None:
    """Wall-clock time of the zone named; the usual form is always read."""
    document = POS | {
        "columns": {"order_no": "a", "paid": "b", "paid_at": "c"},
        "timezone": zone,
        "date_formats": formats,
    }
    (order,), _ = _read(document, f"a,b,c\nA0001,1,{cell}\n")
    assert order.paid_at is not None
    assert order.paid_at.isoformat() == instant


def test_a_workbook_is_read_alike() -> None:
    """Number cells of up to 15 digits are ids and amounts."""
    (order,), report = _read(POS, xlsx(("日结", [["小票号", "实收"], [20261001, 12.5]])))
    assert (order.order_no, order.paid_fen, report.sheet) == ("20261001", 1_250, "日结")


def test_a_table_without_the_columns_says_which() -> None:
    """The host hears the names that were looked for, in both languages."""
    with pytest.raises(UnreadableFile, match="小票号") as caught:
        _read(POS, "姓名,电话\n李,1\n")
    assert "小票号" in caught.value.sentence_zh
    assert "小票号" in str(caught.value)


def test_offline_orders_go_the_way_of_all_orders() -> None:
    """A sale with a bound card converts by itself, one without waits for its number to be claimed."""
    program = Program(program_id="p", ownership="order-no-only", rewards=[rules.PointsPerYuan("1")])
    loyalty = Loyalty(program, MemoryStorage(), clock=lambda: datetime(2026, 10, 3, tzinfo=UTC))
    loyalty.bind("m1", platform="pos", buyer_id="card-1")
    text = (
        HEADER + "A0001,100,,1,,1000,1000,0,完成,销售,01.10.2026 10:00,s,card-1\n"
        "A0002,100,,1,,2000,2000,0,完成,销售,01.10.2026 11:00,s,\n"
    )
    with read_mapped(io.BytesIO(text.encode()), ColumnMapping.from_document(LINES), shop_id="s") as reader:
        assert reader.capabilities.auto_convert
        taken = loyalty.ingest(reader)
    assert (taken.orders_new, taken.claims_created) == (2, 1)
    assert loyalty.member("m1").points == 10
    assert loyalty.claim("m1", platform="pos", order_no="a0002").created
    assert loyalty.member("m1").points == 30


def test_a_platform_of_the_programs_own_is_read() -> None:
    """Its numbers are held to the widest shape; the program knows the narrower one."""
    (order,), _ = _read(POS | {"platform": "mini_shop"}, "小票号,实收\nMS-000_1,1\n")
    assert (order.platform, order.order_no) == ("mini_shop", "MS-000_1")


def test_a_mapping_and_its_document_are_one() -> None:
    """What is written is what was read; what is usual is left out."""
    mapping = ColumnMapping.from_document(LINES)
    assert ColumnMapping.from_json(mapping.to_json()) == mapping
    assert ColumnMapping.from_json(json.dumps(POS)).to_json() == ColumnMapping.from_document(POS).to_json()
    assert set(json.loads(ColumnMapping.from_document(POS).to_json())) == {"platform", "columns", "status"}


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"platform": "P O S"}, "platform"),
        ({"platform": 7}, "platform"),
        ({"columns": []}, "columns"),
        ({"columns": {"order_no": "a"}}, "columns.paid"),
        ({"columns": {"paid": "a"}}, "columns.order_no"),
        ({"columns": {"order_no": "a", "paid": "b", "colour": "c"}}, "columns.'colour'"),
        ({"columns": {"order_no": "a", "paid": "A "}}, "columns.paid"),
        ({"columns": {"order_no": "a", "paid": []}}, "columns.paid"),
        ({"columns": {"order_no": "a", "paid": " "}}, "columns.paid"),
        ({"columns": {"order_no": "a", "paid": 7}}, "columns.paid"),
        ({"unit": "jiao"}, "unit"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"timezone": "../etc/passwd"}, "timezone"),
        ({"timezone": None}, "timezone"),
        ({"date_formats": ["%d.%m"]}, "date_formats"),
        ({"date_formats": ["%d.%m.%Y %I:%M"]}, "date_formats"),
        ({"date_formats": ["%Q"]}, "date_formats"),
        ({"date_formats": [7]}, "date_formats"),
        ({"status": "DONE"}, "status"),
        ({"status": None}, "status"),
        ({"statuses": {"完成": "FINISHED"}}, "statuses"),
        ({"kinds": {"销售": "NORMAL"}}, "kinds"),
        ({"statuses": {"完成": "DONE"}}, "statuses"),
        ({"trust_long_ids": 1}, "trust_long_ids"),
        ({"colour": 1}, "'colour'"),
    ],
)
def test_what_is_wrong_in_a_mapping_is_told_with_its_place(change: dict[str, Any], place: str) -> None:
    """The error begins with where it stands, and is of our tree."""
    with pytest.raises(InvalidInput) as caught:
        ColumnMapping.from_document(POS | change)
    assert str(caught.value).startswith(place)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"platform": 1.5}', '{"a": NaN}', '{"platform": "pos", "platform": "pos"}', "[" * 100_000, "null"],
)
def test_what_is_no_document_is_refused(text: str) -> None:
    """Neither floats, nor names that stand twice, nor endless brackets."""
    with pytest.raises(InvalidInput):
        ColumnMapping.from_json(text)


@given(st.dictionaries(st.sampled_from(FIELDS), st.text("ab列 ", max_size=3), max_size=6), st.text(max_size=5))
def test_any_document_is_a_mapping_or_an_error_of_our_tree(columns: dict[str, str], unit: str) -> None:
    """No document makes it fail in another way."""
    try:
        ColumnMapping.from_document({"platform": "pos", "columns": columns, "unit": unit or "yuan", "status": "PAID"})
    except InvalidInput:
        return
    assert {"order_no"} <= set(columns)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"shop_id": None}, InvalidInput),
        ({"shop_id": ""}, InvalidInput),
        ({"exported_at": datetime(2026, 1, 1)}, WrongType),  # noqa: DTZ001 - that is the point
    ],
)
def test_a_wrong_call_is_told(options: dict[str, Any], error: type[Exception]) -> None:
    """A shop that nothing tells, and a naive time, are refused at once."""
    with pytest.raises(error):
        _read(POS, "小票号,实收\nA0001,1\n", **options)
    with pytest.raises(WrongType):
        read_mapped(io.BytesIO(b""), POS, shop_id="s")  # type: ignore[arg-type]
