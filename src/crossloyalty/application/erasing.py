"""
Take out everything personal that is kept of somebody; what they were given and spent stays, under their member id.

Identities lead to nobody, requests are removed, what hosts wrote about people is blanked, orders forget their buyers.
Ledger sums stay true and order numbers stay taken, so nothing can be claimed a second time (D53, I-54).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, cast

import attrs

from crossloyalty.application.batch import Batch
from crossloyalty.application.deciding import StartAgain, decide
from crossloyalty.application.identifying import ACTIVE, CONFLICT, UNBOUND
from crossloyalty.application.loading import Loaded
from crossloyalty.application.ports import AsyncTransaction, Change, Delete, Replace, Scan
from crossloyalty.application.programs import program_hint
from crossloyalty.application.standing import ids_of, links_key
from crossloyalty.application.world import World
from crossloyalty.domain.answers import when
from crossloyalty.domain.facts import ERASED, dump_facts, erase_facts, load_facts
from crossloyalty.domain.keys import OrderKey, clean_id
from crossloyalty.domain.links import Links
from crossloyalty.domain.records import (
    BindingRecord,
    BuyerRecord,
    ClaimRecord,
    DoubtRecord,
    EnrolmentRecord,
    Key,
    MemberGrantRecord,
    MemberRecord,
    OrderRecord,
    Record,
    RootKey,
    TicketRecord,
    key_of,
)

__all__ = ["EraseResult", "erase_person"]

_BATCH: Final = 500


@attrs.frozen
class EraseResult:
    """
    What an erasure did.

    Args:
        erased: Whether this call took anything out.
        erased_at: When it was done first; None for somebody nothing was ever kept of.
    """

    erased: bool
    erased_at: datetime | None


async def erase_person(world: World, program_id: str, member_id: str) -> EraseResult:
    """
    Erase a person, whichever ids they were merged from; again, it changes nothing.

    Args:
        world: The ports.
        program_id: The program.
        member_id: Who.

    Returns:
        Whether anything was there to take out. A call that broke off goes on when it is repeated.
    """
    clean_id(member_id, "member_id")
    await program_hint(world, program_id)
    # What comes in from now on comes behind the erasure, in whatever order the transactions end.
    began, erased = world.now(), False
    while True:
        ids = await _ids_of(world, program_id, member_id)
        # Identities first, so that no order comes in behind the back of what follows.
        erased |= await _erase_identities(world, program_id, ids)
        for kind, place in (
            (OrderRecord, ("effective_at", "family", "order_no")),
            (ClaimRecord, ("effective_at", "family", "order_no")),
            (TicketRecord, ("requested_at", "family", "order_no")),
        ):
            for each in ids:
                erased |= await _erase_orders(world, program_id, each, ids, kind, place)
        try:
            return await _note(world, program_id, member_id, ids, began, erased=erased)
        except StartAgain:
            continue


async def _ids_of(world: World, program_id: str, member_id: str) -> tuple[str, ...]:
    async def look(tx: AsyncTransaction) -> tuple[str, ...]:
        return await ids_of(world, tx, program_id, member_id)

    return await world.run(look, readonly=True)


async def _erase_identities(world: World, program_id: str, ids: Sequence[str]) -> bool:
    async def named(tx: AsyncTransaction) -> list[Key]:
        prefixes = [(program_id, each) for each in ids]
        scans = [Scan(BuyerRecord, each, by="by_member") for each in prefixes]
        scans += [Scan(BindingRecord, each, by="by_member") for each in prefixes]
        rows = [cast("BuyerRecord | BindingRecord", row) for part in (await tx.read(scans=scans)).rows for row in part]
        return list(dict.fromkeys(_root_of(row) for row in rows))

    async def body(tx: AsyncTransaction) -> bool:
        versions = await tx.lock([*buyers, *(Key(MemberRecord, (program_id, each)) for each in ids)])
        if not set(await named(tx)) <= set(buyers):
            raise StartAgain
        found = await tx.read(buyers, [Scan(BindingRecord, key.values) for key in buyers])
        rows: list[BuyerRecord] = []
        history: list[BindingRecord] = []
        for key, bindings in zip(buyers, found.rows, strict=True):
            row = cast(BuyerRecord, found.records[key])
            if row.member_id in ids or row.last_member_id in ids:
                gone = row._replace(evidence="", last_member_id="", free_at=None, ciphertext="")
                rows.append(gone._replace(member_id="", bound_at=None) if row.member_id in ids else gone)
            for held in cast("Sequence[BindingRecord]", bindings):
                if held.member_id in ids:
                    history.append(_blank_binding(held, world.now()))
        if not history and not rows:
            return False
        changes: list[Change] = [*([Replace.of(rows)] if rows else []), *([Replace.of(history)] if history else [])]
        touched = {*map(_root_of, rows), *map(_root_of, history)}
        await tx.write(changes, roots={key: versions[key] for key in touched}, final=True)
        return True

    while True:
        buyers = await world.run(named, readonly=True)
        if not buyers:
            return False
        try:
            return await world.run(body)
        except StartAgain:
            continue


def _root_of(row: BuyerRecord | BindingRecord) -> Key:
    return Key(BuyerRecord, (row.program_id, row.family, row.scope, row.buyer_id))


def _blank_binding(row: BindingRecord, now: int) -> BindingRecord:
    """The history keeps that there was somebody, and not who."""
    ended_at = now if row.ended_at is None else row.ended_at
    state = UNBOUND if row.state in (ACTIVE, CONFLICT) else row.state
    return row._replace(member_id="", state=state, evidence="", ended_at=ended_at, ended_why="erased")


async def _erase_orders(
    world: World, program_id: str, member_id: str, ids: Sequence[str], kind: type[Record], place: tuple[str, ...]
) -> bool:
    """Walk one list of a member, and blank the orders on it, batch by batch."""
    by = "by_owner" if kind is OrderRecord else "by_member"
    after: tuple[str | int, ...] | None = None
    erased = False
    while True:
        scan = Scan(kind, (program_id, member_id), by=by, limit=_BATCH, after=after)

        async def look(tx: AsyncTransaction, scan: Scan = scan) -> list[Record]:
            return list((await tx.read(scans=[scan])).rows[0])

        rows = await world.run(look, readonly=True)
        keys = [OrderKey(program_id, row.family, row.order_no) for row in cast("list[TicketRecord]", rows)]
        if keys:
            erased |= await _blank_orders(world, program_id, keys, ids)
        if len(rows) < _BATCH:
            return erased
        after = (program_id, member_id, *(getattr(rows[-1], name) for name in place))


async def _blank_orders(world: World, program_id: str, keys: Sequence[OrderKey], ids: Sequence[str]) -> bool:
    async def body(tx: AsyncTransaction) -> bool:
        roots = [Key(OrderRecord, key) for key in keys]
        versions = await tx.lock(roots)
        claims = [Key(ClaimRecord, key) for key in keys]
        scans = [Scan(kind, key) for key in keys for kind in (TicketRecord, DoubtRecord)]
        found = await tx.read([*roots, *claims], scans)
        replaced: dict[type[Record], list[Record]] = {}
        deleted: list[Key] = []
        touched: dict[RootKey, int] = {}
        for at, (root, claim_key) in enumerate(zip(roots, claims, strict=True)):
            rows = _blanked(
                cast(OrderRecord, found.records[root]),
                cast("ClaimRecord | None", found.records.get(claim_key)),
                cast("Sequence[DoubtRecord]", found.rows[2 * at + 1]),
                ids,
            )
            tickets = cast("Sequence[TicketRecord]", found.rows[2 * at])
            gone = [key_of(ticket) for ticket in tickets if ticket.member_id in ids]
            for row in rows:
                replaced.setdefault(type(row), []).append(row)
            deleted += gone
            if rows or gone:
                touched[root] = versions[root]
        if not touched:
            return False
        changes: list[Change] = [Replace.of(rows) for rows in replaced.values()]
        changes += [Delete(key) for key in deleted]
        await tx.write(changes, roots=touched, final=True)
        return True

    return await world.run(body)


def _blanked(
    order: OrderRecord, claim: ClaimRecord | None, doubts: Iterable[DoubtRecord], ids: Sequence[str]
) -> list[Record]:
    """Give what changes of an order: its own row where it is theirs, their claim, what was set aside of it."""
    rows: list[Record] = []
    theirs = claim.member_id in ids if claim is not None else order.owner_id in ids
    if claim is not None and theirs and claim.touch:
        rows.append(claim._replace(touch=""))
    if not theirs:
        return rows
    facts = load_facts(order.facts)
    if order.facts and ERASED not in facts:
        erase_facts(facts)
        owner = order.owner_id if claim is not None else ""
        rows.append(_anonymous(order, owner, dump_facts(facts)))
    rows += [doubt._replace(payload="", detail="") for doubt in doubts if doubt.payload or doubt.detail]
    return rows


def _anonymous(order: OrderRecord, owner_id: str, facts: str) -> OrderRecord:
    return order._replace(buyer_scope="", buyer_id="", phone_index=None, owner_id=owner_id, facts=facts)


async def _note(
    world: World, program_id: str, member_id: str, ids: Sequence[str], began: int, *, erased: bool
) -> EraseResult:
    """
    Blank what stands at the member, mark it, and say so once.

    Args:
        began: When the erasure did, in microseconds.

    Raises:
        StartAgain: Meanwhile others are one with them, or somebody bound what was theirs before.
    """

    async def body(tx: AsyncTransaction) -> EraseResult:
        loaded = Loaded(world, tx, program_id, world.now(), {})
        (home,) = await loaded.lock_homes([member_id], [Key(MemberRecord, (program_id, each)) for each in ids])
        versions = loaded.versions
        await loaded.read((), [home])
        if {*loaded.members[home].ids} != {*ids}:
            raise StartAgain
        found = await tx.read(
            [Key(MemberRecord, (program_id, each)) for each in ids],
            [
                *(Scan(EnrolmentRecord, (program_id, each)) for each in ids),
                *(Scan(BindingRecord, (program_id, each), by="by_member") for each in ids),
            ],
        )
        history = [cast(BindingRecord, row) for rows in found.rows[len(ids) :] for row in rows]
        if any(row.bound_at < began for row in history):
            raise StartAgain
        sides = [cast(EnrolmentRecord, row) for rows in found.rows[: len(ids)] for row in rows]
        known = [row for row in sides if row.external_id or row.detail]
        others = [cast(MemberRecord, row) for row in found.records.values() if row[1] != home]
        links = (await tx.read([links_key(program_id, each) for each in ids if each != home])).records.values()
        under = [cast(MemberGrantRecord, row) for row in links]
        reasons = [row for row in others if row.blocked_reason not in ("", _HIDDEN)]

        def decision(batch: Batch) -> EraseResult:
            member = batch.member(home)
            root = member.root
            if not member.ledger.entry_seq and not member.ledger.event_seq and not erased:
                return EraseResult(False, None)
            if root.blocked_reason not in ("", _HIDDEN):
                member.set_root(root._replace(blocked_reason=_HIDDEN))
            first = not member.links.erased_at
            if first:
                member.set_links(attrs.evolve(member.links, erased_at=began))
            if first or erased:
                member.ledger.emit("member.erased", {"member_id": home})
            return EraseResult(first or erased, when(member.links.erased_at))

        batch, result = await decide(loaded, decision)
        changes, touched = batch.changes(versions)
        if known:
            changes.append(Replace.of([row._replace(external_id="", detail="") for row in known]))
        bare = [_bare_links(row, began) for row in under]
        gone = [row for row, was in zip(bare, under, strict=True) if row != was]
        if gone:
            changes.append(Replace.of(gone))
            touched.update((root, versions[root]) for row in gone if (root := Key(MemberRecord, row[:2])))
        if reasons:
            changes.append(Replace.of([row._replace(blocked_reason=_HIDDEN) for row in reasons]))
            touched.update((key_of(row), versions[key_of(row)]) for row in reasons)
        if changes:
            await tx.write(changes, roots=touched, final=True)
        return result

    return await world.run(body)


def _bare_links(row: MemberGrantRecord, began: int) -> MemberGrantRecord:
    """Mark a member that was merged away; an un-merge finds no identities to carry back."""
    links = Links.from_text(row.grant)
    return row._replace(grant=attrs.evolve(links, identities=(), erased_at=links.erased_at or began).text())


# Stands in the place of why somebody is on the deny list; that they are stays.
_HIDDEN: Final = "erased"
