"""The Youzan source against its double: every page, every order with its cases, every fault of the road."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import httpx
import pytest
from pulling import pull

from crossloyalty.adapters.wire.dialect import SendingOptions
from crossloyalty.adapters.wire.token_stores import MemoryTokenStore
from crossloyalty.adapters.youzan import AsyncYouzanSource, YouzanSettings, YouzanSource, calls
from crossloyalty.application.sources import Incoming
from crossloyalty.domain.orders import Order, OrderStatus, Refund, RefundStatus
from crossloyalty.errors import ForgedMessage, InvalidInput, PlatformRefused, PlatformUnavailable, RateLimited
from crossloyalty.testing.doubles import Book, FaultKind, Faults, Reply, Request
from crossloyalty.testing.doubles.youzan import YouzanDouble

NOW = datetime(2026, 11, 12, 3, 0, tzinfo=UTC)
SINCE = NOW - timedelta(hours=6)
LOOPBACK = SendingOptions(allow_loopback=True, try_s=2.0, deadline_s=20.0)
SHOP = "12345678"


def made_book(count: int = 0) -> Book:
    book = Book("youzan", SHOP, number=lambda place: f"E2026{place:019}")
    if count:
        book.fill(count, since=SINCE, until=NOW)
    return book


@pytest.fixture
def double() -> Iterator[YouzanDouble]:
    with YouzanDouble(made_book(), clock=lambda: NOW) as running:
        yield running


def source_of(double: YouzanDouble, **changes: Any) -> YouzanSource:
    return YouzanSource(double.settings(**changes), options=LOOPBACK, clock=double.clock, sleep=lambda _: None)


def test_every_change_is_read_with_what_the_buyer_paid() -> None:
    """120 orders over three pages come whole: numbers, statuses, amounts, lines, buyers and refunds are the book's."""
    book = made_book(120)
    with YouzanDouble(book, clock=lambda: NOW) as double:
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
        assert (read.paid_fen, read.shipping_fen) == ((true.paid_fen, true.shipping_fen) if was_paid else (0, 0))
        assert [line.paid_fen for line in read.lines or ()] == [
            line.paid_fen if was_paid else 0 for line in true.lines or ()
        ]
        assert read.finished_at == true.finished_at
    for refund in book.refunds():
        read_refund = pulled.refunds[refund.refund_id]
        assert (read_refund.amount_fen, read_refund.status) == (refund.amount_fen, refund.status)
        order = pulled.orders[refund.order_no]
        assert read_refund.line_id == (order.lines or ())[0].line_id
        assert read_refund.modified_at == refund.modified_at


def test_rows_that_change_while_pages_are_turned_are_not_lost() -> None:
    """Every other page three orders change; what left the window is in the next one, and none is missing (F-29)."""
    moments = [NOW]
    book = made_book(200)
    faults = Faults(drift_every=2, expire_every=60, every={FaultKind.DROP: 37, FaultKind.THROTTLE: 53})
    with YouzanDouble(book, faults=faults, clock=lambda: moments[0]) as double:
        source = source_of(double, page_size=20)

        def tick() -> None:
            moments[0] += timedelta(seconds=1)

        pulled = pull(source, SINCE, NOW, between=tick)
        faults.drift_every = 0
        later = pull(source, NOW - timedelta(seconds=600), moments[0] + timedelta(seconds=1))
        source.close()
    newest = {**pulled.orders, **later.orders}
    assert double.refused == []
    assert {each.order_no: each.status for each in book.orders()} == {
        number: each.status for number, each in newest.items()
    }
    assert 0 < double.refreshes <= double.expiries + 1


@pytest.mark.parametrize("kind", [FaultKind.HTML, FaultKind.EMPTY, FaultKind.CUT, FaultKind.WRONG, FaultKind.ERROR])
def test_a_broken_answer_is_asked_for_again(double: YouzanDouble, kind: FaultKind) -> None:
    """Whatever comes instead of an answer, the next try gets it; when none comes it is an outage without secrets."""
    double.book.fill(3, since=SINCE, until=NOW, refunded=0.0)
    double.faults.every = {kind: 2}
    source = source_of(double)
    assert len(pull(source, SINCE, NOW).orders) == 3
    double.faults.always = kind
    with pytest.raises(PlatformUnavailable) as caught:
        source.page("orders", SINCE, NOW, None)
    assert "canary" not in str(caught.value) + repr(caught.value.__dict__)
    source.close()


