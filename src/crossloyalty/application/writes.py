"""The rows a batch writes, by what happens to them and by kind, and the roots they touch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from crossloyalty.application.orderstate import OrderState
from crossloyalty.domain.member import Member
from crossloyalty.domain.records import (
    DeliveryRecord,
    EntryRecord,
    EventRecord,
    Key,
    MemberRecord,
    OrderRecord,
    Record,
    RootKey,
    TicketRecord,
)
from crossloyalty.domain.risks import raise_flags

__all__ = ["Writes"]


class Writes:
    """The rows to write, by what happens to them and by kind, and the roots they touch."""

    __slots__ = ("_versions", "deleted", "inserted", "replaced", "roots")

    def __init__(self, versions: Mapping[RootKey, int]) -> None:
        self._versions = versions
        self.inserted: defaultdict[type[Record], list[Record]] = defaultdict(list)
        self.replaced: defaultdict[type[Record], list[Record]] = defaultdict(list)
        self.deleted: list[Key] = []
        self.roots: dict[RootKey, int] = {}

    def _put(self, new: bool, record: Record) -> None:
        (self.inserted if new else self.replaced)[type(record)].append(record)

    def _touch(self, root: RootKey) -> None:
        self.roots[root] = self._versions[root]

    def take_order(self, state: OrderState) -> None:
        """Take what changed of an order, its claim and its tickets."""
        old = state.record
        rewritten = state.changed or state.owner_id != old.owner_id or state.next_due_at != old.next_due_at
        rewritten = rewritten or state.attempts != old.attempts
        touched = rewritten
        if state.claim is not state.claim_was and state.claim is not None:
            self._put(state.claim_was is None, state.claim)
            touched = True
        if state.tickets != state.tickets_were:
            touched = True
            for member_id, ticket in state.tickets.items():
                before = state.tickets_were.get(member_id)
                if before != ticket:
                    self._put(before is None, ticket)
            self.deleted += [
                Key(TicketRecord, before[:4])
                for member_id, before in state.tickets_were.items()
                if member_id not in state.tickets
            ]
        if touched:
            self._touch(Key(OrderRecord, state.key))
        if rewritten:
            self._put(False, state.row())

    def take_member(self, member: Member, before: MemberRecord) -> None:
        """Take what changed of a member; a member nothing happened to is left alone."""
        ledger = member.ledger
        if ledger.emitted:  # what is imported tells nothing
            raise_flags(member)
        events = ledger.event_rows()
        row = member.root_row()
        rows: list[tuple[bool, Record]] = [
            *ledger.account_rows(),
            *member.day_rows(),
            *member.tag_rows(),
            *member.grant_rows(),
        ]
        nothing = not (rows or events or ledger.changed_lots)
        if nothing and row._replace(last_at=before.last_at, created_at=before.created_at) == before:
            return
        self._touch(Key(MemberRecord, row[:2]))
        self._put(False, row)
        if ledger.entries:
            self.inserted[EntryRecord] += ledger.entries
        if events:
            self.inserted[EventRecord] += events
        if ledger.deliveries:
            self.inserted[DeliveryRecord] += ledger.deliveries
        for lot_no, lot in ledger.changed_lots.items():
            self._put(lot_no not in ledger.known_lots, lot)
        for new, record in rows:
            self._put(new, record)
