"""A Douyin shop read over HTTP from its double: pages that shift, tokens, faults, pushed messages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
from window_reader import Clock, newest, pull

from crossloyalty.adapters.douyin import AsyncDouyinSource, DouyinSource
from crossloyalty.adapters.wire.dialect import SendingOptions
from crossloyalty.application.sources import PullSource, PushSource
from crossloyalty.domain.orders import Order, OrderStatus, Refund, RefundStatus
from crossloyalty.errors import ConfigError, ForgedMessage, InvalidInput, PlatformRefused, PlatformUnavailable
from crossloyalty.testing.doubles import Book, FaultKind, Faults, Reply
from crossloyalty.testing.doubles.douyin import DouyinDouble

NOW = datetime(2024, 7, 20, 4, 0, tzinfo=UTC)
SINCE = NOW - timedelta(hours=3)
LOOPBACK = SendingOptions(allow_loopback=True, try_s=2.0, deadline_s=20.0, tries=6)


def new_book(count: int = 0) -> Book:
    """Give a book whose orders were changed in the three hours before now."""
    book = Book("douyin", "4463798", number=DouyinDouble.order_number)
    book.fill(count, since=SINCE, until=NOW - timedelta(minutes=4))
    return book


@pytest.fixture
def clock() -> Clock:
    """Give the clock of source and double."""
    return Clock(NOW)


@pytest.fixture
def double(clock: Clock) -> Iterator[DouyinDouble]:
    """Give a running double of a shop without orders."""
    with DouyinDouble(new_book(), clock=clock) as running:
        yield running


def source_at(double: DouyinDouble, **changes: Any) -> DouyinSource:
    """Give an authorised source at a double."""
    source = DouyinSource(double.settings(**changes), options=LOOPBACK, clock=double.clock, sleep=lambda _: None)
    source.authorise("code-1")
    return source


def seen(order: Order) -> tuple[object, ...]:
    """Give what of an order has to be the book's."""
    lines = [(line.line_id, line.paid_fen, line.status, line.product_id, line.quantity) for line in order.lines or ()]
    return order.order_no, order.status, order.buyer_id, order.paid_fen, order.shipping_fen, order.finished_at, lines


def told(order: Order) -> Order:
    """Give the order of the book as the platform can tell it: what was never paid counts nothing."""
    if order.status is not OrderStatus.UNPAID:
        return order
    lines = tuple(attrs.evolve(line, paid_fen=0) for line in order.lines or ())
    return attrs.evolve(order, paid_fen=0, shipping_fen=0, lines=lines)


def test_every_order_is_read_though_orders_change_and_calls_fail(clock: Clock) -> None:
    """1,000 orders from a double that drifts, throttles, drops and expires tokens: none missing, amounts to the fen."""
    faults = Faults(
        every={FaultKind.THROTTLE: 11, FaultKind.DROP: 17, FaultKind.HTML: 23, FaultKind.ERROR: 29, FaultKind.CUT: 31},
        expire_every=60,
        drift_every=1,
    )
    with DouyinDouble(new_book(1_000), faults=faults, clock=clock) as double:
        source = source_at(double)
        read = [facts for feed in source.feeds for facts in pull(source, feed, SINCE, clock.now)]
        first = {each.order_no for each in newest(read).values() if isinstance(each, Order)}
        # What had not changed meanwhile was all read in the first round, whatever left the window beside it.
        assert {each.order_no for each in double.book.orders_changed(SINCE, NOW)} <= first
        double.faults.drift_every = 0
        clock.now += timedelta(minutes=10)
        again = clock.now - timedelta(minutes=30)
        read += [facts for feed in source.feeds for facts in pull(source, feed, again, clock.now)]
        found = newest(read)
        orders = [found.pop(order.order_no) for order in double.book.orders()]
        refunds = [found.pop(f"refund {refund.refund_id}") for refund in double.book.refunds()]
        assert found == {}
        assert [seen(order) for order in orders if isinstance(order, Order)] == [
            seen(told(order)) for order in double.book.orders()
        ]
        assert [(each.amount_fen, each.line_id, each.status) for each in refunds if isinstance(each, Refund)] == [
            (each.amount_fen, each.line_id, each.status) for each in double.book.refunds()
        ]
        assert double.refused == []
        assert 0 < double.refreshes <= double.expiries
        assert double.pages > 10


