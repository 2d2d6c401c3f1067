"""Bind an identity to a member; orders of that buyer convert by themselves from then on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

import attrs

from crossloyalty.application.batch import Batch, MissingRoot
from crossloyalty.application.carrying import identities_of
from crossloyalty.application.claiming import ClaimRequest, answer_of
from crossloyalty.application.converting import settle_all
from crossloyalty.application.deciding import StartAgain, decide
from crossloyalty.application.identifying import ACTIVE, CONFLICT, UNBOUND, bind_now, strength_of
from crossloyalty.application.loading import Loaded
from crossloyalty.application.past_orders import past_orders_scan
from crossloyalty.application.ports import AsyncTransaction, Insert, Replace, Scan
from crossloyalty.application.programs import program_hint, program_knowing
from crossloyalty.application.standing import ids_of
from crossloyalty.application.world import World
from crossloyalty.domain.answers import ClaimResult
from crossloyalty.domain.checks import clean_text
from crossloyalty.domain.identities import PHONE, Identity, identity_key, is_denied
from crossloyalty.domain.keys import OrderKey, clean_id
from crossloyalty.domain.once import carry_once
from crossloyalty.domain.program import Program
from crossloyalty.domain.reasons import Reason
from crossloyalty.domain.records import (
    BindingRecord,
    BuyerRecord,
    ClaimRecord,
    Key,
    OrderRecord,
    RootKey,
    key_of,
)
from crossloyalty.errors import InvalidInput, shown

__all__ = ["BackfillResult", "BindResult", "backfill", "bind"]

_ROADS: Final = ("host", "callback", "operator")


@attrs.frozen
class BindResult:
    """
    What binding did.

    Args:
        bound: Whether the identity belongs to the member now.
        reason: Why not: OTHER_BUYER, when it is bound to somebody else already (D40); IN_REVIEW, when staff will look
            at that; IDENTITY_COOLING and DEBT_OPEN, when somebody else gave it up lately, or owes something (D39);
            MEMBER_BLOCKED, when it is on the deny list (S4-3).
        converted: Order numbers of past orders that became claims by it.
        left: Past orders beyond the cap `backfill_orders`; bind again to go on.
        backfill: What became of each past order of the claim window that nobody held, the latest first.
        automatic: Whether orders name this identity, so that later ones convert by themselves; members claim the
            others by hand.
    """

    bound: bool
    reason: Reason | None = None
    converted: tuple[str, ...] = ()
    left: int = 0
    backfill: tuple[ClaimResult, ...] = ()
    automatic: bool = True


@attrs.frozen
class BackfillResult:
    """
    What became of past orders.

    Args:
        converted: Order numbers that became claims.
        left: Past orders beyond the cap `backfill_orders`; call again to go on.
        backfill: One answer for each past order of the claim window that nobody held, the latest of an identity first.
    """

    converted: tuple[str, ...] = ()
    left: int = 0
    backfill: tuple[ClaimResult, ...] = ()

    def plus(self, result: BindResult) -> BackfillResult:
        """Add what became of the orders of one identity."""
        return BackfillResult(
            tuple(sorted((*self.converted, *result.converted))),
            self.left + result.left,
            (*self.backfill, *result.backfill),
        )


class _Refused(Exception):
    """Leaves the transaction without a trace, the root that `lock` has made for the member included."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


@attrs.define
class _Binding:
    """One call of `bind`, with what its tries have found out so far."""

    world: World
    asker: str
    identity: Identity | Key
    evidence: str = ""
    via: str = "host"
    ciphertext: str = ""
    again: bool = False  # bind nothing; only look at the past orders of what is the member's already
    member_id: str = ""  # who stands for the asker
    past: dict[OrderKey, None] = attrs.field(factory=dict)
    others: dict[str, None] = attrs.field(factory=dict)
    more: set[RootKey] = attrs.field(factory=set)

    @property
    def platforms(self) -> Sequence[str]:
        """Name the platforms the program has to know."""
        return () if isinstance(self.identity, Key) else (self.identity.platform,)

    def root(self, program: Program) -> Key:
        """Name the row of the identity."""
        if isinstance(self.identity, Key):
            return self.identity
        return identity_key(program.program_id, self.identity, program.known_platforms)


