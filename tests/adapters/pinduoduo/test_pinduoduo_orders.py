"""Orders of Pinduoduo: what finished means there, amounts that balance, kinds, what is never read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
from pinduoduo_payloads import HELD_UNTIL, LATER, ORDER_NO, RECEIVED_AT, SETTINGS, node, order

from crossloyalty.adapters.pinduoduo.orders import needs_refunds, read_order
from crossloyalty.adapters.wire.values import Doubtful
from crossloyalty.domain.orders import Line, Order, OrderKind, OrderStatus, Refund, RefundStatus


def read(now: datetime = LATER, refunds: tuple[Refund, ...] | None = None, **changed: Any) -> Order:
    """Read the changed order, which has to be believed."""
    found = read_order(node(order(**changed)), SETTINGS, now=now, refunds=refunds)
    assert isinstance(found, Order), found
    return found


def doubted(**changed: Any) -> Doubtful:
    """Read the changed order, which must not be believed."""
    found = read_order(node(order(**changed)), SETTINGS, now=LATER)
    assert isinstance(found, Doubtful)
    return found


def refund(amount_fen: int, status: RefundStatus = RefundStatus.SUCCESS) -> Refund:
    """Give a refund of the order."""
    return Refund(platform="pinduoduo", order_no=ORDER_NO, refund_id="1", status=status, amount_fen=amount_fen)


def test_an_order_is_read_whole() -> None:
    """A signed order whose hold is over is finished, with amounts in fen, times in UTC and its one line."""
    assert read() == Order(
        platform="pinduoduo",
        order_no=ORDER_NO,
        shop_id="100200300",
        status=OrderStatus.FINISHED,
        kind=OrderKind.NORMAL,
        created_at=datetime(2024, 7, 1, 2, 0, 3, tzinfo=UTC),
        paid_at=datetime(2024, 7, 1, 2, 0, 20, tzinfo=UTC),
        finished_at=RECEIVED_AT,
        modified_at=datetime(2024, 7, 5, 1, 12, 45, tzinfo=UTC),
        paid_fen=9_800,
        shipping_fen=0,
        subsidy_fen=500,
        refund_open=False,
        lines=(Line(line_id="700000001", paid_fen=9_800, product_id="600000001", quantity=2),),
        flags=(),
    )


def test_no_receiver_and_no_buyer_is_kept() -> None:
    """The platform names no buyer, and nothing of the receiver is in the order or in what goes to review."""
    found = read()
    assert (found.buyer_id, found.buyer_scope, found.beneficiary_id) == (None, None, None)
    assert "canary" not in repr(found)
    payload = doubted(pay_amount=1.0).payload
    assert '"pay_amount":"1.0"' in payload
    for personal in ("canary", "receiver", "open_address_id", "~AgAAAAB~", "示例商品", "张"):
        assert personal not in payload


@pytest.mark.parametrize(
    ("now", "status"),
    [
        (HELD_UNTIL - timedelta(seconds=1), OrderStatus.SIGNED),
        (HELD_UNTIL, OrderStatus.FINISHED),
    ],
)
def test_an_order_finishes_when_its_hold_ends(now: datetime, status: OrderStatus) -> None:
    """Until the fifteenth day is over the order is signed, then finished, as of the day it was received."""
    found = read(now)
    assert found.status is status
    assert found.finished_at == (RECEIVED_AT if status is OrderStatus.FINISHED else None)


def test_the_hold_is_a_setting() -> None:
    """With seven days the same order finishes eight days earlier."""
    settings = attrs.evolve(SETTINGS, finish_days=7)
    early = HELD_UNTIL - timedelta(days=8)
    found = read_order(node(order()), settings, now=early)
    assert isinstance(found, Order)
    assert (found.status, found.finished_at) == (OrderStatus.FINISHED, RECEIVED_AT)


@pytest.mark.parametrize(
    "changed",
    [
        {"refund_status": 2},
        {"refund_status": 3},
        {"after_sales_status": 2},
        {"after_sales_status": 6},
        {"after_sales_status": 14},
        {"after_sales_status": 27},
        {"after_sales_status": 33},
        {"refund_status": "2"},
    ],
)
def test_an_open_case_keeps_an_order_from_finishing(changed: dict[str, Any]) -> None:
    """While an after-sale case of any sort is open the order is signed and shows the case."""
    found = read(**changed)
    assert (found.status, found.refund_open, found.finished_at) == (OrderStatus.SIGNED, True, None)


@pytest.mark.parametrize("case", [9, 11, 12, 13, 16, 17, 24, 25])
def test_a_closed_case_does_not(case: int) -> None:
    """A case that ended without money lets the order finish."""
    found = read(after_sales_status=case)
    assert (found.status, found.refund_open) == (OrderStatus.FINISHED, False)


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"risk_control_status": 1}, OrderStatus.SIGNED),
        ({"receive_time": ""}, OrderStatus.SIGNED),
        ({"receive_time": None}, OrderStatus.SIGNED),
        ({"pay_time": ""}, OrderStatus.SIGNED),
        ({"order_status": 2, "receive_time": ""}, OrderStatus.SHIPPED),
        ({"order_status": 1, "receive_time": ""}, OrderStatus.PAID),
        ({"confirm_status": 0, "group_status": 0}, OrderStatus.PAID),
        ({"confirm_status": 0, "pay_time": ""}, OrderStatus.UNPAID),
        ({"confirm_status": 2}, OrderStatus.CLOSED),
    ],
)
def test_what_is_not_proven_is_not_finished(changed: dict[str, Any], status: OrderStatus) -> None:
    """Review, a missing receipt or payment, and every earlier step have their status and no date of finishing."""
    found = read(**changed)
    assert (found.status, found.finished_at) == (status, None)


@pytest.mark.parametrize("changed", [{"confirm_status": 0, "pay_time": ""}, {"confirm_status": 2, "pay_time": ""}])
def test_what_was_never_paid_counts_nothing(changed: dict[str, Any]) -> None:
    """The amounts of an order without a payment are amounts due."""
    found = read(**changed)
    assert (found.paid_fen, found.shipping_fen, found.subsidy_fen) == (0, 0, 0)
    assert found.lines is not None
    assert found.lines[0].paid_fen == 0


# -- money that went back ------------------------------------------------------------------------------------------


def test_a_refund_of_unknown_amount_holds_the_order() -> None:
    """An order that shows a refund is held until it is known how much went back."""
    for changed in ({"refund_status": 4}, {"after_sales_status": 10}, {"refund_status": "4"}):
        assert needs_refunds(node(order(**changed)))
        for unknown in (None, (), (refund(100, RefundStatus.CLOSED),)):
            found = read(refunds=unknown, **changed)
            assert (found.status, found.refund_open) == (OrderStatus.SIGNED, True)
    assert not needs_refunds(node(order()))


def test_a_part_that_went_back_leaves_the_order_finished() -> None:
    """Of ¥98.00 ¥97.99 went back: the order is finished and its refund says the rest."""
    found = read(refunds=(refund(9_799),), refund_status=4, after_sales_status=10)
    assert (found.status, found.refund_open, found.refunded_fen) == (OrderStatus.FINISHED, False, None)


def test_an_order_whose_money_all_went_back_is_closed() -> None:
    """The fen that was missing closes it."""
    found = read(refunds=(refund(9_800),), refund_status=4, after_sales_status=10)
    assert (found.status, found.finished_at) == (OrderStatus.CLOSED, None)
    assert found.paid_at is not None


def test_a_second_open_case_is_seen_among_the_refunds() -> None:
    """A refund that succeeded and another that is open: the order waits."""
    refunds = (refund(100), Refund(**{**attrs.asdict(refund(100)), "refund_id": "2", "status": RefundStatus.OPEN}))
    found = read(refunds=refunds, refund_status=4)
    assert (found.status, found.refund_open) == (OrderStatus.SIGNED, True)


# -- amounts -------------------------------------------------------------------------------------------------------


def test_postage_and_services_are_paid_but_are_no_goods() -> None:
    """¥98.00 of goods, ¥8.00 postage and ¥30.00 of installing are ¥136.00 paid, of which ¥38.00 are no goods."""
    found = read(postage=8.0, service_fee_detail=[{"service_name": "安装", "service_fee": 30}], pay_amount=136.0)
    assert (found.paid_fen, found.shipping_fen) == (13_600, 3_800)
    assert found.lines is not None
    assert found.lines[0].paid_fen == 9_800


def test_older_names_of_services_are_understood() -> None:
    """Where no list of services is given, the three older fields are."""
    found = read(home_install_value="30.00", delivery_home_value="0", pay_amount="128")
    assert (found.paid_fen, found.shipping_fen) == (12_800, 3_000)


@pytest.mark.parametrize(("inside", "paid", "subsidy"), [(True, 9_300, 1_000), (False, 9_800, 1_000)])
def test_what_the_pay_channel_took_off_is_taken_off(inside: bool, paid: int, subsidy: int) -> None:
    """¥3.00 off by 多多支付 and ¥2.00 of the state's: ¥93.00 were paid, unless the setting says otherwise."""
    changed = order(duo_duo_pay_reduction=3.0, trade_in_national_subsidy_amount=2.0, trade_in_national_subsidy_type=1)
    found = read_order(node(changed), attrs.evolve(SETTINGS, channel_discounts_inside=inside), now=LATER)
    assert isinstance(found, Order)
    assert (found.paid_fen, found.subsidy_fen) == (paid, subsidy)


