"""Douyin keeps every promise of the adapter contract against its double."""

from __future__ import annotations

from typing import Any

from crossloyalty.domain.orders import Order
from crossloyalty.domain.ownership import Proof
from crossloyalty.testing import AdapterContract
from crossloyalty.testing.adapter_kit import Stand, finished_orders
from crossloyalty.testing.doubles.douyin import DouyinDouble, DouyinKit


class TestDouyin(DouyinKit, AdapterContract):
    """Douyin, as a tool that the merchant authorised."""


def test_a_bound_buyers_orders_convert_by_themselves() -> None:
    """A member bound under app and shop gets points for the finished orders of that buyer, and under another none."""
    with Stand.open(DouyinKit(), orders=40) as stand:
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


class _Unpaid(DouyinKit):
    def make_double(self, book: Any, faults: Any, clock: Any) -> DouyinDouble:
        return _UnpaidDouble(book, faults=faults, clock=clock)