def pages_of(source: DouyinSource, since: datetime, until: datetime) -> list[tuple[str | None, int]]:
    """Read a window of orders and give each page with how many rows it had."""
    page, pages = None, []
    while True:
        facts = source.page("orders", since, until, page)
        pages.append((page, facts.seen))
        page = facts.next_page
        if page is None:
            return pages


def test_pages_go_on_from_the_last_time_seen(double: DouyinDouble) -> None:
    """250 orders, one a second: 100, then on from the second of the last one, which is read again."""
    double.book.fill(250, since=SINCE, until=SINCE + timedelta(seconds=250), refunded=0)
    begin = int(SINCE.timestamp())
    assert pages_of(source_at(double), SINCE, NOW) == [(None, 100), (f"{begin + 99}.0", 100), (f"{begin + 198}.0", 52)]


def test_more_than_a_page_in_one_second_is_counted_backwards(double: DouyinDouble) -> None:
    """250 orders changed in one second and one in the next: up to the last page of that second, down, and on."""
    double.book.fill(250, since=SINCE, until=SINCE, refunded=0)
    double.book.fill(1, since=SINCE + timedelta(seconds=1), until=SINCE + timedelta(seconds=1), refunded=0)
    begin = int(SINCE.timestamp())
    second = f"{begin}-{begin + 1}"
    assert pages_of(source_at(double), SINCE, NOW) == [
        (None, 100),
        (f"{second}.1.0.0", 0),
        (f"{second}.2.0.0", 50),
        (f"{second}.1.250.0", 100),
        (f"{second}.0.250.0", 100),
        (f"{begin + 1}.0", 1),
    ]


def test_more_than_a_page_of_cases_in_one_second_is_read(double: DouyinDouble) -> None:
    """150 cases of one second come as such orders do."""
    double.book.fill(150, since=SINCE, until=SINCE, refunded=0)
    for order in double.book.orders():
        double.book.refund(order.order_no, at=SINCE, status=RefundStatus.OPEN, amount_fen=1)
    read = pull(source_at(double), "refunds", SINCE, NOW)
    assert [facts.seen for facts in read] == [100, 50, 100, 0]
    assert set(newest(read)) == {f"refund {each.refund_id}" for each in double.book.refunds()}


@pytest.mark.parametrize("count", [101, 200, 250, 400])
def test_nothing_of_one_second_is_lost_while_its_orders_change(clock: Clock, count: int) -> None:
    """Orders changed two hours ago in one second, of which three change with every page: all are read."""
    with DouyinDouble(new_book(), faults=Faults(drift_every=1, drift_orders=3), clock=clock) as double:
        double.book.fill(count, since=NOW - timedelta(hours=2), until=NOW - timedelta(hours=2), refunded=0)
        source = source_at(double)
        read = pull(source, "orders", SINCE, clock.now)
        changed = {each.order_no for each in double.book.orders() if each.modified_at == NOW}
        assert changed
        first = {each.order_no for each in newest(read).values() if isinstance(each, Order)}
        double.faults.drift_every = 0
        clock.now += timedelta(minutes=10)
        # All that an ordinary sync reads again is its overlap, and what has changed since.
        read += pull(source, "orders", NOW - timedelta(seconds=330), clock.now)
        assert {each.order_no for each in double.book.orders()} - changed <= first
        assert set(newest(read)) == {each.order_no for each in double.book.orders()}


class _Unsorted(DouyinDouble):
    """Gives the orders of a page in another order, or without the time of their change."""

    timeless = False

    def _order_page(self, asked: Mapping[str, Any]) -> Reply:
        value = json.loads(super()._order_page(asked).body)
        rows = value["data"]["shop_order_list"]
        rows.reverse()
        for row in rows:
            row["update_time"] = 0 if self.timeless else row["update_time"]
        return Reply.of(value)


