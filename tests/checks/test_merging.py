"""Worked check D5: two members become one, and two again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from builders import (
    Clock,
    all_items,
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

from crossloyalty import (
    Engine,
    Loyalty,
    OpeningBalance,
    OpeningClaim,
    OpeningGift,
    OpeningSpend,
    OpeningTier,
    Program,
    Reason,
    RefundStatus,
    rules,
)
from crossloyalty.application.ports import Storage
from crossloyalty.errors import IdempotencyConflict, InvalidInput
from crossloyalty.testing import dump

A_ORDER = order(1)
B_ORDER = order(2, "jd", finished_at=day(10), paid_at=day(9))


def d5_program(**settings: Any) -> Program:
    """Give 1 point a yuan for a month, a newcomer coupon, tiers by spend."""
    fields: dict[str, Any] = {
        "tiers": rules.SpendTiers({"普通": 0, "白银": 15_000, "黄金": 50_000}, window_days=365),
        "source_tags": rules.SourceTags(),
    }
    fields.update(settings)
    return points_program(
        rules.PointsPerYuan("1", expires_months=1), rules.Coupon("NEWCOMER", once_per="member"), **fields
    )


@pytest.fixture
def two(storage: Storage, clock: Clock) -> Loyalty:
    """Give a and b, each with 100 points of their own expiry, an order and the newcomer coupon."""
    loyalty = Loyalty(d5_program(), storage, clock=clock)
    clock.set(day(12))
    convert(loyalty, "a", A_ORDER)
    clock.set(day(20))
    convert(loyalty, "b", B_ORDER)
    return loyalty


def test_d5_the_survivor_has_all_lots_claims_and_sources(two: Loyalty, storage: Storage) -> None:
    """Balances, claims, spend and sources add up; each lot keeps its own expiry; the tier is that of the union."""
    result = two.merge("a", "b", key="m")
    assert (result.survivor, result.absorbed, result.merged, result.given_twice) == (
        "a",
        "b",
        True,
        ("coupon:NEWCOMER",),
    )
    both = two.member("a")
    assert (both.points, both.orders, both.net_spend_fen) == (200, 2, 20_000)
    assert both.tags == ("source:jd", "source:taobao")
    assert (both.tier, both.tier_on) == ("白银", "2026-11-20")  # 100 + 100 yuan cross 150 on the day of the merge
    lots = [lot for lot in dump(storage)["lots"] if lot.member_id == "a" and lot.asset == "points"]
    # From 12 November and from 20 November, one month each.
    assert [(lot.remaining, lot.state) for lot in lots] == [(100, "ACTIVE"), (100, "ACTIVE")]
    assert both.balances["points"].expires_next == 100
    assert len(both.coupons) == 2  # both were given it; it is kept by default
    assert sorted(claim.order_no for claim in two.claims("a").items) == sorted([A_ORDER.order_no, B_ORDER.order_no])
    assert_sound(two)


def test_d5_the_other_id_is_an_alias(two: Loyalty) -> None:
    """Whatever is asked of the id that was merged away is answered for the survivor."""
    two.merge("b", "a", key="m")
    assert two.member("b") == two.member("a")
    assert two.member("b").member_id == "a"
    assert two.claims("b").items == two.claims("a").items
    two.ingest([order(3)])
    result = claim_of(two, "b", order(3))
    assert (result.created, result.member_id, result.points) == (True, "a", 100)
    assert two.adjust("b", asset="points", amount=5, key="k").balance == 305
    assert two.explain(platform="jd", order_no=B_ORDER.order_no).member_id == "a"
    assert_sound(two)


def test_d5_a_late_refund_of_the_others_order_hits_the_survivor(two: Loyalty, storage: Storage) -> None:
    """A refund of b's order takes b's own lot at a, and the claim keeps the id it was written with."""
    two.merge("a", "b", key="m")
    two.ingest([refund(B_ORDER, 4_000)])
    assert two.member("a").points == 160
    lots = {
        lot.order_no: lot.remaining for lot in dump(storage)["lots"] if lot.member_id == "a" and lot.asset == "points"
    }
    assert (lots[A_ORDER.order_no], lots[B_ORDER.order_no]) == (100, 60)
    claims = {claim.order_no: claim for claim in dump(storage)["claims"]}
    assert (claims[B_ORDER.order_no].member_id, claims[B_ORDER.order_no].net_fen) == ("b", 6_000)
    assert two.member("a").net_spend_fen == 16_000
    two.ingest([refund(B_ORDER, 6_000, refund_id="r2")])
    both = two.member("a")
    assert (both.points, both.orders, both.tier) == (100, 1, "普通")
    assert_sound(two)


def test_d5_no_order_can_be_claimed_again(two: Loyalty) -> None:
    """The order's key is taken program-wide: by either id it is one's own, by a stranger it is taken."""
    two.merge("a", "b", key="m")
    for member in ("a", "b"):
        for each in (A_ORDER, B_ORDER):
            result = claim_of(two, member, each)
            assert (result.created, result.reason) == (False, Reason.ALREADY_CLAIMED_BY_YOU)
    assert claim_of(two, "c", B_ORDER).reason is Reason.ALREADY_CLAIMED


def test_d5_a_merged_member_has_nothing_and_gets_nothing(two: Loyalty, storage: Storage) -> None:
    """I-52: after the merge b's balance is 0 and no entry is written for b any more."""
    two.merge("a", "b", key="m")
    rows = dump(storage)
    assert {row.balance for row in rows["accounts"] if row.member_id == "b"} == {0}
    before = [entry for entry in rows["entries"] if entry.member_id == "b"]
    two.ingest([refund(B_ORDER, 10_000)])
    two.adjust("b", asset="points", amount=5, key="k")
    two.run_due()
    assert [entry for entry in dump(storage)["entries"] if entry.member_id == "b"] == before
    transfers = [(entry.member_id, entry.amount, entry.kind) for entry in before if entry.kind == "merge"]
    assert transfers == [("b", -100, "merge"), ("b", -1, "merge")]


