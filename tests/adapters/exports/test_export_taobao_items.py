"""The item report of Taobao and Tmall (宝贝报表) that tells what was paid."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from export_files import codes, only_order, read
from platform_files import ITEM_COLUMNS, ITEM_NUMBER, text_file

from crossloyalty.domain.orders import Line, LineStatus, Order, OrderStatus, SourceKind

SECOND = {"子订单编号": '="3816123456789015021"', "买家实际支付金额": "60.00", "商品价格": "60.00", "购买数量": "1"}


def _one(*rows: dict[str, str]) -> Order:
    return only_order(text_file("taobao-items", *rows))


def test_sub_orders_come_together() -> None:
    """110.00 and 60.00 are 170.00; both numbers lead to the parent order."""
    found = _one({}, SECOND)
    assert found == Order(
        platform="taobao",
        order_no=ITEM_NUMBER,
        shop_id="shop-1",
        status=OrderStatus.FINISHED,
        created_at=datetime(2026, 10, 1, 2, 0, tzinfo=UTC),
        paid_at=datetime(2026, 10, 1, 2, 0, 47, tzinfo=UTC),
        paid_fen=17_000,
        refund_open=False,
        lines=(
            Line(
                line_id="3816123456789015020",
                paid_fen=11_000,
                refunded_fen=0,
                status=LineStatus.FINISHED,
                product_id="612345678901",
                quantity=2,
            ),
            Line(
                line_id="3816123456789015021",
                paid_fen=6_000,
                refunded_fen=0,
                status=LineStatus.FINISHED,
                product_id="612345678901",
                quantity=1,
            ),
        ),
        source=SourceKind.EXPORT,
    )


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("等待买家付款", LineStatus.UNPAID),
        ("买家已付款，等待卖家发货", LineStatus.PAID),
        ("卖家已发货，等待买家确认", LineStatus.SHIPPED),
        ("交易成功", LineStatus.FINISHED),
        ("交易关闭", LineStatus.CLOSED_REFUNDED),
    ],
)
def test_states(state: str, status: LineStatus) -> None:
    """States are matched by their beginning; a line closed after payment was refunded."""
    (line,) = _one({"订单状态": state}).lines or ()
    assert line.status is status
    assert (line.paid_fen == 0) == (status is LineStatus.UNPAID)


@pytest.mark.parametrize(
    ("state", "is_open"),
    [("没有申请退款", False), ("退款成功", False), ("退款关闭", False), ("买家已经申请退款，等待卖家同意", True)],
)
def test_refund_states(state: str, is_open: bool) -> None:
    """A case that waits for somebody is open."""
    assert _one({"退款状态": state}).refund_open is is_open


def test_a_net_amount_is_made_whole_again() -> None:
    """买家实付金额 0.00 with 110.00 refunded was 110.00."""
    columns = [name.replace("买家实际支付金额", "买家实付金额") for name in ITEM_COLUMNS]
    cells = {"买家实付金额": "0.00", "退款金额": "110.00", "退款状态": "退款成功", "订单状态": "交易关闭"}
    (line,) = only_order(text_file("taobao-items", cells, columns=columns)).lines or ()
    assert (line.paid_fen, line.refunded_fen, line.status) == (11_000, 11_000, LineStatus.CLOSED_REFUNDED)


def test_an_order_total_repeated_on_each_row_is_doubtful() -> None:
    """170.00 on both of two rows is above what the items cost: taken in with lines that do not add up."""
    total = {"买家实际支付金额": "170.00"}
    values, report = read(text_file("taobao-items", total, SECOND | total))
    (found,) = values
    assert isinstance(found, Order)
    assert report.doubtful_count == 1
    assert sum(line.paid_fen or 0 for line in found.lines or ()) != found.paid_fen


def test_a_single_row_may_hold_the_postage() -> None:
    """128.00 for goods of 120.00 may be 8.00 of postage when it is the only item."""
    assert _one({"买家实际支付金额": "128.00"}).paid_fen == 12_800


def test_two_rows_of_one_sub_order_contradict() -> None:
    """The same line twice with different content sets the order aside."""
    assert codes(read(text_file("taobao-items", {}, {"购买数量": "3"}))[1]) == ["ROWS_CONTRADICT"]


def test_a_sub_order_needs_its_number() -> None:
    """A line without a number is not given one."""
    assert codes(read(text_file("taobao-items", {"子订单编号": ""}))[1]) == ["ID_MISSING"]
