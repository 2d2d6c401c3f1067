"""What a merchant's access to Kuaishou shop (快手小店) is set up with."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final, Literal

import attrs

from crossloyalty.adapters.wire.options import an_address, an_id, as_secret, between, one_of
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.domain.keys import clean_id
from crossloyalty.errors import ConfigError, WrongType, shown

__all__ = ["GATEWAY", "HOSTS", "PLATFORM", "KuaishouSettings"]

PLATFORM: Final = "kuaishou"
GATEWAY: Final = "https://openapi.kwaixiaodian.com"
HOSTS: Final = ("openapi.kwaixiaodian.com", "open.kwaixiaodian.com")
_KEY_BYTES: Final = (16, 24, 32)


def _optional_id(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if value is not None:
        clean_id(value, attribute.name)


def _bool(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if type(value) is not bool:
        raise WrongType(f"{attribute.name} is True or False, not {shown(value)}")


def _optional_secret(value: str | Secret | None) -> Secret | None:
    return None if value is None else Secret.of(value)


def _memo_flags(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, Mapping):
        raise WrongType(f"{attribute.name} maps words to flags, such as {{'刷单': 'brushing'}}, not {shown(value)}")
    for word, flag in value.items():
        clean_id(word, f"a word of {attribute.name}")
        clean_id(flag, f"a flag of {attribute.name}")


def _message_key(_: Any, attribute: attrs.Attribute[Any], value: Secret | None) -> None:
    if value is None:
        return
    try:
        length = len(base64.b64decode(value.reveal(), validate=True))
    except (binascii.Error, ValueError):
        length = 0
    if length not in _KEY_BYTES:
        raise ConfigError(f"{attribute.name} is the message private key as the console shows it (Base64 of an AES key)")


@attrs.frozen(kw_only=True)
class KuaishouSettings:
    """
    One authorised Kuaishou shop.

    Args:
        app_key: The app's key (appKey).
        app_secret: For obtaining and refreshing tokens only.
        sign_secret: For signing calls (signSecret); not the app secret.
        shop_id: The authorised seller's `open_id`, as the token reply names it; the shop of every order.
        seller_id: The same seller's number, as refunds and messages name it; None: not compared.
        message_key: The message private key of the console, Base64; None: no messages are taken.
        previous_message_key: The one before, while a change of key is under way.
        developer: Names the developer entity. Buyer ids are the same in all its apps and shops, so apps of one entity
            are given one name here; None: the app key, and then ids of two apps are never taken for one buyer.
        gateway: The platform's address.
        hosts: Hosts that may be called at all.
        sign_method: "HMAC_SHA256", which the platform advises, or "MD5".
        amounts: "fee_detail" asks what the buyer paid with one more call per paid order. "approximate" reckons
            price × pieces − discounts + freight, for apps without that permission; such orders bear the flag
            "amount_approximate".
        extra_discounts: Newer orders may state discounts of the pay channel or the government beside the documented
            ones, and whether `buyerPay` has left them out is not documented. "review" holds such an order back,
            "included" believes `buyerPay`.
        refund_subsidy: A refund includes the platform's subsidy and does not say how much. "proportional" takes the
            subsidy's share of the order; "unstated" counts the whole refund as the buyer's, which takes a little too
            much back after partial refunds. Both come to 0 after a full one.
        check_seller: Hold an order back whose `sellerOpenId` is not `shop_id`.
        window_s: The longest window that is asked for, in seconds; the platform may allow less than its usual day for
            refunds while there is a sale.
        memo_flags: Words of the merchant's note (商家备注) and the flag each sets, such as `{"刷单": "brushing"}`; the
            note itself is not kept.

    Source: open.kwaixiaodian.com, pages on calls, authorisation and messages.
    """

    app_key: str = attrs.field(validator=an_id)
    app_secret: Secret = attrs.field(converter=as_secret)
    sign_secret: Secret = attrs.field(converter=as_secret)
    shop_id: str = attrs.field(validator=an_id)
    seller_id: str | None = attrs.field(default=None, validator=_optional_id)
    message_key: Secret | None = attrs.field(default=None, converter=_optional_secret, validator=_message_key)
    previous_message_key: Secret | None = attrs.field(default=None, converter=_optional_secret, validator=_message_key)
    developer: str | None = attrs.field(default=None, validator=_optional_id)
    gateway: str = attrs.field(default=GATEWAY, validator=an_address)
    hosts: tuple[str, ...] = attrs.field(default=HOSTS, converter=tuple)
    sign_method: Literal["HMAC_SHA256", "MD5"] = attrs.field(
        default="HMAC_SHA256", validator=one_of("HMAC_SHA256", "MD5")
    )
    amounts: Literal["fee_detail", "approximate"] = attrs.field(
        default="fee_detail", validator=one_of("fee_detail", "approximate")
    )
    extra_discounts: Literal["review", "included"] = attrs.field(
        default="review", validator=one_of("review", "included")
    )
    refund_subsidy: Literal["proportional", "unstated"] = attrs.field(
        default="proportional", validator=one_of("proportional", "unstated")
    )
    check_seller: bool = attrs.field(default=True, validator=_bool)
    window_s: int = attrs.field(default=86_400, validator=between(60, 86_400))
    memo_flags: Mapping[str, str] = attrs.field(factory=dict, validator=_memo_flags)

    @property
    def buyer_scope(self) -> str:
        """Inside what a buyer id is unique: the developer entity."""
        return self.developer or self.app_key
