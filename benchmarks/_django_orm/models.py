"""The tables of a loyalty app, as a Django developer lays them out."""

from __future__ import annotations

from django.db import models


class Member(models.Model):
    program = models.CharField(max_length=64)
    member_id = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    last_at = models.DateTimeField()
    next_due_at = models.DateTimeField(null=True, db_index=True)
    tier = models.CharField(max_length=32, default="")
    tier_on = models.DateField(null=True)
    qualifications = models.JSONField(default=list)
    entry_seq = models.BigIntegerField(default=0)
    entry_hash = models.CharField(max_length=64, default="")
    event_seq = models.BigIntegerField(default=0)
    event_hash = models.CharField(max_length=64, default="")
    blocked_reason = models.CharField(max_length=64, default="")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["program", "member_id"], name="one_member"),)


class Order(models.Model):
    program = models.CharField(max_length=64)
    family = models.CharField(max_length=20)
    order_no = models.CharField(max_length=64)
    platform = models.CharField(max_length=20)
    shop_id = models.CharField(max_length=64)
    status = models.CharField(max_length=20)
    kind = models.CharField(max_length=20, default="NORMAL")
    currency = models.CharField(max_length=3, default="CNY")
    created_at = models.DateTimeField()
    paid_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    paid_fen = models.BigIntegerField()
    shipping_fen = models.BigIntegerField(default=0)
    refunded_fen = models.BigIntegerField(default=0)
    refund_open = models.BooleanField(default=False)
    lines = models.JSONField()
    owner = models.ForeignKey(Member, models.PROTECT, null=True, related_name="orders")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["program", "family", "order_no"], name="one_order"),)


class Claim(models.Model):
    order = models.OneToOneField(Order, models.PROTECT)  # an order is claimed once
    member = models.ForeignKey(Member, models.PROTECT, related_name="claims")
    state = models.CharField(max_length=20)
    via = models.CharField(max_length=20)
    requested_at = models.DateTimeField()
    claimed_at = models.DateTimeField()
    effective_at = models.DateTimeField()
    spend_day = models.DateField()
    net_fen = models.BigIntegerField()
    gross_fen = models.BigIntegerField()
    tier_before = models.CharField(max_length=32)
    grants = models.JSONField()


class Account(models.Model):
    member = models.ForeignKey(Member, models.PROTECT, related_name="accounts")
    asset = models.CharField(max_length=64)
    account = models.CharField(max_length=20)
    balance = models.BigIntegerField(default=0)
    seq = models.BigIntegerField(default=0)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["member", "asset", "account"], name="one_account"),)


class Entry(models.Model):
    member = models.ForeignKey(Member, models.PROTECT, related_name="entries")
    seq = models.BigIntegerField()
    asset = models.CharField(max_length=64)
    account = models.CharField(max_length=20)
    account_seq = models.BigIntegerField()
    amount = models.BigIntegerField()
    balance_after = models.BigIntegerField()
    kind = models.CharField(max_length=20)
    lot_no = models.BigIntegerField()
    family = models.CharField(max_length=20)
    order_no = models.CharField(max_length=64)
    rule_id = models.CharField(max_length=64)
    at = models.DateTimeField()
    hash = models.CharField(max_length=64)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["member", "seq"], name="one_entry"),)


class Lot(models.Model):
    member = models.ForeignKey(Member, models.PROTECT, related_name="lots")
    lot_no = models.BigIntegerField()
    asset = models.CharField(max_length=64)
    state = models.CharField(max_length=20)
    granted = models.BigIntegerField()
    remaining = models.BigIntegerField()
    issue_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True, db_index=True)
    claim = models.ForeignKey(Claim, models.PROTECT, related_name="lots")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["member", "lot_no"], name="one_lot"),)


class SpendDay(models.Model):
    member = models.ForeignKey(Member, models.PROTECT, related_name="spend_days")
    day = models.DateField()
    spend_fen = models.BigIntegerField(default=0)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["member", "day"], name="one_spend_day"),)


class Tag(models.Model):
    member = models.ForeignKey(Member, models.PROTECT, related_name="tags")
    tag = models.CharField(max_length=64)
    claims = models.BigIntegerField()
    net_fen = models.BigIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["member", "tag"], name="one_tag"),)


class MemberGift(models.Model):
    """A reward that exists once per member, and how many claims stand behind it."""

    member = models.ForeignKey(Member, models.PROTECT, related_name="gifts")
    rule_id = models.CharField(max_length=64)
    claims = models.BigIntegerField()
    lot_no = models.BigIntegerField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["member", "rule_id"], name="one_gift"),)


class Delivery(models.Model):
    member = models.ForeignKey(Member, models.PROTECT, related_name="deliveries")
    seq = models.BigIntegerField()
    gateway = models.CharField(max_length=64)
    lane = models.IntegerField()
    kind = models.CharField(max_length=64)
    delivery_key = models.CharField(max_length=200, unique=True)
    payload = models.JSONField()
    state = models.CharField(max_length=20, db_index=True)
    attempt_no = models.IntegerField(default=0)
    next_due_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()


class Event(models.Model):
    member = models.ForeignKey(Member, models.PROTECT, related_name="events")
    seq = models.BigIntegerField()
    kind = models.CharField(max_length=64)
    at = models.DateTimeField()
    body = models.JSONField()
    hash = models.CharField(max_length=64)
    pending = models.BooleanField(default=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["member", "seq"], name="one_event"),)
        indexes = (models.Index(fields=["at"], condition=models.Q(pending=True), name="pending_events"),)
