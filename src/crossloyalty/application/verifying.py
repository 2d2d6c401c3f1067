"""Walk the whole store of a program and check what always holds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, cast

import attrs

from crossloyalty.application.ports import AsyncTransaction, Scan
from crossloyalty.application.programs import newest_program, newest_scan, read_revisions
from crossloyalty.application.standing import read_links
from crossloyalty.application.world import World
from crossloyalty.domain.checks import checked_call
from crossloyalty.domain.invariants import (
    MemberRows,
    Violation,
    check_buyer,
    check_claim,
    check_order,
    check_own,
    check_together,
)
from crossloyalty.domain.links import NO_LINKS
from crossloyalty.domain.records import (
    AccountRecord,
    BindingRecord,
    BuyerRecord,
    ClaimRecord,
    DeliveryRecord,
    EntryRecord,
    EventRecord,
    Key,
    LotRecord,
    MemberGrantRecord,
    MemberRecord,
    OrderRecord,
    SpendDayRecord,
    TagRecord,
)

__all__ = ["VerifyProgress", "VerifyReport", "verify"]

_PAGE: Final = 500
_KEPT: Final = 1000


@attrs.frozen
class VerifyProgress:
    """How many members and orders were checked so far."""

    members: int
    orders: int


@attrs.define
class VerifyReport:
    """
    What a check of the store found.

    Args:
        members, orders: How many were checked.
        violations: What should be impossible, the first 1,000; empty is the good answer.
    """

    members: int = 0
    orders: int = 0
    violations: list[Violation] = attrs.field(factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.violations

    def add(self, violations: list[Violation]) -> None:
        """Keep what was found, up to a bound."""
        self.violations += violations[: _KEPT - len(self.violations)]


async def verify(
    world: World, program_id: str, *, progress: Callable[[VerifyProgress], None] | None = None
) -> VerifyReport:
    """
    Check every member, every order and every identity of a program; reads in pages, so memory stays bounded.

    Args:
        world: The ports.
        program_id: The program.
        progress: Called after each page.
    """
    checked_call(progress, "progress")
    report = VerifyReport()
    for check in (_members, _orders, _buyers):
        after: tuple[Any, ...] | None = None
        while True:
            after = await _page(world, program_id, check, after, report)
            if progress is not None:
                progress(VerifyProgress(report.members, report.orders))
            if after is None:
                break
    return report


async def _page(
    world: World,
    program_id: str,
    check: Callable[[World, AsyncTransaction, str, Any, VerifyReport], Awaitable[tuple[Any, ...] | None]],
    after: tuple[Any, ...] | None,
    report: VerifyReport,
) -> tuple[Any, ...] | None:
    # Each page is one consistent snapshot; a member's rows are all read inside it.
    async def body(tx: AsyncTransaction) -> tuple[Any, ...] | None:
        return await check(world, tx, program_id, after, report)

    return await world.run(body, readonly=True)


async def _members(
    world: World, tx: AsyncTransaction, program_id: str, after: Any, report: VerifyReport
) -> tuple[Any, ...] | None:
    roots = (await tx.read(scans=[Scan(MemberRecord, (program_id,), limit=_PAGE, after=after)])).rows[0]
    for root in roots:
        rows = await _rows_of(tx, cast(MemberRecord, root))
        report.members += 1
        report.add(check_own(rows))
        if rows.links is NO_LINKS:
            report.add(check_together([rows]))
            continue
        together = await _ever_merged_with(tx, rows)
        report.add(await _left_of_erased(tx, rows))
        if rows.root.member_id == min(together):
            report.add(check_together([together[each] for each in sorted(together)]))
    return roots[-1][:2] if len(roots) == _PAGE else None


_KINDS_OF_MEMBERS: Final = (
    AccountRecord,
    EntryRecord,
    LotRecord,
    SpendDayRecord,
    TagRecord,
    MemberGrantRecord,
    DeliveryRecord,
    EventRecord,
)


async def _rows_of(tx: AsyncTransaction, member: MemberRecord) -> MemberRows:
    prefix = member[:2]
    scans = [*(Scan(kind, prefix) for kind in _KINDS_OF_MEMBERS), Scan(ClaimRecord, prefix, by="by_member")]
    return MemberRows(member, *cast("list[Any]", (await tx.read(scans=scans)).rows))


async def _left_of_erased(tx: AsyncTransaction, rows: MemberRows) -> list[Violation]:
    """I-54: what is left of the identities of somebody who was erased leads nowhere."""
    if not rows.links.erased_at:
        return []
    found = (await tx.read(scans=[Scan(BindingRecord, rows.root[:2], by="by_member")])).rows[0]
    left = [row for row in cast("Sequence[BindingRecord]", found) if row.bound_at < rows.links.erased_at]
    return [Violation("I-54", f"{rows.root.member_id}: was erased, and {row.family} leads to it") for row in left]


async def _ever_merged_with(tx: AsyncTransaction, rows: MemberRows) -> dict[str, MemberRows]:
    """Read everybody who is, or once was, one with a member."""
    together = {rows.root.member_id: rows}
    waiting = [rows]
    while waiting:
        links = waiting.pop().links
        for each in {links.into, *links.absorbed, *links.origins} - {"", *together}:
            key = Key(MemberRecord, (rows.root.program_id, each))
            found = (await tx.read([key])).records.get(key)
            if found is not None:
                together[each] = await _rows_of(tx, cast(MemberRecord, found))
                waiting.append(together[each])
    return together


async def _orders(
    world: World, tx: AsyncTransaction, program_id: str, after: Any, report: VerifyReport
) -> tuple[Any, ...] | None:
    found = await tx.read(scans=[newest_scan(program_id), Scan(OrderRecord, (program_id,), limit=_PAGE, after=after)])
    _, program = newest_program(world, program_id, found.rows[0])
    orders = [cast(OrderRecord, row) for row in found.rows[1]]
    claims = (await tx.read([Key(ClaimRecord, order[:3]) for order in orders])).records
    revisions = {cast(ClaimRecord, claim).revision for claim in claims.values()}
    programs = await read_revisions(world, tx, program_id, revisions)
    for order in orders:
        claim = cast("ClaimRecord | None", claims.get(Key(ClaimRecord, order[:3])))
        report.orders += 1
        report.add(check_order(order, claim, program.known_platforms))
        if claim is not None:
            report.add(check_claim(order, claim, programs))
    return orders[-1][:3] if len(orders) == _PAGE else None


async def _buyers(
    world: World, tx: AsyncTransaction, program_id: str, after: Any, report: VerifyReport
) -> tuple[Any, ...] | None:
    found = await tx.read(scans=[Scan(BuyerRecord, (program_id,), limit=_PAGE, after=after)])
    buyers = [cast(BuyerRecord, row) for row in found.rows[0]]
    named = list(dict.fromkeys(Key(MemberRecord, (program_id, row.member_id)) for row in buyers if row.member_id))
    # What was never bound has no history, and most buyers never were.
    bound = [row for row in buyers if row.binding_no or row.member_id]
    more = await tx.read(named, [Scan(BindingRecord, row[:4]) for row in bound])
    names = {str(key.values[1]) for key in more.records}
    # An identity leads to somebody who stands for themselves.
    known = {name for name, links in (await read_links(tx, program_id, sorted(names))).items() if not links.into}
    for row, history in zip(bound, more.rows, strict=True):
        report.add(check_buyer(row, cast("list[BindingRecord]", history), known))
    for row in buyers:
        if not row.binding_no and not row.member_id:
            report.add(check_buyer(row, (), known))
    return buyers[-1][:4] if len(buyers) == _PAGE else None
