"""Messages that wait in Taobao's queue (TMC) lead to orders, once each, whatever happens between queue and store."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from crossloyalty import AsyncLoyalty, InboxReport, Proof, RefundStatus
from crossloyalty.adapters.taobao import TaobaoSource
from crossloyalty.application.sources import AsyncMessageChannel, MessageChannel
from crossloyalty.errors import PlatformRefused, PlatformUnavailable, RateLimited
from crossloyalty.storage.memory import MemoryStorage
from crossloyalty.testing import dump
from crossloyalty.testing.adapter_kit import Stand, finished_orders, program_for, stored_orders
from crossloyalty.testing.doubles import FaultKind, Faults, Reply
from crossloyalty.testing.doubles.taobao import TaobaoDouble, TaobaoKit

OTHER_SELLER = 2_200_000_000_099


@pytest.fixture
def stand() -> Iterator[Stand]:
    """Give a shop of thirty orders with an empty store beside it."""
    with Stand.open(TaobaoKit(), orders=30) as made:
        yield made


def double_of(stand: Stand) -> TaobaoDouble:
    """Give the stand's double as what it is."""
    assert isinstance(stand.double, TaobaoDouble)
    return stand.double


def handled(stand: Stand, *, limit: int = 200) -> InboxReport:
    """Let the plain door handle messages."""
    return stand.loyalty.handle_messages(stand.source, limit=limit)


def states(storage: Any) -> dict[str, str]:
    """Give the state of each kept message."""
    return {row.message_id: row.state for row in dump(storage)["messages"]}


def numbers(stand: Stand, count: int) -> Sequence[str]:
    """Give the numbers of some orders."""
    return [order.order_no for order in stand.book.orders()[:count]]


def test_waiting_messages_lead_to_orders(stand: Stand) -> None:
    """Five messages: five orders are there, the queue is empty, and a second look finds nothing."""
    for order_no in numbers(stand, 5):
        stand.double.message(order_no)
    report = handled(stand)
    assert report == InboxReport(taken=5)
    assert stored_orders(stand.storage).keys() == set(numbers(stand, 5))
    assert double_of(stand).waiting == []
    assert len(double_of(stand).confirmed) == 5
    assert handled(stand) == InboxReport()


def test_an_asynchronous_host_handles_the_same(stand: Stand) -> None:
    """The asynchronous door ends with the records of the plain one."""
    kit, storage = TaobaoKit(), MemoryStorage()
    for place, order_no in enumerate(numbers(stand, 5)):
        stand.double.message(order_no, message_id=str(70 + place))
    handled(stand)
    for place, order_no in enumerate(numbers(stand, 5)):
        stand.double.message(order_no, message_id=str(70 + place))

    async def main() -> None:
        source = kit.make_async_source(stand.double, tokens=stand.tokens, clock=stand.clock)
        assert isinstance(source, AsyncMessageChannel)
        door = AsyncLoyalty(program_for(kit), storage, clock=stand.clock)
        assert await door.handle_messages(source) == InboxReport(taken=5)
        assert await door.handle_messages(source) == InboxReport()
        await source.close()

    asyncio.run(main())
    assert dump(storage) == dump(stand.storage)
    assert double_of(stand).waiting == []


def test_a_message_is_confirmed_behind_its_keeping_and_before_its_order_is_fetched(stand: Stand) -> None:
    """The queue hears of it when it is stored; no transaction is open while the platform is asked."""
    [order_no] = numbers(stand, 1)
    stand.double.message(order_no)
    seen: list[tuple[str, int, int]] = []
    stand.double.on_call = lambda request: seen.append(
        (request.form["method"], len(states(stand.storage.inner)), stand.storage.open)
    )
    handled(stand)
    assert seen[:2] == [("taobao.tmc.messages.consume", 0, 0), ("taobao.tmc.messages.confirm", 1, 0)]
    assert [method for method, _, _ in seen[2:]] == ["taobao.trade.simple.get"]
    assert {still_open for _, _, still_open in seen} == {0}


