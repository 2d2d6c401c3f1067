"""When buyers become known by themselves, and what happens when two members say they are the same buyer."""

from __future__ import annotations

import attrs

from crossloyalty.domain.orders import LARGEST_FEN
from crossloyalty.domain.rules._checks import flag, one_of, whole
from crossloyalty.errors import ConfigError

__all__ = ["PROOF_STRENGTHS", "Binding", "ProofStep"]

# What a proof is worth, from nothing to what the platform itself says.
PROOF_STRENGTHS = {
    "order_no_only": 0,
    "proof": 1,
    "amount_and_day": 1,
    "phone_tail": 2,
    "phone": 3,
    "token": 4,
    "by_host": 5,
    "bound": 6,
    "auto": 6,
    "review": 7,
}


@attrs.frozen(kw_only=True)
class Binding:
    """
    How buyer identities come to belong to members.

    Args:
        on_claim: The weakest proof whose first successful claim binds the order's buyer identity, so that later orders
            convert by themselves; "never": claims bind nobody. An order number alone never binds (S0-8).
        by_phone: An order whose receiver's phone index is bound to a member converts for that member. The receiver is
            not always the buyer.
        conflict: When an identity of somebody else is bound: "refuse" it, "move" it with evidence that is at least as
            strong as what it was bound by, or put it down for a "review" (D40).
        cooldown_days: For how long an unbound identity can be bound to its last member only (D39).
    """

    on_claim: str = attrs.field(
        default="amount_and_day", validator=one_of("never", "amount_and_day", "phone_tail", "phone", "token", "by_host")
    )
    by_phone: bool = attrs.field(default=False, validator=flag)
    conflict: str = attrs.field(default="refuse", validator=one_of("refuse", "move", "review"))
    cooldown_days: int = attrs.field(default=30, validator=whole(0, 3660))

    def binds(self, stands: str) -> bool:
        """Say whether a claim that was accepted in this way binds the buyer."""
        return self.on_claim != "never" and PROOF_STRENGTHS[stands] >= PROOF_STRENGTHS[self.on_claim]


@attrs.frozen(kw_only=True)
class ProofStep:
    """
    A proof that orders of some worth need; the strongest one an order's worth reaches counts.

    Args:
        proof: The weakest proof that will do; "bound": only the bound buyer; "review": staff look at it.
        from_fen: From this eligible net on; None: the amount does not matter.
        from_points: From so many points on; None: points do not matter.

    Raises:
        ConfigError: Neither is given.
    """

    proof: str = attrs.field(validator=one_of("phone_tail", "phone", "token", "by_host", "bound", "review"))
    from_fen: int | None = attrs.field(default=None, validator=whole(0, LARGEST_FEN, optional=True))
    from_points: int | None = attrs.field(default=None, validator=whole(0, 10**12, optional=True))

    def __attrs_post_init__(self) -> None:
        if self.from_fen is None and self.from_points is None:
            raise ConfigError("a proof is asked for from an amount on, or from a number of points on")

    def reached(self, net_fen: int, points: int) -> bool:
        """Say whether an order is worth so much."""
        by_fen = self.from_fen is not None and net_fen >= self.from_fen
        return by_fen or (self.from_points is not None and points >= self.from_points)
