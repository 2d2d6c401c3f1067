"""What every door has: which program it leads to, and who runs its use cases."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from crossloyalty.application import programs as revisions
from crossloyalty.application.world import World
from crossloyalty.domain.program import Program
from crossloyalty.loyalty._runners import AsyncRunner, SyncRunner

if TYPE_CHECKING:
    from crossloyalty.loyalty._task_groups import TaskGroups
    from crossloyalty.loyalty._thread_groups import ThreadGroups

__all__ = ["AsyncDoor", "Door"]

_T = TypeVar("_T")


class Door:
    """One program's, for synchronous hosts."""

    __slots__ = ("_groups", "_id", "_runner")

    _groups: ThreadGroups | None
    _id: str
    _runner: SyncRunner

    @property
    def program_id(self) -> str:
        """The program this door leads to."""
        return self._id

    @property
    def _world(self) -> World:
        return self._runner.world

    def _run(self, use_case: Coroutine[Any, Any, _T]) -> _T:
        return self._runner.run(use_case)


class AsyncDoor:
    """One program's, for asynchronous hosts."""

    __slots__ = ("_groups", "_id", "_parent", "_program", "_runner")

    _groups: TaskGroups | None
    _id: str
    _parent: AsyncDoor  # who publishes the program, if it has to be
    _program: Program | None
    _runner: AsyncRunner

    @property
    def program_id(self) -> str:
        """The program this door leads to."""
        return self._id

    @property
    def _world(self) -> World:
        return self._runner.world

    async def _run(self, use_case: Coroutine[Any, Any, _T]) -> _T:
        if self._parent._program is not None:
            try:
                await self._parent._publish_first(self._parent._program)
            except BaseException:
                use_case.close()
                raise
        return await self._runner.run(use_case)

    async def _publish_first(self, program: Program) -> None:
        await self._runner.run(revisions.publish_first(await self._runner.first_world(), program))
        self._program = None
