"""
Processes that are killed, processes that race, and the calls both try.

A killed writer is forked, opens the store itself and dies by SIGKILL before its k-th step. On SQLite a step is a
statement, seen through its trace callback, so that every row of an `executemany` and the COMMIT are statements too.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import shutil
import signal
import sqlite3
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import attrs
import pytest
from builders import PROGRAM_ID, Clock, day, order, refund, right_proof, section8_program
from ciphers import FixedCipher

from crossloyalty import (
    Engine,
    Identity,
    Loyalty,
    OpeningBalance,
    OpeningClaim,
    OpeningSpend,
    PhoneIndex,
    Program,
    Proof,
    ProofChecks,
    rules,
)
from crossloyalty.testing import dump

__all__ = [
    "CHECKS",
    "FIRST",
    "LATER",
    "OPERATIONS",
    "SECOND",
    "SOME_IN_CI",
    "Operation",
    "Watched",
    "at_once",
    "copied",
    "errors_in",
    "in_processes",
    "killed_before",
    "open_door",
    "program",
    "reopen_door",
]

LATER: Final = day(18)  # what is earned on it becomes spendable on the 20th
_PATIENCE_S: Final = 180.0
_fork = multiprocessing.get_context("fork")

PHONE, OTHER_PHONE = "13800138000", "13900139001"
_KEYS = {1: b"o" * 32, 2: b"n" * 32}
CIPHER = FixedCipher()
CHECKS = ProofChecks(phone_index=PhoneIndex(_KEYS), phone_cipher=CIPHER)
WHITE = 200_000
FIRST = order(1, buyer_id="b-1", lines=None, paid_fen=WHITE)
SECOND = order(2, platform="douyin", paid_fen=30_000)
THIRD = order(3, platform="jd", buyer_id="b-3")
FOURTH = order(4, platform="jd", buyer_id="b-3")
UNKNOWN = order(99)


def program(**changes: Any) -> Program:
    """Give the program of the design's section 8, with coupons per order too."""
    base = section8_program()
    rewards = (*base.rewards, rules.Coupon("THANKS"), rules.PerStep(10_000, 5))
    actions = [rules.Action("share", "share", rules.PointsFixed(5), per_day=2)]
    outside = [rules.ExternalBook("growth")]
    binding = rules.Binding(on_claim="by_host")
    settings = {"rewards": rewards, "actions": actions, "external_books": outside, "binding": binding}
    return attrs.evolve(base, **{**settings, **changes})


def open_door(storage: Any, at: Any = LATER) -> Loyalty:
    """Open the harness's program in a storage, on a clock that stands still; published when it is not there."""
    return Loyalty(program(), storage, clock=Clock(at), checks=CHECKS)


def reopen_door(storage: Any, at: Any = LATER) -> Loyalty:
    """Open the same program as it stands in a storage, whatever its revision."""
    return Engine(storage, clock=Clock(at), checks=CHECKS).program(PROGRAM_ID)


class Operation(NamedTuple):
    """
    One public write.

    Args:
        prepare: What happens before it.
        call: The write itself; its answer pickles.
        at: The moment of the call.
    """

    prepare: Callable[[Loyalty], object]
    call: Callable[[Loyalty], Any]
    at: Any = LATER


def _nothing(_: Loyalty) -> None:
    pass


def _claimed(door: Loyalty) -> None:
    door.ingest([FIRST, SECOND])
    for each in (FIRST, SECOND):
        assert door.claim("m1", platform=each.platform, order_no=each.order_no, proof=right_proof(each)).created


def _with_points(door: Loyalty) -> None:
    _claimed(door)
    door.adjust("m1", asset="points", amount=500, key="seed")


def _claim(each: Any) -> Callable[[Loyalty], Any]:
    return lambda door: door.claim("m1", platform=each.platform, order_no=each.order_no, proof=right_proof(each))


def _two_members(door: Loyalty) -> None:
    """Both have a claim; one has an identity and debt too."""
    door.bind("m2", platform="jd", buyer_id="b-3")
    door.ingest([SECOND, THIRD])
    _claim(SECOND)(door)
    door.import_opening([OpeningBalance(member_id="m2", asset="points", amount=-20)], name="before")


