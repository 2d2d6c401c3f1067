"""Quotes: the answer a claim would get, with nothing written."""

from __future__ import annotations

import attrs
import pytest
from builders import Clock, claim_of, order, points_program, refund

from crossloyalty import Loyalty, Order, Reason, RefundStatus
from crossloyalty.storage.memory import MemoryStorage
from crossloyalty.testing import dump

PROGRAM = points_program()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def storage() -> MemoryStorage:
    return MemoryStorage()


@pytest.fixture
def loyalty(storage: MemoryStorage, clock: Clock) -> Loyalty:
    return Loyalty(PROGRAM, storage, clock=clock)


def test_an_order_of_somebody_else_is_quoted_as_claimed(loyalty: Loyalty, storage: MemoryStorage, clock: Clock) -> None:
    """Also where the host knows more of it than the store, so that its holder's claim would change."""
    of = order(1, finished_at=clock())
    loyalty.ingest([of])
    assert claim_of(loyalty, "m2", of).created
    before = dump(storage, PROGRAM.program_id)
    clock.move(hours=1)
    newer = order(1, finished_at=clock(), modified_at=clock(), refunded_fen=100)
    for told in (of, newer):
        quoted = loyalty.quote("m1", told)
        assert quoted.reasons[0] is Reason.ALREADY_CLAIMED
        assert not quoted.granted
    loyalty.merge("a", "m2", key="k")
    assert loyalty.quote("m1", newer).reasons[0] is Reason.ALREADY_CLAIMED
    assert loyalty.quote("m2", newer).reasons[0] is Reason.ALREADY_CLAIMED_BY_YOU
    loyalty.unmerge("m2", key="l")
    assert dump(storage, PROGRAM.program_id)["claims"] == before["claims"]


def with_buyer(of: Order, buyer_id: str) -> Order:
    return attrs.evolve(of, buyer_id=buyer_id)


@pytest.mark.parametrize("known", [True, False])
def test_a_denied_buyer_is_quoted_nothing(loyalty: Loyalty, clock: Clock, known: bool) -> None:
    of = with_buyer(order(1, finished_at=clock()), "b1")
    assert loyalty.quote("m1", of).granted
    loyalty.block_buyer(platform=of.platform, buyer_id="b1", reason="brushing", key="k")
    if known:
        loyalty.ingest([of])
    quoted = loyalty.quote("m1", of)
    assert (quoted.reasons, quoted.granted) == ((Reason.MEMBER_BLOCKED,), ())


@pytest.mark.parametrize("known", [True, False])
def test_a_buyer_of_somebody_else_is_quoted_for_them_alone(loyalty: Loyalty, clock: Clock, known: bool) -> None:
    of = with_buyer(order(1, finished_at=clock()), "b1")
    loyalty.bind("m2", platform=of.platform, buyer_id="b1")
    if known:
        loyalty.ingest([of])
    assert not loyalty.quote("m1", of).granted
    assert loyalty.quote("m2", of).granted


def test_an_open_refund_is_quoted_as_it_is_claimed(loyalty: Loyalty, clock: Clock) -> None:
    of = order(1, finished_at=clock())
    loyalty.ingest([of, refund(of, 100, status=RefundStatus.OPEN)])
    quoted = loyalty.quote("m1", of)
    claimed = claim_of(loyalty, "m1", of)
    assert (quoted.reasons, quoted.granted) == (claimed.reasons, claimed.granted)
