"""What staff decide: requests that are held, identities two members want, and whose claim it really is."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, cast

import attrs

from crossloyalty.application.batch import Batch, MissingRoot
from crossloyalty.application.converting import Candidate, convert
from crossloyalty.application.deciding import StartAgain, decide
from crossloyalty.application.identifying import ACTIVE, CONFLICT, REFUSED, UNBOUND, bind_now, by_order
from crossloyalty.application.loading import Loaded
from crossloyalty.application.operating import Keyed
from crossloyalty.application.pages import Page, checked_limit, cursor_of, row_behind
from crossloyalty.application.ports import AsyncTransaction, Replace, Scan
from crossloyalty.application.programs import program_hint, program_knowing
from crossloyalty.application.world import World
from crossloyalty.domain.calendar import time_of
from crossloyalty.domain.identities import is_denied
from crossloyalty.domain.keys import OrderKey, clean_id, normalise_order_no
from crossloyalty.domain.member import Member
from crossloyalty.domain.ownership import Proof
from crossloyalty.domain.reasons import Reason
from crossloyalty.domain.records import (
    AliasRecord,
    BindingRecord,
    BuyerRecord,
    Key,
    MemberRecord,
    OrderRecord,
    RootKey,
    TicketRecord,
)
from crossloyalty.domain.settlement import IMPORTED, close_holder, first_settlement
from crossloyalty.errors import InvalidInput, WrongType, shown

__all__ = ["Review", "ReviewResult", "approve", "dispute", "page_of_reviews", "refuse"]

# Cursors are bound to their list: no member can have such an id, because it begins with a blank.
_LIST: Final = " reviews"
_TICKET: Final = "claim"
_BINDING: Final = "binding"


@attrs.frozen
class Review:
    """
    Something that waits for a person.

    Args:
        id: Names it to `approve` and `refuse`.
        kind: "claim": a request for an order; "binding": an identity that belongs to somebody else.
        member_id: Who wants it.
        family: The platform's family, or the kind of identity.
        order_no: The order, "" for an identity.
        reason: Why it is held.
        asked_at: Since when.
        expires_at: When a request runs out, None for an identity.
    """

    id: str
    kind: str
    member_id: str
    family: str
    order_no: str
    reason: Reason
    asked_at: datetime
    expires_at: datetime | None


@attrs.frozen
class ReviewResult:
    """
    What a decision of staff did.

    Args:
        done: Whether it changed something; False when there was nothing left to decide, or a reason stands against it.
        state: What the request or the claim is now, "" for neither.
        holder_id: Who holds the order, or the identity, now; "" for nobody.
        holder_no: 1, or one more for each time the claim moved; 0 without a claim.
        reasons: What stands against it, or keeps it from giving anything.
    """

    done: bool
    state: str = ""
    holder_id: str = ""
    holder_no: int = 0
    reasons: tuple[Reason, ...] = ()

    def document(self) -> dict[str, Any]:
        """Give what is kept under the idempotency key."""
        return {**attrs.asdict(self), "reasons": [reason.value for reason in self.reasons]}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> ReviewResult:
        """Read what was kept."""
        return cls(**{**document, "reasons": tuple(Reason(value) for value in document["reasons"])})


async def page_of_reviews(world: World, program_id: str, limit: int, after: str | None) -> Page[Review]:
    """
    List what waits for a person, requests first, the longest wait in front.

    Args:
        world: The ports.
        program_id: The program.
        limit: The most items, 1 to 1,000; requests that have run out are left out, so a page may hold fewer.
        after: The last page's `next`.
    """
    checked_limit(limit)
    while True:
        page = await _page(world, program_id, limit, after)
        # An empty page that is not the last would make a screen look done.
        if page.items or page.next is None:
            return page
        after = page.next


async def _page(world: World, program_id: str, limit: int, after: str | None) -> Page[Review]:
    place = row_behind(after, program_id, _LIST)
    in_bindings = place is not None and place[2] == _BINDING
    behind = None if place is None or len(place) == 3 else (program_id, *place[3:])

    async def body(tx: AsyncTransaction) -> Page[Review]:
        now = world.now()
        if not in_bindings:
            scan = Scan(TicketRecord, (program_id, "HELD_REVIEW"), by="by_state", limit=limit + 1, after=behind)
            tickets = [cast(TicketRecord, row) for row in (await tx.read(scans=[scan])).rows[0]]
            page = tickets[:limit]
            items = tuple(_of_ticket(row) for row in page if row.expires_at > now)
            row = page[-1] if len(tickets) > limit else None
            more: tuple[Any, ...] = (
                (_BINDING,)
                if row is None
                else (_TICKET, row.state, row.requested_at, row.family, row.order_no, row.member_id)
            )
            return Page(items, cursor_of(more, program_id, _LIST))
        scan = Scan(BindingRecord, (program_id, CONFLICT), by="by_state", limit=limit + 1, after=behind)
        bindings = [cast(BindingRecord, row) for row in (await tx.read(scans=[scan])).rows[0]]
        last = bindings[limit - 1] if len(bindings) > limit else None
        next_at = None
        if last is not None:
            place_of = (last.state, last.bound_at, last.family, last.scope, last.buyer_id, last.binding_no)
            next_at = cursor_of((_BINDING, *place_of), program_id, _LIST)
        return Page(tuple(_of_binding(row) for row in bindings[:limit]), next_at)

    return await world.run(body, readonly=True)


def _named(kind: str, values: Sequence[str | int]) -> str:
    return base64.urlsafe_b64encode(json.dumps([kind, *values], separators=(",", ":")).encode()).decode()


def _of_ticket(row: TicketRecord) -> Review:
    return Review(
        _named(_TICKET, row[:4]),
        _TICKET,
        row.member_id,
        row.family,
        row.order_no,
        Reason(row.reason),
        time_of(row.requested_at),
        time_of(row.expires_at),
    )


def _of_binding(row: BindingRecord) -> Review:
    name = _named(_BINDING, row[:5])
    return Review(name, _BINDING, row.member_id, row.family, "", Reason.OTHER_BUYER, time_of(row.bound_at), None)


def _read_name(name: str, program_id: str) -> tuple[str, list[Any]]:
    """Read what `_named` gave; one of another program is refused."""
    if not isinstance(name, str):
        raise WrongType(f"a review is named by text, not {type(name).__name__}: {shown(name)}")
    try:
        kind, *values = json.loads(base64.urlsafe_b64decode(name.encode()))
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidInput(f"no review of ours: {shown(name)}") from error
    texts, numbers = (4, 0) if kind == _TICKET else (4, 1)
    sound = kind in (_TICKET, _BINDING) and len(values) == texts + numbers and values[0] == program_id
    if not (sound and all(isinstance(each, str) for each in values[:4]) and all(type(n) is int for n in values[4:])):
        raise InvalidInput(f"no review of this program: {shown(name)}")
    return kind, values


def _checked(reason: str, operator: str) -> None:
    clean_id(reason, "reason")
    clean_id(operator, "operator")


async def approve(
    world: World, program_id: str, review_id: str, *, reason: str, operator: str, key: str
) -> ReviewResult:
    """
    Give somebody what they asked for, whatever held it: a wrong proof, an amount that does not add up, another holder.

    Args:
        world: The ports.
        program_id: The program.
        review_id: As `page_of_reviews` names it.
        reason: Why, kept as the evidence; no personal data.
        operator: Who decided.
        key: Idempotency key.

    Returns:
        The outcome; an order that is not finished yet converts when it is.

    Raises:
        IdempotencyConflict: The key was used for another request.
    """
    _checked(reason, operator)
    kind, values = _read_name(review_id, program_id)
    keyed = Keyed(program_id, key, {"do": "approve", "review": review_id, "operator": operator})
    evidence = f"{operator}: {reason}"[:128].strip()
    if kind == _BINDING:
        return await _decide_binding(world, program_id, values, evidence, keyed, approved=True)
    order = OrderKey(program_id, values[1], values[2])
    return await _give(world, order, values[3], evidence, keyed, asked=True)


async def refuse(
    world: World, program_id: str, review_id: str, *, reason: str, operator: str, key: str
) -> ReviewResult:
    """
    End a request or the wish for an identity; asking again with the same proof does not open it again.

    Args:
        world, program_id, review_id, reason, operator, key: As for `approve`.

    Raises:
        IdempotencyConflict: The key was used for another request.
    """
    _checked(reason, operator)
    kind, values = _read_name(review_id, program_id)
    keyed = Keyed(program_id, key, {"do": "refuse", "review": review_id, "operator": operator})
    if kind == _BINDING:
        return await _decide_binding(
            world, program_id, values, f"{operator}: {reason}"[:128].strip(), keyed, approved=False
        )
    order = OrderKey(program_id, values[1], values[2])
    member_id = values[3]
    await program_hint(world, program_id)

    async def body(tx: AsyncTransaction) -> ReviewResult:
        loaded = Loaded(world, tx, program_id, world.now(), {})
        homes = await loaded.lock_homes([member_id], [Key(OrderRecord, order)])
        versions = loaded.versions
        told = await keyed.answered(tx)
        if told is not None:
            return ReviewResult.from_document(told)
        await loaded.read([order], homes)
        await loaded.read_more()
        await loaded.read_tickets([order])

        def decision(batch: Batch) -> ReviewResult:
            state = batch.order(order)
            ticket = state.tickets.get(member_id)
            holder = "" if state.claim is None else state.claim.member_id
            number = 0 if state.claim is None else state.claim.holder_no
            if ticket is None or ticket.state != "HELD_REVIEW":
                return ReviewResult(False, "" if ticket is None else ticket.state, holder, number)
            state.tickets[member_id] = ticket._replace(
                state="REJECTED", reason=Reason.REFUSED.value, decided_at=batch.now, expires_at=batch.now
            )
            if state.claim is None:
                state.next_due_at = batch.now  # as when a request runs out: the bound buyer may have it now
            body = {"family": order.family, "order_no": order.order_no, "by": operator, "why": reason}
            batch.member(member_id).ledger.emit("claim.refused", body)
            return ReviewResult(True, "REJECTED", holder, number, (Reason.REFUSED,))

        batch, result = await decide(loaded, decision)
        changes, touched = batch.changes(versions)
        await tx.write([*changes, keyed.keep(result.document(), loaded.now)], roots=touched, final=True)
        return result

    return await world.run(body)


async def dispute(
    world: World,
    program_id: str,
    member_id: str,
    *,
    platform: str,
    order_no: str,
    evidence: str,
    operator: str,
    key: str,
) -> ReviewResult:
    """
    Give an order to its true buyer, who holds it already or not: the claim moves and its key stays taken.

    The holder before loses all the order gave; what was spent is owed. The new one gets what the order gives under the
    rules of today (design section 11).

    Args:
        world: The ports.
        program_id: The program.
        member_id: The true buyer.
        platform, order_no: The order; a sub-order's number will do.
        evidence: What shows it; no personal data.
        operator: Who decided.
        key: Idempotency key.

    Raises:
        InvalidInput: It cannot be an order number of that platform.
        IdempotencyConflict: The key was used for another request.
    """
    clean_id(member_id, "member_id")
    clean_id(evidence, "evidence")
    clean_id(operator, "operator")
    program = await program_knowing(world, program_id, [platform])
    known = program.known_platforms
    number = normalise_order_no(order_no, known.get(platform), known)
    order = OrderKey(program_id, known.get(platform).family, number)
    keyed = Keyed(program_id, key, {"do": "dispute", "member_id": member_id, "order": [order.family, number]})
    return await _give(world, order, member_id, f"{operator}: {evidence}"[:128].strip(), keyed, asked=False)


async def _give(
    world: World, asked_for: OrderKey, member_id: str, evidence: str, keyed: Keyed, *, asked: bool
) -> ReviewResult:
    """Give an order to a member by the word of staff: convert it, let it wait for its finish, or move the claim."""
    program_id = asked_for.program_id
    more: set[RootKey] = set()
    order = asked_for
    await program_hint(world, program_id)

    async def body(tx: AsyncTransaction) -> ReviewResult:
        nonlocal order
        loaded = Loaded(world, tx, program_id, world.now(), {})
        named = [member_id, *(str(root.values[1]) for root in more if root.kind is MemberRecord)]
        roots = [Key(OrderRecord, order), *(root for root in more if root.kind is not MemberRecord)]
        members = await loaded.lock_homes(named, roots)
        versions = loaded.versions
        told = await keyed.answered(tx)
        if told is not None:
            return ReviewResult.from_document(told)
        await loaded.read([order], members)
        if not loaded.orders[order].platform and order is asked_for:
            alias = Key(AliasRecord, order)
            found = cast("AliasRecord | None", (await tx.read([alias])).records.get(alias))
            if found is not None and found.order_no != order.order_no:
                order = order._replace(order_no=found.order_no)
                raise StartAgain
        claim = loaded.claims.get(order)
        if claim is not None:
            holder_root = Key(MemberRecord, (program_id, loaded.home(claim.member_id)))
            if holder_root not in versions:
                raise MissingRoot(holder_root)
        await loaded.read_more()
        await loaded.read_tickets([order])
        bindings = await _bound_by_claim(tx, loaded, order)

        def decision(batch: Batch) -> ReviewResult:
            result = _decide_order(batch, order, member_id, evidence, asked)
            if result.done and claim is not None:
                _take_along(batch, order, bindings, batch.member(member_id), evidence)
            return result

        batch, result = await decide(loaded, decision)
        changes, touched = batch.changes(versions)
        await tx.write([*changes, keyed.keep(result.document(), loaded.now)], roots=touched, final=True)
        return result

    while True:
        try:
            return await world.run(body)
        except StartAgain:
            continue
        except MissingRoot as missing:
            more.update(missing.roots)


async def _bound_by_claim(tx: AsyncTransaction, loaded: Loaded, order: OrderKey) -> Sequence[BindingRecord]:
    """Read the history of the buyer's identity where this very claim has bound it to its holder."""
    claim, record = loaded.claims.get(order), loaded.orders[order]
    buyer = loaded.buyers.get(Key(BuyerRecord, (*order[:2], record.buyer_scope, record.buyer_id)))
    if claim is None or buyer is None or buyer.evidence != by_order(order):
        return ()
    if loaded.home(buyer.member_id) != loaded.home(claim.member_id):
        return ()
    return cast("Sequence[BindingRecord]", (await tx.read(scans=[Scan(BindingRecord, buyer[:4])])).rows[0])