def test_d5_debt_is_added_then_netted(storage: Storage, clock: Clock) -> None:
    """b owes 80 and has none; a has 100: together 20 and no debt."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    convert(loyalty, "a", order(1))
    convert(loyalty, "b", order(2))
    loyalty.adjust("b", asset="points", amount=-80, key="spend")
    loyalty.ingest([refund(order(2), 10_000)])
    assert (loyalty.member("b").points, loyalty.member("b").balances["points"].debt) == (0, 80)
    loyalty.merge("a", "b", key="m")
    points = loyalty.member("a").balances["points"]
    assert (points.available, points.debt) == (20, 0)
    assert net_entries(loyalty, "a") == {("points", "balance"): 20}
    assert_sound(loyalty)
    # The payout fails: b's order is whole again. The debt was paid, so 20 come back of the claw-back and 80 are issued.
    loyalty.ingest([refund(order(2), 10_000, status=RefundStatus.PAYOUT_FAILED, modified_at=day(21))])
    assert loyalty.member("a").points == 120
    assert_sound(loyalty)


def test_d5_debt_that_nothing_covers_stays(storage: Storage, clock: Clock) -> None:
    """What neither has cannot be netted: the debt is the survivor's and later points repay it."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    convert(loyalty, "b", order(2))
    loyalty.adjust("b", asset="points", amount=-80, key="spend")
    loyalty.ingest([refund(order(2), 10_000)])
    loyalty.merge("a", "b", key="m")
    assert loyalty.member("a").balances["points"].debt == 80
    convert(loyalty, "b", order(1))
    assert (loyalty.member("a").points, loyalty.member("a").balances["points"].debt) == (20, 0)
    assert_sound(loyalty)


def test_d5_a_reward_given_twice_can_be_taken_once(storage: Storage, clock: Clock) -> None:
    """With "claw_back" the later of the two coupons is revoked, and the result says which reward it was."""
    loyalty = Loyalty(d5_program(), storage, clock=clock)
    clock.set(day(12))
    convert(loyalty, "b", B_ORDER)
    clock.set(day(20))
    convert(loyalty, "a", A_ORDER)
    result = loyalty.merge("a", "b", key="m", given_twice="claw_back")
    assert result.given_twice == ("coupon:NEWCOMER",)
    [coupon] = loyalty.member("a").coupons
    lots = {lot.lot_no: lot.order_no for lot in dump(storage)["lots"] if lot.member_id == "a"}
    assert lots[coupon.lot_no] == B_ORDER.order_no  # b's of the 12th stays, a's of the 20th goes
    assert "coupon.revoked" in event_kinds(loyalty)
    assert_sound(loyalty)


def test_d5_a_reward_given_twice_can_be_taken_though_it_is_spent(storage: Storage, clock: Clock) -> None:
    """b's 50 of the 20th were spent before the merge: taken back, they come out of a's 50, and nothing is owed."""
    loyalty = Loyalty(points_program(rules.PointsFixed(50, once_per="member")), storage, clock=clock)
    clock.set(day(12))
    convert(loyalty, "a", A_ORDER)
    clock.set(day(20))
    convert(loyalty, "b", B_ORDER)
    loyalty.adjust("b", asset="points", amount=-50, key="spent")
    loyalty.merge("a", "b", key="m", given_twice="claw_back")
    assert (loyalty.member("a").points, loyalty.member("a").balances["points"].debt) == (0, 0)
    assert_sound(loyalty)


@pytest.mark.parametrize("policy", ["debt", "waive"])
def test_d5_what_a_gateway_kept_of_a_reward_given_twice_is_of_that_one(
    storage: Storage, clock: Clock, policy: Any
) -> None:
    """b's 50 could not be taken back: parted again, b has those and is sent no others, and a keeps its own 50."""
    book = rules.ExternalBook("points", gateway="youzan")
    newcomer = rules.PointsFixed(50, once_per="member")
    settings: Any = {"external_books": [book], "on_refund": rules.ClawBack(shortfall=policy)}
    loyalty = Loyalty(points_program(newcomer, **settings), storage, clock=clock)
    clock.set(day(12))
    convert(loyalty, "a", A_ORDER)
    clock.set(day(20))
    convert(loyalty, "b", B_ORDER)
    loyalty.merge("a", "b", key="m", given_twice="claw_back")
    (asked,) = [each for each in loyalty.deliveries().items if each.kind == "points.revoke"]
    assert loyalty.answer_delivery(asked.key, amount=0).shortfall == 50
    sent = len(loyalty.deliveries().items)
    loyalty.unmerge("b", key="u")
    held = [loyalty.member(each).balances["points"] for each in ("a", "b")]
    assert [(each.external, each.debt) for each in held] == [(50, 0), (50, 0)]
    assert len(loyalty.deliveries().items) == sent
    assert_sound(loyalty)


def test_d5_a_reward_kept_twice_goes_with_the_last_reason(two: Loyalty) -> None:
    """D55 over the union: while one claim qualifies both coupons stay; with the last one both go."""
    two.merge("a", "b", key="m")
    two.ingest([refund(A_ORDER, 10_000)])
    assert len(two.member("a").coupons) == 2
    two.ingest([refund(B_ORDER, 10_000)])
    assert two.member("a").coupons == ()
    assert_sound(two)


WAITING = refund(A_ORDER, 10_000, status=RefundStatus.OPEN)


def newcomer_waits(storage: Storage, clock: Clock, **reward: Any) -> Loyalty:
    """Give a the newcomer's coupon for an order with an open refund, and b the same for one without."""
    loyalty = Loyalty(points_program(rules.Coupon("NEWCOMER", once_per="member", **reward)), storage, clock=clock)
    loyalty.ingest([A_ORDER, WAITING])
    assert claim_of(loyalty, "a", A_ORDER).created
    clock.move(hours=1)
    convert(loyalty, "b", B_ORDER)
    return loyalty


def coupons(loyalty: Loyalty, member: str) -> list[str]:
    """Give the states of a member's coupons."""
    return sorted(coupon.state for coupon in loyalty.member(member).coupons)


