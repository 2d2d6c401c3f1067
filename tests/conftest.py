"""What every test shares: where the source is, how long properties search, the storages to run on."""

import faulthandler
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from builders import Clock
from hypothesis import HealthCheck, settings

from crossloyalty.application.ports import Storage
from crossloyalty.storage.memory import MemoryStorage
from crossloyalty.storage.sqlite import SqliteStorage

pytest_plugins = ["server_fixtures"]
# What compares for a test says what differs, as the test itself would.
pytest.register_assert_rewrite("watched", "steps", "claim_steps", "union_steps")

SRC = Path(__file__).resolve().parents[1] / "src"

# Tests that start another Python find the package there as this one does (`pythonpath` in pyproject.toml).
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(SRC), os.environ.get("PYTHONPATH", "")]))

# A busy machine is slow, not wrong: no deadlines. `--hypothesis-profile=release` searches longer.
settings.register_profile("dev", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile(
    "ci", settings.get_profile("dev"), derandomize=True, database=None, print_blob=True, max_examples=50
)
settings.register_profile("release", settings.get_profile("dev"), max_examples=2_000, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


def pytest_runtest_call(item: pytest.Item) -> None:
    """Let the long tests be long: telling where they stand after five minutes has killed some of them (Python 3.11)."""
    if item.get_closest_marker("release") is not None:
        faulthandler.cancel_dump_traceback_later()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Let a worker that has nothing left take over half of what waits behind another's long test."""
    if config.getvalue("dist") != "load":  # somebody has asked for another way
        return None
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log)


@pytest.fixture
def clock() -> Clock:
    """Stand still at noon of 20 November 2026 in Shanghai until moved."""
    return Clock()


@pytest.fixture(params=["memory", "sqlite"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    """Give an empty store; what uses it runs once on every embedded storage."""
    if request.param == "memory":
        yield MemoryStorage()
        return
    with SqliteStorage(tmp_path / "loyalty.db") as opened:
        yield opened
