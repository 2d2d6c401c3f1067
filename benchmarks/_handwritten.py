"""
The same claim as a specialist would write it for one merchant: plain sqlite3, the program's rules as straight code.

Nothing of the package is used. `Handwritten` works on a file whose schema `SqliteStorage` has created, and leaves the
very rows the package leaves; `claims.py` and its test compare them. What the workload never holds (refunds, tickets,
bound buyers, debts) is recognised and refused, so nothing is skipped silently.
"""

from __future__ import annotations

import calendar
import hashlib
import json
import sqlite3
import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

PROGRAM = "brand-a"
FAMILIES = {"taobao": "taobao", "tmall": "taobao", "douyin": "douyin", "jd": "jd"}
NEVER = 2**53 - 1
TIERS = (("普通", 0), ("白银", 200_000), ("黄金", 500_000))
TIER_LINES = dict(TIERS)
WINDOW_DAYS = 365
CLAIM_WITHIN_DAYS = 90
MINIMUM_FEN = 100
ISSUE_AFTER_DAYS = 15
COUPON = "coupon:WELCOME20"
MINUTE_US = 60_000_000

_ZONE = ZoneInfo("Asia/Shanghai")
_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), allow_nan=False).encode
_sha256 = hashlib.sha256
# What is hashed: the hash before and the row's fields, by unit separators.
_ENTRY = "\x1f".join(["%s"] * 18)
EVENTS_A_ROW = 60
_EVENT = "\x1f".join(["%s"] * 7)


class Refused(Exception):
    """The order may not be claimed, or the workload left what this version is written for."""


class Request(NamedTuple):
    """Who asks for which order, with what proof; `paid_on` is a local day."""

    member_id: str
    platform: str
    order_no: str
    paid_fen: int
    paid_on: date


class Answer(NamedTuple):
    """What a caller is told."""

    state: str
    grants: list[dict[str, Any]]
    tier: str


