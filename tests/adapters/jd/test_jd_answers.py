"""Errors of JD in their layers and of the SP-API are sorted by what to do; envelopes come off in each spelling."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from jd_wire import answer_of, call, order, sp_order, sp_service

from crossloyalty.adapters.jd import sp_answers
from crossloyalty.adapters.jd.answers import fault_of, inner, payload, read_tokens
from crossloyalty.adapters.wire.reading import Node, Unreadable
from crossloyalty.adapters.wire.values import Action, Answer, Fault
from crossloyalty.errors import PlatformUnavailable

NOW = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
GET = call("jingdong.pop.order.get")
SP = call("/sp-order/v0/orders")


@pytest.mark.parametrize(
    ("code", "action"),
    [
        ("2", Action.WAIT),
        *((code, Action.REFUSE) for code in ("4", "5", "6", "7", "8", "11", "12", "14", "15", "20", "21", "22")),
        ("18", Action.REAUTHORISE),
        ("19", Action.REFRESH),
        (19, Action.REFRESH),
        *((code, Action.REFUSE) for code in ("23", "24", "25", "28", "50", "60", "61", "62", "63", "64", "73", "75")),
        *((code, Action.REFUSE) for code in ("79", "80", "83", "89", "999", "")),
        *((code, Action.RETRY) for code in ("43", "65", "66", "67", "69", "78")),
    ],
)
def test_what_to_do_about_a_gateways_error(code: Any, action: Action) -> None:
    """Each code of the page has its action, in the old and in the new form; an unpublished one is a no for good."""
    for value in (
        {"error_response": {"code": code, "zh_desc": "无效access_token", "en_desc": "Invalid access_token"}},
        {"code": code, "errorMessage": "无效access_token"},
    ):
        fault = fault_of(answer_of(value), call())
        assert fault == Fault(action=action, code=str(code), message="无效access_token")


@pytest.mark.parametrize("no", [False, "false", 0])
def test_a_business_error_inside_a_good_answer(no: Any) -> None:
    """`success` is false as a truth or as text, inside `apiResult` or beside it."""
    result = {"success": no, "numberCode": "10100002", "chineseErrCode": "参数错误"}
    for body in ({"apiResult": result}, result):
        answer = answer_of({"jingdong_pop_order_search_responce": {"code": "0", "searchorderinfo_result": body}})
        assert fault_of(answer, call()) == Fault(action=Action.REFUSE, code="result/10100002", message="参数错误")
    other = answer_of({"jingdong_pop_order_search_responce": {"code": "65", "zh_desc": "超时"}})
    assert fault_of(other, call()) == Fault(action=Action.RETRY, code="65", message="超时")


def test_an_order_that_is_not_there() -> None:
    """Where one order was asked for, the words of JD say that there is none; elsewhere they are a refusal."""
    result = {"apiResult": {"success": False, "numberCode": "1", "chineseErrCode": "订单不存在"}}
    answers = [
        (answer_of({f"{name.replace('.', '_')}_responce": {"code": "0", "x": result}}), call(name))
        for name in ("jingdong.pop.order.get", "jingdong.pop.order.search")
    ]
    faults = [fault_of(answer, asked) for answer, asked in answers]
    assert [fault and fault.action for fault in faults] == [Action.MISSING, Action.REFUSE]


@pytest.mark.parametrize("ending", ["_responce", "_response"])
@pytest.mark.parametrize("name", ["searchorderinfo_result", "orderInfoResult"])
def test_a_good_answer_in_every_spelling(ending: str, name: str) -> None:
    """The historic misspelling and the right one, and either name of the payload."""
    body = {"apiResult": {"success": True, "numberCode": "0"}, "orderTotal": 1, "orderInfoList": [order()]}
    answer = answer_of({f"jingdong_pop_order_search{ending}": {"code": "0", name: body}})
    assert fault_of(answer, call()) is None
    found = inner(payload(answer, call()), "orderInfoList")
    assert found is not None
    assert (found.whole("orderTotal"), len(found.nodes("orderInfoList"))) == (1, 1)
    assert inner(payload(answer, call()), "nothing") is None


def test_the_words_of_an_error_inside_a_text_are_none() -> None:
    """Goods may be called anything."""
    value = order(skuName='"error_response" "errorMessage" "success":false "code":"19"')
    answer = answer_of({"jingdong_pop_order_get_responce": {"code": "0", "orderDetailInfo": {"orderInfo": value}}})
    assert fault_of(answer, GET) is None


def test_http_errors_have_their_actions() -> None:
    """A gateway in front may answer for itself, before either of JD's."""
    for read in (fault_of, sp_answers.fault_of):
        assert read(Answer(status=503, body=b"<html>"), call()) == Fault(action=Action.RETRY, code="http-503")
        assert read(Answer(status=429), call()) == Fault(action=Action.WAIT, code="http-429")
        fault = read(Answer(status=403, body=b"{}"), call())
        assert fault is not None
        assert (fault.action, fault.code) == (Action.REFUSE, "http-403")
        for body in (b"", b"<html>", b"[]", b"7", b'{"a"'):
            with pytest.raises(PlatformUnavailable):
                read(Answer(status=200, body=body), call())