@pytest.mark.parametrize("end", [RefundStatus.SUCCESS, RefundStatus.CLOSED])
def test_d5_what_an_open_refund_held_back_is_issued_by_the_others_order(
    storage: Storage, clock: Clock, end: RefundStatus
) -> None:
    """a's coupon waits for a refund; b's order deserves one too, so it waits no longer, however the refund ends."""
    loyalty = newcomer_waits(storage, clock)
    assert (coupons(loyalty, "a"), coupons(loyalty, "b")) == (["PENDING"], ["ACTIVE"])
    loyalty.merge("a", "b", key="m")
    assert coupons(loyalty, "a") == ["ACTIVE", "ACTIVE"]
    assert_sound(loyalty)
    loyalty.ingest([refund(A_ORDER, 10_000, status=end, modified_at=day(21))])
    assert coupons(loyalty, "a") == ["ACTIVE", "ACTIVE"]
    assert_sound(loyalty)


def test_d5_what_was_never_issued_is_the_later_of_two(storage: Storage, clock: Clock) -> None:
    """With "claw_back" a's coupon that waits goes, though a earned it first: b's was handed out already and stays."""
    loyalty = newcomer_waits(storage, clock)
    loyalty.merge("a", "b", key="m", given_twice="claw_back")
    assert coupons(loyalty, "a") == ["ACTIVE"]
    assert [each.kind for each in loyalty.deliveries().items] == ["coupon.issue"]
    loyalty.ingest([refund(A_ORDER, 10_000, modified_at=day(21))])
    assert coupons(loyalty, "a") == ["ACTIVE"]
    loyalty.ingest([refund(B_ORDER, 10_000, modified_at=day(21))])
    assert coupons(loyalty, "a") == []
    assert_sound(loyalty)


def test_d5_two_open_refunds_hold_back_what_both_were_given(storage: Storage, clock: Clock) -> None:
    """No order without an open refund deserves the coupon: both wait after the merge too, until one of them closes."""
    loyalty = newcomer_waits(storage, clock, issue_after_days=20)
    loyalty.ingest([refund(B_ORDER, 10_000, status=RefundStatus.OPEN)])
    loyalty.merge("a", "b", key="m")
    clock.move(days=30)
    loyalty.run_due()
    assert coupons(loyalty, "a") == ["PENDING", "PENDING"]
    loyalty.ingest([refund(B_ORDER, 10_000, status=RefundStatus.CLOSED, modified_at=clock())])
    assert coupons(loyalty, "a") == ["ACTIVE", "ACTIVE"]
    assert_sound(loyalty)


def test_d5_whoever_was_one_with_others_can_give_the_later_reward_back(two: Loyalty) -> None:
    """What a member was merged with stands beside what it was given once, and is no gift."""
    two.merge("a", "c", key="m1")
    result = two.merge("a", "b", key="m2", given_twice="claw_back")
    assert result.given_twice == ("coupon:NEWCOMER",)
    assert len(two.member("a").coupons) == 1
    assert_sound(two)


@pytest.mark.parametrize("twice", ["keep", "claw_back"])
def test_d5_what_was_sent_before_its_refund_opened_was_issued(storage: Storage, clock: Clock, twice: Any) -> None:
    """b's bonus had gone out when the refund of b's order opened: it does not wait, and of two a's is the later one."""
    bonus = rules.PointsFixed(30, once_per="member")
    book = rules.ExternalBook("points", gateway="youzan")
    loyalty = Loyalty(points_program(bonus, external_books=(book,)), storage, clock=clock)
    convert(loyalty, "b", B_ORDER)
    loyalty.ingest([refund(B_ORDER, 1_000, status=RefundStatus.OPEN)])
    clock.move(days=1)
    convert(loyalty, "a", order(3, finished_at=clock()))
    result = loyalty.merge("a", "b", key="m", given_twice=twice)
    assert result.given_twice == (bonus.id,)
    assert_sound(loyalty)
    revoked = [
        each.body.get("issued_to", each.member_id)
        for each in loyalty.deliveries().items
        if each.kind == "points.revoke"
    ]
    assert revoked == (["a"] if twice == "claw_back" else [])
    loyalty.ingest([refund(B_ORDER, 1_000, status=RefundStatus.CLOSED)])
    assert_sound(loyalty)


def test_d5_what_was_freed_by_the_others_order_waits_again_without_it(storage: Storage, clock: Clock) -> None:
    """Not issued before b leaves with its order, a's coupon waits for the refund of a's; b's comes on its day."""
    loyalty = newcomer_waits(storage, clock, issue_after_days=20)
    loyalty.merge("a", "b", key="m")
    loyalty.unmerge("b", key="u")
    clock.move(days=30)
    loyalty.run_due()
    assert (coupons(loyalty, "a"), coupons(loyalty, "b")) == (["PENDING"], ["ACTIVE"])
    loyalty.ingest([refund(A_ORDER, 10_000, status=RefundStatus.CLOSED, modified_at=clock())])
    assert coupons(loyalty, "a") == ["ACTIVE"]
    assert_sound(loyalty)


def test_d5_caps_of_the_present_period_are_summed(storage: Storage, clock: Clock) -> None:
    """I-55: a used 100 and b 150 of a daily cap of 300, so 50 are left for either id; tomorrow it is whole again."""
    program = points_program(rules.PointsPerYuan("1"), caps=[rules.Cap("daily", 300, per="day", asset="points")])
    loyalty = Loyalty(program, storage, clock=clock)
    convert(loyalty, "a", order(1))
    convert(loyalty, "b", order(2, paid_fen=15_000))
    loyalty.merge("a", "b", key="m")
    [result] = convert(loyalty, "b", order(3))
    assert (result.points, result.reason) == (50, Reason.CAP_REACHED)
    clock.move(days=1)
    [result] = convert(loyalty, "a", order(4))
    assert result.points == 100
    assert_sound(loyalty)


