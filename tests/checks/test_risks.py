"""D15, S4-15: a pattern of buying, keeping the points and sending back is told once, when it comes up."""

from __future__ import annotations

from typing import Any

from builders import Clock, assert_sound, day, event_kinds, order, points_program, refund

from crossloyalty import Loyalty, OrderStatus, Proof, RefundStatus, RiskCode, rules
from crossloyalty.application.ports import Storage


def door(storage: Storage, clock: Clock, **settings: Any) -> Loyalty:
    return Loyalty(points_program(**settings), storage, clock=clock)


def claim(loyalty: Loyalty, member_id: str, *numbers: int) -> None:
    for n in numbers:
        loyalty.ingest([order(n, buyer_id=None)])
        asked = {"platform": "taobao", "order_no": order(n).order_no, "proof": Proof.by_host("chat")}
        assert loyalty.claim(member_id, **asked).created


def told(loyalty: Loyalty) -> list[tuple[str, str, int]]:
    events = [each for each in loyalty.pending_events(limit=1_000) if each.kind == "risk.flagged"]
    return sorted((each.member_id, each.body["code"], each.body["count"]) for each in events)


def test_d15_the_third_refunded_claim_is_told_once(storage: Storage, clock: Clock) -> None:
    """Two are none, the third comes up, a fourth is no news; it is what `risk_flags` answers."""
    loyalty = door(storage, clock)
    claim(loyalty, "m1", 1, 2, 3, 4)
    loyalty.ingest([refund(order(n), 10_000) for n in (1, 2)])
    assert told(loyalty) == []
    loyalty.ingest([refund(order(3), 10_000)])
    assert told(loyalty) == [("m1", "REFUNDED_CLAIMS", 3)]
    loyalty.ingest([refund(order(4), 10_000)])
    loyalty.ingest([order(3, buyer_id=None, modified_at=day(19))])
    assert told(loyalty) == [("m1", "REFUNDED_CLAIMS", 3)]
    assert [(flag.code, flag.count) for flag in loyalty.risk_flags("m1")] == [(RiskCode.REFUNDED_CLAIMS, 4)]
    assert_sound(loyalty)


def test_d15_a_flag_that_went_down_may_come_up_again(storage: Storage, clock: Clock) -> None:
    """A payout that fails takes the claim off the count; the next refund is news again."""
    loyalty = door(storage, clock)
    claim(loyalty, "m1", 1, 2, 3)
    loyalty.ingest([refund(order(n), 10_000) for n in (1, 2, 3)])
    failed = refund(order(1), 10_000, status=RefundStatus.PAYOUT_FAILED, modified_at=day(21))
    loyalty.ingest([failed])
    assert loyalty.risk_flags("m1") == ()
    loyalty.ingest([refund(order(1), 10_000, refund_id="again", modified_at=day(22))])
    assert told(loyalty) == [("m1", "REFUNDED_CLAIMS", 3)] * 2
    assert_sound(loyalty)


def test_d15_refunds_on_the_day_of_the_order(storage: Storage, clock: Clock) -> None:
    """Claimed within a day of the order and sent back, three times: a flag of its own."""
    loyalty = door(storage, clock, eligibility=rules.Finished(within_days=30))
    now = clock()
    times = {"created_at": now, "paid_at": now, "finished_at": now, "modified_at": now}
    for n in (1, 2, 3):
        loyalty.ingest([order(n, buyer_id=None, **times)])
        assert loyalty.claim("m1", platform="taobao", order_no=order(n).order_no, proof=Proof.by_host("chat")).created
    loyalty.ingest([order(n, buyer_id=None, status=OrderStatus.CLOSED, **times) for n in (1, 2, 3)])
    assert told(loyalty) == [("m1", "REFUNDED_CLAIMS", 3), ("m1", "SAME_DAY_REFUNDS", 3)]
    assert [flag.code for flag in loyalty.risk_flags("m1")] == [RiskCode.REFUNDED_CLAIMS, RiskCode.SAME_DAY_REFUNDS]


def test_d15_debt_is_told_when_it_opens(storage: Storage, clock: Clock) -> None:
    """Owing more is no news; what was repaid and is owed again is."""
    loyalty = door(storage, clock)
    claim(loyalty, "m1", 1, 2, 3)
    loyalty.adjust("m1", asset="points", amount=-300, key="spent")
    loyalty.ingest([refund(order(1), 10_000)])
    loyalty.ingest([refund(order(2), 10_000)])
    assert told(loyalty) == [("m1", "DEBT", 100)]
    loyalty.adjust("m1", asset="points", amount=200, key="paid")
    assert loyalty.risk_flags("m1") == ()
    loyalty.ingest([refund(order(3), 5_000)])
    assert told(loyalty) == [("m1", "DEBT", 50), ("m1", "DEBT", 100)]
    assert_sound(loyalty)


def test_d15_a_dispute_takes_the_count_along(storage: Storage, clock: Clock) -> None:
    """A refunded claim that goes to its true buyer is no longer its first holder's."""
    loyalty = door(storage, clock)
    claim(loyalty, "m1", 1, 2, 3)
    loyalty.ingest([refund(order(n), 10_000) for n in (1, 2, 3)])
    call = {"platform": "taobao", "evidence": "ID card seen", "operator": "ann"}
    assert loyalty.dispute("m2", order_no=order(1).order_no, key="k", **call).done
    assert (loyalty.risk_flags("m1"), loyalty.risk_flags("m2")) == ((), ())
    assert_sound(loyalty)


def test_d5_members_that_become_one_are_counted_together(storage: Storage, clock: Clock) -> None:
    """Two and two make a pattern, told to the survivor; an un-merge gives each its own count, and tells nothing."""
    loyalty = door(storage, clock)
    claim(loyalty, "m1", 1, 2)
    claim(loyalty, "m2", 3, 4)
    loyalty.ingest([refund(order(n), 10_000) for n in (1, 2, 3, 4)])
    assert told(loyalty) == []
    loyalty.merge("m1", "m2", key="k1")
    assert told(loyalty) == [("m1", "REFUNDED_CLAIMS", 4)]
    assert_sound(loyalty)
    loyalty.unmerge("m2", key="k2")
    assert (loyalty.risk_flags("m1"), loyalty.risk_flags("m2")) == ((), ())
    assert_sound(loyalty)
    claim(loyalty, "m2", 5)
    loyalty.ingest([refund(order(5), 10_000)])
    assert told(loyalty) == [("m1", "REFUNDED_CLAIMS", 4), ("m2", "REFUNDED_CLAIMS", 3)]
    assert event_kinds(loyalty, "risk.flagged") == ["risk.flagged"] * 2
    assert_sound(loyalty)
