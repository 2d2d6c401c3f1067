"""When an export was made, read from its file name."""

from __future__ import annotations

import re
from datetime import UTC, datetime

__all__ = ["moment_of"]

_TAOBAO = re.compile(r"ExportOrder(?:Detail)?List_?(20[0-9]{10})([0-9]{2})?(?![0-9])", re.ASCII | re.IGNORECASE)
_PINDUODUO = re.compile(
    r"orders_export(20[0-9]{2})-([0-9]{2})-([0-9]{2})-([0-9]{2})-([0-9]{2})-([0-9]{2})(?![0-9])", re.ASCII
)
_UNIX = re.compile(r"(1[0-9]{9})([0-9]{3})?(?![0-9])", re.ASCII)


def moment_of(file_name: str, platform: str) -> datetime | None:
    """
    Read the export moment out of a file name.

    Args:
        file_name: Without folders. Browsers put ` (1)` behind it, which does no harm.
        platform: Whose file it is; each names its files in its own way.

    Returns:
        The moment in UTC; None when the name tells none.

    Source: Taobao names files `ExportOrderListYYYYMMDDHHMM…` in Beijing time; names of Douyin files begin with a
    Unix timestamp in seconds (13 digits: milliseconds); Pinduoduo names files `…orders_exportYYYY-MM-DD-HH-MM-SS` in
    Beijing time. Names of the other platforms' files are not known to tell it.
    """
    if platform == "pinduoduo":
        stamp = _PINDUODUO.search(file_name)
        return None if stamp is None else _beijing("".join(stamp.groups()))
    if platform == "douyin":
        unix = _UNIX.match(file_name)
        return None if unix is None else datetime.fromtimestamp(int(unix[1]), UTC)
    taobao = _TAOBAO.search(file_name)
    return None if taobao is None else _beijing(f"{taobao[1]}{taobao[2] or '00'}")


def _beijing(digits: str) -> datetime | None:
    try:
        return datetime.strptime(f"{digits}+0800", "%Y%m%d%H%M%S%z").astimezone(UTC)
    except ValueError:  # other digits than a time stand there
        return None
