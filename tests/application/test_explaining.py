"""Explaining an order to staff: who holds it, what each rule gives and why, who else asked."""

import re

import pytest
from builders import Clock, claim_of, convert, number, order, points_program, refund, section8_program

from crossloyalty import Line, LineStatus, Loyalty, Order, OrderStatus, Proof, Reason, rules
from crossloyalty.application.ports import Storage
from crossloyalty.errors import InvalidInput, MangledOrderNumber


def _texts(loyalty: Loyalty, of: Order) -> tuple[str, str]:
    explanation = loyalty.explain(platform=of.platform, order_no=of.order_no)
    return explanation.text("zh"), explanation.text("en")


def _says(text: str, *words: str) -> bool:
    """Say whether one line of a text holds all words in this order."""
    pattern = re.compile(".*".join(map(re.escape, words)), re.IGNORECASE)
    return any(pattern.search(line) for line in text.splitlines())


def test_an_unknown_order_is_said_to_be_unknown(storage: Storage, clock: Clock) -> None:
    """Nobody has described it: not found, with the requests that wait for it."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    assert _texts(loyalty, order(1)) == (Reason.NOT_FOUND.sentence("zh"), Reason.NOT_FOUND.sentence("en"))
    claim_of(loyalty, "m1", order(1))
    explanation = loyalty.explain(platform="taobao", order_no=number(1))
    assert explanation.tickets == (("m1", "PENDING_SYNC", Reason.PENDING_SYNC),)
    assert "m1" in explanation.text("zh")


def test_a_claim_is_explained_rule_by_rule(storage: Storage, clock: Clock) -> None:
    """Every rule says its basis, rate, rounding and result; the holder and the state are named."""
    loyalty = Loyalty(section8_program(), storage, clock=clock)
    bought = order(1, paid_fen=12_345, shipping_fen=1_000)
    convert(loyalty, "m1", bought)
    zh, en = _texts(loyalty, bought)
    assert _says(zh, "实付", "123.45", "运费", "10.00", "计入", "113.45")
    assert _says(en, "paid", "123.45", "shipping", "10.00", "113.45", "count")
    assert _says(zh, "积分", "113.45", "× 1", "向下取整", "113")
    assert _says(en, "points", "113.45", "× 1", "rounded down", "113")
    assert _says(zh, "成长值", "113.45", "113")
    assert _says(en, "growth", "113.45", "113")
    assert _says(zh, "赠送金", "113.45", "1%", "1.13")
    assert _says(en, "bonus", "113.45", "1 %", "1.13")
    assert _says(zh, "优惠券", "WELCOME20", "每位会员")
    assert _says(en, "coupon", "WELCOME20", "per member")
    assert _says(zh, "m1", "已发放")


def test_what_does_not_count_is_said_with_its_reason(storage: Storage, clock: Clock) -> None:
    """Excluded, free, closed, refunded and unfinished lines each say why they do not count."""
    program = points_program(
        eligibility=rules.Finished(exclude_products=("p",), exclude_categories=("c",), minimum_fen=100)
    )
    loyalty = Loyalty(program, storage, clock=clock)
    bought = order(
        1,
        paid_fen=6_000,
        status=OrderStatus.SHIPPED,
        own_value_fen=600,
        lines=(
            Line(line_id="A", paid_fen=1_000, product_id="p", status=LineStatus.FINISHED),
            Line(line_id="B", paid_fen=1_000, category="c", status=LineStatus.FINISHED),
            Line(line_id="C", paid_fen=1_000, is_free_gift=True, status=LineStatus.FINISHED),
            Line(line_id="D", paid_fen=1_000, status=LineStatus.CLOSED_REFUNDED),
            Line(line_id="E", paid_fen=1_000, status=LineStatus.SHIPPED),
            Line(line_id="F", paid_fen=1_000, status=LineStatus.FINISHED),
        ),
    )
    loyalty.ingest([bought, refund(bought, 200, line_id="F")])
    zh, en = _texts(loyalty, bought)
    for word in (
        "A：该商品不参与",
        "B：该类目不参与",
        "C：赠品不计",
        "D：已关闭",
        "E：尚未完成",
        "已退款2.00元",
        "6.00元不计",
    ):
        assert word in zh
    for word in (
        "A: this product",
        "B: this category",
        "C: a free gift",
        "D: closed",
        "E: not finished yet",
        "2.00 was",
    ):
        assert word in en
    assert "7.20" in zh  # (10.00 − 2.00) less the tenth paid with own value


def test_below_the_minimum_is_said(storage: Storage, clock: Clock) -> None:
    """The minimum that was missed is named."""
    loyalty = Loyalty(points_program(eligibility=rules.Finished(minimum_fen=5_000)), storage, clock=clock)
    loyalty.ingest([order(1, paid_fen=4_999)])
    zh, en = _texts(loyalty, order(1))
    assert "未达门槛50.00元" in zh
    assert "below the minimum of 50.00" in en


def test_an_old_claim_is_explained_under_its_own_rules(storage: Storage, clock: Clock) -> None:
    """After a new revision the explanation still names the rate the claim was settled at."""
    loyalty = Loyalty(points_program(rules.PointsPerYuan("1.25")), storage, clock=clock)
    convert(loyalty, "m1", order(1))
    loyalty.publish(points_program(rules.PointsPerYuan("3")), expected_revision=1)
    zh, _ = _texts(loyalty, order(1))
    assert _says(zh, "积分", "× 1.25", "125")
    assert "× 3" not in zh


def test_multipliers_are_shown(storage: Storage, clock: Clock) -> None:
    """The tier's multiplier at earn time is part of the arithmetic."""
    tiers = rules.SpendTiers([rules.Level("普通", 0), rules.Level("白银", 10_000, "1.5")])
    loyalty = Loyalty(points_program(tiers=tiers), storage, clock=clock)
    convert(loyalty, "m1", order(1), order(2))
    zh, _ = _texts(loyalty, order(2))
    assert _says(zh, "积分", "100.00", "× 1", "× 3/2", "150")


