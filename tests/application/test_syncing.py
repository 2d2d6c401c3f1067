"""Pulling from a platform: windows, pages, the saved place, two at once, watching for late refunds."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, timedelta
from itertools import pairwise

import attrs
import pytest
from builders import NOW, PROGRAM_ID, Clock, day, number, order, refund, right_proof
from list_source import CAPABILITIES, LIMITS, AsyncListSource, ListSource, at

from crossloyalty import (
    AsyncLoyalty,
    Loyalty,
    OrderStatus,
    Program,
    RefundStatus,
    rules,
)
from crossloyalty.application.ports import SourceCapabilities
from crossloyalty.application.sources import Doubtful, Facts, SourceLimits
from crossloyalty.domain.records import SourceRecord
from crossloyalty.errors import (
    ConfigError,
    InvalidInput,
    PlatformRefused,
    PlatformUnavailable,
    WrongType,
)
from crossloyalty.storage.memory import MemoryStorage
from crossloyalty.storage.sqlite import SqliteStorage
from crossloyalty.testing import dump


def program() -> Program:
    return Program(
        program_id=PROGRAM_ID,
        eligibility=rules.Finished(within_days=90),
        rewards=[rules.PointsPerYuan("1")],
        on_refund=rules.ClawBack(),
    )


@pytest.fixture
def store():
    return MemoryStorage()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def door(store, clock):
    return Loyalty(program(), store, clock=clock)


def ten(since_day: int = 18):
    """Ten orders, changed two hours apart from noon of a day on."""
    return [at(order(n), day(since_day) + timedelta(hours=2 * (n - 1))) for n in range(1, 11)]


def places(store):
    return {row.feed: row for row in dump(store)["sources"]}


def known(store):
    return sorted(row.order_no for row in dump(store)["orders"])


# -- windows and pages -------------------------------------------------------------------------------------------------


def test_a_sync_takes_in_what_changed(door, store):
    """Ten orders on pages of two, changed between the 18th noon and the 19th 6:00: five pages and more windows."""
    source = ListSource(ten())
    report = door.sync(source, since=day(18, 0))
    assert (report.orders_new, report.orders, report.changed, report.busy) == (10, 10, 10, [])
    assert known(store) == [number(n) for n in range(1, 11)]
    assert report.read_to == {"orders": NOW.astimezone(UTC), "refunds": NOW.astimezone(UTC)}
    place = places(store)["orders"]
    assert (place.window_from_at, place.window_to_at, place.page, place.lease_id) == (0, 0, "", "")


def test_windows_are_as_long_as_the_platform_allows_and_overlap(door):
    """From the 17th 0:00 to the 20th 12:00 in windows of a day, each but the first 600 s behind the one before."""
    source = ListSource(feeds=("orders",))
    door.sync(source, since=day(17, 0))
    windows = [(since, until) for _, since, until, _ in source.asked]
    day_s, overlap = timedelta(days=1), timedelta(seconds=600)
    assert windows[0] == (day(17, 0), day(18, 0))
    for (_, before), (since, until) in pairwise(windows):
        assert since == before - overlap
        assert until - since <= day_s
    assert windows[-1][1] == NOW
    assert len(windows) == 4


def test_the_next_sync_goes_on_with_an_overlap(door, clock):
    """An hour later, only the hour and the overlap of 600 s are asked for."""
    source = ListSource(feeds=("orders",))
    door.sync(source, since=day(19))
    source.asked.clear()
    clock.move(hours=1)
    door.sync(source, since=day(1))
    assert source.asked == [("orders", NOW - timedelta(seconds=600), NOW + timedelta(hours=1), None)]


def test_nothing_is_asked_before_what_the_platform_still_lists(door):
    """Without `since`, and with one too early, the first window begins where the platform's lists begin."""
    for since in (None, day(1, month=1)):
        source = ListSource(feeds=("orders",), shop_id=f"s{since is None}")
        door.sync(source, since=since)
        assert source.asked[0][1] == NOW - timedelta(days=30)


