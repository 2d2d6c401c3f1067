"""Taobao and Tmall order lists."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from export_files import NEW_TAOBAO_COLUMNS, TAOBAO_NUMBER, codes, maker, only_order, read, taobao_file, taobao_row

from crossloyalty.domain.orders import Order, OrderKind, OrderStatus, SourceKind
from crossloyalty.errors import UnreadableFile

EXPORTED = datetime(2026, 11, 20, 1, 30, tzinfo=UTC)


def _new_file(**cells: str) -> bytes:
    row = {
        "订单编号": TAOBAO_NUMBER,
        "订单状态": "交易成功",
        "买家应付邮费": "0.00",
        "订单付款时间": "2026-10-01 10:00:47",
    }
    return taobao_file(row | cells, columns=NEW_TAOBAO_COLUMNS)


def test_a_classic_row_becomes_an_order_without_lines() -> None:
    """Every fact of a classic row lands in its field, and nothing else does."""
    found = only_order(
        taobao_file(taobao_row(shipping=600, refunded=1_000)), file_name="ExportOrderList202611200930.csv"
    )
    assert found == Order(
        platform="taobao",
        order_no=TAOBAO_NUMBER,
        shop_id="shop-1",
        status=OrderStatus.FINISHED,
        created_at=datetime(2026, 10, 1, 2, 0, tzinfo=UTC),
        paid_at=datetime(2026, 10, 1, 2, 0, 47, tzinfo=UTC),
        finished_at=datetime(2026, 10, 9, 3, 12, 13, tzinfo=UTC),
        modified_at=EXPORTED,
        paid_fen=10_500,
        shipping_fen=600,
        refunded_fen=1_000,
        source=SourceKind.EXPORT,
    )


def test_the_classic_header_has_its_54_columns_with_trailing_blanks() -> None:
    """The sample header is the one Taobao ships, trailing blanks included."""
    assert len(maker.TAOBAO_COLUMNS) == 54
    assert sum(name.endswith(" ") for name in maker.TAOBAO_COLUMNS) == 6


def test_tmall_is_taken_only_from_the_caller() -> None:
    """Taobao and Tmall files are alike, so the default is taobao."""
    content = taobao_file(taobao_row())
    assert only_order(content).platform == "taobao"
    assert only_order(content, platform="tmall").platform == "tmall"


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("等待买家付款", OrderStatus.UNPAID),
        ("买家已付款", OrderStatus.PAID),
        ("买家已付款，等待卖家发货", OrderStatus.PAID),
        ("买家已付款,等待卖家发货", OrderStatus.PAID),
        ("卖家已发货，等待买家确认", OrderStatus.SHIPPED),
        ("交易成功", OrderStatus.FINISHED),
        ("交易关闭", OrderStatus.CLOSED),
    ],
)
def test_states_are_matched_by_prefix(state: str, status: OrderStatus) -> None:
    """The words behind the comma vary and may be missing."""
    assert only_order(taobao_file(taobao_row(订单状态=state))).status is status


@pytest.mark.parametrize(
    ("state", "code"), [("卖家很开心", "STATE_UNKNOWN"), ("", "STATE_MISSING"), ("-", "STATE_MISSING")]
)
def test_an_unknown_state_is_never_guessed(state: str, code: str) -> None:
    """A state we do not know sets its row aside and no other."""
    values, report = read(taobao_file(taobao_row(订单状态=state), taobao_row("3816123456789015020")))
    assert [value.order_no for value in values] == ["3816123456789015020"]
    assert codes(report) == [code]


def test_closed_with_a_refund_was_paid() -> None:
    """交易关闭 with a refund keeps what was paid and what went back."""
    found = only_order(taobao_file(taobao_row(state="closed", refunded=9_900)))
    assert (found.status, found.paid_fen, found.refunded_fen) == (OrderStatus.CLOSED, 9_900, 9_900)
    assert found.paid_at is not None


def test_closed_without_a_refund_was_never_paid() -> None:
    """交易关闭 without a refund is a cancelled order: nothing paid, no time of payment."""
    found = only_order(taobao_file(taobao_row(state="closed", 买家实际支付金额="99.00", 退款金额="无退款申请")))
    assert (found.status, found.paid_fen, found.refunded_fen, found.paid_at) == (OrderStatus.CLOSED, 0, 0, None)


def test_only_a_finished_order_has_a_finish_time() -> None:
    """The time of a receipt that was undone by closing is no finish time."""
    assert (
        only_order(
            taobao_file(taobao_row(state="closed", refunded=9_900, 确认收货时间="2026-10-09 11:12:13"))
        ).finished_at
        is None
    )


def test_shipping_never_exceeds_what_was_paid() -> None:
    """Postage due that was not paid is no postage paid."""
    assert only_order(taobao_file(taobao_row(买家应付邮费="12.00", 买家实际支付金额="5.00"))).shipping_fen == 500


def test_a_zero_net_amount_is_added_up_again() -> None:
    """A newer export shows 0.00 for a fully refunded order; it was paid in full and refunded in full."""
    found = only_order(_new_file(买家实付金额="0.00", 退款金额="88.00", 订单状态="交易关闭"))
    assert (found.paid_fen, found.refunded_fen) == (8_800, 8_800)


def test_a_net_amount_below_its_refund_is_added_up_again() -> None:
    """What is left after a larger refund shows that the newer amount is net."""
    found = only_order(_new_file(买家实付金额="20.00", 退款金额="80.00"))
    assert (found.paid_fen, found.refunded_fen) == (10_000, 8_000)


def test_a_newer_amount_not_below_its_refund_stays() -> None:
    """Equal amounts are a full refund of a gross amount."""
    found = only_order(_new_file(买家实付金额="80.00", 退款金额="80.00"))
    assert (found.paid_fen, found.refunded_fen) == (8_000, 8_000)


def test_a_classic_amount_is_gross() -> None:
    """买家实际支付金额 is not net, unless it is 0 against a refund."""
    gross = only_order(taobao_file(taobao_row(买家实际支付金额="20.00", 退款金额="80.00")))
    assert gross.paid_fen == 2_000
    zero = only_order(taobao_file(taobao_row(买家实际支付金额="0.00", 退款金额="80.00")))
    assert (zero.paid_fen, zero.refunded_fen) == (8_000, 8_000)


def test_newer_time_names_and_a_missing_state_are_understood() -> None:
    """Qianniu's names count, and a file without states leaves the status unstated."""
    columns = ["订单编号", "买家实付金额", "买家下单时间", "买家付款时间"]
    row = {
        "订单编号": TAOBAO_NUMBER,
        "买家实付金额": "10.00",
        "买家下单时间": "2026-10-01 10:00:00",
        "买家付款时间": "2026-10-01 10:01:00",
    }
    found = only_order(taobao_file(row, columns=columns))
    assert (found.status, found.paid_fen, found.refunded_fen, found.shipping_fen) == (None, 1_000, None, None)
    assert found.paid_at == datetime(2026, 10, 1, 2, 1, tzinfo=UTC)


