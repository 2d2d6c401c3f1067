"""Worked checks D9, D12, D16, D24, D32 and D55: refunds and closings, and rules that change."""

from itertools import permutations

import pytest
from builders import (
    NOW,
    Clock,
    assert_sound,
    claim_of,
    convert,
    day,
    event_kinds,
    net_entries,
    order,
    points_program,
    refund,
    section8_program,
)

from crossloyalty import Loyalty, OrderStatus, Proof, Reason, RefundStatus, SourceKind, rules
from crossloyalty.application.ports import Storage
from crossloyalty.storage.memory import MemoryStorage
from crossloyalty.testing.dump import dump

OPEN, CLOSED, SUCCESS, FAILED = (
    RefundStatus.OPEN,
    RefundStatus.CLOSED,
    RefundStatus.SUCCESS,
    RefundStatus.PAYOUT_FAILED,
)


def test_d9_the_whole_story_nets_to_nothing(storage: Storage, clock: Clock) -> None:
    """Applied, closed, applied again, paid, payout failed: net effect 0, and the ledger shows − and +."""
    loyalty = Loyalty(points_program(rules.PointsPerYuan("1", expires_months=12)), storage, clock=clock)
    bought = order(1)
    convert(loyalty, "m1", bought)
    before = loyalty.member("m1")
    steps = [("r1", OPEN), ("r1", CLOSED), ("r2", OPEN), ("r2", SUCCESS), ("r2", FAILED)]
    seen = []
    for refund_id, status in steps:
        clock.move(hours=1)
        loyalty.ingest([refund(bought, 4_000, refund_id=refund_id, status=status, modified_at=clock.at)])
        seen.append(loyalty.member("m1").points)
    assert seen == [100, 100, 100, 60, 100]
    after = loyalty.member("m1")
    assert after.balances == before.balances  # the expiry too is the original one
    assert [e.amount for e in loyalty.entries("m1").items] == [40, -40, 100]
    assert loyalty.claims("m1").items[0].state == "GRANTED"
    assert_sound(loyalty)