def test_what_may_not_be_visible_yet_is_left_for_later(door):
    """With a lag of 60 s the last window ends 60 s before now."""
    source = ListSource(feeds=("orders",), limits=attrs.evolve(LIMITS, lag_s=60))
    door.sync(source, since=day(20, 11))
    assert source.asked[-1][2] == NOW - timedelta(seconds=60)


def test_a_second_that_is_cut_falls_into_no_gap(door, clock):
    """The clock shows fractions; windows are cut to whole seconds and still touch one another."""
    source = ListSource(feeds=("orders",))
    clock.move(microseconds=700_000)
    door.sync(source, since=day(20, 11))
    assert source.asked[-1][2] == NOW
    clock.move(seconds=30)
    door.sync(source)
    assert source.asked[-1][1:3] == (NOW - timedelta(seconds=600), NOW + timedelta(seconds=30))


def test_a_drifting_order_is_found_by_the_next_sync(door, store, clock):
    """An order that changes while pages are turned leaves the window; the next sync brings its newest state."""
    source = ListSource(ten(), feeds=("orders",))

    def drift():
        if len(source.asked) == 2:
            source.orders[number(9)] = at(order(9, paid_fen=777), NOW)

    source.before = drift
    door.sync(source, since=day(18, 0))
    assert number(9) not in known(store)
    clock.move(minutes=5)
    door.sync(source)
    assert len(known(store)) == 10


def test_a_row_that_comes_twice_counts_once(door):
    """A second sync of the same rows changes nothing."""
    source = ListSource(ten(20 - 1), feeds=("orders",))
    assert door.sync(source, since=day(19, 0)).changed == 10
    again = door.sync(source, since=day(19, 0), until=day(20))
    assert (again.changed, again.unchanged, again.orders_new) == (0, 10, 0)


# -- the saved place ---------------------------------------------------------------------------------------------------


def test_an_outage_keeps_what_was_read_and_goes_on_there(door, store):
    """Two pages are stored, the third fails: the next sync asks for the third page, not for the first."""
    source = ListSource(ten(), feeds=("orders",))

    def fail():
        source.error = PlatformUnavailable("down", platform="taobao") if len(source.asked) == 3 else None

    source.before = fail
    with pytest.raises(PlatformUnavailable):
        door.sync(source, since=day(18, 0))
    assert len(known(store)) == 4
    assert places(store)["orders"].lease_id == ""
    failed = source.asked[-1]
    report = door.sync(source)
    assert source.asked[3] == failed
    assert report.orders_new == 6


def test_a_cursor_the_platform_forgot_begins_its_window_anew(door, store):
    """A stored page that the platform refuses after a break is read again from the window's first page, once."""
    source = ListSource(ten(), feeds=("orders",))

    def fail():
        source.error = None
        if len(source.asked) == 3:
            source.error = PlatformUnavailable("down", platform="taobao")
        if len(source.asked) == 4:
            source.error = PlatformRefused("no such cursor", platform="taobao")

    source.before = fail
    with pytest.raises(PlatformUnavailable):
        door.sync(source, since=day(18, 0))
    door.sync(source)
    assert source.asked[4][1:] == (*source.asked[3][1:3], None)
    assert len(known(store)) == 10


def test_a_range_is_filled_in_beside_the_running_sync(door, store):
    """A range has its own place, may be repeated, and leaves the running sync's place where it was."""
    source = ListSource(ten(10), feeds=("orders",))
    door.sync(source, since=day(19))
    before = places(store)["orders"]
    for _ in range(2):
        report = door.sync(source, since=day(9, 0), until=day(11, 0))
        assert report.read_to["orders"] == day(11, 0).astimezone(UTC)
    assert len(known(store)) == 6  # changed from the 10th noon to 22:00
    assert places(store)["orders"]._replace(version=0) == before._replace(version=0)
    assert all(since >= day(9, 0) - timedelta(seconds=600) for _, since, _, _ in source.asked)


def test_pages_that_do_not_move_on_end_in_an_error(door):
    """A platform that names the same page again is not asked for ever."""

    class Stuck(ListSource):
        def page(self, feed, since, until, page):
            super().page(feed, since, until, None)
            return Facts(next_page="p1")

    source = Stuck()
    with pytest.raises(PlatformUnavailable, match="move on"):
        door.sync(source, since=day(19))
    assert len(source.asked) == 2