def local_day(instant: int) -> date:
    return datetime.fromtimestamp(instant // 1_000_000, _ZONE).date()


@lru_cache(maxsize=4096)
def midnight(day: date) -> int:
    return int(datetime.combine(day, time(), _ZONE).timestamp()) * 1_000_000


@lru_cache(maxsize=4096)
def end_of_year_from(day: date) -> int:
    last = calendar.monthrange(day.year + 1, day.month)[1]
    return midnight(date(day.year + 1, day.month, min(day.day, last)) + timedelta(days=1))


class OrderRow(NamedTuple):
    family: str
    order_no: str
    platform: str
    owner_id: str
    buyer_id: str
    next_due_at: int | None
    facts: str


class Effective(NamedTuple):
    """An order after its facts, as far as a claim needs it."""

    platform: str
    paid_fen: int
    net_fen: int
    finished_at: int


def effective(facts: dict[str, Any], request: Request, now: int) -> Effective:
    """Read the facts and decide: eligible, and proven by amount and day."""
    if facts["refunds"] or len(facts["snapshots"]) != 1:
        raise Refused("not in this workload")
    (snapshot,) = facts["snapshots"].values()
    fields = snapshot["fields"]
    if fields.get("refunded_fen") or fields.get("refund_open") or fields.get("own_value_fen"):
        raise Refused("not in this workload")
    if fields["status"] != "FINISHED":
        raise Refused("NOT_FINISHED")
    if fields.get("kind", "NORMAL") != "NORMAL":
        raise Refused("KIND_EXCLUDED")
    if fields.get("currency", "CNY") != "CNY":
        raise Refused("CURRENCY")
    paid = fields["paid_fen"]
    net = 0
    goods = 0
    for line in fields["lines"]:
        if line.get("refunded_fen"):
            raise Refused("not in this workload")
        amount = line["paid_fen"]
        goods += amount
        if not line.get("is_free_gift") and line.get("status") not in ("CLOSED_UNPAID", "CLOSED_REFUNDED"):
            net += amount
    if paid != goods + fields.get("shipping_fen", 0):
        raise Refused("AMOUNT_MISMATCH")
    finished = fields["finished_at"]
    if finished > now + 10 * MINUTE_US:
        raise Refused("IN_FUTURE")
    if now >= midnight(local_day(finished) + timedelta(days=CLAIM_WITHIN_DAYS + 1)):
        raise Refused("TOO_OLD")
    if net < MINIMUM_FEN:
        raise Refused("BELOW_MINIMUM")
    if request.paid_fen != paid or local_day(fields["paid_at"]) != request.paid_on:
        raise Refused("AMOUNT_MISMATCH")
    return Effective(fields["platform"], paid, net, finished)


def amounts(net_fen: int) -> tuple[int, int, int, int]:
    """Give points, growth, coupons and bonus money (fen) of a net amount."""
    return net_fen // 100, net_fen // 100, 1, net_fen // 100


class Rows:
    """What a transaction writes, by statement."""

    __slots__ = (
        "accounts_new",
        "accounts_set",
        "claims",
        "days",
        "deliveries",
        "entries",
        "events",
        "grants_new",
        "grants_set",
        "lots",
        "owners",
        "tags_new",
        "tags_set",
    )

    def __init__(self) -> None:
        self.owners: list[tuple[Any, ...]] = []
        self.claims: list[tuple[Any, ...]] = []
        self.entries: list[tuple[Any, ...]] = []
        self.lots: list[tuple[Any, ...]] = []
        self.events: list[tuple[Any, ...]] = []
        self.deliveries: list[tuple[Any, ...]] = []
        self.days: list[tuple[Any, ...]] = []
        self.accounts_new: list[tuple[Any, ...]] = []
        self.accounts_set: list[tuple[Any, ...]] = []
        self.tags_new: list[tuple[Any, ...]] = []
        self.tags_set: list[tuple[Any, ...]] = []
        self.grants_new: list[tuple[Any, ...]] = []
        self.grants_set: list[tuple[Any, ...]] = []


class Member:
    """A member while claims are settled."""

    __slots__ = (
        "accounts",
        "at",
        "coupon",
        "coupon_was",
        "created_at",
        "emitted",
        "entry_hash",
        "entry_seq",
        "event_hash",
        "event_seq",
        "kept",
        "last_at",
        "member_id",
        "new",
        "next_due_at",
        "spend",
        "tags",
        "tags_touched",
        "tier",
        "tier_on",
        "touched",
    )

    def __init__(self, member_id: str, row: Sequence[Any] | None, now: int) -> None:
        self.member_id = member_id
        self.emitted: list[tuple[str, dict[str, Any]]] = []
        self.new = row is None
        self.kept: list[list[Any]] = []
        if row is None:
            self.next_due_at: int | None = None
            self.created_at: int | None = None
            self.at = now
            self.entry_seq = self.event_seq = 0
            self.entry_hash = self.event_hash = self.tier = self.tier_on = ""
        else:
            (
                self.next_due_at,
                self.created_at,
                last_at,
                self.entry_seq,
                self.entry_hash,
                self.event_seq,
                self.event_hash,
                self.tier,
                self.tier_on,
                kept,
                blocked,
                until,
            ) = row
            self.at = now if now > last_at else last_at
            if kept:
                self.kept = json.loads(kept)
            if blocked and (until is None or until > self.at):
                raise Refused("MEMBER_BLOCKED")
        self.accounts: dict[tuple[str, str], tuple[int, int]] = {}
        self.touched: dict[tuple[str, str], bool] = {}
        self.tags: dict[str, tuple[int, int, int, int]] = {}
        self.tags_touched: dict[str, bool] = {}
        self.coupon: tuple[int, str] | None = None
        self.coupon_was = False
        self.spend = 0

    def post(self, rows: Rows, asset: str, account: str, amount: int, order: OrderRow, rule_id: str) -> int:
        seq = self.entry_seq = self.entry_seq + 1
        place = (asset, account)
        held = self.accounts.get(place)
        if held is None:
            balance, account_seq = amount, 1
            self.touched[place] = True
        else:
            balance, account_seq = held[0] + amount, held[1] + 1
            self.touched.setdefault(place, False)
        self.accounts[place] = (balance, account_seq)
        row = (
            PROGRAM,
            self.member_id,
            seq,
            asset,
            "own",
            account,
            account_seq,
            amount,
            balance,
            "grant",
            seq,
            order.family,
            order.order_no,
            1,
            rule_id,
            "",
            self.at,
        )
        self.entry_hash = _sha256((_ENTRY % (self.entry_hash, *row)).encode()).hexdigest()
        rows.entries.append((*row, self.entry_hash))
        return seq

    def emit(self, kind: str, body: dict[str, Any]) -> None:
        self.emitted.append((kind, body))

    def seal_events(self, rows: Rows) -> None:
        emitted, self.emitted = self.emitted, []
        for at in range(0, len(emitted), EVENTS_A_ROW):
            part = emitted[at : at + EVENTS_A_ROW]
            row = (PROGRAM, self.member_id, self.event_seq + 1, len(part), self.at, _encode(part))
            self.event_seq += len(part)
            self.event_hash = _sha256((_EVENT % (self.event_hash, *row)).encode()).hexdigest()
            rows.events.append((*row, self.event_hash, 1, 0, None))

    def grant(
        self,
        rows: Rows,
        asset: str,
        amount: int,
        order: OrderRow,
        *,
        issue_at: int = 0,
        expires_at: int | None = None,
        event: str = "",
    ) -> int:
        """Open a lot: entry, lot, event. Every rule of this program is named like its asset."""
        at = self.at
        active = issue_at <= at
        seq = self.post(rows, asset, "balance" if active else "pending", amount, order, asset)
        body = {
            "asset": asset,
            "amount": amount,
            "lot_no": seq,
            "family": order.family,
            "order_no": order.order_no,
        }
        if active:
            due_at = NEVER if expires_at is None else expires_at
        else:
            due_at = body["issue_at"] = issue_at
        if due_at < NEVER and (self.next_due_at is None or due_at < self.next_due_at):
            self.next_due_at = due_at
        rows.lots.append(
            (
                PROGRAM,
                self.member_id,
                seq,
                asset,
                "own",
                "ACTIVE" if active else "PENDING",
                amount,
                amount,
                0,
                0,
                0,
                issue_at,
                expires_at,
                due_at,
                order.family,
                order.order_no,
                1,
                asset,
                int(active),
            )
        )
        self.emit(event if active else "points.pending", body)
        if active and (asset, "debt") in self.accounts:
            raise Refused("not in this workload")
        return seq

    def row(self, version: int) -> tuple[Any, ...]:
        return (
            version,
            self.next_due_at,
            self.created_at,
            self.at,
            self.entry_seq,
            self.entry_hash,
            self.event_seq,
            self.event_hash,
            self.tier,
            self.tier_on,
            _encode(self.kept) if self.kept else "",
        )


def settle(rows: Rows, member: Member, order: OrderRow, about: Effective, now: int) -> Answer:
    """Grant everything one claim gives and count its spend."""
    at = member.at
    if member.created_at is None:
        member.created_at = at
    tier_before = member.tier
    net = about.net_fen
    finished_day = local_day(about.finished_at)
    grants: list[dict[str, Any]] = []
    posted: dict[str, int] = {}
    waiting = False

    points, growth, _, bonus = amounts(net)
    if points:
        issue_at = max(at, midnight(finished_day + timedelta(days=ISSUE_AFTER_DAYS)))
        waiting = issue_at > at
        expires_at = end_of_year_from(local_day(issue_at))
        lot = member.grant(
            rows, "points", points, order, issue_at=issue_at, expires_at=expires_at, event="points.issued"
        )
        grants.append({"rule": "points", "granted": points, "lot_no": lot})
        posted["points"] = points
    if growth:
        lot = member.grant(rows, "growth", growth, order, issue_at=at, event="growth.changed")
        grants.append({"rule": "growth", "granted": growth, "lot_no": lot})
        posted["growth"] = growth

    coupon = member.coupon
    if coupon is None or not coupon[0]:
        if coupon is not None:
            raise Refused("not in this workload")
        lot = member.grant(rows, COUPON, 1, order, issue_at=at, event="coupon.issued")
        rows.deliveries.append(
            (
                PROGRAM,
                member.member_id,
                lot,
                "default",
                lane_of(member.member_id),
                "coupon.issue",
                f"{PROGRAM}/{member.member_id}/{lot}",
                _encode({"code": "WELCOME20", "lot_no": lot}),
                "PENDING",
                0,
                at,
                at,
            )
        )
        member.coupon = (1, _encode({"rule": COUPON, "granted": 1, "lot_no": lot}))
        posted[COUPON] = 1
    else:
        member.coupon = (coupon[0] + 1, coupon[1])
        posted[COUPON] = 0
    gave = {"gave": True} if posted[COUPON] else {}
    grants.append({"rule": COUPON, "granted": 1, **gave})

    if bonus:
        lot = member.grant(rows, "stored_value", bonus, order, issue_at=at, event="stored_value.issued")
        grants.append({"rule": "stored_value", "granted": bonus, "lot_no": lot})
        posted["stored_value"] = bonus

    spend_day = finished_day.isoformat()
    rows.days.append((PROGRAM, member.member_id, spend_day, net))
    tag = member.tags.get(about.platform)
    if tag is None:
        member.tags[about.platform] = (1, net, about.finished_at, about.finished_at)
        member.tags_touched[about.platform] = True
        member.emit("tag.added", {"tag": "source:" + about.platform})
    else:
        if not tag[0]:
            raise Refused("not in this workload")
        member.tags[about.platform] = (
            tag[0] + 1,
            tag[1] + net,
            min(tag[2], about.finished_at),
            max(tag[3], about.finished_at),
        )
        member.tags_touched.setdefault(about.platform, False)

    today = local_day(at)
    if today - finished_day < timedelta(days=WINDOW_DAYS):
        member.spend += net
    _retier(member, today.isoformat())

    state = "PENDING_ISSUE" if waiting else "GRANTED"
    member.emit(
        "claim.granted",
        {
            "family": order.family,
            "order_no": order.order_no,
            "state": state,
            "net_fen": net,
            "via": "proof",
            "posted": posted,
        },
    )
    rows.claims.append(
        (
            PROGRAM,
            order.family,
            order.order_no,
            member.member_id,
            1,
            state,
            "proof",
            1,
            2,
            now,
            at,
            about.finished_at,
            about.platform,
            spend_day,
            net,
            net,
            tier_before,
            "",
            _encode(grants),
        )
    )
    rows.owners.append((member.member_id, PROGRAM, order.family, order.order_no))
    return Answer(state, grants, member.tier)


def lane_of(member_id: str) -> int:
    return zlib.crc32(member_id.encode()) % 64


def settle_all(
    orders: Iterable[OrderRow], by_order: Mapping[tuple[str, str], Request], members: Mapping[str, Member], now: int
) -> tuple[Rows, dict[tuple[str, str], Answer]]:
    """Settle the claims of a batch in the order in which they were finished."""
    todo: list[tuple[int, str, str, Request, OrderRow, Effective]] = []
    for order in orders:
        if order.owner_id or order.buyer_id or order.next_due_at is not None:
            raise Refused("ALREADY_CLAIMED")
        request = by_order[order.family, order.order_no]
        about = effective(json.loads(order.facts), request, now)
        todo.append((about.finished_at, order.family, order.order_no, request, order, about))
    todo.sort(key=lambda each: each[:3])
    rows = Rows()
    answers: dict[tuple[str, str], Answer] = {}
    for _, family, order_no, request, order, about in todo:
        answers[family, order_no] = settle(rows, members[request.member_id], order, about, now)
    return rows, answers


def _retier(member: Member, today: str) -> None:
    reached = max(line for _, line in TIERS if member.spend >= line)
    held, held_name = 0, TIERS[0][0]
    for name, _, holds in member.kept:
        if not holds:
            raise Refused("not in this workload")
        if TIER_LINES[name] > held:
            held, held_name = TIER_LINES[name], name
    for name, line in TIERS:
        if held < line <= reached:
            member.kept.append([name, today, True])
            held_name = name
    if held_name != member.tier:
        if member.tier or held_name != TIERS[0][0]:
            body = {"from": member.tier or TIERS[0][0], "to": held_name, "on": today}
            member.emit("tier.upgraded", body)
        member.tier = held_name
    if member.kept:
        member.tier_on = max((day for name, day, _ in member.kept if name == held_name), default="")
        first = date.fromisoformat(min(day for _, day, _ in member.kept))
        review_at = midnight(first + timedelta(days=WINDOW_DAYS))
        if member.next_due_at is None or review_at < member.next_due_at:
            member.next_due_at = review_at


MEMBER_COLUMNS = (
    "next_due_at, created_at, last_at, entry_seq, entry_hash, event_seq, event_hash, tier, tier_on, qualifications,"
    " blocked_reason, blocked_until"
)
SELECT_ORDER = (
    "SELECT family, order_no, platform, owner_id, buyer_id, next_due_at, facts FROM crossloyalty_orders"
    " WHERE program_id = ? AND family = ? AND order_no = ?"
)
SELECT_MEMBER = f"SELECT {MEMBER_COLUMNS} FROM crossloyalty_members WHERE program_id = ? AND member_id = ?"
SELECT_ACCOUNTS = (
    "SELECT asset, account, balance, seq FROM crossloyalty_accounts WHERE program_id = ? AND member_id = ?"
)
SELECT_TAG = (
    "SELECT claims, net_fen, first_at, last_at FROM crossloyalty_tags"
    " WHERE program_id = ? AND member_id = ? AND tag = ?"
)
SELECT_COUPON = (
    'SELECT claims, "grant" FROM crossloyalty_member_grants WHERE program_id = ? AND member_id = ? AND rule_id = ?'
)
SELECT_SPEND = (
    "SELECT SUM(spend_fen) FROM crossloyalty_spend_days WHERE program_id = ? AND member_id = ? AND day BETWEEN ? AND ?"
)
SET_OWNER = (
    "UPDATE crossloyalty_orders SET version = version + 1, owner_id = ?"
    " WHERE program_id = ? AND family = ? AND order_no = ?"
)
INSERT_CLAIM = f"INSERT INTO crossloyalty_claims VALUES ({','.join('?' * 19)})"
INSERT_ENTRY = f"INSERT INTO crossloyalty_entries VALUES ({','.join('?' * 18)})"
INSERT_LOT = f"INSERT INTO crossloyalty_lots VALUES ({','.join('?' * 19)})"
INSERT_EVENT = f"INSERT INTO crossloyalty_events VALUES ({','.join('?' * 10)})"
INSERT_DELIVERY = f"INSERT INTO crossloyalty_deliveries VALUES ({','.join('?' * 12)})"
INSERT_MEMBER = f"INSERT INTO crossloyalty_members VALUES ({','.join('?' * 16)})"
SET_MEMBER = (
    "UPDATE crossloyalty_members SET version = version + 1, next_due_at = ?, created_at = ?, last_at = ?,"
    " entry_seq = ?, entry_hash = ?, event_seq = ?, event_hash = ?, tier = ?, tier_on = ?, qualifications = ?"
    " WHERE program_id = ? AND member_id = ?"
)
ADD_SPEND = (
    "INSERT INTO crossloyalty_spend_days (program_id, member_id, day, spend_fen) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (program_id, member_id, day) DO UPDATE SET spend_fen = spend_fen + excluded.spend_fen"
)
INSERT_ACCOUNT = (
    "INSERT INTO crossloyalty_accounts (program_id, member_id, asset, account, book, balance, seq)"
    " VALUES (?, ?, ?, ?, 'own', ?, ?)"
)
SET_ACCOUNT = (
    "UPDATE crossloyalty_accounts SET balance = ?, seq = ?"
    " WHERE program_id = ? AND member_id = ? AND asset = ? AND account = ?"
)
INSERT_TAG = "INSERT INTO crossloyalty_tags VALUES (?, ?, ?, ?, ?, ?, ?)"
SET_TAG = (
    "UPDATE crossloyalty_tags SET claims = ?, net_fen = ?, first_at = ?, last_at = ?"
    " WHERE program_id = ? AND member_id = ? AND tag = ?"
)
INSERT_COUPON = "INSERT INTO crossloyalty_member_grants VALUES (?, ?, ?, ?, ?)"
SET_COUPON = (
    'UPDATE crossloyalty_member_grants SET claims = ?, "grant" = ?'
    " WHERE program_id = ? AND member_id = ? AND rule_id = ?"
)


class Handwritten:
    """
    Claims over one connection, in the thread that made it.

    Args:
        path: A store that `SqliteStorage` has created.
        pragmas: Settings to run with, such as `synchronous`; the benchmark takes them from the package's connection.
    """

    def __init__(self, path: str, pragmas: dict[str, Any]) -> None:
        self.handle = sqlite3.connect(path, isolation_level=None, cached_statements=256)
        for name, value in pragmas.items():
            self.handle.execute(f"PRAGMA {name}={value}")
        self.cursor = self.handle.cursor()

    def close(self) -> None:
        self.handle.close()

    def claim(self, request: Request, now: int) -> Answer:
        """Convert one order, in one transaction."""
        execute = self.cursor.execute
        execute("BEGIN IMMEDIATE")
        try:
            answer = self._claim(request, now)
            execute("COMMIT")
        except BaseException:
            execute("ROLLBACK")
            raise
        return answer

    def _claim(self, request: Request, now: int) -> Answer:
        execute = self.cursor.execute
        member_id = request.member_id
        found = execute(SELECT_ORDER, (PROGRAM, FAMILIES[request.platform], request.order_no)).fetchone()
        if found is None:
            raise Refused("PENDING_SYNC")
        order = OrderRow._make(found)
        if order.owner_id or order.buyer_id or order.next_due_at is not None:
            raise Refused("ALREADY_CLAIMED")
        about = effective(json.loads(order.facts), request, now)
        key = (PROGRAM, member_id)
        member = Member(member_id, execute(SELECT_MEMBER, key).fetchone(), now)
        if not member.new:
            for asset, account, balance, seq in execute(SELECT_ACCOUNTS, key):
                member.accounts[asset, account] = (balance, seq)
            tag = execute(SELECT_TAG, (*key, about.platform)).fetchone()
            if tag is not None:
                member.tags[about.platform] = tag
            member.coupon = execute(SELECT_COUPON, (*key, COUPON)).fetchone()
            member.coupon_was = member.coupon is not None
            today = local_day(member.at)
            window = ((today - timedelta(days=WINDOW_DAYS - 1)).isoformat(), today.isoformat())
            member.spend = execute(SELECT_SPEND, (*key, *window)).fetchone()[0] or 0
        rows = Rows()
        answer = settle(rows, member, order, about, now)
        sums_of(rows, member)
        if member.new:
            execute(INSERT_MEMBER, (*key, *member.row(1), "", None, ""))
        else:
            execute(SET_MEMBER, (*member.row(0)[1:], *key))
        self.write(rows)
        return answer

    def claim_many(self, requests: Sequence[Request], now: int) -> list[Answer]:
        """Convert many orders in one transaction, set by set."""
        execute = self.cursor.execute
        execute("BEGIN IMMEDIATE")
        try:
            answers = self._claim_many(requests, now)
            execute("COMMIT")
        except BaseException:
            execute("ROLLBACK")
            raise
        return answers

    def _claim_many(self, requests: Sequence[Request], now: int) -> list[Answer]:
        execute = self.cursor.execute
        by_order = {(FAMILIES[request.platform], request.order_no): request for request in requests}
        if len(by_order) != len(requests):
            raise Refused("not in this workload")
        orders = [OrderRow._make(row) for row in self._orders(by_order)]
        if len(orders) != len(requests):
            raise Refused("PENDING_SYNC")
        members = self._members(dict.fromkeys(request.member_id for request in requests), now)
        rows, answers = settle_all(orders, by_order, members, now)
        inserted: list[tuple[Any, ...]] = []
        updated: list[tuple[Any, ...]] = []
        for member in members.values():
            sums_of(rows, member)
            if member.new:
                inserted.append((PROGRAM, member.member_id, *member.row(1), "", None, ""))
            else:
                updated.append((*member.row(0)[1:], PROGRAM, member.member_id))
        executemany = self.cursor.executemany
        if inserted:
            executemany(INSERT_MEMBER, inserted)
        if updated:
            executemany(SET_MEMBER, updated)
        self.write(rows)
        execute("DELETE FROM temp.wanted")
        return [answers[key] for key in by_order]

    def _orders(self, keys: Iterable[tuple[str, str]]) -> list[Any]:
        execute = self.cursor.execute
        execute("CREATE TEMP TABLE IF NOT EXISTS wanted (a TEXT, b TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID")
        execute("DELETE FROM temp.wanted")
        self.cursor.executemany("INSERT INTO temp.wanted VALUES (?, ?)", keys)
        return execute(
            "SELECT o.family, o.order_no, o.platform, o.owner_id, o.buyer_id, o.next_due_at, o.facts FROM temp.wanted w"
            " CROSS JOIN crossloyalty_orders o ON o.program_id = ? AND o.family = w.a AND o.order_no = w.b",
            (PROGRAM,),
        ).fetchall()

    def _members(self, member_ids: Iterable[str], now: int) -> dict[str, Member]:
        execute = self.cursor.execute
        ids = list(member_ids)
        execute("DELETE FROM temp.wanted")
        self.cursor.executemany("INSERT INTO temp.wanted VALUES (?, '')", [(member_id,) for member_id in ids])
        joined = "FROM temp.wanted w CROSS JOIN crossloyalty_{} t ON t.program_id = ? AND t.member_id = w.a"
        program = (PROGRAM,)
        held = {
            row[0]: row[1:]
            for row in execute(f"SELECT t.member_id, {MEMBER_COLUMNS} {joined.format('members')}", program)
        }
        members = {member_id: Member(member_id, held.get(member_id), now) for member_id in ids}
        accounts = f"SELECT t.member_id, asset, account, balance, seq {joined.format('accounts')}"
        for member_id, asset, account, balance, seq in execute(accounts, program):
            members[member_id].accounts[asset, account] = (balance, seq)
        tags = f"SELECT t.member_id, tag, claims, net_fen, first_at, last_at {joined.format('tags')}"
        for member_id, tag, *about in execute(tags, program):
            members[member_id].tags[tag] = tuple(about)
        coupons = f'SELECT t.member_id, claims, "grant" {joined.format("member_grants")} AND t.rule_id = ?'
        for member_id, claims, text in execute(coupons, (PROGRAM, COUPON)):
            members[member_id].coupon = (claims, text)
            members[member_id].coupon_was = True
        today = local_day(now)
        window = ((today - timedelta(days=WINDOW_DAYS - 1)).isoformat(), today.isoformat())
        spend = f"SELECT t.member_id, SUM(spend_fen) {joined.format('spend_days')} AND day BETWEEN ? AND ? GROUP BY 1"
        for member_id, total in execute(spend, (PROGRAM, *window)):
            members[member_id].spend = total
        return members

    def write(self, rows: Rows) -> None:
        """Send the rows, a statement a table."""
        execute, executemany = self.cursor.execute, self.cursor.executemany
        for sql, group in (
            (SET_OWNER, rows.owners),
            (INSERT_CLAIM, rows.claims),
            (INSERT_ENTRY, rows.entries),
            (INSERT_LOT, rows.lots),
            (INSERT_EVENT, rows.events),
            (INSERT_ACCOUNT, rows.accounts_new),
            (SET_ACCOUNT, rows.accounts_set),
            (ADD_SPEND, rows.days),
            (INSERT_TAG, rows.tags_new),
            (SET_TAG, rows.tags_set),
            (INSERT_COUPON, rows.grants_new),
            (SET_COUPON, rows.grants_set),
            (INSERT_DELIVERY, rows.deliveries),
        ):
            if len(group) == 1:
                execute(sql, group[0])
            elif group:
                executemany(sql, group)


def sums_of(rows: Rows, member: Member) -> None:
    """Add the rows that hold a member's events and sums."""
    member.seal_events(rows)
    key = (PROGRAM, member.member_id)
    for place, new in member.touched.items():
        balance = member.accounts[place]
        if new:
            rows.accounts_new.append((*key, *place, *balance))
        else:
            rows.accounts_set.append((*balance, *key, *place))
    for tag, new in member.tags_touched.items():
        if new:
            rows.tags_new.append((*key, tag, *member.tags[tag]))
        else:
            rows.tags_set.append((*member.tags[tag], *key, tag))
    if member.coupon is not None:
        if member.coupon_was:
            rows.grants_set.append((*member.coupon, *key, COUPON))
        else:
            rows.grants_new.append((*key, COUPON, *member.coupon))
