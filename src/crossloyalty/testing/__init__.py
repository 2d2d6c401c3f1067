"""
The kit hosts test with: the storage contract, a dump to compare stores by, and the checks of `verify`.

pytest is needed only to collect `StorageContract`; the `check_…` functions are plain calls.
"""

from __future__ import annotations

from crossloyalty.testing.contract import CHECKS, REOPENING_CHECKS, Capabilities, StorageContract
from crossloyalty.testing.dump import dump
from crossloyalty.testing.invariants import check_invariants

__all__ = ["CHECKS", "REOPENING_CHECKS", "Capabilities", "StorageContract", "check_invariants", "dump"]
