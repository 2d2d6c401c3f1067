"""What a program needs to run: what is due, deliveries, events, its rules, checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from crossloyalty.application import programs as revisions
from crossloyalty.domain.program import CALC, Program
from crossloyalty.errors import ConfigError, shown
from crossloyalty.loyalty._door import AsyncDoor, Door
from crossloyalty.loyalty._runners import checked_program

if TYPE_CHECKING:
    from crossloyalty.application.delivering import Delivery, DeliveryAnswer
    from crossloyalty.application.due import DueReport
    from crossloyalty.application.events import Event
    from crossloyalty.application.pages import Page
    from crossloyalty.application.recalculating import RecalculationReport
    from crossloyalty.application.verifying import VerifyProgress, VerifyReport

__all__ = ["AsyncRunning", "Running"]


class Running(Door):
    """The doors of synchronous hosts."""

    __slots__ = ()

    def run_due(self, *, batch: int = 200, progress: Callable[[DueReport], None] | None = None) -> DueReport:
        """
        Do everything whose time has come: issue, expiry, tier review, ticket expiry; run it every few minutes.

        Args:
            batch: Members or orders a transaction.
            progress: Called after each batch with the counts so far.
        """
        from crossloyalty.application import due

        return self._run(due.run_due(self._world, self._id, batch=batch, progress=progress))

    def deliveries(self, *, limit: int = 100, after: str | None = None) -> Page[Delivery]:
        """List what waits to be done outside (issue, take back); *after* is the last page's `next`."""
        from crossloyalty.application import delivering

        return self._run(delivering.page_of_deliveries(self._world, self._id, limit, after))

    def answer_delivery(self, key: str, *, amount: int | None = None) -> DeliveryAnswer:
        """
        Note that a delivery was done outside, once.

        Args:
            key: As `deliveries` gives it.
            amount: What was done; None: all of it. Less is possible where something was to be taken back: what is
                missing is owed or written off, as `ClawBack` says.

        Returns:
            The outcome; the same answer again changes nothing.

        Raises:
            InvalidInput: There is no such delivery, or the amount cannot be one.
            IdempotencyConflict: Another amount was noted before.
        """
        from crossloyalty.application import delivering

        return self._run(delivering.answer_delivery(self._world, self._id, key, amount=amount))

    def pending_events(self, *, limit: int = 100) -> list[Event]:
        """Read events that are not acknowledged yet, oldest first, ordered per member."""
        from crossloyalty.application import events

        return self._run(events.pending_events(self._world, self._id, limit=limit))

    def ack(self, ids: Iterable[str]) -> int:
        """Acknowledge events by their ids; says how many were pending."""
        from crossloyalty.application import events

        return self._run(events.ack(self._world, self._id, ids))

    def revision(self) -> int:
        """Give the number of the revision in force; `publish` wants it back."""
        return self._run(revisions.current_revision(self._world, self._id))

    def publish(self, program: Program, *, expected_revision: int) -> int:
        """
        Append a revision of the rules; claims settled before stay under theirs.

        Args:
            program: The new rules, of this program.
            expected_revision: The revision it replaces.

        Returns:
            The revision now in force.

        Raises:
            ProgramDiffers: Another revision is in force.
        """
        if checked_program(program).program_id != self._id:
            raise ConfigError(f"this door leads to {shown(self._id)}, not {shown(program.program_id)}")
        return self._run(revisions.publish(self._world, program, expected_revision=expected_revision))

    def recalculate(
        self,
        *,
        calc: int = CALC,
        dry_run: bool = False,
        batch: int = 200,
        progress: Callable[[RecalculationReport], None] | None = None,
    ) -> RecalculationReport:
        """
        Settle claims that stand under an older arithmetic again; upgrading the library alone never does that.

        Args:
            calc: The version of the arithmetic; default the newest.
            dry_run: Say what would change, and write nothing.
            batch: Orders a transaction.
            progress: Called after each batch with the report so far.

        Returns:
            How many claims were looked at, and those that count something else now.

        Raises:
            InvalidInput: There is no such arithmetic.
        """
        from crossloyalty.application import recalculating

        return self._run(
            recalculating.recalculate(self._world, self._id, calc=calc, dry_run=dry_run, batch=batch, progress=progress)
        )

    def verify(self, *, progress: Callable[[VerifyProgress], None] | None = None) -> VerifyReport:
        """Check what always holds over the whole program; an empty list of violations is the good answer."""
        from crossloyalty.application import verifying

        return self._run(verifying.verify(self._world, self._id, progress=progress))


class AsyncRunning(AsyncDoor):
    """The same doors, awaited."""

    __slots__ = ()

    async def run_due(self, *, batch: int = 200, progress: Callable[[DueReport], None] | None = None) -> DueReport:
        """See `Loyalty.run_due`."""
        from crossloyalty.application import due

        return await self._run(due.run_due(self._world, self._id, batch=batch, progress=progress))

    async def deliveries(self, *, limit: int = 100, after: str | None = None) -> Page[Delivery]:
        """See `Loyalty.deliveries`."""
        from crossloyalty.application import delivering

        return await self._run(delivering.page_of_deliveries(self._world, self._id, limit, after))

    async def answer_delivery(self, key: str, *, amount: int | None = None) -> DeliveryAnswer:
        """See `Loyalty.answer_delivery`."""
        from crossloyalty.application import delivering

        return await self._run(delivering.answer_delivery(self._world, self._id, key, amount=amount))

    async def pending_events(self, *, limit: int = 100) -> list[Event]:
        """See `Loyalty.pending_events`."""
        from crossloyalty.application import events

        return await self._run(events.pending_events(self._world, self._id, limit=limit))

    async def ack(self, ids: Iterable[str]) -> int:
        """See `Loyalty.ack`."""
        from crossloyalty.application import events

        return await self._run(events.ack(self._world, self._id, ids))

    async def revision(self) -> int:
        """See `Loyalty.revision`."""
        return await self._run(revisions.current_revision(self._world, self._id))

    async def publish(self, program: Program, *, expected_revision: int) -> int:
        """See `Loyalty.publish`."""
        if checked_program(program).program_id != self._id:
            raise ConfigError(f"this door leads to {shown(self._id)}, not {shown(program.program_id)}")
        return await self._run(revisions.publish(self._world, program, expected_revision=expected_revision))

    async def recalculate(
        self,
        *,
        calc: int = CALC,
        dry_run: bool = False,
        batch: int = 200,
        progress: Callable[[RecalculationReport], None] | None = None,
    ) -> RecalculationReport:
        """See `Loyalty.recalculate`."""
        from crossloyalty.application import recalculating

        return await self._run(
            recalculating.recalculate(self._world, self._id, calc=calc, dry_run=dry_run, batch=batch, progress=progress)
        )

    async def verify(self, *, progress: Callable[[VerifyProgress], None] | None = None) -> VerifyReport:
        """See `Loyalty.verify`."""
        from crossloyalty.application import verifying

        return await self._run(verifying.verify(self._world, self._id, progress=progress))
