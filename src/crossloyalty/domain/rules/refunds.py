"""What a refund takes back."""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs

from crossloyalty.domain.rules._checks import NEW_IN_2, one_of

__all__ = ["ClawBack", "Shortfall"]

Shortfall: TypeAlias = Literal["debt", "waive", "pending_only"]


@attrs.frozen(kw_only=True)
class ClawBack:
    """
    What happens when a refund takes back more than is left (D4).

    Args:
        shortfall: "debt" (欠积分, repaid by later points), "waive" (written off), or "pending_only" (only what has not
            become spendable is taken, the rest is written off at once).
        growth: The same for growth value; None: as *shortfall*.
        stored_value: The same for bonus money, "debt" or "waive". It is money, so what is missing is owed (D29).
    """

    shortfall: Literal["debt", "waive", "pending_only"] = attrs.field(
        default="debt", validator=one_of("debt", "waive", "pending_only")
    )
    growth: Literal["debt", "waive", "pending_only"] | None = attrs.field(
        default=None, validator=attrs.validators.optional(one_of("debt", "waive", "pending_only")), metadata=NEW_IN_2
    )
    stored_value: Literal["debt", "waive"] = attrs.field(
        default="debt", validator=one_of("debt", "waive"), metadata=NEW_IN_2
    )

    def of(self, asset: str) -> Shortfall:
        """Say what happens when less than is owed is left of an asset; a used coupon is always written off (D28)."""
        if asset.startswith("coupon:"):
            return "waive"
        if asset == "stored_value":
            return self.stored_value
        return self.growth or self.shortfall if asset == "growth" else self.shortfall
