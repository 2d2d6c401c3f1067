"""Trades and refunds of the open platform as its pages describe them, with every value invented."""

from __future__ import annotations

import json
from typing import Any

from crossloyalty.adapters.taobao import TaobaoSettings
from crossloyalty.adapters.taobao.orders import read_order
from crossloyalty.adapters.wire.reading import Node
from crossloyalty.adapters.wire.strict_json import load_json
from crossloyalty.adapters.wire.values import Answer, Call, Doubtful
from crossloyalty.domain.orders import Order

TID = "2600000000000000001"
PHONE = "13812345678"


def settings(**changes: Any) -> TaobaoSettings:
    """Give the settings of a shop."""
    return TaobaoSettings(**{"app_key": "12345678", "app_secret": "demo-secret", "shop_id": "shop-1", **changes})


def sub_order(n: int, **fields: Any) -> dict[str, Any]:
    """Give a finished sub-order of ¥90 after ¥10 of the order's discount."""
    return {
        "oid": 2600000000000000001 + n,
        "oid_str": str(2600000000000000001 + n),
        "num_iid": 610000000000 + n,
        "title": "示例商品",
        "num": 1,
        "price": "100.00",
        "payment": "100.00",
        "divide_order_fee": "90.00",
        "part_mjz_discount": "10.00",
        "status": "TRADE_FINISHED",
        "refund_status": "NO_REFUND",
        "seller_type": "B",
        "end_time": "2026-03-01 09:12:40",
        **fields,
    }


def trade(*orders: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Give a finished order of ¥188: two sub-orders of ¥90 and ¥8 postage, with a receiver nobody may see."""
    return {
        "tid": int(TID),
        "tid_str": TID,
        "type": "fixed",
        "status": "TRADE_FINISHED",
        "buyer_nick": "t**1",
        "buyer_open_uid": "AAEXAMPLEopenuid0001",
        "created": "2026-02-20 10:00:01",
        "pay_time": "2026-02-20 10:02:11",
        "end_time": "2026-03-01 09:12:40",
        "modified": "2026-03-01 09:12:41",
        "total_fee": "200.00",
        "post_fee": "8.00",
        "payment": "188.00",
        "receiver_name": "张三",
        "receiver_mobile": PHONE,
        "oaid": "1abcOAIDabc",
        "orders": {"order": list(orders) or [sub_order(1), sub_order(2)]},
        **fields,
    }


def single(**fields: Any) -> dict[str, Any]:
    """Give a finished order of ¥110 with one sub-order and ¥10 postage."""
    order = sub_order(0, oid=int(TID), oid_str=TID, payment="110.00", part_mjz_discount="0.00")
    del order["divide_order_fee"]
    return trade(order, **{"payment": "110.00", "post_fee": "10.00", **fields})


def refund(**fields: Any) -> dict[str, Any]:
    """Give a successful return of ¥90 after completion."""
    return {
        "refund_id": "190000000000000001",
        "tid": int(TID),
        "oid": 2600000000000000003,
        "status": "SUCCESS",
        "refund_phase": "aftersale",
        "dispute_type": "REFUND_AND_RETURN",
        "has_good_return": True,
        "total_fee": "90.00",
        "refund_fee": "90.00",
        "payment": "0.00",
        "created": "2026-03-03 11:00:00",
        "modified": "2026-03-05 16:20:30",
        "buyer_nick": "t**1",
        **fields,
    }


def parsed(value: Any, name: str) -> Node:
    """Give a value as it is read from the wire."""
    return Node(load_json(json.dumps(value).encode(), "taobao"), name)


def as_read(value: dict[str, Any], **changes: Any) -> Order | Doubtful:
    """Read an order."""
    return read_order(parsed(value, "order"), settings(**changes))


def order_of(value: dict[str, Any], **changes: Any) -> Order:
    """Read an order that has to be believed."""
    read = as_read(value, **changes)
    assert isinstance(read, Order), read
    return read


def doubt_of(value: dict[str, Any], **changes: Any) -> Doubtful:
    """Read an order that must not be believed."""
    read = as_read(value, **changes)
    assert isinstance(read, Doubtful), read
    return read


def answer_of(value: Any, status: int = 200) -> Answer:
    """Give an answer with this JSON."""
    return Answer(status=status, body=json.dumps(value, ensure_ascii=False).encode())


def call(name: str = "taobao.trade.fullinfo.get") -> Call:
    """Give a call of a name."""
    return Call(name=name, method="POST", url="https://gw.api.taobao.com/router/rest")
