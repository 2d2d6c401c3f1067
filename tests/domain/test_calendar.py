"""Local days, month ends, leap days and clock changes."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossloyalty.domain.calendar import Calendar, instant_of, shift_day, time_of
from crossloyalty.errors import ConfigError, WrongType

SHANGHAI = Calendar("Asia/Shanghai")
ZONES = (
    "Asia/Shanghai",
    "UTC",
    "America/New_York",
    "America/Sao_Paulo",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Africa/Casablanca",
    "Asia/Beirut",
)


def _at(zone: str, *moment: int) -> int:
    return instant_of(datetime(*moment, tzinfo=ZoneInfo(zone)))  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2025, 3, 31, 15, 59, 59, 999_999, tzinfo=UTC), "2025-03-31"),
        (datetime(2025, 3, 31, 16, 0, tzinfo=UTC), "2025-04-01"),
        (datetime(2025, 3, 31, 16, 30, tzinfo=UTC), "2025-04-01"),
        (datetime(2028, 2, 28, 16, 0, tzinfo=UTC), "2028-02-29"),
        (datetime(1999, 12, 31, 16, 0, tzinfo=UTC), "2000-01-01"),
    ],
)
def test_days_are_local(moment: datetime, day: str) -> None:
    """A day begins at 00:00 local time and ends before the next one."""
    assert SHANGHAI.day(instant_of(moment)) == day


def test_shanghai_is_plain_0800_and_not_local_mean_time() -> None:
    """Days are counted at +08:00, not at the +08:06 that a misused zone library gives."""
    assert SHANGHAI.start("2026-11-01") == instant_of(datetime(2026, 11, 1, tzinfo=timezone(timedelta(hours=8))))


@pytest.mark.parametrize("day", ["1986-05-04", "1986-09-14", "1991-04-14", "1991-09-15"])
def test_summer_time_of_1986_to_1991_is_known(day: str) -> None:
    """Asia/Shanghai had summer time; date arithmetic is done on dates, so such days are days like others."""
    assert SHANGHAI.day(SHANGHAI.start(day)) == day
    assert SHANGHAI.day(SHANGHAI.start(day) - 1) == shift_day(day, -1)
    assert SHANGHAI.after_days(SHANGHAI.start(day), 1) == SHANGHAI.start(shift_day(day, 1))


def test_a_day_of_23_and_one_of_25_hours() -> None:
    """Where clocks change, local days are shorter or longer, and n days later is still 00:00 local."""
    new_york = Calendar("America/New_York")
    hour = 3_600_000_000
    assert new_york.start("2026-03-09") - new_york.start("2026-03-08") == 23 * hour
    assert new_york.start("2026-11-02") - new_york.start("2026-11-01") == 25 * hour
    assert new_york.after_days(_at("America/New_York", 2026, 3, 7, 22), 2) == _at("America/New_York", 2026, 3, 9)


def test_a_midnight_that_does_not_exist() -> None:
    """Where a clock change skips 00:00 the day begins at the first moment there is."""
    sao_paulo = Calendar("America/Sao_Paulo")
    start = sao_paulo.start("2018-11-04")
    assert sao_paulo.day(start) == "2018-11-04"
    assert sao_paulo.day(start - 1) == "2018-11-03"


def test_a_day_that_does_not_exist() -> None:
    """Samoa had no 30 December 2011; counting over it goes on."""
    apia = Calendar("Pacific/Apia")
    assert apia.day(_at("Pacific/Apia", 2011, 12, 29, 23, 59) + 60_000_000) == "2011-12-31"
    assert apia.start("2011-12-31") >= apia.start("2011-12-30")


@pytest.mark.parametrize(
    ("day", "months", "last"),
    [
        ("2027-01-31", 1, "2027-02-28"),
        ("2028-01-31", 1, "2028-02-29"),
        ("2028-02-29", 12, "2029-02-28"),
        ("2028-02-29", 48, "2032-02-29"),
        ("2026-10-31", 1, "2026-11-30"),
        ("2026-12-15", 1, "2027-01-15"),
        ("2026-11-20", 12, "2027-11-20"),
        ("2026-11-30", 3, "2027-02-28"),
        ("2026-01-31", 13, "2027-02-28"),
        ("2099-12-31", 2, "2100-02-28"),
    ],
)
def test_months_clamp_to_the_months_end(day: str, months: int, last: str) -> None:
    """+n months is the same day, or the month's last; the end is 24:00 of that day."""
    noon = SHANGHAI.start(day) + 12 * 3_600_000_000
    end = SHANGHAI.end_after_months(noon, months)
    assert SHANGHAI.day(end - 1) == last
    assert end == SHANGHAI.start(shift_day(last, 1))


def test_windows_end_with_their_last_day() -> None:
    """Two days behind a moment of the 5th is 00:00 of the 7th; a window of two days ends at 24:00 of the 7th."""
    noon = _at("Asia/Shanghai", 2026, 11, 5, 12)
    assert SHANGHAI.after_days(noon, 2) == _at("Asia/Shanghai", 2026, 11, 7)
    assert SHANGHAI.end_after_days(noon, 2) == _at("Asia/Shanghai", 2026, 11, 8)
    assert SHANGHAI.after_days(noon, 0) == _at("Asia/Shanghai", 2026, 11, 5)


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../etc/passwd", "Asia/Shanghai\x00", "x" * 300])
def test_unknown_zones_are_config_errors(zone: str) -> None:
    """A zone nobody knows is refused when the calendar is made."""
    with pytest.raises(ConfigError):
        Calendar(zone)


@pytest.mark.parametrize("moment", [datetime(2026, 11, 1), date(2026, 11, 1), "2026-11-01", 0, None])  # noqa: DTZ001
def test_naive_times_are_refused(moment: object) -> None:
    """Only an aware datetime is an instant."""
    with pytest.raises(WrongType):
        instant_of(moment)  # type: ignore[arg-type]


moments = st.datetimes(datetime(2000, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(moments)
def test_instants_are_exact(moment: datetime) -> None:
    """Microseconds survive the way there and back, whatever the zone they came in."""
    assert time_of(instant_of(moment)) == moment
    assert instant_of(moment.astimezone(ZoneInfo("America/New_York"))) == instant_of(moment)


@given(moments, st.sampled_from(ZONES))
def test_every_instant_lies_on_its_local_date(moment: datetime, zone: str) -> None:
    """The day of an instant is the date its local clock shows, and the instant lies between its start and end."""
    calendar = Calendar(zone)
    instant = instant_of(moment)
    day = calendar.day(instant)
    assert day == moment.astimezone(ZoneInfo(zone)).date().isoformat()
    assert calendar.start(day) <= instant < calendar.end_after_days(instant, 0)


@given(moments, st.integers(1, 240))
def test_months_never_leave_their_month(moment: datetime, months: int) -> None:
    """n months later is n months later, on a day that is not behind the one it began on."""
    instant = instant_of(moment)
    first = date.fromisoformat(SHANGHAI.day(instant))
    last = date.fromisoformat(SHANGHAI.day(SHANGHAI.end_after_months(instant, months) - 1))
    assert (last.year * 12 + last.month) - (first.year * 12 + first.month) == months
    assert last.day <= first.day
    if last.day < first.day:
        assert (last + timedelta(days=1)).day == 1


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(-800, 800))
def test_shifting_days_is_date_arithmetic(day: date, days: int) -> None:
    """Days are shifted as dates and shifted back."""
    moved = shift_day(day.isoformat(), days)
    assert moved == (day + timedelta(days=days)).isoformat()
    assert shift_day(moved, -days) == day.isoformat()
