"""Worked check D41 and capability S0-9: orders of a bound buyer convert by themselves."""

from datetime import timedelta

import pytest
from builders import NOW, Clock, assert_sound, claim_of, day, event_kinds, order, points_program

from crossloyalty import Loyalty, OrderKind, OrderStatus, Proof, Reason, Refund, RefundStatus, SourceKind, rules
from crossloyalty.application.ports import Storage
from crossloyalty.errors import InvalidInput


def test_s0_9_later_orders_of_a_bound_buyer_convert(storage: Storage, clock: Clock) -> None:
    """After bind, an order of that buyer becomes the member's claim on ingest, by the same decision as a typed one."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    result = loyalty.bind("m1", platform="tmall", buyer_id="b1", evidence="mini-program login")
    assert (result.bound, result.converted, result.left) == (True, (), 0)
    report = loyalty.ingest([order(1, buyer_id="b1"), order(2, buyer_id="b2")])
    assert report.claims_created == 1
    [claim] = loyalty.claims("m1").items
    assert (claim.order_no, claim.via, claim.grants) == (order(1).order_no, "auto", {"points": 100})
    assert event_kinds(loyalty, "identity.bound", "claim.granted") == ["identity.bound", "claim.granted"]
    assert_sound(loyalty)


def test_s0_9_an_unfinished_order_converts_when_it_finishes(storage: Storage, clock: Clock) -> None:
    """A bound buyer's order on its way waits without a ticket and converts with the message that finishes it."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    loyalty.bind("m1", platform="taobao", buyer_id="b1")
    on_its_way = order(1, buyer_id="b1", status=OrderStatus.SHIPPED, finished_at=None, modified_at=day(3))
    assert loyalty.ingest([on_its_way]).claims_created == 0
    assert loyalty.tickets("m1").items == ()
    assert [view.status for view in loyalty.orders("m1").items] == ["SHIPPED"]
    # A message that does not name the buyer again takes nothing from what the API said.
    assert loyalty.ingest([order(1, source=SourceKind.MESSAGE)]).claims_created == 1
    assert loyalty.member("m1").points == 100
    assert_sound(loyalty)


def test_s0_9_scopes_tell_equal_ids_apart(storage: Storage, clock: Clock) -> None:
    """A buyer id of one shop is not the same id of another shop."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    loyalty.bind("m1", platform="douyin", buyer_id="open-1", scope="shop-a")
    loyalty.ingest(
        [
            order(1, "douyin", buyer_id="open-1", buyer_scope="shop-a"),
            order(2, "douyin", buyer_id="open-1", buyer_scope="shop-b"),
            order(3, "douyin", buyer_id="open-1"),
        ]
    )
    assert [claim.order_no for claim in loyalty.claims("m1").items] == [order(1, "douyin").order_no]


def test_s0_9_an_identity_of_somebody_else_is_refused(storage: Storage, clock: Clock) -> None:
    """A bound identity is refused to another member as a value, and stays where it is."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    loyalty.bind("m1", platform="taobao", buyer_id="b1")
    result = loyalty.bind("m2", platform="tmall", buyer_id="b1")
    assert (result.bound, result.reason) == (False, Reason.OTHER_BUYER)
    loyalty.ingest([order(1, buyer_id="b1")])
    assert (loyalty.member("m1").points, loyalty.member("m2").points) == (100, 0)


def test_s0_9_binding_twice_changes_nothing(storage: Storage, clock: Clock) -> None:
    """The same binding again is the same answer, without a second event."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    first = loyalty.bind("m1", platform="taobao", buyer_id="b1")
    assert loyalty.bind("m1", platform="taobao", buyer_id="b1") == first
    assert event_kinds(loyalty) == ["identity.bound"]


@pytest.mark.parametrize("masked", ["t**3", "138****8000"])
def test_s0_9_masked_values_identify_nobody(storage: Storage, clock: Clock, masked: str) -> None:
    """A masked value is refused as an identity."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    with pytest.raises(InvalidInput):
        loyalty.bind("m1", platform="taobao", buyer_id=masked)


def test_s0_9_an_order_of_another_bound_buyer_is_held(storage: Storage, clock: Clock) -> None:
    """Asking for an order whose buyer is bound to somebody else: RECEIVED, with proof IN_REVIEW; never a claim."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    loyalty.bind("m1", platform="taobao", buyer_id="b1")
    waiting = order(1, buyer_id="b1", status=OrderStatus.SHIPPED, finished_at=None)
    loyalty.ingest([waiting])
    stranger = claim_of(loyalty, "m2", waiting, Proof.none())
    assert (stranger.public.reason, stranger.state) == (Reason.RECEIVED, "HELD_REVIEW")
    for proof in (None, Proof.by_host("chat")):
        proven = claim_of(loyalty, "m2", waiting, proof)
        assert (proven.public.reason, proven.state) == (Reason.IN_REVIEW, "HELD_REVIEW")
        assert Reason.OTHER_BUYER in proven.detail.reasons
    assert loyalty.ingest([order(1, buyer_id="b1", modified_at=NOW)]).claims_created == 1
    assert (loyalty.member("m1").points, loyalty.member("m2").points) == (100, 0)
    assert [ticket.state for ticket in loyalty.tickets("m2").items] == ["REJECTED"]
    assert_sound(loyalty)


def test_s0_9_platforms_without_buyer_ids_degrade_to_typed_claims(storage: Storage, clock: Clock) -> None:
    """Orders that state no buyer convert by typing, in the same batch in which others convert by themselves."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    loyalty.bind("m1", platform="taobao", buyer_id="b1")
    loyalty.ingest([order(1, buyer_id="b1"), order(2, "jd")])
    assert claim_of(loyalty, "m1", order(2, "jd")).created
    assert loyalty.member("m1").points == 200


