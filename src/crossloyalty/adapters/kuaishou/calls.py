"""
The calls Kuaishou is asked, signed.

Source: open.kwaixiaodian.com, pages on calls and authorisation and the field tables of the named interfaces
(version 1). Times inside `param` are milliseconds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from crossloyalty.adapters.kuaishou.settings import KuaishouSettings
from crossloyalty.adapters.kuaishou.signing import sign
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.values import Call

__all__ = [
    "CREATE_TOKEN",
    "DEEPEST_DAYS",
    "FEE_DETAIL",
    "LAST_CURSOR",
    "ORDER_DETAIL",
    "ORDER_PAGE",
    "ORDER_PAGE_SIZE",
    "ORDER_WINDOW_DAYS",
    "REFRESH_TOKEN",
    "REFUND_DETAIL",
    "REFUND_PAGE",
    "REFUND_PAGE_SIZE",
    "REFUND_WINDOW_HOURS",
    "create_token",
    "fee_detail",
    "order_detail",
    "order_page",
    "refresh_token",
    "refund_detail",
    "refund_page",
]

ORDER_PAGE: Final = "open.order.cursor.list"
ORDER_DETAIL: Final = "open.order.detail"
FEE_DETAIL: Final = "open.seller.order.fee.detail"
REFUND_PAGE: Final = "open.seller.order.refund.pcursor.list"
REFUND_DETAIL: Final = "open.seller.order.refund.detail"
CREATE_TOKEN: Final = "oauth2/access_token"
REFRESH_TOKEN: Final = "oauth2/refresh_token"

LAST_CURSOR: Final = "nomore"
ORDER_PAGE_SIZE: Final = 50
REFUND_PAGE_SIZE: Final = 100
ORDER_WINDOW_DAYS: Final = 7
REFUND_WINDOW_HOURS: Final = 24
DEEPEST_DAYS: Final = 90

_ALL: Final = 1
_ALL_REFUNDS: Final = 9
_BY_UPDATE_TIME: Final = 2
_OLDEST_FIRST: Final = 2


def milliseconds(at: datetime) -> int:
    """Give a moment as whole milliseconds since 1970."""
    return int(at.timestamp() * 1000 + 0.5)


def order_page(
    settings: KuaishouSettings, *, begin: datetime, end: datetime, cursor: str, token: Secret, now: datetime
) -> Call:
    """
    Ask for a page of the orders changed in a window, oldest change first.

    Args:
        settings: The shop.
        begin, end: At most 7 days apart and at most 90 days ago; the same for all pages of a window.
        cursor: "" first, then what the page before gave.
        token: The access token.
        now: The moment of sending.
    """
    param = {
        "orderViewStatus": _ALL,
        "pageSize": ORDER_PAGE_SIZE,
        "sort": _OLDEST_FIRST,
        "queryType": _BY_UPDATE_TIME,
        "beginTime": milliseconds(begin),
        "endTime": milliseconds(end),
        "cursor": cursor,
    }
    return _query(settings, ORDER_PAGE, param, token=token, now=now)


def order_detail(settings: KuaishouSettings, *, order_no: str, token: Secret, now: datetime) -> Call:
    """Ask for one order."""
    return _query(settings, ORDER_DETAIL, {"oid": int(order_no)}, token=token, now=now)


def fee_detail(settings: KuaishouSettings, *, order_no: str, token: Secret, now: datetime) -> Call:
    """Ask what the buyer of one order paid and who bears its discounts."""
    return _query(settings, FEE_DETAIL, {"orderId": int(order_no)}, token=token, now=now)


def refund_page(
    settings: KuaishouSettings,
    *,
    begin: datetime,
    end: datetime,
    cursor: str,
    page: int,
    token: Secret,
    now: datetime,
) -> Call:
    """
    Ask for a page of the refunds changed in a window, oldest change first.

    Args:
        settings: The shop.
        begin, end: At most one day apart; the platform may narrow this during sales.
        cursor: "" first, then what the page before gave.
        page: From 1, counted along with the cursor.
        token: The access token.
        now: The moment of sending.
    """
    param = {
        "beginTime": milliseconds(begin),
        "endTime": milliseconds(end),
        "type": _ALL_REFUNDS,
        "pageSize": REFUND_PAGE_SIZE,
        "currentPage": page,
        "pcursor": cursor,
        "queryType": _BY_UPDATE_TIME,
        "sort": _OLDEST_FIRST,
    }
    return _query(settings, REFUND_PAGE, param, token=token, now=now)


def refund_detail(settings: KuaishouSettings, *, refund_id: str, token: Secret, now: datetime) -> Call:
    """Ask for one refund."""
    return _query(settings, REFUND_DETAIL, {"refundId": int(refund_id)}, token=token, now=now)


def create_token(settings: KuaishouSettings, *, code: str) -> Call:
    """Exchange the code of an authorisation, which is good once and for 2 minutes, for tokens."""
    query = _encoded(
        {
            "app_id": settings.app_key,
            "app_secret": settings.app_secret.reveal(),
            "grant_type": "code",
            "code": code,
        }
    )
    return Call(name=CREATE_TOKEN, method="GET", url=f"{settings.gateway}/{CREATE_TOKEN}?{query}", safe=False)


def refresh_token(settings: KuaishouSettings, *, token: Secret) -> Call:
    """
    Exchange a refresh token for new tokens.

    The old refresh token is discarded about 5 minutes later, so the new one is stored before it is used; it does not
    live longer than the old one would have. Until then the same call may be repeated, so an answer that was lost on
    its way does no harm.
    """
    form = _encoded(
        {
            "app_id": settings.app_key,
            "app_secret": settings.app_secret.reveal(),
            "grant_type": "refresh_token",
            "refresh_token": token.reveal(),
        }
    )
    return Call(
        name=REFRESH_TOKEN,
        method="POST",
        url=f"{settings.gateway}/{REFRESH_TOKEN}",
        headers={"content-type": "application/x-www-form-urlencoded"},
        body=form.encode(),
    )


def _query(settings: KuaishouSettings, method: str, param: Mapping[str, Any], *, token: Secret, now: datetime) -> Call:
    parameters = {
        "access_token": token.reveal(),
        "appkey": settings.app_key,
        "method": method,
        "param": json.dumps(param, ensure_ascii=False, separators=(",", ":"), sort_keys=True),
        "signMethod": settings.sign_method,
        "timestamp": str(milliseconds(now)),
        "version": "1",
    }
    parameters["sign"] = sign(parameters, settings.sign_secret, settings.sign_method)
    path = method.replace(".", "/")
    return Call(
        name=method,
        method="GET",
        url=f"{settings.gateway}/{path}?{_encoded(parameters)}",
        headers={"content-type": "application/x-www-form-urlencoded"},
    )


def _encoded(values: Mapping[str, str]) -> str:
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in values.items())
