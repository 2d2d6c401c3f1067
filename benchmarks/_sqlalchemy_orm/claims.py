"""One service function on a session: rows locked by `with_for_update`, the unit of work sends the rest in sets."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from _handwritten import COUPON, FAMILIES, PROGRAM, Request, lane_of
from _orm_rules import grant_bodies, grants_of, local_day, net_of, next_entry, next_event, retier, soonest, window
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from _sqlalchemy_orm.models import Account, Claim, Delivery, Entry, Event, Lot, Member, MemberGift, Order, SpendDay, Tag


def claim_order(session: Session, request: Request, now: datetime) -> Claim:
    """Convert one order for a member; the caller's `session.begin()` commits."""
    order = session.scalars(
        select(Order)
        .filter_by(program=PROGRAM, family=FAMILIES[request.platform], order_no=request.order_no)
        .with_for_update()
    ).one()
    net_fen = net_of(order, request, now)
    member = _member(session, request.member_id, now)
    return _settle(session, order, member, net_fen, now)


def _member(session: Session, member_id: str, now: datetime) -> Member:
    """Lock the member, or begin one."""
    locked = select(Member).filter_by(program=PROGRAM, member_id=member_id).with_for_update()
    member = session.scalars(locked).one_or_none()
    if member is not None:
        return member
    member = Member(
        program=PROGRAM,
        member_id=member_id,
        created_at=now,
        last_at=now,
        tier="",
        qualifications=[],
        entry_seq=0,
        entry_hash="",
        event_seq=0,
        event_hash="",
    )
    try:
        with session.begin_nested():
            session.add(member)
    except IntegrityError:  # somebody else was first
        return session.scalars(locked).one()
    return member


def _settle(session: Session, order: Order, member: Member, net_fen: int, now: datetime) -> Claim:
    at = member.last_at = max(now, member.last_at)
    tier_before = member.tier

    def emit(kind: str, body: dict[str, Any]) -> None:
        session.add(Event(member=member, **next_event(member, kind, body, at)))

    with session.no_autoflush:
        gift = session.get(MemberGift, (member.id, COUPON))
        first = gift is None
        if gift is None:
            session.add(MemberGift(member=member, rule_id=COUPON, claims=1, lot_no=member.entry_seq + 3))
        else:
            gift.claims += 1
        grants = grants_of(net_fen, order.finished_at, at, coupon=first)
        day = local_day(order.finished_at)
        claim = Claim(
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
        session.add(claim)

        held = session.scalars(select(Account).filter_by(member_id=member.id))
        accounts = {(account.asset, account.account): account for account in held}
        for grant in grants:
            account = accounts.get((grant.asset, grant.account))
            if account is None:
                account = Account(member=member, asset=grant.asset, account=grant.account, balance=0, seq=0)
                session.add(account)
            entry = Entry(member=member, **next_entry(member, account, grant, order, at))
            session.add(entry)
            session.add(
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
                session.add(
                    Delivery(
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
                )

        spend_day = session.get(SpendDay, (member.id, day))
        if spend_day is None:
            session.add(SpendDay(member=member, day=day, spend_fen=net_fen))
        else:
            spend_day.spend_fen += net_fen
        tag = session.get(Tag, (member.id, order.platform))
        finished_at = order.finished_at
        if tag is None:
            session.add(
                Tag(
                    member=member,
                    tag=order.platform,
                    claims=1,
                    net_fen=net_fen,
                    first_at=finished_at,
                    last_at=finished_at,
                )
            )
            emit("tag.added", {"tag": f"source:{order.platform}"})
        else:
            tag.claims += 1
            tag.net_fen += net_fen
            tag.first_at = min(tag.first_at, finished_at)
            tag.last_at = max(tag.last_at, finished_at)
        order.owner = member

        today = local_day(at)
        total = select(func.sum(SpendDay.spend_fen)).where(
            SpendDay.member_id == member.id, SpendDay.day.between(*window(today))
        )
        # The spend of this claim is not flushed yet, so that everything is written in one flush.
        spent = int(session.scalar(total) or 0) + (net_fen if window(today)[0] <= day else 0)
        if (upgrade := retier(member, spent, today)) is not None:
            emit("tier.upgraded", upgrade)
        emit(
            "claim.granted",
            {"family": order.family, "order_no": order.order_no, "state": claim.state, "net_fen": net_fen},
        )
    return claim
