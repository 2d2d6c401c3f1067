"""Messages a platform pushes: verified, kept once, worked off, parked when they cannot be, forgotten after a month."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import attrs
import pytest
from builders import NOW, PROGRAM_ID, Clock, day, number, order, refund, right_proof
from list_source import CAPABILITIES, AsyncListSource, ListSource, QueueSource, at, message

from crossloyalty import AsyncLoyalty, InboxReport, Loyalty, Program, RefundStatus, rules
from crossloyalty.application.sources import Pushed
from crossloyalty.errors import ConfigError, InvalidInput, PlatformUnavailable, StorageBusy, WrongType
from crossloyalty.storage.memory import MemoryStorage
from crossloyalty.testing import dump


def program() -> Program:
    return Program(
        program_id=PROGRAM_ID, eligibility=rules.Finished(within_days=90), rewards=[rules.PointsPerYuan("1")]
    )


@pytest.fixture
def store():
    return MemoryStorage()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def door(store, clock):
    return Loyalty(program(), store, clock=clock)


def about(n: int, message_id: str = "", **more):
    return {"message_id": message_id or f"msg-{n}", "topic": "changed", "order_no": number(n), **more}


def source_with(*numbers: int, **more):
    return ListSource([at(order(n), day(18)) for n in numbers], **more)


def states(store):
    return {row.message_id: row.state for row in dump(store)["messages"]}


def test_a_message_brings_its_order(door, store):
    """The order it names is fetched and taken in, the message is done, the platform hears that it was taken."""
    source = source_with(1)
    received = door.receive(source, *message(about(1)))
    assert (received.taken, received.refused, received.acknowledgement.status) == (1, "", 200)
    assert [row.order_no for row in dump(store)["orders"]] == [number(1)]
    assert states(store) == {"msg-1": "DONE"}


def test_a_forged_message_is_a_value(door, store):
    """A wrong signature is refused with the platform's own words for no; nothing is fetched or kept."""
    source = source_with(1)
    received = door.receive(source, *message(about(1), sign="wrong"))
    assert (received.taken, received.refused) == (0, "a wrong signature")
    assert received.acknowledgement.status == 500
    assert (source.fetched, states(store)) == ([], {})


def test_a_reader_that_stumbles_takes_nothing_in(door, store):
    """Whatever a verifier raises on strange bytes, the message is not taken in."""
    source = source_with(1)
    received = door.receive(source, {"sign": "right"}, b"\xff")
    assert (received.refused, received.acknowledgement.status) == ("UnicodeDecodeError", 500)


def test_a_message_for_another_shop_is_refused(door, store):
    """The shop comes from the set-up; a message that names another one is not ours."""
    source = source_with(1)
    assert door.receive(source, *message(about(1, shop_id="s2"))).refused == "a message for another shop"
    assert door.receive(source, *message(about(1, shop_id="s1"))).taken == 1


def test_a_doubled_message_has_one_effect(door, store):
    """The second copy is acknowledged and fetches nothing."""
    source = source_with(1)
    door.receive(source, *message(about(1)))
    again = door.receive(source, *message(about(1), about(1)))
    assert (again.taken, again.again, again.acknowledgement.status) == (0, 2, 200)
    assert source.fetched == [number(1)]


def test_ids_are_of_a_platform_and_shop(door, store):
    """The same id from two shops is two messages."""
    for shop in ("s1", "s2"):
        assert door.receive(source_with(1, shop_id=shop), *message(about(1))).taken == 1
    assert len(dump(store)["messages"]) == 2


def test_a_message_about_no_order_is_acknowledged(door, store):
    """A topic nobody knows is no trouble and leaves no row."""
    received = door.receive(source_with(), *message({"message_id": "x", "topic": "weather"}))
    assert (received.ignored, received.acknowledgement.status) == (1, 200)
    assert states(store) == {}


def test_an_outage_leaves_the_message_to_come_again(door, store):
    """While the platform is down nothing is acknowledged; when it sends again, the order comes in once."""
    source = source_with(1)
    source.error = PlatformUnavailable("down", platform="taobao", code="HTTP 502")
    failed = door.receive(source, *message(about(1)))
    assert (failed.failed, failed.acknowledgement.status) == (1, 500)
    assert failed.error == "PlatformUnavailable HTTP 502"
    assert states(store) == {"msg-1": "WAITING"}
    source.error = None
    assert door.receive(source, *message(about(1))).taken == 1


