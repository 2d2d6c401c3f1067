"""What every adapter that takes messages promises, tried against its double."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any, cast

import attrs

from crossloyalty.application.sources import Incoming, PushSource
from crossloyalty.domain.ownership import Proof
from crossloyalty.domain.records import AccountRecord, ClaimRecord, OrderRecord
from crossloyalty.errors import ForgedMessage
from crossloyalty.testing.adapter_kit import (
    AdapterKit,
    Stand,
    check_complete,
    complaints,
    finished_orders,
    stored_orders,
)
from crossloyalty.testing.doubles import FaultKind, Faults
from crossloyalty.testing.dump import dump

__all__ = [
    "check_a_lost_answer_leads_to_one_effect",
    "check_a_message_storm_ends_like_calm",
    "check_forged_messages_are_refused",
    "check_lost_messages_are_found_by_the_pull",
    "check_messages_lead_to_orders",
    "compared",
    "convert",
]


def _receive(stand: Stand, message: Incoming) -> Any:
    return stand.loyalty.receive(
        stand.source, message.headers, message.body, query=message.query, method=message.method
    )


def check_messages_lead_to_orders(kit: AdapterKit) -> None:
    """Each message makes the order it names known, and is acknowledged."""
    with Stand.open(kit, orders=30) as stand:
        for order_no in stand.told():
            received = _receive(stand, stand.double.message(order_no))
            assert (received.taken, received.refused) == (1, ""), received
            assert 200 <= received.acknowledgement.status < 300
        lacking = [each for each in complaints(stand) if "refund" not in each]
        assert not lacking, "; ".join(lacking[:10])


def check_forged_messages_are_refused(kit: AdapterKit) -> None:
    """
    A message with a changed byte, cut, lengthened, without headers: it is refused, or still says the same.

    Where a platform encrypts instead of signing, a blank behind the body changes nothing and does no harm.
    """
    with Stand.open(kit, orders=3) as stand:
        source = cast(PushSource, stand.source)
        message = stand.double.message(stand.book.orders()[0].order_no)
        body = message.body
        places = sorted({0, 1, len(body) // 3, len(body) // 2, len(body) - 1}) if body else []
        forged = []
        if kit.signs != "address":
            forged += [
                attrs.evolve(message, body=body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :])
                for place in places
            ]
        if kit.signs == "body":
            # Where a part is signed, a blank behind it changes nothing that was.
            forged.append(attrs.evolve(message, body=body + b" "))
        forged += [
            attrs.evolve(message, body=body[:-1]),
            attrs.evolve(message, body=b""),
            attrs.evolve(message, body=b"\xff\xfe{"),
            attrs.evolve(message, body=b"[" * 5000, headers=message.headers),
        ]
        if not kit.encrypts:
            forged.append(attrs.evolve(message, headers={}, query={}))
        calls = len(stand.double.calls)
        original = list(source.verify(message, stand.clock()))
        for place, each in enumerate(forged):
            try:
                said = list(source.verify(each, stand.clock()))
            except ForgedMessage:
                received = _receive(stand, each)
                assert received.refused, f"forgery {place} was refused and taken in"
                assert received.taken == 0, f"forgery {place} was refused and taken in"
                assert received.acknowledgement == source.acknowledge(each, False)
            else:
                # Even then nothing but a fetch can come of it.
                assert said == original or kit.encrypts, f"forgery {place} says {said}"
        assert len(stand.double.calls) == calls
        assert dump(stand.storage)["messages"] == []
        assert _receive(stand, message).taken == 1


def check_a_lost_answer_leads_to_one_effect(kit: AdapterKit) -> None:
    """A message whose fetch failed is not acknowledged, comes again and is worked off; a third copy does nothing."""
    with Stand.open(kit, orders=10) as stand:
        order = finished_orders(stand.book)[0]
        message = stand.double.message(order.order_no)
        stand.double.faults = Faults(always=FaultKind.ERROR)
        failed = _receive(stand, message)
        assert (failed.taken, failed.failed) == (0, 1)
        assert failed.acknowledgement == cast(PushSource, stand.source).acknowledge(message, False)
        stand.double.faults = Faults()
        assert _receive(stand, message).taken == 1
        calls = len(stand.double.calls)
        again = _receive(stand, message)
        assert (again.taken, again.again) == (0, 1)
        assert len(stand.double.calls) == calls


def check_a_message_storm_ends_like_calm(kit: AdapterKit) -> None:
    """Messages doubled by a third, shuffled, late and one in fifty poisoned end as the calm run, the poison parked."""
    with Stand.open(kit, orders=100) as calm:
        numbers = calm.told()
        messages = [calm.double.message(order_no) for order_no in numbers]
        for message in messages:
            assert _receive(calm, message).taken == 1
        convert(calm, numbers)
        expected = compared(calm)
        chance = random.Random(7)
        with Stand.open(kit, orders=100) as storm:
            sent = [storm.double.message(order_no) for order_no in numbers]
            poison = [storm.double.message(kit.number(90_000 + place)) for place in range(2)]
            late, early = sent[: len(sent) // 10], sent[len(sent) // 10 :]
            stream = [*early, *chance.sample(early, len(early) * 3 // 10), *poison]
            chance.shuffle(stream)
            _deliver(storm, stream)
            convert(storm, numbers)
            _deliver(storm, late)
            convert(storm, numbers)
            assert compared(storm) == expected
            parked = storm.loyalty.parked_messages().items
            assert len(parked) == len(poison)
            assert {each.tries for each in parked} == {5}
            assert stored_orders(storm.storage).keys() == stored_orders(calm.storage).keys()


def check_lost_messages_are_found_by_the_pull(kit: AdapterKit) -> None:
    """Every fifth message never arrives: the next sync brings what it would have told (F-26)."""
    with Stand.open(kit, orders=60) as stand:
        numbers = stand.told()
        lost = numbers[::5]
        for order_no in numbers:
            message = stand.double.message(order_no)
            if order_no not in lost:
                assert _receive(stand, message).taken == 1
        assert stored_orders(stand.storage).keys().isdisjoint(lost)
        report = stand.loyalty.sync(stand.source, since=stand.since)
        assert report.orders_new == len(lost), report
        check_complete(stand)


def _deliver(stand: Stand, stream: Sequence[Incoming]) -> None:
    """Send messages as a platform does: again and again until they are acknowledged."""
    source = cast(PushSource, stand.source)
    for _ in range(10):
        left = []
        for message in stream:
            answer = _receive(stand, message).acknowledgement
            if answer != source.acknowledge(message, True):
                left.append(message)
        if not left:
            return
        stream = left
    raise AssertionError("messages are never acknowledged")


def convert(stand: Stand, numbers: Sequence[str]) -> None:
    """Claim orders for seven members in turn; one that cannot be claimed yet is asked for again later."""
    for place, order_no in enumerate(numbers):
        stand.loyalty.claim(
            f"m{place % 7}", platform=stand.source.platform, order_no=order_no, proof=Proof.by_host("kit")
        )


def compared(stand: Stand) -> dict[str, Any]:
    """Give what does not depend on order and number of messages: facts, claims with their amounts, balances."""
    tables = dump(stand.storage)
    claims = [cast(ClaimRecord, row) for row in tables["claims"]]
    accounts = [cast(AccountRecord, row) for row in tables["accounts"]]
    return {
        "facts": {
            cast(OrderRecord, row).order_no: json.loads(cast(OrderRecord, row).facts)
            for row in tables["orders"]
            if cast(OrderRecord, row).facts
        },
        "claims": {row.order_no: (row.member_id, row.state, row.net_fen, row.gross_fen) for row in claims},
        "balances": {(row.member_id, row.asset, row.account): row.balance for row in accounts},
    }
