"""pgbench with its defaults: the TPC-B-like transaction, simple protocol, at the same number of clients."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from servers import Server

SCALE: Final = 10  # 1,000,000 accounts
_TPS: Final = re.compile(r"^tps = ([0-9.]+) \(without initial connection time\)$", re.MULTILINE)
_FAILED: Final = re.compile(r"^number of failed transactions: ([0-9]+) ", re.MULTILINE)


class Pgbench:
    """
    pgbench's own tables in a database.

    Args:
        server: An empty database.
        clients: How many connections.
        threads: How many threads serve them.
        scale: Hundred thousands of accounts.
    """

    def __init__(self, server: Server, *, clients: int, threads: int, scale: int = SCALE) -> None:
        self._command = [_program(), "-c", str(clients), "-j", str(threads), "-M", "simple"]
        self._environment = {
            **os.environ,
            "PGHOST": server.host,
            "PGPORT": str(server.port),
            "PGUSER": server.user,
            "PGPASSWORD": server.password,
            "PGDATABASE": server.database,
        }
        self._run([_program(), "-i", "-q", "-s", str(scale)])

    def tps(self, seconds: int) -> float:
        """Run for so many seconds and give transactions a second, without the time to connect."""
        said = self._run([*self._command, "-T", str(seconds)])
        found, failed = _TPS.search(said), _FAILED.search(said)
        if found is None or (failed is not None and failed[1] != "0"):
            raise SystemExit(f"pgbench gave no figure:\n{said}")
        return float(found[1])

    def _run(self, command: list[str]) -> str:
        return subprocess.run(
            command, env=self._environment, check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ).stdout


def _program() -> str:
    """Find pgbench; beside Debian's wrapper it lies with the server's own programs."""
    found = shutil.which("pgbench")
    if found is None:
        places = sorted(Path("/usr/lib/postgresql").glob("*/bin/pgbench"))
        if not places:
            raise SystemExit("pgbench is not installed; it comes with PostgreSQL's client or contrib package")
        found = str(places[-1])
    return found
