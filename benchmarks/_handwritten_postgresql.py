"""
The same claim as a specialist would write it on PostgreSQL with psycopg, on the package's tables.

One claim is one statement, a PL/pgSQL function (`_claim_function.sql`): one round trip. Many are one transaction in
sets: pipelined reads by arrays, the rules of `_handwritten` in Python, COPY of what is new, updates joined with arrays.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import psycopg
from _handwritten import (
    COUPON,
    FAMILIES,
    MEMBER_COLUMNS,
    PROGRAM,
    WINDOW_DAYS,
    Answer,
    Member,
    OrderRow,
    Refused,
    Request,
    Rows,
    lane_of,
    local_day,
    settle_all,
    sums_of,
)
from psycopg.rows import tuple_row

FUNCTION: Final = Path(__file__).with_name("_claim_function.sql")
_CLAIM: Final = "SELECT * FROM handwritten_claim(%s, %s, %s, %s, %s, %s, %s)"
# Rows are locked in the order the package locks them: orders before members, by key.
_ORDERS: Final = (
    "SELECT o.family, o.order_no, o.platform, o.owner_id, o.buyer_id, o.next_due_at, o.facts FROM crossloyalty_orders o"
    " JOIN unnest(%s::text[], %s::text[]) AS w (family, order_no)"
    " ON o.program_id = %s AND o.family = w.family AND o.order_no = w.order_no"
    " ORDER BY o.family, o.order_no FOR UPDATE OF o"
)
_OF_MEMBERS: Final = "WHERE program_id = %s AND member_id = ANY(%s)"
_MEMBERS: Final = (
    f"SELECT member_id, {MEMBER_COLUMNS} FROM crossloyalty_members {_OF_MEMBERS} ORDER BY member_id FOR UPDATE"
)
_ACCOUNTS: Final = f"SELECT member_id, asset, account, balance, seq FROM crossloyalty_accounts {_OF_MEMBERS}"
_TAGS: Final = f"SELECT member_id, tag, claims, net_fen, first_at, last_at FROM crossloyalty_tags {_OF_MEMBERS}"
_COUPONS: Final = f'SELECT member_id, claims, "grant" FROM crossloyalty_member_grants {_OF_MEMBERS} AND rule_id = %s'
_SPEND: Final = (
    f"SELECT member_id, sum(spend_fen)::bigint FROM crossloyalty_spend_days {_OF_MEMBERS} AND day BETWEEN %s AND %s"
    " GROUP BY member_id"
)
_ARRAYS: Final = {str: "text[]", int: "bigint[]"}


class HandwrittenPostgresql:
    """
    Claims over one connection.

    Args:
        conninfo: A database that has the package's tables; the function is made where it is missing.
    """

    def __init__(self, conninfo: str) -> None:
        self.handle = psycopg.connect(conninfo, autocommit=True, row_factory=tuple_row)
        self.cursor = self.handle.cursor()
        found = self.cursor.execute("SELECT to_regproc('handwritten_claim')").fetchone()
        if found == (None,):
            self.cursor.execute(FUNCTION.read_bytes())

    def close(self) -> None:
        self.handle.close()

    def claim(self, request: Request, now: int) -> Answer:
        """Convert one order, in one statement and its own transaction."""
        member_id, platform, order_no, paid_fen, paid_on = request
        given = (member_id, FAMILIES[platform], order_no, paid_fen, paid_on, now, lane_of(member_id))
        found = self.cursor.execute(_CLAIM, given, prepare=True).fetchone()
        assert found is not None
        state, grants, tier = found
        return Answer(state, json.loads(grants), tier)

    def claim_many(self, requests: Sequence[Request], now: int) -> list[Answer]:
        """Convert many orders in one transaction, set by set."""
        by_order = {(FAMILIES[request.platform], request.order_no): request for request in requests}
        if len(by_order) != len(requests):
            raise Refused("not in this workload")
        with self.handle.transaction():
            orders, members = self._read(by_order, sorted({request.member_id for request in requests}), now)
            if len(orders) != len(requests):
                raise Refused("PENDING_SYNC")
            rows, answers = settle_all(orders, by_order, members, now)
            inserted, updated = [], []
            for member in members.values():
                sums_of(rows, member)
                if member.new:
                    inserted.append((PROGRAM, member.member_id, *member.row(1), "", None, ""))
                else:
                    updated.append((*member.row(0)[1:], PROGRAM, member.member_id))
            self._write(rows, inserted, updated)
        return [answers[key] for key in by_order]

    def _read(
        self, keys: Iterable[tuple[str, str]], ids: list[str], now: int
    ) -> tuple[list[OrderRow], dict[str, Member]]:
        families, numbers = zip(*keys, strict=True)
        today = local_day(now)
        window = ((today - timedelta(days=WINDOW_DAYS - 1)).isoformat(), today.isoformat())
        cursors = [self.handle.cursor() for _ in range(6)]
        with self.handle.pipeline():
            for cursor, (sql, given) in zip(
                cursors,
                (
                    (_ORDERS, (list(families), list(numbers), PROGRAM)),
                    (_MEMBERS, (PROGRAM, ids)),
                    (_ACCOUNTS, (PROGRAM, ids)),
                    (_TAGS, (PROGRAM, ids)),
                    (_COUPONS, (PROGRAM, ids, COUPON)),
                    (_SPEND, (PROGRAM, ids, *window)),
                ),
                strict=True,
            ):
                # Never prepared: a plan kept from when the tables were small would read them whole.
                cursor.execute(sql, given, prepare=False, binary=True)
        orders, roots, accounts, tags, coupons, spend = (cursor.fetchall() for cursor in cursors)
        held = {row[0]: row[1:] for row in roots}
        members = {member_id: Member(member_id, held.get(member_id), now) for member_id in ids}
        for member_id, asset, account, balance, seq in accounts:
            members[member_id].accounts[asset, account] = (balance, seq)
        for member_id, tag, *about in tags:
            members[member_id].tags[tag] = tuple(about)
        for member_id, *coupon in coupons:
            members[member_id].coupon = tuple(coupon)
            members[member_id].coupon_was = True
        for member_id, total in spend:
            members[member_id].spend = total
        return [OrderRow._make(row) for row in orders], members

    def _write(self, rows: Rows, inserted: list[tuple[Any, ...]], updated: list[tuple[Any, ...]]) -> None:
        for table, new in (
            ("members", inserted),
            ("claims", rows.claims),
            ("entries", rows.entries),
            ("lots", rows.lots),
            ("events", rows.events),
            ("accounts", [(*row[:4], "own", *row[4:]) for row in rows.accounts_new]),
            ("tags", rows.tags_new),
            ("member_grants", rows.grants_new),
            ("deliveries", rows.deliveries),
        ):
            if new:
                new.sort(key=_key)
                with self.cursor.copy(f"COPY crossloyalty_{table} FROM STDIN") as copy:
                    for row in new:
                        copy.write_row(row)
        days: dict[tuple[Any, ...], int] = {}
        for *key, net in rows.days:
            days[tuple(key)] = days.get(tuple(key), 0) + net
        with self.handle.pipeline():
            for sql, group in (
                (_SET_OWNERS, rows.owners),
                (_SET_MEMBERS, updated),
                (_SET_ACCOUNTS, rows.accounts_set),
                (_ADD_SPEND, [(*key, net) for key, net in days.items()]),
                (_SET_TAGS, rows.tags_set),
                (_SET_COUPONS, rows.grants_set),
            ):
                if group:
                    self.cursor.execute(sql, [list(column) for column in zip(*group, strict=True)], prepare=False)


def _key(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return row[:3]


def _join(table: str, sets: str, columns: Sequence[tuple[str, type]], key: Sequence[str]) -> str:
    arrays = ", ".join(f"%s::{_ARRAYS[kind]}" for _, kind in columns)
    names = ", ".join(name for name, _ in columns)
    where = " AND ".join(f"t.{name} = g.{name}" for name in key)
    return f"UPDATE crossloyalty_{table} AS t SET {sets} FROM unnest({arrays}) AS g ({names}) WHERE {where}"


def _given(columns: Iterable[str]) -> str:
    return ", ".join(f"{name} = g.{name}" for name in columns)


_PROGRAM: Final = ("program_id", str)
_WHO: Final = (_PROGRAM, ("member_id", str))
_ROOT: Final = (
    ("next_due_at", int),
    ("created_at", int),
    ("last_at", int),
    ("entry_seq", int),
    ("entry_hash", str),
    ("event_seq", int),
    ("event_hash", str),
    ("tier", str),
    ("tier_on", str),
    ("qualifications", str),
)
_SUMS: Final = (("claims", int), ("net_fen", int), ("first_at", int), ("last_at", int))
_SET_OWNERS: Final = _join(
    "orders",
    "version = t.version + 1, owner_id = g.owner_id",
    (("owner_id", str), _PROGRAM, ("family", str), ("order_no", str)),
    ("program_id", "family", "order_no"),
)
_SET_MEMBERS: Final = _join(
    "members",
    f"version = t.version + 1, {_given(name for name, _ in _ROOT)}",
    (*_ROOT, *_WHO),
    ("program_id", "member_id"),
)
_SET_ACCOUNTS: Final = _join(
    "accounts",
    "balance = g.balance, seq = g.seq",
    (("balance", int), ("seq", int), *_WHO, ("asset", str), ("account", str)),
    ("program_id", "member_id", "asset", "account"),
)
_SET_TAGS: Final = _join(
    "tags",
    _given(name for name, _ in _SUMS),
    (*_SUMS, *_WHO, ("tag", str)),
    ("program_id", "member_id", "tag"),
)
_SET_COUPONS: Final = _join(
    "member_grants",
    'claims = g.claims, "grant" = g.given',
    (("claims", int), ("given", str), *_WHO, ("rule_id", str)),
    ("program_id", "member_id", "rule_id"),
)
_ADD_SPEND: Final = (
    "INSERT INTO crossloyalty_spend_days AS t (program_id, member_id, day, spend_fen)"
    " SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::bigint[])"
    " ON CONFLICT (program_id, member_id, day) DO UPDATE SET spend_fen = t.spend_fen + excluded.spend_fen"
)
