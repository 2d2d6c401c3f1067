"""Steps about members that become one, and two again, and what they owed and got meanwhile."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from messages import refunds
from steps import Steps, members


class UnionSteps(Steps):
    """Adds what happens to members that are one."""

    def become_one(self) -> None:
        self.merge("m1", "m2")

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

    @precondition(lambda self: self.claimed())
    @rule(data=st.data(), member=members, asset=st.sampled_from(["points", "growth", "stored_value"]))
    def spend_and_send_back(self, data: Any, member: str, asset: str) -> None:
        """Leaves debt behind, where the rules know debt."""
        self.take_all(member, asset)
        self.ingest([data.draw(refunds(st.sampled_from(self.claimed())))])

    @rule(one=members, other=members)
    def merge_and_part(self, one: str, other: str) -> None:
        self.merge(one, other)
        self.unmerge(max(one, other))
