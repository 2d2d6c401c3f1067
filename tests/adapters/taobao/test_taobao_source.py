"""A Taobao shop is read whole from a double that drifts, throttles and fails, and its message queue is emptied."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
from pulling import pull

from crossloyalty.adapters.taobao import AsyncTaobaoSource, TaobaoSettings, TaobaoSource
from crossloyalty.adapters.wire.dialect import SendingOptions
from crossloyalty.application.sources import AsyncMessageChannel, AsyncPullSource, Facts, MessageChannel, PullSource
from crossloyalty.domain.orders import Order, OrderStatus, Refund, RefundStatus
from crossloyalty.errors import InvalidInput, PlatformRefused, PlatformUnavailable, RateLimited
from crossloyalty.testing.doubles import Book, FaultKind, Faults, Reply, Request
from crossloyalty.testing.doubles.taobao import TaobaoDouble

NOW = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
SINCE = NOW - timedelta(hours=6)
OPTIONS = SendingOptions(allow_loopback=True, longest_pause_s=5, tries=6)


def clock() -> datetime:
    """Stand still."""
    return NOW


class Ticking:
    """Go on by half a second each time somebody looks."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def __call__(self) -> datetime:
        self._now += timedelta(seconds=0.5)
        return self._now


def book(count: int = 200) -> Book:
    """Give a book of orders changed in the last five hours."""
    made = Book("taobao")
    made.fill(count, since=NOW - timedelta(hours=5), until=NOW - timedelta(minutes=10))
    return made


def settings(double: TaobaoDouble, **changes: Any) -> TaobaoSettings:
    """Give the settings that lead to the double."""
    about = {"app_key": double.app_key, "app_secret": double.app_secret, "shop_id": "shop-1", "gateway": double.gateway}
    return TaobaoSettings(**{**about, "platform": "taobao", **changes})


def source_of(
    double: TaobaoDouble, *, authorised: bool = True, clock: Callable[[], datetime] = clock, **changes: Any
) -> TaobaoSource:
    """Give a plain source that leads to the double."""
    made = TaobaoSource(settings(double, **changes), options=OPTIONS, clock=clock, sleep=lambda _: None)
    if authorised:
        made.authorise(double.code)
    return made


@pytest.fixture
def double() -> Iterator[TaobaoDouble]:
    """Run a double with 200 orders and nothing wrong."""
    with TaobaoDouble(book(), clock=clock) as running:
        yield running


@pytest.fixture
def source(double: TaobaoDouble) -> Iterator[TaobaoSource]:
    """Give a source of it."""
    made = source_of(double)
    yield made
    made.close()


def test_a_shop_is_read_whole_while_it_drifts_and_fails() -> None:
    """With everything going wrong each order and refund is there, as it is in the book; refreshes follow expiries."""
    faults = Faults(
        every={
            FaultKind.THROTTLE: 11,
            FaultKind.DROP: 13,
            FaultKind.ERROR: 17,
            FaultKind.CUT: 19,
            FaultKind.EMPTY: 23,
            FaultKind.HTML: 29,
            FaultKind.WRONG: 31,
        },
        expire_every=15,
        drift_every=2,
    )
    ticking = Ticking(NOW)
    with TaobaoDouble(book(600), faults=faults, clock=ticking) as double:
        source = source_of(double, clock=ticking, page_size=20)
        pulled = pull(source, SINCE, NOW)
        assert double.pages > 30
        # What changed while it was read is in the next window, which reaches back a little.
        faults.drift_every = 0
        pull(source, NOW - timedelta(minutes=10), ticking() + timedelta(minutes=1), into=pulled)
        source.close()
        truth = {order.order_no: order for order in double.book.orders()}
        assert set(pulled.orders) == set(truth)
        assert set(pulled.refunds) == {refund.refund_id for refund in double.book.refunds()}
        assert (pulled.doubtful, double.refused) == ([], [])
        assert 1 <= double.refreshes <= double.expiries
        for order_no, order in truth.items():
            assert told(pulled.orders[order_no]) == told(order), order_no


def told(order: Order) -> tuple[Any, ...]:
    """Give what has to be equal; of an unpaid order no amount is told, for nothing is paid."""
    lines = [(line.line_id, line.paid_fen, line.finished_at) for line in order.lines or ()]
    paid = (order.paid_fen, order.shipping_fen, lines) if order.status is not OrderStatus.UNPAID else ()
    return (order.status, order.modified_at, order.buyer_id, order.created_at, order.paid_at, order.finished_at, *paid)


