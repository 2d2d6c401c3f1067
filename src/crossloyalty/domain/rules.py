"""
The rules a merchant sets, one frozen value each; `crossloyalty.rules` is this module.

Amounts are plain integers in fen. Rates are exact: text such as "1.5" or "1/3", never a float.
Every reward has an `id`; claims remember it for ever, so keep it when a parameter changes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar, Literal, TypeAlias

import attrs

from crossloyalty.domain.checks import clean_text, instance_of, walked
from crossloyalty.domain.keys import clean_id
from crossloyalty.domain.numbers import Rounding, exact, rounded
from crossloyalty.domain.orders import OrderKind, OrderStatus, checked_fen
from crossloyalty.errors import InvalidInput, WrongType, shown

__all__ = [
    "ClawBack",
    "Coupon",
    "Finished",
    "GrowthPerYuan",
    "Level",
    "PerStep",
    "PointsFixed",
    "PointsPerYuan",
    "Reward",
    "SourceTags",
    "SpendTiers",
    "StoredValuePercent",
]

Settle: TypeAlias = Literal["per_line", "all"]
_RULE_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}", re.ASCII)
_LONGEST_DAYS = 36_600


def _whole(low: int, high: int, *, optional: bool = False) -> Any:
    def check(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if optional and value is None:
            return
        if type(value) is not int:
            raise WrongType(f"{attribute.name} is a whole number, not {type(value).__name__}: {shown(value)}")
        if not low <= value <= high:
            raise InvalidInput(f"{attribute.name} lies between {low} and {high}: {shown(value)}")

    return check


def _one_of(*choices: str) -> Any:
    def check(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if value not in choices:
            raise InvalidInput(f"{attribute.name} is one of {', '.join(choices)}: {shown(value)}")

    return check


def _rule_id(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, str) or not _RULE_ID.fullmatch(value):
        raise InvalidInput(f"{attribute.name} is 1 to 64 of A-Z, a-z, 0-9, _ . : -: {shown(value)}")


def _named(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    clean_id(value, attribute.name)


def _prefix(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    clean_text(value, attribute.name)


def _fen(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    checked_fen(value, attribute.name)


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(clean_id(text, "each of a list of texts") for text in walked(value, "a list of texts"))


def _rate(value: str | int | Fraction | Decimal) -> str:
    number = exact(value, "a rate")
    if number <= 0:
        raise InvalidInput(f"a rate is more than 0: {shown(value)}")
    return value if isinstance(value, str) else str(number)


def _statuses(value: Any) -> Mapping[str, tuple[str, ...]]:
    if not isinstance(value, Mapping):
        raise WrongType(f"statuses are a mapping of platform to statuses, not {shown(value)}")
    statuses = {clean_id(platform, "a platform"): _texts(names) for platform, names in value.items()}
    for names in statuses.values():
        for name in names:
            if name not in OrderStatus.__members__ or name in ("UNPAID", "CLOSED"):
                raise InvalidInput(f"a claimable status is PAID, SHIPPED, SIGNED or FINISHED: {shown(name)}")
    return statuses


@attrs.frozen(kw_only=True)
class Finished:
    """
    Which orders may be converted (可转换订单).

    Args:
        within_days: The claim window in local days behind the finish date, to the end of that day; None: no end.
        minimum_fen: Least eligible net amount, after exclusions and refunds (D49).
        statuses: Claimable statuses (可转换订单状态) by platform name; "*" stands for the others.
        kinds: Order kinds that take part (D10).
        shops: Shop ids that take part; empty: all.
        exclude_products, exclude_categories: Lines that earn nothing (D48).
        currency: Other currencies go to review (D52).
        future_tolerance_minutes: An order finished later than this from now is parked (D7).
    """

    within_days: int | None = attrs.field(default=90, validator=_whole(0, _LONGEST_DAYS, optional=True))
    minimum_fen: int = attrs.field(default=0, validator=_fen)
    statuses: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict, converter=_statuses)
    kinds: tuple[str, ...] = attrs.field(default=("NORMAL",), converter=_texts)
    shops: tuple[str, ...] = attrs.field(default=(), converter=_texts)
    exclude_products: tuple[str, ...] = attrs.field(default=(), converter=_texts)
    exclude_categories: tuple[str, ...] = attrs.field(default=(), converter=_texts)
    currency: str = attrs.field(default="CNY", validator=_named)
    future_tolerance_minutes: int = attrs.field(default=10, validator=_whole(0, 1440))

    def __attrs_post_init__(self) -> None:
        for kind in self.kinds:
            if kind not in OrderKind.__members__:
                raise InvalidInput(f"unknown order kind {shown(kind)}")

    def claimable(self, platform: str) -> tuple[str, ...]:
        """Give the statuses in which this platform's orders may be converted."""
        statuses = self.statuses
        return statuses.get(platform) or statuses.get("*") or ("FINISHED",)


