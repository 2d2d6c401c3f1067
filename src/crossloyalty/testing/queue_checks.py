"""What every adapter promises whose messages wait in a queue of the platform, tried against its double."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import cast

from crossloyalty.application.receiving import InboxReport
from crossloyalty.application.sources import MessageChannel
from crossloyalty.errors import NeedsHuman, Retryable
from crossloyalty.loyalty import AsyncLoyalty
from crossloyalty.storage.memory import MemoryStorage
from crossloyalty.testing.adapter_checks import LASTING
from crossloyalty.testing.adapter_kit import AdapterKit, Stand, complaints, program_for, stored_orders
from crossloyalty.testing.doubles import FaultKind, Faults, Request
from crossloyalty.testing.dump import dump
from crossloyalty.testing.message_checks import compared, convert

__all__ = [
    "check_a_lost_confirmation_leads_to_one_effect",
    "check_a_storm_in_the_queue_ends_like_calm",
    "check_an_asynchronous_host_empties_the_queue",
    "check_lasting_faults_of_the_queue_are_typed",
    "check_waiting_messages_lead_to_orders",
]

_ROUNDS = 20


def _handle(stand: Stand) -> InboxReport:
    return stand.loyalty.handle_messages(stand.source)


def _nothing_waits(stand: Stand) -> bool:
    return not cast(MessageChannel, stand.source).consume(10)


def check_waiting_messages_lead_to_orders(kit: AdapterKit) -> None:
    """Each message makes the order it names known and leaves the queue; no transaction is open during a call."""
    with Stand.open(kit, orders=30) as stand:
        assert isinstance(stand.source, MessageChannel), "the source itself has consume() and confirm()"
        numbers = stand.told()
        for order_no in numbers:
            stand.double.message(order_no)
        open_then: list[int] = []
        stand.double.on_call = lambda _: open_then.append(stand.storage.open)
        report = _handle(stand)
        assert (report.taken, report.failed, report.parked) == (len(numbers), 0, 0), report
        assert set(open_then) == {0}
        lacking = [each for each in complaints(stand) if "refund" not in each]
        assert not lacking, "; ".join(lacking[:10])
        assert _nothing_waits(stand)
        assert _handle(stand) == InboxReport()


def check_a_lost_confirmation_leads_to_one_effect(kit: AdapterKit) -> None:
    """When the platform is gone as soon as messages are kept, they come again and are worked off once."""
    with Stand.open(kit, orders=10) as stand:
        numbers = stand.told()
        for order_no in numbers:
            stand.double.message(order_no)

        def leave(_: Request) -> None:
            if dump(stand.storage.inner)["messages"]:
                stand.double.faults = Faults(always=FaultKind.ERROR)

        stand.double.on_call = leave
        try:
            _handle(stand)
        except Retryable:
            kept = len(dump(stand.storage)["messages"])
        else:
            raise AssertionError("a confirmation that failed went unnoticed")
        assert kept == len(numbers)
        stand.double.on_call = lambda _: None
        stand.double.faults = Faults()
        assert not _nothing_waits(stand), "what was not confirmed is gone"
        assert _handle(stand).taken == len(numbers)
        assert _nothing_waits(stand)
        assert _handle(stand) == InboxReport()


def check_lasting_faults_of_the_queue_are_typed(kit: AdapterKit) -> None:
    """A fault that lasts ends in a typed error after few calls and keeps nothing; afterwards everything arrives."""
    with Stand.open(kit, orders=5) as stand:
        numbers = stand.told()
        for order_no in numbers:
            stand.double.message(order_no)
        for kind in LASTING:
            stand.double.faults = Faults(always=kind)
            before = len(stand.double.calls)
            error: object = None
            try:
                _handle(stand)
            except (Retryable, NeedsHuman) as raised:
                error = raised
            assert error is not None, f"{kind.name} for ever went unnoticed"
            assert getattr(error, "platform", "") == stand.source.platform, error
            assert len(stand.double.calls) - before <= 20, f"{kind.name}: tries without an end"
            assert dump(stand.storage)["messages"] == []
        stand.double.faults = Faults()
        assert _handle(stand).taken == len(numbers)


def check_a_storm_in_the_queue_ends_like_calm(kit: AdapterKit) -> None:
    """Messages doubled by a third, shuffled, late and one in fifty poisoned end as the calm run, the poison parked."""
    with Stand.open(kit, orders=100) as calm, Stand.open(kit, orders=100) as storm:
        numbers = calm.told()
        for order_no in numbers:
            calm.double.message(order_no)
        assert _handle(calm).taken == len(numbers)
        convert(calm, numbers)
        chance = random.Random(7)
        sent = [(order_no, storm.double.new_message_id()) for order_no in numbers]
        poison = [(kit.number(90_000 + place), storm.double.new_message_id()) for place in range(2)]
        late, early = sent[: len(sent) // 10], sent[len(sent) // 10 :]
        stream = [*early, *chance.sample(early, len(early) * 3 // 10), *poison]
        chance.shuffle(stream)
        again = _deliver(storm, stream)
        convert(storm, numbers)
        _deliver(storm, late)
        convert(storm, numbers)
        assert again > 0, "no copy was told from its first"
        assert compared(storm) == compared(calm)
        parked = storm.loyalty.parked_messages().items
        assert len(parked) == len(poison)
        assert {each.tries for each in parked} == {5}
        assert stored_orders(storm.storage).keys() == stored_orders(calm.storage).keys()


def _deliver(stand: Stand, stream: Sequence[tuple[str, str]]) -> int:
    """Fill the queue bit by bit while it is emptied, until nothing is left to do; give how many came again."""
    again = 0
    for start in range(0, len(stream), 15):
        for order_no, message_id in stream[start : start + 15]:
            stand.double.message(order_no, message_id=message_id)
        again += _handle(stand).again
    for _ in range(_ROUNDS):
        if _handle(stand) == InboxReport():
            assert _nothing_waits(stand)
            return again
    raise AssertionError("the queue is never empty")


def check_an_asynchronous_host_empties_the_queue(kit: AdapterKit) -> None:
    """The asynchronous source, where there is one, stores what the plain one stores and confirms it."""
    with Stand.open(kit, orders=20) as stand:
        numbers = stand.told()
        for order_no in numbers:
            stand.double.message(order_no)
        assert _handle(stand).taken == len(numbers)
        source = kit.make_async_source(stand.double, tokens=stand.tokens, clock=stand.clock)
        if source is None:
            return
        for order_no in numbers:
            stand.double.message(order_no)
        storage = MemoryStorage()

        async def main() -> int:
            loyalty = AsyncLoyalty(program_for(kit), storage, clock=stand.clock)
            taken = (await loyalty.handle_messages(source)).taken
            await kit.close(source)
            return taken

        assert asyncio.run(main()) == len(numbers)
        assert stored_orders(storage) == stored_orders(stand.storage)
        assert _nothing_waits(stand)
