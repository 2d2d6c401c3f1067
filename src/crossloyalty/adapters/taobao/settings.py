"""How one Taobao or Tmall shop is reached, and how what its pages leave open is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import attrs

from crossloyalty.adapters.wire.options import an_address, an_id, as_secret, between, host_of, one_of, words
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.domain.checks import instance_of
from crossloyalty.domain.keys import clean_id
from crossloyalty.errors import ConfigError, WrongType, shown

__all__ = ["TRADE_TYPES", "TaobaoSettings"]

# Every published value: what is not named in a query is silently left out of its answer, and the default leaves out
# most (open platform, notes on `type` of taobao.trades.sold.get, read 2026-11).
TRADE_TYPES: Final = (
    "fixed",
    "auction",
    "guarantee_trade",
    "step",
    "independent_simple_trade",
    "independent_shop_trade",
    "auto_delivery",
    "ec",
    "cod",
    "game_equipment",
    "shopex_trade",
    "netcn_trade",
    "external_trade",
    "instant_trade",
    "b2c_cod",
    "hotel_trade",
    "super_market_trade",
    "super_market_cod_trade",
    "taohua",
    "waimai",
    "o2o_offlinetrade",
    "nopaid",
    "eticket",
    "tmall_i18n",
    "pre_auth_type",
    "insurance_plus",
    "finance",
    "lazada",
)


def _flag_names(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    for number, name in dict(value).items():
        if type(number) is not int:
            raise WrongType(f"{attribute.name} goes from whole numbers to names, not from {shown(number)}")
        clean_id(name, attribute.name)


@attrs.frozen(kw_only=True)
class TaobaoSettings:
    """
    One shop's access to the open platform (TOP), and the readings of what its pages leave open.

    Args:
        app_key, app_secret: The application's. One buyer has another open id under another application.
        shop_id: How the program names the shop.
        seller_id: The seller's number, which token replies call `taobao_user_id` and messages `user_id`. Given, tokens
            of another seller are refused, and messages about others stay in the queue; None: the queue, or its group,
            holds this shop's messages alone.
        platform: "taobao" or "tmall"; None: each order says it by `seller_type` (B is Tmall), and "taobao" where it
            does not. Both are one family, so order numbers never collide between them.
        gateway: Where calls go; application clouds and relays have addresses of their own.
        hosts: Further host names that may be called; the gateway's is always one.
        sign_method: "md5" is the only one with an official example.
        api: "simple" reads the lists made for member systems (`taobao.trades.simple.*`: no receiver data);
            "sold" reads the full lists, whose rows lack shopping-gold (购物金), so that each finished order is fetched
            once more by `taobao.trade.fullinfo.get`.
        list_by: "modified" lists by the time of change; "ingested", with `api="sold"` only, by the time the row came
            into the seller's store, which also finds rows that the platform copied there late.
        fields: Fields asked of the lists instead of those of `api`; None: those.
        trade_types, refund_types: Sent explicitly; the platform's defaults leave orders out.
        page_size: Rows a page, 1 to 100; the platform advises 40 to 50.
        window_minutes: The longest window of one query, in minutes, at most a day; the platform advises 30.
        buyer_id: "open_uid" is unique per application, "ouid" per shop.
        refreshable: The application is one whose tokens can be refreshed; merchants' own back-office applications have
            to be authorised again instead.
        message_group: The group of the message channel; None: the default one.
        seller_flags: The seller's coloured flags by number that become `Order.flags`, such as {1: "brushing"}.
        red_packets_off: Take red packets (`coupon_fee`, `tmall_coupon_fee`, read as fen, which is unverified) off what
            the buyer paid; they then stand in `subsidy_fen`.
        rounding_fen: By how much the shares of the sub-orders may miss the order's payment in all, in fen; 0: not.
    """

    app_key: str = attrs.field(validator=an_id)
    app_secret: Secret = attrs.field(converter=as_secret, repr=False)
    shop_id: str = attrs.field(validator=an_id)
    seller_id: str | None = attrs.field(default=None, validator=attrs.validators.optional(an_id))
    platform: Literal["taobao", "tmall"] | None = attrs.field(default=None, validator=one_of(None, "taobao", "tmall"))
    gateway: str = attrs.field(default="https://gw.api.taobao.com/router/rest", validator=an_address)
    hosts: frozenset[str] = attrs.field(default=frozenset(), converter=frozenset)
    sign_method: Literal["md5", "hmac", "hmac-sha256"] = attrs.field(
        default="md5", validator=one_of("md5", "hmac", "hmac-sha256")
    )
    api: Literal["simple", "sold"] = attrs.field(default="simple", validator=one_of("simple", "sold"))
    list_by: Literal["modified", "ingested"] = attrs.field(default="modified", validator=one_of("modified", "ingested"))
    fields: tuple[str, ...] | None = attrs.field(default=None, validator=attrs.validators.optional(words))
    trade_types: tuple[str, ...] = attrs.field(default=TRADE_TYPES, validator=words)
    refund_types: tuple[str, ...] = attrs.field(default=TRADE_TYPES, validator=words)
    page_size: int = attrs.field(default=40, validator=between(1, 100))
    window_minutes: int = attrs.field(default=30, validator=between(1, 1440))
    buyer_id: Literal["open_uid", "ouid"] = attrs.field(default="open_uid", validator=one_of("open_uid", "ouid"))
    refreshable: bool = attrs.field(default=True, validator=instance_of(bool))
    message_group: str | None = attrs.field(default=None, validator=attrs.validators.optional(an_id))
    seller_flags: Mapping[int, str] = attrs.field(factory=dict, validator=_flag_names)
    red_packets_off: bool = attrs.field(default=False, validator=instance_of(bool))
    rounding_fen: int = attrs.field(default=0, validator=between(0, 100))

    def __attrs_post_init__(self) -> None:
        if self.list_by == "ingested" and self.api != "sold":
            raise ConfigError('list_by="ingested" needs api="sold": the simple lists have no such call')

    @property
    def all_hosts(self) -> frozenset[str]:
        """The only host names that are called."""
        return self.hosts | {host_of(self.gateway)}

    @property
    def name(self) -> str:
        """The platform's name where no order is at hand to say it."""
        return self.platform or "taobao"
