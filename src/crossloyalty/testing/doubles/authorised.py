"""The tokens of a fresh authorisation, for sources that stand beside a double."""

from __future__ import annotations

from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.tokens import StoredTokens, Tokens, TokenStore
from crossloyalty.testing.doubles.server import Double

__all__ = ["authorised"]


def authorised(double: Double, tokens: TokenStore) -> TokenStore:
    """
    Put a double's tokens into a store, unless it has some.

    Returns:
        The store.
    """
    row = double.platform, double.book.shop_id
    if tokens.load(*row).tokens is None:
        access, refresh = double.first_tokens()
        first = StoredTokens(version=1, tokens=Tokens(access=Secret(access), refresh=Secret(refresh)))
        tokens.swap(*row, 0, first)
    return tokens
