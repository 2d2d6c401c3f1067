"""Xiaohongshu (小红书) as a source of orders and refunds."""

from crossloyalty.adapters.xiaohongshu.client import AsyncXiaohongshuSource, XiaohongshuSource
from crossloyalty.adapters.xiaohongshu.settings import XiaohongshuSettings
from crossloyalty.adapters.xiaohongshu.signing import explain_signature

__all__ = ["AsyncXiaohongshuSource", "XiaohongshuSettings", "XiaohongshuSource", "explain_signature"]
