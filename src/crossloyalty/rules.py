"""The rules a merchant sets; see each class for its parameters, units and defaults."""

from crossloyalty.domain.rules import (
    ClawBack,
    Coupon,
    Finished,
    GrowthPerYuan,
    Level,
    PerStep,
    PointsFixed,
    PointsPerYuan,
    Reward,
    SourceTags,
    SpendTiers,
    StoredValuePercent,
)

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
