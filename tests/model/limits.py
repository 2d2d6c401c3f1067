"""
What limits and multiplies a rule, from the rules' text: scopes, rates, campaigns, thresholds.

Shares no code with `src`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from facts import View
from ledger import Grant, Parts, local_day

from crossloyalty import Program, rules

MULTIPLIED = (rules.PointsPerYuan, rules.PerStep)


def takes_order(scope: Any, seen: tuple[str, str]) -> bool:
    platform, tier = seen
    return scope is None or (platform in (scope.platforms or (platform,)) and tier in (scope.tiers or (tier,)))


def takes_line(scope: Any, line: Any) -> bool:
    """What is named has to be seen on the line; what is left out too, so an order without lines is left in."""
    if scope is None:
        return True
    product, category = (line.product_id, line.category) if line else (None, None)
    if product in scope.exclude_products or category in scope.exclude_categories:
        return False
    return not (scope.products or scope.categories) or product in scope.products or category in scope.categories


def tells_lines(scope: Any) -> bool:
    return bool(scope and (scope.products or scope.categories or scope.exclude_products or scope.exclude_categories))


def running(program: Program, rule: Any, view: View, seen: tuple[str, str]) -> tuple[Any, ...]:
    """The campaigns that run for an order at its first settlement and multiply a rule."""
    found = []
    for campaign in program.campaigns:
        named = rule.id in campaign.rewards if campaign.rewards else isinstance(rule, MULTIPLIED)
        at = view.said.get({"paid": "paid_at", "created": "created_at", "finished": "finished_at"}[campaign.by])
        if not named or at is None or not takes_order(campaign.scope, seen):
            continue
        began = campaign.from_at is None or at >= campaign.from_at
        goes_on = campaign.until_at is None or at < campaign.until_at
        if began and goes_on and (campaign.days is None or local_day(at).isoformat() in campaign.days.dates):
            found.append(campaign)
    return tuple(found)


def times(campaigns: tuple[Any, ...], line: Any, ratio: bool) -> Fraction:
    """The best campaign of each group, the groups multiplied."""
    best: dict[str, Fraction] = {}
    for campaign in campaigns:
        if takes_line(campaign.scope, line) if ratio else not tells_lines(campaign.scope):
            best[campaign.group] = max(best.get(campaign.group, Fraction(0)), Fraction(campaign.multiplier))
    product = Fraction(1)
    for factor in best.values():
        product *= factor
    return product


def parts(program: Program, grant: Grant, view: View) -> Parts:
    """What of an order earns under a rule: net, rate and campaigns of each line."""
    rule, found = grant.rule, []
    ratio = hasattr(rule, "rate")
    if not takes_order(rule.scope, grant.seen):
        return []
    for net, _, line in view.counted(program):
        if not net or not takes_line(rule.scope, line):
            continue
        rate = Fraction(rule.rate if ratio else 1)
        for other in reversed(rule.rates):
            if takes_order(other.scope, grant.seen) and takes_line(other.scope, line):
                rate = Fraction(other.rate)
        found.append((net, rate, times(grant.campaigns, line, ratio)))
    return found if not rule.scope or sum(net for net, _, _ in found) >= rule.scope.minimum_fen else []


def capped(program: Program, grants: list[Grant], wanted: list[int]) -> list[int]:
    """What caps per order leave, reward by reward."""
    left = {cap.id: cap.amount for cap in program.caps}
    given = []
    for grant, want in zip(grants, wanted, strict=True):
        caps = caps_of(program, grant.rule, order=True)
        given.append(min([want, *(left[cap.id] for cap in caps)]))
        for cap in caps:
            left[cap.id] -= given[-1]
    return given


def caps_of(program: Program, rule: Any, *, order: bool) -> list[Any]:
    if getattr(rule, "once_per", "order") == "member":
        return []
    mine = [cap for cap in program.caps if rule.id == cap.reward or rule.asset == cap.asset]
    return [cap for cap in mine if (cap.per == "order") is order]


def threshold(program: Program, rule: Any, net: int, gross: int) -> Fraction:
    """The highest threshold an order reaches; after refunds by what is left, or by what was there."""
    best = (0, Fraction(1))
    for each in program.thresholds:
        named = rule.id in each.rewards if each.rewards else isinstance(rule, MULTIPLIED)
        if named and (gross if each.after_refund == "prorata" else net) >= each.from_fen:
            best = max(best, (each.from_fen, Fraction(each.multiplier)))
    return best[1]
