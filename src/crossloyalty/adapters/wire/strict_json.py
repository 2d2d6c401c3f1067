"""
Read a JSON text that a platform sent, strictly: with bounds on its depth and its numbers, and no key twice.

Where msgspec is installed (`crossloyalty[speed]`) it reads nearly all of them, in half the time. What it refuses, and
what it alone could not tell to be sound, is read again by the standard library, so that both give the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from decimal import Clamped, Context, InvalidOperation, Overflow, Rounded, Subnormal
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from crossloyalty.errors import PlatformUnavailable

if TYPE_CHECKING:
    from crossloyalty.adapters.wire.values import Answer

__all__ = ["answer_json", "load_json"]

_DEEPEST: Final = 64
_SHORT: Final = 4096
_LONGEST_NUMBER: Final = 32
# A string without an end reaches to the end of the text, so that no place is looked at twice.
_STRING: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)', re.DOTALL)
_BRACKET: Final = re.compile(rb"[\[\]{}]")
# Everything but brackets and quotes; and brackets of both kinds as one kind.
_NO_MARKS: Final = bytes(set(range(256)) - set(b'[]{}"'))
_ONE_KIND: Final = bytes.maketrans(b"{}", b"[]")
# All digits as one; and so many of them as no number may have, a sign being part of its length.
_ONE_DIGIT: Final = bytes.maketrans(b"123456789", b"0" * 9)
_LONG_RUN: Final = b"0" * _LONGEST_NUMBER
_BLANKS: Final = " \t\n\r"
_BLANK_BYTES: Final = _BLANKS.encode()
_BEHIND_KEY: Final = b'":'
_BOM: Final = b"\xef\xbb\xbf"


def load_json(body: bytes, platform: str) -> Any:
    """
    Read a JSON text with bounds on depth and on the length of numbers.

    Args:
        body: UTF-8; a byte-order mark is allowed.
        platform: For the error.

    Returns:
        Plain values; numbers with a point are `Decimal`.

    Raises:
        PlatformUnavailable: It is no JSON (an HTML page, cut off, empty), too deep, or holds NaN or doubled keys.
    """
    try:
        _check_depth(body)
        body = body.removeprefix(_BOM)
        # Where no run of digits is long, no whole number is, and the parser need not ask about each of them.
        if _has_long_run(body):
            return _whole_value(_CAREFUL, body)
        value = _by_msgspec(body)
        if value is _UNSURE:
            value = _by_counting(body)
        return _whole_value(_CAREFUL, body) if value is _UNSURE else value
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise PlatformUnavailable("the answer is no JSON text as its page describes it", platform=platform) from error


def answer_json(answer: Answer, platform: str) -> Any:
    """
    Read the body of an answer as `load_json` does, once for the answer.

    Args:
        answer: It keeps what was read, so that it lasts as long as the body itself.
        platform: For the error.

    Returns:
        What every other caller gets for this answer too; nobody changes it.

    Raises:
        PlatformUnavailable: See `load_json`.
    """
    if not answer.read:
        answer.read.append(load_json(answer.body, platform))
    return answer.read[0]


def _check_depth(body: bytes) -> None:
    # No byte of a character outside ASCII looks like a quote or a bracket, so bytes are as good as characters.
    # A page of orders has more brackets than that in any case, so that counting them there is time lost.
    if len(body) <= _SHORT and body.count(b"[") + body.count(b"{") <= _DEEPEST:
        return
    if _is_flat(body):
        return
    # Strings are cut out and brackets picked by patterns, which is fifty times as fast as looking at each byte.
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub(b"", body)):
        depth += 1 if bracket in b"[{" else -1
        if depth > _DEEPEST:
            raise ValueError("nested too deep")


def _is_flat(body: bytes) -> bool:
    """
    Say that a text is surely not too deep, ten times as fast as the patterns; False: they have to look.

    Where no quote is escaped, every string without a bracket leaves two quotes side by side. A string with one leaves
    an odd number of quotes before it, so that a quote is left over. Taking away all empty pairs takes away one level.
    """
    # One byte is found forty times as fast as two, and most answers have no backslash at all.
    if b"\\" in body and (b'\\"' in body or b"\\\\" in body):
        return False
    marks = body.translate(_ONE_KIND, _NO_MARKS).replace(b'""', b"")
    if b'"' in marks:
        return False
    levels = 0
    while marks and levels < _DEEPEST:
        inner = marks.replace(b"[]", b"")
        if len(inner) == len(marks):
            break
        marks, levels = inner, levels + 1
    return levels + marks.count(b"[") <= _DEEPEST


def _has_long_run(body: bytes) -> bool:
    # A run of 32 digits is a run of 4 in every eighth byte, where hardly an answer has one: an eighth of the work.
    return _LONG_RUN[::8] in body[::8].translate(_ONE_DIGIT) and _LONG_RUN in body.translate(_ONE_DIGIT)


# Numbers with a point keep all their digits, 32 at most, or are refused.
_decimal: Final = Context(
    prec=_LONGEST_NUMBER,
    Emax=_LONGEST_NUMBER,
    Emin=-_LONGEST_NUMBER,
    traps=[Clamped, InvalidOperation, Overflow, Rounded, Subnormal],
).create_decimal


def _whole(text: str) -> int:
    if len(text) > _LONGEST_NUMBER:
        raise ValueError("a number that is too long")
    return int(text)


def _refuse(text: str) -> Any:
    raise ValueError("NaN and Infinity are no JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key stands twice")
    return made


_VALUES: Final[Mapping[str, Any]] = {"parse_float": _decimal, "parse_constant": _refuse}
_CAREFUL: Final = json.JSONDecoder(parse_int=_whole, object_pairs_hook=_unique, **_VALUES)


def _whole_value(decoder: json.JSONDecoder, body: bytes) -> Any:
    text = body.decode().strip(_BLANKS)
    value, end = decoder.raw_decode(text)
    if end != len(text):
        raise ValueError("more than one value")
    return value


# What a quick way gives that cannot tell whether a text is sound.
_UNSURE: Final = object()


def _by_msgspec(body: bytes) -> Any:
    # Where no text has a quote in it, quotes are those around keys and texts. What is written again has as many as were
    # kept, and where those are all, no key stood twice.
    if _COMPILED is None or (b"\\" in body and any(each in body for each in _QUOTE_INSIDE)):
        return _UNSURE
    try:
        value = _COMPILED.decode(body)
        return value if _COMPILED.encode(value).count(b'"') == body.count(b'"') else _UNSURE
    except _COMPILED.refusals:
        return _UNSURE


# Escapes that may put a quote into a text.
_QUOTE_INSIDE: Final = (rb"\"", rb"\\", rb"\u00")


class _Quick:
    """A decoder that counts the keys of the objects it makes, in half the time of looking at each of them."""

    __slots__ = ("decoder", "keys")

    def __init__(self) -> None:
        self.keys = 0
        self.decoder = json.JSONDecoder(object_hook=self._counted, **_VALUES)

    def _counted(self, made: dict[str, Any]) -> dict[str, Any]:
        self.keys += len(made)
        return made


# Those that nobody reads with now: as many as have ever read at once.
_IDLE: Final[list[_Quick]] = []


def _by_counting(body: bytes) -> Any:
    # Behind every key stand a quote and a colon, and but for blanks nothing between. So there are no more keys than
    # that, and where the objects hold as many, none of them stands twice.
    try:
        quick = _IDLE.pop()
    except IndexError:
        quick = _Quick()
    quick.keys = 0
    try:
        value = _whole_value(quick.decoder, body)
        keys = quick.keys
    finally:
        _IDLE.append(quick)
    # Colons alone are counted forty times as fast, and where no text has one, that is enough.
    is_sound = keys == body.count(b":") or keys == body.translate(None, _BLANK_BYTES).count(_BEHIND_KEY)
    return value if is_sound else _UNSURE


class _Compiled(NamedTuple):
    decode: Callable[[bytes], Any]
    encode: Callable[[Any], bytes]
    refusals: tuple[type[Exception], ...]


def _compiled() -> _Compiled | None:
    try:
        import msgspec

        decode = msgspec.json.Decoder(float_hook=_decimal).decode
        encode = msgspec.json.Encoder(decimal_format="number").encode
    except (ImportError, TypeError):  # not there, or so old that it knows no hook
        return None
    # Its own errors are a ValueError in newer versions only.
    return _Compiled(decode, encode, (msgspec.MsgspecError, ValueError, ArithmeticError))


_COMPILED: Final = _compiled()
