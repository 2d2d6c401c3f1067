"""A Kuaishou order becomes ours with amounts that balance, or it is held back with the reason."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from kuaishou_payloads import BUYER, OID, SELLER, fee, order, settings

from crossloyalty.adapters.kuaishou.orders import order_no_of, read_order, refund_ids_of, wants_fee
from crossloyalty.adapters.wire.values import Doubtful
from crossloyalty.domain.effective import effective_order
from crossloyalty.domain.facts import load_facts, merge_order
from crossloyalty.domain.orders import LineStatus, Order, OrderKind, OrderStatus

GIFT = {"oid": 2400000000000002, "subOrderType": 2}


def read(raw: Any, fees: Any = None, **changes: Any) -> Order:
    made = read_order(raw, fees, settings(**changes))
    assert isinstance(made, Order), made
    return made


def doubt(raw: Any, fees: Any = None, **changes: Any) -> Doubtful:
    made = read_order(raw, fees, settings(**changes))
    assert isinstance(made, Doubtful), made
    return made


def test_the_page_s_sample_is_read_whole() -> None:
    """2 × 59.00 − 15.00 of the merchant − 5.00 of the platform = 98.00 paid by the buyer, finished on receipt."""
    made = read(order(), fee())
    assert made.order_no == str(OID)
    assert (made.status, made.kind) == (OrderStatus.FINISHED, OrderKind.NORMAL)
    assert (made.paid_fen, made.shipping_fen, made.subsidy_fen) == (9800, 0, 500)
    assert (made.shop_id, made.buyer_id, made.buyer_scope) == (SELLER, BUYER, "ks600000000000000001")
    assert made.finished_at == datetime(2024, 7, 5, 1, 12, 44, tzinfo=UTC)
    assert made.modified_at == datetime(2024, 7, 5, 1, 12, 45, tzinfo=UTC)
    assert made.lines is not None
    (line,) = made.lines
    assert (line.line_id, line.paid_fen, line.quantity, line.product_id) == (str(OID), 9800, 2, "2200000001")
    assert line.status is LineStatus.FINISHED
    assert made.flags is None


@pytest.mark.parametrize(
    ("code", "status", "line"),
    [
        (30, OrderStatus.PAID, LineStatus.PAID),
        (40, OrderStatus.SHIPPED, LineStatus.SHIPPED),
        (50, OrderStatus.SIGNED, LineStatus.SIGNED),
        (70, OrderStatus.FINISHED, LineStatus.FINISHED),
        (80, OrderStatus.CLOSED, LineStatus.CLOSED_REFUNDED),
    ],
)
def test_every_paid_status_is_known(code: int, status: OrderStatus, line: LineStatus) -> None:
    """Signed (50) is not finished (70); a paid order that is closed was refunded."""
    made = read(order(status=code), fee())
    assert made.lines is not None
    assert (made.status, made.lines[0].status) == (status, line)
    assert (made.finished_at is not None) == (status is OrderStatus.FINISHED)


@pytest.mark.parametrize(("code", "status"), [(10, OrderStatus.UNPAID), (80, OrderStatus.CLOSED)])
def test_what_was_never_paid_has_no_amounts(code: int, status: OrderStatus) -> None:
    """An amount due is no amount paid, and nobody asks for its fees."""
    raw = order(status=code, payTime=0)
    made = read(raw)
    assert (made.status, made.paid_fen, made.paid_at) == (status, None, None)
    assert not wants_fee(raw)
    assert wants_fee(order())


@pytest.mark.parametrize("code", [0, 20, 60, 71, -1])
def test_an_unknown_status_is_held_back(code: int) -> None:
    """A word the page does not have is no reason to guess."""
    made = doubt(order(status=code), fee())
    assert (made.code, made.order_no, made.detail) == ("UNKNOWN_STATUS", str(OID), f"order status {code}")


def test_freight_is_part_of_what_was_paid() -> None:
    """93.00 of goods and 10.00 freight − 5.00 of the platform = 98.00, of which 88.00 for goods."""
    made = read(order(expressFee=1000), fee(totalFee=9300, expressFee=1000))
    assert made.lines is not None
    assert (made.paid_fen, made.shipping_fen, made.lines[0].paid_fen) == (9800, 1000, 8800)


@pytest.mark.parametrize(
    "wrong",
    [
        {"buyerPay": 9801},
        {"buyerPay": 10300},
        {"sellerRecv": 10299},
        {"platformBearAmount": 0},
        {"totalFee": 11800},
        {"oid": OID + 1},
        {"expressFee": 500},
        {"totalFee": 300, "sellerRecv": 10300, "expressFee": 10000},
    ],
)
def test_figures_that_do_not_agree_are_held_back(wrong: dict[str, int]) -> None:
    """One fen between the buyer's and the merchant's figures, another order's fees, freight above the whole: review."""
    made = doubt(order(), fee(**wrong))
    assert (made.code, made.order_no) == ("AMOUNT_MISMATCH", str(OID))


