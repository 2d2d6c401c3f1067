"""
A member's ledger: accounts, lots, entries, and the chain that ties them.

Each asset of a member has up to five accounts. `pending` and `balance` hold what was granted; `debt`, `waived` and
`exempt` remember what a claw-back could not take: owed, written off, already expired. So what a claim's rule still has
granted is the sum of its entries, the last three counted negative. Debt never makes a balance negative (I-05).
An asset that lives outside has `external` in place of `balance`: what its gateway was asked to give and not to take
back. Lots are spent soonest-expiring first, then oldest, never-expiring last (D3).
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple, TypeAlias, cast

from crossloyalty.domain.jsontext import json_text
from crossloyalty.domain.needs import MissingLot, MoreLots
from crossloyalty.domain.records import (
    NEVER,
    AccountRecord,
    DeliveryRecord,
    EntryRecord,
    EventRecord,
    LotRecord,
    MemberRecord,
)

__all__ = [
    "ACCOUNTS",
    "FOREIGN_LOTS",
    "LANES",
    "MOVED",
    "NO_REF",
    "Ledger",
    "Ref",
    "chained",
    "lane_of",
    "spending_order",
]

AccountName: TypeAlias = Literal["pending", "balance", "external", "debt", "waived", "exempt", "opening"]
ACCOUNTS: Final = ("pending", "balance", "external", "debt", "waived", "exempt", "opening")
# Qualifying spend of before stands in the ledger under an asset nobody can hold, one entry a local day.
OPENING_SPEND: Final = "#spend"
OPENING_DAY: Final = "#day:"
LANES: Final = 64
EVENTS_A_ROW: Final = 60  # each has a bit in a 64-bit integer that says whether it was acknowledged
# Lots of a member that was merged in are numbered from a multiple of this on, by the place of the member they began at.
FOREIGN_LOTS: Final = 2**32
MOVED: Final = "MOVED"  # the state of a lot whose rest lives on at another member
_sha256 = hashlib.sha256
_JOINED: Final = {length: "\x1f".join(["%s"] * (length + 1)) for length in range(1, 40)}


class Ref(NamedTuple):
    """Which claim an entry belongs to; all empty for what no claim caused."""

    family: str
    order_no: str
    holder_no: int


NO_REF: Final = Ref("", "", 0)


def chained(previous: str, row: tuple[Any, ...]) -> str:
    """
    Give the hash of a row over the hash of the one before it (I-70).

    Args:
        previous: The hash before, "" for the first row.
        row: Texts and integers. No text in the store holds a control character, so the unit separator between the
            fields makes one text of each row.
    """
    return _sha256((_JOINED[len(row)] % (previous, *row)).encode()).hexdigest()


def lane_of(member_id: str) -> int:
    """Give the delivery lane of a member, 0 to 63, the same on every machine."""
    return zlib.crc32(member_id.encode()) % LANES


def spending_order(lot: LotRecord) -> tuple[int, int]:
    """Sort lots for spending: soonest expiring first, never-expiring last, then by age (D3)."""
    return (NEVER if lot.expires_at is None else lot.expires_at, lot.lot_no)


class _Account:
    __slots__ = ("balance", "book", "seq")

    def __init__(self, book: str, balance: int = 0, seq: int = 0) -> None:
        self.book = book
        self.balance = balance
        self.seq = seq


class Ledger:
    """
    The mutable side of one member during one batch: postings go in, rows to write come out.

    Args:
        root: The member's row as locked.
        accounts: All accounts of the member.
        now: The moment of the batch, in microseconds; recorded times never fall along the sequence (I-73).
        gateways: Who is told of assets that live outside, by asset.
        origins: Whose lots it may hold besides its own, by place.
    """

    __slots__ = (
        "_accounts",
        "_touched",
        "all_lots",
        "at",
        "changed_lots",
        "deliveries",
        "emitted",
        "entries",
        "entry_hash",
        "entry_seq",
        "event_hash",
        "event_seq",
        "events",
        "gateways",
        "known_lots",
        "lots",
        "member_id",
        "next_due_at",
        "origins",
        "program_id",
    )

    def __init__(
        self,
        root: MemberRecord,
        accounts: Iterable[AccountRecord],
        *,
        now: int,
        gateways: Mapping[str, str] = MappingProxyType({}),
        origins: tuple[str, ...] = (),
    ) -> None:
        self.gateways = gateways
        self.origins = origins
        self.program_id = root.program_id
        self.member_id = root.member_id
        self.at = max(now, root.last_at)
        self.entry_seq = root.entry_seq
        self.entry_hash = root.entry_hash
        self.event_seq = root.event_seq
        self.event_hash = root.event_hash
        self.next_due_at = root.next_due_at
        self.entries: list[EntryRecord] = []
        self.emitted: list[tuple[str, dict[str, Any]]] = []  # that stand in no row yet
        self.events: list[EventRecord] = []
        self.deliveries: list[DeliveryRecord] = []
        self.lots: dict[int, LotRecord] = {}
        self.known_lots: set[int] = set()
        self.changed_lots: dict[int, LotRecord] = {}
        self.all_lots = root.entry_seq == 0
        self._accounts = {(row.asset, row.account): _Account(row.book, row.balance, row.seq) for row in accounts}
        self._touched: dict[tuple[str, str], bool] = {}

    # -- reading -----------------------------------------------------------------------------------------------------

    def balance(self, asset: str, account: AccountName = "balance") -> int:
        """Give one account's balance."""
        held = self._accounts.get((asset, account))
        return 0 if held is None else held.balance

    def accounts(self) -> list[tuple[str, AccountName, int]]:
        """Give every account that is not empty: asset, name, balance."""
        return [
            (asset, cast(AccountName, account), held.balance)
            for (asset, account), held in self._accounts.items()
            if held.balance
        ]

    def assets(self) -> list[str]:
        """Name the assets this member has accounts of."""
        return sorted({asset for asset, _ in self._accounts if asset != OPENING_SPEND})

    def take_in(self, lots: Iterable[LotRecord], *, all_live: bool = False) -> None:
        """Make stored lots known; *all_live* says that no live lot is left out."""
        for lot in lots:
            if lot.lot_no not in self.lots:
                self.lots[lot.lot_no] = lot
                self.known_lots.add(lot.lot_no)
        if all_live:
            self.all_lots = True

    def adopt(self, lots: Iterable[LotRecord]) -> None:
        """
        Make the closed lots of a member that was merged in known; their rows are written here once they change.

        A lot that was here, left by an un-merge and was closed where it began has a row in both places.
        """
        for lot in lots:
            number = self.number_of(lot.member_id, lot.lot_no)
            here = self.lots.get(number)
            if here is None or (here.state == MOVED and lot.state != MOVED and lot.due_at is None):
                self.lots[number] = lot._replace(member_id=self.member_id, lot_no=number)

    def number_of(self, owner: str, lot_no: int) -> int:
        """
        Give the number a lot has here.

        Args:
            owner: The member it began at.
            lot_no: Its number there.
        """
        if owner == self.member_id or not owner:
            return lot_no
        return (self.origins.index(owner) + 1) * FOREIGN_LOTS + lot_no

    def origin_of(self, number: int) -> tuple[str, int]:
        """Give the member a lot began at and its number there."""
        place, lot_no = divmod(number, FOREIGN_LOTS)
        return (self.origins[place - 1] if place else self.member_id), lot_no

    def lot_body(self, lot: LotRecord) -> dict[str, Any]:
        """Name a lot as whoever issued it outside was told, and to whom when that was another member."""
        began, lot_no = self.origin_of(lot.lot_no)
        return {"lot_no": lot_no} if began == self.member_id else {"lot_no": lot_no, "issued_to": began}

    def lot(self, lot_no: int) -> LotRecord:
        """
        Give a lot by its number.

        Raises:
            MissingLot: It was not read.
        """
        try:
            return self.lots[lot_no]
        except KeyError:
            raise MissingLot(self.member_id, lot_no) from None

    def live_lots(self, asset: str) -> list[LotRecord]:
        """
        Give the spendable lots of an asset in spending order; a lot that has expired is not among them, swept or not.

        Raises:
            MoreLots: They were not all read.
        """
        if not self.all_lots:
            raise MoreLots(self.member_id)
        return sorted(
            (
                lot
                for lot in self.lots.values()
                if lot.asset == asset
                and lot.state == "ACTIVE"
                and lot.remaining > lot.held
                and (lot.expires_at is None or lot.expires_at > self.at)
            ),
            key=spending_order,
        )

    # -- posting -----------------------------------------------------------------------------------------------------

    def post(
        self,
        asset: str,
        account: AccountName,
        amount: int,
        kind: str,
        lot_no: int = 0,
        ref: Ref = NO_REF,
        rule_id: str = "",
        request_key: str = "",
    ) -> int:
        """
        Append one entry.

        Args:
            asset, account: Where.
            amount: Signed whole number, never 0.
            kind: Why; the contra account.
            lot_no: The lot it moves; 0 opens a lot that is numbered by this entry, -1 names none.
            ref, rule_id, request_key: What caused it.

        Returns:
            The entry's seq.
        """
        seq = self.entry_seq = self.entry_seq + 1
        place = (asset, account)
        held = self._accounts.get(place)
        if held is None:
            held = self._accounts[place] = _Account("external" if account == "external" else "own")
            self._touched[place] = True
        elif place not in self._touched:
            self._touched[place] = False
        held.balance += amount
        held.seq += 1
        row = (
            self.program_id,
            self.member_id,
            seq,
            asset,
            held.book,
            account,
            held.seq,
            amount,
            held.balance,
            kind,
            seq if lot_no == 0 else max(lot_no, 0),
            *ref,
            rule_id,
            request_key,
            self.at,
        )
        self.entry_hash = chained(self.entry_hash, row)
        self.entries.append(EntryRecord._make((*row, self.entry_hash)))
        return seq

    def emit(self, kind: str, body: dict[str, Any]) -> None:
        """Append one event for the host; *body* is plain JSON data without personal fields."""
        self.event_seq += 1
        self.emitted.append((kind, body))

    def event_rows(self) -> list[EventRecord]:
        """Give the rows of the events emitted so far; after it the hash of the chain is that of the last one."""
        emitted, self.emitted = self.emitted, []
        first = self.event_seq - len(emitted) + 1
        for at in range(0, len(emitted), EVENTS_A_ROW):
            part = emitted[at : at + EVENTS_A_ROW]
            row = (self.program_id, self.member_id, first + at, len(part), self.at, json_text(part))
            self.event_hash = chained(self.event_hash, row)
            self.events.append(EventRecord(*row, self.event_hash, 1, 0, None))
        return self.events

    def deliver(self, seq: int, gateway: str, kind: str, body: dict[str, Any]) -> None:
        """Append the delivery row of an external effect, in step with the entry of the same seq (I-21)."""
        self.deliveries.append(
            DeliveryRecord(
                self.program_id,
                self.member_id,
                seq,
                gateway,
                lane_of(self.member_id),
                kind,
                f"{self.program_id}/{self.member_id}/{seq}",
                json_text(body),
                "PENDING",
                0,
                self.at,
                self.at,
            )
        )

    def due(self, instant: int) -> None:
        """Remember that something is to be done for this member at an instant."""
        if self.next_due_at is None or instant < self.next_due_at:
            self.next_due_at = instant

    # -- lots --------------------------------------------------------------------------------------------------------

    def put_lot(self, lot: LotRecord) -> None:
        """Store a new or changed lot and keep the member's next due moment early enough."""
        self.lots[lot.lot_no] = lot
        self.changed_lots[lot.lot_no] = lot
        if lot.due_at is not None and lot.due_at < NEVER:
            self.due(lot.due_at)

    def open_lot(
        self,
        asset: str,
        amount: int,
        *,
        kind: str,
        issue_at: int,
        expires_at: int | None,
        blocked: bool = False,
        ref: Ref = NO_REF,
        rule_id: str = "",
        request_key: str = "",
    ) -> LotRecord:
        """
        Grant an amount as a new lot: spendable at once when its time has come, else pending.

        Args:
            asset: What.
            amount: How much, > 0.
            kind: The entry's kind.
            issue_at: When it becomes spendable, in microseconds.
            expires_at: When it stops being so; None: never.
            blocked: An open refund keeps it pending whatever the time.
        """
        active = not blocked and issue_at <= self.at
        outside = asset in self.gateways
        account: AccountName = "pending" if not active else "external" if outside else "balance"
        seq = self.post(asset, account, amount, kind, 0, ref, rule_id, request_key)
        lot = LotRecord(
            self.program_id,
            self.member_id,
            seq,
            asset,
            "external" if outside else "own",
            "PENDING" if not active else "SENT" if outside else "ACTIVE",
            amount,
            0 if active and outside else amount,
            0,
            0,
            int(blocked),
            issue_at,
            expires_at,
            _due_at(active, outside, blocked, issue_at, expires_at),
            *ref,
            rule_id,
            int(active),
        )
        self.put_lot(lot)
        return lot

    def add_to_lot(self, lot: LotRecord, amount: int, *, kind: str, ref: Ref = NO_REF, rule_id: str = "") -> LotRecord:
        """Give more into an existing lot, under its own issue and expiry times; a closed lot opens again."""
        active = lot.state == "ACTIVE" or (lot.state != "PENDING" and not lot.blocked and lot.issue_at <= self.at)
        outside = lot.book == "external"
        account: AccountName = "pending" if not active else "external" if outside else "balance"
        self.post(lot.asset, account, amount, kind, lot.lot_no, ref, rule_id)
        lot = lot._replace(
            state="PENDING" if not active else "SENT" if outside else "ACTIVE",
            granted=lot.granted + amount,
            remaining=lot.remaining + (0 if active and outside else amount),
            due_at=_due_at(active, outside, bool(lot.blocked), lot.issue_at, lot.expires_at),
            activated=int(active or lot.activated),
        )
        self.put_lot(lot)
        return lot

    def take_from_lot(
        self,
        lot: LotRecord,
        amount: int,
        *,
        kind: str,
        end_state: str,
        ref: Ref = NO_REF,
        rule_id: str = "",
        key: str = "",
    ) -> LotRecord:
        """Take an amount out of one lot; an emptied lot ends in *end_state*."""
        account: AccountName = "pending" if lot.state == "PENDING" else "balance"
        self.post(lot.asset, account, -amount, kind, lot.lot_no, ref, rule_id, key)
        remaining = lot.remaining - amount
        lot = lot._replace(remaining=remaining)
        if not remaining:
            lot = lot._replace(state=end_state, due_at=None)
        self.put_lot(lot)
        return lot

    def expire_lot(self, lot: LotRecord) -> LotRecord:
        """Expire exactly what is left in one lot; what is held keeps its lot (D3, D43)."""
        amount = lot.remaining - lot.held
        if amount <= 0:
            return lot
        self.post(lot.asset, "balance", -amount, "expire", lot.lot_no, Ref(*lot[14:17]), lot.rule_id)
        lot = lot._replace(remaining=lot.held, expired=lot.expired + amount, state="EXPIRED", due_at=None)
        self.put_lot(lot)
        self.emit(f"{event_noun(lot.asset)}.expired", {"asset": lot.asset, "amount": amount, "lot_no": lot.lot_no})
        return lot

    def repay(self, lot: LotRecord) -> LotRecord:
        """Repay debt first out of points that have just become spendable (D4)."""
        owed = self.balance(lot.asset, "debt")
        amount = min(owed, lot.remaining)
        if amount <= 0 or (lot.expires_at is not None and lot.expires_at <= self.at):
            return lot
        lot = self.take_from_lot(lot, amount, kind="repay", end_state="SPENT")
        self.post(lot.asset, "debt", -amount, "repay", lot.lot_no)
        self.emit("debt.settled", {"asset": lot.asset, "amount": amount, "left": owed - amount})
        return lot

    # -- writing -----------------------------------------------------------------------------------------------------

    def account_rows(self) -> Iterable[tuple[bool, AccountRecord]]:
        """Give the touched accounts, each with whether it is new."""
        for (asset, account), new in self._touched.items():
            held = self._accounts[asset, account]
            yield (
                new,
                AccountRecord(self.program_id, self.member_id, asset, account, held.book, held.balance, held.seq),
            )


def _due_at(active: bool, outside: bool, blocked: bool, issue_at: int, expires_at: int | None) -> int | None:
    """Say when a lot is to be looked at: at its issue, at its expiry; never again once it lives outside."""
    if active:
        return None if outside else NEVER if expires_at is None else expires_at
    return NEVER if blocked else issue_at


def event_noun(asset: str) -> str:
    """Give the first word of an asset's events."""
    return "coupon" if asset.startswith("coupon:") else asset
