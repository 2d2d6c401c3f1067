"""
The kit hosts test with: the storage contract, a dump to compare stores by, and the checks of `verify`.

pytest is needed only to collect `StorageContract`; the `check_…` functions are plain calls.
"""

from __future__ import annotations

from crossloyalty.testing.contract import CHECKS, JOINED_CHECKS, REOPENING_CHECKS, Capabilities, StorageContract
from crossloyalty.testing.dump import dump
from crossloyalty.testing.invariants import check_invariants
from crossloyalty.testing.joined_checks import Host

__all__ = [
    "CHECKS",
    "JOINED_CHECKS",
    "REOPENING_CHECKS",
    "Capabilities",
    "Host",
    "StorageContract",
    "check_invariants",
    "dump",
]
