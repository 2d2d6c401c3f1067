"""A member as a customer: the state they are in, and what about them is worth a look."""

from __future__ import annotations

from typing import cast

from crossloyalty.application.ports import AsyncTransaction, Scan
from crossloyalty.application.programs import program_hint
from crossloyalty.application.standing import ids_of
from crossloyalty.application.world import World
from crossloyalty.domain.customers import CustomerState, RiskFlag, customer_state, risk_flags
from crossloyalty.domain.keys import clean_id
from crossloyalty.domain.records import AccountRecord, ClaimRecord, TagRecord
from crossloyalty.errors import InvalidInput, WrongType, shown

__all__ = ["flags_of_member", "state_of_customer"]


def _whole(value: int, what: str) -> None:
    if type(value) is not int:
        raise WrongType(f"{what} is a whole number, not {shown(value)}")
    if not 1 <= value <= 36_600:
        raise InvalidInput(f"{what} lies between 1 and 36600: {shown(value)}")


async def state_of_customer(
    world: World, program_id: str, member_id: str, *, active_days: int = 90, lost_days: int = 365
) -> CustomerState:
    """
    Say where a customer stands; see `domain.customers.customer_state`.

    Raises:
        InvalidInput: A figure is out of range, or somebody would be lost before they sleep.
    """
    clean_id(member_id, "member_id")
    _whole(active_days, "active_days")
    _whole(lost_days, "lost_days")
    if lost_days < active_days:
        raise InvalidInput("lost_days is not less than active_days")
    await program_hint(world, program_id)

    async def body(tx: AsyncTransaction) -> CustomerState:
        home, *_ = await ids_of(world, tx, program_id, member_id)
        rows = (await tx.read(scans=[Scan(TagRecord, (program_id, home))])).rows[0]
        tags = cast("list[TagRecord]", list(rows))
        return customer_state(tags, now=world.now(), active_days=active_days, lost_days=lost_days)

    return await world.run(body, readonly=True)


async def flags_of_member(
    world: World, program_id: str, member_id: str, *, refunded_claims: int = 3
) -> tuple[RiskFlag, ...]:
    """Give what about a member is worth a look; see `domain.customers.risk_flags`."""
    clean_id(member_id, "member_id")
    _whole(refunded_claims, "refunded_claims")
    await program_hint(world, program_id)

    async def body(tx: AsyncTransaction) -> tuple[RiskFlag, ...]:
        ids = await ids_of(world, tx, program_id, member_id)
        scans = [Scan(ClaimRecord, (program_id, each), by="by_member") for each in ids]
        *claims, accounts = (await tx.read(scans=[*scans, Scan(AccountRecord, (program_id, ids[0]))])).rows
        return risk_flags(
            [cast(ClaimRecord, row) for part in claims for row in part],
            cast("list[AccountRecord]", list(accounts)),
            refunded_claims=refunded_claims,
        )

    return await world.run(body, readonly=True)
