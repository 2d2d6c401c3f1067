"""A server's error in the middle of a claim: run again where that can help, told at once where not, never half done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
from builders import PROGRAM_ID, Clock, assert_sound, order, right_proof
from harness import LATER, open_door, reopen_door
from places import SERVER_KINDS, Place
from servers import fresh_database
from stores import Run, installed, session

from crossloyalty import AsyncEngine, Engine
from crossloyalty.errors import (
    ConfigError,
    CrossloyaltyError,
    InvalidInput,
    StorageBusy,
    StorageCorrupt,
    StorageFull,
)
from crossloyalty.testing import dump

MOST_RUNS: Final = 13  # one, and 12 more
ALWAYS: Final = 99
# What the server says, for how many runs, what the caller hears, how many runs there are.
Case = tuple[str, int, type[CrossloyaltyError] | None, int]
CASES: Final[dict[str, list[Case]]] = {
    "postgresql": [
        ("ZZ999", ALWAYS, ConfigError, 1),
        ("P0001", ALWAYS, ConfigError, 1),
        ("42501", ALWAYS, ConfigError, 1),
        ("22003", ALWAYS, InvalidInput, 1),
        ("23514", ALWAYS, StorageCorrupt, 1),
        ("XX001", ALWAYS, StorageCorrupt, 1),
        ("53100", ALWAYS, StorageFull, 1),
        ("57014", ALWAYS, StorageBusy, 1),
        ("53200", ALWAYS, StorageBusy, 1),
        ("40001", 2, None, 3),
        ("40P01", 1, None, 2),
        ("55P03", 1, None, 2),
        ("57P01", 1, None, 2),
        ("40001", ALWAYS, StorageBusy, MOST_RUNS),
    ],
    "mysql": [
        ("9999", ALWAYS, ConfigError, 1),
        ("1644", ALWAYS, ConfigError, 1),
        ("1142", ALWAYS, ConfigError, 1),
        ("1264", ALWAYS, InvalidInput, 1),
        ("4025", ALWAYS, StorageCorrupt, 1),
        ("1034", ALWAYS, StorageCorrupt, 1),
        ("1021", ALWAYS, StorageFull, 1),
        ("1317", ALWAYS, StorageBusy, 1),
        ("1037", ALWAYS, StorageBusy, 1),
        ("1020", 2, None, 3),
        ("1213", 1, None, 2),
        ("1205", 1, None, 2),
        ("1053", 1, None, 2),
        ("1213", ALWAYS, StorageBusy, MOST_RUNS),
    ],
}
BOUGHT: Final = {
    (door, at): order(100 * place + at, paid_fen=20_000 + at)
    for place, door in enumerate(("plain", "awaited"))
    for at in range(max(map(len, CASES.values())))
}
# Each insert of a claim counts itself where no rollback reaches, which are sequences and automatic numbers, and fails
# while it is told to. A table without transactions would do too, but not where GTIDs have to be consistent.
PLANTED: Final[dict[str, list[str]]] = {
    "postgresql": [
        "CREATE TABLE host_plan (code text, runs bigint)",
        "INSERT INTO host_plan VALUES ('', 0)",
        "CREATE SEQUENCE host_runs",
        "CREATE FUNCTION host_fails() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE plan host_plan; BEGIN"
        " SELECT * INTO plan FROM host_plan; IF nextval('host_runs') <= plan.runs THEN"
        " RAISE EXCEPTION 'planted' USING ERRCODE = plan.code; END IF; RETURN NEW; END $$",
        "CREATE TRIGGER host_trigger BEFORE INSERT ON crossloyalty_claims FOR EACH ROW EXECUTE FUNCTION host_fails()",
    ],
    "mysql": [
        "CREATE TABLE host_plan (code int, runs bigint)",
        "INSERT INTO host_plan VALUES (0, 0)",
        "CREATE TABLE host_runs (id bigint AUTO_INCREMENT PRIMARY KEY)",
        "CREATE TRIGGER host_trigger BEFORE INSERT ON crossloyalty_claims FOR EACH ROW BEGIN"
        " DECLARE said int; DECLARE most, done bigint;"
        " INSERT INTO host_runs () VALUES (); SET done = LAST_INSERT_ID();"
        " SELECT code, runs INTO said, most FROM host_plan;"
        " IF done <= most THEN SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = said, MESSAGE_TEXT = 'planted'; END IF; END",
    ],
}


@pytest.fixture(scope="module", params=SERVER_KINDS)
def failing(request: pytest.FixtureRequest) -> Iterator[Place]:
    """Give a store with finished orders whose claims fail as planned."""
    with fresh_database(request.getfixturevalue(f"{request.param}_server")) as database:
        place = Place(installed(database))
        with place.open() as storage:
            open_door(storage).ingest(BOUGHT.values())
        with session(database) as run:
            for sql in PLANTED[database.kind]:
                run(sql)
        yield place


def plan(run: Run, kind: str, code: str, runs: int) -> None:
    """Have the next claims fail, and count from 0 again."""
    run(f"UPDATE host_plan SET code = '{code}', runs = {runs}")
    run("ALTER SEQUENCE host_runs RESTART" if kind == "postgresql" else "TRUNCATE host_runs")


def runs_so_far(run: Run, kind: str) -> int:
    """Tell the runs since the plan; asked once."""
    if kind == "postgresql":
        return int(run("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM host_runs")[0][0])
    run("INSERT INTO host_runs () VALUES ()")
    return int(run("SELECT LAST_INSERT_ID()")[0][0]) - 1


@contextmanager
def plain(place: Place) -> Iterator[Callable[..., Any]]:
    """Give what claims in this thread; nobody waits between runs."""
    with place.open(pool_size=1) as storage:
        engine = Engine(storage, clock=Clock(LATER), sleep=lambda _: None)
        yield engine.program(PROGRAM_ID).claim


@contextmanager
def awaited(place: Place) -> Iterator[Callable[..., Any]]:
    """Give what claims in an event loop."""

    async def at_once(_: float) -> None:
        await asyncio.sleep(0)

    with asyncio.Runner() as runner:
        storage = place.open_async(pool_size=1)
        door = AsyncEngine(storage, clock=Clock(LATER), sleep=at_once).program(PROGRAM_ID)

        async def claim(*args: Any, **named: Any) -> Any:
            return await door.claim(*args, **named)

        try:
            yield lambda *args, **named: runner.run(claim(*args, **named))
        finally:
            runner.run(storage.__aexit__())


def is_claimed(place: Place, order_no: str) -> bool:
    with place.open() as storage:
        return order_no in repr(dump(storage)["claims"])


@pytest.mark.parametrize("door", [plain, awaited])
def test_only_what_may_pass_is_run_again(failing: Place, door: Any) -> None:
    """An error nobody knows, or that will not pass, is told after one run; races, locks and links are run again."""
    kind = failing.server.kind
    with door(failing) as claim, session(failing.server) as run:
        for at, (code, runs, expected, count) in enumerate(CASES[kind]):
            bought = BOUGHT[door.__name__, at]
            asked = {"platform": "taobao", "order_no": bought.order_no, "proof": right_proof(bought)}
            plan(run, kind, code, runs)
            if expected is None:
                assert claim("m1", **asked).created, code
            else:
                with pytest.raises(CrossloyaltyError) as caught:
                    claim("m1", **asked)
                assert type(caught.value) is expected, code
                assert not is_claimed(failing, bought.order_no), code
            assert runs_so_far(run, kind) == count, code
            plan(run, kind, code, 0)
            assert claim("m1", **asked).created is (expected is not None), code
    with failing.open() as storage:
        assert_sound(reopen_door(storage))
