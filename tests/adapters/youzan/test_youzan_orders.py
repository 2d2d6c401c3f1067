"""Youzan orders and refunds: what the buyer paid, in figures worked out by hand, and what is held back."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from youzan_shop import CASE, SETTINGS, TID, order_row, read, read_case, read_good, refund_data, through_json

from crossloyalty import Loyalty, Program, rules
from crossloyalty.adapters.wire.values import Doubtful
from crossloyalty.adapters.youzan.orders import read_order, read_row, refund_lines
from crossloyalty.adapters.youzan.refunds import read_refund
from crossloyalty.domain.keys import clean_id
from crossloyalty.domain.orders import Line, LineStatus, Order, OrderKind, OrderStatus, Refund, RefundKind, RefundStatus
from crossloyalty.storage.memory import MemoryStorage

FINISHED_AT = datetime(2026, 3, 1, 1, 12, 40, tzinfo=UTC)
LINES = ("2900000000000000001", "2900000000000000002")


def test_the_documented_sample_is_one_finished_order() -> None:
    """200.00 − 20.00 + 8.00 postage = 188.00 = 94.00 + 94.00; without 4.00 of postage each a line is 90.00."""
    lines = [
        Line(line_id=line_id, paid_fen=9000, is_free_gift=False, product_id=product, quantity=number)
        for line_id, product, number in ((LINES[0], "500000001", 1), (LINES[1], "500000002", 2))
    ]
    assert read() == Order(
        platform="youzan",
        order_no=TID,
        shop_id="12345678",
        status=OrderStatus.FINISHED,
        buyer_id="LnhGexample0001",
        created_at=datetime(2026, 2, 20, 2, 0, 1, tzinfo=UTC),
        paid_at=datetime(2026, 2, 20, 2, 2, 11, tzinfo=UTC),
        finished_at=FINISHED_AT,
        modified_at=datetime(2026, 3, 1, 1, 12, 41, tzinfo=UTC),
        paid_fen=18800,
        shipping_fen=800,
        refund_open=False,
        lines=tuple(lines),
    )


@pytest.mark.parametrize(
    ("word", "status", "line_status"),
    [
        ("TRADE_PAID", OrderStatus.PAID, None),
        ("WAIT_CONFIRM", OrderStatus.PAID, None),
        ("WAIT_SELLER_SEND_GOODS", OrderStatus.PAID, None),
        ("WAIT_BUYER_CONFIRM_GOODS", OrderStatus.SHIPPED, None),
        ("TRADE_SUCCESS", OrderStatus.FINISHED, None),
        ("TRADE_CLOSED", OrderStatus.CLOSED, LineStatus.CLOSED_REFUNDED),
    ],
)
def test_each_status_of_a_paid_order(word: str, status: OrderStatus, line_status: LineStatus | None) -> None:
    """Every documented word has its status; only TRADE_SUCCESS is finished at a time."""
    order = read_good(info__status=word)
    assert (order.status, {line.status for line in order.lines or ()}) == (status, {line_status})
    assert order.finished_at == (FINISHED_AT if word == "TRADE_SUCCESS" else None)


def test_what_was_never_paid_counts_nothing() -> None:
    """Without pay_time nothing was paid: of an order that waits, of a closed one, of one on delivery."""
    waiting = read_good(info__status="WAIT_BUYER_PAY", info__pay_time="", pay__real_payment="0.00")
    assert (waiting.status, waiting.paid_fen, waiting.shipping_fen) == (OrderStatus.UNPAID, 0, 0)
    closed = read_good(info__status="TRADE_CLOSED", info__pay_time="")
    assert [line.status for line in closed.lines or ()] == [LineStatus.CLOSED_UNPAID] * 2
    on_delivery = read_good(info__pay_time=..., info__pay_type="CODPAY")
    assert (on_delivery.status, on_delivery.kind, on_delivery.finished_at) == (OrderStatus.SIGNED, OrderKind.COD, None)


def test_an_order_without_a_time_of_success_finished_when_it_last_changed() -> None:
    """The last change is the latest it can have been finished, so that nothing is issued too early."""
    assert read_good(info__success_time="").finished_at == datetime(2026, 3, 1, 1, 12, 41, tzinfo=UTC)


def test_postage_is_taken_out_of_the_lines_to_the_fen() -> None:
    """1.00 of postage on 33.34 + 66.67: shares 0.33 and 0.67, the lines are 33.01 and 66.00, together 99.01."""
    order = read_good(
        pay__payment="100.01",
        pay__real_payment="100.01",
        pay__post_fee="1.00",
        pay__total_fee="99.01",
        line0__payment="33.34",
        line1__payment="66.67",
        order_promotion__order_discount_fee="0",
    )
    assert [line.paid_fen for line in order.lines or ()] == [3301, 6600]
    assert (order.paid_fen, order.shipping_fen) == (10001, 100)


@pytest.mark.parametrize(
    "changes",
    [
        {"pay__payment": "187.99"},
        {"pay__payment": "188.01"},
        {"line0__payment": "93.99"},
        {"pay__post_fee": "8.01"},
        {"pay__total_fee": "200.01"},
        {"order_promotion__order_discount_fee": "19.99"},
        {"order_promotion__item_discount_fee": "0.01"},
        {"order_promotion__adjust_fee": "-0.01"},
        {"pay__real_payment": "187.99"},
        {"pay__deduction_pay": 1},
        {"pay__deduction_real_pay": 18799},
        {"pay__deduct_value_card_pay": 1, "pay__deduct_gift_card_pay": 0},
        {"pay__post_fee": "188.01", "order_promotion": ...},
    ],
)
def test_one_fen_that_does_not_agree_is_held_back(changes: dict[str, Any]) -> None:
    """Figures that differ by one fen go to review with the figures, and never to a grant."""
    doubt = read(**changes)
    assert isinstance(doubt, Doubtful)
    assert (doubt.order_no, doubt.code) == (TID, "AMOUNT_MISMATCH")
    assert "(fen)" in doubt.detail


def test_a_price_the_seller_changed_has_a_sign() -> None:
    """adjust_fee −10.00: 200.00 − 20.00 − 10.00 + 8.00 = 178.00."""
    order = read_good(
        order_promotion__adjust_fee="-10.00",
        pay__payment="178.00",
        pay__real_payment="178.00",
        line0__payment="89.00",
        line1__payment="89.00",
    )
    assert order.paid_fen == 17800


def test_the_discounts_stand_beside_the_order_or_inside_it() -> None:
    """order_promotion is found in both places; without it the lines alone have to agree."""
    promotion = order_row()["order_promotion"]
    assert read_good(order_promotion=..., full__order_promotion=promotion).paid_fen == 18800
    wrong = promotion | {"adjust_fee": "1.00"}
    assert isinstance(read(order_promotion=..., full__order_promotion=wrong), Doubtful)
    assert read_good(order_promotion=...).paid_fen == 18800


def test_what_cards_paid_is_own_value() -> None:
    """88.00 of 188.00 by a stored-value card: paid 188.00, of it 88.00 own value; real_payment with or without it."""
    cards = {"pay__deduction_pay": 8800, "pay__deduction_real_pay": 10000}
    for real in ("188.00", "100.00", None):
        order = read_good(**cards, pay__real_payment=real)
        assert (order.paid_fen, order.own_value_fen) == (18800, 8800)
    assert isinstance(read(**cards, pay__real_payment="99.99"), Doubtful)
    unused = read_good(pay__deduction_pay=0, pay__deduction_real_pay=18800)
    assert unused.own_value_fen is None
    whole = read_good(pay__deduction_pay=18800, pay__real_payment="0.00")
    assert (whole.paid_fen, whole.own_value_fen) == (18800, 18800)


def test_real_payment_can_be_left_aside() -> None:
    """The setting that does not look at real_payment takes the order as payment states it."""
    assert isinstance(read(pay__real_payment="150.00"), Doubtful)
    assert read_good(attrs.evolve(SETTINGS, real_payment="ignore"), pay__real_payment="150.00").paid_fen == 18800


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, None),
        ({"info__type": "NORMAL"}, None),
        ({"info__type": "KNOWLEDGE_PAY"}, None),
        ({"info__type": 75}, None),
        ({"info__type": 1}, OrderKind.GIFT),
        ({"info__type": "GROUP"}, OrderKind.GROUP),
        ({"info__type": 4}, OrderKind.SAMPLE),
        ({"info__type": 81}, OrderKind.PRICE_DIFF),
        ({"info__type": "FX_CAIGOUDAN"}, OrderKind.PRICE_DIFF),
        ({"info__pay_type": 9}, OrderKind.COD),
        ({"pay__phase_payments": [{"phase": 1}]}, OrderKind.PRESALE),
        ({"info__type": 10, "pay__phase_payments": [{"phase": 1}]}, OrderKind.GROUP),
    ],
)
def test_kinds_come_as_words_or_numbers(changes: dict[str, Any], kind: OrderKind | None) -> None:
    """Gifts, groups, samples, presales and what is no sale of goods have their kind; the rest is normal."""
    assert read_good(**changes).kind is kind


@pytest.mark.parametrize("changes", [{"info__status": "TRADE_REFUND"}, {"info__type": 999}, {"info__refund_state": 3}])
def test_a_word_that_is_not_known_is_held_back(changes: dict[str, Any]) -> None:
    """A status, type or refund state the pages do not name goes to review."""
    doubt = read(**changes)
    assert isinstance(doubt, Doubtful)
    assert (doubt.order_no, doubt.code) == (TID, "UNKNOWN_STATUS")


@pytest.mark.parametrize(
    ("state", "is_open", "refunded_fen"),
    [(0, False, None), (1, True, None), (2, False, None), (11, True, None), (12, False, 18800)],
)
def test_refund_states_of_the_order(state: int, is_open: bool, refunded_fen: int | None) -> None:
    """Cases under way show as open; everything refunded is a figure, a part of it is known by its cases only."""
    order = read_good(info__refund_state=state)
    assert (order.refund_open, order.refunded_fen) == (is_open, refunded_fen)


def test_words_of_the_memo_become_flags() -> None:
    """The seller's memo sets the flags that the settings name, and is not kept; without words none are stated."""
    shop = attrs.evolve(SETTINGS, memo_flags={"刷单": "brushing", "员工": "staff", "内购": "staff"})
    memo = {"full__remark_info": {"trade_memo": "刷单 CANARY", "buyer_message": "员工"}}
    assert read_good(shop, **memo).flags == ("brushing",)
    assert "CANARY" not in repr(read_good(shop, **memo))
    assert read_good(shop).flags == ()
    assert read_good(**memo).flags is None


