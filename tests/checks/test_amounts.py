"""Worked checks D8, D26, D33, D45, D48, D49, D52 and D56: what of an order counts, and what of it went back."""

import pytest
from builders import NOW, Clock, assert_sound, claim_of, convert, day, order, points_program, refund

from crossloyalty import Line, Loyalty, Order, Reason, RefundStatus, SourceKind, rules
from crossloyalty.application.ports import Storage


def _net(loyalty: Loyalty, member_id: str = "m1") -> int:
    [claim] = loyalty.claims(member_id).items
    return claim.net_fen


def test_d8_shipping_counts_neither_for_single_nor_for_split_orders(storage: Storage, clock: Clock) -> None:
    """A Taobao order of ¥110 with ¥10 postage counts ¥100, whether it has one sub-order or two."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    single = order(1, paid_fen=11_000, shipping_fen=1_000)
    split = order(
        2,
        paid_fen=11_000,
        shipping_fen=1_000,
        lines=(Line(line_id="a", paid_fen=6_000), Line(line_id="b", paid_fen=4_000)),
    )
    results = convert(loyalty, "m1", single, split)
    assert [result.points for result in results] == [100, 100]


def test_d8_platform_subsidy_earns_nothing(storage: Storage, clock: Clock) -> None:
    """What the platform paid on top is no part of what the buyer paid."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    [result] = convert(loyalty, "m1", order(1, platform="kuaishou", paid_fen=8_000, subsidy_fen=2_000))
    assert result.points == 80


def test_d8_refund_larger_than_buyer_paid_leaves_zero(storage: Storage, clock: Clock) -> None:
    """A Kuaishou refund that includes the subsidy takes the net to 0, never below."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    bought = order(1, platform="kuaishou", paid_fen=8_000, subsidy_fen=2_000)
    convert(loyalty, "m1", bought)
    loyalty.ingest([refund(bought, 10_000)])
    assert _net(loyalty) == 0
    assert loyalty.claims("m1").items[0].state == "REVERSED"
    assert_sound(loyalty)


def test_d8_refund_is_measured_on_the_buyers_basis(storage: Storage, clock: Clock) -> None:
    """Of a refund of ¥50 with ¥10 subsidy, ¥40 reduce what the buyer paid."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    bought = order(1, platform="kuaishou", paid_fen=8_000, subsidy_fen=2_000)
    convert(loyalty, "m1", bought)
    loyalty.ingest([refund(bought, 5_000, subsidy_fen=1_000)])
    assert _net(loyalty) == 4_000


def test_d8_refunded_shipping_does_not_reduce_goods(storage: Storage, clock: Clock) -> None:
    """A refund that is all shipping leaves what the order earns as it is."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    bought = order(1, paid_fen=11_000, shipping_fen=1_000)
    convert(loyalty, "m1", bought)
    loyalty.ingest([refund(bought, 1_000, shipping_fen=1_000)])
    assert _net(loyalty) == 10_000


@pytest.mark.parametrize(("amount", "net"), [(10_000, 0), (10_500, 0), (9_999, 1)])
def test_d8_unstated_parts_mean_goods_first(storage: Storage, clock: Clock, amount: int, net: int) -> None:
    """A refund that names no parts is goods first and only the rest shipping."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    bought = order(1, paid_fen=11_000, shipping_fen=1_000)
    convert(loyalty, "m1", bought)
    loyalty.ingest([refund(bought, amount)])
    assert _net(loyalty) == net


