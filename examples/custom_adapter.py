"""
An adapter for a marketplace of your own, whole in one file: "Corner", invented for this example, and its double.

    python examples/custom_adapter.py

Corner signs each call with HMAC-SHA256 over "time.path?query", hands out access tokens, lists orders by their change
time page by page, and pushes signed messages. In your code base each section below would be a file of its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urlencode

import attrs

from crossloyalty import (
    Line,
    LineStatus,
    Loyalty,
    Order,
    OrderStatus,
    Platform,
    Program,
    Proof,
    Refund,
    RefundStatus,
    rules,
)
from crossloyalty.adapters.wire.dialect import Dialect, Refreshing, Sending, SendingOptions
from crossloyalty.adapters.wire.plain import Closing, PlainPushSource
from crossloyalty.adapters.wire.reading import Node, Unreadable, redacted
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.sending import async_sender, plain_sender
from crossloyalty.adapters.wire.signing import hmac_hex, same
from crossloyalty.adapters.wire.strict_json import load_json
from crossloyalty.adapters.wire.tokens import Tokens, TokenStore
from crossloyalty.adapters.wire.values import (
    Acknowledgement,
    Action,
    Answer,
    Call,
    Doubtful,
    Facts,
    Fault,
    Incoming,
    Pushed,
)
from crossloyalty.application.ports import SourceCapabilities
from crossloyalty.application.sources import SourceLimits
from crossloyalty.errors import ForgedMessage, PlatformMissing
from crossloyalty.storage.memory import MemoryStorage
from crossloyalty.testing import QUICK, AdapterKit, KitClock
from crossloyalty.testing.doubles import Book, Double, Faults, Reply, Request

PLATFORM = Platform("corner", "corner", r"C[0-9]{8}", zh="街角")
CAPABILITIES = SourceCapabilities(
    auto_convert=True, buyer_id_scope="shop", push=True, pull=True, refund_detail=True, after_sale_days=15
)
LIMITS = SourceLimits(longest_window_s=86_400, overlap_s=600, lag_s=0, oldest_days=90)


# -- settings.py -------------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class CornerSettings:
    """What a shop's set-up holds; `Secret` never shows itself."""

    app_key: str
    app_secret: Secret = attrs.field(converter=Secret.of)
    shop_id: str
    gateway: str = "https://api.corner.example"
    hosts: frozenset[str] = frozenset({"api.corner.example"})


# -- signing.py and calls.py: pure, `now` comes in ---------------------------------------------------------------------


def signature(settings: CornerSettings, at: int, text: str) -> str:
    """Sign a text for a moment in seconds."""
    return hmac_hex(settings.app_secret, f"{at}.{text}", "sha256")


def call(settings: CornerSettings, now: datetime, path: str, query: Mapping[str, str], token: Secret | None) -> Call:
    """Build and sign one call."""
    target = f"{path}?{urlencode(query)}"
    at = int(now.timestamp())
    headers = {"x-corner-key": settings.app_key, "x-corner-time": str(at)}
    headers["x-corner-sign"] = signature(settings, at, target)
    if token is not None:
        headers["x-corner-token"] = token.reveal()
    return Call(
        name=f"corner{path.replace('/', '.')}", method="GET", url=f"{settings.gateway}{target}", headers=headers
    )


# -- answers.py --------------------------------------------------------------------------------------------------------

ACTIONS = {
    "busy": Action.RETRY,
    "too_fast": Action.WAIT,
    "token_over": Action.REFRESH,
    "not_authorised": Action.REAUTHORISE,
    "no_such_order": Action.MISSING,
}


def fault_of(answer: Answer, _: Call) -> Fault | None:
    """Read an error; Corner sends it inside HTTP 200."""
    node = Node(load_json(answer.body, "corner"), "answer")
    code = node.text("error")
    if code is None:
        node.need_node("data")
        return None
    wait = node.whole("wait_ms")
    return Fault(
        action=ACTIONS.get(code, Action.REFUSE),
        code=code,
        message=node.text("message") or "",
        request_id=node.text("request"),
        retry_after_s=None if wait is None else wait / 1000,
    )


# -- orders.py and refunds.py ------------------------------------------------------------------------------------------

