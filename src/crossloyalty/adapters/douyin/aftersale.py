"""
The statuses and types of an after-sale case (售后) of Douyin, as sub-orders and refunds both use them.

Source: op.jinritemai.com, 15/1342 (`after_sale_info`), 17/1295 and 17/1095; comments of the official Go client.
"""

from __future__ import annotations

from typing import Final

from crossloyalty.adapters.wire.doubts import UnknownStatus
from crossloyalty.domain.orders import RefundKind, RefundStatus

__all__ = ["MONEY_IS_BACK", "kind_of", "state_of"]

# 3 paid back; 5 the platform had paid it back first and has got it from the merchant since.
MONEY_IS_BACK: Final = (3, 5)
_PAYOUT_FAILED: Final = 4
_REFUND_STATUSES: Final = (0, 1, 2, 3, 4, 5)
_AGREED: Final = 12
# None, exchanged, failed or withdrawn, cancelled, reversed. A withdrawn case stays at 28 with refund status 1 for ever.
_CLOSED: Final = (0, 14, 28, 51, 53)
# Applied, returning, to be shipped, returned, shipped, and both refusals, after which the buyer may go on.
_OPEN: Final = (3, 6, 7, 8, 11, 13, 27, 29)
_NO_MONEY: Final = (3, 7, 8)
_KINDS: Final = {
    0: RefundKind.RETURN,
    1: RefundKind.RETURN,
    2: RefundKind.RETURN,
    3: RefundKind.EXCHANGE,
    4: RefundKind.RETURN,
    5: RefundKind.RETURN,
    6: RefundKind.PRICE_PROTECTION,
    7: RefundKind.EXCHANGE,
    8: RefundKind.EXCHANGE,
}


def state_of(status: int, refund_status: int, case_type: int) -> RefundStatus:
    """
    Say where a case stands; money that went back counts, whatever the case says.

    Args:
        status: `after_sale_status` or `aftersale_status`.
        refund_status: Of the money.
        case_type: An exchange that succeeded moves none.

    Raises:
        UnknownStatus: One of them stands in no table.
    """
    if refund_status not in _REFUND_STATUSES or case_type not in _KINDS:
        raise UnknownStatus(f"refund_status {refund_status}, after-sale type {case_type}")
    if status != _AGREED and status not in _CLOSED and status not in _OPEN:
        raise UnknownStatus(f"after-sale status {status}")
    if refund_status in MONEY_IS_BACK:
        return RefundStatus.SUCCESS
    if status in _OPEN:
        return RefundStatus.OPEN
    if status != _AGREED:
        return RefundStatus.CLOSED
    if refund_status == _PAYOUT_FAILED:
        return RefundStatus.PAYOUT_FAILED
    return RefundStatus.CLOSED if case_type in _NO_MONEY else RefundStatus.OPEN


def kind_of(case_type: int) -> RefundKind | None:
    """Give why money goes back; None: unknown, which counts like a return."""
    return _KINDS.get(case_type)
