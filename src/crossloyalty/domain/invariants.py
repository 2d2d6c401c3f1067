"""
What always holds, checked row by row: the ledger's sums and chains, lots, claims, deliveries, spend, sources.

Every check recomputes from entries, claims and facts; nothing is taken from a cached figure. Numbers such as I-06 name
the invariant in the reference.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import zip_longest

from crossloyalty.domain.arithmetic import targets_of
from crossloyalty.domain.coming import coming_at
from crossloyalty.domain.effective import effective_order
from crossloyalty.domain.eligibility import net_amounts
from crossloyalty.domain.facts import load_facts
from crossloyalty.domain.identities import identifies
from crossloyalty.domain.keys import Platforms, fold
from crossloyalty.domain.ledger import chained, lane_of
from crossloyalty.domain.orders import LARGEST_FEN
from crossloyalty.domain.ownership import ACCEPTED
from crossloyalty.domain.program import Program
from crossloyalty.domain.records import (
    BindingRecord,
    BuyerRecord,
    ClaimRecord,
    OrderRecord,
)
from crossloyalty.domain.settlement import IMPORTED, grants_of
from crossloyalty.domain.together import check_together
from crossloyalty.domain.violations import MemberRows, Violation

__all__ = [
    "MemberRows",
    "Violation",
    "check_buyer",
    "check_claim",
    "check_member",
    "check_order",
    "check_own",
    "check_together",
]

_GRANT_KINDS = ("grant", "claw_back", "cancel", "shortfall", "exempt")
_NEGATIVE = ("debt", "waived", "exempt")


def check_member(rows: MemberRows) -> list[Violation]:
    """Check the rows of a member that was never merged."""
    return [*check_own(rows), *check_together([rows])]


def check_own(rows: MemberRows) -> list[Violation]:
    """Check what holds of one member's rows alone, whomever it was merged with."""
    found: list[Violation] = []
    found += _check_entries(rows)
    found += _check_events(rows)
    found += _check_lots(rows)
    found += _check_deliveries(rows)
    return found


def _check_entries(rows: MemberRows) -> Iterable[Violation]:
    who = rows.root.member_id
    previous = ""
    at = 0
    sums: dict[tuple[str, str], tuple[int, int]] = {}
    for place, entry in enumerate(rows.entries, start=1):
        if entry.seq != place:
            yield Violation("I-70", f"{who}: entry {place} is numbered {entry.seq}")
        if chained(previous, entry[:-1]) != entry.hash:
            yield Violation("I-70", f"{who}: the hash of entry {entry.seq} does not follow")
        previous = entry.hash
        if entry.at < at:
            yield Violation("I-73", f"{who}: entry {entry.seq} is earlier than the one before")
        at = entry.at
        if entry.amount == 0 or abs(entry.amount) > LARGEST_FEN:
            yield Violation("I-04", f"{who}: entry {entry.seq} moves {entry.amount}")
        balance, seq = sums.get((entry.asset, entry.account), (0, 0))
        balance, seq = balance + entry.amount, seq + 1
        sums[entry.asset, entry.account] = balance, seq
        if entry.account_seq != seq or entry.balance_after != balance:
            yield Violation("I-06", f"{who}: entry {entry.seq} says {entry.balance_after} after #{entry.account_seq}")
        if balance < 0:
            yield Violation("I-05", f"{who}: {entry.asset}/{entry.account} falls to {balance} at entry {entry.seq}")
    if (rows.root.entry_seq, rows.root.entry_hash) != (len(rows.entries), previous):
        yield Violation("I-70", f"{who}: the member's row does not hold its last entry")
    stored = {(row.asset, row.account): (row.balance, row.seq) for row in rows.accounts}
    if stored != sums:
        yield Violation("I-01", f"{who}: accounts {stored} are not the sums of their entries {sums}")


