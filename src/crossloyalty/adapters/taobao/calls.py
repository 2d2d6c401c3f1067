"""Signed calls to the open platform: lists, details, refunds, tokens, messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from crossloyalty.adapters.taobao.settings import TaobaoSettings
from crossloyalty.adapters.taobao.signing import sign
from crossloyalty.adapters.wire.reading import BEIJING
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.values import Call

__all__ = [
    "FULL_FIELDS",
    "REFUND_FIELDS",
    "SIMPLE_FIELDS",
    "confirm_messages",
    "consume_messages",
    "create_token",
    "order_detail",
    "orders_page",
    "permit_messages",
    "refresh_token",
    "refund_detail",
    "refunds_page",
    "signed",
]

# No receiver field is ever asked for, so none can be kept or logged. What a variant does not have is left out of its
# list (model/trade and model/tbtrade of the generated API metadata, 2026-04).
SIMPLE_FIELDS: Final = (
    "tid,type,status,payment,post_fee,order_tax_fee,platform_subsidy_fee,coupon_fee,tmall_coupon_fee,"
    "expand_card_basic_price_used,expand_card_expand_price_used,created,pay_time,end_time,modified,buyer_open_uid,ouid,"
    "step_trade_status,step_paid_fee,receipt_type,is_gift,seller_flag,orders"
)
FULL_FIELDS: Final = (
    "tid,tid_str,type,status,payment,post_fee,order_tax_fee,platform_subsidy_fee,coupon_fee,tmall_coupon_fee,"
    "expandcard_info,expand_card_basic_price_used,expand_card_expand_price_used,created,pay_time,end_time,modified,"
    "buyer_open_uid,step_trade_status,step_paid_fee,new_presell,general_new_presell,receipt_type,is_gift,seller_flag,"
    "orders"
)
REFUND_FIELDS: Final = (
    "refund_id,tid,oid,refund_fee,status,refund_phase,dispute_type,special_refund_type,has_good_return,created,modified"
)


def signed(
    settings: TaobaoSettings,
    method: str,
    parameters: Mapping[str, str],
    now: datetime,
    session: Secret | None,
    *,
    safe: bool = True,
) -> Call:
    """
    Build and sign any call.

    Args:
        settings: The shop's.
        method: Such as "taobao.trade.fullinfo.get".
        parameters: The business parameters, formatted as they are sent.
        now: Aware; the platform takes ten minutes on either side.
        session: The access token; None for calls of the application itself.
        safe: See `Call.safe`.
    """
    sent = {
        "method": method,
        "app_key": settings.app_key,
        "timestamp": _time(now),
        "v": "2.0",
        "format": "json",
        "sign_method": settings.sign_method,
        **parameters,
    }
    if session is not None:
        sent["session"] = session.reveal()
    sent["sign"] = sign(sent, settings.app_secret, settings.sign_method)
    return Call(
        name=method,
        method="POST",
        url=settings.gateway,
        headers={"content-type": "application/x-www-form-urlencoded;charset=utf-8"},
        body=urlencode(sent).encode(),
        safe=safe,
    )


def orders_page(
    settings: TaobaoSettings,
    since: datetime,
    until: datetime,
    page: int,
    *,
    total: bool,
    now: datetime,
    session: Secret,
) -> Call:
    """
    Ask for one page of the orders changed in a window, the newest change first.

    Args:
        settings: The shop's.
        since, until: Aware, at most a day apart; both ends belong to the answer.
        page: From 1.
        total: Have the number of all rows counted; without it the platform answers faster and says `has_next`.
        now, session: See `signed`.
    """
    variant, fields = ("simple.", SIMPLE_FIELDS) if settings.api == "simple" else ("", FULL_FIELDS)
    # `incrementv` goes by the time a row came into the seller's store, so that a row that comes late is still found.
    name, start, end = (
        ("increment", "start_modified", "end_modified")
        if settings.list_by == "modified"
        else ("incrementv", "start_create", "end_create")
    )
    parameters = {
        "fields": fields if settings.fields is None else ",".join(settings.fields),
        "type": ",".join(settings.trade_types),
        start: _time(since),
        end: _time(until),
        **_page(settings, page, total=total),
    }
    return signed(settings, f"taobao.trades.{variant}sold.{name}.get", parameters, now, session)


def order_detail(settings: TaobaoSettings, order_no: str, *, now: datetime, session: Secret) -> Call:
    """Ask for one order by its number."""
    method, fields = (
        ("taobao.trade.simple.get", SIMPLE_FIELDS)
        if settings.api == "simple"
        else ("taobao.trade.fullinfo.get", FULL_FIELDS)
    )
    return signed(settings, method, {"tid": order_no, "fields": fields}, now, session)


def refunds_page(
    settings: TaobaoSettings,
    since: datetime,
    until: datetime,
    page: int,
    *,
    total: bool,
    now: datetime,
    session: Secret,
) -> Call:
    """Ask for one page of the refunds modified in a window; see `orders_page`."""
    parameters = {
        "fields": REFUND_FIELDS,
        "type": ",".join(settings.refund_types),
        "start_modified": _time(since),
        "end_modified": _time(until),
        **_page(settings, page, total=total),
    }
    return signed(settings, "taobao.refunds.receive.get", parameters, now, session)


def refund_detail(settings: TaobaoSettings, refund_id: str, *, now: datetime, session: Secret) -> Call:
    """Ask for one refund by its id."""
    parameters = {"refund_id": refund_id, "fields": REFUND_FIELDS}
    return signed(settings, "taobao.refund.get", parameters, now, session)


def create_token(settings: TaobaoSettings, code: str, *, now: datetime) -> Call:
    """Exchange the code that the seller's authorisation gave for tokens; a code works once."""
    return signed(settings, "taobao.top.auth.token.create", {"code": code}, now, None, safe=False)


