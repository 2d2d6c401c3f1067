"""One service function inside `atomic()`: rows locked by `select_for_update`, the rest by the manager's own methods."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from _handwritten import COUPON, FAMILIES, PROGRAM, Request, lane_of
from _orm_rules import grant_bodies, grants_of, local_day, net_of, next_entry, next_event, retier, soonest, window
from django.db import transaction
from django.db.models import F, Sum
from django.db.models.functions import Greatest, Least

from _django_orm.models import Account, Claim, Delivery, Entry, Event, Lot, Member, MemberGift, Order, SpendDay, Tag


def claim_order(request: Request, now: datetime, *, using: str) -> Claim:
    """Convert one order for a member."""
    with transaction.atomic(using=using):
        order = (
            Order.objects.using(using)
            .select_for_update()
            .get(program=PROGRAM, family=FAMILIES[request.platform], order_no=request.order_no)
        )
        net_fen = net_of(order, request, now)
        member, _ = (
            Member.objects.using(using)
            .select_for_update()
            .get_or_create(program=PROGRAM, member_id=request.member_id, defaults={"created_at": now, "last_at": now})
        )
        return _settle(order, member, net_fen, now, using=using)


def _settle(order: Order, member: Member, net_fen: int, now: datetime, *, using: str) -> Claim:
    at = member.last_at = max(now, member.last_at)
    tier_before = member.tier
    events: list[Event] = []

    def emit(kind: str, body: dict[str, Any]) -> None:
        events.append(Event(member=member, **next_event(member, kind, body, at)))

    gift, first = MemberGift.objects.using(using).get_or_create(
        member=member, rule_id=COUPON, defaults={"claims": 1, "lot_no": member.entry_seq + 3}
    )
    if not first:
        gift.claims += 1
        gift.save(update_fields=["claims"])
    grants = grants_of(net_fen, order.finished_at, at, coupon=first)
    day = local_day(order.finished_at)
    claim = Claim.objects.using(using).create(
        order=order,
        member=member,
        state="GRANTED" if all(grant.active for grant in grants) else "PENDING_ISSUE",
        via="proof",
        requested_at=now,
        claimed_at=at,
        effective_at=order.finished_at,
        spend_day=day,
        net_fen=net_fen,
        gross_fen=net_fen,
        tier_before=tier_before,
        grants=grant_bodies(grants),
    )

    accounts = {(account.asset, account.account): account for account in member.accounts.all()}
    entries, lots, opened, changed = [], [], [], []
    for grant in grants:
        account = accounts.get((grant.asset, grant.account))
        if account is None:
            account = Account(member=member, asset=grant.asset, account=grant.account)
            opened.append(account)
        else:
            changed.append(account)
        entry = Entry(member=member, **next_entry(member, account, grant, order, at))
        entries.append(entry)
        lots.append(
            Lot(
                member=member,
                lot_no=entry.seq,
                asset=grant.asset,
                state="ACTIVE" if grant.active else "PENDING",
                granted=grant.amount,
                remaining=grant.amount,
                issue_at=grant.issue_at,
                expires_at=grant.expires_at,
                due_at=grant.due_at,
                claim=claim,
            )
        )
        member.next_due_at = soonest(member.next_due_at, grant.due_at)
        emit(
            grant.event,
            {
                "asset": grant.asset,
                "amount": grant.amount,
                "lot_no": entry.seq,
                "family": order.family,
                "order_no": order.order_no,
            },
        )
        if grant.asset == COUPON:
            Delivery.objects.using(using).create(
                member=member,
                seq=entry.seq,
                gateway="default",
                lane=lane_of(member.member_id),
                kind="coupon.issue",
                delivery_key=f"{PROGRAM}/{member.member_id}/{entry.seq}",
                payload={"code": "WELCOME20", "lot_no": entry.seq},
                state="PENDING",
                next_due_at=at,
                created_at=at,
            )
    Account.objects.using(using).bulk_create(opened)
    for account in changed:
        account.save(update_fields=["balance", "seq"])
    Entry.objects.using(using).bulk_create(entries)
    Lot.objects.using(using).bulk_create(lots)

    # The member is locked, so nobody else counts here: no need of update_or_create and its savepoints.
    if not member.spend_days.filter(day=day).update(spend_fen=F("spend_fen") + net_fen):
        SpendDay.objects.using(using).create(member=member, day=day, spend_fen=net_fen)
    finished_at = order.finished_at
    if not member.tags.filter(tag=order.platform).update(
        claims=F("claims") + 1,
        net_fen=F("net_fen") + net_fen,
        first_at=Least(F("first_at"), finished_at),
        last_at=Greatest(F("last_at"), finished_at),
    ):
        Tag.objects.using(using).create(
            member=member, tag=order.platform, claims=1, net_fen=net_fen, first_at=finished_at, last_at=finished_at
        )
        emit("tag.added", {"tag": f"source:{order.platform}"})
    today = local_day(at)
    spent = member.spend_days.filter(day__range=window(today)).aggregate(total=Sum("spend_fen"))["total"]
    if (upgrade := retier(member, spent or 0, today)) is not None:
        emit("tier.upgraded", upgrade)
    emit(
        "claim.granted",
        {"family": order.family, "order_no": order.order_no, "state": claim.state, "net_fen": net_fen},
    )
    Event.objects.using(using).bulk_create(events)
    order.owner = member
    order.save(update_fields=["owner"])
    member.save()
    return claim
