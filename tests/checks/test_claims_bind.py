"""S0-8, D15, D40, D41: a claim that binds its buyer, what it tells, and what takes the binding back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest
from builders import NOW, Clock, assert_sound, claim_of, event_kinds, order, points_program, refund, right_proof

from crossloyalty import ClaimRequest, Engine, Loyalty, Proof, Reason, rules
from crossloyalty.application.ports import Storage


def door(storage: Storage, clock: Clock, *, ownership: str = "proof", **binding: Any) -> Loyalty:
    program = points_program(binding=rules.Binding(**binding), ownership=ownership, backfill_orders=2)
    return Loyalty(program, storage, clock=clock)


def bound(loyalty: Loyalty, member_id: str) -> list[str]:
    return [each.buyer_id for each in loyalty.identities(member_id).items if each.state == "ACTIVE"]


def aged(n: int, days: int, **stated: Any) -> Any:
    then = NOW - timedelta(days=days)
    return order(n, buyer_id="b1", created_at=then, paid_at=then, finished_at=then, modified_at=then, **stated)


@pytest.mark.parametrize(
    ("proof", "binds"), [(right_proof(order(1)), True), (Proof.by_host("chat"), True), (Proof.none(), False)]
)
def test_an_order_number_alone_binds_nobody(storage: Storage, clock: Clock, proof: Proof, binds: bool) -> None:
    """Where the number is enough for the order, it is still not enough for all later orders of its buyer."""
    loyalty = door(storage, clock, ownership="order-no-only")
    loyalty.ingest([order(1, buyer_id="b1")])
    result = claim_of(loyalty, "m1", order(1), proof)
    assert (result.created, result.bound, bound(loyalty, "m1")) == (True, binds, ["b1"] * binds)
    assert_sound(loyalty)


def test_the_past_orders_of_a_binding_claim(storage: Storage, clock: Clock) -> None:
    """Orders of others, of before the window and of this very claim are not among them; a repeat offers nothing."""
    loyalty = door(storage, clock)
    claimed = aged(1, 1)
    loyalty.ingest([claimed, aged(2, 2), aged(3, 3), aged(4, 4), aged(9, 400)])
    first = claim_of(loyalty, "m1", claimed)
    assert (first.created, first.bound, first.past_orders) == (True, True, 3)
    again = claim_of(loyalty, "m1", claimed)
    assert (again.created, again.bound, again.past_orders) == (False, False, 0)
    told = loyalty.backfill("m1")
    assert (told.converted, told.left) == ((order(2).order_no, order(3).order_no), 1)
    assert [(each.order_no, each.created, each.points) for each in told.backfill] == [
        (order(2).order_no, True, 100),
        (order(3).order_no, True, 100),
    ]
    assert loyalty.backfill("m1").converted == (order(4).order_no,)
    assert loyalty.backfill("m1").backfill == ()
    assert loyalty.member("m1").points == 400
    assert_sound(loyalty)


@pytest.mark.parametrize("told", ["by backfill", "by a message"])
def test_a_request_that_waited_binds_and_offers_what_came_before_it(storage: Storage, clock: Clock, told: str) -> None:
    """
    m1 asked before anything was known: the order that comes in is theirs, and so is what comes behind it.

    What came in before waits for `backfill`, or for any message about it; then the order of messages shows no more.
    """
    loyalty = door(storage, clock)
    claim_of(loyalty, "m1", aged(2, 2))
    loyalty.ingest([aged(1, 3)])
    loyalty.ingest([aged(2, 2)])
    loyalty.ingest([aged(3, 1)])
    assert (bound(loyalty, "m1"), loyalty.member("m1").points) == (["b1"], 200)
    if told == "by backfill":
        assert loyalty.backfill("m1").converted == (order(1).order_no,)
    else:
        loyalty.ingest([attrs.evolve(aged(1, 3), modified_at=NOW, shop_id="told later")])
    assert loyalty.member("m1").points == 300
    assert_sound(loyalty)


def test_backfill_goes_over_all_identities_and_binds_none(storage: Storage, clock: Clock) -> None:
    """Only what is bound to the member, under any of their ids, is looked at; a stranger has nothing."""
    loyalty = door(storage, clock, on_claim="never")
    loyalty.bind("m1", platform="taobao", buyer_id="b1")
    loyalty.bind("m2", platform="jd", buyer_id="b2")
    loyalty.bind("m1", platform="unionid", buyer_id="o6")
    loyalty.merge("m1", "m2", key="k")
    loyalty.ingest([order(1), order(2, "jd")])
    loyalty.block("m1", reason="look", key="b")
    later = [order(1, buyer_id="b1", modified_at=NOW), order(2, "jd", buyer_id="b2", modified_at=NOW)]
    loyalty.ingest(later)
    assert loyalty.backfill("m3") == loyalty.backfill("m4")
    loyalty.unblock("m1", key="u")
    assert loyalty.backfill("m2").converted == ()  # they are shown for the member, and convert with their next message
    loyalty.ingest([refund(each, 100) for each in later])
    assert loyalty.member("m2").points == 198
    assert_sound(loyalty)


@pytest.mark.parametrize("together", [False, True])
def test_orders_of_one_call_know_what_the_ones_before_have_bound(
    storage: Storage, clock: Clock, together: bool
) -> None:
    """Whether in one batch or in turn, the earlier order binds and the later one is then its buyer's (design, 5)."""
    loyalty = door(storage, clock)
    first, second = aged(1, 5), aged(2, 4)
    loyalty.ingest([first, second])
    asked = [
        ClaimRequest(member_id=name, platform="taobao", order_no=each.order_no, proof=right_proof(each))
        for name, each in (("m1", first), ("m2", second))
    ]
    results = loyalty.claim_many(asked[::-1])[::-1] if together else [loyalty.claim_many([each])[0] for each in asked]
    assert [(each.created, each.bound) for each in results] == [(True, True), (False, False)]
    assert results[1].reasons == (Reason.OTHER_BUYER, Reason.IN_REVIEW)
    assert bound(loyalty, "m1") == ["b1"]
    assert_sound(loyalty)


