"""A JD shop is read whole over either gateway from a double that drifts, throttles and fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
from pulling import pull

from crossloyalty.adapters.jd import AsyncJdSource, JdSettings, JdSource
from crossloyalty.adapters.wire.dialect import SendingOptions
from crossloyalty.application.sources import AsyncPullSource, Facts, PullSource
from crossloyalty.domain.orders import Order, OrderStatus, Refund, RefundStatus
from crossloyalty.errors import InvalidInput, PlatformRefused, PlatformUnavailable
from crossloyalty.testing.doubles import FaultKind, Faults, Reply, Request
from crossloyalty.testing.doubles.jd import JdBook, JdDouble

NOW = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
SINCE = NOW - timedelta(hours=6)
OPTIONS = SendingOptions(allow_loopback=True, longest_pause_s=5, tries=6)
GATEWAYS = pytest.mark.parametrize("api", ["routerjson", "sp"])


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


def book(count: int = 200, api: str = "routerjson") -> JdBook:
    """Give a book of orders changed in the last five hours."""
    made = JdBook(kinds=("apply", "afs") if api == "routerjson" else ("afs",))
    made.fill(count, since=NOW - timedelta(hours=5), until=NOW - timedelta(minutes=10))
    return made


def settings(double: JdDouble, **changes: Any) -> JdSettings:
    """Give the settings that lead to the double."""
    return JdSettings(
        **{
            "app_key": double.app_key,
            "app_secret": double.app_secret,
            "shop_id": "shop-1",
            "gateway": double.gateway,
            "sp_gateway": double.sp_gateway,
            "oauth": double.oauth,
            **changes,
        }
    )


def source_of(
    double: JdDouble, *, authorised: bool = True, clock: Callable[[], datetime] = clock, **changes: Any
) -> JdSource:
    """Give a plain source that leads to the double."""
    made = JdSource(settings(double, **changes), options=OPTIONS, clock=clock, sleep=lambda _: None)
    if authorised:
        made.authorise(double.code)
    return made


@pytest.fixture
def double(request: pytest.FixtureRequest) -> Iterator[JdDouble]:
    """Run a double with 200 orders and nothing wrong."""
    api = request.node.callspec.params.get("api", "routerjson") if hasattr(request.node, "callspec") else "routerjson"
    with JdDouble(book(api=api), clock=clock) as running:
        yield running


def told(order: Order) -> tuple[Any, ...]:
    """Give what has to be equal; of an unpaid order no amount is told, for nothing is paid."""
    lines = [(line.line_id.removeprefix("sku-"), line.paid_fen, line.finished_at) for line in order.lines or ()]
    paid = (order.paid_fen, order.shipping_fen, lines) if order.status is not OrderStatus.UNPAID else ()
    return (order.status, order.modified_at, order.buyer_id, order.created_at, order.paid_at, order.finished_at, *paid)


@GATEWAYS
def test_a_shop_is_read_whole_while_it_drifts_and_fails(api: str) -> None:
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
    with JdDouble(book(600, api), faults=faults, clock=ticking) as double:
        source = source_of(double, clock=ticking, page_size=20, api=api)
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


@GATEWAYS
def test_an_order_with_its_refunds_is_fetched(double: JdDouble, api: str) -> None:
    """All refunds of the order come with it; an order JD does not know is nothing."""
    source = source_of(double, api=api)
    order = next(each for each in double.book.orders() if each.status is OrderStatus.FINISHED)
    before = len(double.book.refunds(order.order_no))
    paid_back = [double.book.refund(order.order_no, at=NOW) for _ in range(2)]
    facts = source.fetch(order.order_no)
    source_of(double).close()
    refunds = [item for item in facts.items if isinstance(item, Refund)]
    assert (facts.seen, len(facts.items), len(refunds)) == (1, before + 3, before + 2)
    assert {each.refund_id for each in paid_back} <= {each.refund_id for each in refunds}
    assert all(each.status is RefundStatus.SUCCESS for each in refunds)
    source.close()


@GATEWAYS
def test_an_order_that_is_not_there_is_nothing(double: JdDouble, api: str) -> None:
    """Neither an unknown number nor what is no number."""
    source = source_of(double, api=api)
    assert source.fetch("9" * 12) == source.fetch("x") == Facts()
    source.close()


def test_refunds_are_found_by_application_and_by_review(double: JdDouble) -> None:
    """The list of applications is read twice: by the day of applying and by the day of review."""
    source = source_of(double)
    assert source.feeds == ("applications", "application_reviews", "services", "orders")
    by_feed = [set(pull(source, SINCE, NOW, feeds=[feed]).refunds) for feed in source.feeds[:3]]
    assert by_feed[0] == by_feed[1] != set()
    assert not by_feed[0] & by_feed[2]
    assert source.capabilities.watch_refunds
    source.close()


def test_pages_are_turned_backwards(double: JdDouble) -> None:
    """The first page tells the number of rows; then the last comes, and the first again at the end."""
    source = source_of(double, page_size=10)
    since, until = NOW - timedelta(hours=5), NOW - timedelta(hours=4)
    page: str | None = None
    seen = []
    while True:
        facts = source.page("orders", since, until, page)
        seen.append((1 if page is None else int(page.partition(".")[0]), facts.seen))
        page = facts.next_page
        if page is None:
            break
    source.close()
    count = len(double.book.orders_changed(since, until + timedelta(seconds=1)))
    last = -(-count // 10)
    assert last > 2
    assert [number for number, _ in seen] == [1, *range(last, 0, -1)]
    assert sum(rows for _, rows in seen[1:]) == count


@GATEWAYS
def test_a_dead_token_is_refreshed_or_needs_the_merchant(double: JdDouble, api: str) -> None:
    """Before the merchant has authorised, and when the refresh token is over, a person has to do something."""
    fresh = source_of(double, authorised=False, api=api)
    with pytest.raises(PlatformRefused, match="authorise"):
        fresh.fetch("9" * 12)
    with pytest.raises(PlatformRefused):
        fresh.authorise("another code")
    fresh.close()
    source = source_of(double, api=api)
    double.faults = Faults(at={1: FaultKind.EXPIRE})
    assert source.fetch("9" * 12) == Facts()
    assert double.refreshes == 1
    double.first_tokens()
    double.faults = Faults(at={1: FaultKind.EXPIRE})
    with pytest.raises(PlatformRefused) as caught:
        source.fetch("9" * 12)
    assert "canary" not in str(caught.value)
    source.close()


@GATEWAYS
def test_a_page_that_is_none_is_an_outage(double: JdDouble, api: str) -> None:
    """A full page without the number of all rows, or an answer without a list, is asked for again by the next sync."""
    source = source_of(double, page_size=10, api=api)
    honest = double.answer

    def silent(request: Request) -> Reply:
        reply = honest(request)
        body = reply.body.replace(b'"orderTotal"', b'"total"').replace(b'"totalItems"', b'"total"')
        return attrs.evolve(reply, body=body)

    # A page of the SP-API has 50 rows, whatever one of routerjson has.
    double.book.fill(60, since=NOW - timedelta(hours=5), until=NOW - timedelta(hours=4))
    window = NOW - timedelta(hours=5), NOW - timedelta(hours=4)
    double.answer = silent  # type: ignore[method-assign]
    with pytest.raises(PlatformUnavailable):
        source.page("orders", *window, None)
    for broken in ({"success": True, "data": 7}, {"jingdong_pop_order_search_responce": {"code": "0", "x": {}}}):
        double.answer = lambda _, value=broken: Reply.of(value)  # type: ignore[method-assign,misc]
        with pytest.raises((PlatformUnavailable, PlatformRefused)):
            source.page("orders", *window, None)
        with pytest.raises((PlatformUnavailable, PlatformRefused)):
            source.page("services", *window, None)
    source.close()


@GATEWAYS
def test_more_refunds_than_the_page_of_an_order_are_an_outage(double: JdDouble, api: str) -> None:
    """An order with 51 refunds, of which a page shows 50, is not taken for one with 50."""
    source = source_of(double, api=api)
    order = next(each for each in double.book.orders() if each.status is OrderStatus.FINISHED)
    while len([each for each in double.book.refunds(order.order_no) if each.refund_id.startswith("afs-")]) < 51:
        double.book.refund(order.order_no, at=NOW, amount_fen=1)
    with pytest.raises(PlatformUnavailable, match="more refunds"):
        source.fetch(order.order_no)
    source.close()


def test_rows_that_are_none_are_doubted(double: JdDouble) -> None:
    """One bad row never spoils its page."""
    source = source_of(double)
    rows = [7, {"orderId": "290000000001"}, None]
    body = {"searchorderinfo_result": {"apiResult": {"success": True}, "orderTotal": 3, "orderInfoList": rows}}
    double.answer = lambda _: Reply.of({"jingdong_pop_order_search_responce": body})  # type: ignore[method-assign]
    facts = source.page("orders", NOW - timedelta(hours=1), NOW, None)
    assert [doubt.code for doubt in facts.doubtful] == ["UNREADABLE"] * 3
    assert [doubt.order_no for doubt in facts.doubtful] == ["", "290000000001", ""]
    source.close()


def test_lists_and_places_are_checked(double: JdDouble) -> None:
    """Another list and a place nobody gave out are mistakes of the caller."""
    source = source_of(double)
    for feed, page in (("goods", None), ("orders", "2")):
        with pytest.raises(InvalidInput):
            source.page(feed, SINCE, NOW, page)
    source.close()


@GATEWAYS
def test_both_kinds_of_host_read_the_same(double: JdDouble, api: str) -> None:
    """The asynchronous source gives what the plain one gives, and each is what its port asks for."""
    order = double.book.orders()[0]

    async def read() -> tuple[Facts, Facts]:
        twin = AsyncJdSource(settings(double, api=api), options=OPTIONS, clock=clock)
        assert isinstance(twin, AsyncPullSource)
        await twin.authorise(double.code)
        answers = await twin.fetch(order.order_no), await twin.page("orders", SINCE, NOW, None)
        await twin.close()
        return answers

    answers = asyncio.run(read())
    source = source_of(double, api=api)
    assert isinstance(source, PullSource)
    assert (source.platform, source.shop_id, source.limits.longest_window_s) == ("jd", "shop-1", 3600)
    assert answers == (source.fetch(order.order_no), source.page("orders", SINCE, NOW, None))
    source.close()
