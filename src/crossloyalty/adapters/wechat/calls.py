"""
The calls of a Weixin shop, built and ready to send.

They carry the access token in the address, which is why an address is never shown. Source: order list, order detail,
after-sale list, after-sale detail, stable_token.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from math import ceil
from typing import Any, Final
from urllib.parse import quote

from crossloyalty.adapters.wechat.settings import WechatSettings
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.values import Call

__all__ = [
    "get_order",
    "get_refund",
    "get_token",
    "list_orders",
    "list_refunds",
]

_JSON: Final = {"content-type": "application/json; charset=utf-8"}


def list_orders(
    settings: WechatSettings, token: Secret, since: datetime, until: datetime, next_key: str | None = None
) -> Call:
    """
    Ask which orders changed.

    Args:
        settings: The shop.
        token: The access token.
        since, until: Aware, at most 7 days apart; both ends belong to the window.
        next_key: From the page before; everything else has to stay as it was there.
    """
    body: dict[str, Any] = {
        "update_time_range": {"start_time": int(since.timestamp()), "end_time": ceil(until.timestamp())},
        "page_size": settings.page_size,
    }
    if next_key:
        body["next_key"] = next_key
    return _call(settings, token, "channels/ec/order/list/get", body)


def get_order(settings: WechatSettings, token: Secret, order_no: str) -> Call:
    """Ask for one order, with what is personal masked."""
    return _call(settings, token, "channels/ec/order/get", {"order_id": order_no, "encode_sensitive_info": True})


def list_refunds(
    settings: WechatSettings, token: Secret, since: datetime, until: datetime, next_key: str | None = None
) -> Call:
    """
    Ask which after-sale cases changed.

    Args:
        settings: The shop.
        token: The access token.
        since, until: Aware, at most 24 hours apart.
        next_key: From the page before.
    """
    body: dict[str, Any] = {"begin_update_time": int(since.timestamp()), "end_update_time": ceil(until.timestamp())}
    if next_key:
        body["next_key"] = next_key
    return _call(settings, token, "channels/ec/aftersale/getaftersalelist", body)


def get_refund(settings: WechatSettings, token: Secret, refund_id: str) -> Call:
    """Ask for one after-sale case."""
    return _call(settings, token, "channels/ec/aftersale/getaftersaleorder", {"after_sale_order_id": refund_id})


def get_token(settings: WechatSettings) -> Call:
    """
    Ask for an access token.

    Source: stable_token in its normal mode, which gives the same token to every caller and a new one in the last five
    minutes. `force_refresh` would end the token of others and is limited to 20 calls a day, so it is never used.
    """
    body = {
        "grant_type": "client_credential",
        "appid": settings.appid,
        "secret": settings.app_secret.reveal(),
        "force_refresh": False,
    }
    return _call(settings, None, "cgi-bin/stable_token", body)


def _call(settings: WechatSettings, token: Secret | None, path: str, body: Mapping[str, Any]) -> Call:
    url = f"{settings.gateway.rstrip('/')}/{path}"
    if token is not None:
        url += f"?access_token={quote(token.reveal(), safe='')}"
    raw = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    return Call(name=path, method="POST", url=url, headers=_JSON, body=raw)
