"""Xiaohongshu's after-sale cases are in yuan, and only `refundStatus` says that money went back."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from xiaohongshu_payloads import ORDER_NO, SKU, case, order, settings, sku

from crossloyalty.adapters.wire.values import Doubtful
from crossloyalty.adapters.xiaohongshu.orders import read_order
from crossloyalty.adapters.xiaohongshu.refunds import read_refund, refund_id_of
from crossloyalty.domain.effective import effective_order
from crossloyalty.domain.facts import load_facts, merge_order, merge_refund
from crossloyalty.domain.orders import Order, Refund, RefundKind, RefundStatus


def read(raw: Any) -> Refund:
    made = read_refund(raw)
    assert isinstance(made, Refund), made
    return made


def net_after(*refunds: Refund, raw: Any = None) -> int:
    made = read_order(raw or order(), settings())
    assert isinstance(made, Order)
    facts = load_facts("")
    merge_order(facts, made)
    for each in refunds:
        merge_refund(facts, each)
    effective = effective_order(facts)
    assert effective is not None
    return sum(line.net_fen for line in effective.lines)


def test_the_page_s_sample_is_read_whole() -> None:
    """49.0 yuan are 4,900 fen; 98.00 − 49.00 = 49.00 still count."""
    made = read(case())
    assert (made.order_no, made.refund_id, made.line_id) == (ORDER_NO, "R7000000000001", f"sku:{SKU}")
    assert (made.status, made.kind, made.amount_fen) == (RefundStatus.SUCCESS, RefundKind.RETURN, 4900)
    assert made.modified_at == datetime(2024, 7, 6, 17, 20, tzinfo=UTC)
    assert net_after(made) == 4900


@pytest.mark.parametrize("amount", ["49", "49.00", Decimal("49.0"), 49])
def test_yuan_come_as_text_and_as_numbers(amount: Any) -> None:
    """All spellings of one amount are one amount."""
    assert read(case(refundAmountYuan=amount)).amount_fen == 4900


@pytest.mark.parametrize(
    ("status", "money", "expected"),
    [
        (1, 101, RefundStatus.OPEN),
        (2, 201, RefundStatus.OPEN),
        (3, 301, RefundStatus.OPEN),
        (14, None, RefundStatus.OPEN),
        (4, 1, RefundStatus.OPEN),
        (4, 108, RefundStatus.OPEN),
        (4, 3, RefundStatus.OPEN),
        (4, 2, RefundStatus.SUCCESS),
        (6, 2, RefundStatus.SUCCESS),
        (5, None, RefundStatus.CLOSED),
        (6, None, RefundStatus.CLOSED),
        (9, 302, RefundStatus.CLOSED),
        (9001, None, RefundStatus.CLOSED),
        (4, 401, RefundStatus.CLOSED),
        (4, 402, RefundStatus.CLOSED),
    ],
)
def test_only_paid_back_is_paid_back(status: int, money: int | None, expected: RefundStatus) -> None:
    """A finished case whose money has not moved, or could not, is open; refused and withdrawn ones are closed."""
    assert read(case(status=status, refundStatus=money)).status is expected


@pytest.mark.parametrize(
    "changes", [{"status": 7}, {"refundStatus": 4}, {"returnType": 3}, {"returnType": 0}, {"status": 0}]
)
def test_an_unknown_word_is_held_back(changes: dict[str, int]) -> None:
    """What the page does not have is reviewed, with the order it belongs to."""
    made = read_refund(case(**changes))
    assert isinstance(made, Doubtful)
    assert (made.code, made.order_no) == ("UNKNOWN_STATUS", ORDER_NO)


@pytest.mark.parametrize(
    ("code", "kind"),
    [(1, RefundKind.RETURN), (4, RefundKind.RETURN), (5, RefundKind.RETURN), (6, RefundKind.PRICE_PROTECTION)],
)
def test_every_kind_that_pays_back(code: int, kind: RefundKind) -> None:
    """With and without goods, before and after shipment, and price protection (D31)."""
    made = read(case(returnType=code))
    assert (made.kind, made.amount_fen) == (kind, 4900)


@pytest.mark.parametrize(
    ("status", "expected"), [(12, RefundStatus.OPEN), (13, RefundStatus.OPEN), (4, RefundStatus.SUCCESS)]
)
def test_an_exchange_takes_nothing_back(status: int, expected: RefundStatus) -> None:
    """It holds the order back while it is open and is of amount 0 whatever stands there (D31)."""
    made = read(case(returnType=2, status=status, refundStatus=None))
    assert (made.kind, made.status, made.amount_fen) == (RefundKind.EXCHANGE, expected, 0)
    assert net_after(made) == 9800


def test_goods_and_freight_are_told_apart() -> None:
    """49.00 of goods and 8.00 freight: the freight takes nothing off the goods."""
    raw = case(refundAmountYuan="57.0", appliedSkusAmountYuan="49.0", appliedShipFeeAmountYuan="8.0")
    made = read(raw)
    assert (made.amount_fen, made.goods_fen, made.shipping_fen) == (5700, 4900, 800)
    with_freight = order(totalShippingFree=800, skuList=[sku(totalPaidAmount=9000)])
    assert net_after(made, raw=with_freight) == 9000 - 4900


def test_less_than_asked_for_is_goods_first() -> None:
    """50.00 paid back of 49.00 + 8.00 asked for: 1.00 of freight; 40.00: none."""
    asked = {"appliedSkusAmountYuan": "49.0", "appliedShipFeeAmountYuan": "8.0"}
    for paid, goods, freight in (("50.0", 4900, 100), ("40.0", 4000, 0)):
        made = read(case(refundAmountYuan=paid, **asked))
        assert (made.goods_fen, made.shipping_fen) == (goods, freight)


def test_a_case_of_several_products_belongs_to_the_order() -> None:
    """What belongs to no one line is shared out over all."""
    rows = [{"skuId": SKU}, {"skuId": "600000000000000000000002"}]
    assert read(case(skus=rows)).line_id is None
    assert read(case(skus=None)).line_id is None
    assert read(case(skus=[{"skuId": SKU}, {"skuId": SKU}])).line_id == f"sku:{SKU}"


@pytest.mark.parametrize("moment", [1720286400, 1720286400000])
def test_the_time_of_a_refund_may_be_either_unit(moment: int) -> None:
    """Its unit is not documented; without `updatedAt` it is the version."""
    assert read(case(updatedAt=0, refundTime=moment)).modified_at == datetime(2024, 7, 6, 17, 20, tzinfo=UTC)


def test_all_of_it_back_leaves_nothing() -> None:
    """Two cases of 49.00 take 98.00; more than that never makes less than nothing."""
    first, second = read(case()), read(case(returnsId="R7000000000002"))
    assert net_after(first, second) == 0
    assert net_after(first, second, read(case(returnsId="R7000000000003"))) == 0


@pytest.mark.parametrize(
    "raw",
    [
        None,
        7,
        "13800138000",
        {},
        case(returnsId=None),
        case(orderId="P 7"),
        case(refundAmountYuan=None),
        case(refundAmountYuan="49.005"),
        case(refundAmountYuan="-1"),
        case(status=None),
        case(refundStatus=None),
        case(skus=[7]),
    ],
)
def test_what_cannot_be_read_is_held_back_alone(raw: Any) -> None:
    """One bad case never spoils its page; money that went back has to say how much."""
    made = read_refund(raw)
    assert isinstance(made, Doubtful)
    assert made.code == "UNREADABLE"
    assert "138" not in made.payload
    assert refund_id_of(raw) in ("", "R7000000000001")
