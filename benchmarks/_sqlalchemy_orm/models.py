"""The tables of a loyalty service, as a SQLAlchemy developer lays them out."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, DateTime, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    """Says how the types of the annotations are stored."""

    type_annotation_map: ClassVar = {
        int: BigInteger,
        str: String(64),
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSON,
        list[Any]: JSON,
    }


class Member(Base):
    __tablename__ = "members"
    __table_args__ = (UniqueConstraint("program", "member_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    program: Mapped[str]
    member_id: Mapped[str]
    created_at: Mapped[datetime]
    last_at: Mapped[datetime]
    next_due_at: Mapped[datetime | None] = mapped_column(index=True)
    tier: Mapped[str] = mapped_column(default="")
    tier_on: Mapped[date | None]
    qualifications: Mapped[list[Any]]
    entry_seq: Mapped[int] = mapped_column(default=0)
    entry_hash: Mapped[str] = mapped_column(default="")
    event_seq: Mapped[int] = mapped_column(default=0)
    event_hash: Mapped[str] = mapped_column(default="")
    blocked_reason: Mapped[str] = mapped_column(default="")


class Order(Base):
    __tablename__ = "orders"
    __table_args__ = (UniqueConstraint("program", "family", "order_no"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    program: Mapped[str]
    family: Mapped[str]
    order_no: Mapped[str]
    platform: Mapped[str]
    shop_id: Mapped[str]
    status: Mapped[str]
    kind: Mapped[str] = mapped_column(default="NORMAL")
    currency: Mapped[str] = mapped_column(default="CNY")
    created_at: Mapped[datetime]
    paid_at: Mapped[datetime]
    finished_at: Mapped[datetime]
    paid_fen: Mapped[int]
    shipping_fen: Mapped[int] = mapped_column(default=0)
    refunded_fen: Mapped[int] = mapped_column(default=0)
    refund_open: Mapped[bool] = mapped_column(default=False)
    lines: Mapped[list[Any]]
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("members.id"), index=True)
    owner: Mapped[Member | None] = relationship()


class Claim(Base):
    __tablename__ = "claims"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), unique=True)  # an order is claimed once
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"), index=True)
    state: Mapped[str]
    via: Mapped[str]
    requested_at: Mapped[datetime]
    claimed_at: Mapped[datetime]
    effective_at: Mapped[datetime]
    spend_day: Mapped[date]
    net_fen: Mapped[int]
    gross_fen: Mapped[int]
    tier_before: Mapped[str]
    grants: Mapped[list[Any]]
    order: Mapped[Order] = relationship()
    member: Mapped[Member] = relationship()


class Account(Base):
    __tablename__ = "accounts"
    __table_args__ = (UniqueConstraint("member_id", "asset", "account"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"))
    asset: Mapped[str]
    account: Mapped[str]
    balance: Mapped[int]
    seq: Mapped[int]
    member: Mapped[Member] = relationship()


class Entry(Base):
    __tablename__ = "entries"
    __table_args__ = (UniqueConstraint("member_id", "seq"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"))
    seq: Mapped[int]
    asset: Mapped[str]
    account: Mapped[str]
    account_seq: Mapped[int]
    amount: Mapped[int]
    balance_after: Mapped[int]
    kind: Mapped[str]
    lot_no: Mapped[int]
    family: Mapped[str]
    order_no: Mapped[str]
    rule_id: Mapped[str]
    at: Mapped[datetime]
    hash: Mapped[str]
    member: Mapped[Member] = relationship()


class Lot(Base):
    __tablename__ = "lots"
    __table_args__ = (UniqueConstraint("member_id", "lot_no"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"))
    lot_no: Mapped[int]
    asset: Mapped[str]
    state: Mapped[str]
    granted: Mapped[int]
    remaining: Mapped[int]
    issue_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None] = mapped_column(index=True)
    claim_id: Mapped[int] = mapped_column(ForeignKey("claims.id"), index=True)
    member: Mapped[Member] = relationship()
    claim: Mapped[Claim] = relationship()


class SpendDay(Base):
    __tablename__ = "spend_days"

    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    spend_fen: Mapped[int]
    member: Mapped[Member] = relationship()


class Tag(Base):
    __tablename__ = "tags"

    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"), primary_key=True)
    tag: Mapped[str] = mapped_column(primary_key=True)
    claims: Mapped[int]
    net_fen: Mapped[int]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    member: Mapped[Member] = relationship()


class MemberGift(Base):
    """A reward that exists once per member, and how many claims stand behind it."""

    __tablename__ = "member_gifts"

    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"), primary_key=True)
    rule_id: Mapped[str] = mapped_column(primary_key=True)
    claims: Mapped[int]
    lot_no: Mapped[int]
    member: Mapped[Member] = relationship()


class Delivery(Base):
    __tablename__ = "deliveries"

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"), index=True)
    seq: Mapped[int]
    gateway: Mapped[str]
    lane: Mapped[int]
    kind: Mapped[str]
    delivery_key: Mapped[str] = mapped_column(String(200), unique=True)
    payload: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(index=True)
    attempt_no: Mapped[int] = mapped_column(default=0)
    next_due_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    member: Mapped[Member] = relationship()


class Event(Base):
    __tablename__ = "events"
    __table_args__ = (
        UniqueConstraint("member_id", "seq"),
        Index("pending_events", "at", postgresql_where=text("pending")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"))
    seq: Mapped[int]
    kind: Mapped[str]
    at: Mapped[datetime]
    body: Mapped[dict[str, Any]]
    hash: Mapped[str]
    pending: Mapped[bool] = mapped_column(default=True)
    member: Mapped[Member] = relationship()
