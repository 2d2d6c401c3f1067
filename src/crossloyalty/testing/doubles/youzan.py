"""A double of a Youzan shop: tokens in the address, pages by number whose rows move, errors in HTTP 200, messages."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final
from urllib.parse import quote

from crossloyalty.adapters.wire.reading import BEIJING
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.tokens import TokenStore
from crossloyalty.adapters.wire.values import Answer
from crossloyalty.adapters.youzan.answers import data_of
from crossloyalty.adapters.youzan.client import AsyncYouzanSource, YouzanSource
from crossloyalty.adapters.youzan.orders import read_row
from crossloyalty.adapters.youzan.settings import YouzanSettings
from crossloyalty.adapters.youzan.signing import event_sign
from crossloyalty.application.sources import Doubtful, Facts, Incoming
from crossloyalty.domain.numbers import largest_remainder
from crossloyalty.domain.orders import Line, Order, OrderStatus, Refund, RefundKind, RefundStatus
from crossloyalty.testing.adapter_kit import QUICK, AdapterKit, KitClock
from crossloyalty.testing.doubles.book import Book
from crossloyalty.testing.doubles.faults import Faults
from crossloyalty.testing.doubles.server import Double, Reply, Request

__all__ = ["YouzanDouble", "YouzanKit"]

_CLIENT_ID: Final = "client000001"
_CLIENT_SECRET: Final = "client-secret-canary"
_STATUSES: Final = {
    OrderStatus.UNPAID: "WAIT_BUYER_PAY",
    OrderStatus.PAID: "WAIT_SELLER_SEND_GOODS",
    OrderStatus.SHIPPED: "WAIT_BUYER_CONFIRM_GOODS",
    OrderStatus.SIGNED: "WAIT_BUYER_CONFIRM_GOODS",
    OrderStatus.FINISHED: "TRADE_SUCCESS",
    OrderStatus.CLOSED: "TRADE_CLOSED",
}
# A payout that failed is a case that has to be agreed to again.
_REFUND_STATUSES: Final = {
    RefundStatus.OPEN: "WAIT_SELLER_AGREE",
    RefundStatus.CLOSED: "CLOSED",
    RefundStatus.SUCCESS: "SUCCESS",
    RefundStatus.PAYOUT_FAILED: "WAIT_SELLER_AGREE",
}
_MOST_PAGES: Final = 100
_MOST_A_PAGE: Final = 100
_DEEPEST_REFUNDS: Final = 3_000


class YouzanDouble(Double):
    """Answers the interfaces that `crossloyalty.adapters.youzan` asks; see `Double`."""

    platform: ClassVar[str] = "youzan"
    _message_no = 0

    def settings(self, **changes: Any) -> YouzanSettings:
        """Give the settings of the book's shop at this double."""
        given: dict[str, Any] = {
            "client_id": _CLIENT_ID,
            "client_secret": _CLIENT_SECRET,
            "kdt_id": self.book.shop_id,
            "gateway": self.url,
        }
        return YouzanSettings(**given | changes)

    def answer(self, request: Request) -> Reply:
        """See `Double.answer`."""
        if request.method != "POST" or not request.headers.get("content-type", "").startswith("application/json"):
            return self._gateway(4007, "method or content type")
        asked: Mapping[str, Any] = request.json()
        if request.path == "/auth/token":
            return self._tokens(asked)
        if not self.token_is_good(request.query.get("access_token")):
            return self.expired()
        match request.path:
            case "/api/youzan.trades.sold.get/4.0.4":
                return self._order_page(asked)
            case "/api/youzan.trade.refund.search/3.0.1":
                return self._refund_page(asked)
            case "/api/youzan.trade.get/4.0.2":
                order = self.book.order(asked["tid"])
                return _bad(5000, "trade not found") if order is None else _good(self._order(order))
            case "/api/youzan.trade.refund.get/3.0.1":
                refund = self.book.refund_of(asked["refund_id"])
                return _bad(103011024, "退款记录不存在") if refund is None else _good(_detail(refund))
            case _:
                return self._gateway(4005, "unknown method")

    def throttled(self, advised_s: float) -> Reply:
        """See `Double.throttled`; the platform advises no pause in its answer, so this is a time-out of its own."""
        return _bad(106100118, "请求超时")

    def expired(self) -> Reply:
        """See `Double.expired`."""
        return Reply.of({"gw_err_resp": {"err_code": 4202, "err_msg": "请求凭证过期", "trace_id": "yz7-f"}})

    def message(self, order_no: str, *, refund_id: str = "", message_id: str = "") -> Incoming:
        """See `Double.message`."""
        with self._lock:
            self._message_no += 1
            msg_id = message_id or f"m-{self._message_no}"
        version = int(self.clock().timestamp() * 1000)
        inner: dict[str, Any] = {"tid": order_no}
        base: dict[str, Any] = {
            "client_id": _CLIENT_ID,
            "kdt_id": int(self.book.shop_id),
            "kdt_name": "测试店铺",
            "id": order_no,
            "msg_id": msg_id,
            "version": version,
            "test": False,
        }
        if refund_id:
            msg = inner | {"refund_id": refund_id, "version": version}
            base |= {"type": "youzan_trade_RefundSuccess", "status": "SUCCESS", "msg": msg}
        else:
            base |= {"type": "trade_TradeSuccess", "status": "TRADE_SUCCESS", "msg": quote(json.dumps(inner))}
        body = json.dumps(base, ensure_ascii=False).encode()
        sign = event_sign(_CLIENT_ID, body, Secret(_CLIENT_SECRET))
        headers = {
            "content-type": "application/json",
            "event-sign": sign,
            "event-type": base["type"],
            "client-id": _CLIENT_ID,
        }
        return Incoming(headers=headers, body=body)

    # -- what it knows -----------------------------------------------------------------------------------------------

    def _tokens(self, asked: Mapping[str, Any]) -> Reply:
        if (asked.get("client_id"), asked.get("client_secret")) != (_CLIENT_ID, _CLIENT_SECRET):
            self.refused.append("client_id or client_secret is wrong")
            return _bad(1103, "Client 不存在")
        pair: tuple[str, str] | None = None
        more: dict[str, Any] = {}
        match asked.get("authorize_type"):
            case "silent" if asked.get("grant_id") == self.book.shop_id:
                # Without `refresh` the token in force comes again until it is over.
                pair = (self.access_token, "") if not self._over and not asked.get("refresh") else self.renewed(None)
            case "refresh_token":
                pair = self.renewed(asked.get("refresh_token"))
                more = {"refresh_token": self.refresh_token}
            case "authorization_code" if asked.get("code") == "code-1":
                pair = self.first_tokens()
                more = {"refresh_token": pair[1]}
        if pair is None:
            return _bad(1004, "授权失效")
        expires = int((self.clock() + timedelta(days=7)).timestamp() * 1000)
        token = {"access_token": pair[0], "expires": expires, "authority_id": self.book.shop_id, "scope": "trade"}
        return _good(token | more)

    def _order_page(self, asked: Mapping[str, Any]) -> Reply:
        since, until = _beijing(asked["start_update"]), _beijing(asked["end_update"])
        number, size = asked["page_no"], asked["page_size"]
        if not 1 <= number <= _MOST_PAGES or not 1 <= size <= _MOST_A_PAGE:
            return self._refuse(5000, "每页最多显示100条数据")
        if not timedelta() <= until - since <= timedelta(days=92):
            return self._refuse(5000, "开始时间不能大于结束时间")
        orders = self.book.orders_changed(since, until + timedelta(seconds=1))
        rows = [self._order(each) for each in _page(orders, number, size)]
        reply = _good({"total_results": len(orders), "full_order_info_list": rows})
        self.turned_page()
        return reply

    def _refund_page(self, asked: Mapping[str, Any]) -> Reply:
        since, until = (datetime.fromtimestamp(asked[f"update_time_{name}"], UTC) for name in ("start", "end"))
        number, size = asked["page_no"], asked["page_size"]
        if number * size > _DEEPEST_REFUNDS or number > _MOST_PAGES:
            return self._refuse(53002, "超过ES搜索最大深度")
        refunds = self.book.refunds_changed(since, until + timedelta(seconds=1))
        rows = [_row(each) for each in _page(refunds, number, size)]
        reply = _good({"total": len(refunds), "refunds": rows})
        self.turned_page()
        return reply

    def _order(self, order: Order) -> dict[str, Any]:
        lines, post, total = order.lines or (), order.shipping_fen or 0, order.paid_fen or 0
        was_paid = order.paid_at is not None
        cases = self.book.refunds(order.order_no)
        return {
            "full_order_info": {
                "order_info": {
                    "tid": order.order_no,
                    "status": _STATUSES[order.status or OrderStatus.UNPAID],
                    "type": 0,
                    "created": _text(order.created_at),
                    "update_time": _text(order.modified_at),
                    "pay_time": _text(order.paid_at),
                    "success_time": _text(order.finished_at),
                    "refund_state": 1 if any(case.status is RefundStatus.OPEN for case in cases) else 0,
                    "express_type": 0,
                },
                "buyer_info": {"yz_open_id": order.buyer_id, "buyer_phone": "138****0000"},
                "address_info": {"receiver_name": "canary", "receiver_tel": "canary"},
                "pay_info": {
                    "total_fee": _yuan(total - post + 500),
                    "post_fee": _yuan(post),
                    "payment": _yuan(total),
                    "real_payment": _yuan(total if was_paid else 0),
                    "deduction_pay": 0,
                    "deduction_real_pay": total,
                    "phase_payments": [],
                },
                "orders": [_line(line, fen) for line, fen in zip(lines, _with_postage(lines, post), strict=True)],
            },
            "order_promotion": {"item_discount_fee": "0.00", "order_discount_fee": "5.00", "adjust_fee": "0.00"},
            "refund_order": [
                {
                    "refund_id": case.refund_id,
                    "refund_state": 1,
                    "refund_fee": _yuan(case.amount_fen),
                    "oids": [line.line_id for line in lines] if case.line_id is None else [case.line_id],
                }
                for case in cases
            ],
        }

    def _refuse(self, code: int, words: str) -> Reply:
        self.refused.append(f"{code} {words}")
        return _bad(code, words)

    def _gateway(self, code: int, words: str) -> Reply:
        self.refused.append(f"{code} {words}")
        return Reply.of({"gw_err_resp": {"err_code": code, "err_msg": words, "trace_id": "yz7-g"}})


