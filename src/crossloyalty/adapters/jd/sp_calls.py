"""Signed calls to the SP-API: paths, headers, query parameters."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import quote, urlencode

from crossloyalty.adapters.jd.settings import JdSettings
from crossloyalty.adapters.jd.signing import sign
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.values import Call

__all__ = ["order_detail", "orders_page", "service_detail", "services_of", "services_page", "signed"]

# Which scopes an order has is not public; this one is what integrators ask of an after-sale case.
_SERVICE_SCOPES: Final = "refundInfo,skuExtInfo"


def signed(
    settings: JdSettings,
    path: str,
    query: Mapping[str, str],
    now: datetime,
    session: Secret,
    *,
    in_path: Mapping[str, str] | None = None,
) -> Call:
    """
    Build and sign a GET.

    Args:
        settings: The shop's.
        path: With the names of its parameters in braces, such as "/sp-order/v0/orders/{orderId}".
        query: As text; lists joined by commas.
        now: Aware.
        session: The access token.
        in_path: The path's parameters; they are signed under their names.
    """
    values = in_path or {}
    headers = {
        "X-JOS-App-Key": settings.app_key,
        "X-JOS-Access-Token": session.reveal(),
        "X-JOS-Timestamp": str(_milliseconds(now)),
    }
    signature = sign({**headers, **query, **values}, settings.app_secret)
    filled = path.format(**{name: quote(value, safe="") for name, value in values.items()})
    return Call(
        name=path,
        method="GET",
        url=f"{settings.sp_gateway}{filled}?{urlencode(query)}".rstrip("?"),
        headers={
            **headers,
            "X-JOS-Sign": signature,
            "X-JOS-Request-Identity": "vender",
            "Content-Type": "application/json",
        },
    )


def orders_page(
    settings: JdSettings, since: datetime, until: datetime, page: int, *, now: datetime, session: Secret
) -> Call:
    """Ask for one page of the orders modified in a window; that the window is one of modification is unverified."""
    query = {
        "startTime": str(_milliseconds(since)),
        "endTime": str(_milliseconds(until)),
        "sortBy": "modifiedTime",
        **_page(settings, page),
    }
    return signed(settings, "/sp-order/v0/orders", query, now, session)


def order_detail(settings: JdSettings, order_no: str, *, now: datetime, session: Secret) -> Call:
    """Ask for one order by its number."""
    return signed(settings, "/sp-order/v0/orders/{orderId}", {}, now, session, in_path={"orderId": order_no})


def services_page(
    settings: JdSettings, since: datetime, until: datetime, page: int, *, now: datetime, session: Secret
) -> Call:
    """Ask for one page of after-sale cases updated in a window."""
    query = {
        "updateStartTime": str(_milliseconds(since)),
        "updateEndTime": str(_milliseconds(until)),
        **_page(settings, page),
    }
    return signed(settings, "/sp-aftercare/v0/afs-orders", query, now, session)


def services_of(settings: JdSettings, order_no: str, page: int, *, now: datetime, session: Secret) -> Call:
    """Ask for one page of the after-sale cases of an order."""
    query = {"orderId": order_no, **_page(settings, page)}
    return signed(settings, "/sp-aftercare/v0/afs-orders", query, now, session)


def service_detail(settings: JdSettings, service_no: str, *, now: datetime, session: Secret) -> Call:
    """Ask for one after-sale case with its refund."""
    return signed(
        settings,
        "/sp-aftercare/v0/afs-orders/{afsOrderId}",
        {"scopeSet": _SERVICE_SCOPES},
        now,
        session,
        in_path={"afsOrderId": service_no},
    )


def _page(settings: JdSettings, page: int) -> Mapping[str, str]:
    return {"page": str(page), "pageSize": str(settings.refund_page_size)}


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 1000 + moment.microsecond // 1000
