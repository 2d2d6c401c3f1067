"""Pinduoduo order exports."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from export_files import codes, only_order, read
from platform_files import PDD_NUMBER, text_file

from crossloyalty.domain.orders import Line, Order, OrderKind, OrderStatus, SourceKind

NAME = "0123456789abcdef0123456789abcdeforders_export2026-11-20-09-30-00.csv"
EXPORTED = datetime(2026, 11, 20, 1, 30, tzinfo=UTC)
SIGNED = datetime(2026, 10, 5, 3, 12, 13, tzinfo=UTC)


def _one(**cells: str) -> Order:
    return only_order(text_file("pinduoduo-orders", cells), file_name=NAME)


def _moved(column: str, text: str) -> Order:
    return _one(**{column: text})


def test_a_row_becomes_an_order() -> None:
    """
    The buyer paid 143.65 = 168.99 + 5.00 - 5.00 - 25.34 while the merchant receives 168.99.

    The export was made 45 days after receipt, so the order is over.
    """
    assert _one() == Order(
        platform="pinduoduo",
        order_no=PDD_NUMBER,
        shop_id="shop-1",
        status=OrderStatus.FINISHED,
        created_at=datetime(2026, 10, 1, 2, 0, tzinfo=UTC),
        paid_at=datetime(2026, 10, 1, 2, 0, 40, tzinfo=UTC),
        finished_at=SIGNED,
        modified_at=EXPORTED,
        paid_fen=14_365,
        shipping_fen=500,
        subsidy_fen=2_534,
        refund_open=False,
        lines=(Line(line_id="sku:612345678901", paid_fen=13_865, product_id="612345678901", quantity=1),),
        source=SourceKind.EXPORT,
    )


def test_both_sums_of_money_are_told() -> None:
    """143.65 was paid and 168.99 is received; which of them earns is the merchant's rule."""
    report = read(text_file("pinduoduo-orders", {}))[1]
    assert (report.paid_fen, report.received_fen) == (14_365, 16_899)


@pytest.mark.parametrize(
    ("signed", "status"),
    [
        ("2026-11-05 09:30:00", OrderStatus.FINISHED),
        ("2026-11-05 09:30:01", OrderStatus.SIGNED),
        ("", OrderStatus.SIGNED),
    ],
)
def test_a_signed_order_is_over_after_fifteen_days(signed: str, status: OrderStatus) -> None:
    """Fifteen days to the second before the export at 2026-11-20 09:30:00 are enough, one second less is not."""
    found = _moved("确认收货时间", signed)
    assert found.status is status
    assert (found.finished_at is not None) == (status is OrderStatus.FINISHED)


def test_without_an_export_moment_nothing_is_over() -> None:
    """Whether fifteen days have passed cannot be told from a file of unknown age."""
    assert only_order(text_file("pinduoduo-orders", {})).status is OrderStatus.SIGNED


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("待支付", OrderStatus.UNPAID),
        ("待付款", OrderStatus.UNPAID),
        ("待发货", OrderStatus.PAID),
        ("已发货，待签收", OrderStatus.SHIPPED),
        ("已发货,待收货", OrderStatus.SHIPPED),
        ("已取消", OrderStatus.CLOSED),
        ("未发货，退款成功", OrderStatus.CLOSED),
        ("已发货，退款成功", OrderStatus.CLOSED),
        ("已收货，退款成功", OrderStatus.CLOSED),
        ("已签收，退款成功", OrderStatus.CLOSED),
        ("已取消，退款成功", OrderStatus.CLOSED),
        ("未成交，退款成功", OrderStatus.CLOSED),
        ("退款成功", OrderStatus.CLOSED),
    ],
)
def test_states(state: str, status: OrderStatus) -> None:
    """商家实收 stays what it was after a refund, so the states decide."""
    found = _moved("订单状态", state)
    assert (found.status, found.paid_fen) == (status, 0 if status is OrderStatus.UNPAID else 14_365)


