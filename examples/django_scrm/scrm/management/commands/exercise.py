"""Goes the whole road once and checks what it prints."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from crossloyalty import Order, OrderStatus, Proof
from scrm.loyalty import PROGRAM, door
from scrm.models import ClaimLog, MemberProfile
from scrm.services import claim_order

PROGRAM_ZONE = ZoneInfo(PROGRAM.timezone)
FIRST, SECOND, UNKNOWN = "3816123456789012345", "3816123456789012352", "3816123456789012369"


def order(order_no: str, finished_at: datetime) -> Order:
    return Order(
        platform="taobao",
        order_no=order_no,
        status=OrderStatus.FINISHED,
        paid_at=finished_at - timedelta(days=3),
        finished_at=finished_at,
        paid_fen=29_900,
    )


class Command(BaseCommand):
    """`manage.py exercise`."""

    help = "Claims a few orders and checks the outcome."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run it."""
        loyalty = door()
        finished_at = timezone.now() - timedelta(days=1)
        loyalty.ingest([order(FIRST, finished_at), order(SECOND, finished_at)])

        # 1. Through the host's view: the claim and the host's rows in one transaction.
        paid_on = timezone.localtime(finished_at - timedelta(days=3), PROGRAM_ZONE).date()
        asked = {"order_no": FIRST, "paid_fen": 29_900, "paid_on": paid_on.isoformat()}
        answer = Client().post("/members/m1/claims/", json.dumps(asked), content_type="application/json").json()
        assert (answer["created"], answer["points"]) == (True, 299), answer
        assert ClaimLog.objects.count() == 1
        self.say("claimed with the host's rows", f"{answer['points']} points")

        # 2. The host rolls back: nothing of ours stays, and the order can be claimed again.
        try:
            with transaction.atomic():
                undone = loyalty.claim("m1", platform="taobao", order_no=SECOND, proof=Proof.by_host("chat"))
                assert undone.created  # provisional, until the host commits
                raise RuntimeError("the host changes its mind")
        except RuntimeError:
            pass
        assert loyalty.member("m1").points == 299
        assert not [view for view in loyalty.claims("m1").items if view.order_no == SECOND]
        self.say("rolled back by the host", f"{loyalty.member('m1').points} points as before")

        # 3. A business "no" leaves the host's transaction alone: its rows are kept.
        refused = claim_order("m2", UNKNOWN, Proof.none())
        assert not refused.created
        assert MemberProfile.objects.filter(member_id="m2").exists()
        assert ClaimLog.objects.count() == 2
        self.say("a no, and the host's rows are kept", refused.explain("zh").splitlines()[0])

        # 4. The order of step 2 goes to whoever claims it first for good.
        assert claim_order("m2", SECOND, Proof.by_host("chat")).points == 299
        assert not claim_order("m1", SECOND, Proof.by_host("chat")).created
        assert loyalty.verify().ok
        self.say("once for ever", f"checked on {connection.vendor}")

    def say(self, what: str, outcome: str) -> None:
        self.stdout.write(f"{what}: {outcome}")
