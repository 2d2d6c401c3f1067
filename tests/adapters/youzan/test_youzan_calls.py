"""Calls to Youzan, what its answers mean in each of their envelopes, and how its pages are read."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from youzan_shop import CASE, SETTINGS, TID, answer

from crossloyalty.adapters.wire.reading import Unreadable
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.values import Action, Answer, Call
from crossloyalty.adapters.youzan import calls
from crossloyalty.adapters.youzan.answers import data_of, fault_of, read_tokens
from crossloyalty.adapters.youzan.paging import Place
from crossloyalty.errors import InvalidInput, PlatformRefused, PlatformUnavailable

TOKEN = Secret("tok/en+1")
SINCE = datetime(2026, 2, 28, 16, 0, tzinfo=UTC)  # midnight of 1 March in Beijing, 1772294400 s
CALL = calls.get_order(SETTINGS, TOKEN, TID)
TOOL = attrs.evolve(SETTINGS, app_kind="tool")


@pytest.mark.parametrize(
    ("call", "path", "body"),
    [
        (
            calls.list_orders(SETTINGS, TOKEN, SINCE, SINCE + timedelta(hours=1, milliseconds=1), 3),
            "/api/youzan.trades.sold.get/4.0.4",
            {
                "start_update": "2026-03-01 00:00:00",
                "end_update": "2026-03-01 01:00:01",
                "page_no": 3,
                "page_size": 100,
            },
        ),
        (CALL, "/api/youzan.trade.get/4.0.2", {"tid": TID}),
        (
            calls.list_refunds(SETTINGS, TOKEN, SINCE, SINCE + timedelta(hours=1), 1),
            "/api/youzan.trade.refund.search/3.0.1",
            {"update_time_start": 1772294400, "update_time_end": 1772298000, "page_no": 1, "page_size": 50},
        ),
        (calls.get_refund(SETTINGS, TOKEN, CASE), "/api/youzan.trade.refund.get/3.0.1", {"refund_id": CASE}),
    ],
)
def test_calls_carry_their_token_in_the_address_alone(call: Call, path: str, body: dict[str, Any]) -> None:
    """POST of JSON, times of orders as Beijing text and of refunds as seconds; the token in the query shows nowhere."""
    parts = urlsplit(call.url)
    assert (call.method, f"{parts.scheme}://{parts.netloc}{parts.path}") == (
        "POST",
        f"https://open.youzanyun.com{path}",
    )
    assert json.loads(call.body) == body
    assert parse_qs(parts.query) == {"access_token": [TOKEN.reveal()]}
    assert "tok" not in repr(call) + call.place


def test_tokens_are_asked_for_by_the_kind_of_application() -> None:
    """Self-use by its keys and the one in force; a tool by its refresh token, without one the merchant has to act."""
    body = json.loads(calls.get_token(SETTINGS, None).body)
    keys = {"client_id": "testclient", "client_secret": "testsecret"}
    assert body == keys | {"authorize_type": "silent", "grant_id": "12345678", "refresh": False}
    body = json.loads(calls.get_token(TOOL, Secret("r1")).body)
    assert body == keys | {"authorize_type": "refresh_token", "refresh_token": "r1"}
    with pytest.raises(PlatformRefused, match="authorise"):
        calls.get_token(TOOL, None)
    code = calls.exchange_code(TOOL, Secret("c1"))
    assert json.loads(code.body) == keys | {"authorize_type": "authorization_code", "code": "c1"}
    assert not code.safe  # a code works once
    assert "secret" not in repr(code)
    assert code.url == "https://open.youzanyun.com/auth/token"


def test_a_token_ends_at_an_instant() -> None:
    """`expires` is an instant in milliseconds; a refresh token lasts 28 days from the answer."""
    data = {"access_token": "abc", "expires": 1772298000000, "refresh_token": "r2", "authority_id": "12345678"}
    tokens = read_tokens(answer({"success": True, "code": 200, "message": None, "data": data}), "12345678", SINCE)
    assert tokens.access.reveal() == "abc"
    assert tokens.expires_at == SINCE + timedelta(hours=1)
    assert tokens.refresh == Secret("r2")
    assert tokens.refresh_expires_at == SINCE + timedelta(days=28)
    bare = {"access_token": "abc", "expires": 1772298000000}
    silent = read_tokens(answer({"code": 200, "data": bare}), "12345678", SINCE)
    assert (silent.refresh, silent.refresh_expires_at) == (None, None)
    for wrong in ({}, {"data": {}}, {"data": {"access_token": "abc"}}, {"data": {"expires": 1772298000000}}):
        with pytest.raises(PlatformUnavailable):
            read_tokens(answer(wrong), "12345678", SINCE)


@pytest.mark.parametrize("owner", ["87654321", 87654321])
def test_tokens_of_another_shop_are_refused(owner: str | int) -> None:
    """`authority_id` says whose the tokens are, as text or as a number; where it is missing nothing is compared."""
    data = {"access_token": "canary", "expires": 1772298000000, "refresh_token": "r2", "authority_id": owner}
    with pytest.raises(PlatformRefused, match="another shop") as caught:
        read_tokens(answer({"code": 200, "data": data}), "12345678", SINCE)
    assert "canary" not in str(caught.value)
    assert read_tokens(answer({"code": 200, "data": data}), "87654321", SINCE).refresh == Secret("r2")


@pytest.mark.parametrize(
    ("body", "action", "code"),
    [
        ({"gw_err_resp": {"err_code": 4202, "err_msg": "请求凭证过期", "trace_id": "yz7-f"}}, Action.REFRESH, "4202"),
        ({"gw_err_resp": {"err_code": 4201, "err_msg": "非法的请求凭证"}}, Action.REFRESH, "4201"),
        ({"gw_err_resp": {"err_code": 4203, "err_msg": ""}}, Action.REFRESH, "4203"),
        ({"gw_err_resp": {"err_code": 4101, "err_msg": "请求太频繁"}}, Action.WAIT, "4101"),
        ({"gw_err_resp": {"err_code": 4007, "err_msg": "ip"}}, Action.REFUSE, "4007"),
        ({"gw_err_resp": {"err_code": 4204}}, Action.REFUSE, "4204"),
        ({"gw_err_resp": {"err_code": 5001}}, Action.REFUSE, "5001"),
        ({"error_response": {"code": 4202, "msg": "old"}}, Action.REFRESH, "4202"),
        ({"code": 123000042, "success": False, "message": "请求被限流"}, Action.WAIT, "123000042"),
        ({"code": 500100004, "msg": "请求被限流"}, Action.WAIT, "500100004"),
        ({"code": 106000001, "success": False, "data": None}, Action.RETRY, "106000001"),
        ({"code": 106100118, "success": False, "data": []}, Action.RETRY, "106100118"),
        ({"code": -100, "success": False}, Action.RETRY, "-100"),
        ({"code": 5000, "success": False, "message": "trade not found"}, Action.MISSING, "5000"),
        ({"code": 5000, "success": False, "message": "每页最多显示100条数据"}, Action.REFUSE, "5000"),
        ({"code": 106000004, "success": False}, Action.MISSING, "106000004"),
        ({"code": 103011024, "success": False}, Action.MISSING, "103011024"),
        ({"code": 103010054, "success": False}, Action.REFUSE, "103010054"),
        ({"success": False, "code": 1103, "data": None, "message": "Client 不存在"}, Action.REFUSE, "1103"),
        ({"success": False, "code": 1004, "data": None}, Action.REAUTHORISE, "1004"),
        ({"success": False, "code": 200, "data": {"list": []}}, Action.REFUSE, "200"),
        ({"code": 102570020, "data": {"refunds": []}}, Action.REFUSE, "102570020"),
        ({"code": 200, "success": True, "data": {"is_success": "false"}}, Action.REFUSE, "is_success=false"),
    ],
)
def test_errors_in_every_envelope_say_what_to_do(body: dict[str, Any], action: Action, code: str) -> None:
    """Gateway, older, business and inner errors are errors, also beside an empty list that looks like nothing there."""
    fault = fault_of(answer(body), CALL)
    assert fault is not None
    assert (fault.action, fault.code) == (action, code)
    assert fault.retry_after_s == (3.0 if action is Action.WAIT else None)
    assert fault.then_s == ((6.0, 12.0, 24.0, 48.0) if action is Action.WAIT else ())


@pytest.mark.parametrize(
    "body",
    [
        {"code": 200, "success": True, "data": {"total": 0}},
        {"code": "200", "success": "true", "data": []},
        {"response": {"trade": {}}},
        {"code": 200, "success": True, "data": {"is_success": "true"}},
    ],
)
def test_good_answers_have_no_fault(body: dict[str, Any]) -> None:
    """code as number or text, success as truth or text, and the older envelope are good."""
    assert fault_of(answer(body), CALL) is None


def test_http_statuses_and_what_is_no_answer() -> None:
    """429 and 5xx are tried again, other statuses refused, and what is no JSON object is an outage."""
    for status, action in ((429, Action.WAIT), (502, Action.RETRY), (301, Action.REFUSE)):
        fault = fault_of(answer(b"<html>", status), CALL)
        assert fault is not None
        assert fault.action is action
    for body in (b"", b"<html>", b"[]", b'{"gw_err_resp":[]}', b'{"code":200,"success":"maybe"}', b'{"code":1.5}'):
        with pytest.raises(PlatformUnavailable):
            fault_of(answer(body), CALL)


def test_a_message_that_repeats_the_token_is_cleaned() -> None:
    """What the platform says is shortened and without the token; the trace id is kept for its support."""
    words = f"bad {TOKEN.reveal()} " + "x" * 500
    fault = fault_of(answer({"gw_err_resp": {"err_code": 4201, "err_msg": words, "trace_id": "yz7-f"}}), CALL)
    assert fault is not None
    assert "tok" not in fault.message
    assert len(fault.message) <= 64
    assert fault.request_id == "yz7-f"


def test_data_stands_in_either_envelope() -> None:
    """The newer and the older envelope give their object; none is unreadable."""
    assert data_of(answer({"code": 200, "data": {"a": 1}})).whole("a") == 1
    assert data_of(answer({"response": {"a": 1}})).whole("a") == 1
    with pytest.raises(Unreadable):
        data_of(answer({"code": 200, "data": None}))


# -- pages ------------------------------------------------------------------------------------------------------------


class Shelf:
    """A list of rows sorted by the time they changed, which may change between two pages."""

    def __init__(self, rows: list[int], page_size: int) -> None:
        self.rows, self.page_size = rows, page_size

    def page(self, place: Place) -> list[int]:
        """Give the rows of a page; place 0 is the first."""
        start = (max(1, place.page_no) - 1) * self.page_size
        return self.rows[start : start + self.page_size]


def _read(shelf: Shelf, changes: dict[int, Any], deepest: int = 10_000) -> tuple[set[int], int]:
    """Read a shelf to its end; *changes* are done to its rows before the page of that turn."""
    place: Place | None = Place.begin(SINCE, SINCE + timedelta(hours=1))
    seen: set[int] = set()
    turn = 0
    while place is not None:
        changes.get(turn, lambda rows: None)(shelf.rows)
        place = Place.parse(place.text)
        seen |= set(shelf.page(place))
        place = place.after(len(shelf.rows), shelf.page_size, deepest)
        turn += 1
        assert turn < 1_000
    return seen, turn


def test_one_page_is_one_call() -> None:
    """Up to a page of rows needs one call, one row more needs the last page and the first again."""
    assert _read(Shelf(list(range(10)), 10), {}) == (set(range(10)), 1)
    assert _read(Shelf([], 10), {}) == (set(), 1)
    assert _read(Shelf(list(range(11)), 10), {}) == (set(range(11)), 3)


@given(
    st.integers(0, 60),
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 59)), max_size=8),
    st.lists(st.tuples(st.integers(1, 8), st.integers(0, 59), st.integers(100, 120)), max_size=3),
)
def test_no_row_is_lost_while_others_leave_and_come(
    count: int, leaving: list[tuple[int, int]], coming: list[tuple[int, int, int]]
) -> None:
    """Rows that stay in the window are read, whichever others leave or become visible between two pages."""
    rows = list(range(count))
    gone = {row for _, row in leaving}
    changes: dict[int, list[Any]] = {}
    for turn, row in leaving:
        changes.setdefault(turn, []).append(("leave", row, 0))
    # Rows that come do so in turns in which none leaves: the total then shows it.
    for turn, place, row in coming:
        if turn not in changes:
            changes[turn] = [("come", place, row)]

    def apply(turn: int) -> Any:
        def change(shelf: list[int]) -> None:
            for what, place, row in changes[turn]:
                if what == "leave" and place in shelf:
                    shelf.remove(place)
                elif what == "come" and row not in shelf:
                    shelf.insert(min(place, len(shelf)), row)

        return change

    seen, _ = _read(Shelf(rows, 5), {turn: apply(turn) for turn in changes})
    assert set(range(count)) - gone <= seen


def test_a_window_that_is_too_deep_is_halved() -> None:
    """More rows than paging reaches: the window is read as halves, seconds at the seam twice, down to one second."""
    place = Place.begin(SINCE, SINCE + timedelta(seconds=4))
    halved = place.after(10_001, 100, 10_000)
    assert halved is not None
    seconds = [(start - 1772294400, end - 1772294400) for start, end in halved.windows]
    assert (seconds, halved.page_no) == ([(0, 2), (2, 4)], 0)
    done = halved.after(100, 100, 10_000)
    assert done is not None
    assert [(start - 1772294400, end - 1772294400) for start, end in done.windows] == [(2, 4)]
    assert done.after(100, 100, 10_000) is None
    smallest = Place.begin(SINCE, SINCE + timedelta(seconds=1)).after(10_001, 100, 10_000)
    assert smallest is not None
    assert smallest.page_no == 100


def test_a_window_that_grows_for_ever_is_begun_again_three_times() -> None:
    """A total that is larger at each look ends all the same: ten pages are begun again three times, not for ever."""
    place: Place | None = Place.begin(SINCE, SINCE + timedelta(hours=1))
    total, turns = 100, 0
    while place is not None:
        place = place.after(total, 10, 10_000)
        total, turns = total + 1, turns + 1
        assert turns < 100
    assert turns == 1 + 3 + 11  # the first look, three begun again at once, then eleven pages to the end


def test_windows_are_whole_seconds_around_what_was_asked() -> None:
    """Fractions of a second widen the window; they never narrow it."""
    place = Place.begin(SINCE + timedelta(milliseconds=500), SINCE + timedelta(seconds=9, milliseconds=1))
    assert (place.since, place.until) == (SINCE, SINCE + timedelta(seconds=10))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7",
        "[]",
        "[[],1,1,0]",
        '[[[1,2]],"1",0,0]',
        "[[[1,2]],-1,0,0]",
        "[[[1]],1,1,0]",
        "[[1],1,1,0]",
        "[[[1,2]],1,1]",
    ],
)
def test_a_page_of_another_source_is_refused(text: str) -> None:
    """A stored page that this source did not write is the caller's mistake."""
    with pytest.raises(InvalidInput):
        Place.parse(text)


# -- whatever comes ---------------------------------------------------------------------------------------------------

_NAMES = ("code", "success", "data", "gw_err_resp", "err_code", "error_response", "is_success", "response", "expires")
_READERS: tuple[Callable[[Answer], Any], ...] = (
    lambda got: fault_of(got, CALL),
    lambda got: read_tokens(got, "12345678", SINCE),
    data_of,
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
            with suppress(PlatformUnavailable, Unreadable):
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
