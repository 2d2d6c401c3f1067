"""Douyin shop (抖店) as a source of orders and refunds."""

from crossloyalty.adapters.douyin.client import AsyncDouyinSource, DouyinSource
from crossloyalty.adapters.douyin.settings import DouyinSettings
from crossloyalty.adapters.douyin.signing import explain_signature

__all__ = ["AsyncDouyinSource", "DouyinSettings", "DouyinSource", "explain_signature"]
