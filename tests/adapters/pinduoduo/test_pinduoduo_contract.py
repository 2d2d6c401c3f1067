"""Pinduoduo keeps every promise of the adapter contract against its double, and orders finish by themselves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from crossloyalty.domain.orders import Line, Order, OrderStatus
from crossloyalty.domain.ownership import Proof
from crossloyalty.domain.reasons import Reason
from crossloyalty.testing import AdapterContract
from crossloyalty.testing import message_checks as messages
from crossloyalty.testing.adapter_kit import Stand
from crossloyalty.testing.doubles.pinduoduo import PinduoduoDouble, PinduoduoKit


class TestPinduoduo(PinduoduoKit, AdapterContract):
    """Pinduoduo; frames are unsigned, so what is tried of messages stands below."""


@pytest.mark.parametrize(
    "check",
    [
        messages.check_messages_lead_to_orders,
        messages.check_a_lost_answer_leads_to_one_effect,
        messages.check_a_message_storm_ends_like_calm,
    ],
    ids=lambda check: check.__name__,
)
def test_frames_do_what_messages_do(check: Callable[[PinduoduoKit], None]) -> None:
    """Frames lead to orders, come again until they are worked off, and end alike in a storm and in calm."""
    check(PinduoduoKit())


class _OneDay(PinduoduoKit):
    """Holds orders for a single day."""

    finish_days = 1


@pytest.mark.parametrize(("refunded", "points"), [(0, 98), (4_900, 49)])
def test_a_waiting_claim_converts_when_the_hold_is_over(refunded: int, points: int) -> None:
    """Received now and claimed at once, an order of ¥98.00 waits, and a day later becomes points for what is left."""
    with Stand.open(_OneDay()) as stand:
        received_at = stand.clock()
        order_no = PinduoduoDouble.order_number(1)
        stand.book.put(
            Order(
                platform="pinduoduo",
                order_no=order_no,
                status=OrderStatus.FINISHED,
                created_at=received_at - timedelta(days=3),
                paid_at=received_at - timedelta(days=3),
                # The double tells of a receipt seven days before this.
                finished_at=received_at + timedelta(days=7),
                modified_at=received_at,
                paid_fen=9_800,
                shipping_fen=0,
                lines=(Line(line_id="700000001", paid_fen=9_800, product_id="600000001", quantity=1),),
            )
        )
        stand.clock.move(minutes=10)
        stand.loyalty.sync(stand.source, since=received_at - timedelta(minutes=30))
        asked = stand.loyalty.claim("m1", platform="pinduoduo", order_no=order_no, proof=Proof.by_host("kit"))
        assert (asked.created, asked.reason) == (False, Reason.NOT_FINISHED)
        if refunded:
            stand.book.refund(order_no, at=stand.clock(), amount_fen=refunded)
        stand.clock.move(hours=23)
        stand.loyalty.sync(stand.source)
        assert stand.loyalty.claims("m1").items == ()
        stand.clock.move(hours=2)
        stand.loyalty.sync(stand.source)
        [claim] = stand.loyalty.claims("m1").items
        assert claim.net_fen == 9_800 - refunded
        assert stand.loyalty.member("m1").points == points