def test_tokens_are_read_with_the_time_of_issue() -> None:
    """Both are new each time; the end counts from JD's own time of issue."""
    issued = datetime(2026, 3, 1, 1, 0, tzinfo=UTC)
    value = {"access_token": "a", "refresh_token": "r", "expires_in": 3600, "time": "1772326800000"}
    tokens = read_tokens(answer_of(value), NOW)
    assert (tokens.access.reveal(), tokens.refresh and tokens.refresh.reveal()) == ("a", "r")
    assert tokens.expires_at == issued + timedelta(hours=1)
    assert read_tokens(answer_of({"access_token": "a"}), NOW).expires_at is None
    for broken in ({}, [], {"access_token": " "}, {"access_token": "a", "expires_in": "soon"}):
        with pytest.raises(PlatformUnavailable):
            read_tokens(answer_of(broken), NOW)


def test_a_refused_refresh_needs_the_merchant() -> None:
    """Whatever the reason, short of a hiccup: refresh tokens end silently when they are used too late."""
    asked = call("oauth2.refresh_token")
    good = answer_of({"access_token": "a", "code": 0})
    assert fault_of(good, asked) is None
    for value, action in (
        ({"error_response": {"code": "19"}}, Action.REAUTHORISE),
        ({"code": 400, "msg": "invalid refresh_token"}, Action.REAUTHORISE),
        ({}, Action.REAUTHORISE),
        ({"error_response": {"code": "43"}}, Action.RETRY),
        ({"error_response": {"code": "2"}}, Action.WAIT),
    ):
        for read in (fault_of, sp_answers.fault_of):
            fault = read(answer_of(value), asked)
            assert fault is not None
            assert fault.action is action


# ----------------------------------------------------------------------------------------------------------------
# SP-API
# ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("yes", [True, "true"])
def test_a_good_answer_of_the_sp_api(wrapped: bool, yes: Any) -> None:
    """With and without `Response` around it, and `success` as a truth or as text."""
    value: Any = {"success": yes, "data": [sp_order()], "paginationData": {"totalItems": 7}, "errorList": []}
    answer = answer_of({"Response": value} if wrapped else value)
    assert sp_answers.fault_of(answer, SP) is None
    rows, total = sp_answers.page_of(answer)
    assert (len(rows), total) == (1, 7)
    assert sp_answers.one(answer) is None
    single = sp_answers.one(answer_of({"success": yes, "data": sp_service()}))
    assert isinstance(single, Node)
    assert sp_answers.page_of(answer_of({"success": True, "data": None})) == ((), None)
    with pytest.raises(Unreadable):
        sp_answers.page_of(answer_of({"success": True, "data": {"a": 1}}))


@pytest.mark.parametrize("about", [None, {}, {"totalPages": 1, "hasNextPage": False}])
def test_a_page_of_the_sp_api_that_does_not_state_how_many_rows_there_are(about: Any) -> None:
    """The rows of the page are not taken for the number of all."""
    value = {"success": True, "data": [sp_order()], "paginationData": about}
    assert sp_answers.page_of(answer_of(value))[1] is None


@pytest.mark.parametrize("about", [{"totalPages": 2}, {"hasNextPage": True}, {"hasNextPage": "true"}])
def test_a_page_of_the_sp_api_that_states_a_next_one_and_no_number(about: Any) -> None:
    """However few rows it has, there are more: such a page cannot be read."""
    value = {"success": True, "data": [sp_order()], "paginationData": about}
    with pytest.raises(Unreadable):
        sp_answers.page_of(answer_of(value))


@pytest.mark.parametrize(
    ("value", "action", "code"),
    [
        ({"success": False, "errorList": [{"code": 99904030005, "message": "云鼎"}]}, Action.REFUSE, "99904030005"),
        ({"success": "false", "errorList": []}, Action.REFUSE, ""),
        ({"code": "43", "errorMessage": "系统错误"}, Action.RETRY, "43"),
        ({"error_response": {"code": "19", "zh_desc": "无效access_token"}}, Action.REFRESH, "19"),
        ({"data": []}, Action.REFUSE, "http-200"),
    ],
)
def test_errors_of_the_sp_api(value: Any, action: Action, code: str) -> None:
    """Its own list of errors, and the gateway's two forms; without a result nothing is believed."""
    fault = sp_answers.fault_of(answer_of(value), SP)
    assert fault is not None
    assert (fault.action, fault.code) == (action, code)


def test_long_words_are_cut() -> None:
    """Nothing longer than 64 characters leaves an answer for a log."""
    long = {"code": "9" * 500, "zh_desc": "w" * 500, "request_id": "r" * 500}
    fault = fault_of(answer_of({"error_response": long}), call())
    assert fault is not None
    assert max(map(len, (fault.code, fault.message, fault.request_id or ""))) == 64
