"""One source for both worlds: what `drive` and the lifted ports promise, and that both doors answer alike."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import inspect
import threading
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from builders import Clock, assert_sound, day, order, points_program, refund, right_proof, section8_program

from crossloyalty import AsyncEngine, AsyncLoyalty, ClaimRequest, Engine, Loyalty, OpeningBalance, Proof
from crossloyalty._bridge import LiftedStorage, drive, lift_sleep
from crossloyalty.application.ports import Ahead, Change, Found, Insert, Scan, Storage, Transaction
from crossloyalty.domain.records import Key, MemberRecord, RootKey, SpendDayRecord, key_of
from crossloyalty.errors import ConfigError, Conflict, InvalidInput, ProgramDiffers, StorageBusy
from crossloyalty.storage.memory import MemoryStorage
from crossloyalty.storage.sqlite import SqliteStorage
from crossloyalty.testing import dump

PATIENCE_S = 60.0
FIRST, SECOND = order(1, buyer_id="b-1"), order(2, platform="jd")
DAY = SpendDayRecord("p", "m", "2026-11-01", 1)


class Slow:
    """A storage an asynchronous host might write: a memory, with a real pause before each of its calls."""

    def __init__(self, inner: MemoryStorage | None = None) -> None:
        self.inner = MemoryStorage() if inner is None else inner
        self.turn: asyncio.Lock | None = None
        self.begun = 0

    @asynccontextmanager
    async def transaction(self, *, readonly: bool = False) -> AsyncIterator[SlowTransaction]:
        """See `AsyncStorage.transaction`; a memory knows one transaction a thread, so they take turns."""
        if self.turn is None:
            self.turn = asyncio.Lock()
        async with self.turn:
            await asyncio.sleep(0)
            self.begun += 1
            with self.inner.transaction(readonly=readonly) as tx:
                yield SlowTransaction(tx)


class SlowTransaction:
    """See `Slow`."""

    def __init__(self, plain: Transaction) -> None:
        self.plain = plain

    async def lock(self, roots: Collection[RootKey], *, ahead: Ahead | None = None) -> Mapping[RootKey, int]:
        """See `AsyncTransaction.lock`."""
        await asyncio.sleep(0)
        return self.plain.lock(roots)

    async def read(self, keys: Collection[Key] = (), scans: Sequence[Scan] = ()) -> Found:
        """See `AsyncTransaction.read`."""
        await asyncio.sleep(0)
        return self.plain.read(keys, scans)

    async def write(self, changes: Sequence[Change], *, roots: Mapping[RootKey, int], final: bool = False) -> None:
        """See `AsyncTransaction.write`."""
        await asyncio.sleep(0)
        self.plain.write(changes, roots=roots)


@pytest.fixture(params=["slow async", "plain sqlite", "plain memory"])
def any_storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Any, Storage]]:
    """Give a storage for the async door, and the plain storage behind it."""
    if request.param == "plain sqlite":
        with SqliteStorage(tmp_path / "async.db") as storage:
            yield storage, storage
        return
    inner = MemoryStorage()
    yield (Slow(inner) if request.param == "slow async" else inner), inner


# -- drive -----------------------------------------------------------------------------------------------------------


def test_drive_gives_what_the_coroutine_returns() -> None:
    """A coroutine over plain ports runs to its end, through the coroutines it awaits."""

    async def inner(number: int) -> int:
        return number + 1

    async def outer() -> int:
        return await inner(await inner(1))

    assert drive(outer()) == 3


def test_drive_raises_what_the_coroutine_raises() -> None:
    """What a coroutine raises comes out as it is, with the place it was raised at."""

    async def failing() -> None:
        raise KeyError("inside")

    with pytest.raises(KeyError, match="inside") as caught:
        drive(failing())
    assert caught.traceback[-1].name == "failing"


def test_drive_passes_an_interrupt_on() -> None:
    """A KeyboardInterrupt inside is the caller's, not an error of ours."""

    async def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        drive(interrupted())


def test_drive_refuses_a_real_pause_and_closes_the_coroutine() -> None:
    """A coroutine that really waits is closed, so that its clean-up runs, and the error says what to use instead."""
    ended = []

    async def waiting() -> None:
        try:
            await asyncio.sleep(0)
            ended.append("went on")
        finally:
            ended.append("closed")

    coroutine = waiting()
    with pytest.raises(ConfigError, match="AsyncLoyalty"):
        drive(coroutine)
    assert ended == ["closed"]
    assert inspect.getcoroutinestate(coroutine) == inspect.CORO_CLOSED


