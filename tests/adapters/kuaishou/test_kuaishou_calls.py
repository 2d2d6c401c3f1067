"""Kuaishou's calls are signed as its page says and ask for what a sync needs."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from kuaishou_payloads import MESSAGE_KEY, settings

from crossloyalty.adapters.kuaishou import calls, explain_signature
from crossloyalty.adapters.kuaishou.signing import sign, text_to_sign
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.values import Call
from crossloyalty.errors import ConfigError

SHORT = {
    "appkey": "ks123",
    "method": "open.seller.order.list",
    "version": "1",
    "param": '{"title":"短袖"}',
    "access_token": "token",
    "timestamp": "1583271919000",
}
LONG = {
    "appkey": "ks600000000000000001",
    "method": "open.order.cursor.list",
    "version": "1",
    "access_token": "demo-access-token",
    "timestamp": "1719800400000",
    "param": '{"beginTime":1719792000000,"cursor":"","endTime":1719795600000,"orderViewStatus":1,"pageSize":50,'
    '"queryType":2,"sort":2}',
}
NOW = datetime.fromtimestamp(1719800400, UTC)
TOKEN = Secret("demo-access-token")


@pytest.mark.parametrize(
    ("parameters", "secret", "method", "expected"),
    [
        (SHORT, "sign-secret", "MD5", "6005da269b372ff10945e565ef37a4c6"),
        (SHORT, "sign-secret", "HMAC_SHA256", "ZpPrG0oB1g/T93FyyVD+VCzRey41yqxZoCqcGg7upYM="),
        (LONG, "demo-sign-secret", "MD5", "b6fa29ef29ddb9542023b3c455702953"),
        (LONG, "demo-sign-secret", "HMAC_SHA256", "yUvpvhoDs2VfPTVdYowtEVbWtKzD8V8wbpEsRDkRjnE="),
    ],
)
def test_every_signature_vector_holds(parameters: dict[str, str], secret: str, method: str, expected: str) -> None:
    """MD5 in hex and HMAC in Base64, over un-encoded values, Chinese ones too."""
    assert sign(parameters | {"signMethod": method}, Secret(secret), method) == expected  # type: ignore[arg-type]


def test_the_text_to_sign_is_the_page_s() -> None:
    """Names sorted, values as they stand, the secret last; a `sign` already there is left out."""
    text = text_to_sign(SHORT | {"signMethod": "HMAC_SHA256", "sign": "x"}, Secret("sign-secret"))
    assert text == (
        'access_token=token&appkey=ks123&method=open.seller.order.list&param={"title":"短袖"}'
        "&signMethod=HMAC_SHA256&timestamp=1583271919000&version=1&signSecret=sign-secret"
    )


def test_what_is_signed_can_be_shown() -> None:
    """The explanation holds everything but the secret and the token."""
    text = explain_signature(LONG, Secret("demo-sign-secret"))
    assert "demo-" not in text
    assert text.startswith("access_token=<secret>&appkey=ks600000000000000001&method=open.order.cursor.list&param={")
    assert text.endswith("&signSecret=<secret>")


def parameters_of(call: Call) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(call.url).query, strict_parsing=True).items()}


def test_a_page_of_orders_is_the_page_s_own_request() -> None:
    """The fourth vector comes out of our own builder, percent-encoded only on the wire."""
    begin, end = datetime.fromtimestamp(1719792000, UTC), datetime.fromtimestamp(1719795600, UTC)
    call = calls.order_page(settings(), begin=begin, end=end, cursor="", token=TOKEN, now=NOW)
    assert parameters_of(call)["param"] == LONG["param"]
    assert "sign=yUvpvhoDs2VfPTVdYowtEVbWtKzD8V8wbpEsRDkRjnE%3D" in call.url
    assert call.url.startswith("https://openapi.kwaixiaodian.com/open/order/cursor/list?")
    assert (call.method, call.safe, "demo-access-token" in repr(call)) == ("GET", True, False)


@pytest.mark.parametrize("cursor", ["", "abc=", "中&文"])
def test_all_queries_name_their_method_in_path_and_parameters(cursor: str) -> None:
    """Path and `method` agree, numbers are numbers, and the signature is that of what is sent."""
    begin, end = NOW - timedelta(days=1), NOW
    made = [
        calls.order_page(settings(), begin=begin, end=end, cursor=cursor, token=TOKEN, now=NOW),
        calls.refund_page(settings(), begin=begin, end=end, cursor=cursor, page=3, token=TOKEN, now=NOW),
        calls.order_detail(settings(), order_no="2400000000000001", token=TOKEN, now=NOW),
        calls.fee_detail(settings(), order_no="2400000000000001", token=TOKEN, now=NOW),
        calls.refund_detail(settings(), refund_id="2418000000000001", token=TOKEN, now=NOW),
    ]
    params = []
    for call in made:
        sent = parameters_of(call)
        assert urlsplit(call.url).path == "/" + call.name.replace(".", "/") == "/" + sent["method"].replace(".", "/")
        assert sent.pop("sign") == sign(sent, Secret("demo-sign-secret"), "HMAC_SHA256")
        params.append(json.loads(sent["param"]))
    assert params[0]["cursor"] == params[1]["pcursor"] == cursor
    assert params[1] == {
        "beginTime": 1719714000000,
        "endTime": 1719800400000,
        "type": 9,
        "pageSize": 100,
        "currentPage": 3,
        "pcursor": cursor,
        "queryType": 2,
        "sort": 2,
    }
    oid = 2400000000000001
    assert params[2:] == [{"oid": oid}, {"orderId": oid}, {"refundId": 2418000000000001}]


def test_tokens_are_asked_for_with_the_app_secret() -> None:
    """The code goes in a GET that is sent once, the refresh token in a form; neither carries the sign secret."""
    first = calls.create_token(settings(), code="c1")
    again = calls.refresh_token(settings(), token=Secret("r1"))
    assert first.url == (
        "https://openapi.kwaixiaodian.com/oauth2/access_token?app_id=ks600000000000000001&app_secret=demo-app-secret"
        "&grant_type=code&code=c1"
    )
    assert not first.safe
    assert (again.method, again.url) == ("POST", "https://openapi.kwaixiaodian.com/oauth2/refresh_token")
    assert parse_qs(again.body.decode()) == {
        "app_id": ["ks600000000000000001"],
        "app_secret": ["demo-app-secret"],
        "grant_type": ["refresh_token"],
        "refresh_token": ["r1"],
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"sign_method": "SHA1"},
        {"amounts": "list"},
        {"app_secret": ""},
        {"message_key": "no base64!"},
        {"message_key": "c2hvcnQ="},
        {"check_seller": 1},
        {"shop_id": ""},
        {"memo_flags": ["刷单"]},
        {"memo_flags": {"刷单": ""}},
        {"extra_discounts": "ignore"},
        {"refund_subsidy": True},
    ],
)
def test_a_wrong_setting_is_found_when_it_is_made(wrong: dict[str, object]) -> None:
    """Unknown words, empty secrets and keys that are none are refused before any call."""
    with pytest.raises((ConfigError, ValueError)):
        settings(**wrong)


def test_settings_show_no_secret() -> None:
    """Their text holds neither secret nor message key."""
    text = repr(settings())
    assert "demo-app-secret" not in text
    assert "demo-sign-secret" not in text
    assert MESSAGE_KEY not in text
