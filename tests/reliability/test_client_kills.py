"""
Kill −9 of processes that talk to a server: all or nothing, and repeated it ends as if untouched.

They die at every round trip of every public write: before it is sent, and sent but not yet answered.
"""

from __future__ import annotations

import os
import random
import signal
import traceback
from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Any, Final

import pytest
from builders import PROGRAM_ID, assert_sound, order, right_proof
from harness import OPERATIONS, Operation, Watched, killed_before, open_door, reopen_door
from places import Place

from crossloyalty import Loyalty, Reason
from crossloyalty.storage._sql.mysql_link import MysqlLink
from crossloyalty.storage._sql.postgresql_link import PostgresqlLink
from crossloyalty.storage.memory import MemoryStorage
from crossloyalty.testing import dump

_MORE_THAN_ANY_CALL_HAS: Final = 200
# One of each way to read and write.
IN_CI: Final = (
    "ingest of a bound buyer's order",
    "ingest in two batches",
    "claim that converts",
    "bind with backfill",
    "adjust up",
    "publish",
)
WRITERS: Final = 3
KILLS: Final = 8
MANY_KILLS: Final = 200


def before_sending(step: Callable[[], None]) -> None:
    """Have *step* called before each round trip."""
    for link in (PostgresqlLink, MysqlLink):

        async def send(self: Any, calls: Any, plain: Any = link.send) -> Any:
            step()
            return await plain(self, calls)

        link.send = send  # type: ignore[assignment,method-assign]


def before_reading(step: Callable[[], None]) -> None:
    """Have *step* called when a round trip is sent, before anything of its answer is read."""
    import pymysql

    collect, execute = PostgresqlLink._collect, pymysql.connections.Connection._execute_command

    async def collected(self: Any, *args: Any) -> Any:
        while self._pg.flush():
            pass
        step()
        return await collect(self, *args)

    def executed(self: Any, *args: Any) -> None:
        execute(self, *args)
        step()

    PostgresqlLink._collect = collected  # type: ignore[method-assign]
    pymysql.connections.Connection._execute_command = executed


def states_of(operation: Operation) -> tuple[list[Any], Any, Any]:
    """Give what a memory holds before, between and after the transactions of a write, and its two answers."""
    storage = MemoryStorage()
    operation.prepare(open_door(storage))
    watched = Watched(storage)
    door = reopen_door(watched, operation.at)
    first, repeated = operation.call(door), operation.call(door)
    return watched.states, first, repeated


@pytest.mark.parametrize(
    "names", [IN_CI, pytest.param(tuple(OPERATIONS), marks=pytest.mark.release)], ids=["some", "all"]
)
@pytest.mark.parametrize("hooked", [before_sending, before_reading])
def test_a_killed_write_is_all_or_nothing_and_can_be_repeated(
    server_place: Place, hooked: Any, names: tuple[str, ...]
) -> None:
    """A write killed at any of its round trips leaves nothing half, and repeated it ends as one that was let be."""
    with server_place.open() as storage, server_place.emptying() as empty:
        for name in names:
            operation = OPERATIONS[name]
            states, first, repeated = states_of(operation)

            def opened(at: Any = operation.at) -> Loyalty:
                door = reopen_door(server_place.open(), at)
                door.revision()  # its own steps do not count
                return door

            reached = set()
            for k in range(1, _MORE_THAN_ANY_CALL_HAS):
                empty()
                operation.prepare(open_door(storage))
                answered = killed_before(k, operation.call, opened, hooked)
                stored = dump(storage)
                assert stored in states, f"{name}: killed at {k}: half of it is stored"
                reached.add(states.index(stored))
                if answered:
                    assert stored == states[-1], f"{name}: acknowledged, and not there"
                    break
                # The server may be busy yet with what the killed one had sent: the repeat waits for that.
                answer = operation.call(reopen_door(storage, operation.at))
                assert stored != states[-1] or answer == repeated, f"{name}: killed at {k}"
                assert answer in (first, repeated) or len(states) > 2, f"{name}: killed at {k}"
                assert dump(storage) == states[-1], f"{name}: killed at {k}: the repeat ends elsewhere"
            else:
                pytest.fail("the operation never ended")
            assert reached == set(range(len(states))) > {0}, f"{name}: no kill fell between two of its transactions"
        assert_sound(reopen_door(storage))


def _claim_on(place: Place, writer: int, start: int, acknowledged: int) -> None:
    """Ingest and claim order after order, telling a pipe of each that is answered."""
    try:
        door = reopen_door(place.open())
        for n in count(start):
            each = order(n)
            door.ingest([each])
            result = door.claim(f"m{writer % 2}", platform="taobao", order_no=each.order_no, proof=right_proof(each))
            # What the one before had claimed and could not tell any more is this one's to tell.
            assert result.created or (n == start and result.reason is Reason.ALREADY_CLAIMED_BY_YOU), result
            os.write(acknowledged, f"{n}\n".encode())
    except BaseException:  # noqa: BLE001 - whatever it was, the parent sees the exit code
        traceback.print_exc()
    os._exit(70)


def _killed_writers(place: Place, starts: list[int], answers: int) -> list[list[int]]:
    """Let writers work, kill all when the first one has told of so many answers, and give what each has told."""
    pipes, pids = [], []
    for writer, start in enumerate(starts):
        reader, acknowledged = os.pipe()
        pid = os.fork()
        if pid == 0:
            _claim_on(place, writer, start, acknowledged)
        os.close(acknowledged)
        pipes.append(os.fdopen(reader))
        pids.append(pid)
    told = [[int(pipes[0].readline()) for _ in range(answers)]] + [[] for _ in pipes[1:]]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
    for pipe, numbers in zip(pipes, told, strict=True):
        with pipe:
            numbers.extend(map(int, pipe.read().split()))
    return told


@pytest.mark.parametrize("kills", [KILLS, pytest.param(MANY_KILLS, marks=pytest.mark.release)])
def test_writers_killed_at_random_lose_nothing_acknowledged(server_place: Place, kills: int) -> None:
    """Of processes killed at random moments all that was acknowledged is there, once, and nothing is half."""
    chance = random.Random(kills)
    starts = [1_000_000 * (writer + 1) for writer in range(WRITERS)]
    told: list[int] = []
    with server_place.open() as storage:
        open_door(storage)
        for _ in range(kills):
            for writer, numbers in enumerate(_killed_writers(server_place, starts, chance.randrange(1, 6))):
                told += numbers
                starts[writer] = max(numbers, default=starts[writer] - 1) + 1
        claimed = Counter(claim.order_no for claim in dump(storage, PROGRAM_ID)["claims"])
        assert len(told) >= kills
        # Beyond those at most the last one of each, which was killed before it could tell.
        unheard = claimed - Counter(order(n).order_no for n in told)
        assert unheard <= Counter(order(n).order_no for n in starts)
        assert claimed - unheard == Counter(order(n).order_no for n in told)
        assert_sound(reopen_door(storage))