def test_a_wrong_secret_shows_nothing_of_any(double: YouzanDouble) -> None:
    """A refused token call names code, method and host, and no secret or token."""
    source = source_of(double, client_secret="other-canary")
    with pytest.raises(PlatformRefused) as caught:
        source.page("orders", SINCE, NOW, None)
    assert caught.value.code == "1103"
    assert "canary" not in str(caught.value) + repr(caught.value.__dict__)
    source.close()


def test_too_fast_is_told_when_it_does_not_end(double: YouzanDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    """A platform that goes on saying "too fast" is `RateLimited` for the host, with the pause that comes next."""
    reply = Reply.of({"gw_err_resp": {"err_code": 4101, "err_msg": "请求太频繁"}})
    monkeypatch.setattr(double, "throttled", lambda _: reply)
    double.faults.always = FaultKind.THROTTLE
    source = source_of(double)
    with pytest.raises(RateLimited) as caught:
        source.page("orders", SINCE, NOW, None)
    assert (caught.value.code, caught.value.retry_after_s) == ("4101", 24.0)
    source.close()


def test_too_fast_is_waited_for_as_the_platform_advises() -> None:
    """3, 6, 12 and 24 s fit into the deadline of 60 s and 48 do not: the host hears of them."""
    waited: list[float] = []
    slow = {"gw_err_resp": {"err_code": 4101, "err_msg": "请求太频繁"}}
    client = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, json=slow)))
    settings = YouzanSettings(client_id="c", client_secret="canary", kdt_id=SHOP)
    source = YouzanSource(settings, client=client, clock=lambda: NOW, sleep=waited.append)
    with pytest.raises(RateLimited) as caught:
        source.page("orders", SINCE, NOW, None)
    assert [int(each) for each in waited] == [3, 6, 12, 24]
    assert caught.value.retry_after_s == 48.0
    source.close()


@pytest.mark.parametrize(
    ("options", "pauses"),
    [
        (SendingOptions(tries=6, deadline_s=120.0, longest_pause_s=60.0), [3, 6, 12, 24, 48]),
        (SendingOptions(tries=2), [3]),
    ],
)
def test_the_hosts_own_patience_counts(options: SendingOptions, pauses: list[int]) -> None:
    """With room for it the whole row is waited for; with fewer tries less of it."""
    waited: list[float] = []
    slow = {"gw_err_resp": {"err_code": 4101, "err_msg": "请求太频繁"}}
    client = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, json=slow)))
    settings = YouzanSettings(client_id="c", client_secret="canary", kdt_id=SHOP)
    source = YouzanSource(settings, client=client, options=options, clock=lambda: NOW, sleep=waited.append)
    with pytest.raises(RateLimited):
        source.page("orders", SINCE, NOW, None)
    assert [int(each) for each in waited] == pauses
    source.close()


def test_one_order_is_fetched_with_all_its_cases(double: YouzanDouble) -> None:
    """A message names an order or a case; either way order and cases come together, and an open one shows."""
    double.book.fill(1, since=SINCE, until=NOW, refunded=0.0)
    (order,) = double.book.orders()
    first = double.book.refund(order.order_no, at=NOW, amount_fen=1)
    second = double.book.refund(order.order_no, at=NOW, amount_fen=2, status=RefundStatus.OPEN)
    source = source_of(double)
    facts = source.fetch(order.order_no, second.refund_id)
    assert [each.refund_id for each in facts.items if isinstance(each, Refund)] == [first.refund_id, second.refund_id]
    [read] = [each for each in facts.items if isinstance(each, Order)]
    assert (read.order_no, read.refund_open, facts.seen) == (order.order_no, True, 1)
    source.close()


