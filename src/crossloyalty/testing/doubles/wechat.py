"""A double of a Weixin shop: tokens in the address, lists of numbers by cursor, details, encrypted messages."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final

from crossloyalty.adapters.wechat.client import AsyncWechatSource, WechatSource
from crossloyalty.adapters.wechat.crypto import encrypt
from crossloyalty.adapters.wechat.orders import read_order
from crossloyalty.adapters.wechat.settings import WechatSettings
from crossloyalty.adapters.wechat.signing import push_signature
from crossloyalty.adapters.wire.reading import Node
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.strict_json import load_json
from crossloyalty.adapters.wire.tokens import TokenStore
from crossloyalty.application.sources import Doubtful, Facts, Incoming
from crossloyalty.domain.orders import Line, Order, OrderStatus, Refund, RefundKind, RefundStatus
from crossloyalty.testing.adapter_kit import QUICK, AdapterKit, KitClock
from crossloyalty.testing.doubles.book import Book
from crossloyalty.testing.doubles.faults import Faults
from crossloyalty.testing.doubles.server import Double, Reply, Request

__all__ = ["WechatDouble", "WechatKit"]

_APP_SECRET: Final = "app-secret-canary"
_PUSH_TOKEN: Final = "push-token-canary"
_AES_KEY: Final = "canary" + "A" * 37
_STATUSES: Final = {
    OrderStatus.UNPAID: 10,
    OrderStatus.PAID: 20,
    OrderStatus.SHIPPED: 30,
    OrderStatus.SIGNED: 30,
    OrderStatus.FINISHED: 100,
    OrderStatus.CLOSED: 200,
}
_REFUND_STATUSES: Final = {
    RefundStatus.OPEN: "MERCHANT_PROCESSING",
    RefundStatus.CLOSED: "USER_CANCELD",
    RefundStatus.SUCCESS: "MERCHANT_REFUND_SUCCESS",
    RefundStatus.PAYOUT_FAILED: "MERCHANT_REFUND_RETRY_FAIL",
}
_TYPES: Final = {RefundKind.RETURN: "RETURN", RefundKind.EXCHANGE: "EXCHANGE"}
_MOST_A_PAGE: Final = 50


class WechatDouble(Double):
    """
    Answers the interfaces that `crossloyalty.adapters.wechat` asks; see `Double`.

    A line of the book is told as product and SKU: its SKU is the line's number, which comes back as `product:SKU`.
    """

    platform: ClassVar[str] = "wechat"
    _message_no = 0

    def settings(self, **changes: Any) -> WechatSettings:
        """Give the settings of the book's shop at this double."""
        given: dict[str, Any] = {
            "appid": self.book.shop_id,
            "app_secret": _APP_SECRET,
            "push_token": _PUSH_TOKEN,
            "push_aes_key": _AES_KEY,
            "gateway": self.url,
        }
        return WechatSettings(**given | changes)

    def answer(self, request: Request) -> Reply:
        """See `Double.answer`."""
        if request.method != "POST" or not request.headers.get("content-type", "").startswith("application/json"):
            return self._no(43002, "require POST method")
        asked: Mapping[str, Any] = request.json()
        if request.path == "/cgi-bin/stable_token":
            return self._tokens(asked)
        if not self.token_is_good(request.query.get("access_token")):
            return self.expired()
        match request.path:
            case "/channels/ec/order/list/get":
                return self._order_page(asked)
            case "/channels/ec/aftersale/getaftersalelist":
                return self._refund_page(asked)
            case "/channels/ec/order/get":
                order = self.book.order(asked["order_id"])
                return _gone() if order is None else _good(order=self._order(order))
            case "/channels/ec/aftersale/getaftersaleorder":
                refund = self.book.refund_of(asked["after_sale_order_id"])
                return _gone() if refund is None else _good(after_sale_order=self._refund(refund))
            case _:
                return self._no(40066, "invalid url")

    def throttled(self, advised_s: float) -> Reply:
        """See `Double.throttled`; "too fast" wants a minute here, which is long in a test, so this is "system busy"."""
        return Reply.of({"errcode": -1, "errmsg": "system error rid: 66a1-b2c3"})

    def expired(self) -> Reply:
        """See `Double.expired`."""
        return Reply.of({"errcode": 42001, "errmsg": "access_token expired rid: 66a1-b2c3"})

    def message(self, order_no: str, *, refund_id: str = "", message_id: str = "") -> Incoming:
        """See `Double.message`; there is no id on the wire, so one that is given becomes the time of the event."""
        with self._lock:
            self._message_no += 1
            created_s = int(self.clock().timestamp()) + (int(message_id) if message_id else self._message_no)
        event: dict[str, Any] = {
            "ToUserName": "gh_0123456789ab",
            "FromUserName": "oDEMO",
            "CreateTime": created_s,
            "MsgType": "event",
        }
        if refund_id:
            body = {"status": "MERCHANT_PROCESSING", "after_sale_order_id": refund_id, "order_id": order_no}
            event |= {"Event": "channels_ec_aftersale_update", "finder_shop_aftersale_status_update": body}
        else:
            event |= {"Event": "channels_ec_order_confirm"}
            event |= {"order_info": {"order_id": int(order_no), "confirm_type": 1}}
        random = f"{self._message_no:016}".encode()
        encrypted = encrypt(Secret(_AES_KEY), json.dumps(event).encode(), self.book.shop_id, random)
        timestamp, nonce = str(int(self.clock().timestamp())), str(self._message_no)
        token = Secret(_PUSH_TOKEN)
        query = {
            "timestamp": timestamp,
            "nonce": nonce,
            "encrypt_type": "aes",
            "signature": push_signature(token, timestamp, nonce),
            "msg_signature": push_signature(token, timestamp, nonce, encrypted),
        }
        body_text = json.dumps({"ToUserName": "gh_0123456789ab", "Encrypt": encrypted})
        return Incoming(headers={"content-type": "application/json"}, query=query, body=body_text.encode())

    # -- what it knows -----------------------------------------------------------------------------------------------

    def _tokens(self, asked: Mapping[str, Any]) -> Reply:
        if (asked.get("appid"), asked.get("secret")) != (self.book.shop_id, _APP_SECRET):
            return self._no(40125, "invalid appsecret")
        if asked.get("grant_type") != "client_credential" or asked.get("force_refresh") is not False:
            return self._no(40002, "invalid grant_type")
        # In the normal mode the token in force comes again until it is over.
        access = self.access_token if not self._over else (self.renewed(None) or ("", ""))[0]
        return Reply.of({"access_token": access, "expires_in": 7200})

    def _order_page(self, asked: Mapping[str, Any]) -> Reply:
        window = asked.get("update_time_range") or {}
        since, until = _moment(window.get("start_time")), _moment(window.get("end_time"))
        if not timedelta() <= until - since <= timedelta(days=7):
            return self._no(40097, "time range")
        size = asked.get("page_size", 0)
        if not 1 <= size <= _MOST_A_PAGE:
            return self._no(40097, "page_size")
        same = json.dumps([window, size])
        return self._list(
            "order_id_list", self.book.orders_changed(since, until + timedelta(seconds=1)), size, same, asked
        )

    def _refund_page(self, asked: Mapping[str, Any]) -> Reply:
        since, until = _moment(asked.get("begin_update_time")), _moment(asked.get("end_update_time"))
        if not timedelta() <= until - since <= timedelta(days=1):
            return self._no(10020004, "time range")
        same = json.dumps([asked["begin_update_time"], asked["end_update_time"]])
        changed = self.book.refunds_changed(since, until + timedelta(seconds=1))
        return self._list("after_sale_order_id_list", changed, _MOST_A_PAGE, same, asked)

    def _list(
        self, name: str, facts: Sequence[Order | Refund], size: int, same: str, asked: Mapping[str, Any]
    ) -> Reply:
        """Give the numbers behind a cursor, which names the last one given and what the first page was asked with."""
        after: tuple[int, str] = (0, "")
        if asked.get("next_key"):
            at, number, was = json.loads(base64.b64decode(asked["next_key"]))
            if was != same:
                return self._no(606006, "parameters differ from those of next_key")
            after = (at, number)
        behind = [each for each in facts if _place(each) > after]
        rows = behind[:size]
        key = ""
        if len(behind) > size:
            key = base64.b64encode(json.dumps([*_place(rows[-1]), same]).encode()).decode()
        reply = _good(**{name: [_place(each)[1] for each in rows]}, next_key=key, has_more=bool(key))
        self.turned_page()
        return reply

    def _order(self, order: Order) -> dict[str, Any]:
        lines, freight = order.lines or (), order.shipping_fen or 0
        goods = sum(line.paid_fen or 0 for line in lines)
        cases = self.book.refunds(order.order_no)
        is_open = sum(case.status is RefundStatus.OPEN for case in cases)
        return {
            "order_id": order.order_no,
            "openid": f"o-{order.buyer_id}",
            "unionid": order.buyer_id,
            "create_time": _seconds(order.created_at),
            "update_time": _seconds(order.modified_at),
            "status": _STATUSES[order.status or OrderStatus.UNPAID],
            "is_present": False,
            "order_detail": {
                "product_infos": [_product(line) for line in lines],
                "pay_info": {"pay_time": _seconds(order.paid_at), "payment_method": 1},
                "price_info": {
                    "product_price": goods + 500,
                    "freight": freight,
                    "original_order_price": goods + 500 + freight,
                    "discounted_price": 500,
                    "merchant_discounted_price": 500,
                    "order_price": order.paid_fen,
                },
                "delivery_info": {"address_info": {"user_name": "张*", "tel_number": "138****0000"}},
                "ext_info": {"confirm_receipt_time": _seconds(order.finished_at), "customer_notes": "canary"},
            },
            "aftersale_detail": {
                "on_aftersale_order_cnt": is_open,
                "aftersale_order_list": [{"aftersale_order_id": case.refund_id, "status": 0} for case in cases],
            },
        }

    def _refund(self, refund: Refund) -> dict[str, Any]:
        order = self.book.order(refund.order_no)
        lines = {} if order is None else {line.line_id: line for line in order.lines or ()}
        line = lines.get(refund.line_id or "")
        product = {} if line is None else {"product_id": line.product_id, "sku_id": line.line_id, "count": 1}
        return {
            "after_sale_order_id": refund.refund_id,
            "order_id": refund.order_no,
            "status": _REFUND_STATUSES[refund.status],
            "type": "REFUND" if refund.kind is None else _TYPES.get(refund.kind, "REFUND"),
            "product_info": product,
            "refund_info": {"amount": refund.amount_fen, "refund_reason": 1},
            "create_time": _seconds(refund.modified_at),
            "update_time": _seconds(refund.modified_at),
        }

    def _no(self, code: int, words: str) -> Reply:
        self.refused.append(f"{code} {words}")
        return Reply.of({"errcode": code, "errmsg": words})


