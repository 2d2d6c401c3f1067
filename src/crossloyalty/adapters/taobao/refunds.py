"""One refund of the open platform as a fact with its own id; refunds after completion show nowhere else."""

from __future__ import annotations

from typing import Final, Literal

from crossloyalty.adapters.taobao.orders import number_of
from crossloyalty.adapters.taobao.settings import TaobaoSettings
from crossloyalty.adapters.wire.reading import Node, Unreadable, redacted
from crossloyalty.adapters.wire.values import Doubtful
from crossloyalty.domain.orders import Refund, RefundKind, RefundStatus
from crossloyalty.errors import InvalidInput

__all__ = ["read_refund"]

# model/refund of the generated API metadata, 2026-04. Only SUCCESS has moved money; a refusal of the seller can be
# answered by the buyer, so the case is open until the platform closes it.
_STATUSES: Final = {
    "WAIT_SELLER_AGREE": RefundStatus.OPEN,
    "WAIT_BUYER_RETURN_GOODS": RefundStatus.OPEN,
    "WAIT_SELLER_CONFIRM_GOODS": RefundStatus.OPEN,
    "SELLER_REFUSE_BUYER": RefundStatus.OPEN,
    "WAIT_BUYER_CONFIRM_EXCHANGE_SELLER_SEND_GOODS": RefundStatus.OPEN,
    "WAIT_SELLER_CONSIGN_GOODS": RefundStatus.OPEN,
    "EXCHANGE_TRANSFORM_TO_REFUND": RefundStatus.OPEN,
    "CLOSED": RefundStatus.CLOSED,
    "SUCCESS": RefundStatus.SUCCESS,
}
_EXCHANGES: Final = ("TMALL_EXCHANGE", "TAOBAO_EXCHANGE", "REPAIR", "RESHIPPING")
_SPECIAL: Final = {"priceProtect": RefundKind.PRICE_PROTECTION, "cashBack": RefundKind.CASHBACK}
_KEPT_WORDS: Final = (
    "refund_id tid oid refund_fee total_fee payment status order_status refund_phase dispute_type"
    " special_refund_type has_good_return created modified"
)
_KEPT: Final = frozenset(_KEPT_WORDS.split())


def read_refund(node: Node, settings: TaobaoSettings) -> Refund | Doubtful:
    """
    Make a refund of the platform's.

    Args:
        node: As the platform gives it.
        settings: The shop's.

    Returns:
        The refund, of its sub-order; what cannot be believed is `Doubtful`, and never raised. Goods and postage are
        not told apart by the platform, so goods go back first.
    """
    try:
        status = _STATUSES.get(node.need_text("status"))
        if status is None:
            return _doubtful(node, "UNKNOWN_STATUS", "status of a refund")
        kind = _kind(node)
        amount = node.yuan("refund_fee")
        if amount is None:
            if status is RefundStatus.SUCCESS and kind is not RefundKind.EXCHANGE:
                raise Unreadable("refund.refund_fee is missing")
            amount = 0
        return Refund(
            platform=settings.name,
            order_no=number_of(node, "tid"),
            refund_id=node.need_text("refund_id"),
            status=status,
            amount_fen=amount,
            line_id=number_of(node, "oid") if node.raw("oid") is not None else None,
            modified_at=node.beijing("modified"),
            kind=kind,
        )
    except Unreadable as error:
        return _doubtful(node, "UNREADABLE", str(error))
    except InvalidInput as error:
        return _doubtful(node, "UNREADABLE", str(error).partition(":")[0])


def _kind(node: Node) -> RefundKind:
    special = node.text("special_refund_type")
    if special in _SPECIAL:
        return _SPECIAL[special]
    return RefundKind.EXCHANGE if node.text("dispute_type") in _EXCHANGES else RefundKind.RETURN


def _doubtful(node: Node, code: Literal["UNREADABLE", "UNKNOWN_STATUS"], detail: str) -> Doubtful:
    try:
        order_no = number_of(node, "tid")
    except Unreadable:
        order_no = ""
    found = node.value.get("refund_id")
    refund_id = str(found) if isinstance(found, (str, int)) else ""
    return Doubtful(
        order_no=order_no,
        # The same name as the sound refund has, so that it takes the doubt away.
        refund_id=refund_id if refund_id.isascii() and refund_id.isdigit() and len(refund_id) <= 32 else "",
        code=code,
        detail=detail,
        payload=redacted(node.value, _KEPT),
    )