def test_poison_is_parked_and_the_others_go_on(door, store):
    """A message that names an order nobody knows is tried five times, then parked and acknowledged; others go on."""
    source = source_with(1, 2)
    for tries in range(1, 5):
        received = door.receive(source, *message(about(9), about(1)))
        assert (received.failed, received.acknowledgement.status) == (1, 500), tries
        assert states(store)["msg-1"] == "DONE"
    received = door.receive(source, *message(about(9), about(2)))
    assert (received.parked, received.taken, received.acknowledgement.status) == (1, 1, 200)
    assert door.receive(source, *message(about(9))).acknowledgement.status == 200
    [parked] = door.parked_messages().items
    assert (parked.order_no, parked.tries, parked.error) == (number(9), 5, "the platform knows no such order")


def test_parked_messages_can_be_tried_again(door, store):
    """Once the cause is gone, they are worked off; one that fails again stays parked."""
    source = source_with()
    for _ in range(5):
        door.receive(source, *message(about(1), about(2)))
    assert len(door.parked_messages().items) == 2
    source.orders[number(1)] = at(order(1), day(18))
    report = door.retry_parked(source)
    assert (report.taken, report.parked) == (1, 1)
    assert [each.order_no for each in door.parked_messages().items] == [number(2)]


def test_parked_messages_come_in_pages(door):
    """Three parked messages on pages of two."""
    for _ in range(5):
        door.receive(source_with(), *message(about(1), about(2), about(3)))
    first = door.parked_messages(limit=2)
    second = door.parked_messages(limit=2, after=first.next)
    assert [len(first.items), len(second.items), second.next] == [2, 1, None]
    with pytest.raises(InvalidInput):
        door.parked_messages(limit=0)


@pytest.mark.parametrize("error", [KeyError("x"), ValueError(), RuntimeError()])
def test_whatever_a_fetch_raises_counts_as_a_failure(door, error):
    """A fetch that stumbles is a failed try, not a crash of the host's view."""
    source = source_with(1)
    source.error = error
    assert door.receive(source, *message(about(1))).failed == 1


def test_a_store_that_fails_acknowledges_nothing(door, store, monkeypatch):
    """When the message cannot be kept, the host hears of it and the platform gets no acknowledgement."""

    def busy(*_, **__):
        raise StorageBusy("locked")

    monkeypatch.setattr(store, "transaction", busy)
    with pytest.raises(StorageBusy):
        door.receive(source_with(1), *message(about(1)))


def test_a_crash_before_the_answer_leads_to_one_effect(door, store):
    """Killed between keeping and working off, the message waits; the resent copy is worked off once."""
    source = source_with(1)
    source.error = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        door.receive(source, *message(about(1)))
    assert states(store) == {"msg-1": "WAITING"}
    source.error = None
    assert door.receive(source, *message(about(1))).taken == 1
    assert door.receive(source, *message(about(1))).again == 1


def test_messages_can_be_kept_for_later(door, store):
    """With `later` the answer comes before any fetch; `handle_messages` works them off."""
    source = source_with(1, 2)
    received = door.receive(source, *message(about(1), about(2)), later=True)
    assert (received.waiting, received.acknowledgement.status, source.fetched) == (2, 200, [])
    assert door.handle_messages(source, limit=1).taken == 1
    assert door.handle_messages(source).taken == 1
    assert door.handle_messages(source).taken == 0
    with pytest.raises(InvalidInput):
        door.handle_messages(source, limit=0)


def test_a_queue_is_fetched_kept_and_confirmed(door, store):
    """Messages of a queue are kept, then confirmed, then worked off; unconfirmed ones come again without harm."""
    source = QueueSource([at(order(n), day(18)) for n in (1, 2)])
    source.queue = [Pushed(**about(1)), Pushed(**about(2))]
    kept = []
    real = source.confirm

    def confirm(ids):
        kept.append(set(states(store)))
        real(ids)

    source.confirm = confirm
    report = door.handle_messages(source)
    assert (report.taken, source.confirmed, kept) == (2, ["msg-1", "msg-2"], [{"msg-1", "msg-2"}])
    source.queue = [Pushed(**about(1))]
    assert door.handle_messages(source).again == 1


def test_a_queue_is_told_of_each_message_once(door, store):
    """Two copies in one answer are one message, confirmed once."""
    source = QueueSource([at(order(1), day(18))])
    source.queue = [Pushed(**about(1)), Pushed(**about(1))]
    report = door.handle_messages(source)
    assert (report.taken, report.again, source.confirmed, source.queue) == (1, 1, ["msg-1"], [])


def test_messages_for_another_shop_stay_in_the_queue(door, store):
    """They are neither kept nor confirmed, so that the shop they are for has them; nothing of theirs is fetched."""
    source = QueueSource([at(order(n), day(18)) for n in (1, 2, 3)], shop_id="s1")
    mine, theirs = Pushed(**about(1, shop_id="s1")), Pushed(**about(2, shop_id="s2"))
    source.queue = [theirs, mine, Pushed(**about(3))]
    report = door.handle_messages(source)
    assert (report.taken, report.left) == (2, 1)
    assert (source.queue, source.confirmed) == ([theirs], ["msg-1", "msg-3"])
    assert states(store) == {"msg-1": "DONE", "msg-3": "DONE"}
    assert door.handle_messages(source) == InboxReport(left=1)


