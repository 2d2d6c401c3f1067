"""What Kuaishou's payloads come to in points: once, for finished orders, on what the buyer paid, and back again."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest
from builders import Clock, assert_sound, net_entries, points_program
from kuaishou_payloads import BUYER, OID, fee, order, refund, settings

from crossloyalty import Loyalty, rules
from crossloyalty.adapters.kuaishou.orders import read_order
from crossloyalty.adapters.kuaishou.refunds import read_refund
from crossloyalty.domain.orders import Order, Refund
from crossloyalty.storage.memory import MemoryStorage

SCOPE = "ks600000000000000001"


def order_(**changes: Any) -> Order:
    made = read_order(order(**changes), fee(), settings())
    assert isinstance(made, Order)
    return made


def refund_(fees: Any = None, **changes: Any) -> Refund:
    made = read_refund(refund(**changes), fee() if fees is None else fees, settings())
    assert isinstance(made, Refund)
    return made


@pytest.fixture
def loyalty(clock: Clock) -> Loyalty:
    clock.set(datetime(2024, 7, 10, 4, 0, tzinfo=UTC))
    opened = Loyalty(points_program(rules.PointsPerYuan("1")), MemoryStorage(), clock=clock)
    opened.bind("m1", platform="kuaishou", buyer_id=BUYER, scope=SCOPE)
    return opened


def test_a_bound_buyer_s_order_converts_when_it_is_finished(loyalty: Loyalty) -> None:
    """Signed (50) gives nothing; finished (70) gives 98 points for 98.00, once."""
    loyalty.ingest([order_(status=50, updateTime=1720141964000)])
    assert loyalty.member("m1").points == 0
    for _ in range(2):
        loyalty.ingest([order_()])
        assert loyalty.member("m1").points == 98
    assert_sound(loyalty)


def test_a_refund_larger_than_the_buyer_paid_leaves_zero(loyalty: Loyalty) -> None:
    """103.00 go back for an order of which the buyer paid 98.00: 0 points, not −5 (D8)."""
    loyalty.ingest([order_()])
    loyalty.ingest([refund_(refundFee=10300)])
    assert loyalty.member("m1").points == 0
    assert net_entries(loyalty, "m1") == {}
    assert_sound(loyalty)


def test_a_partial_refund_is_measured_on_the_buyer_s_basis(loyalty: Loyalty) -> None:
    """51.50 of 103.00 are half: 49.00 of the buyer's 98.00 stay, 49 points; without fees 46 would (D8)."""
    loyalty.ingest([order_(), refund_(refundFee=5150)])
    assert loyalty.member("m1").points == 49
    assert_sound(loyalty)


def test_refund_order_and_claim_come_in_any_order(clock: Clock) -> None:
    """Whatever comes first, 98.00 − 46.63 = 51.37 count in the end: 51 points (D32)."""
    facts = (order_(status=50, updateTime=1720141964000), order_(), refund_())
    for sequence in permutations(facts):
        clock.set(datetime(2024, 7, 10, 4, 0, tzinfo=UTC))
        loyalty = Loyalty(points_program(rules.PointsPerYuan("1")), MemoryStorage(), clock=clock)
        for fact in sequence:
            loyalty.ingest([fact])
        loyalty.bind("m1", platform="kuaishou", buyer_id=BUYER, scope=SCOPE)
        assert loyalty.member("m1").points == 51
        assert_sound(loyalty)


def test_a_closed_order_takes_everything_back_and_stays_claimed(loyalty: Loyalty) -> None:
    """70 and later 80: nothing is left, and the order's key is never free again (D12)."""
    loyalty.ingest([order_()])
    loyalty.ingest([order_(status=80, updateTime=1720300000000)])
    assert loyalty.member("m1").points == 0
    assert [(each.order_no, each.state) for each in loyalty.claims("m1").items] == [(str(OID), "REVERSED")]
    assert_sound(loyalty)


def test_an_exchange_moves_nothing(loyalty: Loyalty) -> None:
    """Another piece for the first one: the points stay (D31)."""
    loyalty.ingest([order_()])
    loyalty.ingest([refund_(handlingWay=3, refundFee=9800)])
    assert loyalty.member("m1").points == 98


def test_a_lucky_bag_earns_nothing(loyalty: Loyalty) -> None:
    """What was won was not bought (D10)."""
    loyalty.ingest([order_(allActivityType=[5])])
    assert loyalty.member("m1").points == 0
