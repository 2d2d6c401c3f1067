"""
The whole library against the small model: whatever is called in whatever order, both hold the same.

After every step every invariant is checked over the (small) store and every member and claim is compared; ledger rows
written once stay as they are. The list of steps that hypothesis prints is the way to a violation.
"""

from __future__ import annotations

import base64
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from builders import assert_sound
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from messages import (
    MEMBERS,
    PHONES,
    PROGRAM_ID,
    SLOTS,
    Registry,
    changed,
    clock_at_start,
    key_of,
    milestones,
    order_message,
    orders,
    program,
    proof_of,
    refunds,
    spelled,
)

from crossloyalty import ClaimRequest, Loyalty, OpeningBalance, OpeningGift, Proof, rules
from crossloyalty.application.ports import Storage
from crossloyalty.errors import InvalidInput
from crossloyalty.storage.memory import MemoryStorage
from crossloyalty.storage.sqlite import SqliteStorage
from crossloyalty.testing import dump
from model import Answer, Model

slots = st.integers(0, len(SLOTS) - 1)
members = st.sampled_from(MEMBERS)
proofs = st.sampled_from(["right", "right", "right", "host", "wrong", "none"])
bindings = st.builds(
    rules.Binding,
    on_claim=st.sampled_from(["amount_and_day", "amount_and_day", "by_host", "never"]),
    by_phone=st.booleans(),
    conflict=st.sampled_from(["refuse", "move", "review"]),
    cooldown_days=st.just(5),
)
requests = st.lists(
    st.tuples(members, slots, proofs, st.integers(0, 2)), min_size=1, max_size=3, unique_by=lambda each: each[:2]
)


