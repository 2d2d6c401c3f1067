"""What callers get back: the answer to a claim, with what may be shown to the asker and what is for staff."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import attrs

from crossloyalty.domain.calendar import time_of
from crossloyalty.domain.effective import effective_order
from crossloyalty.domain.explanation import explain_bound, explain_claim, explain_time, state_word
from crossloyalty.domain.facts import load_facts
from crossloyalty.domain.grants import load_grants
from crossloyalty.domain.program import CALC, Program
from crossloyalty.domain.reasons import Reason

__all__ = ["ClaimResult", "Detail", "Granted", "PublicAnswer"]

# What an asker without accepted proof may learn about the order: nothing.
_NOTHING_MORE: Final = (
    Reason.RECEIVED,
    Reason.MEMBER_BLOCKED,
    Reason.TOO_MANY_ATTEMPTS,
    Reason.ORDER_NO_MANGLED,
    Reason.WRONG_PLATFORM_HINT,
)


@attrs.frozen
class Granted:
    """
    What one rule stands at for a claim.

    Args:
        rule_id: The rule.
        asset: "points", "growth", "stored_value" (fen) or "coupon:CODE".
        amount: How much stands granted, in the asset's own unit.
    """

    rule_id: str
    asset: str
    amount: int


@attrs.frozen
class PublicAnswer:
    """What may be shown to whoever asked; the same value for every order that is not proven to be theirs."""

    reason: Reason | None

    def sentence(self, language: str = "zh") -> str:
        """Say it in "zh" or "en"."""
        if self.reason is None:
            return "Converted." if language == "en" else "兑换成功"
        return self.reason.sentence(language)


@attrs.frozen
class Detail:
    """
    What staff may see.

    Args:
        reasons: All that apply, the one named first in front.
        holder_id: Who holds the claim, "" for nobody.
        state: The claim's or the ticket's state, "" for neither.
    """

    reasons: tuple[Reason, ...]
    holder_id: str
    state: str


@attrs.frozen
class ClaimResult:
    """
    The answer to one claim.

    Args:
        member_id: Who asked.
        platform: As asked.
        order_no: In its normal form; as typed when it could not be read.
        created: Exactly one call ever has True for an order.
        state: The claim's state when the asker holds it, else the ticket's; "" for neither.
        reasons: All that apply; empty for a plain success. Staff may see them, the asker may not: see `public`.
        tier: The asker's tier now, "" in a program without tiers.
        claimable_from: When time alone will cure a refusal; None: it will not.
        holder_id: Who holds the claim, for staff; "" for nobody.
        bound: Whether this claim has bound the order's buyer to the asker, so that later orders convert by themselves.
        past_orders: How many other orders of that buyer inside the claim window nobody holds; `backfill` converts them.
    """

    member_id: str
    platform: str
    order_no: str
    created: bool = False
    state: str = ""
    reasons: tuple[Reason, ...] = ()
    tier: str = ""
    claimable_from: datetime | None = None
    holder_id: str = attrs.field(default="", repr=False)
    # Texts as stored, read when somebody asks: a thousand answers of one batch stay small.
    _grants: str = attrs.field(default="", repr=False)
    _facts: str = attrs.field(default="", repr=False, eq=False)
    _program: Program | None = attrs.field(default=None, repr=False, eq=False)
    _calc: int = attrs.field(default=CALC, repr=False, eq=False)
    bound: bool = attrs.field(default=False, kw_only=True)
    past_orders: int = attrs.field(default=0, kw_only=True)

    @property
    def reason(self) -> Reason | None:
        """The reason to name first; None for a plain success."""
        return self.reasons[0] if self.reasons else None

    @property
    def granted(self) -> tuple[Granted, ...]:
        """What stands granted, what is still pending included; for the holder only, empty for everybody else."""
        if self._program is None:
            return ()
        rules = self._program.rewards_by_id
        granted = []
        for grant in load_grants(self._grants):
            rule = rules[grant.rule_id]
            amount = grant.granted
            if amount and rule.once_per_member:  # it belongs to the order it was given for, not to all that earn it
                amount = rule.each if grant.gave else 0
            if amount:
                granted.append(Granted(grant.rule_id, rule.asset, amount))
        return tuple(granted)

    @property
    def points(self) -> int:
        """Points that stand granted for this order, pending ones included."""
        return sum(grant.amount for grant in self.granted if grant.asset == "points")

    @property
    def public(self) -> PublicAnswer:
        """What may be shown to the asker; whose order it is or what became of it is told to its buyer only."""
        if Reason.RECEIVED in self.reasons:
            return PublicAnswer(Reason.RECEIVED)
        if Reason.OTHER_BUYER in self.reasons:
            return PublicAnswer(Reason.IN_REVIEW)
        return PublicAnswer(self.reason)

    @property
    def detail(self) -> Detail:
        """What staff may see."""
        return Detail(self.reasons, self.holder_id, self.state)

    def explain(self, language: str = "zh") -> str:
        """
        Say why, so that customer service can read it aloud.

        Args:
            language: "zh" or "en".

        Returns:
            One sentence per line. Without accepted proof it is the public answer and nothing about the order.
        """
        en = language == "en"
        sentences = [self.public.sentence(language)]
        if self.public.reason is not self.reason or self.reason in _NOTHING_MORE:
            return sentences[0]
        sentences += [reason.sentence(language) for reason in self.reasons[1:]]
        order = effective_order(load_facts(self._facts))
        if order is not None and self._program is not None:
            sentences += explain_claim(order, self._program, load_grants(self._grants), language, self._calc)
        if self.state:
            word = state_word(self.state, language)
            sentences.append(f"State: {word}." if en else f"状态：{word}。")
        if self.bound:
            sentences += explain_bound(self.past_orders, language)
        if self.claimable_from is not None and self._program is not None:
            instant = round(self.claimable_from.timestamp() * 1_000_000)
            sentences.append(explain_time(instant, self._program.calendar, language))
        return "\n".join(sentences)


def when(instant: int | None) -> datetime | None:
    """Give an optional instant as an aware datetime."""
    return None if instant is None else time_of(instant)