def test_d5_the_higher_tier_is_the_floor_until_its_period_ends(storage: Storage, clock: Clock) -> None:
    """b is 黄金 by hand until the end of the period; the survivor is too, and no longer."""
    loyalty = Loyalty(d5_program(), storage, clock=clock)
    convert(loyalty, "a", A_ORDER)
    loyalty.set_tier("b", tier="黄金", key="t")
    loyalty.merge("a", "b", key="m")
    assert loyalty.member("a").tier == "黄金"
    clock.move(days=364)
    loyalty.run_due()
    assert loyalty.member("a").tier == "黄金"
    clock.move(days=1)
    loyalty.run_due()
    assert loyalty.member("a").tier == "普通"
    assert_sound(loyalty)


def test_d5_debt_of_growth_does_not_lower_the_tier_by_the_merge_itself(storage: Storage, clock: Clock) -> None:
    """a holds 白银 by 300 growth; b owes 100: together 200, below the line, and 白银 is held to its period's end."""
    levels = [rules.GrowthLevel("普通", 0), rules.GrowthLevel("白银", 300)]
    program = points_program(rules.GrowthPerYuan("1"), tiers=rules.GrowthTiers(levels, period_days=30))
    loyalty = Loyalty(program, storage, clock=clock)
    convert(loyalty, "a", order(1, paid_fen=30_000))
    convert(loyalty, "b", order(2))
    loyalty.adjust("b", asset="growth", amount=-100, key="k")
    loyalty.ingest([refund(order(2), 10_000)])
    loyalty.merge("a", "b", key="m")
    both = loyalty.member("a")
    assert (both.balances["growth"].available, both.tier) == (200, "白银")
    clock.move(days=31)
    loyalty.run_due()
    assert loyalty.member("a").tier == "普通"
    assert_sound(loyalty)


def test_d5_identities_of_both_are_kept(two: Loyalty) -> None:
    """Same-platform identities of both belong to the survivor, whose orders convert by either."""
    two.bind("a", platform="taobao", buyer_id="buyer-a")
    two.bind("b", platform="taobao", buyer_id="buyer-b")
    two.merge("a", "b", key="m")
    two.ingest([order(5, buyer_id="buyer-a"), order(6, buyer_id="buyer-b")])
    assert two.member("a").points == 400
    assert two.bind("b", platform="tmall", buyer_id="buyer-a").bound
    assert two.bind("c", platform="tmall", buyer_id="buyer-b").reason is Reason.OTHER_BUYER
    assert_sound(two)


def test_d5_requests_that_wait_are_the_survivors(storage: Storage, clock: Clock) -> None:
    """A number b asked for before the merge becomes the survivor's claim when the order comes, with b's proof."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    claim_of(loyalty, "b", order(1))
    loyalty.merge("a", "b", key="m")
    assert loyalty.ingest([order(1)]).claims_created == 1
    assert (loyalty.member("a").points, loyalty.tickets("a").items) == (100, ())
    assert claim_of(loyalty, "a", order(1)).reason is Reason.ALREADY_CLAIMED_BY_YOU
    assert_sound(loyalty)


def test_d5_asking_under_the_survivors_id_keeps_the_place_of_the_request(storage: Storage, clock: Clock) -> None:
    """Whoever asked as b before the merge and asks as a afterwards has one request, from the time of the first."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    claim_of(loyalty, "b", order(1))
    [before] = loyalty.tickets("b").items
    loyalty.merge("a", "b", key="m")
    clock.move(hours=1)
    claim_of(loyalty, "a", order(1))
    assert loyalty.tickets("a").items == (before,)


def test_d5_pending_lots_come_due_at_the_survivor(storage: Storage, clock: Clock) -> None:
    """Points of b's order that wait become spendable at a on their own day, and b's claim is granted then."""
    loyalty = Loyalty(section8_program(), storage, clock=clock)
    convert(loyalty, "b", order(1, finished_at=day(19)))
    loyalty.merge("a", "b", key="m")
    assert (loyalty.member("a").points, loyalty.member("a").pending_points) == (0, 100)
    clock.set(day(4, month=12))
    loyalty.run_due()
    assert loyalty.member("a").points == 100
    [claim] = loyalty.claims("a").items
    assert claim.state == "GRANTED"
    assert_sound(loyalty)


def test_d5_a_payout_that_fails_opens_a_lot_that_was_closed_before_the_merge(storage: Storage, clock: Clock) -> None:
    """b's lot was taken back whole before the merge; the failed payout issues it again at a, with b's expiry."""
    loyalty = Loyalty(d5_program(), storage, clock=clock)
    convert(loyalty, "b", B_ORDER)
    expires_at = loyalty.member("b").balances["points"].expires_next_at
    loyalty.ingest([refund(B_ORDER, 10_000)])
    loyalty.merge("a", "b", key="m")
    clock.move(days=3)
    loyalty.ingest([refund(B_ORDER, 10_000, status=RefundStatus.PAYOUT_FAILED, modified_at=day(22))])
    points = loyalty.member("a").balances["points"]
    assert (points.available, points.expires_next_at) == (100, expires_at)
    assert len(loyalty.member("a").coupons) == 1
    assert_sound(loyalty)


def test_d5_what_expired_before_the_merge_is_not_taken_again(storage: Storage, clock: Clock) -> None:
    """D3 holds over a merge: b's 100 points expired, so the refund of b's order takes none of a's."""
    loyalty = Loyalty(d5_program(), storage, clock=clock)
    convert(loyalty, "b", B_ORDER)
    clock.move(days=40)
    loyalty.run_due()
    convert(loyalty, "a", A_ORDER)
    loyalty.merge("a", "b", key="m")
    loyalty.ingest([refund(B_ORDER, 10_000)])
    points = loyalty.member("a").balances["points"]
    assert (points.available, points.debt) == (100, 0)
    assert_sound(loyalty)


