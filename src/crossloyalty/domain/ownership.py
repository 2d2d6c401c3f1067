"""Whose order it is: the proofs a member can give, and what each is worth."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from typing import Any, Final, Literal, TypeAlias

import attrs

from crossloyalty.domain.calendar import Calendar
from crossloyalty.domain.checks import clean_text
from crossloyalty.domain.effective import EffectiveOrder
from crossloyalty.domain.keys import clean_id
from crossloyalty.domain.orders import checked_fen
from crossloyalty.errors import InvalidInput, WrongType, shown

__all__ = ["ACCEPTED", "NO_PROOF", "Proof", "ProofKind", "Standing", "standing"]

ProofKind: TypeAlias = Literal["none", "amount_and_day", "phone_tail", "phone", "token", "by_host", "review"]
# How a request stands: accepted by a road (the first ones win when several members ask), refused, or not yet checkable.
Standing: TypeAlias = Literal[
    "review",
    "bound",
    "by_host",
    "token",
    "phone",
    "phone_tail",
    "proof",
    "order_no_only",
    "wrong",
    "unproven",
    "other_buyer",
]
# What shows that the order is theirs.
ACCEPTED: Final = frozenset(("review", "bound", "by_host", "token", "phone", "phone_tail", "proof"))
_KINDS: Final = ("none", "amount_and_day", "phone_tail", "phone", "token", "by_host", "review")
_LONGEST_TOKEN: Final = 128


def _local_day(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if value is not None and (not isinstance(value, date) or hasattr(value, "hour")):
        raise WrongType(f"{attribute.name} is a date without a time: {shown(value)}")


def _optional_fen(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if value is not None:
        checked_fen(value, attribute.name)


def _evidence(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    clean_text(value, attribute.name)


def _marks(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, tuple) or not all(isinstance(each, str) for each in value):
        raise WrongType(f"{attribute.name} is a tuple of texts")


def _secret(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, str):
        raise WrongType(f"{attribute.name} is text, not {type(value).__name__}")


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
    # What the member typed, which is never kept or shown; and what takes its place once it was hashed or checked.
    secret: str = attrs.field(default="", validator=_secret, repr=False)
    marks: tuple[str, ...] = attrs.field(default=(), validator=_marks, repr=False)
    checked: bool = False

    def __attrs_post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise InvalidInput(f"a proof is one of {', '.join(_KINDS)}: {shown(self.kind)}")

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
    def phone_tail(cls, tail: str) -> Proof:
        """
        Offer the last four digits of the receiver's phone; the door needs a `PhoneIndex` or a `PhoneCheck`.

        Args:
            tail: Four digits; hashed before anything is stored.
        """
        from crossloyalty.domain.phones import normal_tail  # hmac, which few processes need

        return cls("phone_tail", secret=normal_tail(tail))

    @classmethod
    def phone(cls, phone: str) -> Proof:
        """
        Offer the receiver's phone; the door needs a `PhoneIndex` or a `PhoneCheck`.

        Args:
            phone: In any spelling; hashed before anything is stored.
        """
        from crossloyalty.domain.phones import normal_phone

        return cls("phone", secret=normal_phone(phone))

    @classmethod
    def token(cls, token: str) -> Proof:
        """
        Offer the one-time token that `issue_token` gave for the order; the door needs `OrderTokens`.

        Args:
            token: As the member brought it; anything that is no token of ours is a wrong proof.
        """
        if not isinstance(token, str):
            raise WrongType(f"a token is text, not {type(token).__name__}")
        return cls("token", secret=token.strip()[: _LONGEST_TOKEN + 1])

    @classmethod
    def by_host(cls, evidence: str) -> Proof:
        """
        The host vouches for the member, for instance after a message link in the platform's own chat.

        Args:
            evidence: What the host checked; kept with the claim. No personal data.
        """
        return cls("by_host", evidence=clean_id(evidence, "evidence"))

    def sealed(self, marks: Iterable[str], *, checked: bool) -> Proof:
        """
        Put what may be stored in the place of what was typed.

        Args:
            marks: Blind indexes, or the nonce of a token.
            checked: Whether it was found right already, by a signature or by the platform.
        """
        return Proof(self.kind, marks=tuple(marks), checked=checked)

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
        if self.marks:
            document["marks"] = list(self.marks)
        if self.checked:
            document["checked"] = True
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
            marks=tuple(document.get("marks", ())),
            checked=document.get("checked", False),
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
        One of `ACCEPTED` or "order_no_only" when accepted; "other_buyer" when the buyer is bound to somebody else (held
        for review whatever the proof, D14); "wrong" or "unproven" otherwise. What staff have looked at stands above
        everything.
    """
    kind = proof.kind
    if kind == "review":
        return "review"
    if bound_to:
        return "bound" if bound_to == member_id else "other_buyer"
    if kind == "by_host":
        return "by_host"
    if kind != "none":
        right = _right(proof, order, calendar)
        if right is not None:
            return right
        return "order_no_only" if ownership == "order-no-only" else "wrong"
    return "order_no_only" if ownership == "order-no-only" else "unproven"


def _right(proof: Proof, order: EffectiveOrder, calendar: Calendar) -> Standing | None:
    """Say what a proof that can be checked shows; None: nothing."""
    kind = proof.kind
    if kind == "amount_and_day":
        paid_on = None if order.paid_at is None else calendar.day(order.paid_at)
        right = proof.paid_fen == order.paid_fen and proof.paid_on is not None and paid_on == proof.paid_on.isoformat()
        return "proof" if right else None
    if kind == "token":
        return "token" if proof.checked else None
    if proof.checked:
        return "phone" if kind == "phone" else "phone_tail"
    if kind == "phone" and order.phone_index:
        return "phone" if order.phone_index in proof.marks else None
    # A phone brings the index of its end along, for platforms that show no more of it.
    return "phone_tail" if order.tail_index and order.tail_index in proof.marks else None
