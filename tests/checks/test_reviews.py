"""D14, D23 and design section 11: what staff decide, and claims that move to their true buyer."""

from __future__ import annotations

from typing import Any

import pytest
from builders import NOW, WRONG_PROOF, Clock, assert_sound, claim_of, event_kinds, order, points_program, refund

from crossloyalty import Loyalty, OrderStatus, Proof, Reason, rules
from crossloyalty.application.ports import Storage
from crossloyalty.errors import IdempotencyConflict, InvalidInput


def door(storage: Storage, clock: Clock, *rewards: Any, **settings: Any) -> Loyalty:
    return Loyalty(points_program(*rewards, **settings), storage, clock=clock)


def test_a_held_request_is_approved_once_per_key(storage: Storage, clock: Clock) -> None:
    """Staff give the order; the repeat answers alike, and another request under the key is refused."""
    loyalty = door(storage, clock)
    loyalty.ingest([order(1), order(2)])
    assert claim_of(loyalty, "m1", order(1), WRONG_PROOF).state == "HELD_REVIEW"
    claim_of(loyalty, "m1", order(2), Proof.none())
    held = {each.order_no: each for each in loyalty.reviews().items}
    review = held[order(1).order_no]
    assert (review.kind, review.member_id, review.reason) == ("claim", "m1", Reason.AMOUNT_MISMATCH)
    told = loyalty.approve(review.id, reason="receipt seen", operator="ann", key="k1")
    assert (told.done, told.state, told.holder_id, told.holder_no) == (True, "GRANTED", "m1", 1)
    assert loyalty.approve(review.id, reason="receipt seen", operator="ann", key="k1") == told
    with pytest.raises(IdempotencyConflict):
        loyalty.approve(held[order(2).order_no].id, reason="receipt seen", operator="ann", key="k1")
    assert [claim.via for claim in loyalty.claims("m1").items] == ["review"]
    assert [each.order_no for each in loyalty.reviews().items] == [order(2).order_no]
    assert_sound(loyalty)


def test_a_refused_request_is_not_opened_by_asking_again(storage: Storage, clock: Clock) -> None:
    """The asker hears what everybody hears; a better proof still converts."""
    loyalty = door(storage, clock)
    loyalty.ingest([order(1)])
    claim_of(loyalty, "m1", order(1), WRONG_PROOF)
    [review] = loyalty.reviews().items
    told = loyalty.refuse(review.id, reason="another person's parcel", operator="ann", key="k1")
    assert (told.done, told.state, told.reasons) == (True, "REJECTED", (Reason.REFUSED,))
    assert loyalty.refuse(review.id, reason="another person's parcel", operator="ann", key="k1") == told
    again = claim_of(loyalty, "m1", order(1), WRONG_PROOF)
    assert (again.public.reason, again.state) == (Reason.RECEIVED, "REJECTED")
    loyalty.ingest([order(1, modified_at=NOW)])
    assert loyalty.reviews().items == ()
    assert claim_of(loyalty, "m1", order(1)).created
    assert_sound(loyalty)


def test_an_approved_order_on_its_way_converts_when_it_finishes(storage: Storage, clock: Clock) -> None:
    """Staff say whose it is, the platform says when: the request waits and wins over the bound buyer."""
    loyalty = door(storage, clock)
    loyalty.bind("m2", platform="taobao", buyer_id="b1")
    on_its_way = order(1, buyer_id="b1", status=OrderStatus.SHIPPED, finished_at=None)
    loyalty.ingest([on_its_way])
    assert claim_of(loyalty, "m1", on_its_way).public.reason is Reason.IN_REVIEW
    [review] = loyalty.reviews().items
    told = loyalty.approve(review.id, reason="gift to m1", operator="ann", key="k1")
    assert (told.done, told.state, told.holder_no) == (True, "PENDING_FINISH", 0)
    assert loyalty.ingest([order(1, buyer_id="b1", modified_at=NOW)]).claims_created == 1
    assert (loyalty.member("m1").points, loyalty.member("m2").points) == (100, 0)
    assert_sound(loyalty)


def test_amounts_that_do_not_add_up_are_approved(storage: Storage, clock: Clock) -> None:
    """D8, D52: an order in another currency is held for review; approved it converts."""
    loyalty = door(storage, clock)
    loyalty.ingest([order(1, currency="HKD")])
    assert claim_of(loyalty, "m1", order(1)).state == "HELD_REVIEW"
    [review] = loyalty.reviews().items
    assert loyalty.approve(review.id, reason="checked", operator="ann", key="k").state == "GRANTED"
    assert loyalty.member("m1").points == 100


