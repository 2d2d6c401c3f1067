"""D14: order numbers cannot be guessed one after another."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any

import attrs
import pytest
from builders import Clock, assert_sound, order, points_program, right_proof

from crossloyalty import ClaimRequest, Engine, Line, Loyalty, OrderStatus, Proof, Reason, rules
from crossloyalty.application.ports import Storage
from crossloyalty.testing import dump

WRONG = Proof.amount_and_day(paid_fen=1, paid_on=date(2026, 11, 1))
LOCKED = Reason.TOO_MANY_ATTEMPTS


def door(storage: Storage, clock: Clock, orders: int = 40, **limits: Any) -> Loyalty:
    loyalty = Loyalty(points_program(attempts=rules.Attempts(**limits)), storage, clock=clock)
    loyalty.ingest([order(n, buyer_id=f"b-{n}") for n in range(orders)])
    return loyalty


def ask(loyalty: Loyalty, n: int, member: str = "thief", proof: Proof = WRONG, device: str = "") -> Reason | None:
    bought = order(n)
    result = loyalty.claim(member, platform=bought.platform, order_no=bought.order_no, proof=proof, device=device)
    return None if result.created else result.reason


def test_twenty_misses_in_ten_minutes_are_the_last(storage: Storage, clock: Clock) -> None:
    """Known and unknown numbers alike; ten minutes later there are twenty more, then the lock lasts twice as long."""
    loyalty = door(storage, clock)
    assert [ask(loyalty, n) for n in range(30, 52)] == [Reason.RECEIVED] * 20 + [LOCKED] * 2
    assert ask(loyalty, 1, proof=right_proof(order(1))) is LOCKED
    clock.move(minutes=10, seconds=-1)
    assert ask(loyalty, 1) is LOCKED
    clock.move(seconds=1)
    assert [ask(loyalty, n) for n in range(60, 81)] == [Reason.RECEIVED] * 20 + [LOCKED]
    clock.move(minutes=19)
    assert ask(loyalty, 90) is LOCKED
    clock.move(minutes=1)
    assert ask(loyalty, 1, proof=right_proof(order(1))) is None
    assert_sound(loyalty)


def test_a_day_without_a_lock_begins_anew(storage: Storage, clock: Clock) -> None:
    """The third lock would last four times as long; behind a quiet day it is the first again."""
    loyalty = door(storage, clock, per_member=1)
    for minutes in (10, 20, 40):
        assert ask(loyalty, minutes) is Reason.RECEIVED
        clock.move(minutes=minutes, seconds=-1)
        assert ask(loyalty, 99) is LOCKED
        clock.move(seconds=1)
    clock.move(days=1)
    assert ask(loyalty, 50) is Reason.RECEIVED
    clock.move(minutes=10)
    assert ask(loyalty, 51) is Reason.RECEIVED


def test_one_number_is_tried_five_times_by_all_together(storage: Storage, clock: Clock) -> None:
    """Then nobody can try it for a day, the one who knows the proof included; bound buyer and host are not held up."""
    loyalty = door(storage, clock)
    assert [ask(loyalty, 1, f"t{n}") for n in range(7)] == [Reason.RECEIVED] * 5 + [LOCKED] * 2
    assert ask(loyalty, 1, "m1", right_proof(order(1))) is LOCKED
    assert ask(loyalty, 1, "m1", Proof.by_host("asked for the parcel")) is None
    assert [ask(loyalty, 2, f"t{n}") for n in range(6)][-1] is LOCKED
    assert loyalty.bind("m2", platform="taobao", buyer_id="b-2").converted == (order(2).order_no,)
    assert ask(loyalty, 2, "m2", Proof.none()) is Reason.AUTO_CONVERTED
    assert [ask(loyalty, 3, f"t{n}") for n in range(6)][-1] is LOCKED
    clock.move(days=1)
    assert ask(loyalty, 3, "m3", right_proof(order(3))) is None


def test_the_same_request_again_is_no_guess(storage: Storage, clock: Clock) -> None:
    """A customer who looks every minute whether the order has come is not locked out."""
    loyalty = door(storage, clock, per_member=2, per_order=2)
    assert [ask(loyalty, 77, "m1", Proof.none()) for _ in range(9)] == [Reason.RECEIVED] * 9
    assert ask(loyalty, 77, "m1", WRONG) is Reason.RECEIVED
    assert ask(loyalty, 77, "m1", Proof.none()) is LOCKED


def test_a_device_with_many_members_is_one_thief(storage: Storage, clock: Clock) -> None:
    """Three tries a device, whoever is logged in; another device goes on, and only a hash of it is kept."""
    loyalty = door(storage, clock, per_device=3)
    told = [ask(loyalty, n, f"fake-{n}", device="198.51.100.7") for n in range(5)]
    assert told == [Reason.RECEIVED] * 3 + [LOCKED] * 2
    assert ask(loyalty, 9, "fake-9", device="198.51.100.8") is Reason.RECEIVED
    assert "198.51.100" not in repr(dump(storage, "brand-a"))
    assert_sound(loyalty)


def test_one_batch_of_guesses_stops_at_the_limit(storage: Storage, clock: Clock) -> None:
    """Of a hundred guesses at once twenty are looked up; no ticket is kept of the rest, and right ones before count."""
    loyalty = door(storage, clock)
    asked = [
        ClaimRequest(member_id="thief", platform="taobao", order_no=order(n).order_no, proof=right_proof(order(n)))
        for n in (1, 2)
    ] + [ClaimRequest(member_id="thief", platform="taobao", order_no=order(n).order_no) for n in range(3, 103)]
    answers = loyalty.claim_many(asked)
    assert [answer.created for answer in answers[:2]] == [True, True]
    assert [answer.reason for answer in answers[2:]] == [Reason.RECEIVED] * 20 + [LOCKED] * 80
    assert len(loyalty.tickets("thief").items) == 20
    assert_sound(loyalty)


def test_ten_thousand_guesses_get_one_shape_of_answer_and_stop_at_the_limit(storage: Storage, clock: Clock) -> None:
    """Of known, unknown, claimed and unpaid numbers twenty are looked up; what is told of them is all the same."""
    loyalty = door(storage, clock)
    loyalty.ingest([order(n, status=OrderStatus.UNPAID, paid_at=None, finished_at=None) for n in range(40, 60)])
    assert ask(loyalty, 0, "m1", right_proof(order(0))) is None
    told: Counter[tuple[Any, str]] = Counter()
    for begin in range(0, 10_000, 1_000):
        guesses = [
            ClaimRequest(member_id="thief", platform="taobao", order_no=order(7 * n % 10_000).order_no)
            for n in range(begin, begin + 1_000)
        ]
        told.update((each.public, each.explain("en")) for each in loyalty.claim_many(guesses))
    assert {public.reason: times for (public, _), times in told.items()} == {Reason.RECEIVED: 20, LOCKED: 9_980}
    assert len(loyalty.tickets("thief", limit=1000).items) == 20


class Watched:
    """A storage that notes which of its transactions may write."""

    def __init__(self, storage: Any) -> None:
        self._storage = storage
        self.writing = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    def transaction(self, *, readonly: bool = False) -> Any:
        self.writing += not readonly
        return self._storage.transaction(readonly=readonly)


@pytest.mark.parametrize("honest", [False, True])
@pytest.mark.parametrize("device", ["", "198.51.100.7"])
def test_behind_a_lock_nothing_is_locked_or_left(storage: Storage, clock: Clock, honest: bool, device: str) -> None:
    """500 numbers more, half of them known: no row is made for any, also if the thief has an order of their own."""
    watched: Any = Watched(storage)
    loyalty = door(watched, clock, per_device=20)
    if honest:
        assert ask(loyalty, 0, proof=right_proof(order(0))) is None
    for n in range(1, 22):
        ask(loyalty, n, device=device)
    before, watched.writing = len(dump(storage)["orders"]), 0
    guesses = [
        ClaimRequest(member_id=name, platform="taobao", order_no=order(n * m).order_no, device=device)
        for name in (["thief", "another"] if device else ["thief"])
        for n in range(25, 275)
        for m in (1, 1_000)
    ]
    answers = [answer for begin in range(0, len(guesses), 100) for answer in loyalty.claim_many(guesses[begin:][:100])]
    assert {(each.public.reason, each.explain("en")) for each in answers} == {(LOCKED, answers[0].explain("en"))}
    assert (len(dump(storage)["orders"]), watched.writing) == (before, 0)
    assert_sound(loyalty)


def test_behind_a_lock_everybody_has_their_own_orders(storage: Storage, clock: Clock) -> None:
    """Bound buyer, holder, a line's number, the host's word and the deny list are answered as without a lock."""
    loyalty = Loyalty(points_program(attempts=rules.Attempts(per_member=2)), storage, clock=clock)
    lines = tuple(Line(line_id=str(7_000_000_000_000_000_000 + n), paid_fen=5_000) for n in (1, 2))
    loyalty.ingest([order(1, buyer_id="b1", lines=lines), order(2), order(3), order(4, buyer_id="b1"), order(5)])
    assert ask(loyalty, 2, "m1", right_proof(order(2))) is None
    assert loyalty.bind("m0", platform="taobao", buyer_id="b1").converted
    assert loyalty.merge("m1", "m0", survivor="m1", version=1, key="k").survivor == "m1"
    for n in (30, 31, 32):
        ask(loyalty, n, "m1")
    assert ask(loyalty, 3, "m1", right_proof(order(3))) is LOCKED
    for name in ("m1", "m0"):
        assert ask(loyalty, 1, name, Proof.none()) is Reason.AUTO_CONVERTED
        assert ask(loyalty, 2, name, Proof.none()) is Reason.ALREADY_CLAIMED_BY_YOU
        line = loyalty.claim(name, platform="taobao", order_no=lines[1].line_id)
        assert line.reason is Reason.AUTO_CONVERTED
    assert ask(loyalty, 3, "m0", Proof.by_host("chat")) is None
    assert ask(loyalty, 5, "m0") is LOCKED
    loyalty.unmerge("m0", key="u")
    assert ask(loyalty, 5, "m0", right_proof(order(5))) is None
    loyalty.block("m1", reason="brushing", key="b")
    assert ask(loyalty, 30, "m1") is Reason.MEMBER_BLOCKED
    assert_sound(loyalty)


@pytest.mark.parametrize(("device", "numbers", "looked_at"), [("198.51.100.7", 1_000, 20), ("", 1, 5)])
def test_a_crowd_of_accounts_is_stopped_by_what_it_shares(
    storage: Storage, clock: Clock, device: str, numbers: int, looked_at: int
) -> None:
    """A thousand members behind one device, or at one number without any: the limit of that one thing holds for all."""
    loyalty = door(storage, clock)
    told: Counter[tuple[Any, str]] = Counter()
    for begin in range(0, 1_000, 100):
        guesses = [
            ClaimRequest(
                member_id=f"t{n}", platform="taobao", order_no=order(n % numbers).order_no, proof=WRONG, device=device
            )
            for n in range(begin, begin + 100)
        ]
        told.update((each.public, each.explain("en")) for each in loyalty.claim_many(guesses))
    assert {public.reason: times for (public, _), times in told.items()} == {
        Reason.RECEIVED: looked_at,
        LOCKED: 1_000 - looked_at,
    }
    assert len(dump(storage)["tickets"]) == looked_at
    assert_sound(loyalty)


def test_a_locked_answer_tells_nothing(storage: Storage, clock: Clock) -> None:
    """
    Public and staff text alike are one sentence, for a number that is known and one that is not.

    It is the same from a door that has seen the lock begin and from one of another process, asked the first time and
    again.
    """
    loyalty = door(storage, clock, per_member=1)
    ask(loyalty, 30)
    told = set()
    for each in (loyalty, Engine(storage, clock=clock).program(loyalty.program_id)):
        for n in (1, 99, 1, 99):
            result = each.claim("thief", platform="taobao", order_no=order(n).order_no, proof=right_proof(order(n)))
            assert (result.public.reason, result.explain("zh")) == (LOCKED, "尝试次数过多")
            assert (result.granted, result.state) == ((), "")
            told.add(attrs.evolve(result, order_no=""))
    assert len(told) == 1


@pytest.mark.parametrize("right", [1, 25, 40])
def test_right_proofs_are_no_guesses(storage: Storage, clock: Clock, right: int) -> None:
    """A buyer of forty orders claims them all in a minute."""
    loyalty = door(storage, clock, orders=right)
    assert [ask(loyalty, n, "m1", right_proof(order(n))) for n in range(right)] == [None] * right


def test_a_program_may_leave_it_to_its_host(storage: Storage, clock: Clock) -> None:
    """Without the rule nothing is counted."""
    loyalty = Loyalty(points_program(attempts=None, waiting_requests=100), storage, clock=clock)
    assert {ask(loyalty, n) for n in range(60)} == {Reason.RECEIVED}
    clock.move(days=timedelta(days=1).days)
    assert ask(loyalty, 1) is Reason.RECEIVED
