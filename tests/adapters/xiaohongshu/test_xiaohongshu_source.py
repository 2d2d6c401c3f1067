"""The Xiaohongshu source against its double: pages from the last to the first, every order in detail, every fault."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
from pulling import pull

from crossloyalty.adapters.wire.dialect import SendingOptions
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.token_stores import MemoryTokenStore
from crossloyalty.adapters.wire.tokens import StoredTokens, Tokens
from crossloyalty.adapters.xiaohongshu import AsyncXiaohongshuSource, XiaohongshuSource
from crossloyalty.application.sources import Incoming
from crossloyalty.domain.orders import Order, Refund, RefundStatus
from crossloyalty.errors import InvalidInput, PlatformRefused, PlatformUnavailable, RateLimited
from crossloyalty.testing.doubles import Book, FaultKind, Faults, Reply
from crossloyalty.testing.doubles.xiaohongshu import XiaohongshuDouble

NOW = datetime(2026, 11, 12, 3, 0, tzinfo=UTC)
SINCE = NOW - timedelta(minutes=30)
LOOPBACK = SendingOptions(allow_loopback=True, try_s=2.0, deadline_s=20.0)
SHOP = "5e0000000000000000000009"


def made_book(count: int = 0) -> Book:
    book = Book("xiaohongshu", SHOP, number=lambda place: f"P{700_000_000_000_000_000 + place}")
    if count:
        book.fill(count, since=SINCE, until=NOW)
    return book


@pytest.fixture
def double() -> Iterator[XiaohongshuDouble]:
    with XiaohongshuDouble(made_book(), clock=lambda: NOW) as running:
        yield running


def tokens_of(double: XiaohongshuDouble) -> MemoryTokenStore:
    store = MemoryTokenStore()
    access, refresh = double.first_tokens()
    first = StoredTokens(version=1, tokens=Tokens(access=Secret(access), refresh=Secret(refresh)))
    assert store.swap("xiaohongshu", SHOP, 0, first)
    return store


def source_of(double: XiaohongshuDouble, **changes: Any) -> XiaohongshuSource:
    return XiaohongshuSource(
        double.settings(**changes),
        tokens=tokens_of(double),
        options=LOOPBACK,
        clock=double.clock,
        sleep=lambda _: None,
    )


def test_every_change_is_read_in_detail() -> None:
    """250 orders over three pages come whole: numbers, statuses, amounts, lines, buyers and refunds are the book's."""
    book = made_book(250)
    with XiaohongshuDouble(book, clock=lambda: NOW) as double:
        source = source_of(double)
        pulled = pull(source, SINCE, NOW)
        source.close()
    assert double.refused == []
    assert pulled.doubtful == []
    assert set(pulled.orders) == {each.order_no for each in book.orders()}
    for true in book.orders():
        read = pulled.orders[true.order_no]
        assert (read.status, read.buyer_id, read.modified_at) == (true.status, true.buyer_id, true.modified_at)
        assert read.finished_at == true.finished_at
        if true.paid_at is not None:
            assert (read.paid_fen, read.shipping_fen) == (true.paid_fen, true.shipping_fen)
            assert [line.paid_fen for line in read.lines or ()] == [line.paid_fen for line in true.lines or ()]
    assert {each.refund_id: (each.amount_fen, f"sku:{each.line_id}") for each in book.refunds()} == {
        each.refund_id: (each.amount_fen, each.line_id) for each in pulled.refunds.values()
    }


def test_pages_are_read_from_the_last_to_the_first(double: XiaohongshuDouble) -> None:
    """The first look only learns how many pages there are; then 3, 2, 1."""
    double.book.fill(250, since=SINCE, until=NOW, refunded=0.0)
    source = source_of(double)
    pages, seen, page = [], [], None
    for _ in range(3):
        facts = source.page("orders", SINCE, NOW, page)
        page = facts.next_page
        pages.append(page)
        seen.append((facts.seen, facts.total))
    assert pages == ["2", "1", None]
    assert seen == [(50, 250), (100, 250), (100, 250)]
    source.close()