def test_a_dispute_moves_the_claim_with_all_it_gave(storage: Storage, clock: Clock) -> None:
    """Holder 1 has spent 30 of 100 points: 70 are taken, 30 are owed; holder 2 gets 100 under the rules of today."""
    loyalty = door(
        storage,
        clock,
        rules.PointsPerYuan("1"),
        rules.Coupon("WELCOME", once_per="member"),
        rules.StoredValuePercent("1"),
        tiers=rules.SpendTiers({"a": 0, "b": 10_000}),
        caps=[rules.Cap("daily", 150, per="day", asset="points")],
        source_tags=rules.SourceTags(),
    )
    bought = order(1, buyer_id="b1")
    loyalty.ingest([bought])
    assert claim_of(loyalty, "thief", bought).created
    assert loyalty.member("thief").tier == "b"
    loyalty.adjust("thief", asset="points", amount=-30, key="spent")
    told = loyalty.dispute(
        "buyer", platform="tmall", order_no=bought.order_no, evidence="chat 7", operator="ann", key="k1"
    )
    assert (told.done, told.state, told.holder_id, told.holder_no) == (True, "GRANTED", "buyer", 2)
    thief, buyer = loyalty.member("thief"), loyalty.member("buyer")
    assert (thief.points, thief.balances["points"].debt, thief.tier) == (0, 30, "a")
    assert thief.coupons == ()
    assert (buyer.points, buyer.tier, [coupon.code for coupon in buyer.coupons]) == (100, "b", ["WELCOME"])
    assert loyalty.claims("thief").items == ()
    assert [(each.holder_no, each.via) for each in loyalty.claims("buyer").items] == [(2, "review")]
    assert sorted(event_kinds(loyalty, "claim.moved", "claim.granted")) == ["claim.granted"] * 2 + ["claim.moved"]
    assert_sound(loyalty)
    # The key stays taken, refunds reach the new holder, and the same dispute again changes nothing.
    assert claim_of(loyalty, "thief", bought).public.reason is Reason.ALREADY_CLAIMED
    loyalty.ingest([refund(bought, 4_000)])
    assert (loyalty.member("buyer").points, loyalty.member("thief").points) == (60, 0)
    again = loyalty.dispute(
        "buyer", platform="tmall", order_no=bought.order_no, evidence="chat 7", operator="ann", key="k2"
    )
    assert (again.done, again.reasons) == (False, (Reason.ALREADY_CLAIMED_BY_YOU,))
    assert_sound(loyalty)


def test_a_dispute_goes_back_and_forth(storage: Storage, clock: Clock) -> None:
    """Every move is a new holder; the first one back is holder 3, with a grant and entries of its own."""
    loyalty = door(storage, clock, rules.PointsPerYuan("1", issue_after_days=15), rules.GrowthPerYuan("1"))
    bought = order(1, finished_at=NOW)
    loyalty.ingest([bought])
    assert claim_of(loyalty, "m1", bought).created
    for holder_no, member in ((2, "m2"), (3, "m1")):
        told = loyalty.dispute(
            member, platform="taobao", order_no=bought.order_no, evidence="e", operator="ann", key=member
        )
        assert (told.holder_no, told.state) == (holder_no, "PENDING_ISSUE")
        assert_sound(loyalty)
    clock.move(days=16)
    loyalty.run_due()
    assert (loyalty.member("m1").points, loyalty.member("m2").points) == (100, 0)
    assert_sound(loyalty)


def test_what_a_gateway_takes_short_belongs_to_the_holder_who_lost(storage: Storage, clock: Clock) -> None:
    """The claim moved; the claw-back outside took 40 of 100: the first holder owes 60, the second keeps 100."""
    loyalty = door(storage, clock, external_books=[rules.ExternalBook("points")])
    bought = order(1)
    loyalty.ingest([bought])
    claim_of(loyalty, "m1", bought)
    loyalty.dispute("m2", platform="taobao", order_no=bought.order_no, evidence="e", operator="ann", key="k")
    for delivery in loyalty.deliveries().items:
        short = 40 if delivery.kind == "points.revoke" else None
        loyalty.answer_delivery(delivery.key, amount=short)
    assert loyalty.member("m1").balances["points"].debt == 60
    assert [(each.amount, each.asset) for each in claim_of(loyalty, "m2", bought).granted] == [(100, "points")]
    assert_sound(loyalty)


