"""Whatever Douyin answers or pushes, it is read, doubted or refused by a typed error."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from douyin_payloads import SETTINGS, case, detail, order
from hypothesis import given, settings
from hypothesis import strategies as st
from mangled import any_json, mangled

from crossloyalty.adapters.douyin.messages import is_genuine, read_messages
from crossloyalty.adapters.douyin.orders import needs_refunds, read_order
from crossloyalty.adapters.douyin.refunds import needs_detail, read_refund
from crossloyalty.adapters.wire.reading import Node, Unreadable
from crossloyalty.adapters.wire.values import Doubtful
from crossloyalty.domain.orders import Order, OrderStatus, Refund
from crossloyalty.errors import PlatformUnavailable

_OBJECTS = st.dictionaries(st.sampled_from(sorted(order() | case())), any_json, max_size=12)
_MESSAGE = {"tag": "103", "msg_id": "7", "data": '{"p_id":6900000000000000001,"shop_id":4463798}'}


def check_order(payload: dict[str, Any]) -> None:
    """Read it: an order whose lines add up and that is finished only when paid, or a doubt."""
    found = read_order(Node(payload, "order"), SETTINGS)
    needs_refunds(Node(payload, "order"))
    if isinstance(found, Doubtful):
        assert "canary" not in found.payload + found.detail
        return
    assert isinstance(found, Order)
    if found.lines is not None:
        assert found.paid_fen == sum(line.paid_fen or 0 for line in found.lines) + (found.shipping_fen or 0)
    if found.status is OrderStatus.FINISHED:
        assert found.paid_at is not None or found.paid_fen == 0
        assert found.finished_at is not None


def check_refund(row: dict[str, Any], details: dict[str, Any] | None) -> None:
    """Read it: a refund whose parts are its amount, or a doubt."""
    needs_detail(Node(row, "row"))
    found = read_refund(Node(row, "row"), None if details is None else Node(details, "detail"))
    if isinstance(found, Refund):
        parts = (found.goods_fen or 0) + (found.shipping_fen or 0) + (found.subsidy_fen or 0)
        assert parts == found.amount_fen
    else:
        assert isinstance(found, Doubtful)


def check_body(body: bytes, headers: dict[str, str]) -> None:
    """Take it as a push: never genuine without a signature, and read or refused."""
    assert not is_genuine(SETTINGS, headers, body)
    with suppress(Unreadable, PlatformUnavailable):
        read_messages(SETTINGS, body)


_BODIES = st.binary(max_size=99) | mangled({"a": [_MESSAGE, _MESSAGE]}).map(
    lambda value: json.dumps(value.get("a"), default=str).encode()
)
_HEADERS = st.dictionaries(st.sampled_from(["event-sign", "app-id"]), st.text(max_size=40))


@given(mangled(order()) | _OBJECTS)
def test_any_order_is_read_or_doubted(payload: dict[str, Any]) -> None:
    """An order with any fields replaced or missing never raises."""
    check_order(payload)


@given(mangled(case()) | _OBJECTS, st.none() | mangled(detail()))
def test_any_case_is_read_or_doubted(row: dict[str, Any], details: dict[str, Any] | None) -> None:
    """An after-sale case with any fields replaced or missing never raises."""
    check_refund(row, details)


@given(_BODIES, _HEADERS)
def test_any_body_is_read_or_refused(body: bytes, headers: dict[str, str]) -> None:
    """Any bytes pushed are messages or a typed error, and none is genuine by chance."""
    check_body(body, headers)


@pytest.mark.release
@settings(max_examples=20_000)
@given(mangled(order()), mangled(case()), mangled(detail()), _BODIES, _HEADERS)
def test_many_of_each_are_read_or_refused(
    first: dict[str, Any], row: dict[str, Any], details: dict[str, Any], body: bytes, headers: dict[str, str]
) -> None:
    """The three properties above, twenty thousand times."""
    check_order(first)
    check_refund(row, details)
    check_body(body, headers)
