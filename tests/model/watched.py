"""
The whole library beside the small model: after every step every invariant holds, and both hold the same.

The steps themselves are in the modules beside this one.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from typing import Any

import attrs
from builders import Clock, assert_sound
from hypothesis.stateful import RuleBasedStateMachine, invariant
from messages import MEMBERS, PROGRAM_ID, SLOTS, Registry, finished_message, program

from crossloyalty import Loyalty, Program, Proof
from crossloyalty.application.ports import Storage
from crossloyalty.storage.memory import MemoryStorage
from crossloyalty.testing import dump
from model import Model


class Watched(RuleBasedStateMachine):
    """Compares the library and the model, and what was written with what is there now."""

    clock: Clock
    storage: Storage
    program: Program
    loyalty: Loyalty
    model: Model
    registry: Registry

    def make_storage(self) -> Storage:
        return MemoryStorage()

    def next_door(self) -> None:
        """Give another merchant the same members and orders in the same store; nothing may leak either way."""
        other = Loyalty(attrs.evolve(program(1), program_id="brand-b"), self.storage, clock=self.clock)
        usual = [finished_message(slot, 20) for slot in (0, 2, 3)]
        other.ingest(usual)
        for item in usual:
            assert other.claim(
                "m1", platform=item.platform, order_no=item.order_no, proof=Proof.by_host("chat")
            ).created
        self.other_before = dump(self.storage, "brand-b")

    def teardown(self) -> None:
        assert dump(self.storage, "brand-b") == self.other_before

    def once(self) -> str:
        self.keys += 1
        return f"k{self.keys}"

    def claimed(self) -> list[int]:
        return [
            slot
            for slot, about in enumerate(SLOTS)
            if about.key in self.model.orders and self.model.orders[about.key].claim
        ]

    @invariant()
    def holds(self) -> None:
        """Every A-invariant of the store first, then equality with the model."""
        assert_sound(self.loyalty)
        tables = dump(self.storage, PROGRAM_ID)
        self.append_only(tables)
        self.compare_identities(tables)
        self.compare_flags(tables)
        self.compare_claims(tables)
        for member in MEMBERS:
            if self.model.home(member) == member:
                self.compare_member(member, tables)
            else:
                assert self.loyalty.member(member) == self.loyalty.member(self.model.home(member))

    def append_only(self, tables: dict[str, list[Any]]) -> None:
        """I-03: what was written once stays as it is."""
        for table in ("entries", "events"):
            now = {row[:3]: row[:7] if table == "events" else row for row in tables[table]}
            for row in self.ledger.get(table, []):
                assert now[row[:3]] == row
            self.ledger[table] = list(now.values())

    def compare_identities(self, tables: dict[str, list[Any]]) -> None:
        held = {row[1:4]: row.member_id for row in tables["buyers"] if row.member_id}
        assert held == self.model.bound
        wishes = Counter((row[1:4], row.member_id) for row in tables["bindings"] if row.state == "CONFLICT")
        assert wishes == Counter(self.model.wishes)

    def compare_flags(self, tables: dict[str, list[Any]]) -> None:
        told: Counter[tuple[str, str]] = Counter()
        for row in tables["events"]:
            for kind, body in json.loads(row.content) if "risk.flagged" in row.content else ():
                if kind == "risk.flagged":
                    told[row.member_id, body["code"]] += 1
        assert told == self.model.flagged

    def compare_claims(self, tables: dict[str, list[Any]]) -> None:
        held = {(row.family, row.order_no): row for row in tables["claims"]}
        expected = {key: facts.claim for key, facts in self.model.orders.items() if facts.claim is not None}
        assert {key: row.member_id for key, row in held.items()} == {key: at.member for key, at in expected.items()}
        granted: Counter[Any] = Counter()
        for entry in tables["entries"]:
            if entry.kind in ("grant", "claw_back", "cancel", "shortfall", "exempt"):
                sign = -1 if entry.account in ("debt", "waived", "exempt") else 1
                granted[entry.family, entry.order_no, entry.rule_id] += sign * entry.amount
        states = {view.order_no + view.platform: view.state for m in MEMBERS for view in self.loyalty.claims(m).items}
        for key, claim in expected.items():
            assert states[key[1] + claim.platform] == claim.state, (key, held[key])
            assert held[key].net_fen == claim.net, held[key]
            for rule_id, grant in claim.grants.items():
                if getattr(grant.rule, "once_per", "order") == "order":
                    assert granted[(*key, rule_id)] == grant.target, (key, rule_id, granted[(*key, rule_id)], held[key])

    def compare_member(self, member: str, tables: dict[str, list[Any]]) -> None:
        model, snapshot = self.model, self.loyalty.member(member)
        balances = {
            asset: figures
            for asset, at in snapshot.balances.items()
            if any(figures := (at.available, at.pending, at.debt))
        }
        expected = model.balances(member)
        coupons = Counter((coupon.code, coupon.state) for coupon in snapshot.coupons)
        want: Counter[tuple[str, str]] = Counter()
        for lot in model.member(member).lots:
            if lot.asset.startswith("coupon:") and lot.left:
                want[lot.asset[7:], lot.state] += lot.left
        assert coupons == want, member
        assert balances == {asset: at for asset, at in expected.items() if not asset.startswith("coupon:")}, member
        tier = model.tier(member)
        assert snapshot.tier == (tier.name if tier else ""), member
        spend = {date.fromisoformat(row.day): row.spend_fen for row in tables["spend_days"] if row.member_id == member}
        assert {day: fen for day, fen in spend.items() if fen} == dict(model.spend(member)), member
        assert snapshot.window_spend_fen == model.spent(member, model.now.date()), member
        outside = {asset: at.external for asset, at in snapshot.balances.items() if at.external}
        assert outside == dict(+model.member(member).outside), member
        live = [claim for claim in model.claims(member) if claim.net]
        assert snapshot.tags == tuple(sorted({f"source:{claim.platform}" for claim in live})), member
        first = min((claim.effective for claim in live), default=None)
        firsts = {f"source:{claim.platform}" for claim in live if claim.effective == first}
        assert snapshot.first_source in (firsts or {None}), member
        assert snapshot.blocked is model.member(member).blocked
