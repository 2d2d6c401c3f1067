"""Orders of both gateways become orders whose amounts agree, or are doubted; nothing of the receiver is kept."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
from builders import Clock, claim_of, points_program
from jd_wire import ORDER_NO, PHONE, coupon, doubt_of, item, order, order_of, settings, sp_order

from crossloyalty import Line, LineStatus, Loyalty, Order, OrderKind, OrderStatus
from crossloyalty.adapters.jd import read_order_row
from crossloyalty.adapters.wire.values import Doubtful
from crossloyalty.errors import WrongType
from crossloyalty.storage.memory import MemoryStorage

FINISHED = datetime(2026, 3, 1, 1, 12, 40, tzinfo=UTC)


@pytest.mark.parametrize("value", [order(), sp_order()])
def test_a_finished_order(value: dict[str, Any]) -> None:
    """The order of the page is the same by either gateway: ¥176 paid, ¥6 freight, ¥85 for each of two items."""
    assert order_of(value) == Order(
        platform="jd",
        order_no=ORDER_NO,
        shop_id="shop-1",
        status=OrderStatus.FINISHED,
        buyer_id="oexamplexid0001",
        buyer_scope="demo-app",
        created_at=datetime(2026, 2, 20, 2, 0, 1, tzinfo=UTC),
        paid_at=datetime(2026, 2, 20, 2, 2, 11, tzinfo=UTC),
        finished_at=FINISHED,
        modified_at=datetime(2026, 3, 1, 1, 12, 41, tzinfo=UTC),
        paid_fen=17_600,
        shipping_fen=600,
        lines=(
            Line(
                line_id="sku-100010001",
                paid_fen=8_500,
                status=LineStatus.FINISHED,
                finished_at=FINISHED,
                product_id="10001",
                quantity=1,
            ),
            Line(
                line_id="sku-100010002",
                paid_fen=8_500,
                status=LineStatus.FINISHED,
                finished_at=FINISHED,
                product_id="10002",
                quantity=2,
            ),
        ),
    )


@pytest.mark.parametrize(
    ("word", "status", "held"),
    [
        ("NOT_PAY", OrderStatus.UNPAID, None),
        ("WAIT_SELLER_STOCK_OUT", OrderStatus.PAID, None),
        ("SEND_TO_DISTRIBUTION_CENER", OrderStatus.PAID, None),
        ("DISTRIBUTION_CENTER_RECEIVED", OrderStatus.PAID, None),
        ("WAIT_GOODS_RECEIVE_CONFIRM", OrderStatus.SHIPPED, None),
        ("RECEIPTS_CONFIRM", OrderStatus.SHIPPED, None),
        ("WAIT_SELLER_DELIVERY", OrderStatus.PAID, None),
        ("WAIT_SEND_CODE", OrderStatus.PAID, None),
        ("PAUSE", OrderStatus.PAID, None),
        ("POP_ORDER_PAUSE", OrderStatus.PAID, None),
        ("LOCKED", OrderStatus.PAID, True),
        ("DELIVERY_RETURN", OrderStatus.SHIPPED, True),
        ("TRADE_CANCELED", OrderStatus.CLOSED, None),
        ("FINISHED_L", OrderStatus.FINISHED, None),
        ("DengDaiChuKu", OrderStatus.PAID, None),
        ("DengDaiFaHuo", OrderStatus.PAID, None),
        ("DengDaiQueRenShouHuo", OrderStatus.SHIPPED, None),
        ("ZanTing", OrderStatus.PAID, None),
        ("PeiSongTuiHuo", OrderStatus.SHIPPED, True),
        ("WanCheng", OrderStatus.FINISHED, None),
    ],
)
def test_every_state_word(word: str, status: OrderStatus, held: bool | None) -> None:
    """Only FINISHED_L, or its pinyin, is finished; locked and returning orders hold the issue back."""
    read = order_of(order(orderState=word))
    assert (read.status, read.refund_open) == (status, held)
    assert (read.finished_at is not None) is (status is OrderStatus.FINISHED)
    assert order_of(sp_order(orderStatus=word)).status is status


@pytest.mark.parametrize("word", ["UN_KNOWN", "完成", "RECEIVED_BY_MARTIANS"])
def test_an_unknown_state_is_never_guessed(word: str) -> None:
    """A word nobody published goes to review, until the settings name it."""
    for value in (order(orderState=word), sp_order(orderStatus=word)):
        assert doubt_of(value).code == "UNKNOWN_STATUS"
        assert order_of(value, status_words={word: OrderStatus.SIGNED}).status is OrderStatus.SIGNED


def test_complete_without_a_time_is_not_believed_of_the_sp_api() -> None:
    """Its words are not public, so a completed order has to state when it was completed."""
    for none in (0, None):
        assert doubt_of(sp_order(finishedTime=none)).code == "UNKNOWN_STATUS"


@pytest.mark.parametrize("none", ["0001-01-01 00:00:00", "1970-01-01 00:00:00", "", None])
def test_not_yet_is_no_time(none: str | None) -> None:
    """JD writes "not yet" as the first day of the year 1 or of 1970."""
    read = order_of(order(orderState="WAIT_SELLER_STOCK_OUT", orderEndTime=none, paymentConfirmTime=none))
    assert (read.paid_at, read.finished_at) == (None, None)


# ----------------------------------------------------------------------------------------------------------------
# Amounts
# ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "broken",
    [
        {"orderPayment": "166.01"},
        {"orderPayment": "165.99"},
        {"balanceUsed": "0.00"},
        {"freightPrice": "0.00"},
        {"couponDetailList": []},
        {"couponDetailList": None},
        {"orderTotalPrice": "201.00"},
        {"orderSellerPrice": "181.00"},
        {"itemInfoList": [item(1)]},
        {"itemInfoList": [item(1), item(2, itemTotal="3")]},
        {"itemInfoList": [item(1, jdPrice="0.00"), item(2, jdPrice="0.00")], "orderTotalPrice": "0.00"},
    ],
)
def test_figures_that_do_not_agree_are_never_granted(broken: dict[str, Any]) -> None:
    """One fen too many or too few, a discount not named or an item missing: to review, with the figures."""
    doubt = doubt_of(order(**broken))
    assert (doubt.order_no, doubt.code) == (ORDER_NO, "AMOUNT_MISMATCH")
    assert "payment" in doubt.detail


def test_the_account_balance_is_the_buyers_money() -> None:
    """`orderPayment` leaves the balance out; ¥166 and ¥10 are what the buyer spent."""
    read = order_of(order(orderPayment="0.00", balanceUsed="176.00"))
    assert (read.paid_fen, read.shipping_fen) == (17_600, 600)


def test_discounts_of_one_item_are_that_items() -> None:
    """¥40 off the first item leave weights of ¥60 and ¥100, so ¥120 of goods are ¥45 and ¥75."""
    value = order(
        orderPayment="116.00",
        couponDetailList=[
            coupon("30-单品促销优惠", "40.00", skuId="100010001"),
            coupon("100-店铺优惠", "20.00"),
            coupon("39-京豆优惠", "20.00"),
        ],
    )
    assert [line.paid_fen for line in order_of(value).lines or ()] == [4_500, 7_500]


def test_a_discount_of_one_item_is_taken_off_once() -> None:
    """¥120 off a SKU that stands twice for ¥100 each take ¥100 off the first row and ¥20 off the second."""
    value = order(
        itemInfoList=[item(1), item(1)],
        orderPayment="86.00",
        balanceUsed="0.00",
        couponDetailList=[coupon("30-单品促销优惠", "120.00", skuId="100010001")],
    )
    assert [line.paid_fen for line in order_of(value).lines or ()] == [0, 8_000]


def test_freight_is_never_more_than_what_was_paid() -> None:
    """Discounts of ¥205 on ¥200 of goods add up with ¥6 freight to ¥1, and are not believed."""
    value = order(orderPayment="1.00", balanceUsed="0.00", couponDetailList=[coupon("41-京东券", "205.00")])
    assert doubt_of(value).code == "AMOUNT_MISMATCH"


def test_gift_cards_count_only_when_the_settings_say_so() -> None:
    """A gift card stands among the coupons: ¥30 of it are left out, or added to what was paid."""
    value = order(orderPayment="136.00", couponDetailList=[*order()["couponDetailList"], coupon("52-礼品卡", "30.00")])
    assert order_of(value).paid_fen == 14_600
    counted = order_of(value, gift_cards="counted")
    assert counted.paid_fen == 17_600
    assert sum(line.paid_fen or 0 for line in counted.lines or ()) == 17_000


def test_bounds_are_enough_when_discounts_are_not_listed() -> None:
    """Without the list a payment up to goods less the seller's discount and freight is believed, and not more."""
    assert order_of(order(couponDetailList=None), discounts_listed=False).paid_fen == 17_600
    most = order(couponDetailList=None, orderPayment="176.00")
    assert order_of(most, discounts_listed=False).paid_fen == 18_600
    assert doubt_of({**most, "orderPayment": "176.01"}, discounts_listed=False).code == "AMOUNT_MISMATCH"


