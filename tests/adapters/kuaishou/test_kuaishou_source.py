"""The Kuaishou source against its double: every page, every order with its fees, every fault of the road."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
from pulling import pull

from crossloyalty.adapters.kuaishou import AsyncKuaishouSource, KuaishouSource
from crossloyalty.adapters.wire.dialect import SendingOptions
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.token_stores import MemoryTokenStore
from crossloyalty.adapters.wire.tokens import StoredTokens, Tokens
from crossloyalty.application.sources import Incoming
from crossloyalty.domain.orders import Order, OrderStatus, Refund, RefundStatus
from crossloyalty.errors import InvalidInput, PlatformRefused, PlatformUnavailable, RateLimited
from crossloyalty.testing.doubles import Book, FaultKind, Faults, Reply
from crossloyalty.testing.doubles.kuaishou import KuaishouDouble

NOW = datetime(2026, 11, 12, 3, 0, tzinfo=UTC)
SINCE = NOW - timedelta(hours=6)
LOOPBACK = SendingOptions(allow_loopback=True, try_s=2.0, deadline_s=20.0)
SHOP = "f1880000000000000000000000000009"


def made_book(count: int = 0) -> Book:
    book = Book("kuaishou", SHOP, number=lambda place: f"{2_400_000_000_000_000 + place}")
    if count:
        book.fill(count, since=SINCE, until=NOW)
    return book


@pytest.fixture
def double() -> Iterator[KuaishouDouble]:
    with KuaishouDouble(made_book(), clock=lambda: NOW) as running:
        yield running


def tokens_of(double: KuaishouDouble) -> MemoryTokenStore:
    store = MemoryTokenStore()
    access, refresh = double.first_tokens()
    first = StoredTokens(version=1, tokens=Tokens(access=Secret(access), refresh=Secret(refresh)))
    assert store.swap("kuaishou", SHOP, 0, first)
    return store


def source_of(double: KuaishouDouble, **changes: Any) -> KuaishouSource:
    return KuaishouSource(
        double.settings(**changes),
        tokens=tokens_of(double),
        options=LOOPBACK,
        clock=double.clock,
        sleep=lambda _: None,
    )


def test_every_change_is_read_with_what_the_buyer_paid() -> None:
    """230 orders over five pages come whole: numbers, statuses, amounts, buyers and refunds are the book's."""
    book = made_book(230)
    with KuaishouDouble(book, clock=lambda: NOW) as double:
        source = source_of(double)
        pulled = pull(source, SINCE, NOW)
        source.close()
    assert double.refused == []
    assert pulled.doubtful == []
    assert set(pulled.orders) == {each.order_no for each in book.orders()}
    for true in book.orders():
        read = pulled.orders[true.order_no]
        was_paid = true.paid_at is not None
        assert (read.status, read.buyer_id, read.modified_at) == (true.status, true.buyer_id, true.modified_at)
        assert read.paid_fen == (true.paid_fen if was_paid else None)
        assert read.shipping_fen == (true.shipping_fen if was_paid else None)
        assert read.finished_at == true.finished_at
    assert {each.refund_id: each.amount_fen for each in book.refunds()} == {
        each.refund_id: each.amount_fen for each in pulled.refunds.values()
    }


def test_rows_that_change_while_pages_are_turned_are_not_lost() -> None:
    """Every other page three orders change; what left the window is in the next one, and none is missing (F-29)."""
    moments = [NOW]
    book = made_book(300)
    faults = Faults(drift_every=2, expire_every=40, every={FaultKind.DROP: 37, FaultKind.THROTTLE: 53})
    with KuaishouDouble(book, faults=faults, clock=lambda: moments[0]) as double:
        source = source_of(double)

        def tick() -> None:
            moments[0] += timedelta(seconds=1)

        pulled = pull(source, SINCE, NOW, between=tick)
        faults.drift_every = 0
        until = moments[0] + timedelta(seconds=1)
        later = pull(source, NOW - timedelta(seconds=600), until)
        source.close()
    newest = {**pulled.orders, **later.orders}
    assert double.refused == []
    assert {each.order_no: each.status for each in book.orders()} == {
        number: each.status for number, each in newest.items()
    }
    assert 0 < double.refreshes <= double.expiries


@pytest.mark.parametrize("kind", [FaultKind.HTML, FaultKind.EMPTY, FaultKind.CUT, FaultKind.WRONG, FaultKind.ERROR])
def test_a_broken_answer_is_asked_for_again(double: KuaishouDouble, kind: FaultKind) -> None:
    """Whatever comes instead of an answer, the next try gets it; when it never comes it is an outage."""
    double.book.fill(3, since=SINCE, until=NOW, refunded=0.0)
    double.faults.every = {kind: 2}
    source = source_of(double)
    assert len(pull(source, SINCE, NOW).orders) == 3
    double.faults.always = kind
    with pytest.raises(PlatformUnavailable) as caught:
        source.page("orders", SINCE, NOW, None)
    assert "canary" not in str(caught.value) + repr(caught.value.__dict__)
    source.close()


