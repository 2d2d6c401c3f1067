"""What a member gets for something they did that is no order, and what growth value a quiet member loses."""

from __future__ import annotations

import attrs

from crossloyalty.domain.rules._checks import LONGEST_DAYS, rule_id, whole
from crossloyalty.domain.rules.gifts import orderless_reward
from crossloyalty.domain.rules.rewards import Reward

__all__ = ["Action", "Inactivity"]

_MOST = 10**6


@attrs.frozen
class Action:
    """
    A reward for something a member did (行为奖励): a review written, a page shared, a profile filled in (S3-11, S3-18).

    Args:
        id: What was given is remembered under it; keep it when the amount changes.
        action: The name the host records it by; several rules may wait for one action.
        reward: A coupon, or fixed points, growth value or bonus money.
        per_day, per_month: The most times in one local day or month; None: any number.
        per_member: The most times ever; None: any number.
    """

    id: str = attrs.field(validator=rule_id)
    action: str = attrs.field(validator=rule_id)
    reward: Reward = attrs.field(validator=orderless_reward)
    per_day: int | None = attrs.field(default=None, validator=whole(1, _MOST, optional=True), kw_only=True)
    per_month: int | None = attrs.field(default=None, validator=whole(1, _MOST, optional=True), kw_only=True)
    per_member: int | None = attrs.field(default=None, validator=whole(1, _MOST, optional=True), kw_only=True)

    def limits(self, today: str) -> tuple[tuple[str, str, int], ...]:
        """
        Give its limits as (name of the period, the period a local day lies in, most times).

        Args:
            today: The local day, `YYYY-MM-DD`.
        """
        all_of = (("day", today, self.per_day), ("month", today[:7], self.per_month), ("member", "", self.per_member))
        return tuple((name, period, most) for name, period, most in all_of if most is not None)


@attrs.frozen(kw_only=True)
class Inactivity:
    """
    Growth value a member loses who buys nothing for long (不活跃扣减) (S3-14).

    Args:
        idle_days: The first deduction comes at 00:00 local of the day of the latest counted order + this.
        growth: What each deduction takes.
        every_days: Without an order since, the next one follows so much later; None: once for each quiet time.
        floor_growth: Never takes below this; what a member has less is left alone.
    """

    idle_days: int = attrs.field(validator=whole(1, LONGEST_DAYS))
    growth: int = attrs.field(validator=whole(1, 10**12))
    every_days: int | None = attrs.field(default=None, validator=whole(1, LONGEST_DAYS, optional=True))
    floor_growth: int = attrs.field(default=0, validator=whole(0, 10**12))