def test_a_red_packet_of_the_anchor_may_stand_between_the_figures() -> None:
    """103.00 − 5.00 of the platform − 3.00 of the anchor = 95.00; a gap the bearers do not explain stays one."""
    bears = [{"bearInfoList": [{"bearer": 1, "bearAmount": 1500}, {"bearer": 3, "bearAmount": 300}]}]
    made = read(order(), fee(buyerPay=9500, marketingInfoOuters=bears))
    assert (made.paid_fen, made.subsidy_fen) == (9500, 800)
    assert doubt(order(), fee(buyerPay=9501, marketingInfoOuters=bears)).code == "AMOUNT_MISMATCH"


@pytest.mark.parametrize("name", ["payChannelDiscount", "governmentDiscount", "tradeInPayAfterPromoAmount"])
def test_a_discount_nobody_describes_is_reviewed_unless_told_otherwise(name: str) -> None:
    """It may still be inside `buyerPay`; the setting says that it is not."""
    assert doubt(order(**{name: 100}), fee()).code == "AMOUNT_MISMATCH"
    assert read(order(**{name: 100}), fee(), extra_discounts="included").paid_fen == 9800
    assert read(order(**{name: 0}), fee()).paid_fen == 9800


def test_amounts_may_be_reckoned_without_the_fee_detail() -> None:
    """2 × 59.00 − 20.00 + 6.00 freight = 104.00, and the order says that this is approximate."""
    made = read(order(expressFee=600), None, amounts="approximate")
    assert (made.paid_fen, made.shipping_fen, made.flags) == (10400, 600, ("amount_approximate",))
    too_much = order(item={"discountFee": 11801})
    assert doubt(too_much, None, amounts="approximate").code == "AMOUNT_MISMATCH"


def test_without_fees_an_order_states_no_amount() -> None:
    """An order read before its fees are known overwrites no amount and earns nothing."""
    made = read(order())
    assert made.lines is not None
    assert (made.paid_fen, made.lines[0].paid_fen, made.flags) == (None, None, None)


def test_a_closed_order_is_believed_whatever_its_figures() -> None:
    """What matters of a closed order is that it is closed: reviews must not keep points of it alive."""
    made = read(order(status=80), fee(buyerPay=1))
    assert (made.status, made.paid_fen) == (OrderStatus.CLOSED, None)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"allActivityType": [2]}, OrderKind.LOTTERY),
        ({"allActivityType": [0, 5]}, OrderKind.LOTTERY),
        ({"allActivityType": [6]}, OrderKind.PRESALE),
        ({"preSale": 1}, OrderKind.PRESALE),
        ({"allActivityType": None}, OrderKind.NORMAL),
        ({"allActivityType": "x"}, OrderKind.NORMAL),
    ],
)
def test_lotteries_and_presales_are_kinds_of_their_own(changes: dict[str, Any], kind: OrderKind) -> None:
    """Free lotteries, lucky bags and deposits earn nothing unless the program says so."""
    assert read(order(**changes), fee()).kind is kind


@pytest.mark.parametrize("shape", ["list", "object"])
def test_deposit_and_rest_make_the_whole(shape: str) -> None:
    """20.00 deposit + 78.00 rest = 98.00; a payment that is missing is noticed (D30)."""
    for rest, is_good in ((7800, True), (7799, False)):
        steps: Any = [{"status": 30, "paymentFee": 2000}, {"status": 30, "paymentFee": rest}, {"status": 10}]
        raw = order(allActivityType=[6], steps=steps if shape == "list" else {"stepList": steps})
        made = read_order(raw, fee(), settings())
        assert isinstance(made, Order) is is_good


def test_a_forfeited_deposit_earns_nothing() -> None:
    """The rest was never paid, so the order failed; nothing of it counts (D30)."""
    made = read(order(status=80, allActivityType=[6], steps=[{"status": 30, "paymentFee": 2000}]), fee())
    assert (made.status, made.kind, made.paid_fen) == (OrderStatus.CLOSED, OrderKind.PRESALE, None)