def test_shares_add_up_by_largest_remainder() -> None:
    """¥170.00 over three items of ¥50, ¥50 and ¥100 are ¥42.50, ¥42.50 and ¥85; ¥0.01 goes to the largest."""
    items = [item(2, itemTotal="1"), item(3, itemTotal="1"), item(1)]
    assert [line.paid_fen for line in order_of(order(itemInfoList=items)).lines or ()] == [4_250, 4_250, 8_500]
    free = order(itemInfoList=items, orderPayment="0.01", balanceUsed="0.00", freightPrice="0.00")
    free["couponDetailList"] = [coupon("100-店铺优惠", "199.99")]
    assert [line.paid_fen for line in order_of(free).lines or ()] == [0, 0, 1]


def test_never_paid_has_paid_nothing() -> None:
    """Unpaid and cancelled before payment state 0, whatever was due."""
    for value in (order(orderState="NOT_PAY"), order(orderState="TRADE_CANCELED", paymentConfirmTime=None)):
        read = order_of(value)
        assert (read.paid_fen, read.shipping_fen, [line.paid_fen for line in read.lines or ()]) == (0, 0, [0, 0])


@pytest.mark.parametrize("payment", ["166.00", "0.00", "999.00", None])
def test_a_cancelled_order_is_taken_whatever_its_figures_say(payment: str | None) -> None:
    """Held back for review it would keep what it earned; closed it earns nothing."""
    read = order_of(order(orderState="TRADE_CANCELED", orderPayment=payment))
    assert (read.status, [line.status for line in read.lines or ()]) == (
        OrderStatus.CLOSED,
        [LineStatus.CLOSED_REFUNDED] * 2,
    )
    assert read.paid_fen == (read.shipping_fen or 0) + sum(line.paid_fen or 0 for line in read.lines or ())


