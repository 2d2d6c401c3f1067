"""The steps most histories are made of: orders and refunds come in, are claimed, time goes by, points are spent."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from messages import (
    MEMBERS,
    PHONES,
    SLOTS,
    Registry,
    clock_at_start,
    finished_message,
    key_of,
    milestones,
    orders,
    program,
    proof_of,
    refunds,
    spelled,
)
from watched import Watched

from crossloyalty import ClaimRequest, Loyalty, OpeningGift, rules
from crossloyalty.errors import InvalidInput
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
twice = st.sampled_from(["keep", "claw_back"])  # what becomes of what both were given once
requests = st.lists(
    st.tuples(members, slots, proofs, st.integers(0, 2)), min_size=1, max_size=3, unique_by=lambda each: each[:2]
)


class Steps(Watched):
    """Does the same to the library and to the model."""

    @initialize(
        variant=st.sampled_from([1, 4, 5, 2, 0, 3]),
        owners=st.tuples(*[st.sampled_from(["m1", "m2", "m1", "", "nobody"])] * 6),
        one=st.sampled_from([False, False, True]),
        binding=bindings,
        twice=twice,
    )
    def begin(
        self, variant: int, owners: tuple[str, ...], one: bool, binding: rules.Binding, twice: Any = "keep"
    ) -> None:
        """Most runs begin with orders that are converted or known, because what can go wrong comes behind that."""
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
        known = [slot for slot, owner in enumerate(owners) if owner == "nobody"]
        if known:
            self.ingest([finished_message(slot) for slot in known])
        for slot, owner in enumerate(owners):
            if owner and slot not in known:
                self.finish_and_claim(slot, owner, 5)
        if one:
            self.become_one(twice)

    def become_one(self, twice: Any) -> None:
        """Begin with members that are one, in a machine that can make them so."""

    @rule(items=st.lists(orders(slots) | refunds(slots) | milestones(slots), min_size=1, max_size=5))
    def ingest(self, items: list[Any]) -> None:
        items = [self.registry.same(item) for item in items]
        report = self.loyalty.ingest(items)
        assert not report.rejected
        self.model.ingest([(key_of(item), item) for item in items])

    @rule(slot=slots, member=members, hour=st.sampled_from([5, 20]))
    def finish_and_claim(self, slot: int, member: str, hour: int) -> None:
        """The usual road, so that most runs get far."""
        self.ingest([finished_message(slot, hour)])
        self.claim([(member, slot, "right", 0)])

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

    @precondition(lambda self: self.claimed())
    @rule(data=st.data(), member=members)
    def dispute(self, data: st.DataObject, member: str) -> None:
        about, key = SLOTS[data.draw(st.sampled_from(self.claimed()))], self.once()
        call = {"platform": about.platform, "order_no": about.order_no, "evidence": "e", "operator": "ann", "key": key}
        result = self.loyalty.dispute(member, **call)
        assert (result.done, result.holder_id) == self.model.move(member, about.key)
        assert self.loyalty.dispute(member, **call) == result

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
        missing = data.draw(st.integers(0, asked.body["amount"])) if asked.kind == "points.revoke" else 0
        self.done_outside(asked, missing)

    def done_outside(self, asked: Any, missing: int) -> None:
        body = asked.body
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
