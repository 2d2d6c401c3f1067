"""Calls to JD are signed as its own examples are, on both gateways, and what is sent is what was signed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from jd_wire import settings

from crossloyalty.adapters.jd import calls, explain_signature, sp_calls
from crossloyalty.adapters.jd.signing import sign, string_to_sign
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.values import Call
from crossloyalty.domain.orders import OrderStatus
from crossloyalty.errors import ConfigError, WrongType

SESSION = Secret("demo-token")
SECRET = Secret("demo-secret")
NOW = datetime(2026, 3, 1, 2, 0, 5, tzinfo=UTC)  # 10:00:05 in Beijing

OFFICIAL = {
    "360buy_param_json": (
        '{"end_date":null,"optional_fields":null,"order_state":"WAIT_SELLER_STOCK_OUT","page":"1","page_size":"200",'
        '"start_date":null}'
    ),
    "access_token": "yourtoken",
    "app_key": "yourappkey",
    "method": "jingdong.pop.order.search",
    "timestamp": "2021-05-07 09:20:39.683+0800",
    "v": "2.0",
}
SEARCH = {
    "app_key": "demo-app",
    "access_token": "demo-token",
    "method": "jingdong.pop.order.search",
    "timestamp": "2026-03-01 10:00:05.000+0800",
    "v": "2.0",
    "360buy_param_json": (
        '{"dateType":"0","end_date":"2026-03-01 10:00:00","optional_fields":"orderId,orderState,modified",'
        '"order_state":"FINISHED_L","page":"1","page_size":"50","sortType":"0","start_date":"2026-03-01 09:00:00"}'
    ),
}
CHINESE = {
    **SEARCH,
    "method": "jingdong.pop.order.get",
    "360buy_param_json": '{"orderId":"123456789012","remark":"测试"}',
}
OFFLINE = {
    "X-JOS-App-Key": "offline-app",
    "X-JOS-Access-Token": "offline-token",
    "X-JOS-Timestamp": "1700000000000",
}
DEMO = {"X-JOS-App-Key": "demo-app", "X-JOS-Access-Token": "demo-token", "X-JOS-Timestamp": "1772330405000"}


@pytest.mark.parametrize(
    ("parameters", "secret", "expected"),
    [
        (OFFICIAL, "yourappSecret", "D70825340F4084360B9362B60DFD7930"),
        (SEARCH, "demo-secret", "77F2565D6261489934287EE8A50020E5"),
        (CHINESE, "demo-secret", "1A12C3428340DCD9847FD6487FDEC754"),
        ({"b": "2", "a": "1"}, "secret", "EF16F26C937CF52AE6F85DF2FD08B24A"),
        (
            {"X-JOS-App-Key": "app-key", "X-JOS-Timestamp": "1711111111000", "page": "1"},
            "secret",
            "A166567AB4DC2A06E824EB5029E1B2B8",
        ),
        (
            {
                **OFFLINE,
                "updateStartTime": "1700000000000",
                "updateEndTime": "1700000060000",
                "page": "1",
                "pageSize": "2",
            },
            "offline-secret",
            "0627BD69EEC951A95E84A3A65FEB0AA2",
        ),
        (
            {**OFFLINE, "scopeSet": "refundInfo,skuExtInfo", "afsOrderId": "1001"},
            "offline-secret",
            "62B85BF98B8A1C9D3C68A36761E2A5BD",
        ),
        (
            {
                **DEMO,
                "startTime": "1772326800000",
                "endTime": "1772330400000",
                "page": "1",
                "pageSize": "50",
                "sortBy": "modifiedTime",
            },
            "demo-secret",
            "B64FFD26997F7D2D83BA8EEC15F3317F",
        ),
        ({**DEMO, "body": '{"orderId":123456789012}'}, "demo-secret", "1AA6B0E9A4B8569AB30A9861FE12BD33"),
    ],
)
def test_known_signatures(parameters: dict[str, str], secret: str, expected: str) -> None:
    """The official example, those of the SDK and of integrators, and those computed from them come out."""
    assert sign(parameters, Secret(secret)) == expected


def test_the_official_string_to_sign() -> None:
    """The JSON text stands first, since digits precede letters, and nothing is encoded."""
    assert string_to_sign({**OFFICIAL, "sign": "X"}) == (
        f"360buy_param_json{OFFICIAL['360buy_param_json']}access_tokenyourtokenapp_keyyourappkey"
        "methodjingdong.pop.order.searchtimestamp2021-05-07 09:20:39.683+0800v2.0"
    )


def test_explaining_a_signature_shows_no_secret() -> None:
    """The text to compare with JD's own holds neither secret nor token, and the signature."""
    told = explain_signature(SEARCH, "demo-secret")
    assert told.startswith("md5: <secret>360buy_param_json{")
    assert told.endswith("v2.0<secret>\nsign: 77F2565D6261489934287EE8A50020E5")
    assert "demo-secret" not in told
    assert "demo-token" not in told + explain_signature(DEMO, SECRET)