@pytest.mark.parametrize(
    "value",
    [order(returnOrder="1"), order(returnOrder="2-售后调货"), sp_order(orderFlag={"returnOrder": True})],
)
def test_a_second_delivery_is_no_second_purchase(value: dict[str, Any]) -> None:
    """Re-deliveries bear the first order's figures; nobody paid again, and their kind earns nothing by default."""
    read = order_of(value)
    assert (read.kind, read.paid_fen) == (OrderKind.PRICE_DIFF, 0)


def test_sp_amounts_stay_within_what_the_seller_was_to_receive() -> None:
    """Up to ¥186 are believed; one fen more, items that do not add up or freight above the payment are not."""
    pay, trade = sp_order()["paymentInfo"], sp_order()["sellerTradePriceInfo"]
    assert order_of(sp_order(paymentInfo={**pay, "actualPayAmount": 186})).paid_fen == 18_600
    for broken in (
        {"paymentInfo": {**pay, "actualPayAmount": 186.01}},
        {"paymentInfo": {**pay, "actualPayAmount": 5.99}},
        {"sellerTradePriceInfo": {**trade, "totalOriginalPriceAmount": 250}},
    ):
        assert doubt_of(sp_order(**broken)).code == "AMOUNT_MISMATCH"
    closed = order_of(sp_order(orderStatus="TRADE_CANCELED", paymentInfo={**pay, "actualPayAmount": 999}))
    assert closed.status is OrderStatus.CLOSED