def _check_events(rows: MemberRows) -> Iterable[Violation]:
    who = rows.root.member_id
    previous = ""
    place = 1
    for event in rows.events:
        if event.seq != place or event.size < 1 or chained(previous, event[:6]) != event.hash:
            yield Violation("I-70", f"{who}: event {event.seq} at place {place} breaks the chain")
        if event.pending != int(event.acked.bit_count() < event.size) or event.acked >> event.size:
            yield Violation("I-70", f"{who}: event {event.seq} is not pending exactly until all are acknowledged")
        previous = event.hash
        place += event.size
    if (rows.root.event_seq, rows.root.event_hash) != (place - 1, previous):
        yield Violation("I-70", f"{who}: the member's row does not hold its last event")


def _check_lots(rows: MemberRows) -> Iterable[Violation]:
    who = rows.root.member_id
    moved: dict[int, int] = defaultdict(int)
    for entry in rows.entries:
        if entry.account in ("pending", "balance"):
            moved[entry.lot_no] += entry.amount
    live: dict[tuple[str, str], int] = defaultdict(int)
    numbers = {lot.lot_no for lot in rows.lots}
    for lot in rows.lots:
        if not 0 <= lot.held <= lot.remaining <= lot.granted:
            yield Violation("I-07", f"{who}: lot {lot.lot_no} has {lot.remaining} of {lot.granted}, held {lot.held}")
        if moved.get(lot.lot_no, 0) != lot.remaining:
            yield Violation("I-07", f"{who}: lot {lot.lot_no} has {lot.remaining}, its entries say {moved[lot.lot_no]}")
        if lot.remaining and lot.state not in ("PENDING", "ACTIVE", "EXPIRED"):
            yield Violation("I-07", f"{who}: lot {lot.lot_no} is {lot.state} with {lot.remaining} left")
        if (lot.due_at is None) != (lot.state not in ("PENDING", "ACTIVE")):
            yield Violation("I-08", f"{who}: lot {lot.lot_no} is {lot.state} and due at {lot.due_at}")
        live[lot.asset, "pending" if lot.state == "PENDING" else "balance"] += lot.remaining
    for lot_no, amount in moved.items():
        if lot_no not in numbers and amount:
            yield Violation("I-72", f"{who}: entries move {amount} of lot {lot_no}, which is not there")
    for row in rows.accounts:
        if row.account in ("pending", "balance") and live.get((row.asset, row.account), 0) != row.balance:
            yield Violation(
                "I-07",
                f"{who}: {row.asset}/{row.account} is {row.balance}, its lots hold {live[row.asset, row.account]}",
            )
    due = [lot.due_at for lot in rows.lots if lot.due_at is not None and lot.due_at < 2**53 - 1]
    if due and (rows.root.next_due_at is None or rows.root.next_due_at > min(due)):
        yield Violation("I-08", f"{who}: something is due at {min(due)}, the member's row says {rows.root.next_due_at}")


def _check_deliveries(rows: MemberRows) -> Iterable[Violation]:
    who = rows.root.member_id
    wanted = {
        entry.seq: 1
        for entry in rows.entries
        if entry.asset.startswith("coupon:")
        and entry.account == "balance"
        and entry.kind in ("grant", "activate", "claw_back")
    }
    for entry, behind in zip_longest(rows.entries, rows.entries[1:]):
        if entry.account == "external" and entry.kind in ("grant", "activate", "claw_back"):
            repaid = abs(behind.amount) if behind and (behind.account, behind.kind) == ("external", "repay") else 0
            wanted[entry.seq] = abs(entry.amount) - repaid
    wanted = {seq: amount for seq, amount in wanted.items() if amount}
    there = {delivery.seq: json.loads(delivery.payload).get("amount", 1) for delivery in rows.deliveries}
    if wanted != there:
        yield Violation("I-21", f"{who}: deliveries {there} stand beside entries that want {wanted}")
    keys = [delivery.delivery_key for delivery in rows.deliveries]
    if len(set(keys)) < len(keys):
        yield Violation("I-24", f"{who}: two deliveries share a key")
    if any(delivery.lane != lane_of(who) for delivery in rows.deliveries):
        yield Violation("I-25", f"{who}: a delivery is in another lane")


