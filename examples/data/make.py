"""
Write the sample exports beside this file; the same bytes every time.

    python examples/data/make.py

Everything in them is made up: the numbers belong to no order, the people exist only as the masks platforms print.
"""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

TAOBAO_FILE = "ExportOrderList202611200930.csv"
DOUYIN_FILE = "1795138200_douyin_orders.csv"  # 2026-11-20 09:30 Beijing time
AFTERSALE_FILE = "1795138200_douyin_aftersale.csv"


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


# The classic 54 columns; six of them really end in a blank.
TAOBAO_COLUMNS = _names(
    "订单编号,买家会员名,买家支付宝账号,买家应付货款,买家应付邮费,买家支付积分,总金额,返点积分,买家实际支付金额,"
    "买家实际支付积分,订单状态,买家留言,收货人姓名,收货地址 ,运送方式,联系电话 ,联系手机,订单创建时间,"
    "订单付款时间 ,宝贝标题 ,宝贝种类 ,物流单号 ,物流公司,订单备注,宝贝总数量,店铺Id,店铺名称,订单关闭原因,"
    "卖家服务费,买家服务费,发票抬头,是否手机订单,分阶段订单信息,特权订金订单id,是否上传合同照片,是否上传小票,"
    "是否代付,定金排名,修改后的sku,修改后的收货地址,异常信息,天猫卡券抵扣,集分宝抵扣,是否是O2O交易,"
    "新零售交易类型,新零售导购门店名称,新零售导购门店id,新零售发货门店名称,新零售发货门店id,退款金额,预约门店,"
    "确认收货时间,打款商家金额,含应开票给个人的个人红包"
)
DOUYIN_COLUMNS = _names(
    "主订单编号,子订单编号,选购商品,商品规格,商品数量,商品ID,商家编码,商品单价,订单应付金额,运费,优惠总金额,"
    "平台优惠,支付优惠,平台实际承担优惠金额,商家实际承担优惠金额,达人实际承担优惠金额,支付方式,收件人,"
    "收件人手机号,省,市,区,详细地址,买家留言,订单提交时间,商家备注,订单完成时间,支付完成时间,APP渠道,流量来源,"
    "订单状态,订单类型,达人ID,达人昵称,售后状态,取消原因,发货时间,流量体裁"
)
AFTERSALE_COLUMNS = _names(
    "售后单号,订单号,商品单号,商品名称,商品ID,应付金额（元）,商品运费（元）,支付优惠（元）,商品发货状态,售后类型,"
    "退商品金额（元）,退运费金额（元）,退支付优惠（元）,售后状态,售后申请时间,退款方式,售后原因,同意售后申请时间,"
    "商家退款时间,用户到账时间,售后关闭时间,是否极速退款,售后完结时间"
)

TAOBAO_STATES = {
    "unpaid": "等待买家付款",
    "paid": "买家已付款，等待卖家发货",
    "shipped": "卖家已发货，等待买家确认",
    "finished": "交易成功",
    "closed": "交易关闭",
}
# Member m1: six finished orders on Taobao and four on Douyin, 2,000.00 yuan together, no shipping, no refund. Whole
# yuan each: points are rounded down per order, so amounts with fen would earn less than 2,000 points.
M1_TAOBAO = (
    ("3816123456789011001", 12_800, "2026-11-06 10:12:31"),
    ("3816123456789011002", 25_600, "2026-11-07 09:03:10"),
    ("3816123456789011003", 19_900, "2026-11-08 20:45:02"),
    ("3816123456789011004", 8_900, "2026-11-09 12:00:00"),
    ("3816123456789011005", 31_300, "2026-11-11 00:00:07"),
    ("3816123456789011006", 16_500, "2026-11-12 23:59:58"),
)
M1_DOUYIN = (
    ("6953489890610191001", 22_900, "2026-11-06 18:20:11"),
    ("6953489890610191002", 17_500, "2026-11-07 08:15:40"),
    ("6953489890610191003", 26_100, "2026-11-10 14:33:09"),
    ("6953489890610191004", 18_500, "2026-11-12 11:05:27"),
)
M2_ORDER = ("3816123456789012001", 30_000, "2026-11-10 16:40:00")
SHIPPED_ORDER = "3816123456789013001"
CLOSED_REFUNDED_ORDER = "3816123456789014001"
SPLIT_ORDER = "6953489890610195001"

_END = datetime.fromisoformat("2026-11-19 22:00:00")


