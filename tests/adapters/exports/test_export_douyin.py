"""Douyin order exports, by item and by order, and the after-sale file."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from export_files import (
    DOUYIN_NUMBER,
    case_file,
    case_row,
    codes,
    douyin_file,
    douyin_row,
    maker,
    only_order,
    only_refund,
    read,
)

from crossloyalty.domain.orders import Line, LineStatus, Order, OrderStatus, Refund, RefundStatus, SourceKind

EXPORTED = datetime(2026, 11, 20, 1, 30, tzinfo=UTC)
FINISHED_AT = datetime(2026, 10, 9, 3, 12, 13, tzinfo=UTC)
SUBS = ("6953489890610190251", "6953489890610190252", "6953489890610190253")


def _by_order(**cells: str) -> bytes:
    lists = {"子订单编号": f"\t{SUBS[0]};{SUBS[1]}", "商品ID": "\t3600000000000000001;3600000000000000002"}
    return douyin_file(douyin_row(**(lists | {"商品数量": "3"} | cells)))


def test_an_item_row_becomes_an_order_with_its_line() -> None:
    """Tabs go, money is split into goods and shipping, and the discounts others bear are no part of what was paid."""
    row = douyin_row(line=SUBS[0], price=120_000, shipping=800, by_platform=500, by_shop=300, pay_discount=100)
    found = only_order(douyin_file(row), file_name="1795138200_abc.csv")
    assert row["订单应付金额"] == "1,200.00"
    assert found == Order(
        platform="douyin",
        order_no=DOUYIN_NUMBER,
        shop_id="shop-1",
        status=OrderStatus.FINISHED,
        created_at=datetime(2026, 10, 1, 2, 0, tzinfo=UTC),
        paid_at=datetime(2026, 10, 1, 2, 0, 33, tzinfo=UTC),
        finished_at=FINISHED_AT,
        modified_at=EXPORTED,
        paid_fen=119_900,
        shipping_fen=800,
        subsidy_fen=600,
        refund_open=False,
        lines=(
            Line(
                line_id=SUBS[0],
                paid_fen=119_100,
                status=LineStatus.FINISHED,
                finished_at=FINISHED_AT,
                product_id="3653489890610190251",
                quantity=1,
            ),
        ),
        source=SourceKind.EXPORT,
    )


def test_a_split_order_keeps_each_state_and_goes_by_the_slowest() -> None:
    """Finished, refunded and shipped sub-orders: each line says so, the order is only shipped and not finished."""
    found = only_order(
        douyin_file(
            douyin_row(line=SUBS[0], price=10_000),
            douyin_row(line=SUBS[1], price=6_000, state="已关闭", after_sale="同意退款,退款成功"),
            douyin_row(line=SUBS[2], price=4_000, state="已发货"),
        )
    )
    assert (found.status, found.finished_at, found.paid_fen) == (OrderStatus.SHIPPED, None, 20_000)
    assert found.lines is not None
    assert [line.status for line in found.lines] == [
        LineStatus.FINISHED,
        LineStatus.CLOSED_REFUNDED,
        LineStatus.SHIPPED,
    ]
    assert [line.finished_at for line in found.lines] == [FINISHED_AT, None, None]


def test_an_order_is_finished_when_its_last_open_line_is() -> None:
    """Closed lines do not hold an order back, and its time is that of the last line."""
    later = "2026-10-11 00:00:00"
    found = only_order(
        douyin_file(
            douyin_row(line=SUBS[0]),
            douyin_row(line=SUBS[1], finished=later),
            douyin_row(line=SUBS[2], state="已关闭", after_sale="退款成功"),
        )
    )
    assert (found.status, found.finished_at) == (OrderStatus.FINISHED, datetime(2026, 10, 10, 16, 0, tzinfo=UTC))


def test_an_order_closes_with_its_last_line() -> None:
    """Only when every sub-order is closed is the order."""
    found = only_order(
        douyin_file(*[douyin_row(line=sub, state="已关闭", after_sale="同意退款，退款成功") for sub in SUBS])
    )
    assert (found.status, found.paid_fen) == (OrderStatus.CLOSED, 3 * 9_900)


@pytest.mark.parametrize(
    ("state", "after_sale", "line_status", "paid"),
    [
        ("待支付", "-", LineStatus.UNPAID, 0),
        ("备货中", "-", LineStatus.PAID, 9_900),
        ("待发货", "-", LineStatus.PAID, 9_900),
        ("已发货", "-", LineStatus.SHIPPED, 9_900),
        ("已完成", "-", LineStatus.FINISHED, 9_900),
        ("已关闭", "-", LineStatus.CLOSED_UNPAID, 0),
        ("已关闭", "退款成功", LineStatus.CLOSED_REFUNDED, 9_900),
    ],
)
def test_states_become_line_states(state: str, after_sale: str, line_status: LineStatus, paid: int) -> None:
    """What was never paid counts nothing: 订单应付金额 is only due until then."""
    found = only_order(douyin_file(douyin_row(state=state, after_sale=after_sale)))
    assert found.lines is not None
    assert (found.lines[0].status, found.lines[0].paid_fen, found.paid_fen) == (line_status, paid, paid)


@pytest.mark.parametrize("after_sale", ["售后中", "售后处理中", "退款中", "同意退款,退款中", "同意退款，退款失败"])
def test_an_open_case_shows(after_sale: str) -> None:
    """An after-sale case that is not over marks the order."""
    assert only_order(douyin_file(douyin_row(after_sale=after_sale))).refund_open is True


@pytest.mark.parametrize("after_sale", ["-", "", "售后关闭", "售后已拒绝", "换货成功"])
def test_a_case_that_is_over_does_not_show(after_sale: str) -> None:
    """No case, a closed or refused one and an exchange leave nothing open."""
    assert only_order(douyin_file(douyin_row(after_sale=after_sale))).refund_open is False


def test_a_partial_refund_is_left_to_the_after_sale_file() -> None:
    """A finished line with a refund keeps its amount, and the report counts that the refunded one is unknown."""
    values, report = read(douyin_file(douyin_row(after_sale="同意退款,退款成功")))
    (found,) = values
    assert isinstance(found, Order)
    assert found.lines is not None
    assert (found.lines[0].status, found.lines[0].refunded_fen, found.refunded_fen) == (LineStatus.FINISHED, None, None)
    assert (report.refund_amounts_known, report.refund_amount_unknown) == (False, 1)


@pytest.mark.parametrize(
    "cells", [{"订单状态": "飞走了"}, {"售后状态": "飞走了"}, {"订单状态": "已完成;已关闭"}, {"订单状态": "-"}]
)
def test_unknown_states_are_never_guessed(cells: dict[str, str]) -> None:
    """A state or a pair we do not know sets the order aside."""
    values, report = read(douyin_file(douyin_row(**cells)))
    assert values == []
    assert codes(report)[0].startswith("STATE_")


def test_one_bad_row_sets_the_whole_order_aside() -> None:
    """Half an order is never given out, and the defect names the row, the column and the order."""
    values, report = read(
        douyin_file(
            douyin_row(line=SUBS[0]),
            douyin_row(line=SUBS[1], 订单应付金额="很多"),
            douyin_row(line=SUBS[2]),
            douyin_row("6953489890610190299"),
        )
    )
    assert [value.order_no for value in values] == ["6953489890610190299"]
    (defect,) = report.defects
    assert (defect.row, defect.column, defect.key) == (3, "订单应付金额", DOUYIN_NUMBER)
    assert DOUYIN_NUMBER in defect.sentence("zh")
    assert DOUYIN_NUMBER in defect.sentence("en")


def test_a_mangled_number_between_two_rows_of_an_order_sets_it_aside() -> None:
    """The row in the middle can only be the order's own, so the order may be short of a line."""
    values, report = read(
        douyin_file(
            douyin_row(line=SUBS[0]),
            douyin_row(line=SUBS[1], 主订单编号="6.95349E+18"),
            douyin_row(line=SUBS[2]),
            douyin_row("6953489890610190299"),
        )
    )
    assert [value.order_no for value in values] == ["6953489890610190299"]
    assert [(d.code.value, d.row, d.key) for d in report.defects] == [("ID_MANGLED", 3, DOUYIN_NUMBER)]


