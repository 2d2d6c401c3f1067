"""What a shop on Pinduoduo is reached with, and the readings that its documents leave open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import attrs

from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.domain.keys import clean_id
from crossloyalty.errors import ConfigError

__all__ = ["GATEWAY", "PinduoduoSettings"]

GATEWAY: Final = "https://gw-api.pinduoduo.com/api/router"
# Orders are visible for three months after they were placed; a longer hold would never see them finish.
_LONGEST_HOLD_DAYS: Final = 60


def _id(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    clean_id(value, attribute.name)


def _days(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if type(value) is not int or not 1 <= value <= _LONGEST_HOLD_DAYS:
        raise ConfigError(f"{attribute.name} is 1 to {_LONGEST_HOLD_DAYS} whole days")


def _address(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if urlsplit(value).hostname is None:
        raise ConfigError(f"{attribute.name} is an absolute address")


def _secret(value: str | Secret) -> Secret:
    return Secret.of(value)


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
    """

    client_id: str = attrs.field(validator=_id)
    client_secret: Secret = attrs.field(converter=_secret, repr=False)
    shop_id: str = attrs.field(validator=_id)
    gateway: str = attrs.field(default=GATEWAY, validator=_address, repr=False)
    hosts: frozenset[str] | None = attrs.field(default=None, converter=_hosts)
    finish_days: int = attrs.field(default=15, validator=_days)
    channel_discounts_inside: bool = attrs.field(default=True)
    price_difference_relations: frozenset[int] = attrs.field(default=frozenset({3}), converter=_relations)
    memo_flags: Mapping[str, str] = attrs.field(factory=dict)

    @property
    def called_hosts(self) -> frozenset[str]:
        """The only hosts that are called."""
        return self.hosts or frozenset({urlsplit(self.gateway).hostname or ""})
