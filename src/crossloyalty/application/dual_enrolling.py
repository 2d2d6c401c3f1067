"""Enrol members on other sides (双端入会): asked for here, done there, noted here; what failed is tried again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, cast

import attrs

from crossloyalty.application.binding import bind
from crossloyalty.application.enrolling import DONE, PENDING
from crossloyalty.application.ports import AsyncEnrolmentGateway, AsyncTransaction, EnrolmentAnswer, Replace, Scan
from crossloyalty.application.programs import program_hint
from crossloyalty.application.standing import ids_of
from crossloyalty.application.world import World
from crossloyalty.domain.identities import Identity
from crossloyalty.domain.keys import clean_id
from crossloyalty.domain.records import BuyerRecord, EnrolmentRecord, Key, MemberRecord
from crossloyalty.errors import WrongType, shown

__all__ = ["EnrolmentsReport", "run_enrolments"]

REFUSED: Final = "REFUSED"
_PAGE: Final = 100
_LONGEST: Final = 200


@attrs.define
class EnrolmentsReport:
    """
    What a run did.

    Args:
        done: Members enrolled on the other side.
        refused: Members the other side will not have.
        failed: Calls that raised; the next run tries them again.
    """

    done: int = 0
    refused: int = 0
    failed: int = 0


async def run_enrolments(
    world: World, program_id: str, gateway: AsyncEnrolmentGateway, *, side: str
) -> EnrolmentsReport:
    """
    Enrol on one side whoever waits for it, each once through; members that became one are one there too.

    The gateway is called while no transaction is open, with a key that stays the same: a call whose answer was lost is
    made again. What it calls the member there is bound before it is noted as done.

    Args:
        world: The ports.
        program_id: The program.
        gateway: The other side.
        side: Its name, as `enrol` was given it.
    """
    clean_id(side, "side")
    await program_hint(world, program_id)
    report = EnrolmentsReport()
    after: tuple[Any, ...] | None = None
    while True:
        scan = Scan(EnrolmentRecord, (program_id, side, PENDING), by="by_state", limit=_PAGE, after=after)
        page = await _read(world, scan)
        for row in page:
            await _one(world, row, gateway, report)
        if len(page) < _PAGE:
            return report
        last = page[-1]
        after = (program_id, side, PENDING, last.asked_at, last.member_id)


async def _read(world: World, scan: Scan) -> Sequence[EnrolmentRecord]:
    async def body(tx: AsyncTransaction) -> Sequence[EnrolmentRecord]:
        return cast("list[EnrolmentRecord]", list((await tx.read(scans=[scan])).rows[0]))

    return await world.run(body, readonly=True)


async def _one(world: World, row: EnrolmentRecord, gateway: AsyncEnrolmentGateway, report: EnrolmentsReport) -> None:
    program_id, member_id = row.program_id, row.member_id
    known = await _known(world, row)
    if known is None:
        return
    try:
        answer = await gateway.enrol(member_id=member_id, identities=known, key=f"{program_id}/{row.side}/{member_id}")
        if not isinstance(answer, EnrolmentAnswer):
            raise WrongType(f"a gateway answers with an EnrolmentAnswer, not {shown(answer)}")
    except Exception as error:  # noqa: BLE001 - a member whose call fails must not keep the others waiting
        report.failed += 1
        await _note(world, row, PENDING, "", type(error).__name__)
        return
    if answer.refused:
        report.refused += 1
        await _note(world, row, REFUSED, "", answer.refused)
        return
    if answer.identity is not None:
        name = answer.identity
        await bind(
            world,
            program_id,
            member_id,
            platform=name.platform,
            buyer_id=name.value,
            scope=name.scope,
            evidence=f"enrolled on {row.side}"[:128],
            via="callback",
        )
    report.done += 1
    await _note(world, row, DONE, "" if answer.identity is None else answer.identity.value, "")


async def _known(world: World, asked: EnrolmentRecord) -> tuple[Identity, ...] | None:
    """Tell what is known of a member; None: they are enrolled there already, under another of their ids."""
    program_id = asked.program_id

    async def body(tx: AsyncTransaction) -> tuple[Identity, ...] | None:
        home, *others = await ids_of(world, tx, program_id, asked.member_id)
        scan = Scan(BuyerRecord, (program_id, home), by="by_member")
        keys = [Key(EnrolmentRecord, (program_id, each, asked.side)) for each in (home, *others)]
        found = await tx.read(keys, [scan])
        if any(cast(EnrolmentRecord, row).state == DONE for row in found.records.values()):
            return None
        rows = cast("list[BuyerRecord]", list(found.rows[0]))
        return tuple(Identity(row.family, row.buyer_id, row.scope) for row in rows)

    return await world.run(body, readonly=True)


async def _note(world: World, row: EnrolmentRecord, state: str, external_id: str, detail: str) -> None:
    """Note what became of a call; what somebody else has noted as over meanwhile stays."""
    root, key = Key(MemberRecord, row[:2]), Key(EnrolmentRecord, row[:3])

    async def body(tx: AsyncTransaction) -> None:
        versions = await tx.lock([root])
        held = cast("EnrolmentRecord", (await tx.read([key])).records[key])
        if held.state == PENDING:
            noted = held._replace(
                state=state,
                attempt_no=held.attempt_no + 1,
                decided_at=world.now(),
                external_id=external_id,
                detail=detail[:_LONGEST],
            )
            await tx.write([Replace(noted)], roots={root: versions[root]}, final=True)

    await world.run(body)
