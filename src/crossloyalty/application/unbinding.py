"""Take an identity off a member; what it led to stays with its history."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, cast

import attrs

from crossloyalty.application.batch import Batch
from crossloyalty.application.deciding import StartAgain, decide
from crossloyalty.application.identifying import ACTIVE, UNBOUND, orders_of, unbound
from crossloyalty.application.loading import Loaded
from crossloyalty.application.ports import AsyncTransaction, Replace, Scan
from crossloyalty.application.programs import program_knowing
from crossloyalty.application.world import World
from crossloyalty.domain.answers import when
from crossloyalty.domain.checks import clean_text
from crossloyalty.domain.identities import Identity, identity_key
from crossloyalty.domain.keys import OrderKey, clean_id
from crossloyalty.domain.program import Program
from crossloyalty.domain.records import BindingRecord, BuyerRecord, Key, OrderRecord

__all__ = ["UnbindResult", "unbind"]

_MOST_ORDERS: Final = 1000


@attrs.frozen
class UnbindResult:
    """
    What unbinding did.

    Args:
        unbound: Whether the identity was the member's and is nobody's now.
        free_at: From when somebody else can bind it (D39), None where it was not unbound.
    """

    unbound: bool
    free_at: datetime | None = None


async def unbind(
    world: World,
    program_id: str,
    member_id: str,
    *,
    platform: str,
    buyer_id: str,
    scope: str = "",
    reason: str = "",
) -> UnbindResult:
    """
    Take an identity off a member: claims, debts and what was given once stay where they are (D39).

    Args:
        world: The ports.
        program_id: The program.
        member_id: Whose it is.
        platform, buyer_id, scope: The identity, as for `bind`.
        reason: Why, kept with the binding; no personal data.

    Returns:
        The outcome; the same call again gives the same answer as long as nobody has bound the identity since.
    """
    clean_id(member_id, "member_id")
    clean_text(reason, "reason")
    identity = Identity(platform, buyer_id, scope)
    bought: dict[OrderKey, None] = {}

    async def body(tx: AsyncTransaction) -> UnbindResult:
        return await _unbind(world, tx, program, member_id, identity, reason, bought)

    while True:
        program = await program_knowing(world, program_id, [platform])
        try:
            return await world.run(body)
        except StartAgain:
            continue
        except _NothingToDo as nothing:
            return nothing.answer


class _NothingToDo(Exception):
    """Leaves the transaction without a trace."""

    def __init__(self, answer: UnbindResult) -> None:
        super().__init__(answer)
        self.answer = answer


async def _unbind(
    world: World,
    tx: AsyncTransaction,
    program: Program,
    member_id: str,
    identity: Identity,
    reason: str,
    bought: dict[OrderKey, None],
) -> UnbindResult:
    program_id = program.program_id
    loaded = Loaded(world, tx, program_id, world.now(), {})
    buyer_key = identity_key(program_id, identity, program.known_platforms)
    (member_id,) = await loaded.lock_homes([member_id], [buyer_key, *(Key(OrderRecord, key) for key in bought)])
    versions = loaded.versions
    await loaded.read(bought, [member_id], [buyer_key])
    buyer = loaded.buyers[buyer_key]
    if buyer.member_id != member_id:
        before = not buyer.member_id and loaded.home(buyer.last_member_id) == member_id
        raise _NothingToDo(UnbindResult(before, when(buyer.free_at) if before else None))
    await loaded.read_more()
    history = await _history_and_orders(tx, loaded, buyer, bought)
    ended = [
        row._replace(state=UNBOUND, ended_at=loaded.now, ended_why=reason) for row in history if row.state == ACTIVE
    ]
    left = unbound(buyer, now=loaded.now, cooldown_days=loaded.program.binding.cooldown_days)

    def decision(batch: Batch) -> None:
        batch.put_buyer(left, *([Replace.of(ended)] if ended else []))
        body = {"family": buyer.family, "scope": buyer.scope, "why": reason}
        batch.member(member_id).ledger.emit("identity.unbound", body)
        for key in bought:
            state = batch.order(key)
            if state.claim is None and batch.home(state.owner_id) == member_id:
                state.owner_id = ""  # what nobody holds yet goes to whoever is bound next

    batch, _ = await decide(loaded, decision)
    changes, touched = batch.changes(versions)
    await tx.write(changes, roots=touched, final=True)
    return UnbindResult(True, when(left.free_at))


async def _history_and_orders(
    tx: AsyncTransaction, loaded: Loaded, buyer: BuyerRecord, bought: dict[OrderKey, None]
) -> Sequence[BindingRecord]:
    """
    Read how the identity was bound, and find the orders that are shown for the member because of it.

    Raises:
        StartAgain: Some of them are not locked yet.
    """
    bought_by = orders_of(buyer, by_phone=loaded.program.binding.by_phone, limit=_MOST_ORDERS)
    scans = [Scan(BindingRecord, buyer[:4], descending=True), *([] if bought_by is None else [bought_by])]
    history, *found = (await tx.read(scans=scans)).rows
    shown = [
        cast(OrderRecord, row)
        for rows in found
        for row in rows
        if loaded.home(cast(OrderRecord, row).owner_id) == buyer.member_id
    ]
    keys = [OrderKey(row.program_id, row.family, row.order_no) for row in shown]
    if any(key not in bought for key in keys):
        bought.update(dict.fromkeys(keys))
        raise StartAgain
    return cast("Sequence[BindingRecord]", history)
