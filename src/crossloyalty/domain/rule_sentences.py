"""What one rule gives for an order, in a sentence with its whole arithmetic, so that a person can check it by hand."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import lcm
from typing import Final

from crossloyalty.domain.arithmetic import Part, parts_of, reached_threshold, target_of
from crossloyalty.domain.effective import EffectiveOrder
from crossloyalty.domain.eligibility import Nets
from crossloyalty.domain.grants import Grant
from crossloyalty.domain.numbers import largest_remainder
from crossloyalty.domain.program import Program
from crossloyalty.domain.rules import Coupon, Reward
from crossloyalty.domain.rules.rewards import PerSteps, Ratio

__all__ = ["NOUNS", "explain_rule", "line_shares", "yuan"]

_ROUNDINGS: Final = {
    "down": ("向下取整", "rounded down"),
    "up": ("向上取整", "rounded up"),
    "half_up": ("四舍五入", "rounded half up"),
}
NOUNS: Final = {
    "points": ("积分", "Points"),
    "growth": ("成长值", "Growth"),
    "stored_value": ("赠送金", "Bonus money"),
}


def yuan(fen: int) -> str:
    """Write an amount in fen as yuan, such as "12.30"."""
    return f"{Decimal(fen) / 100:.2f}"


def line_shares(rule: Reward, grant: Grant, nets: Nets, program: Program, *, target: int | None = None) -> list[int]:
    """
    Say which part of a grant each line stands for; the shares add up to the grant (D1).

    Args:
        rule, grant, nets, program: As for `target_of`.
        target: What is shared out; None: what the rule gives before caps per order.

    Returns:
        One share per line, by largest remainder of what the line earns, ties to the earlier line.
    """
    weights = [Fraction(0)] * len(nets.per_line)
    for part in parts_of(rule, grant, nets, program):
        for place in part.places:
            weights[place] = nets.per_line[place] * part.weight
    whole = lcm(*(weight.denominator for weight in weights))
    shared = target_of(rule, grant, nets, program) if target is None else target
    return largest_remainder(shared, [int(weight * whole) for weight in weights])


def explain_rule(
    rule: Reward, grant: Grant, target: int, order: EffectiveOrder, nets: Nets, program: Program, language: str
) -> str:
    """
    Say what one rule gives for an order, with its arithmetic.

    Args:
        rule: As the claim's revision has it.
        grant: The snapshot.
        target: What it stands at, caps included.
        order: The order after all messages.
        nets: The amounts counted.
        program: The revision the claim was first settled under.
        language: "zh" or "en".
    """
    en = language == "en"
    head = _heading(rule, en=en)
    if grant.off:
        late = rule.expires_on is not None
        if en:
            return head + ("not for this platform, shop or tier" + (", or too late for it." if late else "."))
        return head + ("不适用于该平台、店铺或等级" + ("，或已过有效期。" if late else "。"))
    if rule.settle == "all" and not nets.complete and nets.gross and order.status != "CLOSED":
        return head + ("waits for the whole order." if en else "待整单完成后发放。")
    uncapped = Grant(rule.id, num=grant.num, den=grant.den, rates=grant.rates, campaigns=grant.campaigns)
    earned = target_of(rule, uncapped, nets, program)
    if target < earned:
        return _capped(explain_rule(rule, grant, earned, order, nets, program, language), rule, target, en=en)
    if nets.below_minimum:
        parts = []
    else:
        parts = parts_of(rule, grant, nets, program)
        if not parts and nets.total and rule.scope is not None:
            return head + _too_little(rule, en=en)
    if isinstance(rule, Ratio):
        return head + _ratio(rule, grant, parts, nets, program, target, en=en)
    times = _times(rule, grant, nets, program, en=en)
    times += "".join(_campaigns(part, en=en) for part in parts)
    if isinstance(rule, PerSteps):
        basis, step = yuan(sum(part.net_fen for part in parts)), yuan(rule.every_fen)
        each, given = _amount(rule, rule.each, en=en), _amount(rule, target, en=en)
        if en:
            return f"{head}{each} for every full {step} of {basis} yuan{times} = {given}."
        return f"{head}{basis}元，每满{step}元得{each}{times}，共{given}。"
    return head + _piece(rule, target, times, en=en)


def _piece(rule: Reward, target: int, times: str, *, en: bool) -> str:
    """Say how much of what comes by the piece an order earns."""
    if isinstance(rule, Coupon):
        if rule.once_per_member:
            given = "one per member, and this order qualifies" if en else "每位会员一张，本单符合条件"
        else:
            given = "one" if en else "一张"
        return f"{given if target else 'none'}." if en else f"{given if target else '不发放'}。"
    each, given = _amount(rule, rule.each, en=en), _amount(rule, target, en=en)
    if rule.once_per_member:
        if en:
            return f"{each} once per member, and this order qualifies." if target else "none."
        return f"每位会员一次{each}，本单符合条件。" if target else "不发放。"
    return f"{given} for the order{times}." if en else f"每单{each}{times}，共{given}。"


def _ratio(rule: Ratio, grant: Grant, parts: list[Part], nets: Nets, program: Program, target: int, *, en: bool) -> str:
    unit = "%" if rule.asset == "stored_value" else ""
    times = _times(rule, grant, nets, program, en=en)
    shown = [_part(rule, part, unit, en=en) for part in parts] or [_part(rule, None, unit, en=en)]
    sums = " + ".join(shown)
    if len(shown) > 1 and times:
        sums = f"({sums})" if en else f"（{sums}）"
    zh_rounding, en_rounding = _ROUNDINGS[rule.rounding]
    given = _amount(rule, target, en=en)
    return f"{sums}{times}, {en_rounding} = {given}." if en else f"{sums}{times}，{zh_rounding}，得{given}。"


def _part(rule: Ratio, part: Part | None, unit: str, *, en: bool) -> str:
    net = 0 if part is None else part.net_fen
    rate = (rule if part is None or part.rate is None else part.rate).rate
    campaigns = "" if part is None else _campaigns(part, en=en)
    if en:
        return f"{yuan(net)} yuan × {rate}{f' {unit}' if unit else ''}{campaigns}"
    return f"{yuan(net)}元 × {rate}{unit}{campaigns}"


def _campaigns(part: Part, *, en: bool) -> str:
    return "".join(
        f" × {each.multiplier} ({each.id})" if en else f" × {each.multiplier}（{each.id}）" for each in part.campaigns
    )


def _times(rule: Reward | Ratio, grant: Grant, nets: Nets, program: Program, *, en: bool) -> str:
    """Write what multiplies the whole order: the tier's multiplier, then the threshold's."""
    tier = "" if grant.num == grant.den else f" × {grant.num}/{grant.den}" if grant.den != 1 else f" × {grant.num}"
    threshold = reached_threshold(rule, nets, program)
    if threshold is None:
        return tier
    least = yuan(threshold.from_fen)
    return tier + (f" × {threshold.multiplier} (from {least})" if en else f" × {threshold.multiplier}（满{least}元）")


def _capped(sentence: str, rule: Reward, target: int, *, en: bool) -> str:
    """Add to a sentence what a cap left of it."""
    given = _amount(rule, target, en=en)
    return f"{sentence[:-1]}; a cap leaves {given}." if en else f"{sentence[:-1]}；受上限限制，发放{given}。"


def _too_little(rule: Reward, *, en: bool) -> str:
    least = 0 if rule.scope is None else rule.scope.minimum_fen
    if least:
        return f"less than {yuan(least)} yuan takes part." if en else f"参与商品未满{yuan(least)}元。"
    return "no product of this order takes part." if en else "本单没有参与的商品。"


def _amount(rule: Reward | Ratio, number: int, *, en: bool) -> str:
    """Write an amount of the rule's asset; bonus money is kept in fen."""
    if rule.asset != "stored_value":
        return str(number)
    return f"{yuan(number)} yuan" if en else f"{yuan(number)}元"


def _heading(rule: Reward, *, en: bool) -> str:
    """Name what a rule gives; the rule's own id too where it is not the usual one."""
    if isinstance(rule, Coupon):
        return f"Coupon {rule.code}: " if en else f"优惠券{rule.code}："
    zh_noun, en_noun = NOUNS[rule.asset]
    note = "" if rule.id == rule.asset else f" ({rule.id})" if en else f"（{rule.id}）"
    return f"{en_noun}{note}: " if en else f"{zh_noun}{note}："