@pytest.mark.parametrize("timeless", [False, True])
def test_a_list_that_is_not_sorted_is_counted_backwards(clock: Clock, timeless: bool) -> None:
    """Where the times of a page do not lead on, all that is left is counted, and nothing is lost."""
    with _Unsorted(new_book(), faults=Faults(drift_every=1, drift_orders=3), clock=clock) as double:
        double.timeless = timeless
        double.book.fill(350, since=SINCE, until=NOW - timedelta(hours=1), refunded=0)
        source = source_at(double)
        read = [item for facts in pull(source, "orders", SINCE, clock.now) for item in facts.items]
        left = {each.order_no for each in double.book.orders_changed(SINCE, NOW)}
        assert left <= {each.order_no for each in read}
        assert len(double.calls) < 15


class _Stale(DouyinDouble):
    """States another number of all orders than there are."""

    stated: int | None = None

    def _order_page(self, asked: Mapping[str, Any]) -> Reply:
        value = json.loads(super()._order_page(asked).body)
        value["data"]["total"] = self.stated
        return Reply.of(value)


@pytest.mark.parametrize("stated", [None, 0, 100, 250, 399, 700, 1_000_000])
def test_the_stated_number_of_orders_is_not_relied_on(clock: Clock, stated: int | None) -> None:
    """Whatever number is stated, 400 orders of one second are read, in 1,600 calls at most."""
    with _Stale(new_book(), clock=clock) as double:
        double.stated = stated
        double.book.fill(400, since=SINCE, until=SINCE, refunded=0)
        read = pull(source_at(double), "orders", SINCE, clock.now)
        assert set(newest(read)) == {each.order_no for each in double.book.orders()}
        assert len(double.calls) < 1_600


class _Endless(DouyinDouble):
    """Gives its first page whatever page is asked for."""

    def _order_page(self, asked: Mapping[str, Any]) -> Reply:
        return super()._order_page({**asked, "page": 0})


def test_pages_without_an_end_are_an_outage(clock: Clock) -> None:
    """A list that never ends is not read for ever, and not taken for one that was read."""
    with _Endless(new_book(), clock=clock) as double:
        double.book.fill(101, since=SINCE, until=SINCE, refunded=0)
        with pytest.raises(PlatformUnavailable, match="50000 rows"):
            pages_of(source_at(double), SINCE, NOW)
        assert len(double.calls) < 510


@pytest.mark.parametrize("page", ["", "x", "1", "1.0.0", "-1.0", "1-1.1.0.0", "2-1.1.0.0", "1-2.1.0.10", "1-2.1.0"])
def test_a_place_nobody_gave_out_is_refused(double: DouyinDouble, page: str) -> None:
    """A place that is none is a mistake of the caller, and nothing is asked."""
    with pytest.raises(InvalidInput):
        source_at(double).page("orders", SINCE, NOW, page)
    assert double.calls == ["POST /token/create"]


def test_a_full_last_page_is_followed_by_nothing(double: DouyinDouble) -> None:
    """Exactly 100 orders: the next page holds the last of them again and ends the window."""
    double.book.fill(100, since=SINCE, until=SINCE + timedelta(seconds=100), refunded=0)
    assert pages_of(source_at(double), SINCE, NOW) == [(None, 100), (f"{int(SINCE.timestamp()) + 99}.0", 1)]


def test_windows_are_half_open_and_in_whole_seconds(double: DouyinDouble) -> None:
    """An order changed at the end of a window belongs to the next one, and no part of a second falls between."""
    double.book.fill(2, since=SINCE, until=SINCE + timedelta(seconds=2), refunded=0)
    source, second = source_at(double), timedelta(seconds=1)
    assert pages_of(source, SINCE, SINCE + second) == [(None, 1)]
    assert pages_of(source, SINCE + second, SINCE + 2 * second) == [(None, 1)]
    assert pages_of(source, SINCE, SINCE + second + timedelta(microseconds=1)) == [(None, 2)]


class _OneBad(DouyinDouble):
    """Tells one order in ten wrongly."""

    def _order(self, order: Order) -> dict[str, Any]:
        told = super()._order(order)
        return told if int(order.order_no) % 100 else {**told, "pay_amount": 1 + told["pay_amount"]}