def test_two_rows_of_one_sub_order_contradict_unless_they_are_equal() -> None:
    """The same line twice is dropped; twice with different content sets the order aside."""
    values, report = read(douyin_file(douyin_row(), douyin_row()))
    assert (len(values), report.dropped_doubled) == (1, 1)
    values, report = read(douyin_file(douyin_row(), douyin_row(price=1_000)))
    assert (values, codes(report)) == ([], ["ROWS_CONTRADICT"])


def test_the_order_dimension_splits_lists_of_equal_length() -> None:
    """Each sub-order becomes a line; the amount belongs to the order, and a summed quantity to no line."""
    found = only_order(_by_order())
    assert found.paid_fen == 9_900
    assert found.lines is not None
    assert [(line.line_id, line.product_id, line.paid_fen, line.quantity) for line in found.lines] == [
        (SUBS[0], "3600000000000000001", None, None),
        (SUBS[1], "3600000000000000002", None, None),
    ]


def test_lists_of_unequal_length_are_a_defect() -> None:
    """Which product belongs to which sub-order is never guessed."""
    assert codes(read(_by_order(商品ID="\t3600000000000000001"))[1]) == ["LISTS_UNEQUAL"]
    assert codes(read(_by_order(子订单编号=f"\t{SUBS[0]};;{SUBS[1]}"))[1]) == ["ID_MISSING"]


