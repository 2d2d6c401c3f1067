"""What a merchant enters for a Weixin shop (微信小店): keys, addresses, and what its documentation leaves open."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import attrs

from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.domain.keys import clean_id
from crossloyalty.errors import ConfigError

__all__ = ["PLATFORM", "WechatSettings"]

PLATFORM: Final = "wechat"

_AES_KEY: Final = re.compile(r"[A-Za-z0-9+/]{43}", re.ASCII)


def _needed(value: str | Secret) -> Secret:
    return Secret.of(value)


def _secret(value: Any) -> Secret | None:
    return None if value is None else Secret.of(value)


def _id(_: Any, attribute: attrs.Attribute[Any], value: str) -> None:
    clean_id(value, attribute.name)


def _gateway(_: Any, attribute: attrs.Attribute[Any], value: str) -> None:
    parts = urlsplit(value)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ConfigError("the gateway is an address such as https://api.weixin.qq.com")


def _page_size(_: Any, attribute: attrs.Attribute[Any], value: int) -> None:
    if type(value) is not int or not 1 <= value <= 100:
        raise ConfigError("a page has 1 to 100 orders")


def aes_key(secret: Secret) -> bytes:
    """
    Turn an EncodingAESKey into its 32 bytes.

    Raises:
        ConfigError: It is not 43 characters of Base64.

    Source: message push, AESKey = base64decode(EncodingAESKey + "="). The last character carries bits that are not
    used, so it is decoded leniently.
    """
    text = secret.reveal()
    if not _AES_KEY.fullmatch(text):
        raise ConfigError("an EncodingAESKey is 43 characters of Base64")
    try:
        return base64.b64decode(text + "=")
    except binascii.Error:  # pragma: no cover - 43 characters of the alphabet always decode
        raise ConfigError("an EncodingAESKey is 43 characters of Base64") from None


@attrs.frozen(kw_only=True)
class WechatSettings:
    """
    One Weixin shop as it is reached.

    Args:
        appid: The shop's appid; it is the shop's id here, and openids are unique inside it.
        app_secret: The shop's secret, for access tokens.
        push_token: The Token of the message push; None: pushed messages are refused.
        push_aes_key: The EncodingAESKey of the message push, 43 characters; needed in the safe mode.
        previous_push_token, previous_push_aes_key: Also accepted, while the merchant changes them.
        push_mode: "safe": only encrypted messages are taken (安全模式 and 兼容模式). "plain": only messages as plain
            text (明文模式), whose signature does not cover the body.
        push_max_age_s: How far the time a message was signed may lie from now, on either side, in seconds. The
            documentation does not say whether a message that is sent again is signed again.
        shop_username: The shop's user name (gh_…) as messages name it in ToUserName; "" leaves it unchecked.
        buyer_key: "unionid" takes the unionid and falls back on the openid, "openid" takes the openid alone. A unionid
            is there only when the shop is bound to an open-platform account.
        unionid_scope: Names the open-platform account; only for programs with shops under several of them.
        page_size: Orders a page, 1 to 100. The documentation says 100 in one place and 50 in another.
        window_s: The longest window that is asked for at once, in seconds, up to a day; a shorter one helps shops with
            more changes a day than paging reaches.
        memo_flags: Words of the merchant's memo (商家备注) and the flag each sets, such as `{"刷单": "brushing"}`; the
            memo itself is not kept.
        gateway: Where calls go.

    Raises:
        ConfigError: A key is empty or has not the form it must have.
    """

    appid: str = attrs.field(validator=_id)
    app_secret: Secret = attrs.field(converter=_needed)
    push_token: Secret | None = attrs.field(default=None, converter=_secret)
    push_aes_key: Secret | None = attrs.field(default=None, converter=_secret)
    previous_push_token: Secret | None = attrs.field(default=None, converter=_secret)
    previous_push_aes_key: Secret | None = attrs.field(default=None, converter=_secret)
    push_mode: Literal["safe", "plain"] = attrs.field(default="safe")
    push_max_age_s: int = 300
    shop_username: str = ""
    buyer_key: Literal["unionid", "openid"] = attrs.field(default="unionid")
    unionid_scope: str = ""
    page_size: int = attrs.field(default=50, validator=_page_size)
    window_s: int = 86_400
    memo_flags: Mapping[str, str] = attrs.field(factory=dict)
    gateway: str = attrs.field(default="https://api.weixin.qq.com", validator=_gateway)

    def __attrs_post_init__(self) -> None:
        if type(self.window_s) is not int or not 60 <= self.window_s <= 86_400:
            raise ConfigError("window_s is 60 to 86,400 seconds")
        if self.push_mode not in ("safe", "plain"):
            raise ConfigError('push_mode is "safe" or "plain"')
        if self.buyer_key not in ("unionid", "openid"):
            raise ConfigError('buyer_key is "unionid" or "openid"')
        if type(self.push_max_age_s) is not int or self.push_max_age_s < 1:
            raise ConfigError("push_max_age_s is a number of seconds, at least 1")
        for key in (self.push_aes_key, self.previous_push_aes_key):
            if key is not None:
                aes_key(key)
        if self.push_token is not None and self.push_mode == "safe" and self.push_aes_key is None:
            raise ConfigError("the safe mode needs push_aes_key")

    @property
    def shop_id(self) -> str:
        """The shop's id: its appid."""
        return self.appid

    @property
    def hosts(self) -> frozenset[str]:
        """The only host names that are called."""
        return frozenset({urlsplit(self.gateway).hostname or ""})

    @property
    def push_tokens(self) -> tuple[Secret, ...]:
        """The tokens a pushed message may be signed with, the present one first."""
        return tuple(each for each in (self.push_token, self.previous_push_token) if each is not None)

    @property
    def push_aes_keys(self) -> tuple[Secret, ...]:
        """The keys a pushed message may be encrypted with, the present one first."""
        return tuple(each for each in (self.push_aes_key, self.previous_push_aes_key) if each is not None)
