"""
How fast export files are read, and how much memory that takes.

    python benchmarks/imports.py [--rows N] [--json] [--only NAME] [--dir FOLDER]

`import.csv.rows_s` and `import.xlsx.rows_s` read a Kuaishou export of 61 columns to its last order and compare with a
bare loop of `csv.reader` or of openpyxl (read only) over the same file, in turn, in the same process. The peak memory
is that of a process of its own which reads the file once: `import.csv.peak_mb` and `import.xlsx.peak_mb`, its resident
set in MB, with that of the bare loop beside it.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

SOURCE: Final = Path(__file__).resolve().parents[1] / "src"
sys.path[:0] = [str(SOURCE), str(Path(__file__).resolve().parent)]

import attrs  # noqa: E402
from _harness import Figure, alternate, as_json, as_table, own_peak_mb, speeds  # noqa: E402

ROWS: Final = 200_000
PAIRS: Final = 3
MOST_MB: Final = 500
_NAMES: Final = (
    "订单号,赠品订单号,活动订单编号,订单创建时间,订单支付时间,预售定金支付时间,订单状态,实付款,快递费,店铺优惠,"
    "平台补贴,主播补贴,混资活动优惠,支付优惠,支付方式,成交数量,买家留言,账号类型,账号明细,订单备注,旗帜颜色,售后状态,"
    "活动订单,预售/承诺发货时间,订单载体,商品名称,商品ID,商品规格,SKU编码,商品单价,渠道,CPS达人ID,CPS达人昵称,"
    "预估推广佣金,预估推广者分佣比例,团长ID,团长昵称,快赚客ID,快赚客昵称,授权推广者ID,授权推广者昵称,收货人姓名,"
    "收货人电话,收货地址-省,收货地址-市,收货地址-区,收货地址-街道,收货地址,发货时间,快递公司,快递单号,物流信息,集运类型,"
    "直邮类型,仓库名称,仓库地址,实名姓名,服务门店ID,服务门店名称,服务门店地址,国补/类国补/消费券"
)
COLUMNS: Final = tuple(_NAMES.split(","))


# The fewest parts of a workbook whose cells share their texts, as the platforms' own exporters write them.
_HEAD: Final = '<?xml version="1.0" encoding="UTF-8"?>'
_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_SHEET_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_PARTS: Final = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
    f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_SHEET_TYPE}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_SHEET_TYPE}.worksheet+xml"/>'
    f'<Override PartName="/xl/sharedStrings.xml" ContentType="{_SHEET_TYPE}.sharedStrings+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="r1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">'
    '<sheets><sheet name="订单信息" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="r1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="r2" Type="{_OFFICE}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
}


def rows(count: int) -> Iterator[list[str]]:
    """Make the rows, each with a number, times and an address of its own."""
    yield list(COLUMNS)
    for n in range(count):
        price = 1_000 + n * 37 % 90_000
        cells = {
            "订单号": f"2433100{n:08}7",
            "订单创建时间": f"2026-10-{n % 28 + 1:02} {n % 24:02}:{n % 60:02}:{n * 7 % 60:02}",
            "订单支付时间": f"2026-10-{n % 28 + 1:02} {n % 24:02}:{n % 60:02}:{n * 11 % 60:02}",
            "订单状态": "交易成功",
            "实付款": f"{price // 100}.{price % 100:02}",
            "快递费": "0.00",
            "店铺优惠": "0.00",
            "支付方式": "微信支付",
            "成交数量": "1",
            "售后状态": "-",
            "商品名称": f"示例商品 {n % 50}",
            "商品ID": f"2000123456{n % 500:04}",
            "商品单价": f"{price // 100}.{price % 100:02}",
            "CPS达人ID": "0",
            "收货人姓名": "李**",
            "收货人电话": "138****0000",
            "收货地址": f"**路{n}号",
            "发货时间": f"2026-10-{n % 28 + 1:02} 23:{n % 60:02}:00",
            "快递单号": f"SF{n:012}",
        }
        yield [cells.get(name, "") for name in COLUMNS]


def write(path: Path, count: int) -> None:
    """Write the file in the form its name tells."""
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file).writerows(rows(count))
        return
    texts: dict[str, int] = {}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, part in _PARTS.items():
            archive.writestr(name, _HEAD + part)
        with archive.open("xl/worksheets/sheet1.xml", "w") as sheet:
            sheet.write(f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetData>'.encode())
            for number, row in enumerate(rows(count), start=1):
                cells = "".join(
                    f'<c r="{_letters(place)}{number}" t="s"><v>{texts.setdefault(cell, len(texts))}</v></c>'
                    for place, cell in enumerate(row)
                    if cell
                )
                sheet.write(f'<row r="{number}">{cells}</row>'.encode())
            sheet.write(b"</sheetData></worksheet>")
        with archive.open("xl/sharedStrings.xml", "w") as shared:
            shared.write(f'{_HEAD}<sst xmlns="{_MAIN}">'.encode())
            for text in texts:
                shared.write(f"<si><t>{escape(text)}</t></si>".encode())
            shared.write(b"</sst>")


def _letters(place: int) -> str:
    first, second = divmod(place, 26)
    return (chr(64 + first) if first else "") + chr(65 + second)


def read(path: Path, count: int) -> None:
    """Ours: to the last order."""
    from crossloyalty.adapters.exports import read_export

    with read_export(path, shop_id="shop-1") as reader:
        orders = sum(1 for _ in reader)
    if orders != count or reader.report.defects:
        raise SystemExit(f"{orders} orders of {count}, {len(reader.report.defects)} defects")


def bare(path: Path, count: int) -> None:
    """The baseline: every cell of every row, and nothing done with it."""
    seen = 0
    if path.suffix == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as file:
            for _ in csv.reader(file):
                seen += 1
    else:
        import openpyxl

        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        for _ in book.worksheets[0].iter_rows(values_only=True):
            seen += 1
        book.close()
    if seen != count + 1:
        raise SystemExit(f"{seen} rows of {count + 1}")


def peak_mb(side: str, path: Path, count: int) -> float:
    """Read once in a process of its own and give its largest resident set, in MB."""
    done = subprocess.run(
        [sys.executable, __file__, "--peak", side, "--file", str(path), "--rows", str(count)],
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout)


def speed(form: str, folder: Path, count: int) -> Figure:
    """Compare with a bare loop over the same file."""
    path = _file(form, folder, count)

    def pairs() -> Iterator[tuple[Callable[[], object], Callable[[], object]]]:
        for _ in range(PAIRS):
            yield partial(read, path, count), partial(bare, path, count)

    taken = alternate(pairs())
    what = "csv.reader" if form == "csv" else "openpyxl"
    note = f"{PAIRS} pairs of {count:,} rows of {len(COLUMNS)} columns; against a bare loop of {what}"
    return attrs.evolve(speeds(f"import.{form}.rows_s", taken, count, target=None, note=note), unit="rows/s")


def memory(form: str, folder: Path, count: int) -> Figure:
    """Measure the peak of a process that reads the file once."""
    path = _file(form, folder, count)
    ours, baseline = peak_mb("ours", path, count), peak_mb("bare", path, count)
    ratio = ours / baseline
    return Figure(
        f"import.{form}.peak_mb",
        ours,
        baseline,
        ratio,
        "MB",
        "lower",
        (ratio, ratio, ratio),
        MOST_MB,
        judged="ours",
        note=f"resident set of a process that reads {count:,} rows; the bound is for {ROWS:,}",
    )


def _file(form: str, folder: Path, count: int) -> Path:
    path = folder / f"orders.{form}"
    if not path.exists():
        write(path, count)
    return path


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="How fast export files are read, and how much memory that takes.")
    parser.add_argument("--rows", type=int, default=ROWS, help=f"rows of a file; default {ROWS:,}")
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows")
    parser.add_argument("--json", action="store_true", help="print one JSON object and no table")
    parser.add_argument("--only", metavar="NAME", action="append", help="measure this figure; may be repeated")
    parser.add_argument("--dir", type=Path, default=Path(), help="a folder on the disk to measure; default: here")
    parser.add_argument("--peak", choices=("ours", "bare"), help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.peak:
        {"ours": read, "bare": bare}[given.peak](given.file, given.rows)
        print(own_peak_mb())
        return
    count = given.rows // 10 if given.quick else given.rows
    with tempfile.TemporaryDirectory(prefix=".benchmark-", dir=given.dir, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        makers: dict[str, Callable[[], Figure]] = {}
        for form in ("csv", "xlsx"):
            makers[f"import.{form}.rows_s"] = partial(speed, form, folder, count)
            makers[f"import.{form}.peak_mb"] = partial(memory, form, folder, count)
        for only in given.only or ():
            if only not in makers:
                parser.error(f"no figure {only}; there are {', '.join(makers)}")
        done = []
        for figure, make in makers.items():
            if not given.only or figure in given.only:
                print(f"measuring {figure} …", file=sys.stderr, flush=True)
                done.append(make())
    print(as_json(done) if given.json else as_table(done))


if __name__ == "__main__":
    main()
