"""
What a program with every kind of rule costs, and how fast members move in.

    python benchmarks/rules.py [--quick] [--json] [--only NAME] [--dir FOLDER]

`rules.full_program` compares claims under a program with every kind of rule with claims under the usual program of the
benchmarks, on the same orders. `import_opening.rows_s` compares with a hand-written load of the same rows; both stores
are compared row by row before the figure is given.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).resolve().parents[1] / "src"
sys.path[:0] = [str(SOURCE), str(Path(__file__).resolve().parent)]

import attrs  # noqa: E402
from _harness import BLOCK, PAIRS, Figure, alternate, as_json, as_table, settle_memory, speeds  # noqa: E402
from _opening import load_by_hand, opening_rows  # noqa: E402
from _workload import START, Clock, Pair, make_work, new_store, program, same_rows  # noqa: E402

from crossloyalty import ClaimRequest, Loyalty, Program, Proof, rules  # noqa: E402
from crossloyalty.storage.sqlite import SqliteStorage  # noqa: E402

WARM: Final = 100
ROWS: Final = 500


def full_program() -> Program:
    """The program of the design's example with every other kind of rule beside its own."""
    usual = program()
    cups = rules.Scope(categories=["cups"])
    return attrs.evolve(
        usual,
        basis=rules.Basis(shipping=True, subsidy_platforms=["jd"]),
        rewards=[
            rules.PointsPerYuan("1", issue_after_days=15, expires_months=12, rates=[rules.Rate("2", cups)]),
            rules.PerStep(10_000, 5, scope=rules.Scope(platforms=["taobao", "douyin"])),
            rules.PointsFixed(3, id="newcomer", once_per="member"),
            rules.GrowthPerYuan("1"),
            rules.GrowthFixed(5, issue_on="2026-12-01"),
            rules.Coupon("WELCOME20", once_per="member"),
            rules.StoredValuePercent("1", issue_event="reviewed"),
            rules.StoredValueFixed(10, expires_on="2027-12-31"),
        ],
        campaigns=[
            rules.Campaign("11.11", "2", from_at=START.replace(day=11, hour=0), until_at=START.replace(day=12, hour=0)),
            rules.Campaign("days", "1.5", days=rules.Days(weekdays=[6, 7]), group="days"),
            rules.Campaign("cups", "1.2", scope=cups, group="cups"),
        ],
        thresholds=[rules.Threshold(20_000, "1.5"), rules.Threshold(50_000, "2", after_refund="prorata")],
        caps=[
            rules.Cap("order", 2_000, asset="points"),
            rules.Cap("day", 100_000, per="day", asset="points"),
            rules.Cap("month", 1_000_000, per="month", reward="growth"),
        ],
        tiers=rules.SpendTiers(
            [rules.Level("普通", 0), rules.Level("白银", 200_000, "1.2"), rules.Level("黄金", 500_000, "1.5")],
            window_days=365,
            grace_days=30,
            downgrade="one_level",
            warn_days=30,
            include_current=True,
        ),
        tier_gifts=[rules.TierGift("silver", "白银", rules.PointsFixed(50))],
        enrol_gifts=[rules.EnrolGift("hello", rules.PointsFixed(5))],
        actions=[rules.Action("share", "share", rules.PointsFixed(5), per_day=2)],
        inactivity=rules.Inactivity(idle_days=180, growth=100),
        external_books=[rules.ExternalBook("stored_value", gateway="youzan")],
    )


def claims(folder: Path, *, pairs: int) -> Figure:
    """Single claims of the same orders under both programs, a transaction each."""
    work = make_work(WARM + pairs * BLOCK)
    doors = []
    for name, rule in (("full", full_program()), ("usual", program())):
        door = Loyalty(rule, SqliteStorage(folder / f"{name}.db", synchronous="FULL"), clock=Clock())
        door.ingest(work.orders)
        doors.append(door)
    asked = [
        ClaimRequest(
            member_id=who,
            platform=platform,
            order_no=order_no,
            proof=Proof.amount_and_day(paid_fen=paid_fen, paid_on=paid_on),
        )
        for who, platform, order_no, paid_fen, paid_on in work.requests
    ]

    def claim(door: Loyalty, some: Sequence[ClaimRequest]) -> None:
        for each in some:
            result = door.claim(each.member_id, platform=each.platform, order_no=each.order_no, proof=each.proof)
            if not result.created:
                raise SystemExit(f"not claimed: {result.reasons}")

    def blocks() -> Iterator[Pair]:
        for at in range(WARM, len(asked), BLOCK):
            some = asked[at : at + BLOCK]
            yield partial(claim, doors[0], some), partial(claim, doors[1], some)

    for door in doors:
        claim(door, asked[:WARM])
    settle_memory()
    taken = alternate(blocks())
    for door in doors:
        if not door.verify().ok:
            raise SystemExit("a store is not sound")
    note = f"{pairs} pairs of {BLOCK} claims; every kind of rule against the program of the example"
    return speeds("rules.full_program", taken, BLOCK, target=0.7, note=note)


def moving_in(folder: Path, *, pairs: int) -> Figure:
    """Rows of members who come from elsewhere, 500 a transaction on both sides."""
    paths = folder / "opening-ours.db", folder / "opening-hand.db"
    for path in paths:
        new_store(path, [])
    clock = Clock()
    door = Loyalty(program(), SqliteStorage(paths[0], synchronous="FULL"), clock=clock)

    def blocks() -> Iterator[Pair]:
        for at in range(pairs):
            rows = opening_rows(at, ROWS)
            name = f"part{at}"
            yield (
                partial(door.import_opening, rows, name=name, batch=ROWS),
                partial(load_by_hand, paths[1], rows, name=name, at=clock.instant),
            )

    settle_memory()
    taken = alternate(blocks())
    note = f"{pairs} pairs of {ROWS} rows in a transaction; both stores hold the same {same_rows(paths):,} rows"
    return attrs.evolve(speeds("import_opening.rows_s", taken, ROWS, target=0.5, note=note), unit="rows/s")


def figures(folder: Path, *, quick: bool) -> dict[str, Callable[[], Figure]]:
    """Name what can be measured."""
    pairs = PAIRS if quick else 3 * PAIRS
    return {
        "rules.full_program": lambda: claims(folder, pairs=pairs),
        "import_opening.rows_s": lambda: moving_in(folder, pairs=pairs),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="What rules cost, and how fast members move in.")
    parser.add_argument("--quick", action="store_true", help="end within 60 s")
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
                done.append(make())
    print(as_json(done) if given.json else as_table(done))


if __name__ == "__main__":
    main()