def test_a_gift_is_a_line_of_its_own_that_earns_nothing() -> None:
    """A gift's number leads to its order, and the amounts still balance (D10)."""
    made = read(order(gifts=[GIFT, {"oid": 2400000000000003, "subOrderType": 1}]), fee())
    assert made.lines is not None
    assert [(line.line_id, line.paid_fen, line.is_free_gift) for line in made.lines] == [
        (str(OID), 9800, None),
        ("2400000000000002", 0, True),
    ]
    facts = load_facts("")
    merge_order(facts, made)
    effective = effective_order(facts)
    assert effective is not None
    assert (effective.balanced, sum(line.net_fen for line in effective.lines)) == (True, 9800)


@pytest.mark.parametrize("buyer", ["快***户", "#x1#y1#1#", "$x2$y2$1$", "~x3~y3~1~", "", None])
def test_masked_texts_and_cipher_texts_are_no_buyer(buyer: str | None) -> None:
    """Only an open id names a buyer."""
    assert read(order(buyerOpenId=buyer), fee()).buyer_id is None


def test_apps_of_one_developer_share_buyers() -> None:
    """The scope of a buyer id is the developer entity where the host names it."""
    assert read(order(), fee(), developer="brand-a").buyer_scope == "brand-a"


def test_words_of_the_merchant_s_note_become_flags() -> None:
    """Brushing is kept out by what the merchant wrote; the note itself is not kept (D51)."""
    raw = order() | {"orderNote": {"orderNoteInfo": [{"note": "刷单 老王 13800138000", "flagTag": 1}]}}
    words = {"刷单": "brushing", "内购": "staff"}
    made = read(raw, fee(), memo_flags=words)
    assert made.flags == ("brushing",)
    assert "138" not in repr(made)
    assert read(raw, fee()).flags is None
    assert read(raw, None, memo_flags=words, amounts="approximate").flags == ("amount_approximate", "brushing")


def test_another_shop_s_order_is_held_back() -> None:
    """An order that names another seller than the one authorised is not counted for this shop."""
    assert doubt(order(sellerOpenId="f188x"), fee()).code == "UNREADABLE"
    assert read(order(sellerOpenId="f188x"), fee(), check_seller=False).shop_id == SELLER
    assert read(order(sellerOpenId=None), fee()).shop_id == SELLER


@pytest.mark.parametrize(
    "raw",
    [
        None,
        [],
        "13800138000",
        {},
        {"orderBaseInfo": []},
        order(oid=None),
        order(oid="24000000000000O1"),
        order(oid=True),
        order(status="70x"),
        order(payTime=0),
        order(payTime=-1),
        order(item={"num": "two"}),
        order(buyerOpenId="x" * 129),
        order(createTime=1),
    ],
)
def test_what_cannot_be_read_is_held_back_alone(raw: Any) -> None:
    """One bad order never spoils its page, and no personal value stands in what is kept."""
    made = doubt(raw, fee())
    assert made.code == "UNREADABLE"
    for personal in ("张*", "138", "快***户", "浙江省"):
        assert personal not in made.payload + made.detail


def test_what_is_kept_for_review_has_figures_and_no_people() -> None:
    """Staff see both sides of a mismatch, without nick names, addresses and buyer ids."""
    made = doubt(order(), fee(buyerPay=1))
    assert '"buyerPay":1' in made.payload
    assert '"discountFee":2000' in made.payload
    for personal in ("张*", "138", "快***户", "浙江省", BUYER, "示例小店"):
        assert personal not in made.payload


def test_numbers_of_order_and_refunds_are_read_without_the_rest() -> None:
    """A page's rows name what to fetch even where the order itself cannot be read."""
    raw = order(status=99, refunds=[{"refundId": 2418000000000001, "refundStatus": 60}])
    assert (order_no_of(raw), refund_ids_of(raw)) == (str(OID), ("2418000000000001",))
    assert (order_no_of(7), refund_ids_of({"orderRefundList": [7]}), wants_fee([])) == ("", (), False)


def test_without_receipt_the_last_change_is_when_it_finished() -> None:
    """A finished order without `recvTime` counts from its last change, never from 1970."""
    assert read(order(recvTime=0), fee()).finished_at == datetime(2024, 7, 5, 1, 12, 45, tzinfo=UTC)
