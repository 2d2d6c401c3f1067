"""The asynchronous doors run the same use cases: over a plain storage in its own thread, over an async one awaited."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from builders import Clock, day, order, points_program, refund, right_proof, section8_program

from crossloyalty import AsyncEngine, AsyncLoyalty, ClaimRequest, Loyalty, Reason
from crossloyalty._bridge import LiftedStorage
from crossloyalty.application.ports import AsyncStorage, Storage, Transaction
from crossloyalty.errors import ConfigError, IdempotencyConflict, ProgramDiffers

Door = Callable[[Storage], Storage | AsyncStorage]
DOORS = pytest.mark.parametrize("given", [lambda storage: storage, LiftedStorage], ids=["plain", "async"])


@DOORS
def test_the_golden_story_awaited(storage: Storage, clock: Clock, given: Door) -> None:
    """Ten orders, 2,000 points pending, 白银, issue, refund, verify: the same through the awaited door."""

    async def story() -> None:
        clock.set(day(6))
        loyalty = AsyncLoyalty(section8_program(), given(storage), clock=clock)
        orders = [order(n, "taobao" if n % 2 else "douyin", paid_fen=20_000) for n in range(10)]
        assert (await loyalty.ingest(orders)).orders_new == 10
        for each in orders:
            result = await loyalty.claim("m1", platform=each.platform, order_no=each.order_no, proof=right_proof(each))
            assert result.created
        assert result.tier == "白银"
        clock.set(day(20))
        assert (await loyalty.run_due()).issued == 10
        assert (await loyalty.member("m1")).points == 2000
        await loyalty.ingest([refund(orders[0], 20_000)])
        member = await loyalty.member("m1")
        assert (member.points, member.tier) == (1800, "普通")
        assert len((await loyalty.claims("m1", limit=3)).items) == 3
        assert len((await loyalty.entries("m1", limit=3)).items) == 3
        assert len((await loyalty.orders("m1")).items) == 10
        assert (await loyalty.tickets("m1")).items == ()
        events = await loyalty.pending_events(limit=5)
        assert await loyalty.ack(event.id for event in events) == 5
        explanation = await loyalty.explain(platform="douyin", order_no=orders[0].order_no)
        assert explanation.state == "REVERSED"
        assert (await loyalty.verify()).ok

    asyncio.run(story())


@DOORS
def test_binding_operating_and_publishing_awaited(storage: Storage, clock: Clock, given: Door) -> None:
    """Bind, quote, adjust, block and publish answer as the plain door's methods do."""

    async def story() -> None:
        loyalty = AsyncLoyalty(points_program(), given(storage), clock=clock)
        assert (await loyalty.bind("m1", platform="taobao", buyer_id="b1")).bound
        assert (await loyalty.ingest([order(1, buyer_id="b1")])).claims_created == 1
        assert (await loyalty.quote("m1", order(2))).points == 100
        assert (await loyalty.adjust("m1", asset="points", amount=-40, key="k")).balance == 60
        with pytest.raises(IdempotencyConflict):
            await loyalty.adjust("m1", asset="points", amount=-41, key="k")
        assert (await loyalty.block("m1", reason="fraud", key="b")).blocked
        await loyalty.ingest([order(2)])
        request = ClaimRequest(member_id="m1", platform="taobao", order_no=order(2).order_no)
        [result] = await loyalty.claim_many([request])
        assert result.reason is Reason.MEMBER_BLOCKED
        assert not (await loyalty.unblock("m1", key="u")).blocked
        assert (await loyalty.block_buyer(platform="taobao", buyer_id="b9", reason="x", key="bb")).blocked
        assert not (await loyalty.unblock_buyer(platform="taobao", buyer_id="b9", key="ub")).blocked
        assert await loyalty.publish(points_program(ticket_days=5), expected_revision=1) == 2

    asyncio.run(story())


