"""A Pinduoduo shop read over HTTP from its double: pages, tokens, faults, what finishes late, messages."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import attrs
import pytest
from window_reader import Clock, newest, pull

from crossloyalty.adapters.pinduoduo import AsyncPinduoduoSource, PinduoduoSource
from crossloyalty.adapters.wire.dialect import SendingOptions
from crossloyalty.application.sources import Incoming, PullSource, PushSource
from crossloyalty.domain.orders import Order, OrderStatus, Refund, RefundStatus
from crossloyalty.errors import ConfigError, ForgedMessage, InvalidInput, PlatformRefused, PlatformUnavailable
from crossloyalty.testing.doubles import Book, FaultKind, Faults, Reply
from crossloyalty.testing.doubles.pinduoduo import PinduoduoDouble

NOW = datetime(2024, 7, 20, 4, 0, tzinfo=UTC)
SINCE = NOW - timedelta(hours=3)
LOOPBACK = SendingOptions(allow_loopback=True, try_s=2.0, deadline_s=20.0, tries=6)


def new_book(count: int = 0) -> Book:
    """Give a book whose orders were changed in the three hours before now."""
    book = Book("pinduoduo", "100200300", number=PinduoduoDouble.order_number)
    book.fill(count, since=SINCE, until=NOW - timedelta(minutes=4))
    return book


@pytest.fixture
def clock() -> Clock:
    """Give the clock of source and double."""
    return Clock(NOW)


@pytest.fixture
def double(clock: Clock) -> Iterator[PinduoduoDouble]:
    """Give a running double of a shop without orders."""
    with PinduoduoDouble(new_book(), clock=clock) as running:
        yield running


def source_at(double: PinduoduoDouble, **changes: object) -> PinduoduoSource:
    """Give an authorised source at a double."""
    source = PinduoduoSource(
        double.settings(message_channel=True, **changes), options=LOOPBACK, clock=double.clock, sleep=lambda _: None
    )
    source.authorise("code-1")
    return source


def seen(order: Order) -> tuple[object, ...]:
    """Give what of an order has to be the book's."""
    lines = [(line.line_id, line.paid_fen, line.product_id) for line in order.lines or ()]
    return order.order_no, order.status, order.paid_fen, order.shipping_fen, order.finished_at, lines


HELD = timedelta(days=7)


def told(order: Order) -> Order:
    """Give the order of the book as the platform can tell it: what was never paid counts nothing."""
    if order.finished_at is not None:
        # Its hold began with the receipt, which is the date of finishing here.
        order = attrs.evolve(order, finished_at=order.finished_at - HELD)
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
        drift_orders=20,
    )
    book = new_book()
    book.fill(1_000, since=SINCE, until=SINCE + timedelta(minutes=28))
    with PinduoduoDouble(book, faults=faults, clock=clock) as double:
        source = source_at(double)
        read = [facts for feed in source.feeds for facts in pull(source, feed, SINCE, clock.now)]
        first = {each.order_no for each in newest(read).values() if isinstance(each, Order)}
        # What had not changed meanwhile was all read in the first round, whatever left the window beside it.
        assert {each.order_no for each in book.orders_changed(SINCE, NOW)} <= first
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


def test_pages_are_read_from_the_last_to_the_first(double: PinduoduoDouble) -> None:
    """250 orders in one window: the first call tells how many, then pages 3, 2 and 1 follow."""
    begin = NOW - timedelta(minutes=30)
    double.book.fill(250, since=begin, until=begin + timedelta(minutes=20), refunded=0)
    source, page, pages = source_at(double), None, []
    while True:
        facts = source.page("orders", begin, begin + timedelta(minutes=25), page)
        assert facts.total == 250
        pages.append((page, facts.seen))
        page = facts.next_page
        if page is None:
            break
    assert pages == [(None, 100), ("3", 50), ("2", 100), ("1", 100)]


