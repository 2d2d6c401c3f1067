"""Orders of a Weixin shop: what the buyer paid, in figures worked out by hand, and what is held back."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wechat_shop import APPID, ORDER_NO, SETTINGS, answer, line, order_detail, price, read, read_good, through_json

from crossloyalty import Loyalty, Program, rules
from crossloyalty.adapters.wechat.orders import read_order, read_order_answer, refund_ids
from crossloyalty.adapters.wire.values import Doubtful
from crossloyalty.domain.orders import Line, LineStatus, Order, OrderKind, OrderStatus
from crossloyalty.storage.memory import MemoryStorage

PAID_AT = datetime(2024, 7, 1, 2, 0, 30, tzinfo=UTC)  # 1719799230 s
FINISHED_AT = datetime(2024, 7, 5, 1, 12, 44, tzinfo=UTC)  # 1720141964 s


def product(**changes: Any) -> dict[str, Any]:
    """Give a product of an order: one piece for 50.00."""
    base = {"product_id": "10000000000002", "sku_id": "20000002", "sku_cnt": 1, "sale_price": 5000, "real_price": 5000}
    return base | changes


def two_products(second: dict[str, Any], **prices: int) -> dict[str, Any]:
    """Spell an order of the sample's line (98.00) and a second one."""
    first = order_detail()["order_detail"]["product_infos"][0]
    return {"order_detail__product_infos": [first, second]} | price(**prices)


def test_the_documented_sample_is_one_finished_order() -> None:
    """The sample: 118.00 of goods less 20.00 is 98.00 paid; the buyer is the unionid; no address is kept."""
    assert read() == Order(
        platform="wechat",
        order_no=ORDER_NO,
        shop_id=APPID,
        status=OrderStatus.FINISHED,
        buyer_id="oU-DEMO-unionid-0001",
        created_at=datetime(2024, 7, 1, 2, 0, tzinfo=UTC),
        paid_at=PAID_AT,
        finished_at=FINISHED_AT,
        modified_at=datetime(2024, 7, 5, 1, 12, 45, tzinfo=UTC),
        paid_fen=9800,
        shipping_fen=0,
        subsidy_fen=0,
        refund_open=False,
        lines=(
            Line(
                line_id="10000000000001:20000001",
                paid_fen=9800,
                is_free_gift=False,
                product_id="10000000000001",
                quantity=2,
            ),
        ),
    )


@pytest.mark.parametrize(
    ("number", "status", "line_status"),
    [
        (12, OrderStatus.PAID, None),
        (13, OrderStatus.PAID, None),
        (20, OrderStatus.PAID, None),
        (21, OrderStatus.PAID, None),
        (30, OrderStatus.SHIPPED, None),
        (100, OrderStatus.FINISHED, None),
        (190, OrderStatus.CLOSED, LineStatus.CLOSED_REFUNDED),
        (200, OrderStatus.CLOSED, LineStatus.CLOSED_REFUNDED),
        (250, OrderStatus.CLOSED, LineStatus.CLOSED_REFUNDED),
    ],
)
def test_each_status_of_a_paid_order(number: int, status: OrderStatus, line_status: LineStatus | None) -> None:
    """Every documented number has its status; only a completed order is finished at a time."""
    order = read_good(status=number)
    assert (order.status, order.lines[0].status if order.lines else None) == (status, line_status)
    assert order.finished_at == (FINISHED_AT if number == 100 else None)
    assert order.paid_fen == 9800


def test_a_completed_order_without_a_time_of_confirmation_finished_when_it_last_changed() -> None:
    """The last change is the latest it can have been finished, so that nothing is issued too early."""
    order = read_good(order_detail__ext_info__confirm_receipt_time=...)
    assert order.finished_at == order.modified_at == datetime(2024, 7, 5, 1, 12, 45, tzinfo=UTC)


@pytest.mark.parametrize("number", [10, 250])
def test_what_was_never_paid_counts_nothing(number: int) -> None:
    """Without pay_time the amount is one that is due: nothing was paid, of a closed order neither."""
    order = read_good(status=number, order_detail__pay_info__pay_time=0)
    assert (order.paid_fen, order.shipping_fen, order.paid_at) == (0, 0, None)
    (only,) = order.lines or ()
    assert (only.paid_fen, only.status) == (0, None if number == 10 else LineStatus.CLOSED_UNPAID)


def test_use_first_pay_later_is_not_finished_before_the_money_came() -> None:
    """An order of "use first, pay later" that is completed and not paid is signed for, not finished."""
    later = {"order_detail__pay_info__payment_method": 2}
    order = read_good(**later, order_detail__pay_info__pay_time=...)
    assert (order.status, order.finished_at, order.paid_fen) == (OrderStatus.SIGNED, None, 0)
    assert read_good(**later).status is OrderStatus.FINISHED


