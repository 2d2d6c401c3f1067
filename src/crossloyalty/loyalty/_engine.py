"""All programs of one store."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from crossloyalty.application import programs as revisions
from crossloyalty.application.grouping import GroupCommit
from crossloyalty.application.ports import AsyncSleep, AsyncStorage, Clock, Sleep, Storage
from crossloyalty.domain.keys import clean_id
from crossloyalty.domain.program import Program
from crossloyalty.loyalty._loyalty import AsyncLoyalty, Loyalty
from crossloyalty.loyalty._runners import AsyncRunner, SyncRunner, checked_program, program_ids

if TYPE_CHECKING:
    from crossloyalty.application.checking import ProofChecks
    from crossloyalty.application.due import DueReport
    from crossloyalty.application.verifying import VerifyReport

__all__ = ["AsyncEngine", "Engine"]


class Engine:
    """
    All programs of one plain storage, for synchronous hosts.

    Args:
        storage, clock, sleep, random, group_commit, checks: As for `Loyalty`.
    """

    __slots__ = ("_runner",)

    def __init__(
        self,
        storage: Storage,
        *,
        clock: Clock | None = None,
        sleep: Sleep | None = None,
        random: Callable[[], float] | None = None,
        group_commit: GroupCommit | None = None,
        checks: ProofChecks | None = None,
    ) -> None:
        self._runner = SyncRunner(storage, clock, sleep, random, group_commit, checks)

    def joined(self, connection: object) -> Engine:
        """Give one whose doors work inside the transaction the host has open on a connection; see `Loyalty.joined`."""
        engine = Engine.__new__(Engine)
        engine._runner = self._runner.joined(connection)
        return engine

    def program(self, program_id: str) -> Loyalty:
        """Open the door to a program; its newest revision is read by each use case (`UnknownProgram` when none is)."""
        return Loyalty._of(self._runner, clean_id(program_id, "program_id"))

    def programs(self) -> list[str]:
        """Name the programs in the store, in order."""
        return self._runner.run(program_ids(self._runner.world))

    def publish(self, program: Program, *, expected_revision: int) -> int:
        """Publish a program's next revision; 0 is expected of one that is new."""
        return self._runner.run(
            revisions.publish(self._runner.world, checked_program(program), expected_revision=expected_revision)
        )

    def run_due(self, *, batch: int = 200) -> dict[str, DueReport]:
        """Do what is due in every program, in turn; answers by program id."""
        return {program_id: self.program(program_id).run_due(batch=batch) for program_id in self.programs()}

    def verify(self) -> dict[str, VerifyReport]:
        """Check every program; answers by program id."""
        return {program_id: self.program(program_id).verify() for program_id in self.programs()}


class AsyncEngine:
    """
    All programs of one storage, for asynchronous hosts; the same methods as `Engine`, awaited.

    Args:
        storage, clock, sleep, random, group_commit: As for `AsyncLoyalty`.
    """

    __slots__ = ("_runner",)

    def __init__(
        self,
        storage: Storage | AsyncStorage,
        *,
        clock: Clock | None = None,
        sleep: AsyncSleep | None = None,
        random: Callable[[], float] | None = None,
        group_commit: GroupCommit | None = None,
        checks: ProofChecks | None = None,
    ) -> None:
        self._runner = AsyncRunner(storage, clock, sleep, random, group_commit, checks)

    def joined(self, connection: object) -> AsyncEngine:
        """See `Engine.joined`."""
        engine = AsyncEngine.__new__(AsyncEngine)
        engine._runner = self._runner.joined(connection)
        return engine

    def program(self, program_id: str) -> AsyncLoyalty:
        """See `Engine.program`."""
        return AsyncLoyalty._of(self._runner, clean_id(program_id, "program_id"))

    async def programs(self) -> list[str]:
        """See `Engine.programs`."""
        return await self._runner.run(program_ids(self._runner.world))

    async def publish(self, program: Program, *, expected_revision: int) -> int:
        """See `Engine.publish`."""
        return await self._runner.run(
            revisions.publish(self._runner.world, checked_program(program), expected_revision=expected_revision)
        )

    async def run_due(self, *, batch: int = 200) -> dict[str, DueReport]:
        """See `Engine.run_due`."""
        return {program_id: await self.program(program_id).run_due(batch=batch) for program_id in await self.programs()}

    async def verify(self) -> dict[str, VerifyReport]:
        """See `Engine.verify`."""
        return {program_id: await self.program(program_id).verify() for program_id in await self.programs()}
