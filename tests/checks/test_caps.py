"""Worked check D50, and what caps leave: per order, day, month and member; of a reward or an asset."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from builders import Clock, assert_sound, convert, day, order, points_program, refund

from crossloyalty import Line, LineStatus, Loyalty, Order, OrderStatus, Reason, RefundStatus, rules
from crossloyalty.application.ports import Storage
from crossloyalty.errors import ConfigError

DAILY = rules.Cap("daily", 300, per="day", asset="points")


def test_d50_an_allowance_is_taken_once_and_never_given_back(storage: Storage, clock: Clock) -> None:
    """1,000 earned, room 300 → 300; half refunded → f = 500 → still 300; 80 % refunded → 200; the day stays used."""
    loyalty = Loyalty(points_program(caps=[DAILY]), storage, clock=clock)
    bought = order(1, paid_fen=100_000)
    [result] = convert(loyalty, "m1", bought)
    assert (result.points, result.reason) == (300, Reason.CAP_REACHED)
    assert "积分：1000.00元 × 1，向下取整，得1000；受上限限制，发放300。" in result.explain("zh")
    assert "= 1000; a cap leaves 300." in result.explain("en")
    loyalty.ingest([refund(bought, 50_000)])
    assert loyalty.member("m1").points == 300
    loyalty.ingest([refund(bought, 30_000, refund_id="r2")])
    assert loyalty.member("m1").points == 200
    [second] = convert(loyalty, "m1", order(2))
    assert (second.points, second.reasons) == (0, (Reason.CAP_REACHED, Reason.NOTHING_TO_GRANT))
    loyalty.ingest([refund(bought, 30_000, refund_id="r2", status=RefundStatus.PAYOUT_FAILED, modified_at=day(21))])
    assert loyalty.member("m1").points == 300
    assert_sound(loyalty)


@pytest.mark.parametrize(
    ("per", "moves"),
    [
        ("day", [(day(20, 23, 59), 0), (day(21, 0), 100)]),
        ("month", [(day(30, 23, 59), 0), (day(1, 0, month=12), 100)]),
        ("member", [(day(1, month=12), 0), (day(1, month=1, year=2027), 0)]),
    ],
)
def test_d50_room_comes_back_with_the_next_local_period(
    storage: Storage, clock: Clock, per: Any, moves: list[Any]
) -> None:
    """The day ends at midnight in Shanghai, the month with its last day, a life never."""
    cap = rules.Cap("c", 100, per=per, reward="points")
    loyalty = Loyalty(points_program(caps=[cap]), storage, clock=clock)
    assert convert(loyalty, "m1", order(1))[0].points == 100
    for n, (at, points) in enumerate(moves, start=2):
        clock.set(at)
        assert convert(loyalty, "m1", order(n))[0].points == points
    assert_sound(loyalty)


def test_d50_members_have_counts_of_their_own(storage: Storage, clock: Clock) -> None:
    """What one member used up is no matter to another."""
    loyalty = Loyalty(points_program(caps=[DAILY]), storage, clock=clock)
    assert [convert(loyalty, name, order(n, paid_fen=40_000))[0].points for n, name in enumerate("abc")] == [300] * 3


def test_several_caps_leave_what_the_tightest_leaves(storage: Storage, clock: Clock) -> None:
    """Of 80 a day and 100 a month the second day has 20 left; both are counted by what was let through."""
    caps = [rules.Cap("d", 80, per="day", asset="points"), rules.Cap("m", 100, per="month", reward="points")]
    loyalty = Loyalty(points_program(caps=caps), storage, clock=clock)
    given = []
    for n in range(3):
        given.append(convert(loyalty, "m1", order(n))[0].points)
        clock.move(days=1)
    assert given == [80, 20, 0]
    assert_sound(loyalty)


def test_a_cap_per_asset_is_shared_in_the_order_of_the_rewards(storage: Storage, clock: Clock) -> None:
    """Points by ratio, then fixed ones: 100 and 50 of 120 are 100 and 20, whether by order or by day."""
    rewards = (rules.PointsPerYuan("1"), rules.PointsFixed(50))
    for per in ("order", "day"):
        program = points_program(
            *rewards,
            program_id=per,
            caps=[rules.Cap("c", 120, per=per, asset="points")],  # type: ignore[arg-type]
        )
        loyalty = Loyalty(program, storage, clock=clock)
        [result] = convert(loyalty, "m1", order(1))
        given = [each.amount for each in result.granted]
        assert given == [100, 20]
        assert_sound(loyalty)


def test_a_cap_per_order_is_looked_at_again(storage: Storage, clock: Clock) -> None:
    """It keeps no allowance: a split order grows into it, line by line, and a refund above it takes nothing."""
    loyalty = Loyalty(points_program(caps=[rules.Cap("c", 80, reward="points")]), storage, clock=clock)

    def split(second: LineStatus, hours: int) -> Order:
        lines = (
            Line(line_id="1", paid_fen=6_000, status=LineStatus.FINISHED),
            Line(line_id="2", paid_fen=4_000, status=second),
        )
        modified = day(6) + timedelta(hours=hours)
        return order(1, status=OrderStatus.SHIPPED, lines=lines, modified_at=modified)

    [result] = convert(loyalty, "m1", split(LineStatus.SHIPPED, 0))
    assert (result.points, result.reasons) == (60, ())
    loyalty.ingest([split(LineStatus.FINISHED, 1)])
    assert loyalty.member("m1").points == 80
    loyalty.ingest([refund(order(1), 2_000)])
    assert loyalty.member("m1").points == 80
    loyalty.ingest([refund(order(1), 3_000, refund_id="r2")])
    assert loyalty.member("m1").points == 50
    assert_sound(loyalty)


def test_coupons_are_all_or_nothing(storage: Storage, clock: Clock) -> None:
    """One coupon a day: the second order of the day earns none, the next day's does."""
    program = points_program(rules.Coupon("A"), caps=[rules.Cap("c", 1, per="day", reward="coupon:A")])
    loyalty = Loyalty(program, storage, clock=clock)
    given = [len(result.granted) for result in convert(loyalty, "m1", order(1), order(2))]
    clock.move(days=1)
    given += [len(result.granted) for result in convert(loyalty, "m1", order(3))]
    assert given == [1, 0, 1]
    assert_sound(loyalty)