def yuan(fen: int) -> str:
    """Write an amount in fen the way exports do."""
    return f"{fen // 100}.{fen % 100:02}"


def taobao_bytes(rows: Iterable[Mapping[str, str]], columns: Iterable[str] = TAOBAO_COLUMNS) -> bytes:
    """Write rows as a Taobao export: GBK, CRLF, and formula guards that stand unquoted as Taobao writes them."""
    columns = tuple(columns)
    lines = [",".join(columns)]
    for row in rows:
        cells = [row.get(column.strip(), "") for column in columns]
        lines.append(",".join(c if c.startswith('="') or not set(c) & set(',"\n') else f'"{c}"' for c in cells))
    return ("\r\n".join(lines) + "\r\n").encode("gbk")


def douyin_bytes(rows: Iterable[Mapping[str, str]], columns: Iterable[str] = DOUYIN_COLUMNS) -> bytes:
    """Write rows as a Douyin export: UTF-8 with a byte order mark, a tab before every id and text."""
    columns = tuple(columns)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([row.get(column, "") for column in columns])
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def taobao_row(
    number: str,
    state: str,
    goods: int,
    created: datetime,
    *,
    shipping: int = 0,
    refunded: int = 0,
    finished: str = "",
    cell: str = "",
) -> dict[str, str]:
    """Make one order; amounts in fen, *cell* replaces the guarded number."""
    paid = state != "unpaid" and not (state == "closed" and not refunded)
    total = goods + shipping
    return {
        "订单编号": cell or f'="{number}"',
        "买家会员名": "t**3",
        "买家支付宝账号": "138****0000",
        "买家应付货款": yuan(goods),
        "买家应付邮费": yuan(shipping),
        "买家支付积分": "0",
        "总金额": yuan(total),
        "返点积分": "0",
        "买家实际支付金额": yuan(total if paid else 0),
        "买家实际支付积分": "0",
        "订单状态": TAOBAO_STATES[state],
        "收货人姓名": "李**",
        "收货地址": "**省**市**区****",
        "运送方式": "快递",
        "联系手机": "'138****0000",
        "订单创建时间": f"{created:%Y-%m-%d %H:%M:%S}",
        "订单付款时间": f"{created + timedelta(seconds=47):%Y-%m-%d %H:%M:%S}" if paid else "",
        "宝贝标题": "保湿面霜, 50ml" if goods % 3 == 0 else "示例商品",
        "宝贝种类": "1",
        "宝贝总数量": "1",
        "店铺Id": "0",
        "店铺名称": "示例旗舰店",
        "订单关闭原因": "" if state != "closed" else ("退款" if paid else "买家未付款"),
        "是否手机订单": "手机订单",
        "退款金额": yuan(refunded) if refunded else "无退款申请",
        "确认收货时间": finished,
        "打款商家金额": f"{yuan(total - refunded)}元" if finished else "0.00元",
    }


def taobao_rows() -> list[dict[str, str]]:
    """Make the 260 orders and the total row of the Taobao sample."""
    dice = random.Random(20261120)
    rows = [
        taobao_row(number, "finished", paid, _at(finished) - timedelta(days=6, hours=3), finished=finished)
        for number, paid, finished in (*M1_TAOBAO, M2_ORDER)
    ]
    rows.append(taobao_row(SHIPPED_ORDER, "shipped", 15_900, _at("2026-11-16 20:01:02")))
    rows.append(taobao_row(CLOSED_REFUNDED_ORDER, "closed", 22_000, _at("2026-11-02 09:30:00"), refunded=22_000))
    states = ["finished"] * 150 + ["partly"] * 18 + ["shipped"] * 32 + ["paid"] * 12 + ["unpaid"] * 8
    states += ["cancelled"] * 15 + ["refunded"] * 12
    dice.shuffle(states)
    for count, state in enumerate(states):
        number = f"38{dice.randrange(10**12, 10**13)}{count + 1001}"
        goods = dice.randrange(990, 60_000)
        shipping = dice.choice((0, 0, 0, 600, 1_000))
        created = _day(dice, _at("2026-09-01 00:00:00"), 62 if state in ("finished", "partly") else 78)
        if state in ("finished", "partly"):
            finished = min(created + timedelta(days=dice.randrange(4, 16), seconds=dice.randrange(86_400)), _END)
            refunded = dice.randrange(100, goods) if state == "partly" else 0
            row = taobao_row(
                number, "finished", goods, created, shipping=shipping, refunded=refunded, finished=f"{finished}"
            )
        elif state in ("cancelled", "refunded"):
            refunded = goods + shipping if state == "refunded" else 0
            row = taobao_row(number, "closed", goods, created, shipping=shipping, refunded=refunded)
        else:
            row = taobao_row(number, state, goods, created, shipping=shipping)
        rows.append(row)
    rows.sort(key=lambda row: row["订单创建时间"], reverse=True)
    # Four rows somebody has pasted in from a spreadsheet: their numbers are lost.
    for place, cell in ((40, "3.81612E+18"), (97, "3.81612E+18"), (171, "3.8E+18"), (222, "3816123456789010000")):
        created = _at(rows[place]["订单创建时间"])
        rows.insert(place, taobao_row("", "finished", 9_900, created, finished=f"{_END}", cell=cell))
    paid = sum(round(float(row["买家实际支付金额"]) * 100) for row in rows)
    return [*rows, {"订单编号": "总计", "买家实际支付金额": yuan(paid), "宝贝总数量": str(len(rows))}]


