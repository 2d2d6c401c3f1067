"""Every ledger row can be read aloud, in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from builders import Clock, convert, day, order, points_program, refund

from crossloyalty import Loyalty, OpeningBalance, OpeningSpend, rules
from crossloyalty.domain.entry_sentences import ENTRY_KINDS, entry_sentence
from crossloyalty.storage.memory import MemoryStorage

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "records.md"


def told(loyalty: Loyalty, language: str) -> list[str]:
    return [entry.sentence(language) for entry in reversed(loyalty.entries("m1", limit=1000).items)]


def test_a_refund_that_finds_too_little_is_told_step_by_step(clock: Clock) -> None:
    """Granted, spent by hand, taken back as far as there is something, the rest owed, repaid by a correction."""
    loyalty = Loyalty(points_program(), MemoryStorage(), clock=clock)
    bought = order(1)
    convert(loyalty, "m1", bought)
    loyalty.adjust("m1", asset="points", amount=-80, key="k1")
    loyalty.ingest([refund(bought, 10_000)])
    loyalty.adjust("m1", asset="points", amount=90, key="k2")
    number = bought.order_no
    assert told(loyalty, "zh") == [
        f"积分 +100：发放（订单{number}，规则points），可用100。",
        "积分 -80：人工调整，可用20。",
        f"积分 -20：退款扣回（订单{number}，规则points），可用0。",
        f"积分 +80：余额不足，未能扣回（订单{number}，规则points），所欠80。",
        "积分 +90：人工调整，可用90。",
        "积分 -80：抵扣所欠，可用10。",
        "积分 -80：抵扣所欠，所欠0。",
    ]
    assert told(loyalty, "en")[2] == (
        f"Points -20: taken back after a refund (order {number}, rule points); usable now 0."
    )


def test_what_no_order_gave_names_its_gift_its_action_and_its_reason(clock: Clock) -> None:
    """A gift that waits for its day, an action, money brought along and growth value lost."""
    program = points_program(
        rules.GrowthPerYuan("1"),
        enrol_gifts=[rules.EnrolGift("hello", rules.PointsFixed(5, issue_on="2026-11-25"))],
        actions=[rules.Action("share", "share", rules.Coupon("THANKS"))],
        inactivity=rules.Inactivity(idle_days=30, growth=40),
    )
    loyalty = Loyalty(program, MemoryStorage(), clock=clock)
    loyalty.enrol("m1")
    loyalty.record_action("m1", action="share", key="k")
    rows = [
        OpeningBalance(member_id="m1", asset="stored_value", amount=1_234),
        OpeningSpend(member_id="m1", day="2026-10-01", spend_fen=70_000),
    ]
    loyalty.import_opening(rows, name="old")
    convert(loyalty, "m1", order(1))
    clock.set(day(5, month=12))
    loyalty.run_due()
    number = order(1).order_no
    assert told(loyalty, "zh") == [
        "积分 +5：发放（礼品hello），待到账5。",
        "优惠券THANKS +1：发放（行为奖励share），可用1。",
        "赠送金 +12.34元：迁入，可用12.34元。",
        "此前消费 +700.00元：迁入，期初700.00元。",
        f"成长值 +100：发放（订单{number}，规则growth），可用100。",
        "积分 -5：到账（礼品hello），待到账0。",
        "积分 +5：到账（礼品hello），可用5。",
        "成长值 -40：长期未消费扣减，可用60。",
    ]
    assert told(loyalty, "en")[3] == "Earlier spending +700.00 yuan: brought along; brought along now 700.00 yuan."


def test_every_kind_of_entry_has_its_words() -> None:
    """The kinds the reference names are those that can be told, each in Chinese and in English."""
    rows = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| `kind` | str | grant")]
    assert len(rows) == 1
    named = {kind.strip() for kind in rows[0].split("|")[3].split(",")}
    assert named == set(ENTRY_KINDS)


@pytest.mark.parametrize("kind", ENTRY_KINDS)
@pytest.mark.parametrize("account", ["pending", "balance", "external", "debt", "waived", "exempt", "opening"])
def test_languages_are_not_mixed(kind: str, account: str) -> None:
    """The Chinese sentence ends in a Chinese stop, the English one holds ASCII only."""
    row = ("points", account, -3, 4, kind, "", "")
    assert re.fullmatch(r"积分 -3：[\u4e00-\u9fff，]+4。", entry_sentence(*row, "zh"))
    assert entry_sentence(*row, "en").isascii()