def _with_postage(lines: Sequence[Line], post: int) -> list[int]:
    """Share the postage out over the lines, so that taking it out again in proportion gives the lines."""
    goods = [line.paid_fen or 0 for line in lines]
    told = goods
    for _ in range(20):
        shares = largest_remainder(post, told) if sum(told) else [0] * len(told)
        again = [fen + share for fen, share in zip(goods, shares, strict=True)]
        if again == told:
            break
        told = again
    return told


def _line(line: Line, told_fen: int) -> dict[str, Any]:
    return {
        "oid": line.line_id,
        "item_id": line.product_id,
        "title": "示例商品",
        "num": line.quantity,
        "payment": _yuan(told_fen),
        "is_present": bool(line.is_free_gift),
    }


def _row(refund: Refund) -> dict[str, Any]:
    return {
        "refund_id": refund.refund_id,
        "tid": refund.order_no,
        "status": _REFUND_STATUSES[refund.status],
        "refund_fee": _yuan(refund.amount_fen),
        "created": _text(refund.modified_at),
        "modified": _text(refund.modified_at),
    }


def _detail(refund: Refund) -> dict[str, Any]:
    is_exchange = refund.kind is RefundKind.EXCHANGE
    return {
        "refund_id": refund.refund_id,
        "tid": refund.order_no,
        "oid": refund.line_id,
        "status": _REFUND_STATUSES[refund.status],
        "version": 0 if refund.modified_at is None else int(refund.modified_at.timestamp() * 1000),
        "refund_fee": _yuan(refund.amount_fen),
        "refund_type": "EXCHANGE_GOODS" if is_exchange else "BUYER_APPLY_REFUND",
        "demand": 3 if is_exchange else 1,
    }


