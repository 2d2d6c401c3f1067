"""
A double of JD: the documented gateway (routerjson), the SP-API beside it, and the host that gives tokens.

It signs by its own few lines, so that a mistake in the adapter's signing does not hide here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final, Literal

import attrs

from crossloyalty.adapters.jd import AsyncJdSource, JdSettings, JdSource
from crossloyalty.adapters.jd.router import Router
from crossloyalty.adapters.jd.sp import SpApi
from crossloyalty.adapters.wire.reading import Node
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.tokens import StoredTokens, Tokens, TokenStore
from crossloyalty.adapters.wire.values import Answer, Call
from crossloyalty.application.sources import Doubtful, Facts, Incoming
from crossloyalty.domain.orders import Order, OrderStatus, Refund, RefundStatus
from crossloyalty.testing.adapter_contract import QUICK
from crossloyalty.testing.adapter_kit import AdapterKit, KitClock
from crossloyalty.testing.doubles.book import Book
from crossloyalty.testing.doubles.faults import Faults
from crossloyalty.testing.doubles.server import Double, Reply, Request

__all__ = ["JdBook", "JdDouble", "JdKit"]

_BEIJING: Final = timezone(timedelta(hours=8))
_TOLERATED: Final = timedelta(minutes=6)
_NEVER: Final = "0001-01-01 00:00:00"
_WORDS: Final = {
    OrderStatus.UNPAID: "NOT_PAY",
    OrderStatus.PAID: "WAIT_SELLER_STOCK_OUT",
    OrderStatus.SHIPPED: "WAIT_GOODS_RECEIVE_CONFIRM",
    OrderStatus.FINISHED: "FINISHED_L",
    OrderStatus.CLOSED: "TRADE_CANCELED",
}
_MOST_ROWS: Final = 100
_MOST_REFUNDS: Final = 50
_APPLIED: Final = {RefundStatus.OPEN: 0, RefundStatus.CLOSED: 2, RefundStatus.SUCCESS: 3}
_SERVICED: Final = {RefundStatus.OPEN: 10, RefundStatus.CLOSED: 14, RefundStatus.SUCCESS: 13}


class JdBook(Book):
    """
    A book whose refunds are named as the adapter names them.

    Args:
        platform, shop_id, options: See `Book`.
        kinds: What the refunds are in turn: "apply" for applications, "afs" for after-sale refunds; the SP-API knows
            the latter only.
    """

    def __init__(
        self, platform: str = "jd", shop_id: str = "shop-1", *, kinds: Sequence[str] = ("apply", "afs"), **options: Any
    ) -> None:
        options.setdefault("number", lambda place: f"{290_000_000_000 + place}")
        super().__init__(platform, shop_id, **options)
        self._kinds = kinds

    def refund(
        self, order_no: str, *, at: datetime, status: RefundStatus = RefundStatus.SUCCESS, amount_fen: int | None = None
    ) -> Refund:
        """See `Book.refund`."""
        with self._lock:
            made = super().refund(order_no, at=at, status=status, amount_fen=amount_fen)
            kind = self._kinds[len(self._refunds) % len(self._kinds)]
            del self._refunds[made.refund_id]
            named = attrs.evolve(made, refund_id=f"{kind}-{made.refund_id}")
            self.put(named)
            return named


class JdDouble(Double):
    """See the head of this module; its application is `app_key` with `app_secret`."""

    platform = "jd"
    app_key: Final = "demo-app"
    app_secret: Final = "demo-secret-canary"
    code: Final = "consent-code"

    @property
    def gateway(self) -> str:
        """Where calls of routerjson go."""
        return f"{self.url}/routerjson"

    @property
    def sp_gateway(self) -> str:
        """Where calls of the SP-API go."""
        return f"{self.url}/rest"

    @property
    def oauth(self) -> str:
        """Where tokens are got."""
        return f"{self.url}/oauth2"

    # -- answering ---------------------------------------------------------------------------------------------------

    def answer(self, request: Request) -> Reply:
        """See `Double.answer`."""
        if request.path.startswith("/oauth2/"):
            return self._token(request)
        if request.path.startswith("/rest/"):
            return self._sp(request)
        return self._router(request)

    def throttled(self, advised_s: float) -> Reply:
        """See `Double.throttled`; JD names no pause."""
        return _error("2", "限制的时间内调用API的次数超过限制")

    def expired(self) -> Reply:
        """See `Double.expired`."""
        return _error("19", "无效access_token")

    def message(self, order_no: str, *, refund_id: str = "", message_id: str = "") -> Incoming:
        """JD sends no messages."""
        raise NotImplementedError("JD sends no messages to an address of the merchant's")

    def _refuse(self, code: str, words: str) -> Reply:
        self.refused.append(code)
        return _error(code, words)

    # -- tokens ------------------------------------------------------------------------------------------------------

    def _token(self, request: Request) -> Reply:
        query = request.query
        if query.get("app_key") != self.app_key or query.get("app_secret") != self.app_secret:
            return self._refuse("21", "无效app_key")
        if request.path == "/oauth2/access_token":
            pair = self.first_tokens() if query.get("code") == self.code else None
        else:
            pair = self.renewed(query.get("refresh_token"))
        if pair is None:
            return Reply.of({"code": 400, "msg": "invalid refresh_token"})
        now_ms = str(int(self.clock().timestamp() * 1000))
        return Reply.of(
            {
                "access_token": pair[0],
                "refresh_token": pair[1],
                "expires_in": 86_400 * 30,
                "time": now_ms,
                "scope": "snsapi_base",
                "open_id": "operator",
            }
        )

    # -- routerjson --------------------------------------------------------------------------------------------------

    def _router(self, request: Request) -> Reply:
        form = request.form
        if request.path != "/routerjson" or request.method != "POST":
            return self._refuse("14", "缺少方法名参数")
        base = "".join(f"{name}{form[name]}" for name in sorted(form) if name != "sign")
        if form.get("sign") != self._digest(base):
            return self._refuse("12", "无效签名")
        if form.get("app_key") != self.app_key or form.get("v") != "2.0":
            return self._refuse("21", "无效app_key")
        if not self._is_near(form.get("timestamp", "")):
            return self._refuse("8", "无效时间戳")
        method = form.get("method", "")
        if method not in self._methods:
            return self._refuse("15", "不存在的方法名")
        if not self.token_is_good(form.get("access_token")):
            return self.expired()
        body = self._methods[method](self, json.loads(form["360buy_param_json"]))
        # The name is spelled so.
        return Reply.of({method.replace(".", "_") + "_responce": {"code": "0", **body}})

    def _digest(self, base: str) -> str:
        return hashlib.md5(f"{self.app_secret}{base}{self.app_secret}".encode()).hexdigest().upper()

    def _is_near(self, text: str) -> bool:
        try:
            sent_at = datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f%z")
        except ValueError:
            return False
        return abs(self.clock() - sent_at) <= _TOLERATED

    def _search(self, about: Mapping[str, Any]) -> Mapping[str, Any]:
        states = about["order_state"].split(",")
        wanted = set(about["optional_fields"].split(","))
        start, end = _window(about["start_date"], about["end_date"])
        if end - start > timedelta(days=31) or not 1 <= int(about["page_size"]) <= _MOST_ROWS or not states[0]:
            return {"searchorderinfo_result": {"apiResult": _result(ok=False)}}
        found = [
            _only(order_of(order), wanted)
            for order in self.book.orders_changed(start, end)
            if _WORDS[order.status or OrderStatus.UNPAID] in states
        ]
        rows = _page(found, int(about["page"]), int(about["page_size"]))
        self.turned_page()
        return {
            "searchorderinfo_result": {
                "apiResult": _result(ok=True),
                "orderTotal": len(found),
                "orderInfoList": rows,
            }
        }

    def _get(self, about: Mapping[str, Any]) -> Mapping[str, Any]:
        order = self.book.order(str(about["order_id"]))
        if order is None:
            return {"orderDetailInfo": {"apiResult": _result(ok=False, words="订单不存在")}}
        info = _only(order_of(order), set(about["optional_fields"].split(",")))
        return {"orderDetailInfo": {"apiResult": _result(ok=True), "orderInfo": info}}

    def _applications(self, about: Mapping[str, Any]) -> Mapping[str, Any]:
        size = int(about["pageSize"])
        if size > _MOST_REFUNDS:
            return {"queryResult": {"success": False, "errorMsg": "pageSize"}}
        if "orderId" in about:
            found: Sequence[Refund] = self.book.refunds(about["orderId"])
        elif "checkTimeStart" in about:
            found = self.book.refunds_changed(*_window(about["checkTimeStart"], about["checkTimeEnd"]))
        else:
            found = self.book.refunds_changed(*_window(about["applyTimeStart"], about["applyTimeEnd"]))
        applications = [application_of(refund) for refund in found if not is_service(refund)]
        rows = _page(applications, int(about["pageIndex"]), size)
        self.turned_page()
        return {"queryResult": {"success": True, "totalCount": len(applications), "result": rows}}

    def _services(self, about: Mapping[str, Any]) -> Mapping[str, Any]:
        found = (
            self.book.refunds(about["orderId"])
            if "orderId" in about
            else self.book.refunds_changed(*_window(about["applyTimeBegin"], about["applyTimeEnd"]))
        )
        services = [service_of(refund, self.book.order(refund.order_no)) for refund in found if is_service(refund)]
        rows = _page(services, int(about["pageNumber"]), int(about["pageSize"]))
        self.turned_page()
        return {"pageResult": {"totalCount": len(services), "data": rows}}

    _methods: Final[Mapping[str, Callable[..., Mapping[str, Any]]]] = {
        "jingdong.pop.order.search": _search,
        "jingdong.pop.order.get": _get,
        "jingdong.pop.afs.soa.refundapply.queryPageList": _applications,
        "jingdong.asc.serviceAndRefund.view": _services,
    }

    # -- SP-API ------------------------------------------------------------------------------------------------------

    def _sp(self, request: Request) -> Reply:
        path = request.path.removeprefix("/rest")
        folder, _, last = path.rpartition("/")
        in_path = {"/sp-order/v0/orders": "orderId", "/sp-aftercare/v0/afs-orders": "afsOrderId"}.get(folder)
        headers = request.headers
        signed = {
            "X-JOS-App-Key": headers.get("x-jos-app-key", ""),
            "X-JOS-Access-Token": headers.get("x-jos-access-token", ""),
            "X-JOS-Timestamp": headers.get("x-jos-timestamp", ""),
            **request.query,
            **({in_path: last} if in_path else {}),
        }
        if headers.get("x-jos-sign") != self._digest("".join(f"{name}{signed[name]}" for name in sorted(signed))):
            return self._refuse("12", "无效签名")
        if abs(self.clock() - _from_ms(signed["X-JOS-Timestamp"])) > _TOLERATED:
            return self._refuse("8", "无效时间戳")
        if not self.token_is_good(signed["X-JOS-Access-Token"]):
            return self.expired()
        if in_path == "orderId":
            order = self.book.order(last)
            return _sp_good(None if order is None else sp_order_of(order))
        if in_path == "afsOrderId":
            refund = self.book.refund_of(f"afs-{last}")
            return _sp_good(None if refund is None else sp_service_of(refund, self.book.order(refund.order_no)))
        return self._sp_list(path, request.query)

    def _sp_list(self, path: str, query: Mapping[str, str]) -> Reply:
        if int(query["pageSize"]) > _MOST_REFUNDS:
            return Reply.of({"success": False, "errorList": [{"code": "400", "message": "pageSize"}]})
        if path == "/sp-order/v0/orders":
            window = _from_ms(query["startTime"]), _from_ms(query["endTime"]) + timedelta(milliseconds=1)
            found = [sp_order_of(order) for order in self.book.orders_changed(*window)]
        elif "orderId" in query:
            found = [_brief(refund) for refund in self.book.refunds(query["orderId"])]
        else:
            window = _from_ms(query["updateStartTime"]), _from_ms(query["updateEndTime"]) + timedelta(milliseconds=1)
            found = [_brief(refund) for refund in self.book.refunds_changed(*window)]
        reply = _sp_good(_page(found, int(query["page"]), int(query["pageSize"])), len(found))
        self.turned_page()
        return reply


def order_of(order: Order) -> Mapping[str, Any]:
    """Give an order in routerjson's form, up to ¥0.50 of it paid from the account balance."""
    goods = sum(line.paid_fen or 0 for line in order.lines or ())
    balance = min(50, goods)
    items = [
        {
            "skuId": _sku(line.line_id),
            "wareId": line.product_id,
            "skuName": "示例商品",
            "jdPrice": _yuan(line.paid_fen),
            "itemTotal": "1",
        }
        for line in order.lines or ()
    ]
    return {
        "orderId": order.order_no,
        "venderId": "100001",
        "orderType": "22",
        "payType": "4-在线支付",
        "orderTotalPrice": _yuan(goods),
        "sellerDiscount": "0.00",
        "orderSellerPrice": _yuan(goods),
        "balanceUsed": _yuan(balance),
        "orderPayment": _yuan((order.paid_fen or 0) - balance),
        "freightPrice": _yuan(order.shipping_fen),
        "orderState": _WORDS[order.status or OrderStatus.UNPAID],
        "orderStartTime": _time(order.created_at),
        "paymentConfirmTime": _time(order.paid_at),
        "orderEndTime": _time(order.finished_at),
        "modified": _time(order.modified_at),
        "returnOrder": "0",
        "parentOrderId": "0",
        "directParentOrderId": "0",
        "xid_buyer": order.buyer_id,
        "pin": "jd_****x",
        "consigneeInfo": {"fullname": "canary name", "mobile": "13800138000"},
        "itemInfoList": items,
        "couponDetailList": [],
    }


