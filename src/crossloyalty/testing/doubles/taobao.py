"""
A double of the Taobao and Tmall open platform: one gateway, lists with the newest change first, a queue of messages.

It signs by its own few lines, so that a mistake in the adapter's signing does not hide here.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final, Literal

from crossloyalty.adapters.taobao import AsyncTaobaoSource, TaobaoSettings, TaobaoSource
from crossloyalty.adapters.taobao.answers import rows
from crossloyalty.adapters.taobao.orders import read_order
from crossloyalty.adapters.wire.reading import Node
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.strict_json import load_json
from crossloyalty.adapters.wire.tokens import StoredTokens, Tokens, TokenStore
from crossloyalty.application.sources import Doubtful, Facts, Incoming
from crossloyalty.domain.orders import Order, OrderStatus, Refund, RefundKind, RefundStatus
from crossloyalty.testing.adapter_contract import QUICK
from crossloyalty.testing.adapter_kit import AdapterKit, KitClock
from crossloyalty.testing.doubles.book import Book
from crossloyalty.testing.doubles.faults import Faults
from crossloyalty.testing.doubles.server import Double, Reply, Request

__all__ = ["TaobaoDouble", "TaobaoKit"]

_BEIJING: Final = timezone(timedelta(hours=8))
_TOLERATED: Final = timedelta(minutes=10)
_WORDS: Final = {
    OrderStatus.UNPAID: "WAIT_BUYER_PAY",
    OrderStatus.PAID: "WAIT_SELLER_SEND_GOODS",
    OrderStatus.SHIPPED: "WAIT_BUYER_CONFIRM_GOODS",
    OrderStatus.SIGNED: "TRADE_BUYER_SIGNED",
    OrderStatus.FINISHED: "TRADE_FINISHED",
    OrderStatus.CLOSED: "TRADE_CLOSED",
}
_REFUND_WORDS: Final = {
    RefundStatus.OPEN: "WAIT_SELLER_AGREE",
    RefundStatus.CLOSED: "CLOSED",
    RefundStatus.SUCCESS: "SUCCESS",
}


class TaobaoDouble(Double):
    """See the head of this module; its application is `app_key` with `app_secret`, its gateway `gateway`."""

    platform = "taobao"
    app_key: Final = "12345678"
    app_secret: Final = "demo-secret-canary"
    code: Final = "consent-code"
    seller_id: Final = 2_200_000_000_001

    def __init__(self, book: Book, **options: Any) -> None:
        super().__init__(book, **options)
        self.waiting: list[Any] = []
        self.confirmed: list[str] = []
        self.permitted = 0

    @property
    def gateway(self) -> str:
        """Where calls go."""
        return f"{self.url}/router/rest"

    # -- answering ---------------------------------------------------------------------------------------------------

    def answer(self, request: Request) -> Reply:
        """See `Double.answer`."""
        form = dict(request.form)
        wrong = self._wrong(request, form)
        if wrong is not None:
            self.refused.append(str(wrong[0]))
            return _error(*wrong)
        method = form["method"]
        if method in self._open_calls:
            return self._open_calls[method](self, form)
        if method not in self._calls:
            return _error(22, "Invalid method")
        if not self.token_is_good(form.get("session")):
            return self.expired()
        return self._calls[method](self, form)

    def _wrong(self, request: Request, form: Mapping[str, str]) -> tuple[int, str] | None:
        if request.path != "/router/rest" or request.method != "POST":
            return 9, "HTTP action not allowed"
        if form.get("format") != "json" or form.get("v") != "2.0" or "method" not in form:
            return 40, "Missing required arguments"
        if form.get("app_key") != self.app_key:
            return 29, "Invalid app key"
        if form.get("sign") != self._sign(form):
            return 25, "Invalid signature"
        try:
            sent_at = datetime.strptime(form.get("timestamp", ""), "%Y-%m-%d %H:%M:%S").replace(tzinfo=_BEIJING)
        except ValueError:
            return 31, "Invalid timestamp"
        return None if abs(self.clock() - sent_at) <= _TOLERATED else (31, "Invalid timestamp")

    def _sign(self, form: Mapping[str, str]) -> str:
        base = "".join(f"{name}{form[name]}" for name in sorted(form) if name != "sign" and form[name])
        secret = self.app_secret
        match form.get("sign_method"):
            case "md5":
                return hashlib.md5(f"{secret}{base}{secret}".encode()).hexdigest().upper()
            case "hmac":
                return hmac.new(secret.encode(), base.encode(), "md5").hexdigest().upper()
            case "hmac-sha256":
                return hmac.new(secret.encode(), base.encode(), "sha256").hexdigest().upper()
        return ""

    def throttled(self, advised_s: float) -> Reply:
        """See `Double.throttled`."""
        return _error(
            7,
            "App Call Limited",
            "accesscontrol.limited-by-api-access-count",
            f"This ban will last for {int(advised_s)} more seconds",
        )

    def expired(self) -> Reply:
        """See `Double.expired`."""
        return _error(27, "Invalid session", "invalid-sessionkey", "SessionKey非法")

    # -- lists -------------------------------------------------------------------------------------------------------

    def _orders(self, form: Mapping[str, str]) -> Reply:
        wanted = set(form.get("fields", "").split(","))
        if not wanted - {""}:
            return _error(40, "Missing required arguments:fields")
        # All orders of the book are of this type; what a query does not name is silently left out.
        found = self.book.orders_changed(*_window(form)) if "fixed" in form.get("type", "").split(",") else ()
        trades = [_only(trade_of(order, self.book.refunds(order.order_no)), wanted) for order in reversed(found)]
        return self._page(form, "trades", "trade", trades)

    def _refunds(self, form: Mapping[str, str]) -> Reply:
        wanted = set(form.get("fields", "").split(","))
        found = self.book.refunds_changed(*_window(form)) if "fixed" in form.get("type", "").split(",") else ()
        refunds = [_only(refund_of(refund), wanted) for refund in reversed(found)]
        return self._page(form, "refunds", "refund", refunds)

    def _page(self, form: Mapping[str, str], plural: str, singular: str, found: Sequence[Any]) -> Reply:
        number, size = int(form["page_no"]), int(form["page_size"])
        if not 1 <= size <= 100 or number < 1:
            return _error(41, "Invalid arguments:page_size", "isv.invalid-parameter:page_size")
        start = (number - 1) * size
        answer: dict[str, Any] = {"request_id": "double"}
        rows = found[start : start + size]
        if rows:
            answer[plural] = {singular: rows}
        if form.get("use_has_next") == "true":
            answer["has_next"] = len(found) > start + size
        else:
            answer["total_results"] = len(found)
        reply = _good(form, answer)
        self.turned_page()
        return reply

    # -- single things -----------------------------------------------------------------------------------------------

    def _order(self, form: Mapping[str, str]) -> Reply:
        order = self.book.order(form.get("tid", ""))
        if order is None:
            return _error(15, "Remote service error", "isv.trade-not-exist", "交易不存在")
        trade = trade_of(order, self.book.refunds(order.order_no))
        return _good(form, {"trade": _only(trade, set(form["fields"].split(",")))})

    def _refund(self, form: Mapping[str, str]) -> Reply:
        refund = self.book.refund_of(form.get("refund_id", ""))
        if refund is None:
            return _error(15, "Remote service error", "isv.refund-not-exist", "退款不存在")
        return _good(form, {"refund": _only(refund_of(refund), set(form["fields"].split(",")))})

    # -- tokens ------------------------------------------------------------------------------------------------------

    def _create_token(self, form: Mapping[str, str]) -> Reply:
        if form.get("code") != self.code:
            return _error(15, "Remote service error", "isv.invalid-code", "code无效")
        return self._tokens(form, *self.first_tokens())

    def _refresh_token(self, form: Mapping[str, str]) -> Reply:
        renewed = self.renewed(form.get("refresh_token"))
        if renewed is None:
            return _error(15, "Remote service error", "isv.invalid-refresh-token", "refresh token无效")
        return self._tokens(form, *renewed)

    def _tokens(self, form: Mapping[str, str], access: str, refresh: str) -> Reply:
        result = {
            "access_token": access,
            "refresh_token": refresh,
            "expires_in": 86_400,
            "re_expires_in": 2_592_000,
            "token_type": "Bearer",
            "taobao_user_id": "2200000000001",
            "taobao_user_nick": "%E7%A4%BA%E4%BE%8B",
        }
        return _good(form, {"token_result": json.dumps(result)})

    # -- messages ----------------------------------------------------------------------------------------------------

    def message(
        self, order_no: str, *, refund_id: str = "", message_id: str = "", seller_id: int = seller_id
    ) -> Incoming:
        """Put a message into the queue, for this platform sends none to an address; it comes until it is confirmed."""
        topic = "taobao_refund_RefundSuccess" if refund_id else "taobao_trade_TradeSuccess"
        content: dict[str, Any] = {"tid": int(order_no), "oid": int(order_no), "buyer_nick": "t**1"}
        if refund_id:
            content["refund_id"] = int(refund_id)
        self.put(
            {
                "id": int(message_id or self.new_message_id()),
                "topic": topic,
                "pub_time": _time(self.clock()),
                "pub_app_key": self.app_key,
                "user_id": seller_id,
                "user_nick": "示例旗舰店",
                "content": json.dumps(content),
            }
        )
        return Incoming(body=json.dumps(content).encode())

    def new_message_id(self) -> str:
        """See `Double.new_message_id`; here it is a number."""
        with self._lock:
            self._message_no += 1
            return str(4_160_600_490_938_325_000 + self._message_no)

    def put(self, message: Any) -> None:
        """Put anything at all into the queue; a copy of a message is given beside it."""
        with self._lock:
            self.waiting.append(message)

    def _consume(self, form: Mapping[str, str]) -> Reply:
        quantity = int(form.get("quantity", "100"))
        if not 10 <= quantity <= 200:
            return _error(41, "Invalid arguments:quantity", "isv.invalid-parameter:quantity")
        with self._lock:
            waiting = self.waiting[:quantity]
        return _good(form, {"messages": {"tmc_message": waiting}} if waiting else {})

    def _confirm(self, form: Mapping[str, str]) -> Reply:
        ids = dict.fromkeys(form.get("s_message_ids", "").split(","))
        if len(ids) > 200:
            return _error(41, "Invalid arguments:s_message_ids", "isv.invalid-parameter:s_message_ids")
        with self._lock:
            held = {_id_of(each) for each in self.waiting}
            self.confirmed += [each for each in ids if each in held]
            self.waiting = [each for each in self.waiting if _id_of(each) not in ids]
        return _good(form, {"is_success": True})

    def _permit(self, form: Mapping[str, str]) -> Reply:
        self.permitted += 1
        return _good(form, {"is_success": True})

    _open_calls: Final[Mapping[str, Callable[..., Reply]]] = {
        "taobao.top.auth.token.create": _create_token,
        "taobao.top.auth.token.refresh": _refresh_token,
        "taobao.tmc.messages.consume": _consume,
        "taobao.tmc.messages.confirm": _confirm,
    }
    _calls: Final[Mapping[str, Callable[..., Reply]]] = {
        "taobao.trades.simple.sold.increment.get": _orders,
        "taobao.trades.sold.increment.get": _orders,
        "taobao.trades.sold.incrementv.get": _orders,
        "taobao.trade.simple.get": _order,
        "taobao.trade.fullinfo.get": _order,
        "taobao.refunds.receive.get": _refunds,
        "taobao.refund.get": _refund,
        "taobao.tmc.user.permit": _permit,
    }


def _id_of(message: Any) -> str | None:
    return str(message["id"]) if isinstance(message, dict) and "id" in message else None


def trade_of(order: Order, refunds: Sequence[Refund]) -> Mapping[str, Any]:
    """Give an order in the platform's form; its receiver is there, encrypted, for who asks."""
    status = order.status or OrderStatus.UNPAID
    word = _WORDS[status]
    if status is OrderStatus.CLOSED and order.paid_at is None:
        word = "TRADE_CLOSED_BY_TAOBAO"
    lines = order.lines or ()
    return {
        "tid": int(order.order_no),
        "tid_str": order.order_no,
        "type": "fixed",
        "status": word,
        "title": "示例旗舰店",
        "buyer_nick": "t**1",
        "buyer_open_uid": order.buyer_id,
        "created": _time(order.created_at),
        "pay_time": _time(order.paid_at),
        "end_time": _time(order.finished_at),
        "modified": _time(order.modified_at),
        "post_fee": _yuan(order.shipping_fen),
        "payment": _yuan(order.paid_fen),
        "receiver_name": "~canary name~",
        "receiver_mobile": "13800138000",
        "oaid": "1canaryOAID",
        "orders": {
            "order": [
                {
                    "oid": int(line.line_id),
                    "oid_str": line.line_id,
                    "num_iid": line.product_id,
                    "num": line.quantity,
                    "status": word,
                    "refund_status": _refund_word(line.line_id, refunds),
                    "refund_id": next((each.refund_id for each in refunds if each.line_id == line.line_id), None),
                    "seller_type": "C",
                    "end_time": _time(line.finished_at),
                    # The only sub-order states the order's payment, postage included; others lack the order's discount.
                    **(
                        {"payment": _yuan(order.paid_fen)}
                        if len(lines) == 1
                        else {
                            "payment": _yuan((line.paid_fen or 0) + 1_000),
                            "part_mjz_discount": "10.00",
                            "divide_order_fee": _yuan(line.paid_fen),
                        }
                    ),
                }
                for line in lines
            ]
        },
    }


