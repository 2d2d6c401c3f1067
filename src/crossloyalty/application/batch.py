"""The decisions of one batch over what was loaded; thrown away and made again when one needs to know more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from crossloyalty.application.loading import Loaded
from crossloyalty.application.orderstate import OrderState
from crossloyalty.application.ports import Change, Delete, Insert, Replace
from crossloyalty.application.writes import Writes
from crossloyalty.domain.effective import EffectiveOrder
from crossloyalty.domain.identities import PHONE, is_denied
from crossloyalty.domain.keys import OrderKey
from crossloyalty.domain.member import Member
from crossloyalty.domain.needs import Need
from crossloyalty.domain.program import Program
from crossloyalty.domain.records import (
    BuyerRecord,
    ClaimRecord,
    Key,
    RootKey,
)
from crossloyalty.domain.sources import Contribution
from crossloyalty.errors import StorageCorrupt

__all__ = ["Batch", "MissingRoot"]


class MissingRoot(Exception):
    """A decision changes roots that sort before those locked; the use case starts again with the larger set."""

    def __init__(self, *roots: RootKey) -> None:
        super().__init__(*roots)
        self.roots = roots


class Batch:
    """
    The decisions of one batch over what was loaded.

    Args:
        loaded: What was read; not changed.
    """

    __slots__ = (
        "_bindings",
        "_buyers",
        "_members",
        "_orders",
        "loaded",
        "needs",
        "now",
        "program",
        "revision",
        "tried",
        "waiting",
    )

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.revision, self.program = loaded.newest
        self.now = loaded.now
        self._members: dict[str, Member] = {}
        self._orders: dict[OrderKey, OrderState] = {}
        self.needs: list[Need] = []
        self._buyers: dict[Key, BuyerRecord] = {}
        self._bindings: list[Insert | Replace] = []
        self.waiting: dict[str, int] = {}
        # Who wanted each order that nobody held, where somebody asks for that.
        self.tried: dict[OrderKey, list[Any]] | None = None

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
        """Give a member of the batch, or the one that stands for it."""
        member = self._members.get(member_id)
        if member is None and (home := self.loaded.homes.get(member_id)) is not None:
            return self.member(home)
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
                links=rows.links,
            )
            if rows.lots or rows.live_lots:
                member.ledger.take_in(rows.lots, all_live=rows.live_lots)
            if rows.closed_lots:
                member.ledger.adopt(rows.closed_lots)
            if rows.claims is not None:
                member.claims = {
                    (row.family, row.order_no): Contribution(row.platform, row.spend_day, row.net_fen, row.effective_at)
                    for row in rows.claims
                }
            self._members[member_id] = member
        return member

    def has_member(self, member_id: str) -> bool:
        """Say whether a member was read, or the one that stands for it."""
        return member_id in self.loaded.members or member_id in self.loaded.homes

    def home(self, member_id: str) -> str:
        """Name the member that stands for a member; somebody who was not read stands for themselves."""
        return self.loaded.homes.get(member_id, member_id)

    def bound_to(self, order: EffectiveOrder, key: OrderKey, *, before: bool = False) -> str:
        """
        Name the member the order's buyer identity is bound to, "" for nobody.

        Args:
            order: The order.
            key: Its key.
            before: As it was before this batch; else as the decisions so far leave it.
        """
        if not order.buyer_id and not order.phone_index:
            return ""
        find = self.loaded.buyers.get if before else self._identity
        buyer = find(Key(BuyerRecord, (key.program_id, key.family, order.buyer_scope, order.buyer_id)))
        member_id = "" if buyer is None else buyer.member_id
        if member_id or not order.phone_index or not self.program.binding.by_phone:
            return self.home(member_id)
        phone = find(Key(BuyerRecord, (key.program_id, PHONE, "", order.phone_index)))
        return "" if phone is None else self.home(phone.member_id)

    def _identity(self, root: Key) -> BuyerRecord | None:
        """Give an identity as the decisions so far leave it, so that a batch is what its parts in turn would be."""
        return self._buyers.get(root) or self.loaded.buyers.get(root)

    def buyer(self, root: Key) -> BuyerRecord:
        """Give the row of an identity as this batch leaves it."""
        return self._buyers.get(root) or self.loaded.buyers[root]

    def put_buyer(self, buyer: BuyerRecord, *rows: Insert | Replace) -> None:
        """
        Change an identity.

        Args:
            buyer: Its row.
            rows: What becomes of its history.

        Raises:
            MissingRoot: It is not locked.
        """
        root = Key(BuyerRecord, buyer[:4])
        if root not in self.loaded.versions:
            raise MissingRoot(root)
        self._buyers[root] = buyer
        self._bindings += rows

    def buyer_blocked(self, order: EffectiveOrder, key: OrderKey) -> bool:
        """Say whether the order's buyer, or the phone that stands for them, is on the deny list now."""
        buyer = self._identity(Key(BuyerRecord, (key.program_id, key.family, order.buyer_scope, order.buyer_id)))
        if is_denied(buyer, self.now):
            return True
        if not order.phone_index or not self.program.binding.by_phone:
            return False
        return is_denied(self._identity(Key(BuyerRecord, (key.program_id, PHONE, "", order.phone_index))), self.now)

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
        writes = Writes(versions)
        for state in self._orders.values():
            writes.take_order(state)
        for member in self._members.values():
            writes.take_member(member, self.loaded.members[member.member_id].root)
        changes: list[Change] = [Insert.of(rows) for rows in writes.inserted.values()]
        changes += [Replace.of(rows) for rows in writes.replaced.values()]
        changes += [Delete(key) for key in writes.deleted]
        if self._buyers:
            changes += [Replace.of(list(self._buyers.values())), *self._bindings]
            writes.roots.update((root, versions[root]) for root in self._buyers)
        return changes, writes.roots
