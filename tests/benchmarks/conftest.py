"""The modules of `benchmarks/`, which import each other by their bare names."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ModuleType]]:
    """Give a function that imports a module of the benchmarks."""
    # Behind everything else, because `benchmarks/servers.py` bears the name of a module of the tests.
    monkeypatch.setattr(sys, "path", [*sys.path, str(FOLDER)])
    yield importlib.import_module
    for name in [name for name in sys.modules if name.startswith("_") and (FOLDER / f"{name}.py").exists()]:
        del sys.modules[name]