def test_d9_only_success_moves_value(storage: Storage, clock: Clock) -> None:
    """An application that is open or closed takes nothing."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    bought = order(1)
    convert(loyalty, "m1", bought)
    for n, status in enumerate((OPEN, CLOSED)):
        loyalty.ingest([refund(bought, 10_000, refund_id=f"r{n}", status=status)])
        assert loyalty.member("m1").points == 100


def test_d9_an_open_refund_blocks_the_issue(storage: Storage, clock: Clock) -> None:
    """Pending points whose day has come wait while an after-sale case is open, and are issued when it closes."""
    clock.set(day(6))
    loyalty = Loyalty(points_program(rules.PointsPerYuan("1", issue_after_days=15)), storage, clock=clock)
    bought = order(1)
    convert(loyalty, "m1", bought)
    loyalty.ingest([refund(bought, 4_000, status=OPEN, modified_at=clock.at)])
    clock.set(day(25))
    assert loyalty.run_due().issued == 0
    member = loyalty.member("m1")
    assert (member.points, member.pending_points) == (0, 100)
    loyalty.ingest([refund(bought, 4_000, status=CLOSED, modified_at=clock.at)])
    member = loyalty.member("m1")
    assert (member.points, member.pending_points) == (100, 0)
    assert event_kinds(loyalty, "points.pending", "points.issued") == ["points.pending", "points.issued"]
    assert_sound(loyalty)


def test_d9_a_block_that_ends_early_does_not_hasten_the_issue(storage: Storage, clock: Clock) -> None:
    """Closing the case before the issue date leaves the date as it was."""
    clock.set(day(6))
    loyalty = Loyalty(points_program(rules.PointsPerYuan("1", issue_after_days=15)), storage, clock=clock)
    bought = order(1)
    convert(loyalty, "m1", bought)
    loyalty.ingest([refund(bought, 4_000, status=OPEN, modified_at=clock.at)])
    clock.set(day(10))
    loyalty.ingest([refund(bought, 4_000, status=CLOSED, modified_at=clock.at)])
    assert loyalty.member("m1").pending_points == 100
    clock.set(day(20, 0))
    loyalty.run_due()
    assert loyalty.member("m1").points == 100
    assert_sound(loyalty)


def test_d9_success_after_the_block_issues_the_rest(storage: Storage, clock: Clock) -> None:
    """When the open case ends in a refund, what is left of the points is issued."""
    clock.set(day(6))
    loyalty = Loyalty(points_program(rules.PointsPerYuan("1", issue_after_days=15)), storage, clock=clock)
    bought = order(1)
    convert(loyalty, "m1", bought)
    loyalty.ingest([refund(bought, 4_000, status=OPEN, modified_at=clock.at)])
    clock.set(day(25))
    loyalty.ingest([refund(bought, 4_000, modified_at=clock.at)])
    member = loyalty.member("m1")
    assert (member.points, member.pending_points) == (60, 0)
    assert_sound(loyalty)


def test_d9_a_claim_with_an_open_refund_waits_for_it(storage: Storage, clock: Clock) -> None:
    """A claimable order with an open case becomes a claim all of whose grants wait until the case is over."""
    program = points_program(
        rules.PointsPerYuan("1"), rules.Coupon("HELLO"), rules.Coupon("WELCOME", once_per="member")
    )
    loyalty = Loyalty(program, storage, clock=clock)
    bought = order(1)
    loyalty.ingest([bought, refund(bought, 4_000, status=OPEN)])
    result = claim_of(loyalty, "m1", bought)
    assert (result.created, result.state, result.reason) == (True, "PENDING_ISSUE", Reason.REFUND_OPEN)
    member = loyalty.member("m1")
    assert (member.points, member.pending_points) == (0, 100)
    assert [(piece.code, piece.state) for piece in member.coupons] == [("HELLO", "PENDING"), ("WELCOME", "PENDING")]
    assert dump(storage)["deliveries"] == []
    clock.move(days=1)
    loyalty.run_due()
    loyalty.ingest([refund(bought, 4_000, status=CLOSED, modified_at=clock.at)])
    member = loyalty.member("m1")
    assert (member.points, member.pending_points) == (100, 0)
    assert [(piece.code, piece.state) for piece in member.coupons] == [("HELLO", "ACTIVE"), ("WELCOME", "ACTIVE")]
    assert loyalty.claims("m1").items[0].state == "GRANTED"
    assert_sound(loyalty)


def test_d9_another_claim_frees_a_blocked_once_per_member_coupon(storage: Storage, clock: Clock) -> None:
    """A once-per-member coupon waits for one order's open case no longer than until another order earns it freely."""
    loyalty = Loyalty(points_program(rules.Coupon("WELCOME", once_per="member")), storage, clock=clock)
    disputed, clean = order(1), order(2)
    loyalty.ingest([disputed, refund(disputed, 4_000, status=OPEN)])
    claim_of(loyalty, "m1", disputed)
    convert(loyalty, "m1", clean)
    assert [(piece.code, piece.state) for piece in loyalty.member("m1").coupons] == [("WELCOME", "ACTIVE")]
    assert_sound(loyalty)


def test_d9_an_open_flag_of_the_snapshot_blocks_too(storage: Storage, clock: Clock) -> None:
    """An export that only says "after-sale open" blocks the issue until a newer one says it is over."""
    clock.set(day(6))
    loyalty = Loyalty(points_program(rules.PointsPerYuan("1", issue_after_days=1)), storage, clock=clock)
    convert(loyalty, "m1", order(1, refund_open=True))
    clock.set(day(10))
    loyalty.run_due()
    assert loyalty.member("m1").points == 0
    loyalty.ingest([order(1, refund_open=False, modified_at=clock.at)])
    assert loyalty.member("m1").points == 100
    assert_sound(loyalty)


