"""Documents of programs stay what they are: a constructor call gives the text and digest it gave when first written."""

import hashlib
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from crossloyalty import Platform, Program
from crossloyalty.rules import (
    ClawBack,
    Coupon,
    Finished,
    GrowthPerYuan,
    Level,
    PerStep,
    PointsFixed,
    PointsPerYuan,
    SourceTags,
    SpendTiers,
    StoredValuePercent,
)

FOLDER = Path(__file__).parent / "documents_v1"

PROGRAMS = {
    "least": Program(program_id="least"),
    "usual": Program(
        program_id="beauty-cn",
        eligibility=Finished(within_days=90, minimum_fen=100),
        rewards=(PointsPerYuan("1"), GrowthPerYuan("1"), Coupon("WELCOME20", once_per="member")),
        tiers=SpendTiers({"普通会员": 0, "银卡": 100_000, "金卡": 500_000}, window_days=365),
        source_tags=SourceTags(),
    ),
    "everything": Program(
        program_id="everything",
        timezone="Asia/Urumqi",
        eligibility=Finished(
            within_days=None,
            minimum_fen=990,
            statuses={"taobao": ("SIGNED", "FINISHED"), "*": ("PAID",)},
            kinds=("NORMAL", "PRESALE"),
            shops=("shop-1", "shop-2"),
            exclude_products=("gift",),
            exclude_categories=("运费",),
            currency="CNY",
            future_tolerance_minutes=0,
        ),
        ownership="order-no-only",
        rewards=(
            PointsPerYuan("4/3", rounding="half_up", issue_after_days=7, expires_months=12, settle="all"),
            PerStep(10_000, 30, id="steps"),
            PointsFixed(5),
            GrowthPerYuan("0.5", rounding="up"),
            StoredValuePercent("2.5", expires_months=6),
            Coupon("NEXT", once_per="order", minimum_fen=5_000, gateway="shop"),
        ),
        tiers=SpendTiers(
            (
                Level("甲", 0),
                Level("乙", 88_800, points_multiplier="1.5"),
                Level("丙", 888_800, points_multiplier="4/3"),
            ),
            window_days=365,
            period_days=180,
        ),
        source_tags=SourceTags(prefix="来源:"),
        on_refund=ClawBack(shortfall="pending_only"),
        starts_at=datetime(2026, 5, 1, 8, 30, tzinfo=timezone(timedelta(hours=8))),
        ticket_days=14,
        backfill_orders=50,
        platforms=(Platform("mall", "mall", r"M[0-9]{8}", zh="商城"),),
    ),
}

DIGESTS = {
    "least": "a8471f6c53fd5453605c3ed26f75d84d7c85b5da84d66af157790e72ba26b090",
    "usual": "4805f3ea523ff91dd315da8bf862bb98dc1598a452f3bd01513acb1a29e3c5c8",
    "everything": "4a2f4533a605a6c26fd5ce1ec93bfd2a2a606f6172886835e110ecbf0775dc55",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_document_keeps_its_text_and_digest(name):
    """The same constructor call gives the same text to the letter, so no deployed program differs after an upgrade."""
    written = (FOLDER / f"{name}.json").read_text("utf-8").removesuffix("\n")
    assert PROGRAMS[name].to_json() == written
    assert hashlib.sha256(written.encode()).hexdigest() == DIGESTS[name]


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_written_document_is_read_as_the_same_program(name):
    """A document stored then is read as an equal program and written as the same text again."""
    written = (FOLDER / f"{name}.json").read_text("utf-8").removesuffix("\n")
    program = Program.from_json(written)
    assert program == PROGRAMS[name]
    assert program.to_json() == written


def test_starts_at_is_written_in_utc():
    """A start is written as an instant: the zone it was given in leaves no trace in the text."""
    program = PROGRAMS["everything"]
    assert program.starts_at.utcoffset() == timedelta(hours=8)
    assert Program.from_json(program.to_json()).starts_at == datetime(2026, 5, 1, 0, 30, tzinfo=UTC)
    assert '"starts_at":"2026-05-01T00:30:00+00:00"' in program.to_json()
