"""Pushed messages of a Weixin shop: only signed, fresh ones for this shop say what to fetch."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wechat_shop import APPID, KEY, NOW, ORDER_NO, SETTINGS, VECTORS, event, sealed

from crossloyalty.adapters.wechat.crypto import encrypt
from crossloyalty.adapters.wechat.messages import acknowledge, read_messages
from crossloyalty.adapters.wechat.settings import WechatSettings
from crossloyalty.adapters.wechat.signing import push_signature
from crossloyalty.adapters.wechat.xmltext import read_xml
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.values import Incoming, Pushed
from crossloyalty.errors import ForgedMessage

PLAIN = attrs.evolve(SETTINGS, push_mode="plain")


def _only(incoming: Incoming, shop: WechatSettings = SETTINGS) -> Pushed:
    (pushed,) = read_messages(incoming, shop, NOW)
    return pushed


def _plainly(body: bytes, **query: str) -> Incoming:
    signature = push_signature(Secret("demotoken"), "1719800400", "1")
    return Incoming(query={"timestamp": "1719800400", "nonce": "1", "signature": signature} | query, body=body)


def test_the_vector_of_a_confirmed_order_is_taken() -> None:
    """The computed vector of a confirmation names its order, 19 digits from a JSON number, and when it happened."""
    vector = VECTORS["signatures"][-2]
    incoming = Incoming(
        query={"timestamp": "1719800400", "nonce": vector["nonce"], "msg_signature": vector["signature"]},
        body=json.dumps({"ToUserName": "gh_0123456789ab", "Encrypt": vector["encrypted"]}).encode(),
    )
    pushed = _only(incoming)
    assert (pushed.topic, pushed.order_no, pushed.refund_id) == ("channels_ec_order_confirm", ORDER_NO, "")
    assert (pushed.shop_id, pushed.sent_at) == (APPID, 1_719_800_400_000_000)


@pytest.mark.parametrize(
    ("message", "order_no", "refund_id"),
    [
        (event("channels_ec_order_pay", order_info={"order_id": int(ORDER_NO), "pay_time": 1}), ORDER_NO, ""),
        (event("channels_ec_order_settle", order_info={"order_id": ORDER_NO, "settle_time": 1}), ORDER_NO, ""),
        (event("product_order_status_update", ProductOrderStatusUpdate={"order_id": 37, "status": 100}), "37", ""),
        (
            event(
                "channels_ec_aftersale_update",
                finder_shop_aftersale_status_update={
                    "status": "MERCHANT_RETURN_SUCCESS",
                    "after_sale_order_id": "1934160000000001",
                    "order_id": ORDER_NO,
                },
            ),
            ORDER_NO,
            "1934160000000001",
        ),
        (event("channels_ec_vip_score_update", score=3), "", ""),
        ({"MsgType": "text", "Content": "hello"}, "", ""),
    ],
)
def test_each_event_says_what_to_fetch(message: dict[str, Any], order_no: str, refund_id: str) -> None:
    """Orders by their number as number or text, after-sale cases with their own; anything else is about no order."""
    pushed = _only(sealed(message))
    assert (pushed.order_no, pushed.refund_id) == (order_no, refund_id)


def test_one_event_sent_twice_is_one_message() -> None:
    """There is no message id: event, ids and CreateTime make one, whatever the random bytes and the time signed."""
    message = event("channels_ec_order_confirm", order_info={"order_id": ORDER_NO})
    first = _only(sealed(message))
    again = _only(sealed(message, timestamp="1719800460"))
    later = _only(sealed(message | {"CreateTime": 1719800401}))
    other = _only(sealed(event("channels_ec_order_settle", order_info={"order_id": ORDER_NO})))
    assert first == again
    assert len({first.message_id, later.message_id, other.message_id}) == 3
    assert _only(sealed(event("x", score=1))).message_id != _only(sealed(event("x", score=2))).message_id


def test_xml_is_read_as_json_is() -> None:
    """A shop that chose XML gets the same message from it, the envelope included."""
    inner = (
        f"<xml><ToUserName><![CDATA[gh_0123456789ab]]></ToUserName><CreateTime>1719800400</CreateTime>"
        f"<MsgType><![CDATA[event]]></MsgType><Event><![CDATA[channels_ec_order_confirm]]></Event>"
        f"<order_info><order_id>{ORDER_NO}</order_id><confirm_type>1</confirm_type></order_info></xml>"
    )
    incoming = sealed(inner.encode())
    encrypted = json.loads(incoming.body)["Encrypt"]
    as_xml = attrs.evolve(incoming, body=f"<xml><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>".encode())
    expected = _only(sealed(event("channels_ec_order_confirm", order_info={"order_id": ORDER_NO})))
    assert _only(as_xml) == _only(incoming) == expected


@pytest.mark.parametrize(
    "text",
    [
        "<!DOCTYPE xml [<!ENTITY a 'x'>]><xml><Encrypt>&a;</Encrypt></xml>",
        "<!DOCTYPE xml SYSTEM 'http://127.0.0.1/x'><xml/>",
        "<xml>&undefined;</xml>",
        "<xml>text</xml>",
        "<xml/>",
        "<xml><a>",
        "<a/><b/>",
        "",
        "<a>" * 17 + "</a>" * 17,
    ],
)
def test_xml_with_a_document_type_or_no_sense_is_refused(text: str) -> None:
    """A document type is refused where it begins, so no entity is ever expanded; so are depth, cuts and other roots."""
    with pytest.raises(ForgedMessage):
        read_xml(text.encode())


def test_xml_in_another_encoding_is_refused() -> None:
    """Bytes that are no UTF-8 are no message."""
    with pytest.raises(ForgedMessage):
        read_xml("<xml><a>1</a></xml>".encode("utf-16"))


def test_a_plain_message_is_taken_in_the_plain_mode_only() -> None:
    """The configured mode decides, never the message: plain text is refused in the safe mode."""
    body = json.dumps(event("channels_ec_order_confirm", order_info={"order_id": ORDER_NO})).encode()
    pushed = _only(_plainly(body), PLAIN)
    assert (pushed.order_no, pushed.shop_id) == (ORDER_NO, "")
    with pytest.raises(ForgedMessage, match="not encrypted"):
        _only(_plainly(body, msg_signature="0" * 40))
    assert _only(sealed({"x": 1}), PLAIN).order_no == ""  # an envelope is about no order there


def test_what_is_not_signed_for_this_shop_is_refused() -> None:
    """Another token, another cipher text, the weaker signature in place of the strong one, another shop's appid."""
    message = event("channels_ec_order_confirm", order_info={"order_id": ORDER_NO})
    good = sealed(message)
    other = sealed(message | {"CreateTime": 1})
    wrong = [
        sealed(message, token="othertoken"),
        sealed(message, appid="wxffffffffffffffff"),
        sealed(message, key="B" * 43),
        attrs.evolve(good, body=other.body),
        attrs.evolve(good, query={**good.query, "msg_signature": good.query["signature"]}),
        attrs.evolve(good, query={**good.query, "msg_signature": ""}),
        attrs.evolve(good, query={name: value for name, value in good.query.items() if name != "msg_signature"}),
        attrs.evolve(good, query={**good.query, "nonce": "1"}),
        attrs.evolve(good, body=b'{"Encrypt":7}'),
        attrs.evolve(good, body=b'{"Encrypt":"a","Encrypt":"b"}'),
        attrs.evolve(good, body=b"[]"),
        attrs.evolve(good, body=b"<html>"),
        attrs.evolve(good, body=b" " * (1 << 20) + good.body),
        sealed(event("x", order_info={"order_id": "37; DROP"})),
        sealed(event("x", order_info=[1])),
        sealed(b"no json"),
    ]
    for place, incoming in enumerate(wrong):
        with pytest.raises(ForgedMessage):
            print(place, read_messages(incoming, SETTINGS, NOW))  # noqa: T201 - says which one passed
    assert _only(good).order_no == ORDER_NO


