"""JSON texts of platforms are read with bounds, and in the same way with msgspec and without."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import attrs
import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crossloyalty.adapters.wire import strict_json
from crossloyalty.adapters.wire.strict_json import answer_json
from crossloyalty.adapters.wire.values import Answer
from crossloyalty.errors import PlatformUnavailable


def load_json(body: bytes, platform: str) -> Any:
    """Read with msgspec and without, which have to agree in all that can be seen."""
    with patch.object(strict_json, "_COMPILED", None):
        plainly = outcome(body, platform)
    quickly = outcome(body, platform)
    if isinstance(plainly, PlatformUnavailable):
        assert isinstance(quickly, PlatformUnavailable)
        assert (str(quickly), quickly.platform) == (str(plainly), plainly.platform)
        raise quickly
    assert repr(quickly) == repr(plainly)  # 1, True, 1.0 and Decimal("1.0") are equal and not the same
    return quickly


def outcome(body: bytes, platform: str) -> Any:
    """Give the value, or the refusal."""
    try:
        return strict_json.load_json(body, platform)
    except PlatformUnavailable as error:
        return error


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>busy</html>",
        b'{"a":',
        b"[" * 100_000,
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":1,"a":2}',
        b'{"a":1e999}',
        b'{"a":' + b"1" * 5_000 + b"}",
        b"\xff\xfe",
        b'{"a":"\\' + b"[" * 70,
    ],
)
def test_what_is_no_sound_json_is_an_outage(body: bytes) -> None:
    """HTML, cut, empty, deep, huge and ambiguous answers are `PlatformUnavailable`, whatever json.loads would say."""
    with pytest.raises(PlatformUnavailable) as caught:
        load_json(body, "taobao")
    assert caught.value.platform == "taobao"


@given(
    st.integers(30, 36),
    st.booleans(),
    st.sampled_from(["", '"' + "7" * 40 + '",', '"' + "7" * 40 + '":']),
    st.integers(0, 7),
)
def test_a_whole_number_has_up_to_32_characters(digits: int, negative: bool, before: str, place: int) -> None:
    """The sign counts, a long number in a text does not, one character more is refused, wherever the number stands."""
    number = " " * place + "-" * negative + "9" * digits
    body = ("{" + before + number + "}" if before.endswith(":") else f"[{before}{number}]").encode()
    number = number.strip()
    if len(number) > 32:
        with pytest.raises(PlatformUnavailable):
            load_json(body, "jd")
    else:
        value = load_json(body, "jd")
        assert int(number) in (value.values() if isinstance(value, dict) else value)


BLANKS = st.sampled_from(["", "", "", " ", "\t", "\n", "\r"])
KEYS = st.sampled_from(["a", "b", ":", "a:", ":a", '":', "\\", ""]).map(json.dumps)
TEXTS = st.sampled_from([":", ":x", "a", '":', "x :", "\\", ""]).map(json.dumps)


@st.composite
def objects(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    """Write an object whose keys may stand twice, with blanks where JSON allows them."""
    members = draw(st.lists(st.tuples(KEYS, BLANKS, BLANKS, inner), max_size=4))
    return "{" + ",".join(f"{key}{before}:{behind}{value}" for key, before, behind, value in members) + "}"


@given(st.recursive(TEXTS, objects, max_leaves=8).filter(lambda text: text.startswith("{")))
@example('{"a":1,"a" :2}')
@example('{"x":":","a":1,"a" :2}')
@example('{"a:b":1,"a":1,"a":2}')
def test_a_key_that_stands_twice_is_found_wherever_it_stands(text: str) -> None:
    """Counting keys finds doubled ones like looking at each object: however blanks and colons are strewn in."""
    doubled = []

    def made_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        doubled.append(len(dict(pairs)) != len(pairs))
        return dict(pairs)

    made = json.loads(text, object_pairs_hook=made_of)
    if any(doubled):
        with pytest.raises(PlatformUnavailable):
            load_json(text.encode(), "jd")
    else:
        assert load_json(text.encode(), "jd") == made


def test_one_byte_order_mark_is_allowed() -> None:
    """The first mark is none of the text; a second one is."""
    assert load_json(b"\xef\xbb\xbf[1]", "jd") == [1]
    with pytest.raises(PlatformUnavailable):
        load_json(b"\xef\xbb\xbf" * 2 + b"[1]", "jd")


def test_brackets_inside_texts_are_no_depth() -> None:
    """A text full of brackets and quotes is read as it stands."""
    text = '[{"' * 100
    assert load_json(json.dumps({"a": text}).encode(), "jd") == {"a": text}


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    """Whatever comes, it is a value or the one typed error."""
    with suppress(PlatformUnavailable):
        load_json(body, "jd")


# Written as JSON writes them: quotes and backslashes, plain escapes, characters by number, half a pair, and no escape.
ESCAPED = st.sampled_from(
    [r"\"", r"\\", r"\/", r"\n", r"\u4e2d", r"\u0022", r"\u00e9", r"\u0000", r"\ud83d\ude00", r"\ud800", r"\x"]
)
PLAIN = st.text(max_size=3).map(lambda text: json.dumps(text, ensure_ascii=False)[1:-1])
STRINGS = st.lists(ESCAPED | PLAIN, max_size=3).map(lambda parts: '"' + "".join(parts) + '"')
LONG = ["9" * 31, "9" * 32, "9" * 33, "0." + "1" * 32, "0." + "1" * 33, "1" * 40 + ".5", "1e999", "0e99"]
NUMBERS = st.from_regex(r"-?[0-9]{1,3}(\.[0-9]{1,3})?([eE][+-]?[0-9]{1,3})?", fullmatch=True) | st.sampled_from(
    [*LONG, "-0", "-0.0", "NaN"]
)
WORDS = st.sampled_from(["true", "false", "null", "tru", "", "[", "}", ","])


@st.composite
def arrays(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    """Write an array with blanks where JSON allows them."""
    return "[" + ",".join(draw(BLANKS) + each + draw(BLANKS) for each in draw(st.lists(inner, max_size=4))) + "]"


JSON = st.recursive(STRINGS | NUMBERS | WORDS, lambda inner: objects(inner) | arrays(inner), max_leaves=12)


@given(JSON)
@example('{"a":"\\u0022:","b":1,"b":2}')
@example('{"a":"\\"","a":1}')
@example('["\\ud800"]')
def test_msgspec_reads_as_the_standard_library_does(text: str) -> None:
    """Escapes, long and odd numbers, blanks and what is no JSON: the same value or the same refusal."""
    with suppress(PlatformUnavailable):
        load_json(text.encode("utf-8", "surrogatepass"), "jd")


@pytest.mark.release
@given(JSON)
@settings(max_examples=20_000)
def test_msgspec_reads_as_the_standard_library_does_for_long(text: str) -> None:
    """The same, for long."""
    with suppress(PlatformUnavailable):
        load_json(text.encode("utf-8", "surrogatepass"), "jd")


def test_msgspec_is_used_where_it_can_tell() -> None:
    """An ordinary page is read by it alone; one with quotes inside texts is not."""
    page = json.dumps({"code": 0, "rows": [{"no": "1:2", "words": "中 \n/", "paid": 12.5}]}).encode()
    assert strict_json._by_msgspec(page) == {
        "code": 0,
        "rows": [{"no": "1:2", "words": "中 \n/", "paid": Decimal("12.5")}],
    }
    for unsure in (b'{"a":"\\""}', b'{"a":1,"a":1}', b'{"a":"\\u0022"}', b"{"):
        assert strict_json._by_msgspec(unsure) is strict_json._UNSURE


def test_an_older_msgspec_is_no_harm() -> None:
    """Its error is no ValueError there, and what it refuses is judged by the standard library all the same."""
    given = strict_json._COMPILED
    assert given is not None

    def refuse(body: bytes) -> Any:
        raise msgspec.MsgspecError("as 0.20 says it")

    with patch.object(strict_json, "_COMPILED", given._replace(decode=refuse)):
        assert strict_json.load_json(b"[1.5]", "jd") == [Decimal("1.5")]
        with pytest.raises(PlatformUnavailable):
            strict_json.load_json(b"<html>", "jd")


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("0." + "1" * 32, Decimal("0." + "1" * 32)),
        ("-0.50", Decimal("-0.50")),
        ("1e5", Decimal("1E+5")),
        ("0e0", Decimal(0)),
    ],
)
def test_a_number_with_a_point_keeps_every_digit(written: str, value: Decimal) -> None:
    """It is the decimal that was written."""
    (read,) = load_json(f"[{written}]".encode(), "jd")
    assert (read, read.as_tuple().exponent) == (value, value.as_tuple().exponent)


@pytest.mark.parametrize(
    "written", ["0." + "1" * 33, "1.5" + "0" * 31, "1" * 32 + ".5", "1e33", "1e-40", "1e999999999"]
)
def test_a_number_with_more_than_32_digits_is_an_outage(written: str) -> None:
    """Nothing is rounded, and nothing grows when it is written out."""
    with pytest.raises(PlatformUnavailable):
        load_json(f"[{written}]".encode(), "jd")


def _deepest(text: str) -> int:
    """Count the depth character by character."""
    depth = deepest = 0
    inside = escaped = False
    for each in text:
        if inside:
            inside = escaped or each != '"'
            escaped = not escaped and each == "\\"
        elif each == '"':
            inside = True
        elif each in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif each in "]}":
            depth -= 1
    return deepest


@given(st.text('[]{}"\\a', max_size=60), st.integers(0, 70), st.sampled_from([0, 5_000]))
def test_the_depth_is_that_of_the_characters(text: str, more: int, blanks: int):
    """Whatever stands in strings, escaped or without an end, is no depth, be the text short or long; 64 is the most."""
    whole = " " * blanks + "[" * more + text
    try:
        strict_json._check_depth(whole.encode())
        refused = False
    except ValueError:
        refused = True
    assert refused == (_deepest(whole) > 64)


@given(
    st.lists(st.sampled_from(["[", "]", "{}", "[[]]", '"]"', '"[{"', '"\\""', '"\\n"', "a"]), max_size=12),
    st.integers(1, 40),
)
@example(["[", '"]"'], 65)
@example(["[[]]"], 40)
def test_the_quick_look_agrees_with_the_characters(parts: list[str], times: int):
    """Of many brackets, in strings and outside, those outside alone are depth, whichever way they are counted."""
    text = "".join(parts) * times
    try:
        strict_json._check_depth(text.encode())
        refused = False
    except ValueError:
        refused = True
    assert refused == (_deepest(text) > 64)


def test_an_answer_is_read_once() -> None:
    """Whoever asks again gets the very value, which is neither compared nor shown."""
    answer = Answer(status=200, body=b'{"buyer":"Li"}')
    assert answer_json(answer, "jd") is answer_json(answer, "jd")
    assert answer_json(answer, "jd") == {"buyer": "Li"}
    assert answer == Answer(status=200, body=b'{"buyer":"Li"}')
    assert "Li" not in repr(answer)
    broken = Answer(status=200, body=b"<html>")
    for _ in range(2):
        with pytest.raises(PlatformUnavailable):
            answer_json(broken, "jd")


def test_what_is_made_of_an_answer_is_its_own() -> None:
    """A copy with another body is read anew."""
    answer = Answer(status=200, body=b"[1]")
    assert answer_json(answer, "jd") == [1]
    assert answer_json(attrs.evolve(answer, body=b"[2]"), "jd") == [2]


@pytest.mark.parametrize("text", ['"' * 400_000, '\\"' * 200_000, '["' + "\\" * 400_000, "[" * 70 + '"[' * 200_000])
def test_the_depth_is_found_in_time(text: str):
    """Texts made of quotes and backslashes take no longer than others."""
    began = time.monotonic()
    with suppress(ValueError):
        strict_json._check_depth(("[]" * 70 + text).encode())
    assert time.monotonic() - began < 2.0
