"""A double of Pinduoduo: checks our signature, pages by number, knows no finished status, frames its messages."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, ClassVar, Final

import attrs

from crossloyalty.adapters.pinduoduo.answers import result_of
from crossloyalty.adapters.pinduoduo.client import AsyncPinduoduoSource, PinduoduoSource
from crossloyalty.adapters.pinduoduo.orders import read_order
from crossloyalty.adapters.pinduoduo.settings import PinduoduoSettings
from crossloyalty.adapters.pinduoduo.signing import sign
from crossloyalty.adapters.wire.doubts import each_row
from crossloyalty.adapters.wire.found import Found
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.signing import same
from crossloyalty.adapters.wire.tokens import TokenStore
from crossloyalty.adapters.wire.values import Answer, Facts
from crossloyalty.application.sources import Incoming
from crossloyalty.domain.orders import Line, Order, OrderStatus, Refund, RefundStatus
from crossloyalty.testing import QUICK, AdapterKit
from crossloyalty.testing.adapter_kit import START, KitClock
from crossloyalty.testing.doubles.authorised import authorised
from crossloyalty.testing.doubles.book import Book
from crossloyalty.testing.doubles.faults import Faults
from crossloyalty.testing.doubles.server import Double, Reply, Request

__all__ = ["PinduoduoDouble", "PinduoduoKit"]

_CLIENT_ID: Final = "client-0001"
_CLIENT_SECRET: Final = "client-secret-canary"
_FINISH_DAYS: Final = 7
_BEIJING: Final = timezone(timedelta(hours=8))
_CLOCK_TOLERANCE: Final = timedelta(minutes=10)
_LONGEST_WINDOW: Final = timedelta(minutes=30)
_ORDER_STATUSES: Final = {
    OrderStatus.UNPAID: 1,
    OrderStatus.PAID: 1,
    OrderStatus.SHIPPED: 2,
    OrderStatus.SIGNED: 3,
    OrderStatus.FINISHED: 3,
    OrderStatus.CLOSED: 1,
}
# A payout that failed has no status of its own here: the case is over and no money went back.
_CASE_STATUSES: Final = {
    RefundStatus.OPEN: 2,
    RefundStatus.CLOSED: 11,
    RefundStatus.SUCCESS: 10,
    RefundStatus.PAYOUT_FAILED: 12,
}


class PinduoduoDouble(Double):
    """
    Answers the calls that `crossloyalty.adapters.pinduoduo` makes; see `Double`.

    A finished order of the book is told as a signed one whose receipt lies seven days before its finishing, which is
    how long the settings hold orders. With `lists_all_refunds` False the list of refunds refuses the status 1, which
    the platform's newest table no longer has.
    """

    platform: ClassVar[str] = "pinduoduo"
    lists_all_refunds = True
    _message_no = 0

    @staticmethod
    def order_number(place: int) -> str:
        """Give the n-th order's number in the platform's form, for `Book(number=…)`."""
        return f"240701-{place:015d}"

    def settings(self, **changes: Any) -> PinduoduoSettings:
        """Give the settings of the book's shop at this double."""
        given: dict[str, Any] = {
            "client_id": _CLIENT_ID,
            "client_secret": _CLIENT_SECRET,
            "shop_id": self.book.shop_id,
            "gateway": f"{self.url}/api/router",
            "finish_days": _FINISH_DAYS,
        }
        return PinduoduoSettings(**given | changes)

    def answer(self, request: Request) -> Reply:
        """See `Double.answer`."""
        sent = dict(request.form)
        complaint = self._complaint(request, sent)
        if complaint is not None:
            return self._no(20004, complaint)
        kind = sent["type"]
        if kind.startswith("pdd.pop.auth.token."):
            return self._tokens(kind, sent)
        if not self.token_is_good(sent.get("access_token")):
            return self.expired()
        if kind == "pdd.order.number.list.increment.get":
            return self._order_page(sent)
        if kind == "pdd.refund.list.increment.get":
            return self._case_page(sent)
        if kind == "pdd.order.information.get":
            order = self.book.order(sent["order_sn"])
            if order is None:
                return self._no(50001, "越权查询，查询订单不属于此店铺", sub_code="600005")
            return Reply.of({"order_info_get_response": {"order_info": self._order(order)}})
        if kind == "pdd.pmc.user.permit":
            return Reply.of({"pmc_user_permit_response": {"is_success": True}})
        return self._no(10017, "type is wrong")

    def throttled(self, advised_s: float) -> Reply:
        """See `Double.throttled`; the platform advises no pause."""
        return self._error(70031, "调用过于频繁，请调整调用频率")

    def expired(self) -> Reply:
        """See `Double.expired`."""
        return self._error(10019, "access_token已过期")

    def message(self, order_no: str, *, refund_id: str = "", message_id: str = "") -> Incoming:
        """See `Double.message`; what arrives is a frame of the message channel, which carries no signature."""
        with self._lock:
            self._message_no += 1
            number = message_id or str(7_000_000 + self._message_no)
        content: dict[str, Any] = {"mall_id": self.book.shop_id, "tid": order_no}
        topic = "pdd_trade_TradeSuccess"
        if refund_id:
            topic, content = "pdd_refund_RefundCreated", content | {"refund_id": refund_id}
        at = int(self.clock().timestamp() * 1000)
        frame = {
            "id": number,
            "commandType": "Common",
            "time": at,
            "sendTime": at,
            "message": {"type": topic, "mallID": self.book.shop_id, "content": json.dumps(content)},
        }
        return Incoming(body=json.dumps(frame).encode())

    # -- what it knows -----------------------------------------------------------------------------------------------

    def _complaint(self, request: Request, sent: Mapping[str, str]) -> str | None:
        """Say what is wrong with a call as it was signed and sent."""
        if (request.method, request.path) != ("POST", "/api/router"):
            return "not the gateway"
        if sent.get("client_id") != _CLIENT_ID or sent.get("data_type") != "JSON":
            return "client_id or data_type is wrong"
        if not same(sent.get("sign"), sign(sent, Secret(_CLIENT_SECRET))):
            return "sign is wrong"
        at = datetime.fromtimestamp(int(sent["timestamp"]), UTC)
        return None if abs(at - self.clock()) <= _CLOCK_TOLERANCE else "timestamp is far from now"

    def _tokens(self, kind: str, sent: Mapping[str, str]) -> Reply:
        if kind.endswith("create"):
            pair: tuple[str, str] | None = self.first_tokens() if sent.get("code") == "code-1" else None
        else:
            pair = self.renewed(sent.get("refresh_token", ""))
        if pair is None:
            return self._no(20032, "access_token错误")
        ends = int(self.clock().timestamp()) + 86_400
        told = {
            "access_token": pair[0],
            "refresh_token": pair[1],
            "expires_in": 86_400,
            "expires_at": ends,
            "refresh_token_expires_in": 86_400,
            "refresh_token_expires_at": ends,
            "owner_id": self.book.shop_id,
            "owner_name": "示例旗舰店",
            "scope": ["pdd.order.number.list.increment.get"],
        }
        return Reply.of({f"pop_auth_token_{'create' if kind.endswith('create') else 'refresh'}_response": told})

    def _order_page(self, sent: Mapping[str, str]) -> Reply:
        window = self._window(sent)
        if window is None:
            return self._no(10001, "window is longer than 30 minutes or ends now")
        wanted = sent["order_status"]
        orders = [
            each
            for each in self.book.orders_changed(*window)
            if wanted == "5" or (wanted, each.status in _SIGNED) == ("3", True)
        ]
        told = [self._order(each) for each in _page(orders, sent)]
        self._answered(whole=len(told) == len(orders))
        inner = {"total_count": len(orders), "has_next": False, "order_sn_list": told}
        return Reply.of({"order_sn_increment_get_response": inner})

    def _case_page(self, sent: Mapping[str, str]) -> Reply:
        status = sent["after_sales_status"]
        if status not in (("1", "10") if self.lists_all_refunds else ("10",)) or sent["after_sales_type"] != "1":
            return self._no(10001, "filters are wrong")
        if "order_sn" in sent:
            cases = self.book.refunds(sent["order_sn"])
        else:
            window = self._window(sent)
            if window is None:
                return self._no(10001, "window is longer than 30 minutes or ends now")
            cases = self.book.refunds_changed(*window)
            cases = [each for each in cases if status in ("1", str(_CASE_STATUSES[each.status]))]
        told = [self._case(each) for each in _page(cases, sent)]
        if "order_sn" not in sent:
            self._answered(whole=len(told) == len(cases))
        return Reply.of({"refund_increment_get_response": {"total_count": len(cases), "refund_list": told}})

    def _answered(self, *, whole: bool) -> None:
        """Count a page; between two of one window orders may change, not for each of the many that hold one page."""
        if not whole:
            self.turned_page()
            return
        with self._lock:
            self.pages += 1

    def _window(self, sent: Mapping[str, str]) -> tuple[datetime, datetime] | None:
        since, until = (datetime.fromtimestamp(int(sent[f"{end}_updated_at"]), UTC) for end in ("start", "end"))
        fits = since <= until <= self.clock() and until - since <= _LONGEST_WINDOW
        return (since, until) if fits and 1 <= int(sent["page_size"]) <= 100 else None

    def _no(self, code: int, words: str, *, sub_code: str | None = None) -> Reply:
        self.refused.append(words)
        return self._error(code, words, sub_code=sub_code)

    def _error(self, code: int, words: str, *, sub_code: str | None = None) -> Reply:
        told = {
            "error_code": code,
            "error_msg": words,
            "sub_code": sub_code,
            "sub_msg": words,
            "request_id": "17198004",
        }
        return Reply.of({"error_response": told})

    def _order(self, order: Order) -> dict[str, Any]:
        status = order.status or OrderStatus.UNPAID
        paid, postage, subsidy = order.paid_fen or 0, order.shipping_fen or 0, order.subsidy_fen or 0
        refunds = self.book.refunds(order.order_no)
        latest = refunds[-1] if refunds else None
        received_at = None if order.finished_at is None else order.finished_at - timedelta(days=_FINISH_DAYS)
        return {
            "order_sn": order.order_no,
            "order_status": _ORDER_STATUSES[status],
            "confirm_status": {OrderStatus.UNPAID: 0, OrderStatus.CLOSED: 2}.get(status, 1),
            "refund_status": _refund_status(refunds),
            "after_sales_status": 0 if latest is None else _CASE_STATUSES[latest.status],
            "group_status": 1,
            "risk_control_status": 0,
            "trade_type": 0,
            "is_lucky_flag": 1,
            "goods_amount": _yuan(paid - postage + subsidy),
            "discount_amount": _yuan(subsidy),
            "platform_discount": _yuan(subsidy),
            "seller_discount": 0.0,
            "capital_free_discount": 0.0,
            "postage": _yuan(postage),
            "pay_amount": _yuan(paid),
            "duo_duo_pay_reduction": 0.0,
            "created_time": _beijing(order.created_at),
            "pay_time": _beijing(order.paid_at),
            "confirm_time": _beijing(order.paid_at),
            "receive_time": _beijing(received_at) if _ORDER_STATUSES[status] == 3 else "",
            "updated_at": _beijing(order.modified_at),
            "item_list": [_item(each) for each in order.lines or ()],
            "receiver_name": "",
            "receiver_name_mask": "张*",
            "receiver_phone_mask": "1*********8",
            "step_order_info": None,
        }

    def _case(self, refund: Refund) -> dict[str, Any]:
        at = "" if refund.modified_at is None else str(int(refund.modified_at.timestamp()))
        return {
            "id": int(refund.refund_id),
            "order_sn": refund.order_no,
            "after_sales_status": _CASE_STATUSES[refund.status],
            "after_sales_type": 2,
            "refund_amount": f"{refund.amount_fen // 100}.{refund.amount_fen % 100:02d}",
            "sku_id": refund.line_id,
            "created_time": at,
            "updated_time": at,
            "speed_refund_flag": 0,
        }


