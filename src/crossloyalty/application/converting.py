"""
Turn an order into somebody's claim, or say why not: the one road for typed claims, auto conversion, ingest and bind.

Whoever wants the order is a `Candidate`: a request in this call, a ticket that waits, or the member whose bound
identity bought it.
"""

from __future__ import annotations

import attrs

from crossloyalty.application.batch import Batch
from crossloyalty.application.crowding import STANDING_RANK, make_room
from crossloyalty.application.identifying import bind_by_claim
from crossloyalty.application.orderstate import OrderState
from crossloyalty.domain.calendar import DAY_US
from crossloyalty.domain.effective import EffectiveOrder
from crossloyalty.domain.eligibility import Judgement, Verdict, judge
from crossloyalty.domain.keys import OrderKey
from crossloyalty.domain.member import Member
from crossloyalty.domain.needs import Need
from crossloyalty.domain.ownership import ACCEPTED, NO_PROOF, Proof, Standing, standing
from crossloyalty.domain.reasons import Reason, by_precedence
from crossloyalty.domain.records import BuyerRecord, Key, TicketRecord
from crossloyalty.domain.rules import PROOF_STRENGTHS
from crossloyalty.domain.settlement import IMPORTED, first_settlement, resettle
from crossloyalty.domain.worth import worth_of

__all__ = ["Candidate", "convert", "expire_tickets", "settle_all"]

_OPEN = ("PENDING_SYNC", "PENDING_FINISH", "REFUND_OPEN", "HELD_REVIEW")
_TAKEN = Reason.ALREADY_CLAIMED.value
# How a claim came about that no buyer is asked about again.
_SURE = ("bound", "auto", "review")


@attrs.define
class Candidate:
    """
    Somebody who wants an order.

    Args:
        member_id: Who.
        proof: What they offer.
        requested_at: When they asked, in microseconds; the claim window is judged at that time.
        auto: Nobody typed anything: the buyer's identity is bound.
        touch: Where it was typed.
        reasons: The answer, filled in by `convert`.
        won: Whether this candidate's claim was created.
        claimable_from: When time cures a refusal, in microseconds.
        state: The ticket's state after the decision.
        ticket_of: The member its ticket was written with, "" for *member_id* itself.
        stopped: Too many attempts went before; it was not looked at.
        bound: The buyer's identity that its claim has bound, as it was before.
        past_orders: How many other orders of that buyer nobody holds.
    """

    member_id: str
    proof: Proof
    requested_at: int
    auto: bool = False
    touch: str = ""
    reasons: tuple[Reason, ...] = ()
    won: bool = False
    claimable_from: int | None = None
    state: str = ""
    ticket_of: str = ""
    stopped: bool = False
    bound: BuyerRecord | None = None
    past_orders: int = 0


def settle_all(batch: Batch, keys: list[OrderKey], candidates: dict[OrderKey, list[Candidate]]) -> None:
    """
    Decide a batch: settle existing claims first, then first settlements by (effective time, family, order_no).

    Args:
        batch: Changed in place; what is missing is left in `batch.needs`.
        keys: The orders whose facts or candidates changed.
        candidates: Requests of this call by order. Where there are none, everybody who waits for the order is one.
    """
    known: list[OrderState] = []
    fresh: list[OrderState] = []
    for key in keys:
        state = batch.order(key)
        (fresh if state.claim is None else known).append(state)
    # One order for all, so that shuffling a batch changes nothing (confluence (c)).
    for state in sorted(known, key=_settling_order):
        try:
            _resettle(batch, state)
            answer_taken(batch, state, candidates.get(state.key, []))
        except Need as need:
            batch.needs.append(_for_all(batch, state, need, candidates.get(state.key, [])))
    for state in sorted(fresh, key=_settling_order):
        try:
            convert(batch, state, candidates.get(state.key, []))
        except Need as need:
            batch.needs.append(_for_all(batch, state, need, candidates.get(state.key, [])))
        state.forget()


def _for_all(batch: Batch, state: OrderState, need: Need, requests: list[Candidate]) -> Need:
    """Ask at once for what all who want an order need: a crowd would take a round of reading each."""
    if isinstance(need, MoreTickets):
        wanting = [each.member_id for each in requests] or [batch.home(each) for each in state.tickets]
        need.askers = list(dict.fromkeys([*need.askers, *wanting]))
    return need


def _settling_order(state: OrderState) -> tuple[int, str, str]:
    order = state.effective
    return (0 if order is None else order.effective_at, state.key.family, state.key.order_no)


def _resettle(batch: Batch, state: OrderState) -> None:
    claim, order = state.claim, state.effective
    if claim is None or order is None or not state.changed or claim.state == IMPORTED:
        return
    settled = resettle(batch.member(claim.member_id), claim, order, batch.program_of(claim))
    if settled.record != claim:
        state.claim = settled.record