def test_d5_what_was_brought_along_moves_too(storage: Storage, clock: Clock) -> None:
    """Opening balances, debts, spend by day, tiers, gifts and claimed numbers of both are the survivor's."""
    loyalty = Loyalty(d5_program(), storage, clock=clock)
    rows = [
        OpeningBalance(member_id="b", asset="points", amount=70),
        OpeningBalance(member_id="b", asset="stored_value", amount=-30),
        OpeningSpend(member_id="b", day="2026-10-01", spend_fen=9_000),
        OpeningSpend(member_id="a", day="2026-10-01", spend_fen=8_000),
        OpeningTier(member_id="b", tier="白银", qualified_on="2026-10-01"),
        OpeningGift(member_id="b", gift="coupon:NEWCOMER"),
        OpeningClaim(member_id="b", platform="taobao", order_no=order(9).order_no),
    ]
    assert loyalty.import_opening(rows, name="old").imported == 7
    loyalty.merge("a", "b", key="m")
    both = loyalty.member("a")
    assert (both.points, both.balances["stored_value"].debt, both.window_spend_fen, both.tier) == (
        70,
        30,
        17_000,
        "白银",
    )
    convert(loyalty, "b", A_ORDER)
    assert loyalty.member("a").coupons == ()  # given elsewhere, to b
    assert loyalty.import_opening(
        [OpeningClaim(member_id="a", platform="taobao", order_no=order(9).order_no)], name="x"
    ).imported
    assert_sound(loyalty)
    loyalty.unmerge("b", key="u")
    one, other = loyalty.member("a"), loyalty.member("b")
    # What b claimed after the merge is a's: 8,000 of before and 10,000 of that order.
    assert (one.window_spend_fen, other.window_spend_fen) == (18_000, 9_000)
    assert (other.points, other.balances["stored_value"].debt, other.tier, one.tier) == (70, 30, "白银", "白银")
    assert_sound(loyalty)


# -- who survives ----------------------------------------------------------------------------------------------------


def test_d5_the_smaller_id_survives_whatever_the_order_of_the_arguments(two: Loyalty) -> None:
    """Without a name it is the smaller id; a second merge of the two changes nothing."""
    assert two.merge("b", "a", key="m1").survivor == "a"
    again = two.merge("a", "b", key="m2")
    assert (again.survivor, again.merged) == ("a", False)
    assert_sound(two)


def test_d5_a_named_survivor_with_a_newer_version_counts(two: Loyalty, storage: Storage) -> None:
    """b is named under version 1 and survives; an older or equal decision for a comes too late, a newer one counts."""
    assert two.merge("a", "b", survivor="b", version=2, key="m1").survivor == "b"
    assert two.member("a").member_id == "b"
    assert two.merge("a", "b", survivor="a", version=1, key="m2").survivor == "b"
    assert two.merge("a", "b", key="m3").survivor == "b"
    before = two.member("b")
    assert_sound(two)
    result = two.merge("a", "b", survivor="a", version=3, key="m4")
    assert (result.survivor, result.absorbed, result.merged) == ("a", "b", True)
    after = two.member("b")
    assert after.member_id == "a"
    assert (after.points, after.orders, after.tier, len(after.coupons)) == (
        before.points,
        before.orders,
        before.tier,
        2,
    )
    assert_sound(two)
    two.ingest([refund(A_ORDER, 10_000), refund(B_ORDER, 10_000)])
    assert (two.member("a").points, two.member("a").coupons) == (0, ())
    assert_sound(two)


def test_d5_the_same_key_gives_the_same_answer(two: Loyalty) -> None:
    """A repeat under one key answers as before; another request under it is a conflict."""
    first = two.merge("a", "b", key="m")
    assert two.merge("b", "a", key="m") == first
    with pytest.raises(IdempotencyConflict):
        two.merge("a", "c", key="m")
    left = two.unmerge("b", key="u")
    assert two.unmerge("b", key="u") == left
    assert (left.unmerged, left.left) == (True, "a")
    assert two.merge("a", "b", key="m") == first  # still the first call's answer; nothing is merged again
    assert two.member("b").member_id == "b"


@pytest.mark.parametrize(
    "call",
    [
        lambda door: door.merge("a", "a", key="m"),
        lambda door: door.merge("a", "", key="m"),
        lambda door: door.merge("a", "b", key=""),
        lambda door: door.merge("a", "b", key="m", survivor="c", version=1),
        lambda door: door.merge("a", "b", key="m", survivor="a"),
        lambda door: door.merge("a", "b", key="m", version=1),
        lambda door: door.merge("a", "b", key="m", survivor="a", version=-1),
        lambda door: door.merge("a", "b", key="m", survivor="a", version=True),
        lambda door: door.merge("a", "b", key="m", given_twice="burn"),
        lambda door: door.unmerge("", key="m"),
    ],
)
def test_d5_a_merge_that_cannot_be_one_is_refused(two: Loyalty, call: Any) -> None:
    """Ids, survivor, version and the word for what was given twice are checked, and nothing changes."""
    with pytest.raises(InvalidInput):
        call(two)
    assert two.member("b").member_id == "b"


# -- undone ----------------------------------------------------------------------------------------------------------


def test_d5_unmerge_gives_each_what_it_brought(two: Loyalty, storage: Storage) -> None:
    """After merge and unmerge both stand as before: points with their expiry, coupons, claims, spend, tier, sources."""
    two.bind("b", platform="taobao", buyer_id="buyer-b")
    before = {member: two.member(member) for member in ("a", "b")}
    two.merge("a", "b", key="m")
    two.unmerge("b", key="u")
    for member, was in before.items():
        now = two.member(member)
        assert (now.points, now.balances["points"].expires_next_at) == (100, was.balances["points"].expires_next_at)
        assert (now.orders, now.net_spend_fen, now.window_spend_fen) == (1, 10_000, 10_000)
        assert (now.tier, now.tags, len(now.coupons)) == ("普通", was.tags, 1)
        assert len(two.claims(member).items) == 1
    two.ingest([order(7, buyer_id="buyer-b")])
    assert (two.member("b").points, two.member("a").points) == (200, 100)
    assert_sound(two)