@DOORS
def test_many_callers_at_once_create_one_claim(storage: Storage, clock: Clock, given: Door) -> None:
    """Twenty tasks that claim one order: one creates it, all others are answered."""

    async def story() -> list[Reason | None]:
        loyalty = AsyncLoyalty(points_program(), given(storage), clock=clock)
        bought = order(1)
        await loyalty.ingest([bought])
        results = await asyncio.gather(
            *(
                loyalty.claim(f"m{n % 3}", platform="taobao", order_no=bought.order_no, proof=right_proof(bought))
                for n in range(20)
            )
        )
        assert sum(result.created for result in results) == 1
        assert (await loyalty.verify()).ok
        return [result.reason for result in results if not result.created]

    reasons = asyncio.run(story())
    assert set(reasons) == {Reason.ALREADY_CLAIMED, Reason.ALREADY_CLAIMED_BY_YOU}


def test_both_doors_open_one_store(storage: Storage, clock: Clock) -> None:
    """What the awaited door wrote the plain door reads, and the other way round."""
    plain = Loyalty(points_program(), storage, clock=clock)
    plain.ingest([order(1)])

    async def ask() -> bool:
        loyalty = AsyncLoyalty(points_program(), storage, clock=clock)
        result = await loyalty.claim("m1", platform="taobao", order_no=order(1).order_no, proof=right_proof(order(1)))
        return result.created

    assert asyncio.run(ask())
    assert plain.member("m1").points == 100


@DOORS
def test_the_async_engine(storage: Storage, clock: Clock, given: Door) -> None:
    """The awaited engine publishes, opens, sweeps and verifies every program."""

    async def story() -> None:
        engine = AsyncEngine(given(storage), clock=clock)
        for program_id in ("b", "a"):
            assert await engine.publish(points_program(program_id=program_id), expected_revision=0) == 1
        assert await engine.programs() == ["a", "b"]
        await engine.program("a").ingest([order(1)])
        assert sorted(await engine.run_due()) == ["a", "b"]
        reports = await engine.verify()
        assert [reports[program_id].orders for program_id in ("a", "b")] == [1, 0]

    asyncio.run(story())


def test_other_rules_are_refused_at_the_first_call(storage: Storage, clock: Clock) -> None:
    """The awaited door compares its program with the stored one at its first call, each time until they agree."""
    Loyalty(points_program(), storage, clock=clock)

    async def story() -> None:
        loyalty = AsyncLoyalty(points_program(ticket_days=5), storage, clock=clock)
        for _ in range(2):
            with pytest.raises(ProgramDiffers):
                await loyalty.member("m1")

    asyncio.run(story())


def test_the_plain_door_refuses_an_async_storage(storage: Storage, clock: Clock) -> None:
    """A storage that must be awaited is refused when the door is built, and the right class is named."""
    with pytest.raises(ConfigError, match="AsyncLoyalty"):
        Loyalty(points_program(), LiftedStorage(storage), clock=clock)  # type: ignore[arg-type]


class _SlowCommit:
    """Tells when a transaction has written, and commits only when it may."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.armed = False
        self.written = threading.Event()
        self.may_commit = threading.Event()

    @contextmanager
    def transaction(self, *, readonly: bool = False) -> Iterator[Transaction]:
        with self._storage.transaction(readonly=readonly) as tx:
            yield tx
            if self.armed and not readonly:
                self.written.set()
                assert self.may_commit.wait(timeout=30)


def test_a_cancelled_call_leaves_when_its_transaction_has_ended(storage: Storage, clock: Clock) -> None:
    """Cancelling a call over a plain storage waits for the commit, so nothing is left running behind the caller."""
    slow = _SlowCommit(storage)

    async def story() -> None:
        loyalty = AsyncLoyalty(points_program(), slow, clock=clock)
        await loyalty.member("m1")
        slow.armed = True
        task = asyncio.create_task(loyalty.adjust("m1", asset="points", amount=5, key="k"))
        assert await asyncio.to_thread(slow.written.wait, 30)
        task.cancel()
        await asyncio.sleep(0)
        assert not task.done()
        slow.may_commit.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        slow.armed = False
        assert (await loyalty.member("m1")).points == 5

    asyncio.run(story())
