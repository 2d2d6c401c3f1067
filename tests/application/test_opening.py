"""Moving in: what members bring is taken in once, told to nobody, and lives on by the rules."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from builders import (
    Clock,
    assert_sound,
    claim_of,
    convert,
    day,
    event_kinds,
    order,
    points_program,
    refund,
    right_proof,
)

from crossloyalty import (
    Loyalty,
    OpeningBalance,
    OpeningClaim,
    OpeningCode,
    OpeningDefect,
    OpeningGift,
    OpeningSpend,
    OpeningTier,
    Program,
    Reason,
    read_opening,
    rules,
)
from crossloyalty.application.ports import Storage
from crossloyalty.errors import InvalidInput
from crossloyalty.testing import dump

TIERS = rules.SpendTiers({"普通": 0, "白银": 200_000, "黄金": 500_000}, window_days=365)
PROGRAM = points_program(
    rules.PointsPerYuan("1"),
    rules.Coupon("WELCOME20", once_per="member"),
    tiers=TIERS,
    tier_gifts=[rules.TierGift("silver", "白银", rules.PointsFixed(50))],
    enrol_gifts=[rules.EnrolGift("hello", rules.PointsFixed(5))],
    eligibility=rules.Finished(within_days=None),
)
ROWS: list[Any] = [
    OpeningClaim(member_id="m1", platform="taobao", order_no=order(1).order_no),
    OpeningBalance(member_id="m1", asset="points", amount=300, expires_on="2026-12-31"),
    OpeningBalance(member_id="m1", asset="points", amount=200),
    OpeningBalance(member_id="m1", asset="coupon:OLD", amount=1, expires_on="2026-11-30"),
    OpeningTier(member_id="m1", tier="白银", qualified_on="2026-03-01"),
    OpeningSpend(member_id="m1", day="2026-03-01", spend_fen=210_000),
    OpeningGift(member_id="m1", gift="coupon:WELCOME20"),
    OpeningBalance(member_id="m2", asset="points", amount=-40),
    OpeningGift(member_id="m2", gift="hello"),
]


def door(storage: Storage, clock: Clock, program: Program = PROGRAM) -> Loyalty:
    return Loyalty(program, storage, clock=clock)


def moved_in(storage: Storage, clock: Clock) -> Loyalty:
    loyalty = door(storage, clock)
    report = loyalty.import_opening(ROWS, name="old-tool")
    assert (report.seen, report.imported, report.defects) == (9, 9, [])
    assert_sound(loyalty)
    return loyalty


def test_what_members_bring_is_there_and_nobody_is_told(storage: Storage, clock: Clock) -> None:
    """Balances with their expiry, coupon, tier with its day, spend; no event at all."""
    loyalty = moved_in(storage, clock)
    member = loyalty.member("m1")
    assert (member.points, member.tier, member.tier_on) == (500, "白银", "2026-03-01")
    assert member.balances["points"].expires_next_at == day(1, 0, month=1, year=2027)
    assert (member.window_spend_fen, member.next_tier_gap_fen) == (210_000, 290_000)
    assert [coupon.code for coupon in member.coupons] == ["OLD"]
    assert loyalty.member("m2").balances["points"].debt == 40
    assert event_kinds(loyalty) == []


def test_an_imported_order_is_taken_for_ever(storage: Storage, clock: Clock) -> None:
    """Its number is a tombstone: no second conversion, nothing for late messages, a stranger learns nothing."""
    loyalty = moved_in(storage, clock)
    bought = order(1, buyer_id="b1")
    loyalty.ingest([bought])
    mine = claim_of(loyalty, "m1", bought)
    assert (mine.created, mine.reason, mine.points) == (False, Reason.ALREADY_CLAIMED_BY_YOU, 0)
    assert claim_of(loyalty, "m3", bought).detail.reasons == (Reason.ALREADY_CLAIMED,)
    loyalty.bind("m3", platform="taobao", buyer_id="b1")
    loyalty.ingest([refund(bought, 10_000)])
    assert loyalty.member("m1").points == 500
    assert loyalty.claims("m1").items[0].state == "IMPORTED"
    assert "此前已兑换" in loyalty.explain(platform="taobao", order_no=bought.order_no).text("zh")
    assert_sound(loyalty)


def test_what_was_given_is_not_given_again(storage: Storage, clock: Clock) -> None:
    """Neither the coupon once per member, nor the gift of the tier held, nor the one for enrolling (D36)."""
    loyalty = moved_in(storage, clock)
    convert(loyalty, "m1", order(2))
    member = loyalty.member("m1")
    assert [coupon.code for coupon in member.coupons] == ["OLD"]
    assert member.points == 600
    loyalty.ingest([refund(order(2), 10_000)])
    assert loyalty.member("m1").points == 500
    loyalty.enrol("m2")
    assert loyalty.member("m2").points == 0
    loyalty.enrol("m1")
    assert loyalty.member("m1").points == 505
    assert_sound(loyalty)


def test_imported_spend_counts_for_tiers(storage: Storage, clock: Clock) -> None:
    """With ¥2,100 of March, an order of ¥2,900 reaches 黄金; in the next spring March has left the window."""
    loyalty = moved_in(storage, clock)
    assert convert(loyalty, "m1", order(2, paid_fen=290_000))[0].tier == "黄金"
    clock.set(day(1, 0, month=3, year=2027))
    loyalty.run_due()
    assert loyalty.member("m1").window_spend_fen == 290_000
    assert_sound(loyalty)


def test_an_imported_tier_is_held_to_its_period_and_reviewed(storage: Storage, clock: Clock) -> None:
    """Reached on 1 March 2026 elsewhere: looked at on 1 March 2027, when the spend of a year before is gone."""
    loyalty = moved_in(storage, clock)
    clock.set(day(28, 23, 59, month=2, year=2027))
    loyalty.run_due()
    assert loyalty.member("m1").tier == "白银"
    clock.set(day(1, 0, month=3, year=2027))
    loyalty.run_due()
    assert loyalty.member("m1").tier == "普通"
    assert_sound(loyalty)


def test_imported_points_expire_and_repay_like_others(storage: Storage, clock: Clock) -> None:
    """The lot of 300 ends with 31 December; debt brought along is repaid by the next points."""
    loyalty = moved_in(storage, clock)
    convert(loyalty, "m2", order(2))
    points = loyalty.member("m2").balances["points"]
    assert (points.available, points.debt) == (60, 0)
    clock.set(day(1, 0, month=1, year=2027))
    loyalty.run_due()
    assert loyalty.member("m1").points == 200
    assert_sound(loyalty)


def test_again_changes_nothing(storage: Storage, clock: Clock) -> None:
    """The same rows under the same name are known; another name would be another import."""
    loyalty = moved_in(storage, clock)
    before = dump(storage)
    report = loyalty.import_opening(iter(ROWS), name="old-tool", batch=2)
    assert (report.imported, report.unchanged, report.batches) == (0, 9, 5)
    assert dump(storage) == before


def test_an_import_that_broke_off_goes_on(storage: Storage, clock: Clock) -> None:
    """What raises in the middle leaves whole batches; the repeat takes in the rest and ends where one run ends."""
    loyalty = door(storage, clock)

    def broken() -> Iterator[Any]:
        yield from ROWS[:5]
        raise OSError("the file went away")

    with pytest.raises(OSError, match="went away"):
        loyalty.import_opening(broken(), name="old-tool", batch=2)
    report = loyalty.import_opening(ROWS, name="old-tool", batch=2)
    assert (report.imported, report.unchanged) == (5, 4)
    assert loyalty.member("m1").points == 500
    assert_sound(loyalty)


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (OpeningClaim(member_id="m2", platform="taobao", order_no=order(1).order_no), OpeningCode.HELD_BY_ANOTHER),
        (OpeningClaim(member_id="m2", platform="taobao", order_no="3.81612E+18"), OpeningCode.ORDER_NO_MANGLED),
        (OpeningClaim(member_id="m2", platform="nowhere", order_no="1"), OpeningCode.INVALID),
        (OpeningBalance(member_id="m2", asset="points", amount=1, expires_on="2026-11-19"), OpeningCode.EXPIRED_BEFORE),
        (OpeningTier(member_id="m2", tier="钻石", qualified_on="2026-01-01"), OpeningCode.UNKNOWN_TIER),
        (OpeningGift(member_id="m2", gift="nothing"), OpeningCode.UNKNOWN_GIFT),
        (OpeningGift(member_id="m2", gift="points"), OpeningCode.UNKNOWN_GIFT),
        ("a text", OpeningCode.INVALID),
    ],
)
def test_a_bad_row_is_set_aside_and_the_others_go_on(
    storage: Storage, clock: Clock, row: Any, code: OpeningCode
) -> None:
    """Each with its number, a code and a sentence in both languages."""
    loyalty = moved_in(storage, clock)
    good = OpeningBalance(member_id="m5", asset="points", amount=7)
    report = loyalty.import_opening([good, row, good], name="second")
    assert [(defect.row, defect.code) for defect in report.defects] == [(2, code)]
    assert report.defects[0].sentence("zh") != report.defects[0].sentence("en")
    assert (report.imported, loyalty.member("m5").points) == (2, 14)
    assert_sound(loyalty)


def test_a_row_that_changed_is_not_taken_in_again(storage: Storage, clock: Clock) -> None:
    """A file that was edited between two runs says so row by row."""
    loyalty = moved_in(storage, clock)
    changed = [*ROWS[:1], OpeningBalance(member_id="m1", asset="points", amount=999), *ROWS[2:]]
    report = loyalty.import_opening(changed, name="old-tool")
    assert [(defect.row, defect.code) for defect in report.defects] == [(2, OpeningCode.ROW_CHANGED)]
    assert loyalty.member("m1").points == 500


def test_an_order_claimed_here_stays_what_it_is(storage: Storage, clock: Clock) -> None:
    """A number that was converted here before the import came is its holder's, with everything it gave."""
    loyalty = door(storage, clock)
    convert(loyalty, "m1", order(1))
    assert not loyalty.import_opening(ROWS[:1], name="late").defects
    assert (loyalty.member("m1").points, loyalty.claims("m1").items[0].state) == (100, "GRANTED")
    assert_sound(loyalty)


