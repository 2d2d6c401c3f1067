"""
A second, small opinion of what the library has to do, written from the rules' text; it shares no code with `src`.

It keeps facts, claims and lots as plain objects, derives everything else each time it is asked, and knows no storage.
Orders, refunds and programs are taken as inputs. Times of messages are unique per content, so no tie needs a hash.
"""

from __future__ import annotations

import calendar
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from fractions import Fraction
from typing import Any

from crossloyalty import Order, Program, Proof, Refund, rules

CN = timezone(timedelta(hours=8))
LONG_AGO = datetime(1970, 1, 1, tzinfo=CN)
RANKS = ["UNPAID", "PAID", "SHIPPED", "SIGNED", "FINISHED", "CLOSED"]
REFUND_RANKS = ["OPEN", "CLOSED", "SUCCESS", "PAYOUT_FAILED"]
FAMILIES = {"tmall": "taobao"}
Key = tuple[str, str]


def local_day(at: datetime) -> date:
    return at.astimezone(CN).date()


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), CN)


def months_later(at: datetime, months: int) -> datetime:
    """The end of the clamped local day."""
    day = local_day(at)
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
    return midnight(last + timedelta(days=1))


def shares(total: int, weights: list[int]) -> list[int]:
    """Largest remainder, ties to the earlier one."""
    whole = sum(weights)
    if not whole:
        return [total, *[0] * (len(weights) - 1)]
    exact = [Fraction(total * weight, whole) for weight in weights]
    given = [int(each) for each in exact]
    for place in sorted(range(len(weights)), key=lambda i: given[i] - exact[i])[: total - sum(given)]:
        given[place] += 1
    return given


@dataclass
class Ticket:
    proof: Proof
    asked: datetime
    expires: datetime
    state: str


@dataclass
class Lot:
    asset: str
    issue: datetime
    expires: datetime | None
    blocked: bool
    no: int
    left: int = 0
    expired: int = 0
    state: str = "NEW"  # PENDING, ACTIVE, OVER
    was_active: bool = False


@dataclass
class Grant:
    rule: Any
    multiplier: Fraction = Fraction(1)
    target: int = 0
    lot: Lot | None = None
    debt: int = 0
    waived: int = 0
    exempt: int = 0


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
    platform: str = ""
    effective: datetime = LONG_AGO

    @property
    def state(self) -> str:
        if not self.below and self.net < self.gross:
            return "PARTIAL" if self.net else "REVERSED"
        waits = any(at.lot and at.lot.state == "PENDING" and at.target for at in self.grants.values())
        return "PENDING_ISSUE" if waits else "GRANTED"


@dataclass
class Facts:
    snaps: dict[str, tuple[tuple[datetime, int], Order]] = field(default_factory=dict)
    refunds: dict[str, tuple[tuple[datetime, int], Refund]] = field(default_factory=dict)
    tickets: dict[str, Ticket] = field(default_factory=dict)
    claim: Claim | None = None
    comes: datetime | None = None  # when time alone lets it be claimed


@dataclass
class Member:
    lots: list[Lot] = field(default_factory=list)
    debt: Counter[str] = field(default_factory=Counter)
    reached: list[tuple[int, date]] = field(default_factory=list)  # (line in fen, qualified on)
    once: dict[str, Grant] = field(default_factory=dict)
    blocked: bool = False


