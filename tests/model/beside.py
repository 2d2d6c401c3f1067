"""
What the model holds beside orders: assets that live outside, gifts, actions, loss by inactivity, opening balances.

Shares no code with `src`.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

from ledger import Grant, Ledger, Member, each_of, expiry, local_day

from crossloyalty import Program, rules


def policy(program: Program, rule: Any) -> str:
    """What happens to what cannot be taken back: bonus money is owed, a coupon is written off."""
    if isinstance(rule, rules.Coupon):
        return "waive"
    return "debt" if rule.asset == "stored_value" else program.on_refund.shortfall


class Beside(Ledger):
    """Everything a member gets or loses without an order."""

    def __init__(self, program: Program, now: datetime) -> None:
        super().__init__(now)
        self.program = program
        self.outside = {book.asset for book in program.external_books}
        self.did: Counter[tuple[str, str, str, str]] = Counter()  # rewarded actions by whose they were

    def retier(self, name: str, took: bool) -> None:
        raise NotImplementedError

    def look_out(self, *names: str) -> None:
        raise NotImplementedError

    def bought_on(self, name: str) -> date | None:
        raise NotImplementedError

    # -- gifts -------------------------------------------------------------------------------------------------------

    def _gift(self, m: Member, gift: Any, there: bool) -> None:
        grant = m.gifts.setdefault(gift.id, Grant(gift.reward))
        target = each_of(gift.reward) if there else 0
        if grant.before:
            return
        if target > grant.target:
            self.give(m, grant, target - grant.target, None)
        elif not there:
            for each in (grant, *grant.also):
                if each.target:
                    self.take(m, each, each.target, policy(self.program, gift.reward))
            grant.also = []
        grant.target = target

    def tier_gifts(self, name: str, before: int, after: int, took: bool) -> None:
        """Reaching a tier gives its gift and those jumped over; only what takes at once takes them back."""
        tiers = self.program.tiers
        lines = {level.name: level.line for level in tiers.levels} if tiers else {}
        for gift in self.program.tier_gifts:
            if before < lines[gift.tier] <= after:
                self._gift(self.member(name), gift, True)
            elif took and after < lines[gift.tier] <= before:
                self._gift(self.member(name), gift, False)

    def enrol(self, name: str) -> bool:
        m = self.member(name)
        if m.enrolled:
            return False
        m.enrolled = True
        for gift in self.program.enrol_gifts:
            self._gift(m, gift, True)
        self.retier(name, False)
        self.look_out(m.name)
        return True

    def opening_gift(self, name: str, gift: str) -> None:
        """It was given before: never again, never taken; what was given here stays given."""
        every = (*self.program.tier_gifts, *self.program.enrol_gifts)
        reward = next(each.reward for each in every if each.id == gift)
        grant = self.member(name).gifts.setdefault(gift, Grant(reward))
        grant.before = grant.before or not grant.target

    # -- actions -----------------------------------------------------------------------------------------------------

    def act(self, name: str, action: str) -> dict[str, int]:
        m, today = self.member(name), local_day(self.now)
        given: dict[str, int] = {}
        if m.blocked:
            return given
        for rule in self.program.actions:
            spans = {"day": today.isoformat(), "month": f"{today:%Y-%m}", "ever": ""}
            most = {"day": rule.per_day, "month": rule.per_month, "ever": rule.per_member}
            counts = [(rule.id, span, spans[span]) for span in spans]
            if rule.action != action or any(m.done[at] >= (most[at[1]] or 10**9) for at in counts):
                continue
            m.done.update(counts)
            self.did.update((m.name, *at) for at in counts)
            lot = self._open(m, rule.reward.asset, self.now, expiry(rule.reward, self.now), False)
            given[rule.id] = each_of(rule.reward)
            self._add(m, lot, given[rule.id])
        self.retier(name, False)
        self.look_out(m.name)
        return given

    def opening_balance(self, name: str, asset: str, amount: int) -> None:
        lot = self._open(self.member(name), asset, self.now, None, False)
        lot.left, lot.state, lot.was_active = amount, "ACTIVE", True

    # -- inactivity --------------------------------------------------------------------------------------------------

    def lapse(self, name: str) -> None:
        m, rule, last = self.member(name), self.program.inactivity, self.bought_on(name)
        if rule is None or last is None:
            return
        due: date | None = last + timedelta(days=rule.idle_days)
        if m.lapsed_on is not None and due is not None and m.lapsed_on >= due:
            due = m.lapsed_on + timedelta(days=rule.every_days) if rule.every_days else None
        if due is None or due > local_day(self.now):
            return
        m.lapsed_on = local_day(self.now)
        lots = self.live(m, "growth")
        left = min(rule.growth, max(0, sum(lot.left for lot in lots) - rule.floor_growth))
        lost = left
        for lot in lots:
            left -= self._draw(lot, left)
        if lost:
            self.retier(name, False)

    # -- outside -----------------------------------------------------------------------------------------------------

    def fell_short(self, name: str, grant: Grant, program: Program, missing: int) -> None:
        """The gateway could not take it: it holds that much again, and it is owed or written off."""
        m, asset = self.member(name), grant.rule.asset
        self.send(m, asset, missing, self.whose)
        if policy(program, grant.rule) == "debt":
            grant.debt += missing
            self.owe(m, asset, missing, self.whose)
        else:
            grant.waived += missing
