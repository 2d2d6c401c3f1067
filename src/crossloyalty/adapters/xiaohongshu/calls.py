"""
The calls Xiaohongshu is asked, signed: one address, a flat JSON body of text, system parameters beside one's own.

Source: open.xiaohongshu.com, developer files 36 to 40 and the interface tables. Times of order windows are seconds,
those of after-sale windows milliseconds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.values import Call
from crossloyalty.adapters.xiaohongshu.settings import XiaohongshuSettings
from crossloyalty.adapters.xiaohongshu.signing import VERSION, sign_call

__all__ = [
    "AFTER_SALE_DETAIL",
    "AFTER_SALE_PAGE",
    "CHANGE_MINUTES",
    "CREATE_TOKEN",
    "ORDER_DETAIL",
    "ORDER_PAGE",
    "PAGE_SIZE",
    "REFRESH_TOKEN",
    "after_sale_detail",
    "after_sale_page",
    "after_sales_of",
    "create_token",
    "order_detail",
    "order_page",
    "refresh_token",
]

ORDER_PAGE: Final = "order.getOrderList"
ORDER_DETAIL: Final = "order.getOrderDetail"
AFTER_SALE_PAGE: Final = "afterSale.listAfterSaleInfos"
AFTER_SALE_DETAIL: Final = "afterSale.getAfterSaleInfo"
CREATE_TOKEN: Final = "oauth.getAccessToken"
REFRESH_TOKEN: Final = "oauth.refreshToken"

PAGE_SIZE: Final = 100
CHANGE_MINUTES: Final = 30

_BY_CHANGE: Final = 2


def order_page(
    settings: XiaohongshuSettings,
    *,
    begin: datetime,
    end: datetime,
    page: int,
    token: Secret,
    now: datetime,
) -> Call:
    """
    Ask for a page of the orders changed in a window.

    Args:
        settings: The shop.
        begin, end: At most 30 minutes apart; whole seconds count, and both belong to the window.
        page: From 1. The pages are read from the last (`maxPageNo`) to the first: an order
            that changes meanwhile leaves the window, and what follows it moves to a page read later.
        token: The access token.
        now: The moment of sending.
    """
    own = {
        "startTime": _seconds(begin),
        "endTime": _seconds(end),
        "timeType": _BY_CHANGE,
        "pageNo": page,
        "pageSize": PAGE_SIZE,
    }
    return _call(settings, ORDER_PAGE, own, token=token, now=now)


def order_detail(settings: XiaohongshuSettings, *, order_no: str, token: Secret, now: datetime) -> Call:
    """Ask for one order: the list states neither amounts nor buyer."""
    return _call(settings, ORDER_DETAIL, {"orderId": order_no}, token=token, now=now)


def after_sale_page(
    settings: XiaohongshuSettings,
    *,
    begin: datetime,
    end: datetime,
    page: int,
    token: Secret,
    now: datetime,
) -> Call:
    """Ask for a page of the after-sale cases changed in a window; see `order_page`."""
    own = {
        "startTime": _milliseconds(begin),
        "endTime": _milliseconds(end),
        "timeType": _BY_CHANGE,
        "pageNo": page,
        "pageSize": PAGE_SIZE,
    }
    return _call(settings, AFTER_SALE_PAGE, own, token=token, now=now)


def after_sales_of(settings: XiaohongshuSettings, *, order_no: str, page: int, token: Secret, now: datetime) -> Call:
    """Ask for the after-sale cases of one order."""
    own = {"orderId": order_no, "pageNo": page, "pageSize": PAGE_SIZE}
    return _call(settings, AFTER_SALE_PAGE, own, token=token, now=now)


def after_sale_detail(settings: XiaohongshuSettings, *, refund_id: str, token: Secret, now: datetime) -> Call:
    """Ask for one after-sale case: only here stands what was really paid back."""
    own = {"returnsId": refund_id, "needNegotiateRecord": False}
    return _call(settings, AFTER_SALE_DETAIL, own, token=token, now=now)


def create_token(settings: XiaohongshuSettings, *, code: str, now: datetime) -> Call:
    """Exchange the code of an authorisation, good for 10 minutes, for tokens."""
    return _call(settings, CREATE_TOKEN, {"code": code}, token=None, now=now)


def refresh_token(settings: XiaohongshuSettings, *, token: Secret, now: datetime) -> Call:
    """
    Exchange a refresh token for new tokens.

    With more than 30 minutes left the platform gives the same pair again; the old access token lives 5 minutes on.
    """
    return _call(settings, REFRESH_TOKEN, {"refreshToken": token.reveal()}, token=None, now=now)


def _call(
    settings: XiaohongshuSettings, method: str, own: Mapping[str, Any], *, token: Secret | None, now: datetime
) -> Call:
    timestamp = str(_seconds(now))
    body = {
        "appId": settings.app_id,
        "timestamp": timestamp,
        "version": VERSION,
        "method": method,
        "sign": sign_call(method, app_id=settings.app_id, timestamp=timestamp, secret=settings.app_secret),
        **({} if token is None else {"accessToken": token.reveal()}),
        **own,
    }
    return Call(
        name=method,
        method="POST",
        url=settings.gateway,
        headers={"content-type": "application/json;charset=utf-8"},
        body=json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(),
    )


def _seconds(at: datetime) -> int:
    return int(at.timestamp())


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000 + 0.5)