def test_all_kinds_of_points_rules_are_explained(storage: Storage, clock: Clock) -> None:
    """Steps, fixed bonuses and coupons per order have their own sentences."""
    program = points_program(
        rules.PerStep(every_fen=3_000, points=10),
        rules.PointsFixed(points=7),
        rules.Coupon("HELLO", minimum_fen=20_000),
    )
    loyalty = Loyalty(program, storage, clock=clock)
    convert(loyalty, "m1", order(1))
    zh, en = _texts(loyalty, order(1))
    assert _says(zh, "积分", "100.00", "每满30.00元", "10", "30")
    assert _says(en, "points", "10 ", "every full 30.00", "100.00", "30")
    assert _says(zh, "积分", "每单7", "7")
    assert _says(en, "points", "7 for the order")
    assert _says(zh, "优惠券", "HELLO", "不发放")
    assert _says(en, "coupon", "HELLO", "none")


def test_other_askers_are_listed(storage: Storage, clock: Clock) -> None:
    """Staff see who else asked, in which state and why not."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    convert(loyalty, "m1", order(1))
    claim_of(loyalty, "m2", order(1), Proof.none())
    explanation = loyalty.explain(platform="taobao", order_no=number(1))
    assert (explanation.member_id, explanation.state) == ("m1", "GRANTED")
    assert explanation.tickets == (("m2", "REJECTED", Reason.ALREADY_CLAIMED),)


def test_what_is_no_number_is_refused(storage: Storage, clock: Clock) -> None:
    """Staff tools get an exception for a number that cannot be one."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    with pytest.raises(MangledOrderNumber):
        loyalty.explain(platform="taobao", order_no="3.8E+18")
    with pytest.raises(InvalidInput):
        loyalty.explain(platform="taobao", order_no="abc")
