"""
Decisions in sentences that customer service can read aloud, in Chinese and English, rendered only when asked for.

Every number a person needs to check a grant by hand is in it: what was paid, what was excluded and why, the rate, the
multiplier, the rounding, the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from crossloyalty.domain.arithmetic import targets_of
from crossloyalty.domain.basis import ignored_fen
from crossloyalty.domain.calendar import Calendar
from crossloyalty.domain.effective import EffectiveLine, EffectiveOrder
from crossloyalty.domain.eligibility import Nets, net_amounts
from crossloyalty.domain.grants import Grant
from crossloyalty.domain.program import CALC, Program
from crossloyalty.domain.rule_sentences import NOUNS, explain_rule, yuan

__all__ = ["explain_bound", "explain_claim", "explain_order", "explain_time", "state_word"]

_STATES: Final = {
    "PENDING_ISSUE": ("待发放", "to be issued"),
    "GRANTED": ("已发放", "granted"),
    "PARTIAL": ("部分发放", "granted in part"),
    "REVERSED": ("已扣回", "taken back"),
    "IMPORTED": ("此前已兑换", "converted before"),
    "PENDING_SYNC": ("等待同步", "waiting for the order"),
    "PENDING_FINISH": ("待交易完成", "waiting for the order to finish"),
    "REFUND_OPEN": ("售后中", "waiting for the after-sale case"),
    "HELD_REVIEW": ("人工审核", "being looked at by a person"),
    "REJECTED": ("已驳回", "refused"),
    "EXPIRED": ("超时", "expired"),
}


def explain_bound(past_orders: int, language: str) -> list[str]:
    """
    Say that a claim has bound its buyer, and how many past orders may follow.

    Args:
        past_orders: Orders of that buyer that nobody holds.
        language: "zh" or "en".
    """
    if language == "en":
        more = [f"Earlier orders that may be converted as well: {past_orders}."] if past_orders else []
        return ["Your account at the platform is known now: later orders convert by themselves.", *more]
    more = [f"另有 {past_orders} 笔以往订单可一并兑换。"] if past_orders else []
    return ["已识别您的平台账号，今后的订单将自动兑换。", *more]


def state_word(state: str, language: str) -> str:
    """Name a state of a claim or ticket in a language."""
    zh, en = _STATES.get(state, (state, state))
    return en if language == "en" else zh


def _why_not(line: EffectiveLine, order: EffectiveOrder, program: Program, language: str) -> str | None:
    rules = program.eligibility
    en = language == "en"
    if line.product_id in rules.exclude_products and line.product_id:
        return "this product takes no part" if en else "该商品不参与"
    if line.category in rules.exclude_categories and line.category:
        return "this category takes no part" if en else "该类目不参与"
    if line.is_gift:
        return "a free gift" if en else "赠品不计"
    if line.status in ("CLOSED_UNPAID", "CLOSED_REFUNDED") or order.status == "CLOSED":
        return "closed" if en else "已关闭"
    if not order.counts(line, rules.claimable(order.platform)):
        return "not finished yet" if en else "尚未完成"
    return None


def explain_order(order: EffectiveOrder, program: Program, nets: Nets, language: str) -> list[str]:
    """
    Say what of an order counts and why.

    Args:
        order: The order after all messages.
        program: The revision it is settled under.
        nets: The amounts counted.
        language: "zh" or "en".
    """
    en = language == "en"
    own = sum(line.own_fen for line in order.lines)
    goods = sum(line.paid_fen for line in order.lines)
    refunded = sum(line.refunded_fen for line in order.lines)
    shipping = order.paid_fen - goods
    basis = program.basis
    ignored = sum(ignored_fen(order, basis)) if basis.refunds_ignored else 0
    parts = [f"Paid {yuan(order.paid_fen)} yuan" if en else f"实付{yuan(order.paid_fen)}元"]
    if shipping and basis.shipping:
        parts.append(f"shipping {yuan(shipping)} of it" if en else f"含运费{yuan(shipping)}元")
    elif shipping:
        parts.append(f"shipping {yuan(shipping)} does not count" if en else f"运费{yuan(shipping)}元不计")
    if order.subsidy_fen and order.platform in basis.subsidy_platforms:
        subsidy = yuan(order.subsidy_fen)
        parts.append(f"{subsidy} of platform subsidy count too" if en else f"平台补贴{subsidy}元计入")
    if own and not basis.own_value:
        parts.append(f"{yuan(own)} was paid with points or stored value" if en else f"积分或储值支付{yuan(own)}元不计")
    if refunded:
        parts.append(f"{yuan(refunded)} was refunded" if en else f"已退款{yuan(refunded)}元")
    if ignored:
        parts.append(f"{yuan(ignored)} of that changes nothing" if en else f"其中{yuan(ignored)}元不影响权益")
    for line in order.lines:
        why = _why_not(line, order, program, language)
        if why is not None:
            name = f"sub-order {line.line_id}: " if en else f"子订单{line.line_id}："
            parts.append(f"{name if line.line_id else ''}{why}")
    parts.append(f"{yuan(nets.total)} yuan count" if en else f"计入{yuan(nets.total)}元")
    if nets.below_minimum:
        least = yuan(program.eligibility.minimum_fen)
        parts.append(f"below the minimum of {least}" if en else f"未达门槛{least}元")
    return [(", ".join(parts) + ".") if en else ("，".join(parts) + "。")]


def explain_claim(
    order: EffectiveOrder, program: Program, grants: Sequence[Grant], language: str, calc: int = CALC
) -> list[str]:
    """Say what an order's claim gives, rule by rule, from today's facts and by the arithmetic it was settled under."""
    nets = net_amounts(order, program, calc)
    rules = program.rewards_by_id
    sentences = explain_order(order, program, nets, language)
    sentences += [
        explain_rule(rules[grant.rule_id], grant, target, order, nets, program, language)
        for grant, target in zip(grants, targets_of(grants, nets, program), strict=True)
    ]
    for book in program.external_books:
        noun = NOUNS[book.asset][language == "en"]
        said = (
            f"{noun}: kept and spent at {book.gateway}." if language == "en" else f"{noun}由{book.gateway}保存和使用。"
        )
        sentences += [said] if any(rules[grant.rule_id].asset == book.asset for grant in grants) else []
    return sentences


def explain_time(instant: int, calendar: Calendar, language: str) -> str:
    """Say from which local day on something becomes possible."""
    day = calendar.day(instant)
    return f"possible from {day}" if language == "en" else f"{day}起可兑换"
