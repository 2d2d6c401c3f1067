"""What Weixin shop orders and their after-sale cases come to in points, worked out by hand at 1 point a yuan."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import attrs
from wechat_shop import SETTINGS, line, order_detail, price, read, read_case, read_good

from crossloyalty import Loyalty, Order, Program, Proof, Refund, rules
from crossloyalty.adapters.wechat.settings import WechatSettings
from crossloyalty.storage.memory import MemoryStorage

NOW = datetime(2024, 7, 20, tzinfo=UTC)
BUYER = "oU-DEMO-unionid-0001"


def points(*facts: Any, member: str = "m1", buyer: str = BUYER, rule: rules.Finished | None = None) -> int:
    """Take facts in for a member who is bound to the buyer, and give the points."""
    program = Program(
        program_id="a", eligibility=rule or rules.Finished(within_days=90), rewards=[rules.PointsPerYuan("1")]
    )
    loyalty = Loyalty(program, MemoryStorage(), clock=lambda: NOW)
    loyalty.bind(member, platform="wechat", buyer_id=buyer)
    loyalty.ingest(facts)
    return loyalty.member(member).points


def case(**changes: Any) -> Refund:
    (refund,) = read_case(**changes).items
    assert isinstance(refund, Refund)
    return refund


def test_freight_earns_nothing_and_comes_back_last() -> None:
    """98.00 + 10.00 freight earns 98; 49.00 back leaves 49; 98.00 + 10.00 back leaves 0."""
    order = read_good(**price(freight=1000, original_order_price=12800, order_price=10800))
    assert points(order) == 98
    assert points(order, case()) == points(case(), order) == 49
    assert points(order, case(refund_info__amount=10800)) == 0


def test_only_money_that_went_back_counts() -> None:
    """Asked for: nothing is issued before it is settled. Cancelled, exchanged or not paid out: 98 stay."""
    order = read_good()
    assert points(order, case(status="USER_CANCELD")) == 98
    assert points(order, case(type="EXCHANGE", status="MERCHANT_EXCHANGE_SUCCESS")) == 98
    assert points(order, case(status="MERCHANT_REFUND_RETRY_FAIL")) == 98
    assert points(order, case(status="MERCHANT_PROCESSING")) == 0


def test_what_was_not_paid_with_money_earns_nothing() -> None:
    """A subsidy of 15.00 and points of the shop worth 8.00 leave 83.00 − 8.00 = 75 points of 118.00 − 20.00."""
    money = price(order_price=7500, national_subsidy_discounted_price=1500, deduction_price=800)
    assert points(read_good(**money, **line(real_price=7500))) == 75
    assert points(read_good(order_detail__pay_info__payment_method=4)) == 0
    assert points(read_good(order_detail__pay_info__payment_method=3)) == 0


def test_a_present_earns_for_nobody_unless_the_program_says_so() -> None:
    """A gift order earns nothing by default; where gifts count, for the giver, who paid."""
    present = read_good(is_present=True, present_giver_openid="oG", present_giver_unionid="oU-GIVER")
    assert points(present, buyer="oU-GIVER") == 0
    gifts = rules.Finished(within_days=90, kinds=("NORMAL", "GIFT"))
    assert points(present, buyer="oU-GIVER", rule=gifts) == 98
    assert points(present, rule=gifts) == 0


def test_a_closed_order_takes_everything_back() -> None:
    """98 points while it was completed, 0 when everything was refunded afterwards (status 200)."""
    closed = read_good(status=200, update_time=1720141966)
    assert points(read_good(), closed) == points(closed, read_good()) == 0


def test_flags_keep_staff_out() -> None:
    """An order whose memo says that an employee placed it earns nothing where the program excludes the flag."""
    shop: WechatSettings = attrs.evolve(SETTINGS, memo_flags={"员工": "staff"})
    order = read_good(shop, order_detail__ext_info__merchant_notes="员工内购")
    assert points(order) == 98
    assert points(order, rule=rules.Finished(within_days=90, exclude_flags=("staff",))) == 0


def test_a_member_without_a_binding_claims_by_amount_and_day() -> None:
    """The buyer of 98.00 paid on 1 July 2024 in Shanghai shows that the order is theirs and gets 98 points."""
    program = Program(program_id="a", rewards=[rules.PointsPerYuan("1")])
    loyalty = Loyalty(program, MemoryStorage(), clock=lambda: NOW)
    order = read()
    assert isinstance(order, Order)
    loyalty.ingest([order])
    proof = Proof.amount_and_day(paid_fen=9800, paid_on=datetime(2024, 7, 1, tzinfo=UTC).date())
    result = loyalty.claim("m1", platform="wechat", order_no=order_detail()["order_id"], proof=proof)
    assert (result.created, result.points) == (True, 98)
