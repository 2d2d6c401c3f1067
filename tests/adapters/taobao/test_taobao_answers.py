"""Errors of the open platform are sorted by what to do about them; envelopes come off in every published shape."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from taobao_wire import answer_of, call, order_of, refund, settings, trade

from crossloyalty.adapters.taobao import read_order_row, read_refund_row
from crossloyalty.adapters.taobao.answers import fault_of, payload, read_tokens, rows
from crossloyalty.adapters.taobao.messages import read_messages
from crossloyalty.adapters.wire.reading import Node, Unreadable
from crossloyalty.adapters.wire.values import Action, Answer, Doubtful, Fault, Pushed
from crossloyalty.domain.orders import Refund
from crossloyalty.errors import PlatformRefused, PlatformUnavailable, WrongType

NOW = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)


def error(code: Any, sub: str | None = None, sub_msg: str = "", **fields: Any) -> Answer:
    """Give an error as the platform sends it, with HTTP 200."""
    inner = {"code": code, "msg": "Remote service error", "sub_msg": sub_msg, "request_id": "r1", **fields}
    if sub is not None:
        inner["sub_code"] = sub
    return answer_of({"error_response": inner})


@pytest.mark.parametrize(
    ("code", "sub", "action"),
    [
        (3, None, Action.RETRY),
        (9, None, Action.REFUSE),
        (10, None, Action.RETRY),
        (11, None, Action.REFUSE),
        (12, None, Action.REFUSE),
        *((code, None, Action.REFUSE) for code in (21, 22, 23, 24, 25, 28, 29, 30, 31, 32, 33, 34, 40, 41, 42, 43, 53)),
        (26, None, Action.REAUTHORISE),
        (27, None, Action.REFRESH),
        ("27", "invalid-sessionkey", Action.REFRESH),
        (15, "isv.invalid-sessionkey", Action.REFRESH),
        (15, None, Action.REFUSE),
        (15, "isv.trade-not-exist", Action.MISSING),
        (15, "isv.refund-not-exist", Action.MISSING),
        (15, "isv.user-not-exist:x", Action.REFUSE),
        (15, "isv.invalid-permission", Action.REFUSE),
        (41, "isv.invalid-parameter:fields", Action.REFUSE),
        (15, "isp.item-service-unavailable", Action.RETRY),
        (15, "isp.remote-service-error", Action.RETRY),
        (15, "isp.remote-service-timeout", Action.RETRY),
        (15, "isp.remote-connection-error", Action.RETRY),
        (15, "isp.top-remote-connection-timeout", Action.RETRY),
        (15, "isp.top-remote-connection-error", Action.RETRY),
        (15, "isp.unknown-error", Action.RETRY),
        (15, "isp.call-limited", Action.WAIT),
        (15, "isp.null-pointer-exception", Action.REFUSE),
        (15, "isp.top-parse-error", Action.REFUSE),
        (15, "isp.top-mapping-parse-error", Action.REFUSE),
        (7, None, Action.WAIT),
        (7, "accesscontrol.limited-by-dynamic-access-count", Action.WAIT),
        (99, None, Action.REFUSE),
        ("x", None, Action.REFUSE),
        (None, None, Action.REFUSE),
    ],
)
def test_what_to_do_about_an_error(code: Any, sub: str | None, action: Action) -> None:
    """Each code and sub-code of the page has its action; one nobody published is a no for good."""
    fault = fault_of(error(code, sub), call())
    assert fault is not None
    assert fault.action is action
    assert fault.request_id == "r1"


@pytest.mark.parametrize(
    ("sub", "words", "pause_s"),
    [
        ("accesscontrol.limited-by-api-access-count", "This ban will last for 12 more seconds", 13.0),
        ("accesscontrol.limited-by-app-access-count", "This ban will last for 1 more seconds", 3600.0),
        ("accesscontrol.limited-by-app-api-access-count", "", 3600.0),
        ("accesscontrol.limited-by-dynamic-access-count", "", None),
        (None, "", None),
    ],
)
def test_how_long_to_wait(sub: str | None, words: str, pause_s: float | None) -> None:
    """A named ban is waited for with a second more; a day's quota is no matter of seconds."""
    fault = fault_of(error(7, sub, words), call())
    assert fault is not None
    assert (fault.action, fault.retry_after_s) == (Action.WAIT, pause_s)


def test_a_session_that_cannot_be_refreshed_needs_the_merchant() -> None:
    """For applications without refresh a dead session means to authorise again."""
    fault = fault_of(error(27, "invalid-sessionkey", "SessionKey非法"), call(), refreshable=False)
    assert fault == Fault(
        action=Action.REAUTHORISE,
        code="27/invalid-sessionkey",
        message="Remote service error SessionKey非法",
        request_id="r1",
    )


