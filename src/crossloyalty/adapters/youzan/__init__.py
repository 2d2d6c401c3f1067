"""Youzan (有赞) as a source of orders: lists and details of orders and after-sale cases, signed messages."""

from crossloyalty.adapters.youzan.settings import YouzanSettings
from crossloyalty.adapters.youzan.signing import explain_signature

__all__ = ["YouzanSettings", "explain_signature"]