def convert(batch: Batch, state: OrderState, requests: list[Candidate]) -> None:
    """
    Decide who gets an order that nobody has yet.

    Args:
        batch: The batch; its needs are raised.
        state: The order; its claim and tickets are changed.
        requests: The candidates of this call.
    """
    order = state.effective
    bound_to = "" if order is None else batch.bound_to(order, state.key)
    # Who claims is answered alone, so that an answer does not depend on what else is in its batch.
    candidates = requests or _waiting(batch, state, bound_to)
    if batch.tried is not None:
        batch.tried[state.key] = candidates
    if bound_to:
        state.owner_id = bound_to
    if order is None or not candidates:
        for candidate in candidates:
            _wait_for_order(batch, state, candidate)
        _reckon_due(batch, state, None, alone=bool(requests))
        return
    denied = batch.buyer_blocked(order, state.key)
    beneficiary = _beneficiary(batch, order, state.key)
    ranked: list[tuple[int, int, str, Candidate, Standing]] = []
    for candidate in candidates:
        stands = standing(
            candidate.proof,
            order,
            member_id=candidate.member_id,
            bound_to=bound_to,
            ownership=batch.program.ownership,
            calendar=batch.program.calendar,
        )
        if beneficiary == candidate.member_id and stands != "bound":
            candidate.reasons = (Reason.NOT_BENEFICIARY,)
            _keep(batch, state, candidate, "REJECTED")
        elif stands in STANDING_RANK:
            ranked.append((STANDING_RANK[stands], candidate.requested_at, candidate.member_id, candidate, stands))
        else:
            _refuse_standing(batch, state, candidate, stands, order)
    if len(ranked) > 1:
        ranked.sort(key=lambda item: item[:3])
    waits_until: int | None = None
    for _, _, _, candidate, stands in ranked:
        if state.claim is not None:
            break
        judgement = judge(order, batch.program, requested_at=candidate.requested_at, now=batch.now)
        if judgement.claimable_from is not None:
            waits_until = judgement.claimable_from
        _try(batch, state, candidate, stands, judgement, order, denied=denied)
    if state.claim is not None:
        answer_taken(batch, state, [candidate for candidate in candidates if not candidate.won])
    _reckon_due(batch, state, waits_until, alone=bool(requests))


def _waiting(batch: Batch, state: OrderState, bound_to: str) -> list[Candidate]:
    """Give everybody who waits for an order that facts, a binding or time bring up: the tickets, the bound buyer."""
    candidates: list[Candidate] = []
    for ticket in state.tickets.values():
        # A refusal is looked at again while the request is young: messages come in any order. What has run out is over,
        # swept or not.
        alive = (ticket.state in _OPEN or ticket.state == "REJECTED") and ticket.expires_at > batch.now
        if alive and batch.has_member(ticket.member_id):
            home = batch.home(ticket.member_id)
            candidate = Candidate(home, Proof.from_json(ticket.proof), ticket.requested_at, touch=ticket.touch)
            candidate.ticket_of = ticket.member_id
            candidates.append(candidate)
    if bound_to and batch.has_member(bound_to) and all(each.member_id != bound_to for each in candidates):
        candidates.append(Candidate(bound_to, NO_PROOF, batch.now, auto=True))
    return candidates


def _beneficiary(batch: Batch, order: EffectiveOrder, key: OrderKey) -> str:
    """Name the member who received the order as a gift; the payer earns (D10)."""
    if not order.beneficiary_id or order.beneficiary_id == order.buyer_id:
        return ""
    values = (key.program_id, key.family, order.buyer_scope, order.beneficiary_id)
    buyer = batch.loaded.buyers.get(Key(BuyerRecord, values))
    return "" if buyer is None else batch.home(buyer.member_id)


def _wait_for_order(batch: Batch, state: OrderState, candidate: Candidate) -> None:
    # by_host is accepted without the order; an amount and a day cannot be checked before it is there.
    vouched = candidate.proof.kind in ("by_host", "review")
    candidate.reasons = (Reason.PENDING_SYNC,) if vouched else (Reason.RECEIVED, Reason.PENDING_SYNC)
    _keep(batch, state, candidate, "PENDING_SYNC")


def _refuse_standing(
    batch: Batch, state: OrderState, candidate: Candidate, stands: Standing, order: EffectiveOrder
) -> None:
    if stands == "other_buyer":
        proven = (
            standing(
                candidate.proof,
                order,
                member_id=candidate.member_id,
                bound_to="",
                ownership="proof",
                calendar=batch.program.calendar,
            )
            in ACCEPTED
        )
        candidate.reasons = (Reason.OTHER_BUYER, Reason.IN_REVIEW) if proven else (Reason.RECEIVED, Reason.OTHER_BUYER)
    elif stands == "wrong":
        candidate.reasons = (Reason.RECEIVED, Reason.AMOUNT_MISMATCH)
    else:
        candidate.reasons = (Reason.RECEIVED, Reason.PROOF_REQUIRED)
    _keep(batch, state, candidate, "HELD_REVIEW")


