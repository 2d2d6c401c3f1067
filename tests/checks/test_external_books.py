"""Assets that live outside: deliveries for issue and claw-back, shortfalls by the gateway's answer."""

from __future__ import annotations

from typing import Any

import pytest
from builders import Clock, assert_sound, convert, day, event_kinds, order, points_program, refund

from crossloyalty import Delivery, Loyalty, OpeningBalance, OpeningCode, Program, RefundStatus, rules
from crossloyalty.application.ports import Storage
from crossloyalty.errors import ConfigError, IdempotencyConflict, InvalidInput

BOOK = rules.ExternalBook("points", gateway="youzan")


def program(*rewards: Any, **settings: Any) -> Program:
    return points_program(*(rewards or (rules.PointsPerYuan("1"),)), external_books=[BOOK], **settings)


def waiting(loyalty: Loyalty) -> list[tuple[str, int]]:
    return [(each.kind, each.body["amount"]) for each in loyalty.deliveries().items]


def last(loyalty: Loyalty) -> Delivery:
    return loyalty.deliveries().items[-1]


def standing(loyalty: Loyalty, asset: str = "points") -> tuple[int, int, int]:
    """Give what the gateway holds, what is spendable here and what is owed."""
    held = loyalty.member("m1").balances[asset]
    return held.external, held.available, held.debt


def test_an_issue_is_a_delivery_and_no_balance(storage: Storage, clock: Clock) -> None:
    """100 yuan: the claim says 100 points, one delivery asks for them, nothing is spendable here."""
    loyalty = Loyalty(program(), storage, clock=clock)
    (result,) = convert(loyalty, "m1", order(1))
    assert (result.points, standing(loyalty)) == (100, (100, 0, 0))
    (issue,) = loyalty.deliveries().items
    assert (issue.kind, issue.gateway, issue.member_id, issue.body["amount"]) == ("points.issue", "youzan", "m1", 100)
    assert loyalty.answer_delivery(issue.key).amount == 100
    assert loyalty.answer_delivery(issue.key, amount=100).shortfall == 0
    assert result.explain("zh").splitlines()[-2:] == ["积分由youzan保存和使用。", "状态：已发放。"]
    assert "Points: kept and spent at youzan." in result.explain("en")
    assert waiting(loyalty) == []
    assert_sound(loyalty)


def test_pending_value_is_sent_on_its_day(storage: Storage, clock: Clock) -> None:
    """Fifteen days behind the finish, with the end told to the gateway; until then there is nothing to deliver."""
    loyalty = Loyalty(program(rules.PointsPerYuan("1", issue_after_days=16, expires_months=1)), storage, clock=clock)
    convert(loyalty, "m1", order(1))
    assert (waiting(loyalty), loyalty.member("m1").pending_points) == ([], 100)
    clock.set(day(21, 0))
    assert loyalty.run_due().issued == 1
    assert waiting(loyalty) == [("points.issue", 100)]
    assert last(loyalty).body["expires_at"] == round(day(22, 0, month=12).timestamp() * 1_000_000)
    clock.set(day(1, month=6, year=2027))
    assert loyalty.run_due().expired == 0
    assert standing(loyalty) == (100, 0, 0)
    assert_sound(loyalty)


def test_a_refund_before_the_issue_needs_no_delivery(storage: Storage, clock: Clock) -> None:
    """Half refunded while pending: 50 are sent on the day, and nothing was ever asked back."""
    loyalty = Loyalty(program(rules.PointsPerYuan("1", issue_after_days=30)), storage, clock=clock)
    convert(loyalty, "m1", order(1))
    loyalty.ingest([refund(order(1), 5_000)])
    clock.set(day(5, month=12))
    loyalty.run_due()
    assert waiting(loyalty) == [("points.issue", 50)]
    assert_sound(loyalty)