def _merged(door: Loyalty) -> None:
    _two_members(door)
    door.merge("m1", "m2", key="seed merge")


def _with_a_phone(door: Loyalty) -> None:
    before = PhoneIndex(_KEYS, current=1)
    door.bind("m1", platform="phone", buyer_id=before.phone(PROGRAM_ID, PHONE))
    door.merge("m1", "m2", key="seed merge", survivor="m2", version=1)
    door.ingest([order(5, receiver_phone_index=before.phone(PROGRAM_ID, PHONE))])


def _with_a_kept_phone(door: Loyalty) -> None:
    _with_a_phone(door)
    door.bind_phone("m2", PHONE)


def _bought_before(door: Loyalty) -> None:
    door.ingest([THIRD, FOURTH])
    _claim(THIRD)(door)  # the first is m1's; bind converts the other


def _waiting(door: Loyalty) -> None:
    _claimed(door)
    _claim(UNKNOWN)(door)


def _asked_back(door: Loyalty) -> None:
    _claimed(door)
    door.ingest([refund(FIRST, 50_000)])


def _answer_short(door: Loyalty) -> object:
    """The refund's claw-back of growth value is the 13th entry; 500 are asked back and 1 is taken."""
    return door.answer_delivery("brand-a/m1/13", amount=1)


def _acknowledge(door: Loyalty) -> int:
    return door.ack(f"{number}@m1" for number in ("1", "1+1", "1+2"))


def _held(door: Loyalty) -> None:
    door.ingest([FIRST, SECOND])
    assert door.claim("m2", platform="taobao", order_no=FIRST.order_no).state == "HELD_REVIEW"


_TAKEN_BY_M1: Final = {"platform": "taobao", "order_no": FIRST.order_no}
_STAFF: Final = {"operator": "ann", "key": "k"}


def _decide(what: str) -> Callable[[Loyalty], Any]:
    # The name of a review holds its key only, so a repeat names the same one.
    name = "WyJjbGFpbSIsImJyYW5kLWEiLCJ0YW9iYW8iLCIzODE2MDAwMDAwMDAwMDAwMDAxIiwibTIiXQ=="
    return lambda door: getattr(door, what)(name, reason="seen", **_STAFF)