def test_masked_buyers_and_personal_data_are_nowhere() -> None:
    """A masked id is nobody; names, phones, addresses and notes stand in no order and no payload for review."""
    assert read_good(buyer__yz_open_id="Ln***01").buyer_id is None
    assert read_good(buyer__yz_open_id="").buyer_id is None
    secret = {
        "full__address_info": {"receiver_name": "CANARY"},
        "line0__title": "CANARY",
        "buyer__buyer_phone": "CANARY",
    }
    doubt = read(**secret, pay__payment="1")
    assert isinstance(doubt, Doubtful)
    assert "CANARY" not in repr(read_good(**secret)) + doubt.payload + doubt.detail
    assert json.loads(doubt.payload)["full_order_info"]["pay_info"]["payment"] == "1"


@pytest.mark.parametrize(
    "changes",
    [
        {"full_order_info": ...},
        {"info__tid": ""},
        {"info__status": None},
        {"full__pay_info": ...},
        {"pay__payment": ...},
        {"pay__payment": "1e3"},
        {"pay__payment": "-1.00"},
        {"line0__payment": ...},
        {"line0__oid": ""},
        {"line1__oid": "2900000000000000001"},
        {"line0__num": -1},
        {"info__pay_time": "yesterday"},
        {"info__refund_state": "open"},
        {"order_promotion": [1]},
        {"order_promotion__adjust_fee": "much"},
        {"full__orders": {}},
        {"buyer__yz_open_id": "a\nb"},
    ],
)
def test_an_unreadable_order_is_held_back(changes: dict[str, Any]) -> None:
    """What cannot be read, or is no sound fact, goes to review; the message names the field and not its value."""
    doubt = read(**changes)
    assert isinstance(doubt, Doubtful)
    assert doubt.code == "UNREADABLE"
    assert "yesterday" not in doubt.detail
    assert isinstance(read_row([1], SETTINGS), Doubtful)