def test_a_waiting_request_is_answered_when_the_order_comes(storage: Storage, clock: Clock) -> None:
    """Somebody had asked for the number; the import takes it for its member, and the ticket ends."""
    loyalty = door(storage, clock)
    loyalty.claim("m3", platform="taobao", order_no=order(1).order_no, proof=right_proof(order(1)))
    loyalty.import_opening(ROWS[:1], name="old-tool")
    loyalty.ingest([order(1)])
    assert loyalty.claims("m3").items == ()
    assert loyalty.member("m3").points == 0
    assert_sound(loyalty)


def test_progress_and_bounds(storage: Storage, clock: Clock) -> None:
    """A call after each batch, with the total where it is known; batches of 1 to 10,000 rows."""
    loyalty = door(storage, clock)
    told: list[Any] = []
    loyalty.import_opening(ROWS, name="a", batch=4, progress=told.append)
    assert [(each.seen, each.total) for each in told] == [(4, 9), (8, 9), (9, 9)]
    for batch in (0, 10_001, True):
        with pytest.raises(InvalidInput, match="1 to 10000"):
            loyalty.import_opening(ROWS, name="a", batch=batch)


CSV = """kind,member_id,platform,order_no,asset,amount,expires_on,tier,day,gift
claim,m1,taobao,3816000000000000001,,,,,,
balance,m1,,,points,300,2026-12-31,,,
tier,m1,,,,,,白银,2026-03-01,
spend,m1,,,,210000,,,2026-03-01,
gift,m1,,,,,,,,coupon:WELCOME20
balance,m1,,,points,3.5,,,,
balance,m1,,,points,5,,,2026-01-01,
salary,m1,,,,,,,,
claim,m1,taobao
"""