def refresh_token(settings: TaobaoSettings, refresh: Secret, *, now: datetime) -> Call:
    """Exchange a refresh token for new tokens; where the answer was lost, asking again is all that can be done."""
    parameters = {"refresh_token": refresh.reveal()}
    return signed(settings, "taobao.top.auth.token.refresh", parameters, now, None)


def permit_messages(settings: TaobaoSettings, *, now: datetime, session: Secret) -> Call:
    """Have the seller's messages put into the application's channel, with all topics the application subscribes."""
    return signed(settings, "taobao.tmc.user.permit", {}, now, session)


def consume_messages(settings: TaobaoSettings, quantity: int, *, now: datetime) -> Call:
    """
    Fetch waiting messages.

    Args:
        settings: The shop's.
        quantity: How many at most; the platform takes 10 to 200.
        now: See `signed`.
    """
    parameters = {"quantity": str(min(max(quantity, 10), 200)), **_group(settings)}
    return signed(settings, "taobao.tmc.messages.consume", parameters, now, None)


def confirm_messages(settings: TaobaoSettings, message_ids: Sequence[str], *, now: datetime) -> Call:
    """Confirm up to 200 messages; unconfirmed ones are delivered again."""
    parameters = {"s_message_ids": ",".join(message_ids), **_group(settings)}
    return signed(settings, "taobao.tmc.messages.confirm", parameters, now, None)


def _group(settings: TaobaoSettings) -> Mapping[str, str]:
    return {} if settings.message_group is None else {"group_name": settings.message_group}


def _page(settings: TaobaoSettings, page: int, *, total: bool) -> Mapping[str, str]:
    return {
        "page_no": str(page),
        "page_size": str(settings.page_size),
        "use_has_next": "false" if total else "true",
    }


def _time(moment: datetime) -> str:
    """Write Beijing wall-clock time; the platform reads no other (code 31 otherwise)."""
    return moment.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")
