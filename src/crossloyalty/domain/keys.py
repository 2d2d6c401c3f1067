"""Names of things: platforms and their families, order numbers in one spelling, members."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

import attrs

from crossloyalty.errors import InvalidInput, MangledOrderNumber, WrongType, shown

__all__ = [
    "BUILT_IN_PLATFORMS",
    "OrderKey",
    "Platform",
    "Platforms",
    "clean_id",
    "fold",
    "normalise_order_no",
]

_LONGEST_INPUT = 200
_ID = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,128}", re.ASCII)

# What people and chat programs put between digits. NFKC keeps these and str.strip() keeps some, so they are listed.
_REMOVED: Final = (
    "\t\n\v\f\r \x85\xa0\xad"
    "\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180e"
    "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u202f"
    "\u205f\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\u3000\u3164\ufe0e\ufe0f\ufeff\uffa0"
)
_HYPHENS: Final = "\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\ufe58\ufe63\uff0d"
# Full-width ASCII only: NFKC would also turn superscripts and circled digits into digits.
_FOLD: Final = str.maketrans(
    {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    | dict.fromkeys(_HYPHENS, "-")
    | dict.fromkeys(_REMOVED, None)
)
_SCIENTIFIC = re.compile(r"[0-9]+(\.[0-9]*)?E[+-]?[0-9]{1,4}", re.ASCII)
_DECIMAL = re.compile(r"[0-9]+\.[0-9]+", re.ASCII)


def clean_id(value: str, what: str) -> str:
    """
    Check an id a host gave us: 1 to 128 characters without control characters or lone surrogates.

    Args:
        value: The id, kept as it is.
        what: What it names, for the message.

    Raises:
        WrongType: It is not text.
        InvalidInput: It is empty, too long, has blanks at an end or a character no database keeps.
    """
    # Of what can be printed only the plain blank is a blank, so nothing else has to be looked for.
    if type(value) is str and 0 < len(value) <= 128 and value.isprintable() and " " not in value:
        return value
    if not isinstance(value, str):
        raise WrongType(f"{what} is text, not {type(value).__name__}: {shown(value)}")
    if not _ID.fullmatch(value) or value != value.strip():
        raise InvalidInput(f"{what} has 1 to 128 printable characters and no blank at its ends: {shown(value)}")
    return value


def _check_pattern(pattern: str) -> None:
    if not isinstance(pattern, str):
        raise WrongType(f"the pattern of a platform is a regular expression as text, not {shown(pattern)}")
    try:
        if not 1 <= len(pattern) <= _LONGEST_INPUT or not pattern.isprintable():
            raise InvalidInput(f"the pattern of a platform is 1 to {_LONGEST_INPUT} printable characters")
        re.compile(pattern, re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        raise InvalidInput(f"no regular expression: {shown(pattern)}") from error


@attrs.frozen
class Platform:
    """
    A marketplace or shop system that numbers orders.

    Args:
        name: How calls and records name it, such as `tmall`.
        family: Platforms of one family share order numbers; Taobao and Tmall are `taobao`.
        pattern: What every order number of it looks like after folding, as an ASCII regular expression.
        distinctive: A shape no other built-in platform uses; serves as a hint only, never as proof.
        zh: Its name in Chinese sentences.

    Source: number shapes are those seen in merchants' export files (Taobao and Douyin 19 digits, JD 11 to 16,
    Pinduoduo `YYMMDD-` and 15 digits); where shapes are not published the pattern is wide.
    """

    name: str
    family: str
    pattern: str = r"[0-9A-Z][0-9A-Z_-]{3,63}"
    distinctive: str | None = None
    zh: str = ""

    def __attrs_post_init__(self) -> None:
        for text in (self.name, self.family):
            if not isinstance(text, str) or not re.fullmatch(r"[a-z][a-z0-9_]{1,19}", text, re.ASCII):
                raise InvalidInput(f"a platform or family is named by 2 to 20 of a-z, 0-9, _: {shown(text)}")
        for pattern in (self.pattern, self.distinctive):
            if pattern is not None:
                _check_pattern(pattern)
        if self.pattern is None:
            raise WrongType("the pattern of a platform is a regular expression as text, not None")
        if not isinstance(self.zh, str) or self.zh:
            clean_id(self.zh, "zh")


BUILT_IN_PLATFORMS: Final = (
    Platform("taobao", "taobao", r"[0-9]{10,21}", zh="淘宝"),
    Platform("tmall", "taobao", r"[0-9]{10,21}", zh="天猫"),
    Platform("jd", "jd", r"[0-9]{9,20}", zh="京东"),
    Platform("pinduoduo", "pinduoduo", r"[0-9]{6}-[0-9]{12,18}", distinctive=r"[0-9]{6}-[0-9]{15}", zh="拼多多"),
    Platform("douyin", "douyin", r"[0-9]{16,21}A?", zh="抖音"),
    Platform("kuaishou", "kuaishou", r"[0-9]{8,24}", zh="快手"),
    Platform("xiaohongshu", "xiaohongshu", distinctive=r"P[0-9]{15,21}", zh="小红书"),
    Platform("wechat", "wechat", r"[0-9]{10,28}", zh="微信小店"),
    Platform("youzan", "youzan", distinctive=r"E[0-9]{16,24}", zh="有赞"),
    Platform("pos", "pos", zh="门店"),
)


class Platforms:
    """
    The platforms a program knows: the built-in ones and its own.

    Args:
        extra: A program's own platforms; one that bears a built-in name replaces it.
    """

    __slots__ = ("_by_name", "_distinctive", "_patterns")

    def __init__(self, extra: Iterable[Platform] = ()) -> None:
        self._by_name: Mapping[str, Platform] = {p.name: p for p in (*BUILT_IN_PLATFORMS, *extra)}
        self._patterns = {name: re.compile(p.pattern, re.ASCII) for name, p in self._by_name.items()}
        self._distinctive = [
            (re.compile(p.distinctive, re.ASCII), p) for p in self._by_name.values() if p.distinctive is not None
        ]

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def get(self, name: str) -> Platform:
        """
        Look a platform up by its name.

        Raises:
            InvalidInput: No platform of this name is registered.
        """
        if not isinstance(name, str):
            raise WrongType(f"a platform is named by text, not {shown(name)}")
        try:
            return self._by_name[name]
        except KeyError:
            known = ", ".join(self._by_name)
            raise InvalidInput(f"unknown platform {shown(name)}; known are {known}") from None

    def matches(self, name: str, order_no: str) -> bool:
        """Say whether a normal order number has the shape its platform uses."""
        return self._patterns[name].fullmatch(order_no) is not None

    def looks_like(self, order_no: str) -> Platform | None:
        """Name the platform whose distinctive shape this number has: a hint, never a proof."""
        for pattern, platform in self._distinctive:
            if pattern.fullmatch(order_no):
                return platform
        return None


class OrderKey(NamedTuple):
    """Names one marketplace order inside one program; two spellings of a number are one key."""

    program_id: str
    family: str
    order_no: str


def fold(text: str) -> str:
    """
    Bring what a person typed into plain upper-case ASCII where that loses nothing.

    Args:
        text: Full-width forms, blanks of any kind, zero-width characters and look-alike hyphens are understood.

    Returns:
        The folded text; characters without a plain form stay as they are.
    """
    folded = text.translate(_FOLD)
    return folded.upper() if folded.isascii() else folded


def normalise_order_no(text: str, platform: Platform, platforms: Platforms) -> str:
    """
    Read an order number the way people and files spell it.

    Args:
        text: The number as text; a leading apostrophe or a `="…"` guard is taken off.
        platform: The platform it is said to be from.
        platforms: All platforms of the program.

    Returns:
        The one normal form: ASCII, upper case, hyphen kept.

    Raises:
        WrongType: It is not text; a number has lost its leading zeros or its last digits already.
        MangledOrderNumber: A spreadsheet has turned it into scientific or decimal notation.
        InvalidInput: It cannot be an order number of this platform.
    """
    if not isinstance(text, str):
        raise WrongType(f"an order number is text, not {type(text).__name__}: {shown(text)}")
    if len(text) > _LONGEST_INPUT:
        raise InvalidInput(f"too long for an order number: {shown(text)}")
    number = text if text.isascii() and text.isdigit() else _unguarded(text)
    if not platforms.matches(platform.name, number):
        raise InvalidInput(f"not an order number of {platform.name}: {shown(text)}")
    return number


def _unguarded(text: str) -> str:
    """
    Fold a number that is not plain digits already, and take a spreadsheet's guards off it.

    Raises:
        MangledOrderNumber: A spreadsheet has changed it.
    """
    number = fold(text)
    if number.startswith("="):
        number = number[1:]
    number = number.strip("\"'")
    if _SCIENTIFIC.fullmatch(number) or _DECIMAL.fullmatch(number):
        raise MangledOrderNumber(f"a spreadsheet has changed this order number: {shown(text)}")
    return number
