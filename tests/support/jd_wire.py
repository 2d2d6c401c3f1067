"""Orders and refunds of JD as its pages describe them, with every value invented."""

from __future__ import annotations

import json
from typing import Any

from crossloyalty.adapters.jd import JdSettings
from crossloyalty.adapters.jd.orders import read_order
from crossloyalty.adapters.jd.sp_orders import read_order as read_sp_order
from crossloyalty.adapters.wire.reading import Node
from crossloyalty.adapters.wire.strict_json import load_json
from crossloyalty.adapters.wire.values import Answer, Call, Doubtful
from crossloyalty.domain.orders import Order

ORDER_NO = "290000000001"
PHONE = "13812345678"


def settings(**changes: Any) -> JdSettings:
    """Give the settings of a shop."""
    return JdSettings(**{"app_key": "demo-app", "app_secret": "demo-secret", "shop_id": "shop-1", **changes})


def item(n: int, **fields: Any) -> dict[str, Any]:
    """Give an item: the first costs ¥100 once, the others ¥50 twice."""
    return {
        "skuId": str(100010000 + n),
        "outerSkuId": f"SKU-{n}",
        "skuName": "示例商品",
        "jdPrice": "100.00" if n == 1 else "50.00",
        "itemTotal": "1" if n == 1 else "2",
        "wareId": str(10000 + n),
        "giftPoint": "0",
        **fields,
    }


def coupon(kind: str, price: str, **fields: Any) -> dict[str, Any]:
    """Give a discount of the order."""
    return {"orderId": ORDER_NO, "couponType": kind, "couponPrice": price, **fields}


def order(**fields: Any) -> dict[str, Any]:
    """Give the finished order of the page: 200 − 20 − 10 − 10 (balance) + 6 = ¥166, so that the buyer spent ¥176."""
    return {
        "orderId": ORDER_NO,
        "venderId": "100001",
        "orderType": "22",
        "payType": "4-在线支付",
        "orderTotalPrice": "200.00",
        "sellerDiscount": "20.00",
        "orderSellerPrice": "180.00",
        "orderPayment": "166.00",
        "balanceUsed": "10.00",
        "freightPrice": "6.00",
        "orderState": "FINISHED_L",
        "orderStateRemark": "完成",
        "orderStartTime": "2026-02-20 10:00:01",
        "paymentConfirmTime": "2026-02-20 10:02:11",
        "orderEndTime": "2026-03-01 09:12:40",
        "modified": "2026-03-01 09:12:41",
        "returnOrder": "0",
        "parentOrderId": "0",
        "directParentOrderId": "0",
        "open_id_buyer": "oexamplebuyer0001",
        "xid_buyer": "oexamplexid0001",
        "pin": "jd_****x",
        "consigneeInfo": {"fullname": "张三", "mobile": PHONE},
        "itemInfoList": [item(1), item(2)],
        "couponDetailList": [coupon("100-店铺优惠", "20.00"), coupon("41-京东券", "10.00")],
        **fields,
    }


def application(**fields: Any) -> dict[str, Any]:
    """Give a refund application of ¥176, in fen, whose money is back."""
    return {
        "id": "5001",
        "orderId": ORDER_NO,
        "buyerId": "jd_****x",
        "buyerName": "张三",
        "applyRefundSum": 17600,
        "status": 3,
        "applyTime": "2026-02-21 11:00:00",
        "checkTime": "2026-02-21 12:00:00",
        "reason": f"打 {PHONE}",
        **fields,
    }


def service(**fields: Any) -> dict[str, Any]:
    """Give an after-sale refund of ¥44 of the second item."""
    return {
        "sameOrderServiceBill": {"serviceId": 9001, "orderId": int(ORDER_NO), "wareId": 100010002, "serviceCount": 1},
        "afsRefundId": 880000001,
        "status": 13,
        "completeTime": "2026-03-05 16:20:30",
        "refoundAmount": "44.00",
        "customerName": "张三",
        **fields,
    }


def sp_order(**fields: Any) -> dict[str, Any]:
    """Give the order of the SP-API's page: ¥176 paid, ¥6 of them freight."""
    return {
        "orderId": int(ORDER_NO),
        "parentOrderId": 0,
        "rootOrderId": int(ORDER_NO),
        "venderId": 100001,
        "orderStatus": "FINISHED_L",
        "orderStatusDesc": "完成",
        "xidBuyer": "oexamplexid0001",
        "createdTime": 1771552801000,
        "modifiedTime": 1772327561000,
        "finishedTime": 1772327560000,
        "paymentInfo": {
            "shouldPayAmount": 176.00,
            "payDiscountAmount": 0,
            "actualPayAmount": 176.00,
            "freightFee": 6.00,
            "paymentType": 4,
            "paymentConfirmTime": 1771552931000,
        },
        "sellerTradePriceInfo": {
            "totalOriginalPriceAmount": 200.00,
            "totalSellerDiscountAmount": 20.00,
            "totalSellerReceivableAmount": 186.00,
        },
        "skuItemInfoList": [
            {"skuId": 100010001, "skuUuid": "u-1", "productId": 10001, "num": 1, "jdPrice": 100.00},
            {"skuId": 100010002, "skuUuid": "u-2", "productId": 10002, "num": 2, "jdPrice": 50.00},
        ],
        "orderFlag": {"popOrder": True, "preSaleOrder": False, "returnOrder": False},
        "consigneeInfo": {"fullName": "张三", "mobile": PHONE, "oaid": "OAID"},
        **fields,
    }


def sp_service(**fields: Any) -> dict[str, Any]:
    """Give the after-sale case of the page: ¥45 of the second item are back."""
    return {
        "afsOrderId": 880000001,
        "orderId": int(ORDER_NO),
        "afsOrderBaseInfo": {"buId": "100001", "modifiedTime": 1772700000000, "xidBuyer": "oexamplexid0001"},
        "afsOrderStatusInfo": {"mainStatus": 100, "mainStatusDesc": "已完成"},
        "refundInfo": {"refundStatus": 20, "applyRefundAmount": 45.00, "actualRefundAmount": 45.00},
        "skuInfoList": [{"skuId": 100010002, "skuUuid": "u-2", "skuNum": 1}],
        **fields,
    }


def parsed(value: Any, name: str = "order") -> Node:
    """Give a value as it is read from the wire."""
    return Node(load_json(json.dumps(value).encode(), "jd"), name)


def as_read(value: dict[str, Any], **changes: Any) -> Order | Doubtful:
    """Read an order of whichever gateway it has the form of."""
    read = read_sp_order if "orderStatus" in value else read_order
    return read(parsed(value), settings(**changes))


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


def call(name: str = "jingdong.pop.order.search") -> Call:
    """Give a call of a name."""
    return Call(name=name, method="POST", url="https://api.jd.com/routerjson")