def test_drive_stays_in_the_callers_thread_and_context() -> None:
    """There is no event loop: thread-locals and context variables of the caller are seen, and changes to them stay."""
    local, variable = threading.local(), contextvars.ContextVar("variable", default="")
    local.value, _ = "the caller's", variable.set("the caller's")
    seen = []

    async def looking() -> None:
        seen.append((threading.get_ident(), local.value, variable.get()))
        variable.set("changed")
        with pytest.raises(RuntimeError):
            asyncio.get_running_loop()

    drive(looking())
    assert seen == [(threading.get_ident(), "the caller's", "the caller's")]
    assert variable.get() == "changed"


def test_a_door_calls_everything_in_the_callers_thread() -> None:
    """Storage, clock, callback and iterable of a synchronous door are all called in the calling thread."""
    threads = set()

    class Watched:
        inner = MemoryStorage()

        def transaction(self, *, readonly: bool = False) -> Any:
            threads.add(threading.get_ident())
            return self.inner.transaction(readonly=readonly)

    def clock() -> Any:
        threads.add(threading.get_ident())
        return day(20)

    def items() -> Iterator[Any]:
        threads.add(threading.get_ident())
        yield FIRST

    door = Loyalty(points_program(), Watched(), clock=clock)
    door.ingest(items(), progress=lambda _: threads.add(threading.get_ident()))
    assert threads == {threading.get_ident()}


def test_a_synchronous_door_works_inside_a_running_loop() -> None:
    """`drive` needs no loop and minds none, so a synchronous door may be called from a coroutine."""

    async def main() -> int:
        return Loyalty(points_program(), MemoryStorage(), clock=Clock()).ingest([FIRST]).orders_new

    assert asyncio.run(main()) == 1


# -- lifted ports ----------------------------------------------------------------------------------------------------


def test_a_lifted_storage_passes_everything_through() -> None:
    """A plain storage, spelled async, locks, reads and writes as it does plainly."""
    plain = MemoryStorage()
    root = Key(MemberRecord, ("p", "m"))

    async def work() -> tuple[Any, Any, Any]:
        async with LiftedStorage(plain).transaction() as tx:
            versions = await tx.lock([root])
            await tx.write([Insert(DAY)], roots=versions)
        async with LiftedStorage(plain).transaction(readonly=True) as tx:
            found = await tx.read([key_of(DAY)], [Scan(SpendDayRecord, ("p",))])
        return versions, found.records, found.rows

    assert drive(work()) == ({root: 0}, {key_of(DAY): DAY}, [[DAY]])


def test_a_lifted_storage_keeps_the_promises_of_leaving() -> None:
    """Leaving a lifted transaction by an error undoes it and passes the error on; readonly stays readonly."""
    plain = MemoryStorage()

    async def failing() -> None:
        async with LiftedStorage(plain).transaction() as tx:
            await tx.write([Insert(DAY)], roots=await tx.lock([]))
            raise KeyError

    async def writing() -> None:
        async with LiftedStorage(plain).transaction(readonly=True) as tx:
            await tx.lock([])

    with pytest.raises(KeyError):
        drive(failing())
    with pytest.raises(ConfigError):
        drive(writing())
    assert dump(plain)["spend_days"] == []


def test_a_lifted_transaction_may_swallow_what_the_plain_one_swallows() -> None:
    """The answer of a plain transaction's exit reaches the `async with`."""

    class Forgiving:
        @contextmanager
        def transaction(self, *, readonly: bool = False) -> Iterator[Any]:
            with suppress(KeyError):
                yield None

    async def failing() -> str:
        async with LiftedStorage(Forgiving()).transaction():
            raise KeyError
        return "went on"

    assert drive(failing()) == "went on"


def test_a_lifted_pause_pauses() -> None:
    """A plain pause, spelled async, is called with the seconds it was given."""
    pauses: list[float] = []
    drive(lift_sleep(pauses.append)(0.5))
    assert pauses == [0.5]


# -- which door for which storage ------------------------------------------------------------------------------------


def test_a_synchronous_door_refuses_an_asynchronous_storage() -> None:
    """An async storage at a sync door is refused when the door is built, naming the right class."""
    storage: Any = Slow()
    with pytest.raises(ConfigError, match="AsyncLoyalty"):
        Loyalty(points_program(), storage)
    with pytest.raises(ConfigError, match="AsyncEngine"):
        Engine(storage)
    assert storage.begun == 0


