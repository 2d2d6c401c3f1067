"""Pushed messages of Youzan: only signed ones of this application and shop say what to fetch."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any
from urllib.parse import quote, quote_plus

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from youzan_shop import CASE, SETTINGS, TID, pushed

from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.values import Incoming, Pushed
from crossloyalty.adapters.youzan import YouzanSettings, explain_signature
from crossloyalty.adapters.youzan.messages import acknowledge, read_messages
from crossloyalty.adapters.youzan.signing import event_sign, is_signed
from crossloyalty.errors import ConfigError, ForgedMessage

BODY = (
    b'{"client_id":"testclient","id":"E20260301100000000000001","kdt_id":12345678,'
    b'"msg":"%7B%22tid%22%3A%22E20260301100000000000001%22%7D","msg_id":"f0f0f0f0-0000-4000-8000-000000000001",'
    b'"status":"TRADE_SUCCESS","type":"trade_TradeSuccess","version":1772330405}'
)
SIGN = "2ab216fc6d679bb082cec4dd3b3a3acd"
SECRET = Secret("testsecret")


def _only(incoming: Incoming, shop: YouzanSettings = SETTINGS) -> Pushed:
    (message,) = read_messages(incoming, shop)
    return message


def _message(**fields: Any) -> dict[str, Any]:
    base = {"client_id": "testclient", "kdt_id": 12345678, "id": TID, "msg_id": "m-1", "type": "trade_TradeSuccess"}
    return base | {"msg": quote(json.dumps({"tid": TID}))} | fields


def test_signatures_are_those_of_the_vectors() -> None:
    """The two vectors, the second with Chinese text in UTF-8, are signed as computed."""
    assert event_sign("testclient", BODY, SECRET) == SIGN
    chinese = '{"kdt_name":"测试店铺","msg_id":"m-2","type":"POINTS"}'.encode()
    assert event_sign("testclient", chinese, SECRET) == "cb855141938ad7f4c4f894034832fbee"


def test_a_signature_counts_in_either_case_and_with_either_secret() -> None:
    """Upper and lower hex are one; both secrets are accepted while they change; nothing and cut ones are wrong."""
    for good in (SIGN, SIGN.upper()):
        assert is_signed(good, "testclient", BODY, [Secret("old"), SECRET])
    for wrong in (None, "", SIGN[:-1], SIGN + "0", "é" * 32):
        assert not is_signed(wrong, "testclient", BODY, [SECRET])
    assert not is_signed(SIGN, "testclient", BODY + b"\n", [SECRET])


def test_the_vector_of_a_completed_order_is_taken() -> None:
    """The computed vector names its order; there is no time in the signature, so it counts whenever it comes."""
    assert _only(Incoming(headers={"event-sign": SIGN}, body=BODY)) == Pushed(
        message_id="f0f0f0f0-0000-4000-8000-000000000001",
        topic="trade_TradeSuccess",
        order_no="E20260301100000000000001",
        shop_id="12345678",
    )


def test_a_refund_names_its_case() -> None:
    """Refund messages carry an object, older ones a text; both name order and case."""
    inner = {"tid": TID, "refund_id": CASE, "refunded_fee": "94.00", "version": 1772600000000}
    for topic, msg in (("youzan_trade_RefundSuccess", inner), ("trade_refund_RefundSuccess", quote(json.dumps(inner)))):
        message = _only(pushed(_message(type=topic, msg=msg)))
        assert (message.topic, message.order_no, message.refund_id) == (topic, TID, CASE)


@pytest.mark.parametrize(
    "msg",
    [
        quote(json.dumps({"tid": TID, "memo": "a b+c"})),
        quote_plus(json.dumps({"tid": TID, "memo": "a b"})),
        json.dumps({"tid": TID}),
        {"tid": TID},
        "%%%",
        "",
        None,
        quote("[1]"),
    ],
)
def test_the_inner_message_is_read_in_every_spelling(msg: Any) -> None:
    """URL-encoded with %20 or +, plain, an object; where it cannot be read the id outside names the order."""
    assert _only(pushed(_message(msg=msg))).order_no == TID


def test_other_topics_are_about_no_order() -> None:
    """Points and customers are acknowledged and ignored, whatever their id looks like."""
    for topic in ("POINTS", "SCRM_CUSTOMER_EVENT", "OPEN_PUSH_SCRM_MEMBER_MERGE"):
        assert _only(pushed(_message(type=topic))).order_no == ""


def test_a_test_message_asks_for_nothing() -> None:
    """A message the console sends as a test is taken and fetches nothing."""
    assert read_messages(pushed(_message(test=True)), SETTINGS) == ()
    assert len(read_messages(pushed(_message(test=False)), SETTINGS)) == 1


def test_without_a_usable_id_the_body_is_the_id() -> None:
    """A missing, endless or unprintable msg_id is replaced by a hash of the raw body."""
    ids = {_only(pushed(_message(msg_id=bad))).message_id for bad in (None, "", "a" * 121, "a\nb", "汉")}
    assert len(ids) == 5
    assert all(len(each) == 64 for each in ids)
    assert _only(pushed(_message(msg_id=77))).message_id == "77"


def test_what_is_not_signed_for_this_application_and_shop_is_refused() -> None:
    """Another secret, body, application or shop, a doubled key, no JSON, too large: all refused."""
    good = pushed(_message())
    wrong = [
        pushed(_message(), secret="othersecret"),
        pushed(_message(), client_id="otherclient"),
        pushed(_message(client_id="otherclient")),
        pushed({k: v for k, v in _message().items() if k != "client_id"}, **{"client-id": "otherclient"}),
        pushed(_message(kdt_id=87654321)),
        pushed(_message(kdt_id=87654321, root_kdt_id=99)),
        attrs.evolve(good, body=good.body + b" "),
        attrs.evolve(good, headers={}),
        attrs.evolve(good, headers={"event-sign": ""}),
        pushed(b'{"type":"a","type":"b"}'),
        pushed(b"<xml/>"),
        pushed(b"[]"),
        pushed(_message(type=None)),
        pushed(_message(type=[1])),
        pushed(_message(test="maybe")),
        pushed(_message(msg={"tid": "E1'; DROP"})),
        pushed(_message(padding="x" * (1 << 20))),
    ]
    for place, incoming in enumerate(wrong):
        with pytest.raises(ForgedMessage):
            print(place, read_messages(incoming, SETTINGS))  # noqa: T201 - says which one passed
    assert _only(good).order_no == TID


def test_a_branch_of_the_chain_is_the_shop() -> None:
    """The head office's number as root_kdt_id is enough: branches are read with its token."""
    assert _only(pushed(_message(kdt_id=1, root_kdt_id=12345678))).shop_id == "12345678"
    named_nowhere = {name: value for name, value in _message().items() if name != "kdt_id"}
    assert _only(pushed(named_nowhere)).shop_id == ""