def test_too_fast_is_told_when_it_does_not_end(double: KuaishouDouble) -> None:
    """A platform that goes on saying "too fast" is `RateLimited` for the host."""
    double.faults.always = FaultKind.THROTTLE
    source = source_of(double)
    with pytest.raises(RateLimited):
        source.page("orders", SINCE, NOW, None)
    source.close()


def whole_order(**changes: Any) -> Order:
    book = made_book(1)
    [order] = book.orders()
    return attrs.evolve(
        order,
        order_no="2400000000000001",
        status=OrderStatus.FINISHED,
        paid_at=NOW - timedelta(days=3),
        finished_at=NOW - timedelta(hours=3),
        modified_at=NOW - timedelta(hours=3),
        **changes,
    )


def test_one_order_is_fetched_with_all_its_refunds(double: KuaishouDouble) -> None:
    """A message names an order or a refund; either way order, fees and refunds come together."""
    order = whole_order()
    double.book.put(order)
    first = double.book.refund(order.order_no, at=NOW, amount_fen=1)
    second = double.book.refund(order.order_no, at=NOW, amount_fen=2, status=RefundStatus.OPEN)
    source = source_of(double)
    facts = source.fetch(order.order_no, second.refund_id)
    assert [each.refund_id for each in facts.items if isinstance(each, Refund)] == [second.refund_id, first.refund_id]
    [read] = [each for each in facts.items if isinstance(each, Order)]
    assert (read.order_no, read.paid_fen) == (order.order_no, order.paid_fen)
    source.close()


@pytest.mark.parametrize("number", ["2400000000009999", "P700000000000000001", "1", "", "²²²²²²²²", "9" * 30])
def test_an_order_the_platform_does_not_know_is_nothing(double: KuaishouDouble, number: str) -> None:
    """Neither an unknown number nor one that can be none of this platform's raises."""
    source = source_of(double)
    facts = source.fetch(number, "2418000000009999")
    assert (facts.items, facts.doubtful) == ((), ())
    source.close()


def test_a_subsidy_goes_back_in_proportion(double: KuaishouDouble) -> None:
    """Goods 100.00, of which the platform paid 20.00: a refund of 40.00 + 10.00 takes 40.00 of the buyer's 80.00."""
    line = attrs.evolve((whole_order().lines or ())[0], line_id="2400000000000001", paid_fen=8000)
    order = whole_order(paid_fen=8000, shipping_fen=0, subsidy_fen=2000, lines=(line,))
    double.book.put(order)
    double.book.refund(order.order_no, at=NOW, amount_fen=4000)
    source = source_of(double)
    facts = source.fetch(order.order_no)
    [read] = [each for each in facts.items if isinstance(each, Order)]
    [back] = [each for each in facts.items if isinstance(each, Refund)]
    assert (read.paid_fen, read.subsidy_fen) == (8000, 2000)
    assert (back.amount_fen, back.subsidy_fen) == (5000, 1000)
    source.close()


