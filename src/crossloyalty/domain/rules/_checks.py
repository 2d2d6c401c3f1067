"""What the values of rules are checked by."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import attrs

from crossloyalty.domain.checks import clean_text, walked
from crossloyalty.domain.keys import clean_id
from crossloyalty.domain.numbers import exact
from crossloyalty.domain.orders import checked_fen, checked_time
from crossloyalty.errors import InvalidInput, WrongType, shown

LONGEST_DAYS = 36_600

# A field that came after documents were written: it is left out of a document while it stands at its default, so that
# a program keeps the text and the digest it was published under.
NEW_IN_2 = {"since": 2}

_RULE_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}", re.ASCII)


def whole(low: int, high: int, *, optional: bool = False) -> Any:
    """Make a validator of whole numbers from *low* to *high*."""

    def check(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if optional and value is None:
            return
        if type(value) is not int:
            raise WrongType(f"{attribute.name} is a whole number, not {type(value).__name__}: {shown(value)}")
        if not low <= value <= high:
            raise InvalidInput(f"{attribute.name} lies between {low} and {high}: {shown(value)}")

    return check


def one_of(*choices: str) -> Any:
    """Make a validator of one of some words."""

    def check(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if value not in choices:
            raise InvalidInput(f"{attribute.name} is one of {', '.join(choices)}: {shown(value)}")

    return check


def flag(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Check a yes or no."""
    if type(value) is not bool:
        raise WrongType(f"{attribute.name} is True or False, not {shown(value)}")


def rule_id(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Check the id of a rule."""
    if not isinstance(value, str) or not _RULE_ID.fullmatch(value):
        raise InvalidInput(f"{attribute.name} is 1 to 64 of A-Z, a-z, 0-9, _ . : -: {shown(value)}")


def named(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Check a name."""
    clean_id(value, attribute.name)


def prefix(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Check a text that may be empty."""
    clean_text(value, attribute.name)


def fen(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Check an amount in fen."""
    checked_fen(value, attribute.name)


def texts(value: Any) -> tuple[str, ...]:
    """Take a list of names."""
    return tuple(clean_id(text, "each of a list of texts") for text in walked(value, "a list of texts"))


def optional_time(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Check an instant that may be absent."""
    if value is not None:
        checked_time(value, attribute.name)


def local_day(value: Any) -> str | None:
    """Take a local day, as a date or as text such as "2026-11-11"; None stays None."""
    if value is None:
        return None
    day = value.isoformat() if isinstance(value, date) and not isinstance(value, datetime) else value
    if not isinstance(day, str):
        raise WrongType(f"a local day is a date or a text such as 2026-11-11, not {shown(value)}")
    try:
        return date.fromisoformat(day).isoformat()
    except ValueError:
        raise InvalidInput(f"a local day is written like 2026-11-11: {shown(value)}") from None


def rate_text(value: str | int | Fraction | Decimal) -> str:
    """Take an exact rate above 0 as text."""
    number = exact(value, "a rate")
    if number <= 0:
        raise InvalidInput(f"a rate is more than 0: {shown(value)}")
    return value if isinstance(value, str) else str(number)
