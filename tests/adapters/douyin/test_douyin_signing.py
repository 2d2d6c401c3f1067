"""Douyin's signatures of calls and messages."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import attrs
import pytest
from douyin_payloads import APP_KEY, APP_SECRET, SETTINGS
from hypothesis import given
from hypothesis import strategies as st

from crossloyalty.adapters.douyin import DouyinSettings, calls, explain_signature
from crossloyalty.adapters.douyin.messages import is_genuine
from crossloyalty.adapters.douyin.signing import canonical, event_sign, sign, string_to_sign
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.errors import ConfigError

SECRET = Secret(APP_SECRET)
NOW = datetime.fromtimestamp(1_719_800_400, UTC)
TOKEN = Secret("demo-access-token")
VECTORS: dict[str, tuple[str, str, dict[str, Any], str, str, str]] = {
    "strings": (
        "product.getGoodsCategory",
        "2020-09-15 14:48:13",
        {"page": "1", "cid": "12"},
        '{"cid":"12","page":"1"}',
        "cf5c13e551eb2f3e4e883a472e2c12f8",
        "7bb73a7e14f593bbac6615fc5c30bf6ccc348c060e80e9a2edd96744a1fb8312",
    ),
    "list of orders": (
        "order.searchList",
        "1719800400",
        {
            "update_time_start": 1719792000,
            "update_time_end": 1719795600,
            "order_by": "update_time",
            "order_asc": True,
            "page": 0,
            "size": 100,
        },
        '{"order_asc":true,"order_by":"update_time","page":0,"size":100,"update_time_end":1719795600,'
        '"update_time_start":1719792000}',
        "70c2b8506820047040eacc82da5840b1",
        "a888ed3a6ec8f69c4b2970bb1f2a3f675c29727de9d004797602726616ed7240",
    ),
    "detail": (
        "order.orderDetail",
        "1719800400",
        {"shop_order_id": "6900000000000000001"},
        '{"shop_order_id":"6900000000000000001"}',
        "f3fc5ea8c0f71b474d09ea2b15434e94",
        "f3f22167b8a887c457d87e7a4af99b28ddc376a1d41e47e5861a76cc533a277a",
    ),
    "nested, raw signs, Chinese": (
        "order.addOrderRemark",
        "1719800400",
        {
            "remark": "<赠品>&A/B 测试",
            "order_id": "6900000000000000001",
            "nested": {"b": [{"z": 1, "a": "x"}], "a": True},
        },
        '{"nested":{"a":true,"b":[{"a":"x","z":1}]},"order_id":"6900000000000000001","remark":"<赠品>&A/B 测试"}',
        "9c50e981279792f00530a95a8a9397af",
        "b2fce2c56d58e7e8de97a157e8cf3718484fbd115417ca41c96ba33eb4e024ec",
    ),
    "token": (
        "token.create",
        "1719800400",
        {"code": "", "grant_type": "authorization_self", "shop_id": "4463798"},
        '{"code":"","grant_type":"authorization_self","shop_id":"4463798"}',
        "ecba6e784437d0d4c6e698ca305a07d2",
        "5ac841220b36dfa9cb5c70ea0d53fb87c7c74ce662c9090d9e15b0c079f30cea",
    ),
    "nothing": (
        "order.searchList",
        "1719800400",
        {"page": None},
        "{}",
        "2054df2d30f8eb24bccd64e4f6e37311",
        "17e1e04e2b9e7dcb04e13c7110dc761dbccaf75a9843bbeb60d05350c3161f06",
    ),
}
EVENTS = [
    (b'[{"tag":"0","msg_id":"0","data":"probe"}]', "2222444c5d1db9ecceec077f1c656c34"),
    (
        b'[{"tag":"103","msg_id":"7000000000000000001:1:103:1719800400:1","data":"{\\"complete_time\\":1719800400,'
        b'\\"order_status\\":5,\\"p_id\\":6900000000000000001,\\"s_ids\\":[6900000000000000002],'
        b'\\"shop_id\\":4463798}"}]',
        "3a9b078fbcd7985dcd6bdbedfd8d2304",
    ),
    (
        b'[{"tag":"206","msg_id":"7000000000000000002","data":"{\\"aftersale_id\\":7000000000000000009,'
        b'\\"aftersale_status\\":12,\\"aftersale_type\\":0,\\"p_id\\":6900000000000000001,\\"refund_amount\\":5900,'
        b'\\"refund_post_amount\\":0,\\"s_id\\":6900000000000000002,\\"shop_id\\":4463798,'
        b'\\"success_time\\":1719900000}"}]',
        "80a41e3ee821ab29d6970347eee78698",
    ),
]


@pytest.mark.parametrize("name", VECTORS)
def test_signatures_are_the_known_ones(name: str) -> None:
    """Business parameters are written the one way, and both digests of every vector come out."""
    method, timestamp, parameters, param_json, md5, hmac = VECTORS[name]
    assert canonical(parameters) == param_json
    assert sign(APP_KEY, SECRET, method, param_json, timestamp, sign_method="md5") == md5
    assert sign(APP_KEY, SECRET, method, param_json, timestamp) == hmac


def test_the_string_to_sign_is_the_known_one() -> None:
    """Five names in their order stand between two copies of the secret; the explanation hides both."""
    method, timestamp, _, param_json, _, _ = VECTORS["strings"]
    middle = (
        'app_key3409409348479354011methodproduct.getGoodsCategoryparam_json{"cid":"12","page":"1"}'
        "timestamp2020-09-15 14:48:13v2"
    )
    assert string_to_sign(APP_KEY, SECRET, method, param_json, timestamp) == f"{APP_SECRET}{middle}{APP_SECRET}"
    assert explain_signature(APP_KEY, SECRET, method, param_json, timestamp) == f"<secret>{middle}<secret>"


def built(settings: DouyinSettings = SETTINGS) -> list[calls.Call]:
    """Give one call of every kind."""
    return [
        calls.changed_orders(settings, 1719792000, 1719795600, 0, now=NOW, token=TOKEN),
        calls.order_detail(settings, "6900000000000000001", now=NOW, token=TOKEN),
        calls.changed_refunds(settings, 1719792000, 1719795600, 3, now=NOW, token=TOKEN),
        calls.refunds_of_order(settings, "6900000000000000001", 0, now=NOW, token=TOKEN),
        calls.refund_detail(settings, "7000000000000000009", now=NOW, token=TOKEN),
        calls.create_token(settings, "", now=NOW),
        calls.create_token(attrs.evolve(settings, self_use=False), "code", now=NOW),
        calls.refresh_token(settings, Secret("demo-refresh"), now=NOW),
    ]


@pytest.mark.parametrize("sign_method", ["hmac-sha256", "md5"])
def test_what_is_sent_is_what_was_signed(sign_method: Any) -> None:
    """Body and query are those under the signature, the path is the method, and no secret stands in either."""
    for call in built(attrs.evolve(SETTINGS, sign_method=sign_method)):
        parts = urlsplit(call.url)
        query = dict(parse_qsl(parts.query, strict_parsing=True))
        assert (parts.hostname, parts.path) == ("openapi-fxg.jinritemai.com", "/" + call.name.replace(".", "/"))
        assert query["sign"] == sign(
            APP_KEY, SECRET, call.name, call.body.decode(), query["timestamp"], sign_method=sign_method
        )
        assert (query["method"], query["v"], query["sign_method"]) == (call.name, "2", sign_method)
        assert ("access_token" in query) is not call.name.startswith("token.")
        assert APP_SECRET not in call.url + call.body.decode()
        assert "demo" not in repr(call)


def test_the_list_of_orders_is_the_vector() -> None:
    """The call for changed orders has the signature worked out beforehand, pages from 0 and the oldest change first."""
    first = built()[0]
    assert first.body.decode() == VECTORS["list of orders"][3]
    assert dict(parse_qsl(urlsplit(first.url).query))["sign"] == VECTORS["list of orders"][5]
    assert json.loads(built()[2].body)["order_by"] == ["update_time asc"]


def test_a_token_for_an_own_app_can_be_asked_for_again() -> None:
    """An app of the shop's own names its shop and may ask twice; a merchant's code works once."""
    own, foreign = built()[5:7]
    assert (json.loads(own.body)["shop_id"], own.safe) == ("4463798", True)
    assert (json.loads(foreign.body), foreign.safe) == ({"code": "code", "grant_type": "authorization_code"}, False)


# -- messages ------------------------------------------------------------------------------------------------------


def headers(signature: str | None, app_id: str = APP_KEY) -> dict[str, str]:
    """Give a message's headers."""
    return {"app-id": app_id} | ({} if signature is None else {"event-sign": signature})