# ----------------------------------------------------------------------------------------------------------------
# Kinds, gifts, splits
# ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pay_type", "kind"), [("4-在线支付", None), ("4", None), ("1-货到付款", OrderKind.COD), (1, OrderKind.COD)]
)
def test_cash_on_delivery(pay_type: Any, kind: OrderKind | None) -> None:
    """The leading number of the payment type says so, with or without its words."""
    assert order_of(order(payType=pay_type)).kind is kind


def test_presale_and_cash_on_delivery_of_the_sp_api() -> None:
    """Flags and payment type say so."""
    assert order_of(sp_order(orderFlag={"preSaleOrder": True})).kind is OrderKind.PRESALE
    pay = {**sp_order()["paymentInfo"], "paymentType": 1}
    assert order_of(sp_order(paymentInfo=pay)).kind is OrderKind.COD


def test_gifts_cost_nothing_and_earn_nothing() -> None:
    """An item of price 0 is a gift, and so is one that names what it was given for."""
    routed = order_of(order(itemInfoList=[item(1), item(2), item(3, jdPrice="0.00")]))
    sp = sp_order()
    sp["skuItemInfoList"].append({"skuId": 100010009, "num": 1, "jdPrice": 30.00, "giftRefUuid": "u-1"})
    for read in (routed, order_of(sp)):
        assert [(line.is_free_gift, line.paid_fen) for line in read.lines or ()] == [
            (None, 8_500),
            (None, 8_500),
            (True, 0),
        ]


def test_one_sku_twice_is_two_lines() -> None:
    """The same goods may stand in an order twice, once as a gift."""
    read = order_of(order(itemInfoList=[item(1), item(2), item(2, jdPrice="0.00")]))
    assert [line.line_id for line in read.lines or ()] == ["sku-100010001", "sku-100010002", "sku-100010002#2"]


def _loyalty() -> Loyalty:
    return Loyalty(points_program(), MemoryStorage(), clock=Clock())


RECENT = {
    "orderStartTime": "2026-11-01 10:00:00",
    "paymentConfirmTime": "2026-11-01 10:00:00",
    "orderEndTime": "2026-11-10 10:00:00",
    "modified": "2026-11-10 10:00:01",
}


def test_a_parents_number_leads_to_its_child() -> None:
    """A buyer who types the number of the split parent gets the child's points: once, and under the child's number."""
    loyalty = _loyalty()
    child = order_of(order(parentOrderId="290000000077", directParentOrderId="290000000077", **RECENT))
    assert sum(line.paid_fen or 0 for line in child.lines or ()) == 17_000
    loyalty.ingest([child])
    by_parent = claim_of(loyalty, "m1", attrs.evolve(child, order_no="290000000077"))
    assert (by_parent.created, by_parent.order_no, by_parent.points) == (True, ORDER_NO, 170)
    assert claim_of(loyalty, "m1", child).created is False


@pytest.mark.parametrize("parent", ["0", "", None, ORDER_NO, "abc"])
def test_an_order_that_is_not_split_has_no_parent(parent: str | None) -> None:
    """0, nothing and its own number are no parent."""
    assert len(order_of(order(parentOrderId=parent)).lines or ()) == 2
    assert len(order_of(order(parentOrderId="290000000077"), parent_numbers=False).lines or ()) == 2


