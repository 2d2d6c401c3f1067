"""How what names a person is shown, and how texts go into files that spreadsheets open."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["masked", "masked_repr", "neutral"]

_SHORT: Final = 7
_LONG_NUMBER = re.compile(r"[0-9]{12,}", re.ASCII)
_DIGITS = re.compile(r"[0-9]{5,}", re.ASCII)


def masked(text: str) -> str:
    """Show a little of both ends of a text, none of a short one; enough to recognise one's own, too little to use."""
    if not text:
        return ""
    return f"{text[0]}****" if len(text) <= _SHORT else f"{text[:3]}****{text[-2:]}"


def masked_repr(value: object) -> str:
    """Give what a repr shows of an id, whatever stands in its place: values end in logs and crash reports."""
    return repr(masked(value) if isinstance(value, str) else None if value is None else "****")


def neutral(cell: str) -> str:
    """Put an apostrophe before what a spreadsheet would take for a formula, or would round as a long number."""
    risky = cell[:1] in ("=", "+", "-", "@", "\t", "\r") and not re.fullmatch(r"-?[0-9]{1,11}", cell, re.ASCII)
    return f"'{cell}" if risky or _LONG_NUMBER.fullmatch(cell) else cell
