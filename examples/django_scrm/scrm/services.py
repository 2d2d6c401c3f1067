"""What the host does with an order number that a member typed."""

from __future__ import annotations

import time

from django.db import transaction

from crossloyalty import ClaimResult, Proof
from crossloyalty.errors import HostTransactionLost
from scrm.loyalty import door
from scrm.models import ClaimLog, MemberProfile

TRIES = 5


def claim_order(member_id: str, order_no: str, proof: Proof) -> ClaimResult:
    """Claim an order and note it in the host's log: both or neither."""
    loyalty = door()  # outside of atomic(): what it publishes is not to be undone with a claim
    for tries in range(TRIES):
        try:
            with transaction.atomic():
                member, _ = MemberProfile.objects.get_or_create(
                    member_id=member_id, defaults={"nickname": member_id.upper()}
                )
                result = loyalty.claim(member_id, platform="taobao", order_no=order_no, proof=proof)
                # A "no" is an answer and no error: the host's rows are kept.
                ClaimLog.objects.create(member=member, order_no=order_no, answer=result.explain("zh")[:200])
        except HostTransactionLost:
            # A deadlock or a time-out. The block has rolled back, the host's rows too: start it again from its begin.
            if tries == TRIES - 1:
                raise
            time.sleep(0.05 * 2**tries)
        else:
            return result  # only now, behind the commit, is it true
    raise AssertionError("unreachable")
