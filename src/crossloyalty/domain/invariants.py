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

import attrs

from crossloyalty.domain.actions import ACTION_RULE, DONE_ROW
from crossloyalty.domain.arithmetic import targets_of
from crossloyalty.domain.caps import CAP_ROW
from crossloyalty.domain.effective import effective_order
from crossloyalty.domain.eligibility import net_amounts
from crossloyalty.domain.facts import load_facts
from crossloyalty.domain.gifts import ENROLLED_ROW
from crossloyalty.domain.grants import ELSEWHERE, Grant
from crossloyalty.domain.identities import identifies
from crossloyalty.domain.inactivity import LAPSED_ROW
from crossloyalty.domain.keys import Platforms, fold
from crossloyalty.domain.ledger import OPENING_DAY, chained, lane_of
from crossloyalty.domain.orders import LARGEST_FEN
from crossloyalty.domain.ownership import ACCEPTED
from crossloyalty.domain.program import Program
from crossloyalty.domain.records import (
    AccountRecord,
    BindingRecord,
    BuyerRecord,
    ClaimRecord,
    DeliveryRecord,
    EntryRecord,
    EventRecord,
    LotRecord,
    MemberGrantRecord,
    MemberRecord,
    OrderRecord,
    SpendDayRecord,
    TagRecord,
)
from crossloyalty.domain.settlement import IMPORTED, grants_of

__all__ = ["MemberRows", "Violation", "check_buyer", "check_claim", "check_member", "check_order"]

_GRANT_KINDS = ("grant", "claw_back", "cancel", "shortfall", "exempt")
_NEGATIVE = ("debt", "waived", "exempt")


@attrs.frozen
class Violation:
    """
    Something that should be impossible.

    Args:
        invariant: Its number, such as "I-06".
        what: Which rows, and what is wrong with them.
    """

    invariant: str
    what: str


@attrs.define
class MemberRows:
    """Everything stored of one member, each list in key order."""

    root: MemberRecord
    accounts: Sequence[AccountRecord] = ()
    entries: Sequence[EntryRecord] = ()
    lots: Sequence[LotRecord] = ()
    days: Sequence[SpendDayRecord] = ()
    tags: Sequence[TagRecord] = ()
    grants: Sequence[MemberGrantRecord] = ()
    deliveries: Sequence[DeliveryRecord] = ()
    events: Sequence[EventRecord] = ()
    claims: Sequence[ClaimRecord] = ()


def check_member(rows: MemberRows) -> list[Violation]:
    """Check one member's rows against each other."""
    found: list[Violation] = []
    found += _check_entries(rows)
    found += _check_events(rows)
    found += _check_lots(rows)
    found += _check_deliveries(rows)
    found += _check_claims_of(rows)
    found += _check_once(rows)
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
    opened: dict[str, int] = defaultdict(int)
    reversed_: dict[str, int] = defaultdict(int)
    for entry in rows.entries:
        if entry.account == "debt":
            opened[entry.asset] += entry.amount
        if entry.kind in ("shortfall", "claw_back", "exempt") or (entry.kind == "import" and entry.account == "debt"):
            reversed_[entry.asset] += abs(entry.amount)
    for asset, debt in opened.items():
        if debt > reversed_[asset]:
            yield Violation("I-05", f"{who}: owes {debt} {asset}, more than was ever taken back")


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


