"""Each of Kuaishou's errors has one thing to do about it, and only `result` 1 is a success."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from crossloyalty.adapters.kuaishou.answers import data_of, fault_of, tokens_of
from crossloyalty.adapters.wire.values import Action, Answer, Call
from crossloyalty.errors import PlatformRefused, PlatformUnavailable

CALL = Call(name="open.order.cursor.list", method="GET", url="https://openapi.kwaixiaodian.com/open/order/cursor/list")
TOKEN_CALL = Call(name="oauth2/refresh_token", method="POST", url="https://openapi.kwaixiaodian.com/oauth2/refresh")


def answer(body: Any, status: int = 200) -> Answer:
    return Answer(status=status, body=body if isinstance(body, bytes) else json.dumps(body).encode())


def test_a_success_has_no_fault() -> None:
    """The envelope of the page is a success, and its data is handed on."""
    good = answer({"result": 1, "code": "1", "msg": "success", "error_msg": "SUCCESS", "data": {"cursor": "nomore"}})
    assert fault_of(good, CALL) is None
    data = data_of(good)
    assert data is not None
    assert data.text("cursor") == "nomore"


@pytest.mark.parametrize(
    ("body", "action"),
    [
        ({"result": 15, "error_msg": "x"}, Action.WAIT),
        ({"result": 16}, Action.WAIT),
        ({"result": 17}, Action.WAIT),
        ({"result": 1016}, Action.WAIT),
        ({"result": 1017}, Action.WAIT),
        ({"result": 802000}, Action.WAIT),
        ({"result": 21, "error_msg": "Exceed qps limit"}, Action.WAIT),
        ({"result": 24, "error_msg": "AUTHORIZATION_REVOKED"}, Action.REAUTHORISE),
        ({"result": 26}, Action.REAUTHORISE),
        ({"result": 22}, Action.REFRESH),
        ({"result": 25}, Action.REFRESH),
        ({"result": 21, "sub_msg": "accessToken鉴权失败"}, Action.REFRESH),
        ({"result": 21, "sub_msg": "token中无scope权限"}, Action.REAUTHORISE),
        ({"result": 21, "error_msg": "order operation reject"}, Action.REFUSE),
        ({"result": 27}, Action.REFUSE),
        ({"result": 28}, Action.REFUSE),
        ({"result": 807000, "sub_code": "300004"}, Action.REFUSE),
        ({"result": 807000, "sub_code": "300011"}, Action.MISSING),
        ({"result": 300011}, Action.MISSING),
        ({"result": 807000, "sub_msg": "订单不存在"}, Action.MISSING),
        ({"result": 21, "error_msg": "主账号不存在"}, Action.REFUSE),
        ({"result": 300005}, Action.REFUSE),
        ({"result": 100200102, "error_msg": "refreshToken.discarded"}, Action.REAUTHORISE),
        ({"result": 100200105}, Action.REAUTHORISE),
        ({"result": 100200500}, Action.RETRY),
        ({"result": 999999, "error_msg": "系统繁忙，请稍后再试"}, Action.RETRY),
        ({"result": 999999}, Action.REFUSE),
        ({}, Action.REFUSE),
        ({"result": "24"}, Action.REAUTHORISE),
    ],
)
def test_every_known_error_has_its_action(body: dict[str, Any], action: Action) -> None:
    """By code where one is known, by words where a code only says "rejected", a no for good otherwise."""
    fault = fault_of(answer(body), CALL)
    assert fault is not None
    assert fault.action is action


def test_a_day_s_quota_is_waited_for_by_the_hour() -> None:
    """A used-up quota is no matter of seconds, by its code and by its words alike."""
    for body in (
        {"result": 802006},
        {"result": 21, "error_msg": "Exceed quota limit, KEY [appkey:ks6]"},
    ):
        fault = fault_of(answer(body), CALL)
        assert fault is not None
        assert (fault.action, fault.retry_after_s) == (Action.WAIT, 3600.0)
    too_fast = fault_of(answer({"result": 15}), CALL)
    assert too_fast is not None
    assert too_fast.retry_after_s is None


def test_a_failed_refresh_asks_for_no_further_refresh() -> None:
    """Authorisation trouble of a token call is for the merchant."""
    fault = fault_of(answer({"result": 22}), TOKEN_CALL)
    assert fault is not None
    assert fault.action is Action.REAUTHORISE


def test_codes_words_and_request_go_along() -> None:
    """Main and sub-code are told, words are one line of 64 characters in which no token shows."""
    words = "a\nb token-0123456789abcdef0123 " + "系" * 100
    body = {"result": 807000, "sub_code": "12", "sub_msg": words, "requestId": "r-1"}
    fault = fault_of(answer(body), CALL)
    assert fault is not None
    assert (fault.code, fault.request_id) == ("807000/12", "r-1")
    assert fault.message == "a b … " + "系" * 57 + "…"


@pytest.mark.parametrize(("status", "action"), [(429, Action.WAIT), (500, Action.RETRY), (502, Action.RETRY)])
def test_an_http_error_is_one_whatever_its_body(status: int, action: Action) -> None:
    """Gateways answer with HTML; their status is enough."""
    fault = fault_of(answer(b"<html>busy</html>", status), CALL)
    assert fault is not None
    assert (fault.action, fault.code) == (action, f"HTTP {status}")


def test_a_success_under_another_status_is_none() -> None:
    """A body that says success does not outweigh a status that does not."""
    fault = fault_of(answer({"result": 1}, 403), CALL)
    assert fault is not None
    assert (fault.action, fault.code) == (Action.REFUSE, "HTTP 403")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b'"x"', b'{"result":1'])
def test_what_is_no_object_is_an_outage(body: bytes) -> None:
    """HTML, lists and cut answers under HTTP 200 are `PlatformUnavailable`."""
    with pytest.raises(PlatformUnavailable):
        fault_of(answer(body), CALL)


def test_data_of_another_shape_is_an_outage() -> None:
    """Nothing is nothing, a list is no object."""
    assert data_of(answer({"result": 1, "data": None})) is None
    with pytest.raises(PlatformUnavailable):
        data_of(answer({"result": 1, "data": [1]}))


def test_tokens_are_compared_with_the_shop_where_they_name_one() -> None:
    """`open_id` says whose the tokens are; where it is missing nothing is compared."""
    now = datetime(2026, 11, 20, tzinfo=UTC)
    data = {"result": 1, "access_token": "canary", "refresh_token": "r", "expires_in": 172_800}
    assert tokens_of(answer(data), "shop-1", now).access.reveal() == "canary"
    assert tokens_of(answer(data | {"open_id": "shop-1"}), "shop-1", now).access.reveal() == "canary"
    with pytest.raises(PlatformRefused, match="another shop") as caught:
        tokens_of(answer(data | {"open_id": "shop-2"}), "shop-1", now)
    assert "canary" not in str(caught.value)
