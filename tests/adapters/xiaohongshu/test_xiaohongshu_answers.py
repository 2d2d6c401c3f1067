"""Each of Xiaohongshu's errors has one thing to do about it, in the outer envelope and in the inner one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from crossloyalty.adapters.wire.values import Action, Answer, Call
from crossloyalty.adapters.xiaohongshu.answers import data_of, fault_of, tokens_of
from crossloyalty.errors import PlatformRefused, PlatformUnavailable

URL = "https://ark.xiaohongshu.com/ark/open_api/v3/common_controller"
SHOP = "5e0000000000000000000009"
CALL = Call(name="order.getOrderList", method="POST", url=URL)
GOOD = {"error_code": 0, "error_msg": "", "success": True, "data": {"total": 1}}
NESTED = {"error_code": 0, "success": True, "data": {"code": 0, "success": True, "msg": "", "data": {"a": 1}}}


def answer(body: Any, status: int = 200) -> Answer:
    return Answer(status=status, body=body if isinstance(body, bytes) else json.dumps(body).encode())


def test_a_success_has_no_fault() -> None:
    """The envelope of the page is a success, and so is one inside another; the data comes out of both."""
    for body, name in ((GOOD, "total"), (NESTED, "a")):
        assert fault_of(answer(body), CALL) is None
        data = data_of(answer(body))
        assert data is not None
        assert data.whole(name) == 1


@pytest.mark.parametrize(
    ("body", "action"),
    [
        ({"error_code": -2000400, "success": False}, Action.REFUSE),
        ({"error_code": -2000101, "success": False}, Action.MISSING),
        ({"error_code": -2000500, "success": False}, Action.RETRY),
        ({"error_code": -1, "success": False, "error_msg": "accessToken已过期"}, Action.REFRESH),
        ({"error_code": -1, "success": False, "error_msg": "店铺未授权"}, Action.REFRESH),
        ({"error_code": -1, "success": False, "error_msg": "请求被限流"}, Action.WAIT),
        ({"error_code": -1, "success": False, "error_msg": "调用频率过高"}, Action.WAIT),
        ({"error_code": -1, "success": False, "error_msg": "系统繁忙"}, Action.RETRY),
        ({"error_code": -1, "success": False, "error_msg": "sign error"}, Action.REFUSE),
        ({"error_code": -1, "success": False, "error_msg": "订单不存在"}, Action.MISSING),
        ({"error_code": 0, "success": False}, Action.REFUSE),
        ({"error_code": 5, "success": True}, Action.REFUSE),
        ({"error_code": "-2000500", "success": False}, Action.RETRY),
        ({"success": "true", "error_code": 0}, Action.REFUSE),
        ({}, Action.REFUSE),
        (NESTED | {"data": {"code": -2000101, "success": False, "msg": "", "data": None}}, Action.MISSING),
        (NESTED | {"data": {"code": 9, "success": True, "data": {}}}, Action.REFUSE),
    ],
)
def test_every_known_error_has_its_action(body: dict[str, Any], action: Action) -> None:
    """By code where one is known, by words otherwise, a no for good when neither says anything."""
    fault = fault_of(answer(body), CALL)
    assert fault is not None
    assert fault.action is action


def test_a_failed_refresh_asks_for_no_further_refresh() -> None:
    """Authorisation trouble of a token call is for the merchant."""
    body = {"error_code": -1, "success": False, "error_msg": "refreshToken 失效"}
    fault = fault_of(answer(body), Call(name="oauth.refreshToken", method="POST", url=URL))
    assert fault is not None
    assert fault.action is Action.REAUTHORISE


def test_tokens_are_compared_with_the_shop_where_they_name_one() -> None:
    """`sellerId` says whose the tokens are; where it is missing nothing is compared."""
    now = datetime(2026, 11, 20, tzinfo=UTC)
    data = {"accessToken": "canary", "refreshToken": "r"}
    assert tokens_of(answer(GOOD | {"data": data}), SHOP, now).access.reveal() == "canary"
    assert tokens_of(answer(GOOD | {"data": data | {"sellerId": SHOP}}), SHOP, now).access.reveal() == "canary"
    with pytest.raises(PlatformRefused, match="another shop") as caught:
        tokens_of(answer(GOOD | {"data": data | {"sellerId": "5e0000000000000000000001"}}), SHOP, now)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(("status", "action"), [(429, Action.WAIT), (500, Action.RETRY), (504, Action.RETRY)])
def test_an_http_error_is_one_whatever_its_body(status: int, action: Action) -> None:
    """Gateways answer with HTML; their status is enough."""
    fault = fault_of(answer(b"<html>busy</html>", status), CALL)
    assert fault is not None
    assert fault.action is action


def test_a_success_under_another_status_is_none() -> None:
    """A body that says success does not outweigh a status that does not."""
    fault = fault_of(answer(GOOD, 403), CALL)
    assert fault is not None
    assert fault.action is Action.REFUSE


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b'"x"', b'{"success":true'])
def test_what_is_no_object_is_an_outage(body: bytes) -> None:
    """HTML, lists and cut answers under HTTP 200 are `PlatformUnavailable`."""
    with pytest.raises(PlatformUnavailable):
        fault_of(answer(body), CALL)


@pytest.mark.parametrize("data", [[1], "x", 1])
def test_data_of_another_shape_is_an_outage(data: Any) -> None:
    """Nothing is nothing; a list, a text and a number are no object."""
    assert data_of(answer(GOOD | {"data": None})) is None
    assert fault_of(answer(GOOD | {"data": data}), CALL) is None
    with pytest.raises(PlatformUnavailable):
        data_of(answer(GOOD | {"data": data}))
