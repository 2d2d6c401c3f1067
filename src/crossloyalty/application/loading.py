"""What a batch has read: records as they are stored, never changed; decisions are built on top of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

from crossloyalty.application.ports import Ahead, AsyncTransaction, Scan
from crossloyalty.application.programs import newest_program, newest_scan, read_revisions
from crossloyalty.application.world import MemberMoved, World
from crossloyalty.domain.calendar import DAY_US, shift_day
from crossloyalty.domain.effective import effective_order
from crossloyalty.domain.facts import load_facts
from crossloyalty.domain.grants import Grant
from crossloyalty.domain.identities import PHONE
from crossloyalty.domain.keys import OrderKey
from crossloyalty.domain.ledger import FOREIGN_LOTS, MOVED
from crossloyalty.domain.links import LINKS_ROW, NO_LINKS, Links, links_of
from crossloyalty.domain.needs import MissingLot, MoreClaims, MoreDays, MoreLots, Need
from crossloyalty.domain.parting import History
from crossloyalty.domain.program import Program
from crossloyalty.domain.records import (
    AccountRecord,
    AliasRecord,
    BuyerRecord,
    ClaimRecord,
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

__all__ = ["Loaded", "MemberRows", "buyer_keys"]

# Spend days a settlement nearly always touches even without tiers: the usual claim window and a little more.
_USUAL_DAYS = 100


class MemberRows:
    """The rows read of one member."""

    __slots__ = (
        "accounts",
        "claims",
        "closed_lots",
        "days",
        "days_from",
        "grants",
        "links",
        "live_lots",
        "lots",
        "root",
        "tags",
    )

    def __init__(self, root: MemberRecord, days_from: str) -> None:
        self.root = root
        self.accounts: Sequence[AccountRecord] = ()
        self.tags: Sequence[TagRecord] = ()
        self.grants: Sequence[MemberGrantRecord] = ()
        self.days: Sequence[SpendDayRecord] = ()
        self.days_from = days_from
        self.lots: list[LotRecord] = []
        self.live_lots = False
        self.closed_lots: list[LotRecord] = []  # of members that were merged in, as they were written there
        self.claims: Sequence[ClaimRecord] | None = None
        self.links: Links = NO_LINKS

    def take(self, rows: Sequence[Sequence[Record]]) -> None:
        """Take the answers of `_member_scans`."""
        self.accounts = cast("Sequence[AccountRecord]", rows[0])
        self.tags = cast("Sequence[TagRecord]", rows[1])
        self.grants = cast("Sequence[MemberGrantRecord]", rows[2])
        self.days = cast("Sequence[SpendDayRecord]", rows[3])
        self.links = links_of(self.grants)

    @property
    def ids(self) -> tuple[str, ...]:
        """The member and everybody it stands for."""
        return (self.root.member_id, *self.links.absorbed)

    def number_of(self, owner: str, lot_no: int) -> int:
        """Give the number a lot has at this member; see `Ledger.number_of`."""
        if owner == self.root.member_id:
            return lot_no
        return (self.links.origins.index(owner) + 1) * FOREIGN_LOTS + lot_no


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
        "_asked",
        "_followed",
        "_newest",
        "_tx",
        "_versions",
        "aliases",
        "buyers",
        "claims",
        "histories",
        "homes",
        "members",
        "now",
        "opening",
        "orders",
        "program_id",
        "programs",
        "tickets",
        "waiting",
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
        self.members: dict[str, MemberRows] = {}
        self.histories: Mapping[str, History] = {}  # of members that stand for others and are merged away
        self.opening: Mapping[str, Mapping[str, int]] = {}  # spend of before by member and rule id; read by a merge
        self.homes: dict[str, str] = {}  # who stands for whom, of the members read
        self._asked: dict[str, str] = {}
        self._followed: dict[str, str] = {}

        self.waiting: dict[str, int] = {}

    def home(self, member_id: str) -> str:
        """Name the member that stands for a member; what is read of it later has to say so too."""
        home = self.homes.get(member_id) or self._asked.get(member_id)
        if home is None:
            # Once: what other calls learn meanwhile must not make one member two in this one.
            home = self._asked[member_id] = self.world.home(self.program_id, member_id)
            if home != member_id:
                self._followed[member_id] = home
        return home

    @property
    def versions(self) -> Mapping[RootKey, int]:
        """The roots that are locked."""
        return self._versions

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

    async def lock_homes(self, members: Iterable[str], roots: Iterable[RootKey] = ()) -> list[str]:
        """
        Lock those who stand for some members, and take the present moment behind the lock.

        Args:
            members: Ids as they are known outside.
            roots: What is locked with them.

        Returns:
            Who stands for them, in their order, each once.
        """
        homes = list(dict.fromkeys([self.home(each) for each in members]))
        keys = [Key(MemberRecord, (self.program_id, home)) for home in homes]
        self._versions = await self._tx.lock(list(dict.fromkeys([*roots, *keys])))
        self.now = self.world.now()
        return homes

    async def lock(self, roots: Sequence[RootKey], members: Iterable[str]) -> Mapping[RootKey, int]:
        """
        Lock, and fetch what the `read` behind it will ask for in the same round trip.

        Returns:
            The versions of the roots, which are known to this object from now on.
        """
        keys: list[Key] = []
        hint = self.world.newest.get(self.program_id)
        if hint is not None:
            keys.append(Key(ProgramRecord, (self.program_id, hint + 1)))
        days_from = self._days_from()
        scans = [scan for member_id in members for scan in _member_scans(self.program_id, member_id, days_from)]
        keys += [Key(MemberRecord, (self.program_id, member_id)) for member_id in members]
        self._versions = await self._tx.lock(roots, ahead=Ahead(keys, scans))
        self.now = self.world.now()  # whoever held a lock did something before this call
        return self._versions

    async def read(
        self,
        orders: Iterable[OrderKey] = (),
        members: Iterable[str] = (),
        buyers: Iterable[Key] = (),
        *,
        merged: bool = False,
    ) -> None:
        """
        Read orders with their claims, members with what a settlement needs, and buyers; one round trip.

        Args:
            orders: Their rows and claims.
            members: Ids; their rows, accounts, sources, once-per-member rewards and recent spend days. Nothing is
                stored of a member whose root `lock` has just created.
            buyers: Keys of buyer rows.
            merged: Read members that were merged away as well.

        Raises:
            MemberMoved: A member was merged away, or is not where it was thought to be.
        """
        order_keys = [key for key in orders if key not in self.orders]
        member_roots = {
            member_id: Key(MemberRecord, (self.program_id, member_id))
            for member_id in members
            if member_id not in self.members
        }
        buyer_roots = [key for key in buyers if key not in self.buyers]
        order_roots = [Key(OrderRecord, key) for key in order_keys]
        keys = [*member_roots.values(), *buyer_roots]
        claimed = order_keys
        held: Mapping[Key, Any] = {}
        if order_roots and all(root in self._versions for root in order_roots):
            # Locked, so known without asking; and where nobody owns an order, there is no claim to ask for (I-10).
            held = cast("Mapping[Key, Any]", (await self._tx.read(order_roots)).records)
            claimed = [
                key for key, root in zip(order_keys, order_roots, strict=True) if root in held and held[root].owner_id
            ]
        else:
            keys += order_roots
        keys += [Key(ClaimRecord, key) for key in claimed]
        hint = self.world.newest.get(self.program_id)
        if self._newest is None and hint is not None:
            keys.append(Key(ProgramRecord, (self.program_id, hint + 1)))
        known = [member_id for member_id, root in member_roots.items() if self._versions.get(root) != 0]
        days_from = self._days_from()
        scans = [scan for member_id in known for scan in _member_scans(self.program_id, member_id, days_from)]
        records, rows = await self._tx.read(keys, scans)
        await self._check_newest(hint, records)
        # What stands under a key is a row of its kind; a call that says so costs as much as the look-up.
        get = cast("Callable[[Key], Any]", records.get)
        for key, root in zip(order_keys, order_roots, strict=True):
            self.orders[key] = held.get(root) or get(root) or OrderRecord(*key)
        for key in claimed:
            claim = get(Key(ClaimRecord, key))
            if claim is not None:
                self.claims[key] = claim
        for member_id, root in member_roots.items():
            row = get(root)
            self.members[member_id] = MemberRows(
                MemberRecord(*root.values[:2]) if row is None else row,  # type: ignore[arg-type]
                "" if self._versions.get(root) == 0 else days_from,
            )
        for place, member_id in enumerate(known):
            of = self.members[member_id]
            of.take(rows[4 * place : 4 * place + 4])
            if of.links is not NO_LINKS and not merged:
                self._stand_for(member_id, of.links)
        if self._followed:
            self._check_followed()
        for buyer_root in buyer_roots:
            self._take_buyer(buyer_root, get(buyer_root))

    def _stand_for(self, member_id: str, links: Links) -> None:
        if links.into:
            self.world.moved(self.program_id, member_id, links.into)
            raise MemberMoved
        for each in links.absorbed:
            self.homes[each] = member_id

    def _check_followed(self) -> None:
        for member_id, home in self._followed.items():
            if home in self.members and self.homes.get(member_id) != home:
                self.world.moved(self.program_id, member_id, "")
                raise MemberMoved

    def _take_buyer(self, root: Key, row: Any) -> None:
        if row is None:
            row = BuyerRecord(*cast("tuple[str, str, str, str]", root.values))
        self.buyers[root] = row

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
        by_phone = self.program.binding.by_phone
        ticketed = [
            key for key, order in self.orders.items() if order.next_due_at is not None and key not in self.tickets
        ]
        buyers = [
            key
            for order in self.orders.values()
            if order.facts
            for key in buyer_keys(order, by_phone=by_phone)
            if key not in self.buyers
        ]
        lots: list[Key] = []
        for claim in self.claims.values():
            holder = self.homes.get(claim.member_id, claim.member_id) if self.homes else claim.member_id
            held = self.members.get(holder)
            if held is not None and not held.lots:
                lots += [
                    key
                    for grant in grants_of(claim)
                    if grant.lot_no
                    for key in self._lot_keys(held, grant.of or claim.member_id, grant.lot_no)
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
                    self._take_lot(cast(LotRecord, lot))
        revisions = {claim.revision for claim in self.claims.values()}
        if revisions:
            self.programs.update(await read_revisions(self.world, self._tx, program_id, revisions))

    def _lot_keys(self, held: MemberRows, owner: str, lot_no: int) -> list[Key]:
        """Name where the row of a lot may be: at the member, else where it began; there it stays once it is closed."""
        member_id = held.root.member_id
        number = held.number_of(owner, lot_no)
        keys = [Key(LotRecord, (self.program_id, member_id, number))]
        return keys if owner == member_id else [*keys, Key(LotRecord, (self.program_id, owner, lot_no))]

    def _take_lot(self, lot: LotRecord) -> None:
        held = self.members.get(lot.member_id)
        if held is not None:
            held.lots.append(lot)
            return
        holder = self.members.get(self.homes.get(lot.member_id, ""))
        for each in (holder,) if holder is not None else self.members.values():
            if lot.member_id in each.links.origins:
                each.closed_lots.append(lot)

    async def read_tickets(self, keys: Iterable[OrderKey], askers: Iterable[str] = ()) -> None:
        """
        Read the tickets of orders, also those that are over.

        Args:
            keys: The orders.
            askers: Members whose young requests are counted as well, up to the most one may have waiting.
        """
        missing = [key for key in keys if key not in self.tickets]
        uncounted = [member_id for member_id in askers if member_id and member_id not in self.waiting]
        if not missing and not uncounted:
            return
        program = self.program
        low, most = self.now - program.ticket_days * DAY_US + 1, program.waiting_requests
        scans = [Scan(TicketRecord, key) for key in missing]
        scans += [
            Scan(TicketRecord, (self.program_id, member_id), by="by_member", low=low, limit=most)
            for member_id in uncounted
        ]
        rows = (await self._tx.read(scans=scans)).rows
        for key, tickets in zip(missing, rows, strict=False):
            self.tickets[key] = cast("Sequence[TicketRecord]", tickets)
        for member_id, young in zip(uncounted, rows[len(missing) :], strict=True):
            self.waiting[member_id] = len(young)

    async def satisfy(self, needs: Iterable[Need]) -> None:
        """Read what decisions asked for."""
        program_id = self.program_id
        for need in needs:
            held = self.members[need.member_id]
            prefix = (program_id, need.member_id)
            if isinstance(need, MissingLot):
                if any(lot.lot_no == need.lot_no for lot in held.lots):
                    continue
                place, began_no = divmod(need.lot_no, FOREIGN_LOTS)
                owner = held.links.origins[place - 1] if place else need.member_id
                found = await self._tx.read(self._lot_keys(held, owner, began_no))
                for row in found.records.values():
                    lot = cast(LotRecord, row)
                    (held.lots if lot.member_id == need.member_id else held.closed_lots).append(lot)
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
                every = [Scan(ClaimRecord, (program_id, each), by="by_member") for each in held.ids]
                found = await self._tx.read(scans=every)
                held.claims = [cast(ClaimRecord, row) for rows in found.rows for row in rows]

    async def read_left_lots(self, member_ids: Iterable[str]) -> None:
        """
        Read where they began the lots that left members by an un-merge and may have been closed there since.

        Args:
            member_ids: Members that are or become one; their foreign lots have been read.
        """
        member_ids = list(member_ids)
        one = {owner for each in member_ids for owner in (each, *self.members[each].links.absorbed)}
        keys: list[Key] = []
        for member_id in member_ids:
            held = self.members[member_id]
            for lot in held.lots:
                place, began_no = divmod(lot.lot_no, FOREIGN_LOTS)
                owner = held.links.origins[place - 1] if place else member_id
                if place and lot.state == MOVED and owner in one:
                    keys.append(Key(LotRecord, (self.program_id, owner, began_no)))
        found = await self._tx.read(list(dict.fromkeys(keys))) if keys else None
        for row in found.records.values() if found is not None else ():
            began = cast(LotRecord, row)
            if began.member_id in self.members:
                self.add_lots(began.member_id, [began])
            else:
                self._take_lot(began)

    async def read_once_lots(self, member_ids: Iterable[str]) -> None:
        """Read the lots of what members were given once, also those that are spent or were sent outside."""
        for member_id in member_ids:
            held = self.members[member_id]
            firsts = [
                Grant.from_text(row.rule_id, row.grant)
                for row in held.grants
                if row.grant.startswith("{") and row.rule_id != LINKS_ROW
            ]
            given = [each for first in firsts for each in (first, *first.also) if each.lot_no]
            keys = [key for each in given for key in self._lot_keys(held, each.of or member_id, each.lot_no)]
            found = await self._tx.read(list(dict.fromkeys(keys))) if keys else None
            lots = [] if found is None else [cast(LotRecord, row) for row in found.records.values()]
            self.add_lots(member_id, [lot for lot in lots if lot.member_id == member_id])
            held.closed_lots.extend(lot for lot in lots if lot.member_id != member_id)

    def add_lots(self, member_id: str, lots: Iterable[LotRecord]) -> None:
        """Take in lots that were read elsewhere."""
        held = self.members[member_id]
        known = {lot.lot_no for lot in held.lots}
        held.lots.extend(lot for lot in lots if lot.lot_no not in known)


def buyer_keys(order: OrderRecord, *, by_phone: bool = False) -> list[Key]:
    """
    Name the buyer rows of a stored order, as far as they are known: the payer's, and the receiver's of a gift.

    Args:
        order: As stored.
        by_phone: Also the receiver's phone, which the program takes for the buyer's.
    """
    gift = '"beneficiary_id"' in order.facts
    phone_index = order.phone_index if by_phone else None
    if not order.buyer_id and not gift and phone_index is None:
        return []
    ids = {order.buyer_id: None}
    effective = effective_order(load_facts(order.facts)) if gift else None
    if effective is not None:
        ids[effective.beneficiary_id] = None
    prefix = (order.program_id, order.family, order.buyer_scope)
    keys = [Key(BuyerRecord, (*prefix, buyer_id)) for buyer_id in ids if buyer_id]
    if phone_index is not None:
        keys.append(Key(BuyerRecord, (order.program_id, PHONE, "", phone_index)))
    return keys