def test_the_order_earns_what_was_worked_out() -> None:
    """188.00 with 8.00 postage earns 180 points; 88.00 of it by card leaves 180 × 92/180 → 92."""
    now = datetime(2026, 3, 20, tzinfo=UTC)
    for changes, points in (({}, 180), ({"pay__deduction_pay": 8800, "pay__deduction_real_pay": 10000}, 92)):
        loyalty = Loyalty(
            Program(program_id="a", rewards=[rules.PointsPerYuan("1")]), MemoryStorage(), clock=lambda: now
        )
        loyalty.bind("m1", platform="youzan", buyer_id="LnhGexample0001")
        loyalty.ingest([read_good(**changes)])
        assert loyalty.member("m1").points == points


# -- refunds ----------------------------------------------------------------------------------------------------------


def _refund(*oids: str, **changes: Any) -> Refund:
    (refund,) = read_case(*oids, **changes).items
    assert isinstance(refund, Refund)
    return refund


def test_a_case_is_a_refund_of_its_order() -> None:
    """94.00 back, postage in it; its version is its time; without the sub-orders it belongs to the whole order."""
    assert _refund() == Refund(
        platform="youzan",
        order_no=TID,
        refund_id=CASE,
        status=RefundStatus.SUCCESS,
        amount_fen=9400,
        modified_at=datetime(2026, 3, 4, 4, 53, 20, tzinfo=UTC),  # 1772600000 s
    )


