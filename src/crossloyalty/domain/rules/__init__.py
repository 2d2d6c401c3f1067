"""
The rules a merchant sets, one frozen value each; `crossloyalty.rules` shows this package.

Amounts are plain integers in fen. Rates are exact: text such as "1.5" or "1/3", never a float.
Every reward has an `id`; claims remember it for ever, so keep it when a parameter changes.
"""

from crossloyalty.domain.rules.actions import Action, Inactivity
from crossloyalty.domain.rules.attempts import Attempts
from crossloyalty.domain.rules.bases import Basis
from crossloyalty.domain.rules.binding import PROOF_STRENGTHS, Binding, ProofStep
from crossloyalty.domain.rules.books import ExternalBook
from crossloyalty.domain.rules.caps import Cap
from crossloyalty.domain.rules.eligibility import Finished
from crossloyalty.domain.rules.gifts import EnrolGift, Gift, TierGift
from crossloyalty.domain.rules.multipliers import Campaign, Threshold
from crossloyalty.domain.rules.refunds import ClawBack
from crossloyalty.domain.rules.rewards import (
    Coupon,
    GrowthFixed,
    GrowthPerStep,
    GrowthPerYuan,
    PerStep,
    PointsFixed,
    PointsPerYuan,
    Reward,
    StoredValueFixed,
    StoredValuePercent,
    StoredValuePerStep,
)
from crossloyalty.domain.rules.scope import Days, Rate, Scope
from crossloyalty.domain.rules.tags import SourceTags
from crossloyalty.domain.rules.tiers import AnyLevel, GrowthLevel, GrowthTiers, Level, SpendTiers, Tiers

__all__ = [
    "PROOF_STRENGTHS",
    "Action",
    "AnyLevel",
    "Attempts",
    "Basis",
    "Binding",
    "Campaign",
    "Cap",
    "ClawBack",
    "Coupon",
    "Days",
    "EnrolGift",
    "ExternalBook",
    "Finished",
    "Gift",
    "GrowthFixed",
    "GrowthLevel",
    "GrowthPerStep",
    "GrowthPerYuan",
    "GrowthTiers",
    "Inactivity",
    "Level",
    "PerStep",
    "PointsFixed",
    "PointsPerYuan",
    "ProofStep",
    "Rate",
    "Reward",
    "Scope",
    "SourceTags",
    "SpendTiers",
    "StoredValueFixed",
    "StoredValuePerStep",
    "StoredValuePercent",
    "Threshold",
    "TierGift",
    "Tiers",
]
