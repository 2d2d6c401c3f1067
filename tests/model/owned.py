"""
Which member an identity belongs to, from the rules' text: bound by hand, by a claim, by staff; conflicts and cool-down.

Shares no code with `src`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from facts import LONG_AGO, View
from ledger import Grant, local_day, midnight
from united import United

from crossloyalty import Program

Buyer = tuple[str, str, Any]

# How a request was accepted, as the rules rank proofs; and how much a binding is worth by where it is from (D40).
PROOFS = {"number": 0, "proof": 1, "by_host": 5, "review": 7}
ASKED = {"amount_and_day": 1, "phone_tail": 2, "phone": 3, "token": 4, "by_host": 5}
ROADS = {"host": 5, "callback": 6, "operator": 7}


class Owned(United):
    """Whose each identity is, and whose it was."""

    def __init__(self, program: Program, now: datetime) -> None:
        super().__init__(program, now)
        self.left: dict[Buyer, tuple[str, datetime]] = {}  # unbound: whose it was, free from when
        self.worth: dict[Buyer, int] = {}
        self.by_claim: dict[Buyer, tuple[str, str]] = {}  # the claim that bound it
        self.wishes: list[tuple[Buyer, str]] = []  # who else says it is theirs

    def _work(self, keys: list[tuple[str, str]]) -> Any:
        raise NotImplementedError

    def bound_to(self, view: View | None) -> str:
        """Who bought an order: by the buyer's id, else by the receiver's phone where the program takes that."""
        if view is None:
            return ""
        buyer = self.bound.get(view.buyer, "") if view.buyer[2] else ""
        return buyer or (self.bound.get(view.phone, "") if self.program.binding.by_phone and view.phone[2] else "")

    def names(self, view: View, buyer: Buyer) -> bool:
        """Whether orders of this kind make the identity's member their buyer, and this one names it."""
        return view.phone == buyer and self.program.binding.by_phone if buyer[0] == "phone" else view.buyer == buyer

    def _bind(self, buyer: Buyer, name: str, worth: int) -> None:
        self.left.pop(buyer, None)
        self.by_claim.pop(buyer, None)
        self.bound[buyer], self.worth[buyer] = name, worth

    # -- by hand -----------------------------------------------------------------------------------------------------

    def bind(self, name: str, buyer: Buyer, via: str = "host", evidence: str = "") -> str:
        """Answers "" or why not."""
        name = self.home(name)
        held, rules = self.bound.get(buyer, ""), self.program.binding
        former, free = (held, LONG_AGO) if held else self.left.get(buyer, (name, LONG_AGO))
        former = self.home(former)
        if held and former != name:
            if rules.conflict == "review":
                if (buyer, name) not in self.wishes:
                    self.wishes.append((buyer, name))
                return "IN_REVIEW"
            if rules.conflict != "move" or not evidence or ROADS[via] < self.worth[buyer]:
                return "OTHER_BUYER"
        elif former != name and via != "operator":
            if self.now < free:
                return "IDENTITY_COOLING"
            if any(debt > 0 for debt in self.member(former).debt.values()):
                return "DEBT_OPEN"
        self.member(name)
        if former != name and via != "operator":
            self._once_given(former, name)
        if held != name:
            self._bind(buyer, name, ROADS[via])
        if not self.members[name].blocked:
            mine = [key for key, at in self.orders.items() if at.snaps and not at.claim and self.names(View(at), buyer)]
            since = self.oldest()
            views = {key: View(self.orders[key]) for key in mine}
            mine = [key for key, view in views.items() if view.effective >= since and self.bound_to(view) == name]
            # A repeat makes nothing possible.
            self._work([key for key in mine if self.home(self.orders[key].owner) != name])
        self.look_out()
        return ""

    def oldest(self) -> datetime:
        """Say from when on orders may still be converted, because a request may still wait for them."""
        asked = self.program.eligibility.within_days
        day = local_day(self.now) - timedelta(days=(asked or 0) + 1 + self.program.ticket_days)
        return LONG_AGO if asked is None else midnight(day)

    def _once_given(self, former: str, name: str) -> None:
        """What was given once through an identity is not given again through it."""
        for kind in ("once", "gifts"):
            mine = getattr(self.member(name), kind)
            for rule_id, grant in getattr(self.member(former), kind).items():
                if grant.target or grant.before:
                    own = mine.setdefault(rule_id, Grant(grant.rule))
                    own.before = own.before or not own.target

    def unbind(self, name: str, buyer: Buyer, cooldown: timedelta) -> bool:
        name = self.home(name)
        if self.bound.get(buyer) != name:
            return buyer not in self.bound and self.home(self.left.get(buyer, ("", None))[0]) == name
        del self.bound[buyer]
        self.left[buyer] = (name, self.now + cooldown)
        for facts in self.orders.values():
            mine = facts.snaps and not facts.claim and self.home(facts.owner) == name
            if mine and self.names(View(facts), buyer):
                facts.owner = ""
        return True

    # -- by a claim --------------------------------------------------------------------------------------------------

    def bound_by_claim(self, view: View, key: tuple[str, str], name: str, stands: str) -> bool:
        """The first claim with a proof that is strong enough binds its buyer, if that was nobody else's (S0-8)."""
        wanted, buyer = self.program.binding.on_claim, view.buyer
        if wanted == "never" or stands not in PROOFS or PROOFS[stands] < ASKED[wanted] or not buyer[2]:
            return False
        if buyer in self.bound or self.home(self.left.get(buyer, (name, LONG_AGO))[0]) != name:
            return False
        self._bind(buyer, name, PROOFS[stands])
        self.by_claim[buyer] = key
        return True

    def take_along(self, view: View, key: tuple[str, str], old: str, name: str) -> None:
        """A claim that moves to its true buyer takes along what it has bound."""
        buyer = view.buyer
        if buyer[2] and self.by_claim.get(buyer) == key and self.bound.get(buyer) == old:
            self._bind(buyer, name, ROADS["operator"])

    # -- by staff ----------------------------------------------------------------------------------------------------

    def grant_wish(self, name: str, buyer: Buyer, yes: bool) -> str:
        """Answers whose the identity is then."""
        self.wishes.remove((buyer, name))
        if yes:
            self._bind(buyer, self.home(name), ROADS["operator"])
        return self.bound.get(buyer, "")

    def erase(self, name: str) -> None:
        m = self.member(name)
        ids = {m.name, *m.absorbed}
        self.left = {buyer: (whose, free) for buyer, (whose, free) in self.left.items() if whose not in ids}
        self.wishes = [(buyer, whose) for buyer, whose in self.wishes if whose not in ids]
        super().erase(name)