def test_d8_sums_that_do_not_balance_go_to_review(storage: Storage, clock: Clock) -> None:
    """An order whose lines and shipping are not what was paid is looked at by a person."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    odd = order(1, paid_fen=10_001, lines=(Line(line_id="a", paid_fen=6_000), Line(line_id="b", paid_fen=4_000)))
    loyalty.ingest([odd])
    result = claim_of(loyalty, "m1", odd)
    assert (result.created, result.reason, result.state) == (False, Reason.AMOUNT_MISMATCH, "HELD_REVIEW")
    right = order(1, paid_fen=10_000, lines=odd.lines, modified_at=day(6))
    assert loyalty.ingest([right]).claims_created == 0  # the proof given was of the other amount
    assert claim_of(loyalty, "m1", right).created


def test_d26_the_part_paid_with_own_value_earns_nothing(storage: Storage, clock: Clock) -> None:
    """¥30 of ¥100 paid with our own points, stored value or gift cards leave ¥70 that count."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    bought = order(1, paid_fen=10_000, own_value_fen=3_000)
    [result] = convert(loyalty, "m1", bought)
    assert result.points == 70
    loyalty.ingest([refund(bought, 5_000)])
    assert _net(loyalty) == 3_500
    loyalty.ingest([refund(bought, 5_000, refund_id="r2")])
    assert _net(loyalty) == 0
    assert_sound(loyalty)


def test_d33_an_absolute_total_replaces_the_one_before(storage: Storage, clock: Clock) -> None:
    """A refunded total of ¥30 and later one of ¥50 are ¥50 in all, and the same total again is nothing."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    convert(loyalty, "m1", order(1))
    loyalty.ingest([order(1, refunded_fen=3_000, modified_at=day(6))])
    assert _net(loyalty) == 7_000
    loyalty.ingest([order(1, refunded_fen=5_000, modified_at=day(7))])
    assert _net(loyalty) == 5_000
    assert loyalty.ingest([order(1, refunded_fen=5_000, modified_at=day(7))]).unchanged == 1
    assert _net(loyalty) == 5_000
    assert_sound(loyalty)


def test_d45_the_same_money_is_taken_back_once(storage: Storage, clock: Clock) -> None:
    """A dispute and a refund of the whole amount under two ids take back what was paid, not twice that."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    bought = order(1)
    convert(loyalty, "m1", bought)
    loyalty.ingest([refund(bought, 10_000, refund_id="dispute"), refund(bought, 10_000, refund_id="refund")])
    balance = loyalty.member("m1").balances["points"]
    assert (balance.available, balance.debt) == (0, 0)
    assert sum(e.amount for e in loyalty.entries("m1").items if e.kind == "claw_back") == -100
    assert_sound(loyalty)


def test_d45_a_refund_repeated_under_its_id_is_nothing_new(storage: Storage, clock: Clock) -> None:
    """The same refund delivered three times moves value once."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    bought = order(1)
    convert(loyalty, "m1", bought)
    reports = [loyalty.ingest([refund(bought, 3_000)]) for _ in range(3)]
    assert [(report.changed, report.unchanged) for report in reports] == [(1, 0), (0, 1), (0, 1)]
    assert loyalty.member("m1").points == 70


def test_d45_two_refunds_of_one_amount_are_two(storage: Storage, clock: Clock) -> None:
    """Refunds are told apart by their ids, never by their amounts."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    bought = order(1)
    convert(loyalty, "m1", bought)
    loyalty.ingest([refund(bought, 3_000, refund_id="r1"), refund(bought, 3_000, refund_id="r2")])
    assert loyalty.member("m1").points == 40


def test_d48_exclusions_are_per_line(storage: Storage, clock: Clock) -> None:
    """One excluded product and one excluded category take their own lines out and leave the rest of the order."""
    program = points_program(
        eligibility=rules.Finished(exclude_products=("gift-card",), exclude_categories=("tobacco",))
    )
    loyalty = Loyalty(program, storage, clock=clock)
    bought = order(
        1,
        paid_fen=10_000,
        lines=(
            Line(line_id="a", paid_fen=5_000, product_id="gift-card"),
            Line(line_id="b", paid_fen=2_000, category="tobacco"),
            Line(line_id="c", paid_fen=3_000, product_id="tea", category="food"),
        ),
    )
    [result] = convert(loyalty, "m1", bought)
    assert (result.points, result.state) == (30, "GRANTED")
    loyalty.ingest([refund(bought, 5_000, line_id="a")])
    assert loyalty.member("m1").points == 30
    loyalty.ingest([refund(bought, 1_000, line_id="c", refund_id="r2")])
    assert loyalty.member("m1").points == 20
    assert_sound(loyalty)


