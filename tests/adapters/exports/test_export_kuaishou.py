"""Kuaishou order exports."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from export_files import codes, only_order, read
from platform_files import KUAISHOU_NUMBER, text_file

from crossloyalty.domain.orders import Line, Order, OrderKind, OrderStatus, SourceKind


def _one(**cells: str) -> Order:
    return only_order(text_file("kuaishou-orders", cells))


def test_a_row_becomes_an_order() -> None:
    """¥1,194.50 are read to the fen; the file has no moment of completion, and none is invented."""
    assert _one() == Order(
        platform="kuaishou",
        order_no=KUAISHOU_NUMBER,
        shop_id="shop-1",
        status=OrderStatus.FINISHED,
        created_at=datetime(2026, 10, 1, 2, 0, tzinfo=UTC),
        paid_at=datetime(2026, 10, 1, 2, 0, 40, tzinfo=UTC),
        paid_fen=119_450,
        shipping_fen=500,
        subsidy_fen=250,
        refund_open=False,
        lines=(Line(line_id="sku:20001234567890", paid_fen=118_950, product_id="20001234567890", quantity=2),),
        source=SourceKind.EXPORT,
    )


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("待付款", OrderStatus.UNPAID),
        ("待发货", OrderStatus.PAID),
        ("已发货", OrderStatus.SHIPPED),
        ("已收货", OrderStatus.SIGNED),
        ("交易成功", OrderStatus.FINISHED),
        ("交易关闭", OrderStatus.CLOSED),
    ],
)
def test_states(state: str, status: OrderStatus) -> None:
    """Each state has one meaning."""
    assert _one(订单状态=state).status is status


@pytest.mark.parametrize(
    ("state", "is_open", "unknown"),
    [("无", False, 0), ("", False, 0), ("退款中", True, 0), ("售后关闭", False, 0), ("退款成功", True, 1)],
)
def test_after_sale_states(state: str, is_open: bool, unknown: int) -> None:
    """A refund of unknown amount on a living order is not over."""
    values, report = read(text_file("kuaishou-orders", {"售后状态": state}))
    (found,) = values
    assert isinstance(found, Order)
    assert (found.refund_open, report.refund_amount_unknown) == (is_open, unknown)


@pytest.mark.parametrize("cells", [{"订单状态": "飞走了"}, {"售后状态": "飞走了"}])
def test_unknown_states_are_never_guessed(cells: dict[str, str]) -> None:
    """A word nobody has seen sets the order aside."""
    assert codes(read(text_file("kuaishou-orders", cells))[1]) == ["STATE_UNKNOWN"]


def test_the_column_of_2021_is_read() -> None:
    """退货退款 stood where 售后状态 stands now."""
    columns = ["订单号", "实付款", "成交数量", "订单状态", "退货退款"]
    content = text_file("kuaishou-orders", {"退货退款": "否"}, columns=columns)
    assert only_order(content).refund_open is False


@pytest.mark.parametrize(
    ("paid", "doubtful"),
    [("1205.00", False), ("1205.01", True), ("1194.50", False), ("1194.49", True)],
)
def test_amounts_lie_between_all_discounts_and_none(paid: str, doubtful: bool) -> None:
    """2 x 600.00 + 5.00 is the most, less 8.00 and 2.50 the least; one fen outside is a doubt."""
    values, report = read(text_file("kuaishou-orders", {"实付款": paid}))
    (found,) = values
    assert isinstance(found, Order)
    assert report.doubtful_count == doubtful
    adds_up = (found.shipping_fen or 0) + sum(line.paid_fen or 0 for line in found.lines or ()) == found.paid_fen
    assert adds_up != doubtful


def test_rows_of_one_number_are_never_added_up() -> None:
    """Whether an order can have several rows is not known: an exact repeat is dropped, anything else set aside."""
    values, report = read(text_file("kuaishou-orders", {}, {}))
    assert (len(values), report.dropped_doubled) == (1, 1)
    values, report = read(text_file("kuaishou-orders", {}, {"商品ID": "20001234567891"}))
    assert (values, codes(report)) == ([], ["ROWS_CONTRADICT"])


def test_ids_read_as_floats_lose_their_tail_and_nothing_else() -> None:
    """`.0` behind up to 15 digits is a way of writing; behind more it hides lost digits."""
    assert _one(商品ID="2574399090.0").lines[0].product_id == "2574399090"  # type: ignore[index]
    assert codes(read(text_file("kuaishou-orders", {"订单号": "2433100012345678.0"}))[1]) == ["ID_MANGLED"]


def test_a_deposit_makes_a_presale() -> None:
    """The deposit alone is not a sale."""
    assert _one(预售定金支付时间="2026-10-01 09:00:00").kind is OrderKind.PRESALE