@pytest.mark.parametrize("number", [0, 11, 101, 999])
def test_a_status_that_is_not_known_is_held_back(number: int) -> None:
    """A number the pages do not name goes to review and is no order."""
    doubt = read(status=number)
    assert isinstance(doubt, Doubtful)
    assert (doubt.order_no, doubt.code, doubt.detail) == (ORDER_NO, "UNKNOWN_STATUS", f"order.status is {number}")


def test_freight_is_shipping() -> None:
    """118.00 + 10.00 freight − 20.00 = 108.00 paid; the line stays 98.00."""
    order = read_good(**price(freight=1000, original_order_price=12800, order_price=10800))
    assert (order.paid_fen, order.shipping_fen) == (10800, 1000)
    assert order.lines is not None
    assert order.lines[0].paid_fen == 9800


def test_a_changed_freight_replaces_freight_where_that_agrees() -> None:
    """Freight 10.00 changed to 6.00: 98.00 + 6.00 = 104.00; whether change_down_price has the 4.00 in it or not."""
    cut = {"is_change_freight": True, "change_freight": 600, "freight": 1000, "original_order_price": 12800}
    for down in (0, 400):
        order = read_good(**price(**cut, order_price=10400, change_down_price=down))
        assert (order.paid_fen, order.shipping_fen) == (10400, 600)
    order = read_good(**price(**cut, order_price=10800))
    assert (order.paid_fen, order.shipping_fen) == (10800, 1000)
    assert isinstance(read(**price(**cut, order_price=10200)), Doubtful)


def test_points_of_the_shop_are_no_money() -> None:
    """Points worth 8.00: 118.00 − 20.00 − 8.00 = 90.00 paid, real_price with them taken off or without."""
    points = price(deduction_price=800, use_deduction=True, order_price=9000)
    for changes in (line(real_price=9000), line(real_price=9000, deduction_price=800), line(deduction_price=800)):
        order = read_good(**points, **changes)
        assert order.paid_fen == 9000
        assert [each.paid_fen for each in order.lines or ()] == [9000]
    assert isinstance(read(**points), Doubtful)


def test_a_changed_price_counts_as_paid() -> None:
    """The merchant takes 10.00 off: 118.00 − 20.00 − 10.00 = 88.00."""
    order = read_good(
        **price(change_down_price=1000, order_price=8800),
        **line(real_price=8800, is_change_price=True, change_price=8800),
    )
    assert order.paid_fen == 8800


def test_discounts_are_in_one_figure_or_in_parts() -> None:
    """25.00 off: all of it in discounted_price, or 20.00 by the merchant there and 5.00 by the presenter beside it."""
    paid = {"order_price": 9300, "finder_discounted_price": 500}
    for total in (2500, 2000):
        order = read_good(**price(**paid, discounted_price=total), **line(real_price=9300))
        assert (order.paid_fen, order.subsidy_fen) == (9300, 0)
    assert isinstance(read(**price(**paid, discounted_price=2300), **line(real_price=9300)), Doubtful)


def test_a_subsidy_is_named_and_is_no_part_of_what_was_paid() -> None:
    """A state subsidy of 15.00 inside the discounts: 118.00 − 20.00 − 15.00 = 83.00 paid, 15.00 subsidy."""
    money = {"order_price": 8300, "national_subsidy_discounted_price": 1500}
    for total in (3500, 2000):
        order = read_good(**price(**money, discounted_price=total), **line(real_price=8300))
        assert (order.paid_fen, order.subsidy_fen) == (8300, 1500)
    coupon = price(order_price=8300, cash_coupon_discounted_price=1500)
    assert read_good(**coupon, **line(real_price=8300)).subsidy_fen == 1500


def test_a_subsidy_that_may_come_on_top_is_held_back() -> None:
    """98.00 with a platform coupon of 15.00 that the discounts do not contain: the buyer may have paid 83.00."""
    doubt = read(**price(cash_coupon_discounted_price=1500))
    assert isinstance(doubt, Doubtful)
    assert doubt.code == "AMOUNT_MISMATCH"


@pytest.mark.parametrize(
    "changes",
    [
        price(order_price=9799),
        price(order_price=9801),
        price(freight=1),
        price(original_order_price=11801),
        price(product_price=11799),
        price(discounted_price=1999, merchant_discounted_price=1999),
        line(real_price=9799),
        price(deduction_price=1),
        price(change_down_price=1),
    ],
)
def test_one_fen_that_does_not_agree_is_held_back(changes: dict[str, Any]) -> None:
    """Figures that differ by one fen go to review with the figures, and never to a grant."""
    doubt = read(**changes)
    assert isinstance(doubt, Doubtful)
    assert (doubt.order_no, doubt.code) == (ORDER_NO, "AMOUNT_MISMATCH")
    assert "(fen)" in doubt.detail


