"""Crowds on real servers: an order everybody wants, a member everybody serves, work in every order at once."""

from __future__ import annotations

import random
import time
from collections import Counter
from itertools import cycle, pairwise
from typing import Final

import pytest
from builders import PROGRAM_ID, assert_sound, order, refund, right_proof
from harness import FIRST, errors_in, in_processes, open_door, reopen_door
from places import Place

from crossloyalty import ClaimRequest, ClaimResult, Loyalty, Reason
from crossloyalty.testing import dump

PROCESSES, THREADS = 4, 8
CLAIMS: Final = 2_000
HOT_CLAIMS: Final = 200
LOAD_S: Final = 5.0
LONG_LOAD_S: Final = 60.0


def shares(total: int, of: int) -> list[range]:
    """Cut the numbers below *total* into as many parts as there are callers, each of about one size."""
    edges = [total * part // of for part in range(of + 1)]
    return [range(low, high) for low, high in pairwise(edges)]


@pytest.mark.parametrize("members", [8, pytest.param(CLAIMS, marks=pytest.mark.release)])
def test_of_two_thousand_claims_of_one_order_one_wins(place: Place, members: int) -> None:
    """Of 2,000 claims of one order by many, from 4 processes of 8 threads, one gets it and all hear an answer."""
    parts = shares(CLAIMS, PROCESSES * THREADS)
    with place.open() as parent:
        open_door(parent).ingest([FIRST])

        # The parent's storage goes through the fork, its idle connection with it.
        def claim_all(door: Loyalty, process: int, thread: int) -> list[tuple[str, ClaimResult]]:
            own = reopen_door(parent) if thread % 2 else door
            asking = [f"m{process}-{thread}-{n % members}" for n in parts[process * THREADS + thread]]
            return [
                (member, own.claim(member, platform="taobao", order_no=FIRST.order_no, proof=right_proof(FIRST)))
                for member in asking
            ]

        answers = in_processes(place, claim_all, processes=PROCESSES, threads=THREADS)
        assert errors_in(answers) == []
        results = [result for each in answers for result in each]
        assert len(results) == CLAIMS
        (winner,) = (member for member, result in results if result.created)
        for member, result in results:
            mine = Reason.ALREADY_CLAIMED_BY_YOU if member == winner else Reason.ALREADY_CLAIMED
            assert result.created or result.reason is mine
        tables = dump(parent)
        assert [claim.member_id for claim in tables["claims"]] == [winner]
        assert {entry.member_id for entry in tables["entries"]} == {winner}
        assert_sound(reopen_door(parent))


def test_a_hot_member_is_served_exactly(place: Place) -> None:
    """Of 200 claims at once for one member each counts once: balances, sequence and chain are those of a queue."""
    bought = [order(1_000 + n, paid_fen=10_000 + 100 * n) for n in range(HOT_CLAIMS)]
    parts = shares(HOT_CLAIMS, PROCESSES * THREADS)
    with place.open() as storage:
        open_door(storage).ingest(bought)

        def claim_share(door: Loyalty, process: int, thread: int) -> list[bool]:
            return [
                door.claim("hot", platform="taobao", order_no=each.order_no, proof=right_proof(each)).created
                for each in (bought[n] for n in parts[process * THREADS + thread])
            ]

        answers = in_processes(place, claim_share, processes=PROCESSES, threads=THREADS)
        assert errors_in(answers) == []
        assert [created for each in answers for created in each] == [True] * HOT_CLAIMS
        tables = dump(storage)
        entries = [row.seq for row in tables["entries"]]
        events = [row.seq + place for row in tables["events"] for place in range(row.size)]
        for numbers in (entries, events):
            assert numbers == list(range(1, len(numbers) + 1))
        snapshot = reopen_door(storage).member("hot")
        assert snapshot.window_spend_fen == sum(each.paid_fen or 0 for each in bought)
        # 1 per yuan, and 5 for each full 100 yuan, at no multiplier: the tiers of this program have none.
        points = sum((each.paid_fen or 0) // 100 + (each.paid_fen or 0) // 10_000 * 5 for each in bought)
        assert snapshot.points + snapshot.pending_points == points
        assert_sound(reopen_door(storage))


MEMBERS: Final = [f"m{n}" for n in range(8)]
POOL: Final = [order(2_000 + n, platform="jd", buyer_id=f"b-{n % 12}", paid_fen=20_000) for n in range(120)]


KINDS: Final = ["claim", "bind", "claim", "refund", "ingest", "due", "adjust"]


def work(door: Loyalty, chance: random.Random, until: float) -> Counter[str]:
    """Do what locks many rows in an order of its own, until the time is over."""
    done: Counter[str] = Counter()
    for kind in cycle(chance.sample(KINDS, len(KINDS))):
        if time.monotonic() > until:
            return done
        some = chance.sample(POOL, 4)
        members = chance.sample(MEMBERS, 4)
        match kind:
            case "claim":
                done["claimed"] += sum(
                    result.created
                    for result in door.claim_many(
                        ClaimRequest(member_id=member, platform="jd", order_no=each.order_no, proof=right_proof(each))
                        for member, each in zip(members, some, strict=True)
                    )
                )
            case "bind":
                bound = door.bind(members[0], platform="jd", buyer_id=f"b-{chance.randrange(12)}")
                done["claimed"] += len(bound.converted)
            case "refund":
                door.ingest([refund(each, chance.randrange(1, 20_000)) for each in some])
            case "ingest":
                done["claimed"] += door.ingest(some).claims_created
            case "due":
                door.run_due(batch=3)
            case _:
                door.adjust(members[0], asset="points", amount=chance.randrange(1, 9), key=f"k{chance.random()}")
        done[kind] += 1
    raise AssertionError("a cycle has no end")


@pytest.mark.parametrize("seconds", [LOAD_S, pytest.param(LONG_LOAD_S, marks=pytest.mark.release)])
def test_opposite_orders_of_work_dead_lock_nobody(server_place: Place, seconds: float) -> None:
    """Claims, binds, refunds and due runs over the same rows in every order raise nothing, and all of it holds."""
    with server_place.open() as storage:
        open_door(storage).ingest(POOL[: len(POOL) // 2])

        def busy(door: Loyalty, process: int, thread: int) -> Counter[str]:
            return work(door, random.Random(10 * process + thread), time.monotonic() + seconds)

        answers = in_processes(server_place, busy, processes=4, threads=2)
        assert errors_in(answers) == []
        done = sum(answers, Counter[str]())
        assert set(done) == {*KINDS, "claimed"}
        assert done["claimed"] == len(dump(storage, PROGRAM_ID)["claims"])
        assert_sound(reopen_door(storage))