STATUSES = {
    "wait_pay": OrderStatus.UNPAID,
    "paid": OrderStatus.PAID,
    "sent": OrderStatus.SHIPPED,
    "received": OrderStatus.SIGNED,
    "done": OrderStatus.FINISHED,
    "closed": OrderStatus.CLOSED,
}
LINE_STATUSES = {
    name: LineStatus.CLOSED_REFUNDED if status is OrderStatus.CLOSED else LineStatus(status.value)
    for name, status in STATUSES.items()
}
REFUND_STATUSES = {
    "open": RefundStatus.OPEN,
    "closed": RefundStatus.CLOSED,
    "paid_back": RefundStatus.SUCCESS,
    "bounced": RefundStatus.PAYOUT_FAILED,
}
# What may be kept of an order for review; an allow-list, so that a field Corner adds tomorrow stays out.
SHOWN = frozenset({"no", "status", "pay", "post", "lines", "id", "changed", "amount"})


def read_order(raw: Any, shop_id: str) -> Order | Doubtful:
    """Read one order; what does not agree goes to review instead of to a grant."""
    order_no = raw.get("no", "") if isinstance(raw, dict) and isinstance(raw.get("no"), str) else ""
    try:
        node = Node(raw, "order")
        status = node.need_text("status")
        if status not in STATUSES:
            return _doubt(order_no, "UNKNOWN_STATUS", "its status is not in Corner's page", raw)
        finished_at = node.seconds("done")
        lines = tuple(
            Line(
                line_id=line.need_text("id"),
                paid_fen=line.need_fen("pay"),
                product_id=line.text("sku"),
                status=LINE_STATUSES[status],
                finished_at=finished_at,
            )
            for line in node.nodes("lines")
        )
        paid, shipping = node.need_fen("pay"), node.need_fen("post")
        goods = sum(line.paid_fen or 0 for line in lines)
        if lines and goods + shipping != paid:
            return _doubt(order_no, "AMOUNT_MISMATCH", f"lines {goods} + shipping {shipping} are not {paid} fen", raw)
        return Order(
            platform="corner",
            order_no=node.need_text("no"),
            shop_id=shop_id,
            status=STATUSES[status],
            buyer_id=node.text("buyer"),
            buyer_scope=shop_id,
            created_at=node.seconds("placed"),
            paid_at=node.seconds("paid_at"),
            finished_at=finished_at,
            modified_at=node.seconds("changed"),
            paid_fen=paid,
            shipping_fen=shipping,
            lines=lines or None,
        )
    except ValueError as error:  # Unreadable, or a value that no order can have
        return _doubt(order_no, "UNREADABLE", _what(error), raw)


def read_refund(raw: Any) -> Refund | Doubtful:
    """Read one refund."""
    order_no = raw.get("order", "") if isinstance(raw, dict) and isinstance(raw.get("order"), str) else ""
    try:
        node = Node(raw, "refund")
        status = node.need_text("status")
        if status not in REFUND_STATUSES:
            return _doubt(order_no, "UNKNOWN_STATUS", "its status is not in Corner's page", raw, node.need_text("id"))
        amount = node.need_fen("amount")
        return Refund(
            platform="corner",
            order_no=node.need_text("order"),
            refund_id=node.need_text("id"),
            status=REFUND_STATUSES[status],
            amount_fen=amount,
            goods_fen=amount,
            line_id=node.text("line"),
            modified_at=node.seconds("changed"),
        )
    except ValueError as error:
        return _doubt(order_no, "UNREADABLE", _what(error), raw)


def _what(error: ValueError) -> str:
    return str(error) if isinstance(error, Unreadable) else "a value that no order can have"


def _doubt(order_no: str, code: Any, detail: str, raw: Any, refund_id: str = "") -> Doubtful:
    return Doubtful(order_no=order_no, code=code, detail=detail, refund_id=refund_id, payload=redacted(raw, SHOWN))


def facts_of(orders: Sequence[Any], refunds: Sequence[Any], shop_id: str, next_page: str | None = None) -> Facts:
    """Read the rows of an answer; one bad row never spoils the others."""
    read = [*(read_order(raw, shop_id) for raw in orders), *(read_refund(raw) for raw in refunds)]
    return Facts(
        items=tuple(each for each in read if not isinstance(each, Doubtful)),
        doubtful=tuple(each for each in read if isinstance(each, Doubtful)),
        seen=len(read),
        next_page=next_page,
    )