def test_d5_what_an_earlier_holder_kept_stays_that_holders(storage: Storage, clock: Clock) -> None:
    """a's claim moved to b and took no spendable points back: after merge and unmerge both keep their 100."""
    loyalty = Loyalty(d5_program(on_refund=rules.ClawBack(shortfall="pending_only")), storage, clock=clock)
    clock.set(day(12))
    convert(loyalty, "a", A_ORDER)
    told = {"platform": "taobao", "order_no": A_ORDER.order_no, "evidence": "chat", "operator": "ann", "key": "d"}
    assert loyalty.dispute("b", **told).holder_no == 2
    assert (loyalty.member("a").points, loyalty.member("b").points) == (100, 100)
    loyalty.merge("a", "b", key="m")
    loyalty.unmerge("b", key="u")
    assert (loyalty.member("a").points, loyalty.member("b").points) == (100, 100)
    assert_sound(loyalty)


def test_d5_what_an_earlier_holder_owes_goes_with_that_holder(storage: Storage, clock: Clock) -> None:
    """b's claim moves to c after b's 100 points were spent under a: the debt of 100 is b's, and leaves with b."""
    loyalty = Loyalty(d5_program(on_refund=rules.ClawBack(shortfall="debt")), storage, clock=clock)
    clock.set(day(12))
    convert(loyalty, "b", A_ORDER)
    loyalty.merge("a", "b", key="m")
    loyalty.adjust("a", asset="points", amount=-100, key="spent")
    told = {"platform": "taobao", "order_no": A_ORDER.order_no, "evidence": "chat", "operator": "ann", "key": "d"}
    assert loyalty.dispute("c", **told).holder_no == 2
    assert (loyalty.member("a").balances["points"].debt, loyalty.member("c").points) == (100, 100)
    loyalty.unmerge("b", key="u")
    assert [loyalty.member(each).balances["points"].debt for each in ("a", "b")] == [0, 100]
    assert_sound(loyalty)


def test_d5_what_came_from_one_union_leaves_the_next(storage: Storage, clock: Clock) -> None:
    """z owes 100 for an order refunded while part of a; after z was part of c too, z owes it and c nothing."""
    loyalty = Loyalty(d5_program(on_refund=rules.ClawBack(shortfall="debt")), storage, clock=clock)
    clock.set(day(12))
    convert(loyalty, "z", A_ORDER)
    loyalty.merge("a", "z", key="m1")
    loyalty.adjust("a", asset="points", amount=-100, key="spent")
    loyalty.ingest([refund(A_ORDER, 10_000)])
    loyalty.unmerge("z", key="u1")
    assert [loyalty.member(each).balances["points"].debt for each in ("a", "z")] == [0, 100]
    loyalty.merge("c", "z", key="m2")
    loyalty.unmerge("z", key="u2")
    debts = {each: at.debt if (at := loyalty.member(each).balances.get("points")) else 0 for each in ("c", "z")}
    assert debts == {"c": 0, "z": 100}
    assert_sound(loyalty)


def become_one_and_spend(loyalty: Loyalty, survivor: str, other: str) -> None:
    """Let two members have the points of an order each, become one, and spend all of them."""
    convert(loyalty, survivor, A_ORDER)
    convert(loyalty, other, B_ORDER)
    loyalty.merge(survivor, other, key="m1")
    loyalty.adjust(survivor, asset="points", amount=-200, key="spent")


def test_d5_who_stood_for_another_leaves_with_its_own(storage: Storage, clock: Clock) -> None:
    """b and c owe 100 each as one; c leaves b, then b comes to a and leaves it: each still owes its own 100."""
    loyalty = Loyalty(d5_program(on_refund=rules.ClawBack(shortfall="debt")), storage, clock=clock)
    clock.set(day(20))
    become_one_and_spend(loyalty, "b", "c")
    loyalty.ingest([refund(A_ORDER, 10_000), refund(B_ORDER, 10_000)])
    loyalty.unmerge("c", key="u1")
    assert [loyalty.member(each).balances["points"].debt for each in ("b", "c")] == [100, 100]
    loyalty.merge("a", "b", key="m2")
    loyalty.unmerge("b", key="u2")
    assert [loyalty.member(each).balances["points"].debt for each in ("a", "b", "c")] == [0, 100, 100]
    assert_sound(loyalty)


def test_d5_what_was_repaid_while_they_were_one_stays_repaid(storage: Storage, clock: Clock) -> None:
    """
    a owes 30 and b 50; as one they repay 40, so b leaves with 40. One again, a owes 20 more: b leaves with 40 again.

    What is repaid is the survivor's own debt first, then the other's.
    """
    loyalty = Loyalty(d5_program(on_refund=rules.ClawBack(shortfall="debt")), storage, clock=clock)
    clock.set(day(20))
    become_one_and_spend(loyalty, "a", "b")
    loyalty.ingest([refund(A_ORDER, 3_000), refund(B_ORDER, 5_000)])
    loyalty.adjust("a", asset="points", amount=40, key="repaid")
    loyalty.unmerge("b", key="u1")
    assert [loyalty.member(each).balances["points"].debt for each in ("a", "b")] == [0, 40]
    loyalty.merge("a", "b", key="m2")
    loyalty.ingest([refund(A_ORDER, 2_000, refund_id="r2")])
    loyalty.unmerge("b", key="u2")
    assert [loyalty.member(each).balances["points"].debt for each in ("a", "b")] == [20, 40]
    assert_sound(loyalty)


def test_d5_who_owes_stays_known_over_a_merge_in_between(storage: Storage, clock: Clock) -> None:
    """b stands for c, both owe 100, and 50 of b's are repaid; they go to a, c leaves with 100, then b with 50."""
    loyalty = Loyalty(d5_program(on_refund=rules.ClawBack(shortfall="debt")), storage, clock=clock)
    clock.set(day(20))
    become_one_and_spend(loyalty, "b", "c")
    loyalty.ingest([refund(A_ORDER, 10_000), refund(B_ORDER, 10_000)])
    loyalty.adjust("b", asset="points", amount=50, key="repaid")
    loyalty.merge("a", "b", key="m2")
    loyalty.unmerge("c", key="u1")
    assert [loyalty.member(each).balances["points"].debt for each in ("a", "c")] == [50, 100]
    loyalty.unmerge("b", key="u2")
    assert [loyalty.member(each).balances["points"].debt for each in ("a", "b", "c")] == [0, 50, 100]
    assert_sound(loyalty)