def test_the_first_sub_order_is_not_taken_for_all() -> None:
    """The case's own oid names the first of several: only an order that names exactly one gives it a line."""
    assert _refund(LINES[1]).line_id == LINES[1]
    assert _refund(*LINES).line_id is None
    row = order_row(refund_order=[{"refund_id": CASE, "oids": [2900000000000000002]}, {"refund_id": "2", "oids": None}])
    assert refund_lines(through_json(row, "data")) == {CASE: (LINES[1],), "2": ()}
    inside = order_row(refund_order=..., full__refund_order=[{"refund_id": CASE, "oids": list(LINES)}])
    assert refund_lines(through_json(inside, "data")) == {CASE: LINES}
    assert refund_lines(through_json(order_row(refund_order=7), "data")) == {}


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("WAIT_SELLER_AGREE", RefundStatus.OPEN),
        ("WAIT_BUYER_RETURN_GOODS", RefundStatus.OPEN),
        ("WAIT_SELLER_CONFIRM_GOODS", RefundStatus.OPEN),
        ("SELLER_REFUSE_BUYER", RefundStatus.OPEN),
        ("SELLER_REFUSE_BUYER_RETURN_GOODS", RefundStatus.OPEN),
        ("CLOSED", RefundStatus.CLOSED),
        ("SUCCESS", RefundStatus.SUCCESS),
    ],
)
def test_each_state_of_a_case(word: str, status: RefundStatus) -> None:
    """Only SUCCESS moves money; a refused case waits for the buyer, who may go on, until the platform closes it."""
    assert (_refund(status=word).status, read_case(status=word).doubtful) == (status, ())


