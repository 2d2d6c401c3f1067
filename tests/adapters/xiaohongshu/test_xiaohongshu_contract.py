"""The Xiaohongshu source keeps every promise of the adapter contract against its double."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from kit_tokens import first_tokens

from crossloyalty.adapters.xiaohongshu import AsyncXiaohongshuSource, XiaohongshuSource
from crossloyalty.domain.orders import Order
from crossloyalty.testing import QUICK, AdapterContract
from crossloyalty.testing.adapter_checks import check_sync_loses_and_doubles_nothing
from crossloyalty.testing.doubles.xiaohongshu import XiaohongshuDouble


class TestXiaohongshu(AdapterContract):
    """Xiaohongshu: the signature of a message stands in its headers and leaves the body out."""

    platform = "xiaohongshu"
    pushes = True
    signs = "address"
    # Each order takes a call of its own; all 2,000 are for the longer runs.
    orders = 400
    shop_id = "5e0000000000000000000009"
    # A window is half an hour long, so a few days of them would be hundreds of pages.
    days = 0.5

    def number(self, place: int) -> str:
        return f"P{700_000_000_000_000_000 + place}"

    def make_double(self, book, faults, clock):
        return XiaohongshuDouble(book, faults=faults, clock=clock)

    def make_source(self, double, *, tokens, clock):
        first_tokens(double, tokens)
        return XiaohongshuSource(double.settings(), tokens=tokens, clock=clock, sleep=lambda _: None, options=QUICK)

    def make_async_source(self, double, *, tokens, clock):
        return AsyncXiaohongshuSource(double.settings(), tokens=tokens, clock=clock, options=QUICK)

    def expected(self, order: Order) -> Mapping[str, Any] | None:
        """What was never paid has no amounts here."""
        told = super().expected(order)
        return told if order.paid_at is not None or told is None else {"status": told["status"]}


@pytest.mark.release
def test_two_thousand_orders_are_pulled_whole() -> None:
    """None missing, none doubled, none wrong, from a double that drifts and fails with short-lived tokens."""
    kit = TestXiaohongshu()
    kit.orders = 2000
    check_sync_loses_and_doubles_nothing(kit)
