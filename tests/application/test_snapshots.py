"""A member at a glance: bounded reading, and the same figures as all lots would give."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from builders import Clock, convert, day, order, points_program, section8_program

from crossloyalty import Loyalty, OrderStatus, rules
from crossloyalty.application.holdings import COUPONS, EXACT, SOONEST
from crossloyalty.application.orderstate import OrderState
from crossloyalty.application.ports import Storage
from crossloyalty.domain.facts import merge_order
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
    As many reads as of a member with 10 orders, and at most the 10 orders and 20 lots more that the bounds allow.

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
    assert many[1] - few[1] <= 10 + SOONEST
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
def test_only_what_is_paid_and_not_finished_is_on_its_way(status: OrderStatus) -> None:
    """An order counts as coming from the moment by which it is listed, and not at all before and behind."""
    state = OrderState(OrderRecord("p", "jd", "1"), None, ())
    assert merge_order(state.facts, order(1, "jd", status=status))
    state.facts_changed()
    row = state.row()
    coming = status.value in ("PAID", "SHIPPED", "SIGNED")
    assert (row.status, row.coming_at) == (status.value, row.effective_at if coming else None)
    assert row.effective_at > 0


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({}, ("UNPAID", 0)),
        ({"paid_fen": 7}, ("UNPAID", 7)),
        ({"shipping_fen": 3}, ("UNPAID", 0)),
        ({"lines": [{"paid_fen": 5}, {"paid_fen": 6}], "shipping_fen": 3}, ("UNPAID", 14)),
        ({"lines": [{"paid_fen": 5}, {}], "shipping_fen": 3}, ("UNPAID", 0)),
        ({"lines": [{"paid_fen": 5}], "paid_fen": 9, "status": "PAID"}, ("PAID", 9)),
        ({"lines": []}, ("UNPAID", 0)),
    ],
)
def test_a_row_shows_the_status_and_the_payment_of_the_whole_order(
    fields: dict[str, Any], shown: tuple[str, int]
) -> None:
    """Whatever a source has left unstated; a later write that tells nothing of the order leaves both as they are."""
    state = OrderState(OrderRecord("p", "jd", "1"), None, ())
    state.facts["snapshots"] = {"EXPORT": {"version": [1, 1, ""], "fields": {"platform": "jd", **fields}}}
    state.facts_changed()
    row = state.row()
    assert (row.status, row.paid_fen) == shown
    again = OrderState(row, None, ())
    again.owner_id = "m1"
    assert again.row() == row._replace(owner_id="m1")


def test_an_order_on_its_way_counts_behind_any_number_of_newer_ones(storage: Storage, clock: Clock) -> None:
    """60 finished orders are newer than the 300 that are shipped, which count all the same until they are finished."""
    loyalty = Loyalty(points_program(tiers=rules.SpendTiers({"普通": 0, "白银": 1_000_000})), storage, clock=clock)
    loyalty.bind("m1", platform="jd", buyer_id="b-1")
    shipped = order(1, "jd", paid_fen=30_000, status=OrderStatus.SHIPPED, finished_at=None, buyer_id="b-1")
    loyalty.ingest([shipped])
    convert(loyalty, "m1", *(order(n) for n in range(100, 160)))
    member = loyalty.member("m1")
    assert (member.coming_spend_fen, member.next_tier_gap_fen) == (30_000, 1_000_000 - 60 * 10_000 - 30_000)
    assert "SHIPPED" not in {each.status for each in member.newest_orders}
    loyalty.ingest([order(1, "jd", paid_fen=30_000, buyer_id="b-1")])
    member = loyalty.member("m1")
    assert (member.orders, member.coming_spend_fen, member.next_tier_gap_fen) == (61, 0, 370_000)


def test_of_more_than_50_orders_on_their_way_the_newest_50_count(storage: Storage, clock: Clock) -> None:
    """51 shipped orders of 100, paid a minute apart: the earliest, of 900, is left out."""
    loyalty = Loyalty(points_program(tiers=rules.SpendTiers({"普通": 0, "白银": 1_000_000})), storage, clock=clock)
    loyalty.bind("m1", platform="jd", buyer_id="b-1")
    loyalty.ingest(
        order(
            n,
            "jd",
            paid_fen=10_000 if n else 90_000,
            status=OrderStatus.SHIPPED,
            paid_at=day(5) + timedelta(minutes=n),
            finished_at=None,
            buyer_id="b-1",
        )
        for n in range(51)
    )
    assert loyalty.member("m1").coming_spend_fen == 500_000
