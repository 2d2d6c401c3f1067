"""
One batch in memory: what was read, the decisions on top of it, and the changes to write.

`Loaded` holds records as read and never changes; `Batch` is built from it and may be thrown away and built again when a
decision finds that it needs to know more (`domain.needs`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from crossloyalty.application.ports import AsyncTransaction, Change, Delete, Insert, Replace, Scan
from crossloyalty.application.programs import newest_program, newest_scan, read_revisions
from crossloyalty.application.world import World
from crossloyalty.domain.calendar import shift_day
from crossloyalty.domain.effective import EffectiveOrder, effective_order
from crossloyalty.domain.facts import Facts, dump_facts, load_facts
from crossloyalty.domain.keys import OrderKey
from crossloyalty.domain.member import Contribution, Member
from crossloyalty.domain.needs import MissingLot, MoreClaims, MoreDays, MoreLots, Need
from crossloyalty.domain.program import Program
from crossloyalty.domain.records import (
    AccountRecord,
    AliasRecord,
    BuyerRecord,
    ClaimRecord,
    DeliveryRecord,
    EntryRecord,
    EventRecord,
    Key,
    LotRecord,
    MemberGrantRecord,
    MemberRecord,
    OrderRecord,
    ProgramRecord,
    Record,
    RootKey,
    SpendDayRecord,
    TagRecord,
    TicketRecord,
)
from crossloyalty.domain.settlement import grants_of
from crossloyalty.errors import StorageCorrupt

__all__ = ["Batch", "Loaded", "OrderState"]

# Spend days a settlement nearly always touches even without tiers: the usual claim window and a little more.
_USUAL_DAYS = 100


class _MemberRows:
    """The rows read of one member."""

    __slots__ = ("accounts", "claims", "days", "days_from", "grants", "live_lots", "lots", "root", "tags")

    def __init__(self, root: MemberRecord, days_from: str) -> None:
        self.root = root
        self.accounts: Sequence[AccountRecord] = ()
        self.tags: Sequence[TagRecord] = ()
        self.grants: Sequence[MemberGrantRecord] = ()
        self.days: Sequence[SpendDayRecord] = ()
        self.days_from = days_from
        self.lots: list[LotRecord] = []
        self.live_lots = False
        self.claims: Sequence[ClaimRecord] | None = None

    def take(self, rows: Sequence[Sequence[Record]]) -> None:
        """Take the answers of `_member_scans`."""
        self.accounts = cast("Sequence[AccountRecord]", rows[0])
        self.tags = cast("Sequence[TagRecord]", rows[1])
        self.grants = cast("Sequence[MemberGrantRecord]", rows[2])
        self.days = cast("Sequence[SpendDayRecord]", rows[3])


def _member_scans(program_id: str, member_id: str, days_from: str) -> tuple[Scan, ...]:
    """Ask for what a settlement needs of a member; days further back are read when a decision asks for them."""
    prefix = (program_id, member_id)
    return (
        Scan(AccountRecord, prefix),
        Scan(TagRecord, prefix),
        Scan(MemberGrantRecord, prefix),
        Scan(SpendDayRecord, prefix, low=days_from or None),
    )


class Loaded:
    """
    Everything a batch has read.

    Args:
        world: The ports.
        tx: The open transaction.
        program_id: The program.
        now: The moment of the batch, in microseconds.
        versions: What `lock` answered, kept up to date by the use case; empty in a readonly transaction.
    """

    __slots__ = (
        "_newest",
        "_tx",
        "_versions",
        "aliases",
        "buyers",
        "claims",
        "members",
        "now",
        "orders",
        "program_id",
        "programs",
        "tickets",
        "world",
    )

    def __init__(
        self, world: World, tx: AsyncTransaction, program_id: str, now: int, versions: Mapping[RootKey, int]
    ) -> None:
        self.world = world
        self._tx = tx
        self.program_id = program_id
        self.now = now
        self._newest: tuple[int, Program] | None = None
        self._versions = versions
        self.aliases: dict[OrderKey, AliasRecord | None] = {}
        self.programs: dict[int, Program] = {}
        self.orders: dict[OrderKey, OrderRecord] = {}
        self.claims: dict[OrderKey, ClaimRecord] = {}
        self.tickets: dict[OrderKey, Sequence[TicketRecord]] = {}
        self.buyers: dict[Key, BuyerRecord] = {}
        self.members: dict[str, _MemberRows] = {}

    @property
    def revision(self) -> int:
        """The revision in force."""
        return self.newest[0]

    @property
    def program(self) -> Program:
        """The rules in force."""
        return self.newest[1]

    @property
    def newest(self) -> tuple[int, Program]:
        """The revision in force and its program; read by the first `read`."""
        if self._newest is None:
            raise AssertionError("a batch reads before it decides")
        return self._newest

    async def read(
        self, orders: Iterable[OrderKey] = (), members: Iterable[str] = (), buyers: Iterable[Key] = ()
    ) -> None:
        """
        Read orders with their claims, members with what a settlement needs, and buyers; one round trip.

        Args:
            orders: Their rows and claims.
            members: Ids; their rows, accounts, sources, once-per-member rewards and recent spend days. Nothing is
                stored of a member whose root `lock` has just created.
            buyers: Keys of buyer rows.
        """
        order_keys = [key for key in orders if key not in self.orders]
        member_roots = {
            member_id: Key(MemberRecord, (self.program_id, member_id))
            for member_id in members
            if member_id not in self.members
        }
        buyer_roots = [key for key in buyers if key not in self.buyers]
        order_roots = [Key(OrderRecord, key) for key in order_keys]
        claim_keys = [Key(ClaimRecord, key) for key in order_keys]
        keys = [*order_roots, *claim_keys, *member_roots.values(), *buyer_roots]
        hint = self.world.newest.get(self.program_id)
        if self._newest is None and hint is not None:
            keys.append(Key(ProgramRecord, (self.program_id, hint + 1)))
        known = [member_id for member_id, root in member_roots.items() if self._versions.get(root) != 0]
        days_from = self._days_from()
        scans = [scan for member_id in known for scan in _member_scans(self.program_id, member_id, days_from)]
        records, rows = await self._tx.read(keys, scans)
        await self._check_newest(hint, records)
        get = records.get
        for key, order_root, claim_key in zip(order_keys, order_roots, claim_keys, strict=True):
            order = cast("OrderRecord | None", get(order_root))
            self.orders[key] = OrderRecord(*key) if order is None else order
            claim = get(claim_key)
            if claim is not None:
                self.claims[key] = cast(ClaimRecord, claim)
        for member_id, root in member_roots.items():
            row = cast("MemberRecord | None", get(root))
            self.members[member_id] = _MemberRows(MemberRecord(*root.values[:2]) if row is None else row, days_from)  # type: ignore[arg-type]
        for place, member_id in enumerate(known):
            self.members[member_id].take(rows[4 * place : 4 * place + 4])
        for buyer_root in buyer_roots:
            self._take_buyer(buyer_root, get(buyer_root))

    def _take_buyer(self, root: Key, row: Record | None) -> None:
        values = cast("tuple[str, str, str, str]", root.values)
        self.buyers[root] = BuyerRecord(*values) if row is None else cast(BuyerRecord, row)

    async def _check_newest(self, hint: int | None, records: Mapping[Key, Record]) -> None:
        """
        Find the revision in force.

        Revisions are numbered without a gap, so where the one behind the newest we know is absent, that one still is
        the newest; its long text need not be read again.
        """
        if self._newest is not None:
            return
        if hint is not None and Key(ProgramRecord, (self.program_id, hint + 1)) not in records:
            self._newest = hint, self.world.programs[self.program_id, hint]
            return
        found = await self._tx.read(scans=[newest_scan(self.program_id)])
        self._newest = newest_program(self.world, self.program_id, found.rows[0])

    def _days_from(self) -> str:
        """Give the first local day whose spend a settlement nearly always needs; "" for all of them."""
        revision = self.world.newest.get(self.program_id)
        if revision is None:
            return ""
        program = self.world.programs[self.program_id, revision]
        tiers = program.tiers
        window = 0 if tiers is None or tiers.window_days is None else tiers.window_days
        return shift_day(program.calendar.day(self.now), -max(window, _USUAL_DAYS))

    async def read_more(self) -> None:
        """Read what the first reading shows to be needed: tickets, buyers, old revisions, the lots of old claims."""
        program_id = self.program_id
        ticketed = [
            key for key, order in self.orders.items() if order.next_due_at is not None and key not in self.tickets
        ]
        buyers = [
            key for order in self.orders.values() if order.facts for key in buyer_keys(order) if key not in self.buyers
        ]
        lots = [
            Key(LotRecord, (program_id, claim.member_id, grant.lot_no))
            for claim in self.claims.values()
            if claim.member_id in self.members and not self.members[claim.member_id].lots
            for grant in grants_of(claim)
            if grant.lot_no
        ]
        if ticketed or buyers or lots:
            found = await self._tx.read([*buyers, *lots], [Scan(TicketRecord, key) for key in ticketed])
            for key, rows in zip(ticketed, found.rows, strict=True):
                self.tickets[key] = cast("Sequence[TicketRecord]", rows)
            for buyer in buyers:
                self._take_buyer(buyer, found.records.get(buyer))
            for lot_key in lots:
                lot = found.records.get(lot_key)
                if lot is not None:
                    self.members[str(lot_key.values[1])].lots.append(cast(LotRecord, lot))
        revisions = {claim.revision for claim in self.claims.values()}
        if revisions:
            self.programs.update(await read_revisions(self.world, self._tx, program_id, revisions))

    async def read_tickets(self, keys: Iterable[OrderKey]) -> None:
        """Read the tickets of orders, also those that are over."""
        missing = [key for key in keys if key not in self.tickets]
        if missing:
            found = await self._tx.read(scans=[Scan(TicketRecord, key) for key in missing])
            for key, rows in zip(missing, found.rows, strict=True):
                self.tickets[key] = cast("Sequence[TicketRecord]", rows)

    async def satisfy(self, needs: Iterable[Need]) -> None:
        """Read what decisions asked for."""
        program_id = self.program_id
        for need in needs:
            held = self.members[need.member_id]
            prefix = (program_id, need.member_id)
            if isinstance(need, MissingLot):
                key = Key(LotRecord, (*prefix, need.lot_no))
                if any(lot.lot_no == need.lot_no for lot in held.lots):
                    continue
                found = await self._tx.read([key])
                held.lots.append(cast(LotRecord, found.records[key]))
            elif isinstance(need, MoreLots) and not held.live_lots:
                found = await self._tx.read(scans=[Scan(LotRecord, prefix, by="by_due", low=0)])
                known = {lot.lot_no for lot in held.lots}
                lots = cast("Sequence[LotRecord]", found.rows[0])
                held.lots.extend(lot for lot in lots if lot.lot_no not in known)
                held.live_lots = True
            elif isinstance(need, MoreDays) and need.from_day < held.days_from:
                found = await self._tx.read(scans=[Scan(SpendDayRecord, prefix, low=need.from_day)])
                held.days = cast("Sequence[SpendDayRecord]", found.rows[0])
                held.days_from = need.from_day
            elif isinstance(need, MoreClaims) and held.claims is None:
                found = await self._tx.read(scans=[Scan(ClaimRecord, prefix, by="by_member")])
                held.claims = cast("Sequence[ClaimRecord]", found.rows[0])

    def add_lots(self, member_id: str, lots: Iterable[LotRecord]) -> None:
        """Take in lots that were read elsewhere."""
        held = self.members[member_id]
        known = {lot.lot_no for lot in held.lots}
        held.lots.extend(lot for lot in lots if lot.lot_no not in known)


def buyer_keys(order: OrderRecord) -> list[Key]:
    """Name the buyer rows of a stored order: the payer's, and the receiver's of a gift, as far as they are known."""
    ids = {order.buyer_id: None}
    if '"beneficiary_id"' in order.facts:
        effective = effective_order(load_facts(order.facts))
        ids[effective.beneficiary_id if effective is not None else ""] = None
    prefix = (order.program_id, order.family, order.buyer_scope)
    return [Key(BuyerRecord, (*prefix, buyer_id)) for buyer_id in ids if buyer_id]


class OrderState:
    """One order of a batch: its facts as they change, its claim, its tickets."""

    __slots__ = (
        "_effective",
        "_facts",
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

    def __init__(self, record: OrderRecord, claim: ClaimRecord | None, tickets: Iterable[TicketRecord]) -> None:
        self.key = OrderKey(record.program_id, record.family, record.order_no)
        self.record = record
        self._facts: Facts | None = None
        self._effective: EffectiveOrder | None = None
        self.claim = claim
        self.claim_was = claim
        self.tickets: dict[str, TicketRecord] = {ticket.member_id: ticket for ticket in tickets}
        self.tickets_were = dict(self.tickets)
        self.owner_id = record.owner_id
        self.next_due_at = record.next_due_at
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
            return old._replace(next_due_at=self.next_due_at, owner_id=self.owner_id, facts=self.facts_text())
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
            self.facts_text(),
        )


class Batch:
    """
    The decisions of one batch over what was loaded.

    Args:
        loaded: What was read; not changed.
    """

    __slots__ = ("_members", "_orders", "loaded", "needs", "now", "program", "revision")

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.revision, self.program = loaded.newest
        self.now = loaded.now
        self._members: dict[str, Member] = {}
        self._orders: dict[OrderKey, OrderState] = {}
        self.needs: list[Need] = []

    def order(self, key: OrderKey) -> OrderState:
        """Give an order of the batch."""
        state = self._orders.get(key)
        if state is None:
            loaded = self.loaded
            state = OrderState(loaded.orders[key], loaded.claims.get(key), loaded.tickets.get(key, ()))
            self._orders[key] = state
        return state

    def orders(self) -> Iterable[OrderState]:
        """Give the orders touched so far."""
        return self._orders.values()

    def member(self, member_id: str) -> Member:
        """Give a member of the batch."""
        member = self._members.get(member_id)
        if member is None:
            rows = self.loaded.members[member_id]
            member = Member(
                rows.root,
                rows.accounts,
                rows.days,
                rows.tags,
                rows.grants,
                days_from=rows.days_from,
                program=self.program,
                now=self.now,
            )
            if rows.lots or rows.live_lots:
                member.ledger.take_in(rows.lots, all_live=rows.live_lots)
            if rows.claims is not None:
                member.claims = {
                    (row.family, row.order_no): Contribution(row.platform, row.spend_day, row.net_fen, row.effective_at)
                    for row in rows.claims
                }
            self._members[member_id] = member
        return member

    def has_member(self, member_id: str) -> bool:
        """Say whether a member was read."""
        return member_id in self.loaded.members

    def bound_to(self, order: EffectiveOrder, key: OrderKey) -> str:
        """Name the member the order's buyer identity is bound to, "" for nobody."""
        if not order.buyer_id:
            return ""
        buyer = self.loaded.buyers.get(
            Key(BuyerRecord, (key.program_id, key.family, order.buyer_scope, order.buyer_id))
        )
        return "" if buyer is None else buyer.member_id

    def buyer_blocked(self, order: EffectiveOrder, key: OrderKey) -> bool:
        """Say whether the order's buyer identity is on the deny list now."""
        buyer = self.loaded.buyers.get(
            Key(BuyerRecord, (key.program_id, key.family, order.buyer_scope, order.buyer_id))
        )
        if buyer is None or not buyer.blocked_reason:
            return False
        return buyer.blocked_until is None or buyer.blocked_until > self.now

    def program_of(self, claim: ClaimRecord) -> Program:
        """Give the revision a claim was first settled under."""
        if claim.revision == self.revision:
            return self.program
        program = self.loaded.programs.get(claim.revision)
        if program is None:
            raise StorageCorrupt(f"a claim names revision {claim.revision}, which is not there; run verify()")
        return program

    def changes(self, versions: Mapping[RootKey, int]) -> tuple[list[Change], dict[RootKey, int]]:
        """
        Give everything to write and the roots it touches.

        Args:
            versions: What `lock` answered.
        """
        writes = _Writes(versions)
        for state in self._orders.values():
            writes.take_order(state)
        for member in self._members.values():
            writes.take_member(member, self.loaded.members[member.member_id].root)
        changes: list[Change] = [Insert(*rows) for rows in writes.inserted.values()]
        changes += [Replace(*rows) for rows in writes.replaced.values()]
        changes += [Delete(key) for key in writes.deleted]
        return changes, writes.roots


class _Writes:
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
        row = member.root_row()
        rows: list[tuple[bool, Record]] = [
            *ledger.account_rows(),
            *member.day_rows(),
            *member.tag_rows(),
            *member.grant_rows(),
        ]
        untouched = row._replace(last_at=before.last_at, created_at=before.created_at) == before
        if untouched and not (rows or ledger.events or ledger.changed_lots):
            return
        self._touch(Key(MemberRecord, row[:2]))
        self._put(False, row)
        if ledger.entries:
            self.inserted[EntryRecord] += ledger.entries
        if ledger.events:
            self.inserted[EventRecord] += ledger.events
        if ledger.deliveries:
            self.inserted[DeliveryRecord] += ledger.deliveries
        for lot_no, lot in ledger.changed_lots.items():
            self._put(lot_no not in ledger.known_lots, lot)
        for new, record in rows:
            self._put(new, record)
