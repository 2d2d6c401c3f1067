"""Lists of a member, page by page: orders, claims, tickets, ledger entries."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, Final, Generic, TypeVar

import attrs

from crossloyalty.application.ports import AsyncTransaction, Scan
from crossloyalty.application.standing import links_key, standing_for
from crossloyalty.application.world import World
from crossloyalty.domain.calendar import time_of
from crossloyalty.domain.entry_sentences import entry_sentence
from crossloyalty.domain.keys import clean_id
from crossloyalty.domain.links import Links
from crossloyalty.domain.reasons import Reason
from crossloyalty.domain.records import ClaimRecord, EntryRecord, OrderRecord, TicketRecord
from crossloyalty.domain.settlement import grants_of
from crossloyalty.errors import InvalidInput, WrongType, shown

__all__ = [
    "ClaimView",
    "EntryView",
    "OrderView",
    "Page",
    "TicketView",
    "checked_limit",
    "cursor_of",
    "order_views",
    "page_of",
    "page_of_claims",
    "page_of_entries",
    "page_of_orders",
    "page_of_tickets",
    "row_behind",
]

_T = TypeVar("_T")
_MOST: Final = 1000


@attrs.frozen
class Page(Generic[_T]):
    """
    Part of a list.

    Args:
        items: Newest first.
        next: Pass it as `after` for the next page; None: this was the last.
    """

    items: tuple[_T, ...]
    next: str | None


def cursor_of(row: Sequence[Any], program_id: str, member_id: str) -> str:
    """Name a place in a list of a member, or in another list of the program."""
    text = json.dumps([program_id, member_id, *row], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode()


def row_behind(cursor: str | None, program_id: str, member_id: str) -> tuple[str | int, ...] | None:
    """Read a cursor; one of another member or program is refused, so lists cannot be crossed."""
    if cursor is None:
        return None
    if not isinstance(cursor, str):
        raise WrongType(f"a cursor is text, not {type(cursor).__name__}: {shown(cursor)}")
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor.encode()))
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"no cursor of ours: {shown(cursor)}") from error
    if not isinstance(values, list) or values[:2] != [program_id, member_id]:
        raise InvalidInput("this cursor belongs to another list")
    if not all(isinstance(value, str | int) for value in values):
        raise InvalidInput("no cursor of ours")
    return tuple(values)


def checked_limit(limit: int) -> int:
    """
    Check how many items a page may have.

    Raises:
        InvalidInput: It is no whole number from 1 to 1,000.
    """
    if type(limit) is not int or not 1 <= limit <= _MOST:
        raise InvalidInput(f"limit lies between 1 and {_MOST}: {shown(limit)}")
    return limit


async def page_of(
    world: World,
    program_id: str,
    member_id: str,
    scan: Scan,
    place: tuple[str, ...],
    limit: int,
    after: str | None,
    newest: tuple[str, ...] = (),
) -> tuple[list[Any], str | None]:
    """
    Read part of a list of a member and of everybody it stands for, newest first.

    Args:
        world, program_id, member_id: As everywhere.
        scan: What is listed; by which index.
        place: The fields that tell a row's place among those of one id.
        limit, after: As for every list.
        newest: The fields that order rows of several ids; default *place*.

    Returns:
        The rows, and the cursor to the next ones; None behind the last.
    """
    clean_id(member_id, "member_id")
    checked_limit(limit)
    behind = _places_behind(row_behind(after, program_id, member_id), member_id, len(place))

    def part_of(each: str, known_as: str) -> Scan:
        seen = behind.get(known_as)
        values = None if seen is None else (program_id, each, *seen)
        return scan._replace(prefix=(program_id, each), descending=True, limit=limit + 1, after=values)

    async def body(tx: AsyncTransaction) -> tuple[list[Any], Links]:
        home = world.home(program_id, member_id)
        found = await tx.read([links_key(program_id, home)], [part_of(home, member_id)])
        links = standing_for(world, found, program_id, home, member_id)
        parts = found.rows
        if links.absorbed:
            parts = (await tx.read(scans=[part_of(each, each) for each in links.ids(home)])).rows
        return [row for part in parts for row in part], links

    rows, links = await world.run(body, readonly=True)
    if links.absorbed:
        rows.sort(key=attrgetter(*(newest or place)), reverse=True)
    more = len(rows) > limit
    rows = rows[:limit]
    if not more:
        return rows, None
    if not links.absorbed:
        return rows, cursor_of([getattr(rows[-1], name) for name in place], program_id, member_id)
    whose = "owner_id" if scan.kind is OrderRecord else "member_id"
    seen = {**behind, **{getattr(row, whose): [getattr(row, name) for name in place] for row in rows}}
    return rows, cursor_of(["", *(value for each, at in seen.items() for value in (each, *at))], program_id, member_id)


def _places_behind(values: tuple[Any, ...] | None, member_id: str, length: int) -> dict[str, Sequence[Any]]:
    """Read where each id's part of a list goes on."""
    if values is None:
        return {}
    if values[2:3] != ("",):
        return {member_id: values[2:]}
    rest, size = values[3:], length + 1
    return {rest[at]: rest[at + 1 : at + size] for at in range(0, len(rest), size)}


