"""Reason codes: why a request was answered as it was. A code is stored and sent, so it stays as it is for ever."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Final

__all__ = ["Language", "Reason", "by_precedence", "first_reason"]

Language = str


class Reason(enum.Enum):
    """
    Every answer's reason, in the order in which the first one that applies is named.

    Source: the programme's published claim rules; sentences are meant to be read aloud by customer service.
    """

    MEMBER_BLOCKED = "MEMBER_BLOCKED"
    TOO_MANY_ATTEMPTS = "TOO_MANY_ATTEMPTS"
    ORDER_NO_MANGLED = "ORDER_NO_MANGLED"
    WRONG_PLATFORM_HINT = "WRONG_PLATFORM_HINT"
    RECEIVED = "RECEIVED"
    TOO_MANY_REQUESTS = "TOO_MANY_REQUESTS"
    PROOF_REQUIRED = "PROOF_REQUIRED"
    PENDING_SYNC = "PENDING_SYNC"
    NOT_FOUND = "NOT_FOUND"
    OTHER_BUYER = "OTHER_BUYER"
    IN_REVIEW = "IN_REVIEW"
    ALREADY_CLAIMED_BY_YOU = "ALREADY_CLAIMED_BY_YOU"
    AUTO_CONVERTED = "AUTO_CONVERTED"
    ALREADY_CLAIMED = "ALREADY_CLAIMED"
    SHOP_NOT_COVERED = "SHOP_NOT_COVERED"
    KIND_EXCLUDED = "KIND_EXCLUDED"
    NOT_BENEFICIARY = "NOT_BENEFICIARY"
    CURRENCY = "CURRENCY"
    AMOUNT_MISMATCH = "AMOUNT_MISMATCH"
    IN_FUTURE = "IN_FUTURE"
    CLOSED = "CLOSED"
    NOT_FINISHED = "NOT_FINISHED"
    REFUND_OPEN = "REFUND_OPEN"
    BEFORE_PROGRAM = "BEFORE_PROGRAM"
    TOO_OLD = "TOO_OLD"
    BELOW_MINIMUM = "BELOW_MINIMUM"
    CAP_REACHED = "CAP_REACHED"
    BUDGET_EXHAUSTED = "BUDGET_EXHAUSTED"
    NOTHING_TO_GRANT = "NOTHING_TO_GRANT"
    REFUSED = "REFUSED"
    IDENTITY_COOLING = "IDENTITY_COOLING"
    DEBT_OPEN = "DEBT_OPEN"

    def sentence(self, language: Language = "zh") -> str:
        """
        Say it to a person.

        Args:
            language: "zh" or "en".
        """
        zh, en = _SENTENCES[self]
        return en if language == "en" else zh


_SENTENCES: Final = {
    Reason.MEMBER_BLOCKED: ("账号受限", "This account is restricted."),
    Reason.TOO_MANY_ATTEMPTS: ("尝试次数过多", "Too many attempts; please try again later."),
    Reason.ORDER_NO_MANGLED: (
        "订单号格式异常（可能被表格改写）",
        "The order number looks damaged, perhaps by a spreadsheet; please copy it from the order page.",
    ),
    Reason.WRONG_PLATFORM_HINT: (
        "该订单号看起来属于其他平台",
        "This does not look like an order number of the platform you chose.",
    ),
    Reason.RECEIVED: ("已提交，核实中", "Received; we are checking it."),
    Reason.TOO_MANY_REQUESTS: (
        "该订单的申请过多，请补充更有力的凭证",
        "Too many others have asked for this order; please come back with a better proof.",
    ),
    Reason.PROOF_REQUIRED: (
        "请补充手机号后四位或实付金额",
        "Please add the amount paid and the day, or the last four digits of the phone.",
    ),
    Reason.PENDING_SYNC: ("订单同步中，请稍后查看", "The order has not reached us yet; please look again later."),
    Reason.NOT_FOUND: ("未找到该订单", "No such order was found."),
    Reason.OTHER_BUYER: ("非本人订单", "The order belongs to another buyer."),
    Reason.IN_REVIEW: ("已提交人工审核", "A person is going to look at it."),
    Reason.ALREADY_CLAIMED_BY_YOU: ("您已兑换过该订单", "You have converted this order before."),
    Reason.AUTO_CONVERTED: ("该订单已自动转换", "This order was converted for you automatically."),
    Reason.ALREADY_CLAIMED: ("该订单已被兑换", "This order has been converted already."),
    Reason.SHOP_NOT_COVERED: ("该店铺未参加活动", "This shop does not take part."),
    Reason.KIND_EXCLUDED: ("该类订单不参与", "Orders of this kind do not take part."),
    Reason.NOT_BENEFICIARY: ("非受益人", "The rewards of this order belong to somebody else."),
    Reason.CURRENCY: ("币种不支持", "This currency is not supported."),
    Reason.AMOUNT_MISMATCH: ("金额不一致", "The amounts do not agree."),
    Reason.IN_FUTURE: ("时间异常", "The order's time lies in the future."),
    Reason.CLOSED: ("订单已关闭", "The order was closed."),
    Reason.NOT_FINISHED: ("订单确认收货后可兑换", "It can be converted once receipt has been confirmed."),
    Reason.REFUND_OPEN: ("订单售后处理中", "An after-sale case of this order is still open."),
    Reason.BEFORE_PROGRAM: ("下单时间早于活动开始", "The order was placed before the programme began."),
    Reason.TOO_OLD: ("超出可兑换期限", "The time for converting this order is over."),
    Reason.BELOW_MINIMUM: ("实付金额未达门槛", "The amount paid is below the minimum."),
    Reason.CAP_REACHED: ("已达今日上限", "The limit for this period has been reached."),
    Reason.BUDGET_EXHAUSTED: ("活动权益已发完", "The rewards of this campaign are used up."),
    Reason.NOTHING_TO_GRANT: ("该订单无可发放权益", "There is nothing to grant for this order."),
    Reason.REFUSED: ("审核未通过", "The request was refused after a review."),
    Reason.IDENTITY_COOLING: ("该账号刚解绑，暂不能绑定其他会员", "This identity was unbound only lately."),
    Reason.DEBT_OPEN: ("原会员尚有欠账", "The member it belonged to last still owes something."),
}
_PRECEDENCE: Final = {reason: place for place, reason in enumerate(Reason)}


def by_precedence(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """Give each reason once, the one to be named first."""
    return tuple(sorted(set(reasons), key=_PRECEDENCE.__getitem__))


def first_reason(reasons: Iterable[Reason]) -> Reason | None:
    """Give the reason to name, None without any."""
    return min(reasons, key=_PRECEDENCE.__getitem__, default=None)