def test_d12_a_closed_order_is_reversed_and_its_number_stays_taken(storage: Storage, clock: Clock) -> None:
    """Claim, TRADE_CLOSED: all is taken back; a second member hears ALREADY_CLAIMED, the first gets nothing new."""
    loyalty = Loyalty(section8_program(), storage, clock=clock)
    bought = order(1, paid_fen=250_000)
    convert(loyalty, "m1", bought)
    assert loyalty.member("m1").tier == "白银"
    clock.move(hours=1)
    loyalty.ingest([order(1, paid_fen=250_000, status=OrderStatus.CLOSED, modified_at=clock.at)])
    member = loyalty.member("m1")
    assert (member.tier, member.orders, member.net_spend_fen, member.tags, member.coupons) == ("普通", 0, 0, (), ())
    assert all((b.available, b.pending, b.debt) == (0, 0, 0) for b in member.balances.values())
    assert net_entries(loyalty, "m1") == {}
    assert loyalty.claims("m1").items[0].state == "REVERSED"

    second = claim_of(loyalty, "m2", bought)
    assert (second.created, second.reason) == (False, Reason.ALREADY_CLAIMED)
    again = claim_of(loyalty, "m1", bought)
    assert (again.created, again.reason, again.granted) == (False, Reason.ALREADY_CLAIMED_BY_YOU, ())
    assert_sound(loyalty)


def test_d12_finished_again_re_derives_the_same_claim(storage: Storage, clock: Clock) -> None:
    """When the platform says finished after all, the same claim gives what it gave before."""
    loyalty = Loyalty(section8_program(), storage, clock=clock)
    convert(loyalty, "m1", order(1, paid_fen=250_000))
    before = loyalty.member("m1")
    for status in (OrderStatus.CLOSED, OrderStatus.FINISHED):
        clock.move(hours=1)
        loyalty.ingest([order(1, paid_fen=250_000, status=status, modified_at=clock.at)])
    after = loyalty.member("m1")
    assert (after.balances, after.tier, after.tags) == (before.balances, before.tier, before.tags)
    assert [piece.code for piece in after.coupons] == ["WELCOME20"]
    [claim] = loyalty.claims("m1").items
    assert (claim.state, claim.holder_no) == ("GRANTED", 1)
    assert_sound(loyalty)


def test_d12_an_order_closed_before_the_claim_takes_its_number(storage: Storage, clock: Clock) -> None:
    """An order closed after payment becomes a claim that gives nothing, and nobody else can have it."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    closed = order(1, status=OrderStatus.CLOSED)
    loyalty.ingest([closed])
    result = claim_of(loyalty, "m1", closed)
    assert (result.created, result.reason, result.state, result.points) == (True, Reason.CLOSED, "REVERSED", 0)
    assert claim_of(loyalty, "m2", closed).reason is Reason.ALREADY_CLAIMED
    assert_sound(loyalty)


def test_d12_an_order_closed_unpaid_is_refused(storage: Storage, clock: Clock) -> None:
    """An order that was never paid is no claim; the request is refused."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    unpaid = order(1, status=OrderStatus.CLOSED, paid_fen=0, paid_at=None, finished_at=None)
    loyalty.ingest([unpaid])
    result = claim_of(loyalty, "m1", unpaid, Proof.by_host("chat"))
    assert (result.created, result.reason, result.state) == (False, Reason.CLOSED, "REJECTED")
    assert loyalty.claims("m1").items == ()


