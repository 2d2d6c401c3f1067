"""
Whatever is called at whatever door, every invariant holds, nothing breaks, and a repeated call answers the same.

The machine beside knows what each answer has to be, for the doors it knows. This one has no opinion, so that it can
call all of them: rewards given back by a merge, tiers by hand, coupons used, balances brought along, phones, tokens,
doubts, named survivors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import attrs
import pytest
import steps
from builders import Clock, all_items, assert_sound
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
    PHONE_NUMBERS,
    SLOTS,
    START,
    changed,
    clock_at_start,
    finished_message,
    milestones,
    orders,
    percents,
    program,
    proof_of,
    refund_message,
    refunds,
)
from steps import bindings, members, slots

from crossloyalty import (
    Loyalty,
    OpeningBalance,
    OpeningClaim,
    OpeningGift,
    OpeningSpend,
    OpeningTier,
    OrderTokens,
    PhoneIndex,
    Proof,
    ProofChecks,
    Reason,
    rules,
)
from crossloyalty.storage.memory import MemoryStorage

assets = st.sampled_from(["points", "growth", "stored_value"])
PROOFS = ["right", "host", "wrong", "none", "token", "phone", "tail"]
BROUGHT = ["balance", "debt", "coupon", "tier", "spend", "gift", "claim"]
WAITS = [1, 24, 24 * 5, 24 * 12, 24 * 33]
_T = TypeVar("_T")


class EveryDoor(RuleBasedStateMachine):
    """Three members, six orders, one program of six kinds."""

    clock: Clock
    loyalty: Loyalty

    def open_door(self, **settings: Any) -> Any:
        """Open the door that is tried, in front of an empty store."""
        return Loyalty(storage=MemoryStorage(), clock=self.clock, **settings)

    @initialize(
        variant=st.integers(0, 5),
        owners=st.tuples(*[st.sampled_from([*MEMBERS, "m1", "", "told"])] * len(SLOTS)),
        binding=bindings,
    )
    def begin(self, variant: int, owners: tuple[str, ...], binding: rules.Binding) -> None:
        self.clock = clock_at_start()
        self.program = attrs.evolve(program(variant), binding=binding)
        checks = ProofChecks(phone_index=PhoneIndex({1: b"k" * 32}), tokens=OrderTokens(b"t" * 32))
        self.loyalty = self.open_door(program=self.program, checks=checks)
        self.told: set[int] = set()
        self.revision = 1
        self.keys = 0
        for slot, owner in enumerate(owners):
            if owner:
                self.tell([finished_message(slot)], slot)
            if owner in MEMBERS:
                self.claim_by(owner, slot, Proof.by_host("chat"))

    def once(self) -> str:
        self.keys += 1
        return f"k{self.keys}"

    def twice(self, call: Callable[[str], _T]) -> _T:
        """Call with a new key, and again with the same one."""
        key = self.once()
        first = call(key)
        assert call(key) == first
        return first

    def tell(self, items: list[Any], *about: int) -> None:
        assert not self.loyalty.ingest(items).rejected
        self.told.update(about)

    def claim_by(self, member: str, slot: int, proof: Proof) -> Any:
        about = SLOTS[slot]
        return self.loyalty.claim(member, platform=about.platform, order_no=about.order_no, proof=proof)

    # -- orders ------------------------------------------------------------------------------------------------------

    @rule(items=st.lists(orders(slots) | refunds(slots) | milestones(slots), min_size=1, max_size=4))
    def ingest(self, items: list[Any]) -> None:
        self.tell(items, *(slot for slot, at in enumerate(SLOTS) for item in items if item.order_no == at.order_no))

    @rule(slot=slots, status=st.sampled_from(["OPEN", "SUCCESS", "CLOSED"]), percent=percents, hour=st.integers(0, 40))
    def refund(self, slot: int, status: str, percent: int, hour: int) -> None:
        self.tell([refund_message(slot, "r1", status, hour, percent, None, False)], slot)

    @rule(member=members, slot=slots, proof=st.sampled_from(PROOFS))
    def claim(self, member: str, slot: int, proof: str) -> None:
        offered: dict[str, Callable[[], Proof]] = {
            "token": lambda: Proof.token(self.token_of(slot)),
            "phone": lambda: Proof.phone(PHONE_NUMBERS[slot % 2]),
            "tail": lambda: Proof.phone_tail(PHONE_NUMBERS[slot % 2][-4:]),
        }
        self.claim_by(member, slot, offered.get(proof, lambda: proof_of(slot, proof))())

    def token_of(self, slot: int) -> str:
        return self.loyalty.issue_token(platform=SLOTS[slot].platform, order_no=SLOTS[slot].order_no)

    @rule(member=members, slot=slots)
    def quote(self, member: str, slot: int) -> None:
        """What is quoted for an order nobody has heard of is what a claim of it gives."""
        quoted = self.loyalty.quote(member, finished_message(slot))
        if slot in self.told:
            return
        self.tell([finished_message(slot)], slot)
        claimed = self.claim_by(member, slot, Proof.by_host("chat"))
        if claimed.created:
            assert quoted.granted == claimed.granted
        elif claimed.reason not in _ABOUT_OWNERS:
            assert claimed.reasons == quoted.reasons

    @rule(member=members, slot=slots)
    def dispute(self, member: str, slot: int) -> None:
        about = SLOTS[slot]
        self.twice(
            lambda key: self.loyalty.dispute(
                member, platform=about.platform, order_no=about.order_no, evidence="e", operator="ann", key=key
            )
        )

    @rule(data=st.data(), yes=st.booleans())
    def decide(self, data: Any, yes: bool) -> None:
        if held := self.loyalty.reviews(limit=100).items:
            review = data.draw(st.sampled_from(held))
            do = self.loyalty.approve if yes else self.loyalty.refuse
            self.twice(lambda key: do(review.id, reason="seen", operator="ann", key=key))

    # -- who is who --------------------------------------------------------------------------------------------------

    @rule(
        one=members,
        other=members,
        twice=steps.twice,
        named=st.booleans(),
        version=st.integers(1, 4),
    )
    def merge(self, one: str, other: str, twice: Any, named: bool, version: int) -> None:
        who: Any = {"survivor": one, "version": version} if named else {}
        if one != other:
            self.twice(lambda key: self.loyalty.merge(one, other, key=key, given_twice=twice, **who))

    @rule(member=members)
    def unmerge(self, member: str) -> None:
        self.twice(lambda key: self.loyalty.unmerge(member, key=key))

    @rule(
        member=members,
        platform=st.sampled_from(["taobao", "tmall", "jd", "douyin"]),
        buyer=st.sampled_from(["b1", "b2"]),
        way=st.sampled_from(["bind", "bind", "unbind", "block", "unblock"]),
    )
    def identity(self, member: str, platform: str, buyer: str, way: str) -> None:
        who: Any = {"platform": platform, "buyer_id": buyer}
        if way == "bind":
            self.loyalty.bind(member, **who)
        elif way == "unbind":
            self.loyalty.unbind(member, **who)
        elif way == "block":
            self.twice(lambda key: self.loyalty.block_buyer(**who, reason="brushing", key=key))
        else:
            self.twice(lambda key: self.loyalty.unblock_buyer(**who, key=key))

    @rule(member=members, phone=st.sampled_from(PHONE_NUMBERS))
    def bind_phone(self, member: str, phone: str) -> None:
        self.loyalty.bind_phone(member, phone)
        self.loyalty.backfill(member)

    @rule(member=members)
    def erase(self, member: str) -> None:
        self.loyalty.erase_person(member)
        assert not self.loyalty.erase_person(member).erased

    # -- what they have ----------------------------------------------------------------------------------------------

    @rule(member=members, asset=assets, by=st.sampled_from([-300, -1, 25, 500]))
    def adjust(self, member: str, asset: str, by: int) -> None:
        if asset not in {book.asset for book in self.program.external_books}:
            self.twice(lambda key: self.loyalty.adjust(member, asset=asset, amount=by, key=key))

    @rule(member=members, asset=assets)
    def spend(self, member: str, asset: str) -> None:
        held = self.loyalty.member(member).balances.get(asset)
        if held is not None and held.available:
            self.adjust(member, asset, -held.available)

    @rule(data=st.data(), member=members)
    def use_coupon(self, data: Any, member: str) -> None:
        if coupons := self.loyalty.member(member).coupons:
            lot_no = data.draw(st.sampled_from(coupons)).lot_no
            self.twice(lambda key: self.loyalty.use_coupon(member, lot_no=lot_no, key=key))

    @rule(member=members, action=st.sampled_from(["share", "review"]))
    def act(self, member: str, action: str) -> None:
        self.twice(lambda key: self.loyalty.record_action(member, action=action, key=key))

    @rule(member=members)
    def enrol(self, member: str) -> None:
        self.loyalty.enrol(member)

    @rule(
        member=members,
        slot=slots,
        what=st.sampled_from(BROUGHT),
    )
    def open_with(self, member: str, slot: int, what: str) -> None:
        about, day = SLOTS[slot], START.date().isoformat()
        tiers = self.program.tiers
        gifts = [*self.program.tier_gifts, *self.program.enrol_gifts]
        once = [each.id for each in self.program.rewards if getattr(each, "once_per", "order") == "member"]
        row: Any = {
            "balance": lambda: OpeningBalance(member_id=member, asset="stored_value", amount=120),
            "debt": lambda: OpeningBalance(member_id=member, asset="stored_value", amount=-70),
            "coupon": lambda: OpeningBalance(member_id=member, asset="coupon:OLD", amount=1),
            "tier": lambda: OpeningTier(member_id=member, tier="白银", qualified_on=day),
            "spend": lambda: OpeningSpend(member_id=member, day=day, spend_fen=25_000),
            "gift": lambda: OpeningGift(member_id=member, gift=[*once, *(each.id for each in gifts)][0]),
            "claim": lambda: OpeningClaim(member_id=member, platform=about.platform, order_no=about.order_no),
        }[what]()
        assert tiers
        self.twice(lambda key: self.loyalty.import_opening([row], name=key).defects)

    @rule(member=members, tier=st.sampled_from(["白银", "黄金", ""]))
    def set_tier(self, member: str, tier: str) -> None:
        self.twice(lambda key: self.loyalty.set_tier(member, tier=tier, key=key))

    @rule(member=members, blocked=st.booleans())
    def block(self, member: str, blocked: bool) -> None:
        if blocked:
            self.twice(lambda key: self.loyalty.block(member, reason="brushing", key=key))
        else:
            self.twice(lambda key: self.loyalty.unblock(member, key=key))

    # -- time, rules, the outside ------------------------------------------------------------------------------------

    @rule(hours=st.sampled_from(WAITS), due=st.booleans())
    def wait(self, hours: int, due: bool) -> None:
        self.clock.move(hours=hours)
        if due:
            self.loyalty.run_due(batch=2)

    @precondition(lambda self: self.revision < 3)
    @rule()
    def publish(self) -> None:
        self.program = changed(self.program)
        self.revision = self.loyalty.publish(self.program, expected_revision=self.revision)

    @rule(data=st.data())
    def answer(self, data: Any) -> None:
        if waiting := self.loyalty.deliveries(limit=100).items:
            asked = data.draw(st.sampled_from(waiting))
            back = asked.kind.endswith(".revoke")
            done = data.draw(st.integers(0, asked.body.get("amount", 1))) if back else None
            told = self.loyalty.answer_delivery(asked.key, amount=done)
            assert self.loyalty.answer_delivery(asked.key, amount=done) == told

    @rule(member=members)
    def look(self, member: str) -> None:
        """Every door that reads answers, page by page as at once."""
        door = self.loyalty
        for pages in (door.claims, door.orders, door.tickets, door.entries, door.timeline, door.identities):
            few = all_items(lambda pages=pages, **page: pages(member, **page), 3)
            assert few == all_items(lambda pages=pages, **page: pages(member, **page), 100)
        door.customer_state(member)
        door.export_person(member, operator="ann")
        door.risk_flags(member)
        door.doubtful()
        door.unclaimed_buyers()
        for at in SLOTS:
            told = door.explain(platform=at.platform, order_no=at.order_no)
            assert told.text("zh")
            assert told.text("en")
        assert not door.recalculate(dry_run=True).changed
        door.ack([event.id for event in door.pending_events()])

    @invariant()
    def holds(self) -> None:
        assert_sound(self.loyalty)
        for member in MEMBERS:
            self.loyalty.member(member)


_ABOUT_OWNERS = {Reason.ALREADY_CLAIMED, Reason.ALREADY_CLAIMED_BY_YOU, Reason.AUTO_CONVERTED}


def test_every_door_keeps_every_invariant() -> None:
    run_state_machine_as_test(EveryDoor, settings=settings(max_examples=30, stateful_step_count=30))


@pytest.mark.release
@pytest.mark.parametrize("part", range(4))
def test_every_door_keeps_every_invariant_for_long(part: int) -> None:
    """The same over many more and longer histories: 800 of 60 steps."""
    run_state_machine_as_test(EveryDoor, settings=settings(max_examples=200, stateful_step_count=60))