class View:
    """The effective order, its lines with what was paid and refunded, and what of it counts under a program."""

    def __init__(self, facts: Facts) -> None:
        said: dict[str, Any] = {}
        said_at: dict[str, datetime] = {}
        for (modified, _), order in sorted(facts.snaps.values(), key=lambda held: held[0]):
            for name in Order.__attrs_attrs__:
                value = getattr(order, name.name)
                if value is not None:
                    said[name.name], said_at[name.name] = value, modified
        self.said = said
        self.status = said["status"].name if "status" in said else "UNPAID"
        self.platform: str = said["platform"]
        shipping, paid = said.get("shipping_fen", 0), said.get("paid_fen")
        lines = said.get("lines") or ()
        self.rows: list[dict[str, Any]] = [
            {"id": at.line_id, "paid": at.paid_fen, "status": at.status and at.status.name, "is": at} for at in lines
        ]
        if not lines or any(row["paid"] is None for row in self.rows):
            self.rows = [{"id": None, "paid": max(0, (paid or 0) - shipping), "status": None, "is": None}]
            self.balanced = shipping <= (paid or 0)
        else:
            self.balanced = paid in (None, sum(row["paid"] for row in self.rows) + shipping)
        goods_fen = sum(row["paid"] for row in self.rows)
        self.paid = goods_fen + shipping if paid is None else paid
        own = shares(min(said.get("own_value_fen", 0), goods_fen), [row["paid"] for row in self.rows])
        for row, part in zip(self.rows, own, strict=True):
            row["own"] = part
        finished = [at.finished_at for at in lines if at.finished_at]
        self.finished = said.get("finished_at") or (max(finished) if finished and self.rows[0]["is"] else None)
        self.effective = self.finished or said.get("paid_at") or said.get("created_at") or LONG_AGO
        self.refund_open = bool(said.get("refund_open"))
        self.buyer = (FAMILIES.get(self.platform, self.platform), said.get("buyer_scope", ""), said.get("buyer_id"))
        self._refund(facts, said_at, lines)

    def _refund(self, facts: Facts, said_at: dict[str, datetime], lines: Any) -> None:
        by_line, loose, shipping = Counter[str](), 0, 0
        failed: list[tuple[datetime, str | None]] = []  # when a payout failed, of which line; None: of the whole order
        ids = {row["id"] for row in self.rows}
        for (modified, _), refund in facts.refunds.values():
            match refund.status.name:
                case "OPEN":
                    self.refund_open = True
                case "PAYOUT_FAILED":
                    failed.append((modified, refund.line_id if refund.line_id in ids else None))
                case "SUCCESS":
                    known = [row["paid"] for row in self.rows if row["id"] == refund.line_id]
                    room = known[0] if known else sum(row["paid"] for row in self.rows)
                    rest = refund.amount_fen - (refund.subsidy_fen or 0)
                    part = refund.goods_fen
                    if part is None:
                        part = max(0, min(rest - (refund.shipping_fen or 0), room))
                    shipping += rest - part
                    if known and refund.line_id is not None:
                        by_line[refund.line_id] += part
                    else:
                        loose += part
        for row in self.rows:
            figure = (row["is"] and row["is"].refunded_fen) or 0
            if any(said_at["lines"] <= at for at, line in failed if line in (None, row["id"]) and figure):
                figure = 0
            row["refunded"] = min(row["paid"], max(by_line[row["id"]], figure))
        figure = self.said.get("refunded_fen", 0)
        if any(said_at["refunded_fen"] <= at for at, _ in failed if figure):
            figure = 0
        by_id = loose + sum(min(by_line[row["id"]], row["paid"]) for row in self.rows)
        left = [row["paid"] - row["refunded"] for row in self.rows]
        excess = min(max(by_id, figure - shipping) - sum(row["refunded"] for row in self.rows), sum(left))
        if excess > 0:
            for row, part in zip(self.rows, shares(excess, left), strict=True):
                row["refunded"] += part

    def count(self, program: Program) -> tuple[int, int, bool]:
        """Net, gross, and whether rules that wait for the whole order may count it."""
        asked, claimable = program.eligibility, self.claimable(program)
        net = gross = 0
        for row in self.rows:
            at = row["is"]
            if at and (at.product_id in asked.exclude_products or at.category in asked.exclude_categories):
                continue
            if at and at.is_free_gift:
                continue
            gross += row["paid"] - row["own"]
            closed = self.status == "CLOSED" or str(row["status"]).startswith("CLOSED")
            if not closed and (self.status in claimable or row["status"] in claimable):
                net += (row["paid"] - row["refunded"]) * (row["paid"] - row["own"]) // max(1, row["paid"])
        done = {*claimable, "CLOSED_UNPAID", "CLOSED_REFUNDED"}
        return net, gross, self.status in claimable or all(row["status"] in done for row in self.rows)

    def claimable(self, program: Program) -> tuple[str, ...]:
        named = program.eligibility.statuses
        return named.get(self.platform) or named.get("*") or ("FINISHED",)


