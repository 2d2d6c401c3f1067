"""WeChat shop order exports: rows per item, with refunded amounts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from export_files import codes, only_order, read
from platform_files import WECHAT_NUMBER, text_file

from crossloyalty.domain.orders import Line, Order, OrderKind, OrderStatus, SourceKind

SECOND = {"商品编码(平台)": "10000000000002", "商品实际价格(总共)": "50.00"}


def _one(*rows: dict[str, str]) -> Order:
    return only_order(text_file("wechat-orders", *rows))


def test_a_row_becomes_an_order_with_its_refunded_amount() -> None:
    """100.00 of goods and 6.00 of freight; of the goods 30.00 went back."""
    assert _one({"商品售后": "退款完成", "商品已退款金额": "30.00"}) == Order(
        platform="wechat",
        order_no=WECHAT_NUMBER,
        shop_id="shop-1",
        status=OrderStatus.FINISHED,
        created_at=datetime(2026, 10, 1, 2, 0, tzinfo=UTC),
        paid_at=datetime(2026, 10, 1, 2, 0, 40, tzinfo=UTC),
        finished_at=datetime(2026, 10, 9, 3, 12, 13, tzinfo=UTC),
        paid_fen=10_600,
        shipping_fen=600,
        refunded_fen=3_000,
        refund_open=False,
        lines=(
            Line(
                line_id="sku:10000000000001",
                paid_fen=10_000,
                refunded_fen=3_000,
                product_id="10000000000001",
                quantity=1,
            ),
        ),
        source=SourceKind.EXPORT,
    )


def test_items_of_one_order_come_together() -> None:
    """100.00 and 50.00 and one freight of 6.00 are 156.00, which each row repeats."""
    found = _one({"订单实际支付金额": "156.00"}, {"订单实际支付金额": "156.00", **SECOND})
    assert (found.paid_fen, found.shipping_fen) == (15_600, 600)
    assert found.lines is not None
    assert [(line.line_id, line.paid_fen) for line in found.lines] == [
        ("sku:10000000000001", 10_000),
        ("sku:10000000000002", 5_000),
    ]


def test_what_belongs_to_no_item_leaves_the_items_without_amounts() -> None:
    """10.00 across shops were taken off the whole: 146.00 balance, and no item is given a share."""
    order = {"订单实际支付金额": "146.00", "跨店优惠": "10.00"}
    found = _one(order, order | SECOND)
    assert found.paid_fen == 14_600
    assert found.lines is not None
    assert [line.paid_fen for line in found.lines] == [None, None]


@pytest.mark.parametrize("paid", ["105.99", "106.01"])
def test_amounts_that_do_not_balance_are_doubtful(paid: str) -> None:
    """One fen off is a doubt, and the order's amounts do not add up."""
    values, report = read(text_file("wechat-orders", {"订单实际支付金额": paid}))
    (found,) = values
    assert isinstance(found, Order)
    assert report.doubtful_count == 1
    assert (found.shipping_fen or 0) + sum(line.paid_fen or 0 for line in found.lines or ()) != found.paid_fen


def test_rows_that_differ_in_the_orders_money_contradict() -> None:
    """The order's columns are the same on each row."""
    assert codes(read(text_file("wechat-orders", {}, SECOND | {"订单运费": "0.00"}))[1]) == ["ROWS_CONTRADICT"]


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("待付款", OrderStatus.UNPAID),
        ("待发货", OrderStatus.PAID),
        ("部分发货", OrderStatus.PAID),
        ("待收货", OrderStatus.SHIPPED),
        ("已完成", OrderStatus.FINISHED),
        ("已取消", OrderStatus.CLOSED),
    ],
)
def test_states(state: str, status: OrderStatus) -> None:
    """Each state has one meaning."""
    found = _one({"订单状态": state})
    assert (found.status, found.paid_fen) == (status, 0 if status is OrderStatus.UNPAID else 10_600)


def test_cancelled_unpaid_counts_nothing() -> None:
    """Closed without a payment time and without a refund was never paid."""
    assert _one({"订单状态": "已取消", "支付时间": ""}).paid_fen == 0


def test_gifts_and_presales_are_kinds_of_their_own() -> None:
    """礼物单号 marks a gift, 是否预售 a presale."""
    assert _one({"礼物单号": "3720000000000000999"}).kind is OrderKind.GIFT
    assert _one({"是否预售": "是"}).kind is OrderKind.PRESALE


def test_an_open_case_shows() -> None:
    """A case of one item that is not over marks the order."""
    assert _one({"商品售后": "售后中"}).refund_open is True
    assert codes(read(text_file("wechat-orders", {"商品售后": "看心情"}))[1]) == ["STATE_UNKNOWN"]


def test_without_goods_columns_the_order_stands_alone() -> None:
    """Two names are enough to know the file; what is not there stays unstated."""
    columns = ["订单号", "订单实际支付金额", "订单状态", "支付时间"]
    found = only_order(text_file("wechat-orders", {}, columns=columns))
    assert (found.paid_fen, found.lines, found.refunded_fen, found.refund_open) == (10_600, None, None, None)
