"""
The whole library against the small model: whatever is called in whatever order, both hold the same.

After every step every invariant is checked over the (small) store and every member and claim is compared; ledger rows
written once stay as they are. The list of steps that hypothesis prints is the way to a violation. One machine knows
claims and identities, one knows members that become one: each gets deep in few steps. Long runs have all steps in one.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from claim_steps import ClaimSteps
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test
from union_steps import UnionSteps

from crossloyalty.application.ports import Storage
from crossloyalty.storage.sqlite import SqliteStorage


class Machine(ClaimSteps, UnionSteps):
    """All steps in one history."""


class SqliteMachine(Machine):
    """The same on a file."""

    def make_storage(self) -> Storage:
        self.folder = Path(tempfile.mkdtemp())
        return SqliteStorage(self.folder / "loyalty.db", synchronous="NORMAL")

    def teardown(self) -> None:
        try:
            super().teardown()
        finally:
            self.storage.close()  # type: ignore[attr-defined]
            shutil.rmtree(self.folder)


def run(machine: Callable[[], RuleBasedStateMachine], examples: int, steps: int) -> None:
    run_state_machine_as_test(machine, settings=settings(max_examples=examples, stateful_step_count=steps))


@pytest.mark.parametrize(
    ("machine", "examples"),
    [(ClaimSteps, 20), (UnionSteps, 20), (SqliteMachine, 10)],
    ids=["claims", "unions", "sqlite"],
)
def test_the_library_does_what_the_model_says(machine: Any, examples: int) -> None:
    """Whatever happens in whatever order, claims, ledgers, tiers, tags and answers are those of the rules' text."""
    run(machine, examples, 30)


# In parts, each with a search of its own, so that several can run at once and one that fails is soon told of.
LONG = [pytest.param(Machine, id=f"memory-{part}") for part in range(20)]
LONG += [pytest.param(SqliteMachine, id=f"sqlite-{part}") for part in range(3)]


@pytest.mark.release
@pytest.mark.parametrize("machine", LONG)
def test_the_library_does_what_the_model_says_for_long(machine: Any) -> None:
    """The same as above over many more and longer histories: 4,000 of 60 steps in memory, 600 on files."""
    run(machine, 200, 60)