@attrs.frozen(kw_only=True)
class _Reward:
    """What every reward has."""

    id: str = attrs.field(default="", validator=instance_of(str))
    issue_after_days: int = attrs.field(default=0, validator=_whole(0, 3660))
    expires_months: int | None = attrs.field(default=None, validator=_whole(1, 1200, optional=True))
    settle: Settle = attrs.field(default="per_line", validator=_one_of("per_line", "all"))

    asset: ClassVar[str]
    once_per_member: ClassVar[bool] = False
    takes_tier_multiplier: ClassVar[bool] = False

    def __attrs_post_init__(self) -> None:
        if not self.id:
            object.__setattr__(self, "id", self._default_id())
        _rule_id(self, attrs.fields(type(self)).id, self.id)

    def _default_id(self) -> str:
        return self.asset

    def amount(self, net_fen: int, numerator: int = 1, denominator: int = 1) -> int:
        """Say how much a net amount earns, with a multiplier of numerator/denominator and one rounding."""
        raise AssertionError(f"{type(self).__name__} has to say what it gives")


@attrs.frozen
class _Ratio(_Reward):
    """A reward in proportion to the net amount."""

    rate: str = attrs.field(converter=_rate)
    rounding: str = attrs.field(default="down", validator=_one_of("down", "up", "half_up"), kw_only=True)
    _numerator: int = attrs.field(init=False, eq=False, repr=False, default=0)
    _denominator: int = attrs.field(init=False, eq=False, repr=False, default=1)
    _mode: Rounding = attrs.field(init=False, eq=False, repr=False, default=Rounding.DOWN)

    fen_per_unit: ClassVar[int] = 100

    def __attrs_post_init__(self) -> None:
        _Reward.__attrs_post_init__(self)
        rate = exact(self.rate, "rate")
        object.__setattr__(self, "_numerator", rate.numerator)
        object.__setattr__(self, "_denominator", rate.denominator * self.fen_per_unit)
        object.__setattr__(self, "_mode", Rounding(self.rounding))

    def amount(self, net_fen: int, numerator: int = 1, denominator: int = 1) -> int:
        """Say how much a net amount earns, with a multiplier of numerator/denominator and one rounding (D1)."""
        return rounded(net_fen * self._numerator * numerator, self._denominator * denominator, self._mode)


@attrs.frozen
class PointsPerYuan(_Ratio):
    """
    Points (积分) in proportion to the net amount.

    Args:
        rate: Points per yuan, exact text.
        rounding: "down" (default), "up" or "half_up", once per order and rule.
        issue_after_days: 0 issues with the claim; n makes them spendable at 00:00 local of the finish date + n.
        expires_months: Counted from the issue to the end of the clamped local day; None: never.
        settle: "per_line" counts each sub-order as it finishes, "all" waits for the whole order (D11).
        id: Remembered by claims; default "points".
    """

    asset: ClassVar[str] = "points"
    takes_tier_multiplier: ClassVar[bool] = True


@attrs.frozen
class GrowthPerYuan(_Ratio):
    """
    Growth value (成长值) in proportion to the net amount.

    Args:
        rate: Growth per yuan, exact text; the other arguments are those of `PointsPerYuan`.
    """

    asset: ClassVar[str] = "growth"


@attrs.frozen
class StoredValuePercent(_Ratio):
    """
    Bonus money (赠送金) as a percentage of the net amount; never touches principal (本金) (D29).

    Args:
        rate: Percent, exact text; the grant is in fen. The other arguments are those of `PointsPerYuan`.
    """

    asset: ClassVar[str] = "stored_value"


