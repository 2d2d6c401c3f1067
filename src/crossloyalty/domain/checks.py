"""Checks of what a host passes in, before it is used for the first time: types are refused by name, not by accident."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import attrs

from crossloyalty.domain.keys import clean_id
from crossloyalty.errors import WrongType, shown

__all__ = ["checked_call", "clean_text", "instance_of", "walked"]

_T = TypeVar("_T")


def walked(items: Iterable[_T], what: str) -> Iterator[_T]:
    """
    Begin to walk over what should be a list or another iterable; what the walk itself raises is the host's own.

    Raises:
        WrongType: It is a text, or nothing to walk over.
    """
    if isinstance(items, str | bytes | bytearray):
        raise WrongType(f"{what} is a list, not {type(items).__name__}: {shown(items)}")
    try:
        return iter(items)
    except Exception as error:
        raise WrongType(f"{what} is a list, not {type(items).__name__}: {shown(items)}") from error


def checked_call(value: object, what: str) -> None:
    """
    Check something that is called back, before any work is done.

    Raises:
        WrongType: It is neither None nor callable.
    """
    if value is not None and not callable(value):
        raise WrongType(f"{what} is called, and {shown(value)} cannot be")


def clean_text(value: str, what: str) -> str:
    """
    Check a text that may be empty, else as `clean_id` does.

    Raises:
        WrongType: It is not text.
        InvalidInput: It is too long, has blanks at an end or a character no database keeps.
    """
    return value if isinstance(value, str) and value == "" else clean_id(value, what)


def instance_of(kind: type, *, optional: bool = False) -> Any:
    """Give an attrs validator that raises our error, with a short message."""

    def check(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if not (isinstance(value, kind) or (optional and value is None)):
            raise WrongType(f"{attribute.name} is a {kind.__name__}, not {type(value).__name__}: {shown(value)}")

    return check