def test_an_order_without_fees_is_held_back(double: KuaishouDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    """A paid order whose fee detail the platform does not have is reviewed, not counted as free."""
    order = whole_order()
    double.book.put(order)
    answer = double.answer

    def without_fees(request: Any) -> Reply:
        if "fee" in request.path:
            return Reply.of({"result": 1, "data": None})
        return answer(request)

    monkeypatch.setattr(double, "answer", without_fees)
    source = source_of(double)
    facts = source.fetch(order.order_no)
    assert [(each.order_no, each.code) for each in facts.doubtful] == [(order.order_no, "UNREADABLE")]
    source.close()
    approximate = source_of(double, amounts="approximate")
    [read] = approximate.fetch(order.order_no).items
    assert isinstance(read, Order)
    assert read.flags == ("amount_approximate",)
    approximate.close()


def test_a_cursor_that_stands_still_ends_in_an_error(double: KuaishouDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that leads to itself would be read for ever."""
    reply = Reply.of({"result": 1, "data": {"cursor": "c1", "orderList": []}})
    monkeypatch.setattr(double, "answer", lambda _: reply)
    source = source_of(double)
    assert source.page("orders", SINCE, NOW, None).next_page == "c1"
    with pytest.raises(PlatformUnavailable):
        source.page("orders", SINCE, NOW, "c1")
    source.close()


@pytest.mark.parametrize("data", [None, {"orderList": []}, {"cursor": 1.5}, {"cursor": "nomore", "orderList": {}}])
def test_what_is_no_page_is_an_outage(double: KuaishouDouble, monkeypatch: pytest.MonkeyPatch, data: Any) -> None:
    """A page without a cursor, or with rows of another shape, must not look like the last one."""
    monkeypatch.setattr(double, "answer", lambda _: Reply.of({"result": 1, "data": data}))
    source = source_of(double)
    with pytest.raises(PlatformUnavailable):
        source.page("orders", SINCE, NOW, None)
    source.close()


def test_one_bad_row_never_spoils_its_page(double: KuaishouDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no order is held back beside the good ones."""
    double.book.fill(2, since=SINCE, until=NOW, refunded=0.0)
    answer = double.answer

    def with_rubbish(request: Any) -> Reply:
        reply = answer(request)
        if "cursor" not in request.path:
            return reply
        return attrs.evolve(reply, body=reply.body.replace(b'"orderList": [', b'"orderList": [7, {"a": []}, '))

    monkeypatch.setattr(double, "answer", with_rubbish)
    source = source_of(double)
    facts = source.page("orders", SINCE, NOW, None)
    assert ([each.code for each in facts.doubtful], len(facts.items), facts.seen) == (["UNREADABLE"] * 2, 2, 4)
    source.close()


def test_a_merchant_authorises_and_tokens_are_renewed(double: KuaishouDouble) -> None:
    """Without tokens somebody has to authorise; with the code the shop works, and a wrong one is refused."""
    store = MemoryTokenStore()
    source = KuaishouSource(double.settings(), tokens=store, options=LOOPBACK, clock=double.clock, sleep=lambda _: None)
    with pytest.raises(PlatformRefused):
        source.page("orders", SINCE, NOW, None)
    with pytest.raises(PlatformRefused):
        source.authorise("another")
    source.authorise("code-1")
    kept = store.load("kuaishou", SHOP).tokens
    assert kept is not None
    assert (kept.expires_at, kept.refresh_expires_at) == (NOW + timedelta(days=2), NOW + timedelta(days=180))
    assert source.page("orders", SINCE, NOW, None).seen == 0
    double.faults.at = {len(double.calls) + 1: FaultKind.EXPIRE}
    assert source.page("orders", SINCE, NOW, None).seen == 0
    assert double.refreshes == 1
    source.close()


def test_the_tokens_of_another_shop_are_refused(double: KuaishouDouble) -> None:
    """A merchant who authorises with another shop is told, and nothing of it is stored."""
    store = MemoryTokenStore()
    settings = double.settings(shop_id="f1880000000000000000000000000001", check_seller=False)
    source = KuaishouSource(settings, tokens=store, options=LOOPBACK, clock=double.clock, sleep=lambda _: None)
    with pytest.raises(PlatformRefused, match="another shop"):
        source.authorise("code-1")
    assert store.load("kuaishou", "f1880000000000000000000000000001").tokens is None
    source.close()


def test_a_pushed_message_names_what_to_fetch(double: KuaishouDouble) -> None:
    """The double's message opens, its order is fetched, and taken and not taken sound different."""
    order = whole_order()
    double.book.put(order)
    source = source_of(double)
    incoming = double.message(order.order_no)
    [pushed] = source.verify(incoming, NOW)
    assert (pushed.order_no, pushed.shop_id) == (order.order_no, SHOP)
    assert source.fetch(pushed.order_no, pushed.refund_id).items
    assert source.acknowledge(incoming, True).body == b'{"result":1}'
    assert source.acknowledge(Incoming(), False).status == 500
    source.close()


def test_what_it_can_do_is_said(double: KuaishouDouble) -> None:
    """Without a message key nothing is pushed; a window is a day at most."""
    source = source_of(double)
    assert (source.platform, source.shop_id, source.feeds) == ("kuaishou", SHOP, ("refunds", "orders"))
    assert (source.capabilities.push, source.capabilities.buyer_id_scope) == (True, "app")
    assert source.limits.longest_window_s == 86_400
    assert not source_of(double, message_key=None).capabilities.push
    with pytest.raises(InvalidInput):
        source.page("parcels", SINCE, NOW, None)


def test_asynchronous_hosts_read_the_same(double: KuaishouDouble) -> None:
    """One source of code: the asynchronous face gives the same facts."""
    double.book.fill(20, since=SINCE, until=NOW)
    plain = source_of(double)
    expected = plain.page("orders", SINCE, NOW, None)
    plain.close()

    async def read() -> Any:
        async def pause(_: float) -> None:
            return None

        source = AsyncKuaishouSource(
            double.settings(), tokens=tokens_of(double), options=LOOPBACK, clock=double.clock, sleep=pause
        )
        try:
            return await source.page("orders", SINCE, NOW, None)
        finally:
            await source.close()

    assert asyncio.run(read()) == expected
