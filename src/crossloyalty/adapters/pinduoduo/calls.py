"""
Signed calls to Pinduoduo: one address, common and business parameters side by side in a form.

Source: open.pinduoduo.com, "API调用详解" and the field tables of the APIs named below. Times are seconds since 1970.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from crossloyalty.adapters.pinduoduo.settings import PinduoduoSettings
from crossloyalty.adapters.pinduoduo.signing import sign
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.values import Call

__all__ = [
    "PAGE_SIZE",
    "changed_orders",
    "changed_refunds",
    "create_token",
    "order_detail",
    "permit_messages",
    "refresh_token",
    "refunds_of_order",
]

PAGE_SIZE: Final = 100
_ALL: Final = "5"
_HEADERS: Final = {"content-type": "application/x-www-form-urlencoded;charset=utf-8", "accept": "application/json"}


def changed_orders(
    settings: PinduoduoSettings,
    since: datetime,
    until: datetime,
    page: int,
    *,
    now: datetime,
    token: Secret,
    only_signed: bool = False,
) -> Call:
    """
    Ask for the orders whose last change lies in a window.

    Args:
        settings: The shop.
        since, until: Aware, at most 30 minutes apart.
        page: From 1; read from the last page to the first, so that rows which change meanwhile are not lost.
        now: Aware; goes into the signature.
        token: The shop's access token.
        only_signed: Only signed orders (已签收).
    """
    business = {
        "start_updated_at": _seconds(since),
        "end_updated_at": _seconds(until),
        "order_status": "3" if only_signed else _ALL,
        "refund_status": _ALL,
        "is_lucky_flag": "0",
        "page": str(page),
        "page_size": str(PAGE_SIZE),
    }
    return _call(settings, "pdd.order.number.list.increment.get", business, now, token)


def order_detail(settings: PinduoduoSettings, order_no: str, *, now: datetime, token: Secret) -> Call:
    """Ask for one order."""
    return _call(settings, "pdd.order.information.get", {"order_sn": order_no}, now, token)


def changed_refunds(
    settings: PinduoduoSettings, since: datetime, until: datetime, page: int, *, now: datetime, token: Secret
) -> Call:
    """
    Ask for the after-sale cases whose last change lies in a window; see `changed_orders`.

    Source: 1 means all for both filters; the newest table of `after_sales_status` no longer lists it, the official
    demos still send it, and `PinduoduoSettings.after_sales_status` has the way out.
    """
    return _refunds(
        settings, {"start_updated_at": _seconds(since), "end_updated_at": _seconds(until)}, page, now, token
    )


def refunds_of_order(settings: PinduoduoSettings, order_no: str, page: int, *, now: datetime, token: Secret) -> Call:
    """Ask for all after-sale cases of one order; with its number the platform ignores the filters it still wants."""
    business = {"order_sn": order_no, "start_updated_at": str(_epoch(now) - 1800), "end_updated_at": _seconds(now)}
    return _refunds(settings, business, page, now, token)


def create_token(settings: PinduoduoSettings, code: str, *, now: datetime) -> Call:
    """Ask for the first tokens, with the code the merchant's consent gave; it lives 10 minutes and works once."""
    return _call(settings, "pdd.pop.auth.token.create", {"code": code}, now, safe=False)


def refresh_token(settings: PinduoduoSettings, refresh: Secret, *, now: datetime) -> Call:
    """Ask for new tokens; the period the merchant authorised for does not get longer by it."""
    return _call(settings, "pdd.pop.auth.token.refresh", {"refresh_token": refresh.reveal()}, now)


def permit_messages(settings: PinduoduoSettings, topics: Sequence[str], *, now: datetime, token: Secret) -> Call:
    """Ask for messages of this shop; needed once for each shop, before the channel carries any."""
    return _call(settings, "pdd.pmc.user.permit", {"topics": ",".join(topics)}, now, token)


def _refunds(settings: PinduoduoSettings, business: dict[str, str], page: int, now: datetime, token: Secret) -> Call:
    filters = {"after_sales_status": str(settings.after_sales_status), "after_sales_type": "1"}
    pages = {"page": str(page), "page_size": str(PAGE_SIZE)}
    return _call(settings, "pdd.refund.list.increment.get", business | filters | pages, now, token)


def _call(
    settings: PinduoduoSettings,
    name: str,
    business: Mapping[str, str],
    now: datetime,
    token: Secret | None = None,
    *,
    safe: bool = True,
) -> Call:
    parameters = {
        **business,
        "type": name,
        "client_id": settings.client_id,
        "timestamp": _seconds(now),
        "data_type": "JSON",
        "version": "V1",
    }
    if token is not None:
        parameters["access_token"] = token.reveal()
    # An empty parameter is dropped by the platform's own clients before they sign, so none is sent.
    parameters = {key: value for key, value in parameters.items() if value}
    parameters["sign"] = sign(parameters, settings.client_secret)
    return Call(
        name=name,
        method="POST",
        url=settings.gateway,
        headers=_HEADERS,
        body=urlencode(parameters).encode(),
        safe=safe,
    )


def _epoch(moment: datetime) -> int:
    return int(moment.timestamp())


def _seconds(moment: datetime) -> str:
    return str(_epoch(moment))
