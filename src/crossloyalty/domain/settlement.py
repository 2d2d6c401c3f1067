"""
Settle a claim: bring everything it gives to what it should be now, and nothing when that is already so.

At its first settlement a claim takes a snapshot per rule (revision, `calc`, multiplier, tier before, allowance) that
is never retaken. From then on the target is a pure function of the net eligible amount and the snapshot, and the
difference to what is granted is posted. This one function grants, claws back, re-issues and replays.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from crossloyalty.domain.arithmetic import capped, earned_of
from crossloyalty.domain.caps import CAP_ROW, allow
from crossloyalty.domain.effective import EffectiveOrder
from crossloyalty.domain.eligibility import Nets, net_amounts
from crossloyalty.domain.grants import Grant, IssueTerms, block_lot, load_grants, settle_grant
from crossloyalty.domain.ledger import Ref
from crossloyalty.domain.member import Member
from crossloyalty.domain.program import CALC, Program
from crossloyalty.domain.reasons import Reason
from crossloyalty.domain.records import ClaimRecord
from crossloyalty.domain.risks import count_claim
from crossloyalty.domain.rules import Reward
from crossloyalty.domain.snapshot import first_grants
from crossloyalty.domain.sources import Contribution

__all__ = [
    "IMPORTED",
    "Claim",
    "ClaimState",
    "close_holder",
    "first_settlement",
    "grants_of",
    "has_to_wait",
    "resettle",
]


GRANTED: Final = "GRANTED"
PENDING_ISSUE: Final = "PENDING_ISSUE"
PARTIAL: Final = "PARTIAL"
REVERSED: Final = "REVERSED"
# Converted before the program was here: the number is taken and nothing is ever settled for it.
IMPORTED: Final = "IMPORTED"
ClaimState = str


class Claim(NamedTuple):
    """
    A settled claim and what the settlement did.

    Args:
        record: The claim's row to store.
        grants: Its grants, in the order of the rules.
        nets: The amounts it was settled on.
        posted: Per rule id the difference that was posted; once-per-member rules included.
        cut: A cap of some time left less room than the order earned.
    """

    record: ClaimRecord
    grants: list[Grant]
    nets: Nets
    posted: dict[str, int]
    cut: bool = False

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """What kept the claim from granting anything."""
        if self.nets.below_minimum:
            return (Reason.BELOW_MINIMUM,)
        reasons = [Reason.CAP_REACHED] if self.cut else []
        if not any(grant.granted for grant in self.grants):
            reasons.append(Reason.NOTHING_TO_GRANT)
        return tuple(reasons)


def grants_of(record: ClaimRecord) -> list[Grant]:
    """Read a claim's grants."""
    return load_grants(record.grants)


def first_settlement(
    member: Member,
    order: EffectiveOrder,
    program: Program,
    *,
    revision: int,
    family: str,
    order_no: str,
    via: str,
    requested_at: int,
    touch: str = "",
    holder_no: int = 1,
) -> Claim:
    """
    Make an order a claim of a member: take the snapshot, grant, count the spend.

    Args:
        member: The holder.
        order: The order after all messages.
        program: The rules in force; their *revision* goes into the snapshot.
        family, order_no: The claim key.
        via: By which road: "bound", "by_host", "proof", "order_no_only" or "auto".
        requested_at: When it was asked for, in microseconds.
        touch: Where the member typed it, such as "parcel-card" (S3-7).
        holder_no: 1, or one more for each dispute that moved the claim.

    Returns:
        The claim, to be inserted under its key.
    """
    nets = net_amounts(order, program)
    day = program.calendar.day(order.effective_at) if order.effective_at else member.today
    grants = first_grants(member, order, program, net_fen=0 if nets.below_minimum else nets.total, day=day)
    record = ClaimRecord(
        member.root.program_id,
        family,
        order_no,
        member.member_id,
        holder_no,
        GRANTED,
        via,
        revision,
        CALC,
        requested_at,
        member.ledger.at,
        order.effective_at,
        order.platform,
        "",
        0,
        0,
        member.tier,
        touch,
        "",
    )
    return _settle(member, record, grants, order, program, nets, first=True)


def resettle(member: Member, record: ClaimRecord, order: EffectiveOrder, program: Program) -> Claim:
    """
    Bring an existing claim to what today's facts say.

    Args:
        member: The holder.
        record: The claim as stored.
        order: The order after all messages.
        program: The revision the claim was first settled under, whatever is in force now (D16).
    """
    nets = net_amounts(order, program, record.calc)
    return _settle(member, record, member.grants_of(record.member_id, record.grants), order, program, nets, first=False)


