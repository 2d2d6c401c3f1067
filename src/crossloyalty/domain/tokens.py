"""One-time tokens for an order: who holds one was handed it, for instance in the platform's own chat."""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Final, NoReturn

from crossloyalty.domain.keys import OrderKey
from crossloyalty.errors import ConfigError

__all__ = ["OrderTokens"]

_LEAST_KEY_BYTES: Final = 32
_TOKEN = re.compile(r"([0-9a-f]{1,12})\.([0-9a-f]{16,32})\.([0-9a-f]{64})", re.ASCII)
_LONGEST: Final = 128
_SECOND_US: Final = 1_000_000


class OrderTokens:
    """
    Signs and checks the tokens of orders.

    Args:
        keys: The host's secrets, each of 32 bytes or more: the first signs, all are accepted, so that a key can be
            changed while tokens are out.

    Raises:
        ConfigError: There is no key, or one is too short.
    """

    __slots__ = ("_keys",)

    def __init__(self, *keys: bytes) -> None:
        if not keys or not all(isinstance(key, bytes) and len(key) >= _LEAST_KEY_BYTES for key in keys):
            raise ConfigError(f"the key of tokens has {_LEAST_KEY_BYTES} bytes or more")
        self._keys = keys

    def __repr__(self) -> str:
        return f"OrderTokens({len(self._keys)} keys)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("OrderTokens hold secrets and do not leave their process")

    def issue(self, order: OrderKey, *, expires_at: int, nonce: str) -> str:
        """
        Make a token.

        Args:
            order: What it is for.
            expires_at: Until when it proves anything, in microseconds; full seconds count.
            nonce: 16 to 32 hexadecimal digits that no other token of the order has.
        """
        end = f"{expires_at // _SECOND_US:x}"
        return f"{end}.{nonce}.{_signed(self._keys[0], order, end, nonce)}"

    def check(self, token: str, order: OrderKey, *, now: int) -> str:
        """
        Check a token.

        Args:
            token: As the member gave it.
            order: What it should be for.
            now: In microseconds.

        Returns:
            Its nonce; "" for one that is not ours, for another order, or over.
        """
        found = _TOKEN.fullmatch(token) if len(token) <= _LONGEST else None
        if found is None:
            return ""
        end, nonce, signature = found.groups()
        given = signature.encode()
        # Every key is tried, so that the time it takes does not tell which one fits.
        fits = [hmac.compare_digest(_signed(key, order, end, nonce).encode(), given) for key in self._keys]
        return nonce if any(fits) and now < int(end, 16) * _SECOND_US else ""


def _signed(key: bytes, order: OrderKey, end: str, nonce: str) -> str:
    text = "\x1f".join(("crossloyalty order token", *order, end, nonce))
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