@pytest.mark.parametrize(("policy", "owed"), [("debt", 30), ("waive", 0)])
def test_what_the_gateway_could_not_take_is_a_shortfall(storage: Storage, clock: Clock, policy: Any, owed: int) -> None:
    """100 given, 40 asked back and only 10 taken: 30 are owed or written off, and the gateway holds 90."""
    loyalty = Loyalty(program(on_refund=rules.ClawBack(shortfall=policy)), storage, clock=clock)
    convert(loyalty, "m1", order(1))
    loyalty.answer_delivery(last(loyalty).key)
    loyalty.ingest([refund(order(1), 4_000)])
    assert (waiting(loyalty), standing(loyalty)) == ([("points.revoke", 40)], (60, 0, 0))
    key = last(loyalty).key
    assert loyalty.answer_delivery(key, amount=10).shortfall == 30
    assert loyalty.answer_delivery(key, amount=10).shortfall == 30
    with pytest.raises(IdempotencyConflict):
        loyalty.answer_delivery(key)
    assert standing(loyalty) == (90, 0, owed)
    assert event_kinds(loyalty, "debt.opened", "debt.waived") == ["debt.opened" if owed else "debt.waived"]
    assert_sound(loyalty)


def test_a_debt_makes_the_next_issue_smaller(storage: Storage, clock: Clock) -> None:
    """100 owed: the next 80 are not sent at all, of the 50 behind it 30 are."""
    loyalty = Loyalty(program(), storage, clock=clock)
    convert(loyalty, "m1", order(1))
    loyalty.ingest([refund(order(1), 10_000)])
    loyalty.answer_delivery(last(loyalty).key, amount=0)
    assert standing(loyalty) == (100, 0, 100)
    convert(loyalty, "m1", order(2, paid_fen=8_000))
    assert (waiting(loyalty), standing(loyalty)) == ([("points.issue", 100)], (100, 0, 20))
    convert(loyalty, "m1", order(3, paid_fen=5_000))
    assert (waiting(loyalty)[1:], standing(loyalty)) == ([("points.issue", 30)], (130, 0, 0))
    assert_sound(loyalty)


def test_a_payout_that_fails_cancels_the_shortfall_first(storage: Storage, clock: Clock) -> None:
    """40 of 100 asked back, 10 taken; the refund fails: the 30 that were owed are cancelled and 10 given again."""
    loyalty = Loyalty(program(), storage, clock=clock)
    convert(loyalty, "m1", order(1))
    loyalty.ingest([refund(order(1), 4_000)])
    loyalty.answer_delivery(last(loyalty).key, amount=10)
    loyalty.ingest([refund(order(1), 4_000, status=RefundStatus.PAYOUT_FAILED, modified_at=day(21))])
    assert (waiting(loyalty), standing(loyalty)) == ([("points.issue", 100), ("points.issue", 10)], (100, 0, 0))
    assert_sound(loyalty)


def test_no_more_is_asked_back_than_was_given(storage: Storage, clock: Clock) -> None:
    """What repaid a debt never reached the gateway, so a refund of that order is owed again instead of asked back."""
    loyalty = Loyalty(program(), storage, clock=clock)
    convert(loyalty, "m1", order(1))
    loyalty.ingest([refund(order(1), 10_000)])
    loyalty.answer_delivery(last(loyalty).key, amount=60)
    convert(loyalty, "m1", order(2))
    assert standing(loyalty) == (100, 0, 0)
    loyalty.ingest([refund(order(2), 10_000)])
    assert standing(loyalty) == (0, 0, 0)
    assert waiting(loyalty)[-1] == ("points.revoke", 100)
    assert_sound(loyalty)


def test_pending_only_never_asks_back(storage: Storage, clock: Clock) -> None:
    """What was sent stays and is written off at once."""
    loyalty = Loyalty(program(on_refund=rules.ClawBack(shortfall="pending_only")), storage, clock=clock)
    convert(loyalty, "m1", order(1))
    loyalty.ingest([refund(order(1), 10_000)])
    assert (waiting(loyalty), standing(loyalty)) == ([("points.issue", 100)], (100, 0, 0))
    assert_sound(loyalty)