def test_an_unknown_state_is_a_doubt_of_that_case() -> None:
    """A word the pages do not name is no refund yet: a person looks at this case, and the order is read as ever."""
    facts = read_case(status="SOMETHING_NEW")
    assert facts.items == ()
    assert [(each.order_no, each.refund_id, each.code) for each in facts.doubtful] == [(TID, CASE, "UNKNOWN_STATUS")]


def test_an_exchange_moves_no_money() -> None:
    """Goods against goods: 0, whatever figure stands there, told by either field."""
    for changes in ({"demand": 3}, {"refund_type": "EXCHANGE_GOODS"}):
        refund = _refund(**changes)
        assert (refund.kind, refund.amount_fen) == (RefundKind.EXCHANGE, 0)


def test_the_time_of_a_case() -> None:
    """modified first; a version that is no time gives way to the time of success; nothing at all is unknown."""
    assert _refund(modified="2026-03-04 12:00:01").modified_at == datetime(2026, 3, 4, 4, 0, 1, tzinfo=UTC)
    assert _refund(version=7).modified_at == datetime(2026, 3, 4, 4, 0, tzinfo=UTC)
    assert _refund(version=7, refund_success_time=...).modified_at is None


@pytest.mark.parametrize(
    "changes",
    [{"tid": ""}, {"status": ...}, {"refund_id": None}, {"refund_fee": ...}, {"refund_fee": "-1"}, {"version": "x"}],
)
def test_an_unreadable_case_is_held_back(changes: dict[str, Any]) -> None:
    """A field that is missing or of the wrong shape sends the case to review."""
    facts = read_case(**changes)
    named = "" if "refund_id" in changes else CASE
    assert (facts.items, [(each.code, each.refund_id) for each in facts.doubtful]) == ((), [("UNREADABLE", named)])


# -- whatever comes ---------------------------------------------------------------------------------------------------

_ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**20) | st.sampled_from(["", "0", "94.00", "订单", "a" * 150]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["tid", "x"]), inner, max_size=2),
    max_leaves=6,
)
_PATHS = st.sampled_from(
    [
        *(
            f"info__{name}"
            for name in ("tid", "status", "type", "pay_time", "update_time", "refund_state", "success_time")
        ),
        *(f"pay__{name}" for name in ("payment", "post_fee", "total_fee", "deduction_pay", "real_payment")),
        *(f"line0__{name}" for name in ("oid", "payment", "num", "is_present", "item_id")),
        *(
            "buyer__yz_open_id",
            "order_promotion",
            "full__orders",
            "full__pay_info",
            "full__buyer_info",
            "full_order_info",
        ),
    ]
)


def _check_fuzzed(changes: dict[str, Any], case: dict[str, Any]) -> None:
    row = through_json(order_row(**changes), "data")
    order = read_order(row, SETTINGS)
    if isinstance(order, Order):
        assert order.paid_fen == sum(line.paid_fen or 0 for line in order.lines or ()) + (order.shipping_fen or 0)
    refund_lines(row)
    read = read_refund(through_json(refund_data() | case, "data"))
    assert isinstance(read, Refund | Doubtful)
    assert not read.refund_id or clean_id(read.refund_id, "refund_id")


_CASES = st.dictionaries(st.sampled_from([*refund_data()]), _ANY, max_size=3)


@given(st.dictionaries(_PATHS, _ANY, max_size=4), _CASES)
@settings(max_examples=100)
def test_any_order_and_case_is_read_or_held_back(changes: dict[str, Any], case: dict[str, Any]) -> None:
    """Whatever an order looks like, it balances or it goes to review; nothing else is ever raised."""
    _check_fuzzed(changes, case)


@pytest.mark.release
@given(st.dictionaries(_PATHS, _ANY, max_size=4), _CASES)
@settings(max_examples=20_000)
def test_any_order_and_case_is_read_or_held_back_for_long(changes: dict[str, Any], case: dict[str, Any]) -> None:
    """The same, for long."""
    _check_fuzzed(changes, case)
