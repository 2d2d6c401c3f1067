"""Secrets that do not show: in no repr, no log, no pickle."""

from __future__ import annotations

from typing import Final, NoReturn

from crossloyalty.errors import ConfigError, WrongType

__all__ = ["Secret"]

_HIDDEN: Final = "<secret>"


class Secret:
    """
    A key, password or token that shows itself only to `reveal()`.

    Args:
        value: The text; an empty one is a `ConfigError`, because it would sign for everybody.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        if type(value) is not str:
            raise WrongType(f"a secret is text, not {type(value).__name__}")
        if not value.strip():
            raise ConfigError("a secret is empty")
        self._value = value

    @classmethod
    def of(cls, value: str | Secret) -> Secret:
        """Take a text or a secret."""
        return value if isinstance(value, Secret) else cls(value)

    def reveal(self) -> str:
        """Give the text, for signing and nothing else."""
        return self._value

    def __repr__(self) -> str:
        return _HIDDEN

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return _HIDDEN

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled; give it to the process that needs it")