@pytest.mark.parametrize("error", [KeyError("x"), ValueError("x"), RuntimeError("x"), MemoryError(), InvalidInput("x")])
def test_whatever_an_adapter_raises_comes_out_typed(door, store, error):
    """An error that is none of ours becomes `PlatformUnavailable`, half of nothing is stored, and the place is free."""
    source = ListSource(ten())
    source.error = error
    with pytest.raises(PlatformUnavailable):
        door.sync(source, since=day(18))
    assert known(store) == []
    assert {row.lease_id for row in dump(store)["sources"]} == {""}


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_passes_through(door, clock, error):
    """An interrupt is the host's; the list stays leased until the lease ends by time."""
    source = ListSource(ten())
    source.error = error()
    with pytest.raises(error):
        door.sync(source, since=day(18))
    source.error = None
    assert door.sync(source).busy == ["orders"]
    clock.move(seconds=121)
    assert door.sync(source).orders_new == 10


def test_facts_that_are_none_are_an_outage(door):
    """A source that gives something else than Facts is named, not believed."""

    class Wrong(ListSource):
        def page(self, feed, since, until, page):
            return ["order"]

    with pytest.raises(PlatformUnavailable, match="no Facts"):
        door.sync(Wrong(), since=day(19))


def many(count):
    """Give orders that change a second apart from noon of the 19th on."""
    return [at(order(n), day(19) + timedelta(seconds=n)) for n in range(1, count + 1)]


def test_pages_are_stored_a_few_at_a_time_and_never_more_than_about_1000_rows(door, store):
    """2,300 orders on pages of 100: ten at a time; each time the place is behind them."""
    source = ListSource(many(2_300), feeds=("orders",), page_rows=100)
    stored = []

    def look():
        numbers, page = known(store), places(store)["orders"].page
        stored.append(len(numbers))
        assert (json.loads(page)[1] if page else None) == max(numbers, default=None)

    source.before = look
    assert door.sync(source, since=day(19)).pages == 23
    assert stored == [*[0] * 10, *[1_000] * 10, *[2_000] * 3]
    assert len(known(store)) == 2_300


def test_slow_pages_are_stored_one_by_one(door, store, clock):
    """A platform that takes three seconds a page has each page stored before the next one is asked for."""
    source = ListSource(many(50), feeds=("orders",), page_rows=10)
    stored = []

    def slow():
        stored.append(len(known(store)))
        clock.move(seconds=3)

    source.before = slow
    door.sync(source, since=day(19))
    assert stored[:5] == [0, 10, 20, 30, 40]


def test_the_last_pages_give_the_lease_back_in_their_transaction(door, store):
    """A list of one page takes two transactions: one takes the lease, one stores the page and gives it back."""
    source = ListSource(many(50), feeds=("orders",), page_rows=100)
    door.sync(source, since=day(19))
    place = places(store)["orders"]
    assert (place.version, place.lease_id, place.lease_ends_at) == (2, "", 0)


@pytest.mark.parametrize("asked", range(2, 14))
def test_what_was_read_and_not_stored_is_read_again(door, store, clock, asked):
    """An interrupt at any page loses the pages that were held, not their orders: the next sync reads them again."""
    source = ListSource(many(1_300), feeds=("orders",), page_rows=100)

    def interrupt():
        source.error = KeyboardInterrupt() if len(source.asked) == asked else None

    source.before = interrupt
    with pytest.raises(KeyboardInterrupt):
        door.sync(source, since=day(19))
    before = len(known(store))
    assert before in (0, 1_000)
    clock.move(seconds=121)
    assert door.sync(source, since=day(19)).orders_new == 1_300 - before
    assert len(known(store)) == 1_300