def test_the_calls_of_the_page_are_the_calls_we_make() -> None:
    """The SP-API's list of one minute and its detail carry the integrator's own signatures."""
    shop = settings(app_key="demo-app", page_size=50)
    since, until = (datetime.fromtimestamp(at, UTC) for at in (1772326800, 1772330400))
    page = sp_calls.orders_page(shop, since, until, 1, now=NOW, session=SESSION)
    assert page.headers["X-JOS-Sign"] == "B64FFD26997F7D2D83BA8EEC15F3317F"
    offline = settings(app_key="offline-app", app_secret="offline-secret", page_size=2)
    start = datetime.fromtimestamp(1700000000, UTC)
    page = sp_calls.services_page(
        offline, start, start + timedelta(minutes=1), 1, now=start, session=Secret("offline-token")
    )
    assert page.headers["X-JOS-Sign"] == "0627BD69EEC951A95E84A3A65FEB0AA2"
    one = sp_calls.service_detail(offline, "1001", now=start, session=Secret("offline-token"))
    assert one.headers["X-JOS-Sign"] == "62B85BF98B8A1C9D3C68A36761E2A5BD"
    assert one.url == "https://api-cn.jd.com/rest/sp-aftercare/v0/afs-orders/1001?scopeSet=refundInfo%2CskuExtInfo"
    assert one.name == "/sp-aftercare/v0/afs-orders/{afsOrderId}"


def sent(call: Call) -> dict[str, str]:
    """Read a form as JD does."""
    return dict(parse_qsl(call.body.decode(), keep_blank_values=True, strict_parsing=True))


def test_what_is_sent_is_what_was_signed() -> None:
    """Every routerjson call carries a signature over exactly what its form decodes to, the JSON text to the byte."""
    shop = settings()
    since = NOW - timedelta(hours=1)
    page = {"now": NOW, "session": SESSION}
    made = [
        calls.orders_page(shop, since, NOW, 2, **page),
        calls.applications_page(shop, since, NOW, 1, reviewed=True, **page),
        calls.order_detail(shop, "290000000001", **page),
        calls.applications_page(shop, since, NOW, 1, reviewed=False, **page),
        calls.applications_of(shop, "290000000001", **page),
        calls.services_page(shop, since, NOW, 3, **page),
        calls.services_of(shop, "290000000001", **page),
        calls.signed(shop, "jingdong.pop.order.get", {"remark": "测试 +"}, NOW, SESSION),
    ]
    for call in made:
        form = sent(call)
        signature = form.pop("sign")
        assert signature == sign(form, SECRET)
        assert (form["timestamp"], form["method"]) == ("2026-03-01 10:00:05.000+0800", call.name)
        assert "%2B0800" in call.body.decode()
    asked = json.loads(sent(made[0])["360buy_param_json"])
    assert (asked["start_date"], asked["end_date"]) == ("2026-03-01 09:00:05", "2026-03-01 10:00:05")
    assert (asked["page"], asked["page_size"], asked["sortType"], asked["dateType"]) == ("2", "50", "0", "0")
    assert {"FINISHED_L", "TRADE_CANCELED", "LOCKED"} <= set(asked["order_state"].split(","))
    assert not {"consigneeInfo", "pin", "realPin"} & set(asked["optional_fields"].split(","))
    assert json.loads(sent(made[1])["360buy_param_json"])["checkTimeStart"] == "2026-03-01 09:00:05"
    assert json.loads(sent(made[3])["360buy_param_json"])["pageIndex"] == "1"
    assert json.loads(sent(made[5])["360buy_param_json"])["pageNumber"] == "3"
    assert sent(made[7])["360buy_param_json"] == '{"remark":"测试 +"}'


def test_sp_calls_sign_path_and_query() -> None:
    """The detail of an order signs its number under the name it has in the path."""
    call = sp_calls.order_detail(settings(), "290000000001", now=NOW, session=SESSION)
    assert call.url == "https://api-cn.jd.com/rest/sp-order/v0/orders/290000000001"
    assert call.headers["X-JOS-Sign"] == sign({**DEMO, "orderId": "290000000001"}, SECRET)
    page = sp_calls.services_of(settings(), "290000000001", 2, now=NOW, session=SESSION)
    query = dict(parse_qsl(urlsplit(page.url).query))
    assert page.headers["X-JOS-Sign"] == sign({**DEMO, **query}, SECRET)
    odd = sp_calls.order_detail(settings(), "../x?y", now=NOW, session=SESSION)
    assert odd.url.endswith("/orders/..%2Fx%3Fy")


def test_token_calls_go_to_their_own_host() -> None:
    """Code and refresh token are exchanged once, with the application's secret, which shows in no repr."""
    for call in (
        calls.create_token(settings(), "c0de"),
        calls.refresh_token(settings(), Secret("r3fresh")),
    ):
        assert call.place.startswith("GET open-oauth.jd.com/oauth2/")
        assert call.safe is call.name.endswith("refresh_token")
        assert "app_secret=demo-secret" in call.url
        assert "demo-secret" not in repr(call)


def test_settings_refuse_what_cannot_be_meant() -> None:
    """Wrong words, sizes and addresses are told when the settings are made; the secret never shows."""
    for wrong in (
        {"gateway": "api.jd.com"},
        {"api": "rest"},
        {"page_size": 101},
        {"window_minutes": 31 * 1440 + 1},
        {"gift_cards": "yes"},
        {"app_secret": " "},
    ):
        with pytest.raises(ConfigError):
            settings(**wrong)
    for wrong in ({"refunded_states": {"3"}}, {"status_words": {"x": "FINISHED"}}, {"order_states": "NOT_PAY"}):
        with pytest.raises(WrongType):
            settings(**wrong)
    assert settings().all_hosts == {"api.jd.com", "open-oauth.jd.com"}
    assert settings(api="sp", hosts={"relay.example"}).all_hosts == {
        "api-cn.jd.com",
        "open-oauth.jd.com",
        "relay.example",
    }
    assert settings(status_words={"OK": OrderStatus.FINISHED}).status_words
    assert "demo-secret" not in repr(settings())
