"""Orders and after-sale cases as Douyin writes them, composed from its field tables; no person is real."""

from __future__ import annotations

import json
from typing import Any

from crossloyalty.adapters.douyin.settings import DouyinSettings
from crossloyalty.adapters.wire.reading import Node
from crossloyalty.adapters.wire.strict_json import load_json

# Key and secret are the sample pair of the platform's page on signatures.
APP_KEY = "3409409348479354011"
APP_SECRET = "2ad2355c-01d0-11f8-91dc-05a8cd1054b1"
SETTINGS = DouyinSettings(app_key=APP_KEY, app_secret=APP_SECRET, shop_id="4463798")
ORDER_NO = "6900000000000000001"
LINE_ID = "6900000000000000002"


def sku(**changed: Any) -> dict[str, Any]:
    """Give the sub-order of 2 × ¥59.00 less ¥20.00, of which the pay channel then took ¥1.00."""
    return {
        "order_id": LINE_ID,
        "parent_order_id": ORDER_NO,
        "product_id": 3500000000000000001,
        "product_id_str": "3500000000000000001",
        "sku_id": 1700000000000001,
        "product_name": "示例商品",
        "code": "SKU-RED-M",
        "first_cid": 20005,
        "second_cid": 20071,
        "third_cid": 0,
        "fourth_cid": 0,
        "item_num": 2,
        "origin_amount": 5900,
        "sum_amount": 11800,
        "order_amount": 11800,
        "pay_amount": 9800,
        "promotion_amount": 2000,
        "promotion_pay_amount": 100,
        "order_status": 5,
        "trade_type": 0,
        "finish_time": 1720141964,
        "confirm_receipt_time": 1720141964,
        "given_product_type": "MASTER",
        "after_sale_info": {"after_sale_status": 0, "after_sale_type": 0, "refund_status": 0},
        **changed,
    }


def order(**changed: Any) -> dict[str, Any]:
    """Give the finished order of ¥97.00."""
    return {
        "order_id": ORDER_NO,
        "shop_id": 4463798,
        "shop_name": "示例旗舰店",
        "open_id": "",
        "doudian_open_id": "1@#DEMOaBcD0001==",
        "order_status": 5,
        "main_status": 5,
        "order_type": 0,
        "biz": 2,
        "trade_type": 0,
        "b_type": 2,
        "pay_type": 2,
        "channel_payment_no": "canary-payment",
        "create_time": 1719799200,
        "pay_time": 1719799230,
        "ship_time": 1719830000,
        "finish_time": 1720141964,
        "update_time": 1720141965,
        "order_amount": 11800,
        "pay_amount": 9800,
        "post_amount": 0,
        "promotion_amount": 2000,
        "promotion_shop_amount": 1500,
        "promotion_platform_amount": 500,
        "promotion_talent_amount": 0,
        "promotion_pay_amount": 100,
        "only_platform_cost_amount": 400,
        "platform_cost_amount": 450,
        "author_cost_amount": 50,
        "modify_amount": 0,
        "tax_amount": 0,
        "sku_order_list": [sku()],
        "encrypt_post_tel": "$canary-phone$",
        "mask_post_tel": "1********8",
        "encrypt_post_receiver": "#canary-name#",
        "mask_post_receiver": "张*",
        "mask_post_addr": {"province": {"name": "浙江省", "id": "33"}, "detail": "canary-address"},
        "buyer_words": "canary-words",
        "seller_words": "",
        **changed,
    }


def case(*, info: dict[str, Any] | None = None, **changed: Any) -> dict[str, Any]:
    """Give the after-sale case that paid ¥59.00 back."""
    return {
        "aftersale_info": {
            "aftersale_id": "7000000000000000009",
            "aftersale_type": 0,
            "aftersale_status": 12,
            "related_id": LINE_ID,
            "apply_time": 1720200000,
            "update_time": 1720286400,
            "refund_amount": 5900,
            "refund_post_amount": 0,
            "refund_status": 3,
            "aftersale_num": 1,
            "remark": "canary-remark",
            **(info or {}),
        },
        "order_info": {
            "shop_order_id": ORDER_NO,
            "related_order_info": [{"sku_order_id": LINE_ID, "pay_amount": 9800, "item_num": 2}],
        },
        **changed,
    }


def detail(**changed: Any) -> dict[str, Any]:
    """Give `data` of the case's detail."""
    info = {
        "after_sale_id": 7000000000000000009,
        "after_sale_status": 12,
        "after_sale_type": 0,
        "refund_total_amount": 5900,
        "refund_post_amount": 0,
        "real_refund_amount": 5900,
        "refund_status": 3,
        **changed,
    }
    return {"process_info": {"after_sale_info": info}}


def node(value: dict[str, Any]) -> Node:
    """Give it as it comes out of an answer: through JSON text."""
    return Node(load_json(json.dumps(value, ensure_ascii=False).encode(), "douyin"), "order")