@pytest.mark.parametrize(("paid_fen", "points", "reason"), [(99, 0, Reason.BELOW_MINIMUM), (100, 1, None)])
def test_d49_the_minimum_is_reached_on_its_fen(
    storage: Storage, clock: Clock, paid_fen: int, points: int, reason: Reason | None
) -> None:
    """An order below the minimum becomes a claim with nothing granted, so that its number is taken."""
    loyalty = Loyalty(points_program(eligibility=rules.Finished(minimum_fen=100)), storage, clock=clock)
    bought = order(1, paid_fen=paid_fen)
    loyalty.ingest([bought])
    result = claim_of(loyalty, "m1", bought)
    assert (result.created, result.state, result.points, result.reason) == (True, "GRANTED", points, reason)
    assert loyalty.member("m1").net_spend_fen == (100 if points else 0)
    assert claim_of(loyalty, "m2", bought).reason is Reason.ALREADY_CLAIMED


def test_d49_the_minimum_is_judged_after_exclusions(storage: Storage, clock: Clock) -> None:
    """¥100 of which ¥60 are excluded are below a minimum of ¥50."""
    program = points_program(eligibility=rules.Finished(minimum_fen=5_000, exclude_products=("x",)))
    loyalty = Loyalty(program, storage, clock=clock)
    bought = order(1, lines=(Line(line_id="a", paid_fen=6_000, product_id="x"), Line(line_id="b", paid_fen=4_000)))
    loyalty.ingest([bought])
    assert claim_of(loyalty, "m1", bought).reason is Reason.BELOW_MINIMUM


def test_d49_the_minimum_is_judged_again_after_a_refund(storage: Storage, clock: Clock) -> None:
    """A refund that takes the net below the minimum takes everything back, and a failed payout gives it again."""
    loyalty = Loyalty(points_program(eligibility=rules.Finished(minimum_fen=5_000)), storage, clock=clock)
    bought = order(1)
    convert(loyalty, "m1", bought)
    loyalty.ingest([refund(bought, 5_000)])
    assert loyalty.member("m1").points == 50
    loyalty.ingest([refund(bought, 1, refund_id="r2")])
    member = loyalty.member("m1")
    assert (member.points, member.net_spend_fen, member.orders) == (0, 0, 0)
    clock.move(hours=1)
    loyalty.ingest([refund(bought, 1, refund_id="r2", status=RefundStatus.PAYOUT_FAILED, modified_at=clock.at)])
    assert loyalty.member("m1").points == 50
    assert_sound(loyalty)


def test_d52_other_currencies_go_to_review(storage: Storage, clock: Clock) -> None:
    """An order in US dollars is never counted one to one; a person looks at it."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    bought = order(1, currency="USD")
    loyalty.ingest([bought])
    result = claim_of(loyalty, "m1", bought)
    assert (result.created, result.reason, result.state) == (False, Reason.CURRENCY, "HELD_REVIEW")
    assert loyalty.member("m1").points == 0


def _by_export(refunded_fen: int, **stated: object) -> Order:
    return order(1, paid_fen=10_000, refunded_fen=refunded_fen, source=SourceKind.EXPORT, **stated)


def test_d56_a_total_and_a_row_of_the_same_refund_count_once(storage: Storage, clock: Clock) -> None:
    """A refunded total of 30.00 in the export and a refund row of 30.00 are 30.00, not 60.00."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    convert(loyalty, "m1", order(1))
    loyalty.ingest([_by_export(3_000, modified_at=NOW), refund(order(1), 3_000)])
    assert _net(loyalty) == 7_000
    assert_sound(loyalty)


