"""
Turn marketplace orders into points, coupons, stored value, growth, tiers and source tags of a private member centre.

Once per order for ever, only for finished orders, to the real buyer, taken back when refunded, explained in a sentence.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from crossloyalty import errors, rules
from crossloyalty.application.binding import BackfillResult, BindResult
from crossloyalty.application.claiming import ClaimRequest
from crossloyalty.application.grouping import GroupCommit
from crossloyalty.application.ingesting import IngestProgress, IngestReport, Rejected
from crossloyalty.domain.answers import ClaimResult, Detail, Granted, PublicAnswer
from crossloyalty.domain.identities import Identity
from crossloyalty.domain.keys import Platform
from crossloyalty.domain.orders import (
    Line,
    LineStatus,
    Milestone,
    Order,
    OrderKind,
    OrderStatus,
    Refund,
    RefundKind,
    RefundStatus,
    SourceKind,
)
from crossloyalty.domain.ownership import Proof
from crossloyalty.domain.program import Program
from crossloyalty.domain.reasons import Reason
from crossloyalty.loyalty import AsyncEngine, AsyncLoyalty, Engine, Loyalty

__version__ = "0.1.0"

if TYPE_CHECKING:
    from crossloyalty.application.acting import ActionResult
    from crossloyalty.application.checking import ProofChecks
    from crossloyalty.application.delivering import Delivery, DeliveryAnswer
    from crossloyalty.application.doubting import DoubtfulOrder
    from crossloyalty.application.dual_enrolling import EnrolmentsReport
    from crossloyalty.application.due import DueReport
    from crossloyalty.application.enrolling import EnrolResult
    from crossloyalty.application.erasing import EraseResult
    from crossloyalty.application.events import Event
    from crossloyalty.application.exporting import PersonExport
    from crossloyalty.application.identities import IdentityView, UnclaimedBuyer
    from crossloyalty.application.merging import MergeResult, UnmergeResult
    from crossloyalty.application.opening import OPENING_COLUMNS, OpeningProgress, OpeningReport, read_opening
    from crossloyalty.application.operating import AdjustResult, BlockResult, CouponUse, TierResult
    from crossloyalty.application.pages import Page
    from crossloyalty.application.ports import Attempt, EnrolmentAnswer
    from crossloyalty.application.recalculating import Recalculated, RecalculationReport
    from crossloyalty.application.receiving import InboxReport, ParkedMessage, Received
    from crossloyalty.application.reindexing import PhoneConflict, PhoneReindexReport
    from crossloyalty.application.reviewing import Review, ReviewResult
    from crossloyalty.application.snapshots import MemberSnapshot
    from crossloyalty.application.syncing import SyncProgress, SyncReport
    from crossloyalty.application.unbinding import UnbindResult
    from crossloyalty.application.verifying import VerifyReport
    from crossloyalty.domain.customers import CustomerState, RiskCode, RiskFlag
    from crossloyalty.domain.lint import Finding, LintCode
    from crossloyalty.domain.opening import (
        OpeningBalance,
        OpeningClaim,
        OpeningCode,
        OpeningDefect,
        OpeningGift,
        OpeningSpend,
        OpeningTier,
    )
    from crossloyalty.domain.phones import PhoneIndex
    from crossloyalty.domain.tokens import OrderTokens

__all__ = [
    "OPENING_COLUMNS",
    "ActionResult",
    "AdjustResult",
    "AsyncEngine",
    "AsyncLoyalty",
    "Attempt",
    "BackfillResult",
    "BindResult",
    "BlockResult",
    "ClaimRequest",
    "ClaimResult",
    "CouponUse",
    "CustomerState",
    "Delivery",
    "DeliveryAnswer",
    "Detail",
    "DoubtfulOrder",
    "DueReport",
    "Engine",
    "EnrolResult",
    "EnrolmentAnswer",
    "EnrolmentsReport",
    "EraseResult",
    "Event",
    "Finding",
    "Granted",
    "GroupCommit",
    "Identity",
    "IdentityView",
    "InboxReport",
    "IngestProgress",
    "IngestReport",
    "Line",
    "LineStatus",
    "LintCode",
    "Loyalty",
    "MemberSnapshot",
    "MergeResult",
    "Milestone",
    "OpeningBalance",
    "OpeningClaim",
    "OpeningCode",
    "OpeningDefect",
    "OpeningGift",
    "OpeningProgress",
    "OpeningReport",
    "OpeningSpend",
    "OpeningTier",
    "Order",
    "OrderKind",
    "OrderStatus",
    "OrderTokens",
    "Page",
    "ParkedMessage",
    "PersonExport",
    "PhoneConflict",
    "PhoneIndex",
    "PhoneReindexReport",
    "Platform",
    "Program",
    "Proof",
    "ProofChecks",
    "PublicAnswer",
    "Reason",
    "Recalculated",
    "RecalculationReport",
    "Received",
    "Refund",
    "RefundKind",
    "RefundStatus",
    "Rejected",
    "Review",
    "ReviewResult",
    "RiskCode",
    "RiskFlag",
    "SourceKind",
    "SyncProgress",
    "SyncReport",
    "TierResult",
    "UnbindResult",
    "UnclaimedBuyer",
    "UnmergeResult",
    "VerifyReport",
    "errors",
    "read_opening",
    "rules",
]

# What few programs need is imported when it is asked for, so that a worker starts fast.
_LATER = {
    "SyncReport": "crossloyalty.application.syncing",
    "SyncProgress": "crossloyalty.application.syncing",
    "Received": "crossloyalty.application.receiving",
    "ParkedMessage": "crossloyalty.application.receiving",
    "InboxReport": "crossloyalty.application.receiving",
    "DoubtfulOrder": "crossloyalty.application.doubting",
    "ActionResult": "crossloyalty.application.acting",
    "AdjustResult": "crossloyalty.application.operating",
    "BlockResult": "crossloyalty.application.operating",
    "CouponUse": "crossloyalty.application.operating",
    "Delivery": "crossloyalty.application.delivering",
    "DeliveryAnswer": "crossloyalty.application.delivering",
    "DueReport": "crossloyalty.application.due",
    "CustomerState": "crossloyalty.domain.customers",
    "EnrolmentAnswer": "crossloyalty.application.ports",
    "EnrolmentsReport": "crossloyalty.application.dual_enrolling",
    "RiskCode": "crossloyalty.domain.customers",
    "RiskFlag": "crossloyalty.domain.customers",
    "EnrolResult": "crossloyalty.application.enrolling",
    "Attempt": "crossloyalty.application.ports",
    "EraseResult": "crossloyalty.application.erasing",
    "Event": "crossloyalty.application.events",
    "PersonExport": "crossloyalty.application.exporting",
    "IdentityView": "crossloyalty.application.identities",
    "OrderTokens": "crossloyalty.domain.tokens",
    "PhoneConflict": "crossloyalty.application.reindexing",
    "PhoneIndex": "crossloyalty.domain.phones",
    "PhoneReindexReport": "crossloyalty.application.reindexing",
    "ProofChecks": "crossloyalty.application.checking",
    "Review": "crossloyalty.application.reviewing",
    "ReviewResult": "crossloyalty.application.reviewing",
    "UnbindResult": "crossloyalty.application.unbinding",
    "UnclaimedBuyer": "crossloyalty.application.identities",
    "MemberSnapshot": "crossloyalty.application.snapshots",
    "MergeResult": "crossloyalty.application.merging",
    "Page": "crossloyalty.application.pages",
    "TierResult": "crossloyalty.application.operating",
    "Finding": "crossloyalty.domain.lint",
    "LintCode": "crossloyalty.domain.lint",
    "OPENING_COLUMNS": "crossloyalty.application.opening",
    "OpeningBalance": "crossloyalty.domain.opening",
    "OpeningClaim": "crossloyalty.domain.opening",
    "OpeningCode": "crossloyalty.domain.opening",
    "OpeningDefect": "crossloyalty.domain.opening",
    "OpeningGift": "crossloyalty.domain.opening",
    "OpeningProgress": "crossloyalty.application.opening",
    "OpeningReport": "crossloyalty.application.opening",
    "OpeningSpend": "crossloyalty.domain.opening",
    "OpeningTier": "crossloyalty.domain.opening",
    "Recalculated": "crossloyalty.application.recalculating",
    "RecalculationReport": "crossloyalty.application.recalculating",
    "UnmergeResult": "crossloyalty.application.merging",
    "VerifyReport": "crossloyalty.application.verifying",
    "read_opening": "crossloyalty.application.opening",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'crossloyalty' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_LATER[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