@attrs.frozen
class PerStep(_Reward):
    """
    Points by whole steps (每满 X 得 Y).

    Args:
        every_fen: The step.
        points: What each full step earns.
    """

    every_fen: int = attrs.field(validator=_whole(1, 10**12))
    points: int = attrs.field(validator=_whole(1, 10**9))
    settle: Settle = attrs.field(default="all", validator=_one_of("per_line", "all"), kw_only=True)

    asset: ClassVar[str] = "points"
    takes_tier_multiplier: ClassVar[bool] = True

    def _default_id(self) -> str:
        return "points:step"

    def amount(self, net_fen: int, numerator: int = 1, denominator: int = 1) -> int:
        """Count the full steps; a multiplier applies to the points, not to the steps (D1b)."""
        return rounded(net_fen // self.every_fen * self.points * numerator, denominator)


@attrs.frozen
class PointsFixed(_Reward):
    """
    A fixed number of points for each order that earns anything at all.

    Args:
        points: The number.
    """

    points: int = attrs.field(validator=_whole(1, 10**9))
    settle: Settle = attrs.field(default="all", validator=_one_of("per_line", "all"), kw_only=True)

    asset: ClassVar[str] = "points"

    def _default_id(self) -> str:
        return "points:fixed"

    def amount(self, net_fen: int, numerator: int = 1, denominator: int = 1) -> int:
        """Give the number while any net amount is left."""
        return self.points if net_fen > 0 else 0


@attrs.frozen
class Coupon(_Reward):
    """
    A coupon (优惠券) of the private shop.

    Args:
        code: The coupon template's name at the gateway.
        once_per: "order", or "member": then it stays while any claim of the member qualifies (D55).
        minimum_fen: Least net amount of an order that earns it.
        gateway: Who sends it.
    """

    code: str = attrs.field(validator=_rule_id)
    once_per: Literal["order", "member"] = attrs.field(
        default="order", validator=_one_of("order", "member"), kw_only=True
    )
    minimum_fen: int = attrs.field(default=0, validator=_fen, kw_only=True)
    gateway: str = attrs.field(default="default", validator=_rule_id, kw_only=True)
    settle: Settle = attrs.field(default="all", validator=_one_of("per_line", "all"), kw_only=True)

    @property
    def asset(self) -> str:  # type: ignore[override]
        """Coupons of one code are one asset."""
        return f"coupon:{self.code}"

    @property
    def once_per_member(self) -> bool:  # type: ignore[override]
        """Whether the reward settles at the member."""
        return self.once_per == "member"

    def amount(self, net_fen: int, numerator: int = 1, denominator: int = 1) -> int:
        """Give one coupon, all or nothing."""
        return 1 if net_fen > 0 and net_fen >= self.minimum_fen else 0


Reward: TypeAlias = PointsPerYuan | PerStep | PointsFixed | GrowthPerYuan | StoredValuePercent | Coupon


@attrs.frozen
class Level:
    """
    One tier (会员等级).

    Args:
        name: As customers read it.
        from_fen: Least qualifying spend.
        points_multiplier: Exact text; multiplies the points of orders that come after the tier was reached (D17).
    """

    name: str = attrs.field(validator=_named)
    from_fen: int = attrs.field(validator=_fen)
    points_multiplier: str = attrs.field(default="1", converter=_rate)

    @property
    def multiplier(self) -> tuple[int, int]:
        """The multiplier as numerator and denominator."""
        if self.points_multiplier == "1":
            return 1, 1
        return exact(self.points_multiplier, "points_multiplier").as_integer_ratio()


def _levels(value: Any) -> tuple[Level, ...]:
    if isinstance(value, Mapping):
        value = [Level(name, from_fen) for name, from_fen in value.items()]
    given = tuple(walked(value, "levels"))
    for level in given:
        if not isinstance(level, Level):
            raise WrongType(f"levels hold Level values, not {shown(level)}")
    levels = tuple(sorted(given, key=lambda level: level.from_fen))
    if not levels or levels[0].from_fen != 0:
        raise InvalidInput("the lowest tier begins at 0 fen")
    if len({level.from_fen for level in levels}) < len(levels) or len({level.name for level in levels}) < len(levels):
        raise InvalidInput("two tiers share a name or a line")
    for level in levels:
        if not level.name or len(level.name) > 40 or level.name != level.name.strip():
            raise InvalidInput(f"a tier's name has 1 to 40 characters: {shown(level.name)}")
    return levels


@attrs.frozen
class SpendTiers:
    """
    Tiers by cumulative spend (累计消费等级).

    Args:
        levels: Name → least qualifying spend in fen, or a sequence of `Level`; the lowest begins at 0.
        window_days: The rolling window: today and the days before; None: lifetime.
        period_days: How long a tier once reached lasts; default `window_days`. Lifetime tiers last for ever.
    """

    levels: tuple[Level, ...] = attrs.field(converter=_levels)
    window_days: int | None = attrs.field(default=None, validator=_whole(1, _LONGEST_DAYS, optional=True), kw_only=True)
    period_days: int | None = attrs.field(default=None, validator=_whole(1, _LONGEST_DAYS, optional=True), kw_only=True)

    @property
    def lasts_days(self) -> int | None:
        """How long a tier lasts, in days; None: for ever."""
        return None if self.window_days is None else self.period_days or self.window_days

    def level(self, name: str) -> Level:
        """Give the level of a name; an unknown one (a revision dropped it) is the lowest."""
        for level in self.levels:
            if level.name == name:
                return level
        return self.levels[0]

    def reached(self, spend_fen: int) -> Level:
        """Give the highest level whose line this spend reaches."""
        found = self.levels[0]
        for level in self.levels:
            if spend_fen >= level.from_fen:
                found = level
        return found


@attrs.frozen
class SourceTags:
    """
    Source tags (来源标签): which platforms a member came from.

    Args:
        prefix: Stands before the platform's name in the tag.
    """

    prefix: str = attrs.field(default="source:", validator=_prefix)


@attrs.frozen(kw_only=True)
class ClawBack:
    """
    What happens when a refund takes back more than is left (D4).

    Args:
        shortfall: "debt" (欠积分, repaid by later points), "waive" (written off), or "pending_only" (only what has not
            become spendable is taken, the rest is written off at once).
    """

    shortfall: Literal["debt", "waive", "pending_only"] = attrs.field(
        default="debt", validator=_one_of("debt", "waive", "pending_only")
    )
