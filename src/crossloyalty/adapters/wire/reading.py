"""
Read what a platform answered field by field, strictly: with types and units.

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
from typing import Any, Final, TypeVar

from crossloyalty.domain.orders import LARGEST_FEN

__all__ = ["BEIJING", "Node", "Unreadable", "redacted", "yuan_to_fen"]

_AHEAD: Final = timedelta(hours=8)
BEIJING: Final = timezone(_AHEAD)
_MOST: Final = 2**63 - 1
_LEAST: Final = -_MOST
_YUAN: Final = re.compile(r"(-?)([0-9]{1,14})(?:\.([0-9]{1,2})0*)?", re.ASCII)
_QUICK_YUAN: Final = 15
_WHOLE: Final = re.compile(r"-?[0-9]{1,19}", re.ASCII)
_TIME: Final = re.compile(r"[0-9]{4}[-/][0-9]{2}[-/][0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}", re.ASCII)
_NO_TIME: Final = ("", "0", "-", "--")
_NO_YEARS: Final = ("0000", "0001", "1970")
_T = TypeVar("_T")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST_S: Final = datetime(9000, 1, 1, tzinfo=UTC).timestamp()
# Before this second, in 2096, every system's own calendar can be asked, which is three times as fast as adding.
_QUICK_S: Final = 4_000_000_000


class Unreadable(ValueError):
    """One part of an answer is not what its platform's page says; the message names the field, never its value."""


def yuan_to_fen(value: Any) -> int:
    """
    Turn an amount in yuan into fen without ever passing through a float.

    Args:
        value: Text like "200.07", a `Decimal` or an integer; more than two decimals must be zeros.

    Raises:
        Unreadable: It is no such amount, or larger than an order can be.
    """
    kind = type(value)
    text = value if kind is str else str(value) if kind is Decimal else _amount_text(value)
    # "200.07" or "200.0", as nearly all are written: so short a number is no larger than an order can be.
    if 3 < len(text) <= _QUICK_YUAN:
        digits = ""
        if text[-3] == ".":
            digits = text.replace(".", "", 1)
        elif text[-2] == ".":
            digits = text.replace(".", "", 1) + "0"
        if digits.isdigit() and digits.isascii():
            return int(digits)
    if kind is Decimal and "E" in text:
        text = format(value, "f")
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


def _is_short_number(text: str) -> bool:
    # As nearly all are, and found out in a third of the time that a pattern takes.
    return len(text) <= 18 and text.isdigit() and text.isascii()


def _amount_text(value: Any) -> str:
    if type(value) is bool or not isinstance(value, (str, int)):
        raise Unreadable("is no amount in yuan")
    return str(value)


@lru_cache(maxsize=512)
def _beijing(text: str) -> datetime | None:
    """Read Beijing wall-clock time; an order repeats its times, so the last few hundred are kept."""
    if len(text) == 19 and text[4::3] == "-- ::":
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
        if type(value) is str and (_is_short_number(value) or _WHOLE.fullmatch(value)):
            return int(value)
        raise self._bad(name, "a whole number")

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

    def need_fen(self, name: str) -> int:
        """Give an amount in fen that has to be there."""
        value = self.value.get(name)
        return value if type(value) is int and 0 <= value <= LARGEST_FEN else self._there(name, self.fen(name))

    def yuan(self, name: str) -> int | None:
        """Give, in fen, an amount ≥ 0 that is stated in yuan."""
        value = self.value.get(name)
        if value is None or (type(value) is str and not value):
            return None
        if type(value) is Decimal and not value:
            return 0
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
        value = self.value.get(name)
        if type(value) is not str:
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
        nodes: list[Node] = []
        for each in value:  # for the few there are, quicker than a comprehension
            nodes.append(Node(each, (self, name, len(nodes))))
        return nodes

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