# -- messages.py -------------------------------------------------------------------------------------------------------


def verify(settings: CornerSettings, incoming: Incoming, now: datetime) -> list[Pushed]:
    """Check signature and time on the raw bytes, then parse."""
    at = incoming.headers.get("x-corner-time", "")
    if not (at.isascii() and at.isdigit() and len(at) <= 12):
        raise ForgedMessage("a message without a time")
    expected = hmac_hex(settings.app_secret, f"{at}.".encode() + incoming.body, "sha256")
    if not same(incoming.headers.get("x-corner-sign"), expected):
        raise ForgedMessage("a message with a wrong signature")
    if abs(now.timestamp() - int(at)) > 300:
        raise ForgedMessage("a message that is too old, or from the future")
    try:
        node = Node(json.loads(incoming.body), "message")
        return [
            Pushed(
                message_id=node.need_text("id"),
                topic=node.need_text("topic"),
                order_no=node.text("order") or "",
                refund_id=node.text("refund") or "",
                shop_id=node.text("shop") or "",
            )
        ]
    except (ValueError, RecursionError):
        raise ForgedMessage("a message in no form of Corner's") from None


# -- client.py ---------------------------------------------------------------------------------------------------------


class _Corner(Closing):
    """The coroutines of the source; they wait on the sender alone."""

    platform = "corner"
    capabilities = CAPABILITIES
    limits = LIMITS
    feeds = ("orders", "refunds")

    def __init__(self, settings: CornerSettings, sender: Sending) -> None:
        self._settings = settings
        self._sender = sender
        self.shop_id = settings.shop_id

    async def page(self, feed: str, since: datetime, until: datetime, page: str | None) -> Facts:
        """Corner's pages go on behind the last (change time, number) seen: rows that change meanwhile are not lost."""
        query = {"since": str(int(since.timestamp())), "until": str(int(until.timestamp())), "after": page or ""}
        answer = await self._sender.send(lambda now, token: call(self._settings, now, f"/{feed}", query, token))
        data = Node(load_json(answer.body, "corner"), "answer").need_node("data")
        rows = data.value.get("rows")
        if not isinstance(rows, list):
            raise Unreadable("rows is no list")
        orders, refunds = (rows, []) if feed == "orders" else ([], rows)
        return facts_of(orders, refunds, self.shop_id, data.text("after"))

    async def fetch(self, order_no: str, refund_id: str = "") -> Facts:
        """Corner gives an order with all its refunds at once."""
        query = {"no": order_no}
        try:
            answer = await self._sender.send(lambda now, token: call(self._settings, now, "/order", query, token))
        except PlatformMissing:
            return Facts()
        data = Node(load_json(answer.body, "corner"), "answer").need_node("data")
        refunds = data.value.get("refunds")
        return facts_of([data.value.get("order")], refunds if isinstance(refunds, list) else [], self.shop_id)

    def verify(self, incoming: Incoming, now: datetime) -> Sequence[Pushed]:
        """See `PushSource.verify`."""
        return verify(self._settings, incoming, now)

    def acknowledge(self, incoming: Incoming, ok: bool) -> Acknowledgement:
        """Corner sends again unless it hears "ok" under HTTP 200."""
        return Acknowledgement(status=200 if ok else 400, body=b'{"ok":true}' if ok else b'{"ok":false}')


def dialect(settings: CornerSettings) -> Dialect:
    """Give what the sender has to know of Corner."""

    def build(now: datetime, refresh: Secret | None) -> Call:
        query = {} if refresh is None else {"refresh": refresh.reveal()}
        return call(settings, now, "/token", query, None)

    def read(answer: Answer, now: datetime) -> Tokens:
        data = Node(load_json(answer.body, "corner"), "answer").need_node("data")
        return Tokens(
            access=Secret(data.need_text("access")),
            refresh=Secret(data.need_text("refresh")),
            expires_at=now + timedelta(seconds=data.need_whole("expires_in")),
        )

    return Dialect(
        platform="corner",
        shop_id=settings.shop_id,
        hosts=settings.hosts,
        fault_of=fault_of,
        refreshing=Refreshing(build=build, read=read),
    )


