"""
The public way into an export file: `read_export`.

Two passes. The first (`survey`) decides about the whole file and raises when it cannot be read. The second
(`passing`) streams. Memory holds one order, the defects kept, and SQLite's page cache, whatever the file's size.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import BinaryIO, Final, Literal

from crossloyalty.adapters.exports import (
    aftersale,
    douyin,
    jd,
    kuaishou,
    pinduoduo,
    taobao,
    taobao_items,
    wechat,
    xiaohongshu,
    youzan,
)
from crossloyalty.adapters.exports.archive import unpacked
from crossloyalty.adapters.exports.headers import Layout
from crossloyalty.adapters.exports.mending import Mender, write_table
from crossloyalty.adapters.exports.moment import moment_of
from crossloyalty.adapters.exports.passing import Pass
from crossloyalty.adapters.exports.report import ExportProgress, ExportReport
from crossloyalty.adapters.exports.rows import Context
from crossloyalty.adapters.exports.source import Source
from crossloyalty.adapters.exports.survey import Survey, survey
from crossloyalty.adapters.exports.text import RawRow
from crossloyalty.application.ports import SourceCapabilities
from crossloyalty.domain.keys import Platforms, clean_id
from crossloyalty.domain.orders import Order, Refund, checked_time
from crossloyalty.errors import InvalidInput, UnreadableFile, shown

__all__ = ["LAYOUTS", "ExportReader", "context_of", "opened_survey", "read_export"]

_PLATFORMS: Final = Platforms()
LAYOUTS: Final = tuple(
    layout
    for module in (taobao, taobao_items, douyin, aftersale, jd, pinduoduo, kuaishou, wechat, xiaohongshu, youzan)
    for layout in module.LAYOUTS
)


def read_export(
    file: str | os.PathLike[str] | BinaryIO,
    *,
    shop_id: str,
    platform: str | None = None,
    exported_at: datetime | None = None,
    file_name: str | None = None,
    progress: Callable[[ExportProgress], None] | None = None,
) -> ExportReader:
    """
    Open an order export of a merchant back end; good rows become values, bad rows become defects with a sentence.

    Delimited text, a workbook (.xlsx, with the extra `excel`), or a zip archive with one of them inside.

    Args:
        file: A path, or an open binary file read from where it stands; an open one is not closed.
        shop_id: The shop the file comes from. Files carry none, and it is never guessed.
        platform: Such as `tmall`; None recognises it by the column names. Taobao and Tmall files are alike and
            count as `taobao` unless named.
        exported_at: When the file was made; used only when the file name does not tell.
        file_name: The original name of an upload; default is the path's own.
        progress: Called about every 1,000 rows, and at the end; also while a workbook is being opened.

    Returns:
        A reader: iterate it for `Order` or `Refund` values (a file holds one kind) and look at its `report`
        afterwards, or ask `dry_run()` first. Close it, or use it in a `with` block.

    Raises:
        WrongType: The file was opened as text, or a time has no zone.
        InvalidInput: No such platform is read from files.
        UnreadableFile: The file as a whole cannot be read; it carries what to do in English and Chinese.
        ConfigError: The file is a workbook, and openpyxl is not installed.

    Source: headers, encodings and traps are those of merchants' real files; no platform publishes the format.
    """
    clean_id(shop_id, "shop_id")
    platforms = list(dict.fromkeys(name for layout in LAYOUTS for name in layout.platforms))
    if platform is not None and platform not in platforms:
        raise InvalidInput(f"export files are read from {', '.join(platforms)}, not from {shown(platform)}")
    if exported_at is not None:
        checked_time(exported_at, "exported_at")
    source, found = opened_survey(file, file_name, LAYOUTS, progress)
    try:
        shipped_by = found.header.layout.platforms
        if platform is not None and platform not in shipped_by:
            found.scattered.close()
            raise UnreadableFile(
                f"this is an export of {' or '.join(shipped_by)}, not of {platform}",
                sentence_zh="文件不是所选平台的导出，请核对平台后重新上传",
            )
    except BaseException:
        source.close()
        raise
    platform = platform or shipped_by[0]
    moments = (moment_of(name, platform) for name in source.names)
    exported_at = next((moment for moment in moments if moment is not None), exported_at)
    return ExportReader(source, found, progress, context_of(found, platform, shop_id, exported_at))


def opened_survey(
    file: str | os.PathLike[str] | BinaryIO,
    file_name: str | None,
    layouts: Sequence[Layout],
    progress: Callable[[ExportProgress], None] | None,
) -> tuple[Source, Survey]:
    """
    Open a file, unpack it, and go through it once.

    Raises:
        WrongType: The file was opened as text.
        UnreadableFile: The file as a whole cannot be read.
        ConfigError: The file is a workbook, and openpyxl is not installed.
    """
    source = Source(file, file_name)
    try:
        source, sheet = unpacked(source, layouts, progress)
        with source.opened() as stream:
            return source, survey(stream, source.start, layouts, sheet)
    except BaseException:
        source.close()
        raise


def context_of(survey: Survey, platform: str, shop_id: str, exported_at: datetime | None) -> Context:
    """Say what all rows of a file share."""
    index = survey.header.index
    # Rows carry only the columns that are read, so nothing personal can be kept by mistake.
    places = sorted(set(index.values()))
    return Context(
        platform=platform,
        shop_id=shop_id,
        exported_at=exported_at,
        degraded=survey.degraded,
        places={field: places.index(place) for field, place in index.items()},
        spelled=survey.header.spelled,
        has_shape=partial(_PLATFORMS.matches, platform),
        parents=survey.parents,
    )


class ExportReader:
    """
    One export file as an `OrderSource`, ready to be read any number of times, one pass at a time.

    Made by `read_export`.

    Attributes:
        report: What the last pass found; before the first pass, what the header tells.
    """

    def __init__(
        self,
        source: Source,
        survey: Survey,
        progress: Callable[[ExportProgress], None] | None,
        context: Context,
    ) -> None:
        self._source = source
        self._survey = survey
        self._progress = progress
        self._context = context
        self._places = sorted(set(survey.header.index.values()))
        self.report = self._new_report()

    @property
    def capabilities(self) -> SourceCapabilities:
        """
        Export files carry no usable buyer identity (names and phones are masked), so members claim by hand.

        A mapped table has one where the host has said which column it is.
        """
        has_buyers = "buyer_id" in self._survey.header.index
        return SourceCapabilities(
            auto_convert=has_buyers,
            buyer_id_scope="platform" if has_buyers else "none",
            refund_detail=self.report.refund_amounts_known,
        )

    def __iter__(self) -> Iterator[Order | Refund]:
        """
        Read the file from its start.

        Raises:
            UnreadableFile: It has changed since it was opened.
            StorageFull: There is no room for scattered rows in a temporary file.
        """
        report = self.report = self._new_report()
        one = Pass(self._survey, self._context, self._places, report, self._progress)
        with self._source.opened() as stream:
            yield from one.values(stream, self._source.start)

    def dry_run(self) -> ExportReport:
        """Read the whole file without giving anything out, and say what would come of it."""
        for _ in self:
            pass
        return self.report

    def write_defects(self, target: str | os.PathLike[str] | BinaryIO, *, form: Literal["csv", "xlsx"] = "csv") -> int:
        """
        Write the rows that the last pass set aside as a file that people correct and import again with this reader.

        Each row has its own cells (of the columns that are read; names, phones, addresses and remarks are left out),
        its row number, the column, the value masked, and the sentence in both languages. All rows of an order that was
        left out are in it, and those of the orders beside a row without a readable number.

        Args:
            target: A path, or an open binary file, which stays open.
            form: `csv` or `xlsx` (with the extra `excel`).

        Returns:
            How many rows were written; of more than 10,000 defects the first 10,000 are.

        Raises:
            UnreadableFile: The file has changed since it was opened.
            InvalidInput: No such form.
            ConfigError: openpyxl is not installed.
        """
        report = self.report if self.report.complete else self.dry_run()
        mender = Mender(self._survey.header, self._context, report.defects)
        with self._source.opened() as stream:
            mender.note_neighbours(self._raw(stream))
            return write_table(target, form, mender.header, mender.rows(self._raw(stream)))

    def defects_name(self, form: Literal["csv", "xlsx"] = "csv") -> str:
        """Name that file so that its name still tells when the export was made."""
        stem = next((name for name in self._source.names if name), "orders").rsplit(".", 1)[0]
        return f"{stem}-defects.{form}"

    def _raw(self, stream: BinaryIO) -> Iterator[RawRow]:
        rows = self._survey.table.rows(stream, self._source.start)
        for row in rows:
            yield row
            if row.number == self._survey.header.row:
                rows.width = self._survey.header.width

    def close(self) -> None:
        """Give temporary files back; the caller's own open file stays open."""
        self._survey.scattered.close()
        self._source.close()

    def __enter__(self) -> ExportReader:
        """Hold the reader for a `with` block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def _new_report(self) -> ExportReport:
        header, context = self._survey.header, self._context
        return ExportReport(
            layout=header.layout.name,
            platform=context.platform,
            encoding=self._survey.table.encoding,
            delimiter=self._survey.table.delimiter,
            sheet=self._survey.table.sheet,
            header_row=header.row,
            exported_at=context.exported_at,
            degraded=context.degraded,
            refund_amounts_known=header.layout.refund_amounts in header.index,
            received_fen=0 if header.layout.received in header.index else None,
            columns_used=header.used,
            columns_ignored=header.ignored,
            columns_missing=header.missing,
            columns_doubled=header.doubled,
        )