@pytest.mark.parametrize("make", [lambda bad: AsyncLoyalty(points_program(), bad), AsyncEngine])
def test_an_asynchronous_door_refuses_what_is_no_storage(make: Callable[[Any], object]) -> None:
    """Something without transactions, or with transactions nobody can enter, is no storage."""

    class Odd:
        def transaction(self, *, readonly: bool = False) -> int:
            return 7

    for bad in (None, 7, "loyalty.db", Odd(), MemoryStorage):
        with pytest.raises(ConfigError):
            make(bad)


# -- both doors answer alike -----------------------------------------------------------------------------------------


def _calls(door: Any) -> Iterator[Any]:
    """Make the same calls of either door, and give their answers or coroutines one by one."""
    proof = right_proof(FIRST)
    yield door.ingest([FIRST, SECOND, "nothing"], batch=2)
    yield door.claim("m1", platform="taobao", order_no=FIRST.order_no, proof=proof, touch="card")
    yield door.claim("m2", platform="taobao", order_no=FIRST.order_no, proof=Proof.none())
    yield door.claim_many(
        [ClaimRequest(member_id="m2", platform="jd", order_no=SECOND.order_no, proof=right_proof(SECOND))]
    )
    yield door.quote("m3", order(3))
    yield door.bind("m1", platform="taobao", buyer_id="b-1", evidence="asked")
    yield door.ingest([refund(FIRST, 5_000)])
    yield door.run_due(batch=10)
    yield door.adjust("m1", asset="points", amount=5, key="k1", note="sorry")
    yield door.enrol("m9")
    yield door.import_opening([OpeningBalance(member_id="m8", asset="points", amount=5)], name="old", batch=2)
    yield door.set_tier("m1", tier="白银", key="k6", note="sorry")
    yield door.block("m2", reason="fraud", key="k2")
    yield door.unblock("m2", key="k3")
    yield door.block_buyer(platform="jd", buyer_id="b-9", reason="fraud", key="k4")
    yield door.unblock_buyer(platform="jd", buyer_id="b-9", key="k5")
    yield door.member("m1")
    yield door.orders("m1", limit=1)
    yield door.claims("m1")
    yield door.tickets("m2")
    yield door.entries("m1", limit=2)
    yield door.pending_events(limit=3)
    yield door.ack(["1@m1", "2@m1"])
    yield door.publish(section8_program(ticket_days=9), expected_revision=1)
    yield door.explain(platform="taobao", order_no=FIRST.order_no)
    yield door.recalculate(dry_run=True)
    yield door.verify()


def test_both_doors_answer_alike_and_leave_equal_stores(any_storage: tuple[Any, Storage]) -> None:
    """The same calls of either door have equal answers, and leave stores that are equal in every row."""
    storage, behind = any_storage
    plain = MemoryStorage()
    expected = list(_calls(Loyalty(section8_program(), plain, clock=Clock())))

    async def main() -> list[Any]:
        door = AsyncLoyalty(section8_program(), storage, clock=Clock())
        return [await call for call in _calls(door)]

    assert asyncio.run(main()) == expected
    assert dump(behind) == dump(plain)


def test_both_doors_refuse_alike(any_storage: tuple[Any, Storage]) -> None:
    """An error of our tree comes out of the async door as the same error, and the door goes on."""
    storage, _ = any_storage

    async def main() -> None:
        door = AsyncLoyalty(section8_program(), storage, clock=Clock())
        with pytest.raises(InvalidInput):
            await door.claim("", platform="taobao", order_no=FIRST.order_no)
        with pytest.raises(InvalidInput):
            await door.claim_many([None])  # type: ignore[list-item]  # the mistake itself
        with pytest.raises(InvalidInput):
            await door.block("m1", reason="", key="k")
        with pytest.raises(ProgramDiffers):
            await door.publish(section8_program(ticket_days=9), expected_revision=7)
        assert (await door.member("m1")).points == 0

    asyncio.run(main())


def test_an_async_engine_goes_over_all_programs(any_storage: tuple[Any, Storage]) -> None:
    """An async engine publishes, opens, works and verifies as the plain one does."""
    storage, _ = any_storage

    async def main() -> None:
        engine = AsyncEngine(storage, clock=Clock())
        for name in ("brand-b", "brand-a"):
            assert await engine.publish(points_program(program_id=name), expected_revision=0) == 1
        assert await engine.programs() == ["brand-a", "brand-b"]
        assert (await engine.program("brand-b").ingest([FIRST])).orders_new == 1
        assert list(await engine.run_due()) == ["brand-a", "brand-b"]
        assert [report.ok for report in (await engine.verify()).values()] == [True, True]

    asyncio.run(main())


