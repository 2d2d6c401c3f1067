"""Calls to the open platform are signed as its own examples are, and what is sent is what was signed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st
from taobao_wire import settings

from crossloyalty.adapters.taobao import calls, explain_signature
from crossloyalty.adapters.taobao.signing import sign, string_to_sign
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.values import Call
from crossloyalty.errors import ConfigError, WrongType

SESSION = Secret("demo-session")
NOW = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)  # 10:00 in Beijing

OFFICIAL = {
    "method": "taobao.item.seller.get",
    "app_key": "12345678",
    "session": "test",
    "timestamp": "2016-01-01 12:00:00",
    "format": "json",
    "v": "2.0",
    "sign_method": "md5",
    "fields": "num_iid,title,nick,price,num",
    "num_iid": "11223344",
}
TUTORIAL = {
    "method": "taobao.user.seller.get",
    "timestamp": "2013-05-06 13:52:03",
    "format": "xml",
    "app_key": "test",
    "v": "2.0",
    "fields": "nick",
    "sign_method": "md5",
    "session": "test",
}
LIST = {
    "method": "taobao.trades.sold.increment.get",
    "app_key": "12345678",
    "session": "demo-session",
    "timestamp": "2026-03-01 10:00:00",
    "format": "json",
    "v": "2.0",
    "sign_method": "md5",
    "fields": "tid,status,payment,modified,orders",
    "start_modified": "2026-03-01 09:00:00",
    "end_modified": "2026-03-01 09:30:00",
    "page_no": "1",
    "page_size": "40",
    "use_has_next": "true",
    "type": "fixed,step",
    "status": "TRADE_FINISHED",
}
CHINESE = {
    "method": "taobao.trades.sold.get",
    "app_key": "12345678",
    "session": "demo-session",
    "timestamp": "2026-03-01 10:00:00",
    "format": "json",
    "v": "2.0",
    "sign_method": "md5",
    "fields": "tid",
    "buyer_nick": "测试买家",
}


@pytest.mark.parametrize(
    ("parameters", "secret", "sign_method", "expected"),
    [
        (OFFICIAL, "helloworld", "md5", "66987CB115214E59E6EC978214934FB8"),
        (OFFICIAL, "helloworld", "hmac", "D56D7858309C31B6251083A874D48273"),
        (OFFICIAL, "helloworld", "hmac-sha256", "04DB15AD0774D5CFCE2C837DE43E3FCEA9011ED74F3038FB6AB5F3C4CEA119E8"),
        (TUTORIAL, "test", "md5", "72CB4D809B375A54502C09360D879C64"),
        (LIST, "demo-secret", "md5", "2583353A2AB1529751DC69E8034F74B6"),
        (LIST, "demo-secret", "hmac", "F4D0C1A611E95790FB2E5FC93C486073"),
        (LIST, "demo-secret", "hmac-sha256", "197BE51AF96ED8594FEA55FFE652D9A856F9CEAFBD576F811B6E872B48DA0A63"),
        (CHINESE, "demo-secret", "md5", "9707CC40C8EE17D02288CA8CCD113142"),
    ],
)
def test_known_signatures(parameters: dict[str, str], secret: str, sign_method: str, expected: str) -> None:
    """The official example, a published one and those computed from them come out, with every method."""
    assert sign({**parameters, "sign_method": sign_method}, Secret(secret), sign_method) == expected


def test_the_official_string_to_sign() -> None:
    """Pairs stand in byte order without separators, raw."""
    assert string_to_sign(OFFICIAL) == (
        "app_key12345678fieldsnum_iid,title,nick,price,numformatjsonmethodtaobao.item.seller.getnum_iid11223344"
        "sessiontestsign_methodmd5timestamp2016-01-01 12:00:00v2.0"
    )


def test_the_signature_itself_and_empty_parameters_are_not_signed() -> None:
    """What is empty or called `sign` changes nothing."""
    assert string_to_sign({**OFFICIAL, "sign": "X", "partner_id": "", "": "y"}) == string_to_sign(OFFICIAL)


def test_explaining_a_signature_shows_no_secret() -> None:
    """The text to compare with the platform's own holds neither secret nor session, and the signature."""
    told = explain_signature(LIST, "demo-secret")
    assert told.startswith("md5: <secret>app_key12345678")
    assert told.endswith("v2.0<secret>\nsign: 2583353A2AB1529751DC69E8034F74B6")
    assert "demo-se" not in told
    assert explain_signature({**LIST, "sign_method": "hmac"}, Secret("demo-secret"), "hmac").startswith("hmac: app_key")


def sent(call: Call) -> dict[str, str]:
    """Read a call's form as the platform does."""
    return {name: value for name, [value] in parse_qs(call.body.decode(), strict_parsing=True).items()}


