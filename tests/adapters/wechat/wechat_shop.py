"""One Weixin shop for the tests of this folder: its settings, its answers, its messages."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from crossloyalty.adapters.wechat.crypto import encrypt
from crossloyalty.adapters.wechat.orders import read_order
from crossloyalty.adapters.wechat.refunds import read_refund
from crossloyalty.adapters.wechat.settings import WechatSettings
from crossloyalty.adapters.wechat.signing import push_signature
from crossloyalty.adapters.wire.reading import Node
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.strict_json import load_json
from crossloyalty.adapters.wire.values import Answer, Doubtful, Facts, Incoming
from crossloyalty.domain.orders import Order

HERE = Path(__file__).parent
VECTORS = json.loads((HERE / "vectors.json").read_text("utf-8"))
KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
APPID = "wx0123456789abcdef"
ORDER_NO = "3700000000000000001"
NOW = datetime(2024, 7, 1, 2, 20, tzinfo=UTC)  # 1719800400 s, when the shop event of the vectors was signed
SETTINGS = WechatSettings(appid=APPID, app_secret="tops3cret", push_token="demotoken", push_aes_key=KEY)


def order_detail(**changes: Any) -> dict[str, Any]:
    """
    Give the documented sample of a completed order, changed.

    Args:
        changes: A path with __ for each step, a list's place as a number, and its new value; `...` takes it away.
    """
    return changed(json.loads((HERE / "order.json").read_text("utf-8"))["order"], changes)


def refund_detail(**changes: Any) -> dict[str, Any]:
    """Give the documented sample of a returned piece, changed; see `order_detail`."""
    return changed(json.loads((HERE / "refund.json").read_text("utf-8"))["after_sale_order"], changes)


def changed(value: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Change a copy of an object; see `order_detail`."""
    value = copy.deepcopy(value)
    for path, new in changes.items():
        *steps, last = path.split("__")
        inner: Any = value
        for step in steps:
            inner = inner[int(step)] if step.isdigit() else inner.setdefault(step, {})
        if new is ...:
            del inner[last]
        else:
            inner[last] = new
    return value


def price(**changes: Any) -> dict[str, Any]:
    """Spell changes of price_info for `order_detail`."""
    return {f"order_detail__price_info__{name}": value for name, value in changes.items()}


def line(**changes: Any) -> dict[str, Any]:
    """Spell changes of the first product for `order_detail`."""
    return {f"order_detail__product_infos__0__{name}": value for name, value in changes.items()}


def read(settings: WechatSettings = SETTINGS, **changes: Any) -> Order | Doubtful:
    """Read the sample order, changed, the way an answer is read."""
    return read_order(through_json(order_detail(**changes), "order"), settings)


def read_good(settings: WechatSettings = SETTINGS, **changes: Any) -> Order:
    """Read the sample order, changed, and insist on an order."""
    order = read(settings, **changes)
    assert isinstance(order, Order), order
    return order


def read_case(**changes: Any) -> Facts:
    """Read the sample after-sale case, changed."""
    read = read_refund(through_json(refund_detail(**changes), "after_sale_order"))
    return Facts(doubtful=(read,)) if isinstance(read, Doubtful) else Facts(items=(read,))


def through_json(value: Any, path: str) -> Node:
    """Give an object as it comes out of an answer."""
    return Node(load_json(json.dumps(value).encode(), "wechat"), path)


def answer(value: Any, status: int = 200, **headers: str) -> Answer:
    """Give an answer with a JSON body."""
    body = value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()
    return Answer(status=status, headers=headers, body=body)


def event(name: str, **fields: Any) -> dict[str, Any]:
    """Give the plain text of an event."""
    base = {"ToUserName": "gh_0123456789ab", "FromUserName": "oDEMO", "CreateTime": 1719800400, "MsgType": "event"}
    return base | {"Event": name} | fields


def sealed(
    message: Any, *, token: str = "demotoken", key: str = KEY, appid: str = APPID, timestamp: str = "1719800400"
) -> Incoming:
    """Encrypt and sign a message as the platform does in its safe mode."""
    raw = message if isinstance(message, bytes) else json.dumps(message).encode()
    encrypted = encrypt(Secret(key), raw, appid, b"0123456789abcdef")
    query = {
        "timestamp": timestamp,
        "nonce": "987654321",
        "encrypt_type": "aes",
        "signature": push_signature(Secret(token), timestamp, "987654321"),
        "msg_signature": push_signature(Secret(token), timestamp, "987654321", encrypted),
    }
    return Incoming(query=query, body=json.dumps({"ToUserName": "gh_0123456789ab", "Encrypt": encrypted}).encode())
