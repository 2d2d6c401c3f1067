"""The Youzan source keeps every promise of the adapter contract, against its double."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossloyalty.adapters.wire.tokens import TokenStore
from crossloyalty.adapters.youzan import AsyncYouzanSource, YouzanSource
from crossloyalty.domain.orders import Order
from crossloyalty.testing import QUICK, AdapterContract
from crossloyalty.testing.adapter_kit import KitClock
from crossloyalty.testing.doubles import Book, Double, Faults
from crossloyalty.testing.doubles.youzan import YouzanDouble


class TestYouzan(AdapterContract):
    """Pages by number whose rows move, orders stated whole, a call for each case, signed messages."""

    platform = "youzan"
    shop_id = "12345678"
    pushes = True

    def number(self, place: int) -> str:
        return f"E2026{place:019}"

    def make_double(self, book: Book, faults: Faults, clock: KitClock) -> YouzanDouble:
        return YouzanDouble(book, faults=faults, clock=clock)

    def make_source(self, double: Double, *, tokens: TokenStore, clock: KitClock) -> YouzanSource:
        assert isinstance(double, YouzanDouble)
        return YouzanSource(double.settings(), tokens=tokens, options=QUICK, clock=clock, sleep=lambda _: None)

    def make_async_source(self, double: Double, *, tokens: TokenStore, clock: KitClock) -> AsyncYouzanSource:
        assert isinstance(double, YouzanDouble)

        async def pause(_: float) -> None:
            return None

        return AsyncYouzanSource(double.settings(), tokens=tokens, options=QUICK, clock=clock, sleep=pause)

    def expected(self, order: Order) -> Mapping[str, Any] | None:
        """What was never paid counts nothing here."""
        told = super().expected(order)
        return told if told is None or order.paid_at is not None else {**told, "paid_fen": 0, "shipping_fen": 0}
