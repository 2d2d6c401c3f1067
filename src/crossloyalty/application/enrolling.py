"""Members who enrol (入会): found by any identity that is known, on this side and on others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, TypeVar, cast

import attrs

from crossloyalty.application.batch import Batch
from crossloyalty.application.deciding import StartAgain, decide
from crossloyalty.application.identifying import bind_now, is_free
from crossloyalty.application.loading import Loaded
from crossloyalty.application.ports import AsyncTransaction, Change, Insert, Scan
from crossloyalty.application.programs import program_knowing
from crossloyalty.application.world import World
from crossloyalty.domain.checks import walked
from crossloyalty.domain.gifts import ENROLLED_ROW, settle_gift
from crossloyalty.domain.identities import Identity, identity_key, identity_rank, is_denied
from crossloyalty.domain.keys import clean_id
from crossloyalty.domain.program import Program
from crossloyalty.domain.records import EnrolmentRecord, Key, MemberRecord
from crossloyalty.errors import InvalidInput, WrongType, shown

__all__ = ["DONE", "PENDING", "EnrolResult", "enrol"]

PENDING: Final = "PENDING"
DONE: Final = "DONE"
_MOST: Final = 20


@attrs.frozen
class EnrolResult:
    """
    What an enrolment did.

    Args:
        created: False for somebody who had enrolled before.
        member_id: Who they are: the member asked for, or the one an identity was known by.
        bound: The identities that belong to them by this call; `bind` converts the past orders of each.
        conflicts: The identities that are somebody else's, or were lately; nothing was done with them.
        sides: How far the enrolment on each other side has come: "PENDING", "DONE", "REFUSED".
    """

    created: bool
    member_id: str = ""
    bound: tuple[Identity, ...] = ()
    conflicts: tuple[Identity, ...] = ()
    sides: Mapping[str, str] = attrs.field(factory=dict)


async def enrol(
    world: World, program_id: str, member_id: str, *, identities: Iterable[Identity] = (), sides: Iterable[str] = ()
) -> EnrolResult:
    """
    Take note that a member has enrolled (入会) and give the gifts for it; again, it changes nothing.

    Args:
        world: The ports.
        program_id: The program.
        member_id: Who, unless one of the identities is known already: then it is the member it belongs to. Of several
            the strongest decides: a unionid, a platform's buyer, an id of WeCom, a phone, an id of the host's own.
        identities: What is known of them; those that are nobody's are bound.
        sides: Other systems in which they are to be enrolled as well; see `run_enrolments`.

    Raises:
        InvalidInput: An identity names nobody, or there are more than 20 of them or of sides.
    """
    clean_id(member_id, "member_id")
    named = _some(identities, "identities")
    for each in named:
        if not isinstance(each, Identity):
            raise WrongType(f"identities holds Identity values, not {shown(each)}")
    others = [clean_id(side, "a side") for side in _some(sides, "sides")]
    members: dict[str, None] = {member_id: None}

    async def body(tx: AsyncTransaction) -> EnrolResult:
        return await _enrol(world, tx, program, member_id, named, others, members)

    while True:
        program = await program_knowing(world, program_id, [each.platform for each in named])
        try:
            return await world.run(body)
        except StartAgain:
            continue


_T = TypeVar("_T")


def _some(items: Iterable[_T], what: str) -> list[_T]:
    listed = list(walked(items, what))
    if len(listed) > _MOST:
        raise InvalidInput(f"{what} has {_MOST} items at most")
    return listed


async def _enrol(
    world: World,
    tx: AsyncTransaction,
    program: Program,
    member_id: str,
    named: list[Identity],
    sides: list[str],
    members: dict[str, None],
) -> EnrolResult:
    program_id = program.program_id
    keys = {identity_key(program_id, each, program.known_platforms): each for each in named}
    loaded = Loaded(world, tx, program_id, world.now(), {})
    homes = await loaded.lock_homes(members, keys)
    versions = loaded.versions
    await loaded.read((), homes, keys)
    member_id = loaded.home(member_id)
    by_rank = sorted(keys, key=lambda key: (identity_rank(str(key.values[1])), key.values))
    person = next((loaded.buyers[key].member_id for key in by_rank if loaded.buyers[key].member_id), member_id)
    if person not in homes:
        # Nothing is left of the member asked for, whom this turns out to be another name of.
        members.clear()
        members[person] = None
        raise StartAgain
    rows: dict[str, EnrolmentRecord] = {}
    if sides:
        # Under whichever of their ids it was asked for: rows stay where they were written (design section 11).
        ids = loaded.members[person].ids
        found = (await tx.read(scans=[Scan(EnrolmentRecord, (program_id, each)) for each in ids])).rows
        every = [cast(EnrolmentRecord, row) for part in found for row in part]
        rows = {row.side: row for row in sorted(every, key=lambda row: row.state == DONE)}

    def decision(batch: Batch) -> EnrolResult:
        member = batch.member(person)
        bound: list[Identity] = []
        conflicts: list[Identity] = []
        for key, identity in keys.items():
            buyer = batch.buyer(key)
            if buyer.member_id == person:
                continue
            if not is_free(batch, buyer, person) or is_denied(buyer, batch.now):
                conflicts.append(identity)
            else:
                bind_now(batch, buyer, member, via="host", evidence="enrolment")
                bound.append(identity)
        row, _ = member.gift_row(ENROLLED_ROW)
        created = not row.claims
        if created:
            member.put_gift(row._replace(claims=1))
            member.ledger.emit("member.enrolled", {"member_id": person})
            for gift in batch.program.enrol_gifts:
                settle_gift(member, gift, given=True)
            member.growth_rose()
        states = {side: rows[side].state if side in rows else PENDING for side in sides}
        return EnrolResult(created, person, tuple(bound), tuple(conflicts), states)

    batch, result = await decide(loaded, decision)
    changes, touched = batch.changes(versions)
    now = loaded.now
    fresh: list[Change] = [
        Insert(EnrolmentRecord(program_id, person, side, PENDING, 0, now, now, "", ""))
        for side in dict.fromkeys(sides)
        if side not in rows
    ]
    if fresh:
        root = Key(MemberRecord, (program_id, person))
        touched.setdefault(root, versions[root])
    if changes or fresh:
        await tx.write([*changes, *fresh], roots=touched, final=True)
    return result