@pytest.mark.parametrize("call", ["consume", "confirm"])
def test_whatever_a_queue_raises_is_typed(door, store, monkeypatch, call):
    """An outage of the platform, though the source lets something else out; the message counts once afterwards."""
    source = QueueSource([at(order(1), day(18))])
    source.queue = [Pushed(**about(1))]

    def broken(_):
        raise ZeroDivisionError

    monkeypatch.setattr(source, call, broken)
    with pytest.raises(PlatformUnavailable, match="ZeroDivisionError"):
        door.handle_messages(source)
    assert states(store) == ({"msg-1": "WAITING"} if call == "confirm" else {})
    monkeypatch.undo()
    assert door.handle_messages(source) == InboxReport(taken=1)


def test_done_messages_are_forgotten_after_a_month(door, store, clock):
    """After 30 days the row goes; parked and waiting ones stay."""
    source = source_with(1)
    door.receive(source, *message(about(1)))
    door.receive(source, *message(about(9)))
    clock.move(days=29)
    door.handle_messages(source)
    assert states(store) == {"msg-1": "DONE", "msg-9": "WAITING"}
    clock.move(days=2)
    door.handle_messages(source)
    assert states(store) == {"msg-9": "WAITING"}


def test_long_ids_and_texts_fit(door, store):
    """An id longer than a key allows is named by its digest, the same each time; long topics are cut."""
    source = source_with(1)
    long = about(1, message_id="订" * 1_000, topic="t" * 1_000)
    assert door.receive(source, *message(long)).taken == 1
    assert door.receive(source, *message(long)).again == 1
    [row] = dump(store)["messages"]
    assert (len(row.message_id), len(row.topic)) == (64, 120)


def test_a_refund_message_takes_back(door):
    """Converted at 100 yuan, refunded by 30: the message alone leads to 70 points."""
    source = source_with(1)
    door.receive(source, *message(about(1)))
    door.claim("m1", platform="taobao", order_no=number(1), proof=right_proof(order(1)))
    source.refunds["r1"] = refund(order(1), 3_000, status=RefundStatus.SUCCESS)
    door.receive(source, *message(about(1, message_id="second", refund_id="r1")))
    assert door.member("m1").points == 70


def test_messages_need_a_source_that_has_them(door):
    """A source without messages, text for a body, a source of the other world are misuse."""

    class Pulled:
        platform, shop_id, capabilities, feeds = "taobao", "s1", CAPABILITIES, ("orders",)
        limits = ListSource().limits

        def page(self, feed, since, until, page): ...
        def fetch(self, order_no, refund_id=""): ...

    with pytest.raises(ConfigError, match="no messages"):
        door.receive(Pulled(), {}, b"")
    with pytest.raises(WrongType):
        door.receive(source_with(), {}, "text")
    with pytest.raises(ConfigError):
        door.receive(AsyncListSource(), {}, b"")


def test_an_asynchronous_host_receives_the_same(store):
    """The asynchronous door ends with the same records."""
    plain = MemoryStorage()
    Loyalty(program(), plain, clock=Clock()).receive(source_with(1), *message(about(1), about(1, message_id="b")))
    source = AsyncListSource([at(order(1), day(18))])

    async def main():
        door = AsyncLoyalty(program(), store, clock=Clock())
        received = await door.receive(source, *message(about(1), about(1, message_id="b")))
        assert received.taken == 2
        assert (await door.handle_messages(source)).taken == 0
        assert (await door.parked_messages()).items == ()
        assert (await door.retry_parked(source)).taken == 0
        assert (await door.doubtful()).items == ()

    asyncio.run(main())
    assert dump(store) == dump(plain)


def test_a_late_message_does_not_turn_back_time(door):
    """A message of last week only makes the order be fetched as it is now."""
    source = source_with(1)
    source.orders[number(1)] = at(order(1, paid_fen=5_000), NOW - timedelta(days=8))
    door.receive(source, *message(about(1)))
    source.orders[number(1)] = at(order(1, paid_fen=9_000), NOW - timedelta(days=1))
    door.receive(source, *message(about(1, message_id="late")))
    [row] = door.orders("m1").items or [None]
    assert row is None
    assert (
        door.claim(
            "m1", platform="taobao", order_no=number(1), proof=right_proof(attrs.evolve(order(1), paid_fen=9_000))
        ).points
        == 90
    )
