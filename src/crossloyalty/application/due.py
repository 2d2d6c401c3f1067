"""What time brings: pending lots become spendable, lots expire, tiers are reviewed, tickets run out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import cast

import attrs

from crossloyalty.application.batch import Batch, MissingRoot
from crossloyalty.application.converting import expire_tickets, settle_all
from crossloyalty.application.deciding import StartAgain, decide
from crossloyalty.application.loading import Loaded
from crossloyalty.application.ports import AsyncTransaction, Scan
from crossloyalty.application.programs import program_hint, read_revisions
from crossloyalty.application.world import World
from crossloyalty.domain.actions import action_of
from crossloyalty.domain.checks import checked_call
from crossloyalty.domain.gifts import gift_of
from crossloyalty.domain.grants import activate
from crossloyalty.domain.inactivity import lapse, look_ahead
from crossloyalty.domain.keys import OrderKey
from crossloyalty.domain.member import Member
from crossloyalty.domain.needs import Need
from crossloyalty.domain.program import Program
from crossloyalty.domain.records import NEVER, Key, LotRecord, MemberRecord, OrderRecord, RootKey
from crossloyalty.domain.rules import Reward
from crossloyalty.domain.tiers import next_due_day
from crossloyalty.errors import InvalidInput, shown

__all__ = ["DueReport", "run_due"]


@attrs.define
class DueReport:
    """
    What `run_due` did.

    Args:
        members, orders: Roots looked at.
        issued: Lots that became spendable.
        expired: Lots that expired.
        tiers_changed: Members whose tier changed at a review.
        tickets_expired: Tickets that ran out.
        claims_created: Orders whose time had come.
    """

    members: int = 0
    orders: int = 0
    issued: int = 0
    expired: int = 0
    tiers_changed: int = 0
    tickets_expired: int = 0
    claims_created: int = 0

    def add(self, other: DueReport) -> None:
        """Add the counts of one batch."""
        for field in attrs.fields(DueReport):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))


async def run_due(
    world: World,
    program_id: str,
    *,
    batch: int = 200,
    progress: Callable[[DueReport], None] | None = None,
) -> DueReport:
    """
    Do everything whose time has come, until nothing is left; run it every few minutes.

    Args:
        world: The ports.
        program_id: The program.
        batch: Roots a transaction, 1 to 1,000.
        progress: Called after each batch with the counts so far.

    Returns:
        The counts. Running it twice, or in two processes at once, does nothing twice.
    """
    if type(batch) is not int or not 1 <= batch <= 1000:
        raise InvalidInput(f"a batch has 1 to 1000 roots, not {shown(batch)}")
    checked_call(progress, "progress")
    report = DueReport()
    await program_hint(world, program_id)
    for step in (_due_orders, _due_members):
        while True:
            done = await step(world, program_id, batch)
            if done is None:
                break
            report.add(done)
            if progress is not None:
                progress(report)
    return report


# -- members: issue, expiry, tier review ------------------------------------------------------------------------------


async def _due_members(world: World, program_id: str, size: int) -> DueReport | None:
    async def look(tx: AsyncTransaction) -> tuple[list[str], list[OrderKey]]:
        now = world.now()
        scan = Scan(MemberRecord, (program_id,), by="by_due", low=0, high=now, limit=size)
        ids = [cast(MemberRecord, row).member_id for row in (await tx.read(scans=[scan])).rows[0]]
        scans = [Scan(LotRecord, (program_id, member_id), by="by_due", low=0, high=now) for member_id in ids]
        lots = [cast(LotRecord, row) for rows in (await tx.read(scans=scans)).rows for row in rows]
        return ids, _claims_behind(lots)

    ids, keys = await world.run(look, readonly=True)
    if not ids:
        return None

    async def body(tx: AsyncTransaction) -> DueReport:
        return await _work_members(world, tx, await program_hint(world, program_id), ids, keys)

    while True:
        try:
            return await world.run(body)
        except StartAgain:
            ids, keys = await world.run(look, readonly=True)


def _claims_behind(lots: Iterable[LotRecord]) -> list[OrderKey]:
    """Name the claims whose pending lots are due: their state changes with them."""
    return list(
        dict.fromkeys(
            OrderKey(lot.program_id, lot.family, lot.order_no)
            for lot in lots
            if lot.state == "PENDING" and lot.order_no
        )
    )


async def _work_members(
    world: World, tx: AsyncTransaction, program: Program, ids: list[str], keys: list[OrderKey]
) -> DueReport:
    member_roots = [Key(MemberRecord, (program.program_id, member_id)) for member_id in ids]
    versions = await tx.lock([*(Key(OrderRecord, key) for key in keys), *member_roots])
    now = world.now()
    loaded = Loaded(world, tx, program.program_id, now, versions)
    await loaded.read(keys, ids)
    scans: list[Scan] = []
    for member_id in ids:
        prefix = (program.program_id, member_id)
        scans.append(Scan(LotRecord, prefix, by="by_due", low=0, high=now))
        scans.append(Scan(LotRecord, prefix, by="by_due", low=now + 1, high=NEVER - 1, limit=1))
    found = await tx.read(scans=scans)
    coming: dict[str, int | None] = {}
    for place, member_id in enumerate(ids):
        due = cast("list[LotRecord]", found.rows[2 * place])
        if not set(_claims_behind(due)) <= set(keys):
            raise StartAgain
        loaded.add_lots(member_id, due)
        behind = cast("list[LotRecord]", found.rows[2 * place + 1])
        coming[member_id] = behind[0].due_at if behind else None
    revisions = {claim.revision for claim in loaded.claims.values()}
    loaded.programs.update(await read_revisions(world, tx, program.program_id, revisions))

    def decision(batch: Batch) -> DueReport:
        report = DueReport(members=len(ids))
        # One member's need must not cost all the others a round of their own.
        for member_id in ids:
            try:
                _member_due(batch, batch.member(member_id), coming[member_id], report)
            except Need as need:
                batch.needs.append(need)
        for key in keys:
            try:
                _claim_issued(batch, key)
            except Need as need:
                batch.needs.append(need)
        return report

    batch, report = await decide(loaded, decision)
    changes, touched = batch.changes(versions)
    if changes:
        await tx.write(changes, roots=touched, final=True)
    return report


def _claim_issued(batch: Batch, key: OrderKey) -> None:
    """A claim that waited is granted once no part of it is pending any more."""
    state = batch.order(key)
    claim = state.claim
    if claim is None or claim.state != "PENDING_ISSUE" or not batch.has_member(claim.member_id):
        return
    ledger = batch.member(claim.member_id).ledger
    grants = batch.member(claim.member_id).grants_of(claim.member_id, claim.grants)
    lots = [ledger.lot(grant.lot_no) for grant in grants if grant.lot_no and grant.granted]
    if all(lot.state != "PENDING" for lot in lots):
        state.claim = claim._replace(state="GRANTED")


def _rule_of(batch: Batch, lot: LotRecord) -> Reward | None:
    """Give the rule a lot came from as its claim's own revision has it, whatever is in force now (D16)."""
    if not lot.order_no:
        program = batch.program
        found = gift_of(program.gifts, lot.rule_id) or action_of(program.actions, lot.rule_id)
        return None if found is None else found.reward
    claim = batch.order(OrderKey(lot.program_id, lot.family, lot.order_no)).claim
    return None if claim is None else batch.program_of(claim).rewards_by_id.get(lot.rule_id)


