"""What a Douyin shop is reached with, and the readings that its documents leave open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import attrs

from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.domain.keys import clean_id
from crossloyalty.errors import ConfigError

__all__ = ["GATEWAY", "SANDBOX", "DouyinSettings"]

GATEWAY: Final = "https://openapi-fxg.jinritemai.com"
SANDBOX: Final = "https://openapi-sandbox.jinritemai.com"


def _id(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    clean_id(value, attribute.name)


def _method(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if value not in ("hmac-sha256", "md5"):
        raise ConfigError(f'{attribute.name} is "hmac-sha256" or "md5"')


def _address(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if urlsplit(value).hostname is None or value.endswith("/"):
        raise ConfigError(f"{attribute.name} is an absolute address without a slash at its end")


def _secret(value: str | Secret) -> Secret:
    return Secret.of(value)


def _optional_secret(value: str | Secret | None) -> Secret | None:
    return None if value is None else Secret.of(value)


def _hosts(value: Iterable[str] | None) -> frozenset[str] | None:
    return None if value is None else frozenset(value)


def _types(value: Iterable[int]) -> frozenset[int]:
    return frozenset(value)


@attrs.frozen(kw_only=True)
class DouyinSettings:
    """
    One shop (店铺) and the app it authorised.

    Args:
        app_key: The app's key.
        app_secret: Signs every call; messages are signed with it too.
        shop_id: The shop; a token or an order of another one is refused.
        previous_secret: Still taken for messages while the secret is being changed.
        self_use: The app belongs to the shop itself (自用型) and gets tokens without a merchant's code.
        gateway: Where calls go.
        hosts: The only hosts that are called; None: the gateway's own.
        sign_method: Of calls.
        normal_trade_types: Values of `trade_type` that are orders of the usual kind: usual, auction, made to order,
            auction for all, delivery within the hour. A value that stands neither here nor among those with a kind of
            their own goes to review.
        accept_stripped_body: Take a message whose signature is right only over the body without blanks, as one public
            client computes it. False: over the raw bytes alone.
        memo_flags: Words of the merchant's memo (商家备注) and the flag each sets, such as `{"刷单": "brushing"}`; the
            memo itself is not kept.
    """

    app_key: str = attrs.field(validator=_id)
    app_secret: Secret = attrs.field(converter=_secret, repr=False)
    shop_id: str = attrs.field(validator=_id)
    previous_secret: Secret | None = attrs.field(default=None, converter=_optional_secret, repr=False)
    self_use: bool = attrs.field(default=True)
    gateway: str = attrs.field(default=GATEWAY, validator=_address)
    hosts: frozenset[str] | None = attrs.field(default=None, converter=_hosts)
    sign_method: Literal["hmac-sha256", "md5"] = attrs.field(default="hmac-sha256", validator=_method)
    normal_trade_types: frozenset[int] = attrs.field(default=frozenset({0, 4, 13, 16, 18}), converter=_types)
    accept_stripped_body: bool = attrs.field(default=False)
    memo_flags: Mapping[str, str] = attrs.field(factory=dict)

    @property
    def called_hosts(self) -> frozenset[str]:
        """The only hosts that are called."""
        return self.hosts or frozenset({urlsplit(self.gateway).hostname or ""})

    @property
    def buyer_scope(self) -> str:
        """Where buyer ids are unique: app and shop, since whether another one sees the same id is not documented."""
        return f"{self.app_key}/{self.shop_id}"
