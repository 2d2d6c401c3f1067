"""Rows of members who move in, and the same rows written by hand: tuples and one executemany a table."""

from __future__ import annotations

import hashlib
import json
import random
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from _handwritten import PROGRAM
from _workload import SHANGHAI

from crossloyalty import OpeningBalance, OpeningClaim, OpeningSpend, OpeningTier

ROWS_A_MEMBER: Final = 5
_NEVER: Final = 2**53 - 1
_NOTHING: Final = ("", 0, 0, "", "", "")  # spend day, net, gross, tier before, touch, grants
_PERIOD: Final = timedelta(days=365)


def opening_rows(part: int, count: int) -> list[Any]:
    """Draw the rows of some members, five each: an order, points, growth value, a tier, spend of a day."""
    chance = random.Random(part)
    rows: list[Any] = []
    for place in range(count // ROWS_A_MEMBER):
        member = f"p{part:04d}m{place:06d}"
        spent = (date(2026, 11, 1) - timedelta(days=chance.randrange(300))).isoformat()
        rows += [
            OpeningClaim(member_id=member, platform="taobao", order_no=f"38{part:06d}{place:011d}"),
            OpeningBalance(
                member_id=member, asset="points", amount=chance.randrange(1, 9_000), expires_on="2027-06-30"
            ),
            OpeningBalance(member_id=member, asset="growth", amount=chance.randrange(1, 9_000)),
            OpeningTier(member_id=member, tier="白银", qualified_on=spent),
            OpeningSpend(member_id=member, day=spent, spend_fen=chance.randrange(200_000, 400_000)),
        ]
    return rows


def _instant(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=SHANGHAI).timestamp()) * 1_000_000


def _digest(kind: str, fields: dict[str, Any]) -> str:
    text = json.dumps([kind, fields], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _member_rows(rows: Sequence[Any], numbers: Sequence[int], name: str, at: int) -> Iterator[tuple[str, Any]]:
    claim, points, growth, tier, spend = rows
    member = claim.member_id
    keys = [f"opening:{name}:{number}" for number in numbers]
    head = (PROGRAM, member)
    yield "orders", (PROGRAM, "taobao", claim.order_no, 1, None, "", "", "", "", member, 0, "", 0, None, "", "", None)
    yield (
        "claims",
        (PROGRAM, "taobao", claim.order_no, member, 1, "IMPORTED", "import", 1, 2, at, at, 0, "taobao", *_NOTHING),
    )
    ends_at = _instant(date.fromisoformat(points.expires_on) + timedelta(days=1))
    hashed = ""
    entries = (
        ("points", "balance", points.amount, 1, "", keys[1]),
        ("growth", "balance", growth.amount, 2, "", keys[2]),
        ("#spend", "opening", spend.spend_fen, 0, f"#day:{spend.day}", keys[4]),
    )
    for seq, (asset, account, amount, lot_no, rule_id, key) in enumerate(entries, start=1):
        entry = (*head, seq, asset, "own", account, 1, amount, amount, "import", lot_no, "", "", 0, rule_id, key, at)
        hashed = hashlib.sha256("\x1f".join(map(str, (hashed, *entry))).encode()).hexdigest()
        yield "entries", (*entry, hashed)
        yield "accounts", (*head, asset, account, "own", amount, 1)
    for lot_no, row, end in ((1, points, ends_at), (2, growth, None)):
        due_at = _NEVER if end is None else end
        lot = (*head, lot_no, row.asset, "own", "ACTIVE", row.amount, row.amount, 0, 0, 0, at, end, due_at)
        yield "lots", (*lot, "", "", 0, "", 1)
    yield "spend_days", (*head, spend.day, spend.spend_fen)
    review_at = _instant(date.fromisoformat(tier.qualified_on) + _PERIOD)
    kept = json.dumps([[tier.tier, tier.qualified_on, True, "pinned"]], separators=(",", ":"))
    root = (
        *head,
        1,
        min(ends_at, review_at),
        at,
        at,
        3,
        hashed,
        0,
        "",
        tier.tier,
        tier.qualified_on,
        kept,
        "",
        None,
        "",
    )
    yield "members", root
    for key, row in zip(keys, rows, strict=True):
        fields = {field: getattr(row, field) for field in row.__slots__ if not field.startswith("__")}
        yield "requests", (PROGRAM, key, _digest(type(row).__name__, fields), "{}", at)


def load_by_hand(path: Path, rows: Sequence[Any], *, name: str, at: int) -> None:
    """Write what an import of these rows leaves, in one transaction."""
    tables: dict[str, list[Any]] = defaultdict(list)
    for first in range(0, len(rows), ROWS_A_MEMBER):
        numbers = range(first + 1, first + ROWS_A_MEMBER + 1)
        for table, row in _member_rows(rows[first : first + ROWS_A_MEMBER], numbers, name, at):
            tables[table].append(row)
    with closing(sqlite3.connect(path, isolation_level=None)) as handle:
        handle.execute("PRAGMA synchronous = FULL")
        handle.execute("BEGIN IMMEDIATE")
        for table, values in tables.items():
            marks = ",".join("?" * len(values[0]))
            handle.executemany(f"INSERT INTO crossloyalty_{table} VALUES ({marks})", values)
        handle.execute("COMMIT")
