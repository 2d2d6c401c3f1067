"""Who gets an order: the one public answer, the order among several requests, tickets that wait, move on and expire."""

from datetime import timedelta

import pytest
from builders import (
    NOW,
    WRONG_PROOF,
    Clock,
    assert_sound,
    claim_of,
    convert,
    number,
    order,
    points_program,
    refund,
    right_proof,
)

from crossloyalty import Line, Loyalty, Order, OrderKind, OrderStatus, Proof, Reason, RefundStatus, rules
from crossloyalty.application.ports import Storage
from crossloyalty.domain.answers import PublicAnswer

SHIPPED = {"status": OrderStatus.SHIPPED, "finished_at": None}


def _every_situation(loyalty: Loyalty) -> dict[str, Order]:
    """Give one order for every situation a stranger must not be able to tell apart."""
    orders = {
        "unclaimed": order(1, shop_id="ours"),
        "claimed by another": order(2, shop_id="ours"),
        "bound to another": order(3, shop_id="ours", buyer_id="b3"),
        "bound to another, on its way": order(4, shop_id="ours", buyer_id="b3", **SHIPPED),
        "refunded": order(5, shop_id="ours"),
        "in dispute": order(6, shop_id="ours", refund_open=True),
        "closed": order(7, shop_id="ours", status=OrderStatus.CLOSED),
        "unpaid": order(8, shop_id="ours", status=OrderStatus.UNPAID, paid_at=None, finished_at=None),
        "another shop's": order(9, shop_id="theirs"),
        "too old": order(10, shop_id="ours", finished_at=NOW - timedelta(days=200)),
        "odd": order(11, shop_id="ours", kind=OrderKind.LOTTERY),
        "in dollars": order(12, shop_id="ours", currency="USD"),
        "ahead": order(13, shop_id="ours", finished_at=NOW + timedelta(days=1)),
        "below the minimum": order(14, shop_id="ours", paid_fen=1),
    }
    loyalty.bind("owner", platform="taobao", buyer_id="b3")
    loyalty.ingest([*orders.values(), refund(orders["refunded"], 10_000)])
    assert claim_of(loyalty, "owner", orders["claimed by another"]).created
    orders["unknown"] = order(99)
    return orders


@pytest.mark.parametrize("proof", [Proof.none(), WRONG_PROOF], ids=["no proof", "wrong proof"])
def test_one_public_answer(storage: Storage, clock: Clock, proof: Proof) -> None:
    """Without accepted proof every order gets one and the same public answer, by every attribute that is public."""
    program = points_program(eligibility=rules.Finished(shops=("ours",), minimum_fen=100))
    loyalty = Loyalty(program, storage, clock=clock)
    orders = _every_situation(loyalty)
    answers = {}
    for name, each in orders.items():
        result = claim_of(loyalty, f"asker-{name}", each, proof)
        assert not result.created, name
        answers[name] = (
            result.public,
            result.explain("zh"),
            result.explain("en"),
            result.granted,
            result.points,
            result.claimable_from,
        )
    expected = (PublicAnswer(Reason.RECEIVED), "已提交，核实中", Reason.RECEIVED.sentence("en"), (), 0, None)
    assert answers == dict.fromkeys(orders, expected)
    assert_sound(loyalty)


def test_one_public_answer_again_and_again(storage: Storage, clock: Clock) -> None:
    """Asking a second time, or after somebody else has got the order, tells a stranger nothing new."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    bought = order(1)
    seen = [claim_of(loyalty, "m2", bought, Proof.none()).public]
    loyalty.ingest([bought])
    seen.append(claim_of(loyalty, "m2", bought, Proof.none()).public)
    convert(loyalty, "m1", bought)
    seen.append(claim_of(loyalty, "m2", bought, Proof.none()).public)
    loyalty.ingest([refund(bought, 10_000)])
    seen.append(claim_of(loyalty, "m2", bought, Proof.none()).public)
    assert seen == [PublicAnswer(Reason.RECEIVED)] * 4


def test_staff_see_why(storage: Storage, clock: Clock) -> None:
    """Behind the one public answer the detail holds the full reason and the holder."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    orders = _every_situation(loyalty)
    details = {name: claim_of(loyalty, "asker", each, Proof.none()).detail for name, each in orders.items()}
    assert details["unknown"].reasons == (Reason.RECEIVED, Reason.PENDING_SYNC)
    assert details["unclaimed"].reasons == (Reason.RECEIVED, Reason.PROOF_REQUIRED)
    assert details["claimed by another"].reasons == (Reason.RECEIVED, Reason.ALREADY_CLAIMED)
    assert details["claimed by another"].holder_id == "owner"
    assert details["bound to another, on its way"].reasons == (Reason.RECEIVED, Reason.OTHER_BUYER)
    assert claim_of(loyalty, "asker", orders["unclaimed"], WRONG_PROOF).detail.reasons == (
        Reason.RECEIVED,
        Reason.AMOUNT_MISMATCH,
    )


