"""The tokens of a fresh authorisation, for sources that stand beside a double."""

from __future__ import annotations

from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.tokens import StoredTokens, Tokens, TokenStore
from crossloyalty.testing.doubles import Double

__all__ = ["first_tokens"]


def first_tokens(double: Double, tokens: TokenStore) -> None:
    """Authorise the double's shop, unless that was done."""
    row = double.platform, double.book.shop_id
    if tokens.load(*row).tokens is None:
        access, refresh = double.first_tokens()
        first = StoredTokens(version=1, tokens=Tokens(access=Secret(access), refresh=Secret(refresh)))
        assert tokens.swap(*row, 0, first)
