"""Access tokens as values, and the store they live in; every worker of a shop shares one row."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol, runtime_checkable

import attrs

from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.errors import PlatformRefused

__all__ = ["AsyncTokenStore", "StoredTokens", "TokenStore", "Tokens", "check_owner"]


@attrs.frozen(kw_only=True)
class Tokens:
    """
    What a shop's calls are authorised with.

    Args:
        access: Goes with each call.
        refresh: Buys the next access token; None where the app's own keys do.
        expires_at: When the access token ends, aware; None: the platform named no time.
        refresh_expires_at: When the refresh token ends and the merchant has to authorise again; None: never told.
    """

    access: Secret
    refresh: Secret | None = None
    expires_at: datetime | None = None
    refresh_expires_at: datetime | None = None


def check_owner(owner: str | None, shop: str, platform: str) -> None:
    """
    Refuse tokens that a platform gave for somebody else's shop, whose orders would come in as ours.

    Args:
        owner: Whose they are, as the answer says; None: it does not say.
        shop: Whose they have to be, named in the same way.
        platform: For the error.

    Raises:
        PlatformRefused: They are another shop's.
    """
    if owner not in (None, shop):
        raise PlatformRefused("the tokens are those of another shop", platform=platform)


@attrs.frozen(kw_only=True)
class StoredTokens:
    """
    The row of one shop.

    Args:
        version: Goes up with every write.
        tokens: None: there are none yet.
        lease_until: Until when one worker has the refresh to itself, aware; None: nobody refreshes.
    """

    version: int = 0
    tokens: Tokens | None = None
    lease_until: datetime | None = None


@runtime_checkable
class TokenStore(Protocol):
    """Where tokens live; hosts put their own secret store here."""

    def load(self, platform: str, shop_id: str) -> StoredTokens:
        """Give the row; version 0 without tokens when there is none."""
        ...

    def swap(self, platform: str, shop_id: str, expected_version: int, new: StoredTokens) -> bool:
        """
        Put a new row in place of the one of *expected_version*, in one step that no other writer can get between.

        Returns:
            False when the row has another version by now; nothing was written then.
        """
        ...


@runtime_checkable
class AsyncTokenStore(Protocol):
    """`TokenStore`, awaited."""

    async def load(self, platform: str, shop_id: str) -> StoredTokens:
        """See `TokenStore.load`."""
        ...

    async def swap(self, platform: str, shop_id: str, expected_version: int, new: StoredTokens) -> bool:
        """See `TokenStore.swap`."""
        ...
