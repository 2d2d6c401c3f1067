"""What a rule should have granted: a pure function of an order's net amounts and the snapshot in the grant."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import prod
from typing import NamedTuple, TypeAlias

from crossloyalty.domain.effective import EffectiveLine
from crossloyalty.domain.eligibility import Nets
from crossloyalty.domain.grants import Grant
from crossloyalty.domain.program import Program
from crossloyalty.domain.rules import Campaign, Rate, Reward, Scope, Threshold
from crossloyalty.domain.rules.rewards import Ratio

__all__ = ["Part", "capped", "earned_of", "parts_of", "reached_threshold", "target_of", "targets_of"]

# What has a rate: the reward itself, or one of its own rates.
Rated: TypeAlias = Ratio | Rate


def target_of(rule: Reward, grant: Grant, nets: Nets, program: Program) -> int:
    """
    Say what a rule should have granted for these amounts, under the snapshot in *grant*.

    Args:
        rule: As the claim's revision has it.
        grant: The snapshot.
        nets: The order's amounts now.
        program: The revision the claim was first settled under.

    Returns:
        A whole number of the rule's asset, in its own unit; capped by the allowance, not yet by caps per order.
    """
    amount = _earned(rule, grant, nets, program)
    return amount if grant.allowance is None else min(amount, grant.allowance)


def _earned(rule: Reward, grant: Grant, nets: Nets, program: Program) -> int:
    if nets.below_minimum or grant.off or (rule.settle == "all" and not nets.complete):
        return 0
    if rule.scope is None and not grant.rates and not grant.campaigns and rule.id not in program.thresholds_of:
        return rule.amount(nets.total, grant.num, grant.den)
    return _amount(rule, grant, nets, program)


def earned_of(grants: Sequence[Grant], nets: Nets, program: Program) -> list[int]:
    """Say what each of a claim's grants earns before anything caps it; arguments as for `targets_of`."""
    rules = program.rewards_by_id
    return [_earned(rules[grant.rule_id], grant, nets, program) for grant in grants]


def capped(earned: Sequence[int], grants: Sequence[Grant], program: Program) -> list[int]:
    """
    Cap what was earned: by the allowance of each grant, then by the caps per order in the order of the rules.

    Args:
        earned: What `earned_of` gave for these grants.
        grants, program: As for `targets_of`.
    """
    targets = [
        amount if grant.allowance is None else min(amount, grant.allowance)
        for amount, grant in zip(earned, grants, strict=True)
    ]
    if program.order_caps_of:
        left = {cap.id: cap.amount for cap in program.caps}
        for place, grant in enumerate(grants):
            caps = program.order_caps_of.get(grant.rule_id, ())
            targets[place] = min([targets[place], *(left[cap.id] for cap in caps)])
            for cap in caps:
                left[cap.id] -= targets[place]
    return targets


def targets_of(grants: Sequence[Grant], nets: Nets, program: Program) -> list[int]:
    """
    Say what each of a claim's grants should stand at, caps per order applied in the order of the rules.

    Args:
        grants: The grants, in the order of the rules.
        nets: The order's amounts now.
        program: The revision the claim was first settled under.
    """
    return capped(earned_of(grants, nets, program), grants, program)


def reached_threshold(rule: Reward | Ratio, nets: Nets, program: Program) -> Threshold | None:
    """Choose the highest threshold that the order reaches."""
    for threshold in program.thresholds_of.get(rule.id, ()):
        if (nets.gross if threshold.after_refund == "prorata" else nets.total) >= threshold.from_fen:
            return threshold
    return None


class Part(NamedTuple):
    """
    Lines of an order that earn alike.

    Args:
        net_fen: What of them counts, in fen.
        rate: The rate of a reward in proportion; None: the reward has none.
        campaigns: What multiplies them, the best of each group.
        places: Which lines, by their places in the order.
    """

    net_fen: int
    rate: Rated | None
    campaigns: tuple[Campaign, ...]
    places: tuple[int, ...]

    @property
    def times(self) -> Fraction:
        """All campaigns together."""
        return prod((campaign.times for campaign in self.campaigns), start=Fraction(1))

    @property
    def weight(self) -> Fraction:
        """What a fen of net amount weighs: rate × campaigns."""
        return self.times if self.rate is None else self.times * self.rate.number


def parts_of(rule: Reward, grant: Grant, nets: Nets, program: Program) -> list[Part]:
    """
    Split what earns under a rule into parts that earn alike; the whole of it where nothing tells lines apart.

    Args:
        rule, grant, nets, program: As for `target_of`.

    Returns:
        Nothing when what the rule's scope takes is below its least amount, or nothing is left.
    """
    running = [each for each in program.campaigns_of.get(rule.id, ()) if each.id in grant.campaigns]
    scope = rule.scope
    lines: Sequence[EffectiveLine] | None = nets.lines or None
    alike: dict[tuple[Rated | None, tuple[Campaign, ...]], list[int]] = {}
    for place, net in enumerate(nets.per_line):
        line = None if lines is None else lines[place]
        if not net or not _takes(scope, line):
            continue
        if isinstance(rule, Ratio):
            rates = (rule.rates[each] for each in grant.rates)
            rate = next((each for each in rates if _takes(each.scope, line)), rule)
            alike.setdefault((rate, _best(running, line)), []).append(place)
        else:
            alike.setdefault((None, _best(running, None)), []).append(place)
    parts = [
        Part(sum(nets.per_line[place] for place in places), rate, campaigns, tuple(places))
        for (rate, campaigns), places in alike.items()
    ]
    if scope is not None and sum(part.net_fen for part in parts) < scope.minimum_fen:
        return []
    return parts


def _takes(scope: Scope | None, line: EffectiveLine | None) -> bool:
    if scope is None or not scope.names_lines:
        return True
    return line is not None and scope.takes_line(line.product_id, line.category)


def _best(running: Sequence[Campaign], line: EffectiveLine | None) -> tuple[Campaign, ...]:
    """Choose the best campaign of each group, for a line; one that is limited to lines needs a line it takes."""
    best: dict[str, Campaign] = {}
    for campaign in running:
        if _takes(campaign.scope, line):
            held = best.get(campaign.group)
            if held is None or campaign.times > held.times:
                best[campaign.group] = campaign
    return tuple(best.values())


def _amount(rule: Reward, grant: Grant, nets: Nets, program: Program) -> int:
    parts = parts_of(rule, grant, nets, program)
    times = Fraction(grant.num, grant.den)
    threshold = reached_threshold(rule, nets, program)
    if threshold is not None:
        times *= threshold.times
    if isinstance(rule, Ratio):
        return rule.of_weighted(times * sum(part.net_fen * part.weight for part in parts))
    for part in parts:  # one at most
        times *= part.times
    return rule.amount(sum(part.net_fen for part in parts), times.numerator, times.denominator)