def test_lines_with_gifts_and_the_same_sku_twice() -> None:
    """98.00 + 50.00 + a gift: a gift stays as a line worth nothing; pieces of one SKU in two rows are one line."""
    gift = product(real_price=0, is_free_gift=1, sku_id="20000001", product_id="10000000000001")
    first = order_detail()["order_detail"]["product_infos"][0]
    order = read_good(
        order_detail__product_infos=[first, product(), product(sku_cnt=2), gift],
        **price(product_price=21800, original_order_price=21800, order_price=19800),
    )
    assert [(each.line_id, each.paid_fen, each.quantity, each.is_free_gift) for each in order.lines or ()] == [
        ("10000000000001:20000001", 9800, 2, False),
        ("10000000000002:20000002", 10000, 3, False),
        ("10000000000001:20000001:gift", 0, 1, True),
    ]


def test_a_gift_order_belongs_to_its_giver() -> None:
    """The giver paid and is the buyer, the receiver is the beneficiary; both ids are of one kind."""
    given_ = {
        "is_present": True,
        "present_giver_openid": "oGIVER",
        "present_giver_unionid": "oU-GIVER",
    }
    order = read_good(**given_)
    assert (order.kind, order.buyer_id, order.beneficiary_id) == (OrderKind.GIFT, "oU-GIVER", "oU-DEMO-unionid-0001")
    assert order.buyer_scope is None
    mixed = read_good(**given_ | {"present_giver_unionid": ""})
    assert (mixed.buyer_id, mixed.beneficiary_id, mixed.buyer_scope) == ("oGIVER", "oDEMO-openid-0001", APPID)


def test_lottery_and_points_orders_earn_nothing() -> None:
    """Lottery orders are a kind of their own; what was exchanged for points was paid with own value."""
    free = price(product_price=0, original_order_price=0, discounted_price=0, order_price=0) | line(real_price=0)
    lottery = read_good(order_detail__pay_info__payment_method=3, **free)
    assert (lottery.kind, lottery.paid_fen) == (OrderKind.LOTTERY, 0)
    points = read_good(order_detail__pay_info__payment_method=4)
    assert (points.paid_fen, points.own_value_fen) == (9800, 9800)


def test_who_the_buyer_is() -> None:
    """The unionid where there is one, else the openid inside the appid; a masked one is nobody."""
    by_openid = attrs.evolve(SETTINGS, buyer_key="openid")
    openid = ("oDEMO-openid-0001", APPID)
    assert (read_good(unionid="").buyer_id, read_good(unionid="").buyer_scope) == openid
    assert (read_good(by_openid).buyer_id, read_good(by_openid).buyer_scope) == openid
    assert read_good(attrs.evolve(SETTINGS, unionid_scope="open-1")).buyer_scope == "open-1"
    assert read_good(unionid="oU***1", openid="oD***1").buyer_id is None


def test_an_open_case_shows() -> None:
    """A count of open after-sale cases, of the order or of a line, is an open refund."""
    assert read_good(aftersale_detail__on_aftersale_order_cnt=1).refund_open is True
    assert read_good(**line(on_aftersale_sku_cnt=1)).refund_open is True
    assert read_good(aftersale_detail=...).refund_open is False


def test_words_of_the_memo_become_flags() -> None:
    """The merchant's memo sets the flags that the settings name, and is not kept; without words none are stated."""
    shop = attrs.evolve(SETTINGS, memo_flags={"刷单": "brushing", "员工": "staff", "内购": "staff"})
    memo = {"order_detail__ext_info__merchant_notes": "员工内购 CANARY"}
    assert read_good(shop, **memo).flags == ("staff",)
    assert "CANARY" not in repr(read_good(shop, **memo))
    assert read_good(shop).flags == ()
    assert read_good(**memo).flags is None


