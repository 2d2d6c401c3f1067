"""What a merchant's access to Xiaohongshu (小红书, 千帆) is set up with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import attrs

from crossloyalty.adapters.wire.options import an_address, an_id, as_secret, between, one_of
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.domain.keys import clean_id
from crossloyalty.errors import ConfigError, WrongType, shown

__all__ = ["GATEWAY", "HOSTS", "PLATFORM", "XiaohongshuSettings"]

PLATFORM: Final = "xiaohongshu"
GATEWAY: Final = "https://ark.xiaohongshu.com/ark/open_api/v3/common_controller"
HOSTS: Final = ("ark.xiaohongshu.com",)


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


def _callback(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if value is not None and not (isinstance(value, str) and value.startswith("/")):
        raise ConfigError(f"{attribute.name} is the path of the callback, with its query, such as /xhs?shop=s1")


@attrs.frozen(kw_only=True)
class XiaohongshuSettings:
    """
    One authorised Xiaohongshu shop.

    Args:
        app_id: The app's id (appId).
        app_secret: Signs calls and messages.
        shop_id: The `sellerId` of the token reply (24 hex digits): the shop of every order.
        previous_app_secret: Also accepted on messages, while the secret is being changed.
        callback: Path and query of the message URL as it stands in the console, such as "/hooks/xhs?shop=s1"; both are
            part of the signature. None: no messages are taken.
        gateway: The platform's one address.
        hosts: Hosts that may be called at all.
        buyer_id: Which field names the buyer: "userId", which is documented, or "xhsOpenId", which is not.
        subtract_pay_discount: Whether `outPromotionAmount` (a discount of the pay channel) is still inside
            `totalPayAmount` and has to be taken off what the buyer paid; the platform does not say.
        window_s: The longest window that is asked for, in seconds. A window has at most 100 pages of 100 rows, so a
            shop with more changes than that in half an hour takes a shorter one.
        message_age_s: How far the time of a message may lie from now, in seconds, either way.
        memo_flags: Words of the merchant's remark (商家备注) and the flag each sets, such as `{"刷单": "brushing"}`;
            the remark itself is not kept.

    Source: open.xiaohongshu.com, developer files 36 to 41 and the interface tables of orders and after-sales.
    """

    app_id: str = attrs.field(validator=an_id)
    app_secret: Secret = attrs.field(converter=as_secret)
    shop_id: str = attrs.field(validator=an_id)
    previous_app_secret: Secret | None = attrs.field(default=None, converter=_optional_secret)
    callback: str | None = attrs.field(default=None, validator=_callback)
    gateway: str = attrs.field(default=GATEWAY, validator=an_address)
    hosts: tuple[str, ...] = attrs.field(default=HOSTS, converter=tuple)
    buyer_id: Literal["userId", "xhsOpenId"] = attrs.field(default="userId", validator=one_of("userId", "xhsOpenId"))
    subtract_pay_discount: bool = attrs.field(default=False, validator=_bool)
    window_s: int = attrs.field(default=1_800, validator=between(60, 1_800))
    message_age_s: int = attrs.field(default=300, validator=between(1, 86_400))
    memo_flags: Mapping[str, str] = attrs.field(factory=dict, validator=_memo_flags)
