"""
Cells of an export in their clean form: ids, money, times.

Every function takes the text of one cell as the file holds it and gives a value, `None` for an absent one, or raises
`BadCell` with the code of what is wrong. Nothing is ever repaired by guessing.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from crossloyalty.adapters.exports.defects import DefectCode
from crossloyalty.domain.orders import LARGEST_FEN

__all__ = [
    "BadCell",
    "absent",
    "bare",
    "is_slash_time",
    "looks_cut",
    "order_id",
    "pieces",
    "time_utc",
    "to_fen",
    "unsigned",
    "whole_fen",
    "word",
]

_ABSENT: Final = frozenset({"", "-", "--", "null", "nan", "none", "无退款申请", "暂无来源"})
# What JD writes for "not yet".
_NEVER: Final = frozenset({"0001-01-01 00:00:00", "1970-01-01 00:00:00", "1970-01-01 08:00:00"})
_BLANKS: Final = " \t\r\n\x0b\x0c\xa0\u3000\ufeff\u200b\u200c\u200d"

_PLAIN_MONEY: Final = re.compile(r"([0-9]{1,14})(?:\.([0-9]{1,2}))?", re.ASCII)
_MONEY: Final = re.compile(r"([0-9]{1,16}|[0-9]{1,3}(?:,[0-9]{3}){1,5})(?:\.([0-9]{1,20}))?", re.ASCII)
_SCIENTIFIC: Final = re.compile(r"[+-]?[0-9]+(?:\.[0-9]*)?[eE][+-]?[0-9]+", re.ASCII)
_DECIMAL_TAIL: Final = re.compile(r"([0-9]+)\.0+", re.ASCII)
_DECIMAL: Final = re.compile(r"[0-9]+\.[0-9]*", re.ASCII)
_LONGEST_ID: Final = 64
# `1_000` is a number to Python and to nobody else; behind a letter an underscore is a part of a name.
_ID: Final = re.compile(r"[0-9][0-9A-Za-z-]{0,63}|[A-Za-z][0-9A-Za-z_-]{0,63}", re.ASCII)
_SURELY_CUT: Final = 18
_KEPT_DIGITS: Final = 15  # a spreadsheet keeps 15 digits of a number and writes zeros behind

_NATIVE_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}", re.ASCII)
_SLASH_TIME: Final = re.compile(
    r"([0-9]{4})[/-]([0-9]{1,2})[/-]([0-9]{1,2})[ T]+([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?", re.ASCII
)


class BadCell(Exception):
    """A cell that cannot be read; becomes a `Defect` of its row and never leaves this package."""

    def __init__(self, code: DefectCode, value: str) -> None:
        super().__init__(code.value)
        self.code = code
        self.value = value


def bare(cell: str) -> str:
    """Take off what writers put around a value: blanks and tabs, a leading apostrophe, an `="…"` guard."""
    if not cell or cell.isalnum():
        return cell  # most cells, quickly
    text = cell.strip(_BLANKS)
    if text.startswith('="') and text.endswith('"') and len(text) > 2:
        text = text[2:-1]
    elif text.startswith("="):
        text = text[1:].strip('"')
    if text.startswith("'"):
        text = text[1:]
    return text.strip(_BLANKS)


def absent(text: str) -> bool:
    """Say whether a bare text is one of the words exports write for "nothing"."""
    return text in _ABSENT or text.casefold() in _ABSENT


def word(cell: str) -> str | None:
    """Read a word such as a state; None when absent."""
    text = bare(cell)
    return None if absent(text) else text


def order_id(cell: str, *, degraded: bool = False, trusted: bool = False) -> str | None:
    """
    Read an id of an order, a line, a product or a refund.

    Args:
        cell: The cell as it stands.
        degraded: The file was saved by a spreadsheet program, so an unguarded number a double holds exactly is lost.
            Otherwise three zeros where digits would have been cut (18 digits or more) give a number away; one or two
            are too common for that, and `looks_cut` counts them over the whole file.
        trusted: The host says that long numbers of this file may end in zeros.

    Returns:
        The id, or None when absent.

    Raises:
        BadCell: Digits were lost (ID_MANGLED), or it is no id (ID_INVALID).

    Source: IEEE 754 doubles hold 53 bits, spreadsheets show 15 digits: `5119111586217093519` comes back as
    `5.11911E+18`, `5119111586217093120` or `5119111586217090000`.
    """
    text = bare(cell)
    if text.isascii() and text.isdigit() and len(text) <= _LONGEST_ID:
        if len(text) > _KEPT_DIGITS and not trusted and not _guarded(cell):
            zeros = len(text) >= _SURELY_CUT and not text[_KEPT_DIGITS:].strip("0")
            if zeros or (degraded and int(float(text)) == int(text)):
                raise BadCell(DefectCode.ID_MANGLED, text)
        return text
    if absent(text):
        return None
    tail = _DECIMAL_TAIL.fullmatch(text)
    if tail is not None and len(tail[1]) <= _KEPT_DIGITS:
        return tail[1]
    if _SCIENTIFIC.fullmatch(text) or _DECIMAL.fullmatch(text):
        raise BadCell(DefectCode.ID_MANGLED, text)
    if not _ID.fullmatch(text):
        raise BadCell(DefectCode.ID_INVALID, text)
    return text


def looks_cut(cell: str) -> bool | None:
    """
    Say whether a number of 16 or 17 digits ends in zeros where a spreadsheet would have cut it.

    Returns:
        None for any other cell, which tells nothing. One number in ten ends in a zero, so only a file in which most of
        them do has been saved by a spreadsheet program.
    """
    text = bare(cell)
    if not (text.isascii() and text.isdigit() and _KEPT_DIGITS < len(text) < _SURELY_CUT) or _guarded(cell):
        return None
    return not text[_KEPT_DIGITS:].strip("0")


def _guarded(cell: str) -> bool:
    """Whether the writer marked the cell as text, which a spreadsheet's own save does not keep."""
    return cell[:1] in ("=", "'", "\t") or cell[-1:] == "\t"


