"""S4-1, S4-3, S4-14, S4-15, D15: states of customers, deny list, staff, and what is worth a look."""

from __future__ import annotations

import pytest
from builders import NOW, Clock, assert_sound, claim_of, convert, day, order, points_program, refund

from crossloyalty import CustomerState, Identity, Loyalty, PhoneIndex, Reason, RiskCode, rules
from crossloyalty.application.ports import Storage
from crossloyalty.errors import InvalidInput
from crossloyalty.testing import dump


@pytest.fixture
def loyalty(storage: Storage, clock: Clock) -> Loyalty:
    return Loyalty(points_program(), storage, clock=clock)


def test_s4_1_states_change_on_their_day(loyalty: Loyalty, clock: Clock) -> None:
    """No order, one, two; 90 days of 24 hours behind the last one they sleep, 365 behind it they are lost."""
    assert loyalty.customer_state("m1") is CustomerState.PROSPECT
    convert(loyalty, "m1", order(1))
    assert loyalty.customer_state("m1") is CustomerState.NEW
    convert(loyalty, "m1", order(2, "jd"))
    assert loyalty.customer_state("m1") is CustomerState.ACTIVE
    clock.set(day(5))
    for days, seconds, state in [
        (90, -1, CustomerState.ACTIVE),
        (0, 1, CustomerState.SLEEPING),
        (275, -1, CustomerState.SLEEPING),
        (0, 1, CustomerState.LOST),
    ]:
        clock.move(days=days, seconds=seconds)
        assert loyalty.customer_state("m1") is state
    assert loyalty.customer_state("m1", lost_days=366).word("zh") == "沉睡客户"
    loyalty.ingest([refund(order(1), 10_000), refund(order(2, "jd"), 10_000, refund_id="r2")])
    assert loyalty.customer_state("m1") is CustomerState.PROSPECT


def test_s4_1_nobody_is_lost_before_they_sleep(loyalty: Loyalty) -> None:
    """Figures that contradict each other, and figures out of range, are errors."""
    for figures in ({"active_days": 90, "lost_days": 89}, {"active_days": 0}, {"lost_days": 40_000}):
        with pytest.raises(InvalidInput):
            loyalty.customer_state("m1", **figures)


def test_s4_14_staff_identities_earn_nothing(loyalty: Loyalty) -> None:
    """An identity on the deny list converts for nobody: by itself, typed, with a proof; until its time is over."""
    loyalty.block_buyer(platform="taobao", buyer_id="staff-1", reason="staff", key="k", until=day(25))
    loyalty.bind("m1", platform="taobao", buyer_id="staff-1")
    bought = order(1, buyer_id="staff-1")
    assert loyalty.ingest([bought]).claims_created == 0
    assert claim_of(loyalty, "m2", order(2, buyer_id="b2")).created is False  # unknown as yet
    assert claim_of(loyalty, "m1", bought).reason is Reason.MEMBER_BLOCKED
    assert_sound(loyalty)


def test_s4_3_an_identity_of_any_kind_can_be_denied(loyalty: Loyalty) -> None:
    """A unionid on the list keeps whoever enrols with it from having it."""
    loyalty.block_buyer(platform="unionid", buyer_id="o6", reason="fraud", key="k")
    result = loyalty.enrol("m1", identities=[Identity("unionid", "o6")])
    assert (result.bound, result.conflicts) == ((), (Identity("unionid", "o6"),))


def test_s4_15_refunded_claims_are_worth_a_look(loyalty: Loyalty, clock: Clock) -> None:
    """The third claim refunded whole raises the flag; nobody is banned by it, and a debt is one of its own."""
    bought = [order(n, finished_at=NOW) for n in range(4)]
    convert(loyalty, "m1", *bought)
    for n, each in enumerate(bought[:3]):
        assert loyalty.risk_flags("m1") == ()
        loyalty.ingest([refund(each, 10_000, refund_id=f"r{n}")])
    flags = {flag.code: flag.count for flag in loyalty.risk_flags("m1")}
    assert flags == {RiskCode.REFUNDED_CLAIMS: 3, RiskCode.SAME_DAY_REFUNDS: 3}
    assert loyalty.risk_flags("m1", refunded_claims=4) == ()
    loyalty.adjust("m1", asset="points", amount=-100, key="spent")
    loyalty.ingest([refund(bought[3], 10_000, refund_id="r3")])
    assert {flag.code: flag.count for flag in loyalty.risk_flags("m1")}[RiskCode.DEBT] == 100
    assert claim_of(loyalty, "m1", order(9)).state == "PENDING_SYNC"


@pytest.mark.parametrize("kind", ["phone", "unionid", "taobao", "x_crm"])
def test_s4_3_a_denied_identity_is_bound_to_nobody(storage: Storage, clock: Clock, kind: str) -> None:
    """On the deny list an identity of any kind is refused to whoever is not its member already, and only then."""
    loyalty = Loyalty(points_program(binding=rules.Binding(conflict="review")), storage, clock=clock)
    name = {"platform": kind, "buyer_id": PhoneIndex({1: b"k" * 32}).phone("brand-a", "13800138000")}
    loyalty.block_buyer(**name, reason="staff", key="k", until=day(25))
    before = dump(storage)
    assert loyalty.bind("m1", **name, via="operator", evidence="seen").reason is Reason.MEMBER_BLOCKED
    assert dump(storage) == before
    identity = Identity(kind, name["buyer_id"])
    assert loyalty.enrol("m1", identities=[identity]).conflicts == (identity,)
    clock.move(days=5)
    assert loyalty.enrol("m1", identities=[identity]).bound == (identity,)
    loyalty.bind("m2", **name, evidence="seen")
    loyalty.block_buyer(**name, reason="staff", key="j")
    assert loyalty.bind("m1", **name).bound
    [review] = loyalty.reviews().items
    answer = loyalty.approve(review.id, reason="seen", operator="ann", key="a")
    assert (answer.done, answer.holder_id, answer.reasons) == (False, "m1", (Reason.MEMBER_BLOCKED,))
    loyalty.unblock_buyer(**name, key="u")
    assert loyalty.approve(review.id, reason="seen", operator="ann", key="b").holder_id == "m2"
    assert_sound(loyalty)


def test_s4_3_orders_of_a_denied_phone_convert_for_nobody(storage: Storage, clock: Clock) -> None:
    """Where phones stand for buyers, one on the deny list stops its orders; without that it says nothing of them."""
    index = PhoneIndex({1: b"k" * 32}).phone("brand-a", "13800138000")
    loyalty = Loyalty(points_program(binding=rules.Binding(by_phone=True)), storage, clock=clock)
    loyalty.bind("m1", platform="phone", buyer_id=index)
    loyalty.block_buyer(platform="phone", buyer_id=index, reason="fraud", key="k")
    bought = order(1, receiver_phone_index=index)
    assert loyalty.ingest([bought]).claims_created == 0
    assert claim_of(loyalty, "m2", bought).public.reason is not None
    assert claim_of(loyalty, "m1", bought).reason is Reason.MEMBER_BLOCKED
    loyalty.publish(points_program(), expected_revision=1)
    assert claim_of(loyalty, "m1", bought).created
    assert_sound(loyalty)
