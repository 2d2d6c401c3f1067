"""What reading an export came to."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import NamedTuple

import attrs

from crossloyalty.adapters.exports.defects import Defect, DefectCode
from crossloyalty.domain.orders import Order, Refund, RefundStatus

__all__ = ["MOST_DEFECTS_KEPT", "ExportProgress", "ExportReport"]

MOST_DEFECTS_KEPT = 10_000


class ExportProgress(NamedTuple):
    """How far reading has come, in rows of the file."""

    rows_done: int
    rows_total: int


@attrs.define(kw_only=True)
class ExportReport:
    """
    What one pass over an export file found.

    Args:
        layout: The kind of file, such as `taobao-orders`.
        platform: The platform the values are stamped with.
        encoding: Of the text, such as `gb18030`.
        delimiter: Between cells.
        header_row: Where the header stands, from 1.
        exported_at: When the file was made; None when neither the name nor the caller told.
        degraded: A spreadsheet program has saved the file: seconds are gone and unguarded long ids are suspect.
        refund_amounts_known: The file tells how much was refunded; False means partial refunds are invisible in it.
        columns_used, columns_ignored, columns_doubled: By the file's own names; of doubled ones the first counts.
        columns_missing: By the layout's preferred names.
        rows: Rows behind the header, blank ones and totals included.
        orders, refunds: Values given out.
        dropped_blank, dropped_totals, dropped_doubled: Rows without meaning: blank, totals and remarks, exact repeats.
        defects: The first 10,000 rows set aside, in the order they were found.
        defect_counts: All of them by code.
        refund_amount_unknown: Orders that show a finished refund whose amount the file does not tell.
        paid_fen: Sum of what buyers paid over the orders given out, in fen.
        refunded_fen: Sum of what the file says went back, in fen.
        earliest, latest: The span of the times orders were placed (of refunds: their versions).
        complete: The pass reached the end of the file.
    """

    layout: str
    platform: str
    encoding: str
    delimiter: str
    header_row: int
    exported_at: datetime | None
    degraded: bool
    refund_amounts_known: bool
    columns_used: tuple[str, ...]
    columns_ignored: tuple[str, ...]
    columns_missing: tuple[str, ...]
    columns_doubled: tuple[str, ...]
    rows: int = 0
    orders: int = 0
    refunds: int = 0
    dropped_blank: int = 0
    dropped_totals: int = 0
    dropped_doubled: int = 0
    defects: list[Defect] = attrs.field(factory=list)
    defect_counts: Counter[DefectCode] = attrs.field(factory=Counter)
    refund_amount_unknown: int = 0
    paid_fen: int = 0
    refunded_fen: int = 0
    earliest: datetime | None = None
    latest: datetime | None = None
    complete: bool = False

    def add_defect(self, defect: Defect) -> None:
        """Count a row that was set aside, and keep it while there is room."""
        self.defect_counts[defect.code] += 1
        if len(self.defects) < MOST_DEFECTS_KEPT:
            self.defects.append(defect)

    def add(self, value: Order | Refund) -> None:
        """Count a value that was given out."""
        if isinstance(value, Order):
            self.orders += 1
            self.paid_fen += value.paid_fen or 0
            self.refunded_fen += value.refunded_fen or 0
            self._span(value.created_at or value.paid_at)
        else:
            self.refunds += 1
            if value.status is RefundStatus.SUCCESS:
                self.refunded_fen += value.amount_fen
            self._span(value.modified_at)

    def _span(self, moment: datetime | None) -> None:
        if moment is not None:
            self.earliest = moment if self.earliest is None else min(self.earliest, moment)
            self.latest = moment if self.latest is None else max(self.latest, moment)
