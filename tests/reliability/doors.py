"""The harness's program over a server, behind a plain door and behind an awaited one that is called the same way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from builders import PROGRAM_ID, Clock
from harness import CHECKS, reopen_door
from places import Place

from crossloyalty import AsyncEngine

__all__ = ["DOORS", "Waited"]


class Waited:
    """An asynchronous door for those who call a plain one: each call runs to its end in one event loop."""

    def __init__(self, door: Any, runner: asyncio.Runner) -> None:
        self._door, self._runner = door, runner

    def __getattr__(self, name: str) -> Callable[..., Any]:
        async def call(*args: Any, **kwargs: Any) -> Any:
            return await getattr(self._door, name)(*args, **kwargs)

        return lambda *args, **kwargs: self._runner.run(call(*args, **kwargs))


@contextmanager
def plain_door(place: Place, at: Any, **settings: Any) -> Iterator[Any]:
    """Give a door that blocks its thread."""
    with place.open(**settings) as storage:
        yield reopen_door(storage, at)


@contextmanager
def awaited_door(place: Place, at: Any, **settings: Any) -> Iterator[Any]:
    """Give a door over the asynchronous storage."""
    with asyncio.Runner() as runner:
        storage = place.open_async(**settings)
        try:
            yield Waited(AsyncEngine(storage, clock=Clock(at), checks=CHECKS).program(PROGRAM_ID), runner)
        finally:
            runner.run(storage.__aexit__())


DOORS: Final = {"plain": plain_door, "awaited": awaited_door}
