"""What a file is packed in: a zip archive with one table inside, or a workbook, which is such an archive itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import PurePosixPath
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, Final, cast
from zipfile import BadZipFile, ZipFile, ZipInfo
from zlib import error as zlib_error

from crossloyalty.adapters.exports.headers import Layout
from crossloyalty.adapters.exports.report import ExportProgress
from crossloyalty.adapters.exports.source import Source
from crossloyalty.adapters.exports.workbook import lay_out
from crossloyalty.errors import CrossloyaltyError, UnreadableFile

__all__ = ["unpacked"]

_ZIP: Final = b"PK\x03\x04"
_SPOOLED_BYTES: Final = 8 << 20
_BLOCK_BYTES: Final = 1 << 16
_MOST_BYTES: Final = 2 << 30
_MOST_MEMBERS: Final = 10_000
_ENCRYPTED: Final = 0x1
_TABLES: Final = (".csv", ".tsv", ".txt", ".xls", ".xlsx")


def unpacked(
    source: Source, layouts: Sequence[Layout], progress: Callable[[ExportProgress], None] | None
) -> tuple[Source, str | None]:
    """
    Take the table out of what it is packed in.

    Args:
        source: The file; it is closed when another source takes its place.
        layouts: The kinds of file that are acceptable.
        progress: Called while a workbook is being opened.

    Returns:
        The source to read rows from, and the name of the sheet; None: the rows are delimited text.

    Raises:
        UnreadableFile: The archive is damaged, has a password, holds no table or several, or unpacks to too much.
        ConfigError: It is a workbook, and openpyxl is not installed.
    """
    for inside in (False, True):  # a workbook may lie in an archive, another archive may not
        with source.opened() as stream:
            stream.seek(source.start)
            if stream.read(len(_ZIP)) != _ZIP:
                return source, None
            with _archive(stream, source.start) as archive:
                if _is_workbook(archive):
                    spool, sheet = lay_out(_from(stream, source.start), archive, layouts, progress)
                    inner, names = spool, source.names
                elif inside:
                    return source, None  # text will not be found in it
                else:
                    member = _table(archive)
                    # The name inside tells the export moment more often than that of the archive.
                    inner, names = _extracted(archive, member), (PurePosixPath(member.filename).name, *source.names)
                    sheet = ""
        source.close()
        source = Source.taken_over(inner, names)
        if sheet:
            return source, sheet
    return source, None


def _from(stream: BinaryIO, start: int) -> BinaryIO:
    # zipfile finds the end of an archive by itself and does not mind what stands in front of it.
    stream.seek(start)
    return stream


@contextmanager
def _archive(stream: BinaryIO, start: int) -> Iterator[ZipFile]:
    try:
        with ZipFile(_from(stream, start)) as archive:
            if len(archive.infolist()) > _MOST_MEMBERS:
                raise _too_large()
            if any(member.flag_bits & _ENCRYPTED for member in archive.infolist()):
                raise UnreadableFile(
                    "the archive has a password; unpack it and upload the file inside",
                    sentence_zh="压缩包有密码，请解压后上传里面的文件",
                )
            yield archive
    except (BadZipFile, zlib_error, EOFError, OSError, ValueError, LookupError, NotImplementedError, RuntimeError) as e:
        if isinstance(e, CrossloyaltyError):
            raise
        raise UnreadableFile(
            "the archive is damaged; download it again and upload it as it is",
            sentence_zh="压缩包或 Excel 文件已损坏，请重新下载后直接上传",
        ) from e


def _is_workbook(archive: ZipFile) -> bool:
    names = {member.filename.casefold() for member in archive.infolist()}
    return "[content_types].xml" in names and "xl/workbook.xml" in names


def _table(archive: ZipFile) -> ZipInfo:
    tables = [
        member
        for member in archive.infolist()
        if member.filename.casefold().endswith(_TABLES) and not _is_litter(PurePosixPath(member.filename))
    ]
    if len(tables) != 1:
        found = "no table" if not tables else "more than one table"
        found_zh = "没有表格文件" if not tables else "有多个表格文件"
        raise UnreadableFile(
            f"the archive holds {found}; unpack it and upload the files one by one",
            sentence_zh=f"压缩包里{found_zh}，请解压后逐个上传",
        )
    return tables[0]


def _is_litter(path: PurePosixPath) -> bool:
    return path.name.startswith(("._", "~$", ".")) or "__MACOSX" in path.parts


def _extracted(archive: ZipFile, member: ZipInfo) -> BinaryIO:
    if member.file_size > _MOST_BYTES:
        raise _too_large()
    spool = cast(BinaryIO, SpooledTemporaryFile(_SPOOLED_BYTES))  # noqa: SIM115 - it is given to the caller
    try:
        with archive.open(member) as packed:
            size = 0
            while block := packed.read(_BLOCK_BYTES):
                size += len(block)
                if size > _MOST_BYTES:
                    raise _too_large()
                spool.write(block)
    except BaseException:
        spool.close()
        raise
    return spool


def _too_large() -> UnreadableFile:
    return UnreadableFile(
        "the archive unpacks to more than any export; export a shorter period",
        sentence_zh="压缩包解压后过大，请缩短时间范围后重新导出",
    )
