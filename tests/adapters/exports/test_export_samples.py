"""The sample files beside the examples: as generated, as documented."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from export_files import SAMPLES, maker

from crossloyalty.adapters.exports import ExportReport, read_export
from crossloyalty.domain.orders import LineStatus, Order, OrderStatus, Refund, RefundStatus

BEIJING = timezone(timedelta(hours=8))
README = (SAMPLES / "README.md").read_text("utf-8")


def _sample(name: str) -> tuple[dict[str, Order], list[Refund], ExportReport]:
    with read_export(SAMPLES / name, shop_id="shop-1") as reader:
        values = list(reader)
        found = {value.order_no: value for value in values if isinstance(value, Order)}
        return found, [value for value in values if isinstance(value, Refund)], reader.report


@pytest.mark.parametrize("name", [maker.TAOBAO_FILE, maker.DOUYIN_FILE, maker.AFTERSALE_FILE])
def test_the_files_in_the_tree_are_what_the_script_writes(name: str) -> None:
    """Nobody has edited a sample by hand."""
    assert (SAMPLES / name).read_bytes() == maker.files()[name]


@pytest.mark.parametrize("name", [maker.TAOBAO_FILE, maker.DOUYIN_FILE, maker.AFTERSALE_FILE])
def test_the_names_carry_the_export_moment(name: str) -> None:
    """All three were exported at 2026-11-20 09:30 Beijing time, and are explained in the README."""
    assert _sample(name)[2].exported_at == datetime(2026, 11, 20, 1, 30, tzinfo=UTC)
    assert name in README


def test_the_taobao_sample_holds_what_the_readme_says() -> None:
    """260 orders, four of them with lost digits, a total row, and every kind of ending."""
    found, _, report = _sample(maker.TAOBAO_FILE)
    assert (report.encoding, report.rows, report.orders, report.dropped_totals) == ("gb18030", 261, 256, 1)
    assert [defect.code.value for defect in report.defects] == ["ID_MANGLED"] * 4
    kinds = Counter((order.status, bool(order.refunded_fen), bool(order.paid_fen)) for order in found.values())
    for kind in (
        (OrderStatus.FINISHED, False, True),
        (OrderStatus.FINISHED, True, True),
        (OrderStatus.CLOSED, True, True),
        (OrderStatus.CLOSED, False, False),
        (OrderStatus.SHIPPED, False, True),
        (OrderStatus.PAID, False, True),
        (OrderStatus.UNPAID, False, False),
    ):
        assert kinds[kind] >= 8


def test_the_douyin_sample_holds_what_the_readme_says() -> None:
    """160 sub-orders, none of them bad, with orders of two and three lines."""
    found, _, report = _sample(maker.DOUYIN_FILE)
    assert (report.encoding, report.rows, report.defects) == ("utf-8-sig", 160, [])
    sizes = Counter(len(order.lines or ()) for order in found.values())
    assert sum(size * count for size, count in sizes.items()) == 160
    assert min(sizes[2], sizes[3]) >= 5


def test_the_ten_orders_of_m1_come_to_2000_yuan() -> None:
    """All ten are finished, without shipping or refund, over all days from 6 to 12 November."""
    taobao, douyin = _sample(maker.TAOBAO_FILE)[0], _sample(maker.DOUYIN_FILE)[0]
    ours = [taobao[number] for number, _, _ in maker.M1_TAOBAO] + [douyin[number] for number, _, _ in maker.M1_DOUYIN]
    assert [order.platform for order in ours] == ["taobao"] * 6 + ["douyin"] * 4
    assert sum(order.paid_fen or 0 for order in ours) == 200_000
    assert {order.status for order in ours} == {OrderStatus.FINISHED}
    assert {order.shipping_fen for order in ours} == {0}
    assert not any(order.refunded_fen or order.refund_open for order in ours)
    days = [order.finished_at.astimezone(BEIJING).date() for order in ours if order.finished_at is not None]
    assert set(days) == {date(2026, 11, day) for day in range(6, 13)}
    assert (len(set(days[:6])), len(set(days[6:]))) == (6, 4)
    cases = {case.order_no for case in _sample(maker.AFTERSALE_FILE)[1]}
    assert cases.isdisjoint(order.order_no for order in ours)
    assert all(order.order_no in README for order in ours)


def test_the_other_hand_picked_orders_are_as_documented() -> None:
    """m2's finished order, the shipped one, the refunded one and the split one."""
    taobao, douyin = _sample(maker.TAOBAO_FILE)[0], _sample(maker.DOUYIN_FILE)[0]
    mine = taobao[maker.M2_ORDER[0]]
    assert (mine.status, mine.paid_fen, mine.refunded_fen) == (OrderStatus.FINISHED, 30_000, 0)
    assert taobao[maker.SHIPPED_ORDER].status is OrderStatus.SHIPPED
    refunded = taobao[maker.CLOSED_REFUNDED_ORDER]
    assert (refunded.status, refunded.paid_fen, refunded.refunded_fen) == (OrderStatus.CLOSED, 22_000, 22_000)
    split = douyin[maker.SPLIT_ORDER]
    assert [(line.status, line.paid_fen) for line in split.lines or ()] == [
        (LineStatus.FINISHED, 10_000),
        (LineStatus.CLOSED_REFUNDED, 6_000),
        (LineStatus.SHIPPED, 4_000),
    ]
    for number in (maker.M2_ORDER[0], maker.SHIPPED_ORDER, maker.CLOSED_REFUNDED_ORDER, maker.SPLIT_ORDER):
        assert number in README


def test_the_cases_fit_the_orders() -> None:
    """Every case names a sub-order of the order file, and what went back is never more than was paid."""
    douyin = _sample(maker.DOUYIN_FILE)[0]
    _, cases, report = _sample(maker.AFTERSALE_FILE)
    assert report.defects == []
    for case in cases:
        lines = {line.line_id: line for line in douyin[case.order_no].lines or ()}
        assert case.line_id is not None
        line = lines[case.line_id]
        assert (case.goods_fen or 0) <= (line.paid_fen or 0)
        assert (line.status is not LineStatus.CLOSED_REFUNDED) or case.goods_fen == line.paid_fen
    assert {case.status for case in cases} == {RefundStatus.SUCCESS, RefundStatus.OPEN, RefundStatus.CLOSED}
    assert any(case.order_no == maker.SPLIT_ORDER and case.amount_fen == 6_000 for case in cases)


def test_times_lie_between_september_and_the_export() -> None:
    """Orders were placed from September on and finished before the files were made."""
    for name in (maker.TAOBAO_FILE, maker.DOUYIN_FILE):
        for order in _sample(name)[0].values():
            assert order.created_at is not None
            assert datetime(2026, 8, 31, 16, tzinfo=UTC) <= order.created_at
            assert order.created_at < (order.finished_at or datetime(2026, 11, 19, 14, tzinfo=UTC))
            assert order.finished_at is None or order.finished_at <= datetime(2026, 11, 19, 14, tzinfo=UTC)


def test_no_person_is_in_the_samples() -> None:
    """People appear only as masks and made-up ciphertexts."""
    for order in (*maker.taobao_rows()[:-1], *maker.douyin_rows()):
        for name in ("收货人姓名", "收件人", "联系手机", "收件人手机号", "收货地址", "详细地址", "买家支付宝账号"):
            assert "*" in order.get(name, "*") or order[name].strip("\t")[:2] in ("##", "$$")
