"""A Xiaohongshu order becomes ours with amounts that balance, or it is held back with the reason."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from xiaohongshu_payloads import BUYER, ORDER_NO, SELLER, SKU, order, settings, sku

from crossloyalty.adapters.wire.values import Doubtful
from crossloyalty.adapters.xiaohongshu.orders import has_after_sale, order_no_of, read_order
from crossloyalty.domain.effective import effective_order
from crossloyalty.domain.facts import load_facts, merge_order
from crossloyalty.domain.keys import Platforms
from crossloyalty.domain.orders import Order, OrderKind, OrderStatus

OTHER = "600000000000000000000002"


def read(raw: Any, **changes: Any) -> Order:
    made = read_order(raw, settings(**changes))
    assert isinstance(made, Order), made
    return made


def doubt(raw: Any, **changes: Any) -> Doubtful:
    made = read_order(raw, settings(**changes))
    assert isinstance(made, Doubtful), made
    return made


def net_of(made: Order) -> int:
    facts = load_facts("")
    merge_order(facts, made)
    effective = effective_order(facts)
    assert effective is not None
    assert effective.balanced
    return sum(line.net_fen for line in effective.lines)


def test_the_page_s_sample_is_read_whole() -> None:
    """118.00 − 15.00 of the merchant − 5.00 of the platform = 98.00 paid by the buyer."""
    made = read(order())
    assert made.order_no == ORDER_NO
    assert (made.status, made.kind) == (OrderStatus.FINISHED, OrderKind.NORMAL)
    assert (made.paid_fen, made.shipping_fen, made.subsidy_fen) == (9800, 0, 500)
    assert (made.shop_id, made.buyer_id, made.buyer_scope) == (SELLER, BUYER, SELLER)
    assert made.finished_at == datetime(2024, 7, 5, 1, 12, 44, tzinfo=UTC)
    assert made.modified_at == datetime(2024, 7, 5, 1, 12, 45, tzinfo=UTC)
    assert made.lines is not None
    (line,) = made.lines
    assert (line.line_id, line.paid_fen, line.quantity) == (f"sku:{SKU}", 9800, 2)
    assert line.product_id == "600000000000000000000010"
    assert net_of(made) == 9800


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (2, OrderStatus.PAID),
        (3, OrderStatus.PAID),
        (4, OrderStatus.PAID),
        (5, OrderStatus.PAID),
        (6, OrderStatus.SHIPPED),
        (7, OrderStatus.FINISHED),
        (8, OrderStatus.CLOSED),
        (9, OrderStatus.CLOSED),
    ],
)
def test_every_status_is_known(code: int, status: OrderStatus) -> None:
    """Customs and partly shipped are paid; closed and cancelled are closed."""
    made = read(order(orderStatus=code))
    assert (made.status, made.finished_at is not None) == (status, status is OrderStatus.FINISHED)


def test_what_was_never_paid_has_no_amounts() -> None:
    """An amount due is no amount paid, before payment and after a cancellation without one."""
    for code in (1, 9):
        made = read(order(orderStatus=code, paidTime=0))
        assert made.lines is not None
        assert (made.paid_fen, made.lines[0].paid_fen) == (None, None)


@pytest.mark.parametrize("changes", [{"orderStatus": 0}, {"orderStatus": 11}, {"orderType": 6}, {"orderType": 0}])
def test_an_unknown_status_or_type_is_held_back(changes: dict[str, int]) -> None:
    """A word the page does not have is no reason to guess."""
    made = doubt(order(**changes))
    assert (made.code, made.order_no) == ("UNKNOWN_STATUS", ORDER_NO)


def test_an_order_being_cancelled_is_not_finished() -> None:
    """Completed means status 7 and no cancellation under way."""
    assert read(order(cancelStatus=1)).status is OrderStatus.SIGNED
    assert read(order(cancelStatus=None)).status is OrderStatus.FINISHED


def test_an_exchange_asked_for_leaves_a_completion_as_it_is() -> None:
    """Status 10 after a completion is still completed, before one it is on its way (D31)."""
    assert read(order(orderStatus=10)).status is OrderStatus.FINISHED
    assert read(order(orderStatus=10, finishTime=0)).status is OrderStatus.SHIPPED


@pytest.mark.parametrize(
    "wrong",
    [
        {"totalPayAmount": 9801},
        {"totalPayAmount": 9799},
        {"totalShippingFree": 1},
        {"merchantActualReceiveAmount": 10301},
        {"totalRedDiscount": 0},
        {"skuList": []},
        {"skuList": [sku(totalPaidAmount=4900)]},
        {"skuList": [sku(), sku(skuId=OTHER, totalPaidAmount=1)]},
    ],
)
def test_figures_that_do_not_agree_are_held_back(wrong: dict[str, Any]) -> None:
    """One fen between the lines and the order, or between buyer's and merchant's figures: review."""
    made = doubt(order(**wrong))
    assert (made.code, made.order_no) == ("AMOUNT_MISMATCH", ORDER_NO)


def test_freight_is_part_of_what_was_paid() -> None:
    """98.00 with 8.00 freight are 90.00 of goods."""
    made = read(order(totalShippingFree=800, skuList=[sku(totalPaidAmount=9000)]))
    assert (made.paid_fen, made.shipping_fen, net_of(made)) == (9800, 800, 9000)


def test_a_product_in_two_rows_is_one_line() -> None:
    """100.00 for 3 pieces stand as 2 × 33.33 and 1 × 33.34: one line of 3, to which refunds by `skuId` belong."""
    rows = [sku(totalPaidAmount=6666, skuQuantity=2), sku(totalPaidAmount=3334, skuQuantity=1)]
    made = read(order(totalPayAmount=10000, merchantActualReceiveAmount=10500, skuList=rows))
    assert made.lines is not None
    assert [(line.line_id, line.paid_fen, line.quantity) for line in made.lines] == [(f"sku:{SKU}", 10000, 3)]


def test_a_line_s_name_is_no_order_number() -> None:
    """A product stands in many orders, so its line must never lead to one of them."""
    assert not Platforms().matches("xiaohongshu", f"sku:{SKU}".upper())


def test_gifts_earn_nothing_and_stand_apart() -> None:
    """A gift of the very product that was bought is a line of its own (D10)."""
    made = read(order(skuList=[sku(), sku(skuTag=1, totalPaidAmount=0, skuQuantity=1)]))
    assert made.lines is not None
    assert [(line.line_id, line.is_free_gift) for line in made.lines] == [
        (f"sku:{SKU}", False),
        (f"sku:{SKU}:gift", True),
    ]
    assert net_of(made) == 9800


@pytest.mark.parametrize(("paid_rows", "is_good"), [(9800, True), (7800, True), (7801, False)])
def test_a_deposit_has_to_be_accounted_for(paid_rows: int, is_good: bool) -> None:
    """98.00 with 2 × 10.00 deposit: the line holds 98.00 or the 78.00 beside it, and nothing else (D30)."""
    detail = [{"skuId": SKU, "quantity": 2, "depositAmountPerSku": 1000}]
    row = sku(totalPaidAmount=paid_rows, skuDetailList=detail)
    made = read_order(order(orderType=2, totalDepositAmount=2000, skuList=[row]), settings())
    assert isinstance(made, Order) is is_good
    if isinstance(made, Order):
        assert (made.kind, made.paid_fen, net_of(made)) == (OrderKind.PRESALE, 9800, 9800)


def test_a_pay_channel_s_discount_is_taken_off_when_told_so() -> None:
    """98.00 − 3.00 = 95.00, shared out over the lines; as text or as a number, and never by default."""
    rows = [sku(totalPaidAmount=4900), sku(skuId=OTHER, totalPaidAmount=4900)]
    for amount in ("300", 300):
        raw = order(outPromotionAmount=amount, skuList=rows)
        assert read(raw).paid_fen == 9800
        made = read(raw, subtract_pay_discount=True)
        assert made.lines is not None
        assert (made.paid_fen, made.subsidy_fen) == (9500, 800)
        assert [line.paid_fen for line in made.lines] == [4750, 4750]
    too_much = order(outPromotionAmount=9801)
    assert doubt(too_much, subtract_pay_discount=True).code == "AMOUNT_MISMATCH"


def test_what_is_sent_again_for_an_exchange_earns_nothing() -> None:
    """The first order has earned already (D31)."""
    made = read(order(orderType=5, originalOrderId="P700000000000000000", totalPayAmount=1))
    assert (made.paid_fen, made.flags, net_of(made)) == (0, ("exchange_resend",), 0)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"orderType": 2}, OrderKind.PRESALE),
        ({"orderType": 3}, OrderKind.PRESALE),
        ({"orderType": 4}, OrderKind.PRESALE),
        ({"orderTagList": ["MODIFIED_PRICE", "SAMPLE"]}, OrderKind.SAMPLE),
        ({"orderTagList": ["MODIFIED_PRICE"]}, OrderKind.NORMAL),
        ({"orderTagList": None}, OrderKind.NORMAL),
        ({"orderType": None}, OrderKind.NORMAL),
    ],
)
def test_presales_and_samples_are_kinds_of_their_own(changes: dict[str, Any], kind: OrderKind) -> None:
    """They earn nothing unless the program says so."""
    assert read(order(**changes)).kind is kind


def test_a_closed_order_is_believed_whatever_its_figures() -> None:
    """What matters of a closed order is that it is closed: reviews must not keep points of it alive."""
    made = read(order(orderStatus=8, totalPayAmount=1))
    assert (made.status, made.paid_fen) == (OrderStatus.CLOSED, None)


def test_words_of_the_merchant_s_remark_become_flags() -> None:
    """Brushing is kept out by what the merchant wrote; the remark itself is not kept (D51)."""
    raw = order(sellerRemark="刷单 13800138000")
    made = read(raw, memo_flags={"刷单": "brushing", "内购": "staff"})
    assert made.flags == ("brushing",)
    assert "138" not in repr(made)
    assert read(raw).flags is None
    assert read(order(sellerRemark=7), memo_flags={"刷单": "brushing"}).flags is None


@pytest.mark.parametrize("buyer", ["小***薯", "#index#cipher#2##", "", None])
def test_masked_texts_and_cipher_texts_are_no_buyer(buyer: str | None) -> None:
    """Only a user id names a buyer."""
    assert read(order(userId=buyer)).buyer_id is None


def test_the_undocumented_buyer_id_has_to_be_asked_for() -> None:
    """`xhsOpenId` counts only where the host says that its app gets one."""
    raw = order(xhsOpenId="open-1")
    assert (read(raw).buyer_id, read(raw, buyer_id="xhsOpenId").buyer_id) == (BUYER, "open-1")


def test_times_that_are_not_stated_are_none() -> None:
    """0 and null are no moment in 1970; a completion without its time counts from the last change."""
    made = read(order(finishTime=None, createdTime=0))
    assert made.created_at is None
    assert made.finished_at == datetime(2024, 7, 5, 1, 12, 45, tzinfo=UTC)


@pytest.mark.parametrize(
    "raw",
    [
        None,
        [],
        "13800138000",
        {},
        order(orderId=None),
        order(orderId="P 7"),
        order(orderStatus="7x"),
        order(totalPayAmount=-1),
        order(totalPayAmount="98.00"),
        order(skuList={}),
        order(skuList=[7]),
        order(skuList=[sku(skuId=None)]),
        order(skuList=[sku(skuQuantity=1_000_001)]),
        order(userId="x" * 129),
        order(createdTime=1),
    ],
)
def test_what_cannot_be_read_is_held_back_alone(raw: Any) -> None:
    """One bad order never spoils its page, and no personal value stands in what is kept."""
    made = doubt(raw)
    assert made.code == "UNREADABLE"
    for personal in ("浙江省", "138", "0a1b2c3d", BUYER, "4200000000202407010000000001"):
        assert personal not in made.payload + made.detail


def test_a_row_says_whether_to_ask_for_its_cases() -> None:
    """An order that never had one is not asked about; one that cannot be read is."""
    assert [has_after_sale(order(orderAfterSalesStatus=code)) for code in (1, 2, 3, 7)] == [False, True, True, True]
    assert has_after_sale(None)
    assert (order_no_of(order()), order_no_of(None)) == (ORDER_NO, "")