class Machine(RuleBasedStateMachine):
    """Does the same to the library and to the model, and compares."""

    def make_storage(self) -> Storage:
        return MemoryStorage()

    @initialize(
        variant=st.sampled_from([1, 4, 5, 2, 0, 3]),
        owners=st.tuples(*[st.sampled_from(["m1", "m2", "m1", ""])] * 6),
        one=st.sampled_from([False, False, True]),
        binding=bindings,
    )
    def begin(self, variant: int, owners: tuple[str, ...], one: bool, binding: rules.Binding) -> None:
        """Most runs begin with some orders converted, because most of what can go wrong comes behind that."""
        self.clock = clock_at_start()
        self.storage = self.make_storage()
        self.next_door()
        self.program = attrs.evolve(program(variant), binding=binding)
        self.loyalty = Loyalty(self.program, self.storage, clock=self.clock)
        self.model = Model(self.program, self.clock.at)
        self.registry = Registry()
        self.revision = 1
        self.keys = 0
        self.ledger: dict[str, list[Any]] = {}
        for slot, owner in enumerate(owners):
            if owner:
                self.finish_and_claim(slot, owner, 5)
        if one:
            self.merge("m1", "m2")

    def next_door(self) -> None:
        """Give another merchant the same members and orders in the same store; nothing may leak either way."""
        other = Loyalty(attrs.evolve(program(1), program_id="brand-b"), self.storage, clock=self.clock)
        usual = [order_message(slot, "FINISHED", 20, "API", (None,) * 3, None, None, False) for slot in (0, 2, 3)]
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

    # -- what happens ------------------------------------------------------------------------------------------------

    @rule(items=st.lists(orders(slots) | refunds(slots) | milestones(slots), min_size=1, max_size=5))
    def ingest(self, items: list[Any]) -> None:
        items = [self.registry.same(item) for item in items]
        report = self.loyalty.ingest(items)
        assert not report.rejected
        self.model.ingest([(key_of(item), item) for item in items])

    @rule(slot=slots, member=members, hour=st.sampled_from([5, 20]))
    def finish_and_claim(self, slot: int, member: str, hour: int) -> None:
        """The usual road, so that most runs get far."""
        self.ingest([order_message(slot, "FINISHED", hour, "API", (None,) * 3, None, None, False)])
        self.claim([(member, slot, "right", 0)])

    def claimed(self) -> list[int]:
        return [
            slot
            for slot, about in enumerate(SLOTS)
            if about.key in self.model.orders and self.model.orders[about.key].claim
        ]

    @precondition(lambda self: self.claimed())
    @rule(data=st.data(), many=st.integers(1, 3))
    def refund_what_was_claimed(self, data: st.DataObject, many: int) -> None:
        """Refunds, and their ends and failures, of orders that gave something."""
        claimed = st.sampled_from(self.claimed())
        self.ingest([data.draw(refunds(claimed)) for _ in range(many)])

    @precondition(lambda self: self.claimed())
    @rule(data=st.data())
    def tell_what_was_claimed(self, data: st.DataObject) -> None:
        """New snapshots of orders that gave something."""
        self.ingest([data.draw(orders(st.sampled_from(self.claimed())))])

    @rule(asked=requests, twice=st.booleans())
    def claim(self, asked: list[tuple[str, int, str, int]], twice: bool = False) -> None:
        # Whom they stand for now is one asker, whose best proof counts; the model takes the first.
        homes = {(self.model.home(member), slot): (member, slot, *rest) for member, slot, *rest in asked[::-1]}
        asked = [each for each in asked if each in homes.values()]
        asked = asked + asked[:1] if twice else asked
        results = self.loyalty.claim_many(
            ClaimRequest(
                member_id=member,
                platform=SLOTS[slot].platform,
                order_no=spelled(SLOTS[slot].order_no, how),
                proof=proof_of(slot, proof),
            )
            for member, slot, proof, how in asked
        )
        expected = self.model.claim_many(
            [(member, SLOTS[slot].key, proof_of(slot, proof)) for member, slot, proof, _ in asked]
        )
        self.answers(results, expected)

    @rule(member=members, line=st.integers(0, 1), proof=proofs)
    def claim_by_line(self, member: str, line: int, proof: str) -> None:
        """A sub-order's number leads to its order, also when it was asked for first (D11)."""
        number = SLOTS[0].lines[line][0]
        result = self.loyalty.claim(member, platform="tmall", order_no=number, proof=proof_of(0, proof))
        self.answers([result], self.model.claim_many([(member, ("taobao", number), proof_of(0, proof))]))

    def answers(self, results: list[Any], expected: list[Answer]) -> None:
        for result, (created, reasons, past) in zip(results, expected, strict=True):
            assert result.created is created, (result, reasons)
            assert (result.bound, result.past_orders) == (past is not None, past or 0), result
            got = {reason.name for reason in result.reasons}
            if reasons in ({"MEMBER_BLOCKED"}, {"TOO_MANY_ATTEMPTS"}) or "RECEIVED" in reasons:
                first = next(iter(reasons)) if len(reasons) == 1 else "RECEIVED"
                assert result.reason.name == first, (result, reasons)
                assert not result.granted
                if first == "RECEIVED":
                    assert result.public.reason.name == "RECEIVED"
                    assert result.explain("zh") == "已提交，核实中"
            else:
                assert got == reasons, (result, reasons)

    @rule(
        member=members,
        who=st.tuples(st.sampled_from(["taobao", "tmall", "jd", "douyin"]), st.sampled_from(["b1", "b2", "b3"]))
        | st.tuples(st.just("phone"), st.sampled_from(PHONES)),
        via=st.sampled_from(["host", "host", "callback", "operator"]),
        shown=st.booleans(),
    )
    def bind(self, member: str, who: tuple[str, str], via: str = "host", shown: bool = False) -> None:
        platform, buyer = who
        evidence = "seen" if shown or via == "operator" else ""
        result = self.loyalty.bind(member, platform=platform, buyer_id=buyer, via=via, evidence=evidence)
        family = "taobao" if platform == "tmall" else platform
        why = self.model.bind(member, (family, "", buyer), via, evidence)
        assert (result.bound, result.reason.name if result.reason else "") == (not why, why)

    @precondition(lambda self: self.model.bound)
    @rule(data=st.data(), member=members)
    def unbind(self, data: st.DataObject, member: str) -> None:
        """Mostly by whoever it belongs to."""
        family, scope, buyer = data.draw(st.sampled_from(sorted(self.model.bound)))
        holder = data.draw(st.sampled_from([self.model.bound[family, scope, buyer], member]))
        result = self.loyalty.unbind(holder, platform=family, buyer_id=buyer)
        assert result.unbound is self.model.unbind(holder, (family, "", buyer), timedelta(days=5))
        if data.draw(st.booleans()):
            self.bind(data.draw(members), (family, buyer))

    @precondition(lambda self: self.claimed())
    @rule(data=st.data(), member=members)
    def dispute(self, data: st.DataObject, member: str) -> None:
        about, key = SLOTS[data.draw(st.sampled_from(self.claimed()))], self.once()
        call = {"platform": about.platform, "order_no": about.order_no, "evidence": "e", "operator": "ann", "key": key}
        result = self.loyalty.dispute(member, **call)
        assert (result.done, result.holder_id) == self.model.move(member, about.key)
        assert self.loyalty.dispute(member, **call) == result

    @rule(data=st.data(), yes=st.booleans())
    def decide(self, data: st.DataObject, yes: bool) -> None:
        """Staff look at what is held."""
        held = self.loyalty.reviews(limit=1000).items
        if not held:
            return
        review, key = data.draw(st.sampled_from(held)), self.once()
        if review.kind == "binding":
            self.decide_wish(review, yes, key)
            return
        place = (review.family, review.order_no)
        if yes:
            result = self.loyalty.approve(review.id, reason="seen", operator="ann", key=key)
            assert (result.done, result.holder_id) == self.model.approve(review.member_id, place)
        else:
            assert self.loyalty.refuse(review.id, reason="no", operator="ann", key=key).done
            self.model.refuse(review.member_id, place)

    def decide_wish(self, review: Any, yes: bool, key: str) -> None:
        # A review names the wish, not the identity, to whoever reads it; its id leads there.
        _, _, family, scope, buyer, _ = json.loads(base64.urlsafe_b64decode(review.id))
        do = self.loyalty.approve if yes else self.loyalty.refuse
        result = do(review.id, reason="seen", operator="ann", key=key)
        holder = self.model.grant_wish(review.member_id, (family, scope, buyer), yes)
        assert (result.done, result.holder_id) == (True, holder)

    @rule(hours=st.sampled_from([1, 12, 24, 24 * 5, 24 * 12, 24 * 26, 24 * 33]))
    def wait(self, hours: int) -> None:
        self.model.now = self.clock.move(hours=hours)

    @rule()
    def run_due(self) -> None:
        self.loyalty.run_due(batch=2)
        self.model.run_due()

    @rule(
        member=members,
        asset=st.sampled_from(["points", "points", "growth", "stored_value"]),
        by=st.sampled_from([-300, -40, -1, 25, 500]),
    )
    def adjust(self, member: str, asset: str, by: int) -> None:
        key = self.once()
        if asset in self.model.outside:
            with pytest.raises(InvalidInput, match="live outside"):
                self.loyalty.adjust(member, asset=asset, amount=by, key=key)
            return
        result = self.loyalty.adjust(member, asset=asset, amount=by, key=key)
        assert result.applied is self.model.corrected(member, asset, by)
        assert self.loyalty.adjust(member, asset=asset, amount=by, key=key) == result

    @rule(member=members, asset=st.sampled_from(["points", "points", "growth", "stored_value"]))
    def take_all(self, member: str, asset: str) -> None:
        """Stands for spending: a refund behind it finds nothing."""
        if available := self.model.balances(member).get(asset, (0, 0, 0))[0]:
            self.adjust(member, asset, -available)

    @precondition(lambda self: self.program.actions)
    @rule(member=members, action=st.sampled_from(["share", "review", "dance"]))
    def act(self, member: str, action: str) -> None:
        key = self.once()
        result = self.loyalty.record_action(member, action=action, key=key)
        assert dict(result.given) == self.model.act(member, action)
        assert self.loyalty.record_action(member, action=action, key=key) == result

    @precondition(lambda self: self.program.enrol_gifts)
    @rule(member=members)
    def enrol(self, member: str) -> None:
        assert self.loyalty.enrol(member).created is self.model.enrol(member)

    @rule(member=members, asset=st.sampled_from(["growth", "stored_value"]), amount=st.sampled_from([10, 120]))
    def open_with(self, member: str, asset: str, amount: int) -> None:
        """A balance brought along; the tier looks at it with the next settlement."""
        if not isinstance(self.program.tiers, rules.GrowthTiers):
            row = OpeningBalance(member_id=member, asset=asset, amount=amount)
            assert self.loyalty.import_opening([row], name=self.once()).imported == 1
            self.model.opening_balance(member, asset, amount)

    @precondition(lambda self: self.program.enrol_gifts)
    @rule(member=members, gift=st.sampled_from(["silver", "gold", "hello", "hi"]))
    def given_before(self, member: str, gift: str) -> None:
        assert self.loyalty.import_opening([OpeningGift(member_id=member, gift=gift)], name=self.once()).imported == 1
        self.model.opening_gift(member, gift)

    @precondition(lambda self: self.program.external_books)
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        """The gateway did what was asked, or could not take all of it back."""
        waiting = self.loyalty.deliveries(limit=1000).items
        if not waiting:
            return
        revokes = [each for each in waiting if each.kind == "points.revoke"] or waiting
        asked = data.draw(st.sampled_from(revokes))
        body = asked.body
        missing = data.draw(st.integers(0, body["amount"])) if asked.kind == "points.revoke" else 0
        amount = body.get("amount", 1) - missing
        told = self.loyalty.answer_delivery(asked.key, amount=amount)
        assert (told.amount, told.shortfall) == (amount, missing)
        if missing:
            key = (body["family"], body["order_no"]) if body["order_no"] else None
            began = body.get("issued_to", asked.member_id)
            self.model.answer_short(asked.member_id, key, body["holder_no"], body["rule_id"], missing, began)
        assert self.loyalty.answer_delivery(asked.key, amount=amount) == told

    @rule(member=members, blocked=st.booleans())
    def block(self, member: str, blocked: bool) -> None:
        if blocked:
            self.loyalty.block(member, reason="brushing", key=self.once())
        else:
            self.loyalty.unblock(member, key=self.once())
        self.model.member(member).blocked = blocked
        self.model.member(member).blocked_by = ""

    @rule(one=members, other=members)
    def merge(self, one: str, other: str) -> None:
        if one != other:
            key = self.once()
            result = self.loyalty.merge(one, other, key=key)
            assert result.merged is self.model.merge(one, other)
            assert result.survivor == self.model.home(one)
            assert self.loyalty.merge(other, one, key=key) == result

    @rule(member=members)
    def unmerge(self, member: str) -> None:
        key = self.once()
        result = self.loyalty.unmerge(member, key=key)
        assert result.unmerged is self.model.unmerge(member)
        assert self.loyalty.unmerge(member, key=key) == result

    @rule(member=members)
    def erase(self, member: str) -> None:
        self.loyalty.erase_person(member)
        self.model.erase(member)
        assert not self.loyalty.erase_person(member).erased

    @precondition(lambda self: self.revision < 3)
    @rule()
    def publish(self) -> None:
        self.program = changed(self.program)
        self.revision = self.loyalty.publish(self.program, expected_revision=self.revision)
        self.model.change(self.program)

    # -- what always holds -------------------------------------------------------------------------------------------

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


