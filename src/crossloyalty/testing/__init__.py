"""
The kit hosts test with: the storage contract, and a dump to compare stores by.

pytest is needed only to collect `StorageContract`; the `check_…` functions are plain calls.
"""

from __future__ import annotations

from crossloyalty.testing.contract import CHECKS, REOPENING_CHECKS, Capabilities, StorageContract
from crossloyalty.testing.dump import dump

__all__ = ["CHECKS", "REOPENING_CHECKS", "Capabilities", "StorageContract", "dump"]
