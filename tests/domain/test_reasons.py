"""Reason codes: frozen names, an order of precedence, sentences in two languages."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossloyalty.domain.reasons import Reason, by_precedence, first_reason

# The design's order, section 4 "Answers".
PUBLISHED = [
    "MEMBER_BLOCKED",
    "TOO_MANY_ATTEMPTS",
    "ORDER_NO_MANGLED",
    "WRONG_PLATFORM_HINT",
    "RECEIVED",
    "PENDING_SYNC",
    "OTHER_BUYER",
    "IN_REVIEW",
    "ALREADY_CLAIMED_BY_YOU",
    "AUTO_CONVERTED",
    "ALREADY_CLAIMED",
    "SHOP_NOT_COVERED",
    "KIND_EXCLUDED",
    "NOT_BENEFICIARY",
    "CURRENCY",
    "AMOUNT_MISMATCH",
    "IN_FUTURE",
    "CLOSED",
    "NOT_FINISHED",
    "REFUND_OPEN",
    "BEFORE_PROGRAM",
    "TOO_OLD",
    "BELOW_MINIMUM",
    "CAP_REACHED",
    "BUDGET_EXHAUSTED",
    "NOTHING_TO_GRANT",
]
CHINESE = {
    "ALREADY_CLAIMED_BY_YOU": "您已兑换过该订单",
    "RECEIVED": "已提交，核实中",
    "PENDING_SYNC": "订单同步中，请稍后查看",
    "NOT_FINISHED": "订单确认收货后可兑换",
    "REFUND_OPEN": "订单售后处理中",
    "CLOSED": "订单已关闭",
    "TOO_OLD": "超出可兑换期限",
    "BEFORE_PROGRAM": "下单时间早于活动开始",
    "SHOP_NOT_COVERED": "该店铺未参加活动",
    "BELOW_MINIMUM": "实付金额未达门槛",
    "NOTHING_TO_GRANT": "该订单无可发放权益",
    "TOO_MANY_REQUESTS": "该订单的申请过多，请补充更有力的凭证",
    "PROOF_REQUIRED": "请补充手机号后四位或实付金额",
    "TOO_MANY_ATTEMPTS": "尝试次数过多",
    "IN_REVIEW": "已提交人工审核",
    "ALREADY_CLAIMED": "该订单已被兑换",
    "NOT_FOUND": "未找到该订单",
    "OTHER_BUYER": "非本人订单",
    "AMOUNT_MISMATCH": "金额不一致",
    "KIND_EXCLUDED": "该类订单不参与",
    "NOT_BENEFICIARY": "非受益人",
    "IN_FUTURE": "时间异常",
    "CURRENCY": "币种不支持",
    "AUTO_CONVERTED": "该订单已自动转换",
    "ORDER_NO_MANGLED": "订单号格式异常（可能被表格改写）",
    "WRONG_PLATFORM_HINT": "该订单号看起来属于其他平台",
    "MEMBER_BLOCKED": "账号受限",
    "CAP_REACHED": "已达今日上限",
    "BUDGET_EXHAUSTED": "活动权益已发完",
    "REFUSED": "审核未通过",
    "IDENTITY_COOLING": "该账号刚解绑，暂不能绑定其他会员",
    "DEBT_OPEN": "原会员尚有欠账",
}


def test_precedence_is_the_published_one() -> None:
    """Reasons are named first in the design's order."""
    assert [reason.name for reason in Reason if reason.name in PUBLISHED] == PUBLISHED


def test_codes_are_their_names() -> None:
    """A code is stored and sent; it is UPPER_SNAKE and its own value."""
    assert all(reason.value == reason.name and re.fullmatch(r"[A-Z_]+", reason.name) for reason in Reason)


@pytest.mark.parametrize("reason", Reason)
def test_sentences(reason: Reason) -> None:
    """Every reason has its published Chinese sentence and an English one."""
    assert reason.sentence("zh") == CHINESE[reason.name]
    english = reason.sentence("en")
    assert english.isascii()
    assert english.endswith(".")


@given(st.lists(st.sampled_from(Reason)), st.randoms(use_true_random=False))
def test_by_precedence(reasons: list[Reason], random: object) -> None:
    """Each reason once, in one order, however they were found; the first is the one to name."""
    ordered = by_precedence(reasons)
    shuffled = [*reasons, *reasons]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert by_precedence(shuffled) == ordered
    assert set(ordered) == set(reasons)
    assert first_reason(reasons) is (ordered[0] if ordered else None)
