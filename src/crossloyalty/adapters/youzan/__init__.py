"""Youzan (有赞) as a source of orders: lists and details of orders and after-sale cases, signed messages."""

from crossloyalty.adapters.youzan.client import AsyncYouzanSource, YouzanSource
from crossloyalty.adapters.youzan.settings import YouzanSettings
from crossloyalty.adapters.youzan.signing import explain_signature

__all__ = ["AsyncYouzanSource", "YouzanSettings", "YouzanSource", "explain_signature"]
