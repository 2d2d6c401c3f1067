"""
The kit hosts test with: the storage and the adapter contract, a dump to compare stores by, and the checks of `verify`.

pytest is needed only to collect `StorageContract`; the `check_…` functions are plain calls.
"""

from __future__ import annotations

from crossloyalty.testing.adapter_contract import ADAPTER_CHECKS, AdapterContract
from crossloyalty.testing.adapter_kit import QUICK, AdapterKit, KitClock
from crossloyalty.testing.contract import CHECKS, JOINED_CHECKS, REOPENING_CHECKS, Capabilities, StorageContract
from crossloyalty.testing.dump import dump
from crossloyalty.testing.invariants import check_invariants
from crossloyalty.testing.joined_checks import Host

__all__ = [
    "ADAPTER_CHECKS",
    "CHECKS",
    "JOINED_CHECKS",
    "QUICK",
    "REOPENING_CHECKS",
    "AdapterContract",
    "AdapterKit",
    "Capabilities",
    "Host",
    "KitClock",
    "StorageContract",
    "check_invariants",
    "dump",
]