def to_fen(cell: str) -> int | None:
    """
    Read an amount of money.

    Args:
        cell: Yuan, such as `12.5`, `¥1,200.00`, `12.50元` or `168.99` with a trailing tab.

    Returns:
        The amount in fen, or None when absent.

    Raises:
        BadCell: It is no amount, negative, finer than a fen, or larger than any order.
    """
    plain = _PLAIN_MONEY.fullmatch(cell)
    if plain is not None:
        return _fen(plain[1], plain[2] or "", cell)
    text = bare(cell)
    if absent(text):
        return None
    for sign in ("¥", "￥", "元"):
        text = text.removeprefix(sign) if sign != "元" else text.removesuffix(sign)
    match = _MONEY.fullmatch(text.strip(_BLANKS))
    if match is None:
        raise BadCell(DefectCode.MONEY_INVALID, text)
    return _fen(match[1].replace(",", ""), match[2] or "", text)


def _fen(yuan: str, decimals: str, shown: str) -> int:
    if decimals[2:].strip("0"):
        raise BadCell(DefectCode.MONEY_INVALID, shown)
    fen = int(yuan) * 100 + int(decimals[:2].ljust(2, "0"))
    if fen > LARGEST_FEN:
        raise BadCell(DefectCode.MONEY_INVALID, shown)
    return fen


def whole_fen(cell: str) -> int | None:
    """
    Read an amount of money that is written in fen.

    Returns:
        The amount in fen, or None when absent.

    Raises:
        BadCell: It is no whole number, negative, or larger than any order.
    """
    text = bare(cell)
    if absent(text):
        return None
    tail = _DECIMAL_TAIL.fullmatch(text)
    digits = tail[1] if tail is not None else text
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 16) or int(digits) > LARGEST_FEN:
        raise BadCell(DefectCode.MONEY_INVALID, text)
    return int(digits)


def unsigned(cell: str) -> str:
    """Take the minus sign off an amount whose direction another column or the column itself tells."""
    text = bare(cell)
    return text[1:] if len(text) > 1 and text.startswith("-") and text[1].isdigit() else text


def is_slash_time(cell: str) -> bool:
    """Say whether a time has been through a spreadsheet program: `2026/6/6 13:41`, or its seconds are gone."""
    text = bare(cell)
    return not _NATIVE_TIME.fullmatch(text) and _SLASH_TIME.fullmatch(text) is not None


def time_utc(cell: str) -> datetime | None:
    """
    Read a time.

    Args:
        cell: Wall-clock Beijing time without a zone: `YYYY-MM-DD HH:MM:SS`, or the form a spreadsheet leaves.

    Returns:
        The instant in UTC, or None when absent.

    Raises:
        BadCell: It is no time, or no order was placed then.
    """
    text = cell if _NATIVE_TIME.fullmatch(cell) else bare(cell)
    if absent(text) or text in _NEVER:
        return None
    if not _NATIVE_TIME.fullmatch(text):
        match = _SLASH_TIME.fullmatch(text)
        if match is None:
            raise BadCell(DefectCode.TIME_INVALID, text)
        year, month, day, hour, minute, second = match.groups("00")
        text = f"{year}-{month:0>2}-{day:0>2} {hour:0>2}:{minute}:{second}"
    try:
        # China has had no other offset since 1991, and no order is older than 2000.
        moment = datetime.fromisoformat(text + "+08:00").astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadCell(DefectCode.TIME_INVALID, text) from None
    if not 2000 <= moment.year < 3000:
        raise BadCell(DefectCode.TIME_INVALID, text)
    return moment


def pieces(cell: str) -> int | None:
    """
    Read a number of pieces.

    Returns:
        A whole number up to a million, or None when absent.

    Raises:
        BadCell: It is no such number.
    """
    text = bare(cell)
    if absent(text):
        return None
    tail = _DECIMAL_TAIL.fullmatch(text)
    digits = tail[1] if tail is not None else text
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 7) or int(digits) > 1_000_000:
        raise BadCell(DefectCode.QUANTITY_INVALID, text)
    return int(digits)