def test_d5_an_earlier_holder_is_known_though_it_was_granted_nothing_itself(storage: Storage, clock: Clock) -> None:
    """
    b's claim gave nothing until b was part of a; its 100 points were spent and the claim went to c.

    The debt of 100 is of b's claim, so it leaves with b.
    """
    loyalty = Loyalty(d5_program(on_refund=rules.ClawBack(shortfall="debt")), storage, clock=clock)
    clock.set(day(20))
    loyalty.ingest([refund(A_ORDER, 10_000)])
    convert(loyalty, "b", A_ORDER)
    loyalty.merge("a", "b", key="m")
    loyalty.ingest([refund(A_ORDER, 10_000, status=RefundStatus.PAYOUT_FAILED, modified_at=day(21))])
    assert loyalty.member("a").points == 100
    loyalty.adjust("a", asset="points", amount=-100, key="spent")
    told = {"platform": "taobao", "order_no": A_ORDER.order_no, "evidence": "chat", "operator": "ann", "key": "d"}
    assert loyalty.dispute("c", **told).holder_no == 2
    assert loyalty.member("a").balances["points"].debt == 100
    loyalty.unmerge("b", key="u")
    assert [loyalty.member(each).balances["points"].debt for each in ("a", "b")] == [0, 100]
    assert_sound(loyalty)


DISPUTE: Any = {"platform": "taobao", "order_no": A_ORDER.order_no, "evidence": "chat", "operator": "ann", "key": "d"}


def sent_outside(storage: Storage, clock: Clock) -> Loyalty:
    """Give b 100 points that live outside, for an order, and make b part of a."""
    book = rules.ExternalBook("points", gateway="youzan")
    loyalty = Loyalty(points_program(rules.PointsPerYuan("1"), external_books=[book]), storage, clock=clock)
    convert(loyalty, "b", A_ORDER)
    loyalty.merge("a", "b", key="m")
    return loyalty


def held_outside(loyalty: Loyalty, *members: str) -> list[tuple[int, int]]:
    """Say what the gateway holds for each member, and what each owes."""
    found = [loyalty.member(each).balances.get("points") for each in members]
    return [(0, 0) if each is None else (each.external, each.debt) for each in found]


@pytest.mark.parametrize("late", [False, True])
def test_d5_what_a_gateway_kept_of_an_earlier_holder_goes_with_that_holder(
    storage: Storage, clock: Clock, late: bool
) -> None:
    """
    b's claim moved to c while b was part of a, and the gateway could not take the 100 back: b has and owes them.

    It is the same whether the gateway says so before b leaves or behind it.
    """
    loyalty = sent_outside(storage, clock)
    assert loyalty.dispute("c", **DISPUTE).holder_no == 2
    (asked,) = [each for each in loyalty.deliveries().items if each.kind == "points.revoke"]
    if late:
        loyalty.unmerge("b", key="u")
    assert loyalty.answer_delivery(asked.key, amount=0).shortfall == 100
    if not late:
        loyalty.unmerge("b", key="u")
    assert held_outside(loyalty, "a", "b", "c") == [(0, 0), (100, 100), (100, 0)]
    assert_sound(loyalty)


@pytest.mark.parametrize("into", ["", "0"])
def test_d5_a_late_answer_finds_a_holder_whose_claim_moved_behind_the_parting(
    storage: Storage, clock: Clock, into: str
) -> None:
    """
    40 of b's points are asked back while b is part of a; b leaves, the claim goes to c, and none of the 40 was taken.

    b owes them, or whoever b has become part of since.
    """
    loyalty = sent_outside(storage, clock)
    loyalty.ingest([refund(A_ORDER, 4_000)])
    (asked,) = [each for each in loyalty.deliveries().items if each.kind == "points.revoke"]
    loyalty.unmerge("b", key="u")
    if into:
        loyalty.merge(into, "b", key="m2")
    assert loyalty.dispute("c", **DISPUTE).holder_no == 2
    assert loyalty.answer_delivery(asked.key, amount=0).shortfall == 40
    assert held_outside(loyalty, "a", into or "b", "c") == [(0, 0), (40, 40), (60, 0)]
    assert_sound(loyalty)


def test_d5_what_expired_between_two_merges_is_not_owed(two: Loyalty, clock: Clock) -> None:
    """b's 100 points leave a by an un-merge and expire at b; merged again, a refund of b's order takes nothing (D3)."""
    two.merge("a", "b", key="m1")
    two.unmerge("b", key="u")
    clock.set(day(12) + timedelta(days=60))
    two.run_due()
    assert [two.member(each).points for each in ("a", "b")] == [0, 0]
    two.merge("a", "b", key="m2")
    two.ingest([refund(B_ORDER, 10_000)])
    assert {view.platform: view.state for view in two.claims("a").items} == {"taobao": "GRANTED", "jd": "REVERSED"}
    assert two.member("a").balances["points"].debt == 0
    assert_sound(two)


def test_d5_what_was_spent_meanwhile_is_spent(two: Loyalty) -> None:
    """Of 200 points 130 are spent by the survivor, soonest expiring first: a's lot and 30 of b's; b gets back 70."""
    two.merge("a", "b", key="m")
    two.adjust("a", asset="points", amount=-130, key="spend")
    two.unmerge("b", key="u")
    assert (two.member("a").points, two.member("b").points) == (0, 70)
    assert_sound(two)
    two.ingest([refund(B_ORDER, 10_000)])
    assert (two.member("b").points, two.member("b").balances["points"].debt) == (0, 30)
    assert_sound(two)


def test_d5_what_came_meanwhile_stays_with_the_survivor(two: Loyalty) -> None:
    """An order claimed under either id after the merge is the survivor's; a refund then belongs to whom it was."""
    two.merge("a", "b", key="m")
    convert(two, "b", order(3))
    two.ingest([refund(B_ORDER, 5_000)])
    two.unmerge("b", key="u")
    assert (two.member("a").points, two.member("b").points) == (200, 50)
    two.ingest([refund(order(3), 10_000), refund(B_ORDER, 5_000, refund_id="r2")])
    assert (two.member("a").points, two.member("b").points) == (100, 0)
    assert_sound(two)


