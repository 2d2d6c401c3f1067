"""Tables of a host's own, read by a column mapping: `read_mapped`."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from itertools import product as combinations
from typing import BinaryIO, Final

from crossloyalty.adapters.exports.cells import to_fen, whole_fen
from crossloyalty.adapters.exports.defects import DefectCode
from crossloyalty.adapters.exports.headers import Built, Column, Layout
from crossloyalty.adapters.exports.mapping import ColumnMapping
from crossloyalty.adapters.exports.orderlevel import (
    agreed_fen,
    agreed_time,
    agreed_word,
    doubtful_lines,
    in_order,
    line_names,
    plain_word,
    state_of,
)
from crossloyalty.adapters.exports.reader import ExportReader, context_of, opened_survey
from crossloyalty.adapters.exports.report import ExportProgress
from crossloyalty.adapters.exports.rows import OrderRow
from crossloyalty.domain.keys import Platform, Platforms, clean_id
from crossloyalty.domain.orders import Line, Order, OrderKind, OrderStatus, SourceKind, checked_time
from crossloyalty.errors import InvalidInput, WrongType, shown

__all__ = ["read_mapped"]

_FORMS: Final = {"order_no": "id", "line_id": "id", "buyer_id": "person"}
_TIMES: Final = frozenset({"created_at", "paid_at", "finished_at"})
_LINE_FIELDS: Final = ("line_id", "product_id", "category", "quantity", "gift", "line_paid", "line_refunded")
_GIFT_WORDS: Final = frozenset({"是", "赠品", "y", "yes", "true", "1"})
_NO_GIFT_WORDS: Final = frozenset({"否", "n", "no", "false", "0"})
_PLATFORMS: Final = Platforms()


def read_mapped(
    file: str | os.PathLike[str] | BinaryIO,
    mapping: ColumnMapping,
    *,
    shop_id: str | None = None,
    exported_at: datetime | None = None,
    file_name: str | None = None,
    progress: Callable[[ExportProgress], None] | None = None,
) -> ExportReader:
    """
    Open a table of the host's own; rows become orders, bad rows become defects with a sentence.

    Args:
        file: A path, or an open binary file: delimited text, a workbook, or a zip archive with one of them.
        mapping: Which column is which fact.
        shop_id: The shop of every row; None when `columns.shop_id` tells it.
        exported_at: When the table was made: the version of what it says.
        file_name: The original name of an upload; default is the path's own.
        progress: Called about every 1,000 rows, and at the end; also while a workbook is being opened.

    Returns:
        A reader as `read_export` gives it, with `dry_run()` and `write_defects()`.

    Raises:
        WrongType: The file was opened as text, or a time has no zone.
        InvalidInput: Nothing tells the shop.
        UnreadableFile: The file as a whole cannot be read, or has not the columns that are needed.
        ConfigError: The file is a workbook, and openpyxl is not installed.
    """
    if not isinstance(mapping, ColumnMapping):
        raise WrongType(f"a table is read by a ColumnMapping, not by {shown(mapping)}")
    if shop_id is not None:
        clean_id(shop_id, "shop_id")
    elif "shop_id" not in mapping.columns:
        raise InvalidInput("shop_id: needed, or columns.shop_id")
    if exported_at is not None:
        checked_time(exported_at, "exported_at")
    source, found = opened_survey(file, file_name, (_layout(mapping),), progress)
    context = context_of(found, mapping.platform, shop_id or "", exported_at)._replace(
        has_shape=_shape(mapping.platform),
        trusted_ids=mapping.trust_long_ids,
        money=to_fen if mapping.unit == "yuan" else whole_fen,
        moment=mapping.time,
    )
    return ExportReader(source, found, progress, context)


def _shape(platform: str) -> Callable[[str], bool]:
    if platform in _PLATFORMS:
        return partial(_PLATFORMS.matches, platform)
    pattern = re.compile(Platform(platform, platform).pattern, re.ASCII)
    return lambda number: pattern.fullmatch(number) is not None


def _layout(mapping: ColumnMapping) -> Layout:
    columns = mapping.columns
    needed = ["order_no", *(("paid",) if "paid" in columns else ("line_paid",))]
    needed += [field for field in ("status", "shop_id", "buyer_id") if field in columns]
    # A table that writes its times in its own way says nothing of a spreadsheet program.
    time_form = "other" if mapping.date_formats else "time"
    return Layout(
        name="mapped",
        platforms=(mapping.platform,),
        need=tuple(combinations(*(columns[field] for field in needed))),
        columns=tuple(
            Column(field, names, time_form if field in _TIMES else _FORMS.get(field, "other"))
            for field, names in columns.items()
        ),
        key="order_no",
        several_rows=any(field in columns for field in _LINE_FIELDS),
        build=partial(_build, mapping),
        refund_amounts="refunded" if "refunded" in columns else "line_refunded",
        received="received",
    )


def _build(mapping: ColumnMapping, rows: Sequence[OrderRow]) -> Built:
    """Make one order of its rows; what belongs to the order is the same on all of them."""
    row = rows[0]
    has_lines = any(row.has(field) for field in _LINE_FIELDS)
    if len(rows) > 1 and not has_lines:
        raise rows[1].bad(DefectCode.ROWS_CONTRADICT, "order_no")
    status = _status(mapping, rows)
    shipping = agreed_fen(rows, "shipping")
    lines = _lines(rows) if has_lines else None
    paid = _paid(rows, lines, shipping)
    if status is OrderStatus.UNPAID:
        paid, shipping = 0, None if shipping is None else 0
        lines = None  # what is due is not what was paid
    doubt = None
    goods = None if lines is None or any(line.paid_fen is None for line in lines) else lines
    come_to = (shipping or 0) + sum(line.paid_fen or 0 for line in goods or ())
    if (goods is not None and come_to != paid) or (goods is None and (shipping or 0) > paid):
        doubt = (row, "paid" if row.has("paid") else "shipping")
        lines = goods or doubtful_lines(min(shipping or 0, paid), come_to)
        shipping = None if shipping is None else min(shipping, paid) if goods is None else shipping
    return Built(
        (
            Order(
                platform=mapping.platform,
                order_no=row.key,
                shop_id=_shop(rows),
                status=status,
                kind=_kind(mapping, rows),
                buyer_id=_buyer(rows),
                created_at=agreed_time(rows, "created_at"),
                paid_at=agreed_time(rows, "paid_at"),
                finished_at=agreed_time(rows, "finished_at") if status is OrderStatus.FINISHED else None,
                modified_at=row.context.exported_at,
                paid_fen=paid,
                shipping_fen=shipping,
                subsidy_fen=agreed_fen(rows, "subsidy"),
                own_value_fen=agreed_fen(rows, "own_value"),
                refunded_fen=agreed_fen(rows, "refunded"),
                lines=lines,
                source=SourceKind.EXPORT,
            ),
        ),
        received_fen=agreed_fen(rows, "received"),
        doubt=doubt,
    )


def _status(mapping: ColumnMapping, rows: Sequence[OrderRow]) -> OrderStatus:
    if mapping.status is not None:
        return OrderStatus[mapping.status]
    agreed_word(rows, "status")
    words = {plain_word(word): OrderStatus[name] for word, name in mapping.statuses.items()}
    status = state_of(rows[0], "status", words)
    assert status is not None  # the column is needed
    return status


def _kind(mapping: ColumnMapping, rows: Sequence[OrderRow]) -> OrderKind | None:
    if agreed_word(rows, "kind") is None:
        return None
    words = {plain_word(word): OrderKind[name] for word, name in mapping.kinds.items()}
    return state_of(rows[0], "kind", words)


def _paid(rows: Sequence[OrderRow], lines: tuple[Line, ...] | None, shipping: int | None) -> int:
    if rows[0].has("paid"):
        rows[0].needed_fen("paid")
        return agreed_fen(rows, "paid") or 0
    return sum(line.paid_fen or 0 for line in lines or ()) + (shipping or 0)


def _shop(rows: Sequence[OrderRow]) -> str:
    agreed_word(rows, "shop_id")
    shop = _name(rows[0], "shop_id") or rows[0].context.shop_id
    if not shop:
        raise rows[0].bad(DefectCode.ID_MISSING, "shop_id")
    return shop


def _buyer(rows: Sequence[OrderRow]) -> str | None:
    agreed_word(rows, "buyer_id")
    buyer = _name(rows[0], "buyer_id")
    return None if buyer is None or "*" in buyer else buyer  # a masked value is nobody's identity


def _name(row: OrderRow, field: str) -> str | None:
    """Read what the host names things by; a cell that cannot be such a name is a defect."""
    word = row.word(field)
    try:
        return None if word is None else clean_id(word, field)
    except InvalidInput:
        raise row.bad(DefectCode.ID_INVALID, field) from None


def _lines(rows: Sequence[OrderRow]) -> tuple[Line, ...]:
    rows = in_order(rows)
    products = [_name(row, "product_id") for row in rows]
    names = line_names(products)
    if rows[0].has("line_id"):
        names = []
        for row in rows:
            name = row.id("line_id")
            if name is None:
                raise row.bad(DefectCode.ID_MISSING, "line_id")
            if name in names:
                raise row.bad(DefectCode.ROWS_CONTRADICT, "line_id")
            names.append(name)
    return tuple(
        Line(
            line_id=name,
            paid_fen=row.needed_fen("line_paid") if row.has("line_paid") else None,
            refunded_fen=row.fen("line_refunded"),
            is_free_gift=_is_gift(row),
            product_id=product,
            category=_name(row, "category"),
            quantity=row.pieces("quantity"),
        )
        for row, name, product in zip(rows, names, products, strict=True)
    )


def _is_gift(row: OrderRow) -> bool | None:
    word = row.word("gift")
    if word is None:
        return None
    if plain_word(word) not in _GIFT_WORDS | _NO_GIFT_WORDS:
        raise row.bad(DefectCode.STATE_UNKNOWN, "gift", is_word=True)
    return plain_word(word) in _GIFT_WORDS