def test_a_csv_file_is_read_row_by_row(storage: Storage, clock: Clock, tmp_path: Path) -> None:
    """Each kind has its cells, others stay empty; what is wrong is set aside under its row's number."""
    file = tmp_path / "opening.csv"
    file.write_text(CSV, encoding="utf-8-sig")
    loyalty = door(storage, clock)
    with file.open(encoding="utf-8-sig", newline="") as rows:
        report = loyalty.import_opening(read_opening(rows), name=file.name)
    assert (report.imported, [defect.row for defect in report.defects]) == (5, [6, 7, 8, 9])
    assert all(defect.code is OpeningCode.INVALID and defect.detail for defect in report.defects)
    member = loyalty.member("m1")
    assert (member.points, member.tier, member.window_spend_fen) == (300, "白银", 210_000)
    assert_sound(loyalty)


@pytest.mark.parametrize("header", ["", "kind,member_id\n", CSV.replace("gift\n", "present\n", 1)])
def test_another_header_is_refused(header: str) -> None:
    """The columns are those documented, in any order."""
    with pytest.raises(InvalidInput, match="the header has the columns"):
        list(read_opening(io.StringIO(header)))


def test_columns_may_stand_in_any_order() -> None:
    """The header says where each is."""
    text = "gift,day,tier,expires_on,amount,asset,order_no,platform,member_id,kind\n,,,,5,points,,,m1,balance\n"
    assert list(read_opening(io.StringIO(text))) == [OpeningBalance(member_id="m1", asset="points", amount=5)]


@pytest.mark.parametrize(
    "make",
    [
        lambda: OpeningBalance(member_id="m", asset="gold", amount=1),
        lambda: OpeningBalance(member_id="m", asset="points", amount=0),
        lambda: OpeningBalance(member_id="m", asset="points", amount=1.0),  # type: ignore[arg-type]
        lambda: OpeningBalance(member_id="m", asset="points", amount=-1, expires_on="2026-12-01"),
        lambda: OpeningSpend(member_id="m", day="2026-02-30", spend_fen=1),
        lambda: OpeningTier(member_id="", tier="a", qualified_on="2026-01-01"),
    ],
)
def test_values_that_cannot_be_are_refused(make: Any) -> None:
    """Where the row is made, before anything is written."""
    with pytest.raises((InvalidInput, TypeError)):
        make()


def test_a_defect_of_a_reader_keeps_its_place(storage: Storage, clock: Clock) -> None:
    """Whoever reads rows elsewhere may hand in what is wrong with one, and it is listed."""
    report = door(storage, clock).import_opening([OpeningDefect(1, OpeningCode.INVALID, "x")], name="a")
    assert report.defects == [OpeningDefect(1, OpeningCode.INVALID, "x")]