def _page(facts: Sequence[Any], number: int, size: int) -> Sequence[Any]:
    return facts[(number - 1) * size : number * size]


def _good(data: Any) -> Reply:
    return Reply.of({"trace_id": "yz7-e", "code": 200, "success": True, "message": "successful", "data": data})


def _bad(code: int, words: str) -> Reply:
    return Reply.of({"trace_id": "yz7-e", "code": code, "success": False, "message": words, "data": None})


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"


def _text(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def _beijing(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING)


class YouzanKit(AdapterKit):
    """What the adapter contract, the benchmark and the examples have to know of the platform."""

    platform = "youzan"
    shop_id = "12345678"
    pushes = True
    _settings = YouzanSettings(client_id=_CLIENT_ID, client_secret=_CLIENT_SECRET, kdt_id="12345678")

    def number(self, place: int) -> str:
        """See `AdapterKit.number`."""
        return f"E2026{place:019}"

    def make_double(self, book: Book, faults: Faults, clock: KitClock) -> Double:
        """See `AdapterKit.make_double`."""
        return YouzanDouble(book, faults=faults, clock=clock)

    def make_source(self, double: Double, *, tokens: TokenStore, clock: KitClock) -> YouzanSource:
        """See `AdapterKit.make_source`."""
        assert isinstance(double, YouzanDouble)
        return YouzanSource(double.settings(), tokens=tokens, options=QUICK, clock=clock, sleep=lambda _: None)

    def make_async_source(self, double: Double, *, tokens: TokenStore, clock: KitClock) -> AsyncYouzanSource:
        """See `AdapterKit.make_async_source`."""
        assert isinstance(double, YouzanDouble)

        async def pause(_: float) -> None:
            return None

        return AsyncYouzanSource(double.settings(), tokens=tokens, options=QUICK, clock=clock, sleep=pause)

    def expected(self, order: Order) -> Mapping[str, Any] | None:
        """See `AdapterKit.expected`; what was never paid counts nothing here."""
        told = super().expected(order)
        return told if told is None or order.paid_at is not None else {**told, "paid_fen": 0, "shipping_fen": 0}

    def parse(self, body: bytes) -> Facts:
        """Read an answer; see `AdapterKit.parse`. A page of the order list."""
        rows = data_of(Answer(status=200, body=body)).value["full_order_info_list"]
        read = [read_row(row, self._settings) for row in rows]
        return Facts(
            items=tuple(each for each in read if not isinstance(each, Doubtful)),
            doubtful=tuple(each for each in read if isinstance(each, Doubtful)),
            seen=len(rows),
        )