def test_d5_members_can_become_one_again(two: Loyalty) -> None:
    """Merge, unmerge and merge again, the other way round too: nothing is lost and nothing is made."""
    for turn in range(3):
        two.merge("a", "b", survivor="ab"[turn % 2], version=turn + 1, key=f"m{turn}")
        assert two.member("a").points == 200
        assert_sound(two)
        two.unmerge("ba"[turn % 2], key=f"u{turn}")
        assert (two.member("a").points, two.member("b").points) == (100, 100)
        assert_sound(two)
    two.ingest([refund(A_ORDER, 10_000), refund(B_ORDER, 10_000)])
    assert (two.member("a").points, two.member("b").points) == (0, 0)
    assert_sound(two)


def test_d5_whoever_came_along_leaves_along(two: Loyalty) -> None:
    """c was merged into b and b into a: b leaves with what c brought, and c stays b's alias."""
    convert(two, "c", order(3))
    two.merge("b", "c", key="m1")
    two.merge("a", "b", key="m2")
    assert (two.member("c").member_id, two.member("c").points) == ("a", 300)
    assert_sound(two)
    two.unmerge("b", key="u1")
    assert (two.member("a").points, two.member("c").member_id, two.member("c").points) == (100, "b", 200)
    assert_sound(two)
    two.unmerge("c", key="u2")
    assert [two.member(each).points for each in "abc"] == [100, 100, 100]
    assert_sound(two)


def test_d5_one_in_the_middle_can_leave(two: Loyalty) -> None:
    """c was merged into b and b into a: c alone leaves, and both above it stand for it no more."""
    convert(two, "c", order(3))
    two.merge("b", "c", key="m1")
    two.merge("a", "b", key="m2")
    two.unmerge("c", key="u")
    assert [two.member(each).points for each in "abc"] == [200, 200, 100]
    assert two.member("b").member_id == "a"
    assert_sound(two)


def test_d5_somebody_who_stands_alone_is_not_unmerged(two: Loyalty) -> None:
    """Unmerging somebody who was not merged away changes nothing and says so."""
    result = two.unmerge("a", key="u")
    assert (result.unmerged, result.left) == (False, "")


def test_d5_a_side_that_deserves_a_gift_has_one_after_the_parting(storage: Storage, clock: Clock) -> None:
    """b claims first after the merge, so the one coupon is a's; parted, b's own claims deserve none, and a keeps it."""
    loyalty = Loyalty(d5_program(), storage, clock=clock)
    convert(loyalty, "b", B_ORDER)
    loyalty.merge("a", "b", key="m")
    convert(loyalty, "a", A_ORDER)
    assert len(loyalty.member("a").coupons) == 1
    loyalty.unmerge("b", key="u")
    # Each has a claim that qualifies: b keeps the one that b's order gave, a is given one.
    assert (len(loyalty.member("a").coupons), len(loyalty.member("b").coupons)) == (1, 1)
    assert_sound(loyalty)


def test_d5_who_was_one_with_others_is_given_once_like_anybody(storage: Storage, clock: Clock) -> None:
    """Two partings leave a count of nothing at a; a's first order has an open refund, and its coupon waits for that."""
    loyalty = Loyalty(d5_program(), storage, clock=clock)
    convert(loyalty, "b", B_ORDER)
    for other in ("b", "c"):
        loyalty.merge("a", other, key=f"m-{other}")
        loyalty.unmerge(other, key=f"u-{other}")
    loyalty.ingest([A_ORDER, refund(A_ORDER, 1_000, status=RefundStatus.OPEN)])
    assert claim_of(loyalty, "a", A_ORDER).created
    assert_sound(loyalty)
    assert [coupon.state for coupon in loyalty.member("a").coupons] == ["PENDING"]
    loyalty.ingest([refund(A_ORDER, 1_000, status=RefundStatus.CLOSED)])
    assert [coupon.state for coupon in loyalty.member("a").coupons] == ["ACTIVE"]
    assert_sound(loyalty)


def test_d5_a_stale_alias_is_noticed(two: Loyalty, storage: Storage, clock: Clock) -> None:
    """Another process that still remembers the merge finds out by itself that it was undone, whatever it does next."""
    two.merge("a", "b", key="m")
    other = Engine(storage, clock=clock).program(two.program_id)
    for n, ask in enumerate(
        [
            lambda: other.member("b").member_id,
            lambda: claim_of(other, "b", order(3)).member_id,
            lambda: "b" if other.adjust("b", asset="points", amount=1, key="k").balance == 201 else "a",
            lambda: "b" if len(other.claims("b").items) == 2 else "a",
        ]
    ):
        other.ingest([order(3)])
        assert other.member("b").member_id == "a"
        two.unmerge("b", key=f"u{n}")
        assert ask() == "b", n
        two.merge("a", "b", key=f"m{n}")
    assert_sound(two)


# -- lists -----------------------------------------------------------------------------------------------------------


def test_d5_lists_run_over_everybody_who_was_merged(storage: Storage, clock: Clock) -> None:
    """Claims, orders, tickets and entries of both come newest first, page by page, none twice and none missing."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    for n in range(1, 8):
        clock.move(minutes=1)
        convert(loyalty, "ab"[n % 2], order(n, finished_at=day(5) + timedelta(hours=n)))
        claim_of(loyalty, "ab"[n % 2], order(100 + n))
    loyalty.merge("a", "b", key="m")
    for read in (loyalty.claims, loyalty.orders, loyalty.tickets):
        whole = read("a", limit=100).items
        assert len(whole) == 7
        assert all_items(lambda **page: read("b", **page), 2) == list(whole)  # noqa: B023 - used at once
    assert [claim.order_no for claim in loyalty.claims("a").items] == [order(n).order_no for n in range(7, 0, -1)]
    entries = loyalty.entries("a", limit=100).items
    assert [entry.at for entry in entries] == sorted((entry.at for entry in entries), reverse=True)
    assert all_items(lambda **page: loyalty.entries("a", **page), 3) == list(entries)
    assert sum(entry.amount for entry in entries) == 700