def test_a_subsidy_given_as_a_discount_is_in_the_formula_already() -> None:
    """The state's subsidy of type 2 is among the discounts and takes nothing more off."""
    assert read(trade_in_national_subsidy_amount=15.0, trade_in_national_subsidy_type=2).paid_fen == 9_800


@pytest.mark.parametrize(
    "changed",
    [
        {"pay_amount": 98.01},
        {"pay_amount": 97.99},
        {"goods_amount": 117},
        {"discount_amount": 19},
        {"platform_discount": 6},
        {"postage": 1},
        {"service_fee_detail": [{"service_fee": "0.01"}]},
        {"duo_duo_pay_reduction": 98.01},
    ],
)
def test_figures_that_do_not_agree_are_not_believed(changed: dict[str, Any]) -> None:
    """One fen more or less anywhere in the formulas is AMOUNT_MISMATCH, with the figures, and no order."""
    found = doubted(**changed)
    assert (found.code, found.order_no) == ("AMOUNT_MISMATCH", ORDER_NO)
    assert "fen" in found.detail


def test_a_closed_order_closes_whatever_its_figures() -> None:
    """A cancelled order whose amounts do not agree closes all the same, and states none."""
    found = read(confirm_status=2, pay_amount=1.0)
    assert (found.status, found.paid_fen, found.lines) == (OrderStatus.CLOSED, None, None)


