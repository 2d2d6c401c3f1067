"""What an order earns: one class for each kind of reward."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, ClassVar, Final, Literal, TypeAlias

import attrs

from crossloyalty.domain.checks import instance_of, walked
from crossloyalty.domain.numbers import Rounding, exact, rounded
from crossloyalty.domain.rules._checks import NEW_IN_2, fen, local_day, one_of, rate_text, rule_id, whole
from crossloyalty.domain.rules.scope import Rate, Scope, optional_scope
from crossloyalty.errors import ConfigError, WrongType, shown

__all__ = [
    "Coupon",
    "GrowthFixed",
    "GrowthPerStep",
    "GrowthPerYuan",
    "PerStep",
    "PerSteps",
    "PointsFixed",
    "PointsPerYuan",
    "Ratio",
    "Reward",
    "StoredValueFixed",
    "StoredValuePerStep",
    "StoredValuePercent",
]

Settle: TypeAlias = Literal["per_line", "all"]
OncePer: TypeAlias = Literal["order", "member"]
_MOST: Final = 10**9


def _event(owner: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if value != "":
        rule_id(owner, attribute, value)


@attrs.frozen(kw_only=True)
class _Reward:
    """What every reward has."""

    id: str = attrs.field(default="", validator=instance_of(str))
    issue_after_days: int = attrs.field(default=0, validator=whole(0, 3660))
    expires_months: int | None = attrs.field(default=None, validator=whole(1, 1200, optional=True))
    settle: Settle = attrs.field(default="per_line", validator=one_of("per_line", "all"))
    scope: Scope | None = attrs.field(default=None, validator=optional_scope, metadata=NEW_IN_2)
    issue_on: str | None = attrs.field(default=None, converter=local_day, metadata=NEW_IN_2)
    issue_event: str = attrs.field(default="", validator=_event, metadata=NEW_IN_2)
    expires_on: str | None = attrs.field(default=None, converter=local_day, metadata=NEW_IN_2)

    asset: ClassVar[str]
    once_per_member: ClassVar[bool] = False
    takes_tier_multiplier: ClassVar[bool] = False
    takes_multipliers: ClassVar[bool] = True
    rates: ClassVar[tuple[Rate, ...]] = ()
    gives: ClassVar[str] = ""  # the field that says how much comes by the piece

    @property
    def each(self) -> int:
        """What a step, an order or a member earns."""
        if not self.gives:
            raise AssertionError(f"{type(self).__name__} gives nothing by the piece")
        number: int = getattr(self, self.gives)
        return number

    def __attrs_post_init__(self) -> None:
        if not self.id:
            object.__setattr__(self, "id", self._default_id())
        rule_id(self, attrs.fields(type(self)).id, self.id)
        if self.issue_on is not None and self.issue_after_days:
            raise ConfigError(f"{shown(self.id)} is issued on a day or some days after the finish, not both")
        if self.expires_on is not None and self.expires_months is not None:
            raise ConfigError(f"{shown(self.id)} expires on a day or some months after the issue, not both")
        if self.issue_event and self.once_per_member:
            raise ConfigError(f"{shown(self.id)} is given once per member; an event belongs to one order")

    def _default_id(self) -> str:
        return self.asset

    def amount(self, net_fen: int, numerator: int = 1, denominator: int = 1) -> int:
        """Say how much a net amount earns, with a multiplier of numerator/denominator and one rounding."""
        raise AssertionError(f"{type(self).__name__} has to say what it gives")


def _rates(value: Any) -> tuple[Rate, ...]:
    rates = tuple(walked(value, "rates"))
    for rate in rates:
        if not isinstance(rate, Rate):
            raise WrongType(f"rates hold Rate values, not {shown(rate)}")
    return rates


@attrs.frozen
class Ratio(_Reward):
    """A reward in proportion to the net amount."""

    rate: str = attrs.field(converter=rate_text)
    rounding: str = attrs.field(default="down", validator=one_of("down", "up", "half_up"), kw_only=True)
    rates: tuple[Rate, ...] = attrs.field(default=(), converter=_rates, kw_only=True, metadata=NEW_IN_2)  # type: ignore[misc]
    number: Fraction = attrs.field(init=False, eq=False, repr=False, default=Fraction(1))
    _numerator: int = attrs.field(init=False, eq=False, repr=False, default=0)
    _denominator: int = attrs.field(init=False, eq=False, repr=False, default=1)
    _mode: Rounding = attrs.field(init=False, eq=False, repr=False, default=Rounding.DOWN)

    fen_per_unit: ClassVar[int] = 100

    def __attrs_post_init__(self) -> None:
        _Reward.__attrs_post_init__(self)
        rate = exact(self.rate, "rate")
        object.__setattr__(self, "number", rate)
        object.__setattr__(self, "_numerator", rate.numerator)
        object.__setattr__(self, "_denominator", rate.denominator * self.fen_per_unit)
        object.__setattr__(self, "_mode", Rounding(self.rounding))

    def amount(self, net_fen: int, numerator: int = 1, denominator: int = 1) -> int:
        """Say how much a net amount earns, with a multiplier of numerator/denominator and one rounding (D1)."""
        return rounded(net_fen * self._numerator * numerator, self._denominator * denominator, self._mode)

    def of_weighted(self, weighted: Fraction) -> int:
        """
        Say how much lines with rates and multipliers of their own earn, rounded once for all of them (D1).

        Args:
            weighted: The sum over the lines of net amount in fen × rate × multiplier.
        """
        return rounded(weighted.numerator, weighted.denominator * self.fen_per_unit, self._mode)


@attrs.frozen
class PointsPerYuan(Ratio):
    """
    Points (积分) in proportion to the net amount.

    Args:
        rate: Points per yuan, exact text.
        rounding: "down" (default), "up" or "half_up", once per order and rule.
        issue_after_days: 0 issues with the claim; n makes them spendable at 00:00 local of the finish date + n.
        expires_months: Counted from the issue to the end of the clamped local day; None: never.
        settle: "per_line" counts each sub-order as it finishes, "all" waits for the whole order (D11).
        scope: What it is limited to; None: nothing.
        issue_on: Instead of *issue_after_days*: spendable from 00:00 of this local day on, or with a later claim.
        issue_event: Pending until a `Milestone` of this name is told of the order.
        expires_on: Instead of *expires_months*: to the end of this local day; orders settled behind it earn nothing.
        rates: Other rates by platform, shop, tier, product or category; the first that takes a line decides.
        id: Remembered by claims; default "points".
    """

    asset: ClassVar[str] = "points"
    takes_tier_multiplier: ClassVar[bool] = True


@attrs.frozen
class GrowthPerYuan(Ratio):
    """
    Growth value (成长值) in proportion to the net amount.

    Args:
        rate: Growth per yuan, exact text; the other arguments are those of `PointsPerYuan`.
    """

    asset: ClassVar[str] = "growth"


@attrs.frozen
class StoredValuePercent(Ratio):
    """
    Bonus money (赠送金) as a percentage of the net amount; never touches principal (本金) (D29).

    Args:
        rate: Percent, exact text; the grant is in fen. The other arguments are those of `PointsPerYuan`.
    """

    asset: ClassVar[str] = "stored_value"


@attrs.frozen
class PerSteps(_Reward):
    """A reward by whole steps of the net amount."""

    every_fen: int = attrs.field(validator=whole(1, 10**12))
    settle: Settle = attrs.field(default="all", validator=one_of("per_line", "all"), kw_only=True)

    def _default_id(self) -> str:
        return f"{self.asset}:step"

    def amount(self, net_fen: int, numerator: int = 1, denominator: int = 1) -> int:
        """Count the full steps; a multiplier applies to what they earn, not to their number (D1b)."""
        return rounded(net_fen // self.every_fen * self.each * numerator, denominator)


@attrs.frozen
class PerStep(PerSteps):
    """
    Points by whole steps (每满 X 得 Y).

    Args:
        every_fen: The step.
        points: What each full step earns.
    """

    points: int = attrs.field(validator=whole(1, _MOST))

    gives: ClassVar[str] = "points"
    asset: ClassVar[str] = "points"
    takes_tier_multiplier: ClassVar[bool] = True


@attrs.frozen
class GrowthPerStep(PerSteps):
    """
    Growth value by whole steps (每满 X 得 Y).

    Args:
        every_fen: The step.
        growth: What each full step earns.
    """

    growth: int = attrs.field(validator=whole(1, _MOST))

    gives: ClassVar[str] = "growth"
    asset: ClassVar[str] = "growth"


@attrs.frozen
class StoredValuePerStep(PerSteps):
    """
    Bonus money by whole steps (每满 X 送 Y).

    Args:
        every_fen: The step.
        bonus_fen: What each full step earns, in fen.
    """

    bonus_fen: int = attrs.field(validator=whole(1, _MOST))

    gives: ClassVar[str] = "bonus_fen"
    asset: ClassVar[str] = "stored_value"


@attrs.frozen
class _Fixed(_Reward):
    """The same for each order that earns anything at all."""

    once_per: OncePer = attrs.field(
        default="order", validator=one_of("order", "member"), kw_only=True, metadata=NEW_IN_2
    )
    settle: Settle = attrs.field(default="all", validator=one_of("per_line", "all"), kw_only=True)

    @property
    def once_per_member(self) -> bool:  # type: ignore[override]
        """Whether the reward settles at the member."""
        return self.once_per == "member"

    def _default_id(self) -> str:
        return f"{self.asset}:fixed"

    def amount(self, net_fen: int, numerator: int = 1, denominator: int = 1) -> int:
        """Give the number while any net amount is left; once per member it is 1, which says that the order earns it."""
        if net_fen <= 0:
            return 0
        return 1 if self.once_per_member else rounded(self.each * numerator, denominator)


@attrs.frozen
class PointsFixed(_Fixed):
    """
    A fixed number of points for each order that earns anything at all.

    Args:
        points: The number.
        once_per: "order", or "member": then it is given once, for as long as any claim of the member earns it (D55).
    """

    points: int = attrs.field(validator=whole(1, _MOST))

    gives: ClassVar[str] = "points"
    asset: ClassVar[str] = "points"


@attrs.frozen
class GrowthFixed(_Fixed):
    """
    A fixed growth value for each order that earns anything at all (S3-11).

    Args:
        growth: The value.
        once_per: As for `PointsFixed`.
    """

    growth: int = attrs.field(validator=whole(1, _MOST))

    gives: ClassVar[str] = "growth"
    asset: ClassVar[str] = "growth"


@attrs.frozen
class StoredValueFixed(_Fixed):
    """
    A fixed amount of bonus money for each order that earns anything at all.

    Args:
        bonus_fen: The amount, in fen.
        once_per: As for `PointsFixed`.
    """

    bonus_fen: int = attrs.field(validator=whole(1, _MOST))

    gives: ClassVar[str] = "bonus_fen"
    asset: ClassVar[str] = "stored_value"


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

    code: str = attrs.field(validator=rule_id)
    once_per: OncePer = attrs.field(default="order", validator=one_of("order", "member"), kw_only=True)
    minimum_fen: int = attrs.field(default=0, validator=fen, kw_only=True)
    gateway: str = attrs.field(default="default", validator=rule_id, kw_only=True)
    settle: Settle = attrs.field(default="all", validator=one_of("per_line", "all"), kw_only=True)

    takes_multipliers: ClassVar[bool] = False

    @property
    def each(self) -> int:
        """One coupon."""
        return 1

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


Reward: TypeAlias = (
    PointsPerYuan
    | PerStep
    | PointsFixed
    | GrowthPerYuan
    | GrowthPerStep
    | GrowthFixed
    | StoredValuePercent
    | StoredValuePerStep
    | StoredValueFixed
    | Coupon
)
