"""
The statuses and types of an after-sale case (售后) of Pinduoduo, as orders and refunds both use them.

Source: the list at `pdd.refund.list.increment.get` and in every order, open.pinduoduo.com; it is the same everywhere.
"""

from __future__ import annotations

from typing import Final

from crossloyalty.domain.orders import RefundKind, RefundStatus

__all__ = ["NO_CASE", "kind_of", "state_of"]

NO_CASE: Final = 0
_SUCCESS: Final = 10
# Over without money: refused for good, withdrawn, timed out, exchanged, repaired, or none of these came about.
_CLOSED: Final = frozenset({NO_CASE, 9, 11, 12, 13, 16, 17, 24, 25})
_OPEN: Final = frozenset({2, 3, 4, 5, 6, 7, 8, 14, 15, 18, 21, 22, 27, 31, 32, 33})
# The numbers of the list: refund only, return, exchange, resend, repair. The detail numbers them otherwise.
_KINDS: Final = {
    2: RefundKind.RETURN,
    3: RefundKind.RETURN,
    4: RefundKind.EXCHANGE,
    5: RefundKind.EXCHANGE,
    6: RefundKind.EXCHANGE,
}


def state_of(status: int) -> RefundStatus | None:
    """Give what a status means; None: it stands in no table."""
    if status == _SUCCESS:
        return RefundStatus.SUCCESS
    if status in _CLOSED:
        return RefundStatus.CLOSED
    return RefundStatus.OPEN if status in _OPEN else None


def kind_of(list_type: int | None) -> RefundKind | None:
    """Give why money goes back, from the type as the list numbers it; None: unknown, which counts like a return."""
    return _KINDS.get(list_type or 0)
