"""Instants and local days: instants are microseconds since 1970 UTC, days are ISO texts in the program's time zone."""

from __future__ import annotations

import calendar as gregorian
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from crossloyalty.errors import ConfigError, WrongType, shown

__all__ = ["DAY_US", "Calendar", "instant_of", "is_aware", "shift_day", "time_of"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
DAY_US: Final = 86_400_000_000
# Every zone offset in use is a multiple of 15 minutes, so all instants of one such quarter share their local day.
_QUARTER_US: Final = 900_000_000


def is_aware(moment: object) -> bool:
    """Say whether something is a datetime with an offset; a host's zone that fails has none."""
    try:
        return isinstance(moment, datetime) and moment.utcoffset() is not None
    except Exception:  # noqa: BLE001 - the zone is the host's, and the caller names the value
        return False


def instant_of(moment: datetime) -> int:
    """
    Give an aware datetime as microseconds since 1970 UTC, exactly.

    Raises:
        WrongType: It is naive or no datetime.
    """
    # Nearly every moment bears this very zone, which needs no asking.
    if not (type(moment) is datetime and moment.tzinfo is UTC) and not is_aware(moment):
        raise WrongType(f"a time is an aware datetime: {shown(moment)}")
    return (moment - _EPOCH) // _MICROSECOND


def time_of(instant: int) -> datetime:
    """Give microseconds since 1970 as an aware UTC datetime."""
    return _EPOCH + timedelta(microseconds=instant)


@lru_cache(maxsize=8192)
def shift_day(day: str, days: int) -> str:
    """Give the ISO day *days* later (earlier when negative)."""
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()


class Calendar:
    """
    Local days of one time zone.

    Args:
        zone: An IANA name; business days are half-open, from 00:00 to 24:00 local time.

    Raises:
        ConfigError: The zone is unknown.
    """

    __slots__ = ("_days", "_starts", "_zone", "zone")

    def __init__(self, zone: str) -> None:
        try:
            self._zone = ZoneInfo(zone)
        except Exception as error:
            raise ConfigError(f"unknown timezone {shown(zone)}") from error
        self.zone = zone
        self._days: dict[int, str] = {}
        self._starts: dict[str, int] = {}

    def day(self, instant: int) -> str:
        """Give the local day an instant lies on."""
        quarter = instant // _QUARTER_US
        day = self._days.get(quarter)
        if day is None:
            if len(self._days) > 50_000:
                self._days = {}
            day = datetime.fromtimestamp(quarter * 900, self._zone).date().isoformat()
            self._days[quarter] = day
        return day

    def start(self, day: str) -> int:
        """Give the instant a local day begins: 00:00, or the first moment there is where a clock change skips it."""
        start = self._starts.get(day)
        if start is None:
            if len(self._starts) > 50_000:
                self._starts = {}
            midnight = datetime.combine(date.fromisoformat(day), datetime.min.time(), self._zone)
            start = self._starts[day] = instant_of(midnight.astimezone(UTC))
        return start

    def after_days(self, instant: int, days: int) -> int:
        """Give 00:00 local of the day that lies *days* behind the instant's own day."""
        return self.start(shift_day(self.day(instant), days))

    def end_after_days(self, instant: int, days: int) -> int:
        """Give the end (24:00, exclusive) of the local day that lies *days* behind the instant's own day."""
        return self.start(shift_day(self.day(instant), days + 1))

    def end_after_months(self, instant: int, months: int) -> int:
        """
        Give the end (24:00, exclusive) of the local day *months* later, clamped to the month's last day.

        31 January and one month is the end of 28 or 29 February (D6).
        """
        return self._after_months(self.day(instant), months)

    @lru_cache(maxsize=8192)  # noqa: B019 - calendars live as long as their program
    def _after_months(self, day: str, months: int) -> int:
        first = date.fromisoformat(day)
        month = first.month - 1 + months
        year, month = first.year + month // 12, month % 12 + 1
        last = date(year, month, min(first.day, gregorian.monthrange(year, month)[1]))
        return self.start((last + timedelta(days=1)).isoformat())