OPERATIONS: Final[dict[str, Operation]] = {
    "ingest of a bound buyer's order": Operation(
        lambda door: door.bind("m1", platform="jd", buyer_id="b-3"), lambda door: door.ingest([THIRD])
    ),
    "ingest that a ticket waits for": Operation(_waiting, lambda door: door.ingest([UNKNOWN])),
    "ingest of a refund": Operation(_claimed, lambda door: door.ingest([refund(FIRST, 50_000)])),
    "ingest in two batches": Operation(
        _claimed, lambda door: door.ingest([refund(FIRST, 50_000), refund(SECOND, 30_000), FOURTH], batch=2)
    ),
    "claim that converts": Operation(lambda door: door.ingest([FIRST]), _claim(FIRST)),
    "claim that leaves a ticket": Operation(_nothing, _claim(UNKNOWN)),
    "bind with backfill": Operation(
        _bought_before, lambda door: door.bind("m2", platform="jd", buyer_id="b-3", evidence="asked")
    ),
    "unbind": Operation(
        lambda door: (door.bind("m1", platform="jd", buyer_id="b-3"), door.ingest([THIRD])),
        lambda door: door.unbind("m1", platform="jd", buyer_id="b-3", reason="asked"),
    ),
    "claim that binds its buyer": Operation(
        lambda door: door.ingest([FIRST]),
        lambda door: door.claim("m1", platform="taobao", order_no=FIRST.order_no, proof=Proof.by_host("chat")),
    ),
    "approve": Operation(_held, _decide("approve")),
    "refuse": Operation(_held, _decide("refuse")),
    "dispute that moves a claim": Operation(
        _with_points, lambda door: door.dispute("m2", evidence="chat", **_TAKEN_BY_M1, **_STAFF)
    ),
    "run_due that activates": Operation(_waiting, lambda door: door.run_due(), day(21, month=12)),
    "run_due that expires": Operation(_with_points, lambda door: door.run_due(), day(20, month=1, year=2028)),
    "adjust up": Operation(_claimed, lambda door: door.adjust("m1", asset="points", amount=7, key="k", note="gift")),
    "adjust down": Operation(_with_points, lambda door: door.adjust("m1", asset="points", amount=-80, key="k")),
    "enrol": Operation(_claimed, lambda door: door.enrol("m1")),
    "enrol with what is known": Operation(
        _claimed,
        lambda door: door.enrol("m1", identities=[Identity("unionid", "o6"), Identity("jd", "b-3")], sides=["youzan"]),
    ),
    "record_action": Operation(_claimed, lambda door: door.record_action("m1", action="share", key="k")),
    "answer_delivery that falls short": Operation(_asked_back, _answer_short),
    "set_tier": Operation(_claimed, lambda door: door.set_tier("m1", tier="黄金", key="k", note="invited")),
    "import_opening in two batches": Operation(
        _claimed,
        lambda door: door.import_opening(
            [
                OpeningClaim(member_id="m1", platform="jd", order_no="290000000077"),
                OpeningBalance(member_id="m1", asset="points", amount=5),
                OpeningSpend(member_id="m7", day="2026-10-01", spend_fen=70_000),
            ],
            name="old",
            batch=2,
        ),
    ),
    "merge": Operation(_two_members, lambda door: door.merge("m2", "m1", key="k")),
    "erase_person": Operation(_merged, lambda door: door.erase_person("m2")),
    "reindex_phones": Operation(_with_a_phone, lambda door: door.reindex_phones([PHONE])),
    "bind_phone": Operation(_with_a_phone, lambda door: door.bind_phone("m2", OTHER_PHONE, evidence="SMS")),
    "bind_phone that is bound": Operation(_with_a_phone, lambda door: door.bind_phone("m2", PHONE)),
    "reindex_phones out of the cipher": Operation(_with_a_kept_phone, lambda door: door.reindex_phones(encrypt=True)),
    "reindex_phones that retires": Operation(_with_a_phone, lambda door: door.reindex_phones([PHONE], retire=True)),
    "unmerge": Operation(_merged, lambda door: door.unmerge("m2", key="k")),
    "refund of an order that was merged in": Operation(_merged, lambda door: door.ingest([refund(THIRD, 4_000)])),
    "block": Operation(_claimed, lambda door: door.block("m1", reason="fraud", key="k", until=day(30))),
    "unblock": Operation(
        lambda door: door.block("m1", reason="fraud", key="j"), lambda door: door.unblock("m1", key="k")
    ),
    "block_buyer": Operation(
        _nothing, lambda door: door.block_buyer(platform="jd", buyer_id="b-3", reason="fraud", key="k")
    ),
    "unblock_buyer": Operation(
        lambda door: door.block_buyer(platform="jd", buyer_id="b-3", reason="fraud", key="j"),
        lambda door: door.unblock_buyer(platform="jd", buyer_id="b-3", key="k"),
    ),
    "ack": Operation(_claimed, _acknowledge),
    "publish": Operation(_nothing, lambda door: door.publish(program(ticket_days=3), expected_revision=1)),
}
# What is tried with every write takes long, so most of them are for a release; these five are one of each kind.
_IN_CI: Final = {
    "claim that converts",
    "dispute that moves a claim",
    "ingest in two batches",
    "ingest of a refund",
    "merge",
}
assert set(OPERATIONS) >= _IN_CI
SOME_IN_CI: Final = [pytest.param(each, marks=[] if each in _IN_CI else [pytest.mark.release]) for each in OPERATIONS]


# -- killing ---------------------------------------------------------------------------------------------------------