def test_an_outage_stores_every_page_that_was_read(door, store):
    """The eleventh page fails: the ten before it are in, and the next sync asks for the eleventh."""
    source = ListSource(many(1_300), feeds=("orders",), page_rows=100)

    def fail():
        source.error = PlatformUnavailable("down", platform="taobao") if len(source.asked) == 11 else None

    source.before = fail
    with pytest.raises(PlatformUnavailable):
        door.sync(source, since=day(19))
    assert len(known(store)) == 1_000
    failed = source.asked[-1]
    door.sync(source)
    assert source.asked[11] == failed


class Told(ListSource):
    """Gives the same pages whatever is asked."""

    def __init__(self, *pages):
        super().__init__(feeds=("orders",))
        self.pages = pages

    def page(self, feed, since, until, page):
        self.asked.append((feed, since, until, page))
        place = int(page or 0)
        following = str(place + 1) if place + 1 < len(self.pages) else None
        return attrs.evolve(self.pages[place], next_page=following)


@pytest.mark.parametrize("sound_last", [True, False])
def test_of_what_is_in_doubt_the_last_word_of_several_pages_counts(door, sound_last):
    """An order that a later page tells soundly is in doubt no more; one that a later page doubts is."""
    sound = Facts(items=(at(order(1), day(20)),), seen=1)
    doubt = Facts(doubtful=(Doubtful(order_no=number(1), code="AMOUNT_MISMATCH", detail="1 ≠ 2"),), seen=1)
    first = Facts(items=(at(order(2), day(20)),), seen=1)
    report = door.sync(Told(first, *((doubt, sound) if sound_last else (sound, doubt))), since=day(20, 11))
    assert report.doubtful == 1
    assert [each.order_no for each in door.doubtful().items] == ([] if sound_last else [number(1)])


def test_a_row_that_stands_on_the_first_page_and_again_on_a_later_one_counts_twice_and_changes_nothing(door, store):
    """The very same row again is counted as told and unchanged; one that has changed meanwhile is taken in."""
    one, two = at(order(1), day(20, 11)), at(order(2), day(20, 11))
    changed = attrs.evolve(two, paid_fen=777, modified_at=day(20, 11) + timedelta(seconds=1))
    pages = (Facts(items=(one, two), seen=2), Facts(items=(at(order(3), day(20)),), seen=1))
    report = door.sync(Told(*pages, Facts(items=(one, changed), seen=2)), since=day(20, 11))
    assert (report.orders, report.orders_new, report.changed, report.unchanged) == (5, 3, 4, 1)
    [row] = [row for row in dump(store)["orders"] if row.order_no == number(2)]
    assert '"paid_fen":777' in row.facts


# -- two at once -------------------------------------------------------------------------------------------------------


def test_a_list_is_read_by_one_at_a_time(door, store, clock):
    """A second sync that starts while the first one reads says that the list is busy, and reads nothing."""
    source = ListSource(ten(), feeds=("orders",))
    other = Loyalty(program(), store, clock=clock)
    inner = []

    def meanwhile():
        source.before = lambda: None
        inner.append(other.sync(ListSource(ten(), feeds=("orders",))))

    source.before = meanwhile
    assert door.sync(source, since=day(18, 0)).orders_new == 10
    assert [(each.busy, each.pages) for each in inner] == [(["orders"], 0)]


def test_who_lost_the_lease_writes_nothing(door, store, clock):
    """The first reader stands still for longer than its lease; a second takes over, the first one's page is void."""
    source = ListSource(ten(), feeds=("orders",))
    other = Loyalty(program(), store, clock=clock)
    states = []

    def meanwhile():
        clock.move(seconds=3)  # so long that the first page is stored before the second is asked for
        if len(source.asked) == 2:
            clock.move(seconds=121)
            assert other.sync(ListSource(ten(), feeds=("orders",))).orders_new == 8
            states.append(dump(store))

    source.before = meanwhile
    report = door.sync(source, since=day(18, 0))
    assert report.busy == ["orders"]
    assert dump(store) == states[0]


def test_threads_that_sync_one_source_double_nothing(tmp_path):
    """Six threads over one file: every order is taken in once, whoever reads."""
    import threading

    path = tmp_path / "store.db"
    with SqliteStorage(path) as storage:
        door = Loyalty(program(), storage, clock=Clock())
        reports = []
        start = threading.Barrier(6)

        def work():
            start.wait()
            reports.append(door.sync(ListSource(ten()), since=day(18, 0)))

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(reports) == 6
        assert sum(each.orders_new for each in reports) == 10
        assert sum(each.changed for each in reports) == 10
        assert door.sync(ListSource(ten())).changed == 0


