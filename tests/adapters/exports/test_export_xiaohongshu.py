"""Xiaohongshu order exports."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from export_files import codes, only_order, read
from platform_files import XHS_NUMBER, text_file

from crossloyalty.domain.orders import Line, Order, OrderStatus, SourceKind

SKU = "64f0a1b2c3d4e5f601234567"
SECOND = {"规格ID": "64f0a1b2c3d4e5f601234568"}


def _one(*rows: dict[str, str]) -> Order:
    return only_order(text_file("xiaohongshu-orders", *rows))


def test_a_row_becomes_an_order() -> None:
    """The buyer paid 100.00, the merchant is due 115.00; brackets of both widths in one name are one name."""
    assert _one({}) == Order(
        platform="xiaohongshu",
        order_no=XHS_NUMBER,
        shop_id="shop-1",
        status=OrderStatus.FINISHED,
        created_at=datetime(2026, 10, 1, 2, 0, tzinfo=UTC),
        paid_at=datetime(2026, 10, 1, 2, 0, 40, tzinfo=UTC),
        finished_at=datetime(2026, 10, 9, 3, 12, 13, tzinfo=UTC),
        paid_fen=10_000,
        subsidy_fen=1_500,
        refund_open=False,
        lines=(Line(line_id=f"sku:{SKU}", paid_fen=10_000, product_id=SKU, quantity=1),),
        source=SourceKind.EXPORT,
    )
    assert read(text_file("xiaohongshu-orders", {}))[1].received_fen == 11_500


def test_several_bought_goods_are_held_for_review() -> None:
    """Whether 100.00 on two rows is 100.00 or 200.00 has never been verified: the smaller is stated, with a doubt."""
    values, report = read(text_file("xiaohongshu-orders", {}, SECOND))
    (found,) = values
    assert isinstance(found, Order)
    assert (found.paid_fen, report.doubtful_count) == (10_000, 1)
    assert [line.paid_fen for line in found.lines or ()] == [20_000]


def test_rows_with_different_amounts_contradict() -> None:
    """If amounts were repeated they would be equal; they are never added up."""
    values, report = read(text_file("xiaohongshu-orders", {}, SECOND | {"用户应付金额(元)": "50.00"}))
    assert (values, codes(report)) == ([], ["ROWS_CONTRADICT"])


def test_a_free_gift_beside_one_purchase_is_no_doubt() -> None:
    """A row that is a gift has no part in the amounts and stays as a line that earns nothing."""
    found = _one({}, SECOND | {"是否为赠品": "是", "用户应付金额(元)": "0.00", "商家应收金额(元)（支付金额）": "0.00"})
    assert found.paid_fen == 10_000
    assert found.lines is not None
    assert {(line.product_id, line.paid_fen, line.is_free_gift) for line in found.lines} == {
        (SKU, 10_000, None),
        (SECOND["规格ID"], 0, True),
    }


@pytest.mark.parametrize(
    ("paid", "doubtful"), [("120.00", False), ("120.01", True), ("100.00", False), ("99.99", True)]
)
def test_amounts_lie_between_all_discounts_and_none(paid: str, doubtful: bool) -> None:
    """120.00 without any discount, 100.00 with all; one fen outside is a doubt."""
    values, report = read(text_file("xiaohongshu-orders", {"用户应付金额(元)": paid}))
    (found,) = values
    assert isinstance(found, Order)
    assert report.doubtful_count == doubtful
    assert (sum(line.paid_fen or 0 for line in found.lines or ()) == found.paid_fen) != doubtful


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("待付款", OrderStatus.UNPAID),
        ("待发货", OrderStatus.PAID),
        ("已发货", OrderStatus.SHIPPED),
        ("已完成", OrderStatus.FINISHED),
        ("已取消", OrderStatus.CLOSED),
    ],
)
def test_states(state: str, status: OrderStatus) -> None:
    """Each state has one meaning, and what is due is not what was paid."""
    found = _one({"订单状态": state})
    assert (found.status, found.paid_fen) == (status, 0 if status is OrderStatus.UNPAID else 10_000)


def test_a_refund_of_unknown_amount_is_never_over() -> None:
    """售后完成 on a finished order: the file does not tell how much went back."""
    values, report = read(text_file("xiaohongshu-orders", {"售后状态": "售后完成"}))
    (found,) = values
    assert isinstance(found, Order)
    assert (found.refund_open, report.refund_amount_unknown) == (True, 1)
