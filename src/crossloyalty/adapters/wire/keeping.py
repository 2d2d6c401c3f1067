"""
One refresh for everybody: whoever wins the row's lease renews the token, the others wait and take what it got (F-31).

The lease stands in the token store, so threads, tasks and processes that share the store share it; a worker that dies
in the middle loses it by time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.tokens import AsyncTokenStore, StoredTokens, Tokens
from crossloyalty.errors import PlatformUnavailable

__all__ = ["Keeper"]

_LEASE_S: Final = 60.0
_LOOK_S: Final = 0.05


class Keeper:
    """
    Keeps one shop's tokens.

    Args:
        store: Where they live.
        platform, shop_id: The row.
        early_s: How long before its end a token is renewed, in seconds.
        now: Gives the present moment, aware.
        sleep: Pauses while somebody else renews, in seconds.
        random: Draws 0 to 1, so that those who wait do not look all at once.
    """

    def __init__(
        self,
        store: AsyncTokenStore,
        *,
        platform: str,
        shop_id: str,
        early_s: float,
        now: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]],
        random: Callable[[], float],
    ) -> None:
        self._store = store
        self._row = platform, shop_id
        self._early = timedelta(seconds=early_s)
        self._now = now
        self._sleep = sleep
        self._random = random
        self._held: Tokens | None = None

    async def access(self, stale: Secret | None, renew: Callable[[Secret | None], Awaitable[Tokens]]) -> Secret:
        """
        Give an access token.

        Args:
            stale: A token the platform has just refused; None: no trouble so far.
            renew: Gets new tokens for a refresh token (None: there is none).

        Raises:
            PlatformUnavailable: Somebody else renews and does not come to an end.
            Whatever *renew* raises, unless the old token is still good.
        """
        held = self._held
        if held is not None and held.access != stale and not self._ends(held, self._early):
            return held.access
        waited_s = 0.0
        while waited_s <= 2 * _LEASE_S:
            row = await self._store.load(*self._row)
            tokens = row.tokens
            good = tokens is not None and tokens.access != stale and not self._ends(tokens, timedelta())
            if tokens is not None and good and not self._ends(tokens, self._early):
                self._held = tokens
                return tokens.access
            if row.lease_until is not None and row.lease_until > self._now():
                if tokens is not None and good:
                    return tokens.access
                pause_s = _LOOK_S * (0.5 + self._random())
                await self._sleep(pause_s)
                waited_s += pause_s
                continue
            lease = StoredTokens(
                version=row.version + 1, tokens=tokens, lease_until=self._now() + timedelta(seconds=_LEASE_S)
            )
            if await self._store.swap(*self._row, row.version, lease):
                try:
                    return await self._renewed(lease, renew)
                except Exception:
                    if tokens is not None and good:
                        return tokens.access
                    raise
        raise PlatformUnavailable("somebody else renews the token and does not come to an end", platform=self._row[0])

    async def _renewed(self, lease: StoredTokens, renew: Callable[[Secret | None], Awaitable[Tokens]]) -> Secret:
        old = lease.tokens
        try:
            new = await renew(None if old is None else old.refresh)
        except Exception:
            await self._store.swap(*self._row, lease.version, StoredTokens(version=lease.version + 1, tokens=old))
            raise
        # Where the lease was lost meanwhile, what the other worker stored stays; a token that is no longer good there
        # is renewed again by whoever meets it.
        if await self._store.swap(*self._row, lease.version, StoredTokens(version=lease.version + 1, tokens=new)):
            self._held = new
        return new.access

    def _ends(self, tokens: Tokens, early: timedelta) -> bool:
        return tokens.expires_at is not None and tokens.expires_at - early <= self._now()