def test_an_order_finishes_though_nobody_touches_it_any_more(double: PinduoduoDouble, clock: Clock) -> None:
    """Received at 04:00 and never touched again: signed in the list of changes, finished in the late one, 7 days on."""
    double.book.fill(1, since=NOW, until=NOW + timedelta(seconds=1), refunded=0)
    [order] = double.book.orders()
    finished_at = NOW + timedelta(days=7)
    double.book.put(attrs.evolve(order, status=OrderStatus.FINISHED, finished_at=finished_at, modified_at=NOW))
    source = source_at(double)
    clock.now += timedelta(minutes=10)
    [first] = newest(pull(source, "orders", NOW, clock.now)).values()
    assert isinstance(first, Order)
    assert (first.status, first.finished_at) == (OrderStatus.SIGNED, None)
    assert newest(pull(source, "finishing", NOW, clock.now)) == {}
    clock.now = finished_at + timedelta(minutes=10)
    [late] = newest(pull(source, "finishing", finished_at, clock.now)).values()
    assert isinstance(late, Order)
    assert (late.status, late.finished_at) == (OrderStatus.FINISHED, NOW)


def test_the_late_list_asks_for_nothing_the_platform_no_longer_shows(double: PinduoduoDouble) -> None:
    """Windows that lie more than 90 days back are empty without a call."""
    source = source_at(double)
    calls = len(double.calls)
    until = NOW - timedelta(days=83, seconds=1)
    assert source.page("finishing", until - timedelta(minutes=30), until, None).seen == 0
    assert len(double.calls) == calls
    until += timedelta(seconds=2)
    assert source.page("finishing", until - timedelta(minutes=30), until, None).seen == 0
    assert len(double.calls) == calls + 1


def test_one_order_is_fetched_with_its_refunds(double: PinduoduoDouble) -> None:
    """A fetch gives the order and every case of it, and nothing for numbers of other shops or forms."""
    double.book.fill(1, since=SINCE, until=NOW, refunded=0)
    [order] = double.book.orders()
    double.book.put(attrs.evolve(order, status=OrderStatus.FINISHED, finished_at=SINCE, paid_at=SINCE))
    double.book.refund(order.order_no, at=NOW, status=RefundStatus.CLOSED)
    double.book.refund(order.order_no, at=NOW, amount_fen=1)
    source = source_at(double)
    facts = source.fetch(order.order_no)
    assert [type(item) for item in facts.items] == [Refund, Refund, Order]
    assert [item.status for item in facts.items] == [RefundStatus.CLOSED, RefundStatus.SUCCESS, OrderStatus.FINISHED]
    assert source.fetch("240701-999999999999999").items == ()
    calls = len(double.calls)
    for other in ("", "6900000000000000001", "240701-1", "240701-999999999999999 "):
        assert source.fetch(other).items == ()
    assert len(double.calls) == calls


def test_a_platform_that_lists_no_longer_all_refunds_is_asked_for_those_paid_back(double: PinduoduoDouble) -> None:
    """Status 1 refused: with 10 what was paid back is read by change, and an open case shows by its order."""
    double.lists_all_refunds = False
    double.book.fill(2, since=SINCE, until=NOW - timedelta(minutes=10), refunded=0)
    first, second = double.book.orders()
    paid_back = double.book.refund(first.order_no, at=NOW - timedelta(minutes=6), amount_fen=1)
    double.book.refund(second.order_no, at=NOW - timedelta(minutes=6), status=RefundStatus.OPEN)
    usual = source_at(double)
    with pytest.raises(PlatformRefused):
        usual.page("refunds", NOW - timedelta(minutes=30), NOW - timedelta(minutes=3), None)
    usual.close()
    source = source_at(double, after_sales_status=10)
    facts = source.page("refunds", NOW - timedelta(minutes=30), NOW - timedelta(minutes=3), None)
    assert [each.refund_id for each in facts.items if isinstance(each, Refund)] == [paid_back.refund_id]
    [open_one] = [each for each in source.fetch(second.order_no).items if isinstance(each, Order)]
    assert open_one.refund_open
    source.close()


