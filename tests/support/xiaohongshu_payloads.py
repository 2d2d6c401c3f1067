"""Payloads in the form of Xiaohongshu's pages, composed: one paid and finished order, an after-sale case, a message."""

from __future__ import annotations

import json
from typing import Any

from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.xiaohongshu import XiaohongshuSettings
from crossloyalty.adapters.xiaohongshu.signing import sign_message

SELLER = "5e0000000000000000000009"
BUYER = "5f0000000000000000000001"
ORDER_NO = "P700000000000000001"
SKU = "600000000000000000000001"
CALLBACK = "/webhooks/xhs?shop=s1"
SIGNED_AT = 1719800400


def settings(**changes: Any) -> XiaohongshuSettings:
    """Give the settings of the shop the payloads are of."""
    given: dict[str, Any] = {
        "app_id": "demo-app-id",
        "app_secret": "demo-app-secret",
        "shop_id": SELLER,
        "callback": CALLBACK,
    }
    return XiaohongshuSettings(**given | changes)


def sku(**changes: Any) -> dict[str, Any]:
    """Give the line of the order: 2 × 49.00 after discounts."""
    return {
        "skuId": SKU,
        "skuName": "示例商品",
        "skuSpec": "红色/M",
        "skuQuantity": 2,
        "erpcode": "SKU-RED-M",
        "itemId": "600000000000000000000010",
        "totalPaidAmount": 9800,
        "totalMerchantDiscount": 1500,
        "totalRedDiscount": 500,
        "totalTaxAmount": 0,
        "skuTag": 0,
        "skuAfterSaleStatus": 1,
        "skuDetailList": [
            {
                "skuId": SKU,
                "quantity": 2,
                "pricePerSku": 4900,
                "paidAmountPerSku": 4900,
                "merchantDiscountPerSku": 750,
                "redDiscountPerSku": 250,
                "rawPricePerSku": 5900,
            }
        ],
    } | changes


def order(**changes: Any) -> dict[str, Any]:
    """Give the order of the page: 118.00 of goods, 15.00 borne by the merchant, 5.00 by the platform, finished."""
    return {
        "orderId": ORDER_NO,
        "orderType": 1,
        "orderStatus": 7,
        "orderAfterSalesStatus": 1,
        "cancelStatus": 0,
        "createdTime": 1719799200000,
        "paidTime": 1719799230000,
        "updateTime": 1720141965000,
        "deliveryTime": 1719830000000,
        "cancelTime": 0,
        "finishTime": 1720141964000,
        "totalPayAmount": 9800,
        "totalShippingFree": 0,
        "totalDepositAmount": 0,
        "totalMerchantDiscount": 1500,
        "totalRedDiscount": 500,
        "merchantActualReceiveAmount": 10300,
        "totalChangePriceAmount": 0,
        "outPromotionAmount": "0",
        "paymentType": 2,
        "outTradeNo": "4200000000202407010000000001",
        "shopId": "shop0001",
        "shopName": "示例店铺",
        "userId": BUYER,
        "openAddressId": "0a1b2c3d",
        "receiverProvinceName": "浙江省",
        "logisticsMode": 1,
        "skuList": [sku()],
        "orderTagList": [],
        "originalOrderId": "",
    } | changes


def case(**changes: Any) -> dict[str, Any]:
    """Give an after-sale case of that order: one of two pieces sent back, 49.00 yuan paid back."""
    return {
        "returnsId": "R7000000000001",
        "returnType": 1,
        "status": 4,
        "orderId": ORDER_NO,
        "userId": BUYER,
        "applyTime": 1720200000000,
        "updatedAt": 1720286400000,
        "skus": [{"skuId": SKU, "boughtCount": 2, "appliedCount": 1, "appliedTotalAmountYuan": "49.0"}],
        "expectedRefundAmountYuan": "49.0",
        "refundAmountYuan": "49.0",
        "refundStatus": 2,
        "refundTime": 1720286400000,
    } | changes


def message(tag: str, data: Any, **changes: Any) -> dict[str, Any]:
    """Give one element of a pushed list."""
    return {"msgTag": tag, "sellerId": SELLER, "data": json.dumps(data)} | changes


def signed(
    *, at: int = SIGNED_AT, app_key: str = "demo-app-id", secret: str = "demo-app-secret", callback: str = CALLBACK
) -> dict[str, str]:
    """Give the headers of a pushed request."""
    sign = sign_message(callback, app_key=app_key, timestamp=str(at), secret=Secret(secret))
    return {"timestamp": str(at), "app-key": app_key, "sign": sign}
