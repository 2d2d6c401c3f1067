"""The example of an adapter of one's own keeps every promise of the adapter contract, and runs to its end."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from crossloyalty.testing import AdapterContract

PATH = Path(__file__).resolve().parents[2] / "examples" / "custom_adapter.py"


def _loaded() -> Any:
    spec = spec_from_file_location("custom_adapter", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules["custom_adapter"] = module
    spec.loader.exec_module(module)
    return module


corner = _loaded()


class TestCorner(corner.CornerKit, AdapterContract):
    """Corner, the marketplace of the example."""


def test_the_example_runs():
    """The example goes its whole road and says so with three lines."""
    run = subprocess.run(
        [sys.executable, "-X", "utf8", str(PATH)], capture_output=True, encoding="utf-8", timeout=60, check=False
    )
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["synced", "received", "claimed"]
