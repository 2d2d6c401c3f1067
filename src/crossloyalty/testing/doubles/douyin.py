"""A double of Douyin shop: checks our signature over the body, pages from 0 by update time, pushes signed arrays."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final

import attrs

from crossloyalty.adapters.douyin.answers import data_of
from crossloyalty.adapters.douyin.client import AsyncDouyinSource, DouyinSource
from crossloyalty.adapters.douyin.messages import TAKEN
from crossloyalty.adapters.douyin.orders import read_order
from crossloyalty.adapters.douyin.settings import DouyinSettings
from crossloyalty.adapters.douyin.signing import canonical, event_sign, sign
from crossloyalty.adapters.wire.doubts import each_row
from crossloyalty.adapters.wire.found import Found
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.signing import same
from crossloyalty.adapters.wire.tokens import StoredTokens, Tokens, TokenStore
from crossloyalty.adapters.wire.values import Answer, Facts
from crossloyalty.application.sources import Incoming
from crossloyalty.domain.orders import Line, LineStatus, Order, OrderStatus, Refund, RefundStatus
from crossloyalty.testing import QUICK, AdapterKit
from crossloyalty.testing.adapter_kit import KitClock
from crossloyalty.testing.doubles.book import Book
from crossloyalty.testing.doubles.faults import Faults
from crossloyalty.testing.doubles.server import Double, Reply, Request

__all__ = ["DouyinDouble", "DouyinKit"]

_APP_KEY: Final = "3400000000000000001"
_APP_SECRET: Final = "app-secret-canary"
_CLOCK_TOLERANCE: Final = timedelta(minutes=10)
_STATUSES: Final = {
    OrderStatus.UNPAID: 1,
    OrderStatus.PAID: 2,
    OrderStatus.SHIPPED: 3,
    OrderStatus.SIGNED: 3,
    OrderStatus.FINISHED: 5,
    OrderStatus.CLOSED: 4,
}
_LINE_STATUSES: Final = {
    LineStatus.UNPAID: 1,
    LineStatus.PAID: 2,
    LineStatus.SHIPPED: 3,
    LineStatus.SIGNED: 3,
    LineStatus.FINISHED: 5,
    LineStatus.CLOSED_UNPAID: 4,
    LineStatus.CLOSED_REFUNDED: 4,
}
# Status of the case and of its money.
_CASES: Final = {
    RefundStatus.OPEN: (6, 1),
    RefundStatus.CLOSED: (28, 1),
    RefundStatus.SUCCESS: (12, 3),
    RefundStatus.PAYOUT_FAILED: (12, 4),
}


class DouyinDouble(Double):
    """Answers the calls that `crossloyalty.adapters.douyin` makes; see `Double`."""

    platform: ClassVar[str] = "douyin"
    accepted: ClassVar[bytes] = TAKEN
    _message_no = 0

    @staticmethod
    def order_number(place: int) -> str:
        """Give the n-th order's number in the platform's form, for `Book(number=…)`."""
        return f"{6_900_000_000_000_000_000 + 10 * place}"

    def settings(self, **changes: Any) -> DouyinSettings:
        """Give the settings of the book's shop at this double."""
        given: dict[str, Any] = {
            "app_key": _APP_KEY,
            "app_secret": _APP_SECRET,
            "shop_id": self.book.shop_id,
            "gateway": self.url,
            "self_use": False,
        }
        return DouyinSettings(**given | changes)

    def answer(self, request: Request) -> Reply:
        """See `Double.answer`."""
        complaint = self._complaint(request)
        if complaint is not None:
            return self._no(40003, "isv.signature-invalid", complaint)
        method, asked = request.query["method"], request.json()
        if method.startswith("token."):
            return self._tokens(method, asked)
        if not self.token_is_good(request.query.get("access_token")):
            return self.expired()
        if method == "order.searchList":
            return self._order_page(asked)
        if method == "afterSale.List":
            return self._case_page(asked)
        if method == "order.orderDetail":
            order = self.book.order(asked["shop_order_id"])
            if order is None:
                return self._no(50002, "isv.business-failed:1", "订单不存在")
            return _good({"shop_order_detail": self._order(order)})
        refund = self.book.refund_of(asked["after_sale_id"]) if method == "afterSale.Detail" else None
        if refund is None:
            return self._no(50002, "isv.business-failed:1", "售后单不存在")
        return _good({"process_info": {"after_sale_info": _detail(refund)}})

    def throttled(self, advised_s: float) -> Reply:
        """See `Double.throttled`; the platform advises no pause."""
        return _bad(60000, "isv.traffic-limited", "请求过于频繁")

    def expired(self) -> Reply:
        """See `Double.expired`."""
        return _bad(40003, "isv.access-token-expired", "access_token已过期")

    def message(self, order_no: str, *, refund_id: str = "", message_id: str = "") -> Incoming:
        """See `Double.message`."""
        with self._lock:
            self._message_no += 1
            number = message_id or f"{order_no}:1:{self._message_no}"
        at = int(self.clock().timestamp())
        about: dict[str, Any] = {"p_id": int(order_no), "shop_id": self.book.shop_id}
        if refund_id:
            tag, about = "206", about | {"aftersale_id": int(refund_id), "success_time": at}
        else:
            tag, about = "103", about | {"order_status": 5, "complete_time": at}
        body = json.dumps([{"tag": tag, "msg_id": number, "data": json.dumps(about)}]).encode()
        signature = event_sign(_APP_KEY, Secret(_APP_SECRET), body)
        return Incoming(headers={"app-id": _APP_KEY, "event-sign": signature}, body=body)

    # -- what it knows -----------------------------------------------------------------------------------------------

    def _complaint(self, request: Request) -> str | None:
        """Say what is wrong with a call as it was signed and sent."""
        query, body = request.query, request.body.decode()
        method = query.get("method", "")
        if request.method != "POST" or request.path != "/" + method.replace(".", "/"):
            return "path and method differ"
        if (query.get("app_key"), query.get("v")) != (_APP_KEY, "2"):
            return "app_key or v is wrong"
        if query.get("sign_method") not in ("hmac-sha256", "md5"):
            return "sign_method is wrong"
        if canonical(json.loads(body)) != body:
            return "the body is not written the way that is signed"
        right = sign(
            _APP_KEY,
            Secret(_APP_SECRET),
            method,
            body,
            query["timestamp"],
            sign_method=query["sign_method"],  # type: ignore[arg-type]
        )
        if not same(query.get("sign"), right):
            return "sign is wrong"
        at = datetime.fromtimestamp(int(query["timestamp"]), UTC)
        return None if abs(at - self.clock()) <= _CLOCK_TOLERANCE else "timestamp is far from now"

    def _tokens(self, method: str, asked: Mapping[str, Any]) -> Reply:
        pair: tuple[str, str] | None = None
        if method == "token.refresh":
            pair = self.renewed(asked.get("refresh_token", ""))
        elif asked.get("grant_type") == "authorization_self" and asked.get("shop_id") == self.book.shop_id:
            pair = self.renewed(None)
        elif asked.get("grant_type") == "authorization_code" and asked.get("code") == "code-1":
            pair = self.first_tokens()
        if pair is None:
            return self._no(50002, "dop.token-generate-failed:1", "授权码无效")
        told = {"access_token": pair[0], "refresh_token": pair[1], "expires_in": 604_800, "scope": "SCOPE"}
        return _good(told | {"shop_id": self.book.shop_id, "shop_name": "示例旗舰店"})

    def _order_page(self, asked: Mapping[str, Any]) -> Reply:
        if (asked.get("order_by"), asked.get("order_asc")) != ("update_time", True) or not 1 <= asked["size"] <= 100:
            return self._no(40004, "isv.parameter-invalid:1", "order_by or size is wrong")
        orders = self.book.orders_changed(_moment(asked["update_time_start"]), _moment(asked["update_time_end"]))
        told = [self._order(each) for each in _page(orders, asked)]
        self.turned_page()
        return _good({"page": asked["page"], "size": asked["size"], "total": len(orders), "shop_order_list": told})

    def _case_page(self, asked: Mapping[str, Any]) -> Reply:
        if asked.get("order_by") != ["update_time asc"] or not 1 <= asked["size"] <= 100:
            return self._no(40004, "isv.parameter-invalid:1", "order_by or size is wrong")
        if "order_id" in asked:
            cases = self.book.refunds(asked["order_id"])
        else:
            since, until = _moment(asked["update_start_time"]), _moment(asked["update_end_time"])
            cases = self.book.refunds_changed(since, until)
        rows = _page(cases, asked)
        told = [self._case(each) for each in rows]
        if "order_id" not in asked:
            self.turned_page()
        more = (asked["page"] + 1) * asked["size"] < len(cases)
        return _good({"page": asked["page"], "size": len(rows), "total": len(cases), "has_more": more, "items": told})

    def _no(self, code: int, sub_code: str, words: str) -> Reply:
        self.refused.append(words)
        return _bad(code, sub_code, words)

    def _order(self, order: Order) -> dict[str, Any]:
        status = order.status or OrderStatus.UNPAID
        refunds = self.book.refunds(order.order_no)
        lines = order.lines or ()
        return {
            "order_id": order.order_no,
            "shop_id": self.book.shop_id,
            "doudian_open_id": order.buyer_id or "",
            "open_id": "",
            "order_status": _STATUSES[status],
            "main_status": _STATUSES[status],
            "trade_type": 0,
            "pay_type": 2,
            "create_time": _seconds(order.created_at),
            "pay_time": _seconds(order.paid_at),
            "finish_time": _seconds(order.finished_at),
            "update_time": _seconds(order.modified_at),
            "order_amount": order.paid_fen,
            "pay_amount": order.paid_fen,
            "post_amount": order.shipping_fen or 0,
            "promotion_pay_amount": 0,
            "only_platform_cost_amount": order.subsidy_fen or 0,
            "tax_amount": 0,
            "sku_order_list": [self._sku(each, order, refunds) for each in lines],
            "encrypt_post_tel": "$abcd$efgh$1$",
            "mask_post_receiver": "张*",
        }

    def _sku(self, line: Line, order: Order, refunds: Sequence[Refund]) -> dict[str, Any]:
        mine = [each for each in refunds if each.line_id in (line.line_id, None)]
        status, money = _CASES[mine[-1].status] if mine else (0, 0)
        return {
            "order_id": line.line_id,
            "parent_order_id": order.order_no,
            "product_id": 0,
            "product_id_str": line.product_id,
            "item_num": line.quantity,
            "pay_amount": line.paid_fen,
            "promotion_pay_amount": 0,
            "order_status": _LINE_STATUSES[line.status or LineStatus.UNPAID],
            "trade_type": 0,
            "finish_time": _seconds(line.finished_at),
            "confirm_receipt_time": _seconds(line.finished_at),
            "given_product_type": "FREE" if line.is_free_gift else "MASTER",
            "after_sale_info": {"after_sale_status": status, "after_sale_type": 0, "refund_status": money},
        }

    def _case(self, refund: Refund) -> dict[str, Any]:
        status, money = _CASES[refund.status]
        named = [] if refund.line_id is None else [{"sku_order_id": refund.line_id}]
        return {
            "aftersale_info": {
                "aftersale_id": refund.refund_id,
                "aftersale_type": 0,
                "aftersale_status": status,
                "related_id": refund.line_id or refund.order_no,
                "update_time": _seconds(refund.modified_at),
                "refund_amount": refund.amount_fen,
                "refund_post_amount": refund.shipping_fen or 0,
                "return_promotion_amount": refund.subsidy_fen or 0,
                "refund_status": money,
            },
            "order_info": {"shop_order_id": refund.order_no, "related_order_info": named},
        }