def refund_of(refund: Refund) -> Mapping[str, Any]:
    """Give a refund in the platform's form."""
    exchange = refund.kind is RefundKind.EXCHANGE
    return {
        "refund_id": refund.refund_id,
        "tid": int(refund.order_no),
        "oid": int(refund.line_id or refund.order_no),
        "status": _REFUND_WORDS[refund.status],
        "refund_phase": "aftersale",
        "dispute_type": "TMALL_EXCHANGE" if exchange else "REFUND_AND_RETURN",
        "refund_fee": _yuan(refund.amount_fen),
        "created": _time(refund.modified_at),
        "modified": _time(refund.modified_at),
        "buyer_nick": "t**1",
    }


def _refund_word(line_id: str, refunds: Sequence[Refund]) -> str:
    words = [_REFUND_WORDS[each.status] for each in refunds if each.line_id == line_id]
    return words[-1] if words else "NO_REFUND"


def _window(form: Mapping[str, str]) -> tuple[datetime, datetime]:
    """Give the window of a query; both its ends belong to it, in whole seconds."""
    names = ("start_create", "end_create") if "start_create" in form else ("start_modified", "end_modified")
    start, end = (datetime.strptime(form[name], "%Y-%m-%d %H:%M:%S").replace(tzinfo=_BEIJING) for name in names)
    return start.astimezone(UTC), end.astimezone(UTC) + timedelta(seconds=1)


