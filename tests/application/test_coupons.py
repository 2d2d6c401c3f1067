"""Coupons that were used: noted once, and never revoked by a later refund (D28)."""

import pytest
from builders import Clock, assert_sound, convert, day, event_kinds, order, points_program, refund

from crossloyalty import CouponUse, DeliveryAnswer, Loyalty, RefundStatus, rules
from crossloyalty.application.ports import Storage
from crossloyalty.errors import IdempotencyConflict, InvalidInput, WrongType


def door(storage: Storage, clock: Clock, once_per: str = "order") -> Loyalty:
    coupon = rules.Coupon("TEN", once_per="member" if once_per == "member" else "order")
    return Loyalty(points_program(coupon), storage, clock=clock)


def piece(loyalty: Loyalty) -> int:
    (coupon,) = loyalty.member("m1").coupons
    return coupon.lot_no


def test_a_used_coupon_is_no_longer_there(storage: Storage, clock: Clock) -> None:
    """A use takes the piece once; the same notice again hears the first answer, another one that it is gone."""
    loyalty = door(storage, clock)
    convert(loyalty, "m1", order())
    lot_no = piece(loyalty)
    assert loyalty.use_coupon("m1", lot_no=lot_no, key="use-1") == CouponUse(True, "TEN")
    assert loyalty.use_coupon("m1", lot_no=lot_no, key="use-1") == CouponUse(True, "TEN")
    assert loyalty.use_coupon("m1", lot_no=lot_no, key="use-2") == CouponUse(False, "")
    assert loyalty.member("m1").coupons == ()
    assert event_kinds(loyalty, "coupon.issued", "coupon.used") == ["coupon.issued", "coupon.used"]
    assert_sound(loyalty)


@pytest.mark.parametrize("once_per", ["order", "member"])
def test_a_refund_waives_a_used_coupon(storage: Storage, clock: Clock, once_per: str) -> None:
    """The refund goes through, the used piece is written off, and nobody is asked to revoke it."""
    loyalty = door(storage, clock, once_per)
    one = order()
    convert(loyalty, "m1", one)
    loyalty.use_coupon("m1", lot_no=piece(loyalty), key="use")
    loyalty.ingest([refund(one, 10_000)])
    (claim,) = loyalty.claims("m1").items
    assert claim.state == "REVERSED"
    assert event_kinds(loyalty, "coupon.revoked", "debt.waived") == ["debt.waived"]
    assert_sound(loyalty)


def test_a_waived_coupon_is_not_given_again(storage: Storage, clock: Clock) -> None:
    """After a used once-per-member coupon was waived, the next order cancels the waiver and gives no second piece."""
    loyalty = door(storage, clock, "member")
    one = order()
    convert(loyalty, "m1", one)
    loyalty.use_coupon("m1", lot_no=piece(loyalty), key="use")
    loyalty.ingest([refund(one, 10_000)])
    convert(loyalty, "m1", order(2))
    assert loyalty.member("m1").coupons == ()
    assert event_kinds(loyalty, "coupon.issued") == ["coupon.issued"]
    assert_sound(loyalty)


@pytest.mark.parametrize("once_per", ["order", "member"])
def test_a_piece_the_gateway_cannot_take_back_is_written_off(storage: Storage, clock: Clock, once_per: str) -> None:
    """It was used before anybody was told: the answer says so, and a payout that fails gives no second piece."""
    loyalty = door(storage, clock, once_per)
    one = order()
    convert(loyalty, "m1", one)
    loyalty.ingest([refund(one, 10_000)])
    (asked,) = [each for each in loyalty.deliveries().items if each.kind == "coupon.revoke"]
    assert (asked.body["code"], asked.body["order_no"]) == ("TEN", one.order_no)
    for _ in range(2):
        assert loyalty.answer_delivery(asked.key, amount=0) == DeliveryAnswer(0, 1)
    with pytest.raises(IdempotencyConflict):
        loyalty.answer_delivery(asked.key)
    assert event_kinds(loyalty, "debt.waived") == ["debt.waived"]
    assert_sound(loyalty)
    loyalty.ingest([refund(one, 10_000, status=RefundStatus.PAYOUT_FAILED, modified_at=day(21))])
    assert loyalty.member("m1").coupons == ()
    assert [each.kind for each in loyalty.deliveries().items] == ["coupon.issue"]
    assert_sound(loyalty)


