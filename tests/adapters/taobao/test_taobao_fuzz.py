"""Whatever the platform sends, it is a fact, a doubt or one of our errors; and what is believed adds up."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from any_wire import ANY_JSON, changed
from hypothesis import given, settings
from hypothesis import strategies as st
from taobao_wire import call, refund, single, sub_order, trade
from taobao_wire import settings as shop

from crossloyalty.adapters.taobao import read_order_row, read_refund_row
from crossloyalty.adapters.taobao.answers import fault_of, payload, read_tokens
from crossloyalty.adapters.taobao.messages import read_messages
from crossloyalty.adapters.taobao.orders import read_order
from crossloyalty.adapters.taobao.refunds import read_refund
from crossloyalty.adapters.wire.reading import Node
from crossloyalty.adapters.wire.values import Answer, Doubtful, Fault
from crossloyalty.domain.orders import LARGEST_FEN, Order, Refund
from crossloyalty.errors import PlatformUnavailable

NOW = datetime(2026, 3, 1, tzinfo=UTC)
_CLOSED = sub_order(2, status="TRADE_CLOSED", refund_status="SUCCESS")
TRADES = st.sampled_from([trade(), single(), trade(sub_order(1), _CLOSED, payment="98.00")])
ORDERS = TRADES.flatmap(changed) | st.dictionaries(st.text(max_size=8), ANY_JSON, max_size=4)
REFUNDS = changed(refund()) | st.dictionaries(st.text(max_size=8), ANY_JSON, max_size=4)
SHOPS = st.sampled_from([shop(), shop(red_packets_off=True, rounding_fen=2), shop(buyer_id="ouid", platform="tmall")])


def check_order(value: dict[str, Any], of: Any) -> None:
    """A believed order balances and stays in bounds; a doubt says why."""
    read = read_order(Node(value, "order"), of)
    if isinstance(read, Doubtful):
        assert read.detail
        json.loads(read.payload)
        return
    assert isinstance(read, Order)
    assert read.lines
    if all(line.paid_fen is not None for line in read.lines):
        goods = sum(line.paid_fen or 0 for line in read.lines)
        assert read.paid_fen == goods + (read.shipping_fen or 0) <= 3 * LARGEST_FEN
    assert all((line.refunded_fen or 0) <= (line.paid_fen or 0) for line in read.lines)
    assert "*" not in (read.buyer_id or "")


def check_refund(value: dict[str, Any]) -> None:
    """A refund is one or is doubted."""
    assert isinstance(read_refund(Node(value, "refund"), shop()), (Refund, Doubtful))


def check_bytes(body: bytes) -> None:
    """Any bytes are an answer, a fault or an outage."""
    answer = Answer(status=200, body=body)
    with suppress(PlatformUnavailable):
        fault = fault_of(answer, call())
        assert fault is None or isinstance(fault, Fault)
        payload(answer, call())
    with suppress(PlatformUnavailable):
        read_messages(answer, shop())
    with suppress(PlatformUnavailable):
        read_tokens(answer, "taobao.top.auth.token.create", NOW)
    assert isinstance(read_order_row(body, shop()), (Order, Doubtful))
    assert isinstance(read_refund_row(body, shop()), (Refund, Doubtful))


BODIES = st.binary(max_size=100) | ANY_JSON.map(lambda value: json.dumps(value, default=str).encode())


@given(ORDERS, SHOPS)
@settings(max_examples=100)
def test_any_trade_is_an_order_or_a_doubt(value: dict[str, Any], of: Any) -> None:
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
def test_the_same_for_long(order: dict[str, Any], of: Any, back: dict[str, Any], body: bytes) -> None:
    """Twenty thousand of each."""
    check_order(order, of)
    check_refund(back)
    check_bytes(body)
