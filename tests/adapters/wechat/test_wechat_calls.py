"""Calls to a Weixin shop and what its answers mean, whatever HTTP status they come with."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wechat_shop import NOW, ORDER_NO, SETTINGS, answer

from crossloyalty.adapters.wechat import calls
from crossloyalty.adapters.wechat.answers import fault_of, read_order_ids, read_refund_ids, read_tokens
from crossloyalty.adapters.wechat.orders import read_order_answer, refund_ids
from crossloyalty.adapters.wechat.refunds import read_refund_answer
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.values import Action, Answer, Call
from crossloyalty.errors import PlatformUnavailable

TOKEN = Secret("tok/en+with=signs&more")
SINCE = datetime(2024, 7, 1, tzinfo=UTC)  # 1719792000 s
CALL = calls.get_order(SETTINGS, TOKEN, ORDER_NO)


def _sent(call: Call) -> tuple[str, str, dict[str, Any]]:
    parts = urlsplit(call.url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}", parts.query, json.loads(call.body)


@pytest.mark.parametrize(
    ("call", "path", "body"),
    [
        (
            calls.list_orders(SETTINGS, TOKEN, SINCE, SINCE + timedelta(days=7)),
            "/channels/ec/order/list/get",
            {"update_time_range": {"start_time": 1719792000, "end_time": 1720396800}, "page_size": 50},
        ),
        (
            calls.list_orders(SETTINGS, TOKEN, SINCE, SINCE + timedelta(milliseconds=1500), "key"),
            "/channels/ec/order/list/get",
            {
                "update_time_range": {"start_time": 1719792000, "end_time": 1719792002},
                "page_size": 50,
                "next_key": "key",
            },
        ),
        (CALL, "/channels/ec/order/get", {"order_id": ORDER_NO, "encode_sensitive_info": True}),
        (
            calls.list_refunds(SETTINGS, TOKEN, SINCE, SINCE + timedelta(days=1), "key"),
            "/channels/ec/aftersale/getaftersalelist",
            {"begin_update_time": 1719792000, "end_update_time": 1719878400, "next_key": "key"},
        ),
        (
            calls.get_refund(SETTINGS, TOKEN, "1934160000000001"),
            "/channels/ec/aftersale/getaftersaleorder",
            {"after_sale_order_id": "1934160000000001"},
        ),
    ],
)
def test_calls_carry_their_token_in_the_address_alone(call: Call, path: str, body: dict[str, Any]) -> None:
    """Each call is a POST of JSON with the token in the query, escaped, and shows nothing of it."""
    place, query, sent = _sent(call)
    assert (call.method, place, sent) == ("POST", f"https://api.weixin.qq.com{path}", body)
    assert parse_qs(query) == {"access_token": [TOKEN.reveal()]}
    assert "tok" not in repr(call)
    assert call.place == f"POST api.weixin.qq.com{path}"


def test_a_token_is_asked_for_without_ending_that_of_others() -> None:
    """stable_token in its normal mode: the secret goes in the body, force_refresh is false."""
    place, query, sent = _sent(calls.get_token(SETTINGS))
    assert (place, query) == ("https://api.weixin.qq.com/cgi-bin/stable_token", "")
    assert sent == {
        "grant_type": "client_credential",
        "appid": SETTINGS.appid,
        "secret": "tops3cret",
        "force_refresh": False,
    }
    assert "tops3cret" not in repr(calls.get_token(SETTINGS))


def test_a_token_lasts_as_long_as_its_answer_says() -> None:
    """expires_in counts from the moment the answer came; there is no refresh token."""
    tokens = read_tokens(answer({"access_token": "abc", "expires_in": 7200}), NOW)
    assert (tokens.access.reveal(), tokens.expires_at, tokens.refresh) == ("abc", NOW + timedelta(hours=2), None)
    for wrong in ({}, {"access_token": "abc"}, {"access_token": "abc", "expires_in": -1}, {"expires_in": 7200}, []):
        with pytest.raises(PlatformUnavailable):
            read_tokens(answer(wrong), NOW)


@pytest.mark.parametrize(
    ("code", "action", "pause_s"),
    [
        (-1, Action.RETRY, None),
        (40001, Action.REFRESH, None),
        (40014, Action.REFRESH, None),
        (42001, Action.REFRESH, None),
        (45009, Action.WAIT, 3600),
        (45011, Action.WAIT, 60),
        (61007, Action.REAUTHORISE, None),
        (100002, Action.MISSING, None),
        (41001, Action.REFUSE, None),
        (48001, Action.REFUSE, None),
        (61004, Action.REFUSE, None),
        (10080001, Action.REFUSE, None),
        (606006, Action.REFUSE, None),
        (987654, Action.REFUSE, None),
    ],
)
def test_errors_inside_http_200_say_what_to_do(code: int, action: Action, pause_s: float | None) -> None:
    """Each code of the pages has its action; one that is not known is a refusal."""
    fault = fault_of(answer({"errcode": code, "errmsg": "busy rid: 66a1-b2c3"}), CALL)
    assert fault is not None
    assert (fault.action, fault.code, fault.retry_after_s) == (action, str(code), pause_s)
    assert fault.request_id == "66a1-b2c3"


def test_good_answers_have_no_fault() -> None:
    """errcode 0 and an errcode that is absent are both good."""
    assert fault_of(answer({"errcode": 0, "errmsg": "ok"}), CALL) is None
    assert fault_of(answer({"access_token": "abc", "expires_in": 7200}), CALL) is None


def test_http_statuses_say_what_to_do() -> None:
    """429 waits as long as it says, 5xx is tried again, anything else but 200 is a refusal, and bodies are not read."""
    waited = fault_of(answer(b"<html>", 429, **{"retry-after": "7"}), CALL)
    assert waited is not None
    assert (waited.action, waited.retry_after_s) == (Action.WAIT, 7.0)
    for status, action in ((500, Action.RETRY), (503, Action.RETRY), (302, Action.REFUSE), (404, Action.REFUSE)):
        fault = fault_of(answer(b"<html>", status, **{"retry-after": "soon"}), CALL)
        assert fault is not None
        assert (fault.action, fault.code, fault.retry_after_s) == (action, f"HTTP {status}", None)


@pytest.mark.parametrize("body", [b"", b"<html>busy</html>", b"[]", b'{"errcode":"x"}', b'{"errcode":1.5}'])
def test_what_is_no_answer_is_an_outage(body: bytes) -> None:
    """HTML, nothing, a list and an errcode that is no number are `PlatformUnavailable`."""
    with pytest.raises(PlatformUnavailable):
        fault_of(answer(body), CALL)


def test_a_message_that_repeats_the_token_is_cleaned() -> None:
    """What the platform says is shortened, on one line, and without the token, even if it repeats it."""
    fault = fault_of(answer({"errcode": 40001, "errmsg": f"invalid {TOKEN.reveal()}\n" + "x" * 500}), CALL)
    assert fault is not None
    assert "tok" not in fault.message
    assert "<secret>" in fault.message
    assert "\n" not in fault.message
    assert len(fault.message) <= 64


def test_lists_give_ids_as_text_and_the_key_of_the_next_page() -> None:
    """Ids come as text or as numbers; has_more says whether there is a next page, else the key does."""
    page = read_order_ids(answer({"order_id_list": [ORDER_NO, int(ORDER_NO) + 1], "next_key": "k", "has_more": True}))
    assert page == ((ORDER_NO, "3700000000000000002"), "k")
    assert read_order_ids(answer({"order_id_list": [], "next_key": "k", "has_more": False})) == ((), None)
    assert read_refund_ids(answer({"after_sale_order_id_list": ["19"], "next_key": ""})) == (("19",), None)
    assert read_refund_ids(answer({"errcode": 0})) == ((), None)
    assert read_refund_ids(answer({"after_sale_order_id_list": ["19"], "next_key": "k"})) == (("19",), "k")


@pytest.mark.parametrize(
    "wrong",
    [
        {"order_id_list": "37"},
        {"order_id_list": [None]},
        {"order_id_list": [True]},
        {"order_id_list": [[1]]},
        {"order_id_list": [], "has_more": True},
        {"order_id_list": [], "has_more": True, "next_key": ""},
        {"order_id_list": [], "has_more": "maybe"},
    ],
)
def test_a_list_that_cannot_be_read_loses_nothing_silently(wrong: dict[str, Any]) -> None:
    """A page that would be misread, or more pages without a key, is an outage and not an end."""
    with pytest.raises(PlatformUnavailable):
        read_order_ids(answer(wrong))


# -- whatever comes ---------------------------------------------------------------------------------------------------

_NAMES = (
    "errcode",
    "errmsg",
    "order_id_list",
    "next_key",
    "has_more",
    "access_token",
    "expires_in",
    "order",
    "order_id",
)
_READERS: tuple[Callable[[Answer], Any], ...] = (
    lambda got: fault_of(got, CALL),
    read_order_ids,
    read_refund_ids,
    lambda got: read_tokens(got, NOW),
    lambda got: read_order_answer(got, SETTINGS, ORDER_NO),
    lambda got: read_refund_answer(got, "19"),
    refund_ids,
)

_ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 10**20)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["200", "0"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_NAMES), inner, max_size=4),
    max_leaves=8,
)


def _check_fuzzed(value: Any, raw: bytes, status: int) -> None:
    for got in (answer(value, status), answer(raw, status)):
        for read in _READERS:
            with suppress(PlatformUnavailable):
                read(got)


@given(_ANY, st.binary(max_size=100), st.sampled_from([200, 302, 429, 500]))
@settings(max_examples=100)
def test_any_answer_is_read_or_is_an_outage(value: Any, raw: bytes, status: int) -> None:
    """Whatever a platform answers, it is a fault, a value or the typed error; nothing else is ever raised."""
    _check_fuzzed(value, raw, status)


@pytest.mark.release
@given(_ANY, st.binary(max_size=100), st.sampled_from([200, 302, 429, 500]))
@settings(max_examples=20_000)
def test_any_answer_is_read_or_is_an_outage_for_long(value: Any, raw: bytes, status: int) -> None:
    """The same, for long."""
    _check_fuzzed(value, raw, status)