def test_a_sku_is_never_taken_for_an_order() -> None:
    """The number of a SKU looks like an order's; as a line it is marked, so that typing it finds nothing."""
    loyalty = _loyalty()
    read = order_of(order(**RECENT))
    loyalty.ingest([read])
    assert claim_of(loyalty, "m1", attrs.evolve(read, order_no="100010001")).created is False
    assert claim_of(loyalty, "m1", read).created


# ----------------------------------------------------------------------------------------------------------------
# Identity, privacy, broken rows
# ----------------------------------------------------------------------------------------------------------------


def test_the_buyer_is_the_encrypted_id_of_the_application() -> None:
    """xid, else the older open id; account names and masked values are none."""
    assert order_of(order(xid_buyer=None)).buyer_id == "oexamplebuyer0001"
    for none in (None, "", "jd_****x"):
        read = order_of(order(xid_buyer=none, open_id_buyer=none))
        assert (read.buyer_id, read.buyer_scope) == (None, None)


@pytest.mark.parametrize(
    "value",
    [order(), order(orderState="NEW"), order(orderPayment="1.00"), sp_order(), sp_order(orderStatus="NEW")],
)
def test_nothing_of_the_receiver_is_kept(value: dict[str, Any]) -> None:
    """Neither an order nor a doubt holds the phone, the name or the account."""
    try:
        kept = repr(order_of(value))
    except AssertionError:
        doubt = doubt_of(value)
        assert str(json.loads(doubt.payload)["orderId"]) == ORDER_NO
        kept = doubt.detail + doubt.payload
    for secret in (PHONE, "张三", "jd_", "OAID"):
        assert secret not in kept


@pytest.mark.parametrize(
    "broken",
    [
        {"orderId": None},
        {"orderId": "1"},
        {"orderId": "29000000000x"},
        {"orderState": None},
        {"itemInfoList": None},
        {"itemInfoList": []},
        {"itemInfoList": [7]},
        {"itemInfoList": [item(1, itemTotal="x"), item(2)]},
        {"itemInfoList": [item(1, skuId=None), item(2)]},
        {"orderPayment": None},
        {"orderPayment": "166.0000001"},
        {"couponDetailList": [coupon("满减", "30.00")]},
        {"payType": "在线支付"},
        {"modified": "yesterday"},
        {"xid_buyer": "x" * 300},
        {"parentOrderId": 1.5},
    ],
)
def test_what_cannot_be_read_is_doubted_without_its_value(broken: dict[str, Any]) -> None:
    """A broken field sets the one order aside, and the reason names the field only."""
    doubt = doubt_of(order(**broken))
    assert doubt.code == "UNREADABLE"
    assert not any(value in doubt.detail for value in ("xxx", "0001", "yesterday", "满减"))


@pytest.mark.parametrize(
    "value",
    [
        order(),
        {"orderInfo": order()},
        {"jingdong_pop_order_get_responce": {"code": "0", "orderDetailInfo": {"apiResult": {}, "orderInfo": order()}}},
    ],
)
def test_a_row_of_the_data_push_is_the_same_order(value: Any) -> None:
    """The stored text goes through the same parser, in whatever envelope it was stored."""
    for text in (json.dumps(value, ensure_ascii=False), json.dumps(value).encode()):
        assert read_order_row(text, settings()) == order_of(order())


@pytest.mark.parametrize("text", ["", "null", "[]", "{", "{}", '{"a":{"b":1}}'])
def test_a_broken_row_is_doubted(text: str) -> None:
    """A row that holds no order is set aside; something that is no text at all is a mistake of the caller."""
    doubt = read_order_row(text, settings())
    assert isinstance(doubt, Doubtful)
    assert doubt.code == "UNREADABLE"
    with pytest.raises(WrongType):
        read_order_row(order(), settings())  # type: ignore[arg-type]
