"""Worked checks D2, D34 and D57: what refunds, spending and time do to grants and tiers."""

from datetime import timedelta

import pytest
from builders import NOW, Clock, assert_sound, convert, day, event_kinds, order, points_program, refund

from crossloyalty import Loyalty, Order, OrderStatus, Proof, RefundStatus, rules
from crossloyalty.application.ports import Storage

TIERS = rules.SpendTiers(
    [rules.Level("普通", 0), rules.Level("白银", 200_000, points_multiplier="1.5"), rules.Level("黄金", 500_000)],
    window_days=365,
)


def test_d2_nine_partial_refunds_are_rounded_together(storage: Storage, clock: Clock) -> None:
    """¥100 at 1 per ¥10 earns 10; nine refunds of ¥9 leave ¥19, so 1 stays and 9 are clawed back."""
    loyalty = Loyalty(points_program(rules.PointsPerYuan("0.1")), storage, clock=clock)
    bought = order(1, paid_fen=10_000)
    [result] = convert(loyalty, "m1", bought)
    assert result.points == 10
    for n in range(9):
        loyalty.ingest([refund(bought, 900, refund_id=f"r{n}")])
    assert loyalty.member("m1").points == 1
    [claim] = loyalty.claims("m1").items
    assert (claim.net_fen, claim.state, claim.grants) == (1900, "PARTIAL", {"points": 1})
    assert sum(e.amount for e in loyalty.entries("m1").items if e.kind == "claw_back") == -9
    assert_sound(loyalty)


def _silver(storage: Storage, clock: Clock) -> tuple[Loyalty, Order]:
    loyalty = Loyalty(points_program(rules.PointsPerYuan("1"), tiers=TIERS), storage, clock=clock)
    first, second = order(1, paid_fen=200_000), order(2, paid_fen=100_000)
    [a] = convert(loyalty, "m1", first)
    assert (a.points, a.tier) == (2000, "白银")
    [b] = convert(loyalty, "m1", second)
    assert (b.points, b.tier) == (1500, "白银")
    return loyalty, first


def test_d2_tier_stays_while_the_net_holds_it(storage: Storage, clock: Clock) -> None:
    """A ¥2000 makes 白银, B ¥1000 × 1.5 earns 1500; ¥500 of A back takes 500 and leaves the tier (2500)."""
    loyalty, first = _silver(storage, clock)
    loyalty.ingest([refund(first, 50_000)])
    member = loyalty.member("m1")
    assert (member.points, member.tier, member.window_spend_fen) == (3000, "白银", 250_000)
    assert_sound(loyalty)


def test_d2_refund_below_the_line_takes_the_tier_at_once(storage: Storage, clock: Clock) -> None:
    """A refund of ¥1,500 of A leaves ¥1,500 of spend: the tier is lost at once, B's 1,500 points stay."""
    loyalty, first = _silver(storage, clock)
    loyalty.ingest([refund(first, 150_000)])
    member = loyalty.member("m1")
    assert (member.tier, member.window_spend_fen) == ("普通", 150_000)
    assert {claim.order_no: claim.grants["points"] for claim in loyalty.claims("m1").items} == {
        order(1).order_no: 500,
        order(2).order_no: 1500,
    }
    assert member.points == 2000
    assert event_kinds(loyalty, "tier.upgraded", "tier.downgraded") == ["tier.upgraded", "tier.downgraded"]
    assert_sound(loyalty)


def test_d2_refund_uses_the_multiplier_of_earning(storage: Storage, clock: Clock) -> None:
    """Half of B refunded after the tier is gone takes half of what B earned at 1.5, not at today's multiplier."""
    loyalty, first = _silver(storage, clock)
    loyalty.ingest([refund(first, 200_000)])
    loyalty.ingest([refund(order(2), 50_000)])
    assert loyalty.member("m1").points == 750
    assert_sound(loyalty)


