"""A double of Kuaishou shop: checks our signature, pages by cursor, states fees apart, pushes encrypted messages."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, ClassVar, Final, cast

from crossloyalty.adapters.kuaishou.answers import data_of, rows_of
from crossloyalty.adapters.kuaishou.client import AsyncKuaishouSource, KuaishouSource
from crossloyalty.adapters.kuaishou.orders import read_order
from crossloyalty.adapters.kuaishou.settings import KuaishouSettings
from crossloyalty.adapters.kuaishou.signing import sign
from crossloyalty.adapters.wire.aes import aes_cbc_encrypt
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.signing import same
from crossloyalty.adapters.wire.tokens import TokenStore
from crossloyalty.adapters.wire.values import Answer
from crossloyalty.application.sources import Doubtful, Facts, Incoming
from crossloyalty.domain.orders import Order, OrderStatus, Refund, RefundStatus
from crossloyalty.errors import PlatformUnavailable
from crossloyalty.testing import QUICK
from crossloyalty.testing.adapter_kit import AdapterKit, KitClock
from crossloyalty.testing.doubles.authorised import authorised
from crossloyalty.testing.doubles.book import Book
from crossloyalty.testing.doubles.faults import Faults
from crossloyalty.testing.doubles.server import Double, Reply, Request

__all__ = ["KuaishouDouble", "KuaishouKit"]

_APP_KEY: Final = "ks600000000000000001"
_APP_SECRET: Final = "app-secret-canary"
_SIGN_SECRET: Final = "sign-secret-canary"
_MESSAGE_KEY: Final = base64.b64encode(b"message-key-0001").decode()
_STATUSES: Final = {
    OrderStatus.UNPAID: 10,
    OrderStatus.PAID: 30,
    OrderStatus.SHIPPED: 40,
    OrderStatus.SIGNED: 50,
    OrderStatus.FINISHED: 70,
    OrderStatus.CLOSED: 80,
}
# A failed payout is a refund still under way here.
_REFUND_STATUSES: Final = {
    RefundStatus.OPEN: 10,
    RefundStatus.CLOSED: 70,
    RefundStatus.SUCCESS: 60,
    RefundStatus.PAYOUT_FAILED: 50,
}
_CLOCK_TOLERANCE: Final = timedelta(minutes=10)


class KuaishouDouble(Double):
    """
    Answers the interfaces that `crossloyalty.adapters.kuaishou` asks; see `Double`.

    An order of the book is told as one product, as the platform does, with its freight and the platform's part.
    """

    platform: ClassVar[str] = "kuaishou"

    def settings(self, **changes: Any) -> KuaishouSettings:
        """Give the settings of the book's shop at this double."""
        given: dict[str, Any] = {
            "app_key": _APP_KEY,
            "app_secret": _APP_SECRET,
            "sign_secret": _SIGN_SECRET,
            "shop_id": self.book.shop_id,
            "message_key": _MESSAGE_KEY,
            "gateway": self.url,
        }
        return KuaishouSettings(**given | changes)

    def answer(self, request: Request) -> Reply:
        """See `Double.answer`."""
        if request.path.startswith("/oauth2/"):
            return self._tokens(request)
        complaint = self._complaint(request)
        if complaint is not None:
            self.refused.append(complaint)
            return Reply.of({"result": 28, "error_msg": complaint})
        if not self.token_is_good(request.query.get("access_token")):
            return self.expired()
        param = json.loads(request.query["param"])
        method = request.query["method"]
        if method == "open.order.cursor.list":
            return self._order_page(param)
        if method == "open.seller.order.refund.pcursor.list":
            return self._refund_page(param)
        if method == "open.seller.order.refund.detail":
            refund = self.book.refund_of(str(param["refundId"]))
            return _gone("300011") if refund is None else _good(self._refund(refund))
        order = self.book.order(str(param["oid" if method == "open.order.detail" else "orderId"]))
        if order is None:
            return _good(None)
        return _good(_fee(order) if method == "open.seller.order.fee.detail" else self._order(order))

    def throttled(self, advised_s: float) -> Reply:
        """See `Double.throttled`; the platform advises no pause."""
        return Reply.of({"result": 15, "error_msg": "Exceed qps limit"})

    def expired(self) -> Reply:
        """See `Double.expired`."""
        return Reply.of({"result": 21, "code": "21", "sub_msg": "accessToken鉴权失败", "error_msg": "reject"})

    def message(self, order_no: str, *, refund_id: str = "", message_id: str = "") -> Incoming:
        """See `Double.message`."""
        order = self.book.order(order_no)
        status = 0 if order is None or order.status is None else _STATUSES[order.status]
        at = _milliseconds(self.clock())
        if refund_id:
            event = "kwaishop_aftersales_updateRefund"
            info = {"orderId": int(order_no), "refundId": int(refund_id), "handlingWay": 1, "updateTime": at}
        else:
            event = "kwaishop_order_orderSuccess"
            info = {"oid": int(order_no), "sellerId": 1234567, "status": status, "updateTime": at}
        plain = {
            "eventId": message_id or self.new_message_id(),
            "bizId": int(refund_id or order_no),
            "userId": 1234567,
            "openId": self.book.shop_id,
            "appKey": _APP_KEY,
            "event": event,
            "info": json.dumps(info),
            "createTime": at,
            "updateTime": at,
            "test": False,
        }
        key = base64.b64decode(_MESSAGE_KEY)
        body = base64.b64encode(aes_cbc_encrypt(json.dumps(plain).encode(), key=key, iv=bytes(16)))
        return Incoming(headers={"content-type": "text/plain;charset=utf-8"}, body=body)

    # -- what it knows -----------------------------------------------------------------------------------------------

    def _complaint(self, request: Request) -> str | None:
        """Say what is wrong with a call as it was signed and sent."""
        sent = dict(request.query)
        method = sent.get("method", "")
        if request.method != "GET" or request.path != "/" + method.replace(".", "/"):
            return "path and method differ"
        if (sent.get("appkey"), sent.get("version")) != (_APP_KEY, "1"):
            return "appkey or version is wrong"
        given = sent.pop("sign", "")
        if sent.get("signMethod") not in ("HMAC_SHA256", "MD5"):
            return "signMethod is wrong"
        if not same(given, sign(sent, Secret(_SIGN_SECRET), sent["signMethod"])):  # type: ignore[arg-type]
            return "sign is wrong"
        at = datetime.fromtimestamp(int(sent["timestamp"]) / 1000, UTC)
        return None if abs(at - self.clock()) <= _CLOCK_TOLERANCE else "timestamp is far from now"

    def _tokens(self, request: Request) -> Reply:
        asked = request.form if request.method == "POST" else request.query
        if (asked.get("app_id"), asked.get("app_secret")) != (_APP_KEY, _APP_SECRET):
            self.refused.append("app_id or app_secret is wrong")
            return Reply.of({"result": 100200100, "error_msg": "invalid_client"})
        if asked.get("grant_type") == "code":
            pair: tuple[str, str] | None = self.first_tokens() if asked.get("code") == "code-1" else None
        else:
            pair = self.renewed(asked.get("refresh_token"))
        if pair is None:
            return Reply.of({"result": 100200102, "error_msg": "refreshToken.discarded"})
        lives = {"expires_in": 172_800, "refresh_token_expires_in": 15_552_000}
        told = {"result": 1, "access_token": pair[0], "refresh_token": pair[1], "open_id": self.book.shop_id}
        return Reply.of(told | lives | {"scopes": ["merchant_order", "merchant_refund"]})

    def _order_page(self, param: Mapping[str, Any]) -> Reply:
        refused = self._window(param, longest=timedelta(days=7), most=50)
        if refused is not None:
            return refused
        orders = self.book.orders_changed(_moment(param["beginTime"]), _moment(param["endTime"]))
        rows, cursor = _after(orders, param["cursor"], param["pageSize"])
        told = [self._order(each) for each in rows]
        reply = _good({"cursor": cursor, "pageSize": param["pageSize"], "orderList": told})
        self.turned_page()
        return reply

    def _refund_page(self, param: Mapping[str, Any]) -> Reply:
        refused = self._window(param, longest=timedelta(days=1), most=100)
        if refused is not None:
            return refused
        refunds = self.book.refunds_changed(_moment(param["beginTime"]), _moment(param["endTime"]))
        rows, cursor = _after(refunds, param["pcursor"], param["pageSize"])
        told = [self._refund(each) for each in rows]
        reply = _good({"pcursor": cursor, "currentPage": param["currentPage"], "refundOrderInfoList": told})
        self.turned_page()
        return reply

    def _window(self, param: Mapping[str, Any], *, longest: timedelta, most: int) -> Reply | None:
        begin, end = _moment(param["beginTime"]), _moment(param["endTime"])
        if end < begin:
            return self._no("300003")
        if end - begin > longest:
            return self._no("300004")
        if begin < self.clock() - timedelta(days=90):
            return self._no("300005")
        if (param["queryType"], param["sort"]) != (2, 2) or not 1 <= param["pageSize"] <= most:
            return self._no("300019")
        return None

    def _no(self, code: str) -> Reply:
        self.refused.append(code)
        return _gone(code)

    def _order(self, order: Order) -> dict[str, Any]:
        goods = (order.paid_fen or 0) - (order.shipping_fen or 0)
        subsidy = order.subsidy_fen or 0
        lines = order.lines or ()
        return {
            "orderBaseInfo": {
                "oid": int(order.order_no),
                "status": _STATUSES[order.status or OrderStatus.UNPAID],
                "createTime": _milliseconds(order.created_at),
                "payTime": _milliseconds(order.paid_at),
                "recvTime": _milliseconds(order.finished_at),
                "updateTime": _milliseconds(order.modified_at),
                "totalFee": goods,
                "discountFee": subsidy,
                "expressFee": order.shipping_fen or 0,
                "payType": 1,
                "buyerOpenId": order.buyer_id,
                "buyerNick": "快***户",
                "sellerOpenId": self.book.shop_id,
                "allActivityType": [0],
            },
            "orderItemInfo": {
                "itemId": lines[0].product_id if lines else "1",
                "num": 1,
                "price": goods + subsidy,
                "discountFee": subsidy,
            },
            "orderRefundList": [
                {"refundId": int(each.refund_id), "refundStatus": _REFUND_STATUSES[each.status]}
                for each in reversed(self.book.refunds(order.order_no))
            ],
            "orderAddress": {"consignee": "张三", "mobile": "13800138000", "province": "浙江省"},
            "subOrderInfo": [],
        }

    def _refund(self, refund: Refund) -> dict[str, Any]:
        order = self.book.order(refund.order_no)
        fee = refund.amount_fen
        if refund.subsidy_fen is None and order is not None and order.subsidy_fen and order.paid_fen:
            # The platform's part goes back with the buyer's, in proportion.
            fee += refund.amount_fen * order.subsidy_fen // order.paid_fen
        return {
            "refundId": int(refund.refund_id),
            "oid": int(refund.order_no),
            "handlingWay": 1,
            "status": _REFUND_STATUSES[refund.status],
            "refundFee": fee,
            "refundType": 1,
            "createTime": _milliseconds(refund.modified_at),
            "updateTime": _milliseconds(refund.modified_at),
            "sellerId": 1234567,
        }