def test_a_lock_is_not_opened_by_what_the_claim_behind_it_would_bind(storage: Storage, clock: Clock) -> None:
    """
    D14: who has guessed too often is not the bound buyer because the right proof would make them so.

    The door that saw the lock begin does not look the order up; another one finds out as it decides.
    """
    program = points_program(attempts=rules.Attempts(per_member=1))
    loyalty = Loyalty(program, storage, clock=clock)
    loyalty.ingest([order(1, buyer_id="b1"), order(2)])
    claim_of(loyalty, "thief", order(2), Proof.amount_and_day(paid_fen=1, paid_on=NOW.date()))
    for each in (loyalty, Engine(storage, clock=clock).program(loyalty.program_id)):
        assert claim_of(each, "thief", order(1)).reason is Reason.TOO_MANY_ATTEMPTS
    assert bound(loyalty, "thief") == []


def test_a_dispute_takes_along_what_the_claim_had_bound(storage: Storage, clock: Clock) -> None:
    """The true buyer gets the order, the identity and with it all later orders; what was bound otherwise stays."""
    loyalty = door(storage, clock)
    loyalty.ingest([order(1, buyer_id="b1"), order(2, "jd", buyer_id="b2")])
    assert claim_of(loyalty, "thief", order(1)).bound
    loyalty.bind("thief", platform="jd", buyer_id="b2")
    call = {"evidence": "ID card seen", "operator": "ann"}
    told = loyalty.dispute("buyer", platform="taobao", order_no=order(1).order_no, key="k1", **call)
    assert (told.done, bound(loyalty, "thief"), bound(loyalty, "buyer")) == (True, ["b2"], ["b1"])
    assert loyalty.dispute("buyer", platform="taobao", order_no=order(1).order_no, key="k1", **call) == told
    assert loyalty.dispute("buyer", platform="jd", order_no=order(2, "jd").order_no, key="k2", **call).done
    assert bound(loyalty, "thief") == ["b2"]
    loyalty.ingest([order(3, buyer_id="b1")])
    assert (loyalty.member("buyer").points, loyalty.member("thief").points) == (300, 0)
    told_of = event_kinds(loyalty, "identity.bound", "identity.unbound")
    assert sorted(told_of) == ["identity.bound"] * 3 + ["identity.unbound"]
    assert_sound(loyalty)


@pytest.mark.parametrize(("via", "moves"), [("host", False), ("callback", False), ("operator", True)])
def test_d40_what_staff_approved_moves_by_staff_alone(storage: Storage, clock: Clock, via: str, moves: bool) -> None:
    """A binding is worth what the claim behind it was accepted by: the word of staff beats that of the host."""
    loyalty = door(storage, clock, conflict="move")
    loyalty.ingest([order(1, buyer_id="b1")])
    claim_of(loyalty, "m1", order(1), Proof.amount_and_day(paid_fen=1, paid_on=NOW.date()))
    loyalty.approve(loyalty.reviews().items[0].id, reason="seen", operator="ann", key="k")
    assert bound(loyalty, "m1") == ["b1"]
    assert loyalty.bind("m2", platform="taobao", buyer_id="b1", evidence="said so", via=via).bound is moves
    assert_sound(loyalty)


def test_a_binding_claim_is_explained(storage: Storage, clock: Clock) -> None:
    """The member hears that later orders convert by themselves, and how many earlier ones may follow."""
    loyalty = door(storage, clock)
    loyalty.ingest([order(1, buyer_id="b1"), order(2, buyer_id="b1")])
    result = claim_of(loyalty, "m1", order(1))
    assert "今后的订单将自动兑换。\n另有 1 笔以往订单可一并兑换。" in result.explain("zh")
    assert "Earlier orders that may be converted as well: 1." in result.explain("en")
    assert "自动" not in claim_of(loyalty, "m1", order(1)).explain("zh")
