"""What Youzan orders and their refunds come to in points, worked out by hand at 1 point a yuan."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from youzan_shop import read_case, read_good

from crossloyalty import Loyalty, Program, Refund, rules
from crossloyalty.storage.memory import MemoryStorage

NOW = datetime(2026, 3, 20, tzinfo=UTC)
FIRST = "2900000000000000001"


def points(*facts: Any) -> int:
    """Take facts in for a member who is bound to the buyer, and give the points."""
    loyalty = Loyalty(Program(program_id="a", rewards=[rules.PointsPerYuan("1")]), MemoryStorage(), clock=lambda: NOW)
    loyalty.bind("m1", platform="youzan", buyer_id="LnhGexample0001")
    loyalty.ingest(facts)
    return loyalty.member("m1").points


def case(*oids: str, **changes: Any) -> Refund:
    (refund,) = read_case(*oids, **changes).items
    assert isinstance(refund, Refund)
    return refund


def test_postage_earns_nothing_and_comes_back_with_its_line() -> None:
    """180.00 + 8.00 postage earns 180; 94.00 back for one line are 90.00 of goods and 4.00 of postage: 90 stay."""
    order = read_good()
    assert points(order) == 180
    assert points(order, case(FIRST)) == points(case(FIRST), order) == 90
    assert points(order, case(refund_fee="188.00")) == 0


def test_a_refund_of_several_lines_is_taken_from_all() -> None:
    """100.00 back for both lines: goods first, 80 of 180 stay, although the case's own oid names one line of 90.00."""
    assert points(read_good(), case(refund_fee="100.00")) == 80


def test_only_money_that_went_back_counts() -> None:
    """Asked for, or refused and not closed: nothing is issued before it is settled. Closed or exchanged: 180 stay."""
    order = read_good()
    for changes in ({"status": "CLOSED"}, {"demand": 3}):
        assert points(order, case(FIRST, **changes)) == 180
    for status in ("WAIT_SELLER_AGREE", "SELLER_REFUSE_BUYER", "SELLER_REFUSE_BUYER_RETURN_GOODS"):
        assert points(order, case(FIRST, status=status)) == 0


def test_cards_earn_nothing() -> None:
    """88.00 by card of 188.00: 180.00 of goods less 88.00 are 92; after half of the goods went back, 46."""
    order = read_good(pay__deduction_pay=8800, pay__deduction_real_pay=10000)
    assert points(order) == 92
    assert points(order, case(FIRST)) == 46


def test_everything_refunded_is_known_by_the_order_alone() -> None:
    """refund_state 12 takes everything back, with the case or without it, and not twice."""
    order = read_good(info__refund_state=12)
    assert points(order) == points(order, case(refund_fee="188.00")) == 0


def test_gift_lines_and_closed_orders_earn_nothing() -> None:
    """A line that is a present earns nothing: 90 of 180; a closed order takes all back."""
    assert points(read_good(line1__is_present=True)) == 90
    assert points(read_good(), read_good(info__status="TRADE_CLOSED", info__update_time="2026-03-02 00:00:00")) == 0