def sp_order_of(order: Order) -> Mapping[str, Any]:
    """Give an order in the SP-API's form."""
    goods = sum(line.paid_fen or 0 for line in order.lines or ())
    return {
        "orderId": int(order.order_no),
        "parentOrderId": 0,
        "rootOrderId": int(order.order_no),
        "orderStatus": _WORDS[order.status or OrderStatus.UNPAID],
        "xidBuyer": order.buyer_id,
        "createdTime": _ms(order.created_at),
        "modifiedTime": _ms(order.modified_at),
        "finishedTime": _ms(order.finished_at),
        "paymentInfo": {
            "actualPayAmount": (order.paid_fen or 0) / 100,
            "freightFee": (order.shipping_fen or 0) / 100,
            "paymentType": 4,
            "paymentConfirmTime": _ms(order.paid_at),
        },
        "sellerTradePriceInfo": {"totalOriginalPriceAmount": goods / 100, "totalSellerDiscountAmount": 0},
        "skuItemInfoList": [
            {
                "skuId": int(_sku(line.line_id)),
                "productId": line.product_id,
                "num": 1,
                "jdPrice": (line.paid_fen or 0) / 100,
            }
            for line in order.lines or ()
        ],
        "orderFlag": {"popOrder": True, "preSaleOrder": False, "returnOrder": False},
        "consigneeInfo": {"fullName": "canary name", "mobile": "13800138000", "oaid": "canaryOAID"},
    }