def test_a_batch_shares_the_room(storage: Storage, clock: Clock) -> None:
    """Three orders that convert by themselves in one ingest get 300 together, the earliest first."""
    loyalty = Loyalty(points_program(caps=[DAILY]), storage, clock=clock)
    loyalty.bind("m1", platform="taobao", buyer_id="b1")
    items = [order(n, paid_fen=12_000, buyer_id="b1", finished_at=day(9 - n)) for n in (1, 2, 3)]
    loyalty.ingest(items)
    given = {claim.order_no: claim.grants["points"] for claim in loyalty.claims("m1").items}
    assert given == {order(3).order_no: 120, order(2).order_no: 120, order(1).order_no: 60}
    assert_sound(loyalty)


def test_an_order_that_earns_later_is_counted_then(storage: Storage, clock: Clock) -> None:
    """Below the minimum nothing is allowed; when a payout fails, the room is that of the day it happens on."""
    loyalty = Loyalty(
        points_program(caps=[DAILY], eligibility=rules.Finished(minimum_fen=40_000)), storage, clock=clock
    )
    bought = order(1, paid_fen=50_000)
    loyalty.ingest([bought, refund(bought, 20_000)])
    [below] = convert(loyalty, "m1", bought)
    assert below.reasons == (Reason.BELOW_MINIMUM,)
    convert(loyalty, "m1", order(2, paid_fen=60_000))
    clock.move(days=1)
    loyalty.ingest([refund(bought, 20_000, status=RefundStatus.PAYOUT_FAILED, modified_at=clock.at)])
    assert loyalty.member("m1").points == 600
    assert_sound(loyalty)


@pytest.mark.parametrize(
    ("caps", "words"),
    [
        ([rules.Cap("a", 1, reward="points"), rules.Cap("a", 2, reward="points")], "share an id"),
        ([rules.Cap("a", 1, asset="growth")], "no reward gives it"),
        ([rules.Cap("a", 1, reward="gift")], "limits nothing"),
    ],
)
def test_caps_that_limit_nothing_are_refused(caps: Any, words: str) -> None:
    """A cap names a reward or an asset that is there and not given once per member."""
    with pytest.raises(ConfigError, match=words):
        points_program(rules.PointsPerYuan("1"), rules.PointsFixed(1, id="gift", once_per="member"), caps=caps)


@pytest.mark.parametrize("named", [{}, {"reward": "points", "asset": "points"}])
def test_a_cap_limits_one_thing(named: Any) -> None:
    """A reward or an asset, not both and not neither."""
    with pytest.raises(ConfigError, match="one reward or one asset"):
        rules.Cap("a", 1, **named)
