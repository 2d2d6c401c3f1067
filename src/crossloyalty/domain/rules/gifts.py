"""What a member gets for reaching a tier or for enrolling, without an order."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import attrs

from crossloyalty.domain.rules._checks import named, one_of, rule_id
from crossloyalty.domain.rules.rewards import Coupon, GrowthFixed, PointsFixed, Reward, StoredValueFixed
from crossloyalty.errors import ConfigError, WrongType, shown

__all__ = ["EnrolGift", "Gift", "TierGift", "orderless_reward"]

_GIVEN: Any = (Coupon, PointsFixed, GrowthFixed, StoredValueFixed)


def orderless_reward(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Check the reward of something that is no order."""
    if not isinstance(value, _GIVEN):
        raise WrongType(f"{attribute.name} is a coupon or a fixed reward, not {shown(value)}")
    order_bound = value.scope is not None or value.issue_event or value.once_per_member
    if order_bound or value.issue_after_days or getattr(value, "minimum_fen", 0):
        raise ConfigError("a gift has no order: no scope, no least amount, no event, no days behind a finish")


@attrs.frozen
class TierGift:
    """
    A gift for reaching a tier (等级礼): once per member and tier, for ever or in each period of the tier (D36).

    Jumping over a tier gives the gifts of both. A refund that takes the tier takes the gift back; decay leaves it.

    Args:
        id: What was given is remembered under it.
        tier: The tier's name.
        reward: A coupon, or fixed points, growth value or bonus money.
        per: "life": once; "period": again each time the tier is reached or renewed.
    """

    id: str = attrs.field(validator=rule_id)
    tier: str = attrs.field(validator=named)
    reward: Reward = attrs.field(validator=orderless_reward)
    per: Literal["life", "period"] = attrs.field(default="life", validator=one_of("life", "period"), kw_only=True)


@attrs.frozen
class EnrolGift:
    """
    A gift for enrolling (入会礼), once per member (S1-3).

    Args:
        id: What was given is remembered under it.
        reward: A coupon, or fixed points, growth value or bonus money.
    """

    id: str = attrs.field(validator=rule_id)
    reward: Reward = attrs.field(validator=orderless_reward)


Gift: TypeAlias = TierGift | EnrolGift
