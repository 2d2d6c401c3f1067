"""A newer arithmetic is applied to existing claims when somebody says so, and never by itself."""

from __future__ import annotations

from typing import Any

import pytest
from builders import Clock, assert_sound, convert, day, order, points_program, refund

from crossloyalty import Line, Loyalty, OpeningClaim, rules
from crossloyalty.application.ports import Storage
from crossloyalty.domain import settlement
from crossloyalty.errors import InvalidInput
from crossloyalty.testing import dump

LINES = (Line(line_id="1", paid_fen=3_333), Line(line_id="2", paid_fen=3_333))
BOUGHT = order(1, paid_fen=6_666, own_value_fen=1_000, lines=LINES)
# 4 fen of each line back: 2,829.6 fen of each count. Line by line that is 5,658, once for the order 5,659.
BACK = [refund(BOUGHT, 4, refund_id=f"r{line}", line_id=line) for line in "12"]


def old_store(storage: Storage, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Loyalty:
    """Give a store with a claim that was settled under the first arithmetic."""
    loyalty = Loyalty(points_program(rules.PointsPerYuan("100")), storage, clock=clock)
    with monkeypatch.context() as patched:
        patched.setattr(settlement, "CALC", 1)
        convert(loyalty, "m1", BOUGHT)
    loyalty.ingest(BACK)
    return loyalty


def test_a_claim_keeps_its_arithmetic(storage: Storage, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was settled line by line goes on so, in refunds, sentences and verify; a new claim is rounded once."""
    loyalty = old_store(storage, clock, monkeypatch)
    assert loyalty.member("m1").points == 5_658
    assert "56.58" in loyalty.explain(platform="taobao", order_no=BOUGHT.order_no).text("zh")
    assert_sound(loyalty)
    other = order(2, paid_fen=6_666, own_value_fen=1_000, lines=LINES)
    convert(loyalty, "m2", other)
    loyalty.ingest([refund(other, 4, refund_id=f"q{line}", line_id=line) for line in "12"])
    assert loyalty.member("m2").points == 5_659
    assert_sound(loyalty)


def test_recalculate_says_first_and_does_then(storage: Storage, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dry run changes no row and says what the real one does; the second real one finds nothing."""
    loyalty = old_store(storage, clock, monkeypatch)
    before = dump(storage)
    said = loyalty.recalculate(dry_run=True)
    assert dump(storage) == before
    told: list[Any] = []
    done = loyalty.recalculate(progress=lambda report: told.append(report.seen))
    assert done == said
    assert (done.seen, done.changed, told) == (1, 1, [1])
    [claim] = done.claims
    assert (claim.member_id, claim.before_fen, claim.after_fen, claim.posted) == ("m1", 5_658, 5_659, {"points": 1})
    assert loyalty.member("m1").points == 5_659
    assert loyalty.recalculate().seen == 0
    assert_sound(loyalty)


def test_claims_that_count_the_same_are_quietly_brought_along(
    storage: Storage, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is posted or told for them; small batches see every claim once."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    loyalty.import_opening([OpeningClaim(member_id="m1", platform="jd", order_no="290000000009")], name="old")
    with monkeypatch.context() as patched:
        patched.setattr(settlement, "CALC", 1)
        convert(loyalty, "m1", *[order(n) for n in range(5)])
    events = len(loyalty.pending_events(limit=100))
    report = loyalty.recalculate(batch=2)
    assert (report.seen, report.changed, loyalty.recalculate(batch=2).seen) == (5, 0, 0)
    assert len(loyalty.pending_events(limit=100)) == events
    loyalty.ingest([refund(order(1), 5_000, modified_at=day(21))])
    assert loyalty.member("m1").points == 450
    assert_sound(loyalty)


@pytest.mark.parametrize("settings", [{"calc": 0}, {"calc": 3}, {"calc": True}, {"batch": 0}, {"batch": 1001}])
def test_what_cannot_be_is_refused(storage: Storage, clock: Clock, settings: Any) -> None:
    """There are two arithmetics, and batches of 1 to 1,000 orders."""
    with pytest.raises(InvalidInput):
        Loyalty(points_program(), storage, clock=clock).recalculate(**settings)
