"""The claim desk prints what attackers, buyers and staff are told, and checks each answer itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

DESK = Path(__file__).resolve().parents[2] / "examples" / "claim_desk.py"


def test_the_claim_desk_runs_to_its_end() -> None:
    """Every answer is the expected one, and neither a phone nor a token is printed."""
    run = subprocess.run([sys.executable, "-X", "utf8", DESK], capture_output=True, encoding="utf-8", check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.rstrip().endswith("everything checked")
    assert run.stdout.count("已提交，核实中") >= 5
    assert "8000" not in run.stdout
