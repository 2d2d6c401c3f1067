"""What a member brings from the system before: claimed orders, balances, a tier, past spend, gifts."""

from __future__ import annotations

import enum
from typing import Any, TypeAlias

import attrs

from crossloyalty.domain.keys import clean_id
from crossloyalty.domain.orders import LARGEST_FEN, checked_fen
from crossloyalty.domain.rules._checks import local_day
from crossloyalty.errors import InvalidInput, WrongType, shown

__all__ = [
    "OpeningBalance",
    "OpeningClaim",
    "OpeningCode",
    "OpeningDefect",
    "OpeningGift",
    "OpeningRow",
    "OpeningSpend",
    "OpeningTier",
]

_ASSETS = ("points", "growth", "stored_value")


class OpeningCode(enum.Enum):
    """Why a row was set aside; a code stays as it is for ever."""

    INVALID = "INVALID"
    ORDER_NO_MANGLED = "ORDER_NO_MANGLED"
    HELD_BY_ANOTHER = "HELD_BY_ANOTHER"
    UNKNOWN_TIER = "UNKNOWN_TIER"
    UNKNOWN_GIFT = "UNKNOWN_GIFT"
    EXPIRED_BEFORE = "EXPIRED_BEFORE"
    LIVES_OUTSIDE = "LIVES_OUTSIDE"
    ROW_CHANGED = "ROW_CHANGED"

    def sentence(self, language: str = "zh") -> str:
        """Say it to a person; *language* is "zh" or "en"."""
        zh, en = _SENTENCES[self]
        return en if language == "en" else zh


_SENTENCES = {
    OpeningCode.INVALID: ("该行数据有误，未导入", "This row is wrong and was not taken in."),
    OpeningCode.ORDER_NO_MANGLED: (
        "订单号格式异常（可能被表格改写），未导入",
        "The order number looks damaged, perhaps by a spreadsheet; the row was not taken in.",
    ),
    OpeningCode.HELD_BY_ANOTHER: (
        "该订单已属于其他会员，未导入",
        "The order is another member's already; the row was not taken in.",
    ),
    OpeningCode.UNKNOWN_TIER: ("没有这个等级，未导入", "There is no such tier; the row was not taken in."),
    OpeningCode.UNKNOWN_GIFT: (
        "没有这个礼品或每人一次的权益，未导入",
        "There is no such gift or reward once per member; the row was not taken in.",
    ),
    OpeningCode.LIVES_OUTSIDE: (
        "该资产由外部系统保存，未导入",
        "This asset is kept by another system; the row was not taken in.",
    ),
    OpeningCode.EXPIRED_BEFORE: ("已过有效期，未导入", "It has expired already; the row was not taken in."),
    OpeningCode.ROW_CHANGED: (
        "该行此前已按其他内容导入，未再次导入",
        "This row was taken in before with other content, and not again.",
    ),
}


@attrs.frozen
class OpeningDefect:
    """
    A row that was set aside.

    Args:
        row: Its number, the first row is 1; in a file the header does not count.
        code: What is wrong.
        detail: Which value, at most 64 characters of it.
    """

    row: int
    code: OpeningCode
    detail: str = ""

    def sentence(self, language: str = "zh") -> str:
        """Say it to a person; *language* is "zh" or "en"."""
        return self.code.sentence(language)


def _named(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    clean_id(value, attribute.name)


def _day(value: Any) -> str:
    day = local_day(value)
    if day is None:
        raise WrongType("a local day is needed, such as 2026-11-11")
    return day


def _asset(_: Any, __: attrs.Attribute[Any], value: Any) -> None:
    clean_id(value, "asset")
    if value not in _ASSETS and not (value.startswith("coupon:") and len(value) > 7):
        raise InvalidInput(f"an asset is {', '.join(_ASSETS)} or coupon:CODE, not {shown(value)}")


def _amount(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if type(value) is not int:
        raise WrongType(f"{attribute.name} is a whole number, not {shown(value)}")
    if not value or abs(value) > LARGEST_FEN:
        raise InvalidInput(f"{attribute.name} is not 0 and at most {LARGEST_FEN}: {shown(value)}")


def _fen(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    checked_fen(value, attribute.name)


@attrs.frozen(kw_only=True)
class OpeningClaim:
    """
    An order that was converted before: its number is taken for ever, and nothing is given for it here.

    Args:
        member_id: Whose it is.
        platform, order_no: The order.
    """

    member_id: str = attrs.field(validator=_named)
    platform: str = attrs.field(validator=_named)
    order_no: str


@attrs.frozen(kw_only=True)
class OpeningBalance:
    """
    A part of a balance with its own expiry.

    Args:
        member_id: Whose.
        asset: "points", "growth", "stored_value" (fen), or "coupon:" and the template's code.
        amount: What is there; below 0: what is owed.
        expires_on: The last local day it is good on; None: never expires.
    """

    member_id: str = attrs.field(validator=_named)
    asset: str = attrs.field(validator=_asset)
    amount: int = attrs.field(validator=_amount)
    expires_on: str | None = attrs.field(default=None, converter=local_day)

    def __attrs_post_init__(self) -> None:
        if self.amount < 0 and (self.expires_on is not None or self.asset.startswith("coupon:")):
            raise InvalidInput("what is owed does not expire, and coupons are not owed")


@attrs.frozen(kw_only=True)
class OpeningTier:
    """
    A tier held, to the end of its period here; gifts for it and the tiers below count as given.

    Args:
        member_id: Whose.
        tier: Its name.
        qualified_on: The local day it was reached on.
    """

    member_id: str = attrs.field(validator=_named)
    tier: str = attrs.field(validator=_named)
    qualified_on: str = attrs.field(converter=_day)


@attrs.frozen(kw_only=True)
class OpeningSpend:
    """
    Qualifying spend of one local day.

    Args:
        member_id: Whose.
        day: The local day.
        spend_fen: In fen.
    """

    member_id: str = attrs.field(validator=_named)
    day: str = attrs.field(converter=_day)
    spend_fen: int = attrs.field(validator=_fen)


@attrs.frozen(kw_only=True)
class OpeningGift:
    """
    A gift, or a reward once per member, that was given before and is not given again.

    Args:
        member_id: Whose.
        gift: Its id in the rules.
    """

    member_id: str = attrs.field(validator=_named)
    gift: str = attrs.field(validator=_named)


OpeningRow: TypeAlias = OpeningClaim | OpeningBalance | OpeningTier | OpeningSpend | OpeningGift