_SIGNED: Final = (OrderStatus.SIGNED, OrderStatus.FINISHED)


def _refund_status(refunds: Sequence[Refund]) -> int:
    statuses = {each.status for each in refunds}
    if RefundStatus.OPEN in statuses:
        return 2
    return 4 if RefundStatus.SUCCESS in statuses else 1


def _item(line: Line) -> dict[str, Any]:
    # One piece at what was paid for it: the platform states no amount per item, and shares follow the prices.
    return {
        "goods_id": line.product_id,
        "sku_id": line.line_id,
        "goods_count": 1,
        "goods_price": _yuan(line.paid_fen or 0),
        "goods_name": "示例商品",
    }


def _page(facts: Sequence[Any], sent: Mapping[str, str]) -> Sequence[Any]:
    number, size = int(sent["page"]), int(sent["page_size"])
    return facts[(number - 1) * size : number * size]


def _yuan(fen: int) -> float:
    return fen / 100  # as the platform does; the nearest double prints as the two decimals it was made of


def _beijing(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(_BEIJING).strftime("%Y-%m-%d %H:%M:%S")


class PinduoduoKit(AdapterKit):
    """
    What the adapter contract, the benchmark and the examples have to know of Pinduoduo.

    It takes no messages here: frames bear no signature, so what the contract asks of forged ones cannot be kept.
    """

    platform = "pinduoduo"
    # Windows hold 30 minutes at most: more days would only be more empty ones.
    days = 0.1
    finish_days = _FINISH_DAYS

    def number(self, place: int) -> str:
        """See `AdapterKit.number`."""
        return PinduoduoDouble.order_number(place)

    def make_double(self, book: Book, faults: Faults, clock: KitClock) -> Double:
        """See `AdapterKit.make_double`."""
        return PinduoduoDouble(book, faults=faults, clock=clock)

    def make_source(self, double: Double, *, tokens: TokenStore, clock: KitClock) -> PinduoduoSource:
        """See `AdapterKit.make_source`; the merchant has authorised already."""
        authorised(double, tokens)
        return PinduoduoSource(self._settings(double), tokens=tokens, clock=clock, sleep=lambda _: None, options=QUICK)

    def make_async_source(self, double: Double, *, tokens: TokenStore, clock: KitClock) -> AsyncPinduoduoSource:
        """See `AdapterKit.make_async_source`."""
        return AsyncPinduoduoSource(self._settings(double), tokens=tokens, clock=clock, options=QUICK)

    def expected(self, order: Order) -> Mapping[str, Any] | None:
        """See `AdapterKit.expected`; what was never paid counts nothing: the platform's figures are amounts due."""
        if order.status is OrderStatus.UNPAID:
            order = attrs.evolve(order, paid_fen=0, shipping_fen=0)
        return super().expected(order)

    def parse(self, body: bytes) -> Facts:
        """See `AdapterKit.parse`."""
        settings = PinduoduoSettings(
            client_id=_CLIENT_ID, client_secret=_CLIENT_SECRET, shop_id=self.shop_id, finish_days=self.finish_days
        )
        found = Found()
        result = result_of(Answer(status=200, body=body))
        rows = each_row(result, "order_sn_list", lambda row: read_order(row, settings, now=START))
        found.take(rows)
        return found.facts(seen=len(rows))

    def _settings(self, double: Double) -> PinduoduoSettings:
        if not isinstance(double, PinduoduoDouble):
            raise TypeError("the kit of Pinduoduo goes with its double")
        return double.settings(message_channel=True, finish_days=self.finish_days)