@pytest.mark.parametrize(("seconds", "taken"), [(300, True), (-300, True), (301, False), (-301, False)])
def test_messages_are_taken_for_five_minutes_on_either_side(seconds: int, taken: bool) -> None:
    """A message signed 300 s from now is taken, one more second is too far, before and after."""
    incoming = sealed(event("x"), timestamp="1719800400")
    now = NOW + timedelta(seconds=seconds)
    if taken:
        assert len(read_messages(incoming, SETTINGS, now)) == 1
    else:
        with pytest.raises(ForgedMessage, match="too long ago"):
            read_messages(incoming, SETTINGS, now)
        assert len(read_messages(incoming, attrs.evolve(SETTINGS, push_max_age_s=14_400), now)) == 1


@pytest.mark.parametrize("timestamp", ["", "-5", "1e9", "１７１９８００４００", "9" * 12])
def test_a_time_that_is_none_is_refused(timestamp: str) -> None:
    """Nothing, signs, exponents, foreign digits and far futures are no times."""
    with pytest.raises(ForgedMessage):
        read_messages(sealed(event("x"), timestamp=timestamp), SETTINGS, NOW)


def test_old_and_new_keys_are_both_taken_while_they_change() -> None:
    """During a change of token and key, messages made with either are taken; afterwards only those of the new ones."""
    old = sealed(event("x"), token="oldtoken", key="B" * 43)
    changing = attrs.evolve(SETTINGS, previous_push_token="oldtoken", previous_push_aes_key="B" * 43)
    assert _only(old, changing).topic == _only(sealed(event("x")), changing).topic == "x"
    with pytest.raises(ForgedMessage):
        _only(old)