class KuaishouKit(AdapterKit):
    """What the adapter contract, the benchmark and the examples have to know of Kuaishou shop."""

    platform = "kuaishou"
    pushes = True
    # Each order takes a call of its own, so the long check pulls fewer in the usual runs.
    orders = 400
    shop_id = "f1880000000000000000000000000009"
    encrypts = True

    def number(self, place: int) -> str:
        """See `AdapterKit.number`."""
        return f"{2_400_000_000_000_000 + place}"

    def make_double(self, book: Book, faults: Faults, clock: KitClock) -> KuaishouDouble:
        """See `AdapterKit.make_double`."""
        return KuaishouDouble(book, faults=faults, clock=clock)

    def make_source(self, double: Double, *, tokens: TokenStore, clock: KitClock) -> KuaishouSource:
        """See `AdapterKit.make_source`."""
        settings = cast(KuaishouDouble, double).settings()
        store = authorised(double, tokens)
        return KuaishouSource(settings, tokens=store, clock=clock, sleep=lambda _: None, options=QUICK)

    def make_async_source(self, double: Double, *, tokens: TokenStore, clock: KitClock) -> AsyncKuaishouSource:
        """See `AdapterKit.make_async_source`."""
        settings = cast(KuaishouDouble, double).settings()
        return AsyncKuaishouSource(settings, tokens=authorised(double, tokens), clock=clock, options=QUICK)

    def expected(self, order: Order) -> Mapping[str, Any] | None:
        """See `AdapterKit.expected`; what was never paid has no amounts here."""
        told = super().expected(order)
        return told if order.paid_at is not None or told is None else {"status": told["status"]}

    def parse(self, body: bytes) -> Facts | None:
        """Read one page of orders from its bytes, without the fee details that take calls of their own."""
        try:
            rows, _ = rows_of(data_of(Answer(status=200, body=body)), "orderList", "cursor")
        except PlatformUnavailable:
            return Facts()
        read = [read_order(raw, None, self._parsed_for) for raw in rows]
        items = tuple(each for each in read if isinstance(each, Order))
        doubtful = tuple(each for each in read if isinstance(each, Doubtful))
        return Facts(items=items, doubtful=doubtful, seen=len(rows))

    @cached_property
    def _parsed_for(self) -> KuaishouSettings:
        return KuaishouSettings(
            app_key=_APP_KEY, app_secret=_APP_SECRET, sign_secret=_SIGN_SECRET, shop_id=self.shop_id
        )