def test_a_good_answer_has_no_fault() -> None:
    """The words of an error inside a text of the answer are none."""
    assert fault_of(answer_of({"a": 'a title with "error_response" in it'}), call()) is None
    assert fault_of(Answer(status=200, body=b' {"a": 1}'), call()) is None


def test_http_errors_have_their_actions() -> None:
    """A gateway in front may answer for itself."""
    assert fault_of(Answer(status=502, body=b"<html>"), call()) == Fault(action=Action.RETRY, code="http-502")
    busy = Answer(status=429, headers={"retry-after": "7"})
    assert fault_of(busy, call()) == Fault(action=Action.WAIT, code="http-429", retry_after_s=7.0)
    assert fault_of(Answer(status=403, body=b"{}"), call()) == Fault(action=Action.REFUSE, code="http-403")


@pytest.mark.parametrize(
    "body", [b"<?xml version='1.0'?><error_response/>", b"", b"<html>", b'{"error_response"', b'{"trades']
)
def test_what_is_no_json_is_an_outage(body: bytes) -> None:
    """XML, HTML, nothing and half an answer can be asked for again."""
    with pytest.raises(PlatformUnavailable):
        fault_of(Answer(status=200, body=body), call())


def test_long_words_are_cut() -> None:
    """Nothing longer than 64 characters leaves an answer for a log."""
    fault = fault_of(error("9" * 500, "s" * 500, "w" * 500, request_id="r" * 500), call())
    assert fault is not None
    assert max(map(len, (fault.code, fault.message, fault.request_id or ""))) == 64


@pytest.mark.parametrize(
    "shape",
    [
        {"trade_fullinfo_get_response": {"orders": {"order": [{"oid": 1}]}}},
        {"orders": {"order": [{"oid": 1}]}},
        {"trade_fullinfo_get_response": {"orders": [{"oid": 1}]}},
        {"orders": [{"oid": 1}]},
    ],
)
def test_every_shape_of_envelope_and_list(shape: Any) -> None:
    """With and without root, with and without the name inside the list."""
    assert rows(payload(answer_of(shape), call()), "orders", "order") == [{"oid": 1}]


def test_an_absent_list_is_an_empty_one() -> None:
    """An empty result may be missing, null or empty; another shape is unreadable."""
    for value in ({}, {"trades": None}, {"trades": {}}, {"trades": {"trade": []}}, {"trades": []}):
        assert list(rows(Node(value, "x"), "trades", "trade")) == []
    for value in ({"trades": 7}, {"trades": {"trade": "x"}}):
        with pytest.raises(Unreadable):
            rows(Node(value, "x"), "trades", "trade")


def test_tokens_are_a_json_text_inside_the_json() -> None:
    """Both tokens with their ends; 0 is no end."""
    name = "taobao.top.auth.token.refresh"
    result = {"access_token": "a", "refresh_token": "r", "expires_in": 3600, "re_expires_in": "7200"}
    answer = answer_of({"top_auth_token_refresh_response": {"token_result": json.dumps(result)}})
    tokens = read_tokens(answer, name, NOW)
    assert (tokens.access.reveal(), tokens.refresh and tokens.refresh.reveal()) == ("a", "r")
    assert tokens.expires_at == NOW + timedelta(hours=1)
    assert tokens.refresh_expires_at == NOW + timedelta(hours=2)
    bare = answer_of({"token_result": json.dumps({"access_token": "a", "re_expires_in": 0})})
    assert read_tokens(bare, name, NOW).refresh_expires_at is None
    for broken in ({}, {"token_result": "x"}, {"token_result": '{"access_token":" "}'}, {"token_result": "[]"}):
        with pytest.raises(PlatformUnavailable) as caught:
            read_tokens(answer_of(broken), name, NOW)
        assert '"a"' not in str(caught.value)


def test_tokens_of_another_seller_are_refused() -> None:
    """With a seller's number in the settings, whatever names another one is not taken; what names none is."""
    name = "taobao.top.auth.token.create"
    result = {"access_token": "canary", "taobao_user_id": "2200000000002"}
    other = answer_of({"token_result": json.dumps(result)})
    with pytest.raises(PlatformRefused, match="another shop") as caught:
        read_tokens(other, name, NOW, seller_id="2200000000001")
    assert "canary" not in str(caught.value)
    unnamed = answer_of({"token_result": json.dumps({"access_token": "a"})})
    assert read_tokens(other, name, NOW).access.reveal() == "canary"
    assert read_tokens(other, name, NOW, seller_id="2200000000002").access.reveal() == "canary"
    assert read_tokens(unnamed, name, NOW, seller_id="2200000000001").access.reveal() == "a"


# ----------------------------------------------------------------------------------------------------------------
# Messages
# ----------------------------------------------------------------------------------------------------------------


