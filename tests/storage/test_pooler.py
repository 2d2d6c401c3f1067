"""Behind PgBouncer in transaction mode: claims by many callers over three sessions that everybody shares."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from builders import Clock, assert_sound, claim_of, day, order, section8_program
from servers import Server
from stores import installed

from crossloyalty import GroupCommit, Loyalty
from crossloyalty.errors import ConfigError
from crossloyalty.storage.postgresql import PostgresqlStorage

CALLERS = 12


@pytest.fixture
def pooled(postgresql_database: Server, pooled_database: Server) -> Server:
    """Give a store by way of the pooler; the schema is installed without it."""
    installed(postgresql_database)
    return pooled_database


@pytest.mark.parametrize("group_commit", [None, GroupCommit()], ids=["singly", "grouped"])
def test_claims_of_many_callers_pass_a_pooler(pooled: Server, group_commit: GroupCommit | None) -> None:
    """Twelve threads claim sixty orders without prepared statements; all are there and the store is sound."""
    with PostgresqlStorage(pooled.conninfo, prepare_statements=False) as storage:
        door = Loyalty(section8_program(), storage, clock=Clock(day(20)), group_commit=group_commit)
        bought = [order(n, paid_fen=30_000) for n in range(60)]
        door.ingest(bought)
        with ThreadPoolExecutor(CALLERS) as pool:
            results = list(pool.map(lambda n: claim_of(door, f"m{n % 7}", bought[n]), range(60)))
        assert sum(result.created for result in results) == 60
        assert_sound(door)


def test_prepared_statements_behind_a_pooler_are_told_of(pooled: Server) -> None:
    """Who leaves them on hears which setting to change, at the latest when two connections meet."""

    def meet() -> None:
        with PostgresqlStorage(pooled.conninfo) as storage, PostgresqlStorage(pooled.conninfo) as other:
            for each in (storage, other):
                door = Loyalty(section8_program(), each, clock=Clock(day(20)))
                door.ingest([order(n) for n in range(4)])

    with pytest.raises(ConfigError, match="prepare_statements=False"):
        meet()