def application_of(refund: Refund) -> Mapping[str, Any]:
    """Give a refund application; its sum is in fen."""
    return {
        "id": _number(refund),
        "orderId": refund.order_no,
        "buyerId": "jd_****x",
        "buyerName": "canary name",
        "applyRefundSum": refund.amount_fen,
        "status": _APPLIED[refund.status],
        "applyTime": _time(refund.modified_at),
        "checkTime": _time(refund.modified_at),
    }


def service_of(refund: Refund, order: Order | None) -> Mapping[str, Any]:
    """Give an after-sale refund; its amount is in yuan."""
    over = refund.status is not RefundStatus.OPEN
    return {
        "sameOrderServiceBill": {
            "serviceId": _number(refund),
            "orderId": int(refund.order_no),
            "wareId": _sku_of(refund, order),
        },
        "afsRefundId": _number(refund),
        "status": _SERVICED[refund.status],
        "completeTime": _time(refund.modified_at) if over else _NEVER,
        "refoundAmount": _yuan(refund.amount_fen),
    }


def sp_service_of(refund: Refund, order: Order | None) -> Mapping[str, Any]:
    """Give an after-sale case of the SP-API."""
    paid = refund.status is RefundStatus.SUCCESS
    return {
        **_brief(refund),
        "refundInfo": {
            "refundStatus": 20 if paid else 10,
            "actualRefundAmount": refund.amount_fen / 100 if paid else None,
        },
        "skuInfoList": [{"skuId": int(_sku_of(refund, order)), "skuNum": 1}],
    }