def test_rows_that_change_while_pages_are_turned_are_not_lost() -> None:
    """Every page some orders change; what left the window is in the next one, and none is missing (F-29)."""
    moments = [NOW]
    book = made_book(260)
    faults = Faults(drift_every=1, drift_orders=7, expire_every=40, every={FaultKind.DROP: 37, FaultKind.THROTTLE: 53})
    with XiaohongshuDouble(book, faults=faults, clock=lambda: moments[0]) as double:
        source = source_of(double)

        def tick() -> None:
            moments[0] += timedelta(seconds=2)

        # What changes meanwhile changes behind the window.
        moments[0] += timedelta(seconds=2)
        pulled = pull(source, SINCE, NOW, between=tick)
        faults.drift_every = 0
        later = pull(source, NOW - timedelta(seconds=300), moments[0] + timedelta(seconds=1))
        source.close()
    newest = {**pulled.orders, **later.orders}
    assert double.refused == []
    assert {each.order_no: each.status for each in book.orders()} == {
        number: each.status for number, each in newest.items()
    }
    assert 0 < double.refreshes <= double.expiries


@pytest.mark.parametrize("kind", [FaultKind.HTML, FaultKind.EMPTY, FaultKind.CUT, FaultKind.WRONG, FaultKind.ERROR])
def test_a_broken_answer_is_asked_for_again(double: XiaohongshuDouble, kind: FaultKind) -> None:
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


def test_too_fast_is_told_when_it_does_not_end(double: XiaohongshuDouble) -> None:
    """A platform that goes on saying "too fast" is `RateLimited` for the host."""
    double.faults.always = FaultKind.THROTTLE
    source = source_of(double)
    with pytest.raises(RateLimited):
        source.page("orders", SINCE, NOW, None)
    source.close()


def one_order(double: XiaohongshuDouble) -> Order:
    double.book.fill(1, since=SINCE, until=NOW, refunded=0.0)
    [order] = double.book.orders()
    return order


def test_one_order_is_fetched_with_all_its_cases(double: XiaohongshuDouble) -> None:
    """A message names an order or a case; either way order and cases come together, each once."""
    order = one_order(double)
    first = double.book.refund(order.order_no, at=NOW, amount_fen=1)
    second = double.book.refund(order.order_no, at=NOW, amount_fen=2, status=RefundStatus.OPEN)
    source = source_of(double)
    facts = source.fetch(order.order_no, second.refund_id)
    assert [each.refund_id for each in facts.items if isinstance(each, Refund)] == [first.refund_id, second.refund_id]
    assert [each.order_no for each in facts.items if isinstance(each, Order)] == [order.order_no]
    source.close()


def test_more_cases_than_a_page_holds_are_all_found(double: XiaohongshuDouble) -> None:
    """101 cases of one order stand on two pages."""
    order = one_order(double)
    for _ in range(101):
        double.book.refund(order.order_no, at=NOW, amount_fen=1)
    source = source_of(double)
    assert sum(isinstance(each, Refund) for each in source.fetch(order.order_no).items) == 101
    source.close()


class _Busy(XiaohongshuDouble):
    """Changes an order's first case once, behind the first page of them."""

    changed = False

    def _case_page(self, asked: Mapping[str, Any]) -> Reply:
        reply = super()._case_page(asked)
        if "orderId" in asked and not self.changed:
            self.changed = True
            first = self.book.refunds(asked["orderId"])[0]
            self.book._refunds[first.refund_id] = attrs.evolve(first, modified_at=NOW)
        return reply


def test_no_case_of_an_order_is_lost_while_its_cases_change() -> None:
    """Of 101 cases one changes while they are read, and pulls another one onto the page that was read already."""
    with _Busy(made_book(), clock=lambda: NOW) as busy:
        order = one_order(busy)
        for part in range(101):
            busy.book.refund(order.order_no, at=SINCE + timedelta(seconds=part), amount_fen=1)
        source = source_of(busy)
        found = {each.refund_id for each in source.fetch(order.order_no).items if isinstance(each, Refund)}
        assert found == {each.refund_id for each in busy.book.refunds(order.order_no)}
        source.close()