def test_pages_are_turned_backwards(double: TaobaoDouble) -> None:
    """The first page tells the number of rows; then the last comes, and the first again at the end."""
    since, until = NOW - timedelta(hours=5), NOW - timedelta(hours=4)
    asked: list[tuple[str, str]] = []
    page: str | None = None
    numbers = []
    source = source_of(double, page_size=10)
    double.on_call = lambda request: asked.append((request.form["page_no"], request.form["use_has_next"]))
    while True:
        facts = source.page("orders", since, until, page)
        numbers.append(facts.seen)
        page = facts.next_page
        if page is None:
            break
    source.close()
    count = len(double.book.orders_changed(since, until + timedelta(seconds=1)))
    last = -(-count // 10)
    assert last > 2
    assert [int(number) for number, _ in asked] == [1, *range(last, 0, -1)]
    assert [has_next for _, has_next in asked] == ["false", *["true"] * (last - 1), "false"]
    assert sum(numbers[1:]) == count


def test_an_order_with_its_refund_is_fetched(double: TaobaoDouble, source: TaobaoSource) -> None:
    """A sub-order names its newest refund; an order or refund the platform does not know is nothing."""
    order = next(each for each in double.book.orders() if each.status is OrderStatus.FINISHED and each.lines)
    refund = double.book.refund(order.order_no, at=NOW)
    facts = source.fetch(order.order_no)
    assert facts.seen == 1
    assert [type(item) for item in facts.items].count(Order) == 1
    assert refund.refund_id in {item.refund_id for item in facts.items if isinstance(item, Refund)}
    assert source.fetch("9" * 19) == source.fetch("x") == Facts()
    [only] = source.fetch("9" * 19, refund.refund_id).items
    assert isinstance(only, Refund)
    assert (only.status, only.amount_fen) == (RefundStatus.SUCCESS, refund.amount_fen)


def test_the_full_lists_fetch_finished_orders_once_more(double: TaobaoDouble) -> None:
    """With `api="sold"` each finished order comes from its detail, where shopping-gold is told."""
    called: list[str] = []
    double.on_call = lambda request: called.append(request.form["method"])
    source = source_of(double, api="sold")
    pulled = pull(source, NOW - timedelta(hours=5), NOW - timedelta(hours=4, minutes=30), feeds=["orders"])
    source.close()
    finished = [order for order in pulled.orders.values() if order.status is OrderStatus.FINISHED]
    assert called.count("taobao.trade.fullinfo.get") == len(finished) > 0
    assert called.count("taobao.trades.sold.increment.get") == 1


def test_the_queue_is_consumed_and_confirmed(double: TaobaoDouble, source: TaobaoSource) -> None:
    """Messages come until they are confirmed, more than 200 of them in several calls."""
    source.permit_messages()
    assert double.permitted == 1
    numbers = [order.order_no for order in double.book.orders()] + [double.book.orders()[0].order_no] * 10
    for order_no in numbers:
        double.message(order_no)
    queue = source.messages
    assert isinstance(queue, MessageChannel)
    first = queue.consume(200)
    assert [message.order_no for message in first] == numbers[:200]
    assert queue.consume(200) == first
    queue.confirm([message.message_id for message in first] + ["77"] * 10)
    assert len(double.confirmed) == 200
    assert [message.order_no for message in queue.consume(1)] == numbers[200:]
    queue.confirm([])


def test_a_dead_session_is_refreshed_or_needs_the_seller(double: TaobaoDouble) -> None:
    """Before the seller has authorised, and where tokens cannot be refreshed, a person has to do something."""
    fresh = source_of(double, authorised=False)
    with pytest.raises(PlatformRefused, match="authorise"):
        fresh.fetch("9" * 19)
    with pytest.raises(PlatformRefused):
        fresh.authorise("another code")
    fresh.close()
    fixed = source_of(double, refreshable=False)
    fixed.fetch("9" * 19)
    double.faults = Faults(at={1: FaultKind.EXPIRE})
    with pytest.raises(PlatformRefused) as caught:
        fixed.fetch("9" * 19)
    assert caught.value.code == "27/invalid-sessionkey"
    assert "canary" not in str(caught.value)
    fixed.close()


def test_the_tokens_of_another_seller_are_refused(double: TaobaoDouble) -> None:
    """With the seller's number in the settings a code of another seller is refused; its own shop is read on."""
    other = source_of(double, authorised=False, seller_id="2200000000002")
    with pytest.raises(PlatformRefused, match="another shop"):
        other.authorise(double.code)
    other.close()
    own = source_of(double, seller_id="2200000000001")
    double.faults = Faults(at={1: FaultKind.EXPIRE})
    assert own.page("orders", SINCE, NOW, None).seen > 0
    assert double.refreshes == 1
    own.close()


def test_a_days_quota_is_told_and_not_waited_for(double: TaobaoDouble, source: TaobaoSource) -> None:
    """The caller hears for how long; nothing is tried meanwhile."""
    error = {"code": 7, "msg": "App Call Limited", "sub_code": "accesscontrol.limited-by-app-access-count"}
    double.answer = lambda _: Reply.of({"error_response": error})  # type: ignore[method-assign]
    calls = len(double.calls)
    with pytest.raises(RateLimited) as caught:
        source.fetch("9" * 19)
    assert caught.value.retry_after_s == 3600
    assert len(double.calls) == calls + 1


def test_a_full_page_without_a_number_of_rows_is_an_outage(double: TaobaoDouble) -> None:
    """Otherwise the pages behind it would be lost without a word; a list of another shape is one as well."""
    source = source_of(double, page_size=10)
    honest = double.answer

    def silent(request: Request) -> Reply:
        reply = honest(request)
        return attrs.evolve(reply, body=reply.body.replace(b'"total_results"', b'"results"'))

    double.answer = silent  # type: ignore[method-assign]
    with pytest.raises(PlatformUnavailable):
        source.page("orders", NOW - timedelta(hours=5), NOW - timedelta(hours=4), None)
    double.answer = lambda _: Reply.of({"trades": 7})  # type: ignore[method-assign]
    with pytest.raises(PlatformUnavailable):
        source.page("orders", NOW - timedelta(hours=5), NOW - timedelta(hours=4), None)
    double.answer = lambda _: Reply.of({"trades": [7, {"tid": "x"}], "total_results": 2})  # type: ignore[method-assign]
    facts = source.page("orders", NOW - timedelta(hours=5), NOW - timedelta(hours=4), None)
    assert [doubt.code for doubt in facts.doubtful] == ["UNREADABLE"] * 2
    source.close()


def test_lists_and_places_are_checked(source: TaobaoSource) -> None:
    """Another list and a place nobody gave out are mistakes of the caller."""
    for feed, page in (("goods", None), ("orders", "2")):
        with pytest.raises(InvalidInput):
            source.page(feed, SINCE, NOW, page)


def test_both_kinds_of_host_read_the_same(double: TaobaoDouble, source: TaobaoSource) -> None:
    """The asynchronous source gives what the plain one gives, and each is what its port asks for."""
    order = double.book.orders()[0]

    async def read() -> tuple[Facts, Facts, int]:
        twin = AsyncTaobaoSource(settings(double), options=OPTIONS, clock=clock)
        assert isinstance(twin, AsyncPullSource)
        assert isinstance(twin.messages, AsyncMessageChannel)
        await twin.authorise(double.code)
        await twin.permit_messages()
        double.message(order.order_no)
        waiting = await twin.messages.consume(10)
        await twin.messages.confirm([each.message_id for each in waiting])
        fetched, page = await twin.fetch(order.order_no), await twin.page("orders", SINCE, NOW, None)
        await twin.close()
        return fetched, page, len(waiting)

    fetched, page, waiting = asyncio.run(read())
    source.authorise(double.code)
    assert isinstance(source, PullSource)
    assert (fetched, page, waiting) == (source.fetch(order.order_no), source.page("orders", SINCE, NOW, None), 1)


def test_what_a_shop_says_of_itself(double: TaobaoDouble) -> None:
    """Platform, shop, lists and limits; the scope of the buyer's id follows the settings."""
    plain = source_of(double, authorised=False, platform=None, buyer_id="ouid", window_minutes=10)
    assert (plain.platform, plain.shop_id, plain.feeds) == ("taobao", "shop-1", ("refunds", "orders"))
    assert (plain.capabilities.push, plain.capabilities.buyer_id_scope) == (True, "shop")
    assert (plain.limits.longest_window_s, plain.limits.overlap_s) == (600, 300)
    plain.close()
