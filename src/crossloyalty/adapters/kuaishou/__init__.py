"""Kuaishou shop (快手小店) as a source of orders and refunds."""

from crossloyalty.adapters.kuaishou.client import AsyncKuaishouSource, KuaishouSource
from crossloyalty.adapters.kuaishou.settings import KuaishouSettings
from crossloyalty.adapters.kuaishou.signing import explain_signature

__all__ = ["AsyncKuaishouSource", "KuaishouSettings", "KuaishouSource", "explain_signature"]
