"""What looks wrong in a program although it is allowed: for the admin who publishes it, before customers find out."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import attrs

from crossloyalty.domain.calendar import instant_of, shift_day
from crossloyalty.domain.rules import Coupon, GrowthLevel, Level, Reward, Scope, SpendTiers
from crossloyalty.domain.rules.rewards import PerSteps
from crossloyalty.errors import InvalidInput, WrongType, shown

if TYPE_CHECKING:
    from crossloyalty.domain.program import Program

__all__ = ["Finding", "LintCode", "lint_program"]

# What `issue_after_days` is meant to wait for: goods may be sent back without a reason for seven days after they were
# received (消费者权益保护法, article 25), and a refund that comes later than the points costs a debt.
REFUND_WINDOW_DAYS: Final = 7
TYPICAL_ORDER_FEN: Final = 10_000


class LintCode(enum.Enum):
    """What may be found; a code stays as it is for ever."""

    ORDER_NO_ONLY = "ORDER_NO_ONLY"
    NOTHING_IS_CONVERTED = "NOTHING_IS_CONVERTED"
    UNKNOWN_PLATFORM = "UNKNOWN_PLATFORM"
    EARNS_BEFORE_FINISH = "EARNS_BEFORE_FINISH"
    CLAIM_WINDOW_SHORT = "CLAIM_WINDOW_SHORT"
    HOLD_SHORTER_THAN_REFUND_WINDOW = "HOLD_SHORTER_THAN_REFUND_WINDOW"
    GIVES_NOTHING = "GIVES_NOTHING"
    GIVES_MORE_THAN_PAID = "GIVES_MORE_THAN_PAID"
    TIERS_NOT_MONOTONIC = "TIERS_NOT_MONOTONIC"
    MULTIPLIER_WITHOUT_POINTS = "MULTIPLIER_WITHOUT_POINTS"
    PERIOD_SHORTER_THAN_WINDOW = "PERIOD_SHORTER_THAN_WINDOW"
    UNKNOWN_TIER = "UNKNOWN_TIER"
    NEVER_REACHED = "NEVER_REACHED"
    NEVER_RUNS = "NEVER_RUNS"
    MULTIPLIES_BY_LESS = "MULTIPLIES_BY_LESS"
    EXPIRES_BEFORE_ISSUE = "EXPIRES_BEFORE_ISSUE"
    COUPON_ENDS_BEFORE_CAMPAIGN = "COUPON_ENDS_BEFORE_CAMPAIGN"
    CAP_CUTS_LATER_LINES = "CAP_CUTS_LATER_LINES"


@attrs.frozen
class Finding:
    """
    One thing to look at.

    Args:
        code: What kind of thing.
        path: Where in the document, such as "rewards[2].issue_after_days".
        zh, en: The sentence for the admin, in both languages.
    """

    code: LintCode
    path: str
    zh: str
    en: str

    def sentence(self, language: str = "zh") -> str:
        """Say it to a person; *language* is "zh" or "en"."""
        return self.en if language == "en" else self.zh


@attrs.frozen
class _Looked:
    program: Program
    typical_order_fen: int
    refund_window_days: int


def lint_program(
    program: Program, *, typical_order_fen: int = TYPICAL_ORDER_FEN, refund_window_days: int = REFUND_WINDOW_DAYS
) -> tuple[Finding, ...]:
    """
    Look for rules that are allowed and most probably not meant.

    Args:
        program: The rules.
        typical_order_fen: What an ordinary order nets; a rule that gives nothing for it is suspicious.
        refund_window_days: For how long after the finish customers send goods back.

    Returns:
        Findings in the order of the document; empty when nothing is suspicious.

    Raises:
        InvalidInput: An amount or a number of days cannot be one.
    """
    for name, value in (("typical_order_fen", typical_order_fen), ("refund_window_days", refund_window_days)):
        if type(value) is not int:
            raise WrongType(f"{name} is a whole number, not {shown(value)}")
        if value < 0:
            raise InvalidInput(f"{name} is 0 or more: {shown(value)}")
    looked = _Looked(program, typical_order_fen, refund_window_days)
    return tuple(finding for look in _LOOKS for finding in look(looked))


def _ownership(looked: _Looked) -> Iterator[Finding]:
    if looked.program.ownership == "order-no-only":
        yield Finding(
            LintCode.ORDER_NO_ONLY,
            "ownership",
            "只凭订单号即可兑换：谁先输入谁得，快递面单上的订单号也能被别人用掉",
            "An order goes to the first who types its number, and parcels carry their numbers on the label.",
        )


def _kinds(looked: _Looked) -> Iterator[Finding]:
    if not looked.program.eligibility.kinds:
        yield Finding(
            LintCode.NOTHING_IS_CONVERTED,
            "eligibility.kinds",
            "没有任何订单类型参与，所有订单都不能兑换",
            "No kind of order takes part, so no order can be converted.",
        )


def _platforms(looked: _Looked) -> Iterator[Finding]:
    for name in looked.program.eligibility.statuses:
        if name != "*" and name not in looked.program.known_platforms:
            yield Finding(
                LintCode.UNKNOWN_PLATFORM,
                f"eligibility.statuses.{name}",
                f"没有名为 {name} 的平台，这一条不会生效",
                f"There is no platform {name}, so this has no effect.",
            )


def _before_finish(looked: _Looked) -> Iterator[Finding]:
    for name, statuses in looked.program.eligibility.statuses.items():
        early = [status for status in statuses if status != "FINISHED"]
        if early and any(reward.issue_after_days == 0 and not _waits(reward) for reward in looked.program.rewards):
            yield Finding(
                LintCode.EARNS_BEFORE_FINISH,
                f"eligibility.statuses.{name}",
                f"{'、'.join(early)} 状态即可兑换，且有权益立即到账：客户退款时权益可能已被用掉",
                f"Orders earn while {', '.join(early)}, and something is issued at once: it may be spent before a"
                " refund.",
            )


def _holds(looked: _Looked) -> Iterator[Finding]:
    days = looked.refund_window_days
    for place, reward in enumerate(looked.program.rewards):
        if reward.asset != "growth" and reward.issue_after_days < days and not _waits(reward):
            yield Finding(
                LintCode.HOLD_SHORTER_THAN_REFUND_WINDOW,
                f"rewards[{place}].issue_after_days",
                f"{reward.id} 在交易完成后第 {reward.issue_after_days} 天到账，短于 {days} 天售后期，"
                "退款时可能已被用掉",
                f"{reward.id} is issued {reward.issue_after_days} days after the finish, within the {days} days in"
                " which goods come back: it may be spent before the refund.",
            )


def _amounts(looked: _Looked) -> Iterator[Finding]:
    typical = looked.typical_order_fen
    for place, reward in enumerate(looked.program.rewards):
        given = reward.amount(typical)
        if typical and not given:
            yield Finding(
                LintCode.GIVES_NOTHING,
                f"rewards[{place}].{_what_decides(reward)}",
                f"普通订单（{_yuan(typical)} 元）得不到 {reward.id}",
                f"An ordinary order of {_yuan(typical)} yuan earns no {reward.id}.",
            )
        if reward.asset == "stored_value" and given >= typical > 0:
            yield Finding(
                LintCode.GIVES_MORE_THAN_PAID,
                f"rewards[{place}].{_what_decides(reward)}",
                f"{_yuan(typical)} 元的订单送 {_yuan(given)} 元，不低于客户实付",
                f"An order of {_yuan(typical)} yuan gives {_yuan(given)} yuan, as much as was paid or more.",
            )


def _multipliers(looked: _Looked) -> Iterator[Finding]:
    tiers = looked.program.tiers
    if tiers is None:
        return
    levels: tuple[Level | GrowthLevel, ...] = tiers.levels
    for place, (lower, level) in enumerate(pairwise(levels), start=1):
        (ours, of), (below, of_below) = level.multiplier, lower.multiplier
        if ours * of_below < below * of:
            yield Finding(
                LintCode.TIERS_NOT_MONOTONIC,
                f"tiers.levels[{place}].points_multiplier",
                f"{level.name} 的积分倍数低于 {lower.name}，升级后反而少得",
                f"{level.name} earns less than {lower.name}, so going up costs points.",
            )
    takes = any(reward.takes_tier_multiplier for reward in looked.program.rewards)
    for place, level in enumerate(levels):
        if level.multiplier != (1, 1) and not takes:
            yield Finding(
                LintCode.MULTIPLIER_WITHOUT_POINTS,
                f"tiers.levels[{place}].points_multiplier",
                f"{level.name} 有积分倍数，但没有按消费得积分的规则，倍数不会生效",
                f"{level.name} multiplies points, but no reward gives points for spending.",
            )


def _periods(looked: _Looked) -> Iterator[Finding]:
    tiers = looked.program.tiers
    if (
        isinstance(tiers, SpendTiers)
        and tiers.window_days
        and tiers.period_days
        and tiers.period_days < tiers.window_days
    ):
        yield Finding(
            LintCode.PERIOD_SHORTER_THAN_WINDOW,
            "tiers.period_days",
            f"等级有效 {tiers.period_days} 天，短于 {tiers.window_days} 天的累计窗口：同一笔消费会让等级多次续期",
            f"A tier lasts {tiers.period_days} days and spending counts for {tiers.window_days}: the same spending"
            " renews it again.",
        )


def _window(looked: _Looked) -> Iterator[Finding]:
    within = looked.program.eligibility.within_days
    if within is not None and within < looked.refund_window_days:
        yield Finding(
            LintCode.CLAIM_WINDOW_SHORT,
            "eligibility.within_days",
            f"交易完成后只有 {within} 天可兑换，短于 {looked.refund_window_days} 天售后期，很多客户会来不及",
            f"Orders can be converted for {within} days only, less than the {looked.refund_window_days} days in which"
            " goods come back.",
        )


def _scopes(program: Program) -> Iterator[tuple[str, Scope]]:
    for place, reward in enumerate(program.rewards):
        if reward.scope is not None:
            yield f"rewards[{place}].scope", reward.scope
        for rate_place, rate in enumerate(reward.rates):
            yield f"rewards[{place}].rates[{rate_place}].scope", rate.scope
    for place, campaign in enumerate(program.campaigns):
        if campaign.scope is not None:
            yield f"campaigns[{place}].scope", campaign.scope


def _limits(looked: _Looked) -> Iterator[Finding]:
    program = looked.program
    tiers = () if program.tiers is None else tuple(level.name for level in program.tiers.levels)
    shops = program.eligibility.shops
    for path, scope in _scopes(program):
        for place, name in enumerate(scope.platforms):
            if name not in program.known_platforms:
                yield Finding(
                    LintCode.UNKNOWN_PLATFORM,
                    f"{path}.platforms[{place}]",
                    f"没有名为 {name} 的平台，这一条不会生效",
                    f"There is no platform {name}, so this has no effect.",
                )
        for place, name in enumerate(scope.tiers):
            if name not in tiers:
                yield Finding(
                    LintCode.UNKNOWN_TIER,
                    f"{path}.tiers[{place}]",
                    f"没有名为 {name} 的等级，这一条不会生效",
                    f"There is no tier {name}, so this has no effect.",
                )
        if shops and scope.shops and not set(shops) & set(scope.shops):
            yield Finding(
                LintCode.NEVER_REACHED,
                path + ".shops",
                "这些店铺都不在参与的店铺之内，这一条不会生效",
                "None of these shops takes part in the program, so this has no effect.",
            )


def _rates(looked: _Looked) -> Iterator[Finding]:
    for place, reward in enumerate(looked.program.rewards):
        every = [rate.scope == Scope() for rate in reward.rates]
        for rate_place in range(every.index(True) + 1 if True in every else len(every), len(every)):
            yield Finding(
                LintCode.NEVER_REACHED,
                f"rewards[{place}].rates[{rate_place}]",
                "前面已有不限范围的比例，取第一个符合的，这一条不会用到",
                "A rate before it takes everything, and the first one decides: this one is never used.",
            )


def _campaigns(looked: _Looked) -> Iterator[Finding]:
    program = looked.program
    for place, campaign in enumerate(program.campaigns):
        starts_at = program.starts_at
        over = campaign.until_at is not None and starts_at is not None and campaign.until_at <= starts_at
        dates = [] if campaign.days is None else [*campaign.days.weekdays, *campaign.days.month_days]
        if campaign.days is not None and not dates:
            over = over or not any(
                campaign.runs(program.calendar.start(day) + hour * 3_600_000_000, program.calendar)
                for day in campaign.days.dates
                for hour in range(24)
            )
        if over:
            yield Finding(
                LintCode.NEVER_RUNS,
                f"campaigns[{place}]",
                f"活动 {campaign.id} 的时间内不会有订单，不会生效",
                f"No order falls into the time of campaign {campaign.id}, so it has no effect.",
            )
        if campaign.times < 1:
            yield _less(f"campaigns[{place}].multiplier")
    for place, threshold in enumerate(program.thresholds):
        if threshold.times < 1:
            yield _less(f"thresholds[{place}].multiplier")


def _waits(reward: Reward) -> bool:
    """Say whether a reward is issued on a day or an event of its own."""
    return reward.issue_on is not None or bool(reward.issue_event)


def _ends(looked: _Looked) -> Iterator[Finding]:
    program = looked.program
    for place, reward in enumerate(program.rewards):
        ends_on = reward.expires_on
        if ends_on is None:
            continue
        if reward.issue_on is not None and reward.issue_on > ends_on:
            yield Finding(
                LintCode.EXPIRES_BEFORE_ISSUE,
                f"rewards[{place}].expires_on",
                f"{reward.id} 到账之前就已过期",
                f"{reward.id} expires before it is issued.",
            )
        if not isinstance(reward, Coupon):
            continue
        ends_at = program.calendar.start(shift_day(ends_on, 1))
        for campaign in program.campaigns:
            if campaign.until_at is not None and ends_at < instant_of(campaign.until_at):
                yield Finding(
                    LintCode.COUPON_ENDS_BEFORE_CAMPAIGN,
                    f"rewards[{place}].expires_on",
                    f"优惠券 {reward.code} 在活动 {campaign.id} 结束前就已过期",
                    f"Coupon {reward.code} ends before campaign {campaign.id} does.",
                )


def _caps(looked: _Looked) -> Iterator[Finding]:
    program = looked.program
    for place, cap in enumerate(program.caps):
        split = [r.id for r in program.rewards if cap.limits(r.id, r.asset) and r.settle == "per_line"]
        if cap.per != "order" and split:
            yield Finding(
                LintCode.CAP_CUTS_LATER_LINES,
                f"caps[{place}]",
                f"{split[0]} 按子订单结算：首个子订单完成时即确定额度，后完成的子订单不再增加",
                f"{split[0]} counts line by line: what the first finished line earns is all the cap will ever allow.",
            )


def _unfed(looked: _Looked) -> Iterator[Finding]:
    program = looked.program
    beside = (*program.gifts, *program.actions)
    given = {reward.asset for reward in (*program.rewards, *(each.reward for each in beside))}
    for place, book in enumerate(program.external_books):
        if book.asset not in given:
            yield Finding(
                LintCode.NEVER_REACHED,
                f"external_books[{place}]",
                "没有任何规则发放这种资产，这一条不会用到",
                "No rule gives this asset, so the book stays empty.",
            )
    if program.inactivity is not None and "growth" not in given:
        yield Finding(
            LintCode.NEVER_REACHED,
            "inactivity",
            "没有任何规则发放成长值，无可扣减",
            "No rule gives growth value, so there is nothing to lose.",
        )


def _less(path: str) -> Finding:
    return Finding(
        LintCode.MULTIPLIES_BY_LESS,
        path,
        "倍数小于 1，参加活动反而少得",
        "Multiplies by less than 1: taking part costs.",
    )


def _what_decides(reward: Reward) -> str:
    if isinstance(reward, PerSteps):
        return "every_fen"
    names = ("rate", "minimum_fen", "points", "growth", "bonus_fen")
    return next(name for name in names if hasattr(reward, name))


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"


# In the order of the document.
_LOOKS: Final[tuple[Callable[[_Looked], Iterator[Finding]], ...]] = (
    _ownership,
    _kinds,
    _platforms,
    _before_finish,
    _window,
    _holds,
    _amounts,
    _multipliers,
    _periods,
    _limits,
    _rates,
    _campaigns,
    _ends,
    _caps,
    _unfed,
)