class _Busy(PinduoduoDouble):
    """Changes an order's first case once, behind the first page of them."""

    changed = False

    def _case_page(self, sent: Mapping[str, str]) -> Reply:
        reply = super()._case_page(sent)
        if "order_sn" in sent and not self.changed:
            self.changed = True
            first = self.book.refunds(sent["order_sn"])[0]
            self.book._refunds[first.refund_id] = attrs.evolve(first, modified_at=NOW)
        return reply


def test_no_case_of_an_order_is_lost_while_its_cases_change(clock: Clock) -> None:
    """Of 101 cases one changes while they are read, and pulls another one onto the page that was read already."""
    with _Busy(new_book(1), clock=clock) as double:
        [order] = double.book.orders()
        for part in range(101):
            double.book.refund(order.order_no, at=SINCE + timedelta(seconds=part), amount_fen=1)
        facts = source_at(double).fetch(order.order_no)
        found = {each.refund_id for each in facts.items if isinstance(each, Refund)}
        assert found == {each.refund_id for each in double.book.refunds(order.order_no)}


@pytest.mark.parametrize("feed", ["orders", "refunds"])
@pytest.mark.parametrize(
    "shape",
    [
        *({}, {"anything": {}}, {"error_response": None}, {"a_response": {"total_count": None}}, {"a_response": []}),
        *(
            {"a_response": {"total_count": 1, "order_sn_list": {}, "refund_list": {}}},
            {"a_response": {"has_next": True}},
            {"a_response": {"total_count": 0, "order_sn_list": [{}] * 100, "refund_list": [{}] * 100}},
        ),
    ],
)
def test_a_list_of_another_shape_is_no_empty_list(
    double: PinduoduoDouble, monkeypatch: pytest.MonkeyPatch, feed: str, shape: object
) -> None:
    """What states no number of rows is an outage: as an empty page its orders would never be asked for again."""
    source = source_at(double)
    monkeypatch.setattr(double, "answer", lambda request: Reply.of(shape))
    with pytest.raises(PlatformUnavailable):
        source.page(feed, SINCE, SINCE + timedelta(minutes=30), None)


def test_a_list_that_does_not_exist_is_refused(double: PinduoduoDouble) -> None:
    """A feed by another name is a mistake of the caller."""
    with pytest.raises(InvalidInput):
        source_at(double).page("reviews", SINCE, NOW, None)


def test_without_an_authorisation_nothing_is_asked(double: PinduoduoDouble) -> None:
    """The platform gives no tokens to the app's own keys, so the merchant has to authorise first."""
    source = PinduoduoSource(double.settings(), options=LOOPBACK, clock=double.clock, sleep=lambda _: None)
    with pytest.raises(PlatformRefused, match="authorise"):
        source.fetch("240701-000000000000001")
    with pytest.raises(PlatformRefused):
        source.authorise("code-2")
    assert double.calls == ["POST /api/router"]


def test_the_tokens_of_another_shop_are_refused(double: PinduoduoDouble) -> None:
    """A merchant who authorises with another shop is told, and nothing of it is stored."""
    source = PinduoduoSource(double.settings(shop_id="1"), options=LOOPBACK, clock=double.clock, sleep=lambda _: None)
    with pytest.raises(PlatformRefused, match="another shop"):
        source.authorise("code-1")


@pytest.mark.parametrize("kind", [FaultKind.WRONG, FaultKind.EMPTY, FaultKind.DEEP, FaultKind.BOMB, FaultKind.REDIRECT])
def test_answers_of_no_use_are_typed_errors_without_secrets(double: PinduoduoDouble, kind: FaultKind) -> None:
    """Whatever comes back, the error is the platform's, names the call, and holds no token and no secret."""
    source = source_at(double)
    double.faults.always = kind
    with pytest.raises((PlatformUnavailable, PlatformRefused)) as caught:
        source.page("orders", NOW - timedelta(minutes=30), NOW - timedelta(minutes=3), None)
    assert caught.value.platform == "pinduoduo"
    assert "canary" not in f"{caught.value!s}{caught.value.__cause__!r}{caught.value.__context__!r}"