@pytest.mark.parametrize(("body", "signature"), EVENTS)
def test_pushed_bodies_have_the_known_signatures(body: bytes, signature: str) -> None:
    """Key, raw bytes and secret give the signature of every vector, and that alone is taken."""
    assert event_sign(APP_KEY, SECRET, body) == signature
    assert is_genuine(SETTINGS, headers(signature), body)


@pytest.mark.parametrize(
    "bad",
    [
        headers(None),
        headers(""),
        headers("0" * 32),
        headers(EVENTS[0][1].upper()),
        headers(f"{EVENTS[0][1]},{EVENTS[0][1]}"),
        headers(EVENTS[0][1], app_id="1"),
        headers(EVENTS[0][1], app_id=""),
        {"event-sign": EVENTS[0][1]},
        {},
    ],
)
def test_a_signature_that_is_missing_or_another_is_refused(bad: dict[str, str]) -> None:
    """Missing, empty, doubled, otherwise written signatures and another app's name are refused."""
    assert not is_genuine(SETTINGS, bad, EVENTS[0][0])


@given(st.integers(0, len(EVENTS[1][0]) - 1), st.integers(1, 255))
def test_a_changed_byte_is_refused(place: int, change: int) -> None:
    """Any byte of the body changed makes the signature wrong."""
    body = bytearray(EVENTS[1][0])
    body[place] ^= change
    assert not is_genuine(SETTINGS, headers(EVENTS[1][1]), bytes(body))