def test_the_true_buyer_who_comes_second_stands_before_staff(storage: Storage, clock: Clock) -> None:
    """D23: the bound buyer of an order that somebody else took is listed; approving moves the claim."""
    loyalty = door(storage, clock, binding=rules.Binding(on_claim="never"))
    bought = order(1, buyer_id="b1")
    loyalty.ingest([bought])
    assert claim_of(loyalty, "thief", bought).created
    assert loyalty.bind("buyer", platform="taobao", buyer_id="b1").converted == ()
    assert claim_of(loyalty, "other", bought).state == "REJECTED"  # a proof alone is no dispute
    asked = claim_of(loyalty, "buyer", bought, Proof.none())
    assert (asked.public.reason, asked.state) == (Reason.ALREADY_CLAIMED, "HELD_REVIEW")
    [review] = loyalty.reviews().items
    assert (review.member_id, review.reason) == ("buyer", Reason.ALREADY_CLAIMED)
    told = loyalty.approve(review.id, reason="the platform names them", operator="ann", key="k1")
    assert (told.holder_id, told.holder_no) == ("buyer", 2)
    assert (loyalty.member("thief").points, loyalty.member("buyer").points) == (0, 100)
    assert loyalty.reviews().items == ()
    assert_sound(loyalty)


def test_a_dispute_that_nobody_decides_runs_out(storage: Storage, clock: Clock) -> None:
    """Held requests end after `ticket_days`, those for an order that is taken as well."""
    loyalty = door(storage, clock, binding=rules.Binding(on_claim="never"))
    bought = order(1, buyer_id="b1")
    loyalty.ingest([bought])
    claim_of(loyalty, "thief", bought)
    loyalty.bind("buyer", platform="taobao", buyer_id="b1")
    claim_of(loyalty, "buyer", bought, Proof.none())
    clock.move(days=30)
    assert loyalty.reviews().items == ()
    assert loyalty.run_due().tickets_expired == 1
    assert loyalty.run_due().orders == 0
    assert_sound(loyalty)


def test_who_is_blocked_gets_nothing_from_staff_either(storage: Storage, clock: Clock) -> None:
    """The deny list stands above a dispute; the claim stays where it is."""
    loyalty = door(storage, clock)
    loyalty.ingest([order(1)])
    claim_of(loyalty, "m1", order(1))
    loyalty.block("m2", reason="brushing", key="b")
    told = loyalty.dispute("m2", platform="taobao", order_no=order(1).order_no, evidence="e", operator="a", key="k")
    assert (told.done, told.holder_id, told.reasons) == (False, "m1", (Reason.MEMBER_BLOCKED,))
    assert loyalty.member("m1").points == 100


def test_reviews_are_listed_page_by_page(storage: Storage, clock: Clock) -> None:
    """The longest wait first, each once, run-out ones left out; identities come behind requests."""
    loyalty = door(storage, clock, binding=rules.Binding(conflict="review"))
    loyalty.ingest([order(n) for n in range(5)])
    for n in range(5):
        claim_of(loyalty, "m1", order(n), Proof.none())
        clock.move(days=7)
    loyalty.bind("m1", platform="taobao", buyer_id="b1")
    loyalty.bind("m2", platform="taobao", buyer_id="b1")
    seen, after = [], None
    while True:
        page = loyalty.reviews(limit=2, after=after)
        seen += [each.order_no for each in page.items]
        if page.next is None:
            break
        after = page.next
    assert seen == [order(n).order_no for n in range(1, 5)] + [""]


def test_a_review_of_nobody_is_refused(storage: Storage, clock: Clock) -> None:
    """A name that is none, or of another program, is an error that says so."""
    loyalty = door(storage, clock)
    other = Loyalty(points_program(program_id="brand-b"), storage, clock=clock)
    other.ingest([order(1)])
    claim_of(other, "m1", order(1), Proof.none())
    [review] = other.reviews().items
    for name in (review.id, "", "e30=", "x"):
        with pytest.raises(InvalidInput):
            loyalty.approve(name, reason="r", operator="a", key="k")