def _take_along(
    batch: Batch, order: OrderKey, bindings: Sequence[BindingRecord], member: Member, evidence: str
) -> None:
    """
    Give an identity to the true buyer of the order by whose claim it was bound: the holder before proved nothing.

    Raises:
        MissingRoot: The identity is not locked.
    """
    for row in bindings:
        if row.state == ACTIVE and row.via.startswith("claim:") and row.evidence == by_order(order):
            buyer = batch.buyer(Key(BuyerRecord, row[:4]))
            batch.put_buyer(buyer, Replace(row._replace(state=UNBOUND, ended_at=batch.now, ended_why="dispute")))
            where = {"family": buyer.family, "scope": buyer.scope}
            batch.member(row.member_id).ledger.emit("identity.unbound", {**where, "why": "dispute"})
            bind_now(batch, buyer, member, via="operator", evidence=evidence)


def _decide_order(batch: Batch, order: OrderKey, member_id: str, evidence: str, asked: bool) -> ReviewResult:
    state = batch.order(order)
    asked_as, member_id = member_id, batch.home(member_id)
    ticket, claim = state.tickets.get(asked_as), state.claim
    holder, number = ("", 0) if claim is None else (batch.home(claim.member_id), claim.holder_no)
    if asked and (ticket is None or ticket.state != "HELD_REVIEW"):
        return ReviewResult(False, "" if ticket is None else ticket.state, holder, number)
    if claim is not None and holder == member_id:
        return ReviewResult(False, claim.state, holder, number, (Reason.ALREADY_CLAIMED_BY_YOU,))
    effective = state.effective
    member = batch.member(member_id)
    if member.blocked() or (effective is not None and batch.buyer_blocked(effective, order)):
        return ReviewResult(False, "", holder, number, (Reason.MEMBER_BLOCKED,))
    requested_at = batch.now if ticket is None else ticket.requested_at
    if claim is None:
        touch = "" if ticket is None else ticket.touch
        candidate = Candidate(member_id, Proof("review", evidence=evidence), requested_at, touch=touch)
        candidate.ticket_of = asked_as
        convert(batch, state, [candidate])
        made = state.claim
        if made is not None:
            return ReviewResult(True, made.state, member_id, made.holder_no, candidate.reasons)
        return ReviewResult(candidate.state != "REJECTED", candidate.state, "", 0, candidate.reasons)
    if effective is None or claim.state == IMPORTED:
        # Nothing is known of what it gave, so nothing can be taken back.
        return ReviewResult(False, claim.state, holder, number, (Reason.ALREADY_CLAIMED,))
    close_holder(batch.member(holder), claim, effective, batch.program_of(claim))
    moved = first_settlement(
        member,
        effective,
        batch.program,
        revision=batch.revision,
        family=order.family,
        order_no=order.order_no,
        via="review",
        requested_at=min(requested_at, claim.requested_at),
        touch=claim.touch if ticket is None else ticket.touch,
        holder_no=number + 1,
    )
    state.claim, state.owner_id = moved.record, member_id
    state.tickets.pop(asked_as, None)
    return ReviewResult(True, moved.record.state, member_id, number + 1, moved.reasons)


