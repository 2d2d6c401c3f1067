"""
Short ways to say what tests need: a clock that moves, orders, refunds, programs, claims with a proof.

Everything happens around 20 November 2026, noon, in Shanghai; `day(5)` is noon of 5 November.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import attrs

from crossloyalty import (
    ClaimResult,
    Loyalty,
    Order,
    OrderStatus,
    Program,
    Proof,
    Refund,
    RefundStatus,
    rules,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
PROGRAM_ID = "brand-a"


def day(number: int, hour: int = 12, minute: int = 0, *, month: int = 11, year: int = 2026) -> datetime:
    """Give a moment of November 2026, local time."""
    return datetime(year, month, number, hour, minute, tzinfo=SHANGHAI)


CREATED = day(1, 10)
FINISHED = day(5)
NOW = day(20)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, at: datetime = NOW) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def move(self, **delta: float) -> datetime:
        """Go forward by a `timedelta` given as its arguments, such as `days=15`."""
        self.at += timedelta(**delta)
        return self.at

    def set(self, at: datetime) -> datetime:
        """Go to a moment, earlier or later."""
        self.at = at
        return at


def number(n: int, platform: str = "taobao") -> str:
    """Give the n-th order number of a platform, in the shape that platform uses."""
    if platform == "pinduoduo":
        return f"261101-{n:015d}"
    if platform == "jd":
        return f"{290_000_000_000 + n}"
    return f"{3_816_000_000_000_000_000 + n}"


def order(n: int | str = 1, platform: str = "taobao", paid_fen: int | None = 10_000, **stated: Any) -> Order:
    """
    Give a finished order of 1 November, finished on the 5th, without shipping.

    Args:
        n: Its number, or the place of a made-up one.
        platform: Where it was placed.
        paid_fen: What was paid in all.
        stated: Other fields of `Order`; None leaves a field unstated.
    """
    fields: dict[str, Any] = {
        "platform": platform,
        "order_no": n if isinstance(n, str) else number(n, platform),
        "status": OrderStatus.FINISHED,
        "created_at": CREATED,
        "paid_at": CREATED,
        "finished_at": FINISHED,
        "modified_at": FINISHED,
        "paid_fen": paid_fen,
        "shipping_fen": 0,
    }
    fields.update(stated)
    return Order(**fields)


def refund(
    of: Order,
    amount_fen: int,
    *,
    refund_id: str = "r1",
    status: RefundStatus = RefundStatus.SUCCESS,
    modified_at: datetime | None = NOW,
    **stated: Any,
) -> Refund:
    """Give a refund of an order; successful unless said otherwise."""
    return Refund(
        platform=of.platform,
        order_no=of.order_no,
        refund_id=refund_id,
        status=status,
        amount_fen=amount_fen,
        modified_at=modified_at,
        **stated,
    )


def points_program(*rewards: Any, **settings: Any) -> Program:
    """Give a program with 1 point per yuan, spendable at once and for ever, unless rewards are named."""
    fields: dict[str, Any] = {"program_id": PROGRAM_ID, "rewards": rewards or (rules.PointsPerYuan("1"),)}
    fields.update(settings)
    return Program(**fields)


def section8_program(**changes: Any) -> Program:
    """Give the program of the design's section 8."""
    program = Program(
        program_id=PROGRAM_ID,
        timezone="Asia/Shanghai",
        eligibility=rules.Finished(within_days=90, minimum_fen=100),
        ownership="proof",
        rewards=[
            rules.PointsPerYuan("1", issue_after_days=15, expires_months=12),
            rules.GrowthPerYuan("1"),
            rules.Coupon("WELCOME20", once_per="member"),
            rules.StoredValuePercent("1"),
        ],
        tiers=rules.SpendTiers({"普通": 0, "白银": 200_000, "黄金": 500_000}, window_days=365),
        source_tags=rules.SourceTags(),
        on_refund=rules.ClawBack(shortfall="debt"),
    )
    return attrs.evolve(program, **changes) if changes else program


def right_proof(of: Order) -> Proof:
    """Give the proof that shows an order's buyer: its amount and its local day of payment."""
    assert of.paid_fen is not None
    assert of.paid_at is not None
    return Proof.amount_and_day(paid_fen=of.paid_fen, paid_on=of.paid_at.astimezone(SHANGHAI).date())


WRONG_PROOF = Proof.amount_and_day(paid_fen=1, paid_on=date(2026, 1, 1))


def claim_of(loyalty: Loyalty, member_id: str, of: Order, proof: Proof | None = None) -> ClaimResult:
    """Claim an order with the right proof, or with the one given."""
    return loyalty.claim(member_id, platform=of.platform, order_no=of.order_no, proof=proof or right_proof(of))


def convert(loyalty: Loyalty, member_id: str, *orders: Order) -> list[ClaimResult]:
    """Take orders in and claim each of them with the right proof; every one has to be created."""
    loyalty.ingest(orders)
    results = [claim_of(loyalty, member_id, each) for each in orders]
    assert all(result.created for result in results), [result.reasons for result in results]
    return results


def net_entries(loyalty: Loyalty, member_id: str) -> Mapping[tuple[str, str], int]:
    """Sum a member's ledger rows by asset and account, from the rows alone."""
    sums: Counter[tuple[str, str]] = Counter()
    after: str | None = None
    while True:
        page = loyalty.entries(member_id, limit=1000, after=after)
        for entry in page.items:
            sums[entry.asset, entry.account] += entry.amount
        after = page.next
        if after is None:
            return {place: amount for place, amount in sums.items() if amount}


def event_kinds(loyalty: Loyalty, *kinds: str) -> list[str]:
    """List the kinds of the pending events in their order, only those named when some are."""
    return [event.kind for event in loyalty.pending_events(limit=10_000) if not kinds or event.kind in kinds]


def assert_sound(*doors: Loyalty) -> None:
    """Check every invariant over the store of some doors."""
    for door in doors:
        report = door.verify()
        assert report.ok, report.violations


def all_items(read_page: Any, limit: int) -> list[Any]:
    """Walk a paged list, such as `lambda **page: loyalty.entries("m1", **page)`, to its end."""
    items: list[Any] = []
    after: str | None = None
    while True:
        page = read_page(limit=limit, after=after)
        assert len(page.items) <= limit
        items.extend(page.items)
        after = page.next
        if after is None:
            return items


def shuffled(items: Sequence[Any], order_of: Iterable[int]) -> list[Any]:
    """Give the items at some places, in the order of the places."""
    return [items[place] for place in order_of]