def test_mangled_ids_inside_a_list_are_found() -> None:
    """A list without a guard whose parts end in zeros has been through a spreadsheet."""
    assert codes(read(_by_order(子订单编号="6953489890610190000;6953489890610190252"))[1]) == ["ID_MANGLED"]


def test_the_merchant_may_leave_columns_out() -> None:
    """Two numbers and an amount are enough; what is not stated stays unstated."""
    columns = ["订单应付金额", "子订单编号", "主订单编号"]
    found = only_order(douyin_file(douyin_row(), columns=columns))
    assert (found.paid_fen, found.status, found.shipping_fen, found.subsidy_fen) == (9_900, None, None, None)
    assert (found.refund_open, found.paid_at, found.finished_at) == (None, None, None)
    assert found.lines == (Line(line_id=DOUYIN_NUMBER, paid_fen=9_900),)


def test_a_discount_above_the_amount_contradicts() -> None:
    """A pay discount larger than what was due cannot be."""
    assert codes(read(douyin_file(douyin_row(支付优惠="100.00")))[1]) == ["AMOUNTS_CONTRADICT"]


def test_ciphertexts_and_masks_go_nowhere() -> None:
    """Receiver, phone and address appear in no value and no defect, good row or bad."""
    secret = {"收件人": "\t##canary-name", "收件人手机号": "\t13800001111", "详细地址": "\tcanary-street"}
    values, report = read(douyin_file(douyin_row(**secret), douyin_row("6953489890610190299", 运费="canary", **secret)))
    text = f"{values} {report}"
    assert "canary-" not in text
    assert "13800001111" not in text
    assert len(report.defects) == 1


def test_a_refund_takes_off_what_the_bank_gets_back() -> None:
    """30.00 of goods with 1.00 of pay discount and 5.00 of shipping: 29.00, 5.00 and 1.00 are its parts."""
    assert only_refund(case_file(case_row()), file_name="1795138200_x.csv") == Refund(
        platform="douyin",
        order_no=DOUYIN_NUMBER,
        refund_id="141800000000001001",
        status=RefundStatus.SUCCESS,
        amount_fen=3_500,
        line_id=DOUYIN_NUMBER,
        goods_fen=2_900,
        shipping_fen=500,
        subsidy_fen=100,
        modified_at=EXPORTED,
        source=SourceKind.EXPORT,
    )


