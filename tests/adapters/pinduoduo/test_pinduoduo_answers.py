"""Pinduoduo's errors and envelopes."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pinduoduo_payloads import SETTINGS

from crossloyalty.adapters.pinduoduo import calls
from crossloyalty.adapters.pinduoduo.answers import fault_of, result_of
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.values import Action, Answer
from crossloyalty.errors import PlatformUnavailable

CALL = calls.order_detail(SETTINGS, "240701-1", now=datetime(2024, 7, 1, tzinfo=UTC), token=Secret("demo-access-token"))


def error(code: int, sub_code: str | None = None, message: str = "业务服务错误") -> Answer:
    """Give an error as the platform writes it, under HTTP 200."""
    told = {"error_code": code, "error_msg": message, "sub_code": sub_code, "sub_msg": "请稍后", "request_id": "1719"}
    return Answer(status=200, body=json.dumps({"error_response": told}).encode())


@pytest.mark.parametrize(
    ("code", "sub_code", "action"),
    [
        (10000, None, Action.REFUSE),
        (10001, None, Action.REFUSE),
        (10016, None, Action.REFUSE),
        (10019, None, Action.REFRESH),
        (20004, None, Action.REFUSE),
        (20005, None, Action.REFUSE),
        (20031, None, Action.REFUSE),
        (20032, None, Action.REAUTHORISE),
        (30000, None, Action.REFUSE),
        (50000, None, Action.RETRY),
        (50001, None, Action.RETRY),
        (50001, "600005", Action.MISSING),
        (52001, "600005", Action.RETRY),
        (52004, None, Action.REFUSE),
        (52101, None, Action.WAIT),
        (52102, None, Action.RETRY),
        (52103, None, Action.RETRY),
        (70031, None, Action.WAIT),
        (70032, None, Action.REFUSE),
        (70033, None, Action.WAIT),
        (70036, None, Action.REFUSE),
        (99999, None, Action.REFUSE),
    ],
)
def test_every_code_has_its_action(code: int, sub_code: str | None, action: Action) -> None:
    """An error under HTTP 200 is an error, and what to do about it follows from code and sub-code."""
    fault = fault_of(error(code, sub_code), CALL)
    assert fault is not None
    assert (fault.action, fault.code) == (action, f"{code}/{sub_code}" if sub_code else str(code))
    assert fault.request_id == "1719"


def test_maintenance_is_waited_for_longer_than_a_hiccup() -> None:
    """Maintenance names a pause that no single call waits out."""
    fault = fault_of(error(70033), CALL)
    assert fault is not None
    assert fault.retry_after_s == 600


def test_words_of_the_platform_hold_no_token() -> None:
    """A token quoted in an error is not carried on, and the words stay short and on one line."""
    fault = fault_of(error(10019, None, "access_token 3f0b8c7d6e5f4a3b2c1d expired\nplease " + "x " * 80), CALL)
    assert fault is not None
    assert fault.message.startswith("access_token … expired please x x")
    assert len(fault.message) == 64


@pytest.mark.parametrize(
    ("status", "headers", "action", "pause"),
    [
        (429, {"retry-after": "7"}, Action.WAIT, 7.0),
        (429, {"retry-after": "soon"}, Action.WAIT, None),
        (502, {}, Action.RETRY, None),
        (503, {"retry-after": "30"}, Action.RETRY, 30.0),
    ],
)
def test_http_errors_need_no_readable_body(
    status: int, headers: dict[str, str], action: Action, pause: float | None
) -> None:
    """A gateway's own error page is told from its status, with the pause it advises."""
    fault = fault_of(Answer(status=status, headers=headers, body=b"<html>"), CALL)
    assert fault is not None
    assert (fault.action, fault.retry_after_s) == (action, pause)


_NO_ERRORS = [
    *(b'{"error_response":null}', b'{"error_response":""}', b'{"error_response":[]}', b'{"error_response":false}'),
    *(b'{"error_response":5}', b'{"error_response":"busy"}', b'{"error_response":[{"error_code":10019}]}'),
    *(b'{"error_response":{}}', b'{"error_response":{"error_code":[]}}', b'{"error_response":{"error_code":null}}'),
    *(b'{"error_response":{"error_code":1,"sub_code":{}}}', b'{"error_response":{"error_code":1,"error_msg":[1]}}'),
    b'{"error_response":null,"order_sn_increment_get_response":{"total_count":0}}',
]


@pytest.mark.parametrize("body", [b'{"order_info_get_response":{}}', b"<html>", b"", b"[]", *_NO_ERRORS])
def test_whatever_comes_under_a_bad_status_is_refused(body: bytes) -> None:
    """A status that is neither 200 nor named above is a no for good, readable or not."""
    fault = fault_of(Answer(status=403, body=body), CALL)
    assert fault is not None
    assert (fault.action, fault.code) == (Action.REFUSE, "HTTP 403")


def test_an_error_under_a_bad_status_says_more_than_the_status() -> None:
    """The platform's own code counts, whatever the status around it."""
    fault = fault_of(attrs.evolve(error(10019), status=400), CALL)
    assert fault is not None
    assert (fault.action, fault.code) == (Action.REFRESH, "10019")


@pytest.mark.parametrize("body", [b"", b"<html></html>", *_NO_ERRORS])
def test_an_answer_that_cannot_be_read_is_an_outage(body: bytes) -> None:
    """What is no JSON, or an error without its form or its code, is `PlatformUnavailable`, and never a good answer."""
    with pytest.raises(PlatformUnavailable):
        fault_of(Answer(status=200, body=body), CALL)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"order_info_get_response":{"order_info":{"order_sn":"1"}}}', {"order_info": {"order_sn": "1"}}),
        (b'{"anything":{"a":1}}', {"a": 1}),
        (b'{"id":1,"order_sn":"2"}', {"id": 1, "order_sn": "2"}),
        (b'{"id":1}', {"id": 1}),
        (b'{"order_sn_increment_get_response":{"a":1},"request_id":"1719"}', {"a": 1}),
        (b'{"id":1,"detail":{"a":1}}', {"id": 1, "detail": {"a": 1}}),
        (b'{"a_response":{"a":1},"b_response":{"b":1}}', {"a_response": {"a": 1}, "b_response": {"b": 1}}),
    ],
)
def test_the_envelope_comes_off(body: bytes, expected: dict[str, object]) -> None:
    """One object around the result is taken off whatever it is called, and a bare result stays as it is."""
    assert result_of(Answer(status=200, body=body)).value == expected


@pytest.mark.parametrize("body", [b"[]", b"null", b"5", b'"x"'])
def test_a_result_that_is_no_object_is_an_outage(body: bytes) -> None:
    """A list, a number or nothing where an object should be is `PlatformUnavailable`."""
    for read in (lambda answer: fault_of(answer, CALL), result_of):
        with pytest.raises(PlatformUnavailable):
            read(Answer(status=200, body=body))


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=9),
        lambda inner: st.dictionaries(
            st.sampled_from(["error_response", "error_code", "sub_code", "error_msg", "request_id", "a"]), inner
        ),
    )
)
def test_whatever_is_answered_is_an_action_or_an_outage(value: object) -> None:
    """Any JSON at all is a good answer, a fault or the one typed error."""
    with suppress(PlatformUnavailable):
        answer = Answer(status=200, body=json.dumps(value).encode())
        assert fault_of(answer, CALL) is not None or result_of(answer) is not None
