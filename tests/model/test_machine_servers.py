"""The library on real servers against the small model, 2,500 steps on each."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from places import Place
from stores import installed
from test_machine import Machine

from crossloyalty.application.ports import Storage

EXAMPLES, STEPS = 50, 50


@pytest.fixture(params=["postgresql", "mysql"])
def place(request: pytest.FixtureRequest) -> Place:
    return Place(installed(request.getfixturevalue(f"{request.param}_database")))


def machine_on(place: Place, storage: Storage) -> Any:
    class ServerMachine(Machine):
        """The machine over one storage, which every example finds empty."""

        def make_storage(self) -> Storage:
            place.empty()
            return storage

    return ServerMachine


def test_the_library_does_what_the_model_says_on_servers(place: Place) -> None:
    """Whatever happens in whatever order, servers hold what the rules' text says."""
    with place.open() as storage:
        run_state_machine_as_test(
            machine_on(place, storage), settings=settings(max_examples=EXAMPLES, stateful_step_count=STEPS)
        )