@attrs.frozen
class OrderView:
    """One order a member holds or whose buyer they are."""

    platform: str
    order_no: str
    shop_id: str
    status: str
    paid_fen: int
    effective_at: datetime


@attrs.frozen
class ClaimView:
    """
    One claim of a member.

    `grants` maps rule ids to what stands granted; what is given once per member counts 1 for each claim that earns it.
    `touch` is where it was asked for, as the claim named it (触点).
    """

    platform: str
    order_no: str
    state: str
    via: str
    net_fen: int
    revision: int
    holder_no: int
    claimed_at: datetime
    effective_at: datetime
    grants: Mapping[str, int]
    touch: str = ""


@attrs.frozen
class TicketView:
    """One request of a member that is no claim (yet); `reason` is for staff, `touch` says where it was asked for."""

    family: str
    order_no: str
    state: str
    reason: Reason
    requested_at: datetime
    expires_at: datetime
    touch: str = ""


@attrs.frozen
class EntryView:
    """One ledger row."""

    seq: int
    asset: str
    account: str
    amount: int
    balance_after: int
    kind: str
    order_no: str
    rule_id: str
    at: datetime

    def sentence(self, language: str = "zh") -> str:
        """Say what it did and why; *language* is "zh" or "en"."""
        row = (self.asset, self.account, self.amount, self.balance_after, self.kind, self.order_no, self.rule_id)
        return entry_sentence(*row, language)


async def page_of_orders(
    world: World, program_id: str, member_id: str, limit: int, after: str | None
) -> Page[OrderView]:
    """List the orders a member holds or, by a bound identity, bought; latest effective time first."""
    scan = Scan(OrderRecord, (), by="by_owner")
    place = ("effective_at", "family", "order_no")
    rows, cursor = await page_of(world, program_id, member_id, scan, place, limit, after)
    return Page(order_views(rows), cursor)


def order_views(rows: Iterable[OrderRecord]) -> tuple[OrderView, ...]:
    """Show stored orders, those that a source has described."""
    return tuple(
        OrderView(row.platform, row.order_no, row.shop_id, row.status, row.paid_fen, time_of(row.effective_at))
        for row in rows
        if row.status
    )


async def page_of_claims(
    world: World, program_id: str, member_id: str, limit: int, after: str | None
) -> Page[ClaimView]:
    """List a member's claims, latest effective time first."""
    scan = Scan(ClaimRecord, (), by="by_member")
    place = ("effective_at", "family", "order_no")
    rows, cursor = await page_of(world, program_id, member_id, scan, place, limit, after)
    return Page(tuple(_claim_view(row) for row in rows), cursor)


def _claim_view(row: ClaimRecord) -> ClaimView:
    return ClaimView(
        row.platform,
        row.order_no,
        row.state,
        row.via,
        row.net_fen,
        row.revision,
        row.holder_no,
        time_of(row.claimed_at),
        time_of(row.effective_at),
        {grant.rule_id: grant.granted for grant in grants_of(row)},
        row.touch,
    )


async def page_of_tickets(
    world: World, program_id: str, member_id: str, limit: int, after: str | None
) -> Page[TicketView]:
    """List a member's requests that are no claims, latest first."""
    scan = Scan(TicketRecord, (), by="by_member")
    place = ("requested_at", "family", "order_no")
    rows, cursor = await page_of(world, program_id, member_id, scan, place, limit, after)
    items = tuple(
        TicketView(
            row.family,
            row.order_no,
            row.state,
            Reason(row.reason),
            time_of(row.requested_at),
            time_of(row.expires_at),
            row.touch,
        )
        for row in rows
    )
    return Page(items, cursor)


async def page_of_entries(
    world: World, program_id: str, member_id: str, limit: int, after: str | None
) -> Page[EntryView]:
    """List a member's ledger rows, latest first."""
    rows, cursor = await page_of(
        world, program_id, member_id, Scan(EntryRecord, ()), ("seq",), limit, after, ("at", "seq")
    )
    items = tuple(
        EntryView(
            row.seq,
            row.asset,
            row.account,
            row.amount,
            row.balance_after,
            row.kind,
            row.order_no,
            row.rule_id,
            time_of(row.at),
        )
        for row in rows
    )
    return Page(items, cursor)
