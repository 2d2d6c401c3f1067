"""
How many requests one order keeps, and which of them: every request of an order is read with each later one.

Requests that come first in the precedence of several (design section 4) stay, so a crowd of strangers keeps nobody out
who has shown more than they have.
"""

from __future__ import annotations

from typing import Final

from crossloyalty.application.batch import Batch
from crossloyalty.application.orderstate import OrderState
from crossloyalty.domain.ownership import Proof, standing
from crossloyalty.domain.reasons import Reason
from crossloyalty.domain.records import TicketRecord

__all__ = ["STANDING_RANK", "make_room"]

# Several tickets may become eligible at once: bound buyer, then by_host, then other proofs (design section 4).
# What staff have decided comes before all.
STANDING_RANK: Final[dict[str, int]] = {
    "review": -1,
    "bound": 0,
    "by_host": 1,
    "token": 2,
    "phone": 2,
    "phone_tail": 2,
    "proof": 2,
    "order_no_only": 3,
}
_SHOWS_NOTHING: Final = 4
# What goes first: what is over, then what staff have refused, then what comes last among those who wait.
_WAITS, _REFUSED, _OVER = 0, 1, 2


def make_room(batch: Batch, state: OrderState, ticket: TicketRecord) -> bool:
    """
    Let a new request in, where needed instead of one that comes behind it.

    Args:
        batch: The batch.
        state: The order; a request that has to go is taken out.
        ticket: The new request.

    Returns:
        Whether there is room.
    """
    if len(state.tickets) < batch.program.requests_per_order:
        return True
    last = max(state.tickets.values(), key=lambda each: _place(batch, state, each))
    if _place(batch, state, last) < _place(batch, state, ticket):
        return False
    del state.tickets[last.member_id]
    return True


def _place(batch: Batch, state: OrderState, ticket: TicketRecord) -> tuple[int, int, int, str]:
    # By the id it was asked under: who else stands for whom is not always read, and a place must not hang on that.
    order, proof = state.effective, Proof.from_json(ticket.proof)
    if order is None:
        # What a proof shows of an order that is not there yet, nobody can say; the host's word needs no order.
        stands = "by_host" if proof.kind == "by_host" else ""
    else:
        stands = standing(
            proof,
            order,
            member_id=ticket.member_id,
            bound_to=batch.bound_to(order, state.key),
            ownership=batch.program.ownership,
            calendar=batch.program.calendar,
        )
    refused = ticket.reason == Reason.REFUSED.value
    lives = _REFUSED if refused else _WAITS if ticket.expires_at > batch.now else _OVER
    return lives, STANDING_RANK.get(stands, _SHOWS_NOTHING), ticket.requested_at, ticket.member_id
