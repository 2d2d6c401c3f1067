"""What an order earns: one class for each kind of reward."""

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias

import attrs

from crossloyalty.domain.checks import instance_of
from crossloyalty.domain.numbers import Rounding, exact, rounded
from crossloyalty.domain.rules._checks import fen, one_of, rate_text, rule_id, whole

__all__ = ["Coupon", "GrowthPerYuan", "PerStep", "PointsFixed", "PointsPerYuan", "Reward", "StoredValuePercent"]

Settle: TypeAlias = Literal["per_line", "all"]


@attrs.frozen(kw_only=True)
class _Reward:
    """What every reward has."""

    id: str = attrs.field(default="", validator=instance_of(str))
    issue_after_days: int = attrs.field(default=0, validator=whole(0, 3660))
    expires_months: int | None = attrs.field(default=None, validator=whole(1, 1200, optional=True))
    settle: Settle = attrs.field(default="per_line", validator=one_of("per_line", "all"))

    asset: ClassVar[str]
    once_per_member: ClassVar[bool] = False
    takes_tier_multiplier: ClassVar[bool] = False

    def __attrs_post_init__(self) -> None:
        if not self.id:
            object.__setattr__(self, "id", self._default_id())
        rule_id(self, attrs.fields(type(self)).id, self.id)

    def _default_id(self) -> str:
        return self.asset

    def amount(self, net_fen: int, numerator: int = 1, denominator: int = 1) -> int:
        """Say how much a net amount earns, with a multiplier of numerator/denominator and one rounding."""
        raise AssertionError(f"{type(self).__name__} has to say what it gives")


@attrs.frozen
class _Ratio(_Reward):
    """A reward in proportion to the net amount."""

    rate: str = attrs.field(converter=rate_text)
    rounding: str = attrs.field(default="down", validator=one_of("down", "up", "half_up"), kw_only=True)
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

    every_fen: int = attrs.field(validator=whole(1, 10**12))
    points: int = attrs.field(validator=whole(1, 10**9))
    settle: Settle = attrs.field(default="all", validator=one_of("per_line", "all"), kw_only=True)

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

    points: int = attrs.field(validator=whole(1, 10**9))
    settle: Settle = attrs.field(default="all", validator=one_of("per_line", "all"), kw_only=True)

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

    code: str = attrs.field(validator=rule_id)
    once_per: Literal["order", "member"] = attrs.field(
        default="order", validator=one_of("order", "member"), kw_only=True
    )
    minimum_fen: int = attrs.field(default=0, validator=fen, kw_only=True)
    gateway: str = attrs.field(default="default", validator=rule_id, kw_only=True)
    settle: Settle = attrs.field(default="all", validator=one_of("per_line", "all"), kw_only=True)

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
