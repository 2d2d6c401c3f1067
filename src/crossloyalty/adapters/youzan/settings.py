"""What a merchant enters for a Youzan shop (有赞): keys, addresses, and what its documentation leaves open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import attrs

from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.domain.keys import clean_id
from crossloyalty.errors import ConfigError

__all__ = ["PLATFORM", "YouzanSettings"]

PLATFORM: Final = "youzan"


def _needed(value: str | Secret) -> Secret:
    return Secret.of(value)


def _secret(value: Any) -> Secret | None:
    return None if value is None else Secret.of(value)


def _id(_: Any, attribute: attrs.Attribute[Any], value: str) -> None:
    clean_id(value, attribute.name)


def _gateway(_: Any, attribute: attrs.Attribute[Any], value: str) -> None:
    parts = urlsplit(value)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ConfigError("the gateway is an address such as https://open.youzanyun.com")


@attrs.frozen(kw_only=True)
class YouzanSettings:
    """
    One Youzan shop as it is reached.

    Args:
        client_id: The application's client_id.
        client_secret: Its client_secret; also what pushed messages are signed with.
        kdt_id: The shop's number; it is the shop's id here. Of a chain, the shop whose token is used.
        previous_client_secret: Also accepted for pushed messages, while the merchant changes it.
        app_kind: "self_use" (自用型) gets its tokens by its own keys, "tool" (工具型) by a refresh token that the
            merchant's authorisation gave once.
        real_payment: "check" holds an order back whose real_payment is neither payment nor payment less what gift and
            stored-value cards paid; "ignore" does not look at it. Its page says only 实付价格.
        page_size: Orders a page, 1 to 100.
        window_s: The longest window that is asked for at once, in seconds, up to a day; a shorter one helps shops with
            more changes a day than paging reaches.
        memo_flags: Words of the merchant's memo (商家备注) and the flag each sets, such as `{"刷单": "brushing"}`; the
            memo itself is not kept.
        gateway: Where calls go.

    Raises:
        ConfigError: A key is empty or has not the form it must have.
    """

    client_id: str = attrs.field(validator=_id)
    client_secret: Secret = attrs.field(converter=_needed)
    kdt_id: str = attrs.field(validator=_id)
    previous_client_secret: Secret | None = attrs.field(default=None, converter=_secret)
    app_kind: Literal["self_use", "tool"] = attrs.field(default="self_use")
    real_payment: Literal["check", "ignore"] = attrs.field(default="check")
    page_size: int = 100
    window_s: int = 86_400
    memo_flags: Mapping[str, str] = attrs.field(factory=dict)
    gateway: str = attrs.field(default="https://open.youzanyun.com", validator=_gateway)

    def __attrs_post_init__(self) -> None:
        if type(self.window_s) is not int or not 60 <= self.window_s <= 86_400:
            raise ConfigError("window_s is 60 to 86,400 seconds")
        if self.app_kind not in ("self_use", "tool"):
            raise ConfigError('app_kind is "self_use" or "tool"')
        if self.real_payment not in ("check", "ignore"):
            raise ConfigError('real_payment is "check" or "ignore"')
        if type(self.page_size) is not int or not 1 <= self.page_size <= 100:
            raise ConfigError("a page has 1 to 100 orders")

    @property
    def shop_id(self) -> str:
        """The shop's id: its kdt_id."""
        return self.kdt_id

    @property
    def hosts(self) -> frozenset[str]:
        """The only host names that are called."""
        return frozenset({urlsplit(self.gateway).hostname or ""})

    @property
    def client_secrets(self) -> tuple[Secret, ...]:
        """The secrets a pushed message may be signed with, the present one first."""
        return tuple(each for each in (self.client_secret, self.previous_client_secret) if each is not None)
