"""What kind of customer somebody is, and what about them is worth a look."""

from __future__ import annotations

import enum
from collections.abc import Iterable

from crossloyalty.domain.calendar import DAY_US
from crossloyalty.domain.records import AccountRecord, ClaimRecord, TagRecord
from crossloyalty.domain.risks import REFUNDED_CLAIMS, RiskCode, RiskFlag, flags_of, tally_of

__all__ = ["CustomerState", "RiskCode", "RiskFlag", "customer_state", "risk_flags"]


class CustomerState(enum.Enum):
    """
    Where a customer stands (客户状态).

    Source: the life-cycle groups of marketplace customer centres: interested, new, repeat, sleeping, lost (S4-1, S4-6).
    """

    PROSPECT = "PROSPECT"
    NEW = "NEW"
    ACTIVE = "ACTIVE"
    SLEEPING = "SLEEPING"
    LOST = "LOST"

    def word(self, language: str = "zh") -> str:
        """Say it in "zh" or "en"."""
        zh, en = _WORDS[self]
        return en if language == "en" else zh


_WORDS = {
    CustomerState.PROSPECT: ("潜客", "prospect"),
    CustomerState.NEW: ("新客", "new"),
    CustomerState.ACTIVE: ("活跃老客", "active"),
    CustomerState.SLEEPING: ("沉睡客户", "sleeping"),
    CustomerState.LOST: ("流失客户", "lost"),
}


def customer_state(
    sources: Iterable[TagRecord], *, now: int, active_days: int = 90, lost_days: int = 365
) -> CustomerState:
    """
    Say where a customer stands, by the orders that count: those with an eligible net left.

    Args:
        sources: The member's sources.
        now: In microseconds.
        active_days: With an order in so many days of 24 hours somebody is new (one order in all) or active (more).
        lost_days: Behind so many days without an order they are lost; in between they sleep.
    """
    rows = [row for row in sources if row.claims]
    if not rows:
        return CustomerState.PROSPECT
    quiet = now - max(row.last_at for row in rows)
    if quiet >= lost_days * DAY_US:
        return CustomerState.LOST
    if quiet >= active_days * DAY_US:
        return CustomerState.SLEEPING
    return CustomerState.NEW if sum(row.claims for row in rows) == 1 else CustomerState.ACTIVE


def risk_flags(
    claims: Iterable[ClaimRecord], accounts: Iterable[AccountRecord], *, refunded_claims: int = REFUNDED_CLAIMS
) -> tuple[RiskFlag, ...]:
    """
    Look for patterns of buying, keeping the points and sending back (D15).

    Args:
        claims: The member's.
        accounts: The member's.
        refunded_claims: From how many claims without any net left on it is a pattern.
    """
    refunded, quick = tally_of(*claims)
    owed = sum(account.balance for account in accounts if account.account == "debt")
    return flags_of(refunded, quick, owed, refunded_claims=refunded_claims)
