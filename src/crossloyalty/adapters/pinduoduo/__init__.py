"""Pinduoduo (拼多多): orders and after-sale cases pulled from a shop, messages read from its channel."""

from crossloyalty.adapters.pinduoduo.settings import PinduoduoSettings
from crossloyalty.adapters.pinduoduo.signing import explain_signature

__all__ = ["PinduoduoSettings", "explain_signature"]
