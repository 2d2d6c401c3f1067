"""Answers of platforms are read strictly: bounds on JSON, exact amounts, aware times, and no value in a message."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crossloyalty.adapters.wire.reading import Node, Unreadable, redacted, yuan_to_fen
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.signing import explained, joined_pairs, same
from crossloyalty.adapters.wire.strict_json import load_json
from crossloyalty.adapters.wire.values import Call
from crossloyalty.errors import ConfigError, WrongType


@given(st.integers(0, 2**53 - 1))
@example(2_007)
def test_yuan_are_exact(fen: int) -> None:
    """Every amount survives, as text, as a number of a JSON answer, and with further zeros."""
    text = f"{fen // 100}.{fen % 100:02d}"
    assert yuan_to_fen(text) == yuan_to_fen(text + "00") == yuan_to_fen(Decimal(text)) == fen
    (read,) = load_json(f"[{text}]".encode(), "jd")
    assert yuan_to_fen(read) == fen


@pytest.mark.parametrize(
    ("written", "fen"),
    [
        *(("0", 0), ("0.0", 0), ("1.5", 150), ("1.50", 150), ("1.500", 150), (" 7.25\t", 725), ("-1.5", -150)),
        *(("-0.05", -5), (Decimal("0.0"), 0), (Decimal("-0.0"), 0), (Decimal("0E-7"), 0), (Decimal("1E+2"), 10_000)),
        *((3, 300), ("9999999999999.99", 999_999_999_999_999), ("90071992547409.91", 2**53 - 1)),
    ],
)
def test_every_spelling_of_an_amount_is_the_amount(written: Any, fen: int) -> None:
    """One decimal, none, zeros behind them, signs and blanks: short and long ways of reading agree."""
    assert yuan_to_fen(written) == fen
    if fen >= 0:
        assert node(amount=written).yuan("amount") == node(amount=written).need_yuan("amount") == fen


@pytest.mark.parametrize(
    "bad",
    [
        1.5,
        True,
        None,
        "",
        "1.005",
        "1,000.00",
        "１",
        "1e2",
        "99999999999999.9",
        "9" * 15 + ".99",
        "1.2.34",
        "1.23.4",
        "１.50",
        "٣",
        "--1",
        "99999999999999999",
        "1.5.0",
        "1.",
        ".50",
        "1.²",
        "²",
        "90071992547409.92",
    ],
)
def test_what_is_no_amount_is_refused(bad: Any) -> None:
    """Floats, thirds of a fen, separators and foreign digits are no amounts."""
    with pytest.raises(Unreadable):
        yuan_to_fen(bad)


def node(**fields: Any) -> Node:
    """Give an object of an answer."""
    return Node(fields, "order")


def test_a_wrong_field_is_named_and_its_value_is_not() -> None:
    """The message of a wrong field says where, never what: values may be personal."""
    for read in ("whole", "fen", "yuan", "flag", "beijing", "seconds", "nodes", "node"):
        with pytest.raises(Unreadable, match=r"^order\.phone ") as caught:
            getattr(node(phone="13800138000x"), read)("phone")
        assert "138" not in str(caught.value)


def test_times_become_aware_utc() -> None:
    """Beijing wall-clock texts, seconds and milliseconds are one moment; zeros are none."""
    moment = datetime(2026, 3, 1, 1, 12, 40, tzinfo=UTC)
    read = node(text="2026-03-01 09:12:40", s=1772327560, ms="1772327560000", zero=0, none="0000-00-00 00:00:00")
    assert read.beijing("text") == read.seconds("s") == read.milliseconds("ms") == moment
    assert (read.seconds("zero"), read.beijing("none"), read.beijing("absent")) == (None, None, None)
    for bad in ("2026-02-30 00:00:00", "2026-03-01", "2026-03-01 25:00:00"):
        with pytest.raises(Unreadable):
            node(at=bad).beijing("at")


@given(st.integers(1, 8_999 * 366 * 86_400), st.integers(0, 999))
@example(3_999_999_999, 1)
@example(4_000_000_000, 0)
def test_seconds_and_milliseconds_are_exact(second: int, more: int) -> None:
    """Every moment up to the year 9000 is that many seconds behind 1970, to the millisecond; later ones are none."""
    at = node(s=second, ms=second * 1000 + more, text=str(second))
    if second >= datetime(9000, 1, 1, tzinfo=UTC).timestamp():
        for read in (at.seconds, at.milliseconds):
            with pytest.raises(Unreadable):
                read("s" if read == at.seconds else "ms")
        return
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
    assert at.seconds("s") == at.seconds("text") == moment
    assert at.milliseconds("ms") == moment + timedelta(milliseconds=more)
    assert at.seconds("s").tzinfo is UTC  # type: ignore[union-attr]


@pytest.mark.parametrize("value", [True, -1, 2**63, 1.5, "x"])
def test_what_is_no_moment_is_refused(value: Any) -> None:
    """A truth, a moment before 1970, and one no system knows are no times."""
    for read in (node(at=value).seconds, node(at=value).milliseconds):
        with pytest.raises(Unreadable):
            read("at")


def test_a_message_names_the_whole_way_to_a_field() -> None:
    """Objects and places of lists on the way stand in it."""
    inner = node(a=[{"b": {"c": [{}, {"d": "x"}]}}]).nodes("a")[0].need_node("b").nodes("c")[1]
    assert inner.path == "order.a[0].b.c[1]"
    with pytest.raises(Unreadable, match=r"^order\.a\[0\]\.b\.c\[1\]\.d is not a whole number$"):
        inner.whole("d")
    with pytest.raises(Unreadable, match=r"^order\.a\[1\] is no object$"):
        node(a=[{}, 1]).nodes("a")


def test_a_needed_field_is_checked_like_any_other() -> None:
    """What may be absent and what may not are of one shape."""
    bad: Any
    for bad in (True, 2**63, -(2**63), 1.5):
        for read in (node(a=bad).need_whole, node(a=bad).need_fen, node(a=bad).whole, node(a=bad).fen):
            with pytest.raises(Unreadable):
                read("a")
    assert node(a="12").need_whole("a") == node(a=12).need_fen("a") == node(a="12").need_fen("a") == 12
    assert node(a=12).need_text("a") == "12"


def test_zero_yuan_is_an_amount_however_it_is_written() -> None:
    """Zero as a decimal, a whole number and a text is 0 fen, and is not taken for nothing stated."""
    for zero in (Decimal("0.0"), Decimal(0), Decimal("-0.00"), 0, "0", "0.00"):
        assert node(a=zero).yuan("a") == 0
    with pytest.raises(Unreadable):
        node(a=False).yuan("a")


def test_absent_null_and_empty_are_nothing_but_needed_ones_are_missed() -> None:
    """A field that is not there is None, and `need_…` says that it is missing."""
    for read in (node(), node(a=None), node(a="")):
        assert (read.text("a"), read.whole("a"), read.yuan("a"), read.node("a")) == (None, None, None, None)
        with pytest.raises(Unreadable, match=r"order\.a is missing"):
            read.need_text("a")


def test_only_named_fields_are_kept_for_review() -> None:
    """What is not on the allow-list goes, at every depth."""
    value = {"tid": "1", "phone": "138", "orders": [{"oid": "2", "name": "x"}], "receiver": {"tid": "3"}}
    assert json.loads(redacted(value, frozenset({"tid", "orders", "oid"}))) == {"tid": "1", "orders": [{"oid": "2"}]}


def test_secrets_show_nowhere() -> None:
    """A secret is in no text, no pickle and no empty form; a call does not show what was signed with it."""
    secret = Secret("tops3cret")
    call = Call(name="x", method="GET", url="https://a.example/b?token=tops3cret", body=b"tops3cret")
    for text in (repr(secret), str(secret), f"{secret:>9}", repr(call), call.place):
        assert "tops3cret" not in text
    assert call.place == "GET a.example/b"
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(ConfigError):
        Secret(" ")
    with pytest.raises(WrongType):
        Secret(b"x")  # type: ignore[arg-type]
    assert explained("tops3creta1tops3cret", secret) == "<secret>a1<secret>"


def test_an_absent_signature_is_never_right() -> None:
    """Nothing, an empty text and another length are wrong; non-ASCII text is compared, not raised on."""
    assert same("ab", b"ab")
    for given_, expected in ((None, "ab"), ("", "ab"), ("", ""), ("abc", "ab"), ("é", "ab")):
        assert not same(given_, expected)
    assert joined_pairs({"b": "2", "B": "1", "a_": "3"}) == "B1a_3b2"
