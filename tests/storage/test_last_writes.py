"""The last write of a transaction on a server: with its COMMIT in one round trip only when no row can be missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from places import Place
from stores import run_sql

from crossloyalty.application.ports import Delete, Insert, Replace, Scan
from crossloyalty.domain.records import AccountRecord, Key, MemberRecord, key_of
from crossloyalty.errors import Conflict, StorageCorrupt
from crossloyalty.storage._sql.mysql_link import MysqlLink
from crossloyalty.storage._sql.postgresql_link import PostgresqlLink

ROOT = Key(MemberRecord, ("p", "m"))
OLD = AccountRecord("p", "m", "points", "balance", "own", 5, 1)
NEW = OLD._replace(balance=9, seq=2)


@pytest.fixture
def storage(server_place: Place) -> Iterator[Any]:
    """Give an open storage that holds one account."""
    with server_place.open() as opened:
        with opened.transaction() as tx:
            tx.write([Insert(OLD)], roots=tx.lock([ROOT]), final=True)
        yield opened


def stored(storage: Any) -> Any:
    """Give the account as it is stored, None where there is none."""
    with storage.transaction(readonly=True) as tx:
        return tx.read([key_of(OLD)]).records.get(key_of(OLD))


def change(storage: Any, change: Any, between: Callable[[], None] = lambda: None) -> None:
    """Read the account under its root's lock, then change something as the last write."""
    with storage.transaction() as tx:
        versions = tx.lock([ROOT])
        tx.read([key_of(OLD)])
        between()
        tx.write([change], roots=versions, final=True)


def trips_of(tx: Any) -> int:
    """Count what the transaction's link has sent."""
    link = tx._tx._ground._link
    assert isinstance(link, PostgresqlLink | MysqlLink)
    return link.round_trips


@pytest.mark.parametrize("change", [Replace(NEW), Delete(key_of(OLD))], ids=["replaced", "deleted"])
@pytest.mark.parametrize("read", [True, False], ids=["read", "unread"])
def test_commit_goes_with_changes_of_rows_that_were_read(storage: Any, change: Any, read: bool) -> None:
    """What was read under the lock cannot be missing and is changed in COMMIT's round trip; all else in one more."""
    with storage.transaction() as tx:
        versions = tx.lock([ROOT])
        if read:
            tx.read([key_of(OLD)])
        tx.write([change], roots=versions, final=True)
        link, before = tx._tx._ground._link, trips_of(tx)
    assert link.round_trips - before == (1 if read else 2)
    assert stored(storage) == (NEW if isinstance(change, Replace) else None)


def test_a_change_of_a_row_that_is_missing_commits_nothing(storage: Any) -> None:
    """A last write that changes an unread row which is not there is a conflict, and its other changes are undone."""
    with pytest.raises(Conflict):
        change(storage, Replace(NEW, NEW._replace(asset="growth")))
    assert stored(storage) == OLD


def test_a_row_read_before_the_lock_is_not_taken_for_held(storage: Any) -> None:
    """What was read before the root was locked may be gone by then, so its change is looked at before COMMIT."""
    with storage.transaction() as tx:
        tx.read([key_of(OLD)])
        tx.write([Replace(NEW)], roots=tx.lock([ROOT]), final=True)
        link, before = tx._tx._ground._link, trips_of(tx)
    assert link.round_trips - before == 2
    assert stored(storage) == NEW


def test_a_row_removed_by_hand_behind_its_lock_is_told(storage: Any, server_place: Place) -> None:
    """Somebody who deletes a row without its root's lock is not taken for a conflict that another try would cure."""

    def by_hand() -> None:
        run_sql(server_place.server, ["DELETE FROM crossloyalty_accounts"])

    with pytest.raises(StorageCorrupt):
        change(storage, Replace(NEW), by_hand)


@pytest.mark.parametrize("many", [2, 9, 60])
def test_many_rows_that_were_read_are_set_at_once(storage: Any, many: int) -> None:
    """Few or many known rows, read under their root's lock, get their new values, and none is added."""
    rows = [OLD._replace(asset=f"coupon:{n:02}") for n in range(many)]
    with storage.transaction() as tx:
        tx.write([Insert(*rows)], roots=tx.lock([ROOT]), final=True)
    new = [row._replace(balance=n, seq=7) for n, row in enumerate(rows)]
    with storage.transaction() as tx:
        versions = tx.lock([ROOT])
        tx.read(scans=[Scan(AccountRecord, ("p", "m"))])
        tx.write([Replace(*new)], roots=versions, final=True)
    with storage.transaction(readonly=True) as tx:
        assert tx.read(scans=[Scan(AccountRecord, ("p", "m"))]).rows[0] == [*new, OLD]
