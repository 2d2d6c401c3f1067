"""Whatever JD sends, it is a fact, a doubt or one of our errors; and what is believed adds up."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from any_wire import ANY_JSON, changed
from hypothesis import given, settings
from hypothesis import strategies as st
from jd_wire import application, call, item, order, service, sp_order, sp_service
from jd_wire import settings as shop

from crossloyalty.adapters.jd import read_order_row, sp_answers
from crossloyalty.adapters.jd.answers import fault_of, inner, payload, read_tokens
from crossloyalty.adapters.jd.orders import read_order
from crossloyalty.adapters.jd.refunds import read_application, read_service
from crossloyalty.adapters.jd.sp_orders import read_order as read_sp_order
from crossloyalty.adapters.jd.sp_refunds import read_service as read_sp_service
from crossloyalty.adapters.wire.reading import Node, Unreadable
from crossloyalty.adapters.wire.values import Answer, Doubtful, Fault
from crossloyalty.domain.orders import Order, Refund
from crossloyalty.errors import PlatformUnavailable

NOW = datetime(2026, 3, 1, tzinfo=UTC)
_ANY = st.dictionaries(st.text(max_size=8), ANY_JSON, max_size=4)
_SPLIT = order(parentOrderId="290000000077", itemInfoList=[item(1), item(2), item(3, jdPrice="0.00")])
ORDERS = st.sampled_from([order(), _SPLIT, sp_order()]).flatmap(changed) | _ANY
REFUNDS = st.sampled_from([application(), service(), sp_service()]).flatmap(changed) | _ANY
SHOPS = st.sampled_from([shop(), shop(gift_cards="counted"), shop(discounts_listed=False, parent_numbers=False)])
BODIES = st.binary(max_size=100) | ANY_JSON.map(lambda value: json.dumps(value, default=str).encode())


def check_order(value: dict[str, Any], of: Any) -> None:
    """A believed order balances; a doubt says why."""
    for parse in (read_order, read_sp_order):
        read = parse(Node(value, "order"), of)
        if isinstance(read, Doubtful):
            assert read.detail
            json.loads(read.payload)
            continue
        assert isinstance(read, Order)
        assert read.lines
        assert read.paid_fen == sum(line.paid_fen or 0 for line in read.lines) + (read.shipping_fen or 0)
        assert "*" not in (read.buyer_id or "")


def check_refund(value: dict[str, Any]) -> None:
    """A refund is one or is doubted."""
    for parse in (read_application, read_service, read_sp_service):
        assert isinstance(parse(Node(value, "refund"), shop()), (Refund, Doubtful))


def check_bytes(body: bytes) -> None:
    """Any bytes are an answer, a fault or an outage."""
    answer = Answer(status=200, body=body)
    for read in (fault_of, sp_answers.fault_of):
        for name in ("jingdong.pop.order.get", "oauth2.refresh_token"):
            with suppress(PlatformUnavailable):
                fault = read(answer, call(name))
                assert fault is None or isinstance(fault, Fault)
    with suppress(PlatformUnavailable):
        inner(payload(answer, call()), "orderInfoList")
    with suppress(PlatformUnavailable, Unreadable):
        sp_answers.page_of(answer)
    with suppress(PlatformUnavailable):
        sp_answers.one(answer)
    with suppress(PlatformUnavailable):
        read_tokens(answer, NOW)
    assert isinstance(read_order_row(body, shop()), (Order, Doubtful))


@given(ORDERS, SHOPS)
@settings(max_examples=100)
def test_any_order_is_an_order_or_a_doubt(value: dict[str, Any], of: Any) -> None:
    """Nothing but an order or a doubt comes out, and believed amounts add up."""
    check_order(value, of)


@given(REFUNDS)
@settings(max_examples=100)
def test_any_refund_is_a_refund_or_a_doubt(value: dict[str, Any]) -> None:
    """Nothing but a refund or a doubt comes out."""
    check_refund(value)


@given(BODIES)
@settings(max_examples=100)
def test_any_bytes_are_read_or_an_outage(body: bytes) -> None:
    """Nothing but our own error leaves the readers of answers."""
    check_bytes(body)


@pytest.mark.release
@given(ORDERS, SHOPS, REFUNDS, BODIES)
@settings(max_examples=20_000)
def test_the_same_for_long(value: dict[str, Any], of: Any, back: dict[str, Any], body: bytes) -> None:
    """Twenty thousand of each."""
    check_order(value, of)
    check_refund(back)
    check_bytes(body)
