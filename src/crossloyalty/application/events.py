"""Events for the host's own messages ("积分到账"): read, then acknowledged; ordered per member."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain, islice
from typing import Any, cast

import attrs

from crossloyalty.application.ports import AsyncTransaction, Change, Replace, Scan
from crossloyalty.application.world import World
from crossloyalty.domain.calendar import time_of
from crossloyalty.domain.checks import walked
from crossloyalty.domain.records import EventRecord, Key, MemberRecord, RootKey
from crossloyalty.errors import InvalidInput, WrongType, shown

__all__ = ["Event", "ack", "pending_events"]


@attrs.frozen
class Event:
    """
    Something that happened to a member.

    Args:
        id: Stable; acknowledge by it.
        kind: Such as "points.issued" or "tier.upgraded".
        member_id: Whose.
        seq: Its place among the member's events, from 1 without a gap.
        at: When.
        body: Amounts and keys, no personal fields; `issue_at`, where it stands, is an aware datetime.
    """

    id: str
    kind: str
    member_id: str
    seq: int
    at: datetime
    body: dict[str, Any] = attrs.field(hash=False)


def _events_of(row: EventRecord) -> Iterator[Event]:
    """Read those of a stored row that are not acknowledged; times in their bodies become aware datetimes."""
    for place, (kind, body) in enumerate(json.loads(row.content)):
        if row.acked >> place & 1:
            continue
        if "issue_at" in body:
            body["issue_at"] = time_of(body["issue_at"])
        number = f"{row.seq}+{place}" if place else str(row.seq)
        yield Event(f"{number}@{row.member_id}", kind, row.member_id, row.seq + place, time_of(row.at), body)


async def pending_events(world: World, program_id: str, *, limit: int = 100) -> list[Event]:
    """
    Read events that are not acknowledged yet, oldest first, ordered per member.

    Args:
        world: The ports.
        program_id: The program.
        limit: The most to give, 1 to 10,000.
    """
    if type(limit) is not int or not 1 <= limit <= 10_000:
        raise InvalidInput(f"limit lies between 1 and 10000: {shown(limit)}")

    async def body(tx: AsyncTransaction) -> list[Event]:
        found = await tx.read(scans=[Scan(EventRecord, (program_id, 1), by="by_pending", limit=limit)])
        events = chain.from_iterable(_events_of(cast(EventRecord, row)) for row in found.rows[0])
        return list(islice(events, limit))

    return await world.run(body, readonly=True)


async def ack(world: World, program_id: str, ids: Iterable[str]) -> int:
    """
    Acknowledge events; they are not given again.

    Args:
        world: The ports.
        program_id: The program.
        ids: Ids of events; unknown and acknowledged ones are passed over.

    Returns:
        How many were pending.

    Raises:
        InvalidInput: An id cannot be one.
    """
    wanted: dict[Key, int] = {}
    for text in walked(ids, "what ack takes"):
        key, place = _place(program_id, text)
        wanted[key] = wanted.get(key, 0) | 1 << place
    if not wanted:
        return 0

    async def look(tx: AsyncTransaction) -> list[Key]:
        return list((await tx.read(list(wanted))).records)

    # Locking makes the roots that are missing, so only members whose events are there are locked.
    there = await world.run(look, readonly=True)
    if not there:
        return 0

    async def body(tx: AsyncTransaction) -> int:
        members = {Key(MemberRecord, (program_id, key.values[1])) for key in there}
        versions = await tx.lock(members)
        found = await tx.read(there)
        changes: list[Change] = []
        roots: dict[RootKey, int] = {}
        count = 0
        for key, record in found.records.items():
            row = cast(EventRecord, record)
            fresh = wanted[key] & (1 << row.size) - 1 & ~row.acked
            if fresh:
                acked = row.acked | fresh
                changes.append(Replace(row._replace(acked=acked, pending=int(acked.bit_count() < row.size))))
                root = Key(MemberRecord, row[:2])
                roots[root] = versions[root]
                count += fresh.bit_count()
        if changes:
            await tx.write(changes, roots=roots, final=True)
        return count

    return await world.run(body)


def _place(program_id: str, text: str) -> tuple[Key, int]:
    """Give the row of an event, and its place in it."""
    if not isinstance(text, str):
        raise WrongType(f"an event id is text: {shown(text)}")
    number, _, member_id = text.partition("@")
    seq, plus, place = number.partition("+")
    if not (member_id and _is_number(seq, 15) and (_is_number(place, 2) if plus else True)):
        raise InvalidInput(f"no event id: {shown(text)}")
    return Key(EventRecord, (program_id, member_id, int(seq))), int(place or 0)


def _is_number(text: str, digits: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= digits
