"""Finished orders that are fetched again until nobody can ask for a refund any more, where no list shows refunds."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Final, cast

import attrs

from crossloyalty.application.batch import Batch
from crossloyalty.application.ports import AsyncTransaction, Change, Delete, Insert, Replace, Scan
from crossloyalty.application.sources import AsyncPullSource, Facts
from crossloyalty.application.taking import About, Taken, asked, program_of, take
from crossloyalty.application.world import World
from crossloyalty.domain.calendar import instant_of
from crossloyalty.domain.keys import OrderKey, normalise_order_no
from crossloyalty.domain.orders import Order, OrderStatus
from crossloyalty.domain.program import Program
from crossloyalty.domain.records import ClaimRecord, Key, RootKey, WatchRecord
from crossloyalty.errors import InvalidInput

if TYPE_CHECKING:
    from crossloyalty.application.syncing import Run

__all__ = ["Watched", "watch_changes", "watch_due"]

_DAY_US: Final = 86_400 * 1_000_000
# Where a platform does not say for how long buyers may ask for a refund.
_USUAL_DAYS: Final = 90
_AT_ONCE: Final = 200


@attrs.define
class Watched:
    """What became of a round: how many orders were fetched, and what their answers led to."""

    fetched: int = 0
    taken: list[Taken] = attrs.field(factory=list)


async def watch_changes(tx: AsyncTransaction, program_id: str, about: About, facts: Facts, now: int) -> list[Change]:
    """Put the finished orders of an answer on the watch list, as long as a refund may still come."""
    if not about.capabilities.watch_refunds:
        return []
    days = about.capabilities.after_sale_days or _USUAL_DAYS
    rows: dict[Key, WatchRecord] = {}
    for item in facts.items:
        if isinstance(item, Order) and item.status is OrderStatus.FINISHED and isinstance(item.order_no, str):
            finished_at = item.finished_at or item.modified_at
            ends_at = (now if finished_at is None else instant_of(finished_at)) + (days + 1) * _DAY_US
            if ends_at > now:
                row = WatchRecord(program_id, about.platform, about.shop_id, item.order_no, now + _DAY_US, ends_at)
                rows[Key(WatchRecord, row[:4])] = row
    if not rows:
        return []
    held = (await tx.read(list(rows))).records
    new = [row for key, row in rows.items() if key not in held]
    return [Insert.of(new)] if new else []


async def watch_due(
    world: World, run: Run, program_id: str, source: AsyncPullSource, about: About, watched: Watched
) -> None:
    """
    Fetch the watched orders whose day has come and that somebody has converted; the others wait for another day.

    Args:
        world: The ports.
        run: Runs what is over the storage alone.
        program_id: The program.
        source: Whom to ask.
        about: Whose source it is.
        watched: Is filled in as it goes.
    """
    program = await run(program_of(world, program_id, about))
    while True:
        due = await run(_due(world, program, about))
        idle = [row for row, claimed in due if not claimed]
        if idle:
            await run(take(world, program_id, about, Facts(), _Again(idle)))
        for row, claimed in due:
            if claimed:
                facts = await asked(source.fetch(row.order_no), about.platform)
                watched.taken.append(await run(take(world, program_id, about, facts, _Again([row]))))
                watched.fetched += 1
        if len(due) < _AT_ONCE:
            return


async def _due(world: World, program: Program, about: About) -> list[tuple[WatchRecord, bool]]:
    async def body(tx: AsyncTransaction) -> list[tuple[WatchRecord, bool]]:
        prefix = (program.program_id, about.platform, about.shop_id)
        scan = Scan(WatchRecord, prefix, by="by_next", low=0, high=world.now(), limit=_AT_ONCE)
        rows = [cast(WatchRecord, row) for row in (await tx.read(scans=[scan])).rows[0]]
        keys = [_claim_key(program, row) for row in rows]
        claims = (await tx.read([key for key in keys if key is not None])).records
        return [(row, key is not None and key in claims) for row, key in zip(rows, keys, strict=True)]

    return await world.run(body, readonly=True)


def _claim_key(program: Program, row: WatchRecord) -> Key | None:
    platforms = program.known_platforms
    platform = platforms.get(row.platform)
    try:
        order_no = normalise_order_no(row.order_no, platform, platforms)
    except InvalidInput:
        return None
    return Key(ClaimRecord, OrderKey(row.program_id, platform.family, order_no))


class _Again:
    """The next day of watched orders, written with what a fetch said."""

    roots: Collection[RootKey] = ()

    def __init__(self, rows: Collection[WatchRecord]) -> None:
        self._rows = {Key(WatchRecord, row[:4]): row for row in rows}

    async def changes(
        self, tx: AsyncTransaction, batch: Batch | None, versions: Mapping[RootKey, int], now: int
    ) -> tuple[list[Change], Mapping[RootKey, int]]:
        """See `Beside.changes`."""
        held = (await tx.read(list(self._rows))).records
        changes: list[Change] = []
        later: list[WatchRecord] = []
        for key, row in self._rows.items():
            if key not in held:
                continue
            if row.ends_at <= now:
                changes.append(Delete(key))
            else:
                later.append(row._replace(next_at=min(now + _DAY_US, row.ends_at)))
        if later:
            changes.append(Replace.of(later))
        return changes, {}
