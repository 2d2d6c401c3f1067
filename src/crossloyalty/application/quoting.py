"""Quotes: what an order would give a member, and why it would not, with nothing written."""

from __future__ import annotations

import attrs

from crossloyalty.application.batch import Batch
from crossloyalty.application.claiming import ClaimRequest, answer_of
from crossloyalty.application.converting import Candidate, settle_all
from crossloyalty.application.deciding import decide
from crossloyalty.application.loading import Loaded
from crossloyalty.application.orderstate import OrderState
from crossloyalty.application.ports import AsyncTransaction
from crossloyalty.application.world import World
from crossloyalty.domain.answers import ClaimResult
from crossloyalty.domain.facts import merge_order
from crossloyalty.domain.keys import OrderKey, clean_id, normalise_order_no
from crossloyalty.domain.orders import Order
from crossloyalty.domain.ownership import Proof
from crossloyalty.domain.reasons import Reason
from crossloyalty.errors import WrongType, shown

__all__ = ["quote_order"]


async def quote_order(world: World, program_id: str, member_id: str, order: Order) -> ClaimResult:
    """
    Say what an order would give a member, by the same decision as a claim that the host vouches for.

    Args:
        world: The ports.
        program_id: The program.
        member_id: Who would hold the claim.
        order: The order as the host sees it; what the store knows of it is merged in.

    Returns:
        A result with `created` False; `granted` is what a claim would give now.
    """
    asker = clean_id(member_id, "member_id")
    if not isinstance(order, Order):
        raise WrongType(f"quote takes an Order, not {shown(order)}")

    async def body(tx: AsyncTransaction) -> ClaimResult:
        now = world.now()
        loaded = Loaded(world, tx, program_id, now, {})
        member_id = loaded.home(asker)
        await loaded.read()
        platforms = loaded.program.known_platforms
        platform = platforms.get(order.platform)
        number = normalise_order_no(order.order_no, platform, platforms)
        key = OrderKey(program_id, platform.family, number)
        await loaded.read([key], [member_id])
        # Before anything that hangs on the order is read: its buyer, who may be on the deny list, and its holder.
        state = OrderState(loaded.orders[key], None, ())
        tells_more = merge_order(state.facts, order)
        if tells_more:
            state.facts_changed()
            loaded.orders[key] = state.row()
        if key in loaded.claims:
            await loaded.read((), [loaded.home(loaded.claims[key].member_id)])
        await loaded.read_more()
        await loaded.read_tickets([key])
        request = ClaimRequest(member_id=member_id, platform=order.platform, order_no=number)

        def decision(batch: Batch) -> Candidate:
            candidate = Candidate(member_id, Proof.by_host("quote"), now)
            if tells_more:
                batch.order(key).facts_changed()
            if batch.member(member_id).blocked():
                candidate.reasons = (Reason.MEMBER_BLOCKED,)
            else:
                settle_all(batch, [key], {key: [candidate]})
            return candidate

        batch, candidate = await decide(loaded, decision)
        return attrs.evolve(answer_of(batch, request, key, candidate), created=False)

    return await world.run(body, readonly=True)
