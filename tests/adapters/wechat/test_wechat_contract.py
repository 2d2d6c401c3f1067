"""The Weixin shop source keeps every promise of the adapter contract, against its double."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from crossloyalty.adapters.wechat import AsyncWechatSource, WechatSource
from crossloyalty.adapters.wire.tokens import TokenStore
from crossloyalty.domain.orders import Order
from crossloyalty.testing import QUICK, AdapterContract
from crossloyalty.testing.adapter_checks import check_sync_loses_and_doubles_nothing
from crossloyalty.testing.adapter_kit import KitClock
from crossloyalty.testing.doubles import Book, Double, Faults
from crossloyalty.testing.doubles.wechat import WechatDouble


class TestWechat(AdapterContract):
    """Lists of numbers by cursor, a call for each order and each case, encrypted messages."""

    platform = "wechat"
    shop_id = "wx0123456789abcdef"
    pushes = True
    signs = "part"
    # Each order takes a call of its own; the run marked for releases pulls the usual number.
    orders = 500

    def number(self, place: int) -> str:
        return f"{3_700_000_000_000_000_000 + place}"

    def make_double(self, book: Book, faults: Faults, clock: KitClock) -> WechatDouble:
        return WechatDouble(book, faults=faults, clock=clock)

    def make_source(self, double: Double, *, tokens: TokenStore, clock: KitClock) -> WechatSource:
        assert isinstance(double, WechatDouble)
        return WechatSource(double.settings(), tokens=tokens, options=QUICK, clock=clock, sleep=lambda _: None)

    def make_async_source(self, double: Double, *, tokens: TokenStore, clock: KitClock) -> AsyncWechatSource:
        assert isinstance(double, WechatDouble)

        async def pause(_: float) -> None:
            return None

        return AsyncWechatSource(double.settings(), tokens=tokens, options=QUICK, clock=clock, sleep=pause)

    def expected(self, order: Order) -> Mapping[str, Any] | None:
        """What was never paid counts nothing here."""
        told = super().expected(order)
        return told if told is None or order.paid_at is not None else {**told, "paid_fen": 0, "shipping_fen": 0}


@pytest.mark.release
def test_two_thousand_orders_are_neither_lost_nor_doubled() -> None:
    """The same with 2,000 orders."""
    kit = TestWechat()
    kit.orders = 2000
    check_sync_loses_and_doubles_nothing(kit)
