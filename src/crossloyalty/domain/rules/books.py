"""Where an asset lives."""

from __future__ import annotations

from typing import Literal

import attrs

from crossloyalty.domain.rules._checks import one_of, rule_id

__all__ = ["ExternalBook"]


@attrs.frozen
class ExternalBook:
    """
    Says that an asset lives outside, such as points kept and spent in a Youzan shop.

    What each claim granted and took back is decided and kept here, without a spendable balance and without expiry. Each
    issue and each claw-back is a delivery, and what the other side could not take is a shortfall.

    Args:
        asset: "points", "growth" or "stored_value".
        gateway: Who is told.
    """

    asset: Literal["points", "growth", "stored_value"] = attrs.field(
        validator=one_of("points", "growth", "stored_value")
    )
    gateway: str = attrs.field(default="default", validator=rule_id, kw_only=True)
