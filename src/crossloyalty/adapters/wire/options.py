"""Checks of a platform's settings, as attrs validators and converters that raise our own errors with short messages."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import attrs

from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.domain.keys import clean_id
from crossloyalty.errors import ConfigError, WrongType, shown

__all__ = ["an_address", "an_id", "as_secret", "between", "host_of", "one_of", "words"]


def as_secret(value: str | Secret) -> Secret:
    """Convert a text or a secret."""
    return Secret.of(value)


def an_id(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Check an id: 1 to 128 printable characters."""
    clean_id(value, attribute.name)


def host_of(address: str) -> str:
    """Give the host name of an address, lower-case; "" where it has none."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def an_address(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Check an absolute address; whether it may be called is the sender's to say."""
    if not isinstance(value, str) or not host_of(value):
        raise ConfigError(f"{attribute.name} is an absolute address: {shown(value)}")


def one_of(*allowed: Any) -> Any:
    """Give a check that a value is one of a few."""

    def check(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if not any(value == each and type(value) is type(each) for each in allowed):
            raise ConfigError(f"{attribute.name} is one of {', '.join(map(str, allowed))}: {shown(value)}")

    return check


def between(least: int, most: int) -> Any:
    """Give a check that a whole number lies in a range, both ends included."""

    def check(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if type(value) is not int:
            raise WrongType(f"{attribute.name} is a whole number: {shown(value)}")
        if not least <= value <= most:
            raise ConfigError(f"{attribute.name} lies between {least} and {most}: {shown(value)}")

    return check


def words(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Check a tuple of words, at least one."""
    if not isinstance(value, tuple) or not value:
        raise WrongType(f"{attribute.name} is a tuple of words, not {shown(value)}")
    for word in value:
        clean_id(word, attribute.name)