@pytest.mark.parametrize("number", ["E2026000000000000000009999", "1", "", "²²²²²²²²", "9" * 65, "E2026-1"])
def test_an_order_the_platform_does_not_know_is_nothing(double: YouzanDouble, number: str) -> None:
    """Neither an unknown number nor one that can be none of this platform's raises."""
    source = source_of(double)
    facts = source.fetch(number, "2026030409000000000100")
    assert (facts.items, facts.doubtful, facts.seen) == ((), (), 0)
    source.close()


def test_one_bad_row_never_spoils_its_page(double: YouzanDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rubbish and an order whose figures do not agree are held back beside the good ones."""
    double.book.fill(3, since=SINCE, until=NOW, refunded=0.0)
    bad = next(each.order_no for each in double.book.orders() if each.paid_at is not None)
    answer = double.answer

    def with_rubbish(request: Request) -> Reply:
        reply = answer(request)
        value = json.loads(reply.body)
        rows = (value.get("data") or {}).get("full_order_info_list")
        if rows is None:
            return reply
        for row in rows:
            if row["full_order_info"]["order_info"]["tid"] == bad:
                row["full_order_info"]["pay_info"]["payment"] += "1"
        rows += [7, {"full_order_info": []}]
        return Reply.of(value)

    monkeypatch.setattr(double, "answer", with_rubbish)
    source = source_of(double)
    facts = source.page("orders", SINCE, NOW, None)
    assert [(each.order_no, each.code) for each in facts.doubtful][1:] == [("", "UNREADABLE")] * 2
    assert facts.doubtful[0].order_no == bad
    assert (len(facts.items), facts.seen) == (2, 5)
    source.close()


def test_a_window_with_more_rows_than_paging_reaches_is_halved(
    double: YouzanDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four pages of two rows are all that can be turned: 30 rows are read in parts, and none is missing."""
    monkeypatch.setattr(calls, "DEEPEST_ORDER_PAGES", 4)
    double.book.fill(30, since=SINCE, until=NOW, refunded=0.0)
    source = source_of(double, page_size=2)
    pulled = pull(source, SINCE, NOW)
    source.close()
    assert set(pulled.orders) == {each.order_no for each in double.book.orders()}
    assert double.refused == []


@pytest.mark.parametrize(
    "data",
    [
        *({}, {"total_results": 1}, {"total_results": -1}, {"total_results": 1, "full_order_info_list": {}}, [], None),
        {"total_results": 0, "full_order_info_list": [{}] * 100},
    ],
)
def test_what_is_no_page_is_an_outage(double: YouzanDouble, monkeypatch: pytest.MonkeyPatch, data: Any) -> None:
    """A page without its total, with a total and no rows, or full beyond its total must not look like the last one."""
    source = source_of(double)
    source.page("orders", SINCE, NOW, None)
    monkeypatch.setattr(double, "answer", lambda _: Reply.of({"code": 200, "success": True, "data": data}))
    with pytest.raises(PlatformUnavailable):
        source.page("orders", SINCE, NOW, None)
    source.close()


def test_an_order_in_place_of_another_is_held_back(double: YouzanDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    """The detail of an order, or of a case, that was not asked for is not taken for the one that was."""
    double.book.fill(1, since=SINCE, until=NOW, refunded=0.0)
    (order,) = double.book.orders()
    refund = double.book.refund(order.order_no, at=NOW)
    monkeypatch.setattr(double.book, "order", lambda _: order)
    monkeypatch.setattr(double.book, "refund_of", lambda _: refund)
    source = source_of(double)
    facts = source.fetch("E2026000000000000000009999", "999")
    assert (facts.items, facts.seen) == ((), 0)
    assert [(each.order_no, each.code) for each in facts.doubtful] == [
        ("E2026000000000000000009999", "UNREADABLE"),
        ("", "UNREADABLE"),
    ]
    source.close()


def test_a_merchant_authorises_a_tool_and_tokens_are_renewed(double: YouzanDouble) -> None:
    """Without tokens somebody has to authorise; with the code the shop works, and a wrong one is refused."""
    store = MemoryTokenStore()
    settings = double.settings(app_kind="tool")
    source = YouzanSource(settings, tokens=store, options=LOOPBACK, clock=double.clock, sleep=lambda _: None)
    with pytest.raises(PlatformRefused):
        source.page("orders", SINCE, NOW, None)
    with pytest.raises(PlatformRefused):
        source.authorise("another")
    source.authorise("code-1")
    kept = store.load("youzan", SHOP).tokens
    assert kept is not None
    assert (kept.expires_at, kept.refresh_expires_at) == (NOW + timedelta(days=7), NOW + timedelta(days=28))
    assert source.page("orders", SINCE, NOW, None).seen == 0
    double.faults.at = {len(double.calls) + 1: FaultKind.EXPIRE}
    assert source.page("orders", SINCE, NOW, None).seen == 0
    assert double.refreshes == 1
    source.close()


def test_the_tokens_of_another_shop_are_refused(double: YouzanDouble) -> None:
    """A merchant who authorises with another shop is told, and nothing of it is stored."""
    store = MemoryTokenStore()
    settings = double.settings(app_kind="tool", kdt_id="87654321")
    source = YouzanSource(settings, tokens=store, options=LOOPBACK, clock=double.clock, sleep=lambda _: None)
    with pytest.raises(PlatformRefused, match="another shop"):
        source.authorise("code-1")
    assert store.load("youzan", "87654321").tokens is None
    source.close()


def test_workers_of_a_self_use_application_share_its_token(double: YouzanDouble) -> None:
    """Two workers with stores of their own get the token in force; neither ends the other's."""
    first, second = source_of(double), source_of(double)
    for source in (first, second, first, second):
        source.page("orders", SINCE, NOW, None)
    assert (double.refreshes, double.expiries) == (1, 0)
    first.close()
    second.close()


def test_a_pushed_message_names_what_to_fetch(double: YouzanDouble) -> None:
    """The double's messages open, their orders are fetched, and taken and not taken sound different."""
    double.book.fill(1, since=SINCE, until=NOW, refunded=0.0)
    (order,) = double.book.orders()
    refund = double.book.refund(order.order_no, at=NOW)
    source = source_of(double)
    [pushed] = source.verify(double.message(order.order_no), NOW)
    assert (pushed.order_no, pushed.refund_id, pushed.shop_id) == (order.order_no, "", SHOP)
    incoming = double.message(order.order_no, refund_id=refund.refund_id)
    [about_refund] = source.verify(incoming, NOW)
    assert (about_refund.order_no, about_refund.refund_id) == (order.order_no, refund.refund_id)
    assert about_refund.message_id != pushed.message_id
    assert [each.message_id for each in source.verify(double.message(order.order_no, message_id="m-7"), NOW)] == ["m-7"]
    assert len(source.fetch(pushed.order_no, about_refund.refund_id).items) == 2
    assert b"success" in source.acknowledge(incoming, True).body
    assert b"success" not in source.acknowledge(Incoming(), False).body
    with pytest.raises(ForgedMessage):
        source.verify(attrs.evolve(incoming, body=incoming.body + b" "), NOW)
    source.close()


def test_what_it_can_do_is_said(double: YouzanDouble) -> None:
    """Buyers are known across shops; a window is a day at most."""
    source = source_of(double)
    assert (source.platform, source.shop_id, source.feeds) == ("youzan", SHOP, ("refunds", "orders"))
    assert (source.capabilities.push, source.capabilities.buyer_id_scope) == (True, "platform")
    assert source.limits.longest_window_s == 86_400
    with pytest.raises(InvalidInput):
        source.page("parcels", SINCE, NOW, None)
    source.close()


def test_asynchronous_hosts_read_the_same(double: YouzanDouble) -> None:
    """One source of code: the asynchronous face gives the same facts."""
    double.book.fill(10, since=SINCE, until=NOW)
    plain = source_of(double)
    expected = plain.page("orders", SINCE, NOW, None)
    plain.close()
    assert any(isinstance(each, Order) and each.status is OrderStatus.FINISHED for each in expected.items)

    async def read() -> Any:
        async def pause(_: float) -> None:
            return None

        source = AsyncYouzanSource(double.settings(), options=LOOPBACK, clock=double.clock, sleep=pause)
        try:
            return await source.page("orders", SINCE, NOW, None)
        finally:
            await source.close()

    assert asyncio.run(read()) == expected
