"""
The public way into an export file: `read_export`.

Two passes. The first (`survey`) decides about the whole file and raises when it cannot be read. The second
(`passing`) streams. Memory holds one order, the defects kept, and SQLite's page cache, whatever the file's size.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import datetime
from types import TracebackType
from typing import BinaryIO, Final

from crossloyalty.adapters.exports import aftersale, douyin, taobao
from crossloyalty.adapters.exports.moment import moment_of
from crossloyalty.adapters.exports.passing import Pass
from crossloyalty.adapters.exports.report import ExportProgress, ExportReport
from crossloyalty.adapters.exports.rows import Context
from crossloyalty.adapters.exports.source import Source
from crossloyalty.adapters.exports.survey import Survey, survey
from crossloyalty.application.ports import SourceCapabilities
from crossloyalty.domain.keys import clean_id
from crossloyalty.domain.orders import Order, Refund, checked_time
from crossloyalty.errors import InvalidInput, UnreadableFile, shown

__all__ = ["ExportReader", "read_export"]

_LAYOUTS: Final = (*taobao.LAYOUTS, *douyin.LAYOUTS, *aftersale.LAYOUTS)


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

    Args:
        file: A path, or an open binary file read from where it stands; an open one is not closed.
        shop_id: The shop the file comes from. Files carry none, and it is never guessed.
        platform: Such as `tmall`; None recognises it by the column names. Taobao and Tmall files are alike and
            count as `taobao` unless named.
        exported_at: When the file was made; used only when the file name does not tell.
        file_name: The original name of an upload; default is the path's own.
        progress: Called about every 1,000 rows, and at the end.

    Returns:
        A reader: iterate it for `Order` or `Refund` values (a file holds one kind) and look at its `report`
        afterwards, or ask `dry_run()` first. Close it, or use it in a `with` block.

    Raises:
        WrongType: The file was opened as text, or a time has no zone.
        InvalidInput: No such platform is read from files.
        UnreadableFile: The file as a whole cannot be read; it carries what to do in English and Chinese.

    Source: headers, encodings and traps are those of merchants' real files; no platform publishes the format.
    """
    clean_id(shop_id, "shop_id")
    platforms = list(dict.fromkeys(name for layout in _LAYOUTS for name in layout.platforms))
    if platform is not None and platform not in platforms:
        raise InvalidInput(f"export files are read from {', '.join(platforms)}, not from {shown(platform)}")
    if exported_at is not None:
        checked_time(exported_at, "exported_at")
    source = Source(file, file_name)
    try:
        with source.opened() as stream:
            found = survey(stream, source.start, _LAYOUTS)
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
    return ExportReader(source, found, platform, shop_id, moment_of(source.name, platform) or exported_at, progress)


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
        platform: str,
        shop_id: str,
        exported_at: datetime | None,
        progress: Callable[[ExportProgress], None] | None,
    ) -> None:
        self._source = source
        self._survey = survey
        self._progress = progress
        index = survey.header.index
        # Rows carry only the columns that are read, so nothing personal can be kept by mistake.
        self._places = sorted(set(index.values()))
        self._context = Context(
            platform=platform,
            shop_id=shop_id,
            exported_at=exported_at,
            degraded=survey.degraded,
            places={field: self._places.index(place) for field, place in index.items()},
            spelled=survey.header.spelled,
        )
        self.report = self._new_report()

    @property
    def capabilities(self) -> SourceCapabilities:
        """Files carry no usable buyer identity (names and phones are masked), so members claim by hand."""
        return SourceCapabilities(refund_detail=self.report.refund_amounts_known)

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
            encoding=self._survey.encoding,
            delimiter=self._survey.delimiter,
            header_row=header.row,
            exported_at=context.exported_at,
            degraded=context.degraded,
            refund_amounts_known=header.layout.refund_amounts in header.index,
            columns_used=header.used,
            columns_ignored=header.ignored,
            columns_missing=header.missing,
            columns_doubled=header.doubled,
        )
