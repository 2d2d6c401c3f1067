"""Pinduoduo keeps every promise of the adapter contract against its double, and orders finish by themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import attrs
import pytest

from crossloyalty.adapters.pinduoduo import AsyncPinduoduoSource, PinduoduoSource
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.tokens import StoredTokens, Tokens, TokenStore
from crossloyalty.domain.orders import Line, Order, OrderStatus
from crossloyalty.domain.ownership import Proof
from crossloyalty.domain.reasons import Reason
from crossloyalty.testing import QUICK, AdapterContract
from crossloyalty.testing import message_checks as messages
from crossloyalty.testing.adapter_kit import Stand
from crossloyalty.testing.doubles.pinduoduo import PinduoduoDouble


def authorised(double: PinduoduoDouble, tokens: TokenStore) -> None:
    """Put the tokens of a merchant's authorisation into the store."""
    access, refresh = double.first_tokens()
    kept = Tokens(access=Secret(access), refresh=Secret(refresh))
    assert tokens.swap(double.platform, double.book.shop_id, 0, StoredTokens(version=1, tokens=kept))


class TestPinduoduo(AdapterContract):
    """Pinduoduo; frames are unsigned, so what is tried of messages stands below."""

    platform = "pinduoduo"
    # Windows hold 30 minutes at most: more days would only be more empty ones.
    days = 0.1
    finish_days = 7

    def number(self, place: int) -> str:
        return PinduoduoDouble.order_number(place)

    def make_double(self, book: Any, faults: Any, clock: Any) -> PinduoduoDouble:
        return PinduoduoDouble(book, faults=faults, clock=clock)

    def make_source(self, double: Any, *, tokens: TokenStore, clock: Any) -> PinduoduoSource:
        authorised(double, tokens)
        return PinduoduoSource(
            double.settings(message_channel=True, finish_days=self.finish_days),
            tokens=tokens,
            clock=clock,
            sleep=lambda _: None,
            options=QUICK,
        )

    def make_async_source(self, double: Any, *, tokens: TokenStore, clock: Any) -> AsyncPinduoduoSource:
        settings = double.settings(message_channel=True, finish_days=self.finish_days)
        return AsyncPinduoduoSource(settings, tokens=tokens, clock=clock, options=QUICK)

    def expected(self, order: Order) -> Mapping[str, Any] | None:
        # What was never paid counts nothing: the platform's figures are amounts due.
        if order.status is OrderStatus.UNPAID:
            order = attrs.evolve(order, paid_fen=0, shipping_fen=0)
        return super().expected(order)


@pytest.mark.parametrize(
    "check",
    [
        messages.check_messages_lead_to_orders,
        messages.check_a_lost_answer_leads_to_one_effect,
        messages.check_a_message_storm_ends_like_calm,
    ],
    ids=lambda check: check.__name__,
)
def test_frames_do_what_messages_do(check: Callable[[TestPinduoduo], None]) -> None:
    """Frames lead to orders, come again until they are worked off, and end alike in a storm and in calm."""
    check(TestPinduoduo())


class _OneDay(TestPinduoduo):
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
