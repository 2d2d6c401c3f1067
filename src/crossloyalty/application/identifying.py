"""Identities of members: how one comes to belong to somebody, how it leaves, and what its history keeps."""

from __future__ import annotations

from typing import Protocol

from crossloyalty.application.batch import Batch
from crossloyalty.application.ports import Insert, Scan
from crossloyalty.domain.calendar import DAY_US
from crossloyalty.domain.effective import EffectiveOrder
from crossloyalty.domain.identities import PHONE, STRENGTHS
from crossloyalty.domain.keys import OrderKey
from crossloyalty.domain.member import Member
from crossloyalty.domain.ownership import Standing
from crossloyalty.domain.records import BindingRecord, BuyerRecord, Key, OrderRecord

__all__ = [
    "ACTIVE",
    "CONFLICT",
    "REFUSED",
    "UNBOUND",
    "bind_by_claim",
    "bind_now",
    "by_order",
    "is_free",
    "orders_of",
    "strength_of",
    "unbound",
]

ACTIVE = "ACTIVE"
UNBOUND = "UNBOUND"
CONFLICT = "CONFLICT"
REFUSED = "REFUSED"


class Homes(Protocol):
    """Knows which member stands for which."""

    def home(self, member_id: str) -> str:
        """Name the member that stands for a member."""
        ...


def strength_of(via: str) -> int:
    """Say how much a binding is worth by the road it came; what is not known to us any more is worth least."""
    return STRENGTHS.get(via.removeprefix("claim:"), 0)


def bind_by_claim(
    batch: Batch, order: EffectiveOrder, key: OrderKey, member: Member, stands: Standing
) -> BuyerRecord | None:
    """
    Bind the buyer of an order to the member who has just shown that it is theirs (S0-8).

    An identity that belongs or once belonged to somebody else stays as it is: a claim is no place to settle that.

    Returns:
        The identity as it was before; None: nothing was bound.

    Raises:
        MissingRoot: The identity is not locked.
    """
    if not batch.loaded.versions:
        return None  # a quote changes nothing
    root = Key(BuyerRecord, (key.program_id, key.family, order.buyer_scope, order.buyer_id))
    buyer = batch.buyer(root)
    if not is_free(batch, buyer, member.member_id) or batch.buyer_blocked(order, key):
        return None
    kind = "amount_and_day" if stands == "proof" else stands
    bind_now(batch, buyer, member, via=f"claim:{kind}", evidence=by_order(key))
    return buyer


def is_free(homes: Homes, buyer: BuyerRecord, member_id: str) -> bool:
    """Say whether an identity is nobody's, and was nobody else's; *homes* names whom members stand under."""
    return not buyer.member_id and homes.home(buyer.last_member_id) in ("", member_id)


def by_order(key: OrderKey) -> str:
    """Say how the claim of an order is named as what showed a binding."""
    return f"order {key.order_no}"


def bind_now(
    batch: Batch, buyer: BuyerRecord, member: Member, *, via: str, evidence: str, ciphertext: str = ""
) -> None:
    """
    Make an identity a member's, in its row and in its history.

    Args:
        batch: Changed in place.
        buyer: The identity; what is kept of a phone under a cipher stays, because the phone is the same.
        member: Whose it is from now on.
        via: By which road.
        evidence: What showed it.
        ciphertext: A phone under the host's cipher, "" for none.
    """
    number = buyer.binding_no + 1
    now = batch.now
    bound = buyer._replace(
        member_id=member.member_id,
        bound_at=now,
        evidence=evidence,
        binding_no=number,
        last_member_id="",
        free_at=None,
        ciphertext=ciphertext or buyer.ciphertext,
    )
    row = BindingRecord(*buyer[:4], number, member.member_id, ACTIVE, via, evidence, now, None, "")
    batch.put_buyer(bound, Insert(row))
    member.ledger.emit("identity.bound", {"family": buyer.family, "scope": buyer.scope})


def orders_of(buyer: BuyerRecord, *, by_phone: bool, low: int | None = None, limit: int | None = None) -> Scan | None:
    """
    Ask for the orders that name an identity, the latest first.

    Args:
        buyer: The identity.
        by_phone: Whether the program takes the receiver's phone for the buyer's.
        low: Those that count from this instant on, in microseconds.
        limit: How many at most.

    Returns:
        None where no order makes the identity's member its buyer.
    """
    if buyer.family != PHONE:
        return Scan(OrderRecord, buyer[:4], by="by_buyer", low=low, descending=True, limit=limit)
    if not by_phone:
        return None
    return Scan(OrderRecord, (buyer[0], buyer[3]), by="by_phone", low=low, descending=True, limit=limit)


def unbound(buyer: BuyerRecord, *, now: int, cooldown_days: int) -> BuyerRecord:
    """Give the row of an identity that leaves its member: nobody else's before the cool-down is over (D39)."""
    return buyer._replace(
        member_id="",
        bound_at=None,
        evidence="",
        ciphertext="",
        last_member_id=buyer.member_id,
        free_at=now + cooldown_days * DAY_US,
    )
