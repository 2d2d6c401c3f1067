"""Kuaishou's refunds hold the platform's part, so they are brought onto the buyer's basis before they count (D8)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kuaishou_payloads import OID, fee, order, refund, settings

from crossloyalty.adapters.kuaishou.orders import read_order
from crossloyalty.adapters.kuaishou.refunds import is_over, read_refund, refund_id_of
from crossloyalty.adapters.wire.values import Doubtful
from crossloyalty.domain.effective import effective_order
from crossloyalty.domain.facts import load_facts, merge_order, merge_refund
from crossloyalty.domain.orders import Order, Refund, RefundKind, RefundStatus


def read(raw: Any, fees: Any = None, **changes: Any) -> Refund:
    made = read_refund(raw, fees, settings(**changes))
    assert isinstance(made, Refund), made
    return made


def net_after(*refunds: Refund, fees: Any = None) -> int:
    """Give what still counts of the order after refunds, in fen."""
    made = read_order(order(), fees or fee(), settings())
    assert isinstance(made, Order)
    facts = load_facts("")
    merge_order(facts, made)
    for each in refunds:
        merge_refund(facts, each)
    effective = effective_order(facts)
    assert effective is not None
    return sum(line.net_fen for line in effective.lines)


def test_the_page_s_sample_is_read_whole() -> None:
    """49.00 of 103.00 hold 49.00 × 5 / 103 = 2.37 of the platform, rounded down."""
    made = read(refund(), fee())
    assert (made.order_no, made.refund_id) == (str(OID), "2418000000000001")
    assert (made.status, made.kind) == (RefundStatus.SUCCESS, RefundKind.RETURN)
    assert (made.amount_fen, made.subsidy_fen) == (4900, 237)
    assert net_after(made) == 9800 - (4900 - 237)


@pytest.mark.parametrize("code", [10, 11, 20, 21, 22, 30, 40, 45, 50])
def test_every_step_before_the_money_is_open(code: int) -> None:
    """Asked for, argued about, on its way: it holds the order back and takes nothing."""
    made = read(refund(status=code), fee())
    assert (made.status, made.subsidy_fen) == (RefundStatus.OPEN, None)


def test_seventy_is_closed_for_a_refund() -> None:
    """70 ends a refund without money; for an order it means success."""
    assert read(refund(status=70)).status is RefundStatus.CLOSED
    assert net_after(read(refund(status=70), fee())) == 9800


@pytest.mark.parametrize("code", [0, 12, 61, 80])
def test_an_unknown_status_is_held_back(code: int) -> None:
    """A word the page does not have is reviewed, with the order it belongs to."""
    made = read_refund(refund(status=code), None, settings())
    assert isinstance(made, Doubtful)
    assert (made.code, made.order_no) == ("UNKNOWN_STATUS", str(OID))


@pytest.mark.parametrize(("way", "kind", "amount"), [(1, RefundKind.RETURN, 4900), (10, RefundKind.RETURN, 4900)])
def test_money_goes_back_with_or_without_goods(way: int, kind: RefundKind, amount: int) -> None:
    """Return-and-refund and refund-only take the same."""
    made = read(refund(handlingWay=way))
    assert (made.kind, made.amount_fen) == (kind, amount)


@pytest.mark.parametrize("way", [3, 4, 5])
def test_what_moves_goods_alone_takes_nothing_back(way: int) -> None:
    """Exchange, resend and repair are of amount 0 whatever `refundFee` says (D31)."""
    made = read(refund(handlingWay=way), fee())
    assert (made.kind, made.amount_fen, net_after(made)) == (RefundKind.EXCHANGE, 0, 9800)


def test_price_protection_is_a_kind_of_its_own() -> None:
    """It reduces what counts without anything coming back, unless the program ignores it."""
    assert read(refund(specialRefundType=1), fee()).kind is RefundKind.PRICE_PROTECTION


def test_a_full_refund_leaves_nothing_and_never_less() -> None:
    """103.00 go back for an order of which the buyer paid 98.00: net 0, with and without the subsidy taken out (D8)."""
    for changes in ({}, {"refund_subsidy": "unstated"}):
        made = read(refund(refundFee=10300), fee(), **changes)
        assert net_after(made) == 0
    assert read(refund(refundFee=10300), fee()).subsidy_fen == 500
    assert net_after(read(refund(refundFee=99_999), fee())) == 0


def test_the_subsidy_stays_unstated_where_it_cannot_be_known() -> None:
    """Without fees, with another order's or with ones that do not add up, the whole refund counts as the buyer's."""
    for fees in (None, fee(oid=OID + 1), fee(buyerPay=1), [], fee(totalFee=0, buyerPay=0, platformBearAmount=0)):
        made = read(refund(), fees)
        assert made.subsidy_fen in (None, 0)
    assert net_after(read(refund())) == 9800 - 4900


@given(st.lists(st.integers(1, 10300), min_size=1, max_size=4), st.integers(0, 10300))
def test_partial_refunds_end_between_zero_and_paid(parts: list[int], subsidy: int) -> None:
    """However refunds are cut, the net is never negative, and refunds of all that was received leave nothing."""
    fees = fee(platformBearAmount=subsidy, buyerPay=10300 - subsidy)
    made = [read(refund(refundId=2418000000000001 + place, refundFee=part), fees) for place, part in enumerate(parts)]
    net = net_after(*made, fees=fees)
    assert 0 <= net <= 10300 - subsidy
    if sum(parts) >= 10300:
        assert net == 0


def test_another_shop_s_refund_is_held_back() -> None:
    """Where the seller's number is set up, a refund of another seller is not counted."""
    assert read(refund(), seller_id="1234567").refund_id == "2418000000000001"
    assert isinstance(read_refund(refund(), None, settings(seller_id="7654321")), Doubtful)


@pytest.mark.parametrize(
    "raw",
    [None, 7, "13800138000", {}, refund(refundId="x"), refund(oid=None), refund(refundFee=-1), refund(status=None)],
)
def test_what_cannot_be_read_is_held_back_alone(raw: Any) -> None:
    """One bad refund never spoils its page."""
    made = read_refund(raw, fee(), settings())
    assert isinstance(made, Doubtful)
    assert made.code == "UNREADABLE"
    assert "138" not in made.payload


def test_a_row_says_whether_its_detail_is_worth_asking_for() -> None:
    """Only money that went back can be price protection."""
    assert (is_over(refund()), is_over(refund(status=30)), is_over(None)) == (True, False, False)
    assert (refund_id_of(refund()), refund_id_of({})) == ("2418000000000001", "")
