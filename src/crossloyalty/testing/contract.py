"""
The storage contract as a pytest class: subclass it in a few lines and every promise of the port is tried.

    class TestMine(StorageContract):
        capabilities = Capabilities(multi_process=False)

        def make_storage(self, tmp_path: Path) -> MyStorage:
            return MyStorage(tmp_path / "loyalty")

A promise which the capabilities do not claim is not collected. The checks are plain functions and run without pytest.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Final

import attrs

from crossloyalty.application.ports import Storage
from crossloyalty.testing import joined_checks as joined
from crossloyalty.testing import race_checks as races
from crossloyalty.testing import scan_checks as scans
from crossloyalty.testing import transaction_checks as transactions
from crossloyalty.testing import value_checks as values
from crossloyalty.testing.joined_checks import Host

__all__ = ["CHECKS", "JOINED_CHECKS", "REOPENING_CHECKS", "Capabilities", "StorageContract"]


@attrs.frozen
class Capabilities:
    """
    What a storage claims to be able to; every claim is tried.

    Args:
        concurrent_writers: Threads may write at the same time (whether they wait for each other or not).
        snapshot_readers: A readonly transaction goes on while others write, and keeps what it saw first.
        survives_reopen: A second object made over the same store sees what the first one committed.
        multi_process: Several processes may use one store, also through an object that was made before a fork.
        joins_host_transaction: It can work inside a transaction that the host has open; needs `open_host`.
    """

    concurrent_writers: bool = True
    snapshot_readers: bool = True
    survives_reopen: bool = True
    multi_process: bool = True
    joins_host_transaction: bool = False


# Each check with the capability it needs.
CHECKS: Final[dict[Callable[[Storage], None], str | None]] = {
    transactions.check_commit_shows_everything: None,
    transactions.check_exception_leaves_nothing: None,
    transactions.check_interrupt_leaves_it_usable: None,
    transactions.check_failed_write_cannot_commit: None,
    transactions.check_unique_key_decides: None,
    transactions.check_missing_rows_conflict: None,
    transactions.check_replace_and_delete: None,
    transactions.check_moved_version_conflicts: None,
    transactions.check_add_keeps_its_bound: None,
    transactions.check_additions_add_up: None,
    transactions.check_lock_creates_roots_once: None,
    transactions.check_roots_are_bumped_once: None,
    transactions.check_lock_order: None,
    transactions.check_readonly_refuses_writes: None,
    transactions.check_misuse_is_refused: None,
    transactions.check_programs_are_apart: None,
    scans.check_prefixes: None,
    scans.check_ranges_are_inclusive: None,
    scans.check_absent_values_are_not_listed: None,
    scans.check_rows_of_nobody_are_not_listed: None,
    scans.check_descending_and_limit: None,
    scans.check_scans_see_own_writes: None,
    scans.check_pages_lose_and_double_nothing: None,
    scans.check_bad_scans_are_refused: None,
    values.check_texts_are_exact: None,
    values.check_keys_compare_by_bytes: None,
    values.check_integers_are_exact: None,
    values.check_bad_values_are_refused: None,
    values.check_many_keys_at_once: None,
    races.check_one_insert_wins: "concurrent_writers",
    races.check_added_up_by_threads: "concurrent_writers",
    races.check_versions_lose_no_update: "concurrent_writers",
    races.check_readers_keep_their_snapshot: "snapshot_readers",
}

# These open the same store more than once.
REOPENING_CHECKS: Final[dict[Callable[[Callable[[], Storage]], None], str]] = {
    races.check_survives_reopening: "survives_reopen",
    races.check_processes_race: "multi_process",
}

# These need hosts with connections of their own.
JOINED_CHECKS: Final[dict[Callable[[Callable[[], Host]], None], str]] = dict.fromkeys(
    (
        joined.check_both_are_committed_together,
        joined.check_hosts_rollback_undoes_both,
        joined.check_exception_leaves_the_hosts_work,
        joined.check_conflict_leaves_the_hosts_work,
        joined.check_limit_leaves_the_hosts_work,
        joined.check_two_joined_transactions_see_each_other,
        joined.check_readers_see_what_is_not_committed,
        joined.check_one_joined_transaction_at_a_time,
        joined.check_lost_transaction_stays_lost,
    ),
    "joins_host_transaction",
)


class StorageContract:
    """
    Collects one test for each promise; override `make_storage` and, where needed, `capabilities` and `open_host`.
    """

    capabilities: ClassVar[Capabilities] = Capabilities()

    def make_storage(self, tmp_path: Path) -> Storage:
        """
        Open the store of this test; called again with the same directory it opens the same store.

        Args:
            tmp_path: A directory of this test alone.
        """
        raise NotImplementedError

    def open_host(self, tmp_path: Path) -> Host:
        """
        Open one more connection of a host's to the store of this test, which has the schema and the host's own table.

        Args:
            tmp_path: A directory of this test alone.
        """
        raise NotImplementedError

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for check, needed in CHECKS.items():
            _collect(cls, check, needed, lambda self, tmp_path: self.make_storage(tmp_path))
        for opening, needed in REOPENING_CHECKS.items():
            _collect(cls, opening, needed, lambda self, tmp_path: lambda: self.make_storage(tmp_path))
        for joining, needed in JOINED_CHECKS.items():
            _collect(cls, joining, needed, lambda self, tmp_path: lambda: self.open_host(tmp_path))


def _collect(cls: type[StorageContract], check: Callable[[Any], None], needed: str | None, given: Any) -> None:
    name = check.__name__.replace("check_", "test_", 1)

    def test(self: StorageContract, tmp_path: Path) -> None:
        check(given(self, tmp_path))

    test.__name__, test.__doc__ = name, check.__doc__
    claimed = needed is None or getattr(cls.capabilities, needed)
    setattr(cls, name, test if claimed else None)  # pytest does not collect None