def _try(
    batch: Batch,
    state: OrderState,
    candidate: Candidate,
    stands: Standing,
    judgement: Judgement,
    order: EffectiveOrder,
    *,
    denied: bool,
) -> None:
    """Convert for one accepted candidate, or keep the request with the reason why not."""
    member = batch.member(candidate.member_id)
    if denied or member.blocked():
        candidate.reasons = by_precedence([Reason.MEMBER_BLOCKED, *judgement.reasons])
        if not candidate.auto:
            _keep(batch, state, candidate, "REJECTED")
        return
    candidate.reasons = judgement.reasons
    candidate.claimable_from = judgement.claimable_from
    verdict = judgement.verdict
    if verdict is Verdict.REVIEW and stands == "review":
        verdict = Verdict.CLAIM  # that is what staff have looked at
    weak = _too_weak(batch, member, order, stands) if verdict is Verdict.CLAIM else None
    if weak is not None:
        candidate.reasons = by_precedence([*judgement.reasons, weak])
        _keep(batch, state, candidate, "HELD_REVIEW")
    elif verdict is Verdict.CLAIM:
        key = state.key
        settled = first_settlement(
            member,
            order,
            batch.program,
            revision=batch.revision,
            family=key.family,
            order_no=key.order_no,
            via="auto" if candidate.auto else stands,
            requested_at=candidate.requested_at,
            touch=candidate.touch,
        )
        state.claim = settled.record
        state.owner_id = candidate.member_id
        state.tickets.pop(_ticket_of(batch, state, candidate), None)
        candidate.won = True
        if settled.reasons:
            candidate.reasons = by_precedence([*judgement.reasons, *settled.reasons])
        # Who is the buyer's by their phone has shown nothing new.
        if order.buyer_id and not candidate.auto and stands != "bound" and batch.program.binding.binds(stands):
            candidate.bound = bind_by_claim(batch, order, key, member, stands)
    elif verdict is Verdict.WAIT:
        open_refund = order.refund_open and Reason.NOT_FINISHED in judgement.reasons
        _keep(batch, state, candidate, "REFUND_OPEN" if open_refund else "PENDING_FINISH")
    elif verdict is Verdict.REVIEW:
        _keep(batch, state, candidate, "HELD_REVIEW")
    else:
        _keep(batch, state, candidate, "REJECTED")


def _too_weak(batch: Batch, member: Member, order: EffectiveOrder, stands: Standing) -> Reason | None:
    """Say what a proof lacks for an order of this worth; None: it will do. A bound buyer needs nothing more."""
    steps = batch.program.proof_steps
    if not steps or PROOF_STRENGTHS[stands] >= PROOF_STRENGTHS["bound"]:
        return None
    net_fen, points = worth_of(member, order, batch.program)
    needed = [step.proof for step in steps if step.reached(net_fen, points)]
    strongest = max(needed, key=lambda proof: (PROOF_STRENGTHS[proof], proof == "review"), default="order_no_only")
    if PROOF_STRENGTHS[stands] >= PROOF_STRENGTHS[strongest]:
        return None
    return Reason.IN_REVIEW if strongest == "review" else Reason.PROOF_REQUIRED


def answer_taken(batch: Batch, state: OrderState, candidates: list[Candidate]) -> None:
    """Answer those who ask for an order that is a claim already; their tickets are over."""
    claim, order = state.claim, state.effective
    if claim is None:
        return
    for candidate in candidates:
        if candidate.member_id == batch.home(claim.member_id):
            candidate.reasons = (Reason.AUTO_CONVERTED,) if claim.via == "auto" else (Reason.ALREADY_CLAIMED_BY_YOU,)
            continue
        stands: Standing = "unproven"
        if order is not None:
            bound_to = batch.bound_to(order, state.key)
            stands = standing(
                candidate.proof,
                order,
                member_id=candidate.member_id,
                bound_to=bound_to if bound_to == candidate.member_id else "",
                ownership="proof",
                calendar=batch.program.calendar,
            )
        proven = stands in ACCEPTED
        candidate.reasons = (Reason.ALREADY_CLAIMED,) if proven else (Reason.RECEIVED, Reason.ALREADY_CLAIMED)
        if not candidate.auto:
            # The buyer the platform names stands against whoever was faster: staff decide whose it is.
            disputed = stands == "bound" and claim.via not in _SURE
            _keep(batch, state, candidate, "HELD_REVIEW" if disputed else "REJECTED")
    for member_id, ticket in list(state.tickets.items()):
        if ticket.state in _OPEN and not (ticket.state == "HELD_REVIEW" and ticket.reason == _TAKEN):
            state.tickets[member_id] = ticket._replace(state="REJECTED", reason=_TAKEN, decided_at=batch.now)
    held = [ticket.expires_at for ticket in state.tickets.values() if ticket.state == "HELD_REVIEW"]
    state.next_due_at = min(held, default=None)