async def bind(
    world: World,
    program_id: str,
    member_id: str,
    *,
    platform: str,
    buyer_id: str,
    scope: str = "",
    evidence: str = "",
    via: str = "host",
    ciphertext: str = "",
) -> BindResult:
    """
    Bind an identity, and convert the buyer's past orders that are inside the claim window (D41).

    Args:
        world: The ports.
        program_id: The program.
        member_id: Who the buyer is.
        platform: Where the identity is from; see `Identity`.
        buyer_id: The id there; masked values identify nobody and are refused.
        scope: Where that id is unique, such as an app or shop id; empty for the whole platform.
        evidence: What shows it, kept with the binding.
        via: Who says so: "host", "callback" (the platform itself), "operator" (a person, with evidence; overrides
            the cool-down and an open debt).
        ciphertext: A phone under the host's cipher, "" for none.

    Returns:
        The outcome; an identity that is bound to somebody else is refused as a value.

    Raises:
        InvalidInput: An id cannot be one.
    """
    clean_id(member_id, "member_id")
    clean_text(evidence, "evidence")
    if via not in _ROADS:
        raise InvalidInput(f"an identity is bound via {', '.join(_ROADS)}, not {shown(via)}")
    if via == "operator" and not evidence:
        raise InvalidInput("an operator binds with evidence")
    call = _Binding(world, member_id, Identity(platform, buyer_id, scope), evidence, via, ciphertext)
    return await _run(call, program_id)


async def backfill(world: World, program_id: str, member_id: str) -> BackfillResult:
    """
    Convert the past orders of the claim window that a member's identities have bought and nobody holds.

    Args:
        world: The ports.
        program_id: The program.
        member_id: Who.

    Returns:
        One answer for each order, and how many are left beyond the cap `backfill_orders` of each identity.
    """
    clean_id(member_id, "member_id")
    await program_hint(world, program_id)

    async def look(tx: AsyncTransaction) -> list[BuyerRecord]:
        home, *_ = await ids_of(world, tx, program_id, member_id)
        return await identities_of(tx, program_id, [home])

    total = BackfillResult()
    for row in await world.run(look, readonly=True):
        call = _Binding(world, member_id, key_of(row), again=True)
        total = total.plus(await _run(call, program_id))
    return total


async def _run(call: _Binding, program_id: str) -> BindResult:
    async def body(tx: AsyncTransaction) -> BindResult:
        return await _bind(call, tx, program)

    while True:
        program = await program_knowing(call.world, program_id, call.platforms)
        try:
            return await call.world.run(body)
        except StartAgain:
            continue
        except MissingRoot as missing:
            call.more.update(missing.roots)
        except _Refused as refused:
            return BindResult(False, refused.reason, automatic=False)


async def _bind(call: _Binding, tx: AsyncTransaction, program: Program) -> BindResult:
    program_id = program.program_id
    buyer_key = call.root(program)
    roots = [buyer_key, *call.more, *(Key(OrderRecord, key) for key in call.past)]
    loaded = Loaded(call.world, tx, program_id, call.world.now(), {})
    members = await loaded.lock_homes([call.asker, *call.others], roots)
    member_id = call.member_id = members[0]
    versions = loaded.versions
    await loaded.read(call.past, members, [buyer_key])
    buyer = loaded.buyers[buyer_key]
    if buyer.last_member_id:  # who gave it up may have been merged since
        buyer = loaded.buyers[buyer_key] = buyer._replace(last_member_id=loaded.home(buyer.last_member_id))
    former = buyer.member_id or buyer.last_member_id
    if buyer.member_id != member_id and is_denied(buyer, loaded.now):
        raise _Refused(Reason.MEMBER_BLOCKED)
    if call.again and buyer.member_id != member_id:
        raise _Refused(Reason.OTHER_BUYER)
    if former not in ("", *members):
        call.others[former] = None
        raise StartAgain
    history: Sequence[BindingRecord] = ()
    if former not in ("", member_id):
        rows = (await tx.read(scans=[Scan(BindingRecord, buyer[:4], descending=True)])).rows[0]
        history = cast("Sequence[BindingRecord]", rows)
    verdict = _judge(call, loaded, buyer, history)
    if verdict is Reason.IN_REVIEW:
        return await _put_to_review(call, tx, loaded, buyer, history)
    if verdict is not None:
        raise _Refused(verdict)
    left = await _find_past(call, tx, loaded, buyer)
    await loaded.read_more()

    def decision(batch: Batch) -> None:
        batch.tried = {}
        member = batch.member(member_id)
        if buyer.member_id != member_id:
            _take_over(call, batch, buyer, history)
        elif call.ciphertext and not buyer.ciphertext:
            batch.put_buyer(buyer._replace(ciphertext=call.ciphertext))
        if not member.blocked():
            # The member is the bound buyer of these orders now; a request of theirs that waits keeps its time.
            settle_all(batch, [key for key in call.past if _is_theirs(batch, key, member_id)], {})

    batch, _ = await decide(loaded, decision)
    changes, touched = batch.changes(versions)
    if changes:
        await tx.write(changes, roots=touched, final=True)
    return _result(call, batch, left, buyer)


