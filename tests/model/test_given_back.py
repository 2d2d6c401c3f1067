"""Members that become one and give back what both were given once: whatever happens, each has one of a kind."""

from __future__ import annotations

from typing import Any

from builders import Clock, assert_sound, claim_of, order, points_program, refund
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from crossloyalty import Loyalty, RefundStatus, rules
from crossloyalty.storage.memory import MemoryStorage

MEMBERS = ("a", "b", "c")
members = st.sampled_from(MEMBERS)
places = st.integers(0, 5)


class GivenBack(RuleBasedStateMachine):
    """Three members, six orders; a coupon, a bonus that lives outside and one of money, each once per member."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        program = points_program(
            rules.Coupon("NEWCOMER", once_per="member"),
            rules.PointsFixed(30, once_per="member"),
            rules.StoredValueFixed(50, once_per="member"),
            rules.PointsPerYuan("1"),
            external_books=[rules.ExternalBook("points", gateway="youzan")],
        )
        self.loyalty = Loyalty(program, MemoryStorage(), clock=self.clock)
        self.orders = [order(n, finished_at=self.clock()) for n in range(1, 7)]
        self.loyalty.ingest(self.orders)
        self.calls = 0

    def once(self) -> str:
        """Give a key that no call had before."""
        self.calls += 1
        return f"k{self.calls}"

    @rule(member=members, place=places)
    def claim(self, member: str, place: int) -> None:
        claim_of(self.loyalty, member, self.orders[place])

    @rule(place=places, status=st.sampled_from(RefundStatus), percent=st.sampled_from([1, 50, 100]))
    def refund(self, place: int, status: RefundStatus, percent: int) -> None:
        self.clock.move(minutes=1)
        of = self.orders[place]
        self.loyalty.ingest([refund(of, 100 * percent, status=status, modified_at=self.clock())])

    @rule(one=members, other=members)
    def merge(self, one: str, other: str) -> None:
        if one != other:
            self.loyalty.merge(one, other, key=self.once(), given_twice="claw_back")

    @rule(member=members)
    def unmerge(self, member: str) -> None:
        self.loyalty.unmerge(member, key=self.once())

    @rule(member=members)
    def spend(self, member: str) -> None:
        """Stands for spending: what is taken back behind it finds nothing."""
        held = self.loyalty.member(member).balances.get("stored_value")
        if held is not None and held.available:
            self.loyalty.adjust(member, asset="stored_value", amount=-held.available, key=self.once())

    @rule(hours=st.sampled_from([1, 300]))
    def wait(self, hours: int) -> None:
        self.clock.move(hours=hours)
        self.loyalty.run_due()

    @precondition(lambda self: self.loyalty.deliveries().items)
    @rule(data=st.data(), taken=st.booleans())
    def answer(self, data: Any, taken: bool) -> None:
        """The gateway answers late, and takes all back or nothing."""
        asked = [each for each in self.loyalty.deliveries().items if each.kind == "points.revoke"]
        if asked:
            delivery = data.draw(st.sampled_from(asked))
            self.loyalty.answer_delivery(delivery.key, amount=None if taken else 0)

    @invariant()
    def one_of_a_kind(self) -> None:
        for member in MEMBERS:
            live = [each for each in self.loyalty.member(member).coupons if each.state in ("ACTIVE", "PENDING")]
            assert len(live) <= 1, (member, live)

    @invariant()
    def sound(self) -> None:
        assert_sound(self.loyalty)


def test_members_who_give_back_have_one_of_a_kind() -> None:
    """Claims, refunds, merges, partings and late answers in any order; every invariant holds after each step."""
    run_state_machine_as_test(GivenBack, settings=settings(settings.default, stateful_step_count=25))