def test_several_items_share_by_price_and_pieces() -> None:
    """¥98.00 over 2 × ¥29.50 and 1 × ¥59.00 are ¥49.00 each; the odd fen of ¥98.01 goes to the first."""
    items = [
        {"goods_id": 1, "sku_id": 11, "goods_count": 2, "goods_price": 29.5},
        {"goods_id": 2, "sku_id": 11, "goods_count": 1, "goods_price": 59},
    ]
    found = read(item_list=items)
    assert found.lines is not None
    assert [(line.line_id, line.paid_fen, line.product_id) for line in found.lines] == [
        ("11", 4_900, "1"),
        ("11#2", 4_900, "2"),
    ]
    odd = read(item_list=items, goods_amount=118.01, pay_amount=98.01)
    assert odd.lines is not None
    assert [line.paid_fen for line in odd.lines] == [4_901, 4_900]


# -- kinds, flags, forms -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({"is_lucky_flag": 2}, OrderKind.LOTTERY),
        ({"trade_type": 1, "step_order_info": {"step_trade_status": 2}}, OrderKind.PRESALE),
        ({"related_order_list": [{"order_sn": "240701-1", "relation_type": 3}]}, OrderKind.PRICE_DIFF),
        ({"related_order_list": [{"order_sn": "240701-1", "relation_type": 4}]}, OrderKind.NORMAL),
        ({"related_order_list": [{"order_sn": "240701-1", "relation_type": 1}]}, OrderKind.NORMAL),
        (
            {
                "related_order_list": [{"order_sn": "240701-1", "relation_type": 4}],
                **dict.fromkeys(("goods_amount", "discount_amount", "pay_amount", "platform_discount"), 0),
                "seller_discount": 0,
            },
            OrderKind.GIFT,
        ),
    ],
)
def test_kinds_are_told_apart(changed: dict[str, Any], kind: OrderKind) -> None:
    """Lottery, deposit, price difference and gift orders are named; the order that brings a gift stays normal."""
    assert read(**changed).kind is kind


