"""What a platform's folder tells the sender: its hosts, how its errors read, how its tokens are renewed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import attrs

from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.tokens import Tokens
from crossloyalty.adapters.wire.values import Answer, Call, Fault

__all__ = ["Dialect", "Refreshing", "Sending", "SendingOptions"]


@attrs.frozen(kw_only=True)
class Refreshing:
    """
    How a platform's access token is got and renewed.

    Args:
        build: Gives the call for a moment (aware) and the refresh token; None: there is none yet, or the platform gives
            tokens to the app's own keys. Raises `PlatformRefused` where the merchant has to authorise first.
        read: Reads the tokens from the answer, for the moment it came.
        early_s: How long before its end a token is renewed, in seconds.
    """

    build: Callable[[datetime, Secret | None], Call]
    read: Callable[[Answer, datetime], Tokens]
    early_s: float = 300.0


@attrs.frozen(kw_only=True)
class Dialect:
    """
    What the sender knows of a platform.

    Args:
        platform, shop_id: For errors, and the key of the tokens.
        hosts: The only host names that are called, lower-case, without port.
        fault_of: Reads an error from an answer, whatever its HTTP status; None: it is a good one. May raise
            `PlatformUnavailable` for an answer it cannot read.
        refreshing: None where no call carries a token.
    """

    platform: str
    shop_id: str
    hosts: frozenset[str]
    fault_of: Callable[[Answer, Call], Fault | None]
    refreshing: Refreshing | None = None


@attrs.frozen(kw_only=True)
class SendingOptions:
    """
    How patiently and how carefully calls are made.

    Args:
        tries: The most tries of one call.
        try_s: How long connecting, or one silence while reading, may last, in seconds.
        deadline_s: How long one call may last with all its tries and pauses, in seconds.
        longest_pause_s: A pause the platform advises is waited for up to this long, in seconds; a longer one is told to
            the caller as `RateLimited`.
        most_bytes: The largest answer, decoded, in bytes.
        allow_loopback: Call 127.0.0.1 over plain HTTP as well: for the doubles in tests, never in production.
    """

    tries: int = 4
    try_s: float = 10.0
    deadline_s: float = 60.0
    longest_pause_s: float = 30.0
    most_bytes: int = 8 * 1024 * 1024
    allow_loopback: bool = False


class Sending(Protocol):
    """What a platform's client calls: one request with its tries, tokens and limits (`sending.Sender`)."""

    async def send(self, build: Callable[[datetime, Secret], Call]) -> Answer:
        """
        Send one call with the shop's access token.

        Args:
            build: Makes and signs the call for a moment (aware) and the token; called again for each try.

        Returns:
            An answer that `fault_of` has no complaint about.

        Raises:
            RateLimited: The platform wants a longer pause than we wait, or the tries ran out.
            PlatformUnavailable: No good answer within the tries and the deadline.
            PlatformMissing: There is no such order or refund (`Action.MISSING`).
            PlatformRefused: A no for good, or the merchant has to authorise again.
        """
        ...

    async def send_without_token(self, build: Callable[[datetime], Call]) -> Answer:
        """Send one call that carries no access token; see `send`."""
        ...

    async def close(self) -> None:
        """Close connections that are kept open."""
        ...

    def now(self) -> datetime:
        """Give the present moment, aware, UTC."""
        ...