@pytest.mark.parametrize(
    ("stated", "reason", "state"),
    [
        ({"status": OrderStatus.PAID, "finished_at": None}, Reason.NOT_FINISHED, "PENDING_FINISH"),
        ({"kind": OrderKind.SAMPLE}, Reason.KIND_EXCLUDED, "REJECTED"),
        ({"shop_id": "theirs"}, Reason.SHOP_NOT_COVERED, "REJECTED"),
        ({"currency": "HKD"}, Reason.CURRENCY, "HELD_REVIEW"),
        ({"finished_at": NOW - timedelta(days=200)}, Reason.TOO_OLD, "REJECTED"),
        ({"status": OrderStatus.SHIPPED, "finished_at": None, "refund_open": True}, Reason.NOT_FINISHED, "REFUND_OPEN"),
    ],
)
def test_with_proof_the_exact_reason_is_told(
    storage: Storage, clock: Clock, stated: dict[str, object], reason: Reason, state: str
) -> None:
    """Somebody who has shown that the order is theirs hears why it is not converted."""
    program = points_program(eligibility=rules.Finished(shops=("ours",)))
    loyalty = Loyalty(program, storage, clock=clock)
    bought = order(1, **{"shop_id": "ours", **stated})
    loyalty.ingest([bought])
    result = claim_of(loyalty, "m1", bought)
    assert (result.created, result.reason, result.public.reason, result.state) == (False, reason, reason, state)


def test_all_reasons_are_told_the_first_by_precedence(storage: Storage, clock: Clock) -> None:
    """`reasons` are all that apply; `reason` is the first of them in the published order."""
    program = points_program(eligibility=rules.Finished(shops=("ours",)), starts_at=NOW)
    loyalty = Loyalty(program, storage, clock=clock)
    bought = order(1, shop_id="theirs", kind=OrderKind.LOTTERY, currency="USD", finished_at=NOW - timedelta(days=200))
    loyalty.ingest([bought])
    result = claim_of(loyalty, "m1", bought)
    assert result.reasons == (
        Reason.SHOP_NOT_COVERED,
        Reason.KIND_EXCLUDED,
        Reason.CURRENCY,
        Reason.BEFORE_PROGRAM,
        Reason.TOO_OLD,
    )
    assert result.reason is Reason.SHOP_NOT_COVERED


def test_by_host_is_answered_pending_sync(storage: Storage, clock: Clock) -> None:
    """The host's proof stands without the order, so its asker hears PENDING_SYNC where others hear RECEIVED."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    assert claim_of(loyalty, "m1", order(1), Proof.by_host("chat")).public.reason is Reason.PENDING_SYNC
    assert claim_of(loyalty, "m2", order(1)).public.reason is Reason.RECEIVED
    assert [ticket.state for ticket in loyalty.tickets("m2").items] == ["PENDING_SYNC"]


def test_order_no_only_gives_to_the_first_who_asks(storage: Storage, clock: Clock) -> None:
    """Under the explicit setting the number alone converts; whoever comes second without proof hears RECEIVED."""
    loyalty = Loyalty(points_program(ownership="order-no-only"), storage, clock=clock)
    bought = order(1)
    loyalty.ingest([bought])
    assert claim_of(loyalty, "m1", bought, Proof.none()).created
    assert claim_of(loyalty, "m2", bought, Proof.none()).public.reason is Reason.RECEIVED
    assert claim_of(loyalty, "m2", bought, right_proof(bought)).public.reason is Reason.ALREADY_CLAIMED


# -- several requests --------------------------------------------------------------------------------------------------


def test_bound_buyer_comes_first(storage: Storage, clock: Clock) -> None:
    """The bound buyer gets the order, though others asked before with proofs."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    bought = order(1, buyer_id="b1")
    claim_of(loyalty, "a-host", bought, Proof.by_host("chat"))
    claim_of(loyalty, "b-proof", bought)
    loyalty.bind("z-bound", platform="taobao", buyer_id="b1")
    loyalty.ingest([bought])
    assert loyalty.explain(platform="taobao", order_no=bought.order_no).member_id == "z-bound"
    assert loyalty.claims("z-bound").items[0].via == "auto"
    assert_sound(loyalty)


