"""Whose order it is: the proofs a member can give, and what each is worth."""

from __future__ import annotations

import json
from datetime import date
from typing import Any, Final, Literal, TypeAlias

import attrs

from crossloyalty.domain.calendar import Calendar
from crossloyalty.domain.checks import clean_text
from crossloyalty.domain.effective import EffectiveOrder
from crossloyalty.domain.keys import clean_id
from crossloyalty.domain.orders import checked_fen
from crossloyalty.errors import InvalidInput, WrongType, shown

__all__ = ["NO_PROOF", "Proof", "ProofKind", "Standing", "standing"]

ProofKind: TypeAlias = Literal["none", "amount_and_day", "by_host"]
# How a request stands: accepted by a road (the first ones win when several members ask), refused, or not yet checkable.
Standing: TypeAlias = Literal["bound", "by_host", "proof", "order_no_only", "wrong", "unproven", "other_buyer"]


def _local_day(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if value is not None and (not isinstance(value, date) or hasattr(value, "hour")):
        raise WrongType(f"{attribute.name} is a date without a time: {shown(value)}")


def _optional_fen(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if value is not None:
        checked_fen(value, attribute.name)


def _evidence(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    clean_text(value, attribute.name)


@attrs.frozen
class Proof:
    """
    What a member offers to show that an order is theirs. Use the named constructors.

    An order number is no secret: it stands on parcels and screenshots, so by itself it proves nothing.
    """

    kind: ProofKind = "none"
    paid_fen: int | None = attrs.field(default=None, validator=_optional_fen)
    paid_on: date | None = attrs.field(default=None, validator=_local_day)
    evidence: str = attrs.field(default="", validator=_evidence)

    def __attrs_post_init__(self) -> None:
        if self.kind not in ("none", "amount_and_day", "by_host"):
            raise InvalidInput(f"a proof is none, amount_and_day or by_host: {shown(self.kind)}")

    @classmethod
    def none(cls) -> Proof:
        """Offer nothing; only a bound buyer identity can help then."""
        return cls()

    @classmethod
    def amount_and_day(cls, *, paid_fen: int, paid_on: date) -> Proof:
        """
        Offer what only the buyer is likely to know.

        Args:
            paid_fen: What was paid in all, with shipping, in fen.
            paid_on: The local day of payment.
        """
        if paid_on is None:
            raise WrongType("paid_on is a date")
        return cls("amount_and_day", checked_fen(paid_fen, "paid_fen"), paid_on)

    @classmethod
    def by_host(cls, evidence: str) -> Proof:
        """
        The host vouches for the member, for instance after a message link in the platform's own chat.

        Args:
            evidence: What the host checked; kept with the claim. No personal data.
        """
        return cls("by_host", evidence=clean_id(evidence, "evidence"))

    def to_json(self) -> str:
        """Give the document a ticket keeps."""
        if self.kind == "none":
            return ""
        document: dict[str, Any] = {"kind": self.kind}
        if self.paid_fen is not None:
            document["paid_fen"] = self.paid_fen
        if self.paid_on is not None:
            document["paid_on"] = self.paid_on.isoformat()
        if self.evidence:
            document["evidence"] = self.evidence
        return json.dumps(document, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Proof:
        """Read what a ticket kept."""
        if not text:
            return NO_PROOF
        document = json.loads(text)
        day = document.get("paid_on")
        return cls(
            document["kind"],
            document.get("paid_fen"),
            None if day is None else date.fromisoformat(day),
            document.get("evidence", ""),
        )


NO_PROOF: Final = Proof()


def standing(
    proof: Proof, order: EffectiveOrder, *, member_id: str, bound_to: str, ownership: str, calendar: Calendar
) -> Standing:
    """
    Say how a member's request stands against a known order.

    Args:
        proof: What the member offers.
        order: The order after all messages.
        member_id: Who asks.
        bound_to: The member the order's buyer identity is bound to, "" for nobody.
        ownership: The program's setting.
        calendar: Local days of the program.

    Returns:
        "bound", "by_host", "proof" or "order_no_only" when accepted; "other_buyer" when the buyer is bound to somebody
        else (held for review whatever the proof, D14); "wrong" or "unproven" otherwise.
    """
    if bound_to:
        return "bound" if bound_to == member_id else "other_buyer"
    if proof.kind == "by_host":
        return "by_host"
    if proof.kind == "amount_and_day":
        paid_on = None if order.paid_at is None else calendar.day(order.paid_at)
        right = proof.paid_fen == order.paid_fen and proof.paid_on is not None and paid_on == proof.paid_on.isoformat()
        if right:
            return "proof"
        return "order_no_only" if ownership == "order-no-only" else "wrong"
    return "order_no_only" if ownership == "order-no-only" else "unproven"
