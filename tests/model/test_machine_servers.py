"""The library on real servers against the small model, 2,500 steps on each."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis.stateful import invariant, run_state_machine_as_test
from places import SERVER_KINDS, Place
from test_machine import Machine

from crossloyalty.application.ports import Storage

# Looking at the whole store takes a hundred times as long as on a memory. Answers are compared at every step.
LOOKED_AT_EVERY = 5


@pytest.fixture(params=SERVER_KINDS)
def place(request: pytest.FixtureRequest) -> Place:
    return Place(request.getfixturevalue(f"{request.param}_store"))


def machine_on(place: Place, storage: Storage) -> Any:
    class ServerMachine(Machine):
        """The machine over one storage, which every example finds empty."""

        steps = 0

        def make_storage(self) -> Storage:
            place.empty()
            return storage

        @invariant()
        def holds(self) -> None:
            self.steps += 1
            if self.steps % LOOKED_AT_EVERY == 0:
                super().holds()

        def teardown(self) -> None:
            super().holds()
            super().teardown()

    return ServerMachine


LONG = [pytest.param(100, 60, marks=pytest.mark.release, id=f"6000-{part}") for part in range(4)]


@pytest.mark.parametrize(("examples", "steps"), [pytest.param(50, 50, id="2500"), *LONG])
def test_the_library_does_what_the_model_says_on_servers(place: Place, examples: int, steps: int) -> None:
    """Whatever happens in whatever order, servers hold what the rules' text says."""
    with place.open() as storage:
        run_state_machine_as_test(
            machine_on(place, storage), settings=settings(max_examples=examples, stateful_step_count=steps)
        )