def douyin_row(
    order: str,
    line: str,
    state: str,
    price: int,
    created: datetime,
    *,
    shipping: int = 0,
    by_platform: int = 0,
    by_shop: int = 0,
    pay_discount: int = 0,
    after_sale: str = "-",
    finished: str = "-",
) -> dict[str, str]:
    """Make one sub-order; amounts in fen. 订单应付金额 = price + shipping - what platform and shop bear."""
    payable = price + shipping - by_platform - by_shop
    paid = state != "待支付" and not (state == "已关闭" and after_sale == "-")
    paid_at = f"\t{created + timedelta(seconds=33)}" if paid else "\t-"
    return {
        "主订单编号": f"\t{order}",
        "子订单编号": f"\t{line}",
        "选购商品": "\t示例精华液 30ml",
        "商品规格": "\t默认",
        "商品数量": "1",
        "商品ID": f"\t36{int(line) % 10**17:017}",
        "商家编码": "\tSKU-01",
        "商品单价": yuan(price),
        "订单应付金额": f"{payable // 100:,}.{payable % 100:02}",
        "运费": yuan(shipping),
        "优惠总金额": yuan(by_platform + by_shop),
        "平台优惠": yuan(by_platform),
        "支付优惠": yuan(pay_discount),
        "平台实际承担优惠金额": yuan(by_platform),
        "商家实际承担优惠金额": yuan(by_shop),
        "达人实际承担优惠金额": "0.00",
        "支付方式": "\t抖音支付" if paid else "\t-",
        "收件人": "\t##c2FtcGxl##",
        "收件人手机号": "\t$$c2FtcGxl$$",
        "省": "\t**省",
        "市": "\t**市",
        "区": "\t**区",
        "详细地址": "\t##c2FtcGxl##",
        "订单提交时间": f"\t{created}",
        "订单完成时间": f"\t{finished}",
        "支付完成时间": paid_at,
        "APP渠道": "\t抖音",
        "流量来源": "\t直播",
        "订单状态": f"\t{state}",
        "订单类型": "\t普通订单",
        "达人ID": "\t0",
        "达人昵称": "\t-",
        "售后状态": f"\t{after_sale}",
        "取消原因": "\t-",
        "发货时间": f"\t{created + timedelta(days=1)}" if state in ("已发货", "已完成") else "\t-",
        "流量体裁": "\t直播",
    }


def douyin_rows() -> list[dict[str, str]]:
    """Make the 160 sub-orders of the Douyin sample."""
    dice = random.Random(1795138200)
    orders: list[list[dict[str, str]]] = [
        [douyin_row(number, number, "已完成", paid, _at(finished) - timedelta(days=5, hours=2), finished=finished)]
        for number, paid, finished in M1_DOUYIN
    ]
    split_at = _at("2026-11-04 21:07:45")
    orders.append(
        [
            douyin_row(SPLIT_ORDER, "6953489890610195101", "已完成", 10_000, split_at, finished="2026-11-11 09:00:00"),
            douyin_row(SPLIT_ORDER, "6953489890610195102", "已关闭", 6_000, split_at, after_sale="同意退款,退款成功"),
            douyin_row(SPLIT_ORDER, "6953489890610195103", "已发货", 4_000, split_at),
        ]
    )
    left = 160 - sum(map(len, orders))
    while left:
        size = min(left, dice.choice((1, 1, 1, 2, 2, 3)))
        left -= size
        number = f"69{dice.randrange(10**11, 10**12)}{len(orders) + 1001}2"
        created = _day(dice, _at("2026-09-03 00:00:00"), 76)
        unpaid = dice.randrange(12) == 0
        rows = []
        for place in range(size):
            state, after_sale, finished = _douyin_state(dice, created, unpaid)
            rows.append(
                douyin_row(
                    number,
                    number if size == 1 else f"{number[:-1]}{place + 3}",
                    state,
                    dice.randrange(1_900, 130_000),
                    created,
                    shipping=dice.choice((0, 0, 800)) if place == 0 else 0,
                    by_platform=dice.choice((0, 0, 500)),
                    by_shop=dice.choice((0, 300)),
                    pay_discount=dice.choice((0, 0, 0, 100)),
                    after_sale=after_sale,
                    finished=finished,
                )
            )
        orders.append(rows)
    orders.sort(key=lambda rows: rows[0]["订单提交时间"], reverse=True)
    return [row for rows in orders for row in rows]


