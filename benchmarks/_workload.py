"""What both sides work on: the program of the design's example, orders of two lines, several claims a member."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import attrs
from _handwritten import PROGRAM, Handwritten, Request

from crossloyalty import ClaimRequest, Line, LineStatus, Loyalty, Order, OrderStatus, Program, Proof, SourceKind, rules
from crossloyalty.storage.sqlite import SqliteStorage

Pair: TypeAlias = tuple[Callable[[], object], Callable[[], object]]
SHANGHAI = ZoneInfo("Asia/Shanghai")
START = datetime(2026, 11, 20, 9, tzinfo=SHANGHAI)
CLAIMS_A_MEMBER = 6
_PLATFORMS = ("taobao", "tmall", "douyin")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def program() -> Program:
    """The program of section 8 of the design."""
    return Program(
        program_id=PROGRAM,
        timezone="Asia/Shanghai",
        eligibility=rules.Finished(within_days=90, minimum_fen=100),
        rewards=[
            rules.PointsPerYuan("1", issue_after_days=15, expires_months=12),
            rules.GrowthPerYuan("1"),
            rules.Coupon("WELCOME20", once_per="member"),
            rules.StoredValuePercent("1"),
        ],
        tiers=rules.SpendTiers({"普通": 0, "白银": 200_000, "黄金": 500_000}, window_days=365),
        source_tags=rules.SourceTags(),
        on_refund=rules.ClawBack(shortfall="debt"),
    )


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.moment = START

    def __call__(self) -> datetime:
        return self.moment

    def forward(self) -> None:
        self.moment += timedelta(seconds=1)

    @property
    def instant(self) -> int:
        return (self.moment - _EPOCH) // timedelta(microseconds=1)


@attrs.frozen
class Work:
    """Orders, and for each the request that will claim it."""

    orders: list[Order]
    requests: list[Request]


def order_number(at: int) -> str:
    return f"38161{at:011d}012"


def member_id(at: int) -> str:
    return f"m{at:07d}"


def make_work(
    count: int, *, members: int | None = None, places: Iterable[int] | None = None, days: int = 18, seed: int = 7
) -> Work:
    """
    Draw orders of November 2026 and who claims them.

    Args:
        count: How many.
        members: How many members claim; by default as many as give each about six claims.
        places: What the order numbers are made of, so that several works share a store.
        days: On how many days the orders are finished.
        seed: Of the draw.
    """
    chance = random.Random(seed)
    many = members or max(1, count // CLAIMS_A_MEMBER)
    orders, requests = [], []
    for number in map(order_number, places or range(count)):
        platform = chance.choice(_PLATFORMS)
        finished = datetime(2026, 11, 1, tzinfo=SHANGHAI) + timedelta(seconds=chance.randrange(days * 86_400))
        paid = finished - timedelta(days=chance.randrange(3, 9), minutes=chance.randrange(600))
        amounts = [chance.randrange(5_000, 40_000), chance.randrange(1_000, 20_000)]
        shipping = chance.choice((0, 0, 1_000))
        orders.append(
            Order(
                platform=platform,
                order_no=number,
                shop_id="shop-1",
                status=OrderStatus.FINISHED,
                created_at=paid - timedelta(minutes=3),
                paid_at=paid,
                finished_at=finished,
                modified_at=finished,
                paid_fen=sum(amounts) + shipping,
                shipping_fen=shipping,
                lines=tuple(
                    Line(
                        line_id=f"{number}-{place}",
                        paid_fen=amount,
                        status=LineStatus.FINISHED,
                        product_id=f"sku-{chance.randrange(500)}",
                        quantity=1,
                    )
                    for place, amount in enumerate(amounts, start=1)
                ),
                source=SourceKind.EXPORT,
            )
        )
        claimer = member_id(chance.randrange(many))
        requests.append(Request(claimer, platform, number, sum(amounts) + shipping, paid.date()))
    return Work(orders, requests)


@attrs.frozen
class Sides:
    """Two stores with the same rows: one for the package, one for the hand-written version."""

    ours: Loyalty
    clock: Clock
    storage: SqliteStorage
    baseline: Handwritten
    paths: tuple[Path, Path]

    def close(self) -> None:
        self.storage.close()
        self.baseline.close()


def open_sides(paths: tuple[Path, Path], *, synchronous: Any) -> Sides:
    """Open both stores under one set of settings: those the package has chosen for its connection."""
    clock = Clock()
    storage = SqliteStorage(paths[0], synchronous=synchronous)
    handle = storage.connection().handle
    names = (
        "journal_mode",
        "synchronous",
        "cache_size",
        "wal_autocheckpoint",
        "foreign_keys",
        "mmap_size",
        "temp_store",
    )
    settings = {name: handle.execute(f"PRAGMA {name}").fetchone()[0] for name in names}
    return Sides(Loyalty(program(), storage, clock=clock), clock, storage, Handwritten(str(paths[1]), settings), paths)


def new_store(path: Path, orders: Sequence[Order]) -> None:
    """Create a store that knows these orders; closing it leaves one file."""
    with SqliteStorage(path, synchronous="NORMAL") as storage:
        clock = Clock()
        report = Loyalty(program(), storage, clock=clock).ingest(orders)
        if report.changed != len(orders):
            raise SystemExit(f"the workload was not taken in: {report}")


def twin_stores(folder: Path, name: str, orders: Sequence[Order]) -> tuple[Path, Path]:
    """Create a store and its copy."""
    first, second = folder / f"{name}-ours.db", folder / f"{name}-baseline.db"
    new_store(first, orders)
    shutil.copyfile(first, second)
    return first, second


def claim_ours(sides: Sides, requests: Sequence[Request]) -> None:
    """Claim one after the other, as a host would."""
    claim, forward = sides.ours.claim, sides.clock.forward
    proof = Proof.amount_and_day
    for who, platform, order_no, paid_fen, paid_on in requests:
        forward()
        result = claim(who, platform=platform, order_no=order_no, proof=proof(paid_fen=paid_fen, paid_on=paid_on))
        if not result.created:
            raise SystemExit(f"not created: {result}")


def claim_baseline(sides: Sides, clock: Clock, requests: Sequence[Request]) -> None:
    """Claim one after the other by the hand-written version."""
    claim, forward = sides.baseline.claim, clock.forward
    for request in requests:
        forward()
        claim(request, clock.instant)


def claim_many_ours(sides: Sides, requests: Sequence[Request]) -> None:
    """Claim all in one call, as a host would."""
    sides.clock.forward()
    proof = Proof.amount_and_day
    results = sides.ours.claim_many(
        [
            ClaimRequest(
                member_id=who,
                platform=platform,
                order_no=order_no,
                proof=proof(paid_fen=paid_fen, paid_on=paid_on),
            )
            for who, platform, order_no, paid_fen, paid_on in requests
        ]
    )
    if not all(result.created for result in results):
        raise SystemExit("a claim of the bulk was not created")


def claim_many_baseline(sides: Sides, clock: Clock, requests: Sequence[Request]) -> None:
    """Claim all in one call of the hand-written version."""
    clock.forward()
    sides.baseline.claim_many(requests, clock.instant)


def single_blocks(sides: Sides, clock: Clock, requests: Sequence[Request], block: int) -> Iterator[Pair]:
    """Give the pairs to time: the same single claims on both sides, *block* of them."""
    for at in range(0, len(requests), block):
        part = requests[at : at + block]
        yield partial(claim_ours, sides, part), partial(claim_baseline, sides, clock, part)


def bulk_blocks(sides: Sides, clock: Clock, requests: Sequence[Request], block: int) -> Iterator[Pair]:
    """Give the pairs to time: the same bulk on both sides, *block* claims in one call."""
    for at in range(0, len(requests), block):
        part = requests[at : at + block]
        yield partial(claim_many_ours, sides, part), partial(claim_many_baseline, sides, clock, part)


def same_rows(paths: tuple[Path, Path], members: Sequence[str] | None = None) -> int:
    """
    Prove that both sides did the same: every row of every table of both stores is equal.

    Args:
        members: Compare only the rows of these; None compares everything.

    Returns:
        How many rows were compared.

    Raises:
        SystemExit: They differ; the message shows the first row that does.
    """
    counted = 0
    tables = [dict(_rows_of(path, members)) for path in paths]
    for name, ours in tables[0].items():
        baseline = tables[1].get(name)
        if ours != baseline:
            theirs = baseline or []
            only_ours = sorted(set(ours) - set(theirs), key=repr)[:1]
            only_baseline = sorted(set(theirs) - set(ours), key=repr)[:1]
            raise SystemExit(
                f"{name} differs: {len(ours)} and {len(theirs)} rows\nours:     {only_ours}\nbaseline: {only_baseline}"
            )
        counted += len(ours)
    return counted


def _rows_of(path: Path, members: Sequence[str] | None) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
    with closing(sqlite3.connect(path)) as handle:
        names = [row[0] for row in handle.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        for name in names:
            columns = [row[1] for row in handle.execute(f'PRAGMA table_info("{name}")')]
            where, ids = "", ()
            if members is not None:
                whose = "member_id" if "member_id" in columns else "owner_id"
                if whose not in columns:
                    continue
                where, ids = (
                    f' WHERE program_id = ? AND "{whose}" IN ({",".join("?" * len(members))})',
                    (PROGRAM, *members),
                )
            yield name, sorted(handle.execute(f'SELECT * FROM "{name}"{where}', ids), key=repr)
