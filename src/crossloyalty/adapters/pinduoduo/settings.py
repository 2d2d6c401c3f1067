"""What a shop on Pinduoduo is reached with, and the readings that its documents leave open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal

import attrs

from crossloyalty.adapters.wire.memo import memo_words
from crossloyalty.adapters.wire.options import an_address, an_id, as_secret, between, host_of, one_of
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.domain.checks import instance_of

__all__ = ["GATEWAY", "PinduoduoSettings"]

GATEWAY: Final = "https://gw-api.pinduoduo.com/api/router"
# Orders are visible for three months after they were placed; a longer hold would never see them finish.
_LONGEST_HOLD_DAYS: Final = 60


def _hosts(value: Iterable[str] | None) -> frozenset[str] | None:
    return None if value is None else frozenset(value)


def _relations(value: Iterable[int]) -> frozenset[int]:
    return frozenset(value)


@attrs.frozen(kw_only=True)
class PinduoduoSettings:
    """
    One shop (店铺) and the app it authorised.

    Args:
        client_id: The app's key.
        client_secret: Signs every call.
        shop_id: The mall id, which the token calls `owner_id`; orders do not carry it.
        gateway: Where calls go; apps outside the platform's cloud put their relay here.
        hosts: The only hosts that are called; None: the gateway's own.
        finish_days: Whole days of 24 hours behind the confirmed receipt (确认收货) without an open after-sale case,
            after which an order counts as finished; the platform has no such status. 1 to 60.
        channel_discounts_inside: `pay_amount` still contains what the pay channel took off (多多支付立减, and the
            state's subsidy of type 1), so it is taken off here. The documents do not say; True never rewards too much.
        price_difference_relations: An order that names a related order by one of these types is of the kind
            PRICE_DIFF (补差价), on whichever side it stands. The documents do not say which side names the other.
        memo_flags: Words of the merchant's memo (商家备注) and the flag each sets, such as `{"刷单": "brushing"}`; the
            memo itself is not kept.
        after_sales_status: What the list of refunds is asked for: 1, which meant all in older tables, is sent by the
            official demos and no longer listed; or 10, only those that have paid back. With 10 an open case comes with
            its order alone, which its change brings as well.
        message_channel: The host holds the platform's message socket open and hands in what comes from it and nothing
            else. Frames bear no signature, so without this they are refused.
    """

    client_id: str = attrs.field(validator=an_id)
    client_secret: Secret = attrs.field(converter=as_secret, repr=False)
    shop_id: str = attrs.field(validator=an_id)
    gateway: str = attrs.field(default=GATEWAY, validator=an_address, repr=False)
    hosts: frozenset[str] | None = attrs.field(default=None, converter=_hosts)
    finish_days: int = attrs.field(default=15, validator=between(1, _LONGEST_HOLD_DAYS))
    channel_discounts_inside: bool = attrs.field(default=True, validator=instance_of(bool))
    price_difference_relations: frozenset[int] = attrs.field(default=frozenset({3}), converter=_relations)
    memo_flags: Mapping[str, str] = attrs.field(factory=dict, validator=memo_words)
    after_sales_status: Literal[1, 10] = attrs.field(default=1, validator=one_of(1, 10))
    message_channel: bool = attrs.field(default=False, validator=instance_of(bool))

    @property
    def called_hosts(self) -> frozenset[str]:
        """The only hosts that are called."""
        return self.hosts or frozenset({host_of(self.gateway)})