def test_personal_data_is_nowhere() -> None:
    """Names, phones, addresses and notes stand in no order and no payload for review."""
    secret = {"order_detail__delivery_info__address_info__user_name": "CANARY", "present_note": "CANARY"}
    secret |= {"order_detail__ext_info__customer_notes": "CANARY", **line(title="CANARY")}
    doubt = read(**secret, **price(order_price=1))
    assert isinstance(doubt, Doubtful)
    assert "CANARY" not in repr(read_good(**secret)) + doubt.payload + doubt.detail
    assert json.loads(doubt.payload)["order_detail"]["price_info"]["order_price"] == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"order_id": None},
        {"status": "done"},
        {"order_detail": ...},
        {"order_detail__price_info": ...},
        price(order_price=-1),
        price(order_price="98.00"),
        price(original_order_price=..., product_price=...),
        line(real_price=...),
        line(product_id=""),
        line(sku_cnt=-1),
        {"order_detail__product_infos": {}},
        {"order_detail__pay_info__pay_time": "yesterday"},
        {"create_time": 1},
        {"order_id": "x" * 200, "order_detail": []},
        {"openid": "a\nb", "unionid": ""},
    ],
)
def test_an_unreadable_order_is_held_back(changes: dict[str, Any]) -> None:
    """What cannot be read, or is no sound fact, goes to review; the message names the field and not its value."""
    doubt = read(**changes)
    assert isinstance(doubt, Doubtful)
    assert doubt.code == "UNREADABLE"
    assert "yesterday" not in doubt.detail


def test_an_answer_about_another_order_is_held_back() -> None:
    """The detail of an order that was not asked for is not taken for the one that was."""
    good = answer({"errcode": 0, "order": order_detail()})
    assert [item.order_no for item in read_order_answer(good, SETTINGS, ORDER_NO).items] == [ORDER_NO]
    for wrong in (good, answer({"errcode": 0}), answer([])):
        facts = read_order_answer(wrong, SETTINGS, "3700000000000000002")
        assert (facts.items, facts.seen) == ((), 1)
        assert [(each.order_no, each.code) for each in facts.doubtful] == [("3700000000000000002", "UNREADABLE")]


def test_an_order_names_its_cases() -> None:
    """The numbers of after-sale cases are there to be fetched; the states beside them are not read."""
    cases = [{"aftersale_order_id": 19, "status": 13}, {"aftersale_order_id": "20"}, {"aftersale_order_id": "19"}]
    detail = order_detail(aftersale_detail__aftersale_order_list=cases)
    assert refund_ids(answer({"order": detail})) == ("19", "20")
    assert refund_ids(answer({"order": order_detail(aftersale_detail=...)})) == ()
    assert refund_ids(answer({"order": order_detail(aftersale_detail=7)})) == ()


def test_the_order_earns_what_was_worked_out() -> None:
    """The sample earns 98 points at 1 a yuan for its buyer, freight of 10.00 beside it earns none."""
    program = Program(program_id="brand-a", rewards=[rules.PointsPerYuan("1")])
    now = datetime(2024, 7, 20, tzinfo=UTC)
    loyalty = Loyalty(program, MemoryStorage(), clock=lambda: now)
    loyalty.bind("m1", platform="wechat", buyer_id="oU-DEMO-unionid-0001")
    loyalty.ingest([read_good(**price(freight=1000, original_order_price=12800, order_price=10800))])
    assert loyalty.member("m1").points == 98


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**20) | st.sampled_from(["", "0", "1.00", "订单", "a" * 150]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["order_id", "x"]), inner, max_size=2),
    max_leaves=6,
)
_PATHS = st.sampled_from(
    [
        *order_detail(),
        *price(order_price=0, freight=0, discounted_price=0, deduction_price=0, is_change_freight=0, change_freight=0),
        *line(real_price=0, sku_id=0, sku_cnt=0, is_free_gift=0, product_id=0, deduction_price=0),
        "order_detail__pay_info",
        "order_detail__pay_info__pay_time",
        "order_detail__ext_info__confirm_receipt_time",
        "order_detail__product_infos",
        "order_detail__price_info",
        "aftersale_detail__on_aftersale_order_cnt",
    ]
)


def _check_fuzzed(changes: dict[str, Any]) -> None:
    try:
        detail = order_detail(**changes)
    except (TypeError, AttributeError, IndexError, KeyError):
        return  # one change took away what another changes
    order = read_order(through_json(detail, "order"), SETTINGS)
    if isinstance(order, Order):
        lines = sum(each.paid_fen or 0 for each in order.lines or ())
        assert order.paid_fen == lines + (order.shipping_fen or 0)


@given(st.dictionaries(_PATHS, _ANY, max_size=4))
@settings(max_examples=100)
def test_any_order_is_read_or_held_back(changes: dict[str, Any]) -> None:
    """Whatever an order looks like, it balances or it goes to review; nothing else is ever raised."""
    _check_fuzzed(changes)


@pytest.mark.release
@given(st.dictionaries(_PATHS, _ANY, max_size=4))
@settings(max_examples=20_000)
def test_any_order_is_read_or_held_back_for_long(changes: dict[str, Any]) -> None:
    """The same, for long."""
    _check_fuzzed(changes)