async def _decide_binding(
    world: World, program_id: str, values: list[Any], evidence: str, keyed: Keyed, *, approved: bool
) -> ReviewResult:
    """Give an identity to whoever wants it, or end that wish."""
    buyer_key = Key(BuyerRecord, tuple(values[:4]))
    row_key = Key(BindingRecord, tuple(values))
    members: dict[str, None] = {}
    await program_hint(world, program_id)

    async def body(tx: AsyncTransaction) -> ReviewResult:
        loaded = Loaded(world, tx, program_id, world.now(), {})
        homes = await loaded.lock_homes(members, [buyer_key])
        versions = loaded.versions
        told = await keyed.answered(tx)
        if told is not None:
            return ReviewResult.from_document(told)
        await loaded.read((), homes, [buyer_key])
        rows = [
            cast(BindingRecord, row) for row in (await tx.read(scans=[Scan(BindingRecord, tuple(values[:4]))])).rows[0]
        ]
        wish = next((row for row in rows if row[:5] == row_key.values), None)
        buyer = loaded.buyers[buyer_key]
        needed = {name for name in (buyer.member_id, "" if wish is None else wish.member_id) if name}
        if not {loaded.home(name) for name in needed} <= set(homes):
            members.update(dict.fromkeys(sorted(needed)))
            raise StartAgain

        def decision(batch: Batch) -> ReviewResult:
            if wish is None or wish.state != CONFLICT:
                return ReviewResult(False, "" if wish is None else wish.state, buyer.member_id)
            now = batch.now
            if approved and is_denied(buyer, now):
                return ReviewResult(False, CONFLICT, buyer.member_id, 0, (Reason.MEMBER_BLOCKED,))
            where = {"family": buyer.family, "scope": buyer.scope}
            if not approved:
                ended = wish._replace(state=REFUSED, ended_at=now, ended_why=evidence)
                batch.put_buyer(buyer, Replace(ended))
                return ReviewResult(True, REFUSED, buyer.member_id, 0, (Reason.REFUSED,))
            over = [wish._replace(state=UNBOUND, ended_at=now, ended_why="approved")]
            over += [
                row._replace(state=UNBOUND, ended_at=now, ended_why=evidence) for row in rows if row.state == ACTIVE
            ]
            batch.put_buyer(buyer, Replace.of(over))
            if buyer.member_id:
                batch.member(buyer.member_id).ledger.emit("identity.unbound", {**where, "why": "review"})
            bind_now(batch, buyer, batch.member(wish.member_id), via="operator", evidence=evidence)
            return ReviewResult(True, ACTIVE, batch.home(wish.member_id))

        batch, result = await decide(loaded, decision)
        changes, touched = batch.changes(versions)
        await tx.write([*changes, keyed.keep(result.document(), loaded.now)], roots=touched, final=True)
        return result

    while True:
        try:
            return await world.run(body)
        except StartAgain:
            continue
