"""Douyin shop (抖店): orders and after-sale cases pulled from a shop, messages it pushes to the host's address."""

from crossloyalty.adapters.douyin.settings import DouyinSettings
from crossloyalty.adapters.douyin.signing import explain_signature

__all__ = ["DouyinSettings", "explain_signature"]
