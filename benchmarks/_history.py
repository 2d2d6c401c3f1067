"""Single claims in a store with a long history, against the same in a store with a short one."""

from __future__ import annotations

import json
import random
import shutil
import statistics
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Final

from _handwritten import (
    FAMILIES,
    INSERT_MEMBER,
    PROGRAM,
    Effective,
    Handwritten,
    Member,
    OrderRow,
    Rows,
    settle,
    sums_of,
)
from _harness import BLOCK, Figure, alternate, quartiles, settle_memory
from _workload import (
    START,
    Clock,
    Sides,
    make_work,
    member_id,
    new_store,
    open_sides,
    order_number,
    same_rows,
    single_blocks,
)

from crossloyalty import Order
from crossloyalty.domain.calendar import instant_of

CLAIMS_A_MEMBER: Final = 10
DAYS: Final = 8
SHORT: Final = 100
_INSERT_ORDER: Final = f"INSERT INTO crossloyalty_orders VALUES ({','.join('?' * 17)})"
_DAY_US: Final = 86_400_000_000
_CHUNK_MEMBERS: Final = 1_000


def history(folder: Path, *, claims: int, pairs: int) -> list[Figure]:
    """
    Compare the ratio at a long history with the ratio at a short one, in one run.

    Args:
        folder: Where the stores go; one with 1,000,000 claims takes about 5 GB, and there are two of it.
        claims: The length of the long history.
        pairs: How many pairs of blocks of each.
    """
    sides: list[Sides] = []
    clocks = [Clock(), Clock()]
    blocks = []
    works = []
    for at, length in enumerate((SHORT, claims)):
        members = length // CLAIMS_A_MEMBER
        # The history has the even places of the key space; what is claimed now lies between them, everywhere.
        chance = random.Random(11)
        places = [2 * place + 1 for place in chance.sample(range(max(length, pairs * BLOCK)), pairs * BLOCK)]
        work = make_work(pairs * BLOCK, members=members, places=places, days=DAYS, seed=3)
        works.append(work)
        paths = _stores(folder, length, work.orders)
        sides.append(open_sides(paths, synchronous="FULL"))
        blocks.append(list(single_blocks(sides[at], clocks[at], work.requests, BLOCK)))
    settle_memory()
    taken = alternate((pair for both in zip(*blocks, strict=True) for pair in both), kinds=2)
    short, long = taken[::2], taken[1::2]
    for side, work in zip(sides, works, strict=True):
        side.close()
        same_rows(side.paths, sorted({request.member_id for request in work.requests})[:200])
    for side in sides:
        for path in side.paths:
            path.unlink()
    ratios = [[baseline / ours for ours, baseline in part] for part in (long, short)]
    spread = quartiles([far / near for far, near in zip(*ratios, strict=True)])
    ours, baseline = (statistics.median(part) for part in ratios)
    speed = [[round(BLOCK / statistics.median(side)) for side in zip(*part, strict=True)] for part in (short, long)]
    return [
        Figure(
            "sqlite.single.full.history1m",
            ours,
            baseline,
            spread[1],
            "ratio",
            "higher",
            spread,
            0.9,
            note=f"ours: the ratio to the hand-written version at {claims:,} claims of history; baseline: that at"
            f" {SHORT} in the same run; {pairs} pairs of {BLOCK} claims each. Claims/s of ours and the hand-written:"
            f" {speed[0]} at {SHORT}, {speed[1]} at {claims:,}",
        )
    ]


def _stores(folder: Path, length: int, orders: list[Order]) -> tuple[Path, Path]:
    first, second = folder / f"history{length}-ours.db", folder / f"history{length}-baseline.db"
    new_store(first, orders)
    fill(first, length)
    shutil.copyfile(first, second)
    return first, second


def fill(path: Path, claims: int) -> None:
    """
    Put claims and all that belongs to them into a store by SQL; the host has seen their events and coupons.

    Args:
        path: A store with its schema.
        claims: How many, ten a member.
    """
    writer = Handwritten(str(path), {"synchronous": 0, "cache_size": -200_000, "wal_autocheckpoint": 100_000})
    members = iter(range(claims // CLAIMS_A_MEMBER))
    made = _claims(random.Random(5))
    while chunk := list(islice(members, _CHUNK_MEMBERS)):
        rows, roots, orders = Rows(), [], []
        for place in chunk:
            member = Member(member_id(place), None, 0)
            for order, about, facts in islice(made, CLAIMS_A_MEMBER):
                now = about.finished_at + _DAY_US
                member.at = max(member.at, now)
                settle(rows, member, order, about, now)
                member.seal_events(rows)
                row = (
                    PROGRAM,
                    order.family,
                    order.order_no,
                    2,
                    None,
                    order.platform,
                    "shop-1",
                    "",
                    "",
                    member.member_id,
                    about.finished_at,
                    "FINISHED",
                    about.paid_fen,
                    None,
                    facts,
                    "",
                    None,
                )
                orders.append(row)
            sums_of(rows, member)
            roots.append((PROGRAM, member.member_id, *member.row(CLAIMS_A_MEMBER), "", None, ""))
        rows.owners.clear()
        rows.events = [(*row[:7], 0, (1 << row[3]) - 1, None) for row in rows.events]
        rows.deliveries = [(*row[:8], "DONE", 1, None, row[11]) for row in rows.deliveries]
        writer.cursor.execute("BEGIN")
        writer.cursor.executemany(_INSERT_ORDER, orders)
        writer.cursor.executemany(INSERT_MEMBER, roots)
        writer.write(rows)
        writer.cursor.execute("COMMIT")
    writer.handle.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    writer.close()


def _claims(chance: random.Random) -> Iterator[tuple[OrderRow, Effective, str]]:
    place = 0
    latest = instant_of(START - timedelta(days=10))
    while True:
        number = order_number(2 * place)
        platform = chance.choice(("taobao", "tmall", "douyin"))
        finished = latest - chance.randrange(DAYS * 86_400) * 1_000_000
        amounts = [chance.randrange(5_000, 40_000), chance.randrange(1_000, 20_000)]
        fields: dict[str, Any] = {
            "platform": platform,
            "status": "FINISHED",
            "shop_id": "shop-1",
            "paid_fen": sum(amounts),
            "shipping_fen": 0,
            "created_at": finished - 4 * _DAY_US,
            "paid_at": finished - 4 * _DAY_US,
            "finished_at": finished,
            "lines": [
                {
                    "line_id": f"{number}-{at}",
                    "status": "FINISHED",
                    "paid_fen": amount,
                    "product_id": f"sku-{chance.randrange(500)}",
                    "quantity": 1,
                }
                for at, amount in enumerate(amounts, start=1)
            ],
        }
        snapshot = {"version": [finished, 4, f"{chance.getrandbits(64):016x}"], "fields": fields}
        facts = json.dumps({"snapshots": {"EXPORT": snapshot}, "refunds": {}}, separators=(",", ":"))
        family = FAMILIES[platform]
        yield (
            OrderRow(family, number, platform, "", "", None, facts),
            Effective(platform, sum(amounts), sum(amounts), finished),
            facts,
        )
        place += 1