@pytest.mark.parametrize("once_per", ["order", "member"])
def test_fixed_rewards_and_gifts_live_outside_too(storage: Storage, clock: Clock, once_per: Any) -> None:
    """A newcomer's 50 and the gift's 5 are sent; the refund asks 50 back, and what is missing is owed."""
    rewards = rules.PointsFixed(50, once_per=once_per)
    gifts = [rules.EnrolGift("hello", rules.PointsFixed(5))]
    loyalty = Loyalty(program(rewards, enrol_gifts=gifts), storage, clock=clock)
    loyalty.enrol("m1")
    convert(loyalty, "m1", order(1))
    assert waiting(loyalty) == [("points.issue", 5), ("points.issue", 50)]
    loyalty.ingest([refund(order(1), 10_000)])
    loyalty.answer_delivery(last(loyalty).key, amount=45)
    assert standing(loyalty) == (10, 0, 5)
    assert_sound(loyalty)


def test_answers_are_checked(storage: Storage, clock: Clock) -> None:
    """An issue is given whole, nobody takes back more than was asked, and foreign keys are unknown."""
    loyalty = Loyalty(program(), storage, clock=clock)
    convert(loyalty, "m1", order(1))
    issue = last(loyalty)
    with pytest.raises(InvalidInput, match="cannot be answered"):
        loyalty.answer_delivery(issue.key, amount=99)
    loyalty.ingest([refund(order(1), 4_000)])
    with pytest.raises(InvalidInput, match="cannot be answered"):
        loyalty.answer_delivery(last(loyalty).key, amount=41)
    for key in ("brand-a/m1/999", "brand-b/m1/1", "brand-a/m1", "brand-a/m1/x", "brand-a//1"):
        with pytest.raises(InvalidInput):
            loyalty.answer_delivery(key)


def test_lists_are_paged(storage: Storage, clock: Clock) -> None:
    """Two a page, none twice, and a cursor of another list is refused."""
    loyalty = Loyalty(program(rules.PointsPerYuan("1"), rules.Coupon("C")), storage, clock=clock)
    convert(loyalty, "m1", order(1), order(2))
    first = loyalty.deliveries(limit=3)
    second = loyalty.deliveries(limit=3, after=first.next)
    assert [each.kind for each in (*first.items, *second.items)] == ["points.issue", "coupon.issue"] * 2
    assert second.next is None
    with pytest.raises(InvalidInput, match="another list"):
        loyalty.entries("m1", after=first.next)


def test_a_revision_may_move_the_points_outside(storage: Storage, clock: Clock) -> None:
    """Lots of before stay here and are taken back here; what comes later is sent."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    convert(loyalty, "m1", order(1))
    loyalty.publish(program(), expected_revision=1)
    convert(loyalty, "m1", order(2))
    assert standing(loyalty) == (100, 100, 0)
    loyalty.ingest([refund(order(1), 10_000), refund(order(2), 10_000)])
    assert (standing(loyalty), waiting(loyalty)) == ((0, 0, 0), [("points.issue", 100), ("points.revoke", 100)])
    assert_sound(loyalty)


def test_what_lives_outside_is_not_corrected_or_imported_here(storage: Storage, clock: Clock) -> None:
    """An adjustment is refused and an opening balance set aside, each with a reason."""
    loyalty = Loyalty(program(), storage, clock=clock)
    with pytest.raises(InvalidInput, match="live outside"):
        loyalty.adjust("m1", asset="points", amount=5, key="k")
    report = loyalty.import_opening([OpeningBalance(member_id="m1", asset="points", amount=5)], name="old")
    assert [defect.code for defect in report.defects] == [OpeningCode.LIVES_OUTSIDE]


def test_books_that_contradict_the_rules_are_refused() -> None:
    """Growth value outside carries no tiers here; one book an asset."""
    growth = rules.ExternalBook("growth")
    with pytest.raises(ConfigError, match="tiers"):
        points_program(tiers=rules.GrowthTiers({"a": 0}), external_books=[growth])
    with pytest.raises(ConfigError, match="two external books"):
        points_program(external_books=[growth, growth])
    assert Program.from_json(program().to_json()) == program()
