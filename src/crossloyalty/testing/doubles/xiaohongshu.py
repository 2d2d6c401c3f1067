"""A double of Xiaohongshu: one address, lists without amounts, after-sales in yuan inside a second envelope."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, ClassVar, Final, cast

from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.signing import same
from crossloyalty.adapters.wire.tokens import TokenStore
from crossloyalty.adapters.wire.values import Answer
from crossloyalty.adapters.xiaohongshu.answers import data_of
from crossloyalty.adapters.xiaohongshu.client import AsyncXiaohongshuSource, XiaohongshuSource
from crossloyalty.adapters.xiaohongshu.orders import read_order
from crossloyalty.adapters.xiaohongshu.settings import XiaohongshuSettings
from crossloyalty.adapters.xiaohongshu.signing import sign_call, sign_message
from crossloyalty.application.sources import Facts, Incoming
from crossloyalty.domain.orders import Order, OrderStatus, Refund, RefundStatus
from crossloyalty.errors import PlatformUnavailable
from crossloyalty.testing import QUICK
from crossloyalty.testing.adapter_kit import AdapterKit, KitClock
from crossloyalty.testing.doubles.authorised import authorised
from crossloyalty.testing.doubles.book import Book
from crossloyalty.testing.doubles.faults import Faults
from crossloyalty.testing.doubles.server import Double, Reply, Request

__all__ = ["XiaohongshuDouble", "XiaohongshuKit"]

_PATH: Final = "/ark/open_api/v3/common_controller"
_APP_ID: Final = "app-0001"
_APP_SECRET: Final = "app-secret-canary"
_CALLBACK: Final = "/hooks/xhs?shop=s1"
_STATUSES: Final = {
    OrderStatus.UNPAID: 1,
    OrderStatus.PAID: 4,
    OrderStatus.SHIPPED: 6,
    OrderStatus.SIGNED: 6,
    OrderStatus.FINISHED: 7,
    OrderStatus.CLOSED: 8,
}
# Where a case stands, and where its money does.
_CASES: Final = {
    RefundStatus.OPEN: (1, 201),
    RefundStatus.CLOSED: (6, 402),
    RefundStatus.SUCCESS: (4, 2),
    RefundStatus.PAYOUT_FAILED: (4, 3),
}
_CLOCK_TOLERANCE: Final = timedelta(minutes=10)
_LONGEST: Final = timedelta(minutes=30)


class XiaohongshuDouble(Double):
    """Answers the interfaces that `crossloyalty.adapters.xiaohongshu` asks; see `Double`."""

    platform: ClassVar[str] = "xiaohongshu"

    def settings(self, **changes: Any) -> XiaohongshuSettings:
        """Give the settings of the book's shop at this double."""
        given: dict[str, Any] = {
            "app_id": _APP_ID,
            "app_secret": _APP_SECRET,
            "shop_id": self.book.shop_id,
            "callback": _CALLBACK,
            "gateway": self.url + _PATH,
        }
        return XiaohongshuSettings(**given | changes)

    def answer(self, request: Request) -> Reply:
        """See `Double.answer`."""
        sent = request.json()
        complaint = self._complaint(request, sent)
        if complaint is not None:
            self.refused.append(complaint)
            return _bad(-2000400, complaint)
        method = sent["method"]
        if method.startswith("oauth."):
            return self._tokens(method, sent)
        if not self.token_is_good(sent.get("accessToken")):
            return self.expired()
        if method == "order.getOrderList":
            return self._order_page(sent)
        if method == "afterSale.listAfterSaleInfos":
            return self._case_page(sent)
        if method == "order.getOrderDetail":
            order = self.book.order(sent["orderId"])
            return _bad(-2000101, "订单不存在") if order is None else _good(self._order(order))
        refund = self.book.refund_of(sent["returnsId"])
        return _bad(-2000101, "售后不存在") if refund is None else _good(_nested({"afterSaleInfo": _case(refund)}))

    def throttled(self, advised_s: float) -> Reply:
        """See `Double.throttled`; the platform advises no pause."""
        return _bad(-1, "请求被限流")

    def expired(self) -> Reply:
        """See `Double.expired`."""
        return _bad(-1, "accessToken已过期")

    def message(self, order_no: str, *, refund_id: str = "", message_id: str = "") -> Incoming:
        """See `Double.message`; the platform gives no ids, so one goes into the text to make it differ."""
        now = self.clock()
        package = message_id or self.new_message_id()
        data: dict[str, Any] = {"orderId": order_no, "packageId": package, "updateTime": _milliseconds(now)}
        if refund_id:
            data |= {"returnsId": refund_id, "returnType": 1, "refundFee": 1.5}
        tag = "msg_after_sale_update" if refund_id else "msg_fulfillment_status_change"
        body = json.dumps([{"msgTag": tag, "sellerId": self.book.shop_id, "data": json.dumps(data)}]).encode()
        timestamp = str(int(now.timestamp()))
        signed = sign_message(_CALLBACK, app_key=_APP_ID, timestamp=timestamp, secret=Secret(_APP_SECRET))
        headers = {"content-type": "application/json", "timestamp": timestamp, "app-key": _APP_ID, "sign": signed}
        return Incoming(headers=headers, body=body, query={"shop": "s1"})

    # -- what it knows -----------------------------------------------------------------------------------------------

    def _complaint(self, request: Request, sent: Mapping[str, Any]) -> str | None:
        """Say what is wrong with a call as it was signed and sent."""
        if (request.method, request.path) != ("POST", _PATH):
            return "the address is wrong"
        if (sent.get("appId"), sent.get("version")) != (_APP_ID, "2.0"):
            return "appId or version is wrong"
        timestamp = sent.get("timestamp")
        if not isinstance(timestamp, str) or len(timestamp) != 10:
            return "timestamp is no text of seconds"
        expected = sign_call(sent["method"], app_id=_APP_ID, timestamp=timestamp, secret=Secret(_APP_SECRET))
        if not same(sent.get("sign"), expected):
            return "sign is wrong"
        at = datetime.fromtimestamp(int(timestamp), UTC)
        return None if abs(at - self.clock()) <= _CLOCK_TOLERANCE else "timestamp is far from now"

    def _tokens(self, method: str, sent: Mapping[str, Any]) -> Reply:
        if method == "oauth.getAccessToken":
            pair: tuple[str, str] | None = self.first_tokens() if sent.get("code") == "code-1" else None
        else:
            pair = self.renewed(sent.get("refreshToken"))
        if pair is None:
            return _bad(-1, "refreshToken已失效，请重新授权")
        now = self.clock()
        told = {
            "accessToken": pair[0],
            "accessTokenExpiresAt": _milliseconds(now + timedelta(days=7)),
            "refreshToken": pair[1],
            "refreshTokenExpiresAt": _milliseconds(now + timedelta(days=14)),
            "sellerId": self.book.shop_id,
        }
        return _good(told)

    def _order_page(self, sent: Mapping[str, Any]) -> Reply:
        begin = datetime.fromtimestamp(sent["startTime"], UTC)
        end = datetime.fromtimestamp(sent["endTime"], UTC)
        if self._is_wrong_window(sent, begin, end):
            return _bad(-2000400, "参数错误")
        # Both ends belong to the window.
        found = self.book.orders_changed(begin, end + timedelta(seconds=1))
        told = [_row(each) for each in _slice(found, sent)]
        pages = -(-len(found) // sent["pageSize"])
        about = {"total": len(found), "pageNo": sent["pageNo"], "pageSize": sent["pageSize"], "maxPageNo": pages}
        self._turned(told)
        return _good(about | {"orderList": told})

    def _case_page(self, sent: Mapping[str, Any]) -> Reply:
        found: Sequence[Refund]
        if "orderId" in sent:
            found = self.book.refunds(sent["orderId"])
        else:
            begin = datetime.fromtimestamp(sent["startTime"] / 1000, UTC)
            end = datetime.fromtimestamp(sent["endTime"] / 1000, UTC)
            if self._is_wrong_window(sent, begin, end):
                return _bad(-2000400, "参数错误")
            found = self.book.refunds_changed(begin, end + timedelta(milliseconds=1))
        basics = ("returnsId", "returnType", "status", "orderId", "updatedAt", "expectedRefundAmountYuan")
        told = [{name: each[name] for name in basics} for each in map(_case, _slice(found, sent))]
        about = {"totalCount": len(found), "pageNo": sent["pageNo"], "pageSize": sent["pageSize"]}
        self._turned(told)
        return _good(_nested(about | {"afterSaleBasicInfos": told}))

    def _turned(self, rows: Sequence[Any]) -> None:
        """Count a page that held something: windows are short here, and most of a quiet shop's are empty."""
        if rows:
            self.turned_page()

    def _is_wrong_window(self, sent: Mapping[str, Any], begin: datetime, end: datetime) -> bool:
        wrong = not begin <= end <= begin + _LONGEST or sent["timeType"] != 2
        wrong = wrong or not 1 <= sent["pageNo"] <= 100 or not 1 <= sent["pageSize"] <= 100
        if wrong:
            self.refused.append("window or page is wrong")
        return wrong

    def _order(self, order: Order) -> dict[str, Any]:
        subsidy = order.subsidy_fen or 0
        return _row(order) | {
            "orderAfterSalesStatus": 2 if self.book.refunds(order.order_no) else 1,
            "totalPayAmount": order.paid_fen or 0,
            "totalShippingFree": order.shipping_fen or 0,
            "totalDepositAmount": 0,
            "totalMerchantDiscount": 0,
            "totalRedDiscount": subsidy,
            "merchantActualReceiveAmount": (order.paid_fen or 0) + subsidy,
            "outPromotionAmount": "0",
            "shopId": "shop0001",
            "userId": order.buyer_id,
            "openAddressId": "0a1b2c3d",
            "receiverName": "张三",
            "receiverPhone": "13800138000",
            "skuList": [
                {
                    "skuId": line.line_id,
                    "skuName": "示例商品",
                    "skuQuantity": line.quantity,
                    "itemId": line.product_id,
                    "totalPaidAmount": line.paid_fen,
                    "skuTag": 1 if line.is_free_gift else 0,
                }
                for line in order.lines or ()
            ],
        }


class XiaohongshuKit(AdapterKit):
    """What the adapter contract, the benchmark and the examples have to know of Xiaohongshu."""

    platform = "xiaohongshu"
    pushes = True
    # Each order takes a call of its own, so the long check pulls fewer in the usual runs.
    orders = 400
    # A window is half an hour long, so a few days of them would be hundreds of pages.
    days = 0.5
    shop_id = "5e0000000000000000000009"
    signs = "address"

    def number(self, place: int) -> str:
        """See `AdapterKit.number`."""
        return f"P{700_000_000_000_000_000 + place}"

    def make_double(self, book: Book, faults: Faults, clock: KitClock) -> XiaohongshuDouble:
        """See `AdapterKit.make_double`."""
        return XiaohongshuDouble(book, faults=faults, clock=clock)

    def make_source(self, double: Double, *, tokens: TokenStore, clock: KitClock) -> XiaohongshuSource:
        """See `AdapterKit.make_source`."""
        settings = cast(XiaohongshuDouble, double).settings()
        store = authorised(double, tokens)
        return XiaohongshuSource(settings, tokens=store, clock=clock, sleep=lambda _: None, options=QUICK)

    def make_async_source(self, double: Double, *, tokens: TokenStore, clock: KitClock) -> AsyncXiaohongshuSource:
        """See `AdapterKit.make_async_source`."""
        settings = cast(XiaohongshuDouble, double).settings()
        return AsyncXiaohongshuSource(settings, tokens=authorised(double, tokens), clock=clock, options=QUICK)

    def expected(self, order: Order) -> Mapping[str, Any] | None:
        """See `AdapterKit.expected`; what was never paid has no amounts here."""
        told = super().expected(order)
        return told if order.paid_at is not None or told is None else {"status": told["status"]}

    def parse(self, body: bytes) -> Facts | None:
        """Read one order from the bytes of its detail: a page of the list states no amounts."""
        try:
            data = data_of(Answer(status=200, body=body))
        except PlatformUnavailable:
            return Facts()
        read = read_order(None if data is None else data.value, self._parsed_for)
        if isinstance(read, Order):
            return Facts(items=(read,), seen=1)
        return Facts(doubtful=(read,), seen=1)

    @cached_property
    def _parsed_for(self) -> XiaohongshuSettings:
        return XiaohongshuSettings(app_id=_APP_ID, app_secret=_APP_SECRET, shop_id=self.shop_id)


def _row(order: Order) -> dict[str, Any]:
    return {
        "orderId": order.order_no,
        "orderType": 1,
        "orderStatus": _STATUSES[order.status or OrderStatus.UNPAID],
        "cancelStatus": 0,
        "createdTime": _milliseconds(order.created_at),
        "paidTime": _milliseconds(order.paid_at),
        "updateTime": _milliseconds(order.modified_at),
        "finishTime": _milliseconds(order.finished_at),
        "receiverProvinceName": "浙江省",
        "orderTagList": [],
        "originalOrderId": "",
    }


def _case(refund: Refund) -> dict[str, Any]:
    status, money = _CASES[refund.status]
    amount = f"{refund.amount_fen // 100}.{refund.amount_fen % 100:02d}"
    return {
        "returnsId": refund.refund_id,
        "returnType": 1,
        "status": status,
        "orderId": refund.order_no,
        "applyTime": _milliseconds(refund.modified_at),
        "updatedAt": _milliseconds(refund.modified_at),
        "skus": [] if refund.line_id is None else [{"skuId": refund.line_id.removeprefix("sku:")}],
        "expectedRefundAmountYuan": amount,
        "refundAmountYuan": amount,
        "refundStatus": money,
    }


def _slice(found: Sequence[Any], sent: Mapping[str, Any]) -> Sequence[Any]:
    size = sent["pageSize"]
    begin = (sent["pageNo"] - 1) * size
    return found[begin : begin + size]


def _good(data: Any) -> Reply:
    return Reply.of({"error_code": 0, "error_msg": "", "success": True, "data": data})


def _nested(data: Any) -> dict[str, Any]:
    return {"code": 0, "success": True, "msg": "", "data": data}


def _bad(code: int, words: str) -> Reply:
    return Reply.of({"error_code": code, "error_msg": words, "success": False, "data": None})


def _milliseconds(at: datetime | None) -> int:
    return 0 if at is None else int(at.timestamp() * 1000 + 0.5)