def _of_age(n: int, days: int) -> object:
    then = NOW - timedelta(days=days)
    return order(n, buyer_id="b1", created_at=then, paid_at=then, finished_at=then, modified_at=then)


def test_d41_bind_converts_past_orders_of_the_claim_window(storage: Storage, clock: Clock) -> None:
    """The default back-fill is the window of a typed claim: 90 days ago converts, 91 days ago does not."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    loyalty.ingest([_of_age(1, 0), _of_age(2, 90), _of_age(3, 91), _of_age(4, 400)])
    result = loyalty.bind("m1", platform="taobao", buyer_id="b1")
    assert result.converted == tuple(sorted([order(1).order_no, order(2).order_no]))
    assert loyalty.member("m1").points == 200
    assert_sound(loyalty)


def test_d41_an_old_order_ingested_late_is_too_old(storage: Storage, clock: Clock) -> None:
    """An order finished 91 days ago that reaches us only now does not convert by itself."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    loyalty.bind("m1", platform="taobao", buyer_id="b1")
    assert loyalty.ingest([_of_age(1, 91), _of_age(2, 90)]).claims_created == 1


def test_d41_the_cap_bounds_one_bind(storage: Storage, clock: Clock) -> None:
    """At most backfill_orders convert at once, the newest first; what is left is said, and binding again goes on."""
    loyalty = Loyalty(points_program(backfill_orders=2), storage, clock=clock)
    loyalty.ingest([_of_age(n, n) for n in range(5)])
    seen = []
    for _ in range(3):
        result = loyalty.bind("m1", platform="taobao", buyer_id="b1")
        seen.append((result.converted, result.left))
    numbers = [order(n).order_no for n in range(5)]
    assert seen == [((numbers[0], numbers[1]), 3), ((numbers[2], numbers[3]), 1), ((numbers[4],), 0)]
    assert loyalty.member("m1").points == 500
    assert_sound(loyalty)


def test_d41_orders_that_others_hold_are_left_to_them(storage: Storage, clock: Clock) -> None:
    """Binding takes no order away from whoever claimed it with a proof before."""
    loyalty = Loyalty(points_program(binding=rules.Binding(on_claim="never")), storage, clock=clock)
    taken, free = order(1, buyer_id="b1"), order(2, buyer_id="b1")
    loyalty.ingest([taken, free])
    assert claim_of(loyalty, "m2", taken).created
    assert loyalty.bind("m1", platform="taobao", buyer_id="b1").converted == (free.order_no,)
    assert (loyalty.member("m1").points, loyalty.member("m2").points) == (100, 100)
    assert_sound(loyalty)


def test_d41_orders_that_others_hold_do_not_use_up_the_cap(storage: Storage, clock: Clock) -> None:
    """Past orders that are somebody's claim already are not counted as left, nor do they keep the others waiting."""
    program = points_program(backfill_orders=2, binding=rules.Binding(on_claim="never"))
    loyalty = Loyalty(program, storage, clock=clock)
    loyalty.ingest([_of_age(n, n) for n in range(4)])
    for n in (0, 1):
        assert claim_of(loyalty, "m2", order(n), Proof.by_host("chat")).created
    converted = [number for _ in range(2) for number in loyalty.bind("m1", platform="taobao", buyer_id="b1").converted]
    assert sorted(converted) == [order(2).order_no, order(3).order_no]
    assert loyalty.bind("m1", platform="taobao", buyer_id="b1").left == 0


def test_d41_what_may_not_convert_is_not_converted(storage: Storage, clock: Clock) -> None:
    """Back-fill judges each order like a typed claim: unfinished and odd ones wait or are refused."""

    loyalty = Loyalty(points_program(eligibility=rules.Finished(minimum_fen=100)), storage, clock=clock)
    unfinished = order(1, buyer_id="b1", status=OrderStatus.SHIPPED, finished_at=None)
    lottery = order(2, buyer_id="b1", kind=OrderKind.LOTTERY)
    disputed = order(3, buyer_id="b1")
    open_case = Refund(
        platform="taobao", order_no=disputed.order_no, refund_id="r", status=RefundStatus.OPEN, amount_fen=1
    )
    loyalty.ingest([unfinished, lottery, disputed, open_case])
    assert loyalty.bind("m1", platform="taobao", buyer_id="b1").converted == (disputed.order_no,)
    member = loyalty.member("m1")
    assert (member.points, member.pending_points) == (0, 100)
    assert_sound(loyalty)