def _product(line: Line) -> dict[str, Any]:
    return {
        "product_id": line.product_id,
        "sku_id": line.line_id,
        "title": "示例商品",
        "sku_cnt": line.quantity,
        "sale_price": line.paid_fen,
        "real_price": line.paid_fen,
        "is_free_gift": int(bool(line.is_free_gift)),
    }


def _good(**payload: Any) -> Reply:
    return Reply.of({"errcode": 0, "errmsg": "ok", **payload})


def _gone() -> Reply:
    return Reply.of({"errcode": 100002, "errmsg": "order not exist"})


def _place(fact: Order | Refund) -> tuple[int, str]:
    return _seconds(fact.modified_at), fact.order_no if isinstance(fact, Order) else fact.refund_id


def _moment(seconds: Any) -> datetime:
    return datetime.fromtimestamp(int(seconds or 0), UTC)


def _seconds(at: datetime | None) -> int:
    return 0 if at is None else int(at.timestamp())


class WechatKit(AdapterKit):
    """What the adapter contract, the benchmark and the examples have to know of the platform."""

    platform = "wechat"
    shop_id = "wx0123456789abcdef"
    pushes = True
    signs = "part"
    # Each order takes a call of its own.
    orders = 500
    _settings = WechatSettings(appid="wx0123456789abcdef", app_secret=_APP_SECRET)

    def number(self, place: int) -> str:
        """See `AdapterKit.number`."""
        return f"{3_700_000_000_000_000_000 + place}"

    def make_double(self, book: Book, faults: Faults, clock: KitClock) -> Double:
        """See `AdapterKit.make_double`."""
        return WechatDouble(book, faults=faults, clock=clock)

    def make_source(self, double: Double, *, tokens: TokenStore, clock: KitClock) -> WechatSource:
        """See `AdapterKit.make_source`."""
        assert isinstance(double, WechatDouble)
        return WechatSource(double.settings(), tokens=tokens, options=QUICK, clock=clock, sleep=lambda _: None)

    def make_async_source(self, double: Double, *, tokens: TokenStore, clock: KitClock) -> AsyncWechatSource:
        """See `AdapterKit.make_async_source`."""
        assert isinstance(double, WechatDouble)

        async def pause(_: float) -> None:
            return None

        return AsyncWechatSource(double.settings(), tokens=tokens, options=QUICK, clock=clock, sleep=pause)

    def expected(self, order: Order) -> Mapping[str, Any] | None:
        """See `AdapterKit.expected`; what was never paid counts nothing here."""
        told = super().expected(order)
        return told if told is None or order.paid_at is not None else {**told, "paid_fen": 0, "shipping_fen": 0}

    def parse(self, body: bytes) -> Facts:
        """Read an answer; see `AdapterKit.parse`. An order detail is what holds an order."""
        raw = Node(load_json(body, "wechat"), "answer").need_node("order")
        read = read_order(raw, self._settings)
        return Facts(doubtful=(read,), seen=1) if isinstance(read, Doubtful) else Facts(items=(read,), seen=1)
