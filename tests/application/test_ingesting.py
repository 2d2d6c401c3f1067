"""Ingest: counts, rejected rows, batches and progress; good rows are never lost because of bad ones."""

from collections.abc import Iterator

import pytest
from builders import NOW, Clock, assert_sound, day, order, points_program, refund, section8_program, shuffled

from crossloyalty import IngestProgress, Loyalty, Order, rules
from crossloyalty.application.ports import Storage
from crossloyalty.errors import InvalidInput
from crossloyalty.storage.memory import MemoryStorage
from crossloyalty.testing.dump import dump


def test_counts(storage: Storage, clock: Clock) -> None:
    """New, known, older and rejected items are counted apart."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    loyalty.bind("m1", platform="taobao", buyer_id="b1")
    items = [order(1, buyer_id="b1"), order(1, buyer_id="b1"), order(2), refund(order(3), 100), order("x"), "junk"]
    report = loyalty.ingest(items)
    assert (report.seen, report.changed, report.unchanged, report.orders_new) == (6, 3, 1, 3)
    assert (report.rejected_count, report.claims_created, report.claims_changed, report.batches) == (2, 1, 0, 1)
    assert [(r.index, r.code) for r in report.rejected] == [(4, "INVALID"), (5, "WRONG_TYPE")]
    assert all(r.sentence_zh and r.sentence_en for r in report.rejected)
    report = loyalty.ingest([refund(order(1), 5_000)])
    assert (report.changed, report.claims_changed) == (1, 1)
    assert_sound(loyalty)


def test_bad_rows_cost_no_good_ones(storage: Storage, clock: Clock) -> None:
    """Rejected rows anywhere in a batch leave the others taken in, with their place in the whole iterable."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    items: list[object] = [order(n) for n in range(10)]
    for place in (0, 4, 9):
        items[place] = order("3.8E+18")
    report = loyalty.ingest(items, batch=3)
    assert [r.index for r in report.rejected] == [0, 4, 9]
    assert (report.orders_new, report.batches) == (7, 4)


def test_progress_is_told_after_each_batch(storage: Storage, clock: Clock) -> None:
    """The callback hears how many were seen and, when the iterable says so, how many there are."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    told: list[IngestProgress] = []
    loyalty.ingest([order(n) for n in range(5)], batch=2, progress=told.append)
    assert told == [IngestProgress(2, 5), IngestProgress(4, 5), IngestProgress(5, 5)]
    told.clear()
    loyalty.ingest((order(n) for n in range(3)), batch=2, progress=told.append)
    assert told == [IngestProgress(2, None), IngestProgress(3, None)]


def test_the_iterable_is_read_batch_by_batch(storage: Storage, clock: Clock) -> None:
    """No more than one batch is drawn ahead of what is stored, and what fails later keeps what came before."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    stored_when_drawn = []

    def items() -> Iterator[Order]:
        for n in range(6):
            stored_when_drawn.append(len(dump(storage)["orders"]))
            yield order(n)
        raise RuntimeError("the file is cut")

    with pytest.raises(RuntimeError):
        loyalty.ingest(items(), batch=2)
    assert stored_when_drawn == [0, 0, 2, 2, 4, 4]
    assert len(dump(storage)["orders"]) == 6


@pytest.mark.parametrize("batch", [0, -1, 10_001, True, 1.0, None])
def test_batch_sizes_are_checked(storage: Storage, clock: Clock, batch: object) -> None:
    """A batch has 1 to 10,000 items."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    with pytest.raises(InvalidInput):
        loyalty.ingest([order(1)], batch=batch)  # type: ignore[arg-type]


def test_nothing_is_nothing(storage: Storage, clock: Clock) -> None:
    """An empty iterable is taken in without a transaction."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    report = loyalty.ingest([])
    assert (report.seen, report.batches) == (0, 0)


def test_known_facts_write_nothing(storage: Storage, clock: Clock) -> None:
    """The same messages again leave the store as it is, row for row."""
    loyalty = Loyalty(section8_program(), storage, clock=clock)
    loyalty.bind("m1", platform="taobao", buyer_id="b1")
    items = [order(1, buyer_id="b1"), order(2, buyer_id="b1"), refund(order(1), 4_000)]
    loyalty.ingest(items)
    before = dump(storage)
    clock.move(days=1)
    assert loyalty.ingest(items).unchanged == 3
    assert dump(storage) == before


def test_one_batch_is_settled_by_effective_time(clock: Clock) -> None:
    """Inside a batch first settlements go by the orders' own times, so shuffling the batch changes nothing."""
    tiers = rules.SpendTiers([rules.Level("普通", 0), rules.Level("白银", 15_000, "2")], window_days=365)
    orders = [order(n, buyer_id="b1", finished_at=day(5 + n)) for n in range(5)]
    items: list[object] = [*orders, refund(orders[0], 2_000)]
    ends = []
    for places in ([0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0], [3, 5, 0, 4, 1, 2]):
        loyalty = Loyalty(points_program(tiers=tiers), MemoryStorage(), clock=clock)
        loyalty.bind("m1", platform="taobao", buyer_id="b1")
        loyalty.ingest(shuffled(items, places))
        ends.append([(c.order_no, c.grants["points"], c.state) for c in loyalty.claims("m1").items])
        assert_sound(loyalty)
    assert ends[0] == ends[1] == ends[2]
    # 80 + 100 fall short of ¥150 … the third order crosses it, the two after it earn double.
    assert [points for _, points, _ in reversed(ends[0])] == [80, 100, 200, 200, 200]


def test_a_batch_settles_existing_claims_first(storage: Storage, clock: Clock) -> None:
    """A refund of an old claim counts before a new order of the same batch is settled under its tier."""
    tiers = rules.SpendTiers([rules.Level("普通", 0), rules.Level("白银", 10_000, "2")], window_days=365)
    loyalty = Loyalty(points_program(tiers=tiers), storage, clock=clock)
    loyalty.bind("m1", platform="taobao", buyer_id="b1")
    loyalty.ingest([order(1, buyer_id="b1")])
    assert loyalty.member("m1").tier == "白银"
    loyalty.ingest([order(2, buyer_id="b1"), refund(order(1), 1, modified_at=NOW)])
    assert {c.order_no: c.grants["points"] for c in loyalty.claims("m1").items} == {
        order(1).order_no: 99,
        order(2).order_no: 100,
    }
    assert_sound(loyalty)
