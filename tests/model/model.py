"""
A second, small opinion of what the library has to do, written from the rules' text; it shares no code with `src`.

It keeps facts, claims and lots as plain objects, derives everything else each time it is asked, and knows no storage.
"""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

from beside import policy
from facts import LONG_AGO, RANKS, REFUND_RANKS, Facts, Ticket, View
from guesses import count
from ledger import Grant, Member, amount, each_of, local_day, midnight
from limits import MULTIPLIED, capped, caps_of, parts, running, threshold
from owned import Owned

from crossloyalty import Milestone, Order, Program, Proof, Refund, rules

Key = tuple[str, str]
# Whether it was created, all reasons, and, where it has bound its buyer, how many past orders of theirs are free.
Answer = tuple[bool, set[str], int | None]


@dataclass
class Claim:
    key: Key
    member: str
    via: str
    program: Program
    grants: dict[str, Grant]
    net: int = 0
    gross: int = 0
    below: bool = False
    cut: bool = False
    holder: int = 1
    counted: list[Any] = field(default_factory=list)  # what caps let through: member, cap, span
    platform: str = ""
    effective: datetime = LONG_AGO
    claimed: datetime = LONG_AGO

    @property
    def state(self) -> str:
        if not self.below and self.net < self.gross:
            return "PARTIAL" if self.net else "REVERSED"
        waits = any(at.lot and at.lot.state == "PENDING" and at.target for at in self.grants.values())
        return "PENDING_ISSUE" if waits else "GRANTED"