def signed_calls(**changes: str) -> list[Call]:
    """Give one of each call."""
    shop = settings(**changes)
    since = NOW - timedelta(minutes=30)
    page = {"now": NOW, "session": SESSION}
    return [
        calls.orders_page(shop, since, NOW, 3, total=False, **page),
        calls.orders_page(shop, since, NOW, 1, total=True, **page),
        calls.refunds_page(shop, since, NOW, 1, total=True, **page),
        calls.order_detail(shop, "2600000000000000001", **page),
        calls.refund_detail(shop, "190000000000000001", **page),
        calls.permit_messages(shop, **page),
        calls.consume_messages(shop, 5, now=NOW),
        calls.confirm_messages(shop, ["1", "2"], now=NOW),
        calls.create_token(shop, "c0de", now=NOW),
        calls.refresh_token(shop, Secret("r3fresh"), now=NOW),
    ]


@pytest.mark.parametrize("sign_method", ["md5", "hmac", "hmac-sha256"])
@pytest.mark.parametrize("api", ["simple", "sold"])
def test_what_is_sent_is_what_was_signed(api: str, sign_method: str) -> None:
    """Every call carries the common parameters and a signature over exactly what its form decodes to."""
    for call in signed_calls(api=api, sign_method=sign_method):
        form = sent(call)
        signature = form.pop("sign")
        assert signature == sign(form, Secret("demo-secret"), sign_method)
        assert form["timestamp"] == "2026-03-01 10:00:00"
        assert (form["format"], form["v"], form["method"]) == ("json", "2.0", call.name)
        assert form.get("session", "demo-session") == "demo-session"
        assert "receiver" not in call.body.decode()
        assert call.safe is ("token.create" not in call.name)


def test_lists_name_their_types_and_windows() -> None:
    """A list says every type itself, since the default leaves orders out, and Beijing time."""
    form = sent(signed_calls()[0])
    assert form["method"] == "taobao.trades.simple.sold.increment.get"
    assert (form["start_modified"], form["end_modified"]) == ("2026-03-01 09:30:00", "2026-03-01 10:00:00")
    assert (form["page_no"], form["page_size"], form["use_has_next"]) == ("3", "40", "true")
    assert {"fixed", "step", "cod", "o2o_offlinetrade"} <= set(form["type"].split(","))
    assert sent(signed_calls()[2])["type"] == form["type"]
    assert sent(signed_calls()[1])["use_has_next"] == "false"
    assert sent(signed_calls(api="sold")[3])["method"] == "taobao.trade.fullinfo.get"
    only = calls.orders_page(settings(fields=("tid", "status")), NOW, NOW, 1, total=True, now=NOW, session=SESSION)
    assert sent(only)["fields"] == "tid,status"
    late = sent(
        calls.orders_page(settings(api="sold", list_by="ingested"), NOW, NOW, 1, total=True, now=NOW, session=SESSION)
    )
    assert late["method"] == "taobao.trades.sold.incrementv.get"
    assert late["start_create"] == "2026-03-01 10:00:00"


def test_the_least_and_the_most_messages_of_a_call() -> None:
    """The platform takes 10 to 200; a group is named in both calls."""
    shop = settings(message_group="vip")
    asked = [sent(calls.consume_messages(shop, n, now=NOW))["quantity"] for n in (1, 10, 200, 201)]
    assert asked == ["10", "10", "200", "200"]
    assert sent(calls.confirm_messages(shop, ["7", "8"], now=NOW))["s_message_ids"] == "7,8"
    assert sent(calls.confirm_messages(shop, ["7"], now=NOW))["group_name"] == "vip"
    assert sent(calls.consume_messages(shop, 50, now=NOW))["group_name"] == "vip"


@given(st.dictionaries(st.text("abcz_AZ09", min_size=1), st.text()), st.sampled_from(["md5", "hmac", "hmac-sha256"]))
def test_any_parameters_can_be_signed(parameters: dict[str, str], sign_method: str) -> None:
    """Order of the parameters never matters; changing the secret always does."""
    first = sign(parameters, Secret("a"), sign_method)
    assert first == sign(dict(reversed(parameters.items())), Secret("a"), sign_method)
    assert first != sign(parameters, Secret("b"), sign_method)


def test_settings_refuse_what_cannot_be_meant() -> None:
    """Wrong words, sizes and addresses are told when the settings are made; the secret never shows."""
    for wrong in (
        {"gateway": "gw.api.taobao.com"},
        {"sign_method": "sha1"},
        {"platform": "jd"},
        {"api": "history"},
        {"page_size": 101},
        {"page_size": 0},
        {"window_minutes": 1441},
        {"buyer_id": "oaid"},
        {"app_secret": ""},
        {"list_by": "ingested"},
    ):
        with pytest.raises(ConfigError):
            settings(**wrong)
    for wrong in ({"trade_types": "fixed"}, {"page_size": "40"}, {"seller_flags": {"1": "x"}}, {"refreshable": 1}):
        with pytest.raises(WrongType):
            settings(**wrong)
    assert settings(hosts={"relay.example"}).all_hosts == {"relay.example", "gw.api.taobao.com"}
    assert "demo-secret" not in repr(settings())