def amount(rule: Any, net: int, multiplier: Fraction) -> int:
    """What a rule gives for a net amount: exact, rounded once."""
    if isinstance(rule, rules.Coupon):
        return int(net > 0 and net >= rule.minimum_fen)
    if isinstance(rule, rules.PointsFixed):
        return rule.points if net > 0 else 0
    if isinstance(rule, rules.PerStep):
        return int(net // rule.every_fen * rule.points * multiplier)
    exact = Fraction(rule.rate) * net / 100 * (multiplier if isinstance(rule, rules.PointsPerYuan) else 1)
    return (
        int(exact)
        if rule.rounding == "down"
        else -int(-exact // 1)
        if rule.rounding == "up"
        else int(exact + Fraction(1, 2))
    )


class Model:
    """Every operation answers what the library must answer, and leaves what it must hold."""

    def __init__(self, program: Program, now: datetime) -> None:
        self.program, self.now = program, now
        self.orders: dict[Key, Facts] = {}
        self.members: dict[str, Member] = {}
        self.bound: dict[tuple[str, str, str], str] = {}
        self.aliases: dict[Key, Key] = {}
        self.lots = 0

    def member(self, name: str) -> Member:
        return self.members.setdefault(name, Member())

    def claims(self, name: str) -> list[Claim]:
        return [at.claim for at in self.orders.values() if at.claim and at.claim.member == name]

    # -- ledger ------------------------------------------------------------------------------------------------------

    def _live(self, m: Member, asset: str) -> list[Lot]:
        far = datetime.max.replace(tzinfo=CN)
        alive = [at for at in m.lots if at.asset == asset and at.state == "ACTIVE" and (at.expires or far) > self.now]
        return sorted(alive, key=lambda lot: (lot.expires or far, lot.no))

    def _activate(self, m: Member, lot: Lot) -> None:
        """Points that become spendable repay debt first; nothing is consumed behind its expiry (I-07)."""
        lot.state, lot.was_active = "ACTIVE", True
        if lot.expires is None or lot.expires > self.now:
            part = min(lot.left, m.debt[lot.asset])
            m.debt[lot.asset] -= part
            self._draw(lot, part)

    def _draw(self, lot: Lot, wanted: int) -> int:
        part = min(lot.left, wanted)
        lot.left -= part
        if not lot.left:
            lot.state = "OVER"
        return part

    def _expire(self, lot: Lot) -> None:
        lot.expired += lot.left
        lot.left, lot.state = 0, "OVER"

    def _add(self, m: Member, lot: Lot, more: int) -> None:
        lot.left += more
        if lot.state == "ACTIVE" or (lot.state != "PENDING" and not lot.blocked and lot.issue <= self.now):
            self._activate(m, lot)
        else:
            lot.state = "PENDING"

    def _open(self, m: Member, asset: str, issue: datetime, months: int | None, blocked: bool) -> Lot:
        self.lots += 1
        m.lots.append(Lot(asset, issue, months_later(issue, months) if months else None, blocked, self.lots))
        return m.lots[-1]

    def _give(self, m: Member, grant: Grant, more: int, view: View) -> None:
        """Waived is cancelled first, then debt, then it is issued again under the original expiry."""
        rule, asset = grant.rule, grant.rule.asset
        part = min(more, grant.waived)
        grant.waived, more = grant.waived - part, more - part
        part = min(more, grant.debt, m.debt[asset])
        grant.debt, more = grant.debt - part, more - part
        m.debt[asset] -= part
        part = min(more, grant.exempt)
        grant.exempt, more = grant.exempt - part, more - part
        if more:
            if grant.lot is None:
                due = midnight(local_day(view.effective) + timedelta(days=rule.issue_after_days))
                issue = max(self.now, due) if rule.issue_after_days else self.now
                grant.lot = self._open(m, asset, issue, rule.expires_months, view.refund_open)
            self._add(m, grant.lot, more)

    def _take(self, m: Member, grant: Grant, less: int, policy: str) -> None:
        """Its own lot first, then others in spending order, what has expired is exempt, the rest by policy."""
        asset, lot = grant.rule.asset, grant.lot
        if lot is not None:
            if lot.state == "ACTIVE" and lot.expires is not None and lot.expires <= self.now:
                self._expire(lot)
            if lot.state == "PENDING" or (lot.state == "ACTIVE" and policy != "pending_only"):
                less -= self._draw(lot, less)
            part = min(less, lot.expired - grant.exempt)
            grant.exempt, less = grant.exempt + part, less - part
        if policy != "pending_only" and not asset.startswith("coupon:"):
            for other in self._live(m, asset):
                less -= self._draw(other, less)
        if policy == "debt" and not asset.startswith("coupon:"):
            grant.debt += less
            m.debt[asset] += less
        else:
            grant.waived += less

    def _bring(self, m: Member, grant: Grant, target: int, view: View, policy: str) -> None:
        """Post target − granted; an open refund stops what is not spendable yet, its end lets it go on."""
        if grant.lot and view.refund_open:
            grant.lot.blocked = True
        if target > grant.target:
            self._give(m, grant, target - grant.target, view)
        elif target < grant.target:
            self._take(m, grant, grant.target - target, policy)
        grant.target = target
        if grant.lot and grant.lot.blocked and not view.refund_open:
            self._lift(m, grant.lot, grant.rule)

    def _lift(self, m: Member, lot: Lot, rule: Any) -> None:
        lot.blocked = False
        if lot.state == "PENDING":
            if not lot.was_active and lot.issue < self.now:
                lot.issue = self.now
                lot.expires = months_later(self.now, rule.expires_months) if rule.expires_months else None
            if lot.issue <= self.now:
                self._activate(m, lot)

    # -- claims ------------------------------------------------------------------------------------------------------

    def settle(self, claim: Claim) -> None:
        view, m = View(self.orders[claim.key]), self.member(claim.member)
        net, gross, whole = view.count(claim.program)
        below = 0 < net < claim.program.eligibility.minimum_fen
        for grant in claim.grants.values():
            rule = grant.rule
            waits = below or (rule.settle == "all" and not whole)
            target = 0 if waits else amount(rule, net, grant.multiplier)
            if isinstance(rule, rules.Coupon) and rule.once_per == "member":
                grant.target = target
                self._settle_once(m, claim, rule, view)
            else:
                self._bring(m, grant, target, view, claim.program.on_refund.shortfall)
        claim.net, claim.gross, claim.below, claim.platform = (0 if below else net), gross, below, view.platform
        claim.effective = view.effective if view.effective != LONG_AGO else claim.effective
        self._retier(claim.member)

    def _settle_once(self, m: Member, claim: Claim, rule: Any, view: View) -> None:
        """One coupon while any claim of the member qualifies; one of them without an open refund is enough to issue it."""
        grant = m.once.setdefault(rule.id, Grant(rule))
        grant.rule = rule
        every = [*(at for at in self.claims(claim.member) if at is not claim), claim]
        qualifying = [at for at in every if rule.id in at.grants and at.grants[rule.id].target]
        target = int(bool(qualifying))
        if grant.lot and view.refund_open and qualifying == [claim]:
            grant.lot.blocked = True
        if target > grant.target:
            self._give(m, grant, 1, view)
        elif target < grant.target:
            self._take(m, grant, 1, "waive")
        grant.target = target
        if grant.lot and grant.lot.blocked and claim in qualifying and not view.refund_open:
            self._lift(m, grant.lot, rule)

    def spend(self, name: str) -> Counter[date]:
        days: Counter[date] = Counter()
        for claim in self.claims(name):
            days[local_day(claim.effective)] += claim.net
        return +days

    def window(self, name: str, day: date) -> int:
        days = self.program.tiers.window_days if self.program.tiers else None
        first = date.min if days is None else day - timedelta(days=days - 1)
        return sum(spent for each, spent in self.spend(name).items() if first <= each <= day)

    def line(self, name: str) -> int:
        """The line of the tier held: the highest qualification whose own day still holds."""
        return max((line for line, day in self.member(name).reached if self.window(name, day) >= line), default=0)

    def tier(self, name: str) -> Any:
        levels = self.program.tiers.levels if self.program.tiers else ()
        return next((level for level in levels if level.from_fen == self.line(name)), None)

    def _qualify(self, name: str, day: date) -> None:
        lines = [level.from_fen for level in self.program.tiers.levels] if self.program.tiers else []
        held = self.line(name)
        self.member(name).reached += [(line, day) for line in lines if held < line <= self.window(name, day)]

    def _retier(self, name: str) -> None:
        self._qualify(name, local_day(self.now))

    def _review(self, name: str) -> None:
        tiers, kept = self.program.tiers, self.member(name).reached
        lasts = (tiers.period_days or tiers.window_days) if tiers and tiers.window_days else None
        while lasts and kept:
            line, since = min(kept, key=lambda held: held[1])
            ends = since + timedelta(days=lasts)
            if ends > local_day(self.now):
                break
            kept.remove((line, since))
            if self.window(name, ends) >= line:
                kept.append((line, ends))
            else:
                self._qualify(name, ends)

    # -- requests ----------------------------------------------------------------------------------------------------

    def stands(self, proof: Proof, view: View, name: str, bound: str) -> str:
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
        wants: dict[str, tuple[Proof, datetime, bool]] = {
            name: (proof, self.now, False) for name, proof in asking.items()
        }
        answers: dict[str, tuple[bool, set[str]]] = {}
        view = View(facts) if facts.snaps else None
        bound = self.bound.get(view.buyer, "") if view and view.buyer[2] else ""
        if facts.claim is None and not asking:  # who claims is answered alone; facts, bindings and time wake the others
            for name, ticket in facts.tickets.items():
                alive = ticket.state not in ("REJECTED", "EXPIRED") or (
                    ticket.state == "REJECTED" and ticket.expires > self.now
                )
                if alive and name not in wants:
                    wants[name] = (ticket.proof, ticket.asked, False)
            if bound and bound not in wants:
                wants[bound] = (Proof.none(), self.now, True)
        order = ["bound", "by_host", "proof", "number", "other", "wrong"]
        stands = {name: self.stands(proof, view, name, bound) if view else "" for name, (proof, _, _) in wants.items()}
        for name in sorted(wants, key=lambda at: (order.index(stands[at]) if view else 0, wants[at][1], at)):
            proof, asked, auto = wants[name]
            answers[name] = self._answer(facts, view, key, name, proof, asked, stands[name], auto)
        return {name: answers[name] for name in asking}

    def _answer(
        self,
        facts: Facts,
        view: View | None,
        key: Key,
        name: str,
        proof: Proof,
        asked: datetime,
        stands: str,
        auto: bool,
    ) -> tuple[bool, set[str]]:
        claim = facts.claim
        if claim is not None and claim.member == name:
            return False, {"AUTO_CONVERTED" if claim.via == "auto" else "ALREADY_CLAIMED_BY_YOU"}
        proven = view is not None and self.stands(proof, view, name, "") in ("by_host", "proof")
        if claim is not None:
            self._keep(facts, name, proof, asked, "REJECTED", auto)
            return False, {"ALREADY_CLAIMED"} | (set() if proven or stands == "bound" else {"RECEIVED"})
        if view is None:
            self._keep(facts, name, proof, asked, "PENDING_SYNC", auto)
            return False, {"PENDING_SYNC"} | (set() if proof.kind == "by_host" else {"RECEIVED"})
        if stands in ("other", "wrong"):
            self._keep(facts, name, proof, asked, "HELD_REVIEW", auto)
            return False, {"OTHER_BUYER", "IN_REVIEW"} if stands == "other" and proven else {"RECEIVED"}
        verdict, reasons = self.judge(view, asked)
        facts.comes = view.finished if "IN_FUTURE" in reasons else None
        if self.member(name).blocked:
            self._keep(facts, name, proof, asked, "REJECTED", auto)
            return False, {"MEMBER_BLOCKED"}
        if verdict != "CLAIM":
            self._keep(facts, name, proof, asked, verdict, auto)
            return False, set(reasons)
        facts.tickets.pop(name, None)
        level = self.tier(name)
        times = Fraction(level.points_multiplier) if level else Fraction(1)
        multiplied = (rules.PointsPerYuan, rules.PerStep)
        grants = {
            rule.id: Grant(rule, times if isinstance(rule, multiplied) else Fraction(1))
            for rule in self.program.rewards
        }
        facts.claim = claim = Claim(key, name, "auto" if auto else stands, self.program, grants)
        self.settle(claim)
        below = 0 < view.count(self.program)[0] < self.program.eligibility.minimum_fen
        nothing = not any(grant.target for grant in grants.values())
        extra = {"BELOW_MINIMUM"} if below else {"NOTHING_TO_GRANT"} if nothing else set()
        return True, {*reasons, *extra}

    def _keep(self, facts: Facts, name: str, proof: Proof, asked: datetime, state: str, auto: bool) -> None:
        if auto:
            return
        held = facts.tickets.get(name)
        if held is not None and held.state != "EXPIRED":
            asked = held.asked
        facts.tickets[name] = Ticket(proof, asked, asked + timedelta(days=self.program.ticket_days), state)

    # -- operations --------------------------------------------------------------------------------------------------

    def ingest(self, items: list[tuple[Key, Order | Refund]]) -> None:
        """One transaction: merge everything, settle existing claims, then first settlements by their effective time."""
        changed: dict[Key, None] = {}
        for key, item in items:
            facts = self.orders.setdefault(key, Facts())
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
                            if there is None or there.state in ("REJECTED", "EXPIRED"):
                                facts.tickets[name] = moved
                            changed[key] = None
            else:
                version, slot = (item.modified_at or LONG_AGO, REFUND_RANKS.index(item.status.name)), item.refund_id
                held = facts.refunds  # type: ignore[assignment]
            if slot not in held or held[slot][0] < version:
                held[slot] = (version, item)  # type: ignore[assignment]
                changed[key] = None
        self._work(list(changed))

    def _work(self, keys: list[Key], asking: dict[Key, dict[str, Proof]] | None = None) -> dict[Key, Any]:
        def place(key: Key) -> Any:
            facts = self.orders.setdefault(key, Facts())
            return (facts.claim is None, View(facts).effective if facts.snaps else LONG_AGO, key)

        answers = {}
        for key in sorted(keys, key=place):
            claim = self.orders[key].claim
            if claim is not None:
                self.settle(claim)
            answers[key] = self.convert(key, (asking or {}).get(key, {}))
        return answers

    def claim_many(self, asked: list[tuple[str, Key, Proof]]) -> list[tuple[bool, set[str]]]:
        by_key: dict[Key, dict[str, Proof]] = {}
        for name, key, proof in asked:
            if not self.member(name).blocked:
                by_key.setdefault(self.aliases.get(key, key), {}).setdefault(name, proof)
        answers = self._work(list(by_key), by_key)
        told: list[tuple[bool, set[str]]] = []
        for place, (name, key, _) in enumerate(asked):
            if self.member(name).blocked:
                told.append((False, {"MEMBER_BLOCKED"}))
                continue
            key = self.aliases.get(key, key)
            created, reasons = answers[key][name]
            again = any(each[0] == name and self.aliases.get(each[1], each[1]) == key for each in asked[:place])
            told.append((False, {"ALREADY_CLAIMED_BY_YOU"}) if created and again else (created, reasons))
        return told

    def bind(self, name: str, buyer: tuple[str, str, str]) -> bool:
        if self.bound.get(buyer, name) != name:
            return False
        self.bound[buyer] = name
        self.member(name)
        if not self.members[name].blocked:
            mine = [key for key, at in self.orders.items() if at.snaps and not at.claim and View(at).buyer == buyer]
            self._work(mine)
        return True

    def run_due(self) -> None:
        for key, facts in sorted(self.orders.items()):
            over = [at for at in facts.tickets.values() if at.state != "EXPIRED" and at.expires <= self.now]
            if facts.claim is None and (over or (facts.comes and facts.comes <= self.now)):
                for ticket in over:
                    ticket.state = "EXPIRED"
                self.convert(key, {})
        for name, m in self.members.items():
            due = [(lot.issue if lot.state == "PENDING" else lot.expires, lot.no, lot) for lot in m.lots]
            for _, _, lot in sorted((at for at in due if at[0] and at[0] <= self.now), key=lambda at: at[:2]):
                if lot.state == "PENDING" and not lot.blocked:
                    self._activate(m, lot)
                if lot.state == "ACTIVE" and lot.expires and lot.expires <= self.now:
                    self._expire(lot)
            self._review(name)

    def adjust(self, name: str, asset: str, by: int) -> bool:
        m = self.member(name)
        if by > 0:
            self._add(m, self._open(m, asset, self.now, None, False), by)
            return True
        enough = sum(lot.left for lot in self._live(m, asset)) >= -by
        for lot in self._live(m, asset) if enough else ():
            by += self._draw(lot, -by)
        return enough

    # -- what is compared --------------------------------------------------------------------------------------------

    def balances(self, name: str) -> dict[str, tuple[int, int, int]]:
        """Per asset: spendable now, pending, owed."""
        m = self.member(name)
        given = {lot.asset for lot in m.lots} | set(m.debt)
        answer = {}
        for asset in given:
            spendable = sum(lot.left for lot in self._live(m, asset))
            pending = sum(lot.left for lot in m.lots if lot.asset == asset and lot.state == "PENDING")
            answer[asset] = (spendable, pending, m.debt[asset])
        return {asset: figures for asset, figures in sorted(answer.items()) if any(figures)}
