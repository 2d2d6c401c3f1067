"""Xiaohongshu's calls are signed as its page says and ask for what a sync needs."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from xiaohongshu_payloads import settings

from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.xiaohongshu import calls, explain_signature
from crossloyalty.adapters.xiaohongshu.signing import sign_call, sign_message, text_of_call, text_of_message
from crossloyalty.errors import InvalidInput

NOW = datetime.fromtimestamp(1719800400, UTC)
TOKEN = Secret("demo-access-token")
SECRET = Secret("demo-app-secret")


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("order.getOrderList", "2d3e0d932e8a7e406860e81012ac6319"),
        ("order.getOrderDetail", "9aba028c413cf773f69538da4d1de898"),
        ("oauth.getAccessToken", "5b6e167cdddc8913476036ecaed14d2c"),
    ],
)
def test_every_signature_vector_of_a_call_holds(method: str, expected: str) -> None:
    """Method, app, time and version are signed; business parameters and the token are not."""
    assert sign_call(method, app_id="demo-app-id", timestamp="1719800400", secret=SECRET) == expected


def test_the_text_to_sign_is_the_page_s() -> None:
    """Method, four pairs, the secret without a separator."""
    text = text_of_call("order.getOrderList", app_id="demo-app-id", timestamp="1719800400", secret=SECRET)
    assert text == "order.getOrderList?appId=demo-app-id&timestamp=1719800400&version=2.0demo-app-secret"
    shown = explain_signature("order.getOrderList", app_id="demo-app-id", timestamp="1719800400", secret=SECRET)
    assert shown == "order.getOrderList?appId=demo-app-id&timestamp=1719800400&version=2.0<secret>"


@pytest.mark.parametrize(
    ("callback", "app_key", "timestamp", "secret", "expected"),
    [
        (
            "/open_api/msg?canshu=test",
            "xhs",
            "1625475843",
            "9a539709cafc1efc9ef05838be468a28",
            "a7b7430de338783293443133ab9b9357",
        ),
        (
            "/open_api/msg",
            "xhs",
            "1625475843",
            "9a539709cafc1efc9ef05838be468a28",
            "4203f4d60ae53179427301269e210f1e",
        ),
        (
            "/webhooks/xhs?shop=s1",
            "demo-app-id",
            "1719800400",
            "demo-app-secret",
            "2e70b863d9a17128739beac3911ee9cd",
        ),
    ],
)
def test_every_signature_vector_of_a_message_holds(
    callback: str, app_key: str, timestamp: str, secret: str, expected: str
) -> None:
    """The platform's own vector and ours: path, query and two headers, sorted by name."""
    assert sign_message(callback, app_key=app_key, timestamp=timestamp, secret=Secret(secret)) == expected


def test_values_of_the_query_count_un_encoded() -> None:
    """Chinese values are signed as they read, in the order of their names, an empty one too."""
    text = text_of_message("/x?店=%E4%B8%AD&a=&b=1", app_key="k", timestamp="1", secret=Secret("s"))
    assert text == "/x?a=&app-key=k&b=1&timestamp=1&店=中s"


def test_all_calls_are_flat_objects_for_one_address() -> None:
    """System parameters as text beside one's own; seconds for orders, milliseconds for after-sales."""
    begin = NOW - timedelta(minutes=30)
    made = [
        calls.order_page(settings(), begin=begin, end=NOW, page=3, token=TOKEN, now=NOW),
        calls.order_detail(settings(), order_no="P7", token=TOKEN, now=NOW),
        calls.after_sale_page(settings(), begin=begin, end=NOW, page=1, token=TOKEN, now=NOW),
        calls.after_sales_of(settings(), order_no="P7", page=2, token=TOKEN, now=NOW),
        calls.after_sale_detail(settings(), refund_id="R7", token=TOKEN, now=NOW),
        calls.create_token(settings(), code="c1", now=NOW),
        calls.refresh_token(settings(), token=Secret("r1"), now=NOW),
    ]
    own = []
    for call in made:
        assert (call.method, call.url) == ("POST", "https://ark.xiaohongshu.com/ark/open_api/v3/common_controller")
        assert "demo-access-token" not in repr(call)
        sent = json.loads(call.body)
        system = {name: sent.pop(name) for name in ("appId", "timestamp", "version", "method", "sign")}
        assert system == {
            "appId": "demo-app-id",
            "timestamp": "1719800400",
            "version": "2.0",
            "method": call.name,
            "sign": sign_call(call.name, app_id="demo-app-id", timestamp="1719800400", secret=SECRET),
        }
        assert sent.pop("accessToken", None) == (None if call.name.startswith("oauth.") else "demo-access-token")
        own.append(sent)
    assert own == [
        {"startTime": 1719798600, "endTime": 1719800400, "timeType": 2, "pageNo": 3, "pageSize": 100},
        {"orderId": "P7"},
        {"startTime": 1719798600000, "endTime": 1719800400000, "timeType": 2, "pageNo": 1, "pageSize": 100},
        {"orderId": "P7", "pageNo": 2, "pageSize": 100},
        {"returnsId": "R7", "needNegotiateRecord": False},
        {"code": "c1"},
        {"refreshToken": "r1"},
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"app_secret": ""},
        {"callback": "https://x.example/hook"},
        {"buyer_id": "phone"},
        {"subtract_pay_discount": 1},
        {"message_age_s": 0},
        {"message_age_s": 86_401},
        {"shop_id": ""},
        {"memo_flags": ["刷单"]},
        {"memo_flags": {"刷单": ""}},
    ],
)
def test_a_wrong_setting_is_found_when_it_is_made(wrong: dict[str, object]) -> None:
    """Unknown words, empty secrets and windows without measure are refused before any call."""
    with pytest.raises(Exception, match=r".") as caught:
        settings(**wrong)
    assert isinstance(caught.value, InvalidInput) or type(caught.value).__name__ == "ConfigError"
    assert "demo-app-secret" not in repr(settings())
