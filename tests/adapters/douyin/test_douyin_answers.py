"""Douyin's errors and envelopes."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from douyin_payloads import SETTINGS
from hypothesis import given
from hypothesis import strategies as st

from crossloyalty.adapters.douyin import calls
from crossloyalty.adapters.douyin.answers import data_of, fault_of
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.values import Action, Answer
from crossloyalty.errors import PlatformUnavailable

NOW = datetime(2024, 7, 1, tzinfo=UTC)
LIST = calls.changed_orders(SETTINGS, 0, 1, 0, now=NOW, token=Secret("t"))
DETAIL = calls.order_detail(SETTINGS, "1", now=NOW, token=Secret("t"))
REFRESH = calls.refresh_token(SETTINGS, Secret("r"), now=NOW)
LOG_ID = "2024070112000001020304050607"


def error(code: int, sub_code: str = "", words: str = "出错了") -> Answer:
    """Give an error as the platform writes it, under HTTP 200."""
    told = {"code": code, "msg": words, "sub_code": sub_code, "sub_msg": words, "data": None, "log_id": LOG_ID}
    return Answer(status=200, body=json.dumps(told).encode())


@pytest.mark.parametrize(
    ("code", "sub_code", "action"),
    [
        (10001, "", Action.RETRY),
        (20000, "dop.service-error", Action.RETRY),
        (20001, "isp.service-error", Action.RETRY),
        (30001, "isv.app-permissions-insufficient", Action.REFUSE),
        (30001, "dop.authorization-no-existed", Action.REAUTHORISE),
        (30001, "dop.authorization-closed", Action.REAUTHORISE),
        (30001, "dop.app-forbidden", Action.REFUSE),
        (30002, "", Action.REFUSE),
        (40001, "", Action.REFUSE),
        (40003, "isv.signature-invalid", Action.REFUSE),
        (40003, "isv.timestamp-invalid", Action.REFUSE),
        (40003, "isv.access-token-expired", Action.REFRESH),
        (40003, "isv.access-token-no-existed", Action.REFRESH),
        (40004, "isv.access-token-invalid", Action.REFRESH),
        (40004, "isv.parameter-invalid:1", Action.REFUSE),
        (50002, "dop.token-generate-failed:1", Action.REFUSE),
        (60000, "isv.traffic-limited", Action.WAIT),
        (70000, "", Action.REFUSE),
        (80000, "", Action.REFUSE),
        (90000, "", Action.RETRY),
        (12345, "", Action.REFUSE),
    ],
)
def test_every_code_has_its_action(code: int, sub_code: str, action: Action) -> None:
    """An error under HTTP 200 is an error, and what to do about it follows from code and sub-code."""
    fault = fault_of(error(code, sub_code), LIST)
    assert fault is not None
    assert fault.action is action
    assert fault.code.startswith(str(code))
    assert fault.request_id == LOG_ID


def test_a_business_failure_means_what_the_call_makes_of_it() -> None:
    """Busy is tried again, an unknown order is missing in its detail alone, a failed refresh needs the merchant."""
    for call, words, action in (
        (LIST, "系统繁忙", Action.RETRY),
        (LIST, "订单不存在", Action.REFUSE),
        (DETAIL, "订单不存在", Action.MISSING),
        (DETAIL, "失败", Action.REFUSE),
        (REFRESH, "失败", Action.REAUTHORISE),
    ):
        fault = fault_of(error(50002, "isv.business-failed", words), call)
        assert fault is not None
        assert fault.action is action, (call.name, words)


@pytest.mark.parametrize("body", [{"code": 10000, "data": {}}, {"err_no": 0, "message": "success", "data": {}}])
def test_both_forms_of_success_are_understood(body: dict[str, object]) -> None:
    """The present and the old envelope of success are no fault."""
    assert fault_of(Answer(status=200, body=json.dumps(body).encode()), LIST) is None


def test_the_old_form_of_an_error_is_understood() -> None:
    """An old error has its number and its words."""
    fault = fault_of(Answer(status=200, body=b'{"err_no":30007,"message":"params"}'), LIST)
    assert fault is not None
    assert (fault.action, fault.code, fault.message) == (Action.REFUSE, "30007", "params")


@pytest.mark.parametrize(
    ("status", "headers", "action", "pause"),
    [(429, {"retry-after": "7"}, Action.WAIT, 7.0), (502, {}, Action.RETRY, None)],
)
def test_http_errors_need_no_readable_body(
    status: int, headers: dict[str, str], action: Action, pause: float | None
) -> None:
    """A gateway's own error page is told from its status, with the pause it advises."""
    fault = fault_of(Answer(status=status, headers=headers, body=b"<html>"), LIST)
    assert fault is not None
    assert (fault.action, fault.retry_after_s) == (action, pause)


def test_a_good_answer_under_a_bad_status_is_refused() -> None:
    """Success under another status than 200 is a no for good."""
    fault = fault_of(Answer(status=403, body=b'{"code":10000}'), LIST)
    assert fault is not None
    assert fault.action is Action.REFUSE


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"code":"x"}', b'{"code":10000.5}'])
def test_an_answer_that_cannot_be_read_is_an_outage(body: bytes) -> None:
    """What is no JSON object with a code is `PlatformUnavailable`."""
    with pytest.raises(PlatformUnavailable):
        fault_of(Answer(status=200, body=body), LIST)


def test_the_envelope_comes_off() -> None:
    """`data` is the result; without it there is none."""
    assert data_of(Answer(status=200, body=b'{"code":10000,"data":{"total":1}}')).value == {"total": 1}
    with pytest.raises(PlatformUnavailable):
        data_of(Answer(status=200, body=b'{"code":10000,"data":null}'))


@given(
    st.dictionaries(
        st.sampled_from(["code", "err_no", "sub_code", "sub_msg", "msg", "log_id", "data"]),
        st.none() | st.integers() | st.text(max_size=9) | st.lists(st.integers()) | st.just(10000),
    )
)
def test_whatever_is_answered_is_an_action_or_an_outage(value: dict[str, object]) -> None:
    """Any such object is a good answer, a fault or the one typed error."""
    with suppress(PlatformUnavailable):
        answer = Answer(status=200, body=json.dumps(value).encode())
        assert fault_of(answer, DETAIL) is not None or data_of(answer) is not None
