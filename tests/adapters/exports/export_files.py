"""Export files in the platforms' own bytes, for tests; the writers are those of the sample data."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from crossloyalty.adapters.exports import ExportReport, read_export
from crossloyalty.domain.orders import Order, Refund

SAMPLES = Path(__file__).parents[3] / "examples" / "data"


def _load_maker() -> Any:
    spec = importlib.util.spec_from_file_location("sample_maker", SAMPLES / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


maker = _load_maker()

PLACED = datetime.fromisoformat("2026-10-01 10:00:00")
FINISHED = "2026-10-09 11:12:13"
TAOBAO_NUMBER = "3816123456789015019"
DOUYIN_NUMBER = "6953489890610190242"
# Qianniu's names of 2026, with the state columns other exports of it have.
NEW_TAOBAO_COLUMNS = (
    "订单编号",
    "支付单号",
    "买家应付货款",
    "买家应付邮费",
    "总金额",
    "买家实付金额",
    "订单状态",
    "订单创建时间",
    "订单付款时间",
    "商品标题",
    "退款金额",
    "确认收货时间",
    "确认收货打款金额",
)


def taobao_row(
    number: str = TAOBAO_NUMBER, state: str = "finished", goods: int = 9_900, **others: Any
) -> dict[str, str]:
    """Make a Taobao row; Chinese keywords replace cells, English ones are those of the sample maker."""
    cells = {name: others.pop(name) for name in list(others) if not name.isascii()}
    finished = others.pop("finished", FINISHED if state == "finished" else "")
    row: dict[str, str] = maker.taobao_row(number, state, goods, PLACED, finished=finished, **others)
    return row | cells


def douyin_row(
    order: str = DOUYIN_NUMBER, line: str | None = None, state: str = "已完成", price: int = 9_900, **others: Any
) -> dict[str, str]:
    """Make a Douyin row; Chinese keywords replace cells, English ones are those of the sample maker."""
    cells = {name: others.pop(name) for name in list(others) if not name.isascii()}
    finished = others.pop("finished", FINISHED if state == "已完成" else "-")
    row: dict[str, str] = maker.douyin_row(order, line or order, state, price, PLACED, finished=finished, **others)
    return row | cells


def case_row(**cells: str) -> dict[str, str]:
    """Make an after-sale row of one finished refund of 30.00, of which 1.00 goes to the bank."""
    return {
        "售后单号": "\t141800000000001001",
        "订单号": f"\t{DOUYIN_NUMBER}",
        "商品单号": f"\t{DOUYIN_NUMBER}",
        "退商品金额（元）": "30.00",
        "退运费金额（元）": "5.00",
        "退支付优惠（元）": "1.00",
        "售后状态": "\t同意退款，退款成功",
        "售后申请时间": "\t2026-11-01 10:00:00",
        "商家退款时间": "\t2026-11-03 10:00:00",
    } | cells


def taobao_file(*rows: Mapping[str, str], columns: Iterable[str] = maker.TAOBAO_COLUMNS) -> bytes:
    """Write a Taobao file in GBK."""
    content: bytes = maker.taobao_bytes(rows, columns)
    return content


def douyin_file(*rows: Mapping[str, str], columns: Iterable[str] = maker.DOUYIN_COLUMNS) -> bytes:
    """Write a Douyin order file in UTF-8 with BOM."""
    content: bytes = maker.douyin_bytes(rows, columns)
    return content


def case_file(*rows: Mapping[str, str]) -> bytes:
    """Write a Douyin after-sale file in UTF-8 with BOM."""
    content: bytes = maker.douyin_bytes(rows, maker.AFTERSALE_COLUMNS)
    return content


def read(content: bytes, **options: Any) -> tuple[list[Order | Refund], ExportReport]:
    """Read bytes to the end."""
    with read_export(io.BytesIO(content), shop_id="shop-1", **options) as reader:
        return list(reader), reader.report


def orders(content: bytes, **options: Any) -> list[Order]:
    """Read bytes that must hold orders only, and no defect."""
    values, report = read(content, **options)
    assert report.defects == []
    return [value for value in values if isinstance(value, Order)]


def only_order(content: bytes, **options: Any) -> Order:
    """Read bytes that must hold one order and no defect."""
    (order,) = orders(content, **options)
    return order


def only_refund(content: bytes, **options: Any) -> Refund:
    """Read bytes that must hold one refund and no defect."""
    values, report = read(content, **options)
    assert report.defects == []
    (refund,) = values
    assert isinstance(refund, Refund)
    return refund


def codes(report: ExportReport) -> list[str]:
    """Name the defects."""
    return [defect.code.value for defect in report.defects]
