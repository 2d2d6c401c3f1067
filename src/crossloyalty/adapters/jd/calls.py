"""Signed calls to routerjson, JD's documented gateway, and the calls that get tokens."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from crossloyalty.adapters.jd.settings import JdSettings
from crossloyalty.adapters.jd.signing import sign
from crossloyalty.adapters.wire.reading import BEIJING
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.values import Call

__all__ = [
    "ORDER_FIELDS",
    "applications_of",
    "applications_page",
    "create_token",
    "order_detail",
    "orders_page",
    "refresh_token",
    "services_of",
    "services_page",
    "signed",
]

# Fields that are not asked for do not come; no field of the receiver and no account name is asked for.
ORDER_FIELDS: Final = (
    "orderId,venderId,orderType,payType,orderTotalPrice,orderSellerPrice,sellerDiscount,orderPayment,balanceUsed,"
    "freightPrice,orderState,orderStartTime,paymentConfirmTime,orderEndTime,modified,itemInfoList,couponDetailList,"
    "returnOrder,parentOrderId,directParentOrderId,open_id_buyer,xid_buyer"
)


def signed(settings: JdSettings, method: str, parameters: Mapping[str, Any], now: datetime, session: Secret) -> Call:
    """
    Build and sign any call.

    Args:
        settings: The shop's.
        method: Such as "jingdong.pop.order.get".
        parameters: The business parameters; they travel as one JSON text, signed to the byte.
        now: Aware; JD takes six minutes on either side.
        session: The access token.
    """
    sent = {
        "method": method,
        "app_key": settings.app_key,
        "access_token": session.reveal(),
        "timestamp": _stamp(now),
        "v": "2.0",
        "360buy_param_json": json.dumps(parameters, ensure_ascii=False, separators=(",", ":"), sort_keys=True),
    }
    sent["sign"] = sign(sent, settings.app_secret)
    return Call(
        name=method,
        method="POST",
        url=settings.gateway,
        headers={"content-type": "application/x-www-form-urlencoded;charset=utf-8"},
        body=urlencode(sent).encode(),
    )


def orders_page(
    settings: JdSettings,
    since: datetime,
    until: datetime,
    page: int,
    *,
    now: datetime,
    session: Secret,
) -> Call:
    """
    Ask for one page of the orders modified in a window, the oldest first.

    Args:
        settings: The shop's.
        since, until: Aware, at most a month apart.
        page: From 1.
        now, session: See `signed`.
    """
    parameters = {
        "start_date": _time(since),
        "end_date": _time(until),
        "order_state": ",".join(settings.order_states),
        "optional_fields": ORDER_FIELDS,
        "page": str(page),
        "page_size": str(settings.page_size),
        "sortType": "0",
        "dateType": "0",
    }
    return signed(settings, "jingdong.pop.order.search", parameters, now, session)


def order_detail(settings: JdSettings, order_no: str, *, now: datetime, session: Secret) -> Call:
    """Ask for one order by its number."""
    parameters = {"order_id": order_no, "optional_fields": ORDER_FIELDS}
    return signed(settings, "jingdong.pop.order.get", parameters, now, session)


def applications_page(
    settings: JdSettings,
    since: datetime,
    until: datetime,
    page: int,
    *,
    reviewed: bool,
    now: datetime,
    session: Secret,
) -> Call:
    """
    Ask for one page of refund applications (before shipment, cancelling).

    Args:
        settings: The shop's.
        since, until: Aware.
        page: From 1.
        reviewed: By the time they were reviewed; else by the time they were applied for.
        now, session: See `signed`.
    """
    start, end = ("checkTimeStart", "checkTimeEnd") if reviewed else ("applyTimeStart", "applyTimeEnd")
    parameters = {start: _time(since), end: _time(until), **_page(settings, page, "pageIndex")}
    return signed(settings, "jingdong.pop.afs.soa.refundapply.queryPageList", parameters, now, session)


def applications_of(settings: JdSettings, order_no: str, *, now: datetime, session: Secret) -> Call:
    """Ask for the refund applications of one order."""
    parameters = {"orderId": order_no, **_page(settings, 1, "pageIndex")}
    return signed(settings, "jingdong.pop.afs.soa.refundapply.queryPageList", parameters, now, session)


def services_page(
    settings: JdSettings, since: datetime, until: datetime, page: int, *, now: datetime, session: Secret
) -> Call:
    """Ask for one page of after-sale refunds by the time they were applied for."""
    parameters = {"applyTimeBegin": _time(since), "applyTimeEnd": _time(until), **_page(settings, page, "pageNumber")}
    return signed(settings, "jingdong.asc.serviceAndRefund.view", parameters, now, session)


def services_of(settings: JdSettings, order_no: str, *, now: datetime, session: Secret) -> Call:
    """Ask for the after-sale refunds of one order."""
    parameters = {"orderId": order_no, **_page(settings, 1, "pageNumber")}
    return signed(settings, "jingdong.asc.serviceAndRefund.view", parameters, now, session)


def create_token(settings: JdSettings, code: str) -> Call:
    """Exchange the code that the merchant's authorisation gave for tokens; a code works once."""
    return _token(settings, "access_token", {"grant_type": "authorization_code", "code": code})


def refresh_token(settings: JdSettings, refresh: Secret) -> Call:
    """
    Exchange a refresh token for a new pair; only in the last 24 hours of the old one, and a few times a month.

    Where the answer was lost, asking again is all that can be done.
    """
    return _token(settings, "refresh_token", {"grant_type": "refresh_token", "refresh_token": refresh.reveal()})


def _token(settings: JdSettings, what: str, parameters: Mapping[str, str]) -> Call:
    query = {"app_key": settings.app_key, "app_secret": settings.app_secret.reveal(), **parameters}
    url = f"{settings.oauth}/{what}?{urlencode(query)}"
    return Call(name=f"oauth2.{what}", method="GET", url=url, safe=what == "refresh_token")


def _page(settings: JdSettings, page: int, name: str) -> Mapping[str, str]:
    return {name: str(page), "pageSize": str(settings.refund_page_size)}


def _time(moment: datetime) -> str:
    return moment.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def _stamp(moment: datetime) -> str:
    """Write milliseconds and the offset, as the official example does; the form encoder takes care of the plus."""
    local = moment.astimezone(BEIJING)
    return f"{local:%Y-%m-%d %H:%M:%S}.{local.microsecond // 1000:03d}+0800"