def test_a_file_without_refund_amounts_says_so() -> None:
    """Without the column a refunded amount is unknown, not zero, and a paid closed order is counted."""
    columns = [name for name in maker.TAOBAO_COLUMNS if name != "退款金额"]
    rows = (taobao_row(), taobao_row("3816123456789015020", state="closed", refunded=9_900))
    values, report = read(taobao_file(*rows, columns=columns))
    assert [isinstance(value, Order) and value.refunded_fen for value in values] == [None, None]
    assert (report.refund_amounts_known, report.refund_amount_unknown) == (False, 1)
    assert "退款金额" in report.columns_missing
    assert read(taobao_file(*rows))[1].refund_amounts_known


def test_a_staged_order_is_a_presale() -> None:
    """分阶段订单信息 marks an order whose deposit alone is no sale."""
    assert only_order(taobao_file(taobao_row(分阶段订单信息="阶段1 已付款"))).kind is OrderKind.PRESALE
    assert only_order(taobao_file(taobao_row())).kind is None


def test_the_paid_amount_must_be_there() -> None:
    """An empty amount is a defect and not zero."""
    assert codes(read(taobao_file(taobao_row(买家实际支付金额="")))[1]) == ["MONEY_MISSING"]


def test_the_classic_item_report_is_refused_by_name() -> None:
    """ExportOrderDetailList of ten columns has list prices only; the merchant is told which file to take."""
    classic = (
        "订单编号,标题,价格,购买数量,外部系统编号,商品属性,套餐信息,备注,订单状态,商家编码\n1,a,1,1,,,,,交易成功,\n"
    )
    later = "子订单编号,主订单编号,商品标题,商品价格,购买数量,订单状态,买家应付货款\n1,2,a,1,1,交易成功,1\n"
    for text in (classic, later):
        with pytest.raises(UnreadableFile, match="ExportOrderList") as caught:
            read(text.encode("gbk"))
        assert "订单报表" in caught.value.sentence_zh


@pytest.mark.parametrize(
    "cells",
    [{"买家实际支付金额": "99.01"}, {"买家实际支付金额": "50.00", "退款金额": "60.00"}],
)
def test_more_than_was_due_is_doubtful(cells: dict[str, str]) -> None:
    """Paid above 货款 and 邮费 together, or more refunded than paid: taken in with amounts that do not add up."""
    values, report = read(taobao_file(taobao_row(**cells)))
    (found,) = values
    assert isinstance(found, Order)
    assert (report.defects, report.doubtful_count) == ([], 1)
    assert (found.shipping_fen or 0) + sum(line.paid_fen or 0 for line in found.lines or ()) != found.paid_fen
    assert report.doubtful[0].column == "买家实际支付金额"
    assert "人工审核" in report.doubtful[0].sentence("zh")


def test_both_sums_of_money_are_told() -> None:
    """What buyers paid and what the merchant receives (打款商家金额, with 元 behind it) are summed apart."""
    report = read(taobao_file(taobao_row(), taobao_row("3816123456789015020", 打款商家金额="1.50元")))[1]
    assert (report.paid_fen, report.received_fen) == (19_800, 10_050)


def test_two_different_rows_of_one_order_contradict() -> None:
    """One row is one order, so a second one with other content sets the order aside; an exact repeat is dropped."""
    twice = taobao_file(taobao_row(), taobao_row(), taobao_row("3816123456789015020"))
    values, report = read(twice)
    assert (len(values), report.dropped_doubled, report.defects) == (2, 1, [])
    differing = taobao_file(taobao_row(), taobao_row(goods=1), taobao_row("3816123456789015020"))
    values, report = read(differing)
    assert [value.order_no for value in values] == ["3816123456789015020"]
    assert [(d.code.value, d.row, d.key) for d in report.defects] == [("ROWS_CONTRADICT", 3, TAOBAO_NUMBER)]
