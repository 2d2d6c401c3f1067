"""
One Youzan after-sale case as a `Refund`.

Source: youzan.trade.refund.get 3.0.1 and youzan.trade.refund.search 3.0.1. The states of `refund_order[].refund_state`
inside an order are another list and are not read. What a refusal means: labels of the states 10 and 40 in the class
ExtRefundOrder of the platform's extension SDK (2024-11-27), seen in public code 2026-11.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from crossloyalty.adapters.wire.doubts import UnknownStatus, or_doubtful
from crossloyalty.adapters.wire.reading import Node
from crossloyalty.adapters.wire.values import Doubtful
from crossloyalty.adapters.youzan.settings import PLATFORM
from crossloyalty.domain.orders import Refund, RefundKind, RefundStatus

__all__ = ["read_refund"]

_STATUSES: Final = {
    "WAIT_SELLER_AGREE": RefundStatus.OPEN,
    "WAIT_BUYER_RETURN_GOODS": RefundStatus.OPEN,
    "WAIT_SELLER_CONFIRM_GOODS": RefundStatus.OPEN,
    # Not over: the platform's own labels of the two are 等待买家处理, and only CLOSED unblocks (D9).
    "SELLER_REFUSE_BUYER": RefundStatus.OPEN,
    "SELLER_REFUSE_BUYER_RETURN_GOODS": RefundStatus.OPEN,
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


def read_refund(raw: Node, oids: Sequence[str] = ()) -> Refund | Doubtful:
    """
    Read one after-sale case.

    Args:
        raw: A row of the search, or the data of the detail.
        oids: The sub-orders it belongs to, from the order. The `oid` of the case itself names only the first of them,
            so it is not used: a refund of several would all fall on one.

    Returns:
        The refund; postage is part of its amount. `Doubtful` when it cannot be read or its state is not known: a doubt
        of a refund holds an issue back and moves no money.
    """
    number, refund_id = raw.value.get("tid"), raw.value.get("refund_id")
    return or_doubtful(lambda: _read(raw, oids), raw.value, number, _ALLOWED, refund_id=refund_id)


def _read(raw: Node, oids: Sequence[str]) -> Refund:
    status = _STATUSES.get(raw.need_text("status"))
    if status is None:
        raise UnknownStatus("the state of an after-sale case is not known")
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
        order_no=raw.need_text("tid"),
        refund_id=raw.need_text("refund_id"),
        status=status,
        amount_fen=amount,
        line_id=oids[0] if len(oids) == 1 else None,
        modified_at=modified_at,
        kind=kind,
    )
