"""What holds for the files of every platform: order of columns, repetition, splitting, age, hostile bytes."""

from __future__ import annotations

import contextlib
import io
import random
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from export_files import case_file, case_row, douyin_file, douyin_row, maker, read, taobao_file, taobao_row
from hypothesis import given, settings
from hypothesis import strategies as st
from platform_files import KINDS, table, text_file, xlsx, zipped

from crossloyalty import Loyalty, Program, Reason, rules
from crossloyalty.adapters.exports import ColumnMapping, read_export, read_mapped
from crossloyalty.adapters.exports.headers import normal_name
from crossloyalty.adapters.exports.reader import LAYOUTS
from crossloyalty.domain.records import Record
from crossloyalty.errors import UnreadableFile
from crossloyalty.storage.memory import MemoryStorage
from crossloyalty.testing import dump

EXAMPLES = max(5, settings().max_examples // 10)
CLOCK = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
KEYS = {"jd-settlement": "订单编号", "taobao-items": "主订单编号"}
NUMBERS = {
    "jd-orders": "1002345{:05}",
    "jd-settlement": "1002345{:05}",
    "pinduoduo-orders": "261001-1234567890{:05}",
    "kuaishou-orders": "2433100012{:05}7",
    "wechat-orders": "37200000000000{:05}",
    "xiaohongshu-orders": "P7000000000000{:05}",
    "youzan-orders": "E202610011000000123{:05}",
    "youzan-items": "E202610011000000123{:05}",
    "taobao-items": '="38161234567890{:05}"',
}
MONEY = {
    "jd-orders": "应付金额",
    "jd-settlement": "应结金额",
    "pinduoduo-orders": "用户实付金额(元)",
    "kuaishou-orders": "实付款",
    "wechat-orders": "订单实际支付金额",
    "xiaohongshu-orders": "用户应付金额(元)",
    "youzan-orders": "订单实付金额",
    "youzan-items": "商品实际成交金额",
    "taobao-items": "买家实际支付金额",
}
# More rows of the same order: the same goods at another price, and other goods.
SECOND = {
    "jd-orders": [{"京东价": "0.00"}, {"商品ID": "100012043979"}],
    "wechat-orders": [{"商品实际价格(总共)": "1.00"}, {"商品编码(平台)": "10000000000002"}],
    "xiaohongshu-orders": [{"是否为赠品": "是"}, {"是否为赠品": "是", "规格ID": "64f0a1b2c3d4e5f601234568"}],
    "youzan-items": [{"商品单价": "1.00"}, {"规格编码": "SKU-02"}],
}
EXTRA = st.lists(st.text("附加列甲乙丙丁XYZ", min_size=1, max_size=6), max_size=4)


@st.composite
def rows_of(draw: st.DrawFn, layout: str) -> list[dict[str, str]]:
    """Rows of different orders, some of them doubtful, some bad, some doubled."""
    rows: list[dict[str, str]] = []
    for n in draw(st.lists(st.integers(1, 99_998), unique=True, max_size=8)):
        row = {KEYS.get(layout, "订单号"): NUMBERS[layout].format(n)}
        if layout == "taobao-items":
            row["子订单编号"] = f'="39161234567890{n:05}"'
        fen = draw(st.one_of(st.none(), st.integers(0, 200_000)))
        if fen is not None:
            row[MONEY[layout]] = draw(st.sampled_from(["{}", "￥{}", "{}元", " {}\t"])).format(maker.yuan(fen))
        if draw(st.integers(0, 9)) == 0:
            row[MONEY[layout]] = "很多"
        rows += [row] * draw(st.sampled_from([1, 1, 1, 2]))
        if layout in SECOND and draw(st.booleans()):
            rows += [row | cells for cells in draw(st.permutations(SECOND[layout]))]
    return rows


@pytest.mark.parametrize("layout", sorted(KINDS))
def test_any_order_of_columns_and_any_extra_ones_give_the_same(layout: str) -> None:
    """Columns are found by name, never by position, in text and in a sheet."""

    @settings(max_examples=EXAMPLES)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        rows = data.draw(rows_of(layout))
        columns = data.draw(st.permutations(KINDS[layout].columns))
        for name in data.draw(EXTRA):
            columns.insert(data.draw(st.integers(0, len(columns))), name)
        values, report = read(text_file(layout, *rows))
        again, other = read(text_file(layout, *rows, columns=columns))
        assert _unordered(again) == _unordered(values)
        assert (other.defect_counts, other.doubtful_count) == (report.defect_counts, report.doubtful_count)
        assert (other.paid_fen, other.received_fen) == (report.paid_fen, report.received_fen)

    check()


def _unordered(values: Sequence[object]) -> list[str]:
    return sorted(map(repr, values))


def _state(*files: bytes) -> dict[str, list[Record]]:
    """Take files in, one after the other, and give everything that is stored but row versions."""
    storage = MemoryStorage()
    loyalty = Loyalty(Program(program_id="p", rewards=[rules.PointsPerYuan("1")]), storage, clock=lambda: CLOCK)
    for content in files:
        with read_export(io.BytesIO(content), shop_id="shop-1") as reader:
            loyalty.ingest(reader)
    return {name: list(rows) for name, rows in dump(storage, "p").items()}


def _facts(state: dict[str, list[Record]]) -> list[Any]:
    return [(record.order_no, record.facts) for record in state["orders"]]  # type: ignore[attr-defined]


@pytest.mark.parametrize("layout", sorted(KINDS))
def test_reading_twice_and_splitting_change_nothing(layout: str) -> None:
    """The same file twice leaves the state of once, and two halves in either order leave that of the whole."""

    @settings(max_examples=EXAMPLES)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        rows = data.draw(rows_of(layout))
        cut, key = data.draw(st.integers(0, len(rows))), KEYS.get(layout, "订单号")
        while 0 < cut < len(rows) and rows[cut][key] == rows[cut - 1][key]:
            cut += 1  # between orders, or a half would hold half an order
        whole, first, second = (text_file(layout, *part) for part in (rows, rows[:cut], rows[cut:]))
        once = _state(whole)
        assert _state(whole, whole) == once
        assert _facts(_state(first, second)) == _facts(_state(second, first)) == _facts(once)

    check()


def test_an_older_export_never_turns_a_state_back() -> None:
    """A file of the day before, uploaded later, changes nothing, and the report says how many rows it would have."""
    storage = MemoryStorage()
    loyalty = Loyalty(Program(program_id="p", rewards=[rules.PointsPerYuan("1")]), storage, clock=lambda: CLOCK)
    newer = text_file("pinduoduo-orders", {}, {"订单号": "261001-123456789000001"})
    older = text_file(
        "pinduoduo-orders",
        {"订单状态": "待发货", "确认收货时间": ""},
        {"订单号": "261001-123456789000001"},
        {"订单号": "?"},
    )
    told = []
    for content, day in ((newer, "20"), (older, "19"), (newer, "20")):
        name = f"orders_export2026-11-{day}-09-30-00.csv"
        with read_export(io.BytesIO(content), shop_id="s", file_name=name) as reader:
            told.append(reader.report if day == "" else reader)
            taken = loyalty.ingest(reader)
            told[-1] = reader.report.counts(taken)
    first, second, third = told
    assert (first.new, first.changed, first.unchanged, first.not_overwritten) == (2, 0, 0, 0)
    # One order differs and is older; the other says the same. The row without a number is refused.
    assert (second.new, second.changed, second.unchanged, second.not_overwritten) == (0, 0, 1, 1)
    assert second.rejected == {"ID_INVALID": 1}
    assert (third.new, third.changed, third.unchanged, third.not_overwritten) == (0, 0, 2, 0)
    assert '"status":"FINISHED"' in dict(_facts(dump(storage, "p")))["261001-123456789012345"]


def test_a_doubtful_order_is_never_a_grant() -> None:
    """An order whose amounts do not fit is held for review, whoever asks for it."""
    program = Program(program_id="p", ownership="order-no-only", rewards=[rules.PointsPerYuan("1")])
    loyalty = Loyalty(program, MemoryStorage(), clock=lambda: CLOCK)
    doubtful = {
        "jd-orders": {"应付金额": "500.00"},
        "kuaishou-orders": {"实付款": "5000.00"},
        "wechat-orders": {"订单实际支付金额": "107.00"},
        "xiaohongshu-orders": {"用户应付金额(元)": "200.00"},
        "youzan-orders": {"订单已退款金额": "90.00"},
        "taobao-items": {"退款金额": "120.00"},
    }
    for layout, cells in doubtful.items():
        with read_export(io.BytesIO(text_file(layout, cells)), shop_id="s") as reader:
            (order,) = list(reader)
            assert reader.report.doubtful_count == 1
            loyalty.ingest(reader)
        told = loyalty.claim("m1", platform=order.platform, order_no=order.order_no)
        assert (told.created, told.state, told.reason) == (False, "HELD_REVIEW", Reason.AMOUNT_MISMATCH), layout
    assert loyalty.member("m1").points == 0


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_every_set_of_needed_names_is_one_kind_of_file(layout: Any) -> None:
    """With the names a file is known by, alone or with all that is read of it, no other kind fits."""
    wanted = [column.names[0] for column in layout.columns]
    for need in layout.need:
        for names in (need, [*need, *(name for name in wanted if name not in need)]):
            normal = frozenset(map(normal_name, names))
            if normal.isdisjoint(map(normal_name, layout.never)):
                assert [each.name for each in LAYOUTS if each.fits(normal)] == [layout.name]


@pytest.mark.parametrize("layout", sorted(KINDS))
def test_the_whole_header_is_one_kind_of_file(layout: str) -> None:
    """The full list of columns of a real file is known as what it is."""
    names = frozenset(map(normal_name, KINDS[layout].columns))
    assert [each.name for each in LAYOUTS if each.fits(names)] == [layout]


def test_a_dry_run_writes_nothing_and_tells_everything() -> None:
    """Platform, columns, rows, orders, span, both sums and defects, before anything is stored."""
    content = text_file("pinduoduo-orders", {}, {"订单号": "x"}, {"订单号": "合计"})
    with read_export(io.BytesIO(content), shop_id="s") as reader:
        report = reader.dry_run()
    assert (report.platform, report.rows, report.orders, report.dropped_totals) == ("pinduoduo", 3, 1, 1)
    assert (report.paid_fen, report.received_fen) == (14_365, 16_899)
    assert report.earliest == report.latest == datetime(2026, 10, 1, 2, 0, tzinfo=UTC)
    assert sorted(report.columns_used + report.columns_ignored) == sorted(KINDS["pinduoduo-orders"].columns)
    assert [defect.code.value for defect in report.defects] == ["ID_INVALID"]


# -- hostile bytes ---------------------------------------------------------------------------------------------------

_MAPPING = ColumnMapping(platform="pos", columns={"order_no": "订单号", "paid": "实付款"}, status="FINISHED")
_PIECES = [
    b'"',
    b",",
    b"\r",
    b"\n",
    b"\t",
    b"=",
    b"'",
    b"\xff",
    b"\x00",
    b";",
    b"",
    b"9",
    b"<",
    b">",
    b"PK\x03\x04",
    b"&a;",
]


def _real_files() -> list[bytes]:
    files = [text_file(layout, {}, {}) for layout in sorted(KINDS)]
    files += [taobao_file(taobao_row()), douyin_file(douyin_row()), case_file(case_row())]
    files += [xlsx(("s", table(layout, {}, {}))) for layout in ("kuaishou-orders", "jd-orders")]
    return [*files, zipped(("a.csv", files[0])), zipped(("a.xlsx", files[-1]))]


def _hostile(dice: random.Random, real: Sequence[bytes]) -> bytes:
    """Bytes of no meaning, real files with bytes changed, and workbooks with a part changed inside."""
    choice = dice.randrange(5)
    if choice == 0:
        return dice.choice((b"", b"PK\x03\x04", b"\xff\xfe", b"\xef\xbb\xbf")) + dice.randbytes(dice.randrange(600))
    content = bytearray(dice.choice(real))
    part = ""
    if choice == 1:
        content = bytearray(real[12 + dice.randrange(2)])
        with zipfile.ZipFile(io.BytesIO(bytes(content))) as archive:
            members = {member.filename: archive.read(member) for member in archive.infolist()}
        part = dice.choice(sorted(members))
        content = bytearray(members[part])
    for _ in range(dice.randrange(1, 8)):
        place = dice.randrange(len(content) + 1)
        content[place : place + dice.randrange(4)] = dice.choice(_PIECES)
    if part:
        return zipped(*(members | {part: bytes(content)}).items())
    return bytes(content[: dice.randrange(len(content) + 1)] if choice == 2 else content)


@pytest.mark.parametrize("count", [250, pytest.param(6_000, marks=pytest.mark.release)])
def test_hostile_files_raise_only_typed_errors(count: int) -> None:
    """Whatever the bytes: a refusal of the file with a sentence, or a report in which every row is accounted for."""
    dice, real = random.Random(20261120), _real_files()
    read_to_the_end = 0
    for _ in range(count):
        content = _hostile(dice, real)
        try:
            _, report = read(content)
        except UnreadableFile as error:
            if not error.sentence_zh:
                raise AssertionError(content) from error
        else:
            read_to_the_end += 1
            assert report.complete
            out = io.BytesIO()
            with read_export(io.BytesIO(content), shop_id="s") as reader:
                reader.write_defects(out)
            with contextlib.suppress(UnreadableFile):
                read(out.getvalue())
        with contextlib.suppress(UnreadableFile), read_mapped(io.BytesIO(content), _MAPPING, shop_id="s") as reader:
            list(reader)
    assert read_to_the_end > count // 10
