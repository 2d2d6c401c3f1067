"""
Three merchants' rules: cosmetics, tea, home appliances. Each is linted, described for an admin form, and lives a month.

    python examples/merchant_rules.py

Nothing but the package is needed. Orders are drawn with a fixed seed, the clock is a plain object that moves day by
day, and the whole store is verified at the end of each month; anything wrong ends the script with an error.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from crossloyalty import (
    Line,
    Loyalty,
    Milestone,
    Order,
    OrderStatus,
    Program,
    Proof,
    Refund,
    RefundKind,
    RefundStatus,
    rules,
)
from crossloyalty.storage.memory import MemoryStorage

BEIJING = ZoneInfo("Asia/Shanghai")
FIRST_DAY = datetime(2026, 11, 1, tzinfo=BEIJING)
DAYS = 30


def local(month: int, day: int) -> datetime:
    return datetime(2026, month, day, tzinfo=BEIJING)


# Cosmetics: points by tier and category, double on 11.11, samples earn nothing, a birthday benefit as data.
COSMETICS = Program(
    program_id="cosmetics",
    eligibility=rules.Finished(within_days=180, minimum_fen=1_000, exclude_categories=["sample"]),
    rewards=[
        rules.PointsPerYuan(
            "1",
            issue_after_days=15,
            expires_months=24,
            rates=[rules.Rate("2", rules.Scope(categories=["skin care"]))],
            settle="all",
        ),
        rules.PointsFixed(200, id="newcomer", once_per="member", issue_after_days=15),
        rules.PointsFixed(30, id="review", issue_event="reviewed"),
        rules.Coupon("MASK5", issue_after_days=7, scope=rules.Scope(minimum_fen=50_000), expires_months=3),
    ],
    tiers=rules.SpendTiers(
        [
            rules.Level("普通", 0),
            rules.Level("银卡", 100_000, "1.2", {"生日礼": "正装一份"}),
            rules.Level("金卡", 300_000, "1.5", {"生日礼": "正装两份", "包邮": "全年"}),
        ],
        window_days=365,
        period="calendar_year",
        grace_days=31,
        downgrade="one_level",
        warn_days=30,
    ),
    tier_gifts=[rules.TierGift("gold", "金卡", rules.Coupon("GOLDBOX"))],
    campaigns=[rules.Campaign("11.11", "2", from_at=local(11, 11), until_at=local(11, 12))],
    caps=[rules.Cap("daily", 5_000, per="day", asset="points")],
    source_tags=rules.SourceTags("来源:"),
)

# Tea: steps and thresholds, member day on the 18th, bonus money that waits for the refund window, shipping counts.
TEA = Program(
    program_id="tea",
    eligibility=rules.Finished(within_days=60, statuses={"pinduoduo": ["SIGNED", "FINISHED"]}),
    basis=rules.Basis(shipping=True, refunds_ignored=["COMPENSATION"]),
    rewards=[
        rules.PerStep(1_000, 1, issue_after_days=8),
        rules.StoredValuePerStep(10_000, 300, issue_after_days=15, expires_months=6),
        rules.GrowthFixed(10, scope=rules.Scope(minimum_fen=3_000)),
    ],
    thresholds=[rules.Threshold(20_000, "1.5"), rules.Threshold(50_000, "2", after_refund="prorata")],
    campaigns=[rules.Campaign("member-day", "2", days=rules.Days(month_days=[18]), scope=rules.Scope(tiers=["茶友"]))],
    tiers=rules.GrowthTiers({"普通": 0, "茶友": 30, "茶师": 100}, period_days=365),
    caps=[rules.Cap("bonus", 2_000, per="month", reward="stored_value:step")],
)

# Home appliances: few, large orders; everything waits for the installation, subsidies of one platform count.
APPLIANCES = Program(
    program_id="appliances",
    eligibility=rules.Finished(within_days=365, exclude_flags=["staff"]),
    basis=rules.Basis(subsidy_platforms=["jd"]),
    rewards=[
        rules.PointsPerYuan("0.5", issue_event="installed", issue_after_days=7, expires_months=36, settle="all"),
        rules.StoredValuePercent(
            "1", issue_event="installed", issue_after_days=30, scope=rules.Scope(minimum_fen=200_000), settle="all"
        ),
        rules.Coupon("FILTER", once_per="member", issue_after_days=30),
    ],
    tiers=rules.SpendTiers([rules.Level("普通", 0), rules.Level("尊享", 1_000_000, "1.5")], include_current=True),
    enrol_gifts=[rules.EnrolGift("hello", rules.PointsFixed(50, expires_months=6))],
    caps=[rules.Cap("once", 5_000, reward="points")],
)

# What each sells: category and price range in fen, and what happens to its orders after they are finished.
SHOPS = {
    "cosmetics": (
        COSMETICS,
        [("skin care", 9_900, 49_900), ("make-up", 4_900, 19_900), ("sample", 100, 900)],
        "reviewed",
    ),
    "tea": (TEA, [("green", 3_000, 20_000), ("cups", 2_000, 30_000)], "reviewed"),
    "appliances": (APPLIANCES, [("kitchen", 80_000, 400_000), ("air", 150_000, 700_000)], "installed"),
}


class Clock:
    def __init__(self) -> None:
        self.now = FIRST_DAY

    def __call__(self) -> datetime:
        return self.now


def orders_of_a_day(chance: random.Random, shop: str, at: datetime) -> Iterator[tuple[str, Order]]:
    """Draw who finishes which orders on a day; everything was paid five days before."""
    paid_at = at - timedelta(days=5)
    for _ in range(chance.randrange(1, 5)):
        lines = []
        for number in range(1, chance.randrange(2, 4)):
            category, least, most = chance.choice(SHOPS[shop][1])
            lines.append(Line(line_id=str(number), paid_fen=chance.randrange(least, most), category=category))
        platform, digits = chance.choice((("tmall", 19), ("jd", 12), ("douyin", 19)))
        shipping = chance.choice((0, 0, 800))
        yield (
            f"m{chance.randrange(1, 9)}",
            Order(
                platform=platform,
                order_no="".join(chance.choices("123456789", k=digits)),
                status=OrderStatus.FINISHED,
                created_at=paid_at,
                paid_at=paid_at,
                finished_at=at,
                modified_at=at,
                paid_fen=sum(line.paid_fen or 0 for line in lines) + shipping,
                shipping_fen=shipping,
                subsidy_fen=chance.choice((0, 3_000)),
                lines=tuple(lines),
            ),
        )


def after(chance: random.Random, order: Order, event: str, at: datetime) -> Iterator[Refund | Milestone]:
    """Draw what happens to an order later: it is reviewed or installed, sent back in part, or compensated."""
    if chance.random() < 0.7:
        yield Milestone(platform=order.platform, order_no=order.order_no, event=event, at=at)
    if chance.random() < 0.3:
        yield Refund(
            platform=order.platform,
            order_no=order.order_no,
            refund_id=f"r{order.order_no}",
            status=RefundStatus.SUCCESS,
            amount_fen=chance.randrange(100, order.paid_fen or 101),
            kind=chance.choice((RefundKind.RETURN, RefundKind.PRICE_PROTECTION, RefundKind.COMPENSATION)),
            modified_at=at,
        )


def a_month(shop: str) -> tuple[Loyalty, list[Order]]:
    """Live a month: orders come, members claim them, a few days later something happens to them, time passes."""
    program, _, event = SHOPS[shop]
    clock, chance = Clock(), random.Random(shop)
    loyalty = Loyalty(program, MemoryStorage(), clock=clock)
    for member in range(1, 9):
        loyalty.enrol(f"m{member}")
    waiting: list[tuple[datetime, Order]] = []
    claimed: list[Order] = []
    for _ in range(DAYS):
        clock.now += timedelta(days=1)
        for member, order in orders_of_a_day(chance, shop, clock.now - timedelta(hours=9)):
            loyalty.ingest([order])
            result = loyalty.claim(
                member, platform=order.platform, order_no=order.order_no, proof=Proof.by_host("signed in")
            )
            assert result.created, result.reasons
            claimed.append(order)
            waiting.append((clock.now + timedelta(days=chance.randrange(2, 8)), order))
        for at, order in [each for each in waiting if each[0] <= clock.now]:
            waiting.remove((at, order))
            loyalty.ingest(after(chance, order, event, clock.now))
        loyalty.run_due()
    clock.now += timedelta(days=60)
    loyalty.run_due()
    return loyalty, claimed


def main() -> None:
    explained = 0
    for shop, (program, _, _) in SHOPS.items():
        print(f"\n== {shop} ==")
        for finding in program.lint():
            print(f"  lint {finding.code.value} {finding.path}: {finding.sentence('zh')}")
        assert Program.from_json(program.to_json()) == program
        form = Program.json_schema("zh")
        fields, kinds = len(form["properties"]), len(form["$defs"])
        print(f"  form: {fields} fields, {kinds} kinds, {len(json.dumps(form)):,} characters")
        loyalty, claimed = a_month(shop)
        for name in sorted({f"m{n}" for n in range(1, 9)})[:3]:
            member = loyalty.member(name)
            money = member.balances.get("stored_value")
            bonus = money.available if money else 0
            print(f"  {name}: {member.points} points, {bonus / 100:.2f} yuan of bonus money, {member.tier}")
        for order in claimed[:: max(1, len(claimed) // 4)][: 4 if explained < 8 else 2]:
            print(f"  -- {order.platform} {order.order_no}")
            for sentence in loyalty.explain(platform=order.platform, order_no=order.order_no).text("zh").splitlines():
                print(f"     {sentence}")
            explained += 1
        report = loyalty.verify()
        assert report.ok, report.violations
        print(f"  {len(claimed)} orders claimed; the store is sound")
    assert explained == 10


if __name__ == "__main__":
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8")
    main()
