"""
Signed calls to Douyin: public parameters in the query, business parameters as the body, exactly as they were signed.

Source: op.jinritemai.com, guide to calls; `order.searchList` (15/1342), `order.orderDetail` (15/1343), `afterSale.List`
(17/1295), `afterSale.Detail` (17/1095). Times are seconds since 1970, pages start at 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from crossloyalty.adapters.douyin.settings import DouyinSettings
from crossloyalty.adapters.douyin.signing import canonical, sign
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.values import Call

__all__ = [
    "PAGE_SIZE",
    "changed_orders",
    "changed_refunds",
    "create_token",
    "order_detail",
    "refresh_token",
    "refund_detail",
    "refunds_of_order",
]

PAGE_SIZE: Final = 100
_HEADERS: Final = {
    "content-type": "application/json;charset=UTF-8",
    "accept": "application/json",
    # Without it very old errors come in another form, which is understood as well.
    "x-open-no-old-err-code": "1",
}


def changed_orders(
    settings: DouyinSettings, since: int, until: int, page: int, *, now: datetime, token: Secret
) -> Call:
    """
    Ask for the orders whose last change lies in [since, until), the oldest change first.

    Args:
        settings: The shop.
        since, until: In seconds since 1970.
        page: From 0.
        now: Aware; goes into the signature.
        token: The shop's access token.
    """
    business = {
        "update_time_start": since,
        "update_time_end": until,
        "order_by": "update_time",
        "order_asc": True,
        "page": page,
        "size": PAGE_SIZE,
    }
    return _call(settings, "order.searchList", business, now, token)


def order_detail(settings: DouyinSettings, order_no: str, *, now: datetime, token: Secret) -> Call:
    """Ask for one order; unlike the list it knows orders older than 90 days."""
    return _call(settings, "order.orderDetail", {"shop_order_id": order_no}, now, token)


def changed_refunds(
    settings: DouyinSettings, since: int, until: int, page: int, *, now: datetime, token: Secret
) -> Call:
    """
    Ask for the after-sale cases whose last change lies in [since, until); see `changed_orders`.

    Source: 17/1295: with a range of update times `order_by` has to be given, or cases are missed.
    """
    business = {"update_start_time": since, "update_end_time": until, **_sorted_page(page)}
    return _call(settings, "afterSale.List", business, now, token)


def refunds_of_order(settings: DouyinSettings, order_no: str, page: int, *, now: datetime, token: Secret) -> Call:
    """Ask for the after-sale cases of one order, by its number or that of a sub-order."""
    return _call(settings, "afterSale.List", {"order_id": order_no, **_sorted_page(page)}, now, token)


def refund_detail(settings: DouyinSettings, refund_id: str, *, now: datetime, token: Secret) -> Call:
    """Ask for one after-sale case: only here stands how much really went back."""
    return _call(settings, "afterSale.Detail", {"after_sale_id": refund_id}, now, token)


def create_token(settings: DouyinSettings, code: str, *, now: datetime) -> Call:
    """
    Ask for the first tokens.

    Args:
        settings: The shop; an app for its own use names it here.
        code: What the merchant's consent gave, good for 10 minutes; "" for an app for its own use.
        now: Aware.
    """
    if settings.self_use:
        business = {"code": "", "grant_type": "authorization_self", "shop_id": settings.shop_id}
    else:
        business = {"code": code, "grant_type": "authorization_code"}
    return _call(settings, "token.create", business, now, None, safe=settings.self_use)


def refresh_token(settings: DouyinSettings, refresh: Secret, *, now: datetime) -> Call:
    """
    Ask for a new pair of tokens.

    Source: the guide: a refresh whose answer was lost can be repeated within about an hour.
    """
    business = {"grant_type": "refresh_token", "refresh_token": refresh.reveal()}
    return _call(settings, "token.refresh", business, now, None)


def _sorted_page(page: int) -> dict[str, Any]:
    return {"order_by": ["update_time asc"], "page": page, "size": PAGE_SIZE}


def _call(
    settings: DouyinSettings,
    name: str,
    business: Mapping[str, Any],
    now: datetime,
    token: Secret | None,
    *,
    safe: bool = True,
) -> Call:
    param_json, timestamp = canonical(business), str(int(now.timestamp()))
    query = {
        "app_key": settings.app_key,
        "method": name,
        "timestamp": timestamp,
        "v": "2",
        "sign_method": settings.sign_method,
        "sign": sign(
            settings.app_key,
            settings.app_secret,
            name,
            param_json,
            timestamp,
            sign_method=settings.sign_method,
        ),
    }
    if token is not None:
        query["access_token"] = token.reveal()
    return Call(
        name=name,
        method="POST",
        url=f"{settings.gateway}/{name.replace('.', '/')}?{urlencode(query)}",
        headers=_HEADERS,
        body=param_json.encode(),
        safe=safe,
    )
