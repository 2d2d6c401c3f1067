"""Lists of identities: those of a member with their history, and buyers whom no member is bound to."""

from __future__ import annotations

from datetime import datetime
from typing import Final, cast

import attrs

from crossloyalty.application.pages import Page, checked_limit, cursor_of, page_of, row_behind
from crossloyalty.application.ports import AsyncTransaction, Scan
from crossloyalty.application.world import World
from crossloyalty.domain.answers import when
from crossloyalty.domain.calendar import time_of
from crossloyalty.domain.privacy import masked_repr
from crossloyalty.domain.records import BindingRecord, BuyerRecord, OrderRecord

__all__ = ["IdentityView", "UnclaimedBuyer", "page_of_identities", "page_of_unclaimed_buyers"]

# Cursors are bound to their list: no member can have such an id, because it begins with a blank.
_UNCLAIMED: Final = " unclaimed buyers"
_MOST_ORDERS: Final = 100


@attrs.frozen
class IdentityView:
    """
    One time an identity was a member's, or that they wanted it to be.

    Args:
        family: The platform's family, or the kind of identity.
        scope: Where it is unique.
        buyer_id: The id; of a phone the blind index.
        state: "ACTIVE", "UNBOUND", "CONFLICT" (staff have to look) or "REFUSED".
        via: By which road: "host", "callback", "operator", or "claim:" and the proof.
        evidence: What showed it.
        bound_at: Since when.
        ended_at: Until when, None while it lasts.
    """

    family: str
    scope: str
    buyer_id: str = attrs.field(repr=masked_repr)
    state: str
    via: str
    evidence: str = attrs.field(repr=False)
    bound_at: datetime
    ended_at: datetime | None


@attrs.frozen
class UnclaimedBuyer:
    """
    Somebody who bought and is no member yet.

    Args:
        family, scope, buyer_id: The identity; bind it, and the orders convert.
        orders: How many orders are known of them, 100 at most.
        last_at: When the latest of them counts.
    """

    family: str
    scope: str
    buyer_id: str = attrs.field(repr=masked_repr)
    orders: int
    last_at: datetime


async def page_of_identities(
    world: World, program_id: str, member_id: str, limit: int, after: str | None
) -> Page[IdentityView]:
    """List a member's identities, also those that ended, latest first."""
    scan = Scan(BindingRecord, (), by="by_member")
    place = ("bound_at", "family", "scope", "buyer_id", "binding_no")
    rows, cursor = await page_of(world, program_id, member_id, scan, place, limit, after)
    items = tuple(
        IdentityView(
            row.family,
            row.scope,
            row.buyer_id,
            row.state,
            row.via,
            row.evidence,
            time_of(row.bound_at),
            when(row.ended_at),
        )
        for row in cast("list[BindingRecord]", rows)
    )
    return Page(items, cursor)


async def page_of_unclaimed_buyers(
    world: World, program_id: str, limit: int, after: str | None
) -> Page[UnclaimedBuyer]:
    """
    List buyers whom no member is bound to, in the order of their ids.

    Args:
        world: The ports.
        program_id: The program.
        limit: Identities looked at, 1 to 1,000; those without orders are left out, so a page may hold fewer.
        after: The last page's `next`.
    """
    checked_limit(limit)
    behind = row_behind(after, program_id, _UNCLAIMED)
    scan = Scan(
        BuyerRecord,
        (program_id, ""),
        by="by_member",
        limit=limit + 1,
        after=None if behind is None else (program_id, "", *behind[2:]),
    )

    async def body(tx: AsyncTransaction) -> tuple[list[UnclaimedBuyer], str | None]:
        rows = [cast(BuyerRecord, row) for row in (await tx.read(scans=[scan])).rows[0]]
        page = rows[:limit]
        orders = [Scan(OrderRecord, row[:4], by="by_buyer", descending=True, limit=_MOST_ORDERS) for row in page]
        found = (await tx.read(scans=orders)).rows if orders else ()
        items = [
            UnclaimedBuyer(*row[1:4], len(bought), time_of(cast(OrderRecord, bought[0]).effective_at))
            for row, bought in zip(page, found, strict=True)
            if bought
        ]
        return items, cursor_of(page[-1][1:4], program_id, _UNCLAIMED) if len(rows) > limit else None

    items, cursor = await world.run(body, readonly=True)
    return Page(tuple(items), cursor)
