"""What callers get back, and what of it is public."""

import pytest
from builders import Clock, convert, order, points_program

from crossloyalty import Loyalty, rules
from crossloyalty.domain.answers import ClaimResult, Granted
from crossloyalty.domain.reasons import Reason
from crossloyalty.storage.memory import MemoryStorage


def _result(*reasons: Reason, **fields: object) -> ClaimResult:
    return ClaimResult("m1", "taobao", "3816000000000000001", reasons=reasons, **fields)  # type: ignore[arg-type]


def test_a_plain_success() -> None:
    """Without a reason it is a success, said in both languages."""
    result = _result()
    assert (result.reason, result.public.reason) == (None, None)
    assert result.public.sentence("zh") == "兑换成功"
    assert result.public.sentence("en") == "Converted."


@pytest.mark.parametrize(
    "why", [Reason.PENDING_SYNC, Reason.PROOF_REQUIRED, Reason.OTHER_BUYER, Reason.ALREADY_CLAIMED]
)
def test_received_hides_the_rest(why: Reason) -> None:
    """Behind RECEIVED nothing else is public, neither as a reason nor in the explanation."""
    result = _result(Reason.RECEIVED, why, holder_id="m9", state="REJECTED")
    assert result.public == _result(Reason.RECEIVED).public
    assert result.explain("zh") == Reason.RECEIVED.sentence("zh")
    assert result.explain("en") == Reason.RECEIVED.sentence("en")
    assert result.detail.reasons == (Reason.RECEIVED, why)
    assert result.detail.holder_id == "m9"


def test_somebody_elses_order_is_in_review() -> None:
    """With a proof for the order of another bound buyer the asker hears only that a person looks at it."""
    result = _result(Reason.OTHER_BUYER, Reason.IN_REVIEW)
    assert result.public.reason is Reason.IN_REVIEW
    assert Reason.OTHER_BUYER.sentence("zh") not in result.explain("zh")


def test_points_are_those_of_all_rules(clock: Clock) -> None:
    """Points of several rules add up; other assets are not points, and what gave nothing is not listed."""
    coupon = rules.Coupon("X", minimum_fen=10**6)
    program = points_program(rules.PointsPerYuan("1"), rules.PointsFixed(points=7), rules.GrowthPerYuan("1"), coupon)
    [result] = convert(Loyalty(program, MemoryStorage(), clock=clock), "m1", order(1))
    assert result.points == 107
    assert result.granted == (
        Granted("points", "points", 100),
        Granted("points:fixed", "points", 7),
        Granted("growth", "growth", 100),
    )


def test_the_holder_is_not_in_the_repr() -> None:
    """A log line of a result does not say whose order it is."""
    assert "m9" not in repr(_result(Reason.RECEIVED, holder_id="m9"))
