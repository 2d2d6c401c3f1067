"""Pinduoduo (拼多多) as a source of orders and refunds."""

from crossloyalty.adapters.pinduoduo.client import AsyncPinduoduoSource, PinduoduoSource
from crossloyalty.adapters.pinduoduo.settings import PinduoduoSettings
from crossloyalty.adapters.pinduoduo.signing import explain_signature

__all__ = ["AsyncPinduoduoSource", "PinduoduoSettings", "PinduoduoSource", "explain_signature"]
