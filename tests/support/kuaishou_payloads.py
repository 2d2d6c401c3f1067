"""Payloads in the form of Kuaishou's pages, composed: one paid and finished order, its fees, a refund, a message."""

from __future__ import annotations

import base64
import json
from typing import Any

from crossloyalty.adapters.kuaishou import KuaishouSettings
from crossloyalty.adapters.wire.aes import aes_cbc_encrypt

SELLER = "f1880000000000000000000000000009"
BUYER = "f1880000000000000000000000000001"
OID = 2400000000000001
MESSAGE_KEY = base64.b64encode(b"0123456789abcdef").decode()


def settings(**changes: Any) -> KuaishouSettings:
    """Give the settings of the shop the payloads are of."""
    given: dict[str, Any] = {
        "app_key": "ks600000000000000001",
        "app_secret": "demo-app-secret",
        "sign_secret": "demo-sign-secret",
        "shop_id": SELLER,
        "message_key": MESSAGE_KEY,
    }
    return KuaishouSettings(**given | changes)


def order(**changes: Any) -> dict[str, Any]:
    """
    Give the order of the page: 2 × 59.00, 5.00 borne by the platform, 15.00 by the merchant, finished.

    Args:
        changes: Fields of `orderBaseInfo`; `item`, `refunds`, `gifts`, `steps` replace parts beside it.
    """
    item = changes.pop("item", {})
    beside = {
        "orderRefundList": changes.pop("refunds", []),
        "subOrderInfo": changes.pop("gifts", []),
        "orderStepInfo": changes.pop("steps", None),
    }
    base = {
        "oid": OID,
        "status": 70,
        "createTime": 1719799200000,
        "payTime": 1719799230000,
        "sendTime": 1719830000000,
        "recvTime": 1720141964000,
        "refundTime": 0,
        "updateTime": 1720141965000,
        "totalFee": 9800,
        "discountFee": 2000,
        "expressFee": 0,
        "payType": 1,
        "payChannel": "WECHAT",
        "cpsType": 1,
        "buyerOpenId": BUYER,
        "buyerNick": "快***户",
        "sellerOpenId": SELLER,
        "sellerNick": "示例小店",
        "allActivityType": [0],
        "disableDeliveryReasonCode": [],
        "privacyInfoAuthStatus": 0,
        "remark": "",
    }
    return {
        "orderBaseInfo": base | changes,
        "orderItemInfo": {
            "itemId": 2200000001,
            "skuId": 3300000001,
            "itemTitle": "示例商品",
            "skuNick": "SKU-RED-M",
            "num": 2,
            "originalPrice": 6900,
            "price": 5900,
            "discountFee": 2000,
            "orderItemId": OID,
        }
        | item,
        "orderAddress": {
            "encryptedConsignee": "#x1#y1#1#",
            "desensitiseConsignee": "张*",
            "desensitiseMobile": "138****0000",
            "province": "浙江省",
        },
        **beside,
    }


def fee(**changes: Any) -> dict[str, Any]:
    """Give the fee detail of that order: the merchant receives 103.00, of which the buyer paid 98.00."""
    return {
        "oid": OID,
        "sellerId": 1234567,
        "totalFee": 10300,
        "expressFee": 0,
        "discountFee": 2000,
        "platformBearAmount": 500,
        "merchantBearAmount": 1500,
        "platformAllowance": 2000,
        "sellerRecv": 10300,
        "buyerPay": 9800,
    } | changes


def refund(**changes: Any) -> dict[str, Any]:
    """Give a refund of that order that has succeeded: 49.00 with the platform's part in it."""
    return {
        "refundId": 2418000000000001,
        "oid": OID,
        "skuId": 3300000001,
        "itemId": 2200000001,
        "handlingWay": 1,
        "status": 60,
        "negotiateStatus": 2,
        "refundFee": 4900,
        "refundType": 1,
        "createTime": 1720200000000,
        "updateTime": 1720286400000,
        "endTime": 1720286400000,
        "sellerId": 1234567,
    } | changes


def message(event: str, info: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Give the plain text of a message."""
    return {
        "eventId": "evt-0001",
        "msgId": "msg-0001",
        "bizId": OID,
        "userId": 1234567,
        "openId": SELLER,
        "appKey": "ks600000000000000001",
        "event": event,
        "info": json.dumps(info),
        "status": 1,
        "createTime": 1719800400000,
        "updateTime": 1719800400000,
        "test": False,
    } | changes


def encrypted(plain: Any, key: str = MESSAGE_KEY) -> bytes:
    """Give a message as it is pushed."""
    text = plain if isinstance(plain, bytes) else json.dumps(plain).encode()
    return base64.b64encode(aes_cbc_encrypt(text, key=base64.b64decode(key), iv=bytes(16)))
