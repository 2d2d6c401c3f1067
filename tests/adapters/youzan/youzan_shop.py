"""One Youzan shop for the tests of this folder: its settings, its answers, its messages."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from crossloyalty.adapters.wire.reading import Node
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.strict_json import load_json
from crossloyalty.adapters.wire.values import Answer, Doubtful, Facts, Incoming
from crossloyalty.adapters.youzan.orders import read_order
from crossloyalty.adapters.youzan.refunds import read_refund
from crossloyalty.adapters.youzan.settings import YouzanSettings
from crossloyalty.adapters.youzan.signing import event_sign
from crossloyalty.domain.orders import Order

HERE = Path(__file__).parent
TID = "E20260220100001000000001"
CASE = "202603040900000000010001"
SETTINGS = YouzanSettings(client_id="testclient", client_secret="testsecret", kdt_id="12345678")


def order_row(**changes: Any) -> dict[str, Any]:
    """
    Give the documented sample of a completed order, changed.

    Args:
        changes: A path with __ for each step, a list's place as a number, and its new value; `...` takes it away.
            A first step of `info`, `pay`, `line0` or `line1` stands for the objects of those names.
    """
    row: dict[str, Any] = json.loads((HERE / "orders.json").read_text("utf-8"))["data"]["full_order_info_list"][0]
    row = copy.deepcopy(row)
    full = row["full_order_info"]
    short = {"info": full["order_info"], "pay": full["pay_info"], "buyer": full["buyer_info"]}
    short |= {"line0": full["orders"][0], "line1": full["orders"][1], "full": full}
    for path, new in changes.items():
        *steps, last = path.split("__")
        inner: Any = row
        for step in steps:
            inner = short[step] if inner is row and step in short else inner.setdefault(step, {})
        if new is ...:
            del inner[last]
        else:
            inner[last] = new
    return row


def refund_data(**changes: Any) -> dict[str, Any]:
    """Give the data of an after-sale detail: 94.00 back for a return."""
    data = {
        "refund_id": CASE,
        "tid": TID,
        "oid": "2900000000000000001",
        "status": "SUCCESS",
        "version": 1772600000000,
        "refund_fee": "94.00",
        "refund_type": "BUYER_APPLY_REFUND",
        "demand": 2,
        "return_goods": True,
        "refund_success_time": "2026-03-04 12:00:00",
    } | changes
    return {name: value for name, value in data.items() if value is not ...}


def read(settings: YouzanSettings = SETTINGS, **changes: Any) -> Order | Doubtful:
    """Read the sample order, changed, the way an answer is read."""
    return read_order(through_json(order_row(**changes), "data"), settings)


def read_good(settings: YouzanSettings = SETTINGS, **changes: Any) -> Order:
    """Read the sample order, changed, and insist on an order."""
    order = read(settings, **changes)
    assert isinstance(order, Order), order
    return order


def read_case(*oids: str, **changes: Any) -> Facts:
    """Read the after-sale case, changed."""
    read = read_refund(through_json(refund_data(**changes), "data"), oids)
    return Facts(doubtful=(read,)) if isinstance(read, Doubtful) else Facts(items=(read,))


def through_json(value: Any, path: str) -> Node:
    """Give an object as it comes out of an answer."""
    return Node(load_json(json.dumps(value).encode(), "youzan"), path)


def answer(value: Any, status: int = 200, **headers: str) -> Answer:
    """Give an answer with a JSON body."""
    body = value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()
    return Answer(status=status, headers=headers, body=body)


def pushed(message: Any, *, secret: str = "testsecret", client_id: str = "testclient", **headers: str) -> Incoming:
    """Sign a message as the platform does."""
    body = message if isinstance(message, bytes) else json.dumps(message, ensure_ascii=False).encode()
    signed = {"event-sign": event_sign(client_id, body, Secret(secret))}
    return Incoming(headers=signed | headers, body=body)
