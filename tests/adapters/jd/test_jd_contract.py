"""JD keeps every promise of the adapter contract, over either gateway."""

from __future__ import annotations

from typing import Any

from crossloyalty.adapters.jd import AsyncJdSource, JdSettings, JdSource
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.tokens import StoredTokens, Tokens
from crossloyalty.domain.orders import OrderStatus
from crossloyalty.testing import QUICK, AdapterContract
from crossloyalty.testing.doubles.jd import JdBook, JdDouble


def _settings(double: JdDouble, api: str) -> JdSettings:
    return JdSettings(
        app_key=double.app_key,
        app_secret=double.app_secret,
        shop_id="shop-1",
        api=api,  # type: ignore[arg-type]
        gateway=double.gateway,
        sp_gateway=double.sp_gateway,
        oauth=double.oauth,
        # Few windows, so that the many checks stay short.
        window_minutes=1440,
        page_size=100,
    )


class _Jd(AdapterContract):
    platform = "jd"
    api = "routerjson"

    def number(self, place: int) -> str:
        return f"{290_000_000_000 + place}"

    def make_book(self) -> JdBook:
        return JdBook(kinds=("apply", "afs") if self.api == "routerjson" else ("afs",))

    def make_double(self, book: Any, faults: Any, clock: Any) -> JdDouble:
        return JdDouble(book, faults=faults, clock=clock)

    def make_source(self, double: Any, *, tokens: Any, clock: Any) -> JdSource:
        access, refresh = double.first_tokens()
        first = Tokens(access=Secret(access), refresh=Secret(refresh))
        assert tokens.swap("jd", "shop-1", 0, StoredTokens(version=1, tokens=first))
        return JdSource(_settings(double, self.api), tokens=tokens, clock=clock, sleep=lambda _: None, options=QUICK)

    def make_async_source(self, double: Any, *, tokens: Any, clock: Any) -> AsyncJdSource:
        return AsyncJdSource(_settings(double, self.api), tokens=tokens, clock=clock, options=QUICK)

    def expected(self, order: Any) -> Any:
        # Of an unpaid order nothing is paid, whatever is due.
        told = super().expected(order)
        return told if order.status is not OrderStatus.UNPAID else {**told, "paid_fen": 0, "shipping_fen": 0}


class TestJd(_Jd):
    """The documented gateway."""


class TestJdSp(_Jd):
    """The SP-API."""

    api = "sp"
    orders = 600
