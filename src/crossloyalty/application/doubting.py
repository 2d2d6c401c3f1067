"""The review list: orders and refunds that a platform told in a way that cannot be believed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final, cast

import attrs

from crossloyalty.application.batch import Batch
from crossloyalty.application.ingesting import ingest_grouped
from crossloyalty.application.pages import Page, cursor_of, row_behind
from crossloyalty.application.ports import AsyncTransaction, Change, Delete, Scan
from crossloyalty.application.programs import program_hint
from crossloyalty.application.world import World
from crossloyalty.domain.calendar import time_of
from crossloyalty.domain.facts import Doubt
from crossloyalty.domain.keys import OrderKey
from crossloyalty.domain.records import DoubtRecord, Key, RootKey
from crossloyalty.errors import InvalidInput, shown

__all__ = ["DoubtfulOrder", "dismiss_doubtful", "page_of_doubtful"]

_LIST: Final = " doubtful"


@attrs.frozen
class DoubtfulOrder:
    """
    Something on the review list.

    Args:
        doubt_id: For `dismiss_doubtful`.
        platform, shop_id: Whose it is.
        order_no: In its normal form; "" when not even that could be read.
        refund_id: The refund that is in doubt; "" for the order itself.
        code: "AMOUNT_MISMATCH", "UNREADABLE" or "UNKNOWN_STATUS".
        detail: What does not agree.
        payload: What the platform said, with everything personal taken out.
        first_at, last_at: Since when, and when it was told last.
    """

    doubt_id: str
    platform: str
    shop_id: str
    order_no: str
    refund_id: str
    code: str
    detail: str
    payload: str = attrs.field(repr=False)
    first_at: datetime
    last_at: datetime


async def page_of_doubtful(world: World, program_id: str, limit: int, after: str | None) -> Page[DoubtfulOrder]:
    """List what is in doubt, what was told last first."""
    if type(limit) is not int or not 1 <= limit <= 1000:
        raise InvalidInput(f"limit lies between 1 and 1000: {shown(limit)}")
    place = row_behind(after, program_id, _LIST)
    behind = None if place is None else (program_id, *place[2:])
    scan = Scan(DoubtRecord, (program_id,), by="by_last", descending=True, limit=limit + 1, after=behind)

    async def body(tx: AsyncTransaction) -> list[DoubtRecord]:
        return cast("list[DoubtRecord]", list((await tx.read(scans=[scan])).rows[0]))

    rows = await world.run(body, readonly=True)
    more = len(rows) > limit
    rows = rows[:limit]
    items = tuple(
        DoubtfulOrder(
            cursor_of(row[1:4], program_id, _LIST),
            row.platform,
            row.shop_id,
            row.order_no,
            row.subject if row.order_no else "",
            row.code,
            row.detail,
            row.payload,
            time_of(row.first_at),
            time_of(row.last_at),
        )
        for row in rows
    )
    last = rows[-1] if more else None
    named = None if last is None else [last.last_at, last.family, last.order_no, last.subject]
    return Page(items, None if named is None else cursor_of(named, program_id, _LIST))


async def dismiss_doubtful(world: World, program_id: str, doubt_id: str) -> bool:
    """
    Take something off the review list because somebody has looked; the order counts by its last sound snapshot again.

    Returns:
        Whether it was still there.
    """
    values = row_behind(doubt_id, program_id, _LIST)
    if values is None or len(values) != 5 or not all(isinstance(each, str) for each in values):
        raise InvalidInput("no id of the review list")
    family, order_no, subject = cast("tuple[str, str, str]", values[2:])
    row_key = Key(DoubtRecord, (program_id, family, order_no, subject))
    await program_hint(world, program_id)

    async def held(tx: AsyncTransaction) -> bool:
        return row_key in (await tx.read([row_key])).records

    async def nameless(tx: AsyncTransaction) -> bool:
        await tx.lock(())
        there = await held(tx)
        if there:
            await tx.write([Delete(row_key)], roots={}, final=True)
        return there

    if not order_no:
        return await world.run(nameless)
    if not await world.run(held, readonly=True):
        return False
    program = await program_hint(world, program_id)
    key = OrderKey(program_id, family, order_no)
    gone = _Gone(row_key)
    await ingest_grouped(world, program, {key: [Doubt(subject, "", world.now())]}, gone)
    return gone.was_there


class _Gone:
    """The row of a doubt, removed with it."""

    roots: Collection[RootKey] = ()

    def __init__(self, key: Key) -> None:
        self._key = key
        self.was_there = False

    async def changes(
        self, tx: AsyncTransaction, batch: Batch | None, versions: Mapping[RootKey, int], now: int
    ) -> tuple[list[Change], Mapping[RootKey, int]]:
        """See `Beside.changes`."""
        self.was_there = self._key in (await tx.read([self._key])).records
        return ([Delete(self._key)] if self.was_there else []), {}