def test_then_by_host(storage: Storage, clock: Clock) -> None:
    """Among waiting requests the one the host vouches for comes before earlier other proofs."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    bought = order(1)
    claim_of(loyalty, "a-proof", bought)
    clock.move(hours=1)
    claim_of(loyalty, "z-host", bought, Proof.by_host("chat"))
    loyalty.ingest([bought])
    assert loyalty.explain(platform="taobao", order_no=bought.order_no).member_id == "z-host"


def test_then_the_earliest_request(storage: Storage, clock: Clock) -> None:
    """Among equal proofs the earliest request gets it, and asking again does not lose the place."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    bought = order(1)
    claim_of(loyalty, "z-early", bought)
    clock.move(seconds=1)
    claim_of(loyalty, "a-late", bought)
    clock.move(seconds=1)
    claim_of(loyalty, "z-early", bought)
    loyalty.ingest([bought])
    assert loyalty.explain(platform="taobao", order_no=bought.order_no).member_id == "z-early"
    assert [(t.state, t.reason) for t in loyalty.tickets("a-late").items] == [("REJECTED", Reason.ALREADY_CLAIMED)]


def test_then_the_member_id(storage: Storage, clock: Clock) -> None:
    """Among equal proofs of one instant the smaller member id gets it."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    bought = order(1)
    for member_id in ("m2", "m1", "m3"):
        claim_of(loyalty, member_id, bought)
    loyalty.ingest([bought])
    assert loyalty.explain(platform="taobao", order_no=bought.order_no).member_id == "m1"


def test_requests_without_proof_wait_for_a_person(storage: Storage, clock: Clock) -> None:
    """A request without proof never converts by itself, however early it was."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    bought = order(1)
    claim_of(loyalty, "m0", bought, Proof.none())
    assert loyalty.ingest([bought]).claims_created == 0
    assert [ticket.state for ticket in loyalty.tickets("m0").items] == ["HELD_REVIEW"]
    assert claim_of(loyalty, "m1", bought).created


def test_binding_turns_a_held_request_into_a_claim(storage: Storage, clock: Clock) -> None:
    """A member whose request was held for want of proof binds the buyer identity: the order is theirs at once."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    bought = order(1, buyer_id="b1")
    loyalty.ingest([bought])
    claim_of(loyalty, "m1", bought, Proof.none())
    assert loyalty.bind("m1", platform="taobao", buyer_id="b1").converted == (bought.order_no,)
    assert loyalty.tickets("m1").items == ()
    assert_sound(loyalty)


def test_a_blocked_members_request_does_not_stand_in_the_way(storage: Storage, clock: Clock) -> None:
    """When the first in line is on the deny list by then, the next one gets the order."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    bought = order(1)
    claim_of(loyalty, "m1", bought)
    claim_of(loyalty, "m2", bought)
    loyalty.block("m1", reason="fraud", key="b")
    loyalty.ingest([bought])
    assert loyalty.explain(platform="taobao", order_no=bought.order_no).member_id == "m2"
    assert [ticket.state for ticket in loyalty.tickets("m1").items] == ["REJECTED"]
    assert_sound(loyalty)


# -- tickets -----------------------------------------------------------------------------------------------------------


def test_a_request_follows_its_order(storage: Storage, clock: Clock) -> None:
    """PENDING_SYNC, PENDING_FINISH, REFUND_OPEN, then a claim; the ticket is gone."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    states = []

    def look() -> None:
        states.append([(ticket.state, ticket.reason) for ticket in loyalty.tickets("m1").items])

    claim_of(loyalty, "m1", order(1))
    look()
    loyalty.ingest([order(1, modified_at=NOW, **SHIPPED)])
    look()
    loyalty.ingest([refund(order(1), 1_000, status=RefundStatus.OPEN)])
    look()
    loyalty.ingest([refund(order(1), 1_000, status=RefundStatus.CLOSED)])
    look()
    assert loyalty.ingest([order(1, modified_at=NOW + timedelta(seconds=1))]).claims_created == 1
    look()
    assert states == [
        [("PENDING_SYNC", Reason.PENDING_SYNC)],
        [("PENDING_FINISH", Reason.NOT_FINISHED)],
        [("REFUND_OPEN", Reason.REFUND_OPEN)],
        [("PENDING_FINISH", Reason.NOT_FINISHED)],
        [],
    ]
    assert loyalty.member("m1").points == 100
    assert_sound(loyalty)


def test_a_young_refusal_is_looked_at_again(storage: Storage, clock: Clock) -> None:
    """Messages come in any order: a request refused for the kind converts when a newer message names another kind."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    loyalty.ingest([order(1, kind=OrderKind.LOTTERY)])
    assert claim_of(loyalty, "m1", order(1)).state == "REJECTED"
    assert loyalty.ingest([order(1, modified_at=NOW)]).claims_created == 1