@pytest.mark.parametrize("place", ["before", "behind"])
def test_a_crash_around_the_confirmation_has_one_effect(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """The power goes when messages are kept: they come again, or wait in the store, and count once."""
    order = finished_orders(stand.book)[0]
    stand.double.message(order.order_no, message_id="77")
    source = stand.source
    assert isinstance(source, TaobaoSource)
    real = source.confirm

    def dying(message_ids: Sequence[str]) -> None:
        if place == "behind":
            real(message_ids)
        raise KeyboardInterrupt

    monkeypatch.setattr(source, "confirm", dying)
    with pytest.raises(KeyboardInterrupt):
        handled(stand)
    assert states(stand.storage) == {"77": "WAITING"}
    assert len(double_of(stand).waiting) == (place == "before")
    monkeypatch.undo()
    assert handled(stand).taken == 1
    stand.double.message(order.order_no, message_id="77")
    assert handled(stand) == InboxReport(again=1)
    assert double_of(stand).waiting == []
    assert states(stand.storage) == {"77": "DONE"}


def test_a_crash_before_messages_are_kept_confirms_nothing(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the store could not keep stays in the queue."""
    stand.double.message(numbers(stand, 1)[0])
    inner = stand.storage.inner

    def broken(*, readonly: bool = False) -> Any:
        raise OSError("the disk is full")

    monkeypatch.setattr(inner, "transaction", broken)
    with pytest.raises(OSError, match="disk"):
        handled(stand)
    monkeypatch.undo()
    assert (len(double_of(stand).waiting), double_of(stand).confirmed) == (1, [])
    assert handled(stand).taken == 1


def test_doubled_and_shuffled_messages_count_once(stand: Stand) -> None:
    """Copies in one answer and in later ones, the newest first: the points are those of one message each."""
    orders = finished_orders(stand.book)[:6]
    copies = [(order.order_no, str(900 + place)) for place, order in enumerate(orders)] * 3
    random.Random(3).shuffle(copies)
    for order_no, message_id in copies[:9]:
        stand.double.message(order_no, message_id=message_id)
    first = handled(stand)
    for order_no, message_id in copies[9:]:
        stand.double.message(order_no, message_id=message_id)
    second = handled(stand)
    assert (first.taken + second.taken, first.again + second.again) == (6, 12)
    assert double_of(stand).waiting == []
    assert set(states(stand.storage).values()) == {"DONE"}
    for order in orders:
        stand.loyalty.claim("m1", platform="taobao", order_no=order.order_no, proof=Proof.by_host("desk"))
    # One point a yuan of goods, order by order, rounded down.
    expected = sum(((order.paid_fen or 0) - (order.shipping_fen or 0)) // 100 for order in orders)
    assert stand.loyalty.member("m1").points == expected


def test_a_refund_overtakes_the_order_it_is_of(stand: Stand) -> None:
    """The refund's message comes first; the one of the sale changes nothing behind it."""
    order = finished_orders(stand.book)[0]
    refund = stand.book.refund(order.order_no, at=stand.clock())
    assert refund.status is RefundStatus.SUCCESS
    stand.double.message(order.order_no, refund_id=refund.refund_id)
    assert handled(stand).taken == 1
    held = stored_orders(stand.storage)
    stand.double.message(order.order_no)
    assert handled(stand).taken == 1
    assert stored_orders(stand.storage) == held
    assert held[order.order_no]["refunds"].keys() == {refund.refund_id}


def test_poison_is_parked_and_the_others_go_on(stand: Stand) -> None:
    """An order nobody knows is tried five times; content that names no order is confirmed and ignored."""
    double = double_of(stand)
    double.message("3" * 19)
    double.put({"id": 5, "topic": "taobao_trade_TradeSuccess", "content": "{"})
    double.put({"id": 6, "topic": ["x"], "content": '{"tid": 1}', "user_id": None, "pub_time": 7})
    for order_no in numbers(stand, 3):
        double.message(order_no)
    first = handled(stand)
    assert (first.taken, first.ignored, first.failed, first.parked) == (3, 2, 1, 0)
    assert double.waiting == []
    assert [handled(stand).parked for _ in range(4)] == [0, 0, 0, 1]
    [parked] = stand.loyalty.parked_messages().items
    assert (parked.order_no, parked.tries, parked.error) == ("3" * 19, 5, "the platform knows no such order")
    assert handled(stand) == InboxReport()


def test_what_has_no_id_does_not_hold_up_the_queue(stand: Stand) -> None:
    """It cannot be confirmed, so it stays; those around it are taken."""
    double = double_of(stand)
    double.put({"topic": "taobao_trade_TradeSuccess", "content": "{}"})
    double.put("no object")
    double.put({"id": "1,2", "topic": "taobao_trade_TradeSuccess", "content": "{}"})
    double.message(numbers(stand, 1)[0])
    assert handled(stand) == InboxReport(taken=1)
    assert len(double.waiting) == 3
    with pytest.raises(PlatformUnavailable):
        handled(stand)


def test_messages_of_another_seller_stay_in_the_queue(stand: Stand) -> None:
    """The queue is the application's: what is about another shop is neither kept nor confirmed."""
    double = double_of(stand)
    double.message(numbers(stand, 1)[0], seller_id=OTHER_SELLER)
    double.message(numbers(stand, 2)[1])
    assert handled(stand) == InboxReport(taken=1, left=1)
    assert [each["user_id"] for each in double.waiting] == [OTHER_SELLER]
    assert len(states(stand.storage)) == 1
    assert handled(stand) == InboxReport(left=1)
    assert "taobao.tmc.messages.confirm" not in calls_of(stand)


def calls_of(stand: Stand) -> list[str]:
    """Handle messages once more, and give what was called."""
    called: list[str] = []
    stand.double.on_call = lambda request: called.append(request.form["method"])
    handled(stand)
    return called


def test_without_a_seller_every_message_is_the_shops(stand: Stand) -> None:
    """Where `seller_id` is not said, the queue is taken to be of this shop alone."""
    double = double_of(stand)
    kit = TaobaoKit()
    kit.seller_id = None
    source = kit.make_source(double, tokens=stand.tokens, clock=stand.clock)
    double.message(numbers(stand, 1)[0], seller_id=OTHER_SELLER)
    assert stand.loyalty.handle_messages(source) == InboxReport(taken=1)
    source.close()


def test_a_long_queue_is_emptied_two_hundred_at_a_time(stand: Stand) -> None:
    """The platform gives 10 to 200; what it gives beyond *limit* is kept and waits in the store."""
    for place in range(230):
        stand.double.message(stand.book.orders()[place % 30].order_no)
    report = handled(stand, limit=1)
    assert (report.taken, len(states(stand.storage)), len(double_of(stand).waiting)) == (1, 10, 220)
    assert handled(stand, limit=1000).taken == 209
    assert handled(stand, limit=1000).taken == 20
    assert double_of(stand).waiting == []


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        ({"code": 7, "msg": "App Call Limited", "sub_msg": "This ban will last for 900 more seconds"}, RateLimited),
        ({"code": 11, "msg": "Insufficient isv permissions"}, PlatformRefused),
        ({"code": 15, "msg": "Remote service error", "sub_code": "isp.remote-service-timeout"}, PlatformUnavailable),
    ],
)
@pytest.mark.parametrize("call", ["consume", "confirm"])
def test_an_error_of_the_queue_is_typed_and_loses_nothing(
    stand: Stand, error: dict[str, Any], raised: type[Exception], call: str
) -> None:
    """Whether asking or confirming fails: the host hears why, and afterwards the message counts once."""
    double = double_of(stand)
    stand.double.message(numbers(stand, 1)[0])
    honest = double.answer
    double.answer = lambda request: (  # type: ignore[method-assign]
        Reply.of({"error_response": error}) if request.form["method"].endswith(f".{call}") else honest(request)
    )
    with pytest.raises(raised):
        handled(stand)
    assert double.confirmed == []
    assert list(states(stand.storage).values()) == ["WAITING"] * (call == "confirm")
    double.answer = honest  # type: ignore[method-assign]
    assert handled(stand) == InboxReport(taken=1)
    assert double.waiting == []


def test_a_fetch_that_fails_is_tried_again_by_the_next_call(stand: Stand) -> None:
    """The message is confirmed and kept; an outage behind that is only a try."""
    stand.double.message(numbers(stand, 1)[0])
    stand.double.faults = Faults(at=dict.fromkeys(range(3, 20), FaultKind.ERROR))
    assert handled(stand) == InboxReport(failed=1, error="PlatformUnavailable http-502")
    stand.double.faults = Faults()
    assert handled(stand) == InboxReport(taken=1)


def test_the_queue_may_be_named_on_its_own(stand: Stand) -> None:
    """`source.messages` is the source as a queue, so that both are taken."""
    source = stand.source
    assert isinstance(source, TaobaoSource)
    assert isinstance(source.messages, MessageChannel)
    stand.double.message(numbers(stand, 1)[0])
    assert stand.loyalty.handle_messages(source.messages).taken == 1
