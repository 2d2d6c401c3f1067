"""The checks of many rows at a time say what the check of one value says, on the rows that storages really get."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossloyalty.errors import InvalidInput
from crossloyalty.storage._checks import check_record, quick_check, quick_one
from crossloyalty.storage._shape import SHAPES, Column, Shape

KINDS = [pytest.param(shape, id=shape.table) for shape in SHAPES.values()]
WRONG = st.sampled_from([True, 1.5, b"a", "a\0b", None, 7, "a", ("a",)])


def a_row(shape: Shape, *, absent: bool) -> list[Any]:
    """Give a fine row; with *absent*, everything that may be absent is."""
    return [None if absent and column.nullable else "a" if column.is_text else 7 for column in shape.columns]


@pytest.mark.parametrize("shape", KINDS)
@pytest.mark.parametrize("absent", [False, True])
def test_a_fine_row_of_every_table_needs_no_slow_check(shape: Shape, absent: bool) -> None:
    row = tuple(a_row(shape, absent=absent))
    assert quick_one(shape.columns)(row)
    assert quick_check(shape.columns)([row, tuple(a_row(shape, absent=not absent))])


@given(data=st.data())
def test_quick_and_slow_checks_agree(data: st.DataObject) -> None:
    shape = data.draw(st.sampled_from(list(SHAPES.values())))
    row = a_row(shape, absent=data.draw(st.booleans()))
    row[data.draw(st.integers(0, len(row) - 1))] = data.draw(WRONG)
    try:
        check_record(shape.kind(*row))
        fine = True
    except InvalidInput:
        fine = False
    assert quick_one(shape.columns)(tuple(row)) is fine
    assert quick_check(shape.columns)([tuple(a_row(shape, absent=False)), tuple(row)]) is fine


@pytest.mark.parametrize("shape", KINDS)
def test_a_row_of_the_wrong_length_is_not_fine(shape: Shape) -> None:
    row = tuple(a_row(shape, absent=False))
    for wrong in (row[:-1], (*row, "a")):
        assert not quick_one(shape.columns)(wrong)
        assert not quick_check(shape.columns)([row, wrong])


def test_text_that_may_be_absent_is_checked_where_it_is_there() -> None:
    columns = (Column("name", is_text=True, nullable=False), Column("note", is_text=True, nullable=True))
    fits = quick_one(columns)
    assert all(fits(("a", right)) for right in (None, "", "b"))
    assert not any(fits(("a", wrong)) for wrong in ("b\0", 0, False, b"", 7))