# -- refunds that no list shows ----------------------------------------------------------------------------------------

WATCHED = attrs.evolve(CAPABILITIES, watch_refunds=True, after_sale_days=15)


def watched_source(*orders, refunds=()):
    return ListSource(orders, refunds, feeds=("orders",), capabilities=WATCHED)


def test_converted_orders_are_watched_for_late_refunds(door, clock):
    """An order of 100 yuan, converted, is fetched once a day; its refund of 30 leaves 70 points."""
    bought = at(order(1, finished_at=day(18)), day(18))
    source = watched_source(bought)
    door.sync(source, since=day(17))
    door.claim("m1", platform="taobao", order_no=number(1), proof=right_proof(bought))
    assert source.fetched == []
    source.refunds["r1"] = refund(order(1), 3_000, status=RefundStatus.SUCCESS)
    clock.move(hours=23)
    assert door.sync(source).watched == 0
    clock.move(hours=1)
    assert door.sync(source).watched == 1
    assert source.fetched == [number(1)]
    assert door.member("m1").points == 70
    assert door.sync(source).watched == 0


def test_an_order_nobody_converted_costs_no_call(door, clock):
    """Without a claim the day passes without a fetch; converted later, it is fetched from then on."""
    bought = at(order(1, finished_at=day(18)), day(18))
    source = watched_source(bought)
    door.sync(source, since=day(17))
    clock.move(days=1)
    door.sync(source)
    assert source.fetched == []
    door.claim("m1", platform="taobao", order_no=number(1), proof=right_proof(bought))
    clock.move(days=1)
    door.sync(source)
    assert source.fetched == [number(1)]


def test_watching_ends_when_no_refund_can_come(door, store, clock):
    """Finished on the 18th with 15 days of after-sale: the last look is on 4 December, then the row is gone."""
    bought = at(order(1, finished_at=day(18)), day(18))
    source = watched_source(bought)
    door.sync(source, since=day(17))
    door.claim("m1", platform="taobao", order_no=number(1), proof=right_proof(bought))
    for _ in range(30):
        clock.move(days=1)
        door.sync(source)
    assert dump(store)["watches"] == []
    assert len(source.fetched) == 14  # from 21 November to 4 December


def test_nothing_is_watched_where_a_list_shows_refunds(door, store):
    """A source with a list of refunds keeps no watch list."""
    door.sync(ListSource([at(order(1), day(18))]), since=day(17))
    assert dump(store)["watches"] == []


# -- what goes into the program ----------------------------------------------------------------------------------------


def test_orders_of_bound_buyers_convert_by_themselves(door):
    """A bound buyer's finished order of 100 yuan is 100 points after the sync."""
    door.bind("m1", platform="taobao", buyer_id="b-1")
    report = door.sync(ListSource([at(order(1, buyer_id="b-1"), day(18))]), since=day(17))
    assert report.claims_created == 1
    assert door.member("m1").points == 100


def test_a_source_without_bindable_buyers_is_taken_in_without_them(door):
    """By capability, not by name: its buyers are left out, and nothing converts by itself."""
    door.bind("m1", platform="taobao", buyer_id="b-1")
    plain = SourceCapabilities(pull=True, refund_detail=True)
    report = door.sync(ListSource([at(order(1, buyer_id="b-1"), day(18))], capabilities=plain), since=day(17))
    assert (report.orders_new, report.claims_created) == (1, 0)


def test_refunds_come_with_their_own_list(door):
    """A refund of 40 yuan, listed apart and before its order, leaves 60 points."""
    bought = at(order(1), day(18))
    back = at(refund(order(1), 4_000, status=RefundStatus.SUCCESS), day(18))
    report = door.sync(ListSource([bought], [back], feeds=("refunds", "orders")), since=day(17))
    assert (report.orders, report.refunds) == (1, 1)
    assert door.claim("m1", platform="taobao", order_no=number(1), proof=right_proof(bought)).points == 60