def check_order(order: OrderRecord, claim: ClaimRecord | None, platforms: Platforms) -> list[Violation]:
    """Check one order's row, that its claim's key is its own, and that lists show what its facts say (I-71)."""
    found: list[Violation] = []
    number = order.order_no
    if fold(number) != number or not number.isascii():
        found.append(Violation("I-11", f"{number!r} is not in normal form"))
    elif order.platform and not platforms.matches(order.platform, number):
        found.append(Violation("I-11", f"{number} has not the shape of {order.platform}"))
    if claim is not None and order.owner_id != claim.member_id:
        found.append(Violation("I-10", f"{number} is shown for {order.owner_id!r}, its claim is {claim.member_id}'s"))
    effective = effective_order(load_facts(order.facts))
    if effective is None:
        told: tuple[str, int, int | None] = ("", 0, None)
    else:
        told = (effective.status, effective.paid_fen, coming_at(effective))
    if (order.status, order.paid_fen, order.coming_at) != told:
        found.append(Violation("I-71", f"{number} is not shown as its facts say, {told}"))
    return found


def check_buyer(buyer: BuyerRecord, history: Sequence[BindingRecord], known: Collection[str]) -> list[Violation]:
    """
    Check that an identity is one, and one member's at most (I-50).

    Args:
        buyer: The identity's row.
        history: Its bindings.
        known: The ids of members that are there.
    """
    found: list[Violation] = []
    who = f"{buyer.family} identity {buyer.scope!r}/{buyer.buyer_id!r}"
    if not identifies(buyer.buyer_id):
        found.append(Violation("I-50", f"{who} is masked"))
    active = [row.member_id for row in history if row.state == "ACTIVE"]
    if active != ([buyer.member_id] if buyer.member_id else []):
        found.append(Violation("I-50", f"{who} is bound to {buyer.member_id!r}, its history says {active}"))
    if buyer.member_id and buyer.member_id not in known:
        found.append(Violation("I-50", f"{who} is bound to {buyer.member_id!r}, who is not there"))
    if [row.binding_no for row in history] != list(range(1, buyer.binding_no + 1)):
        found.append(Violation("I-50", f"{who} counts {buyer.binding_no} bindings, there are {len(history)}"))
    if buyer.member_id and (buyer.last_member_id or buyer.free_at is not None):
        found.append(Violation("I-50", f"{who} is bound and cools down"))
    return found


def check_claim(order: OrderRecord, claim: ClaimRecord, programs: Mapping[int, Program]) -> list[Violation]:
    """Check that a claim stands where its order's facts and its own snapshot put it (I-20, I-32)."""
    if claim.state == IMPORTED:
        return []
    program = programs.get(claim.revision)
    if program is None:
        return [Violation("I-13", f"{claim.order_no} names revision {claim.revision}, which is not there")]
    found: list[Violation] = []
    shown = claim.via in ACCEPTED or claim.via == "auto"
    if not shown and not (claim.via == "order_no_only" and program.ownership == "order-no-only"):
        found.append(Violation("I-16", f"{claim.order_no} was claimed by {claim.via!r}, which shows nothing"))
    effective = effective_order(load_facts(order.facts))
    if effective is None:
        return [Violation("I-14", f"{claim.order_no} is a claim of an order no source has described")]
    nets = net_amounts(effective, program, claim.calc)
    net_fen = 0 if nets.below_minimum else nets.total
    if claim.net_fen != net_fen:
        found.append(Violation("I-32", f"{claim.order_no} counts {claim.net_fen} fen, its facts say {net_fen}"))
    if nets.total > nets.gross or nets.total < 0:
        found.append(Violation("I-31", f"{claim.order_no} counts {nets.total} of {nets.gross} fen"))
    grants = grants_of(claim)
    for grant, target in zip(grants, targets_of(grants, nets, program), strict=True):
        if grant.granted != target:
            found.append(
                Violation("I-20", f"{claim.order_no}: {grant.rule_id} stands at {grant.granted}, should be {target}")
            )
    return found