@pytest.mark.parametrize("state", ["售后处理中", "退款中"])
def test_an_open_case_keeps_a_signed_order_from_being_over(state: str) -> None:
    """What waits for the end of a case is neither finished nor paid out."""
    found = _moved("售后状态", state)
    assert (found.status, found.refund_open) == (OrderStatus.SIGNED, True)


def test_a_refund_of_unknown_amount_is_never_over() -> None:
    """A living order with 退款成功 may have lost a part or all of its money: it stays open and is counted."""
    values, report = read(text_file("pinduoduo-orders", {"售后状态": "退款成功"}), file_name=NAME)
    (found,) = values
    assert isinstance(found, Order)
    assert (found.status, found.refund_open) == (OrderStatus.SIGNED, True)
    assert (report.refund_amounts_known, report.refund_amount_unknown) == (False, 1)


def test_lotteries_and_differences_are_kinds_of_their_own() -> None:
    """是否抽奖或0元试用, and titles such as 补差价, are no purchases."""
    assert _one(是否抽奖或0元试用="是").kind is OrderKind.LOTTERY
    for title in ("补差价专拍", "补收差价链接", "邮费补拍"):
        assert _one(商品=title).kind is OrderKind.PRICE_DIFF
    assert _one().kind is None


def test_the_day_comes_from_the_number_when_nothing_better_tells() -> None:
    """261001-… was placed on 2026-10-01; each time this is used is counted."""
    content = text_file("pinduoduo-orders", {"订单状态": "待支付", "订单成交时间": "", "支付时间": ""})
    values, report = read(content)
    (found,) = values
    assert isinstance(found, Order)
    assert found.created_at == datetime(2026, 9, 30, 16, 0, tzinfo=UTC)
    assert report.days_from_numbers == 1
    odd = text_file("pinduoduo-orders", {"订单号": "269901-123456789012345", "订单成交时间": "", "支付时间": ""})
    values, report = read(odd)
    assert (report.days_from_numbers, report.defects) == (0, [])


@pytest.mark.parametrize(
    ("cells", "doubtful"),
    [
        ({"用户实付金额(元)": "143.66"}, True),
        ({"用户实付金额(元)": "143.64"}, True),
        ({"多多支付立减金额(元)": "1.00"}, False),  # not taken off
        ({"多多支付立减金额(元)": "1.00", "用户实付金额(元)": "142.65"}, False),  # taken off
        ({"多多支付立减金额(元)": "1.00", "用户实付金额(元)": "143.00"}, True),
        ({"送货入户费(元)": "10.00"}, True),
        ({"送货入户费(元)": "10.00", "用户实付金额(元)": "153.65"}, False),
        ({"店铺优惠折扣(元)": ""}, False),  # one part is missing: nothing to compare
        ({"订单状态": "待支付", "用户实付金额(元)": "1.00"}, False),
    ],
)
def test_amounts_balance_or_are_doubtful(cells: dict[str, str], doubtful: bool) -> None:
    """Paid = goods + postage + services - discounts, one fen either way is a doubt."""
    values, report = read(text_file("pinduoduo-orders", cells))
    assert (report.defects, report.doubtful_count) == ([], int(doubtful))
    (found,) = values
    assert isinstance(found, Order)
    adds_up = (found.shipping_fen or 0) + sum(line.paid_fen or 0 for line in found.lines or ()) == found.paid_fen
    assert adds_up or doubtful or found.status is OrderStatus.UNPAID
    assert not (adds_up and doubtful)


def test_two_different_rows_of_one_order_contradict() -> None:
    """Every file seen has one sort of goods per order, so a second row is never added up."""
    assert codes(read(text_file("pinduoduo-orders", {}, {"商品id": "612345678902"}))[1]) == ["ROWS_CONTRADICT"]


def test_remarks_go_nowhere() -> None:
    """The merchant's remark in the file holds a phone; nothing that comes out of it does."""
    values, report = read(text_file("pinduoduo-orders", {}, {"订单号": "261001-123456789012346", "邮费(元)": "?"}))
    assert len(report.defects) == 1
    assert "13800001111" not in f"{values}{report}"