def _only(value: Mapping[str, Any], wanted: set[str]) -> Mapping[str, Any]:
    return {name: each for name, each in value.items() if name in wanted and each is not None}


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(_BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def _yuan(fen: int | None) -> str:
    return f"{(fen or 0) // 100}.{(fen or 0) % 100:02d}"


def _good(form: Mapping[str, str], value: Mapping[str, Any]) -> Reply:
    root = form["method"].removeprefix("taobao.").replace(".", "_") + "_response"
    return Reply.of({root: value})


def _error(code: int, message: str, sub_code: str = "", sub_message: str = "") -> Reply:
    error: dict[str, Any] = {"code": code, "msg": message, "request_id": "double"}
    if sub_code:
        error |= {"sub_code": sub_code, "sub_msg": sub_message}
    return Reply.of({"error_response": error})


class TaobaoKit(AdapterKit):
    """What the adapter contract, the benchmark and the examples have to know of Taobao."""

    platform = "taobao"
    api: Literal["simple", "sold"] = "simple"
    """Which lists are read; see `TaobaoSettings`."""
    queues = True
    seller_id: str | None = str(TaobaoDouble.seller_id)
    """Whose messages are the shop's; see `TaobaoSettings`."""

    def settings(self, url: str) -> TaobaoSettings:
        """Give settings that lead to the double, with few windows, so that many checks stay short."""
        return TaobaoSettings(
            app_key=TaobaoDouble.app_key,
            app_secret=TaobaoDouble.app_secret,
            shop_id=self.shop_id,
            platform="taobao",
            gateway=f"{url}/router/rest",
            api=self.api,
            window_minutes=1440,
            page_size=100,
            seller_id=self.seller_id,
        )

    def make_double(self, book: Book, faults: Faults, clock: KitClock) -> TaobaoDouble:
        """See `AdapterKit.make_double`."""
        return TaobaoDouble(book, faults=faults, clock=clock)

    def make_source(self, double: Double, *, tokens: TokenStore, clock: KitClock) -> TaobaoSource:
        """See `AdapterKit.make_source`; the seller has authorised already."""
        access, refresh = double.first_tokens()
        row = tokens.load(self.platform, self.shop_id)
        first = Tokens(access=Secret(access), refresh=Secret(refresh))
        tokens.swap(self.platform, self.shop_id, row.version, StoredTokens(version=row.version + 1, tokens=first))
        return TaobaoSource(self.settings(double.url), tokens=tokens, clock=clock, sleep=lambda _: None, options=QUICK)

    def make_async_source(self, double: Double, *, tokens: TokenStore, clock: KitClock) -> AsyncTaobaoSource:
        """See `AdapterKit.make_async_source`."""
        return AsyncTaobaoSource(self.settings(double.url), tokens=tokens, clock=clock, options=QUICK)

    def parse(self, body: bytes) -> Facts:
        """Read one page of orders from its bytes as the source does."""
        [answer] = load_json(body, "taobao").values()
        settings = self.settings("http://127.0.0.1")
        read = [read_order(Node(each, "order"), settings) for each in rows(Node(answer, "answer"), "trades", "trade")]
        return Facts(
            items=tuple(each for each in read if isinstance(each, Order)),
            doubtful=tuple(each for each in read if isinstance(each, Doubtful)),
            seen=len(read),
        )

    def expected(self, order: Order) -> Mapping[str, Any] | None:
        """See `AdapterKit.expected`; of an unpaid order nothing is paid, whatever is due."""
        told = super().expected(order)
        if told is None or order.status is not OrderStatus.UNPAID:
            return told
        return {**told, "paid_fen": 0, "shipping_fen": 0}
