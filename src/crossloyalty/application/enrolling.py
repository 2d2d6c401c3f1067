"""Members who enrol (入会)."""

from __future__ import annotations

import attrs

from crossloyalty.application.batch import Batch
from crossloyalty.application.deciding import decide
from crossloyalty.application.loading import Loaded
from crossloyalty.application.ports import AsyncTransaction
from crossloyalty.application.programs import program_hint
from crossloyalty.application.world import World
from crossloyalty.domain.gifts import ENROLLED_ROW, settle_gift
from crossloyalty.domain.keys import clean_id
from crossloyalty.domain.records import Key, MemberRecord

__all__ = ["EnrolResult", "enrol"]


@attrs.frozen
class EnrolResult:
    """
    What an enrolment did.

    Args:
        created: False for somebody who had enrolled before.
    """

    created: bool


async def enrol(world: World, program_id: str, member_id: str) -> EnrolResult:
    """
    Take note that a member has enrolled (入会) and give the gifts for it; again, it changes nothing.

    Args:
        world: The ports.
        program_id: The program.
        member_id: Who.
    """
    asker = clean_id(member_id, "member_id")
    await program_hint(world, program_id)

    async def body(tx: AsyncTransaction) -> EnrolResult:
        member_id = world.home(program_id, asker)
        versions = await tx.lock([Key(MemberRecord, (program_id, member_id))])
        loaded = Loaded(world, tx, program_id, world.now(), versions)
        loaded.home(asker)
        await loaded.read((), [member_id])

        def decision(batch: Batch) -> EnrolResult:
            member = batch.member(member_id)
            row, _ = member.gift_row(ENROLLED_ROW)
            if row.claims:
                return EnrolResult(False)
            member.put_gift(row._replace(claims=1))
            member.ledger.emit("member.enrolled", {"member_id": member_id})
            for gift in batch.program.enrol_gifts:
                settle_gift(member, gift, given=True)
            member.growth_rose()
            return EnrolResult(True)

        batch, result = await decide(loaded, decision)
        changes, touched = batch.changes(versions)
        if changes:
            await tx.write(changes, roots=touched, final=True)
        return result

    return await world.run(body)
