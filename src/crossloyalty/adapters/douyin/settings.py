"""What a Douyin shop is reached with, and the readings that its documents leave open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

import attrs

from crossloyalty.adapters.wire.memo import memo_words
from crossloyalty.adapters.wire.options import an_address, an_id, as_secret, host_of, one_of
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.domain.checks import instance_of
from crossloyalty.errors import ConfigError

__all__ = ["GATEWAY", "SANDBOX", "DouyinSettings"]

GATEWAY: Final = "https://openapi-fxg.jinritemai.com"
SANDBOX: Final = "https://openapi-sandbox.jinritemai.com"


def _gateway(instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    an_address(instance, attribute, value)
    if value.endswith("/"):
        raise ConfigError(f"{attribute.name} has no slash at its end")


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

    app_key: str = attrs.field(validator=an_id)
    app_secret: Secret = attrs.field(converter=as_secret, repr=False)
    shop_id: str = attrs.field(validator=an_id)
    previous_secret: Secret | None = attrs.field(default=None, converter=_optional_secret, repr=False)
    self_use: bool = attrs.field(default=True, validator=instance_of(bool))
    gateway: str = attrs.field(default=GATEWAY, validator=_gateway)
    hosts: frozenset[str] | None = attrs.field(default=None, converter=_hosts)
    sign_method: Literal["hmac-sha256", "md5"] = attrs.field(
        default="hmac-sha256", validator=one_of("hmac-sha256", "md5")
    )
    normal_trade_types: frozenset[int] = attrs.field(default=frozenset({0, 4, 13, 16, 18}), converter=_types)
    accept_stripped_body: bool = attrs.field(default=False, validator=instance_of(bool))
    memo_flags: Mapping[str, str] = attrs.field(factory=dict, validator=memo_words)

    @property
    def called_hosts(self) -> frozenset[str]:
        """The only hosts that are called."""
        return self.hosts or frozenset({host_of(self.gateway)})

    @property
    def buyer_scope(self) -> str:
        """Where buyer ids are unique: app and shop, since whether another one sees the same id is not documented."""
        return f"{self.app_key}/{self.shop_id}"
