"""
What the sources said about an order, put together again from the rules' text: which message wins, what was refunded.

Shares no code with `src`. Messages of one version are equal (see `messages.Registry`), so no tie needs a hash.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from typing import Any

from crossloyalty import Order, Program, Proof, Refund

CN = timezone(timedelta(hours=8))
LONG_AGO = datetime(1970, 1, 1, tzinfo=CN)
RANKS = ["UNPAID", "PAID", "SHIPPED", "SIGNED", "FINISHED", "CLOSED"]
REFUND_RANKS = ["OPEN", "CLOSED", "SUCCESS", "PAYOUT_FAILED"]
FAMILIES = {"tmall": "taobao"}


def shares(total: int, weights: Sequence[int | Fraction]) -> list[int]:
    """Largest remainder, ties to the earlier one."""
    whole = sum(weights)
    if not whole:
        return [total, *[0] * (len(weights) - 1)]
    exact = [total * Fraction(weight) / whole for weight in weights]
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
    refused: bool = False  # by staff


@dataclass
class Facts:
    snaps: dict[str, tuple[tuple[datetime, int], Order]] = field(default_factory=dict)
    refunds: dict[str, tuple[tuple[datetime, int], Refund]] = field(default_factory=dict)
    tickets: dict[str, Ticket] = field(default_factory=dict)
    claim: Any = None
    holders: dict[int, str] = field(default_factory=dict)  # with whose name each claim of it was written, by number
    comes: datetime | None = None  # when time alone lets it be claimed
    wakes: datetime | None = None  # when a request that was erased would have run out; the order is looked at then
    milestones: dict[str, datetime] = field(default_factory=dict)  # when each was first, as told so far
    owner: str = ""  # the bound buyer it was looked at for
    erased: bool = False  # its person was erased; it names nobody any more


class View:
    """The effective order, its lines with what was paid and refunded, and what of it counts under a program."""

    def __init__(self, facts: Facts) -> None:
        self.milestones = facts.milestones
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
        self.shipping = self.shipping_left = shipping
        self.buyer = (
            FAMILIES.get(self.platform, self.platform),
            said.get("buyer_scope", ""),
            None if facts.erased else said.get("buyer_id"),
        )
        self.phone = ("phone", "", None if facts.erased else said.get("receiver_phone_index"))
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
        goods = sum(row["refunded"] for row in self.rows) + max(0, excess)
        self.shipping_left = max(0, self.shipping - max(shipping + max(0, by_id - goods), figure - goods))
        if excess > 0:
            for row, part in zip(self.rows, shares(excess, left), strict=True):
                row["refunded"] += part

    def held(self, rule: Any) -> bool:
        """Whether what a rule gives has to wait: a refund is open, or an event has not come."""
        return self.refund_open or bool(rule.issue_event and rule.issue_event not in self.milestones)

    def counted(self, program: Program) -> list[tuple[int, int, Any]]:
        """Net, gross and the stated line of everything the program does not leave out."""
        asked, claimable = program.eligibility, self.claimable(program)
        counted: list[tuple[Any, int, Any]] = []
        weights = [row["paid"] for row in self.rows]
        ships = (program.basis.shipping, self.shipping, self.shipping_left)
        extra = [shares(part, weights) if ships[0] else [0] * len(weights) for part in ships[1:]]
        for row, more, more_left in zip(self.rows, *extra, strict=True):
            at = row["is"]
            if at and (at.product_id in asked.exclude_products or at.category in asked.exclude_categories):
                continue
            if at and at.is_free_gift:
                continue
            net, gross = Fraction(0), row["paid"] - (0 if program.basis.own_value else row["own"])
            closed = self.status == "CLOSED" or str(row["status"]).startswith("CLOSED")
            if not closed and (self.status in claimable or row["status"] in claimable):
                net = Fraction((row["paid"] - row["refunded"]) * gross, max(1, row["paid"])) + more_left
            counted.append((net, gross + more, at))
        # Rounded down once for the order; the lines share that by largest remainder.
        whole = shares(int(sum(net for net, _, _ in counted)), [net for net, _, _ in counted]) if counted else []
        counted = [(net, gross, at) for net, (_, gross, at) in zip(whole, counted, strict=True)]
        return counted

    def count(self, program: Program) -> tuple[int, int, bool]:
        """Net, gross, and whether rules that wait for the whole order may count it."""
        counted, claimable = self.counted(program), self.claimable(program)
        done = {*claimable, "CLOSED_UNPAID", "CLOSED_REFUNDED"}
        whole = self.status in claimable or all(row["status"] in done for row in self.rows)
        return sum(net for net, _, _ in counted), sum(gross for _, gross, _ in counted), whole

    def claimable(self, program: Program) -> tuple[str, ...]:
        named = program.eligibility.statuses
        return named.get(self.platform) or named.get("*") or ("FINISHED",)
