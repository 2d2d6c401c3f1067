"""Taobao and Tmall keep every promise of the adapter contract."""

from __future__ import annotations

from typing import Any

import pytest

from crossloyalty.adapters.taobao import AsyncTaobaoSource, TaobaoSettings, TaobaoSource
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.tokens import StoredTokens, Tokens
from crossloyalty.domain.orders import OrderStatus
from crossloyalty.testing import QUICK, AdapterContract
from crossloyalty.testing.doubles.taobao import TaobaoDouble


def _settings(double: TaobaoDouble, api: str) -> TaobaoSettings:
    return TaobaoSettings(
        app_key=double.app_key,
        app_secret=double.app_secret,
        shop_id="shop-1",
        platform="taobao",
        gateway=double.gateway,
        api=api,  # type: ignore[arg-type]
        # Few windows, so that the many checks stay short.
        window_minutes=1440,
        page_size=100,
    )


class _Taobao(AdapterContract):
    platform = "taobao"
    api = "simple"

    def make_double(self, book: Any, faults: Any, clock: Any) -> TaobaoDouble:
        return TaobaoDouble(book, faults=faults, clock=clock)

    def make_source(self, double: Any, *, tokens: Any, clock: Any) -> TaobaoSource:
        access, refresh = double.first_tokens()
        first = Tokens(access=Secret(access), refresh=Secret(refresh))
        assert tokens.swap("taobao", "shop-1", 0, StoredTokens(version=1, tokens=first))
        return TaobaoSource(
            _settings(double, self.api), tokens=tokens, clock=clock, sleep=lambda _: None, options=QUICK
        )

    def make_async_source(self, double: Any, *, tokens: Any, clock: Any) -> AsyncTaobaoSource:
        return AsyncTaobaoSource(_settings(double, self.api), tokens=tokens, clock=clock, options=QUICK)

    def expected(self, order: Any) -> Any:
        # Of an unpaid order nothing is paid, whatever is due.
        told = super().expected(order)
        return told if order.status is not OrderStatus.UNPAID else {**told, "paid_fen": 0, "shipping_fen": 0}


class TestTaobao(_Taobao):
    """The lists made for member systems."""


@pytest.mark.release
class TestTaobaoFull(_Taobao):
    """The full lists, with each finished order fetched once more."""

    api = "sold"
    orders = 600
