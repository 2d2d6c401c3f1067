"""
Every door from several threads at once: members become one and two while others claim, refund, bind and correct.

Nobody knows what such a history has to end in. But nothing may break, whatever a thread finds done by another one, and
every invariant holds at the end.
"""

from __future__ import annotations

import random
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from builders import Clock, assert_sound
from messages import (
    MEMBERS,
    PHONE_NUMBERS,
    SLOTS,
    START,
    clock_at_start,
    finished_message,
    program,
    proof_of,
    refund_message,
)
from places import Place, server_place

from crossloyalty import (
    ClaimRequest,
    Loyalty,
    OpeningBalance,
    OpeningClaim,
    OpeningSpend,
    PhoneIndex,
    ProofChecks,
    rules,
)
from crossloyalty.application.ports import Storage
from crossloyalty.errors import IdempotencyConflict, Retryable
from crossloyalty.storage.sqlite import SqliteStorage

__all__ = ["server_place"]

THREADS = 6
CALLS = 120


class SharedClock:
    """A clock that several threads move forward, and none back."""

    def __init__(self) -> None:
        self._clock: Clock = clock_at_start()
        self._guard = threading.Lock()

    def __call__(self) -> Any:
        return self._clock()

    def move(self, hours: int) -> None:
        with self._guard:
            self._clock.move(hours=hours)


class Caller:
    """One thread's calls, each drawn by itself."""

    def __init__(self, door: Loyalty, outside: set[str], clock: SharedClock, draw: random.Random) -> None:
        self.door, self.outside, self.clock, self.draw = door, outside, clock, draw

    def call(self) -> None:
        draw, door = self.draw, self.door
        member, other, slot = draw.choice(MEMBERS), draw.choice(MEMBERS), draw.randrange(len(SLOTS))
        about, key = SLOTS[slot], f"k{draw.getrandbits(64)}"
        order: Any = {"platform": about.platform, "order_no": about.order_no}
        who: Any = {"platform": draw.choice(["taobao", "tmall", "jd", "douyin"]), "buyer_id": draw.choice(["b1", "b2"])}
        calls: list[Callable[[], object]] = [
            *[lambda: door.claim(member, **order, proof=proof_of(slot, draw.choice(["right", "host", "wrong"])))] * 4,
            lambda: door.claim_many(self.requests()),
            *[lambda: door.ingest([finished_message(slot), *self.refunds(2)])] * 2,
            *[lambda: door.ingest(self.refunds(1))] * 2,
            *[lambda: member != other and door.merge(member, other, key=key, given_twice=self.twice())] * 2,
            *[lambda: door.unmerge(member, key=key)] * 2,
            lambda: door.bind(member, **who),
            lambda: door.unbind(member, **who),
            lambda: door.bind_phone(member, draw.choice(PHONE_NUMBERS)),
            lambda: door.backfill(member),
            lambda: draw.random() < 0.2 and door.erase_person(member),
            lambda: door.dispute(member, **order, evidence="e", operator="ann", key=key),
            lambda: self.decide(key),
            lambda: self.correct(member, key),
            lambda: door.record_action(member, action=draw.choice(["share", "review"]), key=key),
            lambda: door.enrol(member),
            lambda: door.set_tier(member, tier=draw.choice(["白银", "黄金", ""]), key=key),
            lambda: door.block(member, reason="brushing", key=key),
            *[lambda: door.unblock(member, key=key)] * 2,
            lambda: door.block_buyer(**who, reason="brushing", key=key),
            *[lambda: door.unblock_buyer(**who, key=key)] * 2,
            lambda: door.run_due(batch=3),
            lambda: self.clock.move(hours=draw.choice([1, 24])),
            *[self.answer] * 2,
            lambda: door.import_opening([self.brought(member, order)], name=key),
            lambda: self.use_coupon(member, key),
            lambda: self.look(member, slot),
        ]
        draw.choice(calls)()

    def twice(self) -> Any:
        return self.draw.choice(["keep", "claw_back"])

    def requests(self) -> list[ClaimRequest]:
        return [
            ClaimRequest(
                member_id=self.draw.choice(MEMBERS),
                platform=SLOTS[slot].platform,
                order_no=SLOTS[slot].order_no,
                proof=proof_of(slot, "host"),
            )
            for slot in self.draw.sample(range(len(SLOTS)), 3)
        ]

    def refunds(self, many: int) -> list[Any]:
        draw = self.draw
        return [
            refund_message(
                draw.randrange(len(SLOTS)),
                draw.choice(["r1", "r2"]),
                draw.choice(["OPEN", "SUCCESS", "CLOSED", "PAYOUT_FAILED"]),
                draw.randrange(40),
                draw.choice([1, 33, 100]),
                draw.choice([None, 0]),
                False,
            )
            for _ in range(many)
        ]

    def decide(self, key: str) -> None:
        if held := self.door.reviews(limit=20).items:
            do = self.draw.choice([self.door.approve, self.door.refuse])
            do(self.draw.choice(held).id, reason="seen", operator="ann", key=key)

    def correct(self, member: str, key: str) -> None:
        asset = self.draw.choice(["points", "growth", "stored_value"])
        if asset not in self.outside:
            self.door.adjust(member, asset=asset, amount=self.draw.choice([-300, -1, 25, 500]), key=key)

    def answer(self) -> None:
        if waiting := self.door.deliveries(limit=20).items:
            asked = self.draw.choice(waiting)
            back = asked.kind.endswith(".revoke")
            amount = self.draw.randint(0, asked.body.get("amount", 1)) if back else None
            try:
                self.door.answer_delivery(asked.key, amount=amount)
            except IdempotencyConflict:
                return  # another thread has answered something else

    def brought(self, member: str, order: Any) -> Any:
        return self.draw.choice(
            [
                OpeningBalance(member_id=member, asset="stored_value", amount=self.draw.choice([120, -70])),
                OpeningClaim(member_id=member, **order),
                OpeningSpend(member_id=member, day=START.date().isoformat(), spend_fen=25_000),
            ]
        )

    def use_coupon(self, member: str, key: str) -> None:
        if coupons := self.door.member(member).coupons:
            self.door.use_coupon(member, lot_no=self.draw.choice(coupons).lot_no, key=key)

    def look(self, member: str, slot: int) -> None:
        self.door.timeline(member)
        self.door.explain(platform=SLOTS[slot].platform, order_no=SLOTS[slot].order_no)
        self.door.export_person(member, operator="ann")
        self.door.quote(member, finished_message(slot))


