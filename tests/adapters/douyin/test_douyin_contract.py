"""Douyin keeps every promise of the adapter contract against its double."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from crossloyalty.adapters.douyin import AsyncDouyinSource, DouyinSource
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.tokens import StoredTokens, Tokens, TokenStore
from crossloyalty.domain.orders import Order, OrderStatus
from crossloyalty.domain.ownership import Proof
from crossloyalty.testing import QUICK, AdapterContract
from crossloyalty.testing.adapter_kit import Stand, finished_orders
from crossloyalty.testing.doubles.douyin import DouyinDouble


def authorised(double: DouyinDouble, tokens: TokenStore) -> None:
    """Put the tokens of a merchant's authorisation into the store."""
    access, refresh = double.first_tokens()
    kept = Tokens(access=Secret(access), refresh=Secret(refresh))
    assert tokens.swap(double.platform, double.book.shop_id, 0, StoredTokens(version=1, tokens=kept))


class TestDouyin(AdapterContract):
    """Douyin, as a tool that the merchant authorised."""

    platform = "douyin"
    pushes = True

    def number(self, place: int) -> str:
        return DouyinDouble.order_number(place)

    def make_double(self, book: Any, faults: Any, clock: Any) -> DouyinDouble:
        return DouyinDouble(book, faults=faults, clock=clock)

    def make_source(self, double: Any, *, tokens: TokenStore, clock: Any) -> DouyinSource:
        authorised(double, tokens)
        return DouyinSource(double.settings(), tokens=tokens, clock=clock, sleep=lambda _: None, options=QUICK)

    def make_async_source(self, double: Any, *, tokens: TokenStore, clock: Any) -> AsyncDouyinSource:
        return AsyncDouyinSource(double.settings(), tokens=tokens, clock=clock, options=QUICK)

    def expected(self, order: Order) -> Mapping[str, Any] | None:
        # What was never paid counts nothing: the platform's figures are amounts due.
        if order.status is OrderStatus.UNPAID:
            order = attrs.evolve(order, paid_fen=0, shipping_fen=0)
        return super().expected(order)


def test_a_bound_buyers_orders_convert_by_themselves() -> None:
    """A member bound under app and shop gets points for the finished orders of that buyer, and under another none."""
    with Stand.open(TestDouyin(), orders=40) as stand:
        finished = finished_orders(stand.book)[0]
        assert finished.buyer_id is not None
        scope = stand.double.settings().buyer_scope
        stand.loyalty.bind("m1", platform="douyin", buyer_id=finished.buyer_id, scope=scope)
        stand.loyalty.bind("m2", platform="douyin", buyer_id=finished.buyer_id, scope="another app/shop-1")
        stand.loyalty.sync(stand.source, since=stand.since)
        assert finished.order_no in {each.order_no for each in stand.loyalty.claims("m1").items}
        assert stand.loyalty.claims("m2").items == ()


def test_an_order_whose_money_was_never_collected_is_not_converted() -> None:
    """Used first and never paid (先用后付), an order ends in status 5: its claim waits and gives nothing."""
    with Stand.open(_Unpaid(), orders=1) as stand:
        [order] = stand.book.orders()
        stand.loyalty.sync(stand.source, since=stand.since)
        asked = stand.loyalty.claim("m1", platform="douyin", order_no=order.order_no, proof=Proof.by_host("kit"))
        assert not asked.created
        stand.clock.move(days=2)
        stand.loyalty.sync(stand.source)
        assert stand.loyalty.member("m1").points == 0


class _UnpaidDouble(DouyinDouble):
    """Tells every order as completed and never paid."""

    def _order(self, order: Order) -> dict[str, Any]:
        told = super()._order(order)
        done = {"order_status": 5, "finish_time": told["update_time"]}
        parts = [{**each, **done} for each in told["sku_order_list"]]
        return {**told, **done, "pay_type": 12, "pay_time": 0, "sku_order_list": parts}


class _Unpaid(TestDouyin):
    def make_double(self, book: Any, faults: Any, clock: Any) -> DouyinDouble:
        return _UnpaidDouble(book, faults=faults, clock=clock)
