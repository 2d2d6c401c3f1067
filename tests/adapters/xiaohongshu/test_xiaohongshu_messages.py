"""Xiaohongshu's messages are verified by URL and headers, and believed in nothing but what to fetch."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st
from xiaohongshu_payloads import CALLBACK, ORDER_NO, SELLER, SIGNED_AT, message, settings, signed

from crossloyalty.adapters.xiaohongshu.messages import LARGEST_BODY, read_messages
from crossloyalty.errors import ConfigError, ForgedMessage

NOW = datetime.fromtimestamp(SIGNED_AT, UTC)
STATUS = message("msg_fulfillment_status_change", {"orderId": ORDER_NO, "orderStatus": 7, "updateTime": 1719800399000})
CLOSED = message("msg_after_sale_closed", {"returnsId": "R7000000000001", "orderId": ORDER_NO, "refundFee": 49.0})


def body(*messages: Any) -> bytes:
    return json.dumps(list(messages)).encode()


def test_a_signed_list_names_what_to_fetch() -> None:
    """Order and after-sale messages, with the shop and the platform's time."""
    first, second = read_messages(signed(), body(STATUS, CLOSED), settings(), now=NOW)
    assert (first.topic, first.order_no, first.refund_id) == ("msg_fulfillment_status_change", ORDER_NO, "")
    assert (first.shop_id, first.sent_at) == (SELLER, 1719800399_000_000)
    assert (second.order_no, second.refund_id, second.sent_at) == (ORDER_NO, "R7000000000001", None)


def test_headers_are_found_in_any_spelling() -> None:
    """HTTP header names have no case."""
    headers = {name.title(): value for name, value in signed().items()}
    assert len(read_messages(headers, body(STATUS), settings(), now=NOW)) == 1


def test_a_message_is_known_by_what_it_says() -> None:
    """The platform gives no id: the same message twice is one, in one request and in two."""
    (one,) = read_messages(signed(), body(STATUS), settings(), now=NOW)
    two, three, four = read_messages(signed(at=SIGNED_AT + 1), body(STATUS, CLOSED, STATUS), settings(), now=NOW)
    assert one.message_id == two.message_id == four.message_id != three.message_id


def test_the_probe_is_only_acknowledged() -> None:
    """It comes when the URL is saved, signed or not, and is about nothing."""
    probe = b'{"test":true}'
    assert read_messages({}, probe, settings(), now=NOW) == ()
    assert read_messages(signed(), probe, settings(), now=NOW) == ()


@pytest.mark.parametrize("seconds", [-300, 300])
def test_a_message_of_the_last_moment_is_taken(seconds: int) -> None:
    """Five minutes either way are still fresh, a second more is not."""
    assert read_messages(signed(), body(STATUS), settings(), now=NOW + timedelta(seconds=seconds))
    late = NOW + timedelta(seconds=seconds + (1 if seconds > 0 else -1))
    with pytest.raises(ForgedMessage):
        read_messages(signed(), body(STATUS), settings(), now=late)
    assert read_messages(signed(), body(STATUS), settings(message_age_s=301), now=late)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"timestamp": str(SIGNED_AT), "app-key": "demo-app-id"},
        {**signed(), "sign": ""},
        {**signed(), "sign": signed()["sign"].upper()},
        {**signed(), "sign": signed()["sign"][:-1]},
        {**signed(), "timestamp": str(SIGNED_AT + 1)},
        {**signed(), "SIGN": "x"},
        signed(secret="another-secret"),
        signed(app_key="another-app"),
        signed(callback="/webhooks/xhs"),
        signed(callback="/webhooks/xhs?shop=s2"),
        {**signed(), "sign": "é"},
    ],
)
def test_a_wrong_signature_is_refused(headers: dict[str, str]) -> None:
    """Missing, empty, cut, doubled, of another secret, app, path or query: none is taken, whatever the body."""
    for each in (body(STATUS), b"", b"x"):
        with pytest.raises(ForgedMessage):
            read_messages(headers, each, settings(), now=NOW)


def test_only_a_probe_may_come_unsigned() -> None:
    """A list, a longer object and a probe in disguise need a signature."""
    for each in (body(STATUS), b'{"test":true,"orderId":"P7"}', b'{"test":1}', b'{"test":true}' + b" " * 60):
        with pytest.raises(ForgedMessage):
            read_messages({}, each, settings(), now=NOW)


def test_both_secrets_hold_while_one_is_being_changed() -> None:
    """The old secret goes on working as long as it is set up, and not a message longer."""
    new = {"app_secret": "new-secret"}
    with_old = settings(**new, previous_app_secret="demo-app-secret")
    assert read_messages(signed(), body(STATUS), with_old, now=NOW)
    with pytest.raises(ForgedMessage):
        read_messages(signed(), body(STATUS), settings(**new), now=NOW)


def test_messages_need_the_callback_they_are_signed_for() -> None:
    """Without the URL's path nothing can be verified, and that is a matter of the set-up."""
    with pytest.raises(ConfigError):
        read_messages(signed(), body(STATUS), settings(callback=None), now=NOW)
    assert read_messages(signed(callback=CALLBACK), body(STATUS), settings(), now=NOW)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<html>",
        b"{}",
        b"7",
        b"[7]",
        b"[{}]",
        body(message("", {})),
        body(STATUS | {"data": "{"}),
        body(STATUS | {"data": "[1]"}),
        body(STATUS | {"data": 7}),
        b" " * (LARGEST_BODY + 1),
    ],
)
def test_a_signed_body_of_another_form_is_refused(raw: bytes) -> None:
    """What is no list of messages was not sent by the platform."""
    with pytest.raises(ForgedMessage):
        read_messages(signed(), raw, settings(), now=NOW)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
_about = st.dictionaries(st.sampled_from(["orderId", "returnsId", "updateTime"]), _json, max_size=3)
_message = st.fixed_dictionaries({"msgTag": _json, "sellerId": _json, "data": _about.map(json.dumps) | _json})


_BODIES = st.binary(max_size=100) | st.lists(_message | _json, max_size=3).map(lambda each: json.dumps(each).encode())


def _fuzz(raw: bytes) -> None:
    try:
        read_messages(signed(), raw, settings(), now=NOW)
    except ForgedMessage:
        return


@given(_BODIES)
def test_any_body_is_read_or_refused(raw: bytes) -> None:
    """Whatever comes under a good signature, it is messages or the one typed error."""
    _fuzz(raw)


@pytest.mark.release
@given(_BODIES)
@settings_of_hypothesis(max_examples=20_000)
def test_any_body_is_read_or_refused_for_long(raw: bytes) -> None:
    """The same, for long."""
    _fuzz(raw)
