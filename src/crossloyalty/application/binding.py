"""Bind a platform's buyer identity to a member; orders of that buyer convert by themselves from then on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import attrs

from crossloyalty.application.batch import Batch
from crossloyalty.application.converting import settle_all
from crossloyalty.application.deciding import StartAgain, decide
from crossloyalty.application.loading import Loaded
from crossloyalty.application.ports import AsyncTransaction, Replace, Scan
from crossloyalty.application.programs import program_knowing
from crossloyalty.application.world import World
from crossloyalty.domain.checks import clean_text
from crossloyalty.domain.keys import OrderKey, clean_id
from crossloyalty.domain.reasons import Reason
from crossloyalty.domain.records import BuyerRecord, Key, MemberRecord, OrderRecord, RootKey
from crossloyalty.errors import InvalidInput, shown

__all__ = ["BindResult", "bind"]


@attrs.frozen
class BindResult:
    """
    What binding did.

    Args:
        bound: Whether the identity belongs to the member now.
        reason: Why not: OTHER_BUYER, when it is bound to somebody else already (D40).
        converted: Order numbers of past orders that became claims by it.
        left: Past orders beyond the cap `backfill_orders`; bind again to go on.
    """

    bound: bool
    reason: Reason | None = None
    converted: tuple[str, ...] = ()
    left: int = 0


class _Refused(Exception):
    """Leaves the transaction without a trace, the root that `lock` has made for the member included."""


async def bind(
    world: World,
    program_id: str,
    member_id: str,
    *,
    platform: str,
    buyer_id: str,
    scope: str = "",
    evidence: str = "",
) -> BindResult:
    """
    Bind a buyer identity, and convert the buyer's past orders that are inside the claim window (D41).

    Args:
        world: The ports.
        program_id: The program.
        member_id: Who the buyer is.
        platform: Where the identity is from.
        buyer_id: The platform's id of the buyer; masked values identify nobody and are refused.
        scope: Where that id is unique, such as an app or shop id; empty for the whole platform.
        evidence: What shows it, kept with the binding.

    Returns:
        The outcome; an identity that is bound to somebody else is refused as a value.

    Raises:
        InvalidInput: An id cannot be one.
    """
    asker = clean_id(member_id, "member_id")
    clean_id(buyer_id, "buyer_id")
    if "*" in buyer_id:
        raise InvalidInput(f"a masked value identifies nobody: {shown(buyer_id)}")
    clean_text(scope, "scope")
    clean_text(evidence, "evidence")
    past: dict[OrderKey, None] = {}
    left = 0

    async def body(tx: AsyncTransaction) -> BindResult:
        nonlocal left
        now = world.now()
        family = program.known_platforms.get(platform).family
        buyer_key = Key(BuyerRecord, (program_id, family, scope, buyer_id))
        member_id = world.home(program_id, asker)
        member_key = Key(MemberRecord, (program_id, member_id))
        order_keys = [Key(OrderRecord, key) for key in past]
        versions = await tx.lock([buyer_key, *order_keys, member_key])
        loaded = Loaded(world, tx, program_id, now, versions)
        loaded.home(asker)
        await loaded.read(past, [member_id], [buyer_key])
        buyer = loaded.buyers[buyer_key]
        if buyer.member_id and buyer.member_id != member_id:
            raise _Refused
        cap = loaded.program.backfill_orders
        low = _window_start(loaded)
        scan = Scan(OrderRecord, (program_id, family, scope, buyer_id), by="by_buyer", low=low, descending=True)
        rows = [cast(OrderRecord, row) for row in (await tx.read(scans=[scan])).rows[0]]
        # An order with another owner is somebody's claim already; it must not use up the cap, bind after bind.
        open_rows = [row for row in rows if not row.owner_id]
        left = max(0, len(open_rows) - cap)
        fresh = [OrderKey(row.program_id, row.family, row.order_no) for row in open_rows[:cap]]
        if any(key not in past for key in fresh):
            past.update(dict.fromkeys(fresh))
            raise StartAgain
        await loaded.read_more()
        changed = buyer.member_id != member_id
        if changed:
            buyer = buyer._replace(member_id=member_id, bound_at=now, evidence=evidence)
            loaded.buyers[buyer_key] = buyer
        return await _convert_past(tx, loaded, list(past), member_id, buyer if changed else None, versions, left)

    while True:
        program = await program_knowing(world, program_id, [platform])
        try:
            return await world.run(body)
        except StartAgain:
            continue
        except _Refused:
            return BindResult(False, Reason.OTHER_BUYER)


def _window_start(loaded: Loaded) -> int | None:
    days = loaded.program.eligibility.within_days
    if days is None:
        return None
    # One day more than the window: the effective time of an order may be its payment. A request of the member's own
    # that waits was made in time even where the window has closed since.
    return loaded.program.calendar.after_days(loaded.now, -days - 1 - loaded.program.ticket_days)


async def _convert_past(
    tx: AsyncTransaction,
    loaded: Loaded,
    keys: list[OrderKey],
    member_id: str,
    buyer: BuyerRecord | None,
    versions: Mapping[RootKey, int],
    left: int,
) -> BindResult:
    def decision(batch: Batch) -> None:
        member = batch.member(member_id)
        if buyer is not None:
            member.ledger.emit("identity.bound", {"family": buyer.family, "scope": buyer.scope})
        if not member.blocked():
            # The member is the bound buyer of these orders now; a request of theirs that waits keeps its time.
            settle_all(batch, keys, {})

    batch, _ = await decide(loaded, decision)
    changes, touched = batch.changes(versions)
    if buyer is not None:
        key = Key(BuyerRecord, buyer[:4])
        changes.append(Replace(buyer))
        touched[key] = versions[key]
    if changes:
        await tx.write(changes, roots=touched, final=True)
    converted = [
        state.key.order_no
        for state in batch.orders()
        if state.claim is not None and state.claim_was is None and state.claim.member_id == member_id
    ]
    return BindResult(True, None, tuple(sorted(converted)), left)
