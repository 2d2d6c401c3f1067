"""What a host brings along so that proofs can be checked and guesses counted."""

from __future__ import annotations

import inspect
from typing import Any

import attrs

from crossloyalty.application.ports import (
    AsyncPhoneCheck,
    AsyncPhoneCipher,
    AsyncRateLimiter,
    PhoneCheck,
    PhoneCipher,
    RateLimiter,
)
from crossloyalty.domain.phones import PhoneIndex
from crossloyalty.domain.tokens import OrderTokens
from crossloyalty.errors import ConfigError, WrongType, shown

__all__ = ["ProofChecks", "is_async"]


def _is_a(kind: type) -> Any:
    def check(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if value is not None and not isinstance(value, kind):
            raise WrongType(f"{attribute.name} is a {kind.__name__}, not {type(value).__name__}")

    return check


def _has(*names: str) -> Any:
    def check(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if value is not None and not all(callable(getattr(value, name, None)) for name in names):
            raise WrongType(f"{attribute.name} has {' and '.join(names)}: {shown(value)}")

    return check


def is_async(port: object, name: str) -> bool:
    """Say whether a method of a port has to be awaited."""
    return inspect.iscoroutinefunction(getattr(port, name))


@attrs.frozen(kw_only=True)
class ProofChecks:
    """
    What proofs are checked by and phones are kept by, given to a door when it is built.

    Args:
        phone_index: For `Proof.phone` and `Proof.phone_tail` against the indexes in the order.
        tokens: For `Proof.token` and `issue_token`.
        phone_cipher: Hides the phones that `bind_phone` keeps; unless given, only their blind indexes are kept.
        phone_check: For phones that only the platform can compare; asked while no transaction is open.
        rate_limiter: Counts attempts in the place of the library. Unless given, they are counted in the transaction of
            the answer, and inside a host's transaction apart from it.
    """

    phone_index: PhoneIndex | None = attrs.field(default=None, validator=_is_a(PhoneIndex))
    tokens: OrderTokens | None = attrs.field(default=None, validator=_is_a(OrderTokens))
    phone_cipher: PhoneCipher | AsyncPhoneCipher | None = attrs.field(
        default=None, validator=_has("encrypt", "decrypt"), repr=False
    )
    phone_check: PhoneCheck | AsyncPhoneCheck | None = attrs.field(default=None, validator=_has("matches"))
    rate_limiter: RateLimiter | AsyncRateLimiter | None = attrs.field(default=None, validator=_has("take", "give_back"))

    def require_plain(self) -> None:
        """
        Refuse asynchronous ports, because what asks them runs to its end in one thread.

        Raises:
            ConfigError: One is.
        """
        ports = ((self.phone_check, "matches"), (self.rate_limiter, "take"), (self.phone_cipher, "encrypt"))
        for port, name in ports:
            if port is not None and is_async(port, name):
                raise ConfigError(f"{type(port).__name__}.{name} is asynchronous; this door needs a plain one")