def _keep(batch: Batch, state: OrderState, candidate: Candidate, ticket_state: str) -> None:
    """Write down a request that is not a claim (yet); a request of nobody's typing leaves none."""
    if candidate.auto:
        return
    candidate.state = ticket_state
    key = state.key
    unproven = candidate.reasons[:1] == (Reason.RECEIVED,)
    if key not in batch.loaded.tickets or (unproven and candidate.member_id not in batch.loaded.waiting):
        raise MoreTickets(key, candidate.member_id if unproven else "")
    detail = candidate.reasons[-1] if candidate.reasons else Reason.RECEIVED
    member_id = _ticket_of(batch, state, candidate)
    held = state.tickets.get(member_id)
    ticket = TicketRecord(
        *key,
        member_id,
        ticket_state,
        detail.value,
        "manual",
        candidate.proof.to_json(),
        candidate.requested_at,
        batch.now,
        candidate.requested_at + batch.program.ticket_days * DAY_US,
        candidate.touch,
    )
    if unproven and not _may_wait(batch, candidate, held, ticket):
        return
    if held is None and not make_room(batch, state, ticket):
        candidate.state = ""
        if state.claim is None:  # of an order that is taken nothing is kept from anybody
            candidate.reasons = by_precedence([*candidate.reasons, Reason.TOO_MANY_REQUESTS])
        return
    same = held is not None and held[4:8] == ticket[4:8] and held.requested_at <= ticket.requested_at
    if held is not None and same and held.expires_at > batch.now:
        return
    if held is not None and held.state in _OPEN and held.expires_at > batch.now:
        # Asking again does not move the place in the queue.
        ticket = ticket._replace(requested_at=held.requested_at, expires_at=held.expires_at)
    state.tickets[member_id] = ticket


def _ticket_of(batch: Batch, state: OrderState, candidate: Candidate) -> str:
    """Name the member under whom a request stands: who was merged away keeps theirs, and its place in the queue."""
    named = candidate.ticket_of or candidate.member_id
    if named in state.tickets or not batch.loaded.homes:
        return named
    return next((each for each in state.tickets if batch.home(each) == candidate.member_id), named)


def _may_wait(batch: Batch, candidate: Candidate, held: TicketRecord | None, ticket: TicketRecord) -> bool:
    """
    Say whether a request without an accepted proof is kept.

    What staff refused is not opened again by asking again. All young requests of a member count whatever became of
    them, so that neither the limit nor the moment it is reached tells anything about an order.
    """
    if held is not None and held.reason == Reason.REFUSED.value and held.proof == ticket.proof:
        candidate.state = held.state
        return False
    if held is not None and held.expires_at > batch.now:
        return True
    waiting = batch.waiting.get(candidate.member_id, batch.loaded.waiting[candidate.member_id])
    if waiting >= batch.program.waiting_requests:
        candidate.reasons, candidate.state = (Reason.TOO_MANY_ATTEMPTS,), ""
        return False
    batch.waiting[candidate.member_id] = waiting + 1
    return True


class MoreTickets(Need):
    """The tickets of one order have to be read, those that are over included; and how many its askers have waiting."""

    def __init__(self, key: OrderKey, member_id: str = "") -> None:
        super().__init__(member_id)
        self.key = key
        self.askers = [member_id] if member_id else []


def _reckon_due(batch: Batch, state: OrderState, waits_until: int | None, *, alone: bool) -> None:
    """Set when the order is to be looked at again: a ticket runs out, or a time in the future comes."""
    due: list[int] = []
    if state.claim is None:
        due = [
            ticket.expires_at
            for ticket in state.tickets.values()
            if ticket.state in _OPEN or (ticket.state == "REJECTED" and ticket.expires_at > batch.now)
        ]
        if waits_until is not None:
            due.append(waits_until)
        if alone and state.next_due_at is not None:
            due.append(state.next_due_at)  # others may wait for a time that an answer to one does not look at
    state.next_due_at = min(due, default=None)


def expire_tickets(batch: Batch, state: OrderState) -> int:
    """End the tickets whose time is over; returns how many."""
    ended = 0
    for member_id, ticket in list(state.tickets.items()):
        if ticket.state in _OPEN and ticket.expires_at <= batch.now:
            state.tickets[member_id] = ticket._replace(state="EXPIRED", decided_at=batch.now)
            ended += 1
    return ended
