"""What is not believed goes to review without what is personal, and a platform's words are made fit to show."""

from __future__ import annotations

from typing import Any, NoReturn

import pytest

from crossloyalty.adapters.wire.doubts import Disagreement, UnknownStatus, each_row, or_doubtful
from crossloyalty.adapters.wire.reading import Node, Unreadable
from crossloyalty.adapters.wire.values import Doubtful
from crossloyalty.adapters.wire.words import platform_words, request_id
from crossloyalty.errors import InvalidInput


@pytest.mark.parametrize(
    ("error", "code", "detail"),
    [
        (Disagreement("1 fen is not 2 fen"), "AMOUNT_MISMATCH", "1 fen is not 2 fen"),
        (UnknownStatus("order_status 9"), "UNKNOWN_STATUS", "order_status 9"),
        (Unreadable("order.x is missing"), "UNREADABLE", "order.x is missing"),
        (InvalidInput("bad: 'canary'"), "UNREADABLE", "a field holds what it cannot hold"),
    ],
)
def test_every_reason_for_doubt_has_its_code(error: Exception, code: str, detail: str) -> None:
    """Each reason becomes its code, and a message that quotes a value is not carried on."""

    def read() -> NoReturn:
        raise error

    found = or_doubtful(read, {"status": 1, "phone": "canary"}, "38", frozenset({"status"}))
    assert found == Doubtful(order_no="38", code=code, detail=detail, payload='{"status":1}')  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("number", "kept"),
    [
        *((38, "38"), ("9" * 128, "9" * 128), ("9" * 129, ""), (None, ""), (True, ""), ([1], ""), ("", "")),
        *(("a\x00", ""), ("\ud800", ""), (" 38", ""), ("38 ", "")),
    ],
)
def test_a_number_is_kept_where_it_is_one(number: object, kept: str) -> None:
    """Text and whole numbers name the order and the refund as a sound one is named; what no database keeps, nothing."""

    def read() -> NoReturn:
        raise Disagreement("x")

    found: Any = or_doubtful(read, {}, number, frozenset(), refund_id=number)
    assert (found.order_no, found.refund_id) == (kept, kept)


def test_what_is_believed_passes() -> None:
    """Without a doubt the value itself comes back."""
    assert or_doubtful(lambda: 7, {}, "38", frozenset()) == 7


def test_one_bad_row_does_not_spoil_the_others() -> None:
    """A row that is no object goes to review and its neighbours are read."""
    rows = each_row(Node({"rows": [{"a": 1}, 5, {"a": 2}]}, "answer"), "rows", lambda row: row.need_whole("a"))
    assert rows == [1, Doubtful(order_no="", code="UNREADABLE", detail="rows holds what is no object"), 2]
    assert each_row(Node({}, "answer"), "rows", lambda row: row) == []
    with pytest.raises(Unreadable):
        each_row(Node({"rows": {}}, "answer"), "rows", lambda row: row)


def test_words_of_a_platform_are_short_and_hold_no_long_run() -> None:
    """Tokens and order numbers are cut out, line breaks too, and the whole fits into 64 characters."""
    assert platform_words("token 3f0b8c7d6e5f4a3b2c1d0\nover", None, "", "再试") == "token … over; 再试"
    assert platform_words("字" * 65) == "字" * 63 + "…"
    assert platform_words(None) == ""


@pytest.mark.parametrize(("told", "kept"), [("a1-2.3:4_", True), ("a b", False), ("x" * 65, False), ("", False)])
def test_a_request_id_is_kept_when_it_looks_like_one(told: str, kept: bool) -> None:
    """The id for the platform's support is the one long run that is shown."""
    assert request_id(told) == (told if kept else None)
    assert request_id(None) is None
