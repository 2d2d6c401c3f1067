"""What time brings: run_due does everything whose moment has come, once, and finds the next moment."""

from datetime import timedelta

import pytest
from builders import NOW, Clock, assert_sound, convert, day, event_kinds, order, points_program, section8_program

from crossloyalty import Loyalty, rules
from crossloyalty.application.due import DueReport
from crossloyalty.application.ports import Storage
from crossloyalty.errors import InvalidInput
from crossloyalty.testing.dump import dump


def test_nothing_due_writes_nothing(storage: Storage, clock: Clock) -> None:
    """Before the first moment a sweep changes no row."""
    clock.set(day(6))
    loyalty = Loyalty(section8_program(), storage, clock=clock)
    convert(loyalty, "m1", order(1))
    before = dump(storage)
    assert loyalty.run_due() == DueReport()
    assert dump(storage) == before


def test_issue_expiry_and_review_in_their_time(storage: Storage, clock: Clock) -> None:
    """Pending, active, expired: each at its moment, the member's next moment moving along."""
    clock.set(day(6))
    program = points_program(
        rules.PointsPerYuan("1", issue_after_days=15, expires_months=1),
        tiers=rules.SpendTiers({"普通": 0, "白银": 10_000}, window_days=100),
    )
    loyalty = Loyalty(program, storage, clock=clock)
    convert(loyalty, "m1", order(1))

    def next_due() -> int | None:
        [member] = dump(storage)["members"]
        return member.next_due_at

    def instant(moment: object) -> int:
        return round(moment.timestamp() * 1_000_000)  # type: ignore[attr-defined]

    assert next_due() == instant(day(20, 0))
    clock.set(day(20, 0))
    assert loyalty.run_due() == DueReport(members=1, issued=1)
    assert next_due() == instant(day(21, 0, month=12))
    clock.set(day(21, 0, month=12))
    assert loyalty.run_due() == DueReport(members=1, expired=1)
    assert next_due() == instant(day(14, 0, month=2, year=2027))
    clock.set(day(14, 0, month=2, year=2027))
    assert loyalty.run_due() == DueReport(members=1, tiers_changed=1)
    assert next_due() is None
    assert event_kinds(loyalty, "points.issued", "points.expired", "tier.downgraded") == [
        "points.issued",
        "points.expired",
        "tier.downgraded",
    ]
    assert_sound(loyalty)


def test_a_long_sleep_does_it_all_at_once(storage: Storage, clock: Clock) -> None:
    """A sweep two years late issues and expires in one go and leaves nothing behind."""
    clock.set(day(6))
    loyalty = Loyalty(section8_program(), storage, clock=clock)
    convert(loyalty, "m1", order(1), order(2))
    clock.move(days=800)
    report = loyalty.run_due()
    # Twelve months count from the day the points were due, not from the sweep: when it runs decides nothing.
    assert (report.issued, report.expired) == (2, 2)
    assert loyalty.member("m1").points == 0
    assert loyalty.run_due() == DueReport()
    assert_sound(loyalty)


@pytest.mark.parametrize("batch", [1, 2, 1000])
def test_many_members_in_small_batches(storage: Storage, clock: Clock, batch: int) -> None:
    """Every due member is done, whatever the size of a batch; the callback hears the counts so far."""
    clock.set(day(6))
    loyalty = Loyalty(points_program(rules.PointsPerYuan("1", issue_after_days=15)), storage, clock=clock)
    for n in range(5):
        convert(loyalty, f"m{n}", order(n))
    clock.set(day(20))
    told: list[int] = []
    report = loyalty.run_due(batch=batch, progress=lambda so_far: told.append(so_far.issued))
    assert (report.members, report.issued) == (5, 5)
    assert told[-1] == 5
    assert len(told) == -(-5 // batch)
    assert [loyalty.member(f"m{n}").points for n in range(5)] == [100] * 5
    assert_sound(loyalty)


@pytest.mark.parametrize("batch", [0, 1001, True, 1.5, None])
def test_batch_sizes_are_checked(storage: Storage, clock: Clock, batch: object) -> None:
    """A batch has 1 to 1,000 roots."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    with pytest.raises(InvalidInput):
        loyalty.run_due(batch=batch)  # type: ignore[arg-type]


def test_a_claim_is_granted_when_its_last_part_is_issued(storage: Storage, clock: Clock) -> None:
    """PENDING_ISSUE while a part still waits, GRANTED when the last one is issued."""
    clock.set(day(6))
    program = points_program(
        rules.PointsPerYuan("1", issue_after_days=10), rules.GrowthPerYuan("1", issue_after_days=20)
    )
    loyalty = Loyalty(program, storage, clock=clock)
    [result] = convert(loyalty, "m1", order(1))
    assert result.state == "PENDING_ISSUE"
    states = []
    for number_of_day in (15, 25):
        clock.set(day(number_of_day, 0))
        loyalty.run_due()
        states += [claim.state for claim in loyalty.claims("m1").items]
    assert states == ["PENDING_ISSUE", "GRANTED"]
    assert_sound(loyalty)


def test_a_clock_that_goes_back_undoes_nothing(storage: Storage, clock: Clock) -> None:
    """What was issued or expired stays so when the wall clock falls back two years, and nothing falls due early."""
    clock.set(day(6))
    loyalty = Loyalty(section8_program(), storage, clock=clock)
    convert(loyalty, "m1", order(1))
    clock.set(day(20))
    loyalty.run_due()
    clock.set(NOW - timedelta(days=730))
    assert loyalty.run_due() == DueReport()
    assert loyalty.member("m1").points == 100
    assert_sound(loyalty)


def test_coupons_are_sent_when_they_are_issued(storage: Storage, clock: Clock) -> None:
    """A delayed coupon has its delivery row from the moment it is issued, not before."""
    clock.set(day(6))
    loyalty = Loyalty(points_program(rules.Coupon("HELLO", issue_after_days=15)), storage, clock=clock)
    convert(loyalty, "m1", order(1))
    assert dump(storage)["deliveries"] == []
    clock.set(day(20))
    loyalty.run_due()
    assert [(row.kind, row.state) for row in dump(storage)["deliveries"]] == [("coupon.issue", "PENDING")]
    assert_sound(loyalty)


def test_a_coupon_that_expires_leaves_the_member(storage: Storage, clock: Clock) -> None:
    """A coupon with a life expires at its end and is shown no more; a later refund leaves it at that."""
    loyalty = Loyalty(points_program(rules.Coupon("HELLO", expires_months=1)), storage, clock=clock)
    convert(loyalty, "m1", order(1))
    clock.set(day(21, 0, month=12))
    assert loyalty.run_due().expired == 1
    assert loyalty.member("m1").coupons == ()
    assert event_kinds(loyalty, "coupon.issued", "coupon.expired") == ["coupon.issued", "coupon.expired"]
    assert_sound(loyalty)
