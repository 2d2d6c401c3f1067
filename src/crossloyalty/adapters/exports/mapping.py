"""
How the columns of a host's own table become orders: tills (POS), offline shops, and whatever else writes a table.

A mapping is a frozen value and a JSON document; what is wrong in it is told with the place where it stands.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal, NoReturn
from zoneinfo import ZoneInfo

import attrs

from crossloyalty.adapters.exports.cells import BadCell, absent, bare, time_utc
from crossloyalty.adapters.exports.defects import DefectCode
from crossloyalty.adapters.exports.headers import normal_name
from crossloyalty.domain.jsontext import json_text
from crossloyalty.domain.keys import Platform
from crossloyalty.domain.orders import OrderKind, OrderStatus
from crossloyalty.errors import InvalidInput, WrongType, shown

__all__ = ["FIELDS", "ColumnMapping"]

FIELDS: Final = (
    "order_no",
    "line_id",
    "product_id",
    "category",
    "quantity",
    "gift",
    "line_paid",
    "line_refunded",
    "paid",
    "shipping",
    "subsidy",
    "own_value",
    "received",
    "refunded",
    "status",
    "kind",
    "created_at",
    "paid_at",
    "finished_at",
    "shop_id",
    "buyer_id",
)
_MOST_NAMES: Final = 10
_MOST_WORDS: Final = 200
_LONGEST_NAME: Final = 128
_UNIX: Final = ("unix", "unix_ms")


def _names(value: Any) -> Mapping[str, tuple[str, ...]]:
    if not isinstance(value, Mapping):
        raise WrongType(f"columns: a mapping of fields to column names, not {shown(value)}")
    columns: dict[str, tuple[str, ...]] = {}
    for field, names in value.items():
        place = f"columns.{field if field in FIELDS else shown(field)}"
        if field not in FIELDS:
            raise InvalidInput(f"{place}: no such field; there are {', '.join(FIELDS)}")
        listed = (names,) if isinstance(names, str) else names
        if not isinstance(listed, (list, tuple)) or not all(isinstance(name, str) for name in listed):
            raise WrongType(f"{place}: a column name or a list of them, not {shown(names)}")
        if not 1 <= len(listed) <= _MOST_NAMES:
            raise InvalidInput(f"{place}: 1 to {_MOST_NAMES} column names")
        for name in listed:
            if not normal_name(name) or len(name) > _LONGEST_NAME:
                raise InvalidInput(f"{place}: a column name has 1 to {_LONGEST_NAME} characters: {shown(name)}")
        columns[field] = tuple(listed)
    taken: dict[str, str] = {}
    for field, listed in columns.items():
        for name in listed:
            other = taken.setdefault(normal_name(name), field)
            if other != field:
                raise InvalidInput(f"columns.{field}: {shown(name)} is the column of {other} already")
    return columns


def _words(value: Any, what: str, kind: type[OrderStatus] | type[OrderKind]) -> Mapping[str, str]:
    if not isinstance(value, Mapping):
        raise WrongType(f"{what}: a mapping of words of the table to {kind.__name__} names, not {shown(value)}")
    if len(value) > _MOST_WORDS:
        raise InvalidInput(f"{what}: at most {_MOST_WORDS} words")
    words: dict[str, str] = {}
    for word, name in value.items():
        if not isinstance(word, str) or not normal_name(word):
            raise WrongType(f"{what}: a word of the table is text, not {shown(word)}")
        if not isinstance(name, str) or name not in kind.__members__:
            raise InvalidInput(f"{what}.{shown(word)}: one of {', '.join(kind.__members__)}, not {shown(name)}")
        words[word] = name
    return words


def _statuses(value: Any) -> Mapping[str, str]:
    return _words(value, "statuses", OrderStatus)


def _kinds(value: Any) -> Mapping[str, str]:
    return _words(value, "kinds", OrderKind)


def _formats(value: Any) -> tuple[str, ...]:
    listed = (value,) if isinstance(value, str) else value
    if not isinstance(listed, (list, tuple)) or not all(isinstance(each, str) for each in listed):
        raise WrongType(f"date_formats: a list of texts, not {shown(value)}")
    if len(listed) > _MOST_NAMES:
        raise InvalidInput(f"date_formats: at most {_MOST_NAMES}")
    for each in listed:
        if each not in _UNIX and not _keeps_the_minute(each):
            raise InvalidInput(
                f"date_formats: {shown(each)} does not tell year, month, day, hour and minute; "
                'write such as "%d.%m.%Y %H:%M", "unix" or "unix_ms"'
            )
    return tuple(listed)


def _keeps_the_minute(date_format: str) -> bool:
    """Whether a time written in this form and read again is the same to the minute; a day alone is the day's start."""
    moment = datetime(2026, 11, 23, 17, 46, tzinfo=UTC)
    try:
        back = datetime.strptime(moment.strftime(date_format), date_format).replace(tzinfo=UTC)
    except (ValueError, KeyError, IndexError, TypeError):
        return False
    return back in (moment, moment.replace(hour=0, minute=0))


