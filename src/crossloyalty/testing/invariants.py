"""The checkers of a whole store, for a host's nightly job."""

from __future__ import annotations

from crossloyalty.application.ports import Storage
from crossloyalty.domain.invariants import Violation
from crossloyalty.loyalty import Engine

__all__ = ["check_invariants"]


def check_invariants(storage: Storage) -> dict[str, list[Violation]]:
    """
    Check what always holds in every program of a store; reads only, in pages.

    Args:
        storage: The store.

    Returns:
        What should be impossible, by program id; programs without a finding are absent, so an empty dict is good.
    """
    reports = Engine(storage).verify()
    return {program_id: report.violations for program_id, report in reports.items() if not report.ok}