def at_once(storage: Storage, seed: int) -> None:
    """Call from all threads, and look at the store when they are done."""
    draw, clock = random.Random(seed), SharedClock()
    binding = rules.Binding(
        on_claim=draw.choice(["amount_and_day", "by_host"]),
        by_phone=draw.random() < 0.5,
        conflict=draw.choice(["refuse", "move", "review"]),
        cooldown_days=5,
    )
    rules_of = attrs.evolve(program(seed % 6), binding=binding)
    door = Loyalty(rules_of, storage, clock=clock, checks=ProofChecks(phone_index=PhoneIndex({1: b"k" * 32})))
    broken: list[str] = []

    def work(place: int) -> None:
        outside = {book.asset for book in rules_of.external_books}
        caller = Caller(door, outside, clock, random.Random(f"{seed}-{place}"))
        for _ in range(CALLS):
            try:
                caller.call()
            except Retryable:
                continue
            except Exception:  # noqa: BLE001 - told below
                broken.append(traceback.format_exc())

    threads = [threading.Thread(target=work, args=(place,)) for place in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not broken, broken[0]
    assert_sound(door)


@pytest.mark.parametrize("seed", range(6))
def test_doors_of_one_file_are_called_at_once(tmp_path: Path, seed: int) -> None:
    with SqliteStorage(tmp_path / "loyalty.db", synchronous="NORMAL") as storage:
        at_once(storage, seed)


@pytest.mark.parametrize("seed", range(2))
def test_doors_of_a_server_are_called_at_once(server_place: Place, seed: int) -> None:
    with server_place.open() as storage:
        at_once(storage, seed)


@pytest.mark.release
@pytest.mark.parametrize("seed", range(6, 36))
def test_doors_of_a_server_are_called_at_once_for_long(server_place: Place, seed: int) -> None:
    with server_place.open() as storage:
        at_once(storage, seed)
