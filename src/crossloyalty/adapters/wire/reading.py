"""
Read what a platform answered, strictly: JSON with bounds, fields with types and units.

A field that is absent, null or empty is None; a field of the wrong shape is `Unreadable`, which names the field and
never its value, because values may be personal.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeVar

from crossloyalty.domain.orders import LARGEST_FEN
from crossloyalty.errors import PlatformUnavailable

if TYPE_CHECKING:
    from crossloyalty.adapters.wire.values import Answer

__all__ = ["BEIJING", "Node", "Unreadable", "answer_json", "load_json", "redacted", "yuan_to_fen"]

_AHEAD: Final = timedelta(hours=8)
BEIJING: Final = timezone(_AHEAD)
_DEEPEST: Final = 64
_SHORT: Final = 4096
_LONGEST_NUMBER: Final = 32
_MOST: Final = 2**63 - 1
_LEAST: Final = -_MOST
_YUAN: Final = re.compile(r"(-?)([0-9]{1,14})(?:\.([0-9]{1,2})0*)?", re.ASCII)
_QUICK_YUAN: Final = 16
_WHOLE: Final = re.compile(r"-?[0-9]{1,19}", re.ASCII)
_TIME: Final = re.compile(r"[0-9]{4}[-/][0-9]{2}[-/][0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}", re.ASCII)
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
_NO_TIME: Final = ("", "0", "-", "--")
_NO_YEARS: Final = ("0000", "0001", "1970")
_T = TypeVar("_T")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST_S: Final = datetime(9000, 1, 1, tzinfo=UTC).timestamp()
# Before this second, in 2096, every system's own calendar can be asked, which is three times as fast as adding.
_QUICK_S: Final = 4_000_000_000


class Unreadable(ValueError):
    """One part of an answer is not what its platform's page says; the message names the field, never its value."""


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
        text = body.removeprefix(_BOM).decode().strip(_BLANKS)
        value, end = _decoded(body, text)
        if end != len(text):
            raise ValueError("more than one value")
        return value
    except (ValueError, RecursionError) as error:
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


def _decoded(body: bytes, text: str) -> tuple[Any, int]:
    # Where no run of digits is long, no whole number is, and the parser need not ask about each of them.
    if _has_long_run(body):
        return _CAREFUL.raw_decode(text)
    try:
        quick = _IDLE.pop()
    except IndexError:
        quick = _Quick()
    quick.keys = 0
    try:
        read = quick.decoder.raw_decode(text)
        keys = quick.keys
    finally:
        _IDLE.append(quick)
    # Behind every key stand a quote and a colon, and but for blanks nothing between. So there are no more keys in the
    # text than this counts, and where the objects hold as many, none of them stands twice.
    if keys != body.translate(None, _BLANK_BYTES).count(_BEHIND_KEY):
        return _CAREFUL.raw_decode(text)
    return read


def _has_long_run(body: bytes) -> bool:
    # A run of 32 digits is a run of 4 in every eighth byte, where hardly an answer has one: an eighth of the work.
    return _LONG_RUN[::8] in body[::8].translate(_ONE_DIGIT) and _LONG_RUN in body.translate(_ONE_DIGIT)


@lru_cache(maxsize=512)  # most amounts of an order are 0.00
def _decimal(text: str) -> Decimal:
    if len(text) > _LONGEST_NUMBER or "e" in text or "E" in text:
        raise ValueError("a number in a form no platform uses")
    return Decimal(text)


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


def yuan_to_fen(value: Any) -> int:
    """
    Turn an amount in yuan into fen without ever passing through a float.

    Args:
        value: Text like "200.07", a `Decimal` or an integer; more than two decimals must be zeros.

    Raises:
        Unreadable: It is no such amount, or larger than an order can be.
    """
    text = value if type(value) is str else _amount_text(value)
    whole, _, cents = text.partition(".")
    # "200.07" or "200.0", as nearly all are written: so short a number is no larger than an order can be.
    if len(cents) <= 2 and len(text) <= _QUICK_YUAN and whole.isdigit() and cents.isdigit() and text.isascii():
        return int(whole + cents) * (1 if len(cents) == 2 else 10)
    found = _YUAN.fullmatch(text) or _YUAN.fullmatch(text.strip(" \t"))
    if found is None:
        raise Unreadable("is no amount in yuan")
    sign, whole, cents = found.groups()
    fen = int(whole) * 100
    if cents is not None:
        fen += int(cents) if len(cents) == 2 else int(cents) * 10
    if fen > LARGEST_FEN:
        raise Unreadable("is larger than an order can be")
    return -fen if sign else fen


