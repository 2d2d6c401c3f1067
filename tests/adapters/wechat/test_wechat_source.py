"""The Weixin shop source against its double: every page, every order with its cases, every fault of the road."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pulling import pull

from crossloyalty import Loyalty, Program, rules
from crossloyalty.adapters.wechat import AsyncWechatSource, WechatSource
from crossloyalty.adapters.wire.dialect import SendingOptions
from crossloyalty.application.sources import Incoming
from crossloyalty.domain.orders import Order, OrderStatus, Refund, RefundStatus
from crossloyalty.errors import ForgedMessage, InvalidInput, PlatformRefused, PlatformUnavailable, RateLimited
from crossloyalty.storage.memory import MemoryStorage
from crossloyalty.testing.doubles import Book, FaultKind, Faults, Reply, Request
from crossloyalty.testing.doubles.wechat import WechatDouble

NOW = datetime(2026, 11, 12, 3, 0, tzinfo=UTC)
SINCE = NOW - timedelta(hours=6)
LOOPBACK = SendingOptions(allow_loopback=True, try_s=2.0, deadline_s=20.0)
SHOP = "wx0123456789abcdef"


def made_book(count: int = 0) -> Book:
    book = Book("wechat", SHOP, number=lambda place: f"{3_700_000_000_000_000_000 + place}")
    if count:
        book.fill(count, since=SINCE, until=NOW)
    return book


@pytest.fixture
def double() -> Iterator[WechatDouble]:
    with WechatDouble(made_book(), clock=lambda: NOW) as running:
        yield running


def source_of(double: WechatDouble, **changes: Any) -> WechatSource:
    return WechatSource(double.settings(**changes), options=LOOPBACK, clock=double.clock, sleep=lambda _: None)


def test_every_change_is_read_with_what_the_buyer_paid() -> None:
    """120 orders over three pages come whole: numbers, statuses, amounts, lines, buyers and refunds are the book's."""
    book = made_book(120)
    with WechatDouble(book, clock=lambda: NOW) as double:
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


def test_rows_that_change_while_pages_are_turned_are_not_lost() -> None:
    """Every other page three orders change; what left the window is in the next one, and none is missing (F-29)."""
    moments = [NOW]
    book = made_book(200)
    faults = Faults(drift_every=2, expire_every=60, every={FaultKind.DROP: 37, FaultKind.THROTTLE: 53})
    with WechatDouble(book, faults=faults, clock=lambda: moments[0]) as double:
        source = source_of(double)

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
def test_a_broken_answer_is_asked_for_again(double: WechatDouble, kind: FaultKind) -> None:
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


def test_a_wrong_secret_shows_nothing_of_any(double: WechatDouble) -> None:
    """A refused token call names code, method and host, and no secret, appid or token."""
    source = source_of(double, app_secret="other-canary")
    with pytest.raises(PlatformRefused) as caught:
        source.page("orders", SINCE, NOW, None)
    assert caught.value.code == "40125"
    assert "canary" not in str(caught.value) + repr(caught.value.__dict__)
    source.close()