def test_without_an_export_moment_the_latest_time_of_the_row_is_its_version() -> None:
    """A refund is at least as new as the last thing that happened to it."""
    assert only_refund(case_file(case_row())).modified_at == datetime(2026, 11, 3, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("同意退款，退款成功", RefundStatus.SUCCESS),
        ("同意退款,退款成功", RefundStatus.SUCCESS),
        ("退款成功", RefundStatus.SUCCESS),
        ("已全额退款", RefundStatus.SUCCESS),
        ("售后关闭", RefundStatus.CLOSED),
        ("售后已拒绝", RefundStatus.CLOSED),
        ("换货成功", RefundStatus.CLOSED),
        ("售后中", RefundStatus.OPEN),
        ("售后处理中", RefundStatus.OPEN),
        ("退款中", RefundStatus.OPEN),
        ("同意退款，退款中", RefundStatus.OPEN),
        ("待商家处理", RefundStatus.OPEN),
        ("待买家退货", RefundStatus.OPEN),
        ("待商家收货", RefundStatus.OPEN),
        ("同意退款，退款失败", RefundStatus.PAYOUT_FAILED),
    ],
)
def test_case_states(state: str, status: RefundStatus) -> None:
    """Each state of a case we know has one meaning."""
    assert only_refund(case_file(case_row(售后状态=state))).status is status


def test_an_unknown_case_state_is_refused_alone() -> None:
    """A state we do not know sets its case aside and no other."""
    rows = (case_row(售后状态="看心情"), case_row(售后单号="\t141800000000001002"))
    values, report = read(case_file(*rows))
    assert (len(values), codes(report)) == (1, ["STATE_UNKNOWN"])
    assert report.defects[0].value == "看心情"


def test_a_minus_before_the_pay_discount_is_a_spelling() -> None:
    """Some files write the pay discount as a negative amount, and `-` for none."""
    assert only_refund(case_file(case_row(**{"退支付优惠（元）": "-1.00"}))).subsidy_fen == 100
    assert only_refund(case_file(case_row(**{"退支付优惠（元）": "-"}))).goods_fen == 3_000


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ({"退支付优惠（元）": "31.00"}, "AMOUNTS_CONTRADICT"),
        ({"退商品金额（元）": "-"}, "MONEY_MISSING"),
        ({"退商品金额（元）": "-30.00"}, "MONEY_INVALID"),
        ({"订单号": "6.95E+18"}, "ID_MANGLED"),
        ({"订单号": ""}, "ID_MISSING"),
        ({"订单号": "12"}, "ID_INVALID"),
        ({"售后单号": "abcdef"}, "ID_INVALID"),
        ({"售后状态": ""}, "STATE_MISSING"),
        ({"售后申请时间": "昨天"}, "TIME_INVALID"),
    ],
)
def test_a_bad_case_is_a_defect(cells: dict[str, str], code: str) -> None:
    """What cannot be read in a case sets it aside, and is named."""
    values, report = read(case_file(case_row(**cells)))
    assert (values, codes(report)) == ([], [code])


def test_a_closed_case_needs_no_amount() -> None:
    """A case that ended without a refund may leave the amount blank."""
    found = only_refund(case_file(case_row(售后状态="售后关闭", **{"退商品金额（元）": "-", "退支付优惠（元）": "-"})))
    assert (found.status, found.goods_fen) == (RefundStatus.CLOSED, 0)


def test_the_sample_headers_are_those_of_the_platform() -> None:
    """The order file and the after-sale file do not pass for each other."""
    assert read(douyin_file(douyin_row()))[1].layout == "douyin-orders"
    assert read(case_file(case_row()))[1].layout == "douyin-aftersale"
    assert not set(maker.DOUYIN_COLUMNS) >= set(maker.AFTERSALE_COLUMNS)
