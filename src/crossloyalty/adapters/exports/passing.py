"""
The second of two passes over an export: rows in, orders and refunds out, defects on the side.

Rows that stand together become a value at once. A row that cannot be used takes its whole order with it, also when
its own number is unreadable but it stands between two rows of that order: half an order is never given out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO, Final

from crossloyalty.adapters.exports.cells import BadCell, bare, order_id
from crossloyalty.adapters.exports.defects import Defect, DefectCode, masked
from crossloyalty.adapters.exports.grouping import Spill
from crossloyalty.adapters.exports.report import ExportProgress, ExportReport
from crossloyalty.adapters.exports.rows import BadRow, Context, OrderRow, is_remark
from crossloyalty.adapters.exports.survey import Survey
from crossloyalty.adapters.exports.text import RawRow
from crossloyalty.domain.orders import Order, Refund
from crossloyalty.errors import InvalidInput, UnreadableFile

__all__ = ["Pass"]

_PROGRESS_ROWS: Final = 1_000
_MOST_ROWS_OF_ONE_ORDER: Final = 5_000
_MOST_STRAYS: Final = 100
_SHORTEST_CASE_NUMBER: Final = 6
_SHIFTED: Final = (DefectCode.QUOTE_UNCLOSED, DefectCode.ROW_SHIFTED)


class Pass:
    """
    One pass.

    Args:
        survey: What the first pass told.
        context: What all rows share.
        places: The columns that are read, by position; nothing else of a row is kept.
        report: Filled while reading.
        progress: Called about every 1,000 rows, and at the end.
    """

    def __init__(
        self,
        survey: Survey,
        context: Context,
        places: list[int],
        report: ExportReport,
        progress: Callable[[ExportProgress], None] | None,
    ) -> None:
        self._survey = survey
        self._header = survey.header
        self._layout = survey.header.layout
        self._context = context
        self._places = places
        self._report = report
        self._progress = progress
        self._key_place = self._header.index[self._layout.key]
        notes = (column.field for column in self._layout.columns if column.form == "note")
        self._notes = [context.places[field] for field in notes if field in context.places]

    def values(self, stream: BinaryIO, start: int) -> Iterator[Order | Refund]:
        """
        Read the file from *start*, in bytes.

        Raises:
            UnreadableFile: It has changed since the survey.
            StorageFull: There is no room for scattered rows in a temporary file.
        """
        spill = Spill()
        try:
            for group in self._groups(self._data(stream, start)):
                first_row = self._survey.scattered.first_row(group[0].key) if self._survey.scattered.count else None
                if first_row is None:
                    yield from self._built(group)
                else:
                    for row in group:
                        spill.keep(first_row, group[0].key, row)
            for group in self._groups(spill.rows(self._context)):
                yield from self._built(group)
        finally:
            spill.close()
        self._report.complete = True
        if self._progress is not None:
            self._progress(ExportProgress(self._survey.rows, self._survey.rows))

    def _data(self, stream: BinaryIO, start: int) -> Iterator[OrderRow]:
        """Give the data rows; those without a readable number have an empty key and a flaw."""
        header, report, total, number = self._header, self._report, self._survey.rows, 0
        rows = self._survey.table.rows(stream, start)
        for raw in rows:
            number = raw.number
            if number <= header.row:
                if number == header.row:
                    rows.width = header.width
                    if tuple(raw.cells) != header.cells:
                        raise _changed()
                continue
            report.rows += 1
            if self._progress is not None and number % _PROGRESS_ROWS == 0:
                self._progress(ExportProgress(number, total))
            row = self._row(raw)
            if row is not None:
                yield row
        if number != total:
            raise _changed()

    def _row(self, raw: RawRow) -> OrderRow | None:
        """Make a data row; None for a blank one, a total or a remark."""
        cells, width = raw.cells, self._header.width
        flaw: DefectCode | None = None
        if raw.broken:
            flaw = DefectCode.QUOTE_UNCLOSED
        elif len(cells) < width or any(map(bare, cells[width:])):
            flaw = DefectCode.ROW_SHIFTED
        key_cell = cells[self._key_place] if len(cells) > self._key_place else ""
        key: str | None = ""
        try:
            key = order_id(key_cell, degraded=self._context.degraded, trusted=self._context.trusted_ids)
            if key is not None and not self._has_shape(key):
                raise BadCell(DefectCode.ID_INVALID, key)
        except BadCell as error:
            key, flaw = "", flaw or error.code
        if not key:
            if not any(map(bare, cells)):
                self._report.dropped_blank += 1
                return None
            if is_remark(cells, key_cell):
                self._report.dropped_totals += 1
                return None
            flaw = flaw or DefectCode.ID_MISSING
        if flaw is None:
            values = tuple([cells[place] for place in self._places])
            if self._notes:
                values = self._without_notes(values)
        else:
            values = (key_cell,) if flaw not in _SHIFTED else ("",)
        return OrderRow(raw.number, key or "", values, self._context, flaw)

    def _without_notes(self, values: tuple[str, ...]) -> tuple[str, ...]:
        keep = self._layout.note
        return tuple(
            [
                cell if place not in self._notes else "" if keep is None else keep(cell)
                for place, cell in enumerate(values)
            ]
        )

    def _has_shape(self, key: str) -> bool:
        if self._layout.key == "order_no":
            return self._context.has_shape(key.upper())
        return key.isdigit() and len(key) >= _SHORTEST_CASE_NUMBER

    def _groups(self, rows: Iterator[OrderRow]) -> Iterator[list[OrderRow]]:
        """Join neighbouring rows of one key; a group never holds more than 5,001 rows."""
        group: list[OrderRow] = []
        strays: list[OrderRow] = []
        for row in rows:
            if not row.key and len(strays) < _MOST_STRAYS:
                strays.append(row)
            elif not row.key:
                self._set_aside(row)
            elif group and row.key == group[0].key:
                if len(group) <= _MOST_ROWS_OF_ONE_ORDER:
                    group += [*strays, row]
                strays.clear()
            else:
                if group:
                    yield group
                for stray in strays:
                    self._set_aside(stray)
                strays.clear()
                group = [row]
        if group:
            yield group
        for stray in strays:
            self._set_aside(stray)

    def _built(self, group: list[OrderRow]) -> Iterator[Order | Refund]:
        flawed = [row for row in group if row.flaw is not None]
        if flawed:
            # In a shifted row a phone may stand where the number belongs: only a sound row makes it one to be told.
            key = group[0].key if len(flawed) < len(group) or flawed[0].flaw not in _SHIFTED else ""
            for row in flawed:
                self._set_aside(row if key else row._replace(key=""), key)
            return
        if len(group) > _MOST_ROWS_OF_ONE_ORDER:
            self._set_aside(group[0]._replace(flaw=DefectCode.TOO_MANY_LINES), group[0].key)
            return
        if len(group) > 1:
            distinct = list({row.values: row for row in reversed(group)}.values())[::-1]
            self._report.dropped_doubled += len(group) - len(distinct)
            group = distinct
        try:
            built = self._layout.build(group)
        except BadRow as error:
            self._report.add_defect(error.defect)
            return
        except InvalidInput:  # the domain's own bounds, such as a sum past 2^53 fen
            self._set_aside(group[0]._replace(flaw=DefectCode.AMOUNTS_CONTRADICT), group[0].key)
            return
        self._report.add(built, len(group))
        yield from built.values

    def _set_aside(self, row: OrderRow, key: str = "") -> None:
        assert row.flaw is not None
        of_cell = row.flaw in (DefectCode.ID_MANGLED, DefectCode.ID_INVALID, DefectCode.ID_MISSING)
        column = self._context.spelled[self._layout.key] if of_cell else ""
        value = masked(bare(row.values[0])) if of_cell else ""
        self._report.add_defect(Defect(row.number, column, value, row.flaw, key or row.key or None))


def _changed() -> UnreadableFile:
    return UnreadableFile("the file has changed while it was read", sentence_zh="文件在读取期间被改动，请重新上传")