def _member_due(batch: Batch, member: Member, coming: int | None, report: DueReport) -> None:
    """Do what is due for one member, in the order of the times it was due at, and find the next time."""
    ledger, program = member.ledger, member.program
    ledger.next_due_at = None
    ready = sorted(
        (lot for lot in ledger.lots.values() if lot.due_at is not None and lot.due_at <= ledger.at),
        key=lambda lot: (lot.due_at, lot.lot_no),
    )
    for lot in ready:
        if lot.state == "PENDING":
            lot = activate(ledger, lot, _rule_of(batch, lot))  # noqa: PLW2901 - the lot goes on changing
            report.issued += 1
        if lot.state == "ACTIVE" and lot.expires_at is not None and lot.expires_at <= ledger.at:
            ledger.expire_lot(lot)
            report.expired += 1
    if program.inactivity is not None:
        lapse(member, program.inactivity)
    before = member.tier
    member.review_tier()
    report.tiers_changed += before != member.tier
    if coming is not None:
        ledger.due(coming)
    if program.inactivity is not None:
        look_ahead(member, program.inactivity)
    tiers = program.tiers
    day = None if tiers is None else next_due_day(tiers, member.qualifications, today=member.today)
    if day is not None:
        ledger.due(program.calendar.start(day))


# -- orders: tickets that run out, times in the future that come ------------------------------------------------------


async def _due_orders(world: World, program_id: str, size: int) -> DueReport | None:
    async def look(tx: AsyncTransaction) -> list[OrderKey]:
        scan = Scan(OrderRecord, (program_id,), by="by_due", low=0, high=world.now(), limit=size)
        rows = [cast(OrderRecord, row) for row in (await tx.read(scans=[scan])).rows[0]]
        return [OrderKey(row.program_id, row.family, row.order_no) for row in rows]

    keys = await world.run(look, readonly=True)
    if not keys:
        return None

    more: set[RootKey] = set()

    async def body(tx: AsyncTransaction) -> DueReport:
        return await _work_orders(world, tx, await program_hint(world, program_id), keys, more)

    while True:
        try:
            return await world.run(body)
        except MissingRoot as missing:
            more.update(missing.roots)


async def _work_orders(
    world: World, tx: AsyncTransaction, program: Program, keys: list[OrderKey], more: Collection[RootKey]
) -> DueReport:
    versions = dict(await tx.lock([*more, *(Key(OrderRecord, key) for key in keys)]))
    now = world.now()
    loaded = Loaded(world, tx, program.program_id, now, versions)
    await loaded.read(keys)
    await loaded.read_more()
    wanted: dict[str, None] = {}
    for key in keys:
        for ticket in loaded.tickets.get(key, ()):
            wanted[loaded.home(ticket.member_id)] = None
    for buyer in loaded.buyers.values():
        if buyer.member_id:
            wanted[loaded.home(buyer.member_id)] = None
    if wanted:
        versions.update(await tx.lock([Key(MemberRecord, (program.program_id, member_id)) for member_id in wanted]))
        await loaded.read((), wanted)

    def decision(batch: Batch) -> DueReport:
        report = DueReport(orders=len(keys))
        for key in keys:
            report.tickets_expired += expire_tickets(batch, batch.order(key))
        settle_all(batch, keys, {})
        for key in keys:
            state = batch.order(key)
            report.claims_created += state.claim is not None and state.claim_was is None
        return report

    batch, report = await decide(loaded, decision)
    changes, touched = batch.changes(versions)
    if changes:
        await tx.write(changes, roots=touched, final=True)
    return report