def test_a_refusal_asked_for_anew_is_young_again(storage: Storage, clock: Clock) -> None:
    """Asking again after the first request's time is over is a new request, and later messages are looked at for it."""
    program = points_program(ticket_days=30, eligibility=rules.Finished(within_days=None))
    loyalty = Loyalty(program, storage, clock=clock)
    loyalty.ingest([order(1, kind=OrderKind.LOTTERY)])
    assert claim_of(loyalty, "m1", order(1)).state == "REJECTED"
    clock.move(days=40)
    loyalty.run_due()
    assert claim_of(loyalty, "m1", order(1)).state == "REJECTED"
    clock.move(days=1)
    assert loyalty.ingest([order(1, modified_at=clock.at)]).claims_created == 1


def test_a_request_that_moves_to_a_claimed_order_is_over(storage: Storage, clock: Clock) -> None:
    """A number typed before it was known as a sub-order's of somebody's claim is refused when that is told."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    convert(loyalty, "m1", order(1))
    assert loyalty.claim("m2", platform="taobao", order_no=number(100)).reason is Reason.RECEIVED
    loyalty.ingest([order(1, modified_at=NOW, lines=(Line(line_id=number(100), paid_fen=10_000),))])
    [ticket] = loyalty.tickets("m2").items
    assert (ticket.order_no, ticket.state, ticket.reason) == (number(1), "REJECTED", Reason.ALREADY_CLAIMED)
    assert loyalty.run_due().orders == 0
    assert_sound(loyalty)


@pytest.mark.parametrize(("early", "expired"), [(timedelta(microseconds=1), 0), (timedelta(0), 1)])
def test_a_request_waits_ticket_days(storage: Storage, clock: Clock, early: timedelta, expired: int) -> None:
    """A ticket expires exactly ticket_days after the request."""
    loyalty = Loyalty(points_program(ticket_days=30), storage, clock=clock)
    claim_of(loyalty, "m1", order(1))
    [ticket] = loyalty.tickets("m1").items
    assert ticket.expires_at == NOW + timedelta(days=30)
    clock.set(NOW + timedelta(days=30) - early)
    assert loyalty.run_due().tickets_expired == expired
    assert [t.state for t in loyalty.tickets("m1").items] == ["EXPIRED" if expired else "PENDING_SYNC"]


def test_an_expired_request_converts_no_more(storage: Storage, clock: Clock) -> None:
    """After its time a request takes no order; asking anew is a new request and does."""
    loyalty = Loyalty(
        points_program(ticket_days=30, eligibility=rules.Finished(within_days=None)), storage, clock=clock
    )
    claim_of(loyalty, "m1", order(1))
    clock.move(days=30)
    loyalty.run_due()
    assert loyalty.run_due().orders == 0
    assert loyalty.ingest([order(1)]).claims_created == 0
    assert claim_of(loyalty, "m1", order(1)).created
    assert_sound(loyalty)


def test_asking_anew_after_expiry_waits_anew(storage: Storage, clock: Clock) -> None:
    """A new request for an order that still has not come waits another ticket_days."""
    loyalty = Loyalty(points_program(ticket_days=30), storage, clock=clock)
    claim_of(loyalty, "m1", order(1))
    clock.move(days=30)
    loyalty.run_due()
    claim_of(loyalty, "m1", order(1))
    [ticket] = loyalty.tickets("m1").items
    assert (ticket.state, ticket.requested_at, ticket.expires_at) == (
        "PENDING_SYNC",
        clock.at,
        clock.at + timedelta(days=30),
    )
    assert loyalty.ingest([order(1)]).claims_created == 1


def test_requests_of_several_members_expire_each_in_its_time(storage: Storage, clock: Clock) -> None:
    """Of two requests a day apart for one order each sweep ends the one whose time is over."""
    loyalty = Loyalty(points_program(ticket_days=30), storage, clock=clock)
    claim_of(loyalty, "m1", order(1))
    clock.move(days=1)
    claim_of(loyalty, "m2", order(1))
    clock.set(NOW + timedelta(days=30))
    assert loyalty.run_due().tickets_expired == 1
    assert [t.state for t in loyalty.tickets("m2").items] == ["PENDING_SYNC"]
    clock.move(days=1)
    assert loyalty.run_due().tickets_expired == 1
    assert [t.state for t in loyalty.tickets("m2").items] == ["EXPIRED"]
