"""The Youzan source keeps every promise of the adapter contract, against its double."""

from __future__ import annotations

from crossloyalty.testing import AdapterContract
from crossloyalty.testing.doubles.youzan import YouzanKit


class TestYouzan(YouzanKit, AdapterContract):
    """Pages by number whose rows move, orders stated whole, a call for each case, signed messages."""