# -- publishing at the first call ------------------------------------------------------------------------------------


def test_an_async_door_publishes_at_its_first_call(any_storage: tuple[Any, Storage]) -> None:
    """Building an async door touches nothing; its first call publishes, and later ones do not again."""
    storage, behind = any_storage

    async def main() -> None:
        door = AsyncLoyalty(points_program(), storage, clock=Clock())
        assert dump(behind)["programs"] == []
        await asyncio.gather(*(door.member(f"m{n}") for n in range(5)))
        await door.publish(points_program(ticket_days=9), expected_revision=1)
        await door.member("m1")
        assert [row.revision for row in dump(behind)["programs"]] == [1, 2]

    asyncio.run(main())


def test_an_async_door_with_other_rules_is_refused_at_every_call(any_storage: tuple[Any, Storage]) -> None:
    """Where the store holds other rules every call raises ProgramDiffers, and no coroutine is left unawaited."""
    storage, behind = any_storage
    Loyalty(points_program(), behind, clock=Clock())

    async def main() -> None:
        door = AsyncLoyalty(points_program(ticket_days=9), storage, clock=Clock())
        for call in (
            lambda: door.claim("m1", platform="taobao", order_no=FIRST.order_no),
            lambda: door.ingest([FIRST]),
            lambda: door.member("m1"),
        ):
            with pytest.raises(ProgramDiffers):
                await call()
            gc.collect()  # a coroutine that was never awaited would warn here, and warnings are errors
        assert dump(behind)["orders"] == []

    asyncio.run(main())


# -- tasks at once, and cancelled ------------------------------------------------------------------------------------


def test_tasks_of_one_loop_claim_once(any_storage: tuple[Any, Storage]) -> None:
    """Of many tasks that claim one order at once exactly one creates the claim, and all are answered."""
    storage, behind = any_storage

    async def main() -> list[Any]:
        door = AsyncLoyalty(section8_program(), storage, clock=Clock())
        await door.ingest([FIRST])
        proof = right_proof(FIRST)
        return await asyncio.gather(
            *(door.claim(f"m{n}", platform="taobao", order_no=FIRST.order_no, proof=proof) for n in range(20))
        )

    answers = asyncio.run(main())
    assert sum(answer.created for answer in answers) == 1
    assert len(dump(behind)["claims"]) == 1
    assert_sound(Engine(behind, clock=Clock()).program("brand-a"))


class Held:
    """
    A plain storage whose next writing transaction waits before its end until it is let go.

    Args:
        inner: Where the transactions run.
    """

    def __init__(self, inner: Storage) -> None:
        self.inner = inner
        self.hold = False
        self.error: BaseException | None = None
        self.inside, self.go = threading.Event(), threading.Event()

    @contextmanager
    def transaction(self, *, readonly: bool = False) -> Iterator[Transaction]:
        """See `Storage.transaction`."""
        with self.inner.transaction(readonly=readonly) as tx:
            yield tx
            if self.hold and not readonly:
                self.hold = False
                self.inside.set()
                assert self.go.wait(PATIENCE_S)
                if self.error is not None:
                    raise self.error


@pytest.mark.parametrize("fails", [False, True], ids=["commits", "fails"])
def test_a_cancelled_call_waits_for_its_transaction(fails: bool, tmp_path: Path) -> None:
    """Cancelled while its transaction runs in the thread, a call leaves when that has ended, whole or not at all."""
    with SqliteStorage(tmp_path / "async.db") as inner:
        storage = Held(inner)
        complaints: list[Any] = []

        async def main() -> None:
            asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
            door = AsyncLoyalty(points_program(), storage, clock=Clock())
            await door.member("m1")
            storage.hold, storage.error = True, ValueError("inside") if fails else None
            task = asyncio.create_task(door.adjust("m1", asset="points", amount=5, key="k"))
            await asyncio.to_thread(storage.inside.wait, PATIENCE_S)
            task.cancel()
            for _ in range(10):
                await asyncio.sleep(0)
            assert not task.done(), "left while its transaction was open"
            assert dump(inner)["entries"] == []
            storage.go.set()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert len(dump(inner)["entries"]) == (0 if fails else 1)
            del task
            gc.collect()
            assert (await door.adjust("m1", asset="points", amount=5, key="k")).balance == 5

        asyncio.run(main())
        assert complaints == []
        assert [entry.amount for entry in dump(inner)["entries"]] == [5]


