"""The Kuaishou source keeps every promise of the adapter contract against its double."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from kit_tokens import first_tokens

from crossloyalty.adapters.kuaishou import AsyncKuaishouSource, KuaishouSource
from crossloyalty.domain.orders import Order
from crossloyalty.testing import QUICK, AdapterContract
from crossloyalty.testing.adapter_checks import check_sync_loses_and_doubles_nothing
from crossloyalty.testing.doubles.kuaishou import KuaishouDouble


class TestKuaishou(AdapterContract):
    """Kuaishou shop: the cipher of a message is all that proves it."""

    platform = "kuaishou"
    pushes = True
    encrypts = True
    # Each order takes a call of its own; all 2,000 are for the longer runs.
    orders = 400
    shop_id = "f1880000000000000000000000000009"

    def number(self, place: int) -> str:
        return f"{2_400_000_000_000_000 + place}"

    def make_double(self, book, faults, clock):
        return KuaishouDouble(book, faults=faults, clock=clock)

    def make_source(self, double, *, tokens, clock):
        first_tokens(double, tokens)
        return KuaishouSource(double.settings(), tokens=tokens, clock=clock, sleep=lambda _: None, options=QUICK)

    def make_async_source(self, double, *, tokens, clock):
        return AsyncKuaishouSource(double.settings(), tokens=tokens, clock=clock, options=QUICK)

    def expected(self, order: Order) -> Mapping[str, Any] | None:
        """What was never paid has no amounts here."""
        told = super().expected(order)
        return told if order.paid_at is not None or told is None else {"status": told["status"]}


@pytest.mark.release
def test_two_thousand_orders_are_pulled_whole() -> None:
    """None missing, none doubled, none wrong, from a double that drifts and fails with short-lived tokens."""
    kit = TestKuaishou()
    kit.orders = 2000
    check_sync_loses_and_doubles_nothing(kit)