def test_a_shop_without_a_token_takes_nothing() -> None:
    """Without push_token everything is refused, also what is signed with an empty one."""
    silent = WechatSettings(appid=APPID, app_secret="x")
    with pytest.raises(ForgedMessage):
        read_messages(sealed(event("x")), silent, NOW)


def test_the_user_name_of_the_shop_is_compared_where_it_is_set() -> None:
    """ToUserName of another shop is refused; unset it is not looked at."""
    incoming = sealed(event("x"))
    assert _only(incoming, attrs.evolve(SETTINGS, shop_username="gh_0123456789ab")).topic == "x"
    with pytest.raises(ForgedMessage, match="another shop"):
        _only(incoming, attrs.evolve(SETTINGS, shop_username="gh_other"))


def test_a_probe_gets_its_echo_when_it_is_signed() -> None:
    """The address is checked by a GET: with the right signature its echostr goes back as it came."""
    signature = push_signature(Secret("demotoken"), "1719800400", "7")
    query = {"timestamp": "1719800400", "nonce": "7", "signature": signature, "echostr": "488<9"}
    probe = Incoming(method="GET", query=query)
    assert read_messages(probe, SETTINGS, NOW) == ()
    taken = acknowledge(probe, True)
    assert (taken.status, taken.body, taken.headers["content-type"]) == (200, b"488<9", "text/plain; charset=utf-8")
    with pytest.raises(ForgedMessage):
        read_messages(attrs.evolve(probe, query=query | {"signature": "0" * 40}), SETTINGS, NOW)
    assert acknowledge(probe, False).body == b""


def test_the_platform_hears_success_or_sends_again() -> None:
    """Taken: 200 and the word success. Not taken: a status that makes it send again."""
    incoming = sealed(event("x"))
    assert (acknowledge(incoming, True).status, acknowledge(incoming, True).body) == (200, b"success")
    assert (acknowledge(incoming, False).status, acknowledge(incoming, False).body) == (403, b"")


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_NAMES = ("Event", "MsgType", "CreateTime", "ToUserName", "order_info", "finder_shop_aftersale_status_update")


def _check_fuzzed(inner: Any, raw: bytes, place: int, bit: int) -> None:
    for plain in (json.dumps(inner).encode(), raw):
        for incoming in (sealed(plain), _plainly(plain)):
            shop = SETTINGS if "msg_signature" in incoming.query else PLAIN
            try:
                pushed = _only(incoming, shop)
            except ForgedMessage:
                continue
            assert pushed.order_no == "" or pushed.order_no.isdigit()
    good = sealed(event("x"))
    body = bytearray(good.body)
    body[place % len(body)] ^= 1 << bit
    with suppress(ForgedMessage):
        # A bit outside what is signed may turn; then the message is still the one that was signed.
        assert _only(attrs.evolve(good, body=bytes(body))) == _only(good)


_FUZZ = {
    "inner": st.dictionaries(st.sampled_from(_NAMES), _ANY, max_size=5) | _ANY,
    "raw": st.binary(max_size=200) | st.binary(max_size=60).map(lambda some: b"<xml>" + some),
    "place": st.integers(0, 10**6),
    "bit": st.integers(0, 7),
}


@given(**_FUZZ)
@settings(max_examples=75)
def test_any_message_is_read_or_refused(inner: Any, raw: bytes, place: int, bit: int) -> None:
    """Whatever comes, signed or turned by one bit, is a message or the one typed error."""
    _check_fuzzed(inner, raw, place, bit)


@pytest.mark.release
@given(**_FUZZ)
@settings(max_examples=20_000)
def test_any_message_is_read_or_refused_for_long(inner: Any, raw: bytes, place: int, bit: int) -> None:
    """The same, for long."""
    _check_fuzzed(inner, raw, place, bit)


def test_the_envelope_needs_its_random_bytes() -> None:
    """Sixteen random bytes, not fewer."""
    with pytest.raises(Exception, match="16 random bytes"):
        encrypt(Secret(KEY), b"", APPID, b"short")