def test_a_call_cancelled_twice_still_waits_for_its_transaction(tmp_path: Path) -> None:
    """An impatient host that cancels again does not get its task back before the transaction has ended."""
    with SqliteStorage(tmp_path / "async.db") as inner:
        storage = Held(inner)

        async def main() -> None:
            door = AsyncLoyalty(points_program(), storage, clock=Clock())
            await door.member("m1")
            storage.hold = True
            task = asyncio.create_task(door.adjust("m1", asset="points", amount=5, key="k"))
            await asyncio.to_thread(storage.inside.wait, PATIENCE_S)
            for _ in range(3):
                task.cancel()
                for _ in range(5):
                    await asyncio.sleep(0)
                assert not task.done(), "left while its transaction was open"
            storage.go.set()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert len(dump(inner)["entries"]) == 1

        asyncio.run(main())


def test_a_cancelled_call_over_an_async_storage_leaves_nothing() -> None:
    """Cancelled at any of its pauses a call over an async storage is undone, and the next one works."""

    async def main() -> int:
        for pauses in range(200):
            storage = Slow()
            door = AsyncLoyalty(points_program(), storage, clock=Clock())
            await door.ingest([FIRST])
            before = dump(storage.inner)
            task = asyncio.create_task(
                door.claim("m1", platform="taobao", order_no=FIRST.order_no, proof=right_proof(FIRST))
            )
            for _ in range(pauses):
                await asyncio.sleep(0)
            if not task.cancel():
                assert (await task).created
                return pauses
            with pytest.raises(asyncio.CancelledError):
                await task
            assert dump(storage.inner) == before
            answer = await door.claim("m1", platform="taobao", order_no=FIRST.order_no, proof=right_proof(FIRST))
            assert answer.created
        raise AssertionError("the claim never ended")

    assert asyncio.run(main()) > 3


def test_other_tasks_go_on_while_a_transaction_waits(tmp_path: Path) -> None:
    """A use case over a plain storage waits in its own thread and not in the loop."""
    with SqliteStorage(tmp_path / "async.db") as inner:
        storage = Held(inner)

        async def main() -> int:
            door = AsyncLoyalty(points_program(), storage, clock=Clock())
            await door.member("m1")
            storage.hold = True
            task = asyncio.create_task(door.adjust("m1", asset="points", amount=5, key="k"))
            turns = 0
            while not storage.inside.is_set():
                await asyncio.sleep(0)
                turns += 1
            storage.go.set()
            assert (await task).applied
            return turns

        assert asyncio.run(main()) > 0


def test_a_lost_race_pauses_with_the_hosts_own_pause() -> None:
    """Over an async storage a contended call awaits the pause it was given between its tries."""
    inner = MemoryStorage()
    Loyalty(points_program(), inner, clock=Clock())
    pauses: list[float] = []

    class Losing(Slow):
        losses = 2

        @asynccontextmanager
        async def transaction(self, *, readonly: bool = False) -> AsyncIterator[SlowTransaction]:
            async with super().transaction(readonly=readonly) as tx:
                yield tx
                if not readonly and self.losses:
                    self.losses -= 1
                    raise Conflict("somebody else was first")

    async def pause(seconds: float) -> None:
        await asyncio.sleep(0)
        pauses.append(seconds)

    async def main() -> None:
        storage = Losing(inner)
        engine = AsyncEngine(storage, clock=Clock(), sleep=pause, random=lambda: 1.0)
        assert (await engine.program("brand-a").adjust("m1", asset="points", amount=5, key="k")).balance == 5
        storage.losses = 1_000
        with pytest.raises(StorageBusy):
            await engine.program("brand-a").adjust("m1", asset="points", amount=5, key="k2")

    asyncio.run(main())
    assert pauses[0] > 0
    assert max(pauses) <= 0.5
    assert [entry.amount for entry in dump(inner)["entries"]] == [5]


async def _tenant_seen_by_the_clock(tmp_path: Path) -> list[str]:
    tenant: contextvars.ContextVar[str] = contextvars.ContextVar("tenant", default="nobody")
    seen: list[str] = []

    def clock() -> Any:
        seen.append(tenant.get())
        return day(20)

    door = AsyncLoyalty(points_program(), SqliteStorage(tmp_path / "loyalty.db"), clock=clock)
    tenant.set("brand-a")
    await door.member("m1")
    return seen


def test_the_hosts_context_goes_along_into_the_thread(tmp_path: Path) -> None:
    """What a host keeps in context variables is there while its use case runs in the storage's thread."""
    assert set(asyncio.run(_tenant_seen_by_the_clock(tmp_path))) == {"brand-a"}