def test_d17_multiplier_is_that_of_the_tier_before_the_order(storage: Storage, clock: Clock) -> None:
    """The order that crosses the line itself earns at the tier held before it."""
    loyalty = Loyalty(points_program(rules.PointsPerYuan("1"), tiers=TIERS), storage, clock=clock)
    [result] = convert(loyalty, "m1", order(1, paid_fen=300_000))
    assert (result.points, result.tier) == (3000, "白银")


def test_d34_spending_points_never_lowers_the_tier(storage: Storage, clock: Clock) -> None:
    """The tier follows what was bought, so taking all points away leaves it."""
    loyalty, _ = _silver(storage, clock)
    assert loyalty.adjust("m1", asset="points", amount=-3500, key="spend").applied
    member = loyalty.member("m1")
    assert (member.points, member.tier, member.window_spend_fen) == (0, "白银", 300_000)


def test_d57_refund_is_judged_as_of_the_qualifying_day(storage: Storage, clock: Clock) -> None:
    """白银 of 2026-01-10 with ¥2,500: in June ¥1 back leaves 2,499 as of January and the tier; ¥600 more loses it."""
    clock.set(day(10, 15, month=1))
    tiers = rules.SpendTiers({"普通": 0, "白银": 200_000}, window_days=60, period_days=365)
    loyalty = Loyalty(points_program(tiers=tiers), storage, clock=clock)
    january = day(10, month=1)
    bought = order(1, paid_fen=250_000, created_at=january, paid_at=january, finished_at=january, modified_at=january)
    convert(loyalty, "m1", bought)
    assert (loyalty.member("m1").tier, loyalty.member("m1").tier_on) == ("白银", "2026-01-10")
    clock.set(day(1, month=6))
    assert loyalty.member("m1").window_spend_fen == 0
    loyalty.ingest([refund(bought, 100, refund_id="r1", modified_at=clock.at)])
    assert (loyalty.member("m1").tier, loyalty.member("m1").tier_on) == ("白银", "2026-01-10")
    loyalty.ingest([refund(bought, 60_000, refund_id="r2", modified_at=clock.at)])
    assert loyalty.member("m1").tier == "普通"
    assert_sound(loyalty)


def test_d57_failed_payout_gives_the_tier_back(storage: Storage, clock: Clock) -> None:
    """A payout that fails lifts the spend of the qualifying day again, and with it the tier of that day."""

    loyalty, first = _silver(storage, clock)
    loyalty.ingest([refund(first, 150_000)])
    assert loyalty.member("m1").tier == "普通"
    clock.move(days=3)
    loyalty.ingest([refund(first, 150_000, status=RefundStatus.PAYOUT_FAILED, modified_at=clock.at)])
    assert (loyalty.member("m1").tier, loyalty.member("m1").tier_on) == ("白银", "2026-11-20")
    assert_sound(loyalty)


@pytest.mark.parametrize(
    ("spend_fen", "tier"), [(199_999, "普通"), (200_000, "白银"), (499_999, "白银"), (500_000, "黄金")]
)
def test_d34_lines_are_reached_on_their_fen(storage: Storage, clock: Clock, spend_fen: int, tier: str) -> None:
    """One fen short of a tier is short of it."""
    loyalty = Loyalty(points_program(tiers=TIERS), storage, clock=clock)
    [result] = convert(loyalty, "m1", order(1, paid_fen=spend_fen))
    assert result.tier == tier


@pytest.mark.parametrize(("days_ago", "tier"), [(364, "白银"), (365, "普通")])
def test_d57_window_is_today_and_364_days_before(storage: Storage, clock: Clock, days_ago: int, tier: str) -> None:
    """A window of 365 days holds an order of 364 days ago and not one of 365 days ago."""

    program = points_program(tiers=TIERS, eligibility=rules.Finished(within_days=None))
    loyalty = Loyalty(program, storage, clock=clock)
    then = NOW - timedelta(days=days_ago)
    old = order(1, paid_fen=199_999, created_at=then, paid_at=then, finished_at=then, modified_at=then)
    today = order(2, paid_fen=1, finished_at=NOW, modified_at=NOW)
    assert convert(loyalty, "m1", old, today)[-1].tier == tier


