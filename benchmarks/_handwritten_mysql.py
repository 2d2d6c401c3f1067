"""
The same claim as a specialist would write it on MySQL or MariaDB with PyMySQL, on the package's tables.

Two round trips: all reads as one text of several statements, all writes and the COMMIT as another one. The rules are
those of `_handwritten`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any, Final

import pymysql
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
    effective,
    local_day,
    settle,
    sums_of,
)
from pymysql.constants import CLIENT
from pymysql.cursors import Cursor

_MEMBER: Final = " WHERE program_id = %s AND member_id = %s"
# Rows are locked in the order the package locks them. At READ COMMITTED what is read behind a lock is the newest.
_READ: Final = ";".join(
    (
        "START TRANSACTION",
        "SELECT platform, owner_id, buyer_id, next_due_at, facts FROM crossloyalty_orders"
        " WHERE program_id = %s AND family = %s AND order_no = %s FOR UPDATE",
        f"SELECT {MEMBER_COLUMNS} FROM crossloyalty_members{_MEMBER} FOR UPDATE",
        f"SELECT asset, account, balance, seq FROM crossloyalty_accounts{_MEMBER}",
        f"SELECT tag, claims, net_fen, first_at, last_at FROM crossloyalty_tags{_MEMBER}",
        f"SELECT claims, `grant` FROM crossloyalty_member_grants{_MEMBER} AND rule_id = %s",
        f"SELECT SUM(spend_fen) FROM crossloyalty_spend_days{_MEMBER} AND day BETWEEN %s AND %s",
    )
)
_SET_OWNER: Final = (
    "UPDATE crossloyalty_orders SET version = version + 1, owner_id = %s"
    " WHERE program_id = %s AND family = %s AND order_no = %s"
)
_SET_MEMBER: Final = (
    "UPDATE crossloyalty_members SET version = version + 1, next_due_at = %s, created_at = %s, last_at = %s,"
    " entry_seq = %s, entry_hash = %s, event_seq = %s, event_hash = %s, tier = %s, tier_on = %s, qualifications = %s"
    + _MEMBER
)
_SET_TAG: Final = (
    "UPDATE crossloyalty_tags SET claims = %s, net_fen = %s, first_at = %s, last_at = %s" + _MEMBER + " AND tag = %s"
)
_SET_COUPON: Final = "UPDATE crossloyalty_member_grants SET claims = %s, `grant` = %s" + _MEMBER + " AND rule_id = %s"
_SETTING: Final = " ON DUPLICATE KEY UPDATE balance = VALUES(balance), seq = VALUES(seq)"
_ADDING: Final = " ON DUPLICATE KEY UPDATE spend_fen = spend_fen + VALUES(spend_fen)"


class HandwrittenMysql:
    """
    Claims over one connection.

    Args:
        arguments: What `pymysql.connect` takes, for a database that has the package's tables.
    """

    def __init__(self, arguments: dict[str, Any]) -> None:
        self.handle = pymysql.connect(
            **arguments,
            charset="utf8mb4",
            autocommit=True,
            client_flag=CLIENT.MULTI_STATEMENTS,
            init_command="SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
        )
        self.cursor: Cursor = self.handle.cursor()

    def close(self) -> None:
        self.handle.close()

    def claim(self, request: Request, now: int) -> Answer:
        """Convert one order, in one transaction of two round trips."""
        try:
            order, member = self._read(request, now)
            about = effective(json.loads(order.facts), request, now)
            rows = Rows()
            answer = settle(rows, member, order, about, now)
            sums_of(rows, member)
            self._write(rows, member)
        except BaseException:
            self.handle.rollback()
            raise
        return answer

    def _read(self, request: Request, now: int) -> tuple[OrderRow, Member]:
        member_id, family, order_no = request.member_id, FAMILIES[request.platform], request.order_no
        key = (PROGRAM, member_id)
        today = local_day(now)
        window = ((today - timedelta(days=WINDOW_DAYS - 1)).isoformat(), today.isoformat())
        given = (PROGRAM, family, order_no, *key, *key, *key, *key, COUPON, *key, *window)
        orders, roots, accounts, tags, coupons, spend = self._several(_READ, given)[1:]
        if not orders:
            raise Refused("PENDING_SYNC")
        platform, owner_id, buyer_id, next_due_at, facts = orders[0]
        if owner_id or buyer_id or next_due_at is not None:
            raise Refused("ALREADY_CLAIMED")
        member = Member(member_id, roots[0] if roots else None, now)
        if local_day(member.at) != today:
            raise Refused("not in this workload")
        for asset, account, balance, seq in accounts:
            member.accounts[asset.decode(), account.decode()] = (balance, seq)
        for tag, *about in tags:
            member.tags[tag.decode()] = tuple(about)
        member.coupon_was = bool(coupons)
        if coupons:
            member.coupon = coupons[0]
        member.spend = int(spend[0][0] or 0)
        return OrderRow(family, order_no, platform, "", "", None, facts), member

    def _write(self, rows: Rows, member: Member) -> None:
        texts, given = [], []
        key = (PROGRAM, member.member_id)
        if member.new:
            rows_of_members = [(*key, *member.row(1), "", None, "")]
        else:
            rows_of_members = []
            texts.append(_SET_MEMBER)
            given += [*member.row(0)[1:], *key]
        # One statement sets what is there and adds what is not; both know the new sums.
        accounts = [(*row[:4], "own", *row[4:]) for row in rows.accounts_new]
        accounts += [(*key, asset, account, "own", *sums) for (*sums, _, _, asset, account) in rows.accounts_set]
        for table, new, behind in (
            ("members", rows_of_members, ""),
            ("claims", rows.claims, ""),
            ("entries", rows.entries, ""),
            ("lots", rows.lots, ""),
            ("events", rows.events, ""),
            ("accounts", accounts, _SETTING),
            ("spend_days", rows.days, _ADDING),
            ("tags", rows.tags_new, ""),
            ("member_grants", rows.grants_new, ""),
            ("deliveries", rows.deliveries, ""),
        ):
            if new:
                texts.append(_insert(table, len(new), len(new[0])) + behind)
                for row in new:
                    given += row
        for sql, changed in (
            (_SET_OWNER, rows.owners),
            (_SET_TAG, rows.tags_set),
            (_SET_COUPON, rows.grants_set),
        ):
            for row in changed:
                texts.append(sql)
                given += row
        texts.append("COMMIT")
        self._several(";".join(texts), given)

    def _several(self, text: str, given: Sequence[Any]) -> list[Sequence[Any]]:
        cursor = self.cursor
        cursor.execute(text, given)
        answers: list[Sequence[Any]] = [cursor.fetchall()]
        while cursor.nextset():
            answers.append(cursor.fetchall())
        return answers


@lru_cache(maxsize=256)
def _insert(table: str, rows: int, columns: int) -> str:
    row = f"({','.join(['%s'] * columns)})"
    return f"INSERT INTO crossloyalty_{table} VALUES {','.join([row] * rows)}"
