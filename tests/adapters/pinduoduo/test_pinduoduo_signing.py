"""Pinduoduo's signature and channel digest, against the official example and those of public clients."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qsl

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pinduoduo_payloads import SETTINGS

from crossloyalty.adapters.pinduoduo import PinduoduoSettings, calls, explain_signature
from crossloyalty.adapters.pinduoduo.messages import channel_address, heartbeat
from crossloyalty.adapters.pinduoduo.signing import channel_digest, sign, string_to_sign
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.errors import ConfigError

NOW = datetime(2024, 7, 1, 2, 20, tzinfo=UTC)  # 1719800400
TOKEN = Secret("demo-access-token")
COMMON = {
    "access_token": "demo-access-token",
    "client_id": "demo-client-id",
    "data_type": "JSON",
    "timestamp": "1719800400",
}
VECTORS = {
    "official": (
        "testSecret",
        {
            "access_token": "asd78172s8ds9a921j9qqwda12312w1w21211",
            "client_id": "1",
            "data_type": "XML",
            "order_status": "1",
            "page": "1",
            "page_size": "10",
            "timestamp": "1480411125",
            "type": "pdd.order.number.list.get",
        },
        "E4DE3ED21002510DED352819E7AE6775",
    ),
    "a public client's test": (
        "test-secret",
        {
            "client_id": "test-client",
            "data_type": "JSON",
            "logistics_id": "9",
            "order_sn": "240101-1",
            "order_state": "1",
            "timestamp": "1720000000",
            "type": "pdd.erp.order.sync",
            "version": "V1",
            "waybill_no": "SF123",
        },
        "CC0F30530BBAC3FD67608391D61E370C",
    ),
    "increment": (
        "demo-client-secret",
        {
            **COMMON,
            "end_updated_at": "1719799800",
            "is_lucky_flag": "0",
            "order_status": "5",
            "page": "1",
            "page_size": "100",
            "refund_status": "5",
            "start_updated_at": "1719798000",
            "type": "pdd.order.number.list.increment.get",
            "use_has_next": "true",
            "version": "V1",
        },
        "49B5689091FE147000EF8690F95010D3",
    ),
    "comma list": (
        "demo-client-secret",
        {
            **COMMON,
            "topics": "pdd_trade_TradeSuccess,pdd_refund_RefundCreated",
            "type": "pdd.pmc.user.permit",
        },
        "7240762FF939C9C6201DBDA17E473FB5",
    ),
    "object list": (
        "demo-client-secret",
        {
            **COMMON,
            "data_list": '[{"data_tag":"240701-000000000000001","encrypted_data":"~AgAAAA==~0~"}]',
            "type": "pdd.open.decrypt.batch",
        },
        "E869BB22457C5CB1F9926045475CF87B",
    ),
}


@pytest.mark.parametrize("name", VECTORS)
def test_signatures_are_the_known_ones(name: str) -> None:
    """Every vector gives its signature, whatever stands in `sign` already."""
    secret, parameters, expected = VECTORS[name]
    assert sign(parameters, Secret(secret)) == expected
    assert sign(parameters | {"sign": "0" * 32}, Secret(secret)) == expected


def test_the_string_to_sign_is_the_official_one() -> None:
    """Names and values stand sorted and unseparated between two copies of the secret."""
    secret, parameters, _ = VECTORS["official"]
    assert string_to_sign(parameters, Secret(secret)) == (
        "testSecretaccess_tokenasd78172s8ds9a921j9qqwda12312w1w21211client_id1data_typeXMLorder_status1page1page_size10"
        "timestamp1480411125typepdd.order.number.list.gettestSecret"
    )


def test_an_explanation_holds_no_secret() -> None:
    """The string to sign is shown with secret and access token hidden."""
    secret, parameters, _ = VECTORS["official"]
    shown = explain_signature(parameters, Secret(secret))
    assert shown.startswith("<secret>access_token<secret>client_id1")
    assert secret not in shown
    assert parameters["access_token"] not in shown


@pytest.mark.parametrize(
    ("client_id", "secret", "milliseconds", "digest"),
    [
        ("app", "secret", 1_700_000_000_000, "OTgxODMwNDI2NWZiN2NiNzA2NzIxOTI0ZjJlMDMxMjE="),
        ("demo-client-id", "demo-client-secret", 1_719_800_400_000, "NjkyZmMwMGY3MGNmMWVkNWM4NjExZWI1NzQ4ZGJmZjE="),
    ],
)
def test_the_channel_digest_is_the_known_one(client_id: str, secret: str, milliseconds: int, digest: str) -> None:
    """The digest is base64 over the hex digits of the MD5."""
    assert channel_digest(client_id, milliseconds, Secret(secret)) == digest


def test_the_channel_address_carries_the_digest_percent_encoded() -> None:
    """The equals sign at the end of the digest is encoded in the path."""
    settings = PinduoduoSettings(client_id="app", client_secret="secret", shop_id="1")
    assert channel_address(settings, datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)) == (
        "wss://message-api.pinduoduo.com/message/app/1700000000000/OTgxODMwNDI2NWZiN2NiNzA2NzIxOTI0ZjJlMDMxMjE%3D"
    )
    assert heartbeat(NOW) == b'{"commandType":"HeartBeat","time":1719800400000}'


def built() -> list[calls.Call]:
    """Give one call of every kind."""
    since = datetime(2024, 7, 1, 1, 30, tzinfo=UTC)
    return [
        calls.changed_orders(SETTINGS, since, NOW, 1, now=NOW, token=TOKEN),
        calls.changed_orders(SETTINGS, since, NOW, 2, now=NOW, token=TOKEN, only_signed=True),
        calls.order_detail(SETTINGS, "240701-1", now=NOW, token=TOKEN),
        calls.changed_refunds(SETTINGS, since, NOW, 1, now=NOW, token=TOKEN),
        calls.refunds_of_order(SETTINGS, "240701-1", 1, now=NOW, token=TOKEN),
        calls.create_token(SETTINGS, "code", now=NOW),
        calls.refresh_token(SETTINGS, Secret("demo-refresh"), now=NOW),
        calls.permit_messages(SETTINGS, ("a", "b"), now=NOW, token=TOKEN),
    ]


@pytest.mark.parametrize("call", built(), ids=lambda call: call.name)
def test_what_is_sent_is_what_was_signed(call: calls.Call) -> None:
    """The signature in the body is that of the other parameters in the body, and none of them is empty."""
    sent = dict(parse_qsl(call.body.decode(), strict_parsing=True, keep_blank_values=True))
    assert sent["sign"] == sign(sent, SETTINGS.client_secret)
    assert all(sent.values())
    assert sent["timestamp"] == "1719800400"
    assert call.url == "https://gw-api.pinduoduo.com/api/router"
    assert SETTINGS.client_secret.reveal() not in call.body.decode()
    assert "demo" not in repr(call)


def test_signed_orders_alone_are_asked_for_when_they_may_have_finished() -> None:
    """The call that looks for finished orders names signed ones, those refunded in part among them."""
    usual, late = (dict(parse_qsl(call.body.decode())) for call in built()[:2])
    assert (usual["order_status"], usual["refund_status"], usual["page"]) == ("5", "5", "1")
    assert (late["order_status"], late["refund_status"], late["page"]) == ("3", "5", "2")
    assert (usual["start_updated_at"], usual["end_updated_at"]) == ("1719797400", "1719800400")


@pytest.mark.parametrize("status", [1, 10])
def test_refunds_are_asked_for_by_the_status_of_the_settings(status: int) -> None:
    """Window and order alike: the filter has to be there even where the platform ignores it."""
    settings = attrs.evolve(SETTINGS, after_sales_status=status)
    window = calls.changed_refunds(settings, NOW, NOW, 1, now=NOW, token=TOKEN)
    order = calls.refunds_of_order(settings, "240701-1", 1, now=NOW, token=TOKEN)
    for call in (window, order):
        sent = dict(parse_qsl(call.body.decode()))
        assert (sent["after_sales_status"], sent["after_sales_type"]) == (str(status), "1")
        assert sent["sign"] == sign(sent, SETTINGS.client_secret)
    assert SETTINGS.after_sales_status == 1


@given(st.dictionaries(st.text(st.characters(codec="utf-8"), min_size=1), st.text(st.characters(codec="utf-8"))))
def test_the_order_of_parameters_does_not_matter(parameters: dict[str, str]) -> None:
    """Any parameters have one signature, in whatever order they stand."""
    turned = dict(reversed(parameters.items()))
    assert sign(parameters, Secret("s")) == sign(turned, Secret("s"))


@pytest.mark.parametrize(
    "changed",
    [
        {"finish_days": 0},
        {"finish_days": 61},
        {"client_secret": " "},
        {"gateway": "gw-api.pinduoduo.com"},
        {"after_sales_status": 2},
        {"after_sales_status": "10"},
        {"after_sales_status": True},
    ],
)
def test_settings_that_cannot_work_are_refused(changed: dict[str, object]) -> None:
    """No day of hold, more than shown, an empty secret, a bare host, and lists of other refunds are refused."""
    given_values: dict[str, object] = {"client_id": "a", "client_secret": "b", "shop_id": "c", **changed}
    with pytest.raises(ConfigError):
        PinduoduoSettings(**given_values)  # type: ignore[arg-type]


def test_settings_show_no_secret() -> None:
    """The secret does not stand in what a log would show."""
    assert "demo-client-secret" not in repr(SETTINGS)
    assert SETTINGS.called_hosts == {"gw-api.pinduoduo.com"}
