"""
What pulling from a platform costs: read, signed, parsed, stored, against a bare download of the same pages.

    python benchmarks/sync.py [--quick] [--json] [--only NAME] [--dir FOLDER]

The platform's double answers from a cache, so that its own work is the same small part of both sides. The baseline
sends the very requests the sync sent, with a plain `httpx.Client`, and parses each answer with `json.loads`.
`parse.<platform>.us` is the time to read one order from a page's bytes, in microseconds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).resolve().parents[1] / "src"
EXAMPLES: Final = Path(__file__).resolve().parents[1] / "examples"
sys.path[:0] = [str(SOURCE), str(Path(__file__).resolve().parent), str(EXAMPLES)]

import attrs  # noqa: E402
import httpx  # noqa: E402
from _harness import PAIRS, Figure, alternate, as_json, as_table, quartiles, settle_memory, speeds  # noqa: E402
from _workload import Pair  # noqa: E402
from custom_adapter import CornerKit  # noqa: E402

from crossloyalty import Loyalty  # noqa: E402
from crossloyalty.storage.sqlite import SqliteStorage  # noqa: E402
from crossloyalty.testing import AdapterKit  # noqa: E402
from crossloyalty.testing.adapter_kit import Stand, loyalty_over  # noqa: E402
from crossloyalty.testing.doubles import Double, Reply, Request  # noqa: E402
from crossloyalty.testing.kits import PLATFORM_KITS, platform_kit  # noqa: E402

ORDERS: Final = 1000
PARSE_US: Final = 40.0


def kits() -> dict[str, Callable[[], AdapterKit]]:
    """Give the platforms: the built-in ones, and the one of the example."""
    return {**{name: partial(platform_kit, name) for name in PLATFORM_KITS}, "corner": CornerKit}


class Recorded:
    """Lets a double answer from what it answered before, and keeps the requests of one sync."""

    def __init__(self, double: Double) -> None:
        self.requests: list[Request] = []
        self.bodies: list[bytes] = []
        self._answers: dict[tuple[object, ...], Reply] = {}
        self._answer = double.answer
        self.recording = True
        double.answer = self.answer  # type: ignore[method-assign]

    def answer(self, request: Request) -> Reply:
        key = (request.method, request.path, tuple(sorted(request.query.items())), request.body)
        reply = self._answers.get(key)
        if reply is None:
            reply = self._answers[key] = self._answer(request)
        if self.recording:
            self.requests.append(request)
            self.bodies.append(reply.body)
        return reply


def bare(url: str, requests: Sequence[Request]) -> None:
    """Download and parse, and nothing else."""
    with httpx.Client(trust_env=False) as client:
        for each in requests:
            headers = {name: value for name, value in each.headers.items() if name not in ("host", "content-length")}
            answer = client.request(each.method, url + each.path, params=each.query, headers=headers, content=each.body)
            json.loads(answer.content)


def pulled(name: str, kit: AdapterKit, folder: Path, *, pairs: int) -> Figure:
    """Sync into an empty SQLite file, against the bare download."""
    with Stand.open(kit, orders=ORDERS) as stand:
        recorded = Recorded(stand.double)
        stand.loyalty.sync(stand.source, since=stand.since)
        recorded.recording = False
        known = len(stand.book.orders())

        def sync(loyalty: Loyalty) -> None:
            report = loyalty.sync(stand.source, since=stand.since)
            if not known * 0.8 <= report.orders_new <= known:
                raise SystemExit(f"{name}: {report.orders_new} orders of {known}")

        def runs() -> Iterator[Pair]:
            for at in range(pairs):
                # Making the file and its tables is no part of a sync.
                storage = SqliteStorage(folder / f"{name}-{at}.db", synchronous="FULL")
                loyalty = loyalty_over(kit, storage, stand.clock)
                yield partial(sync, loyalty), partial(bare, stand.double.url, recorded.requests)

        settle_memory()
        taken = alternate(runs())
    note = f"{pairs} pairs of {ORDERS} orders on {len(recorded.requests)} calls, into SQLite with synchronous=FULL"
    return attrs.evolve(speeds(f"sync.{name}", taken, ORDERS, target=0.3, note=note), unit="orders/s")


def parsed(name: str, kit: AdapterKit, *, pairs: int) -> Figure | None:
    """Read the orders of all full pages from their bytes, against `json.loads` of the same bytes."""
    with Stand.open(kit, orders=ORDERS) as stand:
        recorded = Recorded(stand.double)
        stand.loyalty.sync(stand.source, since=stand.since)
        pages: dict[bytes, int] = {}
        for body in recorded.bodies:
            try:
                facts = kit.parse(body)
            except (ValueError, KeyError, TypeError, AttributeError):
                continue
            if facts is None:
                return None
            if facts.items and not facts.doubtful:
                pages[body] = len(facts.items)
    # Different orders, as in a sync: of one page again and again every time of day would be known already.
    full = max(pages.values())
    bodies = [body for body, rows in pages.items() if rows == full]
    settle_memory()
    taken = alternate([(partial(each_of, bodies, kit.parse), partial(each_of, bodies, json.loads))] * (pairs * 5))
    orders = full * len(bodies)
    spread = quartiles([ours / baseline for ours, baseline in taken])
    by = "without msgspec" if find_spec("msgspec") is None else "with msgspec"
    return Figure(
        f"parse.{name}.us",
        statistics.median(ours for ours, _ in taken) / orders * 1e6,
        statistics.median(baseline for _, baseline in taken) / orders * 1e6,
        spread[1],
        "us/order",
        "lower",
        spread,
        PARSE_US,
        judged="ours",
        note=f"{pairs * 5} pairs of {len(bodies)} pages of {full} orders, {by}, against json.loads of the same bytes",
    )


def each_of(bodies: Sequence[bytes], read: Callable[[bytes], object]) -> None:
    """Read page after page."""
    for body in bodies:
        read(body)


def figures(folder: Path, *, quick: bool) -> dict[str, Callable[[], Figure | None]]:
    """Name what can be measured."""
    pairs = PAIRS if quick else 2 * PAIRS
    made: dict[str, Callable[[], Figure | None]] = {}
    for name, kit in kits().items():
        made[f"sync.{name}"] = lambda name=name, kit=kit: pulled(name, kit(), folder, pairs=pairs)
        made[f"parse.{name}.us"] = lambda name=name, kit=kit: parsed(name, kit(), pairs=pairs)
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="What pulling from a platform costs.")
    parser.add_argument("--quick", action="store_true", help="fewer pairs")
    parser.add_argument("--json", action="store_true", help="print one JSON object and no table")
    parser.add_argument("--only", metavar="NAME", action="append", help="measure this figure; may be repeated")
    parser.add_argument("--dir", type=Path, default=Path(), help="a folder on the disk to measure; default: here")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix=".benchmark-", dir=given.dir, ignore_cleanup_errors=True) as name:
        makers = figures(Path(name), quick=given.quick)
        for only in given.only or ():
            if only not in makers:
                parser.error(f"no figure {only}; there are {', '.join(makers)}")
        done = []
        for figure, make in makers.items():
            if not given.only or figure in given.only:
                print(f"measuring {figure} …", file=sys.stderr, flush=True)
                made = make()
                if made is not None:
                    done.append(made)
    print(as_json(done) if given.json else as_table(done))


if __name__ == "__main__":
    main()