def _unit(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if value not in ("yuan", "fen"):
        raise InvalidInput(f'{attribute.name}: "yuan" or "fen", not {shown(value)}')


def _platform(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    try:
        Platform(value, value)
    except (InvalidInput, TypeError) as error:
        raise InvalidInput(f"{attribute.name}: {error}") from error


def _zone(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, str):
        raise WrongType(f"{attribute.name}: the name of a time zone, not {shown(value)}")
    try:
        ZoneInfo(value)
    except (ValueError, OSError, LookupError) as error:
        raise InvalidInput(f"{attribute.name}: no time zone {shown(value)}") from error


def _status(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if value is not None and value not in OrderStatus.__members__:
        raise InvalidInput(f"{attribute.name}: one of {', '.join(OrderStatus.__members__)}, not {shown(value)}")


def _flag(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if type(value) is not bool:
        raise WrongType(f"{attribute.name}: true or false, not {shown(value)}")


@attrs.frozen(kw_only=True)
class ColumnMapping:
    """
    Which column of a table is which fact of an order.

    Args:
        platform: Whose numbers they are: `pos`, another built-in platform, or one of the program's own.
        columns: Field (see `FIELDS`) to the name of its column, or names it may bear, the preferred one first. Needed
            are `order_no` and one of `paid` (of the whole order, repeated on each of its rows) and `line_paid`.
        unit: Of all amounts: `yuan`, such as 12.50, or `fen`, whole numbers.
        timezone: Of all times, which are wall-clock times.
        date_formats: How times are written, as for `datetime.strptime`, or `unix` and `unix_ms`; the usual form
            `2026-11-01 10:00:00` is always read.
        statuses: Words of the column `status` and what they mean (names of `OrderStatus`).
        status: The status of every row of a table without such a column: a till's sales are FINISHED.
        kinds: Words of the column `kind` and what they mean (names of `OrderKind`).
        trust_long_ids: Numbers of more than 15 digits may end in zeros; otherwise these are taken for damaged ones.

    Raises:
        InvalidInput: Something in it cannot be, with the place where it stands.
        WrongType: Something in it is of another type.
    """

    platform: str = attrs.field(validator=_platform)
    columns: Mapping[str, tuple[str, ...]] = attrs.field(converter=_names)
    unit: Literal["yuan", "fen"] = attrs.field(default="yuan", validator=_unit)
    timezone: str = attrs.field(default="Asia/Shanghai", validator=_zone)
    date_formats: tuple[str, ...] = attrs.field(default=(), converter=_formats)
    statuses: Mapping[str, str] = attrs.field(factory=dict, converter=_statuses)
    status: str | None = attrs.field(default=None, validator=_status)
    kinds: Mapping[str, str] = attrs.field(factory=dict, converter=_kinds)
    trust_long_ids: bool = attrs.field(default=False, validator=_flag)

    def __attrs_post_init__(self) -> None:
        columns = self.columns
        if "order_no" not in columns:
            raise InvalidInput("columns.order_no: needed")
        if "paid" not in columns and "line_paid" not in columns:
            raise InvalidInput("columns.paid: needed, or columns.line_paid")
        if ("status" in columns) == (self.status is not None):
            raise InvalidInput("status: either columns.status with statuses, or one status for all rows")
        if ("status" in columns) != bool(self.statuses):
            raise InvalidInput("statuses: needed with columns.status, and only then")
        if ("kind" in columns) != bool(self.kinds):
            raise InvalidInput("kinds: needed with columns.kind, and only then")

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> ColumnMapping:
        """
        Read a mapping from plain data, such as a form's.

        Args:
            document: The arguments by name.

        Raises:
            InvalidInput: Something in it cannot be, with the place where it stands.
            WrongType: Something in it is of another type.
        """
        if not isinstance(document, Mapping):
            raise WrongType(f"a column mapping is an object, not {shown(document)}")
        known = [field.name for field in attrs.fields(cls)]
        for name in document:
            if name not in known:
                raise InvalidInput(f"{shown(name)}: no such part; there are {', '.join(known)}")
        for name in ("platform", "columns"):
            if name not in document:
                raise InvalidInput(f"{name}: needed")
        return cls(**document)

    @classmethod
    def from_json(cls, text: str | bytes) -> ColumnMapping:
        """
        Read a mapping from a JSON document.

        Raises:
            InvalidInput: It is no JSON, names something twice, or something in it cannot be.
            WrongType: Something in it is of another type.
        """
        try:
            document = json.loads(
                text, parse_float=_no_float, parse_constant=_no_float, object_pairs_hook=_no_doubled_names
            )
        except InvalidInput:
            raise
        except (ValueError, RecursionError, TypeError) as error:
            raise InvalidInput(f"a column mapping is a JSON document: {shown(text)}") from error
        return cls.from_document(document)

    def to_json(self) -> str:
        """Write the document `from_json` reads."""
        usual = {field.name: field.default for field in attrs.fields(type(self))}
        document = {
            name: value
            for name, value in attrs.asdict(self, recurse=False).items()
            if value != usual[name] and value != {}
        }
        return json_text({name: _plain(value) for name, value in document.items()})

    def time(self, cell: str) -> datetime | None:
        """
        Read a time of the table.

        Args:
            cell: As it stands there.

        Returns:
            The instant in UTC, or None when absent.

        Raises:
            BadCell: It is written in none of the forms.
        """
        text = bare(cell)
        if absent(text):
            return None
        zone = ZoneInfo(self.timezone)
        for date_format in self.date_formats:
            moment = _read(text, date_format, zone)
            if moment is not None:
                if not 2000 <= moment.year < 3000:
                    break
                return moment
        else:
            if self.timezone == "Asia/Shanghai":
                return time_utc(text)
            beijing = time_utc(text)  # its wall-clock digits count, in the table's own zone
            if beijing is not None:
                return beijing.astimezone(ZoneInfo("Asia/Shanghai")).replace(tzinfo=zone).astimezone(UTC)
        raise BadCell(DefectCode.TIME_INVALID, text)


def _read(text: str, date_format: str, zone: ZoneInfo) -> datetime | None:
    try:
        if date_format in _UNIX:
            if not (text.isascii() and text.isdigit() and len(text) <= 13):
                return None
            seconds, rest = divmod(int(text), 1000) if date_format == "unix_ms" else (int(text), 0)
            return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest * 1000)
        moment = datetime.strptime(text, date_format)  # noqa: DTZ007 - the zone follows
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return list(value) if isinstance(value, tuple) else value


def _no_float(text: str) -> NoReturn:
    raise InvalidInput(f"a column mapping holds no such number: {shown(text)}")


def _no_doubled_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        doubled = next(name for name, _ in pairs if sum(other == name for other, _ in pairs) > 1)
        raise InvalidInput(f"{shown(doubled)}: stands twice in one object")
    return found
