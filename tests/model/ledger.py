"""
What a member has, from the rules' text: lots in spending order, what is pending, owed, written off or expired.

Shares no code with `src`.
"""

from __future__ import annotations

import calendar
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from typing import Any

from facts import CN, View

from crossloyalty import rules


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


def expiry(rule: Any, issue: datetime) -> datetime | None:
    if rule.expires_on:
        return midnight(date.fromisoformat(rule.expires_on) + timedelta(days=1))
    return months_later(issue, rule.expires_months) if rule.expires_months else None


Pot = tuple[str, str]
Parts = list[tuple[int, Fraction, Fraction]]  # (net fen, rate or 1, campaigns) of the lines of an order that earn


def amount(rule: Any, parts: Parts, multiplier: Fraction) -> int:
    """What a rule gives for the parts of an order: exact, rounded once; 1 for what is given once per member."""
    net = sum(part for part, _, _ in parts)
    if isinstance(rule, rules.Coupon):
        return int(net > 0 and net >= rule.minimum_fen)
    campaigns = parts[0][2] if parts else Fraction(1)
    if hasattr(rule, "once_per"):
        return int(net > 0) if rule.once_per == "member" else int(each_of(rule) * campaigns * multiplier) * (net > 0)
    if hasattr(rule, "every_fen"):
        return int(net // rule.every_fen * each_of(rule) * campaigns * multiplier)
    exact = sum((part * rate * campaign for part, rate, campaign in parts), Fraction()) * multiplier
    exact /= 100
    return (
        int(exact)
        if rule.rounding == "down"
        else -int(-exact // 1)
        if rule.rounding == "up"
        else int(exact + Fraction(1, 2))
    )


def each_of(rule: Any) -> int:
    """What a step, an order or a member gets."""
    for name in ("points", "growth", "bonus_fen"):
        if hasattr(rule, name):
            return int(getattr(rule, name))
    return 1


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
    owner: str = ""  # with whose name what gave it was written
    began: str = ""  # at whom it was opened
    behind: tuple[Any, int] = (None, 0)  # the claim it was given for first, and the number of its holder


@dataclass
class Grant:
    rule: Any
    multiplier: Fraction = Fraction(1)
    seen: tuple[str, str] = ("", "")  # platform and tier of the first settlement
    campaigns: tuple[Any, ...] = ()
    off: bool = False
    allowance: int | None = None
    target: int = 0
    lot: Lot | None = None
    debt: int = 0
    waived: int = 0
    exempt: int = 0
    before: bool = False  # given before the member's history here begins
    also: list[Grant] = field(default_factory=list)  # the same, given to a member that was merged in
    counts: list[tuple[str, str]] = field(default_factory=list)  # the caps its allowance was counted by


@dataclass
class Member:
    name: str = ""
    lots: list[Lot] = field(default_factory=list)
    debt: Counter[str] = field(default_factory=Counter)
    reached: list[tuple[int, date, bool, str]] = field(default_factory=list)  # line in fen, since, by policy, whose
    once: dict[str, Grant] = field(default_factory=dict)
    blocked: bool = False
    outside: Counter[str] = field(default_factory=Counter)
    gifts: dict[str, Grant] = field(default_factory=dict)
    done: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    enrolled: bool = False
    lapsed_on: date | None = None
    shown: int = 0  # the line of the tier at the last look
    into: str = ""  # whom it was merged into
    absorbed: list[str] = field(default_factory=list)  # everybody it stands for
    origins: list[str] = field(default_factory=list)  # whose lots it has had
    brought: list[Any] = field(default_factory=list)  # the identities that went along
    blocked_by: str = ""
    up: set[str] = field(default_factory=set)  # what is worth a look and was told


class Ledger:
    """All members' lots at one moment; `now` is moved by whoever asks."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.members: dict[str, Member] = {}
        self.lots = 0
        self.outside: set[str] = set()
        self.behind: tuple[Any, int] = (None, 0)  # the claim that is settled, and the number of its holder
        self.whose = ""  # the name behind what is done now, "" for whoever it is done for
        self.owed: defaultdict[Pot, Counter[str]] = defaultdict(Counter)  # debt by asset and by who stands: whose it is
        self.sent: defaultdict[Pot, Counter[str]] = defaultdict(Counter)  # what lives outside, likewise

    def home(self, name: str) -> str:
        while name in self.members and self.members[name].into:
            name = self.members[name].into
        return name

    def member(self, name: str) -> Member:
        home = self.home(name)
        return self.members.setdefault(home, Member(home))

    def owe(self, m: Member, asset: str, more: int, whose: str) -> None:
        m.debt[asset] += more
        self._change(self.owed[asset, m.name], m.name, whose or m.name, more)

    def send(self, m: Member, asset: str, more: int, whose: str) -> None:
        m.outside[asset] += more
        self._change(self.sent[asset, m.name], m.name, whose or m.name, more)

    def _change(self, parts: Counter[str], stands: str, whose: str, more: int) -> None:
        """What is taken beyond one's own part is of who stands for all, then of the others by their names."""
        parts[whose] += more
        for other in (stands, *sorted(parts)):
            if parts[whose] < 0 and other != whose:
                part = min(parts[other], -parts[whose])
                parts[other] -= part
                parts[whose] += part

    def live(self, m: Member, asset: str) -> list[Lot]:
        far = datetime.max.replace(tzinfo=CN)
        alive = [at for at in m.lots if at.asset == asset and at.state == "ACTIVE" and (at.expires or far) > self.now]
        places = [m.name, *m.origins]
        return sorted(alive, key=lambda lot: (lot.expires or far, places.index(lot.began), lot.no))

    def activate(self, m: Member, lot: Lot) -> None:
        """Points that become spendable repay debt first; nothing is consumed behind its expiry (I-07)."""
        lot.state, lot.was_active = "ACTIVE", True
        if lot.asset in self.outside:
            part = min(lot.left, m.debt[lot.asset])
            self.owe(m, lot.asset, -part, "")
            self.send(m, lot.asset, lot.left, lot.owner)
            self.send(m, lot.asset, -part, "")
            lot.left, lot.state = 0, "SENT"
            return
        if lot.expires is None or lot.expires > self.now:
            part = min(lot.left, m.debt[lot.asset])
            self.owe(m, lot.asset, -part, "")
            self._draw(lot, part)

    def _draw(self, lot: Lot, wanted: int) -> int:
        part = min(lot.left, wanted)
        lot.left -= part
        if not lot.left:
            lot.state = "OVER"
        return part

    def expire(self, lot: Lot) -> None:
        lot.expired += lot.left
        lot.left, lot.state = 0, "OVER"

    def _add(self, m: Member, lot: Lot, more: int) -> None:
        lot.left += more
        if lot.state == "ACTIVE" or (lot.state != "PENDING" and not lot.blocked and lot.issue <= self.now):
            self.activate(m, lot)
        else:
            lot.state = "PENDING"

    def _open(self, m: Member, asset: str, issue: datetime, expires: datetime | None, blocked: bool) -> Lot:
        self.lots += 1
        m.lots.append(
            Lot(
                asset,
                issue,
                expires,
                blocked,
                self.lots,
                owner=self.whose or m.name,
                began=m.name,
                behind=self.behind if self.whose else (None, 0),
            )
        )
        return m.lots[-1]

    def give(self, m: Member, grant: Grant, more: int, view: View | None) -> None:
        """Waived is cancelled first, then debt, then it is issued again under the original expiry."""
        rule, asset = grant.rule, grant.rule.asset
        part = min(more, grant.waived)
        grant.waived, more = grant.waived - part, more - part
        part = min(more, grant.debt, m.debt[asset])
        grant.debt, more = grant.debt - part, more - part
        self.owe(m, asset, -part, self.whose)
        part = min(more, grant.exempt)
        grant.exempt, more = grant.exempt - part, more - part
        if more:
            if grant.lot is None:
                due = midnight(local_day(view.effective if view else self.now) + timedelta(days=rule.issue_after_days))
                if rule.issue_on:
                    due = midnight(date.fromisoformat(rule.issue_on))
                issue = max(self.now, due) if rule.issue_after_days or rule.issue_on else self.now
                grant.lot = self._open(m, asset, issue, expiry(rule, issue), bool(view and view.held(rule)))
            self._add(m, grant.lot, more)

    def take(self, m: Member, grant: Grant, less: int, policy: str) -> None:
        """Its own lot first, then others in spending order, what has expired is exempt, the rest by policy."""
        asset, lot = grant.rule.asset, grant.lot
        if lot is not None:
            if lot.state == "ACTIVE" and lot.expires is not None and lot.expires <= self.now:
                self.expire(lot)
            if lot.state == "PENDING" or (lot.state == "ACTIVE" and policy != "pending_only"):
                less -= self._draw(lot, less)
            if asset in self.outside and policy != "pending_only":
                part = min(less, m.outside[asset])
                self.send(m, asset, -part, self.whose)
                less -= part
            part = min(less, lot.expired - grant.exempt)
            grant.exempt, less = grant.exempt + part, less - part
        if policy != "pending_only" and not asset.startswith("coupon:"):
            for other in self.live(m, asset):
                less -= self._draw(other, less)
        if policy == "debt" and not asset.startswith("coupon:"):
            grant.debt += less
            self.owe(m, asset, less, self.whose)
        else:
            grant.waived += less

    def bring(self, m: Member, grant: Grant, target: int, view: View, policy: str) -> None:
        """Post target − granted; an open refund stops what is not spendable yet, its end lets it go on."""
        held = view.held(grant.rule)
        if grant.lot and held:
            grant.lot.blocked = True
        if target > grant.target:
            self.give(m, grant, target - grant.target, view)
        elif target < grant.target:
            self.take(m, grant, grant.target - target, policy)
        grant.target = target
        if grant.lot and grant.lot.blocked and not held:
            self.lift(m, grant.lot, grant.rule)

    def lift(self, m: Member, lot: Lot, rule: Any) -> None:
        lot.blocked = False
        if lot.state == "PENDING":
            if not lot.was_active and lot.issue < self.now:
                lot.issue = self.now
                lot.expires = expiry(rule, self.now)
            if lot.issue <= self.now:
                self.activate(m, lot)

    def adjust(self, name: str, asset: str, by: int) -> bool:
        m = self.member(name)
        if by > 0:
            self._add(m, self._open(m, asset, self.now, None, False), by)
            return True
        enough = sum(lot.left for lot in self.live(m, asset)) >= -by
        for lot in self.live(m, asset) if enough else ():
            by += self._draw(lot, -by)
        return enough

    def balances(self, name: str) -> dict[str, tuple[int, int, int]]:
        """Per asset: spendable now, pending, owed."""
        m = self.member(name)
        given = {lot.asset for lot in m.lots} | set(m.debt)
        answer = {}
        for asset in given:
            spendable = sum(lot.left for lot in self.live(m, asset))
            pending = sum(lot.left for lot in m.lots if lot.asset == asset and lot.state == "PENDING")
            answer[asset] = (spendable, pending, m.debt[asset])
        return {asset: figures for asset, figures in sorted(answer.items()) if any(figures)}