def is_service(refund: Refund) -> bool:
    """Say whether a refund is told as an after-sale refund; the others are told as applications."""
    return refund.refund_id.startswith("afs-")


def _number(refund: Refund) -> int:
    return int(refund.refund_id.partition("-")[2])


def _brief(refund: Refund) -> Mapping[str, Any]:
    return {
        "afsOrderId": _number(refund),
        "orderId": int(refund.order_no),
        "afsOrderBaseInfo": {"modifiedTime": _ms(refund.modified_at)},
        "afsOrderStatusInfo": {"mainStatus": 30 if refund.status is RefundStatus.OPEN else 100},
    }


def _sku_of(refund: Refund, order: Order | None) -> str:
    lines = () if order is None else order.lines or ()
    return _sku(refund.line_id or (lines[0].line_id if lines else refund.order_no))


def _sku(line_id: str) -> str:
    """Make a SKU's number of a line's id: JD's lines are named after their goods."""
    return line_id.removeprefix("sku-")


def _window(start: str, end: str) -> tuple[datetime, datetime]:
    """Give the window of a query; both its ends belong to it, in whole seconds."""
    first, last = (datetime.strptime(each, "%Y-%m-%d %H:%M:%S").replace(tzinfo=_BEIJING) for each in (start, end))
    return first.astimezone(UTC), last.astimezone(UTC) + timedelta(seconds=1)


