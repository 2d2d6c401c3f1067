"""Whatever Pinduoduo answers, an order is read, doubted or refused by a typed error; a grant never rests on luck."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mangled import any_json, mangled
from pinduoduo_payloads import LATER, SETTINGS, case, order

from crossloyalty.adapters.pinduoduo.messages import frame_answer, frame_shop, read_frame
from crossloyalty.adapters.pinduoduo.orders import needs_refunds, read_order
from crossloyalty.adapters.pinduoduo.refunds import read_refund
from crossloyalty.adapters.wire.reading import Node, Unreadable
from crossloyalty.adapters.wire.values import Doubtful, Pushed
from crossloyalty.domain.orders import Order, Refund
from crossloyalty.errors import PlatformUnavailable

_OBJECTS = st.dictionaries(st.sampled_from(sorted(order() | case())), any_json, max_size=12)


def check_order(payload: dict[str, Any]) -> None:
    """Read it: an order whose lines add up, or a doubt that quotes nothing personal."""
    found = read_order(Node(payload, "order"), SETTINGS, now=LATER)
    needs_refunds(Node(payload, "order"))
    if isinstance(found, Doubtful):
        assert "canary" not in found.payload + found.detail
        return
    assert isinstance(found, Order)
    if found.lines is not None:
        assert found.paid_fen == sum(line.paid_fen or 0 for line in found.lines) + (found.shipping_fen or 0)


def check_refund(payload: dict[str, Any]) -> None:
    """Read it: a refund or a doubt."""
    assert isinstance(read_refund(Node(payload, "case")), (Refund, Doubtful))


def check_frame(body: bytes) -> None:
    """Read it: a message, nothing, or one of the two typed errors."""
    with suppress(Unreadable, PlatformUnavailable):
        frame_answer(body, LATER, taken=True)
        frame_shop(body)
        assert isinstance(read_frame(SETTINGS, body), (Pushed, type(None)))


_FRAME = {
    "id": 1,
    "commandType": "Common",
    "time": 1719800400123,
    "sendTime": 1719800400456,
    "message": {"type": "t", "mallID": 100200300, "content": '{"tid":"240701-355530178600001"}'},
}


@given(mangled(order()) | _OBJECTS)
def test_any_order_is_read_or_doubted(payload: dict[str, Any]) -> None:
    """An order with any fields replaced or missing never raises."""
    check_order(payload)


@given(mangled(case()) | _OBJECTS)
def test_any_case_is_read_or_doubted(payload: dict[str, Any]) -> None:
    """An after-sale case with any fields replaced or missing never raises."""
    check_refund(payload)


@given(st.binary(max_size=99) | mangled(_FRAME).map(lambda value: json.dumps(value, default=str).encode()))
def test_any_frame_is_read_or_refused(body: bytes) -> None:
    """Any bytes on the socket are a message, nothing or a typed error."""
    check_frame(body)


@pytest.mark.release
@settings(max_examples=20_000)
@given(mangled(order()), mangled(case()), st.binary(max_size=300))
def test_many_of_each_are_read_or_refused(first: dict[str, Any], second: dict[str, Any], body: bytes) -> None:
    """The three properties above, twenty thousand times."""
    check_order(first)
    check_refund(second)
    check_frame(body)
