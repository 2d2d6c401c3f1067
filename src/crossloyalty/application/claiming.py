"""Claims and quotes: a member asks for an order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

import attrs

from crossloyalty.application.batch import Batch
from crossloyalty.application.converting import Candidate, settle_all
from crossloyalty.application.deciding import StartAgain, decide
from crossloyalty.application.guessing import Asking, count_attempts, device_key
from crossloyalty.application.loading import Loaded
from crossloyalty.application.orderstate import OrderState
from crossloyalty.application.ports import AsyncTransaction, Insert, Replace
from crossloyalty.application.programs import program_knowing
from crossloyalty.application.world import World
from crossloyalty.domain.answers import ClaimResult, when
from crossloyalty.domain.checks import clean_text
from crossloyalty.domain.facts import merge_order
from crossloyalty.domain.keys import OrderKey, clean_id, fold, normalise_order_no
from crossloyalty.domain.orders import Order
from crossloyalty.domain.ownership import NO_PROOF, Proof
from crossloyalty.domain.program import Program
from crossloyalty.domain.reasons import Reason, by_precedence
from crossloyalty.domain.records import AliasRecord, Key, LimitRecord, MemberRecord, OrderRecord, RootKey, key_of
from crossloyalty.errors import InvalidInput, WrongType, shown

__all__ = ["ClaimRequest", "claim_orders", "quote_order"]

_PROOFS = ("by_host", "amount_and_day", "none")


@attrs.frozen(kw_only=True)
class ClaimRequest:
    """
    One member's request for one order.

    Args:
        member_id: Who asks.
        platform: Where the order was placed.
        order_no: As typed; a sub-order's number will do.
        proof: What shows that the order is theirs.
        touch: Where it was typed, such as "parcel-card"; kept for reports.
        device: The host's key of the device or address it came from, for counting attempts; kept as a hash only.
    """

    member_id: str
    platform: str
    order_no: str
    proof: Proof = NO_PROOF
    touch: str = ""
    device: str = ""


@attrs.define
class _Asked:
    """A request with its key, or with the reason why it has none."""

    request: ClaimRequest
    key: OrderKey | None
    reason: Reason | None


def _parse(request: ClaimRequest, program: Program) -> _Asked:
    clean_id(request.member_id, "member_id")
    if not isinstance(request.proof, Proof):
        raise WrongType(f"proof is a Proof, not {shown(request.proof)}")
    clean_text(request.touch, "touch")
    clean_text(request.device, "device")
    platforms = program.known_platforms
    platform = platforms.get(request.platform)
    try:
        number = normalise_order_no(request.order_no, platform, platforms)
    except WrongType:
        raise
    except InvalidInput:
        likely = platforms.looks_like(fold(request.order_no[:200]))
        other = likely is not None and likely.family != platform.family
        return _Asked(request, None, Reason.WRONG_PLATFORM_HINT if other else Reason.ORDER_NO_MANGLED)
    return _Asked(request, OrderKey(program.program_id, platform.family, number), None)


def _best_proof_first(asked: _Asked) -> tuple[int, str]:
    """Sort the requests of one batch for one order, so that their order in the call decides nothing."""
    proof = asked.request.proof
    return _PROOFS.index(proof.kind), proof.to_json()


async def claim_orders(world: World, program_id: str, requests: Sequence[ClaimRequest]) -> list[ClaimResult]:
    """
    Convert orders for members; one request is a batch of one.

    Args:
        world: The ports.
        program_id: The program.
        requests: In any order; the outcome does not depend on it.

    Returns:
        One result per request, in the order of the requests. A "no" is a value.

    Raises:
        InvalidInput: A member id or platform cannot be one.
        StorageBusy: Too much contention; nothing was changed.
    """
    resolved: dict[OrderKey, OrderKey] = {}

    async def body(tx: AsyncTransaction) -> list[ClaimResult]:
        return await _claim(world, tx, program, asked, resolved)

    while True:
        program = await program_knowing(world, program_id, [request.platform for request in requests])
        asked = [_parse(request, program) for request in requests]
        try:
            return await world.run(body)
        except StartAgain:
            continue


async def _claim(
    world: World, tx: AsyncTransaction, program: Program, asked: Sequence[_Asked], resolved: dict[OrderKey, OrderKey]
) -> list[ClaimResult]:
    now = world.now()
    loaded = Loaded(world, tx, program.program_id, now, {})
    if world.homes:
        asked = [_at_home(loaded, each) for each in asked]
    wanted: dict[OrderKey, list[_Asked]] = {}
    for each in asked:
        if each.key is not None:
            wanted.setdefault(resolved.get(each.key, each.key), []).append(each)
    member_ids = list(dict.fromkeys(each.request.member_id for each in asked))
    roots: list[RootKey] = [Key(OrderRecord, key) for key in wanted]
    askers = dict.fromkeys(each.request.member_id for each in asked if each.key is not None)  # others change nothing
    roots += [Key(MemberRecord, (program.program_id, member_id)) for member_id in askers]
    device_of = {each.request.device: device_key(program.program_id, each.request.device) for each in asked}
    device_of.pop("", None)
    roots += device_of.values()
    versions = await loaded.lock(roots, wanted, member_ids)
    await loaded.read(wanted, member_ids)
    if loaded.program.platforms != program.platforms:
        raise StartAgain
    await _resolve_aliases(tx, loaded, wanted, resolved)
    await loaded.read_more()

    devices = await _devices(tx, device_of.values())
    stopped: set[tuple[OrderKey, str]] = set()

    def decision(batch: Batch) -> dict[tuple[OrderKey, str], Candidate]:
        outcome: dict[tuple[OrderKey, str], Candidate] = {}
        candidates: dict[OrderKey, list[Candidate]] = {}
        for key, group in wanted.items():
            for each in group if len(group) == 1 else sorted(group, key=_best_proof_first):
                request = each.request
                if (key, request.member_id) not in outcome:
                    candidate = Candidate(request.member_id, request.proof, now, touch=request.touch)
                    outcome[key, request.member_id] = candidate
                    if (key, request.member_id) in stopped:
                        candidate.stopped, candidate.reasons = True, (Reason.TOO_MANY_ATTEMPTS,)
                    elif not batch.member(request.member_id).blocked():
                        candidates.setdefault(key, []).append(candidate)
                    else:
                        candidate.reasons = (Reason.MEMBER_BLOCKED,)
        settle_all(batch, list(candidates), candidates)
        return outcome

    asking = [
        Asking(resolved.get(each.key, each.key), each.request.member_id, device_of.get(each.request.device))
        for each in asked
        if each.key is not None
    ]
    while True:
        batch, outcome = await decide(loaded, decision)
        more, noted = count_attempts(batch, asking, outcome, devices)
        if not more:
            break
        stopped |= more
    changes, touched = batch.changes(versions)
    if noted:
        changes.append(Replace.of(noted))
        touched.update((key_of(row), versions[key_of(row)]) for row in noted)
    for state in batch.orders():
        if state.tickets and not state.record.platform and state.record.next_due_at is None:
            changes += _placeholder(loaded, state)
    if changes:
        await tx.write(changes, roots=touched, final=True)
    return _answers(batch, asked, resolved, outcome)


def _at_home(loaded: Loaded, asked: _Asked) -> _Asked:
    """Ask for the member that stands for the one that was named."""
    home = loaded.home(asked.request.member_id)
    if home == asked.request.member_id:
        return asked
    return _Asked(attrs.evolve(asked.request, member_id=home), asked.key, asked.reason)


async def _resolve_aliases(
    tx: AsyncTransaction, loaded: Loaded, wanted: Mapping[OrderKey, object], resolved: dict[OrderKey, OrderKey]
) -> None:
    """A number no source has described may be a sub-order's; then the parent's roots are needed (D11)."""
    unknown = [key for key in wanted if not loaded.orders[key].platform]
    if not unknown:
        return
    found = await tx.read([Key(AliasRecord, key) for key in unknown])
    again = False
    for key in unknown:
        alias = cast("AliasRecord | None", found.records.get(Key(AliasRecord, key)))
        loaded.aliases[key] = alias
        if alias is not None and alias.order_no != key.order_no:
            resolved[key] = OrderKey(key.program_id, key.family, alias.order_no)
            again = True
    if again:
        raise StartAgain


async def _devices(tx: AsyncTransaction, keys: Iterable[Key]) -> dict[Key, LimitRecord]:
    """Read the rows of the devices the requests came from; most hosts name none."""
    wanted = list(keys)
    found = (await tx.read(wanted)).records if wanted else {}
    new = {key: LimitRecord(str(key.values[0]), str(key.values[1])) for key in wanted}
    return {key: cast(LimitRecord, found.get(key, new[key])) for key in wanted}


def _placeholder(loaded: Loaded, state: OrderState) -> list[Insert]:
    """
    Mark a number that is waited for.

    If it turns out to be a sub-order's, the ingest of the parent meets this row and moves the tickets; the unique key
    decides the race between the two.
    """
    if loaded.aliases.get(state.key) is not None:
        return []
    return [Insert(AliasRecord(*state.key, state.key.order_no))]


def _answers(
    batch: Batch,
    asked: Sequence[_Asked],
    resolved: Mapping[OrderKey, OrderKey],
    outcome: Mapping[tuple[OrderKey, str], Candidate],
) -> list[ClaimResult]:
    answers: list[ClaimResult] = []
    told: set[tuple[OrderKey, str]] = set()
    for each in asked:
        request = each.request
        member = batch.member(request.member_id)
        if each.key is None:
            reasons = [reason for reason in (each.reason,) if reason is not None]
            if member.blocked():
                reasons.append(Reason.MEMBER_BLOCKED)
            answers.append(
                ClaimResult(
                    request.member_id, request.platform, shown(request.order_no), reasons=by_precedence(reasons)
                )
            )
            continue
        key = resolved.get(each.key, each.key)
        candidate = outcome[key, request.member_id]
        again = (key, request.member_id) in told
        told.add((key, request.member_id))
        answers.append(_answer(batch, request, key, candidate, again=again))
    return answers


def _answer(batch: Batch, request: ClaimRequest, key: OrderKey, candidate: Candidate, *, again: bool) -> ClaimResult:
    state, claim = batch.order(key), batch.order(key).claim
    tier = batch.member(request.member_id).tier_name()
    reasons = candidate.reasons
    if claim is None or batch.home(claim.member_id) != request.member_id or Reason.MEMBER_BLOCKED in reasons:
        # What an order paid and what became of it is told to nobody but its buyer.
        tells = claim is None and not candidate.stopped
        tells = tells and Reason.RECEIVED not in reasons and Reason.OTHER_BUYER not in reasons
        return ClaimResult(
            request.member_id,
            request.platform,
            key.order_no,
            False,
            candidate.state,
            reasons,
            tier,
            when(candidate.claimable_from),
            "" if claim is None else batch.home(claim.member_id),
            "",
            state.facts_text() if tells else "",
            batch.program,
        )
    if candidate.won and again:
        reasons = (Reason.ALREADY_CLAIMED_BY_YOU,)
    return ClaimResult(
        request.member_id,
        request.platform,
        key.order_no,
        candidate.won and not again,
        claim.state,
        reasons,
        tier,
        None,
        request.member_id,
        claim.grants,
        state.facts_text(),
        batch.program_of(claim),
        claim.calc,
    )


async def quote_order(world: World, program_id: str, member_id: str, order: Order) -> ClaimResult:
    """
    Say what an order would give a member, by the same decision as a claim; nothing is written.

    Args:
        world: The ports.
        program_id: The program.
        member_id: Who would hold the claim; ownership is taken for granted.
        order: The order as the host sees it; what the store knows of it is merged in.

    Returns:
        A result with `created` False; `granted` is what a claim would give now.
    """
    asker = clean_id(member_id, "member_id")
    if not isinstance(order, Order):
        raise WrongType(f"quote takes an Order, not {shown(order)}")

    async def body(tx: AsyncTransaction) -> ClaimResult:
        now = world.now()
        loaded = Loaded(world, tx, program_id, now, {})
        member_id = loaded.home(asker)
        await loaded.read()
        platforms = loaded.program.known_platforms
        platform = platforms.get(order.platform)
        number = normalise_order_no(order.order_no, platform, platforms)
        key = OrderKey(program_id, platform.family, number)
        await loaded.read([key], [member_id])
        await loaded.read_more()
        await loaded.read_tickets([key])
        request = ClaimRequest(member_id=member_id, platform=order.platform, order_no=number)

        def decision(batch: Batch) -> Candidate:
            candidate = Candidate(member_id, Proof.by_host("quote"), now)
            state = batch.order(key)
            if merge_order(state.facts, order):
                state.facts_changed()
            if batch.member(member_id).blocked():
                candidate.reasons = (Reason.MEMBER_BLOCKED,)
            else:
                settle_all(batch, [key], {key: [candidate]})
            return candidate

        batch, candidate = await decide(loaded, decision)
        return attrs.evolve(_answer(batch, request, key, candidate, again=False), created=False)

    return await world.run(body, readonly=True)
