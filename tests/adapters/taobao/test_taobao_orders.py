"""Trades become orders whose amounts agree, or are doubted; nothing of the receiver is kept."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from builders import NOW, Clock, convert, points_program
from taobao_wire import PHONE, TID, doubt_of, order_of, single, sub_order, trade

from crossloyalty import Line, LineStatus, Loyalty, Order, OrderKind, OrderStatus
from crossloyalty.domain.effective import effective_order
from crossloyalty.domain.facts import load_facts, merge_order
from crossloyalty.storage.memory import MemoryStorage


def test_a_finished_order_with_two_sub_orders() -> None:
    """The order of the page: 200 − 20 + 8 = ¥188, of which ¥90 belong to each sub-order and ¥8 are postage."""
    finished = datetime(2026, 3, 1, 1, 12, 40, tzinfo=UTC)
    line = Line(
        line_id="2600000000000000002",
        paid_fen=9_000,
        status=LineStatus.FINISHED,
        finished_at=finished,
        product_id="610000000001",
        quantity=1,
    )
    assert order_of(trade()) == Order(
        platform="tmall",
        order_no=TID,
        shop_id="shop-1",
        status=OrderStatus.FINISHED,
        buyer_id="AAEXAMPLEopenuid0001",
        buyer_scope="12345678",
        created_at=datetime(2026, 2, 20, 2, 0, 1, tzinfo=UTC),
        paid_at=datetime(2026, 2, 20, 2, 2, 11, tzinfo=UTC),
        finished_at=finished,
        modified_at=datetime(2026, 3, 1, 1, 12, 41, tzinfo=UTC),
        paid_fen=18_800,
        shipping_fen=800,
        refund_open=False,
        lines=(
            line,
            Line(
                line_id="2600000000000000003",
                paid_fen=9_000,
                status=LineStatus.FINISHED,
                finished_at=finished,
                product_id="610000000002",
                quantity=1,
            ),
        ),
    )


@pytest.mark.parametrize(
    ("word", "status", "line_status"),
    [
        ("TRADE_NO_CREATE_PAY", OrderStatus.UNPAID, LineStatus.UNPAID),
        ("WAIT_BUYER_PAY", OrderStatus.UNPAID, LineStatus.UNPAID),
        ("PAY_PENDING", OrderStatus.UNPAID, LineStatus.UNPAID),
        ("WAIT_PRE_AUTH_CONFIRM", OrderStatus.UNPAID, LineStatus.UNPAID),
        ("PAID_FORBID_CONSIGN", OrderStatus.PAID, LineStatus.PAID),
        ("WAIT_SELLER_SEND_GOODS", OrderStatus.PAID, LineStatus.PAID),
        ("SELLER_CONSIGNED_PART", OrderStatus.PAID, LineStatus.PAID),
        ("WAIT_BUYER_CONFIRM_GOODS", OrderStatus.SHIPPED, LineStatus.SHIPPED),
        ("TRADE_BUYER_SIGNED", OrderStatus.SIGNED, LineStatus.SIGNED),
        ("TRADE_FINISHED", OrderStatus.FINISHED, LineStatus.FINISHED),
        ("TRADE_CLOSED", OrderStatus.CLOSED, LineStatus.CLOSED_REFUNDED),
        ("TRADE_CLOSED_BY_TAOBAO", OrderStatus.CLOSED, LineStatus.CLOSED_UNPAID),
    ],
)
def test_every_status_word(word: str, status: OrderStatus, line_status: LineStatus) -> None:
    """Each word has one meaning, at the order and at its sub-orders; a sub-order without one follows the order."""
    for order in (sub_order(1, status=word), sub_order(1, status=None)):
        read = order_of(trade(order, sub_order(2, status=word), status=word))
        assert read.status is status
        assert read.lines is not None
        assert [line.status for line in read.lines] == [line_status, line_status]
        assert (read.finished_at is not None) is (status is OrderStatus.FINISHED)


@pytest.mark.parametrize("word", ["TRADE_TELEPORTED", "", 7, "a b"])
def test_an_unknown_status_is_never_guessed(word: Any) -> None:
    """A word nobody published, at the order or at a sub-order, goes to review."""
    assert doubt_of(trade(status=word)).code == ("UNKNOWN_STATUS" if word != "" else "UNREADABLE")
    if word != "":
        assert doubt_of(trade(sub_order(1), sub_order(2, status=word))).code == "UNKNOWN_STATUS"


def test_never_paid_has_paid_nothing() -> None:
    """Unpaid orders and those closed before payment state 0, whatever was due."""
    for word in ("WAIT_BUYER_PAY", "TRADE_CLOSED_BY_TAOBAO"):
        read = order_of(trade(sub_order(1, status=word), sub_order(2, status=word), status=word, pay_time=None))
        assert (read.paid_fen, read.shipping_fen, read.paid_at) == (0, 0, None)
        assert [line.paid_fen for line in read.lines or ()] == [0, 0]


def test_closed_after_payment_is_not_closed_before_it() -> None:
    """TRADE_CLOSED was paid and refunded; TRADE_CLOSED_BY_TAOBAO was never paid."""
    refunded = order_of(
        trade(
            sub_order(1, status="TRADE_CLOSED", refund_status="SUCCESS"),
            sub_order(2, status="TRADE_CLOSED", refund_status="SUCCESS"),
            status="TRADE_CLOSED",
        )
    )
    assert (refunded.status, refunded.paid_fen, refunded.finished_at) == (OrderStatus.CLOSED, 18_800, None)
    assert [line.refunded_fen for line in refunded.lines or ()] == [9_000, 9_000]


def test_a_closed_order_has_no_finished_sub_order() -> None:
    """A time of success that was undone by closing is no finish."""
    read = order_of(trade(sub_order(1), sub_order(2), status="TRADE_CLOSED"))
    assert [line.finished_at for line in read.lines or ()] == [None, None]


@pytest.mark.parametrize("payment", ["0.00", "3.00", "188.00", "999.00", None])
def test_a_closed_order_is_taken_whatever_its_figures_say(payment: str | None) -> None:
    """Held back for review a closed order would keep what it earned; closed it earns nothing."""
    closed = [sub_order(n, status="TRADE_CLOSED", refund_status="SUCCESS") for n in (1, 2)]
    read = order_of(trade(*closed, status="TRADE_CLOSED", payment=payment))
    assert read.status is OrderStatus.CLOSED
    assert read.paid_fen == (read.shipping_fen or 0) + sum(line.paid_fen or 0 for line in read.lines or ())


# ----------------------------------------------------------------------------------------------------------------
# Amounts
# ----------------------------------------------------------------------------------------------------------------


def _earned(*orders: Order) -> list[int]:
    loyalty = Loyalty(points_program(), MemoryStorage(), clock=Clock())
    return [result.points for result in convert(loyalty, "m1", *orders)]


def test_d8_postage_counts_neither_for_single_nor_for_split_orders() -> None:
    """¥110 with ¥10 postage is ¥100 of goods, as one sub-order (whose `payment` holds postage) and as two."""
    recent = {"created": "2026-11-01 10:00:00", "pay_time": "2026-11-01 10:00:00", "end_time": "2026-11-10 10:00:00"}
    assert datetime(2026, 11, 20, tzinfo=UTC).date() == NOW.date()
    split = trade(
        sub_order(1, payment="60.00", divide_order_fee="60.00", part_mjz_discount="0.00"),
        sub_order(2, payment="40.00", divide_order_fee="40.00", part_mjz_discount="0.00"),
        payment="110.00",
        post_fee="10.00",
        **{**recent, "tid": 2600000000000000009, "tid_str": "2600000000000000009"},
    )
    assert _earned(order_of(single(**recent)), order_of(split)) == [100, 100]


@pytest.mark.parametrize("divided", ["100.00", "110.00", None])
def test_the_share_of_a_single_sub_order_with_or_without_postage(divided: str | None) -> None:
    """Whether the share of the only sub-order holds postage or not, its goods are payment less postage."""
    value = single()
    value["orders"]["order"][0]["divide_order_fee"] = divided
    read = order_of(value)
    assert (read.paid_fen, read.shipping_fen, [line.paid_fen for line in read.lines or ()]) == (11_000, 1_000, [10_000])


def test_shares_without_their_field_come_from_payment_less_the_orders_discount() -> None:
    """Lists that lack `divide_order_fee` still add up: 100 − 10 and 100 − 10, and 8 postage are 188."""
    read = order_of(trade(sub_order(1, divide_order_fee=None), sub_order(2, divide_order_fee=None)))
    assert [line.paid_fen for line in read.lines or ()] == [9_000, 9_000]


@pytest.mark.parametrize(
    "value",
    [
        trade(payment="188.01"),
        trade(payment="187.99"),
        trade(payment="180.00"),
        trade(post_fee="0.00"),
        trade(sub_order(1), sub_order(2, divide_order_fee="100.00")),
        trade(sub_order(1, divide_order_fee=None, part_mjz_discount=None), sub_order(2)),
        trade(sub_order(1, divide_order_fee=None, part_mjz_discount="120.00"), sub_order(2)),
        trade(sub_order(1, divide_order_fee=None, refund_status="SUCCESS"), sub_order(2)),
        single(payment="5.00"),
        trade(sub_order(1), sub_order(2, refund_status="SUCCESS"), payment="97.99"),
        trade(sub_order(1), sub_order(2, status="TRADE_CLOSED", refund_status="SUCCESS"), payment="100.00"),
    ],
)
def test_figures_that_do_not_agree_are_never_granted(value: dict[str, Any]) -> None:
    """One fen too many or too few, and the order goes to review with its figures."""
    doubt = doubt_of(value)
    assert (doubt.order_no, doubt.code) == (TID, "AMOUNT_MISMATCH")
    assert "fen" in doubt.detail


def test_the_detail_of_a_doubt_shows_the_figures() -> None:
    """Staff see what does not agree, in fen."""
    assert doubt_of(trade(payment="188.01")).detail == "payment 18801, sub-orders 9000+9000, postage 800, tax 0 fen"


def test_a_small_difference_is_spread_only_when_the_settings_say_so() -> None:
    """With `rounding_fen=1` the payment is believed and ¥180.01 of goods are shared out, the odd fen to the first."""
    read = order_of(trade(payment="188.01"), rounding_fen=1)
    assert (read.paid_fen, [line.paid_fen for line in read.lines or ()]) == (18_801, [9_001, 9_000])
    assert doubt_of(trade(payment="188.02"), rounding_fen=1).code == "AMOUNT_MISMATCH"


def test_tax_is_neither_goods_nor_postage() -> None:
    """A payment that is exactly the tax above the shares is taken without it."""
    read = order_of(trade(payment="199.00", order_tax_fee="11.00"))
    assert read.paid_fen == 18_800
    assert order_of(single(order_tax_fee="7.00")).paid_fen == 10_300
    assert doubt_of(trade(payment="199.00", order_tax_fee="11.01")).code == "AMOUNT_MISMATCH"


def test_a_sub_order_closed_before_payment_was_never_paid() -> None:
    """¥98 for one sub-order and postage: the other, cancelled in time, counts 0."""
    read = order_of(trade(sub_order(1), sub_order(2, status="TRADE_CLOSED_BY_TAOBAO"), payment="98.00"))
    assert [line.paid_fen for line in read.lines or ()] == [9_000, 0]


@pytest.mark.parametrize("payment", ["188.00", "98.00"])
def test_a_refunded_sub_order_in_both_spellings_of_the_payment(payment: str) -> None:
    """Whether `payment` still holds the refunded ¥90 or no longer, ¥188 were paid and ¥90 of goods are left."""
    closed = sub_order(2, status="TRADE_CLOSED", refund_status="SUCCESS", refund_id="1")
    read = order_of(trade(sub_order(1), closed, payment=payment))
    assert (read.status, read.paid_fen) == (OrderStatus.FINISHED, 18_800)
    assert [(line.paid_fen, line.refunded_fen) for line in read.lines or ()] == [(9_000, None), (9_000, 9_000)]


def test_a_payment_reduced_by_a_partial_refund() -> None:
    """¥158 for shares of ¥180 and ¥8: the ¥30 less went back from the one sub-order with a successful refund."""
    read = order_of(trade(sub_order(1), sub_order(2, refund_status="SUCCESS"), payment="158.00"))
    assert read.paid_fen == 18_800
    assert [line.refunded_fen for line in read.lines or ()] == [None, 3_000]
    both = order_of(trade(*(sub_order(n, refund_status="SUCCESS") for n in (1, 2)), payment="158.00"))
    assert (both.refunded_fen, [line.refunded_fen for line in both.lines or ()]) == (3_000, [None, None])
    facts = load_facts("")
    merge_order(facts, both)
    effective = effective_order(facts)
    assert effective is not None
    assert effective.balanced
    assert sum(line.net_fen for line in effective.lines) == 15_000


def test_shopping_gold_is_own_value() -> None:
    """Principal and bonus of a shopping-gold card are no new money (D26), wherever they are stated."""
    flat = trade(expand_card_basic_price_used="20.00", expand_card_expand_price_used="5.00")
    inner = trade(expandcard_info={"basic_price_used": "20.00", "expand_price_used": "5.00"})
    parts = trade(
        sub_order(1, expand_card_basic_price_used_suborder="20.00", expand_card_expand_price_used_suborder="2.00"),
        sub_order(2, expand_card_expand_price_used_suborder="3.00"),
    )
    assert [order_of(value).own_value_fen for value in (flat, inner, parts, trade())] == [2_500, 2_500, 2_500, None]


def test_a_platform_subsidy_is_no_part_of_what_was_paid() -> None:
    """It stands beside the payment."""
    read = order_of(trade(platform_subsidy_fee="15.00"))
    assert (read.paid_fen, read.subsidy_fen) == (18_800, 1_500)


def test_red_packets_are_taken_off_only_when_the_settings_say_so() -> None:
    """¥3 and ¥1 of red packets leave ¥176 of goods, ¥88 each; without the setting the payment is believed."""
    value = trade(coupon_fee=300, tmall_coupon_fee="100")
    assert (order_of(value).paid_fen, order_of(value).subsidy_fen) == (18_800, None)
    read = order_of(value, red_packets_off=True)
    assert (read.paid_fen, read.subsidy_fen) == (18_400, 400)
    assert [line.paid_fen for line in read.lines or ()] == [8_800, 8_800]
    assert order_of(trade(coupon_fee=99_999), red_packets_off=True).paid_fen == 800


# ----------------------------------------------------------------------------------------------------------------
# Kinds, gifts, refunds under way
# ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({}, None),
        ({"type": "step", "step_trade_status": "FRONT_PAID_FINAL_PAID"}, OrderKind.PRESALE),
        ({"new_presell": True}, OrderKind.PRESALE),
        ({"general_new_presell": "true"}, OrderKind.PRESALE),
        ({"type": "cod"}, OrderKind.COD),
        ({"type": "super_market_cod_trade"}, OrderKind.COD),
        ({"is_gift": True}, OrderKind.GIFT),
        ({"is_gift": False}, None),
        ({"receipt_type": "POSTAGE"}, OrderKind.PRICE_DIFF),
    ],
)
def test_kinds_of_orders(fields: dict[str, Any], kind: OrderKind | None) -> None:
    """Presales, cash on delivery, gifts and top-up orders are told; the rest is left unstated."""
    assert order_of(trade(**fields)).kind is kind


def test_a_presale_whose_deposit_is_paid_is_not_paid() -> None:
    """Until the final payment nothing is stated as paid; then deposit and rest count together (D30)."""
    waiting = [sub_order(n, status="WAIT_BUYER_PAY") for n in (1, 2)]
    deposit = {"type": "step", "step_trade_status": "FRONT_PAID_FINAL_NOPAID", "step_paid_fee": "20.00"}
    read = order_of(trade(*waiting, status="WAIT_BUYER_PAY", **deposit))
    assert (read.status, read.kind, read.paid_fen) == (OrderStatus.UNPAID, OrderKind.PRESALE, 0)
    done = order_of(trade(type="step", step_trade_status="FRONT_PAID_FINAL_PAID", step_paid_fee="188.00"))
    assert (done.status, done.paid_fen) == (OrderStatus.FINISHED, 18_800)


@pytest.mark.parametrize("word", ["TRADE_CLOSED", "TRADE_CLOSED_BY_TAOBAO", "WAIT_BUYER_PAY"])
def test_a_forfeited_deposit_closes_the_order(word: str) -> None:
    """The deposit that was kept is stated, and the order is closed: it earns nothing (D30)."""
    orders = [sub_order(n, status=word) for n in (1, 2)]
    read = order_of(trade(*orders, status=word, step_trade_status="FRONT_PAID_FRONT_FORFEITED", step_paid_fee="20.00"))
    assert (read.status, read.kind, read.paid_fen) == (OrderStatus.CLOSED, OrderKind.PRESALE, 2_000)
    assert [line.status for line in read.lines or ()] == [LineStatus.CLOSED_REFUNDED] * 2


def test_gift_lines_and_receivers_of_gifts() -> None:
    """A free gift is marked, and who gets a gift order is its beneficiary (D10)."""
    value = trade(
        sub_order(1),
        sub_order(2),
        sub_order(3, is_free_gift=True, divide_order_fee="0.00", price="0.00"),
        is_gift=True,
        donee_open_uid="AAEXAMPLEdonee",
    )
    read = order_of(value)
    assert [line.is_free_gift for line in read.lines or ()] == [None, None, True]
    assert (read.beneficiary_id, read.buyer_id) == ("AAEXAMPLEdonee", "AAEXAMPLEopenuid0001")


@pytest.mark.parametrize(
    ("word", "is_open"),
    [
        ("NO_REFUND", False),
        (None, False),
        ("", False),
        ("CLOSED", False),
        ("SUCCESS", False),
        ("WAIT_SELLER_AGREE", True),
        ("WAIT_BUYER_RETURN_GOODS", True),
        ("WAIT_SELLER_CONFIRM_GOODS", True),
        ("SELLER_REFUSE_BUYER", True),
        ("SOMETHING_NEW", True),
    ],
)
def test_refunds_under_way(word: str | None, is_open: bool) -> None:
    """A sub-order without a refund may say so or say nothing; any word we do not know holds the issue back."""
    assert order_of(trade(sub_order(1), sub_order(2, refund_status=word))).refund_open is is_open


# ----------------------------------------------------------------------------------------------------------------
# Identity
# ----------------------------------------------------------------------------------------------------------------


def test_the_buyer_is_the_open_id_of_the_application() -> None:
    """The open id counts inside its application, the other id inside its shop; masked ones are none."""
    value = trade(ouid="AAouid")
    first, second = order_of(value), order_of(value, buyer_id="ouid")
    assert (first.buyer_id, first.buyer_scope) == ("AAEXAMPLEopenuid0001", "12345678")
    assert (second.buyer_id, second.buyer_scope) == ("AAouid", "shop-1")
    for masked in ("t**1", "", None):
        read = order_of(trade(buyer_open_uid=masked))
        assert (read.buyer_id, read.buyer_scope) == (None, None)


@pytest.mark.parametrize("bad", [trade(), trade(payment="1.00"), trade(status="NEW"), trade(modified=PHONE)])
def test_nothing_of_the_receiver_is_kept(bad: dict[str, Any]) -> None:
    """Neither an order nor a doubt holds the phone, the name, the nick or the address id."""
    bad["orders"]["order"][0]["receiver_mobile"] = PHONE
    try:
        kept = repr(order_of(bad))
    except AssertionError:
        doubt = doubt_of(bad)
        assert json.loads(doubt.payload)["orders"]["order"][0]["oid"] == 2600000000000000002
        kept = doubt.detail + doubt.payload.replace(f'"modified":"{PHONE}"', "")
    for secret in (PHONE, "张三", "t**1", "OAID"):
        assert secret not in kept


def test_taobao_and_tmall_are_told_by_the_sub_orders() -> None:
    """`seller_type` B is Tmall, everything else Taobao, unless the settings say which it is."""
    taobao = trade(sub_order(1, seller_type="C"), sub_order(2, seller_type="C"))
    silent = trade(sub_order(1, seller_type=None), sub_order(2, seller_type=None))
    assert [order_of(value).platform for value in (trade(), taobao, silent)] == ["tmall", "taobao", "taobao"]
    assert order_of(taobao, platform="tmall").platform == "tmall"


def test_flags_come_from_the_sellers_coloured_flags() -> None:
    """Only colours the settings name become flags (D51)."""
    names = {1: "brushing"}
    assert order_of(trade(seller_flag=1)).flags is None
    assert order_of(trade(seller_flag=1), seller_flags=names).flags == ("brushing",)
    assert order_of(trade(seller_flag=2), seller_flags=names).flags == ()
    assert order_of(trade(), seller_flags=names).flags == ()


@pytest.mark.parametrize(
    "broken",
    [
        {"tid": None, "tid_str": None},
        {"tid": 1},
        {"tid": "26000000000000000x", "tid_str": None},
        {"tid": 2600000000000000002},
        {"orders": None},
        {"orders": {"order": []}},
        {"orders": {"order": [7]}},
        {"orders": 7},
        {"payment": None},
        {"payment": "1,880.00"},
        {"payment": "-1.00"},
        {"created": "yesterday"},
        {"created": "1999-12-31 23:59:59"},
        {"buyer_open_uid": "x" * 200},
        {"status": None},
    ],
)
def test_what_cannot_be_read_is_doubted_without_its_value(broken: dict[str, Any]) -> None:
    """A broken field sets the one order aside, and the reason names the field only."""
    doubt = doubt_of(trade(**broken))
    assert doubt.code == "UNREADABLE"
    assert not any(value in doubt.detail for value in ("xxx", "1,880", "yesterday", "1999"))


def test_two_sub_orders_of_one_number_are_doubted() -> None:
    """An order that names a sub-order twice is no order."""
    assert doubt_of(trade(sub_order(1), sub_order(1))).code == "UNREADABLE"


def test_a_bare_list_of_sub_orders_is_understood() -> None:
    """The simplified form has lists without a name inside."""
    value = trade()
    assert order_of({**value, "orders": value["orders"]["order"]}) == order_of(value)
