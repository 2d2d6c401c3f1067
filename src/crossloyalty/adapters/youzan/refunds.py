"""
One Youzan after-sale case as a `Refund`.

Source: youzan.trade.refund.get 3.0.1 and youzan.trade.refund.search 3.0.1. The states of `refund_order[].refund_state`
inside an order are another list and are not read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from crossloyalty.adapters.wire.reading import Node, Unreadable, redacted
from crossloyalty.adapters.wire.values import Doubtful, Facts
from crossloyalty.adapters.youzan.settings import PLATFORM
from crossloyalty.domain.orders import Refund, RefundKind, RefundStatus
from crossloyalty.errors import InvalidInput

__all__ = ["read_refund"]

_STATUSES: Final = {
    "WAIT_SELLER_AGREE": RefundStatus.OPEN,
    "WAIT_BUYER_RETURN_GOODS": RefundStatus.OPEN,
    "WAIT_SELLER_CONFIRM_GOODS": RefundStatus.OPEN,
    # Refused cases are unblocked (D9); should the buyer go on, the case opens again under the same id.
    "SELLER_REFUSE_BUYER": RefundStatus.CLOSED,
    "SELLER_REFUSE_BUYER_RETURN_GOODS": RefundStatus.CLOSED,
    "CLOSED": RefundStatus.CLOSED,
    "SUCCESS": RefundStatus.SUCCESS,
}
_EXCHANGE_DEMAND: Final = 3
_NOT_PERSONAL: Final = (
    "refund_id tid oid status version refund_fee refund_type demand return_goods created modified refund_success_time"
)
_ALLOWED: Final = frozenset(_NOT_PERSONAL.split())
# Versions are milliseconds since 1970 in every sample that is known; anything shorter is a counter.
_SMALLEST_MS: Final = 10**12


def read_refund(raw: Node, oids: Sequence[str] = ()) -> Facts:
    """
    Read one after-sale case.

    Args:
        raw: A row of the search, or the data of the detail.
        oids: The sub-orders it belongs to, from the order. The `oid` of the case itself names only the first of them,
            so it is not used: a refund of several would all fall on one.

    Returns:
        The refund; postage is part of its amount. A state that is not known leaves it open, which moves no money and
        holds an issue back, and is a doubt beside it.
    """
    order_no = ""
    try:
        order_no = raw.need_text("tid")
        status = _STATUSES.get(raw.need_text("status"))
        refund = _refund(raw, order_no, status or RefundStatus.OPEN, oids)
    except (Unreadable, InvalidInput) as error:
        # Our own check of a value names it behind the colon.
        detail = str(error).partition(": ")[0]
        doubt = Doubtful(order_no=order_no[:64], code="UNREADABLE", detail=detail, payload=_payload(raw))
        return Facts(doubtful=(doubt,), seen=1)
    if status is None:
        detail = "the state of an after-sale case is not known; it counts as open"
        doubt = Doubtful(order_no=order_no, code="UNKNOWN_STATUS", detail=detail, payload=_payload(raw))
        return Facts(items=(refund,), doubtful=(doubt,), seen=1)
    return Facts(items=(refund,), seen=1)


def _refund(raw: Node, order_no: str, status: RefundStatus, oids: Sequence[str]) -> Refund:
    amount = raw.need_yuan("refund_fee")
    kind = None
    if raw.whole("demand") == _EXCHANGE_DEMAND or raw.text("refund_type") == "EXCHANGE_GOODS":
        # Goods against goods: no money goes back, whatever figure stands there.
        kind, amount = RefundKind.EXCHANGE, 0
    version = raw.whole("version") or 0
    modified_at = raw.beijing("modified")
    if modified_at is None:
        modified_at = raw.milliseconds("version") if version >= _SMALLEST_MS else raw.beijing("refund_success_time")
    return Refund(
        platform=PLATFORM,
        order_no=order_no,
        refund_id=raw.need_text("refund_id"),
        status=status,
        amount_fen=amount,
        line_id=oids[0] if len(oids) == 1 else None,
        modified_at=modified_at,
        kind=kind,
    )


def _payload(raw: Node) -> str:
    return redacted(dict(raw.value), _ALLOWED)
