"""Cells: ids, money, times, words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossloyalty.adapters.exports.cells import (
    BadCell,
    bare,
    is_slash_time,
    looks_cut,
    order_id,
    pieces,
    time_utc,
    to_fen,
    word,
)
from crossloyalty.adapters.exports.defects import DefectCode, masked

BLANKS = st.text("\t \u3000\xa0\ufeff\u200b", max_size=3)
GUARDS = st.sampled_from(['="{}"', "'{}", "\t{}", "{}\t", '="{}"\t', "\t'{}"])
PLAIN_IDS = st.from_regex(r"[1-9][0-9]{9,20}", fullmatch=True)
MOMENTS = st.datetimes(datetime.fromisoformat("2001-01-01"), datetime.fromisoformat("2999-12-31"))
FEN = st.integers(0, 2**53 - 1)


@given(number=PLAIN_IDS, guard=GUARDS, before=BLANKS, after=BLANKS)
def test_a_guarded_id_comes_back_digit_for_digit(number: str, guard: str, before: str, after: str) -> None:
    """Whatever writers put around an id, cleaning gives the id itself."""
    guarded = guard.format(number)
    inner = guarded if guarded[0] in "='\t" or guarded[-1] == "\t" else f"\t{guarded}"
    cell = inner if guarded[0] != "\t" else inner + after
    assert order_id(cell) == number
    assert bare(before + number + after) == number


@pytest.mark.parametrize(
    "cell", ["3.81612E+18", "3.8e+18", "5E18", "5.11911E+18\t", '="3.81612E+18"', "381612345678901234.0"]
)
def test_scientific_or_decimal_notation_is_a_mangled_id(cell: str) -> None:
    """A number in scientific or decimal notation has lost its digits, whatever stands around it."""
    with pytest.raises(BadCell) as caught:
        order_id(cell)
    assert caught.value.code is DefectCode.ID_MANGLED


@pytest.mark.parametrize(
    ("cell", "cut"),
    [
        ("1234567890123450", True),
        ("12345678901234500", True),
        ("1234567890123451", False),
        ("12345678901234510", False),
        ("123456789012345", None),
        ("123456789012345000", None),
        ("'1234567890123450", None),
        ("\t12345678901234500", None),
        ("abc", None),
    ],
)
def test_one_or_two_zeros_alone_prove_nothing(cell: str, cut: bool | None) -> None:
    """A number of 16 or 17 digits is kept, and only noted as one that may have been cut."""
    assert looks_cut(cell) is cut
    if cut is not None:
        assert order_id(cell) == cell


@pytest.mark.parametrize("cell", ["3816123456789010000", "5119111586217090000", "123456789012345000"])
def test_zeros_behind_the_fifteenth_digit_are_mangled_only_without_a_guard(cell: str) -> None:
    """A spreadsheet writes zeros behind 15 digits; a guarded cell never went through its number format."""
    with pytest.raises(BadCell) as caught:
        order_id(cell)
    assert caught.value.code is DefectCode.ID_MANGLED
    assert order_id(f'="{cell}"') == order_id(f"\t{cell}") == order_id(f"{cell}\t") == order_id(f"'{cell}") == cell


def test_fifteen_digits_ending_in_zeros_are_whole() -> None:
    """A double keeps 15 digits, so a number of 15 digits lost nothing."""
    assert order_id("123456789012000", degraded=True) == "123456789012000"


def test_a_number_a_double_holds_exactly_is_mangled_only_in_a_degraded_file() -> None:
    """5119111586217093120 is what a double makes of 5119111586217093519; alone it may be genuine."""
    assert float("5119111586217093519") == float("5119111586217093120")
    assert order_id("5119111586217093120") == "5119111586217093120"
    with pytest.raises(BadCell) as caught:
        order_id("5119111586217093120", degraded=True)
    assert caught.value.code is DefectCode.ID_MANGLED
    assert order_id("\t5119111586217093120", degraded=True) == "5119111586217093120"


def test_a_decimal_tail_goes_while_nothing_can_be_lost() -> None:
    """`.0` behind an id of at most 15 digits is a spreadsheet's habit."""
    assert order_id("2574399090.0") == "2574399090"


@pytest.mark.parametrize("cell", ["１２３", "٣٤", "12 34", "1_000", "²", "12\n34", "-5", "x" * 65, "1" * 65])
def test_what_no_platform_writes_is_no_id(cell: str) -> None:
    """Foreign digits, inner blanks and underscores are refused instead of being read as a number."""
    with pytest.raises(BadCell) as caught:
        order_id(cell)
    assert caught.value.code is DefectCode.ID_INVALID


