"""Blind indexes of phones: equal phones give equal texts, and nobody without the key can go back."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Final, NoReturn

from crossloyalty.domain.keys import clean_id, fold
from crossloyalty.errors import ConfigError, InvalidInput, WrongType

__all__ = ["PhoneIndex", "normal_phone", "normal_tail"]

_LEAST_KEY_BYTES: Final = 32
_LARGEST_VERSION: Final = 9999
_PUNCTUATION: Final = str.maketrans("", "", "+-().")


class PhoneIndex:
    """
    Makes the keyed hash under which a phone is stored and compared; the phone itself is stored nowhere.

    The index is `version:` and HMAC-SHA-256 over version, program, field and normal form. A phone has about 10^10
    values, so without a secret key the hash would be worth nothing. Two versions may stand side by side while the key
    is changed: new indexes are made with the current one, comparisons accept all.

    Args:
        keys: The host's secrets by version, each of 32 bytes or more; versions are 1 to 9999.
        current: The version new indexes are made with; the greatest unless given.

    Raises:
        ConfigError: A key is too short, or there is none of the current version.
    """

    __slots__ = ("_current", "_keys")

    def __init__(self, keys: Mapping[int, bytes], *, current: int | None = None) -> None:
        if not isinstance(keys, Mapping) or not keys:
            raise ConfigError("a PhoneIndex needs its keys, by version")
        for version, key in keys.items():
            if type(version) is not int or not 1 <= version <= _LARGEST_VERSION:
                raise ConfigError(f"the versions of keys are whole numbers from 1 to {_LARGEST_VERSION}")
            if not isinstance(key, bytes) or len(key) < _LEAST_KEY_BYTES:
                raise ConfigError(f"the key of a blind index has {_LEAST_KEY_BYTES} bytes or more")
        self._keys = dict(keys)
        self._current = max(keys) if current is None else current
        if self._current not in self._keys:
            raise ConfigError("there is no key of the current version")

    def __repr__(self) -> str:
        return f"PhoneIndex(versions={sorted(self._keys)}, current={self._current})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a PhoneIndex holds secrets and does not leave its process")

    @property
    def current(self) -> int:
        """The version new indexes are made with."""
        return self._current

    @property
    def versions(self) -> tuple[int, ...]:
        """The versions there are keys of."""
        return tuple(sorted(self._keys))

    def phone(self, program_id: str, phone: str) -> str:
        """
        Give the index of a phone, as an identity and as `Order.receiver_phone_index`.

        Raises:
            InvalidInput: It is no phone, or a masked one.
        """
        return self.of(program_id, "phone", normal_phone(phone), self._current)

    def tail(self, program_id: str, tail: str) -> str:
        """
        Give the index of a phone's last four digits, as `Order.receiver_tail_index`.

        Raises:
            InvalidInput: These are no four digits.
        """
        return self.of(program_id, "phone_tail", normal_tail(tail), self._current)

    def of(self, program_id: str, field: str, normal: str, version: int) -> str:
        """
        Give the index of a value in its normal form.

        Args:
            program_id: The program; equal phones of two merchants have different indexes.
            field: "phone" or "phone_tail".
            normal: The value's normal form.
            version: Which key.
        """
        text = "\x1f".join((str(version), clean_id(program_id, "program_id"), field, normal))
        return f"{version}:{hmac.new(self._keys[version], text.encode(), hashlib.sha256).hexdigest()}"

    def every(self, program_id: str, field: str, normal: str) -> tuple[str, ...]:
        """Give the indexes of a value by all keys there are, to be compared with what is stored."""
        return tuple(self.of(program_id, field, normal, version) for version in self.versions)


def normal_phone(text: str) -> str:
    """
    Bring a phone into one spelling: digits alone, without China's country code.

    Raises:
        WrongType: It is not text.
        InvalidInput: It is no phone; the message does not show it.
    """
    if not isinstance(text, str):
        raise WrongType(f"a phone is text, not {type(text).__name__}")
    digits = fold(text[:64]).translate(_PUNCTUATION)
    if not (digits.isascii() and digits.isdigit()):
        raise InvalidInput("a phone has digits only; a masked one is none")
    digits = digits.removeprefix("00")
    if len(digits) == 13 and digits.startswith("861"):
        digits = digits[2:]
    if not 5 <= len(digits) <= 15:
        raise InvalidInput("a phone has 5 to 15 digits")
    return digits


def normal_tail(text: str) -> str:
    """
    Read the last four digits of a phone.

    Raises:
        WrongType: It is not text.
        InvalidInput: These are no four digits; the message does not show them.
    """
    if not isinstance(text, str):
        raise WrongType(f"the end of a phone is text, not {type(text).__name__}")
    digits = fold(text[:64])
    if len(digits) != 4 or not (digits.isascii() and digits.isdigit()):
        raise InvalidInput("the end of a phone is its last four digits")
    return digits