def test_the_quota_of_a_day_is_told(double: WechatDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    """A used-up quota is longer than anybody waits: `RateLimited` with the pause."""
    monkeypatch.setattr(double, "answer", lambda _: Reply.of({"errcode": 45009, "errmsg": "reach max api daily quota"}))
    source = source_of(double)
    with pytest.raises(RateLimited) as caught:
        source.page("orders", SINCE, NOW, None)
    assert caught.value.retry_after_s == 3600
    source.close()


def test_one_order_is_fetched_with_all_its_cases(double: WechatDouble) -> None:
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


@pytest.mark.parametrize("number", ["3700000000000009999", "E2026", "", "²²²²²²²²", "9" * 33])
def test_an_order_the_platform_does_not_know_is_nothing(double: WechatDouble, number: str) -> None:
    """Neither an unknown number nor one that can be none of this platform's raises."""
    source = source_of(double)
    facts = source.fetch(number, "9999")
    assert (facts.items, facts.doubtful, facts.seen) == ((), (), 0)
    source.close()


def test_one_bad_order_never_spoils_its_page(double: WechatDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    """An order whose figures do not agree is held back beside the good ones."""
    double.book.fill(3, since=SINCE, until=NOW, refunded=0.0)
    bad = next(each.order_no for each in double.book.orders() if each.paid_at is not None)
    answer = double.answer

    def with_a_wrong_price(request: Request) -> Reply:
        reply = answer(request)
        if request.path.endswith("/order/get") and request.json()["order_id"] == bad:
            value = json.loads(reply.body)
            value["order"]["order_detail"]["price_info"]["order_price"] += 1
            return Reply.of(value)
        return reply

    monkeypatch.setattr(double, "answer", with_a_wrong_price)
    source = source_of(double)
    facts = source.page("orders", SINCE, NOW, None)
    assert [(each.order_no, each.code) for each in facts.doubtful] == [(bad, "AMOUNT_MISMATCH")]
    assert (len(facts.items), facts.seen) == (2, 3)
    source.close()


def test_a_cursor_that_stands_still_ends_in_an_error(double: WechatDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that leads to itself would be read for ever."""
    source = source_of(double)
    source.page("orders", SINCE, NOW, None)
    reply = Reply.of({"errcode": 0, "order_id_list": [], "has_more": True, "next_key": "k1"})
    monkeypatch.setattr(double, "answer", lambda _: reply)
    assert source.page("orders", SINCE, NOW, None).next_page == "k1"
    with pytest.raises(PlatformUnavailable):
        source.page("orders", SINCE, NOW, "k1")
    source.close()


def test_a_pushed_message_names_what_to_fetch(double: WechatDouble) -> None:
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
    [once], [again] = (source.verify(double.message(order.order_no, message_id="7"), NOW) for _ in range(2))
    assert once.message_id == again.message_id
    assert len(source.fetch(pushed.order_no, about_refund.refund_id).items) == 2
    assert source.acknowledge(incoming, True).body == b"success"
    assert source.acknowledge(Incoming(), False).status == 403
    with pytest.raises(ForgedMessage):
        source.verify(incoming, NOW + timedelta(hours=1))
    source.close()


def test_a_host_passes_probes_and_messages_through(double: WechatDouble) -> None:
    """The GET that checks the address and the messages behind it go through `receive()`, each with its answer."""
    double.book.fill(1, since=SINCE, until=NOW, refunded=0.0)
    (order,) = double.book.orders()
    source = source_of(double)
    loyalty = Loyalty(Program(program_id="a", rewards=[rules.PointsPerYuan("1")]), MemoryStorage(), clock=lambda: NOW)
    message = double.message(order.order_no)
    query = {**message.query, "echostr": "4889"}
    probe = loyalty.receive(source, {}, b"", query=query, method="GET")
    assert (probe.refused, probe.acknowledgement.status, probe.acknowledgement.body) == ("", 200, b"4889")
    forged = loyalty.receive(source, {}, b"", query=query | {"nonce": "0"}, method="GET")
    assert (forged.acknowledgement.status, forged.acknowledgement.body) == (403, b"")
    assert forged.refused
    taken = loyalty.receive(source, message.headers, message.body, query=message.query)
    assert (taken.taken, taken.acknowledgement.body) == (1, b"success")
    source.close()


def test_what_it_can_do_is_said(double: WechatDouble) -> None:
    """Without a push token nothing is pushed; a window is a day at most, as after-sale lists want it."""
    source = source_of(double)
    assert (source.platform, source.shop_id, source.feeds) == ("wechat", SHOP, ("refunds", "orders"))
    assert (source.capabilities.push, source.capabilities.buyer_id_scope) == (True, "app")
    assert source.limits.longest_window_s == 86_400
    assert not source_of(double, push_token=None).capabilities.push
    with pytest.raises(InvalidInput):
        source.page("parcels", SINCE, NOW, None)
    source.close()


def test_asynchronous_hosts_read_the_same(double: WechatDouble) -> None:
    """One source of code: the asynchronous face gives the same facts."""
    double.book.fill(10, since=SINCE, until=NOW)
    plain = source_of(double)
    expected = plain.page("orders", SINCE, NOW, None)
    plain.close()
    assert any(isinstance(each, Order) and each.status is OrderStatus.FINISHED for each in expected.items)

    async def read() -> Any:
        async def pause(_: float) -> None:
            return None

        source = AsyncWechatSource(double.settings(), options=LOOPBACK, clock=double.clock, sleep=pause)
        try:
            return await source.page("orders", SINCE, NOW, None)
        finally:
            await source.close()

    assert asyncio.run(read()) == expected