@given(
    fen=FEN,
    sign=st.sampled_from(["", "¥", "￥"]),
    unit=st.sampled_from(["", "元"]),
    thousands=st.booleans(),
    guard=st.sampled_from(["{}", '="{}"', "'{}", "\t{}", "{}\t", " {} "]),
    zeros=st.integers(0, 3),
)
def test_money_comes_back_to_the_fen(fen: int, sign: str, unit: str, thousands: bool, guard: str, zeros: int) -> None:
    """Whatever signs, separators, units and tabs stand around an amount, cleaning gives its fen exactly."""
    yuan = f"{fen // 100:,}" if thousands else str(fen // 100)
    assert to_fen(guard.format(f"{sign}{yuan}.{fen % 100:02}{'0' * zeros}{unit}")) == fen


@pytest.mark.parametrize(
    "cell",
    [
        "NaN1",
        "inf",
        "1e5",
        "1E+2",
        "-5.00",
        "12.345",
        "1,20",
        "1,2000",
        "１２",
        "1_000",
        "0x10",
        "9" * 400,
        "12.5.0",
        "90071992547409.92",
        "+5",
        "5 0",
        "¥",
        "元",
    ],
)
def test_what_is_no_exact_amount_is_refused(cell: str) -> None:
    """Exponents, signs, parts of a fen, odd separators and amounts past 2^53 are never rounded or guessed."""
    with pytest.raises(BadCell) as caught:
        to_fen(cell)
    assert caught.value.code is DefectCode.MONEY_INVALID


@pytest.mark.parametrize(
    "cell", ["", "-", "--", "\t", "null", "NULL", "nan", "NaN", "无退款申请", "暂无来源", "\t-", '=""']
)
def test_words_for_nothing_are_absent(cell: str) -> None:
    """Each word exports write for "nothing" gives None in every kind of column."""
    assert to_fen(cell) is order_id(cell) is time_utc(cell) is word(cell) is pieces(cell) is None


def test_a_half_yuan_has_one_decimal() -> None:
    """`12.5` is 12 yuan and 50 fen."""
    assert to_fen("12.5") == 1_250
    assert to_fen("12") == 1_200


@given(moment=MOMENTS, tab=st.sampled_from(["", "\t"]))
def test_native_times_are_beijing_time(moment: datetime, tab: str) -> None:
    """A time without a zone is eight hours ahead of UTC."""
    found = time_utc(f"{tab}{moment:%Y-%m-%d %H:%M:%S}")
    assert found is not None
    assert found.tzinfo is UTC
    assert (moment.replace(microsecond=0, tzinfo=UTC) - found).total_seconds() == 8 * 3600


def test_a_spreadsheets_time_is_read_and_noticed() -> None:
    """The slash form gives the minute, and says that a spreadsheet saved the file."""
    assert time_utc("2026/6/6 13:41") == datetime(2026, 6, 6, 5, 41, tzinfo=UTC)
    assert time_utc("2026/6/6 3:04:05") == datetime(2026, 6, 5, 19, 4, 5, tzinfo=UTC)
    assert is_slash_time("2026/6/6 13:41")
    assert is_slash_time("2026-06-06 13:41")
    assert not is_slash_time("\t2026-06-06 13:41:00")


@pytest.mark.parametrize(
    "cell",
    [
        "46180.57",
        "2026-02-30 10:00:00",
        "2026/13/1 1:00",
        "2026-06-06",
        "0000-00-00 00:00:00",
        "1999-12-31 10:00:00",
        "2026-06-06 24:00:00",
        "２０２６-06-06 10:00:00",
        "2026-06-06 10:00:00+08:00",
        "9999-12-31 23:59:59",
        "20260606",
    ],
)
def test_what_is_no_moment_is_refused(cell: str) -> None:
    """Serial numbers, impossible dates and bare days are never guessed."""
    with pytest.raises(BadCell) as caught:
        time_utc(cell)
    assert caught.value.code is DefectCode.TIME_INVALID


def test_pieces_are_whole() -> None:
    """A quantity is a whole number up to a million, with or without a decimal tail."""
    assert (pieces("3"), pieces("2.0"), pieces("1\t"), pieces("1000000")) == (3, 2, 1, 1_000_000)
    for cell in ("1.5", "-1", "1000001", "１", "1e3"):
        with pytest.raises(BadCell):
            pieces(cell)


@given(st.text(max_size=300), st.booleans())
def test_a_masked_value_is_one_short_line_without_a_whole_phone_number(value: str, is_word: bool) -> None:
    """Whatever stands in a cell, what is shown has at most 24 characters and no run of seven digits."""
    shown = masked(value + "13800001111", is_word=is_word)
    assert len(shown) <= 24
    assert "\n" not in shown
    assert "13800001111" not in shown


def test_a_name_in_a_wrong_column_is_not_shown() -> None:
    """A person's name that slipped into a money column is masked, a mangled number is shown."""
    assert masked("王小明") == "王**"
    assert masked("13800001111") == "138***11"
    assert masked("3.81612E+18") == "3.81612E+18"
