"""What reading an export came to."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import attrs

from crossloyalty.adapters.exports.defects import Defect, DefectCode, masked
from crossloyalty.adapters.exports.headers import Built
from crossloyalty.domain.orders import Order, Refund, RefundStatus

if TYPE_CHECKING:
    from crossloyalty.application.ingesting import IngestReport

__all__ = ["MOST_DEFECTS_KEPT", "ExportProgress", "ExportReport", "ImportCounts"]

MOST_DEFECTS_KEPT = 10_000


class ExportProgress(NamedTuple):
    """
    How far reading has come.

    Args:
        rows_done: In rows of the file.
        rows_total: How many there are; None while a workbook is being opened.
    """

    rows_done: int
    rows_total: int | None


@attrs.frozen(kw_only=True)
class ImportCounts:
    """
    What became of a file: reading and taking in, together.

    Args:
        new: Orders never seen before.
        changed: Orders and refunds that said something new about a known order.
        unchanged: Those that said nothing new.
        not_overwritten: Those that differ from what is known and are older, so that they changed nothing.
        dropped: Rows without meaning: blank, totals and remarks, exact repeats, and what is no refund in a settlement.
        rejected: How many were refused, by reason: codes of defects, and of `Rejected` items.
        doubtful: Orders taken in whose amounts do not fit; claims of them are held for review.
    """

    new: int
    changed: int
    unchanged: int
    not_overwritten: int
    dropped: int
    rejected: dict[str, int]
    doubtful: int


@attrs.define(kw_only=True)
class ExportReport:
    """
    What one pass over an export file found.

    Args:
        layout: The kind of file, such as `taobao-orders`.
        platform: The platform the values are stamped with.
        encoding: Of the text, such as `gb18030`; `xlsx` for a workbook.
        delimiter: Between cells; empty for a workbook.
        sheet: The sheet of a workbook; empty for text.
        header_row: Where the header stands, from 1.
        exported_at: When the file was made; None when neither the name nor the caller told.
        degraded: A spreadsheet program has saved the file: seconds are gone and unguarded long ids are suspect.
        refund_amounts_known: The file tells how much was refunded; False means partial refunds are invisible in it.
        columns_used, columns_ignored, columns_doubled: By the file's own names; of doubled ones the first counts.
        columns_missing: By the layout's preferred names.
        rows: Rows behind the header, blank ones and totals included.
        orders, refunds: Values given out.
        dropped_blank, dropped_totals, dropped_doubled: Rows without meaning: blank, totals and remarks, exact repeats.
        dropped_other: Rows about something else than this kind of file is read for: income and fees of a settlement.
        defects: The first 10,000 rows set aside, in the order they were found.
        defect_counts: All of them by code.
        refund_amount_unknown: Orders that show a finished refund whose amount the file does not tell.
        doubtful: The first 10,000 orders taken in whose amounts do not fit; a claim of them is held for review.
        doubtful_count: How many there are.
        splits: Numbers that the platform split into others, each with its children; the first 10,000.
        days_from_numbers: Orders whose day comes from their number alone.
        paid_fen: Sum of what buyers paid over the orders given out, in fen.
        received_fen: Sum of what the merchant receives over them, in fen; None when the file does not tell.
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
    sheet: str = ""
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
    dropped_other: int = 0
    defects: list[Defect] = attrs.field(factory=list)
    defect_counts: Counter[DefectCode] = attrs.field(factory=Counter)
    refund_amount_unknown: int = 0
    doubtful: list[Defect] = attrs.field(factory=list)
    doubtful_count: int = 0
    splits: dict[str, tuple[str, ...]] = attrs.field(factory=dict)
    days_from_numbers: int = 0
    paid_fen: int = 0
    received_fen: int | None = None
    refunded_fen: int = 0
    earliest: datetime | None = None
    latest: datetime | None = None
    complete: bool = False

    def add_defect(self, defect: Defect) -> None:
        """Count a row that was set aside, and keep it while there is room."""
        self.defect_counts[defect.code] += 1
        if len(self.defects) < MOST_DEFECTS_KEPT:
            self.defects.append(defect)

    def add(self, built: Built, rows: int) -> None:
        """Count what *rows* rows of one key came to."""
        for value in built.values:
            self._add_value(value)
        if not built.values:
            self.dropped_other += rows
        self.refund_amount_unknown += built.refund_unknown
        self.days_from_numbers += built.day_from_number
        if built.received_fen is not None:
            self.received_fen = (self.received_fen or 0) + built.received_fen
        if built.split is not None and (built.split.parent in self.splits or len(self.splits) < MOST_DEFECTS_KEPT):
            known = self.splits.get(built.split.parent, ())
            self.splits[built.split.parent] = tuple(dict.fromkeys((*known, *built.split.children)))
        if built.doubt is not None:
            row, field = built.doubt
            self.doubtful_count += 1
            if len(self.doubtful) < MOST_DEFECTS_KEPT:
                column = row.context.spelled.get(field, "")
                self.doubtful.append(
                    Defect(row.number, column, masked(row.raw(field)), DefectCode.AMOUNTS_DOUBTFUL, row.key)
                )

    def counts(self, taken: IngestReport) -> ImportCounts:
        """
        Put the pass that `ingest` read together with what `ingest` made of it.

        Args:
            taken: The answer of `ingest` to this file.
        """
        rejected = Counter({code.value: count for code, count in self.defect_counts.items()})
        rejected.update(each.code for each in taken.rejected)
        return ImportCounts(
            new=taken.orders_new,
            changed=max(0, taken.changed - taken.orders_new),
            unchanged=taken.unchanged - taken.older,
            not_overwritten=taken.older,
            dropped=self.dropped_blank + self.dropped_totals + self.dropped_doubled + self.dropped_other,
            rejected=dict(rejected),
            doubtful=self.doubtful_count,
        )

    def _add_value(self, value: Order | Refund) -> None:
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