@pytest.mark.parametrize(("total", "row", "net"), [(3_000, 5_000, 5_000), (5_000, 3_000, 5_000), (0, 3_000, 7_000)])
def test_d56_the_larger_of_total_and_rows_counts(
    storage: Storage, clock: Clock, total: int, row: int, net: int
) -> None:
    """Where the two kinds of fact differ, more has gone back than the smaller one knows."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    convert(loyalty, "m1", order(1))
    loyalty.ingest([_by_export(total, modified_at=NOW), refund(order(1), row)])
    assert _net(loyalty) == net


@pytest.mark.parametrize(("exported_at", "net"), [(day(19), 10_000), (day(21), 7_000)])
def test_d56_after_a_failed_payout_only_a_later_total_counts(
    storage: Storage, clock: Clock, exported_at: object, net: int
) -> None:
    """A total written down before the payout failed still holds that refund, one written later does not."""
    clock.set(day(22))
    loyalty = Loyalty(points_program(), storage, clock=clock)
    convert(loyalty, "m1", order(1))
    loyalty.ingest([_by_export(3_000, modified_at=exported_at)])
    loyalty.ingest([refund(order(1), 3_000, status=RefundStatus.PAYOUT_FAILED, modified_at=day(20))])
    assert _net(loyalty) == net
    assert_sound(loyalty)


def test_d56_per_line_figures_and_rows_are_compared_line_by_line(storage: Storage, clock: Clock) -> None:
    """Line a: total 10 and row 20 are 20; line b: total 15 and no row are 15."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    bought = order(1, lines=(Line(line_id="a", paid_fen=6_000), Line(line_id="b", paid_fen=4_000)))
    convert(loyalty, "m1", bought)
    told = order(
        1,
        source=SourceKind.EXPORT,
        modified_at=NOW,
        lines=(
            Line(line_id="a", paid_fen=6_000, refunded_fen=1_000),
            Line(line_id="b", paid_fen=4_000, refunded_fen=1_500),
        ),
    )
    loyalty.ingest([told, refund(bought, 2_000, line_id="a")])
    assert _net(loyalty) == 10_000 - 2_000 - 1_500


def test_d56_a_failed_payout_of_one_line_leaves_the_figure_of_another(storage: Storage, clock: Clock) -> None:
    """The payout of line a fails; what an earlier export says was refunded of line b still counts."""
    clock.set(day(22))
    loyalty = Loyalty(points_program(), storage, clock=clock)
    bought = order(
        1,
        modified_at=day(19),
        lines=(
            Line(line_id="a", paid_fen=6_000, refunded_fen=1_000),
            Line(line_id="b", paid_fen=4_000, refunded_fen=1_500),
        ),
    )
    convert(loyalty, "m1", bought)
    assert _net(loyalty) == 7_500
    loyalty.ingest([refund(bought, 1_000, line_id="a", status=RefundStatus.PAYOUT_FAILED, modified_at=day(20))])
    assert _net(loyalty) == 8_500


def test_d56_refunds_are_clamped_to_paid_per_line(storage: Storage, clock: Clock) -> None:
    """More refunded than a line cost takes that line to 0 and nothing from the others."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    bought = order(1, lines=(Line(line_id="a", paid_fen=6_000), Line(line_id="b", paid_fen=4_000)))
    convert(loyalty, "m1", bought)
    loyalty.ingest([refund(bought, 9_000, line_id="a")])
    assert _net(loyalty) == 4_000
    assert_sound(loyalty)


def test_d56_an_order_level_figure_is_spread_over_what_is_left(storage: Storage, clock: Clock) -> None:
    """¥50 refunded of the order, ¥20 of them on line a: the other ¥30 are spread over what is left of the lines."""
    program = points_program(eligibility=rules.Finished(exclude_products=("x",)))
    loyalty = Loyalty(program, storage, clock=clock)
    bought = order(1, lines=(Line(line_id="a", paid_fen=6_000, product_id="x"), Line(line_id="b", paid_fen=4_000)))
    convert(loyalty, "m1", bought)
    told = order(1, lines=bought.lines, refunded_fen=5_000, modified_at=NOW)
    loyalty.ingest([told, refund(bought, 2_000, line_id="a")])
    # a has 4,000 left, b 4,000: 1,500 each.
    assert _net(loyalty) == 2_500
