"""Signatures and envelopes of pushed messages agree with the official vectors, byte by byte."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wechat_shop import APPID, KEY, SETTINGS, VECTORS

from crossloyalty.adapters.wechat import WechatSettings, explain_signature
from crossloyalty.adapters.wechat.crypto import decrypt, encrypt
from crossloyalty.adapters.wechat.signing import is_signed, push_signature
from crossloyalty.adapters.wechat.xmltext import read_xml
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.errors import ConfigError, ForgedMessage


def _parts(vector: dict[str, Any]) -> tuple[str, ...]:
    return tuple(each for each in (vector["timestamp"], vector["nonce"], vector["encrypted"]) if each is not None)


@pytest.mark.parametrize("vector", VECTORS["signatures"], ids=lambda each: each["name"])
def test_signatures_are_those_of_the_platform(vector: dict[str, Any]) -> None:
    """Probe, plain mode, safe mode, reply and the two WeCom samples are signed as the platform signs them."""
    token = Secret(vector["token"])
    assert push_signature(token, *_parts(vector)) == vector["signature"]
    assert is_signed(vector["signature"], [Secret("other"), token], *_parts(vector))
    assert not is_signed(vector["signature"], [Secret("other")], *_parts(vector))
    for wrong in (None, "", vector["signature"][:-1], vector["signature"].upper()):
        assert not is_signed(wrong, [token], *_parts(vector))


@pytest.mark.parametrize("vector", VECTORS["envelopes"], ids=lambda each: each["name"])
def test_envelopes_are_those_of_the_platform(vector: dict[str, Any]) -> None:
    """Random bytes, message and receiver give exactly the platform's cipher text, and come back from it."""
    key, message = Secret(vector["key"]), vector["message"].encode()
    assert encrypt(key, message, vector["receive_id"], vector["random"].encode()) == vector["encrypted"]
    assert decrypt([Secret("B" * 43), key], vector["encrypted"], vector["receive_id"]) == message


@pytest.mark.parametrize("vector", VECTORS["opened"], ids=lambda each: each["name"])
def test_samples_of_wecom_open(vector: dict[str, Any]) -> None:
    """The official WeCom samples open with their key; the message of the second has 284 bytes and says hello."""
    message = decrypt([Secret(vector["key"])], vector["encrypted"], vector["receive_id"])
    if vector["message"] is not None:
        assert message.decode() == vector["message"]
    else:
        assert len(message) == 284
        assert (read_xml(message)["Content"], read_xml(message)["AgentID"]) == ("hello", "218")


def test_every_failure_of_an_envelope_sounds_the_same() -> None:
    """Another key, another receiver, a bit turned, cut, no Base64, no padding: one error with one message."""
    key = Secret(KEY)
    good = encrypt(key, b"{}", APPID, b"0123456789abcdef")
    raw = base64.b64decode(good)
    wrong = [
        ([Secret("B" * 43)], good, APPID),
        ([key], good, "wxother"),
        ([key], base64.b64encode(raw[:-1] + bytes([raw[-1] ^ 1])).decode(), APPID),
        ([key], base64.b64encode(raw[:-16]).decode(), APPID),
        ([key], good[:-1], APPID),
        ([key], "!" + good, APPID),
        ([key], "é", APPID),
        ([key], "", APPID),
        ([], good, APPID),
        # Two blocks of another plain text: the length it names is longer than what is there.
        ([key], encrypt(key, b"", "", b"x" * 16), APPID),
    ]
    said = set()
    for keys, encrypted, receive_id in wrong:
        with pytest.raises(ForgedMessage) as caught:
            decrypt(keys, encrypted, receive_id)
        said.add(str(caught.value))
    assert len(said) == 1


@given(st.binary(max_size=300), st.binary(min_size=16, max_size=16))
def test_what_was_sealed_opens(message: bytes, random: bytes) -> None:
    """Any message survives the envelope, at every length of padding."""
    assert decrypt([Secret(KEY)], encrypt(Secret(KEY), message, APPID, random), APPID) == message


def test_the_string_to_sign_is_shown_without_the_token() -> None:
    """Support sees what was sorted and joined and whether it agrees, and never the token."""
    vector = VECTORS["signatures"][-2]
    query = {"timestamp": vector["timestamp"], "nonce": vector["nonce"], "msg_signature": vector["signature"]}
    text = explain_signature(SETTINGS, query, vector["encrypted"])
    assert text.startswith("sha1(1719800400987654321Q3stYC6h")
    assert text.endswith("<secret>) = msg_signature: agrees")
    assert "demotoken" not in text
    assert explain_signature(SETTINGS, query | {"signature": "0"}).endswith("signature: does not agree")
    assert explain_signature(WechatSettings(appid=APPID, app_secret="x"), query) == "no push_token is set"


@pytest.mark.parametrize(
    "wrong",
    [
        {"app_secret": " "},
        {"push_token": ""},
        {"push_aes_key": "short"},
        {"previous_push_aes_key": "A" * 42 + "-"},
        {"push_aes_key": None},
        {"push_mode": "mixed"},
        {"buyer_key": "phone"},
        {"page_size": 101},
        {"page_size": 0},
        {"window_s": 59},
        {"window_s": 86_401},
        {"push_max_age_s": 0},
        {"gateway": "ftp://api.weixin.qq.com"},
        {"gateway": "https://user@api.weixin.qq.com"},
        {"gateway": "https://api.weixin.qq.com?access_token=x"},
    ],
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, Any]) -> None:
    """An empty secret, a key of the wrong form, an unknown mode: when the settings are made, not later."""
    good = {"appid": APPID, "app_secret": "tops3cret", "push_token": "demotoken", "push_aes_key": KEY}
    with pytest.raises(ConfigError):
        WechatSettings(**(good | wrong))


def test_settings_show_no_secret() -> None:
    """Secrets stand in no text of the settings."""
    text = repr(SETTINGS)
    assert "tops3cret" not in text
    assert "demotoken" not in text
    assert KEY not in text
    assert (SETTINGS.shop_id, SETTINGS.hosts) == (APPID, frozenset({"api.weixin.qq.com"}))