def _douyin_state(dice: random.Random, created: datetime, unpaid: bool) -> tuple[str, str, str]:
    if unpaid:
        return (dice.choice(("待支付", "已关闭")), "-", "-")
    state = dice.choice(("已完成",) * 9 + ("已发货",) * 3 + ("备货中", "已关闭"))
    if state == "已关闭":
        return state, "同意退款,退款成功", "-"
    finished = created + timedelta(days=dice.randrange(5, 14), seconds=dice.randrange(86_400))
    if state == "已完成" and finished > _END:
        state = "已发货"
    after_sale = dice.choice(("-",) * 10 + ("售后中", "售后关闭", "退款成功"))
    return state, after_sale, f"{finished}" if state == "已完成" else "-"


def aftersale_rows(orders: Iterable[Mapping[str, str]]) -> list[dict[str, str]]:
    """Make the after-sale cases that belong to the sub-orders: the whole amount of closed ones, half of others."""
    rows = []
    for count, order in enumerate(row for row in orders if row["售后状态"] != "\t-"):
        state = {"售后中": "待商家处理", "退款成功": "同意退款，退款成功"}.get(order["售后状态"].strip())
        state = state or order["售后状态"].strip().replace(",", "，")
        payable = int(order["订单应付金额"].replace(",", "").replace(".", ""))
        shipping, discount = (int(order[name].replace(".", "")) for name in ("运费", "支付优惠"))
        whole = order["订单状态"] == "\t已关闭"
        applied = _at(order["支付完成时间"].strip()) + timedelta(days=1)
        done = f"\t{min(applied + timedelta(hours=5), _END)}" if "成功" in state else "\t-"
        rows.append(
            {
                "售后单号": f"\t1418{count + 1001:015}",
                "订单号": order["主订单编号"],
                "商品单号": order["子订单编号"],
                "商品名称": order["选购商品"],
                "商品ID": order["商品ID"],
                "应付金额（元）": yuan(payable),
                "商品运费（元）": yuan(shipping),
                "支付优惠（元）": yuan(discount),
                "商品发货状态": "\t已发货",
                "售后类型": "\t仅退款" if whole else "\t退货退款",
                "退商品金额（元）": yuan(payable - shipping if whole else (payable - shipping) // 2),
                "退运费金额（元）": yuan(shipping if whole else 0),
                "退支付优惠（元）": yuan(discount) if whole and discount else "-",
                "售后状态": f"\t{state}",
                "售后申请时间": f"\t{min(applied, _END)}",
                "退款方式": "\t原路退回",
                "售后原因": "\t多拍/拍错/不想要",
                "同意售后申请时间": done,
                "商家退款时间": done,
                "用户到账时间": done,
                "售后关闭时间": f"\t{min(applied + timedelta(hours=9), _END)}" if state == "售后关闭" else "\t-",
                "是否极速退款": "\t否",
                "售后完结时间": done,
            }
        )
    return rows


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _day(dice: random.Random, first: datetime, days: int) -> datetime:
    return first + timedelta(days=dice.randrange(days), seconds=dice.randrange(28_800, 86_400))


def files() -> dict[str, bytes]:
    """Give the sample files by name."""
    orders = douyin_rows()
    return {
        TAOBAO_FILE: taobao_bytes(taobao_rows()),
        DOUYIN_FILE: douyin_bytes(orders),
        AFTERSALE_FILE: douyin_bytes(aftersale_rows(orders), AFTERSALE_COLUMNS),
    }


def main() -> None:
    """Write them."""
    for name, content in files().items():
        (Path(__file__).parent / name).write_bytes(content)


if __name__ == "__main__":
    main()
