"""Events for the host's own messages ("积分到账"): read, then acknowledged; ordered per member."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any, cast

import attrs

from crossloyalty.application.ports import AsyncTransaction, Change, Replace, Scan
from crossloyalty.application.world import World
from crossloyalty.domain.calendar import time_of
from crossloyalty.domain.checks import walked
from crossloyalty.domain.records import EventRecord, Key, MemberRecord
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


def event_of(row: EventRecord) -> Event:
    """Read a stored event; times in its body become aware datetimes."""
    body = json.loads(row.body)
    if "issue_at" in body:
        body["issue_at"] = time_of(body["issue_at"])
    return Event(f"{row.seq}@{row.member_id}", row.kind, row.member_id, row.seq, time_of(row.at), body)


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
        return [event_of(cast(EventRecord, row)) for row in found.rows[0]]

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
    keys = [_key(program_id, text) for text in walked(ids, "what ack takes")]
    if not keys:
        return 0

    async def look(tx: AsyncTransaction) -> list[Key]:
        return list((await tx.read(keys)).records)

    # Locking makes the roots that are missing, so only members whose events are there are locked.
    there = await world.run(look, readonly=True)
    if not there:
        return 0

    async def body(tx: AsyncTransaction) -> int:
        members = {Key(MemberRecord, (program_id, key.values[1])) for key in there}
        versions = await tx.lock(members)
        found = await tx.read(there)
        rows = [cast(EventRecord, row) for row in found.records.values()]
        changes: list[Change] = [Replace(row._replace(pending=0)) for row in rows if row.pending]
        touched = {Key(MemberRecord, row[:2]) for row in rows if row.pending}
        if changes:
            await tx.write(changes, roots={key: versions[key] for key in touched}, final=True)
        return len(changes)

    return await world.run(body)


def _key(program_id: str, text: str) -> Key:
    if not isinstance(text, str):
        raise WrongType(f"an event id is text: {shown(text)}")
    seq, _, member_id = text.partition("@")
    if not member_id or not (seq.isascii() and seq.isdigit() and len(seq) < 16):
        raise InvalidInput(f"no event id: {shown(text)}")
    return Key(EventRecord, (program_id, member_id, int(seq)))
