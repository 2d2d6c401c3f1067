"""What limits how much may be given: caps (上限)."""

from __future__ import annotations

from typing import Literal

import attrs

from crossloyalty.domain.checks import instance_of
from crossloyalty.domain.rules._checks import one_of, rule_id, whole
from crossloyalty.errors import ConfigError, shown

__all__ = ["Cap"]


@attrs.frozen
class Cap:
    """
    The most that may be given in some time, of one reward or of all rewards of an asset (D50).

    Args:
        id: Remembered by claims and by the count of what was given; keep it when the amount changes.
        amount: In the unit of what it limits: points, growth value, bonus money in fen, coupons.
        per: "order" looks at each order alone, at every settlement. "day", "month" (local, of the first settlement) and
            "member" (for ever) leave an order what room there is when it first earns something; room is never given
            back, and what is cut stays cut.
        reward: The id of the reward it limits.
        asset: Instead of a reward: all that give "points", "growth" or "stored_value", in the order of the rewards.
    """

    id: str = attrs.field(validator=rule_id)
    amount: int = attrs.field(validator=whole(1, 10**12))
    per: Literal["order", "day", "month", "member"] = attrs.field(
        default="order", validator=one_of("order", "day", "month", "member"), kw_only=True
    )
    reward: str = attrs.field(default="", validator=instance_of(str), kw_only=True)
    asset: Literal["", "points", "growth", "stored_value"] = attrs.field(
        default="", validator=one_of("", "points", "growth", "stored_value"), kw_only=True
    )

    def __attrs_post_init__(self) -> None:
        if bool(self.reward) == bool(self.asset):
            raise ConfigError(f"cap {shown(self.id)} limits one reward or one asset")

    def limits(self, reward_id: str, asset: str) -> bool:
        """Say whether a reward is limited by it."""
        return self.reward == reward_id if self.reward else self.asset == asset

    def period(self, today: str) -> str:
        """Name the time a local day belongs to; "" for a cap that has only one."""
        return {"day": today, "month": today[:7]}.get(self.per, "")
