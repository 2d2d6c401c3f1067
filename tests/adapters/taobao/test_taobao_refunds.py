"""Refunds of the platform become facts with their own ids, in the kinds that money goes back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from taobao_wire import PHONE, TID, parsed, refund, settings

from crossloyalty.adapters.taobao.refunds import read_refund
from crossloyalty.adapters.wire.values import Doubtful
from crossloyalty.domain.orders import Refund, RefundKind, RefundStatus


def read(**fields: Any) -> Refund | Doubtful:
    """Read a refund."""
    return read_refund(parsed(refund(**fields), "refund"), settings())


def refund_of(**fields: Any) -> Refund:
    """Read a refund that has to be believed."""
    found = read(**fields)
    assert isinstance(found, Refund), found
    return found


def test_a_refund_after_completion() -> None:
    """The refund of the page: ¥90 of one sub-order, known by its id."""
    assert refund_of() == Refund(
        platform="taobao",
        order_no=TID,
        refund_id="190000000000000001",
        status=RefundStatus.SUCCESS,
        amount_fen=9_000,
        line_id="2600000000000000003",
        modified_at=datetime(2026, 3, 5, 8, 20, 30, tzinfo=UTC),
        kind=RefundKind.RETURN,
    )


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("WAIT_SELLER_AGREE", RefundStatus.OPEN),
        ("WAIT_BUYER_RETURN_GOODS", RefundStatus.OPEN),
        ("WAIT_SELLER_CONFIRM_GOODS", RefundStatus.OPEN),
        ("SELLER_REFUSE_BUYER", RefundStatus.OPEN),
        ("WAIT_BUYER_CONFIRM_EXCHANGE_SELLER_SEND_GOODS", RefundStatus.OPEN),
        ("WAIT_SELLER_CONSIGN_GOODS", RefundStatus.OPEN),
        ("EXCHANGE_TRANSFORM_TO_REFUND", RefundStatus.OPEN),
        ("CLOSED", RefundStatus.CLOSED),
        ("SUCCESS", RefundStatus.SUCCESS),
    ],
)
def test_every_status_word(word: str, status: RefundStatus) -> None:
    """Only SUCCESS has moved money; a refusal of the seller is not the end."""
    assert refund_of(status=word).status is status


@pytest.mark.parametrize(
    ("fields", "kind", "amount"),
    [
        ({"dispute_type": "REFUND"}, RefundKind.RETURN, 9_000),
        ({"dispute_type": None}, RefundKind.RETURN, 9_000),
        ({"dispute_type": "TMALL_EXCHANGE", "refund_fee": None}, RefundKind.EXCHANGE, 0),
        ({"dispute_type": "TAOBAO_EXCHANGE", "refund_fee": "0.00"}, RefundKind.EXCHANGE, 0),
        ({"dispute_type": "REPAIR", "refund_fee": "0.00"}, RefundKind.EXCHANGE, 0),
        ({"dispute_type": "RESHIPPING", "refund_fee": "5.00"}, RefundKind.EXCHANGE, 500),
        ({"special_refund_type": "priceProtect", "refund_fee": "3.50"}, RefundKind.PRICE_PROTECTION, 350),
        ({"special_refund_type": "cashBack", "refund_fee": "1"}, RefundKind.CASHBACK, 100),
    ],
)
def test_kinds_of_refunds(fields: dict[str, Any], kind: RefundKind, amount: int) -> None:
    """Price protection and cash-back are told from returns; an exchange moves money only if it says so (D31)."""
    found = refund_of(**fields)
    assert (found.kind, found.amount_fen) == (kind, amount)


def test_a_refund_of_a_single_sub_order_names_the_order_itself() -> None:
    """`oid` equals `tid` there; without an `oid` the refund belongs to the whole order."""
    assert refund_of(oid=int(TID)).line_id == TID
    assert refund_of(oid=None).line_id is None


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        ({"status": "NEW_WORD"}, "UNKNOWN_STATUS"),
        ({"status": None}, "UNREADABLE"),
        ({"refund_fee": None}, "UNREADABLE"),
        ({"refund_fee": "-1.00"}, "UNREADABLE"),
        ({"refund_id": None}, "UNREADABLE"),
        ({"refund_id": PHONE * 20}, "UNREADABLE"),
        ({"tid": None}, "UNREADABLE"),
        ({"oid": "x"}, "UNREADABLE"),
        ({"modified": "now"}, "UNREADABLE"),
    ],
)
def test_what_cannot_be_believed_is_doubted(broken: dict[str, Any], code: str) -> None:
    """A broken refund is set aside with its order's number, and no personal value with it."""
    doubt = read(**broken)
    assert isinstance(doubt, Doubtful)
    assert doubt.code == code
    assert doubt.order_no == ("" if "tid" in broken else TID)
    assert doubt.refund_id == ("" if "refund_id" in broken else "190000000000000001")
    assert PHONE not in doubt.detail
    assert "t**1" not in doubt.payload


def test_an_open_refund_without_an_amount_is_open_all_the_same() -> None:
    """It blocks the issue; nothing has gone back."""
    found = refund_of(status="WAIT_SELLER_AGREE", refund_fee=None)
    assert (found.status, found.amount_fen) == (RefundStatus.OPEN, 0)