def test_a_refused_item_spoils_nothing(door):
    """An order of a platform the program lacks is listed with its reason, the others come in."""
    strange = attrs.evolve(at(order(2), day(18)), platform="nowhere")
    report = door.sync(ListSource([at(order(1), day(18)), strange]), since=day(17))
    assert (report.orders_new, report.rejected_count, [each.code for each in report.rejected]) == (1, 1, ["INVALID"])


def test_progress_is_told_after_each_page(door):
    """The callback hears of each page once it is stored."""
    heard = []
    door.sync(ListSource(ten(), feeds=("orders",)), since=day(18, 0), progress=heard.append)
    assert [each.pages for each in heard] == list(range(1, len(heard) + 1))
    assert heard[-1].orders == 10


# -- misuse ------------------------------------------------------------------------------------------------------------


def test_misuse_is_refused(door, store):
    """Wrong times, a source of the other world, limits that contradict each other, an unknown platform."""
    with pytest.raises(InvalidInput):
        door.sync(ListSource(), until=day(19))
    with pytest.raises(InvalidInput):
        door.sync(ListSource(), since=day(19), until=day(19))
    with pytest.raises(WrongType):
        door.sync(ListSource(), since=day(19).replace(tzinfo=None))
    with pytest.raises(ConfigError):
        door.sync(AsyncListSource())
    with pytest.raises(ConfigError):
        door.sync([order(1)])
    with pytest.raises(ConfigError):
        door.sync(ListSource(limits=SourceLimits(longest_window_s=600, overlap_s=600)))
    with pytest.raises(ConfigError):
        door.sync(ListSource(platform="nowhere"))
    with pytest.raises(ConfigError):
        asyncio.run(AsyncLoyalty(program(), store).sync(ListSource()))
    assert dump(store)["sources"] == []


def test_no_sync_inside_a_hosts_transaction(tmp_path):
    """A joined door holds a transaction open, so it calls no platform."""
    import sqlite3

    with SqliteStorage(tmp_path / "s.db") as storage:
        door = Loyalty(program(), storage, clock=Clock())
        connection = sqlite3.connect(tmp_path / "s.db", isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(ConfigError, match="no transaction"):
            door.joined(connection).sync(ListSource())
        connection.close()


# -- both worlds -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_an_asynchronous_host_stores_the_same(kind, tmp_path):
    """The asynchronous door over a plain storage ends with the same records; the source is awaited in the loop."""
    plain = MemoryStorage()
    source = ListSource(ten(), [at(refund(order(3), 500), day(19))])
    Loyalty(program(), plain, clock=Clock()).sync(source, since=day(18, 0))
    other = MemoryStorage() if kind == "memory" else SqliteStorage(tmp_path / "s.db")
    awaited = AsyncListSource(ten(), [at(refund(order(3), 500), day(19))])
    loops = []
    awaited.before = lambda: loops.append(asyncio.get_running_loop())

    async def main():
        return await AsyncLoyalty(program(), other, clock=Clock()).sync(awaited, since=day(18, 0))

    report = asyncio.run(main())
    assert report.orders_new == 10
    assert loops
    assert dump(other) == dump(plain)
    if kind == "sqlite":
        other.close()


def test_the_place_is_a_record_like_any_other(store, door):
    """Its key is program, platform, shop and list."""
    door.sync(ListSource(), since=day(19))
    assert {row[:4] for row in dump(store)["sources"]} == {
        (PROGRAM_ID, "taobao", "s1", "orders"),
        (PROGRAM_ID, "taobao", "s1", "refunds"),
    }
    assert all(isinstance(row, SourceRecord) for row in dump(store)["sources"])


def test_a_finished_order_that_waits_converts_when_it_comes(door):
    """A request made before the sync becomes a claim by the sync."""
    bought = at(order(1, status=OrderStatus.FINISHED), day(18))
    door.claim("m1", platform="taobao", order_no=number(1), proof=right_proof(bought))
    assert door.sync(ListSource([bought]), since=day(17)).claims_created == 1