def close_holder(member: Member, record: ClaimRecord, order: EffectiveOrder, program: Program) -> None:
    """
    Take back everything a claim gave its holder, because it goes to somebody else (design section 11).

    Args:
        member: The holder who loses it.
        record: The claim as stored.
        order: The order after all messages.
        program: The revision the claim was first settled under.
    """
    ref = Ref(record.family, record.order_no, record.holder_no)
    effective_at = order.effective_at or record.effective_at
    issue = IssueTerms(effective_at, program.calendar, order.refund_open)
    posted: dict[str, int] = {}
    for grant in member.grants_of(record.member_id, record.grants):
        rule = program.rewards_by_id[grant.rule_id]
        shortfall = program.on_refund.of(rule.asset)
        if rule.once_per_member:
            if grant.granted:
                member.settle_once(
                    rule, -grant.granted, ref, finished_at=effective_at, blocked=False, shortfall=shortfall
                )
            continue
        for name in grant.caps:
            cap_row, _, period = f"{CAP_ROW}{name}".rpartition("@")
            if grant.allowance and member.counted(cap_row, period):
                member.count(cap_row, period, -grant.allowance)
        posted[rule.id] = settle_grant(member.ledger, grant, rule, 0, ref=ref, issue=issue, shortfall=shortfall)
    old = Contribution(record.platform, record.spend_day, record.net_fen, record.effective_at)
    member.contribute((record.family, record.order_no), old, old._replace(net_fen=0))
    count_claim(member, record, None)
    if member.links.origins or record.member_id != member.member_id:
        who = (record.family, record.order_no, record.holder_no, record.member_id)
        member.set_links(member.links.having_moved([who]))
    body = {"family": record.family, "order_no": record.order_no, "holder_no": record.holder_no, "posted": posted}
    member.ledger.emit("claim.moved", body)


def has_to_wait(rule: Reward, order: EffectiveOrder) -> bool:
    """Say whether what a rule gives for an order is not issued yet: a refund is open, or an event has not come."""
    return order.refund_open or bool(rule.issue_event and rule.issue_event not in order.milestones)


def _settle(
    member: Member,
    record: ClaimRecord,
    grants: list[Grant],
    order: EffectiveOrder,
    program: Program,
    nets: Nets,
    *,
    first: bool,
) -> Claim:
    ref = Ref(record.family, record.order_no, record.holder_no)
    effective_at = order.effective_at or record.effective_at
    earned = earned_of(grants, nets, program)
    cut = bool(program.period_caps_of) and allow(member, grants, earned, program)
    posted: dict[str, int] = {}
    ledger = member.ledger
    rules = program.rewards_by_id
    waiting = False
    for grant, target in zip(grants, capped(earned, grants, program), strict=True):
        rule = rules[grant.rule_id]
        shortfall = program.on_refund.of(rule.asset)
        blocked = has_to_wait(rule, order)
        if rule.once_per_member:
            if target:
                member.block_once(rule, target - grant.granted, blocked=blocked)
            if target != grant.granted:
                given = posted[rule.id] = member.settle_once(
                    rule, target - grant.granted, ref, finished_at=effective_at, blocked=blocked, shortfall=shortfall
                )
                grant.granted = target
                grant.gave = given > 0
            continue
        if blocked and grant.lot_no:
            block_lot(ledger, ledger.lot(grant.lot_no), True, rule, program.calendar)
        issue = IssueTerms(effective_at, program.calendar, blocked)
        delta = settle_grant(ledger, grant, rule, target, ref=ref, issue=issue, shortfall=shortfall)
        if delta:
            posted[rule.id] = delta
        if grant.lot_no:
            lot = ledger.lot(grant.lot_no)
            if bool(lot.blocked) != blocked:
                block_lot(ledger, lot, blocked, rule, program.calendar)
                lot = ledger.lot(grant.lot_no)
            waiting = waiting or (lot.state == "PENDING" and grant.granted > 0)

    net_fen = 0 if nets.below_minimum else nets.total
    spend_day = program.calendar.day(effective_at) if effective_at else member.today
    old = None if first else Contribution(record.platform, record.spend_day, record.net_fen, record.effective_at)
    member.contribute(
        (record.family, record.order_no), old, Contribution(order.platform, spend_day, net_fen, effective_at)
    )
    state = _state(nets, waiting)
    settled = ClaimRecord(
        record.program_id,
        record.family,
        record.order_no,
        record.member_id,
        record.holder_no,
        state,
        record.via,
        record.revision,
        record.calc,
        record.requested_at,
        record.claimed_at,
        effective_at,
        order.platform,
        spend_day,
        net_fen,
        nets.gross,
        record.tier_before,
        record.touch,
        member.text_of_grants(record.member_id, grants),
    )
    count_claim(member, None if first else record, settled)
    if first or settled != record:
        _tell(member, settled, posted, first=first)
    return Claim(settled, grants, nets, posted, cut)


def _tell(member: Member, claim: ClaimRecord, posted: dict[str, int], *, first: bool) -> None:
    body: dict[str, Any] = {
        "family": claim.family,
        "order_no": claim.order_no,
        "state": claim.state,
        "net_fen": claim.net_fen,
        "via": claim.via,
        "posted": posted,
    }
    if first:
        member.ledger.emit("claim.granted", body)
    elif claim.state == REVERSED:
        member.ledger.emit("claim.reversed", body)
    else:
        member.ledger.emit("claim.changed", body)


def _state(nets: Nets, waiting: bool) -> ClaimState:
    """
    Name the state of a claim (design: states of a claim).

    Below the minimum it is GRANTED with nothing granted; without net left REVERSED; with a part of it PARTIAL.
    """
    if nets.below_minimum or not nets.gross:
        return GRANTED
    if nets.total == 0:
        return REVERSED
    if nets.total < nets.gross:
        return PARTIAL
    return PENDING_ISSUE if waiting else GRANTED
