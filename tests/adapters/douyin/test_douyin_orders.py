"""Orders of Douyin: evidence for finished, amounts that balance to the sub-order, kinds, the buyer and its scope."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
from douyin_payloads import LINE_ID, ORDER_NO, SETTINGS, node, order, sku

from crossloyalty.adapters.douyin.orders import needs_refunds, read_order
from crossloyalty.adapters.wire.values import Doubtful
from crossloyalty.domain.orders import Line, LineStatus, Order, OrderKind, OrderStatus, Refund, RefundStatus

FINISHED_AT = datetime.fromtimestamp(1_720_141_964, UTC)


def read(refunds: tuple[Refund, ...] | None = None, **changed: Any) -> Order:
    """Read the changed order, which has to be believed."""
    found = read_order(node(order(**changed)), SETTINGS, refunds=refunds)
    assert isinstance(found, Order), found
    return found


def doubted(**changed: Any) -> Doubtful:
    """Read the changed order, which must not be believed."""
    found = read_order(node(order(**changed)), SETTINGS)
    assert isinstance(found, Doubtful), found
    return found


def lines(found: Order) -> tuple[Line, ...]:
    """Give the lines, which have to be there."""
    assert found.lines is not None
    return found.lines


def test_an_order_is_read_whole() -> None:
    """A finished order paid ¥98.00 less the pay channel's ¥1.00: ¥97.00, as the merchant's export file has it."""
    assert read() == Order(
        platform="douyin",
        order_no=ORDER_NO,
        shop_id="4463798",
        status=OrderStatus.FINISHED,
        kind=OrderKind.NORMAL,
        buyer_id="1@#DEMOaBcD0001==",
        buyer_scope="3409409348479354011/4463798",
        created_at=datetime.fromtimestamp(1_719_799_200, UTC),
        paid_at=datetime.fromtimestamp(1_719_799_230, UTC),
        finished_at=FINISHED_AT,
        modified_at=datetime.fromtimestamp(1_720_141_965, UTC),
        paid_fen=9_700,
        shipping_fen=0,
        subsidy_fen=500,
        refund_open=False,
        lines=(
            Line(
                line_id=LINE_ID,
                paid_fen=9_700,
                status=LineStatus.FINISHED,
                finished_at=FINISHED_AT,
                is_free_gift=False,
                product_id="3500000000000000001",
                category="20071",
                quantity=2,
            ),
        ),
        flags=(),
    )


def test_no_receiver_is_kept() -> None:
    """Nothing of the receiver is in the order or in what goes to review, and neither are payments and words."""
    assert "canary" not in repr(read())
    payload = doubted(pay_amount=1).payload
    assert '"pay_amount":1,' in payload
    for personal in ("canary", "post_tel", "receiver", "DEMO", "示例", "张", "浙江"):
        assert personal not in payload


@pytest.mark.parametrize("buyer_id", ["", None, "1@#DEMO***==", "x" * 129])
def test_what_names_no_one_person_is_no_buyer(buyer_id: str | None) -> None:
    """An absent, masked or overlong buyer string binds nobody and spoils no order."""
    found = read(doudian_open_id=buyer_id)
    assert (found.buyer_id, found.buyer_scope) == (None, None)


def test_the_id_of_the_mini_program_is_not_the_buyer() -> None:
    """`open_id` is another thing and never used."""
    assert read(open_id="mini", doudian_open_id="").buyer_id is None


def test_an_order_of_another_shop_is_not_believed() -> None:
    """A token that shows another shop's orders feeds none of them in."""
    assert doubted(shop_id=1).code == "UNREADABLE"
    assert read(shop_id="4463798").shop_id == "4463798"


# -- statuses ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "status", "line"),
    [
        (1, OrderStatus.UNPAID, LineStatus.UNPAID),
        (105, OrderStatus.PAID, LineStatus.PAID),
        (2, OrderStatus.PAID, LineStatus.PAID),
        (101, OrderStatus.PAID, LineStatus.PAID),
        (3, OrderStatus.SHIPPED, LineStatus.SHIPPED),
        (4, OrderStatus.CLOSED, LineStatus.CLOSED_REFUNDED),
        (5, OrderStatus.FINISHED, LineStatus.FINISHED),
    ],
)
def test_every_status_has_its_meaning(number: int, status: OrderStatus, line: LineStatus) -> None:
    """Order and sub-order statuses are read alike, and only a finished order has a date of finishing."""
    found = read(order_status=number, sku_order_list=[sku(order_status=number)])
    assert (found.status, lines(found)[0].status) == (status, line)
    assert (found.finished_at is None) is (status is not OrderStatus.FINISHED)


