"""What a rule should have granted: a pure function of an order's net amounts and the snapshot in the grant."""

from __future__ import annotations

from collections.abc import Sequence

from crossloyalty.domain.eligibility import Nets
from crossloyalty.domain.grants import Grant
from crossloyalty.domain.program import Program
from crossloyalty.domain.rules import Reward

__all__ = ["target_of", "targets_of"]


def target_of(rule: Reward, grant: Grant, nets: Nets) -> int:
    """
    Say what a rule should have granted for these amounts, under the snapshot in *grant*.

    Returns:
        A whole number of the rule's asset, in its own unit; capped by the allowance.
    """
    if nets.below_minimum or (rule.settle == "all" and not nets.complete):
        return 0
    amount = rule.amount(nets.total, grant.num, grant.den)
    return amount if grant.allowance is None else min(amount, grant.allowance)


def targets_of(grants: Sequence[Grant], nets: Nets, program: Program) -> list[int]:
    """
    Say what each of a claim's grants should stand at.

    Args:
        grants: The grants, in the order of the rules.
        nets: The order's amounts now.
        program: The revision the claim was first settled under.
    """
    rules = program.rewards_by_id
    return [target_of(rules[grant.rule_id], grant, nets) for grant in grants]