def _detail(refund: Refund) -> dict[str, Any]:
    status, money = _CASES[refund.status]
    return {
        "after_sale_id": int(refund.refund_id),
        "after_sale_status": status,
        "after_sale_type": 0,
        "refund_total_amount": refund.amount_fen,
        "refund_post_amount": refund.shipping_fen or 0,
        "real_refund_amount": refund.amount_fen,
        "refund_status": money,
    }


def _page(facts: Sequence[Any], asked: Mapping[str, Any]) -> Sequence[Any]:
    begin = asked["page"] * asked["size"]
    return facts[begin : begin + asked["size"]]


def _good(data: Any) -> Reply:
    return Reply.of({"code": 10000, "msg": "success", "sub_code": "", "sub_msg": "", "data": data, "log_id": "1"})


def _bad(code: int, sub_code: str, words: str) -> Reply:
    return Reply.of({"code": code, "msg": words, "sub_code": sub_code, "sub_msg": words, "data": None, "log_id": "1"})


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _seconds(at: datetime | None) -> int:
    return 0 if at is None else int(at.timestamp())


class DouyinKit(AdapterKit):
    """What the adapter contract, the benchmark and the examples have to know of Douyin, as a tool with a consent."""

    platform = "douyin"
    pushes = True

    def number(self, place: int) -> str:
        """See `AdapterKit.number`."""
        return DouyinDouble.order_number(place)

    def make_double(self, book: Book, faults: Faults, clock: KitClock) -> Double:
        """See `AdapterKit.make_double`."""
        return DouyinDouble(book, faults=faults, clock=clock)

    def make_source(self, double: Double, *, tokens: TokenStore, clock: KitClock) -> DouyinSource:
        """See `AdapterKit.make_source`; the merchant has authorised already."""
        access, refresh = double.first_tokens()
        kept = Tokens(access=Secret(access), refresh=Secret(refresh))
        tokens.swap(self.platform, double.book.shop_id, 0, StoredTokens(version=1, tokens=kept))
        return DouyinSource(_settings(double), tokens=tokens, clock=clock, sleep=lambda _: None, options=QUICK)

    def make_async_source(self, double: Double, *, tokens: TokenStore, clock: KitClock) -> AsyncDouyinSource:
        """See `AdapterKit.make_async_source`."""
        return AsyncDouyinSource(_settings(double), tokens=tokens, clock=clock, options=QUICK)

    def expected(self, order: Order) -> Mapping[str, Any] | None:
        """See `AdapterKit.expected`; what was never paid counts nothing: the platform's figures are amounts due."""
        if order.status is OrderStatus.UNPAID:
            order = attrs.evolve(order, paid_fen=0, shipping_fen=0)
        return super().expected(order)

    def parse(self, body: bytes) -> Facts:
        """See `AdapterKit.parse`."""
        settings = DouyinSettings(app_key=_APP_KEY, app_secret=_APP_SECRET, shop_id=self.shop_id)
        found = Found()
        data = data_of(Answer(status=200, body=body))
        rows = each_row(data, "shop_order_list", lambda row: read_order(row, settings))
        found.take(rows)
        return found.facts(seen=len(rows))


def _settings(double: Double) -> DouyinSettings:
    if not isinstance(double, DouyinDouble):
        raise TypeError("the kit of Douyin goes with its double")
    return double.settings()