@pytest.mark.parametrize("status", [OrderStatus.SIGNED, OrderStatus.PAID])
def test_d12_a_status_below_claimable_takes_all_back(storage: Storage, clock: Clock, status: OrderStatus) -> None:
    """A newer message that puts the order below claimable makes its net 0."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    convert(loyalty, "m1", order(1))
    loyalty.ingest([order(1, status=status, modified_at=NOW)])
    assert loyalty.member("m1").points == 0
    assert_sound(loyalty)


def test_d16_old_claims_settle_under_the_rules_of_their_time(storage: Storage, clock: Clock) -> None:
    """After the rate was doubled, half of an old order refunded takes half of what it earned."""
    loyalty = Loyalty(points_program(rules.PointsPerYuan("1")), storage, clock=clock)
    convert(loyalty, "m1", order(1))
    assert loyalty.publish(points_program(rules.PointsPerYuan("2")), expected_revision=1) == 2
    convert(loyalty, "m1", order(2))
    assert loyalty.member("m1").points == 300
    loyalty.ingest([refund(order(1), 5_000), refund(order(2), 5_000)])
    assert {c.order_no: (c.revision, c.grants["points"]) for c in loyalty.claims("m1").items} == {
        order(1).order_no: (1, 50),
        order(2).order_no: (2, 100),
    }
    assert_sound(loyalty)


def test_d16_a_deleted_rule_is_still_taken_back(storage: Storage, clock: Clock) -> None:
    """A refund takes back what a rule gave that no longer exists: 50 of 100, then the rest."""
    loyalty = Loyalty(points_program(rules.PointsPerYuan("1"), rules.Coupon("HELLO")), storage, clock=clock)
    bought = order(1)
    convert(loyalty, "m1", bought)
    loyalty.publish(points_program(rules.GrowthPerYuan("1")), expected_revision=1)
    loyalty.ingest([refund(bought, 5_000)])
    assert loyalty.member("m1").points == 50
    loyalty.ingest([refund(bought, 5_000, refund_id="r2")])
    member = loyalty.member("m1")
    assert (member.points, member.coupons) == (0, ())
    assert_sound(loyalty)


def test_d16_a_new_minimum_leaves_old_claims(storage: Storage, clock: Clock) -> None:
    """Eligibility too is that of the claim's own revision: a later minimum does not bite at a refund."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    bought = order(1)
    convert(loyalty, "m1", bought)
    loyalty.publish(points_program(eligibility=rules.Finished(minimum_fen=9_000)), expected_revision=1)
    loyalty.ingest([refund(bought, 5_000)])
    assert loyalty.member("m1").points == 50
    assert_sound(loyalty)


def test_d16_points_pending_under_an_old_revision_are_issued(storage: Storage, clock: Clock) -> None:
    """Points and coupons that wait under a rule that is gone become spendable on their day all the same."""
    clock.set(day(6))
    program = points_program(
        rules.PointsPerYuan("1", issue_after_days=15), rules.Coupon("HELLO", issue_after_days=15, gateway="wecom")
    )
    loyalty = Loyalty(program, storage, clock=clock)
    convert(loyalty, "m1", order(1))
    loyalty.publish(points_program(rules.GrowthPerYuan("1")), expected_revision=1)
    clock.set(day(20))
    assert loyalty.run_due().issued == 2
    assert loyalty.member("m1").points == 100
    assert [(row.gateway, row.kind) for row in dump(storage)["deliveries"]] == [("wecom", "coupon.issue")]
    assert_sound(loyalty)


def test_d24_toggling_a_status_pays_once(storage: Storage, clock: Clock) -> None:
    """Finished, signed, finished, three times over, is what finished once is."""
    loyalty = Loyalty(section8_program(), storage, clock=clock)
    convert(loyalty, "m1", order(1))
    before = net_entries(loyalty, "m1")
    for _ in range(3):
        for status in (OrderStatus.SIGNED, OrderStatus.FINISHED):
            clock.move(minutes=1)
            loyalty.ingest([order(1, status=status, modified_at=clock.at)])
    assert net_entries(loyalty, "m1") == before
    assert [piece.code for piece in loyalty.member("m1").coupons] == ["WELCOME20"]
    assert_sound(loyalty)


def test_d32_a_refund_before_the_order_is_kept(storage: Storage, clock: Clock) -> None:
    """A refund of an order nobody has described yet counts when the order and the claim come."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    bought = order(1)
    report = loyalty.ingest([refund(bought, 4_000)])
    assert (report.changed, report.rejected_count) == (1, 0)
    [result] = convert(loyalty, "m1", bought)
    assert (result.points, result.state) == (60, "PARTIAL")
    assert_sound(loyalty)


def test_d32_a_refund_before_the_claim_counts(storage: Storage, clock: Clock) -> None:
    """Refunded wholly before anybody asks: the claim is made, gives nothing and stays taken."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    bought = order(1)
    loyalty.ingest([bought, refund(bought, 10_000)])
    result = claim_of(loyalty, "m1", bought)
    assert (result.created, result.state, result.points) == (True, "REVERSED", 0)
    assert claim_of(loyalty, "m2", bought).reason is Reason.ALREADY_CLAIMED
    assert_sound(loyalty)