def _check_claims_of(rows: MemberRows) -> Iterable[Violation]:
    who = rows.root.member_id
    days: dict[str, int] = defaultdict(int)
    sources: dict[str, list[ClaimRecord]] = defaultdict(list)
    granted: dict[tuple[str, str, int, str], int] = defaultdict(int)
    for entry in rows.entries:
        if entry.account == "opening":
            days[entry.rule_id.removeprefix(OPENING_DAY)] += entry.amount
        if entry.kind in _GRANT_KINDS:
            sign = -1 if entry.account in _NEGATIVE else 1
            granted[entry.family, entry.order_no, entry.holder_no, entry.rule_id] += sign * entry.amount
    once = {row.rule_id for row in rows.grants}
    for claim in rows.claims:
        if claim.net_fen:
            days[claim.spend_day] += claim.net_fen
            sources[claim.platform].append(claim)
        for grant in grants_of(claim):
            if grant.rule_id in once:
                continue
            posted = granted.pop((claim.family, claim.order_no, claim.holder_no, grant.rule_id), 0)
            if posted != grant.granted:
                yield Violation(
                    "I-20", f"{who}: {claim.order_no} has {grant.granted} by {grant.rule_id}, its entries say {posted}"
                )
    for (_, order_no, _, rule_id), amount in granted.items():
        if amount and rule_id not in once and (order_no or not rule_id.startswith(ACTION_RULE)):
            yield Violation("I-72", f"{who}: {amount} by {rule_id} for {order_no}, which is no claim of theirs")
    stored_days = {row.day: row.spend_fen for row in rows.days if row.spend_fen}
    if stored_days != dict(days):
        yield Violation("I-41", f"{who}: spend by day is stored as {stored_days}, claims say {dict(days)}")
    stored = {row.tag: row[3:] for row in rows.tags if row.claims}
    expected = {
        platform: (
            len(claims),
            sum(claim.net_fen for claim in claims),
            min(claim.effective_at for claim in claims),
            max(claim.effective_at for claim in claims),
        )
        for platform, claims in sources.items()
    }
    if stored != expected:
        yield Violation("I-71", f"{who}: sources are stored as {stored}, claims say {expected}")


def _check_once(rows: MemberRows) -> Iterable[Violation]:
    who = rows.root.member_id
    for row in rows.grants:
        if row.rule_id.startswith(CAP_ROW):
            name = f"{row.rule_id.removeprefix(CAP_ROW)}@{row.grant}"
            allowed = sum(
                grant.allowance or 0 for claim in rows.claims for grant in grants_of(claim) if name in grant.caps
            )
            if row.claims != allowed:
                yield Violation("I-61", f"{who}: cap {name} has let {row.claims} through, the claims say {allowed}")
            continue
        if row.rule_id.startswith(DONE_ROW):
            action = ACTION_RULE + row.rule_id.removeprefix(DONE_ROW).rpartition("/")[0]
            times = sum(entry.kind == "grant" and entry.rule_id == action for entry in rows.entries)
            if row.claims > times or (not row.grant and row.claims < times):
                yield Violation("I-61", f"{who}: {row.rule_id} counts {row.claims}, the ledger shows {times}")
            continue
        if row.rule_id == LAPSED_ROW:
            taken = -sum(entry.amount for entry in rows.entries if entry.kind == "lapse")
            if row.claims != taken:
                yield Violation("I-72", f"{who}: {row.claims} growth was lost by inactivity, the ledger shows {taken}")
            continue
        given = Grant.from_text(row.rule_id, "" if row.rule_id == ENROLLED_ROW else row.grant)
        posted = sum(
            -entry.amount if entry.account in _NEGATIVE else entry.amount
            for entry in rows.entries
            if entry.rule_id == row.rule_id and entry.kind in _GRANT_KINDS
        )
        if posted != given.granted:
            yield Violation("I-20", f"{who}: {row.rule_id} gave {given.granted}, its entries say {posted}")
        if row.rule_id.startswith("#"):
            continue
        qualifying = sum(
            grant.granted for claim in rows.claims for grant in grants_of(claim) if grant.rule_id == row.rule_id
        )
        if row.claims != qualifying or (row.grant != ELSEWHERE and bool(given.granted) != bool(qualifying)):
            yield Violation(
                "I-33",
                f"{who}: {row.rule_id} counts {row.claims} claims and gave {given.granted}; {qualifying} qualify",
            )


def check_order(order: OrderRecord, claim: ClaimRecord | None, platforms: Platforms) -> list[Violation]:
    """Check one order's row, and that its claim's key is its own."""
    found: list[Violation] = []
    number = order.order_no
    if fold(number) != number or not number.isascii():
        found.append(Violation("I-11", f"{number!r} is not in normal form"))
    elif order.platform and not platforms.matches(order.platform, number):
        found.append(Violation("I-11", f"{number} has not the shape of {order.platform}"))
    if claim is not None and order.owner_id != claim.member_id:
        found.append(Violation("I-10", f"{number} is shown for {order.owner_id!r}, its claim is {claim.member_id}'s"))
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
