"""After-sale cases of a Weixin shop: which states move money, which hold an issue back, which are over."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wechat_shop import ORDER_NO, answer, read_case, refund_detail, through_json

from crossloyalty.adapters.wechat.refunds import read_refund, read_refund_answer
from crossloyalty.adapters.wire.values import Doubtful
from crossloyalty.domain.keys import clean_id
from crossloyalty.domain.orders import Refund, RefundKind, RefundStatus

CASE = "1934160000000001"


def _refund(**changes: Any) -> Refund:
    (refund,) = read_case(**changes).items
    assert isinstance(refund, Refund)
    return refund


def test_the_documented_sample_is_a_return_of_one_piece() -> None:
    """The sample gives back 49.00 for one line, known by its own number and time."""
    assert read_case().items == (
        Refund(
            platform="wechat",
            order_no=ORDER_NO,
            refund_id=CASE,
            status=RefundStatus.SUCCESS,
            amount_fen=4900,
            line_id="10000000000001:20000001",
            modified_at=datetime(2024, 7, 6, 17, 20, tzinfo=UTC),  # 1720286400 s
            kind=RefundKind.RETURN,
        ),
    )


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("MERCHANT_REFUND_SUCCESS", RefundStatus.SUCCESS),
        ("MERCHANT_RETURN_SUCCESS", RefundStatus.SUCCESS),
        ("USER_CANCELD", RefundStatus.CLOSED),
        ("RETURN_CLOSED", RefundStatus.CLOSED),
        ("MERCHANT_FAIL", RefundStatus.CLOSED),
        ("MERCHANT_REFUND_RETRY_FAIL", RefundStatus.PAYOUT_FAILED),
        ("MERCHANT_PROCESSING", RefundStatus.OPEN),
        ("MERCHANT_REJECT_REFUND", RefundStatus.OPEN),
        ("MERCHANT_REJECT_RETURN", RefundStatus.OPEN),
        ("USER_WAIT_RETURN", RefundStatus.OPEN),
        ("MERCHANT_WAIT_RECEIPT", RefundStatus.OPEN),
        ("MERCHANT_OVERDUE_REFUND", RefundStatus.OPEN),
        ("PLATFORM_REFUNDING", RefundStatus.OPEN),
        ("PLATFORM_REFUND_FAIL", RefundStatus.OPEN),
        ("USER_WAIT_CONFIRM", RefundStatus.OPEN),
        ("USER_WAIT_CONFIRM_UPDATE", RefundStatus.OPEN),
        ("USER_WAIT_HANDLE_MERCHANT_AFTER_SALE", RefundStatus.OPEN),
    ],
)
def test_each_state_of_a_case(word: str, status: RefundStatus) -> None:
    """Money moves in the two successes only; what the platform itself counts as under way is open."""
    refund = _refund(status=word)
    assert (refund.status, refund.amount_fen) == (status, 4900)
    assert read_case(status=word).doubtful == ()


def test_an_unknown_state_is_a_doubt_of_that_case() -> None:
    """A word the pages do not name is no refund yet: a person looks at this case, and the order is read as ever."""
    facts = read_case(status="SOMETHING_NEW")
    assert facts.items == ()
    told = [(each.order_no, each.refund_id, each.code) for each in facts.doubtful]
    assert told == [(ORDER_NO, CASE, "UNKNOWN_STATUS")]


def test_an_exchange_moves_no_money_unless_it_ends_with_money() -> None:
    """Goods against goods: 0, whatever figure stands there; an exchange that ends as a refund gives that back."""
    done = _refund(type="EXCHANGE", status="MERCHANT_EXCHANGE_SUCCESS")
    assert (done.kind, done.status, done.amount_fen) == (RefundKind.EXCHANGE, RefundStatus.SUCCESS, 0)
    under_way = _refund(type="EXCHANGE", status="USER_WAIT_RECEIPT", refund_info=...)
    assert (under_way.kind, under_way.status, under_way.amount_fen) == (RefundKind.EXCHANGE, RefundStatus.OPEN, 0)
    refunded = _refund(type="EXCHANGE", status="MERCHANT_REFUND_SUCCESS")
    assert (refunded.kind, refunded.amount_fen) == (RefundKind.RETURN, 4900)


def test_money_without_goods_and_unknown_types_count_as_money() -> None:
    """A refund without return has no kind of its own; a type that is not known (a price difference) counts as well."""
    assert _refund(type="REFUND", status="MERCHANT_REFUND_SUCCESS").kind is None
    other = _refund(type="PRICE_DIFF", status="MERCHANT_REFUND_SUCCESS")
    assert (other.kind, other.amount_fen) == (None, 4900)


def test_a_case_without_a_product_belongs_to_the_order() -> None:
    """Without product and SKU it is for the whole order."""
    assert _refund(product_info=...).line_id is None
    assert _refund(product_info__sku_id="").line_id is None


@pytest.mark.parametrize(
    "changes",
    [
        {"order_id": ""},
        {"status": ...},
        {"after_sale_order_id": None},
        {"refund_info": ...},
        {"refund_info__amount": -1},
        {"refund_info__amount": "49.00"},
        {"update_time": "now"},
        {"product_info": [1]},
    ],
)
def test_an_unreadable_case_is_held_back(changes: dict[str, Any]) -> None:
    """A success without an amount, or a field of the wrong shape, goes to review."""
    facts = read_case(**changes)
    assert facts.items == ()
    named = "" if "after_sale_order_id" in changes else CASE
    assert [(each.code, each.refund_id) for each in facts.doubtful] == [("UNREADABLE", named)]


def test_an_answer_about_another_case_is_held_back() -> None:
    """The detail of a case that was not asked for is not taken for the one that was."""
    good = answer({"errcode": 0, "after_sale_order": refund_detail()})
    assert len(read_refund_answer(good, CASE).items) == 1
    for wrong in (good, answer({"errcode": 0}), answer({"after_sale_order": []})):
        facts = read_refund_answer(wrong, "1")
        assert (facts.items, [(each.code, each.refund_id) for each in facts.doubtful]) == ((), [("UNREADABLE", "1")])


_VALUES = st.none() | st.booleans() | st.integers(-5, 10**20) | st.text(max_size=8) | st.lists(st.none(), max_size=2)


def _check_fuzzed(changes: dict[str, Any]) -> None:
    read = read_refund(through_json(refund_detail() | changes, "after_sale_order"))
    assert isinstance(read, Refund | Doubtful)
    assert not read.refund_id or clean_id(read.refund_id, "refund_id")


@given(st.dictionaries(st.sampled_from([*refund_detail()]), _VALUES, max_size=4))
@settings(max_examples=100)
def test_any_case_is_read_or_held_back(changes: dict[str, Any]) -> None:
    """Whatever a case looks like, it is a refund or it goes to review; nothing is ever raised."""
    _check_fuzzed(changes)


@pytest.mark.release
@given(st.dictionaries(st.sampled_from([*refund_detail()]), _VALUES, max_size=4))
@settings(max_examples=20_000)
def test_any_case_is_read_or_held_back_for_long(changes: dict[str, Any]) -> None:
    """The same, for long."""
    _check_fuzzed(changes)
