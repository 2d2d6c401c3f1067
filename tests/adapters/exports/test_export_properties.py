"""What holds for any file: order and number of columns, repetition, splitting, hostile bytes, memory."""

from __future__ import annotations

import io
import tracemalloc
from pathlib import Path

import pytest
from export_files import DOUYIN_NUMBER, douyin_file, douyin_row, maker, read, taobao_file, taobao_row
from hypothesis import given
from hypothesis import strategies as st

from crossloyalty.adapters.exports import read_export
from crossloyalty.errors import UnreadableFile

NUMBERS = st.lists(st.integers(1, 10**7), unique=True, max_size=12).map(
    lambda found: [f"381612345678{n:07}" for n in found]
)
STATES = st.sampled_from(["unpaid", "paid", "shipped", "finished", "closed"])
EXTRA = st.lists(st.text("附加列甲乙丙丁XYZ", min_size=1, max_size=6), max_size=4)


@st.composite
def taobao_rows(draw: st.DrawFn) -> list[dict[str, str]]:
    """Rows of any state, some of them bad."""
    return [
        taobao_row(
            number,
            draw(STATES),
            draw(st.integers(0, 10**6)),
            refunded=draw(st.sampled_from([0, 100])),
            订单备注=draw(st.sampled_from(["", "a,b", 'say "hi"', "two\nlines"])),
            订单付款时间=draw(st.sampled_from(["", "2026-10-01 10:00:00", "?"])),
        )
        for number in draw(NUMBERS)
    ]


@st.composite
def douyin_rows(draw: st.DrawFn) -> list[list[dict[str, str]]]:
    """Orders of one to three rows."""
    found = draw(st.lists(st.integers(1, 3), max_size=6))
    return [
        [douyin_row(f"69534898906{n:08}", line=f"69534898907{n:07}{place}") for place in range(size)]
        for n, size in enumerate(found, start=1001)
    ]


@given(
    rows=taobao_rows(), columns=st.permutations(maker.TAOBAO_COLUMNS), extra=EXTRA, places=st.lists(st.integers(0, 54))
)
def test_any_order_of_columns_and_any_extra_ones_give_the_same(
    rows: list[dict[str, str]], columns: list[str], extra: list[str], places: list[int]
) -> None:
    """Columns are found by name, never by position."""
    shuffled = list(columns)
    for place, name in zip(places, extra, strict=False):
        shuffled.insert(place, name)
    values, report = read(taobao_file(*rows))
    again, other = read(taobao_file(*rows, columns=shuffled))
    assert again == values
    assert other.defect_counts == report.defect_counts
    assert other.paid_fen == report.paid_fen


@given(rows=taobao_rows())
def test_reading_twice_gives_the_same(rows: list[dict[str, str]]) -> None:
    """Two passes of one reader, and two readers, agree in values and reports."""
    content = taobao_file(*rows)
    with read_export(io.BytesIO(content), shop_id="shop-1") as reader:
        first, told = list(reader), reader.report
        assert (list(reader), reader.report) == (first, told)
    assert read(content) == (first, told)


@given(orders=douyin_rows(), data=st.data())
def test_a_file_split_between_orders_gives_the_same_orders(
    orders: list[list[dict[str, str]]], data: st.DataObject
) -> None:
    """Two halves hold together what the whole holds, in any order of the rows."""
    cut = data.draw(st.integers(0, len(orders)))
    halves = [[row for one in part for row in one] for part in (orders[:cut], orders[cut:])]
    whole = data.draw(st.permutations([*halves[0], *halves[1]]))

    def found(rows: list[dict[str, str]]) -> set[str]:
        values, report = read(douyin_file(*rows))
        assert report.defects == []
        return {f"{v!r}" for v in values}

    lines = sorted([*halves[0], *halves[1]], key=lambda row: row["子订单编号"])
    assert found(halves[0]) | found(halves[1]) == found(lines)
    assert {v.order_no for v in read(douyin_file(*whole))[0]} == {v.order_no for v in read(douyin_file(*lines))[0]}