def test_d57_natural_decay_waits_for_the_end_of_the_period(storage: Storage, clock: Clock) -> None:
    """A tier of 365 days is held to its last day and falls at 00:00 of the day behind it, when nothing renews it."""
    loyalty, _ = _silver(storage, clock)
    clock.set(day(19, 23, 59, year=2027))
    loyalty.run_due()
    assert loyalty.member("m1").tier == "白银"
    clock.set(day(20, 0, year=2027))
    assert loyalty.run_due().tiers_changed == 1
    assert loyalty.member("m1").tier == "普通"
    assert_sound(loyalty)


def test_d57_review_renews_while_the_window_holds_the_line(storage: Storage, clock: Clock) -> None:
    """At the end of the period the window as of that day decides; enough spend in it renews the tier from that day."""
    loyalty = Loyalty(points_program(tiers=TIERS), storage, clock=clock)
    convert(loyalty, "m1", order(1, paid_fen=200_000))
    spring = day(1, month=3, year=2027)
    clock.set(spring)
    convert(
        loyalty,
        "m1",
        order(3, paid_fen=200_000, created_at=spring, paid_at=spring, finished_at=spring, modified_at=spring),
    )
    clock.set(day(20, 0, year=2027))
    assert loyalty.run_due().tiers_changed == 0
    assert (loyalty.member("m1").tier, loyalty.member("m1").tier_on) == ("白银", "2027-11-20")
    assert_sound(loyalty)


def test_d57_losing_the_upper_tier_leaves_the_lower_one(storage: Storage, clock: Clock) -> None:
    """Every line crossed is kept with its day, so a refund below 黄金 leaves 白银."""
    loyalty = Loyalty(points_program(tiers=TIERS), storage, clock=clock)
    bought = order(1, paid_fen=600_000)
    convert(loyalty, "m1", bought)
    assert loyalty.member("m1").tier == "黄金"
    loyalty.ingest([refund(bought, 100_001)])
    assert (loyalty.member("m1").tier, loyalty.member("m1").tier_on) == ("白银", "2026-11-20")
    assert_sound(loyalty)


def test_the_gap_counts_what_is_on_its_way(storage: Storage, clock: Clock) -> None:
    """
    1,000 counted, 600 of a bound buyer's order shipped, 300 of a request that waits: 100 more make 白银.

    Unpaid and closed orders, and one that was refunded in part, count what is left of them.
    """
    loyalty = Loyalty(points_program(tiers=TIERS), storage, clock=clock)
    convert(loyalty, "m1", order(1, paid_fen=100_000))
    loyalty.bind("m1", platform="jd", buyer_id="b-1")
    way = {"finished_at": None, "buyer_id": "b-1"}
    shipped = order(2, "jd", paid_fen=70_000, status=OrderStatus.SHIPPED, **way)
    loyalty.ingest([shipped, refund(shipped, 10_000)])
    loyalty.ingest([order(3, "jd", paid_fen=50_000, status=OrderStatus.UNPAID, paid_at=None, **way)])
    loyalty.ingest([order(4, "jd", paid_fen=50_000, status=OrderStatus.CLOSED, **way)])
    loyalty.ingest([order(5, paid_fen=30_000, status=OrderStatus.SIGNED, finished_at=None)])
    loyalty.claim("m1", platform="taobao", order_no=order(5).order_no, proof=Proof.by_host("chat"))
    member = loyalty.member("m1")
    assert (member.window_spend_fen, member.coming_spend_fen, member.next_tier_gap_fen) == (100_000, 90_000, 10_000)
    assert loyalty.member("m2").coming_spend_fen == 0
