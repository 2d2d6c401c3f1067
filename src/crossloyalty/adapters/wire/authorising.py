"""Putting the tokens of a fresh authorisation into the store, whatever else is written there meanwhile."""

from __future__ import annotations

from crossloyalty.adapters.wire.tokens import AsyncTokenStore, StoredTokens, Tokens
from crossloyalty.errors import PlatformUnavailable

__all__ = ["keep_tokens"]

_TRIES = 20


async def keep_tokens(store: AsyncTokenStore, platform: str, shop_id: str, tokens: Tokens) -> None:
    """
    Store the tokens a merchant has just authorised; they win over a refresh that is under way.

    Args:
        store: Where they live.
        platform, shop_id: The row.
        tokens: From the authorisation.

    Raises:
        PlatformUnavailable: Others wrote in between each time.
    """
    for _ in range(_TRIES):
        row = await store.load(platform, shop_id)
        if await store.swap(platform, shop_id, row.version, StoredTokens(version=row.version + 1, tokens=tokens)):
            return
    raise PlatformUnavailable("the new tokens could not be stored", platform=platform)