def test_a_wrong_signature_is_noticed_by_the_double(double: PinduoduoDouble) -> None:
    """The double is no yes-man: a call signed with another secret is refused for good."""
    source = PinduoduoSource(
        double.settings(client_secret="other"), options=LOOPBACK, clock=double.clock, sleep=lambda _: None
    )
    with pytest.raises(PlatformRefused, match="20004"):
        source.authorise("code-1")
    assert double.refused == ["sign is wrong"]


def test_addresses_elsewhere_are_not_called(double: PinduoduoDouble) -> None:
    """Without the option for tests the loopback address is refused before anything is sent."""
    source = PinduoduoSource(double.settings(), clock=double.clock, sleep=lambda _: None)
    with pytest.raises(ConfigError):
        source.authorise("code-1")
    assert double.calls == []


def test_frames_of_the_channel_name_what_to_fetch(double: PinduoduoDouble) -> None:
    """A frame is verified, fetched and acknowledged in its own words; what is none is refused."""
    double.book.fill(1, since=SINCE, until=NOW, refunded=0)
    [order] = double.book.orders()
    source = source_at(double)
    frame = double.message(order.order_no, refund_id="9")
    [pushed] = source.verify(frame, NOW)
    assert (pushed.order_no, pushed.refund_id, pushed.shop_id) == (order.order_no, "9", "100200300")
    assert source.fetch(pushed.order_no, pushed.refund_id).seen == 1
    assert b'"commandType":"Ack"' in source.acknowledge(frame, True).body
    assert source.acknowledge(frame, False).body == b""
    assert source.verify(Incoming(body=b'{"commandType":"HeartBeat"}'), NOW) == ()
    for broken in (b"", b"[]", b'{"commandType":"Common"}'):
        with pytest.raises(ForgedMessage):
            source.verify(Incoming(body=broken), NOW)
    assert source.acknowledge(Incoming(body=b"<html>"), True).status == 400


def test_frames_are_refused_where_no_channel_is_held(double: PinduoduoDouble) -> None:
    """A frame bears no signature, so without the host's word where it came from it is refused."""
    source = PinduoduoSource(double.settings(), options=LOOPBACK, clock=double.clock)
    assert not source.capabilities.push
    with pytest.raises(ForgedMessage):
        source.verify(double.message("240701-000000000000001"), NOW)


def test_the_channel_is_opened_at_a_signed_address(double: PinduoduoDouble) -> None:
    """Address and heartbeat carry the present time, and permission for the shop's messages is asked for once."""
    source = source_at(double)
    milliseconds = int(NOW.timestamp() * 1000)
    assert source.channel().startswith(f"wss://message-api.pinduoduo.com/message/client-0001/{milliseconds}/")
    assert source.heartbeat() == b'{"commandType":"HeartBeat","time":%d}' % milliseconds
    source.permit_messages()
    assert double.refused == []


def test_both_kinds_of_host_have_their_source(double: PinduoduoDouble) -> None:
    """Plain and asynchronous sources say the same of themselves."""
    plain = source_at(double)
    awaited = AsyncPinduoduoSource(double.settings(message_channel=True), options=LOOPBACK)
    assert isinstance(plain, PullSource)
    assert isinstance(plain, PushSource)
    for name in ("platform", "shop_id", "capabilities", "limits", "feeds"):
        assert getattr(plain, name) == getattr(awaited, name)
    assert (plain.capabilities.auto_convert, plain.capabilities.buyer_id_scope) == (False, "none")
    plain.close()


async def _authorise_and_fetch(double: PinduoduoDouble, order_no: str) -> int:
    source = AsyncPinduoduoSource(double.settings(), options=LOOPBACK, clock=double.clock)
    await source.authorise("code-1")
    facts = await source.fetch(order_no)
    await source.close()
    return facts.seen


def test_the_asynchronous_source_reads_the_same(double: PinduoduoDouble) -> None:
    """From an event loop the order is fetched with the same coroutines."""
    double.book.fill(1, since=SINCE, until=NOW, refunded=0)
    assert asyncio.run(_authorise_and_fetch(double, double.book.orders()[0].order_no)) == 1
