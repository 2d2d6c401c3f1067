"""What members have in the end, read from each side's own tables; both sides must have given the same."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs
from _handwritten import COUPON
from _servers import rows_of
from servers import Server

from crossloyalty.domain.records import AccountRecord, ClaimRecord, MemberRecord, SpendDayRecord, TagRecord


@attrs.frozen
class Balances:
    """
    What one member has.

    Args:
        accounts: Balance and number of entries, by asset and account.
        spend: Fen by day, as `YYYY-MM-DD`.
        tags: Claims and net in fen by source.
        claims: How many, and their net in fen.
    """

    accounts: Mapping[tuple[str, str], tuple[int, int]]
    tier: str
    spend: Mapping[str, int]
    tags: Mapping[str, tuple[int, int]]
    claims: tuple[int, int]


def balances(
    *,
    members: Iterable[tuple[str, str]],
    accounts: Iterable[tuple[str, str, str, int, int]],
    spend: Iterable[tuple[str, str, int]],
    tags: Iterable[tuple[str, str, int, int]],
    claims: Iterable[tuple[str, int]],
) -> dict[str, Balances]:
    """Sort rows that begin with the member's id by member."""
    of_accounts: defaultdict[str, dict[tuple[str, str], tuple[int, int]]] = defaultdict(dict)
    of_spend: defaultdict[str, dict[str, int]] = defaultdict(dict)
    of_tags: defaultdict[str, dict[str, tuple[int, int]]] = defaultdict(dict)
    of_claims: defaultdict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for who, asset, account, balance, entries in accounts:
        of_accounts[who][asset, account] = (balance, entries)
    for who, day, fen in spend:
        of_spend[who][day] = fen
    for who, tag, count, net in tags:
        of_tags[who][tag] = (count, net)
    for who, net in claims:
        of_claims[who] = (of_claims[who][0] + 1, of_claims[who][1] + net)
    return {who: Balances(of_accounts[who], tier, of_spend[who], of_tags[who], of_claims[who]) for who, tier in members}


def of_ours(store: Server | Path) -> dict[str, Balances]:
    """Read them from the package's tables, on a server or in a SQLite file."""

    def rows(table: str) -> Iterable[Any]:
        name = f"crossloyalty_{table}"
        if isinstance(store, Server):
            return rows_of(store, name)
        with closing(sqlite3.connect(store)) as handle:
            return handle.execute(f"SELECT * FROM {name}").fetchall()

    accounts = map(AccountRecord._make, rows("accounts"))
    spend = map(SpendDayRecord._make, rows("spend_days"))
    tags = map(TagRecord._make, rows("tags"))
    return balances(
        members=[(row.member_id, row.tier) for row in map(MemberRecord._make, rows("members"))],
        accounts=[(row.member_id, row.asset, row.account, row.balance, row.seq) for row in accounts],
        spend=[(row.member_id, row.day, row.spend_fen) for row in spend],
        tags=[(row.member_id, row.tag, row.claims, row.net_fen) for row in tags],
        claims=[(row.member_id, row.net_fen) for row in map(ClaimRecord._make, rows("claims"))],
    )


def same_balances(ours: Mapping[str, Balances], baseline: Mapping[str, Balances]) -> str:
    """
    Prove that both sides gave the same.

    Returns:
        What was compared, for the note of a figure.

    Raises:
        SystemExit: They differ, or nothing was given; the message shows the first member that differs.
    """
    for who in sorted(ours.keys() | baseline.keys()):
        if ours.get(who) != baseline.get(who):
            raise SystemExit(f"{who} differs\nours:     {ours.get(who)}\nbaseline: {baseline.get(who)}")
    coupons = sum((COUPON, "balance") in member.accounts for member in ours.values())
    if not ours or coupons != len(ours):
        raise SystemExit(f"{len(ours)} members have {coupons} coupons")
    claims = sum(member.claims[0] for member in ours.values())
    tiers = len({member.tier for member in ours.values()})
    return (
        f"balances, tiers ({tiers} different), spend, sources and coupons of {len(ours):,} members with {claims:,}"
        " claims are equal on both sides"
    )