def _judge(call: _Binding, loaded: Loaded, buyer: BuyerRecord, history: Sequence[BindingRecord]) -> Reason | None:
    """Say why an identity cannot be bound to this member now; None: it can."""
    former = buyer.member_id or buyer.last_member_id
    if former in ("", call.member_id):
        return None
    rules = loaded.program.binding
    if buyer.member_id:
        if rules.conflict == "review":
            return Reason.IN_REVIEW
        held = next((row for row in history if row.state == ACTIVE), None)
        strong = bool(call.evidence) and strength_of(call.via) >= (0 if held is None else strength_of(held.via))
        return None if rules.conflict == "move" and strong else Reason.OTHER_BUYER
    if call.via == "operator":
        return None
    if buyer.free_at is not None and loaded.now < buyer.free_at:
        return Reason.IDENTITY_COOLING
    owes = any(account.account == "debt" and account.balance > 0 for account in loaded.members[former].accounts)
    return Reason.DEBT_OPEN if owes else None


async def _put_to_review(
    call: _Binding, tx: AsyncTransaction, loaded: Loaded, buyer: BuyerRecord, history: Sequence[BindingRecord]
) -> BindResult:
    """Note that a second member says they are this buyer; saying it again changes nothing."""
    answer = BindResult(False, Reason.IN_REVIEW, automatic=False)
    if any(row.state == CONFLICT and row.member_id == call.member_id for row in history):
        return answer
    number = buyer.binding_no + 1
    row = BindingRecord(*buyer[:4], number, call.member_id, CONFLICT, call.via, call.evidence, loaded.now, None, "")

    def decision(batch: Batch) -> None:
        batch.put_buyer(buyer._replace(binding_no=number), Insert(row))
        body = {"family": buyer.family, "scope": buyer.scope}
        batch.member(call.member_id).ledger.emit("identity.conflict", body)

    batch, _ = await decide(loaded, decision)
    changes, touched = batch.changes(loaded.versions)
    await tx.write(changes, roots=touched, final=True)
    return answer


def _take_over(call: _Binding, batch: Batch, buyer: BuyerRecord, history: Sequence[BindingRecord]) -> None:
    """Bind, and take the identity off whom it belongs to; what was given once is not given again through it (D39)."""
    member = batch.member(call.member_id)
    former = buyer.member_id or buyer.last_member_id
    if former not in ("", call.member_id):
        other = batch.member(former)
        if buyer.member_id:
            other.ledger.emit("identity.unbound", {"family": buyer.family, "scope": buyer.scope, "why": "moved"})
        if call.via != "operator":
            carry_once(other, member)
    ended = [
        row._replace(state=UNBOUND, ended_at=batch.now, ended_why="moved") for row in history if row.state == ACTIVE
    ]
    if ended:
        batch.put_buyer(buyer, Replace.of(ended))
    bind_now(batch, buyer, member, via=call.via, evidence=call.evidence, ciphertext=call.ciphertext)


async def _find_past(call: _Binding, tx: AsyncTransaction, loaded: Loaded, buyer: BuyerRecord) -> int:
    """
    Find the buyer's past orders that nobody holds.

    Returns:
        How many are left beyond the cap.

    Raises:
        StartAgain: Some of them are not locked yet.
    """
    scan = past_orders_scan(loaded, buyer)
    if scan is None:
        return 0
    cap = loaded.program.backfill_orders
    rows = [cast(OrderRecord, row) for row in (await tx.read(scans=[scan])).rows[0]]
    # What is somebody's claim already must not use up the cap, bind after bind; what was only shown for somebody who
    # had the identity before goes along with it.
    others = [row for row in rows if row.owner_id and loaded.home(row.owner_id) != call.member_id]
    claims = (await tx.read([Key(ClaimRecord, row[:3]) for row in others])).records if others else {}
    free = {row[:3] for row in others if Key(ClaimRecord, row[:3]) not in claims}
    open_rows = [row for row in rows if not row.owner_id or row[:3] in free]
    fresh = [OrderKey(row.program_id, row.family, row.order_no) for row in open_rows[:cap]]
    if any(key not in call.past for key in fresh):
        call.past.update(dict.fromkeys(fresh))
        raise StartAgain
    return max(0, len(open_rows) - cap)


def _is_theirs(batch: Batch, key: OrderKey, member_id: str) -> bool:
    """Say whether a past order is the member's now; whose phone it went to gives way to who bought it."""
    order = batch.order(key).effective
    return order is not None and batch.bound_to(order, key) == member_id


def _result(call: _Binding, batch: Batch, left: int, buyer: BuyerRecord) -> BindResult:
    member_id = call.member_id
    converted = [
        state.key.order_no
        for state in batch.orders()
        if state.claim is not None and state.claim_was is None and state.claim.member_id == member_id
    ]
    answers = []
    for key in call.past:
        mine = [each for each in (batch.tried or {}).get(key, ()) if each.member_id == member_id]
        for candidate in mine:
            request = ClaimRequest(
                member_id=member_id, platform=batch.order(key).record.platform, order_no=key.order_no
            )
            answers.append(answer_of(batch, request, key, candidate))
    program = batch.program
    families = {program.known_platforms.get(name).family for name in program.known_platforms}
    automatic = buyer.family in families or (buyer.family == PHONE and program.binding.by_phone)
    return BindResult(True, None, tuple(sorted(converted)), left, tuple(answers), automatic)