class Model(Owned):
    """Every operation answers what the library must answer, and leaves what it must hold."""

    def __init__(self, program: Program, now: datetime) -> None:
        super().__init__(program, now)
        self.aliases: dict[Key, Key] = {}
        self.just_bound: dict[Key, Any] = {}  # the buyers that claims of the last call have bound

    # -- claims ------------------------------------------------------------------------------------------------------

    def settle(self, claim: Claim) -> None:
        view, m = View(self.orders[claim.key]), self.member(claim.member)
        self.whose, self.behind = claim.member, (claim.key, claim.holder)
        net, gross, whole = view.count(claim.program)
        below = 0 < net < claim.program.eligibility.minimum_fen
        grants = list(claim.grants.values())
        wanted = []
        for grant in grants:
            waits = below or grant.off or (grant.rule.settle == "all" and not whole)
            times = grant.multiplier * threshold(claim.program, grant.rule, net, gross)
            wanted.append(0 if waits else amount(grant.rule, parts(claim.program, grant, view), times))
        for grant, want in zip(grants, capped(claim.program, grants, self._allowed(grants, wanted)), strict=True):
            self._allow(claim, grant, want)
        for grant, target in zip(grants, capped(claim.program, grants, self._allowed(grants, wanted)), strict=True):
            rule = grant.rule
            if getattr(rule, "once_per", "order") == "member":
                grant.target = target
                self._settle_once(m, claim, rule, view)
            else:
                self.bring(m, grant, target, view, policy(claim.program, rule))
        claim.net, claim.gross, claim.below, claim.platform = (0 if below else net), gross, below, view.platform
        claim.effective = view.effective if view.effective != LONG_AGO else claim.effective
        self.whose = ""
        self.retier(m.name, True)

    def _allowed(self, grants: list[Grant], wanted: list[int]) -> list[int]:
        return [
            want if grant.allowance is None else min(want, grant.allowance)
            for grant, want in zip(grants, wanted, strict=True)
        ]

    def _allow(self, claim: Claim, grant: Grant, want: int) -> None:
        """What the caps of a day, a month or a life leave is decided once, when something is earned first."""
        caps = caps_of(claim.program, grant.rule, order=False)
        if not caps or grant.allowance is not None or not want:
            return
        today = local_day(self.now).isoformat()
        spans = {"day": today, "month": today[:7], "member": ""}
        counts = [(self.home(claim.member), cap.id, spans[cap.per]) for cap in caps]
        # Who became one may have used more together than one of them could.
        room = [max(0, cap.amount - self.used[count]) for cap, count in zip(caps, counts, strict=True)]
        grant.allowance = min([want, *room])
        claim.cut = claim.cut or grant.allowance < want
        self.used.update(dict.fromkeys(counts, grant.allowance))
        grant.counts = [(cap, span) for _, cap, span in counts]
        claim.counted += [(count, grant.allowance) for count in counts]

    def _settle_once(self, m: Member, claim: Claim, rule: Any, view: View) -> None:
        """Given while any claim of the member qualifies; one without an open refund is enough to issue it."""
        grant = m.once.setdefault(rule.id, Grant(rule))
        grant.rule = rule
        if grant.before:
            return
        every = [*(at for at in self.claims(m.name) if at is not claim), claim]
        qualifying = [at for at in every if rule.id in at.grants and at.grants[rule.id].target]
        if view.refund_open and qualifying == [claim]:
            for each in (grant, *grant.also):
                if each.lot:
                    each.lot.blocked = True
        if qualifying and not grant.target:
            grant.target = each_of(rule)
            self.give(m, grant, grant.target, view)
        elif grant.target and not qualifying:
            for each in (grant, *grant.also):
                self.take(m, each, each.target, policy(claim.program, rule))
                each.target = 0
            grant.also = []
        for each in (grant, *grant.also):
            if each.lot and each.lot.blocked and claim in qualifying and not view.refund_open:
                self.lift(m, each.lot, rule)

    def spend(self, name: str) -> Counter[date]:
        days: Counter[date] = Counter()
        for claim in self.claims(name):
            days[local_day(claim.effective)] += claim.net
        return +days

    def bought_on(self, name: str) -> date | None:
        return max((local_day(claim.effective) for claim in self.claims(name) if claim.net), default=None)

    def window(self, name: str, day: date) -> int:
        """What counts for tiers: growth value there is, or the spend of the window that ends with a day."""
        if isinstance(self.program.tiers, rules.GrowthTiers):
            m = self.member(name)
            return sum(at.left for at in m.lots if at.asset == "growth" and at.state == "ACTIVE") - m.debt["growth"]
        return self.spent(name, day)

    def spent(self, name: str, day: date) -> int:
        days = self.program.tiers.window_days if self.program.tiers else None
        if days is None and day == local_day(self.now):
            return sum(self.spend(name).values())  # lifetime has no last day
        first = date.min if days is None else day - timedelta(days=days - 1)
        return sum(spent for each, spent in self.spend(name).items() if first <= each <= day)

    def line(self, name: str) -> int:
        """The line of the tier held: the highest qualification whose own day still holds."""
        held = [line for line, day, given, _ in self.member(name).reached if given or self.window(name, day) >= line]
        return max(held, default=0)

    def tier(self, name: str) -> Any:
        levels = self.program.tiers.levels if self.program.tiers else ()
        return next((level for level in levels if level.line == self.line(name)), None)

    def _qualify(self, name: str, day: date) -> None:
        lines = [level.line for level in self.program.tiers.levels] if self.program.tiers else []
        held = self.line(name)
        new = [(line, day, False, name) for line in lines if held < line <= self.window(name, day)]
        self.member(name).reached += new

    def retier(self, name: str, took: bool) -> None:
        self._qualify(name, local_day(self.now))
        self._look(name, took)

    def _look(self, name: str, took: bool) -> None:
        m, after = self.member(name), self.line(name)
        before, m.shown = m.shown, after
        self.tier_gifts(name, before, after, took)

    def _review(self, name: str) -> None:
        tiers, kept = self.program.tiers, self.member(name).reached
        lasts = (tiers.period_days or tiers.window_days) if tiers else None
        lasts = None if isinstance(tiers, rules.SpendTiers) and tiers.window_days is None else lasts
        while lasts and tiers and kept:
            line, since, given, whose = min(kept, key=lambda held: held[1])
            ends = since + timedelta(days=lasts + tiers.grace_days)
            if ends > local_day(self.now):
                break
            held = given or self.window(name, since) >= line
            kept.remove((line, since, given, whose))
            if held and self.window(name, ends) >= line:
                kept.append((line, ends, False, whose))
                continue
            below = max(level.line for level in tiers.levels if level.line < line)
            if held and tiers.downgrade == "one_level" and below > self.window(name, ends):
                kept.append((below, ends, True, whose))
            self._qualify(name, ends)
        self._look(name, False)

    def _multiplier(self, name: str, view: View) -> str:
        """That of the tier before the order, or of the tier the order leads to."""
        tiers = self.program.tiers
        if tiers is None:
            return "1"
        spent = 0
        if tiers.include_current:
            net, today = view.count(self.program)[0], local_day(self.now)
            inside = tiers.window_days is None or local_day(view.effective) > today - timedelta(days=tiers.window_days)
            below = net < self.program.eligibility.minimum_fen
            spent = self.window(name, today) + (net if inside and not below else 0)
        line = self.line(name)
        best = [level for level in tiers.levels if level.line <= max(line, spent)][-1]
        return str(best.points_multiplier)

    # -- requests ----------------------------------------------------------------------------------------------------

    def stands(self, proof: Proof, view: View, name: str, bound: str) -> str:
        if proof.kind == "review":
            return "review"
        if bound:
            return "bound" if bound == name else "other"
        if proof.kind == "by_host":
            return "by_host"
        paid_at = view.said.get("paid_at")
        if (
            proof.kind == "amount_and_day"
            and paid_at
            and (proof.paid_fen, proof.paid_on) == (view.paid, local_day(paid_at))
        ):
            return "proof"
        return "number" if self.program.ownership == "order-no-only" else "wrong"

    def judge(self, view: View, asked: datetime) -> tuple[str, list[str]]:
        rule, said = self.program.eligibility, view.said
        refused, review, waiting, noted = [], [], [], []
        if rule.shops and said.get("shop_id", "") not in rule.shops:
            refused.append("SHOP_NOT_COVERED")
        if "kind" in said and said["kind"].name not in rule.kinds:
            refused.append("KIND_EXCLUDED")
        if said.get("currency", "CNY") != rule.currency:
            review.append("CURRENCY")
        if not view.balanced:
            review.append("AMOUNT_MISMATCH")
        ready = view.status in view.claimable(self.program)
        ready = ready or any(row["status"] in view.claimable(self.program) for row in view.rows)
        finished = view.finished or said.get("paid_at")
        if view.status == "CLOSED":
            (noted if said.get("paid_at") and view.paid > 0 else refused).append("CLOSED")
        elif not ready:
            waiting.append("NOT_FINISHED")
        elif finished:
            if finished > self.now + timedelta(minutes=rule.future_tolerance_minutes):
                waiting.append("IN_FUTURE")
            if rule.within_days is not None and asked >= midnight(
                local_day(finished) + timedelta(days=rule.within_days + 1)
            ):
                refused.append("TOO_OLD")
        if view.refund_open:
            (waiting if waiting else noted).append("REFUND_OPEN")
        verdict = "REJECTED" if refused else "HELD_REVIEW" if review else "PENDING_FINISH" if waiting else "CLAIM"
        if verdict == "PENDING_FINISH" and view.refund_open and "NOT_FINISHED" in waiting:
            verdict = "REFUND_OPEN"
        return verdict, refused + review + waiting + noted

    def convert(self, key: Key, asking: dict[str, Proof]) -> dict[str, tuple[bool, set[str]]]:
        """Decide who gets an order; answers created and all reasons for those who ask."""
        facts = self.orders.setdefault(key, Facts())
        wants = [(name, proof, self.now, False, "") for name, proof in asking.items()]
        answers: dict[str, tuple[bool, set[str]]] = {}
        view = View(facts) if facts.snaps else None
        bound = self.bound_to(view)
        facts.owner = bound or facts.owner
        facts.wakes = facts.wakes if asking else None
        if facts.claim is None and not asking:  # who claims is answered alone; facts, bindings and time wake the others
            for name, ticket in sorted(facts.tickets.items()):
                if ticket.state != "EXPIRED" and ticket.expires > self.now:
                    wants.append((self.home(name), ticket.proof, ticket.asked, False, name))
            if bound and all(want[0] != bound for want in wants):
                wants.append((bound, Proof.none(), self.now, True, ""))
        order = ["review", "bound", "by_host", "proof", "number", "other", "wrong"]

        def rank(want: tuple[str, Proof, datetime, bool, str]) -> Any:
            stands = self.stands(want[1], view, want[0], bound) if view else "wrong"
            return order.index(stands), want[2], want[0]

        for want in sorted(wants, key=rank):
            name, proof, asked, auto, typed_as = want
            known = typed_as or next((at for at in (name, *sorted(facts.tickets)) if self._is(facts, at, name)), name)
            answers[name] = self._answer(facts, view, key, name, proof, asked, order[rank(want)[0]], auto, known)
        return {name: answers[name] for name in asking}

    def _is(self, facts: Facts, ticket: str, name: str) -> bool:
        return ticket in facts.tickets and self.home(ticket) == name

    def _answer(  # noqa: PLR0917 - one candidate, as `convert` has it
        self,
        facts: Facts,
        view: View | None,
        key: Key,
        name: str,
        proof: Proof,
        asked: datetime,
        stands: str,
        auto: bool,
        known: str,
    ) -> tuple[bool, set[str]]:
        """*known* is the id the request stands under."""
        claim = facts.claim
        if claim is not None and self.home(claim.member) == name:
            return False, {"AUTO_CONVERTED" if claim.via == "auto" else "ALREADY_CLAIMED_BY_YOU"}
        proven = view is not None and self.stands(proof, view, name, "") in ("by_host", "proof")
        if claim is not None:
            disputed = stands == "bound" and claim.via not in ("bound", "auto", "review")
            told = set() if proven or stands == "bound" else {"RECEIVED"}
            self._keep(facts, known, proof, asked, "HELD_REVIEW" if disputed else "REJECTED", auto, bool(told))
            return False, {"ALREADY_CLAIMED"} | told
        if view is None:
            full = self._keep(facts, known, proof, asked, "PENDING_SYNC", auto, proof.kind != "by_host")
            return False, {"PENDING_SYNC"} | full | (set() if proof.kind == "by_host" else {"RECEIVED"})
        if stands in ("other", "wrong"):
            told = {"OTHER_BUYER", "IN_REVIEW"} if stands == "other" and proven else {"RECEIVED"}
            return False, told | self._keep(facts, known, proof, asked, "HELD_REVIEW", auto, "RECEIVED" in told)
        verdict, reasons = self.judge(view, asked)
        verdict = "CLAIM" if (verdict, stands) == ("HELD_REVIEW", "review") else verdict
        facts.comes = view.finished if "IN_FUTURE" in reasons else None
        if self.member(name).blocked:
            self._keep(facts, known, proof, asked, "REJECTED", auto)
            return False, {"MEMBER_BLOCKED"}
        if verdict != "CLAIM":
            return False, set(reasons) | self._keep(facts, known, proof, asked, verdict, auto)
        facts.tickets.pop(known, None)
        extra = self._make(facts, view, key, name, "auto" if auto else stands)
        if not auto and self.bound_by_claim(view, key, name, stands):
            self.just_bound[key] = view.buyer
        return True, {*reasons, *extra}

    def _make(self, facts: Facts, view: View, key: Key, name: str, via: str, holder: int = 1) -> set[str]:
        """Make an order a claim under the rules of today, and settle it."""
        level = self.tier(name)
        times = Fraction(self._multiplier(name, view))
        seen = (view.platform, level.name if level else self.program.tiers.levels[0].name if self.program.tiers else "")
        grants = {
            rule.id: Grant(
                rule,
                times if isinstance(rule, MULTIPLIED) else Fraction(1),
                seen,
                running(self.program, rule, view, seen),
                off=bool(rule.expires_on and rule.expires_on < local_day(self.now).isoformat()),
            )
            for rule in self.program.rewards
        }
        facts.claim = claim = Claim(key, name, via, self.program, grants, holder=holder, claimed=self.now)
        facts.holders[holder] = name
        self.settle(claim)
        below = 0 < view.count(self.program)[0] < self.program.eligibility.minimum_fen
        nothing = not any(grant.target for grant in grants.values())
        extra = {"BELOW_MINIMUM"} if below else {"NOTHING_TO_GRANT"} if nothing else set()
        return extra | ({"CAP_REACHED"} if claim.cut else set())

    def _keep(
        self, facts: Facts, name: str, proof: Proof, asked: datetime, state: str, auto: bool, unproven: bool = False
    ) -> set[str]:
        """Answers why it was not kept, if that is to be told."""
        if auto:
            return set()
        held = facts.tickets.get(name)
        if unproven and held is not None and held.refused and held.proof == proof:
            return set()
        new = Ticket(proof, asked, self.now + timedelta(days=1), state)
        if held is None and not self._room(facts, name, new):
            return {"TOO_MANY_REQUESTS"}
        if held is not None and held.state != "EXPIRED" and held.expires > self.now:
            asked = held.asked
        facts.tickets[name] = Ticket(proof, asked, asked + timedelta(days=self.program.ticket_days), state)
        return set()

    def _room(self, facts: Facts, name: str, new: Ticket) -> bool:
        """A full order keeps those who stand best and, of equals, asked first; what is over or refused goes before."""
        if len(facts.tickets) < self.program.requests_per_order:
            return True
        view = View(facts) if facts.snaps else None
        ranks = ["review", "bound", "by_host", "proof", "number"]

        def place(whose: str, ticket: Ticket) -> Any:
            kind = "by_host" if ticket.proof.kind == "by_host" else ""
            stands = self.stands(ticket.proof, view, whose, self.bound_to(view)) if view else kind
            over = 1 if ticket.refused else 0 if ticket.expires > self.now else 2
            return over, ranks.index(stands) if stands in ranks else len(ranks), ticket.asked, whose

        last = max(facts.tickets, key=lambda each: place(each, facts.tickets[each]))
        if place(last, facts.tickets[last]) < place(name, new):
            return False
        del facts.tickets[last]
        return True

    # -- operations --------------------------------------------------------------------------------------------------

    def ingest(self, items: list[tuple[Key, Order | Refund | Milestone]]) -> None:
        """One transaction: merge everything, settle existing claims, then first settlements by their effective time."""
        changed: dict[Key, None] = {}
        for key, item in items:
            facts = self.orders.setdefault(key, Facts())
            if isinstance(item, Milestone):
                held_at = facts.milestones.get(item.event)
                if held_at is None or item.at < held_at:
                    facts.milestones[item.event] = item.at
                    changed[key] = None
                continue
            if isinstance(item, Order):
                rank = RANKS.index(item.status.name) if item.status else -1
                version, held, slot = (item.modified_at or LONG_AGO, rank), facts.snaps, item.source.name
                for line in item.lines or ():
                    if len(line.line_id) > 9:
                        alias = (key[0], line.line_id)
                        self.aliases[alias] = key
                        waiting = self.orders.get(alias)
                        for name in list(waiting.tickets) if waiting else ():
                            moved, there = waiting.tickets.pop(name), facts.tickets.get(name)  # type: ignore[union-attr]
                            if there is None or there.state in ("REJECTED", "EXPIRED") or there.expires <= self.now:
                                facts.tickets[name] = moved
                            changed[key] = None
            else:
                version, slot = (item.modified_at or LONG_AGO, REFUND_RANKS.index(item.status.name)), item.refund_id
                held = facts.refunds  # type: ignore[assignment]
            if slot not in held or held[slot][0] < version:
                held[slot] = (version, item)  # type: ignore[assignment]
                changed[key] = None
        self._work(list(changed))
        self.look_out()

    def _work(self, keys: list[Key], asking: dict[Key, dict[str, Proof]] | None = None) -> dict[Key, Any]:
        def place(key: Key) -> Any:
            facts = self.orders.setdefault(key, Facts())
            return (facts.claim is None, View(facts).effective if facts.snaps else LONG_AGO, key)

        answers = {}
        for key in sorted(keys, key=place):
            claim = self.orders[key].claim
            if claim is not None and asking is None:  # who asks brings no fact
                self.settle(claim)
            answers[key] = self.convert(key, (asking or {}).get(key, {}))
        return answers

    def claim_many(self, asked: list[tuple[str, Key, Proof]]) -> list[Answer]:
        """Decide, look who came behind a lock, and decide again without them until nobody does."""
        asked = [(self.home(name), key, proof) for name, key, proof in asked]
        stopped: set[tuple[str, Key]] = set()
        while True:
            answers = deepcopy(self).claim_all(asked, stopped)
            more, tried = count(self.program.attempts, self.tried, self._guesses(asked, answers, stopped), self.now)
            if not more:
                self.tried = tried
                return self.claim_all(asked, stopped)
            stopped |= more

    def _guesses(
        self, asked: list[tuple[str, Key, Proof]], answers: list[Answer], stopped: set[tuple[str, Key]]
    ) -> list[tuple[str, Key, bool]]:
        """Leave out who does not guess: the host vouches, the claim is theirs, they are the bound buyer."""
        guesses: dict[tuple[str, Key], bool] = {}
        for (name, typed, proof), (_, reasons, _) in zip(asked, answers, strict=True):
            key = self.aliases.get(typed, typed)
            facts = self.orders.get(key, Facts())
            theirs = facts.claim is not None and self.home(facts.claim.member) == name
            view = View(facts) if facts.snaps else None
            bound = view is not None and self.bound_to(view) == name
            if proof.kind == "by_host" or theirs or bound or "MEMBER_BLOCKED" in reasons or (name, key) in stopped:
                continue
            again = any(self.home(at) == name and ticket.proof == proof for at, ticket in facts.tickets.items())
            guesses.setdefault((name, key), "RECEIVED" in reasons and not again)
        return [(name, key, missed) for (name, key), missed in guesses.items()]

    def claim_all(self, asked: list[tuple[str, Key, Proof]], stopped: set[tuple[str, Key]]) -> list[Answer]:
        by_key: dict[Key, dict[str, Proof]] = {}
        for name, key, proof in asked:
            if not self.member(name).blocked and (name, self.aliases.get(key, key)) not in stopped:
                by_key.setdefault(self.aliases.get(key, key), {}).setdefault(name, proof)
        free = {key for key, facts in self.orders.items() if not facts.owner}
        self.just_bound = {}
        answers = self._work(list(by_key), by_key)
        self.look_out()
        told: list[Answer] = []
        for place, (name, key, _) in enumerate(asked):
            if self.member(name).blocked:
                told.append((False, {"MEMBER_BLOCKED"}, None))
                continue
            meant = self.aliases.get(key, key)
            if (name, meant) in stopped:
                told.append((False, {"TOO_MANY_ATTEMPTS"}, None))
                continue
            created, reasons = answers[meant][name]
            again = any(each[0] == name and self.aliases.get(each[1], each[1]) == meant for each in asked[:place])
            if created and again:
                told.append((False, {"ALREADY_CLAIMED_BY_YOU"}, None))
            else:
                bound = self.just_bound.get(meant) if created else None
                told.append((created, reasons, None if bound is None else self._past_orders(bound, free)))
        return told

    def _past_orders(self, buyer: Any, free: set[Key]) -> int:
        """Count what else a buyer has bought that nobody holds, as far back as a request may still wait for it."""
        since = self.oldest()
        mine = [key for key, at in self.orders.items() if key in free and at.snaps and at.claim is None]
        views = [View(self.orders[key]) for key in mine]
        return sum(view.buyer == buyer and view.effective >= since for view in views)

    # -- staff -------------------------------------------------------------------------------------------------------

    def approve(self, name: str, key: Key) -> tuple[bool, str]:
        """Answers whether it changed something, and who holds the order then."""
        facts = self.orders[key]
        if self.member(name).blocked:
            return False, self.home(facts.claim.member) if facts.claim else ""
        if facts.claim is not None:
            return self.move(name, key)
        ticket, view = facts.tickets[name], View(facts)
        proof = Proof("review", evidence="ann: seen")
        self._answer(facts, view, key, self.home(name), proof, ticket.asked, "review", False, name)
        made = facts.claim is not None
        self.look_out()
        return made or facts.tickets[name].state != "REJECTED", self.home(name) if made else ""

    def refuse(self, name: str, key: Key) -> None:
        ticket = self.orders[key].tickets[name]
        ticket.state, ticket.expires, ticket.refused = "REJECTED", self.now, True

    def move(self, name: str, key: Key) -> tuple[bool, str]:
        """The holder loses all it gave; the true buyer gets what it gives today."""
        facts = self.orders[key]
        claim, view = facts.claim, View(facts)
        asked_as, name = name, self.home(name)
        old = self.member(claim.member)
        if old.name == name or self.member(name).blocked:
            return False, old.name
        self.whose = claim.member
        for grant in claim.grants.values():
            if getattr(grant.rule, "once_per", "order") == "member":
                grant.target = 0
                self._settle_once(old, claim, grant.rule, view)
            elif grant.target:
                self.take(old, grant, grant.target, policy(claim.program, grant.rule))
        for (_, cap, span), allowed in claim.counted:
            self.used[old.name, cap, span] -= allowed
        claim.net, facts.claim = 0, None
        self.take_along(view, key, old.name, name)
        self.whose = ""
        self.retier(old.name, True)
        facts.tickets.pop(asked_as, None)
        facts.owner = name
        self._make(facts, view, key, name, "review", claim.holder + 1)
        self.look_out()
        return True, name

    def run_due(self) -> None:
        for key, facts in sorted(self.orders.items()):
            over = [at for at in facts.tickets.values() if at.state != "EXPIRED" and at.expires <= self.now]
            comes = any(at and at <= self.now for at in (facts.comes, facts.wakes))
            if facts.claim is None and (over or comes):
                for ticket in over:
                    ticket.state = "EXPIRED"
                self.convert(key, {})
                self.look_out()
        for name, m in self.members.items():
            if m.into:
                continue
            due = [(lot.issue if lot.state == "PENDING" else lot.expires, lot.no, lot) for lot in m.lots]
            for _, _, lot in sorted((at for at in due if at[0] and at[0] <= self.now), key=lambda at: at[:2]):
                if lot.state == "PENDING" and not lot.blocked:
                    self.activate(m, lot)
                if lot.state == "ACTIVE" and lot.expires and lot.expires <= self.now:
                    self.expire(lot)
            self.lapse(name)
            if isinstance(self.program.tiers, rules.GrowthTiers):
                self.retier(name, False)
            self._review(name)
            self.look_out(name)

    def corrected(self, name: str, asset: str, by: int) -> bool:
        name = self.home(name)
        applied = self.adjust(name, asset, by)
        if applied and asset == "growth" and isinstance(self.program.tiers, rules.GrowthTiers):
            self.retier(name, by < 0)
        self.look_out(name)
        return applied

    def answer_short(self, name: str, key: Key | None, holder: int, rule_id: str, missing: int, began: str) -> None:
        """A claw-back outside took less than was asked: the grant behind it is told, its claim's holder owes that."""

        def meant(grant: Grant) -> Grant:
            every = [at for at in (grant, *grant.also) if at.lot]
            mine = [at for at in every if (at.lot.began, at.lot.behind) == (began, (key, holder))]  # type: ignore[union-attr]
            return mine[0] if mine else Grant(grant.rule)  # it has left with its lot

        claim = self.orders[key].claim if key else None
        still = claim is not None and claim.holder == holder
        self.whose = self.orders[key].holders[holder] if key else ""
        name = self.home(self.whose or name)
        if claim is None:
            self.fell_short(name, meant(self.member(name).gifts[rule_id.removeprefix("#gift:")]), self.program, missing)
        elif rule_id not in self.member(name).once and not still:
            self.fell_short(name, Grant(claim.grants[rule_id].rule), claim.program, missing)  # it has moved on
        elif rule_id in self.member(name).once:
            self.fell_short(name, meant(self.member(name).once[rule_id]), claim.program, missing)
        else:
            self.fell_short(name, claim.grants[rule_id], claim.program, missing)
        self.whose = ""
        self.look_out(name)