@pytest.mark.parametrize(
    ("number", "status"),
    [(103, OrderStatus.UNPAID), (21, OrderStatus.CLOSED), (22, OrderStatus.CLOSED), (39, OrderStatus.CLOSED)],
)
def test_the_main_status_is_read_where_the_other_is_missing(number: int, status: OrderStatus) -> None:
    """Paid in part is unpaid, and refunded at any step is closed."""
    assert read(order_status=None, main_status=number).status is status


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"pay_time": 0}, OrderStatus.SHIPPED),
        ({"finish_time": 0}, OrderStatus.SHIPPED),
        ({"pay_type": 12, "pay_time": 0}, OrderStatus.SHIPPED),
        ({"pay_type": 12}, OrderStatus.FINISHED),
        ({"pay_type": 0, "pay_time": 0}, OrderStatus.SHIPPED),
        ({"pay_type": 0, "sku_order_list": [sku(confirm_receipt_time=0)]}, OrderStatus.SHIPPED),
        ({"pay_type": 0}, OrderStatus.FINISHED),
    ],
)
def test_status_five_needs_evidence(changed: dict[str, Any], status: OrderStatus) -> None:
    """Without a time of payment and of completion, or on delivery without a receipt, 已完成 is not finished."""
    found = read(**changed)
    assert found.status is status
    if status is not OrderStatus.FINISHED:
        assert found.finished_at is None


def test_a_refused_order_on_delivery_grants_nothing() -> None:
    """Refused at the door: status 5, nothing paid, nothing received. Neither order nor line is finished."""
    found = read(pay_type=0, pay_time=0, sku_order_list=[sku(confirm_receipt_time=0)])
    assert (found.status, found.kind) == (OrderStatus.SHIPPED, OrderKind.COD)
    assert (lines(found)[0].status, lines(found)[0].finished_at) == (LineStatus.SHIPPED, None)


def test_an_order_for_nothing_needs_no_payment() -> None:
    """Where nothing was due there is no time of payment."""
    free = dict.fromkeys(
        ("pay_amount", "promotion_pay_amount", "promotion_amount", "promotion_shop_amount", "pay_time"), 0
    )
    free_sku = sku(pay_amount=0, promotion_pay_amount=0, trade_type=5)
    found = read(**free, promotion_platform_amount=0, pay_type=7, sku_order_list=[free_sku])
    assert (found.status, found.paid_fen, found.kind) == (OrderStatus.FINISHED, 0, OrderKind.SAMPLE)


@pytest.mark.parametrize("number", [1, 4])
def test_what_was_never_paid_counts_nothing(number: int) -> None:
    """The amounts of an unpaid or cancelled order without a payment are amounts due."""
    found = read(order_status=number, pay_time=0, sku_order_list=[sku(order_status=number)])
    assert (found.paid_fen, found.subsidy_fen, lines(found)[0].paid_fen) == (0, 0, 0)
    assert lines(found)[0].status in (LineStatus.UNPAID, LineStatus.CLOSED_UNPAID)


def test_a_phase_that_is_not_paid_keeps_a_deposit_order_unpaid() -> None:
    """A deposit order counts as paid when deposit and tail are."""
    for paid, status in ((False, OrderStatus.UNPAID), (True, OrderStatus.FINISHED)):
        phases = [{"phase_pay_amount": 1000, "pay_success": True}, {"phase_pay_amount": 8800, "pay_success": paid}]
        found = read(order_phase_list=phases, sku_order_list=[sku(trade_type=2)])
        assert (found.status, found.kind) == (status, OrderKind.PRESALE)