def test_a_piece_kept_of_who_was_merged_in_stays_with_them(storage: Storage, clock: Clock) -> None:
    """m2's coupon is asked back from m1, who stands for both; m2 has left when the gateway answers that it cannot."""
    loyalty = door(storage, clock)
    convert(loyalty, "m2", order())
    loyalty.merge("m1", "m2", key="k")
    loyalty.ingest([refund(order(), 10_000)])
    (asked,) = [each for each in loyalty.deliveries().items if each.kind == "coupon.revoke"]
    loyalty.unmerge("m2", key="u")
    assert loyalty.answer_delivery(asked.key, amount=0).shortfall == 1
    assert_sound(loyalty)
    loyalty.ingest([refund(order(), 10_000, status=RefundStatus.PAYOUT_FAILED, modified_at=day(21))])
    assert (loyalty.member("m1").coupons, loyalty.member("m2").coupons) == ((), ())
    assert_sound(loyalty)


def test_only_coupons_that_are_there_are_used(storage: Storage, clock: Clock) -> None:
    """A number of nothing, of points, or of somebody else's coupon is answered with a no and changes nothing."""
    coupon = rules.Coupon("TEN")
    loyalty = Loyalty(points_program(rules.PointsPerYuan("1"), coupon), storage, clock=clock)
    convert(loyalty, "m1", order())
    lot_no = piece(loyalty)
    points_lot = 3 - lot_no
    assert not loyalty.use_coupon("m1", lot_no=points_lot, key="a").used
    assert not loyalty.use_coupon("m1", lot_no=99, key="b").used
    assert not loyalty.use_coupon("m2", lot_no=lot_no, key="c").used
    assert loyalty.member("m1").points == 100
    assert piece(loyalty) == lot_no
    assert_sound(loyalty)


def test_a_wrong_use_is_refused(storage: Storage, clock: Clock) -> None:
    """A key of another request, a float and a zero are errors."""
    loyalty = door(storage, clock)
    convert(loyalty, "m1", order())
    loyalty.use_coupon("m1", lot_no=piece(loyalty), key="use")
    with pytest.raises(IdempotencyConflict):
        loyalty.use_coupon("m1", lot_no=77, key="use")
    with pytest.raises((WrongType, InvalidInput)):
        loyalty.use_coupon("m1", lot_no=1.0, key="x")  # type: ignore[arg-type]
    with pytest.raises(InvalidInput):
        loyalty.use_coupon("m1", lot_no=0, key="y")


def test_a_piece_is_used_under_the_id_its_gateway_was_told(storage: Storage, clock: Clock) -> None:
    """Whoever it was given to has been merged away since; under the id that stands for both it has another number."""
    loyalty = door(storage, clock)
    for place, member in enumerate(("m1", "m2", "m2")):
        convert(loyalty, member, order(place + 1))
    first, other = loyalty.member("m2").coupons
    (mine,) = loyalty.member("m1").coupons
    loyalty.merge("m1", "m2", key="merge")
    assert loyalty.use_coupon("m2", lot_no=first.lot_no, key="use-1") == CouponUse(True, "TEN")
    assert loyalty.use_coupon("m2", lot_no=first.lot_no, key="use-2") == CouponUse(False, "")
    left = {each.lot_no for each in loyalty.member("m2").coupons}
    assert len(left) == 2
    assert mine.lot_no in left
    (number,) = left - {mine.lot_no}
    assert number != other.lot_no
    assert loyalty.use_coupon(loyalty.member("m2").member_id, lot_no=number, key="use-3") == CouponUse(True, "TEN")
    assert [each.lot_no for each in loyalty.member("m1").coupons] == [mine.lot_no]
    assert_sound(loyalty)
