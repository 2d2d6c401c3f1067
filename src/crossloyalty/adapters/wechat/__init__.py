"""Weixin shops (微信小店, 视频号小店): orders by list and detail, after-sale cases, encrypted messages."""

from crossloyalty.adapters.wechat.client import AsyncWechatSource, WechatSource
from crossloyalty.adapters.wechat.settings import WechatSettings
from crossloyalty.adapters.wechat.signing import explain_signature

__all__ = ["AsyncWechatSource", "WechatSettings", "WechatSource", "explain_signature"]
