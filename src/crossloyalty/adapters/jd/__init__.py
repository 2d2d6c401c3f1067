"""JD (京东): orders and refunds of one shop through the open platform, by routerjson or the SP-API."""

from crossloyalty.adapters.jd.client import AsyncJdSource, JdSource
from crossloyalty.adapters.jd.rows import read_order_row
from crossloyalty.adapters.jd.settings import ORDER_STATES, JdSettings
from crossloyalty.adapters.jd.signing import explain_signature

__all__ = ["ORDER_STATES", "AsyncJdSource", "JdSettings", "JdSource", "explain_signature", "read_order_row"]
