"""Youzan order and item exports."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from export_files import codes, only_order, read
from platform_files import YOUZAN_COLUMNS, YOUZAN_ITEM_COLUMNS, YOUZAN_NUMBER, text_file

from crossloyalty.domain.orders import LineStatus, Order, OrderStatus, SourceKind


def test_a_row_becomes_an_order() -> None:
    """88.00 paid, of which 8.00 went back."""
    assert only_order(text_file("youzan-orders", {})) == Order(
        platform="youzan",
        order_no=YOUZAN_NUMBER,
        shop_id="shop-1",
        status=OrderStatus.FINISHED,
        paid_at=datetime(2026, 10, 1, 2, 0, 40, tzinfo=UTC),
        paid_fen=8_800,
        refunded_fen=800,
        source=SourceKind.EXPORT,
    )


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("待付款", OrderStatus.UNPAID),
        ("待发货", OrderStatus.PAID),
        ("已发货", OrderStatus.SHIPPED),
        ("交易完成", OrderStatus.FINISHED),
        ("交易关闭", OrderStatus.CLOSED),
    ],
)
def test_states(state: str, status: OrderStatus) -> None:
    """Each state has one meaning."""
    assert only_order(text_file("youzan-orders", {"订单状态": state})).status is status


@pytest.mark.parametrize(("refunded", "doubtful"), [("88.00", 0), ("88.01", 1)])
def test_more_refunded_than_paid_is_doubtful(refunded: str, doubtful: int) -> None:
    """All of it may go back, one fen more may not."""
    values, report = read(text_file("youzan-orders", {"订单已退款金额": refunded}))
    (found,) = values
    assert isinstance(found, Order)
    assert (report.doubtful_count, found.lines is not None) == (doubtful, bool(doubtful))


def test_items_become_lines_with_their_own_states() -> None:
    """Two items of 44.00, one of them refunded and closed: the order goes on with the other."""
    content = text_file(
        "youzan-items",
        {},
        {"规格编码": "SKU-02", "订单商品状态": "交易关闭", "商品退款状态": "全额退款", "商品已退款金额": "44.00"},
    )
    found = only_order(content)
    assert (found.status, found.paid_fen, found.refunded_fen) == (OrderStatus.FINISHED, 8_800, 4_400)
    assert found.lines is not None
    assert {(line.line_id, line.status, line.refunded_fen) for line in found.lines} == {
        ("sku:SKU-01", LineStatus.FINISHED, 0),
        ("sku:SKU-02", LineStatus.CLOSED_REFUNDED, 4_400),
    }


def test_items_have_to_come_to_what_was_paid() -> None:
    """Where the file has both, 44.00 of items against 45.00 paid is a doubt."""
    columns = [*YOUZAN_ITEM_COLUMNS, "订单实付金额"]
    values, report = read(text_file("youzan-items", {"订单实付金额": "45.00"}, columns=columns))
    (found,) = values
    assert isinstance(found, Order)
    assert (found.paid_fen, report.doubtful_count) == (4_500, 1)
    assert [line.paid_fen for line in found.lines or ()] == [4_400]
    assert only_order(text_file("youzan-items", {"订单实付金额": "44.00"}, columns=columns)).paid_fen == 4_400


def test_an_item_of_price_nothing_is_a_gift() -> None:
    """It stays for completeness and earns nothing."""
    found = only_order(
        text_file("youzan-items", {}, {"规格编码": "SKU-02", "商品单价": "0.00", "商品实际成交金额": "0.00"})
    )
    assert [line.is_free_gift for line in found.lines or ()].count(True) == 1


def test_unpaid_items_count_nothing() -> None:
    """What is due is not what was paid, and a closed item without a payment was never paid."""
    for cells in ({"订单商品状态": "待付款"}, {"订单商品状态": "交易关闭", "买家付款时间": ""}):
        assert only_order(text_file("youzan-items", cells)).paid_fen == 0


def test_a_file_with_the_columns_of_both_is_the_item_export() -> None:
    """The order's columns repeated beside the items' do not make two candidates."""
    columns = list(dict.fromkeys([*YOUZAN_ITEM_COLUMNS, *YOUZAN_COLUMNS]))
    row = {"订单实付金额": "44.00", "订单状态": "交易完成"}
    assert read(text_file("youzan-items", row, columns=columns))[1].layout == "youzan-items"


def test_unknown_states_are_never_guessed() -> None:
    """A word nobody has seen sets the order aside, in either file."""
    assert codes(read(text_file("youzan-orders", {"订单状态": "?"}))[1]) == ["STATE_UNKNOWN"]
    assert codes(read(text_file("youzan-items", {"商品退款状态": "?"}))[1]) == ["STATE_UNKNOWN"]