def test_one_bad_order_does_not_spoil_its_page(clock: Clock) -> None:
    """Of 50 orders 5 have a fen too much: those go to review, and the other 45 are read."""
    with _OneBad(new_book(), clock=clock) as double:
        double.book.fill(50, since=SINCE, until=NOW, refunded=0)
        for order in double.book.orders():
            double.book.put(attrs.evolve(order, status=OrderStatus.SHIPPED, paid_at=SINCE))
        facts = source_at(double).page("orders", SINCE, NOW, None)
        assert (len(facts.items), len(facts.doubtful), facts.seen) == (45, 5, 50)
        assert {each.code for each in facts.doubtful} == {"AMOUNT_MISMATCH"}


def test_one_order_is_fetched_with_its_refunds(double: DouyinDouble) -> None:
    """A fetch gives the order and every case of it, and nothing for unknown numbers or other forms."""
    double.book.fill(1, since=SINCE, until=NOW, refunded=0)
    [order] = double.book.orders()
    double.book.put(attrs.evolve(order, status=OrderStatus.FINISHED, finished_at=SINCE, paid_at=SINCE))
    double.book.refund(order.order_no, at=SINCE, status=RefundStatus.CLOSED)
    double.book.refund(order.order_no, at=NOW, amount_fen=1)
    source = source_at(double)
    facts = source.fetch(order.order_no)
    assert [item.status for item in facts.items] == [RefundStatus.CLOSED, RefundStatus.SUCCESS, OrderStatus.FINISHED]
    last = facts.items[-1]
    assert isinstance(last, Order)
    assert (last.refund_open, last.buyer_scope) == (False, "3400000000000000001/4463798")
    assert source.fetch("6999999999999999999").items == ()
    calls = len(double.calls)
    for other in ("", "240701-355530178600001", "1", "6" * 22):
        assert source.fetch(other).items == ()
    assert len(double.calls) == calls


class _Busy(DouyinDouble):
    """Changes an order's first case once, behind the first page of them."""

    def _case_page(self, asked: Mapping[str, Any]) -> Reply:
        reply = super()._case_page(asked)
        if "order_id" in asked and self.calls.count("POST /afterSale/List") == 1:
            first = self.book.refunds(asked["order_id"])[0]
            self.book._refunds[first.refund_id] = attrs.evolve(first, modified_at=NOW)
        return reply


def test_no_case_of_an_order_is_lost_while_its_cases_change(clock: Clock) -> None:
    """Of 150 cases one changes while they are read, and pulls another one onto the page that was read already."""
    with _Busy(new_book(1), clock=clock) as double:
        [order] = double.book.orders()
        for part in range(150):
            double.book.refund(order.order_no, at=SINCE + timedelta(seconds=part), amount_fen=1)
        facts = source_at(double).fetch(order.order_no)
        found = {each.refund_id for each in facts.items if isinstance(each, Refund)}
        assert found == {each.refund_id for each in double.book.refunds(order.order_no)}


def test_a_list_that_does_not_exist_is_refused(double: DouyinDouble) -> None:
    """A feed by another name is a mistake of the caller."""
    with pytest.raises(InvalidInput):
        source_at(double).page("reviews", SINCE, NOW, None)


def test_an_app_of_the_shops_own_needs_no_code(double: DouyinDouble) -> None:
    """Its tokens are got when they are first wanted, and again when they are over."""
    source = DouyinSource(double.settings(self_use=True), options=LOOPBACK, clock=double.clock, sleep=lambda _: None)
    assert source.fetch("6999999999999999999").items == ()
    double.faults.at = {len(double.calls) + 1: FaultKind.EXPIRE}
    assert source.fetch("6999999999999999999").items == ()
    assert (double.refreshes, double.expiries) == (2, 1)


def test_a_tool_has_to_be_authorised_first(double: DouyinDouble) -> None:
    """A tool of somebody else's gets no tokens without the merchant's code."""
    source = DouyinSource(double.settings(), options=LOOPBACK, clock=double.clock, sleep=lambda _: None)
    with pytest.raises(PlatformRefused, match="authorise"):
        source.fetch("6999999999999999999")
    with pytest.raises(PlatformRefused, match="50002"):
        source.authorise("code-2")
    assert double.calls == ["POST /token/create"]


def test_the_tokens_of_another_shop_are_refused(double: DouyinDouble) -> None:
    """A merchant who authorises with another shop is told, and nothing of it is stored."""
    source = DouyinSource(double.settings(shop_id="1"), options=LOOPBACK, clock=double.clock, sleep=lambda _: None)
    with pytest.raises(PlatformRefused, match="another shop"):
        source.authorise("code-1")


