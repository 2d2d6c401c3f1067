"""How one JD shop is reached, and how what JD's pages leave open is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import attrs

from crossloyalty.adapters.wire.options import an_address, an_id, as_secret, between, host_of, one_of, words
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.domain.checks import instance_of
from crossloyalty.domain.orders import OrderStatus
from crossloyalty.errors import WrongType, shown

__all__ = ["ORDER_STATES", "JdSettings"]

# The states a list is asked for (jingdong.pop.order.search, page text of 2026-08); UN_KNOWN is no state to ask for.
ORDER_STATES: Final = (
    "NOT_PAY",
    "WAIT_SELLER_STOCK_OUT",
    "SEND_TO_DISTRIBUTION_CENER",  # spelled so
    "DISTRIBUTION_CENTER_RECEIVED",
    "WAIT_GOODS_RECEIVE_CONFIRM",
    "RECEIPTS_CONFIRM",
    "WAIT_SELLER_DELIVERY",
    "WAIT_SEND_CODE",
    "PAUSE",
    "POP_ORDER_PAUSE",
    "LOCKED",
    "DELIVERY_RETURN",
    "TRADE_CANCELED",
    "FINISHED_L",
)
_MOST_REFUNDS: Final = 50


def _numbers(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    for number in value:
        if type(number) is not int:
            raise WrongType(f"{attribute.name} holds whole numbers, not {shown(number)}")


def _statuses(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    for word, status in dict(value).items():
        if not isinstance(word, str) or not isinstance(status, OrderStatus):
            raise WrongType(f"{attribute.name} goes from words to OrderStatus, not {shown(status)}")


@attrs.frozen(kw_only=True)
class JdSettings:
    """
    One shop's access to JD's open platform, and the readings of what its pages leave open.

    Args:
        app_key, app_secret: The application's. One buyer has another id under another application.
        shop_id: How the program names the shop.
        api: "routerjson" is documented in full; "sp" is the newer SP-API, whose words for states are not public.
        gateway: Where calls of "routerjson" go. JD wants sensitive calls to come from its own cloud (云鼎), so this may
            be a relay.
        sp_gateway: Where calls of "sp" go.
        oauth: Where tokens are got.
        hosts: Further host names that may be called; those of the addresses above always are.
        order_states: What lists are asked for.
        page_size: Rows a page, 1 to 100; some accounts take no more than 50.
        window_minutes: The longest window of one query, in minutes, at most 31 days.
        refunded_states: States of a refund application that mean the money is back; the list above 11 is not public.
        refused_states: States of a refund application that mean it came to nothing.
        serviced_states: States of an after-sale refund that mean the money is back.
        closed_service_states: States of an after-sale refund that mean it came to nothing; none is public, so a
            completed one in any other state goes to review.
        services_named_by: What names an after-sale refund of "routerjson": the "refund" (`afsRefundId`), or the
            "service" (服务单, `serviceId`) as settlement files and very likely the SP-API do; two refunds of one
            service are one then. A refund known under one name is another under the other, so choose before the first
            is read.
        status_words: Further words for an order's state, by the word; for "sp" above all.
        gift_cards: "left_out" counts no JD gift cards (礼品卡, coupon type 52) as paid; "counted" does.
        discounts_listed: `couponDetailList` names every discount, so that the figures are checked to the fen; without
            that only their bounds are.
        parent_numbers: Let the number of a parent order that JD has split lead to the child that was read first.
    """

    app_key: str = attrs.field(validator=an_id)
    app_secret: Secret = attrs.field(converter=as_secret, repr=False)
    shop_id: str = attrs.field(validator=an_id)
    api: Literal["routerjson", "sp"] = attrs.field(default="routerjson", validator=one_of("routerjson", "sp"))
    gateway: str = attrs.field(default="https://api.jd.com/routerjson", validator=an_address)
    sp_gateway: str = attrs.field(default="https://api-cn.jd.com/rest", validator=an_address)
    oauth: str = attrs.field(default="https://open-oauth.jd.com/oauth2", validator=an_address)
    hosts: frozenset[str] = attrs.field(default=frozenset(), converter=frozenset)
    order_states: tuple[str, ...] = attrs.field(default=ORDER_STATES, validator=words)
    page_size: int = attrs.field(default=50, validator=between(1, 100))
    window_minutes: int = attrs.field(default=60, validator=between(1, 31 * 1440))
    refunded_states: frozenset[int] = attrs.field(
        default=frozenset({3, 6, 9, 16}), converter=frozenset, validator=_numbers
    )
    refused_states: frozenset[int] = attrs.field(default=frozenset({2, 4}), converter=frozenset, validator=_numbers)
    serviced_states: frozenset[int] = attrs.field(default=frozenset({13}), converter=frozenset, validator=_numbers)
    closed_service_states: frozenset[int] = attrs.field(default=frozenset(), converter=frozenset, validator=_numbers)
    services_named_by: Literal["refund", "service"] = attrs.field(
        default="refund", validator=one_of("refund", "service")
    )
    status_words: Mapping[str, OrderStatus] = attrs.field(factory=dict, validator=_statuses)
    gift_cards: Literal["left_out", "counted"] = attrs.field(
        default="left_out", validator=one_of("left_out", "counted")
    )
    discounts_listed: bool = attrs.field(default=True, validator=instance_of(bool))
    parent_numbers: bool = attrs.field(default=True, validator=instance_of(bool))

    @property
    def refund_page_size(self) -> int:
        """Rows a page of refunds, and of everything on the SP-API: never more than 50."""
        return min(self.page_size, _MOST_REFUNDS)

    @property
    def all_hosts(self) -> frozenset[str]:
        """The only host names that are called."""
        return self.hosts | {host_of(self.sp_gateway if self.api == "sp" else self.gateway), host_of(self.oauth)}
