"""Claims: a member asks for an order."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

import attrs

from crossloyalty.application.batch import Batch, MissingRoot
from crossloyalty.application.converting import Candidate, settle_all
from crossloyalty.application.deciding import StartAgain, decide
from crossloyalty.application.guessing import Asking, count_attempts, device_key, is_guess
from crossloyalty.application.identifying import is_free
from crossloyalty.application.loading import Loaded
from crossloyalty.application.past_orders import count_past_orders
from crossloyalty.application.ports import AsyncTransaction, Change, Insert, Replace
from crossloyalty.application.programs import program_knowing
from crossloyalty.application.stopping import answer_locked, remember_locks
from crossloyalty.application.world import World
from crossloyalty.domain.answers import ClaimResult, when
from crossloyalty.domain.checks import clean_text
from crossloyalty.domain.keys import OrderKey, clean_id, fold, normalise_order_no
from crossloyalty.domain.ownership import NO_PROOF, Proof
from crossloyalty.domain.program import Program
from crossloyalty.domain.reasons import Reason, by_precedence
from crossloyalty.domain.records import (
    AliasRecord,
    BuyerRecord,
    Key,
    LimitRecord,
    MemberRecord,
    OrderRecord,
    Record,
    RequestRecord,
    RootKey,
    key_of,
)
from crossloyalty.errors import InvalidInput, WrongType, shown

if TYPE_CHECKING:
    from crossloyalty.domain.tokens import OrderTokens

__all__ = ["Asked", "ClaimRequest", "answer_of", "claim_orders", "parse"]

_PROOFS = ("review", "by_host", "token", "phone", "phone_tail", "amount_and_day", "none")
_TOKEN = "#token:"


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
class Asked:
    """A request with its key, or with the reason why it has none."""

    request: ClaimRequest
    key: OrderKey | None
    reason: Reason | None


def parse(request: ClaimRequest, program: Program) -> Asked:
    """
    Check a request and read its order number.

    Raises:
        InvalidInput: The member id or the platform cannot be one.
    """
    clean_id(request.member_id, "member_id")
    if not isinstance(request.proof, Proof):
        raise WrongType(f"proof is a Proof, not {shown(request.proof)}")
    if request.proof.checked or request.proof.kind == "review":
        # These stand for what the library has checked, and for what staff decided through it.
        raise InvalidInput("a proof is made by the constructors that are named after what a member offers")
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
        return Asked(request, None, Reason.WRONG_PLATFORM_HINT if other else Reason.ORDER_NO_MANGLED)
    return Asked(request, OrderKey(program.program_id, platform.family, number), None)


def _best_proof_first(asked: Asked) -> tuple[int, str, str]:
    """Sort the requests of one batch for one order, so that their order in the call decides nothing."""
    proof = asked.request.proof
    return _PROOFS.index(proof.kind), proof.to_json(), asked.request.member_id


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
    if world.limiter is None:
        return await _claim_all(world, program_id, requests, None)
    from crossloyalty.application.counted import claim_counted  # for hosts that count, and inside their transactions

    return await claim_counted(world, program_id, requests, world.limiter, _claim_all)


async def _claim_all(
    world: World, program_id: str, requests: Sequence[ClaimRequest], guesses: set[int] | None
) -> list[ClaimResult]:
    """
    Claim, again from the start when more has to be locked.

    Args:
        world, program_id, requests: As for `claim_orders`.
        guesses: Told the places of the requests that were guesses, where attempts are counted elsewhere; None: they are
            counted here.
    """
    resolved: dict[OrderKey, OrderKey] = {}
    more: set[RootKey] = set()

    async def body(tx: AsyncTransaction) -> list[ClaimResult]:
        return await _claim(world, tx, program, asked, resolved, more, guesses)

    while True:
        program = await program_knowing(world, program_id, [request.platform for request in requests])
        asked = [parse(request, program) for request in requests]
        if world.locks and guesses is None:
            told = await answer_locked(world, program, asked)
            if told:
                rest = [request for place, request in enumerate(requests) if place not in told]
                others = iter(await _claim_all(world, program_id, rest, None) if rest else ())
                return [told[place] if place in told else next(others) for place in range(len(requests))]
        if any(each.request.proof.secret for each in asked):
            from crossloyalty.application import proving  # few hosts take such proofs

            asked = [await proving.sealed(world, each) for each in asked]
        try:
            return await world.run(body)
        except StartAgain:
            continue
        except MissingRoot as missing:
            more.update(missing.roots)


async def _claim(
    world: World,
    tx: AsyncTransaction,
    program: Program,
    asked: Sequence[Asked],
    resolved: dict[OrderKey, OrderKey],
    more: Collection[RootKey],
    guesses: set[int] | None,
) -> list[ClaimResult]:
    loaded = Loaded(world, tx, program.program_id, world.now(), {})
    asked = _at_home(loaded, asked) if world.homes else asked
    wanted = _by_order(asked, resolved)
    member_ids = list(dict.fromkeys(each.request.member_id for each in asked))
    roots: list[RootKey] = [*more, *(Key(OrderRecord, key) for key in wanted)]
    askers = dict.fromkeys(each.request.member_id for each in asked if each.key is not None)  # others change nothing
    roots += [Key(MemberRecord, (program.program_id, member_id)) for member_id in askers]
    named = () if guesses is not None else [each.request.device for each in asked if each.request.device]
    device_of = {device: device_key(program.program_id, device) for device in named}
    roots += device_of.values()
    versions = await loaded.lock(roots, member_ids)
    await loaded.read(wanted, member_ids)
    if loaded.program.platforms != program.platforms:
        raise StartAgain
    await _resolve_aliases(tx, loaded, wanted, resolved)
    await loaded.read_more()
    if loaded.program.binding.on_claim != "never":
        _lock_buyers(loaded, wanted)
    tokens = await _tokens(tx, loaded, asked)

    devices = await _devices(tx, device_of.values())
    stopped: set[tuple[OrderKey, str]] = set()

    def decision(batch: Batch) -> dict[tuple[OrderKey, str], Candidate]:
        outcome: dict[tuple[OrderKey, str], Candidate] = {}
        candidates: dict[OrderKey, list[Candidate]] = {}
        for key, group in wanted.items():
            for each in group if len(group) == 1 else sorted(group, key=_best_proof_first):
                request = each.request
                if (key, request.member_id) not in outcome:
                    proof = tokens.checked(request.proof, key, request.member_id)
                    candidate = Candidate(request.member_id, proof, loaded.now, touch=request.touch)
                    outcome[key, request.member_id] = candidate
                    if (key, request.member_id) in stopped:
                        candidate.stopped, candidate.reasons = True, (Reason.TOO_MANY_ATTEMPTS,)
                    elif not batch.member(request.member_id).blocked():
                        candidates.setdefault(key, []).append(candidate)
                    else:
                        candidate.reasons = (Reason.MEMBER_BLOCKED,)
        settle_all(batch, list(candidates), candidates)
        return outcome

    def asking_of(key: OrderKey, request: ClaimRequest) -> Asking:
        return Asking(resolved.get(key, key), request.member_id, device_of.get(request.device))

    asking = [asking_of(each.key, each.request) for each in asked if each.key is not None]
    while True:
        batch, outcome = await decide(loaded, decision)
        if guesses is not None:
            guesses.clear()
            guesses.update(
                place
                for place, each in enumerate(asked)
                if each.key is not None and is_guess(batch, asking_of(each.key, each.request), outcome)
            )
            noted: list[LimitRecord] = []
            break
        late, noted = count_attempts(batch, asking, outcome, devices)
        if not late:
            remember_locks(world, batch, asking, (*devices.values(), *noted))
            break
        stopped |= late
    await _count_past_orders(tx, batch, outcome.values())
    changes, touched = batch.changes(versions)
    if noted:
        changes.append(Replace.of(noted))
        touched.update((key_of(row), versions[key_of(row)]) for row in noted)
    changes += tokens.spent(outcome)
    changes += _placeholders(loaded, batch)
    if changes:
        await tx.write(changes, roots=touched, final=True)
    return _answers(batch, asked, resolved, outcome)


async def _count_past_orders(tx: AsyncTransaction, batch: Batch, candidates: Iterable[Candidate]) -> None:
    """Find what else those have bought whom claims of this batch have bound."""
    for candidate in candidates:
        if candidate.bound is not None:
            candidate.past_orders = await count_past_orders(tx, batch, candidate.bound)


def _at_home(loaded: Loaded, asked: Iterable[Asked]) -> list[Asked]:
    """Ask for the members that stand for those that were named."""
    homes = [(each, loaded.home(each.request.member_id)) for each in asked]
    return [
        each
        if each.request.member_id == home
        else Asked(attrs.evolve(each.request, member_id=home), each.key, each.reason)
        for each, home in homes
    ]


def _by_order(asked: Iterable[Asked], resolved: Mapping[OrderKey, OrderKey]) -> dict[OrderKey, list[Asked]]:
    wanted: dict[OrderKey, list[Asked]] = {}
    for each in asked:
        if each.key is not None:
            wanted.setdefault(resolved.get(each.key, each.key), []).append(each)
    return wanted


def _lock_buyers(loaded: Loaded, wanted: Mapping[OrderKey, Sequence[Asked]]) -> None:
    """
    Ask for the roots of buyers whom a claim of this batch may bind, as long as nothing was decided.

    Raises:
        MissingRoot: Some are not locked yet.
    """
    missing: dict[RootKey, None] = {}
    for key, group in wanted.items():
        order = loaded.orders[key]
        if not order.buyer_id or key in loaded.claims:
            continue
        root = Key(BuyerRecord, (key.program_id, key.family, order.buyer_scope, order.buyer_id))
        proven = [each.request.member_id for each in group if each.request.proof.kind != "none"]
        if root not in loaded.versions and any(is_free(loaded, loaded.buyers[root], each) for each in proven):
            missing[root] = None
    if missing:  # all at once: a batch of many buyers would begin again for each of them
        raise MissingRoot(*missing)


@attrs.define
class _Tokens:
    """The tokens of a batch: each proves its order to the first member who brings it, and to nobody else."""

    loaded: Loaded
    signer: OrderTokens | None
    used: Mapping[Key, Record]

    def checked(self, proof: Proof, key: OrderKey, member_id: str) -> Proof:
        """Put the nonce in the place of a token, and say whether it is right; other proofs stay as they are."""
        if proof.kind != "token":
            return proof
        nonce = "" if self.signer is None else self.signer.check(proof.secret, key, now=self.loaded.now)
        if not nonce:
            return proof.sealed((), checked=False)
        held = self.used.get(_token_key(key, nonce))
        return proof.sealed([nonce], checked=held is None or cast(RequestRecord, held).digest == member_id)

    def spent(self, outcome: Mapping[tuple[OrderKey, str], Candidate]) -> list[Change]:
        """Give the rows that make right tokens theirs who brought them."""
        rows: dict[Key, RequestRecord] = {}
        for (key, member_id), candidate in outcome.items():
            proof = candidate.proof
            if proof.kind == "token" and proof.checked and not candidate.stopped:
                row = _token_key(key, proof.marks[0])
                if row not in self.used:
                    values = cast("tuple[str, str]", row.values)
                    rows.setdefault(row, RequestRecord(*values, member_id, "", self.loaded.now))
        return [Insert(row) for row in rows.values()]


def _token_key(key: OrderKey, nonce: str) -> Key:
    digest = hashlib.sha256("\x1f".join((*key, nonce)).encode()).hexdigest()
    return Key(RequestRecord, (key.program_id, _TOKEN + digest))


async def _tokens(tx: AsyncTransaction, loaded: Loaded, asked: Sequence[Asked]) -> _Tokens:
    """Read who has brought the tokens of a batch before; most batches have none."""
    signer = loaded.world.tokens
    wanted: list[Key] = []
    if signer is not None:
        for each in asked:
            if each.request.proof.kind == "token":
                for key in loaded.orders:
                    nonce = signer.check(each.request.proof.secret, key, now=loaded.now)
                    if nonce:
                        wanted.append(_token_key(key, nonce))
    return _Tokens(loaded, signer, (await tx.read(wanted)).records if wanted else {})


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


def _placeholders(loaded: Loaded, batch: Batch) -> list[Change]:
    """
    Mark the numbers that are waited for.

    If one turns out to be a sub-order's, the ingest of the parent meets this row and moves the tickets; the unique key
    decides the race between the two.
    """
    return [
        Insert(AliasRecord(*state.key, state.key.order_no))
        for state in batch.orders()
        if state.tickets
        and not state.record.platform
        and state.record.next_due_at is None
        and loaded.aliases.get(state.key) is None
    ]


def _answers(
    batch: Batch,
    asked: Sequence[Asked],
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
        answers.append(answer_of(batch, request, key, candidate, again=again))
    return answers


def answer_of(
    batch: Batch, request: ClaimRequest, key: OrderKey, candidate: Candidate, *, again: bool = False
) -> ClaimResult:
    """
    Say what became of a candidate.

    Args:
        batch: Decided.
        request: What was asked.
        key: The order.
        candidate: Who wanted it.
        again: The same call has been answered for the same order and member before.
    """
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
        bound=candidate.bound is not None and not again,
        past_orders=0 if again else candidate.past_orders,
    )