def _amount_text(value: Any) -> str:
    if type(value) is bool or not isinstance(value, (Decimal, str, int)):
        raise Unreadable("is no amount in yuan")
    text = str(value)
    return format(value, "f") if "E" in text and isinstance(value, Decimal) else text


@lru_cache(maxsize=512)
def _beijing(text: str) -> datetime | None:
    """Read Beijing wall-clock time; an order repeats its times, so the last few hundred are kept."""
    if len(text) == 19 and text[4] == text[7] == "-" and text[10] == " " and text[13] == text[16] == ":":
        # "2026-11-07 21:35:06", as nearly all are written: what stands here in so many places is read in no other way.
        return None if text[:4] in _NO_YEARS else datetime.fromisoformat(f"{text}+00:00") - _AHEAD
    if text in _NO_TIME or text.startswith(_NO_YEARS):
        return None
    if not _TIME.fullmatch(text):
        raise ValueError("no time")
    # China has had no summer time since 1991, so Beijing is eight hours ahead of UTC in every order's time.
    return datetime.fromisoformat(f"{text.replace('/', '-')}+00:00") - _AHEAD


@lru_cache(maxsize=512)  # an order repeats its times, and orders of one page share them
def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


class Node:
    """
    One JSON object of an answer, read field by field.

    Args:
        value: The object.
        path: Where it stands, for messages: in words, or the object around it, the field and the place in its list.

    Raises:
        Unreadable: It is no object.
    """

    __slots__ = ("_path", "value")

    def __init__(self, value: Any, path: str | tuple[Node, str, int | None]) -> None:
        self._path = path
        if type(value) is not dict and not isinstance(value, Mapping):
            raise Unreadable(f"{self.path} is no object")
        self.value: Mapping[str, Any] = value

    @property
    def path(self) -> str:
        """Where it stands, for messages; put into words when one is written, which is seldom."""
        if isinstance(self._path, str):
            return self._path
        outer, name, place = self._path
        return f"{outer.path}.{name}" if place is None else f"{outer.path}.{name}[{place}]"

    def __contains__(self, name: str) -> bool:
        return name in self.value

    def raw(self, name: str) -> Any:
        """Give a field as it stands; None when it is absent, null or an empty text."""
        value = self.value.get(name)
        return None if value == "" else value

    def text(self, name: str) -> str | None:
        """Give a text or a whole number as text: ids come in both forms."""
        value = self.value.get(name)
        if type(value) is str:
            return value or None
        if value is None:
            return None
        if type(value) is int:
            return str(value)
        raise self._bad(name, "text")

    def need_text(self, name: str) -> str:
        """Give a text that has to be there."""
        value = self.value.get(name)
        return value if type(value) is str and value else self._there(name, self.text(name))

    def whole(self, name: str) -> int | None:
        """Give a whole number, written as a number or as text."""
        value = self.value.get(name)
        if type(value) is int and _LEAST <= value <= _MOST:
            return value
        if value is None or value == "":
            return None
        if type(value) is str and _WHOLE.fullmatch(value):
            return int(value)
        raise self._bad(name, "a whole number")

    def wholes(self, *names: str) -> Sequence[int | None]:
        """Give several whole numbers, each as `whole` does, in one look at all of them."""
        values = tuple(map(self.value.get, names))
        for value in values:
            if value is not None and not (type(value) is int and _LEAST <= value <= _MOST):
                return [self.whole(name) for name in names]
        return values

    def need_whole(self, name: str) -> int:
        """Give a whole number that has to be there."""
        value = self.value.get(name)
        return value if type(value) is int and _LEAST <= value <= _MOST else self._there(name, self.whole(name))

    def fen(self, name: str) -> int | None:
        """Give an amount that is stated in fen, ≥ 0."""
        value: int | None = self.value.get(name)
        if value is None or (type(value) is int and 0 <= value <= LARGEST_FEN):
            return value
        value = self.whole(name)
        if value is not None and not 0 <= value <= LARGEST_FEN:
            raise self._bad(name, "an amount in fen")
        return value

    def fens(self, *names: str) -> Sequence[int | None]:
        """Give several amounts that are stated in fen, each as `fen` does, in one look at all of them."""
        values = tuple(map(self.value.get, names))
        for value in values:
            if value is not None and not (type(value) is int and 0 <= value <= LARGEST_FEN):
                return [self.fen(name) for name in names]
        return values

    def need_fen(self, name: str) -> int:
        """Give an amount in fen that has to be there."""
        value = self.value.get(name)
        return value if type(value) is int and 0 <= value <= LARGEST_FEN else self._there(name, self.fen(name))

    def yuan(self, name: str) -> int | None:
        """Give, in fen, an amount ≥ 0 that is stated in yuan."""
        value = self.value.get(name)
        if not value:
            # Its type first: comparing a decimal with a text takes longer than all the rest.
            if type(value) is Decimal:
                return 0
            if value is None or value == "":
                return None
        try:
            fen = yuan_to_fen(value)
        except Unreadable as error:
            raise Unreadable(f"{self.path}.{name} {error}") from None
        if fen < 0:
            raise self._bad(name, "an amount that is not negative")
        return fen

    def need_yuan(self, name: str) -> int:
        """Give, in fen, an amount in yuan that has to be there."""
        return self._there(name, self.yuan(name))

    def flag(self, name: str) -> bool | None:
        """Give a truth, written as true, 1, "true", "1" or their opposites."""
        value = self.value.get(name)
        if value is None or value == "":
            return None
        if value in (0, "0", "false", "False"):  # which is what most of them say
            return False
        if value in (1, "1", "true", "True"):
            return True
        raise self._bad(name, "true or false")

    def beijing(self, name: str) -> datetime | None:
        """Give a moment written as Beijing wall-clock time, as an aware UTC datetime; "0" and zeros are no moment."""
        value = self.text(name)
        if value is None:
            return None
        try:
            return _beijing(value)
        except ValueError:
            raise self._bad(name, "a time") from None

    def seconds(self, name: str) -> datetime | None:
        """Give a moment written as seconds since 1970; 0 is no moment."""
        value = self.value.get(name)
        if type(value) is int and 0 < value < _QUICK_S:
            return _moment(value)
        return self._epoch(name, 1)

    def milliseconds(self, name: str) -> datetime | None:
        """Give a moment written as milliseconds since 1970; 0 is no moment."""
        value = self.value.get(name)
        if type(value) is int and 0 < value < _QUICK_S * 1000 and not value % 1000:
            return _moment(value // 1000)
        return self._epoch(name, 1000)

    def _epoch(self, name: str, per_second: int) -> datetime | None:
        value = self.whole(name)
        if value is None or value == 0:
            return None
        if not 0 < value < _LATEST_S * per_second:
            raise self._bad(name, "a time")
        return _EPOCH + timedelta(microseconds=value * 1_000_000 // per_second)

    def node(self, name: str) -> Node | None:
        """Give an inner object; None when it is absent."""
        value = self.value.get(name)
        if type(value) is dict:
            return Node(value, (self, name, None))
        return None if value is None or value == "" else Node(value, (self, name, None))

    def need_node(self, name: str) -> Node:
        """Give an inner object that has to be there."""
        value = self.value.get(name)
        return Node(value, (self, name, None)) if type(value) is dict else self._there(name, self.node(name))

    def nodes(self, name: str) -> Sequence[Node]:
        """Give a list of objects; empty when it is absent."""
        value = self.value.get(name)
        if type(value) is not list:
            if value is None or value == "":
                return ()
            raise self._bad(name, "a list")
        return [Node(each, (self, name, place)) for place, each in enumerate(value)] if value else ()

    def __iter__(self) -> Iterator[str]:
        return iter(self.value)

    def _bad(self, name: str, what: str) -> Unreadable:
        return Unreadable(f"{self.path}.{name} is not {what}")

    def _there(self, name: str, value: _T | None) -> _T:
        if value is None:
            raise Unreadable(f"{self.path}.{name} is missing")
        return value


def redacted(value: Any, allowed: frozenset[str]) -> str:
    """
    Give a platform's object as text for review, with only the named fields left in, at every depth.

    Args:
        value: A parsed JSON value.
        allowed: Names of fields that are known not to be personal, and of objects and lists to look into; an
            allow-list, so that a field a platform adds tomorrow stays out.
    """
    return json.dumps(_kept(value, allowed), ensure_ascii=False, separators=(",", ":"), default=str)


def _kept(value: Any, allowed: frozenset[str]) -> Any:
    if isinstance(value, Mapping):
        return {name: _kept(each, allowed) for name, each in value.items() if name in allowed}
    if isinstance(value, list):
        return [_kept(each, allowed) for each in value]
    return value