def _fee(order: Order) -> dict[str, Any]:
    paid, freight, subsidy = order.paid_fen or 0, order.shipping_fen or 0, order.subsidy_fen or 0
    return {
        "oid": int(order.order_no),
        "sellerId": 1234567,
        "totalFee": paid - freight + subsidy,
        "expressFee": freight,
        "discountFee": subsidy,
        "platformBearAmount": subsidy,
        "merchantBearAmount": 0,
        "platformAllowance": subsidy,
        "sellerRecv": paid + subsidy,
        "buyerPay": paid,
    }


def _after(facts: Sequence[Order | Refund], cursor: str, size: int) -> tuple[Sequence[Any], str]:
    """Give the facts behind a cursor, which names the last one given by time and number."""
    places = [(_milliseconds(each.modified_at), _name(each)) for each in facts]
    begin = 0
    if cursor:
        at, _, name = base64.b64decode(cursor).decode().partition("/")
        begin = sum(place <= (int(at), name) for place in places)
    rows = facts[begin : begin + size]
    if begin + size >= len(facts):
        return rows, "nomore"
    at_last, last = places[begin + size - 1]
    return rows, base64.b64encode(f"{at_last}/{last}".encode()).decode()


def _name(fact: Order | Refund) -> str:
    return fact.order_no if isinstance(fact, Order) else fact.refund_id


def _good(data: Any) -> Reply:
    return Reply.of({"result": 1, "code": "1", "msg": "success", "error_msg": "SUCCESS", "data": data})


def _gone(code: str) -> Reply:
    return Reply.of({"result": 807000, "code": "807000", "sub_code": code, "error_msg": "business error"})


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _milliseconds(at: datetime | None) -> int:
    return 0 if at is None else int(at.timestamp() * 1000 + 0.5)