def traced(seen: Callable[[str], None]) -> Callable[..., sqlite3.Connection]:
    """Give a `sqlite3.connect` whose connections call *seen* with each statement before it runs."""
    connect = sqlite3.connect

    def opened(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        handle = connect(*args, **kwargs)
        handle.set_trace_callback(seen)
        return handle

    return opened


def in_sqlite(step: Callable[[], None]) -> None:
    """Have *step* called before each statement on an SQLite connection opened from now on in this process."""
    sqlite3.connect = traced(lambda _: step())


def killed_before(
    k: int,
    call: Callable[[Any], object],
    opened: Callable[[], Any],
    hooked: Callable[[Callable[[], None]], None] = in_sqlite,
) -> bool:
    """
    Run a call in a forked process that dies by SIGKILL before its k-th step, or before it can answer.

    Args:
        k: From 1; one more than there are steps kills between the last one and the answer.
        call: Takes what *opened* gave.
        opened: Opens what the call needs; its own steps do not count.
        hooked: Has what it is given called at each step, in this process alone, which ends here.

    Returns:
        Whether the call was answered; False when the process was killed.
    """
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        _die_before(k, call, opened, hooked, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as answers:
        answered = answers.read()
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert (code, answered) in ((0, b"done"), (-signal.SIGKILL, b"")), (code, answered)
    return code == 0


def _die_before(k: int, call: Any, opened: Any, hooked: Any, answers: int) -> None:
    left, armed = k, False

    def step() -> None:
        nonlocal left
        left -= armed
        if armed and left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    try:
        hooked(step)
        door = opened()
        armed = True
        call(door)
        step()
        os.write(answers, b"done")
        os._exit(0)
    except BaseException:  # noqa: BLE001 - whatever it was, the parent sees the exit code
        traceback.print_exc()
        os._exit(70)


def copied(template: Path, to: Path) -> Path:
    """Put a fresh copy of a closed store at a place, and remove what was left there."""
    for leftover in to.parent.glob(f"{to.name}*"):
        leftover.unlink()
    shutil.copyfile(template, to)
    return to


class Watched:
    """
    Passes everything on to a storage, and takes a dump behind every transaction that changed something.

    Args:
        storage: Where the transactions run.
    """

    def __init__(self, storage: Any) -> None:
        self.storage = storage
        self.states = [dump(storage)]

    @contextmanager
    def transaction(self, *, readonly: bool = False) -> Iterator[Any]:
        """See `Storage.transaction`."""
        with self.storage.transaction(readonly=readonly) as tx:
            yield tx
        if (now := dump(self.storage)) != self.states[-1]:
            self.states.append(now)


# -- racing ----------------------------------------------------------------------------------------------------------


def at_once(processes: Sequence[Callable[[], Any]], *, threads: int = 1) -> list[Any]:
    """
    Run each call in a process of its own, in several threads each, all starting together.

    Args:
        processes: Calls that give a function of the thread's number; what that returns or raises has to pickle.
        threads: In each process.

    Returns:
        What every thread returned or raised, process by process.
    """
    gate = _fork.Barrier(len(processes) * threads)
    runners = []
    for make in processes:
        reader, writer = _fork.Pipe(duplex=False)
        process = _fork.Process(target=partial(_race, make, threads, gate, writer), daemon=True)
        process.start()
        writer.close()
        runners.append((process, reader))
    answers: list[Any] = []
    for process, reader in runners:
        assert reader.poll(_PATIENCE_S), "a process did not answer"
        answers += pickle.loads(reader.recv_bytes())
        process.join(_PATIENCE_S)
    return answers


def _race(make: Callable[[], Any], threads: int, gate: Any, writer: Any) -> None:
    results: list[Any] = [AssertionError("the thread did not end")] * threads
    call = make()

    def run(number: int) -> None:
        try:
            gate.wait(_PATIENCE_S)
            results[number] = call(number)
        except BaseException as error:  # noqa: BLE001 - handed to the parent as a value
            results[number] = error

    running = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(_PATIENCE_S)
    writer.send_bytes(pickle.dumps(results))


def in_processes(
    place: Any, call: Callable[[Loyalty, int, int], Any], *, processes: int, threads: int = 1
) -> list[Any]:
    """Run call(door, process, thread) in several processes of several threads each, every process with its own door."""

    def in_process(process: int) -> Callable[[int], Any]:
        door = reopen_door(place.open())
        return lambda thread: call(door, process, thread)

    makers = [lambda process=process: in_process(process) for process in range(processes)]
    return at_once(makers, threads=threads)


def errors_in(answers: Iterable[Any]) -> list[BaseException]:
    """List the answers that are errors."""
    return [answer for answer in answers if isinstance(answer, BaseException)]