def test_a_finished_part_counts_before_its_parent() -> None:
    """Two sub-orders, one finished and one shipped: each has its own status, and the parent's is shipped."""
    found = read(
        order_status=3,
        finish_time=0,
        pay_amount=19_600,
        promotion_pay_amount=200,
        sku_order_list=[sku(), sku(order_id="3", order_status=3, finish_time=0)],
    )
    assert found.status is OrderStatus.SHIPPED
    assert [(line.status, line.finished_at) for line in lines(found)] == [
        (LineStatus.FINISHED, FINISHED_AT),
        (LineStatus.SHIPPED, None),
    ]


# -- amounts -------------------------------------------------------------------------------------------------------


def three(**changed: Any) -> list[dict[str, Any]]:
    """Give sub-orders of ¥50.00, ¥30.00 and ¥20.00, of which the pay channel took ¥1.00, ¥0.60 and ¥0.40."""
    return [
        sku(order_id="1", pay_amount=5_000, promotion_pay_amount=100, **changed),
        sku(order_id="2", pay_amount=3_000, promotion_pay_amount=60, **changed),
        sku(order_id="3", pay_amount=2_000, promotion_pay_amount=40, **changed),
    ]


def test_sub_orders_that_include_their_shipping_are_relieved_of_it() -> None:
    """¥100.00 with ¥10.00 shipping inside: ¥98.00 were paid, and ¥88.00 of goods stand 49 : 29.4 : 19.6."""
    found = read(pay_amount=10_000, promotion_pay_amount=200, post_amount=1_000, sku_order_list=three())
    assert (found.paid_fen, found.shipping_fen) == (9_800, 1_000)
    # 1000 × 4900/9800 = 500, 1000 × 2940/9800 = 300, 1000 × 1960/9800 = 200
    assert [line.paid_fen for line in lines(found)] == [4_400, 2_640, 1_760]


def test_a_sub_orders_own_shipping_is_believed_where_all_of_it_fits() -> None:
    """With ¥6.00, ¥4.00 and ¥0.00 stated on the sub-orders these are taken off, not shares."""
    parts = three()
    parts[0]["post_amount"], parts[1]["post_amount"], parts[2]["post_amount"] = 600, 400, 0
    found = read(pay_amount=10_000, promotion_pay_amount=200, post_amount=1_000, sku_order_list=parts)
    assert [line.paid_fen for line in lines(found)] == [4_300, 2_540, 1_960]


def test_sub_orders_without_their_shipping_are_left_alone() -> None:
    """¥110.00 over sub-orders of ¥100.00 and ¥10.00 shipping: the sub-orders are goods alone."""
    found = read(pay_amount=11_000, promotion_pay_amount=200, post_amount=1_000, sku_order_list=three())
    assert (found.paid_fen, found.shipping_fen) == (10_800, 1_000)
    assert [line.paid_fen for line in lines(found)] == [4_900, 2_940, 1_960]


def test_taxes_and_packing_are_no_goods() -> None:
    """¥3.00 of taxes and ¥2.00 of packing are paid, and reward nothing."""
    found = read(
        pay_amount=10_500, promotion_pay_amount=200, tax_amount=300, packing_amount=200, sku_order_list=three()
    )
    assert (found.paid_fen, found.shipping_fen) == (10_300, 500)


def test_the_pay_channels_discount_is_shared_where_no_part_is_stated() -> None:
    """¥1.00 off ¥50.00, ¥30.00 and ¥20.00 is ¥0.50, ¥0.30 and ¥0.20."""
    parts = [{**each, "promotion_pay_amount": None} for each in three()]
    found = read(pay_amount=10_000, promotion_pay_amount=100, sku_order_list=parts)
    assert [line.paid_fen for line in lines(found)] == [4_950, 2_970, 1_980]


@pytest.mark.parametrize(
    ("changed", "subsidy"),
    [
        ({}, 500),
        ({"only_platform_cost_amount": None}, 500),
        ({"only_platform_cost_amount": None, "author_cost_amount": None}, 100),
        ({"only_platform_cost_amount": None, "platform_cost_amount": None, "author_cost_amount": None}, 100),
    ],
)
def test_the_subsidy_is_what_platform_and_pay_channel_gave(changed: dict[str, Any], subsidy: int) -> None:
    """¥4.00 of the platform alone (¥4.50 less the creator's ¥0.50) and ¥1.00 of the pay channel."""
    assert read(**changed).subsidy_fen == subsidy


