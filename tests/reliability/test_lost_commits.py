"""
A COMMIT whose answer is lost: whether the server had it or not, there is one effect and the caller sees success.

Every public write runs through a proxy that cuts its link at each of its COMMITs in turn, on either side; what it
answers and what is stored then has to be what an undisturbed run on a memory answers and stores.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import pytest
from builders import assert_sound, right_proof
from crowd import soon
from doors import DOORS
from harness import FIRST, OPERATIONS, Operation, open_door, reopen_door
from places import SERVER_KINDS, Place
from proxy import FaultyProxy, faulty_proxy
from stores import Run, installed, run_sql, session

from crossloyalty.storage.memory import MemoryStorage
from crossloyalty.testing import dump

PATIENCE_S: Final = 60

_MORE_COMMITS_THAN_ANY_CALL_HAS: Final = 10


def undisturbed(operation: Operation) -> tuple[Any, Any]:
    """Give what the call answers on a memory, and what is stored then."""
    storage = MemoryStorage()
    operation.prepare(open_door(storage))
    return operation.call(reopen_door(storage, operation.at)), dump(storage)


@pytest.mark.parametrize("door", DOORS)
def test_a_lost_commit_has_one_effect_and_success(server_place: Place, door: str) -> None:
    """Cut before or after any COMMIT of any public write, the call answers and leaves what it would have anyway."""
    cuts = 0
    with (
        faulty_proxy(server_place.server) as proxy,
        server_place.open() as direct,
        server_place.emptying() as empty,
    ):
        behind = Place(proxy.server)
        for name, operation in OPERATIONS.items():
            expected, stored = undisturbed(operation)
            for when in ("before", "after"):
                for nth in range(1, _MORE_COMMITS_THAN_ANY_CALL_HAS):
                    empty()
                    operation.prepare(open_door(direct))
                    with DOORS[door](behind, operation.at) as opened:
                        answer = _cut(proxy, when, nth, operation, opened)
                    assert dump(direct) == stored, f"{name}: cut {when} COMMIT {nth} leaves something else"
                    assert answer == expected, f"{name}: cut {when} COMMIT {nth}"
                    if not proxy.fired.is_set():
                        break
                    cuts += 1
    assert cuts >= 50 / len(DOORS)


def _cut(proxy: FaultyProxy, when: Any, nth: int, operation: Operation, door: Any) -> Any:
    proxy.at_commit("cut", when, nth=nth)
    try:
        return operation.call(door)
    finally:
        proxy.disarm()


# -- a server that is still busy with the COMMIT when its client is gone ---------------------------------------------

# A deferred trigger runs inside COMMIT.
_SLOW_COMMITS: Final = (
    "CREATE FUNCTION wait_for_the_test() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN PERFORM pg_advisory_lock_shared(1); PERFORM pg_advisory_unlock_shared(1); RETURN NULL; END $$",
    *(
        f"CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON crossloyalty_{table} DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION wait_for_the_test()"
        for table in ("orders", "claims")
    ),
)
_UNDER_WAY: Final[dict[str, tuple[Callable[[Any], object], Callable[[Any], Any]]]] = {
    "claim": (
        lambda door: door.ingest([FIRST]),
        lambda door: door.claim("m1", platform="taobao", order_no=FIRST.order_no, proof=right_proof(FIRST)),
    ),
    # Nothing of it is there before, so nothing can be locked.
    "first ingest": (lambda door: None, lambda door: door.ingest([FIRST])),
}


# Nothing here may end because a machine was slow.
_PATIENT: Final[dict[str, dict[str, int]]] = {
    "postgresql": {"lock_timeout_ms": 30_000},
    "mysql": {"lock_timeout_s": 30},
}


def busy_sessions(kind: str, run: Run) -> int:
    """Count the sessions, other than our own, that are in the middle of a statement."""
    if kind == "mysql":
        return sum(row[4] == "Query" and "PROCESSLIST" not in str(row[7]) for row in run("SHOW FULL PROCESSLIST"))
    waiting = "datname = current_database() AND wait_event_type = 'Lock'"
    return len(run(f"SELECT pid FROM pg_stat_activity WHERE {waiting}"))


@pytest.mark.parametrize("kind", SERVER_KINDS)
@pytest.mark.parametrize("name", _UNDER_WAY)
def test_a_commit_under_way_is_waited_for(
    request: pytest.FixtureRequest, start_private_server: Any, kind: str, name: str
) -> None:
    """When the link is cut while the server works on the COMMIT, the caller hears of success as soon as it is done."""
    prepare, call = _UNDER_WAY[name]
    if kind == "postgresql":
        database = installed(request.getfixturevalue("postgresql_database"))
        stop, go = "SELECT pg_advisory_lock(1)", "SELECT pg_advisory_unlock(1)"
    else:  # on a server of its own, because nobody can write while it is stopped
        database = installed(start_private_server("mysql").new_database())
        stop, go = "FLUSH TABLES WITH READ LOCK", "UNLOCK TABLES"
    with (
        faulty_proxy(database) as proxy,
        Place(proxy.server).open(**_PATIENT[kind]) as storage,
        session(database) as run,
    ):
        door = open_door(storage)
        prepare(door)
        if kind == "postgresql":
            run_sql(database, _SLOW_COMMITS)
        with ThreadPoolExecutor(1) as pool:
            proxy.at_commit("freeze", "before")
            answer = pool.submit(call, door)
            assert proxy.fired.wait(PATIENCE_S)
            run(stop)
            proxy.thaw()
            soon(lambda: busy_sessions(kind, run) == 1)
            proxy.cut()
            soon(lambda: busy_sessions(kind, run) == 2)
            run(go)
            got = answer.result(PATIENCE_S)
        assert got == undisturbed(Operation(prepare, call))[0]
        assert_sound(door)