def test_d32_every_order_of_arrival_ends_alike(clock: Clock) -> None:
    """Order, refund, failed payout and a second refund give one picture in all 24 orders of arrival."""
    bought = order(1)
    messages = [
        bought,
        refund(bought, 2_000, refund_id="r1", modified_at=day(10)),
        refund(bought, 2_000, refund_id="r1", status=FAILED, modified_at=day(12)),
        refund(bought, 3_000, refund_id="r2", modified_at=day(11)),
    ]
    ends = set()
    for arrival in permutations(messages):
        loyalty = Loyalty(points_program(), MemoryStorage(), clock=clock)
        claim_of(loyalty, "m1", bought)
        for message in arrival:
            loyalty.ingest([message])
        [claim] = loyalty.claims("m1").items
        ends.add((claim.state, claim.net_fen, loyalty.member("m1").points))
    assert ends == {("PARTIAL", 7_000, 70)}


def test_d55_a_once_per_member_coupon_stays_while_any_claim_earns_it(storage: Storage, clock: Clock) -> None:
    """A and B claimed, A refunded: the coupon stays and no revoke is written; B refunded too: revoked."""
    loyalty = Loyalty(points_program(rules.Coupon("WELCOME", once_per="member")), storage, clock=clock)
    a, b = order(1), order(2)
    [first, second] = convert(loyalty, "m1", a, b)
    assert [granted.amount for granted in first.granted] == [1]
    assert second.created
    assert len(loyalty.member("m1").coupons) == 1
    loyalty.ingest([refund(a, 10_000)])
    assert len(loyalty.member("m1").coupons) == 1
    assert [row.kind for row in dump(storage)["deliveries"]] == ["coupon.issue"]
    loyalty.ingest([refund(b, 10_000)])
    assert loyalty.member("m1").coupons == ()
    assert [row.kind for row in dump(storage)["deliveries"]] == ["coupon.issue", "coupon.revoke"]
    assert event_kinds(loyalty, "coupon.issued", "coupon.revoked") == ["coupon.issued", "coupon.revoked"]
    assert_sound(loyalty)


def test_d55_a_later_claim_brings_the_coupon_back(storage: Storage, clock: Clock) -> None:
    """After the only reason was refunded, another order earns the coupon once more."""
    loyalty = Loyalty(points_program(rules.Coupon("WELCOME", once_per="member")), storage, clock=clock)
    a, b = order(1), order(2)
    convert(loyalty, "m1", a)
    loyalty.ingest([refund(a, 10_000)])
    convert(loyalty, "m1", b)
    assert [piece.state for piece in loyalty.member("m1").coupons] == ["ACTIVE"]
    assert_sound(loyalty)


def test_d55_coupons_per_order_are_one_each(storage: Storage, clock: Clock) -> None:
    """A coupon per order is given, and revoked, by its own order; a partial refund leaves it."""
    loyalty = Loyalty(points_program(rules.Coupon("HELLO", minimum_fen=6_000)), storage, clock=clock)
    a, b = order(1), order(2)
    convert(loyalty, "m1", a, b)
    assert len(loyalty.member("m1").coupons) == 2
    loyalty.ingest([refund(a, 4_000)])
    assert len(loyalty.member("m1").coupons) == 2
    loyalty.ingest([refund(a, 1, refund_id="r2")])
    assert len(loyalty.member("m1").coupons) == 1
    assert_sound(loyalty)


def test_d9_facts_of_several_sources_are_one_order(storage: Storage, clock: Clock) -> None:
    """A field comes from the newest source that states it: an older export does not take back the API's status."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    convert(loyalty, "m1", order(1, modified_at=day(10)))
    loyalty.ingest([order(1, source=SourceKind.EXPORT, status=OrderStatus.SHIPPED, shop_id="s1", modified_at=day(8))])
    assert loyalty.member("m1").points == 100
    [view] = loyalty.orders("m1").items
    assert (view.status, view.shop_id) == ("FINISHED", "s1")
