"""What Xiaohongshu's payloads come to in points: once, for finished orders, on what the buyer paid, and back again."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest
from builders import Clock, assert_sound, points_program
from xiaohongshu_payloads import BUYER, ORDER_NO, SELLER, SKU, case, order, settings, sku

from crossloyalty import Loyalty, rules
from crossloyalty.adapters.xiaohongshu.orders import read_order
from crossloyalty.adapters.xiaohongshu.refunds import read_refund
from crossloyalty.domain.orders import Order, Refund
from crossloyalty.storage.memory import MemoryStorage

OTHER = "600000000000000000000002"


def order_(**changes: Any) -> Order:
    made = read_order(order(**changes), settings())
    assert isinstance(made, Order)
    return made


def case_(**changes: Any) -> Refund:
    made = read_refund(case(**changes))
    assert isinstance(made, Refund)
    return made


def opened(clock: Clock, **changes: Any) -> Loyalty:
    clock.set(datetime(2024, 7, 10, 4, 0, tzinfo=UTC))
    loyalty = Loyalty(points_program(rules.PointsPerYuan("1"), **changes), MemoryStorage(), clock=clock)
    loyalty.bind("m1", platform="xiaohongshu", buyer_id=BUYER, scope=SELLER)
    return loyalty


@pytest.fixture
def loyalty(clock: Clock) -> Loyalty:
    return opened(clock)


def test_a_bound_buyer_s_order_converts_when_it_is_finished(loyalty: Loyalty) -> None:
    """On its way (6) it gives nothing; finished (7) it gives 98 points for 98.00, once."""
    loyalty.ingest([order_(orderStatus=6, updateTime=1720141964000)])
    assert loyalty.member("m1").points == 0
    for _ in range(2):
        loyalty.ingest([order_()])
        assert loyalty.member("m1").points == 98
    assert_sound(loyalty)


def test_cases_and_order_come_in_any_order(clock: Clock) -> None:
    """Applied for, paid back and the order itself: 49 points in the end, whatever comes first (D32)."""
    facts = (order_(), case_(status=1, refundStatus=101, updatedAt=1720200000000), case_())
    for sequence in permutations(facts):
        loyalty = opened(clock)
        for fact in sequence:
            loyalty.ingest([fact])
        assert loyalty.member("m1").points == 49
        assert_sound(loyalty)


def test_a_refund_of_freight_takes_nothing_off_the_goods(loyalty: Loyalty) -> None:
    """90.00 of goods and 8.00 freight give 90 points; 8.00 of freight back leave 90 (D8)."""
    loyalty.ingest([order_(totalShippingFree=800, skuList=[sku(totalPaidAmount=9000)])])
    assert loyalty.member("m1").points == 90
    asked = {"appliedSkusAmountYuan": "0.0", "appliedShipFeeAmountYuan": "8.0"}
    loyalty.ingest([case_(refundAmountYuan="8.0", **asked)])
    assert loyalty.member("m1").points == 90
    assert_sound(loyalty)


def test_a_refund_belongs_to_its_product(clock: Clock) -> None:
    """50.00 that earn and 48.00 that do not: a refund of the one that does not leaves 50 points (D48)."""
    loyalty = opened(clock, eligibility=rules.Finished(exclude_products=("item-2",)))
    rows = [sku(totalPaidAmount=5000), sku(skuId=OTHER, itemId="item-2", totalPaidAmount=4800)]
    loyalty.ingest([order_(skuList=rows)])
    assert loyalty.member("m1").points == 50
    loyalty.ingest([case_(skus=[{"skuId": OTHER}], refundAmountYuan="48.0")])
    assert loyalty.member("m1").points == 50
    loyalty.ingest([case_(returnsId="R7000000000002", skus=[{"skuId": SKU}], refundAmountYuan="20.0")])
    assert loyalty.member("m1").points == 30
    assert_sound(loyalty)


def test_what_is_sent_again_for_an_exchange_earns_nothing(loyalty: Loyalty) -> None:
    """The first order's 98 points stay, the second earns none (D31)."""
    loyalty.ingest([order_()])
    loyalty.ingest([case_(returnType=2, refundStatus=None)])
    loyalty.ingest([order_(orderId="P700000000000000009", orderType=5, originalOrderId=ORDER_NO)])
    assert loyalty.member("m1").points == 98
    assert_sound(loyalty)


def test_a_closed_order_takes_everything_back_and_stays_claimed(loyalty: Loyalty) -> None:
    """7 and later 8: nothing is left, and the order's key is never free again (D12)."""
    loyalty.ingest([order_()])
    loyalty.ingest([order_(orderStatus=8, updateTime=1720300000000)])
    assert loyalty.member("m1").points == 0
    assert [(each.order_no, each.state) for each in loyalty.claims("m1").items] == [(ORDER_NO, "REVERSED")]
    assert_sound(loyalty)


def test_presales_and_samples_earn_nothing_by_default(loyalty: Loyalty) -> None:
    """Kinds other than the usual one take part only where the program says so (D10, D30)."""
    loyalty.ingest([order_(orderType=2), order_(orderId="P700000000000000002", orderTagList=["SAMPLE"])])
    assert loyalty.member("m1").points == 0
