"""
The calls of a Youzan shop, built and ready to send.

They carry the access token in the address, which is why an address is never shown. Source: calling guide (POST JSON to
/api/{name}/{version}), the pages of each interface, the page on tokens (doc 3031).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from math import ceil
from typing import Any, Final
from urllib.parse import quote

from crossloyalty.adapters.wire.reading import BEIJING
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.values import Call
from crossloyalty.adapters.youzan.settings import YouzanSettings
from crossloyalty.errors import PlatformRefused

__all__ = [
    "DEEPEST_ORDER_PAGES",
    "DEEPEST_REFUNDS",
    "REFUND_PAGE_SIZE",
    "exchange_code",
    "get_order",
    "get_refund",
    "get_token",
    "list_orders",
    "list_refunds",
]

# What paging reaches: pages of orders; rows of the refund search (page_no × page_size).
DEEPEST_ORDER_PAGES: Final = 100
DEEPEST_REFUNDS: Final = 3_000
REFUND_PAGE_SIZE: Final = 50
_JSON: Final = {"content-type": "application/json; charset=utf-8"}


def list_orders(settings: YouzanSettings, token: Secret, since: datetime, until: datetime, page_no: int) -> Call:
    """
    Ask for orders that changed.

    Args:
        settings: The shop.
        token: The access token.
        since, until: Aware, at most 3 months apart; whole seconds of Beijing time are sent.
        page_no: 1 to 100.
    """
    body = {
        "start_update": _text(int(since.timestamp())),
        "end_update": _text(ceil(until.timestamp())),
        "page_no": page_no,
        "page_size": settings.page_size,
    }
    return _call(settings, token, "youzan.trades.sold.get", "4.0.4", body)


def get_order(settings: YouzanSettings, token: Secret, order_no: str) -> Call:
    """Ask for one order."""
    return _call(settings, token, "youzan.trade.get", "4.0.2", {"tid": order_no})


def list_refunds(settings: YouzanSettings, token: Secret, since: datetime, until: datetime, page_no: int) -> Call:
    """
    Ask for after-sale cases that changed.

    Args:
        settings: The shop.
        token: The access token.
        since, until: Aware; sent as whole seconds since 1970, unlike those of orders.
        page_no: 1 to 60.
    """
    body = {
        "update_time_start": int(since.timestamp()),
        "update_time_end": ceil(until.timestamp()),
        "page_no": page_no,
        "page_size": REFUND_PAGE_SIZE,
    }
    return _call(settings, token, "youzan.trade.refund.search", "3.0.1", body)


def get_refund(settings: YouzanSettings, token: Secret, refund_id: str) -> Call:
    """Ask for one after-sale case."""
    return _call(settings, token, "youzan.trade.refund.get", "3.0.1", {"refund_id": refund_id})


def get_token(settings: YouzanSettings, refresh: Secret | None) -> Call:
    """
    Ask for an access token.

    Args:
        settings: The shop. A self-use application asks with its keys, and with `refresh` false: every worker then gets
            the token in force, and a new one when that is over. A new one in its place would end that of the others.
        refresh: The refresh token of a tool application.

    Raises:
        PlatformRefused: A tool application without a refresh token: the merchant has to authorise it.
    """
    if settings.app_kind == "self_use":
        return _token(settings, {"authorize_type": "silent", "grant_id": settings.kdt_id, "refresh": False})
    if refresh is None:
        raise PlatformRefused("the merchant has to authorise the application first", platform="youzan")
    return _token(settings, {"authorize_type": "refresh_token", "refresh_token": refresh.reveal()})


def exchange_code(settings: YouzanSettings, code: Secret) -> Call:
    """
    Turn the code of a merchant's authorisation into tokens; it lasts two minutes and works once.

    Args:
        settings: The application, of the kind "tool".
        code: As the call-back address got it.
    """
    return _token(settings, {"authorize_type": "authorization_code", "code": code.reveal()}, safe=False)


def _token(settings: YouzanSettings, more: Mapping[str, Any], *, safe: bool = True) -> Call:
    body = {"client_id": settings.client_id, "client_secret": settings.client_secret.reveal(), **more}
    url = f"{settings.gateway.rstrip('/')}/auth/token"
    return Call(name="auth/token", method="POST", url=url, headers=_JSON, body=_raw(body), safe=safe)


def _call(settings: YouzanSettings, token: Secret, name: str, version: str, body: Mapping[str, Any]) -> Call:
    place = f"{settings.gateway.rstrip('/')}/api/{name}/{version}"
    url = f"{place}?access_token={quote(token.reveal(), safe='')}"
    return Call(name=f"{name}/{version}", method="POST", url=url, headers=_JSON, body=_raw(body))


def _raw(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _text(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, BEIJING).strftime("%Y-%m-%d %H:%M:%S")