def _page(found: Sequence[Any], number: int, size: int) -> Sequence[Any]:
    return found[(number - 1) * size : number * size]


def _only(value: Mapping[str, Any], wanted: set[str]) -> Mapping[str, Any]:
    return {name: each for name, each in value.items() if name in wanted}


def _time(moment: datetime | None) -> str:
    return _NEVER if moment is None else moment.astimezone(_BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def _ms(moment: datetime | None) -> int:
    return 0 if moment is None else int(moment.timestamp()) * 1000


def _from_ms(text: str) -> datetime:
    return datetime.fromtimestamp(int(text) / 1000, UTC)


def _yuan(fen: int | None) -> str:
    return f"{(fen or 0) // 100}.{(fen or 0) % 100:02d}"


def _result(*, ok: bool, words: str = "参数错误") -> Mapping[str, Any]:
    if ok:
        return {"success": True, "numberCode": "0", "chineseErrCode": "成功", "englishErrCode": "success"}
    # As text, the way it sometimes comes.
    return {"success": "false", "numberCode": "10100002", "chineseErrCode": words, "englishErrCode": "error"}


def _sp_good(data: Any, total: int | None = None) -> Reply:
    value: dict[str, Any] = {"success": True, "errorList": [], "data": data}
    if total is not None:
        value["paginationData"] = {"totalItems": total}
    return Reply.of(value)


def _error(code: str, words: str) -> Reply:
    return Reply.of({"error_response": {"code": code, "zh_desc": words, "en_desc": "error"}})


class JdKit(AdapterKit):
    """What the adapter contract, the benchmark and the examples have to know of JD."""

    platform = "jd"
    api: Literal["routerjson", "sp"] = "routerjson"
    """Which gateway is called; see `JdSettings`."""

    def number(self, place: int) -> str:
        """See `AdapterKit.number`."""
        return f"{290_000_000_000 + place}"

    def make_book(self) -> JdBook:
        """See `AdapterKit.make_book`."""
        kinds = ("apply", "afs") if self.api == "routerjson" else ("afs",)
        return JdBook(self.platform, self.shop_id, number=self.number, kinds=kinds)

    def settings(self, url: str) -> JdSettings:
        """Give settings that lead to the double, with few windows, so that many checks stay short."""
        return JdSettings(
            app_key=JdDouble.app_key,
            app_secret=JdDouble.app_secret,
            shop_id=self.shop_id,
            api=self.api,
            gateway=f"{url}/routerjson",
            sp_gateway=f"{url}/rest",
            oauth=f"{url}/oauth2",
            window_minutes=1440,
            page_size=100,
        )

    def make_double(self, book: Book, faults: Faults, clock: KitClock) -> JdDouble:
        """See `AdapterKit.make_double`."""
        return JdDouble(book, faults=faults, clock=clock)

    def make_source(self, double: Double, *, tokens: TokenStore, clock: KitClock) -> JdSource:
        """See `AdapterKit.make_source`; the merchant has authorised already."""
        access, refresh = double.first_tokens()
        row = tokens.load(self.platform, self.shop_id)
        first = Tokens(access=Secret(access), refresh=Secret(refresh))
        tokens.swap(self.platform, self.shop_id, row.version, StoredTokens(version=row.version + 1, tokens=first))
        return JdSource(self.settings(double.url), tokens=tokens, clock=clock, sleep=lambda _: None, options=QUICK)

    def make_async_source(self, double: Double, *, tokens: TokenStore, clock: KitClock) -> AsyncJdSource:
        """See `AdapterKit.make_async_source`."""
        return AsyncJdSource(self.settings(double.url), tokens=tokens, clock=clock, options=QUICK)

    def parse(self, body: bytes) -> Facts:
        """Read one page of orders from its bytes as the source does."""
        settings = self.settings("http://127.0.0.1")
        gateway = Router(settings) if self.api == "routerjson" else SpApi(settings)
        call = Call(name="jingdong.pop.order.search", method="POST", url="")
        rows, total = gateway.rows("orders", Answer(status=200, body=body), call)
        read = [gateway.read("orders", Node(each, "orders")) for each in rows]
        return Facts(
            items=tuple(each for each in read if isinstance(each, Order)),
            doubtful=tuple(each for each in read if isinstance(each, Doubtful)),
            seen=len(read),
            total=total,
        )

    def expected(self, order: Order) -> Mapping[str, Any] | None:
        """See `AdapterKit.expected`; of an unpaid order nothing is paid, whatever is due."""
        told = super().expected(order)
        if told is None or order.status is not OrderStatus.UNPAID:
            return told
        return {**told, "paid_fen": 0, "shipping_fen": 0}