class CornerSource(PlainPushSource[_Corner]):
    """Corner, for `Loyalty`; the keywords are those of `plain_sender` (tokens, client, clock …)."""

    def __init__(self, settings: CornerSettings, **ports: Any) -> None:
        super().__init__(_Corner(settings, plain_sender(dialect(settings), **ports)))


class AsyncCornerSource(_Corner):
    """Corner, for `AsyncLoyalty`; the keywords are those of `async_sender`."""

    def __init__(self, settings: CornerSettings, **ports: Any) -> None:
        super().__init__(settings, async_sender(dialect(settings), **ports))


# -- the double --------------------------------------------------------------------------------------------------------


class CornerDouble(Double):
    """Corner on 127.0.0.1: checks our signatures, pages its own way, fails as its script says."""

    platform = "corner"
    page_rows: ClassVar[int] = 100

    def settings(self) -> CornerSettings:
        """Give the settings of a source that talks to this double."""
        return CornerSettings(
            app_key="key-1", app_secret=Secret("secret-canary"), shop_id=self.book.shop_id, gateway=self.url
        )

    def answer(self, request: Request) -> Reply:
        """Answer one call in Corner's form."""
        at = request.headers.get("x-corner-time", "0")
        target = f"{request.path}?{urlencode(request.query)}"
        if request.headers.get("x-corner-sign") != signature(self.settings(), int(at), target):
            return self.error("bad_signature")
        if abs(int(at) - self.clock().timestamp()) > 300:
            return self.error("bad_time")
        if request.path == "/token":
            pair = self.renewed(request.query.get("refresh"))
            if pair is None:
                return self.error("not_authorised")
            return Reply.of({"data": {"access": pair[0], "refresh": pair[1], "expires_in": 7200}})
        if not self.token_is_good(request.headers.get("x-corner-token")):
            return self.expired()
        if request.path == "/order":
            order = self.book.order(request.query["no"])
            if order is None:
                return self.error("no_such_order")
            refunds = [_wire_refund(each) for each in self.book.refunds(order.order_no)]
            return Reply.of({"data": {"order": _wire_order(order), "refunds": refunds}})
        return self.listed(request)

    def listed(self, request: Request) -> Reply:
        """Give the rows behind a place; the place holds change time and number."""
        since, until = (datetime.fromtimestamp(int(request.query[name]), UTC) for name in ("since", "until"))
        if until - since > timedelta(seconds=LIMITS.longest_window_s):
            return self.error("window_too_long")
        if request.path == "/orders":
            rows = [
                (_second(each), each.order_no, _wire_order(each)) for each in self.book.orders_changed(since, until)
            ]
        else:
            refunds = self.book.refunds_changed(since, until)
            rows = [(_second(each), each.refund_id, _wire_refund(each)) for each in refunds]
        second, _, name = request.query["after"].partition("/")
        behind = (int(second), name) if name else (0, "")
        rows = sorted(row for row in rows if row[:2] > behind)
        page, more = rows[: self.page_rows], len(rows) > self.page_rows
        after = f"{page[-1][0]}/{page[-1][1]}" if more else None
        self.turned_page()
        return Reply.of({"data": {"rows": [row[2] for row in page], "after": after}})

    def error(self, code: str, **more: Any) -> Reply:
        """Say no in Corner's words."""
        self.refused.append(code)
        return Reply.of({"error": code, "message": "服务异常", "request": "r-1", **more})

    def throttled(self, advised_s: float) -> Reply:
        """See `Double.throttled`."""
        return Reply.of({"error": "too_fast", "request": "r-2", "wait_ms": round(advised_s * 1000)})

    def expired(self) -> Reply:
        """See `Double.expired`."""
        return Reply.of({"error": "token_over", "request": "r-3"})

    def message(self, order_no: str, *, refund_id: str = "", message_id: str = "") -> Incoming:
        """See `Double.message`."""
        value = {
            "id": message_id or self.new_message_id(),
            "topic": "order.changed",
            "order": order_no,
            "refund": refund_id,
            "shop": self.book.shop_id,
        }
        body = json.dumps(value).encode()
        at = str(int(self.clock().timestamp()))
        sign = hmac_hex(self.settings().app_secret, f"{at}.".encode() + body, "sha256")
        return Incoming(headers={"x-corner-time": at, "x-corner-sign": sign}, body=body)