@pytest.mark.parametrize("steps", [None, {"step_trade_status": 0}, {"step_trade_status": 1}])
def test_a_deposit_alone_is_no_payment(steps: dict[str, Any] | None) -> None:
    """Until deposit and tail are paid, an order of the deposit kind is unpaid and counts nothing."""
    found = read(trade_type=1, step_order_info=steps)
    assert (found.status, found.paid_fen) == (OrderStatus.UNPAID, 0)


def test_memo_and_resale_become_flags() -> None:
    """Words of the memo set the merchant's flags, the tag for resold orders its own; the memo is not kept."""
    settings = attrs.evolve(SETTINGS, memo_flags={"刷单": "brushing", "员工": "staff"})
    tags = [{"name": "distributional_sale", "value": 1}, {"name": "other", "value": 1}]
    found = read_order(node(order(remark="这单刷单 canary", order_tag_list=tags)), settings, now=LATER)
    assert isinstance(found, Order)
    assert found.flags == ("brushing", "resale")
    assert "canary" not in repr(found)
    assert read(order_tag_list=[{"name": "distributional_sale", "value": 0}]).flags == ()


@pytest.mark.parametrize(
    "changed",
    [
        {"order_status": 0},
        {"order_status": 4},
        {"refund_status": 0},
        {"refund_status": 5},
        {"confirm_status": 3},
        {"after_sales_status": 1},
        {"after_sales_status": 34},
        {"trade_type": 2},
    ],
)
def test_unknown_statuses_are_not_guessed(changed: dict[str, Any]) -> None:
    """A number that stands in no table goes to review by its name."""
    found = doubted(**changed)
    assert found.code == "UNKNOWN_STATUS"
    assert next(iter(changed)) in found.detail


@pytest.mark.parametrize(
    "changed",
    [
        {"pay_amount": None},
        {"pay_amount": "98.001"},
        {"pay_amount": True},
        {"postage": -1},
        {"order_sn": None},
        {"pay_time": "yesterday"},
        {"item_list": [1]},
        {"item_list": [{}]},
        {"confirm_status": None},
        {"order_sn": "\x00"},
    ],
)
def test_what_cannot_be_read_is_named(changed: dict[str, Any]) -> None:
    """A field of the wrong shape goes to review by its name, and its value is not quoted."""
    found = doubted(**changed)
    assert found.code == "UNREADABLE"
    assert "yesterday" not in found.detail


def test_numbers_come_as_text_too() -> None:
    """Amounts and ids written as text mean the same."""
    spelled = order(
        pay_amount="98.00", goods_amount="118.00", discount_amount="20", platform_discount="5", seller_discount="15.0"
    )
    item = {"goods_id": "600000001", "sku_id": "700000001", "goods_count": "2", "goods_price": "59.00"}
    assert read_order(node({**spelled, "item_list": [item]}), SETTINGS, now=LATER) == read()
