"""The example of all marketplaces walks every platform's road."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from crossloyalty.testing.kits import PLATFORM_KITS, platform_kit

PATH = Path(__file__).resolve().parents[2] / "examples" / "sync_all.py"


def test_every_platform_has_its_line():
    """One line a platform with orders, claims and points in it, and a store without a violation."""
    run = subprocess.run(
        [sys.executable, "-X", "utf8", str(PATH)], capture_output=True, encoding="utf-8", timeout=120, check=False
    )
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    names = [*PLATFORM_KITS, "corner"]
    assert [line.split()[0] for line in lines[:-1]] == names
    assert lines[-1] == f"one store, {len(names)} platforms, 0 violations"
    for line in lines[:-1]:
        words = line.split()
        assert int(words[words.index("claims") - 1]) > 20, line
        assert int(words[words.index("points") - 1]) > 0, line
        assert int(words[words.index("taken") - 1]) > 0, line


def test_every_kit_is_there():
    """Each line of the table names a kit that can be made, of the platform it says."""
    for name in PLATFORM_KITS:
        assert platform_kit(name).platform == name