def _second(fact: Order | Refund) -> int:
    return 0 if fact.modified_at is None else int(fact.modified_at.timestamp())


def _wire_time(at: datetime | None) -> int:
    return 0 if at is None else int(at.timestamp())


def _wire_order(order: Order) -> dict[str, Any]:
    names = {status: name for name, status in STATUSES.items()}
    return {
        "no": order.order_no,
        "status": names[order.status or OrderStatus.UNPAID],
        "buyer": order.buyer_id,
        "receiver": "张三 13800138000",  # personal: never read
        "placed": _wire_time(order.created_at),
        "paid_at": _wire_time(order.paid_at),
        "done": _wire_time(order.finished_at),
        "changed": _wire_time(order.modified_at),
        "pay": order.paid_fen,
        "post": order.shipping_fen,
        "lines": [{"id": line.line_id, "pay": line.paid_fen, "sku": line.product_id} for line in order.lines or ()],
    }


def _wire_refund(refund: Refund) -> dict[str, Any]:
    names = {status: name for name, status in REFUND_STATUSES.items()}
    return {
        "id": refund.refund_id,
        "order": refund.order_no,
        "line": refund.line_id,
        "status": names[refund.status],
        "amount": refund.amount_fen,
        "changed": _wire_time(refund.modified_at),
    }


class CornerKit(AdapterKit):
    """What the adapter contract, the benchmark and the other examples have to know of Corner."""

    platform = "corner"
    platforms = (PLATFORM,)
    pushes = True

    def number(self, place: int) -> str:
        """See `AdapterKit.number`."""
        return f"C{place:08d}"

    def make_double(self, book: Book, faults: Faults, clock: KitClock) -> Double:
        """See `AdapterKit.make_double`."""
        return CornerDouble(book, faults=faults, clock=clock)

    def make_source(self, double: Double, *, tokens: TokenStore, clock: KitClock) -> CornerSource:
        """See `AdapterKit.make_source`."""
        assert isinstance(double, CornerDouble)
        return CornerSource(double.settings(), tokens=tokens, clock=clock, sleep=lambda _: None, options=QUICK)

    def make_async_source(self, double: Double, *, tokens: TokenStore, clock: KitClock) -> AsyncCornerSource:
        """See `AdapterKit.make_async_source`."""
        assert isinstance(double, CornerDouble)
        return AsyncCornerSource(double.settings(), tokens=tokens, clock=clock, options=QUICK)

    def parse(self, body: bytes) -> Facts:
        """See `AdapterKit.parse`."""
        return facts_of(Node(load_json(body, "corner"), "answer").need_node("data").value["rows"], [], self.shop_id)


# -- the road from end to end ------------------------------------------------------------------------------------------


def main() -> None:
    """Sync 200 orders from the double, receive a message, convert an order, and say so."""
    now = datetime.now(UTC).replace(microsecond=0)
    book = Book("corner", number=lambda place: f"C{place:08d}")
    book.fill(200, since=now - timedelta(days=3), until=now - timedelta(hours=1))
    with CornerDouble(book, faults=Faults(expire_every=20)) as double:
        source = CornerSource(double.settings(), options=SendingOptions(allow_loopback=True))
        program = Program(
            program_id="brand-a",
            platforms=[PLATFORM],
            eligibility=rules.Finished(within_days=90),
            rewards=[rules.PointsPerYuan("1")],
        )
        loyalty = Loyalty(program, storage=MemoryStorage())
        report = loyalty.sync(source, since=now - timedelta(days=4))
        print(f"synced: {report.orders} orders, {report.refunds} refunds on {report.pages} pages")
        order = next(each for each in book.orders() if each.status is OrderStatus.SHIPPED)
        book.move(order.order_no, at=now)
        message = double.message(order.order_no)
        received = loyalty.receive(source, message.headers, message.body)
        print(f"received: {received.taken} message, answered {received.acknowledgement.status}")
        result = loyalty.claim(
            "m1", platform="corner", order_no=order.order_no, proof=Proof.by_host("checked in the shop")
        )
        print(f"claimed: {result.points} points for {(order.paid_fen or 0) - (order.shipping_fen or 0)} fen of goods")


if __name__ == "__main__":
    main()
