"""Published revisions: append-only, the newest is in force, old ones settle old claims."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import cast

from crossloyalty.application.ports import AsyncTransaction, Insert, Scan
from crossloyalty.application.world import World
from crossloyalty.domain.program import Program
from crossloyalty.domain.records import Key, ProgramRecord
from crossloyalty.errors import ConfigError, ProgramDiffers, UnknownProgram, WrongType, shown

__all__ = [
    "all_program_ids",
    "newest_program",
    "newest_scan",
    "program_hint",
    "program_knowing",
    "publish",
    "publish_first",
    "read_revisions",
]

_BEHIND_ALL_REVISIONS = 2**62


def newest_scan(program_id: str) -> Scan:
    """Ask for the newest revision; part of every use case's first read."""
    return Scan(ProgramRecord, (program_id,), descending=True, limit=1)


def _parsed(world: World, record: ProgramRecord) -> Program:
    key = (record.program_id, record.revision)
    program = world.programs.get(key)
    if program is None:
        program = world.parsed.get(record.content)
        if program is None:
            program = world.parsed[record.content] = Program.from_json(record.content)
        world.programs[key] = program
    return program


def newest_program(world: World, program_id: str, rows: Iterable[object]) -> tuple[int, Program]:
    """
    Take the answer of `newest_scan`.

    Returns:
        The revision in force and the program.

    Raises:
        UnknownProgram: None was ever published.
    """
    for row in rows:
        record = cast(ProgramRecord, row)
        program = _parsed(world, record)
        world.newest[program_id] = record.revision  # last: other threads take it to mean that the program is there
        return record.revision, program
    raise UnknownProgram(f"no program {shown(program_id)} in this store; publish one first")


async def program_hint(world: World, program_id: str) -> Program:
    """Give the newest program seen so far, read once; what depends on it is checked again under the lock."""
    revision = world.newest.get(program_id)
    if revision is not None:
        return world.programs[program_id, revision]
    return await _program_now(world, program_id)


async def program_knowing(world: World, program_id: str, platforms: Iterable[object]) -> Program:
    """Give `program_hint`, or the newest stored revision where the hint does not know one of some platform names."""
    program = await program_hint(world, program_id)
    known = program.known_platforms
    if all(isinstance(name, str) and name in known for name in platforms):
        return program
    return await _program_now(world, program_id)


async def _program_now(world: World, program_id: str) -> Program:
    async def body(tx: AsyncTransaction) -> Program:
        found = await tx.read(scans=[newest_scan(program_id)])
        return newest_program(world, program_id, found.rows[0])[1]

    return await world.run(body, readonly=True)


async def read_revisions(
    world: World, tx: AsyncTransaction, program_id: str, revisions: Iterable[int]
) -> dict[int, Program]:
    """Give the programs of some revisions, those that are there; those seen before are not read again."""
    wanted = set(revisions)
    missing = [revision for revision in wanted if (program_id, revision) not in world.programs]
    if missing:
        found = await tx.read([Key(ProgramRecord, (program_id, revision)) for revision in missing])
        for record in found.records.values():
            _parsed(world, cast(ProgramRecord, record))
    found_now = ((revision, world.programs.get((program_id, revision))) for revision in wanted)
    return {revision: program for revision, program in found_now if program is not None}


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


async def publish_first(world: World, program: Program) -> int:
    """
    Publish into an empty store; the same content again changes nothing.

    Returns:
        The revision in force.

    Raises:
        ProgramDiffers: The newest stored revision says something else.
    """
    content = program.to_json()
    digest = _digest(content)

    async def look(tx: AsyncTransaction) -> ProgramRecord | None:
        found = await tx.read(scans=[newest_scan(program.program_id)])
        return next((cast(ProgramRecord, row) for row in found.rows[0]), None)

    async def body(tx: AsyncTransaction) -> ProgramRecord:
        await tx.lock(())
        newest = await look(tx)
        if newest is not None:
            return newest
        first = ProgramRecord(program.program_id, 1, digest, content, world.now())
        await tx.write([Insert(first)], roots={}, final=True)
        return first

    # Nearly always it is there, and many processes start at once: only who has something to write waits for a lock.
    stored = await world.run(look, readonly=True)
    record = await world.run(body) if stored is None else stored
    if record.digest != digest:
        raise ProgramDiffers(
            f"revision {record.revision} of {shown(program.program_id)} in this store has other rules;"
            f" call publish(program, expected_revision={record.revision})"
        )
    return newest_program(world, program.program_id, [record])[0]


async def publish(world: World, program: Program, *, expected_revision: int) -> int:
    """
    Append a revision; claims settled before stay under theirs.

    Args:
        program: The new rules.
        expected_revision: The newest revision the caller has seen; 0 for a program that has none.

    Returns:
        The revision now in force; the one before when the content is the same.

    Raises:
        ProgramDiffers: Somebody else has published meanwhile.
    """
    if not isinstance(program, Program):
        raise WrongType(f"publish takes a Program, not {shown(program)}")
    if type(expected_revision) is not int or expected_revision < 0:
        raise ConfigError("expected_revision is the number of the revision the new one replaces, 0 for the first")
    content = program.to_json()
    digest = _digest(content)

    async def body(tx: AsyncTransaction) -> int:
        await tx.lock(())
        found = await tx.read(scans=[newest_scan(program.program_id)])
        newest = next((cast(ProgramRecord, row) for row in found.rows[0]), None)
        held = 0 if newest is None else newest.revision
        if newest is not None and newest.digest == digest and expected_revision in (held, held - 1):
            return held
        if held != expected_revision:
            raise ProgramDiffers(f"revision {held} is in force, not {shown(expected_revision)}")
        record = ProgramRecord(program.program_id, held + 1, digest, content, world.now())
        await tx.write([Insert(record)], roots={}, final=True)
        return held + 1

    return await world.run(body)


async def current_revision(world: World, program_id: str) -> int:
    """Give the number of the revision in force."""

    async def body(tx: AsyncTransaction) -> int:
        found = await tx.read(scans=[newest_scan(program_id)])
        return newest_program(world, program_id, found.rows[0])[0]

    return await world.run(body, readonly=True)


async def all_program_ids(tx: AsyncTransaction) -> list[str]:
    """Name every program in the store, in order."""
    ids: list[str] = []
    after: tuple[str | int, ...] | None = None
    while True:
        found = await tx.read(scans=[Scan(ProgramRecord, (), limit=1, after=after)])
        if not found.rows[0]:
            return ids
        program_id = cast(ProgramRecord, found.rows[0][0]).program_id
        ids.append(program_id)
        after = (program_id, _BEHIND_ALL_REVISIONS)