@pytest.mark.parametrize("number", ["P700000000009999999", "2400000000000001", "订单", "x" * 300])
def test_an_order_the_platform_does_not_know_is_nothing(double: XiaohongshuDouble, number: str) -> None:
    """An unknown number is no error, nor is an unknown case."""
    source = source_of(double)
    facts = source.fetch(number, "R7000000009999")
    assert (facts.items, facts.doubtful) == ((), ())
    source.close()


def test_more_changes_than_pages_can_be_asked_for_are_refused(
    double: XiaohongshuDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond page 100 nothing can be read, so the host hears that its windows are too long."""
    data = {"total": 10_001, "maxPageNo": 101, "orderList": []}
    monkeypatch.setattr(double, "answer", lambda _: Reply.of({"error_code": 0, "success": True, "data": data}))
    source = source_of(double)
    with pytest.raises(PlatformRefused, match="window_s"):
        source.page("orders", SINCE, NOW, None)
    data |= {"total": 10_000, "maxPageNo": 100}
    assert source.page("orders", SINCE, NOW, None).next_page == "99"
    source.close()


def test_of_two_statements_about_pages_the_larger_one_counts(
    double: XiaohongshuDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """300 rows are three pages though one is stated, and six where six are."""
    data = {"total": 300, "maxPageNo": 1, "orderList": []}
    monkeypatch.setattr(double, "answer", lambda _: Reply.of({"error_code": 0, "success": True, "data": data}))
    source = source_of(double)
    assert source.page("orders", SINCE, NOW, None).next_page == "2"
    data["maxPageNo"] = 6
    assert source.page("orders", SINCE, NOW, None).next_page == "5"
    source.close()


@pytest.mark.parametrize(
    "data",
    [
        *(None, {"orderList": []}, {"total": 1.5}, {"total": 1, "orderList": {}}),
        {"total": 0, "orderList": [{}] * 100},
    ],
)
def test_what_is_no_page_is_an_outage(double: XiaohongshuDouble, monkeypatch: pytest.MonkeyPatch, data: Any) -> None:
    """A page without its total, or with rows of another shape, must not look like the last one."""
    monkeypatch.setattr(double, "answer", lambda _: Reply.of({"error_code": 0, "success": True, "data": data}))
    source = source_of(double)
    with pytest.raises(PlatformUnavailable):
        source.page("orders", SINCE, NOW, None)
    source.close()


def test_one_bad_row_never_spoils_its_page(double: XiaohongshuDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no order and no case is held back beside the good ones."""
    order = one_order(double)
    double.book.refund(order.order_no, at=order.modified_at or NOW)
    answer = double.answer

    def with_rubbish(request: Any) -> Reply:
        reply = answer(request)
        body = reply.body.replace(b'"orderList": [', b'"orderList": [7, {"a": []}, ')
        body = body.replace(b'"afterSaleBasicInfos": [', b'"afterSaleBasicInfos": ["x", ')
        return attrs.evolve(reply, body=body)

    monkeypatch.setattr(double, "answer", with_rubbish)
    source = source_of(double)
    for feed, doubts in (("orders", 2), ("refunds", 1)):
        facts = source.page(feed, SINCE, NOW, None)
        assert [each.code for each in facts.doubtful] == ["UNREADABLE"] * doubts
        assert facts.items
    source.close()


def test_a_merchant_authorises_and_tokens_are_renewed(double: XiaohongshuDouble) -> None:
    """Without tokens somebody has to authorise; with the code the shop works, and a wrong one is refused."""
    store = MemoryTokenStore()
    source = XiaohongshuSource(
        double.settings(), tokens=store, options=LOOPBACK, clock=double.clock, sleep=lambda _: None
    )
    with pytest.raises(PlatformRefused):
        source.page("orders", SINCE, NOW, None)
    with pytest.raises(PlatformRefused):
        source.authorise("another")
    source.authorise("code-1")
    kept = store.load("xiaohongshu", SHOP).tokens
    assert kept is not None
    assert (kept.expires_at, kept.refresh_expires_at) == (NOW + timedelta(days=7), NOW + timedelta(days=14))
    assert source.page("orders", SINCE, NOW, None).seen == 0
    double.faults.at = {len(double.calls) + 1: FaultKind.EXPIRE}
    assert source.page("orders", SINCE, NOW, None).seen == 0
    assert double.refreshes == 1
    source.close()


def test_the_tokens_of_another_shop_are_refused(double: XiaohongshuDouble) -> None:
    """A merchant who authorises with another shop is told, and nothing of it is stored."""
    store = MemoryTokenStore()
    settings = double.settings(shop_id="5e0000000000000000000001")
    source = XiaohongshuSource(settings, tokens=store, options=LOOPBACK, clock=double.clock, sleep=lambda _: None)
    with pytest.raises(PlatformRefused, match="another shop"):
        source.authorise("code-1")
    assert store.load("xiaohongshu", "5e0000000000000000000001").tokens is None
    source.close()


def test_a_token_is_renewed_only_when_the_platform_gives_a_new_one() -> None:
    """With 26 minutes left it is used, with 25 it is renewed: earlier the platform would give the same pair again."""
    moments = [NOW]
    with XiaohongshuDouble(made_book(), clock=lambda: moments[0]) as double:
        source = XiaohongshuSource(
            double.settings(),
            tokens=MemoryTokenStore(),
            options=LOOPBACK,
            clock=double.clock,
            sleep=lambda _: None,
        )
        source.authorise("code-1")
        for left, refreshes in ((26, 0), (25, 1)):
            moments[0] = NOW + timedelta(days=7) - timedelta(minutes=left)
            source.page("orders", SINCE, NOW, None)
            assert double.refreshes == refreshes
        source.close()


def test_a_pushed_message_names_what_to_fetch(double: XiaohongshuDouble) -> None:
    """The double's message is verified, its order is fetched, and taken and not taken sound different."""
    order = one_order(double)
    source = source_of(double)
    incoming = double.message(order.order_no)
    [pushed] = source.verify(incoming, NOW)
    assert (pushed.order_no, pushed.shop_id) == (order.order_no, SHOP)
    assert source.fetch(pushed.order_no, pushed.refund_id).items
    assert source.acknowledge(incoming, True).body == b'{"success":true,"error_code":0,"error_msg":""}'
    assert source.acknowledge(Incoming(), False).status == 500
    source.close()


def test_what_it_can_do_is_said(double: XiaohongshuDouble) -> None:
    """Without a callback nothing is pushed; a window is half an hour at most."""
    source = source_of(double)
    assert (source.platform, source.shop_id, source.feeds) == ("xiaohongshu", SHOP, ("refunds", "orders"))
    assert (source.capabilities.push, source.capabilities.buyer_id_scope) == (True, "shop")
    assert source.limits.longest_window_s == 1_800
    assert not source_of(double, callback=None).capabilities.push
    with pytest.raises(InvalidInput):
        source.page("parcels", SINCE, NOW, None)


def test_asynchronous_hosts_read_the_same(double: XiaohongshuDouble) -> None:
    """One source of code: the asynchronous face gives the same facts."""
    double.book.fill(20, since=SINCE, until=NOW)
    plain = source_of(double)
    expected = plain.page("orders", SINCE, NOW, None)
    plain.close()

    async def read() -> Any:
        async def pause(_: float) -> None:
            return None

        source = AsyncXiaohongshuSource(
            double.settings(), tokens=tokens_of(double), options=LOOPBACK, clock=double.clock, sleep=pause
        )
        try:
            return await source.page("orders", SINCE, NOW, None)
        finally:
            await source.close()

    assert asyncio.run(read()) == expected
