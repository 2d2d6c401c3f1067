"""The store that serves test after test: each finds it as new, whatever the one before has left."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from builders import PROGRAM_ID
from harness import FIRST, open_door
from kept_stores import KeptStore, kept_store
from places import SERVER_KINDS, Place
from servers import Server
from stores import run_sql, session

from crossloyalty.domain.records import Key, MemberRecord, OrderRecord
from crossloyalty.errors import StorageUnavailable
from crossloyalty.testing import dump

ROOT = Key(OrderRecord, (PROGRAM_ID, "taobao", FIRST.order_no))
MEMBER = Key(MemberRecord, (PROGRAM_ID, "m1"))


@pytest.fixture(params=SERVER_KINDS)
def kept(request: pytest.FixtureRequest) -> Iterator[KeptStore]:
    """Give a kept store of this test's own."""
    server: Server = request.getfixturevalue(f"{request.param}_server")
    with kept_store(server) as made:
        yield made


def assert_new(database: Server) -> None:
    with Place(database).open() as storage:
        assert not any(dump(storage).values())


def test_rows_go_and_the_database_stays(kept: KeptStore) -> None:
    """What a test has stored is not there for the next one."""
    database = kept.empty()
    assert_new(database)
    with Place(database).open() as storage:
        open_door(storage).ingest([FIRST])
    assert kept.empty() == database
    assert_new(database)


def test_who_is_still_inside_is_ended(kept: KeptStore) -> None:
    """A transaction that was left open holds nobody up, and stores nothing afterwards."""
    database = kept.empty()
    with Place(database).open() as storage:
        left = storage.transaction()
        tx = left.__enter__()
        tx.lock([ROOT])
        assert kept.empty() == database
        with pytest.raises(StorageUnavailable):
            tx.read([MEMBER])
        with pytest.raises(StorageUnavailable):
            left.__exit__(None, None, None)
    assert_new(database)


CHANGES = {
    "column": "ALTER TABLE crossloyalty_orders ADD COLUMN more INT",
    "table": "CREATE TABLE of_a_host (id INT PRIMARY KEY)",
    "version": "UPDATE crossloyalty_schema_version SET checksum = 'another'",
}


@pytest.mark.parametrize("change", CHANGES)
def test_another_schema_is_a_reason_for_a_new_database(kept: KeptStore, change: str) -> None:
    """Where a test has changed the tables, the next one gets those of the schema, in another database."""
    database = kept.empty()
    run_sql(database, [CHANGES[change]])
    other = kept.empty()
    assert other.database != database.database
    assert_new(other)
    with session(other) as run:
        assert run("SELECT count(*) FROM crossloyalty_schema_version") == [(1,)]
    assert kept.empty() == other
