"""Steps about members that become one, and two again, and what they owed and got meanwhile."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from messages import MEMBERS, SLOTS, hours, percents, refund_message
from steps import Steps, members, twice


class UnionSteps(Steps):
    """Adds what happens to members that are one."""

    def become_one(self, twice: Any) -> None:
        self.merge("m1", "m2", twice)

    @rule(one=members, other=members, twice=twice)
    def merge(self, one: str, other: str, twice: Any = "keep") -> None:
        if one != other:
            key = self.once()
            result = self.loyalty.merge(one, other, key=key, given_twice=twice)
            assert result.merged is self.model.merge(one, other, twice)
            assert result.survivor == self.model.home(one)
            assert {name.removeprefix("#gift:") for name in result.given_twice} == (
                self.model.both if result.merged else set()
            )
            assert self.loyalty.merge(other, one, key=key, given_twice=twice) == result

    @rule(member=members)
    def unmerge(self, member: str) -> None:
        key = self.once()
        result = self.loyalty.unmerge(member, key=key)
        assert result.unmerged is self.model.unmerge(member)
        assert self.loyalty.unmerge(member, key=key) == result

    @precondition(lambda self: self.claimed())
    @rule(
        data=st.data(),
        refund_id=st.sampled_from(["r1", "r2", "r3"]),
        percent=percents,
        hour=hours,
        other=members,
        by=st.sampled_from([0, 25, 500]),
        twice=twice,
    )
    def owe_and_become_one(
        self, data: Any, refund_id: str, percent: int, hour: int | None, other: str, by: int, twice: Any = "keep"
    ) -> None:
        """Leaves debt behind, where the rules know debt; mostly at whoever is going to be merged away."""
        holders = {slot: self.model.home(self.model.orders[SLOTS[slot].key].claim.member) for slot in self.claimed()}
        later = [slot for slot, holder in holders.items() if holder > MEMBERS[0]]
        slot = data.draw(st.sampled_from(later or [*holders]))
        for asset in ("points", "growth", "stored_value"):
            self.take_all(holders[slot], asset)
        self.ingest([refund_message(slot, refund_id, "SUCCESS", hour, percent, None, False)])
        self.merge(holders[slot], other, twice)
        if by:
            self.adjust(other, "points", by)

    @rule(one=members, other=members, by=st.sampled_from([0, 25, 500]), twice=twice)
    def merge_and_part(self, one: str, other: str, by: int, twice: Any = "keep") -> None:
        """They are one only for so long that something of what they owe is repaid."""
        self.merge(one, other, twice)
        if by:
            self.adjust(one, "points", by)
        self.unmerge(max(one, other))
