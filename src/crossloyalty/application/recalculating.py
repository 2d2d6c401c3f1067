"""Settle existing claims again under a newer arithmetic: a named operation, never a side effect of an upgrade."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, cast

import attrs

from crossloyalty.application.batch import Batch
from crossloyalty.application.deciding import decide
from crossloyalty.application.loading import Loaded
from crossloyalty.application.ports import AsyncTransaction, Scan
from crossloyalty.application.programs import program_hint
from crossloyalty.application.world import World
from crossloyalty.domain.checks import checked_call
from crossloyalty.domain.keys import OrderKey
from crossloyalty.domain.needs import Need
from crossloyalty.domain.program import CALC
from crossloyalty.domain.records import ClaimRecord, Key, OrderRecord
from crossloyalty.domain.settlement import IMPORTED, resettle
from crossloyalty.errors import InvalidInput, shown

__all__ = ["Recalculated", "RecalculationReport", "recalculate"]

_KEPT: Final = 10_000


@attrs.frozen
class Recalculated:
    """
    A claim that counts something else now.

    Args:
        member_id, platform, order_no: Whose claim of which order.
        before_fen, after_fen: Its eligible net, in fen.
        posted: By rule, what was given (or would be), negative where it is taken.
    """

    member_id: str
    platform: str
    order_no: str
    before_fen: int
    after_fen: int
    posted: dict[str, int]


@attrs.define
class RecalculationReport:
    """
    What a recalculation did, or would do.

    Args:
        seen: Claims under an older arithmetic.
        changed: How many of them count something else now.
        claims: Those, the first 10,000 of them.
    """

    seen: int = 0
    changed: int = 0
    claims: list[Recalculated] = attrs.field(factory=list)

    def add(self, other: RecalculationReport) -> None:
        """Add what one batch did."""
        self.seen += other.seen
        self.changed += other.changed
        self.claims += other.claims[: _KEPT - len(self.claims)]


async def recalculate(
    world: World,
    program_id: str,
    *,
    calc: int = CALC,
    dry_run: bool = False,
    batch: int = 200,
    progress: Callable[[RecalculationReport], None] | None = None,
) -> RecalculationReport:
    """
    Bring claims that were settled under an older arithmetic to a newer one; again, it changes nothing.

    Args:
        world: The ports.
        program_id: The program.
        calc: The version of the arithmetic, 1 to the newest.
        dry_run: Say what would change, and write nothing.
        batch: Orders a transaction, 1 to 1,000.
        progress: Called after each batch with the report so far.

    Raises:
        InvalidInput: There is no such arithmetic, or *batch* is out of range.
    """
    if type(calc) is not int or not 1 <= calc <= CALC:
        raise InvalidInput(f"the arithmetic is one of 1 to {CALC}, not {shown(calc)}")
    if type(batch) is not int or not 1 <= batch <= 1000:
        raise InvalidInput(f"a batch has 1 to 1000 orders, not {shown(batch)}")
    checked_call(progress, "progress")
    await program_hint(world, program_id)
    report = RecalculationReport()
    after: tuple[str | int, ...] | None = None
    while True:
        after, claims = await _older(world, program_id, calc, batch, after)
        if claims:
            report.add(await _bring(world, program_id, claims, calc, dry_run=dry_run))
        if progress is not None:
            progress(report)
        if after is None:
            return report


async def _older(
    world: World, program_id: str, calc: int, batch: int, after: tuple[str | int, ...] | None
) -> tuple[tuple[str | int, ...] | None, list[ClaimRecord]]:
    """Give the next page's end, None behind the last, and the claims on it that stand under an older arithmetic."""

    async def look(tx: AsyncTransaction) -> tuple[tuple[str | int, ...] | None, list[ClaimRecord]]:
        rows = (await tx.read(scans=[Scan(OrderRecord, (program_id,), limit=batch, after=after)])).rows[0]
        keys = [cast(OrderRecord, row)[:3] for row in rows]
        found = (await tx.read([Key(ClaimRecord, key) for key in keys])).records.values()
        claims = [cast(ClaimRecord, row) for row in found]
        older = [claim for claim in claims if claim.calc < calc and claim.state != IMPORTED]
        return (keys[-1] if len(rows) == batch else None), older

    return await world.run(look, readonly=True)


async def _bring(
    world: World, program_id: str, claims: Sequence[ClaimRecord], calc: int, *, dry_run: bool
) -> RecalculationReport:
    keys = [OrderKey(*claim[:3]) for claim in claims]
    named = list(dict.fromkeys(claim.member_id for claim in claims))

    async def body(tx: AsyncTransaction) -> RecalculationReport:
        loaded = Loaded(world, tx, program_id, world.now(), {})
        if dry_run:
            members = list(dict.fromkeys([loaded.home(each) for each in named]))
        else:
            members = await loaded.lock_homes(named, [Key(OrderRecord, key) for key in keys])
        versions = loaded.versions
        await loaded.read(keys, members)
        await loaded.read_more()
        batch, report = await decide(loaded, lambda batch: _settle(batch, keys, calc))
        if not dry_run:
            changes, touched = batch.changes(versions)
            if changes:
                await tx.write(changes, roots=touched, final=True)
        return report

    return await world.run(body, readonly=dry_run)


def _settle(batch: Batch, keys: Sequence[OrderKey], calc: int) -> RecalculationReport:
    report = RecalculationReport()
    for key in keys:
        state = batch.order(key)
        claim, order = state.claim, state.effective
        if claim is None or order is None or claim.calc >= calc:
            continue
        try:
            settled = resettle(batch.member(claim.member_id), claim._replace(calc=calc), order, batch.program_of(claim))
        except Need as need:
            batch.needs.append(need)
            continue
        state.claim = settled.record
        report.seen += 1
        after_fen = settled.record.net_fen
        if settled.posted or after_fen != claim.net_fen:
            report.changed += 1
            report.claims.append(
                Recalculated(
                    batch.home(claim.member_id),
                    claim.platform,
                    claim.order_no,
                    claim.net_fen,
                    after_fen,
                    dict(settled.posted),
                )
            )
    return report
