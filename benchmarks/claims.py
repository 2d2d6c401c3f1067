"""
How fast claims are, against hand-written sqlite3 code that leaves the same rows.

    python benchmarks/claims.py [--quick] [--json] [--only NAME] [--dir FOLDER]

Ours and the baseline take turns every 50 operations in one run; a figure is the median of the pair ratios, so a busy
machine disturbs it little. Before a figure is given the stores of both sides are compared row by row.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Literal

SOURCE: Final = Path(__file__).resolve().parents[1] / "src"
sys.path[:0] = [str(SOURCE), str(Path(__file__).resolve().parent)]

from _decisions import decide, import_time  # noqa: E402  # this checkout comes before an installed package
from _harness import BLOCK, PAIRS, Figure, alternate, as_json, as_table, settle_memory, speeds  # noqa: E402
from _history import history  # noqa: E402
from _workload import (  # noqa: E402
    Clock,
    bulk_blocks,
    claim_baseline,
    claim_ours,
    make_work,
    open_sides,
    same_rows,
    single_blocks,
    twin_stores,
)

BULK: Final = 1000
WARM: Final = 100
HISTORY: Final = 1_000_000


def single(folder: Path, name: str, synchronous: Literal["FULL", "NORMAL"], *, pairs: int, target: float) -> Figure:
    """Single claims by amount and day of orders that were taken in before; a transaction each."""
    work = make_work(WARM + pairs * BLOCK)
    paths = twin_stores(folder, name, work.orders)
    sides, clock = open_sides(paths, synchronous=synchronous), Clock()
    claim_ours(sides, work.requests[:WARM])
    claim_baseline(sides, clock, work.requests[:WARM])
    settle_memory()
    taken = alternate(single_blocks(sides, clock, work.requests[WARM:], BLOCK))
    sides.close()
    note = f"{pairs} pairs of {BLOCK} claims; both stores hold the same {same_rows(paths):,} rows"
    return speeds(name, taken, BLOCK, target=target, note=note)


def bulk(folder: Path, *, pairs: int, claims: int = BULK) -> Figure:
    """Many claims in one call and one transaction, synchronous FULL."""
    work = make_work((pairs + 1) * claims)
    paths = twin_stores(folder, "bulk", work.orders)
    sides, clock = open_sides(paths, synchronous="FULL"), Clock()
    claim_ours(sides, work.requests[:WARM])
    claim_baseline(sides, clock, work.requests[:WARM])
    settle_memory()
    taken = alternate(bulk_blocks(sides, clock, work.requests[WARM : WARM + pairs * claims], claims))
    sides.close()
    note = f"{pairs} pairs of one call with {claims} claims; both stores hold the same {same_rows(paths):,} rows"
    return speeds("sqlite.bulk1000", taken, claims, target=0.5, note=note)


def figures(folder: Path, *, quick: bool) -> dict[str, Callable[[], list[Figure]]]:
    """Name what can be measured."""
    pairs = PAIRS if quick else 3 * PAIRS
    made: dict[str, Callable[[], list[Figure]]] = {
        "sqlite.single.full": lambda: [single(folder, "sqlite.single.full", "FULL", pairs=pairs, target=0.65)],
        "sqlite.single.normal": lambda: [single(folder, "sqlite.single.normal", "NORMAL", pairs=pairs, target=0.45)],
        "sqlite.bulk1000": lambda: [bulk(folder, pairs=PAIRS if quick else 2 * PAIRS)],
        "decide.us": lambda: [decide(pairs=pairs)],
        "import.ms": lambda: [import_time(SOURCE)],
    }
    if not quick:
        made["sqlite.single.full.history1m"] = lambda: history(folder, claims=HISTORY, pairs=2 * pairs)
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="How fast claims are, against hand-written sqlite3 code.")
    parser.add_argument("--quick", action="store_true", help="end within 60 s; leaves out the million claims")
    parser.add_argument("--json", action="store_true", help="print one JSON object and no table")
    parser.add_argument("--only", metavar="NAME", action="append", help="measure this figure; may be repeated")
    parser.add_argument("--dir", type=Path, default=Path(), help="a folder on the disk to measure; default: here")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix=".benchmark-", dir=given.dir, ignore_cleanup_errors=True) as name:
        makers = figures(Path(name), quick=given.quick)
        for only in given.only or ():
            if only not in makers:
                parser.error(f"no figure {only}; there are {', '.join(makers)}")
        done: list[Figure] = []
        for figure, make in makers.items():
            if not given.only or figure in given.only:
                print(f"measuring {figure} …", file=sys.stderr, flush=True)
                done += make()
    print(as_json(done) if given.json else as_table(done))


if __name__ == "__main__":
    main()