@pytest.mark.parametrize(
    "changed",
    [
        {"pay_amount": 9_801},
        {"pay_amount": 9_799},
        {"promotion_pay_amount": 99},
        {"promotion_pay_amount": 9_801},
        {"promotion_shop_amount": 1_499},
        {"post_origin_amount": 1, "post_promotion_amount": 0},
        {"total_promotion_amount": 1, "post_promotion_amount": 0},
        {"platform_cost_amount": 451},
        {"sku_order_list": [sku(pay_amount=9_801)]},
        {"sku_order_list": [sku(), sku(order_id="3", pay_amount=1)]},
        {"sku_order_list": [sku(pay_amount=50), sku(order_id="3", pay_amount=9_750, promotion_pay_amount=0)]},
        {"sku_order_list": []},
    ],
)
def test_figures_that_do_not_agree_are_not_believed(changed: dict[str, Any]) -> None:
    """One fen more or less anywhere in the formulas is AMOUNT_MISMATCH, and no order."""
    found = doubted(**changed)
    assert (found.code, found.order_no) == ("AMOUNT_MISMATCH", ORDER_NO)


@pytest.mark.parametrize(
    "changed",
    [
        {"promotion_amount": None, "total_promotion_amount": 2_000, "post_promotion_amount": "abc"},
        {"promotion_shop_amount": None, "promotion_talent_amount": -1},
        {"post_origin_amount": 1, "post_amount": None, "post_promotion_amount": []},
    ],
)
def test_a_broken_part_of_a_sum_is_not_believed_where_another_is_absent(changed: dict[str, Any]) -> None:
    """What of a sum is stated has to be an amount, though without the absent part nothing can be added up."""
    assert doubted(**changed).code == "UNREADABLE"


def test_a_sum_of_which_a_part_is_absent_is_not_added_up() -> None:
    """¥20.00 of discounts of which the shop's own are not stated: the order is believed."""
    assert read(promotion_shop_amount=None).paid_fen == 9_700


def test_a_closed_order_closes_whatever_its_figures() -> None:
    """A cancelled order whose amounts do not agree closes all the same, and states none."""
    found = read(order_status=4, pay_amount=1)
    assert (found.status, found.paid_fen, found.lines) == (OrderStatus.CLOSED, None, None)


# -- after-sale cases ----------------------------------------------------------------------------------------------


def with_case(status: int, refund_status: int, case_type: int = 0, **changed: Any) -> dict[str, Any]:
    """Give the order whose sub-order shows a case."""
    info = {"after_sale_status": status, "refund_status": refund_status, "after_sale_type": case_type}
    return {"sku_order_list": [sku(after_sale_info=info, **changed)]}


@pytest.mark.parametrize(
    ("status", "refund_status", "is_open"),
    [
        *((number, 1, True) for number in (6, 7, 11, 12, 27, 29)),
        (12, 4, True),
        *((number, 1, False) for number in (28, 51, 53)),
        (14, 0, False),
        (0, 0, False),
    ],
)
def test_an_open_case_shows(status: int, refund_status: int, is_open: bool) -> None:
    """A case on its way or agreed but unpaid is open; one that was withdrawn stays at 28 and 1 and is not."""
    assert read(**with_case(status, refund_status)).refund_open is is_open


def test_money_that_went_back_holds_the_order_until_it_is_known_how_much() -> None:
    """A sub-order shows a refund: without its amount the order is held, with it the order goes on."""
    changed = with_case(12, 3)
    assert needs_refunds(node(order(**changed)))
    assert not needs_refunds(node(order()))
    assert read(**changed).refund_open is True
    for line_id in (LINE_ID, None):
        known = Refund(
            platform="douyin",
            order_no=ORDER_NO,
            refund_id="9",
            status=RefundStatus.SUCCESS,
            amount_fen=100,
            line_id=line_id,
        )
        assert read(refunds=(known,), **changed).refund_open is False
        assert read(refunds=(attrs.evolve(known, line_id="other"),), **changed).refund_open is True
        assert read(refunds=(attrs.evolve(known, status=RefundStatus.CLOSED),), **changed).refund_open is True


