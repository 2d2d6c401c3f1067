"""What bends, lies or explodes: tables of values and texts that tests of bad input go through."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import pytest
from builders import order, right_proof
from harness import FIRST, SECOND, open_door

from crossloyalty import Loyalty
from crossloyalty.errors import CrossloyaltyError
from crossloyalty.testing import dump

__all__ = [
    "AT_MOST_S",
    "BAD_TEXTS",
    "MANGLED",
    "MESSAGE_CHARACTERS",
    "NOT_A_FEN",
    "NOT_A_TIME",
    "SHOWN_CHARACTERS",
    "WRONG_TYPES",
    "Unrepresentable",
    "check_message",
    "each",
    "filled",
    "refusals",
    "unchanged",
    "without",
]

AT_MOST_S: Final = 1.0
MESSAGE_CHARACTERS: Final = 400  # a sentence and at most 64 characters of input
SHOWN_CHARACTERS: Final = 64


class Unrepresentable:
    """Breaks whoever prints, measures, walks, compares with or asks it."""

    def __repr__(self) -> str:
        raise RuntimeError("no repr")

    __str__ = __format__ = __repr__  # type: ignore[assignment]

    def __len__(self) -> int:
        raise RuntimeError("no len")

    def __iter__(self) -> Iterator[Any]:
        raise RuntimeError("no iter")

    def __bool__(self) -> bool:
        raise RuntimeError("no bool")

    def __int__(self) -> int:
        raise RuntimeError("no int")

    def __call__(self, *_: Any) -> Any:
        raise RuntimeError("no call")


class _Endless:
    """Prints as more text than anybody reads."""

    def __repr__(self) -> str:
        return "spam" * 1_000_000


class _BrokenZone(tzinfo):
    """A zone that does not know its offset and says so loudly."""

    def utcoffset(self, moment: datetime | None) -> timedelta:
        raise RuntimeError("no offset")

    def dst(self, moment: datetime | None) -> timedelta | None:
        return None

    def tzname(self, moment: datetime | None) -> str:
        return "?"


HUGE_INT = 10**4_999
LOOP: list[Any] = []
LOOP.append(LOOP)
DEEP: list[Any] = []
for _ in range(100_000):
    DEEP = [DEEP]

WRONG_TYPES: dict[str, Any] = {
    "None": None,
    "float": 1.5,
    "nan": float("nan"),
    "infinity": float("inf"),
    "True": True,
    "int": 7,
    "huge int": HUGE_INT,
    "bytes": b"3816123456789012345",
    "bytearray": bytearray(b"3816"),
    "Decimal": Decimal("12.5"),
    "Decimal NaN": Decimal("NaN"),
    "Decimal sNaN": Decimal("sNaN"),
    "Decimal infinity": Decimal("Infinity"),
    "Decimal 1E+1000000": Decimal("1E+1000000"),
    "Fraction": Fraction(10**4_000, 3),
    "complex": 1j,
    "list": ["m1"],
    "dict": {"m1": 1},
    "set": {1},
    "loop": LOOP,
    "deep": DEEP,
    "class": str,
    "naive datetime": datetime(2026, 11, 1),  # noqa: DTZ001 - the trap itself
    "unrepresentable": Unrepresentable(),
    "endless": _Endless(),
    "function": len,
}
BAD_TEXTS: dict[str, str] = {
    "empty": "",
    "blank": " ",
    "NUL": "m\0",
    "newline at the end": "m1\n",
    "newline inside": "m\n1",
    "lone surrogate": "m\ud800",
    "lone low surrogate": "\udfff1",
    "delete character": "m\x7f",
    "escape": "\x1b[31mred",
    "blank at an end": "m1 ",
    "ideographic blank at an end": "\u3000m1",
    "long": "m" * 129,
    "very long": "m" * 10_000_000,
}
NOT_A_FEN: dict[str, Any] = {name: value for name, value in WRONG_TYPES.items() if name not in ("None", "int")} | {
    "text": "100",
    "full-width text": "１００",
    "minus one": -1,
    "2**53": 2**53,
    "2**63": 2**63,
    "-2**63-1": -(2**63) - 1,
    "Fraction of one": Fraction(100, 1),
    "Decimal of one": Decimal(100),
}
NOT_A_TIME: dict[str, Any] = {name: value for name, value in WRONG_TYPES.items() if name != "None"} | {
    "text": "2026-11-01T10:00:00+08:00",
    "date": date(2026, 11, 1),
    "year 1": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))),
    "year 1969": datetime(1969, 12, 31, tzinfo=UTC),
    "year 9999": datetime.max.replace(tzinfo=timezone(-timedelta(hours=12))),
    "no offset": datetime(2026, 11, 1, tzinfo=_BrokenZone()),
}
MANGLED: dict[str, str] = {
    "scientific": "3.81612E+18",
    "scientific, full-width": "３．８１６Ｅ＋１８",
    "decimal": "3816123456789012345.0",
    "negative": "-3816123456789012345",
    "superscripts": "³⁸¹⁶¹²³⁴⁵⁶⁷⁸⁹⁰¹²³⁴⁵",
    "circled": "③⑧①⑥①②③④⑤⑥⑦⑧⑨⑩①②③",
    "Arabic digits": "٣٨١٦١٢٣٤٥٦٧٨٩٠١٢٣٤٥",
    "Devanagari digits": "३८१६१२३४५६७८९०१२३४५",
    "mathematical digits": "𝟑𝟖𝟏𝟔𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗𝟎𝟏𝟐𝟑𝟒𝟓",
    "underscores": "3_816_123_456_789_012_345",
    "commas": "3,816,123,456,789,012,345",
    "words": "三八一六一二三四五六七八九零一二三四五",
    "lost digits": "381612345",
    "too many digits": "3816123456789012345" * 3,
    "NUL": "381612345678901234\0",
    "lone surrogate": "381612345678901234\ud800",
    "empty": "",
    "blanks": " \u3000\u200b\ufeff\n",
    "formula": '=HYPERLINK("x")',
    "letters": "not a number",
    "5,000 digits": "9" * 5_000,
    "ten million characters": "9" * 10_000_000,
    "regular expression bait": "9" * 199 + "x",
}


def each(cases: dict[str, Any]) -> Any:
    """Parametrise a test over the values of a table, named by its keys."""
    return pytest.mark.parametrize("case", cases.values(), ids=cases.keys())


def without(table: dict[str, Any], *names: str) -> dict[str, Any]:
    """Give a table without some of its rows."""
    return {name: value for name, value in table.items() if name not in names}


def refusals(call: Callable[[Any], object], table: dict[str, Any], kind: type[BaseException]) -> None:
    """Assert that a call refuses every value of a table with a short, pickling error of our tree, at once."""
    complaints = []
    for name, bad in table.items():
        began = time.perf_counter()
        try:
            call(bad)
            complaints.append(f"{name}: was taken")
        except CrossloyaltyError as error:
            check_message(error)
            if not isinstance(error, kind):
                complaints.append(f"{name}: is a {type(error).__name__}")
        except Exception as error:  # noqa: BLE001 - named below
            complaints.append(f"{name}: raises a {type(error).__name__}")
        if time.perf_counter() - began > AT_MOST_S:
            complaints.append(f"{name}: takes too long")
    assert complaints == [], "; ".join(complaints)


def check_message(error: BaseException) -> None:
    """Assert that an error is one short line that any log can keep, and that it pickles."""
    message = str(error)
    assert len(message) <= MESSAGE_CHARACTERS, message[:1_000]
    assert message.isprintable(), message
    assert message.encode()
    for repeated in ("m" * (SHOWN_CHARACTERS + 1), "9" * (SHOWN_CHARACTERS + 1), "spam" * 17):
        assert repeated not in message
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == message


def filled(storage: Any) -> Loyalty:
    """Put a claim, a ticket, an unclaimed order and a bound buyer into a storage, and open its door."""
    door = open_door(storage)
    door.bind("m2", platform="jd", buyer_id="b-3")
    door.ingest([FIRST, SECOND])
    for each in (FIRST, order(99)):
        door.claim("m1", platform=each.platform, order_no=each.order_no, proof=right_proof(each))
    door.adjust("m1", asset="points", amount=10, key="seed")
    return door


@contextmanager
def unchanged(storage: Any) -> Iterator[None]:
    """Assert that the block leaves the store as it was."""
    before = dump(storage)
    yield
    assert dump(storage) == before