class SqliteMachine(Machine):
    """The same on a file."""

    def make_storage(self) -> Storage:
        self.folder = Path(tempfile.mkdtemp())
        return SqliteStorage(self.folder / "loyalty.db", synchronous="NORMAL")

    def teardown(self) -> None:
        try:
            super().teardown()
        finally:
            self.storage.close()  # type: ignore[attr-defined]
            shutil.rmtree(self.folder)


def run(machine: Callable[[], RuleBasedStateMachine], examples: int, steps: int) -> None:
    run_state_machine_as_test(machine, settings=settings(max_examples=examples, stateful_step_count=steps))


@pytest.mark.parametrize(("machine", "examples"), [(Machine, 250), (SqliteMachine, 40)], ids=["memory", "sqlite"])
def test_the_library_does_what_the_model_says(machine: Any, examples: int) -> None:
    """Whatever happens in whatever order, claims, ledgers, tiers, tags and answers are those of the rules' text."""
    run(machine, examples, 30)


@pytest.mark.release
@pytest.mark.parametrize(("machine", "examples"), [(Machine, 4_000), (SqliteMachine, 500)], ids=["memory", "sqlite"])
def test_the_library_does_what_the_model_says_for_long(machine: Any, examples: int) -> None:
    """The same as above over many more and longer histories."""
    run(machine, examples, 60)
