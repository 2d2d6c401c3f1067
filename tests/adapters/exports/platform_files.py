"""Small export files of every platform in its own bytes: column names as seen in real files, rows made up."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import openpyxl


class Kind(NamedTuple):
    """One kind of file: its layout, its columns, a good row, its encoding, its delimiter, and what guards its ids."""

    layout: str
    columns: tuple[str, ...]
    row: Mapping[str, str]
    encoding: str = "utf-8-sig"
    tab: str = ""


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


JD_COLUMNS = _names(
    "订单号,商品ID,商品名称,订购数量,支付方式,下单时间,京东价,订单金额,结算金额,余额支付,应付金额,订单状态,订单类型,"
    "下单帐号,客户姓名,客户地址,联系电话,订单备注,发票类型,发票抬头,发票内容,商家备注,"
    "商家备注等级（等级1-5为由高到低）,运费金额,付款确认时间,增值税发票,货号,订单完成时间,订单来源,订单渠道"
)
JD_NUMBER = "100234567890"
JD_ROW = {
    "订单号": JD_NUMBER,
    "商品ID": "100012043978",
    "商品名称": "示例面霜",
    "订购数量": "2",
    "支付方式": "在线支付",
    "下单时间": "2026-10-01 10:00:00",
    "京东价": "60.00",
    "订单金额": "120.00",
    "结算金额": "118.00",
    "余额支付": "20.00",
    "应付金额": "86.00",
    "订单状态": "完成",
    "订单类型": "SOP",
    "下单帐号": "jd_canary",
    "客户姓名": "李**",
    "联系电话": "138****0000",
    "运费金额": "6.00",
    "付款确认时间": "2026-10-01 10:00:40",
    "订单完成时间": "2026-10-09 11:12:13",
}
SETTLEMENT_COLUMNS = _names(
    "订单编号,父单号,订单状态,订单下单时间,订单完成时间,售后服务单号,售后退款时间,商品编号,商品名称,商品数量,"
    "扣点类型,佣金比例,费用名称,应结金额,币种,收支方向,结算状态,预计结算时间,账单生成时间,到账时间,商户订单号,"
    "资金动账备注"
)
SETTLEMENT_ROW = {
    "订单编号": JD_NUMBER,
    "父单号": "0",
    "订单状态": "完成",
    "售后服务单号": "2233445566",
    "售后退款时间": "2026-10-12 09:00:00",
    "商品编号": "100012043978",
    "费用名称": "货款",
    "应结金额": "-30.00",
    "收支方向": "支出",
    "账单生成时间": "2026-10-13 00:00:00",
}
PDD_COLUMNS = _names(
    "商品,订单号,订单状态,商品数量(件),是否审核中,支付时间,承诺发货时间,发货时间,确认收货时间,商品id,商品规格,样式ID,"
    "商家编码-规格维度,商家备注,买家留言,售后状态,订单成交时间,商品总价(元),邮费(元),店铺优惠折扣(元),"
    "平台优惠折扣(元),多多支付立减金额(元),上门安装费(元),送货入户费(元),送货入户并安装费(元),用户实付金额(元),"
    "商家实收金额(元),快递单号,快递公司,省,市,区,街道/镇,是否抽奖或0元试用,支付方式,订单来源"
)
PDD_NUMBER = "261001-123456789012345"
PDD_ROW = {
    "商品": "示例面霜",
    "订单号": PDD_NUMBER,
    "订单状态": "已收货",
    "商品数量(件)": "1",
    "支付时间": "2026-10-01 10:00:40",
    "确认收货时间": "2026-10-05 11:12:13",
    "商品id": "612345678901",
    "商家备注": "13800001111",
    "售后状态": "无售后或售后取消",
    "订单成交时间": "2026-10-01 10:00:00",
    "商品总价(元)": "168.99",
    "邮费(元)": "5.00",
    "店铺优惠折扣(元)": "5.00",
    "平台优惠折扣(元)": "25.34",
    "多多支付立减金额(元)": "0.00",
    "用户实付金额(元)": "143.65",
    "商家实收金额(元)": "168.99",
    "省": "**省",
    "是否抽奖或0元试用": "否",
}
KUAISHOU_COLUMNS = _names(
    "订单号,赠品订单号,活动订单编号,订单创建时间,订单支付时间,预售定金支付时间,订单状态,实付款,快递费,店铺优惠,"
    "平台补贴,主播补贴,混资活动优惠,支付优惠,支付方式,成交数量,买家留言,订单备注,售后状态,商品名称,商品ID,商品规格,"
    "SKU编码,商品单价,渠道,CPS达人ID,收货人姓名,收货人电话,收货地址,发货时间,快递公司,快递单号"
)
KUAISHOU_NUMBER = "2433100012345678"
KUAISHOU_ROW = {
    "订单号": KUAISHOU_NUMBER,
    "订单创建时间": "2026-10-01 10:00:00",
    "订单支付时间": "2026-10-01 10:00:40",
    "订单状态": "交易成功",
    "实付款": "¥1,194.50",
    "快递费": "5.00",
    "店铺优惠": "8.00",
    "平台补贴": "2.50",
    "成交数量": "2",
    "售后状态": "-",
    "商品名称": "示例面霜",
    "商品ID": "20001234567890",
    "商品单价": "600.00",
    "CPS达人ID": "0",
    "收货人电话": "13800001111",
}
WECHAT_COLUMNS = _names(
    "订单号,订单下单时间,订单发货时间,订单确认收货时间,订单完成结算时间,订单状态,发货方式,收件人姓名,收件人地址,省,市,"
    "区,收件人手机,买家备注,商家备注,打标颜色,商品总价,订单实际支付金额,订单实际收款金额,订单运费,商品优惠,跨店优惠,"
    "商品改价,积分抵扣,支付方式,支付时间,交易单号,物流公司,快递单号,技术服务费,带货方式,礼物单号,商品名称,"
    "商品编码(平台),商品编码(自定义),SKU编码(自定义),商品属性,商品价格(单件),商品实际价格(单件),商品实际价格(总共),"
    "是否预售,商品数量,商品平台券优惠,商品平均运费,商品发货,商品售后,商品已退款金额"
)
WECHAT_NUMBER = "3720000000000000123"
WECHAT_ROW = {
    "订单号": WECHAT_NUMBER,
    "订单下单时间": "2026-10-01 10:00:00",
    "订单确认收货时间": "2026-10-09 11:12:13",
    "订单状态": "已完成",
    "收件人手机": "13800001111",
    "订单实际支付金额": "106.00",
    "订单实际收款金额": "104.00",
    "订单运费": "6.00",
    "跨店优惠": "0.00",
    "支付时间": "2026-10-01 10:00:40",
    "商品编码(平台)": "10000000000001",
    "商品实际价格(总共)": "100.00",
    "是否预售": "否",
    "商品数量": "1",
    "商品售后": "无",
    "商品已退款金额": "0.00",
}
XHS_COLUMNS = _names(
    "订单号,订单状态,售后状态,订单类型,订单标记,收件人姓名,收件人电话,收件人地址,省,市,区,小红书编码,条形码,规格ID,"
    "达人ID,达人名称,SKU名称,SKU规格,SKU件数,是否为赠品,商品总价(元),用户应付金额(元),平台优惠(元),店铺优惠(元),"
    "支付渠道优惠(元),SKU商家改价(元),商家应收金额(元)（支付金额）,支付方式,支付时间,快递公司,快递单号,订单创建时间,"
    "承诺发货时间,订单发货时间,订单完成时间,店铺名称,用户编号,国补模式"
)
XHS_NUMBER = "P700000000000000123"
XHS_ROW = {
    "订单号": XHS_NUMBER,
    "订单状态": "已完成",
    "售后状态": "无售后",
    "收件人电话": "13800001111",
    "规格ID": "64f0a1b2c3d4e5f601234567",
    "SKU件数": "1",
    "是否为赠品": "否",
    "商品总价(元)": "120.00",
    "用户应付金额(元)": "100.00",
    "平台优惠(元)": "15.00",
    "店铺优惠(元)": "5.00",
    "支付渠道优惠(元)": "0.00",
    "商家应收金额(元)（支付金额）": "115.00",
    "支付时间": "2026-10-01 10:00:40",
    "订单创建时间": "2026-10-01 10:00:00",
    "订单完成时间": "2026-10-09 11:12:13",
}
YOUZAN_COLUMNS = _names(
    "订单号,买家付款时间,收货人手机号/提货人手机号,全部商品名称,商品种类数,订单实付金额,订单状态,订单已退款金额"
)
YOUZAN_NUMBER = "E20261001100000012345678"
YOUZAN_ROW = {
    "订单号": YOUZAN_NUMBER,
    "买家付款时间": "2026-10-01 10:00:40",
    "收货人手机号/提货人手机号": "13800001111",
    "订单实付金额": "88.00",
    "订单状态": "交易完成",
    "订单已退款金额": "8.00",
}
YOUZAN_ITEM_COLUMNS = _names(
    "订单号,订单商品状态,交易成功时间,商品名称,商品规格,规格编码,商品编码,商品单价,商品数量,商品实际成交金额,"
    "商品退款状态,商品已退款金额,外部支付流水号,商家订单备注,买家付款时间"
)
YOUZAN_ITEM_ROW = {
    "订单号": YOUZAN_NUMBER,
    "订单商品状态": "交易完成",
    "交易成功时间": "2026-10-09 11:12:13",
    "规格编码": "SKU-01",
    "商品单价": "50.00",
    "商品数量": "1",
    "商品实际成交金额": "44.00",
    "商品退款状态": "无退款",
    "商品已退款金额": "0.00",
    "商家订单备注": "13800001111",
    "买家付款时间": "2026-10-01 10:00:40",
}
ITEM_COLUMNS = _names(
    "子订单编号,主订单编号,商品标题,商品价格,购买数量,外部系统编号,商品属性,套餐信息,备注,订单状态,商家编码,支付单号,"
    "买家应付货款,买家实际支付金额,退款状态,退款金额,订单创建时间,订单付款时间,商品ID"
)
ITEM_NUMBER = "3816123456789015019"
ITEM_ROW = {
    "子订单编号": '="3816123456789015020"',
    "主订单编号": f'="{ITEM_NUMBER}"',
    "商品标题": "示例面霜",
    "商品价格": "60.00",
    "购买数量": "2",
    "订单状态": "交易成功",
    "买家应付货款": "110.00",
    "买家实际支付金额": "110.00",
    "退款状态": "没有申请退款",
    "退款金额": "无退款申请",
    "订单创建时间": "2026-10-01 10:00:00",
    "订单付款时间": "2026-10-01 10:00:47",
    "商品ID": "612345678901",
}

KINDS = {
    kind.layout: kind
    for kind in (
        Kind("jd-orders", JD_COLUMNS, JD_ROW, "gbk"),
        Kind("jd-settlement", SETTLEMENT_COLUMNS, SETTLEMENT_ROW, "gbk"),
        Kind("pinduoduo-orders", PDD_COLUMNS, PDD_ROW, "utf-8", "\t"),
        Kind("kuaishou-orders", KUAISHOU_COLUMNS, KUAISHOU_ROW),
        Kind("wechat-orders", WECHAT_COLUMNS, WECHAT_ROW),
        Kind("xiaohongshu-orders", XHS_COLUMNS, XHS_ROW),
        Kind("youzan-orders", YOUZAN_COLUMNS, YOUZAN_ROW),
        Kind("youzan-items", YOUZAN_ITEM_COLUMNS, YOUZAN_ITEM_ROW),
        Kind("taobao-items", ITEM_COLUMNS, ITEM_ROW, "gbk"),
    )
}


def text_file(layout: str, *rows: Mapping[str, str], columns: Iterable[str] | None = None) -> bytes:
    """Write rows the way the platform does; each gives only the cells that differ from the good row."""
    kind = KINDS[layout]
    names = tuple(kind.columns if columns is None else columns)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(names)
    for row in rows:
        cells = {**kind.row, **row}
        writer.writerow([f"{cells.get(name, '')}{kind.tab}" for name in names])
    return text.getvalue().encode(kind.encoding)


def table(layout: str, *rows: Mapping[str, str], columns: Iterable[str] | None = None) -> list[list[Any]]:
    """Give the same as cells of a sheet, where nothing needs a guard to stay text."""
    kind = KINDS[layout]
    names = list(kind.columns if columns is None else columns)
    return [names, *([{**kind.row, **row}.get(name, "").strip('="') or None for name in names] for row in rows)]


def xlsx(*sheets: tuple[str, Sequence[Sequence[Any]]], change: Callable[[Any], object] | None = None) -> bytes:
    """Write a workbook."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for title, rows in sheets:
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    if change is not None:
        change(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def zipped(*members: tuple[str, bytes]) -> bytes:
    """Write a zip archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()


def without(content: bytes, *names: str) -> bytes:
    """Take members out of an archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.infolist():
            if member.filename not in names:
                new.writestr(member.filename, old.read(member))
    return out.getvalue()


def with_member(content: bytes, name: str, text: bytes) -> bytes:
    """Replace a member of an archive."""
    out = io.BytesIO(without(content, name))
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, text)
    return out.getvalue()
