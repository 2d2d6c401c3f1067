"""Kuaishou's messages open with the console's key alone, and whatever is wrong with one is told in the same words."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st
from kuaishou_payloads import MESSAGE_KEY, OID, SELLER, encrypted, message, settings

from crossloyalty.adapters.kuaishou.messages import LARGEST_BODY, read_message
from crossloyalty.errors import ConfigError, ForgedMessage

FINISHED = (
    b"xNZ4RNlsksRmK8ulPE9M6OTFPeNy/6xgLLot48Yc+sHZH53OV7b7xx+8Nox0jm2Nz4Ha62k99PGMAHG7QJqx9UIwY4MLtMML3qiY/K5sHRUhIkuE"
    b"fOREVMV2GZqTHSd2p38exuHAYPJJ0y4Rgf/gzKD3lAxbwgWRfDJn9EfdQVbO8n5Qz/iabIAVbF4cz5j4uvxcq0kb9a38yemvoSc4qEkLG1HwDgny"
    b"11GJysV332NKwdBO0LAiBcLkcGISy4dmNgE8QzV7m57GzUVZtqz/KnrGNtZPZLdx1eEMy6fyQXmzSRRLyZEds2pPjaUw1kdyRUp/aWTPRtcEMAhc"
    b"9L22beFuW0HDNWjrCoKNxlGlQL9g8gcrq0AGxZrtLZhQYTfSA6oseJ1W48FMKy51UmoUmlIO2KEL5JjwJAhg1EbvPc4SEsSsHMpCukVJYli+zLoW"
    b"H63ZqQ1cem95FaREb+x99n/YtP8/xcQbCr3LuK4ra2Q="
)


def test_the_probe_of_the_page_is_only_acknowledged() -> None:
    """`{"test":true}` opens with the page's key and is about nothing."""
    assert read_message(b"watm3Pt/wCJGbPJJXW0XpA==", settings()) == ()


def test_the_message_of_the_page_names_its_order() -> None:
    """The long vector opens to the finished order it is about."""
    (pushed,) = read_message(FINISHED, settings())
    assert pushed.message_id == "evt-0001"
    assert pushed.topic == "kwaishop_order_orderSuccess"
    assert (pushed.order_no, pushed.refund_id) == (str(OID), "")
    assert (pushed.shop_id, pushed.sent_at) == ("demo-seller-openid", 1719800400_000_000)


def test_a_refund_s_message_names_order_and_refund() -> None:
    """After-sale messages say `orderId` where order messages say `oid`."""
    info = {"orderId": OID, "refundId": 2418000000000001, "handlingWay": 1, "status": 60}
    (pushed,) = read_message(encrypted(message("kwaishop_aftersales_updateRefund", info)), settings())
    assert (pushed.order_no, pushed.refund_id) == (str(OID), "2418000000000001")


def test_a_message_about_no_order_names_none() -> None:
    """It is acknowledged and leads to nothing."""
    (pushed,) = read_message(encrypted(message("kwaishop_item_addItem", {"itemId": 1})), settings())
    assert (pushed.order_no, pushed.refund_id) == ("", "")


def test_an_order_message_without_its_info_is_about_its_business_id() -> None:
    """`bizId` is the order's number in order messages."""
    (pushed,) = read_message(encrypted(message("kwaishop_order_addNote", {}) | {"info": None}), settings())
    assert pushed.order_no == str(OID)


def test_without_an_id_a_message_is_known_by_what_it_says() -> None:
    """The same message twice is one, another one is another."""
    same = [message("kwaishop_order_paySuccess", {"oid": OID}, eventId=None) for _ in range(2)]
    other = message("kwaishop_order_paySuccess", {"oid": OID + 1}, eventId=None)
    ids = [read_message(encrypted(each), settings())[0].message_id for each in (*same, other)]
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize(
    ("changes", "seller_id", "expected"),
    [
        ({}, None, SELLER),
        ({"openId": ""}, None, ""),
        ({"openId": ""}, "1234567", SELLER),
        ({"openId": ""}, "7654321", "1234567"),
    ],
)
def test_the_shop_is_named_as_orders_name_it(changes: dict[str, Any], seller_id: str | None, expected: str) -> None:
    """A message that names its seller by number alone is compared with the number set up."""
    body = encrypted(message("kwaishop_order_paySuccess", {"oid": OID}, **changes))
    assert read_message(body, settings(seller_id=seller_id))[0].shop_id == expected


def test_both_keys_open_while_one_is_being_changed() -> None:
    """The old key goes on working as long as it is set up, and not a message longer."""
    old, body = base64.b64encode(b"f" * 16).decode(), encrypted({"test": True})
    assert read_message(body, settings(message_key=old, previous_message_key=MESSAGE_KEY)) == ()
    with pytest.raises(ForgedMessage):
        read_message(body, settings(message_key=old))
    with pytest.raises(ConfigError):
        read_message(body, settings(message_key=None))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"=",
        b"\xff\xfe",
        b"watm3Pt/wCJGbPJJXW0ZpA==",
        b"watm3Pt/wCJGbPJJXW0X",
        b"Watm3Pt/wCJGbPJJXW0XpA==",
        b'{"test":true}',
        encrypted(b"<html>"),
        encrypted([1]),
        encrypted({}),
        encrypted({"test": False}),
        encrypted({"event": 1.5}),
        encrypted({"event": "kwaishop_order_addOrder", "info": "{"}),
        encrypted({"event": "kwaishop_order_addOrder", "info": "\ud800"}),
        encrypted({"test": True}, base64.b64encode(b"another key, 16.").decode()),
        encrypted(b" " * LARGEST_BODY),
    ],
)
def test_one_sentence_for_everything_that_is_wrong(body: bytes) -> None:
    """Encoding, padding, key, JSON, form and size fail alike, so that trying teaches nothing."""
    with pytest.raises(ForgedMessage) as caught:
        read_message(body, settings())
    assert str(caught.value) == "the message was not encrypted with our key"


def _fuzz(body: bytes) -> None:
    try:
        read_message(body, settings())
    except ForgedMessage:
        return


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
_NAMES = ("eventId", "msgId", "bizId", "userId", "openId", "event", "info", "createTime", "updateTime", "test")
_plain = st.fixed_dictionaries({}, optional=dict.fromkeys(_NAMES, _json))


_BODIES = st.binary(max_size=200) | _plain.map(lambda plain: encrypted(json.dumps(plain).encode()))


@given(_BODIES)
def test_any_body_is_read_or_refused(body: bytes) -> None:
    """Whatever comes, encrypted or not, it is a message or the one typed error."""
    _fuzz(body)


@pytest.mark.release
@given(_BODIES)
@settings_of_hypothesis(max_examples=20_000)
def test_any_body_is_read_or_refused_for_long(body: bytes) -> None:
    """The same, for long."""
    _fuzz(body)
