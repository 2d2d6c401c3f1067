"""
Attempts counted apart from the transaction of the answer: inside a host's transaction, or by the host itself.

What a claim's own transaction counts is gone when the host rolls back. Here every attempt is counted, and the count is
durable, before anything is looked up; what was no guess is given back afterwards.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final, cast

import attrs

from crossloyalty.application.ports import AsyncTransaction, Attempt, Replace
from crossloyalty.application.programs import program_hint
from crossloyalty.application.world import World
from crossloyalty.domain.attempts import Limit, Tries, load_tries
from crossloyalty.domain.records import Key, LimitRecord
from crossloyalty.domain.rules import Attempts
from crossloyalty.errors import UnknownProgram

__all__ = ["MemoryLimiter", "ProgramLimiter", "StoreLimiter"]

_MOST_ROWS: Final = 100_000


def _rows_of(attempt: Attempt, rule: Attempts) -> dict[str, Limit]:
    """Name what an attempt is counted by; of names that are a member's or a device's only hashes are kept."""
    rows = {f"member\x1f{attempt.member_id}": Limit.of_member(rule)}
    rows[f"order\x1f{attempt.family}\x1f{attempt.order_no}"] = Limit.of_order(rule)
    if attempt.device:
        rows[f"device\x1f{attempt.device}"] = Limit.of_device(rule)
    return {
        f"#tries:{hashlib.sha256(f'{attempt.program_id}{name}'.encode()).hexdigest()[:32]}": limit
        for name, limit in rows.items()
    }


def _taken(tries: dict[str, Tries], wanted: Mapping[str, Limit], now: int) -> bool:
    """Count an attempt everywhere it counts, unless one of these is locked."""
    if any(tries[name].locked(now) for name in wanted):
        return False
    for name, limit in wanted.items():
        tries[name] = tries[name].counted(limit, now)
    return True


@attrs.define
class StoreLimiter:
    """
    Counts in rows of their own, in transactions of our own.

    Args:
        world: Over a storage that joins nobody's transaction.
        rule: The figures.
    """

    world: World
    rule: Attempts

    async def take(self, attempts: Sequence[Attempt]) -> Sequence[bool]:
        """See `RateLimiter.take`."""
        return await self._change(attempts, back=False)

    async def give_back(self, attempts: Sequence[Attempt]) -> None:
        """See `RateLimiter.give_back`."""
        await self._change(attempts, back=True)

    async def _change(self, attempts: Sequence[Attempt], *, back: bool) -> list[bool]:
        wanted = [(attempt.program_id, _rows_of(attempt, self.rule)) for attempt in attempts]
        keys = list(dict.fromkeys(Key(LimitRecord, (owner, name)) for owner, rows in wanted for name in rows))

        async def body(tx: AsyncTransaction) -> list[bool]:
            versions = await tx.lock(keys)
            found = (await tx.read(keys)).records
            rows = {str(key.values[1]): cast(LimitRecord, found[key]) for key in keys}
            tries = {name: load_tries(row.attempts) for name, row in rows.items()}
            now = self.world.now()
            answers = []
            for _, of in wanted:
                if back:
                    for name, limit in of.items():
                        tries[name] = tries[name].returned(limit, now)
                answers.append(back or _taken(tries, of, now))
            changed = [
                row._replace(attempts=tries[name].text())
                for name, row in rows.items()
                if row.attempts != tries[name].text()
            ]
            if changed:
                roots = {Key(LimitRecord, row[:2]): versions[Key(LimitRecord, row[:2])] for row in changed}
                await tx.write([Replace.of(changed)], roots=roots, final=True)
            return answers

        return await self.world.run(body) if keys else []


class MemoryLimiter:
    """
    Counts in the memory of this process, where no connection of our own can write beside the host's.

    Args:
        world: Gives the time.
        rule: The figures.
        rows: What was counted; shared by the doors of one storage.
    """

    __slots__ = ("_rows", "_rule", "_world")

    def __init__(self, world: World, rule: Attempts, rows: dict[str, Tries]) -> None:
        self._world = world
        self._rule = rule
        self._rows = rows

    async def take(self, attempts: Sequence[Attempt]) -> Sequence[bool]:
        """See `RateLimiter.take`."""
        answers = []
        for attempt in attempts:
            wanted = _rows_of(attempt, self._rule)
            tries = {name: self._rows.get(name, Tries()) for name in wanted}
            answers.append(_taken(tries, wanted, self._world.now()))
            self._put(tries)
        return answers

    async def give_back(self, attempts: Sequence[Attempt]) -> None:
        """See `RateLimiter.give_back`."""
        for attempt in attempts:
            wanted = _rows_of(attempt, self._rule)
            now = self._world.now()
            self._put({name: self._rows.get(name, Tries()).returned(limit, now) for name, limit in wanted.items()})

    def _put(self, tries: Mapping[str, Tries]) -> None:
        for name, each in tries.items():
            self._rows.pop(name, None)
            if each.made or each.locks:
                self._rows[name] = each  # behind all others, so that the oldest are forgotten first
        while len(self._rows) > _MOST_ROWS:
            self._rows.pop(next(iter(self._rows)))


@attrs.define
class ProgramLimiter:
    """
    Counts by the figures of the program in force.

    Args:
        world: Over a storage that joins nobody's transaction, or the host's where there is no other.
        rows: Where to count in memory, None: in the store.
    """

    world: World
    rows: dict[str, Tries] | None

    async def _limiter(self, program_id: str) -> StoreLimiter | MemoryLimiter | None:
        try:
            rule = (await program_hint(self.world, program_id)).attempts
        except UnknownProgram:
            rule = Attempts()  # published in the host's own transaction, where we cannot look
        if rule is None:
            return None
        return StoreLimiter(self.world, rule) if self.rows is None else MemoryLimiter(self.world, rule, self.rows)

    async def take(self, attempts: Sequence[Attempt]) -> Sequence[bool]:
        """See `RateLimiter.take`."""
        limiter = await self._limiter(attempts[0].program_id) if attempts else None
        return [True] * len(attempts) if limiter is None else await limiter.take(attempts)

    async def give_back(self, attempts: Sequence[Attempt]) -> None:
        """See `RateLimiter.give_back`."""
        limiter = await self._limiter(attempts[0].program_id) if attempts else None
        if limiter is not None:
            await limiter.give_back(attempts)