@pytest.mark.parametrize("kind", [FaultKind.WRONG, FaultKind.EMPTY, FaultKind.DEEP, FaultKind.BOMB, FaultKind.REDIRECT])
def test_answers_of_no_use_are_typed_errors_without_secrets(double: DouyinDouble, kind: FaultKind) -> None:
    """Whatever comes back, the error is the platform's, names the call, and holds no token and no secret."""
    source = source_at(double)
    double.faults.always = kind
    with pytest.raises((PlatformUnavailable, PlatformRefused)) as caught:
        source.page("orders", SINCE, NOW, None)
    assert caught.value.platform == "douyin"
    assert "canary" not in f"{caught.value!s}{caught.value.__cause__!r}{caught.value.__context__!r}"


def test_a_wrong_signature_is_noticed_by_the_double(double: DouyinDouble) -> None:
    """The double is no yes-man: a call signed with another secret is refused for good."""
    source = DouyinSource(double.settings(app_secret="other"), options=LOOPBACK, clock=double.clock)
    with pytest.raises(PlatformRefused, match="isv"):
        source.authorise("code-1")
    assert double.refused == ["sign is wrong"]


def test_both_digests_are_taken(double: DouyinDouble) -> None:
    """Calls signed with MD5 are understood as well."""
    assert source_at(double, sign_method="md5").fetch("6999999999999999999").items == ()


def test_addresses_elsewhere_are_not_called(double: DouyinDouble) -> None:
    """Without the option for tests the loopback address is refused before anything is sent."""
    source = DouyinSource(double.settings(), clock=double.clock, sleep=lambda _: None)
    with pytest.raises(ConfigError):
        source.authorise("code-1")
    assert double.calls == []


def test_pushed_messages_are_verified_and_name_what_to_fetch(double: DouyinDouble) -> None:
    """A genuine message names order and case; a changed body, a missing signature or another form is refused."""
    double.book.fill(1, since=SINCE, until=NOW, refunded=0)
    [order] = double.book.orders()
    source = source_at(double)
    incoming = double.message(order.order_no, refund_id="910000000001")
    [pushed] = source.verify(incoming, NOW)
    assert (pushed.order_no, pushed.refund_id, pushed.shop_id) == (order.order_no, "910000000001", "4463798")
    assert source.fetch(pushed.order_no, pushed.refund_id).seen == 1
    for forged in (
        attrs.evolve(incoming, body=incoming.body.replace(b"103", b"206") + b" "),
        attrs.evolve(incoming, headers={}),
        attrs.evolve(incoming, body=b""),
    ):
        with pytest.raises(ForgedMessage):
            source.verify(forged, NOW)
    taken, not_taken = source.acknowledge(incoming, True), source.acknowledge(incoming, False)
    assert (taken.status, taken.body) == (200, b'{"code":0,"msg":"success"}')
    assert not_taken.status == 500
    assert not_taken.body != taken.body


def test_both_kinds_of_host_have_their_source(double: DouyinDouble) -> None:
    """Plain and asynchronous sources say the same of themselves."""
    plain, awaited = source_at(double), AsyncDouyinSource(double.settings(), options=LOOPBACK)
    assert isinstance(plain, PullSource)
    assert isinstance(plain, PushSource)
    for name in ("platform", "shop_id", "capabilities", "limits", "feeds"):
        assert getattr(plain, name) == getattr(awaited, name)
    assert (plain.capabilities.auto_convert, plain.capabilities.buyer_id_scope) == (True, "shop")
    plain.close()


async def _authorise_and_fetch(double: DouyinDouble, order_no: str) -> int:
    source = AsyncDouyinSource(double.settings(), options=LOOPBACK, clock=double.clock)
    await source.authorise("code-1")
    facts = await source.fetch(order_no)
    await source.close()
    return facts.seen


def test_the_asynchronous_source_reads_the_same(double: DouyinDouble) -> None:
    """From an event loop the order is fetched with the same coroutines."""
    double.book.fill(1, since=SINCE, until=NOW, refunded=0)
    assert asyncio.run(_authorise_and_fetch(double, double.book.orders()[0].order_no)) == 1
