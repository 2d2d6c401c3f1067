"""
What about a member is worth a look (D15), and telling the host once when it comes up.

Claims without any net left are counted at the member as they come and go, so that no settlement reads them all.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

import attrs

from crossloyalty.domain.calendar import DAY_US
from crossloyalty.domain.records import ClaimRecord, MemberGrantRecord

if TYPE_CHECKING:
    from crossloyalty.domain.member import Member

__all__ = [
    "REFUNDED_CLAIMS",
    "RISK_ROW",
    "RiskCode",
    "RiskFlag",
    "Tally",
    "add_risks",
    "count_claim",
    "flags_of",
    "raise_flags",
    "tally_of",
]

# The count of a member's refunded claims, with the flags that are up; no reward can have such an id.
RISK_ROW: Final = "#risk"
# From how many refunded claims on it is a pattern.
REFUNDED_CLAIMS: Final = 3
_REVERSED: Final = "REVERSED"


class RiskCode(enum.Enum):
    """Why somebody is worth a look; nobody is banned by one (D15)."""

    REFUNDED_CLAIMS = "REFUNDED_CLAIMS"
    SAME_DAY_REFUNDS = "SAME_DAY_REFUNDS"
    DEBT = "DEBT"


@attrs.frozen
class RiskFlag:
    """
    Something about a member that is worth a look.

    Args:
        code: What.
        count: How many claims, or how much is owed in all assets together.
    """

    code: RiskCode
    count: int


@attrs.frozen
class Tally:
    """
    What is counted of a member's claims without any net left, and what was told of it.

    Args:
        refunded: How many there are.
        quick: Those of them that were claimed within 24 hours of their order.
        up: The codes of the flags that are up; each was told when it came up.
    """

    refunded: int = 0
    quick: int = 0
    up: tuple[str, ...] = ()

    @classmethod
    def of_row(cls, row: MemberGrantRecord | None) -> Tally:
        """Read what is stored."""
        if row is None or not row.grant:
            return cls()
        quick, _, codes = row.grant.partition(":")
        return cls(row.claims, int(quick), tuple(codes.split(",")) if codes else ())

    def put(self, member: Member) -> None:
        """Store it, where it is not what is stored."""
        if self != Tally.of_row(member.grant_row(RISK_ROW)):
            member.put_once(RISK_ROW, self.refunded, f"{self.quick}:{','.join(self.up)}")

    def plus(self, refunded: int, quick: int) -> Tally:
        """Count on."""
        return attrs.evolve(self, refunded=self.refunded + refunded, quick=self.quick + quick)


def tally_of(*claims: ClaimRecord | None) -> tuple[int, int]:
    """Count claims without any net left, and those of them that were claimed on the day of their order."""
    gone = [claim for claim in claims if claim is not None and claim.state == _REVERSED]
    return len(gone), sum(claim.claimed_at - claim.effective_at < DAY_US for claim in gone)


def flags_of(refunded: int, quick: int, owed: int, *, refunded_claims: int = REFUNDED_CLAIMS) -> tuple[RiskFlag, ...]:
    """
    Look for patterns of buying, keeping the points and sending back (D15).

    Args:
        refunded, quick: As `Tally` has them.
        owed: In all assets together.
        refunded_claims: From how many claims on it is a pattern.
    """
    flags = []
    if refunded >= refunded_claims:
        flags.append(RiskFlag(RiskCode.REFUNDED_CLAIMS, refunded))
    if quick >= refunded_claims:
        flags.append(RiskFlag(RiskCode.SAME_DAY_REFUNDS, quick))
    if owed > 0:
        flags.append(RiskFlag(RiskCode.DEBT, owed))
    return tuple(flags)


def count_claim(member: Member, before: ClaimRecord | None, after: ClaimRecord | None) -> None:
    """
    Count a claim that lost its net, or has one again.

    Args:
        member: The holder; changed in place.
        before: As it was, None for a new one.
        after: As it is, None for one that goes to somebody else.
    """
    (was, was_quick), (now, now_quick) = tally_of(before), tally_of(after)
    if (was, was_quick) != (now, now_quick):
        held = Tally.of_row(member.grant_row(RISK_ROW))
        held.plus(now - was, now_quick - was_quick).put(member)


def raise_flags(member: Member) -> None:
    """Tell of each flag that has come up since the last time, once; one that went down may come up again."""
    row = member.grant_row(RISK_ROW)
    owed = sum(amount for _, account, amount in member.ledger.accounts() if account == "debt")
    if row is None and not owed:
        return
    held = Tally.of_row(row)
    flags = flags_of(held.refunded, held.quick, owed)
    for flag in flags:
        if flag.code.value not in held.up:
            member.ledger.emit("risk.flagged", {"code": flag.code.value, "count": flag.count})
    attrs.evolve(held, up=tuple(flag.code.value for flag in flags)).put(member)


def add_risks(target: Member, held: MemberGrantRecord | None, row: MemberGrantRecord) -> None:
    """Put the counts of two members that became one together; what was told of either is told."""
    one, other = Tally.of_row(held), Tally.of_row(row)
    both = one.plus(other.refunded, other.quick)
    attrs.evolve(both, up=tuple(dict.fromkeys([*one.up, *other.up]))).put(target)