def test_the_previous_secret_is_taken_while_it_changes() -> None:
    """During a change messages signed with the old secret are taken, afterwards not."""
    old = pushed(_message(), secret="oldsecret")
    assert _only(old, attrs.evolve(SETTINGS, previous_client_secret="oldsecret")).order_no == TID
    with pytest.raises(ForgedMessage):
        _only(old)


def test_the_platform_hears_success_or_sends_again() -> None:
    """Taken: a body with the word success. Not taken: one without it."""
    assert (acknowledge(True).status, json.loads(acknowledge(True).body)) == (200, {"code": 0, "msg": "success"})
    assert b"success" not in acknowledge(False).body


def test_the_string_to_sign_is_shown_without_secret_and_body() -> None:
    """Support sees of what the signature is made and whether it agrees; neither the secret nor the message."""
    text = explain_signature(SETTINGS, {"event-sign": SIGN}, BODY)
    assert text.startswith(f"md5(testclient[{len(BODY)} bytes, md5 ")
    assert text.endswith("]<secret>) = Event-Sign: agrees")
    assert "testsecret" not in text
    assert "E2026" not in text
    assert explain_signature(SETTINGS, {}, BODY).endswith("does not agree")


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_secret": ""},
        {"previous_client_secret": " "},
        {"app_kind": "service"},
        {"real_payment": "maybe"},
        {"page_size": 0},
        {"window_s": 59},
        {"window_s": 86_401},
        {"page_size": 101},
        {"gateway": "open.youzanyun.com"},
        {"gateway": "https://a:b@open.youzanyun.com"},
    ],
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, Any]) -> None:
    """An empty secret or an unknown choice is refused when the settings are made."""
    with pytest.raises(ConfigError):
        YouzanSettings(**({"client_id": "a", "client_secret": "b", "kdt_id": "1"} | wrong))


def test_settings_show_no_secret() -> None:
    """The secret stands in no text of the settings."""
    assert "testsecret" not in repr(SETTINGS)
    assert (SETTINGS.shop_id, SETTINGS.hosts) == ("12345678", frozenset({"open.youzanyun.com"}))


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["%7B", "%", TID]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["tid", "x"]), inner, max_size=2),
    max_leaves=6,
)
_NAMES = st.sampled_from(["client_id", "kdt_id", "root_kdt_id", "id", "msg_id", "type", "msg", "test", "version"])


def _check_fuzzed(fields: dict[str, Any], raw: bytes) -> None:
    for incoming in (pushed(_message(**fields)), pushed(raw), Incoming(body=raw, headers={"event-sign": SIGN})):
        with suppress(ForgedMessage):
            for message in read_messages(incoming, SETTINGS):
                assert message.order_no == "" or message.order_no.isalnum()


@given(st.dictionaries(_NAMES, _ANY, max_size=4), st.binary(max_size=200))
@settings(max_examples=100)
def test_any_message_is_read_or_refused(fields: dict[str, Any], raw: bytes) -> None:
    """Whatever comes, signed or not, is a message or the one typed error."""
    _check_fuzzed(fields, raw)


@pytest.mark.release
@given(st.dictionaries(_NAMES, _ANY, max_size=4), st.binary(max_size=200))
@settings(max_examples=20_000)
def test_any_message_is_read_or_refused_for_long(fields: dict[str, Any], raw: bytes) -> None:
    """The same, for long."""
    _check_fuzzed(fields, raw)
