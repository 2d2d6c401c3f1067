"""Taobao and Tmall (淘宝、天猫): orders and refunds of one shop through the open platform (TOP)."""

from crossloyalty.adapters.taobao.client import AsyncTaobaoSource, TaobaoSource
from crossloyalty.adapters.taobao.rows import read_order_row, read_refund_row
from crossloyalty.adapters.taobao.settings import TRADE_TYPES, TaobaoSettings
from crossloyalty.adapters.taobao.signing import explain_signature

__all__ = [
    "TRADE_TYPES",
    "AsyncTaobaoSource",
    "TaobaoSettings",
    "TaobaoSource",
    "explain_signature",
    "read_order_row",
    "read_refund_row",
]
