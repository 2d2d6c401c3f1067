"""
Two members that become one, and two again, from the rules' text (D5).

Shares no code with `src`. Whose something is says the name it was written with: a claim's, or whoever stood for the
member when it came.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from beside import Beside, policy
from facts import LONG_AGO, Facts, View
from guesses import Tried
from ledger import Grant, Member, each_of

from crossloyalty import Program


class United(Beside):
    """Who stands for whom, and what that does to all they have."""

    def __init__(self, program: Program, now: datetime) -> None:
        super().__init__(program, now)
        self.programs = [program]
        self.used: Counter[tuple[str, str, str]] = Counter()
        self.flagged: Counter[tuple[str, str]] = Counter()  # how often it was told that a member is worth a look
        self.both: set[str] = set()  # what the last merge found given to both
        self.orders: dict[tuple[str, str], Facts] = {}
        self.bound: dict[tuple[str, str, str], str] = {}
        self.tried: dict[Any, Tried] = {}

    def line(self, name: str) -> int:
        raise NotImplementedError

    def _qualify(self, name: str, day: date) -> None:
        raise NotImplementedError

    def claims(self, name: str) -> list[Any]:
        """All claims of a member and of everybody it stands for."""
        return [at.claim for at in self.orders.values() if at.claim and self.home(at.claim.member) == name]

    def look_out(self, *names: str) -> None:
        """Tell of what has become worth a look (D15): debt, and three claims without any net left."""
        for name in names or list(self.members):
            m = self.members.get(name)
            if m is None or m.into:
                continue
            gone = [claim for claim in self.claims(name) if claim.state == "REVERSED"]
            quick = [claim for claim in gone if claim.claimed - claim.effective < timedelta(days=1)]
            counts = {"REFUNDED_CLAIMS": len(gone) >= 3, "SAME_DAY_REFUNDS": len(quick) >= 3}
            now = {code for code, many in counts.items() if many} | ({"DEBT"} if m.debt.total() > 0 else set())
            self.flagged.update((name, code) for code in now - m.up)
            m.up = now

    def change(self, program: Program) -> None:
        self.program = program
        self.programs.append(program)

    # -- one ---------------------------------------------------------------------------------------------------------

    def merge(self, one: str, other: str, twice: str = "keep") -> bool:
        """The smaller id stands for both; open lots, debt and counts come along; what both were given may go back."""
        s, o = (self.member(name) for name in sorted((self.home(one), self.home(other))))
        if s is o:
            return False
        floor = max(self.line(s.name), self.line(o.name))
        since = [each for m in (s, o) if self.line(m.name) == floor for each in self._held(m, floor)][:1]
        s.absorbed += [o.name, *o.absorbed]
        s.origins += [name for name in (o.name, *o.absorbed, *o.origins) if name not in (*s.origins, s.name)]
        o.brought = [buyer for buyer, name in self.bound.items() if name == o.name]
        self.bound |= dict.fromkeys(o.brought, s.name)
        frozen = (o.enrolled, o.blocked, o.blocked_by, o.shown, o.lapsed_on)
        s.lots += o.lots
        for pots, amounts in ((self.owed, o.debt), (self.sent, o.outside)):
            for asset in amounts:
                parts = pots.pop((asset, o.name), Counter())
                pots[asset, s.name] += parts if o.absorbed else Counter({o.name: parts.total()})
        s.debt.update(o.debt)
        s.outside.update(o.outside)
        s.reached += o.reached
        s.done.update(o.done)
        for (name, cap, span), much in list(self.used.items()):
            if name == o.name:
                self.used[s.name, cap, span] += much
        self.both = set()
        for mine, theirs in ((s.once, o.once), (s.gifts, o.gifts)):
            for name, grant in theirs.items():
                mine[name] = self._both(s, name, mine.get(name), grant, twice)
        for name in o.once:
            self._free(s, name)
        s.enrolled = s.enrolled or o.enrolled
        s.up |= o.up
        if o.blocked and not s.blocked:
            s.blocked, s.blocked_by = True, o.name
        s.lapsed_on = max((day for day in (s.lapsed_on, o.lapsed_on) if day), default=None)
        tries = [self.tried.get(("member", name), Tried()) for name in (s.name, o.name)]
        self.tried["member", s.name] = max(tries, key=lambda at: at[::-1])
        self.members[o.name] = Member(o.name, into=s.name, absorbed=o.absorbed, origins=o.origins, brought=o.brought)
        m = self.members[o.name]
        m.enrolled, m.blocked, m.blocked_by, m.shown, m.lapsed_on = frozen
        for asset in s.debt:
            for lot in () if asset in self.outside else self.live(s, asset):
                part = self._draw(lot, s.debt[asset])
                self.owe(s, asset, -part, "")
        if self.line(s.name) < floor:
            s.reached += [(floor, day, True, whose) for day, whose in since]
        self.retier(s.name, False)
        self.look_out(s.name)
        return True

    def _held(self, m: Member, line: int) -> list[tuple[date, str]]:
        """Since when, and by whom, the line is held, the latest first; somebody without a tier holds none."""
        reached = [(day, given) for at, day, given, _ in m.reached if at == line]
        return sorted(
            ((day, m.name) for day, given in reached if given or self.window(m.name, day) >= line), reverse=True
        )

    def window(self, name: str, day: date) -> int:
        raise NotImplementedError

    def _both(self, m: Member, name: str, mine: Grant | None, theirs: Grant, twice: str) -> Grant:
        """What was given to both is kept, whoever has it comes first; what was given before stays so if nobody has."""
        every = [at for grant in (mine, theirs) if grant for at in (grant, *grant.also)]
        said = [at for at in every if at.target or at.lot or at.debt or at.waived or at.exempt]
        if all(grant and any(at.target for at in (grant, *grant.also)) for grant in (mine, theirs)):
            self.both.add(name)
            if twice == "claw_back":
                self._take_later(m, name, [at for at in said if at.target])
        said.sort(key=lambda at: not at.target)
        first = said[0] if said else theirs
        first.also = said[1:]
        for each in first.also:
            each.also = []
        first.before = any(at.before for at in every) and not first.target
        return first

    def _take_later(self, m: Member, name: str, given: list[Grant]) -> None:
        """Take back all but the one issued first; what waits for an open refund was not issued."""
        gifts = {gift.id: gift.reward for gift in (*self.program.tier_gifts, *self.program.enrol_gifts)}
        rule = self.program.rewards_by_id.get(name) or gifts.get(name)
        places = [m.name, *m.origins]

        def issued(grant: Grant) -> Any:
            lot: Any = grant.lot
            if lot is None:
                return False, LONG_AGO, 0, 0
            return lot.state == "PENDING" and lot.blocked, lot.issue, places.index(lot.began), lot.no

        for grant in sorted(given, key=issued)[1:] if rule else ():
            self.whose = grant.lot.owner if grant.lot and grant.lot.behind[0] else ""
            self.take(m, grant, grant.target, policy(self.program, rule))
            grant.target = 0
        self.whose = ""

    def _free(self, m: Member, rule_id: str) -> None:
        """What waited for an open refund is issued where an order of the other deserves it and has none open."""
        rule = self.program.rewards_by_id.get(rule_id)
        given = [at for at in (m.once[rule_id], *m.once[rule_id].also) if at.target and at.lot]
        if rule is not None and not all(at.lot.blocked for at in given):  # type: ignore[union-attr]
            for at in given:
                if at.lot and at.lot.blocked:
                    self.lift(m, at.lot, rule)

    # -- two ---------------------------------------------------------------------------------------------------------

    def unmerge(self, name: str) -> bool:
        """What was written with the name, or with one of those it stood for, goes; what was spent is spent."""
        if name not in self.members or not self.members[name].into:
            return False
        s, o = self.member(name), self.members[name]
        side = {name, *o.absorbed}
        above = o
        while above.into:
            above = self.members[above.into]
            above.absorbed = [each for each in above.absorbed if each not in side]
        o.into = ""
        o.origins += [each for each in (s.name, *s.origins) if each not in (*o.origins, o.name)]
        o.lots = [lot for lot in s.lots if lot.owner in side]
        s.lots = [lot for lot in s.lots if lot.owner not in side]
        for pots, mine, theirs in ((self.owed, s.debt, o.debt), (self.sent, s.outside, o.outside)):
            for asset in list(mine):
                parts = pots[asset, s.name]
                pots[asset, name] = Counter({whose: parts.pop(whose) for whose in side & parts.keys()})
                theirs[asset] = pots[asset, name].total()
                mine[asset] -= theirs[asset]
        self.bound |= {buyer: name for buyer in o.brought if self.bound.get(buyer) == s.name}
        o.reached = [held for held in s.reached if held[3] in side]
        s.reached = [held for held in s.reached if held[3] not in side]
        for mine, theirs in ((s.once, o.once), (s.gifts, o.gifts)):
            self._share(mine, theirs, side)
        for m in (s, o):
            names = {m.name, *m.absorbed}
            m.done = Counter()
            for (whose, *at), times in self.did.items():
                if whose in names:
                    m.done[at[0], at[1], at[2]] += times
            self._count_caps(m)
        o.lapsed_on = s.lapsed_on
        o.up = set(s.up)
        if s.blocked_by in side:
            s.blocked, s.blocked_by = False, ""
        known = [claim.program for m in (s, o) for claim in self.claims(m.name)]
        for m in (s, o):
            self._deserve(m, known)
            self._wait(m)
            self.retier(m.name, False)
            self.look_out(m.name)
        return True

    def _wait(self, m: Member) -> None:
        """What is not issued yet waits where all orders that deserve it have a refund open."""
        for rule_id, grant in m.once.items():
            orders = [
                View(self.orders[claim.key])
                for claim in self.claims(m.name)
                if rule_id in claim.grants and claim.grants[rule_id].target
            ]
            held = bool(orders) and all(view.held(grant.rule) for view in orders)
            for at in (grant, *grant.also):
                if held and at.target and at.lot and at.lot.state == "PENDING":
                    at.lot.blocked = True

    # -- nobody ------------------------------------------------------------------------------------------------------

    def erase(self, name: str) -> None:
        """Identities, requests and the buyers of orders go; everything else stays."""
        m = self.member(name)
        ids = {m.name, *m.absorbed}
        self.bound = {buyer: member for buyer, member in self.bound.items() if member != m.name}
        for each in ids & self.members.keys():
            self.members[each].brought = []
        for facts in self.orders.values():
            whose = facts.claim.member if facts.claim else facts.owner
            if whose in ids and facts.snaps:
                facts.erased = True
                facts.owner = facts.owner if facts.claim else ""
            for each in ids & facts.tickets.keys():
                gone = facts.tickets.pop(each)
                if gone.state != "EXPIRED":
                    facts.wakes = min(gone.expires, facts.wakes or gone.expires)

    def _share(self, mine: dict[str, Grant], theirs: dict[str, Grant], side: Iterable[str]) -> None:
        theirs.clear()
        for rule_id, grant in list(mine.items()):
            every = [grant, *grant.also]
            for held, part in (
                (theirs, [at for at in every if at.lot and at.lot.owner in side]),
                (mine, [at for at in every if not (at.lot and at.lot.owner in side)]),
            ):
                part.sort(key=lambda at: not at.target)
                first = part[0] if part else Grant(grant.rule)
                first.also, first.before = part[1:], grant.before
                held[rule_id] = first

    def _count_caps(self, m: Member) -> None:
        for at in [at for at in self.used if at[0] == m.name]:
            del self.used[at]
        for claim in self.claims(m.name):
            for grant in claim.grants.values():
                self.used.update(dict.fromkeys([(m.name, *at) for at in grant.counts], grant.allowance or 0))

    def _deserve(self, m: Member, known: list[Program]) -> None:
        """Each side has what is given once if one of its claims deserves it, and only then."""
        for rule_id, grant in m.once.items():
            behind = [at for at in self.claims(m.name) if rule_id in at.grants and at.grants[rule_id].target]
            newest = max((self.programs.index(of) for of in known if rule_id in of.rewards_by_id), default=0)
            rule: Any = self.programs[newest].rewards_by_id.get(rule_id, grant.rule)
            if grant.target and not behind:
                for each in (grant, *grant.also):
                    self.take(m, each, each.target, policy(self.program, rule))
                    each.target = 0
                grant.also = []
            elif behind and not grant.target:
                first = min(behind, key=lambda at: (at.effective, at.key[1]))
                self.whose, self.behind = first.member, (first.key, first.holder)
                grant.rule, grant.target = rule, each_of(rule)
                free: Any = SimpleNamespace(effective=first.effective, held=lambda _: False)
                self.give(m, grant, grant.target, free)
                self.whose = ""
