"""Any program the constructors accept, for hypothesis."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from builders import day
from hypothesis import strategies as st

from crossloyalty import Platform, Program, rules

__all__ = ["programs"]

rates = st.one_of(
    st.integers(1, 10_000).map(str),
    st.tuples(st.integers(1, 999), st.integers(1, 999)).map(lambda pair: f"{pair[0]}/{pair[1]}"),
    st.integers(1, 9999).map(lambda n: f"{n // 100}.{n % 100:02d}").filter(lambda text: float(text) > 0),
)
delays = st.integers(0, 3660)
lives = st.one_of(st.none(), st.integers(1, 1200))
settles = st.sampled_from(["per_line", "all"])
roundings = st.sampled_from(["down", "up", "half_up"])
names = st.lists(st.sampled_from(["a", "店铺", "x-1"]), max_size=2, unique=True).map(tuple)
line_scopes = st.builds(
    rules.Scope, platforms=names, shops=names, tiers=names, products=names, categories=names, exclude_products=names
)
scopes = st.none() | line_scopes | st.builds(rules.Scope, minimum_fen=st.integers(0, 10**6))
ratios = {"rates": st.lists(st.builds(rules.Rate, rates, line_scopes), max_size=2)}
ends: dict[str, Any] = {
    "issue_event": st.sampled_from(["", "reviewed"]),
    "expires_on": st.sampled_from([None, "2026-12-31"]),
}
common = {
    "scope": scopes,
    "issue_after_days": delays,
    "expires_months": lives,
    "settle": settles,
}
gifts = {"once_per": st.sampled_from(["order", "member"]), **common}
rewards = st.one_of(
    st.builds(rules.PointsPerYuan, rates, rounding=roundings, **ratios, **common),
    st.builds(rules.GrowthPerYuan, rates, rounding=roundings, **ratios, **common),
    st.builds(rules.StoredValuePercent, rates, rounding=roundings, **ratios, **common),
    st.builds(rules.PerStep, every_fen=st.integers(1, 10**6), points=st.integers(1, 100), **common),
    st.builds(rules.PointsFixed, points=st.integers(1, 100), **gifts),
    st.builds(rules.PointsPerYuan, rates, issue_on=st.just("2026-12-01"), id=st.just("on"), **ends),
    st.builds(rules.GrowthPerStep, every_fen=st.integers(1, 10**6), growth=st.integers(1, 100), **common),
    st.builds(rules.GrowthFixed, growth=st.integers(1, 100), **gifts),
    st.builds(rules.StoredValuePerStep, every_fen=st.integers(1, 10**6), bonus_fen=st.integers(1, 100), **common),
    st.builds(rules.StoredValueFixed, bonus_fen=st.integers(1, 100), **gifts),
    st.builds(
        rules.Coupon,
        st.sampled_from(["A", "B-1", "c.d:e"]),
        once_per=st.sampled_from(["order", "member"]),
        minimum_fen=st.integers(0, 10**6),
        gateway=st.sampled_from(["default", "wecom"]),
        **common,
    ),
)
texts = names
campaigns = st.builds(
    rules.Campaign,
    st.sampled_from(["11.11", "618", "tea"]),
    rates,
    from_at=st.one_of(st.none(), st.just(day(1))),
    until_at=st.one_of(st.none(), st.just(day(3))),
    by=st.sampled_from(["paid", "created", "finished", "claimed"]),
    days=st.one_of(
        st.none(), st.builds(rules.Days, weekdays=st.just([6, 7])), st.just(rules.Days(dates=[day(11).date()]))
    ),
    scope=st.none() | line_scopes,
    group=st.sampled_from(["default", "brand"]),
)
thresholds = st.builds(
    rules.Threshold, st.integers(1, 10**6), rates, after_refund=st.sampled_from(["rederive", "prorata"])
)
programs = st.builds(
    Program,
    program_id=st.sampled_from(["brand-a", "品牌", "x" * 128]),
    timezone=st.sampled_from(["Asia/Shanghai", "UTC", "America/New_York"]),
    eligibility=st.builds(
        rules.Finished,
        within_days=st.one_of(st.none(), st.integers(0, 400)),
        minimum_fen=st.integers(0, 10**6),
        statuses=st.dictionaries(st.sampled_from(["jd", "*"]), st.just(("SIGNED", "FINISHED"))),
        kinds=st.just(("NORMAL", "GIFT")),
        shops=texts,
        exclude_products=texts,
        exclude_categories=texts,
        currency=st.sampled_from(["CNY", "HKD"]),
        future_tolerance_minutes=st.integers(0, 1440),
    ),
    ownership=st.sampled_from(["proof", "order-no-only"]),
    rewards=st.lists(rewards, max_size=5, unique_by=lambda reward: reward.id).map(
        lambda drawn: [rules.PointsPerYuan("1", id="always", issue_after_days=7), *drawn]
    ),
    tiers=st.one_of(
        st.none(),
        st.builds(
            rules.SpendTiers,
            st.just([rules.Level("普通", 0), rules.Level("白银", 200_000, "1.5", {"折扣": "9.5折"})]),
            window_days=st.one_of(st.none(), st.integers(1, 400)),
            period_days=st.one_of(st.none(), st.integers(1, 400)),
            grace_days=st.integers(0, 60),
            downgrade=st.sampled_from(["recompute", "one_level", "keep"]),
            warn_days=st.one_of(st.none(), st.integers(1, 60)),
            include_current=st.booleans(),
        ),
    ),
    source_tags=st.one_of(st.none(), st.just(rules.SourceTags()), st.just(rules.SourceTags("来源："))),
    on_refund=st.builds(rules.ClawBack, shortfall=st.sampled_from(["debt", "waive", "pending_only"])),
    starts_at=st.one_of(st.none(), st.just(day(1)), st.just(datetime(2026, 1, 1, tzinfo=UTC))),
    ticket_days=st.integers(1, 400),
    backfill_orders=st.integers(1, 1000),
    platforms=st.one_of(st.just(()), st.just((Platform("mall", "mall", r"M[0-9]{6}", zh="商城"),))),
    campaigns=st.lists(campaigns, max_size=2, unique_by=lambda campaign: campaign.id),
    thresholds=st.lists(thresholds, max_size=2, unique_by=lambda threshold: threshold.from_fen),
    basis=st.builds(
        rules.Basis,
        shipping=st.booleans(),
        subsidy_platforms=names,
        own_value=st.booleans(),
        refunds_ignored=st.sampled_from([(), ("COMPENSATION", "EXCHANGE")]),
    ),
    caps=st.lists(
        st.builds(
            rules.Cap,
            st.sampled_from(["a", "b"]),
            st.integers(1, 10**6),
            per=st.sampled_from(["order", "day", "month", "member"]),
            asset=st.just("points"),
        ),
        max_size=2,
        unique_by=lambda cap: cap.id,
    ),
)
