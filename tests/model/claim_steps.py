"""Steps about who may have an order and by which rules: requests, identities, staff, revisions, time."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from messages import SLOTS, changed, percents, proof_of, refund_message
from steps import Steps, members, proofs, slots

from crossloyalty import OpeningBalance, rules


class ClaimSteps(Steps):
    """Adds what happens to a member that stands for itself alone."""

    @rule(member=members, line=st.integers(0, 1), proof=proofs)
    def claim_by_line(self, member: str, line: int, proof: str) -> None:
        """A sub-order's number leads to its order, also when it was asked for first (D11)."""
        number = SLOTS[0].lines[line][0]
        result = self.loyalty.claim(member, platform="tmall", order_no=number, proof=proof_of(0, proof))
        self.answers([result], self.model.claim_many([(member, ("taobao", number), proof_of(0, proof))]))

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

    @rule(member=members, asset=st.sampled_from(["growth", "stored_value"]), amount=st.sampled_from([10, 120]))
    def open_with(self, member: str, asset: str, amount: int) -> None:
        """A balance brought along; the tier looks at it with the next settlement."""
        if not isinstance(self.program.tiers, rules.GrowthTiers):
            row = OpeningBalance(member_id=member, asset=asset, amount=amount)
            assert self.loyalty.import_opening([row], name=self.once()).imported == 1
            self.model.opening_balance(member, asset, amount)

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

    @rule(member=members, slot=slots, many=st.integers(2, 5), proof=st.sampled_from(["wrong", "none"]))
    def guess(self, member: str, slot: int, many: int, proof: str) -> None:
        """Somebody tries order after order, or one order again and again with something else."""
        for turn in range(many):
            self.claim([(member, (slot + turn) % len(SLOTS), proof, 0)])

    @precondition(lambda self: self.program.caps and self.claimed())
    @rule(data=st.data(), member=members, percent=percents)
    def send_back_and_claim_more(self, data: Any, member: str, percent: int) -> None:
        """What caps have let through stays used, whatever goes back."""
        slot = data.draw(st.sampled_from(self.claimed()))
        self.ingest([refund_message(slot, "r1", "SUCCESS", 20, percent, None, False)])
        for each in data.draw(st.permutations(range(len(SLOTS))))[:4]:
            self.finish_and_claim(each, member, 20)

    @precondition(lambda self: self.program.external_books and self.claimed())
    @rule(data=st.data(), percent=percents)
    def keep_what_is_asked_back(self, data: Any, percent: int) -> None:
        """The gateway takes nothing back, so it is owed when the next is issued."""
        slot, other = data.draw(st.sampled_from(self.claimed())), data.draw(slots)
        holder = self.model.orders[SLOTS[slot].key].claim.member
        self.wait(24 * 12)
        self.run_due()
        self.ingest([refund_message(slot, "r2", "SUCCESS", 30, percent, None, False)])
        for asked in self.loyalty.deliveries(limit=1000).items:
            if asked.kind == "points.revoke":
                self.done_outside(asked, asked.body["amount"])
        self.finish_and_claim(other, holder, 20)
        self.wait(24 * 12)
        self.run_due()

    @precondition(lambda self: self.program.inactivity)
    @rule(turns=st.integers(2, 7))
    def buy_nothing(self, turns: int) -> None:
        """So long that growth value is lost, and again behind that."""
        for _ in range(turns):
            self.wait(24 * 33)
            self.run_due()
