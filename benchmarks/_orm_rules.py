"""
The program's rules as a team with an ORM writes them: plain functions on model instances, shared by both ORM versions.

They know nothing of a database; the versions differ in how they load and save. Instants are datetimes, amounts fen.
"""

from __future__ import annotations

import calendar
import hashlib
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from _handwritten import COUPON, FAMILIES, PROGRAM, TIERS, WINDOW_DAYS, Refused, Request

from crossloyalty import Order

_ZONE: Final = ZoneInfo("Asia/Shanghai")


class Grant(NamedTuple):
    """What one rule gives for one claim; rules are named like their assets."""

    asset: str
    amount: int
    issue_at: datetime
    expires_at: datetime | None
    event: str
    active: bool

    @property
    def account(self) -> str:
        return "balance" if self.active else "pending"

    @property
    def due_at(self) -> datetime | None:
        return self.expires_at if self.active else self.issue_at


def local_day(instant: datetime) -> date:
    return instant.astimezone(_ZONE).date()


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), _ZONE)


def net_of(order: Any, request: Request, now: datetime) -> int:
    """
    Give the net an order counts with, in fen.

    Raises:
        Refused: It may not be claimed, or not by this request.
    """
    if order.owner_id is not None:
        raise Refused("ALREADY_CLAIMED")
    if order.refunded_fen or order.refund_open:
        raise Refused("not in this workload")
    if order.status != "FINISHED":
        raise Refused("NOT_FINISHED")
    if order.kind != "NORMAL" or order.currency != "CNY":
        raise Refused("KIND_EXCLUDED")
    if order.paid_fen != order.shipping_fen + sum(line["paid_fen"] for line in order.lines):
        raise Refused("AMOUNT_MISMATCH")
    if request.paid_fen != order.paid_fen or request.paid_on != local_day(order.paid_at):
        raise Refused("AMOUNT_MISMATCH")
    if order.finished_at > now + timedelta(minutes=10):
        raise Refused("IN_FUTURE")
    if now >= _midnight(local_day(order.finished_at) + timedelta(days=91)):
        raise Refused("TOO_OLD")
    closed = ("CLOSED_UNPAID", "CLOSED_REFUNDED")
    net: int = sum(
        line["paid_fen"] for line in order.lines if not line["is_free_gift"] and line["status"] not in closed
    )
    if net < 100:
        raise Refused("BELOW_MINIMUM")
    return net


def grants_of(net_fen: int, finished_at: datetime, at: datetime, *, coupon: bool) -> list[Grant]:
    """
    Give what the rules give for a net amount, in their order.

    Args:
        coupon: Whether the member has not had the coupon yet.
    """
    yuan = net_fen // 100
    issue_at = max(at, _midnight(local_day(finished_at) + timedelta(days=15)))
    active = issue_at <= at
    first = local_day(issue_at)
    last = calendar.monthrange(first.year + 1, first.month)[1]
    expires_at = _midnight(date(first.year + 1, first.month, min(first.day, last)) + timedelta(days=1))
    given = [
        Grant("points", yuan, issue_at, expires_at, "points.issued" if active else "points.pending", active),
        Grant("growth", yuan, at, None, "growth.changed", active=True),
    ]
    if coupon:
        given.append(Grant(COUPON, 1, at, None, "coupon.issued", active=True))
    given.append(Grant("stored_value", yuan, at, None, "stored_value.issued", active=True))
    return given


def next_entry(member: Any, account: Any, grant: Grant, order: Any, at: datetime) -> dict[str, Any]:
    """Add to an account and to the member's chain; give the fields of the entry."""
    account.balance += grant.amount
    account.seq += 1
    member.entry_seq += 1
    fields = {
        "seq": member.entry_seq,
        "asset": grant.asset,
        "account": grant.account,
        "account_seq": account.seq,
        "amount": grant.amount,
        "balance_after": account.balance,
        "kind": "grant",
        "lot_no": member.entry_seq,
        "family": order.family,
        "order_no": order.order_no,
        "rule_id": grant.asset,
        "at": at,
    }
    member.entry_hash = fields["hash"] = _chained(member.entry_hash, PROGRAM, member.member_id, *fields.values())
    return fields


def next_event(member: Any, kind: str, body: dict[str, Any], at: datetime) -> dict[str, Any]:
    """Add to the member's chain of events; give the fields of the event."""
    member.event_seq += 1
    fields = {"seq": member.event_seq, "kind": kind, "at": at, "body": body}
    member.event_hash = fields["hash"] = _chained(member.event_hash, PROGRAM, member.member_id, *fields.values())
    return fields


def _chained(before: str, *fields: object) -> str:
    return hashlib.sha256("\x1f".join(map(str, (before, *fields))).encode()).hexdigest()


def soonest(*instants: datetime | None) -> datetime | None:
    return min((instant for instant in instants if instant is not None), default=None)


def window(today: date) -> tuple[date, date]:
    """Give the first and the last day whose spend counts for the tier."""
    return today - timedelta(days=WINDOW_DAYS - 1), today


def retier(member: Any, spent_fen: int, today: date) -> dict[str, Any] | None:
    """Raise the member's tier to what the spend of the window reaches; give the body of the event, if there is one."""
    before = member.tier
    held = [name for name, _ in member.qualifications]
    # Assigned anew, because neither ORM notices a change inside a JSON value.
    member.qualifications = member.qualifications + [
        [name, today.isoformat()] for name, line in TIERS if 0 < line <= spent_fen and name not in held
    ]
    names = [name for name, _ in TIERS]
    reached = dict(member.qualifications)
    member.tier = max(reached, key=names.index, default=names[0])
    if reached:
        member.tier_on = date.fromisoformat(reached[member.tier])
        first = date.fromisoformat(min(reached.values()))
        member.next_due_at = soonest(member.next_due_at, _midnight(first + timedelta(days=WINDOW_DAYS)))
    if member.tier == (before or names[0]):
        return None
    return {"from": before or names[0], "to": member.tier, "on": today.isoformat()}


def grant_bodies(grants: Iterable[Grant]) -> list[dict[str, Any]]:
    """Give the document a claim keeps of what it gave."""
    return [{"rule": grant.asset, "granted": grant.amount} for grant in grants]


def order_fields(order: Order) -> dict[str, Any]:
    """Give an order as both ORM versions store it; those of the workload state everything."""
    assert order.status is not None
    assert order.lines is not None
    return {
        "program": PROGRAM,
        "family": FAMILIES[order.platform],
        "order_no": order.order_no,
        "platform": order.platform,
        "shop_id": order.shop_id,
        "status": order.status.value,
        "created_at": order.created_at,
        "paid_at": order.paid_at,
        "finished_at": order.finished_at,
        "paid_fen": order.paid_fen,
        "shipping_fen": order.shipping_fen,
        "lines": [
            {
                "line_id": line.line_id,
                "status": line.status and line.status.value,
                "paid_fen": line.paid_fen,
                "product_id": line.product_id,
                "quantity": line.quantity,
                "is_free_gift": False,
            }
            for line in order.lines
        ],
    }