def test_a_closed_part_needs_no_amount() -> None:
    """A cancelled sub-order among living ones is over, and holds nothing."""
    parts = [
        sku(),
        sku(order_id="3", order_status=4, after_sale_info={"after_sale_status": 51, "refund_status": 3}),
    ]
    found = read(pay_amount=19_600, promotion_pay_amount=200, sku_order_list=parts)
    assert (found.status, found.refund_open) == (OrderStatus.FINISHED, False)
    assert lines(found)[1].status is LineStatus.CLOSED_REFUNDED


# -- kinds, flags, forms -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (0, OrderKind.NORMAL),
        (1, OrderKind.GROUP),
        (2, OrderKind.PRESALE),
        (5, OrderKind.SAMPLE),
        (10, OrderKind.SAMPLE),
        (11, OrderKind.LOTTERY),
        (12, OrderKind.SAMPLE),
        (18, OrderKind.NORMAL),
        (102, OrderKind.GIFT),
        (103, OrderKind.PRICE_DIFF),
    ],
)
def test_kinds_are_told_by_the_sub_orders(number: int, kind: OrderKind) -> None:
    """The sub-orders' type decides, the shop order's only where they state none."""
    assert read(sku_order_list=[sku(trade_type=number)]).kind is kind
    assert read(trade_type=number, sku_order_list=[sku(trade_type=None)]).kind is kind


def test_paid_on_delivery_is_a_kind_of_its_own() -> None:
    """Payment on delivery names the kind, unless the order is a sample or a lottery prize."""
    assert read(pay_type=0).kind is OrderKind.COD
    assert read(pay_type=0, sku_order_list=[sku(trade_type=11)]).kind is OrderKind.LOTTERY


def test_a_gift_line_stays_and_earns_nothing() -> None:
    """A free article is a line of its own, marked, and does not make its order one of another kind."""
    gift = sku(order_id="3", pay_amount=0, promotion_pay_amount=0, given_product_type="FREE", trade_type=102)
    found = read(sku_order_list=[sku(), gift])
    assert found.kind is OrderKind.NORMAL
    assert [(line.is_free_gift, line.paid_fen) for line in lines(found)] == [(False, 9_700), (True, 0)]


def test_the_memo_becomes_flags() -> None:
    """Words of the merchant's memo set flags; the memo itself is not kept."""
    settings = attrs.evolve(SETTINGS, memo_flags={"刷单": "brushing"})
    found = read_order(node(order(seller_words="刷单 canary")), settings)
    assert isinstance(found, Order)
    assert found.flags == ("brushing",)
    assert "canary" not in repr(found)


@pytest.mark.parametrize(
    "changed",
    [
        {"order_status": 6},
        {"sku_order_list": [sku(order_status=6)]},
        {"sku_order_list": [sku(trade_type=6)]},
        {"sku_order_list": [sku(trade_type=999)]},
        with_case(99, 1),
        with_case(12, 9),
        with_case(12, 1, 9),
    ],
)
def test_unknown_statuses_are_not_guessed(changed: dict[str, Any]) -> None:
    """A number that stands in no table goes to review."""
    assert doubted(**changed).code == "UNKNOWN_STATUS"


def test_a_type_can_be_called_normal() -> None:
    """The settings take a type into the usual kind."""
    settings = attrs.evolve(SETTINGS, normal_trade_types={0, 7})
    found = read_order(node(order(sku_order_list=[sku(trade_type=7)])), settings)
    assert isinstance(found, Order)
    assert found.kind is OrderKind.NORMAL


@pytest.mark.parametrize(
    "changed",
    [
        {"pay_amount": None},
        {"pay_amount": "97.00"},
        {"pay_amount": -1},
        {"order_id": ""},
        {"order_id": "a\x00"},
        {"pay_time": "2024-07-01 10:00:00"},
        {"sku_order_list": [1]},
        {"sku_order_list": [sku(order_id=None)]},
        {"sku_order_list": [sku(pay_amount=None)]},
        {"sku_order_list": [sku(after_sale_info=5)]},
        {"order_status": None, "main_status": None},
    ],
)
def test_what_cannot_be_read_is_named(changed: dict[str, Any]) -> None:
    """A field of the wrong shape goes to review and is not guessed."""
    assert doubted(**changed).code == "UNREADABLE"
