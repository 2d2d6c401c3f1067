"""Where the bytes of an export come from: a path opened anew for each pass, or an open file rewound."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

from crossloyalty.errors import UnreadableFile, WrongType

__all__ = ["Source"]

_SPOOLED_BYTES: Final = 8 << 20


class Source:
    """
    A file that can be read from its start more than once.

    Args:
        file: A path, or an open binary file read from where it stands.
        name: The original file name; None takes the path's own.

    Attributes:
        names: The file's name; of one taken out of an archive the name inside, then the archive's.

    Raises:
        WrongType: The file was opened as text, or is no file at all.
    """

    def __init__(self, file: str | os.PathLike[str] | BinaryIO, name: str | None) -> None:
        self._path: Path | None = None
        self._stream: Any = None
        self._owned = False
        self.start = 0
        if isinstance(file, (str, os.PathLike)):
            self._path = Path(file)
            self.names: tuple[str, ...] = (self._path.name if name is None else name,)
            return
        if not hasattr(file, "read"):
            raise WrongType(f"an export is a path or an open binary file, not {type(file).__name__}")
        if not isinstance(file.read(0), bytes):
            raise WrongType("open the export in binary mode: its encoding has to be seen")
        self._stream = file
        self.names = (_name_of(file) if name is None else name,)
        if _seekable(file):
            self.start = file.tell()
        else:
            # A pipe or an upload stream can be read once only: small ones stay in memory, large ones go to a file.
            self._stream = tempfile.SpooledTemporaryFile(_SPOOLED_BYTES)  # noqa: SIM115 - close() gives it back
            self._owned = True
            shutil.copyfileobj(file, self._stream)

    @classmethod
    def taken_over(cls, stream: BinaryIO, names: tuple[str, ...]) -> Source:
        """Make a source of a temporary file, which `close` gives back; *names*: see the attribute."""
        stream.seek(0)
        source = cls(stream, "")
        source.names = names
        source._owned = True
        return source

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """
        Give the bytes for one pass.

        Raises:
            UnreadableFile: The path cannot be opened.
        """
        if self._path is None:
            yield self._stream
            return
        try:
            stream = self._path.open("rb")
        except OSError as error:
            raise UnreadableFile(
                f"the file cannot be opened: {error.strerror}", sentence_zh="文件打不开，请重新上传"
            ) from error
        with stream:
            yield stream

    def close(self) -> None:
        """Give a temporary copy back; a file of the caller stays open."""
        if self._owned:
            self._stream.close()


def _seekable(file: Any) -> bool:
    try:
        return bool(file.seekable())
    except AttributeError:
        return False


def _name_of(file: Any) -> str:
    name = getattr(file, "name", None)
    return Path(name).name if isinstance(name, str) else ""