def test_the_previous_secret_is_taken_while_it_is_set() -> None:
    """During a change of secrets both sign; afterwards the old one does not."""
    changed = attrs.evolve(SETTINGS, app_secret="new", previous_secret=APP_SECRET)
    body, signature = EVENTS[0]
    assert is_genuine(changed, headers(signature), body)
    assert is_genuine(changed, headers(event_sign(APP_KEY, Secret("new"), body)), body)
    assert not is_genuine(attrs.evolve(changed, previous_secret=None), headers(signature), body)


def test_a_signature_without_blanks_is_taken_only_when_asked_for() -> None:
    """A body with blanks signed as if it had none is refused, unless the setting accepts it."""
    body = EVENTS[0][0].replace(b",", b", ")
    assert not is_genuine(SETTINGS, headers(EVENTS[0][1]), body)
    assert is_genuine(attrs.evolve(SETTINGS, accept_stripped_body=True), headers(EVENTS[0][1]), body)


def test_a_huge_body_is_refused_unread() -> None:
    """A body of more than a mebibyte is refused even under the right signature."""
    body = b" " * (1024 * 1024 + 1)
    assert not is_genuine(SETTINGS, headers(event_sign(APP_KEY, SECRET, body)), body)


@pytest.mark.parametrize(
    "changed",
    [{"app_secret": ""}, {"sign_method": "sha1"}, {"gateway": "https://openapi-fxg.jinritemai.com/"}, {"gateway": "x"}],
)
def test_settings_that_cannot_work_are_refused(changed: dict[str, Any]) -> None:
    """An empty secret, an unknown digest and an address of the wrong form are refused when given."""
    with pytest.raises(ConfigError):
        DouyinSettings(**{"app_key": "a", "app_secret": "b", "shop_id": "c", **changed})


def test_settings_show_no_secret() -> None:
    """No secret stands in what a log would show, and buyer ids are unique per app and shop."""
    assert APP_SECRET not in repr(attrs.evolve(SETTINGS, previous_secret=APP_SECRET))
    assert SETTINGS.called_hosts == {"openapi-fxg.jinritemai.com"}
    assert SETTINGS.buyer_scope == "3409409348479354011/4463798"
