"""Merges that meet claims, refunds and each other: one survivor, and nothing lost or made (F-20, F-21)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

from builders import Clock, assert_sound, claim_of, order, points_program, refund

from crossloyalty import Loyalty, MergeResult, rules
from crossloyalty.storage.sqlite import SqliteStorage

ROUNDS = 200


def raced(pool: ThreadPoolExecutor, calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run some calls so that all begin together; what one raises is raised here."""
    gate = Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        gate.wait(30)
        return call()

    return [each.result(60) for each in [pool.submit(run, call) for call in calls]]


def opened(path: Path) -> Loyalty:
    """Open a door to a program with points, a coupon once per member and sources."""
    program = points_program(
        rules.PointsPerYuan("1"),
        rules.Coupon("HELLO", once_per="member"),
        caps=[rules.Cap("monthly", 1_000, per="month", asset="points")],
        source_tags=rules.SourceTags(),
    )
    return Loyalty(program, SqliteStorage(path, synchronous="NORMAL"), clock=Clock())


def test_f20_claim_refund_and_merge_of_one_member_at_once(tmp_path: Path) -> None:
    """In 200 rounds b claims, an order of b's is refunded and b is merged into a, in whatever order they come."""
    door = opened(tmp_path / "race.db")
    bought = [[order(10 * n + place) for place in range(3)] for n in range(ROUNDS)]
    with ThreadPoolExecutor(3) as pool:
        for n, (first, second, third) in enumerate(bought):
            a, b = f"a{n}", f"b{n}"
            door.ingest([first, second, third])
            assert claim_of(door, a, first).created
            assert claim_of(door, b, second).created
            calls = [
                lambda b=b, third=third: claim_of(door, b, third),
                lambda second=second: door.ingest([refund(second, 4_000)]),
                lambda a=a, b=b, n=n: door.merge(a, b, key=f"merge {n}"),
            ]
            raced(pool, calls[n % 3 :] + calls[: n % 3])  # whoever is handed over first gets a little ahead
            both = door.member(b)
            assert (both.member_id, both.points, both.orders) == (a, 260, 3)
            assert {claim.order_no for claim in door.claims(a).items} == {each.order_no for each in bought[n]}
    assert_sound(door)


def test_f21_merges_that_cross_end_in_one_survivor(tmp_path: Path) -> None:
    """a into b and b into a, and both into c, at once: the smallest id stands for all, in every round."""
    door = opened(tmp_path / "race.db")
    with ThreadPoolExecutor(4) as pool:
        for n in range(ROUNDS // 4):
            a, b, c = f"a{n}", f"b{n}", f"c{n}"
            for place, member in enumerate((a, b, c)):
                each = order(10 * n + place)
                door.ingest([each])
                assert claim_of(door, member, each).created
            results: list[MergeResult] = raced(
                pool,
                [
                    lambda a=a, b=b, n=n: door.merge(a, b, key=f"one {n}"),
                    lambda a=a, b=b, n=n: door.merge(b, a, key=f"other {n}"),
                    lambda b=b, c=c, n=n: door.merge(b, c, key=f"third {n}"),
                    lambda a=a, c=c, n=n: door.merge(c, a, key=f"fourth {n}"),
                ],
            )
            assert sum(result.merged for result in results) == 2
            assert {door.member(each).member_id for each in (a, b, c)} == {a}
            assert door.member(c).points == 300
    assert_sound(door)


def test_decisions_that_cross_end_with_the_newest(tmp_path: Path) -> None:
    """Of two calls at once that name either member, the greater version counts, whoever comes first."""
    door = opened(tmp_path / "race.db")
    with ThreadPoolExecutor(2) as pool:
        for n in range(ROUNDS // 8):
            a, b = f"a{n}", f"b{n}"
            for place, member in enumerate((a, b)):
                each = order(10 * n + place)
                door.ingest([each])
                assert claim_of(door, member, each).created
            raced(
                pool,
                [
                    lambda a=a, b=b, n=n: door.merge(a, b, survivor=a, version=1, key=f"one {n}"),
                    lambda a=a, b=b, n=n: door.merge(a, b, survivor=b, version=2, key=f"other {n}"),
                ],
            )
            assert door.member(a).member_id == b
            assert (door.member(a).points, len(door.member(a).coupons)) == (200, 2)
    assert_sound(door)
