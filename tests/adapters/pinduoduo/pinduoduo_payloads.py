"""Orders and after-sale cases as Pinduoduo writes them, composed from its field tables; no person is real."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from crossloyalty.adapters.pinduoduo.settings import PinduoduoSettings
from crossloyalty.adapters.wire.reading import Node
from crossloyalty.adapters.wire.strict_json import load_json

SETTINGS = PinduoduoSettings(client_id="demo-client-id", client_secret="demo-client-secret", shop_id="100200300")
ORDER_NO = "240701-355530178600001"
# Received 2024-07-05 09:12:44 in Beijing; the hold of 15 days ends on 2024-07-20 01:12:44 UTC.
RECEIVED_AT = datetime(2024, 7, 5, 1, 12, 44, tzinfo=UTC)
HELD_UNTIL = datetime(2024, 7, 20, 1, 12, 44, tzinfo=UTC)
LATER = datetime(2024, 8, 1, tzinfo=UTC)


def order(**changed: Any) -> dict[str, Any]:
    """Give the finished order of ¥98.00: 2 × 59.00 less 20.00, no postage."""
    return {
        "order_sn": ORDER_NO,
        "order_status": 3,
        "confirm_status": 1,
        "refund_status": 1,
        "after_sales_status": 0,
        "group_status": 1,
        "risk_control_status": 0,
        "trade_type": 0,
        "is_lucky_flag": 1,
        "goods_amount": 118.0,
        "discount_amount": 20.0,
        "platform_discount": 5.0,
        "seller_discount": 15.0,
        "capital_free_discount": 0.0,
        "order_change_amount": 0.0,
        "postage": 0.0,
        "pay_amount": 98.0,
        "duo_duo_pay_reduction": 0.0,
        "pay_type": "WEIXIN",
        "pay_no": "~AgAAAAB~",
        "created_time": "2024-07-01 10:00:03",
        "pay_time": "2024-07-01 10:00:20",
        "confirm_time": "2024-07-01 10:00:21",
        "shipping_time": "2024-07-01 18:30:00",
        "receive_time": "2024-07-05 09:12:44",
        "updated_at": "2024-07-05 09:12:45",
        "item_list": [
            {
                "goods_id": 600000001,
                "goods_name": "示例商品",
                "goods_count": 2,
                "goods_price": 59.0,
                "goods_spec": "红色,M",
                "sku_id": 700000001,
                "outer_id": "SKU-RED-M",
            }
        ],
        "receiver_name": "~canary-name~",
        "receiver_phone": "$canary-phone$",
        "receiver_address": "~canary-address~",
        "receiver_name_mask": "张*",
        "receiver_phone_mask": "1*********8",
        "receiver_address_mask": "幸福路****",
        "open_address_id": "a1b2c3",
        "order_tag_list": [],
        "gift_list": [],
        "step_order_info": None,
        **changed,
    }


def case(**changed: Any) -> dict[str, Any]:
    """Give the after-sale case that paid ¥49.00 back."""
    return {
        "id": 9100000001,
        "order_sn": ORDER_NO,
        "after_sales_status": 10,
        "after_sales_type": 2,
        "refund_amount": "49.00",
        "order_amount": "98.00",
        "discount_amount": "20.00",
        "goods_id": 600000001,
        "sku_id": "700000001",
        "goods_name": "示例商品",
        "goods_number": "2",
        "goods_price": "59.00",
        "created_time": "1720200000",
        "updated_time": "1720286400",
        "confirm_time": "1719799221",
        "speed_refund_flag": 0,
        "speed_refund_status": "0",
        "dispute_refund_status": 0,
        "refund_operator_role": 2,
        "after_sale_reason": "canary-reason",
        **changed,
    }


def node(value: dict[str, Any]) -> Node:
    """Give it as it comes out of an answer: through JSON text, numbers with a point as Decimal."""
    text = json.dumps(value, ensure_ascii=False, default=_number)
    return Node(load_json(text.encode(), "pinduoduo"), "order")


def _number(value: object) -> float:
    assert isinstance(value, Decimal)
    return float(value)