def _survives(content: bytes) -> None:
    """Read hostile bytes; nothing but a refusal of the file is raised, and every row is accounted for."""
    try:
        values, report = read(content)
    except UnreadableFile:
        return
    dropped = report.dropped_blank + report.dropped_totals + report.dropped_doubled + report.dropped_other
    assert len(values) + report.defect_counts.total() + dropped <= report.rows
    assert bool(values or report.defects or dropped) == bool(report.rows)


@given(st.binary(max_size=2_000))
def test_arbitrary_bytes_raise_only_errors_of_our_tree(content: bytes) -> None:
    """No byte string makes the reader fail in another way."""
    _survives(content)


@given(st.data())
def test_a_damaged_file_raises_only_errors_of_our_tree(data: st.DataObject) -> None:
    """Bytes replaced, inserted or cut off anywhere in a real file give defects or a refusal, never a crash."""
    kind = data.draw(st.sampled_from(["taobao", "douyin"]))
    content = bytearray(
        taobao_file(taobao_row(), taobao_row("3816123456789015020"), {"订单编号": "总计"})
        if kind == "taobao"
        else douyin_file(douyin_row(), douyin_row(line=DOUYIN_NUMBER[:-1] + "3"), douyin_row("6953489890610190299"))
    )
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(content)))
        content[place : place + data.draw(st.integers(0, 3))] = data.draw(
            st.sampled_from([b'"', b",", b"\r", b"\n", b"\t", b"=", b"'", b"\xff", b"\x00", b";", b"", b"9", b"\x80"])
        )
    _survives(bytes(content))


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=30), min_size=13, max_size=13))
def test_arbitrary_cells_are_values_or_defects(cells: list[str]) -> None:
    """Any text in the columns that are read ends as a value, a defect or a dropped row."""
    columns = [name for name in maker.DOUYIN_COLUMNS if name not in ("选购商品", "收件人")][:13]
    row = dict(zip(columns, cells, strict=True)) | {"订单应付金额": cells[0], "订单状态": cells[1]}
    _survives(douyin_file(row))


def _written(path: Path, content: bytes, number: bytes, count: int) -> Path:
    head, row, _ = content.split(b"\r\n")
    with path.open("wb") as file:
        file.write(head + b"\r\n")
        for n in range(count):
            file.write(row.replace(number, b"38161%014d" % (n * 7 + 1)) + b"\r\n")
    return path


@pytest.mark.parametrize("count", [5_000, pytest.param(100_000, marks=pytest.mark.release)])
def test_many_rows_take_little_memory(tmp_path: Path, count: int) -> None:
    """Memory does not grow with the file: 26 MB on disk are read with less than 2 MB of Python memory."""
    number = b"3816123456789015019"
    path = _written(tmp_path / "a.csv", taobao_file(taobao_row(number.decode())), number, count)
    assert path.stat().st_size > 200 * count
    tracemalloc.start()
    try:
        with read_export(path, shop_id="s") as reader:
            given_out = sum(1 for _ in reader)
            peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert given_out == reader.report.orders == count
    assert peak < 2 << 20


def test_scattered_rows_take_little_memory_too(tmp_path: Path) -> None:
    """Rows held back lie in a temporary file: 1,500 orders cut in two need less than 2 MB."""
    number = DOUYIN_NUMBER.encode()
    line = b"6953489890610777777"
    head, row, _ = douyin_file(douyin_row(line=line.decode())).split(b"\r\n")
    path = tmp_path / "a.csv"
    with path.open("wb") as file:
        file.write(head + b"\r\n")
        for half in (1, 2):
            for n in range(1_500):
                ours = row.replace(number, b"69534%014d" % n).replace(line, b"6953%d%014d" % (half, n))
                file.write(ours + b"\r\n")
    tracemalloc.start()
    try:
        with read_export(path, shop_id="s") as reader:
            given_out = sum(1 for _ in reader)
            peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert given_out == 1_500
    assert peak < 2 << 20