def message(topic: str, content: Any, **fields: Any) -> dict[str, Any]:
    """Give a message of the channel."""
    return {
        "id": 4160600490938325001,
        "topic": topic,
        "pub_time": "2026-03-01 09:12:44",
        "pub_app_key": "12497914",
        "user_id": 2200000000001,
        "user_nick": "示例旗舰店",
        "content": content if isinstance(content, str) else json.dumps(content),
        **fields,
    }


def messages_of(*messages: dict[str, Any]) -> list[Pushed]:
    """Read an answer of the channel."""
    answer = answer_of({"tmc_messages_consume_response": {"messages": {"tmc_message": list(messages)}}})
    return list(read_messages(answer, settings(seller_id="2200000000001")))


def test_a_message_names_what_to_fetch() -> None:
    """The order, the refund where it is about one, the seller and the time; numbers come as numbers or texts."""
    sent_at = int(datetime(2026, 3, 1, 1, 12, 44, tzinfo=UTC).timestamp()) * 1_000_000
    [sold] = messages_of(message("taobao_trade_TradeSuccess", {"tid": 2600000000000000001, "buyer_nick": "t**1"}))
    assert sold == Pushed(
        message_id="4160600490938325001",
        topic="taobao_trade_TradeSuccess",
        order_no="2600000000000000001",
        shop_id=settings().shop_id,
        sent_at=sent_at,
    )
    [back] = messages_of(message("taobao_refund_RefundSuccess", {"tid": "2600000000000000001", "refund_id": 19}))
    assert (back.order_no, back.refund_id) == ("2600000000000000001", "19")


def test_a_message_of_another_seller_says_so() -> None:
    """By the seller's number where ours is known; without it, and in a message without one, no shop is named."""
    value = message("taobao_trade_TradeSuccess", {"tid": 1})
    [other] = messages_of({**value, "user_id": "2200000000099"})
    assert other.shop_id == "2200000000099"
    [nobody] = messages_of({**value, "user_id": None})
    assert nobody.shop_id == ""
    answer = answer_of({"tmc_messages_consume_response": {"messages": {"tmc_message": [value]}}})
    assert [each.shop_id for each in read_messages(answer, settings())] == [""]


def test_a_message_without_an_id_is_left_out() -> None:
    """It can never be confirmed; the others are read."""
    value = message("taobao_trade_TradeSuccess", {"tid": 1})
    broken: list[Any] = [7, {"topic": "x"}, {**value, "id": "1,2"}]
    assert [each.message_id for each in messages_of(*broken, value)] == ["4160600490938325001"]


@pytest.mark.parametrize(
    ("topic", "content"),
    [
        ("tmall_mei_PointChange", {"tid": 1}),
        ("taobao_trade_TradeSuccess", "{"),
        ("taobao_trade_TradeSuccess", []),
        ("taobao_trade_TradeSuccess", {"tid": {"a": 1}}),
        ("taobao_trade_TradeSuccess", {"tid": "1; DROP"}),
        ("taobao_trade_TradeSuccess", {}),
    ],
)
def test_a_message_about_nothing_we_know_is_confirmed_and_ignored(topic: str, content: Any) -> None:
    """It keeps its id, so that it can be confirmed, and names no order."""
    [pushed] = messages_of(message(topic, content, pub_time="soon"))
    assert (pushed.message_id, pushed.order_no, pushed.sent_at) == ("4160600490938325001", "", None)


def test_an_empty_channel() -> None:
    """No messages is no error; messages without ids are."""
    assert messages_of() == []
    empty = answer_of({"tmc_messages_consume_response": {"request_id": "x"}})
    assert list(read_messages(empty, settings())) == []
    with pytest.raises(PlatformUnavailable):
        messages_of({"topic": "x"})


# ----------------------------------------------------------------------------------------------------------------
# Rows of the order-data push
# ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("root", ["trade_fullinfo_get_response", "trade_simple_get_response", None])
def test_a_row_of_the_data_push_is_the_same_order(root: str | None) -> None:
    """`jdp_response` goes through the same parser, whatever call it was written from."""
    value = {"trade": trade()} if root is None else {root: {"trade": trade()}}
    for text in (json.dumps(value, ensure_ascii=False), json.dumps(value).encode()):
        assert read_order_row(text, settings()) == order_of(trade())
    assert isinstance(read_refund_row(json.dumps({"refund_get_response": {"refund": refund()}}), settings()), Refund)


@pytest.mark.parametrize("text", ["", "null", "[]", "{", '{"a":{"b":1}}', '{"trade":7}', "\ud800"])
def test_a_broken_row_is_doubted(text: str) -> None:
    """A row that holds no order is set aside; something that is no text at all is a mistake of the caller."""
    doubt = read_order_row(text, settings())
    assert isinstance(doubt, Doubtful)
    assert doubt.code == "UNREADABLE"
    with pytest.raises(WrongType):
        read_order_row({"trade": {}}, settings())  # type: ignore[arg-type]
