"""Make two members one, and two again: who survives, what is locked, what is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, cast

import attrs

from crossloyalty.application.batch import Batch
from crossloyalty.application.carrying import carried, identities_of, identity_key, identity_name
from crossloyalty.application.deciding import StartAgain, decide
from crossloyalty.application.loading import Loaded
from crossloyalty.application.operating import Keyed
from crossloyalty.application.ports import AsyncTransaction, Change, Scan
from crossloyalty.application.programs import program_hint, read_revisions
from crossloyalty.application.standing import read_links
from crossloyalty.application.world import World
from crossloyalty.domain.effective import EffectiveOrder, effective_order
from crossloyalty.domain.facts import load_facts
from crossloyalty.domain.keys import OrderKey, clean_id
from crossloyalty.domain.ledger import FOREIGN_LOTS
from crossloyalty.domain.links import Links
from crossloyalty.domain.merging import MERGE, Moving, absorb
from crossloyalty.domain.parting import History, part
from crossloyalty.domain.records import (
    BuyerRecord,
    ClaimRecord,
    EntryRecord,
    Key,
    LotRecord,
    MemberRecord,
    OrderRecord,
    Record,
    RootKey,
    SpendDayRecord,
    key_of,
)
from crossloyalty.domain.shares import IN_NO_LOT
from crossloyalty.errors import InvalidInput, shown

__all__ = ["MergeResult", "UnmergeResult", "merge", "unmerge"]

Twice = Literal["keep", "claw_back"]
_TWICE: Final = ("keep", "claw_back")
_LARGEST: Final = 2**53 - 1


@attrs.frozen
class MergeResult:
    """
    What a merge did.

    Args:
        survivor: Who stands for both now.
        absorbed: Who was merged away by this call, "" when they were one already.
        merged: Whether this call changed anything.
        given_twice: Ids of the rewards once per member that both had been given.
    """

    survivor: str
    absorbed: str
    merged: bool
    given_twice: tuple[str, ...] = ()


@attrs.frozen
class UnmergeResult:
    """
    What an un-merge did.

    Args:
        unmerged: Whether the member stood under another and stands for itself now.
        left: Whom it was taken out of, "" for nobody.
    """

    unmerged: bool
    left: str


def _way_up(links: Mapping[str, Links], member_id: str) -> list[str]:
    """Give a member and everybody above it; the last one stands for all."""
    way = [member_id]
    while links[way[-1]].into:
        way.append(links[way[-1]].into)
    return way


# -- merge -----------------------------------------------------------------------------------------------------------


async def merge(
    world: World,
    program_id: str,
    member_id: str,
    other_id: str,
    *,
    key: str,
    survivor: str = "",
    version: int = 0,
    given_twice: Twice = "keep",
) -> MergeResult:
    """
    Make two members one.

    Args:
        world: The ports.
        program_id: The program.
        member_id, other_id: The two, in any order.
        key: Idempotency key.
        survivor: Which of the two is to stand for both; "": the smaller id. Counts with a newer version only.
        version: Of the decision who survives, such as its moment or number in the host's system; of several calls the
            newest names the survivor, whatever order they come in.
        given_twice: What becomes of a reward once per member that both were given: "keep" both, or "claw_back" the
            later one.

    Returns:
        Who survives; for two that are one already nothing changes, unless a newer version names another survivor.

    Raises:
        InvalidInput: An id cannot be one, both are the same, or the survivor is neither.
        IdempotencyConflict: The key was used for another request.
    """
    _check(member_id, other_id, survivor, version, given_twice)
    request = {"do": "merge", "members": sorted((member_id, other_id)), "survivor": survivor, "version": version}
    keyed = Keyed(program_id, key, {**request, "given_twice": given_twice})
    await program_hint(world, program_id)

    async def look(tx: AsyncTransaction) -> tuple[dict[str, Links], list[Key]]:
        links = await read_links(tx, program_id, [member_id, other_id])
        return links, [key_of(row) for row in await identities_of(tx, program_id, _roots(links, member_id, other_id))]

    async def body(tx: AsyncTransaction) -> MergeResult:
        versions = await tx.lock([*identities, *(Key(MemberRecord, (program_id, each)) for each in links)])
        stored = await keyed.answered(tx)
        if stored is not None:
            return MergeResult(**{**stored, "given_twice": tuple(stored["given_twice"])})
        rows = await identities_of(tx, program_id, _roots(links, member_id, other_id))
        if await read_links(tx, program_id, [member_id, other_id]) != links or {*map(key_of, rows)} != {*identities}:
            raise StartAgain
        plan = _plan(links, member_id, other_id, survivor or min(member_id, other_id), version)
        loaded = Loaded(world, tx, program_id, world.now(), versions)
        changes: list[Change] = []
        touched: dict[RootKey, int] = {}
        both: list[str] = []
        if plan.steps or plan.version != links[plan.survivor].version:
            await _read_whole(tx, loaded, plan)
            ids = [plan.survivor, *plan.steps]
            await loaded.read_once_lots(ids)  # one that was taken back may be given again, and one that waits be freed
            batch, both = await decide(loaded, lambda batch: _merge(batch, plan, rows, key, given_twice))
            changes, touched = batch.changes(versions)
        going = [row for row in rows if row.member_id != plan.survivor] if plan.steps else []
        changes += await carried(tx, going, plan.survivor, now=loaded.now, why="merged")
        touched.update((key_of(row), versions[key_of(row)]) for row in going)
        result = MergeResult(plan.survivor, plan.absorbed, bool(plan.steps), tuple(sorted({*both})))
        changes.append(keyed.keep(attrs.asdict(result), loaded.now))
        await tx.write(changes, roots=touched, final=True)
        for each in plan.steps:
            world.moved(program_id, each, plan.survivor)
        return result

    while True:
        links, identities = await world.run(look, readonly=True)
        try:
            return await world.run(body)
        except StartAgain:
            continue


def _check(member_id: str, other_id: str, survivor: str, version: int, given_twice: str) -> None:
    clean_id(member_id, "member_id")
    clean_id(other_id, "other_id")
    if member_id == other_id:
        raise InvalidInput("a member cannot be merged with itself")
    if survivor != "" and clean_id(survivor, "survivor") not in (member_id, other_id):
        raise InvalidInput(f"the survivor is one of the two: {shown(survivor)}")
    if type(version) is not int or not 0 <= version <= _LARGEST or bool(version) != bool(survivor):
        raise InvalidInput("a survivor is named with a version, a whole number of at least 1, and only then")
    if given_twice not in _TWICE:
        raise InvalidInput(f"given_twice is one of {', '.join(_TWICE)}: {shown(given_twice)}")


def _roots(links: Mapping[str, Links], *members: str) -> list[str]:
    return list(dict.fromkeys(_way_up(links, each)[-1] for each in members))


@attrs.frozen
class _Plan:
    """
    Who is merged into whom.

    Args:
        survivor: Who stands for all in the end.
        steps: The members that are merged into it, in turn.
        absorbed: The one of them that the call is about, "" for none.
        way: The survivor and those it stood under until now.
        version: Of the decision who survives.
    """

    survivor: str
    steps: tuple[str, ...]
    absorbed: str
    way: tuple[str, ...]
    version: int


def _plan(links: Mapping[str, Links], member_id: str, other_id: str, named: str, version: int) -> _Plan:
    """
    Choose the survivor: whom the newest version names, and of equal ones the smaller id.

    So it is a greatest element, and any order of a set of merges ends in the same one (I-53).
    """
    roots = _roots(links, member_id, other_id)
    choices = [(links[root].version, root) for root in roots]
    if version or len(roots) > 1:
        choices.append((version, named))
    newest = max(each for each, _ in choices)
    survivor = min(name for each, name in choices if each == newest)
    if not newest:  # nobody was ever named
        survivor = min(roots)
    way = _way_up(links, survivor)
    steps = [root for root in (way[-1], *roots) if root != survivor]
    steps = list(dict.fromkeys(steps))
    other = next((each for each in _roots(links, member_id, other_id) if each != survivor), "")
    return _Plan(survivor, tuple(steps), other, tuple(way), newest)


async def _read_whole(tx: AsyncTransaction, loaded: Loaded, plan: _Plan) -> None:
    """Read what a merge moves: all spend days and live lots, and what lots of others each has."""
    ids = list(dict.fromkeys([*plan.way, *plan.steps]))
    program_id = loaded.program_id
    await loaded.read((), ids, merged=True)
    found = await tx.read(
        scans=[
            scan
            for each in ids
            for scan in (
                Scan(SpendDayRecord, (program_id, each)),
                Scan(LotRecord, (program_id, each), by="by_due", low=0),
                Scan(LotRecord, (program_id, each), low=FOREIGN_LOTS),
            )
        ]
    )
    for place, each in enumerate(ids):
        days, live, foreign = found.rows[3 * place : 3 * place + 3]
        held = loaded.members[each]
        held.days, held.days_from = cast("Sequence[SpendDayRecord]", days), ""
        loaded.add_lots(each, cast("Sequence[LotRecord]", live))
        loaded.add_lots(each, cast("Sequence[LotRecord]", foreign))
        held.live_lots = True
    await loaded.read_left_lots(ids)
    # What comes back to a survivor that was merged away lies where it lay before.
    survivor = loaded.members[plan.survivor]
    wanted = []
    for each in plan.steps:
        held = loaded.members[each]
        for lot in held.lots:
            place, lot_no = divmod(lot.lot_no, FOREIGN_LOTS)
            began = held.links.origins[place - 1] if place else each
            if began == plan.survivor or began in survivor.links.origins:
                wanted.append(Key(LotRecord, (program_id, plan.survivor, survivor.number_of(began, lot_no))))
    lots = (await tx.read(wanted)).records.values() if wanted else ()
    loaded.add_lots(plan.survivor, [cast(LotRecord, lot) for lot in lots])
    # Spend of before stands in entries by its day; hardly anybody has any.
    brought = [
        each
        for each in plan.steps
        if any(row.account == "opening" and row.balance for row in loaded.members[each].accounts)
    ]
    entries = await tx.read(scans=[Scan(EntryRecord, (program_id, each)) for each in brought]) if brought else None
    standing = [each for each in plan.steps if loaded.members[each].links.absorbed]
    loaded.histories = await _read_histories(tx, loaded, standing)
    loaded.opening = {
        each: _opening(cast("Sequence[EntryRecord]", rows))
        for each, rows in zip(brought, () if entries is None else entries.rows, strict=True)
    }


async def _read_histories(tx: AsyncTransaction, loaded: Loaded, members: Sequence[str]) -> dict[str, History]:
    """Read who of those a member stands for owes what it owes; few do, so this is hardly ever read."""
    return {
        each: await _read_written(tx, loaded, each)
        for each in members
        if any(row.account in IN_NO_LOT and row.balance for row in loaded.members[each].accounts)
    }


def _opening(entries: Sequence[EntryRecord]) -> Mapping[str, int]:
    sums: Counter[str] = Counter()
    for entry in entries:
        if entry.account == "opening":
            sums[entry.rule_id] += entry.amount
    return sums


def _merge(batch: Batch, plan: _Plan, identities: Sequence[BuyerRecord], key: str, given_twice: str) -> list[str]:
    survivor = batch.member(plan.survivor)
    revived = len(plan.way) > 1
    both: list[str] = []
    own = set(survivor.links.identities)
    staying = (plan.survivor, *survivor.links.absorbed)
    for each in plan.way[1:]:  # who stood above the survivor stands for it, and for whom it stood, no more
        above = batch.member(each)
        left = tuple(name for name in above.links.absorbed if name not in staying)
        above.set_links(attrs.evolve(above.links, absorbed=left))
    if revived:
        survivor.set_links(attrs.evolve(survivor.links, into="", merged_at=0, identities=(), blocked_by=""))
    for each in plan.steps:
        source, history = batch.member(each), batch.loaded.histories.get(each)
        here = survivor.links
        known = here.knowing([each, *source.links.absorbed, *source.links.origins]).origins
        known = tuple(name for name in known if name != plan.survivor)
        absorbed = tuple(dict.fromkeys([*here.absorbed, each, *source.links.absorbed]))
        here = here.having_moved(source.links.moved)
        survivor.set_links(attrs.evolve(here, absorbed=absorbed, origins=known))
        # A survivor that is brought back takes over first what it is part of.
        first = revived and each == plan.way[-1]
        both += absorb(
            survivor,
            source,
            Moving(key, MERGE),
            opening=batch.loaded.opening.get(each, {}),
            shares=history.shares(source.ledger) if history is not None else {},
            revived=first,
            twice=given_twice,
        )
        names = [identity_name(row) for row in identities if row.member_id == each]
        source.set_links(
            attrs.evolve(
                source.links,
                into=plan.survivor,
                merged_at=source.ledger.at,
                identities=tuple(name for name in names if name not in own),
            )
        )
        source.ledger.emit("member.merged", {"survivor": plan.survivor, "absorbed": each, "key": key})
        survivor.ledger.emit(
            "member.merged", {"survivor": plan.survivor, "absorbed": each, "key": key, "given_twice": sorted(both)}
        )
    if survivor.links.version != plan.version:
        survivor.set_links(attrs.evolve(survivor.links, version=plan.version))
    return both


# -- un-merge --------------------------------------------------------------------------------------------------------


async def unmerge(world: World, program_id: str, member_id: str, *, key: str) -> UnmergeResult:
    """
    Take a member out of the one it was merged into, with what it and whoever came through it brought.

    Args:
        world: The ports.
        program_id: The program.
        member_id: Who was merged away.
        key: Idempotency key.

    Returns:
        Whether it stood under another; somebody who stands for themselves changes nothing.

    Raises:
        InvalidInput: The id cannot be one.
        IdempotencyConflict: The key was used for another request.
    """
    clean_id(member_id, "member_id")
    keyed = Keyed(program_id, key, {"do": "unmerge", "member_id": member_id})
    await program_hint(world, program_id)

    async def look(tx: AsyncTransaction) -> dict[str, Links]:
        return await read_links(tx, program_id, [member_id])

    orders: dict[OrderKey, None] = {}  # behind what is not issued yet, as far as the tries have shown

    async def body(tx: AsyncTransaction) -> UnmergeResult:
        way = _way_up(links, member_id)
        identities = [identity_key(program_id, name) for name in links[member_id].identities]
        roots = [*identities, *(Key(OrderRecord, each) for each in orders)]
        versions = await tx.lock([*roots, *(Key(MemberRecord, (program_id, each)) for each in way)])
        stored = await keyed.answered(tx)
        if stored is not None:
            return UnmergeResult(**stored)
        if await look(tx) != links:
            raise StartAgain
        loaded = Loaded(world, tx, program_id, world.now(), versions)
        changes: list[Change] = []
        touched: dict[RootKey, int] = {}
        result = UnmergeResult(len(way) > 1, way[-1] if len(way) > 1 else "")
        if result.unmerged:
            history = await _read_history(tx, loaded, way)
            behind = history.behind_waiting(loaded.members[way[-1]].lots)
            needed = dict.fromkeys(OrderKey(program_id, each.family, each.order_no) for each in behind)
            if not needed.keys() <= orders.keys():
                orders.update(needed)
                raise StartAgain
            records = (await tx.read([Key(OrderRecord, each) for each in needed])).records.values() if needed else ()
            history = attrs.evolve(history, orders=_effective(records))
            batch, _ = await decide(loaded, lambda batch: _unmerge(batch, way, key, history))
            changes, touched = batch.changes(versions)
            rows = [cast(BuyerRecord, row) for row in (await tx.read(identities)).records.values()]
            back = [row for row in rows if row.member_id == way[-1]]
            changes += await carried(tx, back, member_id, now=loaded.now, why="unmerged")
            touched.update((key_of(row), versions[key_of(row)]) for row in back)
        changes.append(keyed.keep(attrs.asdict(result), loaded.now))
        await tx.write(changes, roots=touched, final=True)
        world.moved(program_id, member_id, "")
        return result

    while True:
        links = await world.run(look, readonly=True)
        try:
            return await world.run(body)
        except StartAgain:
            continue


async def _read_history(tx: AsyncTransaction, loaded: Loaded, way: Sequence[str]) -> History:
    """Read all that was written for the members that are one; rare, so it may cost what their history is long."""
    program_id, (first, *_, last) = loaded.program_id, way
    await loaded.read((), way, merged=True)
    scans = [Scan(kind, (program_id, each)) for each in (first, last) for kind in (SpendDayRecord, LotRecord)]
    rows = (await tx.read(scans=scans)).rows
    for place, each in enumerate((first, last)):
        held = loaded.members[each]
        held.days, held.days_from = cast("Sequence[SpendDayRecord]", rows[2 * place]), ""
        loaded.add_lots(each, cast("Sequence[LotRecord]", rows[2 * place + 1]))
        held.live_lots = True
    await loaded.read_left_lots((first, last))
    return await _read_written(tx, loaded, last)


async def _read_written(tx: AsyncTransaction, loaded: Loaded, survivor_id: str) -> History:
    """Read all claims and entries of a member and of everybody it stands for."""
    program_id, held = loaded.program_id, loaded.members[survivor_id]
    ids = held.ids
    scans = [Scan(ClaimRecord, (program_id, each), by="by_member") for each in ids]
    scans += [Scan(EntryRecord, (program_id, each)) for each in ids]
    rows = (await tx.read(scans=scans)).rows
    claims = [cast(ClaimRecord, row) for part_of in rows[: len(ids)] for row in part_of]
    entries = [cast(EntryRecord, row) for part_of in rows[len(ids) :] for row in part_of]
    revisions = await read_revisions(loaded.world, tx, program_id, {claim.revision for claim in claims})
    rewards: dict[str, Any] = {}
    for number in sorted(revisions):
        rewards |= revisions[number].rewards_by_id
    return History(survivor_id, claims, entries, held.links.moved, rewards)


def _effective(records: Iterable[Record]) -> dict[tuple[str, str], EffectiveOrder]:
    found = {}
    for record in records:
        row = cast(OrderRecord, record)
        effective = effective_order(load_facts(row.facts)) if row.facts else None
        if effective is not None:
            found[row.family, row.order_no] = effective
    return found


def _unmerge(batch: Batch, way: Sequence[str], key: str, history: History) -> None:
    survivor, leaving = batch.member(way[-1]), batch.member(way[0])
    ids = frozenset((leaving.member_id, *leaving.links.absorbed))
    for each in way[1:]:
        above = batch.member(each)
        left = tuple(name for name in above.links.absorbed if name not in ids)
        above.set_links(attrs.evolve(above.links, absorbed=left))
    known = leaving.links.knowing([survivor.member_id, *survivor.links.origins]).origins
    leaving.set_links(
        attrs.evolve(
            leaving.links.having_moved(survivor.links.moved),
            into="",
            merged_at=0,
            identities=(),
            origins=tuple(name for name in known if name != leaving.member_id),
        )
    )
    part(survivor, leaving, ids, key, history)
    for member in (survivor, leaving):
        body = {"survivor": survivor.member_id, "absorbed": leaving.member_id, "key": key}
        member.ledger.emit("member.unmerged", body)
