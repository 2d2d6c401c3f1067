"""A member at a glance: bounded reading, and the same figures as all lots would give."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from builders import Clock, convert, day, order, points_program, section8_program

from crossloyalty import Loyalty, OrderStatus, rules
from crossloyalty.application.holdings import COUPONS, EXACT, SOONEST
from crossloyalty.application.ports import Scan, Storage
from crossloyalty.domain.coming import may_come
from crossloyalty.domain.effective import effective_order, status_and_paid
from crossloyalty.domain.facts import load_facts
from crossloyalty.domain.records import OrderRecord
from crossloyalty.storage.memory import MemoryStorage


class Counting:
    """A storage that counts what is asked of it: reads, and the rows they give."""

    def __init__(self, inner: Storage) -> None:
        self.inner = inner
        self.reads = self.rows = 0

    @contextmanager
    def transaction(self, *, readonly: bool = False) -> Iterator[Any]:
        with self.inner.transaction(readonly=readonly) as tx:
            read = tx.read

            def counted(*asked: Any, **named: Any) -> Any:
                found = read(*asked, **named)
                self.reads += 1
                self.rows += len(found.records) + sum(map(len, found.rows))
                return found

            yield _Counted(tx, counted)

    def cost(self, loyalty: Loyalty, member_id: str) -> tuple[int, int]:
        """Give the reads and the rows that a look at a member takes."""
        self.reads = self.rows = 0
        loyalty.member(member_id)
        return self.reads, self.rows


class _Counted:
    def __init__(self, inner: Any, read: Any) -> None:
        self.inner, self.read = inner, read

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def test_a_look_reads_no_more_after_500_orders_than_after_200(clock: Clock) -> None:
    """
    As many reads as of a member with 10 orders, and at most the 40 orders and 20 lots more that the bounds allow.

    Each order has opened three lots, so a look at all of them would read 1,500 rows.
    """
    storage = Counting(MemoryStorage())
    loyalty = Loyalty(section8_program(), storage, clock=clock)
    convert(loyalty, "few", *(order(n) for n in range(10)))
    convert(loyalty, "some", *(order(n) for n in range(100, 300)))
    convert(loyalty, "many", *(order(n) for n in range(1_000, 1_500)))
    clock.set(day(20, month=12))
    loyalty.run_due()
    few, some, many = (storage.cost(loyalty, who) for who in ("few", "some", "many"))
    assert few[0] == some[0] == many[0]
    assert many[1] <= some[1]
    assert many[1] - few[1] <= 40 + SOONEST
    assert loyalty.member("many").orders == 500


def test_what_expires_next_is_exact_up_to_200_entries_and_the_least_beyond(storage: Storage, clock: Clock) -> None:
    """
    100 points each that all expire at once: 200 lots are 20,000; of 201 lots 20 are counted, 2,000, and that is said.
    """
    loyalty = Loyalty(points_program(rules.PointsPerYuan("1", expires_months=12)), storage, clock=clock)
    convert(loyalty, "m1", *(order(n) for n in range(EXACT)))
    points = loyalty.member("m1").balances["points"]
    assert (points.available, points.expires_next, points.expires_next_more) == (20_000, 20_000, False)
    convert(loyalty, "m1", order(EXACT))
    points = loyalty.member("m1").balances["points"]
    assert (points.available, points.expires_next, points.expires_next_more) == (20_100, 2_000, True)
    assert SOONEST == 20


def test_expired_points_of_many_lots_are_not_spendable_unswept(storage: Storage, clock: Clock) -> None:
    """30 lots of 100 expire at one instant: a microsecond before all can be spent, from it on none, swept or not."""
    loyalty = Loyalty(points_program(rules.PointsPerYuan("1", expires_months=2)), storage, clock=clock)
    convert(loyalty, "m1", *(order(n) for n in range(30)))
    ends = loyalty.member("m1").balances["points"].expires_next_at
    assert ends is not None
    clock.set(ends - timedelta(microseconds=1))
    points = loyalty.member("m1").balances["points"]
    assert (points.available, points.expires_next, points.expires_next_at) == (3_000, 3_000, ends)
    clock.set(ends)
    before = loyalty.member("m1").balances["points"]
    assert (before.available, before.expires_next, before.expires_next_at) == (0, 0, None)
    assert loyalty.run_due().expired == 30
    assert loyalty.member("m1").balances["points"] == before


def test_of_more_than_100_coupons_100_are_listed_and_a_used_one_makes_room(storage: Storage, clock: Clock) -> None:
    """51 of each of two kinds are 102: the first 100 by number; each that is used lets the next one in."""
    coupons = rules.Coupon("ONE", once_per="order"), rules.Coupon("TWO", once_per="order")
    loyalty = Loyalty(points_program(*coupons), storage, clock=clock)
    convert(loyalty, "m1", *(order(n) for n in range(50)))
    first = loyalty.member("m1").coupons
    assert len(first) == COUPONS == 100
    convert(loyalty, "m1", order(50))
    assert loyalty.member("m1").coupons == first
    for piece in first[:2]:
        assert loyalty.use_coupon("m1", lot_no=piece.lot_no, key=f"use {piece.lot_no}").used
    later = loyalty.member("m1").coupons
    assert later[:-2] == first[2:]
    assert {piece.code for piece in later[-2:]} == {"ONE", "TWO"}


@pytest.mark.parametrize("status", list(OrderStatus))
def test_only_what_is_paid_and_not_finished_may_come(storage: Storage, clock: Clock, status: OrderStatus) -> None:
    """The quick look at an order's text agrees with its status, and a list shows what the whole order says."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    loyalty.ingest([order(1, status=status)])
    facts = _facts(storage, loyalty)
    whole = effective_order(load_facts(facts))
    assert whole is not None
    assert may_come(facts) == (status.value in ("PAID", "SHIPPED", "SIGNED"))
    assert status_and_paid(load_facts(facts)) == (whole.status, whole.paid_fen)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"paid_fen": 7},
        {"shipping_fen": 3},
        {"lines": [{"paid_fen": 5}, {"paid_fen": 6}], "shipping_fen": 3},
        {"lines": [{"paid_fen": 5}, {}], "shipping_fen": 3},
        {"lines": [{"paid_fen": 5}], "paid_fen": 9, "status": "PAID"},
        {"lines": []},
    ],
)
def test_a_list_shows_the_status_and_the_payment_of_the_whole_order(fields: dict[str, Any]) -> None:
    """Whatever a source has left unstated, both ways of reading an order give the same."""
    facts = {"snapshots": {"EXPORT": {"version": [1, 1, ""], "fields": {"platform": "jd", **fields}}}, "refunds": {}}
    whole = effective_order(facts)
    assert whole is not None
    assert status_and_paid(facts) == (whole.status, whole.paid_fen)
    assert status_and_paid({"snapshots": {}, "refunds": {}}) is None


def _facts(storage: Storage, loyalty: Loyalty) -> str:
    with storage.transaction(readonly=True) as tx:
        (row,) = tx.read(scans=[Scan(OrderRecord, (points_program().program_id,))]).rows[0]
    assert isinstance(row, OrderRecord)
    return row.facts
