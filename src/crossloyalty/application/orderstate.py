"""One order of a batch while it is decided: its facts as they change, its claim, its tickets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from crossloyalty.domain.coming import coming_at
from crossloyalty.domain.effective import EffectiveOrder, effective_order
from crossloyalty.domain.facts import Facts, dump_facts, load_facts
from crossloyalty.domain.keys import OrderKey
from crossloyalty.domain.records import (
    ClaimRecord,
    OrderRecord,
    TicketRecord,
)

__all__ = ["OrderState"]

# Hardly an order has tickets, and thousands of orders live through a large batch.
_NONE: Final[Mapping[str, TicketRecord]] = {}


class OrderState:
    """One order of a batch: its facts as they change, its claim, its tickets."""

    __slots__ = (
        "_effective",
        "_facts",
        "attempts",
        "changed",
        "claim",
        "claim_was",
        "key",
        "next_due_at",
        "owner_id",
        "record",
        "tickets",
        "tickets_were",
    )

    def __init__(self, record: OrderRecord, claim: ClaimRecord | None, tickets: Sequence[TicketRecord]) -> None:
        self.key = OrderKey(record.program_id, record.family, record.order_no)
        self.record = record
        self._facts: Facts | None = None
        self._effective: EffectiveOrder | None = None
        self.claim = claim
        self.claim_was = claim
        self.tickets: dict[str, TicketRecord] = {ticket.member_id: ticket for ticket in tickets} if tickets else {}
        self.tickets_were: Mapping[str, TicketRecord] = dict(self.tickets) if tickets else _NONE
        self.owner_id = record.owner_id
        self.next_due_at = record.next_due_at
        self.attempts = record.attempts
        self.changed = False

    @property
    def facts(self) -> Facts:
        """The merged facts; call `facts_changed` after changing them."""
        if self._facts is None:
            self._facts = load_facts(self.record.facts)
        return self._facts

    def facts_changed(self) -> None:
        """Forget what was derived from the facts."""
        self.changed = True
        self._effective = None

    @property
    def effective(self) -> EffectiveOrder | None:
        """The order after all messages, None while no source has described it."""
        if self._effective is None and (self.changed or self.record.facts):
            self._effective = effective_order(self.facts)
            if not self.changed:
                self._facts = None  # thousands of these live through a large batch
        return self._effective

    def forget(self) -> None:
        """Drop what can be derived again; thousands of orders live through a large batch."""
        if not self.changed:
            self._effective = None

    def facts_text(self) -> str:
        """Give the facts as they are stored."""
        return dump_facts(self.facts) if self.changed else self.record.facts

    def row(self) -> OrderRecord:
        """Give the order's row to store."""
        old = self.record
        order = self.effective if self.changed else None
        if order is None:
            return OrderRecord(
                *old[:4],
                self.next_due_at,
                *old[5:9],
                self.owner_id,
                *old[10:14],
                self.facts_text(),
                self.attempts,
                old.phone_index,
            )
        return OrderRecord(
            old.program_id,
            old.family,
            old.order_no,
            old.version,
            self.next_due_at,
            order.platform,
            order.shop_id,
            order.buyer_scope,
            order.buyer_id,
            self.owner_id,
            order.effective_at,
            order.status,
            order.paid_fen,
            coming_at(order),
            self.facts_text(),
            self.attempts,
            order.phone_index or None,
        )
