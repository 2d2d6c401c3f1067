"""What a refund takes back."""

from __future__ import annotations

from typing import Literal

import attrs

from crossloyalty.domain.rules._checks import one_of

__all__ = ["ClawBack"]


@attrs.frozen(kw_only=True)
class ClawBack:
    """
    What happens when a refund takes back more than is left (D4).

    Args:
        shortfall: "debt" (欠积分, repaid by later points), "waive" (written off), or "pending_only" (only what has not
            become spendable is taken, the rest is written off at once).
    """

    shortfall: Literal["debt", "waive", "pending_only"] = attrs.field(
        default="debt", validator=one_of("debt", "waive", "pending_only")
    )
