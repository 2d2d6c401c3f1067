"""Doors in front of files and servers, in an event loop, in a host's transaction: they keep every invariant as well."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from places import Place, server_place
from test_every_door import EveryDoor

from crossloyalty import AsyncLoyalty, Loyalty
from crossloyalty.storage.memory import MemoryStorage
from crossloyalty.storage.sqlite import SqliteStorage

__all__ = ["server_place"]


class Called:
    """
    A door whose methods are called in a way of their own.

    Args:
        call: Is given what to do with a door, and does it.
    """

    def __init__(self, call: Callable[[Callable[[Any], Any]], Any]) -> None:
        self._call = call

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *given, **named: self._call(lambda door: getattr(door, name)(*given, **named))


class InFiles(EveryDoor):
    """Each history has a file of its own."""

    folder: Path
    numbers = count()

    def open_storage(self) -> SqliteStorage:
        self.path = self.folder / f"{next(self.numbers)}.db"
        self.file = SqliteStorage(self.path, synchronous="NORMAL")
        return self.file

    def open_door(self, **settings: Any) -> Any:
        return Loyalty(storage=self.open_storage(), clock=self.clock, **settings)

    def teardown(self) -> None:
        self.file.close()


class Awaited(EveryDoor):
    """Every call is awaited in an event loop."""

    def open_door(self, **settings: Any) -> Any:
        self.loop = asyncio.new_event_loop()
        door = AsyncLoyalty(storage=MemoryStorage(), clock=self.clock, **settings)
        return Called(lambda use: self.loop.run_until_complete(use(door)))

    def teardown(self) -> None:
        self.loop.close()


class Joined(InFiles):
    """Every call is made inside a transaction of the host, which commits it."""

    def open_door(self, **settings: Any) -> Any:
        door = Loyalty(storage=self.open_storage(), clock=self.clock, **settings)
        self.host = sqlite3.connect(self.path, isolation_level=None)

        def inside(use: Callable[[Any], Any]) -> Any:
            self.host.execute("BEGIN IMMEDIATE")
            answer = use(door.joined(self.host))
            self.host.execute("COMMIT")
            return answer

        return Called(inside)

    def teardown(self) -> None:
        self.host.close()
        super().teardown()


def run(machine: Callable[[], EveryDoor], examples: int, steps: int) -> None:
    run_state_machine_as_test(machine, settings=settings(max_examples=examples, stateful_step_count=steps))


OTHERS = [InFiles, Awaited, Joined]


@pytest.mark.parametrize("kind", OTHERS)
def test_other_doors_keep_every_invariant(kind: type[EveryDoor], tmp_path: Path) -> None:
    run(type("Doors", (kind,), {"folder": tmp_path}), 10, 30)


@pytest.mark.release
@pytest.mark.parametrize("kind", OTHERS)
def test_other_doors_keep_every_invariant_for_long(kind: type[EveryDoor], tmp_path: Path) -> None:
    """The same over more and longer histories: 100 of 40 steps."""
    run(type("Doors", (kind,), {"folder": tmp_path}), 100, 40)


@pytest.mark.release
def test_every_door_keeps_every_invariant_on_servers(server_place: Place) -> None:
    with server_place.open() as storage:

        class Doors(EveryDoor):
            def open_door(self, **settings: Any) -> Any:
                server_place.empty()
                return Loyalty(storage=storage, clock=self.clock, **settings)

        run(Doors, 100, 40)
